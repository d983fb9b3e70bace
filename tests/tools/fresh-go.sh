#!/bin/sh
# For tests/tools/fresh.sh, inside its Debian 12: README's server and client with TLS by Go of bookworm-backports, and
# by an archive of the Go project that stands unpacked in /usr/local/go where somebody put it there; with Debian's own
# Go, which is too old, the error that says so.
set -eu
cd "$(dirname "$0")/../.."
export DEBIAN_FRONTEND=noninteractive
sed 's/^Suites: bookworm bookworm-updates.*$/Suites: bookworm-backports/' /etc/apt/sources.list.d/debian.sources \
    >/etc/apt/sources.list.d/backports.sources
apt-get -qq update
apt-get -qq install -y --no-install-recommends curl openssl golang-1.19-go >/dev/null
apt-get -qq install -y --no-install-recommends -t bookworm-backports golang-1.22-go >/dev/null
make -s
tests/tools/readme-go.sh /usr/lib/go-1.22/bin /usr/lib/go-1.19/bin
if [ -x /usr/local/go/bin/go ]; then tests/tools/readme-go.sh /usr/local/go/bin; fi
