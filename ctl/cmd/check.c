// SPDX-License-Identifier: GPL-2.0-only
/*
 * tickprof check: one line for each thing that "tickprof record -a" stands on, and
 * the command that mends what is missing. Changes nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/json.h"
#include "base/names.h"
#include "control/cgroup.h"
#include "control/nl.h"
#include "cmd.h"

#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define FIRST_KERNEL "5.10"

enum { OPT_JSON = OPTION_LONG };
enum { INIT_PID_NS = 0xEFFFFFFC, WANTED_FILES = 4096 };
enum verdict { OK, WARN, FAIL };

static const struct option_row options[] = {
	{ OPT_JSON, "json", NULL, "one JSON object" },
	OPTIONS_COMMON
};

static bool json;
static struct json_object *lines;

/* What the checks share. */
struct host {
	struct utsname uts;
	struct control_info info;
	bool loaded;
	int probe;		/* 0 or -errno of the module's answer */
	int status;		/* exit status so far */
};

static int check_parse(const struct command *cmd, int argc, char **argv)
{
	int id, status = COMMAND_RUN;

	while ((id = option_next(cmd, argc, argv, &status)) >= 0)
		json |= id == OPT_JSON;
	if (id == OPTION_STOP)
		return status;
	if (argv[optind])
		return usage_error(cmd, "takes no operand, not '%s'", argv[optind]);
	return COMMAND_RUN;
}

/* fix: the command that mends it, NULL if there is none. */
static void say(enum verdict verdict, const char *what, const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void say(enum verdict verdict, const char *what, const char *fix, const char *fmt, ...)
{
	static const char *const words[] = { "ok", "warn", "FAIL" };
	struct json_object *line;
	__free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!json) {
		printf("%-4s  %s: %s%s%s\n", words[verdict], what, text ? text : "",
		       fix ? " — " : "", fix ? fix : "");
		return;
	}
	line = json_object_new_object();
	json_set_text(line, "verdict", verdict == FAIL ? "fail" : words[verdict]);
	json_set_text(line, "what", what);
	json_set_text(line, "text", text ? text : "");
	if (fix)
		json_set_text(line, "fix", fix);
	json_object_array_add(lines, line);
}

static void failed(struct host *h, int status)
{
	if (h->status == EXIT_OK || status == EXIT_NO_MODULE)
		h->status = status;
}

static bool read_line(const char *path, char *out, size_t size)
{
	__fclose FILE *f = fopen(path, "re");

	if (!f || !fgets(out, size, f))
		return false;
	out[strcspn(out, "\n")] = '\0';
	return true;
}

static long read_number(const char *path)
{
	char text[32];

	return read_line(path, text, sizeof(text)) ? strtol(text, NULL, 10) : -1;
}

static void check_kernel(struct host *h)
{
	unsigned int major = 0, minor = 0;

	sscanf(h->uts.release, "%u.%u", &major, &minor);
	if (major < 5 || (major == 5 && minor < 10)) {
		say(FAIL, "kernel", NULL, "%s is older than " FIRST_KERNEL, h->uts.release);
		failed(h, EXIT_ERROR);
	} else if (strcmp(h->uts.machine, "x86_64") && strcmp(h->uts.machine, "aarch64")) {
		say(FAIL, "kernel", NULL, "%s is not supported, x86_64 and aarch64 are",
		    h->uts.machine);
		failed(h, EXIT_ERROR);
	} else {
		say(OK, "kernel", NULL, "%s on %s", h->uts.release, h->uts.machine);
	}
}

static bool in_modules_dep(const char *release)
{
	__free char *path = xasprintf("/lib/modules/%s/modules.dep", release);
	__fclose FILE *f = fopen(path, "re");
	__free char *line = NULL;
	bool found = false;
	size_t cap = 0;

	while (f && !found && getline(&line, &cap, f) > 0) {
		line[strcspn(line, ":")] = '\0';
		found = strstr(line, "/tickprof.ko");
	}
	return found;
}

