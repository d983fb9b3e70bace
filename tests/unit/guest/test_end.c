/* Each way in which the engine may give up becomes the right end, with the right words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest/guest.h"
#include "wasi-shim/hypercall.h"

struct guest guest;

static struct control control;
static struct error error;
static struct engine_stats stats;
static jmp_buf ended;
static struct { enum end_reason reason; char text[1024]; uint64_t code; } end;

uint64_t hypercall(struct slot *slot, enum call number, const uint64_t *args, unsigned nargs)
{
    (void)slot, (void)number, (void)args, (void)nargs;
    fail_msg("a call without names");
    return 0;
}

uint64_t hypercall_send(struct slot *slot, enum call number)
{
    assert_ptr_equal(slot, &control.slot);
    assert_int_equal(number, CALL_end);
    const struct end_args *args = end_decode(slot->args);
    end.reason = args->reason;
    assert_in_range(args->text_len, 0, sizeof end.text - 1);
    memcpy(end.text, (const char *)args->text, args->text_len);
    end.text[args->text_len] = 0;
    end.code = args->code;
    longjmp(ended, 1);
}

struct error *engine_error(struct engine *engine)
{
    (void)engine;
    return &error;
}

const struct engine_stats *engine_stats(struct engine *engine)
{
    (void)engine;
    return &stats;
}

uint8_t *instance_memory(struct instance *instance, uint32_t memory, uint64_t *bytes)
{
    (void)instance, (void)memory;
    *bytes = 0;
    return NULL;
}

bool func_begins_used(struct instance *instance, const char *prefix)
{
    (void)instance, (void)prefix;
    return false;
}

struct engine *instance_engine(struct instance *instance)
{
    return (struct engine *)instance;
}

const char *trap_text(enum trap trap)
{
    return trap == TRAP_STACK ? "call stack exhausted" : "some trap";
}

void backtrace_trap(struct text *text, struct engine *engine, enum trap trap)
{
    (void)engine, (void)trap;
    text_add(text, "\n    frame");
}

static void expect_error(enum error_kind kind, enum end_reason reason)
{
    error = (struct error){.kind = kind, .text = "a sentence"};
    if (!setjmp(ended))
        end_error(&error);
    assert_int_equal(end.reason, reason);
    assert_string_equal(end.text, "a sentence");
}

static void expect_trap(enum trap trap, enum error_kind kind, enum end_reason reason,
                        const char *text)
{
    error = (struct error){.kind = kind};
    if (kind)
        strcpy(error.text, "a sentence");
    if (!setjmp(ended))
        end_trap(trap, "");
    assert_int_equal(end.reason, reason);
    assert_string_equal(end.text, text);
}

static void errors_by_kind(void **state)
{
    (void)state;
    expect_error(ERROR_MALFORMED, END_INVALID);
    expect_error(ERROR_INVALID, END_INVALID);
    expect_error(ERROR_UNSUPPORTED, END_UNSUPPORTED);
    expect_error(ERROR_LIMIT, END_UNSUPPORTED);
    expect_error(ERROR_LINK, END_UNSUPPORTED);
    expect_error(ERROR_MEMORY, END_LIMIT);
    expect_error(ERROR_NOMEM, END_NOMEM);
}

static void traps_by_kind(void **state)
{
    (void)state;
    expect_trap(TRAP_DIV_ZERO, ERROR_NONE, END_TRAP, "some trap\n    frame");
    expect_trap(TRAP_HOST, ERROR_UNSUPPORTED, END_TRAP, "a sentence\n    frame");
    expect_trap(TRAP_BAD_BODY, ERROR_INVALID, END_INVALID, "a sentence");
    expect_trap(TRAP_BAD_BODY, ERROR_UNSUPPORTED, END_UNSUPPORTED, "a sentence");
    expect_trap(TRAP_NOMEM, ERROR_NOMEM, END_NOMEM, "a sentence");
    expect_trap(TRAP_NOMEM, ERROR_NONE, END_NOMEM, "some trap");
}

static void exhausted_stack_names_its_size(void **state)
{
    (void)state;
    control.boot.stack_bytes = 256ull << 20;
    expect_trap(TRAP_STACK, ERROR_NONE, END_TRAP,
                "call stack exhausted (256 MiB; --stack SIZE)\n    frame");
    if (!setjmp(ended))
        end_trap(TRAP_MEMORY, " while this and that");
    assert_string_equal(end.text, "some trap while this and that\n    frame");
}

static void exit_keeps_its_code(void **state)
{
    (void)state;
    guest.shim.exit_code = 300;
    expect_trap(TRAP_EXIT, ERROR_NONE, END_EXIT, "");
    assert_int_equal(end.code, 300);
}

static void counters_are_published(void **state)
{
    (void)state;
    stats.funcs_compiled = 99;
    expect_error(ERROR_NOMEM, END_NOMEM);
    assert_int_equal(control.stats.funcs_compiled, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_by_kind),
        cmocka_unit_test(traps_by_kind),
        cmocka_unit_test(exhausted_stack_names_its_size),
        cmocka_unit_test(exit_keeps_its_code),
        cmocka_unit_test(counters_are_published),
    };
    guest = (struct guest){.control = &control, .engine = (struct engine *)&stats};
    shim_init(&guest.shim, &control);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
