/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who in a live process publishes thread contexts: the program or library that
 * defines otel_thread_ctx_v1, and the one location where all threads have it. And
 * the process context, if there is one.
 *
 * Reads /proc/PID/maps and what is not yet in "files" of the files that are mapped as
 * code in it, which takes milliseconds, later a fraction of one, and the rights that
 * ptrace wants. Where several files define it, the
 * one counts that the dynamic linker has chosen for words which name the symbol.
 */
#ifndef TICKPROF_PUBLISHER_H
#define TICKPROF_PUBLISHER_H

#include <sys/types.h>

#include "location.h"
#include "process_context.h"
#include "tls_variable.h"
#include "variable_files.h"

struct publisher {
	char *path;			/* the file that defines it; NULL: nobody does */
	char *referrer;			/* whose words tell where it is, if not the same */
	struct tls_variable variable;	/* as that file says */
	struct location location;
	enum c_library libc;
	unsigned int files;		/* looked into */
	unsigned int unread;		/* that could not be opened, or are no ELF files */
	unsigned int others;		/* that define a variable of their own elsewhere */
	int context_error;		/* of process_context_read(); -ENOENT: no such mapping */
	struct process_context context;
};

/*
 * 0; -ENOENT: nobody defines it; -ENOLINK: no relocation tells where it is; else
 * what location_resolve() or tls_variable_find() said of the file that defines it,
 * path and variable being set; or why the process cannot be read: -ESRCH, -EACCES,
 * -EPERM. Deinit in any case.
 */
int publisher_find(pid_t pid, const struct memory *m, struct variable_files *files,
		   struct publisher *out);
void publisher_deinit(struct publisher *p);

#endif
