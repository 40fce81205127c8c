// SPDX-License-Identifier: GPL-2.0-only
/* Each kind of rule on x86_64, from hand-made call frame information. */
#define FIXTURE_DIR "unwind-rules"
#include "unwind_fixture.h"

static bool native;

static int setup(void **state)
{
	native = !try_sh("gcc -dumpmachine | grep -q ^x86_64");
	return 0;
}

/* A function "f" with this body, "end" right behind it. */
static void check(const char *body, const char *rows)
{
	__free char *text = xasprintf(".text\n.globl f, end\n.balign 64\nnop\nf:\n.cfi_startproc\n"
				      "%s\n.cfi_endproc\nend: ud2\n", body);

	if (!native)
		skip();
	assemble("", "f.so", "", text);
	assert_rows("f.so", "f", "end", rows);
}

static void plain(void **state)
{
	check("push %rbp\n.cfi_def_cfa_offset 16\n.cfi_offset 6, -16\n"
	      "mov %rsp, %rbp\n.cfi_def_cfa_register 6\n.cfi_remember_state\n"
	      "pop %rbp\n.cfi_def_cfa 7, 8\n.cfi_restore 6\nret\n.cfi_restore_state\nnop\n",
	      "0: rsp+8 c-8 u\n1: rsp+16 c-8 c-16\n4: rbp+16 c-8 c-16\n5: rsp+8 c-8 u\n"
	      "6: rbp+16 c-8 c-16\n");
	/* What is said of other registers and of arguments makes no row. */
	check("push %rbx\n.cfi_def_cfa_offset 16\n.cfi_offset 3, -16\nnop\n"
	      ".cfi_escape 0x2e, 16\nnop\n.cfi_same_value 3\nnop\n.cfi_restore 3\nnop\n",
	      "0: rsp+8 c-8 u\n1: rsp+16 c-8 u\n");
}

static void distances(void **state)
{
	check("nop\n.cfi_def_cfa_offset 12\nnop\n.cfi_def_cfa_offset 524280\nnop\n"
	      ".cfi_def_cfa_offset 524288\nnop\n.cfi_def_cfa_offset 8\n.cfi_offset 6, -262144\n"
	      "nop\n.cfi_offset 6, -262152\nnop\n",
	      "0: rsp+8 c-8 u\n1: unknown - -\n2: rsp+524280 c-8 u\n3: unknown - -\n"
	      "4: rsp+8 c-8 c-262144\n5: unknown - -\n");
	check("nop\n.cfi_def_cfa 6, -32\nnop\n.cfi_offset 16, -24\nnop\n",
	      "0: rsp+8 c-8 u\n1: rbp-32 c-8 u\n2: rbp-32 c-24 u\n");
}

/* gcc's prologue of a function that aligns its stack. */
static void realigned(void **state)
{
	check("lea 8(%rsp), %r10\n.cfi_def_cfa 10, 0\nand $-32, %rsp\npush -8(%r10)\npush %rbp\n"
	      "mov %rsp, %rbp\n.cfi_escape 0x10,0x6,0x2,0x76,0\npush %r10\n"
	      ".cfi_escape 0xf,0x3,0x76,0x78,0x6\nnop\n",
	      "0: rsp+8 c-8 u\n5: r10+0 c-8 u\n17: r10+0 c-8 *(rbp+0)\n"
	      "19: *(rbp-8)+0 c-8 *(rbp+0)\n");
}

/* libcrypto: the stack pointer of the caller saved at a distance, pushes counted after. */
static void dereferenced(void **state)
{
	check("mov %rsp, %rax\n.cfi_def_cfa_register 0\nnop\n"
	      ".cfi_escape 0x0f,0x05,0x77,0x38,0x06,0x23,0x08\n.cfi_offset 6, -24\nnop\n",
	      "0: rsp+8 c-8 u\n3: rax+8 c-8 u\n4: *(rsp+56)+8 c-8 c-24\n");
	/* A long distance, a register by number, and none of it in the way of a plain CFA. */
	check("nop\n.cfi_escape 0x0f,0x06,0x77,0xd8,0x04,0x06,0x23,0x08\nnop\n"
	      ".cfi_escape 0x0f,0x03,0x92,0x07,0x10\nnop\n.cfi_escape 0x0f,0x02,0x7d,0x18\nnop\n"
	      ".cfi_def_cfa 17, 8\nnop\n",
	      "0: rsp+8 c-8 u\n1: *(rsp+600)+8 c-8 u\n2: rsp+16 c-8 u\n3: r13+24 c-8 u\n4: unknown - -\n");
}

/* Where a saved register is told from the register that the CFA is told from. */
static void saved_by_expression(void **state)
{
	check("nop\n.cfi_def_cfa_offset 32\n.cfi_escape 0x10,0x6,0x2,0x77,8\nnop\n"
	      ".cfi_escape 0x10,0x10,0x2,0x77,24\nnop\n.cfi_escape 0x10,0x6,0x2,0x73,0\nnop\n",
	      "0: rsp+8 c-8 u\n1: rsp+32 c-8 c-24\n3: unknown - -\n");
}

