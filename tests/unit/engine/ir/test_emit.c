/* Nodes with homes to machine code: tests/ir has more, as text. */
#include "tests/unit/engine/ir/body.h"

static void test_operands_in_their_registers(void **state)
{
    body_is(BODY(state, TWO_I32_TO_I32, NO_LOCALS GET("\0") GET("\1") "\x6b" END), DUMP_CODE,
            "     0  sub edi, esi  ; +5 i32.sub\n"
            "     2  mov eax, edi  ; +6 end\n"
            "     4  ret\n");
}

static void test_a_comparison_sets_the_flags_of_its_branch(void **state)
{
    /* if (l0 < 5) return 1; 2 */
    body_is(BODY(state, I32_TO_I32,
                 NO_LOCALS GET("\0") CONST("\5") "\x48"
                                                 "\4\x40" CONST("\1") "\x0f" END CONST("\2") END),
            DUMP_CODE,
            "     0  cmp edi, 5  ; +6 if\n"
            "     3  jge f\n"
            "     9  mov eax, 1  ; +10 return\n"
            "     e  ret\n"
            "     f  mov eax, 2  ; +14 end\n"
            "    14  ret\n");
}

static void test_a_load_is_its_users_operand(void **state)
{
    body_is(BODY(state, TWO_I32_TO_I32,
                 NO_LOCALS GET("\1") GET("\0") "\x28\2\x08"
                                               "\x6a" END),
            DUMP_CODE,
            "     0  add esi, dword [rdi + 8]  ; +5 i32.load\n"
            "     3  mov eax, esi  ; +9 end\n"
            "     5  ret\n");
}

static void test_a_trap_stands_behind_the_end(void **state)
{
    body_is(BODY(state, TWO_I32_TO_I32, NO_LOCALS GET("\0") GET("\1") "\x6e" END), DUMP_CODE,
            "     0  mov eax, edi  ; +5 i32.div_u\n"
            "     2  test esi, esi\n"
            "     4  je 13\n"
            "     a  xor edx, edx\n"
            "     c  div esi\n"
            "     e  mov edx, eax\n"
            "    10  mov eax, edx  ; +6 end\n"
            "    12  ret\n"
            "    13  call trap: integer divide by zero  ; +5 i32.div_u\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_operands_in_their_registers),
        WORLD_TEST(test_a_comparison_sets_the_flags_of_its_branch),
        WORLD_TEST(test_a_load_is_its_users_operand),
        WORLD_TEST(test_a_trap_stands_behind_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
