/* Backtraces as text, over an engine played by the test: frame i of a stack is function i at offset
 * 16 * i. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest/guest.h"

static uint32_t depth;

uint32_t live_frames(struct engine *engine, uint64_t pc, uint64_t sp, struct frame *out,
                     uint32_t max, uint32_t *total)
{
    uint32_t have = depth < max ? depth : max, inner = depth > max ? (max + 1) / 2 : have;
    (void)engine, (void)pc, (void)sp;
    for (uint32_t i = 0; i < have; i++) {
        uint32_t at = i < inner ? i : depth - have + i;
        out[i] = (struct frame){.func = at, .offset = at * 16};
    }
    *total = depth;
    return have;
}

uint32_t trap_frames(struct engine *engine, struct frame *out, uint32_t max, uint32_t *total)
{
    return live_frames(engine, 0, 0, out, max, total);
}

size_t func_name(struct instance *instance, uint32_t func, char *out, size_t cap)
{
    (void)instance;
    return snprintf(out, cap, "main.f%u", func);
}

static char bytes[16 << 10];

static const char *trap_text_of(uint32_t frames, enum trap trap)
{
    struct text text = {.bytes = bytes, .cap = sizeof bytes};
    bytes[0] = 0;
    depth = frames;
    backtrace_trap(&text, NULL, trap);
    return bytes;
}

static unsigned lines(const char *text)
{
    unsigned count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static void short_stack_whole(void **state)
{
    (void)state;
    assert_string_equal(trap_text_of(0, TRAP_MEMORY), "");
    assert_string_equal(trap_text_of(2, TRAP_MEMORY),
                        "\n    main.f0 at offset 0x0\n    main.f1 at offset 0x10");
    assert_int_equal(lines(trap_text_of(32, TRAP_MEMORY)), 32);
    assert_null(strstr(bytes, "left out"));
    assert_non_null(strstr(bytes, "main.f31 at"));
}

static void long_stack_both_ends(void **state)
{
    (void)state;
    assert_int_equal(lines(trap_text_of(33, TRAP_MEMORY)), 32);
    assert_non_null(
        strstr(bytes, "main.f14 at offset 0xe0\n    ... 2 frames left out ...\n    main.f17 at"));
    assert_int_equal(lines(trap_text_of(1000, TRAP_MEMORY)), 32);
    assert_non_null(strstr(bytes, "... 969 frames left out ..."));
    assert_string_equal(strrchr(bytes, '\n'), "\n    main.f999 at offset 0x3e70");
}

static void exhausted_stack_twenty_of_either_end(void **state)
{
    (void)state;
    assert_int_equal(lines(trap_text_of(41, TRAP_STACK)), 41);
    assert_null(strstr(bytes, "left out"));
    assert_int_equal(lines(trap_text_of(1000000, TRAP_STACK)), 41);
    assert_non_null(strstr(
        bytes,
        "main.f19 at offset 0x130\n    ... 999960 frames left out ...\n    main.f999980 at"));
    assert_null(strstr(bytes, "main.f20 "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_stack_whole),
        cmocka_unit_test(long_stack_both_ends),
        cmocka_unit_test(exhausted_stack_twenty_of_either_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
