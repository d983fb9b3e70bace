#!/usr/bin/env python3
"""Mutants: small mistakes put into the sources, one at a time, and the tests that should notice.

    tests/mutate/mutate.py [--count N] [--seed S] [--jobs 1|2] [--files WORD] [--near] [--again] [--list] [--report]

A mutant is a place and one of RULES.  They go round the rooms, and are always the same for a seed and sources.  Each
is built in a copy of the tree and meets the commands of tests/mutate/tests.txt whose pattern fits its file, in order,
until one is red.  A red command is run without the mutant, too, and with it once more: what is red without it, or only
sometimes, kills nobody.  What takes far longer than without the mutant is red.

build/mutate/SEED/ has the copy, the list and the verdicts.  A run that was ended goes on with them, whatever has become
of the sources; without that folder it begins anew, from the sources as they are.

  --files WORD  of files whose path has the word, in a folder of its own
  --near        only the commands above the line `wide`; a later run goes on below it with those that nobody noticed
  --again       survivors meet the sources and tests as they are now; a mutant whose line is no longer there is gone

What the compiler makes the same code of, or does not take, is no mutant.  Survivors that no test can notice stand with
their reason in tests/mutate/equivalent.txt.  --report prints what came of the seed; --list only the mutants."""
import argparse
import filecmp
import fnmatch
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "tests", "mutate")
WORK = os.path.join(ROOT, "build", "mutate")
TOPS = ["engine", "wasi-shim", "guest", "vmm"] # every folder in them that has sources is a room

# ---- rules: a name, and a function of (lines, row) that yields changed lines as {row: text} ----


def code_of(line):
    """The line with strings, characters and comments blanked, at the same columns."""
    blank = lambda m: " " * len(m.group())
    line = re.sub(r"/\*.*?\*/|/\*.*|//.*", blank, line)
    return re.sub(r'"(?:\\.|[^"\\])*"|' + r"'(?:\\.|[^'\\])*'", blank, line)


def by_pattern(pattern, change):
    def rule(lines, row):
        for m in re.finditer(pattern, code_of(lines[row])):
            text = change(m)
            if text is not None:
                yield {row: lines[row][:m.start()] + text + lines[row][m.end():]}
    return rule


def condition(lines, row):
    """Begin and end of the condition of an `if` that stands in one line."""
    code = code_of(lines[row])
    m = re.match(r"\s*(?:\} else )?if \(", code)
    if not m:
        return None
    depth = 0
    for at in range(m.end() - 1, len(code)):
        depth += (code[at] == "(") - (code[at] == ")")
        if depth == 0:
            return m.end(), at
    return None


def negate(lines, row):
    at = condition(lines, row)
    if at:
        text = lines[row]
        yield {row: f"{text[:at[0]]}!({text[at[0]:at[1]]}){text[at[1]:]}"}


def drop_check(lines, row):
    at = condition(lines, row)
    leaves = at and re.match(r"\s*(return|continue|break|goto|trap|wrong|fail)", lines[row + 1])
    if leaves and code_of(lines[row]).rstrip().endswith(")"):
        text = lines[row]
        yield {row: f"{text[:at[0]]}0 && ({text[at[0]:at[1]]}){text[at[1]:]}"}


STATEMENT = re.compile(r"\s+(\w+\(|[\w\[\].>*()+-]+ (=|\|=|&=|\+=|-=|<<=|>>=|\^=) |[\w\[\].>-]+(\+\+|--);)")
KEYWORD = re.compile(r"\s+(return|if|while|for|switch|case|default|else|do|assert|ENGINE_ASSERT|static|pthread_)\b")


def drop_line(lines, row):
    code = code_of(lines[row]).rstrip()
    before = code_of(lines[row - 1]).rstrip()
    whole = code.endswith(";") and code.count("(") == code.count(")") and code.count("{") == code.count("}")
    begins = before.endswith((";", "{", "}", ":")) or condition(lines, row - 1)
    if whole and begins and STATEMENT.match(code) and not KEYWORD.match(code):
        yield {row: re.match(r"\s*", lines[row]).group() + "(void)0;"}


def drop_lock(lines, row):
    if not re.match(r"\s+pthread_mutex_lock\(", lines[row]):
        return
    changed = {row: re.sub(r"pthread_mutex_lock\(.*\);", "(void)0;", lines[row])}
    for k in range(row + 1, len(lines)):
        if lines[k].startswith("}"):
            break
        if "pthread_mutex_unlock(" in lines[k]:
            changed[k] = re.sub(r"pthread_mutex_unlock\(.*\);", "(void)0;", lines[k])
    yield changed


SWAP = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "&&": "||", "||": "&&", "==": "!=", "!=": "=="}


