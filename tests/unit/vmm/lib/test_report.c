/* The JSON of --report and the table of --stats, from figures and words as hostile as a guest can
 * make them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/lib/lib.h"

static struct run_stats stats;
static char text[65536];

/* A copy, so that nothing has to be freed later. */
static const char *kept(char *made)
{
    assert_non_null(made);
    snprintf(text, sizeof text, "%s", made);
    free(made);
    return text;
}

static const char *json(const struct config *config, const struct end *end)
{
    return kept(report_json(config, &stats, end));
}

static const char *table(const struct config *config, const struct end *end)
{
    return kept(report_table(config, &stats, end));
}

static void has(const char *where, const char *what)
{
    if (!strstr(where, what))
        print_error("\"%s\" is not in:\n%s\n", what, where);
    assert_non_null(strstr(where, what));
}

static int fill(void **state)
{
    (void)state;
    memset(&stats, 0, sizeof stats);
    stats.vm_ns = 1500000;
    stats.service_cpu_ns = 2340000;
    stats.exits = 9;
    stats.exits_other = 2;
    stats.calls[CALL_fd_write].count = 4;
    stats.calls[CALL_fd_write].polled = 1;
    stats.calls[CALL_fd_write].total_ns = 200000;
    stats.guest.answered_in_guest[CALL_fd_write] = 12;
    stats.guest.answered_in_guest[CALL_clock_time_get] = 7;
    stats.guest.body_bytes_compiled = 2000000;
    stats.guest.funcs_known = 4;
    stats.guest.known_kinds = 1 << 1 | 1 << 11 | 1 << 13 | 1ull << 63; /* two have the same name */
    stats.guest.compile_ns = 75000000;
    stats.guest.validate_ns = 25000000;
    stats.missing_path = "/etc/\033x";
    stats.missing_count = 3;
    return 0;
}

static void test_clocks_by_calls(void **state)
{
    (void)state;
    const struct config config = { .module = "app.wasm" };
    struct end end = { ENDED_EXIT, 0, "" };
    assert_null(strstr(table(&config, &end), "clocks "));
    has(json(&config, &end), "\"clocks\": {\"in_guest\": true, \"source\": \"\"},\n");
    stats.clocks_by_calls = true;
    has(table(&config, &end),
        "clocks      by calls, as the host's clock source is unknown (is /sys mounted?)\n");
    strcpy(stats.clock_source, "hpet");
    has(table(&config, &end), "clocks      by calls, as the host's clock source is hpet\n");
    has(json(&config, &end), "\"clocks\": {\"in_guest\": false, \"source\": \"hpet\"},\n");
}

static void test_json(void **state)
{
    (void)state;
    const struct config config = { .module = "a\"b\\c\n\xff.wasm" };
    struct end end = { ENDED_TRAP, 0, "unreachable\n  f \033[m \xc3\xbc \xc2\x9b" };
    const char *out = json(&config, &end);
    has(out, "\"module\": \"a\\\"b\\\\c\\u000a\\ufffd.wasm\",\n");
    has(out, "\"reason\": \"trap\",\n  \"status\": 134,\n");
    has(out, "\"message\": \"unreachable\\u000a  f \\u001b[m \xc3\xbc \\ufffd\\ufffd\"");
    has(out, "\"not_granted\": {\"paths\": 3, \"first\": \"/etc/\\u001bx\"}");
    has(out, "\"vm_ns\": 1500000, ");
    has(out, ", \"polling_cpu_ns\": 2340000},\n");
    has(out, "\"exits\": {\"all\": 9, \"for_no_call\": 2}");
    has(out, "\"fd_write\": {\"in_guest\": 12, \"polled\": 1, \"exits\": 3, \"host_ns\": 200000}");
    has(out, "\"clock_time_get\": {\"in_guest\": 7, \"polled\": 0, \"exits\": 0, \"host_ns\": 0}");
    has(out, "\"recognised\": [\"memequal\", \"aes.encryptBlock\"],\n");
    assert_null(strstr(out, "fd_read"));
    assert_null(strstr(out, "exit_code"));
    assert_null(strstr(out, "\"signal\":"));
}

static void test_json_ends(void **state)
{
    (void)state;
    const struct config config = { .module = "a.wasm" };
    struct end end = { ENDED_EXIT, 259, NULL };
    has(json(&config, &end), "\"status\": 3,\n  \"exit_code\": 259,");
    end = (struct end){ ENDED_SIGNAL, SIGINT, NULL };
    has(json(&config, &end), "\"reason\": \"signal\",\n  \"status\": 130,\n  \"signal\": 2,");
    stats.missing_path = NULL;
    assert_null(strstr(json(&config, &end), "not_granted"));
    memset(stats.calls, 0, sizeof stats.calls);
    memset(&stats.guest, 0, sizeof stats.guest);
    has(json(&config, &end), "\"calls\": {}\n}\n");
}

static void test_json_of_a_run_that_never_began(void **state)
{
    (void)state;
    const char *out = strchr(kept(report_failure(NULL, EXIT_NO_MODULE, "gone: \"x\"")), ',');
    assert_string_equal(out,
                        ",\n  \"module\": \"\",\n  \"reason\": \"no_module\",\n  \"status\": 127,\n"
                        "  \"message\": \"gone: \\\"x\\\"\"\n}\n");
}

static void test_table(void **state)
{
    (void)state;
    const struct config config = { .module = "a\033.wasm" };
    struct end end = { ENDED_EXIT, 3, NULL };
    const char *out = table(&config, &end);
    has(table(&config, &end), "recognised  4 functions of Go's standard library: memequal, "
                              "aes.encryptBlock\n");
    has(out, "wasmvm: a\\x1b.wasm ended: exit, status 3\n");
    has(out, "  vm                          1.50\n");
    has(out, " MB of bodies, 20.0 MB/s, ");
    has(out, "VM exits    9, of them 2 for no call\n");
    has(out, "not granted /etc/\\x1bx, the first of 3 paths ");
    has(out, "  fd_write                        16          12           1           3      0.1875 "
             "      50.00\n");
    has(out, "  clock_time_get                   7           7           0           0      0.0000 "
             "          -\n");
}

/* All that the guest counts for us, at its largest and at nothing: no division by zero, no line
 * that breaks. */
static void test_figures_of_a_hostile_guest(void **state)
{
    (void)state;
    const struct config config = { .module = "a.wasm" };
    struct end end = { ENDED_EXIT, 0, NULL };
    memset(&stats.guest, 0xff, sizeof stats.guest);
    has(table(&config, &end), "\ncall ");
    has(json(&config, &end), "\"funcs_total\": 18446744073709551615, ");
    memset(&stats.guest, 0, sizeof stats.guest);
    const char *out = table(&config, &end);
    assert_null(strstr(out, "nan"));
    assert_null(strstr(out, "inf"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_clocks_by_calls, fill), cmocka_unit_test_setup(test_json, fill),
        cmocka_unit_test_setup(test_json_ends, fill),
        cmocka_unit_test_setup(test_json_of_a_run_that_never_began, fill),
        cmocka_unit_test_setup(test_table, fill),
        cmocka_unit_test_setup(test_figures_of_a_hostile_guest, fill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
