/* A guest image of the tests: the "module" is a test script (script.h), whose modules are loaded,
 * called and compared here, through the engine's face alone.  It is the shipped image with this
 * file in main.c's place, so the official suite runs as programs do: this bring-up, these page
 * tables, this fault handler.
 *
 * The script is the tests' own and trusted to fit its format.  The run ends with the count, and the
 * first failures as lines below it. */
#include "guest/guest.h"
#include "tests/spec/broken.h"
#include "tests/spec/script.h"

#define TARGETS        512
#define FAILURES_SHOWN 20
#define VALUES         1000

struct target { struct name name; struct instance *instance; };
struct targets { uint32_t n; struct target at[TARGETS]; };

struct script {
    const uint8_t *at, *end;
    struct instance *last;
    struct targets named, registered;
    struct cell cells[VALUES];
    uint32_t passed, failed, changed, line;
    enum script_count count;
};

static char lines[FAILURES_SHOWN * 512];
static struct text failures = {.bytes = lines, .cap = sizeof lines};

/* ---- reading ---- */

static uint64_t number(struct script *s, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)*s->at++ << (8 * i);
    return value;
}

static struct name words(struct script *s)
{
    uint32_t len = (uint32_t)number(s, 4);
    s->at += len;
    return (struct name){s->at - len, len};
}

static struct cell cell(struct script *s)
{
    uint64_t lo = number(s, 8);
    return (struct cell){lo, number(s, 8)};
}

/* ---- verdicts ---- */

static void passed(struct script *s)
{
    s->passed += s->count != SCRIPT_UNCOUNTED;
}

static void failed(struct script *s, const char *what, const char *got)
{
    if (s->count == SCRIPT_CHANGED) {
        s->changed++;
        return;
    }
    if (s->failed++ >= FAILURES_SHOWN)
        return;
    text_add(&failures, "\nline ");
    text_add_number(&failures, s->line);
    text_add(&failures, ": ");
    text_add(&failures, what);
    text_add(&failures, got);
}

static void verdict(struct script *s, bool good, const char *what, const char *got)
{
    if (good)
        passed(s);
    else
        failed(s, what, got);
}

/* One begins with the other. */
static bool same_words(struct name expected, const char *got)
{
    size_t len = __builtin_strlen(got);
    return __builtin_memcmp(expected.bytes, got, len < expected.len ? len : expected.len) == 0;
}

static bool holds(const char *text, struct name part)
{
    for (size_t left = __builtin_strlen(text); left >= part.len; left--, text++)
        if (__builtin_memcmp(text, part.bytes, part.len) == 0)
            return true;
    return false;
}

/* ---- modules ---- */

static struct instance *target_find(const struct targets *targets, struct name name)
{
    for (uint32_t i = targets->n; i-- > 0;) {
        const struct target *target = &targets->at[i];
        if (target->name.len == name.len &&
            __builtin_memcmp(target->name.bytes, name.bytes, name.len) == 0)
            return target->instance;
    }
    return NULL;
}

static void target_add(struct targets *targets, struct name name, struct instance *instance)
{
    if (targets->n < TARGETS)
        targets->at[targets->n++] = (struct target){name, instance};
}

static bool resolve(void *self, struct name module, struct name field, enum extern_kind kind,
                    const struct functype *type, struct extern_ref *out)
{
    (void)kind, (void)type;
    struct script *s = self;
    out->from = target_find(&s->registered, module);
    return out->from && instance_export(out->from, field, &out->kind, &out->index);
}

/* NULL: *trap, or where that is none the engine's error. */
static struct instance *module_make(struct script *s, struct name bytes, enum trap *trap)
{
    uint32_t start;
    struct cell none = {0};
    *trap = TRAP_NONE;
    engine_error(guest.engine)->kind = ERROR_NONE;
    struct module *module = module_parse(guest.engine, bytes.bytes, bytes.len);
    if (!module || !module_validate(guest.engine, module))
        return NULL;
    struct instance *instance = instance_new(guest.engine, module, resolve, s, trap);
    if (instance && instance_has_start(instance, &start))
        *trap = func_call(instance, start, &none);
    return *trap == TRAP_NONE ? instance : NULL;
}

