#!/bin/sh
# README's server and client with TLS, as it stands there, with build/wasmvm: readme-go.sh GO [OTHER_GO]
#
# GO is a directory with a go command; where OTHER_GO is given, its go command is too old, and must be told so first.
# For a Debian 12 that has nothing yet: tests/tools/fresh.sh with tests/tools/fresh-go.sh.  Needs curl and openssl.
set -eu
cd "$(dirname "$0")/../.."
build=$PWD/build
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk '/^```$/ { take = 0 } take { print } /^```sh$/ { take = 1 }' README.md >"$work/demo.sh"
cd "$work"
if [ $# -gt 1 ]; then
    printf 'package main\n\nfunc main() {}\n' >main.go
    printf 'module m\n' >go.mod
    PATH=$build:$2:$PATH sh -c 'go version; wasmvm go run .; echo "status $?"' 2>&1 | tee old
    grep -q 'is too old.*golang-1.22-go from bookworm-backports' old
    grep -q 'status 125' old
    rm main.go go.mod
fi
PATH=$build:$1:$PATH sh -c 'go version && sh -e ./demo.sh' | tee out
tail -n +2 out >rest
printf 'hello by HTTP/2.0\nhello by HTTP/2.0\nstopped: <nil>\nstatus 0\n' | diff - rest
echo "1 passed, 0 failed"
