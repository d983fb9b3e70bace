/* The engine's surroundings inside the guest: the ranges of the memory map, grown by hypercalls.
 *
 * The first memory lies at address 0; each further one has a slot of its own (MAP_MORE). */
#include "guest/guest.h"
#include "wasi-shim/hypercall.h"

_Static_assert((int)ENGINE_SSE41 == (int)CPU_SSE41 && (int)ENGINE_SSE42 == (int)CPU_SSE42 &&
               (int)ENGINE_SSSE3 == (int)CPU_SSSE3 &&
               (int)ENGINE_AES == (int)CPU_AES && (int)ENGINE_PCLMUL == (int)CPU_PCLMUL &&
               (int)ENGINE_SHA == (int)CPU_SHA && (int)ENGINE_POPCNT == (int)CPU_POPCNT &&
               (int)ENGINE_LZCNT == (int)CPU_LZCNT && (int)ENGINE_BMI1 == (int)CPU_BMI1 &&
               (int)ENGINE_BMI2 == (int)CPU_BMI2 && (int)ENGINE_AVX == (int)CPU_AVX,
               "CPU bits are handed on as they are");

static uint32_t memories; /* opened */

static bool heap_grow(void *self, uint64_t bytes)
{
    struct control *control = self;
    return bytes <= MAP_HEAP_MAX && HYPERCALL(&control->slot, heap_grow, .to = bytes) == 0;
}

static bool code_grow(void *self, uint64_t bytes)
{
    struct control *control = self;
    return bytes <= MAP_CODE_MAX && HYPERCALL(&control->slot, code_grow, .to = bytes) == 0;
}

static bool memory_open(void *self, uint64_t max_bytes, uint8_t **base)
{
    (void)self;
    if (memories > MAP_MORE_SLOTS || max_bytes > MAP_LINEAR_MAX)
        return false;
    *base = (uint8_t *)(memories ? MAP_MORE + (memories - 1) * MAP_MORE_SLOT : MAP_LINEAR);
    memories++;
    return true;
}

static bool memory_grow(void *self, uint8_t *base, uint64_t old_bytes, uint64_t new_bytes)
{
    struct control *control = self;
    if (base == (uint8_t *)MAP_LINEAR)
        return HYPERCALL(&control->slot, memory_grow, .from = old_bytes, .to = new_bytes) == 0;
    return HYPERCALL(&control->slot, memory_more,
                     .memory = ((uint64_t)base - MAP_MORE) / MAP_MORE_SLOT, .from = old_bytes,
                     .to = new_bytes) == 0;
}

static uint64_t clock_ns(void *self)
{
    return shim_clock_ns(self);
}

/* ---- the module's bytes, where they come late ---- */

static uint64_t pieces[MAP_MODULE_MAX / MODULE_PIECE / 64]; /* those that are there */

static bool piece_there(uint64_t piece)
{
    return pieces[piece / 64] >> piece % 64 & 1;
}

static void module_want(void *self, uint64_t offset, uint64_t bytes)
{
    struct control *control = self;
    uint64_t from = offset / MODULE_PIECE, to = (offset + bytes - 1) / MODULE_PIECE + 1;
    while (from < to && piece_there(from))
        from++;
    while (from < to && piece_there(to - 1))
        to--;
    if (from == to)
        return;
    HYPERCALL(&control->slot, module_bytes, .from = from, .to = to);
    for (; from < to; from++)
        pieces[from / 64] |= 1ull << from % 64;
}

void memory_module_forget(void)
{
    __builtin_memset(pieces, 0, sizeof pieces);
}

void memory_env(struct control *control, struct engine_env *out)
{
    const struct boot_record *boot = &control->boot;
    uint8_t *stack_top = (uint8_t *)(MAP_STACK + MAP_STACK_MAX);
    *out = (struct engine_env){
        .self = control,
        .heap = (uint8_t *)MAP_HEAP,
        .heap_cap = MAP_HEAP_MAX,
        .heap_usable = boot->heap_bytes,
        .heap_grow = heap_grow,
        .code_w = (uint8_t *)MAP_CODE_W,
        .code_x = (uint8_t *)MAP_CODE_X,
        .code_cap = MAP_CODE_MAX,
        .code_usable = boot->code_bytes,
        .code_grow = code_grow,
        .memory_open = memory_open,
        .memory_grow = memory_grow,
        .memory_limit = boot->memory_limit,
        .stack_lo = stack_top - boot->stack_bytes,
        .stack_hi = stack_top,
        .module_want = (boot->flags & (BOOT_RESUME | BOOT_WHOLE)) == BOOT_RESUME ? module_want
                                                                                 : NULL,
        .compiled = control->compiled,
        .compiled_cap = FUNC_BITS,
        .clock_ns = clock_ns,
        .cpu = boot->cpu_features,
    };
}
