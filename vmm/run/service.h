/* Who serves the slot (service.c): its face, and what a test with a thread in the guest's place
 * needs of it. */
#ifndef VMM_SERVICE_H
#define VMM_SERVICE_H

#include <pthread.h>

#include "vmm/base/base.h"
#include "wasi-shim/abi.h"

/* The two that may serve a request: the vCPU's thread, at a doorbell; or the server, a thread that
 * polls: the service thread, or a caller of an export (service_ask). */
enum server { ON_VCPU, ON_SERVER };

enum served {
    /* the result is written: the guest may have its slot back                              */
    SERVED_DONE,
    SERVED_NOT, /* not done: the run is over, or it is the vCPU's thread's matter */
    /* the answer to what the host wanted of the guest: the host keeps the slot              */
    SERVED_KEPT,
    SERVED_HANDED, /* on the vCPU's thread alone: it is the server's matter */
};

struct service {
    /* Set by the owner before service_init. */
    uint32_t *state, *polled;             /* the slot's, in guest memory */
    uint64_t *wait_ticks;
    /* copies the request, serves it, writes the result */
    enum served (*serve)(void *, enum server);
    /* after serve(), when the guest runs already; NULL = nothing to do */
    void (*served)(void *);
    /* the vCPU's thread shall wait for the server no longer; NULL = never */
    bool (*stop_wanted)(void *);
    void *context;
    unsigned cpus_before; /* of the thread that made the machine; 0: that could not be told */
    /* one that the thread does not block; 0 = none, but for a test */
    int kick_signal;
    struct cputime *cputime;              /* where its thread's CPU time counts; NULL = nowhere */
    bool patient;                         /* service_stop waits for host functions, however long */
    /* there is no service thread: callers of exports are the servers */
    bool threadless;

    /* service.c's own. */
    struct outlet *outlet;                /* where its thread's words go */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;               /* rung, open or stopping changed */
    uint32_t wanted;                      /* futex: the thread is to poll */
    bool running, allowed, always, stopping, give_up;
    bool polling, there;                  /* a session is wanted or on; the thread has come to it */
    /* the vCPU's thread waits until the server has answered */
    bool rung;
    /* a request is in the server's hands while the lock is not */
    bool open;
    /* ... for as long as nobody wants anything of the guest */
    bool idle;
    bool shown;                           /* what *polled says */
    /* the guest was asked for so many things, one within the other */
    unsigned asks;
    enum server asker;                    /* by whom, innermost */
    uint64_t exit_ns, tsc_khz;
    uint64_t rest_ns, not_before;
    uint32_t streak, misses;
    uint64_t polled_calls;                /* in this session; counted by the owner's serve */
    /* rdtsc after the last call; the owner's serve keeps it */
    uint64_t last;
    uint64_t looked;                      /* ticks of it, in this session */
    uint64_t cpu_ns;                      /* of the thread, after service_stop */
};

void service_init(struct service *, enum transport, uint64_t tsc_khz);
/* The guest has rung for a call, after guest_ns of running: it is served when this returns, or the
 * run is over. counts: one of the calls that start the thread where they come thick. */
void service_doorbell(struct service *, bool counts, uint64_t guest_ns);
/* Of a machine that is taken back, instead of service_await: its guest has asked before, and the
 * server has the slot.  The vCPU's thread then waits for the answer before it enters the guest;
 * false: the run is over. */
void service_resume(struct service *);
bool service_wait(struct service *);
/* The run is over: waits for a call in service, then ends the thread for good.  false: a host
 * function does not come back within STOP_PATIENCE_NS; the thread and all that it may touch must be
 * left alone. */
bool service_stop(struct service *);

/* Within serve(). */
/* a host function is the server's matter          */
bool service_hands_over(const struct service *);
/* round a host function: the lock is open         */
void service_open(struct service *);
void service_shut(struct service *);

/* ---- the guest is asked for something ---- */
/* By the server.  Gives the slot, whose answer the caller has written, back to the guest, and
 * serves what the guest wants until serve() says SERVED_KEPT.  false: the run is over.  Without the
 * lock, at a time when the server has the slot: within a host function, or idle. */
bool service_ask(struct service *);
/* The same at the start, before the guest has asked for anything: waits for its first SERVED_KEPT.
 */
bool service_await(struct service *);
/* By the vCPU's thread, within a host function: gives the slot back; the caller runs the guest
 * until serve() says SERVED_KEPT.  Returns who asked before; service_asked_here puts it back. */
enum server service_ask_here(struct service *);
void service_asked_here(struct service *, enum server before);

#endif
