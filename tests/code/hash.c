/* Hashes of machine code, to show that a change of the engine leaves it alone:
 *
 *     code-hash [-z] [-w CPU] FILE.wasm...
 *
 *     -z      linear memory 0 at address 0, as in the guest
 *     -w CPU  bits of enum engine_cpu that the CPU is to be without
 *
 * All modules go into one engine, in order; imports come from those before where one exports the
 * name, else from a host function.  Every function is compiled, in order.  A line for each piece of
 * code: module and function that it was made for, offset, bytes, hash of its bytes as they are at
 * the end, all links made.  Last the region's hash.
 *
 * The engine tells what it means by each instruction (engine/x64/meant.h), so this program knows
 * every operand that is an address: of the heap, of a memory, of a C function.  Such an address
 * counts only by which distinct one it is, in order of appearance, so that the heap's layout and
 * the build may change and the code may not. */
#include "engine/x64/meant.h"
#include "tests/host/env.h"
#include "tests/host/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the engine tells ---- */

struct told { uint32_t at, end; uint64_t address; bool is_rip; };
static struct told *told;
static uint32_t ntold, told_cap;

struct piece_seen { uint32_t at, bytes, module, func, first, n; }; /* first, n: addresses in it */
static struct piece_seen *pieces;
static uint32_t npieces, pieces_cap;

struct address { uint32_t at; uint8_t bytes; uint64_t value; };
static struct address *addresses;
static uint32_t naddresses, addresses_cap;

static struct host host;
static uint32_t module_now, func_now;
extern char __executable_start[], _end[];

static void *grow(void *array, uint32_t *cap, uint32_t need, size_t size)
{
    if (need <= *cap)
        return array;
    *cap = need > 2 * *cap ? need : 2 * *cap;
    array = realloc(array, *cap * size);
    if (!array)
        abort();
    return array;
}

void meant_begin(const struct assembler *a)
{
    (void)a;
    ntold = 0;
}

void meant_is(const struct assembler *a, uint32_t at, struct meant is)
{
    bool is_rip = is.rm.kind == RM_RIP;
    if (!is_rip && is.insn != MEANT_MOV)
        return;
    told = grow(told, &told_cap, ntold + 1, sizeof *told);
    told[ntold++] = (struct told){ at, asm_offset(a), is_rip ? is.rm.address : is.imm, is_rip };
}

void meant_link(const struct assembler *a, uint32_t site, uint32_t to)
{
    (void)a, (void)site, (void)to;
}

#ifdef MEANT_BLOCK
void meant_block(struct assembler *a)
{
    (void)a;
}
#endif

#ifdef ENGINE_PIECE_H
void meant_place(const struct assembler *a, uint32_t site, uint64_t address)
{
    (void)a, (void)site, (void)address;
}
#endif

static bool within(uint64_t at, const void *from, const void *to)
{
    return at >= (uint64_t)(uintptr_t)from && at < (uint64_t)(uintptr_t)to;
}

static uint64_t number(const uint8_t *at, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned k = 0; k < bytes; k++)
        v |= (uint64_t)at[k] << (8 * k);
    return v;
}

static void address_add(uint32_t base, const struct told *t, const uint8_t *bytes, uint64_t runs_at)
{
    unsigned width = t->is_rip ? 4 : 8;
    uint64_t want = t->is_rip ? (uint32_t)(t->address - (runs_at + t->end)) : t->address;
    for (uint32_t at = t->end - width; at > t->at; at--)
        if (number(bytes + at, width) == want) {
            addresses = grow(addresses, &addresses_cap, naddresses + 1, sizeof *addresses);
            addresses[naddresses++] = (struct address){ base + at, (uint8_t)width, t->address };
            return;
        }
}

/* The heap and memories (a thunk to another instance has its memory's base), and C functions. */
static bool is_address(const struct told *t)
{
    if (t->is_rip)
        return within(t->address, host.env.heap, host.env.heap + host.env.heap_cap);
    for (uint32_t i = 0; i < host.nmappings; i++) {
        const uint8_t *at = host.mappings[i].at;
        if (within(t->address, at, at + host.mappings[i].bytes))
            return true;
    }
    return within(t->address, __executable_start, _end);
}

void meant_check(const struct assembler *a, const uint8_t *bytes)
{
    struct piece_seen p = { (uint32_t)(a->address - (uint64_t)(uintptr_t)host.env.code_x),
                            asm_offset(a),
                            module_now,
                            func_now,
                            naddresses,
                            0 };
    for (uint32_t i = 0; i < ntold; i++)
        if (is_address(&told[i]))
            address_add(p.at, &told[i], bytes, a->address);
    p.n = naddresses - p.first;
    pieces = grow(pieces, &pieces_cap, npieces + 1, sizeof *pieces);
    pieces[npieces++] = p;
}

/* ---- imports ---- */

#define MODULES_MAX 10000
static struct instance *instances[MODULES_MAX];
static uint32_t ninstances;

