// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile FOLDER: leaves a few hostile unwind tables of each kind there, as the
 * fuzzer makes them (tests/unit/damage.h), named ERRNO-NUMBER by what the
 * validator says of them in user space: the module's own source.
 */
#if defined(__x86_64__)
#define CONFIG_X86_64
#else
#define CONFIG_ARM64
#endif
#include <stdio.h>

#include "damage.h"

#define ROUNDS	20000
#define EACH	6	/* of a kind and an answer */

static unsigned int emitted[KINDS][4], number;

static int emit(const char *folder, const void *blob, u32 bytes, enum kind kind, int err)
{
	int answer = err == 0 ? 0 : err == -EINVAL ? 1 : err == -E2BIG ? 2 : 3;
	char path[4096];
	FILE *f;

	if (emitted[kind][answer]++ >= EACH)
		return 0;
	snprintf(path, sizeof(path), "%s/%d-%04u", folder, -err, number++);
	f = fopen(path, "w");
	if (f && fwrite(blob, 1, bytes, f) == bytes && !fclose(f))
		return 0;
	perror(path);
	return 1;
}

int main(int argc, char **argv)
{
	enum kind kind;
	int i, failed = argc != 2;
	u32 bytes;

	for (i = 0; i < ROUNDS && !failed; i++) {
		struct tickprof_table *t = damage_next(&bytes, &kind);

		failed = emit(argv[1], t, bytes, kind, tickprof_table_check(t, bytes, MACHINE));
		free(t);
	}
	damage_end();
	return failed;
}
