/* engine/load/validate*.c: function bodies by the spec's validation algorithm.
 *
 * All stand in one module: types 0 () -> (), 1 (i32) -> (i32), 2 () -> (i32 i64), 3 (i32 i64) ->
 * (), 4 (i64) -> (); function 0 of type 0 is imported, function 1 is the one under test, function 2
 * of type 1; tables 0 of funcref, 1 of externref; a memory; globals 0 mutable i32, 1 immutable i64;
 * element segments 0 of funcref, which declares function 0, and 1 of externref; one data segment.
 */
#include "tests/unit/engine/binary.h"

#include "engine/load/opcodes.h"

#define FIRST_PARTS                                                                                \
    HEADER "\1\x17\5\x60\0\0\x60\1\x7f\1\x7f\x60\0\2\x7f\x7e\x60\2\x7f\x7e\0\x60\1\x7e\0"          \
           "\2\7\1\1m\1f\0\0"
#define TABLES   "\4\7\2\x70\0\1\x6f\0\1"
#define MEMORY   "\5\3\1\0\1"
#define GLOBALS  "\6\x0b\2\x7f\1\x41\0\x0b\x7e\0\x42\0\x0b"

/* Locals and code of function 1 of `type`; data_count: the module has one. */
static struct module *module_of(struct test_engine *t, uint8_t type, const void *body, size_t len,
                                bool data_count)
{
    struct bytes b = { 0 }, code = { 0 };
    uint8_t functions[] = { 3, 3, 2, type, 1 };
    ADD(&b, FIRST_PARTS);
    bytes_add(&b, functions, sizeof functions);
    ADD(&b, TABLES MEMORY GLOBALS);
    SECTION(&b, 9, "\2\3\0\1\0\5\x6f\1\xd0\x6f\x0b");
    if (data_count)
        ADD(&b, "\x0c\1\1");
    ADD(&code, "\2");
    bytes_u32(&code, (uint32_t)len);
    bytes_add(&code, body, len);
    ADD(&code, "\4\0\x20\0\x0b");
    bytes_section(&b, 10, code.at, code.len);
    ADD(&b, "\x0b\3\1\1\0");
    struct module *m = parse(t, b.at, b.len);
    if (!m)
        fail_msg("%s", t->engine.error.text);
    bytes_free(&b);
    bytes_free(&code);
    return m;
}

static bool validates_as_is(struct test_engine *t, uint8_t type, const void *body, size_t len)
{
    struct module *m = module_of(t, type, body, len, true);
    bool ok = body_validate(&t->engine, m, 1);
    assert_int_equal(m->valid[0], ok);
    return ok;
}

/* The last bytes of a body are never passed over as usual: with as many before its end that do
 * nothing, all of it may be, and the answer has to be the same. */
static bool validates(struct test_engine *t, uint8_t type, const uint8_t *body, size_t len)
{
    static const uint8_t nops[] = "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\x0b";
    struct bytes longer = { 0 };
    if (len < 2)
        return validates_as_is(t, type, body, len);
    bytes_add(&longer, body, len - 1);
    bytes_add(&longer, nops, sizeof nops - 1);
    bool with_nops = body[len - 1] == OP_end && validates_as_is(t, type, longer.at, longer.len);
    bool ok = validates_as_is(t, type, body, len);
    if (body[len - 1] == OP_end && (ok || t->engine.error.kind == ERROR_INVALID))
        assert_int_equal(with_nops, ok);
    bytes_free(&longer);
    return ok;
}

struct body {
    uint8_t type;
    const char *code;
    size_t len;
    const char *words;
    enum error_kind kind;
};
#define GOOD(type, literal) { type, literal, sizeof(literal) - 1, NULL, ERROR_NONE }
#define BAD(type, literal, words) { type, literal, sizeof(literal) - 1, words, ERROR_INVALID }
#define MAL(literal, words) { 0, literal, sizeof(literal) - 1, words, ERROR_MALFORMED }
#define UNS(literal, words) { 0, literal, sizeof(literal) - 1, words, ERROR_UNSUPPORTED }

