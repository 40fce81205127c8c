// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/tickprof: open makes a session, mmap hands out its rings, poll waits for
 * them, write takes unwind tables. There is no read(): records are read where the
 * tick wrote them.
 *
 * Context: process. The file's module reference keeps the module while a
 * descriptor or a mapping lives, so unloading is refused until then.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/security.h>
#include <linux/tickprof.h>

#include "chardev.h"
#include "session.h"

static int chardev_open(struct inode *inode, struct file *file)
{
	struct tickprof_session *session;
	int err;

	if (!perfmon_capable())
		return -EPERM;
	err = security_locked_down(LOCKDOWN_PERF);
	if (err)
		return err;
	session = tickprof_session_create();
	if (!session)
		return -ENOMEM;
	file->private_data = session;
	return nonseekable_open(inode, file);
}

static int chardev_release(struct inode *inode, struct file *file)
{
	tickprof_session_destroy(file->private_data);
	return 0;
}

static int chardev_mmap(struct file *file, struct vm_area_struct *vma)
{
	const unsigned int shift = 32 - PAGE_SHIFT;	/* TICKPROF_MMAP_CPU() in pages */
	struct tickprof_ring *ring;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	ring = tickprof_session_ring(file->private_data, vma->vm_pgoff >> shift);
	if (!ring)
		return -ENXIO;
	return tickprof_ring_mmap(ring, vma, vma->vm_pgoff & (BIT(shift) - 1));
}

static ssize_t chardev_write(struct file *file, const char __user *from, size_t bytes,
			     loff_t *position)
{
	return tickprof_session_upload(file->private_data, from, bytes);
}

static __poll_t chardev_poll(struct file *file, poll_table *wait)
{
	struct tickprof_session *session = file->private_data;
	struct tickprof_ring *ring;
	unsigned int cpu;

	poll_wait(file, &session->stream.wait, wait);
	for_each_possible_cpu(cpu) {
		ring = tickprof_session_ring(session, cpu);
		if (!ring)
			return EPOLLERR;
		if (tickprof_ring_readable(ring))
			return EPOLLIN | EPOLLRDNORM;
	}
	return READ_ONCE(session->state) == TICKPROF_STATE_RUNNING ? 0 : EPOLLHUP;
}

static const struct file_operations chardev_fops = {
	.owner		= THIS_MODULE,
	.open		= chardev_open,
	.release	= chardev_release,
	.mmap		= chardev_mmap,
	.poll		= chardev_poll,
	.write		= chardev_write,
};

static struct miscdevice chardev = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "tickprof",
	.fops	= &chardev_fops,
	.mode	= 0600,
};

/* The session behind a descriptor, NULL if it is of something else. */
struct tickprof_session *tickprof_chardev_session(struct file *file)
{
	return file->f_op == &chardev_fops ? file->private_data : NULL;
}

int tickprof_chardev_init(void)
{
	return misc_register(&chardev);
}

void tickprof_chardev_exit(void)
{
	misc_deregister(&chardev);
}
