#!/usr/bin/env python3
"""A cluster of one node whose runtime class `wasmvm` runs modules: run.py --kubernetes DIR [--wasmvm FILE]

DIR has etcd and Kubernetes as build.sh makes them.  All of it runs in namespaces of its own, as tests/oci/run.py does,
with its containerd.  Prints what it does and what came of it; the last line is `N passed, N failed, N skipped`.
make test-k8s; not a part of CI: Kubernetes takes half an hour to build."""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "oci"), os.path.join(HERE, "..", "e2e")]
sys.dont_write_bytecode = True
import containerd  # noqa: E402
import engines  # noqa: E402
import harness  # noqa: E402
from harness import case, expect, run  # noqa: E402

PLACES = {}
MANY = 20
NODE = "10.90.0.1"
USER = "clusters-administrator"
KUBECONFIG = f"""
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "https://127.0.0.1:6443", insecure-skip-tls-verify: true}}}}]
users: [{{name: u, user: {{token: {USER}}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""
KUBELET = """
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}}}
authorization: {{mode: AlwaysAllow}}
address: {node}
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
containerRuntimeEndpoint: unix://{socket}
evictionHard: {{memory.available: "50Mi", nodefs.available: "1%", imagefs.available: "1%", nodefs.inodesFree: "1%"}}
resolvConf: ""
makeIPTablesUtilChains: false
oomScoreAdj: 0
readOnlyPort: 0
podLogsDir: {top}/pod-logs
"""


class Cluster:
    def __init__(self, t):
        self.containerd = containerd.containerd(t)
        self.top = self.containerd.top
        self.started = []
        harness.prepare(["ip", "addr", "add", f"{NODE}/32", "dev", "lo"])  # a kubelet takes no loopback address
        file = self.containerd.file
        self.config = file("kubeconfig", KUBECONFIG)
        tokens = file("tokens.csv", f"{USER},admin,1,system:masters\n")
        harness.prepare(["openssl", "genrsa", "-out", self.top + "/sa.key", "2048"])
        harness.prepare(["openssl", "rsa", "-in", self.top + "/sa.key", "-pubout", "-out", self.top + "/sa.pub"])
        self.start("etcd", "--data-dir", self.top + "/etcd")
        self.start("kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", "--service-cluster-ip-range=10.0.0.0/24",
                   f"--cert-dir={self.top}/certs", "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
                   "--authorization-mode=AlwaysAllow", f"--token-auth-file={tokens}",
                   f"--service-account-key-file={self.top}/sa.pub", "--endpoint-reconciler-type=none",
                   f"--service-account-signing-key-file={self.top}/sa.key",
                   "--service-account-issuer=https://kubernetes.default.svc",
                   "--kubelet-preferred-address-types=InternalIP",
                   "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition")
        self.until("the API server answers", lambda: self.kubectl("get", "--raw", "/readyz").out == b"ok")
        self.start("kube-controller-manager", "--leader-elect=false", "--bind-address=127.0.0.1",
                   f"--kubeconfig={self.config}", f"--service-account-private-key-file={self.top}/sa.key")
        self.start("kube-scheduler", "--leader-elect=false", "--bind-address=127.0.0.1", f"--kubeconfig={self.config}")
        kubelet = file("kubelet.yaml", KUBELET.format(node=NODE, socket=self.containerd.socket, top=self.top))
        self.start("kubelet", f"--config={kubelet}", f"--kubeconfig={self.config}", f"--root-dir={self.top}/kubelet",
                   f"--cert-dir={self.top}/kubelet-certs", "--hostname-override=node1", f"--node-ip={NODE}")
        self.until("the node is ready", lambda: b" Ready " in self.kubectl("get", "nodes", "--no-headers").out)

    def start(self, name, *words):
        with open(f"{self.top}/{name}.log", "wb") as log:
            self.started.append(subprocess.Popen([PLACES[name], *words], stdin=subprocess.DEVNULL, stdout=log,
                                                 stderr=log, cwd=self.top))

    def until(self, what, true, seconds=300):
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            for child in self.started:
                if child.poll() is not None:
                    name = os.path.basename(child.args[0])
                    raise AssertionError(f"{name} has ended: {open(f'{self.top}/{name}.log').read()[-1500:]}")
            if true():
                print(f"# {what} ({time.monotonic() - began:.0f} s)", flush=True)
                return
            time.sleep(0.5)
        raise AssertionError(f"not within {seconds} s: {what}\n{self.kubectl('get', 'pods', '-o', 'wide')}"
                             f"{self.kubectl('get', 'events')}")

    def kubectl(self, *args, **options):
        return run([PLACES["kubectl"], "--kubeconfig", self.config, *args], env=dict(os.environ, HOME=self.top),
                   **options)

    def shown(self, *args):
        """As somebody at a terminal sees it."""
        result = self.kubectl(*args)
        expect(result, 0)
        print(f"$ kubectl {' '.join(args)}\n{result.out.decode()}", end="", flush=True)

    def apply(self, name):
        with open(os.path.join(HERE, name), "rb") as f:
            expect(self.kubectl("apply", "-f", "-", stdin=f.read()), 0)
        print(f"$ kubectl apply -f {name}", flush=True)

    def pods(self):
        return json.loads(self.kubectl("get", "pods", "-l", "app=server", "-o", "json").out)["items"]

    def ready(self, n, more=lambda pod: True):
        """n pods, all of them ready."""
        pods = self.pods()
        return len(pods) == n and all(more(p) and any(c["type"] == "Ready" and c["status"] == "True"
                                      for c in p["status"].get("conditions", [])) for p in pods)

    def close(self):
        self.kubectl("delete", "pods,deployments", "--all", "--wait=true", "--timeout=120s")
        for child in reversed(self.started):
            child.terminate()
            child.wait(60)


def held(cluster):
    """MiB of memory (PSS) that the pods' processes have, by name: shims, their pause and wasmvm processes."""
    sums, shims = {}, set()
    seen = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    for pid in sorted(seen):
        try:
            with open(f"/proc/{pid}/cmdline") as f, open(f"/proc/{pid}/stat") as g, \
                    open(f"/proc/{pid}/smaps_rollup") as h:
                words, parent, rollup = f.read().split("\0"), int(g.read().rsplit(")")[-1].split()[1]), h.read()
        except OSError:
            continue
        shim = "containerd-shim" in words[0] and cluster.containerd.socket in words
        if shim:
            shims.add(pid)
        if shim or parent in shims:
            name = os.path.basename(words[0])
            sums[name] = sums.get(name, 0) + int(re.search(r"^Pss: +(\d+) kB", rollup, re.M).group(1)) / 1024
    return ", ".join(f"{name} {mib:.1f} MiB" for name, mib in sums.items())


