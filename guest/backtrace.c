/* Frames as text, innermost first, one indented line a frame: the module's own name of the function
 * and the module byte offset of the instruction. */
#include "guest/guest.h"

enum {
    LINES = 32,       /* of a backtrace, a line for frames left out included                */
    STACK_LINES = 41, /* where the stack was exhausted: 20 frames of either end and the line */
    NAME_CAP = 160,
};

static void add_frame(struct text *text, const struct frame *frame)
{
    char name[NAME_CAP];
    func_name(frame->instance, frame->func, name, sizeof name);
    text_add(text, "\n    ");
    text_add(text, name);
    text_add(text, " at offset ");
    text_add_hex(text, frame->offset);
}

static void add_frames(struct text *text, const struct frame *frames, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        add_frame(text, &frames[i]);
}

static void add_left_out(struct text *text, uint32_t count)
{
    text_add(text, "\n    ... ");
    text_add_number(text, count);
    text_add(text, count == 1 ? " frame left out ..." : " frames left out ...");
}

/* Either end of the stack, where it has more frames than lines; the engine gave as many frames as
 * there are lines. */
static void add_backtrace(struct text *text, const struct frame *frames, uint32_t have,
                          uint32_t total)
{
    uint32_t inner = (have + 1) / 2;
    if (total <= have) {
        add_frames(text, frames, have);
        return;
    }
    add_frames(text, frames, inner - 1);
    add_left_out(text, total - have + 1);
    add_frames(text, frames + inner, have - inner);
}

void backtrace_trap(struct text *text, struct engine *engine, enum trap trap)
{
    struct frame frames[STACK_LINES];
    uint32_t total = 0,
             have = trap_frames(engine, frames, trap == TRAP_STACK ? STACK_LINES : LINES, &total);
    add_backtrace(text, frames, have, total);
}

void backtrace_live(struct text *text, struct engine *engine, uint64_t pc, uint64_t sp)
{
    struct frame frames[LINES];
    uint32_t total = 0, have = live_frames(engine, pc, sp, frames, LINES, &total);
    add_backtrace(text, frames, have, total);
}
