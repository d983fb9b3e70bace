"""podman with wasmvm-oci over runc: an unmodified HTTP server in an image FROM scratch."""

import contextlib
import http.client
import os
import re
import shutil
import threading

from engines import answers, ask, native, podman, program, server
from harness import ROOT, Skip, case, expect, run, until

PORT = 18080


@contextlib.contextmanager
def serving(p, *options, args=(), image="server", conf=None):
    """The server in a container, published at PORT; removed at the end."""
    started = p("run", "-d", "-p", f"127.0.0.1:{PORT}:8080", *options, image, *args, conf=conf)
    expect(started, 0)
    name = started.out.decode().strip()
    try:
        yield name
    finally:
        p("rm", "-f", "-t", "0", name)


@case
def serves_logs_and_stops(t):
    """What the issue asks for first: run -p, logs, stop, --memory, with nothing changed in the program."""
    p = podman(t)
    with serving(p, "--memory", "256m", args=["a b", "--env", ""]) as name:
        answers(PORT, "/abc", "hello from /abc")
        answers(PORT, "/args", '["/app.wasm" "a b" "--env" ""] /')
        expect(p("stop", "-t", "60", name), 0)
        logs = p("logs", name)
        assert re.fullmatch(rb"(\S+ \S+ (serving|stopping|stopped)\n){3}", logs.err), logs
        expect(
            p("inspect", name, "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}"),
            0,
            out="0 false\n",
        )


@case
def ends_with_the_programs_status(t):
    p = podman(t)
    expect(p("run", "--rm", "server", "exit", "a", "b c"), 7, out="out [a b c]\n", err="err\n")


def cgroup_devices(pid):
    """The devices that a process's cgroup lets it open; "" where cgroups are version 2, which show none."""
    with open(f"/proc/{pid}/cgroup") as f:
        places = dict(line.strip().split(":", 2)[1:] for line in f)
    if "devices" not in places:
        return ""
    with open(f"/sys/fs/cgroup/devices{places['devices']}/devices.list") as f:
        return f.read()


@case
def no_device_and_no_right_to_it_in_the_container(t):
    """By what the kernel says of the container's process: its root, its cgroup's devices, its descriptors."""
    p = podman(t)
    with serving(p) as name:
        answers(PORT, "/", "hello from /")
        pid = p("inspect", name, "--format", "{{.State.Pid}}").out.decode().strip()
        assert not os.path.lexists(f"/proc/{pid}/root/dev/kvm")
        with open(f"/proc/{pid}/status") as f:
            status = f.read()
        assert re.search(r"^Seccomp:\t2$", status, re.M), status
        held = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
        assert held.count("/dev/kvm") == 1, held
        devices = cgroup_devices(pid)
        assert not re.search(r"^[ac] (10|\*):(232|\*) rw", devices, re.M), devices


@case
def files_of_the_container(t):
    """Volumes and what engines mount, by the names that they have there; / lists none of what the runtime put there."""
    p = podman(t)
    t.write("volume/config.txt", "a setting\n")
    t.mkdir("writable")
    options = ["-v", f"{t.path('volume')}:/etc/app:ro", "-v", f"{t.path('writable')}:/data"]
    with serving(p, *options, "--hostname", "here") as name:
        answers(PORT, "/read?q=/etc/app/config.txt", "a setting\n")
        answers(PORT, "/write?q=/data/new", "")
        assert open(t.path("writable/new")).read() == "written\n"
        assert ask(PORT, "/write?q=/etc/app/new").startswith("error: ")
        assert "127.0.0.1" in ask(PORT, "/read?q=/etc/hosts")
        answers(PORT, "/read?q=/dev/null", "")
        for denied in (
            "/proc/self/maps",
            "/proc/1/environ",
            "/sys/kernel/notes",
            "/dev/kvm",
            "/dev/mem",
        ):
            assert ask(PORT, f"/read?q={denied}").startswith("error: "), denied
        answers(PORT, "/write?q=/dev/stdout", "")
        answers(PORT, "/write?q=/dev/null", "")
        answers(PORT, "/list?q=/", "app.wasm data etc run")
        answers(PORT, "/walk?q=/", "true")
        assert b"written\n" in p("logs", name).out


