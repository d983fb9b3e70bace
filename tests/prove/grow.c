/* The guest's calls for memory (vmm/machine/grow.c), with doubles for slots and tables, which look
 * at what they are told and may fail at any time.
 *
 * Proven for one call with any arguments, in any state that calls before it can have left, and any
 * settings within their bounds: linear memories never exceed --memory, and all together never
 * --total-memory; what is mapped lies in its region's place of the memory map and in its region's
 * own guest-physical memory, in whole pages; it is writable, and code's other address executable,
 * never both; what is refused changes no count, and no count gets smaller.
 *
 * KIND says which call: 0 linear memory, 1 a further one, 2 heap, 3 code, 4 the stack.  Bound:
 * further memories are one, which stands for all: they are alike. */
#include "tests/prove/prove.h"

#define GIB (1ull << 30)
#define WASM_PAGE 0x10000ull
#define UNITS(most, unit) ((any_u64() & ((most) / (unit) * 2 - 1)) * (unit))

static struct settings set;
static struct config config = { .set = &set };
static struct vm vm;

/* ---- doubles ---- */

static struct { uint64_t at, bytes; } places[2], ranges[2]; /* where this call may map, and what */
static unsigned coarse;

static _Bool inside(uint64_t at, uint64_t n, uint64_t from, uint64_t bytes)
{
    return at >= from && at - from <= bytes && n <= bytes - (at - from);
}

bool tables_map(struct tables *t, gva_t at, uint64_t gpa, uint64_t bytes, unsigned rights)
{
    _Bool first = inside(at, bytes, places[0].at, places[0].bytes),
          second = inside(at, bytes, places[1].at, places[1].bytes);
    HOLDS(first || second, "it is mapped in its place of the memory map");
    HOLDS(inside(gpa, bytes, ranges[0].at, ranges[0].bytes) ||
              inside(gpa, bytes, ranges[1].at, ranges[1].bytes),
          "what is mapped is its own memory");
    HOLDS(rights == (first ? TABLES_WRITE | coarse : TABLES_EXECUTE),
          "it is writable, or at the other address of code executable");
    HOLDS(at % PAGE == 0 && gpa % PAGE == 0 && bytes % PAGE == 0, "pages are whole");
    (void)t;
    return any_bool();
}

/* Which pages of the host they are changes nothing here. */
void ram_gather(struct ram *ram, uint64_t bytes) { (void)ram, (void)bytes; }

bool ram_reserve(struct range *range, uint64_t gpa, uint64_t bytes)
{
    if (range->all.bytes)
        return true;
    if (any_bool())
        return false;
    range->all = (struct span){ (uint8_t *)&vm, gpa, bytes };
    return true;
}

bool ram_reach(struct kvm *kvm, struct range *range, uint64_t bytes)
{
    (void)kvm;
    HOLDS(range->all.bytes != 0, "address space comes before slots");
    return bytes <= range->all.bytes && any_bool();
}

void boot_stack_bounds(struct vm *v, gva_t from, gva_t to)
{
    (void)v, (void)from, (void)to;
}

uint64_t vm_fixed_bytes(const struct vm *v)
{
    return v->ram.stack_bytes + v->module_bytes;
}

uint64_t vm_total_most(const struct vm *v)
{
    return v->config->set->total_bytes;
}

/* ---- any state ---- */

#define LINEAR_GPA 0x140000000ull
#define HEAP_GPA   0x110000000ull
#define CODE_GPA   0x120000000ull
#define FIRST_HEAP 0x1000000ull
#define FIRST_CODE 0x800000ull

static uint64_t total(void)
{
    return vm_fixed_bytes(&vm) + (vm.mem.regions[REGION_LINEAR].bytes + vm.more.bytes +
                                  vm.heap_bytes + vm.code_bytes);
}

static void ram_any(void)
{
    struct ram *ram = &vm.ram;
    uint8_t *host = (uint8_t *)&vm;
    ram->stack_bytes = UNITS(MAP_STACK_MAX, FRAME);
    ASSUME(ram->stack_bytes >= FRAME && ram->stack_bytes <= MAP_STACK_MAX - FRAME);
    ram->stack_more.all = (struct span){ host, RAM_STACK_MORE_GPA, ram->stack_bytes };
    ram->stack_whole = any_bool();
    ram->main.all = (struct span){ host, 0x100000000ull, 0x40000000ull + MAP_LINEAR_MAX };
    ram->linear = (struct span){ host, LINEAR_GPA, MAP_LINEAR_MAX };
    ram->heap = (struct span){ host, HEAP_GPA, FIRST_HEAP };
    ram->code = (struct span){ host, CODE_GPA, FIRST_CODE };
}

