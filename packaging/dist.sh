#!/bin/bash
# What is committed, as one archive: dist.sh VERSION DIR.  The same commit gives the same bytes.
set -eu
cd "$(dirname "$0")/.."
version=$1 dir=$2
mkdir -p "$dir"
git archive --format=tar --prefix="wasmvm-$version/" HEAD | xz -T1 -9 >"$dir/wasmvm-$version.tar.xz"
(cd "$dir" && sha256sum "wasmvm-$version.tar.xz" >"wasmvm-$version.tar.xz.sha256")
echo "$dir/wasmvm-$version.tar.xz"
