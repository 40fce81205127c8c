// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a recording finds out about the contexts of processes and tells the module,
 * which is a list here: when each image is looked at, and what real programs give.
 */
#define FIXTURE_DIR "contexts"
#include <pthread.h>
#include <time.h>

#include "capture/capture_process.h"
#include "record/context_images.h"
#include "record/contexts.h"
#include "context_program.h"
#include "records.h"

#define MS ((uint64_t)1000000)

/* --- when ---------------------------------------------------------------------------------- */

static bool task(struct context_images *t, uint32_t pid, uint64_t start_time, uint64_t exec_id,
		 bool snapshot, uint64_t now)
{
	struct tickprof_task r = {
		.hdr = { TICKPROF_RECORD_TASK, 0, sizeof(r) },
		.pid = pid, .tid = pid, .start_time = start_time, .exec_id = exec_id, .ppid = 7,
	};

	return context_images_see(t, &r.hdr, snapshot, now);
}

static bool exec(struct context_images *t, uint32_t pid, uint64_t start_time, uint64_t exec_id,
		 uint64_t now)
{
	struct tickprof_exec r = {
		.hdr = { TICKPROF_RECORD_EXEC, 0, sizeof(r) },
		.pid = pid, .tid = pid, .start_time = start_time, .exec_id = exec_id,
	};

	return context_images_see(t, &r.hdr, false, now);
}

static bool mapping(struct context_images *t, uint32_t pid, uint64_t exec_id, const char *path,
		    uint64_t now)
{
	union {
		struct tickprof_mmap r;
		char bytes[sizeof(struct tickprof_mmap) + 64];
	} u = { .r = {
		.hdr = { TICKPROF_RECORD_MMAP, 0, sizeof(u) },
		.pid = pid, .tid = pid, .exec_id = exec_id,
	} };

	strcpy(u.bytes + sizeof(struct tickprof_mmap), path);
	return context_images_see(t, &u.r.hdr, false, now);
}

static bool leave(struct context_images *t, uint32_t pid, uint32_t tid)
{
	struct tickprof_exit r = {
		.hdr = { TICKPROF_RECORD_EXIT, 0, sizeof(r) }, .pid = pid, .tid = tid,
	};

	return context_images_see(t, &r.hdr, false, 0);
}

/* Takes the first, which must be this one, due then. */
static struct context_image *take(struct context_images *t, uint32_t pid, uint64_t due)
{
	struct context_image *image = context_images_first(t, UINT64_MAX);

	assert_non_null(image);
	assert_int_equal(image->pid, pid);
	assert_int_equal(image->due, due);
	context_images_take(t, image);
	return image;
}

static void each_image_once(void **state)
{
	struct context_images *t = context_images_create();
	struct context_image *image;

	assert_null(context_images_first(t, UINT64_MAX));
	assert_true(task(t, 10, 100, 1, false, 5));
	assert_false(task(t, 10, 100, 1, false, 6));
	assert_true(task(t, 11, 200, 1, false, 7));
	image = take(t, 10, 5);
	assert_int_equal(image->ppid, 7);
	take(t, 11, 7);
	assert_null(context_images_first(t, UINT64_MAX));
	assert_false(task(t, 10, 100, 1, false, 8));
	assert_null(context_images_first(t, UINT64_MAX));
	/* Threads come and go; the process ends. */
	assert_false(leave(t, 10, 12));
	assert_non_null(context_images_find(t, 10, 100, 1));
	assert_false(leave(t, 10, 10));
	assert_null(context_images_find(t, 10, 100, 1));
	assert_int_equal(context_images_nr(t), 1);
	context_images_destroy(t);
}

static void a_new_image_takes_the_place(void **state)
{
	struct context_images *t = context_images_create();

	task(t, 10, 100, 1, false, 0);
	take(t, 10, 0)->result = 3;
	assert_true(exec(t, 10, 100, 2, 50));
	assert_null(context_images_find(t, 10, 100, 1));
	assert_int_equal(context_images_find(t, 10, 100, 2)->result, -1);
	assert_int_equal(context_images_find(t, 10, 100, 2)->ppid, 0);
	/* From another ring, where it lay longer. */
	assert_false(task(t, 10, 100, 1, false, 60));
	assert_false(task(t, 10, 100, 2, false, 60));
	take(t, 10, 50 + 5 * MS);
	/* The number is another process's by now; what /proc said of it came before. */
	assert_true(task(t, 10, 300, 1, false, 70));
	assert_false(task(t, 10, 290, 0, true, 71));
	assert_non_null(context_images_find(t, 10, 300, 1));
	context_images_destroy(t);
}

