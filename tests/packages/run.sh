#!/bin/bash
# The Debian packages and what they bring: run.sh BUILD.  Needs root and network; make test-packages.
#
# Builds them twice, compares, and installs them with apt in a Debian 12 that has nothing else.  There an ordinary user
# of the group kvm runs a module, and a program is compiled against the library.  Without /dev/kvm what needs it is
# skipped, and said.  Each thing is one check; the last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=$1
passed=0 failed=0 skipped=0
root=$(mktemp -d /var/tmp/wasmvm-packages.XXXXXX) || exit 2
trap 'rm -rf --one-file-system "$root"' EXIT
chmod 755 "$root"

check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$root.log" 2>&1; then
        echo "passed  $name"
        passed=$((passed + 1))
    else
        echo "failed  $name"
        tail -n 12 "$root.log" | sed 's/^/    /'
        failed=$((failed + 1))
    fi
    rm -f "$root.log"
}

inside() { # COMMAND: in the other Debian, whose mounts end with the command
    unshare --mount --propagation private sh -c '
        root=$1; shift
        mount --rbind /proc "$root/proc"
        exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -ec "$1"' \
        sh "$root" "$1"
}

# ---- built twice ----

twice() {
    packaging/deb.sh "$version" "$build/deb" &&
        packaging/deb.sh "$version" "$build/deb.again" &&
        (cd "$build/deb" && sha256sum -- *.deb) >"$build/deb.sums" &&
        (cd "$build/deb.again" && sha256sum -c --quiet) <"$build/deb.sums"
}

version=$(sed -n 's/^VERSION := //p' Makefile)
check "lintian finds nothing, and the same commit gives the same packages" twice

# ---- what is in them ----

