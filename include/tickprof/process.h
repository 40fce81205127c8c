/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Tell profilers what this process is: its service, and the names that the
 * attributes of its spans have (context.h, which includes this).
 *
 * This is the OpenTelemetry process context (OTEP 4719): a mapping called OTEL_CTX
 * with a header and a protobuf message, which readers find in /proc/PID/maps. It is
 * made once, takes 16 KiB of address space and what is used of it in memory, and
 * goes with the process. A child of fork() has none until it publishes its own.
 */
#ifndef TICKPROF_PROCESS_H
#define TICKPROF_PROCESS_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#else
long syscall(long number, ...);	/* strict C hides it */
#endif

enum {
	TICKPROF_KEYS_MAX = 256,	/* an attribute's key is one byte */
	TICKPROF_MAPPING_SIZE_ = 16384,
	TICKPROF_MAP_ANONYMOUS_ = 0x20,
	TICKPROF_MADV_DONTFORK_ = 10,
	TICKPROF_PR_SET_VMA_ = 0x53564d41,
	TICKPROF_CLOCK_BOOTTIME_ = 7
};

struct tickprof_header_ {
	uint64_t signature;	/* "OTEL_CTX", written last of all */
	uint32_t version;
	uint32_t payload_size;
	uint64_t published_at;	/* ns of CLOCK_BOOTTIME; 0: being changed */
	uint64_t payload;	/* its address */
};

struct tickprof_process_ {
	struct tickprof_header_ *header;
	long pid;		/* of the process that made it: a fork's child has none */
};

/* One for all files of a program or library that include this. */
__attribute__((weak, visibility("hidden")))
struct tickprof_process_ tickprof_process_ = { NULL, 0 };

/* Bytes of a protobuf field with n bytes of content; its tag takes one. */
static inline size_t tickprof_field_size_(size_t n)
{
	size_t size = 2 + n;

	for (; n >= 0x80; n >>= 7)
		size++;
	return size;
}

static inline uint8_t *tickprof_put_head_(uint8_t *at, uint8_t tag, size_t n)
{
	*at++ = tag;
	for (; n >= 0x80; n >>= 7)
		*at++ = (uint8_t)(n | 0x80);
	*at++ = (uint8_t)n;
	return at;
}

static inline uint8_t *tickprof_put_text_(uint8_t *at, uint8_t tag, const char *text)
{
	size_t n = strlen(text);

	at = tickprof_put_head_(at, tag, n);
	memcpy(at, text, n);
	return at + n;
}

/* KeyValue { key = 1; AnyValue value = 2 }, the value of "inner" bytes written by the caller. */
static inline size_t tickprof_key_value_size_(const char *key, size_t inner)
{
	return tickprof_field_size_(strlen(key)) + tickprof_field_size_(inner);
}

static inline uint8_t *tickprof_put_key_value_(uint8_t *at, uint8_t tag, const char *key,
					       size_t inner)
{
	at = tickprof_put_head_(at, tag, tickprof_key_value_size_(key, inner));
	at = tickprof_put_text_(at, 0x0a, key);
	return tickprof_put_head_(at, 0x12, inner);
}

/*
 * ProcessContext { Resource resource = 1 { KeyValue attributes = 1 }; KeyValue attributes = 2 };
 * in an AnyValue string_value = 1, array_value = 5 { AnyValue values = 1 }.
 * Its size; at NULL: nothing is written.
 */
