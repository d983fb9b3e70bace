/* The shim's batch.c around a batch of the test's: a control area whose batch lies elsewhere would
 * be needed, so the shim gets an address from which the batch is at the right distance. */
#include "tests/host/batch_guest.h"

#include "wasi-shim/shim.h"

typedef bool batch_call(struct shim_call *);

static uint32_t call(struct batch *b, uint32_t fd, void *piece, uint32_t *n, batch_call *answer)
{
    static _Thread_local struct { uint32_t buf, len, done; uint8_t bytes[0x10000]; } linear;
    struct shim shim = { .control = (struct control *)((uint8_t *)b -
                                                       offsetof(struct control, batch)),
                         .answers = true };
    const uint64_t args[] = {fd, 0, 1, offsetof(__typeof__(linear), done)};
    struct shim_call made = { .shim = &shim,
                              .memory = { (uint8_t *)&linear, sizeof linear },
                              .args = args };
    linear.buf = offsetof(__typeof__(linear), bytes);
    linear.len = *n;
    __builtin_memcpy(linear.bytes, piece, *n);
    if (!answer(&made))
        return FORWARDED;
    *n = linear.done;
    __builtin_memcpy(piece, linear.bytes, answer == batch_read && made.error == 0 ? *n : 0);
    return made.error;
}

uint32_t guest_reads(struct batch *b, uint32_t fd, void *to, uint32_t *n)
{
    return call(b, fd, to, n, batch_read);
}

uint32_t guest_writes(struct batch *b, uint32_t fd, const void *from, uint32_t *n)
{
    return call(b, fd, (void *)from, n, batch_write);
}

void guest_called(struct batch *b)
{
    b->waiting = 0;
}
