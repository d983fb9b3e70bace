/* Resolution by name and type, forwarding of every call, and the counters. */
#include "tests/unit/wasi-shim/double.h"

static const struct { const char *name, sig[SLOT_ARGS + 3]; } calls[] = {
#define ARG(name, kind) LETTER_##kind,
#define SPAN(name, kind) LETTER_##kind, LETTER_##kind,
#define OUT(name, kind) LETTER_PTR,
#define WASI_CALL(name, args, result) {#name, {args ':', RESULT_##result}},
#include "wasi-shim/calls.def"
};

static bool resolve(const char *module, const char *field, enum extern_kind kind,
                    struct extern_ref *ref)
{
    struct functype other = {0};
    return shim_resolve(&shim, name_of(module), name_of(field), kind,
                        kind == EXTERN_FUNC ? &other : NULL, ref);
}

static bool suffixed(unsigned call, const char *suffix)
{
    size_t len = strlen(calls[call].name);
    return len > 3 && strcmp(calls[call].name + len - 3, suffix) == 0;
}

/* The names under which a module imports the call: without the suffix of an older form. */
static struct name import_name(unsigned call)
{
    struct name name = name_of(calls[call].name);
    if (suffixed(call, "_v0") || suffixed(call, "_v1"))
        name.len -= 3;
    return name;
}

static struct name import_module(unsigned call)
{
    return name_of(suffixed(call, "_v0") ? "wasi_unstable" : "wasi_snapshot_preview1");
}

static bool types_equal(const uint8_t *a, uint32_t na, const uint8_t *b, uint32_t nb)
{
    return na == nb && memcmp(a, b, na) == 0;
}

static void every_call_is_given_with_its_type(void **state)
{
    (void)state;
    double_start(64, 0);
    for (unsigned i = 0; i < WASI_CALLS; i++) {
        uint8_t types[16];
        struct functype want = type_of(calls[i].sig, types);
        struct extern_ref ref;
        assert_true(
            shim_resolve(&shim, import_module(i), import_name(i), EXTERN_FUNC, &want, &ref));
        assert_int_equal(ref.kind, EXTERN_FUNC);
        assert_true(
            types_equal(ref.host_type.params, ref.host_type.nparams, want.params, want.nparams));
        assert_true(types_equal(ref.host_type.results, ref.host_type.nresults, want.results,
                                want.nresults));
    }
    double_end();
}

/* One in the specification's own words, so that the letters' meaning is checked too. */
static void path_open_has_the_types_of_the_specification(void **state)
{
    (void)state;
    static const uint8_t want[] = { VT_I32, VT_I32, VT_I32, VT_I32, VT_I32,
                                    VT_I64, VT_I64, VT_I32, VT_I32 };
    struct extern_ref ref;
    double_start(64, 0);
    assert_true(resolve("wasi_snapshot_preview1", "path_open", EXTERN_FUNC, &ref));
    assert_true(types_equal(ref.host_type.params, ref.host_type.nparams, want, sizeof want));
    assert_true(types_equal(ref.host_type.results, ref.host_type.nresults, want, 1));
    double_end();
}

static void near_names_are_nobodys(void **state)
{
    (void)state;
    struct extern_ref ref;
    double_start(64, 0);
    assert_false(resolve("wasi_snapshot_preview", "fd_write", EXTERN_FUNC, &ref));
    assert_false(resolve("wasi_snapshot_preview11", "fd_write", EXTERN_FUNC, &ref));
    assert_false(resolve("wasi_snapshot_preview1", "fd_writ", EXTERN_FUNC, &ref));
    assert_false(resolve("wasi_snapshot_preview1", "fd_writes", EXTERN_FUNC, &ref));
    assert_false(resolve("wasi_snapshot_preview1", "", EXTERN_FUNC, &ref));
    assert_false(resolve("wasi_snapshot_preview1", "sock_accept_v1", EXTERN_FUNC, &ref));
    assert_false(resolve("wasi_snapshot_preview1", "fd_seek_v0", EXTERN_FUNC, &ref));
    assert_false(resolve("wasi_unstable", "fd_seek_v0", EXTERN_FUNC, &ref));
    assert_true(resolve("wasi_unstable", "fd_write", EXTERN_FUNC, &ref));
    assert_false(resolve("wasi_snapshot_preview1", "heap_grow", EXTERN_FUNC, &ref));
    assert_false(resolve("wasi_snapshot_preview1", "end", EXTERN_FUNC, &ref));
    assert_false(resolve("wasi_snapshot_preview1", "fd_write", EXTERN_MEMORY, &ref));
    assert_false(resolve("env", "fd_write", EXTERN_FUNC, &ref));
    double_end();
}

