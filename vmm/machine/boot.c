/* What the guest finds when it wakes: page tables, descriptor tables, its image, the control area
 * with the boot record.
 *
 * All of this is written before the first instruction, straight into fresh memory; afterwards the
 * door is guestmem.c. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "vmm/machine/inside.h"

#define HEAP_START FRAME /* mapped at the start */
#define CODE_START FRAME
#define CSTACK_AREA (FSTACK_TOP - MAP_CSTACK)
#define CSTACK_HOT (CSTACK_AREA - CSTACK_BYTES + (64ull << 10)) /* what of it lies in the base */
/* Tables for 4 GiB of linear memories, each 2 MiB once cut into 4 KiB pages (8 MiB), two for each
 * further memory (8 MiB), and the rest. */
#define TABLES_POOL (20ull << 20)

/* The page at CPL0_TABLES; the last words are for entry.S. */
enum {
    GDT_AT = 0,
    GDT_ENTRIES = 7,
    IDT_AT = 0x100,
    TSS_AT = 0x400,
    CRASH_AT = CPL0_CRASH - CPL0_TABLES,
    STACK_AT = CPL0_STACK_BOUNDS - CPL0_TABLES
};
enum {
    TSS_RSP0 = 4,
    TSS_IST1 = 36,
    TSS_BITMAP = 102,
    TSS_BYTES = 104,
    BITMAP_BYTES = DOORBELL_PORT / 8 + 2
};
enum { VECTOR_DOUBLE_FAULT = 8, VECTOR_PROTECTION = 13 };

static void put16(uint8_t *at, uint16_t value) { memcpy(at, &value, sizeof value); }
static void put64(uint8_t *at, uint64_t value) { memcpy(at, &value, sizeof value); }

static void map(struct vm *vm, gva_t at, uint64_t gpa, uint64_t bytes, unsigned rights)
{
    bool mapped = tables_map(&vm->tables, at, gpa, round_up(bytes, PAGE), rights);
    assert(mapped); /* the pool is larger than everything that a start maps */
}

/* ---- descriptor tables (Intel SDM volume 3, sections 3.4.5, 6.14.1, 7.2) ---- */

static void gdt_write(uint8_t *page)
{
    /* accessed already */
    const uint64_t code = 0x00209b0000000000, data = 0x00cf930000000000, user = 3ull << 45;
    const uint64_t base = CPL0_TABLES + TSS_AT, limit = TSS_BYTES + BITMAP_BYTES - 1;
    const uint64_t table[GDT_ENTRIES] = {
        0, code, data, code | user, data | user,
        limit | (base & 0xffffff) << 16 | 0x8bull << 40 | (base >> 24 & 0xff) << 56, base >> 32,
    };
    memcpy(page + GDT_AT, table, sizeof table);
}

static void gate_write(uint8_t *page, unsigned vector, unsigned entry)
{
    uint64_t handler = MAP_CPL0 + entry * CPL0_ENTRY_BYTES;
    uint64_t ist = vector == VECTOR_DOUBLE_FAULT;
    uint8_t *gate = page + IDT_AT + vector * 16;
    put64(gate, (handler & 0xffff) | SELECTOR_KERNEL_CODE << 16 | ist << 32 | 0x8eull << 40 |
                    (handler >> 16 & 0xffff) << 48);
    put64(gate + 8, handler >> 32);
}

/* The bitmap denies all ports but one; a last byte of ones ends it. */
static void tss_write(uint8_t *page)
{
    uint8_t *tss = page + TSS_AT;
    put64(tss + TSS_RSP0, CPL0_STACK_TOP);
    put64(tss + TSS_IST1, CPL0_DFSTACK_TOP);
    put16(tss + TSS_BITMAP, TSS_BYTES);
    memset(tss + TSS_BYTES, 0xff, BITMAP_BYTES);
    tss[TSS_BYTES + DOORBELL_PORT / 8] &= ~(1u << DOORBELL_PORT % 8);
}

