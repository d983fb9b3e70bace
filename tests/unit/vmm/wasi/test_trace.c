/* --trace: what a line shows. */
#include "wasi-shim/calls.h"

/* Arguments by the names that are shown; those of kind PTR are not. */
static const struct {
    const char *name;
    struct {
        const char *name, *kind;
    } args[SLOT_ARGS + 1];
} rows[] = {
#define ARG(name, kind) { #name "=", #kind },
#define SPAN(name, kind) { #name "=", #kind },
#define OUT(name, kind)
#define WASI_CALL(name, args, result) { #name, { args { NULL, NULL } } },
#include "wasi-shim/calls.def"
};

#include "tests/unit/vmm/wasi/fixture.h"

static int file;

/* The lines since the last look, without the times. */
static const char *lines(void)
{
    static char text[16384], out[16384];
    ssize_t n = pread(file, text, sizeof text - 1, 0);
    assert_true(n >= 0 && ftruncate(file, 0) == 0);
    text[n] = 0;
    char *to = out;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        size_t stamp = strspn(line, " 0123456789.");
        char *time = strrchr(line, '(');
        assert_true(stamp > 8 && time && strcmp(line + strlen(line) - 4, " us)") == 0);
        to += sprintf(to, "%.*s\n", (int)(time - 1 - (line + stamp)), line + stamp);
    }
    return out;
}

static void trace_on(void)
{
    static char name[128];
    strcpy(name, host_path("trace"));
    const struct settings settings = { .trace = name };
    struct config config = { .set = &settings };
    struct failure why;
    assert_true(trace_open(wasi, &config, &why));
    file = open(name, O_RDWR);
    assert_true(file >= 0);
}

static void test_shown(void **state)
{
    (void)state;
    trace_on();
    CALL(path_open, ROOT, 1, P1("fi\nle"), OFLAG_CREAT | OFLAG_EXCL, 2, 0,
         FDFLAG_APPEND | FDFLAG_SYNC, OUT);
    assert_string_equal(
        lines(), "path_open(dir=3, lookup=follow, path=\"fi\\nle\", open=creat|excl, rights=0x2, "
                 "inheriting=0x0, flags=append|sync) = SUCCESS fd=5\n");
    CALL(path_open, ROOT, 0, P1("none"), 64, 2, 0, 0, OUT);
    assert_string_equal(
        lines(), "path_open(dir=3, lookup=0, path=\"none\", open=0x40, rights=0x2, inheriting=0x0, "
                 "flags=0) = INVAL\n");
    CALL(path_filestat_get, ROOT, 1, P1("file"), BUF);
    assert_string_equal(
        lines(),
        "path_filestat_get(dir=3, lookup=follow, path=\"file\") = SUCCESS type=regular_file "
        "size=8\n");
    CALL(fd_seek, 5, (uint64_t)-3, 2, OUT);
    assert_string_equal(lines(), "fd_seek(fd=5, offset=-3, whence=end) = INVAL\n");
    CALL(fd_seek_v0, 5, 0, 2, OUT);
    assert_string_equal(lines(), "fd_seek_v0(fd=5, offset=0, whence=set) = SUCCESS offset=0\n");
    CALL(fd_fdstat_get, 3, BUF);
    assert_string_equal(lines(), "fd_fdstat_get(fd=3) = SUCCESS type=directory flags=0\n");
    CALL(fd_close, 0xffffffff);
    assert_string_equal(lines(), "fd_close(fd=-1) = BADF\n");
    CALL(sock_bind, 5, 1, 2);
    assert_string_equal(lines(), "sock_bind(fd=5, port=2) = NOTSOCK\n");
}

/* Every row has a handler that comes back, and a line with the names of what is shown. */
static void test_every_row(void **state)
{
    (void)state;
    trace_on();
    for (uint32_t number = 0; number < WASI_CALLS; number++) {
        uint64_t args[SLOT_ARGS];
        for (size_t k = 0; k < SLOT_ARGS; k++)
            args[k] = 99;
        kicked = 1; /* so that nothing waits */
        assert_true(call_with(number, args, SLOT_ARGS) <= 87 /* EAI_SYSTEM */);
        const char *line = lines(), *at = line + strlen(rows[number].name);
        assert_memory_equal(line, rows[number].name, strlen(rows[number].name));
        assert_int_equal(*at, '(');
        for (size_t k = 0; rows[number].args[k].name; k++) {
            if (strcmp(rows[number].args[k].kind, "PTR") == 0)
                continue;
            at = strstr(at, rows[number].args[k].name);
            assert_non_null(at);
        }
    }
}

/* What the guest names need not be there: nothing but words comes of it. */
static void test_hostile(void **state)
{
    (void)state;
    trace_on();
    CALL(path_unlink_file, ROOT, MEMORY_BYTES - 1, 2);
    assert_string_equal(lines(), "path_unlink_file(dir=3, path=(outside memory)) = FAULT\n");
    CALL(path_unlink_file, ROOT, 0xffffffff, 0xffffffff);
    assert_non_null(strstr(lines(), "path=(outside memory)"));
    memset(guest + BUF, 1, 5000);
    CALL(path_unlink_file, ROOT, BUF, 5000);
    assert_non_null(strstr(lines(), "\\x01\"...) = NAMETOOLONG"));
    CALL(fd_write, 1, 0xfffffff0, 0xffffffff, OUT);
    assert_non_null(strstr(lines(), "iovs=4294967295 of more than 0 bytes"));
    uint64_t flags[] = { 5, 0xffffffff };
    call_with(CALL_fd_fdstat_set_flags, flags, 2);
    assert_non_null(strstr(lines(), "flags=append|dsync|nonblock|rsync|sync|0xffffffe0"));
}

static void test_a_full_trace_ends_the_run(void **state)
{
    (void)state;
    trace_on();
    stopped = ENDED_NOT;
    CALL(sched_yield, 0);
    size_t line = strlen("  0.000000 sched_yield() = SUCCESS (0.0 us)\n");
    assert_int_equal(stopped, ENDED_NOT);
    wasi->trace.left = line - 1;
    CALL(sched_yield, 0);
    assert_int_equal(stopped, ENDED_LOG);
    assert_string_equal(lines(), "sched_yield() = SUCCESS\n");
}

static int trace_off(void **state)
{
    close(file);
    return teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_shown, setup, trace_off),
        cmocka_unit_test_setup_teardown(test_every_row, setup, trace_off),
        cmocka_unit_test_setup_teardown(test_hostile, setup, trace_off),
        cmocka_unit_test_setup_teardown(test_a_full_trace_ends_the_run, setup, trace_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
