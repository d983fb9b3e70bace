#!/bin/sh
# Runs inside the emulated machine, in the directory that svm.sh packed: golden cases, Go programs, hostile guests; once
# with build/wasmvm, or where there are build/modes/MODE/wasmvm (tests/tools/mode.c), once with each of them.
# Prints the counts of each and at last their sum: `svm: N passed, N failed, N skipped`.
export REQUIRE_KVM=1
passed=0 failed=0 skipped=0

now_s() {
    cut -d. -f1 /proc/uptime
}

part() {
    name=$1 began=$(now_s)
    shift
    echo "== $name"
    "$@" >"/tmp/$name.log" 2>&1
    cat "/tmp/$name.log"
    echo "   $name: $(($(now_s) - began)) s"
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "/tmp/$name.log" | tail -n 1 | tr -d ,)
    [ -n "$line" ] || line="0 passed 1 failed 0 skipped"
    set -- $line
    passed=$((passed + $1)) failed=$((failed + $3)) skipped=$((skipped + ${5:-0}))
}

# WASMVM; how its calls leave the guest: auto, exit or poll.
everything() {
    golden=tests/golden
    part "golden-$2" bash $golden/run.sh "$1" $golden/ends.golden $golden/module.golden $golden/report.golden
    part "go-$2" bash $golden/run.sh "$1" tests/svm/go.golden
    part "plugins-$2" bash $golden/run.sh "$1" tests/svm/plugins.golden
    rm -rf /tmp/embed && mkdir /tmp/embed && cp programs/registers.elf /tmp/embed
    part "embed-$2" programs/embed "$2" programs/program.wasm programs/reactor.wasm /tmp/embed words-and-status \
        host-functions imports-are-checked limits reactor memory ends-of-a-reactor little-stack stop-a-call \
        reset-is-as-new reset-hides reset-gives-memory-back reset-door reset-registers
    STEP=run SLACK_MS=300 part "hostile-$2" bash tests/hostile/run.sh "$1"
}

if [ -d build/modes ]; then
    for mode in build/modes/*; do everything "$mode/wasmvm" "${mode##*/}"; done
else
    everything build/wasmvm auto
fi
echo "svm: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
