/* How many instructions of emitted code a program executes, and what for:
 *
 *     count [-l] FILE.wasm [ARGS...]
 *
 * Memory 0 lies at address 0, so that the code is the guest's.  The engine of this program has a
 * counter at each place where code runs on its own (meant_block), and tells what each instruction
 * means.  A block's instructions times how often it ran is exact but for jumps inside a block:
 * those that trap, and the short ways of division, conversion and float minimum, count as not
 * taken.  Code in C (memory.copy and its kind, host functions) and the engine's own stubs are not
 * in it; the former are counted as calls.
 *
 * -l: a line for each function, by how much it executes.  Else one line: the sum, then each cause.
 * -0: nothing but whether memory can lie there: status 3 where it cannot. */
#include "tests/count/count.h"
#include "tests/host/env.h"
#include "tests/host/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MEMORY_SPACE ((8ull << 30) + (1ull << 20))

/* ---- blocks and their counters ---- */

struct block {
    uint64_t ran; /* counted by emitted code: never moves */
    uint32_t func;
    uint16_t has[CAUSE_COUNT];
};
enum { CHUNK = 4096, CHUNKS_MAX = 4096 };
static struct block *chunks[CHUNKS_MAX];
static uint32_t nblocks;
static struct block *now; /* what is told belongs to it; NULL: a stub */
static bool counter;      /* the counter itself is told */
static uint32_t func_now;

static struct block *block_at(uint32_t k)
{
    return &chunks[k / CHUNK][k % CHUNK];
}

static struct block *block_new(void)
{
    if (nblocks == CHUNK * CHUNKS_MAX)
        abort();
    if (nblocks % CHUNK == 0 && !(chunks[nblocks / CHUNK] = calloc(CHUNK, sizeof(struct block))))
        abort();
    struct block *b = block_at(nblocks++);
    b->func = func_now;
    return b;
}

void meant_begin(const struct assembler *a)
{
    (void)a;
    now = NULL;
}

void meant_block(struct assembler *a)
{
    now = block_new();
    counter = true;
    x_mov_imm(a, 0, (uint64_t)(uintptr_t)&now->ran); /* rax */
    x_alu_imm(a, ALU_ADD, true, rm_mem(0, 0), 1);
    counter = false;
}

void meant_is(const struct assembler *a, uint32_t from, struct meant is)
{
    (void)a, (void)from;
    if (now && !counter && is.insn != MEANT_DATA)
        now->has[cause_of(&is)]++;
}

void meant_link(const struct assembler *a, uint32_t site, uint32_t to)
{
    (void)a, (void)site, (void)to;
}

void meant_place(const struct assembler *a, uint32_t site, uint64_t address)
{
    (void)a, (void)site, (void)address;
}

void meant_check(const struct assembler *a, const uint8_t *bytes)
{
    (void)a, (void)bytes;
}

/* ---- memory 0 at address 0 ---- */

static bool zero_open(void *self, uint64_t max_bytes, uint8_t **base)
{
    (void)self, (void)max_bytes;
    *base = NULL;
    if (mmap(NULL, MEMORY_SPACE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
             -1, 0) == NULL)
        return true;
    perror("count: address 0 cannot be had (be root, or sysctl vm.mmap_min_addr=0)");
    exit(3);
}

/* ---- what is printed ---- */

static void print_all(const char *name)
{
    uint64_t sums[CAUSE_COUNT] = { 0 }, all = 0;
    for (uint32_t k = 0; k < nblocks; k++)
        for (int c = 0; c < CAUSE_COUNT; c++)
            sums[c] += block_at(k)->ran * block_at(k)->has[c];
    for (int c = 0; c < CAUSE_COUNT; c++)
        all += sums[c];
    fprintf(stderr, "%s: %llu instructions", name, (unsigned long long)all);
    for (int c = 0; c < CAUSE_COUNT; c++)
        if (sums[c])
            fprintf(stderr, "; %s %llu", cause_names[c], (unsigned long long)sums[c]);
    fprintf(stderr, "\n");
}

struct sum { uint32_t func; uint64_t ran; };

static int by_ran(const void *x, const void *y)
{
    const struct sum *a = x, *b = y;
    return a->ran < b->ran ? 1 : a->ran > b->ran ? -1 : (a->func > b->func) - (a->func < b->func);
}

static void print_functions(struct instance *i)
{
    uint32_t n = 0;
    while (instance_functype(i, n))
        n++;
    struct sum *sums = calloc(n, sizeof *sums);
    if (!sums)
        abort();
    for (uint32_t k = 0; k < n; k++)
        sums[k].func = k;
    for (uint32_t k = 0; k < nblocks; k++)
        for (int c = 0; c < CAUSE_COUNT; c++)
            sums[block_at(k)->func].ran += block_at(k)->ran * block_at(k)->has[c];
    qsort(sums, n, sizeof *sums, by_ran);
    for (uint32_t k = 0; k < n && sums[k].ran; k++) {
        char name[200];
        func_name(i, sums[k].func, name, sizeof name);
        fprintf(stderr, "%12llu %s\n", (unsigned long long)sums[k].ran, name);
    }
    free(sums);
}

/* Every function, so that blocks know whose they are. */
static bool compile_all(struct instance *i)
{
    for (func_now = 0; instance_functype(i, func_now); func_now++)
        if (!func_compile(i, func_now))
            return false;
    return true;
}

int main(int argc, char **argv)
{
    static struct host host;
    if (argc > 1 && strcmp(argv[1], "-0") == 0)
        return !zero_open(NULL, 0, &(uint8_t *){ NULL });
    bool list = argc > 1 && strcmp(argv[1], "-l") == 0;
    const char **args = (const char **)argv + 1 + list;
    struct program program = { .args = args,
                               .nargs = (uint32_t)(argc - 1 - list),
                               .now_ns = 1000000000000000000 };
    size_t len;
    unsigned char *bytes = program.nargs ? file_read(args[0], &len) : NULL;
    if (!bytes) {
        fprintf(stderr, "count: %s cannot be read\n", program.nargs ? args[0] : "no file");
        return 2;
    }
    if (!host_open(&host, 64ull << 20, HOST_MEMORY_LIMIT))
        return 2;
    host.env.memory_open = zero_open;
    host.engine = engine_new(&host.env);
    enum trap trap = TRAP_NONE;
    struct module *m = host.engine ? module_parse(host.engine, bytes, len) : NULL;
    struct instance *i = m ? instance_new(host.engine, m, program_resolve, &program, &trap) : NULL;
    enum extern_kind kind;
    uint32_t start;
    if (!i || !compile_all(i) ||
        !instance_export(i, (struct name){ (const uint8_t *)"_start", 6 }, &kind, &start)) {
        fprintf(stderr, "count: %s: %s\n", args[0], engine_error(host.engine)->text);
        return 2;
    }
    trap = func_call(i, start, (struct cell[1]){ { 0, 0 } });
    fflush(stdout);
    if (trap != TRAP_NONE && trap != TRAP_EXIT)
        fprintf(stderr, "count: %s: %s\n", args[0], trap_text(trap));
    if (list)
        print_functions(i);
    print_all(args[0]);
    return trap == TRAP_NONE || trap == TRAP_EXIT ? (int)program.status : 134;
}
