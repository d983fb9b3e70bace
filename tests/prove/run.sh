#!/bin/sh
# Proves, by cbmc, what stands at the heads of this folder's files: tests/prove/run.sh [NAMES]   Each takes minutes.
# CBMC=COMMAND is another one than that of PATH (Debian 13 has it; seen with 6.6).
set -u
cd "$(dirname "$0")/../.." || exit 2
CBMC=${CBMC:-cbmc}
passed=0 failed=0
[ $# -gt 0 ] || set -- guestmem
if ! command -v "$CBMC" >/dev/null; then
    echo "SKIPPED: $*: there is no cbmc here"
    echo "0 passed, 0 failed, $# skipped"
    exit 0
fi
for name in "$@"; do
    out=$("$CBMC" --no-standard-checks --bounds-check --pointer-check --unwinding-assertions --unwind 15 \
        --slice-formula -D_GNU_SOURCE -I. "tests/prove/$name.c" "vmm/machine/$name.c" 2>&1)
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
