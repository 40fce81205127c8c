// SPDX-License-Identifier: GPL-2.0-only
/*
 * Draining the rings. The module may be of another build, so every record's
 * size is checked against what the ring holds before anything trusts it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "reader.h"

struct reader {
	uint32_t nr;
	size_t page;
	struct ring rings[];
};

int ring_init(struct ring *ring, uint32_t cpu, void *reader_page, const void *writer_page,
	      size_t page, size_t mapped)
{
	const struct tickprof_ring_writer *writer = writer_page;

	if (writer->abi != TICKPROF_ABI_VERSION) {
		err("ring of CPU %u has ABI %u, this tool reads %u: load the module built with the tool",
		    cpu, writer->abi, TICKPROF_ABI_VERSION);
		return -EPROTONOSUPPORT;
	}
	if (writer->cpu != cpu || writer->size < TICKPROF_RING_MIN ||
	    writer->size & (writer->size - 1) || writer->size != mapped) {
		err("ring of CPU %u describes itself wrongly", cpu);
		return -EBADMSG;
	}
	*ring = (struct ring){
		.reader = reader_page,
		.writer = writer,
		.data = (const uint8_t *)writer_page + page,
		.size = writer->size,
		.tail = ((struct tickprof_ring_reader *)reader_page)->tail,
		.cpu = cpu,
	};
	return 0;
}

/* Walk whole records in [data, data + len); 0 if one does not add up. */
static uint32_t check_records(const uint8_t *data, size_t len)
{
	uint32_t types = 0;

	while (len) {
		const struct tickprof_record *rec = (const void *)data;

		if (len < sizeof(*rec) || rec->size < sizeof(*rec) || rec->size % 8 ||
		    rec->size > len)
			return 0;
		types |= 1u << (rec->type < 32 ? rec->type : 0);
		data += rec->size;
		len -= rec->size;
	}
	return types;
}

int64_t ring_drain(struct ring *ring, reader_sink sink, void *arg)
{
	uint64_t head = __atomic_load_n(&ring->writer->head, __ATOMIC_ACQUIRE);	/* <B> */
	uint64_t drained = 0;

	if (head - ring->tail > ring->size || head % 8)
		goto damaged;
	while (ring->tail != head) {
		uint64_t at = ring->tail & (ring->size - 1);
		struct reader_span span = {
			.cpu = ring->cpu,
			.position = ring->tail,
			.data = ring->data + at,
			.size = head - ring->tail,
		};
		int ret;

		if (span.size > ring->size - at)
			span.size = ring->size - at;
		span.types = check_records(span.data, span.size);
		if (!span.types)
			goto damaged;
		ret = sink(arg, &span);
		if (ret)
			return ret;
		ring->tail += span.size;
		drained += span.size;
		__atomic_store_n(&ring->reader->tail, ring->tail, __ATOMIC_RELEASE); /* <A> */
	}
	return drained;
damaged:
	err("ring of CPU %u holds no valid record at position %llu (head %llu): the module is not the one this tool was built with",
	    ring->cpu, (unsigned long long)ring->tail, (unsigned long long)head);
	return -EBADMSG;
}

static int map_ring(struct reader *r, int fd, uint32_t cpu, size_t ring_size)
{
	off_t base = TICKPROF_MMAP_CPU(cpu);
	void *reader_page, *writer_page;
	int ret;

	reader_page = mmap(NULL, r->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, base);
	if (reader_page == MAP_FAILED)
		goto failed;
	writer_page = mmap(NULL, r->page + ring_size, PROT_READ, MAP_SHARED, fd, base + r->page);
	if (writer_page == MAP_FAILED)
		goto unmap_reader;
	ret = ring_init(&r->rings[cpu], cpu, reader_page, writer_page, r->page, ring_size);
	if (!ret)
		return 0;
	munmap(writer_page, r->page + ring_size);
	munmap(reader_page, r->page);
	return ret;
unmap_reader:
	ret = -errno;
	munmap(reader_page, r->page);
	errno = -ret;
failed:
	ret = -errno;
	err_errno(-ret, "cannot map the ring of CPU %u", cpu);
	return ret;
}

int reader_create(int fd, uint32_t cpus, uint32_t ring_size, struct reader **out)
{
	struct reader *r = xcalloc(1, sizeof(*r) + cpus * sizeof(r->rings[0]));
	int ret;

	r->page = sysconf(_SC_PAGESIZE);
	for (; r->nr < cpus; r->nr++) {
		ret = map_ring(r, fd, r->nr, ring_size);
		if (ret) {
			reader_destroy(r);
			return ret;
		}
	}
	*out = r;
	return 0;
}

void reader_destroy(struct reader *r)
{
	if (!r)
		return;
	while (r->nr--) {
		struct ring *ring = &r->rings[r->nr];

		munmap((void *)ring->writer, r->page + ring->size);
		munmap(ring->reader, r->page);
	}
	free(r);
}

int64_t reader_drain(struct reader *r, reader_sink sink, void *arg)
{
	int64_t drained = 0, ret;
	uint32_t i;

	for (i = 0; i < r->nr; i++) {
		ret = ring_drain(&r->rings[i], sink, arg);
		if (ret < 0)
			return ret;
		drained += ret;
	}
	return drained;
}
