/* The run as a table of contents: guest_main, called by start.S on the C stack at CPL 3. */
#include "guest/guest.h"
#include "wasi-shim/hypercall.h"

static bool flag(uint32_t boot_flag)
{
    return guest.control->boot.flags & boot_flag;
}

static struct module *module_load(void)
{
    struct module *module = module_parse(guest.engine, (const uint8_t *)MAP_MODULE,
                                         guest.control->boot.module_bytes);
    if (!module)
        end_error(engine_error(guest.engine));
    return module;
}

static void module_check(struct module *module)
{
    if (!module_validate(guest.engine, module))
        end_error(engine_error(guest.engine));
    if (flag(BOOT_VALIDATE_ONLY))
        end_run(END_EXIT, "", 0);
}

static void instance_make(struct module *module)
{
    enum trap trap = TRAP_NONE;
    guest.instance = instance_new(guest.engine, module, host_resolve, &guest.shim, &trap);
    if (guest.instance)
        return;
    const struct error *error = engine_error(guest.engine);
    if (error->kind == ERROR_NONE)
        end_trap(trap, " while the module's segments were placed");
    end_error(error);
}

static void instance_compile_all(void)
{
    for (uint32_t func = 0; instance_functype(guest.instance, func); func++)
        if (!func_compile(guest.instance, func))
            end_error(engine_error(guest.engine));
}

/* What runs first: a command's _start, a reactor's _initialize; a plain library may have neither.
 * It is found before an image is made, as names are bytes of the module. */
struct entry { uint32_t func; bool looked, found, reactor; };

static struct entry entry_look(void)
{
    struct entry entry = {.looked = true};
    entry.found = exports_func("_start", &entry.func);
    if (!entry.found)
        entry.found = entry.reactor = exports_func("_initialize", &entry.func);
    if (!entry.found)
        return entry;
    const struct functype *type = instance_functype(guest.instance, entry.func);
    if (type->nparams || type->nresults)
        end_run(END_UNSUPPORTED, entry.reactor
                ? "its _initialize takes arguments or gives results: it is not a WASI library"
                : "its _start takes arguments or gives results: it is not a WASI program", 0);
    return entry;
}

static struct entry entry_find(void)
{
    static struct entry entry;
    if (!entry.looked)
        entry = entry_look();
    return entry;
}

/* Before the module's first instruction: what the command line asks for must be there.  A module
 * may do all its work in its start section, and then has no entry. */
static struct entry run_prepare(void)
{
    uint32_t start;
    struct entry entry = entry_find();
    if (flag(BOOT_EXPORTS) && entry.found && !entry.reactor)
        end_run(
            END_UNSUPPORTED,
            "it is a command, whose exports are only callable while _start runs (for Go: build it "
            "with -buildmode=c-shared)",
            0);
    if (flag(BOOT_EXPORTS))
        return entry;
    if (guest.control->boot.func_args_off)
        invoke_prepare();
    else if (!entry.found && !instance_has_start(guest.instance, &start))
        end_run(END_UNSUPPORTED,
                "it has neither a _start export nor a start section: it is not a WASI program (for "
                "Go: build a package main with GOOS=wasip1 GOARCH=wasm; a library's functions are "
                "called by --invoke NAME)",
                0);
    return entry;
}

static void call(uint32_t func)
{
    struct cell none = {0};
    enum trap trap = func_call(guest.instance, func, &none);
    if (trap != TRAP_NONE)
        end_trap(trap, "");
}

/* The module's start function is its own code too: start-up ends before it. */
_Noreturn static void program_run(struct entry entry)
{
    uint32_t start;
    shim_publish(&guest.shim, guest.engine);
    if (!flag(BOOT_AGAIN))
        HYPERCALL(&guest.control->slot, ready);
    if (instance_has_start(guest.instance, &start))
        call(start);
    if (entry.found)
        call(entry.func);
    if (flag(BOOT_EXPORTS))
        host_wait();
    if (guest.control->boot.func_args_off)
        invoke_call();
    end_run(END_EXIT,
            entry.reactor
                ? "a library (reactor): it was initialized, nothing more (call an export by "
                  "--invoke NAME; for Go: build a program without -buildmode=c-shared)"
                : "",
            0);
}

static void mark(enum guest_mark which)
{
    guest.control->stats.marks_tsc[which] = __builtin_ia32_rdtsc();
}

/* The image is as it was behind save_start. */
_Noreturn static void program_resume(void)
{
    guest_reboot();
    for (enum guest_mark which = 0; which < GUEST_MARKS; which++)
        mark(which);
    if (flag(BOOT_SAVE))
        save_start();
    program_run(run_prepare());
}

_Noreturn void guest_main(void)
{
    guest.control = (struct control *)MAP_CONTROL;
    if (flag(BOOT_RESUME))
        program_resume();
    guest_boot();
    mark(MARK_ENGINE);
    struct module *module = module_load();
    mark(MARK_PARSED);
    if (flag(BOOT_VALIDATE | BOOT_VALIDATE_ONLY))
        module_check(module);
    instance_make(module);
    mark(MARK_LINKED);
    if (flag(BOOT_COMPILE_ALL))
        instance_compile_all();
    if (flag(BOOT_SAVE)) {
        entry_find();
        save_start();
    }
    program_run(run_prepare());
}
