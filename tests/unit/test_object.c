// SPDX-License-Identifier: GPL-2.0-only
/* The table of mapped files: which file is taken, kept and refused. */
#define FIXTURE_DIR "object"
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "symbol/object_open.h"
#include "fixture.h"

static void build(const char *name, const char *id)
{
	write_text("o.c", "int f(void) { return 1; }\n");
	sh("gcc -shared -fPIC -Wl,--build-id=%s o.c -o %s", id, name);
}

static struct object_id id_of(const char *name)
{
	struct object_id id = { .path = fixture(name) };
	struct stat st;

	assert_int_equal(stat(id.path, &st), 0);
	id.inode = st.st_ino;
	id.dev_major = major(st.st_dev);
	id.dev_minor = minor(st.st_dev);
	return id;
}

static void one_object_a_file(void **state)
{
	struct objects *o = objects_create();
	struct object *a, *b;
	struct object_id id;

	build("a.so", "0xa1a2a3a4");
	build("b.so", "0xb1b2b3b4");
	id = id_of("a.so");
	a = objects_get(o, &id, 1, 0, 0, true);
	assert_true(a->fd >= 0);
	assert_int_equal(a->id.build_id_size, 4);
	assert_int_equal(a->id.build_id[0], 0xa1);
	assert_ptr_equal(objects_get(o, &id, 2, 0, 0, true), a);
	/* Known by its build id as well, as the kernel's records have it. */
	id.build_id_size = 4;
	memcpy(id.build_id, "\xa1\xa2\xa3\xa4", 4);
	id.inode = 77;
	assert_ptr_equal(objects_get(o, &id, 3, 0, 0, true), a);
	id = id_of("b.so");
	b = objects_get(o, &id, 1, 0, 0, true);
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(objects_get_anon(o, 5), objects_get_anon(o, 5));
	assert_ptr_not_equal(objects_get_anon(o, 5), objects_get_anon(o, 6));
	assert_ptr_equal(objects_kernel(o), objects_kernel(o));
	assert_int_equal(objects_vdso(o)->kind, OBJECT_VDSO);
	objects_destroy(o);
}

static void another_file_is_refused(void **state)
{
	struct objects *o = objects_create();
	struct object_id id;
	struct object *obj;

	build("a.so", "0xa1a2a3a4");
	id = id_of("a.so");
	id.inode++;
	obj = objects_get(o, &id, 0, 0, 0, true);
	assert_int_equal(obj->fd, -1);
	assert_int_equal(obj->error, ESTALE);
	assert_int_equal(objects_fd(o, obj), -ESTALE);

	id = id_of("a.so");
	id.build_id_size = 4;
	memcpy(id.build_id, "\xa1\xa2\xa3\xff", 4);
	obj = objects_get(o, &id, 0, 0, 0, true);
	assert_int_equal(obj->error, ESTALE);

	/* Build ids decide, whatever the inodes. */
	id.build_id[3] = 0xa4;
	id.inode = 1;
	obj = objects_get(o, &id, 0, 0, 0, true);
	assert_true(obj->fd >= 0);
	objects_destroy(o);
}

static void nothing_is_opened_offline(void **state)
{
	struct objects *o = objects_create();
	struct object_id id;

	build("a.so", "0xa1a2a3a4");
	id = id_of("a.so");
	assert_int_equal(objects_get(o, &id, 0, 0, 0, false)->fd, -1);
	objects_destroy(o);
}

static void deleted_while_mapped(void **state)
{
	struct objects *o = objects_create();
	struct object_id id;
	struct object *obj;
	void *map;
	int fd;

	build("gone.so", "0xdeaddead");
	id = id_of("gone.so");
	fd = open(id.path, O_RDONLY);
	map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	close(fd);
	unlink(id.path);
	id.deleted = true;
	obj = objects_get(o, &id, getpid(), (uintptr_t)map, 4096, true);
	if (obj->fd < 0 && geteuid()) {
		objects_destroy(o);
		print_message("not root: map_files is not tested\n");
		skip();
	}
	assert_true(obj->fd >= 0);
	assert_int_equal(obj->id.build_id[0], 0xde);
	munmap(map, 4096);
	/* The name has been taken by another file since. */
	build("gone.so", "0xbeefbeef");
	assert_true(objects_fd(o, obj) >= 0);
	objects_destroy(o);

	o = objects_create();
	obj = objects_get(o, &id, getpid(), (uintptr_t)map, 4096, true);
	assert_int_equal(obj->error, ESTALE);
	objects_destroy(o);
}

