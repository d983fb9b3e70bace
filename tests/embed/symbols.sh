#!/bin/bash
# What libwasmvm shows and keeps: tests/embed/symbols.sh BUILD. Five checks; the last line is `N passed, N failed`.
#
#   shown    nothing but wasmvm_* is a symbol of the archive or of the shared library, and that has versions
#   listed   those functions are the ones of symbols.list, each with its version: one that went is red, and so is a new
#            one that is not listed; a version is a block of vmm/wasmvm.map
#   soname   as the list was made for
#   kept     no writable data of the library's own, for the process would be its owner, but for what stands here
#   header   wasmvm.h and wasmvm_plugin.h compile as C11 and as C++17, with every warning, each by itself
set -u
build=$1
passed=0 failed=0

# Of each thread, not of the process: where its words go (vmm/base/message.c), what it runs (vmm/base/kick.c), where its
# stack ends (vmm/run/ask.c).
# A fact of the CPU, asked once: has it the instructions for SHA-256 (vmm/cache/hash.c)?
# wasmvm_confine is about the process and all its threads: who has answered, and of each thread whether it is confined
# (vmm/jail/crew.c).
allowed=" outlet innermost stack cpu_sha roll confined "

check() { # NAME WHAT-IS-WRONG
    if [ -z "$2" ]; then
        passed=$((passed + 1))
    else
        printf 'symbols: %s:\n%s\n' "$1" "$2"
        failed=$((failed + 1))
    fi
}

shown=$(nm --defined-only -g "$build/lib/libwasmvm.a" | awk 'NF == 3 && $3 !~ /^wasmvm_/ { print $3 }'
    nm -D --defined-only "$build/lib/libwasmvm.so" | awk '$2 == "T" && $3 !~ /^wasmvm_[a-z_]*@@LIBWASMVM_0\.1$/
        $2 !~ /[TA]/')
[ "$(nm -D --defined-only "$build/lib/libwasmvm.so" | grep -c ' T wasmvm_')" -gt 30 ] || shown+=" too few"
check shown "$shown"

list=$(dirname "$0")/symbols.list
has=$(nm -D --defined-only "$build/lib/libwasmvm.so" | awk '$2 == "T" { split($3, of, "@@"); print of[2], of[1] }')
listed=$(diff <(sed '/^#/d' "$list" | sort) <(sort <<<"$has") |
    sed -n 's/^< \(.*\)/gone: \1/p; s/^> \(.*\)/not in the list: \1/p'
    sed '/^#/d; s/ .*//' "$list" | sort -u | while read -r version; do
        grep -q "^$version {" vmm/wasmvm.map || echo "$version is no block of vmm/wasmvm.map"
    done)
check listed "$listed"

soname=$(objdump -p "$build/lib/libwasmvm.so" | awk '$1 == "SONAME" { print $2 }')
check soname "$([ "$soname" = libwasmvm.so.0 ] || echo "$soname")"

# Sections of a kind that stays writable; .data.rel.ro is constant once it is loaded.
kept=$(objdump -t "$build/lib/libwasmvm.a" | awk -v allowed="$allowed" '
    match($0, /\t/) {
        n = split(substr($0, 1, RSTART - 1), before, " "); split(substr($0, RSTART + 1), after, " ")
        section = before[n]; name = after[2]
        if (section ~ /^(\.t?data|\.t?bss|\*COM\*)/ && section !~ /^\.data\.rel\.ro/ && name !~ /^\./ &&
            after[1] !~ /^0*$/ && !index(allowed, " " name " "))
            print section, name
        if (name == "outlet")
            seen = 1
    }
    END { if (!seen) print "outlet is not seen: is this the right output?" }')
check kept "$kept"

wrong=
for header in wasmvm.h wasmvm_plugin.h; do
    for language in {gcc,clang-14}" -x c -std=c11" {gcc,clang-14}" -x c++ -std=c++17"; do
        command -v "${language%% *}" >/dev/null || continue
        strict="-Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion"
        wrong+=$(echo "#include <$header>" | $language $strict -Ivmm -fsyntax-only - 2>&1)
    done
done
check header "$wrong"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
