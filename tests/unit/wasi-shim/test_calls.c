/* calls.def's rows, each of them: their words and their structs, the numbers, what a row is made
 * of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wasi-shim/calls.h"

/* letters: of the wasm types. */
static const struct row {
    const char *name, letters[SLOT_ARGS + 1];
    uint32_t number, words;
} rows[] = {
#define ARG(name, kind) LETTER_##kind,
#define SPAN(name, kind) LETTER_##kind, LETTER_##kind,
#define OUT(name, kind) LETTER_PTR,
#define CALL(name, list, result) { #name, { list 0 }, CALL_##name, ARGS_##name },
#include "wasi-shim/calls.def"
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* Decodes and encodes. */
#define CALL(name, list, result)                                                                   \
    static void name##_again(uint64_t *out, const uint64_t *in)                                    \
    {                                                                                              \
        const struct name##_args args = *name##_decode(in);                                        \
        name##_encode(out, &args);                                                                 \
    }
#include "wasi-shim/calls.def"

static void (*const again[])(uint64_t *out, const uint64_t *in) = {
#define CALL(name, list, result) [CALL_##name] = name##_again,
#include "wasi-shim/calls.def"
};

static void a_number_for_each_row(void **state)
{
    (void)state;
    bool seen[CALL_COUNT] = {false};
    for (unsigned i = 0; i < ROWS; i++) {
        assert_true(rows[i].number < CALL_COUNT && !seen[rows[i].number]);
        seen[rows[i].number] = true;
    }
    assert_int_equal(ROWS, CALL_COUNT);
    assert_int_equal(CALL_WASI_LAST, CALL_poll_oneoff_v0);
    assert_int_equal(CALL_SHARED_LAST, CALL_found);
    assert_int_equal(CALL_fd_read_one, CALL_WASI_LAST + 1);
    assert_int_equal(CALL_memory_grow, CALL_SHARED_LAST + 1);
}

static void words_fit_the_slot_and_the_types(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        assert_true(rows[i].words <= SLOT_ARGS);
        assert_int_equal(rows[i].words, strlen(rows[i].letters));
    }
}

/* Of 32 bits the upper half is neither seen nor sent; what lies behind the arguments stays. */
static void words_come_back_as_wide_as_their_types(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        uint64_t in[SLOT_ARGS], out[SLOT_ARGS];
        for (unsigned k = 0; k < SLOT_ARGS; k++) {
            in[k] = 0xfedcba9876543210 + k;
            out[k] = ~0ull;
        }
        again[rows[i].number](out, in);
        for (unsigned k = 0; k < SLOT_ARGS; k++) {
            uint64_t wide = rows[i].letters[k < rows[i].words ? k : rows[i].words] == 'I'
                                ? in[k]
                                : (uint32_t)in[k];
            assert_int_equal(out[k], k < rows[i].words ? wide : ~0ull);
        }
    }
}

/* One in the words of the specification. */
static void a_field_is_the_word_of_its_name(void **state)
{
    (void)state;
    const uint64_t words[] = {3, 1, 100, 4, 9, 1ull << 40, 1ull << 41, 5, 200};
    const struct path_open_args *args = path_open_decode(words);
    assert_int_equal(args->dir, 3);
    assert_int_equal(args->lookup, 1);
    assert_int_equal(args->path, 100);
    assert_int_equal(args->path_len, 4);
    assert_int_equal(args->open, 9);
    assert_int_equal(args->rights, 1ull << 40);
    assert_int_equal(args->inheriting, 1ull << 41);
    assert_int_equal(args->flags, 5);
    assert_int_equal(args->fd_out, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_for_each_row),
        cmocka_unit_test(words_fit_the_slot_and_the_types),
        cmocka_unit_test(words_come_back_as_wide_as_their_types),
        cmocka_unit_test(a_field_is_the_word_of_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
