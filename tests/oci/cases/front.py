"""wasmvm-oci alone, built with sanitizers where that is there: a script stands in the runtime's place and shows what it
was given.  What configurations, root file systems and command lines can do to lead it astray."""

import json
import os
import shutil
import sys
import threading

from harness import Skip, case, expect, run

MAGIC = b"\0asm\1\0\0\0"
ENV = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")  # nothing is ever freed
RUNTIME = f"""#!{sys.executable} -IS
# Words, each in brackets; then the descriptors from 3 on that this runtime has, as `N=name`.
import os, sys
print("".join(f"[{{word}}]" for word in sys.argv[1:]))
fds = {{n: f"/proc/self/fd/{{n}}" for n in range(3, 50)}}
print(*[f"{{n}}={{os.readlink(name)}}" for n, name in fds.items() if os.path.lexists(name)])
"""


def front(t):
    sanitized = os.path.join(os.path.dirname(t.wasmvm), "san", "wasmvm-oci")
    return (
        sanitized
        if os.path.exists(sanitized)
        else os.path.join(os.path.dirname(t.wasmvm), "wasmvm-oci")
    )


class Bundle:
    """A bundle with a root file system, its configuration file, and the front called on it."""

    def __init__(self, t, conf="", args=("/app.wasm",), env=("PATH=/bin",), **config):
        self.t = t
        self.dir, self.root = t.mkdir("bundle"), t.mkdir("bundle/rootfs")
        t.write("bundle/rootfs/app.wasm", MAGIC)
        self.runtime = t.write("runtime", RUNTIME)
        os.chmod(self.runtime, 0o755)
        self.monitor = t.write("wasmvm-static", "#!/bin/sh\n")
        os.chmod(self.monitor, 0o755)
        self.conf = t.write(
            "oci.conf", f"# a remark\nruntime = {self.runtime}\nwasmvm={self.monitor}\n{conf}"
        )
        self.words = f"{front(t)} --wasmvm-config {self.conf}"
        self.config = {
            "ociVersion": "1.0.2",
            "root": {"path": "rootfs"},
            "process": {"args": list(args), "env": list(env), "cwd": "/"},
            **config,
        }
        self.save()

    def save(self):
        self.t.write("bundle/config.json", json.dumps(self.config))

    def call(self, *words, command="create", log=True, **options):
        """create, or another command."""
        logs = ["--log", self.t.path("log.json"), "--log-format", "json"] if log else []
        if command == "create":
            words = ["create", "--bundle", self.dir, *words, "name"]
        return run([front(self.t), "--wasmvm-config", self.conf, *logs, *words], env=ENV, **options)

    def edited(self, *words, **options):
        """What the runtime would read; the bundle is as before then."""
        before = open(self.t.path("bundle/config.json"), "rb").read()
        result = self.call(*words, **options)
        expect(result, 0)
        with open(self.t.path("bundle/config.json")) as f:
            after = json.load(f)
        assert os.listdir(self.dir).sort() == ["config.json", "rootfs"].sort(), os.listdir(self.dir)
        self.t.write("bundle/config.json", before)
        return after

    def refused(self, *pieces, words=(), **options):
        """One line, in the log as well, and nothing is changed."""
        before = open(self.t.path("bundle/config.json"), "rb").read()
        if os.path.exists(self.t.path("log.json")):
            os.unlink(self.t.path("log.json"))
        result = self.call(*words, **options)
        expect(result, 1, out=b"", err_has=pieces)
        lines = result.err.decode().splitlines()
        assert len(lines) == 1 and lines[0].startswith("wasmvm-oci: "), result
        with open(self.t.path("log.json")) as log:
            said = [json.loads(line) for line in log]
        assert [(s["level"], s["msg"]) for s in said] == [("error", lines[0])], said
        assert open(self.t.path("bundle/config.json"), "rb").read() == before
        assert not [n for n in os.listdir(self.dir) if "wasmvm" in n], os.listdir(self.dir)

    def is_module(self, *args, **process):
        """Whether the front takes it for one."""
        self.config["process"].update(args=list(args), **process)
        self.save()
        result = self.call()
        with open(self.t.path("bundle/config.json")) as f:
            changed = json.load(f)["process"]["args"][0] == "/.wasmvm"
        assert (result.status == 0) == changed, result
        if not changed:
            expect(
                result,
                1,
                err_has="is no WebAssembly module: it would run without a virtual machine",
            )
        return changed

    def file(self, name, data=b""):
        return self.t.write("bundle/rootfs/" + name, data)

    def link(self, name, target):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(target, path)


