// SPDX-License-Identifier: GPL-2.0-only
/*
 * The synthetic capture as pprof: read back with the generated parser. Leaves
 * TEST_OUT/golden.pb.gz and golden.folded, which tests/golden/pprof compares, and
 * the capture with its symbols, golden.data, for tests/golden/views.
 */
#include <zlib.h>

#include "profile/profile.h"
#include "proto/profile.pb-c.h"
#include "fake_symbols.h"
#include "synthetic.h"
#include "test.h"

static Tickprof__Profile *decode(const char *path)
{
	Tickprof__Profile *m;
	uint8_t *data = NULL;
	size_t size = 0, cap = 0;
	gzFile f = gzopen(path, "rb");
	int n = 0;

	assert_non_null(f);
	do {
		size += n;
		GROW(data, cap, size + 65536);
		n = gzread(f, data + size, cap - size);
	} while (n > 0);
	assert_int_equal(n, 0);
	assert_int_equal(gzclose(f), Z_OK);
	m = tickprof__profile__unpack(NULL, size, data);
	assert_non_null(m);
	free(data);
	return m;
}

static struct {
	struct capture *capture;
	struct objects *objects;
	struct symbolizer *symbolizer;
	struct profile *profile;
	Tickprof__Profile *m;
} t;

static void leave_capture(const struct profile *p)
{
	struct test_capture c = synthetic_begin();
	FILE *f = fopen(TEST_OUT "/golden.data", "w");
	char data[16384];
	void *symbols;
	ssize_t got;
	off_t at;
	size_t size;

	assert_int_equal(profile_symbols_pack(p, &symbols, &size), 0);
	assert_int_equal(capture_write_symbols(c.w, symbols, size), 0);
	assert_int_equal(capture_writer_finish(c.w), 0);
	for (at = 0; (got = pread(c.fd, data, sizeof(data), at)) > 0; at += got)
		fwrite(data, 1, got, f);
	assert_int_equal(fclose(f), 0);
	capture_writer_destroy(c.w);
	close(c.fd);
	free(symbols);
}

static int setup(void **state)
{
	const struct symbolizer_options so = { .live = true };
	const struct profile_options po = { 0 };
	int fd = open(TEST_OUT "/golden.pb.gz", O_RDWR | O_CREAT | O_TRUNC, 0644);
	FILE *f = fopen(TEST_OUT "/golden.folded", "w");

	t.capture = synthetic_capture();
	t.objects = objects_create();
	t.symbolizer = symbolizer_create(t.objects, &so);
	if (profile_create(t.capture, t.objects, t.symbolizer, &po, &t.profile))
		return -1;
	if (profile_write_pprof(t.profile, fd) || profile_write_folded(t.profile, PROFILE_SAMPLES, f))
		return -1;
	leave_capture(t.profile);
	fclose(f);
	close(fd);
	t.m = decode(TEST_OUT "/golden.pb.gz");
	return 0;
}

static int teardown(void **state)
{
	tickprof__profile__free_unpacked(t.m, NULL);
	profile_destroy(t.profile);
	symbolizer_destroy(t.symbolizer);
	objects_destroy(t.objects);
	capture_close(t.capture);
	return 0;
}

static const char *text(int64_t index)
{
	assert_in_range(index, 0, t.m->n_string_table - 1);
	return t.m->string_table[index];
}

static void head_is_fixed(void **state)
{
	assert_string_equal(text(0), "");
	assert_int_equal(t.m->n_sample_type, 4);
	assert_string_equal(text(t.m->sample_type[0]->type), "samples");
	assert_string_equal(text(t.m->sample_type[0]->unit), "count");
	assert_string_equal(text(t.m->sample_type[1]->type), "cpu");
	assert_string_equal(text(t.m->sample_type[1]->unit), "nanoseconds");
	assert_string_equal(text(t.m->sample_type[2]->type), "off_cpu");
	assert_string_equal(text(t.m->sample_type[2]->unit), "nanoseconds");
	assert_string_equal(text(t.m->sample_type[3]->type), "runq");
	assert_string_equal(text(t.m->sample_type[3]->unit), "nanoseconds");
	assert_string_equal(text(t.m->default_sample_type), "cpu");
	assert_string_equal(text(t.m->period_type->type), "cpu");
	assert_int_equal(t.m->period, 10000000);
	assert_int_equal(t.m->time_nanos, 1700000000000000000);
	assert_int_equal(t.m->duration_nanos, 2000000000);
}

