/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Tell profilers of whole spans: name, parent, begin and end, and exactly how much CPU
 * time the thread used between them.
 *
 * A marked span is one of context.h, and read as such, that is also written down when
 * it ends: in a ring in the process's own memory, a mapping called TICKPROF_SPANS, which
 * `tickprof record` finds in /proc/PID/maps. No SDK, no exporter, nothing is sent.
 *
 *	#include <tickprof/marks.h>
 *
 *	void pay(const struct request *r)
 *	{
 *		struct tickprof_mark mark;
 *
 *		tickprof_mark_begin(&mark, r->trace_id, r->span_id, r->parent_id, 1, "pay");
 *		validate(r);			// may mark spans of its own
 *		tickprof_mark_end(&mark);
 *	}
 *
 *	int main(void)
 *	{
 *		tickprof_process_publish("payment", NULL, 0);
 *		tickprof_marks_open();		// so that the ring is found before it is used
 *		...
 *
 * In C++ the end is the end of the block:
 *	tickprof::marked_span span(trace_id, span_id, parent_id, "pay");
 *
 * To begin and to end one is 580 instructions in the program, 300 of them its C library's
 * clocks (x86_64, GCC 12 -O2, glibc 2.36), and two questions to the kernel, which alone knows a
 * thread's CPU time: 1.1 us on a virtual machine whose system calls take half of one each, and
 * less than 0.1 us without them. Nothing is locked, nothing waits. There is no other system
 * call but at a thread's first span (its number) and a process's first (the ring: 516 KiB,
 * taken as it fills).
 *
 * The ring holds the last 4096 spans. `tickprof record` reads it every 50 ms, when the process
 * has ended too, and says how many were overwritten before that.
 *
 * The CPU time is the thread's: whatever it does between begin and end counts, nested spans
 * and signal handlers, too. So
 *  - a span that ends on another thread than it began on has none, and says so;
 *  - where a thread switches between spans (tickprof_switch(), tickprof_span_detach()), set
 *    mark.tid = 0 while the span lasts, and it has none either.
 * A child of fork() has no ring until it marks a span; spans that began before the fork are
 * their parent's to end, and not written down in the child.
 *
 * C11 or C++11 and up, 64 bits, Linux 4.14 and up, GCC or Clang; what context.h says on
 * building in goes for this, too. Each program or library that includes this has a ring
 * of its own. All functions may be called in signal handlers that end what they begin.
 */
#ifndef TICKPROF_MARKS_H
#define TICKPROF_MARKS_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "context.h"

#ifdef __cplusplus
extern "C" {
#else
int clock_gettime(int clock, struct timespec *now);	/* strict C hides it */
#endif

enum {
	TICKPROF_MARKS_ENTRIES_ = 4096,		/* a power of two */
	TICKPROF_MARKS_NAME_ = 56,
	TICKPROF_MARKS_WORDS_ = 16,
	TICKPROF_MARKS_CPU_ = 1,		/* flags: cpu is told */
	TICKPROF_MARKS_CUT_ = 2,		/* the name was longer */
	TICKPROF_MADV_WIPEONFORK_ = 18,
	TICKPROF_CLOCK_MONOTONIC_ = 1,
	TICKPROF_CLOCK_THREAD_ = 3
};

/*
 * What a span is written down as, host byte order, no padding.
 *
 * Number n of the ring, from 0, is in the slot n % nr_entries. state is 2n + 1 while it is
 * written and 2n + 2 once it is: with a mark that stalled so long that the ring came round,
 * the later one gives way, so nobody writes where somebody else does. A reader believes a copy
 * if state was 2n + 2 before it was made and the ring's head was n + nr_entries or less after.
 */
struct tickprof_entry_ {
	uint64_t state;
	uint8_t trace_id[16];
	uint8_t span_id[8];
	uint8_t parent_id[8];		/* zeros: none */
	uint64_t begin, end;		/* ns of CLOCK_MONOTONIC */
	uint64_t cpu;			/* ns of CLOCK_THREAD_CPUTIME_ID between them */
	uint32_t tid;			/* that it ended on, in the process's own pid namespace */
	uint8_t flags;
	uint8_t kind, status;		/* numbers as in OTLP */
	uint8_t name_length;
	char name[TICKPROF_MARKS_NAME_];	/* UTF-8, not terminated */
};

/* At the start of the mapping. */
struct tickprof_ring_ {
	uint64_t signature;		/* "TPSPANS1", written last of all */
	uint32_t entries_at;		/* bytes from here */
	uint32_t entry_size, nr_entries;
	uint32_t reserved;
	uint64_t opened;		/* ns of CLOCK_MONOTONIC */
	uint64_t unused[4];
	uint64_t head;			/* numbers that were given out */
	uint64_t unused_too[7];
	uint64_t entries[TICKPROF_MARKS_ENTRIES_][TICKPROF_MARKS_WORDS_];
};

/* A page that the kernel makes zeros in a child of fork. */
struct tickprof_marks_page_ {
	struct tickprof_ring_ *ring;
	int error;			/* why there is none, and will be none */
};

/* One for all files of a program or library that include this. */
__attribute__((weak, visibility("hidden")))
struct tickprof_marks_page_ *tickprof_marks_page_ = NULL;

/* Each thread's number, as long as the ring is the one that it was asked for. */
struct tickprof_marks_thread_ {
	uint64_t opened;
	uint32_t tid;
};

extern __thread struct tickprof_marks_thread_ tickprof_marks_thread_;
__attribute__((weak, visibility("hidden")))
__thread struct tickprof_marks_thread_ tickprof_marks_thread_ = { 0, 0 };

struct tickprof_mark {
	struct tickprof_span span;	/* for tickprof_span_set(), tickprof_switch() */
	/* Until the end these may be set anew. */
	const char *name;
	uint8_t kind;			/* 1 internal, 2 server, 3 client, 4 producer, 5 consumer */
	uint8_t status;			/* 1 ok, 2 error */
	uint32_t tid;			/* 0: its CPU time is not to be told */
	/* Private. */
	uint8_t parent_id[8];
	uint64_t begin, cpu;
	uint64_t opened;		/* the ring that it was begun with; 0: none */
};

static inline uint64_t tickprof_clock_(int clock)
{
	struct timespec now = { 0, 0 };

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* This process's; NULL: none. */
static inline struct tickprof_ring_ *tickprof_marks_ring_(void)
{
	struct tickprof_marks_page_ *page = __atomic_load_n(&tickprof_marks_page_,
							    __ATOMIC_ACQUIRE);

	return page ? __atomic_load_n(&page->ring, __ATOMIC_ACQUIRE) : NULL;
}

/* A file in memory where there may be one: readers can hold on to it when the process ends. */
static inline struct tickprof_ring_ *tickprof_marks_map_(void)
{
	size_t size = sizeof(struct tickprof_ring_);
	int fd = (int)syscall(SYS_memfd_create, "TICKPROF_SPANS", 1u /* MFD_CLOEXEC */);
	void *map;

	if (fd >= 0 && syscall(SYS_ftruncate, fd, (long)size)) {
		close(fd);
		fd = -1;
	}
	map = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   fd < 0 ? MAP_SHARED | TICKPROF_MAP_ANONYMOUS_ : MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED)
		return NULL;
	if (syscall(SYS_madvise, map, size, TICKPROF_MADV_DONTFORK_)) {
		munmap(map, size);
		return NULL;
	}
	syscall(SYS_prctl, TICKPROF_PR_SET_VMA_, 0L, map, size, "TICKPROF_SPANS");
	return (struct tickprof_ring_ *)map;
}

static inline struct tickprof_ring_ *tickprof_marks_new_(void)
{
	struct tickprof_ring_ *ring = tickprof_marks_map_();
	uint64_t signature;

	if (!ring)
		return NULL;
	ring->entries_at = offsetof(struct tickprof_ring_, entries);
	ring->entry_size = sizeof(ring->entries[0]);
	ring->nr_entries = TICKPROF_MARKS_ENTRIES_;
	ring->opened = tickprof_clock_(TICKPROF_CLOCK_MONOTONIC_);
	memcpy(&signature, "TPSPANS1", sizeof(signature));
	__atomic_store_n(&ring->signature, signature, __ATOMIC_RELEASE);
	return ring;
}

/* Of several threads that make it at once the first one's counts. NULL: the kernel refuses. */
static inline struct tickprof_marks_page_ *tickprof_marks_page_new_(void)
{
	struct tickprof_marks_page_ *was = NULL;
	void *map = mmap(NULL, sizeof(*was), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | TICKPROF_MAP_ANONYMOUS_, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	if (!syscall(SYS_madvise, map, sizeof(*was), TICKPROF_MADV_WIPEONFORK_) &&
	    __atomic_compare_exchange_n(&tickprof_marks_page_, &was,
					(struct tickprof_marks_page_ *)map, 0, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return (struct tickprof_marks_page_ *)map;
	munmap(map, sizeof(*was));
	return was;
}

/*
 * Make the ring, if this process has none. Best at the start of the program: readers look for
 * new ones at once and then ever more seldom. 0, or -errno: the kernel refuses the memory,
 * and spans are published as context.h does, but not written down.
 */
static inline int tickprof_marks_open(void)
{
	struct tickprof_marks_page_ *page = __atomic_load_n(&tickprof_marks_page_,
							    __ATOMIC_ACQUIRE);
	struct tickprof_ring_ *ring, *was = NULL;
	int error;

	if (!page)
		page = tickprof_marks_page_new_();
	if (!page)
		return -errno;
	if (__atomic_load_n(&page->ring, __ATOMIC_ACQUIRE))
		return 0;
	error = __atomic_load_n(&page->error, __ATOMIC_RELAXED);
	if (error)
		return -error;
	ring = tickprof_marks_new_();
	if (!ring) {
		error = errno;
		__atomic_store_n(&page->error, error, __ATOMIC_RELAXED);
		return -error;
	}
	if (!__atomic_compare_exchange_n(&page->ring, &was, ring, 0, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		munmap(ring, sizeof(*ring));
	return 0;
}

static inline uint32_t tickprof_marks_tid_(const struct tickprof_ring_ *ring)
{
	struct tickprof_marks_thread_ *thread = &tickprof_marks_thread_;

	if (thread->opened != ring->opened) {
		thread->tid = (uint32_t)syscall(SYS_gettid);
		thread->opened = ring->opened;
	}
	return thread->tid;
}

/*
 * The span begins, and the thread works on it. parent_id: NULL for none. name, of which 56
 * bytes are kept, has to stay until the end.
 */
static inline void tickprof_mark_begin(struct tickprof_mark *mark, const uint8_t trace_id[16],
				       const uint8_t span_id[8], const uint8_t *parent_id,
				       uint8_t trace_flags, const char *name)
{
	struct tickprof_ring_ *ring = tickprof_marks_ring_();

	if (!ring) {
		int saved = errno;

		tickprof_marks_open();
		ring = tickprof_marks_ring_();
		errno = saved;
	}
	mark->name = name;
	mark->kind = mark->status = 0;
	if (parent_id)
		memcpy(mark->parent_id, parent_id, sizeof(mark->parent_id));
	else
		memset(mark->parent_id, 0, sizeof(mark->parent_id));
	mark->opened = ring ? ring->opened : 0;
	tickprof_span_init(&mark->span, trace_id, span_id, trace_flags);
	if (!ring) {
		tickprof_span_attach(&mark->span);
		return;
	}
	mark->tid = tickprof_marks_tid_(ring);
	mark->begin = tickprof_clock_(TICKPROF_CLOCK_MONOTONIC_);
	tickprof_span_attach(&mark->span);
	mark->cpu = tickprof_clock_(TICKPROF_CLOCK_THREAD_);
}

static inline void tickprof_marks_write_(struct tickprof_ring_ *ring,
					 const struct tickprof_entry_ *entry)
{
	uint64_t number = __atomic_fetch_add(&ring->head, 1, __ATOMIC_ACQ_REL);
	uint64_t *to = ring->entries[number % TICKPROF_MARKS_ENTRIES_], was;
	uint64_t words[TICKPROF_MARKS_WORDS_];
	int i;

	was = __atomic_load_n(to, __ATOMIC_RELAXED);
	if ((was & 1) || was > 2 * number ||
	    !__atomic_compare_exchange_n(to, &was, 2 * number + 1, 0, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return;
	/* Who meets any of what follows sees that, and the head. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(words, entry, sizeof(words));
	for (i = 1; i < TICKPROF_MARKS_WORDS_; i++)
		__atomic_store_n(to + i, words[i], __ATOMIC_RELAXED);
	__atomic_store_n(to, 2 * number + 2, __ATOMIC_RELEASE);
}

static inline void tickprof_marks_name_(struct tickprof_entry_ *entry, const char *name)
{
	size_t length = name ? strlen(name) : 0;

	if (length > sizeof(entry->name)) {
		entry->flags |= TICKPROF_MARKS_CUT_;
		/* Not within a character. */
		length = sizeof(entry->name);
		while (length && (name[length] & 0xc0) == 0x80)
			length--;
	}
	entry->name_length = (uint8_t)length;
	if (length)
		memcpy(entry->name, name, length);
	memset(entry->name + length, 0, sizeof(entry->name) - length);
}

/* The span ends, and the thread works again on what it did before. */
static inline void tickprof_mark_end(struct tickprof_mark *mark)
{
	struct tickprof_ring_ *ring = tickprof_marks_ring_();
	struct tickprof_entry_ entry;

	if (!ring || ring->opened != mark->opened) {
		tickprof_span_detach(&mark->span);
		return;
	}
	entry.cpu = tickprof_clock_(TICKPROF_CLOCK_THREAD_) - mark->cpu;
	tickprof_span_detach(&mark->span);
	entry.end = tickprof_clock_(TICKPROF_CLOCK_MONOTONIC_);
	entry.state = 0;
	memcpy(entry.trace_id, mark->span.context.trace_id, sizeof(entry.trace_id));
	memcpy(entry.span_id, mark->span.context.span_id, sizeof(entry.span_id));
	memcpy(entry.parent_id, mark->parent_id, sizeof(entry.parent_id));
	entry.begin = mark->begin;
	entry.tid = tickprof_marks_tid_(ring);
	entry.flags = mark->tid == entry.tid ? TICKPROF_MARKS_CPU_ : 0;
	entry.kind = mark->kind;
	entry.status = mark->status;
	if (!entry.flags)
		entry.cpu = 0;
	tickprof_marks_name_(&entry, mark->name);
	tickprof_marks_write_(ring, &entry);
}

#ifdef __cplusplus
}

namespace tickprof {

/* A marked span of the block that it is declared in. */
class marked_span {
public:
	/* See tickprof_mark_begin(). */
	marked_span(const uint8_t (&trace_id)[16], const uint8_t (&span_id)[8],
		    const uint8_t *parent_id, const char *name, uint8_t trace_flags = 0)
	{
		tickprof_mark_begin(&mark_, trace_id, span_id, parent_id, trace_flags, name);
	}
	~marked_span() { tickprof_mark_end(&mark_); }
	marked_span(const marked_span &) = delete;
	marked_span &operator=(const marked_span &) = delete;

	/* See tickprof_span_set(). */
	int set(uint8_t key, const char *value)
	{
		return tickprof_span_set(&mark_.span, key, value);
	}
	/* Numbers as struct tickprof_mark has them; the name has to stay until the end. */
	void name(const char *name) { mark_.name = name; }
	void kind(uint8_t kind) { mark_.kind = kind; }
	void status(uint8_t status) { mark_.status = status; }

private:
	tickprof_mark mark_;
};

}
#endif

TICKPROF_ASSERT_(sizeof(struct tickprof_entry_) == 8 * TICKPROF_MARKS_WORDS_);
TICKPROF_ASSERT_(offsetof(struct tickprof_entry_, begin) == 40);
TICKPROF_ASSERT_(offsetof(struct tickprof_entry_, tid) == 64);
TICKPROF_ASSERT_(offsetof(struct tickprof_entry_, name) == 72);
TICKPROF_ASSERT_(offsetof(struct tickprof_ring_, head) == 64);
TICKPROF_ASSERT_(offsetof(struct tickprof_ring_, entries) == 128);

#endif