@case
def as_another_user_with_nothing(t):
    p = podman(t)
    options = [
        "--user",
        "1000:1000",
        "--cap-drop",
        "all",
        "--read-only",
        "--security-opt",
        "no-new-privileges",
    ]
    with serving(p, *options, "-w", "/etc", "-e", "GREETING=hello  you") as name:
        answers(PORT, "/args", '["/app.wasm"] /etc')
        answers(PORT, "/env?q=GREETING", "hello  you")
        assert ask(PORT, "/write?q=/new").startswith("error: ")
        pid = p("inspect", name, "--format", "{{.State.Pid}}").out.decode().strip()
        with open(f"/proc/{pid}/status") as f:
            status = f.read()
        assert re.search(r"^Uid:\t1000\t", status, re.M) and re.search(
            r"^CapEff:\t0+$", status, re.M
        ), status


@case
def in_a_user_namespace(t):
    """Where /dev/kvm could not be opened: the descriptor was."""
    p = podman(t)
    ran = p(
        "run",
        "--rm",
        "--uidmap",
        "0:100000:5000",
        "--gidmap",
        "0:100000:5000",
        "server",
        "exit",
        "x",
    )
    expect(ran, 7, out="out [x]\n", err="err\n")


@case
def standard_streams_and_terminals(t):
    p = podman(t)
    expect(p("run", "--rm", "-i", "server", "cat", stdin=b"a\nb\n"), 0, out="a\nb\n", err="")
    seen = p("run", "--rm", "-t", "server", "exit", "x")
    expect(seen, 7)
    assert b"out [x]\r\n" in seen.out, seen


@case
def out_of_memory_is_heard_by_the_program(t):
    """Its own allocation fails, and Go says so, before the kernel kills the container."""
    p = podman(t)
    for limit in "64m", "128m", "512m":
        with serving(p, "--memory", limit, "--memory-swap", limit) as name:
            answers(PORT, "/", "hello from /")
            with contextlib.suppress(OSError, http.client.HTTPException):
                ask(PORT, "/eat", tries=1)
            expect(p("wait", name), 0, out="2\n")
            expect(p("inspect", name, "--format", "{{.State.OOMKilled}}"), 0, out="false\n")
            assert b"out of memory" in p("logs", name).err, p("logs", name)
    refused = p("run", "--rm", "--memory", "32m", "server")
    expect(refused, 126, err_has=["a memory limit of 33554432 bytes: a virtual machine needs"])


@case
def native_programs(t):
    """Refused, where the engine shows why; or allowed, and without KVM."""
    p = podman(t)
    expect(
        p("run", "--rm", "native"),
        126,
        out="",
        err_has=[
            "wasmvm-oci: /native is no WebAssembly module: it would run without a virtual machine"
        ],
    )
    conf = t.write("allow.conf", "native = allow\n")
    expect(p("run", "--rm", "native", conf=conf), 3, out="native -1\n")


@case
def more_in_a_running_container(t):
    p = podman(t)
    p.image("both", {"/app.wasm": server(), "/native": native(t)}, ["/app.wasm"])
    with serving(p, image="both") as name:
        answers(PORT, "/", "hello from /")
        expect(
            p("exec", "-e", "X=y", name, "/app.wasm", "exit", "a b"),
            7,
            out="out [a b]\n",
            err="err\n",
        )
        refused = p("exec", name, "/native")
        assert refused.status != 0 and b"/native is no WebAssembly module" in refused.err, refused
        conf = t.write("allow.conf", "native = allow\n")
        expect(p("exec", name, "/native", conf=conf), 3, out="native -1\n")
        conf = t.write("no-exec.conf", "exec = deny\nnative = allow\n")
        refused = p("exec", name, "/app.wasm", "exit", conf=conf)
        assert (
            refused.status != 0 and b"nothing may be started in a running container" in refused.err
        ), refused
        answers(PORT, "/", "hello from /")
    with serving(p, "--name", "plain", args=["sleep"], image="native", conf=conf) as name:
        conf = t.write("allow.conf", "native = allow\n")
        refused = p("exec", name, "/not-there.wasm", conf=conf)
        assert refused.status != 0 and b"was not started as a module" in refused.err, refused


