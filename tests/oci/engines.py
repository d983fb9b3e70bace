"""What cases with engines share: the programs in the images, the images, podman with a state of its own."""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import harness
from harness import CACHE, GO, ROOT, Skip, prepare, run

SERVER = os.path.join(ROOT, "tests", "oci", "server")
NATIVE = b"""
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "sleep"))
        sleep(600);
    printf("native %d\\n", access("/dev/kvm", 0));
    return 3;
}
"""


INSIDE = """
mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /mnt || exit 125
mkdir /mnt/lib /mnt/work && # what containerd keeps of networks
    mount -t overlay -o lowerdir=/var/lib,upperdir=/mnt/lib,workdir=/mnt/work overlay /var/lib || exit 125
umount /sys/fs/cgroup/unified 2>/dev/null # crun takes no machine that has both kinds of cgroups
ip link set lo up || exit 125
exec "$@"
"""


def unshared(by_network):
    """This script again, in namespaces of its own where they can be made."""
    command = ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", INSIDE, "sh"]
    if (
        os.getuid() != 0
        or subprocess.run([*command, "true"], stderr=subprocess.DEVNULL).returncode != 0
    ):
        return None
    for make in [server, *by_network]:  # there is no network inside
        make()
    env = dict(os.environ, WASMVM_OCI_INSIDE="1")
    return subprocess.run([*command, sys.executable, *sys.argv], env=env).returncode


def inside():
    if "WASMVM_OCI_INSIDE" not in os.environ:
        raise Skip("root and namespaces are needed")


def front(t):
    return os.path.join(os.path.dirname(t.wasmvm), "wasmvm-oci")


def program(name):
    found = shutil.which(name) or next(
        (p for p in [f"/usr/sbin/{name}", f"/sbin/{name}"] if os.path.exists(p)), None
    )
    if not found:
        raise Skip(f"no {name} here")
    return found


def server():
    """tests/oci/server as `wasmvm go build` makes it; once for each state of our files below go/."""
    root = run([GO, "pinned", "env", "GOROOT"]).out.decode().strip()
    env = dict(
        os.environ,
        PATH=f"{root}/bin:{os.environ['PATH']}",
        GOTOOLCHAIN="local",
        GOFLAGS="-buildvcs=false",
    )
    key = harness.source_hash(SERVER) + harness.source_hash(os.path.join(ROOT, "go", "files"))
    path = os.path.join(CACHE, "oci", key, "app.wasm")
    if not os.path.exists(path):
        with harness.made_once(path) as new:
            prepare(
                [os.path.join(ROOT, "build", "wasmvm"), "go", "build", "-trimpath", "-o", new, "."],
                cwd=SERVER,
                env=env,
            )
    return path


def native(t):
    """A static program of this machine."""
    source, path = t.write("native.c", NATIVE), t.path("native")
    prepare(["gcc", "-O2", "-static", "-o", path, source])
    return path


class Podman:
    """podman with all of its state below one directory, and wasmvm-oci as its runtime `wasmvm`."""

    def __init__(self, t):
        self.podman = program("podman")
        program("conmon")
        self.top = tempfile.mkdtemp(prefix="wasmvm-podman-", dir="/mnt")
        self.runc = program("runc")
        self.set_up()
        self.env = dict(
            os.environ,
            CONTAINERS_CONF=f"{self.top}/containers.conf",
            TMPDIR=self.top,
            CONTAINERS_STORAGE_CONF=f"{self.top}/storage.conf",
            HOME=self.top,
        )
        self.runtime = front(t)
        self.images = {}
        atexit.register(self.close)

    def file(self, name, text):
        with open(os.path.join(self.top, name), "w") as f:
            f.write(text)

    def set_up(self):
        # nofile and nproc: podman asks for more than a limited root may have.
        self.file(
            "containers.conf",
            f"""
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=1024:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_config_dir = "{self.top}/networks"
""",
        )
        self.file(
            "storage.conf",
            f"""
[storage]
driver = "vfs"
graphroot = "{self.top}/root"
runroot = "{self.top}/runroot"
""",
        )
        self.file("policy.json", '{"default": [{"type": "insecureAcceptAnything"}]}')
        self.file("oci.conf", "native = deny\n")

    def __call__(self, *args, runtime=None, conf=None, **options):
        flags = []
        if not runtime:
            flags = ["--runtime-flag", f"wasmvm-config={conf or self.top + '/oci.conf'}"]
        return run(
            [self.podman, "--runtime", runtime or self.runtime, *flags, *map(str, args)],
            env=self.env,
            **{"timeout": 300, **options},
        )

    def image(self, name, files, entrypoint, *lines, platform=None, links=()):
        """Builds FROM scratch; files: {name in the image: file here}; links: (name in /, target)."""
        if name in self.images:
            return name
        place = tempfile.mkdtemp(dir=self.top)
        text = "FROM scratch\n"
        for inside_name, source in files.items():
            shutil.copy(source, os.path.join(place, os.path.basename(inside_name)))
            text += f"COPY {os.path.basename(inside_name)} {inside_name}\n"
        os.mkdir(os.path.join(place, "links"))
        for link, target in links:
            os.symlink(target, os.path.join(place, "links", link))
        text += "COPY links/ /\n" if links else ""
        text += "".join(line + "\n" for line in lines) + f"ENTRYPOINT {json.dumps(entrypoint)}\n"
        with open(os.path.join(place, "Containerfile"), "w") as f:
            f.write(text)
        built = self(
            "build",
            "--signature-policy",
            f"{self.top}/policy.json",
            "-q",
            "-t",
            name,
            *(["--no-cache", "--platform", platform] if platform else []),
            place,
            runtime=self.runc,
        )
        assert built.status == 0, built
        self.images[name] = True
        return name

    def close(self):
        subprocess.run(
            [self.podman, "rm", "-fa", "-t", "0"],
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


PODMAN = []


def podman(t):
    """The one podman of this run.  It has shown that it runs containers here without anything of ours."""
    inside()
    if not PODMAN:
        made = Podman(t)
        made.image("native", {"/native": native(t)}, ["/native"])
        result = made("run", "--rm", "native", runtime=made.runc)
        PODMAN.append(made if result.status == 3 else result.err.decode()[-300:])
    if not isinstance(PODMAN[0], Podman):
        raise Skip(f"podman and runc run no container here: {PODMAN[0]}")
    PODMAN[0].image("server", {"/app.wasm": server()}, ["/app.wasm"])
    return PODMAN[0]


def ask(port, path, host="127.0.0.1", tries=600):
    """One answer of the server; waits until it listens."""
    for _ in range(tries):
        try:
            with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=60) as reply:
                return reply.read().decode()
        except (ConnectionError, urllib.error.URLError) as why:
            last = why
            time.sleep(0.1 if tries > 1 else 0)
    raise last if tries == 1 else AssertionError(f"no answer: {last}")


def answers(port, path, want, host="127.0.0.1"):
    got = ask(port, path, host).removesuffix("\n")
    assert got == want, f"{path}: {got!r}, not {want!r}"
