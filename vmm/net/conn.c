/* Sockets as descriptors: those that the policy watches have a conn, what was open before the run
 * has none.  Their transfers, what is counted of them and told of their beginning and end.
 *
 * Host sockets are always non-blocking; the guest's blocking calls wait in kick_ppoll.  A datagram
 * is taken only after the policy has seen its sender: bytes of a stranger never reach guest memory.
 */
#include "vmm/net/inside.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define STRANGERS_MAX 64 /* datagrams dropped in one call */

/* ---- conns ---- */

struct desc *net_socket(struct wasi *w, uint64_t fd, uint32_t *err)
{
    struct desc *d = desc_get(w, fd);
    bool is_socket = d && (d->ops == &socket_ops || d->ops == &conn_ops);
    *err = !d ? WASI_BADF : is_socket ? WASI_SUCCESS : WASI_NOTSOCK;
    return d;
}

struct conn *conn_new(struct net *n, uint8_t family, enum net_proto proto)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    *c = (struct conn){ .net = n, .family = family, .proto = proto };
    n->sockets++;
    return c;
}

void conn_buffers(struct conn *c, int host)
{
    c->buffer_most = c->net->buffer_bytes             ? c->net->buffer_bytes
                     : c->net->sockets > BUFFERS_FREE ? BUFFER_BYTES
                                                      : 0;
    if (!c->buffer_most)
        return;
    if (c->idle) {
        idle_option_set(c, SOL_SOCKET, SO_SNDBUF, c->buffer_most);
        idle_option_set(c, SOL_SOCKET, SO_RCVBUF, c->buffer_most);
        return;
    }
    setsockopt(host, SOL_SOCKET, SO_SNDBUF, &c->buffer_most, sizeof c->buffer_most);
    setsockopt(host, SOL_SOCKET, SO_RCVBUF, &c->buffer_most, sizeof c->buffer_most);
}

static void conn_free(struct conn *c)
{
    c->net->sockets--;
    batch_close(c);
    free(c->idle);
    free(c->rest);
    free(c->path);
    free(c->host_path);
    free(c->peer_path);
    free(c);
}

void conn_local(const struct desc *d, struct endpoint *e)
{
    struct sockaddr_storage host = { 0 };
    socklen_t len = sizeof host;
    *e = (struct endpoint){ .port = 0 };
    if (conn_of(d) && conn_of(d)->idle)
        return;
    if (getsockname(d->host, (struct sockaddr *)&host, &len) == 0)
        endpoint_from_host(&host, e);
}

void conn_started(struct desc *d, const char *how, const struct endpoint *peer,
                  const struct rule *by)
{
    struct conn *c = d->own;
    struct endpoint local;
    c->how = how;
    c->peer = peer ? *peer : (struct endpoint){ .port = 0 };
    c->since_ns = clock_now_ns();
    c->counted = true;
    conn_local(d, &local);
    bool ip = c->proto != NET_UNIX;
    net_record(c->net, &(struct net_record){
                           .event = how,
                           .proto = c->proto,
                           .verdict = "allowed",
                           .reason = by ? by->text : "",
                           .local = ip ? &local : NULL,
                           .peer = ip && peer ? peer : NULL,
                           .name = c->path ? c->path : c->peer_path,
                       });
}

void conn_ended(struct conn *c, const struct endpoint *local)
{
    bool ip = c->proto != NET_UNIX && !c->dns;
    if (c->counted)
        net_record(c->net, &(struct net_record){
                               .event = "close",
                               .proto = c->proto,
                               .name = c->path ? c->path : c->peer_path,
                               .counted = true,
                               .in = c->in,
                               .out = c->out,
                               .ns = clock_now_ns() - c->since_ns,
                               .local = ip ? local : NULL,
                               .peer = ip && !c->listening ? &c->peer : NULL,
                           });
    c->in = c->out = 0;
}

void conn_wanted(const struct conn *c, const char *event, const char *verdict, const char *reason,
                        const struct endpoint *peer, const char *path)
{
    net_record(c->net, &(struct net_record){ .event = event,
                                             .proto = c->proto,
                                             .verdict = verdict,
                                             .reason = reason,
                                             .peer = peer,
                                             .name = path });
}

bool net_sockets_left(struct net *n)
{
    if (n->sockets < n->max_sockets)
        return true;
    if (!n->told_sockets)
        net_tell(n, "the program has %u sockets open, the most that --max-sockets allows",
                 n->max_sockets);
    n->told_sockets = true;
    return false;
}

