#!/bin/bash
# Installs the Debian packages that are missing: tests/tools/deps.sh GROUP...
#
# Groups: build (make, demo), check, test, fuzz, svm, modules, peers, oci, bench, deb, fresh.  Nothing happens
# where all is there; installing needs root.
set -eu

# What shows that it is there (a command or a file), and the package that brings it.
table() {
    case $1 in
    build) cat <<'ROWS'
gcc gcc
/usr/include/stdio.h libc6-dev
/usr/include/libelf.h libelf-dev
/usr/include/json-c/json.h libjson-c-dev
/usr/include/sha2.h libmd-dev
ROWS
        ;;
    check) cat <<'ROWS'
clang-14 clang-14
/usr/include/cmocka.h libcmocka-dev
/usr/bin/awk mawk
wat2wasm wabt
ROWS
        ;;
    test) cat <<'ROWS'
python3 python3
curl curl
pkg-config pkg-config
g++ g++
xz xz-utils
wast2json wabt
/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a libclang-rt-14-dev
spin spin
setpriv util-linux
/etc/ssl/certs/ca-certificates.crt ca-certificates
/usr/include/sqlite3.h libsqlite3-dev
npm npm
node nodejs
wasm-opt binaryen
ip iproute2
ROWS
        ;;
    fuzz) cat <<'ROWS'
clang-14 clang-14
/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a libclang-rt-14-dev
ROWS
        ;;
    svm) cat <<'ROWS'
qemu-system-x86_64 qemu-system-x86
cpio cpio
/usr/share/seabios/bios-256k.bin seabios
ROWS
        ;;
    modules) cat <<'ROWS'
clang-19 clang-19
wasm-ld-19 lld-19
/usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a libclang-rt-19-dev-wasm32
/usr/lib/wasm32-wasi/libc.a wasi-libc
/usr/lib/llvm-19/include/llvm-c/Core.h llvm-19-dev
/usr/lib/llvm-19/include/clang-c/Index.h libclang-19-dev
/usr/bin/wasm-opt binaryen
/usr/bin/rustc rustc
/usr/lib/rustlib/wasm32-wasi libstd-rust-dev-wasm32
/usr/bin/wasm-ld-14 lld
pip3 python3-pip
ROWS
        ;;
    peers) cat <<'ROWS'
curl curl
wrk wrk
/usr/sbin/nginx nginx-light
redis-server redis-server
/usr/lib/postgresql/15/bin/postgres postgresql-15
ROWS
        ;;
    oci) cat <<'ROWS'
podman podman
conmon conmon
/usr/sbin/runc runc
crun crun
/usr/lib/podman/netavark netavark
iptables iptables
containerd containerd
/usr/lib/cni/bridge containernetworking-plugins
ROWS
        ;;
    bench) echo "valgrind valgrind" ;;
    deb) cat <<'ROWS'
dh debhelper
dpkg-buildpackage dpkg-dev
lintian lintian
fakeroot fakeroot
xz xz-utils
systemd-analyze systemd
zsh zsh
fish fish
ROWS
        ;;
    fresh) echo "debootstrap debootstrap" ;;
    *) echo "deps: no such group: $1" >&2 && exit 2 ;;
    esac
}

missing=()
for group in "$@"; do
    while read -r proof package; do
        case $proof in
        /*) [ -e "$proof" ] || missing+=("$package") ;;
        *) command -v "$proof" >/dev/null || missing+=("$package") ;;
        esac
    done < <(table "$group")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "deps: missing: ${missing[*]}: run as root: apt-get install ${missing[*]}" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
echo "deps: installing ${missing[*]}"
apt-get -qq update
apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
