// SPDX-License-Identifier: GPL-2.0-only
/*
 * include/tickprof/: the record's bytes, nesting, attributes, the process context;
 * and that whoever interrupts the thread, at whatever instruction, never reads a
 * record that is half one span's and half another's. A writer that does it wrong
 * shows that the reader would notice.
 */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

#include <tickprof/context.h>

#define FIXTURE_DIR "publisher"
#include "fixture.h"

#define INCLUDE "-I" TEST_DIR "/../../include "
#define STRICT INCLUDE "-Wall -Wextra -Wshadow -Wconversion -pedantic -Werror "

enum { FIRST, SECOND, THIRD };

static const uint8_t trace[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
static const uint8_t id[8] = { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8 };

static const char c_program[] =
	"#include <tickprof/context.h>\n"
	"int other(void);\n"
	"int main(void)\n"
	"{\n"
	"	static const char *const keys[] = { \"one\", \"two\" };\n"
	"	const uint8_t trace[16] = { 1 }, id[8] = { 2 };\n"
	"	struct tickprof_span span;\n"
	"	if (tickprof_process_publish(\"service\", keys, 2))\n"
	"		return 1;\n"
	"	tickprof_span_begin(&span, trace, id, 1);\n"
	"	if (tickprof_span_set(&span, 1, \"value\") || tickprof_current() != &span.context || other())\n"
	"		return 2;\n"
	"	tickprof_span_end(&span);\n"
	"	return tickprof_current() != NULL;\n"
	"}\n";

static const char cc_program[] =
	"#include <tickprof/context.h>\n"
	"extern \"C\" int other();\n"
	"extern \"C\" int other()\n"
	"{\n"
	"	const uint8_t trace[16] = { 3 }, id[8] = { 4 };\n"
	"	const tickprof_context *outer = tickprof_current();\n"
	"	if (!outer)\n"
	"		return 1;\n"
	"	{\n"
	"		tickprof::span span(trace, id);\n"
	"		if (span.set(0, \"value\") || tickprof_current() == outer)\n"
	"			return 2;\n"
	"	}\n"
	"	return tickprof_current() != outer;\n"
	"}\n";

/* Strict C and C++ of every standard, one variable for both, exported as the header says. */
static void compiles(void **state)
{
	static const char *const c[] = { "c11", "c17", "gnu2x" },
			  *const cc[] = { "c++11", "c++14", "c++17", "c++20", "c++23" };
	size_t i;

	write_text("main.c", c_program);
	write_text("other.cc", cc_program);
	for (i = 0; i < 5; i++) {
		sh("gcc -std=%s -O%zu " STRICT "-c main.c && g++ -std=%s -O%zu " STRICT
		   "-c other.cc && g++ -Wl,--export-dynamic-symbol=otel_thread_ctx_v1 main.o other.o -o both && ./both",
		   c[i % 3], i % 4, cc[i], i % 4);
		sh("[ \"$(nm -D --defined-only both | grep -c otel_thread_ctx_v1)\" = 1 ]");
	}
	sh("gcc -shared -fPIC -mtls-dialect=gnu2 -x c " STRICT "-Dmain=unused main.c -o lib.so &&"
	   "readelf -rW lib.so | grep -q 'TLSDESC.* otel_thread_ctx_v1'");
}

static void musl(void **state)
{
	write_text("main.c", c_program);
	write_text("empty.c", "int other(void);\nint other(void) { return 0; }\n");
	sh("musl-gcc -std=c11 -O2 " STRICT "main.c empty.c -o musl && ./musl");
	sh("musl-gcc -static -std=c11 -O2 " STRICT "main.c empty.c -o musl && ./musl");
}

static void layout(void **state)
{
	static const uint8_t wanted[] = {
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
		0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8,
		1, 3, 8, 0, SECOND, 2, 'a', 'b', FIRST, 2, 0xc3, 0xa4,
	};
	struct tickprof_span span;

	memset(&span, 0xee, sizeof(span));
	assert_null(tickprof_current());
	tickprof_span_begin(&span, trace, id, 3);
	assert_int_equal(tickprof_span_set(&span, SECOND, "ab"), 0);
	assert_int_equal(tickprof_span_set(&span, FIRST, "ä"), 0);
	assert_ptr_equal(otel_thread_ctx_v1, &span.context);
	assert_memory_equal(otel_thread_ctx_v1, wanted, sizeof(wanted));
	tickprof_span_end(&span);
	assert_null(tickprof_current());
}

static void nesting(void **state)
{
	struct tickprof_span outer, inner, other;
	struct tickprof_context *was;

	tickprof_span_begin(&outer, trace, id, 0);
	tickprof_span_begin(&inner, trace, id, 0);
	assert_ptr_equal(tickprof_current(), &inner.context);
	/* A scheduler: this request is put away, another one served, this one goes on. */
	was = tickprof_switch(NULL);
	tickprof_span_begin(&other, trace, id, 0);
	tickprof_span_end(&other);
	assert_null(tickprof_current());
	tickprof_switch(was);
	tickprof_span_end(&inner);
	assert_ptr_equal(tickprof_current(), &outer.context);
	tickprof_span_detach(&outer);
	tickprof_span_attach(&outer);
	assert_ptr_equal(tickprof_current(), &outer.context);
	tickprof_span_end(&outer);
	assert_null(tickprof_current());
}

/* The last value of a key, or NULL. */
static const uint8_t *find_attr(const struct tickprof_context *r, uint8_t key, uint8_t *length)
{
	const uint8_t *found = NULL;
	size_t at;

	for (at = 0; at + 2 <= r->attrs_size && at + 2 + r->attrs[at + 1] <= r->attrs_size;
	     at += 2 + r->attrs[at + 1]) {
		if (r->attrs[at] != key)
			continue;
		found = r->attrs + at + 2;
		*length = r->attrs[at + 1];
	}
	return found;
}

static void attributes(void **state)
{
	char text[257] = { 0 }, number[16];
	struct tickprof_span span;
	const uint8_t *value;
	uint16_t size;
	uint8_t length;
	int i;

	tickprof_span_begin(&span, trace, id, 0);
	memset(text, 'x', 256);
	assert_int_equal(tickprof_span_set(&span, FIRST, text), -E2BIG);
	text[255] = '\0';
	assert_int_equal(tickprof_span_set(&span, FIRST, text), 0);
	for (i = 0; i < 1000; i++) {
		snprintf(number, sizeof(number), "%d", i);
		assert_int_equal(tickprof_span_set(&span, SECOND, number), 0);
	}
	assert_int_equal(tickprof_span_set(&span, THIRD, text), 0);
	value = find_attr(&span.context, SECOND, &length);
	assert_int_equal(length, 3);
	assert_memory_equal(value, "999", 3);
	assert_non_null(find_attr(&span.context, FIRST, &length));
	assert_int_equal(length, 255);
	/* Full: refused, and what is there stays. */
	assert_int_equal(tickprof_span_set(&span, 3, text), -E2BIG);
	size = span.context.attrs_size;
	assert_int_equal(tickprof_span_set(&span, 3, text), -E2BIG);
	assert_int_equal(span.context.attrs_size, size);
	assert_int_equal(span.context.valid, 1);
	assert_non_null(find_attr(&span.context, THIRD, &length));
	assert_null(find_attr(&span.context, 3, &length));
	tickprof_span_end(&span);
}

/* The one mapping of that name; NULL: there is none. */
static struct tickprof_header_ *find_mapping(void)
{
	__fclose FILE *f = fopen("/proc/self/maps", "re");
	struct tickprof_header_ *found = NULL;
	char line[1024];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, "OTEL_CTX"))
			continue;
		assert_null(found);
		found = (void *)strtoul(line, NULL, 16);
	}
	return found;
}

