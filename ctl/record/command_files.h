/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_COMMAND_FILES_H
#define TICKPROF_COMMAND_FILES_H

/* Also what other processes map already, and twice what is found twice. path is the callee's until it returns. */
typedef void (*command_file_fn)(void *ctx, const char *path);

/*
 * The files that a command is going to map as it starts: its program as the shell
 * finds it, of a script the interpreter, the dynamic linker, and the libraries
 * which that says it would load. What cannot be found out is left out in silence.
 */
void command_files(const char *command, command_file_fn fn, void *ctx);

#endif
