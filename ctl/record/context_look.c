// SPDX-License-Identifier: GPL-2.0-only
/* One look at a process: see context_look.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "context/publisher.h"
#include "context_look.h"

static enum look_result result_of(int error, const struct publisher *p)
{
	/* Somebody else's variable of the same name. */
	if (!error && !p->context_error && p->context.schema &&
	    !process_context_schema_known(&p->context))
		return LOOK_UNREADABLE;
	switch (error) {
	case 0:
		return LOOK_FOUND;
	case -ENOENT:
		return LOOK_ABSENT;
	case -EAGAIN:
	case -EFAULT:		/* a mapping that is just being made, or gone */
		return LOOK_LATER;
	case -ESRCH:
		return LOOK_GONE;
	case -EACCES:
	case -EPERM:
		return LOOK_DENIED;
	default:
		return LOOK_UNREADABLE;
	}
}

static bool same_program(pid_t a, pid_t b)
{
	__free char *one = xasprintf("/proc/%d/exe", a), *other = xasprintf("/proc/%d/exe", b);
	struct stat s, t;

	return !stat(one, &s) && !stat(other, &t) && s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

static int find(pid_t pid, struct variable_files *files, struct publisher *out)
{
	struct memory m;
	int ret;

	memset(out, 0, sizeof(*out));
	out->context_error = -ENOENT;
	/* This tool, and the command before its exec: many files, and nothing is published. */
	if (same_program(pid, getpid()))
		return -ENOENT;
	ret = memory_open(&m, pid);
	if (ret)
		return ret == -ENOENT ? -ESRCH : ret;
	ret = publisher_find(pid, &m, files, out);
	memory_close(&m);
	/* It ended while it was read. */
	if (ret == -ENOENT && !out->files)
		ret = -ESRCH;
	return ret;
}

static bool same_place(const struct location *a, const struct location *b)
{
	return a->kind == b->kind && a->module == b->module && a->offset == b->offset;
}

/* The mapping that tells of the process is not passed on by fork (OTEP 4719). */
static void ask_parent(const struct look *look, struct variable_files *files, struct publisher *p)
{
	struct publisher parent;

	if (p->context_error != -ENOENT || look->ppid <= 1 ||
	    !same_program(look->where.pid, look->ppid))
		return;
	if (!find(look->ppid, files, &parent) && !parent.context_error &&
	    same_place(&parent.location, &p->location)) {
		p->context = parent.context;
		p->context_error = 0;
		memset(&parent.context, 0, sizeof(parent.context));
	}
	publisher_deinit(&parent);
}

static void take_location(const struct location *l, struct control_context *out)
{
	out->kind = l->kind == LOCATION_DTV ? TICKPROF_CONTEXT_DTV : TICKPROF_CONTEXT_STATIC;
	out->offset = l->offset;
	out->module = l->module;
	out->stride = l->stride;
	out->vector_at = l->vector_at;
	out->count_at = l->count_at;
}

static void take_keys(const struct process_context *c, const struct context_keys *wanted,
		      struct control_context *out)
{
	size_t i, k;

	for (k = 0; k < c->nr_keys; k++)
		for (i = 0; i < wanted->nr; i++)
			if (!strcmp(c->keys[k], wanted->names[i]))
				out->keys[k / 8] |= 1 << k % 8;
}

static void take_process(struct look *look, const struct process_context *c)
{
	struct capture_process_text text = {
		.image = {
			.pid = look->where.pid,
			.nr_keys = c->nr_keys,
			.start_time = look->where.start_time,
			.exec_id = look->where.exec_id,
		},
		.service = c->service ? c->service : "",
	};
	size_t i;

	for (i = 0; i < c->nr_keys; i++)
		text.keys[i] = c->keys[i];
	look->process = capture_process_pack(&text, &look->process_size);
}

void context_look(struct look *look, struct variable_files *files,
		  const struct context_keys *wanted)
{
	struct publisher p;
	int ret = find(look->where.pid, files, &p);

	look->result = result_of(ret, &p);
	look->where.kind = TICKPROF_CONTEXT_ABSENT;
	memset(look->where.keys, 0, sizeof(look->where.keys));
	look->named = !ret && !p.context_error;
	look->process = NULL;
	if (look->result == LOOK_FOUND) {
		ask_parent(look, files, &p);
		take_location(&p.location, &look->where);
	}
	if (!ret && !p.context_error)
		take_keys(&p.context, wanted, &look->where);
	if ((look->result == LOOK_FOUND || look->result == LOOK_ABSENT) && !p.context_error)
		take_process(look, &p.context);
	publisher_deinit(&p);
}
