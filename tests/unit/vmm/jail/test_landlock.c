/* Rules for files: a path whose descriptor is none makes them fail as a whole. */
#include <fcntl.h>
#include <string.h>

#include "tests/unit/vmm/cli/child.h"
#include "vmm/jail/inside.h"

static void test_a_path_that_cannot_be_had(void **state)
{
    (void)state;
    static const enum jail_right rights[] = { JAIL_READ, JAIL_WRITE, JAIL_STREAM, JAIL_REMOVE };
    int abi = landlock_abi(), before = host_descriptors();
    int good = open("/proc/self/exe", O_PATH | O_CLOEXEC), closed = fcntl(good, F_DUPFD, 200);
    assert_true(good >= 0 && closed >= 0);
    close(closed);
    if (!abi)
        skip(); /* this kernel has no Landlock */
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        struct failure why;
        struct jail_path paths[] = { { good, rights[i] }, { closed, rights[i] } };
        int rules = landlock_rules(&(struct jail_plan){ .paths = paths, .npaths = 1 }, abi, &why);
        assert_true(rules >= 0);
        close(rules);
        assert_int_equal(
            landlock_rules(&(struct jail_plan){ .paths = paths, .npaths = 2 }, abi, &why), -1);
        assert_non_null(strstr(why.text, "rules for files cannot be made: Bad file descriptor"));
    }
    close(good);
    assert_int_equal(host_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_a_path_that_cannot_be_had) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
