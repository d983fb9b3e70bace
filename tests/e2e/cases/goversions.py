"""Every Go from the first with wasip1 to the newest: the versions' exact toolchains come by the go command itself.

The oldest and the newest go through all that a Go program needs; `run.py --go VERSION process streams limits files`
does it with any other, and with every exit code."""

from cases import files, limits, process, streams
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


def every_tenth_exit_code(t):
    process.exit_codes(t, range(0, 256, 10))
    process.exit_codes(t, (1, 2, 127, 128, 255))


ALL_OF_IT = (
    process.hello, process.arguments_as_typed, process.environment_given, process.environment_empty_unless_given,
    every_tenth_exit_code, process.exit_code_low_8_bits, process.panic_status_2_with_trace,
    process.runtime_errors_status_2, process.recovered_panic, process.trap_134_with_backtrace,
    process.recursion_a_million_deep, process.goroutines_100000, streams.filter_of_1_gib,
    streams.interrupt_while_spinning, files.read_only_grant, files.read_only_beside_writable, files.no_way_out,
    limits.timers_never_early, limits.heap_to_1_gib_and_back, limits.a_million_times_time_now,
)


def register_with(version, func):
    def works(t):
        t.version = version
        func(t)

    works.__name__ = f"go_{version.replace('.', '_')}_{func.__name__}"
    case(works)


for v in VERSIONS:
    register(v)
for v in VERSIONS[0], VERSIONS[-1]:
    for f in ALL_OF_IT:
        register_with(v, f)
