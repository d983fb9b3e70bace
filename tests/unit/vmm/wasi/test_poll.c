/* poll_oneoff: clocks, descriptors, errors a subscription, hostile lists. */
#include "tests/unit/vmm/wasi/fixture.h"

#include <pthread.h>

enum { SUBS = 0x20000, EVENTS = 0x30000, CLOCK = 0, READ = 1, WRITE = 2, ABSTIME = 1 };

static struct wasi_subscription subs[16];
static uint32_t nsubs;

static void sub_clock(uint32_t id, uint64_t timeout, uint16_t flags)
{
    subs[nsubs] = (struct wasi_subscription){ .userdata = 1000 + nsubs,
                                              .tag = CLOCK,
                                              .id = id,
                                              .timeout = timeout,
                                              .precision = 1000,
                                              .flags = flags };
    nsubs++;
}

static void sub_fd(uint8_t tag, uint32_t fd)
{
    subs[nsubs] = (struct wasi_subscription){ .userdata = 1000 + nsubs, .tag = tag, .id = fd };
    nsubs++;
}

/* Polls what was collected; the number of events. */
static uint32_t events(void)
{
    memcpy(guest + SUBS, subs, nsubs * sizeof *subs);
    memset(guest + EVENTS, 0xee, nsubs * sizeof(struct wasi_event));
    uint32_t n = nsubs;
    nsubs = 0;
    OK(poll_oneoff, SUBS, EVENTS, n, OUT);
    assert_in_range(out32(), 1, n);
    return out32();
}

static struct wasi_event event(uint32_t i)
{
    struct wasi_event e;
    memcpy(&e, guest + EVENTS + i * sizeof e, sizeof e);
    for (size_t k = 0; k < sizeof e.pad0; k++)
        assert_int_equal(e.pad0[k], 0);
    assert_int_equal(e.pad1[0] | e.pad1[1] | e.pad1[2], 0);
    return e;
}

/* Event i belongs to subscription `sub`, whose type and error are those. */
static struct wasi_event expect(uint32_t i, uint32_t sub, uint8_t type, uint16_t error)
{
    struct wasi_event e = event(i);
    assert_int_equal(e.userdata, 1000 + sub);
    assert_int_equal(e.type, type);
    assert_int_equal(e.error, error);
    return e;
}

static int fifo_writer;

static uint32_t fifo_reader(const char *name)
{
    mkfifo(host_path(name), 0600);
    uint32_t fd = opened(ROOT, name, 0, GO_RDONLY, FDFLAG_NONBLOCK);
    fifo_writer = open(host_path(name), O_WRONLY | O_CLOEXEC);
    assert_true(fifo_writer >= 0);
    return fd;
}

static void test_arguments(void **state)
{
    (void)state;
    ERR(INVAL, poll_oneoff, SUBS, EVENTS, 0, OUT);
    ERR(INVAL, poll_oneoff, SUBS, EVENTS, 0xffffffff, OUT);
    ERR(FAULT, poll_oneoff, MEMORY_BYTES - 47, EVENTS, 1, OUT);
    ERR(FAULT, poll_oneoff, SUBS, MEMORY_BYTES - 31, 1, OUT);
    ERR(FAULT, poll_oneoff, SUBS, EVENTS, 1, MEMORY_BYTES - 3);
    ERR(FAULT, poll_oneoff, SUBS, EVENTS, 100000, OUT);
}

static void test_sleep_is_never_early(void **state)
{
    (void)state;
    static const uint64_t times[] = { 1,       999,      100000,   1000000,
                                      5000000, 19999999, 50000000, 150000000 };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        for (uint32_t id = 0; id <= 1; id++) {
            uint64_t start = clock_now_ns();
            sub_clock(id, times[i], 0);
            assert_int_equal(events(), 1);
            assert_true(clock_now_ns() - start >= times[i]);
            expect(0, 0, CLOCK, 0);
        }
    for (uint32_t id = 0; id <= 1; id++) {
        clockid_t host = id == CLOCKID_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
        uint64_t until = clock_ns(host) + 20000000;
        sub_clock(id, until, ABSTIME);
        assert_int_equal(events(), 1);
        assert_true(clock_ns(host) >= until);
        sub_clock(id, until, ABSTIME); /* passed already */
        assert_int_equal(events(), 1);
    }
}

