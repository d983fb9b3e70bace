/* The order of entering the jail (jail.c), with walls that are doubles: what each plan asks for,
 * what a wall that cannot be had ends, and that nothing of it stays open. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/vmm/cli/child.h"
#include "vmm/jail/inside.h"

static char record[100];
static const char *fails;
static struct identity who;
static int abi, rules_fd;
static unsigned filter;

static bool step(const char *what, struct failure *why)
{
    snprintf(record + strlen(record), sizeof record - strlen(record), "%s ", what);
    return !fails || strcmp(fails, what) != 0 || failure_set(why, "no %s", what);
}

void identity_find(struct identity *identity, const struct jail_plan *plan)
{
    assert_non_null(plan);
    *identity = who;
}

int landlock_abi(void) { return abi; }

int landlock_rules(const struct jail_plan *plan, int version, struct failure *why)
{
    assert_non_null(plan);
    assert_int_equal(version, abi);
    return step("rules", why) ? rules_fd = open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
}

bool crew_confine(const struct crew *crew, struct failure *why)
{
    assert_int_equal(crew->rules, rules_fd);
    assert_memory_equal(&crew->identity, &who, sizeof who);
    assert_true(rules_fd < 0 || fcntl(rules_fd, F_GETFD) >= 0);
    return step("crew", why);
}

bool seccomp_enter(unsigned of, struct failure *why)
{
    filter = of;
    return step("filter", why);
}

static int setup(void **state)
{
    (void)state;
    record[0] = 0;
    fails = NULL;
    who = (struct identity){.nobody = false};
    abi = LANDLOCK_ABI_KNOWN;
    rules_fd = -1;
    filter = 99;
    return 0;
}

static void entered(const struct jail_plan *plan, const char *wanted)
{
    struct failure why;
    int before = host_descriptors();
    record[0] = 0;
    rules_fd = -1;
    assert_true(jail_enter(plan, &why));
    assert_string_equal(record, wanted);
    assert_int_equal(host_descriptors(), before);
}

static void test_rules_where_files_or_a_network_are_granted(void **state)
{
    (void)state;
    entered(&(struct jail_plan){.granted = JAIL_FILES}, "rules crew filter ");
    assert_int_equal(filter, jail_level(JAIL_FILES));
    entered(&(struct jail_plan){.granted = JAIL_NET}, "rules crew filter ");
    entered(&(struct jail_plan){.granted = JAIL_SOCKETS}, "filter ");
    entered(&(struct jail_plan){.granted = 0}, "filter ");
    assert_int_equal(filter, jail_level(0));
    entered(&(struct jail_plan){.granted = JAIL_FILES, .weak = true}, "filter ");
    assert_int_equal(filter, JAIL_WEAK);
}

static void test_threads_where_there_is_something_to_give_up(void **state)
{
    (void)state;
    who.nobody = true;
    entered(&(struct jail_plan){.granted = 0}, "crew filter ");
    who = (struct identity){.unprivileged = true};
    entered(&(struct jail_plan){.granted = 0}, "crew filter ");
}

static void test_a_wall_that_cannot_be_had(void **state)
{
    static const struct { const char *step, *record; } rows[] = {
        { "rules", "rules " }, { "crew", "rules crew " }, { "filter", "rules crew filter " },
    };
    const struct jail_plan plan = {.granted = JAIL_FILES};
    struct failure why;
    int before = host_descriptors();
    for (int k = 0; k < 3; k++) {
        char words[20];
        setup(state);
        fails = rows[k].step;
        assert_false(jail_enter(&plan, &why));
        assert_string_equal(record, rows[k].record);
        snprintf(words, sizeof words, "no %s", fails);
        assert_string_equal(why.text, words);
        assert_int_equal(host_descriptors(), before);
    }
    setup(state);
    abi = 0;
    assert_false(jail_enter(&plan, &why));
    assert_string_equal(record, "");
    assert_non_null(strstr(why.text, "this kernel has no Landlock"));
}

static void test_narrowed(void **state)
{
    struct failure why;
    (void)state;
    assert_true(jail_narrow(JAIL_NET, &why));
    assert_int_equal(filter, jail_level(JAIL_NET));
    fails = "filter";
    assert_false(jail_narrow(JAIL_NET, &why));
}

/* In a child: limits cannot be raised again. */
static void limits_print(const void *files)
{
    static const int what[] = {RLIMIT_CORE, RLIMIT_MSGQUEUE, RLIMIT_NOFILE};
    const struct jail_plan plan = {.files = *(const uint32_t *)files};
    const struct rlimit before = {300, 400};
    struct failure why;
    struct rlimit now;
    setrlimit(RLIMIT_NOFILE, &before);
    if (!jail_enter(&plan, &why))
        _exit(1);
    for (int k = 0; k < 3; k++) {
        getrlimit(what[k], &now);
        dprintf(1, "%d %d ", (int)now.rlim_cur, (int)now.rlim_max);
    }
    dprintf(1, "%d", prctl(PR_GET_DUMPABLE));
}

static void test_limits(void **state)
{
    static const struct { uint32_t files; const char *words; } rows[] = {
        { 0, "0 0 0 0 300 400 0" },   { 350, "0 0 0 0 300 350 0" },
        { 400, "0 0 0 0 300 400 0" }, { 401, "0 0 0 0 300 400 0" },
        { 100, "0 0 0 0 100 100 0" },
    };
    char out[200];
    (void)state;
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        assert_int_equal(in_child(1, out, sizeof out, limits_print, &rows[k].files), 0);
        assert_string_equal(out, rows[k].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_limits, setup),
        cmocka_unit_test_setup(test_rules_where_files_or_a_network_are_granted, setup),
        cmocka_unit_test_setup(test_threads_where_there_is_something_to_give_up, setup),
        cmocka_unit_test_setup(test_a_wall_that_cannot_be_had, setup),
        cmocka_unit_test_setup(test_narrowed, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
