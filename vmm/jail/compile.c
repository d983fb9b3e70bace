/* Makes the filters of calls.def while wasmvm is built; a program of its own, of which nothing is
 * in wasmvm.
 *
 *   jail-compile              C source: the filters, for seccomp.c
 *
 *   jail-compile --surface    a line for each set of grants: its words, calls, instructions, and
 *                             those before KVM_RUN
 *
 *   jail-compile --rows       the rows of the table, one a line, without their reasons
 *
 *   jail-compile --without N  the filters as bytes, without the Nth row: for tests
 *
 * A filter looks at the architecture, then at KVM_RUN, then finds the call's number by few tests:
 * the kernel compiles it at each start, and tries it for each number, so that what is allowed with
 * any arguments costs nothing later. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/sockios.h>

#include "vmm/jail/filter.h"

#define CONDITIONS 2
#define CALLS_MOST 512
#define SEGMENTS_MOST 600
#define X32_CALLS 0x40000000u /* the same calls for programs with short addresses */

/* ---- the table ---- */

#define ANY 0u
#define FILES JAIL_FILES
#define NET JAIL_NET
#define SOCKETS JAIL_SOCKETS
#define UNIX JAIL_UNIX
#define PROCESS JAIL_PROCESS
#define AGAIN JAIL_AGAIN
#define OUR_PID JAIL_PID
#define SOCK_TYPES 0xf
#define THREAD_FLAGS                                                                               \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | CLONE_THREAD |            \
     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
#define IS(argument, wanted) { .arg = argument, .mask = 0xffffffffu, .value = (uint32_t)(wanted) },
#define MASKED(argument, bits, wanted)                                                             \
    { .arg = argument, .mask = (uint32_t)(bits), .value = (uint32_t)(wanted) },
#define ZERO(argument) { .arg = argument, .mask = 0xffffffffu, .value = 0, .wide = true },

