#!/bin/bash
# The VM tests on a machine with AMD-V, which QEMU emulates: tests/tools/svm.sh WASMVM [MODE...]
#
# With modes (exit, poll, auto) the tests run once with each as --hypercall, else once as it is.
# Debian's current cloud kernel and busybox-static are fetched and unpacked, not installed.  The initramfs holds them,
# bash and the libraries that wasmvm needs; the tests come as a tar on a read-only disk.  tests/svm/ has what runs
# inside. Last line: `N passed, N failed, N skipped`.
set -eu
cd "$(dirname "$0")/../.."
wasmvm=$1
shift
cache=build/cache/svm
work=build/svm
limit=${SVM_SECONDS:-1800} # of a machine that hangs, or of a busy one that emulates it
mkdir -p "$cache" "$work"

# The kernel package that Debian's cloud kernel now depends on.
kernel_package() {
    apt-cache depends linux-image-cloud-amd64 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

fetch() {
    kernel=$(kernel_package)
    if [ -z "$kernel" ]; then
        apt-get -qq update
        kernel=$(kernel_package)
    fi
    (cd "$cache" && apt-get -qq -o APT::Sandbox::User=root download "$kernel" busybox-static)
    for deb in "$cache"/*.deb; do dpkg-deb -x "$deb" "$cache/root"; done
    rm -f "$cache"/*.deb
    touch "$cache/complete"
}

# Copies a program and the libraries that it is linked with.
with_libraries() {
    install -D "$1" "$2"
    ldd "$1" | grep -o '/[^ ]*' | while read -r library; do
        [ -e "$root$library" ] || install -D "$library" "$root$library"
    done
}

pack_initramfs() {
    root=$work/initramfs
    rm -rf "$root"
    mkdir -p "$root/bin" "$root/usr/bin" "$root/modules"
    busybox=$(ls "$cache"/root/bin/busybox "$cache"/root/usr/bin/busybox 2>/dev/null | head -n 1)
    install "$busybox" "$root/bin/busybox"
    install -m 755 tests/svm/init.sh "$root/init"
    gcc -O2 -static -o "$root/bin/debug_exit" tests/svm/debug_exit.c
    for program in bash realpath dirname basename setpriv timeout; do # busybox has fewer options
        with_libraries "$(command -v $program)" "$root/usr/bin/$program"
    done
    with_libraries "$wasmvm-dynamic" "$root/bin/wasmvm-libraries" # with all of wasmvm-plugin-host's
    rm "$root/bin/wasmvm-libraries"
    for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk \
        irqbypass kvm kvm-amd; do
        file=$(find "$cache/root/lib/modules" -name "$module.ko" | head -n 1)
        [ -n "$file" ] || continue # built into the kernel
        cp "$file" "$root/modules/"
        echo "/modules/$module.ko" >>"$root/modules/order"
    done
    (cd "$root" && find . | cpio -o -H newc --quiet -R 0:0) | gzip -1 >"$work/initramfs.gz"
}

# Plug-ins of both kinds, and programs that link the library, with the modules that they run.
pack_host_functions() {
    to=$tests/programs examples=images/examples library=$(dirname "$wasmvm")/lib/libwasmvm.a
    gcc -std=c11 -O2 -I. -shared -fPIC -o "$to/plain.so" tests/plugins/plain.c
    gcc -O2 -static -o "$to/tickets" $examples/tickets/tickets.c
    gcc -std=c11 -O2 -Ivmm -o "$to/embed" tests/embed/*.c "$library" -lelf -lpthread
    python3 -c 'import sys; sys.path.insert(0, "tests/embed"); import run; run.guest_images(sys.argv[1])' "$to"
    gcc -std=c11 -O2 -Ivmm -o "$to/pricing" $examples/pricing/pricing.c "$library" -lelf -lpthread
    # Folder of a Go module, package, name, and what the build is given.
    while read -r folder package name flags; do
        # shellcheck disable=SC2086
        (cd "$folder" && nice "$OLDPWD/tests/tools/go.sh" pinned build -trimpath $flags -o "$OLDPWD/$to/$name.wasm" \
            "$package")
    done <<ROWS
$examples/tickets . tickets
$examples ./pricing pricing -buildmode=c-shared
tests/embed/guest ./program program
tests/embed/guest ./reactor reactor -buildmode=c-shared
ROWS
}

pack_tests() {
    tests=$work/tests
    rm -rf "$tests"
    mkdir -p "$tests/build" "$tests/tests" "$tests/programs" "$tests/guest"
    cp "$wasmvm" "$wasmvm-dynamic" "$wasmvm-plugin-host" "$tests/build/"
    for mode in "$@"; do
        mkdir -p "$tests/build/modes/$mode"
        gcc -O2 -static -D_GNU_SOURCE -I. -o "$tests/build/modes/$mode/wasmvm" tests/tools/mode.c
    done
    cp -r tests/golden tests/svm tests/hostile "$tests/tests/"
    if [ -x tests/hostile/run.sh ]; then
        STEP=build tests/hostile/run.sh "$wasmvm" >"$work/hostile.log" 2>&1 || { cat "$work/hostile.log"; exit 1; }
        cp -r build/hostile "$tests/build/"
    fi
    export GOOS=wasip1 GOARCH=wasm
    (cd tests/go && nice ../tools/go.sh pinned build -trimpath -o "../../$tests/programs/" ./...)
    for program in "$tests"/programs/*; do mv "$program" "$program.wasm"; done
    pack_host_functions
    tar -cf "$work/tests.tar" -C "$tests" .
    truncate -s %512 "$work/tests.tar"
}

[ -e "$cache/complete" ] || fetch
pack_initramfs
pack_tests "$@"
console=$work/console.log
start=$SECONDS
status=0
timeout "$limit" qemu-system-x86_64 -accel tcg,thread=single -cpu max -machine q35 -m 1G -smp 2 -nodefaults \
    -no-user-config -display none -serial stdio -monitor none -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4 \
    -drive "file=$work/tests.tar,format=raw,if=virtio,readonly=on" -kernel "$(echo "$cache"/root/boot/vmlinuz-*)" \
    -initrd "$work/initramfs.gz" -append "console=ttyS0 panic=-1 quiet" </dev/null 2>&1 |
    sed -u 's/\r//g' | tee "$console" || true
status=${PIPESTATUS[0]}
echo "svm: QEMU ended with status $status after $((SECONDS - start)) s"
line=$(sed -n 's/^svm: \([0-9]* passed, [0-9]* failed, [0-9]* skipped\)$/\1/p' "$console" | tail -n 1)
case "$status $line" in
"33 "[0-9]*) echo "$line" ;;
"35 "[0-9]*) echo "$line" && exit 1 ;;
*) echo "svm: the machine did not finish its tests" && echo "0 passed, 1 failed, 0 skipped" && exit 1 ;;
esac