def as_root():
    if os.getuid() != 0:
        raise Skip("root is needed")


# ---- what is edited ----


@case
def the_process_becomes_wasmvm(t):
    b = Bundle(
        t,
        args=["/app.wasm", "--dir", "", "a b"],
        annotations={"run.oci.handler": "wasm", "other": "kept"},
    )
    after = b.edited()
    assert after["process"]["args"] == [
        "/.wasmvm",
        "--container",
        "--cache=off",
        "--kvm-fd=3",
        "--dir=/",
        "--env-all",
        "--cwd=/",
        "--net-all",
        "--",
        "/app.wasm",
        "--dir",
        "",
        "a b",
    ], after
    assert after["mounts"] == [
        {
            "destination": "/.wasmvm",
            "source": b.monitor,
            "type": "bind",
            "options": ["bind", "ro", "nosuid", "nodev"],
        }
    ]
    assert after["process"]["env"] == ["PATH=/bin"] and after["annotations"] == {"other": "kept"}
    assert "linux" not in after, "neither device nor cgroup rule"


@case
def kvm_is_handed_over_by_a_descriptor(t):
    """Behind those that the engine hands over, which stay as they are."""
    b = Bundle(t)
    before = b.t.path("bundle/config.json")
    text = open(before, "rb").read()
    result = b.call("--pid-file", "p", log=False)
    expect(result, 0)
    words, fds = result.out.decode().splitlines()
    assert words == f"[create][--pid-file=p][--bundle={b.dir}][--preserve-fds=1][name]", words
    assert fds.split() == ["3=/dev/kvm"], fds
    t.write("bundle/config.json", text)
    ends = [os.open("/dev/null", os.O_RDONLY), os.open("/dev/zero", os.O_RDONLY)]
    script = f"exec 3</dev/null 4</dev/zero; exec {b.words} create --preserve-fds=2 -b {b.dir} n"
    result = run(["sh", "-c", script], env=ENV)
    for end in ends:
        os.close(end)
    expect(result, 0)
    words, fds = result.out.decode().splitlines()
    assert "[--preserve-fds=3][n]" in words and fds.split() == [
        "3=/dev/null",
        "4=/dev/zero",
        "5=/dev/kvm",
    ], result
    with open(t.path("bundle/config.json")) as f:
        assert "--kvm-fd=5" in json.load(f)["process"]["args"]


@case
def sockets_of_systemd_stand_before_it(t):
    b = Bundle(t)
    script = "exec 3</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; "
    script += f"exec {b.words} create -b {b.dir} n"
    result = run(["sh", "-c", script], env=ENV)
    expect(result, 0)
    assert result.out.decode().splitlines()[1].split() == ["3=/dev/null", "4=/dev/kvm"], result
    with open(t.path("bundle/config.json")) as f:
        assert "--listen-fds" in json.load(f)["process"]["args"]


@case(vm=False)
def other_commands_pass_as_they_are(t):
    b = Bundle(t)
    for words in (
        ["state", "x"],
        ["kill", "x", "9", "--all"],
        ["delete", "--force", "x"],
        ["start", "x"],
        ["features"],
        ["update", "--memory", "5", "x"],
        ["--version"],
        ["events", "--stats", "x"],
    ):
        result = b.call(*words, command=None, log=False)
        expect(result, 0, err=b"")
        assert result.out.decode().splitlines() == ["".join(f"[{w}]" for w in words), ""], result


CONTAINERD, CRIO = "io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"
PODS = "--root", "/run/containerd/runc/k8s.io"  # containerd's, of what the kubelet asks for


