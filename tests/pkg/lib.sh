# SPDX-License-Identifier: GPL-2.0-only
# Shared by the tests of installing: one line a check. Sourced by bash scripts that have set -euo pipefail.

failed=0

# check NAME COMMAND…: runs it, says "ok NAME" or "not ok NAME" and what the command wrote. A failure is kept in $failed,
# so that the checks after it run too. COMMAND may be a function: its first failing line ends it.
check() {
	local name=$1 status begin=$SECONDS output
	shift
	set +e
	output=$(set -e; "$@" 2>&1 </dev/null)
	status=$?
	set -e
	if [ "$status" -eq 0 ]; then
		echo "ok $name ($((SECONDS - begin)) s)"
	else
		echo "not ok $name ($((SECONDS - begin)) s): $* ended with status $status"
		printf '%s\n' "$output" | sed 's/^/    /'
		failed=1
	fi
}

# fails STATUS PATTERN COMMAND…: COMMAND must end with STATUS and say PATTERN.
fails() {
	local expected=$1 pattern=$2 status=0 output
	shift 2
	output=$("$@" 2>&1) || status=$?
	printf '%s\n(status %s; expected %s and /%s/)\n' "$output" "$status" "$expected" "$pattern"
	[ "$status" -eq "$expected" ] && grep -qE -- "$pattern" <<<"$output"
}

# files FOLDER…: everything below, for comparing before and after.
files() { find "$@" -xdev \( -type f -o -type l \) 2>/dev/null | sort; }
