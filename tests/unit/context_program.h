/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program whose threads publish, linked in every way that there is, and how to
 * talk to it: it prints a line for each thread, then waits for its input to end.
 */
#ifndef TICKPROF_TEST_CONTEXT_PROGRAM_H
#define TICKPROF_TEST_CONTEXT_PROGRAM_H

#include <errno.h>
#include <inttypes.h>
#include <sys/wait.h>

#include "fixture.h"

/*
 * Not the first variable of its block. PAD: bytes that leave no room in static
 * storage. OWN: the library's code reaches it by another name, which nobody else
 * knows and relocations do not have to tell.
 */
static const char variable_source[] =
	"__thread long first = 1;\n"
	"#ifdef PAD\n"
	"__thread char pad[PAD];\n"
	"#endif\n"
	"#ifdef OWN\n"
	"__attribute__((visibility(\"hidden\"))) __thread void *own;\n"
	"extern __attribute__((alias(\"own\"))) __thread void *otel_thread_ctx_v1;\n"
	"#else\n"
	"__thread void *otel_thread_ctx_v1;\n"
	"#define own otel_thread_ctx_v1\n"
	"#endif\n"
	"#ifndef UNUSED_HERE\n"
	"void **variable(void);\n"
	"void **variable(void) { return &own; }\n"
	"#endif\n";

static const char user_source[] =
	"extern __thread void *otel_thread_ctx_v1;\n"
	"void **variable(void);\n"
	"void **variable(void) { return &otel_thread_ctx_v1; }\n";

/*
 * Says a line in one write and without stdio: exit() in another thread would write
 * it once more where it has not yet noted that it is written, perhaps to nobody.
 * LIBRARY: opened after the idle thread has begun. "" asks for what is there.
 * PUBLISH: with a process context.
 */
static const char main_source[] =
	"#define _GNU_SOURCE\n"
	"#include <dlfcn.h>\n"
	"#include <pthread.h>\n"
	"#include <stdio.h>\n"
	"#include <stdlib.h>\n"
	"#include <string.h>\n"
	"#include <sys/syscall.h>\n"
	"#include <unistd.h>\n"
	"#ifdef PUBLISH\n"
	"#include <tickprof/process.h>\n"
	"#endif\n"
	"static struct { unsigned char trace[16], span[8], valid, flags; unsigned short size; unsigned char attrs[4]; } records[2];\n"
	"static pthread_barrier_t barrier;\n"
	"static void *tp(void)\n"
	"{\n"
	"	void *p;\n"
	"#ifdef __x86_64__\n"
	"	__asm__(\"mov %%fs:0, %0\" : \"=r\"(p));\n"
	"#else\n"
	"	__asm__(\"mrs %0, tpidr_el0\" : \"=r\"(p));\n"
	"#endif\n"
	"	return p;\n"
	"}\n"
	"static void say(const void *v)\n"
	"{\n"
	"	char line[99];\n"
	"	write(1, line, snprintf(line, sizeof(line), \"%ld %p %p\\n\", (long)syscall(SYS_gettid), tp(), v));\n"
	"}\n"
	"#ifdef LIBRARY\n"
	"static void **(*variable)(void);\n"
	"#else\n"
	"void **variable(void);\n"
	"#endif\n"
	"static void work(int n)\n"
	"{\n"
	"	memset(records[n].trace, n + 1, 16);\n"
	"	memset(records[n].span, n + 11, 8);\n"
	"	records[n].valid = 1;\n"
	"	records[n].flags = 1;\n"
	"	records[n].size = 4;\n"
	"	memcpy(records[n].attrs, \"\\1\\2ab\", 4);\n"
	"	*variable() = &records[n];\n"
	"	say(variable());\n"
	"}\n"
	"static void *idle(void *unused)\n"
	"{\n"
	"	say(NULL);\n"
	"	pthread_barrier_wait(&barrier);\n"
	"	pause();\n"
	"	return unused;\n"
	"}\n"
	"static void *worker(void *unused)\n"
	"{\n"
	"	work(1);\n"
	"	pause();\n"
	"	return unused;\n"
	"}\n"
	"int main(void)\n"
	"{\n"
	"	pthread_t t;\n"
	"	char c;\n"
	"#ifdef PUBLISH\n"
	"	static const char *const keys[] = { \"first\", \"second\" };\n"
	"	if (tickprof_process_publish(\"payment\", keys, 2))\n"
	"		return 1;\n"
	"#endif\n"
	"	pthread_barrier_init(&barrier, NULL, 2);\n"
	"	pthread_create(&t, NULL, idle, NULL);\n"
	"	pthread_barrier_wait(&barrier);\n"
	"#ifdef LIBRARY\n"
	"	void *library = *LIBRARY ? dlopen(LIBRARY, RTLD_NOW) : RTLD_DEFAULT;\n"
	"	if (*LIBRARY && !library) {\n"
	"		puts(dlerror());\n"
	"		return 1;\n"
	"	}\n"
	"	variable = (void **(*)(void))dlsym(library, \"variable\");\n"
	"#endif\n"
	"	work(0);\n"
	"	pthread_create(&t, NULL, worker, NULL);\n"
	"	return read(0, &c, 1) > 0;\n"
	"}\n";

enum { THREAD_IDLE, THREAD_MAIN, THREAD_WORKER, THREADS };

struct program {
	pid_t pid;
	int in;
	struct {
		pid_t tid;
		uint64_t tp, variable;	/* as it says itself */
	} threads[THREADS];
};

/* environment: NULL or "NAME=VALUE". */
static inline struct program program_start(const char *name, const char *environment)
{
	int in[2], out[2], i;
	struct program p;
	char path[600];
	FILE *f;

	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	snprintf(path, sizeof(path), "%s", fixture(name));
	p.pid = fork();
	if (!p.pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		setenv("LD_LIBRARY_PATH", FIXTURES, 1);
		unsetenv("LD_PRELOAD");
		if (environment)
			putenv((char *)environment);
		execl(path, path, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	p.in = in[1];
	f = fdopen(out[0], "r");
	for (i = 0; i < THREADS; i++) {
		char line[512] = "";
		void *tp, *variable;

		assert_non_null(fgets(line, sizeof(line), f));
		if (sscanf(line, "%d %p %p", &p.threads[i].tid, &tp, &variable) < 2)
			fail_msg("%s says: %s", name, line);
		p.threads[i].tp = (uintptr_t)tp;
		p.threads[i].variable = i == THREAD_IDLE ? 0 : (uintptr_t)variable;
	}
	fclose(f);
	return p;
}

static inline void program_stop(const struct program *p)
{
	int status;

	close(p->in);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	assert_int_equal(status, 0);
}

#endif
