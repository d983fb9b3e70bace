/* What all passes share: the table of operations, arrays that grow. */
#include "engine/ir/ir.h"
#include "engine/lib.h"

const uint8_t ir_flags[IR_COUNT] = {
#define IR(name, flags) [IR_##name] = (flags),
#include "engine/ir/ir.def"
#undef IR
};

const uint8_t memop_bytes[M_128 + 1] = {[M_8U] = 1,  [M_8S] = 1,  [M_16U] = 2, [M_16S] = 2,
                                        [M_32U] = 4, [M_32S] = 4, [M_64] = 8,  [M_F32] = 4,
                                        [M_F64] = 8, [M_128] = 16};

bool compile_grow(struct compile *c, void **array, uint32_t *cap, uint32_t need,
                  uint32_t elem_bytes)
{
    if (need <= *cap)
        return true;
    ENGINE_ASSERT(elem_bytes > 0 && (*array || *cap == 0));
    uint64_t n = *cap ? *cap : need > 64 ? need : 64;
    while (n < need)
        n *= 2;
    uint8_t *p = c->failed ? NULL : scratch_alloc(c->engine, n * elem_bytes);
    if (!p) {
        c->failed = true;
        return false;
    }
    if (*array)
        mem_move(p, *array, (uint64_t)*cap * elem_bytes);
    *array = p;
    *cap = (uint32_t)n;
    return true;
}