# Of a buffer's size nobody asks that it is no larger.
BUFFER = re.compile(r"\s+(static )?(const )?(char|u?int[0-9]+_t|struct \w+) \*?\w+\[\w+\]")


def constant(m):
    value = int(m.group(1), 16 if m.group(1).startswith("0x") else 10)
    if value < 2:
        return None
    return str(value + 1) + m.group(2) if not m.group(1).startswith("0x") else hex(value ^ 1) + m.group(2)


RULES = {
    "drop a check": drop_check,
    "negate a condition": negate,
    "swap a comparison": by_pattern(r"(?<= )(<=?|>=?)(?= )", lambda m: SWAP[m.group()]),
    "other comparison": by_pattern(r"(?<= )(==|!=)(?= )", lambda m: SWAP[m.group()]),
    "and for or": by_pattern(r"(?<= )(&&|\|\|)(?= )", lambda m: SWAP[m.group()]),
    "off by one": by_pattern(r" [+-] 1(?=[;,)\] ])", lambda m: ""),
    "a wrong constant": by_pattern(r"(?<![\w.\"])(0x[0-9a-f]+|[0-9]+)(u|ull|ul)?\b(?![.\w])",
                                   lambda m: constant(re.match(r"(0x[0-9a-f]+|[0-9]+)(.*)", m.group()))),
    "drop a line": drop_line,
    "drop a lock": drop_lock,
    "drop a bit": by_pattern(r" \| [A-Za-z_0-9]+(?: << [A-Za-z_0-9]+)?(?=[;,) ])", lambda m: ""),
    "another answer": by_pattern(r"\breturn (true|false);", lambda m: "return false;" if "true" in m.group() else
                                 "return true;"),
}
RUNNING = set() # process groups of commands
LEFT_ALONE = re.compile(r"^\s*#|ASSERT|assert\(|^\s*\*|^\s*/\*|Static_assert|^\S.*[^{;]$")


def mutants_of(lines):
    """By rule: (row, {row: text})."""
    found, comment, inside = {}, False, False
    for row, line in enumerate(lines[:-1]):
        was = comment
        comment = (comment or "/*" in line) and "*/" not in line.split("/*")[-1]
        inside = line == "{" or (inside and line != "}")
        if was or not inside or LEFT_ALONE.search(line):
            continue
        for rule, make in RULES.items():
            if rule == "a wrong constant" and BUFFER.match(line):
                continue
            for changed in make(lines, row):
                found.setdefault(rule, []).append((row, changed))
    return found


def choose(seed, count, word):
    """The seed's mutants, dicts with file, line, rule, changed, old, new, id; and the files' texts by path."""
    known = subprocess.run(["git", "ls-files", *TOPS], cwd=ROOT, capture_output=True, text=True).stdout.split()
    files = {}
    for path in known:
        if path.endswith(".c") and word in path:
            files.setdefault(os.path.dirname(path), []).append(path)
    rooms = list(files)
    sources, places_of, chosen = {}, {}, {}
    for path in filter(lambda path: path.endswith(".c"), known):
        with open(os.path.join(ROOT, path)) as f:
            sources[path] = f.read()
        places_of[path] = mutants_of(sources[path].split("\n"))
    for number in range(count * 20):
        if len(chosen) == count:
            break
        rng = random.Random(f"{seed} {number}")
        room = rooms[len(chosen) % len(rooms)]
        rule = rng.choice(list(RULES))
        places = [(path, *place) for path in files[room] for place in places_of[path].get(rule, [])]
        if not places:
            continue
        path, row, changed = rng.choice(places)
        old, new = sources[path].split("\n")[row].strip(), changed[row].strip()
        name = hashlib.sha256(f"{path} {row} {old} {new}".encode()).hexdigest()[:12]
        if name not in chosen and old != new:
            chosen[name] = {"id": name, "file": path, "line": row + 1, "rule": rule, "old": old, "new": new,
                            "changed": changed}
    return list(chosen.values()), {m["file"]: sources[m["file"]] for m in chosen.values()}


def chosen(options, work):
    """The same from the run's folder, where it has begun; more of the seed only by a new run."""
    path = os.path.join(work, "list.json")
    if os.path.exists(path):
        with open(path) as f:
            return json.load(f)
    made = choose(options.seed, options.count, options.files)
    if not options.list:
        os.makedirs(work, exist_ok=True)
        with open(path, "w") as f:
            json.dump(made, f)
    return made


