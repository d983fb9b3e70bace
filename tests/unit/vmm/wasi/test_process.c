/* Arguments, environment, clocks, random, exit; argument widths; the errno table. */
#include "tests/unit/vmm/wasi/fixture.h"

static uint32_t u32_at(uint32_t at)
{
    uint32_t v;
    memcpy(&v, guest + at, 4);
    return v;
}

static void test_args(void **state)
{
    (void)state;
    OK(args_sizes_get, OUT, OUT + 4);
    assert_int_equal(u32_at(OUT), 3);
    assert_int_equal(u32_at(OUT + 4), 9 + 4 + 1);
    OK(args_get, OUT, BUF);
    assert_string_equal((char *)guest + u32_at(OUT), "app.wasm");
    assert_string_equal((char *)guest + u32_at(OUT + 4), "one");
    assert_string_equal((char *)guest + u32_at(OUT + 8), "");
    assert_int_equal(u32_at(OUT), BUF);
    assert_int_equal(u32_at(OUT + 12), 0xeeeeeeee);      /* no NULL behind the last pointer */
    assert_int_equal(guest[BUF + 14], 0xee);
}

static void test_environ(void **state)
{
    (void)state;
    OK(environ_sizes_get, OUT, OUT + 4);
    assert_int_equal(u32_at(OUT), 2);
    assert_int_equal(u32_at(OUT + 4), 4 + 11);
    OK(environ_get, OUT, BUF);
    assert_string_equal((char *)guest + u32_at(OUT), "A=1");
    assert_string_equal((char *)guest + u32_at(OUT + 4), "LONG=a b\nc");
}

static void test_pointers_outside(void **state)
{
    (void)state;
    ERR(FAULT, args_sizes_get, MEMORY_BYTES - 3, OUT);
    ERR(FAULT, args_sizes_get, OUT, 0xffffffff);
    ERR(FAULT, args_get, MEMORY_BYTES - 11, BUF); /* three pointers, and 14 bytes */
    ERR(FAULT, args_get, OUT, MEMORY_BYTES - 13);
    assert_int_equal(u32_at(OUT), 0xeeeeeeee); /* nothing was written by the call that failed */
    ERR(FAULT, random_get, MEMORY_BYTES - 8, 9);
    ERR(FAULT, random_get, 8, 0xffffffff);
    ERR(FAULT, clock_time_get, 0, 0, MEMORY_BYTES);
    OK(args_sizes_get, OUT + 1, OUT + 7); /* alignment does not matter */
    OK(clock_time_get, 0, 0, MEMORY_BYTES - 8);
    OK(args_get, MEMORY_BYTES - 12, MEMORY_BYTES - 12 - 14); /* up to memory's end */
    assert_int_equal(u32_at(MEMORY_BYTES - 4), MEMORY_BYTES - 12 - 1);
    OK(environ_get, OUT, MEMORY_BYTES - 15);
    assert_string_equal((char *)guest + MEMORY_BYTES - 11, "LONG=a b\nc");
}

static void test_arguments_are_cut_to_their_types(void **state)
{
    (void)state;
    OK(args_sizes_get, 0xdead00000000ull | OUT, OUT + 4);
    assert_int_equal(u32_at(OUT), 3);
}

static void test_clocks(void **state)
{
    (void)state;
    for (uint64_t id = 0; id <= 3; id++) {
        OK(clock_res_get, id, OUT);
        assert_true(out64() > 0);
        OK(clock_time_get, id, 0, OUT);
    }
    ERR(INVAL, clock_res_get, 4, OUT);
    ERR(INVAL, clock_time_get, 4, 0, OUT);
    uint64_t before = clock_ns(CLOCK_REALTIME);
    OK(clock_time_get, CLOCKID_REALTIME, 1000, OUT);
    assert_true(out64() >= before && out64() <= clock_ns(CLOCK_REALTIME));
    before = clock_now_ns();
    OK(clock_time_get, CLOCKID_MONOTONIC, 0, OUT);
    assert_true(out64() >= before && out64() <= clock_now_ns());
}

static void test_random(void **state)
{
    (void)state;
    OK(random_get, MEMORY_BYTES + 5, 0);
    memset(guest, 0, MEMORY_BYTES);
    OK(random_get, 16, MEMORY_BYTES - 32);
    for (uint32_t at = 16; at < MEMORY_BYTES - 16; at += 16)
        assert_true(memcmp(guest + at, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) != 0);
    for (int i = 0; i < 16; i++)
        assert_true(guest[i] == 0 && guest[MEMORY_BYTES - 16 + i] == 0);
    kicked = 1;
    ERR(INTR, random_get, 16, 64);
}