@case(vm=False)
def the_pause_container_runs_untouched(t):
    for key, conf, pods in (CONTAINERD, "", PODS), (CRIO, "pods = cri-o\n", ()):
        b = Bundle(t, conf, args=["/pause"], annotations={key: "sandbox"})
        text = open(t.path("bundle/config.json"), "rb").read()
        result = b.call(*pods, "create", "--bundle", b.dir, "name", command=None)
        expect(result, 0)
        assert (
            "kvm" not in result.out.decode()
            and open(t.path("bundle/config.json"), "rb").read() == text
        ), result


@case(vm=False)
def no_annotation_of_an_image_makes_it_a_pause_container(t):
    """Under podman those of the image stand among the container's."""
    both = {CONTAINERD: "sandbox", CRIO: "sandbox"}
    b = Bundle(t, args=["/pause"], annotations=both)
    b.refused("/pause is no WebAssembly module")
    create = "create", "--bundle", b.dir, "name"
    for root in "/run/k8s.io/runc", "/run/ak8s.io", "k8s.io":
        b.refused("is no WebAssembly module", words=("--root", root, *create), command=None)
    b = Bundle(t, args=["/pause"], annotations={CRIO: "sandbox"})
    b.refused("is no WebAssembly module", words=(*PODS, *create), command=None)
    b = Bundle(t, "pods = cri-o\n", args=["/pause"], annotations={CONTAINERD: "sandbox"})
    b.refused("is no WebAssembly module", words=(*PODS, *create), command=None)
    Bundle(t, "pods = podman\n").refused("podman is neither containerd nor cri-o")


@case(vm=False)
def wasmvm_is_mounted_where_its_name_says(t):
    """A link of the image's would lead the mount into a volume, where another container can take it away again."""
    for target in "data/wasmvm", "/data/wasmvm", "gone":
        b = Bundle(t)
        b.link(".wasmvm", target)
        b.file("data/wasmvm")
        b.refused("/.wasmvm: the image has something else there than a file")
        os.unlink(t.path("bundle/rootfs/.wasmvm"))
    t.mkdir("bundle/rootfs/.wasmvm")
    b.refused("/.wasmvm: the image has something else there than a file")
    os.rmdir(t.path("bundle/rootfs/.wasmvm"))
    b.file(".wasmvm")  # of an earlier start
    b.edited()


@case(vm=False)
def a_hook_looks_where_wasmvm_was_mounted(t):
    """It is called as the runtime calls it, here beside a root that has no mount: that is refused, too."""
    own = {"path": "/bin/true"}
    b = Bundle(t, hooks={"createContainer": [own], "prestart": [own]})
    hooks = b.edited()["hooks"]
    assert hooks["prestart"] == [own] and hooks["createContainer"][0] == own, hooks
    assert len(hooks["createContainer"]) == 2 and len(hooks) == 2, hooks
    path, args = hooks["createContainer"][1]["path"], hooks["createContainer"][1]["args"]
    ids = [f"{st.st_dev:x}:{st.st_ino:x}" for st in map(os.stat, (b.root, b.monitor))]
    assert path == os.path.realpath(front(t)), path
    assert args == ["wasmvm-oci", "placed", b.root, *ids], args
    expect(run([path, *args[1:]], env=ENV), 1, err_has=["something else is mounted at /.wasmvm"])
    os.link(b.monitor, t.path("bundle/rootfs/.wasmvm"))
    expect(run([path, *args[1:]], env=ENV), 1, err_has=["something else is mounted at /.wasmvm"])
    wrong = run([path, "placed", t.mkdir("other"), *ids], env=ENV)
    expect(wrong, 1, err_has=["something is mounted over the container's root"])
    for hooks in [], {"createContainer": {}}, {"CreateContainer": []}:
        Bundle(t, hooks=hooks).refused()


@case(vm=False)
def the_hook_counts_mounts(t):
    """One is right; with a second one below or above it the last name is another's."""
    as_root()
    b = Bundle(t)
    b.root = t.mkdir("a root\twith \\")
    b.config["root"]["path"] = b.root
    t.write("a root\twith \\/app.wasm", MAGIC)
    b.save()
    hook = b.edited()["hooks"]["createContainer"][0]
    place = t.write("a root\twith \\/.wasmvm", "")
    mounts = 'n=$1; shift; while [ $n != 0 ]; do mount --bind "$1" "$2" || exit 9; n=$((n - 1)); done; '
    mounts += 'shift 2; exec "$@"'
    for n, status in (0, 1), (1, 0), (2, 1):
        words = ["unshare", "--mount", "sh", "-c", mounts, "sh", str(n), b.monitor, place, hook["path"]]
        result = run([*words, *hook["args"][1:]], env=ENV)
        expect(result, status, err_has=["/.wasmvm"] if status else [])


