/* The vCPU's run loop: enters the guest, answers its doorbell, until the run is over.
 *
 * Whatever comes from the guest is read once into a struct request and judged from there.  A
 * request that no honest guest makes ends the run as hostile, in one line.  There are two ways out
 * of the loop: `end` is set, or it is not yet. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/run/vcpu.h"

#define TEXT_MOST (64u << 10)
#define QUIT_WAIT_NS 2000000000u
#define QUIT_RETRY_NS 1000000
#define QUIT_TRIES 20 /* milliseconds in which the CPU was always found inside an exception entry */

static const char *const call_names[] = {
#define CALL(name, args, result) [CALL_##name] = #name,
#include "wasi-shim/calls.def"
};
_Static_assert(sizeof call_names / sizeof call_names[0] == CALL_COUNT, "one name a call");

/* ---- ends ---- */

static void end_with(struct vcpu *v, enum end_kind kind, uint32_t code, char *text)
{
    *v->end = (struct end){kind, code, text};
}

void vcpu_end(struct vcpu *v, enum end_kind kind, const char *format, ...)
{
    va_list ap;
    char *text = NULL;
    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    va_end(ap);
    end_with(v, kind, 0, text);
}

void vcpu_none(struct end *end, const char *what, const char *hint)
{
    *end = (struct end){.kind = ENDED_USAGE};
    if (asprintf(&end->text, "%s: %s (%s)", what, strerror(errno), hint) < 0)
        end->text = NULL;
}

void vcpu_end_by(struct vcpu *v, enum server who, const char *format, ...)
{
    struct end *end = who == ON_VCPU ? v->end : &v->polled_end;
    va_list ap;
    va_start(ap, format);
    if (end->kind == ENDED_NOT && vasprintf(&end->text, format, ap) < 0)
        end->text = NULL;
    va_end(ap);
    end->kind = ENDED_HOSTILE;
    if (who == ON_SERVER)
        kick_thread(v->machine.kick); /* out of the guest */
}

/* The guest's text as a string of our own; NULL: not readable, or longer than any honest text. */
static char *text_read(struct vcpu *v, gva_t at, uint64_t len)
{
    char *text = len <= TEXT_MOST ? malloc(len + 1) : NULL;
    if (!text)
        return NULL;
    if (len && !guest_read(v->machine.mem, at, text, len)) {
        free(text);
        return NULL;
    }
    text[len] = 0;
    return text;
}

static void end_bad_text(struct vcpu *v, enum call call, gva_t at, uint64_t len)
{
    vcpu_end(v, ENDED_HOSTILE, "%s: text of %llu bytes at 0x%llx is not the guest's to give",
             call_names[call], (unsigned long long)len, (unsigned long long)at);
}

/* ---- the guest's own calls ---- */

static uint64_t grow_result(struct vcpu *v, enum call call, uint64_t from, uint64_t to,
                            enum grow grown)
{
    if (grown == GROW_HOSTILE)
        vcpu_end(v, ENDED_HOSTILE, "%s from %llu to %llu bytes", call_names[call],
                 (unsigned long long)from, (unsigned long long)to);
    return grown != GROW_DONE;
}

static uint64_t call_memory_grow(struct vcpu *v, const struct memory_grow_args *args)
{
    return grow_result(v, CALL_memory_grow, args->from, args->to,
                       grow_linear(v->machine.vm, args->from, args->to));
}

static uint64_t call_memory_more(struct vcpu *v, const struct memory_more_args *args)
{
    return grow_result(v, CALL_memory_more, args->from, args->to,
                       grow_more(v->machine.vm, args->memory, args->from, args->to));
}

static uint64_t call_heap_grow(struct vcpu *v, const struct heap_grow_args *args)
{
    return grow_result(v, CALL_heap_grow, 0, args->to, grow_heap(v->machine.vm, args->to));
}

static uint64_t call_code_grow(struct vcpu *v, const struct code_grow_args *args)
{
    return grow_result(v, CALL_code_grow, 0, args->to, grow_code(v->machine.vm, args->to));
}