/* The snapshot's start times are rounded, and a program's name comes with its first sample. */
static void the_snapshot_has_no_names(void **state)
{
	struct context_images *t = context_images_create();

	assert_true(task(t, 10, 100, 5, true, 0));
	assert_int_equal(take(t, 10, 0)->exec_id, 0);
	assert_true(task(t, 10, 107, 5, false, 9));
	assert_int_equal(take(t, 10, 9)->exec_id, 5);
	assert_false(task(t, 10, 100, 5, true, 10));
	context_images_destroy(t);
}

/* Who ran is looked at before the many that were only there. */
static void the_snapshot_comes_last(void **state)
{
	struct context_images *t = context_images_create();
	uint32_t pid;

	for (pid = 10; pid < 20; pid++)
		task(t, pid, 100, 1, true, 0);
	exec(t, 30, 100, 1, 1);
	assert_int_equal(context_images_first(t, 1)->pid, 10);
	assert_int_equal(context_images_first(t, 1 + 5 * MS)->pid, 30);
	take(t, 30, 1 + 5 * MS);
	assert_true(task(t, 15, 107, 5, false, 9 * MS));
	take(t, 15, 9 * MS);
	for (pid = 10; pid < 20; pid++)
		if (pid != 15)
			take(t, pid, 0);
	assert_null(context_images_first(t, UINT64_MAX));
	context_images_destroy(t);
}

static void later_and_not_for_ever(void **state)
{
	static const unsigned int ms[] = { 5, 20, 100, 500, 2000, 10000, 10000 };
	struct context_images *t = context_images_create();
	struct context_image *image;
	unsigned int n = 0;

	task(t, 10, 100, 1, false, 0);
	for (image = take(t, 10, 0); n < CONTEXT_TRIES; n++) {
		context_images_again(t, image, 1000);
		take(t, 10, 1000 + ms[n < 6 ? n : 6] * MS);
	}
	context_images_again(t, image, 1000);
	assert_null(context_images_first(t, UINT64_MAX));
	/* What it maps is worth another look, and from there on as at first. */
	assert_false(mapping(t, 10, 1, "", 0));
	assert_false(mapping(t, 10, 2, "/lib/x.so", 0));
	assert_true(mapping(t, 10, 1, "/lib/x.so", 0));
	assert_false(mapping(t, 10, 1, "/lib/y.so", 1));
	take(t, 10, 5 * MS);
	context_images_again(t, image, 1000);
	assert_false(mapping(t, 10, 1, "/lib/y.so", 1000));
	take(t, 10, 1000 + 5 * MS);
	/* Sooner than it would have been. */
	task(t, 11, 100, 1, false, 0);
	take(t, 11, 0);
	context_images_done(t, image);
	assert_false(mapping(t, 10, 1, "/lib/x.so", 0));
	assert_null(context_images_first(t, UINT64_MAX));
	context_images_destroy(t);
}

/* One that maps and unmaps all day costs a look every two seconds. */
static void who_maps_much_waits(void **state)
{
	struct context_images *t = context_images_create();
	unsigned int looks = 0;
	uint64_t now;

	task(t, 10, 100, 1, false, 0);
	for (now = 0; now < 60000 * MS; now += MS) {
		struct context_image *image = context_images_first(t, UINT64_MAX);

		if (image && image->due <= now) {
			context_images_take(t, image);
			looks++;
		}
		mapping(t, 10, 1, "/lib/x.so", now);
	}
	assert_in_range(looks, 30, 32 + 31);
	context_images_destroy(t);
}

static void the_first_is_due_first(void **state)
{
	struct context_images *t = context_images_create();
	uint64_t seed = 1, due = 0;
	uint32_t pid;
	size_t nr = 0;

	for (pid = 1; pid <= 5000; pid++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		if (seed >> 63)
			exec(t, pid, 100, 1, pid * 1000);
		else
			task(t, pid, 100, 1, false, pid * 1000);
		if (seed >> 62 & 1)
			leave(t, pid / 2, pid / 2);
	}
	while (context_images_first(t, UINT64_MAX)) {
		struct context_image *image = context_images_first(t, UINT64_MAX);

		assert_true(image->due >= due);
		due = image->due;
		context_images_take(t, image);
		nr++;
	}
	assert_int_equal(nr, context_images_nr(t));
	assert_in_range(nr, 2500, 4999);
	context_images_destroy(t);
}

