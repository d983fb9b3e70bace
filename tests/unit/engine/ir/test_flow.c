/* Liveness, dead code, webs. */
#include "tests/unit/engine/ir/body.h"

static void test_a_value_that_nobody_wants_goes(void **state)
{
    body_is(BODY(state, I32_TO_I32, LOCAL_I32 GET("\0") GET("\0") "\x6c" SET("\1") GET("\0") END),
            DUMP_FLOW,
            "b0: weight 1 in l0.0\n"
            "    return (l0.0)\n");
}

static void test_what_may_trap_stays(void **state)
{
    body_is(BODY(state, I32_TO_I32,
                 NO_LOCALS GET("\0") GET("\0") "\x6e"
                                               "\x1a" GET("\0") END),
            DUMP_FLOW,
            "b0: weight 1 in l0.0\n"
            "    divu.i32 l0.0, l0.0\n"
            "    return (l0.0)\n");
}

static void test_a_folded_load_outlives_its_dead_user(void **state)
{
    body_is(BODY(state, I32_TO_I32,
                 NO_LOCALS GET("\0") GET("\0") "\x28\2\0"
                                               "\x6a"
                                               "\x1a" GET("\0") END),
            DUMP_FLOW,
            "b0: weight 1 in l0.0\n"
            "    load.i32.32u [l0.0]\n"
            "    return (l0.0)\n");
}

static void test_two_lives_are_two_webs(void **state)
{
    body_is(BODY(state, I32_TO_I32,
                 NO_LOCALS GET("\0") CONST("\3") "\x6c" SET("\0") GET("\0")
                     GET("\0") "\x73" SET("\0") GET("\0") END),
            DUMP_FLOW,
            "b0: weight 1 in l0.0\n"
            "    l0.1 = mul.i32 l0.0, 3\n"
            "    l0.2 = xor.i32 l0.1, l0.1\n"
            "    return (l0.2)\n");
}

/* loop { l1 += l0; br_if 0 (l0 -= 1) } l1 */
static void test_a_loop_is_one_web_and_weighs_more(void **state)
{
    body_is(BODY(state, I32_TO_I32,
                 LOCAL_I32 "\3\x40" GET("\1") GET("\0") "\x6a" SET("\1") GET("\0")
                     CONST("\1") "\x6b" TEE("\0") "\x0d\0" END GET("\1") END),
            DUMP_FLOW,
            "b0: weight 1 empty in l0.0 l1.0\n"
            "    br b1\n"
            "b1: weight 8 in l0.0 l1.0\n"
            "    l1.0 = add.i32 l1.0, l0.0\n"
            "    l0.0 = sub.i32 l0.0, 1\n"
            "    brif l0.0, b1, b2\n"
            "b2: weight 1 in l1.0\n"
            "    return (l1.0)\n");
}

/* if (l0) unreachable; l0 */
static void test_what_leads_to_a_trap_is_cold(void **state)
{
    body_is(BODY(state, I32_TO_I32, NO_LOCALS GET("\0") "\4\x40" "\0" END GET("\0") END), DUMP_FLOW,
            "b0: weight 1 in l0.0\n"
            "    brif l0.0, b1, b2\n"
            "b1: weight 0\n"
            "    trap unreachable\n"
            "b2: weight 1 in l0.0\n"
            "    return (l0.0)\n");
}

/* l0 + memory.grow(0), with l0 read before */
static void test_what_lives_over_a_call(void **state)
{
    body_is(BODY(state, I32_TO_I32, NO_LOCALS GET("\0") CONST("\0") "\x40\0" "\x6a" END), DUMP_FLOW,
            "b0: weight 1 in l0.0\n"
            "    t0 = rt.i32 memory_grow (0, 0, 0)  over: l0.0\n"
            "    t1 = add.i32 l0.0, t0\n"
            "    return (t1)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_value_that_nobody_wants_goes),
        WORLD_TEST(test_what_may_trap_stays),
        WORLD_TEST(test_a_folded_load_outlives_its_dead_user),
        WORLD_TEST(test_two_lives_are_two_webs),
        WORLD_TEST(test_a_loop_is_one_web_and_weighs_more),
        WORLD_TEST(test_what_leads_to_a_trap_is_cold),
        WORLD_TEST(test_what_lives_over_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
