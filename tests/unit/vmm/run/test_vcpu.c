/* The run loop (vcpu.c) with a CPU that is a list of exits: what each doorbell, each call of the
 * guest's own and each kick makes of the run, and what no honest guest does.  What it calls are
 * doubles that say what they were asked. */
#include "vmm/run/vcpu.h" /* before <cmocka.h>, which has a macro fail */

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINEAR_BYTES 0x20000
#define TEXT_BYTES   (64u << 10) /* what an end may say at most */

static struct control *control;
static uint8_t *linear;
static struct guestmem mem;
static struct kick kick;
static struct end ended;
static struct run_stats stats;
static struct settings settings;
static struct config config;
static struct vcpu v;

/* ---- doubles ---- */

static struct { enum kvm_exit exit; uint8_t value; const char *why; } exits[1];
static unsigned nexits, exits_done;
static struct cpu_place place, sent;
static bool no_place, no_sending, no_tss;
static int tss_types[4];
static unsigned ntypes, probes_done, clock_checks, drains, kicks, retries;
static enum grow grown;
static uint64_t asked[4];
static uint64_t total_met;
static enum end_kind reason;
static uint32_t reason_number;
static bool pending, expired, refreshed, saved, stops = true;
static enum module_pieces pieces;
static uint64_t patience_ns;
static struct request dispatched[4];
static unsigned ndispatched, transfers, replies;
static enum end_kind call_ends;
static enum served host_how;
static int out = -1;

enum kvm_exit kvm_enter(struct kvm *kvm, uint8_t *value, const char **why)
{
    (void)kvm;
    assert_in_range(exits_done, 0, nexits - 1);
    *value = exits[exits_done].value;
    *why = exits[exits_done].why;
    return exits[exits_done++].exit;
}

bool kvm_get_place(struct kvm *kvm, struct cpu_place *at)
{
    (void)kvm;
    *at = place;
    return !no_place;
}

bool kvm_set_place(struct kvm *kvm, const struct cpu_place *at)
{
    (void)kvm;
    sent = *at;
    return !no_sending;
}

bool kvm_set_tss_type(struct kvm *kvm, int type)
{
    (void)kvm;
    tss_types[ntypes++ % 4] = type;
    return !no_tss;
}

bool kvm_set_signals(struct kvm *kvm, const sigset_t *blocked)
{
    (void)kvm, (void)blocked;
    return true;
}

uint64_t kvm_tsc_khz(struct kvm *kvm)
{
    (void)kvm;
    return 0;
}

struct machine vm_machine(struct vm *vm)
{
    (void)vm;
    return v.machine;
}

void vm_count(struct vm *vm) { (void)vm; }
uint64_t vm_boot_ns(struct vm *vm, uint64_t entered_ns, uint64_t run_ns)
{
    (void)vm, (void)entered_ns;
    return run_ns;
}
void resume_count(struct vm *vm) { (void)vm; }
void boot_probe_done(struct vm *vm) { (void)vm, probes_done++; }
bool snapshot_pause(struct vm *vm) { return (void)vm, false; }
void clockpage_check(struct vm *vm) { (void)vm, clock_checks++; }
bool clockpage_refresh(struct vm *vm) { return (void)vm, refreshed; }
void timeline_phase(struct timeline *t, const char *name) { (void)t, (void)name; }
void batch_start(struct wasi *w, pthread_mutex_t *lock) { (void)w, (void)lock; }
void batch_stop(struct wasi *w) { (void)w; }
uint64_t grow_total_met(const struct vm *vm) { return (void)vm, total_met; }
void ask_free(struct vcpu *vcpu) { (void)vcpu; }

void timeline_exit(struct timeline *t, struct vm *vm, const char *name, uint64_t left_ns)
{
    (void)t, (void)vm, (void)name, (void)left_ns;
}

static enum grow grow(uint64_t what, uint64_t from, uint64_t to)
{
    asked[0] = what, asked[1] = from, asked[2] = to;
    errno = ENOMEM;
    return grown;
}

