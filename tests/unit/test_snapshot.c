// SPDX-License-Identifier: GPL-2.0-only
/* /proc as records, from a copy of its layout and from this process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "record/snapshot.h"
#include "record/watch.h"
#include "symbol/object.h"
#include "test.h"

struct seen {
	char proc[64];
	struct snapshot *snapshot;
	uint8_t data[1 << 16];
	size_t size;
	int calls;
	struct cgroups *cgroups;
	struct watch *watch;
};

static int keep(void *arg, const void *records, size_t size)
{
	struct seen *s = arg;

	assert_true(s->size + size <= sizeof(s->data));
	memcpy(s->data + s->size, records, size);
	s->size += size;
	s->calls++;
	if (s->watch)
		watch_records(s->watch, records, size, true);
	return 0;
}

static const struct tickprof_record *nth(const struct seen *s, uint16_t type, int n)
{
	size_t at;

	for (at = 0; at < s->size; ) {
		const struct tickprof_record *rec = (const void *)(s->data + at);

		assert_true(rec->size >= 8 && rec->size % 8 == 0 && at + rec->size <= s->size);
		if (rec->type == type && !n--)
			return rec;
		at += rec->size;
	}
	return NULL;
}

static void write_file(const struct seen *s, int pid, const char *name, const char *text)
{
	__free char *dir = xasprintf("%s/%d", s->proc, pid);
	__free char *path = xasprintf("%s/%s", dir, name);
	FILE *f;

	mkdir(dir, 0755);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void make_process(const struct seen *s, int pid, const char *comm, unsigned long flags,
			 const char *maps)
{
	__free char *status = xasprintf("Name:\tx\nTgid:\t%d\nPid:\t%d\nPPid:\t7\n"
					"Uid:\t33\t34\t35\t36\nNSpid:\t%d\t12\n", pid, pid, pid);
	__free char *stat = xasprintf("%d (%s) S 7 1 1 0 -1 %lu 1 2 3 4 5 6 7 8 20 0 1 0 4711 0 0",
				      pid, comm, flags);

	write_file(s, pid, "status", status);
	write_file(s, pid, "stat", stat);
	write_file(s, pid, "cgroup", "0::/no-such-group\n");
	write_file(s, pid, "maps", maps);
}

static int setup(void **state)
{
	struct seen *s = xcalloc(1, sizeof(*s));

	strcpy(s->proc, "/tmp/tickprof-proc.XXXXXX");
	assert_non_null(mkdtemp(s->proc));
	s->snapshot = snapshot_create(s->proc, keep, s);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct seen *s = *state;
	__free char *command = xasprintf("rm -rf %s", s->proc);

	snapshot_destroy(s->snapshot);
	assert_int_equal(system(command), 0);
	free(s);
	return 0;
}

static const char MAPS[] =
	"55d0c0000000-55d0c0001000 r--p 00000000 fe:01 42                 /usr/bin/a b\n"
	"55d0c0001000-55d0c0003000 r-xp 00001000 fe:01 42                 /usr/bin/a b\n"
	"7f0000000000-7f0000001000 r-xp 00000000 103:0a 7                 /tmp/gone.so (deleted)\n"
	"7f0000002000-7f0000003000 r-xp 00000000 00:01 8                  /odd\\012name\n"
	"7f0000010000-7f0000020000 rwxp 00000000 00:00 0 \n"
	"7ffd00000000-7ffd00021000 rwxp 00000000 00:00 0                  [stack]\n"
	"7ffd00100000-7ffd00102000 r-xp 00000000 00:00 0                  [vdso]\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          [vsyscall]\n";

static void process_becomes_records(void **state)
{
	struct seen *s = *state;
	const struct tickprof_task *task;
	const struct tickprof_mmap *map;
	const struct tickprof_exec *exec;

	make_process(s, 10, "a (b) c\nd", 0x400000, MAPS);
	assert_int_equal(snapshot_process(s->snapshot, 10, 0), 1);
	task = (const void *)nth(s, TICKPROF_RECORD_TASK, 0);
	assert_int_equal(task->pid, 10);
	assert_int_equal(task->tid, 10);
	assert_int_equal(task->ns_pid, 12);
	assert_int_equal(task->ppid, 7);
	assert_int_equal(task->uid, 33);
	assert_int_equal(task->hdr.flags, 0);
	assert_int_equal(task->start_time, 47110000000ULL);
	assert_string_equal(task->process, "a (b) c\nd");

	map = (const void *)nth(s, TICKPROF_RECORD_MMAP, 0);
	assert_int_equal(map->addr, 0x55d0c0001000);
	assert_int_equal(map->len, 0x2000);
	assert_int_equal(map->offset, 0x1000);
	assert_int_equal(map->inode, 42);
	assert_int_equal(map->dev_major, 0xfe);
	assert_int_equal(map->dev_minor, 1);
	assert_string_equal(map->path, "/usr/bin/a b");
	map = (const void *)nth(s, TICKPROF_RECORD_MMAP, 1);
	assert_string_equal(map->path, "/tmp/gone.so");
	assert_int_equal(map->hdr.flags, TICKPROF_MMAP_DELETED);
	assert_int_equal(map->dev_major, 0x103);
	map = (const void *)nth(s, TICKPROF_RECORD_MMAP, 2);
	assert_string_equal(map->path, "/odd\nname");
	map = (const void *)nth(s, TICKPROF_RECORD_MMAP, 3);
	assert_string_equal(map->path, "");
	map = (const void *)nth(s, TICKPROF_RECORD_MMAP, 4);
	assert_string_equal(map->path, "");
	assert_null(nth(s, TICKPROF_RECORD_MMAP, 5));

	exec = (const void *)nth(s, TICKPROF_RECORD_EXEC, 0);
	assert_int_equal(exec->vdso, 0x7ffd00100000);
	assert_int_equal(exec->exec_id, 0);
	assert_int_equal(exec->start_time, task->start_time);
}

static void exec_id_is_passed_on(void **state)
{
	struct seen *s = *state;

	make_process(s, 10, "x", 0, MAPS);
	snapshot_process(s->snapshot, 10, 99);
	assert_int_equal(((struct tickprof_task *)nth(s, TICKPROF_RECORD_TASK, 0))->exec_id, 99);
	assert_int_equal(((struct tickprof_mmap *)nth(s, TICKPROF_RECORD_MMAP, 0))->exec_id, 99);
	assert_int_equal(((struct tickprof_exec *)nth(s, TICKPROF_RECORD_EXEC, 0))->exec_id, 99);
}

static void kernel_threads_have_no_image(void **state)
{
	struct seen *s = *state;
	const struct tickprof_task *task;

	make_process(s, 2, "kworker/u8:3-events_unbound", 0x208040, MAPS);
	assert_int_equal(snapshot_process(s->snapshot, 2, 0), 1);
	task = (const void *)nth(s, TICKPROF_RECORD_TASK, 0);
	assert_int_equal(task->hdr.flags, TICKPROF_TASK_KTHREAD);
	assert_string_equal(task->comm, "kworker/u8:3-ev");
	assert_null(nth(s, TICKPROF_RECORD_MMAP, 0));
	assert_null(nth(s, TICKPROF_RECORD_EXEC, 0));
}

static void gone_and_garbled_processes_are_passed_over(void **state)
{
	struct seen *s = *state;

	make_process(s, 10, "x", 0, "");
	make_process(s, 11, "y", 0, "nonsense\n\n7f-\n");
	write_file(s, 12, "status", "Tgid:\t12\n");
	write_file(s, 13, "stat", "13 (z) S");
	assert_int_equal(snapshot_process(s->snapshot, 14, 0), 0);
	assert_int_equal(snapshot_all(s->snapshot), 2);
	assert_int_equal(s->calls, 2);
	assert_null(nth(s, TICKPROF_RECORD_MMAP, 0));
}

static void this_process_is_found(void **state)
{
	struct seen *s = *state;
	struct snapshot *real = snapshot_create("/proc", keep, s);
	const struct tickprof_mmap *map;
	uintptr_t here = (uintptr_t)&this_process_is_found;
	bool found = false;
	int i;

	assert_int_equal(snapshot_process(real, getpid(), 0), 1);
	for (i = 0; (map = (const void *)nth(s, TICKPROF_RECORD_MMAP, i)); i++)
		if (here >= map->addr && here < map->addr + map->len)
			found = strstr(map->path, "test_snapshot");
	assert_true(found);
	assert_int_equal(((struct tickprof_exec *)nth(s, TICKPROF_RECORD_EXEC, 0))->vdso,
			 getauxval(AT_SYSINFO_EHDR));
	snapshot_destroy(real);
}

static void see_task(struct seen *s, uint32_t pid, uint64_t exec_id)
{
	struct tickprof_task task = {
		.hdr = { .type = TICKPROF_RECORD_TASK, .size = sizeof(task) },
		.pid = pid, .tid = pid, .exec_id = exec_id,
	};

	watch_records(s->watch, &task, sizeof(task), false);
}

static void see_fork(struct seen *s, uint32_t parent, uint32_t pid)
{
	struct tickprof_fork fork = {
		.hdr = { .type = TICKPROF_RECORD_FORK, .size = sizeof(fork) },
		.parent_pid = parent, .pid = pid, .tid = pid, .exec_id = 5,
	};

	watch_records(s->watch, &fork, sizeof(fork), false);
}

static void see_exec(struct seen *s, uint32_t pid, uint64_t exec_id)
{
	struct tickprof_exec exec = {
		.hdr = { .type = TICKPROF_RECORD_EXEC, .size = sizeof(exec) },
		.pid = pid, .tid = pid, .exec_id = exec_id,
	};

	watch_records(s->watch, &exec, sizeof(exec), false);
}

static void see_exit(struct seen *s, uint32_t pid)
{
	struct tickprof_exit leave = {
		.hdr = { .type = TICKPROF_RECORD_EXIT, .size = sizeof(leave) },
		.pid = pid, .tid = pid,
	};

	watch_records(s->watch, &leave, sizeof(leave), false);
}

static int ignore_cgroup(void *arg, uint64_t id, const char *path)
{
	return 0;
}

/* Two rounds: one that a task may be seen in, and one that began after it. */
static const struct watch_stats *settled(struct seen *s)
{
	assert_int_equal(watch_settle(s->watch), 0);
	assert_int_equal(watch_settle(s->watch), 0);
	return watch_stats(s->watch);
}

