/* Randomness, handed out once, byte for byte, and wiped.
 *
 * First the boot record's entropy, which covers what a language runtime asks for at its start;
 * then, for small pieces, a pool that the monitor refills from the host's kernel, one hypercall for
 * many pieces.  Large pieces are hypercalls of their own, straight into memory. */
#include "wasi-shim/hypercall.h"
#include "wasi-shim/shim.h"

#define SMALL 256

/* The call's bytes, from `bytes`, which then hold none of it any more; false: the module's address
 * is bad. */
static bool hand_out(struct shim_call *call, uint32_t at, uint8_t *bytes, uint32_t len)
{
    bool put = linear_put(&call->memory, at, bytes, len);
    for (uint32_t i = 0; put && i < len; i++)
        ((volatile uint8_t *)bytes)[i] = 0;
    call->error = put ? WASI_SUCCESS : WASI_FAULT;
    return put;
}

static bool refill(struct shim *shim)
{
    if (HYPERCALL(&shim->control->slot, random_refill) != 0)
        return false;
    shim->random_left = RANDOM_POOL;
    return true;
}

bool answer_random_get(struct shim_call *call)
{
    struct shim *shim = call->shim;
    struct control *control = shim->control;
    uint32_t at = random_get_decode(call->args)->buffer,
             len = random_get_decode(call->args)->buffer_len;
    if (len <= sizeof control->boot.entropy - shim->entropy_used) {
        if (hand_out(call, at, control->boot.entropy + shim->entropy_used, len))
            shim->entropy_used += len;
        return true;
    }
    if (len > SMALL || (len > shim->random_left && !refill(shim)))
        return false;
    if (hand_out(call, at, control->random + RANDOM_POOL - shim->random_left, len))
        shim->random_left -= len;
    return true;
}
