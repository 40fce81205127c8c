// SPDX-License-Identifier: GPL-2.0-only
/*
 * The location of otel_thread_ctx_v1 in live programs of this machine, for every
 * way of linking: evaluated for a thread it is the address that the program itself
 * prints, and what lies there is the thread's record.
 */
#define FIXTURE_DIR "context-forms"
#include "context_program.h"
#include "context/publisher.h"
#include "context/thread.h"
#include "context/thread_context.h"

#define LIBRARY "gcc -O2 -shared -fPIC variable.c -o "
#define MUSL_LIBRARY "musl-gcc -O2 -shared -fPIC variable.c -o "
#define OWN " -DOWN -O0 "
#define OWN_LOCAL " -DOWN -ftls-model=local-dynamic "
#define GNU2 " -mtls-dialect=gnu2 "

struct row {
	const char *name;	/* of the program */
	const char *build;	/* the library's commands, if there is one */
	const char *link;	/* the program's command, after "main.c -o NAME" */
	const char *environment;
	enum tls_form form;
	bool own;
	enum location_kind kind;
	bool elsewhere;		/* another file's words tell where it is */
	bool symtab;
};

#define EXEC TLS_FORM_LOCAL_EXEC
#define INITIAL TLS_FORM_INITIAL_EXEC
#define DESC TLS_FORM_DESCRIPTOR
#define DYN TLS_FORM_DYNAMIC
#define S LOCATION_STATIC
#define D LOCATION_DTV

static const struct row programs[] = {
	{ "pie", NULL, "gcc -rdynamic variable.c", NULL, EXEC, false, S },
	{ "no-pie", NULL, "gcc -no-pie -rdynamic variable.c", NULL, EXEC, false, S },
	{ "pic", NULL, "gcc -fPIC -rdynamic variable.c", NULL, INITIAL, false, S },
	{ "exported", NULL, "gcc -s -Wl,--export-dynamic-symbol=otel_thread_ctx_v1 variable.c", NULL, EXEC, false, S },
	{ "aligned", NULL, "gcc -rdynamic -DPAD='77] __attribute__((aligned(512))); __thread char more[3' variable.c",
	  NULL, EXEC, false, S },
	{ "mold", NULL, "gcc -fuse-ld=mold -rdynamic variable.c", NULL, EXEC, false, S },
	{ "not-exported", NULL, "gcc variable.c", NULL, EXEC, false, S, .symtab = true },
	{ "static", NULL, "gcc -static variable.c", NULL, EXEC, false, S, .symtab = true },
	{ "static-pie", NULL, "gcc -static-pie -s -Wl,--export-dynamic-symbol=otel_thread_ctx_v1 variable.c",
	  NULL, EXEC, false, S },
};

