/* For tests of the compiler's passes: a body as bytes, and what it has become as text. */
#ifndef TESTS_UNIT_ENGINE_IR_BODY_H
#define TESTS_UNIT_ENGINE_IR_BODY_H

#include "engine/load/opcodes.h"
#include "tests/dump/dump.h"
#include "tests/unit/engine/wasm.h"

/* Function 0 of a module with a memory: of the type, with the body (locals first, `end` last; below
 * 100 bytes). */
static inline struct instance *body_make(struct world *world, const char *type, size_t type_len,
                                         const char *body, size_t len)
{
    struct wasm wasm;
    char code[128] = { 1, (char)len }, types[32] = { 1 };
    assert_true(len < 100 && type_len < 30);
    memcpy(types + 1, type, type_len);
    memcpy(code + 2, body, len);
    wasm_begin(&wasm);
    wasm_section(&wasm, TYPES, types, type_len + 1);
    SECTION(&wasm, FUNCTIONS, "\1\0");
    SECTION(&wasm, MEMORIES, "\1\0\1");
    wasm_section(&wasm, CODE, code, len + 2);
    struct instance *i = wasm_make(world, &wasm);
    i->zero_base = true; /* nothing is run */
    return i;
}
#define BODY(state, type, body) body_make(*(state), type, sizeof type - 1, body, sizeof body - 1)

/* Of the text, the lines behind the first one. */
static inline void body_is(struct instance *i, enum dump_pass pass, const char *wanted)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    bool done = dump_function(out, i, 0, 1u << pass);
    fclose(out);
    assert_true(done);
    const char *behind = strchr(text, '\n');
    assert_non_null(behind);
    assert_string_equal(behind + 1, wanted);
    free(text);
}

/* Types, and instructions as strings that stand beside each other. */
#define I32_TO_I32     "\x60\1\x7f\1\x7f"
#define TWO_I32_TO_I32 "\x60\2\x7f\x7f\1\x7f"
#define I64_TO_I32     "\x60\1\x7e\1\x7f"
#define NO_LOCALS      "\0"
#define LOCAL_I32      "\1\1\x7f"
#define GET(n)         "\x20" n
#define SET(n)         "\x21" n
#define TEE(n)         "\x22" n
#define CONST(n)       "\x41" n
#define END            "\x0b"

#endif
