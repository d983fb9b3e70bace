"""@yowasp/clang, a whole C and C++ compiler as one module of 75 MB, makes programs in the VM, and they run there."""

import os
import tarfile

from harness import ROOT, case, expect, made_once, native_c, npm, run

PACKAGE = "@yowasp/clang@22.0.0-git20542-10"
LIBRARIES = "/usr/lib/wasm32-wasip1"


def place():
    """The compiler's module and its tree, which it wants to see as /usr."""
    package = npm(PACKAGE)
    tree = os.path.join(package, "usr")
    if not os.path.exists(tree):
        with tarfile.open(os.path.join(package, "gen", "llvm-resources.tar")) as tar, made_once(tree) as new:
            tar.extractall(new)
    return os.path.join(package, "gen", "llvm.core.wasm"), tree


def llvm(t, *words):
    """One program of LLVM's, the module being all of them."""
    module, tree = place()
    result = t.vm("--dir", tree + "::/usr:ro", "--dir", t.path("w") + "::/w", "--", module, *words, timeout=600)
    expect(result, 0, out="", err="")
    return result


def link(t, program, *more):
    llvm(t, "wasm-ld", "-m", "wasm32", "-L" + LIBRARIES, "-L/usr/lib/wasm32-unknown-wasip1",
         LIBRARIES + "/crt1-command.o", f"/w/{program}.o", *more, "-lc",
         "/usr/lib/wasm32-unknown-wasip1/libclang_rt.builtins.a", "-o", f"/w/{program}.wasm")
    return t.path("w", program + ".wasm")


@case
def c_program_made_in_the_vm(t):
    """The probe, and vector.c with vector instructions: what comes out of the compiler in the VM runs in the VM."""
    t.mkdir("w")
    for source, flags in ("probe.c", ()), ("vector.c", ("-msimd128",)):
        with open(os.path.join(ROOT, "tests", "modules", source)) as f:
            t.write("w/" + source, f.read())
        llvm(t, "clang", "-c", "-O2", *flags, "/w/" + source, "-o", "/w/" + source[:-2] + ".o")
    probe, vector = link(t, "probe"), link(t, "vector")
    expect(t.vm("--", probe, "args", "a", "b c"), 0, out="args\na\nb c\n", err="")
    expect(t.vm("--", probe, "exit", 7), 7, out="leaving\n")
    data = t.mkdir("data/sub") and t.path("data")
    t.write("data/f", "x")
    expect(t.vm("--dir", data + "::/data", "--", probe, "tree", "/data"), 0,
           out="1 entries, 0 directories, names 121\ny has 5 bytes\nx is gone: true\n"
               "2 entries, 1 directories, names 432\n")
    native = run([native_c("tests/modules/vector.c")])
    assert native.status == 0 and native.out.count(b"\n") == 32, native
    expect(t.vm("--", vector), 0, out=native.out, err="")


@case
def cxx_program_made_in_the_vm(t):
    t.mkdir("w")
    t.write("w/map.cc", "#include <algorithm>\n#include <iostream>\n#include <map>\n#include <string>\n"
            "#include <vector>\n"
            "int main(int argc, char **argv) {\n    std::map<std::string, int> counts;\n"
            "    for (int i = 1; i < argc; i++) counts[argv[i]]++;\n"
            "    std::vector<std::pair<int, std::string>> sorted;\n"
            "    for (auto &[word, n] : counts) sorted.push_back({n, word});\n"
            "    std::sort(sorted.rbegin(), sorted.rend());\n"
            "    for (auto &[n, word] : sorted) std::cout << word << ' ' << n << std::endl;\n    return argc;\n}\n")
    llvm(t, "clang++", "-c", "-O2", "-fno-exceptions", "/w/map.cc", "-o", "/w/map.o")
    expect(t.vm("--", link(t, "map", "-lc++", "-lc++abi"), *"b a b c b a".split()), 7, out="b 3\na 2\nc 1\n", err="")


@case
def what_the_driver_would_run(t):
    """A dry run of the driver, whose two commands are the ones above."""
    module, tree = place()
    t.write("w/a.c", "int main(void) { return 0; }\n")
    result = t.vm("--dir", tree + "::/usr:ro", "--dir", t.path("w") + "::/w", "--tmp", "--", module, "clang", "-###",
                  "/w/a.c", "-o", "/w/a.wasm", timeout=600)
    expect(result, 0, out="", err_has=['"-cc1"', '"wasm-ld" "-m" "wasm32"'])
