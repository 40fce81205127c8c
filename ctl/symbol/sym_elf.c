// SPDX-License-Identifier: GPL-2.0-only
/*
 * Function symbols of one ELF file: see sym_elf.h. Loading sorts once; while it
 * runs it needs another 24 bytes a symbol.
 */
#include <stdlib.h>
#include <string.h>

#include "base/ranges.h"
#include "base/util.h"
#include "sym_elf.h"
#include "sym_plt.h"

/* A range's value: which string table, and the offset in it. */
enum { TABLE_MAIN, TABLE_DYNAMIC, TABLE_MINI, TABLE_PLT, TABLES };
#define TABLE_SHIFT	30
#define NAME_MASK	((1u << TABLE_SHIFT) - 1)

struct sym_elf_table {
	struct ranges ranges;
	const char *strings[TABLES];
	size_t strings_size[TABLES];
	struct elf_file *mini;
};

struct section {
	uint64_t end;
	bool exec;
};

struct loader {
	struct elf_file *main;	/* whose segments say what is executable */
	struct sym_elf_table *table;
	struct range_in *in;		/* prio: rank until ordered */
	size_t nr, cap;
	struct section *sections;
	size_t nr_sections;
};

static bool is_mapping_symbol(const char *name)
{
	return name[0] == '$' && name[1] && strchr("adtx", name[1]) &&
	       (!name[2] || name[2] == '.');
}

/* Of the symbols at one address the highest is shown. */
static uint32_t rank_of(const GElf_Sym *sym, const char *name)
{
	unsigned int type = GELF_ST_TYPE(sym->st_info), bind = GELF_ST_BIND(sym->st_info);
	size_t underscores = strspn(name, "_");
	uint32_t rank = 15 - (underscores < 15 ? underscores : 15);

	if (bind != STB_LOCAL)
		rank |= bind == STB_WEAK ? 1 << 4 : 2 << 4;
	if (type != STT_NOTYPE)
		rank |= 1 << 6;
	if (sym->st_size)
		rank |= 1 << 7;
	return rank;
}

static void add(struct loader *l, const GElf_Sym *sym, const char *name, int table)
{
	unsigned int type = GELF_ST_TYPE(sym->st_info);
	const struct section *section = NULL;
	uint64_t end = sym->st_value + sym->st_size;

	if (sym->st_shndx == SHN_UNDEF || !name[0] || sym->st_name > NAME_MASK ||
	    (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE))
		return;
	if (sym->st_shndx < l->nr_sections)
		section = &l->sections[sym->st_shndx];
	if (type == STT_NOTYPE && (!section || !section->exec ||
	    is_mapping_symbol(name) || !strncmp(name, ".L", 2)))
		return;
	if (!elf_file_executable(l->main, sym->st_value) || end < sym->st_value)
		return;
	/* Without a size: up to the next symbol (see order()) or the section's end. */
	if (!sym->st_size)
		end = section && section->end > sym->st_value ? section->end
							      : sym->st_value + 1;
	GROW(l->in, l->cap, l->nr + 1);
	l->in[l->nr++] = (struct range_in){
		.start = sym->st_value,
		.end = end,
		.prio = rank_of(sym, name),
		.value = (uint32_t)table << TABLE_SHIFT | sym->st_name,
	};
}

static void read_sections(struct loader *l, const struct elf_file *f)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	size_t i;

	free(l->sections);
	l->sections = NULL;
	if (elf_getshdrnum(f->elf, &l->nr_sections))
		l->nr_sections = 0;
	l->sections = xcalloc(l->nr_sections, sizeof(*l->sections));
	while ((scn = elf_nextscn(f->elf, scn))) {
		i = elf_ndxscn(scn);
		if (i >= l->nr_sections || !gelf_getshdr(scn, &shdr))
			continue;
		l->sections[i].exec = shdr.sh_flags & SHF_EXECINSTR;
		l->sections[i].end = shdr.sh_addr + shdr.sh_size;
	}
}

static Elf_Scn *section_of_type(const struct elf_file *f, uint32_t type, GElf_Shdr *shdr)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(f->elf, scn)))
		if (gelf_getshdr(scn, shdr) && shdr->sh_type == type)
			return scn;
	return NULL;
}

/* The symbol table of this type; its strings become table's. */
static Elf_Data *symbols(struct sym_elf_table *t, struct elf_file *f, uint32_t type,
			 int table)
{
	Elf_Data *data, *strings;
	Elf_Scn *scn, *link;
	GElf_Shdr shdr;

	scn = section_of_type(f, type, &shdr);
	link = scn ? elf_getscn(f->elf, shdr.sh_link) : NULL;
	if (!link)
		return NULL;
	data = elf_file_data(f, scn);
	strings = elf_file_data(f, link);
	if (!data || !strings || !data->d_buf || !strings->d_buf)
		return NULL;
	t->strings[table] = strings->d_buf;
	t->strings_size[table] = strings->d_size;
	return data;
}

static const char *string_at(const struct sym_elf_table *t, int table, uint32_t offset,
			     size_t *len)
{
	const char *s;

	if (offset >= t->strings_size[table])
		return NULL;
	s = t->strings[table] + offset;
	*len = strnlen(s, t->strings_size[table] - offset);
	return offset + *len < t->strings_size[table] ? s : NULL;
}