enum grow grow_linear(struct vm *vm, uint64_t from, uint64_t to)
{
    return (void)vm, grow(1000, from, to);
}
enum grow grow_more(struct vm *vm, uint64_t n, uint64_t from, uint64_t to)
{
    return (void)vm, grow(n, from, to);
}
enum grow grow_heap(struct vm *vm, uint64_t to) { return (void)vm, grow(1001, 0, to); }
enum grow grow_code(struct vm *vm, uint64_t to) { return (void)vm, grow(1002, 0, to); }
enum grow grow_stack(struct vm *vm) { return (void)vm, grow(1003, 0, 0); }

bool resume_save(struct vm *vm, uint64_t heap, uint64_t code)
{
    (void)vm;
    grow(1004, heap, code);
    return saved;
}

static const char *unmade; /* why no image was made that was wanted */

const char *resume_unmade(const struct vm *vm) { return (void)vm, unmade; }

enum module_pieces resume_pieces(struct vm *vm, uint64_t from, uint64_t to)
{
    (void)vm;
    grow(1005, from, to);
    return pieces;
}

bool kick_enter(struct kick *k, sigset_t *inside) { return (void)k, sigemptyset(inside) == 0; }
void kick_leave(struct kick *k) { (void)k; }
void kick_thread(struct kick *k) { (void)k, kicks++; }
void kick_drain(struct kick *k) { (void)k, drains++; }
void kick_after(struct kick *k, uint64_t ns) { (void)k, (void)ns, retries++; }
void kick_patience(struct kick *k, uint64_t ns) { (void)k, patience_ns = ns; }
bool kick_expired(const struct kick *k) { return (void)k, expired; }
bool kick_pending(struct kick *k) { return (void)k, pending; }
void kick_stop(struct kick *k, enum end_kind kind, uint32_t number)
{
    (void)k, (void)kind, (void)number;
}

int kick_ppoll(struct kick *k, struct pollfd *fds, unsigned n, int64_t timeout_ns)
{
    (void)k, (void)fds, (void)n, (void)timeout_ns;
    return 1;
}

enum end_kind kick_reason(const struct kick *k, uint32_t *number)
{
    (void)k;
    *number = reason_number;
    return reason;
}

void service_init(struct service *s, enum transport transport, uint64_t khz)
{
    (void)transport;
    pthread_mutex_init(&s->lock, NULL);
    s->tsc_khz = khz;
}

static bool counted;

void service_doorbell(struct service *s, bool counts, uint64_t guest_ns)
{
    (void)guest_ns;
    counted = counts;
    if (s->serve(s->context, ON_VCPU) == SERVED_DONE)
        s->served(s->context);
}

bool service_stop(struct service *s) { return (void)s, stops; }

static unsigned waits;
static bool waits_on = true; /* else the run is over meanwhile */

bool service_wait(struct service *s)
{
    s->stopping = !waits_on;
    waits++;
    return waits_on;
}

enum served ask_reply(struct vcpu *vcpu, const struct request *r, enum server who)
{
    (void)vcpu, (void)r, (void)who, replies++;
    return SERVED_KEPT;
}

enum served ask_host(struct vcpu *vcpu, const struct request *r, enum server who)
{
    (void)vcpu, (void)r, (void)who;
    return host_how;
}

uint32_t wasi_dispatch(struct wasi *w, const struct request *r, struct end *end)
{
    (void)w;
    dispatched[ndispatched++ % 4] = *r;
    if (call_ends != ENDED_NOT)
        end->kind = call_ends;
    return 71;
}

uint64_t wasi_transfer_one(struct wasi *w, const struct request *r, struct end *end)
{
    (void)w, (void)r, (void)end, transfers++;
    return 72ull << 32;
}

int wasi_stream(struct wasi *w, int fd) { return (void)w, (void)fd, out; }

/* ---- a machine ---- */