static void check(struct test_engine *t, const struct body *bodies, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool ok = validates(t, bodies[i].type, (const uint8_t *)bodies[i].code, bodies[i].len);
        if (!bodies[i].words && !ok)
            fail_msg("body %zu: %s", i, t->engine.error.text);
        if (bodies[i].words) {
            if (ok)
                fail_msg("body %zu is accepted: wanted %s", i, bodies[i].words);
            assert_error(t, bodies[i].kind, bodies[i].words);
        }
    }
}
#define CHECK(t, bodies) check(t, bodies, sizeof bodies / sizeof *bodies)

/* ---- plain instructions, all of them, by their rows ---- */

static const struct row {
    uint32_t code;
    const char *name, *pops, *pushes;
    enum immediates imm;
} rows[] = {
#define OPCODE(code, name, imm, pops, pushes, family) { code, #name, pops, pushes, imm },
#include "engine/load/opcodes.def"
#undef OPCODE
};

static void add_value(struct bytes *b, char letter)
{
    switch (letter) {
    case 'i': ADD(b, "\x41\0"); break;
    case 'I': ADD(b, "\x42\0"); break;
    case 'f': ADD(b, "\x43\0\0\0\0"); break;
    case 'F': ADD(b, "\x44\0\0\0\0\0\0\0\0"); break;
    case 'v': ADD(b, "\xfd\x0c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"); break;
    case 'r': ADD(b, "\xd0\x6f"); break;
    default: fail();
    }
}

static void add_opcode(struct bytes *b, uint32_t code)
{
    uint8_t first = code < 0x100 ? (uint8_t)code : code < 0x200 ? 0xfc : 0xfd;
    bytes_add(b, &first, 1);
    if (code >= 0x100)
        bytes_u32(b, code & 0xff);
}

static void add_immediates(struct bytes *b, enum immediates imm)
{
    static const uint8_t zeros[16];
    static const uint8_t sizes[IMM_COUNT] = {
        [IMM_I32] = 1,        [IMM_I64] = 1,        [IMM_F32] = 4,         [IMM_F64] = 8,
        [IMM_V128] = 16,      [IMM_SHUFFLE] = 16,   [IMM_MEM8] = 2,        [IMM_MEM16] = 2,
        [IMM_MEM32] = 2,      [IMM_MEM64] = 2,      [IMM_MEM128] = 2,      [IMM_MEM8_LANE] = 3,
        [IMM_MEM16_LANE] = 3, [IMM_MEM32_LANE] = 3, [IMM_MEM64_LANE] = 3,  [IMM_LANE2] = 1,
        [IMM_LANE4] = 1,      [IMM_LANE8] = 1,      [IMM_LANE16] = 1,      [IMM_TABLE] = 1,
        [IMM_MEMORY] = 1,     [IMM_ELEM] = 1,       [IMM_DATA] = 1,        [IMM_TABLE2] = 2,
        [IMM_MEMORY2] = 2,    [IMM_ELEM_TABLE] = 2, [IMM_DATA_MEMORY] = 2,
    };
    bytes_add(b, zeros, sizes[imm]);
}

/* A body that runs one row on constants, all but `missing` of them there, those from `wrong` on of
 * another type. */
static struct bytes row_body(const struct row *r, uint32_t missing, bool wrong)
{
    struct bytes b = { 0 };
    ADD(&b, "\0");
    for (const char *p = r->pops + missing; *p; p++)
        add_value(&b, wrong && p == r->pops ? (*p == 'F' ? 'I' : 'F') : *p);
    add_opcode(&b, r->code);
    add_immediates(&b, r->imm);
    if (r->pushes[0])
        ADD(&b, "\x1a");
    ADD(&b, "\x0b");
    return b;
}