static const struct row at_start[] = {
	{ "ie", LIBRARY "libie.so -ftls-model=initial-exec", "gcc -L. -lie", NULL, INITIAL, false, S },
	{ "gd", LIBRARY "libgd.so", "gcc -L. -lgd", NULL, DYN, false, D },
	{ "desc", LIBRARY "libdesc.so" GNU2, "gcc -L. -ldesc", NULL, DESC, false, S },
	{ "stripped", LIBRARY "libstripped.so -s" GNU2, "gcc -s -L. -lstripped", NULL, DESC, false, S },
	{ "now", LIBRARY "libnow.so -Wl,-z,now" GNU2, "gcc -L. -lnow", NULL, DESC, false, S },
	{ "lazy", LIBRARY "liblazy.so -Wl,-z,lazy" GNU2, "gcc -L. -llazy", NULL, DESC, false, S },
	{ "mold-lib", LIBRARY "libmold.so -fuse-ld=mold" GNU2, "gcc -L. -lmold", NULL, DESC, false, S },
	{ "mold-gd", LIBRARY "libmgd.so -fuse-ld=mold", "gcc -L. -lmgd", NULL, DYN, false, D },
	{ "ie-own", LIBRARY "libieo.so -ftls-model=initial-exec" OWN, "gcc -L. -lieo", NULL, INITIAL, true, S },
	{ "gd-own", LIBRARY "libgdo.so" OWN, "gcc -L. -lgdo", NULL, DYN, true, D },
	{ "symbolic", LIBRARY "libsym.so -Wl,-Bsymbolic" GNU2, "gcc -L. -lsym", NULL, DESC, false, S },
	{ "desc-own", LIBRARY "libdo.so" OWN GNU2, "gcc -L. -ldo", NULL, DESC, true, S },
	{ "ld-own", LIBRARY "libldo.so " OWN_LOCAL, "gcc -L. -lldo",
	  NULL, DYN, true, D },
	{ "ldd-own", LIBRARY "liblddo.so " OWN_LOCAL GNU2,
	  "gcc -L. -llddo", NULL, DESC, true, S },
	{ "used-by-program", LIBRARY "libubp.so -DUNUSED_HERE", "gcc user.c -L. -lubp", NULL, INITIAL, false, S, true },
	{ "used-by-other", LIBRARY "libubo.so -DUNUSED_HERE && gcc -shared -fPIC user.c -o libuser.so -L. -lubo",
	  "gcc -L. -luser -lubo", NULL, DYN, false, D, true },
	{ "preloaded", LIBRARY "libpre.so" GNU2, "gcc -DLIBRARY='\"\"' -ldl", "LD_PRELOAD=libpre.so", DESC, false, S },
	{ "preload-over", LIBRARY "libover.so -ftls-model=initial-exec", "gcc -L. -lgd", "LD_PRELOAD=libover.so",
	  INITIAL, false, S },
	/* The library's words name the symbol, which is the program's then. */
	{ "both", LIBRARY "libboth.so -ftls-model=initial-exec",
	  "gcc -rdynamic -DUNUSED_HERE variable.c -L. -lboth", NULL, EXEC, false, S },
};

static const struct row by_dlopen[] = {
	{ "dl-ie", LIBRARY "libie.so -ftls-model=initial-exec", "gcc -DLIBRARY='\"libie.so\"' -ldl", NULL,
	  INITIAL, false, S },
	{ "dl-gd", LIBRARY "libgd.so", "gcc -DLIBRARY='\"libgd.so\"' -ldl", NULL, DYN, false, D },
	{ "dl-gd-own", LIBRARY "libgdo.so" OWN, "gcc -DLIBRARY='\"libgdo.so\"' -ldl", NULL, DYN, true, D },
	{ "dl-gd-big", LIBRARY "libgdb.so -DPAD=100000", "gcc -DLIBRARY='\"libgdb.so\"' -ldl", NULL, DYN, false, D },
	{ "dl-desc", LIBRARY "libdesc.so" GNU2, "gcc -DLIBRARY='\"libdesc.so\"' -ldl", NULL, DESC, false, S },
	{ "dl-desc-big", LIBRARY "libdb.so -DPAD=100000" GNU2, "gcc -DLIBRARY='\"libdb.so\"' -ldl", NULL,
	  DESC, false, D },
	{ "dl-desc-own", LIBRARY "libdbo.so -DPAD=100000" OWN GNU2, "gcc -DLIBRARY='\"libdbo.so\"' -ldl",
	  NULL, DESC, true, D },
	{ "dl-desc-none", LIBRARY "libdesc.so" GNU2, "gcc -DLIBRARY='\"libdesc.so\"' -ldl",
	  "GLIBC_TUNABLES=glibc.rtld.optional_static_tls=0", DESC, false, D },
};

static const struct row musl[] = {
	{ "m-pie", NULL, "musl-gcc -rdynamic variable.c", NULL, EXEC, false, S },
	{ "m-static", NULL, "musl-gcc -static variable.c", NULL, EXEC, false, S, .symtab = true },
	{ "m-ie", MUSL_LIBRARY "libmie.so -ftls-model=initial-exec", "musl-gcc -L. -lmie", NULL, INITIAL, false, S },
	{ "m-gd", MUSL_LIBRARY "libmgd2.so", "musl-gcc -L. -lmgd2", NULL, DYN, false, D },
	{ "m-gd-own", MUSL_LIBRARY "libmgdo.so" OWN, "musl-gcc -L. -lmgdo", NULL, DYN, true, D },
	{ "m-desc", MUSL_LIBRARY "libmdesc.so" GNU2, "musl-gcc -L. -lmdesc", NULL, DESC, false, S },
	{ "m-dl-gd", MUSL_LIBRARY "libmgd2.so", "musl-gcc -DLIBRARY='\"libmgd2.so\"'", NULL, DYN, false, D },
	{ "m-dl-desc", MUSL_LIBRARY "libmdesc.so" GNU2, "musl-gcc -DLIBRARY='\"libmdesc.so\"'", NULL, DESC, false, D },
	{ "m-dl-desc-own", MUSL_LIBRARY "libmdo.so" OWN GNU2, "musl-gcc -DLIBRARY='\"libmdo.so\"'", NULL,
	  DESC, true, D },
};

