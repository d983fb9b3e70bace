#!/bin/bash
# README's two commands on a Debian 12 that has only make and git: tests/tools/fresh.sh [COMMAND...]
#
# Makes a minimal Debian by debootstrap in a directory of its own, clones what is committed here into it, and runs each
# COMMAND (`make demo` and `make test` unless told) there by chroot with an empty environment.  Needs root.  The
# directory goes at the end; KEEP=1 keeps it, and FRESH=DIR uses one that was kept.
set -eu
cd "$(dirname "$0")/../.."
[ "$(id -u)" -eq 0 ] || { echo "fresh: needs root (mounts and chroot)" >&2; exit 1; }
[ $# -gt 0 ] || set -- "make demo" "make test"
dir=${FRESH:-$(mktemp -d /var/tmp/wasmvm-fresh.XXXXXX)}
binds=(/proc /sys /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/pts)
[ ! -e /dev/kvm ] || binds+=(/dev/kvm)

leave() {
    for ((i = ${#binds[@]} - 1; i >= 0; i--)); do
        if mountpoint -q "$dir${binds[i]}"; then umount "$dir${binds[i]}" || KEEP=1; fi
    done
    if mountpoint -q "$dir"; then umount "$dir" || KEEP=1; fi
    if [ "${KEEP:-}" = 1 ] || [ -n "${FRESH:-}" ]; then
        echo "fresh: kept in $dir"
    else
        rm -rf --one-file-system "$dir"
    fi
}
trap leave EXIT

if [ ! -e "$dir/usr/bin/make" ]; then
    debootstrap --variant=minbase --include=make,git,ca-certificates bookworm "$dir" >"$dir.log" 2>&1 ||
        { tail "$dir.log"; exit 1; }
    rm -f "$dir.log"
fi
cp -r /etc/apt/sources.list* /etc/apt/apt.conf.d "$dir/etc/apt/" 2>/dev/null || true
cp /etc/resolv.conf /etc/hosts "$dir/etc/"
chmod 755 "$dir"
cp -r /etc/ssl/certs/. "$dir/etc/ssl/certs/"
mountpoint -q "$dir" || { mount --bind "$dir" "$dir" && mount --make-private "$dir"; } # for tests that unshare mounts
for path in "${binds[@]}"; do
    if [ -d "$path" ]; then mkdir -p "$dir$path"; else [ -e "$dir$path" ] || : >"$dir$path"; fi
    mountpoint -q "$dir$path" || mount --bind "$path" "$dir$path"
done
[ -e "$dir/dev/fd" ] || ln -s /proc/self/fd "$dir/dev/fd"

rm -rf "$dir/srv/wasmvm"
mkdir -p "$dir/srv"
git clone -q --no-hardlinks . "$dir/srv/wasmvm"
for command in "$@"; do
    echo "== fresh: $command"
    chroot "$dir" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
        REQUIRE_KVM="${REQUIRE_KVM:-}" sh -c "cd /srv/wasmvm && $command"
done
