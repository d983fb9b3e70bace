#!/bin/bash
# wasmvm, whose modules become images to ship first: BUILD/modes/shipped/wasmvm ARGS...
#
# The first word that is a module's file is replaced by its image, under the same name; where it has none, it stays.
# Tests get this in wasmvm's place, with copies of their modules.
here=$(dirname -- "$(realpath -- "$0")")
real=$here/../../wasmvm
for word in "$@"; do
    [ "$word" != build ] || break
    [ -f "$word" ] && [ ! -L "$word" ] && [ -w "$word" ] || continue
    [ "$(head -c 4 -- "$word" | od -An -tx1)" = " 00 61 73 6d" ] || continue
    if "$real" build "$word" -o "$word.img" </dev/null >/dev/null 2>&1; then
        mv -- "$word.img" "$word"
    fi
    break
done
exec -a "$(basename -- "$0")" "$real" "$@"
