// SPDX-License-Identifier: GPL-2.0-only
/* Which symbol is shown: ELF tables, debug files, PLT, names, kallsyms, the vDSO. */
#define FIXTURE_DIR "symbols"
#include <errno.h>

#include "symbol/demangle.h"
#include "symbol/elf_debug.h"
#include "symbol/sym_elf.h"
#include "symbol/sym_kernel.h"
#include "fixture.h"

static const char assembly[] =
	"\t.text\n"
	"\t.globl outer, good\n\t.weak weak_name\n"
	"\t.type outer, @function\n\t.type inner, @function\n"
	"\t.type good, @function\n\t.type weak_name, @function\n\t.type local_name, @function\n"
	"outer:\t.skip 16, 0x90\n"
	"inner:\t.skip 16, 0x90\n\t.size inner, 16\n"
	"label:\t.skip 16, 0x90\n\t.size outer, 48\n"
	"gap:\t.skip 16, 0x90\n"
	"local_name:\nweak_name:\ngood:\n__good:\t.skip 16, 0x90\n"
	"\t.size good, 16\n\t.size weak_name, 16\n\t.size local_name, 16\n"
	"tail:\t.skip 16, 0x90\n"
	"\t.globl _start\n_start:\tnop\n"
	"\t.data\n\t.globl object\n\t.type object, @object\nobject: .quad 0\n";

static void the_best_symbol_wins(void **state)
{
	struct bench b = bench_init(false, true);
	uint64_t outer;

	write_text("choice.s", assembly);
	sh("as choice.s -o choice.o && ld choice.o -o choice");
	outer = address_of("choice", "outer");
	assert_function(resolve(&b, "choice", outer), "outer");
	assert_function(resolve(&b, "choice", outer + 15), "outer");
	assert_function(resolve(&b, "choice", outer + 16), "inner");
	assert_function(resolve(&b, "choice", outer + 31), "inner");
	/* A label without a size is less than the function around it … */
	assert_function(resolve(&b, "choice", outer + 32), "outer");
	assert_function(resolve(&b, "choice", outer + 47), "outer");
	/* … and reaches to the next symbol elsewhere. */
	assert_function(resolve(&b, "choice", outer + 48), "gap");
	assert_function(resolve(&b, "choice", outer + 63), "gap");
	assert_function(resolve(&b, "choice", outer + 64), "good");
	assert_function(resolve(&b, "choice", outer + 80), "tail");
	bench_deinit(&b);
}

static void return_addresses_belong_to_the_call(void **state)
{
	struct bench b = bench_init(false, true);
	struct symbol_location loc;
	struct object *obj;
	uint64_t inner, offset;

	write_text("choice.s", assembly);
	sh("as choice.s -o choice.o && ld choice.o -o choice");
	inner = address_of("choice", "inner");
	offset = offset_of("choice", inner);
	obj = bench_file(&b, "choice");
	assert_true(symbolizer_resolve(b.symbolizer, obj, offset, true, &loc));
	assert_string_equal(loc.frames[0].function, "outer");
	assert_int_equal(loc.address, inner);
	assert_true(loc.start <= inner && inner < loc.limit);
	assert_int_equal(loc.address - loc.start, offset - loc.offset);
	bench_deinit(&b);
}

static void unresolved_keeps_its_place(void **state)
{
	struct bench b = bench_init(false, true), offline = bench_init(false, false);
	struct object_id id = { .path = fixture("bare"), .inode = 1 };
	struct symbol_location loc;
	struct elf_file *f;
	size_t i;

	write_text("choice.s", assembly);
	sh("as choice.s -o choice.o && ld -Ttext=0x500000 choice.o -o bare && strip bare");
	f = open_elf("bare");
	for (i = 0; !f->segments[i].exec; i++)
		;
	loc = resolve(&b, "bare", f->segments[i].vaddr + 4);
	assert_unresolved(loc);
	assert_int_equal(loc.address, f->segments[i].vaddr + 4);
	assert_int_equal(loc.start, f->segments[i].vaddr);
	assert_int_equal(loc.limit, f->segments[i].vaddr + f->segments[i].memsz);
	assert_int_equal(loc.offset, f->segments[i].offset);
	elf_file_close(f);

	assert_false(symbolizer_resolve(offline.symbolizer, objects_get(offline.objects, &id, 1,
					0, 0, false), 0x1234, false, &loc));
	assert_int_equal(loc.address, 0x1234);
	assert_int_equal(loc.start, 0);
	assert_int_equal(loc.offset, 0);
	assert_int_equal(loc.limit, UINT64_MAX >> 1);
	bench_deinit(&b);
	bench_deinit(&offline);
}

