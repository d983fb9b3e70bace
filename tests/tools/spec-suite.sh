# Sourced by spec.sh and spec-vm.sh, at the repository's top: fetches the official suite, converts our own scripts.
# Afterwards $directories names the folders of .json; where there is no suite, the caller's part is skipped and ended.
#
# The suite, converted to .json and .wasm, is part of a Go module; $suite is a link into Go's cache of modules.
module=github.com/tetratelabs/wazero@v1.12.0
sum=h1:DuWcpNu/FzgEXgGBDp8J1Spc+CWOvvtvVyjKlaZopYU=
suite=build/cache/spec-suite
fetch_suite() {
    local answer folder
    answer=$(tests/tools/go.sh pinned mod download -json "$module") || { echo "$answer"; return 1; }
    grep -qF "\"Sum\": \"$sum\"" <<<"$answer" || { echo "spec: $module is not what it was: $answer"; return 1; }
    folder=$(sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p' <<<"$answer")
    mkdir -p build/cache && ln -sfn "$folder/internal/integration_test/spectest" "$suite"
}
if [ ! -d $suite/v2 ] && ! fetch_suite; then
    echo "spec: the official suite cannot be had"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
directories=$(find $suite/{v1,v2,extended-const,tail-call} -name '*.json' -printf '%h\n' | sort -u)

# Our own scripts, where there is something to convert them with.
own=build/spec-own
if command -v wast2json >/dev/null; then
    mkdir -p "$own"
    for script in tests/spec/own/*.wast; do
        wast2json --enable-multi-memory --enable-tail-call "$script" \
            -o "$own/$(basename "$script" .wast).json" || exit 1
    done
    # As newer converters write several answers that are right: the one of either.wast is the second here.
    sed -i 's/"expected": \[/"either": [{"type": "i32", "value": "1"}, /' "$own/either.json"
    directories="$directories $own"
else
    echo "spec: wast2json is not there: tests/spec/own is not run"
fi
mkdir -p build/logs
