/* Which directory of images a run has (cache.c): what --cache and WASMVM_CACHE say, and where there
 * is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* the command line has its own */

#include "vmm/cli/cli.h"
#include "vmm/lib/lib.h"

static char home[] = "/tmp/test_cache.XXXXXX";
static wasmvm_config *config;

static int setup(void **state)
{
    (void)state;
    unsetenv("WASMVM_CACHE");
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", home, 1);
    config = wasmvm_config_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    wasmvm_config_free(config);
    return 0;
}

/* What the library was told: the directory below `home`, or NULL; "cache-usual". */
static void chosen(const char *option, const char *variable, const char *directory, bool usual)
{
    char wanted[PATH_MAX];
    wasmvm_config_free(config);
    config = wasmvm_config_new();
    unsetenv("WASMVM_CACHE");
    if (variable)
        setenv("WASMVM_CACHE", variable, 1);
    cache_choose(option, config);
    if (directory) {
        snprintf(wanted, sizeof wanted, "%s%s", *directory == '/' ? "" : home,
                 *directory == '/' ? directory : directory + 1);
        assert_string_equal(config->set.cache, wanted);
    } else {
        assert_null(config->set.cache);
    }
    assert_int_equal(config->set.cache_usual, usual);
}

static void test_the_option_and_the_variable(void **state)
{
    (void)state;
    chosen(NULL, NULL, "~/.cache/wasmvm", true);
    chosen(NULL, "", "~/.cache/wasmvm", true);
    chosen(NULL, "on", "~/.cache/wasmvm", true);
    chosen("on", "off", "~/.cache/wasmvm", true);
    chosen(NULL, "off", NULL, false);
    chosen("off", "on", NULL, false);
    chosen("off", NULL, NULL, false);
    chosen("/named", "off", "/named", false);
    chosen(NULL, "/said", "/said", true); /* the program's environment is no consent */
}

static void test_where_the_usual_one_lies(void **state)
{
    char out[PATH_MAX], wanted[PATH_MAX];
    (void)state;
    snprintf(wanted, sizeof wanted, "%s/.cache/wasmvm", home);
    assert_true(cache_usual(out));
    assert_string_equal(out, wanted);
    setenv("XDG_CACHE_HOME", "relative", 1); /* counts as not set */
    assert_true(cache_usual(out));
    assert_string_equal(out, wanted);
    snprintf(wanted, sizeof wanted, "%s/xdg", home);
    setenv("XDG_CACHE_HOME", wanted, 1);
    strcat(wanted, "/wasmvm");
    assert_true(cache_usual(out));
    assert_string_equal(out, wanted);
    unsetenv("HOME");
    assert_true(cache_usual(out));
    unsetenv("XDG_CACHE_HOME");
    assert_false(cache_usual(out));
    setenv("HOME", "relative", 1);
    assert_false(cache_usual(out));
    chosen(NULL, NULL, NULL, false);
    chosen("on", NULL, NULL, false);
    chosen("/named", NULL, "/named", false);
}

/* None in another's home: as root under sudo, with the caller's HOME. */
static void test_anothers_home(void **state)
{
    char out[PATH_MAX];
    (void)state;
    setenv("HOME", "/proc/1/there/is/none", 1);
    struct stat st;
    assert_return_code(stat("/proc/1", &st), 0);
    assert_int_equal(cache_usual(out), st.st_uid == geteuid());
    if (geteuid() != 0)
        return;
    assert_return_code(chown(home, 1, 1), 0);
    setenv("HOME", home, 1);
    assert_false(cache_usual(out));
    assert_return_code(chown(home, 0, 0), 0);
    assert_true(cache_usual(out));
}

static void test_a_name_as_long_as_there_is_room(void **state)
{
    char path[PATH_MAX + 2], out[PATH_MAX];
    (void)state;
    const size_t tail = strlen("/wasmvm");
    for (int more = -1; more <= 1; more++) {
        size_t len = PATH_MAX - 1 - tail + (size_t)(more + 1) - 1; /* 0: it just fits */
        memset(path, 'x', sizeof path);
        memcpy(path, home, strlen(home));
        for (size_t k = strlen(home); k < len; k += 200)
            path[k] = '/';
        path[len] = 0;
        if (path[len - 1] == '/')
            path[len - 1] = 'x';
        setenv("XDG_CACHE_HOME", path, 1);
        assert_int_equal(cache_usual(out), more <= 0);
    }
}

int main(void)
{
    if (!mkdtemp(home))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_option_and_the_variable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_where_the_usual_one_lies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_anothers_home, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_name_as_long_as_there_is_room, setup, teardown),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(home);
    return failed;
}
