/* The face of run/: a machine runs, as a program or as a server of its exports, and host functions are called. */
#ifndef VMM_RUN_RUN_H
#define VMM_RUN_RUN_H

#include "vmm/wasi/wasi.h"

/* ---- host.c ---- */
/* The host's face for plug-ins, but for log and option, which each plug-in has its own of. */
void host_services(struct wasmvm_host *);

/* ---- vcpu.c: the run loop ---- */
/* Until the run is over.  false: a host function does not come back; machine and wasi must be left alone. */
bool vcpu_run(struct vm *, struct wasi *, struct end *);

/* ---- exports.c: exports called from outside (config->serve); any thread, one call at a time ---- */
/* Until the module waits for calls; false: the run is over instead, *end says why. */
bool vm_serve_start(struct vm *, struct wasi *, struct end *);
/* WASMVM_OK, WASMVM_NO_EXPORT, WASMVM_BAD_TYPE (more than CALL_VALUES values), or WASMVM_ENDED: *end says why.  sig has
 * room for CALL_WORDS letters: v and r in it are vectors and references. */
int vm_find(struct vm *, const char *name, uint32_t *func, char *sig);
/* The function of vm_find, with as many values as its type says, each zero-extended; WASMVM_OK or WASMVM_ENDED. */
int vm_call(struct vm *, uint32_t func, const uint64_t *args, uint32_t n, uint64_t *results, uint32_t nresults);
void vm_serve_stop(struct vm *); /* nothing where the run is over */

#endif
