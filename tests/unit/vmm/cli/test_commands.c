/* Which subcommand the words mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* the command line has its own */

#include "vmm/cli/cli.h"

static struct start start;

static const char *found(char **argv)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    start = (struct start){ .argc = argc, .argv = argv };
    command_find(&start);
    return start.which->name;
}
#define FOUND(...) found((char *[]){ __VA_ARGS__, NULL })

/* Every row is found by its name as the first word, and has all that a row promises. */
static void test_every_row(void **state)
{
    (void)state;
    static const char *const names[] = {
#define COMMAND(name) #name,
#include "vmm/cli/commands.def"
#undef COMMAND
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_string_equal(FOUND("wasmvm", (char *)names[i], "x"), names[i]);
        assert_int_equal(start.first, 2);
        assert_non_null(start.which->function);
        assert_non_null(start.which->options);
        assert_true(*start.which->help_head);
        assert_non_null(start.which->help_tail);
        bool help = false;
        for (const struct option *o = start.which->options; o->name; o++)
            help |= o->kind == HELP;
        assert_true(help);
    }
}

static void test_without_a_name_it_is_run(void **state)
{
    (void)state;
    assert_string_equal(FOUND("wasmvm"), "run");
    assert_string_equal(FOUND("wasmvm", "app.wasm"), "run");
    assert_int_equal(start.first, 1);
    assert_string_equal(FOUND("wasmvm", "--stats", "run"), "run");
    assert_int_equal(start.first, 1);
    char *none[] = { NULL };
    assert_string_equal(found(none), "run");
    assert_int_equal(start.first, 0);
}

/* A name with a slash, a name behind --, part of a name, a name with more: modules. */
static void test_files_with_such_names(void **state)
{
    (void)state;
    static char *const words[] = { "./run", "--", "ru", "runs", "Run", "" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        FOUND("wasmvm", words[i], "run");
        assert_int_equal(start.first, 1);
    }
    FOUND("wasmvm", "run", "run");
    assert_int_equal(start.first, 2);
}

static void test_binfmt(void **state)
{
    (void)state;
    FOUND("/usr/lib/wasmvm-binfmt", "run", "x");
    assert_int_equal(start.first, 1);
    assert_true(start.plain);
    FOUND("wasmvm", "run");
    assert_false(start.plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row), cmocka_unit_test(test_without_a_name_it_is_run),
        cmocka_unit_test(test_files_with_such_names), cmocka_unit_test(test_binfmt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
