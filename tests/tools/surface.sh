#!/bin/bash
# What a guest that broke out of its module can reach, in numbers: hypercalls, system calls of the jail by what was
# granted, lines of each trusted part.
#
#   surface.sh BUILD            prints them, a line each
#   surface.sh --check BUILD    holds them against the table in docs/security.md, which says how many there may be: none
#                               has grown, none has no row.  Each is one check; `N passed, N failed` at the end
#
# BUILD/jail/compile tells of the calls.  Lines are those that are neither empty nor comment alone.
set -u
cd "$(dirname "$0")/../.." || exit 2
check=no
if [ "${1:-}" = --check ]; then
    check=yes
    shift
fi
build=${1:?usage: surface.sh [--check] BUILD}

lines() { # FOLDER
    find "$1" \( -name '*.[chS]' -o -name '*.def' \) -exec cat {} + |
        sed -e 's,/\*.*\*/,,' -e '/^ *\/\*/,/\*\//d' | grep -cv '^[[:space:]]*$'
}

surface() {
    echo "hypercalls: $(grep -cE '^[A-Z]+_CALL\(' wasi-shim/calls.def)"
    "$build/jail/compile" --surface | sed -nE \
        -e 's/^jail (.*): ([0-9]+) calls, ([0-9]+) instructions, ([0-9]+) before KVM_RUN$/\1|\2|\4/p' |
        while IFS='|' read -r granted calls before; do
            echo "system calls, $granted: $calls"
            [ "$granted" != nothing ] || echo "instructions of the filter before KVM_RUN: $before"
        done
    for folder in vmm/{jail,base,cache,machine,run,wasi,net,lib,cli,plugin} wasi-shim guest engine; do
        echo "lines of $folder: $(lines "$folder")"
    done
}

if [ $check = no ]; then
    surface
    exit
fi
passed=0 failed=0
while IFS= read -r line; do
    name=${line%: *} n=${line##*: }
    most=$(sed -nE "s/^\| $(printf '%s' "$name" | sed 's,/,\\/,g') \| ([0-9,]+) \|$/\1/p" docs/security.md | tr -d ,)
    if [ -z "$most" ]; then
        echo "docs/security.md: no row says how large this may be: $name ($n)"
    elif [ "$n" -gt "$most" ]; then
        echo "grown: $name: $n, and docs/security.md says $most"
    else
        passed=$((passed + 1))
        continue
    fi
    failed=$((failed + 1))
done < <(surface)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
