/* Calls between guest and host beyond WASI (ask.c), by a guest that is a function of the test: what
 * stands in the slot and beside it, N - 1, N and N + 1 of values and letters, guests whose answers
 * lie, host functions that nest.  Threads and the hand-over of the slot are test_service.c's. */
#include "tests/unit/vmm/run/guest.h"

/* ---- asking for exports ---- */

static void names_have_an_end(void **state)
{
    (void)state;
    char name[CALL_WORDS + 2], sig[CALL_WORDS];
    uint32_t func = 0;
    guest = guest_finds;
    strcpy(sig_told, "i:i");
    found.what = FOUND, found.func = 12;
    for (size_t n = CALL_WORDS - 2; n <= CALL_WORDS + 1; n++) {
        memset(name, 'n', n);
        name[n] = 0;
        sought = name;
        int want = n < CALL_WORDS ? WASMVM_OK : WASMVM_NO_EXPORT;
        for (enum server who = ON_VCPU; who <= ON_SERVER; who++)
            assert_int_equal(ask_find(&v, who, name, &func, sig), want);
        assert_int_equal(wishes, n < CALL_WORDS ? 2 * (n - CALL_WORDS + 3) : 4);
    }
    assert_int_equal(func, 12);
    assert_string_equal(sig, "i:i");
}

static void answers_to_a_search(void **state)
{
    (void)state;
    static const struct { uint64_t what; int want; } rows[] = {
        { FOUND_NOT, WASMVM_NO_EXPORT }, { FOUND, WASMVM_OK }, { FOUND_LARGE, WASMVM_BAD_TYPE },
        { FOUND_LARGE + 1, WASMVM_NO_EXPORT }, { UINT64_MAX, WASMVM_NO_EXPORT },
    };
    char sig[CALL_WORDS];
    uint32_t func;
    guest = guest_finds;
    strcpy(sig_told, ":");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        found.what = rows[i].what;
        assert_int_equal(ask_find(&v, ON_VCPU, "name", &func, sig), rows[i].want);
        assert_int_equal(ended.kind, ENDED_NOT);
    }
}

/* A type that the guest tells is letters, a colon, letters; whatever else it is ends the run. */
static void types_that_are_none(void **state)
{
    (void)state;
    char most[CALL_WORDS], more[CALL_WORDS], results[CALL_WORDS], many_results[CALL_WORDS],
        both[CALL_WORDS];
    snprintf(most, sizeof most, "%0*d:", CALL_VALUES, 0);
    snprintf(more, sizeof more, "%0*d:", CALL_VALUES + 1, 0);
    snprintf(results, sizeof results, ":%0*d", CALL_VALUES, 0);
    snprintf(many_results, sizeof many_results, ":%0*d", CALL_VALUES + 1, 0);
    snprintf(both, sizeof both, "%0*d:%0*d", CALL_VALUES, 0, CALL_VALUES, 0);
    char *of_letters[] = { most, more, results, many_results, both };
    for (int i = 0; i < 5; i++)
        for (char *at = of_letters[i]; *at; at++)
            *at = *at == '0' ? "iIfFvr"[(at - of_letters[i]) % 6] : *at;
    const struct { const char *sig; bool good;
    } rows[] = {
        { ":", true },    { "i:", true },   { ":i", true },    { "iIfFvr:rvFfIi", true },
        { most, true },   { more, false },  { results, true }, { many_results, false },
        { both, true },   { "", false },    { "i", false },    { "i:i:", false },
        { "x:", false },  { "i:x", false }, { "i :", false },  { ":i ", false },
        { "ix:", false },
    };
    guest = guest_finds;
    found.what = FOUND;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char sig[CALL_WORDS];
        uint32_t func;
        memset(sig_told, 0, sizeof sig_told);
        strcpy(sig_told, rows[i].sig);
        ended.kind = ENDED_NOT;
        int got = ask_find(&v, ON_VCPU, "name", &func, sig);
        if (got != (rows[i].good ? WASMVM_OK : WASMVM_ENDED))
            fail_msg("%s: %d", rows[i].sig, got);
        if (rows[i].good)
            assert_string_equal(sig, rows[i].sig);
        else
            assert_string_equal(end_words, "a function type that is none");
    }
    memset(sig_told, 'i', sizeof sig_told); /* no NUL anywhere */
    char sig[CALL_WORDS];
    uint32_t func;
    ended.kind = ENDED_NOT;
    assert_int_equal(ask_find(&v, ON_VCPU, "name", &func, sig), WASMVM_ENDED);
    sig_told[CALL_WORDS - 1] = ':';
    ended.kind = ENDED_NOT;
    assert_int_equal(ask_find(&v, ON_VCPU, "name", &func, sig), WASMVM_ENDED);
}