static bool collect(struct loader *l, struct elf_file *f, uint32_t type, int table)
{
	Elf_Data *data = symbols(l->table, f, type, table);
	size_t i, before = l->nr, len;
	const char *name;
	GElf_Sym sym;

	if (!data)
		return false;
	read_sections(l, f);
	for (i = 1; elf_file_symbol(f, data, i, &sym); i++) {
		name = string_at(l->table, table, sym.st_name, &len);
		if (name)
			add(l, &sym, name, table);
	}
	return l->nr > before;
}

struct plt_ctx {
	struct loader *l;
	Elf_Data *dynsym;
};

static void add_stub(void *p, uint64_t start, uint64_t size, uint32_t symbol)
{
	struct plt_ctx *ctx = p;
	GElf_Sym sym;
	size_t len;

	if (!elf_file_symbol(ctx->l->main, ctx->dynsym, symbol, &sym) || sym.st_name > NAME_MASK ||
	    !string_at(ctx->l->table, TABLE_PLT, sym.st_name, &len) || !len)
		return;
	GROW(ctx->l->in, ctx->l->cap, ctx->l->nr + 1);
	ctx->l->in[ctx->l->nr++] = (struct range_in){
		.start = start,
		.end = start + size,
		.prio = 1 << 7,
		.value = (uint32_t)TABLE_PLT << TABLE_SHIFT | sym.st_name,
	};
}

static void collect_plt(struct loader *l)
{
	struct plt_ctx ctx = { .l = l };

	ctx.dynsym = symbols(l->table, l->main, SHT_DYNSYM, TABLE_PLT);
	if (ctx.dynsym)
		sym_plt_each(l->main, add_stub, &ctx);
}

static int by_start_and_rank(const void *a, const void *b)
{
	const struct range_in *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->prio != y->prio)
		return x->prio > y->prio ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

/*
 * Keep the best symbol of each address. Where functions overlap, the one that
 * starts last wins; a label without a size never wins over a function around it.
 */
static void order(struct loader *l)
{
	size_t i, nr = 0;
	bool sized;

	if (!l->nr)
		return;
	qsort(l->in, l->nr, sizeof(*l->in), by_start_and_rank);
	for (i = 0; i < l->nr; i++)
		if (!nr || l->in[nr - 1].start != l->in[i].start)
			l->in[nr++] = l->in[i];
	for (i = 0; i < nr; i++) {
		sized = l->in[i].prio & (1 << 7);
		if (!sized && i + 1 < nr && l->in[i + 1].start < l->in[i].end)
			l->in[i].end = l->in[i + 1].start;
		l->in[i].prio = (uint32_t)i | (sized ? 1u << 31 : 0);
	}
	l->nr = nr;
}

static void load(struct sym_elf *e, const struct elf_origin *origin)
{
	struct loader l = { .main = e->file };
	struct elf_file *debug;

	e->table = l.table = xcalloc(1, sizeof(*l.table));
	if (!collect(&l, e->file, SHT_SYMTAB, TABLE_MAIN)) {
		debug = elf_debug_file(&e->debug, e->file, origin);
		if (!debug || !collect(&l, debug, SHT_SYMTAB, TABLE_MAIN)) {
			collect(&l, e->file, SHT_DYNSYM, TABLE_DYNAMIC);
			l.table->mini = elf_debug_mini(e->file);
			if (l.table->mini)
				collect(&l, l.table->mini, SHT_SYMTAB, TABLE_MINI);
		}
	}
	collect_plt(&l);
	order(&l);
	ranges_init(&l.table->ranges, l.in, l.nr);
	free(l.in);
	free(l.sections);
	elf_file_trim(e->file);
	if (e->debug.file)
		elf_file_trim(e->debug.file);
}

struct sym_elf *sym_elf_create(struct elf_file *file)
{
	struct sym_elf *e = xcalloc(1, sizeof(*e));

	e->file = file;
	return e;
}

void sym_elf_drop(struct sym_elf *e)
{
	if (!e->table)
		return;
	ranges_deinit(&e->table->ranges);
	elf_file_close(e->table->mini);
	elf_file_forget_data(e->file);
	if (e->debug.file)
		elf_file_forget_data(e->debug.file);
	free(e->table);
	e->table = NULL;
}

void sym_elf_destroy(struct sym_elf *e)
{
	if (!e)
		return;
	sym_elf_drop(e);
	elf_debug_deinit(&e->debug);
	elf_file_close(e->file);
	free(e);
}

size_t sym_elf_memory(const struct sym_elf *e)
{
	size_t size = 0;

	if (e->table) {
		size = sizeof(*e->table) + e->table->ranges.nr * sizeof(struct range);
		if (e->table->mini)
			size += e->table->mini->image_size;
	}
	return size;
}

const struct symbol_frame *sym_elf_find(struct sym_elf *e, const struct elf_origin *origin,
					struct sym_names *n, uint64_t vaddr)
{
	const struct range *r;
	char stub[512];
	const char *name;
	size_t len, base;
	int table;

	if (!e->table)
		load(e, origin);
	r = ranges_find(&e->table->ranges, vaddr);
	if (!r)
		return NULL;
	table = r->value >> TABLE_SHIFT;
	name = string_at(e->table, table, r->value & NAME_MASK, &len);
	if (!name || !len)
		return NULL;
	/* The symbol's version, as in read@@GLIBC_2.2.5, is no part of its name. */
	for (base = 1; base < len && name[base] != '@'; base++)
		;
	if (table != TABLE_PLT)
		return sym_names_function(n, name, base);
	len = snprintf(stub, sizeof(stub), "%.*s@plt", (int)(base > 500 ? 500 : base), name);
	return sym_names_function(n, stub, len);
}
