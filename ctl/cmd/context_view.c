// SPDX-License-Identifier: GPL-2.0-only
/*
 * What `tickprof context` found: see context_view.h. Names, keys and values are the
 * process's own bytes; what could steer a terminal becomes '?'.
 */
#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "base/util.h"
#include "context/thread.h"
#include "context/thread_context.h"
#include "context_view.h"

enum { IDS_MAX = 33, KEYS = 256 };

static void print_bytes(const void *text, size_t size)
{
	__free char *clean = xmalloc(size);

	memcpy(clean, text, size);
	utf8_clean(clean, size);
	fwrite(clean, 1, size, stdout);
}

static void print_text(const char *text)
{
	print_bytes(text, strlen(text));
}

static void print_hex(char out[IDS_MAX], const uint8_t *id, size_t size)
{
	for (; size--; out += 2)
		snprintf(out, 3, "%02x", *id++);
}

/* The libraries that a reader could not open may be the ones. */
static const char *why(const struct context_view *v)
{
	switch (v->error) {
	case -ENOENT:
		return v->publisher.files ? "no " TLS_VARIABLE " in its symbol tables"
					  : "has no code of files: a kernel thread, or gone";
	case -ENOLINK:
		return "no relocation of its files tells where the variable is";
	case -EAGAIN:
		return "the dynamic linker has not placed the variable yet; try again";
	case -EOPNOTSUPP:
		return "the variable is in dynamic storage, and the C library is not known";
	case -EBADMSG:
		return "is not what the specification says it is";
	case -EFAULT:
		return "the memory that tells where the variable is cannot be read";
	default:
		return strerror(-v->error);
	}
}

static const char *form_text(const struct tls_variable *v, char out[64])
{
	snprintf(out, 64, "%s%s", tls_form_name(v->form),
		 v->own ? ", by a relocation without a symbol" : "");
	return out;
}

static char *comm_of(pid_t pid, pid_t tid)
{
	__free char *path = xasprintf("/proc/%d/task/%d/comm", pid, tid);
	__fclose FILE *f = fopen(path, "re");
	char comm[64] = "";

	if (f && fgets(comm, sizeof(comm), f))
		comm[strcspn(comm, "\n")] = '\0';
	return xstrdup(comm);
}

/* A span's attribute is called what the process context says, or by its number. */
static const char *key_name(const struct publisher *p, unsigned int key, char number[8])
{
	if (key < p->context.nr_keys)
		return p->context.keys[key];
	snprintf(number, 8, "%u", key);
	return number;
}

/* The thread's record now, or -errno where it could not be stopped. */
static int read_thread(const struct context_view *v, pid_t tid, enum thread_context_state *state,
		       struct thread_context *c)
{
	struct stopped_thread stopped;
	int ret = thread_stop(tid, &stopped);

	if (ret)
		return ret;
	*state = thread_context_read(&v->publisher.location, v->memory, stopped.tp, c);
	thread_resume(&stopped);
	return 0;
}

static const char *thread_word(int error, enum thread_context_state state)
{
	static const char *const words[] = {
		[THREAD_CONTEXT_NONE] = "no span",
		[THREAD_CONTEXT_INVALID] = "being rewritten",
		[THREAD_CONTEXT_FAULT] = "its memory cannot be read",
	};

	if (error == -ETIMEDOUT)
		return "cannot be stopped now";
	return error ? strerror(-error) : words[state];
}

static void print_record(const struct context_view *v, const struct thread_context *c)
{
	char trace[IDS_MAX], span[IDS_MAX], number[8];
	const uint8_t *value;
	unsigned int key;
	uint8_t length;

	print_hex(trace, c->trace_id, sizeof(c->trace_id));
	print_hex(span, c->span_id, sizeof(c->span_id));
	printf("trace %s span %s flags %02x", trace, span, c->trace_flags);
	for (key = 0; key < KEYS; key++) {
		value = thread_context_attr(c, key, &length);
		if (!value)
			continue;
		putchar(' ');
		print_text(key_name(&v->publisher, key, number));
		putchar('=');
		print_bytes(value, length);
	}
	puts(c->cut ? " ..." : "");
}