/* The first names are remembered, each with its own type; the others are asked for again and again.
 */
static void names_are_remembered(void **state)
{
    (void)state;
    char sig[CALL_WORDS], name[16];
    uint32_t func;
    guest = guest_finds;
    found.what = FOUND_NOT;
    assert_int_equal(ask_export(&v, ON_VCPU, "none", &func, sig), WASMVM_NO_EXPORT);
    assert_int_equal(ask_export(&v, ON_VCPU, "none", &func, sig), WASMVM_NO_EXPORT);
    assert_int_equal(wishes, 2); /* may be there later */
    found.what = FOUND;
    for (int turn = 0; turn < 2; turn++)
        for (unsigned i = 0; i < EXPORTS_KNOWN + 2; i++) {
            unsigned before = wishes;
            snprintf(name, sizeof name, "name%u", i);
            snprintf(sig_told, sizeof sig_told, "%.*s:", (int)(i % 5), "iiiii");
            found.func = 100 + i;
            if (turn && i < EXPORTS_KNOWN)
                strcpy(sig_told, "r:"), found.func = 0;
            assert_int_equal(ask_export(&v, ON_VCPU, name, &func, sig), WASMVM_OK);
            assert_int_equal(func, 100 + i);
            assert_int_equal(strlen(sig), i % 5 + 1);
            assert_int_equal(wishes - before, turn && i < EXPORTS_KNOWN ? 0 : 1);
        }
}

/* ---- calling them ---- */

static uint32_t nargs, nresults;

static void guest_returns(struct request *r)
{
    assert_int_equal(control->slot.number, ANSWER_CALL);
    assert_int_equal(control->slot.result, 41);
    const uint64_t *args = nargs <= SLOT_ARGS ? control->slot.args : control->values;
    for (uint32_t i = 0; i < nargs; i++)
        assert_int_equal(args[i], 1000 + i);
    if (nargs <= SLOT_ARGS)
        for (uint32_t i = nargs; i < SLOT_ARGS; i++)
            assert_int_equal(control->slot.args[i], 0xeeeeeeeeeeeeeeee);
    r->number = CALL_returned;
    for (uint32_t i = 0; i < nresults; i++)
        *(nresults <= SLOT_ARGS ? &r->args[i] : &control->values[i]) = 2000 + i;
}

static void values_lie_where_they_fit(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {
        0, 1, SLOT_ARGS - 1, SLOT_ARGS, SLOT_ARGS + 1, CALL_VALUES - 1, CALL_VALUES
    };
    enum { SIZES = sizeof sizes / sizeof *sizes };
    guest = guest_returns;
    for (int i = 0; i < SIZES; i++)
        for (int k = 0; k < SIZES; k++) {
            uint64_t args[CALL_VALUES], results[CALL_VALUES + 1];
            for (uint32_t n = 0; n < CALL_VALUES; n++)
                args[n] = 1000 + n;
            memset(results, 0x55, sizeof results);
            memset(&control->slot, 0xee, sizeof control->slot);
            memset(control->values, 0xee, sizeof control->values);
            nargs = sizes[i], nresults = sizes[k];
            enum server who = (i + k) % 2 ? ON_VCPU : ON_SERVER;
            assert_int_equal(ask_call(&v, who, 41, args, nargs, results, nresults), WASMVM_OK);
            for (uint32_t n = 0; n < nresults; n++)
                assert_int_equal(results[n], 2000 + n);
            assert_int_equal(results[nresults], 0x5555555555555555);
        }
}

