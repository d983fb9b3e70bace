/* All threads confine themselves: where it cannot be told that there are no more of them, the
 * process is not confined, however many have answered. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/vmm/cli/child.h"
#include "vmm/jail/inside.h"

enum { OTHERS = 64 }; /* as many as are listed at most */

static bool uncounted;

bool identity_take(const struct identity *identity) { return (void)identity, true; }

int stat(const char *name, struct stat *st)
{
    errno = ENOMEM;
    return uncounted ? -1 : fstatat(AT_FDCWD, name, st, 0);
}

static void *held(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* In a child: it is confined for good. */
static void confine(const void *unused)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t others[OTHERS];
    struct crew crew = { .rules = -1 };
    struct failure why = { .text = "" };
    (void)unused;
    pthread_mutex_lock(&gate);
    for (int i = 0; i < OTHERS; i++)
        if (thread_start(&others[i], NULL, held, &gate) != 0)
            _exit(2);
    bool good = crew_confine(&crew, &why);
    dprintf(1, "%d %u %s", good, crew.done, why.text);
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < OTHERS; i++)
        pthread_join(others[i], NULL);
}

static void test_as_many_as_are_listed(void **state)
{
    char out[300];
    (void)state;
    uncounted = false;
    assert_int_equal(in_child(1, out, sizeof out, confine, NULL), 0);
    assert_string_equal(out, "1 65 ");
}

static void test_threads_that_cannot_be_counted(void **state)
{
    char out[300];
    (void)state;
    uncounted = true;
    assert_int_equal(in_child(1, out, sizeof out, confine, NULL), 0);
    assert_string_equal(out, "0 65 the jail: a thread of this process cannot be confined "
                             "(--jail=weak runs without)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_many_as_are_listed),
        cmocka_unit_test(test_threads_that_cannot_be_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
