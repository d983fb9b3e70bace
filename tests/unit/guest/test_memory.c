/* What the engine asks of its surroundings inside the guest: which hypercall, and what is refused
 * without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/limits.h"
#include "guest/guest.h"
#include "wasi-shim/hypercall.h"

static struct control control;
static struct engine_env env;
static struct { unsigned count; enum call number; uint64_t args[SLOT_ARGS], result; } made;

uint64_t hypercall(struct slot *slot, enum call number, const uint64_t *args, unsigned nargs)
{
    (void)slot, (void)number, (void)args, (void)nargs;
    fail_msg("a call without names");
    return 0;
}

uint64_t hypercall_send(struct slot *slot, enum call number)
{
    assert_ptr_equal(slot, &control.slot);
    made.count++;
    made.number = number;
    memcpy(made.args, slot->args, sizeof made.args);
    return made.result;
}

uint64_t shim_clock_ns(const struct control *c)
{
    assert_ptr_equal(c, &control);
    return 1234;
}

/* Made since the last time: this call, or none where there are no arguments. */
static void expect_call(enum call number, unsigned n, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t args[3] = { a, b, c };
    assert_int_equal(made.count, n > 0);
    if (n) {
        assert_int_equal(made.number, number);
        assert_memory_equal(made.args, args, n * sizeof *args);
    }
    made.count = 0;
}

static void what_the_boot_record_says(void **state)
{
    (void)state;
    assert_true(env.heap == (uint8_t *)MAP_HEAP && env.heap_cap == MAP_HEAP_MAX &&
                env.heap_usable == 111);
    assert_true(env.code_w == (uint8_t *)MAP_CODE_W && env.code_x == (uint8_t *)MAP_CODE_X &&
                env.code_cap == MAP_CODE_MAX && env.code_usable == 222);
    assert_true(env.memory_limit == 333 && env.cpu == 444);
    assert_ptr_equal(env.stack_hi, MAP_STACK + MAP_STACK_MAX);
    assert_ptr_equal(env.stack_lo, MAP_STACK + MAP_STACK_MAX - 555);
    assert_int_equal(env.clock_ns(env.self), 1234);
}

static void heap_and_code_to_their_ends(void **state)
{
    (void)state;
    const struct { bool (*grow)(void *, uint64_t); uint64_t most; enum call number;
    } rows[] = {
        { env.heap_grow, MAP_HEAP_MAX, CALL_heap_grow },
        { env.code_grow, MAP_CODE_MAX, CALL_code_grow },
    };
    for (int i = 0; i < 2; i++) {
        made.result = 0;
        assert_true(rows[i].grow(env.self, 1));
        expect_call(rows[i].number, 1, 1, 0, 0);
        assert_true(rows[i].grow(env.self, rows[i].most));
        expect_call(rows[i].number, 1, rows[i].most, 0, 0);
        assert_false(rows[i].grow(env.self, rows[i].most + 1));
        expect_call(0, 0, 0, 0, 0);
        made.result = 1; /* the host refuses */
        assert_false(rows[i].grow(env.self, 1));
        expect_call(rows[i].number, 1, 1, 0, 0);
    }
}

/* The first memory at 0, each further one in its slot, to the last of them; as many as the engine
 * takes. */
static void memories_to_the_last_slot(void **state)
{
    (void)state;
    uint8_t *base = (uint8_t *)1;
    uint32_t n = 0;
    assert_false(env.memory_open(env.self, MAP_LINEAR_MAX + 1, &base));
    assert_ptr_equal(base, 1);
    for (; env.memory_open(env.self, MAP_LINEAR_MAX, &base); n++) {
        made.result = 0;
        assert_ptr_equal(base, n ? MAP_MORE + (n - 1) * MAP_MORE_SLOT : 0);
        assert_true(env.memory_grow(env.self, base, 7, 9));
        if (n)
            expect_call(CALL_memory_more, 3, n - 1, 7, 9);
        else
            expect_call(CALL_memory_grow, 2, 7, 9, 0);
        made.result = 1;
        assert_false(env.memory_grow(env.self, base, 7, 9));
        made.count = 0;
    }
    assert_int_equal(n, MAP_MORE_SLOTS + 1);
    assert_int_equal(n, LIMIT_MEMORIES);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_boot_record_says), cmocka_unit_test(heap_and_code_to_their_ends),
        cmocka_unit_test(memories_to_the_last_slot),
    };
    control.boot = (struct boot_record){ .heap_bytes = 111,
                                         .code_bytes = 222,
                                         .memory_limit = 333,
                                         .cpu_features = 444,
                                         .stack_bytes = 555 };
    memory_env(&control, &env);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
