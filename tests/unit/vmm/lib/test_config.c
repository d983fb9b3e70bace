/* The library's configurations: what every row of settings.def promises, each setter once, before
 * and after an instance holds the configuration.  What is not freed is ASan's to tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/lib/lib.h"

/* One row of a kind. */
struct number {
    const char *name;
    int (*set)(wasmvm_config *, uint64_t);
    size_t field;
    uint64_t otherwise, least, most;
};
struct text { int (*set)(wasmvm_config *, const char *); size_t field; };
struct mark { int (*set)(wasmvm_config *); size_t field; };
struct flag { const char *name; size_t field; };
struct net { enum wasmvm_net kind; size_t field; enum { ALL_COUNT, LAST_COUNTS, IS_SAID } how; };

#define AT(field) offsetof(struct settings, field)
static const struct number numbers[] = {
#define NUMBER(name, field, otherwise, least, most, what) \
    { #name, wasmvm_config_##name, AT(field), (otherwise), (least), (most) },
#include "vmm/base/settings.def"
};
static const struct text texts[] = {
#define TEXT(name, field) { wasmvm_config_##name, AT(field) },
#include "vmm/base/settings.def"
};
static const struct mark marks[] = {
#define MARK(name, field) { wasmvm_config_##name, AT(field) },
#include "vmm/base/settings.def"
};
static const struct flag flags[] = {
#define SWITCH(name, field) { name, AT(field) },
#include "vmm/base/settings.def"
};
static const struct net nets[] = {
#define RULES(kind, field) { WASMVM_NET_##kind, AT(field), ALL_COUNT },
#define RULE(kind, field) { WASMVM_NET_##kind, AT(field), LAST_COUNTS },
#define PERMIT(kind, field) { WASMVM_NET_##kind, AT(field), IS_SAID },
#include "vmm/base/settings.def"
};
#define EACH(item, table) \
    for (size_t at_ = 0; at_ < sizeof table / sizeof *table; at_++) \
        for (const __typeof__(table[0]) *item = &table[at_]; item; item = NULL)

static const void *field_at(const wasmvm_config *c, size_t field)
{
    return (const char *)&c->set + field;
}
#define FIELD(type, c, field) (*(const type *)field_at(c, field))

static void test_numbers_keep_their_bounds(void **state)
{
    (void)state;
    EACH(n, numbers) {
        wasmvm_config *c = wasmvm_config_new();
        assert_int_equal(FIELD(uint64_t, c, n->field), n->otherwise);
        const uint64_t good[] = { n->least, n->most, n->otherwise };
        for (int i = 0; i < 3; i++) {
            assert_int_equal(n->set(c, good[i]), WASMVM_OK);
            assert_int_equal(FIELD(uint64_t, c, n->field), good[i]);
        }
        assert_int_equal(wasmvm_config_check(c, NULL), WASMVM_OK);
        assert_int_equal(n->set(c, n->most + 1), WASMVM_E_USAGE);
        if (n->least && n->least - 1 != n->otherwise)
            assert_int_equal(n->set(c, n->least - 1), WASMVM_E_USAGE);
        assert_int_equal(FIELD(uint64_t, c, n->field), n->otherwise);
        wasmvm_error error;
        char most[32];
        snprintf(most, sizeof most, " to %llu can be had", (unsigned long long)n->most);
        assert_int_equal(wasmvm_config_check(c, &error), WASMVM_E_USAGE);
        assert_non_null(strstr(error.text, most));
        wasmvm_config_free(c);
    }
}

static void test_of_texts_the_last_counts(void **state)
{
    (void)state;
    EACH(t, texts) {
        wasmvm_config *c = wasmvm_config_new();
        assert_null(FIELD(char *, c, t->field));
        assert_int_equal(t->set(c, "first"), WASMVM_OK);
        assert_int_equal(t->set(c, "last"), WASMVM_OK);
        assert_string_equal(FIELD(char *, c, t->field), "last");
        wasmvm_config_free(c);
    }
}

static void test_marks_and_switches(void **state)
{
    (void)state;
    wasmvm_config *c = wasmvm_config_new();
    EACH(m, marks) {
        assert_false(FIELD(bool, c, m->field));
        assert_int_equal(m->set(c), WASMVM_OK);
        assert_true(FIELD(bool, c, m->field));
    }
    EACH(f, flags) {
        assert_false(FIELD(bool, c, f->field));
        assert_int_equal(wasmvm_config_flag(c, f->name), WASMVM_OK);
        assert_true(FIELD(bool, c, f->field));
    }
    assert_int_equal(wasmvm_config_flag(c, "no-such"), WASMVM_E_USAGE);
    wasmvm_config_free(c);
}

static void test_rules_of_the_network(void **state)
{
    (void)state;
    EACH(n, nets) {
        wasmvm_config *c = wasmvm_config_new();
        assert_int_equal(wasmvm_config_net(c, n->kind, ""), WASMVM_OK);
        assert_int_equal(wasmvm_config_net(c, n->kind, "any"), WASMVM_OK);
        if (n->how == ALL_COUNT) {
            assert_int_equal(FIELD(struct words, c, n->field).n, 2);
            assert_string_equal(FIELD(struct words, c, n->field).at[1], "any");
        } else if (n->how == LAST_COUNTS) {
            assert_string_equal(FIELD(char *, c, n->field), "any");
        } else {
            assert_true(FIELD(bool, c, n->field));
        }
        wasmvm_config_free(c);
    }
    wasmvm_config *c = wasmvm_config_new();
    assert_int_equal(wasmvm_config_net(c, (enum wasmvm_net)99, ""), WASMVM_E_USAGE);
    wasmvm_config_free(c);
    c = wasmvm_config_new();
    assert_int_equal(wasmvm_config_net(c, WASMVM_NET_ALLOW_DNS, "some"), WASMVM_E_USAGE);
    wasmvm_config_free(c);
}

/* Each list holds all that it is given, in order; an environment's names once.  The sanitizer sees
 * lists that are too short. */
static void test_lists_hold_everything(void **state)
{
    (void)state;
    enum { MANY = 70 };
    wasmvm_config *c = wasmvm_config_new();
    char text[3][32];
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(text[0], sizeof text[0], "word%u", i);
        snprintf(text[1], sizeof text[1], "/host%u", i);
        snprintf(text[2], sizeof text[2], "/guest%u", i);
        assert_int_equal(wasmvm_config_arg(c, text[0]), WASMVM_OK);
        assert_int_equal(wasmvm_config_env(c, text[0], text[1]), WASMVM_OK);
        /* again: the last one counts */
        assert_int_equal(wasmvm_config_env(c, text[0], text[2]), WASMVM_OK);
        assert_int_equal(wasmvm_config_dir(c, text[1], text[2], i % 2 ? WASMVM_DIR_READ_ONLY : 0),
                         WASMVM_OK);
        assert_true(c->set.args.n == i + 1 && c->set.env.n == i + 1 && c->set.dirs.n == i + 1);
    }
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(text[0], sizeof text[0], "word%u", i);
        snprintf(text[1], sizeof text[1], "/host%u", i);
        snprintf(text[2], sizeof text[2], "/guest%u", i);
        const struct grant *d = &c->set.dirs.at[i];
        assert_string_equal(c->set.args.at[i], text[0]);
        assert_string_equal(words_env(&c->set.env, text[0]), text[2]);
        assert_string_equal(d->host, text[1]);
        assert_string_equal(d->guest, text[2]);
        assert_true(d->read_only == (i % 2 != 0) && !d->tmp && !d->mounts && !d->last);
    }
    assert_int_equal(wasmvm_config_check(c, NULL), WASMVM_OK);
    assert_int_equal(wasmvm_config_dir(c, "/other", "/guest69", 0), WASMVM_E_USAGE);
    assert_int_equal(c->set.dirs.n, MANY);
    wasmvm_config_free(c);
}

