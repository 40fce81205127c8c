// SPDX-License-Identifier: GPL-2.0-only
/*
 * New executable mappings of the task at hand as records: what is mapped, by
 * path, inode and build id.
 *
 * Context: of the task, whose root directory is the path's. d_path() takes locks
 * where somebody renames or mounts meanwhile, which sleep on PREEMPT_RT:
 * mapping_now.c is for kernels where it may be called from the hook itself,
 * mapping_later.c for those where it may not.
 * Limits: munmap is not seen; a mapping ends when another one covers it.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "build_id.h"
#include "compat/file_path.h"
#include "mapping.h"
#include "process.h"

/* The file's name in its own mount namespace; returns bytes with the NUL. */
static size_t fill_path(struct tickprof_mmap *record, char *buffer, const struct file *file)
{
	static const char too_long[] = "//toolong", deleted[] = " (deleted)";
	const struct path *path = tickprof_file_path(file);
	char *name = d_path(path, buffer, PATH_MAX);
	size_t len;

	if (IS_ERR(name)) {
		record->hdr.flags |= TICKPROF_MMAP_PATH_CUT;
		memcpy(buffer, too_long, sizeof(too_long));
		return sizeof(too_long);
	}
	len = strlen(name);
	if (d_unlinked(path->dentry)) {
		record->hdr.flags |= TICKPROF_MMAP_DELETED;
		if (len >= sizeof(deleted) && !strcmp(name + len - sizeof(deleted) + 1, deleted))
			len -= sizeof(deleted) - 1;
	}
	memmove(buffer, name, len);
	buffer[len] = '\0';
	return len + 1;
}

/* What the hook can tell without a lock; false if nobody wants to know of it. */
bool tickprof_mapping_see(struct tickprof_mapping *m, const struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_EXEC) || vma->vm_mm != current->mm ||
	    !tickprof_process_wanted(current))
		return false;
	*m = (struct tickprof_mapping){
		.file = vma->vm_file,
		.time = ktime_get_mono_fast_ns(),
		.addr = vma->vm_start,
		.len = vma->vm_end - vma->vm_start,
		.offset = (u64)vma->vm_pgoff << PAGE_SHIFT,
		.exec_id = current->self_exec_id,
	};
	return true;
}

/* buffer: NULL if there was none to be had. */
void tickprof_mapping_announce(const struct tickprof_mapping *m,
			       struct tickprof_mapping_buffer *buffer)
{
	struct tickprof_mmap *record;
	const struct inode *inode;
	size_t len = 1;

	if (!buffer) {
		tickprof_process_announce(current, NULL, 0, m->time);
		return;
	}
	BUILD_BUG_ON(offsetof(struct tickprof_mapping_buffer, path) != sizeof(*record));
	record = &buffer->record;
	*record = (struct tickprof_mmap){
		.hdr = { .type = TICKPROF_RECORD_MMAP },
		.time = m->time,
		.pid = current->tgid,
		.tid = current->pid,
		.start_time = current->group_leader->start_boottime,
		.exec_id = m->exec_id,
		.addr = m->addr,
		.len = m->len,
	};
	buffer->path[0] = '\0';
	if (m->file) {
		inode = tickprof_file_inode(m->file);
		record->offset = m->offset;
		record->inode = inode->i_ino;
		record->dev_major = MAJOR(inode->i_sb->s_dev);
		record->dev_minor = MINOR(inode->i_sb->s_dev);
		record->build_id_size = tickprof_build_id_read(m->file, record->build_id);
		len = fill_path(record, buffer->path, m->file);
	}
	memset(buffer->path + len, 0, round_up(len, 8) - len);
	record->hdr.size = sizeof(*record) + round_up(len, 8);
	tickprof_process_announce(current, record, record->hdr.size, m->time);
}
