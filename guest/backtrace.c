/* Frames as text, innermost first, one indented line a frame: the module's own name of the function and the module byte
 * offset of the instruction. */
#include "guest/guest.h"

enum {
    LINES = 32,      /* of a backtrace, the line that counts the rest included */
    STACK_ENDS = 20, /* frames shown of either end where the stack was exhausted */
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

static void add_rest(struct text *text, uint32_t count)
{
    text_add(text, "\n    ... ");
    text_add_number(text, count);
    text_add(text, count == 1 ? " more frame" : " more frames");
}

static void add_frames(struct text *text, const struct frame *frames, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        add_frame(text, &frames[i]);
}

static void add_innermost(struct text *text, const struct frame *frames, uint32_t have, uint32_t total)
{
    if (total > have || have > LINES)
        have = have < LINES ? have : LINES - 1;
    add_frames(text, frames, have);
    if (total > have)
        add_rest(text, total - have);
}

void backtrace_trap(struct text *text, struct engine *engine, enum trap trap)
{
    struct frame frames[LINES];
    uint32_t total = 0, have = trap_frames(engine, frames, LINES, &total);
    (void)trap;
    add_innermost(text, frames, have, total);
}

void backtrace_live(struct text *text, struct engine *engine, uint64_t pc, uint64_t sp)
{
    struct frame frames[LINES];
    uint32_t total = 0, have = live_frames(engine, pc, sp, frames, LINES, &total);
    add_innermost(text, frames, have, total);
}