static void only_regular_files(void **state)
{
	sh("rm -f fifo; mkfifo fifo; ln -sf o.c link; ln -sf /proc/self/fd/0 magic");
	assert_int_equal(open_in_root(0, fixture("fifo"), true), -ENOEXEC);
	assert_int_equal(open_in_root(0, "/dev/null", true), -ENOEXEC);
	assert_int_equal(open_in_root(getpid(), "/dev/zero", true), -ENOEXEC);
	assert_int_equal(open_in_root(0, fixture("absent"), true), -ENOENT);
	assert_true(open_in_root(getpid(), fixture("link"), true) >= 0);
	assert_true(open_in_root(getpid(), fixture("link"), false) < 0);
	assert_true(open_in_root(getpid(), fixture("magic"), true) < 0);
}

/* A process in a root of its own, where links lead to its files and not to ours. */
static void in_the_root_of_the_process(void **state)
{
	struct objects *o;
	struct object_id id = { .path = "/lib/x.so" };
	struct object *obj;
	int ready[2], done[2];
	char byte;
	pid_t pid;

	if (geteuid()) {
		print_message("not root: other roots are not tested\n");
		skip();
	}
	build("x.so", "0xc0ffee00");
	sh("mkdir -p jail/lib jail/real && mv x.so jail/real/x.so && "
	   "ln -sf /real/x.so jail/lib/x.so && ln -sf /../../../../../../etc/passwd jail/lib/out");
	assert_int_equal(pipe(ready) || pipe(done), 0);
	pid = fork();
	if (!pid) {
		close(done[1]);
		if (chroot(fixture("jail")) || write(ready[1], "x", 1) != 1 ||
		    read(done[0], &byte, 1) < 0)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	o = objects_create();
	obj = objects_get(o, &id, pid, 0, 0, true);
	assert_true(obj->fd >= 0);
	assert_int_equal(obj->id.build_id[0], 0xc0);
	assert_int_equal(open_in_root(pid, "/lib/out", true), -ENOENT);
	objects_destroy(o);
	close(done[1]);
	waitpid(pid, NULL, 0);
}

static size_t open_fds(void)
{
	size_t nr = 0;
	int fd;

	for (fd = 0; fd < 2048; fd++)
		nr += fcntl(fd, F_GETFD) >= 0;
	return nr;
}

static void descriptors_are_bounded(void **state)
{
	struct rlimit before, small;
	struct object *first = NULL, *obj;
	struct objects *o;
	struct object_id id;
	char name[32];
	int i;

	build("a.so", "0xa1a2a3a4");
	sh("mkdir -p many && for i in $(seq 600); do cp a.so many/$i.so; done");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	small = (struct rlimit){ 300, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
	small.rlim_max = 300;
	/* A hard limit of the same size, in a child, so that it cannot be raised. */
	if (!fork()) {
		setrlimit(RLIMIT_NOFILE, &small);
		o = objects_create();
		for (i = 1; i <= 600; i++) {
			snprintf(name, sizeof(name), "many/%d.so", i);
			id = id_of(name);
			obj = objects_get(o, &id, 0, 0, 0, true);
			if (obj->error || open_fds() > 290)
				_exit(1);
			if (i == 1)
				first = obj;
		}
		if (first->fd >= 0 || objects_fd(o, first) < 0)
			_exit(2);
		objects_destroy(o);
		_exit(0);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	wait(&i);
	assert_int_equal(i, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_object_a_file),
		cmocka_unit_test(another_file_is_refused),
		cmocka_unit_test(nothing_is_opened_offline),
		cmocka_unit_test(deleted_while_mapped),
		cmocka_unit_test(only_regular_files),
		cmocka_unit_test(in_the_root_of_the_process),
		cmocka_unit_test(descriptors_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
