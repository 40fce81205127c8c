// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a table says where call frame information is missing, in other places than
 * usual or written unusually, and arm64's.
 */
#define FIXTURE_DIR "unwind-shapes"
#include <elf.h>
#include <errno.h>
#include <sys/stat.h>

#include "unwind_fixture.h"

static bool native, cross;

static int setup(void **state)
{
	native = !try_sh("gcc -dumpmachine | grep -q ^x86_64");
	cross = have(CROSS "gcc");
	return 0;
}

#define NEED(what) do { if (!(what)) skip(); } while (0)

#define F "f: .cfi_startproc\nnop\n.cfi_def_cfa_offset 16\nnop\n.cfi_endproc\n"
#define G "g: .cfi_startproc\nnop\n.cfi_def_cfa_offset 32\nnop\n.cfi_endproc\n"

static void gaps(void **state)
{
	NEED(native);
	/* Padding takes part in what is before it, code does not. */
	assemble("", "f.so", "", ".text\n.globl f, g, end\n" F ".balign 64\n" G
		 "push %rax\npop %rax\nend: nop\n");
	assert_rows("f.so", "f", "end", "0: rsp+8 c-8 u\n1: rsp+16 c-8 u\n64: rsp+8 c-8 u\n"
		    "65: rsp+32 c-8 u\n66: none - -\n");
	assemble("", "f.so", "", ".text\n.globl f, g, end\n" F ".fill 7, 1, 0xcc\nret\n.skip 3\n" G
		 "end: nop\n");
	assert_rows("f.so", "f", "end", "0: rsp+8 c-8 u\n1: rsp+16 c-8 u\n2: none - -\n"
		    "13: rsp+8 c-8 u\n14: rsp+32 c-8 u\n");
}

/* musl's, glibc's, and a stub that is the last thing there is. */
static void sigreturn(void **state)
{
	NEED(native);
	assemble("", "f.so", "", ".text\n.globl f, g, end\n" F "ret\nnop\n"
		 "mov $15, %rax\nsyscall\nhlt\n" G "hlt\nmov $15, %eax\nend: syscall\n");
	assert_rows("f.so", "f", "end", "0: rsp+8 c-8 u\n1: rsp+16 c-8 u\n2: none - -\n"
		    "3: signal - -\n13: none - -\n14: rsp+8 c-8 u\n15: rsp+32 c-8 u\n"
		    "16: signal - -\n");
	/* Right behind a function; and described, but not as what it is. */
	assemble("", "f.so", "", ".text\n.globl f, g, end\n" F "mov $15, %rax\nsyscall\n"
		 "g: .cfi_startproc\nmov $15, %rax\nsyscall\nret\n.cfi_endproc\nend: nop\n");
	assert_rows("f.so", "f", "end", "0: rsp+8 c-8 u\n1: signal - -\n20: rsp+8 c-8 u\n");
}

/* What glibc leaves out between a new process and its caller; another jump is no such thing. */
static void after_clone(void **state)
{
	NEED(native);
	assemble("", "f.so", "", ".text\n.globl f, g, end\n" F "syscall\ntest %rax, %rax\njl f\nje g\nret\n"
		 G "end: nop\n");
	assert_rows("f.so", "f", "end", "0: rsp+8 c-8 u\n1: rsp+16 c-8 u\n2: rsp+8 c-8 u\n"
		    "13: rsp+32 c-8 u\n");
	assemble("", "f.so", "", ".text\n.globl f, g, end\n" F "syscall\ntest %rax, %rax\njg f\nje g\nret\n"
		 G "end: nop\n");
	assert_rows("f.so", "f", "end", "0: rsp+8 c-8 u\n1: rsp+16 c-8 u\n2: none - -\n"
		    "12: rsp+8 c-8 u\n13: rsp+32 c-8 u\n");
}

