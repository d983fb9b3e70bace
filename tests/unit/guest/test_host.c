/* The guest's side of calls beyond WASI: imports found by name and their types, values on their way
 * out and back, what the host wants meanwhile, N - 1, N and N + 1 of what fits.  The host and the
 * engine are the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest/guest.h"
#include "wasi-shim/hypercall.h"

struct guest guest;

static union { struct control control; uint8_t bytes[sizeof(struct control) + 65536]; } area;
static struct slot *const slot = &area.control.slot;
static uint32_t area_used;

/* ---- doubles: the host ---- */

/* What the host answers to each call in turn; it ends with a value. */
struct answer { enum slot_answer what; uint64_t result; const char *words; };
static const struct answer *answers;
static unsigned sent;
static struct {
    enum call number;
    uint64_t args[SLOT_ARGS], values[CALL_VALUES];
    char words[CALL_WORDS];
} calls[16];

uint64_t hypercall(struct slot *s, enum call number, const uint64_t *args, unsigned nargs)
{
    (void)s, (void)number, (void)args, (void)nargs;
    fail_msg("a call without names");
    return 0;
}

uint64_t hypercall_send(struct slot *s, enum call number)
{
    assert_ptr_equal(s, slot);
    assert_in_range(sent, 0, 15);
    calls[sent].number = number;
    memcpy(calls[sent].args, slot->args, sizeof slot->args);
    memcpy(calls[sent].values, area.control.values, sizeof area.control.values);
    memcpy(calls[sent].words, area.control.words, CALL_WORDS);
    const struct answer *a = &answers[sent++];
    slot->number = a->what;
    slot->result = a->result;
    if (a->words)
        strcpy(area.control.words, a->words);
    return 0;
}

/* ---- doubles: the engine, the shim, the end ---- */

static uint8_t kinds[CALL_VALUES + 8];
static struct functype export_type = { .params = kinds, .results = kinds };
static struct error error;
static unsigned published;
static uint64_t export_args[CALL_VALUES];

bool instance_export(struct instance *i, struct name name, enum extern_kind *kind, uint32_t *index)
{
    (void)i;
    *kind = name.len && name.bytes[0] == 'm' ? EXTERN_MEMORY : EXTERN_FUNC;
    *index = 33;
    return name.len && name.bytes[0] != 'x';
}

const struct functype *instance_functype(struct instance *i, uint32_t func)
{
    (void)i;
    assert_int_equal(func, 33);
    return &export_type;
}

static enum trap (*within)(void); /* what the export does meanwhile */

enum trap func_call(struct instance *i, uint32_t func, struct cell *cells)
{
    (void)i;
    assert_int_equal(func, 33);
    if (within)
        return within();
    for (uint32_t k = 0; k < export_type.nparams; k++)
        export_args[k] = cells[k].lo;
    for (uint32_t k = 0; k < export_type.nresults; k++)
        cells[k] = (struct cell){ 500 + k, 1 };
    return TRAP_NONE;
}

struct error *engine_error(struct engine *e)
{
    (void)e;
    return &error;
}

bool shim_resolve(void *self, struct name module, struct name field, enum extern_kind kind,
                  const struct functype *type, struct extern_ref *out)
{
    (void)self, (void)field, (void)kind, (void)type;
    *out = (struct extern_ref){ .kind = EXTERN_FUNC, .provider = "the shim" };
    return module.len == 4 && memcmp(module.bytes, "wasi", 4) == 0;
}

void shim_publish(struct shim *shim, struct engine *engine)
{
    (void)shim, (void)engine;
    published++;
}

static jmp_buf ended;

_Noreturn void end_trap(enum trap trap, const char *during)
{
    (void)during;
    longjmp(ended, (int)trap + 1);
}

/* ---- a guest ---- */

static uint32_t put(const char *text)
{
    uint32_t at = sizeof area.control + area_used;
    strcpy((char *)area.bytes + at, text);
    area_used += (uint32_t)strlen(text) + 1;
    return at;
}

static void import(const char *module, const char *name, const char *sig)
{
    struct boot_record *boot = &area.control.boot;
    struct host_import *at = (struct host_import *)(void *)(area.bytes + boot->host_off) +
                             boot->hosts++;
    *at = (struct host_import){ put(module), put(name), put(sig), put("the host") };
}