static void test_plain_instructions(void **state)
{
    struct test_engine *t = *state;
    uint32_t plain = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        if (r->pops[0] == '*' || r->pushes[0] == '*')
            continue;
        plain++;
        struct bytes b = row_body(r, 0, false);
        if (!validates(t, 0, b.at, b.len))
            fail_msg("%s: %s", r->name, t->engine.error.text);
        for (size_t cut = 2; cut < b.len; cut++)
            if (validates(t, 0, b.at, cut))
                fail_msg("%s: cut to %zu bytes and accepted", r->name, cut);
        bytes_free(&b);
        if (!r->pops[0])
            continue;
        b = row_body(r, 1, false);
        assert_false(validates(t, 0, b.at, b.len));
        assert_error(t, ERROR_INVALID, "but the operand stack is empty");
        bytes_free(&b);
        b = row_body(r, 0, true);
        assert_false(validates(t, 0, b.at, b.len));
        assert_error(t, ERROR_INVALID, "type mismatch: expected");
        bytes_free(&b);
    }
    assert_int_equal(plain, sizeof rows / sizeof *rows - 28);
}

static void test_immediates(void **state)
{
    static const struct body bodies[] = {
        GOOD(0, "\0\x41\0\x28\2\xff\xff\xff\xff\x0f\x1a\x0b"),
        BAD(0, "\0\x41\0\x28\3\0\x1a\x0b",
            "alignment must not be larger than natural (code section, function 1, i32.load at "
            "offset 0x"),
        BAD(0, "\0\x41\0\x2d\1\0\x1a\x0b", "alignment must not be larger than natural"),
        BAD(0, "\0\x41\0\x28\xff\xff\xff\xff\x0f\0\x1a\x0b",
            "alignment must not be larger than natural"),
        GOOD(0, "\0\x41\0\x28\x42\0\0\x1a\x0b"),
        BAD(0, "\0\x41\0\x28\x42\1\0\x1a\x0b", "unknown memory 1"),
        MAL("\0\x41\0\x28\2\x80\x80\x80\x80\x10\x1a\x0b",
            "integer too large (code section, function 1, i32.load"),
        MAL("\0\x3f\1\x1a\x0b", "zero byte expected"),
        MAL("\0\x3f\x80\0\x1a\x0b", "zero byte expected"),
        MAL("\0\x41\x80\x80\x80\x80\x70\x1a\x0b", "integer too large"),
        MAL("\0\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0\x1a\x0b",
            "integer representation too long"),
        BAD(0, "\0\xfc\x09\1\x0b", "unknown data segment 1"),
        BAD(0, "\0\xfc\x0d\2\x0b", "unknown element segment 2"),
        BAD(0, "\0\xfc\x10\2\x1a\x0b", "unknown table 2"),
        BAD(0, "\0\x41\0\x41\0\x41\0\xfc\x0c\1\0\x0b",
            "a table of funcref gets elements of externref"),
        GOOD(0, "\0\x41\0\x41\0\x41\0\xfc\x0c\1\1\x0b"),
        BAD(0, "\0\x41\0\x41\0\x41\0\xfc\x0e\1\0\x0b",
            "a table of externref gets elements of funcref"),
        BAD(0, "\0\xfd\x0c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xfd\x15\x10\x1a\x0b",
            "invalid lane index (code section, function 1, "
            "i8x16.extract_lane_s"),
        BAD(0, "\0\x20\0\x1a\x0b", "unknown local 0 (code section, function 1, local.get"),
        GOOD(1, "\0\x20\0\x0b"),
        GOOD(1, "\2\2\x7e\1\x70\x20\1\x21\2\x20\3\x1a\x20\0\x22\0\x0b"),
        BAD(1, "\1\1\x7e\x20\1\x21\0\x20\0\x0b",
            "expected i32, found i64 (code section, function 1, local.set"),
        BAD(1, "\1\1\x7e\x20\0\x22\1\x1a\x20\0\x0b",
            "expected i64, found i32 (code section, function 1, local.tee"),
        MAL("\1\1\x40\x0b", "malformed type 0x40"),
        UNS("\1\1\x64\x0b", "typed function references (type (ref), offset"),
    };
    CHECK((struct test_engine *)*state, bodies);
}