/* --- what ---------------------------------------------------------------------------------- */

enum { TOLD_MAX = 64 };

static struct module {
	pthread_mutex_t lock;
	struct control_context told[TOLD_MAX];
	size_t nr;
	int answer;
} module = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int set(void *arg, const struct control_context *where)
{
	int answer;

	pthread_mutex_lock(&module.lock);
	assert_true(module.nr < TOLD_MAX);
	module.told[module.nr++] = *where;
	answer = module.answer;
	pthread_mutex_unlock(&module.lock);
	return answer;
}

/* The last word on a process, once there is a nth one; waits for it, not for ever. */
static struct control_context told(uint32_t pid, unsigned int n)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct control_context last = { 0 };
	unsigned int i, found = 0, turn;

	for (turn = 0; turn < 4000 && found < n; turn++) {
		pthread_mutex_lock(&module.lock);
		for (i = 0, found = 0; i < module.nr; i++) {
			if (module.told[i].pid != pid)
				continue;
			found++;
			last = module.told[i];
		}
		pthread_mutex_unlock(&module.lock);
		nanosleep(&pause, NULL);
	}
	assert_true(found >= n);
	return last;
}

static struct contexts *start(int answer, bool mmap_events, char **keys, size_t nr_keys)
{
	const struct contexts_options options = {
		.set = set, .keys = { keys, nr_keys }, .mmap_events = mmap_events,
	};
	struct contexts *c = contexts_create(&options);

	assert_non_null(c);
	module.nr = 0;
	module.answer = answer;
	return c;
}

static void see_task(struct contexts *c, uint32_t pid, uint32_t ppid, uint64_t exec_id)
{
	struct tickprof_task r = {
		.hdr = { TICKPROF_RECORD_TASK, 0, sizeof(r) },
		.pid = pid, .tid = pid, .start_time = START_OF(pid), .exec_id = exec_id, .ppid = ppid,
	};

	contexts_see(c, &r.hdr, false);
}

static void see_mapping(struct contexts *c, uint32_t pid, uint64_t exec_id)
{
	union {
		struct tickprof_mmap r;
		char bytes[sizeof(struct tickprof_mmap) + 16];
	} u = { .r = {
		.hdr = { TICKPROF_RECORD_MMAP, 0, sizeof(u) },
		.pid = pid, .tid = pid, .exec_id = exec_id,
	} };

	strcpy(u.bytes + sizeof(struct tickprof_mmap), "/lib/x.so");
	contexts_see(c, &u.r.hdr, false);
}

static struct contexts_stats settled(struct contexts *c)
{
	struct contexts_stats s;

	contexts_settle(c, 20000);
	contexts_stats(c, &s);
	return s;
}

/* What the capture has: how many PROCESS chunks, and the last. */
static size_t written(struct contexts *c, struct capture **capture, struct capture_process_text *out)
{
	struct test_capture t = capture_begin();
	const struct capture_chunk *chunks;
	size_t nr, i, found = 0;

	assert_int_equal(contexts_write(c, t.w), 0);
	*capture = capture_end(&t);
	chunks = capture_chunks(*capture, &nr);
	for (i = 0; i < nr; i++)
		if (chunks[i].type == CAPTURE_PROCESS) {
			assert_int_equal(capture_process_parse(&chunks[i], out), 0);
			found++;
		}
	return found;
}

