#!/bin/bash
# Reads how the binaries were built: tests/tools/hardened.sh BUILD_DIRECTORY...  One check a property of a file.
#
# What stands beside a hostile guest lies at an address that nobody knows, keeps its tables of addresses read-only, has
# no segment that is writable and executable, and looks at its stacks and at lengths of copies.  CET is told by our own
# objects; a program has it where its C library does too.  The last line is `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/../.." || exit 2
passed=0 failed=0 skipped=0

check() { # WHAT COMMAND...: it succeeds
    if "${@:2}" >/dev/null; then
        passed=$((passed + 1))
    else
        echo "hardened: $1"
        failed=$((failed + 1))
    fi
}

not() { ! "$@"; }
segment() { readelf -lW "$1" | grep -E "^ +$2 "; }
dynamic() { readelf -dW "$1" | grep -E "$2"; }
names() { readelf -sW "$1" | grep -E "$2"; } # of all symbols, the C library's too
property() { readelf -nW "$1" | grep "x86 feature:.*$2"; }

program() { # FILE
    check "$1 is not position-independent" sh -c "readelf -hW '$1' | grep 'Type: *DYN'"
    check "$1 has no segment that is read-only after relocation" segment "$1" GNU_RELRO
    check "$1 binds names late" dynamic "$1" 'FLAGS.*NOW'
    check "$1 has relocations in its code" not dynamic "$1" TEXTREL
    check "$1 has a segment that is writable and executable" not segment "$1" 'LOAD .* RWE'
    check "$1 has an executable stack" sh -c "readelf -lW '$1' | grep 'GNU_STACK.* RW '"
    check "$1 has no stack protector" names "$1" ' __stack_chk_fail'
    check "$1 has no checked copies" names "$1" ' __[a-z]*(printf|cpy|read|cat|set|move)_chk'
}

# A static program that is position-independent names no interpreter and calls itself so.
static() {
    check "$1 is not static" not segment "$1" INTERP
    check "$1 is no static-pie" dynamic "$1" 'FLAGS_1.*PIE'
}

for build in "$@"; do
    if [ ! -e "$build/wasmvm" ]; then
        echo "hardened: no $build/wasmvm here"
        skipped=$((skipped + 1))
        continue
    fi
    for file in wasmvm wasmvm-dynamic wasmvm-plugin-host wasmvm-go wasmvm-oci lib/libwasmvm.so; do
        program "$build/$file"
    done
    static "$build/wasmvm"
    for object in lib/wasmvm.o vmm/vmm/cli/run.o vmm/go/main.o vmm/oci/main.o; do
        check "$build/$object: not built for CET: IBT" property "$build/$object" IBT
        check "$build/$object: not built for CET: SHSTK" property "$build/$object" SHSTK
    done
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
