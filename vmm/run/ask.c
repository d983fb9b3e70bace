/* Calls between guest and host beyond WASI: a host function for the guest, an export for the host,
 * nested both ways.
 *
 * A wish (enum slot_answer) is written into the slot as the answer to the request that is open; the
 * guest's next request of the kinds next, returned and found belongs to who asked last (service.c
 * keeps the order).  One that nobody waits for, or of another kind than was asked for, is hostile.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/run/vcpu.h"
#include "vmm/wasi/wasi.h"

#define STACK_KEPT (1u << 20)    /* of a thread's stack; a quarter, where that is less */
#define STACK_UNKNOWN (1u << 20) /* what is taken to be there where the system does not tell */

/* ---- replies ---- */

enum served ask_reply(struct vcpu *v, const struct request *r, enum server who)
{
    struct service *s = &v->service;
    if (s->asks == 0) {
        if (who == ON_VCPU)
            vcpu_end(v, ENDED_HOSTILE, "an answer that nobody asked for");
        return SERVED_NOT;
    }
    if (s->asker != who)
        return who == ON_VCPU ? SERVED_HANDED : SERVED_NOT;
    v->reply = *r;
    /* the server is told by SERVED_KEPT; a loop of replied_here may stand below its call */
    if (who == ON_VCPU)
        v->replied = true;
    v->machine.stats->calls[r->number].count++;
    v->machine.stats->calls[r->number].polled += who == ON_SERVER && !s->rung;
    return SERVED_KEPT;
}

/* ---- wishes ---- */

/* number, result, closes (none) and the first n args of the slot, as they lie there. */
struct answer_words {
    uint32_t number;
    uint64_t result, closes, args[SLOT_ARGS];
} __attribute__((packed));
_Static_assert(offsetof(struct slot, result) == offsetof(struct slot, number) + 4 &&
                   offsetof(struct slot, args) == offsetof(struct slot, result) + 16,
               "struct answer_words is the slot's");

static void answer_write(struct vcpu *v, enum slot_answer what, uint64_t result,
                         const uint64_t *args, uint32_t n)
{
    struct answer_words words = {.number = what, .result = result};
    struct guestmem *mem = v->machine.mem;
    if (n <= SLOT_ARGS && n)
        memcpy(words.args, args, n * sizeof *args);
    else if (n)
        guest_write(mem, MAP_CONTROL + offsetof(struct control, values), args, n * sizeof *args);
    guest_write(mem, SLOT_AT + offsetof(struct slot, number), &words,
                offsetof(struct answer_words, args) + (n <= SLOT_ARGS ? n : 0) * sizeof *args);
}

static void words_write(struct vcpu *v, const char *text)
{
    char words[CALL_WORDS] = {0};
    memcpy(words, text, strnlen(text, sizeof words - 1));
    guest_write(v->machine.mem, MAP_CONTROL + offsetof(struct control, words), words,
                strlen(words) + 1);
}

static bool replied_here(struct vcpu *v)
{
    enum server before = service_ask_here(&v->service);
    v->replied = false;
    while (v->end->kind == ENDED_NOT && !v->replied)
        vcpu_step(v);
    v->replied = false; /* who asked before us waits for another one */
    service_asked_here(&v->service, before);
    return v->end->kind == ENDED_NOT;
}

/* The wish is in the slot. */
static bool asked(struct vcpu *v, enum server who, enum call want)
{
    if (!(who == ON_VCPU ? replied_here(v) : service_ask(&v->service)))
        return false;
    if (v->reply.number == want)
        return true;
    vcpu_end_by(v, who, "an answer to something else than was asked for");
    return false;
}

/* Values, a colon, values, not too many of them; v and r are vectors and references. */
static bool is_type(const char *sig)
{
    static const char letters[] = "iIfFvr";
    size_t params = strspn(sig, letters),
           results = sig[params] == ':' ? strspn(sig + params + 1, letters) : 0;
    return sig[params] == ':' && sig[params + 1 + results] == 0 && params <= CALL_VALUES &&
           results <= CALL_VALUES;
}

int ask_find(struct vcpu *v, enum server who, const char *name, uint32_t *func, char *sig)
{
    if (strlen(name) >= CALL_WORDS)
        return WASMVM_NO_EXPORT;
    words_write(v, name);
    answer_write(v, ANSWER_FIND, 0, NULL, 0);
    if (!asked(v, who, CALL_found))
        return WASMVM_ENDED;
    const struct found_args *found = found_decode(v->reply.args);
    if (found->what != FOUND)
        return found->what == FOUND_LARGE ? WASMVM_BAD_TYPE : WASMVM_NO_EXPORT;
    *func = found->func;
    guest_read(v->machine.mem, MAP_CONTROL + offsetof(struct control, words), sig, CALL_WORDS);
    sig[CALL_WORDS - 1] = 0;
    if (!is_type(sig)) {
        vcpu_end_by(v, who, "a function type that is none");
        return WASMVM_ENDED;
    }
    return WASMVM_OK;
}

static void export_forget(struct export *known)
{
    free(known->name);
    free(known->sig);
    *known = (struct export){0};
}

int ask_export(struct vcpu *v, enum server who, const char *name, uint32_t *func, char *sig)
{
    unsigned i = 0;
    while (i < EXPORTS_KNOWN && v->exports[i].name && strcmp(v->exports[i].name, name) != 0)
        i++;
    struct export *known = i < EXPORTS_KNOWN ? &v->exports[i] : NULL;
    if (known && known->name) {
        strcpy(sig, known->sig);
        *func = known->func;
        return WASMVM_OK;
    }
    int found = ask_find(v, who, name, func, sig);
    if (found == WASMVM_OK && known) {
        *known = (struct export){strdup(name), strdup(sig), *func};
        if (!known->name || !known->sig)
            export_forget(known);
    }
    return found;
}

