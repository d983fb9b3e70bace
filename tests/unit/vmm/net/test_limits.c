/* The limits of the network: sockets, connections, bytes, buffers and the log, each at its number
 * and one past it. */
#include "tests/unit/vmm/net/fixture.h"

static void pair_of(uint32_t *client, uint32_t *server)
{
    uint16_t port;
    uint32_t l = listener(&port);
    *client = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    OK(sock_connect, *client, addr4("127.0.0.1"), port);
    OK(sock_accept, l, 0, OUT);
    *server = out32();
}

/* A program that only sends, or only receives, meets --net-bytes at that number; what is peeked at
 * does not count. */
static void test_bytes_out_and_bytes_in(void **state)
{
    (void)state;
    uint32_t c, s;
    pair_of(&c, &s);
    wasi->net->bytes = 0;
    wasi->net->max_bytes = 10;
    for (int i = 0; i < 2; i++)
        OK(fd_write, c, iov(BUF, 5), 1, OUT);
    assert_int_equal(wasi->net->bytes, 10);
    ERR(NOBUFS, fd_write, c, iov(BUF, 1), 1, OUT);
    ERR(NOBUFS, sock_send, c, iov(BUF, 1), 1, 0, OUT);
    ERR(NOBUFS, fd_read, s, iov(BUF, 1), 1, OUT);
    wasi->net->bytes = 0;
    wasi->net->max_bytes = 6;
    OK(sock_recv, s, iov(BUF, 5), 1, 1 /* peek */, OUT, FLAGS_OUT);
    assert_int_equal(wasi->net->bytes, 0);
    OK(fd_read, s, iov(BUF, 5), 1, OUT);
    assert_int_equal(wasi->net->bytes, 5);
    OK(sock_recv, s, iov(BUF, 1), 1, 0, OUT, FLAGS_OUT);
    assert_int_equal(wasi->net->bytes, 6);
    ERR(NOBUFS, fd_read, s, iov(BUF, 1), 1, OUT);
    ERR(NOBUFS, sock_recv, s, iov(BUF, 1), 1, 0, OUT, FLAGS_OUT);
    wasi->net->max_bytes = 7;
    OK(fd_read, s, iov(BUF, 4), 1, OUT); /* the last may go beyond */
    assert_int_equal(out32(), 4);
    ERR(NOBUFS, fd_write, s, iov(BUF, 1), 1, OUT);
    wasi->net->max_bytes = 0;
    OK(fd_write, s, iov(BUF, 1), 1, OUT);
}

/* What came of connecting with so many connections left in this second. */
static uint32_t connected(uint64_t left, uint16_t port)
{
    uint32_t c = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    /* if that ends meanwhile, the next begins with all of them */
    wasi->net->rate_s = clock_now_ns() / 1000000000u;
    wasi->net->rate_used = 100 - left;
    wasi->net->max_rate = 100;
    return CALL(sock_connect, c, addr4("127.0.0.1"), port);
}

/* --net-rate counts what is connected and what is accepted. */
static void test_connections_out_and_in(void **state)
{
    (void)state;
    uint16_t port;
    uint32_t l = listener(&port);
    assert_int_equal(connected(1, port), WASI_SUCCESS);
    wasi->net->rate_used = 7;
    OK(sock_accept, l, 0, OUT);
    assert_true(wasi->net->rate_used == 8 || wasi->net->rate_used == 1);
    assert_int_equal(connected(2, port), WASI_SUCCESS);
    assert_true(wasi->net->rate_used == 99 || wasi->net->rate_used == 1);
    unsigned refused = 0;
    for (int i = 0; i < 100 && refused < 3; i++) /* not all have met the end of a second */
        refused += connected(0, port) == WASI_NOBUFS;
    assert_int_equal(refused, 3);
    wasi->net->max_rate = 0;
    OK(sock_accept, l, 0, OUT);
}

static int32_t buffer_of(uint32_t fd, uint32_t option)
{
    OK(sock_getsockopt, fd, 0, option, VALUE, 4);
    return (int32_t)g32(VALUE);
}

enum { SEND_BUFFER = 5, RECEIVE_BUFFER = 6 };
#define BOTH_ARE(fd, bytes) /* the kernel counts twice what was asked for */                       \
    do {                                                                                           \
        assert_int_equal(buffer_of(fd, SEND_BUFFER), 2 * (bytes));                                 \
        assert_int_equal(buffer_of(fd, RECEIVE_BUFFER), 2 * (bytes));                              \
    } while (0)