@case(vm=False)
def native_programs_are_refused_or_run_without_kvm(t):
    b = Bundle(t, args=["/bin/sh"])
    b.file("bin/sh", b"\x7fELF")
    b.refused("/bin/sh is no WebAssembly module", "native = allow")
    b = Bundle(t, "native = allow\n", args=["/bin/sh"])
    text = open(t.path("bundle/config.json"), "rb").read()
    result = b.call()
    expect(result, 0, err=b"")
    assert "kvm" not in result.out.decode() and "preserve" not in result.out.decode(), result
    assert open(t.path("bundle/config.json"), "rb").read() == text
    with open(t.path("log.json")) as log:
        assert "runs without a virtual machine" in log.read()


@case
def the_termination_log_gets_the_last_words(t):
    mounts = [{"destination": "/dev/termination-log", "source": "/x", "type": "bind"}]
    args = Bundle(t, mounts=mounts).edited()["process"]["args"]
    assert "--last-words=/dev/termination-log" in args, args


# ---- which file is the program ----


@case
def modules_are_known_by_name_and_by_their_first_bytes(t):
    b = Bundle(t)
    b.file("bin/tool", MAGIC + b"rest")
    b.file("bin/image", b"wasmvm\x1aIrest")  # of `wasmvm build`
    b.file("bin/list", b"wasmvm\x1aLrest")
    assert b.is_module("/bin/image") and not b.is_module("/bin/list")
    b.file("bin/other", b"\0asm\x0d\0\1\0")  # a component
    b.file("short", b"\0asm")
    b.file("usr/bin/later", MAGIC)
    assert b.is_module("/bin/tool") and b.is_module("tool") and b.is_module("./bin/../bin/tool")
    assert b.is_module("tool", cwd="/bin") and b.is_module("./tool", cwd="/bin")
    assert (
        not b.is_module("/bin/other") and not b.is_module("/short") and not b.is_module("/nothing")
    )
    assert not b.is_module("later") and b.is_module("later", env=["PATH=/bin:relative:/usr/bin"])
    assert not b.is_module("tool", env=["PATH=bin", "HOME=/"], cwd="/")
    assert b.is_module("/not-there.wasm"), "a volume may hold it"
    assert not b.is_module("/bin"), "a directory"


@case
def names_from_path_are_handed_on_whole(t):
    b = Bundle(t, args=["tool", "x"], env=["PATH=/no", "PATH=/usr/bin:/bin"])
    b.file("bin/tool", MAGIC)
    assert b.edited()["process"]["args"][-3:] == ["--", "/bin/tool", "x"]


@case
def annotations_of_others_mean_a_module(t):
    for annotations, module in (
        ({"run.oci.handler": "wasm"}, True),
        ({"module.wasm.image/variant": "compat"}, True),
        ({"module.wasm.image/variant": "compat-smart"}, False),
        ({"run.oci.handler": "x"}, False),
    ):
        assert Bundle(t, annotations=annotations).is_module("/native") == module, annotations


@case(vm=False)
def no_annotation_gives_the_runtime_orders(t):
    """Under podman they may be the image's; the runtime is root, and does what they say."""
    keys = {"run.oci.handler": "wasm", "module.wasm.image/variant": "compat"}
    kept = {"run.oci.mount_context_type": "context", "run.oci": "x", "org.systemd.x": "y"}
    assert Bundle(t, annotations={**keys, **kept}).edited()["annotations"] == kept
    for key in (
        "run.oci.hooks.stdout",
        "run.oci.seccomp.plugins",
        "run.oci.seccomp_bpf_data",
        "run.oci.keep_original_groups",
        "run.oci.not.known.yet",
        "org.systemd.property.MemoryMax",
        "org.criu.config",
    ):
        for conf in "", "native = allow\n", 'annotations = ["run.oci", "run.oci."]\n':
            Bundle(t, conf, annotations={key: "x"}).refused(f"annotation {key}: it is an order")
        b = Bundle(t, f'annotations = ["a", "{key}"]\n', annotations={key: "x"})
        assert b.edited()["annotations"] == {key: "x"}
    Bundle(t, "annotations = x\n").refused("not a JSON document")


