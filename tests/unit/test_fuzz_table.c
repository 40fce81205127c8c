// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hostile unwind tables: valid ones with damage that knows the format, and noise.
 * Whatever the validator takes is looked up in, beside the header's words, and
 * walked with registers and a stack full of oddities. Blobs are of exact size,
 * so the sanitizers see a read beyond; walks.h sees one outside the user half,
 * one too many, and a frame that falls.
 *
 * The seed is fixed; FUZZ_ROUNDS in the environment asks for more. With
 * "--emit FOLDER" it leaves a few blobs of each kind there instead, named
 * ERRNO-NUMBER by what the validator says of them, for a module to be fed with.
 */
#if !defined(CONFIG_ARM64)
#define CONFIG_X86_64
#endif
#include <stdio.h>

#include "walks.h"
#include "base/util.h"
#include "test.h"

#if defined(__SANITIZE_ADDRESS__)
#define ROUNDS	1000000
#else
#define ROUNDS	100000
#endif
#define BASES	64		/* valid tables that damage starts from */
#define DEPTH	64		/* steps of a walk */
#define CODE	0x555555554000UL	/* where offset 0 of the file is mapped */
#define EACH	3		/* blobs to emit of a kind */

enum kind { VALID, NOISE, HEADER, KEY, SIZE, INDEX, ROWS, RULES, BYTES, KINDS };

static struct {
	struct tickprof_table *table;
	u32 bytes;
} base[BASES];

static struct draft draft;
static const char *folder;	/* to emit into */
static unsigned int taken, refused, emitted[KINDS][3];
static unsigned int outcomes[TICKPROF_STEP_FAULT + 1], by_rule[__TICKPROF_CFA_MAX];

static u64 odd_number(void)
{
	static const u64 odd[] = {
		0, 1, 2, 3, 7, 8, 255, 256, 257, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff,
		0x80000000, 0xfffffff8, 0xffffffff, 1ull << 32, 1ull << 47, 1ull << 55, 1ull << 63, -8ull, -1ull,
	};

	return odd[tables_random(ARRAY_SIZE(odd))];
}

static void new_base(u32 i)
{
	draft_at_random(&draft, tables_random(16) ? MACHINE : EM_386 ^ MACHINE, tables_random(16) ? 40 : 600);
	draft.start = tables_random(16) << 12;
	free(base[i].table);
	base[i].table = table_build(&draft);
	base[i].bytes = base[i].table->bytes;
}

/* A number of the given width at a random one of n places: nearby, odd, or a neighbour's. */
static void damage_number(void *first, u32 n, u32 width)
{
	u64 value = 0;
	void *at;

	if (!n)
		return;
	at = first + (size_t)tables_random(n) * width;
	memcpy(&value, at, width);
	switch (tables_random(4)) {
	case 0:
		value += tables_random(2) ? 1 : -1;
		break;
	case 1:
		value = odd_number();
		break;
	case 2:
		value ^= 1ull << tables_random(width * 8);
		break;
	case 3:
		memcpy(&value, first + (size_t)tables_random(n) * width, width);
		break;
	}
	memcpy(at, &value, width);
}

static void damage_header(struct tickprof_table *t)
{
	switch (tables_random(9)) {
	case 0:
		return damage_number(&t->magic, 1, 4);
	case 1:
		return damage_number(&t->version, 2, 2);
	case 2:
		return damage_number(&t->bytes, 1, 4);
	case 3:
		return damage_number(&t->flags, 1, 4);
	case 4:
		return damage_number(&t->start, 1, 8);
	case 5:
		return damage_number(&t->shift, 1, 4);
	default:
		return damage_number(&t->rules, 3, 4);
	}
}

static void damage_index(struct tickprof_table *t, const struct tickprof_table_view *at)
{
	u16 *block = (u16 *)at->block;
	u32 b = tables_random(t->blocks + 1);

	switch (tables_random(4)) {
	case 0:
		return damage_number((void *)at->group, (t->blocks >> 8) + 1, 4);
	case 1:		/* a row changes sides, which may be fine */
		block[b] += tables_random(2) ? 1 : -1;
		return;
	case 2:		/* a group begins elsewhere, and its blocks make up for it */
		((u32 *)at->group)[b >> 8] += 1;
		for (b &= ~255u; b <= t->blocks; b++) {
			block[b]--;
			if ((b & 255) == 255)
				return;
		}
		return;
	default:
		return damage_number(block, t->blocks + 1, 2);
	}
}

