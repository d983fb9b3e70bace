#!/usr/bin/env python3
"""The library, as its users have it: tests/embed/run.py [--build DIRECTORY] [--san] [--hypercall HOW] [WORD...]

Installs it below a directory of its own, builds the programs of tests/embed, of images/examples and of
docs/embedding.md with nothing but what pkg-config says, once with the shared library and once with the archive, and
runs them. --hypercall exit or poll: the machines of the cases make their calls so, not as they choose. --san: instead,
the cases under ASan and UBSan, leaks included; --tsan: under ThreadSanitizer, with EMBED_MANY="ROUNDS,THREADS,MACHINES"
for the one with many machines. Without KVM everything that needs it is skipped. The last line is `N passed, N failed,
N skipped`.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import harness  # noqa: E402

CASES = [os.path.join(ROOT, "tests", "embed", name)
         for name in ("embed.c", "edges.c", "pool.c", "prepare.c", "process.c", "reset.c", "signals.c")]
SHARED = ("-buildmode=c-shared",)
hypercall = "auto"
counts = {"passed": 0, "failed": 0, "skipped": 0}


def tell(verdict, name, more=""):
    counts[verdict] += 1
    print(f"{verdict:7} {name}{more and ': ' + more}", flush=True)


def guest(name, flags=SHARED, module="tests/embed/guest"):
    return harness.go_build("./" + name, module=module, flags=flags)


def command(args, **options):
    return subprocess.run(args, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1800, **options)


def package_env(tmp):
    return dict(os.environ, PKG_CONFIG_PATH=f"{tmp}/usr/lib/pkgconfig", PKG_CONFIG_SYSROOT_DIR=tmp,
                PKG_CONFIG_ALLOW_SYSTEM_CFLAGS="1", PKG_CONFIG_ALLOW_SYSTEM_LIBS="1",
                LD_LIBRARY_PATH=f"{tmp}/usr/lib")


def installed(build, tmp):
    """make install; the flags that pkg-config says for the shared library and for the archive."""
    make = command(["make", "-s", "-C", ROOT, "install", f"BUILD={build}", f"DESTDIR={tmp}", "PREFIX=/usr"])
    if make.returncode:
        raise SystemExit(make.stdout)
    env = package_env(tmp)
    ask = ["pkg-config", "--cflags", "--libs"]
    shared = subprocess.check_output([*ask, "wasmvm"], env=env, text=True).split()
    static = subprocess.check_output([*ask, "--static", "wasmvm"], env=env, text=True).split()
    static = [f"{tmp}/usr/lib/libwasmvm.a" if word == "-lwasmvm" else word for word in static]
    return {"shared": shared, "static": static}


def compiled(sources, into, flags):
    made = command(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-g", "-o", into, *sources, *flags])
    if made.returncode:
        tell("failed", os.path.basename(into), made.stdout)
        return None
    return into


def document_program():
    """The program of docs/embedding.md, as it stands there."""
    with open(os.path.join(ROOT, "docs", "embedding.md")) as f:
        return re.search(r"```c\n(.*?)```", f.read(), re.S).group(1)


def document_commands(env, tmp):
    """What that page says to type, as it stands there, with pkg-config led to this installation."""
    with open(os.path.join(ROOT, "docs", "embedding.md")) as f:
        lines = re.findall(r"^    (cc -o run .*|\./run .*)$", f.read(), re.M)
    with open(os.path.join(tmp, "run.c"), "w") as f:
        f.write(document_program())
    return command(["sh", "-ec", "\n".join(lines)], env=env, cwd=tmp) if len(lines) == 2 else command(["false"])


def expect(name, got, pattern):
    good = got.returncode == 0 and re.search(pattern, got.stdout, re.M)
    tell("passed" if good else "failed", name, "" if good else f"status {got.returncode}\n{got.stdout}")


def a_million_calls(name, args, **options):
    """Under 3 s, or as much longer as the machine's other work makes a native program."""
    if len(os.sched_getaffinity(0)) < 2:
        return tell("skipped", name, "one CPU: nothing is polled")

    def seconds(n):
        ran = command([*(harness.first_in_line() if n % 2 else []), *args], **options)
        each = re.search(r"^([0-9.]+) us each", ran.stdout, re.M)
        good = each and re.search(r"^1000000 prices, sum 230187500\.00$", ran.stdout, re.M)
        assert ran.returncode == 0 and good, f"status {ran.returncode}\n{ran.stdout}"
        return float(each[1])

    def usual():
        native = harness.run(["sh", "-c", "i=0; while [ $i -lt 500000 ]; do i=$((i + 1)); done"])
        return 3 * (native.seconds / native.cpu - 1)

    try:
        harness.in_time(3, seconds, usual)
        tell("passed", name)
    except AssertionError as why:
        if harness.first_in_line():
            return tell("failed", name, str(why))
        tell("skipped", name, f"a busy machine, where only root is first in line: {why}")


def guest_image(tmp, name, entry):
    """One of image/, with the hostile guests' kit."""
    flags = """-std=c11 -O2 -Wall -Wextra -Werror -I. -ffreestanding -fpie -fvisibility=hidden -fno-stack-protector
        -fcf-protection=none -fno-asynchronous-unwind-tables -fno-delete-null-pointer-checks -fno-strict-aliasing
        -mgeneral-regs-only -nostdlib -static -Wl,-T,guest/link.ld -Wl,--build-id=none
        -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack""".split()
    kit = ["guest/start.S", "guest/entry.S", "guest/note.c", "tests/hostile/kit.S", "tests/hostile/kit.c"]
    subprocess.run([os.environ.get("CC", "gcc"), *flags, f"-Wl,-e,{entry}", "-o", os.path.join(tmp, name + ".elf"),
                    *kit, f"tests/embed/image/{name}.c"], cwd=ROOT, check=True)


