/* sock_getsockopt and sock_setsockopt: a table of the options that a guest may ask for, and how
 * each value is laid out. */
#include "vmm/net/inside.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

enum { LEVEL_SOCKET = 0, LEVEL_TCP = 6, LEVEL_IPV6 = 41 };
enum kind {
    INT,     /* 4 bytes, as the host has it */
    TYPE,    /* SOCKTYPE_* */
    ERROR,   /* a WASI errno */
    LINGER,  /* two 4-byte numbers; for more than 0 seconds as if off, as a close could wait */
    TIMEOUT, /* seconds and microseconds, 8 bytes each: how long a blocking call waits */
    REFUSED,
};

static const struct option {
    uint32_t level, name;
    enum kind kind;
    bool settable;
    int host_level, host_name;
} options[] = {
    { LEVEL_SOCKET, 0, INT, true, SOL_SOCKET, SO_REUSEADDR },
    { LEVEL_SOCKET, 1, TYPE, false, SOL_SOCKET, SO_TYPE },
    { LEVEL_SOCKET, 2, ERROR, false, SOL_SOCKET, SO_ERROR },
    { LEVEL_SOCKET, 3, REFUSED, true, 0, 0 }, /* dontroute: round the host's routes */
    { LEVEL_SOCKET, 4, INT, true, SOL_SOCKET, SO_BROADCAST },
    { LEVEL_SOCKET, 5, INT, true, SOL_SOCKET, SO_SNDBUF },
    { LEVEL_SOCKET, 6, INT, true, SOL_SOCKET, SO_RCVBUF },
    { LEVEL_SOCKET, 7, INT, true, SOL_SOCKET, SO_KEEPALIVE },
    { LEVEL_SOCKET, 8, REFUSED, true, 0, 0 }, /* oobinline */
    { LEVEL_SOCKET, 9, LINGER, true, SOL_SOCKET, SO_LINGER },
    { LEVEL_SOCKET, 10, INT, true, SOL_SOCKET, SO_RCVLOWAT },
    { LEVEL_SOCKET, 11, TIMEOUT, true, 0, 0 },
    { LEVEL_SOCKET, 12, TIMEOUT, true, 0, 1 }, /* host_name: index of timeout_ns */
    { LEVEL_SOCKET, 13, INT, false, SOL_SOCKET, SO_ACCEPTCONN },
    { LEVEL_SOCKET, 14, REFUSED, true, 0, 0 }, /* bindtodevice */
    { LEVEL_TCP, 15, INT, true, IPPROTO_TCP, TCP_NODELAY },
    /* ours, for Go's net.KeepAliveConfig and net.Listen("tcp6", ...) */
    { LEVEL_TCP, 16, INT, true, IPPROTO_TCP, TCP_KEEPIDLE },
    { LEVEL_TCP, 17, INT, true, IPPROTO_TCP, TCP_KEEPINTVL },
    { LEVEL_TCP, 18, INT, true, IPPROTO_TCP, TCP_KEEPCNT },
    { LEVEL_IPV6, 26, INT, true, IPPROTO_IPV6, IPV6_V6ONLY },
};

static const struct option *option_find(uint64_t level, uint64_t name)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].level == level && options[i].name == name)
            return &options[i];
    return NULL;
}

union value {
    int32_t number;
    struct {
        int32_t on, seconds;
    } linger;
    struct {
        int64_t s, us;
    } time;
};

static size_t value_bytes(enum kind kind)
{
    static const size_t bytes[] = {
        [INT] = 4, [TYPE] = 4, [ERROR] = 4, [LINGER] = 8, [TIMEOUT] = 16
    };
    return bytes[kind];
}