def moved(mutants):
    """The same mistakes in the sources as they are now, where their lines still stand; and the files' texts."""
    found, sources = [], {}
    for m in mutants:
        with open(os.path.join(ROOT, m["file"])) as f:
            text = sources[m["file"]] = f.read()
        lines = text.split("\n")
        rows_ = [k for k, line in enumerate(lines) if line.strip() == m["old"]]
        if rows_ and len(m["changed"]) == 1:
            row = min(rows_, key=lambda k: abs(k + 1 - m["line"]))
            found.append(dict(m, line=row + 1, changed={row: list(m["changed"].values())[0]}))
    return found, sources


# ---- the tree and the commands ----

def rows(wide):
    """Those above the line `wide`, or below it."""
    with open(os.path.join(HERE, "tests.txt")) as f:
        parts = f.read().split("\nwide\n")
    for line in parts[wide].split("\n"):
        if line.strip() and not line.startswith("#"):
            pattern, seconds, command = line.split(None, 2)
            yield pattern, int(seconds), command.strip()


def commands_of(path, root, wide):
    folder, base = os.path.split(path[:-2])
    own = f"build/unit/{folder}/test_{base}"
    there = os.path.join(root, "tests", "unit", folder)
    sources = os.listdir(there) if os.path.isdir(there) else []
    folders = [f"build/unit/{folder}/{name[:-2]}" for name in sorted(sources) if re.match(r"test_\w+\.c$", name)]
    for pattern, seconds, command in rows(wide):
        if any(fnmatch.fnmatch(path, p) for p in pattern.split("|")):
            if "{own}" in command and own not in folders or "{folder}" in command and not folders:
                continue
            yield seconds, command.format(own=own, base=base, folder=" ".join(folders))


