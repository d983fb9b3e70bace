/* --invoke: an export is called with the command line's words as its arguments, and the monitor
 * prints its results.
 *
 * Words arrive as the numbers that they can be (abi.h); which of these is meant, the export's type
 * says.  A command (a module with _start) lives only while _start runs, so its exports cannot be
 * called from here. */
#include "guest/guest.h"
#include "wasi-shim/hypercall.h"

#define VALUES_MOST INVOKE_RESULTS_MAX

static char buffer[2048];
static struct cell cells[VALUES_MOST];
static struct invoke_result results[VALUES_MOST];

/* NAME, its type, and the words, looked up before the module's first instruction. */
static const struct invoke *invoke;
static const char *export_name;
static uint32_t export_func;
static const struct functype *export_type;

static const struct { uint8_t type; const char *name; uint32_t kind; } types[] = {
    {VT_I32, "i32", INVOKE_I32},
    {VT_I64, "i64", INVOKE_I64},
    {VT_F32, "f32", INVOKE_FLOAT},
    {VT_F64, "f64", INVOKE_FLOAT},
};

_Noreturn static void refuse(enum end_reason reason, struct text *text)
{
    end_run(reason, text->bytes, 0);
}

static struct text text_begin(const char *before, const char *name, const char *after)
{
    struct text text = {.bytes = buffer, .cap = sizeof buffer};
    text_add(&text, before);
    text_add(&text, name);
    text_add(&text, after);
    return text;
}

/* The word as it was typed: the module's argument of that number. */
static const char *word_typed(uint32_t number)
{
    const struct boot_record *boot = &guest.control->boot;
    const char *at = (const char *)guest.control + boot->args_off;
    while (number--)
        at += __builtin_strlen(at) + 1;
    return at;
}

_Noreturn static void refuse_word(uint32_t i, const char *type)
{
    struct text text = text_begin("--invoke ", export_name, ": argument ");
    text_add_number(&text, i + 1);
    text_add(&text, ", ");
    text_add(&text, word_typed(i + 1));
    text_add(&text, ", is not ");
    text_add(&text, type[0] == 'i' ? "an " : "a number: the export takes an ");
    text_add(&text, type);
    refuse(END_USAGE, &text);
}

static void word_take(uint32_t i)
{
    const struct invoke_word *word = &invoke->words[i];
    uint8_t type = export_type->params[i];
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        if (types[t].type != type)
            continue;
        if (!(word->kinds & types[t].kind))
            refuse_word(i, types[t].name);
        cells[i].lo = type == VT_F32 ? word->f32 : type == VT_F64 ? word->f64 : word->integer;
        if (type == VT_I32)
            cells[i].lo = (uint32_t)cells[i].lo;
        return;
    }
    struct text text = text_begin("--invoke ", export_name,
                                  ": it takes a vector or a reference, which no word can be");
    refuse(END_USAGE, &text);
}

/* Words for an export without parameters are the program's, as args_get gives them. */
static void words_check(void)
{
    if (export_type->nparams && invoke->nwords != export_type->nparams) {
        struct text text = text_begin("--invoke ", export_name, ": it takes ");
        text_add_number(&text, export_type->nparams);
        text_add(&text, export_type->nparams == 1 ? " argument, not " : " arguments, not ");
        text_add_number(&text, invoke->nwords);
        refuse(END_USAGE, &text);
    }
    if (export_type->nparams > VALUES_MOST || export_type->nresults > VALUES_MOST) {
        struct text text = text_begin("--invoke ", export_name,
                                      ": it takes or gives more than 1000 values");
        refuse(END_USAGE, &text);
    }
    for (uint32_t i = 0; i < export_type->nparams; i++)
        word_take(i);
}

void invoke_prepare(void)
{
    uint32_t start;
    invoke = (const struct invoke *)((const char *)guest.control +
                                     guest.control->boot.func_args_off);
    export_name = (const char *)guest.control + invoke->name_off;
    if (!exports_func(export_name, &export_func)) {
        struct text text = text_begin("--invoke ", export_name,
                                      ": it exports no function of this name");
        refuse(END_USAGE, &text);
    }
    if (exports_func("_start", &start)) {
        struct text text = text_begin(
            "--invoke ", export_name,
            ": it is a command, whose exports are only callable "
            "while _start runs (for Go: build it with -buildmode=c-shared)");
        refuse(END_UNSUPPORTED, &text);
    }
    export_type = instance_functype(guest.instance, export_func);
    words_check();
}

_Noreturn void invoke_call(void)
{
    enum trap trap = func_call(guest.instance, export_func, cells);
    if (trap != TRAP_NONE)
        end_trap(trap, "");
    for (uint32_t i = 0; i < export_type->nresults; i++)
        results[i] = (struct invoke_result){cells[i].lo, cells[i].hi, export_type->results[i], 0};
    HYPERCALL(&guest.control->slot, results, .at = (uint64_t)results, .n = export_type->nresults);
    end_run(END_EXIT, "", 0);
}
