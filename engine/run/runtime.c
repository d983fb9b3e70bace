/* What compiled code calls for instructions that are no machine instruction: memory.* and table.*
 * with their segments.
 *
 * Operands come zero-extended from i32, so sums of two of them do not overflow.  Ranges are checked
 * whole before the first byte or item is written (spec 4.4.6, 4.4.7): no fault happens in here.  A
 * trap is left in engine->trap.  The compiler hears of every change of a table
 * (code_table_changed), as it keeps code addresses beside the elements. */
#include "engine/inside.h"
#include "engine/lib.h"

#define PAGE_BYTES 65536ull
#define MINUS_ONE  0xffffffffull /* i32 -1, zero-extended */

const char *trap_text(enum trap trap)
{
    static const char *const text[TRAP_COUNT] = {
        [TRAP_NONE] = "no trap",
        [TRAP_UNREACHABLE] = "unreachable",
        [TRAP_MEMORY] = "out of bounds memory access",
        [TRAP_TABLE] = "undefined element",
        [TRAP_NULL_FUNC] = "uninitialized element",
        [TRAP_SIGNATURE] = "indirect call type mismatch",
        [TRAP_DIV_ZERO] = "integer divide by zero",
        [TRAP_INT_OVERFLOW] = "integer overflow",
        [TRAP_BAD_CONVERSION] = "invalid conversion to integer",
        [TRAP_STACK] = "call stack exhausted",
        [TRAP_NULL_REF] = "null reference",
        [TRAP_BAD_BODY] = "invalid function body",
        [TRAP_NOMEM] = "out of engine memory",
        [TRAP_HOST] = "host function failed",
        [TRAP_EXIT] = "exit",
        [TRAP_TABLE_ACCESS] = "out of bounds table access",
    };
    ENGINE_ASSERT(trap < TRAP_COUNT && text[trap]);
    return text[trap];
}

static uint64_t trap_set(struct instance *instance, enum trap trap)
{
    instance->engine->trap = trap;
    return 0;
}

static bool is_inside(uint64_t start, uint64_t n, uint64_t size)
{
    return n <= size && start <= size - n;
}

/* ---- memories ---- */

uint64_t rt_memory_grow(struct instance *instance, uint64_t delta, uint64_t mem, uint64_t c,
                        uint64_t d, uint64_t e)
{
    (void)c, (void)d, (void)e;
    struct engine *engine = instance->engine;
    struct memory *memory = instance->memories[mem];
    uint64_t old_pages = memory->bytes / PAGE_BYTES, more = delta * PAGE_BYTES;
    if (delta == 0)
        return old_pages;
    if (more > memory->max_bytes - memory->bytes ||
        more > engine->env.memory_limit - engine->memory_total ||
        !engine->env.memory_grow(engine->env.self, memory->base, memory->bytes,
                                 memory->bytes + more))
        return MINUS_ONE;
    memory->bytes += more;
    engine->memory_total += more;
    return old_pages;
}

enum trap segment_to_memory(struct instance *instance, const struct data_segment *segment,
                            struct memory *memory, uint64_t dst, uint64_t src, uint64_t n)
{
    if (!is_inside(src, n, segment->len) || !is_inside(dst, n, memory->bytes))
        return TRAP_MEMORY;
    module_want(instance->module, segment->bytes + src, n);
    mem_move(memory->base + dst, instance->module->bytes + segment->bytes + src, n);
    return TRAP_NONE;
}

uint64_t rt_memory_init(struct instance *instance, uint64_t dst, uint64_t src, uint64_t n,
                        uint64_t seg, uint64_t mem)
{
    struct data_segment segment = instance->module->datas[seg];
    if (instance->data_dropped[seg])
        segment.len = 0;
    return trap_set(instance,
                    segment_to_memory(instance, &segment, instance->memories[mem], dst, src, n));
}

uint64_t rt_data_drop(struct instance *instance, uint64_t seg, uint64_t b, uint64_t c, uint64_t d,
                      uint64_t e)
{
    (void)b, (void)c, (void)d, (void)e;
    instance->data_dropped[seg] = true;
    return 0;
}

/* ---- tables ---- */

uint64_t rt_table_get(struct instance *instance, uint64_t i, uint64_t table, uint64_t c, uint64_t d,
                      uint64_t e)
{
    (void)c, (void)d, (void)e;
    const struct table *from = instance->tables[table];
    return i < from->size ? from->elems[i] : trap_set(instance, TRAP_TABLE_ACCESS);
}

uint64_t rt_table_set(struct instance *instance, uint64_t i, uint64_t ref, uint64_t table,
                      uint64_t d, uint64_t e)
{
    (void)d, (void)e;
    struct table *to = instance->tables[table];
    if (i >= to->size)
        return trap_set(instance, TRAP_TABLE_ACCESS);
    to->elems[i] = ref;
    code_table_changed(to, i, 1);
    return 0;
}