static uint64_t call_clock_refresh(struct vcpu *v, const struct clock_refresh_args *args)
{
    (void)args;
    return !clockpage_refresh(v->machine.vm);
}

static uint64_t call_ready(struct vcpu *v, const struct ready_args *args)
{
    (void)args;
    struct run_stats *stats = v->machine.stats;
    if (stats->boot_ns)
        vcpu_end(v, ENDED_HOSTILE, "ready a second time");
    else
        stats->boot_ns = clock_now_ns() - v->entered_ns;
    return 0;
}

/* The guest says that the engine got no memory; for what reason, the monitor knows. */
static void end_nomem(struct vcpu *v, char *text)
{
    uint64_t most = grow_total_met(v->machine.vm);
    if (!most) {
        end_with(v, ENDED_NOMEM, 0, text);
        return;
    }
    free(text);
    vcpu_end(v, ENDED_TOTAL_MEMORY, "it needs more than %llu bytes of memory in all",
             (unsigned long long)most);
}

static uint64_t call_end(struct vcpu *v, const struct end_args *args)
{
    static const enum end_kind kinds[] = {
        [END_EXIT] = ENDED_EXIT, [END_TRAP] = ENDED_TRAP, [END_INVALID] = ENDED_INVALID,
        [END_UNSUPPORTED] = ENDED_UNSUPPORTED, [END_LIMIT] = ENDED_LIMIT,
        [END_CRASH] = ENDED_CRASH, [END_USAGE] = ENDED_USAGE,
    };
    char *text = text_read(v, args->text, args->text_len);
    if (!text)
        end_bad_text(v, CALL_end, args->text, args->text_len);
    else if (args->reason == END_NOMEM)
        end_nomem(v, text);
    else if (args->reason < sizeof kinds / sizeof kinds[0])
        end_with(v, kinds[args->reason], args->code, text);
    else
        vcpu_end(v, ENDED_HOSTILE, "end for the unknown reason %llu",
                 (unsigned long long)args->reason),
            free(text);
    return 0;
}

static uint64_t call_backtrace(struct vcpu *v, const struct backtrace_args *args)
{
    uint32_t number = 0;
    char *text = text_read(v, args->text, args->text_len);
    kick_reason(v->machine.kick, &number);
    if (!text)
        end_bad_text(v, CALL_backtrace, args->text, args->text_len);
    else if (v->quitting)
        end_with(v, ENDED_SIGNAL, number, text);
    else
        vcpu_end(v, ENDED_HOSTILE, "backtrace that nobody asked for"), free(text);
    return 0;
}

/* What --invoke gave, on the program's standard output. */
static uint64_t call_results(struct vcpu *v, const struct results_args *args)
{
    struct invoke_result results[INVOKE_RESULTS_MAX];
    char text[INVOKE_RESULTS_MAX * INVOKE_LINE];
    uint64_t n = args->n;
    int out = wasi_stream(v->wasi, STDOUT_FILENO);
    if (!v->machine.config->set->invoke || n > INVOKE_RESULTS_MAX ||
        !guest_read(v->machine.mem, args->at, results, n * sizeof results[0]))
        vcpu_end(v, ENDED_HOSTILE, "%llu results at 0x%llx", (unsigned long long)n,
                 (unsigned long long)args->at);
    else if (out >= 0 &&
             !write_guard_all(v->machine.kick, out, text,
                              invoke_print(results, n, text, sizeof text)) &&
             errno != EINTR)
        vcpu_end(v, errno == EPIPE ? ENDED_SIGPIPE : ENDED_USAGE, "stdout cannot be written: %s",
                 strerror(errno));
    return 0;
}

static uint64_t call_random_refill(struct vcpu *v, const struct random_refill_args *args)
{
    struct iovec pool;
    (void)args;
    bool found = guest_span(v->machine.mem, MAP_CONTROL + offsetof(struct control, random),
                            RANDOM_POOL, true, &pool);
    return !found || !random_fill(pool.iov_base, pool.iov_len);
}