static void build(const struct row *row)
{
	if (row->build)
		sh("%s", row->build);
	/* gcc FLAGS SOURCES LIBRARIES: the program's own source has to come before its libraries. */
	sh("set -- %s && compiler=$1 && shift && $compiler -pthread main.c \"$@\" -o %s", row->link, row->name);
}

static void check_thread(const struct row *row, const struct program *p, int i,
			 const struct publisher *found, const struct memory *m)
{
	struct stopped_thread stopped;
	enum thread_context_state state;
	struct thread_context c;
	const uint8_t *value;
	uint64_t variable = 0;
	uint8_t length;
	int n = i - THREAD_MAIN;

	if (i != THREAD_IDLE) {
		assert_int_equal(location_evaluate(&found->location, m, p->threads[i].tp, &variable), 0);
		assert_int_equal(variable, p->threads[i].variable);
	}
	assert_int_equal(thread_stop(p->threads[i].tid, &stopped), 0);
	state = thread_context_read(&found->location, m, stopped.tp, &c);
	thread_resume(&stopped);
	assert_int_equal(stopped.tp, p->threads[i].tp);
	assert_int_equal(state, i == THREAD_IDLE ? THREAD_CONTEXT_NONE : THREAD_CONTEXT_OK);
	if (i == THREAD_IDLE)
		return;
	assert_int_equal(c.trace_id[15], n + 1);
	assert_int_equal(c.span_id[7], n + 11);
	assert_int_equal(c.trace_flags, 1);
	value = thread_context_attr(&c, 1, &length);
	assert_non_null(value);
	assert_int_equal(length, 2);
	assert_memory_equal(value, "ab", 2);
}

/* One for all: files of the same names come and go. */
static struct variable_files *files;

static void check_row(const struct row *row)
{
	struct publisher found;
	struct program p;
	struct memory m;
	int i, ret;

	build(row);
	p = program_start(row->name, row->environment);
	assert_int_equal(memory_open(&m, p.pid), 0);
	ret = publisher_find(p.pid, &m, files, &found);
	print_message("# %-16s %-16s%s %s, module %u, offset %" PRId64 "%s\n", row->name,
		      tls_form_name(found.variable.form), found.variable.own ? " own" : "",
		      found.location.kind == LOCATION_STATIC ? "static" : "dtv",
		      found.location.module, found.location.offset, ret ? " failed" : "");
	assert_int_equal(ret, 0);
	assert_int_equal(found.variable.form, row->form);
	assert_int_equal(found.variable.own, row->own);
	assert_int_equal(found.variable.dynamic, !row->symtab);
	assert_int_equal(found.location.kind, row->kind);
	assert_int_equal(!!found.referrer, row->elsewhere);
	assert_int_equal(found.others, 0);
	for (i = 0; i < THREADS; i++)
		check_thread(row, &p, i, &found, &m);
	publisher_deinit(&found);
	memory_close(&m);
	program_stop(&p);
}

static int write_sources(void **state)
{
	files = variable_files_create();
	write_text("variable.c", variable_source);
	write_text("user.c", user_source);
	write_text("main.c", main_source);
	return 0;
}

static int forget_files(void **state)
{
	variable_files_destroy(files);
	return 0;
}

#define RUN(rows)					\
static void run_##rows(void **state)			\
{							\
	size_t i;					\
							\
	for (i = 0; i < ARRAY_SIZE(rows); i++)		\
		check_row(&rows[i]);			\
}
RUN(programs)
RUN(at_start)
RUN(by_dlopen)
RUN(musl)

