// SPDX-License-Identifier: GPL-2.0-only
/*
 * A small payment system of three processes that talk HTTP over loopback. Each keeps
 * one span a request current with <tickprof/context.h>, passes it on in a traceparent
 * header, and writes it as a line of OTLP JSON when it is over.
 *
 *	payment validator PORT THREADS			a third party: waits 5 ms for its own bank
 *	payment payment PORT VALIDATOR-PORT THREADS	about 1 ms of work, and asks the validator
 *	payment gateway PORT REQUESTS THREADS		asks the payment service, REQUESTS times in all
 *
 * Spans go to SERVICE.jsonl in the current folder. The payment service also writes
 * measured.txt, a line a request: "TRACE-ID NS", how long validate_card() did not run
 * by the program's own clocks. Gateway and servers end when the gateway has had its
 * answers. With SLOW_BANK=MS in the environment the validator's bank takes so long, below a
 * second, for every 25th card. The chain of a request:
 *
 *	main → client → pay → post ⇢ serve → handle_request → charge → validate_card → post ⇢ serve → handle_request → check_card
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <tickprof/context.h>
#include <tickprof/process.h>

#define FRAME __attribute__((noinline, noclone))
#define THREADS_MAX 64
#define BUFFER_SIZE (4 << 20)

struct work {
	struct tickprof_span span;
	uint8_t parent[8];
	uint64_t start;			/* CLOCK_REALTIME ns */
	const char *name;
};

static const char *service;
static int validator_port, requests, slow_bank;
static FILE *spans, *measured;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int begun;

static uint64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void hex(const uint8_t *bytes, size_t n, char *out)
{
	for (; n; n--, bytes++, out += 2)
		sprintf(out, "%02x", *bytes);
}

static void unhex(const char *text, uint8_t *bytes, size_t n)
{
	unsigned int byte;

	for (; n && sscanf(text, "%2x", &byte) == 1; n--, text += 2)
		*bytes++ = byte;
}

/* traceparent: NULL for a trace of its own. */
static void begin(struct work *w, const char *name, const char *traceparent)
{
	uint8_t trace_id[16], span_id[8];

	if (getrandom(trace_id, 16, 0) != 16 || getrandom(span_id, 8, 0) != 8)
		abort();
	memset(w->parent, 0, sizeof(w->parent));
	if (traceparent) {
		unhex(traceparent + 3, trace_id, 16);
		unhex(traceparent + 36, w->parent, 8);
	}
	w->name = name;
	w->start = now(CLOCK_REALTIME);
	tickprof_span_begin(&w->span, trace_id, span_id, 1);
}

static void end(struct work *w)
{
	char trace[33], span[17], parent[17] = "";
	uint64_t over;

	tickprof_span_end(&w->span);
	over = now(CLOCK_REALTIME);
	hex(w->span.context.trace_id, 16, trace);
	hex(w->span.context.span_id, 8, span);
	if (memcmp(w->parent, "\0\0\0\0\0\0\0", 8))
		hex(w->parent, 8, parent);
	pthread_mutex_lock(&lock);
	fprintf(spans, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\","
		"\"value\":{\"stringValue\":\"%s\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":\"%s\","
		"\"spanId\":\"%s\",\"parentSpanId\":\"%s\",\"name\":\"%s\",\"kind\":1,"
		"\"startTimeUnixNano\":\"%llu\",\"endTimeUnixNano\":\"%llu\"}]}]}]}\n", service, trace,
		span, parent, w->name, (unsigned long long)w->start, (unsigned long long)over);
	pthread_mutex_unlock(&lock);
}

static int dial(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, try;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	for (try = 0; try < 1000; try++) {
		if (!connect(fd, (void *)&to, sizeof(to)))
			return fd;
		usleep(20000);	/* until it listens */
	}
	perror("payment: connect");
	exit(1);
}

/* A whole head of a message; both sides send nothing else. 0: the other one has closed. */
FRAME static int read_head(int fd, char *head, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n < size - 1) {
		got = recv(fd, head + n, size - 1 - n, 0);
		if (got <= 0)
			return 0;
		n += got;
		head[n] = '\0';
		if (strstr(head, "\r\n\r\n"))
			return 1;
	}
	return 0;
}

FRAME static void post(int fd, const char *path, const struct work *w)
{
	char head[512], trace[33], span[17];
	int size;

	hex(w->span.context.trace_id, 16, trace);
	hex(w->span.context.span_id, 8, span);
	size = snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: localhost\r\n"
			"traceparent: 00-%s-%s-01\r\nContent-Length: 0\r\n\r\n", path, trace, span);
	if (send(fd, head, size, MSG_NOSIGNAL) != size || !read_head(fd, head, sizeof(head))) {
		fprintf(stderr, "%s: no answer to %s\n", service, path);
		exit(1);
	}
}