static void guest_lies(struct request *r)
{
    r->number = (uint32_t)found.what;
}

static void answers_to_something_else(void **state)
{
    (void)state;
    uint64_t result;
    uint32_t func;
    char sig[CALL_WORDS];
    guest = guest_lies;
    found.what = CALL_found;
    assert_int_equal(ask_call(&v, ON_VCPU, 1, NULL, 0, &result, 1), WASMVM_ENDED);
    assert_string_equal(end_words, "an answer to something else than was asked for");
    ended.kind = ENDED_NOT;
    found.what = CALL_returned;
    assert_int_equal(ask_find(&v, ON_SERVER, "x", &func, sig), WASMVM_ENDED);
    ended.kind = ENDED_NOT;
    found.what = CALL_next;
    assert_int_equal(ask_call(&v, ON_SERVER, 1, NULL, 0, &result, 1), WASMVM_ENDED);
    assert_int_equal(ended.kind, ENDED_HOSTILE);
}

static void answers_that_nobody_waits_for(void **state)
{
    (void)state;
    struct request r = { .number = CALL_returned };
    assert_int_equal(ask_reply(&v, &r, ON_SERVER), SERVED_NOT);
    assert_int_equal(ended.kind, ENDED_NOT); /* the doorbell will say so */
    assert_int_equal(ask_reply(&v, &r, ON_VCPU), SERVED_NOT);
    assert_int_equal(ended.kind, ENDED_HOSTILE);
    assert_string_equal(end_words, "an answer that nobody asked for");
    v.service.asks = 1; /* the other one asked */
    v.service.asker = ON_SERVER;
    assert_int_equal(ask_reply(&v, &r, ON_VCPU), SERVED_HANDED);
    v.service.asker = ON_VCPU;
    assert_int_equal(ask_reply(&v, &r, ON_SERVER), SERVED_NOT);
    assert_false(v.replied);
    assert_int_equal(stats.calls[CALL_returned].count, 0);
    assert_int_equal(ask_reply(&v, &r, ON_VCPU), SERVED_KEPT);
    assert_true(v.replied);
    assert_int_equal(stats.calls[CALL_returned].polled, 0);
    v.replied = false;
    v.service.asker = ON_SERVER;
    assert_int_equal(ask_reply(&v, &r, ON_SERVER), SERVED_KEPT);
    assert_false(v.replied);
    v.service.rung = true;
    assert_int_equal(ask_reply(&v, &r, ON_SERVER), SERVED_KEPT);
    assert_int_equal(stats.calls[CALL_returned].count, 3);
    assert_int_equal(stats.calls[CALL_returned].polled, 1);
}

static void a_run_that_ends_meanwhile(void **state)
{
    (void)state;
    uint64_t result;
    guest = guest_ends;
    for (enum server who = ON_VCPU; who <= ON_SERVER; who++) {
        ended.kind = ENDED_NOT;
        assert_int_equal(ask_call(&v, who, 1, NULL, 0, &result, 1), WASMVM_ENDED);
        assert_int_equal(v.service.asks, 0);
    }
}

/* ---- host functions ---- */

static struct {
    wasmvm_val args[HOST_PARAMS_MAX];
    uint32_t n;
    uint64_t gives;
    int fails;
    const char *trap;
    bool stops, closes; /* meanwhile */
} plan;

static int host_fn(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    struct wasmvm_host host;
    (void)data;
    assert_int_equal(opened, 1);
    assert_int_equal(v.hosts_open, 1);
    memcpy(plan.args, args, plan.n * sizeof *args);
    host_services(&host);
    if (plan.trap)
        host.trap(call, plan.trap);
    result->u64 = plan.gives;
    stop_came = plan.stops;
    v.service.stopping = plan.closes;
    return plan.fails;
}

static char sigs[16][HOST_PARAMS_MAX + 4];
static unsigned nsigs;

