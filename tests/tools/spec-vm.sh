#!/bin/bash
# The official WebAssembly test suite inside VMs, through a guest image that runs test scripts (tests/spec/guest.c):
#
#   tests/tools/spec-vm.sh WASMVM IMAGE SCRIPTER [PART]
#
# IMAGE: build/tests/script.elf; SCRIPTER: build/host/spec-script; PART: only files whose names hold it.
#
# Each file is a test script (tests/spec/script.h) and a VM.  What a VM did not come to counts as failed.
set -u
cd "$(dirname "$0")/../.." || exit 2
wasmvm=$1 image=$2 scripter=$3 part=${4:-}
if ! (: <>/dev/kvm) 2>/dev/null; then
    echo "spec-vm: no /dev/kvm"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
# shellcheck source=tests/tools/spec-suite.sh
. tests/tools/spec-suite.sh
scripts=build/spec-vm
rm -rf "$scripts" && mkdir -p "$scripts"
passed=0 failed=0 changed=0
# shellcheck disable=SC2086
"$scripter" "$scripts" $directories >"$scripts/list" || {
    echo "spec-vm: not all of the suite became scripts"
    failed=1
}

while read -r name count; do
    case $name in *"$part"*) ;; *) continue ;; esac
    "$wasmvm" --guest-image "$image" --memory 4G --stack 1M --timeout 600 "$scripts/$name.script" \
        >"$scripts/$name.log" 2>&1 </dev/null
    status=$?
    p=0 f=0 c=0
    last=$(sed -n 's/^wasmvm: .* is a test script: //p' "$scripts/$name.log" | tail -n 1)
    read -r p _ f _ c _ <<<"${last//,/} 0 0 0"
    [ -n "$last" ] || c=0
    lost=$((count - p - f - c))
    if [ "$f" -ne 0 ] || [ "$lost" -ne 0 ] || [ "$status" -ne 0 ]; then
        echo "$name: status $status, $p passed, $f failed, $lost not run"
        sed 's/^/    /' "$scripts/$name.log" | head -n 24
        [ "$f" -ne 0 ] || [ "$lost" -ne 0 ] || f=1
    fi
    passed=$((passed + p)) failed=$((failed + f + lost)) changed=$((changed + c))
done <"$scripts/list"

# What the CPU says of broken code is no trap of the module's: invalid opcode, and a general protection fault.
broken() { # BYTE, the words wanted
    case broken in *"$part"*) ;; *) return ;; esac
    printf "fault\\x$1" >"$scripts/broken"
    "$wasmvm" --guest-image "$image" --memory 64M --stack 1M "$scripts/broken" >"$scripts/broken.log" 2>&1 </dev/null
    status=$?
    if [ "$status" = 137 ] && grep -qF "$2" "$scripts/broken.log"; then
        passed=$((passed + 1))
    else
        echo "broken code: status $status, not 137 with: $2"
        sed 's/^/    /' "$scripts/broken.log" | head -n 24
        failed=$((failed + 1))
    fi
}
broken 06 "invalid opcode (vector 6"
broken f4 "general protection (vector 13"

echo "spec-vm: $(wc -l <"$scripts/list") files, each in a VM; $changed commands changed by later standards"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
