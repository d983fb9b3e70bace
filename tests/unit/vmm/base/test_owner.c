/* Owners that a user namespace shows by one number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#undef fail
#include "vmm/base/message.h"

#define NO_NUMBER 65534u

static void test_numbers(void **state)
{
    (void)state;
    assert_true(owner_is_us(geteuid()) && !owner_is_us(geteuid() + 1));
    assert_true(owner_is(1, 1) && !owner_is(1, 2));
}

/* Of a process of its own in a new user namespace, which has `user` for the outer one; -1: none. */
enum { REFUSED = 77, OURS = 1, LIKE_ANY = 2 };

static int seen_as(long user)
{
    unsigned outer = geteuid();
    char map[64];
    int status = 0, n = snprintf(map, sizeof map, "%ld %u 1", user, outer);
    pid_t child = fork();
    if (child == 0) {
        if (unshare(CLONE_NEWUSER) != 0)
            _exit(REFUSED);
        int fd = user < 0 ? -1 : open("/proc/self/uid_map", O_WRONLY);
        if (user >= 0 && (fd < 0 || write(fd, map, (size_t)n) != n))
            _exit(REFUSED);
        _exit((owner_is_us(NO_NUMBER) ? OURS : 0) |
              (owner_is(NO_NUMBER, NO_NUMBER) ? LIKE_ANY : 0) |
              (user == 0 && !owner_is_us(0) ? 64 : 0));
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Whoever has no number there is no owner of what others without one own. */
static void test_namespaces(void **state)
{
    (void)state;
    int none = seen_as(-1);
    if (none == REFUSED)
        skip(); /* nobody may make such a namespace here */
    assert_int_equal(none, 0);
    assert_int_equal(seen_as(0), 0);
    assert_int_equal(seen_as(NO_NUMBER), OURS | LIKE_ANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_namespaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
