/* The inside of run/: what vcpu.c, ask.c, host.c and exports.c share. */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include "vmm/net/net.h"
#include "vmm/run/run.h"
#include "vmm/run/service.h"

/* Does `out` work at CPL 3?  Not known before the first doorbell, and KVMs differ (vcpu.c). */
enum probe { PROBE_OPEN, PROBE_OTHER_TYPE, PROBE_DONE };

#define EXPORTS_KNOWN 16

struct vcpu {
    struct machine machine;
    struct wasi *wasi;
    struct end *end;
    enum probe probe;
    bool quitting;
    bool paused;           /* the guest stands where a snapshot is taken */
    bool resumed;          /* it stands between two calls of its exports */
    unsigned quit_tries;
    struct service service;
    struct end polled_end; /* the end that the server's call brought; under the service's lock */
    struct request reply;  /* what came back of what the guest was asked for */
    bool replied;          /* ... on the vCPU's thread */
    unsigned hosts_open;   /* host functions that run, one within the other */
    /* to be counted */
    struct served_call { uint32_t number; bool due, polled; uint64_t began; } served;
    /* looked up already */
    struct export { char *name, *sig; uint32_t func; } exports[EXPORTS_KNOWN];
    pthread_t thread;      /* the vCPU's */
    uint64_t entered_ns;   /* CLOCK_MONOTONIC before the first instruction */
    uint64_t entered_cpu_ns; /* its thread's CPU time then */
    uint64_t guest_ns;     /* how long the last KVM_RUN took */
};

/* One call in progress: what a plug-in's wasmvm_call points to. */
struct wasmvm_call {
    struct call_head head;
    struct vcpu *vcpu;
    int who; /* enum server */
    struct guestmem *mem;
    bool ended;  /* the run is over */
    char trap[200];
};

#define SLOT_AT (MAP_CONTROL + offsetof(struct control, slot))

/* ---- host.c ---- */
extern const struct wasmvm_host host_here; /* serves the calls of a machine in this process */

/* ---- vcpu.c ---- */
void vcpu_begin(struct vcpu *, bool threadless);
/* the run cannot begin: `what`, errno, hint */
void vcpu_none(struct end *, const char *what, const char *hint);
void vcpu_step(struct vcpu *); /* enters the guest once */
/* Until the run is over.  On the vCPU's thread.  false: a host function does not come back
 * (service_stop). */
bool vcpu_loop(struct vcpu *);
__attribute__((format(printf, 3, 4)))
void vcpu_end(struct vcpu *, enum end_kind, const char *format, ...);
/* The same by the server, or by the vCPU's thread. */
__attribute__((format(printf, 3, 4)))
void vcpu_end_by(struct vcpu *, enum server, const char *format, ...);
/* A stop came: then no instruction of the guest's comes before the run's end. */
bool vcpu_stopped(struct vcpu *);

/* ---- ask.c: what the host wants of the guest ---- */
enum served ask_reply(struct vcpu *, const struct request *, enum server);
enum served ask_host(struct vcpu *, const struct request *, enum server);
/* The guest's export of that name: WASMVM_OK, WASMVM_NO_EXPORT, WASMVM_BAD_TYPE (too many values),
 * WASMVM_ENDED.  sig: at least CALL_WORDS bytes. */
int ask_find(struct vcpu *, enum server, const char *name, uint32_t *func, char *sig);
/* The same, remembered. */
int ask_export(struct vcpu *, enum server, const char *name, uint32_t *func, char *sig);
void ask_free(struct vcpu *);
/* Calls the function with n arguments for nresults results: WASMVM_OK or WASMVM_ENDED. */
int ask_call(struct vcpu *, enum server, uint32_t func, const uint64_t *args, uint32_t n,
             uint64_t *results, uint32_t nresults);

#endif
