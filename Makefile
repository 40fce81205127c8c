# SPDX-License-Identifier: GPL-2.0-only
# tickprof: module, tool, tests. "make help" lists what there is.
VERSION := $(shell cat VERSION)
KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
export V ?= 0

all: tool module

help:
	@echo 'make demo          record a workload in a throw-away guest, leave build/demo/'
	@echo 'make test          all tests; closing line "N passed, N failed"'
	@echo 'make matrix        builds, loads, records and unloads on every kernel of tests/kernels/list'
	@echo 'make storms        many of everything at once, on 6.1 and 7: kills, unloading, CPUs, memory'
	@echo 'make coverage      lines of tool and module that the tests run; builds a debug kernel first'
	@echo 'make test-debug    the guest tests on kernels with KASAN, lockdep and more, then KCSAN; builds these first'
	@echo 'make bench         instructions a sample, beside perf and bpftrace; unwind tables; 100 MB of spans'
	@echo 'make programs      share of complete user stacks in real programs, beside perf'
	@echo 'make tool          the command tickprof, in build/ctl/'
	@echo 'make module        the module for the running kernel (KVER=, KDIR=)'
	@echo 'make install       tool, module by DKMS, udev rule, man pages (DESTDIR=, PREFIX=)'
	@echo 'make uninstall     undo that'
	@echo 'HOST=1             demo and test use the running kernel instead of a guest'

tool:
	@$(MAKE) -s -C ctl

# Kbuild writes beside the sources, so each kernel gets a copy of its own.
module:
	@tests/kernels/module --kdir $(KDIR)

deps:
	@tests/deps build vm test

demo: deps tool
	@tests/demo/run

test: deps tool
	@tests/deps arm64
	@tests/run

matrix: deps tool
	@tests/deps arm64
	@tests/matrix/run

coverage: deps tool
	@tests/coverage/run

storms: deps tool
	@tests/storm/run

test-debug: deps tool
	@tests/kernels/debug debug kcsan >/dev/null
	@tests/run --debug

bench: deps tool
	@tests/deps bench
	@tests/bench/run
	@tests/bench/spans

programs: deps tool
	@tests/deps programs
	@tests/programs/run

# "sudo make install" from a fresh clone finds no tool yet.
ifeq ($(DESTDIR)$(wildcard build/ctl/tickprof),)
install: install-deps tool
endif
install-deps:
	@tests/deps build install

clean:
	rm -rf build

.PHONY: all help tool module deps install-deps demo test test-debug matrix coverage storms bench programs install uninstall clean
include dkms/install.mk
