/* A helper process that cannot be started, for want of memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#define malloc(n) (errno = ENOMEM, (void)(n), NULL)
#include "vmm/lib/spawn.c"

static void no_memory_for_the_places(void **state)
{
    struct helper h;
    wasmvm_config *c = wasmvm_config_new();
    (void)state;
    assert_false(helper_start(&h, "/nowhere", c, -1));
    assert_int_equal(errno, ENOMEM);
    assert_true(h.socket < 0 && h.pidfd < 0 && h.log < 0);
    wasmvm_config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_memory_for_the_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