/* Returns the ns that the thread did not run. */
FRAME static uint64_t validate_card(int fd, struct work *w)
{
	uint64_t start = now(CLOCK_MONOTONIC), ran = now(CLOCK_THREAD_CPUTIME_ID);

	post(fd, "/validate", w);
	ran = now(CLOCK_THREAD_CPUTIME_ID) - ran;
	return now(CLOCK_MONOTONIC) - start - ran;
}

/* Thread CPU time: what a crowded machine takes away is not work. */
FRAME static void calculate(uint64_t ns)
{
	uint64_t until = now(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (now(CLOCK_THREAD_CPUTIME_ID) < until)
		;
}

FRAME static void charge(int fd, struct work *w)
{
	uint64_t waited;
	char trace[33];

	calculate(500000);
	waited = validate_card(fd, w);
	calculate(300000);
	hex(w->span.context.trace_id, 16, trace);
	pthread_mutex_lock(&lock);
	fprintf(measured, "%s %llu\n", trace, (unsigned long long)waited);
	pthread_mutex_unlock(&lock);
}

FRAME static void check_card(void)
{
	static int cards;
	bool slow = slow_bank && __atomic_add_fetch(&cards, 1, __ATOMIC_RELAXED) % 25 == 0;
	struct timespec bank = { .tv_nsec = slow ? slow_bank * 1000000l : 5000000 };

	nanosleep(&bank, NULL);
}

FRAME static void handle_request(int upstream, const char *head)
{
	const char *parent = strstr(head, "traceparent: ");
	struct work w;

	begin(&w, upstream < 0 ? "check" : "charge", parent ? parent + 13 : NULL);
	if (upstream < 0)
		check_card();
	else
		charge(upstream, &w);
	end(&w);
}

static void *serve(void *arg)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	int fd = (intptr_t)arg, upstream = validator_port ? dial(validator_port) : -1;
	char head[512];

	while (read_head(fd, head, sizeof(head))) {
		handle_request(upstream, head);
		if (send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0)
			break;
	}
	close(fd);
	if (upstream >= 0)
		close(upstream);
	return NULL;
}

/* A thread a connection, until the first ones have come and the last one is gone. */
static int listen_on(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, client;
	pthread_t thread[THREADS_MAX];
	int nr = 0, i;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (void *)&at, sizeof(at)) || listen(fd, THREADS_MAX)) {
		perror("payment: listen");
		return 1;
	}
	while (nr < requests && (client = accept(fd, NULL, NULL)) >= 0) {
		setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		pthread_create(&thread[nr++], NULL, serve, (void *)(intptr_t)client);
	}
	for (i = 0; i < nr; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

FRAME static void pay(int fd)
{
	struct work w;

	begin(&w, "POST /pay", NULL);
	calculate(200000);
	post(fd, "/charge", &w);
	end(&w);
}

static void *client(void *port)
{
	int fd = dial((intptr_t)port);

	sleep(3);	/* services have run for long when a request comes */
	while (__atomic_fetch_add(&begun, 1, __ATOMIC_RELAXED) < requests)
		pay(fd);
	close(fd);
	return NULL;
}

static FILE *create(const char *name, const char *suffix)
{
	char *buffer = calloc(1, BUFFER_SIZE);
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", name, suffix);
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		exit(1);
	}
	setvbuf(f, buffer, _IOFBF, BUFFER_SIZE);	/* requests wait for no disk */
	return f;
}

/* Servers take as many connections as the gateway has threads, their last argument. */
int main(int argc, char **argv)
{
	pthread_t thread[THREADS_MAX];
	int threads = argc > 3 ? atoi(argv[argc - 1]) : 0, i;

	service = argc > 3 ? argv[1] : "";
	if (threads < 1 || threads > THREADS_MAX || tickprof_process_publish(service, NULL, 0)) {
		fputs("usage: see the head of payment.c\n", stderr);
		return 2;
	}
	slow_bank = getenv("SLOW_BANK") ? atoi(getenv("SLOW_BANK")) % 1000 : 0;
	spans = create(service, ".jsonl");
	requests = !strcmp(service, "gateway") ? atoi(argv[3]) : threads;
	if (!strcmp(service, "payment")) {
		validator_port = atoi(argv[3]);
		measured = create("measured", ".txt");
	}
	if (strcmp(service, "gateway"))
		return listen_on(atoi(argv[2]));
	for (i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, client, (void *)(intptr_t)atoi(argv[2]));
	for (i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	return 0;
}