/* Tables are dropped to save memory, and come back. */
static void dropped_tables_return(void **state)
{
	struct elf_origin origin = { .path = "choice" };
	struct sym_names *n = sym_names_create();
	const struct symbol_frame *before;
	struct sym_elf *e;
	uint64_t inner;

	write_text("choice.s", assembly);
	sh("as choice.s -o choice.o && ld choice.o -o choice");
	inner = address_of("choice", "inner");
	e = sym_elf_create(open_elf("choice"));
	assert_int_equal(sym_elf_memory(e), 0);
	before = sym_elf_find(e, &origin, n, inner);
	assert_non_null(before);
	assert_true(sym_elf_memory(e) > 0);
	sym_elf_drop(e);
	assert_int_equal(sym_elf_memory(e), 0);
	assert_ptr_equal(sym_elf_find(e, &origin, n, inner), before);
	sym_elf_destroy(e);
	sym_names_destroy(n);
}

static const char library[] =
	"#include <unistd.h>\n"
	"static __attribute__((noinline)) int hidden(int x) { return getppid() + x; }\n"
	"int visible(int x) { return hidden(x) * 3; }\n";

static void build_library(const char *name, const char *flags)
{
	write_text("lib.c", library);
	sh("gcc -g -O1 -fPIC -shared %s lib.c -o %s", flags, name);
}

static void dynamic_symbols_and_stubs(void **state)
{
	struct bench b = bench_init(false, true);
	uint64_t hidden, visible;
	struct symbol_location loc;
	struct elf_file *f;
	GElf_Shdr plt;

	build_library("full.so", "-Wl,--build-id=none");
	hidden = address_of("full.so", "hidden");
	visible = address_of("full.so", "visible");
	sh("strip full.so -o stripped.so");
	assert_function(resolve(&b, "full.so", hidden), "hidden");
	assert_function(resolve(&b, "stripped.so", visible), "visible");
	assert_unresolved(resolve(&b, "stripped.so", hidden));
	f = open_elf("stripped.so");
	assert_non_null(elf_file_section(f, ".plt", &plt));
	elf_file_close(f);
	loc = resolve(&b, "stripped.so", plt.sh_addr + 17);
	assert_function(loc, "getppid@plt");
	bench_deinit(&b);
}

static void debug_file_by_build_id(void **state)
{
	struct bench b = bench_init(false, true);
	uint64_t hidden;

	build_library("id.so", "-Wl,--build-id=0xabcdef0102030405060708090a0b0c0d0e0f1011");
	hidden = address_of("id.so", "hidden");
	sh("mkdir -p root/.build-id/ab && objcopy --only-keep-debug id.so "
	   "root/.build-id/ab/cdef0102030405060708090a0b0c0d0e0f1011.debug && strip id.so");
	elf_debug_set_root(FIXTURES "/empty");
	assert_unresolved(resolve(&b, "id.so", hidden));
	bench_deinit(&b);
	b = bench_init(false, true);
	elf_debug_set_root(FIXTURES "/root");
	assert_function(resolve(&b, "id.so", hidden), "hidden");
	bench_deinit(&b);
	/* One of another build is no help. */
	build_library("other.so", "-Wl,--build-id=0x11111111");
	sh("cp other.so root/.build-id/ab/cdef0102030405060708090a0b0c0d0e0f1011.debug");
	b = bench_init(false, true);
	assert_unresolved(resolve(&b, "id.so", hidden));
	bench_deinit(&b);
	elf_debug_set_root("/usr/lib/debug");
}

static void debug_file_by_link(void **state)
{
	static const char *const places[] = { ".", ".debug", "root2" FIXTURES };
	struct bench b;
	uint64_t hidden;
	size_t i;

	build_library("link.so", "-Wl,--build-id=none");
	hidden = address_of("link.so", "hidden");
	sh("objcopy --only-keep-debug link.so link.debug && strip link.so && "
	   "objcopy --add-gnu-debuglink=link.debug link.so && mv link.debug saved");
	elf_debug_set_root(FIXTURES "/root2");
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		b = bench_init(false, true);
		assert_unresolved(resolve(&b, "link.so", hidden));
		bench_deinit(&b);
		sh("mkdir -p %s && cp saved %s/link.debug", places[i], places[i]);
		b = bench_init(false, true);
		assert_function(resolve(&b, "link.so", hidden), "hidden");
		bench_deinit(&b);
		sh("printf x >> %s/link.debug", places[i]);
		b = bench_init(false, true);
		assert_unresolved(resolve(&b, "link.so", hidden));
		bench_deinit(&b);
		sh("rm %s/link.debug", places[i]);
	}
	elf_debug_set_root("/usr/lib/debug");
}