static uint32_t add(const char *sig, bool one_thread, __typeof__(host_fn) *fn)
{
    static char names[64][8];
    char why[200];
    strcpy(sigs[nsigs % 16], sig);
    snprintf(names[table.n], sizeof names[0], "f%u", table.n);
    const wasmvm_func f = { "test", names[table.n], sigs[nsigs++ % 16], fn, NULL };
    assert_true(host_add(&table, &f, "the test", one_thread, why));
    return table.n - 1;
}

static struct request request_of(uint64_t function)
{
    struct request r = { .number = CALL_host, .args = { function } };
    for (uint32_t i = 1; i < SLOT_ARGS; i++)
        r.args[i] = 0xffffffff00000000 + i - 1;
    for (uint32_t i = 0; i < CALL_VALUES; i++)
        control->values[i] = 0xffffffff00000000 + i;
    return r;
}

/* Values that are no wider than their type, from the slot or from beside it. */
static void arguments_as_their_types_say(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {
        0, 1, SLOT_ARGS - 2, SLOT_ARGS - 1, SLOT_ARGS, SLOT_ARGS + 1, CALL_VALUES
    };
    for (int i = 0; i < 7; i++) {
        char sig[HOST_PARAMS_MAX + 4];
        for (uint32_t k = 0; k < sizes[i]; k++)
            sig[k] = "iIfF"[k % 4];
        strcpy(sig + sizes[i], ":I");
        uint32_t f = add(sig, false, host_fn);
        struct request r = request_of(f);
        if (sizes[i] < SLOT_ARGS)
            memset(control->values, 0x77, sizeof control->values);
        plan = (__typeof__(plan)){ .n = sizes[i], .gives = 0x123456789abcdef0 };
        assert_int_equal(ask_host(&v, &r, ON_VCPU), SERVED_DONE);
        for (uint32_t k = 0; k < sizes[i]; k++)
            assert_int_equal(plan.args[k].u64, (k % 2 ? 0xffffffff00000000 : 0) + k);
        assert_int_equal(control->slot.number, ANSWER_RESULT);
        assert_int_equal(control->slot.result, 0x123456789abcdef0);
        assert_int_equal(table.entries[f].calls, 1);
        assert_true(traced.value && !traced.words && traced.began_ns == 77);
    }
    assert_int_equal(v.hosts_open, 0);
    assert_int_equal(opened, 0);
}

static void results_as_their_type_says(void **state)
{
    (void)state;
    static const struct { const char *sig; uint64_t want;
    } rows[] = {
        { ":i", 0x9abcdef0 },
        { ":f", 0x9abcdef0 },
        { ":I", 0x123456789abcdef0 },
        { ":F", 0x123456789abcdef0 },
    };
    for (int i = 0; i < 4; i++) {
        struct request r = request_of(add(rows[i].sig, false, host_fn));
        plan = (__typeof__(plan)){ .gives = 0x123456789abcdef0 };
        assert_int_equal(ask_host(&v, &r, ON_VCPU), SERVED_DONE);
        assert_int_equal(control->slot.result, rows[i].want);
    }
}

static void functions_that_are_none(void **state)
{
    (void)state;
    add(":", false, host_fn);
    static const uint64_t numbers[] = { 1, 2, 0x100000000, UINT64_MAX };
    for (int i = 0; i < 4; i++)
        for (enum server who = ON_VCPU; who <= ON_SERVER; who++) {
            struct request r = request_of(numbers[i]);
            ended.kind = ENDED_NOT;
            assert_int_equal(ask_host(&v, &r, who), SERVED_NOT);
            assert_int_equal(ended.kind, ENDED_HOSTILE);
        }
    config.host = NULL;
    struct request r = request_of(0);
    ended.kind = ENDED_NOT;
    assert_int_equal(ask_host(&v, &r, ON_VCPU), SERVED_NOT);
    assert_string_equal(end_words, "host function 0 does not exist");
}