static void no_cfi(void **state)
{
	const struct tickprof_file_key key = { .inode = 7, .size = 8, .dev_major = 9, .dev_minor = 1 };
	struct unwind_table t;
	struct stat st;

	NEED(native);
	assemble("", "f.so", "-Wl,--build-id=none", ".text\n.globl f\nf: ret\n");
	t = compile_file("f.so", &key);
	assert_int_equal(t.table->rows, 1);
	assert_int_equal(t.stats.fdes, 0);
	assert_memory_equal(&t.table->file, &key, sizeof(key));
	assert_int_equal(unwind_table_find(t.table, t.table->start)->cfa, TICKPROF_CFA_NONE);
	unwind_table_deinit(&t);
	/* With a build id the module may know it by either. */
	assemble("", "f.so", "-Wl,--build-id=0x0123456789abcdef", ".text\n.globl f\nf: ret\n");
	t = compile_file("f.so", &key);
	assert_int_equal(t.table->file.build_id_size, 8);
	assert_int_equal(t.table->file.inode, 7);
	assert_int_equal(t.table->file.size, 8);
	unwind_table_deinit(&t);
	t = compile_file("f.so", NULL);
	assert_int_equal(t.table->file.build_id_size, 8);
	assert_int_equal(t.table->file.inode, 0);
	assert_int_equal(stat(fixture("f.so"), &st), 0);
	assert_int_equal(t.table->file.size, st.st_size);
	unwind_table_deinit(&t);
}

static void debug_frame(void **state)
{
	NEED(native);
	assemble("", "f.so", "", ".cfi_sections .debug_frame\n.text\n.globl f, g, end\nnop\n" F G
		 "end: nop\n");
	assert_rows("f.so", "f", "end", "0: rsp+8 c-8 u\n1: rsp+16 c-8 u\n2: rsp+8 c-8 u\n"
		    "3: rsp+32 c-8 u\n");
	sh("objcopy --compress-debug-sections f.so packed.so");
	assert_rows("packed.so", "f", "end", "0: rsp+8 c-8 u\n1: rsp+16 c-8 u\n2: rsp+8 c-8 u\n"
		    "3: rsp+32 c-8 u\n");
}

/* Entries written by hand: %s is the encoding, its bytes and the pointers. */
static void encoded(const char *section, const char *cie_id, const char *letters,
		    const char *data, const char *pointers, uint64_t broken, const char *rows)
{
	bool wide = strstr(cie_id, "quad"), eh = strstr(section, "eh");
	__free char *text = xasprintf(
		".text\n.globl f, end\nnop\n.balign 16\nf: nop\nnop\nend: nop\n"
		".section %s\nc: %s\n1: %s\n.byte 1\n.asciz \"%s\"\n.uleb128 1\n.sleb128 -8\n"
		".byte 16\n%s\n.byte 0x0c, 7, 8, 0x90, 1\n.balign 8, 0\n2:\n"
		"%s\n3: %s\n%s\n.byte 0x41, 0x0e, 16\n.balign 8, 0\n4: %s\n",
		section, wide ? ".long -1\n.quad 2f - 1f" : ".long 2f - 1f", cie_id, letters, data,
		wide ? ".long -1\n.quad 4f - 3f" : ".long 4f - 3f",
		eh ? wide ? ".quad 3b - c" : ".long 3b - c" : wide ? ".quad 0" : ".long 0",
		pointers, eh ? ".long 0" : "");
	struct unwind_table t;

	/* The linker would write the entries anew, and complains of those it cannot read. */
	assemble("", "f", "-static -no-pie -Wl,--no-eh-frame-hdr,--traditional-format,-e,f "
		 "2>/dev/null", text);
	t = compile_file("f", NULL);
	assert_int_equal(t.stats.broken, broken);
	assert_int_equal(t.stats.fdes, !broken);
	if (!broken)
		assert_string_equal(rows_between(&t, offset_of("f", address_of("f", "f")),
						 offset_of("f", address_of("f", "end"))), rows);
	unwind_table_deinit(&t);
}