static void mini_debug_info(void **state)
{
	struct bench b = bench_init(false, true);
	uint64_t hidden, visible;

	build_library("mini.so", "-Wl,--build-id=none");
	hidden = address_of("mini.so", "hidden");
	visible = address_of("mini.so", "visible");
	sh("objcopy --only-keep-debug mini.so mini.debug && strip -g -N visible mini.debug && "
	   "xz -kf mini.debug && strip mini.so && "
	   "objcopy --add-section .gnu_debugdata=mini.debug.xz mini.so");
	assert_function(resolve(&b, "mini.so", hidden), "hidden");
	assert_function(resolve(&b, "mini.so", visible), "visible");
	bench_deinit(&b);
	/* Damaged: the rest still works. */
	sh("head -c 300 mini.debug.xz > cut.xz && "
	   "objcopy --remove-section .gnu_debugdata mini.so && "
	   "objcopy --add-section .gnu_debugdata=cut.xz mini.so");
	b = bench_init(false, true);
	assert_unresolved(resolve(&b, "mini.so", hidden));
	assert_function(resolve(&b, "mini.so", visible), "visible");
	bench_deinit(&b);
}

static void names(void **state)
{
	static const struct {
		const char *mangled, *name;
	} table[] = {
		{ "_ZN3foo3barEi", "foo::bar" },
		{ "_ZSt4sortIPiEvT_S1_", "std::sort<int*>" },
		{ "_ZN12_GLOBAL__N_13fooEv", "(anonymous namespace)::foo" },
		{ "_ZN3foo3barEi@plt", "foo::bar@plt" },
		{ "_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE",
		  "core::fmt::Write::write_fmt" },
		{ "_RNvC6_123foo3bar", "123foo::bar" },
		{ "_RINvNtC3std3mem8align_ofdE", "std::mem::align_of::<f64>" },
	};
	char buf[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(demangle(table[i].mangled, buf, sizeof(buf)),
				 strlen(table[i].name));
		assert_string_equal(buf, table[i].name);
	}
	assert_int_equal(demangle("main", buf, sizeof(buf)), 0);
	assert_int_equal(demangle("_Zgarbage", buf, sizeof(buf)), 0);
	assert_int_equal(demangle("", buf, sizeof(buf)), 0);
}

/* Each level names the one before twice: 2^40 times "x" if written out. */
static void names_that_explode(void **state)
{
	char mangled[512] = "_Z1fI1aE", buf[1000];
	size_t i, at;

	at = sprintf(mangled, "_Z1f1xIS_S_E");
	for (i = 0; i < 30; i++)
		at += sprintf(mangled + at, "S%c_IS%c_S%c_E", (char)('0' + i % 10),
			      (char)('0' + i % 10), (char)('0' + i % 10));
	assert_true(demangle(mangled, buf, sizeof(buf)) < sizeof(buf));
	at = sprintf(mangled, "_Z1fN1xE");
	for (i = 0; i < 40; i++)
		at += sprintf(mangled + at, "1aI");
	assert_true(demangle(mangled, buf, sizeof(buf)) < sizeof(buf));
}

static void rust_binary(void **state)
{
	struct bench b = bench_init(true, true);
	struct symbol_location loc;

	if (try_sh("rustc --version >/dev/null 2>&1")) {
		print_message("no rustc: its binaries are not tested\n");
		skip();
	}
	write_text("r.rs", "mod shop { #[inline(never)] pub fn pay(x: u64) -> u64 { "
		   "std::hint::black_box(x) * 3 } }\n"
		   "fn main() { std::process::exit(shop::pay(1) as i32); }\n");
	sh("rustc -g -O -C symbol-mangling-version=v0 r.rs -o r 2>/dev/null && "
	   "nm r | awk '$3 ~ /4shop3pay/ { print $3 }' > r.name");
	{
		char symbol[256] = "";
		FILE *f = fopen(fixture("r.name"), "r");

		assert_int_equal(fscanf(f, "%255s", symbol), 1);
		fclose(f);
		loc = resolve(&b, "r", address_of("r", symbol));
	}
	assert_function(loc, "r::shop::pay");
	assert_non_null(loc.frames[0].file);
	bench_deinit(&b);
}

static void vdso(void **state)
{
	struct bench b = bench_init(false, true);
	struct symbol_location loc;
	uint64_t offset;
	bool found = false;

	for (offset = 0; offset < 0x2000 && !found; offset += 16)
		found = symbolizer_resolve(b.symbolizer, objects_vdso(b.objects), offset, false,
					   &loc) &&
			strstr(loc.frames[0].function, "clock_gettime");
	assert_true(found);
	bench_deinit(&b);
}