static void cpl0_prepare(struct vm *vm, struct cpu_start *start)
{
    struct span all = ram_take(&vm->ram, CPL0_PAGES * PAGE);
    uint8_t *page = all.host;
    vm->cpl0_tables = (struct span){all.host, all.gpa, PAGE};
    gdt_write(page);
    for (unsigned vector = 0; vector < CPL0_VECTORS; vector++)
        gate_write(page, vector, vector == VECTOR_PROTECTION ? CPL0_ENTRY_PROBE : vector);
    tss_write(page);
    put64(page + CRASH_AT, MAP_CONTROL + offsetof(struct control, crash));
    map(vm, CPL0_TABLES, vm->cpl0_tables.gpa, PAGE, TABLES_SUPERVISOR);
    map(vm, CPL0_STACK_TOP - PAGE, all.gpa + PAGE, PAGE, TABLES_SUPERVISOR | TABLES_WRITE);
    map(vm, CPL0_DFSTACK_TOP - PAGE, all.gpa + 2 * PAGE, PAGE, TABLES_SUPERVISOR | TABLES_WRITE);
    start->gdt = CPL0_TABLES + GDT_AT;
    start->gdt_limit = GDT_ENTRIES * 8 - 1;
    start->idt = CPL0_TABLES + IDT_AT;
    start->idt_limit = CPL0_VECTORS * 16 - 1;
    start->tss = CPL0_TABLES + TSS_AT;
    start->tss_limit = TSS_BYTES + BITMAP_BYTES - 1;
}

void boot_probe_done(struct vm *vm)
{
    gate_write(vm->cpl0_tables.host, VECTOR_PROTECTION, VECTOR_PROTECTION);
}

void boot_stack_bounds(struct vm *vm, gva_t lo, gva_t hi)
{
    put64(vm->cpl0_tables.host + STACK_AT, lo);
    put64(vm->cpl0_tables.host + STACK_AT + 8, hi);
}

/* ---- regions ---- */

static void region_set(struct vm *vm, unsigned index, gva_t at, uint64_t bytes, uint8_t *host,
                       bool writable)
{
    assert(index < REGION_COUNT);
    vm->mem.regions[index] = (struct region){at, bytes, host, writable};
}

static void image_prepare(struct vm *vm, const struct image *image)
{
    unsigned region = REGION_IMAGE;
    for (unsigned i = 0; i < image->nsegments; i++) {
        const struct segment *s = &image->segments[i];
        struct span place = ram_take(&vm->ram, s->mem_bytes);
        memcpy(place.host, s->bytes, s->file_bytes);
        map(vm, s->at, place.gpa, place.bytes, s->rights);
        if (s->rights & TABLES_SUPERVISOR)
            continue;
        region_set(vm, region, s->at, round_up(s->mem_bytes, PAGE), place.host,
                   s->rights & TABLES_WRITE);
        region = region == REGION_IMAGE ? REGION_IMAGE_MORE : region + 1;
    }
}

_Static_assert(CSTACK_AREA <= MAP_CSTACK_MAX && MAP_CSTACK + MAP_CSTACK_MAX <= MAP_CPL0,
               "room for the C stacks");

_Static_assert(CSTACK_HOT <= CSTACK_AREA && CSTACK_AREA - CSTACK_HOT <= RAM_BASE,
               "the C stack ends in the base");

/* The first of `small`: the lower part of the C stack lies before the base. */
static void cstack_prepare(struct vm *vm)
{
    vm->ram.small_used = RAM_BASE + CSTACK_HOT - CSTACK_AREA;
    struct span c = ram_take(&vm->ram, CSTACK_AREA);
    map(vm, CSTACK_TOP - CSTACK_BYTES, c.gpa + PAGE, CSTACK_BYTES, TABLES_WRITE);
    map(vm, FSTACK_TOP - FSTACK_BYTES, c.gpa + (FSTACK_TOP - FSTACK_BYTES - MAP_CSTACK),
        FSTACK_BYTES, TABLES_WRITE);
    region_set(vm, REGION_CSTACK, MAP_CSTACK, CSTACK_AREA, c.host, true);
}

/* Only the top is mapped; grow.c maps the rest when the guest gets there. */
static void stack_prepare(struct vm *vm)
{
    const struct ram *ram = &vm->ram;
    const uint64_t rest = ram->stack_bytes - STACK_TOP_BYTES;
    assert(ram->stack_bytes > STACK_TOP_BYTES &&
           ram->stack_bytes <= MAP_STACK_MAX - MAP_STACK_GUARD);
    const gva_t hi = MAP_STACK + MAP_STACK_MAX - STACK_TOP_BYTES;
    struct span top = ram_take(&vm->ram, STACK_TOP_BYTES);
    map(vm, hi, top.gpa, STACK_TOP_BYTES, TABLES_WRITE);
    boot_stack_bounds(vm, hi - rest, hi);
    region_set(vm, REGION_STACK, hi, STACK_TOP_BYTES, top.host, true);
    region_set(vm, REGION_STACK_MORE, hi - rest, rest, ram->stack_more.all.host, true);
}