static uint64_t table_most(const struct table *table)
{
    return table->max < LIMIT_TABLE_ELEMS ? table->max : LIMIT_TABLE_ELEMS;
}

uint64_t rt_table_size(struct instance *instance, uint64_t table, uint64_t b, uint64_t c,
                       uint64_t d, uint64_t e)
{
    (void)b, (void)c, (void)d, (void)e;
    return instance->tables[table]->size;
}

/* Room for `size` elements: twice the room at least, as the old place is lost to the heap. */
static bool table_reserve(struct engine *engine, struct table *table, uint64_t size)
{
    if (size <= table->cap)
        return true;
    uint64_t cap = 2ull * table->cap > size ? 2ull * table->cap : size;
    if (cap > table_most(table))
        cap = table_most(table);
    uint64_t *elems = heap_alloc(engine, cap * sizeof *elems, 16);
    if (!elems) { /* memory that cannot be had is -1 to the module, not an error */
        engine->error.kind = ERROR_NONE;
        return false;
    }
    mem_move((uint8_t *)elems, (const uint8_t *)table->elems, table->size * sizeof *elems);
    table->elems = elems;
    table->cap = (uint32_t)cap;
    return true;
}

uint64_t rt_table_grow(struct instance *instance, uint64_t ref, uint64_t n, uint64_t table,
                       uint64_t d, uint64_t e)
{
    (void)d, (void)e;
    struct table *to = instance->tables[table];
    uint64_t old = to->size;
    if (n + old > table_most(to) || !table_reserve(instance->engine, to, old + n))
        return MINUS_ONE;
    for (uint64_t i = old; i < old + n; i++)
        to->elems[i] = ref;
    to->size = old + n;
    if (!code_table_changed(to, old, n)) {
        instance->engine->error.kind = ERROR_NONE;
        to->size = old;
        return MINUS_ONE;
    }
    return old;
}

uint64_t rt_table_fill(struct instance *instance, uint64_t i, uint64_t ref, uint64_t n,
                       uint64_t table, uint64_t e)
{
    (void)e;
    struct table *to = instance->tables[table];
    if (!is_inside(i, n, to->size))
        return trap_set(instance, TRAP_TABLE_ACCESS);
    for (uint64_t k = i; k < i + n; k++)
        to->elems[k] = ref;
    code_table_changed(to, i, n);
    return 0;
}

uint64_t rt_table_copy(struct instance *instance, uint64_t dst, uint64_t src, uint64_t n,
                       uint64_t dst_table, uint64_t src_table)
{
    struct table *to = instance->tables[dst_table], *from = instance->tables[src_table];
    if (!is_inside(dst, n, to->size) || !is_inside(src, n, from->size))
        return trap_set(instance, TRAP_TABLE_ACCESS);
    mem_move((uint8_t *)(to->elems + dst), (const uint8_t *)(from->elems + src),
             n * sizeof *to->elems);
    code_table_changed(to, dst, n);
    return 0;
}

/* Items are decoded when they are used: their values never change, and most segments are used once.
 */
enum trap segment_to_table(struct instance *instance, const struct elem_segment *segment,
                           struct table *table, uint64_t dst, uint64_t src, uint64_t n)
{
    if (!is_inside(src, n, segment->count) || !is_inside(dst, n, table->size))
        return TRAP_TABLE_ACCESS;
    /* to an end not kept */
    module_want(instance->module, segment->items, instance->module->len - segment->items);
    const uint8_t *at = instance->module->bytes + segment->items;
    uint64_t skipped, done = 0;
    bool read = true;
    for (uint64_t i = 0; i < src && read; i++)
        read = constant_elem(instance, segment, &at, &skipped);
    while (read && done < n && constant_elem(instance, segment, &at, &table->elems[dst + done]))
        done++;
    return code_table_changed(table, dst, done) && done == n ? TRAP_NONE : TRAP_NOMEM;
}

uint64_t rt_table_init(struct instance *instance, uint64_t dst, uint64_t src, uint64_t n,
                       uint64_t seg, uint64_t table)
{
    struct elem_segment segment = instance->module->elems[seg];
    if (instance->elem_dropped[seg])
        segment.count = 0;
    return trap_set(instance,
                    segment_to_table(instance, &segment, instance->tables[table], dst, src, n));
}

uint64_t rt_elem_drop(struct instance *instance, uint64_t seg, uint64_t b, uint64_t c, uint64_t d,
                      uint64_t e)
{
    (void)b, (void)c, (void)d, (void)e;
    instance->elem_dropped[seg] = true;
    return 0;
}

uint64_t rt_ref_func(struct instance *instance, uint64_t func, uint64_t b, uint64_t c, uint64_t d,
                     uint64_t e)
{
    (void)b, (void)c, (void)d, (void)e;
    return (uint64_t)(uintptr_t)instance_ref(instance, (uint32_t)func);
}
