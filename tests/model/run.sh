#!/bin/bash
# Checks the models of the call slot with spin: tests/model/run.sh DIRECTORY (for what is generated)
#
# A model as it is must hold (slot.pml in liveness too); with each of its BUGs built in, spin must find an error.
set -u
if ! command -v spin >/dev/null; then
    echo "model: no spin here (Debian's package spin)"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
models=$(cd "$(dirname "$0")" && pwd)
model=$models/slot.pml
mkdir -p "$1" && cd "$1" || exit 2
passed=0 failed=0

# NAME WANT SPIN_FLAGS CC_FLAGS PAN_FLAGS: WANT is holds or fails.
check() {
    local errors states
    # shellcheck disable=SC2086
    if spin $3 -a "$model" >spin.log 2>&1 && gcc -O1 -w $4 -o pan pan.c && ./pan -m1000000 $5 >pan.log 2>&1; then
        errors=$(sed -n 's/.*errors: \([0-9]*\)$/\1/p' pan.log)
        states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log)
    fi
    case $2:${errors:-broken} in
    holds:0 | fails:[1-9]*) passed=$((passed + 1)) ;;
    *) failed=$((failed + 1)) && echo "model: $1: wanted: $2; errors: ${errors:-no result}" && cat spin.log pan.log ;;
    esac
    printf '%-40s %s, %s states\n' "$1" "$2" "${states:-?}"
    rm -f ./*.trail
}

bugs_of() { sed -n 's/^#define \(BUG_[A-Z_]*\) *[0-9].*/\1/p' "$1"; }

check "safety, 4 calls" holds "-DCALLS=4" "-DSAFETY -DNOCLAIM" ""
check "a wanted thread wakes" holds "-DCALLS=2" "" "-a -f"
for bug in $(bugs_of "$model"); do
    if [ "$bug" = BUG_WAKE_FIRST ]; then
        check "$bug" fails "-DBUG=$bug" "" "-a -f"
    else
        check "$bug" fails "-DBUG=$bug" "-DSAFETY -DNOCLAIM" ""
    fi
done

model=$models/reverse.pml
check "reverse: safety, 3 calls" holds "-DCALLS=3" "-DSAFETY -DNOCLAIM" ""
for bug in $(bugs_of "$model"); do
    check "reverse: $bug" fails "-DBUG=$bug" "-DSAFETY -DNOCLAIM" ""
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
