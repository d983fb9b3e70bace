/* The guest's inside: what its C files share, grouped by the file that owns it.  The memory map is
 * abi.h's. */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include "engine/engine.h"
#include "wasi-shim/abi.h"
#include "wasi-shim/shim.h"

/* ---- boot.c: bring-up ---- */
/* The one global: the fault and quit entries find the engine through it. */
struct guest {
    struct control *control;
    struct engine *engine;     /* NULL until it is made */
    struct instance *instance; /* NULL until it is made */
    struct shim shim;
};
extern struct guest guest;
/* Makes the engine and what it stands on. */
void guest_boot(void);

/* Takes over the engine of an image, instead. */
void guest_reboot(void);

/* ---- main.c: the run, from the first C instruction to its end ---- */
_Noreturn void guest_main(void);

/* ---- save.c: an image of the state before the module's first instruction ---- */
/* Compiles the functions that the monitor names, and has the image made. */
void save_start(void);

/* ---- invoke.c: --invoke ---- */
/* Before the module's first instruction: what does not fit ends the run. */
void invoke_prepare(void);
/* Calls the export and hands its results to the monitor. */
_Noreturn void invoke_call(void);

/* ---- host.c: host functions, and exports that the host calls ---- */
/* A resolve_fn: WASI's functions (self is the shim), then the host's. */
bool host_resolve(void *self, struct name module, struct name field, enum extern_kind,
                  const struct functype *, struct extern_ref *out);
/* Does what the host wants, for ever. */
_Noreturn void host_wait(void);
bool exports_func(const char *name, uint32_t *func);

/* ---- memory.c: what the engine asks of its surroundings, on top of hypercalls ---- */
void memory_env(struct control *, struct engine_env *out);
/* Of the module's bytes none counts as there. */
void memory_module_forget(void);

/* ---- text.c: bounded text; what does not fit is left out, the terminating NUL always fits ---- */
struct text { char *bytes; size_t len, cap; };
void text_add(struct text *, const char *);
void text_add_number(struct text *, uint64_t);
void text_add_hex(struct text *, uint64_t);

/* ---- backtrace.c: frames as indented lines ---- */
/* Of the last trap.  Where the stack was exhausted: the first and last 20 frames, else at most 32
 * lines. */
void backtrace_trap(struct text *, struct engine *, enum trap);
/* Of wasm code stopped at pc and sp. */
void backtrace_live(struct text *, struct engine *, uint64_t pc, uint64_t sp);

/* ---- end.c: how a run ends, in words ---- */
_Noreturn void end_run(enum end_reason, const char *text, uint32_t code);
/* the engine refused the module  */
_Noreturn void end_error(const struct error *);
/* during: "" or " while ..."     */
_Noreturn void end_trap(enum trap, const char *during);

/* ---- quit.c ---- */
void quit_ready(struct control *);

#endif
