/* Frames: bytes to numbers and strings, bounds checked; no descriptor is touched here.  What is
 * read may be any garbage. */
#include <string.h>

#include "vmm/base/frame.h"

uint32_t frame_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint64_t frame_u64(const uint8_t *at)
{
    return frame_u32(at) | (uint64_t)frame_u32(at + 4) << 32;
}

void frame_head(uint8_t out[FRAME_HEAD], uint32_t kind, uint32_t len)
{
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(len >> 8 * i);
        out[4 + i] = (uint8_t)(kind >> 8 * i);
    }
}

enum frame_state frame_next(const uint8_t *in, size_t have, struct frame *frame)
{
    if (have < FRAME_HEAD)
        return FRAME_PARTIAL;
    struct frame f = {.len = frame_u32(in), .kind = frame_u32(in + 4), .body = in + FRAME_HEAD};
    if (f.len > FRAME_MOST)
        return FRAME_TOO_LONG;
    if (have - FRAME_HEAD < f.len)
        return FRAME_PARTIAL;
    *frame = f;
    return FRAME_WHOLE;
}

const char *frame_string(const uint8_t **at, const uint8_t *end)
{
    const char *text = (const char *)*at;
    const uint8_t *nul = *at < end ? memchr(*at, 0, (size_t)(end - *at)) : NULL;
    if (!nul)
        return NULL;
    *at = nul + 1;
    return text;
}