static void encodings(void **state)
{
	static const char eh[] = ".eh_frame, \"a\", @progbits";
	static const char debug[] = ".debug_frame, \"\", @progbits";
	static const char rows[] = "0: rsp+8 c-8 u\n1: rsp+16 c-8 u\n";

	NEED(native);
	encoded(eh, ".long 0", "", "", ".quad f, 2", 0, rows);
	encoded(eh, ".long 0", "zR", ".uleb128 1\n.byte 0", ".quad f, 2\n.byte 0", 0, rows);
	encoded(eh, ".long 0", "zR", ".uleb128 1\n.byte 0x04", ".quad f, 2\n.byte 0", 0, rows);
	encoded(eh, ".long 0", "zR", ".uleb128 1\n.byte 0x03", ".long f, 2\n.byte 0", 0, rows);
	encoded(eh, ".long 0", "zR", ".uleb128 1\n.byte 0x1b", ".long f - ., 2\n.byte 0", 0, rows);
	encoded(eh, ".long 0", "zR", ".uleb128 1\n.byte 0x1c", ".quad f - ., 2\n.byte 0", 0, rows);
	encoded(eh, ".quad 0", "zR", ".uleb128 1\n.byte 0x1b", ".long f - ., 2\n.byte 0", 0, rows);
	encoded(eh, ".long 0", "zPLRB", ".uleb128 7\n.byte 0x1b\n.long f - .\n.byte 0x1b, 0x1b",
		".long f - ., 2\n.byte 4\n.long 0", 0, rows);
	encoded(eh, ".long 0", "zRS", ".uleb128 1\n.byte 0x1b", ".long f - ., 2\n.byte 0", 0,
		"0: signal - -\n");
	/* Refused: indirect, aligned, an augmentation nobody knows, data without a base. */
	encoded(eh, ".long 0", "zR", ".uleb128 1\n.byte 0x9b", ".long f - ., 2\n.byte 0", 1, "");
	encoded(eh, ".long 0", "zR", ".uleb128 1\n.byte 0x50", ".quad f, 2\n.byte 0", 1, "");
	encoded(eh, ".long 0", "zQ", ".uleb128 1\n.byte 0", ".quad f, 2\n.byte 0", 2, "");
	encoded(eh, ".long 0", "zR", ".uleb128 1\n.byte 0x3b", ".long 0, 2\n.byte 0", 1, "");
	encoded(debug, ".long -1", "", "", ".quad f, 2", 0, rows);
	encoded(debug, ".quad -1", "", "", ".quad f, 2", 0, rows);
}

static const char program[] =
	"#include <stdlib.h>\n#include <unistd.h>\n"
	"int main(void) { return getpid() + atoi(\"1\") + getppid(); }\n";

static void expect_section(const char *name, const char *section, const char *rows)
{
	struct elf_file *f = open_elf(name);
	struct unwind_table t = compile_file(name, NULL);
	GElf_Shdr shdr;

	assert_non_null(elf_file_section(f, section, &shdr));
	assert_string_equal(rows_between(&t, shdr.sh_offset, shdr.sh_offset + shdr.sh_size), rows);
	unwind_table_deinit(&t);
	elf_file_close(f);
}

/* The linker's own description, and what is known without it, are the same. */
static void plt(void **state)
{
	static const char *const without[] = { "", "-Wl,--no-ld-generated-unwind-info" };
	size_t i;

	NEED(native);
	write_text("p.c", program);
	for (i = 0; i < ARRAY_SIZE(without); i++) {
		sh("gcc -fPIE -pie -Wl,-z,lazy %s p.c -o lazy", without[i]);
		expect_section("lazy", ".plt", "0: rsp+16 c-8 u\n6: rsp+24 c-8 u\n"
			       "16: rsp+8 plt11 c-8 u\n");
		expect_section("lazy", ".plt.got", "0: rsp+8 c-8 u\n");
		sh("gcc -fPIE -pie -fcf-protection=full -Wl,-z,lazy,-z,ibtplt %s p.c -o ibt", without[i]);
		expect_section("ibt", ".plt", "0: rsp+16 c-8 u\n6: rsp+24 c-8 u\n"
			       "16: rsp+8 plt9 c-8 u\n");
		expect_section("ibt", ".plt.sec", "0: rsp+8 c-8 u\n");
	}
}

/* Linkers that describe nothing. */
static void plt_of_others(void **state)
{
	NEED(native);
	write_text("p.c", program);
	if (have("ld.lld")) {
		sh("gcc -fPIE -pie -fuse-ld=lld -Wl,-z,lazy p.c -o lld");
		expect_section("lld", ".plt", "0: rsp+16 c-8 u\n6: rsp+24 c-8 u\n"
			       "16: rsp+8 plt11 c-8 u\n");
	}
	if (have("mold")) {
		sh("gcc -fPIE -pie -fuse-ld=mold -Wl,-z,lazy p.c -o mold");
		expect_section("mold", ".plt", "0: rsp+8 c-8 u\n6: rsp+16 c-8 u\n"
			       "12: rsp+24 c-8 u\n32: rsp+8 c-8 u\n");
	}
}

