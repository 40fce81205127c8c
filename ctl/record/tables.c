// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unwind tables, compiled and uploaded in a thread of their own: see tables.h.
 *
 * What the thread shares with the recording is the queue, the numbers, and
 * nothing else: a job has its own descriptor of the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/intern.h"
#include "base/util.h"
#include "unwind_table/cache.h"
#include "command_files.h"
#include "no_table.h"
#include "tables.h"

struct job {
	struct job *next;
	int fd;				/* -1: the vDSO of this process */
	struct tickprof_file_key key;	/* as the kernel names the file */
	char *name;			/* its path, and for messages */
	pid_t pid;			/* in whose mount namespace; 0: the tool's */
	bool again;			/* a file of this key was counted before */
};

/* A file that has no table. */
struct missing {
	struct missing *next;
	char *name;
	char *reason;
};

struct tables {
	int session;
	struct intern *seen;		/* objects, and keys of files */
	struct unwind_cache *cache;	/* the thread's, as the next */
	struct intern *builds;		/* build id and size, with the sum of the table */
	pthread_t thread;
	pthread_mutex_t lock;		/* of all below */
	pthread_cond_t wake, idle;
	struct job *first, **last;
	bool busy, stop;
	bool full_said;
	struct tables_stats stats;
	struct missing *missing;	/* the last one first */
};

static void free_job(struct job *job)
{
	if (job->fd >= 0)
		close(job->fd);
	free(job->name);
	free(job);
}

/* One table to the module. Returns 0 or -errno. */
static int upload(struct tables *t, struct tickprof_table *table, const struct job *job)
{
	ssize_t done;

	do
		done = write(t->session, table, table->bytes);
	while (done < 0 && errno == EINTR && !t->stop);
	return done < 0 ? -errno : 0;
}

/*
 * Is there a file of this build id and size whose table is another one? The module
 * has taken that, and walks both files by it.
 */
static bool is_second(struct tables *t, const struct tickprof_table *table)
{
	const size_t from = offsetof(struct tickprof_table, start);
	struct tickprof_file_key build = table->file;
	struct intern_entry *seen;
	uintptr_t sum;

	if (!build.build_id_size)
		return false;
	build.inode = build.dev_major = build.dev_minor = 0;
	sum = libdeflate_crc32(0, (const uint8_t *)table + from, table->bytes - from) | 1ull << 32;
	seen = intern_get(t->builds, &build, sizeof(build));
	if (!seen->value)
		seen->value = (void *)sum;
	return seen->value != (void *)sum;
}

/* Without its lock: the thread alone runs this. */
static int run_job(struct tables *t, const struct job *job, struct unwind_table *table)
{
	const struct elf_origin origin = { .path = job->name, .pid = job->pid };
	int ret;

	if (job->fd < 0)
		ret = unwind_table_compile_vdso(table);
	else
		ret = unwind_cache_get(t->cache, job->fd, &origin, &job->key, table);
	if (!ret)
		ret = is_second(t, table->table) ? -EEXIST : upload(t, table->table, job);
	if (ret == -ENOSPC && !t->full_said) {
		warn("%s: no room for its unwind table: raise the module's parameter tables_max_mib",
			job->name);
		t->full_said = true;
	}
	return ret;
}

/* Under the lock. reason is taken over. */
static void count_job(struct tables *t, const struct job *job, const struct unwind_table *table,
		      char *reason, bool compiled)
{
	const struct unwind_cache_counts *cache = unwind_cache_counts(t->cache);
	struct missing *m;

	t->stats.given_up = cache->evicted;
	t->stats.damaged = cache->disbelieved;
	if (job->again) {
		free(reason);
		return;
	}
	if (!reason) {
		t->stats.loaded++;
		t->stats.compiled += compiled;
		t->stats.bytes += table->table->bytes;
		return;
	}
	m = xcalloc(1, sizeof(*m));
	*m = (struct missing) { t->missing, xstrdup(job->name), reason };
	t->missing = m;
	t->stats.none++;
}

/* Without the lock. */
static char *do_job(struct tables *t, const struct job *job, struct unwind_table *table,
		    bool *compiled)
{
	uint64_t before = unwind_cache_counts(t->cache)->compiles;
	char *reason = no_table_reason(table, run_job(t, job, table));

	*compiled = unwind_cache_counts(t->cache)->compiles != before;
	if (reason && !job->again)
		verbose("%s has no unwind table: %s", job->name, reason);
	return reason;
}

