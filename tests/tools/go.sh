#!/bin/sh
# Runs the go command of one exact Go version: tests/tools/go.sh VERSION ARGS...   (VERSION "pinned" = the one below)
#
# Any Go from 1.21 on fetches every other version itself.  Where there is none, Debian's own package of a later release
# is unpacked below build/cache, by private apt directories: the system's package sources stay as they are.
set -eu
PINNED=1.26.10

if [ -n "${GO_SH_ASKS:-}" ]; then # else it would fork without end
    echo "go.sh: \$GO or the go on PATH is this script itself" >&2
    exit 1
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
cache=$root/build/cache
version=$1
shift
[ "$version" = pinned ] && version=$PINNED

new_enough() { # GO: is it 1.21 or later?
    v=$(GO_SH_ASKS=1 GOTOOLCHAIN=local "$1" version 2>/dev/null | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p')
    [ -n "$v" ] && [ "$v" -ge 21 ]
}

unpack_debian_go() {
    work=$cache/apt
    mkdir -p "$work/src" "$work/lists/partial" "$work/cache/archives/partial" "$cache/go-debian"
    sed 's/^Suites: bookworm bookworm-updates.*$/Suites: bookworm-backports/' \
        /etc/apt/sources.list.d/debian.sources >"$work/src/debian.sources"
    apt_get() {
        apt-get -qq -o "Dir::Etc::SourceParts=$work/src" -o Dir::Etc::SourceList=/dev/null \
            -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User= "$@"
    }
    apt_get update >&2
    (cd "$work" && apt_get download golang-1.22-go golang-1.22-src >&2)
    for deb in "$work"/golang-1.22-*.deb; do dpkg-deb -x "$deb" "$cache/go-debian"; done
}

go=${GO:-$(command -v go || true)}
unset GO # else GO=go.sh would call itself for ever
if [ -z "$go" ] || ! new_enough "$go"; then
    go=$cache/go-debian/usr/lib/go-1.22/bin/go
    # Debian's tree has links to /usr/share, which nobody unpacked: GOROOT must see its own.
    [ -x "$go" ] || unpack_debian_go
    [ -e "$cache/go-debian/usr/lib/go-1.22/src/fmt" ] ||
        ln -sfn ../../share/go-1.22/src "$cache/go-debian/usr/lib/go-1.22/src"
    export GOROOT="$cache/go-debian/usr/lib/go-1.22"
fi
if [ "$(GOTOOLCHAIN=local "$go" env GOVERSION)" = "go$version" ]; then
    toolchain=local
else
    toolchain=go$version
fi
export GOTOOLCHAIN="$toolchain" GOFLAGS=-buildvcs=false GOWORK=off
[ -n "${HOME:-}" ] || export GOCACHE="$cache/go-build" GOMODCACHE="$cache/go-mod"
exec "$go" "$@"
