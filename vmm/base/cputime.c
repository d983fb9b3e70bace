/* The CPU time that a limit counts: the whole process's, or that of the threads that work for one
 * machine; and that of processes which hold a plug-in's library.
 *
 * A process's clock says it all.  Threads enter and leave: the sum is of those that are there, and
 * of what the others took.  No clock tells when a sum is reached, so whoever waits for that looks
 * again after cputime_slice, the least time in which all threads together could use up what is
 * left. */
#include <assert.h>

#include "vmm/base/base.h"

#define SLICE_LEAST_NS 5000000u
/* of a process that may have any number: how many run at a time, for the slice alone */
#define PROCESS_THREADS 4

void cputime_open(struct cputime *c, uint64_t limit_ns, uint64_t process_from_ns)
{
    *c = (struct cputime){.limit_ns = limit_ns, .process_from_ns = process_from_ns};
    pthread_mutex_init(&c->lock, NULL);
}

void cputime_renew(struct cputime *c)
{
    pthread_mutex_lock(&c->lock);
    c->gone_ns = 0;
    pthread_mutex_unlock(&c->lock);
}

static struct cputime_thread *own(struct cputime *c)
{
    for (unsigned i = 0; i < CPUTIME_THREADS; i++)
        if (c->threads[i].depth && pthread_equal(c->threads[i].id, pthread_self()))
            return &c->threads[i];
    return NULL;
}

static struct cputime_thread *unused(struct cputime *c)
{
    unsigned i = 0;
    while (i < CPUTIME_THREADS && c->threads[i].depth)
        i++;
    assert(i < CPUTIME_THREADS); /* those of a machine are few, and known */
    return &c->threads[i];
}

void cputime_enter(struct cputime *c)
{
    if (!c->limit_ns || c->process_from_ns)
        return;
    pthread_mutex_lock(&c->lock);
    struct cputime_thread *t = own(c);
    if (!t) {
        t = unused(c);
        *t = (struct cputime_thread){ .id = pthread_self(),
                                      .from_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) };
        pthread_getcpuclockid(t->id, &t->clock);
    }
    t->depth++;
    pthread_mutex_unlock(&c->lock);
}

void cputime_leave(struct cputime *c)
{
    if (!c->limit_ns || c->process_from_ns)
        return;
    pthread_mutex_lock(&c->lock);
    struct cputime_thread *t = own(c);
    assert(t);
    if (--t->depth == 0)
        c->gone_ns += clock_ns(t->clock) - t->from_ns;
    pthread_mutex_unlock(&c->lock);
}

void cputime_process(struct cputime *c, pid_t pid)
{
    if (c->nprocesses < CPUTIME_PROCESSES &&
        clock_getcpuclockid(pid, &c->processes[c->nprocesses]) == 0)
        c->nprocesses++;
}

static uint64_t processes_used(const struct cputime *c)
{
    uint64_t sum = 0;
    struct timespec t;
    for (unsigned i = 0; i < c->nprocesses; i++)
        if (clock_gettime(c->processes[i], &t) == 0)
            sum += (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    return sum;
}

/* What was used, and by how many threads it goes on. */
static uint64_t used(struct cputime *c, unsigned *threads)
{
    uint64_t sum = processes_used(c);
    *threads = PROCESS_THREADS;
    if (c->process_from_ns)
        return sum + clock_ns(CLOCK_PROCESS_CPUTIME_ID) - c->process_from_ns;
    *threads = c->nprocesses;
    pthread_mutex_lock(&c->lock);
    sum += c->gone_ns;
    for (unsigned i = 0; i < CPUTIME_THREADS; i++) {
        if (!c->threads[i].depth)
            continue;
        ++*threads;
        sum += clock_ns(c->threads[i].clock) - c->threads[i].from_ns;
    }
    pthread_mutex_unlock(&c->lock);
    return sum;
}

static uint64_t left(struct cputime *c, unsigned *threads)
{
    *threads = 1;
    if (!c->limit_ns)
        return UINT64_MAX;
    uint64_t sum = used(c, threads);
    return sum < c->limit_ns ? c->limit_ns - sum : 0;
}

bool cputime_over(struct cputime *c)
{
    unsigned threads;
    return left(c, &threads) == 0;
}

uint64_t cputime_slice(struct cputime *c)
{
    unsigned threads;
    uint64_t ns = left(c, &threads);
    if (!c->limit_ns)
        return UINT64_MAX;
    ns /= threads ? threads : 1;
    return ns > SLICE_LEAST_NS ? ns : SLICE_LEAST_NS;
}
