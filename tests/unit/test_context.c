// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locations and records over memory made up here: every rule of the ABI, both
 * architectures and C libraries, and what a hostile process may put there. Files of
 * arm64 come from the cross compiler.
 */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>

#define FIXTURE_DIR "context"
#include "context/process_context.h"
#include "context/thread_context.h"
#include "context/tls_variable.h"
#include "fixture.h"

#define BASE 0x10000ull
#define KERNEL 0xffff888000000000ull

/* SIZE bytes from BASE on; nothing else can be read. */
enum { SIZE = 1 << 17 };

static struct fake {
	struct memory memory;
	uint8_t bytes[SIZE];
	unsigned int reads;
	uint64_t change_at;	/* a read of this address moves what lies there on by one, before and after */
} fake;

static int fake_read(const struct memory *m, uint64_t address, void *buf, size_t size)
{
	fake.reads++;
	if (address < BASE || size > SIZE || address - BASE > SIZE - size)
		return -EFAULT;
	memcpy(buf, fake.bytes + (address - BASE), size);
	if (fake.change_at && address <= fake.change_at && fake.change_at < address + size)
		fake.bytes[fake.change_at - BASE]++;
	return 0;
}

static int setup(void **state)
{
	memset(&fake, 0, sizeof(fake));
	fake.memory.read = fake_read;
	return 0;
}

static void put(uint64_t address, uint64_t word)
{
	memcpy(fake.bytes + (address - BASE), &word, sizeof(word));
}

static void assert_static(const struct location *l, int64_t offset)
{
	assert_int_equal(l->kind, LOCATION_STATIC);
	assert_int_equal(l->offset, offset);
}

static void assert_dtv(const struct location *l, uint32_t module, int64_t offset, int32_t vector_at,
		       int32_t count_at, uint32_t stride)
{
	assert_int_equal(l->kind, LOCATION_DTV);
	assert_int_equal(l->module, module);
	assert_int_equal(l->offset, offset);
	assert_int_equal(l->vector_at, vector_at);
	assert_int_equal(l->count_at, count_at);
	assert_int_equal(l->stride, stride);
}

static void local_exec(void **state)
{
	struct tls_variable v = {
		.machine = EM_X86_64, .form = TLS_FORM_LOCAL_EXEC, .value = 16, .size = 100, .align = 64,
	};
	struct location l;

	assert_int_equal(location_resolve(&v, 0, C_LIBRARY_UNKNOWN, &fake.memory, &l), 0);
	assert_static(&l, 16 - 128);
	v.machine = EM_AARCH64;
	assert_int_equal(location_resolve(&v, 0, C_LIBRARY_UNKNOWN, &fake.memory, &l), 0);
	assert_static(&l, 64 + 16);
	v.align = 8;
	assert_int_equal(location_resolve(&v, 0, C_LIBRARY_UNKNOWN, &fake.memory, &l), 0);
	assert_static(&l, 16 + 16);
	assert_int_equal(fake.reads, 0);
}

/* What the words of one variable give. */
static int words_give(uint16_t machine, enum tls_form form, enum c_library libc, int64_t delta,
		   struct location *out)
{
	struct tls_variable v = {
		.machine = machine, .form = form, .words = 0x100, .delta = delta, .lazy = 0x40,
	};

	return location_resolve(&v, BASE, libc, &fake.memory, out);
}

static void initial_exec(void **state)
{
	struct location l;

	assert_int_equal(words_give(EM_X86_64, TLS_FORM_INITIAL_EXEC, 0, 0, &l), -EAGAIN);
	put(BASE + 0x100, -80);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_INITIAL_EXEC, 0, 8, &l), 0);
	assert_static(&l, -72);
	/* The wrong side of the thread pointer, or too far to be true. */
	assert_int_equal(words_give(EM_AARCH64, TLS_FORM_INITIAL_EXEC, 0, 0, &l), -EBADMSG);
	put(BASE + 0x100, 80);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_INITIAL_EXEC, 0, 0, &l), -EBADMSG);
	assert_int_equal(words_give(EM_AARCH64, TLS_FORM_INITIAL_EXEC, 0, 0, &l), 0);
	assert_static(&l, 80);
	put(BASE + 0x100, INT64_MIN);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_INITIAL_EXEC, 0, 0, &l), -EBADMSG);
	put(BASE + 0x100, KERNEL);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_INITIAL_EXEC, 0, 0, &l), -EBADMSG);
}

