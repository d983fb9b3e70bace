"""Every Go from the first with wasip1 to the newest: the versions' exact toolchains come by the go command itself."""

from harness import case, expect

VERSIONS = ("1.21.13", "1.22.12", "1.23.12", "1.24.13", "1.25.9", "1.26.10", "1.27.1")


def register(version):
    def works(t):
        expect(t.vm("--", t.go("hello", version)), 0, out="Hello, world!\n", err="")
        app = t.go("process", version)
        expect(t.vm("--env", "A=1", "--", app, "getenv", "A"), 0, out='"1" true\n')
        expect(t.vm("--", app, "exit", 42), 42, out="leaving\n")
        expect(t.vm("--", app, "panic"), 2, err_has=["panic: deliberate []", "main.main()"])
        data = t.mkdir("data-" + version)
        files = t.go("files", version)
        expect(t.vm("--dir", data + "::/data", "--", files, "rw", "/data"), 0, out="all well\n", err="")

    works.__name__ = "go_" + version.replace(".", "_")
    case(works)


for v in VERSIONS:
    register(v)
