/* What a snapshot keeps of a piece of memory: nothing of one that is empty, and of another those
 * pages that have contents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/machine/snapshot.c" /* pieces are its own */

static void test_pieces(void **state)
{
    (void)state;
    static _Alignas(4096) uint8_t live[3 * PAGE];
    struct snapshot *s = calloc(1, sizeof *s);
    assert_true(piece_add(s, 0x1000, live, 0));
    assert_int_equal(s->n, 0);
    live[PAGE + 7] = 5;
    assert_true(piece_add(s, 0x1000, live, sizeof live));
    assert_true(piece_add(s, 0x9000, live, 0));
    assert_int_equal(s->n, 1);
    const struct piece *p = &s->pieces[0];
    assert_true(!piece_full(p, 0) && piece_full(p, PAGE) && !piece_full(p, 2 * PAGE));
    assert_memory_equal(p->clean, live, sizeof live);
    munmap(p->clean, p->bytes);
    free(p->full);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_pieces) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
