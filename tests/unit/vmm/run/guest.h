/* For tests of calls beyond WASI: a machine that is nothing but memory, with a guest that is a
 * function of the test, and doubles of the run loop, the hand-over of the slot and the kick. */
#ifndef TESTS_RUN_GUEST_H
#define TESTS_RUN_GUEST_H

#include "vmm/run/vcpu.h" /* before <cmocka.h>, which has a macro fail */

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINEAR_BYTES 0x10000

static struct control *control;
static uint8_t *linear;
static struct guestmem mem;
static struct kick kick;
static struct end ended;
static struct run_stats stats;
static struct host_table table;
static struct config config;
static struct vcpu v;

/* ---- doubles ---- */

static char end_words[200];

void vcpu_end(struct vcpu *vcpu, enum end_kind kind, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(end_words, sizeof end_words, format, list);
    va_end(list);
    vcpu->end->kind = kind;
}

void vcpu_end_by(struct vcpu *vcpu, enum server who, const char *format, ...)
{
    va_list list;
    (void)who;
    va_start(list, format);
    vsnprintf(end_words, sizeof end_words, format, list);
    va_end(list);
    vcpu->end->kind = ENDED_HOSTILE;
}

static bool stop_came;

bool vcpu_stopped(struct vcpu *vcpu)
{
    (void)vcpu;
    return stop_came;
}

/* What the guest does with a wish: posts a request. */
static void (*guest)(struct request *);
static unsigned wishes;
static const char *sought; /* the name that it is to be asked for; NULL: whatever */

static void guest_runs(enum server who)
{
    struct request r = { .number = CALL_COUNT };
    wishes++;
    guest(&r);
    if (r.number < CALL_COUNT)
        assert_int_equal(ask_reply(&v, &r, who), SERVED_KEPT);
}

void vcpu_step(struct vcpu *vcpu)
{
    (void)vcpu;
    guest_runs(ON_VCPU);
}

bool service_ask(struct service *s)
{
    enum server before = s->asker;
    s->asker = ON_SERVER;
    s->asks++;
    guest_runs(ON_SERVER);
    s->asks--;
    s->asker = before;
    return ended.kind == ENDED_NOT;
}

enum server service_ask_here(struct service *s)
{
    enum server before = s->asker;
    s->asker = ON_VCPU;
    s->asks++;
    return before;
}

void service_asked_here(struct service *s, enum server before)
{
    s->asks--;
    s->asker = before;
}

static bool hands_over;
static int opened; /* locks */

bool service_hands_over(const struct service *s)
{
    (void)s;
    return hands_over;
}

void service_open(struct service *s)
{
    (void)s;
    opened++;
}

void service_shut(struct service *s)
{
    (void)s;
    opened--;
}

uint64_t trace_begin(const struct wasi *w)
{
    (void)w;
    return 77;
}

static struct { const char *words; bool value; uint64_t began_ns; } traced;

void trace_host(struct wasi *w, const struct wasmvm_func *f, const union wasmvm_val *args,
                const union wasmvm_val *result, const char *words, uint64_t began_ns)
{
    (void)w, (void)f, (void)args;
    traced.words = words;
    traced.value = result;
    traced.began_ns = began_ns;
}

static unsigned polls, ready_after;
static bool stopped;

bool kick_pending(struct kick *k)
{
    (void)k;
    return stopped;
}

int kick_ppoll(struct kick *k, struct pollfd *fds, unsigned n, int64_t timeout_ns)
{
    (void)k;
    assert_true(n == 1 && fds->fd == 9 && fds->events == POLLIN && timeout_ns == -1);
    return ++polls > ready_after ? 1 : 0;
}

/* ---- a machine ---- */

static int setup(void **state)
{
    (void)state;
    control = aligned_alloc(64, (sizeof *control + 63) / 64 * 64);
    memset(control, 0xee, sizeof *control);
    linear = calloc(1, LINEAR_BYTES);
    mem = (struct guestmem){ .regions = {
        [REGION_LINEAR] = { MAP_LINEAR, LINEAR_BYTES, linear, true },
        [REGION_CONTROL] = { MAP_CONTROL, sizeof *control, (uint8_t *)control, true },
    } };
    ended = (struct end){ .kind = ENDED_NOT };
    stats = (struct run_stats){ .start_ns = 0 };
    config = (struct config){ .host = &table };
    v = (struct vcpu){
        .machine = { .config = &config, .stats = &stats, .mem = &mem, .kick = &kick }, .end = &ended
    };
    wishes = polls = ready_after = 0;
    sought = NULL;
    opened = 0;
    hands_over = stopped = stop_came = false;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ask_free(&v);
    host_free(&table);
    free(control);
    free(linear);
    return 0;
}

static inline int call_value(wasmvm_call *call, const char *name, const wasmvm_val *args,
                             uint32_t n, wasmvm_val *result)
{
    struct wasmvm_host host;
    host_services(&host);
    return host.call_export(call, name, args, n, result);
}

static char sig_told[CALL_WORDS + 64];
static struct { uint64_t what, func; } found;

static inline void guest_finds(struct request *r)
{
    if (sought)
        assert_string_equal(control->words, sought);
    assert_int_equal(control->slot.number, ANSWER_FIND);
    assert_int_equal(control->slot.closes, 0);
    memcpy(control->words, sig_told, CALL_WORDS);
    r->number = CALL_found;
    r->args[0] = found.what;
    r->args[1] = found.func;
}

static inline void guest_ends(struct request *r)
{
    (void)r;
    ended.kind = ENDED_EXIT;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
