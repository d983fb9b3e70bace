#!/bin/bash
# The official WebAssembly test suite on the engine: tests/tools/spec.sh RUNNER [OPTION...]   (RUNNER:
# build/host/spec-run; its options)
#
# The suite, converted to .json and .wasm, is an archive beside the clone (../shared/testdata) or named by WASM_SPEC.
set -u
cd "$(dirname "$0")/../.." || exit 2
runner=("$@")
archive=${WASM_SPEC:-../shared/testdata/wasm-spec.tar.xz}
suite=build/cache/spec
if [ ! -e "$archive" ] && [ ! -d "$suite" ]; then
    echo "spec: $archive is not there (WASM_SPEC=FILE names another)"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
if [ ! -e "$suite/complete" ]; then
    mkdir -p "$suite" && tar -xf "$archive" -C "$suite" && touch "$suite/complete" || exit 1
fi
directories=$(find "$suite"/{v1,v2,extended-const,tail-call} -name '*.json' -printf '%h\n' | sort -u)

# Our own scripts, where there is something to convert them with.
own=build/spec-own
if command -v wast2json >/dev/null; then
    mkdir -p "$own"
    for script in tests/spec/own/*.wast; do
        wast2json --enable-multi-memory --enable-tail-call "$script" -o "$own/$(basename "$script" .wast).json" || exit 1
    done
    directories="$directories $own"
else
    echo "spec: wast2json is not there: tests/spec/own is not run"
fi
out=build/logs/spec-all.log
mkdir -p build/logs
# shellcheck disable=SC2086
"${runner[@]}" $directories >"$out" 2>&1
status=$?
grep -vE ' 0 failed ' "$out"
total=$(grep '^total: ' "$out" | tail -n 1)
read -r p f < <(sed -n 's/^total: .* \([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' <<<"$total")
echo "${p:-0} passed, ${f:-1} failed"
exit $status