/* Where a program begins, told by CFI or not; an entry point of another look is left alone. */
static void roots(void **state)
{
	static const char *const begins[] = { "mov %rsp, %rdi", "xor %ebp, %ebp",
					      "endbr64\nxor %ebp, %ebp", "ret" };
	size_t i;

	NEED(native);
	for (i = 0; i < ARRAY_SIZE(begins); i++) {
		__free char *text = xasprintf(".text\n.globl _start, f, end\n_start: %s\n"
					      "call f\nhlt\nud2\n.skip 100, 0xf4\n" F
					      "end: nop\n", begins[i]);
		struct unwind_table t;
		uint64_t start;

		assemble("", "r", "-static -no-pie", text);
		t = compile_file("r", NULL);
		start = offset_of("r", address_of("r", "_start"));
		if (i == 3)
			assert_string_equal(rows_between(&t, start, start + 100), "");
		else
			assert_string_equal(rows_between(&t, start, start + 100),
					    "0: root - -\n64: none - -\n");
		unwind_table_deinit(&t);
	}
	assemble("", "r", "-static -no-pie", ".text\n.globl _start, end\n_start: .cfi_startproc\n"
		 "xor %ebp, %ebp\n.cfi_undefined 16\ncall _start\n.cfi_endproc\nhlt\nend: nop\n");
	assert_rows("r", "_start", "end", "0: rsp+8 c-8 u\n2: root - -\n7: none - -\n");
}

static void musl(void **state)
{
	struct unwind_table t;
	uint64_t at;

	if (!have("musl-gcc"))
		skip();
	write_text("p.c", program);
	sh("musl-gcc -static p.c -o musl");
	t = compile_file("musl", NULL);
	at = offset_of("musl", address_of("musl", "libc_start_main_stage2"));
	assert_int_equal(unwind_table_find(t.table, at)->cfa, TICKPROF_CFA_ROOT);
	at = offset_of("musl", address_of("musl", "_start"));
	assert_int_equal(unwind_table_find(t.table, at)->cfa, TICKPROF_CFA_ROOT);
	unwind_table_deinit(&t);
	write_text("q.c", "#include <signal.h>\nstatic void h(int s) {}\n"
		   "int main(void) { return signal(SIGUSR1, h) == SIG_ERR; }\n");
	sh("musl-gcc -static q.c -o musl");
	t = compile_file("musl", NULL);
	at = offset_of("musl", address_of("musl", "__restore_rt"));
	assert_int_equal(unwind_table_find(t.table, at)->cfa, TICKPROF_CFA_SIGNAL);
	assert_int_equal(unwind_table_find(t.table, at - 1)->cfa, TICKPROF_CFA_SIGNAL);
	unwind_table_deinit(&t);
}

/* One byte that is not as it should be: nothing is said. */
static void plt_of_no_known_shape(void **state)
{
	struct elf_file *f;
	GElf_Shdr shdr;
	FILE *file;

	NEED(native);
	write_text("p.c", program);
	sh("gcc -fPIE -pie -Wl,-z,lazy -Wl,--no-ld-generated-unwind-info p.c -o odd");
	f = open_elf("odd");
	assert_non_null(elf_file_section(f, ".plt", &shdr));
	elf_file_close(f);
	file = fopen(fixture("odd"), "r+");
	fseek(file, shdr.sh_offset + 16 + 6, SEEK_SET);
	fputc(0x6a, file);
	fclose(file);
	expect_section("odd", ".plt", "");
}

static void without_sections(void **state)
{
	struct unwind_table whole, bare;
	Elf64_Ehdr ehdr;
	FILE *file;

	NEED(native);
	write_text("p.c", program);
	sh("gcc -O2 -fPIE -pie p.c -o whole && cp whole bare");
	file = fopen(fixture("bare"), "r+");
	assert_int_equal(fread(&ehdr, sizeof(ehdr), 1, file), 1);
	ehdr.e_shoff = ehdr.e_shnum = ehdr.e_shstrndx = 0;
	rewind(file);
	fwrite(&ehdr, sizeof(ehdr), 1, file);
	fclose(file);
	whole = compile_file("whole", NULL);
	bare = compile_file("bare", NULL);
	assert_int_equal(whole.table->bytes, bare.table->bytes);
	assert_memory_equal(whole.table, bare.table, bare.table->bytes);
	unwind_table_deinit(&whole);
	unwind_table_deinit(&bare);
}

