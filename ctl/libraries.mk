# SPDX-License-Identifier: GPL-2.0-only
# What the tool links, for its own Makefile and for programs that link its archive.
PKG_CONFIG ?= pkg-config
# Libraries, each the field's own:
#   libnl-genl-3   the netlink library of iproute2's generation; checked parsing, extack
#   libdw, libelf  elfutils: ELF, compressed and separate debug files, DWARF
#   libprotobuf-c  protobuf for C, from the .proto text itself
#   zlib           gzip of profiles that are not kept in memory whole
#   libdeflate     gzip of all others in 40 % of zlib's instructions; CRC-32 of captures and tables by the processor's own
#                  multiplication: zlib's took 4 instructions a byte, half of what draining the rings is
#   libiberty      the demangler of binutils and gdb: C++ and Rust
#   json-c         --json
#   yajl           JSON that comes in, piece by piece: json-c would make a tree of the whole, for 100 MB
#                  of spans 1.6 GB in 4.2 s, where this takes 38 MB and 0.6 s; so would jansson and cJSON
#   libmicrohttpd  the listener for OTLP over HTTP
#   liblzma        MiniDebugInfo (.gnu_debugdata)
#   libpthread     one thread compiles unwind tables while another reads the rings
#   libdl          to load libdebuginfod where it is installed (part of libc since glibc 2.34)
PKGS := libnl-genl-3.0 libdw libelf libprotobuf-c zlib libdeflate json-c yajl libmicrohttpd liblzma
LIBRARIES = $(shell $(PKG_CONFIG) --libs $(PKGS)) -liberty -lm -ldl -lpthread
