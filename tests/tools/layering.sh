#!/bin/bash
# Checks who may include what (docs/architecture.md has the picture):
#
#   engine/     engine/ and freestanding standard headers      guest/   engine/engine.h, wasi-shim/, guest/
#   wasi-shim/  wasi-shim/ and engine/engine.h                 vmm/     vmm/ and wasi-shim/abi.h
#
#   vmm/cli/    itself, libwasmvm's face and words; the rest of vmm/ has nothing of it
#
# Includes are written from the repository root, an included file exists, no header includes itself by a detour.
# Each file is one check.  The last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/../.." || exit 2
freestanding=' stdarg.h stdbool.h stddef.h stdint.h stdalign.h stdnoreturn.h limits.h float.h immintrin.h cpuid.h '
passed=0 failed=0

face=' vmm/wasmvm.h vmm/wasmvm_plugin.h vmm/base/message.h '

allowed() { # FILE INCLUDED: may FILE include it by "..."?
    case $1 in
    engine/*) case $2 in engine/*) return 0 ;; esac ;;
    wasi-shim/*) case $2 in wasi-shim/* | engine/engine.h) return 0 ;; esac ;;
    guest/*) case $2 in guest/* | wasi-shim/* | engine/engine.h) return 0 ;; esac ;;
    vmm/cli/*)
        case $2 in vmm/cli/*) return 0 ;; esac
        case $face in *" $2 "*) return 0 ;; esac ;;
    vmm/*)
        case $2 in vmm/cli/*) return 1 ;; vmm/* | wasi-shim/abi.h | wasi-shim/calls.def) return 0 ;; esac ;;
    esac
    return 1
}

check() { # FILE: prints what is wrong
    local file=$1 line
    while read -r line; do
        case $line in
        '"'*)
            line=${line#\"} line=${line%\"}
            # Public headers lie beside each other where they are installed.
            [ "$file $line" = "vmm/wasmvm.h wasmvm_plugin.h" ] && continue
            [ -e "$line" ] || echo "$file: includes \"$line\", which is not there (paths begin at the root)"
            allowed "$file" "$line" || echo "$file: may not include \"$line\""
            ;;
        '<'*)
            line=${line#<} line=${line%>}
            case $file in
            vmm/*) ;;
            *) case $freestanding in *" $line "*) ;; *) echo "$file: may not include <$line>" ;; esac ;;
            esac
            ;;
        esac
    done < <(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*\(["<][^">]*[">]\).*/\1/p' "$file")
}

reaches() { # HEADER TARGET: does HEADER include TARGET, directly or not?
    local seen=" " queue=("$1") at next
    while [ ${#queue[@]} -gt 0 ]; do
        at=${queue[0]} queue=("${queue[@]:1}")
        [ -e "$at" ] || continue
        while read -r next; do
            [ "$next" = "$2" ] && return 0
            case $seen in *" $next "*) ;; *) seen+="$next " && queue+=("$next") ;; esac
        done < <(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$at")
    done
    return 1
}

for file in {engine,engine/*,wasi-shim,guest,vmm,vmm/*}/*.{[chS],def}; do
    [ -e "$file" ] || continue
    wrong=$(check "$file")
    case $file in *.h) reaches "$file" "$file" && wrong+="$file: includes itself by a detour" ;; esac
    case $file in
    engine/x64/*) ;;
    *.[ch]) grep -nE '#[[:space:]]*if.*__(x86_64|i386|aarch64|amd64)__' "$file" &&
        wrong+="$file: architecture #ifdef" ;;
    esac
    if [ -n "$wrong" ]; then
        echo "$wrong"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
