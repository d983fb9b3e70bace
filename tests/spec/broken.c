/* An engine whose code is broken: in place of a script, "fault" and a byte.  Wasm calls a host function, which fills all
 * code with that byte and returns into it.  What the CPU makes of it is no trap of the module's, though it happens at an
 * address of the engine's: the run ends as a crash of the guest. */
#include "guest/guest.h"
#include "tests/spec/broken.h"

#define CODE_BYTES 0x10000

/* (import "t" "b" (func)) (func (export "f") (call 0)) */
static const uint8_t module_bytes[] = {
    0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2, 7, 1, 1, 't', 1, 'b', 0, 0, 3, 2, 1, 0,
    7, 5, 1, 1, 'f', 0, 1, 10, 6, 1, 4, 0, 0x10, 0, 0x0b,
};

static enum trap code_break(void *data, struct instance *caller, struct cell *cells)
{
    (void)caller, (void)cells;
    __builtin_memset((uint8_t *)MAP_CODE_W, *(const uint8_t *)data, CODE_BYTES);
    return TRAP_NONE;
}

static bool resolve(void *self, struct name module, struct name field, enum extern_kind kind,
                    const struct functype *type, struct extern_ref *out)
{
    (void)module, (void)field;
    *out = (struct extern_ref){.kind = kind, .host = {code_break, self}, .host_type = *type};
    return true;
}

void broken_run(uint8_t byte)
{
    enum trap trap = TRAP_NONE;
    struct cell none = {0};
    struct module *module = module_parse(guest.engine, module_bytes, sizeof module_bytes);
    struct instance *instance = module ? instance_new(guest.engine, module, resolve, &byte, &trap) : NULL;
    if (instance)
        trap = func_call(instance, 1, &none);
    if (trap != TRAP_NONE)
        end_trap(trap, " in broken code");
}
