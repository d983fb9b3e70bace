/* Faults at CPL 3, handed on by entry.S: a wasm trap goes on where the engine says, all else is a
 * broken engine. */
#include "guest/fault.h"
#include "guest/guest.h"
#include "wasi-shim/hypercall.h"

enum { VECTOR_PF = 14 };

_Noreturn static void crash(const struct guest_fault *fault)
{
    struct crash *crash = &guest.control->crash;
    *crash = (struct crash){
        .vector = fault->vector, .error_code = fault->error_code, .cr2 = fault->cr2,
        .rip = fault->rip, .rsp = fault->rsp, .rflags = fault->rflags,
    };
    __builtin_memcpy(crash->gpr, fault->gpr, sizeof crash->gpr);
    for (;;)
        doorbell_ring(DOORBELL_CRASH);
}

_Noreturn void guest_fault(struct guest_fault *state)
{
    struct fault fault = {
        .pc = state->rip,
        .sp = state->rsp,
        .address = state->cr2,
        .is_page_fault = state->vector == VECTOR_PF,
    };
    uint64_t pc, sp;
    if (guest.engine && engine_fault(guest.engine, &fault, &pc, &sp))
        guest_continue(pc, sp);
    crash(state);
}
