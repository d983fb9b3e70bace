#!/usr/bin/env python3
"""What a build consists of, as SPDX 2.3 JSON on stdout: sbom.py VERSION FILE...

Each FILE, a binary of this project, with its SHA-256; and the Debian packages whose code is in a static one, as this
machine has them.  The time is the commit's, so that the same commit gives the same text on the same machine."""

import datetime
import hashlib
import json
import os
import subprocess
import sys

LINKED = {  # what the linker takes from whom: packages of static libraries
    "libc6-dev": "LGPL-2.1-or-later",
    "libelf-dev": "GPL-2.0-or-later OR LGPL-3.0-or-later",
    "zlib1g-dev": "Zlib",
    "libgcc-12-dev": "GPL-3.0-or-later WITH GCC-exception-3.1",
}
LOADED = {"libjson-c5": "MIT", "libmd0": "BSD-3-Clause"}  # of wasmvm-oci and wasmvm-go


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().strip()


def package(name, version, license, **more):
    return {
        "name": name,
        "SPDXID": "SPDXRef-Package-" + name.replace("_", "-"),
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "licenseConcluded": license,
        "licenseDeclared": license,
        "copyrightText": "NOASSERTION",
        "filesAnalyzed": False,
        **more,
    }


def debian(name, license):
    source, version = output("dpkg-query", "-Wf", "${source:Package} ${Version}", name).split()
    reference = {
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": f"pkg:deb/debian/{name}@{version}?arch=amd64",
    }
    return package(name, version, license, sourceInfo="built from the Debian source " + source,
                   externalRefs=[reference])


def file(path):
    with open(path, "rb") as f:
        data = f.read()
    return {
        "fileName": "./" + os.path.basename(path),
        "SPDXID": "SPDXRef-File-" + os.path.basename(path),
        "checksums": [{"algorithm": a, "checksumValue": hashlib.new(a.lower(), data).hexdigest()}
                      for a in ("SHA1", "SHA256")],
        "licenseConcluded": "NOASSERTION",
        "copyrightText": "NOASSERTION",
    }


def relation(one, kind, other):
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def main():
    version, paths = sys.argv[1], sys.argv[2:]
    commit, seconds = output("git", "log", "-1", "--format=%H %ct").split()
    made = datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)
    own = package("wasmvm", version, "Apache-2.0", sourceInfo="commit " + commit)
    files = [file(path) for path in paths]
    linked = [debian(*row) for row in LINKED.items()]
    loaded = [debian(*row) for row in LOADED.items()]
    relations = [relation("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"])]
    relations += [relation(own["SPDXID"], "CONTAINS", f["SPDXID"]) for f in files]
    relations += [relation(own["SPDXID"], "STATIC_LINK", p["SPDXID"]) for p in linked]
    relations += [relation(own["SPDXID"], "DYNAMIC_LINK", p["SPDXID"]) for p in loaded]
    json.dump({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "wasmvm-" + version,
        "documentNamespace": f"urn:wasmvm:{version}:{commit}",
        "creationInfo": {"created": made.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: packaging/sbom.py"]},
        "packages": [own, *linked, *loaded],
        "files": files,
        "relationships": relations,
    }, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
