/* The files that an option names: what is refused leaves no descriptor behind, and the module as it
 * was. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/vmm/cli/child.h"
#include "vmm/base/message.h"

static char home[] = "/tmp/test_output.XXXXXX";
/* The sentence, or "" where it can be had; then it is closed. */
static const char *opened(const char *path, bool keep)
{
    static struct failure why;
    int before = host_descriptors(), fd = -1;
    why.text[0] = 0;
    if (output_open(&fd, &(struct output){"--trace=", path, "module", {NULL, 0}, keep}, &why)) {
        assert_int_equal(write(fd, "more", 4), 4);
        close(fd);
    } else {
        assert_int_equal(fd, -1);
    }
    assert_int_equal(host_descriptors(), before);
    return why.text;
}

static void file_make(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void holds(const char *name, const char *text)
{
    char got[64] = "";
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    got[fread(got, 1, sizeof got - 1, f)] = 0;
    fclose(f);
    assert_string_equal(got, text);
}

static void test_refused(void **state)
{
    (void)state;
    file_make("module", "wasm");
    assert_int_equal(symlink("module", "link"), 0);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_string_equal(opened("module", false),
                        "--trace=module: this is the module (give another name)");
    assert_string_equal(opened("link", true),
                        "--trace=link: this is the module (give another name)");
    holds("module", "wasm");
    assert_string_equal(
        opened("pipe", false),
        "--trace=pipe: cannot be written: nobody reads this pipe (start its reader first)");
    assert_string_equal(opened("no/file", false),
                        "--trace=no/file: cannot be written: No such file or directory");
    assert_string_equal(opened(".", false), "--trace=.: cannot be written: Is a directory");
}

static void test_emptied_or_kept(void **state)
{
    (void)state;
    file_make("log", "text ");
    assert_string_equal(opened("log", true), "");
    holds("log", "text more");
    assert_string_equal(opened("log", false), "");
    holds("log", "more");
    assert_string_equal(opened("new", false), "");
    holds("new", "more");
}

static int enter_home(void **state)
{
    (void)state;
    return mkdtemp(home) && chdir(home) == 0 ? 0 : -1;
}

static int leave_home(void **state)
{
    static const char *const names[] = {"module", "link", "pipe", "log", "new"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(names[i]);
    return chdir("/") == 0 && rmdir(home) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_refused),
                                        cmocka_unit_test(test_emptied_or_kept) };
    return cmocka_run_group_tests(tests, enter_home, leave_home);
}