@case
def starts_again(t):
    p = podman(t)
    with serving(p) as name:
        answers(PORT, "/", "hello from /")
        expect(p("restart", "-t", "30", name), 0)
        answers(PORT, "/", "hello from /")
        expect(p("kill", name), 0)
        expect(p("wait", name), 0, out="137\n")
        expect(p("start", name), 0)
        answers(PORT, "/", "hello from /")


@case
def requests_in_flight_are_answered(t):
    """SIGTERM comes while one is slow: Go's Shutdown waits for it."""
    p = podman(t)
    with serving(p) as name:
        answers(PORT, "/", "hello from /")
        got = []
        thread = threading.Thread(target=lambda: got.append(ask(PORT, "/slow")))
        thread.start()
        until(lambda: b"slowly\n" in p("logs", name).err)
        expect(p("stop", "-t", "60", name), 0)
        thread.join()
        assert got == ["slow\n"], got
        assert b"stopped\n" in p("logs", name).err


@case
def by_other_names_and_platforms(t):
    """What crun and others call a module, and an image for wasi/wasm."""
    p = podman(t)
    p.image("noname", {"/app": server()}, ["app"], "ENV PATH=/")
    expect(p("run", "--rm", "noname", "exit", "x"), 7, out="out [x]\n")
    p.image("wasi", {"/app.wasm": server()}, ["/app.wasm"], platform="wasi/wasm")
    expect(
        p("run", "--rm", "--platform", "wasi/wasm", "localhost/wasi", "exit", "x"),
        7,
        out="out [x]\n",
    )
    for annotation in "run.oci.handler=wasm", "module.wasm.image/variant=compat":
        expect(
            p("run", "--rm", "--annotation", annotation, "server", "exit", "x"), 7, out="out [x]\n"
        )


@case
def options_by_annotation(t):
    p = podman(t)
    conf = t.write("options.conf", 'options = ["--timeout"]\n')
    annotation = '"io.wasmvm.options=[""--timeout=300ms""]"'  # podman reads it as a row of CSV
    ran = p("run", "--rm", "--annotation", annotation, "server", conf=conf)
    expect(ran, 124, err_has=["time"])
    refused = p("run", "--rm", "--annotation", annotation, "server")
    expect(refused, 126, err_has=["the administrator does not allow it"])


@case
def over_crun(t):
    """crun in runc's place, where the machine's cgroups let it work."""
    p = podman(t)
    crun = program("crun")
    alone = p("run", "--rm", "native", runtime=crun)
    if alone.status != 3:
        raise Skip(f"podman and crun run no container here: {alone.err.decode()[-200:]}")
    conf = t.write("crun.conf", f"runtime = {crun}\n")
    for more in [], ["--annotation", "run.oci.handler=wasm"]:
        expect(
            p("run", "--rm", *more, "server", "exit", "x", conf=conf),
            7,
            out="out [x]\n",
            err="err\n",
        )


def made(p, conf, *options):
    """Creates a container up to its start; what that said."""
    name = p("create", *options, conf=conf)
    expect(name, 0)
    try:
        return p("init", name.out.decode().strip(), conf=conf)
    finally:
        p("rm", "-f", "-t", "0", name.out.decode().strip(), conf=conf)


