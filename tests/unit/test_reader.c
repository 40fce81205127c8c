// SPDX-License-Identifier: GPL-2.0-only
/* The reader against a ring in memory that this file writes as the module would. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "record/reader.h"
#include "test.h"

enum { PAGE = 4096, SIZE = 4096, SPANS = 8 };

struct fake {
	_Alignas(64) uint8_t reader[PAGE];
	_Alignas(64) uint8_t writer[PAGE + SIZE];
	struct ring ring;
	struct reader_span spans[SPANS];
	uint8_t copy[SPANS][SIZE];
	int nr;
	int refuse;		/* what the sink answers */
};

static struct tickprof_ring_writer *writer(struct fake *f)
{
	return (void *)f->writer;
}

static uint64_t tail(const struct fake *f)
{
	return ((const struct tickprof_ring_reader *)f->reader)->tail;
}

static void put(struct fake *f, uint16_t type, uint32_t size)
{
	uint64_t at = writer(f)->head & (SIZE - 1);
	struct tickprof_record *rec = (void *)(f->writer + PAGE + at);

	assert_true(at + size <= SIZE);
	*rec = (struct tickprof_record){ .type = type, .size = size };
	memset(rec + 1, 0x5a, size - sizeof(*rec));
	writer(f)->head += size;
}

static int keep(void *arg, const struct reader_span *span)
{
	struct fake *f = arg;

	if (f->refuse)
		return f->refuse;
	assert_true(f->nr < SPANS);
	memcpy(f->copy[f->nr], span->data, span->size);
	f->spans[f->nr++] = *span;
	return 0;
}

static int64_t drain(struct fake *f)
{
	f->nr = 0;
	return ring_drain(&f->ring, keep, f);
}

