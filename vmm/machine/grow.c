/* The guest's calls for memory: linear memories, engine heap, code.
 *
 * Further memories take their pages from one range, in the order of growth; a large growth starts
 * at a 2 MiB page. A request that cannot be met is refused and nothing has changed; one that no
 * honest guest would make is hostile. */
#include "vmm/machine/inside.h"

#define WASM_PAGE 0x10000ull

/* Whether so many bytes more may be had, of all that the guest can touch: linear memories, stack,
 * module, heap and code.  What was refused last is remembered, as the run may end for it. */
bool grow_allowed(struct vm *vm, uint64_t bytes)
{
    uint64_t used = vm->mem.regions[REGION_LINEAR].bytes + vm->more.bytes + vm->heap_bytes +
                    vm->code_bytes;
    vm->total_met = vm_fixed_bytes(vm) + used + bytes > vm_total_most(vm);
    return !vm->total_met;
}

uint64_t grow_total_met(const struct vm *vm)
{
    return vm->total_met ? vm_total_most(vm) : 0;
}

/* Maps [old, new) of a range whose piece `host` is guest-physical from gpa on; the 2 MiB page that
 * `old` ends in is mapped again from its start, so that it becomes one entry when it is full. */
static bool map_more(struct vm *vm, gva_t at, const struct span *span, uint64_t old_bytes,
                     uint64_t new_bytes, unsigned rights)
{
    uint64_t from = old_bytes / FRAME * FRAME;
    return tables_map(&vm->tables, at + from, span->gpa + from, new_bytes - from, rights);
}

enum grow grow_linear(struct vm *vm, uint64_t old_bytes, uint64_t new_bytes)
{
    struct region *linear = &vm->mem.regions[REGION_LINEAR];
    struct ram *ram = &vm->ram;
    if (old_bytes != linear->bytes || new_bytes < old_bytes || new_bytes % WASM_PAGE ||
        new_bytes > MAP_LINEAR_MAX)
        return GROW_HOSTILE;
    if (new_bytes > vm->config->set->memory_bytes - vm->more.bytes ||
        !grow_allowed(vm, new_bytes - old_bytes))
        return GROW_REFUSED;
    /* of the main range, before linear memory */
    uint64_t ahead = ram->linear.gpa - ram->main.all.gpa;
    if (!ram_reach(&vm->kvm, &ram->main, ahead + new_bytes) ||
        !map_more(vm, MAP_LINEAR, &ram->linear, old_bytes, new_bytes, TABLES_WRITE))
        return GROW_REFUSED;
    ram_gather(ram, new_bytes);
    linear->bytes = new_bytes;
    return GROW_DONE;
}

/* That tables_map finds pages enough is boot.c's sum.  Were it ever wrong, part of the growth would
 * be mapped: nothing is mapped over it. */
enum grow grow_more(struct vm *vm, uint64_t number, uint64_t old_bytes, uint64_t new_bytes)
{
    struct more *more = &vm->more;
    struct range *range = &vm->ram.linear_more;
    if (number >= MAP_MORE_SLOTS || old_bytes != more->memories[number] || new_bytes < old_bytes ||
        new_bytes % WASM_PAGE || new_bytes > MAP_LINEAR_MAX)
        return GROW_HOSTILE;
    uint64_t bytes = new_bytes - old_bytes;
    uint64_t from = bytes < FRAME ? more->taken : round_up(more->taken, FRAME);
    bool allowed = bytes <= vm->config->set->memory_bytes - vm->mem.regions[REGION_LINEAR].bytes -
                                more->bytes &&
                   grow_allowed(vm, bytes);
    if (!allowed || more->broken ||
        !ram_reserve(range, RAM_LINEAR_MORE_GPA, RAM_LINEAR_MORE_BYTES) ||
        !ram_reach(&vm->kvm, range, from + bytes))
        return GROW_REFUSED;
    more->broken = !tables_map(&vm->tables, MAP_MORE + number * MAP_MORE_SLOT + old_bytes,
                               range->all.gpa + from, bytes, TABLES_WRITE);
    if (more->broken)
        return GROW_REFUSED;
    more->taken = from + bytes;
    more->bytes += bytes;
    more->memories[number] = new_bytes;
    return GROW_DONE;
}

