// SPDX-License-Identifier: GPL-2.0-only
/* tickprof unwind-table: what the module would walk of a file, and what it takes. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "unwind_table/rule.h"
#include "unwind_table/unwind_table.h"
#include "cmd.h"

enum { OPT_JSON = OPTION_LONG, OPT_DUMP };

static const struct option_row options[] = {
	{ OPT_JSON, "json", NULL, "one JSON object" },
	{ OPT_DUMP, "dump", NULL, "each row: file offset, canonical frame address, where the\n"
				  "return address and the caller's frame pointer are" },
	{ 'o', "output", "FILE", "write the table of the one file as the module takes it" },
	OPTIONS_COMMON
};

static bool json, dump;
static const char *output;

static int table_parse(const struct command *cmd, int argc, char **argv)
{
	int id, status = COMMAND_RUN;

	while ((id = option_next(cmd, argc, argv, &status)) >= 0) {
		json |= id == OPT_JSON;
		dump |= id == OPT_DUMP;
		if (id == 'o')
			output = optarg;
	}
	if (id == OPTION_STOP)
		return status;
	if (!argv[optind])
		return usage_error(cmd, "which file? \"[vdso]\" names the kernel's");
	if (output && argv[optind + 1])
		return usage_error(cmd, "-o takes one file's table, not several");
	if (json && dump)
		return usage_error(cmd, "--dump writes text only, --json does not go with it");
	return COMMAND_RUN;
}

static int compile(const char *path, struct unwind_table *out)
{
	struct elf_file *f;
	int fd __close = -1, ret;

	if (!strcmp(path, "[vdso]"))
		return unwind_table_compile_vdso(out);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	ret = elf_file_open(fd, &f);
	if (ret)
		return ret;
	ret = unwind_table_compile_found(f, &(struct elf_origin){ .path = path }, NULL, out);
	elf_file_close(f);
	return ret;
}

/* With a word for what strerror() does not tell. */
static int refuse(const char *path, int error)
{
	if (error == -ENOEXEC)
		err("%s: not an ELF file", path);
	else if (error == -ENOTSUP)
		err("%s: not for x86_64 or arm64", path);
	else
		err_errno(-error, "%s", path);
	return error == -ENOEXEC || error == -ENOTSUP || error == -ENOENT ? EXIT_USAGE
								       : EXIT_ERROR;
}

static int write_table(const struct tickprof_table *table)
{
	int fd __close = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd >= 0 && write(fd, table, table->bytes) == (ssize_t)table->bytes)
		return EXIT_OK;
	err_errno(errno, "cannot write %s", output);
	return EXIT_ERROR;
}

struct figures {
	uint64_t described, walked;	/* bytes of text with CFI; with a rule to follow */
	struct unwind_table_counts counts;
};

static struct figures figures(const struct unwind_table *t)
{
	struct figures f = { 0 };
	unsigned int cfa;

	unwind_table_count(t->table, &f.counts);
	for (cfa = 0; cfa < __TICKPROF_CFA_MAX; cfa++) {
		if (cfa != TICKPROF_CFA_NONE)
			f.described += f.counts.bytes[cfa];
		if (cfa != TICKPROF_CFA_NONE && cfa != TICKPROF_CFA_UNKNOWN)
			f.walked += f.counts.bytes[cfa];
	}
	return f;
}

static const char *machine_name(const struct tickprof_table *t)
{
	return t->machine == EM_X86_64 ? "x86_64" : "arm64";
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * part / whole : 0;
}

static void print_text(const char *path, const struct unwind_table *t)
{
	const struct unwind_table_stats *s = &t->stats;
	struct figures f = figures(t);
	unsigned int cfa;

	printf("%s: %s, %" PRIu64 " bytes of text in %" PRIu64 " functions\n", path,
	       machine_name(t->table), s->text, s->fdes);
	printf("  %u rows, %u rules, %u bytes, %.2f %% of text, %.1f ms\n", t->table->rows,
	       t->table->rules, t->table->bytes, percent(t->table->bytes, s->text),
	       s->compile_us / 1000.0);
	printf("  call frame information for %.2f %% of text, of which %.2f %% can be walked\n",
	       percent(f.described, s->text), percent(f.walked, f.described));
	if (s->broken)
		printf("  %" PRIu64 " entries not understood\n", s->broken);
	for (cfa = 0; cfa < __TICKPROF_CFA_MAX && verbosity >= 0; cfa++)
		if (f.counts.rows[cfa])
			printf("  %-10s %9" PRIu64 " rows %12" PRIu64 " bytes\n",
			       rule_kind_name(cfa), f.counts.rows[cfa], f.counts.bytes[cfa]);
}

static void add_json(struct json_object *files, const char *path, const struct unwind_table *t)
{
	struct json_object *o = json_object_new_object(), *kinds = json_object_new_array(), *k;
	struct figures f = figures(t);
	unsigned int cfa;

	json_set_text(o, "file", path);
	json_set_text(o, "machine", machine_name(t->table));
	json_set_u64(o, "text", t->stats.text);
	json_set_u64(o, "functions", t->stats.fdes);
	json_set_u64(o, "broken", t->stats.broken);
	json_set_u64(o, "rows", t->table->rows);
	json_set_u64(o, "rules", t->table->rules);
	json_set_u64(o, "bytes", t->table->bytes);
	json_set_u64(o, "described", f.described);
	json_set_u64(o, "walked", f.walked);
	json_set_u64(o, "microseconds", t->stats.compile_us);
	for (cfa = 0; cfa < __TICKPROF_CFA_MAX; cfa++) {
		k = json_object_new_object();
		json_set_text(k, "cfa", rule_kind_name(cfa));
		json_set_u64(k, "rows", f.counts.rows[cfa]);
		json_set_u64(k, "bytes", f.counts.bytes[cfa]);
		json_object_array_add(kinds, k);
	}
	json_object_object_add(o, "kinds", kinds);
	json_object_array_add(files, o);
}

static void dump_row(void *ctx, uint64_t start, uint64_t end, const struct tickprof_rule *rule)
{
	struct rule_text text;

	rule_print(ctx, rule, &text);
	printf("%016" PRIx64 " %-18s %-6s %s\n", start, text.cfa, text.ra, text.fp);
}

static void print_dump(const struct unwind_table *t)
{
	printf("   offset        cfa                ra     fp\n");
	unwind_table_each(t->table, dump_row, (void *)cfi_machine(t->table->machine));
}

static int table_run(const struct command *cmd, int argc, char **argv)
{
	struct json_object *doc = json_document(), *files = json_object_new_array();
	struct unwind_table table;
	int status = EXIT_OK, i, ret;

	json_object_object_add(doc, "files", files);
	for (i = optind; i < argc; i++) {
		ret = compile(argv[i], &table);
		if (ret) {
			status = refuse(argv[i], ret);
			continue;
		}
		if (json)
			add_json(files, argv[i], &table);
		else
			print_text(argv[i], &table);
		if (dump)
			print_dump(&table);
		if (output)
			status = write_table(table.table);
		unwind_table_deinit(&table);
	}
	if (json)
		json_finish(doc);
	else
		json_object_put(doc);
	return status;
}

const struct command cmd_unwind_table = {
	.name = "unwind-table",
	.summary = "Show how the stacks of a program or library can be unwound",
	.usage = "[OPTIONS] FILE...",
	.options = options,
	.notes = "FILE is an ELF file of x86_64 or arm64, or \"[vdso]\". Nothing is recorded or kept.",
	.parse = table_parse,
	.run = table_run,
};