static int setup(void **state)
{
    (void)state;
    memset(&area, 0, sizeof area);
    guest = (struct guest){ .control = &area.control };
    area_used = 4096;
    area.control.boot.host_off = sizeof area.control;
    sent = published = 0;
    export_type.nparams = export_type.nresults = 0;
    memset(kinds, VT_I64, sizeof kinds);
    return 0;
}

static struct name name_of(const char *text)
{
    return (struct name){ (const uint8_t *)text, (uint32_t)strlen(text) };
}

static bool resolves(const char *module, const char *name, enum extern_kind kind,
                     const struct functype *type, struct extern_ref *out)
{
    return host_resolve(NULL, name_of(module), name_of(name), kind, type, out);
}

/* ---- imports ---- */

static void imports_by_both_names(void **state)
{
    (void)state;
    static const struct { const char *module, *name; bool there;
    } rows[] = {
        { "env", "f", true },   { "env", "ff", true },  { "en", "f", false },
        { "envv", "f", false }, { "env", "", false },   { "", "f", false },
        { "ENV", "f", false },  { "other", "f", true }, { "other", "ff", false },
        { "env", "g", false },
    };
    const struct functype none = { 0 };
    struct extern_ref out;
    import("env", "f", "i:");
    import("env", "ff", "I:F");
    import("other", "f", ":");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (resolves(rows[i].module, rows[i].name, EXTERN_FUNC, &none, &out) != rows[i].there)
            fail_msg("%s.%s", rows[i].module, rows[i].name);
        if (rows[i].there)
            assert_string_equal(out.provider, "the host");
    }
    assert_false(resolves("env", "f", EXTERN_GLOBAL, NULL, &out));
    assert_true(resolves("wasi", "f", EXTERN_FUNC, &none, &out));
    assert_string_equal(out.provider, "the shim");
    assert_true(resolves("env", "ff", EXTERN_FUNC, &none, &out));
    assert_true(out.host_type.nparams == 1 && out.host_type.params[0] == VT_I64);
    assert_true(out.host_type.nresults == 1 && out.host_type.results[0] == VT_F64);
    assert_true(resolves("other", "f", EXTERN_FUNC, &none, &out));
    assert_true(out.host_type.nparams == 0 && out.host_type.nresults == 0);
}

static void every_letter_is_its_type(void **state)
{
    (void)state;
    static const uint8_t want[] = { VT_I32, VT_I64, VT_F32, VT_F64, VT_V128 };
    const struct functype none = { 0 };
    struct extern_ref out;
    import("env", "f", "iIfFv:f");
    assert_true(resolves("env", "f", EXTERN_FUNC, &none, &out));
    assert_int_equal(out.host_type.nparams, 5);
    assert_memory_equal(out.host_type.params, want, 5);
    assert_int_equal(out.host_type.results[0], VT_F32);
}

