// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a request asks for, attribute by attribute: from netlink's to the module's
 * own. Nothing is looked up here; what cannot be is refused with a text.
 *
 * Context: process.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <net/genetlink.h>
#include <net/netlink.h>

#include "netlink_parse.h"
#include "session.h"

const struct nla_policy tickprof_netlink_policy[TICKPROF_A_MAX + 1] = {
	[TICKPROF_A_FD]			= { .type = NLA_U32 },
	[TICKPROF_A_RATE]		= { .type = NLA_U32 },
	[TICKPROF_A_FLAGS]		= { .type = NLA_U32 },
	[TICKPROF_A_RING_SIZE]		= { .type = NLA_U32 },
	[TICKPROF_A_WATERMARK]		= { .type = NLA_U32 },
	[TICKPROF_A_DEPTH]		= { .type = NLA_U32 },
	[TICKPROF_A_THROTTLE]		= { .type = NLA_U32 },
	[TICKPROF_A_WAIT_MIN]		= { .type = NLA_U32 },
	[TICKPROF_A_WAIT_TASKS]		= { .type = NLA_U32 },
	[TICKPROF_A_CONTEXTS]		= { .type = NLA_U32 },
	[TICKPROF_A_TARGET_KIND]	= { .type = NLA_U32 },
	[TICKPROF_A_TARGET_ID]		= { .type = NLA_U64 },
	[TICKPROF_A_TARGET_COMM]	= { .type = NLA_NUL_STRING,
					    .len = TICKPROF_COMM_LEN - 1 },
	[TICKPROF_A_CONTEXT_PID]	= { .type = NLA_U32 },
	[TICKPROF_A_CONTEXT_START_TIME]	= { .type = NLA_U64 },
	[TICKPROF_A_CONTEXT_EXEC_ID]	= { .type = NLA_U64 },
	[TICKPROF_A_CONTEXT_KIND]	= { .type = NLA_U32 },
	[TICKPROF_A_CONTEXT_OFFSET]	= { .type = NLA_S64 },
	[TICKPROF_A_CONTEXT_MODULE]	= { .type = NLA_U32 },
	[TICKPROF_A_CONTEXT_VECTOR_AT]	= { .type = NLA_S32 },
	[TICKPROF_A_CONTEXT_COUNT_AT]	= { .type = NLA_S32 },
	[TICKPROF_A_CONTEXT_STRIDE]	= { .type = NLA_U32 },
	[TICKPROF_A_CONTEXT_KEYS]	= NLA_POLICY_EXACT_LEN(TICKPROF_CONTEXT_KEYS),
};

static u32 get_u32(struct genl_info *info, enum tickprof_attr attr, u32 absent)
{
	return info->attrs[attr] ? nla_get_u32(info->attrs[attr]) : absent;
}

#define REFUSE(attr, text) do {							\
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr], text);		\
	return -EINVAL;								\
} while (0)

