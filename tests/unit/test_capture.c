// SPDX-License-Identifier: GPL-2.0-only
/* Capture files: what is written is read; what is damaged is noticed. */
#include <errno.h>

#include "capture/capture_process.h"
#include "records.h"
#include "test.h"

static struct test_capture sample_capture(void)
{
	static const uint64_t counters[TICKPROF_COUNTER_MAX + 1] = {
		[TICKPROF_COUNTER_SAMPLES] = 7,
	};
	struct test_capture t = capture_begin();
	struct stream s = { .cpu = 3, .position = 4096 };
	uint64_t task;

	task = put_task(&s, 10, 11, 1, "proc", "thread");
	put_sample(&s, TICKPROF_SAMPLE_USER, 5, 0x1000, task, NOWHERE, NOWHERE);
	capture_flush(&t, &s);
	capture_write_events(t.w, "12345", 5);
	capture_write_meta(t.w, "odd", "a=b\nc\\n");
	capture_write_meta(t.w, CAPTURE_META_RATE, "99");
	capture_write_counters(t.w, counters);
	stream_deinit(&s);
	return t;
}

static void reads_what_was_written(void **state)
{
	struct test_capture t = sample_capture();
	uint64_t bytes;
	struct capture *c;
	const struct capture_chunk *chunks;
	size_t nr, i, rings = 0, events = 0;

	assert_int_equal(capture_writer_finish(t.w), 0);
	bytes = capture_writer_bytes(t.w);
	assert_int_equal(bytes, lseek(t.fd, 0, SEEK_END));
	assert_int_not_equal(capture_write_meta(t.w, "late", "1"), 0);
	assert_int_equal(capture_open_fd(t.fd, "test", &c), 0);
	assert_true(capture_complete(c));
	assert_null(capture_problem(c));
	assert_string_equal(capture_meta(c, "odd"), "a=b\nc\\n");
	assert_int_equal(capture_meta_number(c, CAPTURE_META_RATE), 99);
	assert_null(capture_meta(c, "absent"));
	assert_int_equal(capture_counters(c)[TICKPROF_COUNTER_SAMPLES], 7);
	chunks = capture_chunks(c, &nr);
	for (i = 0; i < nr; i++) {
		assert_int_equal((uintptr_t)chunks[i].payload % 8, 0);
		if (chunks[i].type == CAPTURE_RING) {
			rings++;
			assert_int_equal(chunks[i].cpu, 3);
			assert_int_equal(chunks[i].position, 4096);
		} else if (chunks[i].type == CAPTURE_EVENTS) {
			events++;
			assert_int_equal(chunks[i].size, 5);
			assert_memory_equal(chunks[i].payload, "12345", 5);
		}
	}
	assert_int_equal(rings, 1);
	assert_int_equal(events, 1);
	capture_close(c);
	capture_writer_destroy(t.w);
	close(t.fd);
}

static void write_errors_stick(void **state)
{
	struct capture_writer *w;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(capture_writer_create(fd, &w), -ENOSPC);
	close(fd);
	fd = memory_file();
	assert_int_equal(capture_writer_create(fd, &w), 0);
	close(fd);
	assert_int_equal(capture_write_meta(w, "a", "b"), -EBADF);
	assert_int_equal(capture_write_ring(w, 0, 0, "12345678", 8), -EBADF);
	assert_int_equal(capture_writer_finish(w), -EBADF);
	capture_writer_destroy(w);
}

static int copy_of(const char *data, size_t size)
{
	int fd = memory_file();

	assert_int_equal(write(fd, data, size), size);
	return fd;
}

static char *contents(struct test_capture *t, size_t *size)
{
	char *data;

	assert_int_equal(capture_writer_finish(t->w), 0);
	*size = lseek(t->fd, 0, SEEK_END);
	data = xmalloc(*size);
	assert_int_equal(pread(t->fd, data, *size, 0), *size);
	capture_writer_destroy(t->w);
	close(t->fd);
	return data;
}

