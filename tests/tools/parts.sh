#!/bin/bash
# Runs parts of the tests one after the other and adds up what they counted.
#
#   tests/tools/parts.sh NAME=COMMAND ...
#
# Each part's last line must be `N passed, N failed` or `N passed, N failed, N skipped`; a part that ends without it
# counts as one failure, and so does a part that counts nothing, or no failure but has a bad status.  With
# REQUIRE_KVM=1 a skip is a failure; the parts see to that themselves, and here it is looked at again.
set -u
cd "$(dirname "$0")/../.." || exit 2
logs=build/logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0 table=""

for part in "$@"; do
    name=${part%%=*} command=${part#*=}
    echo "== $name: $command"
    start=$SECONDS
    bash -c "$command" 2>&1 | tee "$logs/$name.log"
    status=${PIPESTATUS[0]}
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$logs/$name.log" | tail -n 1)
    if [ -z "$line" ]; then
        line="0 passed, 1 failed"
        echo "$name: ended with status $status and no count"
    fi
    read -r p _ f _ s _ <<<"${line//,/} 0 0"
    case $line in *skipped*) ;; *) s=0 ;; esac
    if [ $((p + f + s)) -eq 0 ]; then
        f=1
        echo "$name: counted nothing"
    fi
    if [ "$f" -eq 0 ] && [ "$status" -ne 0 ]; then
        f=1
        echo "$name: counted no failure, but ended with status $status"
    fi
    if [ "$s" -gt 0 ] && [ "${REQUIRE_KVM:-}" = 1 ]; then
        echo "$name: $s skipped, which REQUIRE_KVM=1 makes failures"
        f=$((f + s)) s=0
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    table+=$(printf '   %-10s %6d passed %4d failed %4d skipped %5d s' "$name" "$p" "$f" "$s" $((SECONDS - start)))$'\n'
done

printf '\n%s' "$table"
if [ "$skipped" -gt 0 ]; then
    printf '\n** %d SKIPPED: this machine lacks what they need (REQUIRE_KVM=1 makes skips failures) **\n' "$skipped"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