static void check_payload(const struct tickprof_header_ *h, const char *file, const char *wanted)
{
	assert_non_null(h);
	assert_memory_equal(&h->signature, "OTEL_CTX", 8);
	assert_int_equal(h->version, 2);
	assert_int_not_equal(h->published_at, 0);
	write_file("payload", (void *)(uintptr_t)h->payload, h->payload_size);
	write_text(file, wanted);
	/* An independent decoder. */
	sh("protoc --decode_raw <payload | tr -d ' \\n' | diff - %s", file);
}

#define FIELDS(service, keys)									\
	"1{1{1:\"service.name\"2{1:\"" service "\"}}}"						\
	"2{1:\"threadlocal.schema_version\"2{1:\"tls_v1\"}}"					\
	"2{1:\"threadlocal.attribute_key_map\"2{5" keys "}}"

static void process(void **state)
{
	static const char *const keys[] = { "http.route", "http.method" };
	static const char *many[257];
	static char text[64];
	struct tickprof_header_ *h;
	uint64_t published;
	int status, i;
	pid_t pid;

	assert_null(find_mapping());
	assert_int_equal(tickprof_process_publish("payment", keys, 1), 0);
	h = find_mapping();
	check_payload(h, "wanted.1", FIELDS("payment", "{1{1:\"http.route\"}}"));
	published = h->published_at;
	assert_int_equal(tickprof_process_publish("pay", keys, 2), 0);
	assert_ptr_equal(find_mapping(), h);
	assert_true(h->published_at > published);
	check_payload(h, "wanted.2", FIELDS("pay", "{1{1:\"http.route\"}1{1:\"http.method\"}}"));

	pid = fork();
	if (!pid) {
		if (find_mapping())
			_exit(1);
		if (tickprof_process_publish("child", keys, 2) || !find_mapping())
			_exit(2);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);

	memset(text, 'k', sizeof(text) - 1);
	for (i = 0; i < 257; i++)
		many[i] = text;
	assert_int_equal(tickprof_process_publish("pay", many, 257), -E2BIG);
	assert_int_equal(tickprof_process_publish("pay", many, 256), -E2BIG);
	check_payload(h, "wanted.2", FIELDS("pay", "{1{1:\"http.route\"}1{1:\"http.method\"}}"));
	assert_int_equal(tickprof_process_publish("pay", many, 200), 0);
	published = h->payload_size;
	assert_true(published > 200 * 63);
}

