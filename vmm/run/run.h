/* The face of run/: a machine runs, as a program or as a server of its exports, and host functions
 * are called. */
#ifndef VMM_RUN_RUN_H
#define VMM_RUN_RUN_H

#include "vmm/wasi/wasi.h"

/* ---- host.c ---- */
/* How each struct wasmvm_call begins: who serves what its function asks for. */
struct call_head { const struct wasmvm_host *by; };
/* The host's face for plug-ins, but for log and option, which each plug-in has its own of.  Its
 * functions find who serves in the call. */
void host_services(struct wasmvm_host *);

/* ---- ask.c ---- */
/* How far the calling thread's stack reaches, which host functions that nest will want to know: of
 * a process's first thread that is read in /proc, so it is read early. */
void ask_stack_look(void);

/* ---- vcpu.c: the run loop ---- */
/* Until the run is over.  false: a host function does not come back; machine and wasi must be left
 * alone. */
bool vcpu_run(struct vm *, struct wasi *, struct end *);

/* ---- exports.c: exports called from outside; any thread, one call at a time ---- */
struct exports { struct vcpu *vcpu; /* NULL: none runs */ };
/* Until the module waits for calls; false: the run is over instead, *end says why. */
bool exports_start(struct exports *, struct vm *, struct wasi *, struct end *);
/* The same of a machine that exports_stop has stopped, and that was taken back to that state: it
 * waits for calls. */
bool exports_resume(struct exports *, struct vm *, struct wasi *, struct end *);
/* WASMVM_OK, WASMVM_NO_EXPORT, WASMVM_BAD_TYPE (more than CALL_VALUES values), or WASMVM_ENDED:
 * *end says why.  sig has room for CALL_WORDS letters: v and r in it are vectors and references. */
int exports_find(struct exports *, const char *name, uint32_t *func, char *sig);
/* The function of exports_find, with as many values as its type says, each zero-extended; WASMVM_OK
 * or WASMVM_ENDED. */
int exports_call(struct exports *, uint32_t func, const uint64_t *args, uint32_t n,
                 uint64_t *results, uint32_t nresults);
void exports_stop(struct exports *); /* nothing where the run is over */

#endif
