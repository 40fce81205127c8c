// SPDX-License-Identifier: GPL-2.0-only
/* Whose code lies at an address at a time: images through mmap, fork, exec and /proc. */
#include "process/processes.h"
#include "records.h"
#include "test.h"

static struct {
	struct processes *p;
	struct stream ring, proc;
} f;

static int setup(void **state)
{
	memset(&f, 0, sizeof(f));
	f.p = processes_create();
	return 0;
}

static int teardown(void **state)
{
	processes_destroy(f.p);
	stream_deinit(&f.ring);
	stream_deinit(&f.proc);
	return 0;
}

static void feed(const struct stream *s, bool snapshot)
{
	size_t at;

	for (at = 0; at < s->size; at += ((struct tickprof_record *)(s->data + at))->size)
		processes_event(f.p, (void *)(s->data + at), snapshot);
}

static void seal(void)
{
	feed(&f.ring, false);
	feed(&f.proc, true);
	processes_seal(f.p);
}

/* "file+offset", "anon+address", "vdso+offset" or "none". */
static const char *at(uint32_t pid, uint64_t exec_id, uint64_t time, uint64_t address)
{
	static char text[128];
	struct image *image = processes_image(f.p, pid, START_OF(pid), exec_id);
	struct place place;

	processes_lookup(image, time, address, &place);
	switch (place.kind) {
	case PLACE_NONE:
		return "none";
	case PLACE_FILE:
		snprintf(text, sizeof(text), "%s+%lx", processes_file(f.p, place.file)->id.path,
			 (long)place.offset);
		break;
	case PLACE_ANON:
		snprintf(text, sizeof(text), "anon:%d+%lx", place.pid, (long)place.offset);
		break;
	case PLACE_VDSO:
		snprintf(text, sizeof(text), "vdso+%lx", (long)place.offset);
		break;
	}
	return text;
}

static uint32_t space(uint32_t pid, uint64_t exec_id, uint64_t time)
{
	return processes_space(f.p, processes_image(f.p, pid, START_OF(pid), exec_id), time);
}

static void own_mappings(void **state)
{
	put_mmap(&f.ring, 10, 5, 1, 0x1000, 0x1000, 0x4000, "/bin/a");
	put_mmap(&f.ring, 10, 5, 1, 0x8000, 0x2000, 0, "");
	put_exec(&f.ring, 11, 5, 1, 0x70000);
	seal();
	assert_string_equal(at(5, 1, 20, 0x1000), "/bin/a+4000");
	assert_string_equal(at(5, 1, 20, 0x1fff), "/bin/a+4fff");
	assert_string_equal(at(5, 1, 20, 0x2000), "none");
	assert_string_equal(at(5, 1, 20, 0xfff), "none");
	assert_string_equal(at(5, 1, 20, 0x9004), "anon:5+9004");
	assert_string_equal(at(5, 1, 20, 0x70010), "vdso+10");
	assert_string_equal(at(5, 1, 20, 0x74000), "none");
	assert_string_equal(at(5, 2, 20, 0x1000), "none");
	assert_string_equal(at(6, 1, 20, 0x1000), "none");
}

static void later_mappings_hide_earlier_ones(void **state)
{
	/* Told out of order, as several CPUs tell. */
	put_mmap(&f.ring, 30, 5, 1, 0x1800, 0x1000, 0, "/lib/new");
	put_mmap(&f.ring, 10, 5, 1, 0x1000, 0x1000, 0, "/lib/old");
	put_mmap(&f.ring, 50, 5, 1, 0x1000, 0x1000, 0, "/lib/old");
	seal();
	assert_string_equal(at(5, 1, 20, 0x1900), "/lib/old+900");
	assert_string_equal(at(5, 1, 30, 0x1900), "/lib/new+100");
	assert_string_equal(at(5, 1, 40, 0x1100), "/lib/old+100");
	assert_string_equal(at(5, 1, 60, 0x1900), "/lib/old+900");
	assert_string_equal(at(5, 1, 60, 0x2100), "/lib/new+900");
	assert_int_not_equal(space(5, 1, 20), space(5, 1, 30));
	assert_int_not_equal(space(5, 1, 30), space(5, 1, 60));
	assert_int_equal(space(5, 1, 30), space(5, 1, 49));
	/* Before anything was told: what came there first. */
	assert_string_equal(at(5, 1, 5, 0x1100), "/lib/old+100");
}