static void unknown_tasks_are_looked_up_once(void **state)
{
	struct seen *s = *state;
	struct objects *objects = objects_create();

	make_process(s, 10, "x", 0, "");
	make_process(s, 11, "y", 0, "");
	s->cgroups = cgroups_create(ignore_cgroup, NULL);
	s->watch = watch_create(objects, s->snapshot, s->cgroups, NULL, NULL, true);
	see_task(s, 10, 5);
	see_task(s, 10, 5);
	assert_int_equal(settled(s)->fallbacks, 1);
	see_task(s, 10, 5);
	see_fork(s, 10, 20);
	see_task(s, 20, 5);
	see_task(s, 11, 6);	/* the exec is in a ring drained later */
	see_exec(s, 11, 6);
	assert_int_equal(settled(s)->fallbacks, 1);
	see_task(s, 30, 7);
	assert_int_equal(settled(s)->gone, 1);
	see_task(s, 40, 5);	/* the fork is in a ring drained just before it */
	assert_int_equal(watch_settle(s->watch), 0);
	see_fork(s, 10, 40);
	assert_int_equal(settled(s)->gone, 1);
	see_exit(s, 10);
	see_task(s, 10, 8);
	assert_int_equal(settled(s)->fallbacks, 2);
	watch_destroy(s->watch);
	cgroups_destroy(s->cgroups);
	objects_destroy(objects);
}

