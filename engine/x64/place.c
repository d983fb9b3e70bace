/* A piece of code at its place in the code region. */
#include "engine/x64/meant.h"
#include "engine/x64/target.h"
#include "engine/lib.h"

void piece_copy(const struct piece *p, uint8_t *out)
{
    mem_move(out, p->code, p->bytes);
}

void call_patch(uint8_t *site, uint64_t runs_at, uint64_t target)
{
    int64_t distance = (int64_t)(target - (runs_at + 4));
    ENGINE_ASSERT(distance == (int32_t)distance);
    for (unsigned k = 0; k < 4; k++)
        site[k] = (uint8_t)((uint64_t)distance >> (8 * k));
}

void piece_link(const struct piece *p, const struct reloc *r, uint8_t *out, uint64_t runs_at,
                uint64_t target)
{
    ENGINE_ASSERT(r->site + 4 + r->behind <= p->bytes);
    call_patch(out + r->site, runs_at + r->site + r->behind, target);
    if (r->kind != RELOC_ADDRESS)
        meant_place(NULL, r->site, target);
}

void piece_placed(const struct piece *p, const uint8_t *out, uint64_t runs_at)
{
    ENGINE_ASSERT(p->bytes > 0 && p->bytes <= p->room);
    struct assembler a = {.start = p->code, .at = p->code + p->bytes, .address = runs_at};
    meant_check(&a, out);
}
