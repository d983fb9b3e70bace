#!/bin/sh
# Builds the test images of this folder and runs each by `wasmvm --guest-image`.  What an image must come to stands
# at its head (guest.h).  Usage: tests/hostile/run.sh WASMVM [image names].  With BUILD=DIR images go to DIR/hostile;
# with STEP=build they are only built, with STEP=run only run (on a machine without a compiler).  With FROM=image each
# runs out of an image to ship instead, which forge.py makes of an honest one: without those that survive faults, as a
# fault then goes to the guest image's own handler.
set -u
export WASMVM_CACHE="${WASMVM_CACHE:-off}" # no run writes into a home
cd "$(dirname "$0")/../.."
WASMVM=${1:-build/wasmvm}
OUT=${BUILD:-build}/hostile
CC=${CC:-gcc}
STEP=${STEP:-all}
FROM=${FROM:-guest-image}
CFLAGS="-std=c11 -O2 -g -Wall -Wextra -Werror -I. -ffreestanding -fpie -fvisibility=hidden -fno-stack-protector
    -fcf-protection=none -fno-asynchronous-unwind-tables -fno-delete-null-pointer-checks -fno-strict-aliasing"
LDFLAGS="-nostdlib -static -Wl,-T,guest/link.ld -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack"
mkdir -p "$OUT"
passed=0 failed=0

# The words after the key, at the head of the image's source.
head_of() {
    sed -n "s/^[ /]*\* *$2 *\(.*\)/\1/p" "tests/hostile/$1.c" | sed 's| *\*/$||' | head -1
}

build() {
    [ "$STEP" != run ] || return 0
    $CC $CFLAGS $LDFLAGS -o "$OUT/$1.elf" guest/start.S guest/entry.S guest/note.c \
        tests/hostile/kit.S tests/hostile/kit.c \
        "tests/hostile/$1.c" || return
    plugin=$(head_of "$1" PLUGIN)
    [ -z "$plugin" ] || $CC -std=c11 -O2 -I. -shared -fPIC -o "$OUT/$1.so" "$plugin" || return
    [ "$FROM" != image ] || build_image "$1"
}

# An honest image with the same host functions, then the forged one.
build_image() {
    with=
    [ ! -e "$OUT/$1.so" ] || with="--memory 32M --plugin $OUT/$1.so"
    $CC $CFLAGS -nostdlib -static -Wl,-T,tests/hostile/shipped.ld -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
        -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -o "$OUT/$1.ship.elf" guest/start.S tests/hostile/shipped.S \
        tests/hostile/kit.S tests/hostile/kit.c "tests/hostile/$1.c" &&
        "$WASMVM" build $with "$OUT/start.wasm" -o "$OUT/$1.good.img" &&
        tests/hostile/forge.py "$OUT/$1.good.img" "$OUT/$1.ship.elf" "$OUT/$1.img"
}

now_ms() {
    read -r up rest </proc/uptime
    echo "${up%.*}${up#*.}0"
}

ulimit -f 131072 # 64 MiB a file: a hostile guest may write to stderr as long as it runs

# A pipe that takes what a pipe takes, and that nobody reads; held open as descriptor 9.
full_pipe() {
    rm -f "$OUT/full.fifo"
    mkfifo "$OUT/full.fifo"
    exec 9<>"$OUT/full.fifo"
}

# How many milliseconds late a native program is ended that spins, and how long a start and an end of ours take.
native_late() {
    native=$(now_ms)
    timeout 0.3 sh -c 'while :; do :; done'
    native=$(($(now_ms) - native - 300))
    [ "$native" -gt 0 ] || native=0
    plain=$(now_ms)
    "$WASMVM" "$OUT/start.wasm" >/dev/null 2>&1
    native=$((native + $(now_ms) - plain))
}

# One run: status among those expected (a,b,c), the words on stderr, in time (2: too late, 1: anything else wrong).
run_once() {
    expect=$(head_of "$1" EXPECT) most=$(head_of "$1" MOST) options=$(head_of "$1" OPTIONS)
    # what a library's process shares is a file, for the limit above
    [ ! -e "$OUT/$1.so" ] || options="$options --memory 32M --plugin $OUT/$1.so"
    statuses=$(echo "$expect" | cut -d' ' -f1) words=$(echo "$expect" | cut -s -d' ' -f2-)
    stdout="$OUT/$1.out" full=$(head_of "$1" FULL)
    [ -z "$full" ] || full_pipe
    [ "$full" != stdout ] || stdout="$OUT/full.fifo"
    began=$(now_ms)
    signal=$(head_of "$1" SIGNAL) late="-s KILL 600"
    [ -z "$signal" ] || late="--preserve-status -k 60 -s $signal 0.3"
    what="--guest-image $OUT/$1.elf -- $OUT/empty.wasm"
    [ "$FROM" != image ] || what="--stats -- $OUT/$1.img"
    timeout $late "$WASMVM" $(echo "$options" | sed "s|FIFO|$OUT/full.fifo|") $what "$2" \
        </dev/null >"$stdout" 2>"$OUT/$1.err" 9>&-
    status=$?
    took=$(($(now_ms) - began))
    case ",$statuses," in *",$status,"*) ;; *) echo "status $status, not $statuses"; return 1 ;; esac
    if grep -q -e UNASKED -e Sanitizer "$OUT/$1.err"; then echo "stderr holds what it must not"; return 1; fi
    if [ "$FROM" = image ] && ! grep -q "^cache       warm" "$OUT/$1.err"; then
        echo "the image was not used"
        return 1
    fi
    if [ -n "$words" ] && ! grep -q -F -e "$words" "$OUT/$1.err"; then echo "stderr does not say: $words"; return 1; fi
    # Where no time is claimed, only what hangs takes so long.  An emulated machine is slower, and so is a busy one.
    most=$((${most:-400000} + ${SLACK_MS:-0} + usual))
    if [ "$took" -gt "$most" ]; then echo "took $took ms, more than $most"; return 2; fi
}