/* What is found of a program, which is stopped again. */
static int find(const char *name, const char *remove, struct publisher *found)
{
	struct program p = program_start(name, NULL);
	struct memory m;
	int ret;

	if (remove)
		sh("rm %s", remove);
	assert_int_equal(memory_open(&m, p.pid), 0);
	ret = publisher_find(p.pid, &m, files, found);
	memory_close(&m);
	program_stop(&p);
	return ret;
}

/* Two libraries, each with a variable of its own: the first is read, the other told of. */
static void two_own(void **state)
{
	struct publisher found;

	sh(LIBRARY "libone.so -ftls-model=initial-exec" OWN "&& cp libone.so libtwo.so");
	sh("gcc -pthread main.c -o two -Wl,--no-as-needed -L. -lone -ltwo");
	assert_int_equal(find("two", NULL, &found), 0);
	assert_int_equal(found.others, 1);
	publisher_deinit(&found);
}

static void nobody(void **state)
{
	struct publisher found;

	write_text("plain.c", "void **variable(void) { static void *v; return &v; }\n");
	sh("gcc -w -pthread main.c plain.c -o plain");
	assert_int_equal(find("plain", NULL, &found), -ENOENT);
	assert_null(found.path);
	assert_int_equal(found.context_error, -ENOENT);
	assert_true(found.files >= 3);
	assert_int_equal(found.unread, 0);
	publisher_deinit(&found);
}

/* Only who may look at map_files still gets at the file. */
static void deleted(void **state)
{
	struct publisher found;

	if (geteuid())
		skip();
	sh(LIBRARY "libgone.so" GNU2 "&& gcc -pthread main.c -o gone -L. -lgone");
	assert_int_equal(find("gone", "libgone.so gone", &found), 0);
	assert_non_null(strstr(found.path, "/libgone.so"));
	publisher_deinit(&found);
}

static void with_process_context(void **state)
{
	struct publisher found;

	sh("gcc -pthread -rdynamic -DPUBLISH -I" TEST_DIR "/../../include main.c variable.c -o service");
	assert_int_equal(find("service", NULL, &found), 0);
	assert_int_equal(found.context_error, 0);
	assert_string_equal(found.context.service, "payment");
	assert_true(process_context_schema_known(&found.context));
	assert_int_equal(found.context.nr_keys, 2);
	assert_string_equal(found.context.keys[1], "second");
	publisher_deinit(&found);
}

/* Another file of the same name, and the same file with other contents. */
static void each_file_once(void **state)
{
	struct publisher found;
	unsigned int opened;

	if (geteuid())
		skip();
	sh(LIBRARY "libonce.so -ftls-model=initial-exec && gcc -pthread main.c -o once -L. -lonce");
	assert_int_equal(find("once", NULL, &found), 0);
	assert_int_equal(found.location.kind, LOCATION_STATIC);
	publisher_deinit(&found);
	opened = variable_files_opened(files);
	assert_int_equal(find("once", NULL, &found), 0);
	assert_int_equal(found.location.kind, LOCATION_STATIC);
	assert_true(found.files >= 3);
	publisher_deinit(&found);
	assert_int_equal(variable_files_opened(files), opened);
	sh("gcc -w -shared -fPIC -DPAD=64 -ftls-model=initial-exec variable.c -o padded.so && cat padded.so >libonce.so");
	assert_int_equal(find("once", NULL, &found), 0);
	publisher_deinit(&found);
	assert_int_equal(variable_files_opened(files), opened + 1);
	write_text("none.c", "void **variable(void); void **variable(void) { static void *v; return &v; }\n");
	sh("gcc -shared -fPIC none.c -o none.so && mv none.so libonce.so");
	assert_int_equal(find("once", NULL, &found), -ENOENT);
	publisher_deinit(&found);
	assert_int_equal(variable_files_opened(files), opened + 2);
	assert_int_equal(find("once", NULL, &found), -ENOENT);
	publisher_deinit(&found);
	assert_int_equal(variable_files_opened(files), opened + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_programs),
		cmocka_unit_test(run_at_start),
		cmocka_unit_test(run_by_dlopen),
		cmocka_unit_test(run_musl),
		cmocka_unit_test(two_own),
		cmocka_unit_test(nobody),
		cmocka_unit_test(deleted),
		cmocka_unit_test(with_process_context),
		cmocka_unit_test(each_file_once),
	};

	return cmocka_run_group_tests(tests, write_sources, forget_files);
}