static void values_add_up(void **state)
{
	int64_t count = 0, cpu = 0;
	size_t i;

	for (i = 0; i < t.m->n_sample; i++) {
		assert_int_equal(t.m->sample[i]->n_value, 4);
		assert_int_equal(t.m->sample[i]->value[2] + t.m->sample[i]->value[3], 0);
		count += t.m->sample[i]->value[0];
		cpu += t.m->sample[i]->value[1];
	}
	assert_int_equal(count, SYNTHETIC_SAMPLES);
	assert_int_equal(cpu, SYNTHETIC_SAMPLES * 10000000ll);
	assert_int_equal(t.m->n_sample, SYNTHETIC_SAMPLES - 1);	/* two are equal */
}

/* Every number names something that is there, ids are dense from 1. */
static void references_hold(void **state)
{
	size_t i, n;

	for (i = 0; i < t.m->n_function; i++) {
		assert_int_equal(t.m->function[i]->id, i + 1);
		assert_true(*text(t.m->function[i]->name));
	}
	for (i = 0; i < t.m->n_location; i++) {
		const Tickprof__Location *l = t.m->location[i];

		assert_int_equal(l->id, i + 1);
		assert_in_range(l->mapping_id, 0, t.m->n_mapping);
		for (n = 0; n < l->n_line; n++)
			assert_in_range(l->line[n]->function_id, 1, t.m->n_function);
	}
	for (i = 0; i < t.m->n_sample; i++)
		for (n = 0; n < t.m->sample[i]->n_location_id; n++)
			assert_in_range(t.m->sample[i]->location_id[n], 1, t.m->n_location);
	/* The first is the program most samples started in. */
	assert_string_equal(text(t.m->mapping[0]->filename), "/usr/bin/app");
	for (i = 0; i < t.m->n_mapping; i++) {
		assert_in_range(t.m->mapping[i]->id, 1, t.m->n_mapping);
		assert_true(t.m->mapping[i]->memory_start < t.m->mapping[i]->memory_limit);
	}
}

static const Tickprof__Label *label(const Tickprof__Sample *s, const char *key)
{
	size_t i;

	for (i = 0; i < s->n_label; i++)
		if (!strcmp(text(s->label[i]->key), key))
			return s->label[i];
	return NULL;
}

static void labels_are_there(void **state)
{
	size_t i, workers = 0;

	for (i = 0; i < t.m->n_sample; i++) {
		const Tickprof__Sample *s = t.m->sample[i];

		assert_non_null(label(s, "comm"));
		assert_non_null(label(s, "thread"));
		assert_null(label(s, "cpu"));
		if (!strcmp(text(label(s, "thread")->str), "worker")) {
			workers++;
			assert_int_equal(label(s, "pid")->num, 21);
			assert_int_equal(label(s, "tid")->num, 22);
			assert_string_equal(text(label(s, "comm")->str), "app");
		}
	}
	assert_int_equal(workers, 2);
}

static bool has_comment(const char *part)
{
	size_t i;

	for (i = 0; i < t.m->n_comment; i++)
		if (strstr(text(t.m->comment[i]), part))
			return true;
	return false;
}

static void comments_tell_what_is_missing(void **state)
{
	assert_true(has_comment("100 Hz"));
	assert_true(has_comment("host testhost, Linux 6.1.0-test x86_64"));
	assert_true(has_comment("6 samples lost"));
	assert_true(has_comment("2 stacks or tasks lost"));
	assert_true(has_comment("2 ticks given up"));
	assert_true(has_comment("3 ticks passed unserved"));
	assert_true(has_comment("9 user stacks: 5 complete, 2 cut at the depth limit, 2 cut at a page not resident"));
	assert_true(has_comment("1 samples of 32-bit tasks"));
	assert_true(has_comment("1 records of an unknown type"));
	assert_false(has_comment("made no sense"));
}

static void output_is_the_same_twice(void **state)
{
	char a[65536], b[65536];
	int first = open(TEST_OUT "/golden.pb.gz", O_RDONLY), second = memory_file();
	ssize_t n;

	assert_int_equal(profile_write_pprof(t.profile, second), 0);
	n = pread(first, a, sizeof(a), 0);
	assert_true(n > 500 && n < (ssize_t)sizeof(a));
	assert_int_equal(pread(second, b, sizeof(b), 0), n);
	assert_memory_equal(a, b, n);
	close(first);
	close(second);
}

static void write_errors_are_told(void **state)
{
	int fd = open("/dev/full", O_WRONLY);
	FILE *f = fopen("/dev/full", "w");

	assert_int_not_equal(profile_write_pprof(t.profile, fd), 0);
	assert_int_not_equal(profile_write_folded(t.profile, PROFILE_SAMPLES, f), 0);
	fclose(f);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_is_fixed),
		cmocka_unit_test(values_add_up),
		cmocka_unit_test(references_hold),
		cmocka_unit_test(labels_are_there),
		cmocka_unit_test(comments_tell_what_is_missing),
		cmocka_unit_test(output_is_the_same_twice),
		cmocka_unit_test(write_errors_are_told),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