static int setup(void **state)
{
    (void)state;
    control = aligned_alloc(64, (sizeof *control + 63) / 64 * 64);
    memset(control, 0, sizeof *control);
    linear = malloc(LINEAR_BYTES);
    memset(linear, 'x', LINEAR_BYTES);
    mem = (struct guestmem){ .regions = {
        [REGION_LINEAR] = { MAP_LINEAR, LINEAR_BYTES, linear, true },
        [REGION_CONTROL] = { MAP_CONTROL, sizeof *control, (uint8_t *)control, true },
    } };
    ended = (struct end){ .kind = ENDED_NOT };
    memset(&stats, 0, sizeof stats);
    settings = (struct settings){ .invoke = NULL };
    config = (struct config){ .set = &settings };
    v = (struct vcpu){
        .machine = { .config = &config, .stats = &stats, .mem = &mem, .kick = &kick }, .end = &ended
    };
    nexits = exits_done = ntypes = probes_done = clock_checks = drains = kicks = retries = 0;
    ndispatched = transfers = replies = 0;
    no_place = no_sending = no_tss = pending = expired = false;
    refreshed = saved = stops = true;
    grown = GROW_DONE, pieces = PIECES_THERE, reason = ENDED_NOT, call_ends = ENDED_NOT,
    host_how = SERVED_DONE;
    reason_number = 0, total_met = patience_ns = 0;
    place = (struct cpu_place){ .rip = 0x1111, .rsp = 0x2222, .user = true };
    vcpu_begin(&v, false);
    v.probe = PROBE_DONE;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(ended.text);
    free(v.polled_end.text);
    free(control);
    free(linear);
    return 0;
}

static void step(enum kvm_exit exit, uint8_t value)
{
    nexits = exits_done + 1;
    exits[0].exit = exit, exits[0].value = value, exits[0].why = "what KVM says";
    free(ended.text);
    ended = (struct end){ .kind = ENDED_NOT };
    vcpu_step(&v);
    exits_done = 0;
}

/* The guest rings for this call. */
#define RING(number, ...) ring(number, (uint64_t[SLOT_ARGS]){ __VA_ARGS__ })

static void ring(uint32_t number, const uint64_t *args)
{
    control->slot.number = number;
    control->slot.result = 0xeeee;
    memcpy(control->slot.args, args, sizeof control->slot.args);
    step(KVM_DOORBELL, DOORBELL_CALL);
}

static void over(enum end_kind kind, const char *words)
{
    if (ended.kind != kind || (words && (!ended.text || !strstr(ended.text, words))) ||
        (!words && ended.text))
        fail_msg("%d: %s; wanted %d: %s", ended.kind, ended.text ? ended.text : "-", kind,
                 words ? words : "-");
}

static void goes_on(uint64_t result)
{
    over(ENDED_NOT, NULL);
    assert_int_equal(control->slot.result, result);
}

/* ---- exits ---- */

static void exits_that_end_a_run(void **state)
{
    (void)state;
    step(KVM_SHUTDOWN, 0);
    over(ENDED_CRASH, "triple fault");
    step(KVM_REFUSED, 0);
    over(ENDED_CRASH, "what KVM says");
    step(KVM_STRANGE, 0);
    over(ENDED_CRASH, "what KVM says");
    step(KVM_DOORBELL, 0);
    over(ENDED_HOSTILE, "unknown value 0");
    step(KVM_DOORBELL, 255);
    over(ENDED_HOSTILE, "unknown value 255");
    assert_int_equal(stats.exits, 5);
    assert_int_equal(stats.exits_other, 3); /* no doorbells */
}

static void a_crash_shows_its_registers(void **state)
{
    (void)state;
    static const struct { uint64_t vector; const char *name;
    } rows[] = {
        { 0, "divide error (vector 0," },
        { 6, "invalid opcode (vector 6," },
        { 14, "page fault (vector 14," },
        { 2, "exception (vector 2," },
        { 19, "SIMD error (vector 19," },
        { 20, "exception (vector 20," },
        { UINT64_MAX, "exception (vector 18446744073709551615," },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        control->crash = (struct crash){
            .vector = rows[i].vector, .error_code = 0x15, .rip = 0x4010, .cr2 = 0x99
        };
        for (int k = 0; k < 16; k++)
            control->crash.gpr[k] = 0x1000000000000000u + (unsigned)k;
        step(KVM_DOORBELL, DOORBELL_CRASH);
        over(ENDED_CRASH, rows[i].name);
        over(
            ENDED_CRASH,
            "error code 0x15) at 0x4010, address 0x99\nrax 1000000000000000  rcx 1000000000000001");
        over(ENDED_CRASH, "\nr12 100000000000000c  r13 100000000000000d  r14 100000000000000e  r15 "
                          "100000000000000f");
    }
}