static void apart_mappings_are_one_space(void **state)
{
	put_mmap(&f.ring, 10, 5, 1, 0x1000, 0x1000, 0, "/bin/a");
	put_mmap(&f.ring, 20, 5, 1, 0x2000, 0x1000, 0, "/bin/b");
	put_mmap(&f.ring, 30, 5, 1, 0x2000, 0x1000, 0, "/bin/b");
	put_mmap(&f.ring, 40, 5, 1, 0x9000, 0x1000, 0, "");
	put_mmap(&f.ring, 50, 5, 1, 0x9000, 0x2000, 0, "");
	seal();
	assert_int_equal(space(5, 1, 5), space(5, 1, 60));
}

static void fork_inherits_as_of_then(void **state)
{
	put_mmap(&f.ring, 10, 5, 1, 0x1000, 0x1000, 0, "/bin/a");
	put_fork(&f.ring, 20, 5, 6, 1);
	put_mmap(&f.ring, 30, 5, 1, 0x1000, 0x1000, 0, "/lib/parents");
	put_fork(&f.ring, 40, 6, 7, 1);
	put_mmap(&f.ring, 50, 6, 1, 0x1000, 0x1000, 0, "/lib/childs");
	put_mmap(&f.ring, 60, 5, 1, 0x5000, 0x1000, 0, "/lib/later");
	seal();
	assert_string_equal(at(6, 1, 45, 0x1004), "/bin/a+4");
	assert_string_equal(at(6, 1, 55, 0x1004), "/lib/childs+4");
	assert_string_equal(at(5, 1, 55, 0x1004), "/lib/parents+4");
	assert_string_equal(at(7, 1, 70, 0x1004), "/bin/a+4");
	assert_string_equal(at(6, 1, 70, 0x5004), "none");
	assert_int_equal(space(7, 1, 70), space(7, 1, 99));
	assert_int_not_equal(space(6, 1, 45), space(6, 1, 55));
}

static void childless_images_share_their_parents_space(void **state)
{
	put_mmap(&f.ring, 10, 5, 1, 0x1000, 0x1000, 0, "/bin/a");
	put_fork(&f.ring, 20, 5, 6, 1);
	put_fork(&f.ring, 21, 6, 7, 1);
	seal();
	assert_int_equal(space(6, 1, 30), space(5, 1, 30));
	assert_int_equal(space(7, 1, 30), space(5, 1, 30));
}

static void exec_forgets(void **state)
{
	put_mmap(&f.proc, 5, 5, 0, 0x1000, 0x1000, 0, "/bin/sh");
	put_fork(&f.ring, 20, 5, 6, 1);
	put_mmap(&f.ring, 29, 6, 2, 0x400000, 0x1000, 0, "/bin/ls");
	put_exec(&f.ring, 30, 6, 2, 0x7000);
	seal();
	assert_string_equal(at(6, 1, 25, 0x1004), "/bin/sh+4");
	assert_string_equal(at(6, 2, 31, 0x1004), "none");
	assert_string_equal(at(6, 2, 31, 0x400004), "/bin/ls+4");
	assert_string_equal(at(6, 2, 31, 0x7004), "vdso+4");
	assert_string_equal(at(6, 1, 25, 0x7004), "none");
	assert_string_equal(at(5, 1, 99, 0x1004), "/bin/sh+4");
}

/* /proc was read after the process had execed: it tells of the new image. */
static void snapshot_after_an_exec(void **state)
{
	put_exec(&f.ring, 10, 5, 9, 0);
	put_mmap(&f.proc, 20, 5, 0, 0x1000, 0x1000, 0, "/bin/new");
	put_task(&f.ring, 5, 5, 8, "x", "x");
	seal();
	assert_string_equal(at(5, 9, 30, 0x1004), "/bin/new+4");
	assert_string_equal(at(5, 8, 5, 0x1004), "none");
}

static void snapshot_is_of_the_first_image(void **state)
{
	put_exec(&f.proc, 5, 5, 0, 0x9000);
	put_mmap(&f.proc, 5, 5, 0, 0x1000, 0x1000, 0, "/bin/first");
	put_task(&f.ring, 5, 5, 3, "x", "x");
	put_mmap(&f.ring, 20, 5, 3, 0x1000, 0x800, 0, "/lib/over");
	put_mmap(&f.ring, 30, 5, 4, 0x2000, 0x1000, 0, "/bin/second");
	put_exec(&f.ring, 31, 5, 4, 0);
	seal();
	assert_string_equal(at(5, 3, 10, 0x1004), "/bin/first+4");
	assert_string_equal(at(5, 3, 25, 0x1004), "/lib/over+4");
	assert_string_equal(at(5, 3, 25, 0x1804), "/bin/first+804");
	assert_string_equal(at(5, 3, 25, 0x9010), "vdso+10");
	assert_string_equal(at(5, 4, 40, 0x1004), "none");
	assert_int_not_equal(space(5, 3, 10), space(5, 3, 25));
}