static void descriptor(void **state)
{
	struct location l;

	assert_int_equal(words_give(EM_X86_64, TLS_FORM_DESCRIPTOR, 0, 0, &l), -EAGAIN);
	put(BASE + 0x108, -80);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_DESCRIPTOR, 0, 0, &l), -EAGAIN);
	/* The resolver is still the file's own stub: lazily bound, by a C library of before 2021. */
	put(BASE + 0x100, BASE + 0x40);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_DESCRIPTOR, 0, 0, &l), -EAGAIN);
	put(BASE + 0x100, 0x7f0000001234);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_DESCRIPTOR, 0, 0, &l), 0);
	assert_static(&l, -80);
	put(BASE + 0x108, 0x60);
	assert_int_equal(words_give(EM_AARCH64, TLS_FORM_DESCRIPTOR, 0, 8, &l), 0);
	assert_static(&l, 0x68);
	/* Dynamic: { module, offset }. */
	put(BASE + 0x108, BASE + 0x1000);
	put(BASE + 0x1000, 3);
	put(BASE + 0x1008, 40);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_DESCRIPTOR, C_LIBRARY_GLIBC, 0, &l), 0);
	assert_dtv(&l, 3, 40, 8, -16, 16);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_DESCRIPTOR, C_LIBRARY_MUSL, 8, &l), 0);
	assert_dtv(&l, 3, 48, 8, 0, 8);
	assert_int_equal(words_give(EM_AARCH64, TLS_FORM_DESCRIPTOR, C_LIBRARY_GLIBC, 0, &l), 0);
	assert_dtv(&l, 3, 40, 0, -16, 16);
	assert_int_equal(words_give(EM_AARCH64, TLS_FORM_DESCRIPTOR, C_LIBRARY_MUSL, 0, &l), 0);
	assert_dtv(&l, 3, 40, -8, 0, 8);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_DESCRIPTOR, C_LIBRARY_UNKNOWN, 0, &l), -EOPNOTSUPP);
	/* An argument that is an address of nothing, or of itself. */
	put(BASE + 0x108, BASE + SIZE - 8);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_DESCRIPTOR, C_LIBRARY_GLIBC, 0, &l), -EFAULT);
	put(BASE + 0x108, BASE + 0x108);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_DESCRIPTOR, C_LIBRARY_GLIBC, 0, &l), 0);
	assert_int_equal(l.module, BASE + 0x108);
	put(BASE + 0x108, KERNEL);
	assert_int_equal(words_give(EM_AARCH64, TLS_FORM_DESCRIPTOR, C_LIBRARY_GLIBC, 0, &l), -EFAULT);
}

static void dynamic(void **state)
{
	struct tls_variable own = {
		.machine = EM_X86_64, .form = TLS_FORM_DYNAMIC, .words = 0x100, .own = true, .value = 56,
	};
	struct location l;

	put(BASE + 0x108, 24);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_DYNAMIC, C_LIBRARY_GLIBC, 0, &l), -EAGAIN);
	put(BASE + 0x100, 7);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_DYNAMIC, C_LIBRARY_GLIBC, 0, &l), 0);
	assert_dtv(&l, 7, 24, 8, -16, 16);
	assert_int_equal(location_resolve(&own, BASE, C_LIBRARY_GLIBC, &fake.memory, &l), 0);
	assert_dtv(&l, 7, 56, 8, -16, 16);
	put(BASE + 0x100, 1ull << 32);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_DYNAMIC, C_LIBRARY_GLIBC, 0, &l), -EBADMSG);
	put(BASE + 0x100, 7);
	put(BASE + 0x108, KERNEL);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_DYNAMIC, C_LIBRARY_GLIBC, 0, &l), -EBADMSG);
	own.words = SIZE;
	assert_int_equal(location_resolve(&own, BASE, C_LIBRARY_GLIBC, &fake.memory, &l), -EFAULT);
	assert_int_equal(words_give(EM_X86_64, TLS_FORM_NONE, C_LIBRARY_GLIBC, 0, &l), -ENOENT);
}

