/* An engine whose code is broken: in place of a script, "fault" and a byte.  Wasm calls a host
 * function, which puts that byte over the instruction behind the call.  What the CPU makes of it is
 * no trap of the module's, though it happens at an address of the module's code: the run ends as a
 * crash of the guest. */
#include "guest/guest.h"
#include "tests/spec/broken.h"

#define CODE_BYTES 0x10000

#define MARK 0x07654321u

/* (import "t" "b" (func)) (func (result i32) (call 0) (i32.const MARK)) */
static const uint8_t module_bytes[] = {
    0, 'a', 's',  'm', 1, 0, 0,    0,   1,    8,    2,    0x60, 0,    0,    0x60,
    0, 1,   0x7f, 2,   7, 1, 1,    't', 1,    'b',  0,    0,    3,    2,    1,
    1, 10,  11,   1,   9, 0, 0x10, 0,   0x41, 0xa1, 0x86, 0x95, 0x3b, 0x0b,
};

static enum trap code_break(void *data, struct instance *caller, struct cell *cells)
{
    (void)caller, (void)cells;
    const uint32_t mark = MARK;
    for (uint8_t *at = (uint8_t *)MAP_CODE_W + 1; at < (uint8_t *)MAP_CODE_W + CODE_BYTES; at++)
        if (__builtin_memcmp(at, &mark, sizeof mark) == 0)
            __builtin_memset(at - 1, *(const uint8_t *)data, 1 + sizeof mark);
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
    struct instance *instance = module ? instance_new(guest.engine, module, resolve, &byte, &trap)
                                       : NULL;
    if (instance)
        trap = func_call(instance, 1, &none);
    if (trap != TRAP_NONE)
        end_trap(trap, " in broken code");
}