static uint64_t call_save(struct vcpu *v, const struct save_args *args)
{
    v->paused = snapshot_pause(v->machine.vm);
    if (!resume_save(v->machine.vm, args->heap, args->code) && !v->paused)
        vcpu_end(v, ENDED_HOSTILE, "save of %llu and %llu bytes", (unsigned long long)args->heap,
                 (unsigned long long)args->code);
    const char *unmade = resume_unmade(v->machine.vm);
    if (unmade)
        vcpu_end(v, ENDED_USAGE, "%s", unmade);
    return 0;
}

static uint64_t call_module_bytes(struct vcpu *v, const struct module_bytes_args *args)
{
    uint32_t number;
    switch (resume_pieces(v->machine.vm, args->from, args->to)) {
    case PIECES_THERE: break;
    case PIECES_CHANGED: end_with(v, ENDED_CHANGED, 0, NULL); break;
    case PIECES_STOPPED:
        end_with(v, kick_reason(v->machine.kick, &number), 0, NULL);
        v->end->code = number;
        break;
    case PIECES_HOSTILE:
        vcpu_end(v, ENDED_HOSTILE, "module_bytes from piece %llu to %llu",
                 (unsigned long long)args->from, (unsigned long long)args->to);
    }
    return 0;
}

/* Each by its number, behind a function that gives it the request's words as its arguments. */
#define OWN_CALL(name, args, result)                                                               \
    static uint64_t handle_##name(struct vcpu *v, const uint64_t *words)                           \
    {                                                                                              \
        return call_##name(v, name##_decode(words));                                               \
    }
#include "wasi-shim/calls.def"
static uint64_t (*const own_calls[CALL_COUNT])(struct vcpu *, const uint64_t *words) = {
#define OWN_CALL(name, args, result) [CALL_##name] = handle_##name,
#include "wasi-shim/calls.def"
};

/* ---- the doorbell ---- */

static bool request_read(struct vcpu *v, struct request *r)
{
    struct slot slot;
    if (!guest_read(v->machine.mem, SLOT_AT, &slot, offsetof(struct slot, polled)))
        return false;
    r->number = slot.number;
    r->closes = slot.closes;
    memcpy(r->args, slot.args, sizeof r->args);
    return true;
}

/* Takes over the end that a polled call brought.  With the service's lock held, on the vCPU's
 * thread: `end` is its own. */
static bool end_taken(struct vcpu *v)
{
    if (v->end->kind == ENDED_NOT && v->polled_end.kind != ENDED_NOT) {
        *v->end = v->polled_end;
        v->polled_end.text = NULL;
    }
    return v->end->kind != ENDED_NOT;
}

static bool own_call(uint32_t number)
{
    return number >= CALL_COUNT || own_calls[number];
}

/* A close that the guest has answered already; done once, however often the request is looked at.
 */
static void close_first(struct vcpu *v, uint32_t closes, struct end *end)
{
    struct request first = {.number = CALL_fd_close};
    const uint32_t none = 0;
    if (!closes)
        return;
    guest_write(v->machine.mem, SLOT_AT + offsetof(struct slot, closes), &none, sizeof none);
    fd_close_encode(first.args, &(struct fd_close_args){.fd = closes - 1});
    wasi_dispatch(v->wasi, &first, end);
}

static uint32_t counted_as(uint32_t number)
{
    return number == CALL_fd_read_one    ? CALL_fd_read
           : number == CALL_fd_write_one ? CALL_fd_write
                                         : number;
}

/* Time in ticks of the TSC, where its rate is known; else in nanoseconds. */
static uint64_t ticks_now(const struct vcpu *v)
{
    return v->service.tsc_khz ? __builtin_ia32_rdtsc() : clock_now_ns();
}

