/* sock_getaddrinfo: names and services to addresses, into a chain that the guest has laid out.  The
 * resolver is the same that stands behind the guest's resolv.conf, with the same rules. */
#include "vmm/net/inside.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { AI_PASSIVE_FLAG = 1, AI_CANON = 2, AI_NUMERIC_HOST = 4, AI_NUMERIC_SERVICE = 8 };
enum {
    EAI_AGAIN_CODE = 78,
    EAI_FAMILY_CODE = 81,
    EAI_MEMORY_CODE = 82,
    EAI_NONAME_CODE = 84,
    EAI_SERVICE_CODE = 85,
    EAI_SOCKTYPE_CODE = 86
};
enum { PROTOCOL_TCP = 1, PROTOCOL_UDP = 2, ADDRLEN = 16, DATA_OLD = 14, DATA_FULL = 26 };
#define NAME_CAP 1024
#define FOUND_MAX 64

struct wasi_addrinfo {
    uint16_t flags;
    uint8_t family, socktype;
    uint32_t protocol, addrlen, addr, canonname, canonname_len, next;
};
struct wasi_sockaddr { uint32_t family, data_len, data; };
_Static_assert(sizeof(struct wasi_addrinfo) == 28 && sizeof(struct wasi_sockaddr) == 12, "layout");

struct lookup {
    char node[NAME_CAP], service[NAME_CAP];
    struct wasi_addrinfo hints;
    uint16_t port;
    struct ip found[FOUND_MAX];
    int nfound;
};

/* A string whose length may count a final NUL. */
static uint32_t text_read(struct wasi *w, uint64_t at, uint64_t len, char out[NAME_CAP])
{
    if (len >= NAME_CAP)
        return WASI_NAMETOOLONG;
    if (len && !linear_read(w->mem, at, out, len))
        return WASI_FAULT;
    out[len] = 0;
    if (len && out[len - 1] == 0)
        len--;
    return memchr(out, 0, len) ? WASI_INVAL : WASI_SUCCESS;
}

static uint32_t service_find(struct lookup *l)
{
    static const struct { const char *name; uint16_t port;
    } known[] = {
        { "http", 80 }, { "https", 443 },  { "domain", 53 },       { "ssh", 22 },
        { "smtp", 25 }, { "redis", 6379 }, { "postgresql", 5432 }, { "mysql", 3306 },
        { "ftp", 21 },  { "ldap", 389 },   { "ldaps", 636 },
    };
    const char *s = l->service;
    size_t len = strlen(s);
    if (len == 0)
        return WASI_SUCCESS;
    if (len <= 5 && strspn(s, "0123456789") == len && strtoul(s, NULL, 10) <= UINT16_MAX) {
        l->port = (uint16_t)strtoul(s, NULL, 10);
        return WASI_SUCCESS;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known && !(l->hints.flags & AI_NUMERIC_SERVICE);
         i++)
        if (strcmp(known[i].name, s) == 0) {
            l->port = known[i].port;
            return WASI_SUCCESS;
        }
    return EAI_SERVICE_CODE;
}

static void found_add(struct lookup *l, const struct ip *ip)
{
    if (l->nfound < FOUND_MAX)
        l->found[l->nfound++] = *ip;
}

static bool family_wanted(const struct lookup *l, uint8_t family)
{
    return l->hints.family == FAMILY_UNSPEC || l->hints.family == family;
}

/* localhost is known to all (RFC 6761); what the program may do there, the rules say. */
static bool is_localhost(const char *node)
{
    return strcasecmp(node, "localhost") == 0 || strcasecmp(node, "localhost.") == 0;
}

static uint32_t name_resolve(struct wasi *w, struct lookup *l)
{
    static const struct { uint8_t family; uint16_t type; } kinds[] = { { FAMILY_INET4, DNS_A },
                                                                       { FAMILY_INET6, DNS_AAAA } };
    struct dns_address a[FOUND_MAX / 2];
    uint8_t worst = RCODE_OK;
    if (!w->net->names) {
        net_tell(w->net, "lookup of %s refused: there is no resolver (--allow-dns)", l->node);
        net_record(w->net, &(struct net_record){ .event = "lookup",
                                                 .proto = NET_UDP,
                                                 .name = l->node,
                                                 .verdict = "refused" });
        return WASI_ACCES;
    }
    for (int k = 0; k < 2; k++) {
        uint8_t rcode;
        if (!family_wanted(l, kinds[k].family))
            continue;
        errno = 0;
        int n = dns_lookup(w->net->dns, l->node, kinds[k].type, false, a, FOUND_MAX / 2, &rcode);
        if (n < 0 && errno == EINTR)
            return WASI_INTR;
        if (n < 0 && rcode == RCODE_OK)
            rcode = RCODE_SERVFAIL;
        worst = rcode > worst ? rcode : worst;
        for (int i = 0; i < n; i++)
            found_add(l, &a[i].ip);
    }
    if (l->nfound)
        return WASI_SUCCESS;
    return worst == RCODE_REFUSED    ? WASI_ACCES
           : worst == RCODE_SERVFAIL ? EAI_AGAIN_CODE
                                     : EAI_NONAME_CODE;
}

