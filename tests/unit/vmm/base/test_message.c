/* What reaches the terminal: escaping, the one line of a message, the line and backtrace of each
 * end, statuses. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/vmm/cli/child.h"
#include "vmm/cli/cli.h"
#include "vmm/base/base.h"

static const struct settings settings = {
    .cpu_time_ns = 120000000000, .max_written = 65536, .max_created = 12, .max_log = 1025
};
static const struct config config = { .set = &settings,
                                      .module = "app.wasm",
                                      .timeout_ns = 1500000000 };

static void escaped(const char *in, size_t len, const char *want, bool keep_newlines)
{
    char out[256];
    assert_int_equal(text_escape(in, len, out, sizeof out, keep_newlines), strlen(want));
    assert_string_equal(out, want);
}
#define ESCAPED(in, want) escaped(in, sizeof in - 1, want, false)

static void test_escape(void **state)
{
    (void)state;
    ESCAPED("plain text, \"quoted\"", "plain text, \"quoted\"");
    ESCAPED("a\033[31mb\007\177", "a\\x1b[31mb\\x07\\x7f");
    ESCAPED("a\nb\tc\rd\0e", "a\\nb\\tc\\rd\\x00e");
    escaped("a\nb\r", 4, "a\nb\\r", true);
    ESCAPED("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
            "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
}

static void test_escape_what_is_no_utf8(void **state)
{
    (void)state;
    ESCAPED("\xff\xfe", "\\xff\\xfe");
    ESCAPED("\xc3", "\\xc3");
    ESCAPED("\xc3(", "\\xc3(");
    ESCAPED("\xc0\xaf", "\\xc0\\xaf");                 /* overlong */
    ESCAPED("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
    ESCAPED("\xed\xa0\x80", "\\xed\\xa0\\x80");         /* surrogate */
    ESCAPED("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* past the last code point */
    ESCAPED("\x80", "\\x80");
}

static void test_escape_what_fools_a_terminal(void **state)
{
    (void)state;
    ESCAPED("\xc2\x9b" "31m", "\\xc2\\x9b" "31m");   /* C1: CSI in one code point */
    ESCAPED("\xe2\x80\xae" "x", "\\xe2\\x80\\xae" "x"); /* right-to-left override */
    ESCAPED("\xe2\x81\xa6", "\\xe2\\x81\\xa6");
    ESCAPED("\xe2\x80\xa8", "\\xe2\\x80\\xa8");       /* line separator */
}

static void test_escape_stops_at_the_end_of_out(void **state)
{
    (void)state;
    for (size_t cap = 1; cap < 20; cap++) {
        char out[20];
        memset(out, 'Z', sizeof out);
        size_t len = text_escape("\033\033\033\033\033", 5, out, cap, false);
        assert_true(len < cap);
        assert_int_equal(out[len], 0);
        assert_int_equal(len % 4, 0);
        if (cap < sizeof out)
            assert_int_equal(out[cap], 'Z');
    }
    assert_int_equal(text_escape("x", 1, NULL, 0, false), 0);
}

static void act_message(const void *data)
{
    message("%s: %s", (const char *)data, "why");
}

static void then_print(int status, const char *text)
{
    fprintf(stderr, "then %d [%s]\n", status, text);
    fail("again");
}

static void act_fail(const void *data)
{
    fail_then(then_print);
    fail_as(EXIT_NO_MODULE, "%s", (const char *)data);
}

static void test_message_is_one_line(void **state)
{
    (void)state;
    char out[65536];
    in_child(STDERR_FILENO, out, sizeof out, act_message, "two\nlines\033");
    assert_string_equal(out, "wasmvm: two\\nlines\\x1b: why\n");
    char *longest = malloc(100001);
    memset(longest, '\001', 100000);
    longest[100000] = 0;
    in_child(STDERR_FILENO, out, sizeof out, act_message, longest);
    free(longest);
    size_t len = strlen(out);
    assert_true(len > 10000 && len < 20000);
    assert_ptr_equal(strchr(out, '\n'), out + len - 1);
}

static void test_fail_reports_once_and_ends(void **state)
{
    (void)state;
    char out[4096];
    int status = in_child(STDERR_FILENO, out, sizeof out, act_fail, "gone\n");
    assert_string_equal(out, "wasmvm: gone\\n\nthen 127 [gone\n]\nwasmvm: again\n");
    assert_int_equal(status, EXIT_MONITOR);
}

static void act_end(const void *end)
{
    end_message(&config, end);
    const struct end *e = end;
    end_process(e->kind == ENDED_SIGNAL    ? WASMVM_E_STOPPED
                : e->kind == ENDED_SIGPIPE ? WASMVM_E_PIPE
                                           : WASMVM_OK,
                end_status(e));
}

static const struct ending {
    struct end end;
    int status; /* exit status, or minus the signal */
    const char *reason, *line;
} endings[] = {
    { { ENDED_EXIT, 0, NULL }, 0, "exit", "" },
    { { ENDED_EXIT, 255, NULL }, 255, "exit", "" },
    { { ENDED_EXIT, 256 + 3, NULL }, 3, "exit", "" },
    { { ENDED_EXIT, 0xffffffff, NULL }, 255, "exit", "" },
    { { ENDED_TRAP, 0, "unreachable\n  main.f\n\tmain.g\n" },
      134,
      "trap",
      "wasmvm: app.wasm trapped: unreachable\n    main.f\n    main.g\n" },
    { { ENDED_TRAP, 0, NULL }, 134, "trap", "wasmvm: app.wasm trapped: no reason given\n" },
    { { ENDED_TRAP, 0, "\nmain.f\033" },
      134,
      "trap",
      "wasmvm: app.wasm trapped: no reason given\n    main.f\\x1b\n" },
    { { ENDED_INVALID, 0, "bad magic" },
      126,
      "invalid",
      "wasmvm: app.wasm is not a valid module: bad magic\n" },
    { { ENDED_UNSUPPORTED, 0, "no _start" },
      126,
      "unsupported",
      "wasmvm: app.wasm cannot run here: no _start\n" },
    { { ENDED_LIMIT, 0, "2 GiB" },
      125,
      "limit",
      "wasmvm: app.wasm does not fit: 2 GiB (--memory SIZE)\n" },
    { { ENDED_NOMEM, 0, NULL },
      137,
      "no_memory",
      "wasmvm: app.wasm was stopped: the engine got no more memory\n" },
    { { ENDED_CRASH, 0, "vector 14\nrip 1" },
      137,
      "guest_crash",
      "wasmvm: app.wasm was stopped: the guest crashed: vector 14\n    rip 1\n" },
    { { ENDED_HOSTILE, 0, "call 99" },
      137,
      "bad_hypercall",
      "wasmvm: app.wasm was stopped: bad hypercall: call 99\n" },
    { { ENDED_TIMEOUT, 0, NULL },
      124,
      "timeout",
      "wasmvm: app.wasm was stopped: 1500 ms of wall time are over (--timeout TIME)\n" },
    { { ENDED_CPU_TIME, 0, NULL },
      124,
      "cpu_time",
      "wasmvm: app.wasm was stopped: 2 m of CPU time are over (--cpu-time TIME)\n" },
    { { ENDED_SIGNAL, SIGINT, NULL }, -SIGINT, "signal", "" },
    { { ENDED_SIGNAL, SIGTERM, NULL }, -SIGTERM, "signal", "" },
    { { ENDED_SIGNAL, SIGHUP, NULL }, -SIGHUP, "signal", "" },
    { { ENDED_SIGNAL, SIGQUIT, "\n    main.f\n\n    main.g\n" },
      -SIGQUIT,
      "signal",
      "wasmvm: app.wasm was stopped: SIGQUIT, while it was here:\n    main.f\n    main.g\n" },
    { { ENDED_TOTAL_MEMORY, 0, "it needs more than 9 bytes" },
      137,
      "total_memory",
      "wasmvm: app.wasm was stopped: it needs more than 9 bytes (--total-memory SIZE)\n" },
    { { ENDED_WRITTEN, 0, NULL },
      137,
      "written",
      "wasmvm: app.wasm was stopped: it has written 64 KiB, the most that it may (--max-written "
      "SIZE)\n" },
    { { ENDED_CREATED, 0, NULL },
      137,
      "created",
      "wasmvm: app.wasm was stopped: it has made 12 files, the most that it may (--max-created "
      "N)\n" },
    { { ENDED_LOG, 0, NULL },
      137,
      "log",
      "wasmvm: app.wasm was stopped: 1025 bytes of log are full (--max-log SIZE)\n" },
    { { ENDED_SIGPIPE, 0, NULL }, -SIGPIPE, "sigpipe", "" },
};

static void test_every_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const struct ending *e = &endings[i];
        char out[4096];
        int status = in_child(STDERR_FILENO, out, sizeof out, act_end, &e->end);
        assert_string_equal(out, e->line);
        assert_int_equal(status, e->status);
        assert_int_equal(end_status(&e->end), e->status < 0 ? 128 - e->status : e->status);
        assert_string_equal(end_reason(&e->end), e->reason);
    }
}

