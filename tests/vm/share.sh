# SPDX-License-Identifier: GPL-2.0-only
# How a guest sees this machine's files: two shares, "host" (/, read-only) and "build" (build/, which it may write), and for
# one that has files of its own as "host" (tests/vm/userland) the checkout.
# 9p where the kernel has it; virtiofs, served by a program beside QEMU, where it has not (Debian's -cloud kernels). Sourced
# by tests/vm/run and tests/vm/initramfs after tests/kernels/lib.sh.

# share_kind KERNEL-FOLDER RELEASE: 9p or virtiofs.
share_kind() {
	local modules=$1/root/lib/modules/$2
	if ! grep -qsE '/9p\.ko' "$modules/modules.dep" "$modules/modules.builtin" &&
		grep -qs '/virtiofs\.ko' "$modules/modules.dep"; then
		echo virtiofs
	else
		echo 9p
	fi
}

# share_options: adds what QEMU needs to the array qemu.
share_options() {
	local name
	if [ "$share" = 9p ]; then
		share_9p host "$root" ,readonly=on
		share_9p build "$build" ""
		[ -z "$checkout" ] || share_9p checkout "$checkout" ,readonly=on
		return
	fi
	# The other program reads and writes the guest's memory.
	qemu+=(-object "memory-backend-memfd,id=memory,size=$memory,share=on" -machine memory-backend=memory)
	for name in host build; do
		qemu+=(-chardev "socket,id=$name,path=$run/$name.socket" -device "vhost-user-fs-pci,vectors=0,chardev=$name,tag=$name")
	done
}

share_9p() {
	qemu+=(-fsdev "local,id=$1,path=$2,security_model=none,multidevs=remap$3" -device "virtio-9p-pci,vectors=0,ioeventfd=off,fsdev=$1,mount_tag=$1")
}

share_processes=()

# Before QEMU starts; what serves the files ends with the QEMU that it served.
share_start() {
	local name
	[ "$share" = virtiofs ] || return 0
	serve host /mnt always
	serve build "$build" auto
	for name in host build; do await_socket "$run/$name.socket"; done
}

share_stop() {
	[ ${#share_processes[@]} -eq 0 ] || kill "${share_processes[@]}" 2>/dev/null || true
}

# serve NAME FOLDER CACHE: as root of a mount namespace of its own, where /mnt is / and cannot be written, and /run is
# empty: it leaves a file there.
serve() {
	local user=()
	[ "$(id -u)" = 0 ] || user=(--map-root-user)
	unshare "${user[@]}" --mount sh -c 'mount --rbind / /mnt && mount -o remount,bind,ro /mnt &&
		mount -t tmpfs none /run && exec "$@"' sh \
		"$(virtiofsd)" -f --socket-path="$run/$1.socket" -o "source=$2,cache=$3,log_level=err" \
		</dev/null >"$run/$1.virtiofsd" 2>&1 &
	share_processes+=($!)
}

# C in Debian 12, part of its QEMU; later a package of its own that understands the same options.
virtiofsd() {
	local program
	for program in /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd; do
		if [ -x "$program" ]; then
			echo "$program"
			return
		fi
	done
	die "$kernel has no 9p, and virtiofsd is missing: apt-get install virtiofsd (in Debian 12 a part of qemu-system-common)"
}

await_socket() {
	local try
	for try in {1..100}; do
		[ ! -S "$1" ] || return 0
		sleep 0.05
	done
	cat "$run"/*.virtiofsd >&2
	die "virtiofsd does not serve the guest's files"
}