/* A long ppoll is a thousandth late on Linux: the wait is made of a part and a rest. */
static void test_long_sleep_in_steps(void **state)
{
    (void)state;
    int64_t most = 0;
    for (int i = 0; i < 20 && most < 50000000; i++) { /* a busy machine takes some of it before */
        waits = 0, first_wait_ns = 0;
        sub_clock(CLOCKID_MONOTONIC, 100000000, 0);
        events();
        most = first_wait_ns > most ? first_wait_ns : most;
    }
    assert_in_range(most, 50000000, 100000000 - 100000);
    waits = 0, first_wait_ns = 0;
    sub_clock(CLOCKID_MONOTONIC, 2000000, 0);
    events();
    assert_in_range(first_wait_ns, 0, 2000000 + 244);
}

static void test_clocks(void **state)
{
    (void)state;
    sub_clock(CLOCKID_MONOTONIC, 10000000000, 0);
    sub_clock(CLOCKID_MONOTONIC, 10000000, 0);
    sub_clock(CLOCKID_REALTIME, UINT64_MAX, 0);
    sub_clock(CLOCKID_REALTIME, INT64_MAX, 0);
    sub_clock(CLOCKID_MONOTONIC, INT64_MAX, ABSTIME);
    assert_int_equal(events(), 1); /* the earliest wins */
    expect(0, 1, CLOCK, 0);
    sub_clock(CLOCKID_PROCESS_CPU, 1, 0);
    sub_clock(7, 1, 0);
    sub_clock(CLOCKID_MONOTONIC, 1, 2);
    assert_int_equal(events(), 3);
    for (uint32_t i = 0; i < 3; i++)
        expect(i, i, CLOCK, WASI_INVAL);
    waits = 0;
    sub_clock(CLOCKID_MONOTONIC, 0, 0);
    assert_int_equal(events(), 1);
    assert_int_equal(waits, 0); /* a due clock alone waits for nothing */
}

/* Timeouts are unsigned: past 2^63 is centuries away on either clock, and never now. */
static void test_times_past_63_bits_are_never(void **state)
{
    (void)state;
    static const uint64_t never[] = { UINT64_MAX, UINT64_MAX - 4, 1ull << 63, INT64_MAX };
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        for (uint32_t id = 0; id <= 1; id++)
            for (uint16_t flags = 0; flags <= ABSTIME; flags++)
                sub_clock(id, never[i], flags);
        sub_clock(CLOCKID_MONOTONIC, 2000000, 0);
        assert_int_equal(events(), 1);
        expect(0, 4, CLOCK, 0);
    }
}

static void test_descriptors_are_polled_with_a_due_clock(void **state)
{
    (void)state;
    uint32_t fd = fifo_reader("fifo");
    for (int written = 0; written < 2; written++) {
        sub_clock(CLOCKID_MONOTONIC, 0, 0);
        sub_fd(READ, fd);
        uint32_t n = events();
        assert_int_equal(n, 1 + written);
        expect(0, 0, CLOCK, 0);
        if (written)
            expect(1, 1, READ, 0);
        else
            assert_int_equal(write(fifo_writer, "x", 1), 1);
    }
    close(fifo_writer);
}

static void test_hangup(void **state)
{
    (void)state;
    uint32_t fd = fifo_reader("fifo");
    close(fifo_writer);
    sub_fd(READ, fd);
    assert_int_equal(events(), 1);
    assert_int_equal(expect(0, 0, READ, 0).flags, 1);
    OK(fd_read, fd, iov(BUF, 5), 1, OUT);
    assert_int_equal(out32(), 0);
}

static void test_regular_files_are_ready(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, 0);
    sub_fd(READ, fd);
    sub_fd(WRITE, fd);
    sub_clock(CLOCKID_MONOTONIC, 10000000000, 0);
    assert_int_equal(events(), 2);
    assert_int_equal(expect(0, 0, READ, 0).flags, 0);
    expect(1, 1, WRITE, 0);
    assert_int_equal(waits, 0);
}

