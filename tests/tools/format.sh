#!/bin/bash
# Checks the look of every source file: one check a file.  `N passed, N failed` at the end.
#
# Rules: lines of at most 120 characters (100 in C), no tabs but where the language wants them, no blanks at line ends,
# a newline at the end; a C file begins with a comment, indents by fours and puts a function's brace on a line of its
# own; a file past 800 lines says why in its first 20 ("past 800 lines"); no marks of unfinished work or merges, no
# package hosts, no home directories. .clang-format holds the same for editors; it is not run here, as tables are laid
# out by hand.
set -u
cd "$(dirname "$0")/../.." || exit 2
passed=0 failed=0

look() { # FILE: prints what is wrong
    awk -v file="$1" '
        function wrong(what) { printf "%s:%d: %s\n", file, FNR, what }
        BEGIN {
            c = file ~ /\.[chS]$|\.def$/
            tabs = file ~ /\.go$|go\.mod$|Makefile$/
            unfinished = "TO" "DO|FIX" "ME|XX" "X|HA" "CK"
            hosts = "https?://[a-z.-]*(debian|npmjs|golang|pypi|pythonhosted)\\.[a-z]+|deb\\.debian|proxy\\.golang"
        }
        {
            n = length($0)
            most = file ~ /\.[ch]$/ ? 100 : 120
            if (n > most && !(file ~ /\.(md|1|json|golden)$/ )) wrong("line of " n " characters")
            if (/[ \t\r]$/ && !(file ~ /\.golden$/)) wrong("blanks at the end of the line")
            if (!tabs && /\t/ && !(file ~ /\.(golden|md|1)$/)) wrong("tab")
            if (/^(<<<<<<<|>>>>>>>) /) wrong("a mark of a merge")
            if ($0 ~ "(^|[^A-Za-z_])(" unfinished ")([^A-Za-z_]|$)") wrong("a mark of unfinished work")
            if ($0 ~ hosts) wrong("a package host")
            if (/(^|[ =:(])\/(root|home\/[a-z]+|work)\/[a-z.]/) wrong("a path of one machine")
            if (FNR == 1 && c && !/^\/\*/) wrong("no comment at the head")
            if (FNR <= 20 && /past 800 lines/) excused = 1
            # A head without a semicolon or a brace, at column 0, then `{` at its end: a function in the wrong style.
            if (c && /^[a-z_].*\).*\{$/ && !/=/ && !/^(enum|struct|union|static const struct)/ && !/^#/)
                wrong("a function'"'"'s brace stands on its own line")
            if (c && /^[ ]+(if|for|while|switch) ?\(.*\)$/) head = FNR
            if (c && /^ +\{$/ && head == FNR - 1) wrong("brace belongs to the line before")
        }
        END { if (FNR > 800 && !excused && c) wrong(FNR " lines and no excuse") }
    ' "$1"
    [ -z "$(tail -c 1 "$1")" ] || echo "$1: no newline at the end"
}

while read -r file; do
    [ -f "$file" ] || continue
    wrong=$(look "$file")
    if [ -n "$wrong" ]; then
        echo "$wrong"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
done < <(find . -path ./build -prune -o -path ./.git -prune -o -type f -printf '%P\n' |
    grep -E '\.([chS1]|def|sh|py|mjs|go|mod|ld|md|golden)$|(^|/)Makefile$|^\.ci/run$' | sort)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
