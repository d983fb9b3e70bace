/* Where a directory lies in its file system, put together of what mountinfo tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/base/within.c"

static bool joined(const char *root, const char *mount, const char *path, struct place *out)
{
    char roots[PATH_MAX], mounts[PATH_MAX];
    strcpy(roots, root);
    strcpy(mounts, mount);
    out->path[0] = 0;
    return place_join(out, roots, mounts, path);
}

static void test_a_place_is_what_is_mounted_and_the_rest(void **state)
{
    (void)state;
    static const struct { const char *root, *mount, *path, *place; } rows[] = {
        { "/", "/", "/a", "/a" },        { "/", "/", "/", "" },
        { "/vol", "/m", "/m", "/vol" },  { "/vol", "/m", "/m/a", "/vol/a" },
        { "/", "/m", "/m/a/b", "/a/b" },
        { "/two\\040words", "/m\\134n", "/m\\n/a", "/two words/a" },
    };
    struct place place;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(joined(rows[i].root, rows[i].mount, rows[i].path, &place));
        assert_string_equal(place.path, rows[i].place);
    }
}

/* As of a directory that was moved out of what is mounted while it was open. */
static void test_a_path_elsewhere_has_none(void **state)
{
    (void)state;
    struct place place;
    assert_false(joined("/vol", "/m", "/other/a", &place));
    assert_false(joined("/vol", "/m", "/mm", &place));
    assert_false(joined("/vol", "/m", "/", &place));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_place_is_what_is_mounted_and_the_rest),
        cmocka_unit_test(test_a_path_elsewhere_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
