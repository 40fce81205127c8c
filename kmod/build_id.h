/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_BUILD_ID_H
#define TICKPROF_KMOD_BUILD_ID_H

#include <linux/tickprof.h>
#include <linux/types.h>

struct file;

u8 tickprof_build_id_read(struct file *file, u8 id[TICKPROF_BUILD_ID_MAX]);

#endif