static void print_thread(const struct context_view *v, pid_t tid, struct json_object *unused)
{
	__free char *comm = comm_of(v->pid, tid);
	enum thread_context_state state = THREAD_CONTEXT_NONE;
	struct thread_context c;
	int error = read_thread(v, tid, &state, &c);

	printf("  thread %d (", tid);
	print_text(comm);
	printf("): ");
	if (!error && state == THREAD_CONTEXT_OK)
		print_record(v, &c);
	else
		puts(thread_word(error, state));
}

static void add_record(const struct context_view *v, const struct thread_context *c,
		       struct json_object *o)
{
	struct json_object *attrs = json_object_new_object();
	char text[IDS_MAX], number[8];
	char value_text[256];
	const uint8_t *value;
	unsigned int key;
	uint8_t length;

	print_hex(text, c->trace_id, sizeof(c->trace_id));
	json_set_text(o, "trace_id", text);
	print_hex(text, c->span_id, sizeof(c->span_id));
	json_set_text(o, "span_id", text);
	json_set_u64(o, "trace_flags", c->trace_flags);
	for (key = 0; key < KEYS; key++) {
		value = thread_context_attr(c, key, &length);
		if (!value)
			continue;
		memcpy(value_text, value, length);
		value_text[length] = '\0';
		json_set_text(attrs, key_name(&v->publisher, key, number), value_text);
	}
	json_object_object_add(o, "attributes", attrs);
	json_object_object_add(o, "cut", json_object_new_boolean(c->cut));
}

static void add_thread(const struct context_view *v, pid_t tid, struct json_object *threads)
{
	struct json_object *o = json_object_new_object();
	enum thread_context_state state = THREAD_CONTEXT_NONE;
	__free char *comm = comm_of(v->pid, tid);
	struct thread_context c;
	int error = read_thread(v, tid, &state, &c);

	json_set_u64(o, "tid", tid);
	json_set_text(o, "comm", comm);
	json_set_text(o, "state", error ? "unread" : thread_context_state_name(state));
	if (error)
		json_set_text(o, "error", thread_word(error, state));
	else if (state == THREAD_CONTEXT_OK)
		add_record(v, &c, o);
	json_object_array_add(threads, o);
}

