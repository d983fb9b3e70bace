#!/usr/bin/env python3
"""docs/pictures/programs.svg from the table of Go programs in docs/performance.md: plot.py [--check]

A row for each program, a bar for each runtime: CPU time against native's, on a logarithmic scale.  --check compares
what is there with what would be drawn; the last line is `N passed, N failed`."""

import html
import math
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE, PICTURE = "docs/performance.md", "docs/pictures/programs.svg"
COLOURS = "#2f6db3 #5aa9e6 #e0862f #4d9a63 #a04fa8".split()
LEFT, WIDTH, BAR, GAP = 130, 620, 9, 8
LOW, HIGH = 0.5, 50


def table():
    """(names of runtimes, [(program, ratios or None)])"""
    with open(os.path.join(ROOT, PAGE), encoding="utf-8") as file:
        part = file.read().split("## Go programs: CPU time")[1]
    rows = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", part, re.M)]
    head, rows = rows[0], rows[2:]
    rows = rows[:next(i for i, row in enumerate(rows) if row[0] == "geometric mean") + 1]
    return head[2:], [(row[0], [float(c) if re.fullmatch(r"[\d.]+", c) else None for c in row[2:]]) for row in rows]


def across(ratio):
    return LEFT + WIDTH * math.log(ratio / LOW) / math.log(HIGH / LOW)


def text(x, y, words, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{html.escape(words)}</text>'


def draw():
    names, rows = table()
    high = BAR * len(names) + GAP
    height = 70 + high * len(rows)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 60}" height="{height}" '
           'font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="white"/>',
           text(8, 20, "CPU time of Go programs against native Go (1 is native; shorter is better)",
                'font-size="15" font-weight="bold"')]
    x = LEFT
    for name, colour in zip(names, COLOURS):
        out.append(f'<rect x="{x}" y="31" width="10" height="10" fill="{colour}"/>' + text(x + 14, 40, name))
        x += 30 + 7 * len(name)
    for tick in (0.5, 1, 2, 5, 10, 20, 50):
        at = across(tick)
        out.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="60" y2="{height - 6}" '
                   f'stroke="{"#333" if tick == 1 else "#ccc"}"/>')
        out.append(text(at, 56, f"{tick:g}", 'text-anchor="middle"'))
    for i, (program, ratios) in enumerate(rows):
        top = 64 + i * high
        out.append(text(LEFT - 8, top + high / 2, program, 'text-anchor="end"'))
        for k, ratio in enumerate(ratios):
            y = top + k * BAR
            if ratio is None:
                out.append(text(LEFT + 4, y + 8, "wrong", 'font-size="9"'))
                continue
            out.append(f'<rect x="{LEFT}" y="{y}" width="{across(ratio) - LEFT:.1f}" height="{BAR - 1}" '
                       f'fill="{COLOURS[k]}"><title>{program}, {names[k]}: {ratio}</title></rect>')
    return "\n".join([*out, "</svg>", ""])


def main():
    path = os.path.join(ROOT, PICTURE)
    if sys.argv[1:] == ["--check"]:
        with open(path, encoding="utf-8") as file:
            same = file.read() == draw()
        if not same:
            print(f"{PICTURE} is not what {PAGE} says: tests/tools/plot.py draws it anew")
        print(f"{int(same)} passed, {int(not same)} failed")
        return not same
    with open(path, "w", encoding="utf-8") as file:
        file.write(draw())
    return 0


if __name__ == "__main__":
    sys.exit(main())