/* As vfork() keeps its return address, which its child would overwrite on the stack. */
static void in_a_register(void **state)
{
	check("pop %rdi\n.cfi_def_cfa_offset 0\n.cfi_register 16, 5\nsyscall\n"
	      "push %rdi\n.cfi_def_cfa_offset 8\n.cfi_restore 16\nret\n",
	      "0: rsp+8 c-8 u\n1: rsp+0 rdi u\n4: rsp+8 c-8 u\n");
	check("nop\n.cfi_register 16, 15\nnop\n.cfi_register 16, 17\nnop\n"
	      ".cfi_register 16, 4\n.cfi_def_cfa 1, 8\nnop\n",
	      "0: rsp+8 c-8 u\n1: rsp+8 r15 u\n2: unknown - -\n");
}

static void beyond_words(void **state)
{
	check("nop\n.cfi_val_offset 16, -8\nnop\n.cfi_restore 16\nnop\n.cfi_register 6, 0\nnop\n"
	      ".cfi_restore 6\nnop\n.cfi_val_offset 6, 8\nnop\n.cfi_same_value 6\nnop\n"
	      ".cfi_escape 0x16,0x6,0x2,0x77,8\nnop\n.cfi_undefined 6\nnop\n",
	      "0: rsp+8 c-8 u\n1: unknown - -\n2: rsp+8 c-8 u\n3: unknown - -\n4: rsp+8 c-8 u\n"
	      "5: unknown - -\n6: rsp+8 c-8 u\n7: unknown - -\n8: rsp+8 c-8 u\n");
	/* *(rsp + 8 + r9 * 8) + 8; a return address elsewhere than where the kind has it. */
	check("nop\n.cfi_escape 0x0f,0x0a,0x77,8,0x79,0,0x38,0x1e,0x22,0x06,0x23,8\nnop\n"
	      ".cfi_def_cfa 0, 8\nnop\n.cfi_offset 16, -16\nnop\n",
	      "0: rsp+8 c-8 u\n1: unknown - -\n2: rax+8 c-8 u\n3: unknown - -\n");
	/* An instruction that does not exist: so far and no further. */
	check("nop\n.cfi_def_cfa_offset 16\nnop\n.cfi_escape 0x3c\nnop\n.cfi_def_cfa_offset 24\n"
	      "nop\n", "0: rsp+8 c-8 u\n1: rsp+16 c-8 u\n2: unknown - -\n");
	check("nop\n.cfi_escape 0x0b\nnop\n", "0: rsp+8 c-8 u\n1: unknown - -\n");
}

static void ends_of_stacks(void **state)
{
	check("nop\n.cfi_undefined 16\nnop\n", "0: rsp+8 c-8 u\n1: root - -\n");
	check(".cfi_signal_frame\nnop\n.cfi_def_cfa_offset 64\nnop\n", "0: signal - -\n");
}

/* Advances of every size. */
static void far_apart(void **state)
{
	check(".cfi_def_cfa_offset 16\n.skip 63\n.cfi_def_cfa_offset 24\n.skip 255\n"
	      ".cfi_def_cfa_offset 32\n.skip 65535\n.cfi_def_cfa_offset 40\n.skip 70000\n"
	      ".cfi_def_cfa_offset 48\nnop\n",
	      "0: rsp+16 c-8 u\n63: rsp+24 c-8 u\n318: rsp+32 c-8 u\n65853: rsp+40 c-8 u\n"
	      "135853: rsp+48 c-8 u\n");
}

/* Look-ups by block agree with the rows, in blocks that have none, too. */
static void lookups(void **state)
{
	const struct tickprof_rule *rule;
	struct unwind_table t;
	uint64_t f;

	far_apart(state);
	t = compile_file("f.so", NULL);
	f = offset_of("f.so", address_of("f.so", "f"));
	assert_true(t.table->blocks > 256);
	rule = unwind_table_find(t.table, f + 62);
	assert_int_equal(rule->offset, 2);
	rule = unwind_table_find(t.table, f + 65852);
	assert_int_equal(rule->offset, 4);
	rule = unwind_table_find(t.table, f + 65853);
	assert_int_equal(rule->offset, 5);
	rule = unwind_table_find(t.table, f + 135853);
	assert_int_equal(rule->offset, 6);
	assert_int_equal(unwind_table_find(t.table, f + 135854)->cfa, TICKPROF_CFA_NONE);
	assert_null(unwind_table_find(t.table, f + (1 << 20)));
	assert_null(unwind_table_find(t.table, 0));
	unwind_table_deinit(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(distances),
		cmocka_unit_test(realigned),
		cmocka_unit_test(dereferenced),
		cmocka_unit_test(saved_by_expression),
		cmocka_unit_test(in_a_register),
		cmocka_unit_test(beyond_words),
		cmocka_unit_test(ends_of_stacks),
		cmocka_unit_test(far_apart),
		cmocka_unit_test(lookups),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
