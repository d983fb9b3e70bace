/* preview1's own socket calls, on what is a socket.  Their descriptions may be shared, so each transfer asks
 * not to block and waiting is done in kick_ppoll. */
#include "vmm/net/inside.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RI_PEEK = 1, RI_WAITALL = 2, RO_TRUNCATED = 1 };
enum { SD_RD = 1, SD_WR = 2 };

static uint32_t accept_as(struct wasi *w, uint64_t from, uint64_t flags, uint64_t out)
{
    uint32_t err, fd;
    struct desc *listener = net_socket(w, from, &err);
    struct conn *conn = NULL;
    if (err)
        return err;
    if (flags & ~(uint64_t)FDFLAG_NONBLOCK)
        return WASI_INVAL;
    if (listener->conn && !listener->conn->listening) /* poll would wait for its data */
        return WASI_INVAL;
    if (!out_ok(w, out, 4))
        return WASI_FAULT;
    err = desc_room(w); /* what cannot be had stays in the listener's queue */
    if (err)
        return err;
    int host;
    for (;;) {
        /* The listener may be shared and blocking: accept only what poll has seen. */
        bool ready = host_ready(listener->host, POLLIN);
        host = ready ? accept4(listener->host, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;
        if (host >= 0 && listener->conn && net_accepted(listener, host, &conn)) {
            if (kick_pending(w->kick)) /* those that are refused may come faster than they go */
                return WASI_INTR;
            continue;
        }
        if (host >= 0)
            break;
        if (ready && errno != EAGAIN)
            return wasi_errno(errno);
        err = net_wait(w, listener, POLLIN);
        if (err)
            return err;
    }
    err = net_place(w, host, conn, false, (uint16_t)flags, &fd);
    return err ? err : out_put(w, out, &fd, 4);
}

uint32_t serve_sock_accept(struct wasi *w, const uint64_t *arg)
{
    return accept_as(w, arg[0], arg[1], arg[2]);
}

uint32_t serve_sock_accept_v1(struct wasi *w, const uint64_t *arg)
{
    return accept_as(w, arg[0], 0, arg[1]);
}

uint32_t serve_sock_recv(struct wasi *w, const uint64_t *arg)
{
    uint32_t err;
    struct desc *d = net_socket(w, arg[0], &err);
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
    int flags = (arg[3] & RI_PEEK ? MSG_PEEK : 0) | (arg[3] & RI_WAITALL ? MSG_WAITALL : 0);
    ssize_t n;
    while ((n = net_receive(d, &m, flags)) < 0) {
        err = errno == EAGAIN ? net_wait(w, d, POLLIN) : wasi_errno(errno);
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
    struct desc *d = net_socket(w, arg[0], &err);
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
    while ((n = net_send(d, &m)) < 0) {
        err = errno == EAGAIN ? net_wait(w, d, POLLOUT) : wasi_errno(errno);
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
    struct desc *d = net_socket(w, arg[0], &err);
    if (err)
        return err;
    if (arg[1] == 0 || arg[1] >= sizeof how / sizeof *how)
        return WASI_INVAL;
    uint64_t now = arg[1] & SD_WR && batch_shut(d->conn) ? arg[1] & SD_RD : arg[1];
    return now && shutdown(d->host, how[now]) < 0 ? wasi_errno(errno) : WASI_SUCCESS;
}
