"""containerd with wasmvm-oci over runc: by ctr, and by crictl as kubelets call it."""

import contextlib
import http.client
import json
import re
import shutil
import tempfile
import time

from containerd import containerd
from engines import answers, ask, front, server
from harness import case, expect

POD = {"metadata": {"name": "pod", "namespace": "default", "uid": "u1", "attempt": 0}, "linux": {}}


@case
def by_ctr(t):
    """The program's status and words, as linux/amd64 and as wasi/wasm; what is no module is refused."""
    c = containerd(t)
    ran = c.run(front(t), c.take("server"), "one", "/app.wasm", "exit", "a", "b c")
    expect(ran, 7, out="out [a b c]\n", err="err\n")
    refused = c.run(front(t), c.take("native"), "two")
    assert refused.status != 0 and b"/native is no WebAssembly module" in refused.err, refused
    c.podman.image("wasi", {"/app.wasm": server()}, ["/app.wasm"], platform="wasi/wasm")
    image = c.take("wasi", "wasi/wasm")
    ran = c.run(front(t), image, "three", "/app.wasm", "exit", words=["--platform", "wasi/wasm"])
    expect(ran, 7, out="out []\n", err="err\n")


@contextlib.contextmanager
def pod(t, c, image="server", runtime="wasmvm", sandbox={}, **container):
    """A pod with one container that runs: (pod's name, container's name, pod's address)."""
    logs = tempfile.mkdtemp(dir=t.tmp)
    place = t.write("pod.json", json.dumps({**POD, "log_directory": logs, **sandbox}))
    what = {"metadata": {"name": "app"}, "image": {"image": c.take(image)}, "log_path": "app.log"}
    inside = t.write("container.json", json.dumps({**what, "linux": {}, **container}))
    made = c.crictl("runp", "--runtime", runtime, place)
    expect(made, 0)
    name = made.out.decode().strip()
    try:
        created = c.crictl("create", "--no-pull", name, inside, place)
        expect(created, 0)
        one = created.out.decode().strip()
        started = c.crictl("start", one)
        expect(started, 0)
        status = json.loads(c.crictl("inspectp", name).out)["status"]
        yield name, one, status["network"]["ip"]
    finally:
        c.crictl("rmp", "-f", name)


def last_state(c, one):
    """The container's status when it has ended."""
    for _ in range(1200):
        status = json.loads(c.crictl("inspect", one).out)["status"]
        if status["state"] == "CONTAINER_EXITED":
            return status
        time.sleep(0.1)
    raise AssertionError(f"still there: {status}")


@case
def a_pod_serves(t):
    """At its own address; logs, statistics, a further process, a stop with its grace."""
    c = containerd(t)
    with pod(t, c, envs=[{"key": "GREETING", "value": "hi  you"}]) as (name, one, address):
        answers(8080, "/", "hello from /", host=address)
        answers(8080, "/env?q=GREETING", "hi  you", host=address)
        answers(8080, "/dial?q=tcp:localhost:8080", "", host=address)
        assert "denied" in ask(8080, "/dial?q=tcp:169.254.169.254:80", host=address)
        more = c.crictl("exec", "-s", one, "/app.wasm", "exit", "a b")
        expect(more, 1, err_has=["exited with 7: err"])
        stats = json.loads(c.crictl("stats", "-o", "json", one).out)["stats"][0]
        assert int(stats["memory"]["workingSetBytes"]["value"]) > 1 << 20, stats
        expect(c.crictl("stop", "-t", "60", one), 0)
        assert last_state(c, one)["exitCode"] == 0
        logs = c.crictl("logs", one)
        assert re.search(rb"serving\nwasmvm: .* refused: .*\n.* stopping\n.* stopped\n", logs.err), logs


@case
def a_pods_limit_of_memory(t):
    """The machine's own: the program's allocation fails, and Go says so.  The cgroup's, which also counts what is
    written to a file system in memory: the kernel kills, and the pod shows that."""
    c = containerd(t)
    limit = {"resources": {"memory_limit_in_bytes": 128 << 20}}
    place = tempfile.mkdtemp(dir=c.top)
    mounts = [{"container_path": "/data", "host_path": place}]
    for path, exit_code, reason in ("/eat", 2, "Error"), ("/fill?q=/data/x", 137, "OOMKilled"):
        with pod(t, c, linux=limit, mounts=mounts) as (name, one, address):
            answers(8080, "/", "hello from /", host=address)
            with contextlib.suppress(OSError, http.client.HTTPException):
                ask(8080, path, host=address, tries=1)
            status = last_state(c, one)
            assert (status["exitCode"], status["reason"]) == (exit_code, reason), status
            logs = c.crictl("logs", one)
            assert (b"out of memory" in logs.err) == (path == "/eat"), logs
    shutil.rmtree(place)


@case
def a_pods_annotations_and_native_programs(t):
    """The annotation comes through, and counts for nothing where no administrator allows it.  What is no module runs
    under runc's class, not under ours."""
    c = containerd(t)
    words = {"annotations": {"io.wasmvm.options": '["--timeout=300ms"]'}}
    with contextlib.suppress(AssertionError), pod(t, c, sandbox=words):
        raise SystemExit("it ran with an option that nobody allowed")
    assert "the administrator does not allow it" in c.log()
    with contextlib.suppress(AssertionError), pod(t, c, image="native"):
        raise SystemExit("it ran without a machine")
    assert "/native is no WebAssembly module" in c.log()
    with pod(t, c, image="native", runtime="runc") as (name, one, address):
        assert last_state(c, one)["exitCode"] == 3
