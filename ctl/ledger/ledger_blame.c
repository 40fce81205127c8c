// SPDX-License-Identifier: GPL-2.0-only
/*
 * The functions that a span's waits and samples fall under: see ledger.h.
 *
 * One is named that half of what is left falls under, the innermost such of the heaviest
 * stack: it waits for something; what it calls are the ways it does that. The C library's
 * functions and the kernel's, which all waits end in, are passed by; where they are all there
 * is, or names are missing, the innermost known function is taken.
 */
#include <string.h>

#include "base/util.h"
#include "ledger_make.h"

struct frames {
	const char **names;	/* functions of the program, leaf first */
	size_t nr;
	const char *site;
};

static bool begins(const char *name, const char *const *with)
{
	for (; *with; with++)
		if (!strncmp(name, *with, strlen(*with)))
			return true;
	return false;
}

/* The C library and what belongs to it, by the file's name. */
static bool is_runtime(const char *object)
{
	static const char *const names[] = {
		"libc.", "libc-", "libpthread", "ld-", "ld.so", "librt.", "[vdso]", "libm.", NULL,
	};

	return begins(object, names);
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

/*
 * The same in a program that is linked statically: where threads begin, and at the leaf
 * what asks the kernel to wait.
 */
static bool is_plumbing(const char *name, bool leaf)
{
	static const char *const inner[] = {
		"read", "write", "pread64", "pwrite64", "readv", "writev", "open", "open64", "openat",
		"fsync", "fdatasync", "recv", "recvfrom", "recvmsg", "send", "sendto", "sendmsg",
		"accept", "accept4", "connect", "poll", "ppoll", "select", "pselect", "epoll_wait",
		"epoll_pwait", "nanosleep", "clock_nanosleep", "usleep", "sleep", "syscall", "futex",
		"wait4", "waitpid", "waitid", "sem_wait", "sem_timedwait", "pthread_join",
		"pthread_cond_wait", "pthread_cond_timedwait", "pthread_mutex_lock",
		"pthread_rwlock_rdlock", "pthread_rwlock_wrlock", NULL,
	};
	static const char *const outer[] = {
		"_start", "start_thread", "clone", "clone3", "thread_start", NULL,
	};

	return !strncmp(name, "__", 2) || is_one_of(name, outer) ||
	       (leaf && is_one_of(name, inner));
}

/* How the kernel goes to sleep, whatever for. */
static bool is_scheduler(const char *name)
{
	static const char *const names[] = {
		"__schedule", "schedule", "io_schedule", "preempt_schedule", "__cond_resched",
		"__switch_to", "__io_schedule", NULL,
	};

	return begins(name, names);
}

struct reader {
	const struct ledger *l;
	uint32_t *stack;
	const char **names;
	size_t cap_names;
};

/* Valid until the next one. */
static struct frames read_frames(struct reader *r, uint32_t entry)
{
	const struct profile *p = r->l->p;
	const size_t depth = profile_stack(p, &p->samples[entry], r->stack);
	const char *last = NULL, *library = NULL, *kernel = NULL;
	struct frames f = { .site = "" };
	size_t i;
	uint32_t n;

	for (i = 0; i < depth; i++) {
		const struct profile_location *at = profile_location(p, r->stack[i]);
		const bool in_kernel = profile_location_is_kernel(p, r->stack[i]);
		const bool runtime = is_runtime(profile_mapping_name(p, at->mapping));

		for (n = 0; n < at->nr_lines; n++) {
			const char *name =
				profile_function(p, p->lines[at->first_line + n].function)->name;

			last = last ? last : name;
			if (in_kernel && !kernel && !is_scheduler(name))
				kernel = name;
			else if (!in_kernel && !library && (runtime || is_plumbing(name, !f.nr)))
				library = f.nr ? library : name;
			if (in_kernel || runtime || is_plumbing(name, !f.nr) || *name == '[')
				continue;
			GROW(r->names, r->cap_names, f.nr + 1);
			r->names[f.nr++] = name;
		}
	}
	f.site = kernel ? kernel : library ? library : "";
	if (!f.nr && (library || kernel || last)) {
		GROW(r->names, r->cap_names, 1);
		r->names[f.nr++] = library ? library : kernel ? kernel : last;
	}
	f.names = r->names;
	return f;
}

static bool has_name(const struct frames *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->nr; i++)
		if (f->names[i] == name)
			return true;
	return false;
}

/* Of the stacks that are left: how much falls under a function; with "take" they are not left. */
static uint64_t under(struct reader *r, const struct ledger_stack *stacks, size_t nr,
		      uint8_t *taken, const char *name, bool take)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		struct frames f;

		if (taken[i])
			continue;
		f = read_frames(r, stacks[i].entry);
		if (!has_name(&f, name))
			continue;
		sum += stacks[i].weight;
		taken[i] = take;
	}
	return sum;
}

/* The function to name, from the heaviest stack that is left, with its callers. */
static void name_row(struct reader *r, const struct ledger_stack *stacks, size_t nr, uint8_t *taken,
		     size_t heaviest, uint64_t left, struct ledger_blame_row *row)
{
	struct frames f = read_frames(r, stacks[heaviest].entry);
	const char **names __free = xcalloc(f.nr, sizeof(*names));
	const size_t depth = f.nr;
	size_t i, from = 0;

	row->state = stacks[heaviest].state;
	row->site = f.site;
	if (!depth) {
		row->weight = stacks[heaviest].weight;
		taken[heaviest] = 1;
		return;
	}
	memcpy(names, f.names, depth * sizeof(*names));
	for (i = 0; i < depth; i++)
		if (under(r, stacks, nr, taken, names[i], false) >= (left + 1) / 2) {
			from = i;
			break;
		}
	for (i = from; i < depth && row->nr_path < LEDGER_PATH_MAX; i++)
		row->path[row->nr_path++] = names[i];
	row->weight = under(r, stacks, nr, taken, names[from], true);
}

void ledger_blame(const struct ledger *l, const struct ledger_stack *stacks, size_t nr,
		  struct ledger_blame *out)
{
	struct reader r = { .l = l };
	uint8_t *taken __free = xcalloc(nr, 1);
	uint64_t left;
	size_t i;

	*out = (struct ledger_blame) { 0 };
	for (i = 0; i < nr; i++)
		out->total += stacks[i].weight;
	r.stack = xmalloc(profile_depth_max(l->p) * sizeof(*r.stack));
	for (left = out->total; left && out->nr < LEDGER_BLAME_MAX; out->nr++) {
		struct ledger_blame_row *row = &out->rows[out->nr];

		for (i = 0; i < nr && taken[i]; i++)
			;
		/* A twentieth is not at fault. */
		if (i == nr || (out->nr && left < out->total / 20))
			break;
		name_row(&r, stacks, nr, taken, i, left, row);
		left -= row->weight;
	}
	free(r.stack);
	free(r.names);
}
