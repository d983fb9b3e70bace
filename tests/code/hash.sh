#!/bin/bash
# Machine code of a corpus, as hashes: tests/code/hash.sh CODE-HASH CORPUS OUT
#
# CORPUS is a folder of .wasm files and of the official suite's folders.  Each file of the top is compiled by itself,
# with linear memory elsewhere, at address 0, and there as on an old CPU; each of the suite's folders as a whole, the
# same ways.  OUT gets one file for each.  To compare two builds, run both and `diff -r` what they wrote.
set -u
hash=$1 corpus=$2 out=$3
mkdir -p "$out"
run() { # NAME FILE...
    local name=$1
    shift
    "$hash" "$@" >"$out/$name.txt" || echo "$name: failed"
    "$hash" -z "$@" >"$out/$name-zero.txt" || echo "$name at 0: failed"
    "$hash" -z -w 0x7e "$@" >"$out/$name-old.txt" || echo "$name, old CPU: failed"
}
for file in "$corpus"/*.wasm; do
    run "$(basename "$file" .wasm)" "$file"
done
for folder in "$corpus"/*/testdata; do
    mapfile -t files < <(find "$folder" -name '*.wasm' | LC_ALL=C sort)
    run "$(basename "$(dirname "$folder")")" "${files[@]}"
done
echo "$(cat "$out"/*.txt | wc -l) lines in $(find "$out" -name '*.txt' | wc -l) files"
