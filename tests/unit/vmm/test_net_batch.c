/* Reads and writes of connections without calls: both halves (vmm/net_batch.c and, by tests/host/batch_guest.c, the
 * shim's) over real sockets, then a guest that garbles what is its own.  Built once more under ThreadSanitizer. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "tests/host/batch_guest.h"
#include "vmm/net.h"

enum { FD = 5, FDS = 300, AGAIN = 6 };

static struct batch *batch;
static struct wasi wasi;
static struct net net;
static struct desc descs[FDS];
static struct conn conns[FDS];
static int peers[FDS];
static int pairs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- doubles ---- */

struct desc *desc_get(struct wasi *w, uint64_t fd)
{
    (void)w;
    return fd < FDS && descs[fd].conn ? &descs[fd] : NULL;
}

bool guest_span(const struct guestmem *mem, gva_t at, uint64_t n, bool writable, struct iovec *out)
{
    (void)mem;
    assert_true(writable && n == sizeof *batch && at == MAP_CONTROL + offsetof(struct control, batch));
    *out = (struct iovec){ batch, n };
    return true;
}

int kick_ppoll(struct kick *kick, struct pollfd *fds, unsigned n, int64_t timeout_ns)
{
    (void)kick;
    assert_true(timeout_ns == -1);
    return poll(fds, n, 10000);
}

/* ---- a run ---- */