/* 0 or -EINVAL, and a text, as all of these. */
int tickprof_netlink_parse_config(struct genl_info *info, struct tickprof_config *c)
{
	c->rate = get_u32(info, TICKPROF_A_RATE, TICKPROF_RATE_DEFAULT);
	c->flags = get_u32(info, TICKPROF_A_FLAGS, TICKPROF_F_DEFAULT);
	c->ring_size = get_u32(info, TICKPROF_A_RING_SIZE, TICKPROF_RING_DEFAULT);
	c->watermark = get_u32(info, TICKPROF_A_WATERMARK, c->ring_size / 2);
	c->depth = get_u32(info, TICKPROF_A_DEPTH, TICKPROF_DEPTH_DEFAULT);
	c->throttle = get_u32(info, TICKPROF_A_THROTTLE, TICKPROF_THROTTLE_DEFAULT);
	c->wait_min = get_u32(info, TICKPROF_A_WAIT_MIN, TICKPROF_WAIT_MIN_DEFAULT);
	c->wait_tasks = get_u32(info, TICKPROF_A_WAIT_TASKS, TICKPROF_WAIT_TASKS_DEFAULT);
	c->contexts = get_u32(info, TICKPROF_A_CONTEXTS, TICKPROF_CONTEXTS_DEFAULT);

	if (c->rate < TICKPROF_RATE_MIN || c->rate > TICKPROF_RATE_MAX)
		REFUSE(TICKPROF_A_RATE, "rate must be 1 to 20000 Hz");
	if (c->flags & ~TICKPROF_F__ALL)
		REFUSE(TICKPROF_A_FLAGS, "unknown flag: the tool is newer than the module");
	if (c->flags & TICKPROF_F_TABLES && !(tickprof_features & TICKPROF_FEATURE_TABLES))
		REFUSE(TICKPROF_A_FLAGS,
		       "no unwinding by tables without the mmap hook (see feature mmap)");
	if (c->flags & TICKPROF_F_WAITS && !(tickprof_features & TICKPROF_FEATURE_WAITS))
		REFUSE(TICKPROF_A_FLAGS, "no waits without the scheduler's tracepoints");
	if (c->flags & TICKPROF_F_NO_TICKS && !(c->flags & TICKPROF_F_WAITS))
		REFUSE(TICKPROF_A_FLAGS, "neither ticks nor waits: nothing is left");
	if ((c->flags & TICKPROF_F_EXCLUDE_USER) && (c->flags & TICKPROF_F_EXCLUDE_KERNEL))
		REFUSE(TICKPROF_A_FLAGS, "user and kernel both excluded: nothing is left");
	if (c->ring_size < max_t(u32, TICKPROF_RING_MIN, PAGE_SIZE) ||
	    c->ring_size > TICKPROF_RING_MAX || !is_power_of_2(c->ring_size))
		REFUSE(TICKPROF_A_RING_SIZE,
		       "ring size must be a power of two from one page to 64 MiB");
	/* The last record may find no room long before the ring is full to the byte. */
	if (!c->watermark || c->watermark > c->ring_size / 2)
		REFUSE(TICKPROF_A_WATERMARK, "watermark must be 1 to half the ring's size");
	if (!c->depth || c->depth > TICKPROF_DEPTH_MAX)
		REFUSE(TICKPROF_A_DEPTH, "depth must be 1 to 512 frames");
	if (c->throttle > TICKPROF_THROTTLE_MAX)
		REFUSE(TICKPROF_A_THROTTLE, "throttle must be 0 (off) to 900 permille");
	if (c->wait_min > TICKPROF_WAIT_MIN_MAX)
		REFUSE(TICKPROF_A_WAIT_MIN, "shortest wait must be at most a second");
	if (!c->wait_tasks || c->wait_tasks > TICKPROF_WAIT_TASKS_MAX)
		REFUSE(TICKPROF_A_WAIT_TASKS, "threads with waits must be 1 to 65536");
	if (!c->contexts || c->contexts > TICKPROF_CONTEXTS_MAX)
		REFUSE(TICKPROF_A_CONTEXTS, "processes with contexts must be 1 to 65536");
	return 0;
}

int tickprof_netlink_parse_target(struct genl_info *info, struct tickprof_target *target)
{
	struct nlattr *id = info->attrs[TICKPROF_A_TARGET_ID];
	struct nlattr *comm = info->attrs[TICKPROF_A_TARGET_COMM];

	target->kind = get_u32(info, TICKPROF_A_TARGET_KIND, TICKPROF_TARGET_UNSPEC);
	if (target->kind == TICKPROF_TARGET_UNSPEC || target->kind > TICKPROF_TARGET_MAX)
		REFUSE(TICKPROF_A_TARGET_KIND, "A_TARGET_KIND is missing or unknown");
	if (target->kind == TICKPROF_TARGET_COMM) {
		if (!comm || id || !nla_len(comm) || !*(char *)nla_data(comm))
			REFUSE(TICKPROF_A_TARGET_COMM, "a COMM target takes A_TARGET_COMM alone");
		strscpy_pad(target->comm, nla_data(comm), sizeof(target->comm));
	} else {
		if (!id || comm)
			REFUSE(TICKPROF_A_TARGET_ID, "this kind of target takes A_TARGET_ID alone");
		target->id = nla_get_u64(id);
	}
	return 0;
}

