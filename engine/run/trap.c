/* Traps and backtraces.
 *
 * Compiled code keeps no frame pointers: a frame's size belongs to its function (struct
 * code_range), so the walk needs only the program counter and the stack pointer.  Wasm offsets are
 * not kept at all: to learn one, the function is compiled again (code_wasm_offset), which gives the
 * same code. */
#include "engine/assert.h"
#include "engine/run/code.h"
#include "engine/x64/target.h"

bool engine_fault(struct engine *e, const struct fault *f, uint64_t *pc, uint64_t *sp)
{
    if (!e->c_sp)
        return false;
    if (!f->is_page_fault)
        return false; /* compiled code checks all else itself */
    uint64_t lo = (uint64_t)(uintptr_t)e->env.stack_lo;
    bool stack = f->address < lo && f->sp <= lo + 65536 && f->address + (4u << 20) > lo;
    uint64_t at = f->pc, at_sp = f->sp;
    uint32_t func;
    /* its call found no room: the fault is the caller's */
    if (stack && code_trampoline_at(e, at, &func))
        at = frame_return(&at_sp);
    if (!code_find(e, at))
        return false;
    e->trap = stack ? TRAP_STACK : TRAP_MEMORY;
    e->trap_pc = at;
    e->trap_sp = at_sp;
    *pc = code_address(e, e->code->stub[STUB_EXIT]);
    *sp = e->c_sp;
    return true;
}

/* One frame up; false at the outermost.  Where an activation began, the walk goes on at the call
 * out of wasm that the activation is nested in. */
struct walk {
    struct engine *engine;
    uint64_t pc, sp;
    struct outer outer;
};

static bool walk_up(struct walk *w, const struct code_range *r)
{
    uint64_t hi = (uint64_t)(uintptr_t)w->engine->env.stack_hi;
    w->sp += r->frame;
    if (w->sp + FRAME_RETURN_BYTES > hi)
        return false;
    w->pc = frame_return(&w->sp);
    if (!frame_is_outermost(w->pc, code_address(w->engine, w->engine->code->stub[STUB_RETURN])))
        return true;
    w->sp = w->outer.wasm_sp;
    if (!w->sp || w->sp + FRAME_RETURN_BYTES > hi)
        return false;
    w->outer = w->outer.c_sp ? frame_outer(w->outer.c_sp) : (struct outer){0, 0};
    w->pc = frame_return(&w->sp);
    return true;
}

/* The function whose body has a byte: bodies stand in order. */
static uint32_t func_at(const struct module *m, uint32_t offset)
{
    uint32_t from = m->nimported_funcs, to = m->nfuncs;
    while (to - from > 1) {
        uint32_t middle = from + (to - from) / 2;
        *(m->funcs[middle].body <= offset ? &from : &to) = middle;
    }
    return from;
}

/* Puts a frame before number k; where there is no room the last frame of the head goes, or the
 * first one of the tail.  Which number comes next. */
static uint32_t frame_insert(struct frame *out, uint32_t *kept, uint32_t max, uint32_t k,
                             struct frame inner)
{
    uint32_t head = max - max / 2;
    if (*kept == max && k >= head) {
        for (uint32_t i = head; i + 1 < k; i++)
            out[i] = out[i + 1];
        if (k > head)
            out[k - 1] = inner;
        return k + 1;
    }
    uint32_t end = *kept < max ? (*kept)++ : head - 1;
    for (uint32_t i = end; i > k; i--)
        out[i] = out[i - 1];
    out[k] = inner;
    return k < end ? k + 2 : k + 1;
}

/* From code offsets to wasm's.  A callee whose body stands in place of its call has a frame. */
static uint32_t frames_locate(struct engine *e, struct frame *out, uint32_t kept, uint32_t max,
                              uint32_t *total)
{
    for (uint32_t k = 0; k < kept;) {
        struct code_range r = {.instance = out[k].instance, .func = out[k].func};
        uint32_t call, offset = code_wasm_offset(e, &r, out[k].offset, &call);
        out[k].offset = call ? call : offset;
        if (!call) {
            k++;
            continue;
        }
        *total += 1;
        struct frame inner = {r.instance, func_at(r.instance->module, offset), offset};
        k = frame_insert(out, &kept, max, k, inner);
    }
    return kept;
}

/* Keeps the first max - max / 2 frames and the last max / 2 where there are more. */
static uint32_t walk_frames(struct walk w, struct frame *out, uint32_t max, uint32_t *total)
{
    struct engine *e = w.engine;
    uint32_t head = max - max / 2, tail = max / 2, n = 0;
    for (const struct code_range *r = code_find(e, w.pc); r; r = code_find(e, w.pc)) {
        if (!r->is_thunk) {
            uint32_t at = n < head ? n : tail ? head + (n - head) % tail : UINT32_MAX;
            if (at != UINT32_MAX)
                out[at] = (struct frame){ r->instance, r->func,
                                          (uint32_t)(w.pc - code_address(e, r->start)) };
            n++;
        }
        if (!walk_up(&w, r))
            break;
    }
    ENGINE_ASSERT(head + tail == max);
    *total = n;
    uint32_t kept = n < max ? n : max;
    /* the ring starts at its oldest */
    for (uint32_t turn = n > max && tail ? (n - head) % tail : 0; turn; turn--) {
        struct frame first = out[head];
        for (uint32_t k = head; k + 1 < max; k++)
            out[k] = out[k + 1];
        out[max - 1] = first;
    }
    return frames_locate(e, out, kept, max, total);
}

uint32_t trap_frames(struct engine *e, struct frame *out, uint32_t max, uint32_t *total)
{
    *total = 0;
    if (!e->trap_pc)
        return 0;
    struct outer outer = {e->c_sp ? e->wasm_sp : 0, e->c_sp};
    return walk_frames((struct walk){e, e->trap_pc, e->trap_sp, outer}, out, max, total);
}

uint32_t live_frames(struct engine *e, uint64_t pc, uint64_t sp, struct frame *out, uint32_t max,
                     uint32_t *total)
{
    *total = 0;
    if (!e->c_sp)
        return 0;
    struct walk w = {e, pc, sp, frame_outer(e->c_sp)};
    if (!code_find(e, pc)) { /* in C, which wasm has called */
        w.sp = e->wasm_sp;
        if (w.sp + FRAME_RETURN_BYTES > (uint64_t)(uintptr_t)e->env.stack_hi)
            return 0;
        w.pc = frame_return(&w.sp);
    }
    return walk_frames(w, out, max, total);
}
