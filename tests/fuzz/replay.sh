#!/bin/bash
# What fuzzers have found, run again: tests/fuzz/replay.sh REPLAY DIFF_RUN
# (build/san/fuzz-replay, build/host/diff-run)
#
# regressions/module/NNN.wasm must pass through the fuzz target under ASan and UBSan; of regressions/diff/NNN.wasm the
# runner must print what stands in NNN.lines, on which V8 agreed.   --write makes the missing .lines (needs node).
set -u
cd "$(dirname "$0")/regressions" || exit 2
root=../../..
replay=$root/$1 runner=$root/$2
passed=0 failed=0
export UBSAN_OPTIONS=print_stacktrace=1
for input in module/*.wasm; do
    if out=$(ulimit -f 1000; timeout 300 "$replay" "$input" 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "-- $input"
        echo "$out"
    fi
done
for input in diff/*.wasm; do
    lines=${input%.wasm}.lines
    if [ "${3:-}" = --write ] && [ ! -e "$lines" ]; then
        "$runner" "$input" >"$lines" && node ../diff_node.mjs "$lines" || rm -f "$lines"
    fi
    if "$runner" "$input" | diff "$lines" -; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "-- $input"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