static const char kallsyms[] =
	"ffffffff81000000 T _stext\n"
	"ffffffff81000000 T startup_64\n"
	"ffffffff81000100 t local_alias\n"
	"ffffffff81000100 T do_work\n"
	"ffffffff81000100 W weak_work\n"
	"ffffffff81000180 r some_data\n"
	"ffffffff81000200 t $x.12\n"
	"ffffffff81000300 T last\n"
	"ffffffff81000400 T _etext\n"
	"ffffffff82000000 D data\n"
	"not a line\n"
	"ffffffffc0100000 t mod_fn\t[xfs]\n"
	"ffffffffc0000000 t other_fn\t[ext4]\n"
	"ffffffff81000300 t last_alias\t[bpf]\n"
	"ffffffff81000380 t bpf_prog_1\t[bpf]\n";

static void check_kernel(const struct sym_kernel *k, struct sym_names *n, uint64_t addr,
			 const char *function, const char *module)
{
	const struct symbol_frame *f = sym_kernel_find(k, n, addr);

	if (!function) {
		assert_null(f);
		return;
	}
	assert_non_null(f);
	assert_string_equal(f->function, function);
	if (module)
		assert_string_equal(f->file, module);
	else
		assert_null(f->file);
}

static void kernel_symbols(void **state)
{
	struct sym_names *n = sym_names_create();
	struct sym_kernel *k;

	write_text("kallsyms", kallsyms);
	assert_int_equal(sym_kernel_create(fixture("kallsyms"), &k), 0);
	check_kernel(k, n, 0xffffffff80ffffff, NULL, NULL);
	check_kernel(k, n, 0xffffffff81000000, "startup_64", NULL);
	check_kernel(k, n, 0xffffffff81000100, "do_work", NULL);
	check_kernel(k, n, 0xffffffff81000210, "do_work", NULL);
	check_kernel(k, n, 0xffffffff8100037f, "last", NULL);
	check_kernel(k, n, 0xffffffff810003ff, "bpf_prog_1", "[bpf]");
	check_kernel(k, n, 0xffffffff81000400, NULL, NULL);
	check_kernel(k, n, 0xffffffffc0000010, "other_fn", "[ext4]");
	check_kernel(k, n, 0xffffffffc0080000, NULL, NULL);
	check_kernel(k, n, 0xffffffffc0100010, "mod_fn", "[xfs]");
	check_kernel(k, n, UINT64_MAX, NULL, NULL);
	assert_int_equal(sym_kernel_start(k), 0xffffffff81000000);
	sym_kernel_destroy(k);
	sym_names_destroy(n);
}

static void hidden_kernel_addresses(void **state)
{
	struct sym_kernel *k;
	int saved;

	write_text("zeros", "0000000000000000 T _stext\n0000000000000000 T do_work\n");
	saved = quiet_begin();
	assert_int_equal(sym_kernel_create(fixture("zeros"), &k), -EPERM);
	quiet_end(saved);
	assert_null(k);
	assert_int_equal(sym_kernel_create(fixture("absent"), &k), -ENOENT);
}

static void captured_answers_come_first(void **state)
{
	struct symbol_frame frame = { .function = "then", .system_name = "_then", .line = 7 };
	struct symbol_location loc = {
		.address = 0x42, .limit = 0x100, .frames = &frame, .nr_frames = 1,
	}, got;
	struct bench b = bench_init(false, false);
	struct object *obj = objects_kernel(b.objects);

	symbolizer_preload(b.symbolizer, obj, 0x42, false, &loc);
	memset(&frame, 0, sizeof(frame));
	assert_true(symbolizer_resolve(b.symbolizer, obj, 0x42, false, &got));
	assert_string_equal(got.frames[0].function, "then");
	assert_int_equal(got.frames[0].line, 7);
	assert_int_equal(got.limit, 0x100);
	assert_false(symbolizer_resolve(b.symbolizer, obj, 0x42, true, &got));
	assert_false(symbolizer_resolve(b.symbolizer, obj, 0x43, false, &got));
	bench_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_symbol_wins),
		cmocka_unit_test(return_addresses_belong_to_the_call),
		cmocka_unit_test(unresolved_keeps_its_place),
		cmocka_unit_test(dropped_tables_return),
		cmocka_unit_test(dynamic_symbols_and_stubs),
		cmocka_unit_test(debug_file_by_build_id),
		cmocka_unit_test(debug_file_by_link),
		cmocka_unit_test(mini_debug_info),
		cmocka_unit_test(names),
		cmocka_unit_test(names_that_explode),
		cmocka_unit_test(rust_binary),
		cmocka_unit_test(vdso),
		cmocka_unit_test(kernel_symbols),
		cmocka_unit_test(hidden_kernel_addresses),
		cmocka_unit_test(captured_answers_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