static void vector(void **state)
{
	struct location l = {
		.kind = LOCATION_DTV, .module = 3, .offset = 40, .vector_at = 8, .count_at = -16, .stride = 16,
	};
	uint64_t tp = BASE + 0x1000, dtv = BASE + 0x2000, variable;

	put(tp + 8, dtv);
	put(dtv - 16, 2);
	assert_int_equal(location_evaluate(&l, &fake.memory, tp, &variable), -ENOENT);
	put(dtv - 16, 3);
	assert_int_equal(location_evaluate(&l, &fake.memory, tp, &variable), -ENOENT);
	put(dtv + 48, -1);
	assert_int_equal(location_evaluate(&l, &fake.memory, tp, &variable), -ENOENT);
	put(dtv + 48, BASE + 0x3000);
	assert_int_equal(location_evaluate(&l, &fake.memory, tp, &variable), 0);
	assert_int_equal(variable, BASE + 0x3000 + 40);
	/* A vector that is its own element and length; one of the kernel's; the longest there can be. */
	put(tp + 8, tp + 8);
	put(tp - 8, UINT64_MAX);
	put(tp + 8 + 48, tp + 8);
	fake.reads = 0;
	assert_int_equal(location_evaluate(&l, &fake.memory, tp, &variable), 0);
	assert_int_equal(fake.reads, 3);
	put(tp + 8, KERNEL);
	assert_int_equal(location_evaluate(&l, &fake.memory, tp, &variable), -EFAULT);
	put(tp + 8, dtv);
	put(dtv - 16, UINT64_MAX);
	l.module = 1 << 20;
	assert_int_equal(location_evaluate(&l, &fake.memory, tp, &variable), -EFAULT);
	assert_int_equal(location_evaluate(&l, &fake.memory, KERNEL, &variable), -EFAULT);
}

/* A record at BASE + 0x4000, reached at a distance of -8 from a thread pointer. */
static enum thread_context_state read_record(uint64_t record, const void *bytes, size_t size,
					     struct thread_context *out)
{
	const struct location l = { .kind = LOCATION_STATIC, .offset = -8 };

	put(BASE + 0x1000 - 8, record);
	if (bytes)
		memcpy(fake.bytes + (record - BASE), bytes, size);
	fake.reads = 0;
	return thread_context_read(&l, &fake.memory, BASE + 0x1000, out);
}

static const uint8_t plain[] = {
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 21, 22, 23, 24, 25, 26, 27, 28,
	1, 3, 12, 0, 5, 2, 'a', 'b', 6, 0, 5, 1, 'c', 7, 9, 'x',
};

static void records(void **state)
{
	const uint64_t at = BASE + 0x4000;
	struct thread_context c;
	uint8_t length, copy[sizeof(plain)];
	const uint8_t *value;

	assert_int_equal(read_record(0, NULL, 0, &c), THREAD_CONTEXT_NONE);
	assert_int_equal(read_record(at, plain, sizeof(plain), &c), THREAD_CONTEXT_OK);
	assert_memory_equal(c.trace_id, plain, 16);
	assert_memory_equal(c.span_id, plain + 16, 8);
	assert_int_equal(c.trace_flags, 3);
	assert_int_equal(fake.reads, 3);
	assert_false(c.cut);
	value = thread_context_attr(&c, 5, &length);	/* the last of two */
	assert_non_null(value);
	assert_int_equal(length, 1);
	assert_int_equal(*value, 'c');
	assert_non_null(thread_context_attr(&c, 6, &length));
	assert_int_equal(length, 0);
	assert_null(thread_context_attr(&c, 7, &length));	/* reaches over the end */
	assert_null(thread_context_attr(&c, 'c', &length));

	memcpy(copy, plain, sizeof(copy));
	copy[24] = 0;
	assert_int_equal(read_record(at, copy, sizeof(copy), &c), THREAD_CONTEXT_INVALID);
	copy[24] = 2;
	assert_int_equal(read_record(at, copy, sizeof(copy), &c), THREAD_CONTEXT_INVALID);
	copy[24] = 255;
	assert_int_equal(read_record(at, copy, sizeof(copy), &c), THREAD_CONTEXT_INVALID);
}

