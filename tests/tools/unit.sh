#!/bin/bash
# Runs cmocka programs, two at a time, and adds up their counts: tests/tools/unit.sh PROGRAM...  A program's output is
# shown if it failed.
set -u
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
export dir

# The number in cmocka's summary line of one kind: `[  PASSED  ] 12 test(s).`
count() { sed -n "s/^\[  $1 *\] \([0-9]*\) test(s)[.,].*/\1/p" "$2" | awk '{ n += $1 } END { print n + 0 }'; }

# What a program has to say goes out in one piece.
one() {
    local out status p f s
    out=$(mktemp -p "$dir") || exit 2
    timeout 600 "$1" >"$out" 2>&1
    status=$?
    p=$(count PASSED "$out") f=$(count FAILED "$out") s=$(count SKIPPED "$out")
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ] || [ $((p + f + s)) -eq 0 ]; then
        f=$((f + 1))
    fi
    exec 9>"$dir/lock" && flock 9
    if [ "$f" -gt 0 ]; then
        echo "-- $1: status $status"
        cat "$out"
    fi
    printf '%-40s %3d passed %3d failed %3d skipped\n' "${1#build/unit/}" "$p" "$f" "$s"
    echo "$p $f $s" >>"$dir/counts"
}
export -f count one

: >"$dir/counts"
printf '%s\0' "$@" | xargs -0 -n 1 -P 2 bash -c 'one "$1"' one
awk -v programs=$# '
    { passed += $1; failed += $2; skipped += $3 }
    END {
        failed += programs - NR # what was not counted
        printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
        exit failed > 0
    }' "$dir/counts"
