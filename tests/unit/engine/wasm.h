/* For engine tests: modules put together section by section, and an engine on the host. */
#ifndef TESTS_UNIT_ENGINE_WASM_H
#define TESTS_UNIT_ENGINE_WASM_H

#include "engine/inside.h"
#include "tests/host/env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STACK_SMALL (256ull << 10)

/* ---- modules ---- */

enum {
    TYPES = 1,
    IMPORTS = 2,
    FUNCTIONS = 3,
    TABLES = 4,
    MEMORIES = 5,
    GLOBALS = 6,
    EXPORTS = 7,
    START = 8,
    ELEMENTS = 9,
    DATA_COUNT = 12,
    CODE = 10,
    DATA = 11
};

struct wasm { uint8_t bytes[8192]; uint32_t len; };

static inline void wasm_begin(struct wasm *wasm)
{
    memcpy(wasm->bytes, "\0asm\1\0\0\0", 8);
    wasm->len = 8;
}

static inline void wasm_section(struct wasm *wasm, uint8_t id, const char *payload, size_t len)
{
    assert_true(wasm->len + len + 3 <= sizeof wasm->bytes && len < 1 << 14);
    wasm->bytes[wasm->len++] = id;
    wasm->bytes[wasm->len++] = (uint8_t)(len | 0x80);
    wasm->bytes[wasm->len++] = (uint8_t)(len >> 7);
    memcpy(wasm->bytes + wasm->len, payload, len);
    wasm->len += (uint32_t)len;
}
/* A section from a string literal of its payload. */
#define SECTION(wasm, id, payload) wasm_section(wasm, id, payload, sizeof payload - 1)

/* ---- instances ---- */

struct world {
    struct host host;
    struct instance *exporter; /* what imports are resolved against, where not NULL */
    struct extern_ref given;   /* else this, where a host function is set */
    uint32_t nresolved;
};

static bool resolve(void *self, struct name module, struct name field, enum extern_kind kind,
                    const struct functype *type, struct extern_ref *out)
{
    struct world *world = self;
    (void)module;
    assert_true((kind == EXTERN_FUNC) == (type != NULL));
    world->nresolved++;
    if (world->exporter && instance_export(world->exporter, field, &out->kind, &out->index)) {
        out->from = world->exporter;
        return true;
    }
    *out = world->given;
    return world->given.host.fn != NULL;
}

static inline int world_open(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    *state = world;
    return host_open_engine(&world->host, STACK_SMALL, HOST_MEMORY_LIMIT) ? 0 : -1;
}

static inline int world_close(void **state)
{
    struct world *world = *state;
    host_close(&world->host);
    free(world);
    return 0;
}

/* An instance of the module, or NULL with the error or *trap.  The module's bytes live as long as
 * the engine. */
static inline struct instance *wasm_instance(struct world *world, const struct wasm *wasm,
                                             enum trap *trap)
{
    struct engine *engine = world->host.engine;
    uint8_t *bytes = heap_alloc(engine, wasm->len, 1);
    memcpy(bytes, wasm->bytes, wasm->len);
    struct module *module = module_parse(engine, bytes, wasm->len);
    if (!module || !module_validate(engine, module))
        fail_msg("the test's module is not valid: %s", engine->error.text);
    return instance_new(engine, module, resolve, world, trap);
}

/* The same for modules that must do. */
static inline struct instance *wasm_make(struct world *world, const struct wasm *wasm)
{
    enum trap trap;
    struct instance *instance = wasm_instance(world, wasm, &trap);
    if (!instance)
        fail_msg("no instance: %s; trap %d", world->host.engine->error.text, (int)trap);
    return instance;
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

#endif
