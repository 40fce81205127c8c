// SPDX-License-Identifier: GPL-2.0-only
/* Debug files from debuginfod servers: see debuginfod.h. May wait for the network. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "debuginfod.h"

struct debuginfod_client;

static struct {
	struct debuginfod_client *(*begin)(void);
	int (*find)(struct debuginfod_client *c, const unsigned char *build_id, int len,
		    char **path);
	void *library;
	struct debuginfod_client *client;
	bool tried;
} server;

static void connect_once(void)
{
	if (server.tried)
		return;
	server.tried = true;
	server.library = dlopen("libdebuginfod.so.1", RTLD_LAZY);
	if (!server.library) {
		warn("DEBUGINFOD_URLS is set, but libdebuginfod.so.1 is not installed");
		return;
	}
	server.begin = dlsym(server.library, "debuginfod_begin");
	server.find = dlsym(server.library, "debuginfod_find_debuginfo");
	if (server.begin && server.find)
		server.client = server.begin();
}

int debuginfod_find(const uint8_t *build_id, size_t size, char **path)
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	*path = NULL;
	if (!urls || !urls[0])
		return -ENOENT;
	connect_once();
	return server.client ? server.find(server.client, build_id, size, path) : -ENOENT;
}
