"""wasmvm-oci module: a module out of an OCI layout, and layouts that others made to be misread."""

import hashlib
import json
import os
import shutil

from cases.front import ENV, MAGIC, front
from harness import case, expect, go_build, run

WASM = "application/wasm"


def blob(t, data, **more):
    """Writes a blob; its descriptor."""
    digest = hashlib.sha256(data).hexdigest()
    t.write(f"layout/blobs/sha256/{digest}", data)
    return {"digest": "sha256:" + digest, "size": len(data), **more}


def layout(t, *layers):
    shutil.rmtree(t.path("layout"), ignore_errors=True)
    layers = [layer if isinstance(layer, dict) else blob(t, layer, mediaType=WASM) for layer in layers]
    manifest = blob(t, json.dumps({"schemaVersion": 2, "layers": layers}).encode())
    t.write("layout/index.json", json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    return manifest


def name_of(t, descriptor):
    return t.path("layout/blobs/sha256", descriptor["digest"].removeprefix("sha256:"))


def module(t):
    return run([front(t), "module", t.path("layout"), t.path("out.wasm")], env=ENV)


def refused(t, *pieces):
    expect(module(t), 1, out="", err_has=pieces)
    assert not os.path.lexists(t.path("out.wasm"))


@case
def a_module_is_taken_out_and_runs(t):
    with open(go_build("./hello"), "rb") as f:
        layout(t, blob(t, b"{}", mediaType="text/plain"), f.read())
    expect(module(t), 0, out="", err="")
    expect(t.vm("--", t.path("out.wasm")), 0)
    expect(module(t), 1, err_has="File exists")


@case(vm=False)
def what_cannot_be_written_whole_is_not_there(t):
    layout(t, MAGIC + bytes(100_000))
    words = f"ulimit -f 8; exec {front(t)} module {t.path('layout')} {t.path('out.wasm')}"
    expect(run(["sh", "-c", words], env=ENV), 1, out="", err_has="File too large")
    assert not os.path.lexists(t.path("out.wasm"))


@case(vm=False)
def bytes_that_are_not_what_the_digest_says(t):
    manifest = layout(t, MAGIC)
    layer = blob(t, MAGIC)
    t.write(os.path.relpath(name_of(t, layer), t.tmp), MAGIC[:-1] + b"\1")
    refused(t, "its bytes have another hash")
    manifest = layout(t, MAGIC)
    with open(name_of(t, manifest), "r+b") as f:
        f.write(b" ")
    refused(t, "its bytes have another hash")
    layout(t, {**blob(t, MAGIC), "mediaType": WASM, "size": 7})
    t.write(os.path.relpath(name_of(t, layer), t.tmp), MAGIC)
    refused(t, "not those that its size says")


@case(vm=False)
def digests_that_are_paths_and_blobs_that_are_links(t):
    for name in "../../../etc/passwd", "A" * 64, "../" * 21 + "x", "0" * 65:
        layout(t, {"mediaType": WASM, "size": 8, "digest": "sha256:" + name})
        refused(t, "not a digest")
    for digest in "md5:" + "0" * 32, 5:
        layout(t, {"mediaType": WASM, "size": 8, "digest": digest})
        refused(t)
    for make in (lambda path: os.symlink(t.write("elsewhere", MAGIC), path), os.mkfifo, os.mkdir):
        layout(t, MAGIC)
        path = name_of(t, blob(t, MAGIC))
        os.unlink(path)
        make(path)
        refused(t, "it cannot be read")


@case(vm=False)
def what_is_no_artifact(t):
    layout(t)
    refused(t, "no layer is a module")
    layout(t, MAGIC, MAGIC)
    refused(t, "more than one module")
    layout(t, b"\x7fELF and more")
    refused(t, "it is no WebAssembly module")
    for index in "[]", "{}", '{"manifests": []}', '{"manifests": [1]}', '{"manifests": {}}', "{":
        t.write("layout/index.json", index)
        refused(t)