static void module_run(struct script *s)
{
    enum trap trap;
    struct name name = words(s), bytes = words(s);
    enum script_expect expect = (enum script_expect)number(s, 1);
    struct name expected = words(s);
    struct instance *instance = module_make(s, bytes, &trap);
    const struct error *error = engine_error(guest.engine);
    const char *got = instance            ? "it was instantiated"
                      : trap != TRAP_NONE ? trap_text(trap)
                                          : error->text;
    bool erred = !instance && trap == TRAP_NONE;
    if (expect == SCRIPT_DONE) {
        s->last = instance;
        if (name.len)
            target_add(&s->named, name, instance);
        verdict(s, instance, "module: ", got);
    } else if (expect == SCRIPT_REFUSED) {
        bool refused = erred && (error->kind == ERROR_MALFORMED || error->kind == ERROR_INVALID ||
                                 error->kind == ERROR_LIMIT || error->kind == ERROR_UNSUPPORTED);
        verdict(s, refused, "module that is to be refused: ", got);
    } else if (expect == SCRIPT_UNLINKABLE) {
        verdict(s, erred && error->kind == ERROR_LINK && holds(error->text, expected),
                "module that is not to be linked: ", got);
    } else {
        verdict(s, trap != TRAP_NONE && same_words(expected, got), "module that is to trap: ", got);
    }
}

static struct instance *instance_named(struct script *s)
{
    struct name name = words(s);
    return name.len ? target_find(&s->named, name) : s->last;
}

static void register_run(struct script *s)
{
    struct instance *instance = instance_named(s);
    target_add(&s->registered, words(s), instance);
    verdict(s, instance, "there is no such module to register", "");
}

/* ---- actions ---- */

struct action {
    bool made;
    const char *why;
    enum trap trap;
    uint32_t nresults;
    const uint8_t *types;
    uint8_t type;
};

static void call_run(struct script *s, struct instance *instance, uint32_t func, uint32_t nargs,
                     struct action *action)
{
    const struct functype *type = instance_functype(instance, func);
    action->made = nargs == type->nparams;
    action->why = "arguments that the function does not take";
    for (uint32_t i = 0; i < nargs; i++) {
        action->made = action->made && number(s, 1) == type->params[i];
        s->cells[i] = cell(s);
    }
    if (!action->made)
        return;
    action->trap = func_call(instance, func, s->cells);
    action->nresults = type->nresults;
    action->types = type->results;
}

static void get_run(struct script *s, struct instance *instance, uint32_t global,
                    struct action *action)
{
    enum valtype type;
    s->cells[0] = *instance_global(instance, global, &type);
    *action = (struct action){
        .made = true, .nresults = 1, .type = (uint8_t)type, .types = &action->type
    };
}

static void action_do(struct script *s, bool is_get, struct action *action)
{
    enum extern_kind kind;
    uint32_t index;
    struct instance *instance = instance_named(s);
    struct name field = words(s);
    uint32_t nargs = (uint32_t)number(s, 4);
    const uint8_t *after = s->at + nargs * 17;
    action->why = "there is no such export";
    if (instance && instance_export(instance, field, &kind, &index) &&
        kind == (is_get ? EXTERN_GLOBAL : EXTERN_FUNC)) {
        if (is_get)
            get_run(s, instance, index, action);
        else
            call_run(s, instance, index, nargs, action);
    }
    s->at = after;
}

static bool result_good(struct script *s, const struct cell *got, uint8_t type)
{
    bool good = number(s, 1) == type;
    struct cell value = cell(s), mask = cell(s);
    if (!(mask.lo | mask.hi))
        return good && got->lo;
    return good && (got->lo & mask.lo) == value.lo && (got->hi & mask.hi) == value.hi;
}

