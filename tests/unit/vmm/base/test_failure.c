/* Why something could not be had: the words and the status, whatever stood there before. */
#include "vmm/base/message.h" /* before <cmocka.h>, which has a macro fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void words_and_status(void **state)
{
    (void)state;
    struct failure why;
    memset(&why, 'x', sizeof why);
    assert_false(failure_set(&why, "%s: %d", "a file", 7));
    assert_string_equal(why.text, "a file: 7");
    assert_int_equal(why.status, EXIT_MONITOR);
    assert_false(failure_as(&why, 126, "%s", "no module"));
    assert_string_equal(why.text, "no module");
    assert_int_equal(why.status, 126);
    assert_false(failure_set(&why, "again"));
    assert_int_equal(why.status, EXIT_MONITOR);
}

/* What is longer is cut, and has an end. */
static void the_longest_words(void **state)
{
    (void)state;
    struct failure *why = malloc(sizeof *why); /* so that a byte behind it is nobody's */
    for (int n = (int)sizeof why->text - 2; n <= (int)sizeof why->text + 1; n++) {
        failure_as(why, 1, "%*s", n, "x");
        size_t most = sizeof why->text - 1, want = (size_t)n < most ? (size_t)n : most;
        assert_int_equal(strlen(why->text), want);
    }
    free(why);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(words_and_status),
                                        cmocka_unit_test(the_longest_words) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
