/* The check of emitted code: what is right passes; what is no instruction's own fault is found too:
 * jumps, tables, what nobody told of.  (test_encode.c turns over every bit of the instructions
 * themselves.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/x64/meant.h"
#include "tests/check/check.h"

static struct assembler open_code(void)
{
    static uint8_t code[256];
    struct assembler a = {
        .start = code, .at = code, .end = code + sizeof code, .address = 0x100000
    };
    meant_begin(&a);
    return a;
}

#define assert_right(a)                                         \
    do {                                                        \
        char text_[400];                                        \
        if (check_differs(a, (a)->start, text_, sizeof text_))  \
            fail_msg("%s", text_);                              \
    } while (0)

/* It is found, and the message begins so. */
#define assert_wrong(a, what)                                                   \
    do {                                                                        \
        char text_[400];                                                        \
        assert_true(check_differs(a, (a)->start, text_, sizeof text_));         \
        if (strncmp(text_, what, strlen(what)) != 0)                            \
            fail_msg("\"%s\" instead of \"%s\"", text_, what);                  \
    } while (0)

static void test_right(void **state)
{
    (void)state;
    struct assembler a = open_code();
    x_rm(&a, I_MOV, true, 3, rm_mem(4, 8));
    uint32_t skip = short_jump(&a, 4);
    uint32_t far = x_jcc(&a, 5, ASM_LATER);
    short_here(&a, skip);
    x_alu_imm(&a, 0, true, rm_reg(9), 200);
    asm_link(&a, far, asm_offset(&a));
    x_ret(&a);
    assert_right(&a);
}

static void test_not_linked(void **state)
{
    (void)state;
    struct assembler a = open_code();
    x_jmp(&a, ASM_LATER);
    assert_wrong(&a, "never linked");
}

static void test_linked_elsewhere(void **state)
{
    (void)state;
    struct assembler a = open_code();
    uint32_t site = x_jmp(&a, ASM_LATER);
    x_ret(&a);
    x_ret(&a);
    asm_link(&a, site, asm_offset(&a) - 1);
    assert_right(&a);
    asm_patch32(&a, site, 0); /* the first ret */
    assert_wrong(&a, "another instruction");
}

static void test_into_the_middle(void **state)
{
    (void)state;
    struct assembler a = open_code();
    uint32_t site = x_jmp(&a, ASM_LATER), mov = asm_offset(&a);
    x_mov_imm(&a, 0, 7);
    asm_link(&a, site, mov);
    assert_right(&a);
    asm_link(&a, site, mov + 1);
    assert_wrong(&a, "it leads into the middle");
}

/* 130 bytes are too far for a short jump forward, and its byte says -126. */
static void test_too_short(void **state)
{
    (void)state;
    struct assembler a = open_code();
    uint32_t jump = short_jump(&a, -1);
    for (int i = 0; i < 130; i++)
        x_ret(&a);
    a.start[jump - 1] = 130; /* as short_here would, which asserts that it is near */
    meant_link(&a, jump - 1, asm_offset(&a));
    x_ret(&a);
    assert_wrong(&a, "another instruction");
}

static void test_table(void **state)
{
    (void)state;
    struct assembler a = open_code();
    x_mov_imm(&a, 0, 7);
    asm_align(&a, 4);
    uint32_t table = asm_offset(&a);
    asm_u32(&a, 0 - table);
    asm_u32(&a, 0 - table);
    meant_is(&a, table, (struct meant){ .insn = MEANT_DATA, .plus = 4 });
    assert_right(&a);
    asm_patch32(&a, table + 4, 1 - table);
    assert_wrong(&a, "a jump table's entry");
}

static void test_not_told(void **state)
{
    (void)state;
    struct assembler a = open_code();
    x_ret(&a);
    asm_u8(&a, 0x90);
    assert_wrong(&a, "the last bytes");
}

/* What a wrong immediate, and a wrong condition, look like. */
static void test_other_operands(void **state)
{
    (void)state;
    struct assembler a = open_code();
    x_cmov(&a, 4, true, 1, rm_reg(2));
    uint32_t add = asm_offset(&a);
    x_alu_imm(&a, ALU_ADD, false, rm_reg(6), 1);
    assert_right(&a);
    a.start[add + 2] = 2;
    assert_wrong(&a, "another instruction: is \"add r6:32, 0x2\", meant was \"add r6:32, 0x1\"");
    a.start[add + 2] = 1;
    a.start[2] ^= 1;
    assert_wrong(
        &a, "another instruction: is \"cmovne r1:64, r2:64\", meant was \"cmove r1:64, r2:64\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),           cmocka_unit_test(test_not_linked),
        cmocka_unit_test(test_linked_elsewhere), cmocka_unit_test(test_into_the_middle),
        cmocka_unit_test(test_too_short),       cmocka_unit_test(test_table),
        cmocka_unit_test(test_not_told),        cmocka_unit_test(test_other_operands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
