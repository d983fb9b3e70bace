/* What a host function may do while it runs (host.c): memory to its end, exports by values, waits.
 */
#include "tests/unit/vmm/run/guest.h"

static void memory_to_its_end(void **state)
{
    (void)state;
    struct wasmvm_host host;
    struct wasmvm_call call = { { &host_here }, .vcpu = &v, .mem = &mem };
    static const struct { uint32_t at, n; bool good;
    } rows[] = {
        { 0, 0, true },
        { 0, LINEAR_BYTES, true },
        { LINEAR_BYTES, 0, true },
        { LINEAR_BYTES - 1, 1, true },
        { 0, LINEAR_BYTES + 1, false },
        { LINEAR_BYTES - 1, 2, false },
        { LINEAR_BYTES, 1, false },
        { LINEAR_BYTES + 1, 0, false },
        { UINT32_MAX, 1, false },
        { UINT32_MAX, UINT32_MAX, false },
    };
    static uint8_t bytes[LINEAR_BYTES + 1];
    host_services(&host);
    assert_int_equal(host.size, sizeof host);
    assert_int_equal(host.mem_size(&call), LINEAR_BYTES);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(host.read(&call, rows[i].at, bytes, rows[i].n), rows[i].good ? 0 : -1);
        assert_int_equal(host.write(&call, rows[i].at, bytes, rows[i].n), rows[i].good ? 0 : -1);
        assert_ptr_equal(host.view(&call, rows[i].at, rows[i].n),
                         rows[i].good ? linear + rows[i].at : NULL);
    }
    bytes[0] = 'x';
    assert_int_equal(host.write(&call, 5, bytes, 1), 0);
    assert_int_equal(linear[5], 'x');
    mem.regions[REGION_LINEAR].writable = false;
    assert_int_equal(host.read(&call, 5, bytes, 1), 0);
    assert_int_equal(host.write(&call, 5, bytes, 1), -1);
    assert_ptr_equal(host.view(&call, 5, 1), linear + 5);
}

static uint64_t answer;
static uint64_t arg_seen[4];

static void guest_finds_and_returns(struct request *r)
{
    if (control->slot.number == ANSWER_FIND) {
        guest_finds(r);
        return;
    }
    memcpy(arg_seen, control->slot.args, sizeof arg_seen);
    r->number = CALL_returned;
    r->args[0] = answer;
}

static void exports_by_values(void **state)
{
    (void)state;
    static const struct { const char *sig; uint32_t n; int want; uint64_t gives;
    } rows[] = {
        { "iI:", 2, WASMVM_OK, 55 },
        { "iI:i", 2, WASMVM_OK, 0x9abcdef0 },
        { "iI:I", 2, WASMVM_OK, 0x123456789abcdef0 },
        { "iI:f", 2, WASMVM_OK, 0x9abcdef0 },
        { "fF:F", 2, WASMVM_OK, 0x123456789abcdef0 },
        { "iI:", 1, WASMVM_BAD_TYPE, 55 },
        { "iI:", 3, WASMVM_BAD_TYPE, 55 },
        { ":", 0, WASMVM_OK, 55 },
        { "i:ii", 1, WASMVM_BAD_TYPE, 55 },
        { "v:", 1, WASMVM_BAD_TYPE, 55 },
        { "i:r", 1, WASMVM_BAD_TYPE, 55 },
    };
    const wasmvm_val args[3] = { { .u64 = 0xffffffff00000001 },
                                 { .u64 = 0xffffffff00000002 },
                                 { .u64 = 3 } };
    guest = guest_finds_and_returns;
    answer = 0x123456789abcdef0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wasmvm_call call = { { &host_here }, .vcpu = &v, .mem = &mem, .who = ON_VCPU };
        wasmvm_val result = { .u64 = 55 };
        char name[8];
        snprintf(name, sizeof name, "e%zu", i);
        memset(sig_told, 0, sizeof sig_told);
        strcpy(sig_told, rows[i].sig);
        found.what = FOUND;
        assert_int_equal(call_value(&call, name, args, rows[i].n, &result), rows[i].want);
        assert_int_equal(result.u64, rows[i].gives);
        assert_false(call.ended);
        if (rows[i].n == 2 && rows[i].want == WASMVM_OK)
            assert_true(arg_seen[0] == 1 && arg_seen[1] == 0xffffffff00000002);
    }
    struct wasmvm_call call = { { &host_here }, .vcpu = &v, .mem = &mem, .who = ON_VCPU };
    assert_int_equal(call_value(&call, "e1", args, 2, NULL), WASMVM_OK);
    found.what = FOUND_NOT;
    assert_int_equal(call_value(&call, "none", args, 2, NULL), WASMVM_NO_EXPORT);
}

static void exports_with_the_most_values(void **state)
{
    (void)state;
    struct wasmvm_call call = { { &host_here }, .vcpu = &v, .mem = &mem, .who = ON_VCPU };
    wasmvm_val *args = calloc(CALL_VALUES, sizeof *args); /* the sanitizer sees one too many */
    guest = guest_finds_and_returns;
    found.what = FOUND;
    memset(sig_told, 0, sizeof sig_told);
    memset(sig_told, 'I', CALL_VALUES);
    sig_told[CALL_VALUES] = ':';
    args[CALL_VALUES - 1].u64 = 99;
    assert_int_equal(call_value(&call, "most", args, CALL_VALUES, NULL), WASMVM_OK);
    assert_int_equal(control->values[CALL_VALUES - 1], 99);
    free(args);
}

/* After the end nothing is asked for any more. */
static void a_call_that_has_ended(void **state)
{
    (void)state;
    for (enum server who = ON_VCPU; who <= ON_SERVER; who++) {
        struct wasmvm_call call = { { &host_here }, .vcpu = &v, .mem = &mem, .who = who };
        guest = guest_ends;
        ended.kind = ENDED_NOT;
        assert_int_equal(call_value(&call, "x", NULL, 0, NULL), WASMVM_ENDED);
        assert_true(call.ended);
        unsigned before = wishes;
        assert_int_equal(call_value(&call, "x", NULL, 0, NULL), WASMVM_ENDED);
        assert_int_equal(wishes, before);
    }
}

static void waits_until_it_is_ready_or_stopped(void **state)
{
    (void)state;
    struct wasmvm_host host;
    struct wasmvm_call call = { { &host_here }, .vcpu = &v, .mem = &mem };
    host_services(&host);
    ready_after = 3; /* a kick that was for somebody else */
    assert_int_equal(host.wait(&call, 9, POLLIN), WASMVM_OK);
    assert_int_equal(polls, 4);
    assert_int_equal(host.wait(&call, -1, 0), WASMVM_OK);
    stopped = true;
    assert_int_equal(host.wait(&call, -1, 0), WASMVM_ENDED);
    assert_int_equal(host.wait(&call, 9, POLLIN), WASMVM_OK); /* it is ready all the same */
    polls = 0;
    assert_int_equal(host.wait(&call, 9, POLLIN), WASMVM_ENDED);
    assert_int_equal(polls, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(memory_to_its_end), TEST(exports_by_values), TEST(exports_with_the_most_values),
        TEST(a_call_that_has_ended), TEST(waits_until_it_is_ready_or_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
