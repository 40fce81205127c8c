// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole way on a real stack, this process's own: tables compiled from the files
 * that are mapped, checked and prepared as the module does, and walked by its
 * steps. The C library's own unwinder has to agree, frame by frame, to the root.
 */
#if defined(__x86_64__)
#define CONFIG_X86_64
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <ucontext.h>

#define tickprof_read_user(x, address, label) do {	\
	if (!read_own(address, &(x)))			\
		goto label;				\
} while (0)

static inline _Bool read_own(unsigned long address, unsigned long *to)
{
	struct iovec there = { (void *)address, sizeof(*to) }, here = { to, sizeof(*to) };

	return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == sizeof(*to);
}

#include "../../kmod/unwind_step.h"
#include "tables.h"
#include "unwind_table/unwind_table.h"
#include "base/util.h"
#include "test.h"

#define DEPTH	128

static struct mapped {
	unsigned long start, end, offset;
	struct unwind_table compiled;
	struct tickprof_table_view view;
} mapped[32];
static size_t nr_mapped;

static void *walked[DEPTH], *known[DEPTH];
static int nr_walked, nr_known;
static unsigned int how[4];
static enum tickprof_step last;

static int add_file(struct dl_phdr_info *info, size_t size, void *ctx)
{
	const char *path = *info->dlpi_name ? info->dlpi_name : "/proc/self/exe";
	struct mapped *m = &mapped[nr_mapped];
	struct elf_file *f;
	int i, fd = open(path, O_RDONLY);

	if (fd < 0 || elf_file_open(fd, &f))
		return 0;	/* the vDSO */
	for (i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
			m->start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
			m->end = m->start + info->dlpi_phdr[i].p_memsz;
			m->offset = info->dlpi_phdr[i].p_offset;
		}
	assert_int_equal(unwind_table_compile(f, NULL, &m->compiled), 0);
	assert_int_equal(tickprof_table_check(m->compiled.table, m->compiled.table->bytes, EM_X86_64), 0);
	tickprof_table_open(m->compiled.table, &m->view);
	elf_file_close(f);
	close(fd);
	nr_mapped++;
	return 0;
}

static int compile_all(void **state)
{
	dl_iterate_phdr(add_file, NULL);
	return 0;
}

static int release_all(void **state)
{
	while (nr_mapped)
		unwind_table_deinit(&mapped[--nr_mapped].compiled);
	return 0;
}

static struct tickprof_rule find(unsigned long pc)
{
	size_t i;

	for (i = 0; i < nr_mapped; i++)
		if (pc >= mapped[i].start && pc < mapped[i].end)
			return tickprof_table_find(&mapped[i].view, pc - mapped[i].start + mapped[i].offset);
	return TICKPROF_RULE_NONE;
}

static void walk(const struct pt_regs *regs)
{
	const unsigned long mask = tickprof_arch_user_mask();
	struct tickprof_walk w;

	memset(how, 0, sizeof(how));
	tickprof_walk_start(&w, regs, mask);
	for (nr_walked = 0; nr_walked < DEPTH; nr_walked++) {
		struct tickprof_rule rule = find(tickprof_walk_at(&w));

		last = tickprof_step_any(&w, &rule, mask);
		if (last != TICKPROF_STEP_ON)
			return;
		walked[nr_walked] = (void *)w.pc;
		how[w.how]++;
	}
}

/* Both unwinders, from here. */
static void __attribute__((noinline)) unwind(void)
{
	ucontext_t uc;
	const greg_t *g = uc.uc_mcontext.gregs;

	getcontext(&uc);
	walk(&(struct pt_regs){
		.ip = g[REG_RIP], .sp = g[REG_RSP], .bp = g[REG_RBP], .bx = g[REG_RBX],
		.r12 = g[REG_R12], .r13 = g[REG_R13], .r14 = g[REG_R14], .r15 = g[REG_R15],
	});
	nr_known = backtrace(known, DEPTH);
}

static void assert_agree(void)
{
	/*
	 * The walk begins with the caller of unwind(), the C library with unwind()
	 * itself, and a sanitizer in between adds a frame of its own.
	 */
	int more = nr_known - nr_walked, i;

	assert_in_range(nr_known, 4, DEPTH - 1);
	assert_in_range(more, 1, 2);
	assert_int_equal(last, TICKPROF_STEP_ROOT);
	assert_int_equal(how[TICKPROF_HOW_FP], 0);
	for (i = 0; i < nr_walked; i++)
		assert_ptr_equal(walked[i], known[i + more]);
}

static void here(void **state)
{
	unwind();
	assert_agree();
	assert_int_equal(how[TICKPROF_HOW_SIGNAL], 0);
}

static int depth;

/* Through the C library, several times over. */
static int recurse(const void *a, const void *b)
{
	int two[2] = { 2, 1 };

	if (depth && --depth)
		qsort(two, 2, sizeof(two[0]), recurse);
	else if (!nr_known)
		unwind();
	return two[0] - two[1];
}

static void through_qsort(void **state)
{
	depth = 20;
	nr_known = 0;
	recurse(NULL, NULL);
	assert_agree();
	assert_in_range(nr_walked, 40, DEPTH);
}

static void handler(int signo, siginfo_t *info, void *context)
{
	unwind();
}

static void through_signals(void **state)
{
	static char stack[1 << 16];
	const stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	assert_agree();
	assert_int_equal(how[TICKPROF_HOW_SIGNAL], 1);
	/* In .bss, far below the stack, and on top of it. */
	action.sa_flags |= SA_ONSTACK;
	sigaction(SIGUSR1, &action, NULL);
	assert_int_equal(sigaltstack(&other, NULL), 0);
	raise(SIGUSR1);
	assert_agree();
	assert_int_equal(how[TICKPROF_HOW_SIGNAL], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(here),
		cmocka_unit_test(through_qsort),
		cmocka_unit_test(through_signals),
	};

	return cmocka_run_group_tests_name("walk_self", tests, compile_all, release_all);
}
#else
#include <stdio.h>

int main(void)
{
	puts("1..0 # SKIP registers of x86_64");
	return 0;
}
#endif
