// SPDX-License-Identifier: GPL-2.0-only
/*
 * From what a file says to one location a process: see location.h. Sources: the ELF
 * TLS ABI (Drepper; the x86_64 and AArch64 psABI), glibc's tcbhead_t and dtv_t, and
 * musl's struct pthread.
 */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "location.h"

#define STATIC_MAX	(1ll << 30)	/* bytes of static thread-local storage */
#define MODULE_MAX	(1u << 20)
#define DESCRIPTOR_STATIC_ARM64	0x10000
#define TCB_ARM64	16

static const struct vector_shape {
	uint16_t machine;
	enum c_library libc;
	int32_t vector_at, count_at;
	uint32_t stride;
} shapes[] = {
	/* glibc: tcbhead_t.dtv; dtv[-1].counter; { value, to free } */
	{ EM_X86_64, C_LIBRARY_GLIBC, 8, -16, 16 },
	{ EM_AARCH64, C_LIBRARY_GLIBC, 0, -16, 16 },
	/* musl: pthread.dtv, after self or last of all; dtv[0]; a pointer each */
	{ EM_X86_64, C_LIBRARY_MUSL, 8, 0, 8 },
	{ EM_AARCH64, C_LIBRARY_MUSL, -8, 0, 8 },
};

enum c_library c_library_of(const char *interpreter)
{
	const char *name = interpreter ? strrchr(interpreter, '/') : NULL;

	if (!name)
		return C_LIBRARY_UNKNOWN;
	if (!strncmp(name, "/ld-musl-", 9))
		return C_LIBRARY_MUSL;
	return strncmp(name, "/ld-linux", 9) ? C_LIBRARY_UNKNOWN : C_LIBRARY_GLIBC;
}

static uint64_t round_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

static int use_offset(const struct tls_variable *v, int64_t offset, struct location *out)
{
	/* Thread-local storage lies below the thread pointer on x86_64 and above it on arm64. */
	if (v->machine == EM_X86_64 ? offset >= 0 || offset < -STATIC_MAX
				    : offset < 0 || offset > STATIC_MAX)
		return -EBADMSG;
	*out = (struct location){ .kind = LOCATION_STATIC, .offset = offset };
	return 0;
}

static int use_module(const struct tls_variable *v, enum c_library libc, uint64_t module,
		      uint64_t offset, struct location *out)
{
	size_t i;

	if (!module)
		return -EAGAIN;
	if (module > MODULE_MAX || offset > STATIC_MAX)
		return -EBADMSG;
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (shapes[i].machine != v->machine || shapes[i].libc != libc)
			continue;
		*out = (struct location){
			.kind = LOCATION_DTV,
			.module = module,
			.offset = offset,
			.vector_at = shapes[i].vector_at,
			.count_at = shapes[i].count_at,
			.stride = shapes[i].stride,
		};
		return 0;
	}
	return -EOPNOTSUPP;
}

static int resolve_local(const struct tls_variable *v, struct location *out)
{
	if (v->machine == EM_X86_64)
		return use_offset(v, v->value - round_up(v->size, v->align), out);
	return use_offset(v, round_up(TCB_ARM64, v->align) + v->value, out);
}

static int resolve_initial(const struct tls_variable *v, uint64_t bias, const struct memory *m,
			   struct location *out)
{
	uint64_t word;
	int ret = memory_read_word(m, bias + v->words, &word);

	if (ret)
		return ret;
	return word ? use_offset(v, word + v->delta, out) : -EAGAIN;
}

/*
 * The argument is an offset where the variable is in static storage, else the
 * address of { module, offset }; neither C library says which by other means than
 * which resolver it put there. glibc before 2.34 resolves at the first use; until
 * then the resolver is the file's own stub.
 */
static int resolve_descriptor(const struct tls_variable *v, uint64_t bias, enum c_library libc,
			      const struct memory *m, struct location *out)
{
	uint64_t words[2], index[2];
	int ret = memory_read(m, bias + v->words, words, sizeof(words));

	if (ret)
		return ret;
	if (!words[0] || (v->lazy && words[0] == bias + v->lazy))
		return -EAGAIN;
	if (v->machine == EM_X86_64 ? (int64_t)words[1] < 0 : words[1] < DESCRIPTOR_STATIC_ARM64)
		return use_offset(v, words[1] + v->delta, out);
	ret = memory_read(m, words[1], index, sizeof(index));
	return ret ? ret : use_module(v, libc, index[0], index[1] + v->delta, out);
}

static int resolve_dynamic(const struct tls_variable *v, uint64_t bias, enum c_library libc,
			   const struct memory *m, struct location *out)
{
	uint64_t index[2];
	int ret = memory_read(m, bias + v->words, index, sizeof(index));

	if (ret)
		return ret;
	return use_module(v, libc, index[0], v->own ? v->value : index[1] + v->delta, out);
}

int location_resolve(const struct tls_variable *v, uint64_t bias, enum c_library libc,
		     const struct memory *m, struct location *out)
{
	memset(out, 0, sizeof(*out));
	switch (v->form) {
	case TLS_FORM_LOCAL_EXEC:
		return resolve_local(v, out);
	case TLS_FORM_INITIAL_EXEC:
		return resolve_initial(v, bias, m, out);
	case TLS_FORM_DESCRIPTOR:
		return resolve_descriptor(v, bias, libc, m, out);
	case TLS_FORM_DYNAMIC:
		return resolve_dynamic(v, bias, libc, m, out);
	case TLS_FORM_NONE:
		break;
	}
	return -ENOENT;
}

int location_evaluate(const struct location *l, const struct memory *m, uint64_t tp, uint64_t *out)
{
	uint64_t vector, count, block;
	int ret;

	if (l->kind == LOCATION_STATIC) {
		*out = tp + l->offset;
		return 0;
	}
	ret = memory_read_word(m, tp + l->vector_at, &vector);
	if (!ret)
		ret = memory_read_word(m, vector + l->count_at, &count);
	if (ret)
		return ret;
	if (l->module > count)
		return -ENOENT;
	ret = memory_read_word(m, vector + (uint64_t)l->module * l->stride, &block);
	if (ret)
		return ret;
	if (!block || block == UINT64_MAX)
		return -ENOENT;
	*out = block + l->offset;
	return 0;
}

static void print_distance(char *out, size_t size, const char *from, int64_t offset)
{
	snprintf(out, size, "%s %c %" PRIu64, from, offset < 0 ? '-' : '+',
		 offset < 0 ? -(uint64_t)offset : (uint64_t)offset);
}

void location_print(const struct location *l, char *out, size_t size)
{
	char block[64];

	if (l->kind == LOCATION_STATIC) {
		print_distance(out, size, "thread pointer", l->offset);
		return;
	}
	snprintf(block, sizeof(block), "the thread's block of module %" PRIu32, l->module);
	print_distance(out, size, block, l->offset);
}
