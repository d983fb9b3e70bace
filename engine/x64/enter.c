/* Calls into wasm and their frames: arguments to where the callee looks for them, results back; how
 * a walk goes up. */
#include "engine/assert.h"
#include "engine/x64/regs.h"
#include "engine/x64/target.h"

static uint64_t word(uint64_t at)
{
    return *(const uint64_t *)(uintptr_t)at;
}

struct outer frame_outer(uint64_t c_sp)
{
    ENGINE_ASSERT(c_sp);
    return (struct outer){word(c_sp), word(c_sp + 8)};
}

uint64_t frame_return(uint64_t *sp)
{
    uint64_t call = word(*sp) - 1;
    *sp += FRAME_RETURN_BYTES;
    return call;
}

bool frame_is_outermost(uint64_t call, uint64_t stub_return)
{
    return call == stub_return - 1;
}

void activation_fill(struct activation *a, const struct functype *t, const struct cell *arguments,
                     struct cell *stack)
{
    uint32_t ints = 0, floats = 0;
    for (uint32_t p = 0; p < t->nparams; p++) {
        enum irtype type = ir_type_of(t->params[p]);
        uint64_t lo = type == T_I32 || type == T_F32 ? (uint32_t)arguments[p].lo : arguments[p].lo;
        if (type_is_int(type) && ints < REG_PARAM_INTS)
            a->gpr[ints++] = lo;
        else if (!type_is_int(type) && floats < REG_PARAM_FLOATS)
            a->xmm[floats++] = (struct cell){lo, arguments[p].hi};
        else
            stack[a->nstack++] = (struct cell){lo, arguments[p].hi};
    }
    a->stack = stack;
}

static struct cell cell_of(uint8_t valtype, uint64_t gpr, struct cell xmm)
{
    enum irtype t = ir_type_of(valtype);
    struct cell c = type_is_int(t) ? (struct cell){gpr, 0} : xmm;
    if (t == T_I32 || t == T_F32)
        c.lo = (uint32_t)c.lo;
    if (t != T_V128)
        c.hi = 0;
    return c;
}

void activation_results(const struct activation *a, const struct functype *t,
                        const struct reach *reach, struct cell *results)
{
    if (t->nresults)
        results[0] = cell_of(t->results[0], a->rax, a->xmm0);
    for (uint32_t k = 1; k < t->nresults; k++)
        results[k] = cell_of(t->results[k], reach->results[k].lo, reach->results[k]);
}
