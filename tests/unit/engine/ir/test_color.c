/* Registers and frame slots. */
#include "tests/unit/engine/ir/body.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_a_parameter_stays_where_it_comes(void **state)
{
    body_is(BODY(state, TWO_I32_TO_I32, NO_LOCALS GET("\0") GET("\1") "\x6b" END), DUMP_COLOR,
            "b0: weight 1 in l0.0:rdi l1.0:rsi\n"
            "    t0:rdi = sub.i32 l0.0:rdi, l1.0:rsi\n"
            "    return (t0:rdi)\n");
}

static void test_a_division_takes_rdx(void **state)
{
    /* the first temporary lives over the division: not in rdx */
    body_is(BODY(state, TWO_I32_TO_I32,
                 NO_LOCALS GET("\0") GET("\1") "\x6a" GET("\0") GET("\1") "\x6e"
                                                                          "\x73" END),
            DUMP_COLOR,
            "b0: weight 1 in l0.0:rdi l1.0:rsi\n"
            "    t0:r15 = add.i32 l0.0:rdi, l1.0:rsi\n"
            "    t1:rdx = divu.i32 l0.0:rdi, l1.0:rsi\n"
            "    t2:r15 = xor.i32 t0:r15, t1:rdx\n"
            "    return (t2:r15)\n");
}

static void test_a_temporary_over_a_call_has_a_slot(void **state)
{
    body_is(BODY(state, I32_TO_I32,
                 NO_LOCALS GET("\0") CONST("\3") "\x6c" CONST("\0") "\x40\0"
                                                                    "\x6a" END),
            DUMP_COLOR,
            "b0: weight 1 in l0.0:rdi\n"
            "    t0:[0] = mul.i32 l0.0:rdi, 3  crosses a call\n"
            "    t1:rdx = rt.i32 memory_grow (0, 0, 0)\n"
            "    t2:rdx = add.i32 t0:[0], t1:rdx\n"
            "    return (t2:rdx)\n");
}

static void test_a_copy_has_the_register_of_what_it_copies(void **state)
{
    body_is(BODY(state, I32_TO_I32,
                 LOCAL_I32 GET("\0") CONST("\3") "\x6c" SET("\1") GET("\1") SET("\0") GET("\0")
                 GET("\0") "\x6c" END),
            DUMP_COLOR,
            "b0: weight 1 in l0.0:rdi\n"
            "    l1.0:rbx = mul.i32 l0.0:rdi, 3\n"
            "    l0.1:rbx = set.i32 l1.0:rbx\n"
            "    t1:rbx = mul.i32 l0.1:rbx, l0.1:rbx\n"
            "    return (t1:rbx)\n");
}

/* l0 is not read again: its register takes the sum; l1 is: the difference has one of its own. */
static void test_a_temporary_takes_the_register_of_what_dies(void **state)
{
    body_is(BODY(state, TWO_I32_TO_I32,
                 NO_LOCALS GET("\1") GET("\0") "\x6b" GET("\0") GET("\1") "\x6c"
                                                                          "\x73" END),
            DUMP_COLOR,
            "b0: weight 1 in l0.0:rdi l1.0:rsi\n"
            "    t0:rdx = sub.i32 l1.0:rsi, l0.0:rdi\n"
            "    t1:rdi = mul.i32 l0.0:rdi, l1.0:rsi\n"
            "    t2:rdx = xor.i32 t0:rdx, t1:rdi\n"
            "    return (t2:rdx)\n");
}

/* l0 dies, and l2 gets the product: the difference takes l0's register, not that of l2. */
static void test_what_dies_comes_before_where_the_value_goes(void **state)
{
    body_is(BODY(state, TWO_I32_TO_I32,
                 LOCAL_I32 GET("\0") GET("\1") "\x6b" GET("\1") "\x6c" SET("\2") GET("\2")
                 GET("\2") "\x6c" END),
            DUMP_COLOR,
            "b0: weight 1 in l0.0:rdi l1.0:rsi\n"
            "    t0:rdi = sub.i32 l0.0:rdi, l1.0:rsi\n"
            "    l2.0:rbx = mul.i32 t0:rdi, l1.0:rsi\n"
            "    t2:rbx = mul.i32 l2.0:rbx, l2.0:rbx\n"
            "    return (t2:rbx)\n");
}