static struct {
	volatile long reads, none, invalid, torn;
} seen;

/* Span number n of the writers below: every byte of it tells n. */
static void fill(uint8_t n, uint8_t trace_id[16], uint8_t span_id[8])
{
	memset(trace_id, n, 16);
	memset(span_id, (uint8_t)(n * 7 + 3), 8);
}

static bool whole(const struct tickprof_context *r)
{
	uint8_t n = r->trace_id[0], trace_id[16], span_id[8], length;
	const uint8_t *value;
	size_t i;

	fill(n, trace_id, span_id);
	if (memcmp(trace_id, r->trace_id, 16) || memcmp(span_id, r->span_id, 8) ||
	    r->trace_flags != (n & 1) || r->attrs_size > sizeof(r->attrs))
		return false;
	value = find_attr(r, FIRST, &length);
	for (i = 0; value && i < length; i++)
		if (value[i] != n)
			return false;
	return true;
}

/* As the kernel reads it. */
static void read_context(void)
{
	const struct tickprof_context *r = otel_thread_ctx_v1;
	struct tickprof_context copy;

	seen.reads++;
	if (!r) {
		seen.none++;
		return;
	}
	memcpy(&copy, r, sizeof(copy));
	if (copy.valid != 1)
		seen.invalid++;
	else if (!whole(&copy))
		seen.torn++;
}

static void on_signal(int sig)
{
	read_context();
}

static void write_spans(uint8_t n)
{
	struct tickprof_span outer, inner;
	uint8_t trace_id[16], span_id[8], value[200];

	fill(n, trace_id, span_id);
	memset(value, n, sizeof(value));
	tickprof_span_begin(&outer, trace_id, span_id, n & 1);
	tickprof_span_set_bytes(&outer, FIRST, value, n % 50);
	fill(n + 1, trace_id, span_id);
	tickprof_span_begin(&inner, trace_id, span_id, (n + 1) & 1);
	tickprof_span_end(&inner);
	/* Overflows, and is put in order. */
	tickprof_span_set_bytes(&outer, FIRST, value, 200);
	tickprof_span_set_bytes(&outer, FIRST, value, 200);
	tickprof_span_set_bytes(&outer, FIRST, value, 190);
	tickprof_span_set_bytes(&outer, FIRST, value, 180);
	tickprof_span_end(&outer);
}

/* In place, and without a word to readers. */
static void write_badly(uint8_t n)
{
	static struct tickprof_span span;

	fill(n, span.context.trace_id, span.context.span_id);
	span.context.valid = 1;
	span.context.trace_flags = n & 1;
	tickprof_switch(&span.context);
}

static void handle(int sig)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigemptyset(&sa.sa_mask);
	assert_int_equal(sigaction(sig, &sa, NULL), 0);
	memset((void *)&seen, 0, sizeof(seen));
}

/* Interrupts whenever they come. So often as to starve the writer they must not: a virtual machine's take 30 us. */
static void interrupted(void **state)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF };
	struct itimerspec often = { { 0, 100000 }, { 0, 100000 } };
	timer_t timer;
	unsigned int n;

	handle(SIGPROF);
	event._sigev_un._tid = syscall(SYS_gettid);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &often, NULL), 0);
	for (n = 0; seen.reads < 5000; n++)
		write_spans(n);
	timer_delete(timer);
	signal(SIGPROF, SIG_IGN);
	print_message("# %ld reads over %u spans: %ld without a span, %ld being rewritten, %ld torn\n",
		      seen.reads, 2 * n, seen.none, seen.invalid, seen.torn);
	assert_true(seen.none < seen.reads / 2);
	assert_int_equal(seen.torn, 0);
}

#ifdef __x86_64__
/* The trap flag interrupts after every instruction: 200,000 of them. */
static inline void step(bool on)
{
	unsigned long flags = __builtin_ia32_readeflags_u64();

	__builtin_ia32_writeeflags_u64(on ? flags | 0x100 : flags & ~0x100ul);
}

static void every_instruction(void **state)
{
	unsigned int n;

	handle(SIGTRAP);
	for (n = 0; seen.reads < 200000; n++) {
		step(true);
		write_spans(n);
		step(false);
	}
	print_message("# %ld instructions of %u spans: %ld without a span, %ld being rewritten, %ld torn\n",
		      seen.reads, 2 * n, seen.none, seen.invalid, seen.torn);
	assert_true(seen.invalid > 0);
	assert_int_equal(seen.torn, 0);

	handle(SIGTRAP);
	for (n = 0; n < 10; n++) {
		step(true);
		write_badly(n);
		step(false);
	}
	tickprof_switch(NULL);
	assert_true(seen.torn > 0);
	signal(SIGTRAP, SIG_DFL);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compiles),
		cmocka_unit_test(musl),
		cmocka_unit_test(layout),
		cmocka_unit_test(nesting),
		cmocka_unit_test(attributes),
		cmocka_unit_test(process),
		cmocka_unit_test(interrupted),
#ifdef __x86_64__
		cmocka_unit_test(every_instruction),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
