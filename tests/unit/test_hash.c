// SPDX-License-Identifier: GPL-2.0-only
/* Keys as the tool has them, among them equal values one after the other, fall on different slots. */
#include "base/hash.h"
#include "test.h"

#define KEYS 20000u

static uint64_t id_and_thread(uint64_t i)	/* of processes with one thread and one name */
{
	return hash_u64(hash_u64(hash_u64(i, i), 7), 7);
}

static uint64_t name_twice(uint64_t i)		/* of functions that are not mangled, in one file */
{
	return hash_u64(hash_u64(hash_u64(i * 16, i * 16), 4096), 0);
}

static uint64_t by_page(uint64_t i)
{
	return hash_u64(hash_u64(6, i * 4096), 0);
}

static uint64_t chain_end(uint64_t i)
{
	return hash_u64(hash_u64(hash_u64(20, 5), 5), i);
}

static void looks(void **state)
{
	static uint64_t (*const all[])(uint64_t) = { id_and_thread, name_twice, by_page, chain_end };
	size_t kind, i, at, steps;

	for (kind = 0; kind < sizeof(all) / sizeof(all[0]); kind++) {
		struct hash t = { 0 };

		for (i = 1, steps = 0; i <= KEYS; i++) {
			uint32_t h = all[kind](i);
			struct hash_slot *slot = hash_find(&t, h, id, false);

			for (at = h & t.mask; &t.slots[at] != slot; at = (at + 1) & t.mask)
				steps++;
			slot->id = i;
		}
		print_message("# %zu: %.2f further looks an entry\n", kind, (double)steps / KEYS);
		assert_true(steps < KEYS);
		hash_deinit(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