/* The part of [0, bytes) that lies in the first piece, and the part beyond it. */
static uint64_t first_part(const struct span *first, uint64_t bytes)
{
    return bytes < first->bytes ? bytes : first->bytes;
}

static uint64_t more_part(const struct span *first, uint64_t bytes)
{
    return bytes - first_part(first, bytes);
}

static bool map_pieces(struct vm *vm, gva_t at, const struct span *first, const struct span *more,
                       uint64_t old_bytes, uint64_t new_bytes, unsigned rights)
{
    uint64_t more_new = more_part(first, new_bytes);
    return map_more(vm, at, first, first_part(first, old_bytes), first_part(first, new_bytes),
                    rights) &&
           (!more_new ||
            map_more(vm, at + first->bytes, more, more_part(first, old_bytes), more_new, rights));
}

/* Address space and slots for [0, bytes). */
static bool reach_pieces(struct vm *vm, const struct span *first, struct range *more, uint64_t gpa,
                         uint64_t max, uint64_t bytes)
{
    uint64_t beyond = more_part(first, bytes);
    return !beyond ||
           (ram_reserve(more, gpa, max - first->bytes) && ram_reach(&vm->kvm, more, beyond));
}

/* Its bytes count for --total-memory from the start. */
enum grow grow_stack(struct vm *vm)
{
    struct ram *ram = &vm->ram;
    const uint64_t rest = ram->stack_bytes - STACK_TOP_BYTES;
    const gva_t hi = MAP_STACK + MAP_STACK_MAX - STACK_TOP_BYTES;
    if (ram->stack_whole)
        return GROW_HOSTILE;
    ram->stack_more.next_slot_bytes = ram->stack_bytes;
    if (!ram_reach(&vm->kvm, &ram->stack_more, rest) ||
        !tables_map(&vm->tables, hi - rest, ram->stack_more.all.gpa, rest,
                    TABLES_WRITE | TABLES_COARSE))
        return GROW_REFUSED;
    ram->stack_whole = true;
    boot_stack_bounds(vm, hi, hi);
    return GROW_DONE;
}

enum grow grow_heap(struct vm *vm, uint64_t bytes)
{
    struct ram *ram = &vm->ram;
    if (bytes > MAP_HEAP_MAX)
        return GROW_REFUSED;
    bytes = round_up(bytes, FRAME);
    if (bytes <= vm->heap_bytes)
        return GROW_DONE;
    if (!grow_allowed(vm, bytes - vm->heap_bytes))
        return GROW_REFUSED;
    if (!reach_pieces(vm, &ram->heap, &ram->heap_more, RAM_HEAP_MORE_GPA, MAP_HEAP_MAX, bytes) ||
        !map_pieces(vm, MAP_HEAP, &ram->heap, &ram->heap_more.all, vm->heap_bytes, bytes,
                    TABLES_WRITE))
        return GROW_REFUSED;
    vm->heap_bytes = bytes;
    vm->mem.regions[REGION_HEAP].bytes = first_part(&ram->heap, bytes);
    vm->mem.regions[REGION_HEAP_MORE] = (struct region){ MAP_HEAP + ram->heap.bytes,
                                                         more_part(&ram->heap, bytes),
                                                         ram->heap_more.all.host, true };
    return GROW_DONE;
}

enum grow grow_code(struct vm *vm, uint64_t bytes)
{
    struct ram *ram = &vm->ram;
    if (bytes > MAP_CODE_MAX)
        return GROW_REFUSED;
    bytes = round_up(bytes, FRAME);
    if (bytes <= vm->code_bytes)
        return GROW_DONE;
    if (!grow_allowed(vm, bytes - vm->code_bytes))
        return GROW_REFUSED;
    if (!reach_pieces(vm, &ram->code, &ram->code_more, RAM_CODE_MORE_GPA, MAP_CODE_MAX, bytes) ||
        !map_pieces(vm, MAP_CODE_W, &ram->code, &ram->code_more.all, vm->code_bytes, bytes,
                    TABLES_WRITE) ||
        !map_pieces(vm, MAP_CODE_X, &ram->code, &ram->code_more.all, vm->code_bytes, bytes,
                    TABLES_EXECUTE))
        return GROW_REFUSED;
    vm->code_bytes = bytes;
    return GROW_DONE;
}
