#!/bin/bash
# Checks who may include and call whom (docs/architecture.md has the picture):
#
#   engine/     engine/ and freestanding standard headers      guest/   engine/engine.h, wasi-shim/, guest/
#   wasi-shim/  wasi-shim/ and engine/engine.h                 vmm/     vmm/, wasi-shim/abi.h, calls.h, *.def
#   go/         go/                                            oci/     oci/
#
# The folders of vmm/ have an order; each may use those before it, by their faces: X/X.h, and what `faces` adds.
# vmm/cli/ has only libwasmvm's face, words, the bounds of settings, the cache's files, and plug-ins' libraries.
#
# engine/: load/ has nothing of the other folders, ir/ what load/ reads, x64/ has ir/, run/ all but the inside of x64/.
# What ir/ and run/ have of x64/ is x64/target.h, and no name of a register, of a condition code or of an SSE level.
#
#   layering.sh            the includes
#   layering.sh OBJECT...  also the calls: what an object of a folder of vmm/ lacks, no folder behind it defines
#
# Includes are written from the repository root, an included file exists, no header includes itself by a detour.
# Each file and each object is one check.  The last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/../.." || exit 2
freestanding=' stdarg.h stdbool.h stddef.h stdint.h stdalign.h stdnoreturn.h limits.h float.h immintrin.h cpuid.h '
passed=0 failed=0

order='base cache jail plugin machine wasi net run lib'
declare -A place=()
for folder in $order; do place[$folder]=${#place[@]}; done
faces=' vmm/base/message.h vmm/base/frame.h vmm/base/turns.h vmm/base/settings.def vmm/wasi/desc.h '
public=' vmm/wasmvm.h vmm/wasmvm_plugin.h '
command_line=' vmm/base/message.h vmm/base/frame.h vmm/base/turns.h vmm/base/settings.def vmm/cache/cache.h '
command_line+='vmm/plugin/plugin.h '

vmm_allowed() { # FOLDER FILE INCLUDED
    local other=${3#vmm/}
    case $3 in
    "vmm/$1/"*) return 0 ;;
    wasi-shim/abi.h | wasi-shim/calls.h | wasi-shim/calls.def | wasi-shim/known.def) [ "$1" != base ]; return ;;
    vmm/wasmvm.h) [ "$1" = lib ]; return ;;
    vmm/wasmvm_plugin.h) [ "$1" != base ]; return ;;
    vmm/*/*) other=${other%%/*} ;;
    *) return 1 ;;
    esac
    [ -n "${place[$other]:-}" ] && [ "${place[$other]}" -lt "${place[$1]}" ] || return 1
    [ "$3" = "vmm/$other/$other.h" ] || [[ $faces == *" $3 "* ]]
}

engine_allowed() { # FILE INCLUDED
    case $2 in
    engine/*/*) ;;
    engine/*) return 0 ;; # what all folders share
    *) return 1 ;;
    esac
    case $1 in
    engine/load/*) [[ $2 == engine/load/* ]] ;;
    engine/ir/*) [[ $2 == engine/ir/* || $2 == engine/load/reader.h || $2 == engine/load/opcodes.h ||
        $2 == engine/x64/target.h ]] ;;
    engine/x64/*) [[ $2 == engine/x64/* || $2 == engine/ir/ir.h || $2 == engine/run/runtime.def ]] ;;
    engine/run/*) [[ $2 == engine/run/* || $2 == engine/load/* || $2 == engine/x64/target.h ]] ;;
    *) [[ $2 == *.def || "$1 $2" == "engine/lib.h engine/x64/bytes.h" ]] ;;
    esac
}

cpu_words='R[A-D]X|R[SD]I|R[SB]P|R[89]|R1[0-5]|XMM[0-9]+|CC_[A-Z]+|ENGINE_(SSE|SSSE|AVX|BMI|LZCNT|POPCNT)[0-9]*'
cpu_names() { # FILE: names of the CPU's where they have no business
    case $1 in
    engine/ir/*.[ch] | engine/run/*.[ch] | engine/load/*.[ch])
        grep -noE "\\<($cpu_words)\\>" "$1" | sed "s,^,$1:," ;;
    esac
}

allowed() { # FILE INCLUDED: may FILE include it by "..."?
    local folder=${1#vmm/}
    case $1 in
    engine/*) engine_allowed "$1" "$2"; return ;;
    wasi-shim/*) case $2 in wasi-shim/* | engine/engine.h) return 0 ;; esac ;;
    go/*) case $2 in go/*) return 0 ;; esac ;;
    oci/*) case $2 in oci/*) return 0 ;; esac ;;
    guest/*) case $2 in guest/* | wasi-shim/* | engine/engine.h) return 0 ;; esac ;;
    vmm/cli/*) [[ $2 == vmm/cli/* || "$public $command_line" == *" $2 "* ]]; return ;;
    vmm/*/*)
        folder=${folder%%/*}
        [ -n "${place[$folder]:-}" ] || { echo "$1: vmm/$folder has no place in the order"; return 0; }
        vmm_allowed "$folder" "$1" "$2"
        return ;;
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
            vmm/* | go/* | oci/*) ;;
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

count() { # WHAT IS WRONG: one check
    if [ -n "$1" ]; then
        echo "$1"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}

for file in {engine,engine/*,wasi-shim,guest,vmm,vmm/*,go,oci}/*.{[chS],def}; do
    [ -e "$file" ] || continue
    wrong=$(check "$file" && cpu_names "$file")
    case $file in *.h) reaches "$file" "$file" && wrong+="$file: includes itself by a detour" ;; esac
    case $file in
    engine/x64/*) ;;
    *.[ch]) grep -nE '#[[:space:]]*if.*__(x86_64|i386|aarch64|amd64)__' "$file" &&
        wrong+="$file: architecture #ifdef" ;;
    esac
    count "$wrong"
done

# ---- calls ----

folder_of() { # OBJECT: PREFIX/vmm/FOLDER/FILE.o
    local path=${1##*/vmm/}
    echo "${path%%/*}"
}

called_up() { # OBJECT: what it calls of folders behind its own
    local folder file symbol definer
    folder=$(folder_of "$1")
    file=vmm/${1##*/vmm/}
    while read -r symbol; do
        definer=${defined[$symbol]:-}
        [ -n "$definer" ] && [ "${place[$definer]}" -gt "${place[$folder]}" ] || continue
        echo "${file%.o}: calls $symbol of vmm/$definer, which is behind it"
    done < <(nm --undefined-only --format=posix "$1" | cut -d' ' -f1)
}

declare -A defined=()
for object in "$@"; do
    folder=$(folder_of "$object")
    while read -r symbol _; do
        defined[$symbol]=$folder
    done < <(nm --defined-only --extern-only --format=posix "$object")
done
for object in "$@"; do count "$(called_up "$object")"; done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
