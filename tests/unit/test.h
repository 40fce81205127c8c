/* SPDX-License-Identifier: GPL-2.0-only */
/* cmocka with the headers it wants first, and silence for messages that are expected. */
#ifndef TICKPROF_TEST_H
#define TICKPROF_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

static inline int quiet_begin(void)
{
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	dup2(null, STDERR_FILENO);
	close(null);
	return saved;
}

static inline void quiet_end(int saved)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
}

#endif
