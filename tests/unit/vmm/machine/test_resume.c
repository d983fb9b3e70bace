/* What a guest may ask of an image (resume.c): pieces of the module that there are, in order, where
 * it goes on from an image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/machine/inside.h"

static void test_pieces_that_there_are(void **state)
{
    enum { PIECES = 3 };
    static const struct { uint64_t from, to; bool resume; enum module_pieces is; } rows[] = {
        { 0, 1, false, PIECES_HOSTILE },
        { 0, 1, true, PIECES_CHANGED }, /* the file cannot be read */
        { 0, PIECES, true, PIECES_CHANGED },
        { PIECES - 1, PIECES, true, PIECES_CHANGED },
        { 0, 0, true, PIECES_HOSTILE },
        { 1, 1, true, PIECES_HOSTILE },
        { 2, 1, true, PIECES_HOSTILE },
        { 0, PIECES + 1, true, PIECES_HOSTILE },
        { PIECES, PIECES + 1, true, PIECES_HOSTILE },
        { UINT64_MAX, 1, true, PIECES_HOSTILE },
        { 1, UINT64_MAX, true, PIECES_HOSTILE },
    };
    (void)state;
    struct vm *vm = calloc(1, sizeof *vm);
    vm->entry.module_fd = -1;
    vm->entry.module_bytes = PIECES * MODULE_PIECE - 5;
    vm->ram.module.host = malloc(PIECES * MODULE_PIECE);
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        vm->entry.resume = rows[k].resume;
        assert_int_equal(resume_pieces(vm, rows[k].from, rows[k].to), rows[k].is);
    }
    free(vm->ram.module.host);
    free(vm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_that_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