static void test_errors_are_events(void **state)
{
    (void)state;
    sub_fd(READ, 99);
    sub_fd(WRITE, 0xffffffff);
    sub_fd(READ, ROOT);
    sub_fd(7, 0);
    sub_fd(WRITE, opened(ROOT, "file", 0, GO_RDONLY, 0));
    sub_clock(CLOCKID_MONOTONIC, 10000000000, 0);
    assert_int_equal(events(), 5);
    expect(0, 0, READ, WASI_BADF);
    expect(1, 1, WRITE, WASI_BADF);
    expect(2, 2, READ, WASI_BADF);
    expect(3, 3, 7, WASI_INVAL);
    expect(4, 4, WRITE, WASI_BADF);
}

/* One descriptor, many subscriptions, good and bad ones mixed: never more events than
 * subscriptions. */
static void test_same_descriptor_often(void **state)
{
    (void)state;
    mkfifo(host_path("fifo"), 0600);
    uint32_t fd = opened(ROOT, "fifo", 0, GO_RDWR, 0);
    assert_int_equal(write_text(fd, "x"), WASI_SUCCESS);
    for (int i = 0; i < 4; i++) {
        sub_fd(READ, fd);
        sub_fd(WRITE, fd);
        sub_fd(3, fd);
        sub_fd(255, fd);
    }
    assert_int_equal(events(), 16);
    int good = 0;
    for (uint32_t i = 0; i < 16; i++)
        good += event(i).error == 0;
    assert_int_equal(good, 8);
}

static void *write_later(void *unused)
{
    (void)unused;
    usleep(40000);
    ssize_t n = write(fifo_writer, "x", 1);
    (void)n;
    return NULL;
}

static void test_waits_for_a_descriptor(void **state)
{
    (void)state;
    uint32_t fd = fifo_reader("fifo");
    pthread_t thread;
    uint64_t start = clock_now_ns();
    pthread_create(&thread, NULL, write_later, NULL);
    sub_clock(CLOCKID_MONOTONIC, 300000000000, 0);
    sub_fd(READ, fd);
    assert_int_equal(events(), 1);
    expect(0, 1, READ, 0);
    assert_in_range(clock_now_ns() - start, 40000000, 290000000000);
    pthread_join(thread, NULL);
    close(fifo_writer);
}

static void test_kick(void **state)
{
    (void)state;
    uint32_t fd = fifo_reader("fifo");
    sub_clock(CLOCKID_MONOTONIC, 20000000000, 0);
    sub_fd(READ, fd);
    memcpy(guest + SUBS, subs, sizeof subs);
    nsubs = 0;
    kick_after_ms(30);
    ERR(INTR, poll_oneoff, SUBS, EVENTS, 2, OUT);
    ERR(INTR, poll_oneoff, SUBS + sizeof *subs, EVENTS, 1, OUT); /* no clock: would wait for ever */
    kicked = 0;
    timer_delete(kick_timer);
    kick_timed = false;
    sub_clock(CLOCKID_MONOTONIC, 0, 0); /* and the descriptor can be polled again */
    sub_fd(READ, fd);
    assert_int_equal(events(), 1);
    close(fifo_writer);
}

static void test_output_over_input(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        sub_clock(CLOCKID_MONOTONIC, 0, 0);
    memcpy(guest + SUBS, subs, sizeof subs);
    nsubs = 0;
    OK(poll_oneoff, SUBS, SUBS, 3, OUT);
    assert_int_equal(out32(), 3);
    memcpy(guest + EVENTS, guest + SUBS, 96);
    for (uint32_t i = 0; i < 3; i++)
        expect(i, i, CLOCK, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_arguments),
        TEST(test_sleep_is_never_early),
        TEST(test_long_sleep_in_steps),
        TEST(test_clocks),
        TEST(test_times_past_63_bits_are_never),
        TEST(test_descriptors_are_polled_with_a_due_clock),
        TEST(test_hangup),
        TEST(test_regular_files_are_ready),
        TEST(test_errors_are_events),
        TEST(test_same_descriptor_often),
        TEST(test_waits_for_a_descriptor),
        TEST(test_kick),
        TEST(test_output_over_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