static void refused(void **state)
{
	struct unwind_table t;
	struct elf_file *f;

	NEED(native);
	assemble("", "f.so", "", ".text\n.globl f\n" F);
	f = open_elf("f.so");
	f->machine = EM_RISCV;
	assert_int_equal(unwind_table_compile(f, NULL, &t), -ENOTSUP);
	assert_null(t.table);
	elf_file_close(f);
	sh("objcopy -O elf32-x86-64 f.so x32.so");
	f = open_elf("x32.so");
	assert_int_equal(unwind_table_compile(f, NULL, &t), -ENOTSUP);
	elf_file_close(f);
}

static void arm64(void **state)
{
	NEED(cross);
	assemble(CROSS, "a.so", "", ".text\n.globl f, g, end\nnop\n"
		 "f: .cfi_startproc\npaciasp\n.cfi_negate_ra_state\n"
		 "stp x29, x30, [sp, #-32]!\n.cfi_def_cfa_offset 32\n.cfi_offset 29, -32\n"
		 ".cfi_offset 30, -24\nmov x29, sp\n.cfi_def_cfa_register 29\nnop\n"
		 ".cfi_restore 30\n.cfi_restore 29\n.cfi_def_cfa 31, 0\nret\n.cfi_endproc\n"
		 ".balign 32\nret\nret\nmov x8, #139\nsvc #0\n"
		 "g: .cfi_startproc\nmov x9, sp\n.cfi_def_cfa 9, 16\nnop\n.cfi_undefined 30\nnop\n"
		 ".cfi_register 30, 15\nnop\n.cfi_endproc\nend: nop\n");
	assert_rows("a.so", "f", "end", "0: sp+0 x30 u\n8: sp+32 c-24 c-32\n12: x29+32 c-24 c-32\n"
		    "16: sp+0 x30 u\n20: none - -\n32: signal - -\n44: sp+0 x30 u\n48: unknown - -\n"
		    "52: root - -\n56: unknown - -\n");
}

static void arm64_plt(void **state)
{
	static const char *const protection[] = { "", "-Wl,-z,force-bti" };
	size_t i;

	NEED(cross);
	for (i = 0; i < ARRAY_SIZE(protection); i++) {
		write_text("p.c", "extern int a(void), b(void);\nint f(void) { return a() + b(); }\n");
		sh(CROSS "gcc -O2 -nostdlib -shared -fPIC -Wl,-z,lazy %s p.c -o plt.so 2>/dev/null",
		   protection[i]);
		expect_section("plt.so", ".plt", i ? "0: sp+0 x30 u\n8: sp+16 c-8 u\n32: sp+0 x30 u\n"
						  : "0: sp+0 x30 u\n4: sp+16 c-8 u\n32: sp+0 x30 u\n");
	}
}

static void same_bytes(void **state)
{
	struct unwind_table a, b;

	NEED(native);
	write_text("p.c", program);
	sh("gcc -O2 -static p.c -o static");
	a = compile_file("static", NULL);
	b = compile_file("static", NULL);
	assert_int_equal(a.table->bytes, b.table->bytes);
	assert_memory_equal(a.table, b.table, a.table->bytes);
	unwind_table_deinit(&a);
	unwind_table_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gaps),
		cmocka_unit_test(sigreturn), cmocka_unit_test(after_clone),
		cmocka_unit_test(no_cfi),
		cmocka_unit_test(debug_frame),
		cmocka_unit_test(encodings),
		cmocka_unit_test(plt),
		cmocka_unit_test(plt_of_others),
		cmocka_unit_test(roots),
		cmocka_unit_test(musl),
		cmocka_unit_test(plt_of_no_known_shape),
		cmocka_unit_test(without_sections),
		cmocka_unit_test(refused),
		cmocka_unit_test(arm64),
		cmocka_unit_test(arm64_plt),
		cmocka_unit_test(same_bytes),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
