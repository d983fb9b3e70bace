/* Streams: pipes, terminals and other devices that may keep one waiting.  `io` is non-blocking, or
 * the descriptor is paced; waiting is done in kick_ppoll. */
#include "vmm/wasi/inside.h"

static uint32_t stream_wait(struct wasi *w, const struct desc *d, short events)
{
    return wait_host(w, d->host, events);
}

static int stream_poll(const struct desc *d, bool write)
{
    return desc_may(d, write) ? d->host : POLL_REFUSED;
}

const struct desc_ops stream_ops = {
    .name = "stream",
    .read = file_read,
    .write = file_write,
    .wait = stream_wait,
    .poll = stream_poll,
};
