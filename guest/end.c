/* How a run ends: the reason and its words, handed to the monitor. */
#include "guest/guest.h"
#include "wasi-shim/hypercall.h"

static char buffer[16 << 10];

_Noreturn void end_run(enum end_reason reason, const char *text, uint32_t code)
{
    if (guest.engine)
        shim_publish(&guest.shim, guest.engine);
    for (;;)
        HYPERCALL(&guest.control->slot, end, .reason = reason, .text = (uint64_t)text,
                  .text_len = __builtin_strlen(text), .code = code);
}

static enum end_reason error_reason(enum error_kind kind)
{
    switch (kind) {
    case ERROR_MALFORMED: case ERROR_INVALID: return END_INVALID;
    case ERROR_UNSUPPORTED: case ERROR_LIMIT: case ERROR_LINK: return END_UNSUPPORTED;
    case ERROR_MEMORY: return END_LIMIT;
    case ERROR_NOMEM: return END_NOMEM;
    case ERROR_NONE: break;
    }
    return END_CRASH;
}

_Noreturn void end_error(const struct error *error)
{
    end_run(error_reason(error->kind), error->text, 0);
}

/* Some traps are ends of another kind. */
static enum end_reason trap_reason(enum trap trap)
{
    if (trap == TRAP_NOMEM)
        return END_NOMEM;
    if (trap != TRAP_BAD_BODY)
        return END_TRAP;
    enum error_kind kind = engine_error(guest.engine)->kind;
    return kind == ERROR_NONE ? END_INVALID : error_reason(kind);
}

static void add_stack_size(struct text *text)
{
    text_add(text, " (");
    text_add_number(text, guest.control->boot.stack_bytes >> 20);
    text_add(text, " MiB; --stack SIZE)");
}

_Noreturn void end_trap(enum trap trap, const char *during)
{
    struct text text = {.bytes = buffer, .cap = sizeof buffer};
    const struct error *error = engine_error(guest.engine);
    if (trap == TRAP_EXIT)
        end_run(END_EXIT, "", guest.shim.exit_code);
    if ((trap == TRAP_BAD_BODY || trap == TRAP_HOST || trap == TRAP_NOMEM) && error->text[0])
        text_add(&text, error->text);
    else
        text_add(&text, trap_text(trap));
    if (trap == TRAP_STACK)
        add_stack_size(&text);
    text_add(&text, during);
    if (trap_reason(trap) == END_TRAP)
        backtrace_trap(&text, guest.engine, trap);
    end_run(trap_reason(trap), text.bytes, 0);
}
