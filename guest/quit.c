/* The quit entry: the monitor, asked to end the run by SIGQUIT, sets the CPU to it wherever the
 * guest may be, on the fault handler's stack.  It tells the wasm backtrace, and the monitor ends
 * the run.  It never returns. */
#include "guest/guest.h"
#include "wasi-shim/hypercall.h"

static char buffer[12 << 10];

/* The monitor promises nothing about the stack pointer's alignment. */
__attribute__((force_align_arg_pointer, used)) _Noreturn static void quit(uint64_t pc, uint64_t sp)
{
    struct text text = {.bytes = buffer, .cap = sizeof buffer};
    if (guest.engine)
        backtrace_live(&text, guest.engine, pc, sp);
    for (;;)
        HYPERCALL(&guest.control->slot, backtrace, .text = (uint64_t)buffer, .text_len = text.len);
}

void quit_ready(struct control *control)
{
    control->quit_stack = FSTACK_TOP;
    control->quit_entry = (uint64_t)quit;
}
