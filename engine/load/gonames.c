/* Names of functions from Go's own table of them, for modules without a name section: `go test`
 * strips what it runs.
 *
 * The table (runtime/symtab.go, "pclntab", the layout since Go 1.20) lies in linear memory, which
 * the program may have changed: every offset is checked, and what does not fit is as if it were not
 * there.  Its header gives the places of two others, counted from itself: the names, each with a
 * NUL behind, and the functions in order, each as where it starts and where its record lies.  A
 * function starts at 0x1000 and its index behind the imports, in older Gos shifted. */
#include "engine/inside.h"
#include "engine/lib.h"

#define GO_MAGIC 0x08010000fffffff1ull /* the number, two zeros, quantum 1, pointers of 8 bytes */
#define GO_SEARCH (16u << 20)          /* the table lies in the data that the module starts with */
#define GO_FIRST 0x1000u
#define GO_FIRST_OLD (GO_FIRST << 16)
enum {
    AT_NFUNC = 8,
    AT_NAMES = 32,
    AT_FUNCS = 64,
    HEADER_BYTES = 72,
    RECORD_NAME = 4,
    FUNC_BYTES = 8
};

struct go_table { const struct memory *memory; uint64_t names, funcs, count; uint32_t first; };

static bool read(const struct memory *memory, uint64_t at, void *out, uint32_t n)
{
    if (at > memory->bytes || memory->bytes - at < n)
        return false;
    mem_move(out, memory->base + at, n);
    return true;
}

static uint32_t read32(const struct memory *memory, uint64_t at)
{
    uint32_t value = 0;
    return read(memory, at, &value, sizeof value) ? value : 0;
}

static uint64_t read64(const struct memory *memory, uint64_t at)
{
    uint64_t value = 0;
    return read(memory, at, &value, sizeof value) ? value : 0;
}

static bool table_at(struct go_table *t, uint64_t at)
{
    uint64_t names = read64(t->memory, at + AT_NAMES), funcs = read64(t->memory, at + AT_FUNCS);
    uint64_t left = t->memory->bytes - at;
    t->count = read64(t->memory, at + AT_NFUNC);
    t->names = at + names;
    t->funcs = at + funcs;
    t->first = read32(t->memory, t->funcs);
    return names >= HEADER_BYTES && names < left && funcs > names && funcs < left && t->count > 1 &&
           t->count < (left - funcs) / FUNC_BYTES &&
           (t->first == GO_FIRST || t->first == GO_FIRST_OLD);
}

static bool table_find(const struct instance *instance, struct go_table *t)
{
    if (instance->module->nmemories == 0)
        return false;
    t->memory = instance->memories[0];
    uint64_t end = (uint64_t)instance->module->memories[0].min << 16;
    if (end > GO_SEARCH)
        end = GO_SEARCH;
    for (uint64_t at = 0; at + HEADER_BYTES <= end && at + HEADER_BYTES <= t->memory->bytes;
         at += 8)
        if (read64(t->memory, at) == GO_MAGIC && table_at(t, at))
            return true;
    return false;
}

bool go_name(const struct instance *instance, uint32_t func, struct name *out)
{
    struct go_table t;
    if (func < instance->module->nimported_funcs || !table_find(instance, &t))
        return false;
    uint64_t start = GO_FIRST + (func - instance->module->nimported_funcs), low = 0, high = t.count;
    if (t.first == GO_FIRST_OLD)
        start <<= 16;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (read32(t.memory, t.funcs + middle * FUNC_BYTES) <= start)
            low = middle;
        else
            high = middle;
    }
    uint64_t entry = t.funcs + low * FUNC_BYTES, record = t.funcs + read32(t.memory, entry + 4);
    if (read32(t.memory, entry) != start)
        return false;
    uint64_t name = t.names + read32(t.memory, record + RECORD_NAME), len = 0;
    while (name + len < t.memory->bytes && len < ERROR_NAME && t.memory->base[name + len] != 0)
        len++;
    ENGINE_ASSERT(len <= ERROR_NAME && (len == 0 || name + len <= t.memory->bytes));
    *out = (struct name){ t.memory->base + name, (uint32_t)len };
    return len > 0;
}
