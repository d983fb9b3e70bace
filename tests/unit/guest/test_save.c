/* Which functions an image has compiled: those of the list, as far as there are such, but for those
 * of the package that shows whether the network is the program's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest/guest.h"
#include "wasi-shim/hypercall.h"

struct guest guest;

static struct control *control;
static struct engine_stats stats;
static uint32_t funcs, fakes_n, fakes[3], compiled_n, compiled[8];

const struct engine_stats *engine_stats(struct engine *engine) { return (void)engine, &stats; }

const struct functype *instance_functype(struct instance *instance, uint32_t func)
{
    static const struct functype type;
    (void)instance;
    return func < funcs ? &type : NULL;
}

bool func_compile(struct instance *instance, uint32_t func)
{
    (void)instance;
    assert_in_range(compiled_n, 0, 7);
    compiled[compiled_n++] = func;
    return true;
}

uint32_t func_begins(struct instance *instance, const char *prefix, uint32_t from)
{
    (void)instance;
    assert_string_equal(prefix, "net.fake");
    for (uint32_t i = 0; i < fakes_n; i++)
        if (fakes[i] >= from)
            return fakes[i];
    return UINT32_MAX;
}

void memory_module_forget(void) {}
void engine_settle(struct engine *engine, uint64_t *heap, uint64_t *code)
{
    (void)engine;
    *heap = *code = 0;
}
void shim_publish(struct shim *shim, struct engine *engine) { (void)shim, (void)engine; }
_Noreturn void end_run(enum end_reason reason, const char *text, uint32_t code)
{
    (void)reason, (void)text, (void)code;
    fail_msg("it ends");
    abort();
}
uint64_t hypercall(struct slot *slot, enum call number, const uint64_t *args, unsigned nargs)
{
    (void)slot, (void)args, (void)nargs;
    assert_int_equal(number, CALL_save);
    return 0;
}
uint64_t hypercall_send(struct slot *slot, enum call number)
{
    return hypercall(slot, number, NULL, 0);
}

static int setup(void **state)
{
    (void)state;
    control = aligned_alloc(64, (sizeof *control + 63) / 64 * 64);
    memset(control, 0, sizeof *control);
    guest.control = control;
    funcs = 100;
    fakes_n = compiled_n = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(control);
    return 0;
}

static void list(uint32_t func) { control->compiled[func / 8] |= (uint8_t)(1u << func % 8); }

static void expect_compiled(uint32_t n, const uint32_t *wanted)
{
    save_start();
    assert_int_equal(compiled_n, n);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(compiled[i], wanted[i]);
    for (uint32_t i = 0; i < FUNC_BITS / 8; i++)
        assert_int_equal(control->compiled[i], 0);
}

static void test_the_listed_ones(void **state)
{
    (void)state;
    list(0), list(13), list(99);
    expect_compiled(3, (const uint32_t[]){0, 13, 99});
}

static void test_an_index_that_is_none_is_passed_over(void **state)
{
    (void)state;
    list(99), list(100), list(FUNC_BITS - 1);
    expect_compiled(1, (const uint32_t[]){99});
}

/* The list ends where its bits do. */
static void test_a_module_of_more_functions_than_bits(void **state)
{
    (void)state;
    funcs = UINT32_MAX;
    list(FUNC_BITS - 1);
    expect_compiled(1, (const uint32_t[]){FUNC_BITS - 1});
}

static void test_none_of_the_false_network(void **state)
{
    (void)state;
    for (uint32_t i = 8; i < 16; i++)
        list(i);
    fakes_n = 3;
    fakes[0] = 9, fakes[1] = 13, fakes[2] = 15;
    expect_compiled(5, (const uint32_t[]){8, 10, 11, 12, 14});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_listed_ones),
        TEST(test_an_index_that_is_none_is_passed_over),
        TEST(test_a_module_of_more_functions_than_bits),
        TEST(test_none_of_the_false_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