static void who_serves_a_function(void **state)
{
    (void)state;
    uint32_t any = add(":", false, host_fn), one = add(":", true, host_fn);
    struct request r = request_of(any), s = request_of(one);
    hands_over = true;
    assert_int_equal(ask_host(&v, &r, ON_VCPU), SERVED_HANDED);
    assert_int_equal(ask_host(&v, &s, ON_VCPU), SERVED_DONE);
    assert_int_equal(ask_host(&v, &r, ON_SERVER), SERVED_DONE);
    assert_int_equal(ask_host(&v, &s, ON_SERVER), SERVED_NOT);
    assert_int_equal(ended.kind, ENDED_NOT);
    hands_over = false;
    assert_int_equal(ask_host(&v, &r, ON_VCPU), SERVED_DONE);
}

static void traps_have_words(void **state)
{
    (void)state;
    char longest[CALL_WORDS + 100];
    memset(longest, 'w', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    struct request r = request_of(add(":", false, host_fn));
    plan = (__typeof__(plan)){ .fails = 1 };
    assert_int_equal(ask_host(&v, &r, ON_VCPU), SERVED_DONE);
    assert_int_equal(control->slot.number, ANSWER_TRAP);
    assert_string_equal(control->words, "a host function failed");
    assert_true(!traced.value && strcmp(traced.words, "a host function failed") == 0);
    plan.trap = "why";
    assert_int_equal(ask_host(&v, &r, ON_VCPU), SERVED_DONE);
    assert_string_equal(control->words, "why");
    plan.trap = longest;
    assert_int_equal(ask_host(&v, &r, ON_VCPU), SERVED_DONE);
    assert_int_equal(strlen(control->words), 199); /* of struct wasmvm_call */
    plan.fails = 0; /* words alone are no trap */
    assert_int_equal(ask_host(&v, &r, ON_VCPU), SERVED_DONE);
    assert_int_equal(control->slot.number, ANSWER_RESULT);
}

/* Else the program would trap, between the stop and the kick. */
static void functions_that_a_stop_makes_fail(void **state)
{
    (void)state;
    const uint32_t f = add(":", false, host_fn);
    struct request r = request_of(f);
    for (enum server who = ON_VCPU; who <= ON_SERVER; who++) {
        unsigned before = (unsigned)table.entries[f].calls;
        stop_came = false;
        control->slot.number = 0xeeee;
        plan = (__typeof__(plan)){ .fails = 1, .trap = "stopped", .stops = true };
        assert_int_equal(ask_host(&v, &r, who), SERVED_NOT);
        assert_int_equal(ask_host(&v, &r, who), SERVED_NOT); /* looked at again */
        assert_int_equal(table.entries[f].calls, before + 1);
        assert_int_equal(control->slot.number, 0xeeee);
        assert_true(!traced.value && !traced.words);
        stop_came = false;
        plan.fails = 0; /* done before the stop */
        assert_int_equal(ask_host(&v, &r, who), SERVED_DONE);
        assert_int_equal(control->slot.number, ANSWER_RESULT);
    }
}

static void a_function_that_outlives_the_run(void **state)
{
    (void)state;
    struct request r = request_of(add(":I", false, host_fn));
    for (int fails = 0; fails < 2; fails++) {
        v.service.stopping = false;
        memset(&control->slot, 0xee, sizeof control->slot);
        plan = (__typeof__(plan)){ .fails = fails, .closes = true };
        assert_int_equal(ask_host(&v, &r, ON_SERVER), SERVED_NOT);
        assert_true(control->slot.number == 0xeeeeeeee && ended.kind == ENDED_NOT);
        assert_true(!traced.value && !traced.words);
    }
}

static void so_deep_and_no_deeper(void **state)
{
    (void)state;
    struct request r = request_of(add(":", false, host_fn));
    v.hosts_open = CALL_NESTING + 1;
    assert_int_equal(ask_host(&v, &r, ON_VCPU), SERVED_NOT);
    assert_string_equal(end_words, "host and guest called each other more than 1000 deep");
}

static int only_counts(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call, (void)args, (void)result;
    plan.n++;
    return 0;
}

static void at_the_deepest(void **state)
{
    (void)state;
    struct request r = request_of(add(":", false, only_counts));
    plan = (__typeof__(plan)){ .n = 0 };
    v.hosts_open = CALL_NESTING;
    assert_int_equal(ask_host(&v, &r, ON_VCPU), SERVED_DONE);
    assert_int_equal(plan.n, 1);
    assert_int_equal(v.hosts_open, CALL_NESTING);
}

/* Each calls the same function again, until none begins any more. */
static uintptr_t deepest;

static int goes_deeper(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    volatile uint8_t frame[16 << 10];
    (void)data, (void)call, (void)args, (void)result;
    frame[0] = 1;
    deepest = (uintptr_t)frame;
    struct request r = { .number = CALL_host };
    control->slot.number = UINT32_MAX;
    assert_int_equal(ask_host(&v, &r, ON_VCPU), SERVED_DONE);
    if (deepest == (uintptr_t)frame) /* none began */
        assert_int_equal(control->slot.number, ANSWER_TRAP);
    return frame[0] - 1;
}

/* it may get more than it asks for: one that another thread left */
struct stack { size_t bytes, left; };

static void *on_a_stack(void *data)
{
    struct stack *stack = data;
    pthread_attr_t attr;
    void *low;
    size_t bytes;
    struct request r = { .number = CALL_host };
    assert_int_equal(pthread_getattr_np(pthread_self(), &attr), 0);
    assert_int_equal(pthread_attr_getstack(&attr, &low, &bytes), 0);
    pthread_attr_destroy(&attr);
    ask_stack_look();
    assert_int_equal(ask_host(&v, &r, ON_VCPU), SERVED_DONE);
    stack->left = deepest - (uintptr_t)low;
    stack->bytes = bytes;
    return NULL;
}

/* Host functions nest over the whole stack but for its last MiB, or its last quarter where that is
 * less. */
static void a_stack_is_used_up_to_its_last_part(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1 << 20, 2 << 20, 4 << 20, 8 << 20 };
    /* of the last function and what it stands on, with a sanitizer's room */
    enum { FRAMES = 80 << 10 };
    add(":", false, goes_deeper);
    for (int i = 0; i < 4; i++) {
        struct stack stack = { sizes[i], 0 };
        pthread_attr_t attr;
        pthread_t thread;
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, stack.bytes);
        assert_int_equal(pthread_create(&thread, &attr, on_a_stack, &stack), 0);
        pthread_join(thread, NULL);
        pthread_attr_destroy(&attr);
        size_t kept = stack.bytes < 4 << 20 ? stack.bytes / 4 : 1 << 20;
        assert_in_range(stack.left, kept - FRAMES, kept + FRAMES);
        assert_non_null(strstr(control->words, "so deep that the host's stack is used up"));
        assert_int_equal(v.hosts_open, 0);
    }
}

