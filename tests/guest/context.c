// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program whose threads publish spans, with LIBRARY_PART the half of it that may
 * lie in a library. PLUGIN: that library's path, for dlopen(). Prints "tid n" for
 * each thread, n being in every byte of its ids and 0 without a span; ends with its
 * input.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Memory for a span. */
typedef struct { long words[128]; } span_memory;

void publish(void *memory, int n);

#if defined(LIBRARY_PART) || defined(WHOLE)
#include <tickprof/context.h>

#ifdef PAD
/* Leaves no room in static storage. */
__thread char pad[PAD];
#endif

void publish(void *memory, int n)
{
	struct tickprof_span *span = memory;
	uint8_t trace_id[16], span_id[8];

	memset(trace_id, n, sizeof(trace_id));
	memset(span_id, n, sizeof(span_id));
	tickprof_span_begin(span, trace_id, span_id, 1);
	tickprof_span_set(span, 1, "value");
}
#endif

#ifndef LIBRARY_PART
/* Not context.h: where a library has the variable, the program has none. */
#include <tickprof/process.h>

static void (*publish_span)(void *memory, int n);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Without stdio, which exit() in another thread may flush a second time. */
static void say(int n)
{
	char line[64];
	int size = snprintf(line, sizeof(line), "%ld %d\n", (long)syscall(SYS_gettid), n);

	if (write(1, line, size) != size)
		_exit(2);
}

static void *work(void *n)
{
	span_memory span;

	pthread_mutex_lock(&lock);
	if (n)
		publish_span(&span, (int)(intptr_t)n);
	say((int)(intptr_t)n);
	pthread_mutex_unlock(&lock);
	if (n)
		pause();
	return NULL;
}

static void *idle(void *unused)
{
	work(NULL);
	pause();
	return unused;
}

int main(void)
{
	static const char *const keys[] = { "first", "second" };
	span_memory span;
	pthread_t thread;
	char c;

	if (tickprof_process_publish("guest", keys, 2))
		return 1;
	pthread_create(&thread, NULL, idle, NULL);
#ifdef PLUGIN
	void *library = dlopen(PLUGIN, RTLD_NOW);

	if (!library) {
		puts(dlerror());
		return 1;
	}
	*(void **)&publish_span = dlsym(library, "publish");
#else
	publish_span = publish;
#endif
	publish_span(&span, 1);
	say(1);
	pthread_create(&thread, NULL, work, (void *)2);
	pthread_create(&thread, NULL, work, (void *)3);
	return read(0, &c, 1) > 0;
}
#endif
