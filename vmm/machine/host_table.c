/* Host functions as data: the table of those that there are, and what the guest's linker is told of
 * them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/machine/inside.h"

static const char *const reserved[] = {"wasi_snapshot_preview1", "wasi_unstable", "gojs"};

static bool sig_good(const char *sig)
{
    size_t params = strspn(sig, "iIfF");
    size_t results = sig[params] == ':' ? strspn(sig + params + 1, "iIfF") : 2;
    return params <= HOST_PARAMS_MAX && results <= 1 && sig[params + 1 + results] == 0;
}

static const struct host_entry *entry_find(const struct host_table *table, const char *module,
                                           const char *name)
{
    for (uint32_t i = 0; i < table->n; i++)
        if (strcmp(table->entries[i].func.module, module) == 0 &&
            strcmp(table->entries[i].func.name, name) == 0)
            return &table->entries[i];
    return NULL;
}

bool host_add(struct host_table *table, const struct wasmvm_func *func, const char *provider,
              bool one_thread, char why[200])
{
    if (!func->module || !func->name || !func->sig || !func->fn || !sig_good(func->sig)) {
        snprintf(why, 200,
                 "%s.%s: a function needs a module, a name, code, and a signature such as "
                 "\"iI:f\", not \"%s\"",
                 func->module ? func->module : "?", func->name ? func->name : "?",
                 func->sig ? func->sig : "");
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
    table->entries[table->n++] =
        (struct host_entry){ .func = *func, .provider = provider, .one_thread = one_thread };
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
        sum += text_bytes(entry->func.module) + text_bytes(entry->func.name) +
               text_bytes(entry->func.sig) + text_bytes(entry->provider);
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