def guest_images(tmp):
    guest_image(tmp, "registers", "guest_enter")
    guest_image(tmp, "shared", "guest_start")


def cases(name, args, tmp, words, env, **options):
    guest_images(tmp)
    env = dict(env, EMBED_HELPER=os.path.join(tmp, "usr", "bin", "wasmvm"))
    ran = command([*args, hypercall, guest("program", ()), guest("reactor"), tmp, *words], env=env, **options)
    last = re.search(r"(\d+) passed, (\d+) failed, 0 skipped", ran.stdout)
    if last:
        for verdict, n in zip(("passed", "failed"), last.groups()):
            counts[verdict] += int(n)
    failures = [line for line in ran.stdout.splitlines() if not line.startswith("passed")]
    print(f"{name}: {last.group(0) if last else 'no end'}", flush=True)
    if ran.returncode or not last:
        print("\n".join(failures[:80]))
        counts["failed"] += not last or last.group(2) == "0"


def everything(build, tmp, words, kinds):
    flags = {kind: these for kind, these in installed(build, tmp).items() if kind in kinds}
    env = package_env(tmp)
    document = os.path.join(tmp, "document.c")
    with open(document, "w") as f:
        f.write(document_program())
    with open(os.path.join(tmp, "hello.wasm"), "wb") as f, open(harness.go_build("./hello"), "rb") as source:
        f.write(source.read())
    examples = os.path.join(ROOT, "images", "examples")
    rules = [guest("rules/" + r, module="images/examples") for r in ("discount", "loops", "hoards")]
    pricing = guest("pricing", module="images/examples")
    for kind, these in flags.items():
        made = {name: compiled(sources, os.path.join(tmp, f"{name}-{kind}"), these) for name, sources in {
            "embed": CASES, "document": [document],
            "pricing": [os.path.join(examples, "pricing", "pricing.c")],
            "rules": [os.path.join(examples, "rules", "rules.c")],
        }.items()}
        if made["embed"]:
            cases(kind, [made["embed"]], tmp, words, env=env)
        if words or not all(made.values()):
            continue
        expect(f"document, {kind}", command([made["document"], "hello.wasm"], env=env, cwd=tmp), r"^Hello, world!\n")
        expect(f"pricing, {kind}", command([made["pricing"], pricing, "2000"], env=env),
               r"^2000 prices, sum 460375\.00\n")
        a_million_calls(f"a million prices, {kind}", [made["pricing"], pricing], env=env)
        for _ in range(5):  # a good rule has 500 ms, too, which on a busy machine may be too little
            ran = command([made["rules"], "regular Anna", "10000", *rules], env=env)
            if "\n9500 cents" in ran.stdout:
                break
        expect(f"rules, {kind}", ran,
               r"^rule says: a discount for regular Anna\nleft out \(6\): .* 500 ms .*\nleft out .*\n9500 cents$")
    if not words:
        expect("document, as it says", document_commands(env, tmp), r"\AHello, world!\n")


def sanitized(build, tmp, words, which):
    """The library's sources and the cases in one program."""
    flags = {"san": ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"], "tsan": ["-fsanitize=thread"]}
    installed(build, tmp)  # the helper
    version = command([os.path.join(build, "wasmvm"), "--version"]).stdout.split()[1]
    sources = subprocess.check_output(["make", "-s", "-C", ROOT, f"BUILD={build}", "lib-sources"], text=True).split()
    hosted = subprocess.check_output(["make", "-s", "-C", ROOT, f"BUILD={build}", "lib-flags"], text=True)
    into = os.path.join(tmp, "embed-" + which)
    subprocess.run(["gcc", "-std=gnu11", "-O1", "-g", *shlex.split(hosted), *flags[which], "-I.",
                    "-Ivmm", f'-DWASMVM_VERSION="{version}"', "-o", into, *CASES, *sources,
                    f"{build}/lib/vmm/machine/blob.o", "-lelf", "-lpthread"], cwd=ROOT, check=True)
    tsan = "exitcode=66 suppressions=" + os.path.join(ROOT, "tests", "embed", "tsan.supp")
    cases(which, [into], tmp, words, env=dict(os.environ, TSAN_OPTIONS=tsan))


def main():
    global hypercall
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--san", action="store_true")
    parser.add_argument("--tsan", action="store_true")
    parser.add_argument("--hypercall", choices=["auto", "exit", "poll"], default=hypercall)
    parser.add_argument("--link", choices=["shared", "static"], help="only by this library")
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    hypercall = args.hypercall
    build = os.path.abspath(args.build)
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        tell("failed" if os.environ.get("REQUIRE_KVM") == "1" else "skipped", "embed", "/dev/kvm cannot be used")
    else:
        with tempfile.TemporaryDirectory(prefix="wasmvm-embed-") as tmp:
            if args.san or args.tsan:
                sanitized(build, tmp, args.words, "san" if args.san else "tsan")
            else:
                everything(build, tmp, args.words, [args.link] if args.link else ["shared", "static"])
    print(", ".join(f"{n} {verdict}" for verdict, n in counts.items()))
    return counts["failed"] != 0


if __name__ == "__main__":
    sys.exit(main())
