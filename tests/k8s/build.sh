#!/bin/bash
# Kubernetes of one version from its Go modules, etcd from Debian: build.sh DIR.  Network; half an hour on two cores.
#
# k8s.io/kubernetes takes its parts from its own tree; as a module each is replaced by a module of the same version.
set -eu
VERSION=1.37.2
dir=$1
mkdir -p "$dir/src"
dir=$(cd "$dir" && pwd)
cd "$dir/src"
upstream=$(go mod download -json "k8s.io/kubernetes@v$VERSION" | sed -n 's/.*"GoMod": "\(.*\)",*/\1/p')
{
    echo "module example.com/kubernetes"
    sed -n '/^go /p' "$upstream"
    echo "require k8s.io/kubernetes v$VERSION"
    sed -n 's,^[[:space:]]*\(k8s\.io/[a-z0-9.-]*\) v0\.0\.0$,\1,p' "$upstream" | sort -u |
        sed "s,.*,replace & => & v0.${VERSION#1.},"
} >go.mod
name=k8s.io/component-base/version.git
minor=${VERSION#1.}
for program in kube-apiserver kubelet kubectl kube-controller-manager kube-scheduler; do
    [ -x "$dir/$program" ] || CGO_ENABLED=0 GOFLAGS="-mod=mod -buildvcs=false" go build -trimpath \
        -ldflags "-s -w -X ${name}Version=v$VERSION -X ${name}Major=1 -X ${name}Minor=${minor%%.*}" \
        -o "$dir/$program" "k8s.io/kubernetes/cmd/$program"
done
[ -x "$dir/etcd" ] || {
    apt-get -qq download etcd-server
    dpkg-deb --fsys-tarfile etcd-server_*.deb | tar -xO ./usr/bin/etcd >"$dir/etcd"
    chmod 755 "$dir/etcd"
}
