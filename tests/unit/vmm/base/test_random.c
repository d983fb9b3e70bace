/* Random numbers where signals cut what the kernel gives, or it gives none: getrandom is this
 * file's. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "tests/unit/vmm/cli/child.h"
#include "vmm/base/base.h"

static unsigned asked, fails_at;

/* Of more than 256 bytes a part comes; every other time a signal comes first. */
ssize_t getrandom(void *at, size_t bytes, unsigned flags)
{
    assert_int_equal(flags, 0);
    asked++;
    if (asked == fails_at) {
        errno = ENOSYS;
        return -1;
    }
    if (asked % 2) {
        errno = EINTR;
        return -1;
    }
    if (bytes > 256)
        bytes = 64;
    memset(at, 'r', bytes);
    return (ssize_t)bytes;
}

static void all_of_them_come(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 256, 257, 4096 };
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        char got[4097] = "", want[4097] = "";
        memset(want, 'r', sizes[k]);
        assert_true(random_fill(got, sizes[k]));
        assert_memory_equal(got, want, sizeof want);
    }
}

static void or_it_is_said(void **state)
{
    char got[4096];
    (void)state;
    asked = 0;
    fails_at = 6;
    assert_false(random_fill(got, sizeof got));
    assert_int_equal(errno, ENOSYS);
    assert_int_equal(asked, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_them_come),
        cmocka_unit_test(or_it_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
