#!/bin/sh
# Proves, by cbmc, what stands at the heads of this folder's files: tests/prove/run.sh [NAMES]   Each takes minutes.
# A name may have a number behind it, the proof's KIND: grow:3.
#
# CBMC=COMMAND is another one than that of PATH (Debian 13 has it; seen with 6.6).  What grow needs to know of sums
# z3 knows in seconds, where there is one; tables needs it.
set -u
cd "$(dirname "$0")/../.." || exit 2
CBMC=${CBMC:-cbmc}
passed=0 failed=0
[ $# -gt 0 ] || set -- guestmem grow:0 grow:1 grow:2 grow:3 grow:4 tables:0 tables:1 tables:2
if ! command -v "$CBMC" >/dev/null; then
    echo "SKIPPED: $*: there is no cbmc here"
    echo "0 passed, 0 failed, $# skipped"
    exit 0
fi
for name in "$@"; do
    file=${name%:*} kind=${name#*:}
    [ "$kind" != "$name" ] || kind=0
    solver=
    [ "$file" = guestmem ] || ! command -v z3 >/dev/null || solver=--z3
    # shellcheck disable=SC2086 # no word, or one
    out=$("$CBMC" $solver --no-standard-checks --bounds-check --pointer-check --unwinding-assertions --unwind 15 \
        --slice-formula -D_GNU_SOURCE -DKIND="$kind" -I. "tests/prove/$file.c" "vmm/machine/$file.c" 2>&1)
    if [ $? = 0 ]; then
        passed=$((passed + 1))
        echo "$name: $(echo "$out" | grep ' failed')"
    else
        failed=$((failed + 1))
        echo "FAIL $name:"
        echo "$out" | grep -E 'FAILURE|error' | head -20
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
