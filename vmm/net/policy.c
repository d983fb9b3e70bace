/* The policy: rules, protected ranges, and what they say to an address.
 *
 * Nothing is allowed but by a rule.  Deny rules are looked at first, wherever they stood.  An
 * address in a protected range (loopback, this host, link-local, unique-local, metadata services,
 * multicast, broadcast, what translators take) is allowed only by a rule whose prefix lies wholly
 * inside that range, so that 0.0.0.0/0 never means them; an IPv6 address that carries an IPv4 one
 * is as protected as what it carries.  A name in a rule means the addresses that our resolver last
 * gave for it, and never a protected or a private one: what a name stands for is up to its owner.
 */
#include "vmm/net/inside.h"

#include <ctype.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER_KEPT_S 3600 /* beyond its time to live, as programs keep addresses longer */
#define FOREVER UINT64_MAX /* addresses that are denied, for the whole run */
#define OWN_OLD_S 5

/* ---- protected ranges ---- */

#define V4(a, b, c, d, len)                                                                        \
    {                                                                                              \
        { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d } }, IPV4_BITS + (len)            \
    }
static const struct range fixed[] = {
    { V4(0, 0, 0, 0, 8), RANGE_HOST },           /* this network; 0.0.0.0 is a way to loopback */
    { V4(127, 0, 0, 0, 8), RANGE_HOST },         /* loopback */
    { V4(169, 254, 0, 0, 16), RANGE_NEVER },     /* link-local; most clouds' metadata */
    { V4(100, 100, 100, 200, 32), RANGE_NEVER }, /* metadata: Alibaba */
    { V4(168, 63, 129, 16, 32), RANGE_NEVER },   /* metadata: Azure */
    { V4(192, 0, 0, 192, 32), RANGE_NEVER },     /* metadata: Oracle */
    { V4(224, 0, 0, 0, 4), RANGE_NEVER },        /* multicast */
    { V4(255, 255, 255, 255, 32), RANGE_NEVER }, /* broadcast */
    { { { { 0 } }, 128 }, RANGE_HOST },          /* :: */
    { { { { [15] = 1 } }, 128 }, RANGE_HOST },   /* ::1 */
    { { { { 0xfe, 0x80 } }, 10 }, RANGE_NEVER }, /* link-local */
    { { { { 0xff } }, 8 }, RANGE_NEVER },        /* multicast */
    /* metadata: Amazon */
    { { { { 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54 } }, 128 }, RANGE_NEVER },
    { { { { 0xfd, 0x20, 0x00, 0xce, [14] = 0x02, 0x54 } }, 128 }, RANGE_NEVER }, /* Google */
    { { { { 0xfd, 0x00, 0x00, 0x42, [15] = 0x42 } }, 128 }, RANGE_NEVER },       /* Scaleway */
    /* Oracle */
    { { { { 0xfd, 0x00, 0x00, 0xc1, [12] = 0xa9, 0xfe, 0xa9, 0xfe } }, 128 }, RANGE_NEVER },
    { { { { 0xfe, 0xc0 } }, 10 }, RANGE_NEVER },                    /* site-local, of old */
    /* translated, NAT64 of one's own */
    { { { { 0x00, 0x64, 0xff, 0x9b, 0, 1 } }, 48 }, RANGE_NEVER },
    { { { { 0x20, 0x01, 0, 0 } }, 32 }, RANGE_NEVER },              /* Teredo: IPv4, in disguise */
    { { { { 0xfc } }, 7 }, RANGE_HOST },                            /* unique-local */
};

/* Not protected, but no name means them: what a name stands for is up to its owner. */
static const struct prefix private[] = {
    V4(10, 0, 0, 0, 8), V4(172, 16, 0, 0, 12), V4(192, 168, 0, 0, 16), V4(100, 64, 0, 0, 10),
};

/* IPv6 prefixes whose addresses carry an IPv4 address, and at which byte. */
static const struct { struct prefix prefix; uint8_t at; } carriers[] = {
    { { { { 0x00, 0x64, 0xff, 0x9b } }, 96 }, 12 }, /* NAT64 */
    { { { { 0x20, 0x02 } }, 16 }, 2 },              /* 6to4 */
    { { { { 0 } }, 96 }, 12 },                      /* v4-compatible */
    { { { { [8] = 0xff, 0xff } }, 96 }, 12 },       /* translated, SIIT */
};