/* Its size as its numbers want it, or any other; the header may agree. */
static struct tickprof_table *resize(struct tickprof_table *t, u32 *bytes)
{
	u32 old = *bytes;

	*bytes = tables_random(4) ? old + 8 * (tables_random(7) - 3) : tables_random(old + 16);
	t = realloc(t, *bytes ? *bytes : 1);
	if (*bytes > old)
		memset((u8 *)t + old, tables_random(8) ? 0 : 0xff, *bytes - old);
	if (*bytes >= sizeof(*t) && tables_random(4))
		t->bytes = *bytes;
	return t;
}

static struct tickprof_table *noise(u32 *bytes)
{
	struct tickprof_table *t;
	u32 i;

	*bytes = tables_random(2) ? 8 * tables_random(64) : tables_random(512);
	t = malloc(*bytes ? *bytes : 1);
	for (i = 0; i < *bytes; i++)
		((u8 *)t)[i] = tables_random(2) ? 0 : tables_random(256);
	if (*bytes >= sizeof(*t)) {
		t->magic = TICKPROF_TABLE_MAGIC;
		t->version = TICKPROF_TABLE_VERSION;
		t->machine = MACHINE;
		t->bytes = *bytes;
	}
	return t;
}

/* A blob of that kind, of exactly this many bytes. */
static struct tickprof_table *make(enum kind kind, u32 *bytes)
{
	u32 i = tables_random(BASES), n;
	struct tickprof_table_view at;
	struct tickprof_table *t;

	if (kind == NOISE)
		return noise(bytes);
	*bytes = base[i].bytes;
	t = malloc(*bytes);
	memcpy(t, base[i].table, *bytes);
	at = table_parts(t);
	for (n = 1 + tables_random(3); n; n--) {
		switch (kind) {
		case HEADER:
			damage_header(t);
			break;
		case KEY:
			t->flags = tables_random(2);
			damage_number(&t->file, sizeof(t->file), 1);
			break;
		case INDEX:
			damage_index(t, &at);
			break;
		case ROWS:
			if (tables_random(2))
				damage_number((void *)at.row_low, t->rows, 1);
			else
				damage_number((void *)at.row_rule, t->rows, 2);
			break;
		case RULES:
			damage_number((void *)at.rule, t->rules * 4, 2);
			break;
		case BYTES:
			damage_number(t, *bytes, 1);
			break;
		default:
			break;
		}
	}
	return kind == SIZE ? resize(t, bytes) : t;
}

/* LOOKUP in linux/tickprof_table.h, word for word. */
static struct tickprof_rule by_the_book(const struct tickprof_table *t,
					const struct tickprof_table_view *at, u64 offset)
{
	u64 unit = (offset - t->start) >> t->shift, b = unit >> 8, row, found;

	if (offset < t->start || b >= t->blocks)
		return TICKPROF_RULE_NONE;
	row = at->group[b >> 8] + at->block[b];
	found = row - 1;
	for (b++; row < at->group[b >> 8] + at->block[b]; row++)
		if (at->row_low[row] <= (unit & 255))
			found = row;
	return at->rule[at->row_rule[found]];
}

static void look_up(const struct tickprof_table *t, const struct tickprof_table_view *view)
{
	const struct tickprof_table_view at = table_parts(t);
	u64 span = (u64)t->blocks << (8 + t->shift);
	u32 i;

	for (i = 0; i < 8; i++) {
		u64 offset = i == 0 ? odd_number() : i == 1 ? t->start + span - 1 : i == 2 ? t->start + span :
			     t->start + ((u64)tables_random(1 << 30) << 30 | tables_random(1 << 30)) % span;
		struct tickprof_rule got = tickprof_table_find(view, offset);
		struct tickprof_rule want = by_the_book(t, &at, offset);

		assert_memory_equal(&got, &want, sizeof(got));
	}
}

static unsigned long code_in(const struct tickprof_table_view *view)
{
	return CODE + view->start + tables_random(view->span >> 16 ? 1 << 16 : view->span);
}

