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

/* To the loop outside, or out of this one. */
#define AGAIN GET("\0") "\x0d\1" END

/* Eight loops, one within the other: from the sixth on they weigh the same. */
static void test_loops_within_loops(void **state)
{
    char text[4096] = "", *got = NULL;
    size_t len = 0;
    struct instance *i = BODY(state, I32_TO_I32,
                              NO_LOCALS "\3\x40\3\x40\3\x40\3\x40\3\x40\3\x40\3\x40\3\x40"
                              GET("\0") CONST("\1") "\x6b" TEE("\0") "\x0d\0"
                              AGAIN AGAIN AGAIN AGAIN AGAIN AGAIN
                              GET("\0") "\x0d\1" END END GET("\0") END);
    FILE *out = open_memstream(&got, &len);
    assert_true(dump_function(out, i, 0, 1u << DUMP_FLOW));
    fclose(out);
    for (const char *at = got; (at = strstr(at, "weight ")) != NULL; at++)
        snprintf(text + strlen(text), 20, "%u ", (unsigned)strtoul(at + 7, NULL, 10));
    assert_string_equal(text, "1 8 64 512 4096 32768 262144 262144 262144 262144 262144 32768 4096 "
                              "512 64 8 1 ");
    free(got);
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

/* Function 0 as flow() leaves it, where the node that makes a companion (build_low.c) has gone
 * before one of the op `over`: a pass between the two may leave it there. */
static struct compile moved(struct instance *i, enum irop over)
{
    struct compile c = {.engine = i->engine, .module = i->module, .instance = i};
    uint32_t k = 0;
    c.type = instance_functype(i, 0);
    scratch_reset(c.engine);
    assert_true(build(&c));
    while (c.body.nodes[k].op != IR_ZEXT)
        assert_in_range(++k, 1, c.body.nnodes - 1);
    struct node zext = c.body.nodes[k];
    assert_int_equal(c.body.nodes[k - 1].op, over);
    c.body.nodes[k] = c.body.nodes[k - 1];
    c.body.nodes[k - 1] = zext;
    assert_true(flow(&c));
    return c;
}

static void text_is(struct compile *c, const char *wanted)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    dump_ir(out, c, DUMP_FLOW);
    fclose(out);
    assert_string_equal(strchr(text, '\n') + 1, wanted);
    free(text);
}

#define LOCAL_I64    "\1\1\x7e"
#define LOAD_AT_8(n) GET(n) "\xa7\x28\2\10"

static void test_a_companion_with_one_reader_is_made_there(void **state)
{
    body_is(BODY(state, I64_TO_I32, NO_LOCALS LOAD_AT_8("\0") END), DUMP_FLOW,
            "b0: weight 1 in l0.0\n"
            "    t0 = load.i32.32u [lo(l0.0) + 8]\n"
            "    return (t0)\n");
}

/* The pointer would be saved over the call in its stead, if it was known to live there. */
static void test_a_companion_over_a_call_stays(void **state)
{
    struct instance *i = BODY(state, I64_TO_I32,
                              NO_LOCALS CONST("\0") "\x40\0" "\x1a" LOAD_AT_8("\0") END);
    struct compile c = moved(i, IR_RT);
    text_is(&c, "b0: weight 1 in l0.0\n"
                "    low0.0 = zext.i64 l0.0\n"
                "    rt.i32 memory_grow (0, 0, 0)  over: low0.0\n"
                "    t1 = load.i32.32u [low0.0 + 8]\n"
                "    return (t1)\n");
}

/* A pointer whose last use came before is read later now, and keeps its register until then. */
static void test_a_pointer_lives_until_its_half_is_made(void **state)
{
    struct instance *i = BODY(state, I64_TO_I32,
                              LOCAL_I64 GET("\0") GET("\0") "\x7e" SET("\1")
                                  LOAD_AT_8("\0") GET("\1") "\xa7\x6a" END);
    struct compile c = moved(i, IR_MUL);
    uint32_t load = 0, end = 0;
    while (c.body.nodes[load].op != IR_LOAD)
        assert_in_range(++load, 1, c.body.nnodes - 1);
    for (uint32_t k = 0; k < c.life.nranges; k++) {
        const struct range *r = &c.life.ranges[k];
        if (c.life.webs[web_find(&c, r->web)].vreg == c.body.first_local && r->to > end)
            end = r->to;
    }
    assert_in_range(end, 2 * load - 1, 2 * c.body.nnodes);
    assert_true(c.body.nodes[load].a & REF_NZ);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_value_that_nobody_wants_goes),
        WORLD_TEST(test_what_may_trap_stays),
        WORLD_TEST(test_a_folded_load_outlives_its_dead_user),
        WORLD_TEST(test_two_lives_are_two_webs),
        WORLD_TEST(test_a_loop_is_one_web_and_weighs_more),
        WORLD_TEST(test_loops_within_loops),
        WORLD_TEST(test_what_leads_to_a_trap_is_cold),
        WORLD_TEST(test_what_lives_over_a_call),
        WORLD_TEST(test_a_companion_with_one_reader_is_made_there),
        WORLD_TEST(test_a_companion_over_a_call_stays),
        WORLD_TEST(test_a_pointer_lives_until_its_half_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
