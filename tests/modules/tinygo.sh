#!/bin/bash
# Builds TinyGo 0.41.1 below DIR from its Go module and Debian's LLVM 19: tests/modules/tinygo.sh DIR
#
# DIR/root is TINYGOROOT, DIR/cache the XDG_CACHE_HOME that holds its C library (Debian's wasi-libc) and its compiler
# runtime.  Status 3: a Debian package is missing (named on stderr).
set -eu
VERSION=v0.41.1

dir=$1
go=$(cd "$(dirname "$0")/.." && pwd)/tools/go.sh
[ -x "$dir/root/tinygo" ] && exit 0

while read -r proof package; do
    [ -e "$proof" ] || { echo "tinygo needs Debian's package $package" >&2; exit 3; }
done <<'ROWS'
/usr/bin/gcc gcc
/usr/bin/wasm-opt binaryen
/usr/bin/ld.lld-19 lld-19
/usr/lib/llvm-19/include/llvm-c/Core.h llvm-19-dev
/usr/lib/llvm-19/include/clang-c/Index.h libclang-19-dev
/usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a libclang-rt-19-dev-wasm32
/usr/lib/wasm32-wasi/libc.a wasi-libc
ROWS

mkdir -p "$dir"
source=$("$go" pinned mod download -json "github.com/tinygo-org/tinygo@$VERSION" |
    sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')
rm -rf "$dir/root" "$dir/cache"
cp -r "$source" "$dir/root"
chmod -R u+w "$dir/root"
# The Go module has no src/net, whose sources are another repository's.
mkdir -p "$dir/root/src/net"
# Names that LLVM 20 introduced.
sed -i 's/+bulk-memory-opt,+call-indirect-overlong,//' "$dir"/root/targets/*.json

libc=$dir/cache/tinygo/wasi-libc-wasm32-unknown-wasi-generic
runtime=$dir/cache/tinygo/compiler-rt-wasm32-unknown-wasi-generic
mkdir -p "$libc" "$runtime"
cp /usr/lib/wasm32-wasi/libc.a "$libc/lib.a"
cp -r /usr/include/wasm32-wasi "$libc/include"
cp /usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a "$runtime/lib.a"
(cd "$dir/root" && CGO_ENABLED=1 "$go" pinned build -tags "llvm19 osusergo" -o tinygo.new . && mv tinygo.new tinygo)
