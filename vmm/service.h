/* The service thread's face (service.c), and what a test with a thread in the guest's place needs of it. */
#ifndef VMM_SERVICE_H
#define VMM_SERVICE_H

#include <pthread.h>

#include "vmm/vmm.h"

struct service {
    /* Set by the owner before service_init. */
    uint32_t *state, *polled;             /* the slot's, in guest memory */
    uint64_t *wait_ticks;
    bool (*serve)(void *, bool polled);   /* copies the request, serves it, writes the result; false: it is not done */
    void *context;
    int kick_signal;                      /* interrupts a call in service; 0 = none */

    /* service.c's own. */
    pthread_t thread;
    pthread_mutex_t lock;
    uint32_t wanted;                      /* futex: the thread is to poll */
    bool running, allowed, always, stopping, give_up;
    bool polling, there;                  /* a session is wanted or on; the thread has come to it */
    uint64_t exit_ns, tsc_khz;
    uint64_t rest_ns, not_before;
    uint32_t streak, misses;
    uint64_t polled_calls;                /* in this session; counted by the owner's serve */
    uint64_t cpu_ns;                      /* of the thread, after service_stop */
};

void service_init(struct service *, enum transport, uint64_t tsc_khz);
/* The guest has rung for a call, after guest_ns of running: it is served when this returns. counts: a WASI call. */
void service_doorbell(struct service *, bool counts, uint64_t guest_ns);
/* Waits for a call in service, then ends the thread for good. */
void service_stop(struct service *);

#endif