static void state_any(void)
{
    vm.config = &config;
    ram_any();
    set.memory_bytes = any_u64();
    set.total_bytes = any_u64();
    vm.module_bytes = any_u64();
    vm.mem.regions[REGION_LINEAR] = (struct region){ 0, UNITS(MAP_LINEAR_MAX, WASM_PAGE),
                                                     (uint8_t *)&vm, 1 };
    vm.more.bytes = UNITS(4 * MAP_LINEAR_MAX, WASM_PAGE);
    vm.more.taken = UNITS(RAM_LINEAR_MORE_BYTES, WASM_PAGE);
    vm.heap_bytes = UNITS(MAP_HEAP_MAX, FRAME);
    vm.code_bytes = UNITS(MAP_CODE_MAX, FRAME);
    ASSUME(set.memory_bytes <= 16 * GIB && set.total_bytes <= 64 * GIB);
    ASSUME(vm.module_bytes <= MAP_MODULE_MAX && vm.more.taken <= RAM_LINEAR_MORE_BYTES);
    ASSUME(vm.mem.regions[REGION_LINEAR].bytes <= MAP_LINEAR_MAX);
    ASSUME(vm.heap_bytes <= MAP_HEAP_MAX && vm.code_bytes <= MAP_CODE_MAX);
    ASSUME(vm.mem.regions[REGION_LINEAR].bytes + vm.more.bytes <= set.memory_bytes);
    ASSUME(total() <= set.total_bytes);
}

/* ---- a call ---- */

static enum grow any_call(void)
{
#if KIND == 0
    places[0].at = MAP_LINEAR, places[0].bytes = MAP_LINEAR_MAX;
    ranges[0].at = LINEAR_GPA, ranges[0].bytes = MAP_LINEAR_MAX;
    return grow_linear(&vm, any_u64(), any_u64());
#elif KIND == 1
    uint64_t number = any_u64();
    ASSUME(number == 0 || number >= MAP_MORE_SLOTS);
    vm.more.memories[0] = UNITS(MAP_LINEAR_MAX, WASM_PAGE);
    ASSUME(vm.more.memories[0] <= vm.more.bytes && vm.more.memories[0] <= MAP_LINEAR_MAX);
    places[0].at = MAP_MORE, places[0].bytes = MAP_LINEAR_MAX;
    ranges[0].at = RAM_LINEAR_MORE_GPA, ranges[0].bytes = RAM_LINEAR_MORE_BYTES;
    return grow_more(&vm, number, any_u64(), any_u64());
#elif KIND == 2
    places[0].at = MAP_HEAP, places[0].bytes = MAP_HEAP_MAX;
    ranges[0].at = HEAP_GPA, ranges[0].bytes = FIRST_HEAP;
    ranges[1].at = RAM_HEAP_MORE_GPA, ranges[1].bytes = MAP_HEAP_MAX - FIRST_HEAP;
    return grow_heap(&vm, any_u64());
#elif KIND == 3
    places[0].at = MAP_CODE_W, places[0].bytes = MAP_CODE_MAX;
    places[1].at = MAP_CODE_X, places[1].bytes = MAP_CODE_MAX;
    ranges[0].at = CODE_GPA, ranges[0].bytes = FIRST_CODE;
    ranges[1].at = RAM_CODE_MORE_GPA, ranges[1].bytes = MAP_CODE_MAX - FIRST_CODE;
    return grow_code(&vm, any_u64());
#else
    coarse = TABLES_COARSE;
    places[0].at = MAP_STACK, places[0].bytes = MAP_STACK_MAX;
    ranges[0].at = RAM_STACK_MORE_GPA, ranges[0].bytes = vm.ram.stack_bytes;
    return grow_stack(&vm);
#endif
}

int main(void)
{
    state_any();
    const uint64_t linear = vm.mem.regions[REGION_LINEAR].bytes, more = vm.more.bytes,
                   heap = vm.heap_bytes, code = vm.code_bytes;
    enum grow how = any_call();
    uint64_t linear_now = vm.mem.regions[REGION_LINEAR].bytes;
    HOLDS(linear_now >= linear && vm.more.bytes >= more && vm.heap_bytes >= heap &&
              vm.code_bytes >= code,
          "no count gets smaller");
    HOLDS(how == GROW_DONE || (linear_now == linear && vm.more.bytes == more &&
                               vm.heap_bytes == heap && vm.code_bytes == code),
          "what is refused changes no count");
    HOLDS(linear_now + vm.more.bytes <= set.memory_bytes, "--memory holds");
    HOLDS(total() <= set.total_bytes, "--total-memory holds");
    HOLDS(linear_now <= MAP_LINEAR_MAX && vm.heap_bytes <= MAP_HEAP_MAX &&
              vm.code_bytes <= MAP_CODE_MAX,
          "regions end where the map says");
    return 0;
}
