// SPDX-License-Identifier: GPL-2.0-only
/*
 * The unwind tables that sessions have uploaded, one a file for the whole host,
 * and the files that sampled processes map.
 *
 * Context: process. One mutex, a leaf but for the allocator's locks: it is taken
 * under mmap_lock by space.c, so nothing that may fault is done under it.
 * Memory: a table as uploaded, about 50 bytes a file; both count against
 * tables_max_mib. A table goes with the last session that asked for it, a file
 * with the last address space that maps it.
 * Who reads without a lock: the tick, file->view, under RCU.
 */
#include <linux/elf.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "build_id.h"
#include "compat/file_path.h"
#include "memory.h"
#include "store.h"

#ifdef CONFIG_X86_64
#define MACHINE EM_X86_64
#else
#define MACHINE EM_AARCH64
#endif

struct stored_table {
	struct tickprof_table_view view;
	struct list_head all;
	u32 users;			/* sessions */
	struct tickprof_table *table;
};

struct table_use {
	struct list_head list;
	struct stored_table *stored;
};

static DEFINE_MUTEX(store_lock);
static LIST_HEAD(tables);
static DEFINE_HASHTABLE(files, 8);	/* by inode */
static u64 files_memory;
static u32 nr_tables;
u64 tickprof_store_epoch = 1ULL << 40;

#define FILES_MAX	65536
static u32 nr_files;

/* The vDSO's file: it never goes. */
static struct tickprof_file vdso;

void tickprof_store_init_users(struct tickprof_table_users *users)
{
	INIT_LIST_HEAD(&users->list);
}

/* linux/tickprof_table.h tells why. */
static bool same_file(const struct tickprof_file_key *a, const struct tickprof_file_key *b)
{
	if (a->size != b->size)
		return false;
	if (a->build_id_size && b->build_id_size)
		return a->build_id_size == b->build_id_size &&
		       !memcmp(a->build_id, b->build_id, a->build_id_size);
	return a->inode && a->inode == b->inode && a->dev_major == b->dev_major &&
	       a->dev_minor == b->dev_minor;
}

/* Their uploader has read the files: one without a build id has none. */
static bool same_tables(const struct tickprof_table *a, const struct tickprof_table *b)
{
	if ((a->flags ^ b->flags) & TICKPROF_TABLE_VDSO)
		return false;
	return a->flags & TICKPROF_TABLE_VDSO ||
	       (!a->file.build_id_size == !b->file.build_id_size && same_file(&a->file, &b->file));
}

static bool is_for(const struct stored_table *stored, const struct tickprof_file *file)
{
	bool of_vdso = stored->table->flags & TICKPROF_TABLE_VDSO;

	if (file == &vdso || of_vdso)
		return file == &vdso && of_vdso;
	return same_file(&stored->table->file, &file->key);
}

static void new_epoch(void)
{
	/*
	 * So far apart that no count of arrays gets from one to the next (space.c).
	 * Pairs with the acquire in unwind_tables.c: the pointers come first.
	 */
	smp_store_release(&tickprof_store_epoch, tickprof_store_epoch + (1ULL << 40));
}

/* store_lock held. */
static void publish(struct stored_table *stored)
{
	struct tickprof_file *file;
	int bucket;

	if (is_for(stored, &vdso))
		rcu_assign_pointer(vdso.view, &stored->view);
	hash_for_each(files, bucket, file, all)
		if (is_for(stored, file))
			rcu_assign_pointer(file->view, &stored->view);
	new_epoch();
}

/* store_lock held; a grace period must pass before the table goes. */
static void unpublish(struct stored_table *stored)
{
	struct tickprof_file *file;
	int bucket;

	if (rcu_access_pointer(vdso.view) == &stored->view)
		RCU_INIT_POINTER(vdso.view, NULL);
	hash_for_each(files, bucket, file, all)
		if (rcu_access_pointer(file->view) == &stored->view)
			RCU_INIT_POINTER(file->view, NULL);
	new_epoch();
}

