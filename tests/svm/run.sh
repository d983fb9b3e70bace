#!/bin/sh
# Runs inside the emulated machine, in the directory that svm.sh packed: golden cases, Go programs, hostile guests.
# Prints the counts of each and at last their sum: `svm: N passed, N failed, N skipped`.
export REQUIRE_KVM=1
passed=0 failed=0 skipped=0

part() {
    name=$1
    shift
    echo "== $name"
    "$@" >"/tmp/$name.log" 2>&1
    cat "/tmp/$name.log"
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "/tmp/$name.log" | tail -n 1 | tr -d ,)
    [ -n "$line" ] || line="0 passed 1 failed 0 skipped"
    set -- $line
    passed=$((passed + $1)) failed=$((failed + $3)) skipped=$((skipped + ${5:-0}))
}

golden=tests/golden
part golden bash $golden/run.sh build/wasmvm $golden/ends.golden $golden/module.golden $golden/report.golden
part go bash tests/golden/run.sh build/wasmvm tests/svm/go.golden
STEP=run SLACK_MS=300 part hostile sh tests/hostile/run.sh build/wasmvm
echo "svm: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