/* ISATAP, below any prefix: an interface's number of 0 or 2, 0, 5e, fe, and the IPv4 address. */
static bool is_isatap(const struct ip *ip)
{
    return (ip->b[8] & ~2u) == 0 && ip->b[9] == 0 && ip->b[10] == 0x5e && ip->b[11] == 0xfe;
}

static bool is_private(const struct ip *ip)
{
    for (size_t i = 0; i < sizeof private / sizeof *private; i++)
        if (prefix_holds(&private[i], ip))
            return true;
    return false;
}

/* The IPv4 address inside an IPv6 one that is not itself IPv4; *at = its first byte. */
static bool carried(const struct ip *ip, struct ip *v4, uint8_t *at)
{
    for (size_t i = 0; i < sizeof carriers / sizeof *carriers; i++)
        if (prefix_holds(&carriers[i].prefix, ip)) {
            *at = carriers[i].at;
            *v4 = ip_from_v4(ip->b + *at);
            return true;
        }
    *at = 12;
    *v4 = ip_from_v4(ip->b + *at);
    return !ip_is_v4(ip) && is_isatap(ip);
}

static bool range_plain(struct policy *p, const struct ip *ip, struct range *out)
{
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (prefix_holds(&fixed[i].prefix, ip)) {
            *out = fixed[i];
            return true;
        }
    bool found = false;
    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < p->nown && !found; i++) {
        found = prefix_holds(&p->own[i].prefix, ip);
        *out = p->own[i];
    }
    pthread_mutex_unlock(&p->lock);
    return found;
}

bool range_find(struct policy *p, const struct ip *ip, struct range *out)
{
    struct ip v4;
    uint8_t at;
    if (range_plain(p, ip, out))
        return true;
    if (!carried(ip, &v4, &at) || !range_plain(p, &v4, out))
        return false;
    out->prefix = (struct prefix){ *ip, (uint8_t)(8 * at + out->prefix.bits - IPV4_BITS) };
    return true;
}

static uint64_t now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec;
}

static void own_add(struct range *own, uint32_t *n, const struct sockaddr *address,
                    enum range_kind kind)
{
    struct sockaddr_storage host = { 0 };
    struct endpoint e;
    if (!address || (address->sa_family != AF_INET && address->sa_family != AF_INET6))
        return;
    memcpy(&host, address,
           address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in));
    endpoint_from_host(&host, &e);
    own[(*n)++] = (struct range){ { e.ip, 128 }, kind };
}

/* The interfaces' addresses in place of those known before. */
static bool own_read(struct policy *p)
{
    struct ifaddrs *all;
    uint32_t n = 0;
    if (getifaddrs(&all) != 0)
        return false;
    for (struct ifaddrs *i = all; i; i = i->ifa_next)
        n++;
    /* an address and its broadcast each */
    struct range *own = calloc(2 * (size_t)n + 1, sizeof *own);
    n = 0;
    for (struct ifaddrs *i = own ? all : NULL; i; i = i->ifa_next) {
        own_add(own, &n, i->ifa_addr, RANGE_HOST);
        if (i->ifa_flags & IFF_BROADCAST)
            own_add(own, &n, i->ifa_broadaddr, RANGE_NEVER);
    }
    freeifaddrs(all);
    if (!own)
        return false;
    free(p->own);
    p->own = own;
    p->nown = n;
    return true;
}

bool policy_own_refresh(struct policy *p)
{
    uint64_t now = now_s();
    if (!p->own_matters)
        return true;
    pthread_mutex_lock(&p->lock);
    bool fresh = p->own && now < p->own_read_s + OWN_OLD_S;
    if (!fresh && own_read(p))
        p->own_read_s = now;
    bool known = p->own;
    pthread_mutex_unlock(&p->lock);
    return known;
}

/* ---- rules ---- */

static bool number_parse(const char *text, unsigned long most, unsigned long *out)
{
    if (!*text || strlen(text) > 5 || text[strspn(text, "0123456789")] ||
        (text[0] == '0' && text[1]))
        return false;
    *out = strtoul(text, NULL, 10);
    return *out <= most;
}

