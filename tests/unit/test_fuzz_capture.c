// SPDX-License-Identifier: GPL-2.0-only
/*
 * Valid captures with random damage, all the way to the outputs: nothing may
 * crash, hang or be attributed to a place that is not there. Damage is done in
 * records before they are written (the checksums then hold), in the symbols, and
 * in the file. The seed is fixed; FUZZ_ROUNDS in the environment asks for more.
 */
#include "out/unwind.h"
#include "fake_symbols.h"
#include "synthetic_trace.h"
#include "test.h"

static uint64_t seed = 1;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 33) % below;
}

static unsigned int rounds(void)
{
	const char *wanted = getenv("FUZZ_ROUNDS");

	return wanted ? atoi(wanted) : 1500;
}

static void damage(void *data, size_t size)
{
	static const uint32_t odd[] = { 0, 1, 7, 8, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff };
	uint32_t n = 1 + rnd(6);

	while (n-- && size >= 16) {
		uint8_t *at = (uint8_t *)data + rnd(size - 8);

		switch (rnd(4)) {
		case 0:
			*at ^= 1 << rnd(8);
			break;
		case 1:
			*at = rnd(256);
			break;
		case 2:
			memcpy(data + (at - (uint8_t *)data) / 4 * 4, &odd[rnd(ARRAY_SIZE(odd))], 4);
			break;
		case 3:		/* another part of the same, so that types and sizes fit */
			memmove(data + rnd(size - 8) / 8 * 8, data + rnd(size - 8) / 8 * 8, 8);
			break;
		}
	}
}

/* Every stack that was cut is some file's fault. */
static void count_walks(const struct profile *p)
{
	struct unwind *u = unwind_create(p);
	uint64_t spoiled = 0, cut = 0;
	size_t i;

	for (i = 0; i < u->nr_rows; i++) {
		free(unwind_row_advice(u, &u->rows[i]));
		spoiled += u->rows[i].spoiled;
		cut += unwind_row_cut(&u->rows[i]);
	}
	assert_int_equal(spoiled, cut);
	unwind_destroy(u);
}

/* Everything a command would do with it. Whatever comes out has to hold together. */
static void use(struct capture *c)
{
	const struct symbolizer_options so = { .live = true };
	const struct profile_options po = { .each = rnd(2), .label_cpu = rnd(2), .walks = rnd(2),
					   .no_ids = rnd(2) };
	struct objects *objects = objects_create();
	struct symbolizer *s = symbolizer_create(objects, &so);
	struct profile *p = NULL;
	int null = open("/dev/null", O_WRONLY);
	FILE *f = fdopen(null, "w");
	void *blob;
	size_t size, i, n, depth;

	if (profile_create(c, objects, s, &po, &p) == 0) {
		uint32_t *stack = xmalloc(profile_depth_max(p) * sizeof(*stack));
		uint64_t samples = 0, waits = 0, off_cpu = 0;

		for (i = 0; i < p->nr_samples; i++) {
			depth = profile_stack(p, &p->samples[i], stack);
			for (n = 0; n < depth; n++)
				assert_in_range(stack[n], 1, p->nr_locations);
			assert_in_range(p->samples[i].task, 1, p->nr_tasks);
			assert_in_range(p->samples[i].wait, 0, p->nr_waits);
			assert_in_range(p->samples[i].context, 0, p->nr_contexts);
			samples += p->samples[i].count;
			waits += p->samples[i].waits;
			off_cpu += p->samples[i].off_cpu;
		}
		for (i = 0; i < p->nr_waits; i++)
			assert_true(*profile_wait_state(p->waits[i].state));
		assert_int_equal(samples, profile_nr_samples(p));
		assert_int_equal(waits, p->stats.waits + (po.each ? 0 : p->stats.short_waits));
		assert_int_equal(off_cpu, p->stats.off_cpu - (po.each ? p->stats.short_off_cpu : 0));
		assert_int_equal(profile_write_pprof(p, null), 0);
		assert_int_equal(profile_write_otlp(p, null), 0);
		assert_int_equal(profile_write_folded(p, PROFILE_SAMPLES, f), 0);
		assert_int_equal(profile_symbols_pack(p, &blob, &size), 0);
		free(blob);
		free(stack);
		if (po.walks)
			count_walks(p);
	}
	profile_destroy(p);
	symbolizer_destroy(s);
	objects_destroy(objects);
	fclose(f);
}