static enum trap no_host(void *data, struct instance *caller, struct cell *cells)
{
    (void)data, (void)caller, (void)cells;
    return TRAP_HOST;
}

static bool resolve(void *self, struct name module, struct name field, enum extern_kind kind,
                    const struct functype *type, struct extern_ref *out)
{
    (void)self, (void)module;
    for (uint32_t i = ninstances; i-- > 0;) {
        enum extern_kind found;
        uint32_t index;
        if (!instance_export(instances[i], field, &found, &index) || found != kind)
            continue;
        const struct functype *has = kind == EXTERN_FUNC ? instance_functype(instances[i], index)
                                                         : NULL;
        if (has && (has->nparams != type->nparams || has->nresults != type->nresults ||
                    memcmp(has->params, type->params, type->nparams) != 0 ||
                    memcmp(has->results, type->results, type->nresults) != 0))
            continue;
        *out = (struct extern_ref){ .kind = kind, .from = instances[i], .index = index };
        return true;
    }
    if (kind != EXTERN_FUNC)
        return false;
    *out = (struct extern_ref){ .kind = kind, .host = { no_host, NULL }, .host_type = *type };
    return true;
}

/* ---- hashes ---- */

static uint64_t hash(const uint8_t *at, uint64_t bytes)
{
    uint64_t h = 0xcbf29ce484222325;
    for (uint64_t i = 0; i < bytes; i++)
        h = (h ^ at[i]) * 0x100000001b3;
    return h;
}

static int by_place(const void *x, const void *y)
{
    const struct piece_seen *a = x, *b = y;
    return a->at != b->at        ? (a->at < b->at ? -1 : 1)
           : a->first < b->first ? -1
                                 : a->first > b->first;
}

/* Which distinct address this is: 0, 1, 2... */
static uint32_t which(uint64_t value)
{
    static struct { uint64_t value; uint32_t number; } slots[1 << 20];
    static uint32_t seen;
    uint32_t at = (uint32_t)(value * 0x9e3779b97f4a7c15 >> 44);
    while (slots[at].number && slots[at].value != value)
        at = (at + 1) % (1 << 20);
    if (!slots[at].number) {
        if (seen == 1 << 19)
            abort();
        slots[at].value = value;
        slots[at].number = ++seen;
    }
    return slots[at].number;
}

static void print_all(void)
{
    uint64_t size = engine_stats(host.engine)->code_bytes;
    uint8_t *code = malloc(size);
    if (!code)
        abort();
    memcpy(code, host.env.code_x, size);
    qsort(pieces, npieces, sizeof *pieces, by_place);
    for (uint32_t i = 0; i < npieces; i++) {
        const struct piece_seen *p = &pieces[i];
        if (i + 1 < npieces && pieces[i + 1].at == p->at) /* written again since */
            continue;
        for (uint32_t k = p->first; k < p->first + p->n; k++) {
            uint64_t v = which(addresses[k].value);
            memcpy(code + addresses[k].at, &v, addresses[k].bytes);
        }
        if (p->bytes > 8) /* no trampoline */
            printf("module %u function %u at %x: %u bytes %016lx\n", p->module, p->func, p->at,
                   p->bytes, hash(code + p->at, p->bytes));
    }
    printf("region: %lu bytes %016lx\n", size, hash(code, size));
    free(code);
}

/* ---- modules ---- */

static void module_compile(const uint8_t *bytes, size_t len)
{
    enum trap trap = TRAP_NONE;
    struct module *m = module_parse(host.engine, bytes, len);
    struct instance *i = m ? instance_new(host.engine, m, resolve, NULL, &trap) : NULL;
    if (!i)
        return;
    uint32_t failed = 0;
    for (func_now = 0; instance_functype(i, func_now); func_now++)
        failed += !func_compile(i, func_now);
    printf("module %u: %u functions, %u failed\n", module_now, func_now, failed);
    if (ninstances < MODULES_MAX)
        instances[ninstances++] = i;
}

int main(int argc, char **argv)
{
    int at = 1;
    bool zero = false;
    uint32_t without = 0;
    for (; at < argc && argv[at][0] == '-'; at++) {
        zero |= strcmp(argv[at], "-z") == 0;
        if (strcmp(argv[at], "-w") == 0 && at + 1 < argc)
            without = (uint32_t)strtoul(argv[++at], NULL, 0);
    }
    if (!host_open(&host, HOST_STACK_BYTES, HOST_MEMORY_LIMIT))
        return 2;
    host.env.cpu &= ~without;
    if (zero && !host_zero_base(&host))
        return 3;
    host.engine = engine_new(&host.env);
    if (!host.engine)
        return 2;
    for (; at < argc; at++, module_now++) {
        size_t len;
        uint8_t *bytes = file_read(argv[at], &len); /* must outlive the engine */
        if (!bytes) {
            perror(argv[at]);
            return 2;
        }
        module_compile(bytes, len);
    }
    print_all();
    return 0;
}
