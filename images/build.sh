#!/bin/sh
# Builds images/demo.wasm from images/demo with the pinned Go: images/build.sh OUTPUT.  The same bytes on every
# machine: no paths, no version control, no build id.
set -eu
case $1 in /*) out=$1 ;; *) out=$PWD/$1 ;; esac
cd "$(dirname "$0")/demo"
GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 ../../tests/tools/go.sh pinned build -trimpath -ldflags=-buildid= -o "$out" .