static void test_limits(void **state)
{
    static const struct body bodies[] = {
        GOOD(1, "\1\xcf\x86\3\x7f\x20\xcf\x86\3\x0b"),
        { 1, "\1\xd0\x86\3\x7f\x20\0\x0b", 8, "50001 locals: this engine takes at most 50000",
          ERROR_LIMIT },
        { 0, "\1\xff\xff\xff\xff\x0f\x7f\x0b", 8,
          "4294967295 locals: this engine takes at most 50000", ERROR_LIMIT },
        { 0, "\0\x41\0\x0e\xc1\x84\x3d\0\x0b", 9,
          "a br_table of 1000001 labels: this engine takes at most 1000000", ERROR_LIMIT },
    };
    CHECK((struct test_engine *)*state, bodies);
}

/* ---- control ---- */

/* Numbers spelled long are not usual, and leave the operands as they were. */
static void test_long_numbers(void **state)
{
    static const struct body bodies[] = {
        GOOD(0, "\0\x41\0\x29\3\x80\x80\x80\x80\0\x1a\x0b"),
        GOOD(0, "\0\x41\0\x42\0\x37\x83\0\0\x0b"),
        GOOD(0, "\0\x41\x80\x80\x80\x80\0\x1a\x0b"),
        GOOD(0, "\0\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\0\x1a\x0b"),
        GOOD(0, "\0\x41\0\x10\x82\x80\x80\0\x1a\x0b"),
        GOOD(0, "\0\2\x40\x41\0\x0d\x80\x80\0\x0b\x0b"),
        GOOD(0, "\0\x23\x80\0\x24\x80\0\x0b"),
        MAL("\0\x41\x80\x80\x80\x80\x10\x1a\x0b", "integer too large"),
        MAL("\0\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\2\x1a\x0b", "integer too large"),
        BAD(0, "\0\x42\0\x29\3\x80\x80\x80\x80\0\x1a\x0b", "expected i32, found i64"),
    };
    CHECK(*state, bodies);
}

static void test_blocks(void **state)
{
    static const struct body bodies[] = {
        GOOD(0, "\0\x0b"),
        GOOD(0, "\0\1\1\x0b"),
        GOOD(1, "\0\2\x7f\x20\0\x0b\x0b"),
        GOOD(1, "\0\x20\0\2\1\x0b\x0b"),
        GOOD(2, "\0\2\2\x41\0\x42\0\x0b\x0b"),
        GOOD(1, "\0\x20\0\x20\0\4\1\x1a\x41\7\5\x0b\x0b"),
        GOOD(1, "\0\x20\0\4\x7f\x41\1\5\x41\2\x0b\x0b"),
        GOOD(0, "\0\x41\0\4\x40\x0b\x0b"),
        GOOD(1, "\0\x20\0\x20\0\4\1\x0b\x0b"),
        BAD(0, "\0\x41\0\x0b",
            "values remaining on the stack at the end of a block (code section, function 1, end"),
        BAD(1, "\0\x0b",
            "expected i32, but the operand stack is empty (code section, function 1, end"),
        BAD(1, "\0\x42\0\x0b", "expected i32, found i64 (code section, function 1, end"),
        BAD(0, "\0\2\x40\x41\0\x0b\x0b", "values remaining on the stack"),
        BAD(0, "\0\x41\0\2\x40\x1a\x0b\x0b",
            "expected a value, but the operand stack is empty (code section, function 1, drop"),
        BAD(1, "\0\x20\0\4\x7f\x41\1\x0b\x0b",
            "an if without else must have equal parameters and results"),
        BAD(1, "\0\x20\0\4\x7f\x41\1\5\x42\2\x0b\x0b", "expected i32, found i64"),
        BAD(0, "\0\2\1\x1a\x0b\x0b",
            "expected i32, but the operand stack is empty (code section, function 1, block"),
        BAD(0, "\0\2\5\x0b\x0b", "unknown type 5"),
        BAD(0, "\0\x42\0\4\x40\x0b\x0b", "expected i32, found i64 (code section, function 1, if"),
        MAL("\0\2\x7a\x0b\x0b", "malformed type 0x7a"),
        MAL("\0\2\x80\x7f\x0b\x0b", "malformed block type"),
        MAL("\0\5\x0b", "else without if"),
        MAL("\0\x41\0\4\x40\5\5\x0b\x0b", "else without if"),
        MAL("\0", "unexpected end (code section, function 1"),
        MAL("\0\2\x40\x0b", "unexpected end"),
        MAL("\0\x0b\x0b", "bytes follow the end of the body"),
        MAL("", "unexpected end (code section, function 1, offset 0x"),
        UNS("\0\2\x69\x0b\x0b", "exception handling (type exnref, offset"),
    };
    CHECK((struct test_engine *)*state, bodies);
}

