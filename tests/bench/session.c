// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tickprof session without the tool, so that the module is measured alone.
 *
 *	session [-e] [-n] [-w] [-p PID] [-r RATE] [-s RING-BYTES] [-o FILE] [-t TABLE] [-c OFFSET] COMMAND…
 *
 * Runs COMMAND while the whole host is sampled; then prints one line of
 * key=value, the module's counters for the run. -e: a timer that only re-arms;
 * -n: no call stacks; -w: waits, and no samples; -p: of this process alone; -t: by this unwind table; -c: with the trace context that COMMAND has this far from its
 * thread pointer; -o: write what is drained, as the tool would, or leave out: drain and discard.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/tickprof.h>

struct message {
	struct nlmsghdr nl;
	struct genlmsghdr genl;
	uint8_t attrs[8192];
};

static int nl, device, family;
static struct message m;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "session: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void begin(uint16_t type, uint8_t cmd, uint16_t flags)
{
	memset(&m, 0, sizeof(m));
	m.nl.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	m.nl.nlmsg_type = type;
	m.nl.nlmsg_flags = NLM_F_REQUEST | flags;
	m.genl.cmd = cmd;
	m.genl.version = 1;
}

static void put(uint16_t type, const void *data, uint16_t size)
{
	struct nlattr *a = (void *)((uint8_t *)&m + m.nl.nlmsg_len);

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + size;
	memcpy(a + 1, data, size);
	m.nl.nlmsg_len += NLA_ALIGN(a->nla_len);
}

static void put_u32(uint16_t type, uint32_t value)
{
	put(type, &value, sizeof(value));
}

static void put_u64(uint16_t type, uint64_t value)
{
	put(type, &value, sizeof(value));
}

/* Sends what was begun; the answer, or the acknowledgement, is in m. */
static void ask(const char *what)
{
	const struct nlmsgerr *error = (void *)&m.genl;
	ssize_t size;

	if (send(nl, &m, m.nl.nlmsg_len, 0) < 0)
		die(what);
	size = recv(nl, &m, sizeof(m), 0);
	if (size < (ssize_t)sizeof(struct nlmsghdr))
		die(what);
	if (m.nl.nlmsg_type == NLMSG_ERROR && error->error) {
		errno = -error->error;
		die(what);
	}
}

/* The payload of an attribute in "size" bytes of them, or NULL. */
static const void *find(const void *attrs, size_t size, uint16_t type, size_t *payload)
{
	const uint8_t *at = attrs, *end = at + size;

	while (at + NLA_HDRLEN <= end) {
		const struct nlattr *a = (const void *)at;

		if (a->nla_len < NLA_HDRLEN)
			break;
		if ((a->nla_type & NLA_TYPE_MASK) == type) {
			*payload = a->nla_len - NLA_HDRLEN;
			return a + 1;
		}
		at += NLA_ALIGN(a->nla_len);
	}
	return NULL;
}

static const void *answer(uint16_t type, size_t *payload)
{
	return find(m.attrs, m.nl.nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN), type, payload);
}

static void find_family(void)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const uint16_t *id;
	size_t size;

	nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (nl < 0 || connect(nl, (void *)&kernel, sizeof(kernel)))
		die("netlink");
	begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	put(CTRL_ATTR_FAMILY_NAME, TICKPROF_GENL_NAME, sizeof(TICKPROF_GENL_NAME));
	ask("family tickprof");
	id = answer(CTRL_ATTR_FAMILY_ID, &size);
	if (!id)
		die("family tickprof");
	family = *id;
}

static void command(uint8_t cmd, const char *what)
{
	begin(family, cmd, NLM_F_ACK);
	put_u32(TICKPROF_A_FD, device);
	ask(what);
}

static void get_counters(uint64_t counters[TICKPROF_COUNTER_MAX + 1])
{
	const void *nest, *value;
	size_t size, bytes;
	int i;

	begin(family, TICKPROF_CMD_SESSION_GET, 0);
	put_u32(TICKPROF_A_FD, device);
	ask("SESSION_GET");
	nest = answer(TICKPROF_A_COUNTERS, &size);
	if (!nest)
		die("SESSION_GET: no counters");
	for (i = 1; i <= TICKPROF_COUNTER_MAX; i++) {
		value = find(nest, size, i, &bytes);
		if (value)
			memcpy(&counters[i], value, sizeof(*counters));
	}
}

struct ring {
	struct tickprof_ring_reader *reader;
	const struct tickprof_ring_writer *writer;
	const uint8_t *data;
};

static void upload(const char *path)
{
	static uint8_t table[4 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, table, sizeof(table));

	if (size < 0 || write(device, table, size) != size)
		die(path);
	close(fd);
}

static void map_ring(struct ring *ring, uint32_t size)
{
	long page = sysconf(_SC_PAGESIZE);

	ring->reader = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, device,
			    TICKPROF_MMAP_CPU(0));
	ring->writer = mmap(NULL, page + size, PROT_READ, MAP_SHARED | MAP_POPULATE, device,
			    TICKPROF_MMAP_CPU(0) + page);
	if (ring->reader == MAP_FAILED || ring->writer == MAP_FAILED)
		die("mmap");
	ring->data = (const uint8_t *)ring->writer + page;
}

static int64_t context_offset;
static pid_t context_of;	/* whose place is still to be told; 0: nobody's */

