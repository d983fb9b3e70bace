"""Arguments, environment, ways to end."""

import concurrent.futures
import os

from harness import case, expect, expect_message, go_build


@case
def hello(t):
    expect(t.program("hello"), 0, out="Hello, world!\n", err="")


@case
def arguments_as_typed(t):
    app = t.go("process")
    words = ["args", "", "a b", "--dir", "/", "--", "-x=1", "ünï\tcödé", "'\"\\"]
    quoted = ['"args"', '""', '"a b"', '"--dir"', '"/"', '"--"', '"-x=1"', '"ünï\\tcödé"', '"\'\\"\\\\"']
    want = f'0 "{app}"\n' + "".join(f"{i + 1} {q}\n" for i, q in enumerate(quoted))
    expect(t.vm("--", app, *words), 0, out=want)


@case
def many_arguments(t):
    app = t.go("process")
    words = ["args"] + [f"argument-{i}" for i in range(2000)]
    want = f'0 "{app}"\n' + "".join(f'{i + 1} "{w}"\n' for i, w in enumerate(words))
    expect(t.vm("--", app, *words), 0, out=want)


@case
def environment_empty_unless_given(t):
    expect(t.program("process", "env", env={"SECRET": "1", "PATH": "/bin"}, cwd="/"), 0, out="")


@case
def environment_given(t):
    options = ("--env", "A=1", "--env", "B=", "--env=C=x=y z", "--env", "INHERITED", "--env", "NOT_SET", "--env", "A=2")
    result = t.program("process", "env", options=options, env={"INHERITED": "yes", "SECRET": "1"}, cwd="/")
    expect(result, 0, out='"A=2"\n"B="\n"C=x=y z"\n"INHERITED=yes"\n')


@case
def environment_all(t):
    result = t.program("process", "env", options=("--env-all", "--env", "X=2"), env={"X": "1", "Y": "3"}, cwd="/")
    expect(result, 0)
    told = [line for line in result.out.decode().splitlines() if "WASMVM_CACHE=" not in line]  # of `make test-warm`
    assert told == ['"X=2"', '"Y=3"'], result


@case
def working_directory(t):
    home = os.path.realpath(t.mkdir("home"))
    t.mkdir("home/sub"), t.mkdir("home/x")
    run = lambda *options, **more: t.program("process", "cwd", options=options, **more).out.decode()
    assert run("--dir", home, cwd=home) == f'"{home}" <nil>\n'
    assert run("--dir", home, "--cwd", home + "/sub", cwd="/") == f'"{home}/sub" <nil>\n'
    assert run("--dir", f"{home}::/data", cwd="/") == '"/data" <nil>\n'
    assert run("--dir", f"{home}::/data", "--env", "PWD=/data/x", cwd="/") == '"/data/x" <nil>\n'


def exit_codes(t, codes):
    app = t.go("process")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda code: t.vm("--", app, "exit", code), codes))
    for code, result in zip(codes, results):
        expect(result, code, out="leaving\n", err="")


@case
def exit_codes_0_to_255(t):
    exit_codes(t, range(256))


@case
def exit_code_low_8_bits(t):
    expect(t.program("process", "exit", 256 + 7), 7)
    expect(t.program("process", "exit", -1), 255)


@case
def panic_status_2_with_trace(t):
    result = t.program("process", "panic", "a", "b")
    trace = ["panic: deliberate [a b]\n", "goroutine 1 [running]:", "main.inner(", "main.main()", "main.go:"]
    expect(result, 2, out=b"", err_has=trace)


@case
def runtime_errors_status_2(t):
    expect(t.program("process", "nil"), 2, err_has=["nil pointer dereference", "main.main()"])
    expect(t.program("process", "bounds"), 2, err_has=["index out of range [2] with length 2", "main.main()"])
    expect(t.program("process", "divide"), 2, err_has="integer divide by zero")
    expect(t.program("process", "error-panic"), 2, err_has="wrapped: file does not exist")
    expect(t.program("process", "deadlock"), 2, err_has="all goroutines are asleep - deadlock!")


@case
def recovered_panic(t):
    expect(t.program("process", "recover"), 0, out="recovered: deliberate [again]\n", err="")


@case
def both_streams(t):
    expect(t.program("process", "goexit-stderr"), 0, out="to stdout\n", err="to stderr\n")


@case
def options_after_the_module(t):
    app = t.go("files")
    t.write("data/f", "content")
    expect(t.vm(app, "--dir", f"{t.tmp}/data::/data", "--", "cat", "/data/f"), 0, out="content")
    expect(t.vm(app, "--dir", f"{t.tmp}/data::/data", "cat", "/data/f"), 0, out="content")
    expect(t.vm("run", app, f"--dir={t.tmp}/data::/data", "cat", "/data/f"), 0, out="content")


@case
def trap_134_with_backtrace(t):
    result = t.program("trap")
    expect(result, 134, out="before\n", err_has=["main.innermost", "main.middle", "main.outermost", "main.main"])
    lines = result.err.decode().splitlines()
    assert lines[0].startswith("wasmvm: ") and "out of bounds memory access" in lines[0], result
    assert 4 <= len(lines) <= 33 and all(line.startswith(" ") for line in lines[1:]), result
    order = [result.err.index(b"main." + f) for f in (b"innermost", b"middle", b"outermost", b"main")]
    assert order == sorted(order), result


@case
def recursion_a_million_deep(t):
    expect(t.program("recurse"), 0, out="1500000\ntrue\n", err="")


@case
def goroutines_100000(t):
    expect(t.program("goroutines"), 0, out="alive true sum 4999950000\n", err="")


@case
def stripped_module(t):
    app = go_build("./hello", flags=("-ldflags=-s -w",))
    expect(t.vm("--", app), 0, out="Hello, world!\n", err="")


@case(vm=False)
def no_module_named(t):
    expect_message(t.vm(), 125)