static void test_branches(void **state)
{
    static const struct body bodies[] = {
        GOOD(0, "\0\x0c\0\x0b"),
        GOOD(1, "\0\2\x7f\x20\0\x0c\0\x0b\x0b"),
        GOOD(1, "\0\x20\0\3\1\x20\0\x0d\0\x0b\x0b"),
        GOOD(1, "\0\2\x7f\x20\0\x20\0\x0d\0\x0b\x0b"),
        GOOD(0, "\0\2\x40\2\x40\x41\0\x0e\2\0\1\2\x0b\x0b\x0b"),
        GOOD(2, "\0\x41\0\x42\0\x0f\x0b"),
        GOOD(1, "\0\x41\1\x41\2\x41\3\x0f\x0b"),
        BAD(0, "\0\x0c\1\x0b", "unknown label 1 (code section, function 1, br at"),
        BAD(1, "\0\x0c\0\x0b",
            "expected i32, but the operand stack is empty (code section, function 1, br at"),
        BAD(0, "\0\x42\0\x0d\0\x0b", "expected i32, found i64 (code section, function 1, br_if"),
        BAD(1, "\0\2\x40\x41\0\x41\0\x0e\1\0\1\x0b\x20\0\x0b",
            "labels must take equally many values"),
        BAD(1, "\0\2\x7e\x42\0\x41\0\x0e\1\0\1\x0b\x1a\x20\0\x0b",
            "expected i32, found i64 (code section, function 1, br_table"),
        BAD(0, "\0\x41\0\x0e\1\0\1\x0b", "unknown label 1 (code section, function 1, br_table"),
        BAD(0, "\0\3\4\x0c\0\x0b\x0b",
            "expected i64, but the operand stack is empty (code section, function 1, loop"),
        MAL("\0\x41\0\x0e\xff\xff\xf", "unexpected end"),
    };
    CHECK((struct test_engine *)*state, bodies);
}

/* After a branch the stack is polymorphic, yet what is there must fit (spec appendix, "validation
 * algorithm"). */
static void test_unreachable_code(void **state)
{
    static const struct body bodies[] = {
        GOOD(1, "\0\0\x0b"),
        GOOD(1, "\0\0\x6a\x0b"),
        GOOD(1, "\0\0\x42\0\xa7\x6a\x0b"),
        GOOD(1, "\0\0\x1b\x0b"),
        GOOD(0, "\0\0\xd1\x1a\x1a\x0b"),
        GOOD(1, "\0\0\x41\0\x0d\0\x0b"),
        GOOD(1, "\0\x20\0\x0c\0\x68\x0b"),
        GOOD(0, "\0\0\2\4\x1a\x0b\x0b"),
        GOOD(1, "\0\2\x40\0\x0b\x20\0\x0b"),
        GOOD(1, "\0\2\x7f\2\x7e\0\x41\0\x0e\1\0\1\x0b\x1a\x41\0\x0b\x0b"),
        BAD(0, "\0\0\x41\0\x0b", "values remaining on the stack"),
        BAD(1, "\0\0\x42\0\x0b", "expected i32, found i64"),
        BAD(1, "\0\0\x42\0\x6a\x0b", "expected i32, found i64 (code section, function 1, i32.add"),
        BAD(1, "\0\0\x43\0\0\0\0\x42\0\x41\0\x1b\x0b", "select of f32 and i64"),
        BAD(0, "\0\0\2\x40\x1a\x0b\x0b",
            "the operand stack is empty (code section, function 1, drop"),
        BAD(0, "\0\0\xd0\x70\x41\0\x1b\x1a\x0b", "select without type takes no references"),
    };
    CHECK((struct test_engine *)*state, bodies);
}