void boot_module(struct vm *vm)
{
    map(vm, MAP_MODULE, vm->ram.module.gpa, round_up(vm->module_bytes, FRAME), 0);
}

static void memory_prepare(struct vm *vm)
{
    const struct ram *ram = &vm->ram;
    if (!vm->entry.resume)
        boot_module(vm);
    map(vm, MAP_HEAP, ram->heap.gpa, vm->heap_bytes = HEAP_START, TABLES_WRITE);
    map(vm, MAP_CODE_W, ram->code.gpa, vm->code_bytes = CODE_START, TABLES_WRITE);
    map(vm, MAP_CODE_X, ram->code.gpa, CODE_START, TABLES_EXECUTE);
    region_set(vm, REGION_LINEAR, MAP_LINEAR, 0, ram->linear.host, true);
    region_set(vm, REGION_HEAP, MAP_HEAP, HEAP_START, ram->heap.host, true);
}

/* ---- the control area ---- */

static uint64_t strings_bytes(char **strings, uint32_t n)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += strlen(strings[i]) + 1;
    return sum;
}

static uint64_t control_bytes(const struct config *config)
{
    uint64_t sum = sizeof(struct control) + strings_bytes(config->args, config->argc) +
                   strings_bytes(config->env, config->envc);
    for (uint32_t i = 0; i < config->ngrants; i++)
        sum += config->grants[i].last ? 0 : strlen(config->grants[i].guest) + 1;
    if (config->set->invoke)
        sum = round_up(sum, 8) + invoke_bytes(config);
    return config->host ? round_up(sum, 8) + host_bytes(config->host) : sum;
}

struct strings { uint8_t *base; uint32_t at; };

static void string_put(struct strings *s, const char *text)
{
    size_t n = strlen(text) + 1;
    memcpy(s->base + s->at, text, n);
    s->at += n;
}

static void strings_write(const struct config *config, struct boot_record *boot)
{
    struct strings s = {(uint8_t *)boot, sizeof(struct control)};
    boot->argc = config->argc;
    boot->args_off = s.at;
    for (uint32_t i = 0; i < config->argc; i++)
        string_put(&s, config->args[i]);
    boot->args_len = s.at - boot->args_off;
    boot->envc = config->envc;
    boot->env_off = s.at;
    for (uint32_t i = 0; i < config->envc; i++)
        string_put(&s, config->env[i]);
    boot->env_len = s.at - boot->env_off;
    boot->preopen_off = s.at;
    for (uint32_t i = 0; i < config->ngrants; i++)
        if (!config->grants[i].last) {
            string_put(&s, config->grants[i].guest);
            boot->preopens++;
        }
    boot->preopen_len = s.at - boot->preopen_off;
    if (config->set->invoke) {
        s.at = (uint32_t)round_up(s.at, 8);
        invoke_write(config, s.base, boot->func_args_off = s.at);
        s.at += (uint32_t)invoke_bytes(config);
    }
    if (config->host) {
        s.at = (uint32_t)round_up(s.at, 8);
        host_write(config->host, s.base, boot->host_off = s.at);
        boot->hosts = config->host->n;
        s.at += (uint32_t)host_bytes(config->host);
    }
    assert(s.at == boot->control_bytes);
}

static uint32_t boot_flags(const struct config *config)
{
    const struct settings *set = config->set;
    bool more = false;
    for (uint32_t i = 0; i < config->ngrants; i++)
        more = more || config->grants[i].last;
    bool network = set->net_all || set->allow_unix || set->listen.n || set->dial.n ||
                   set->allow_connect.n || set->allow_listen.n || set->sockets.n;
    return (more ? BOOT_MORE_PREOPENS : 0) | (network ? BOOT_NETWORK : 0) |
           (set->validate ? BOOT_VALIDATE : 0) | (config->validate_only ? BOOT_VALIDATE_ONLY : 0) |
           (set->compile_all ? BOOT_COMPILE_ALL : 0) |
           (set->hypercall_all || set->trace ? BOOT_CALL_ALL : 0);
}

_Static_assert(offsetof(struct control, boot) == 0,
               "offsets in the boot record count from the control area's start");