static void the_module_is_told(void **state)
{
	char *keys[] = { "second", "nowhere" };
	struct program p = program_start("service", NULL), plain = program_start("plain", NULL);
	struct contexts *c = start(0, true, keys, 2);
	struct capture_process_text text;
	struct contexts_stats s;
	struct control_context w;
	struct capture *capture;

	see_task(c, p.pid, 1, 9);
	see_task(c, p.pid, 1, 9);
	see_task(c, plain.pid, 1, 3);
	s = settled(c);
	assert_int_equal(s.looks, 2);
	assert_int_equal(s.images[LOOK_FOUND], 1);
	assert_int_equal(s.images[LOOK_ABSENT], 1);
	w = told(p.pid, 1);
	assert_int_equal(w.kind, TICKPROF_CONTEXT_STATIC);
	assert_int_equal(w.offset, (int64_t)(p.threads[THREAD_MAIN].variable - p.threads[THREAD_MAIN].tp));
	assert_int_equal(w.start_time, START_OF(p.pid));
	assert_int_equal(w.exec_id, 9);
	assert_int_equal(w.keys[0], 1 << 1);
	assert_int_equal(w.keys[1], 0);
	assert_int_equal(told(plain.pid, 1).kind, TICKPROF_CONTEXT_ABSENT);
	assert_int_equal(module.nr, 2);
	assert_int_equal(written(c, &capture, &text), 1);
	assert_int_equal(text.image.pid, p.pid);
	assert_int_equal(text.image.start_time, START_OF(p.pid));
	assert_int_equal(text.image.exec_id, 9);
	assert_string_equal(text.service, "payment");
	assert_int_equal(text.image.nr_keys, 2);
	assert_string_equal(text.keys[1], "second");
	capture_close(capture);
	/* Nothing new. */
	see_mapping(c, p.pid, 9);
	see_mapping(c, plain.pid, 3);
	told(plain.pid, 2);
	assert_int_equal(written(c, &capture, &text), 0);
	capture_close(capture);
	contexts_destroy(c);
	program_stop(&plain);
	program_stop(&p);
}

/* A library that comes later, announced and not. */
static void by_dlopen(void **state)
{
	unsigned int announced;

	for (announced = 0; announced < 2; announced++) {
		struct contexts *c = start(0, announced, NULL, 0);
		int in[2], out[2];
		char line[512];
		struct control_context w;
		pid_t pid;

		assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
		pid = fork();
		if (!pid) {
			dup2(in[0], STDIN_FILENO);
			dup2(out[1], STDOUT_FILENO);
			execl(fixture("late"), "late", fixture("liblate.so"), NULL);
			_exit(127);
		}
		close(in[0]);
		close(out[1]);
		assert_int_equal(read(out[0], line, 1), 1);
		see_task(c, pid, 1, 2);
		assert_int_equal(told(pid, 1).kind, TICKPROF_CONTEXT_ABSENT);
		assert_int_equal(write(in[1], "x", 1), 1);
		assert_int_equal(read(out[0], line, 1), 1);
		if (announced)
			see_mapping(c, pid, 2);
		do
			w = told(pid, 2);
		while (!announced && w.kind == TICKPROF_CONTEXT_ABSENT);
		assert_int_equal(w.kind, TICKPROF_CONTEXT_DTV);
		assert_true(w.module > 1);
		assert_in_range(w.stride, 8, 16);
		contexts_destroy(c);
		close(in[1]);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		close(out[0]);
	}
}

