/* What makes the jail's filters while wasmvm is built: the way of KVM_RUN through one, which all
 * that a guest waits for goes, and what is told of each set of grants. */
#include "tests/unit/vmm/cli/child.h"

int compile_main(int argc, char **argv);
#define main compile_main
#include "vmm/jail/compile.c"
#undef main

/* The answer of a filter, and by how many instructions. */
static uint32_t filtered(const struct build *b, const struct seccomp_data *data, unsigned *steps)
{
    uint32_t word = 0;
    *steps = 0;
    for (unsigned at = 0; at < b->n; at++) {
        const struct sock_filter *i = &b->insns[at];
        bool jumps = false;
        ++*steps;
        switch (i->code) {
        case BPF_RET | BPF_K: return i->k;
        case BPF_LD | BPF_W | BPF_ABS:
            memcpy(&word, (const char *)data + i->k, sizeof word);
            continue;
        case BPF_ALU | BPF_AND | BPF_K: word &= i->k; continue;
        case BPF_JMP | BPF_JA: at += i->k; continue;
        case BPF_JMP | BPF_JEQ | BPF_K: jumps = word == i->k; break;
        case BPF_JMP | BPF_JGE | BPF_K: jumps = word >= i->k; break;
        case BPF_JMP | BPF_JGT | BPF_K: jumps = word > i->k; break;
        case BPF_JMP | BPF_JSET | BPF_K: jumps = (word & i->k) != 0; break;
        default: assert_int_equal(i->code, -1);
        }
        at += jumps ? i->jt : i->jf;
    }
    return 0;
}

static void test_the_way_to_the_guest(void **state)
{
    (void)state;
    static struct build b;
    struct seccomp_data data = { .nr = SYS_ioctl, .arch = AUDIT_ARCH_X86_64 };
    unsigned steps;
    for (unsigned level = 0; level < JAIL_FILTERS_ALL; level++) {
        if (!level_is(level) || level == JAIL_WEAK)
            continue;
        unsigned passed = build(&b, level, ROWS);
        data.args[1] = KVM_RUN;
        assert_int_equal(filtered(&b, &data, &steps), passed ? SECCOMP_RET_ALLOW
                                                             : SECCOMP_RET_KILL_PROCESS);
        assert_true(!passed || steps == passed);
        data.args[1] = TIOCSTI;
        assert_int_not_equal(filtered(&b, &data, &steps), SECCOMP_RET_ALLOW);
    }
}

static bool holds(const struct row *r, const struct seccomp_data *data)
{
    for (const struct condition *c = r->when; c->mask; c++)
        if (((uint32_t)data->args[c->arg] & c->mask) != c->value ||
            (c->wide && data->args[c->arg] >> 32))
            return false;
    return true;
}

/* By the table itself: what no filter may answer otherwise. */
static uint32_t meant(const struct build *b, const struct seccomp_data *data)
{
    uint32_t otherwise = b->level == JAIL_WEAK ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS;
    uint32_t number = (uint32_t)data->nr;
    if (data->arch != AUDIT_ARCH_X86_64 || number >= X32_CALLS)
        return SECCOMP_RET_KILL_PROCESS;
    for (unsigned i = 0; i < ROWS; i++)
        if (rows[i].number == number && row_counts(b, i) &&
            (rows[i].kind == ROW_CALL || (rows[i].kind == ROW_WHEN && holds(&rows[i], data))))
            return SECCOMP_RET_ALLOW;
    for (unsigned i = 0; i < ROWS; i++)
        if (rows[i].number == number && row_counts(b, i) &&
            (rows[i].kind == ROW_FAIL || rows[i].kind == ROW_BAR))
            otherwise = SECCOMP_RET_ERRNO | rows[i].error;
    return otherwise;
}

static void as_meant(const struct build *b, const struct seccomp_data *data)
{
    unsigned steps;
    if (filtered(b, data, &steps) != meant(b, data))
        fail_msg("level %u, call %d, arguments %#llx %#llx %#llx", b->level, data->nr,
                 (unsigned long long)data->args[0], (unsigned long long)data->args[1],
                 (unsigned long long)data->args[2]);
}

/* Arguments that a row wants, and others beside them: one off, another bit, bits above the 32. */
static void row_tried(const struct build *b, const struct row *r)
{
    static const uint64_t other[] = { 0, 1, UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_MAX };
    struct seccomp_data wanted = { .nr = (int)r->number, .arch = AUDIT_ARCH_X86_64 }, data;
    for (const struct condition *c = r->when; c->mask; c++)
        wanted.args[c->arg] = c->value;
    for (unsigned arg = 0; arg < 6; arg++)
        for (unsigned i = 0; i < sizeof other / sizeof *other; i++) {
            data = wanted;
            data.args[arg] ^= other[i];
            as_meant(b, &data);
            data.args[arg] += 2;
            as_meant(b, &data);
        }
}

/* Each number, and each row's arguments, with each set of grants, and with each row left out. */
static void tried(unsigned level, unsigned without)
{
    static struct build b;
    build(&b, level, without);
    for (uint32_t number = 0; number < CALLS_MOST + 100; number++)
        for (unsigned kind = 0; kind < 3; kind++) {
            struct seccomp_data data = { .nr = (int)number, .arch = AUDIT_ARCH_X86_64 };
            data.nr |= kind == 1 ? (int)X32_CALLS : 0;
            data.arch = kind == 2 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
            as_meant(&b, &data);
        }
    for (unsigned i = 0; i < ROWS; i++)
        row_tried(&b, &rows[i]);
}

static void test_all_calls_as_the_table_has_them(void **state)
{
    (void)state;
    for (unsigned level = 0; level < JAIL_FILTERS_ALL; level++)
        if (level_is(level))
            tried(level, ROWS);
    for (unsigned row = 0; row < ROWS; row++) {
        tried(0, row);
        tried(JAIL_EVERY, row);
    }
}

static void print(const void *unused)
{
    (void)unused;
    surface_print();
    fflush(stdout);
}

static void test_a_line_for_each_set(void **state)
{
    (void)state;
    static const char *const names[] = { "nothing", "files", "network", "open sockets",
                                         "network and unix sockets", "files and network",
                                         "plug-in process", "all" };
    char out[2000], *line = out;
    assert_int_equal(in_child(1, out, sizeof out, print, NULL), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char wanted[60];
        snprintf(wanted, sizeof wanted, "jail %s: ", names[i]);
        assert_memory_equal(line, wanted, strlen(wanted));
        line = strchr(line, '\n') + 1;
    }
    assert_string_equal(line, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_way_to_the_guest),
        cmocka_unit_test(test_all_calls_as_the_table_has_them),
        cmocka_unit_test(test_a_line_for_each_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
