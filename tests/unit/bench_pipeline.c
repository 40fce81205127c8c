// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench_pipeline [SAMPLES [STACKS [DIRECTORY]]]
 *
 * User CPU a sample from ring records to a finished pprof: capture write, decoding
 * and aggregation, pprof. Synthetic: 4 CPUs, 40 processes, stacks of 24 frames
 * that share their roots, each stack written to the ring once in 256 KB. Symbols
 * are those of fake_symbols.h, so names cost nothing here. With a DIRECTORY the
 * capture and the profile stay there.
 */
#include <inttypes.h>
#include <sys/resource.h>

#include "profile/profile.h"
#include "fake_symbols.h"
#include "records.h"

#define CPUS		4
#define PROCESSES	40
#define FRAMES		24
#define RING		(256 << 10)

static uint64_t seed = 42;

static uint64_t rnd(uint64_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 33) % below;
}

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_utime.tv_sec * 1e6 + u.ru_utime.tv_usec;
}

/* Stack n: the lower half of the frames follows from n / 16, the upper from n. */
static void fill_stack(uint64_t *ip, uint64_t n)
{
	uint64_t h = n, root = n / 16;
	int i;

	for (i = 0; i < FRAMES; i++) {
		uint64_t *x = i < FRAMES / 2 ? &h : &root;

		*x = *x * 6364136223846793005ull + 1442695040888963407ull;
		ip[i] = (i % 3 ? 0x400000 : 0x7f0000000000) + 0x1000 + (*x >> 33) % 240 * 256;
	}
}

struct cpu {
	struct stream s;
	uint64_t task_at[PROCESSES];
	uint64_t *stack_at;
};

static void put_one(struct cpu *c, uint64_t time, uint32_t pid, uint64_t n)
{
	uint64_t ip[FRAMES];
	uint64_t *task = &c->task_at[pid], *stack = &c->stack_at[n];

	if (*task == NOWHERE || here(&c->s) - *task > RING - 4096)
		*task = put_task(&c->s, 100 + pid, 100 + pid, 5, "process", "thread");
	if (*stack == NOWHERE || here(&c->s) - *stack > RING - 4096) {
		fill_stack(ip, n);
		*stack = put_stack(&c->s, 0, ip, FRAMES);
	}
	put_sample(&c->s, TICKPROF_SAMPLE_USER, time, 0x402000 + rnd(16) * 4, *task, NOWHERE,
		   *stack);
}

static void make_records(struct cpu *cpus, uint64_t samples, uint64_t stacks)
{
	uint64_t i;
	uint32_t pid;

	for (i = 0; i < CPUS; i++) {
		cpus[i].s.cpu = i;
		cpus[i].stack_at = xmalloc(stacks * sizeof(uint64_t));
		memset(cpus[i].stack_at, 0xff, stacks * sizeof(uint64_t));
		memset(cpus[i].task_at, 0xff, sizeof(cpus[i].task_at));
	}
	for (pid = 0; pid < PROCESSES; pid++) {
		put_mmap(&cpus[0].s, 10, 100 + pid, 5, 0x400000, 0x20000, 0, "/usr/bin/app");
		put_mmap(&cpus[0].s, 10, 100 + pid, 5, 0x7f0000000000, 0x20000, 0, "/lib/libx.so");
	}
	for (i = 0; i < samples; i++) {
		/* A process keeps to stacks of its own; some are hot. */
		uint64_t n = rnd(4) ? rnd(stacks / 8 + 1) : rnd(stacks);

		put_one(&cpus[rnd(CPUS)], 1000 + i * 1000, n % PROCESSES, n);
	}
}

static int open_out(const char *directory, const char *name)
{
	char *path __free = xasprintf("%s/%s", directory, name);

	return open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
}

int main(int argc, char **argv)
{
	uint64_t samples = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
	uint64_t stacks = argc > 2 ? strtoull(argv[2], NULL, 10) : samples / 10;
	int fd = argc > 3 ? open_out(argv[3], "bench.data") : memory_file();
	int out = argc > 3 ? open_out(argv[3], "bench.pb.gz") : memory_file();
	const struct symbolizer_options so = { .live = true };
	const struct profile_options po = { 0 };
	struct test_capture t = { .fd = fd };
	struct cpu cpus[CPUS] = { 0 };
	struct objects *objects = objects_create();
	struct symbolizer *s = symbolizer_create(objects, &so);
	struct profile *p;
	struct capture *c;
	struct rusage u;
	double start, written, built, done;
	uint64_t bytes = 0, at;
	int i;

	make_records(cpus, samples, stacks ? stacks : 1);
	start = cpu_us();
	capture_writer_create(fd, &t.w);
	capture_write_meta(t.w, CAPTURE_META_RATE, "999");
	for (i = 0; i < CPUS; i++)
		for (at = 0; at < cpus[i].s.size;) {
			/* As a reader drains: runs of whole records up to half a ring. */
			uint64_t n = 0;

			while (at + n < cpus[i].s.size && n < RING / 2)
				n += ((struct tickprof_record *)(cpus[i].s.data + at + n))->size;
			capture_write_ring(t.w, i, at, cpus[i].s.data + at, n);
			at += n;
			bytes += n;
		}
	capture_writer_finish(t.w);
	written = cpu_us();
	if (capture_open_fd(fd, "bench", &c) || profile_create(c, objects, s, &po, &p))
		return 1;
	built = cpu_us();
	if (profile_write_pprof(p, out))
		return 1;
	done = cpu_us();
	getrusage(RUSAGE_SELF, &u);
	printf("%" PRIu64 " samples, %" PRIu64 " stacks of %d frames, %.1f bytes a sample in the rings\n"
	       "user CPU a sample: capture write %.3f us, profile %.3f us, pprof %.3f us, all %.3f us\n"
	       "%zu samples after adding up, profile file %.1f bytes a sample\n",
	       samples, stacks, FRAMES, (double)bytes / samples, (written - start) / samples,
	       (built - written) / samples, (done - built) / samples, (done - start) / samples,
	       p->nr_samples, (double)lseek(out, 0, SEEK_END) / samples);
	profile_destroy(p);
	capture_close(c);
	symbolizer_destroy(s);
	objects_destroy(objects);
	for (i = 0; i < CPUS; i++) {
		free(cpus[i].s.data);
		free(cpus[i].stack_at);
	}
	capture_writer_destroy(t.w);
	return 0;
}
