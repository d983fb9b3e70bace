/* Networking's beginning and end: what the options say becomes the policy, the log, the resolver
 * and the open sockets. */
#include "vmm/net/inside.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOKUPS 2
#define ADDRESSES_MAX 32

/* A denied name is refused by the resolver, and its addresses of now are denied too. */
static bool denied_resolve(struct net *n, const struct rule *r, struct failure *why)
{
    static const uint16_t types[LOOKUPS] = { DNS_A, DNS_AAAA };
    struct dns_address a[ADDRESSES_MAX];
    uint8_t rcode;
    int found = 0;
    for (int t = 0; t < LOOKUPS; t++) {
        int got = dns_lookup(n->dns, r->name, types[t], true, a, ADDRESSES_MAX, &rcode);
        for (int i = 0; i < got; i++)
            if (!policy_answer_add(&n->policy, r->name, &a[i].ip, 0))
                return failure_set(
                    why, "--deny %s: too many addresses to remember (deny prefixes instead)",
                    r->text);
        found += got > 0 ? got : 0;
    }
    if (found == 0 && !kick_pending(n->kick))
        return failure_set(
            why,
            "--deny %s: the name cannot be resolved, so that its addresses are unknown "
            "(deny addresses instead)",
            r->text);
    return true;
}

static bool name_denied(const struct rule *r)
{
    return r->what == RULE_DENY && r->name;
}

static bool names_open(struct net *n, const struct settings *c, struct failure *why)
{
    bool denied = false;
    for (uint32_t i = 0; i < c->dns_server.n; i++) {
        struct endpoint unused; /* a bad value is told, whether names are allowed or not */
        if (!dns_server_parse(c->dns_server.at[i], &unused, why))
            return false;
    }
    for (uint32_t i = 0; i < n->policy.nrules; i++)
        denied |= name_denied(&n->policy.rules[i]);
    if ((n->names || denied) && !dns_start(n, c, why))
        return false;
    for (uint32_t i = 0; i < n->policy.nrules; i++)
        if (name_denied(&n->policy.rules[i]) && !denied_resolve(n, &n->policy.rules[i], why))
            return false;
    if (denied)
        dns_rest(
            n->dns); /* what the process gives up before the run, a thread of before would keep */
    return true;
}

static bool net_open(struct wasi *w, const struct config *config, struct failure *why)
{
    const struct settings *c = config->set;
    const struct words env = {(const char **)config->env, config->envc};
    struct net *n = w->net = calloc(1, sizeof *n);
    if (!n)
        return failure_set(why, "cannot start: no memory");
    n->kick = w->kick;
    n->log = SINK_NONE;
    n->lost = &w->records_lost;
    pthread_mutex_init(&n->log_lock, NULL);
    pthread_mutex_init(&n->rate_lock, NULL);
    n->idle = !settings_network(c);
    n->unix_ok = c->allow_unix;
    n->max_sockets = c->max_sockets ? (uint32_t)c->max_sockets : UINT32_MAX;
    n->max_rate = c->net_rate;
    n->max_bytes = c->net_bytes;
    n->buffer_bytes = (int)c->socket_buffer;
    n->names = c->allow_dns || c->net_all;
    n->cwd = words_env(&env, "PWD");
    const struct output log = { "--net-log ", c->net_log, config->module, config->writable,
                                .keep = true };
    int fd = -1;
    if (c->net_log && !output_open(&fd, &log, why))
        return false;
    sink_open(&n->log, fd);
    if (c->max_log)
        n->log.left = c->max_log;
    return policy_init(&n->policy, c, why) && names_open(n, c, why) && net_preopen(w, c, why);
}

static void net_end(struct wasi *w)
{
    etc_close(w);
    struct net *n = w->net;
    if (!n)
        return;
    dns_stop(n->dns);
    policy_free(&n->policy);
    log_close(n);
    pthread_mutex_destroy(&n->log_lock);
    pthread_mutex_destroy(&n->rate_lock);
    free(n);
    w->net = NULL;
}

const struct wasi_parts net_parts = {
    .handlers = net_handlers, .socket = &socket_ops, .open = net_open, .end = net_end,
};