static uint32_t node_resolve(struct wasi *w, struct lookup *l)
{
    static const uint8_t loopback[4] = { 127, 0, 0, 1 }, zero[4];
    struct ip ip;
    bool localhost = !(l->hints.flags & AI_NUMERIC_HOST) && is_localhost(l->node);
    if (!l->node[0] || localhost) {
        bool passive = !localhost && l->hints.flags & AI_PASSIVE_FLAG;
        ip = ip_from_v4(passive ? zero : loopback);
        if (family_wanted(l, FAMILY_INET4))
            found_add(l, &ip);
        if (family_wanted(l, FAMILY_INET6))
            found_add(l, &(struct ip){ { [15] = !passive } });
        return WASI_SUCCESS;
    }
    if (ip_parse(l->node, &ip)) {
        if (!family_wanted(l, strchr(l->node, ':') ? FAMILY_INET6 : FAMILY_INET4))
            return EAI_NONAME_CODE;
        found_add(l, &ip);
        return WASI_SUCCESS;
    }
    if ((l->hints.flags & AI_NUMERIC_HOST) || ip_looks_numeric(l->node))
        return EAI_NONAME_CODE;
    return name_resolve(w, l);
}

/* Fills one link of the chain; *next = the one after it. */
static uint32_t result_put(struct wasi *w, const struct lookup *l, const struct ip *ip, uint32_t at,
                           uint32_t *next)
{
    struct wasi_addrinfo info;
    struct wasi_sockaddr addr;
    uint8_t data[DATA_FULL] = { (uint8_t)(l->port >> 8), (uint8_t)l->port };
    if (!linear_read(w->mem, at, &info, sizeof info) ||
        !linear_read(w->mem, info.addr, &addr, sizeof addr) || !out_ok(w, at, sizeof info) ||
        !out_ok(w, info.addr, sizeof addr))
        return WASI_FAULT;
    bool v4 = ip_is_v4(ip);
    uint32_t room = addr.data_len == DATA_OLD ? DATA_FULL : addr.data_len, used = v4 ? 6 : 18;
    if (room < used)
        return EAI_MEMORY_CODE;
    if (!out_ok(w, addr.data, used))
        return WASI_FAULT;
    memcpy(data + 2, ip->b + (v4 ? 12 : 0), v4 ? 4 : 16);
    info.flags = l->hints.flags;
    info.family = v4 ? FAMILY_INET4 : FAMILY_INET6;
    info.socktype = l->hints.socktype;
    info.protocol = l->hints.protocol;
    info.addrlen = ADDRLEN;
    info.canonname_len = 0;
    addr.family = info.family;
    addr.data_len = used;
    out_put(w, addr.data, data, used);
    out_put(w, info.addr, &addr, sizeof addr);
    out_put(w, at, &info, sizeof info);
    *next = info.next;
    return WASI_SUCCESS;
}

static uint32_t hints_settle(struct wasi_addrinfo *h)
{
    if (h->family > FAMILY_INET6)
        return EAI_FAMILY_CODE;
    if (h->socktype > SOCKTYPE_STREAM || h->protocol > PROTOCOL_UDP)
        return EAI_SOCKTYPE_CODE;
    if (h->socktype == SOCKTYPE_ANY)
        h->socktype = h->protocol == PROTOCOL_UDP ? SOCKTYPE_DGRAM : SOCKTYPE_STREAM;
    if (h->protocol == 0)
        h->protocol = h->socktype == SOCKTYPE_DGRAM ? PROTOCOL_UDP : PROTOCOL_TCP;
    return WASI_SUCCESS;
}

uint32_t wasi_sock_getaddrinfo(struct wasi *w, const struct sock_getaddrinfo_args *args)
{
    struct lookup l = { .nfound = 0 };
    uint32_t at, count = 0;
    uint32_t err = text_read(w, args->node, args->node_len, l.node);
    if (!err)
        err = text_read(w, args->service, args->service_len, l.service);
    if (err)
        return err;
    if (!linear_read(w->mem, args->hints, &l.hints, sizeof l.hints) ||
        !linear_read(w->mem, args->results, &at, 4) || !out_ok(w, args->count_out, 4))
        return WASI_FAULT;
    if (!l.node[0] && !l.service[0])
        return EAI_NONAME_CODE;
    if (args->most == 0)
        return EAI_MEMORY_CODE;
    err = hints_settle(&l.hints);
    if (!err)
        err = service_find(&l);
    if (!err)
        err = node_resolve(w, &l);
    for (int i = 0; !err && i < l.nfound && count < args->most && at; i++) {
        err = result_put(w, &l, &l.found[i], at, &at);
        count += !err;
    }
    return err ? err : out_put(w, args->count_out, &count, 4);
}
