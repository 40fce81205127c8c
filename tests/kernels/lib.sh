# SPDX-License-Identifier: GPL-2.0-only
# Shared by the scripts of tests/kernels and tests/vm: where things lie, how to complain, one row of the kernel table.
# Sourced by bash scripts that have set -euo pipefail.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
build=$top/build
kernels=$build/kernels

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
	say "$@"
	exit "${die_status:-1}"
}

# need COMMAND GROUP: GROUP is the one of tests/deps that brings COMMAND.
need() {
	command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || die "$1 is missing: run tests/deps $2"
}

# with_lock FILE COMMAND…: runs COMMAND (a function will do) while holding an exclusive lock on FILE.
with_lock() {
	local file=$1 fd status=0
	shift
	mkdir -p "$(dirname "$file")"
	exec {fd}>"$file"
	flock "$fd"
	# A subshell, so that a failure inside releases the lock; the descriptor stays out of anything left running.
	("$@") || status=$?
	exec {fd}>&-
	return "$status"
}

# compiler_cache: from here on ccache keeps what compilers make in build/kernels/ccache, and knows it again in any checkout. Like
# the kernels, that is worth keeping from one run on a machine to the next.
compiler_cache() {
	need ccache vm
	export CCACHE_DIR=$kernels/ccache CCACHE_MAXSIZE=1G CCACHE_BASEDIR=$top CCACHE_NOHASHDIR=1 CCACHE_COMPILERCHECK=content
}

# table_row NAME: sets row_name row_arch row_suites row_release row_compiler, or dies naming the kernels there are.
table_row() {
	local name
	name=$(table_find "$1")
	[ -n "$name" ] || die "no kernel '$1' in tests/kernels/list; there are: $(table_names | tr '\n' ' ')"
	read -r row_name row_arch row_suites row_release row_compiler < <(table_rows | awk -v name="$name" '$1 == name')
}

# table_find NAME: the row's name that NAME stands for: itself, or of the rows whose version begins so the first of the
# newest. Nothing where there is none.
table_find() {
	local newest
	if table_names | grep -xF -- "$1"; then return; fi
	newest=$(table_names | sed 's/-.*//' | awk -v prefix="$1." 'index($0 ".", prefix) == 1' | sort -V | tail -n 1)
	[ -z "$newest" ] || table_names | grep -E "^${newest//./\\.}(-|\$)" | sed 1q
}

# cross_prefix ARCH: what the tools that build for that Debian architecture have before their names here.
cross_prefix() {
	[ "$1" != "$(dpkg --print-architecture)" ] || return 0
	case $1 in
	arm64) echo aarch64-linux-gnu- ;;
	*) die "no cross-compiler is known for $1" ;;
	esac
}

# from_source: the row at hand is a kernel that tests/kernels/debug builds, not one that Debian did.
from_source() { [[ $row_release = linux-source-* ]]; }

table_rows() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$top/tests/kernels/list"; }
# Rows of kernels that Debian built.
stock_rows() { table_rows | awk '$4 !~ /^linux-source-/'; }
table_names() { table_rows | awk '{ print $1 }'; }
