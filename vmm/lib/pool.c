/* Pools: machines of one module that stand ready, each just before the module's first instruction.
 *
 * A machine that comes back is taken back; one that cannot be is freed, and another is made when it
 * is wanted. */
#include <pthread.h>
#include <stdlib.h>

#include "vmm/lib/lib.h"

struct wasmvm_pool {
    wasmvm_module *module;
    wasmvm_config *config;
    pthread_mutex_t lock; /* of what follows */
    wasmvm_instance **ready;
    uint32_t n, most;
    struct template *template; /* NULL: each machine has a snapshot of its own */
    bool learned;              /* the template has what a first run compiled */
};

/* ---- machines ---- */

/* By itself, with its snapshot; NULL: *error. */
static wasmvm_instance *make_alone(wasmvm_pool *p, wasmvm_error *error)
{
    wasmvm_instance *i = wasmvm_instance_new(p->module, p->config, error);
    if (i && wasmvm_snapshot(i, error) != WASMVM_OK) {
        wasmvm_instance_free(i);
        return NULL;
    }
    return i;
}

/* Takes over the hold on the template; nothing of the machine is there yet. */
static wasmvm_instance *begin_from(wasmvm_pool *p, struct template *t, wasmvm_error *error)
{
    wasmvm_instance *i = wasmvm_instance_new(p->module, p->config, error);
    if (!i) {
        template_drop(t);
        return NULL;
    }
    i->config.template = i->template = t;
    i->config.snapshot = true;
    return i;
}

static wasmvm_instance *prepared(wasmvm_instance *i, wasmvm_error *error)
{
    if (!i || wasmvm_prepare(i, error) == WASMVM_OK)
        return i;
    wasmvm_instance_free(i);
    return NULL;
}

static wasmvm_instance *make(wasmvm_pool *p, wasmvm_error *error)
{
    pthread_mutex_lock(&p->lock);
    struct template *t = p->template ? template_hold(p->template) : NULL;
    pthread_mutex_unlock(&p->lock);
    return t ? prepared(begin_from(p, t, error), error) : make_alone(p, error);
}

/* false: as many stand ready as may. */
static bool put(wasmvm_pool *p, wasmvm_instance *i)
{
    pthread_mutex_lock(&p->lock);
    bool room = p->n < p->most;
    if (room)
        p->ready[p->n++] = i;
    pthread_mutex_unlock(&p->lock);
    return room;
}

/* The one that all others are made from; it stands ready itself where they cannot be. */
static bool first_make(wasmvm_pool *p, wasmvm_error *error)
{
    wasmvm_instance *i = make_alone(p, error);
    if (!i)
        return false;
    p->template = template_new(i->vm);
    if (p->template)
        wasmvm_instance_free(i);
    else
        put(p, i);
    return true;
}

/* All of them.  To make a virtual machine takes Linux the longer, the more mappings the process
 * has: so all virtual machines come before the first one's memory. */
static bool fill(wasmvm_pool *p, wasmvm_error *error)
{
    while (p->template && p->n < p->most) {
        wasmvm_instance *i = begin_from(p, template_hold(p->template), error);
        if (!i)
            return false;
        vm_early(i->vm);
        put(p, i);
    }
    for (uint32_t k = 0; k < p->n && p->template; k++)
        if (wasmvm_prepare(p->ready[k], error) != WASMVM_OK)
            return false;
    while (p->n < p->most) {
        wasmvm_instance *i = make_alone(p, error);
        if (!i)
            return false;
        put(p, i);
    }
    return true;
}

wasmvm_pool *wasmvm_pool_new(wasmvm_module *module, wasmvm_config *config, uint32_t machines,
                             wasmvm_error *error)
{
    wasmvm_pool *p = calloc(1, sizeof *p);
    if (p)
        p->ready = calloc(machines + (size_t)1, sizeof(wasmvm_instance *));
    if (!p || !p->ready) {
        free(p);
        embed_error(error, WASMVM_E_HOST, "no memory for a pool");
        return NULL;
    }
    module_hold(p->module = module);
    config_hold(p->config = config);
    pthread_mutex_init(&p->lock, NULL);
    p->most = machines;
    if (!machines || (first_make(p, error) && fill(p, error)))
        return p;
    wasmvm_pool_free(p);
    return NULL;
}

static bool outdated(wasmvm_pool *p, const wasmvm_instance *i)
{
    pthread_mutex_lock(&p->lock);
    bool other = p->template && i->template != p->template;
    pthread_mutex_unlock(&p->lock);
    return other;
}

/* One of the template before would compile in its run what others need not. */
wasmvm_instance *wasmvm_pool_take(wasmvm_pool *p, wasmvm_error *error)
{
    pthread_mutex_lock(&p->lock);
    wasmvm_instance *i = p->n ? p->ready[--p->n] : NULL;
    pthread_mutex_unlock(&p->lock);
    if (i && outdated(p, i)) {
        wasmvm_instance_free(i);
        i = NULL;
    }
    return i ? i : make(p, error);
}

/* A first run tells which functions the next ones will want compiled: all machines that are made
 * from now on have them. */
static bool learn(wasmvm_pool *p, wasmvm_instance *i)
{
    if (wasmvm_snapshot(i, NULL) != WASMVM_OK)
        return false;
    struct template *t = template_new(i->vm), *before = NULL;
    pthread_mutex_lock(&p->lock);
    if (t) {
        before = p->template;
        p->template = t;
    }
    pthread_mutex_unlock(&p->lock);
    template_drop(before);
    return true;
}

/* Whether this is the run that teaches the pool; one that has no template teaches each machine. */
static bool teaches(wasmvm_pool *p, wasmvm_instance *i)
{
    pthread_mutex_lock(&p->lock);
    bool first = p->template ? !p->learned : i->resets == 0 && !i->learned;
    p->learned = true;
    pthread_mutex_unlock(&p->lock);
    i->learned = i->learned || first;
    return first;
}

static bool go_back(wasmvm_pool *p, wasmvm_instance *i)
{
    if (!snapshot_starts(i->vm)) /* its taker's own, of a module kept alive */
        return false;
    instance_end_alive(i);
    return teaches(p, i) ? learn(p, i) : outdated(p, i) || wasmvm_reset(i, NULL) == WASMVM_OK;
}

/* Stands at the start again, or NULL. */
static wasmvm_instance *renewed(wasmvm_pool *p, wasmvm_instance *i)
{
    bool good = go_back(p, i);
    if (good && !outdated(p, i))
        return i;
    wasmvm_instance_free(i);
    return good ? make(p, NULL) : NULL;
}

/* Whether another run would find what this taker did to one that stands at its start. */
static bool touched(wasmvm_instance *i)
{
    uint32_t number;
    return i->written || i->confined || kick_reason(vm_kick(i->vm), &number) != ENDED_NOT;
}

void wasmvm_pool_give(wasmvm_pool *p, wasmvm_instance *i)
{
    if (i && i->state != STATE_PREPARED)
        i = renewed(p, i);
    if (i)
        i->call_limit_ns = 0; /* its taker's */
    if (i && (touched(i) || !put(p, i)))
        wasmvm_instance_free(i);
}

void wasmvm_pool_free(wasmvm_pool *p)
{
    if (!p)
        return;
    while (p->n)
        wasmvm_instance_free(p->ready[--p->n]);
    template_drop(p->template);
    pthread_mutex_destroy(&p->lock);
    free(p->ready);
    wasmvm_module_free(p->module);
    wasmvm_config_free(p->config);
    free(p);
}
