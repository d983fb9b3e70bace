"""Vector instructions as compilers write them: C, Rust, Go's simd/archsimd, and Go's own tests of it."""

import os
import re

from harness import CACHE, GO, case, expect, native_c, prepare, run

from . import toolchains

VECTOR = re.compile(r"\b(?:[if](?:8x16|16x8|32x4|64x2)|v128)\.\w+")
NEWEST = "1.27.1"


def uses_vectors(module, least):
    """So many different vector instructions at least."""
    kinds = set(VECTOR.findall(toolchains.disassembly(module)))
    assert len(kinds) >= least, f"{len(kinds)} vector instructions: {sorted(kinds)}"


@case
def c_by_its_vectorizer(t):
    """clang -O2 with and without -msimd128, and gcc's native program: the same sums."""
    native = run([native_c("tests/modules/vector.c")])
    assert native.status == 0 and native.out.count(b"\n") == 32, native
    vector, plain = toolchains.clang("vector.c", "-msimd128"), toolchains.clang("vector.c")
    uses_vectors(vector, 60)
    expect(t.vm("--", vector), 0, out=native.out, err="")
    expect(t.vm("--", plain), 0, out=native.out, err="")


@case
def rust_by_name(t):
    module = toolchains.rust("vector.rs", "-Ctarget-feature=+simd128")
    uses_vectors(module, 15)
    names = "swizzle", "add", "mul", "trunc", "float", "masks"
    expect(t.vm("--", module), 0, out="".join(f"{n} right\n" for n in names), err="")


def with_simd(command):
    os.environ["GOEXPERIMENT"] = "simd"
    try:
        return command()
    finally:
        del os.environ["GOEXPERIMENT"]


@case
def go_archsimd(t):
    """GOEXPERIMENT=simd against the same program with plain loops, natively and in the VM."""
    native = run([toolchains.go("gosimd", NEWEST, goos="linux")])
    expect(native, 0)
    assert native.out.endswith(b"plain\n") and native.out.count(b"\n") == 19, native
    vector = with_simd(lambda: toolchains.go("gosimd", NEWEST, flags=("-tags=vector",)))
    uses_vectors(vector, 25)
    expect(t.vm("--", vector), 0, out=native.out.replace(b"plain\n", b"vector\n"), err="")
    expect(t.vm("--", toolchains.go("gosimd", NEWEST)), 0, out=native.out, err="")


def go_test(package, least):
    def passes(t):
        path = os.path.join(CACHE, "modules", f"{package.replace('/', '-')}-{NEWEST}.test.wasm")
        env = dict(os.environ, GOEXPERIMENT="simd", GOOS="wasip1", GOARCH="wasm")
        goroot = toolchains.goroot(NEWEST)
        source = os.path.join(goroot, "src", package)
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            prepare([GO, NEWEST, "test", "-c", "-o", path, "."], env=env, cwd=source)
        options = ("--dir", goroot + "::/:ro", "--tmp", "--cwd", "/src/" + package)
        result = t.vm(*options, "--", path, "-test.v", timeout=600)
        expect(result, 0, err="")
        passed, failed = result.out.count(b"\n--- PASS: "), result.out.count(b"--- FAIL: ")
        assert passed >= least and failed == 0 and result.out.endswith(b"PASS\n"), result

    passes.__name__ = "go_tests_of_" + package.replace("/", "_")
    case(passes)


go_test("simd", 25)
go_test("simd/archsimd/internal/simd_test", 70)
