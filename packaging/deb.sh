#!/bin/bash
# The Debian packages of what is committed: deb.sh VERSION DIR.  Builds in DIR, where it leaves *.deb, the source
# package, and what lintian says.
#
# debian/changelog is made here, from the version that the Makefile has, the commit's date and CHANGELOG.md's name: the
# version stands in one place only.  SOURCE_DATE_EPOCH is the commit's date, so the same commit gives the same bytes.
set -eu
cd "$(dirname "$0")/.."
version=$1 dir=$2
rm -rf "$dir"
packaging/dist.sh "$version" "$dir" >/dev/null
cp "$dir/wasmvm-$version.tar.xz" "$dir/wasmvm_$version.orig.tar.xz"
tar -C "$dir" -xf "$dir/wasmvm-$version.tar.xz"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
cat >"$dir/wasmvm-$version/debian/changelog" <<END
wasmvm ($version-1) unstable; urgency=medium

  * Built from the project's own sources; CHANGELOG.md says what changed.

 -- $(sed -n 's/^Maintainer: //p' debian/control)  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
END
cd "$dir/wasmvm-$version"
dpkg-buildpackage -us -uc >../build.log 2>&1 || { tail -n 30 ../build.log; exit 1; }
cd ..
rm -rf "wasmvm-$version"
# These packages are not uploaded to Debian: no bug of its asks for them.
lintian --fail-on warning,error --suppress-tags initial-upload-closes-no-bugs wasmvm_*.changes >lintian.log 2>&1 ||
    { cat lintian.log; exit 1; }
ls -- *.deb