static void damaged_records(void **state)
{
	unsigned int i, n;

	for (i = 0; i < rounds(); i++) {
		struct test_capture t = capture_begin();
		struct stream s[4] = { { .position = 1 << 20 }, { .cpu = 1 }, { .cpu = 2 }, { 0 } };
		struct trace_stream spans = { .s = { .cpu = 3 } };
		struct capture *c;

		synthetic_cpu0(&s[0]);
		synthetic_cpu1(&s[1]);
		waits_app(&s[2], true);
		waits_others(&s[2]);
		synthetic_snapshot(&s[3]);
		rnd(2) ? trace_gateway(&spans) : trace_payment(&spans);
		n = rnd(5);
		if (n < 4)
			damage(s[n].data, s[n].size);
		else
			damage(spans.s.data, spans.s.size);
		capture_flush(&t, &s[0]);
		capture_flush(&t, &s[1]);
		capture_flush(&t, &s[2]);
		capture_flush(&t, &spans.s);
		capture_flush_events(&t, &s[3]);
		c = capture_end(&t);
		use(c);
		capture_close(c);
		for (n = 0; n < 4; n++)
			stream_deinit(&s[n]);
		stream_deinit(&spans.s);
	}
}

static void *packed(size_t *size)
{
	const struct symbolizer_options so = { .live = true };
	const struct profile_options po = { 0 };
	struct capture *c = synthetic_capture();
	struct objects *objects = objects_create();
	struct symbolizer *s = symbolizer_create(objects, &so);
	struct profile *p;
	void *blob;

	assert_int_equal(profile_create(c, objects, s, &po, &p), 0);
	assert_int_equal(profile_symbols_pack(p, &blob, size), 0);
	profile_destroy(p);
	symbolizer_destroy(s);
	objects_destroy(objects);
	capture_close(c);
	return blob;
}

static void damaged_symbols(void **state)
{
	size_t size;
	void *blob = packed(&size), *bad = xmalloc(size);
	int err_fd = quiet_begin();
	unsigned int i;

	for (i = 0; i < rounds(); i++) {
		struct test_capture t = synthetic_begin();
		struct capture *c;

		memcpy(bad, blob, size);
		damage(bad, size);
		capture_write_symbols(t.w, bad, rnd(8) ? size : rnd(size));
		c = capture_end(&t);
		use(c);
		capture_close(c);
	}
	quiet_end(err_fd);
	free(blob);
	free(bad);
}

static void damaged_files(void **state)
{
	struct test_capture t = synthetic_begin();
	int err_fd = quiet_begin();
	size_t size;
	char *data, *bad;
	unsigned int i;

	capture_writer_finish(t.w);
	size = lseek(t.fd, 0, SEEK_END);
	data = xmalloc(size);
	bad = xmalloc(size);
	assert_int_equal(pread(t.fd, data, size, 0), size);
	capture_writer_destroy(t.w);
	close(t.fd);
	for (i = 0; i < rounds(); i++) {
		size_t length = rnd(3) ? size : rnd(size);
		struct capture *c;
		int fd = memory_file();

		memcpy(bad, data, size);
		damage(bad, size);
		assert_int_equal(write(fd, bad, length), length);
		if (capture_open_fd(fd, "fuzz", &c) == 0) {
			/* Moving equal bytes may have changed nothing. */
			assert_true(!capture_complete(c) || !memcmp(data, bad, size));
			use(c);
			capture_close(c);
		}
		close(fd);
	}
	quiet_end(err_fd);
	free(data);
	free(bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_records),
		cmocka_unit_test(damaged_symbols),
		cmocka_unit_test(damaged_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