static void ticks_count(struct vcpu *v)
{
    for (unsigned i = 0; i < CALL_COUNT; i++) {
        struct call_stats *stats = &v->machine.stats->calls[i];
        double ns = v->service.tsc_khz ? (double)stats->ticks * 1e6 / (double)v->service.tsc_khz
                                       : (double)stats->ticks;
        stats->total_ns = (uint64_t)ns;
    }
}

/* A server that calls exports is somebody else's thread, which no write of the guest's may hit. */
static uint64_t wasi_result(struct vcpu *v, const struct request *r, enum server who)
{
    struct end *end = who == ON_SERVER ? &v->polled_end : v->end;
    struct write_guard guard;
    bool guarded = who == ON_SERVER && v->service.threadless;
    if (guarded)
        write_guard_enter(&guard);
    uint64_t result = r->number > CALL_WASI_LAST ? wasi_transfer_one(v->wasi, r, end)
                                                 : wasi_dispatch(v->wasi, r, end);
    if (guarded)
        write_guard_leave(&guard);
    return result;
}

/* A stop makes calls fail.  The program shall not see that and go on: the kick may come later. */
bool vcpu_stopped(struct vcpu *v)
{
    uint32_t number;
    if (v->quitting || kick_reason(v->machine.kick, &number) == ENDED_NOT)
        return false;
    kick_thread(v->machine.kick);
    return true;
}

static enum served request_serve(struct vcpu *v, const struct request *r, enum server who)
{
    uint64_t began = ticks_now(v), result;
    if (r->number == CALL_host) {
        enum served how = ask_host(v, r, who);
        if (how != SERVED_DONE)
            return how;
    } else {
        result = own_calls[r->number] ? own_calls[r->number](v, r->args) : wasi_result(v, r, who);
        if (!own_calls[r->number] && (uint32_t)result != 0 && vcpu_stopped(v))
            return SERVED_NOT;
        guest_write(v->machine.mem, SLOT_AT + offsetof(struct slot, result), &result,
                    sizeof result);
    }
    v->served = (struct served_call){ counted_as(r->number), true,
                                      who == ON_SERVER && !v->service.rung, began };
    return SERVED_DONE;
}

/* After the guest has its slot back: it does not wait for the counting. */
static void call_count(void *context)
{
    struct vcpu *v = context;
    const struct served_call *call = &v->served;
    if (!call->due)
        return;
    struct call_stats *stats = &v->machine.stats->calls[call->number];
    v->service.last = ticks_now(v);
    stats->count++;
    stats->polled += call->polled;
    stats->ticks += v->service.last - call->began;
    v->service.polled_calls += call->polled;
    v->served.due = false;
}

static bool is_reply(uint32_t number)
{
    return number == CALL_next || number == CALL_returned || number == CALL_found;
}

/* By the server.  What is not for it stays undone: the guest rings in the end. */
static enum served serve_here(struct vcpu *v, const struct request *r)
{
    if (v->polled_end.kind != ENDED_NOT || own_call(r->number))
        return SERVED_NOT;
    close_first(v, r->closes, &v->polled_end);
    enum served how = is_reply(r->number) ? ask_reply(v, r, ON_SERVER)
                                          : request_serve(v, r, ON_SERVER);
    if (v->polled_end.kind == ENDED_NOT)
        return how;
    kick_thread(v->machine.kick); /* out of the guest */
    return SERVED_NOT;
}

static enum served serve_rung(struct vcpu *v, const struct request *r)
{
    enum served how = SERVED_NOT;
    if (end_taken(v))
        return how;
    close_first(v, r->closes, v->end);
    if (r->number >= CALL_COUNT)
        vcpu_end(v, ENDED_HOSTILE, "call number %u does not exist", r->number);
    else
        how = is_reply(r->number) ? ask_reply(v, r, ON_VCPU) : request_serve(v, r, ON_VCPU);
    return v->end->kind == ENDED_NOT ? how : SERVED_NOT;
}