static int setup(void **state)
{
	struct fake *f = xcalloc(1, sizeof(*f));

	*writer(f) = (struct tickprof_ring_writer){
		.size = SIZE, .cpu = 3, .abi = TICKPROF_ABI_VERSION,
	};
	*state = f;
	return ring_init(&f->ring, 3, f->reader, f->writer, PAGE, SIZE);
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void empty_ring_gives_nothing(void **state)
{
	struct fake *f = *state;

	assert_int_equal(drain(f), 0);
	assert_int_equal(f->nr, 0);
}

static void records_come_whole_and_in_place(void **state)
{
	struct fake *f = *state;

	put(f, TICKPROF_RECORD_TASK, sizeof(struct tickprof_task));
	put(f, TICKPROF_RECORD_SAMPLE, sizeof(struct tickprof_sample));
	assert_int_equal(drain(f), sizeof(struct tickprof_task) + sizeof(struct tickprof_sample));
	assert_int_equal(f->nr, 1);
	assert_ptr_equal(f->spans[0].data, f->writer + PAGE);
	assert_int_equal(f->spans[0].cpu, 3);
	assert_int_equal(f->spans[0].position, 0);
	assert_int_equal(f->spans[0].types,
			 1u << TICKPROF_RECORD_TASK | 1u << TICKPROF_RECORD_SAMPLE);
	assert_int_equal(tail(f), writer(f)->head);
	assert_int_equal(drain(f), 0);
}

static void end_of_the_ring_splits_spans(void **state)
{
	struct fake *f = *state;

	put(f, TICKPROF_RECORD_SAMPLE, SIZE - 64);
	assert_int_equal(drain(f), SIZE - 64);
	put(f, TICKPROF_RECORD_PAD, 64);
	put(f, TICKPROF_RECORD_SAMPLE, 128);
	assert_int_equal(drain(f), 64 + 128);
	assert_int_equal(f->nr, 2);
	assert_int_equal(f->spans[0].types, 1u << TICKPROF_RECORD_PAD);
	assert_int_equal(f->spans[0].position, SIZE - 64);
	assert_int_equal(f->spans[1].position, SIZE);
	assert_ptr_equal(f->spans[1].data, f->writer + PAGE);
}

static void full_ring_is_read(void **state)
{
	struct fake *f = *state;

	put(f, TICKPROF_RECORD_SAMPLE, SIZE);
	assert_int_equal(drain(f), SIZE);
	assert_int_equal(f->spans[0].size, SIZE);
}

static void positions_beyond_32_bits(void **state)
{
	struct fake *f = *state;
	uint64_t start = (1ULL << 40) + SIZE - 32;

	((struct tickprof_ring_reader *)f->reader)->tail = start;
	writer(f)->head = start;
	assert_int_equal(ring_init(&f->ring, 3, f->reader, f->writer, PAGE, SIZE), 0);
	put(f, TICKPROF_RECORD_LOST, 32);
	put(f, TICKPROF_RECORD_LOST, 32);
	assert_int_equal(drain(f), 64);
	assert_int_equal(f->spans[1].position, start + 32);
}

static void types_of_later_versions_pass(void **state)
{
	struct fake *f = *state;

	put(f, 200, 24);
	put(f, TICKPROF_RECORD_SAMPLE, 48);
	assert_int_equal(drain(f), 72);
	assert_int_equal(f->spans[0].types, 1u | 1u << TICKPROF_RECORD_SAMPLE);
}

static void refused(struct fake *f)
{
	uint64_t before = tail(f);

	assert_int_equal(drain(f), -EBADMSG);
	assert_int_equal(tail(f), before);
	assert_int_equal(f->nr, 0);
}

static void damage(struct fake *f, uint32_t size)
{
	struct tickprof_record *rec = (void *)(f->writer + PAGE);

	rec->size = size;
	refused(f);
}

static void sizes_that_do_not_add_up(void **state)
{
	struct fake *f = *state;

	put(f, TICKPROF_RECORD_SAMPLE, 48);
	damage(f, 0);
	damage(f, 4);
	damage(f, 44);
	damage(f, 56);
	damage(f, UINT32_MAX);
	damage(f, UINT32_MAX - 7);
	((struct tickprof_record *)(f->writer + PAGE))->size = 48;
	assert_int_equal(drain(f), 48);
}

static void heads_that_cannot_be(void **state)
{
	struct fake *f = *state;

	put(f, TICKPROF_RECORD_SAMPLE, 48);
	writer(f)->head = SIZE + 8;
	refused(f);
	writer(f)->head = 44;
	refused(f);
	writer(f)->head = (uint64_t)-8;
	refused(f);
}

static void sink_failure_leaves_the_span(void **state)
{
	struct fake *f = *state;

	put(f, TICKPROF_RECORD_SAMPLE, 48);
	f->refuse = -ENOSPC;
	assert_int_equal(drain(f), -ENOSPC);
	assert_int_equal(tail(f), 0);
	f->refuse = 0;
	assert_int_equal(drain(f), 48);
}

static void headers_are_checked(void **state)
{
	struct fake *f = *state;
	struct tickprof_ring_writer *w = writer(f), good = *w;

	w->abi++;
	assert_int_equal(ring_init(&f->ring, 3, f->reader, w, PAGE, SIZE), -EPROTONOSUPPORT);
	*w = good;
	w->cpu = 4;
	assert_int_equal(ring_init(&f->ring, 3, f->reader, w, PAGE, SIZE), -EBADMSG);
	*w = good;
	w->size = SIZE * 2;
	assert_int_equal(ring_init(&f->ring, 3, f->reader, w, PAGE, SIZE), -EBADMSG);
	w->size = 0;
	assert_int_equal(ring_init(&f->ring, 3, f->reader, w, PAGE, 0), -EBADMSG);
	w->size = SIZE + 8;
	assert_int_equal(ring_init(&f->ring, 3, f->reader, w, PAGE, SIZE + 8), -EBADMSG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(empty_ring_gives_nothing),
		TEST(records_come_whole_and_in_place),
		TEST(end_of_the_ring_splits_spans),
		TEST(full_ring_is_read),
		TEST(positions_beyond_32_bits),
		TEST(types_of_later_versions_pass),
		TEST(sizes_that_do_not_add_up),
		TEST(heads_that_cannot_be),
		TEST(sink_failure_leaves_the_span),
		TEST(headers_are_checked),
	};

	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