static void test_calls(void **state)
{
    static const struct body bodies[] = {
        GOOD(0, "\0\x10\0\x0b"),
        GOOD(1, "\0\x20\0\x10\2\x0b"),
        GOOD(1, "\0\x20\0\x41\0\x11\1\0\x0b"),
        GOOD(1, "\0\x20\0\x12\2\x0b"),
        GOOD(1, "\0\x20\0\x41\0\x13\1\0\x0b"),
        BAD(0, "\0\x10\3\x0b", "unknown function 3 (code section, function 1, call at"),
        BAD(0, "\0\x10\2\x1a\x0b",
            "expected i32, but the operand stack is empty (code section, function 1, call at"),
        BAD(0, "\0\x41\0\x11\5\0\x0b", "unknown type 5"),
        BAD(0, "\0\x41\0\x11\0\2\x0b", "unknown table 2"),
        BAD(0, "\0\x41\0\x11\0\1\x0b", "call_indirect through a table of externref"),
        BAD(0, "\0\x11\0\0\x0b",
            "expected i32, but the operand stack is empty (code section, function 1, "
            "call_indirect"),
        BAD(0, "\0\x41\0\x12\2\x0b",
            "a tail call must have the results of its function (code section, function 1, "
            "return_call at"),
    };
    CHECK((struct test_engine *)*state, bodies);
}

static void test_values(void **state)
{
    static const struct body bodies[] = {
        GOOD(1, "\0\x20\0\x20\0\x20\0\x1b\x0b"),
        GOOD(0, "\0\xd0\x70\xd0\x70\x41\0\x1c\1\x70\x1a\x0b"),
        BAD(0, "\0\xd0\x70\xd0\x70\x41\0\x1b\x1a\x0b", "select without type takes no references"),
        BAD(0, "\0\x41\0\x41\0\x41\0\x1c\0\x1a\x0b", "invalid result arity"),
        BAD(0, "\0\x41\0\x42\0\x41\0\x1c\1\x7f\x1a\x0b",
            "expected i32, found i64 (code section, function 1, select"),
        BAD(0, "\0\x41\0\x42\0\x41\0\x1b\x1a\x0b", "select of i32 and i64"),
        GOOD(0, "\0\x23\0\x24\0\x0b"),
        BAD(0, "\0\x23\2\x1a\x0b", "unknown global 2"),
        BAD(0, "\0\x42\0\x24\1\x0b", "global is immutable"),
        BAD(0, "\0\x42\0\x24\0\x0b",
            "expected i32, found i64 (code section, function 1, global.set"),
        GOOD(0, "\0\x41\0\x41\0\x25\0\x26\0\x0b"),
        BAD(0, "\0\x41\0\x41\0\x25\0\x26\1\x0b",
            "expected externref, found funcref (code section, function 1, table.set"),
        BAD(0, "\0\x41\0\x25\2\x1a\x0b", "unknown table 2"),
        GOOD(0, "\0\xd0\x6f\x41\0\xfc\x0f\1\x1a\x0b"),
        BAD(0, "\0\xd0\x70\x41\0\xfc\x0f\1\x1a\x0b",
            "expected externref, found funcref (code section, function 1, table.grow"),
        GOOD(0, "\0\x41\0\xd0\x6f\x41\0\xfc\x11\1\x0b"),
        BAD(0, "\0\x41\0\x41\0\xd0\x6f\xfc\x11\1\x0b",
            "expected i32, found externref (code section, function 1, table.fill"),
        GOOD(0, "\0\xd2\0\x1a\x0b"),
        BAD(0, "\0\xd2\2\x1a\x0b", "undeclared function reference"),
        BAD(0, "\0\xd2\3\x1a\x0b", "unknown function 3"),
        BAD(0, "\0\x41\0\xd1\x1a\x0b", "expected a reference, found i32"),
        MAL("\0\xd0\x40\x1a\x0b", "malformed type 0x40"),
    };
    CHECK((struct test_engine *)*state, bodies);
}