@case
def links_of_the_root_stay_in_it(t):
    """Links, also to /proc, lead nowhere outside: a module of the host is not found by them, one of the root is."""
    b = Bundle(t)
    outside = t.write("outside", MAGIC)
    b.link("absolute", outside)
    b.link("up", "../../outside")
    b.link("self", "/proc/self/exe")
    b.link("folder", "/")
    b.link("loop", "loop")
    b.link("good", "/app.wasm")
    os.rename(os.path.join(b.root, "app.wasm"), os.path.join(b.root, "app"))
    b.link("sound", "/folder/../app")
    for name in (
        "/absolute",
        "/up",
        "/self",
        "/loop",
        "/folder",
        "/folder" + outside,
        "/../outside",
        "/../../outside",
    ):
        assert not b.is_module(name), name
    assert b.is_module("/sound") and b.is_module("/folder/app")


@case(vm=False)
def what_is_no_file_is_not_opened(t):
    """A FIFO would wait, and a device could do anything when opened."""
    as_root()
    b = Bundle(t)
    os.mkfifo(os.path.join(b.root, "fifo"))
    os.mknod(os.path.join(b.root, "console"), 0o20666, os.makedev(5, 1))
    os.mknod(os.path.join(b.root, "kvm"), 0o20666, os.makedev(10, 232))
    b.link("to-fifo", "fifo")
    for name in "/fifo", "/console", "/kvm", "/to-fifo":
        assert not b.is_module(name), name


@case(vm=False)
def a_root_that_changes_meanwhile(t):
    """Directories become links to the outside and back while the front looks: it never sees the outside's module."""
    b = Bundle(t)
    os.makedirs(t.path("outside/x"))
    t.write("outside/x/tool", MAGIC)
    b.file("real/x/tool", b"\x7fELF")
    over = threading.Event()

    def change():
        at, n = os.path.join(b.root, "at"), 0
        while not over.is_set():
            new = os.path.join(b.root, f"new{n % 2}")
            os.symlink("real" if n % 2 else t.path("outside"), new)
            os.rename(new, at)
            n += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        assert not any(b.is_module("/at/x/tool") for _ in range(100))
    finally:
        over.set()
        thread.join()


# ---- configurations ----


@case(vm=False)
def configurations_that_are_none(t):
    b = Bundle(t)
    good = open(t.path("bundle/config.json")).read()
    for text, piece in (
        ("", "not a JSON document"),
        ("[]", "not an object"),
        ("{", "not a JSON document"),
        (good[:-1], "not a JSON"),
        (good + "x", "not a JSON document"),
        (good + good, "not a JSON document"),
        ("[" * 100 + "]" * 100, "not a JSON document"),
        ('{"a":' * 100 + "1" + "}" * 100, "not a JSON document"),
        (good.replace("/app.wasm", "/app.wasm\\u0000"), "it holds a NUL"),
        (good.replace('"process"', '"process\\u0000x"'), "it holds a NUL"),
        (good + "\0", "it holds a NUL"),
        (good.replace("/app.wasm", "\xff"), "not a JSON document"),
        ("{}", "root.path is missing"),
        ('{"root": {"path": "rootfs"}}', "process.args is empty"),
        ('{"process": []}', "process is no object"),
        ("// remark\n" + good, "not a JSON document"),
        (good.replace('["/app.wasm"]', '"/app.wasm"'), "args is no array"),
        (good.replace('["/app.wasm"]', "[]"), "args is empty"),
        (good.replace('["/app.wasm"]', '[""]'), "args is empty"),
        (good.replace('["/app.wasm"]', "[5]"), "args: what is no text stands in it"),
        (good.replace('"cwd": "/"', '"cwd": "x"'), "cwd is not absolute"),
        (good.replace('{"path": "rootfs"}', "{}"), "root.path is missing"),
        (
            good.replace('{"path": "rootfs"}', '{"path": "none"}'),
            "none: the root file system cannot be opened",
        ),
        (
            good.replace('{"path": "rootfs"}', '{"path": "config.json"}'),
            "config.json: the root file system cannot",
        ),
    ):
        t.write("bundle/config.json", text.encode("latin-1"))
        b.refused(piece)


