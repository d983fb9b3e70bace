/* What a host function may do while it runs: look at guest memory, call exports, wait.
 *
 * Which thread serves it, and how the guest is made to run an export in the middle of it, is the
 * run loop's matter (vcpu.c, ask.c, service.c). */
#include <poll.h>
#include <stdio.h>

#include "vmm/run/vcpu.h"

static int do_read(struct wasmvm_call *call, uint32_t ptr, void *dst, uint32_t len)
{
    return linear_read(call->mem, MAP_LINEAR + ptr, dst, len) ? 0 : -1;
}

static int do_write(struct wasmvm_call *call, uint32_t ptr, const void *src, uint32_t len)
{
    return linear_write(call->mem, MAP_LINEAR + ptr, src, len) ? 0 : -1;
}

static const volatile uint8_t *do_view(struct wasmvm_call *call, uint32_t ptr, uint32_t len)
{
    struct iovec view;
    return linear_span(call->mem, MAP_LINEAR + ptr, len, false, &view) ? view.iov_base : NULL;
}

static uint64_t do_mem_size(struct wasmvm_call *call)
{
    return call->mem->regions[REGION_LINEAR].bytes;
}

static void do_trap(struct wasmvm_call *call, const char *message)
{
    snprintf(call->trap, sizeof call->trap, "%s", message);
}

/* The letters that a call with values can have; the rest are vectors and references. */
static bool callable(const char *sig, uint32_t nargs)
{
    return sig_params(sig) == nargs && sig_results(sig) <= 1 && !strpbrk(sig, "vr");
}

static int do_call_export(struct wasmvm_call *call, const char *name, const wasmvm_val *args,
                          uint32_t nargs, wasmvm_val *result)
{
    char sig[CALL_WORDS];
    uint32_t func;
    uint64_t values[CALL_VALUES], given = 0;
    if (call->ended)
        return WASMVM_ENDED;
    int found = ask_export(call->vcpu, call->who, name, &func, sig);
    if (found == WASMVM_OK && !callable(sig, nargs))
        found = WASMVM_BAD_TYPE;
    if (found == WASMVM_OK) {
        for (uint32_t i = 0; i < nargs; i++)
            values[i] = sig_wide(sig[i]) ? args[i].u64 : args[i].u32;
        found = ask_call(call->vcpu, call->who, func, values, nargs, &given, sig_results(sig));
    }
    if (found == WASMVM_OK && result && sig_results(sig))
        result->u64 = sig_wide(sig[nargs + 1]) ? given : (uint32_t)given;
    call->ended = found == WASMVM_ENDED;
    return found;
}

static int do_wait(struct wasmvm_call *call, int fd, short events)
{
    struct kick *kick = call->vcpu->machine.kick;
    if (!events)
        return kick_pending(kick) ? WASMVM_ENDED : WASMVM_OK;
    for (;;) {
        if (kick_ppoll(kick, &(struct pollfd){.fd = fd, .events = events}, 1, -1) > 0)
            return WASMVM_OK;
        if (kick_pending(kick))
            return WASMVM_ENDED;
    }
}

const struct wasmvm_host host_here = {
    .size = sizeof host_here, .read = do_read, .write = do_write, .view = do_view,
    .mem_size = do_mem_size, .trap = do_trap, .call_export = do_call_export, .wait = do_wait,
};

/* ---- whoever serves the call ---- */

static const struct wasmvm_host *by(const struct wasmvm_call *call)
{
    return ((const struct call_head *)call)->by;
}

static int any_read(struct wasmvm_call *call, uint32_t ptr, void *dst, uint32_t len)
{
    return by(call)->read(call, ptr, dst, len);
}

static int any_write(struct wasmvm_call *call, uint32_t ptr, const void *src, uint32_t len)
{
    return by(call)->write(call, ptr, src, len);
}

static const volatile uint8_t *any_view(struct wasmvm_call *call, uint32_t ptr, uint32_t len)
{
    return by(call)->view(call, ptr, len);
}

static uint64_t any_mem_size(struct wasmvm_call *call)
{
    return by(call)->mem_size(call);
}

static void any_trap(struct wasmvm_call *call, const char *message)
{
    by(call)->trap(call, message);
}

static int any_call_export(struct wasmvm_call *call, const char *name, const wasmvm_val *args,
                           uint32_t nargs, wasmvm_val *result)
{
    return by(call)->call_export(call, name, args, nargs, result);
}

static int any_wait(struct wasmvm_call *call, int fd, short events)
{
    return by(call)->wait(call, fd, events);
}

void host_services(struct wasmvm_host *host)
{
    host->size = sizeof *host;
    host->read = any_read;
    host->write = any_write;
    host->view = any_view;
    host->mem_size = any_mem_size;
    host->trap = any_trap;
    host->call_export = any_call_export;
    host->wait = any_wait;
}