/* Any length: refused, or read up to its last whole chunk and said to be incomplete. */
static void truncated_is_incomplete(void **state)
{
	struct test_capture t = sample_capture();
	size_t size, n, used, before = 0, refused = 0;
	char *data = contents(&t, &size);
	int err_fd = quiet_begin();

	for (n = 0; n < size; n++) {
		int fd = copy_of(data, n);
		struct capture *c = NULL;

		if (capture_open_fd(fd, "test", &c) == 0) {
			assert_false(capture_complete(c));
			assert_non_null(capture_problem(c));
			capture_chunks(c, &used);
			assert_true(used >= before && used > 0);
			before = used;
			capture_close(c);
		} else {
			assert_int_equal(before, 0);
			refused++;
		}
		close(fd);
	}
	quiet_end(err_fd);
	assert_true(refused > 32 && before > 5);
	free(data);
}

static void every_bit_flip_is_noticed(void **state)
{
	struct test_capture t = sample_capture();
	size_t size, bit;
	char *data = contents(&t, &size);
	int err_fd = quiet_begin();

	for (bit = 0; bit < size * 8; bit++) {
		struct capture *c = NULL;
		int fd;

		data[bit / 8] ^= 1 << bit % 8;
		fd = copy_of(data, size);
		if (capture_open_fd(fd, "test", &c) == 0) {
			if (capture_complete(c))
				fail_msg("bit %zu of byte %zu", bit % 8, bit / 8);
			capture_close(c);
		}
		close(fd);
		data[bit / 8] ^= 1 << bit % 8;
	}
	quiet_end(err_fd);
	free(data);
}

static void removed_chunk_is_noticed(void **state)
{
	struct test_capture t = sample_capture();
	struct capture *c;
	const struct capture_chunk *chunks;
	size_t size, nr, at, len;
	char *data = contents(&t, &size);
	int fd = copy_of(data, size);

	assert_int_equal(capture_open_fd(fd, "test", &c), 0);
	chunks = capture_chunks(c, &nr);
	at = (const char *)chunks[1].payload - (const char *)chunks[0].payload;
	len = (const char *)chunks[2].payload - (const char *)chunks[1].payload;
	at += 64 - 32;		/* behind the file header and the first chunk's */
	capture_close(c);
	close(fd);
	memmove(data + at, data + at + len, size - at - len);
	fd = copy_of(data, size - len);
	assert_int_equal(capture_open_fd(fd, "test", &c), 0);
	assert_false(capture_complete(c));
	assert_non_null(strstr(capture_problem(c), "totals"));
	capture_close(c);
	close(fd);
	free(data);
}

static void trailing_data_is_noticed(void **state)
{
	struct test_capture t = sample_capture();
	struct capture *c;
	size_t size;
	char *data = contents(&t, &size);
	int fd = copy_of(data, size);

	assert_int_equal(write(fd, "more", 4), 4);
	assert_int_equal(capture_open_fd(fd, "test", &c), 0);
	assert_false(capture_complete(c));
	capture_close(c);
	close(fd);
	free(data);
}

static void garbage_is_refused(void **state)
{
	static const char *const garbage[] = {
		"", "T", "\x1f\x8b\x08 a gzip file of sufficient length, so it seems",
		"TICKPROF and then something else of sufficient length",
	};
	struct capture *c = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(garbage); i++) {
		int fd = copy_of(garbage[i], strlen(garbage[i]));

		assert_int_equal(capture_open_fd(fd, "garbage", &c), -EBADMSG);
		assert_null(c);
		close(fd);
	}
	assert_int_equal(capture_open("/nonexistent/file", &c), -ENOENT);
	assert_int_equal(capture_open("/", &c), -EISDIR);
}

static void pipe_is_read(void **state)
{
	struct test_capture t = sample_capture();
	struct capture *c;
	size_t size;
	char *data = contents(&t, &size);
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], data, size), size);
	close(fds[1]);
	assert_int_equal(capture_open_fd(fds[0], "pipe", &c), 0);
	assert_true(capture_complete(c));
	capture_close(c);
	close(fds[0]);
	free(data);
}