static bool control_prepare(struct vm *vm, struct failure *why)
{
    struct span area = ram_take(&vm->ram, control_bytes(vm->config));
    struct boot_record *boot = (struct boot_record *)area.host;
    *boot = (struct boot_record){
        .magic = ABI_MAGIC,
        .abi_version = ABI_VERSION,
        .flags = boot_flags(vm->config),
        .control_bytes = control_bytes(vm->config),
        .module_bytes = vm->module_bytes,
        .stack_bytes = vm->ram.stack_bytes,
        .heap_bytes = vm->heap_bytes,
        .code_bytes = vm->code_bytes,
        .memory_limit = vm->config->set->memory_bytes,
    };
    strings_write(vm->config, boot);
    if (getrandom(boot->entropy, sizeof boot->entropy, 0) != sizeof boot->entropy)
        return failure_set(why, "no random numbers: getrandom: %s (use another kernel)",
                           strerror(errno));
    map(vm, MAP_CONTROL, area.gpa, area.bytes, TABLES_WRITE);
    region_set(vm, REGION_CONTROL, MAP_CONTROL, area.bytes, area.host, true);
    return true;
}

/* ---- all of it ---- */

uint64_t boot_small_bytes(const struct config *config, const struct image *image)
{
    uint64_t sum = RAM_BASE + round_up(CSTACK_HOT, PAGE) + STACK_TOP_BYTES + CPL0_PAGES * PAGE +
                   round_up(control_bytes(config), PAGE) + TABLES_POOL;
    for (unsigned i = 0; i < image->nsegments; i++)
        sum += round_up(image->segments[i].mem_bytes, PAGE);
    return sum;
}

bool boot_prepare(struct vm *vm, const struct image *image, struct cpu_start *start,
                  struct failure *why)
{
    /* The tables come last in `small`: the first ones, which every start uses, lie in the base. */
    const struct span *small = &vm->ram.small;
    uint64_t before = small->bytes - TABLES_POOL;
    bool root = tables_new(&vm->tables,
                           (struct span){ small->host + before, small->gpa + before, TABLES_POOL });
    assert(root);
    vm->tables.tell = vm->config->template; /* such a machine is taken back from the start */
    cstack_prepare(vm);
    cpl0_prepare(vm, start);
    stack_prepare(vm);
    image_prepare(vm, image);
    memory_prepare(vm);
    if (!control_prepare(vm, why))
        return false;
    assert(vm->ram.small_used <= before);
    start->cr3 = vm->tables.pool.gpa;
    start->rip = image->entry;
    start->rsp = CSTACK_TOP;
    start->rdi = MAP_CONTROL + offsetof(struct control, boot_tsc);
    return true;
}

static struct boot_record *boot_record(struct vm *vm)
{
    return (struct boot_record *)vm->mem.regions[REGION_CONTROL].host;
}

void boot_features(struct vm *vm, uint32_t features)
{
    boot_record(vm)->cpu_features = features;
}

void boot_exports(struct vm *vm)
{
    boot_record(vm)->flags |= BOOT_EXPORTS;
}

void boot_resume(struct vm *vm)
{
    struct boot_record *boot = boot_record(vm);
    boot->flags |= BOOT_RESUME;
    boot->heap_bytes = vm->heap_bytes;
    boot->code_bytes = vm->code_bytes;
}

void boot_save(struct vm *vm)
{
    struct control *control = (struct control *)vm->mem.regions[REGION_CONTROL].host;
    boot_record(vm)->flags |= BOOT_SAVE |
                              (vm->entry.build ? BOOT_SAVE_ONLY | BOOT_VALIDATE : 0);
    memcpy(control->compiled, vm->entry.list->bits, sizeof control->compiled);
}

void boot_pause(struct vm *vm)
{
    boot_record(vm)->flags |= BOOT_SAVE;
}

void boot_again(struct vm *vm, struct boot_record *boot)
{
    boot->flags &= ~(uint32_t)(BOOT_SAVE | BOOT_AGAIN);
    boot->flags |= BOOT_RESUME | (vm->entry.resume ? 0 : BOOT_WHOLE);
    boot->heap_bytes = vm->heap_bytes;
    boot->code_bytes = vm->code_bytes;
}

bool boot_ran(struct vm *vm)
{
    const gva_t at = MAP_CONTROL + offsetof(struct boot_record, flags);
    const uint32_t flags = boot_record(vm)->flags | (vm->clock.checked ? BOOT_AGAIN : 0);
    return guest_write(&vm->mem, at, &flags, sizeof flags);
}

bool boot_entropy(struct vm *vm)
{
    uint8_t fresh[sizeof((struct boot_record *)0)->entropy];
    return getrandom(fresh, sizeof fresh, 0) == sizeof fresh &&
           guest_write(&vm->mem, MAP_CONTROL + offsetof(struct boot_record, entropy), fresh,
                       sizeof fresh);
}
