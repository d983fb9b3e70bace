/* Host functions: the table of those that there are, the way of a call from the guest to its function and back, and
 * what such a function may do meanwhile: look at guest memory, call exports.
 *
 * The request is a copy.  Which thread serves it, and how the guest is made to run an export in the middle of it, is
 * the run loop's matter (vcpu.c, service.c). */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/run/vcpu.h"

/* ---- the table ---- */

static const char *const reserved[] = {"wasi_snapshot_preview1", "wasi_unstable", "gojs"};

static bool sig_good(const char *sig)
{
    size_t params = strspn(sig, "iIfF");
    size_t results = sig[params] == ':' ? strspn(sig + params + 1, "iIfF") : 2;
    return params <= HOST_PARAMS_MAX && results <= 1 && sig[params + 1 + results] == 0;
}

static const struct host_entry *entry_find(const struct host_table *table, const char *module, const char *name)
{
    for (uint32_t i = 0; i < table->n; i++)
        if (strcmp(table->entries[i].func.module, module) == 0 && strcmp(table->entries[i].func.name, name) == 0)
            return &table->entries[i];
    return NULL;
}

bool host_add(struct host_table *table, const struct wasmvm_func *func, const char *provider, bool one_thread,
              char why[200])
{
    if (!func->module || !func->name || !func->sig || !func->fn || !sig_good(func->sig)) {
        snprintf(why, 200,
                 "%s.%s: a function needs a module, a name, code, and a signature such as \"iI:f\", not \"%s\"",
                 func->module ? func->module : "?", func->name ? func->name : "?", func->sig ? func->sig : "");
        return false;
    }
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcmp(func->module, reserved[i]) == 0) {
            snprintf(why, 200, "%s.%s: the module's name is reserved", func->module, func->name);
            return false;
        }
    if (entry_find(table, func->module, func->name))
        return true;
    if (table->n == table->cap) {
        uint32_t cap = table->cap ? 2 * table->cap : 16;
        struct host_entry *entries = realloc(table->entries, cap * sizeof *entries);
        if (!entries) {
            snprintf(why, 200, "no memory");
            return false;
        }
        table->entries = entries;
        table->cap = cap;
    }
    table->entries[table->n++] = (struct host_entry){.func = *func, .provider = provider, .one_thread = one_thread};
    return true;
}

void host_free(struct host_table *table)
{
    free(table->entries);
    *table = (struct host_table){0};
}

/* ---- in the control area ---- */

static uint32_t text_bytes(const char *text) { return (uint32_t)strlen(text) + 1; }

uint64_t host_bytes(const struct host_table *table)
{
    uint64_t sum = table->n * sizeof(struct host_import);
    for (uint32_t i = 0; i < table->n; i++) {
        const struct host_entry *entry = &table->entries[i];
        sum += text_bytes(entry->func.module) + text_bytes(entry->func.name) + text_bytes(entry->func.sig) +
               text_bytes(entry->provider);
    }
    return sum;
}

static uint32_t text_put(uint8_t *control, uint32_t *at, const char *text)
{
    uint32_t here = *at;
    memcpy(control + here, text, text_bytes(text));
    *at += text_bytes(text);
    return here;
}

void host_write(const struct host_table *table, uint8_t *control, uint32_t offset)
{
    struct host_import *imports = (struct host_import *)(control + offset);
    uint32_t at = offset + table->n * sizeof *imports;
    for (uint32_t i = 0; i < table->n; i++) {
        const struct host_entry *entry = &table->entries[i];
        imports[i] = (struct host_import){
            .module_off = text_put(control, &at, entry->func.module),
            .name_off = text_put(control, &at, entry->func.name),
            .sig_off = text_put(control, &at, entry->func.sig),
            .provider_off = text_put(control, &at, entry->provider),
        };
    }
}

/* ---- what a plug-in may do ---- */

static int do_read(struct wasmvm_call *call, uint32_t ptr, void *dst, uint32_t len)
{
    return linear_read(call->mem, MAP_LINEAR + ptr, dst, len) ? 0 : -1;
}

static int do_write(struct wasmvm_call *call, uint32_t ptr, const void *src, uint32_t len)
{
    return linear_write(call->mem, MAP_LINEAR + ptr, src, len) ? 0 : -1;
}

static const volatile uint8_t *do_view(struct wasmvm_call *call, uint32_t ptr, uint32_t len)
{
    struct iovec view;
    return linear_span(call->mem, MAP_LINEAR + ptr, len, false, &view) ? view.iov_base : NULL;
}

static uint64_t do_mem_size(struct wasmvm_call *call)
{
    return call->mem->regions[REGION_LINEAR].bytes;
}

static void do_trap(struct wasmvm_call *call, const char *message)
{
    snprintf(call->trap, sizeof call->trap, "%s", message);
}

/* The letters that a call with values can have; the rest are vectors and references. */
static bool callable(const char *sig, uint32_t nargs)
{
    return sig_params(sig) == nargs && sig_results(sig) <= 1 && !strpbrk(sig, "vr");
}

static int do_call_export(struct wasmvm_call *call, const char *name, const wasmvm_val *args, uint32_t nargs,
                          wasmvm_val *result)
{
    char sig[CALL_WORDS];
    uint32_t func;
    uint64_t values[CALL_VALUES], given = 0;
    if (call->ended)
        return WASMVM_ENDED;
    int found = ask_export(call->vcpu, call->who, name, &func, sig);
    if (found == WASMVM_OK && !callable(sig, nargs))
        found = WASMVM_BAD_TYPE;
    if (found == WASMVM_OK) {
        for (uint32_t i = 0; i < nargs; i++)
            values[i] = sig_wide(sig[i]) ? args[i].u64 : args[i].u32;
        found = ask_call(call->vcpu, call->who, func, values, nargs, &given, sig_results(sig));
    }
    if (found == WASMVM_OK && result && sig_results(sig))
        result->u64 = sig_wide(sig[nargs + 1]) ? given : (uint32_t)given;
    call->ended = found == WASMVM_ENDED;
    return found;
}

static int do_wait(struct wasmvm_call *call, int fd, short events)
{
    struct kick *kick = &call->vcpu->vm->kick;
    if (!events)
        return kick_pending(kick) ? WASMVM_ENDED : WASMVM_OK;
    for (;;) {
        if (kick_ppoll(kick, &(struct pollfd){.fd = fd, .events = events}, 1, -1) > 0)
            return WASMVM_OK;
        if (kick_pending(kick))
            return WASMVM_ENDED;
    }
}

void host_services(struct wasmvm_host *host)
{
    host->size = sizeof *host;
    host->read = do_read;
    host->write = do_write;
    host->view = do_view;
    host->mem_size = do_mem_size;
    host->trap = do_trap;
    host->call_export = do_call_export;
    host->wait = do_wait;
}