/* Serves what the slot holds, on whichever thread, with the service's lock held. */
static enum served call_serve(void *context, enum server who)
{
    struct vcpu *v = context;
    struct request r;
    bool read = request_read(v, &r);
    assert(read); /* the control area is always there */
    return who == ON_SERVER ? serve_here(v, &r) : serve_rung(v, &r);
}

/* With the service's lock held: somebody from outside wants it, or what the server found. */
static bool stop_wanted(void *context)
{
    struct vcpu *v = context;
    return kick_pending(v->machine.kick) || v->polled_end.kind != ENDED_NOT;
}

/* Closed while it waited for something to do; or for a backtrace, which has a time of its own. */
static void closed_look(struct vcpu *v)
{
    if (__atomic_load_n(&v->service.stopping, __ATOMIC_RELAXED) && !v->quitting &&
        v->end->kind == ENDED_NOT)
        end_with(v, ENDED_EXIT, 0, NULL);
}

static void call_rung(struct vcpu *v)
{
    uint32_t number = 0;
    guest_read(v->machine.mem, SLOT_AT + offsetof(struct slot, number), &number, sizeof number);
    service_doorbell(&v->service, !own_call(number), v->guest_ns);
    closed_look(v);
}

void vcpu_begin(struct vcpu *v, bool threadless)
{
    struct guestmem *mem = v->machine.mem;
    struct iovec ticks;
    bool found = guest_span(mem, SLOT_AT + offsetof(struct slot, wait_ticks), 8, true, &ticks);
    assert(found);
    v->service = (struct service){
        .state = guest_word(mem, SLOT_AT + offsetof(struct slot, state)),
        .polled = guest_word(mem, SLOT_AT + offsetof(struct slot, polled)),
        .wait_ticks = ticks.iov_base,
        .serve = call_serve,
        .served = call_count,
        .stop_wanted = stop_wanted,
        .context = v,
        .cpus_before = v->machine.cpus,
        .cputime = &v->machine.kick->cputime,
        .threadless = threadless,
        .patient = !v->machine.config->set->abandon,
    };
    service_init(&v->service, v->machine.config->set->hypercall, kvm_tsc_khz(v->machine.kvm));
}

static void probe_end(struct vcpu *v)
{
    boot_probe_done(v->machine.vm);
    v->probe = PROBE_DONE;
}

/* `out` faulted at CPL 3 before any doorbell: first another type of TSS is tried; if that changes
 * nothing, the fault is the guest's own, and it gets it. */
static void probe_step(struct vcpu *v)
{
    bool first = v->probe == PROBE_OPEN;
    if (v->probe == PROBE_DONE)
        vcpu_end(v, ENDED_HOSTILE, "doorbell with the value %d at the wrong time", DOORBELL_PROBE);
    else if (!kvm_set_tss_type(v->machine.kvm, first ? TSS_AVAILABLE : TSS_BUSY))
        vcpu_end(v, ENDED_CRASH, "the task register cannot be set");
    else if (first)
        v->probe = PROBE_OTHER_TYPE;
    else
        probe_end(v);
}

static const char *vector_name(uint64_t vector)
{
    static const char *const names[] = {
        [0] = "divide error",   [1] = "debug exception", [3] = "breakpoint",
        [6] = "invalid opcode", [8] = "double fault",    [13] = "general protection",
        [14] = "page fault",    [16] = "x87 error",      [17] = "alignment check",
        [19] = "SIMD error",
    };
    return vector < sizeof names / sizeof names[0] && names[vector] ? names[vector] : "exception";
}

static void crash(struct vcpu *v)
{
    static const char *const names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
    struct crash c;
    char registers[16 * 28], *at = registers;
    bool read = guest_read(v->machine.mem, MAP_CONTROL + offsetof(struct control, crash), &c,
                           sizeof c);
    assert(read);
    for (int i = 0; i < 16; i++)
        at += sprintf(at, "%s%-3s %016llx", i % 4 ? "  " : "\n", names[i],
                      (unsigned long long)c.gpr[i]);
    vcpu_end(v, ENDED_CRASH, "%s (vector %llu, error code 0x%llx) at 0x%llx, address 0x%llx%s",
             vector_name(c.vector), (unsigned long long)c.vector, (unsigned long long)c.error_code,
             (unsigned long long)c.rip, (unsigned long long)c.cr2, registers);
}

