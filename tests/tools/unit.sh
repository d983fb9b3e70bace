#!/bin/bash
# Runs cmocka programs and adds up their counts: tests/tools/unit.sh PROGRAM...  A program's output is shown if it
# failed.
set -u
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
passed=0 failed=0 skipped=0
out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT

# The number in cmocka's summary line of one kind: `[  PASSED  ] 12 test(s).`
count() { sed -n "s/^\[  $1 *\] \([0-9]*\) test(s)[.,].*/\1/p" "$out" | awk '{ n += $1 } END { print n + 0 }'; }

for program in "$@"; do
    timeout 120 "$program" >"$out" 2>&1
    status=$?
    p=$(count PASSED) f=$(count FAILED) s=$(count SKIPPED)
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ] || [ $((p + f + s)) -eq 0 ]; then
        f=$((f + 1))
    fi
    if [ "$f" -gt 0 ]; then
        echo "-- $program: status $status"
        cat "$out"
    fi
    printf '%-40s %3d passed %3d failed %3d skipped\n' "${program#build/unit/}" "$p" "$f" "$s"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
