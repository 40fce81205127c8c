// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a command maps as it starts: see command_files.h.
 *
 * Which libraries a program gets is the dynamic linker's business (its cache, the
 * environment, paths within files, variants for the machine), so it is asked:
 * "--list" of glibc's and musl's loads them and runs none of their code. It takes
 * a millisecond or two. Only for a command that is about to be run anyway, by the
 * same user; nothing but a file called ld-* is run.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "symbol/elf_file.h"
#include "command_files.h"

enum {
	SCRIPTS_MAX = 4,	/* interpreters that are scripts in their turn: as the kernel has it */
	LINE_BYTES = 256,	/* of a script's first line, likewise */
};

extern char **environ;

/* As the shell finds it, on the heap; NULL: nowhere. */
static char *find_program(const char *command)
{
	const char *path = getenv("PATH"), *end;

	if (strchr(command, '/'))
		return xstrdup(command);
	for (; path && *path; path = *end ? end + 1 : end) {
		char *full;

		end = strchrnul(path, ':');
		full = xasprintf("%.*s/%s", (int)(end - path), path, command);
		if (!access(full, X_OK))
			return full;
		free(full);
	}
	return NULL;
}

/* What runs a script, on the heap; NULL: it is none. "env NAME" only hands on to NAME. */
static char *interpreter_of(int fd)
{
	char line[LINE_BYTES + 1], *at, *word, *argument;
	ssize_t n = pread(fd, line, LINE_BYTES, 0);
	const char *base;

	if (n < 3 || line[0] != '#' || line[1] != '!')
		return NULL;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	word = strtok_r(line + 2, " \t", &at);
	if (!word)
		return NULL;
	base = strrchr(word, '/');
	argument = base && !strcmp(base, "/env") ? strtok_r(NULL, " \t", &at) : NULL;
	return find_program(argument && *argument != '-' ? argument : word);
}

/* The program's PT_INTERP, on the heap; NULL: it has none, or what no dynamic linker is called. */
static char *dynamic_linker(int fd)
{
	char *found = NULL, *base;
	struct elf_file *f;
	GElf_Phdr phdr;
	size_t i, nr;

	if (elf_file_open(fd, &f))
		return NULL;
	if (elf_getphdrnum(f->elf, &nr))
		nr = 0;
	for (i = 0; i < nr && !found; i++)
		if (gelf_getphdr(f->elf, i, &phdr) && phdr.p_type == PT_INTERP &&
		    phdr.p_offset < f->image_size && phdr.p_filesz <= f->image_size - phdr.p_offset)
			found = strndup((char *)f->image + phdr.p_offset, phdr.p_filesz);
	elf_file_close(f);
	base = found ? strrchr(found, '/') : NULL;
	if (base && !strncmp(base, "/ld-", 4))
		return found;
	free(found);
	return NULL;
}

/* "	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f…)" */
static void read_list(FILE *list, command_file_fn fn, void *ctx)
{
	__free char *line = NULL;
	size_t size = 0;
	char *path, *end;

	while (getline(&line, &size, list) > 0) {
		end = strstr(line, " (0x");
		if (!end)
			continue;
		*end = '\0';
		path = strstr(line, " => ");
		path = path ? path + strlen(" => ") : line + strspn(line, " \t");
		if (strchr(path, '/'))	/* not the vDSO */
			fn(ctx, path);
	}
}

static void list_libraries(char *linker, char *program, command_file_fn fn, void *ctx)
{
	char *argv[] = { linker, "--list", program, NULL };
	posix_spawn_file_actions_t actions;
	int out[2], ret;
	FILE *list;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	ret = posix_spawn(&pid, linker, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	list = ret ? NULL : fdopen(out[0], "r");
	if (list) {
		read_list(list, fn, ctx);
		fclose(list);
	} else {
		close(out[0]);
	}
	while (!ret && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void command_files(const char *command, command_file_fn fn, void *ctx)
{
	char *path = find_program(command), *next, *linker;
	int i, fd;

	for (i = 0; path && i <= SCRIPTS_MAX; i++) {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd < 0)
			break;
		next = interpreter_of(fd);
		linker = next ? NULL : dynamic_linker(fd);
		close(fd);
		if (!next)
			fn(ctx, path);
		if (linker) {
			fn(ctx, linker);
			list_libraries(linker, path, fn, ctx);
			free(linker);
		}
		free(path);
		path = next;
	}
	free(path);
}
