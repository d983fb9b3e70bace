/* DNS messages (RFC 1035): as much of them as a resolver needs that answers for addresses only.
 * They come from the guest and from the network, and are read with every length checked; a name in
 * the question is decoded, others are skipped. */
#include "vmm/net/inside.h"

#include <ctype.h>
#include <string.h>

enum {
    HEADER = 12,
    LABEL_MAX = 63,
    FLAG_ANSWER = 0x8000,
    FLAG_TRUNCATED = 0x0200,
    FLAG_WANT_RECURSION = 0x0100,
    FLAG_RECURSION = 0x0080,
    CLASS_IN = 1,
    TYPE_OPT = 41
};

/* A message being read, or written, from the front; past its end `bad` sticks. */
struct cursor { const uint8_t *at; size_t len, pos; bool bad; };

static unsigned get8(struct cursor *c)
{
    if (c->pos >= c->len)
        c->bad = true;
    return c->bad ? 0 : c->at[c->pos++];
}

static unsigned get16(struct cursor *c)
{
    unsigned high = get8(c);
    return high << 8 | get8(c);
}

static void skip(struct cursor *c, size_t n)
{
    if (n > c->len - c->pos)
        c->bad = true;
    else
        c->pos += n;
}

/* Labels, each of letters, digits, - and _: what names of hosts are made of. */
static bool name_get(struct cursor *c, char out[DNS_NAME_MAX])
{
    size_t n = 0;
    for (unsigned len; (len = get8(c)) != 0 && !c->bad;) {
        if (len > LABEL_MAX || n + len + 1 >= DNS_NAME_MAX)
            return false;
        if (n)
            out[n++] = '.';
        for (unsigned i = 0; i < len; i++) {
            unsigned char b = (unsigned char)get8(c);
            if (!isalnum(b) && b != '-' && b != '_')
                return false;
            out[n++] = (char)tolower(b);
        }
    }
    out[n] = 0;
    return !c->bad && n > 0;
}

static void name_skip(struct cursor *c)
{
    for (unsigned len; (len = get8(c)) != 0 && !c->bad;) {
        if (len >= 0xc0) {
            get8(c);
            return;
        }
        skip(c, len);
    }
}

bool dns_question_parse(const uint8_t *message, size_t len, struct dns_question *q)
{
    struct cursor c = { message, len, 0, false };
    q->id = (uint16_t)get16(&c);
    q->flags = (uint16_t)get16(&c);
    unsigned questions = get16(&c);
    skip(&c, 6);
    if (questions != 1 || !name_get(&c, q->name))
        return false;
    q->type = (uint16_t)get16(&c);
    q->class = (uint16_t)get16(&c);
    q->end = (uint16_t)c.pos;
    return !c.bad;
}

static bool record_address(const struct cursor *c, unsigned type, unsigned len, struct ip *ip)
{
    const uint8_t *data = c->at + c->pos;
    if ((type == DNS_A && len != 4) || (type == DNS_AAAA && len != 16) || len > c->len - c->pos)
        return false;
    if (type == DNS_A)
        *ip = ip_from_v4(data);
    else
        memcpy(ip->b, data, 16);
    return true;
}

int dns_addresses_parse(const uint8_t *message, size_t len, uint16_t type, struct dns_address *out,
                        int max, uint8_t *rcode)
{
    struct cursor c = { message, len, 0, false };
    struct dns_question q;
    int n = 0;
    if (!dns_question_parse(message, len, &q) || !(q.flags & FLAG_ANSWER))
        return -1;
    *rcode = q.flags & 15;
    c.pos = 6;
    unsigned answers = get16(&c);
    c.pos = q.end;
    for (unsigned i = 0; i < answers; i++) {
        name_skip(&c);
        unsigned record_type = get16(&c), class = get16(&c);
        uint32_t ttl_s = get16(&c) << 16;
        ttl_s |= get16(&c);
        unsigned size = get16(&c);
        if (c.bad)
            break;
        if (record_type == type && class == CLASS_IN && n < max) {
            if (!record_address(&c, type, size, &out[n].ip))
                return -1;
            out[n++].ttl_s = ttl_s;
        }
        skip(&c, size);
    }
    /* A truncated message ends in the middle of its records; what is whole in it counts. */
    return c.bad && !(q.flags & FLAG_TRUNCATED) ? -1 : n;
}

/* ---- writing ---- */

struct writer { uint8_t *at; size_t cap, pos; };

static void put16(struct writer *w, unsigned v)
{
    if (w->cap - w->pos < 2)
        return;
    w->at[w->pos++] = (uint8_t)(v >> 8);
    w->at[w->pos++] = (uint8_t)v;
}

static void put_bytes(struct writer *w, const void *from, size_t n)
{
    if (w->cap - w->pos < n)
        return;
    memcpy(w->at + w->pos, from, n);
    w->pos += n;
}

enum { RECORD_MOST = 28 }; /* an address behind a pointer to the question's name */

size_t dns_answer_build(uint8_t *out, size_t cap, const uint8_t *query,
                        const struct dns_question *q, uint8_t rcode, const struct dns_address *from,
                        int n)
{
    struct writer w = { out, cap, 0 };
    int fit = 0;
    while (fit < n && q->end + (size_t)(fit + 1) * RECORD_MOST <= cap)
        fit++;
    if (q->end > cap)
        return 0;
    put16(&w, q->id);
    put16(&w, FLAG_ANSWER | FLAG_RECURSION | (q->flags & FLAG_WANT_RECURSION) |
                  (fit < n ? FLAG_TRUNCATED : 0) | rcode);
    put16(&w, 1);
    put16(&w, (unsigned)fit);
    put16(&w, 0);
    put16(&w, 0);
    put_bytes(&w, query + HEADER, (size_t)q->end - HEADER);
    for (int i = 0; i < fit; i++) {
        bool v4 = q->type == DNS_A;
        put16(&w, 0xc000 | HEADER);
        put16(&w, q->type);
        put16(&w, CLASS_IN);
        put16(&w, from[i].ttl_s >> 16);
        put16(&w, from[i].ttl_s & 0xffff);
        put16(&w, v4 ? 4 : 16);
        put_bytes(&w, from[i].ip.b + (v4 ? 12 : 0), v4 ? 4 : 16);
    }
    return w.pos;
}

size_t dns_query_build(uint8_t out[DNS_MESSAGE_MAX], uint16_t id, const char *name, uint16_t type)
{
    struct writer w = { out, DNS_MESSAGE_MAX, 0 };
    static const uint8_t opt[] = {
        0, 0, TYPE_OPT, DNS_MESSAGE_MAX >> 8, DNS_MESSAGE_MAX & 255, 0, 0, 0, 0, 0, 0
    };
    put16(&w, id);
    put16(&w, FLAG_WANT_RECURSION);
    put16(&w, 1);
    put16(&w, 0);
    put16(&w, 0);
    put16(&w, 1);
    while (*name) {
        size_t len = strcspn(name, ".");
        if (len == 0 || len > LABEL_MAX)
            return 0;
        put_bytes(&w, &(uint8_t){ (uint8_t)len }, 1);
        put_bytes(&w, name, len);
        name += len + (name[len] == '.');
    }
    put_bytes(&w, "", 1);
    put16(&w, type);
    put16(&w, CLASS_IN);
    put_bytes(&w, opt, sizeof opt);
    return w.pos;
}
