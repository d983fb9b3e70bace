#!/bin/bash
# A corpus to begin with: tests/fuzz/seeds.sh DIRECTORY.  Small modules of the spec suite (where `make spec` has
# fetched it), of generate.py, edges.py and rare_modules.py, of known_modules.py (by each Go that is here; none is
# fetched), of binaryen's -ttf (where wasm-opt is), and what was found before: faults, and corpus/module.tar.xz, which
# takes all ways through the compiler that a fuzzer had found.
set -eu
cd "$(dirname "$0")/../.."
out=$1
mkdir -p "$out"
tar -xJf tests/fuzz/corpus/module.tar.xz -C "$out"
for file in tests/fuzz/regressions/*/*.wasm; do
    cp "$file" "$out/$(cksum <"$file" | cut -d ' ' -f 1)"
done
if [ -d build/cache/spec-suite/ ]; then
    find build/cache/spec-suite/ -name '*.wasm' -size -8k -print0 | while IFS= read -r -d '' file; do
        cp "$file" "$out/$(cksum <"$file" | cut -d ' ' -f 1)"
    done
fi
for seed in $(seq 1 60); do
    python3 tests/fuzz/generate.py "$seed" >"$out/go-$seed"
done
for seed in $(seq 1 150); do # the small ones of these: they reach most of the compiler
    python3 tests/fuzz/edges.py "$seed" >"$out/edge-$seed"
done
python3 tests/fuzz/rare_modules.py "$out"
if command -v "${GO:-go}" >/dev/null; then
    GOPROXY=off python3 tests/fuzz/known_modules.py "$out"
else
    echo "seeds.sh: SKIPPED: bodies of Go's standard library: there is no go"
fi
find "$out" -type f -size +16 -delete # of 8 KiB and more
if command -v wasm-opt >/dev/null; then
    for seed in $(seq 1 40); do
        python3 -c "import random, sys; sys.stdout.buffer.write(random.Random($seed).randbytes(1500))" >"$out/in"
        wasm-opt -ttf "$out/in" -o "$out/ttf-$seed" --mvp-features --enable-multivalue --enable-bulk-memory \
            --enable-sign-ext --enable-nontrapping-float-to-int --enable-mutable-globals --enable-tail-call \
            --enable-simd >/dev/null 2>&1 || true
    done
    rm -f "$out/in"
fi
ls "$out" | wc -l
