// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program whose contexts are a library's: span.c built as one, with span_main() for its main(). It is linked in, or,
 * where LIBRARY names it, opened.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>

int span_main(int argc, char **argv);

int main(int argc, char **argv)
{
#ifdef LIBRARY
	void *library = dlopen(LIBRARY, RTLD_NOW);
	int (*start)(int, char **) = library ? (int (*)(int, char **))dlsym(library, "span_main") : NULL;

	if (!start) {
		fprintf(stderr, "forms: %s\n", dlerror());
		return 3;
	}
	return start(argc, argv);
#else
	return span_main(argc, argv);
#endif
}