sbom() { # each file by its hash, each library of a binary by the package that this machine has of it
    make -s sbom && python3 - "$build" "$version" <<'END'
import hashlib, json, os, subprocess, sys
build, version = sys.argv[1:]
bill = json.load(open(f"{build}/wasmvm-{version}.spdx.json"))
assert bill["spdxVersion"] == "SPDX-2.3"
ids = ["SPDXRef-DOCUMENT"] + [x["SPDXID"] for x in bill["packages"] + bill["files"]]
assert len(set(ids)) == len(ids), ids
assert all(r[end] in ids for r in bill["relationships"] for end in ("spdxElementId", "relatedSpdxElement"))
sources = {p["sourceInfo"].split()[-1] for p in bill["packages"]}
def said(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode()
def source_of(library):
    owner = said("dpkg", "-S", "*/" + library).split(": ")[0]
    return said("dpkg-query", "-Wf", "${source:Package}", owner)
names = {p["name"]: p["versionInfo"] for p in bill["packages"]}
for f in bill["files"]:
    path = next(p for p in (f"{build}/{f['fileName']}", f"{build}/lib/{f['fileName']}") if os.path.exists(p))
    data = open(path, "rb").read()
    assert {"algorithm": "SHA256", "checksumValue": hashlib.sha256(data).hexdigest()} in f["checksums"], f
    needed = said("objdump", "-p", path)
    for library in (line.split()[1] for line in needed.splitlines() if line.startswith("  NEEDED")):
        assert source_of(library) in sources, (path, library)
for name, has in names.items():
    if name != "wasmvm":
        assert said("dpkg-query", "-Wf", "${Version}", name) == has
END
}
check "the bill of materials is true" sbom

# ---- units and completions ----

units() {
    mkdir "$root/units" && cp packaging/systemd/* "$root/units" &&
        sed -i 's,/usr/bin/wasmvm,/bin/true,' "$root"/units/*.service &&
        systemd-analyze verify "$root"/units/*.socket "$root/units/wasmvm-app.service" 2>&1 |
        { ! grep -v "^$" | grep "$root/units"; }
}
check "systemd finds nothing in the example units" units

completed() { # SHELL WORDS WANTED
    local found
    case $1 in
    bash) found=$(bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wasmvm
        printf "%s\n" "${COMPREPLY[@]}"' - "$build/completions/bash" "${@:2:$#-2}") ;;
    fish) found=$(fish -c 'source $argv[1]; complete -C "$argv[2]"' "$build/completions/fish" "${*:2:$#-2}") ;;
    esac
    grep -qwF -e "${*: -1}" <<<"$found" || { echo "$1 ${*:2}: $found"; false; }
}
if make -s completions; then
    for shell in bash fish; do
        check "$shell completes an option" completed $shell wasmvm --allow-con --allow-connect
        check "$shell completes a subcommand" completed $shell wasmvm g go
        check "$shell completes a choice" completed $shell wasmvm --hypercall "" poll
    done
    check "zsh reads its completions" zsh -n "$build/completions/zsh"
else
    echo "failed  completions are made" && failed=$((failed + 1))
fi

# ---- installed ----

check "a Debian of its own is made" debootstrap --variant=minbase bookworm "$root"
cp -r /etc/apt/sources.list* /etc/apt/apt.conf.d "$root/etc/apt/" 2>/dev/null
cp /etc/resolv.conf /etc/hosts "$root/etc/"
mkdir -p "$root/etc/ssl/certs" && cp -r /etc/ssl/certs/. "$root/etc/ssl/certs/"
mkdir -p "$root/srv" && cp "$build"/deb/*.deb images/demo.wasm "$root/srv/"
# The first program of docs/embedding.md.
sed -n '/^```c$/,/^```$/p' docs/embedding.md | sed '1d; /^```$/q' | sed '$d' >"$root/srv/embed.c"
check "apt installs the command" inside 'apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
    --no-install-recommends /srv/wasmvm_*.deb /srv/wasmvm-oci_*.deb \
    /srv/libwasmvm0_*.deb /srv/libwasmvm-dev_*.deb gcc libc6-dev pkg-config man-db'
check "it tells its version" inside "[ \"\$(wasmvm --version)\" = 'wasmvm $version' ]"
check "its man pages are there" inside 'zcat -f /usr/share/man/man1/wasmvm.1* \
    /usr/share/man/man1/wasmvm-go.1* \
    /usr/share/man/man1/wasmvm-oci.1* | grep -q .'
check "its pages reach each other and their pictures" inside 'cd /usr/share/doc/wasmvm && ls docs/pictures/*.svg &&
    grep -oE "\]\((docs|pictures)/[a-z/]+\.(md|svg)" README.md docs/*.md | while IFS=: read -r page link; do
        test -f "$(dirname "$page")/${link#*\(}" || { echo "$page: $link" && exit 1; }
    done'
check "wasmvm go finds its own program" inside \
    'wasmvm go run . 2>&1 | grep -q "go: "; wasmvm go --help | grep -q overlay'
check "the runtime of containers hands on to runc" inside 'wasmvm-oci --version | grep -q runc'
check "a program is compiled against the library" inside \
    'cd /srv && gcc -o embed embed.c $(pkg-config --cflags --libs wasmvm) && gcc -static-libgcc -o embed-a embed.c \
        $(pkg-config --cflags wasmvm) -Wl,-Bstatic -lwasmvm -Wl,-Bdynamic $(pkg-config --libs --static wasmvm)'
if (: <>/dev/kvm) 2>/dev/null; then
    # As udev makes it on a user's machine.
    check "there is a user of the group kvm" inside 'groupadd -f -r kvm && useradd -m -G kvm someone &&
        mknod -m 660 /dev/kvm c 10 232 && chgrp kvm /dev/kvm'
    check "a user of the group runs a module" inside \
        'su someone -c "cd; mkdir data; echo hello >data/file
            wasmvm --dir data::/data --env GREETING=hi /srv/demo.wasm /data"'
    check "the program compiled against the library runs one" inside \
        'cd /srv && ./embed demo.wasm && ./embed-a demo.wasm'
else
    echo "skipped  what runs a module: no /dev/kvm"
    skipped=2
    [ "${REQUIRE_KVM:-}" != 1 ] || failed=$((failed + skipped))
fi
check "removing it leaves nothing" inside '
    apt-get -qq purge -y wasmvm wasmvm-oci libwasmvm0 libwasmvm-dev >/dev/null
    left=$(find /bin/ /etc /lib/ /usr -xdev -name "*wasmvm*"); echo "$left"; [ -z "$left" ]'

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
