#!/bin/bash
# The fuzz targets of the monitor (calls, frames, dns, words, image, saved):
#
#   tests/fuzz/monitor.sh fuzz BUILD TARGET SECONDS   libFuzzer; goes on with what BUILD/fuzz/corpus-TARGET holds
#   tests/fuzz/monitor.sh minute BUILD TARGETS        the same from the kept inputs, seeded, a minute for all of them
#   tests/fuzz/monitor.sh replay BUILD TARGETS        what is kept, and what inputs.py makes, again under ASan and UBSan
#   tests/fuzz/monitor.sh lines BUILD TARGETS         which lines no input reaches, by file
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

# What every way begins with.
inputs() { # TARGET DIRECTORY
    $here/inputs.py "$1" "$2" || exit 2
    [ ! -e $here/corpus/"$1".tar.xz ] || tar -xJf $here/corpus/"$1".tar.xz -C "$2" || exit 2
    ! ls $here/regressions/"$1"/* >/dev/null 2>&1 || cp $here/regressions/"$1"/* "$2" || exit 2
}

most_bytes() {
    case $1 in calls) echo 1032 ;; image) echo 8192 ;; saved) echo 70000 ;; *) echo 2048 ;; esac
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
        grep -nE -B 1 -A 14 'finding:|ERROR:|runtime error' "$3" | head -n 40 || tail -n 5 "$3"
    fi
}

minute() {
    local seconds=$((60 / $#))
    for target in "$@"; do
        inputs "$target" "$dir/$target"
        fuzz "$target" $seconds "$dir/new-$target" "$dir/$target" -seed=1 >"$dir/out" 2>&1
        judge "$target" $? "$dir/out"
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/out")
        echo "$target: $(find "$dir/$target" -type f | wc -l) inputs kept, $runs runs," \
            "$(grep -oE 'cov: [0-9]+' "$dir/out" | tail -n 1)"
    done
}

replay() {
    for target in "$@"; do
        inputs "$target" "$dir/$target"
        find "$dir/$target" -type f | sort >"$dir/list"
        ASAN_OPTIONS=detect_leaks=$(leaks "$target") xargs -a "$dir/list" -d '\n' -n 4000 timeout 600 \
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
    dns) echo vmm/net/message.c ;;
    words) echo vmm/cli/words.c vmm/cli/options.c vmm/cli/values.c vmm/cli/given.c ;;
    image) echo vmm/machine/image.c ;;
    saved) echo vmm/cache/saved.c ;;
    esac
}

lines() {
    find "$build/covered" -name '*.gcda' -delete
    for target in "$@"; do
        inputs "$target" "$dir/$target"
        [ ! -d "$build/fuzz/corpus-$target" ] || cp "$build/fuzz/corpus-$target"/* "$dir/$target"
        find "$dir/$target" -type f | xargs -d '\n' -n 4000 "$build/covered/fuzz-$target" >/dev/null 2>&1
    done
    for target in "$@"; do
        find $(subject "$target") -name '*.c' | sort | while read -r source; do
            gcov -r -t -o "$build/covered/${source%.c}.o" "$source" 2>/dev/null | awk -F: -v source="$source" '
                $1 ~ /#####/ { missed[++n] = $2 + 0 }
                $1 ~ /[0-9#]/ && $2 > 0 { all++ }
                END { if (all) { printf "%-30s %4d of %4d lines", source, all - n, all
                                 for (i = 1; i <= n; i++) printf "%s%d", i == 1 ? "; not " : ",", missed[i]
                                 print "" } }'
        done
    done
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
