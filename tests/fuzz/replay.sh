#!/bin/bash
# What fuzzers have found, run again: tests/fuzz/replay.sh REPLAY DIFF_RUN
# (build/san/fuzz-replay, build/host/diff-run)
#
# regressions/module/NNN.wasm must pass through the fuzz target under ASan and UBSan; of regressions/diff/NNN.wasm the
# runner must print what stands in NNN.lines, on which V8 agreed.   --write makes the missing .lines (needs node).
#
# What the suite (where `make spec` has fetched it) and our generators hold passes, too: there the heap is watched by
# ASan, array by array, as in no other test of the compiler.  Some have each of their allocations fail, one at a time.
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

# The files named on stdin through the target; the last one that it names is the one that did not come through.
many() { # OPTIONS...
    local list=$dir/list n
    cat >"$list"
    n=$(wc -l <"$list")
    if xargs -a "$list" -d '\n' -n 1000 timeout 300 "$replay" "$@" >"$dir/out" 2>"$dir/err"; then
        passed=$((passed + n))
    else
        failed=$((failed + 1))
        grep -nE -B 1 -A 12 'finding:|ERROR:|runtime error|rip ' "$dir/err" | head -n 40
        tail -n 1 "$dir/err"
    fi
}

cd "$root" || exit 2
root=. replay=./$1
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
python3 - "$dir" <<'EOF' || exit 2
import random, sys
sys.path.insert(0, "tests/fuzz")
import edges, generate
for seed in range(60):
    for kind, make in (("go", generate.module), ("edges", edges.module)):
        with open(f"{sys.argv[1]}/{kind}-{seed}.wasm", "wb") as f:
            f.write(make(random.Random(f"{kind} {seed}")))
EOF
many < <(ls "$dir"/*.wasm)
many -m < <(ls "$dir"/go-[0-4].wasm "$dir"/edges-[0-2].wasm)
if [ -d build/cache/spec-suite/ ]; then
    find build/cache/spec-suite/{v1,v2,extended-const,tail-call}/ -name '*.wasm' -size -200k | sort >"$dir/suite"
    many <"$dir/suite"
    many -m < <(awk 'NR % 60 == 1' "$dir/suite")
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
