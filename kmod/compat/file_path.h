/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The path a user sees for a mapped file, and the inode that /proc/PID/maps tells.
 * From Linux 6.8 (def3ae83da02) a file on a stacked filesystem is mapped through a
 * backing file whose own path is the lower one; file_user_path() gives the upper.
 * Before, f_path was it. Where there is a file_user_inode(), maps tells that of the
 * stacked filesystem, as stat() does; else the lower one.
 */
#ifndef TICKPROF_COMPAT_FILE_PATH_H
#define TICKPROF_COMPAT_FILE_PATH_H

#include <linux/fs.h>

static inline const struct path *tickprof_file_path(const struct file *file)
{
#ifdef TICKPROF_HAVE_FILE_USER_PATH
	return file_user_path((struct file *)file);
#else
	return &file->f_path;
#endif
}

static inline const struct inode *tickprof_file_inode(const struct file *file)
{
#ifdef TICKPROF_HAVE_FILE_USER_INODE
	return file_user_inode(file);
#else
	return file_inode(file);
#endif
}

#endif
