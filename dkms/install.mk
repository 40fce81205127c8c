# SPDX-License-Identifier: GPL-2.0-only
# make install, make uninstall: dkms/setup says what goes where.
PREFIX ?= /usr/local

install uninstall:
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' KVER='$(KVER)' dkms/setup $@
