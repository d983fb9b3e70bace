/* Host functions as the module's imports, and the exports that the host calls: abi.h's enum
 * slot_answer.
 *
 * A call leaves by `host`; what comes back is its value, its trap, or a wish of the host's (CALL,
 * FIND), which is met here and answered in its turn, so that both nest.  A run of exports
 * \(BOOT_EXPORTS\) only waits for wishes. */
#include "guest/guest.h"
#include "wasi-shim/hypercall.h"

static uint32_t depth; /* exports that run by the host's wish, one within the other */

static const char *string_at(uint32_t offset)
{
    return (const char *)guest.control + offset;
}

static const struct host_import *imports(void)
{
    return (const struct host_import *)((const char *)guest.control + guest.control->boot.host_off);
}

/* Where `count` values lie. */
static uint64_t *values_at(uint64_t *args, uint32_t room, uint32_t count)
{
    return count <= room ? args : guest.control->values;
}

/* ---- types as letters ---- */

static const struct { char letter; uint8_t type; } letters[] = {
    {'i', VT_I32}, {'I', VT_I64}, {'f', VT_F32}, {'F', VT_F64}, {'v', VT_V128},
};
enum { LETTERS = sizeof letters / sizeof letters[0] };

static uint8_t type_of(char letter)
{
    unsigned i = 0;
    while (i < LETTERS - 1 && letters[i].letter != letter)
        i++;
    return letters[i].type;
}

/* References are letters of no signature. */
static char letter_of(uint8_t type)
{
    for (unsigned i = 0; i < LETTERS; i++)
        if (letters[i].type == type)
            return letters[i].letter;
    return 'r';
}

static uint32_t params_of(const char *sig)
{
    uint32_t n = 0;
    while (sig[n] != ':')
        n++;
    return n;
}

/* ---- what the host wants ---- */

bool exports_func(const char *name, uint32_t *func)
{
    enum extern_kind kind;
    struct name words = {(const uint8_t *)name, __builtin_strlen(name)};
    return instance_export(guest.instance, words, &kind, func) && kind == EXTERN_FUNC;
}

static void find(void)
{
    struct control *control = guest.control;
    const struct functype *type = NULL;
    uint32_t func = 0, n = 0;
    if (exports_func(control->words, &func))
        type = instance_functype(guest.instance, func);
    bool fits = type && type->nparams <= CALL_VALUES && type->nresults <= CALL_VALUES;
    for (uint32_t i = 0; fits && i < type->nparams; i++)
        control->words[n++] = letter_of(type->params[i]);
    control->words[n++] = ':';
    for (uint32_t i = 0; fits && i < type->nresults; i++)
        control->words[n++] = letter_of(type->results[i]);
    control->words[n] = 0;
    HYPERCALL(&control->slot, found,
              .what = !type  ? FOUND_NOT
                      : fits ? FOUND
                             : FOUND_LARGE,
              .func = func);
}

_Noreturn static void too_deep(void)
{
    struct text text = {.bytes = engine_error(guest.engine)->text, .cap = ERROR_TEXT};
    text_add(&text, "host and guest called each other more than ");
    text_add_number(&text, CALL_NESTING);
    text_add(&text, " deep");
    end_trap(TRAP_HOST, "");
}

/* The export's parameters and results lie on the C stack, no more than are needed: this nests. */
static void run(void)
{
    struct control *control = guest.control;
    uint32_t func = (uint32_t)control->slot.result;
    const struct functype *type = instance_functype(guest.instance, func);
    if (depth == CALL_NESTING)
        too_deep();
    struct cell cells[(type->nparams > type->nresults ? type->nparams : type->nresults) + 1];
    const uint64_t *from = values_at(control->slot.args, SLOT_ARGS, type->nparams);
    for (uint32_t i = 0; i < type->nparams; i++)
        cells[i] = (struct cell){from[i], 0};
    depth++;
    enum trap trap = func_call(guest.instance, func, cells);
    depth--;
    if (trap != TRAP_NONE)
        end_trap(trap, "");
    if (depth == 0)
        shim_publish(&guest.shim, guest.engine);
    uint64_t *to = values_at(control->slot.args, SLOT_ARGS, type->nresults);
    for (uint32_t i = 0; i < type->nresults; i++)
        to[i] = cells[i].lo;
    hypercall_send(&control->slot, CALL_returned);
}