/* The guest came below the top of its stack.  Only the exception entry asks. */
static void stack_reached(struct vcpu *v)
{
    struct cpu_place place;
    bool honest = kvm_get_place(v->machine.kvm, &place) && !place.user;
    enum grow grown = honest ? grow_stack(v->machine.vm) : GROW_HOSTILE;
    if (grown == GROW_HOSTILE)
        vcpu_end(v, ENDED_HOSTILE, "doorbell with the value %d at the wrong time", DOORBELL_STACK);
    else if (grown == GROW_REFUSED)
        vcpu_end(v, ENDED_NOMEM, "no memory for the stack: %s", strerror(errno));
}

static void doorbell(struct vcpu *v, uint8_t value)
{
    switch (value) {
    case DOORBELL_CALL:
        if (v->probe != PROBE_DONE) {
            clockpage_check(v->machine.vm);
            probe_end(v);
        }
        call_rung(v);
        break;
    case DOORBELL_CRASH: crash(v); break;
    case DOORBELL_PROBE: probe_step(v); break;
    case DOORBELL_STACK: stack_reached(v); break;
    default: vcpu_end(v, ENDED_HOSTILE, "doorbell with the unknown value %u", value);
    }
}

/* ---- kicks ---- */

/* Sends the guest to its quit entry.  Inside an exception entry (CPL 0) it cannot be sent anywhere:
 * the kick comes again after a millisecond. */
static void quit_begin(struct vcpu *v, uint32_t number)
{
    const gva_t at = MAP_CONTROL + offsetof(struct control, quit_entry);
    struct { uint64_t entry, stack; } quit;
    struct cpu_place place;
    if (!guest_read(v->machine.mem, at, &quit, sizeof quit) || !quit.entry ||
        !kvm_get_place(v->machine.kvm, &place) || (!place.user && ++v->quit_tries == QUIT_TRIES)) {
        end_with(v, ENDED_SIGNAL, number, NULL);
        return;
    }
    if (!place.user) {
        kick_after(v->machine.kick, QUIT_RETRY_NS);
        return;
    }
    if (!service_stop(&v->service)) { /* the quit handler uses the slot */
        end_with(v, ENDED_SIGNAL, number, NULL);
        return;
    }
    uint64_t rsp = quit.stack ? quit.stack : FSTACK_TOP;
    struct cpu_place there = {.rip = quit.entry, .rsp = rsp, .rdi = place.rip, .rsi = place.rsp};
    v->quitting = true;
    kick_patience(v->machine.kick, QUIT_WAIT_NS);
    if (!kvm_set_place(v->machine.kvm, &there))
        end_with(v, ENDED_SIGNAL, number, NULL);
}

/* Draining comes first: a kick after it ends the next kvm_enter. */
static void kicked(struct vcpu *v)
{
    uint32_t number;
    kick_drain(v->machine.kick);
    pthread_mutex_lock(&v->service.lock);
    bool over = end_taken(v);
    pthread_mutex_unlock(&v->service.lock);
    if (over)
        return;
    enum end_kind kind = kick_reason(v->machine.kick, &number);
    if (kind == ENDED_NOT || (v->quitting && !kick_expired(v->machine.kick)))
        return;
    if (kind == ENDED_SIGNAL && number == SIGQUIT && !v->quitting)
        quit_begin(v, number);
    else
        end_with(v, kind, number, NULL);
}

/* ---- the loop ---- */

static void refused(struct vcpu *v, const char *why)
{
    if (v->probe == PROBE_OTHER_TYPE && kvm_set_tss_type(v->machine.kvm, TSS_BUSY))
        probe_end(v);
    else
        vcpu_end(v, ENDED_CRASH, "%s", why);
}