static void test_exit(void **state)
{
    (void)state;
    OK(sched_yield, 0);
    assert_int_equal(ended.kind, ENDED_NOT);
    CALL(proc_exit, 33);
    assert_int_equal(ended.kind, ENDED_EXIT);
    assert_int_equal(ended.code, 33);
    CALL(proc_exit, 0xffffffff);
    assert_int_equal(ended.code, 255);
    CALL(proc_exit, 256);
    assert_int_equal(ended.code, 0);
    ERR(NOTSUP, proc_raise, 15);
    ERR(INVAL, proc_raise, 31);
}

static void test_errno(void **state)
{
    (void)state;
    static const struct { int host; uint32_t wasi;
    } rows[] = {
        { E2BIG, 1 },    { EACCES, 2 },        { EAGAIN, 6 },     { EWOULDBLOCK, 6 },
        { EBADF, 8 },    { EEXIST, 20 },       { EFAULT, 21 },    { EINTR, 27 },
        { EINVAL, 28 },  { EIO, 29 },          { EISDIR, 31 },    { ELOOP, 32 },
        { EMFILE, 33 },  { ENAMETOOLONG, 37 }, { ENOENT, 44 },    { ENOSPC, 51 },
        { ENOSYS, 52 },  { ENOTDIR, 54 },      { ENOTEMPTY, 55 }, { ENOTSOCK, 57 },
        { ENOTSUP, 58 }, { EOPNOTSUPP, 58 },   { ENXIO, 60 },     { EPERM, 63 },
        { EPIPE, 64 },   { EROFS, 69 },        { ESPIPE, 70 },    { ETIMEDOUT, 73 },
        { ETXTBSY, 74 }, { EXDEV, 75 },        { ECANCELED, 11 }, { 0, 29 },
        { -1, 29 },      { EUCLEAN, 29 },      { 100000, 29 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(wasi_errno(rows[i].host), rows[i].wasi);
    bool seen[77] = { false };
    uint32_t last = 0;
#define X(name, number, host)                                                                      \
    assert_int_equal(WASI_##name, last + 1), last = WASI_##name, seen[wasi_errno(host)] = true;
    WASI_ERRNOS(X)
#undef X
    assert_int_equal(last, 75);
    for (uint32_t i = 1; i <= 75; i++)
        assert_true(seen[i]);
}

/* Every handler, with every argument garbage: none may touch memory outside or stop the monitor. */
static void test_garbage(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252ull;
    static const uint64_t values[] = { 0,
                                       1,
                                       2,
                                       3,
                                       4,
                                       5,
                                       8,
                                       24,
                                       48,
                                       0x1000,
                                       0x8000,
                                       MEMORY_BYTES - 1,
                                       MEMORY_BYTES,
                                       0x7fffffff,
                                       0x80000000,
                                       0xfffffffe,
                                       0xffffffff,
                                       INT64_MAX,
                                       UINT64_MAX };
    signal(SIGALRM, SIG_IGN);
    kicked = 1; /* so that nothing waits */
    for (int i = 0; i < 60000; i++) {
        uint64_t args[SLOT_ARGS];
        for (int k = 0; k < SLOT_ARGS; k++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            args[k] = seed % 8 == 0 ? seed : values[(seed >> 8) % (sizeof values / sizeof *values)];
        }
        uint32_t number = (uint32_t)((seed >> 40) % (CALL_WASI_LAST + 1));
        /* Stdio is the test's own: keep the guest off it. */
        if ((uint32_t)args[0] <= 2 || number == CALL_fd_renumber)
            args[0] += 3, args[1] += 3;
        uint32_t err = call_with(number, args, SLOT_ARGS);
        assert_true(err <=
                    (number == CALL_sock_getaddrinfo ? 87 /* EAI_SYSTEM */ : WASI_NOTCAPABLE));
        if (i % 64 == 0)
            OPEN(ROOT, "file", 0, GO_RDWR, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_args),
        TEST(test_environ),
        TEST(test_pointers_outside),
        TEST(test_arguments_are_cut_to_their_types),
        TEST(test_clocks),
        TEST(test_random),
        TEST(test_exit),
        TEST(test_errno),
        TEST(test_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
