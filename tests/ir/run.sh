#!/bin/bash
# What the compiler makes of small functions, pass by pass: tests/ir/run.sh [--update] WASM-DUMP [FILE.wat ...]
#
# A file is a module with two kinds of comments of its own:
#
#   ;;! flow,color 0 1     dump these passes of these functions (all, where no function is named); several such lines
#   ;;! -w 0x201 code 0    the same for a CPU with these features alone
#   ;;> a line that wasm-dump prints
#
# --update writes the ;;> lines anew, at the file's end.  `git diff` then shows what a change of the compiler changes.
# Where there is no wat2wasm all are skipped and counted; with REQUIRE_KVM=1 that is a failure.
set -u
update=no
[ "${1:-}" = --update ] && update=yes && shift
[ $# -ge 1 ] || { echo "usage: $0 [--update] WASM-DUMP [FILE.wat ...]" >&2; exit 2; }
dump=$1
shift
files=("$@")
[ ${#files[@]} -gt 0 ] || files=("$(dirname -- "$0")"/*.wat)
if ! command -v wat2wasm >/dev/null; then
    echo "SKIPPED: wat2wasm is not there (make deps)"
    echo "0 passed, 0 failed, ${#files[@]} skipped"
    [ "${REQUIRE_KVM:-}" != 1 ]
    exit
fi
top=$(mktemp -d) || exit 2
trap 'rm -rf -- "$top"' EXIT
passed=0 failed=0

got() { # FILE: what is dumped of it
    local words options
    wat2wasm --debug-names --enable-multi-memory --enable-tail-call -o "$top/module.wasm" "$1" || return
    while read -r -a words; do
        options=()
        [ "${words[0]}" = -w ] && options=(-w "${words[1]}") && words=("${words[@]:2}")
        "$dump" ${options[@]+"${options[@]}"} "${words[0]}" "$top/module.wasm" "${words[@]:1}" || return
    done < <(sed -n 's/^;;! //p' "$1")
}

for file in "${files[@]}"; do
    if ! got "$file" >"$top/got" 2>&1 || [ ! -s "$top/got" ]; then
        echo "FAILED  $file: no text"
        cat "$top/got"
        failed=$((failed + 1))
        continue
    fi
    if [ $update = yes ]; then
        { sed '/^;;>/d' "$file"; sed 's/^/;;> /; s/ *$//' "$top/got"; } >"$top/new" && cp "$top/new" "$file"
    fi
    if diff -u --label "$file: wanted" --label "$file: is" <(sed -n 's/^;;> \{0,1\}//p' "$file") "$top/got"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED  $file"
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
