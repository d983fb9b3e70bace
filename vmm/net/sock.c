/* preview1's own socket calls, on what is a socket.  Their descriptions may be shared, so each
 * transfer asks not to block and waiting is done in kick_ppoll. */
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
    if (conn_of(listener) && !conn_of(listener)->listening) /* poll would wait for its data */
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
        if (host >= 0 && conn_of(listener) && net_accepted(listener, host, &conn)) {
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

uint32_t wasi_sock_accept(struct wasi *w, const struct sock_accept_args *args)
{
    return accept_as(w, args->fd, args->flags, args->fd_out);
}

uint32_t wasi_sock_accept_v1(struct wasi *w, const struct sock_accept_v1_args *args)
{
    return accept_as(w, args->fd, 0, args->fd_out);
}

uint32_t wasi_sock_recv(struct wasi *w, const struct sock_recv_args *args)
{
    uint32_t err;
    struct desc *d = net_socket(w, args->fd, &err);
    if (err)
        return err;
    if (args->flags & ~(uint64_t)(RI_PEEK | RI_WAITALL))
        return WASI_NOTSUP;
    if (!out_ok(w, args->received_out, 4) || !out_ok(w, args->flags_out, 2))
        return WASI_FAULT;
    err = iovs_read(w, d, args->iovs, args->iovs_len, true);
    if (err)
        return err;
    struct msghdr m = { .msg_iov = w->iovs.v, .msg_iovlen = w->iovs.n };
    int flags = (args->flags & RI_PEEK ? MSG_PEEK : 0) |
                (args->flags & RI_WAITALL ? MSG_WAITALL : 0);
    ssize_t n;
    while ((n = net_receive(d, &m, flags)) < 0) {
        err = errno == EAGAIN ? net_wait(w, d, POLLIN) : wasi_errno(errno);
        if (err)
            return err;
    }
    uint32_t count = (uint32_t)n;
    uint16_t out_flags = m.msg_flags & MSG_TRUNC ? RO_TRUNCATED : 0;
    out_put(w, args->received_out, &count, 4);
    return out_put(w, args->flags_out, &out_flags, 2);
}

uint32_t wasi_sock_send(struct wasi *w, const struct sock_send_args *args)
{
    uint32_t err;
    struct desc *d = net_socket(w, args->fd, &err);
    if (err)
        return err;
    if (args->flags != 0)
        return WASI_NOTSUP;
    if (!out_ok(w, args->sent_out, 4))
        return WASI_FAULT;
    err = iovs_read(w, d, args->iovs, args->iovs_len, false);
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
    return out_put(w, args->sent_out, &count, 4);
}

uint32_t wasi_sock_shutdown(struct wasi *w, const struct sock_shutdown_args *args)
{
    static const int how[] = { [SD_RD] = SHUT_RD, [SD_WR] = SHUT_WR, [SD_RD | SD_WR] = SHUT_RDWR };
    uint32_t err;
    struct desc *d = net_socket(w, args->fd, &err);
    if (err)
        return err;
    if (args->how == 0 || args->how >= sizeof how / sizeof *how)
        return WASI_INVAL;
    if (conn_of(d) && conn_of(d)->idle)
        return idle_shutdown(conn_of(d), args->how & SD_RD);
    uint64_t now = args->how & SD_WR && batch_shut(conn_of(d)) ? args->how & SD_RD : args->how;
    return now && shutdown(d->host, how[now]) < 0 ? wasi_errno(errno) : WASI_SUCCESS;
}
