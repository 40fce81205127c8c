// SPDX-License-Identifier: GPL-2.0-only
/*
 * This very program, recorded: its mappings and places in it and in libc. The
 * real symbolizer names them; with those names in the capture, and neither files
 * nor kernel at hand, the profile is the same to the byte.
 */
#include "profile/profile.h"
#include "records.h"
#include "synthetic.h"
#include "test.h"

void __attribute__((noinline)) known_function(void);
void known_function(void)
{
	__asm__ volatile("nop; nop; nop; nop");
}

static void put_own_mappings(struct stream *s)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096];

	while (fgets(line, sizeof(line), maps)) {
		unsigned long start, end, offset, inode;
		unsigned int major, minor;
		struct tickprof_mmap *r;
		char path[4096] = "";

		if (sscanf(line, "%lx-%lx r-xp %lx %x:%x %lu %4095s", &start, &end, &offset, &major,
			   &minor, &inode, path) < 6 || *path == '[')
			continue;
		r = put_mmap(s, 10, getpid(), 3, start, end - start, offset, path);
		r->inode = inode;
		r->dev_major = major;
		r->dev_minor = minor;
	}
	fclose(maps);
}

static struct test_capture own_capture(void)
{
	struct test_capture t = capture_begin();
	struct stream s = { 0 };
	uint64_t task, stack;

	put_own_mappings(&s);
	put_exec(&s, 11, getpid(), 3, 0);
	task = put_task(&s, getpid(), getpid(), 3, "test_offline", "test_offline");
	stack = PUT_STACK(&s, 0, (uintptr_t)qsort + 4, (uintptr_t)known_function + 2,
			  (uintptr_t)own_capture + 9, 0x1234);
	put_sample(&s, TICKPROF_SAMPLE_USER, 20, (uintptr_t)known_function + 1, task, NOWHERE,
		   stack);
	put_sample(&s, TICKPROF_SAMPLE_USER, 30, (uintptr_t)strtoull + 1, task, NOWHERE, stack);
	put_sample(&s, 0, 40, KERNEL_AT + 0x100, task, NOWHERE, stack);
	capture_flush(&t, &s);
	stream_deinit(&s);
	return t;
}

struct result {
	char pprof[65536];
	ssize_t size;
	char *folded;
	void *symbols;
	size_t symbols_size;
};

static void evaluate(struct capture *c, bool live, struct result *out)
{
	const struct symbolizer_options so = { .live = live, .lines = true };
	const struct profile_options po = { .live = live };
	struct objects *objects = objects_create();
	struct symbolizer *s = symbolizer_create(objects, &so);
	struct profile *p;
	int fd = memory_file();
	size_t size;
	FILE *f = open_memstream(&out->folded, &size);

	assert_int_equal(profile_create(c, objects, s, &po, &p), 0);
	assert_int_equal(profile_write_pprof(p, fd), 0);
	assert_int_equal(profile_write_folded(p, PROFILE_SAMPLES, f), 0);
	assert_int_equal(profile_symbols_pack(p, &out->symbols, &out->symbols_size), 0);
	out->size = pread(fd, out->pprof, sizeof(out->pprof), 0);
	assert_in_range(out->size, 100, sizeof(out->pprof) - 1);
	fclose(f);
	close(fd);
	profile_destroy(p);
	symbolizer_destroy(s);
	objects_destroy(objects);
	capture_close(c);
}

static void free_result(struct result *r)
{
	free(r->folded);
	free(r->symbols);
}

static void names_travel_with_the_capture(void **state)
{
	static struct result live, offline, bare;
	struct test_capture t = own_capture(), u = own_capture();
	struct capture *c;

	/* As record does: what was captured so far is read while the file is open. */
	assert_int_equal(capture_writer_finish(u.w), 0);
	assert_int_equal(capture_open_fd(u.fd, "live", &c), 0);
	evaluate(c, true, &live);
	assert_non_null(strstr(live.folded, ";known_function"));
	assert_non_null(strstr(live.folded, "own_capture"));
	assert_non_null(strstr(live.folded, "qsort"));

	assert_int_equal(capture_write_symbols(t.w, live.symbols, live.symbols_size), 0);
	evaluate(capture_end(&t), false, &offline);
	assert_string_equal(live.folded, offline.folded);
	assert_int_equal(live.size, offline.size);
	assert_memory_equal(live.pprof, offline.pprof, live.size);

	assert_int_equal(capture_open_fd(u.fd, "bare", &c), 0);
	evaluate(c, false, &bare);
	assert_null(strstr(bare.folded, "known_function"));
	free_result(&live);
	free_result(&offline);
	free_result(&bare);
	capture_writer_destroy(u.w);
	close(u.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_travel_with_the_capture),
	};

	known_function();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