static unsigned lines_of(const char *text)
{
    unsigned lines = 0;
    for (; (text = strchr(text, '\n')) != NULL; text++)
        lines++;
    return lines;
}

/* A backtrace without end, in lines without end: 32 lines, of bounded length, and 41 where the
 * stack ran out. */
static void test_backtrace_is_bounded(void **state)
{
    (void)state;
    static char out[400000], text[400000];
    struct end end = { ENDED_TRAP, 0, text };
    memset(text, '\001', sizeof text - 1);
    memcpy(text, "unreachable", 11);
    for (size_t at = 11; at < sizeof text; at += 1500)
        text[at] = '\n';
    in_child(STDERR_FILENO, out, sizeof out, act_end, &end);
    assert_int_equal(lines_of(out), 1 + 32);
    assert_true(strlen(out) < 33 * 2000);
    memcpy(text, "call stack ", 11);
    in_child(STDERR_FILENO, out, sizeof out, act_end, &end);
    assert_int_equal(lines_of(out), 1 + 41);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_escape_what_is_no_utf8),
        cmocka_unit_test(test_escape_what_fools_a_terminal),
        cmocka_unit_test(test_escape_stops_at_the_end_of_out),
        cmocka_unit_test(test_message_is_one_line),
        cmocka_unit_test(test_fail_reports_once_and_ends),
        cmocka_unit_test(test_every_end),
        cmocka_unit_test(test_backtrace_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