/* Nothing but a sample names the image: it is the first one, if it is the only one. */
static void snapshot_serves_an_image_met_late(void **state)
{
	put_mmap(&f.proc, 5, 5, 0, 0x1000, 0x1000, 0, "/bin/a");
	seal();
	assert_string_equal(at(5, 77, 10, 0x1004), "/bin/a+4");
	assert_string_equal(at(5, 78, 10, 0x1004), "none");
}

static void start_times_tell_processes_apart(void **state)
{
	struct tickprof_mmap *m = put_mmap(&f.ring, 10, 5, 1, 0x1000, 0x1000, 0, "/bin/a");
	struct image *image;
	struct place place;

	m->start_time = 1234567890;
	seal();
	/* /proc tells 10 ms units of the same time. */
	image = processes_image(f.p, 5, 1230000000, 1);
	processes_lookup(image, 20, 0x1000, &place);
	assert_int_equal(place.kind, PLACE_FILE);
	image = processes_image(f.p, 5, 1240000000, 1);
	processes_lookup(image, 20, 0x1000, &place);
	assert_int_equal(place.kind, PLACE_NONE);
}

/* Parents that are each other's parents, and long lines of forks: bounded. */
static void circles_and_chains_end(void **state)
{
	uint32_t pid;

	put_fork(&f.ring, 10, 1, 2, 1);
	put_fork(&f.ring, 10, 2, 1, 1);
	put_fork(&f.ring, 10, 3, 3, 1);
	put_mmap(&f.ring, 5, 100, 1, 0x1000, 0x1000, 0, "/bin/a");
	for (pid = 100; pid < 5000; pid++)
		put_fork(&f.ring, pid, pid, pid + 1, 1);
	seal();
	assert_string_equal(at(1, 1, 20, 0x1000), "none");
	space(1, 1, 20);
	assert_string_equal(at(200, 1, 20, 0x1000), "/bin/a+0");
	at(5000, 1, 20, 0x1000);
}

static void kinds_of_memory(void **state)
{
	put_mmap(&f.ring, 1, 5, 1, 0x1000, 0x1000, 0, "[heap]");
	put_mmap(&f.ring, 1, 5, 1, 0x2000, 0x1000, 0, "//anon");
	put_mmap(&f.ring, 1, 5, 1, 0x3000, 0x1000, 0, "[vdso]");
	put_mmap(&f.ring, 1, 5, 1, 0x4000, 0, 0, "/bin/empty");
	seal();
	assert_string_equal(at(5, 1, 2, 0x1004), "anon:5+1004");
	assert_string_equal(at(5, 1, 2, 0x2004), "anon:5+2004");
	assert_string_equal(at(5, 1, 2, 0x3004), "vdso+4");
	assert_string_equal(at(5, 1, 2, 0x4000), "none");
	assert_int_equal(processes_nr_files(f.p), 0);
}

static void files_are_one_by_identity(void **state)
{
	put_mmap(&f.ring, 1, 5, 1, 0x1000, 0x1000, 0, "/lib/a");
	put_mmap(&f.ring, 1, 6, 1, 0x1000, 0x1000, 0, "/lib/a");
	put_mmap(&f.ring, 1, 7, 1, 0x1000, 0x1000, 0, "/lib/a")->inode = 99;
	put_mmap(&f.ring, 1, 8, 1, 0x1000, 0x1000, 0, "/lib/a")->build_id_size = 20;
	put_mmap(&f.ring, 1, 9, 1, 0x1000, 0x1000, 0, "/lib/a")->hdr.flags = TICKPROF_MMAP_DELETED;
	seal();
	assert_int_equal(processes_nr_files(f.p), 4);
	assert_int_equal(processes_file(f.p, 1)->pid, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(own_mappings),
		TEST(later_mappings_hide_earlier_ones),
		TEST(apart_mappings_are_one_space),
		TEST(fork_inherits_as_of_then),
		TEST(childless_images_share_their_parents_space),
		TEST(exec_forgets),
		TEST(snapshot_after_an_exec),
		TEST(snapshot_is_of_the_first_image),
		TEST(snapshot_serves_an_image_met_late),
		TEST(start_times_tell_processes_apart),
		TEST(circles_and_chains_end),
		TEST(kinds_of_memory),
		TEST(files_are_one_by_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
