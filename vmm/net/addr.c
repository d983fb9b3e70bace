/* Addresses: parsed strictly, printed one way, and turned into the kernel's form. */
#include "vmm/net/inside.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

bool ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->b, mapped, sizeof mapped) == 0;
}

struct ip ip_from_v4(const uint8_t b[4])
{
    struct ip ip;
    memcpy(ip.b, mapped, sizeof mapped);
    memcpy(ip.b + 12, b, 4);
    return ip;
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool ip_is_any(const struct ip *ip)
{
    static const uint8_t zero[16];
    return memcmp(ip->b + 12, zero, 4) == 0 && (ip_is_v4(ip) || memcmp(ip->b, zero, 12) == 0);
}

bool ip_parse(const char *text, struct ip *ip)
{
    uint8_t v4[4];
    if (inet_pton(AF_INET, text, v4) == 1) {
        *ip = ip_from_v4(v4);
        return true;
    }
    return inet_pton(AF_INET6, text, ip->b) == 1;
}

bool ip_looks_numeric(const char *text)
{
    size_t len = strlen(text);
    if (len && text[len - 1] == '.')
        len--;
    size_t last = len;
    while (last && text[last - 1] != '.')
        last--;
    if (last == len || strchr(text, ':'))
        return true;
    const char *label = text + last;
    size_t n = len - last;
    if (n > 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
        return strspn(label + 2, "0123456789abcdefABCDEF") >= n - 2;
    return strspn(label, "0123456789") >= n ||
           (n == 2 && label[0] == '0' && (label[1] | 32) == 'x');
}

bool prefix_holds(const struct prefix *p, const struct ip *ip)
{
    unsigned bytes = p->bits / 8, rest = p->bits % 8;
    if (memcmp(p->ip.b, ip->b, bytes) != 0)
        return false;
    return rest == 0 || ((p->ip.b[bytes] ^ ip->b[bytes]) >> (8 - rest)) == 0;
}

bool prefix_is_v4(const struct prefix *p)
{
    return p->bits >= IPV4_BITS && ip_is_v4(&p->ip);
}

const char *ip_text(const struct ip *ip, char out[ENDPOINT_TEXT])
{
    if (ip_is_v4(ip))
        inet_ntop(AF_INET, ip->b + 12, out, ENDPOINT_TEXT);
    else
        inet_ntop(AF_INET6, ip->b, out, ENDPOINT_TEXT);
    return out;
}

const char *endpoint_text(const struct endpoint *e, char out[ENDPOINT_TEXT])
{
    char ip[ENDPOINT_TEXT];
    ip_text(&e->ip, ip);
    snprintf(out, ENDPOINT_TEXT, ip_is_v4(&e->ip) ? "%.45s:%u" : "[%.45s]:%u", ip, e->port);
    return out;
}

bool endpoint_from_host(const struct sockaddr_storage *host, struct endpoint *e)
{
    if (host->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)host;
        e->ip = ip_from_v4((const uint8_t *)&in->sin_addr);
        e->port = ntohs(in->sin_port);
        return true;
    }
    if (host->ss_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)host;
    memcpy(e->ip.b, &in->sin6_addr, 16);
    e->port = ntohs(in->sin6_port);
    return true;
}

bool endpoint_to_host(const struct endpoint *e, uint8_t family, struct sockaddr_storage *host,
                      socklen_t *len)
{
    memset(host, 0, sizeof *host);
    if (family == FAMILY_INET6) {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)host;
        in->sin6_family = AF_INET6;
        in->sin6_port = htons(e->port);
        memcpy(&in->sin6_addr, e->ip.b, 16);
        *len = sizeof *in;
        return true;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)host;
    in->sin_family = AF_INET;
    in->sin_port = htons(e->port);
    memcpy(&in->sin_addr, e->ip.b + 12, 4);
    *len = sizeof *in;
    return ip_is_v4(&e->ip);
}
