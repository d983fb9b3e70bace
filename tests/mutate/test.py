#!/usr/bin/env python3
"""tests/mutate/test.py: mutate.py, tried on a project of two files, in which mistakes take a second."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MAKEFILE = """lib-flags:
\t@echo
all:
\t@true
"""
FACE = "int small(int n);\n"
SMALL = """#include "engine/face.h"

int small(int n)
{
    if (n < 3)
        return 1;
    return n;
}
"""
# The same lines below others, and another face: an old small.c does not go with the new face, nor the new with the old.
FACE_NOW = "int small(int n, int most);\n"
HEAD_NOW = "int small(int n, int most)\n{\n    if (n > most)\n        n = most;\n"
SMALL_NOW = SMALL.replace("int small(int n)\n{\n", HEAD_NOW)
BLIND = "cc -Werror -I. -c -o build/x engine/small.c"
TESTS = "engine/* 20 " + BLIND + "\nwide\nengine/* 20 " + BLIND + "\n"
SEES = """#include "engine/face.h"
int main(void) { return small(3, 9) != 3 || small(2, 9) != 1; }
"""


class Project:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(os.path.join(folder, "tests", "mutate"))
        shutil.copy(os.path.join(HERE, "mutate.py"), os.path.join(folder, "tests", "mutate"))
        subprocess.run(["git", "init", "-q", folder], check=True)
        self.write({"Makefile": MAKEFILE, "engine/face.h": FACE, "engine/small.c": SMALL, "guest/gone.h": "",
                    "tests/mutate/tests.txt": TESTS, "tests/mutate/equivalent.txt": "# none\n"})

    def write(self, files):
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(self.folder, path)) or ".", exist_ok=True)
            with open(os.path.join(self.folder, path), "w") as f:
                f.write(text)
        subprocess.run(["git", "-C", self.folder, "add", "-A", *files], check=True)

    def mutate(self, *words):
        done = subprocess.run([sys.executable, "tests/mutate/mutate.py", "--count", "6", *words], cwd=self.folder,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    def verdicts(self):
        with open(os.path.join(self.folder, "build", "mutate", "1", "results.jsonl")) as f:
            return {r["id"]: r["verdict"] for r in map(json.loads, f)}


def check_a_run_keeps_its_sources(project):
    project.mutate("--near")
    first = project.verdicts()
    assert first and set(first.values()) == {"waits"}, first
    project.write({"engine/face.h": FACE_NOW, "engine/small.c": SMALL_NOW})
    status, out = project.mutate("--jobs", "2") # its second tree is made only now
    assert status == 0 and "red without" not in out, out
    assert set(project.verdicts().values()) == {"survived"}, out


def check_again_meets_todays_sources(project):
    sees = "cc -Werror -I. -o build/x engine/small.c tests/sees.c && build/x"
    project.write({"tests/sees.c": SEES, "tests/mutate/tests.txt": "engine/* 20 " + sees + "\nwide\n"})
    os.remove(os.path.join(project.folder, "guest/gone.h"))
    subprocess.run(["git", "-C", project.folder, "rm", "-q", "--cached", "guest/gone.h"], check=True)
    status, out = project.mutate("--again", "--near")
    assert status == 0 and "red without" not in out, out
    assert "killed" in project.verdicts().values(), out
    for tree in ("base", "tree0"):
        assert not os.path.exists(os.path.join(project.folder, "build/mutate/1", tree, "guest/gone.h")), tree


def check_a_run_after_again_has_one_tree(project):
    """What --again copied stays: the list's older sources once came back below it, into a tree of newer ones."""
    results = os.path.join(project.folder, "build", "mutate", "1", "results.jsonl")
    os.remove(results)
    status, out = project.mutate("--jobs", "2")
    assert status == 0 and "red without" not in out, out
    assert "unbuildable" not in out and "killed" in project.verdicts().values(), out


def check_a_line_that_is_gone(project):
    results = os.path.join(project.folder, "build", "mutate", "1", "results.jsonl")
    with open(results) as f:
        rows = [dict(json.loads(line), verdict="survived") for line in f]
    with open(results, "w") as f:
        f.writelines(json.dumps(row) + "\n" for row in rows)
    project.write({"engine/small.c": SMALL_NOW.replace("n < 3", "3 > n")})
    project.mutate("--again", "--near")
    assert "gone" in project.verdicts().values(), project.verdicts()


def check_rows_that_fit_nothing(project):
    real = "engine/small.c | if (3 > n) | if (3 >= n) | a reason\n"
    project.write({"tests/mutate/equivalent.txt": real})
    assert project.mutate("--list")[0] == 0
    for wrong in (real.replace("3 > n", "4 > n"), real.replace("3 >= n", "3 < n"), real.replace("small", "none"),
                  real.replace("a reason", "")):
        project.write({"tests/mutate/equivalent.txt": real + wrong})
        status, out = project.mutate("--list")
        assert status == 1 and wrong.strip() in out and real.strip() + "\n" not in out, out


CHECKS = [check_a_run_keeps_its_sources, check_again_meets_todays_sources, check_a_run_after_again_has_one_tree,
          check_a_line_that_is_gone, check_rows_that_fit_nothing]


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        project = Project(folder)
        for check in CHECKS:
            try:
                check(project)
            except AssertionError as e:
                print(f"{check.__name__}: {e}")
                failed += 1
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
