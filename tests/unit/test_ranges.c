// SPDX-License-Identifier: GPL-2.0-only
/* Flattened ranges answer as a search of the overlapping ones does; interning. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/ranges.h"
#include "test.h"

#define SPACE 200

static const struct range_in *best(const struct range_in *in, size_t nr, uint64_t addr)
{
	const struct range_in *found = NULL;
	size_t i;

	for (i = 0; i < nr; i++)
		if (addr >= in[i].start && addr < in[i].end &&
		    (!found || in[i].prio > found->prio))
			found = &in[i];
	return found;
}

static void check(struct range_in *in, size_t nr)
{
	struct range_in copy[40];
	const struct range_in *want;
	const struct range *got;
	struct ranges r;
	uint64_t addr;

	memcpy(copy, in, nr * sizeof(*in));
	ranges_init(&r, in, nr);
	assert_true(r.nr <= 2 * nr);
	for (addr = 0; addr <= SPACE; addr++) {
		want = best(copy, nr, addr);
		got = ranges_find(&r, addr);
		assert_int_equal(!want, !got);
		if (want)
			assert_int_equal(want->value, got->value);
	}
	ranges_deinit(&r);
}

static void answers_as_a_search_does(void **state)
{
	struct range_in in[40];
	size_t round, nr, i;

	srand(1);
	for (round = 0; round < 2000; round++) {
		nr = rand() % 40;
		for (i = 0; i < nr; i++) {
			in[i].start = rand() % SPACE;
			in[i].end = in[i].start + rand() % (round % 2 ? 10 : 100);
			in[i].prio = (i * 7919 + round) % 4001;
			in[i].value = i;
		}
		check(in, nr);
	}
}

static void extremes(void **state)
{
	struct range_in in[] = {
		{ 0, UINT64_MAX, 0, 1 },
		{ UINT64_MAX - 10, UINT64_MAX, 1, 2 },
		{ 5, 5, 9, 3 },
	};
	struct ranges r;

	ranges_init(&r, in, 3);
	assert_int_equal(ranges_find(&r, 5)->value, 1);
	assert_int_equal(ranges_find(&r, UINT64_MAX - 1)->value, 2);
	ranges_deinit(&r);
	ranges_init(&r, in, 0);
	assert_null(ranges_find(&r, 0));
	ranges_deinit(&r);
}

static void interned_once(void **state)
{
	struct intern *in = intern_create();
	struct intern_entry *first[5000];
	char name[32];
	size_t i;

	for (i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "name %zu", i);
		assert_null(intern_find(in, name, strlen(name)));
		first[i] = intern_get(in, name, strlen(name));
		assert_null(first[i]->value);
		first[i]->value = &first[i];
	}
	for (i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "name %zu", i);
		assert_ptr_equal(intern_get(in, name, strlen(name)), first[i]);
		assert_ptr_equal(first[i]->value, &first[i]);
		assert_string_equal(first[i]->data, name);
		assert_int_equal((uintptr_t)first[i]->data % 8, 0);
	}
	intern_destroy(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_as_a_search_does),
		cmocka_unit_test(extremes),
		cmocka_unit_test(interned_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
