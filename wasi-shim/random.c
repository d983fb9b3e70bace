/* Randomness: the boot record's entropy is handed out once, byte for byte, and wiped; it covers what a language runtime
 * asks for at its start.  All else is the host kernel's, by hypercall. */
#include "wasi-shim/shim.h"

bool serve_random_get(struct served *call)
{
    struct shim *shim = call->shim;
    uint8_t *entropy = shim->control->boot.entropy;
    uint32_t at = call->args[0], len = call->args[1];
    if (len > sizeof shim->control->boot.entropy - shim->entropy_used)
        return false;
    if (!linear_put(&call->memory, at, entropy + shim->entropy_used, len)) {
        call->error = WASI_FAULT;
        return true;
    }
    for (uint32_t i = 0; i < len; i++)
        ((volatile uint8_t *)entropy)[shim->entropy_used + i] = 0;
    shim->entropy_used += len;
    call->error = WASI_SUCCESS;
    return true;
}