/* PORT or LO-HI. */
static bool ports_parse(struct rule *r, char *text)
{
    unsigned long lo, hi;
    char *dash = strchr(text, '-');
    if (dash)
        *dash = 0;
    if (!number_parse(text, 65535, &lo) || !number_parse(dash ? dash + 1 : text, 65535, &hi) ||
        lo > hi)
        return false;
    r->lo = (uint16_t)lo;
    r->hi = (uint16_t)hi;
    return true;
}

/* ADDRESS or ADDRESS/LEN. */
static bool cidr_parse(struct rule *r, char *text, const char **why)
{
    unsigned long len;
    char *slash = strchr(text, '/');
    if (slash)
        *slash = 0;
    if (!ip_parse(text, &r->prefix.ip)) {
        *why = "not an address in the usual form (four decimal numbers without leading zeros, or "
               "[IPv6])";
        return false;
    }
    bool v4 = !strchr(text, ':');
    unsigned most = v4 ? 32 : 128;
    if (slash && !number_parse(slash + 1, most, &len)) {
        *why = v4 ? "the prefix is not 0 to 32 bits long" : "the prefix is not 0 to 128 bits long";
        return false;
    }
    r->prefix.bits = (uint8_t)((slash ? len : most) + (v4 ? IPV4_BITS : 0));
    struct ip masked = { { 0 } };
    for (unsigned i = 0; i < r->prefix.bits; i++)
        masked.b[i / 8] |= r->prefix.ip.b[i / 8] & (0x80u >> i % 8);
    if (!ip_equal(&masked, &r->prefix.ip)) {
        *why = "the address has bits beyond its prefix";
        return false;
    }
    return true;
}

