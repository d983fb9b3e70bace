/* preview1's four socket calls, on descriptors that are sockets.  Their descriptions may be shared, so each transfer asks
 * not to block and waiting is done in kick_ppoll. */
#include "vmm/wasi.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RI_PEEK = 1, RI_WAITALL = 2, RO_TRUNCATED = 1 };
enum { SD_RD = 1, SD_WR = 2 };

static struct desc *socket_get(struct wasi *w, uint64_t fd, uint32_t *err)
{
    struct desc *d = desc_get(w, fd);
    bool is_socket = d && (d->filetype == FILETYPE_STREAM || d->filetype == FILETYPE_DGRAM);
    *err = !d ? WASI_BADF : is_socket ? WASI_SUCCESS : WASI_NOTSOCK;
    return d;
}

/* After EAGAIN: AGAIN for a non-blocking descriptor, else waits; SUCCESS = try again. */
static uint32_t socket_wait(const struct desc *d, short events)
{
    return d->fdflags & FDFLAG_NONBLOCK ? WASI_AGAIN : wait_host(d->host, events);
}

uint32_t serve_sock_accept(struct wasi *w, const uint64_t *arg)
{
    uint32_t err;
    struct desc *listener = socket_get(w, arg[0], &err);
    if (err)
        return err;
    if (arg[1] & ~(uint64_t)FDFLAG_NONBLOCK)
        return WASI_INVAL;
    if (!out_ok(w, arg[2], 4))
        return WASI_FAULT;
    int host;
    for (;;) {
        /* The listener may be shared and blocking: accept only what poll has seen. */
        bool ready = host_ready(listener->host, POLLIN);
        host = ready ? accept4(listener->host, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;
        if (host >= 0)
            break;
        if (ready && errno != EAGAIN)
            return wasi_errno(errno);
        err = socket_wait(listener, POLLIN);
        if (err)
            return err;
    }
    struct desc d = { .host = host, .io = host, .fdflags = (uint16_t)arg[1] };
    struct stat st = { .st_mode = S_IFSOCK };
    desc_describe(&d, &st, O_RDWR);
    uint32_t fd;
    err = desc_place(w, &d, &fd);
    return err ? err : out_put(w, arg[2], &fd, 4);
}

uint32_t serve_sock_recv(struct wasi *w, const uint64_t *arg)
{
    uint32_t err;
    struct desc *d = socket_get(w, arg[0], &err);
    if (err)
        return err;
    if (arg[3] & ~(uint64_t)(RI_PEEK | RI_WAITALL))
        return WASI_NOTSUP;
    if (!out_ok(w, arg[4], 4) || !out_ok(w, arg[5], 2))
        return WASI_FAULT;
    err = iovs_read(w, arg[1], arg[2], true);
    if (err)
        return err;
    struct msghdr m = { .msg_iov = w->iovs.v, .msg_iovlen = w->iovs.n };
    int flags = MSG_DONTWAIT | (arg[3] & RI_PEEK ? MSG_PEEK : 0) | (arg[3] & RI_WAITALL ? MSG_WAITALL : 0);
    ssize_t n;
    while ((n = recvmsg(d->host, &m, flags)) < 0) {
        err = errno == EAGAIN ? socket_wait(d, POLLIN) : wasi_errno(errno);
        if (err)
            return err;
    }
    uint32_t count = (uint32_t)n;
    uint16_t out_flags = m.msg_flags & MSG_TRUNC ? RO_TRUNCATED : 0;
    out_put(w, arg[4], &count, 4);
    return out_put(w, arg[5], &out_flags, 2);
}

uint32_t serve_sock_send(struct wasi *w, const uint64_t *arg)
{
    uint32_t err;
    struct desc *d = socket_get(w, arg[0], &err);
    if (err)
        return err;
    if (arg[3] != 0)
        return WASI_NOTSUP;
    if (!out_ok(w, arg[4], 4))
        return WASI_FAULT;
    err = iovs_read(w, arg[1], arg[2], false);
    if (err)
        return err;
    struct msghdr m = { .msg_iov = w->iovs.v, .msg_iovlen = w->iovs.n };
    ssize_t n;
    while ((n = sendmsg(d->host, &m, MSG_DONTWAIT | MSG_NOSIGNAL)) < 0) {
        err = errno == EAGAIN ? socket_wait(d, POLLOUT) : wasi_errno(errno);
        if (err)
            return err;
    }
    uint32_t count = (uint32_t)n;
    return out_put(w, arg[4], &count, 4);
}

uint32_t serve_sock_shutdown(struct wasi *w, const uint64_t *arg)
{
    static const int how[] = { [SD_RD] = SHUT_RD, [SD_WR] = SHUT_WR, [SD_RD | SD_WR] = SHUT_RDWR };
    uint32_t err;
    struct desc *d = socket_get(w, arg[0], &err);
    if (err)
        return err;
    if (arg[1] == 0 || arg[1] >= sizeof how / sizeof *how)
        return WASI_INVAL;
    return shutdown(d->host, how[arg[1]]) < 0 ? wasi_errno(errno) : WASI_SUCCESS;
}