static inline size_t tickprof_payload_(uint8_t *at, const char *service, const char *const *keys,
				       size_t nr_keys)
{
	static const char name[] = "service.name", schema[] = "threadlocal.schema_version",
			  version[] = "tls_v1", map[] = "threadlocal.attribute_key_map";
	size_t service_size = tickprof_field_size_(strlen(service));
	size_t version_size = tickprof_field_size_(strlen(version));
	size_t resource = tickprof_field_size_(tickprof_key_value_size_(name, service_size));
	size_t array = 0, size, i;

	for (i = 0; i < nr_keys; i++)
		array += tickprof_field_size_(tickprof_field_size_(strlen(keys[i])));
	size = tickprof_field_size_(resource) +
	       tickprof_field_size_(tickprof_key_value_size_(schema, version_size)) +
	       tickprof_field_size_(tickprof_key_value_size_(map, tickprof_field_size_(array)));
	if (!at)
		return size;
	at = tickprof_put_head_(at, 0x0a, resource);
	at = tickprof_put_key_value_(at, 0x0a, name, service_size);
	at = tickprof_put_text_(at, 0x0a, service);
	at = tickprof_put_key_value_(at, 0x12, schema, version_size);
	at = tickprof_put_text_(at, 0x0a, version);
	at = tickprof_put_key_value_(at, 0x12, map, tickprof_field_size_(array));
	at = tickprof_put_head_(at, 0x2a, array);
	for (i = 0; i < nr_keys; i++) {
		at = tickprof_put_head_(at, 0x0a, tickprof_field_size_(strlen(keys[i])));
		at = tickprof_put_text_(at, 0x0a, keys[i]);
	}
	return size;
}

/* A file in memory where there may be one: its name is seen on every kernel. */
static inline void *tickprof_map_(void)
{
	int fd = (int)syscall(SYS_memfd_create, "OTEL_CTX", 1u /* MFD_CLOEXEC */);
	int flags = MAP_PRIVATE;
	void *map;

	if (fd >= 0 && syscall(SYS_ftruncate, fd, (long)TICKPROF_MAPPING_SIZE_)) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		flags |= TICKPROF_MAP_ANONYMOUS_;
	map = mmap(NULL, TICKPROF_MAPPING_SIZE_, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED)
		return NULL;
	if (syscall(SYS_madvise, map, (size_t)TICKPROF_MAPPING_SIZE_, TICKPROF_MADV_DONTFORK_)) {
		munmap(map, TICKPROF_MAPPING_SIZE_);
		return NULL;
	}
	return map;
}

static inline uint64_t tickprof_now_(void)
{
	struct { long seconds, ns; } now = { 0, 0 };

	syscall(SYS_clock_gettime, TICKPROF_CLOCK_BOOTTIME_, &now);
	return (uint64_t)now.seconds * 1000000000u + (uint64_t)now.ns;
}

/*
 * Publish the service's name and what attribute i of spans is called, keys[i]. Once
 * at the start of the program; again when there are more keys, which go behind those
 * that were. From one thread at a time. The texts are copied. 0, -E2BIG: more than
 * 256 keys or 16 KiB of text, -errno: the kernel refuses the memory.
 */
static inline int tickprof_process_publish(const char *service, const char *const *keys,
					   size_t nr_keys)
{
	struct tickprof_process_ *process = &tickprof_process_;
	struct tickprof_header_ *header;
	uint64_t signature;
	uint8_t *payload;
	size_t size;

	if (nr_keys > TICKPROF_KEYS_MAX)
		return -E2BIG;
	size = tickprof_payload_(NULL, service, keys, nr_keys);
	if (size > TICKPROF_MAPPING_SIZE_ - sizeof(*header))
		return -E2BIG;
	if (process->pid != syscall(SYS_getpid)) {
		process->header = (struct tickprof_header_ *)tickprof_map_();
		if (!process->header)
			return -errno;
		process->pid = syscall(SYS_getpid);
	}
	header = process->header;
	payload = (uint8_t *)(header + 1);
	__atomic_store_n(&header->published_at, 0, __ATOMIC_RELAXED);
	/* Readers who meet any of what follows see the 0. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	tickprof_payload_(payload, service, keys, nr_keys);
	header->version = 2;
	header->payload_size = (uint32_t)size;
	header->payload = (uint64_t)(uintptr_t)payload;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&header->published_at, tickprof_now_(), __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memcpy(&signature, "OTEL_CTX", sizeof(signature));
	__atomic_store_n(&header->signature, signature, __ATOMIC_RELAXED);
	syscall(SYS_prctl, TICKPROF_PR_SET_VMA_, 0L, header, (size_t)TICKPROF_MAPPING_SIZE_,
		"OTEL_CTX");
	return 0;
}

#ifdef __cplusplus
}
#endif

#endif