static bool name_parse(struct rule *r, const char *text, const char **why)
{
    size_t len = strlen(text);
    bool good = len > 0 && len < DNS_NAME_MAX - 1 && text[0] != '.' && !strstr(text, "..");
    for (size_t i = 0; i < len; i++)
        good = good && (isalnum((unsigned char)text[i]) || strchr("-._", text[i]));
    *why = "neither an address nor a name (IPv6 stands in brackets)";
    if (!good)
        return false;
    r->name = strdup(text);
    for (char *c = r->name; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (r->name && r->name[len - 1] == '.')
        r->name[len - 1] = 0;
    return r->name;
}

static bool host_parse(struct rule *r, char *host, bool bracketed, const char **why)
{
    if (!*host) {
        r->any_address = true;
        *why = "HOST is missing (0.0.0.0/0 or [::/0] is every address)";
        return r->what != RULE_CONNECT;
    }
    if (bracketed || strchr(host, '/') || ip_looks_numeric(host))
        return cidr_parse(r, host, why);
    return name_parse(r, host, why);
}

/* Takes the text apart in place. */
static bool parts_parse(struct rule *r, char *text, const char **why)
{
    static const struct { const char *word; enum net_proto proto; } protos[] = {
        { "tcp:", NET_TCP }, { "udp:", NET_UDP },
    };
    for (size_t i = 0; i < 2; i++)
        if (strncmp(text, protos[i].word, 4) == 0) {
            r->proto = protos[i].proto;
            text += 4;
            break;
        }
    bool bracketed = text[0] == '[';
    char *host = bracketed ? text + 1 : text;
    char *end = strchr(host, bracketed ? ']' : ':');
    char *port = NULL;
    if (bracketed) {
        *why = "the bracket is not closed, or does not hold an IPv6 address";
        if (!end || !memchr(host, ':', (size_t)(end - host)))
            return false;
        *end++ = 0;
        *why = "only :PORT may follow the bracket";
        if (*end && *end != ':')
            return false;
        port = *end ? end + 1 : NULL;
    } else if (end) {
        *end = 0;
        port = end + 1;
    }
    *why = "the port is not PORT or LO-HI, from 0 to 65535 (IPv6 stands in brackets)";
    if (port && !ports_parse(r, port))
        return false;
    return host_parse(r, host, bracketed, why);
}

bool rule_parse(struct rule *r, enum rule_what what, const char *text, const char **why)
{
    *r = (struct rule){ .what = what, .lo = 0, .hi = 65535, .text = text };
    r->proto = what == RULE_DENY ? NET_BOTH : NET_TCP;
    char *copy = strdup(text);
    *why = "no memory";
    bool good = copy && parts_parse(r, copy, why);
    free(copy);
    if (!good) {
        free(r->name);
        r->name = NULL;
    }
    return good;
}

static const char *const option_names[] = {
    [RULE_CONNECT] = "--allow-connect", [RULE_LISTEN] = "--allow-listen", [RULE_DENY] = "--deny",
};

static bool is_localhost(const struct rule *r)
{
    return r->name && strcmp(r->name, "localhost") == 0;
}

static bool rule_add(struct policy *p, const struct rule *r, struct failure *why)
{
    struct rule *rules = realloc(p->rules, (p->nrules + 1) * sizeof *rules);
    if (!rules) {
        free(r->name);
        return failure_set(why, "no memory for the network rules");
    }
    p->rules = rules;
    p->rules[p->nrules++] = *r;
    return true;
}

/* localhost is the one name that means the same everywhere (RFC 6761): 127.0.0.1 and ::1. */
static bool localhost_add(struct policy *p, struct rule *r, struct failure *why)
{
    static const uint8_t loopback[4] = { 127, 0, 0, 1 };
    free(r->name);
    r->name = NULL;
    r->prefix = (struct prefix){ ip_from_v4(loopback), 128 };
    if (!rule_add(p, r, why))
        return false;
    r->prefix = (struct prefix){ { { [15] = 1 } }, 128 };
    return rule_add(p, r, why);
}

/* Takes the rule, or frees what it holds. */
static bool rule_take(struct policy *p, struct rule *r, const char *text, bool names,
                      struct failure *why)
{
    if (is_localhost(r))
        return localhost_add(p, r, why);
    bool no_address = r->name && r->what == RULE_LISTEN,
         no_names = r->name && r->what == RULE_CONNECT && !names;
    if (!no_address && !no_names)
        return rule_add(p, r, why);
    free(r->name);
    return failure_set(
        why,
        no_address ? "--allow-listen %s: a name cannot be listened on (write an address)"
                   : "--allow-connect %s: a rule with a name needs the resolver (add --allow-dns)",
        text);
}

static bool rules_take(struct policy *p, enum rule_what what, const struct words *words, bool names,
                       struct failure *why)
{
    for (uint32_t i = 0; i < words->n; i++) {
        struct rule r;
        const char *wrong;
        if (!rule_parse(&r, what, words->at[i], &wrong))
            return failure_set(why, "%s %s: %s", option_names[what], words->at[i], wrong);
        if (!rule_take(p, &r, words->at[i], names, why))
            return false;
    }
    return true;
}

/* Whether this host's own addresses decide about anything.  Where every allow rule names one
 * address they do not, as such a rule means that address, whosever it is; nor where nothing is
 * allowed. */
static bool own_matters(const struct policy *p)
{
    for (uint32_t i = 0; i < p->nrules; i++) {
        const struct rule *r = &p->rules[i];
        if (r->what != RULE_DENY && (r->name || (!r->any_address && r->prefix.bits < 128)))
            return true;
    }
    return p->all || p->any_name;
}

bool policy_servers_add(struct policy *p, const struct endpoint *servers, unsigned n,
                        struct failure *why)
{
    for (unsigned i = 0; p->all && i < n; i++) {
        const struct rule r = { .what = RULE_CONNECT,
                                .proto = NET_BOTH,
                                .prefix = { servers[i].ip, 128 },
                                .lo = servers[i].port,
                                .hi = servers[i].port,
                                .text = "/etc/resolv.conf" };
        if (!rule_add(p, &r, why))
            return false;
    }
    return true;
}

bool policy_init(struct policy *p, const struct settings *c, struct failure *why)
{
    *p = (struct policy){ .all = c->net_all };
    pthread_mutex_init(&p->lock, NULL);
    p->any_name = c->net_all || (c->allow_dns && strcmp(c->allow_dns, "any") == 0);
    bool names = c->net_all || c->allow_dns;
    if (!rules_take(p, RULE_DENY, &c->deny, names, why) ||
        !rules_take(p, RULE_CONNECT, &c->allow_connect, names, why) ||
        !rules_take(p, RULE_LISTEN, &c->allow_listen, names, why))
        return false;
    p->own_matters = own_matters(p);
    if (!policy_own_refresh(p))
        return failure_set(
            why, "the network cannot be opened: this host's own addresses are unknown: %s",
            strerror(errno));
    return true;
}

void policy_free(struct policy *p)
{
    for (uint32_t i = 0; i < p->nrules; i++)
        free(p->rules[i].name);
    for (uint32_t i = 0; i < p->nanswers; i++)
        free(p->answers[i].name);
    free(p->rules);
    free(p->own);
    pthread_mutex_destroy(&p->lock);
}

/* ---- verdicts ---- */

static bool proto_fits(const struct rule *r, enum net_proto proto)
{
    return r->proto == NET_BOTH || r->proto == proto;
}

/* An IPv6 prefix shorter than the mapped one does not mean IPv4: [::/0] is IPv6's. */
static bool rule_holds_ip(const struct rule *r, const struct ip *ip)
{
    return r->any_address ||
           (prefix_is_v4(&r->prefix) == ip_is_v4(ip) && prefix_holds(&r->prefix, ip));
}

static bool answer_holds(struct policy *p, const char *name, const struct ip *ip)
{
    bool found = false;
    uint64_t now = now_s();
    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < p->nanswers && !found; i++)
        found = ip_equal(&p->answers[i].ip, ip) && p->answers[i].until_s > now &&
                strcmp(p->answers[i].name, name) == 0;
    pthread_mutex_unlock(&p->lock);
    return found;
}

