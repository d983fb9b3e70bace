/* Body bytes to nodes: tests/ir has more, as text. */
#include "tests/unit/engine/ir/body.h"

static void test_a_constant_goes_to_the_right(void **state)
{
    body_is(BODY(state, I32_TO_I32, NO_LOCALS CONST("\5") GET("\0") "\x6a" END), DUMP_BUILD,
            "b0:\n"
            "    t0 = add.i32 l0, 5\n"
            "    return (t0)\n");
}

static void test_a_sum_goes_straight_to_its_local(void **state)
{
    body_is(BODY(state, I32_TO_I32, LOCAL_I32 GET("\0") GET("\0") "\x6a" SET("\1") GET("\1") END),
            DUMP_BUILD,
            "b0:\n"
            "    l1 = add.i32 l0, l0\n"
            "    return (l1)\n");
}

static void test_a_read_is_copied_before_its_local_changes(void **state)
{
    body_is(BODY(state, I32_TO_I32, NO_LOCALS GET("\0") CONST("\1") SET("\0") GET("\0") "\x6b" END),
            DUMP_BUILD,
            "b0:\n"
            "    t0 = copy.i32 l0\n"
            "    l0 = set.i32 1\n"
            "    t1 = sub.i32 t0, l0\n"
            "    return (t1)\n");
}

static void test_a_load_between_is_not_folded(void **state)
{
    /* the second load is computed last: only that one may be its user's operand */
    body_is(BODY(state, I32_TO_I32,
                 NO_LOCALS GET("\0") "\x28\2\0" GET("\0") "\x28\2\4"
                                                          "\x6a" END),
            DUMP_BUILD,
            "b0:\n"
            "    t0 = load.i32.32u [l0]\n"
            "    t2 = add.i32 t0, (load.i32.32u [l0 + 4])\n"
            "    return (t2)\n");
}

static void test_wrap_costs_nothing(void **state)
{
    body_is(BODY(state, I64_TO_I32, NO_LOCALS GET("\0") "\xa7" END), DUMP_BUILD,
            "b0:\n"
            "    return (lo(l0))\n");
}

static void test_eqz_turns_a_comparison_over(void **state)
{
    body_is(BODY(state, TWO_I32_TO_I32,
                 NO_LOCALS GET("\0") GET("\1") "\x48"
                                               "\x45" END),
            DUMP_BUILD,
            "b0:\n"
            "    t0 = cmp.i32.ge_s l0, l1\n"
            "    return (t0)\n");
}

static void test_what_is_behind_a_return_has_no_nodes(void **state)
{
    body_is(BODY(state, I32_TO_I32, NO_LOCALS GET("\0") "\x0f" CONST("\1") "\x1a" END), DUMP_BUILD,
            "b0:\n"
            "    return (l0)\n");
}

/* Validation lets nothing through that is not compiled.  If it did, that would be said. */
static void test_an_instruction_that_is_not_compiled(void **state)
{
    struct instance *i = BODY(state, I32_TO_I32, NO_LOCALS GET("\0") "\x45\x45" END);
    struct compile c = {.engine = i->engine, .module = i->module, .instance = i};
    uint8_t *body = (uint8_t *)(uintptr_t)i->module->bytes + i->module->funcs[0].body;
    assert_memory_equal(body + 3, "\x45\x45", 2);
    memcpy(body + 3, "\xfc\x7f", 2);
    c.type = instance_functype(i, 0);
    scratch_reset(c.engine);
    assert_false(build(&c));
    assert_int_equal(c.engine->error.kind, ERROR_UNSUPPORTED);
    assert_non_null(strstr(c.engine->error.text, "uses instruction 0x17f, which wasmvm does not "
                                                 "compile"));
    /* what failed before is not said anew */
    c = (struct compile){.engine = i->engine, .module = i->module, .instance = i, .type = c.type};
    c.engine->error.kind = ERROR_NOMEM;
    scratch_reset(c.engine);
    assert_false(build(&c));
    assert_int_equal(c.engine->error.kind, ERROR_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_constant_goes_to_the_right),
        WORLD_TEST(test_a_sum_goes_straight_to_its_local),
        WORLD_TEST(test_a_read_is_copied_before_its_local_changes),
        WORLD_TEST(test_a_load_between_is_not_folded),
        WORLD_TEST(test_wrap_costs_nothing),
        WORLD_TEST(test_eqz_turns_a_comparison_over),
        WORLD_TEST(test_what_is_behind_a_return_has_no_nodes),
        WORLD_TEST(test_an_instruction_that_is_not_compiled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