static void the_doorbell_is_tried(void **state)
{
    (void)state;
    v.probe = PROBE_OPEN;
    step(KVM_DOORBELL, DOORBELL_PROBE);
    over(ENDED_NOT, NULL);
    assert_true(v.probe == PROBE_OTHER_TYPE && ntypes == 1 && tss_types[0] == TSS_AVAILABLE &&
                probes_done == 0);
    step(KVM_DOORBELL, DOORBELL_PROBE); /* it changed nothing: the fault is the guest's own */
    over(ENDED_NOT, NULL);
    assert_true(v.probe == PROBE_DONE && ntypes == 2 && tss_types[1] == TSS_BUSY &&
                probes_done == 1);
    step(KVM_DOORBELL, DOORBELL_PROBE);
    over(ENDED_HOSTILE, "at the wrong time");
    v.probe = PROBE_OPEN, no_tss = true;
    step(KVM_DOORBELL, DOORBELL_PROBE);
    over(ENDED_CRASH, "task register");
    v.probe = PROBE_OTHER_TYPE, no_tss = false;
    step(KVM_REFUSED, 0); /* the CPU takes only the first type */
    over(ENDED_NOT, NULL);
    assert_true(v.probe == PROBE_DONE && probes_done == 2);
    step(KVM_REFUSED, 0);
    over(ENDED_CRASH, "what KVM says");
    v.probe = PROBE_OPEN;
    RING(CALL_clock_refresh, 0);
    assert_true(v.probe == PROBE_DONE && probes_done == 3 && clock_checks == 1);
    RING(CALL_clock_refresh, 0);
    assert_true(probes_done == 3 && clock_checks == 1);
}

static void more_stack(void **state)
{
    (void)state;
    place.user = false;
    step(KVM_DOORBELL, DOORBELL_STACK);
    over(ENDED_NOT, NULL);
    grown = GROW_REFUSED;
    step(KVM_DOORBELL, DOORBELL_STACK);
    over(ENDED_NOMEM, "no memory for the stack: Cannot allocate memory");
    grown = GROW_HOSTILE;
    step(KVM_DOORBELL, DOORBELL_STACK);
    over(ENDED_HOSTILE, "at the wrong time");
    grown = GROW_DONE, place.user = true; /* the module's own code */
    step(KVM_DOORBELL, DOORBELL_STACK);
    over(ENDED_HOSTILE, "at the wrong time");
    place.user = false, no_place = true;
    step(KVM_DOORBELL, DOORBELL_STACK);
    over(ENDED_HOSTILE, "at the wrong time");
}

/* ---- calls ---- */

static void numbers_of_calls(void **state)
{
    (void)state;
    RING(CALL_COUNT, 0);
    over(ENDED_HOSTILE, "does not exist");
    assert_false(counted);
    RING(UINT32_MAX, 0);
    over(ENDED_HOSTILE, "call number 4294967295 does not exist");
    RING(CALL_fd_read, 5, 6, 7);
    goes_on(71);
    assert_true(counted && ndispatched == 1 && dispatched[0].number == CALL_fd_read &&
                dispatched[0].args[2] == 7);
    RING(CALL_WASI_LAST, 0);
    goes_on(71);
    RING(CALL_fd_write_one, 0);
    goes_on(72ull << 32);
    RING(CALL_fd_read_one, 0);
    goes_on(72ull << 32);
    assert_int_equal(transfers, 2);
    /* one piece counts as what the program called */
    assert_int_equal(stats.calls[CALL_fd_read].count, 2);
    assert_int_equal(stats.calls[CALL_fd_write].count, 1);
    assert_int_equal(stats.calls[CALL_fd_write].polled, 0);
    RING(CALL_next, 0);
    RING(CALL_returned, 0);
    RING(CALL_found, 0);
    assert_int_equal(replies, 3);
    RING(CALL_host, 0);
    goes_on(0xeeee);
    assert_int_equal(stats.calls[CALL_host].count, 1);
    host_how = SERVED_NOT;
    RING(CALL_host, 0);
    assert_int_equal(stats.calls[CALL_host].count, 1);
    call_ends = ENDED_SIGPIPE;
    RING(CALL_fd_write, 0);
    over(ENDED_SIGPIPE, NULL);
}