/* Whether an allow rule covers the address, whatever the port. */
static bool rule_covers(struct policy *p, const struct rule *r, const struct ip *ip, bool protected,
                        const struct range *range)
{
    if (r->name)
        return !protected && !is_private(ip) && answer_holds(p, r->name, ip);
    if (r->any_address) /* --allow-listen :PORT means 0.0.0.0 and :: */
        return ip_is_any(ip);
    return rule_holds_ip(r, ip) && (!protected || r->prefix.bits >= range->prefix.bits);
}

static bool denies_plain(struct policy *p, const struct rule *r, const struct ip *ip)
{
    return r->name ? answer_holds(p, r->name, ip) : rule_holds_ip(r, ip);
}

/* Also what the address carries.  So --deny 0.0.0.0 means ::, where a socket may take IPv4 too. */
static bool denies_ip(struct policy *p, const struct rule *r, const struct ip *ip)
{
    struct ip v4;
    uint8_t at;
    return denies_plain(p, r, ip) || (carried(ip, &v4, &at) && denies_plain(p, r, &v4));
}

static bool port_fits(const struct rule *r, uint16_t port)
{
    return port >= r->lo && port <= r->hi;
}

/* A client's UDP socket is bound to all addresses at a port of the kernel's choice.  Who may be
 * talked to by UDP may be talked to so: a datagram's sender and receiver are checked one by one. */
static const struct rule *rule_of_client(const struct policy *p, enum net_use use,
                                         enum net_proto proto, const struct endpoint *e)
{
    if (use != USE_LISTEN || proto != NET_UDP || e->port || !ip_is_any(&e->ip))
        return NULL;
    for (uint32_t i = 0; i < p->nrules; i++)
        if (p->rules[i].what == RULE_CONNECT && proto_fits(&p->rules[i], NET_UDP))
            return &p->rules[i];
    return NULL;
}

bool policy_check(struct policy *p, enum net_use use, enum net_proto proto,
                  const struct endpoint *e, const struct rule **by)
{
    struct range range;
    *by = NULL;
    if (!p->nrules && !p->all) /* the usual run: this host's addresses are not even looked for */
        return false;
    policy_own_refresh(p);
    bool protected = range_find(p, &e->ip, &range);
    for (uint32_t i = 0; i < p->nrules; i++) {
        *by = &p->rules[i];
        if ((*by)->what == RULE_DENY && proto_fits(*by, proto) && port_fits(*by, e->port) &&
            denies_ip(p, *by, &e->ip))
            return false;
    }
    enum rule_what wanted = use == USE_CONNECT ? RULE_CONNECT : RULE_LISTEN;
    for (uint32_t i = 0; i < p->nrules; i++) {
        *by = &p->rules[i];
        if ((*by)->what == wanted && proto_fits(*by, proto) && port_fits(*by, e->port) &&
            rule_covers(p, *by, &e->ip, protected, &range))
            return true;
    }
    *by = rule_of_client(p, use, proto, e);
    return *by || (p->all && (!protected || range.kind == RANGE_HOST));
}