static int calls_and_fails(void *data, wasmvm_call *call, const wasmvm_val *args,
                           wasmvm_val *result)
{
    (void)data, (void)args, (void)result;
    assert_int_equal(call_value(call, "x", NULL, 0, NULL), WASMVM_ENDED);
    return 1;
}

static void a_function_whose_run_has_ended(void **state)
{
    (void)state;
    struct request r = request_of(add(":", false, calls_and_fails));
    guest = guest_ends;
    memset(&control->slot, 0xee, sizeof control->slot);
    assert_int_equal(ask_host(&v, &r, ON_VCPU), SERVED_NOT);
    assert_null(traced.words); /* it is not the function that failed */
    assert_false(traced.value);
    assert_int_equal(v.hosts_open, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(names_have_an_end),
        TEST(answers_to_a_search),
        TEST(types_that_are_none),
        TEST(names_are_remembered),
        TEST(values_lie_where_they_fit),
        TEST(answers_to_something_else),
        TEST(answers_that_nobody_waits_for),
        TEST(a_run_that_ends_meanwhile),
        TEST(arguments_as_their_types_say),
        TEST(results_as_their_type_says),
        TEST(functions_that_are_none),
        TEST(who_serves_a_function),
        TEST(traps_have_words),
        TEST(functions_that_a_stop_makes_fail),
        TEST(a_function_that_outlives_the_run),
        TEST(so_deep_and_no_deeper),
        TEST(at_the_deepest),
        TEST(a_stack_is_used_up_to_its_last_part),
        TEST(a_function_whose_run_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