static const struct capture_process_text shop = {
	.image = { .pid = 10, .nr_keys = 2, .start_time = 1ull << 40, .exec_id = 7 },
	.service = "shop",
	.keys = { "http.route", "" },
};

static void a_process_is_read_as_it_was_written(void **state)
{
	struct capture_process_text many = { .service = "" }, got;
	struct test_capture t = capture_begin();
	const struct capture_chunk *chunks;
	struct capture *c;
	size_t nr, i;

	many.image.nr_keys = CAPTURE_PROCESS_KEYS_MAX + 1;
	for (i = 0; i < CAPTURE_PROCESS_KEYS_MAX; i++)
		many.keys[i] = i % 2 ? "\xff\n" : "k";
	assert_int_equal(capture_write_process(t.w, &shop), 0);
	assert_int_equal(capture_write_process(t.w, &many), 0);
	/* What no reader knows does not bother it. */
	assert_int_equal(capture_write_chunk(t.w, 4711, "new", 3), 0);
	c = capture_end(&t);
	assert_true(capture_complete(c));
	chunks = capture_chunks(c, &nr);
	chunks += nr - 3;
	assert_int_equal(chunks[0].type, CAPTURE_PROCESS);
	assert_int_equal(capture_process_parse(&chunks[0], &got), 0);
	assert_memory_equal(&got.image, &shop.image, sizeof(got.image));
	assert_string_equal(got.service, "shop");
	assert_string_equal(got.keys[0], "http.route");
	assert_string_equal(got.keys[1], "");
	assert_int_equal(capture_process_parse(&chunks[1], &got), 0);
	assert_int_equal(got.image.nr_keys, CAPTURE_PROCESS_KEYS_MAX);
	assert_string_equal(got.service, "");
	assert_string_equal(got.keys[255], "\xff\n");
	capture_close(c);
}

/* At every length, and with every count of keys, from memory that ends where the chunk does. */
static void a_process_that_makes_no_sense_is_refused(void **state)
{
	struct test_capture t = capture_begin();
	struct capture_process_text got;
	const struct capture_chunk *whole;
	struct capture_chunk chunk;
	struct capture *c;
	size_t nr, size, n;
	char *exact;

	assert_int_equal(capture_write_process(t.w, &shop), 0);
	c = capture_end(&t);
	whole = capture_chunks(c, &nr);
	whole += nr - 1;
	chunk = *whole;
	size = chunk.size;
	for (n = 0; n <= size + 1; n++) {
		exact = xmalloc(n + !n);
		memset(exact, 'x', n);
		memcpy(exact, whole->payload, n < size ? n : size);
		chunk.payload = exact;
		chunk.size = n;
		assert_int_equal(capture_process_parse(&chunk, &got), n == size ? 0 : -EBADMSG);
		free(exact);
	}
	exact = xmalloc(size);
	memcpy(exact, whole->payload, size);
	chunk.payload = exact;
	chunk.size = size;
	for (n = 0; n < 300; n++) {
		((struct capture_process *)exact)->nr_keys = n < 299 ? n : UINT32_MAX;
		assert_int_equal(capture_process_parse(&chunk, &got), n == 2 ? 0 : -EBADMSG);
	}
	free(exact);
	capture_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_was_written),
		cmocka_unit_test(write_errors_stick),
		cmocka_unit_test(truncated_is_incomplete),
		cmocka_unit_test(every_bit_flip_is_noticed),
		cmocka_unit_test(removed_chunk_is_noticed),
		cmocka_unit_test(trailing_data_is_noticed),
		cmocka_unit_test(garbage_is_refused),
		cmocka_unit_test(pipe_is_read),
		cmocka_unit_test(a_process_is_read_as_it_was_written),
		cmocka_unit_test(a_process_that_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
