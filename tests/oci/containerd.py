"""containerd with a state of its own, images from podman, crictl, and the network of pods."""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time

import harness
from engines import front, inside, native, podman, program
from harness import CACHE, GO, ROOT, Skip, prepare, run

CRICTL = "sigs.k8s.io/cri-tools/cmd/crictl@v1.37.0"
CNI = "/usr/lib/cni"
PAUSE = b"""
#include <signal.h>
#include <unistd.h>
static void end(int n)
{
    (void)n;
    _exit(0);
}
int main(void)
{
    signal(SIGTERM, end);
    for (;;)
        pause();
}
"""
# restrict_oom_score_adj, disable_apparmor: what a root within limits may do.  The snapshotter: state is on a tmpfs.
CONFIG = """
version = 2
root = "{top}/root"
state = "{top}/state"
oom_score = 0
[grpc]
  address = "{top}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:latest"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni}"
    conf_dir = "{top}/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.wasmvm]
    runtime_type = "io.containerd.runc.v2"
    pod_annotations = ["io.wasmvm.*"]
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.wasmvm.options]
      BinaryName = "{front}"
"""
NETWORK = {
    "cniVersion": "0.4.0",
    "name": "pods",
    "plugins": [
        {
            "type": "bridge",
            "bridge": "pods0",
            "isGateway": True,
            "ipMasq": False,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": "10.89.0.0/16"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
    ],
}


def crictl():
    path = os.path.join(CACHE, "oci", CRICTL.replace("/", "_"), "crictl")
    if not os.path.exists(path):
        with harness.made_once(path) as new:
            env = dict(os.environ, GOBIN=os.path.dirname(new), CGO_ENABLED="0", GOTOOLCHAIN="auto")
            prepare([GO, "pinned", "install", CRICTL], env=env)
    return path


class Containerd:
    """containerd, whose runtime `wasmvm` is wasmvm-oci by its usual configuration file, which is not there."""

    def __init__(self, t):
        self.images, self.podman = set(), podman(t)
        for name in "containerd", "ctr":
            program(name)
        self.top = tempfile.mkdtemp(prefix="wasmvm-containerd-", dir="/mnt")
        self.socket = f"{self.top}/containerd.sock"
        os.makedirs(f"{self.top}/net.d")
        self.file("net.d/pods.conflist", json.dumps(NETWORK))
        words = {"top": self.top, "cni": CNI, "front": front(t)}
        config = self.file("config.toml", CONFIG.format(**words))
        self.file("crictl.yaml", f"runtime-endpoint: unix://{self.socket}\n")
        with open(f"{self.top}/log", "wb") as log:
            self.child = subprocess.Popen(
                ["containerd", "-c", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        atexit.register(self.close)
        self.wait()

    def file(self, name, text):
        with open(os.path.join(self.top, name), "w") as f:
            f.write(text)
        return f.name

    def wait(self):
        for _ in range(600):
            if self.child.poll() is not None:
                raise Skip("containerd does not start: " + self.log()[-300:])
            if run(["ctr", "-a", self.socket, "version"]).status == 0:
                return
            time.sleep(0.1)
        raise AssertionError("containerd says nothing: " + self.log()[-300:])

    def log(self):
        with open(f"{self.top}/log") as f:
            return f.read()

    def take(self, image, platform=None):
        """An image of podman's, in ctr's own namespace and in that of pods; its name."""
        name = f"localhost/{image}:latest"
        if image in self.images:
            return name
        archive = f"{self.top}/{image}.tar"
        saved = self.podman("save", "-q", "--format", "docker-archive", "-o", archive, image)
        assert saved.status == 0, saved
        for namespace in "default", "k8s.io":
            words = ["--platform", platform] if platform else []
            command = ["--snapshotter", "native", *words, archive]
            taken = self.ctr("images", "import", *command, namespace=namespace)
            assert taken.status == 0, taken
        os.unlink(archive)
        self.images.add(image)
        return name

    def ctr(self, *args, namespace="default", **options):
        command = ["ctr", "-a", self.socket, "-n", namespace, *map(str, args)]
        return run(command, **{"timeout": 300, **options})

    def run(self, front, image, name, *args, words=(), **options):
        """ctr run, by the runtime `front`."""
        runtime = ["--snapshotter", "native", "--runc-binary", front]
        return self.ctr("run", "--rm", *runtime, *words, image, name, *args, **options)

    def crictl(self, *args, **options):
        command = [crictl(), "--config", f"{self.top}/crictl.yaml", *map(str, args)]
        return run(command, **{"timeout": 300, **options})

    def close(self):
        """Pods and the server; a shim that it has lost would live on."""
        if self.child.poll() is None:
            try:
                self.crictl("rmp", "-fa")
            finally:
                self.child.terminate()
                self.child.wait(60)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline") as f:
                words = f.read().split("\0")
                if "containerd-shim" in words[0] and self.socket in words:
                    os.kill(int(pid), signal.SIGTERM)


FOUND = []


def containerd(t):
    """The one containerd of this run, with the images `server`, `native` and that of pods."""
    inside()
    if not FOUND:
        FOUND.append(Containerd(t))
        source, path = t.write("pause.c", PAUSE), t.path("pause")
        prepare(["gcc", "-O2", "-static", "-o", path, source])
        FOUND[0].podman.image("pause", {"/pause": path}, ["/pause"])
        for image in "pause", "server", "native":
            FOUND[0].take(image)
    return FOUND[0]