static unsigned long odd_word(const struct tickprof_table_view *view)
{
	switch (tables_random(16)) {
	case 0:
		return odd_number();
	case 1:
		return MEMORY_BASE + tables_random(sizeof(memory));
	case 2:
		return CODE + tables_random(1 << 17);
	case 3 ... 8:
		return MEMORY_BASE + 8 * tables_random(MEMORY_WORDS);
	default:
		return code_in(view);
	}
}

static void walk(const struct tickprof_table_view *view)
{
	const unsigned long mask = tickprof_arch_user_mask();
	enum tickprof_step step = TICKPROF_STEP_ON;
	struct tickprof_walk w;
	struct pt_regs regs;
	unsigned int n;
	size_t i;

	for (i = 0; i < 32; i++)
		memory[tables_random(MEMORY_WORDS)] = odd_word(view);
	for (i = 0; i < sizeof(regs) / 8; i++)
		((unsigned long *)&regs)[i] = odd_word(view);
	instruction_pointer(&regs) = code_in(view);
	if (tables_random(8))
		user_stack_pointer(&regs) = MEMORY_BASE + 8 * tables_random(MEMORY_WORDS / 4);
	tickprof_walk_start(&w, &regs, mask);
	if (!tables_random(4))
		w.fp = 0;
	for (n = 0; n < DEPTH && step == TICKPROF_STEP_ON; n++) {
		struct tickprof_rule rule = tickprof_table_find(view, tickprof_walk_at(&w) - CODE);

		fault_at = tables_random(32) ? -1 : (int)tables_random(4);
		by_rule[rule.cfa]++;
		step = walk_step(&w, &rule);
		outcomes[step]++;
	}
}

static void emit(const void *blob, u32 bytes, enum kind kind, int err)
{
	int class = err == 0 ? 0 : err == -EINVAL ? 1 : 2;
	static unsigned int number;
	char path[4096];
	FILE *f;

	if (emitted[kind][class]++ >= EACH)
		return;
	snprintf(path, sizeof(path), "%s/%d-%04u", folder, -err, number++);
	f = fopen(path, "w");
	if (!f || fwrite(blob, 1, bytes, f) != bytes || fclose(f)) {
		perror(path);
		exit(1);
	}
}

static void round_of(enum kind kind)
{
	struct tickprof_table_view view;
	u32 bytes;
	struct tickprof_table *t = make(kind, &bytes);
	int err = tickprof_table_check(t, bytes, MACHINE);

	if (folder)
		emit(t, bytes, kind, err);
	if (err) {
		refused++;
		assert_true(err == -EINVAL || err == -EOPNOTSUPP || err == -E2BIG);
	} else {
		taken++;
		tickprof_table_open(t, &view);
		look_up(t, &view);
		walk(&view);
	}
	free(t);
}

static void rounds(u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		if (i < BASES)
			new_base(i);
		if (i % 256 == 0 && i >= BASES)
			new_base(tables_random(BASES));
		if (i >= BASES)
			round_of(tables_random(KINDS));
	}
	for (i = 0; i < BASES; i++) {
		free(base[i].table);
		base[i].table = NULL;
	}
}

static void hostile_tables(void **state)
{
	const char *wanted = getenv("FUZZ_ROUNDS");
	u32 i;

	rounds(wanted ? atoi(wanted) : ROUNDS);
	print_message("# %u tables taken, %u refused; steps on %u, root %u, zero %u, broken %u, unknown %u, fault %u\n",
		      taken, refused, outcomes[TICKPROF_STEP_ON], outcomes[TICKPROF_STEP_ROOT],
		      outcomes[TICKPROF_STEP_ZERO], outcomes[TICKPROF_STEP_BROKEN],
		      outcomes[TICKPROF_STEP_UNKNOWN],
		      outcomes[TICKPROF_STEP_FAULT]);
	/* A fuzzer that reaches nothing finds nothing. */
	for (i = 0; i <= TICKPROF_STEP_FAULT; i++)
		assert_in_range(outcomes[i], 100, UINT32_MAX);
	for (i = TICKPROF_CFA_SP; i < __TICKPROF_CFA_MAX; i++)
		assert_in_range(by_rule[i], 100, UINT32_MAX);
	assert_in_range(taken, refused / 8, refused * 8);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_tables),
	};

	if (argc == 3 && !strcmp(argv[1], "--emit")) {
		folder = argv[2];
		rounds(20000);
		return 0;
	}
	return cmocka_run_group_tests_name("fuzz_table", tests, NULL, NULL);
}
