/* The socket extension's calls: open, bind, listen, connect, datagrams, addresses.  A socket that
 * the guest did not open (inherited, --listen, systemd's) can be used, never bound or connected
 * anew. */
#include "vmm/net/inside.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* whatever was asked for: Go's library says 64, and a full queue costs its clients a second */
#define BACKLOG 4096
enum { RI_PEEK = 1, RI_WAITALL = 2, RO_TRUNCATED = 1 };

/* ---- open, bind, listen ---- */

static int host_socket(int family, enum net_proto proto, bool dgram)
{
    int on = 1;
    int host = socket(family, (dgram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (host >= 0 && proto == NET_TCP)
        setsockopt(host, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return host;
}

/* NULL: no memory. */
static struct conn *conn_make(struct net *n, uint8_t family, enum net_proto proto)
{
    struct idle *idle = n->idle ? idle_new(proto) : NULL;
    struct conn *c = n->idle && !idle ? NULL : conn_new(n, family, proto);
    if (c) {
        c->made = true;
        c->idle = idle;
    } else {
        free(idle);
    }
    return c;
}

uint32_t wasi_sock_open(struct wasi *w, const struct sock_open_args *args)
{
    static const int families[] = {
        [FAMILY_INET4] = AF_INET, [FAMILY_INET6] = AF_INET6, [FAMILY_UNIX] = AF_UNIX
    };
    if (args->family < FAMILY_INET4 || args->family > FAMILY_UNIX ||
        (args->type != SOCKTYPE_DGRAM && args->type != SOCKTYPE_STREAM))
        return WASI_INVAL;
    if (!out_ok(w, args->fd_out, 4))
        return WASI_FAULT;
    struct net *n = w->net;
    bool dgram = args->type == SOCKTYPE_DGRAM, is_unix = args->family == FAMILY_UNIX;
    if (is_unix && !n->unix_ok) {
        net_tell(n, "a unix socket refused: no rule allows it (--allow-unix)");
        net_record(
            n, &(struct net_record){ .event = "open", .proto = NET_UNIX, .verdict = "refused" });
        return WASI_ACCES;
    }
    enum net_proto proto = is_unix ? NET_UNIX : dgram ? NET_UDP : NET_TCP;
    if (!net_sockets_left(n)) {
        net_record(n, &(struct net_record){ .event = "open", .proto = proto, .verdict = "refused",
                                            .reason = "--max-sockets" });
        return WASI_NFILE;
    }
    int host = n->idle ? idle_host(n->kick) : host_socket(families[args->family], proto, dgram);
    if (host < 0)
        return wasi_errno(errno);
    struct conn *c = conn_make(n, (uint8_t)args->family, proto);
    if (!c) {
        close(host);
        return WASI_NOMEM;
    }
    conn_buffers(c, host);
    uint32_t fd;
    uint32_t err = net_place(w, host, c, dgram, 0, &fd);
    return err ? err : out_put(w, args->fd_out, &fd, 4);
}

/* An IPv4 address may be written in either family's form, whatever the socket's: Go has it in 16
 * bytes. */
static bool family_suits(const struct conn *c, const struct guest_addr *a)
{
    bool either = c->proto != NET_UNIX && a->family != FAMILY_UNIX && ip_is_v4(&a->at.ip);
    return either || a->family == c->family;
}

/* The socket, which must be one that the guest opened, and the address, which must suit its family.
 */
static uint32_t own_and_address(struct wasi *w, uint32_t fd, uint32_t address, uint32_t port,
                                struct desc **d, struct guest_addr *a)
{
    uint32_t err;
    *d = net_socket(w, fd, &err);
    if (err)
        return err;
    err = guest_addr_read(w, address, port, a);
    if (err)
        return err;
    const struct conn *c = conn_of(*d);
    if (!c || !c->made)
        return WASI_NOTSUP;
    return family_suits(c, a) ? WASI_SUCCESS : WASI_AFNOSUPPORT;
}

/* Who asked for both families at once and may have IPv4 alone will ask for that next, as Go does:
 * nothing to tell. */
static uint32_t bind_refuse(struct conn *c, const struct endpoint *at, const struct rule *by)
{
    static const uint8_t any4[4] = { 0 };
    struct endpoint four = { .ip = ip_from_v4(any4), .port = at->port };
    const struct rule *by4;
    bool again = c->both && !by && !ip_is_v4(&at->ip) && ip_is_any(&at->ip) &&
                 policy_check(&c->net->policy, USE_LISTEN, c->proto, &four, &by4);
    return (again ? net_refuse_unsaid : net_refuse)(c->net, "bind to", USE_LISTEN, c->proto, at,
                                                    by);
}

uint32_t wasi_sock_bind(struct wasi *w, const struct sock_bind_args *args)
{
    struct desc *d;
    struct guest_addr a;
    const struct rule *by;
    uint32_t err = own_and_address(w, args->fd, args->address, args->port, &d, &a);
    if (err)
        return err;
    struct conn *c = conn_of(d);
    if (c->proto == NET_UNIX)
        return unix_bind(w, d, a.path);
    if (!policy_check(&c->net->policy, USE_LISTEN, c->proto, &a.at, &by))
        return bind_refuse(c, &a.at, by);
    struct sockaddr_storage host;
    socklen_t len;
    if (!endpoint_to_host(&a.at, c->family, &host, &len))
        return WASI_AFNOSUPPORT;
    if (bind(d->host, (struct sockaddr *)&host, len) < 0)
        return wasi_errno(errno);
    c->bound = true;
    if (c->proto == NET_UDP)
        conn_started(d, "bind", NULL, by);
    return WASI_SUCCESS;
}

uint32_t wasi_sock_listen(struct wasi *w, const struct sock_listen_args *args)
{
    uint32_t err;
    struct desc *d = net_socket(w, args->fd, &err);
    if (err)
        return err;
    struct conn *c = conn_of(d);
    if (!c || !c->made)
        return WASI_NOTSUP;
    if (d->filetype == FILETYPE_DGRAM)
        return WASI_NOTSUP;
    if (!c->bound) { /* the kernel would listen on every address, at a port of its choice */
        net_tell(c->net, "listen on a socket without an address refused (bind it first)");
        conn_wanted(c, "listen", "refused", "", NULL, NULL);
        return WASI_ACCES;
    }
    if (listen(d->host, BACKLOG) < 0)
        return wasi_errno(errno);
    if (!c->listening)
        conn_started(d, "listen", NULL, NULL);
    c->listening = true;
    return WASI_SUCCESS;
}

/* ---- connect ---- */

/* 0.0.0.0 and :: mean this host to the kernel, by way of an address of its choice: loopback is said
 * outright. */
static void endpoint_settle(struct endpoint *e)
{
    static const uint8_t loopback4[4] = { 127, 0, 0, 1 };
    static const struct ip loopback6 = { { [15] = 1 } };
    if (ip_is_any(&e->ip))
        e->ip = ip_is_v4(&e->ip) ? ip_from_v4(loopback4) : loopback6;
}

/* Waits, for a blocking descriptor, until the connection stands or has failed. */
static uint32_t connect_wait(struct wasi *w, struct desc *d)
{
    if (d->fdflags & FDFLAG_NONBLOCK)
        return WASI_INPROGRESS;
    uint32_t err = net_wait(w, d, POLLOUT);
    int error = 0;
    socklen_t len = sizeof error;
    if (err)
        return err == WASI_AGAIN ? WASI_TIMEDOUT : err;
    if (getsockopt(d->host, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return wasi_errno(errno);
    return error ? wasi_errno(error) : WASI_SUCCESS;
}

/* A unix listener whose queue is full answers AGAIN, and nothing tells when to try again: neither
 * do we. */
static uint32_t connect_host(struct wasi *w, struct desc *d, const struct sockaddr_storage *host,
                             socklen_t len)
{
    for (;;) {
        if (connect(d->host, (const struct sockaddr *)host, len) == 0)
            return WASI_SUCCESS;
        if (errno == EINPROGRESS)
            return connect_wait(w, d);
        if (errno != EINTR || kick_pending(w->kick))
            return wasi_errno(errno);
    }
}

static bool is_dns(const struct desc *d, const struct endpoint *e)
{
    const struct conn *c = conn_of(d);
    return c->net->names && c->proto != NET_UNIX && c->family == FAMILY_INET4 && !c->bound &&
           e->port == dns_endpoint.port && ip_equal(&e->ip, &dns_endpoint.ip);
}

/* Puts our resolver where the network would be. */
static uint32_t connect_dns(struct desc *d)
{
    struct conn *c = conn_of(d);
    if (c->dns)
        return WASI_ISCONN;
    int end = dns_connect(c->net->dns, false, c->proto == NET_TCP);
    if (end < 0)
        return wasi_errno(errno);
    int put = dup3(end, d->host, O_CLOEXEC);
    close(end);
    if (put < 0)
        return wasi_errno(errno);
    c->dns = true;
    c->how = "connect";
    return WASI_SUCCESS;
}

static uint32_t connect_unix(struct wasi *w, struct desc *d, const char *path)
{
    struct conn *c = conn_of(d);
    struct sockaddr_storage host;
    socklen_t len;
    int hold;
    uint32_t err = unix_target(w, path, &host, &len, &hold);
    if (!err) {
        err = connect_host(w, d, &host, len);
        close(hold);
    }
    if (err) {
        conn_wanted(c, "connect", "failed", "", NULL, path);
        return err;
    }
    free(c->peer_path);
    c->peer_path = strdup(path);
    if (!c->how)
        conn_started(d, "connect", NULL, NULL);
    return WASI_SUCCESS;
}

/* The kernel lets a connect that was waited for succeed once more, whatever its address. */
static bool is_connected(const struct desc *d)
{
    struct sockaddr_storage host;
    socklen_t len = sizeof host;
    const struct conn *c = conn_of(d);
    return c->proto != NET_UDP && c->how &&
           getpeername(d->host, (struct sockaddr *)&host, &len) == 0;
}

uint32_t wasi_sock_connect(struct wasi *w, const struct sock_connect_args *args)
{
    struct desc *d;
    struct guest_addr a;
    const struct rule *by;
    uint32_t err = own_and_address(w, args->fd, args->address, args->port, &d, &a);
    if (err)
        return err;
    struct conn *c = conn_of(d);
    if (c->dns || is_connected(d))
        return WASI_ISCONN;
    if (c->proto == NET_UNIX)
        return connect_unix(w, d, a.path);
    endpoint_settle(&a.at);
    if (is_dns(d, &a.at))
        return connect_dns(d);
    if (!policy_check(&c->net->policy, USE_CONNECT, c->proto, &a.at, &by))
        return net_refuse(c->net, "connect to", USE_CONNECT, c->proto, &a.at, by);
    if (!net_rate_take(c->net)) {
        conn_wanted(c, "connect", "refused", "--net-rate", &a.at, NULL);
        return WASI_NOBUFS;
    }
    struct sockaddr_storage host;
    struct endpoint before;
    socklen_t len;
    if (!endpoint_to_host(&a.at, c->family, &host, &len))
        return WASI_AFNOSUPPORT;
    conn_local(d, &before);
    err = connect_host(w, d, &host, len);
    if (err && err != WASI_INPROGRESS) {
        conn_wanted(c, "connect", "failed", by ? by->text : "", &a.at, NULL);
        return err;
    }
    if (c->how && strcmp(c->how, "connect") == 0) /* a datagram socket turns to another peer */
        conn_ended(c, &before);
    conn_started(d, "connect", &a.at, by);
    return err;
}

/* ---- datagrams ---- */

/* Sending binds an unbound socket to every address, at a port of the kernel's choice: that is a
 * bind like any other. */
static uint32_t send_bind(struct desc *d)
{
    struct conn *c = conn_of(d);
    static const uint8_t zero[4];
    struct endpoint any = { .ip = c->family == FAMILY_INET4 ? ip_from_v4(zero)
                                                            : (struct ip){ { 0 } } };
    const struct rule *by;
    if (c->bound || c->proto != NET_UDP)
        return WASI_SUCCESS;
    if (!policy_check(&c->net->policy, USE_LISTEN, NET_UDP, &any, &by))
        return net_refuse(c->net, "bind (by sending) to", USE_LISTEN, NET_UDP, &any, by);
    c->bound = true;
    conn_started(d, "bind", NULL, by);
    return WASI_SUCCESS;
}

static uint32_t send_target(struct wasi *w, struct desc *d, struct guest_addr *a,
                            struct sockaddr_storage *host, socklen_t *len, int *hold)
{
    struct conn *c = conn_of(d);
    const struct rule *by;
    *hold = -1;
    if (c->proto == NET_UNIX)
        return unix_target(w, a->path, host, len, hold);
    uint32_t err = send_bind(d);
    if (err)
        return err;
    endpoint_settle(&a->at);
    if (!policy_check(&c->net->policy, USE_CONNECT, NET_UDP, &a->at, &by))
        return net_refuse(c->net, "send to", USE_CONNECT, NET_UDP, &a->at, by);
    return endpoint_to_host(&a->at, c->family, host, len) ? WASI_SUCCESS : WASI_AFNOSUPPORT;
}

uint32_t wasi_sock_send_to(struct wasi *w, const struct sock_send_to_args *args)
{
    struct desc *d;
    struct guest_addr a;
    struct sockaddr_storage host;
    struct msghdr m = { .msg_name = &host };
    int hold;
    uint32_t err = own_and_address(w, args->fd, args->address, args->port, &d, &a);
    if (err)
        return err;
    if (args->flags != 0)
        return WASI_NOTSUP;
    if (!out_ok(w, args->sent_out, 4))
        return WASI_FAULT;
    const struct conn *c = conn_of(d);
    if (d->filetype != FILETYPE_DGRAM)
        return c->how ? WASI_ISCONN : WASI_NOTCONN;
    if (c->dns || (c->how && strcmp(c->how, "connect") == 0))
        return WASI_ISCONN;
    err = iovs_read(w, d, args->iovs, args->iovs_len, false);
    if (err)
        return err;
    m.msg_iov = w->iovs.v;
    m.msg_iovlen = w->iovs.n;
    err = send_target(w, d, &a, &host, &m.msg_namelen, &hold);
    ssize_t n = -1;
    while (err == WASI_SUCCESS && (n = net_send(d, &m)) < 0)
        err = errno == EAGAIN ? net_wait(w, d, POLLOUT) : wasi_errno(errno);
    if (hold >= 0)
        close(hold);
    uint32_t count = (uint32_t)n;
    return err ? err : out_put(w, args->sent_out, &count, 4);
}

static uint32_t receive_from(struct wasi *w, uint64_t fd, uint64_t flags,
                             const struct guest_addr_out *out, uint64_t nread, uint64_t roflags)
{
    uint32_t err;
    struct desc *d = net_socket(w, fd, &err);
    struct sockaddr_storage from = { 0 };
    struct msghdr m = { .msg_iov = w->iovs.v, .msg_iovlen = w->iovs.n };
    int host_flags = (flags & RI_PEEK ? MSG_PEEK : 0) | (flags & RI_WAITALL ? MSG_WAITALL : 0);
    ssize_t n;
    do {
        m.msg_name = &from;
        m.msg_namelen = sizeof from;
        n = net_receive(d, &m, host_flags);
        if (n < 0 && (err = errno == EAGAIN ? net_wait(w, d, POLLIN) : wasi_errno(errno)))
            return err;
    } while (n < 0);
    struct guest_addr a = { .family = FAMILY_UNSPEC };
    const struct conn *c = conn_of(d);
    if (c && c->dns) {
        a.family = FAMILY_INET4;
        a.at = dns_endpoint;
    } else if (endpoint_from_host(&from, &a.at)) {
        a.family = from.ss_family == AF_INET ? FAMILY_INET4 : FAMILY_INET6;
    } else if (from.ss_family == AF_UNIX && m.msg_namelen) {
        unix_name(w, &from, m.msg_namelen, &a);
    }
    err = guest_addr_write(w, out, &a);
    uint32_t count = (uint32_t)n;
    uint16_t out_flags = m.msg_flags & MSG_TRUNC ? RO_TRUNCATED : 0;
    out_put(w, nread, &count, 4);
    out_put(w, roflags, &out_flags, 2);
    return err;
}

static uint32_t recv_from(struct wasi *w, const struct sock_recv_from_args *args)
{
    uint32_t err;
    struct guest_addr_out out;
    const struct desc *d = net_socket(w, args->fd, &err);
    if (err)
        return err;
    if (args->flags & ~(uint64_t)(RI_PEEK | RI_WAITALL))
        return WASI_NOTSUP;
    if (!out_ok(w, args->received_out, 4) || !out_ok(w, args->flags_out, 2))
        return WASI_FAULT;
    err = guest_addr_prepare(w, args->address, args->port_out, 0, true, &out);
    if (err)
        return err;
    err = iovs_read(w, d, args->iovs, args->iovs_len, true);
    return err ? err
               : receive_from(w, args->fd, args->flags, &out, args->received_out, args->flags_out);
}

uint32_t wasi_sock_recv_from(struct wasi *w, const struct sock_recv_from_args *args)
{
    return recv_from(w, args);
}

uint32_t wasi_sock_recv_from_v1(struct wasi *w, const struct sock_recv_from_v1_args *args)
{
    const struct sock_recv_from_args now = {
        .fd = args->fd, .iovs = args->iovs, .iovs_len = args->iovs_len, .address = args->address,
        .flags = args->flags, .received_out = args->received_out, .flags_out = args->flags_out,
    };
    return recv_from(w, &now);
}

/* ---- addresses ---- */

typedef int name_fn(int, struct sockaddr *, socklen_t *);

static uint32_t address_ask(struct wasi *w, const struct desc *d, name_fn *ask, bool peer,
                            struct guest_addr *a)
{
    struct sockaddr_storage host = { 0 };
    socklen_t len = sizeof host;
    static const uint8_t zero[4];
    *a = (struct guest_addr){ .family = FAMILY_UNSPEC };
    const struct conn *c = conn_of(d);
    if (c && c->dns) {
        a->family = FAMILY_INET4;
        a->at = peer ? dns_endpoint : (struct endpoint){ ip_from_v4(zero), 0 };
        return WASI_SUCCESS;
    }
    if (c && c->idle) {
        a->family = c->family;
        idle_address(c, &a->at);
        return peer ? WASI_NOTCONN : WASI_SUCCESS;
    }
    if (ask(d->host, (struct sockaddr *)&host, &len) < 0)
        return wasi_errno(errno);
    if (host.ss_family == AF_UNIX) {
        const char *known = peer && c ? c->peer_path : NULL;
        a->family = FAMILY_UNIX;
        if (known)
            strncpy(a->path, known, sizeof a->path - 1);
        else
            unix_name(w, &host, len, a);
        return WASI_SUCCESS;
    }
    a->family = host.ss_family == AF_INET ? FAMILY_INET4 : FAMILY_INET6;
    return endpoint_from_host(&host, &a->at) ? WASI_SUCCESS : WASI_AFNOSUPPORT;
}

/* What the four calls have in common; port_out and type_out may be 0: not wanted. */
struct asked { uint32_t fd, address, port_out, type_out; };

static uint32_t address_get(struct wasi *w, const struct asked *asked, bool older, bool peer)
{
    uint32_t err;
    struct guest_addr_out out;
    struct guest_addr a;
    struct desc *d = net_socket(w, asked->fd, &err);
    if (err)
        return err;
    err = guest_addr_prepare(w, asked->address, asked->port_out, asked->type_out, older, &out);
    if (err)
        return err;
    err = address_ask(w, d, peer ? getpeername : getsockname, peer, &a);
    return err ? err : guest_addr_write(w, &out, &a);
}

uint32_t wasi_sock_getlocaladdr(struct wasi *w, const struct sock_getlocaladdr_args *args)
{
    return address_get(w, &(struct asked){ args->fd, args->address, args->port_out, 0 }, false,
                       false);
}

uint32_t wasi_sock_getpeeraddr(struct wasi *w, const struct sock_getpeeraddr_args *args)
{
    return address_get(w, &(struct asked){ args->fd, args->address, args->port_out, 0 }, false,
                       true);
}

uint32_t wasi_sock_getlocaladdr_v1(struct wasi *w, const struct sock_getlocaladdr_v1_args *args)
{
    return address_get(
        w, &(struct asked){ args->fd, args->address, args->port_out, args->type_out }, true, false);
}

uint32_t wasi_sock_getpeeraddr_v1(struct wasi *w, const struct sock_getpeeraddr_v1_args *args)
{
    return address_get(
        w, &(struct asked){ args->fd, args->address, args->port_out, args->type_out }, true, true);
}