/* Nothing dies, and the product's second operand needs no move into its register. */
static void test_a_second_operand_has_a_register_of_its_own(void **state)
{
    body_is(BODY(state, TWO_I32_TO_I32,
                 LOCAL_I32 GET("\1") GET("\0") GET("\1") "\x6b\x6c" SET("\2") GET("\2") GET("\2")
                 "\x6c" GET("\0") "\x6c" GET("\1") "\x6c" END),
            DUMP_COLOR,
            "b0: weight 1 in l0.0:rdi l1.0:rsi\n"
            "    t0:rdx = sub.i32 l0.0:rdi, l1.0:rsi\n"
            "    l2.0:rbx = mul.i32 l1.0:rsi, t0:rdx\n"
            "    t2:rbx = mul.i32 l2.0:rbx, l2.0:rbx\n"
            "    t3:rbx = mul.i32 t2:rbx, l0.0:rdi\n"
            "    t4:rbx = mul.i32 t3:rbx, l1.0:rsi\n"
            "    return (t4:rbx)\n");
}

/* l1 is read once, 2,200 instructions after it came: use per length of life rounds down to nothing,
 * and it gets a register all the same. */
static void test_a_life_that_is_long(void **state)
{
    enum { MANY = 2200, HEAD = 4, TAIL = 4 };
    static const char head[] = NO_LOCALS GET("\0"), tail[] = GET("\1") "\x6a" END;
    char code[3 + HEAD + MANY + TAIL] = "\1";
    const size_t len = sizeof head - 1 + MANY + sizeof tail - 1;
    struct wasm wasm;
    code[1] = (char)((len & 0x7f) | 0x80);
    code[2] = (char)(len >> 7);
    memcpy(code + 3, head, sizeof head - 1);
    memset(code + 3 + sizeof head - 1, 0x67, MANY); /* clz of clz */
    memcpy(code + 3 + sizeof head - 1 + MANY, tail, sizeof tail - 1);
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1" TWO_I32_TO_I32);
    SECTION(&wasm, FUNCTIONS, "\1\0");
    wasm_section(&wasm, CODE, code, 3 + len);
    struct instance *i = wasm_make(*state, &wasm);
    struct compile c = {.engine = i->engine, .module = i->module, .instance = i};
    c.type = instance_functype(i, 0);
    scratch_reset(c.engine);
    assert_true(build(&c) && flow(&c) && color(&c));
    assert_int_equal(c.life.nwebs, 2);
    for (uint32_t w = 0; w < 2; w++)
        assert_int_not_equal(c.life.webs[w].reg, REG_NONE);
    assert_in_range(c.life.ranges[c.life.nranges - 1].to, 2 * MANY, 2 * MANY + 20);
}

/* Whether the check ends a process: two temporaries are of one entry of the operand stack.  One is
 * in `reg` from node 0 to node `first`, the other one in the slot from node 1 to 3. */
static bool is_found(uint8_t reg, uint32_t first)
{
    struct node nodes[4] = {{.op = IR_LOAD, .type = T_I32, .depth = 1, .reg = reg, .use = first},
                            {.op = IR_LOAD, .type = T_I32, .depth = 1, .reg = REG_NONE, .use = 3}};
    uint32_t temporaries[] = {1, 0};
    struct compile c = {.body = {.nodes = nodes, .nnodes = 4},
                        .life = {.temporaries = temporaries, .ntemporaries = 2}};
    pid_t child = fork();
    if (child == 0) {
        close(2); /* what it says */
        signal(SIGABRT, SIG_DFL); /* cmocka has one */
        color_check(&c);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void test_two_values_in_one_slot_are_found(void **state)
{
    (void)state;
    assert_true(is_found(REG_NONE, 2));
    assert_true(is_found(REG_NONE, 3));
    assert_false(is_found(REG_NONE, 1)); /* the first is used where the second begins */
    assert_false(is_found(0, 3));        /* in a register */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_parameter_stays_where_it_comes),
        WORLD_TEST(test_a_division_takes_rdx),
        WORLD_TEST(test_a_temporary_over_a_call_has_a_slot),
        WORLD_TEST(test_a_temporary_takes_the_register_of_what_dies),
        WORLD_TEST(test_what_dies_comes_before_where_the_value_goes),
        WORLD_TEST(test_a_second_operand_has_a_register_of_its_own),
        WORLD_TEST(test_a_copy_has_the_register_of_what_it_copies),
        WORLD_TEST(test_a_life_that_is_long),
        cmocka_unit_test(test_two_values_in_one_slot_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