/* Once the program's first sample tells which image it is. */
static void tell_context(const struct ring *ring, uint64_t tail, uint64_t head)
{
	for (; tail < head && context_of;) {
		const struct tickprof_record *r =
			(const void *)(ring->data + (tail & (ring->writer->size - 1)));
		const struct tickprof_task *task = (const void *)r;

		tail += r->size;
		if (r->type != TICKPROF_RECORD_TASK || (pid_t)task->pid != context_of ||
		    strncmp(task->comm, "work", 4))
			continue;
		begin(family, TICKPROF_CMD_CONTEXT_SET, NLM_F_ACK);
		put_u32(TICKPROF_A_FD, device);
		put_u32(TICKPROF_A_CONTEXT_PID, task->pid);
		put_u64(TICKPROF_A_CONTEXT_START_TIME, task->start_time);
		put_u64(TICKPROF_A_CONTEXT_EXEC_ID, task->exec_id);
		put_u32(TICKPROF_A_CONTEXT_KIND, TICKPROF_CONTEXT_STATIC);
		put_u64(TICKPROF_A_CONTEXT_OFFSET, context_offset);
		ask("CONTEXT_SET");
		context_of = 0;
	}
}

static void drain(struct ring *ring, int out)
{
	uint64_t head = __atomic_load_n(&ring->writer->head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->reader->tail, size = ring->writer->size, at, length;

	tell_context(ring, tail, head);
	while (out >= 0 && tail < head) {
		at = tail & (size - 1);
		length = head - tail < size - at ? head - tail : size - at;
		if (write(out, ring->data + at, length) != (ssize_t)length)
			die("write");
		tail += length;
	}
	__atomic_store_n(&ring->reader->tail, head, __ATOMIC_RELEASE);
}

static pid_t start(char **argv)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child == 0) {
		execvp(argv[0], argv);
		die(argv[0]);
	}
	return child;
}

int main(int argc, char **argv)
{
	uint64_t before[TICKPROF_COUNTER_MAX + 1] = { 0 }, c[TICKPROF_COUNTER_MAX + 1] = { 0 };
	uint32_t flags = TICKPROF_F_DEFAULT, rate = 999, size = TICKPROF_RING_DEFAULT;
	int option, status = 0, out = -1;
	const char *table = NULL;
	uint64_t target = 0;
	struct pollfd wait_for[2];
	struct ring ring;
	pid_t child;

	while ((option = getopt(argc, argv, "+enwp:r:s:o:t:c:")) != -1) {
		switch (option) {
		case 'e': flags |= TICKPROF_F_EMPTY; break;
		case 'n': flags &= ~(TICKPROF_F_KSTACK | TICKPROF_F_USTACK); break;
		case 'w': flags |= TICKPROF_F_WAITS | TICKPROF_F_NO_TICKS; break;
		case 'p': target = strtoull(optarg, NULL, 0); break;
		case 't': table = optarg, flags |= TICKPROF_F_TABLES; break;
		case 'c': context_offset = strtoll(optarg, NULL, 0), flags |= TICKPROF_F_CONTEXT; break;
		case 'r': rate = strtoul(optarg, NULL, 0); break;
		case 's': size = strtoul(optarg, NULL, 0); break;
		case 'o': out = open(optarg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600); break;
		default: return 2;
		}
	}
	if (optind == argc)
		return 2;
	device = open(TICKPROF_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0)
		die(TICKPROF_DEVICE);
	find_family();
	begin(family, TICKPROF_CMD_SESSION_CONFIGURE, NLM_F_ACK);
	put_u32(TICKPROF_A_FD, device);
	put_u32(TICKPROF_A_RATE, rate);
	put_u32(TICKPROF_A_FLAGS, flags);
	put_u32(TICKPROF_A_RING_SIZE, size);
	ask("SESSION_CONFIGURE");
	if (table)
		upload(table);
	if (target) {
		begin(family, TICKPROF_CMD_TARGET_ADD, NLM_F_ACK);
		put_u32(TICKPROF_A_FD, device);
		put_u32(TICKPROF_A_TARGET_KIND, TICKPROF_TARGET_PID);
		put_u64(TICKPROF_A_TARGET_ID, target);
		ask("TARGET_ADD");
	}
	map_ring(&ring, size);
	command(TICKPROF_CMD_START, "START");
	get_counters(before);
	child = start(argv + optind);
	if (flags & TICKPROF_F_CONTEXT)
		context_of = child;
	wait_for[0] = (struct pollfd){ .fd = device, .events = POLLIN };
	wait_for[1] = (struct pollfd){ .fd = syscall(SYS_pidfd_open, child, 0), .events = POLLIN };
	while (waitpid(child, &status, WNOHANG) == 0) {
		poll(wait_for, 2, context_of ? 5 : -1);
		drain(&ring, out);
	}
	command(TICKPROF_CMD_STOP, "STOP");
	drain(&ring, out);
	get_counters(c);
#define DELTA(name) (c[TICKPROF_COUNTER_##name] - before[TICKPROF_COUNTER_##name])
	printf("ticks=%lu samples=%lu lost=%lu bytes=%lu stacks=%lu hits=%lu throttled=%lu cycles=%lu "
	       "user_depth=%lu user_fault=%lu user_broken=%lu user_fallback=%lu misses=%lu contexts=%lu "
	       "waits=%lu lost_waits=%lu wait_cycles=%lu\n",
	       DELTA(TICKS), DELTA(SAMPLES), DELTA(LOST_SAMPLES), DELTA(BYTES), DELTA(STACKS),
	       DELTA(STACK_HITS), DELTA(THROTTLED), DELTA(CYCLES), DELTA(USER_DEPTH),
	       DELTA(USER_FAULT), DELTA(USER_BROKEN), DELTA(USER_FALLBACK), DELTA(RULE_MISSES),
	       DELTA(CONTEXT_READ), DELTA(WAITS), DELTA(LOST_WAITS), DELTA(WAIT_CYCLES));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
