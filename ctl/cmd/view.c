// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a command line to a profile: see view.h.
 *
 * Names come from the capture. One without symbols (its recording was cut
 * short) is resolved against this machine only if it was made here since the
 * last boot: kernel addresses of another boot mean something else.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "view.h"

/* Clocks are set now and then; a boot takes longer than this. */
#define SAME_BOOT_NS	5000000000ll

static void add_list(char **list, const char *entries)
{
	char *grown = xasprintf("%s%s,", *list ? *list : ",", entries);

	free(*list);
	*list = grown;
}

static int parse_time(const struct command *cmd, struct view_options *o, const char *arg)
{
	char *text __free = xstrdup(arg);
	char *comma = strchr(text, ',');

	if (comma)
		*comma++ = '\0';
	if ((*text && !parse_decimal(text, &o->from)) ||
	    (comma && *comma && (!parse_decimal(comma, &o->until) || o->until <= o->from)))
		return usage_error(cmd, "--time takes FROM,TO in seconds, not '%s'", arg);
	return COMMAND_RUN;
}

static int parse_value(const struct command *cmd, struct view_options *o, const char *arg)
{
	for (o->value = 0; o->value < PROFILE_COLUMNS; o->value++)
		if (!strcmp(arg, profile_column_names[o->value])) {
			o->has_value = true;
			return COMMAND_RUN;
		}
	return usage_error(cmd, "--value takes samples, cpu, off_cpu or runq, not '%s'", arg);
}

