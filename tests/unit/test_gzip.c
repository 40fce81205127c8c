// SPDX-License-Identifier: GPL-2.0-only
/* The gzip writer: what fits in memory and what does not comes out as it went in, as one member; errors are told. */
#include <errno.h>
#include <sys/mman.h>
#include <zlib.h>

#include "out/gzip.h"
#include "test.h"

static uint8_t byte_at(size_t at)
{
	return at >> 3 ^ at >> 11 ^ (at * 2654435761u) >> 27;
}

static int write_bytes(int fd, size_t size)
{
	struct gzip *g = gzip_create(fd);
	size_t done = 0, n, i;
	uint8_t *at;

	for (n = 1; done < size; n = (n * 7 + 5) % 100003 + 1) {
		if (n > size - done)
			n = size - done;
		at = gzip_reserve(g, n);
		for (i = 0; i < n; i++)
			at[i] = byte_at(done + i);
		done += n;
	}
	return gzip_finish(g);
}

/* By zlib's inflate, which stops after a member; all of the file must be in it. */
static void read_back(int fd, size_t size)
{
	static uint8_t in[1 << 16], out[1 << 16];
	z_stream z = { 0 };
	size_t done = 0, i, n;
	int ret = Z_OK;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	while (ret == Z_OK) {
		if (!z.avail_in) {
			z.avail_in = read(fd, in, sizeof(in));
			z.next_in = in;
		}
		z.next_out = out;
		z.avail_out = sizeof(out);
		ret = inflate(&z, Z_NO_FLUSH);
		for (i = 0, n = sizeof(out) - z.avail_out; i < n; i++)
			if (out[i] != byte_at(done + i))
				fail_msg("byte %zu of %zu differs", done + i, size);
		done += n;
	}
	assert_int_equal(ret, Z_STREAM_END);
	assert_int_equal(done, size);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(read(fd, in, 1), 0);
	inflateEnd(&z);
}

/* The largest that is compressed at once has 16 MiB. */
static void sizes(void **state)
{
	static const size_t list[] = {
		0, 1, 70000, (16 << 20) - 1, 16 << 20, (16 << 20) + 1, 40 << 20,
	};
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		int fd = memfd_create("gzip", MFD_CLOEXEC);

		assert_int_equal(write_bytes(fd, list[i]), 0);
		read_back(fd, list[i]);
		close(fd);
	}
}

static void errors(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_int_equal(write_bytes(full, 1000), -ENOSPC);
	assert_int_equal(write_bytes(full, 40 << 20), -ENOSPC);
	close(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
