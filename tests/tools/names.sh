#!/bin/bash
# Checks that what comments and documents name is there: one check a file.  `N passed, N failed` at the end.
#
# A name that ends like a source file is one of the tree, by its whole path or the last parts of it.  In a comment of
# the sources, a word with an underscore (a function, a field) stands somewhere in code as well, also in a test's.
set -u
cd "$(dirname "$0")/../.." || exit 2

# Go's and Linux's files; words of WebAssembly, of WASI, of documents.
elsewhere='runtime/symtab.go magic.h'
words='trunc_sat snapshot_preview1 name_out'

find . \( -path ./build -o -path ./.git -o -name __pycache__ \) -prune -o -type f -printf '%P\n' | sort |
    awk -v elsewhere="$elsewhere" -v words="$words" '
    # What of the line is comment, where C has it; the rest goes to `code`.
    function comment_of(line,    at, out) {
        out = code = ""
        for (;;) {
            at = index(line, inside ? "*/" : "/*")
            if (!at) break
            if (inside) out = out " " substr(line, 1, at - 1); else code = code substr(line, 1, at - 1) " "
            line = substr(line, at + 2)
            inside = !inside
        }
        if (inside) out = out " " line; else code = code line
        return out
    }
    function remember(text) {
        while (match(text, /[A-Za-z_][A-Za-z0-9_]*/)) {
            known[substr(text, RSTART, RLENGTH)] = 1
            text = substr(text, RSTART + RLENGTH)
        }
    }
    function wrong(what) { print file ":" number ": names " what ", which is not there"; bad[file] = 1 }
    function files_look(text,    name, before) {
        while (match(text, /[A-Za-z0-9_.\/:-]*[A-Za-z0-9_]\.(c|h|S|def|py|sh|pml|go|golden)/)) {
            name = substr(text, RSTART, RLENGTH)
            before = RSTART > 1 ? substr(text, RSTART - 1, 1) : ""
            text = substr(text, RSTART + RLENGTH)
            sub(/^(-+|(\.*\/)+)/, "", name)
            if (text ~ /^[A-Za-z0-9_]/ || text ~ /^\.[a-z]/ || before ~ /[<*]/ || name ~ /:/) continue
            if (!(name in there)) wrong(name)
        }
    }
    function words_look(text,    word) {
        while (match(text, /[A-Za-z0-9_.\/>]*[a-z0-9]_[A-Za-z0-9_.\/*]*/)) {
            word = substr(text, RSTART, RLENGTH)
            text = substr(text, RSTART + RLENGTH)
            sub(/\.$/, "", word)
            if (word ~ /^[a-z][a-z0-9]*(_[a-z0-9]+)+$/ && !(word in known)) wrong(word)
        }
    }
    BEGIN {
        n = split(elsewhere, list, " ")
        for (i = 1; i <= n; i++) there[list[i]] = 1
        remember(words)
    }
    {
        files[NR] = $0
        for (name = $0; ; name = substr(name, index(name, "/") + 1)) {
            there[name] = 1
            if (name !~ /\//) break
        }
    }
    END {
        for (i = 1; i <= NR; i++) {
            file = files[i]
            c = file ~ /\.([chS]|def|ld)$/
            page = file ~ /^[A-Z]+\.md$|^docs\// && file !~ /docs\/names\.md$/
            if (!c && !page && file !~ /\.(py|sh|go|mjs|pml)$/) continue
            number = inside = 0
            while ((getline line < file) > 0) {
                number++
                text = c ? comment_of(line) : line
                remember(c ? code : page ? "" : line)
                if (c || page) { told[++lines] = text; where[lines] = file; at[lines] = number }
            }
            close(file)
            looked[file] = c || page
        }
        for (i = 1; i <= lines; i++) {
            file = where[i]
            number = at[i]
            files_look(told[i])
            if (file ~ /^(engine|guest|wasi-shim|vmm|go|oci)\//) words_look(told[i])
        }
        for (file in looked) if (looked[file]) if (file in bad) failed++; else passed++
        printf "%d passed, %d failed\n", passed, failed
        exit failed > 0
    }'