/* A TCP connection whose one end is the guest's descriptor fd. */
static void connection(uint32_t fd)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int on = 1, l = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(l >= 0 && bind(l, (struct sockaddr *)&at, len) == 0 && listen(l, 1) == 0);
    assert_int_equal(getsockname(l, (struct sockaddr *)&at, &len), 0);
    peers[fd] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(peers[fd], (struct sockaddr *)&at, len), 0);
    setsockopt(peers[fd], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int host = accept4(l, NULL, NULL, SOCK_NONBLOCK);
    setsockopt(host, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    close(l);
    wasi.descs = descs;
    conns[fd] = (struct conn){ .net = &net, .proto = NET_TCP };
    descs[fd] = (struct desc){ .host = host, .io = host, .fdflags = FDFLAG_NONBLOCK, .conn = &conns[fd] };
    pairs++;
}

static int setup(void **state)
{
    (void)state;
    batch = aligned_alloc(64, (sizeof *batch + 63) / 64 * 64);
    memset(batch, 0, sizeof *batch);
    net = (struct net){ .log = -1 };
    wasi = (struct wasi){ .net = &net, .trace = -1 };
    batch_start(&wasi, &lock);
    assert_non_null(net.batch);
    connection(FD);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    batch_stop(&wasi);
    for (int i = 0; i < FDS; i++)
        if (descs[i].conn) {
            free(conns[i].rest);
            close(descs[i].host);
            close(peers[i]);
            descs[i] = (struct desc){ .host = -1 };
        }
    free(batch);
    return 0;
}

/* What a call is: the ring is sent, then the call's own work is done. */
static void called(void)
{
    pthread_mutex_lock(&lock);
    batch_flush(&wasi);
    pthread_mutex_unlock(&lock);
    guest_called(batch);
}

/* poll_oneoff found fd readable. */
static void polled(uint32_t fd)
{
    struct pollfd p = { .fd = descs[fd].host, .events = POLLIN };
    assert_int_equal(poll(&p, 1, 5000), 1);
    pthread_mutex_lock(&lock);
    batch_flush(&wasi);
    batch_fill(&wasi, fd, &descs[fd]);
    pthread_mutex_unlock(&lock);
    guest_called(batch);
}

static void peer_sends(uint32_t fd, const char *text)
{
    assert_int_equal(send(peers[fd], text, strlen(text), 0), strlen(text));
}

#define READS(fd, want) reads(fd, want, __LINE__)
static void reads(uint32_t fd, const char *want, int line)
{
    char got[4096];
    uint32_t n = sizeof got;
    uint32_t err = guest_reads(batch, fd, got, &n);
    if (err || n != strlen(want) || memcmp(got, want, n) != 0)
        print_error("line %d: error %u, %u bytes %.*s\n", line, err, n, (int)n, got), assert_true(false);
}

static uint32_t read_error(uint32_t fd)
{
    char got[16];
    uint32_t n = sizeof got;
    return guest_reads(batch, fd, got, &n);
}

static uint32_t writes(uint32_t fd, const char *text)
{
    uint32_t n = (uint32_t)strlen(text);
    uint32_t err = guest_writes(batch, fd, text, &n);
    assert_true(err || n == strlen(text));
    return err;
}

static void peer_gets(uint32_t fd, const char *want)
{
    char got[4096] = "";
    size_t done = 0;
    while (done < strlen(want)) {
        struct pollfd p = { .fd = peers[fd], .events = POLLIN };
        assert_int_equal(poll(&p, 1, 5000), 1);
        ssize_t n = recv(peers[fd], got + done, sizeof got - done, 0);
        assert_true(n > 0);
        done += (size_t)n;
    }
    assert_string_equal(got, want);
}

static bool peer_has_something(uint32_t fd, int ms)
{
    struct pollfd p = { .fd = peers[fd], .events = POLLIN };
    return poll(&p, 1, ms) == 1;
}

/* A call's reading, in a call. */
static ssize_t reading(uint32_t fd, char *to, size_t n)
{
    struct iovec v = { to, n };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
    batch_recall(&conns[fd]);
    return conns[fd].nrest ? batch_take(&conns[fd], &m, false) : -1;
}

static ssize_t call_reads(uint32_t fd, char *to, size_t n)
{
    pthread_mutex_lock(&lock);
    ssize_t got = reading(fd, to, n);
    pthread_mutex_unlock(&lock);
    return got;
}

/* ---- reading ---- */

static void test_nothing_before_a_poll(void **state)
{
    (void)state;
    peer_sends(FD, "hello");
    assert_int_equal(read_error(FD), FORWARDED);
    assert_int_equal(writes(FD, "x"), FORWARDED);
}

static void test_read_ahead(void **state)
{
    (void)state;
    peer_sends(FD, "hello");
    polled(FD);
    char two[2];
    uint32_t n = 2;
    assert_int_equal(guest_reads(batch, FD, two, &n), 0);
    assert_true(n == 2 && memcmp(two, "he", 2) == 0);
    assert_true(batch_pending(&conns[FD])); /* still readable */
    READS(FD, "llo");
    assert_false(batch_pending(&conns[FD]));
    assert_int_equal(read_error(FD), AGAIN);
    assert_int_equal(read_error(FD), FORWARDED); /* nobody can wait for it in a loop that makes no calls */
    assert_int_equal(conns[FD].in, 5);
    assert_int_equal(read_error(FD + 1), FORWARDED);
    assert_int_equal(read_error(FD + BATCH_PLACES), FORWARDED); /* whose place it is not */
}

/* What a call has read gives a place too: else a quick peer is never polled for. */
static void test_after_a_call_that_read(void **state)
{
    (void)state;
    pthread_mutex_lock(&lock);
    batch_was_read(&descs[FD], 5, 64);
    pthread_mutex_unlock(&lock);
    assert_int_equal(read_error(FD), AGAIN);
    assert_int_equal(read_error(FD), FORWARDED);
    assert_int_equal(writes(FD, "answer"), 0);
    peer_gets(FD, "answer");
    pthread_mutex_lock(&lock);
    batch_was_read(&descs[FD], 64, 64);
    pthread_mutex_unlock(&lock);
    assert_int_equal(read_error(FD), FORWARDED); /* there may be more */
}

static void test_a_blocking_read_never_says_again(void **state)
{
    (void)state;
    descs[FD].fdflags = 0;
    peer_sends(FD, "hello");
    polled(FD);
    READS(FD, "hello");
    assert_int_equal(read_error(FD), FORWARDED);
}

static void test_a_second_poll_keeps_what_is_there(void **state)
{
    (void)state;
    peer_sends(FD, "one");
    polled(FD);
    peer_sends(FD, "two");
    pthread_mutex_lock(&lock);
    batch_fill(&wasi, FD, &descs[FD]);
    pthread_mutex_unlock(&lock);
    READS(FD, "one");
    polled(FD);
    READS(FD, "two");
}

static void test_calls_get_what_was_read_ahead(void **state)
{
    (void)state;
    char got[16] = "";
    peer_sends(FD, "hello, world");
    polled(FD);
    char two[2];
    uint32_t n = 2;
    assert_int_equal(guest_reads(batch, FD, two, &n), 0);
    assert_int_equal(call_reads(FD, got, 3), 3);
    assert_string_equal(got, "llo");
    assert_true(batch_pending(&conns[FD]));
    assert_int_equal(read_error(FD), FORWARDED);
    assert_int_equal(call_reads(FD, got, sizeof got), 7);
    assert_memory_equal(got, ", world", 7);
    assert_int_equal(call_reads(FD, got, sizeof got), -1);
    assert_false(batch_pending(&conns[FD]));
}

static void test_bulk_is_left_to_calls(void **state)
{
    (void)state;
    static char big[BATCH_PIECE * 2];
    static char got[BATCH_PIECE];
    uint32_t n = sizeof got;
    memset(big, 'b', sizeof big);
    assert_int_equal(send(peers[FD], big, sizeof big, 0), sizeof big);
    polled(FD);
    assert_int_equal(guest_reads(batch, FD, got, &n), 0);
    assert_int_equal(n, BATCH_PIECE);
    polled(FD);
    assert_int_equal(read_error(FD), FORWARDED);
}

static void test_two_connections_of_one_place(void **state)
{
    (void)state;
    connection(FD + BATCH_PLACES);
    peer_sends(FD, "mine");
    peer_sends(FD + BATCH_PLACES, "yours");
    polled(FD);
    polled(FD + BATCH_PLACES);
    assert_int_equal(read_error(FD + BATCH_PLACES), FORWARDED);
    READS(FD, "mine");
    polled(FD + BATCH_PLACES); /* the place is empty now */
    READS(FD + BATCH_PLACES, "yours");
    assert_int_equal(read_error(FD), FORWARDED);
    pthread_mutex_lock(&lock);
    batch_leave(&conns[FD + BATCH_PLACES]); /* closed */
    pthread_mutex_unlock(&lock);
    assert_int_equal(read_error(FD + BATCH_PLACES), FORWARDED);
}

static void test_an_error_met_ahead_is_told(void **state)
{
    (void)state;
    struct linger now = { 1, 0 };
    setsockopt(peers[FD], SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(peers[FD]);
    peers[FD] = dup(0);
    polled(FD);
    assert_int_equal(conns[FD].error, ECONNRESET);
    assert_true(batch_pending(&conns[FD]));
    assert_int_equal(read_error(FD), FORWARDED);
    assert_int_equal(writes(FD, "x"), FORWARDED);
}

/* ---- writing ---- */

static void test_left_behind_and_sent_by_the_next_call(void **state)
{
    (void)state;
    peer_sends(FD, "?");
    polled(FD);
    pthread_mutex_lock(&lock); /* keeps the thread out */
    assert_int_equal(writes(FD, "one "), 0);
    assert_int_equal(writes(FD, "two "), 0);
    assert_false(peer_has_something(FD, 5));
    batch_flush(&wasi);
    pthread_mutex_unlock(&lock);
    peer_gets(FD, "one two ");
    assert_int_equal(conns[FD].out, 8);
}

static void test_sent_soon_without_a_call(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        peer_sends(FD, "?");
        polled(FD);
        READS(FD, "?");
        if (i % 5 == 0)
            usleep(5000); /* it has looked and found nothing */
        assert_int_equal(writes(FD, "answer"), 0);
        peer_gets(FD, "answer"); /* by the thread: no call comes */
    }
}

static void test_sent_at_the_end(void **state)
{
    (void)state;
    peer_sends(FD, "?");
    polled(FD);
    pthread_mutex_lock(&lock);
    assert_int_equal(writes(FD, "last words"), 0);
    pthread_mutex_unlock(&lock);
    batch_stop(&wasi);
    peer_gets(FD, "last words");
}

static void test_credit_is_limited(void **state)
{
    (void)state;
    static char big[8193];
    uint32_t n = sizeof big;
    peer_sends(FD, "?");
    polled(FD);
    assert_int_equal(guest_writes(batch, FD, big, &n), FORWARDED);
    n = 8192;
    assert_int_equal(guest_writes(batch, FD, big, &n), 0);
    assert_int_equal(writes(FD, "x"), FORWARDED);
}

static void test_no_credit_where_bytes_are_unsent(void **state)
{
    (void)state;
    static char big[1 << 20];
    int small = 4096;
    setsockopt(peers[FD], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    while (send(descs[FD].host, big, sizeof big, MSG_DONTWAIT) > 0)
        ;
    peer_sends(FD, "?");
    polled(FD);
    READS(FD, "?");
    assert_int_equal(writes(FD, "x"), FORWARDED);
}

static void test_many_records_make_a_call(void **state)
{
    (void)state;
    peer_sends(FD, "?");
    polled(FD);
    int n = 0;
    while (writes(FD, ".") == 0)
        n++;
    assert_int_equal(n, 32);
    called();
    assert_int_equal(writes(FD, "."), 0);
    called();
    peer_gets(FD, ".................................");
}

static void test_an_error_of_sending_is_told_later(void **state)
{
    (void)state;
    peer_sends(FD, "?");
    polled(FD);
    struct linger now = { 1, 0 };
    setsockopt(peers[FD], SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(peers[FD]);
    peers[FD] = dup(0);
    assert_int_equal(writes(FD, "into the void"), 0);
    called();
    assert_true(conns[FD].error == ECONNRESET || conns[FD].error == EPIPE);
    assert_int_equal(writes(FD, "x"), FORWARDED);
}

/* The ring goes round many times, in pieces of all sizes, while calls and the thread empty it. */
static void test_order_and_wholeness(void **state)
{
    (void)state;
    enum { TOTAL = 3000000 };
    uint8_t *got = malloc(TOTAL);
    char piece[7000];
    uint32_t sent = 0, received = 0;
    for (unsigned round = 0; sent < TOTAL; round++) {
        uint32_t n = 1 + round * 7919 % sizeof piece;
        n = n < TOTAL - sent ? n : TOTAL - sent;
        peer_sends(FD, "?");
        polled(FD);
        READS(FD, "?");
        for (uint32_t i = 0; i < n; i++)
            piece[i] = (char)((sent + i) * 31 >> 3);
        for (uint32_t from = 0, take; from < n; from += take) {
            uint32_t asked = take = from == 0 && n > 1 ? n / 2 : n - from;
            if (guest_writes(batch, FD, piece + from, &asked) != 0) {
                called(); /* as a call of its own */
                assert_int_equal(send(descs[FD].host, piece + from, take, 0), take);
            }
        }
        sent += n;
        while (received < sent) {
            ssize_t r = recv(peers[FD], got + received, TOTAL - received, 0);
            assert_true(r > 0);
            received += (uint32_t)r;
        }
    }
    for (uint32_t i = 0; i < TOTAL; i++)
        if (got[i] != (uint8_t)(i * 31 >> 3))
            print_error("byte %u\n", i), assert_true(false);
    free(got);
}

/* ---- a guest that does what it likes ---- */

static void test_garbage(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        uint32_t *words = (uint32_t *)(void *)batch;
        pthread_mutex_lock(&lock);
        for (int i = 0; i < 200; i++) {
            seed = seed * 1664525 + 1013904223;
            uint32_t at = i % 3 ? seed % (sizeof *batch / 4) : (seed % 2 ? offsetof(struct batch, tail) / 4
                                                                         : FD * sizeof(struct batch_place) / 4 + i % 5);
            words[at] = seed >> seed % 4 * 8;
        }
        batch->tail = round % 2 ? seed : batch->tail + (seed >> 20);
        pthread_mutex_unlock(&lock);
        if (round % 7 == 0)
            send(peers[FD], "?", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        pthread_mutex_lock(&lock);
        batch_flush(&wasi);
        conns[FD].error = 0;
        batch_fill(&wasi, FD, &descs[FD]);
        char got[64];
        reading(FD, got, sizeof got);
        conns[FD].by_calls = conns[FD].whole = false;
        pthread_mutex_unlock(&lock);
        while (recv(peers[FD], got, sizeof got, MSG_DONTWAIT) > 0)
            ;
    }
}

static void test_records_for_others(void **state)
{
    (void)state;
    static const uint32_t fds[] = { 77, UINT32_MAX, FD + 1, FD + 2 };
    connection(FD + 1);
    connection(FD + 2);
    conns[FD + 1].proto = NET_UDP;
    conns[FD + 2].listening = true;
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        pthread_mutex_lock(&lock);
        uint32_t at = batch->tail % BATCH_RING;
        *(struct batch_record *)(batch->ring + at) = (struct batch_record){ fds[i], 8 };
        batch->tail += 16;
        batch_flush(&wasi);
        assert_int_equal(batch->head, batch->tail);
        pthread_mutex_unlock(&lock);
    }
    assert_false(peer_has_something(FD + 1, 5));
    assert_false(peer_has_something(FD + 2, 5));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_nothing_before_a_poll),
        TEST(test_read_ahead),
        TEST(test_after_a_call_that_read),
        TEST(test_a_blocking_read_never_says_again),
        TEST(test_a_second_poll_keeps_what_is_there),
        TEST(test_calls_get_what_was_read_ahead),
        TEST(test_bulk_is_left_to_calls),
        TEST(test_two_connections_of_one_place),
        TEST(test_an_error_met_ahead_is_told),
        TEST(test_left_behind_and_sent_by_the_next_call),
        TEST(test_sent_soon_without_a_call),
        TEST(test_sent_at_the_end),
        TEST(test_credit_is_limited),
        TEST(test_no_credit_where_bytes_are_unsent),
        TEST(test_many_records_make_a_call),
        TEST(test_an_error_of_sending_is_told_later),
        TEST(test_order_and_wholeness),
        TEST(test_garbage),
        TEST(test_records_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
