/* Files, devices that are plain memory, and what is no directory on a standard stream: the kernel
 * answers at once. */
#include "vmm/wasi/inside.h"

#include <sys/uio.h>
#include <unistd.h>

/* One piece by read and write: cheaper for the kernel.  Several are read by one call, which takes
 * AT_POSITION as its word for the position. */
ssize_t file_read(const struct desc *d, const struct iovec *v, int n, int64_t offset)
{
    _Static_assert(AT_POSITION == -1, "of preadv2");
    if (n == 1 && offset == AT_POSITION)
        return read(d->io, v->iov_base, v->iov_len);
    return preadv2(d->io, v, n, offset, 0);
}

ssize_t file_write(const struct desc *d, const struct iovec *v, int n, int64_t offset)
{
    if (offset != AT_POSITION)
        return pwritev(d->io, v, n, offset);
    return n == 1 ? write(d->io, v->iov_base, v->iov_len) : writev(d->io, v, n);
}

bool desc_may(const struct desc *d, bool write)
{
    return d->rights & (write ? RIGHT_FD_WRITE : RIGHT_FD_READ);
}

static int file_poll(const struct desc *d, bool write)
{
    return desc_may(d, write) ? POLL_READY : POLL_REFUSED;
}

/* A standard stream that was opened for appending: what others wrote there is not read or passed
 * over. */
const struct desc_ops append_ops = {
    .name = "append", .read = file_read, .write = file_write, .poll = file_poll,
};

const struct desc_ops file_ops = {
    .name = "file", .read = file_read, .write = file_write, .positions = true, .poll = file_poll,
};