static int tid_order(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static int is_tid(const struct dirent *entry)
{
	return isdigit((unsigned char)entry->d_name[0]);
}

static void each_thread(const struct context_view *v,
			void (*show)(const struct context_view *, pid_t, struct json_object *),
			struct json_object *list)
{
	__free char *path = xasprintf("/proc/%d/task", v->pid);
	struct dirent **entries;
	int i, nr = scandir(path, &entries, is_tid, tid_order);

	for (i = 0; i < nr; i++) {
		show(v, atoi(entries[i]->d_name), list);
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
}

static void print_context(const struct publisher *p)
{
	const struct process_context *c = &p->context;
	size_t i;

	if (p->context_error) {
		printf("  process context: %s\n", p->context_error == -ENOENT ? "none" :
		       p->context_error == -EAGAIN ? "being changed" : "not readable");
		return;
	}
	printf("  service: ");
	print_text(c->service ? c->service : "not told");
	printf("\n  schema: ");
	print_text(c->schema ? c->schema : "not told");
	puts(!c->schema || process_context_schema_known(c) ? "" : ", which is not known here");
	for (i = 0; i < c->nr_keys; i++) {
		printf("  attribute %zu: ", i);
		print_text(c->keys[i]);
		putchar('\n');
	}
}

void context_view_print(const struct context_view *v)
{
	const struct publisher *p = &v->publisher;
	__free char *comm = comm_of(v->pid, v->pid);
	char where[128], form[64];

	printf("%d (", v->pid);
	print_text(comm);
	printf("): ");
	if (p->path) {
		printf("%s in ", TLS_VARIABLE);
		print_text(p->path);
		printf("%s\n", p->variable.dynamic || p->referrer
		       ? "" : ", only in .symtab: link with -rdynamic for other profilers");
		printf("  link form: %s\n", form_text(&p->variable, form));
	}
	if (v->error)
		printf("%s%s\n", p->path ? "  location: " : "", why(v));
	if (p->referrer) {
		printf("  found through: ");
		print_text(p->referrer);
		putchar('\n');
	}
	if (!v->error) {
		location_print(&p->location, where, sizeof(where));
		printf("  location: %s\n", where);
	}
	if (p->others)
		printf("  %u other files have a variable of their own, which is not read\n",
		       p->others);
	if (v->error && p->unread)
		printf("  %u of %u mapped files could not be looked into\n", p->unread, p->files);
	print_context(p);
	if (v->threads && !v->error)
		each_thread(v, print_thread, NULL);
}

static void add_location(struct json_object *o, const struct location *l)
{
	struct json_object *where = json_object_new_object();

	json_set_text(where, "kind", l->kind == LOCATION_STATIC ? "static" : "dtv");
	json_object_object_add(where, "offset", json_object_new_int64(l->offset));
	if (l->kind == LOCATION_DTV) {
		json_set_u64(where, "module", l->module);
		json_object_object_add(where, "vector_at", json_object_new_int(l->vector_at));
		json_object_object_add(where, "count_at", json_object_new_int(l->count_at));
		json_set_u64(where, "stride", l->stride);
	}
	json_object_object_add(o, "location", where);
}

static void add_variable(struct json_object *o, const char *path, const struct tls_variable *v)
{
	json_set_text(o, "file", path);
	json_set_text(o, "form", tls_form_name(v->form));
	json_object_object_add(o, "own", json_object_new_boolean(v->own));
	json_object_object_add(o, "dynamic", json_object_new_boolean(v->dynamic));
	json_object_object_add(o, "defined", json_object_new_boolean(v->defined));
}

static void add_context(struct json_object *o, const struct process_context *c)
{
	struct json_object *keys = json_object_new_array();
	size_t i;

	if (c->service)
		json_set_text(o, "service", c->service);
	if (c->schema)
		json_set_text(o, "schema_version", c->schema);
	for (i = 0; i < c->nr_keys; i++)
		json_add_text(keys, c->keys[i]);
	json_object_object_add(o, "attribute_keys", keys);
}

void context_view_json(const struct context_view *v, struct json_object *list)
{
	struct json_object *o = json_object_new_object(), *threads;
	__free char *comm = comm_of(v->pid, v->pid);
	const struct publisher *p = &v->publisher;

	json_set_u64(o, "pid", v->pid);
	json_set_text(o, "comm", comm);
	if (p->path)
		add_variable(o, p->path, &p->variable);
	if (p->referrer)
		json_set_text(o, "referrer", p->referrer);
	if (v->error)
		json_set_text(o, "error", why(v));
	else
		add_location(o, &p->location);
	json_set_u64(o, "others", p->others);
	json_set_u64(o, "unread_files", p->unread);
	if (!p->context_error)
		add_context(o, &p->context);
	if (v->threads && !v->error) {
		threads = json_object_new_array();
		each_thread(v, add_thread, threads);
		json_object_object_add(o, "threads", threads);
	}
	json_object_array_add(list, o);
}

static const char *file_word(const struct tls_variable *v, int error)
{
	if (error == -ENOENT)
		return "no " TLS_VARIABLE " in its symbol tables";
	if (error)
		return TLS_VARIABLE " is there, but is not what the specification says it is";
	return v->defined ? "defines " TLS_VARIABLE : "uses " TLS_VARIABLE " of another file";
}

void context_view_file_print(const char *path, const struct tls_variable *v, int error)
{
	char form[64];

	print_text(path);
	printf(": %s of %s, %s\n", v->program ? "program" : "library",
	       v->machine == EM_X86_64 ? "x86_64" : "arm64", file_word(v, error));
	if (error)
		return;
	printf("  link form: %s\n", form_text(v, form));
	if (!v->dynamic)
		puts("  only in .symtab: link with -rdynamic, or strip takes it away");
}

void context_view_file_json(const char *path, const struct tls_variable *v, int error,
			    struct json_object *list)
{
	struct json_object *o = json_object_new_object();

	add_variable(o, path, v);
	json_set_text(o, "machine", v->machine == EM_X86_64 ? "x86_64" : "arm64");
	json_object_object_add(o, "program", json_object_new_boolean(v->program));
	if (error)
		json_set_text(o, "error", file_word(v, error));
	json_object_array_add(list, o);
}
