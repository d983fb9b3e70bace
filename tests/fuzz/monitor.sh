#!/bin/bash
# The fuzz targets of the monitor (calls, frames, pages, dns, words, image, saved):
#
#   tests/fuzz/monitor.sh fuzz BUILD TARGET SECONDS   libFuzzer; goes on with what BUILD/fuzz/corpus-TARGET holds
#   tests/fuzz/monitor.sh minute BUILD TARGETS        the same from the kept inputs, seeded, a minute for all of them
#   tests/fuzz/monitor.sh replay BUILD TARGETS        what is kept, and what inputs.py makes, again under ASan and UBSan
#   tests/fuzz/monitor.sh lines BUILD TARGETS         which lines no input reaches, by function; it fails for one in the
#                                                     files of calls and pages that unreached.txt does not have
#
# Kept are regressions/TARGET/ (what was a fault once) and corpus/TARGET.tar.xz (what reached most, minimized).
set -u
cd "$(dirname "$0")/../.." || exit 2
how=$1 build=$2
shift 2
here=tests/fuzz
export UBSAN_OPTIONS=print_stacktrace=1
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

# What every way begins with; a minute has no time for all that inputs.py makes.
inputs() { # TARGET DIRECTORY
    $here/inputs.py "$1" "$2" || exit 2
    kept "$1" "$2"
}

kept() { # TARGET DIRECTORY
    mkdir -p "$2"
    [ ! -e $here/corpus/"$1".tar.xz ] || tar -xJf $here/corpus/"$1".tar.xz -C "$2" || exit 2
    ! ls $here/regressions/"$1"/* >/dev/null 2>&1 || cp $here/regressions/"$1"/* "$2" || exit 2
}

most_bytes() {
    case $1 in calls) echo 1552 ;; image) echo 8192 ;; saved) echo 70000 ;; *) echo 2048 ;; esac
}

# What ends a process of words is no leak: its memory goes with it.
leaks() {
    [ "$1" != words ]
    echo $((1 - $?))
}

fuzz() { # TARGET SECONDS CORPUS SEEDS [OPTIONS...]
    local target=$1 seconds=$2 corpus=$3 seeds=$4
    shift 4
    mkdir -p "$build/fuzz/found" "$corpus"
    ASAN_OPTIONS=detect_leaks=$(leaks "$target") "$build/fuzz/$target" -rss_limit_mb=2000 -timeout=60 \
        -max_len="$(most_bytes "$target")" -dict="$here/$target.dict" -reload=0 -print_final_stats=1 \
        -max_total_time="$seconds" -artifact_prefix="$build/fuzz/found/$target-" "$@" "$corpus" "$seeds"
}

judge() { # NAME STATUS FILE
    if [ "$2" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1:"
        grep -anE -B 1 -A 14 'finding:|ERROR:|runtime error' "$3" | head -n 40 || tail -n 5 "$3"
    fi
}

minute() {
    local seconds=$((60 / $#))
    for target in "$@"; do
        kept "$target" "$dir/$target"
        fuzz "$target" $seconds "$dir/new-$target" "$dir/$target" -seed=1 >"$dir/out" 2>&1
        judge "$target" $? "$dir/out"
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/out")
        echo "$target: $(find "$dir/$target" -type f | wc -l) inputs kept, $runs runs," \
            "$(grep -aoE 'cov: [0-9]+' "$dir/out" | tail -n 1)"
    done
}

replay() {
    for target in "$@"; do
        inputs "$target" "$dir/$target"
        find "$dir/$target" -type f | sort >"$dir/list"
        FUZZ_THREAD=1 ASAN_OPTIONS=detect_leaks=$(leaks "$target") xargs -a "$dir/list" -d '\n' -n 4000 timeout 600 \
            "$build/san/fuzz-$target" >"$dir/out" 2>&1
        judge "$target" $? "$dir/out"
        echo "$target: $(wc -l <"$dir/list") inputs"
    done
}

# The files that a target is for.
subject() {
    case $1 in
    calls) echo vmm/wasi vmm/net vmm/machine/guestmem.c ;;
    frames) echo vmm/cli/plugin_frame.c vmm/base/frame.c ;;
    pages) echo vmm/base/turns.c vmm/cli/plugin_apart.c ;;
    dns) echo vmm/net/message.c ;;
    words) echo vmm/cli/words.c vmm/cli/options.c vmm/cli/values.c vmm/cli/given.c ;;
    image) echo vmm/machine/image.c ;;
    saved) echo vmm/cache/saved.c ;;
    esac
}

# Of gcov's lines of a file: `FILE FUNCTION LINE` for each that is not reached, and how many there are in all.
missed() { # FILE
    local target # that includes it
    target=$(grep -l "^#include \"$1\"" $here/*.c)
    target=${target:-$1}
    gcov -r -t -o "$build/covered/${target%.c}.o" "$1" 2>/dev/null | awk -F: -v source="$1" '
        /:Source:/ { in_it = $NF == source }
        !in_it || $2 + 0 == 0 { next }
        { text = substr($0, index($0, $2 ":") + length($2) + 1) }
        text ~ /^[A-Za-z_].*\(/ && text !~ /;$/ { name = text; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
        $1 ~ /#####/ { print source, name, $2 + 0 }
        $1 ~ /[0-9#]/ { all++ }
        END { print source, "-", all + 0 }'
}

# What is missed, against what unreached.txt has.
judge_lines() {
    awk -v listed=$here/unreached.txt '
        BEGIN {
            while ((getline line < listed) > 0)
                if (line ~ /^vmm/) { split(line, w, " "); known[w[1] " " w[2]] = 1 }
        }
        $2 == "-" { printf "%-30s %4d of %4d lines\n", $1, $3 - n, $3; reached += $3 - n; all += $3; n = 0; next }
        { n++; at = $1 " " $2; found[at] = found[at] " " $3 }
        END {
            for (at in found) {
                held = at ~ /^vmm\/(wasi|net)\/|guestmem|turns|plugin_apart/
                if (at in known) continue
                print (held ? "not in unreached.txt: " : "not reached: ") at ":" found[at]
                bad += held
            }
            for (at in known) if (!(at in found)) { print "in unreached.txt, and reached: " at; bad++ }
            printf "%d of %d lines\n", reached, all
            exit bad > 0
        }' "$1"
}

lines() {
    find "$build/covered" -name '*.gcda' -delete
    for target in "$@"; do
        inputs "$target" "$dir/$target"
        [ ! -d "$build/fuzz/corpus-$target" ] || cp "$build/fuzz/corpus-$target"/* "$dir/$target"
        find "$dir/$target" -type f | xargs -d '\n' -n 4000 "$build/covered/fuzz-$target" >/dev/null 2>&1
    done
    for target in "$@"; do
        find $(subject "$target") -name '*.c' | sort | while read -r source; do missed "$source"; done
    done >"$dir/missed"
    judge_lines "$dir/missed"
}

case $how in
fuzz)
    inputs "$1" "$dir/seeds"
    fuzz "$1" "$2" "$build/fuzz/corpus-$1" "$dir/seeds"
    exit
    ;;
lines) lines "$@"; exit ;;
minute | replay) "$how" "$@" ;;
esac
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