static uint32_t value_get(const struct desc *d, const struct option *o, union value *v)
{
    struct conn *c = conn_of(d);
    if (o->kind == TIMEOUT) {
        int64_t ns = c ? c->timeout_ns[o->host_name] : 0;
        v->time.s = ns / 1000000000;
        v->time.us = ns % 1000000000 / 1000;
        return WASI_SUCCESS;
    }
    if (o->kind == ERROR && c)
        batch_settle(c);
    if (o->kind == ERROR && c && c->error) {
        v->number = (int32_t)wasi_errno(c->error);
        c->error = 0;
        return WASI_SUCCESS;
    }
    socklen_t len = (socklen_t)value_bytes(o->kind);
    uint32_t err = WASI_SUCCESS;
    if (c && c->idle)
        err = idle_option_get(c, o->host_level, o->host_name, &v->number);
    else if (getsockopt(d->host, o->host_level, o->host_name, v, &len) < 0)
        err = wasi_errno(errno);
    if (err)
        return err;
    if (o->kind == ERROR && v->number)
        v->number = (int32_t)wasi_errno(v->number);
    if (o->kind == TYPE)
        v->number = d->filetype == FILETYPE_DGRAM ? SOCKTYPE_DGRAM : SOCKTYPE_STREAM;
    return WASI_SUCCESS;
}

#define LITERAL_MOST 16 /* a fifth argument up to this is the length itself, not a pointer to it */

uint32_t wasi_sock_getsockopt(struct wasi *w, const struct sock_getsockopt_args *args)
{
    uint32_t err, room = (uint32_t)args->size;
    struct desc *d = net_socket(w, args->fd, &err);
    if (err)
        return err;
    const struct option *o = option_find(args->level, args->name);
    if (!o)
        return WASI_INVAL;
    if (o->kind == REFUSED)
        return WASI_NOTSUP;
    bool literal = args->size <= LITERAL_MOST;
    if (!literal && (!linear_read(w->mem, args->size, &room, 4) || !out_ok(w, args->size, 4)))
        return WASI_FAULT;
    uint32_t used = (uint32_t)value_bytes(o->kind);
    if (room < used)
        return WASI_INVAL;
    if (!out_ok(w, args->value, used))
        return WASI_FAULT;
    union value v = { .time = { 0, 0 } };
    err = value_get(d, o, &v);
    if (err)
        return err;
    if (!literal)
        out_put(w, args->size, &used, 4);
    return out_put(w, args->value, &v, used);
}

static uint32_t timeout_set(struct conn *c, int which, const union value *v)
{
    const int64_t most = INT64_MAX / 1000000000 - 1;
    if (!c)
        return WASI_NOTSUP;
    if (v->time.s < 0 || v->time.us < 0 || v->time.us >= 1000000)
        return WASI_DOM;
    c->timeout_ns[which] = (v->time.s < most ? v->time.s : most) * 1000000000 + v->time.us * 1000;
    return WASI_SUCCESS;
}

/* Cut to what it may be. */
static void buffer_set(struct conn *c, int name, int32_t *bytes)
{
    if (!c)
        return;
    c->sized |= name == SO_SNDBUF;
    if (c->buffer_most && (*bytes > c->buffer_most || *bytes < 0))
        *bytes = c->buffer_most;
}

uint32_t wasi_sock_setsockopt(struct wasi *w, const struct sock_setsockopt_args *args)
{
    uint32_t err;
    struct desc *d = net_socket(w, args->fd, &err);
    if (err)
        return err;
    const struct option *o = option_find(args->level, args->name);
    if (!o)
        return WASI_INVAL;
    if (o->kind == REFUSED || !o->settable || d->inherited)
        return WASI_NOTSUP;
    union value v;
    if (args->value_len != value_bytes(o->kind))
        return WASI_INVAL;
    if (!linear_read(w->mem, args->value, &v, value_bytes(o->kind)))
        return WASI_FAULT;
    if (o->kind == LINGER && v.linger.seconds)
        v.linger.on = v.linger.seconds = 0;
    if (o->kind == TIMEOUT)
        return timeout_set(conn_of(d), o->host_name, &v);
    if (o->host_level == SOL_SOCKET && (o->host_name == SO_SNDBUF || o->host_name == SO_RCVBUF))
        buffer_set(conn_of(d), o->host_name, &v.number);
    if (conn_of(d) && o->level == LEVEL_IPV6)
        conn_of(d)->both = !v.number;
    if (conn_of(d) && conn_of(d)->idle)
        return idle_option_set(conn_of(d), o->host_level, o->host_name, v.number);
    return setsockopt(d->host, o->host_level, o->host_name, &v, args->value_len) < 0
               ? wasi_errno(errno)
               : WASI_SUCCESS;
}
