/* A machine whose exports are called from outside, one after the other: its vCPU has a thread of
 * its own, and the thread that calls is the server meanwhile (service.c).
 *
 * Calls come from any thread, but only one at a time: that is the caller's business. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/run/vcpu.h"

static void *exports_main(void *context)
{
    struct vcpu *v = context;
    outlet_use(v->service.outlet);
    vcpu_loop(v);
    return NULL;
}

static bool thread_make(struct vcpu *v)
{
    errno = thread_start(&v->thread, NULL, exports_main, v);
    return errno == 0;
}

/* The run is over, or is to be: joins its thread. */
static void join(struct exports *e)
{
    pthread_join(e->vcpu->thread, NULL);
    ask_free(e->vcpu);
    free(e->vcpu);
    e->vcpu = NULL;
}

static bool begin(struct exports *e, struct vm *vm, struct wasi *wasi, struct end *end,
                  bool resumed)
{
    struct vcpu *v = e->vcpu = calloc(1, sizeof *v);
    if (!v)
        return vcpu_none(end, "no memory", "free some"), false;
    *v = (struct vcpu){
        .machine = vm_machine(vm), .wasi = wasi, .end = end, .resumed = resumed
    };
    vcpu_begin(v, true);
    if (resumed)
        service_resume(&v->service);
    else
        boot_exports(vm);
    if (thread_make(v))
        return true;
    free(v);
    e->vcpu = NULL;
    return vcpu_none(end, "no thread", "fewer machines, or ulimit -u"), false;
}

bool exports_resume(struct exports *e, struct vm *vm, struct wasi *wasi, struct end *end)
{
    return begin(e, vm, wasi, end, true);
}

bool exports_start(struct exports *e, struct vm *vm, struct wasi *wasi, struct end *end)
{
    if (!begin(e, vm, wasi, end, false))
        return false;
    if (service_await(&e->vcpu->service))
        return true;
    join(e);
    return false;
}

int exports_find(struct exports *e, const char *name, uint32_t *func, char *sig)
{
    if (!e->vcpu)
        return WASMVM_ENDED;
    int found = ask_find(e->vcpu, ON_SERVER, name, func, sig);
    if (found == WASMVM_ENDED)
        join(e);
    return found;
}

int exports_call(struct exports *e, uint32_t func, const uint64_t *args, uint32_t n,
                 uint64_t *results, uint32_t nresults)
{
    if (!e->vcpu)
        return WASMVM_ENDED;
    int called = ask_call(e->vcpu, ON_SERVER, func, args, n, results, nresults);
    if (called == WASMVM_ENDED)
        join(e);
    return called;
}

void exports_stop(struct exports *e)
{
    if (!e->vcpu)
        return;
    service_stop(&e->vcpu->service);
    join(e);
}