enum kind { ROW_CALL, ROW_WHEN, ROW_FAIL, ROW_BAR };
struct condition { unsigned arg; uint32_t mask, value; bool wide; };
static const struct row {
    const char *text; /* as the table has it */
    enum kind kind;
    unsigned granted;
    uint32_t number, error;
    struct condition when[CONDITIONS + 1]; /* up to the first without a mask */
} rows[] = {
#define CALL(call, granted, reason)                                                                \
    { #call " " #granted, ROW_CALL, granted, SYS_##call, 0, { { .mask = 0 } } },
#define WHEN(call, granted, conditions, reason)                                     \
    { #call " " #granted " " #conditions, ROW_WHEN, granted, SYS_##call, 0, { conditions } },
#define FAIL(call, error, reason)                                                                  \
    { #call " fails by " #error, ROW_FAIL, ANY, SYS_##call, error, { { .mask = 0 } } },
#define BAR(call, reason) { #call " weak", ROW_BAR, ANY, SYS_##call, EPERM, { { .mask = 0 } } },
#include "vmm/jail/calls.def"
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* ---- a program that grows, from its end to its beginning ---- */

/* So all that a jump leads to is there before it.  A place is how many instructions the program had
 * when one was put there: it follows from the end, and never changes. */
#define LEAVES_MOST 32
#define REACH 240 /* of a jump's 255: what is put between a target and its jump stays below that */

struct leaf { uint32_t action; unsigned place; };
struct build {
    unsigned level;   /* JAIL_* of grants, or JAIL_WEAK */
    unsigned without; /* a row that is left out; ROWS = none */
    struct sock_filter insns[JAIL_INSNS]; /* the last n of them, until the program is whole */
    unsigned n;
    struct leaf leaves[LEAVES_MOST]; /* the nearest of each answer */
    unsigned nleaves;
};

static unsigned emit(struct build *b, uint16_t code, uint32_t k)
{
    assert(b->n < JAIL_INSNS);
    b->insns[JAIL_INSNS - ++b->n] = (struct sock_filter){ code, 0, 0, k };
    return b->n;
}

/* Goes on with what was put before it. */
static unsigned load(struct build *b, size_t offset)
{
    return emit(b, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static bool reaches(const struct build *b, unsigned place)
{
    return b->n - place < REACH;
}

/* A place that leads there, near enough for a jump. */
static unsigned near(struct build *b, unsigned place)
{
    return reaches(b, place) ? place : emit(b, BPF_JMP | BPF_JA, b->n - place);
}

/* Where what is put next goes on. */
static void follow(struct build *b, unsigned place)
{
    if (b->n != place)
        emit(b, BPF_JMP | BPF_JA, b->n - place);
}

static unsigned test(struct build *b, uint16_t code, uint32_t k, unsigned yes, unsigned no)
{
    yes = near(b, yes);
    no = near(b, no);
    unsigned place = emit(b, (uint16_t)(BPF_JMP | code | BPF_K), k);
    assert(place - yes <= 256 && place - no <= 256);
    b->insns[JAIL_INSNS - place].jt = (uint8_t)(place - yes - 1);
    b->insns[JAIL_INSNS - place].jf = (uint8_t)(place - no - 1);
    return place;
}

/* One answer serves all that reach it. */
static unsigned answer(struct build *b, uint32_t what)
{
    struct leaf *leaf = b->leaves;
    while (leaf < b->leaves + b->nleaves && leaf->action != what)
        leaf++;
    if (leaf < b->leaves + b->nleaves && reaches(b, leaf->place))
        return leaf->place;
    assert(leaf < b->leaves + LEAVES_MOST);
    b->nleaves += leaf == b->leaves + b->nleaves;
    *leaf = (struct leaf){ what, emit(b, BPF_RET | BPF_K, what) };
    return leaf->place;
}

/* ---- one call ---- */

static bool row_counts(const struct build *b, unsigned row)
{
    const struct row *r = &rows[row];
    if (row == b->without || (b->level == JAIL_WEAK) != (r->kind == ROW_BAR))
        return false;
    return r->granted == ANY || (r->granted & b->level);
}

/* What the calls have that no row names. */
static uint32_t unnamed(const struct build *b)
{
    return b->level == JAIL_WEAK ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS;
}

static size_t argument(unsigned arg, bool upper)
{
    return offsetof(struct seccomp_data, args) + 8 * arg + (upper ? 4 : 0); /* little-endian */
}

/* Where a row begins: with a load, or behind it, for who has loaded the same. */
struct entry { unsigned place, loaded; size_t offset; };

/* To `yes` where the word at `offset` is as wanted, else to `no`. */
static struct entry word_emit(struct build *b, size_t offset, uint32_t mask, uint32_t value,
                              unsigned yes, const struct entry *no)
{
    bool kept = mask == 0xffffffffu && no->loaded && no->offset == offset;
    struct entry e = { .offset = offset };
    e.loaded = test(b, BPF_JEQ, value, yes, kept ? no->loaded : no->place);
    if (mask != 0xffffffffu)
        e.loaded = emit(b, BPF_ALU | BPF_AND | BPF_K, mask);
    e.place = load(b, offset);
    return e;
}

/* Allows where all conditions hold, and goes on with the next row where one does not. */
static struct entry row_emit(struct build *b, const struct row *r, const struct entry *next)
{
    unsigned n = 0, yes = answer(b, SECCOMP_RET_ALLOW);
    struct entry e = *next;
    while (r->when[n].mask)
        n++;
    while (n--) {
        const struct condition *c = &r->when[n];
        if (c->wide)
            yes = word_emit(b, argument(c->arg, true), 0xffffffffu, 0, yes, next).place;
        e = word_emit(b, argument(c->arg, false), c->mask, c->value, yes, next);
        yes = e.place;
    }
    return e;
}

/* A call that has conditions, or fails. */
static unsigned call_emit(struct build *b, uint32_t number)
{
    uint32_t otherwise = unnamed(b);
    for (unsigned i = 0; i < ROWS; i++)
        if (rows[i].number == number && rows[i].kind != ROW_WHEN && row_counts(b, i))
            otherwise = SECCOMP_RET_ERRNO | rows[i].error;
    struct entry next = { .place = answer(b, otherwise) };
    for (unsigned i = ROWS; i-- > 0;)
        if (rows[i].number == number && rows[i].kind == ROW_WHEN && row_counts(b, i))
            next = row_emit(b, &rows[i], &next);
    return next.place;
}

/* ---- all calls: segments of numbers with one treatment ---- */

/* Of numbers up to the next one's first.  plain: all of them get `action`; else it is one call of
 * its own. */
struct segment { uint32_t first, action; bool plain; };
struct segments { struct segment at[SEGMENTS_MOST]; unsigned n; };

/* A call with any arguments makes its conditions idle, and the failure too. */
static struct segment treated(const struct build *b, uint32_t number)
{
    struct segment s = { number, unnamed(b), true };
    for (unsigned i = 0; i < ROWS; i++) {
        if (rows[i].number != number || !row_counts(b, i))
            continue;
        if (rows[i].kind == ROW_CALL)
            return (struct segment){ number, SECCOMP_RET_ALLOW, true };
        s.plain = false;
    }
    return s;
}

static void segment_add(struct segments *all, const struct segment *s)
{
    const struct segment *last = all->n ? &all->at[all->n - 1] : NULL;
    if (!last || !last->plain || !s->plain || last->action != s->action)
        all->at[all->n++] = *s;
}

static void segments_find(const struct build *b, struct segments *all)
{
    struct segment s;
    all->n = 0;
    for (uint32_t number = 0; number <= CALLS_MOST; number++) {
        s = treated(b, number);
        segment_add(all, &s);
    }
    segment_add(all, &(struct segment){ X32_CALLS, SECCOMP_RET_KILL_PROCESS, true });
}

/* ---- the way to a number's segment, by few tests ---- */

/* Of segments from..to: how many tests, and how many of them the longest way has; where they are
 * parted.  apart: the one number that the others are not treated like; to = there is none. */
struct way { uint16_t tests, depth, middle, apart; };
static struct way ways[SEGMENTS_MOST + 1][SEGMENTS_MOST + 1];

static bool alike(const struct segment *a, const struct segment *b)
{
    return a->plain && b->plain && a->action == b->action;
}

static bool one_number(const struct segments *all, unsigned i)
{
    return i + 1 < all->n && all->at[i].first + 1 == all->at[i + 1].first;
}

/* The others are of one treatment: at most two segments, on both sides of it. */
static unsigned apart_find(const struct segments *all, unsigned from, unsigned to)
{
    const struct segment *at = all->at;
    if (to - from == 2 && one_number(all, from) && at[from + 1].plain)
        return from;
    if (to - from == 2 && one_number(all, from + 1) && at[from].plain)
        return from + 1;
    bool between = to - from == 3 && one_number(all, from + 1) && alike(&at[from], &at[from + 2]);
    return between ? from + 1 : to;
}

static void way_find(const struct segments *all, unsigned from, unsigned to)
{
    struct way best = { UINT16_MAX, 0, 0, (uint16_t)apart_find(all, from, to) };
    if (to - from == 1 || best.apart < to) {
        best.tests = best.depth = to - from > 1;
        ways[from][to] = best;
        return;
    }
    for (unsigned middle = from + 1; middle < to; middle++) {
        const struct way *low = &ways[from][middle], *high = &ways[middle][to];
        uint16_t tests = (uint16_t)(1 + low->tests + high->tests);
        uint16_t depth = (uint16_t)(1 + (low->depth > high->depth ? low->depth : high->depth));
        if (tests < best.tests || (tests == best.tests && depth < best.depth))
            best = (struct way){ tests, depth, (uint16_t)middle, (uint16_t)to };
    }
    ways[from][to] = best;
}

static void ways_find(const struct segments *all)
{
    for (unsigned n = 1; n <= all->n; n++)
        for (unsigned from = 0; from + n <= all->n; from++)
            way_find(all, from, from + n);
}

static unsigned segment_emit(struct build *b, const struct segment *s)
{
    return s->plain ? answer(b, s->action) : call_emit(b, s->first);
}

static unsigned segments_emit(struct build *b, const struct segments *all, unsigned from,
                              unsigned to)
{
    const struct way *way = &ways[from][to];
    if (to - from == 1)
        return segment_emit(b, &all->at[from]);
    if (way->apart < to) {
        unsigned that = segment_emit(b, &all->at[way->apart]);
        unsigned rest = segment_emit(b, &all->at[way->apart == from ? from + 1 : from]);
        return test(b, BPF_JEQ, all->at[way->apart].first, that, rest);
    }
    unsigned high = segments_emit(b, all, way->middle, to);
    unsigned low = segments_emit(b, all, from, way->middle);
    return test(b, BPF_JGE, all->at[way->middle].first, high, low);
}

/* ---- a filter ---- */

/* The table's first row: nothing that the guest waits for is looked at before it. */
static unsigned run_emit(struct build *b, unsigned calls)
{
    assert(rows[0].number == SYS_ioctl && rows[0].when[0].value == KVM_RUN);
    if (!row_counts(b, 0))
        return calls;
    unsigned run = answer(b, SECCOMP_RET_ALLOW);
    follow(b, calls);
    unsigned again = load(b, offsetof(struct seccomp_data, nr));
    test(b, BPF_JEQ, KVM_RUN, run, again);
    unsigned what = load(b, argument(1, false));
    return test(b, BPF_JEQ, SYS_ioctl, what, calls);
}

/* Another architecture's calls have other numbers. */
static void architecture_emit(struct build *b, unsigned ours)
{
    unsigned others = answer(b, SECCOMP_RET_KILL_PROCESS);
    follow(b, ours);
    ours = load(b, offsetof(struct seccomp_data, nr));
    test(b, BPF_JEQ, AUDIT_ARCH_X86_64, ours, others);
    load(b, offsetof(struct seccomp_data, arch));
}

/* Returns how many instructions KVM_RUN passes: two loads and tests, and the first row's three. */
static unsigned build(struct build *b, unsigned level, unsigned without)
{
    static struct segments all;
    *b = (struct build){ .level = level, .without = without };
    answer(b, SECCOMP_RET_KILL_PROCESS); /* a program ends by an answer */
    segments_find(b, &all);
    ways_find(&all);
    architecture_emit(b, run_emit(b, segments_emit(b, &all, 0, all.n)));
    memmove(b->insns, b->insns + JAIL_INSNS - b->n, b->n * sizeof b->insns[0]);
    return row_counts(b, 0) ? 7 : 0;
}

/* How many calls it allows, in one way or another. */
static unsigned calls_count(const struct build *b)
{
    bool seen[CALLS_MOST] = { false };
    unsigned n = 0;
    for (unsigned i = 0; i < ROWS; i++)
        if (row_counts(b, i) && (rows[i].kind == ROW_CALL || rows[i].kind == ROW_WHEN) &&
            !seen[rows[i].number]) {
            seen[rows[i].number] = true;
            n++;
        }
    return n;
}

/* ---- what is printed ---- */

static bool level_is(unsigned level)
{
    return level == JAIL_WEAK || jail_level(level) == level;
}

static void source_print(void)
{
    static struct build b;
    printf("/* Made by jail-compile of vmm/jail/calls.def. */\n");
    for (unsigned level = 0; level < JAIL_FILTERS_ALL; level++) {
        if (!level_is(level))
            continue;
        build(&b, level, ROWS);
        printf("static const struct sock_filter filter_%u[] = {\n", level);
        for (unsigned i = 0; i < b.n; i++)
            printf("    { 0x%02x, %u, %u, 0x%08x },\n", b.insns[i].code, b.insns[i].jt,
                   b.insns[i].jf, b.insns[i].k);
        printf("};\n");
    }
    printf("static const struct jail_filter filters[] = {\n");
    for (unsigned level = 0; level < JAIL_FILTERS_ALL; level++)
        if (level_is(level)) {
            build(&b, level, ROWS);
            printf("    [%u] = { filter_%u, %u, %u },\n", level, level, b.n, calls_count(&b));
        }
    printf("};\n");
}

/* Each filter's number of instructions, then these; 0 for a set that cannot be. */
static void binary_print(unsigned without)
{
    static struct build b;
    for (unsigned level = 0; level < JAIL_FILTERS_ALL; level++) {
        uint32_t n = 0;
        if (level_is(level)) {
            build(&b, level, without);
            n = b.n;
        }
        fwrite(&n, sizeof n, 1, stdout);
        fwrite(b.insns, sizeof b.insns[0], n, stdout);
    }
}

static void surface_print(void)
{
    static const struct { unsigned level; const char *name;
    } shown[] = {
        { 0, "nothing" },
        { JAIL_FILES, "files" },
        { JAIL_NET, "network" },
        { JAIL_SOCKETS, "open sockets" },
        { JAIL_NET | JAIL_UNIX, "network and unix sockets" },
        { JAIL_FILES | JAIL_NET, "files and network" },
        { JAIL_PROCESS, "plug-in process" },
        { JAIL_EVERY, "all" },
    };
    static struct build b;
    for (unsigned i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        unsigned passed = build(&b, shown[i].level, ROWS);
        printf("jail %s: %u calls, %u instructions, %u before KVM_RUN\n", shown[i].name,
               calls_count(&b), b.n, passed);
    }
}

static void rows_print(void)
{
    for (unsigned i = 0; i < ROWS; i++)
        printf("%s\n", rows[i].text);
}

int main(int argc, char **argv)
{
    if (argc == 1)
        source_print();
    else if (argc == 2 && strcmp(argv[1], "--surface") == 0)
        surface_print();
    else if (argc == 2 && strcmp(argv[1], "--rows") == 0)
        rows_print();
    else if (argc == 3 && strcmp(argv[1], "--without") == 0)
        binary_print((unsigned)strtoul(argv[2], NULL, 10));
    else
        return fprintf(stderr, "usage: jail-compile [--surface|--rows|--without N]\n"), 2;
    return 0;
}