static void check_module_file(struct host *h)
{
	__free char *fix = NULL;
	glob_t sources = { 0 };

	if (in_modules_dep(h->uts.release)) {
		say(OK, "module file", NULL, "installed for %s", h->uts.release);
		return;
	}
	if (h->loaded) {
		say(WARN, "module file", "run `depmod` after installing it",
		    "loaded by hand: it will be absent after a reboot");
		return;
	}
	if (!glob("/usr/src/tickprof-*", 0, NULL, &sources))
		fix = xasprintf("run `dkms autoinstall -k %s`", h->uts.release);
	else
		fix = xstrdup("run `apt install tickprof-dkms`, or `make install` in the source");
	globfree(&sources);
	say(FAIL, "module file", fix, "none for %s", h->uts.release);
	failed(h, EXIT_NO_MODULE);
}

static void check_headers(struct host *h)
{
	__free char *path = xasprintf("/lib/modules/%s/build/Makefile", h->uts.release);
	__free char *fix = xasprintf("run `apt install linux-headers-%s`", h->uts.release);

	if (!access(path, F_OK))
		say(OK, "kernel headers", NULL, "present, DKMS can build");
	else
		say(WARN, "kernel headers", fix, "none for %s, DKMS cannot build the module",
		    h->uts.release);
}

static void check_signing(struct host *h)
{
	const char *enrol = "enrol the key: `mokutil --import /var/lib/dkms/mok.pub`, then reboot";
	__fclose FILE *f = fopen(SECURE_BOOT, "re");
	unsigned char value[5] = { 0 };
	char text[128];

	if (f && fread(value, 1, sizeof(value), f) == sizeof(value) && value[4])
		say(h->loaded ? OK : WARN, "Secure Boot", h->loaded ? NULL : enrol,
		    "on: the module must be signed with an enrolled key");
	else
		say(OK, "Secure Boot", NULL, "off");
	if (!read_line("/sys/kernel/security/lockdown", text, sizeof(text))) {
		say(OK, "lockdown", NULL, "none");
	} else if (strstr(text, "[confidentiality]")) {
		say(FAIL, "lockdown", "boot without lockdown=confidentiality",
		    "confidentiality: the kernel lets nobody sample");
		failed(h, EXIT_PERMISSION);
	} else if (strstr(text, "[integrity]")) {
		say(h->loaded ? OK : WARN, "lockdown", h->loaded ? NULL : enrol,
		    "integrity: the module must be signed with an enrolled key");
	} else {
		say(OK, "lockdown", NULL, "none");
	}
	if (!h->loaded && read_number("/proc/sys/kernel/modules_disabled") == 1) {
		say(FAIL, "module loading", "reboot", "closed by kernel.modules_disabled");
		failed(h, EXIT_NO_MODULE);
	}
}

static void check_loaded(struct host *h)
{
	if (!h->loaded) {
		say(FAIL, "module", "run `modprobe tickprof`", "not loaded");
		failed(h, EXIT_NO_MODULE);
		return;
	}
	say(OK, "module", NULL, "loaded");
	switch (h->probe) {
	case 0:
		say(OK, "ABI", NULL, "%u in module %s and tool %s", h->info.abi, h->info.release,
		    TICKPROF_VERSION);
		break;
	case -EPROTONOSUPPORT:
		say(FAIL, "ABI", "run `modprobe -r tickprof && modprobe tickprof`",
		    "%u in module %s, %u in tool %s", h->info.abi, h->info.release,
		    TICKPROF_ABI_VERSION, TICKPROF_VERSION);
		failed(h, EXIT_NO_MODULE);
		break;
	case -ENODEV:
		say(FAIL, "netlink", "run in the host's network namespace",
		    "the family \"" TICKPROF_GENL_NAME "\" is not visible here");
		failed(h, EXIT_NO_MODULE);
		break;
	default:
		say(WARN, "ABI", "run `tickprof check` as root", "the module does not answer: %s",
		    strerror(-h->probe));
	}
}

static void check_device(struct host *h)
{
	struct stat st;

	if (!h->loaded)
		return;
	if (stat(TICKPROF_DEVICE, &st) || !S_ISCHR(st.st_mode)) {
		say(FAIL, "device", "in a container, pass it in; else run `udevadm trigger`",
		    "no " TICKPROF_DEVICE);
		failed(h, EXIT_NO_MODULE);
	} else if (access(TICKPROF_DEVICE, R_OK | W_OK)) {
		say(FAIL, "device", "run as root, or join the group that owns it",
		    TICKPROF_DEVICE " may not be opened (mode %03o)", st.st_mode & 0777);
		failed(h, EXIT_PERMISSION);
	} else {
		say(OK, "device", NULL, TICKPROF_DEVICE " (mode %03o)", st.st_mode & 0777);
	}
}

