/* What the passes before the emitter ask of the CPU: registers, the parameter rule, features. */
#include "engine/assert.h"
#include "engine/x64/regs.h"

#define FLOATS 0x3fff0000u /* xmm0 to xmm13 */

uint32_t target_webs(const struct instance *i, bool is_int)
{
    if (!is_int)
        return FLOATS;
    uint32_t mask = 1u << RBX | 1u << RBP | 1u << RSI | 1u << RDI | 0x1f00u; /* r8 to r12 */
    if (i->zero_base)
        mask |= 1u << REG_BASE;
    if (i->pinned[0] < 0)
        mask |= 1u << REG_PIN0;
    if (i->pinned[1] < 0)
        mask |= 1u << REG_PIN1;
    return mask;
}

uint32_t target_temporaries(const struct instance *i, bool is_int)
{
    return is_int ? target_webs(i, true) | 1u << RDX : FLOATS;
}

/* The lowest. */
uint8_t target_pick_web(uint32_t mask)
{
    ENGINE_ASSERT(mask);
    return (uint8_t)__builtin_ctz(mask);
}

/* rdx, which no web has, else the highest. */
uint8_t target_pick_temporary(uint32_t mask)
{
    ENGINE_ASSERT(mask);
    return mask & 1u << RDX ? RDX : (uint8_t)(31 - __builtin_clz(mask));
}

uint8_t target_result(void)
{
    return RAX;
}

#define BULK_CLOBBERS (1u << RDI | 1u << RSI | 1u << RDX | 0x3f00u << XMM0) /* xmm8 to xmm13 */

const uint32_t target_op_clobbers[IR_COUNT] = {
    [IR_MEMCOPY] = BULK_CLOBBERS,
    [IR_MEMFILL] = BULK_CLOBBERS,
    [IR_DIVS] = 1u << RDX,
    [IR_DIVU] = 1u << RDX,
    [IR_REMS] = 1u << RDX,
    [IR_REMU] = 1u << RDX,
    [IR_MULHI] = 1u << RDX,
};

uint8_t target_param(struct param_rule *rule, unsigned irtype)
{
    if (type_is_int(irtype))
        return rule->ints < REG_PARAM_INTS ? reg_param_int(rule->ints++) : REG_NONE;
    return rule->floats < REG_PARAM_FLOATS ? (uint8_t)(XMM0 + rule->floats++) : REG_NONE;
}

/* Go's functions: from PC_B, which is 0 in every call but those that resume, to whether the caller
 * must unwind.  Who has pinned Go's g is a module of Go's. */
bool target_zero_call(const struct instance *i, const struct functype *t)
{
    return i->pinned[1] >= 0 && t->nparams == 1 && t->params[0] == VT_I32 && t->nresults == 1 &&
           t->results[0] == VT_I32;
}

bool target_result_tested(const struct instance *i, const struct functype *t)
{
    return i->pinned[1] >= 0 && t->nresults == 1 && t->results[0] == VT_I32;
}

uint32_t target_stack_params(const struct functype *t)
{
    struct param_rule rule = {0};
    uint32_t count = 0;
    for (uint32_t p = 0; p < t->nparams; p++)
        count += target_param(&rule, ir_type_of(t->params[p])) == REG_NONE;
    return count;
}

const char *target_lacks(const struct engine *e)
{
    const uint32_t needed = ENGINE_SSE41 | ENGINE_SSSE3;
    return (e->env.cpu & needed) == needed ? NULL : "SSE4.1";
}
