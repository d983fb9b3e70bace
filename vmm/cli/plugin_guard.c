/* The guard: a thread that ends the process where a plug-in's code, which runs in it, does not
 * return.
 *
 * All else that a stop has to end waits where a kick reaches it, and the guest is the CPU's matter.
 * Code of a shared library can be left only with the process. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "vmm/cli/plugin.h"

#define LOOK_NS 250000000  /* between two looks at whether a stop is wanted */
#define GRACE_NS 250000000 /* from a stop to the end of the process */

struct guard {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool over;
    uint64_t deadline_ns;
    struct guard_hooks hooks;
};

/* When to look again; 0: the grace is over. */
static uint64_t look(const struct guard *g, uint64_t *wanted_since_ns)
{
    uint64_t now = clock_now_ns(), next = now + LOOK_NS;
    if (g->hooks.over && g->hooks.over())
        return next;
    if (g->deadline_ns && now >= g->deadline_ns && !*wanted_since_ns)
        *wanted_since_ns = g->deadline_ns;
    if (!*wanted_since_ns && g->hooks.wanted())
        *wanted_since_ns = now;
    if (*wanted_since_ns)
        next = *wanted_since_ns + GRACE_NS;
    else if (g->deadline_ns && g->deadline_ns + GRACE_NS < next)
        next = g->deadline_ns + GRACE_NS;
    return next > now ? next : 0;
}

static void *guard_main(void *context)
{
    struct guard *g = context;
    uint64_t wanted_since_ns = 0;
    pthread_mutex_lock(&g->lock);
    while (!g->over) {
        uint64_t until = look(g, &wanted_since_ns);
        if (!until)
            g->hooks.stuck();
        struct timespec t = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
        pthread_cond_timedwait(&g->ended, &g->lock, &t);
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

struct guard *guard_start(uint64_t deadline_ns, const struct guard_hooks *hooks)
{
    struct guard *g = malloc(sizeof *g);
    pthread_condattr_t clock;
    if (!g)
        return NULL;
    *g = (struct guard){.deadline_ns = deadline_ns, .hooks = *hooks};
    pthread_mutex_init(&g->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&g->ended, &clock);
    if (thread_start(&g->thread, NULL, guard_main, g) == 0)
        return g;
    free(g);
    return NULL;
}

void guard_end(struct guard *g)
{
    if (!g)
        return;
    pthread_mutex_lock(&g->lock);
    g->over = true;
    pthread_cond_signal(&g->ended);
    pthread_mutex_unlock(&g->lock);
    pthread_join(g->thread, NULL);
    pthread_cond_destroy(&g->ended);
    pthread_mutex_destroy(&g->lock);
    free(g);
}