/* store_lock held. */
static struct stored_table *find_table(const struct tickprof_table *like)
{
	struct stored_table *stored;

	list_for_each_entry(stored, &tables, all)
		if (same_tables(stored->table, like))
			return stored;
	return NULL;
}

static void free_table(struct stored_table *stored)
{
	kvfree(stored->table);
	kfree(stored);
}

static size_t table_memory(const struct stored_table *stored)
{
	return sizeof(*stored) + PAGE_ALIGN(stored->table->bytes);
}

/*
 * One of the same header is there: it gets one more user, and nothing is copied.
 * False: there is none, or another one, and the caller shall see whether it is valid.
 */
static bool share(struct table_use *use, const struct tickprof_table *header, size_t bytes)
{
	struct stored_table *stored;

	mutex_lock(&store_lock);
	stored = find_table(header);
	if (stored && header->bytes == bytes && !memcmp(stored->table, header, sizeof(*header))) {
		use->stored = stored;
		stored->users++;
	}
	mutex_unlock(&store_lock);
	return use->stored;
}

static int copy_table(struct stored_table *stored, const char __user *from, size_t bytes)
{
	int err;

	stored->table = kvmalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!stored->table)
		return -ENOMEM;
	if (copy_from_user(stored->table, from, bytes))
		return -EFAULT;
	err = tickprof_table_check(stored->table, bytes, MACHINE);
	if (!err)
		tickprof_table_open(stored->table, &stored->view);
	return err;
}

/* Takes over a checked table, or joins the users of one that was faster. */
static int keep(struct table_use *use, struct stored_table *stored)
{
	struct stored_table *other;
	int err = 0;

	mutex_lock(&store_lock);
	other = find_table(stored->table);
	if (!other)
		err = tickprof_memory_tables_allow(files_memory + table_memory(stored)) ? 0 : -ENOSPC;
	if (!other && !err) {
		list_add_tail(&stored->all, &tables);
		files_memory += table_memory(stored);
		nr_tables++;
		publish(stored);
		other = stored;
	}
	if (other) {
		use->stored = other;
		other->users++;
	}
	mutex_unlock(&store_lock);
	if (other != stored)
		free_table(stored);
	return err;
}

/* A session counts once, however often it uploads. */
static void add_use(struct tickprof_table_users *users, struct table_use *use)
{
	const struct table_use *other;

	list_for_each_entry(other, &users->list, list) {
		if (other->stored != use->stored)
			continue;
		mutex_lock(&store_lock);
		use->stored->users--;
		mutex_unlock(&store_lock);
		kfree(use);
		return;
	}
	list_add_tail(&use->list, &users->list);
}

/*
 * One whole table from user space. Returns bytes or: -EINVAL it is broken,
 * -EOPNOTSUPP another version's or machine's, -E2BIG, -ENOSPC the
 * module's bound on tables is reached, -ENOMEM, -EFAULT. The
 * caller serialises calls for one session.
 */
ssize_t tickprof_store_upload(struct tickprof_table_users *users, const char __user *from,
			      size_t bytes)
{
	struct tickprof_table header;
	struct stored_table *stored;
	struct table_use *use;
	int err;

	if (bytes < sizeof(header))
		return -EINVAL;
	if (bytes > TICKPROF_TABLE_BYTES_MAX)
		return -E2BIG;
	if (copy_from_user(&header, from, sizeof(header)))
		return -EFAULT;
	use = kzalloc(sizeof(*use), GFP_KERNEL_ACCOUNT);
	if (!use)
		return -ENOMEM;
	if (!share(use, &header, bytes)) {
		stored = kzalloc(sizeof(*stored), GFP_KERNEL_ACCOUNT);
		err = stored ? copy_table(stored, from, bytes) : -ENOMEM;
		if (err && stored)
			free_table(stored);
		if (!err)
			err = keep(use, stored);
		if (err) {
			kfree(use);
			return err;
		}
	}
	add_use(users, use);
	return bytes;
}

