/* Linear memory as the shim sees it: every access by a module's pointer goes through these checks.
 */
#include "wasi-shim/shim.h"

bool linear_holds(const struct linear *memory, uint64_t at, uint64_t bytes)
{
    return at <= memory->bytes && bytes <= memory->bytes - at;
}

bool linear_put(const struct linear *memory, uint64_t at, const void *src, uint64_t bytes)
{
    if (!linear_holds(memory, at, bytes))
        return false;
    if (bytes)
        __builtin_memcpy(memory->base + at, src, bytes);
    return true;
}

bool linear_put_u32(const struct linear *memory, uint64_t at, uint32_t value)
{
    return linear_put(memory, at, &value, sizeof value);
}

bool linear_put_u64(const struct linear *memory, uint64_t at, uint64_t value)
{
    return linear_put(memory, at, &value, sizeof value);
}

bool linear_get(const struct linear *memory, uint64_t at, void *dst, uint64_t bytes)
{
    if (!linear_holds(memory, at, bytes))
        return false;
    if (bytes)
        __builtin_memcpy(dst, memory->base + at, bytes);
    return true;
}