@case
def what_only_looks_like_a_nul_is_none(t):
    b = Bundle(t, args=["/app.wasm", "\\u0000", "\\\\u0000"])
    with open(t.path("bundle/config.json"), "a") as f:
        f.write(" \n\t\r\n")  # nor is that anything that follows
    assert b.edited()["process"]["args"][-2:] == ["\\u0000", "\\\\u0000"]


@case(vm=False)
def keys_that_go_takes_for_others(t):
    """encoding/json ignores case, so that Process could be what runc runs, and process what we look at."""
    b = Bundle(t, linux={"resources": {"memory": {"limit": 1 << 30}}}, annotations={}, mounts=[])
    good = open(t.path("bundle/config.json")).read()
    for key, other in (
        ("process", "Process"),
        ("process", "PROCESS"),
        ("args", "aRgs"),
        ("process", "proce\u017f\u017f"),
        ("annotations", "Annotations"),
        ("root", "ROOT"),
        ("linux", "Linux"),
        ("mounts", "Mounts"),
        ("linux", "linu\u0078".upper()),
        ("env", "Env"),
        ("cwd", "Cwd"),
        ("limit", "Limit"),
        ("memory", "Memory"),
        ("resources", "Resources"),
        ("path", "Path"),
    ):
        for text in (
            good.replace(f'"{key}":', f'"{other}":', 1),
            good.replace(f'"{key}":', f'"{other}": null, "{key}":', 1),
        ):
            t.write("bundle/config.json", text.encode())
            b.refused(f"is meant to be taken for {key}")


@case
def of_a_key_that_stands_twice_the_runtime_sees_what_we_saw(t):
    b = Bundle(t)
    good = open(t.path("bundle/config.json")).read()
    t.write(
        "bundle/config.json", good[:-1] + ', "process": {"args": ["/app.wasm", "2"], "cwd": "/x"}}'
    )
    expect(b.call(), 0)
    text = open(t.path("bundle/config.json")).read()
    assert text.count('"process"') == 1 and json.loads(text)["process"]["args"][-1] == "2"


@case
def long_configurations(t):
    many = ["x" * 1000] * 2000
    assert Bundle(t, args=["/app.wasm", *many]).edited()["process"]["args"][-2000:] == many
    Bundle(t, args=["/app.wasm", *["x" * 1000] * 9000]).refused(
        "config.json: it cannot be read: it is larger than 8 MiB"
    )
    Bundle(t, args=["/app.wasm", *["x"] * 70000]).refused("args has more than 65536 words")


@case(vm=False)
def a_configuration_that_is_no_file(t):
    b = Bundle(t)
    path, other = t.path("bundle/config.json"), t.path("bundle/other.json")
    os.rename(path, other)
    expect(b.call(), 1, err_has="config.json: it cannot be read: No such file")
    os.symlink("other.json", path)
    expect(b.call(), 1, err_has="config.json: it cannot be read: it is a link")
    os.unlink(path)
    os.mkfifo(path)
    expect(b.call(), 1, err_has="config.json: it cannot be read: it is not a regular file")
    os.unlink(path)
    os.mkdir(path)
    expect(b.call(), 1, err_has="config.json: it cannot be read: it is not a regular file")


@case
def it_is_written_in_one_step(t):
    """Whoever reads meanwhile sees the old one or the new one, and it keeps its mode."""
    b = Bundle(t)
    path = t.path("bundle/config.json")
    good = open(path, "rb").read()
    os.chmod(path, 0o640)
    seen, over = set(), threading.Event()

    def read():
        while not over.is_set():
            with open(path, "rb") as f:
                seen.add(f.read())

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(50):
        expect(b.call(), 0)
        assert os.stat(path).st_mode & 0o777 == 0o640
        new = t.path("bundle/again")
        with open(new, "wb") as f:
            f.write(good)
        os.chmod(new, 0o640)
        os.rename(new, path)
    over.set()
    thread.join()
    assert len(seen) <= 2, [s[:100] for s in seen]


