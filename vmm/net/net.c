/* Networking's beginning and end: what the options say becomes the policy, the log, the resolver and the open
 * sockets. */
#include "vmm/net/inside.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOKUPS 2
#define ADDRESSES_MAX 32

/* A denied name is refused by the resolver, and its addresses of now are denied too. */
static void denied_resolve(struct net *n, const struct rule *r)
{
    static const uint16_t types[LOOKUPS] = { DNS_A, DNS_AAAA };
    struct dns_address a[ADDRESSES_MAX];
    uint8_t rcode;
    int found = 0;
    for (int t = 0; t < LOOKUPS; t++) {
        int got = dns_lookup(n->dns, r->name, types[t], true, a, ADDRESSES_MAX, &rcode);
        for (int i = 0; i < got; i++)
            if (!policy_answer_add(&n->policy, r->name, &a[i].ip, 0))
                fail("--deny %s: too many addresses to remember (deny prefixes instead)", r->text);
        found += got > 0 ? got : 0;
    }
    if (found == 0 && !kick_pending(n->kick))
        fail("--deny %s: the name cannot be resolved, so that its addresses are unknown (deny addresses instead)",
             r->text);
}

static bool names_denied(const struct policy *p)
{
    for (uint32_t i = 0; i < p->nrules; i++)
        if (p->rules[i].what == RULE_DENY && p->rules[i].name)
            return true;
    return false;
}

void net_open(struct wasi *w, const struct config *config)
{
    const struct settings *c = config->set;
    const struct words env = {(const char **)config->env, config->envc};
    struct net *n = calloc(1, sizeof *n);
    if (!n)
        fail("cannot start: no memory");
    w->net = n;
    n->kick = w->kick;
    n->log = -1;
    pthread_mutex_init(&n->log_lock, NULL);
    n->unix_ok = c->allow_unix;
    n->max_sockets = c->max_sockets ? (uint32_t)c->max_sockets : UINT32_MAX;
    n->max_rate = c->net_rate;
    n->max_bytes = c->net_bytes;
    n->names = c->allow_dns || c->net_all;
    n->log = c->net_log ? output_open(config->module, "--net-log ", c->net_log, true) : -1;
    n->cwd = words_env(&env, "PWD");
    policy_init(&n->policy, c);
    for (uint32_t i = 0; i < c->dns_server.n; i++) {
        struct endpoint unused; /* a bad value is told, whether names are allowed or not */
        dns_server_parse(c->dns_server.at[i], &unused);
    }
    bool denied = names_denied(&n->policy);
    if (n->names || denied)
        dns_start(n, c);
    for (uint32_t i = 0; i < n->policy.nrules && denied; i++)
        if (n->policy.rules[i].what == RULE_DENY && n->policy.rules[i].name)
            denied_resolve(n, &n->policy.rules[i]);
    net_preopen(w, c);
}

void net_end(struct wasi *w)
{
    struct net *n = w->net;
    if (!n)
        return;
    dns_stop(n->dns);
    policy_free(&n->policy);
    if (n->log >= 0)
        close(n->log);
    pthread_mutex_destroy(&n->log_lock);
    free(n);
    w->net = NULL;
}