static void hostile_records(void **state)
{
	static const uint64_t nowhere[] = { 1, KERNEL, UINT64_MAX, UINT64_MAX - 27, BASE + SIZE - 27, 1ull << 63 };
	const uint64_t at = BASE + 0x4000, last = BASE + SIZE - 28;
	struct thread_context c;
	uint8_t copy[sizeof(plain)], length;
	unsigned int key;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nowhere); i++)
		assert_int_equal(read_record(nowhere[i], NULL, 0, &c), THREAD_CONTEXT_FAULT);
	/* The most that can be said, of which the most is read that is wanted. */
	memcpy(copy, plain, sizeof(copy));
	copy[26] = copy[27] = 0xff;
	memset(fake.bytes + 0x4000, 0xff, 1 << 16);
	assert_int_equal(read_record(at, copy, sizeof(copy), &c), THREAD_CONTEXT_OK);
	assert_true(c.cut);
	assert_int_equal(c.attrs_size, THREAD_CONTEXT_ATTRS_MAX);
	for (key = 0; key < 256; key++)
		thread_context_attr(&c, key, &length);
	/* Attributes behind the end of memory; the ids count all the same. */
	assert_int_equal(read_record(last, copy, 28, &c), THREAD_CONTEXT_OK);
	assert_true(c.cut);
	assert_int_equal(c.attrs_size, 0);
	/* A record that is its own pointer. */
	assert_int_equal(read_record(BASE + 0x1000 - 8, NULL, 0, &c), THREAD_CONTEXT_INVALID);
	assert_int_equal(fake.reads, 2);
}

/* A header at BASE, a payload at BASE + 0x1000. */
static void put_context(const void *payload, uint32_t size)
{
	const uint32_t numbers[2] = { 2, size };

	memcpy(fake.bytes, "OTEL_CTX", 8);
	memcpy(fake.bytes + 8, numbers, 8);
	put(BASE + 16, 12345);
	put(BASE + 24, BASE + 0x1000);
	if (payload)
		memcpy(fake.bytes + 0x1000, payload, size);
}

/* By protoc, from text: an encoder that is not ours. */
static size_t encode(const char *text, void *out, size_t max)
{
	size_t size;
	FILE *f;

	write_text("context.txt", text);
	sh("protoc -I " TEST_DIR "/../../ctl --encode=tickprof.otel.ProcessContext proto/process_context.proto"
	   " <context.txt >context.bin");
	f = fopen(fixture("context.bin"), "r");
	assert_non_null(f);
	size = fread(out, 1, max, f);
	fclose(f);
	return size;
}

static const char context_text[] =
	"resource { attributes { key: 'other' value { string_value: 'x' } }"
	"           attributes { key: 'service.name' value { string_value: 'payment' } } }"
	"attributes { key: 'threadlocal.schema_version' value { string_value: 'tlsdesc_v1_dev' } }"
	"attributes { key: 'threadlocal.attribute_key_map' value { array_value {"
	"  values { string_value: 'http.route' } values { string_value: '' } values { string_value: 'user' } } } }";

static void process_contexts(void **state)
{
	struct process_context c;
	uint8_t payload[1024];
	size_t size = encode(context_text, payload, sizeof(payload)), i;

	put_context(payload, size);
	assert_int_equal(process_context_read(&fake.memory, BASE, &c), 0);
	assert_string_equal(c.service, "payment");
	assert_true(process_context_schema_known(&c));
	assert_int_equal(c.nr_keys, 3);
	assert_string_equal(c.keys[0], "http.route");
	assert_string_equal(c.keys[2], "user");
	assert_int_equal(c.published_at, 12345);
	process_context_deinit(&c);
	/* Cut off anywhere, and with any byte broken. */
	for (i = 0; i < size; i++) {
		put_context(payload, i);
		process_context_read(&fake.memory, BASE, &c);
		process_context_deinit(&c);
		put_context(payload, size);
		fake.bytes[0x1000 + i] ^= 1 << i % 8;
		process_context_read(&fake.memory, BASE, &c);
		process_context_deinit(&c);
	}
}