/* The mapping that tells of a process does not pass to its children. */
static void a_child_goes_by_its_parent(void **state)
{
	struct contexts *c = start(0, true, NULL, 0);
	struct capture_process_text text;
	struct capture *capture;
	int in[2], out[2];
	pid_t pid, child;

	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl(fixture("prefork"), "prefork", NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	assert_int_equal(read(out[0], &child, sizeof(child)), sizeof(child));
	see_task(c, child, pid, 4);
	assert_int_equal(told(child, 1).kind, TICKPROF_CONTEXT_STATIC);
	settled(c);
	assert_int_equal(written(c, &capture, &text), 1);
	assert_int_equal(text.image.pid, child);
	assert_string_equal(text.service, "prefork");
	capture_close(capture);
	/* Whoever else's child it is, it says nothing of itself. */
	see_task(c, child, getpid(), 5);
	assert_int_equal(told(child, 2).kind, TICKPROF_CONTEXT_STATIC);
	settled(c);
	assert_int_equal(written(c, &capture, &text), 0);
	capture_close(capture);
	contexts_destroy(c);
	close(in[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(out[0]);
}

static void what_the_module_refuses(void **state)
{
	struct program p = program_start("service", NULL);
	struct contexts *c = start(-ENOSPC, true, NULL, 0);
	struct contexts_stats s;
	size_t before;

	see_task(c, p.pid, 1, 1);
	s = settled(c);
	assert_int_equal(s.images[LOOK_REFUSED], 1);
	assert_int_equal(s.error, -ENOSPC);
	/* A place may become free; by now it may have been asked again already. */
	pthread_mutex_lock(&module.lock);
	module.answer = 0;
	before = module.nr;
	pthread_mutex_unlock(&module.lock);
	told(p.pid, before + 1);
	s = settled(c);
	assert_int_equal(s.images[LOOK_REFUSED], 0);
	assert_int_equal(s.images[LOOK_FOUND], 1);
	contexts_destroy(c);
	/* It has ended, or become another: no error, and nothing to be said of it. */
	c = start(-ESRCH, true, NULL, 0);
	see_task(c, p.pid, 1, 1);
	see_task(c, 0x7ffffff0, 1, 1);
	s = settled(c);
	assert_int_equal(s.images[LOOK_GONE], 2);
	assert_int_equal(module.nr, 1);
	contexts_destroy(c);
	program_stop(&p);
}

static int count_only(void *arg, const struct control_context *where)
{
	__atomic_fetch_add((unsigned int *)arg, 1, __ATOMIC_RELAXED);
	return 0;
}

/* Programs that start without end, more than can be looked at: two seconds' worth. */
static void a_storm_gets_its_share(void **state)
{
	const struct timespec pause = { .tv_nsec = 20000 };
	struct program p = program_start("plain", NULL);
	unsigned int sets = 0;
	const struct contexts_options options = {
		.set = count_only, .arg = &sets, .mmap_events = true,
	};
	struct contexts *c = contexts_create(&options);
	struct contexts_stats s;
	uint64_t began, now, exec_id = 1;
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	began = now = ts.tv_sec * 1000 + ts.tv_nsec / MS;
	while (now < began + 2000) {
		see_task(c, p.pid, 1, ++exec_id);
		see_task(c, getpid(), 1, exec_id);
		nanosleep(&pause, NULL);
		clock_gettime(CLOCK_MONOTONIC, &ts);
		now = ts.tv_sec * 1000 + ts.tv_nsec / MS;
	}
	contexts_stats(c, &s);
	assert_true(s.looks > 100 && sets > 100);
	print_message("# %" PRIu64 " looks, %" PRIu64 " ms of CPU\n", s.looks,
		      s.cpu_ns / MS);
	assert_true(s.cpu_ns < (500 + (now - began) / 10 + 100) * MS);
	contexts_destroy(c);
	program_stop(&p);
}

static int programs(void **state)
{
	write_text("variable.c", variable_source);
	write_text("main.c", main_source);
	write_text("plain.c", "void **variable(void) { static void *v; return &v; }\n");
	write_text("late.c", "#include <dlfcn.h>\n#include <unistd.h>\n"
		   "int main(int n, char **a) { char c; write(1, \"1\", 1); read(0, &c, 1);\n"
		   "void **(*v)(void) = dlsym(dlopen(a[1], RTLD_NOW), \"variable\"); *v() = &c;\n"
		   "write(1, \"2\", 1); return read(0, &c, 1) > 0; }\n");
	write_text("prefork.c", "#include <unistd.h>\n#include <sys/wait.h>\n#include <tickprof/process.h>\n"
		   "extern __thread void *otel_thread_ctx_v1;\n"
		   "int main(void) { char c; tickprof_process_publish(\"prefork\", 0, 0); pid_t p = fork();\n"
		   "otel_thread_ctx_v1 = 0; if (p) { write(1, &p, sizeof(p)); wait(0); } else read(0, &c, 1); return 0; }\n");
	sh("gcc -w -pthread -rdynamic -DPUBLISH -I" TEST_DIR "/../../include main.c variable.c -o service");
	sh("gcc -w -pthread main.c plain.c -o plain && gcc -w late.c -o late -ldl");
	sh("gcc -O2 -shared -fPIC -DPAD=9999 variable.c -o liblate.so");
	sh("gcc -w -rdynamic -I" TEST_DIR "/../../include prefork.c variable.c -o prefork");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_image_once),
		cmocka_unit_test(a_new_image_takes_the_place),
		cmocka_unit_test(the_snapshot_has_no_names),
		cmocka_unit_test(the_snapshot_comes_last),
		cmocka_unit_test(later_and_not_for_ever),
		cmocka_unit_test(who_maps_much_waits),
		cmocka_unit_test(the_first_is_due_first),
		cmocka_unit_test(the_module_is_told),
		cmocka_unit_test(by_dlopen),
		cmocka_unit_test(a_child_goes_by_its_parent),
		cmocka_unit_test(what_the_module_refuses),
		cmocka_unit_test(a_storm_gets_its_share),
	};

	return cmocka_run_group_tests(tests, programs, NULL);
}