@case(seconds=1800)
def a_deployment(t):
    cluster = Cluster(t)
    try:
        deployment(cluster)
    finally:
        cluster.close()


def deployment(cluster):
    cluster.apply("runtimeclass.yaml")
    cluster.apply("server.yaml")
    cluster.until("two pods are ready", lambda: cluster.ready(2))
    for pod in cluster.pods():
        engines.answers(8080, "/abc", "hello from /abc", host=pod["status"]["podIP"])
        assert pod["spec"]["overhead"] == {"memory": "16Mi"}, pod["spec"]
    cluster.shown("get", "runtimeclass")
    cluster.shown("get", "pods", "-o", "wide")
    cluster.shown("logs", "deployment/server")
    scale(cluster)
    rolling(cluster)
    memory(cluster)


def scale(cluster):
    cluster.shown("scale", "deployment", "server", f"--replicas={MANY}")
    cluster.until(f"{MANY} pods are ready", lambda: cluster.ready(MANY))
    cluster.shown("get", "deployment", "server")
    for pod in cluster.pods():
        engines.answers(8080, "/", "hello from /", host=pod["status"]["podIP"])
    print(f"# the processes of {MANY} pods, which have answered once each: {held(cluster)}", flush=True)
    cluster.shown("scale", "deployment", "server", "--replicas=4")
    cluster.until("4 pods are left", lambda: cluster.ready(4))


def rolling(cluster):
    """Requests are under way in each of the old pods when they are told to end: each gets its answer."""
    old = {p["metadata"]["name"]: p["status"]["podIP"] for p in cluster.pods()}
    stop, answers = time.monotonic() + 600, []

    def keep_asking(address):
        """Until the server listens no more; whatever it took it must answer."""
        while time.monotonic() < stop:
            try:
                answers.append(engines.ask(8080, "/slow", host=address, tries=1))
            except OSError as why:
                reason = getattr(why, "reason", why)
                return None if refused(reason) else f"{address}: {why!r}"
        return f"{address}: never ended"

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        waiting = [pool.submit(keep_asking, a) for a in old.values() for _ in range(4)]
        cluster.shown("set", "env", "deployment/server", "GREETING=second")
        cluster.until("4 new pods are ready", lambda: cluster.ready(4, lambda p: p["metadata"]["name"] not in old))
        lost = [w.result() for w in waiting if w.result()]
    print(f"# {len(answers)} slow requests answered by the old pods, {len(lost)} lost", flush=True)
    assert not lost and len(answers) >= 4 * len(old), lost
    assert set(answers) == {"slow\n"}
    cluster.shown("rollout", "status", "deployment/server")


def refused(reason):
    """Nobody listens, or nobody is there: the request was never taken."""
    return isinstance(reason, (ConnectionRefusedError, TimeoutError)) or getattr(reason, "errno", 0) in (113, 110)


def memory(cluster):
    """The machine's limit: Go says so, the container is started again, the pod shows the last end."""
    pod = cluster.pods()[0]
    try:
        engines.ask(8080, "/eat", host=pod["status"]["podIP"], tries=1)
    except (OSError, ValueError):
        pass
    name = pod["metadata"]["name"]

    def again():
        state = json.loads(cluster.kubectl("get", "pod", name, "-o", "json").out)["status"]["containerStatuses"][0]
        return state["restartCount"] == 1 and state["ready"]
    cluster.until("the container was started again", again)
    cluster.shown("get", "pod", name)
    cluster.shown("get", "pod", name, "-o",
                  "jsonpath={.status.containerStatuses[0].lastState.terminated.exitCode} "
                  "{.status.containerStatuses[0].lastState.terminated.reason}{\"\\n\"}")
    assert re.search(rb"out of memory", cluster.kubectl("logs", "--previous", name).out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wasmvm", default=os.path.join(harness.ROOT, "build", "wasmvm"))
    parser.add_argument("--kubernetes", required=True)
    args = parser.parse_args()
    for name in "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubectl":
        PLACES[name] = os.path.join(os.path.abspath(args.kubernetes), name)
    if "WASMVM_OCI_INSIDE" not in os.environ:
        status = engines.unshared([containerd.crictl])
        return 1 if status is None else status
    return harness.run_cases(harness.CASES, args.wasmvm)


if __name__ == "__main__":
    sys.exit(main())
