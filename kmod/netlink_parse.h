/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_NETLINK_PARSE_H
#define TICKPROF_KMOD_NETLINK_PARSE_H

#include <linux/tickprof.h>
#include <net/netlink.h>

struct genl_info;
struct tickprof_config;
struct tickprof_context_image;
struct tickprof_context_location;
struct tickprof_target;

extern const struct nla_policy tickprof_netlink_policy[TICKPROF_A_MAX + 1];

int tickprof_netlink_parse_config(struct genl_info *info, struct tickprof_config *c);
int tickprof_netlink_parse_target(struct genl_info *info, struct tickprof_target *target);
int tickprof_netlink_parse_context(struct genl_info *info, struct tickprof_context_image *image,
				   struct tickprof_context_location *location);

#endif