uint32_t net_place(struct wasi *w, int host, struct conn *c, bool dgram, uint16_t fdflags,
                   uint32_t *fd)
{
    struct desc d = { .host = host, .io = host, .fdflags = fdflags, .own = c,
                      .filetype = dgram ? FILETYPE_DGRAM : FILETYPE_STREAM };
    struct stat st = { .st_mode = S_IFSOCK };
    desc_describe(w, &d, &st, O_RDWR);
    d.ops = c ? &conn_ops : &socket_ops;
    uint32_t err = desc_place(w, &d, fd);
    if (err && c)
        conn_free(c);
    return err;
}

/* ---- transfers ---- */

/* What goes to our resolver is memory; the resolver counts what it sends and receives for it. */
static void bytes_count(struct conn *c, uint64_t *way, ssize_t n)
{
    *way += (uint64_t)n;
    if (!c->dns)
        net_bytes_add(c->net, (uint64_t)n);
}

/* Drops what strangers sent, until the next datagram is one that may be read; false: errno. */
static bool stranger_skip(const struct desc *d)
{
    const struct conn *c = d->own;
    for (int i = 0; i < STRANGERS_MAX; i++) {
        struct sockaddr_storage from;
        struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from };
        struct endpoint e;
        const struct rule *by;
        if (recvmsg(d->host, &m, MSG_PEEK | MSG_DONTWAIT) < 0)
            return false;
        if (!endpoint_from_host(&from, &e) ||
            policy_check(&c->net->policy, USE_CONNECT, NET_UDP, &e, &by))
            return true;
        net_refuse(c->net, "datagram from", USE_CONNECT, NET_UDP, &e, by);
        recv(d->host, NULL, 0, MSG_DONTWAIT);
    }
    errno = EAGAIN;
    return false;
}

/* An error that was met before anybody asked is told once. */
static ssize_t error_tell(struct conn *c)
{
    errno = c->error;
    c->error = 0;
    return -1;
}

static size_t asked(const struct msghdr *m)
{
    size_t sum = 0;
    for (size_t i = 0; i < m->msg_iovlen; i++)
        sum += m->msg_iov[i].iov_len;
    return sum;
}

/* An error of sending comes behind what the peer sent before it.  Who reads does not learn of EPIPE
 * but of the end. */
static ssize_t last_receive(const struct desc *d, struct msghdr *m, int flags)
{
    struct conn *c = d->own;
    ssize_t got = recvmsg(d->io, m, flags | MSG_DONTWAIT);
    if (got > 0 && !(flags & MSG_PEEK))
        bytes_count(c, &c->in, got);
    return got > 0 || (got == 0 && c->error == EPIPE) ? got : error_tell(c);
}

static ssize_t conn_receive(const struct desc *d, struct msghdr *m, int flags)
{
    struct conn *c = d->own;
    if (c->idle)
        return idle_receive(c);
    if (!c->dns && !net_bytes_left(c->net))
        return -1;
    batch_recall(c);
    if (c->nrest)
        return batch_take(c, m, flags & MSG_PEEK);
    batch_settle(c);
    if (c->error)
        return last_receive(d, m, flags);
    if (c->proto == NET_UDP && !c->dns && !stranger_skip(d))
        return -1;
    ssize_t got = recvmsg(d->io, m, flags | MSG_DONTWAIT);
    if (got > 0 && !(flags & MSG_PEEK)) {
        bytes_count(c, &c->in, got);
        batch_was_read(d, (size_t)got, asked(m));
    }
    return got;
}

/* To nobody: the kernel would bind it first, to every address. */
static bool goes_nowhere(const struct conn *c, const struct msghdr *m)
{
    return c->made && c->proto == NET_UDP && !c->how && !c->dns && !m->msg_name;
}

static ssize_t conn_send(const struct desc *d, const struct msghdr *m)
{
    struct conn *c = d->own;
    if (c->idle || goes_nowhere(c, m))
        return idle_send(c);
    if (!c->dns && !net_bytes_left(c->net))
        return -1;
    if (!batch_settle(c))
        return -1;
    if (c->error)
        return error_tell(c);
    ssize_t sent = sendmsg(d->io, m, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
        bytes_count(c, &c->out, sent);
        batch_was_sent(c);
    }
    return sent;
}

/* A datagram socket that was shut for reading is ready for ever, and has nothing: poll(2) says so,
 * and recvmsg(2) that it would wait, but on a blocking socket that it is at its end. */
static bool is_ended(const struct desc *d)
{
    struct pollfd p = { .fd = d->host, .events = POLLRDHUP };
    return d->filetype == FILETYPE_DGRAM && !(d->fdflags & FDFLAG_NONBLOCK) &&
           ppoll(&p, 1, &(struct timespec){ 0 }, NULL) == 1 && p.revents & POLLRDHUP;
}

