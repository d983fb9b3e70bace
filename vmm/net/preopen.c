/* Sockets that stand open before the program starts: --listen, --dial, and those that
 * somebody hands over (systemd's, by --listen-fds).  They come
 * behind the last directory and show NONBLOCK from the start, as Go's net.FileListener never sets
 * it.  What the command line names needs no further rule. */
#include "vmm/net/inside.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool place(struct wasi *w, const char *what, int host, enum net_proto proto, const char *how,
                  const struct endpoint *peer, struct failure *why)
{
    int domain = 0;
    socklen_t len = sizeof domain;
    getsockopt(host, SOL_SOCKET, SO_DOMAIN, &domain, &len);
    uint8_t family = domain == AF_INET    ? FAMILY_INET4
                     : domain == AF_INET6 ? FAMILY_INET6
                                          : FAMILY_UNIX;
    struct conn *c = conn_new(w->net, family, family == FAMILY_UNIX ? NET_UNIX : proto);
    uint32_t fd;
    if (!c)
        close(host);
    if (!c || net_place(w, host, c, proto == NET_UDP, FDFLAG_NONBLOCK, &fd))
        return failure_set(why, "%s: no memory, or too many open files", what);
    c->listening = strcmp(how, "listen") == 0;
    c->bound = true;
    if (strcmp(how, "passed") != 0) /* those are others' too */
        conn_buffers(c, host);
    conn_started(desc_get(w, fd), how, peer, NULL);
    return true;
}

/* [ADDR]:PORT, ADDR:PORT, :PORT; *any = there was no address. */
static bool address_parse(const char *text, struct endpoint *e, bool *any)
{
    char copy[160];
    struct rule r;
    const char *wrong;
    if (strlen(text) >= sizeof copy - 16)
        return false;
    bool localhost = strncmp(text, "localhost:", 10) == 0;
    snprintf(copy, sizeof copy, "%s%.140s", localhost ? "127.0.0.1" : "",
             localhost ? text + 9 : text);
    if (!rule_parse(&r, RULE_LISTEN, copy, &wrong))
        return false;
    bool good = !r.name && strrchr(copy, ':') && r.lo == r.hi && r.proto == NET_TCP &&
                strncmp(copy, "tcp:", 4) != 0 && (r.any_address || r.prefix.bits == 128);
    *e = (struct endpoint){ r.prefix.ip, r.lo };
    *any = r.any_address;
    free(r.name);
    return good;
}

static int listener_open(const struct endpoint *e)
{
    struct sockaddr_storage host;
    socklen_t len;
    int on = 1;
    uint8_t family = ip_is_v4(&e->ip) ? FAMILY_INET4 : FAMILY_INET6;
    int fd = socket(family == FAMILY_INET4 ? AF_INET : AF_INET6,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    endpoint_to_host(e, family, &host, &len);
    if (bind(fd, (struct sockaddr *)&host, len) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool listen_one(struct wasi *w, const char *text, struct failure *why)
{
    static const uint8_t zero[4];
    struct endpoint e;
    bool any;
    char what[160], at[ENDPOINT_TEXT];
    snprintf(what, sizeof what, "--listen %.140s", text);
    if (!address_parse(text, &e, &any))
        return failure_set(
            why,
            "%s: not [ADDR]:PORT (write 127.0.0.1:8080, [::1]:8080, or :8080 for every address)",
            what);
    if (any)
        e.ip = (struct ip){ { 0 } };
    int host = listener_open(&e);
    if (host < 0 && any && errno == EAFNOSUPPORT) {
        e.ip = ip_from_v4(zero);
        host = listener_open(&e);
    }
    if (host < 0)
        return failure_set(why, "%s: %s", what, strerror(errno));
    if (!place(w, what, host, NET_TCP, "listen", NULL, why))
        return false;
    if (e.port == 0) {
        conn_local(&(struct desc){ .host = host }, &e);
        message("listening on %s", endpoint_text(&e, at));
    }
    return true;
}

/* Waits until it is, or has failed: the errno. */
static int connected(struct wasi *w, int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    int error = 0;
    socklen_t len = sizeof error;
    if (kick_ppoll(w->kick, &p, 1, -1) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return errno;
    return error;
}

static bool dial_one(struct wasi *w, const char *text, struct failure *why)
{
    struct endpoint e;
    struct sockaddr_storage host;
    socklen_t len;
    bool any;
    int on = 1;
    char what[160];
    snprintf(what, sizeof what, "--dial %.140s", text);
    if (!address_parse(text, &e, &any) || any || e.port == 0)
        return failure_set(why, "%s: not ADDR:PORT (write 127.0.0.1:6379 or [::1]:6379)", what);
    uint8_t family = ip_is_v4(&e.ip) ? FAMILY_INET4 : FAMILY_INET6;
    int fd = socket(family == FAMILY_INET4 ? AF_INET : AF_INET6,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return failure_set(why, "%s: %s", what, strerror(errno));
    endpoint_to_host(&e, family, &host, &len);
    int error = connect(fd, (struct sockaddr *)&host, len) < 0 ? errno : 0;
    if (error == EINPROGRESS)
        error = connected(w, fd);
    if (error)
        close(fd);
    if (error && kick_pending(w->kick))
        return true; /* the run is over before it began */
    if (error)
        return failure_set(why, "%s: %s", what, strerror(error));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return place(w, what, fd, NET_TCP, "dial", &e, why);
}

static bool passed_one(struct wasi *w, const struct passed *passed, struct failure *why)
{
    int type = 0, listening = 0, fd = passed->fd;
    socklen_t len = sizeof type;
    char what[40];
    snprintf(what, sizeof what, "--listen-fds, descriptor %d", fd);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
        (fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0)
        return failure_set(why, "%s: %s", what, strerror(errno));
    len = sizeof listening;
    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return place(w, what, fd, type == SOCK_DGRAM ? NET_UDP : NET_TCP,
                 listening ? "listen" : "passed", NULL, why);
}

bool net_preopen(struct wasi *w, const struct settings *c, struct failure *why)
{
    for (uint32_t i = 0; i < c->listen.n; i++)
        if (!listen_one(w, c->listen.at[i], why))
            return false;
    for (uint32_t i = 0; i < c->dial.n; i++)
        if (!dial_one(w, c->dial.at[i], why))
            return false;
    for (uint32_t i = 0; i < c->sockets.n; i++)
        if (!passed_one(w, &c->sockets.at[i], why))
            return false;
    return true;
}