class Tree:
    """A copy of the sources, in which one mutant at a time is built."""

    def __init__(self, work, number, sources):
        self.path = os.path.join(work, f"tree{number}")
        self.env = dict(os.environ, REQUIRE_KVM="1", MAKEFLAGS="WARN=-w -s", CCACHE_NOHASHDIR="1")
        self.took, self.out, self.sources, self.flags = {}, "", sources, None
        if not os.path.exists(self.path):
            self.copy()
        for path in sources:
            self.change(path, {}) # a run that was ended leaves its mutant there
        self.run("make all", 3600) # headers that are made

    def copy(self):
        known = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split("\n")
        for path in filter(None, known):
            here, there = os.path.join(ROOT, path), os.path.join(self.path, path)
            if os.path.exists(here) and not (os.path.exists(there) and filecmp.cmp(here, there, False)):
                os.makedirs(os.path.dirname(there), exist_ok=True)
                shutil.copy(here, there)
        os.makedirs(os.path.join(self.path, "build"), exist_ok=True)
        cache = os.path.join(self.path, "build", "cache")
        if not os.path.lexists(cache):
            os.symlink(os.path.realpath(os.path.join(ROOT, "build", "cache")), cache)

    def run(self, command, seconds):
        """(is green, its output); what it leaves behind ends with it."""
        process = subprocess.Popen(["bash", "-c", command], cwd=self.path, env=self.env, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        RUNNING.add(process.pid)
        try:
            out, _ = process.communicate(timeout=seconds)
            green = process.returncode == 0
        except subprocess.TimeoutExpired:
            out, green = b"it did not end in time", False
        finally:
            group_end(process.pid)
        return green, out.decode(errors="replace")[-1000:]

    def change(self, path, changed):
        place = os.path.join(self.path, path)
        lines = self.sources[path].split("\n")
        for row, text in changed.items():
            lines[int(row)] = text
        text = "\n".join(lines)
        with open(place) as f:
            if f.read() == text:
                return
        with open(place, "w") as f:
            f.write(text)

    def code(self, path):
        """What the compiler makes of a file; None: nothing.  Two files that give the same are the same program."""
        if self.flags is None:
            self.flags = subprocess.check_output(["make", "-s", "-C", self.path, "lib-flags"], text=True).strip()
        flags = f"-std=gnu11 -O2 -g0 -w -I. {self.flags} -DWASMVM_VERSION='\"0\"' -c -o"
        out = os.path.join(self.path, "build", "same.o")
        done, _ = self.run(f"gcc {flags} {out} {path}", 300)
        if not done:
            return None
        with open(out, "rb") as f:
            return f.read()

    def verdict(self, mutant, parts):
        """`parts`: of the commands, 0 near and 1 wide."""
        path = mutant["file"]
        self.change(path, {})
        plain = self.code(path)
        self.change(path, mutant["changed"])
        try:
            code = self.code(path)
            if code is None or code == plain:
                return {"verdict": "same" if code else "unbuildable"}
            for seconds, command in (row for wide in parts for row in commands_of(path, self.path, wide)):
                if self.is_red(mutant, command, seconds):
                    return {"verdict": "killed", "by": command, "out": self.out}
            return {"verdict": "survived" if 1 in parts else "waits"}
        finally:
            self.change(path, {})

    def is_red(self, mutant, command, seconds):
        """Red with the mutant, twice, and green without it.  Whether it is that is asked once of a command, and again
        where it took too long."""
        took = self.took.get(command)
        limit = seconds if took is None else min(seconds, 30 + 8 * took)
        began = time.monotonic()
        green, self.out = self.run(command, limit)
        if green:
            return False
        if took is None or time.monotonic() - began > limit:
            self.change(mutant["file"], {})
            began = time.monotonic()
            without, out = self.run(command, 600)
            self.change(mutant["file"], mutant["changed"])
            if not without:
                print(f"mutate: red without any mutant, so it says nothing: {command}\n{out[-1000:]}", flush=True)
                return False
            self.took[command] = time.monotonic() - began
        return not self.run(command, min(seconds, 30 + 8 * self.took[command]))[0]


def group_end(pid):
    RUNNING.discard(pid)
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def interrupted(*_):
    """A mutant without a verdict is run again next time."""
    for pid in list(RUNNING):
        group_end(pid)
    os._exit(1)


# ---- results ----

def results_read(path):
    if not os.path.exists(path):
        return {}
    with open(path) as f:
        return {result["id"]: result for result in map(json.loads, f)}


def equivalent():
    """Rows of FILE | OLD | NEW | REASON; lines of C have bars, too."""
    with open(os.path.join(HERE, "equivalent.txt")) as f:
        return [line for line in f if line.strip() and not line.startswith("#")]


def is_equivalent(mutant, known):
    row = f"{mutant['file']} | {mutant['old']} | {mutant['new']} | "
    return any(line.startswith(row) for line in known)


def report(results):
    known, by_room, lines = equivalent(), {}, []
    for r in results:
        kind = r["verdict"]
        if kind in ("survived", "waits") and is_equivalent(r, known):
            kind = "equivalent"
        if kind in ("survived", "waits"):
            lines.append(f"{r['file']}:{r['line']}: {r['rule']}\n    {r['old']}\n    {r['new']}")
        by_room.setdefault(os.path.dirname(r["file"]), []).append(kind)
    for room, kinds in sorted(by_room.items()):
        real = kinds.count("killed") + kinds.count("survived") + kinds.count("waits")
        print(f"{room:14} {len(kinds):3} mutants, {kinds.count('same') + kinds.count('unbuildable'):2} none, "
              f"{kinds.count('equivalent'):2} equivalent, {kinds.count('killed'):3} of {real:3} killed")
    print("\n".join(lines))
    kinds = sum(by_room.values(), [])
    killed, survived = kinds.count("killed"), kinds.count("survived") + kinds.count("waits")
    print(f"mutate: {len(kinds)} mutants, {killed + survived} that count, {killed} killed "
          f"({100 * killed // max(1, killed + survived)} %)")
    print(f"{killed} passed, {survived} failed")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=1)
    parser.add_argument("--files", default="")
    parser.add_argument("--near", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    folder = os.path.join(WORK, f"{options.seed} {options.files}".strip().replace("/", "-").replace(" ", "-"))
    path = os.path.join(folder, "results.jsonl")
    results = results_read(path)
    if options.report:
        report(list(results.values()))
        return 0
    mutants, sources = chosen(options, folder)
    if options.list:
        for m in mutants:
            print(f"{m['file']}:{m['line']}: {m['rule']}\n    {m['old']}\n    {m['new']}")
        return 0
    is_now = lambda m: results.get(m["id"], {}).get("verdict")
    waiting, lock = [m for m in mutants if is_now(m) in (None, *([] if options.near else ["waits"]))], threading.Lock()
    if options.again:
        known = equivalent()
        waiting, sources = moved([m for m in mutants if is_now(m) in ("survived", "waits") and
                                  not is_equivalent(m, known)])
    os.nice(19 - os.nice(0))

    def work(number):
        tree = Tree(folder, number, sources)
        if options.again:
            tree.copy()
        while True:
            with lock:
                if not waiting:
                    return
                mutant = waiting.pop(0)
            parts = (0,) if options.near else (1,) if is_now(mutant) == "waits" and not options.again else (0, 1)
            result = dict({k: v for k, v in mutant.items() if k != "changed"}, **tree.verdict(mutant, parts))
            with lock, open(path, "a") as f:
                f.write(json.dumps(result) + "\n")
                results[mutant["id"]] = result
                print(f"{result['verdict']:11} {mutant['file']}:{mutant['line']}: {mutant['rule']}", flush=True)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupted)
    threads = [threading.Thread(target=work, args=(k,)) for k in range(options.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report([results[m["id"]] for m in mutants if m["id"] in results])
    return 0


if __name__ == "__main__":
    sys.exit(main())
