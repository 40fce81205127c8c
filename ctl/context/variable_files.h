/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What mapped files say of otel_thread_ctx_v1, each read once: most processes of a
 * host map the same few hundred, none of which names it.
 *
 * A file is known again by the numbers in /proc/PID/maps and, asked through
 * /proc/PID/map_files each time, by device, inode, size and time of change, for the
 * numbers alone may come to mean another file. Who may not ask there reads each file anew.
 *
 * Not thread-safe. Memory: 200 bytes a file, and 32 for each mapping of code in it.
 */
#ifndef TICKPROF_CONTEXT_VARIABLE_FILES_H
#define TICKPROF_CONTEXT_VARIABLE_FILES_H

#include <sys/types.h>

#include "process/map_line.h"
#include "location.h"
#include "tls_variable.h"

struct variable_file {
	bool elf;			/* it is an ELF file; else nothing below is told */
	int error;			/* of tls_variable_find() */
	struct tls_variable variable;
	enum c_library libc;		/* that a program asks for */
	struct elf_segment *code;	/* executable segments */
	size_t nr_code;
};

struct variable_files;

struct variable_files *variable_files_create(void);
void variable_files_destroy(struct variable_files *files);

/*
 * The file behind a mapping of process pid; NULL: it cannot be opened. Lives until
 * the next call.
 */
const struct variable_file *variable_files_get(struct variable_files *files, pid_t pid,
					       const struct map_line *map);
/* How many were opened so far. */
unsigned int variable_files_opened(const struct variable_files *files);

#endif
