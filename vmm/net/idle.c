/* Sockets of a run that has no network: its rules let none be bound, connected or sent from, so the
 * host makes none for them, and the jail of such a run has no call that could.
 *
 * The program opens one all the same, as a refused use of it names the rule that would allow it.
 * What else can be learned of such a socket is answered here as the kernel answers it of one that
 * nobody has used: its options, and that there is nobody at the other end. */
#include "vmm/net/inside.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

enum holds { FLAG, BYTES, COUNT, LINGERS };
enum whose { EACH, TCP, INET6 };

/* What the kernel has of each: the first value of TCP and of UDP, and what it may be set to. */
static const struct idle_option {
    int level, name;
    enum holds holds;
    enum whose whose;
    int32_t first[2], least, most;
} options[IDLE_OPTIONS] = {
    { SOL_SOCKET, SO_REUSEADDR, FLAG, EACH, { 0, 0 }, 0, 1 },
    { SOL_SOCKET, SO_BROADCAST, FLAG, EACH, { 0, 0 }, 0, 1 },
    { SOL_SOCKET, SO_KEEPALIVE, FLAG, EACH, { 0, 0 }, 0, 1 },
    { SOL_SOCKET, SO_ACCEPTCONN, FLAG, EACH, { 0, 0 }, 0, 0 },
    { SOL_SOCKET, SO_ERROR, FLAG, EACH, { 0, 0 }, 0, 0 },
    { SOL_SOCKET, SO_TYPE, FLAG, EACH, { SOCK_STREAM, SOCK_DGRAM }, 0, 0 },
    { SOL_SOCKET, SO_SNDBUF, BYTES, EACH, { 16384, 212992 }, 4608, 425984 },
    { SOL_SOCKET, SO_RCVBUF, BYTES, EACH, { 131072, 212992 }, 2304, 425984 },
    { SOL_SOCKET, SO_LINGER, LINGERS, EACH, { 0, 0 }, 0, 1 },
    { SOL_SOCKET, SO_RCVLOWAT, COUNT, EACH, { 1, 1 }, 1, INT32_MAX },
    { IPPROTO_TCP, TCP_NODELAY, FLAG, TCP, { 1, 0 }, 0, 1 },
    { IPPROTO_TCP, TCP_KEEPIDLE, COUNT, TCP, { 7200, 0 }, 1, 32767 },
    { IPPROTO_TCP, TCP_KEEPINTVL, COUNT, TCP, { 75, 0 }, 1, 32767 },
    { IPPROTO_TCP, TCP_KEEPCNT, COUNT, TCP, { 9, 0 }, 1, 127 },
    { IPPROTO_IPV6, IPV6_V6ONLY, FLAG, INET6, { 0, 0 }, 0, 1 },
};

struct idle { bool shut; int32_t values[IDLE_OPTIONS]; };

/* What says that a stop is wanted: it takes bytes at any time, and has none before no wait goes on
 * any more.  Nothing is ever written to it on behalf of a socket. */
int idle_host(const struct kick *k)
{
    return fcntl(k->event, F_DUPFD_CLOEXEC, 0);
}

struct idle *idle_new(enum net_proto proto)
{
    struct idle *idle = calloc(1, sizeof *idle);
    for (unsigned i = 0; idle && i < IDLE_OPTIONS; i++)
        idle->values[i] = options[i].first[proto == NET_UDP];
    return idle;
}

static int32_t *value_of(struct conn *c, const struct idle_option *o)
{
    return &c->idle->values[o - options];
}

/* NULL: a socket of this kind has no such option. */
static const struct idle_option *option_of(const struct conn *c, int level, int name)
{
    for (unsigned i = 0; i < IDLE_OPTIONS; i++) {
        const struct idle_option *o = &options[i];
        bool has = o->whose == EACH || (o->whose == TCP && c->proto == NET_TCP) ||
                   (o->whose == INET6 && c->family == FAMILY_INET6);
        if (o->level == level && o->name == name)
            return has ? o : NULL;
    }
    return NULL;
}

uint32_t idle_option_get(struct conn *c, int level, int name, int32_t value[2])
{
    const struct idle_option *o = option_of(c, level, name);
    if (!o)
        return c->family == FAMILY_INET6 ? WASI_NOPROTOOPT : WASI_NOTSUP;
    value[0] = *value_of(c, o);
    if (o->holds == LINGERS)
        value[1] = 0; /* seconds */
    return WASI_SUCCESS;
}

/* The kernel keeps twice the bytes that it is asked for, as it needs some itself. */
static int32_t bytes_kept(const struct idle_option *o, int32_t asked)
{
    int64_t twice = asked < 0 ? o->most : 2 * (int64_t)asked;
    return (int32_t)(twice < o->least ? o->least : twice > o->most ? o->most : twice);
}

uint32_t idle_option_set(struct conn *c, int level, int name, int32_t value)
{
    const struct idle_option *o = option_of(c, level, name);
    if (!o)
        return WASI_NOPROTOOPT;
    int32_t *at = value_of(c, o);
    if (name == SO_RCVLOWAT && level == SOL_SOCKET)
        value = value < 0 ? INT32_MAX : value ? value : 1;
    if (o->holds == COUNT && (value < o->least || value > o->most))
        return WASI_INVAL;
    *at = o->holds == BYTES ? bytes_kept(o, value) : o->holds == COUNT ? value : value != 0;
    return WASI_SUCCESS;
}

/* It fails, and leaves a mark: from then on there is nothing to hear, which is no error. */
uint32_t idle_shutdown(struct conn *c, bool reading)
{
    c->idle->shut |= reading && c->proto == NET_TCP;
    return WASI_NOTCONN;
}

ssize_t idle_receive(const struct conn *c)
{
    if (c->idle->shut)
        return 0;
    errno = c->proto == NET_TCP ? ENOTCONN : EAGAIN;
    return -1;
}

ssize_t idle_send(const struct conn *c)
{
    errno = c->proto == NET_TCP ? EPIPE : EDESTADDRREQ;
    return -1;
}

void idle_address(const struct conn *c, struct endpoint *e)
{
    static const uint8_t zero[4];
    *e = (struct endpoint){ .port = 0 };
    if (c->family == FAMILY_INET4)
        e->ip = ip_from_v4(zero);
}