/* What no signature can say is told in words; arrays end where they end. */
static void types_beyond_signatures(void **state)
{
    (void)state;
    static const struct {
        uint32_t nparams, nresults, at;
        uint8_t type;
        const char *cannot;
    } rows[] = {
        { 0, 0, 0, 0, NULL },
        { 1, 1, 0, VT_F32, NULL },
        { 1, 1, 0, VT_V128, "v128" },
        { 1, 1, 1, VT_V128, "v128" },
        { 3, 1, 2, VT_FUNCREF, "references" },
        { 0, 1, 0, VT_EXTERNREF, "references" },
        { 0, 2, 0, VT_I32, "more than one result" },
        { CALL_VALUES - 1, 1, 0, VT_I32, NULL },
        { CALL_VALUES, 1, 0, VT_I32, NULL },
        { CALL_VALUES + 1, 1, 0, VT_I32, "more than 64 parameters" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t *params = malloc(rows[i].nparams + 1), *results = malloc(rows[i].nresults + 1);
        memset(params, VT_I32, rows[i].nparams);
        memset(results, VT_I32, rows[i].nresults);
        params[rows[i].nparams] = results[rows[i].nresults] = VT_V128; /* behind the end */
        uint8_t *odd = rows[i].at < rows[i].nparams ? &params[rows[i].at]
                                                    : &results[rows[i].at - rows[i].nparams];
        if (rows[i].type)
            *odd = rows[i].type;
        const struct functype type = { rows[i].nparams, rows[i].nresults, params, results };
        struct extern_ref out;
        area.control.boot.hosts = 0;
        assert_false(resolves("env", "f", EXTERN_FUNC, &type, &out));
        if (rows[i].cannot)
            assert_string_equal(out.cannot, rows[i].cannot);
        else
            assert_null(out.cannot);
        free(params);
        free(results);
    }
}

/* ---- calls out ---- */

static enum trap call_of(const char *sig, struct cell *cells)
{
    const struct functype none = { 0 };
    struct extern_ref out;
    area.control.boot.hosts = 0;
    area_used = 4096;
    import("env", "zero", ":");
    import("env", "f", sig);
    assert_true(resolves("env", "f", EXTERN_FUNC, &none, &out));
    memset(area.control.values, 0xee, sizeof area.control.values);
    sent = 0;
    return out.host.fn(out.host.data, NULL, cells);
}

static void values_lie_where_they_fit(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {
        0, 1, SLOT_ARGS - 2, SLOT_ARGS - 1, SLOT_ARGS, CALL_VALUES - 1, CALL_VALUES
    };
    static const struct answer value[] = { { ANSWER_RESULT, 777, NULL } };
    answers = value;
    for (int i = 0; i < 7; i++)
        for (int has = 0; has < 2; has++) {
            char sig[CALL_VALUES + 3];
            /* to the byte */
            struct cell *cells = calloc(sizes[i] + has + !sizes[i], sizeof *cells);
            memset(sig, 'I', sizes[i]);
            strcpy(sig + sizes[i], has ? ":I" : ":");
            for (uint32_t k = 0; k < sizes[i]; k++)
                cells[k].lo = 100 + k;
            assert_int_equal(call_of(sig, cells), TRAP_NONE);
            assert_int_equal(sent, 1);
            assert_int_equal(calls[0].number, CALL_host);
            assert_int_equal(calls[0].args[0], 1);
            for (uint32_t k = 0; k < sizes[i]; k++)
                assert_int_equal(sizes[i] < SLOT_ARGS ? calls[0].args[1 + k] : calls[0].values[k],
                                 100 + k);
            if (sizes[i] < SLOT_ARGS)
                assert_int_equal(calls[0].values[0], 0xeeeeeeeeeeeeeeee);
            assert_int_equal(cells[0].lo, has ? 777 : sizes[i] ? 100 : 0);
            free(cells);
        }
}

static void a_trap_has_the_hosts_words(void **state)
{
    (void)state;
    static const struct answer trap[] = { { ANSWER_TRAP, 0, "it says why" } };
    struct cell cell = { 5, 0 };
    answers = trap;
    assert_int_equal(call_of("i:i", &cell), TRAP_HOST);
    assert_string_equal(error.text, "it says why");
}

/* ---- what the host wants meanwhile ---- */

static void it_finds_an_export(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t nparams, nresults;
        uint64_t what;
        const char *sig;
    } rows[] = {
        { "there", 0, 0, FOUND, ":" },
        { "there", 2, 1, FOUND, "II:I" },
        { "there", CALL_VALUES, 0, FOUND, NULL },
        { "there", CALL_VALUES + 1, 0, FOUND_LARGE, ":" },
        { "there", 0, CALL_VALUES, FOUND, NULL },
        { "there", 0, CALL_VALUES + 1, FOUND_LARGE, ":" },
        { "xnot", 2, 1, FOUND_NOT, ":" },
        { "memory", 2, 1, FOUND_NOT, ":" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct answer plan[] = { { ANSWER_FIND, 0, rows[i].name },
                                       { ANSWER_RESULT, 1, NULL } };
        struct cell none;
        answers = plan;
        export_type.nparams = rows[i].nparams, export_type.nresults = rows[i].nresults;
        assert_int_equal(call_of(":", &none), TRAP_NONE);
        assert_int_equal(sent, 2);
        assert_int_equal(calls[1].number, CALL_found);
        assert_int_equal(found_decode(calls[1].args)->what, rows[i].what);
        if (rows[i].what != FOUND_NOT)
            assert_int_equal(found_decode(calls[1].args)->func, 33);
        if (rows[i].sig)
            assert_string_equal(calls[1].words, rows[i].sig);
        else
            assert_int_equal(strlen(calls[1].words), CALL_VALUES + 1);
    }
    static const struct answer plan[] = { { ANSWER_FIND, 0, "there" }, { ANSWER_RESULT, 1, NULL } };
    static const uint8_t all[] = {
        VT_I32, VT_I64, VT_F32, VT_F64, VT_V128, VT_FUNCREF, VT_EXTERNREF
    };
    struct cell none;
    answers = plan;
    memcpy(kinds, all, sizeof all);
    export_type.nparams = sizeof all, export_type.nresults = 2;
    assert_int_equal(call_of(":", &none), TRAP_NONE);
    assert_string_equal(calls[1].words, "iIfFvrr:iI");
}

static void it_calls_an_export(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 0, 1, SLOT_ARGS - 1, SLOT_ARGS, SLOT_ARGS + 1, CALL_VALUES };
    static const struct answer plan[] = {
        { ANSWER_CALL, 33, NULL }, { ANSWER_CALL, 33, NULL }, { ANSWER_RESULT, 1, NULL } };
    answers = plan;
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 6; k++) {
            struct cell none;
            export_type.nparams = sizes[i], export_type.nresults = sizes[k];
            memset(export_args, 0, sizeof export_args);
            for (uint32_t n = 0; n < SLOT_ARGS; n++)
                slot->args[n] = 40 + n; /* the first two are the request's */
            published = 0;
            assert_int_equal(call_of(":", &none), TRAP_NONE);
            assert_int_equal(sent, 3);
            for (int c = 1; c < 3; c++) {
                assert_int_equal(calls[c].number, CALL_returned);
                for (uint32_t n = 0; n < sizes[k]; n++)
                    assert_int_equal(sizes[k] <= SLOT_ARGS ? calls[c].args[n] : calls[c].values[n],
                                     500 + n);
            }
            assert_int_equal(published, 2);
        }
    export_type.nparams = SLOT_ARGS, export_type.nresults = 0;
    static const struct answer one[] = { { ANSWER_CALL, 33, NULL }, { ANSWER_RESULT, 1, NULL } };
    struct cell none;
    answers = one;
    for (uint32_t n = 1; n < SLOT_ARGS; n++)
        slot->args[n] = 40 + n;
    assert_int_equal(call_of(":", &none), TRAP_NONE);
    for (uint32_t n = 1; n < SLOT_ARGS; n++)
        assert_int_equal(export_args[n], 40 + n);
    export_type.nparams = SLOT_ARGS + 1;
    assert_int_equal(call_of(":", &none), TRAP_NONE);
    for (uint32_t n = 0; n <= SLOT_ARGS; n++)
        assert_int_equal(export_args[n], 0xeeeeeeeeeeeeeeee);
}

