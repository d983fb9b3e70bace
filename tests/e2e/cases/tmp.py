"""--tmp: an empty /tmp of the run's own."""

import fcntl
import os
import signal
import subprocess

from harness import Skip, case, expect, given_away

DONE = "0 <nil>\n<nil>\n<nil>\n<nil> <nil>\n<nil>\n"


def folder(t):
    return t.path(f"wasmvm-tmp-{os.geteuid()}")


def scratch(t, *options, args=()):
    return t.program("scratch", *args, options=("--tmp", *options), env={"TMPDIR": t.tmp})


def left(t):
    return os.listdir(folder(t))


@case
def is_empty_usable_and_gone(t):
    for _ in range(2):
        expect(scratch(t), 0, out=DONE, err="")
        assert left(t) == [], left(t)
    assert os.stat(folder(t)).st_mode & 0o777 == 0o700


@case
def a_killed_runs_is_gone_at_the_next(t):
    env = {"TMPDIR": t.tmp}
    child = t.start("--tmp", "--", t.go("scratch"), "wait", env=env, stdout=subprocess.PIPE)
    while child.stdout.readline() != b"waiting\n":
        assert child.poll() is None, "it ended by itself"
    before = left(t)
    assert len(before) == 1
    expect(scratch(t), 0, out=DONE, err="")
    assert left(t) == before, "a living run's directory was touched"
    assert os.listdir(os.path.join(folder(t), before[0])) != []
    child.kill()
    child.wait()
    assert left(t) == before
    for _ in range(20):  # a start gives a dead run's directory only so much of its time
        expect(scratch(t), 0, out=DONE, err="")
        if not left(t):
            break
    assert left(t) == [], left(t)


@case
def beside_a_read_only_root(t):
    expect(scratch(t, "--dir", "/:ro"), 0, out=DONE, err="")


@case(vm=False)
def one_name_for_one_directory(t):
    result = scratch(t, "--dir", f"{t.tmp}::/tmp")
    assert result.status == 125 and b"the name /tmp is taken" in result.err, result


@case
def a_name_that_another_user_took(t):
    """Nobody keeps others from --tmp by being first."""
    os.mkdir(folder(t), 0o700)
    if not given_away(folder(t), 65534):
        os.rmdir(folder(t))
        raise Skip("only root makes files of others")
    before = sorted(os.listdir(os.path.dirname(folder(t))))
    expect(scratch(t), 0, out=DONE, err="")
    assert sorted(os.listdir(os.path.dirname(folder(t)))) == before
    os.rmdir(folder(t))


@case
def a_folder_that_others_can_enter_is_refused(t):
    os.mkdir(folder(t), 0o700)
    os.chmod(folder(t), 0o755)
    result = scratch(t)
    assert result.status == 125 and b"others can use it too" in result.err, result
    os.rmdir(folder(t))
    os.symlink(t.mkdir("elsewhere"), folder(t))
    result = scratch(t)
    assert result.status == 125 and b"wasmvm-tmp-" in result.err, result


@case
def a_stop_ends_the_wait_for_other_runs(t):
    """Whoever starts or cleans up has the folder's lock meanwhile.  The wait's end is the stop's, no failed start."""
    os.mkdir(folder(t), 0o700)
    held = os.open(folder(t), os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    result = scratch(t, "--timeout", "300ms")
    assert result.status == 124 and b"--timeout" in result.err, result
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        child = t.start("--tmp", "--", t.go("scratch"), env={"TMPDIR": t.tmp}, stderr=subprocess.PIPE)
        while not waits_for_lock(child.pid):
            assert child.poll() is None, "it ended by itself"
        child.send_signal(number)
        err = child.communicate()[1]
        assert child.returncode == -number, (number, child.returncode, err)
    os.close(held)
    expect(scratch(t), 0, out=DONE, err="")


def waits_for_lock(pid):
    with open("/proc/locks", encoding="ascii") as locks:
        return any("->" in line and f" {pid} " in line for line in locks)
