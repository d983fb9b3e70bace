#!/bin/bash
# The tests in VMs as users with few rights (root starts it): tests/tools/rights.sh user container, or one of them.
#
#   user       an ordinary one, of the group that owns /dev/kvm
#   container  root of namespaces of its own, without a capability; its /dev holds /dev/kvm and what writes nowhere
#
# They work in a clone of what is committed, with what build/ holds.  A container has no network: so it comes second,
# and finds there what the user's tests brought.  What needs other users, mounts or namespaces is skipped, and counted.
# The last line is `N passed, N failed, N skipped`.
set -eu
cd "$(dirname "$0")/../.."

if [ "${2:-}" = inside ]; then
    if [ "$1" = container ]; then
        mount -t proc proc /proc
        mount -t tmpfs -o mode=755 tmpfs "$HOME/dev"
        for name in null zero full random urandom tty kvm; do
            touch "$HOME/dev/$name"
            mount --bind "/dev/$name" "$HOME/dev/$name"
        done
        mkdir "$HOME/dev/shm" "$HOME/dev/pts"
        mount -t devpts -o newinstance,ptmxmode=0666 devpts "$HOME/dev/pts"
        ln -s pts/ptmx "$HOME/dev/ptmx"
        ln -s /proc/self/fd "$HOME/dev/fd"
        for n in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${n%:*}" "$HOME/dev/${n#*:}"; done
        mount --rbind "$HOME/dev" /dev
        ip link set lo up
        exec setpriv --bounding-set -all --inh-caps -all --ambient-caps -all "$0" user inside
    fi
    exec tests/tools/parts.sh \
        golden="tests/golden/run.sh build/wasmvm" \
        hostile="tests/hostile/run.sh build/wasmvm" \
        jail="tests/jail/run.py --build build" \
        e2e="tests/e2e/run.py --wasmvm build/wasmvm" \
        embed="tests/embed/run.py --build build" \
        spec-vm="tests/tools/spec-vm.sh build/wasmvm build/tests/script.elf build/host/spec-script" \
        std="tests/std/run.py --wasmvm build/wasmvm --ci"
fi

user=1234 group=4321 # nobody's on a fresh Debian
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
git clone -q . "$place/clone"
mkdir -p "$place/clone/build/logs" "$place/home/dev"
for name in build/*; do
    case ${name#build/} in san | unit | clang | deb*) ;; *) cp -aL "$name" "$place/clone/build/" ;; esac
done
chown -R $user:$user "$place"
mknod -m 660 "$place/kvm" c 10 232
chown 0:$group "$place/kvm"
half() { # WHICH [WORDS before its command]
    local which=$1
    shift
    unshare --mount bash -euc '
        place=$1 user=$2 group=$3 which=$4; shift 4
        mount --bind "$place/kvm" /dev/kvm
        cd "$place/clone"
        exec setpriv --reuid "$user" --regid "$user" --groups "$group" env -u REQUIRE_KVM WASMVM_CACHE=off \
            HOME="$place/home" "$@" \
            tests/tools/rights.sh "$which" inside' inside "$place" $user $group "$which" "$@"
}

cd "$place"
parts=()
for which in "$@"; do
    words=
    [ "$which" = user ] || words="unshare --user --map-root-user --mount --pid --fork --net --ipc"
    parts+=("$which=half $which $words")
done
export -f half
export place user group
env -u REQUIRE_KVM "$place/clone/tests/tools/parts.sh" "${parts[@]}"