/* A guest's name of a directory is absolute and clean; or, where it is said to be relative, it
 * leads up first. */
static void test_names_of_directories(void **state)
{
    (void)state;
    static const struct { const char *name; bool clean, relative;
    } rows[] = {
        { "/", true, false },     { "/a", true, false },        { "/a/b", true, false },
        { "/.a", true, false },   { "/a.", true, false },       { "/...", true, false },
        { "/..a", true, false },  { "/a/.b/..c", true, false }, { "", false, false },
        { "a", false, true },     { "/.", false, false },       { "/..", false, false },
        { "/a/", false, false },  { "/a//b", false, false },    { "//a", false, false },
        { "/a/.", false, false }, { "/a/..", false, false },    { "/a/./b", false, false },
        { "/./a", false, false }, { ".", false, true },         { "..", false, true },
        { "../..", false, true }, { "../a", false, true },      { "../../a/b", false, true },
        { "./a", false, false },  { "a/..", false, false },     { "../a/..", false, false },
        { "../", false, false },  { "...", false, true },       { "a/", false, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int relative = 0; relative < 2; relative++) {
            wasmvm_config *c = wasmvm_config_new();
            int got = wasmvm_config_dir(c, "/host", rows[i].name,
                                        relative ? WASMVM_DIR_RELATIVE : 0);
            if (got != ((relative ? rows[i].relative : rows[i].clean) ? WASMVM_OK : WASMVM_E_USAGE))
                fail_msg("%s, relative %d: %d", rows[i].name, relative, got);
            wasmvm_config_free(c);
        }
}

static void test_flags_of_directories(void **state)
{
    (void)state;
    const unsigned known = WASMVM_DIR_READ_ONLY | WASMVM_DIR_RELATIVE | WASMVM_DIR_LAST |
                           WASMVM_DIR_MOUNTS;
    for (unsigned bit = 1; bit; bit <<= 1) {
        wasmvm_config *c = wasmvm_config_new();
        const char *name = bit == WASMVM_DIR_RELATIVE ? "a" : "/a";
        assert_int_equal(wasmvm_config_dir(c, "/host", name, bit),
                         bit & known ? WASMVM_OK : WASMVM_E_USAGE);
        assert_int_equal(wasmvm_config_dir(c, "", "/b", 0), WASMVM_E_USAGE);
        wasmvm_config_free(c);
    }
}

static int answers(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call, (void)args, (void)result;
    return 0;
}

/* Given one after the other and at once; the words are copied, and what is refused leaves those
 * before. */
static void test_functions_of_the_host(void **state)
{
    (void)state;
    enum { MANY = 9 };
    wasmvm_config *c = wasmvm_config_new();
    char names[MANY][16];
    wasmvm_func funcs[MANY];
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "f%d", i);
        funcs[i] = (wasmvm_func){ .module = "env", .name = names[i], .sig = "i:i", .fn = answers };
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(wasmvm_config_funcs(c, &funcs[i], 1), WASMVM_OK);
    assert_int_equal(wasmvm_config_funcs(c, funcs + 4, MANY - 4), WASMVM_OK);
    memset(names, 'x', sizeof names);
    assert_int_equal(c->nfuncs, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        char name[8];
        snprintf(name, sizeof name, "f%u", i);
        assert_string_equal(c->funcs[i].name, name);
        assert_string_equal(c->funcs[i].module, "env");
        assert_string_equal(c->funcs[i].sig, "i:i");
    }
    const wasmvm_func bad[] = {
        { .module = "env", .name = "bad", .sig = "x:", .fn = answers },
        { .module = "env", .name = "bad", .sig = "i:i" },
        { .module = "env", .sig = "i:i", .fn = answers },
        { .name = "bad", .sig = "i:i", .fn = answers },
        { .module = "env", .name = "bad", .fn = answers },
        { .module = "wasi_snapshot_preview1", .name = "bad", .sig = "i:i", .fn = answers },
        { .module = "wasi_unstable", .name = "bad", .sig = "i:i", .fn = answers },
        { .module = "gojs", .name = "bad", .sig = "i:i", .fn = answers },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(wasmvm_config_funcs(c, &bad[i], 1), WASMVM_E_USAGE);
    assert_int_equal(c->nfuncs, MANY);
    wasmvm_config_free(c);
}

static void test_kinds_of_hypercalls(void **state)
{
    (void)state;
    wasmvm_config *c = wasmvm_config_new();
    assert_int_equal(wasmvm_config_hypercall(c, WASMVM_HYPERCALL_POLL), WASMVM_OK);
    assert_int_equal(c->set.hypercall, TRANSPORT_POLL);
    assert_int_equal(wasmvm_config_hypercall(c, (enum wasmvm_hypercall)3), WASMVM_E_USAGE);
    assert_int_equal(c->set.hypercall, TRANSPORT_POLL);
    wasmvm_config_free(c);
}

static void test_limits_in_one_call(void **state)
{
    (void)state;
    wasmvm_config *c = wasmvm_config_new();
    assert_int_equal(wasmvm_config_net_limits(c, 1, 2, 3), WASMVM_OK);
    assert_true(c->set.max_sockets == 1 && c->set.net_rate == 2 && c->set.net_bytes == 3);
    assert_int_equal(wasmvm_config_net_limits(c, 0, 0, 0), WASMVM_OK);
    assert_true(c->set.max_sockets == 0 && c->set.net_rate == 0 && c->set.net_bytes == 0);
    assert_int_equal(wasmvm_config_net_limits(c, 1, 2, UINT64_MAX), WASMVM_E_USAGE);
    wasmvm_config_free(c);
}

/* Every setter of a configuration that an instance holds refuses, and changes nothing. */
static void test_a_configuration_in_use_is_frozen(void **state)
{
    (void)state;
    wasmvm_config *c = wasmvm_config_new();
    config_hold(c);
    struct settings before = c->set;
    EACH(n, numbers)
        assert_int_equal(n->set(c, n->most), WASMVM_E_USAGE);
    EACH(t, texts)
        assert_int_equal(t->set(c, "x"), WASMVM_E_USAGE);
    EACH(m, marks)
        assert_int_equal(m->set(c), WASMVM_E_USAGE);
    EACH(f, flags)
        assert_int_equal(wasmvm_config_flag(c, f->name), WASMVM_E_USAGE);
    EACH(n, nets)
        assert_int_equal(wasmvm_config_net(c, n->kind, ""), WASMVM_E_USAGE);
    assert_int_equal(wasmvm_config_hypercall(c, WASMVM_HYPERCALL_POLL), WASMVM_E_USAGE);
    assert_int_equal(wasmvm_config_arg(c, "x"), WASMVM_E_USAGE);
    assert_int_equal(wasmvm_config_env(c, "A", "x"), WASMVM_E_USAGE);
    assert_int_equal(wasmvm_config_dir(c, "/tmp", "/tmp", 0), WASMVM_E_USAGE);
    assert_int_equal(wasmvm_config_tmp(c), WASMVM_E_USAGE);
    assert_int_equal(wasmvm_config_socket(c, 0, 0), WASMVM_E_USAGE);
    assert_int_equal(wasmvm_config_net(c, (enum wasmvm_net)99, ""), WASMVM_E_USAGE);
    assert_int_equal(wasmvm_config_hypercall(c, (enum wasmvm_hypercall)99), WASMVM_E_USAGE);
    assert_memory_equal(&before, &c->set, sizeof before);
    assert_int_equal(c->error.code, WASMVM_OK); /* others may be reading */
    wasmvm_config_free(c);
    wasmvm_config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_keep_their_bounds),
        cmocka_unit_test(test_of_texts_the_last_counts),
        cmocka_unit_test(test_marks_and_switches),
        cmocka_unit_test(test_rules_of_the_network),
        cmocka_unit_test(test_lists_hold_everything),
        cmocka_unit_test(test_names_of_directories),
        cmocka_unit_test(test_flags_of_directories),
        cmocka_unit_test(test_functions_of_the_host),
        cmocka_unit_test(test_kinds_of_hypercalls),
        cmocka_unit_test(test_limits_in_one_call),
        cmocka_unit_test(test_a_configuration_in_use_is_frozen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
