// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings announced on the way back to user mode, before the new code can run:
 * for PREEMPT_RT, where d_path() and the last put of a page may sleep and the
 * hook may not.
 *
 * Context: the hook has preemption off, allocates nothing and takes no lock. The
 * rest is task work: process context, preemptible, of the same task.
 * Memory: SLOTS of about 80 bytes; a page while a mapping is written.
 * Limits: a mapping that finds all slots waiting is a lost event.
 *
 * Unloading: each work under way holds a reference on the module (later.c), so that
 * rmmod refuses where a task cannot go on, and finds all slots given back.
 */
#include <linux/bitmap.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "later.h"
#include "mapping.h"

#define SLOTS	1024
#define TRIES	16	/* for a slot that others take at the same moment */

struct later {
	struct callback_head work;
	struct tickprof_mapping mapping;
};

static struct later *slots;
static DECLARE_BITMAP(taken, SLOTS);

static struct later *take_slot(void)
{
	unsigned int try, i;

	for (try = 0; try < TRIES; try++) {
		i = find_first_zero_bit(taken, SLOTS);
		if (i >= SLOTS)
			break;
		if (!test_and_set_bit_lock(i, taken))
			return &slots[i];
	}
	return NULL;
}

static void give_back(struct later *later)
{
	clear_bit_unlock(later - slots, taken);
}

static void announce(struct callback_head *work)
{
	struct later *later = container_of(work, struct later, work);
	struct tickprof_mapping_buffer *buffer = NULL;

	/* Whoever dies on the way back has no root directory any more, nor a sample there. */
	if (current->fs)
		buffer = kmalloc(sizeof(*buffer), GFP_KERNEL);
	tickprof_mapping_announce(&later->mapping, buffer);
	kfree(buffer);
	if (later->mapping.file)
		fput(later->mapping.file);
	give_back(later);
	tickprof_later_done();
}

void tickprof_mapping_hook(const struct vm_area_struct *vma)
{
	struct tickprof_mapping m;
	struct later *later;

	if (!tickprof_mapping_see(&m, vma) || current->flags & PF_KTHREAD)
		return;
	later = take_slot();
	if (!later) {
		tickprof_mapping_announce(&m, NULL);
		return;
	}
	later->mapping = m;
	if (m.file)
		get_file(m.file);
	if (tickprof_later_add(current, &later->work, announce))
		return;
	/* The task exits, or the module goes. The file is the mapping's too, so this is not its last reference. */
	if (m.file)
		fput(m.file);
	give_back(later);
	tickprof_mapping_announce(&m, NULL);
}

int tickprof_mapping_init(void)
{
	slots = kvcalloc(SLOTS, sizeof(*slots), GFP_KERNEL);
	return slots ? 0 : -ENOMEM;
}

void tickprof_mapping_exit(void)
{
	kvfree(slots);
}
