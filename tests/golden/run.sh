#!/bin/bash
# Runs the golden cases: a command, its input, and what it must print and end with, all in one file.
#
#   tests/golden/run.sh WASMVM [FILE.golden ...]
#
# A file holds cases; a line's first two characters say what it is:
#
#   $ a line of shell; several make one script        > a line of standard output, exactly
#   < a line of standard input                        ! a line of standard error, exactly
#   @ kvm, @ mounts   the case needs that (below)     ~ a line of standard error, as a shell pattern
#   = STATUS  the exit status; ends the case          # a remark
#
# Each case runs in an empty directory with wasmvm on PATH and $GOLDEN naming this folder.  Cases that need
# /dev/kvm, or mounts of their own, are skipped and counted without; with REQUIRE_KVM=1 a skip is a failure.
set -u
[ $# -ge 1 ] || { echo "usage: $0 WASMVM [FILE.golden ...]" >&2; exit 2; }
wasmvm=$(realpath -e -- "$1") || exit 2
GOLDEN=$(realpath -- "$(dirname -- "$0")")
export GOLDEN
shift
files=("$@")
[ ${#files[@]} -gt 0 ] || files=("$GOLDEN"/*.golden)

top=$(mktemp -d) || exit 2
trap 'rm -rf -- "$top"' EXIT
mkdir -- "$top/bin" && ln -s -- "$wasmvm" "$top/bin/wasmvm"
missing=" "
(: <>/dev/kvm) 2>/dev/null || missing+="kvm "
unshare -m true 2>/dev/null || unshare -rm true 2>/dev/null || missing+="mounts "
passed=0 failed=0 skipped=0

# Compares what was printed with the wanted lines; patterns are marked by a leading ~.
lines_match() {
    local -a got
    mapfile -t got <"$1"
    shift
    [ ${#got[@]} -eq $# ] || return 1
    local i=0 want
    for want in "$@"; do
        case $want in
        "~ "*) # shellcheck disable=SC2053
            [[ ${got[i]} == ${want#"~ "} ]] || return 1 ;;
        *) want=${want#?} && [ "${got[i]}" = "${want# }" ] || return 1 ;;
        esac
        i=$((i + 1))
    done
}

show() {
    local title=$1
    shift
    printf '    %s:\n' "$title"
    [ $# -eq 0 ] || printf '      %s\n' "$@"
}

run_case() {
    local place=$1 status=$2 got
    local lacks='' need
    for need in $needs; do
        [[ $missing != *" $need "* ]] || lacks=$need
    done
    if [ -n "$lacks" ]; then
        if [ "${REQUIRE_KVM:-}" = 1 ]; then
            failed=$((failed + 1))
            echo "FAILED  $place: no $lacks here"
        else
            skipped=$((skipped + 1))
        fi
        return
    fi
    rm -rf -- "$top/case" && mkdir -- "$top/case"
    (cd -- "$top/case" && env -i PATH="$top/bin:/usr/bin:/bin" GOLDEN="$GOLDEN" LC_ALL=C \
        timeout 600 sh -c "$script" <<<"$input" >"$top/stdout" 2>"$top/stderr")
    got=$?
    if [ "$got" = "$status" ] && lines_match "$top/stdout" "${stdout[@]}" &&
        lines_match "$top/stderr" "${stderr[@]}"; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "FAILED  $place: $script"
    [ "$got" = "$status" ] || echo "    status $got, not $status"
    lines_match "$top/stdout" "${stdout[@]}" || {
        show "stdout wanted" "${stdout[@]}"; mapfile -t got <"$top/stdout"; show "stdout" "${got[@]}"; }
    lines_match "$top/stderr" "${stderr[@]}" || {
        show "stderr wanted" "${stderr[@]}"; mapfile -t got <"$top/stderr"; show "stderr" "${got[@]}"; }
}

new_case() {
    script='' input='' needs='' stdout=() stderr=()
}

for file in "${files[@]}"; do
    new_case
    number=0
    while IFS= read -r line; do
        number=$((number + 1))
        case $line in
        '' | '#'*) ;;
        '$ '*) script+=${script:+$'\n'}${line#??} ;;
        '< '*) input+=${input:+$'\n'}${line#??} ;;
        '> '* | '>') stdout+=("$line") ;;
        '! '* | '~ '*) stderr+=("$line") ;;
        '@ kvm' | '@ mounts') needs+=" ${line#@ }" ;;
        '= '*) run_case "$(basename -- "$file"):$number" "${line#= }"; new_case ;;
        *) failed=$((failed + 1)); echo "FAILED  $file:$number: not a line of a case: $line" ;;
        esac
    done <"$file"
    [ -z "$script" ] || { failed=$((failed + 1)); echo "FAILED  $file: the last case has no status"; }
done

[ $skipped -eq 0 ] || echo "SKIPPED: $skipped golden cases need:$missing(REQUIRE_KVM=1 makes this a failure)"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
