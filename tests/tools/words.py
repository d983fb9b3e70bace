#!/usr/bin/env python3
"""What documents say, held against what is there: one check a page and kind; the last line is `N passed, N failed`.

  links      a link leads to a file of the tree, and its #part to a heading there
  commands   `make TARGET` names a target, and an option of wasmvm's commands stands in a table of options
  sentences  no sentence has more than 35 words (tables, headings and code are not looked at)
  figures    a figure of README's table stands in docs/performance.md, too
"""

import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MOST_WORDS = 35
COMMANDS = re.compile(r"(?:^|[\s(;&])(?:build/)?wasmvm(?!\s+run -d)\b((?: +\[?[^\s|;&`)]+)*)")


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def pages():
    names = glob.glob("*.md", root_dir=ROOT) + glob.glob("docs/*.md", root_dir=ROOT) + ["tests/README.md"]
    return {name: read(name) for name in sorted(names)}


def is_code(line):
    return line.startswith("    ")


def blocks(text):
    """(is it code, text): fenced and indented code, and paragraphs with items of lists apart."""
    fenced, prose = False, []
    for line in [*text.splitlines(), ""]:
        fence = line.lstrip().startswith("```")
        code = fenced or fence or is_code(line) and not prose
        starts = not line.strip() or re.match(r"\s*([-*|#>]|\d+\.) ?", line)
        if prose and (code or starts):
            yield False, " ".join(prose)
            prose = []
        if fence:
            fenced = not fenced
        elif code:
            yield True, line
        elif line.strip() and not re.match(r"\s*[|#]", line):
            prose.append(re.sub(r"^\s*([-*>]|\d+\.) ", "", line).strip())


def headings(text):
    names = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-") for name in names}


def check_links(name, text, everything):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, part = target.partition("#")
        file = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
        if not os.path.exists(os.path.join(ROOT, file)):
            yield f"{target} leads nowhere"
        elif part and part not in headings(everything.get(file) or read(file)):
            yield f"{target}: {file} has no such heading"


def targets():
    """As make itself reads its file, patterns and loops included."""
    known = subprocess.run(["make", "-npq"], cwd=ROOT, capture_output=True, text=True).stdout
    return set(re.findall(r"^([\w.-]+):(?!=)", known, re.M))


def options():
    """Those of tables, and words that sources compare with."""
    found = {"help", "version"}
    for name in (name for end in ("def", "c") for name in glob.glob(f"**/*.{end}", root_dir=ROOT, recursive=True)):
        if not name.startswith(("build/", "tests/")):
            found.update(re.findall(r'"-{0,2}([a-z][a-z-]+)[" ]' if name.endswith("def") else r'["\[]--([a-z][a-z-]+)',
                                    read(name)))
    return found


def check_commands(text, known_targets, known_options):
    spans = [line for code, block in blocks(text) for line in ([block] if code else re.findall(r"`([^`]+)`", block))]
    for span in spans:
        for target in re.findall(r"(?:^ *|\$ |&& )(?:[A-Z]+=\S+ )*make ([a-z][\w-]+)(?![\w/])", span):
            if target not in known_targets:
                yield f"make {target}: no such target"
        for words in COMMANDS.findall(span):
            for word in words.split():
                if word == "--" or word.endswith(".wasm") or word.startswith("#"):
                    break
                option = re.match(r"\[?--([a-z][a-z-]+)", word)
                if option and option[1] not in known_options:
                    yield f"{span.strip()}: --{option[1]} is in no table of options"


def check_sentences(text):
    for code, block in blocks(text):
        if code:
            continue
        plain = re.sub(r"`[^`]*`", "X", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", block))
        for sentence in re.split(r"(?<=[.!?])[)\"*_]* +", plain):
            words = [word for word in sentence.split() if re.search(r"\w", word)]
            if len(words) > MOST_WORDS:
                yield f"{len(words)} words: {' '.join(words[:9])}..."


def check_figures(readme, performance):
    numbers = set(re.findall(r"\d[\d.,]*\d|\d", performance))
    table = readme.split("| what | wasmvm |")[1].split("\n\n")[0]
    for cell in (cell for row in table.splitlines()[2:] for cell in row.split("|")[2:4]):
        for number in re.findall(r"\d[\d.,]*\d|\d", cell):
            if not any(abs(float(n.replace(",", "")) - float(number.replace(",", ""))) <= rounding(number)
                       for n in numbers if n.replace(",", "").count(".") <= 1):
                yield f"{number} ({cell.strip()}) is not in docs/performance.md"


def rounding(number):
    """Half of the last digit."""
    return 0.5 * 10 ** -len(number.partition(".")[2])


def main():
    everything, known = pages(), (targets(), options())
    passed = failed = 0
    for name, text in everything.items():
        checks = {"links": check_links(name, text, everything), "commands": check_commands(text, *known),
                  "sentences": check_sentences(text)}
        if name == "README.md":
            checks["figures"] = check_figures(text, everything["docs/performance.md"])
        for kind, wrong in checks.items():
            wrong = list(wrong)
            passed, failed = passed + (not wrong), failed + bool(wrong)
            for line in wrong:
                print(f"{name}: {kind}: {line}")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
