"""npm's esbuild for WASI against the native one of the same version: equal output, byte for byte.

esbuild reads every directory up to the root, so the tree is granted as the root."""

import json
import os
import shutil

from harness import CACHE, ROOT, Skip, case, expect, made_once, prepare, run, source_hash

SOURCE = os.path.join(ROOT, "tests", "e2e", "esbuild")
NATIVE = "node_modules/@esbuild/linux-x64/bin/esbuild"
WASM = "node_modules/@esbuild/wasi-preview1/esbuild.wasm"


def tree():
    """A folder with the packages of package.json, at their exact versions, and entry.jsx."""
    place = os.path.join(CACHE, "npm", "esbuild-" + source_hash(SOURCE))
    if not os.path.exists(place):
        if not shutil.which("npm"):
            raise Skip("no npm here")
        with made_once(place) as new:
            shutil.copytree(SOURCE, new)
            words = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
            prepare(["npm", "install", *words], cwd=new)
    return place


def both(t, *words):
    """Runs both with the same words in the same tree; their outputs must be equal."""
    place = tree()
    native = run([os.path.join(place, NATIVE), *words], cwd=place)
    wasm = os.path.join(place, WASM)
    ours = t.vm("--dir", place + "::/", "--", wasm, *words, cwd=place, timeout=600)
    expect(native, 0)
    assert (ours.status, ours.out) == (0, native.out), f"{len(ours.out)} bytes, native {len(native.out)}\n{ours}"
    return ours


@case
def bundle(t):
    result = both(t, "entry.jsx", "--bundle", "--log-level=error")
    assert len(result.out) > 1000000


@case
def bundle_and_minify(t):
    define = '--define:process.env.NODE_ENV="production"'
    result = both(t, "entry.jsx", "--bundle", "--minify", "--log-level=error", define)
    assert len(result.out) > 500000


@case
def bundle_to_files_with_map(t):
    place = tree()
    words = ["entry.jsx", "--bundle", "--minify", "--sourcemap", "--log-level=error"]

    def written(name, argv):
        out = os.path.join(place, f"{name}-{os.getpid()}")
        t.made.append(out)
        expect(run([*argv, *words, "--outdir=" + os.path.basename(out)], cwd=place, timeout=600), 0)
        return [(f, open(os.path.join(out, f), "rb").read()) for f in sorted(os.listdir(out))]

    native = written("out-native", [os.path.join(place, NATIVE)])
    ours = written("out-vm", [t.wasmvm, "--dir", place + "::/", "--", os.path.join(place, WASM)])
    assert native == ours and len(ours) == 2


@case
def version_takes_a_tenth_of_the_compiler(t):
    """What decides how fast it starts: how many of its functions are compiled, and how many bytes of them."""
    wasm = os.path.join(tree(), WASM)
    expect(t.vm("--report", t.path("r.json"), "--", wasm, "--version"), 0, out="0.27.2\n")
    with open(t.path("r.json")) as f:
        made = json.load(f)["compiled"]
    assert 0 < made["funcs_compiled"] < made["funcs_total"] / 10, made
    assert 0 < made["body_bytes_compiled"] < made["body_bytes_total"] / 10, made


@case
def error_in_the_input(t):
    place = tree()
    bad = os.path.join(place, "bad.js")
    with open(bad, "w") as f:
        f.write("let x = ;\n")
    wasm = os.path.join(place, WASM)
    result = t.vm("--dir", place + "::/", "--", wasm, "bad.js")
    expect(result, 1, err_has=["Unexpected", "bad.js:1:8"])