static void every_call_is_forwarded_whole(void **state)
{
    (void)state;
    double_start(64, BOOT_CALL_ALL);
    for (unsigned i = 0; i < WASI_CALLS; i++) {
        uint8_t types[16];
        struct functype type = type_of(calls[i].sig, types);
        struct extern_ref ref;
        struct cell cells[SLOT_ARGS];
        for (uint64_t a = 0; a < SLOT_ARGS; a++)
            cells[a] = (struct cell){.lo = (a + 1) << 40 | i, .hi = ~0ull};
        if (i == CALL_proc_exit)
            continue;
        assert_true(
            shim_resolve(&shim, import_module(i), import_name(i), EXTERN_FUNC, &type, &ref));
        assert_int_equal(ref.host.fn(ref.host.data, NULL, cells), TRAP_NONE);
        assert_int_equal(cells[0].lo, FORWARDED_RESULT);
        assert_int_equal(hyper.number, i);
        assert_int_equal(hyper.nargs, type.nparams);
        for (uint64_t a = 0; a < type.nparams; a++)
            assert_int_equal(hyper.args[a], (a + 1) << 40 | i);
    }
    assert_int_equal(hyper.count, WASI_CALLS - 1);
    for (unsigned i = 0; i < CALL_COUNT; i++)
        assert_int_equal(area.control.stats.answered_in_guest[i], 0);
    double_end();
}

static void sched_yield_stays_inside(void **state)
{
    (void)state;
    double_start(64, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(wasi("sched_yield", ":i", 0, 0, 0), WASI_SUCCESS);
    assert_int_equal(hyper.count, 0);
    assert_int_equal(area.control.stats.answered_in_guest[CALL_sched_yield], 3);
    double_end();
}

static void proc_exit_publishes_and_ends(void **state)
{
    (void)state;
    double_start(64, 0);
    engine_counters = (struct engine_stats){ .funcs_total = 3,
                                             .funcs_compiled = 2,
                                             .known_kinds = 11,
                                             .body_bytes_total = 5,
                                             .heap_bytes = 4,
                                             .body_bytes_compiled = 6,
                                             .code_bytes = 7,
                                             .parse_ns = 8,
                                             .validate_ns = 9,
                                             .compile_ns = 10 };
    uint8_t types[16];
    struct functype type = type_of("i:", types);
    struct extern_ref ref;
    struct cell cells[1] = {{.lo = 300}};
    assert_true(shim_resolve(&shim, name_of("wasi_snapshot_preview1"), name_of("proc_exit"),
                             EXTERN_FUNC, &type, &ref));
    assert_int_equal(ref.host.fn(ref.host.data, NULL, cells), TRAP_EXIT);
    assert_int_equal(hyper.number, CALL_proc_exit);
    assert_int_equal(hyper.args[0], 300);
    assert_int_equal(shim.exit_code, 300);
    const struct guest_stats *stats = &area.control.stats;
    assert_int_equal(stats->funcs_total, 3);
    assert_int_equal(stats->funcs_compiled, 2);
    assert_int_equal(stats->known_kinds, 11);
    assert_int_equal(stats->body_bytes_total, 5);
    assert_int_equal(stats->body_bytes_compiled, 6);
    assert_int_equal(stats->heap_bytes, 4);
    assert_int_equal(stats->code_bytes, 7);
    assert_int_equal(stats->parse_ns, 8);
    assert_int_equal(stats->validate_ns, 9);
    assert_int_equal(stats->compile_ns, 10);
    double_end();
}

static void hypercalls_carry_the_counters(void **state)
{
    (void)state;
    double_start(64, 0);
    engine_counters = (struct engine_stats){.funcs_compiled = 77};
    assert_int_equal(wasi("sched_yield", ":i", 0, 0, 0), WASI_SUCCESS);
    assert_int_equal(area.control.stats.funcs_compiled, 0);
    assert_int_equal(wasi("fd_close", "i:i", 9, 0, 0), FORWARDED_RESULT);
    assert_int_equal(area.control.stats.funcs_compiled, 77);
    double_end();
}

static void module_without_memory(void **state)
{
    (void)state;
    double_start(1, 0);
    memory_bytes = 0;
    assert_int_equal(wasi("random_get", "ii:i", 0, 1, 0), WASI_FAULT);
    assert_int_equal(wasi("args_sizes_get", "ii:i", 0, 0, 0), WASI_FAULT);
    double_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_is_given_with_its_type),
        cmocka_unit_test(path_open_has_the_types_of_the_specification),
        cmocka_unit_test(near_names_are_nobodys),
        cmocka_unit_test(every_call_is_forwarded_whole),
        cmocka_unit_test(sched_yield_stays_inside),
        cmocka_unit_test(proc_exit_publishes_and_ends),
        cmocka_unit_test(hypercalls_carry_the_counters),
        cmocka_unit_test(module_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
