# Sourced by spec.sh and spec-vm.sh, at the repository's top: unpacks the official suite, and converts our own scripts.
# Afterwards $directories names the folders of .json; where there is no suite, the caller's part is skipped and ended.
#
# The suite, converted to .json and .wasm, is an archive beside the clone (../shared/testdata) or named by WASM_SPEC.
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
        wast2json --enable-multi-memory --enable-tail-call "$script" \
            -o "$own/$(basename "$script" .wast).json" || exit 1
    done
    directories="$directories $own"
else
    echo "spec: wast2json is not there: tests/spec/own is not run"
fi
mkdir -p build/logs