static unsigned nested, nesting_most;

/* An export that calls a host function, which calls the export again. */
static enum trap goes_deeper(void)
{
    struct cell none;
    if (nested++ == nesting_most)
        return TRAP_NONE;
    static const struct answer again[] = { { ANSWER_CALL, 33, NULL }, { ANSWER_RESULT, 0, NULL } };
    sent = 0;
    answers = again;
    enum trap trap = call_of(":", &none);
    sent = 1; /* the answer behind ours is a value */
    return trap;
}

/* CALL_NESTING exports within each other and no more. */
static void so_deep_and_no_deeper(void **state)
{
    (void)state;
    within = goes_deeper;
    for (unsigned over = 0; over < 2; over++) {
        nested = 0;
        nesting_most = CALL_NESTING + over;
        int trap = setjmp(ended);
        if (!trap) {
            assert_int_equal(goes_deeper(), TRAP_NONE);
            assert_int_equal(over, 0);
        } else {
            assert_int_equal(trap, TRAP_HOST + 1);
            assert_int_equal(over, 1);
            assert_string_equal(error.text, "host and guest called each other more than 1000 deep");
        }
        if (!over)
            assert_int_equal(nested, CALL_NESTING + 1);
        error.text[0] = 0;
    }
    within = NULL;
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(imports_by_both_names), TEST(every_letter_is_its_type), TEST(types_beyond_signatures),
        TEST(values_lie_where_they_fit), TEST(a_trap_has_the_hosts_words), TEST(it_finds_an_export),
        TEST(it_calls_an_export), TEST(so_deep_and_no_deeper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