/* Does what the host wants until it has a value or a trap for us. */
static enum trap answered(uint64_t *value)
{
    const struct slot *slot = &guest.control->slot;
    for (;;) {
        switch (slot->number) {
        case ANSWER_RESULT: *value = slot->result; return TRAP_NONE;
        case ANSWER_CALL: run(); break;
        case ANSWER_FIND: find(); break;
        default: {
            struct error *error = engine_error(guest.engine);
            __builtin_memcpy(error->text, guest.control->words, CALL_WORDS);
            return TRAP_HOST;
        }
        }
    }
}

_Static_assert(ERROR_TEXT >= CALL_WORDS, "a host function's sentence is an error of the engine");

/* A host_fn: every call of a host function arrives here.  data is its number in the monitor's
 * table: where the table stands may be another place in a run that goes on from an image. */
static enum trap enter(void *data, struct instance *caller, struct cell *cells)
{
    uint32_t number = (uint32_t)(uintptr_t)data;
    const struct host_import *import = &imports()[number];
    struct slot *slot = &guest.control->slot;
    const char *sig = string_at(import->sig_off);
    uint32_t n = params_of(sig);
    uint64_t value, *to = values_at(slot->args + ARGS_host, SLOT_ARGS - ARGS_host, n);
    (void)caller;
    host_encode(slot->args, &(struct host_args){.function = number});
    for (uint32_t i = 0; i < n; i++)
        to[i] = cells[i].lo;
    hypercall_send(slot, CALL_host);
    enum trap trap = answered(&value);
    if (sig[n + 1])
        cells[0].lo = value; /* where there is no result there may be no cell */
    return trap;
}

_Noreturn void host_wait(void)
{
    uint64_t none;
    hypercall_send(&guest.control->slot, CALL_next);
    for (;;)
        answered(&none);
}

/* ---- imports ---- */

/* The type that the host gives, in memory that the next import's takes over: it is only compared,
 * and shown. */
static struct functype type_given(const char *sig)
{
    static uint8_t types[CALL_VALUES + 1];
    uint32_t n = params_of(sig), results = sig[n + 1] != 0;
    for (uint32_t i = 0; i < n; i++)
        types[i] = type_of(sig[i]);
    types[n] = results ? type_of(sig[n + 1]) : 0;
    return (struct functype){n, results, types, types + n};
}

_Static_assert(CALL_VALUES == 64, "a sentence says so");

/* What is in the type and in no signature; NULL: nothing. */
static const char *beyond(const struct functype *type)
{
    uint32_t n = type->nparams + type->nresults;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t value = i < type->nparams ? type->params[i] : type->results[i - type->nparams];
        char letter = letter_of(value);
        if (letter == 'v' || letter == 'r')
            return letter == 'v' ? "v128" : "references";
    }
    return type->nresults > 1            ? "more than one result"
           : type->nparams > CALL_VALUES ? "more than 64 parameters"
                                         : NULL;
}

static bool name_is(struct name name, const char *text)
{
    return __builtin_strlen(text) == name.len && __builtin_memcmp(name.bytes, text, name.len) == 0;
}

bool host_resolve(void *self, struct name module, struct name field, enum extern_kind kind,
                  const struct functype *type, struct extern_ref *out)
{
    if (shim_resolve(self, module, field, kind, type, out))
        return true;
    if (kind != EXTERN_FUNC || (out->cannot = beyond(type)))
        return false;
    for (uint32_t i = 0; i < guest.control->boot.hosts; i++) {
        const struct host_import *import = &imports()[i];
        if (!name_is(module, string_at(import->module_off)) ||
            !name_is(field, string_at(import->name_off)))
            continue;
        *out = (struct extern_ref){.kind = EXTERN_FUNC, .host = {enter, (void *)(uintptr_t)i},
                                   .host_type = type_given(string_at(import->sig_off)),
                                   .provider = string_at(import->provider_off)};
        return true;
    }
    return false;
}