static void without_mapping_events_each_exec_is_looked_up(void **state)
{
	struct seen *s = *state;
	struct objects *objects = objects_create();

	make_process(s, 10, "x", 0, "");
	s->cgroups = cgroups_create(ignore_cgroup, NULL);
	s->watch = watch_create(objects, s->snapshot, s->cgroups, NULL, NULL, false);
	assert_int_equal(snapshot_all(s->snapshot), 1);
	see_task(s, 10, 5);
	assert_int_equal(settled(s)->fallbacks, 0);
	see_exec(s, 10, 6);
	see_task(s, 10, 6);
	assert_int_equal(settled(s)->fallbacks, 1);
	see_task(s, 10, 6);
	assert_int_equal(settled(s)->fallbacks, 1);
	see_task(s, 10, 7);
	assert_int_equal(settled(s)->fallbacks, 2);
	watch_destroy(s->watch);
	cgroups_destroy(s->cgroups);
	objects_destroy(objects);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(process_becomes_records),
		TEST(exec_id_is_passed_on),
		TEST(kernel_threads_have_no_image),
		TEST(gone_and_garbled_processes_are_passed_over),
		TEST(this_process_is_found),
		TEST(unknown_tasks_are_looked_up_once),
		TEST(without_mapping_events_each_exec_is_looked_up),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