static int parse_states(const struct command *cmd, struct view_options *o, const char *arg)
{
	char *copy __free = xstrdup(arg);
	char *save = NULL, *name;
	unsigned int state = 0;

	for (name = strtok_r(copy, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		for (state = 0; state < PROFILE_WAIT_STATES; state++)
			if (!strcmp(name, profile_wait_state(state)))
				break;
		if (state == PROFILE_WAIT_STATES)
			break;
	}
	if (!*arg || state == PROFILE_WAIT_STATES)
		return usage_error(cmd, "--state takes states of waits such as disk,sleeping, not '%s'",
				   arg);
	add_list(&o->states, arg);
	return COMMAND_RUN;
}

static int view_option(const struct command *cmd, struct view_options *o, int id)
{
	switch (id) {
	case 'i':
		o->path = optarg;
		break;
	case VIEW_PID:
	case VIEW_TID:
		if (!*optarg || strspn(optarg, "0123456789,") != strlen(optarg))
			return usage_error(cmd, "--%s takes numbers, not '%s'",
					   id == VIEW_PID ? "pid" : "tid", optarg);
		add_list(id == VIEW_PID ? &o->pids : &o->tids, optarg);
		break;
	case VIEW_COMM:
		add_list(&o->comms, optarg);
		break;
	case VIEW_NO_KERNEL:
		o->no_kernel = true;
		break;
	case VIEW_NO_IDLE:
		o->no_idle = true;
		break;
	case VIEW_TIME:
		return parse_time(cmd, o, optarg);
	case VIEW_VALUE:
		return parse_value(cmd, o, optarg);
	case VIEW_STATE:
		return parse_states(cmd, o, optarg);
	case VIEW_IDLE:
		o->idle = true;
		break;
	case VIEW_TRACE:
	case VIEW_SPAN:
	case VIEW_SPAN_NAME:
	case VIEW_SPANS:
	case VIEW_JOIN:
	case VIEW_PROFILE_IDS:
		return view_span_option(cmd, o, id);
	}
	return COMMAND_RUN;
}

int view_parse(const struct command *cmd, int argc, char **argv, struct view_options *o,
	       int (*own)(const struct command *cmd, int id))
{
	bool operand = false;
	int id, status = COMMAND_RUN;

	for (;;) {
		while ((id = option_next(cmd, argc, argv, &status)) >= 0) {
			int ret = id == 'i' || (id >= OPTION_LONG && id < VIEW_OPTION_END) ?
				  view_option(cmd, o, id) : own(cmd, id);

			if (ret != COMMAND_RUN)
				return ret;
		}
		if (id == OPTION_STOP || !argv[optind])
			return status;
		if (operand)
			return usage_error(cmd, "takes one file; what is '%s'?", argv[optind]);
		operand = true;
		o->path = argv[optind++];
	}
}

void view_options_deinit(struct view_options *o)
{
	free(o->pids);
	free(o->tids);
	free(o->comms);
	free(o->states);
	free((char *)o->trace);
	free((char *)o->span);
	free(o->spans);
}

static bool has_symbols(const struct capture *c)
{
	const struct capture_chunk *chunks;
	size_t nr;

	for (chunks = capture_chunks(c, &nr); nr; nr--)
		if (chunks[nr - 1].type == CAPTURE_SYMBOLS)
			return true;
	return false;
}

static bool made_here(const struct capture *c)
{
	const char *kernel = capture_meta(c, CAPTURE_META_KERNEL);
	const char *host = capture_meta(c, CAPTURE_META_HOST);
	int64_t boot = capture_meta_number(c, CAPTURE_META_START_REAL) -
		       capture_meta_number(c, CAPTURE_META_START_MONO);
	struct utsname uts;

	if (uname(&uts) || !kernel || !host || strcmp(kernel, uts.release) ||
	    strcmp(host, uts.nodename))
		return false;
	boot -= clock_offset_ns();
	return boot > -SAME_BOOT_NS && boot < SAME_BOOT_NS;
}

static int open_capture(struct view *v, const struct view_options *o)
{
	int ret;

	v->path = o->path ? o->path : VIEW_DEFAULT_PATH;
	if (!o->path && access(v->path, F_OK)) {
		err("no %s here: record one with `tickprof record -o %s …`, or name a capture; "
		    "finished profiles (.pb.gz) are read by `go tool pprof`", v->path, v->path);
		return EXIT_USAGE;
	}
	ret = capture_open(v->path, &v->capture);
	if (ret)
		return ret == -EBADMSG || ret == -ENOENT || ret == -EISDIR ? EXIT_USAGE :
		       exit_status(ret);
	if (!capture_complete(v->capture))
		warn("%s %s; what comes before is used", v->path, capture_problem(v->capture));
	return EXIT_OK;
}

static bool listed(const char *list, const char *entry)
{
	size_t len = strlen(entry);
	const char *at = list;

	while ((at = strstr(at, entry))) {
		if (at[-1] == ',' && at[len] == ',')
			return true;
		at++;
	}
	return false;
}

static bool number_listed(const char *list, uint32_t number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	return listed(list, text);
}

bool view_shows_task(const struct view_options *o, const struct profile_task *t)
{
	if (o->pids && !number_listed(o->pids, t->pid))
		return false;
	if (o->tids && !number_listed(o->tids, t->tid))
		return false;
	return !o->comms || listed(o->comms, t->process) || listed(o->comms, t->thread);
}

static bool shows(const struct view_options *o, const struct profile *p,
		  const struct profile_sample *sample)
{
	const bool user = sample->user || sample->flags & TICKPROF_SAMPLE_USER;
	const struct profile_wait *w = sample->wait ? profile_wait(p, sample->wait) : NULL;

	if (o->no_idle && sample->flags & TICKPROF_SAMPLE_IDLE)
		return false;
	if (o->no_kernel && (w ? sample->flags & TICKPROF_SAMPLE_KTHREAD : !user))
		return false;
	if (!view_shows_context(o, p, sample->context))
		return false;
	if (o->states && (!w || !listed(o->states, profile_wait_state(w->state))))
		return false;
	return view_shows_task(o, &p->tasks[sample->task - 1]);
}

/*
 * Some kernel threads wait for work in a sleep of their own, TASK_IDLE; most in an
 * interruptible one. What they wait for otherwise is uninterruptible.
 */
static bool is_idle(const struct profile *p, const struct profile_sample *s)
{
	switch (s->wait ? profile_wait(p, s->wait)->state : TICKPROF_WAIT_RUNNING) {
	case TICKPROF_WAIT_IDLE:
	case TICKPROF_WAIT_PARKED:
		return true;
	case TICKPROF_WAIT_SLEEPING:
	case TICKPROF_WAIT_BEFORE:
		return s->flags & TICKPROF_SAMPLE_KTHREAD;
	}
	return false;
}

struct view_idle view_narrow(struct profile *p, const struct view_options *o)
{
	struct view_idle idle = { 0 };
	size_t i, n = 0;

	for (i = 0; i < p->nr_samples; i++) {
		struct profile_sample *s = &p->samples[i];

		if (!shows(o, p, s))
			continue;
		if (!o->idle && is_idle(p, s)) {
			idle.waits += s->waits;
			idle.off_cpu += s->off_cpu;
			idle.runq += s->runq;
			continue;
		}
		/* The leaf of a wait is none of the kernel's functions. */
		if (o->no_kernel && !s->wait && !(s->flags & TICKPROF_SAMPLE_USER))
			s->leaf = 0;
		if (o->no_kernel)
			s->kernel = 0;
		p->samples[n++] = *s;
	}
	p->nr_samples = n;
	return idle;
}

/* The column to show. EXIT_OK, or EXIT_EMPTY after a message. */
static int choose_value(struct view *v, const struct view_options *o)
{
	const struct profile *p = v->profile;
	const struct profile_stats *s = &p->stats;

	if (!s->samples && !s->waits && !s->short_waits && !p->nr_threads) {
		err("%s holds no %s%s", v->path, p->ticks ? "samples" : "waits",
		    o->from || o->until ? " of that time" : "");
		return EXIT_EMPTY;
	}
	v->value = o->has_value ? o->value : p->ticks ? PROFILE_SAMPLES : PROFILE_OFF_CPU;
	if (v->value >= PROFILE_OFF_CPU && !p->waited) {
		err("%s holds no waits: record with --source offcpu", v->path);
		return EXIT_EMPTY;
	}
	if (v->value < PROFILE_OFF_CPU && !p->ticks) {
		err("%s holds no samples: record with --source cpu", v->path);
		return EXIT_EMPTY;
	}
	return EXIT_OK;
}

int view_open(struct view *v, const struct view_options *o)
{
	struct profile_options po = o->profile;
	struct symbolizer_options so = { .lines = true };
	uint64_t start;
	int ret;

	*v = (struct view) { 0 };
	ret = open_capture(v, o);
	if (ret)
		return ret;
	if (!has_symbols(v->capture)) {
		so.live = po.live = made_here(v->capture);
		if (!so.live)
			warn("%s holds no symbols and was not made since this machine's last boot: "
			     "functions have no names", v->path);
	}
	ret = view_read_spans(v, o);
	if (ret)
		return ret;
	po.spans = v->spans;
	start = capture_meta_number(v->capture, CAPTURE_META_START_MONO);
	if (o->from)
		po.from = start + (uint64_t)(o->from * 1e9);
	if (o->until)
		po.until = start + (uint64_t)(o->until * 1e9);
	v->objects = objects_create();
	v->symbolizer = symbolizer_create(v->objects, &so);
	ret = profile_create(v->capture, v->objects, v->symbolizer, &po, &v->profile);
	if (ret)
		return exit_status(ret);
	span_options_warn_ids(&po, v->profile, v->path);
	ret = choose_value(v, o);
	if (ret)
		return ret;
	v->idle = view_narrow(v->profile, o);
	return EXIT_OK;
}

void view_close(struct view *v)
{
	profile_destroy(v->profile);
	span_model_destroy(v->spans);
	if (v->symbolizer)
		symbolizer_destroy(v->symbolizer);
	if (v->objects)
		objects_destroy(v->objects);
	capture_close(v->capture);
}
