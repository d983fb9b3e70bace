#!/bin/bash
# Builds everything with one compiler, where every warning is an error: tests/tools/compile.sh CC BUILD_DIRECTORY
set -u
cd "$(dirname "$0")/../.." || exit 2
if ! command -v "$1" >/dev/null; then
    echo "compile: no $1 here"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
if make -s -j2 V= CC="$1" BUILD="$2" all; then
    echo "1 passed, 0 failed"
else
    echo "0 passed, 1 failed"
    exit 1
fi
