/* Makes the filters of calls.def while wasmvm is built; a program of its own, of which nothing is
 * in wasmvm.
 *
 *   jail-compile                C source: the filters, for seccomp.c
 *   jail-compile --surface      a line for each set of grants: its words, calls, instructions,
 * those before KVM_RUN jail-compile --rows         the rows of the table, one a line, without their
 * reasons jail-compile --without N    the filters as bytes, without the Nth row: for tests
 *
 * A filter looks at the architecture, then at KVM_RUN, then finds the call's number by halves: the
 * kernel tries it for each number when it is installed, so that what is allowed with any arguments
 * costs nothing later. */
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

/* ---- a program that grows ---- */

struct build {
    unsigned level;   /* JAIL_* of grants, or JAIL_WEAK */
    unsigned without; /* a row that is left out; ROWS = none */
    struct sock_filter insns[JAIL_INSNS];
    unsigned n;
};

static unsigned emit(struct build *b, uint16_t code, uint32_t k)
{
    assert(b->n < JAIL_INSNS);
    b->insns[b->n] = (struct sock_filter){ code, 0, 0, k };
    return b->n++;
}

static void load(struct build *b, size_t offset)
{
    emit(b, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static void answer(struct build *b, uint32_t what)
{
    emit(b, BPF_RET | BPF_K, what);
}

/* The jump at `at` goes to what comes next where its test fails. */
static void else_here(struct build *b, unsigned at)
{
    assert(b->n - at - 1 <= 255);
    b->insns[at].jf = (uint8_t)(b->n - at - 1);
}

/* ---- one call ---- */

static bool row_counts(const struct build *b, unsigned row)
{
    const struct row *r = &rows[row];
    if (row == b->without || (b->level == JAIL_WEAK) != (r->kind == ROW_BAR))
        return false;
    return r->granted == ANY || (r->granted & b->level);
}

static size_t argument(unsigned arg, bool upper)
{
    return offsetof(struct seccomp_data, args) + 8 * arg + (upper ? 4 : 0); /* little-endian */
}

/* Allows where all conditions hold, and goes on to what comes next where one does not. */
static void row_emit(struct build *b, const struct row *r)
{
    unsigned tests[2 * CONDITIONS], n = 0;
    for (const struct condition *c = r->when; c->mask; c++) {
        load(b, argument(c->arg, false));
        if (c->mask != 0xffffffffu)
            emit(b, BPF_ALU | BPF_AND | BPF_K, c->mask);
        tests[n++] = emit(b, BPF_JMP | BPF_JEQ | BPF_K, c->value);
        if (!c->wide)
            continue;
        load(b, argument(c->arg, true));
        tests[n++] = emit(b, BPF_JMP | BPF_JEQ | BPF_K, 0);
    }
    answer(b, SECCOMP_RET_ALLOW);
    while (n)
        else_here(b, tests[--n]);
}

/* A call with any arguments makes its conditions idle, and the failure too. */
static void call_emit(struct build *b, uint32_t number)
{
    uint32_t otherwise = b->level == JAIL_WEAK ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS;
    for (unsigned i = 0; i < ROWS; i++)
        if (rows[i].number == number && rows[i].kind == ROW_CALL && row_counts(b, i)) {
            answer(b, SECCOMP_RET_ALLOW);
            return;
        }
    for (unsigned i = 0; i < ROWS; i++) {
        if (rows[i].number != number || !row_counts(b, i))
            continue;
        if (rows[i].kind == ROW_WHEN)
            row_emit(b, &rows[i]);
        else
            otherwise = SECCOMP_RET_ERRNO | rows[i].error;
    }
    answer(b, otherwise);
}

/* ---- all calls: segments of numbers with one treatment ---- */

/* Of numbers up to the next one's first.  plain: all of them get `action`; else it is one call of
 * its own. */
struct segment { uint32_t first, action; bool plain; };
struct segments { struct segment at[SEGMENTS_MOST]; unsigned n; };

static struct segment treated(const struct build *b, uint32_t number)
{
    struct segment s = { number,
                         b->level == JAIL_WEAK ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS,
                         true };
    for (unsigned i = 0; i < ROWS; i++) {
        if (rows[i].number != number || !row_counts(b, i))
            continue;
        if (rows[i].kind == ROW_CALL)
            return (struct segment){ number, SECCOMP_RET_ALLOW, true };
        s.plain = false;
    }
    return s;
}

static void segments_find(const struct build *b, struct segments *all)
{
    struct segment s;
    all->n = 0;
    for (uint32_t number = 0; number <= CALLS_MOST; number++) {
        s = treated(b, number);
        const struct segment *last = all->n ? &all->at[all->n - 1] : NULL;
        if (last && last->plain && s.plain && last->action == s.action)
            continue;
        all->at[all->n++] = s;
    }
    all->at[all->n++] = (struct segment){ X32_CALLS, SECCOMP_RET_KILL_PROCESS, true };
}

static unsigned segments_size(const struct build *, const struct segment *, unsigned n);

/* By halves: the lower ones follow the test, the others stand behind those. */
static void segments_emit(struct build *b, const struct segment *at, unsigned n)
{
    if (n == 1 && at->plain) {
        answer(b, at->action);
    } else if (n == 1) {
        call_emit(b, at->first);
    } else {
        uint32_t half = at[n / 2].first, low = segments_size(b, at, n / 2);
        unsigned test = emit(b, BPF_JMP | BPF_JGE | BPF_K, half);
        if (low <= 255) {
            b->insns[test].jt = (uint8_t)low;
        } else {
            b->insns[test].jf = 1;
            emit(b, BPF_JMP | BPF_JA, low);
        }
        segments_emit(b, at, n / 2);
        segments_emit(b, at + n / 2, n - n / 2);
    }
}

static unsigned segments_size(const struct build *b, const struct segment *at, unsigned n)
{
    struct build alone = { .level = b->level, .without = b->without };
    segments_emit(&alone, at, n);
    return alone.n;
}

/* ---- a filter ---- */

/* Another architecture's calls have other numbers. */
static void architecture_emit(struct build *b)
{
    load(b, offsetof(struct seccomp_data, arch));
    unsigned test = emit(b, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64);
    b->insns[test].jt = 1;
    answer(b, SECCOMP_RET_KILL_PROCESS);
}

/* The table's first row: nothing that the guest waits for is looked at before it.  Returns how many
 * instructions it takes to get there. */
static unsigned run_emit(struct build *b)
{
    assert(rows[0].number == SYS_ioctl && rows[0].when[0].value == KVM_RUN);
    if (!row_counts(b, 0))
        return 0;
    unsigned call = emit(b, BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl);
    load(b, argument(1, false));
    unsigned what = emit(b, BPF_JMP | BPF_JEQ | BPF_K, KVM_RUN);
    answer(b, SECCOMP_RET_ALLOW);
    unsigned passed = b->n - 1; /* all of them but the refusal of other architectures */
    else_here(b, what);
    load(b, offsetof(struct seccomp_data, nr));
    else_here(b, call);
    return passed;
}

static unsigned build(struct build *b, unsigned level, unsigned without)
{
    struct segments all;
    *b = (struct build){ .level = level, .without = without };
    architecture_emit(b);
    load(b, offsetof(struct seccomp_data, nr));
    unsigned passed = run_emit(b);
    segments_find(b, &all);
    segments_emit(b, all.at, all.n);
    return passed;
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