/* What a thread's vector may look like: bounds far beyond any C library's. */
#define VECTOR_REACH	4096		/* bytes to its address, and to its count */
#define MODULE_MAX	(1U << 20)
#define STORAGE_MAX	(1LL << 30)	/* bytes of thread-local storage */

static int parse_vector(struct genl_info *info, struct tickprof_context_location *l)
{
	struct nlattr *vector_at = info->attrs[TICKPROF_A_CONTEXT_VECTOR_AT];
	struct nlattr *count_at = info->attrs[TICKPROF_A_CONTEXT_COUNT_AT];

	l->module = get_u32(info, TICKPROF_A_CONTEXT_MODULE, 0);
	l->stride = get_u32(info, TICKPROF_A_CONTEXT_STRIDE, 0);
	if (!vector_at || !count_at)
		REFUSE(TICKPROF_A_CONTEXT_KIND,
		       "kind dtv takes A_CONTEXT_VECTOR_AT and A_CONTEXT_COUNT_AT");
	l->vector_at = nla_get_s32(vector_at);
	l->count_at = nla_get_s32(count_at);
	if (!l->module || l->module > MODULE_MAX)
		REFUSE(TICKPROF_A_CONTEXT_MODULE, "module must be 1 to 1048576");
	if (l->stride < 8 || l->stride > 64 || l->stride % 8)
		REFUSE(TICKPROF_A_CONTEXT_STRIDE, "stride must be 8 to 64 bytes, a multiple of 8");
	if (abs((s64)l->vector_at) > VECTOR_REACH)
		REFUSE(TICKPROF_A_CONTEXT_VECTOR_AT, "the vector must be within 4096 bytes");
	if (abs((s64)l->count_at) > VECTOR_REACH)
		REFUSE(TICKPROF_A_CONTEXT_COUNT_AT, "the count must be within 4096 bytes");
	return 0;
}

static int parse_location(struct genl_info *info, struct tickprof_context_location *l)
{
	struct nlattr *offset = info->attrs[TICKPROF_A_CONTEXT_OFFSET];
	struct nlattr *keys = info->attrs[TICKPROF_A_CONTEXT_KEYS];

	l->kind = get_u32(info, TICKPROF_A_CONTEXT_KIND, __TICKPROF_CONTEXT_MAX);
	if (l->kind > TICKPROF_CONTEXT_MAX)
		REFUSE(TICKPROF_A_CONTEXT_KIND, "A_CONTEXT_KIND is missing or unknown");
	if (keys) {
		memcpy(l->keys, nla_data(keys), sizeof(l->keys));
		l->any_key = memchr_inv(l->keys, 0, sizeof(l->keys));
	}
	if (l->kind == TICKPROF_CONTEXT_ABSENT)
		return 0;
	if (!offset)
		REFUSE(TICKPROF_A_CONTEXT_KIND, "this kind takes A_CONTEXT_OFFSET");
	l->offset = nla_get_s64(offset);
	if (l->offset > STORAGE_MAX || l->offset < -STORAGE_MAX || l->offset % 8)
		REFUSE(TICKPROF_A_CONTEXT_OFFSET, "offset must be a multiple of 8 within 1 GiB");
	return l->kind == TICKPROF_CONTEXT_DTV ? parse_vector(info, l) : 0;
}

int tickprof_netlink_parse_context(struct genl_info *info, struct tickprof_context_image *image,
				   struct tickprof_context_location *location)
{
	struct nlattr *start = info->attrs[TICKPROF_A_CONTEXT_START_TIME];
	struct nlattr *exec = info->attrs[TICKPROF_A_CONTEXT_EXEC_ID];

	image->pid = get_u32(info, TICKPROF_A_CONTEXT_PID, 0);
	if (!image->pid)
		REFUSE(TICKPROF_A_CONTEXT_PID, "A_CONTEXT_PID is missing: name a process");
	if (!start || !exec)
		REFUSE(TICKPROF_A_CONTEXT_PID,
		       "A_CONTEXT_START_TIME and A_CONTEXT_EXEC_ID tell which program: both are needed");
	image->start_time = nla_get_u64(start);
	image->exec_id = nla_get_u64(exec);
	memset(location, 0, sizeof(*location));		/* padding, too: they are compared */
	return parse_location(info, location);
}