@case
def a_bundle_is_edited_once(t):
    b = Bundle(t)
    expect(b.call(), 0)
    expect(b.call(), 1, err_has="/.wasmvm is mounted already")
    Bundle(t, mounts=[{"destination": "/x/..//.wasmvm/", "source": "/tmp"}]).refused(
        "/.wasmvm is mounted already"
    )
    Bundle(t, mounts=["/.wasmvm"]).refused("a mount is no object")


# ---- command lines ----


@case(vm=False)
def words_that_could_be_read_in_two_ways(t):
    b = Bundle(t)
    for words, piece in (
        (["--unknown", "x"], "--unknown: an option that wasmvm-oci does not know"),
        (["--bundle", b.dir], "--bundle stands there twice"),
        (["other"], "one container is meant"),
        (["--"], "one container is meant"),
        (["--preserve-fds=x"], "--preserve-fds: x is not a number"),
        (["--preserve-fds=-1"], "is not a number"),
        (["--preserve-fds=1001"], "is not a number"),
        (["--preserve-fds", ""], "is not a number"),
    ):
        b.refused(piece, words=words)
    for words, piece in (
        (["create", "--bundle", b.dir], "the container's name is missing"),
        (["conjure", "x"], "conjure: a command that wasmvm-oci does not know"),
        (["restore", "x"], "a virtual machine cannot be restored"),
        (["create", "n", "--bundle"], "--bundle needs a value"),
        (["exec", "x", "sh"], "only with --process"),
        (["exec", "x"], "only with --process"),
    ):
        b.refused(piece, words=words, command=None)


@case
def options_behind_the_name_and_short_ones(t):
    b = Bundle(t)
    result = run(
        [
            front(t),
            "--wasmvm-config",
            b.conf,
            "--systemd-cgroup",
            "--root",
            "/r",
            "run",
            "n",
            "-d",
            "-b",
            b.dir,
            "-pid-file",
            "p",
            "--no-pivot",
        ],
        env=ENV,
    )
    expect(result, 0, err=b"")
    assert (
        result.out.decode().splitlines()[0]
        == "[--systemd-cgroup][--root=/r][run][--detach][--pid-file=p][--no-pivot]"
        f"[--bundle={b.dir}][--preserve-fds=1][n]"
    )


# ---- the configuration file ----


@case(vm=False)
def configuration_files(t):
    for conf, piece in (
        ("native = maybe\n", ":4: native: maybe is neither deny nor allow"),
        ("x\n", ":4: neither KEY"),
        ("colour = red\n", ":4: colour: no such key"),
        ("options = --timeout\n", "not a JSON document"),
        ('options = ["--timeout=5"]\n', "only the name is written"),
        ('options = {"a": 1}\n', "an array of words is wanted"),
        ("runtime = runc\n", "the whole name of a file is wanted"),
    ):
        Bundle(t, conf).refused(piece)
    for name in (
        "plugin",
        "plugin-exec",
        "guest-image",
        "jail",
        "dir",
        "kvm-fd",
        "report",
        "trace",
        "net-log",
        "ca-certs",
        "env-all",
        "listen-fds",
        "net-all",
        "cwd",
        "help",
        "hypercall-all",
        "nothing",
    ):
        Bundle(t, f'options = ["--{name}"]\n').refused(
            f"--{name}: no annotation may give this option"
        )
    b = Bundle(t, args=["/bin/sh"])
    os.chmod(b.conf, 0o666)
    b.refused("others than root may write it")
    b.conf = t.path("none.conf")
    b.refused("none.conf: No such file")
    b.conf = t.mkdir("folder.conf")
    b.refused("folder.conf")


