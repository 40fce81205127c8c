/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_STORE_H
#define TICKPROF_KMOD_STORE_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/tickprof.h>

#include "table.h"

struct file;

/*
 * One file that somebody maps executably. The walk finds its table here, under
 * RCU; NULL until one was uploaded, and again when its last user has gone.
 */
struct tickprof_file {
	const struct tickprof_table_view __rcu *view;
	struct hlist_node all;
	struct tickprof_file_key key;
	atomic_t users;			/* mappings in arrays of address spaces */
};

/* The tables that one session has asked for. */
struct tickprof_table_users {
	struct list_head list;
};

void tickprof_store_init_users(struct tickprof_table_users *users);
ssize_t tickprof_store_upload(struct tickprof_table_users *users, const char __user *from,
			      size_t bytes);
void tickprof_store_drop_users(struct tickprof_table_users *users);

struct tickprof_file *tickprof_store_get_file(const struct file *file);
struct tickprof_file *tickprof_store_get_vdso(void);
void tickprof_store_put_file(struct tickprof_file *file);
void tickprof_store_reap_files(void);
u64 tickprof_store_memory(void);
u32 tickprof_store_tables(void);

/* Rises with every table that comes or goes: what was looked up before is void. */
extern u64 tickprof_store_epoch;

#endif