static void *thread(void *arg)
{
	struct tables *t = arg;

	pthread_mutex_lock(&t->lock);
	for (;;) {
		struct unwind_table table = { 0 };
		struct job *job = t->first;
		bool compiled;
		char *reason;

		if (t->stop)
			break;
		if (!job) {
			t->busy = false;
			pthread_cond_broadcast(&t->idle);
			pthread_cond_wait(&t->wake, &t->lock);
			continue;
		}
		t->busy = true;
		t->first = job->next;
		if (!t->first)
			t->last = &t->first;
		pthread_mutex_unlock(&t->lock);
		reason = do_job(t, job, &table, &compiled);
		pthread_mutex_lock(&t->lock);
		count_job(t, job, &table, reason, compiled);
		unwind_table_deinit(&table);
		free_job(job);
	}
	t->busy = false;
	pthread_cond_broadcast(&t->idle);
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void add_job(struct tables *t, int fd, const struct tickprof_file_key *key,
		    const char *name, pid_t pid)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->fd = fd;
	job->name = xstrdup(name);
	job->pid = pid;
	if (key)
		job->key = *key;
	if (key && key->inode) {
		struct intern_entry *seen = intern_get(t->seen, key, sizeof(*key));

		job->again = seen->value;
		seen->value = t;
	}
	pthread_mutex_lock(&t->lock);
	*t->last = job;
	t->last = &job->next;
	t->busy = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

static void free_tables(struct tables *t)
{
	unwind_cache_destroy(t->cache);
	intern_destroy(t->builds);
	intern_destroy(t->seen);
	free(t);
}

struct tables *tables_create(int session, const char *cache)
{
	struct tables *t = xcalloc(1, sizeof(*t));
	pthread_condattr_t attr;
	int ret;

	t->session = session;
	t->seen = intern_create();
	t->cache = unwind_cache_create(cache, UNWIND_CACHE_BYTES);
	t->builds = intern_create();
	t->last = &t->first;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, NULL);
	pthread_cond_init(&t->idle, &attr);
	pthread_condattr_destroy(&attr);
	ret = pthread_create(&t->thread, NULL, thread, t);
	if (!ret) {
		add_job(t, -1, NULL, "[vdso]", 0);
		return t;
	}
	warn("no thread for unwind tables (%s): stacks are walked by frame pointer", strerror(ret));
	free_tables(t);
	return NULL;
}

void tables_destroy(struct tables *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	while (t->first) {
		struct job *job = t->first;

		t->first = job->next;
		free_job(job);
	}
	while (t->missing) {
		struct missing *m = t->missing;

		t->missing = m->next;
		free(m->name);
		free(m->reason);
		free(m);
	}
	free_tables(t);
}

/*
 * Takes over fd, which may be none. The object tells how the kernel names the file,
 * whose device need not be what stat() says; NULL: nobody has mapped it yet.
 */
static bool add_file(struct tables *t, int fd, const struct object *object, const char *name)
{
	const struct object_id *id = object ? &object->id : NULL;
	struct tickprof_file_key key = { 0 };
	struct stat st;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) || (!id && !S_ISREG(st.st_mode))) {
		close(fd);
		return false;
	}
	key.size = st.st_size;
	key.inode = id ? id->inode : st.st_ino;
	key.dev_major = id ? id->dev_major : major(st.st_dev);
	key.dev_minor = id ? id->dev_minor : minor(st.st_dev);
	add_job(t, fd, &key, name, object ? object->pid : 0);
	return true;
}

void tables_add(struct tables *t, struct objects *objects, struct object *object)
{
	struct intern_entry *seen;
	int fd;

	if (!t || object->kind != OBJECT_FILE)
		return;
	seen = intern_get(t->seen, &object, sizeof(object));
	if (seen->value)
		return;
	fd = objects_fd(objects, object);
	if (fd < 0)
		return;		/* perhaps by way of another process */
	if (add_file(t, fcntl(fd, F_DUPFD_CLOEXEC, 0), object, object->id.path))
		seen->value = object;
}

static void add_path(void *arg, const char *path)
{
	add_file(arg, open(path, O_RDONLY | O_CLOEXEC), NULL, path);
}

static int add_own(struct dl_phdr_info *info, size_t size, void *arg)
{
	if (!info->dlpi_name[0])	/* the program itself */
		add_path(arg, "/proc/self/exe");
	else if (info->dlpi_name[0] == '/')
		add_path(arg, info->dlpi_name);
	return 0;
}

void tables_add_command(struct tables *t, const char *command)
{
	if (!t)
		return;
	if (command)
		command_files(command, add_path, t);
	dl_iterate_phdr(add_own, t);
}

void tables_settle(struct tables *t, uint32_t timeout_ms)
{
	struct timespec until;

	if (!t)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&t->lock);
	while (t->busy && !pthread_cond_timedwait(&t->idle, &t->lock, &until))
		;
	pthread_mutex_unlock(&t->lock);
}

void tables_stats(struct tables *t, struct tables_stats *out)
{
	const struct job *job;

	memset(out, 0, sizeof(*out));
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	*out = t->stats;
	for (job = t->first; job; job = job->next)
		out->waiting += !job->again;
	pthread_mutex_unlock(&t->lock);
}

static void write_number(struct capture_writer *w, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	capture_write_meta(w, key, text);
}

int tables_write_meta(struct tables *t, struct capture_writer *w)
{
	const struct missing *m;
	struct tables_stats s;
	unsigned int i = 0;

	tables_stats(t, &s);
	if (t) {
		write_number(w, CAPTURE_META_TABLES, s.loaded);
		write_number(w, CAPTURE_META_COMPILED, s.compiled);
		write_number(w, CAPTURE_META_WAITING, s.waiting);
		pthread_mutex_lock(&t->lock);
		m = t->missing;		/* what comes now is put before it */
		pthread_mutex_unlock(&t->lock);
		for (; m && i < CAPTURE_NO_TABLES_MAX; m = m->next, i++) {
			char *key __free = xasprintf(CAPTURE_META_NO_TABLE "%u", i);
			char *value __free = xasprintf("%s\t%s", m->name, m->reason);

			capture_write_meta(w, key, value);
		}
		verbose("unwind tables of %u files (%.1f MiB), %u of them compiled now; %u files have none",
			s.loaded, s.bytes / 1048576.0, s.compiled, s.none);
		if (s.given_up || s.damaged)
			verbose("tables kept on disk: %u were given up for room, %u were damaged or not ours",
				s.given_up, s.damaged);
	}
	return capture_write_meta(w, CAPTURE_META_UNWIND, t ? "tables" : "fp");
}