static void test_unknown_opcodes(void **state)
{
    static const struct body bodies[] = {
        UNS("\0\xfe\0\2\0\x0b", "module uses threads (memory.atomic.notify, offset 0x5f, code "
                                "section, function 1), which "
                                "wasmvm does not support"),
        UNS("\0\xfe\x1e\2\0\x0b", "uses threads (i32.atomic.rmw.add, offset"),
        UNS("\0\xfe\x4e\2\0\x0b", "uses threads (i64.atomic.rmw32.cmpxchg_u, offset"),
        UNS("\0\xfe\4\0\x0b", "uses threads (an unknown instruction, offset"),
        UNS("\0\xfb\0\0\x0b", "uses garbage collection (struct.new, offset"),
        UNS("\0\xfb\x1e\x0b", "uses garbage collection (i31.get_u, offset"),
        UNS("\0\2\x6e\x0b\x0b", "uses garbage collection (type anyref, offset"),
        UNS("\0\6\x40\x0b\x0b", "uses exception handling (try, offset"),
        UNS("\0\x1f\x40\0\x0b\x0b", "uses exception handling (try_table, offset"),
        UNS("\0\x14\0\x0b", "uses typed function references (call_ref, offset"),
        UNS("\0\xe2\0\x0b", "uses stack switching (suspend, offset"),
        UNS("\0\xfc\x13\x0b", "uses wide arithmetic (i64.add128, offset"),
        UNS("\0\xfd\x80\2\x0b", "uses relaxed SIMD (i8x16.relaxed_swizzle, offset"),
        UNS("\0\xfd\x93\2\x0b", "uses relaxed SIMD (i32x4.relaxed_dot_i8x16_i7x16_add_s, offset"),
        MAL("\0\xfe\x4f\x0b", "illegal opcode 0xfe"),
        MAL("\0\xfb\x1f\x0b", "illegal opcode 0xfb"),
        MAL("\0\xfe", "unexpected end (code section, function 1, offset"),
        MAL("\0\xff\x0b", "illegal opcode 0xff"),
        MAL("\0\x27\x0b", "illegal opcode 0x27"),
        MAL("\0\xfc\x12\x0b", "illegal opcode 0xfc"),
        MAL("\0\xfc\x80\2\x0b", "illegal opcode 0xfc"),
        MAL("\0\xfd\x9a\1\x0b", "illegal opcode 0xfd"),
        MAL("\0\xfd\xff\xff\xff\xff\x0f\x0b", "illegal opcode 0xfd"),
        MAL("\0\xfc", "unexpected end (code section, function 1"),
    };
    CHECK((struct test_engine *)*state, bodies);
}

/* A function that the name section names is called so; else one that is exported. */
static void test_functions_by_name(void **state)
{
    struct test_engine *t = *state;
    static const char *const words[] = {
        "(code section, function \"main.(*T).f\\x1b\", i32.add at offset 0x22)",
        "(code section, function \"run\", i32.add at offset 0x26)",
        "(code section, function 2, i32.add at offset 0x2a)"
    };
    struct bytes b = { 0 };
    ADD(&b, HEADER "\1\4\1\x60\0\0"
                   "\3\4\3\0\0\0"
                   "\7\7\1\3run\0\1"
                   "\x0a\x0d\3"
                   "\3\0\x6a\x0b"
                   "\3\0\x6a\x0b"
                   "\3\0\x6a\x0b"
                   "\0\x16\4name\1\x0f\1\0\x0cmain.(*T).f\x1b");
    struct module *m = parse(t, b.at, b.len);
    if (!m)
        fail_msg("%s", t->engine.error.text);
    for (uint32_t f = 0; f < 3; f++) {
        assert_false(body_validate(&t->engine, m, f));
        assert_error(t, ERROR_INVALID, words[f]);
    }
    bytes_free(&b);
}

/* The place is in the message, however long the names are. */
static void test_long_names_leave_room(void **state)
{
    struct test_engine *t = *state;
    struct bytes b = { 0 }, names = { 0 }, custom = { 0 };
    ADD(&names, "\1\0");
    bytes_u32(&names, 5000);
    REPEAT(&names, 5000, "\x1b");
    ADD(&custom, "\4name\1");
    bytes_u32(&custom, (uint32_t)names.len);
    bytes_add(&custom, names.at, names.len);
    ADD(&b, HEADER "\1\4\1\x60\0\0" "\3\2\1\0" "\x0a\5\1" "\3\0\x6a\x0b");
    bytes_section(&b, 0, custom.at, custom.len);
    struct module *m = parse(t, b.at, b.len);
    if (!m)
        fail_msg("%s", t->engine.error.text);
    assert_false(body_validate(&t->engine, m, 0));
    assert_error(t, ERROR_INVALID, "(code section, function \"\\x1b\\x1b");
    assert_error(t, ERROR_INVALID, "\\x1b\", i32.add at offset 0x17)");
    bytes_free(&b), bytes_free(&names), bytes_free(&custom);
}