/* What the guest wanted, for the timeline. */
static const char *exit_name(const struct vcpu *v, enum kvm_exit exit, uint8_t value)
{
    uint32_t number = CALL_COUNT;
    if (exit != KVM_DOORBELL)
        return exit == KVM_INTERRUPTED ? "a signal" : "no call";
    if (value == DOORBELL_CALL)
        guest_read(v->machine.mem, SLOT_AT + offsetof(struct slot, number), &number, sizeof number);
    return number < CALL_COUNT       ? call_names[number]
           : value == DOORBELL_STACK ? "more stack"
                                     : "a doorbell";
}

void vcpu_step(struct vcpu *v)
{
    uint8_t value = 0;
    const char *why = "";
    uint64_t began = clock_now_ns();
    enum kvm_exit exit = kvm_enter(v->machine.kvm, &value, &why);
    uint64_t left = clock_now_ns();
    v->guest_ns = left - began;
    v->machine.stats->exits++;
    if (exit != KVM_DOORBELL)
        v->machine.stats->exits_other++;
    struct timeline *timeline = v->machine.stats->timeline;
    const char *name = timeline ? exit_name(v, exit, value) : NULL;
    switch (exit) {
    case KVM_DOORBELL: doorbell(v, value); break;
    case KVM_INTERRUPTED: kicked(v); break;
    case KVM_SHUTDOWN: vcpu_end(v, ENDED_CRASH, "triple fault"); break;
    case KVM_REFUSED: refused(v, why); break;
    case KVM_STRANGE: vcpu_end(v, ENDED_CRASH, "%s", why); break;
    }
    timeline_exit(timeline, v->machine.vm, name, left);
}

static void times_count(struct vcpu *v)
{
    struct run_stats *stats = v->machine.stats;
    uint64_t run_ns = clock_now_ns() - v->entered_ns;
    if (!stats->boot_ns)
        stats->boot_ns = vm_boot_ns(v->machine.vm, v->entered_ns, run_ns);
    stats->run_ns = run_ns - stats->boot_ns;
    stats->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - v->entered_cpu_ns;
    stats->service_cpu_ns = v->service.cpu_ns;
}

bool vcpu_loop(struct vcpu *v)
{
    uint32_t number;
    sigset_t inside;
    struct kick *kick = v->machine.kick;
    v->entered_ns = clock_now_ns();
    v->entered_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    if (!kick_enter(kick, &inside) || !kvm_set_signals(v->machine.kvm, &inside))
        vcpu_end(v, ENDED_USAGE, "no timer: %s", pending_error(errno));
    else if (kick_pending(kick))
        end_with(v, kick_reason(kick, &number), 0, NULL), v->end->code = number;
    batch_start(v->wasi, &v->service.lock);
    struct timeline *timeline = v->machine.stats->timeline;
    timeline_phase(timeline, "timer, signals");
    if (timeline)
        timeline->entered_ns = clock_now_ns();
    if (v->resumed && v->end->kind == ENDED_NOT && !service_wait(&v->service))
        closed_look(v);
    while (v->end->kind == ENDED_NOT && !v->paused)
        vcpu_step(v);
    timeline_phase(timeline, TIMELINE_GUEST);
    bool stopped = service_stop(&v->service);
    if (stopped) {
        batch_stop(v->wasi);
        free(v->polled_end.text);
    }
    ticks_count(v);
    kick_leave(kick);
    times_count(v);
    vm_count(v->machine.vm);
    if (!v->paused)
        resume_count(v->machine.vm);
    return stopped;
}

bool vcpu_run(struct vm *vm, struct wasi *wasi, struct end *end)
{
    struct vcpu *v = calloc(1, sizeof *v);
    if (!v)
        return vcpu_none(end, "no memory", "free some"), true;
    *v = (struct vcpu){.machine = vm_machine(vm), .wasi = wasi, .end = end};
    vcpu_begin(v, false);
    bool stopped = vcpu_loop(v);
    if (stopped) {
        ask_free(v);
        free(v);
    }
    return stopped;
}