/* What the guest has closed on its own comes before the call, once. */
static void closes_come_first(void **state)
{
    (void)state;
    control->slot.closes = 8;
    RING(CALL_fd_read, 5);
    goes_on(71);
    assert_int_equal(ndispatched, 2);
    assert_int_equal(dispatched[0].number, CALL_fd_close);
    assert_int_equal(dispatched[0].args[0], 7);
    assert_int_equal(dispatched[1].number, CALL_fd_read);
    assert_int_equal(control->slot.closes, 0);
    RING(CALL_fd_read, 5);
    assert_int_equal(ndispatched, 3);
}

static void memory_that_grows(void **state)
{
    (void)state;
    static const struct {
        uint32_t number;
        uint64_t args[3], want[3];
        const char *words;
    } rows[] = {
        { CALL_memory_grow, { 1, 2 }, { 1000, 1, 2 }, "memory_grow from 1 to 2 bytes" },
        { CALL_memory_more, { 3, 4, 5 }, { 3, 4, 5 }, "memory_more from 4 to 5 bytes" },
        { CALL_heap_grow, { 6 }, { 1001, 0, 6 }, "heap_grow from 0 to 6 bytes" },
        { CALL_code_grow, { 7 }, { 1002, 0, 7 }, "code_grow from 0 to 7 bytes" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (grown = GROW_DONE; grown <= GROW_HOSTILE; grown++) {
            RING(rows[i].number, rows[i].args[0], rows[i].args[1], rows[i].args[2]);
            assert_memory_equal(asked, rows[i].want, sizeof rows[i].want);
            assert_false(counted); /* the guest's own */
            if (grown == GROW_HOSTILE)
                over(ENDED_HOSTILE, rows[i].words);
            else
                goes_on(grown == GROW_REFUSED);
        }
}

static void other_calls_of_the_guest(void **state)
{
    (void)state;
    v.entered_ns = clock_now_ns() - 1;
    RING(CALL_ready, 0);
    goes_on(0);
    assert_true(stats.boot_ns > 0);
    RING(CALL_ready, 0);
    over(ENDED_HOSTILE, "ready a second time");
    RING(CALL_clock_refresh, 0);
    goes_on(0);
    refreshed = false;
    RING(CALL_clock_refresh, 0);
    goes_on(1);
    RING(CALL_save, 11, 12);
    goes_on(0);
    assert_true(asked[1] == 11 && asked[2] == 12);
    saved = false;
    RING(CALL_save, 11, 12);
    over(ENDED_HOSTILE, "save of 11 and 12 bytes");
    saved = true;
    unmade = "an image cannot be made: a reason";
    RING(CALL_save, 11, 12);
    over(ENDED_USAGE, unmade);
    unmade = NULL;
    RING(CALL_module_bytes, 13, 14);
    goes_on(0);
    assert_true(asked[1] == 13 && asked[2] == 14);
    pieces = PIECES_CHANGED;
    RING(CALL_module_bytes, 13, 14);
    over(ENDED_CHANGED, NULL);
    pieces = PIECES_STOPPED, reason = ENDED_SIGNAL, reason_number = 15;
    RING(CALL_module_bytes, 13, 14);
    over(ENDED_SIGNAL, NULL);
    pieces = PIECES_HOSTILE, reason = ENDED_NOT;
    RING(CALL_module_bytes, 13, 14);
    over(ENDED_HOSTILE, "module_bytes from piece 13 to 14");
    static const uint8_t none[RANDOM_POOL];
    RING(CALL_random_refill, 0);
    goes_on(0);
    assert_memory_not_equal(control->random, none, sizeof none);
    assert_memory_not_equal(control->random + RANDOM_POOL - 16, none, 16);
}

/* ---- ends that the guest gives ---- */

static void reasons_of_an_end(void **state)
{
    (void)state;
    static const enum end_kind kinds[] = {
        [END_EXIT] = ENDED_EXIT, [END_TRAP] = ENDED_TRAP, [END_INVALID] = ENDED_INVALID,
        [END_UNSUPPORTED] = ENDED_UNSUPPORTED, [END_LIMIT] = ENDED_LIMIT, [END_NOMEM] = ENDED_NOMEM,
        [END_CRASH] = ENDED_CRASH, [END_USAGE] = ENDED_USAGE,
    };
    memcpy(linear, "words", 5);
    for (uint64_t reason_told = 0; reason_told < sizeof kinds / sizeof *kinds; reason_told++) {
        RING(CALL_end, reason_told, MAP_LINEAR, 5, 33);
        over(kinds[reason_told], "words");
        assert_string_equal(ended.text, "words");
        assert_int_equal(ended.code, reason_told == END_NOMEM ? 0 : 33);
    }
    RING(CALL_end, END_USAGE + 1, MAP_LINEAR, 5, 33);
    over(ENDED_HOSTILE, "end for the unknown reason 8");
    RING(CALL_end, UINT64_MAX, MAP_LINEAR, 5, 33);
    over(ENDED_HOSTILE, "end for the unknown reason 18446744073709551615");
    total_met = 12345;
    RING(CALL_end, END_NOMEM, MAP_LINEAR, 5, 0);
    over(ENDED_TOTAL_MEMORY, "more than 12345 bytes of memory in all");
}

/* Up to the most, and up to memory's end. */
static void texts_of_an_end(void **state)
{
    (void)state;
    static const struct { uint64_t at, len; bool good;
    } rows[] = {
        { MAP_LINEAR, 0, true },
        { 1, 0, true },
        { MAP_LINEAR, TEXT_BYTES, true },
        { MAP_LINEAR, TEXT_BYTES + 1, false },
        { MAP_LINEAR + LINEAR_BYTES - 9, 9, true },
        { MAP_LINEAR + LINEAR_BYTES - 9, 10, false },
        { MAP_LINEAR + LINEAR_BYTES, 1, false },
        { MAP_LINEAR, UINT64_MAX, false },
        { UINT64_MAX, 1, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        RING(CALL_end, END_EXIT, rows[i].at, rows[i].len, 0);
        over(rows[i].good ? ENDED_EXIT : ENDED_HOSTILE,
             rows[i].good ? "" : "is not the guest's to give");
        if (rows[i].good)
            assert_int_equal(strlen(ended.text), rows[i].len);
        RING(CALL_backtrace, rows[i].at, rows[i].len);
        over(ENDED_HOSTILE,
             rows[i].good ? "backtrace that nobody asked for" : "backtrace: text of");
    }
}

/* ---- kicks ---- */

static void kicks_without_a_reason(void **state)
{
    (void)state;
    step(KVM_INTERRUPTED, 0);
    over(ENDED_NOT, NULL);
    assert_int_equal(drains, 1);
    reason = ENDED_TIMEOUT, reason_number = 3;
    step(KVM_INTERRUPTED, 0);
    over(ENDED_TIMEOUT, NULL);
    assert_int_equal(ended.code, 3);
    v.polled_end = (struct end){ .kind = ENDED_SIGPIPE, .text = strdup("by the server") };
    step(KVM_INTERRUPTED, 0); /* what the server's call brought was there before */
    over(ENDED_SIGPIPE, "by the server");
    assert_null(v.polled_end.text);
}

/* Else a program could say that its read was interrupted, between the stop and the kick. */
static void calls_that_a_stop_makes_fail(void **state)
{
    (void)state;
    for (enum server who = ON_VCPU; who <= ON_SERVER; who++) {
        reason = ENDED_TIMEOUT, kicks = 0, v.served.due = false;
        control->slot.number = CALL_fd_close;
        control->slot.result = 0xeeee;
        assert_int_equal(v.service.serve(&v, who), SERVED_NOT);
        assert_true(kicks == 1 && control->slot.result == 0xeeee && !v.served.due);
        v.quitting = true; /* its backtrace may well call, and fail */
        assert_int_equal(v.service.serve(&v, who), SERVED_DONE);
        assert_true(kicks == 1 && control->slot.result == 71);
        v.quitting = false, control->slot.number = CALL_fd_read_one;
        assert_int_equal(v.service.serve(&v, who), SERVED_DONE); /* done before the stop */
        assert_true(kicks == 1 && control->slot.result == 72ull << 32);
        reason = ENDED_NOT, control->slot.number = CALL_fd_close;
        assert_int_equal(v.service.serve(&v, who), SERVED_DONE); /* as calls fail */
        assert_true(kicks == 1 && control->slot.result == 71);
    }
}

static void quit(void)
{
    reason = ENDED_SIGNAL, reason_number = SIGQUIT;
    step(KVM_INTERRUPTED, 0);
}

/* It goes on where it shows its backtrace, with what it was doing as arguments. */
static void a_guest_that_is_to_quit(void **state)
{
    (void)state;
    control->quit_entry = 0x5000, control->quit_stack = 0x6000;
    quit();
    over(ENDED_NOT, NULL);
    assert_true(v.quitting && patience_ns > 0);
    assert_true(sent.rip == 0x5000 && sent.rsp == 0x6000 && sent.rdi == 0x1111 &&
                sent.rsi == 0x2222);
    quit(); /* still at it */
    over(ENDED_NOT, NULL);
    memcpy(linear, "main.go:7", 9);
    RING(CALL_backtrace, MAP_LINEAR, 9);
    over(ENDED_SIGNAL, "main.go:7");
    assert_int_equal(ended.code, SIGQUIT);
    expired = true;
    quit();
    over(ENDED_SIGNAL, NULL);
}

static void guests_that_cannot_quit(void **state)
{
    (void)state;
    quit(); /* it is not ready */
    over(ENDED_SIGNAL, NULL);
    assert_int_equal(ended.code, SIGQUIT);
    control->quit_entry = 0x5000;
    no_place = true;
    quit();
    over(ENDED_SIGNAL, NULL);
    no_place = false, no_sending = true;
    quit();
    over(ENDED_SIGNAL, NULL);
    assert_int_equal(sent.rsp, FSTACK_TOP); /* where it named no stack */
    v.quitting = false, no_sending = false, stops = false;
    quit(); /* the slot is in a host function's hands */
    over(ENDED_SIGNAL, NULL);
    stops = true, reason = ENDED_SIGNAL, reason_number = SIGTERM, v.quitting = false;
    step(KVM_INTERRUPTED, 0);
    over(ENDED_SIGNAL, NULL);
    assert_int_equal(ended.code, SIGTERM);
    assert_false(v.quitting);
}

/* An exception entry is left in the end; whoever is always found there is not waited for. */
static void a_quit_inside_an_exception(void **state)
{
    (void)state;
    control->quit_entry = 0x5000;
    place.user = false;
    for (unsigned i = 1; i < 20; i++) {
        quit();
        over(ENDED_NOT, NULL);
        assert_int_equal(retries, i);
        assert_false(v.quitting);
    }
    quit();
    over(ENDED_SIGNAL, NULL);
    assert_int_equal(retries, 19);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void a_run_that_cannot_begin(void **state)
{
    struct end end = {.kind = ENDED_NOT};
    (void)state;
    errno = EAGAIN;
    vcpu_none(&end, "no thread", "fewer machines");
    assert_int_equal(end.kind, ENDED_USAGE);
    assert_string_equal(end.text, "no thread: Resource temporarily unavailable (fewer machines)");
    free(end.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_that_cannot_begin),
        TEST(exits_that_end_a_run),    TEST(a_crash_shows_its_registers),
        TEST(the_doorbell_is_tried),   TEST(more_stack),
        TEST(numbers_of_calls),        TEST(closes_come_first),
        TEST(memory_that_grows),       TEST(other_calls_of_the_guest),
        TEST(reasons_of_an_end),       TEST(texts_of_an_end),
        TEST(kicks_without_a_reason),  TEST(calls_that_a_stop_makes_fail),
        TEST(a_guest_that_is_to_quit),
        TEST(guests_that_cannot_quit), TEST(a_quit_inside_an_exception),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