@case
def no_link_of_the_image_leads_a_mount_over_wasmvm(t):
    """Who else has the volume could take wasmvm away before the start, and leave a native program at its name."""
    p = podman(t)
    p.image("linked-root", {"/app.wasm": server()}, ["/app.wasm"], links=[("data", "/")])
    p.image("linked", {"/app.wasm": server()}, ["/app.wasm"], links=[("data", ".wasmvm")])
    p.image("plain", {"/app.wasm": server()}, ["/app.wasm"])
    for name in "dev", "proc", "sys", "run", "etc":
        t.mkdir(f"volume/{name}")
    for name in "null", "zero", "full", "tty", "random", "urandom":
        t.write(f"volume/dev/{name}", b"")
    os.symlink("/", t.path("volume/data"))  # runc looks for the mount's name in the volume then
    shutil.copy(native(t), t.path("volume/.wasmvm"))
    t.write("file", "a setting\n")
    whole, file = ["-v", t.path("volume") + ":/data"], ["-v", t.path("file") + ":/data"]
    for runtime in p.runc, program("crun"):
        conf = t.write("runtime.conf", f"runtime = {runtime}\n")
        kept = made(p, conf, *file, "plain")
        if kept.status and runtime != p.runc:
            raise Skip(f"podman and crun run no container here: {kept.err.decode()[-200:]}")
        expect(kept, 0)
        for volume, image, why in (
            (whole, "linked-root", "something is mounted over the container's root"),
            (file, "linked", "something else is mounted at /.wasmvm"),
        ):
            refused = made(p, conf, *volume, image)
            assert refused.status, (runtime, image)
            words = why if runtime == p.runc else "error executing hook"  # crun does not say more
            assert words in refused.err.decode(), refused


@case
def the_network_of_the_container(t):
    """Its own loopback, other containers and names: all but link-local and metadata."""
    p = podman(t)
    with serving(p, "--dns", "169.254.20.10"):
        answers(PORT, "/dial?q=tcp:127.0.0.1:8080", "")
        answers(PORT, "/dial?q=udp:10.88.0.1:53", "")
        answers(PORT, "/dial?q=tcp:localhost:8080", "")
        for refused in (
            "tcp:169.254.169.254:80",
            "udp:169.254.169.254:53",
            "tcp:169.254.20.10:80",
            "udp:169.254.20.11:53",
        ):
            assert "denied" in ask(PORT, f"/dial?q={refused}"), refused
        answers(PORT, "/dial?q=udp:169.254.20.10:53", "")


@case
def without_the_runtime_by_cdi(t):
    """packaging/cdi: an engine that knows nothing of wasmvm-oci gives the container KVM and the static wasmvm."""
    p = podman(t)
    with open(os.path.join(ROOT, "packaging/cdi/wasmvm.json")) as f:
        text = f.read()
    assert '"/usr/bin/wasmvm"' in text
    os.makedirs("/run/cdi", exist_ok=True)
    with open("/run/cdi/wasmvm.json", "w") as f:
        f.write(text.replace("/usr/bin/wasmvm", t.wasmvm))
    device = ["--device", "wasmvm.example/machine=kvm"]
    monitor = ["--entrypoint", '["/.wasmvm","--container","--","/app.wasm"]']
    ran = p("run", "--rm", *device, *monitor, "server", "exit", "x", runtime=p.runc)
    expect(ran, 7, out="out [x]\n", err="err\n")
    assert p("run", "--rm", *monitor, "server", "exit", "x", runtime=p.runc).status == 127  # no wasmvm in there


@case
def an_image_of_wasmvm_alone(t):
    """packaging/image: FROM scratch with the static command, which runs modules of a volume."""
    p = podman(t)
    place = os.path.join(ROOT, "packaging/image/Containerfile")
    with open(place) as f:
        lines = [line for line in f.read().splitlines() if line and not line.startswith("#")]
    assert lines == ["FROM scratch", "COPY wasmvm /wasmvm", 'ENTRYPOINT ["/wasmvm"]'], lines
    p.image("wasmvm", {"/wasmvm": t.wasmvm}, ["/wasmvm"])
    expect(p("run", "--rm", "wasmvm", "--version", runtime=p.runc), 0)
    t.mkdir("modules")
    shutil.copy(server(), t.path("modules/app.wasm"))
    volume = ["-v", t.path("modules") + ":/modules:ro", "--device", "/dev/kvm"]
    ran = p("run", "--rm", *volume, "wasmvm", "--", "/modules/app.wasm", "exit", "x", runtime=p.runc)
    expect(ran, 7, out="out [x]\n", err="err\n")
