// SPDX-License-Identifier: GPL-2.0-only
/*
 * emit <FILE: hands FILE to the host, byte by byte through the emulator's debug
 * port. Needs no driver, so the guest runs no other code for having it.
 */
#include <stdio.h>
#include <sys/io.h>
#include <unistd.h>

#define PORT 0xe9	/* qemu -debugcon */

int main(void)
{
	static char buffer[65536];
	ssize_t size;

	if (ioperm(PORT, 1, 1)) {
		perror("emit");
		return 1;
	}
	while ((size = read(0, buffer, sizeof(buffer))) > 0)
		outsb(PORT, buffer, size);
	return size < 0;
}