ssize_t net_receive(const struct desc *d, struct msghdr *m, int flags)
{
    ssize_t got =
        conn_of(d) ? conn_receive(d, m, flags) : recvmsg(d->io, m, flags | MSG_DONTWAIT);
    if (got >= 0 || errno != EAGAIN)
        return got;
    if (!is_ended(d)) {
        errno = EAGAIN;
        return -1;
    }
    m->msg_namelen = 0;
    m->msg_flags = 0;
    return 0;
}

ssize_t net_send(const struct desc *d, const struct msghdr *m)
{
    return conn_of(d) ? conn_send(d, m) : sendmsg(d->io, m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

uint32_t net_wait(struct wasi *w, const struct desc *d, short events)
{
    struct pollfd p = { .fd = d->host, .events = events };
    const struct conn *c = conn_of(d);
    int64_t timeout = c ? c->timeout_ns[events == POLLOUT] : 0;
    if (d->fdflags & FDFLAG_NONBLOCK)
        return WASI_AGAIN;
    int n = kick_ppoll(w->kick, &p, 1, timeout ? timeout : -1);
    return n < 0 ? wasi_errno(errno) : n == 0 ? WASI_AGAIN : WASI_SUCCESS;
}

uint32_t net_accepted(const struct desc *listener, int host, struct conn **out)
{
    struct conn *at = listener->own;
    struct net *n = at->net;
    struct sockaddr_storage peer = { 0 };
    socklen_t len = sizeof peer;
    struct endpoint e = { .port = 0 };
    bool ip = getpeername(host, (struct sockaddr *)&peer, &len) == 0 &&
              endpoint_from_host(&peer, &e);
    const struct rule *denier = ip ? policy_denies_peer(&n->policy, NET_TCP, &e.ip) : NULL;
    const char *over = NULL;
    uint32_t err = WASI_SUCCESS;
    if (denier)
        err = net_refuse(n, "accept from", USE_CONNECT, NET_TCP, &e, denier);
    else if ((over = !net_sockets_left(n) ? "--max-sockets"
                     : !net_rate_take(n)  ? "--net-rate"
                                          : NULL))
        err = WASI_ACCES;
    else if (!(*out = conn_new(n, at->family, at->proto)))
        err = WASI_ACCES;
    if (over)
        conn_wanted(at, "accept", "refused", over, ip ? &e : NULL, at->path);
    if (err) {
        close(host);
        return err;
    }
    struct desc d = { .ops = &conn_ops, .host = host, .own = *out };
    int on = 1;
    conn_buffers(*out, host);
    if (ip)
        setsockopt(host, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* as Go has it natively */
    conn_started(&d, "accept", ip ? &e : NULL, NULL);
    return WASI_SUCCESS;
}

/* ---- the two kinds ---- */

static ssize_t read_pieces(const struct desc *d, const struct iovec *v, int n, int64_t offset)
{
    struct msghdr m = { .msg_iov = (struct iovec *)v, .msg_iovlen = (size_t)n };
    (void)offset;
    return net_receive(d, &m, 0);
}

static ssize_t write_pieces(const struct desc *d, const struct iovec *v, int n, int64_t offset)
{
    struct msghdr m = { .msg_iov = (struct iovec *)v, .msg_iovlen = (size_t)n };
    (void)offset;
    return net_send(d, &m);
}

static uint32_t socket_wait(struct wasi *w, const struct desc *d, short events)
{
    return wait_host(w, d->host, events);
}

/* Without a look at the rights: a listening socket has neither to read nor to write, and becomes
 * readable. */
static int socket_poll(const struct desc *d, bool write)
{
    (void)write;
    return d->host;
}

static int conn_poll(const struct desc *d, bool write)
{
    const struct conn *c = d->own;
    if (c->idle && c->proto == NET_TCP) /* the kernel's is hung up */
        return POLL_READY;
    return !write && batch_pending(c) ? POLL_READY : d->host;
}

static void conn_moves(struct desc *d)
{
    batch_recall(d->own);
    batch_leave(d->own);
}

static void conn_close(struct wasi *w, struct desc *d)
{
    (void)w;
    struct endpoint local;
    conn_local(d, &local);
    conn_ended(d->own, &local);
    conn_free(d->own);
    d->own = NULL;
}

const struct desc_ops socket_ops = {
    .name = "socket",
    .read = read_pieces,
    .write = write_pieces,
    .wait = socket_wait,
    .poll = socket_poll,
};
const struct desc_ops conn_ops = {
    .name = "connection",
    .read = read_pieces,
    .write = write_pieces,
    .wait = net_wait,
    .poll = conn_poll,
    .readable = batch_fill,
    .moves = conn_moves,
    .close = conn_close,
};