# Times are the least of a few runs, and as much longer as a native program takes meanwhile.
run_in_time() {
    usual=0
    for try in 1 2 3 4 5 6; do
        why=$(run_once "$1" "$2") && return 0
        [ $? = 2 ] || return 1
        native_late
        [ "$native" -le "$usual" ] || usual=$native
    done
    return 1
}

run() {
    runs=$(head_of "$1" RUNS) n=0
    build "$1" || { echo "FAIL $1: does not build"; failed=$((failed + 1)); return; }
    [ "$STEP" != build ] || return 0
    while [ "$n" -lt "${runs:-1}" ]; do
        if ! run_in_time "$1" "$n"; then
            echo "FAIL $1, run $n: $why"
            head -c 2000 "$OUT/$1.err" | sed 's/^/    /'
            failed=$((failed + 1))
            return
        fi
        n=$((n + 1))
    done
    passed=$((passed + 1))
}

[ $# -gt 0 ] && shift
[ $# -gt 0 ] || [ "$FROM" = image ] || all=yes
faults=
[ "$FROM" != image ] || faults="try_run\|guest_fault"
[ $# -gt 0 ] || set -- $(cd tests/hostile && ls ./*.c | sed 's|^\./||; s|\.c$||' | grep -v '^kit$' |
    while read -r name; do [ -n "$faults" ] && grep -q "$faults" "$name.c" || echo "$name"; done)
# Guest images that are refused: one line, 125.
refuse() { # file, words
    "$WASMVM" --guest-image "$1" -- "$OUT/empty.wasm" </dev/null >"$OUT/refused.out" 2>&1
    status=$?
    if [ "$status" = 125 ] && grep -q -F -e "$2" "$OUT/refused.out" && [ "$(wc -l <"$OUT/refused.out")" = 1 ]; then
        passed=$((passed + 1))
    else
        echo "FAIL $1: status $status, not 125 with: $2"
        sed 's/^/    /' "$OUT/refused.out"
        failed=$((failed + 1))
    fi
}

refused_build() {
    # Somebody else's note: without the section, objcopy may leave a segment that does not begin with its page.
    printf '\7\0\0\0\14\0\0\0\1\0\0\0others\0\0\143\0\0\0\1\0\0\0\1\0\0\0' >"$OUT/note"
    objcopy --update-section .note.wasmvm="$OUT/note" "$OUT/spin.elf" "$OUT/refused-noteless.elf"
    printf '\7\0\0\0\14\0\0\0\1\0\0\0wasmvm\0\0\143\0\0\0\1\0\0\0\1\0\0\0' >"$OUT/note"
    objcopy --update-section .note.wasmvm="$OUT/note" "$OUT/spin.elf" "$OUT/refused-version.elf"
    head -c 4096 "$OUT/spin.elf" >"$OUT/refused-truncated.elf"
    head -c 32 "$OUT/spin.elf" >"$OUT/refused-head.elf"
    objcopy --set-start 0x1000 "$OUT/spin.elf" "$OUT/refused-entry.elf"
}

refused() {
    [ "$STEP" = run ] || { build spin && refused_build; }
    [ "$STEP" = build ] && return
    refuse "$OUT/refused-noteless.elf" "the version note is missing"
    refuse "$OUT/refused-version.elf" "its guest interface is version 99"
    refuse "$OUT/refused-truncated.elf" "not usable"
    refuse "$OUT/refused-head.elf" "it is not an ELF file"
    refuse "$OUT/refused-entry.elf" "it has no entry point"
    refuse "$OUT/empty.wasm" "it is not an ELF file"
    refuse "$OUT" "it is no regular file"
    refuse "$OUT/nowhere.elf" "No such file"
}

if [ ! -w /dev/kvm ] && [ -z "${REQUIRE_KVM:-}" ] && [ "$STEP" != build ]; then
    echo "SKIPPED: all $# hostile guests: /dev/kvm cannot be used here (REQUIRE_KVM=1 makes this a failure)"
    echo "0 passed, 0 failed, $# skipped"
    exit 0
fi
printf 'x' >"$OUT/empty.wasm"
# No memory, an _initialize that does nothing, and the same as f.
printf '\0asm\1\0\0\0\1\4\1\140\0\0\3\2\1\0\7\23\2\13_initialize\0\0\1f\0\0\12\4\1\2\0\13' >"$OUT/start.wasm"
for image in "$@"; do run "$image"; done
[ -z "${all:-}" ] || refused
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
