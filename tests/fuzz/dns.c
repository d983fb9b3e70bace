/* The fuzz target of DNS messages: what the program asks, what name servers answer, and what is
 * made of both.  The first two bytes say how long the question is and what is looked for; then
 * comes the question, then the answer. */
#include <stdlib.h>
#include <string.h>

#include "vmm/net/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MOST 4096

static void holds(bool good)
{
    if (!good)
        abort();
}

/* A name as questions have it: labels of small letters, digits, - and _ between dots. */
static void name_holds(const char *name)
{
    size_t n = strlen(name);
    holds(n > 0 && n < DNS_NAME_MAX && name[0] != '.' && name[n - 1] != '.' && !strstr(name, ".."));
    holds(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == n);
}

/* What we ask is read back as what was asked. */
static void query_round(const char *name, uint16_t type)
{
    uint8_t message[DNS_MESSAGE_MAX];
    struct dns_question q;
    size_t len = dns_query_build(message, 77, name, type);
    if (len == 0)
        return;
    holds(dns_question_parse(message, len, &q) && q.id == 77 && q.type == type &&
          strcmp(q.name, name) == 0);
}

/* What we answer has the addresses that fit. */
static void answer_round(const uint8_t *query, size_t len, const struct dns_question *q,
                         struct dns_address *a, int n, size_t cap)
{
    uint8_t out[MOST], rcode = 0;
    struct dns_address back[64];
    size_t made = dns_answer_build(out, cap, query, q, 0, a, n);
    holds(made <= cap && q->end <= len);
    if (made == 0)
        return;
    int got = dns_addresses_parse(out, made, q->type, back, 64, &rcode);
    bool asked = (q->type == DNS_A || q->type == DNS_AAAA) && q->class == 1;
    holds(got >= 0 && got <= n && rcode == 0);
    for (int i = 0; asked && i < got; i++)
        holds(q->type == DNS_A ? memcmp(back[i].ip.b + 12, a[i].ip.b + 12, 4) == 0
                               : ip_equal(&back[i].ip, &a[i].ip));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct dns_question q;
    struct dns_address a[64];
    uint8_t rcode;
    if (len < 2 || len > MOST)
        return -1;
    size_t part = data[0] * 2u < len - 2 ? data[0] * 2u : len - 2;
    uint16_t type = data[1] & 1 ? DNS_AAAA : DNS_A;
    /* Copies of their exact sizes, for who reads past the end. */
    uint8_t *query = memcpy(malloc(part + 1), data + 2, part), *reply = malloc(len - 2 - part + 1);
    query = realloc(query, part ? part : 1);
    memcpy(reply, data + 2 + part, len - 2 - part);
    reply = realloc(reply, len - 2 - part ? len - 2 - part : 1);
    int n = dns_addresses_parse(reply, len - 2 - part, type, a, data[1] >> 2, &rcode);
    holds(n <= data[1] >> 2);
    if (dns_question_parse(query, part, &q)) {
        name_holds(q.name);
        query_round(q.name, q.type);
        answer_round(query, part, &q, a, n > 0 ? n : 0, data[1] & 2 ? 512 : MOST);
    }
    free(query);
    free(reply);
    return 0;
}
