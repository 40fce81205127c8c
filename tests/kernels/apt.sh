# SPDX-License-Identifier: GPL-2.0-only
# A private apt: looks into any Debian suite and downloads from it, without root and without touching the machine's own apt.
# The mirror is the one that the machine's own apt uses. Sourced after lib.sh.

# apt_open ARCH SUITES: from here on apt_get and apt_cache see these suites only. Updates the lists when they are
# older than a day, and fails when they can be neither updated nor found.
apt_open() {
	apt_dir=$kernels/apt/$1-$2
	with_lock "$apt_dir.lock" apt_refresh "$1" "$2"
}

apt_get() { apt-get -c "$apt_dir/apt.conf" -qq -o Debug::NoLocking=1 "$@"; }
apt_cache() { apt-cache -c "$apt_dir/apt.conf" "$@"; }

# apt_depends PACKAGE: names of the packages it depends on, every alternative, one a line.
apt_depends() {
	apt_cache show --no-all-versions "$1" | sed -n 's/^\(Pre-\)\?Depends: //p' |
		tr ',|' '\n\n' | sed -e 's/(.*//' -e 's/:[a-z]*//' -e 's/ //g' | sort -u
}

# apt_closure PACKAGE…: names of these packages and of all that they need, one a line.
apt_closure() { apt_get install -s --no-install-recommends "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p'; }

# use_own_libraries ROOT FOLDER…: the programs below each FOLDER are told to run with the loader and the libraries of
# another suite that were unpacked below ROOT.
use_own_libraries() {
	local root=$1 file
	shift
	find "$@" -type f -perm /111 | while read -r file; do
		patchelf --print-interpreter "$file" >/dev/null 2>&1 || continue
		patchelf --set-interpreter "$root/usr/lib64/ld-linux-x86-64.so.2" --force-rpath \
			--set-rpath "$root/usr/lib/x86_64-linux-gnu" "$file" || die "patchelf failed for $file"
	done
}

# apt_unpack ROOT PACKAGE…: downloads the packages, which apt verifies by signature and hash, and extracts them below ROOT.
apt_unpack() {
	local root=$1 debs deb
	shift
	debs=$(mktemp -d "$kernels/debs.XXXXXX")
	if ! (cd "$debs" && apt_get -o APT::Sandbox::User=root download "$@" >&2); then
		rm -rf "$debs"
		return 1
	fi
	# Debian's /lib is a link to /usr/lib; older packages still name /lib.
	mkdir -p "$root/usr/lib"
	[ -e "$root/lib" ] || ln -s usr/lib "$root/lib"
	for deb in "$debs"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --no-same-owner --keep-directory-symlink || return 1
	done
	rm -rf "$debs"
}

apt_refresh() {
	local arch=$1 suites=$2 stamp=$apt_dir/updated
	mkdir -p "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"
	# Anew each time: it names folders, and a checkout may have been moved. In one step: others are reading it.
	apt_configuration "$arch" >"$apt_dir/apt.conf.new"
	mv "$apt_dir/apt.conf.new" "$apt_dir/apt.conf"
	[ -z "$(find "$stamp" -mmin -1440 2>/dev/null)" ] || return 0
	: >"$apt_dir/status"
	apt_sources "$suites" >"$apt_dir/sources.list"
	if apt_get -o APT::Update::Error-Mode=any -o APT::Sandbox::User=root update >&2; then
		touch "$stamp"
	elif [ -e "$stamp" ]; then
		say "package lists of $suites could not be updated: using those of $(date -r "$stamp" +%F)"
	else
		die "package lists of $suites could not be fetched: is there a network, and does apt-get update work?"
	fi
}

apt_configuration() {
	cat <<-END
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear Acquire::IndexTargets::deb::DEP-11;
		APT::Architecture "$1";
		APT::Architectures { "$1"; };
		Acquire::Languages "none";
		Acquire::Retries "2";
		Dir::State "$apt_dir";
		Dir::State::lists "$apt_dir/lists";
		Dir::State::status "$apt_dir/status";
		Dir::Cache "$apt_dir/cache";
		Dir::Cache::pkgcache "pkgcache.bin";
		Dir::Etc::sourcelist "$apt_dir/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
	END
}

apt_sources() {
	local main security suite mirror
	main=$(apt_mirror debian)
	[ -n "$main" ] || die "no Debian mirror in this machine's apt sources"
	security=$(apt_mirror debian-security)
	[ -n "$security" ] || security=${main%/debian}/debian-security
	for suite in ${suites//,/ }; do
		case $suite in
		*-security) mirror=$security ;;
		*) mirror=$main ;;
		esac
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
	done
}

# apt_mirror ARCHIVE: address under which this machine's apt finds the archive of that name.
apt_mirror() {
	apt-get indextargets --format '$(REPO_URI)' | sed 's,/*$,,' | grep "/$1\$" | head -n 1 || true
}