/* The first 64 sockets have what the kernel gives, all further ones a fixed size, which the program
 * cannot pass. */
static void test_buffers_of_many_sockets(void **state)
{
    (void)state;
    uint16_t port;
    uint32_t l = listener(&port), first = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM), last = 0;
    int32_t send_own = buffer_of(first, SEND_BUFFER),
            receive_own = buffer_of(first, RECEIVE_BUFFER);
    while (wasi->net->sockets < BUFFERS_FREE)
        last = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    assert_int_equal(buffer_of(last, SEND_BUFFER), send_own);
    assert_int_equal(buffer_of(last, RECEIVE_BUFFER), receive_own);
    uint32_t tcp = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM),
             udp = opened_socket(FAMILY_INET6, SOCKTYPE_DGRAM);
    uint32_t local = opened_socket(FAMILY_UNIX, SOCKTYPE_STREAM);
    OK(sock_connect, first, addr4("127.0.0.1"), port);
    OK(sock_accept, l, 0, OUT);
    uint32_t accepted = out32();
    BOTH_ARE(tcp, BUFFER_BYTES);
    BOTH_ARE(udp, BUFFER_BYTES);
    BOTH_ARE(local, BUFFER_BYTES);
    BOTH_ARE(accepted, BUFFER_BYTES);
    for (uint32_t option = SEND_BUFFER; option <= RECEIVE_BUFFER; option++) {
        static const int32_t asked[] = { BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1,
                                         INT32_MAX, -1 };
        for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
            p32(VALUE, (uint32_t)asked[i]);
            OK(sock_setsockopt, tcp, 0, option, VALUE, 4);
            assert_int_equal(buffer_of(tcp, option), 2 * (i == 0 ? asked[0] : BUFFER_BYTES));
        }
        p32(VALUE, BUFFER_BYTES + 1000);
        OK(sock_setsockopt, first, 0, option, VALUE, 4);
        assert_int_equal(buffer_of(first, option), 2 * (BUFFER_BYTES + 1000));
    }
    wasi->net->buffer_bytes = 16384;
    for (uint32_t fd = first + 1; wasi->net->sockets > 3; fd++)
        OK(fd_close, fd);
    BOTH_ARE(opened_socket(FAMILY_INET4, SOCKTYPE_STREAM), 16384);
}

static void log_to(const char *name)
{
    close(wasi->net->log.fd);
    sink_open(&wasi->net->log, open(host_path(name), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
}

/* What is wanted in vain does not fill the log: how often it was is told all the same, to the last.
 */
static void test_a_flood_of_refusals(void **state)
{
    (void)state;
    enum { TRIES = 3000 };
    uint16_t port;
    uint32_t c = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    log_to("log");
    wasi->net->lines.lost = 1;
    wasi->net->lines.second = clock_now_ns(); /* nothing on stderr for a long time */
    for (int i = 0; i < TRIES; i++)
        ERR(ACCES, sock_connect, c, addr4("127.0.0.1"), 9);
    listener(&port); /* what was granted has its record in any case */
    log_close(wasi->net);
    FILE *f = fopen(host_path("log"), "r");
    char line[1024];
    uint64_t told = 0, left_out = 0, listens = 0, ends = 0;
    while (fgets(line, sizeof line, f)) {
        const char *more = strstr(line, "\"left_out\":");
        left_out += more ? strtoull(more + 11, NULL, 10) : 0;
        listens += strstr(line, "\"listen\"") != NULL;
        ends += strstr(line, "\"end\"") != NULL;
        told += strstr(line, "\"connect to\"") != NULL;
    }
    fclose(f);
    assert_int_equal(told + left_out, TRIES);
    assert_true(told >= 1000 && told < 2000);
    assert_int_equal(listens, 1);
    assert_int_equal(ends, 0);
}

static void test_a_full_log_ends_the_run(void **state)
{
    (void)state;
    uint16_t port;
    log_to("log");
    stopped = ENDED_NOT;
    listener(&port);
    assert_int_equal(stopped, ENDED_NOT);
    wasi->net->log.left = 10;
    listener(&port);
    assert_int_equal(stopped, ENDED_LOG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK(test_bytes_out_and_bytes_in),
        LOOPBACK(test_connections_out_and_in),
        LOOPBACK(test_buffers_of_many_sockets),
        LOOPBACK(test_a_flood_of_refusals),
        LOOPBACK(test_a_full_log_ends_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
