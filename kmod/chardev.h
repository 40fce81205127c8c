/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_CHARDEV_H
#define TICKPROF_KMOD_CHARDEV_H

struct file;
struct tickprof_session;

int tickprof_chardev_init(void);
void tickprof_chardev_exit(void);
struct tickprof_session *tickprof_chardev_session(struct file *file);

#endif