const struct rule *policy_denies_peer(struct policy *p, enum net_proto proto, const struct ip *ip)
{
    for (uint32_t i = 0; i < p->nrules; i++) {
        const struct rule *r = &p->rules[i];
        if (r->what == RULE_DENY && proto_fits(r, proto) && r->lo == 0 && r->hi == 65535 &&
            denies_ip(p, r, ip))
            return r;
    }
    return NULL;
}

const char *policy_hint(enum net_use use, enum net_proto proto, const struct endpoint *e, char *out,
                        size_t cap)
{
    char at[ENDPOINT_TEXT];
    snprintf(out, cap, "%s %s%s", option_names[use == USE_CONNECT ? RULE_CONNECT : RULE_LISTEN],
             proto == NET_UDP ? "udp:" : "", endpoint_text(e, at));
    return out;
}

/* ---- names ---- */

enum name_verdict policy_name(const struct policy *p, const char *name)
{
    enum name_verdict verdict = p->any_name ? NAME_ANY : NAME_REFUSED;
    for (uint32_t i = 0; i < p->nrules; i++) {
        const struct rule *r = &p->rules[i];
        if (!r->name || strcmp(r->name, name) != 0)
            continue;
        if (r->what == RULE_DENY && r->lo == 0 && r->hi == 65535)
            return NAME_REFUSED;
        if (r->what == RULE_CONNECT)
            verdict = NAME_IN_RULE;
    }
    return verdict;
}

bool policy_answer_ok(struct policy *p, const struct ip *ip)
{
    struct range range;
    policy_own_refresh(p);
    bool protected = range_find(p, ip, &range);
    if ((!protected && !is_private(ip)) || (p->all && (!protected || range.kind == RANGE_HOST)))
        return true;
    for (uint32_t i = 0; i < p->nrules; i++) {
        const struct rule *r = &p->rules[i];
        if (r->what == RULE_CONNECT && !r->name && rule_covers(p, r, ip, protected, &range))
            return true;
    }
    return false;
}

static struct answer *answer_find(struct policy *p, const char *name, const struct ip *ip)
{
    for (uint32_t i = 0; i < p->nanswers; i++)
        if (ip_equal(&p->answers[i].ip, ip) && strcmp(p->answers[i].name, name) == 0)
            return &p->answers[i];
    return NULL;
}

/* A place for one more: the oldest goes, but none that denies. */
static struct answer *answer_room(struct policy *p)
{
    if (p->nanswers < ANSWERS_MAX)
        return &p->answers[p->nanswers++];
    for (uint32_t i = 0; i < ANSWERS_MAX; i++) {
        struct answer *old = &p->answers[p->next_answer++ % ANSWERS_MAX];
        if (old->until_s != FOREVER) {
            free(old->name);
            return old;
        }
    }
    return NULL;
}

bool policy_answer_add(struct policy *p, const char *name, const struct ip *ip, uint32_t ttl_s)
{
    bool ruled = false, denied = false;
    for (uint32_t i = 0; i < p->nrules; i++)
        if (p->rules[i].name && strcmp(p->rules[i].name, name) == 0) {
            ruled = true;
            denied = denied || p->rules[i].what == RULE_DENY;
        }
    if (!ruled)
        return true;
    uint64_t until = denied ? FOREVER : now_s() + ttl_s + ANSWER_KEPT_S;
    pthread_mutex_lock(&p->lock);
    struct answer *a = answer_find(p, name, ip);
    char *copy = a ? NULL : strdup(name);
    if (copy && !(a = answer_room(p)))
        free(copy);
    else if (copy)
        *a = (struct answer){ *ip, copy, until };
    else if (a && a->until_s < until)
        a->until_s = until;
    pthread_mutex_unlock(&p->lock);
    return a;
}
