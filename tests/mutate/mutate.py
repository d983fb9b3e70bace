#!/usr/bin/env python3
"""Mutants: small mistakes put into the sources, one at a time, and the tests that should notice.

    tests/mutate/mutate.py [--count N] [--seed S] [--jobs 1|2] [--files WORDS] [--near] [--again] [--list] [--report]

A mutant is a place and one of RULES.  They go round the rooms, and are always the same for a seed and sources.  Each
is built in a copy of the tree and meets the commands of tests/mutate/tests.txt whose pattern fits its file, in order,
until one is red.  A red command is run without the mutant, too, and with it once more: what is red without it, or only
sometimes, kills nobody.  What takes far longer than without the mutant is red.

build/mutate/SEED/ has a copy of the sources, the trees made of it, the list and the verdicts.  A run that was ended
goes on with them, whatever has become of the sources; without that folder it begins anew, from the sources as they are.

  --files WORDS  of files whose path has one of the words (`flow,color`), in a folder of its own; the words take turns
  --near         only the commands above the line `wide`; a later run goes on below it with those that nobody noticed
  --again        the copy becomes the sources and tests as they are now, and survivors meet these; a mutant whose line
                 is no longer there is gone

What the compiler makes the same code of, or does not take, is no mutant.  Survivors that no test can notice stand with
their reason in tests/mutate/equivalent.txt; a row there that fits no mutant of the sources is named at the end, and the
status is 1.  --report prints what came of the seed; --list only the mutants."""
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


def known_files(*where):
    return [path for path in subprocess.run(["git", "ls-files", *where], cwd=ROOT, capture_output=True,
                                            text=True).stdout.split("\n") if path]


def text_of(root, path):
    with open(os.path.join(root, path)) as f:
        return f.read()


def copy_anew(here, paths, there):
    """The files `paths` of `here` and no others, but for those below build/, are `there` afterwards."""
    for folder, folders, names in os.walk(there):
        if folder == there and "build" in folders:
            folders.remove("build")
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), there)
            if path not in paths:
                os.remove(os.path.join(there, path))
    for path in paths:
        source, copy = os.path.join(here, path), os.path.join(there, path)
        if not (os.path.exists(copy) and filecmp.cmp(source, copy, False)):
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            shutil.copy(source, copy)


def rooms_of(paths, words):
    """The files in groups that take turns: by folder, or by word."""
    rooms = {}
    for path in paths:
        for name in words or [os.path.dirname(path)]:
            if not words or name in path:
                rooms.setdefault(name, []).append(path)
                break
    return rooms


def choose(root, paths, options):
    """The seed's mutants, dicts with file, line, rule, changed, old, new, id."""
    rooms = rooms_of(paths, options.files.split(",") if options.files else [])
    lines = {path: text_of(root, path).split("\n") for path in paths}
    places_of = {path: mutants_of(lines[path]) for path in paths}
    names, chosen = list(rooms), {}
    for number in range(options.count * 20 if names else 0):
        if len(chosen) == options.count:
            break
        rng = random.Random(f"{options.seed} {number}")
        room = names[len(chosen) % len(names)]
        rule = rng.choice(list(RULES))
        places = [(path, *place) for path in rooms[room] for place in places_of[path].get(rule, [])]
        if not places:
            continue
        path, row, changed = rng.choice(places)
        old, new = lines[path][row].strip(), changed[row].strip()
        name = hashlib.sha256(f"{path} {row} {old} {new}".encode()).hexdigest()[:12]
        if name not in chosen and old != new:
            chosen[name] = {"id": name, "file": path, "line": row + 1, "rule": rule, "old": old, "new": new,
                            "changed": changed}
    return list(chosen.values())


class Run:
    """The folder of a seed: base/, a copy of the sources; list.json, the mutants in it; results.jsonl, verdicts.
    Trees are made of base/ alone, so that none has files of two days."""

    def __init__(self, options):
        name = f"{options.seed} {options.files}".strip()
        self.folder = os.path.join(WORK, re.sub("[/ ,]", "-", name))
        self.base = os.path.join(self.folder, "base")
        self.results_path = os.path.join(self.folder, "results.jsonl")
        self.results = results_read(self.results_path)
        self.mutants = []

    def begin(self, options):
        path = os.path.join(self.folder, "list.json")
        if os.path.exists(path):
            self.mutants = json.loads(text_of(self.folder, "list.json"))
        elif options.list:
            self.mutants = choose(ROOT, sources_in(ROOT), options)
        else:
            self.take()
            self.mutants = choose(self.base, sources_in(self.base), options)
            self.keep()

    def take(self):
        copy_anew(ROOT, {path for path in known_files() if os.path.isfile(os.path.join(ROOT, path))}, self.base)

    def keep(self):
        with open(os.path.join(self.folder, "list.json.new"), "w") as f:
            json.dump(self.mutants, f)
        os.replace(f.name, os.path.join(self.folder, "list.json"))

    def again(self):
        """The sources as they are now, and the same mistakes where their lines still stand."""
        self.take()
        now = [(m, moved(self.base, m)) for m in self.mutants]
        for mutant, there in now:
            if not there and self.verdict(mutant) != "killed":
                self.found(mutant, {"verdict": "gone"})
        self.mutants = [there for _, there in now if there]
        self.keep()

    def verdict(self, mutant):
        return self.results.get(mutant["id"], {}).get("verdict")

    def found(self, mutant, verdict):
        result = dict({k: v for k, v in mutant.items() if k != "changed"}, **verdict)
        with open(self.results_path, "a") as f:
            f.write(json.dumps(result) + "\n")
        self.results[mutant["id"]] = result
        print(f"{result['verdict']:11} {mutant['file']}:{mutant['line']}: {mutant['rule']}", flush=True)