void ask_free(struct vcpu *v)
{
    for (unsigned i = 0; i < EXPORTS_KNOWN; i++)
        export_forget(&v->exports[i]);
}

int ask_call(struct vcpu *v, enum server who, uint32_t func, const uint64_t *args, uint32_t n,
             uint64_t *results, uint32_t nresults)
{
    answer_write(v, ANSWER_CALL, func, args, n);
    if (!asked(v, who, CALL_returned))
        return WASMVM_ENDED;
    if (nresults <= SLOT_ARGS)
        memcpy(results, v->reply.args, nresults * sizeof *results);
    else
        guest_read(v->machine.mem, MAP_CONTROL + offsetof(struct control, values), results,
                   nresults * sizeof *results);
    return WASMVM_OK;
}

/* ---- a host function ---- */

/* The arguments, each no wider than its type. */
static bool args_read(struct vcpu *v, const struct request *r, const char *sig,
                      wasmvm_val args[HOST_PARAMS_MAX])
{
    uint64_t more[HOST_PARAMS_MAX];
    const uint64_t *from = r->args + ARGS_host;
    uint32_t n = sig_params(sig);
    if (n > SLOT_ARGS - ARGS_host) {
        if (!guest_read(v->machine.mem, MAP_CONTROL + offsetof(struct control, values), more,
                        n * sizeof *more))
            return false;
        from = more;
    }
    for (uint32_t i = 0; i < n; i++)
        args[i].u64 = sig_wide(sig[i]) ? from[i] : (uint32_t)from[i];
    return true;
}

static _Thread_local struct { uintptr_t floor, top; } stack;

/* Host functions that nest lie on one thread's stack, with frames of the plug-in's own.  Below the
 * floor none begins any more: the last part of the stack is for what it does. */
void ask_stack_look(void)
{
    pthread_attr_t attr;
    void *low;
    size_t bytes;
    if (stack.floor)
        return;
    stack.floor = (uintptr_t)__builtin_frame_address(0) - STACK_UNKNOWN;
    stack.top = UINTPTR_MAX;
    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        if (pthread_attr_getstack(&attr, &low, &bytes) == 0) {
            stack.floor = (uintptr_t)low + (bytes / 4 < STACK_KEPT ? bytes / 4 : STACK_KEPT);
            stack.top = (uintptr_t)low + bytes;
        }
        pthread_attr_destroy(&attr);
    }
}

/* Nobody tells how much is left of a stack that is not the thread's own, as a coroutine's. */
static bool stack_low(const struct vcpu *v)
{
    uintptr_t at = (uintptr_t)__builtin_frame_address(0);
    if (!v->hosts_open)
        return false;
    ask_stack_look();
    return at < stack.floor || at >= stack.top;
}

static enum served host_run(struct vcpu *v, struct host_entry *entry, const wasmvm_val *args,
                            enum server who)
{
    struct wasmvm_call call = {{&host_here}, .vcpu = v, .who = who, .mem = v->machine.mem};
    wasmvm_val value = {.u64 = 0};
    const char *words = NULL;
    uint64_t began_ns = trace_begin(v->wasi);
    entry->calls++;
    v->hosts_open++;
    service_open(&v->service);
    int trapped = entry->func.fn(entry->func.data, &call, args, &value);
    service_shut(&v->service);
    v->hosts_open--;
    /* once the run is over, the slot is for a backtrace */
    call.ended = call.ended || v->service.stopping || (trapped && vcpu_stopped(v));
    if (trapped && !call.ended)
        words = call.trap[0] ? call.trap : "a host function failed";
    trace_host(v->wasi, &entry->func, args, words || call.ended ? NULL : &value, words, began_ns);
    if (call.ended)
        return SERVED_NOT;
    if (words)
        words_write(v, words);
    bool wide = sig_wide(entry->func.sig[strlen(entry->func.sig) - 1]);
    answer_write(v, words ? ANSWER_TRAP : ANSWER_RESULT, wide ? value.u64 : value.u32, NULL, 0);
    return SERVED_DONE;
}

/* Within serve(): the service's lock is held, but while the function runs. */
enum served ask_host(struct vcpu *v, const struct request *r, enum server who)
{
    struct host_table *table = v->machine.config->host;
    uint64_t function = host_decode(r->args)->function;
    struct host_entry *entry = table && function < table->n ? &table->entries[function] : NULL;
    wasmvm_val args[HOST_PARAMS_MAX];
    if (vcpu_stopped(v)) /* a request that is looked at again is not served twice */
        return SERVED_NOT;
    if (entry && who == ON_VCPU && !entry->one_thread && service_hands_over(&v->service))
        return SERVED_HANDED;
    if (entry && who == ON_SERVER && entry->one_thread)
        return SERVED_NOT;
    if (!entry || !args_read(v, r, entry->func.sig, args)) {
        vcpu_end_by(v, who, "host function %llu does not exist", (unsigned long long)function);
        return SERVED_NOT;
    }
    if (v->hosts_open > CALL_NESTING) { /* the engine keeps count too, and traps before this */
        vcpu_end_by(v, who, "host and guest called each other more than %u deep", CALL_NESTING);
        return SERVED_NOT;
    }
    if (!stack_low(v))
        return host_run(v, entry, args, who);
    words_write(v, "host and guest called each other so deep that the host's stack is used up");
    answer_write(v, ANSWER_TRAP, 0, NULL, 0);
    return SERVED_DONE;
}