static void hostile_process_contexts(void **state)
{
	struct process_context c;
	uint8_t payload[1 << 16];
	size_t i;

	assert_int_equal(process_context_read(&fake.memory, BASE, &c), -ENOENT);
	assert_int_equal(process_context_read(&fake.memory, BASE + SIZE - 31, &c), -EFAULT);
	assert_int_equal(process_context_read(&fake.memory, KERNEL, &c), -EFAULT);
	put_context(NULL, 0);
	assert_int_equal(process_context_read(&fake.memory, BASE, &c), 0);
	assert_null(c.service);
	process_context_deinit(&c);
	fake.bytes[8] = 3;
	assert_int_equal(process_context_read(&fake.memory, BASE, &c), -EPROTO);
	put_context(NULL, PROCESS_CONTEXT_PAYLOAD_MAX + 1);
	assert_int_equal(process_context_read(&fake.memory, BASE, &c), -EBADMSG);
	put_context(NULL, UINT32_MAX);
	assert_int_equal(process_context_read(&fake.memory, BASE, &c), -EBADMSG);
	put_context(NULL, 100);
	put(BASE + 24, KERNEL);
	assert_int_equal(process_context_read(&fake.memory, BASE, &c), -EFAULT);
	put_context(NULL, 100);
	put(BASE + 16, 0);
	assert_int_equal(process_context_read(&fake.memory, BASE, &c), -EAGAIN);
	/* It changes whenever it is looked at. */
	put_context(NULL, 0);
	fake.change_at = BASE + 17;
	fake.reads = 0;
	assert_int_equal(process_context_read(&fake.memory, BASE, &c), -EAGAIN);
	assert_true(fake.reads < 20);
	fake.change_at = 0;

	/* Lists within lists to the brim, then names without end. */
	for (i = 0; i + 4 <= sizeof(payload); i += 4) {
		payload[i] = i % 8 ? 0x0a : 0x2a;
		payload[i + 1] = (uint8_t)((sizeof(payload) - i - 4) | 0x80);
		payload[i + 2] = (uint8_t)((sizeof(payload) - i - 4) >> 7 | 0x80);
		payload[i + 3] = (uint8_t)((sizeof(payload) - i - 4) >> 14);
	}
	put_context(payload, sizeof(payload));
	process_context_read(&fake.memory, BASE, &c);
	process_context_deinit(&c);
	memset(payload, 0xff, sizeof(payload));
	put_context(payload, sizeof(payload));
	assert_int_equal(process_context_read(&fake.memory, BASE, &c), -EBADMSG);
}

static void too_many_keys(void **state)
{
	static char text[1 << 15];
	struct process_context c;
	uint8_t payload[1 << 14];
	size_t at, i;

	at = snprintf(text, sizeof(text), "attributes { key: 'threadlocal.attribute_key_map' value { array_value {");
	for (i = 0; i < 400; i++)
		at += snprintf(text + at, sizeof(text) - at, " values { string_value: 'key%zu' }", i);
	snprintf(text + at, sizeof(text) - at, "} } }");
	put_context(payload, encode(text, payload, sizeof(payload)));
	assert_int_equal(process_context_read(&fake.memory, BASE, &c), 0);
	assert_int_equal(c.nr_keys, PROCESS_CONTEXT_KEYS_MAX);
	assert_string_equal(c.keys[255], "key255");
	process_context_deinit(&c);
}

static struct tls_variable find_in(const char *name)
{
	struct elf_file *f = open_elf(name);
	struct tls_variable v;

	assert_int_equal(tls_variable_find(f, &v), 0);
	elf_file_close(f);
	return v;
}

static const char arm64_source[] =
	"__attribute__((aligned(64))) __thread long first[3] = { 1 };\n"
	"#ifdef OWN\n"
	"__attribute__((visibility(\"hidden\"))) __thread void *own;\n"
	"extern __attribute__((alias(\"own\"))) __thread void *otel_thread_ctx_v1;\n"
	"#else\n"
	"__thread void *otel_thread_ctx_v1;\n"
	"#define own otel_thread_ctx_v1\n"
	"#endif\n"
	"void **variable(void) { first[0]++; return &own; }\n"
	"void _start(void) { variable(); }\n";

