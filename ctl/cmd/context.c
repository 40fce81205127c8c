// SPDX-License-Identifier: GPL-2.0-only
/*
 * tickprof context: does a program publish which span its threads work on, where,
 * and what do they say just now; or why it does not.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/units.h"
#include "context/publisher.h"
#include "cmd.h"
#include "context_view.h"

enum { OPT_JSON = OPTION_LONG, OPT_READ };

static const struct option_row options[] = {
	{ OPT_READ, "read", NULL, "also what each thread says now. Stops one thread after the\n"
				  "other for a moment, as a debugger does" },
	{ OPT_JSON, "json", NULL, "one JSON object" },
	OPTIONS_COMMON
};

static bool json, read_threads;

static int context_parse(const struct command *cmd, int argc, char **argv)
{
	int id, status = COMMAND_RUN;

	while ((id = option_next(cmd, argc, argv, &status)) >= 0) {
		json |= id == OPT_JSON;
		read_threads |= id == OPT_READ;
	}
	if (id == OPTION_STOP)
		return status;
	if (!argv[optind])
		return usage_error(cmd, "of which process, or which program or library?");
	return COMMAND_RUN;
}

/* A word of digits alone is a process; -1: none has such a number. */
static bool is_pid(const char *word, pid_t *pid)
{
	uint64_t value;

	if (!*word || strspn(word, "0123456789") != strlen(word))
		return false;
	*pid = parse_u64(word, &value) && value && value <= INT32_MAX ? (pid_t)value : -1;
	return true;
}

/* With a word for what strerror() does not tell. */
static int refuse_process(pid_t pid, int error)
{
	if (pid < 0 || error == -ESRCH || error == -ENOENT) {
		err("no such process");
		return EXIT_USAGE;
	}
	if (error == -EACCES || error == -EPERM)
		err("process %d: permission denied: run as root, or as the process's user", pid);
	else
		err_errno(-error, "process %d", pid);
	return exit_status(error);
}

static int show_process(pid_t pid, struct variable_files *seen, struct json_object *list)
{
	struct context_view view = { .pid = pid, .threads = read_threads };
	struct memory memory;
	int ret = pid < 0 ? -ESRCH : memory_open(&memory, pid);

	if (ret)
		return refuse_process(pid, ret);
	view.memory = &memory;
	view.error = publisher_find(pid, &memory, seen, &view.publisher);
	if (view.error == -ESRCH || view.error == -EACCES || view.error == -EPERM)
		ret = refuse_process(pid, view.error);
	else if (json)
		context_view_json(&view, list);
	else
		context_view_print(&view);
	if (!ret && view.error)
		ret = EXIT_ERROR;
	publisher_deinit(&view.publisher);
	memory_close(&memory);
	return ret;
}

static int show_file(const char *path, struct json_object *list)
{
	int fd __close = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct tls_variable variable;
	struct elf_file *f;
	int ret;

	if (fd < 0) {
		err_errno(errno, "%s", path);
		return EXIT_USAGE;
	}
	ret = elf_file_open(fd, &f);
	if (!ret) {
		ret = tls_variable_find(f, &variable);
		elf_file_close(f);
	}
	if (ret == -ENOEXEC || ret == -ENOTSUP) {
		err("%s: %s", path, ret == -ENOEXEC ? "not an ELF file"
						    : "not for x86_64 or arm64");
		return EXIT_USAGE;
	}
	if (ret && ret != -ENOENT && ret != -EBADMSG) {
		err_errno(-ret, "%s", path);
		return EXIT_ERROR;
	}
	if (json)
		context_view_file_json(path, &variable, ret, list);
	else
		context_view_file_print(path, &variable, ret);
	return ret || !variable.defined ? EXIT_ERROR : EXIT_OK;
}

static int context_run(const struct command *cmd, int argc, char **argv)
{
	struct json_object *doc = json_document(), *processes = json_object_new_array(),
			   *files = json_object_new_array();
	struct variable_files *seen = variable_files_create();
	int status = EXIT_OK, i, ret;
	pid_t pid;

	json_object_object_add(doc, "processes", processes);
	json_object_object_add(doc, "files", files);
	for (i = optind; i < argc; i++) {
		ret = is_pid(argv[i], &pid) ? show_process(pid, seen, processes)
					    : show_file(argv[i], files);
		if (ret)
			status = ret;
	}
	variable_files_destroy(seen);
	if (json)
		json_finish(doc);
	else
		json_object_put(doc);
	return status;
}

const struct command cmd_context = {
	.name = "context",
	.summary = "Show whether a program publishes the spans that its threads work on",
	.usage = "[OPTIONS] PID|FILE...",
	.options = options,
	.notes = "A number is a process, anything else a program or library. Without --read\n"
		 "nothing is stopped: files, maps and memory are read from outside. Programs\n"
		 "publish with an OpenTelemetry SDK that knows thread contexts, or with\n"
		 "<tickprof/context.h>.",
	.parse = context_parse,
	.run = context_run,
};