@case
def without_the_hosts_root_its_file_counts(t):
    """podman for a user: in the user namespace /etc/wasmvm/oci.conf belongs to nobody."""
    shutil.copy(front(t), t.path("front"))
    os.chmod(t.tmp, 0o755)
    user = "setpriv --reuid=4321 --regid=4321 --clear-groups "
    unshared = user + "unshare -Ur "
    if run([*unshared.split(), "true"]).status != 0:
        raise Skip("a user has no user namespaces here")

    def called(conf, mode="644", enter=unshared):
        script = (
            "mount -t tmpfs none /etc && mkdir /etc/wasmvm && cp {0} /etc/wasmvm/oci.conf && "
            "chmod {1} /etc/wasmvm/oci.conf && exec {2} {3} state name"
        ).format(t.write("conf", conf), mode, enter, t.path("front"))
        return run(["unshare", "-m", "sh", "-c", script], env=ENV)

    conf = "runtime = /bin/echo\n"
    for enter in unshared, user:
        expect(called(conf, enter=enter), 0, out="state name\n")
    expect(called(conf + "nothing = 1\n"), 1, err_has="nothing: no such key")
    expect(called(conf, mode="666"), 1, err_has="others than root may write it")


@case
def annotations_give_options_that_are_allowed(t):
    key = "io.wasmvm.options"
    b = Bundle(
        t,
        'options = ["--timeout", "--stack"]\nadd = ["--max-sockets=9"]\n',
        annotations={key: '["--timeout=5s", "--stack=4M"]'},
    )
    assert b.edited()["process"]["args"][-5:] == [
        "--max-sockets=9",
        "--timeout=5s",
        "--stack=4M",
        "--",
        "/app.wasm",
    ]
    for value, piece in (
        ('["--memory=1G"]', "--memory=1G: the administrator does not allow it"),
        ('["--timeout", "5"]', "5: it is not --NAME or --NAME=VALUE"),
        ('["--"]', "it is not --NAME"),
        ('["-t"]', "it is not --NAME"),
        ('["--plugin=/x.so"]', "no annotation may give this option"),
        ('["--timeou"]', "no annotation may give"),
        ('["--timeoutx=1"]', "no annotation may give"),
        ("--timeout=5s", "not a JSON document"),
        ('["--timeout=\\u0000"]', "it holds a NUL"),
        ('{"--timeout": 5}', "is no array"),
        ("[5]", "what is no text stands in it"),
        ('["--timeout=5s"] ["--plugin=x"]', "not a JSON document"),
    ):
        b.config["annotations"][key] = value
        b.save()
        b.refused(piece)
    Bundle(t, annotations={key: '["--timeout=5s"]'}).refused("the administrator does not allow it")
    Bundle(t, annotations={key: 5}).refused("io.wasmvm.options is no string")


@case
def the_network_can_be_withheld(t):
    assert "--net-all" not in Bundle(t, "network = none\n").edited()["process"]["args"]


# ---- limits ----


def memory_words(t, limit, **more):
    process = Bundle(t, linux={"resources": {"memory": {"limit": limit}}}, **more).edited()[
        "process"
    ]
    words = dict(w[2:].split("=") for w in process["args"] if w.startswith("--") and "=" in w)
    words["env"] = process["env"]
    return words


@case
def the_memory_limit_reaches_the_machine(t):
    words = memory_words(t, 256 << 20)
    total, memory, stack = (int(words[w]) for w in ("total-memory", "memory", "stack"))
    assert stack + memory <= total < 256 << 20 and memory > 128 << 20, words
    limit = int(next(e for e in words["env"] if e.startswith("GOMEMLIMIT="))[len("GOMEMLIMIT=") :])
    assert memory * 0.8 < limit < memory, words
    assert "GOMEMLIMIT=5" in memory_words(t, 256 << 20, env=["GOMEMLIMIT=5"])["env"]
    assert len(memory_words(t, 256 << 20, env=["GOMEMLIMIT=5"])["env"]) == 1
    assert int(memory_words(t, 64 << 30)["memory"]) == 4 << 30
    for unlimited in -1, 0:
        words = memory_words(t, unlimited)
        assert "memory" not in words and words["env"] == ["PATH=/bin"], words
    for limit in 1, 4096, 32 << 20:
        Bundle(t, linux={"resources": {"memory": {"limit": limit}}}).refused(
            f"a memory limit of {limit} bytes: a virtual machine needs",
            "raise the container's",
        )
    Bundle(t, linux={"resources": {"memory": {"limit": "256M"}}}).refused("limit is no int")
    Bundle(t, linux={"resources": {"memory": {"limit": 1e9 + 0.5}}}).refused("limit is no int")