static bool either_good(struct script *s, const struct action *action, uint32_t n)
{
    bool good = false;
    for (uint32_t i = 0; i < n && action->nresults == 1; i++)
        good |= result_good(s, &s->cells[0], action->types[0]);
    return good;
}

static const char *result_text(const struct cell *got)
{
    static char bytes[64];
    struct text text = {.bytes = bytes, .cap = sizeof bytes};
    text_add_hex(&text, got->lo);
    text_add(&text, ", high half ");
    text_add_hex(&text, got->hi);
    return bytes;
}

static void action_run(struct script *s, bool is_get)
{
    struct action action = {0};
    action_do(s, is_get, &action);
    enum script_expect expect = (enum script_expect)number(s, 1);
    struct name expected = words(s);
    uint32_t nresults = (uint32_t)number(s, 4);
    const uint8_t *after = s->at + nresults * 33;
    const char *error = action.trap == TRAP_BAD_BODY ? engine_error(guest.engine)->text
                                                     : trap_text(action.trap);
    if (!action.made)
        failed(s, action.why, "");
    else if (expect == SCRIPT_TRAP)
        verdict(s, action.trap != TRAP_NONE && same_words(expected, error),
                "action that is to trap: ", error);
    else if (action.trap != TRAP_NONE)
        failed(s, "trap: ", error);
    else if (expect == SCRIPT_EITHER)
        verdict(s, either_good(s, &action, nresults), "result: ", result_text(&s->cells[0]));
    else if (expect == SCRIPT_RESULTS && nresults != action.nresults)
        failed(s, "another number of results", "");
    else {
        uint32_t i = 0;
        while (i < nresults && result_good(s, &s->cells[i], action.types[i]))
            i++;
        verdict(s, i == nresults, "result: ", result_text(&s->cells[i < VALUES ? i : 0]));
    }
    s->at = after;
}

/* ---- all of it ---- */

static void record_run(struct script *s)
{
    enum script_op op = (enum script_op)number(s, 1);
    s->count = (enum script_count)number(s, 1);
    s->line = (uint32_t)number(s, 4);
    switch (op) {
    case SCRIPT_MODULE: module_run(s); return;
    case SCRIPT_REGISTER: register_run(s); return;
    case SCRIPT_GET: case SCRIPT_CALL: action_run(s, op == SCRIPT_GET); return;
    }
    end_run(END_INVALID, "it is not a test script", 0);
}

static void script_open(struct script *s)
{
    const uint64_t magic_bytes = sizeof SCRIPT_MAGIC - 1;
    s->at = (const uint8_t *)MAP_MODULE;
    s->end = s->at + guest.control->boot.module_bytes;
    if (guest.control->boot.module_bytes == 6 && __builtin_memcmp(s->at, "fault", 5) == 0)
        broken_run(s->at[5]);
    if (s->at + magic_bytes > s->end || __builtin_memcmp(s->at, SCRIPT_MAGIC, magic_bytes) != 0)
        end_run(END_INVALID, "it is not a test script", 0);
    s->at += magic_bytes;
}

_Noreturn static void script_end(const struct script *s)
{
    static char bytes[sizeof lines + 128];
    struct text text = {.bytes = bytes, .cap = sizeof bytes};
    text_add(&text, "a test script: ");
    text_add_number(&text, s->passed);
    text_add(&text, " passed, ");
    text_add_number(&text, s->failed);
    text_add(&text, " failed, ");
    text_add_number(&text, s->changed);
    text_add(&text, " changed");
    text_add(&text, lines);
    end_run(END_EXIT, bytes, s->failed > 0);
}

_Noreturn void guest_main(void)
{
    static struct script script;
    guest_boot();
    script_open(&script);
    while (script.at < script.end)
        record_run(&script);
    script_end(&script);
}
