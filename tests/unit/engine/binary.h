/* For tests of the engine's front: modules written byte by byte, and an engine that is nothing but
 * a heap.
 *
 * parse() gives module_parse a copy that ends with its allocation, so that the sanitizers see any
 * read behind it. */
#ifndef TESTS_UNIT_ENGINE_BINARY_H
#define TESTS_UNIT_ENGINE_BINARY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "engine/inside.h"

/* ---- bytes ---- */

struct bytes { uint8_t *at; size_t len, cap; };

#define HEADER "\0asm\1\0\0\0"
#define ADD(b, literal) bytes_add(b, literal, sizeof(literal) - 1)
#define SECTION(b, id, literal) bytes_section(b, id, literal, sizeof(literal) - 1)

static inline void bytes_room(struct bytes *b, size_t n)
{
    if (b->cap - b->len >= n)
        return;
    b->cap = 2 * b->cap + n;
    b->at = realloc(b->at, b->cap);
    assert_non_null(b->at);
}

static inline void bytes_add(struct bytes *b, const void *from, size_t n)
{
    bytes_room(b, n);
    memcpy(b->at + b->len, from, n);
    b->len += n;
}

static inline void bytes_u32(struct bytes *b, uint32_t n)
{
    uint8_t byte;
    do {
        byte = (n & 0x7f) | (n > 0x7f ? 0x80 : 0);
        bytes_add(b, &byte, 1);
    } while (n >>= 7);
}

/* `n` times the same bytes. */
static inline void bytes_repeat(struct bytes *b, uint32_t n, const void *from, size_t len)
{
    bytes_room(b, n * len);
    for (; n; n--, b->len += len)
        memcpy(b->at + b->len, from, len);
}
#define REPEAT(b, n, literal) bytes_repeat(b, n, literal, sizeof(literal) - 1)

static inline void bytes_section(struct bytes *b, uint8_t id, const void *content, size_t len)
{
    bytes_add(b, &id, 1);
    bytes_u32(b, (uint32_t)len);
    bytes_add(b, content, len);
}

static inline void bytes_free(struct bytes *b)
{
    free(b->at);
    *b = (struct bytes){ 0 };
}

/* ---- engine ---- */

#define TEST_HEAP_BYTES (256ull << 20)

/* A module's bytes, which must outlive the engine. */
struct copy { struct copy *next; uint8_t bytes[]; };
struct test_engine { struct engine engine; uint64_t heap_limit; struct copy *copies; };

static inline bool test_heap_grow(void *self, uint64_t bytes)
{
    return bytes <= ((struct test_engine *)self)->heap_limit;
}

static inline void test_engine_open(struct test_engine *t)
{
    *t = (struct test_engine){ .heap_limit = TEST_HEAP_BYTES };
    void *heap = mmap(NULL, TEST_HEAP_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(heap != MAP_FAILED);
    t->engine.env = (struct engine_env){
        .self = t, .heap = heap, .heap_cap = TEST_HEAP_BYTES, .heap_grow = test_heap_grow,
    };
}

static inline void test_engine_close(struct test_engine *t)
{
    munmap(t->engine.env.heap, TEST_HEAP_BYTES);
    for (struct copy *c = t->copies, *next; c; c = next) {
        next = c->next;
        free(c);
    }
}

static inline int setup(void **state)
{
    static struct test_engine t;
    test_engine_open(&t);
    *state = &t;
    return 0;
}

static inline int teardown(void **state)
{
    test_engine_close(*state);
    return 0;
}

static inline struct module *parse(struct test_engine *t, const void *bytes, size_t len)
{
    struct copy *copy = malloc(sizeof *copy + len);
    assert_non_null(copy);
    memcpy(copy->bytes, bytes, len);
    copy->next = t->copies;
    t->copies = copy;
    return module_parse(&t->engine, copy->bytes, len);
}

static inline void assert_error(const struct test_engine *t, enum error_kind kind,
                                const char *words)
{
    const struct error *e = &t->engine.error;
    if (e->kind != kind || !strstr(e->text, words))
        fail_msg("error %d \"%s\", wanted %d \"%s\"", e->kind, e->text, kind, words);
}

#endif