static void arm64_files(void **state)
{
	static const struct {
		const char *flags;
		enum tls_form form;
		bool own, program;
	} rows[] = {
		{ "-shared -fPIC", TLS_FORM_DESCRIPTOR, false, false },
		{ "-shared -fPIC -mtls-dialect=trad", TLS_FORM_DYNAMIC, false, false },
		{ "-shared -fPIC -ftls-model=initial-exec", TLS_FORM_INITIAL_EXEC, false, false },
		{ "-shared -fPIC -DOWN", TLS_FORM_DESCRIPTOR, true, false },
		{ "-shared -fPIC -DOWN -mtls-dialect=trad", TLS_FORM_DYNAMIC, true, false },
		{ "-shared -fPIC -DOWN -ftls-model=initial-exec", TLS_FORM_INITIAL_EXEC, true, false },
		{ "-static", TLS_FORM_LOCAL_EXEC, false, true },
		{ "-fPIE -pie -Wl,--export-dynamic", TLS_FORM_LOCAL_EXEC, false, true },
	};
	struct tls_variable v;
	struct location l;
	size_t i;

	if (!have(CROSS "gcc"))
		skip();
	write_text("arm64.c", arm64_source);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		sh(CROSS "gcc -O1 -w -nostdlib %s arm64.c -o arm64", rows[i].flags);
		v = find_in("arm64");
		assert_int_equal(v.machine, EM_AARCH64);
		assert_int_equal(v.form, rows[i].form);
		assert_int_equal(v.own, rows[i].own);
		assert_int_equal(v.program, rows[i].program);
		assert_int_equal(v.value, 24);
		assert_int_equal(v.align, 64);
		if (!rows[i].program)
			continue;
		assert_int_equal(location_resolve(&v, 0, C_LIBRARY_GLIBC, &fake.memory, &l), 0);
		assert_static(&l, 64 + 24);
	}
}

static void other_files(void **state)
{
	struct tls_variable v;
	struct elf_file *f;

	/* A variable of that name which is none of a thread's; one of one byte at the end of its block. */
	write_text("global.c", "void *otel_thread_ctx_v1;\n");
	sh("gcc -shared -fPIC global.c -o global.so");
	f = open_elf("global.so");
	assert_int_equal(tls_variable_find(f, &v), -ENOENT);
	elf_file_close(f);
	write_text("small.c", "__thread char otel_thread_ctx_v1 = 1;\n");
	sh("gcc -shared -fPIC small.c -o small.so");
	f = open_elf("small.so");
	assert_int_equal(tls_variable_find(f, &v), -EBADMSG);
	elf_file_close(f);
	write_text("unused.c", "__thread void *otel_thread_ctx_v1;\n");
	sh("gcc -shared -fPIC unused.c -o unused.so");
	v = find_in("unused.so");
	assert_int_equal(v.form, TLS_FORM_NONE);
	assert_false(v.program);
}

/* Any bytes of a file changed: it may be found or not, but nothing breaks. */
static void broken_files(void **state)
{
	__free uint8_t *image = NULL, *copy = NULL;
	unsigned int seed = 7, found = 0;
	struct tls_variable v;
	struct elf_file *f;
	size_t size;
	int i, n;

	write_text("lib.c", "__thread void *otel_thread_ctx_v1;\nvoid **variable(void) { return &otel_thread_ctx_v1; }\n");
	sh("gcc -w -shared -fPIC -nostdlib -mtls-dialect=gnu2 -Wl,-z,max-page-size=4096 -s lib.c -o lib.so");
	f = open_elf("lib.so");
	size = f->image_size;
	image = xmalloc(size);
	copy = xmalloc(size);
	memcpy(image, f->image, size);
	elf_file_close(f);
	for (i = 0; i < 20000; i++) {
		memcpy(copy, image, size);
		for (n = rand_r(&seed) % 4; n >= 0; n--)
			/* Half of them in the headers, where they do most. */
			copy[rand_r(&seed) % (n % 2 ? size : 1024)] = rand_r(&seed) % 3 ? rand_r(&seed) : 0xff;
		/* libelf changes what it is given, so the copy is its own. */
		if (elf_file_open_memory(copy, size, false, &f))
			continue;
		if (!tls_variable_find(f, &v)) {
			found++;
			assert_true(!v.defined || v.size - v.value >= 8);
		}
		elf_file_close(f);
	}
	assert_true(found > 100 && found < 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(local_exec, setup),
		cmocka_unit_test_setup(initial_exec, setup),
		cmocka_unit_test_setup(descriptor, setup),
		cmocka_unit_test_setup(dynamic, setup),
		cmocka_unit_test_setup(vector, setup),
		cmocka_unit_test_setup(records, setup),
		cmocka_unit_test_setup(hostile_records, setup),
		cmocka_unit_test_setup(process_contexts, setup),
		cmocka_unit_test_setup(hostile_process_contexts, setup),
		cmocka_unit_test_setup(too_many_keys, setup),
		cmocka_unit_test_setup(arm64_files, setup),
		cmocka_unit_test(other_files),
		cmocka_unit_test(broken_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
