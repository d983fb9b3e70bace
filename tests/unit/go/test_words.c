/* go/words.c: which of the go command's words concern `wasmvm go`, and that all others reach it as
 * they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "go/go.h"

/* The program frees nothing, as it lives for a moment. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

/* The words of one line, split at single blanks. */
static struct words parsed(const char *line)
{
    struct words w;
    char *copy = strdup(line), **argv = calloc(64, sizeof *argv);
    int argc = 0;
    argv[argc++] = "wasmvm-go";
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    words_parse(&w, argc, argv);
    return w;
}

/* What the go command gets behind the subcommand, with blanks between. */
static const char *rest(const struct words *w)
{
    static char all[512];
    all[0] = 0;
    for (const char **flag = w->flags; *flag; flag++) {
        strcat(all, all[0] ? " " : "");
        strcat(all, *flag);
    }
    return all;
}

static void check(const char *line, enum subcommand_kind kind, const char *dir, const char *overlay,
                  bool exec, const char *flags)
{
    struct words w = parsed(line);
    assert_int_equal(w.kind, kind);
    assert_string_equal(w.dir ? w.dir : "-", dir ? dir : "-");
    assert_string_equal(w.overlay ? w.overlay : "-", overlay ? overlay : "-");
    assert_int_equal(w.exec, exec);
    assert_string_equal(rest(&w), flags);
}

static void test_subcommands(void **state)
{
    (void)state;
    check("build -o x .", GO_BUILD, NULL, NULL, false, "-o x .");
    check("vet ./...", GO_BUILD, NULL, NULL, false, "./...");
    check("list -f {{.Dir}} std", GO_BUILD, NULL, NULL, false, "-f {{.Dir}} std");
    check("install .", GO_BUILD, NULL, NULL, false, ".");
    check("run .", GO_RUN, NULL, NULL, false, ".");
    check("test", GO_TEST, NULL, NULL, false, "");
    check("env GOOS", GO_PLAIN, NULL, NULL, false, "GOOS");
    check("generate -C x -overlay=y", GO_HOST, NULL, NULL, false, "-C x -overlay=y");
    check("tool compile -overlay y", GO_HOST, NULL, NULL, false, "compile -overlay y");
    check("overlay", GO_OVERLAY, NULL, NULL, false, "");
    check("", GO_PLAIN, NULL, NULL, false, "");
}

static void test_flags(void **state)
{
    (void)state;
    check("build -C dir -v .", GO_BUILD, "dir", NULL, false, "-v .");
    check("build -C=dir -overlay=o.json .", GO_BUILD, "dir", "o.json", false, ".");
    check("build --overlay o.json -ldflags -s .", GO_BUILD, NULL, "o.json", false, "-ldflags -s .");
    check("run -exec x .", GO_RUN, NULL, NULL, true, "-exec x .");
    check("test -exec=x ./...", GO_TEST, NULL, NULL, true, "-exec=x ./...");
    check("test -test.run -overlay .", GO_TEST, NULL, NULL, false, "-test.run -overlay .");
    check("--portable build -overlay=o .", GO_BUILD, NULL, NULL, false, "-overlay=o .");
    /* a value, not a flag */
    check("build -tags -overlay .", GO_BUILD, NULL, NULL, false, "-tags -overlay .");
    check("build -o", GO_BUILD, NULL, NULL, false, "-o");
}

static void test_where_flags_end(void **state)
{
    (void)state;
    check("run . -overlay=o -exec e", GO_RUN, NULL, NULL, false, ". -overlay=o -exec e");
    check("run -v main.go -C x", GO_RUN, NULL, NULL, false, "-v main.go -C x");
    check("build . -overlay=o", GO_BUILD, NULL, NULL, false, ". -overlay=o");
    check("test ./... -overlay=o -run X", GO_TEST, NULL, "o", false, "./... -run X");
    check("test . -args -overlay=o", GO_TEST, NULL, NULL, false, ". -args -overlay=o");
    check("run -- -overlay=o", GO_RUN, NULL, NULL, false, "-- -overlay=o");
}

static void test_versioned(void **state)
{
    (void)state;
    assert_string_equal(parsed("run example.org/a@v1.2.3 b@c").versioned, "example.org/a@v1.2.3");
    assert_string_equal(parsed("install -v example.org/a@latest").versioned,
                        "example.org/a@latest");
    assert_null(parsed("run . me@here").versioned);
    assert_null(parsed("build -o a@b .").versioned);
}

static void test_goflags(void **state)
{
    (void)state;
    assert_string_equal(goflags_value("-v -overlay=a -tags=x", "overlay"), "a");
    assert_string_equal(goflags_value("-overlay=a -overlay=b", "overlay"), "b");
    assert_string_equal(goflags_value("'-overlay=/a b/c' -x", "overlay"), "/a b/c");
    assert_string_equal(goflags_value("\"-overlay=/a 'b\"", "overlay"), "/a 'b");
    assert_string_equal(goflags_value("--overlay=", "overlay"), "");
    assert_null(goflags_value("-overlayed=a -x", "overlay"));
    assert_null(goflags_value("", "overlay"));
    assert_null(goflags_value("-overlay", "overlay"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subcommands),    cmocka_unit_test(test_flags),
        cmocka_unit_test(test_where_flags_end), cmocka_unit_test(test_versioned),
        cmocka_unit_test(test_goflags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