/* A session ends. Waits for a grace period if a table loses its last user. */
void tickprof_store_drop_users(struct tickprof_table_users *users)
{
	struct table_use *use, *next;
	struct stored_table *stored, *other;
	LIST_HEAD(gone);

	mutex_lock(&store_lock);
	list_for_each_entry_safe(use, next, &users->list, list) {
		stored = use->stored;
		kfree(use);
		if (--stored->users)
			continue;
		unpublish(stored);
		list_move(&stored->all, &gone);
		files_memory -= table_memory(stored);
		nr_tables--;
	}
	mutex_unlock(&store_lock);
	INIT_LIST_HEAD(&users->list);
	if (list_empty(&gone))
		return;
	synchronize_rcu();
	list_for_each_entry_safe(stored, other, &gone, all)
		free_table(stored);
}

/* Without a build id the tool knows the file by /proc/PID/maps or our MMAP record. */
static void fill_key(struct tickprof_file_key *key, const struct file *file)
{
	const struct inode *inode = tickprof_file_inode(file);

	*key = (struct tickprof_file_key){
		.inode = inode->i_ino,
		.size = i_size_read(file_inode(file)),
		.dev_major = MAJOR(inode->i_sb->s_dev),
		.dev_minor = MINOR(inode->i_sb->s_dev),
	};
	key->build_id_size = tickprof_build_id_read((struct file *)file, key->build_id);
}

/* store_lock held. The file as a new one, with the table that is there for it. */
static struct tickprof_file *add_file(const struct tickprof_file_key *key)
{
	struct tickprof_file *file;
	struct stored_table *stored;

	if (nr_files >= FILES_MAX)
		return NULL;
	file = kzalloc(sizeof(*file), GFP_KERNEL);
	if (!file)
		return NULL;
	file->key = *key;
	hash_add(files, &file->all, key->inode);
	nr_files++;
	files_memory += sizeof(*file);
	list_for_each_entry(stored, &tables, all)
		if (is_for(stored, file))
			rcu_assign_pointer(file->view, &stored->view);
	return file;
}

/* A reference on the file, which need not have a table yet. NULL: no memory. */
struct tickprof_file *tickprof_store_get_file(const struct file *file)
{
	struct tickprof_file_key key;
	struct tickprof_file *f, *found = NULL;

	fill_key(&key, file);
	mutex_lock(&store_lock);
	hash_for_each_possible(files, f, all, key.inode) {
		if (!memcmp(&f->key, &key, sizeof(key))) {
			found = f;
			break;
		}
	}
	if (!found)
		found = add_file(&key);
	if (found)
		atomic_inc(&found->users);
	mutex_unlock(&store_lock);
	return found;
}

struct tickprof_file *tickprof_store_get_vdso(void)
{
	atomic_inc(&vdso.users);
	return &vdso;
}

/* Any context. The file stays for tickprof_store_reap_files(). */
void tickprof_store_put_file(struct tickprof_file *file)
{
	atomic_dec(&file->users);
}

/* Frees files that nobody maps: their last reference went after a grace period. */
void tickprof_store_reap_files(void)
{
	struct tickprof_file *file;
	struct hlist_node *next;
	int bucket;

	mutex_lock(&store_lock);
	hash_for_each_safe(files, bucket, next, file, all) {
		if (atomic_read(&file->users))
			continue;
		hash_del(&file->all);
		nr_files--;
		files_memory -= sizeof(*file);
		kfree(file);
	}
	mutex_unlock(&store_lock);
}

/* Bytes that tables and files hold. */
u64 tickprof_store_memory(void)
{
	return READ_ONCE(files_memory);
}

u32 tickprof_store_tables(void)
{
	return READ_ONCE(nr_tables);
}