def sources_in(root):
    if root == ROOT:
        return [path for path in known_files(*TOPS) if path.endswith(".c")]
    return sorted(os.path.relpath(os.path.join(folder, name), root) for top in TOPS
                  for folder, _, names in os.walk(os.path.join(root, top)) for name in names if name.endswith(".c"))


def moved(root, m):
    """The same mistake where its line stands in the sources of `root`, the nearest to where it was; None: nowhere."""
    if not os.path.exists(os.path.join(root, m["file"])):
        return None
    lines = text_of(root, m["file"]).split("\n")
    same = [(row, changed) for row, changed in mutants_of(lines).get(m["rule"], [])
            if lines[row].strip() == m["old"] and changed[row].strip() == m["new"]]
    if not same:
        return None
    row, changed = min(same, key=lambda place: abs(place[0] + 1 - m["line"]))
    return dict(m, line=row + 1, changed=changed)


# ---- the tree and the commands ----

def rows(wide):
    """Those above the line `wide`, or below it."""
    with open(os.path.join(HERE, "tests.txt")) as f:
        parts = f.read().split("\nwide\n")
    for line in parts[wide].split("\n"):
        if line.strip() and not line.startswith("#"):
            pattern, seconds, command = line.split(None, 2)
            yield pattern, int(seconds), command.strip()


def files_below(root):
    return {os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names}


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
    """A copy of the run's sources, in which one mutant at a time is built."""

    def __init__(self, run, number):
        self.base, self.path = run.base, os.path.join(run.folder, f"tree{number}")
        self.env = dict(os.environ, REQUIRE_KVM="1", MAKEFLAGS="WARN=-w -s", CCACHE_NOHASHDIR="1")
        self.took, self.out, self.flags = {}, "", None
        copy_anew(self.base, files_below(self.base), self.path) # a run that was ended leaves its mutant there
        os.makedirs(os.path.join(self.path, "build"), exist_ok=True)
        cache = os.path.join(self.path, "build", "cache")
        if not os.path.lexists(cache):
            os.symlink(os.path.realpath(os.path.join(ROOT, "build", "cache")), cache)
        self.run("make all", 3600) # headers that are made

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
        lines = text_of(self.base, path).split("\n")
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


def row_of(path, old, new):
    return f"{path} | {old} | {new} | "


def is_equivalent(mutant, known):
    return any(line.startswith(row_of(mutant["file"], mutant["old"], mutant["new"])) for line in known)


def rows_of_nothing(root):
    """Rows of equivalent.txt that fit no mutant of the sources in `root`, or give no reason."""
    found, made = [], {}
    for line in equivalent():
        path = line.split(" | ")[0]
        if path not in made:
            lines = text_of(root, path).split("\n") if os.path.isfile(os.path.join(root, path)) else []
            made[path] = {row_of(path, lines[row].strip(), changed[row].strip())
                          for places in mutants_of(lines).values() for row, changed in places}
        if not any(line.startswith(row) and line[len(row):].strip() for row in made[path]):
            found.append(line.strip())
    return found


def rows_checked():
    """The status: 1 if a row of equivalent.txt no longer says anything about the sources as they are."""
    wrong = rows_of_nothing(ROOT)
    for line in wrong:
        print(f"mutate: a row of equivalent.txt fits no mutant: {line}")
    return 1 if wrong else 0


def report(results, by_file):
    known, by_room, lines = equivalent(), {}, []
    for r in results:
        kind = r["verdict"]
        if kind in ("survived", "waits") and is_equivalent(r, known):
            kind = "equivalent"
        if kind in ("survived", "waits"):
            lines.append(f"{r['file']}:{r['line']}: {r['rule']}\n    {r['old']}\n    {r['new']}")
        by_room.setdefault(r["file"] if by_file else os.path.dirname(r["file"]), []).append(kind)
    for room, kinds in sorted(by_room.items()):
        real = kinds.count("killed") + kinds.count("survived") + kinds.count("waits")
        none = sum(kinds.count(kind) for kind in ("same", "unbuildable", "gone"))
        print(f"{room:{24 if by_file else 14}} {len(kinds):3} mutants, {none:2} none, "
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
    run = Run(options)
    if options.report:
        report(list(run.results.values()), options.files)
        return rows_checked()
    run.begin(options)
    if options.list:
        for m in run.mutants:
            print(f"{m['file']}:{m['line']}: {m['rule']}\n    {m['old']}\n    {m['new']}")
        return rows_checked()
    if options.again:
        run.again()
    os.nice(19 - os.nice(0))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupted)
    try_all(run, options)
    report(list(run.results.values()), options.files)
    return rows_checked()


def waiting_in(run, options):
    """The mutants that are to be tried."""
    known = equivalent()
    if options.again:
        return [m for m in run.mutants if run.verdict(m) in ("survived", "waits") and not is_equivalent(m, known)]
    is_waiting = (None,) if options.near else (None, "waits")
    return [m for m in run.mutants if run.verdict(m) in is_waiting and
            not (run.verdict(m) and is_equivalent(m, known))]


def try_all(run, options):
    waiting, lock = waiting_in(run, options), threading.Lock()

    def work(number):
        tree = Tree(run, number)
        while True:
            with lock:
                if not waiting:
                    return
                mutant = waiting.pop(0)
            is_met = run.verdict(mutant) == "waits" and not options.again
            found = tree.verdict(mutant, (0,) if options.near else (1,) if is_met else (0, 1))
            with lock:
                run.found(mutant, found)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(options.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