static void test_data_count_needed(void **state)
{
    struct test_engine *t = *state;
    struct module *m = module_of(t, 0, "\0\xfc\x09\0\x0b", 5, false);
    assert_false(body_validate(&t->engine, m, 1));
    assert_error(t, ERROR_MALFORMED,
                 "data count section required (code section, function 1, data.drop");
    assert_false(m->valid[0]);
    assert_true(body_validate(&t->engine, m, 2));
    assert_true(m->valid[1]);
    assert_false(module_validate(&t->engine, m));
}

static void test_two_memories(void **state)
{
    struct test_engine *t = *state;
    struct bytes b = { 0 };
    ADD(&b, HEADER "\1\4\1\x60\0\0\3\2\1\0\5\5\2\0\1\0\1" "\x0a\x18\1\x16\0"
        "\x3f\1\x1a" "\x41\0\x41\0\x41\0\xfc\x0a\1\0" "\x41\0\x28\x42\1\0\x1a" "\x0b");
    struct module *m = parse(t, b.at, b.len);
    if (!m || !module_validate(&t->engine, m))
        fail_msg("%s", t->engine.error.text);
    bytes_free(&b);
}

/* ---- size ---- */

static void deep(struct test_engine *t, struct bytes *b)
{
    if (!validates(t, 0, b->at, b->len))
        fail_msg("%s", t->engine.error.text);
    bytes_free(b);
}

static void test_deep(void **state)
{
    struct test_engine *t = *state;
    const uint32_t n = 100000;
    struct bytes b = { 0 };
    ADD(&b, "\0");
    REPEAT(&b, n, "\2\x40\3\x40\x41\0\4\x40");
    ADD(&b, "\x0c");
    bytes_u32(&b, 3 * n);
    REPEAT(&b, 3 * n + 1, "\x0b");
    deep(t, &b);

    ADD(&b, "\0");
    REPEAT(&b, n, "\2\x40");
    ADD(&b, "\x41\0\x0e");
    bytes_u32(&b, n);
    for (uint32_t i = 0; i <= n; i++)
        bytes_u32(&b, i);
    REPEAT(&b, n + 1, "\x0b");
    deep(t, &b);

    ADD(&b, "\0"); /* a tall operand stack */
    REPEAT(&b, n, "\x41\0");
    REPEAT(&b, n, "\x1a");
    ADD(&b, "\x0b");
    deep(t, &b);
}

static void test_no_memory(void **state)
{
    struct test_engine *t = *state;
    struct bytes b = { 0 };
    ADD(&b, "\0");
    REPEAT(&b, 200000, "\x41\0");
    REPEAT(&b, 200000, "\x1a");
    ADD(&b, "\x0b");
    struct module *m = module_of(t, 0, b.at, b.len, true);
    t->heap_limit = t->engine.env.heap_usable;
    t->engine.env.heap_cap = t->engine.heap_used + 100000;
    assert_false(body_validate(&t->engine, m, 1));
    assert_int_equal(t->engine.error.kind, ERROR_NOMEM);
    assert_false(m->valid[0]);
    bytes_free(&b);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_plain_instructions),
        TEST(test_immediates),
        TEST(test_limits),
        TEST(test_long_numbers),
        TEST(test_blocks),
        TEST(test_branches),
        TEST(test_unreachable_code),
        TEST(test_calls),
        TEST(test_values),
        TEST(test_unknown_opcodes),
        TEST(test_functions_by_name),
        TEST(test_long_names_leave_room),
        TEST(test_data_count_needed),
        TEST(test_two_memories),
        TEST(test_deep),
        TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
