/* engine/load/opcodes.def and opcodes.c: every instruction of WebAssembly 2.0 is there once, with
 * what it needs. */
#include "tests/unit/engine/binary.h"

#include "engine/load/opcodes.h"

static const struct row {
    uint32_t code; const char *name, *pops, *pushes; enum immediates imm; enum family family;
} rows[] = {
#define OPCODE(code, name, imm, pops, pushes, family) { code, #name, pops, pushes, imm, family },
#include "engine/load/opcodes.def"
#undef OPCODE
};
#define NROWS (sizeof rows / sizeof *rows)

static uint32_t count(uint32_t first, uint32_t last)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < NROWS; i++)
        n += rows[i].code >= first && rows[i].code <= last;
    return n;
}

/* 172 of 1.0, 5 sign extensions, 6 of the reference types (select t, table.get, table.set, ref.*),
 * 2 tail calls. */
static void test_counts(void **state)
{
    (void)state;
    assert_int_equal(count(0x00, 0xff), 172 + 5 + 6 + 2);
    assert_int_equal(count(0x100, 0x1ff), 18);
    assert_int_equal(count(0x200, 0x2ff), 236);
    assert_int_equal(NROWS, 185 + 18 + 236);
}

static void test_codes_unique(void **state)
{
    (void)state;
    static bool seen[OPCODE_CODES];
    for (uint32_t i = 0; i < NROWS; i++) {
        assert_in_range(rows[i].code, 0, OPCODE_CODES - 1);
        assert_false(seen[rows[i].code]);
        seen[rows[i].code] = true;
        assert_int_equal(opcode_table[rows[i].code].family, rows[i].family);
    }
}

static void test_letters(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < NROWS; i++) {
        const struct row *r = &rows[i];
        assert_true(strcmp(r->pops, "*") == 0 || strspn(r->pops, "iIfFvr") == strlen(r->pops));
        assert_true(strcmp(r->pushes, "*") == 0 || strspn(r->pushes, "iIfFv") == strlen(r->pushes));
        assert_in_range(strlen(r->pops), 0, 3);
        assert_in_range(strlen(r->pushes), 0, 1);
        assert_true(r->imm < IMM_COUNT && r->family > FAM_NONE && r->family < FAM_COUNT);
    }
}

/* A few known numbers from each end of each block of the specification's index. */
static void test_known_codes(void **state)
{
    (void)state;
    static const struct { uint32_t code; const char *text;
    } known[] = {
        { OP_unreachable, "unreachable" },
        { OP_br_table, "br_table" },
        { OP_select_t, "select" },
        { OP_if_, "if" },
        { OP_return_call_indirect, "return_call_indirect" },
        { OP_i64_store32, "i64.store32" },
        { 0xa7, "i32.wrap_i64" },
        { 0xc4, "i64.extend32_s" },
        { 0xd2, "ref.func" },
        { 0x107, "i64.trunc_sat_f64_u" },
        { 0x3f, "memory.size" },
        { 0x200, "v128.load" },
        { 0x20d, "i8x16.shuffle" },
        { 0x253, "v128.any_true" },
        { 0x111, "table.fill" },
        { 0x29c, "i16x8.extmul_low_i8x16_s" },
        { 0x2ba, "i32x4.dot_i16x8_s" },
        { 0x2ff, "f64x2.convert_low_i32x4_u" },
        { 0x1a, "drop" },
        { 0x20, "local.get" },
        { 0x44, "f64.const" },
        { 0x1ff, "unknown" },
        { 0x5000, "unknown" },
    };
    char name[OPCODE_NAME];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_string_equal(opcode_name(known[i].code, name), known[i].text);
}

static void test_proposals(void **state)
{
    (void)state;
    assert_string_equal(opcode_proposal(FOREIGN_ATOMIC), "threads");
    assert_string_equal(opcode_proposal(FOREIGN_GC), "garbage collection");
    assert_string_equal(opcode_proposal(0x06), "exception handling");
    assert_string_equal(opcode_proposal(0x300), "relaxed SIMD");
    assert_null(opcode_proposal(0xff));
    for (uint32_t i = 0; i < NROWS; i++)
        assert_null(opcode_proposal(rows[i].code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),    cmocka_unit_test(test_codes_unique),
        cmocka_unit_test(test_letters),   cmocka_unit_test(test_known_codes),
        cmocka_unit_test(test_proposals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
