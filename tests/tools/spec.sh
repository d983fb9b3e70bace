#!/bin/bash
# The official WebAssembly test suite on the engine: tests/tools/spec.sh RUNNER [OPTION...]   (RUNNER:
# build/host/spec-run; its options)
set -u
cd "$(dirname "$0")/../.." || exit 2
runner=("$@")
# shellcheck source=tests/tools/spec-suite.sh
. tests/tools/spec-suite.sh
out=build/logs/spec-all.log
# shellcheck disable=SC2086
"${runner[@]}" $directories >"$out" 2>&1
status=$?
grep -vE ' 0 failed ' "$out"
total=$(grep '^total: ' "$out" | tail -n 1)
read -r p f < <(sed -n 's/^total: .* \([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' <<<"$total")
echo "${p:-0} passed, ${f:-1} failed"
exit $status