static void check_privilege(struct host *h)
{
	struct stat ns;

	if (may_profile()) {
		say(OK, "privilege", NULL, "CAP_PERFMON or CAP_SYS_ADMIN held");
	} else {
		say(FAIL, "privilege", "run as root, or give the tool CAP_PERFMON",
		    "neither CAP_PERFMON nor CAP_SYS_ADMIN held");
		failed(h, EXIT_PERMISSION);
	}
	if (!stat("/proc/self/ns/pid", &ns) && ns.st_ino != INIT_PID_NS)
		say(WARN, "pid namespace", "run on the host, or with --pid=host",
		    "not the host's: programs outside it stay without names");
}

static bool kallsyms_readable(void)
{
	__fclose FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long addr;
	int i;

	for (i = 0; f && i < 100 && fscanf(f, "%llx%*[^\n]", &addr) == 1; i++)
		if (addr)
			return true;
	return false;
}

static void check_symbols(struct host *h)
{
	long kptr = read_number("/proc/sys/kernel/kptr_restrict");
	const char *urls = getenv("DEBUGINFOD_URLS");

	if (kallsyms_readable())
		say(OK, "kernel symbols", NULL, "readable (kptr_restrict %ld)", kptr);
	else
		say(WARN, "kernel symbols", kptr > 1 ? "run `sysctl kernel.kptr_restrict=1`" :
		    "run as root", "hidden (kptr_restrict %ld): kernel functions stay without names",
		    kptr);
	say(OK, "perf_event_paranoid", NULL, "%ld; tickprof asks for CAP_PERFMON whatever it is",
	    read_number("/proc/sys/kernel/perf_event_paranoid"));
	if (!access("/usr/lib/debug/.build-id", F_OK))
		say(OK, "debug symbols", NULL, "/usr/lib/debug is used");
	else
		say(OK, "debug symbols", NULL, "no /usr/lib/debug%s: stripped programs show exported functions only; -dbgsym packages add the rest",
		    urls && *urls ? "; DEBUGINFOD_URLS is set" : "");
}

static void check_features(struct host *h)
{
	unsigned int bit;

	for (bit = 0; !h->probe && name_feature(bit); bit++) {
		const struct name *f = name_feature(bit);
		bool there = h->info.features & 1u << bit;

		say(there ? OK : WARN, f->name, NULL, "%s%s", there ? "" : "this kernel lacks: ",
		    f->help);
	}
}

static void check_limits(struct host *h)
{
	struct rlimit limit = { 0 };

	if (cgroup2_mount())
		say(OK, "cgroup2", NULL, "on %s", cgroup2_mount());
	else
		say(WARN, "cgroup2", "run `mount -t cgroup2 none /sys/fs/cgroup`",
		    "not mounted: -G and cgroup labels do not work");
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < WANTED_FILES)
		say(WARN, "open files", "run `ulimit -Hn 65536` as root",
		    "at most %" PRIu64 ": mapped files beyond that are found by path later",
		    (uint64_t)limit.rlim_max);
	else
		say(OK, "open files", NULL, "up to %" PRIu64, (uint64_t)limit.rlim_max);
}

static int check_run(const struct command *cmd, int argc, char **argv)
{
	static void (*const checks[])(struct host *h) = {
		check_kernel, check_module_file, check_headers, check_signing, check_loaded,
		check_device, check_privilege, check_symbols, check_features, check_limits,
	};
	struct host h = { .status = EXIT_OK };
	struct json_object *doc = json_document();
	size_t i;

	lines = json_object_new_array();
	json_object_object_add(doc, "checks", lines);
	uname(&h.uts);
	h.loaded = !access("/sys/module/tickprof", F_OK);
	h.probe = control_probe(&h.info);
	h.loaded |= !h.probe || h.probe == -EPROTONOSUPPORT;
	for (i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](&h);
	json_object_object_add(doc, "ready", json_object_new_boolean(!h.status));
	if (json)
		json_finish(doc);
	else
		json_object_put(doc);
	return h.status;
}

const struct command cmd_check = {
	.name = "check",
	.summary = "Tell whether this machine can be profiled, and what to do",
	.usage = "[OPTIONS]",
	.options = options,
	.notes = "Exits with 0 if `tickprof record -a` can work.",
	.parse = check_parse,
	.run = check_run,
};
