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
};

/* With its snapshot; NULL: *error. */
static wasmvm_instance *make(wasmvm_pool *p, wasmvm_error *error)
{
    wasmvm_instance *i = wasmvm_instance_new(p->module, p->config, error);
    if (i && wasmvm_snapshot(i, error) != WASMVM_OK) {
        wasmvm_instance_free(i);
        return NULL;
    }
    return i;
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
    while (p->n < machines) {
        wasmvm_instance *i = make(p, error);
        if (!i) {
            wasmvm_pool_free(p);
            return NULL;
        }
        put(p, i);
    }
    return p;
}

wasmvm_instance *wasmvm_pool_take(wasmvm_pool *p, wasmvm_error *error)
{
    pthread_mutex_lock(&p->lock);
    wasmvm_instance *i = p->n ? p->ready[--p->n] : NULL;
    pthread_mutex_unlock(&p->lock);
    return i ? i : make(p, error);
}

/* A machine's first run tells which functions its next ones will want compiled. */
void wasmvm_pool_give(wasmvm_pool *p, wasmvm_instance *i)
{
    if (!i)
        return;
    bool unused = i->state == STATE_PREPARED;
    bool first = i->resets == 0 && !i->learned;
    bool good = unused || (first ? wasmvm_snapshot(i, NULL) : wasmvm_reset(i, NULL)) == WASMVM_OK;
    i->learned = i->learned || !unused;
    if (!good || !put(p, i))
        wasmvm_instance_free(i);
}

void wasmvm_pool_free(wasmvm_pool *p)
{
    if (!p)
        return;
    while (p->n)
        wasmvm_instance_free(p->ready[--p->n]);
    pthread_mutex_destroy(&p->lock);
    free(p->ready);
    wasmvm_module_free(p->module);
    wasmvm_config_free(p->config);
    free(p);
}
