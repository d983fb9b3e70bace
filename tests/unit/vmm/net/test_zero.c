/* The host's descriptor 0 is one like any other: where the caller left it closed, what the guest
 * opens may get it. */
#include "tests/unit/vmm/net/fixture.h"

static int kept; /* the process's own, meanwhile */

static int zero_teardown(void **state)
{
    /* counts it in the place of 0: what the guest left there is closed with the run */
    int failed = teardown(state);
    dup2(kept, STDIN_FILENO);
    close(kept);
    return failed;
}

static void zero_free(void)
{
    kept = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 100);
    assert_true(kept >= 100);
    close(STDIN_FILENO);
}

static bool zero_taken(void)
{
    return fcntl(STDIN_FILENO, F_GETFD) >= 0;
}

/* The guest's `fd` is the host's 0, and goes with it. */
static void closes(uint32_t fd)
{
    assert_true(zero_taken());
    OK(fd_close, fd);
    assert_false(zero_taken());
}

static void test_an_accepted_connection(void **state)
{
    (void)state;
    uint16_t port;
    uint32_t l = listener(&port), c[2];
    for (int i = 0; i < 2; i++) {
        c[i] = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
        OK(sock_connect, c[i], addr4("127.0.0.1"), port);
    }
    zero_free();
    for (int i = 0; i < 2; i++) {
        OK(sock_accept, l, FDFLAG_NONBLOCK, OUT);
        uint32_t s = out32();
        assert_int_equal(write_text(c[i], "hello"), 0);
        OK(sock_recv, s, iov(BUF + 100, 100), 1, 0, OUT, FLAGS_OUT);
        assert_int_equal(out32(), 5);
        closes(s);
    }
    kicked = 1; /* nobody else is there, and nobody waits for one */
    ERR(INTR, sock_accept, l, 0, OUT);
}

static void test_sockets_of_each_family(void **state)
{
    (void)state;
    static const uint32_t rows[][2] = {
        { FAMILY_INET4, SOCKTYPE_STREAM }, { FAMILY_INET4, SOCKTYPE_DGRAM },
        { FAMILY_INET6, SOCKTYPE_STREAM }, { FAMILY_UNIX, SOCKTYPE_STREAM },
        { FAMILY_UNIX, SOCKTYPE_DGRAM },
    };
    zero_free();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        closes(opened_socket(rows[i][0], rows[i][1]));
    uint32_t fd = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    OK(sock_bind, fd, addr4("127.0.0.1"), 0);
    uint16_t port = local_port(fd);
    memcpy(guest + BUF, "self", 4);
    OK(sock_send_to, fd, iov(BUF, 4), 1, addr4("127.0.0.1"), port, 0, OUT);
    OK(sock_recv_from, fd, iov(BUF + 64, 64), 1, room(), 0, PORT_OUT, OUT, FLAGS_OUT);
    assert_memory_equal(guest + BUF + 64, "self", 4);
    closes(fd);
}

static void test_files_and_directories(void **state)
{
    (void)state;
    zero_free();
    uint32_t fd = opened(3, "file", 0, GO_RDONLY, 0);
    OK(fd_read, fd, iov(BUF, 100), 1, OUT);
    assert_int_equal(out32(), 8);
    closes(fd);
    fd = opened(3, "new", OFLAG_CREAT, GO_RDWR, 0);
    assert_int_equal(write_text(fd, "text"), 0);
    closes(fd);
    host_holds("new", "text");
    fd = opened(3, "sub", OFLAG_DIRECTORY, 0, 0);
    assert_true(zero_taken());
    assert_int_equal(OPEN(fd, "inner", 0, GO_RDONLY, 0), WASI_SUCCESS);
    OK(fd_close, out32());
    OK(fd_readdir, fd, BUF, 500, 0, OUT);
    assert_true(out32() > 3 * 24); /* itself, the one above, a file */
    closes(fd);
}

static void test_what_the_guest_leaves_open(void **state)
{
    (void)state;
    zero_free();
    opened(3, "file", 0, GO_RDONLY, 0);
    assert_true(zero_taken());
}

static void test_a_number_of_its_own(void **state)
{
    (void)state;
    uint32_t to = opened(3, "sub", OFLAG_DIRECTORY, 0, 0);
    zero_free();
    uint32_t from = opened(3, "file", 0, GO_RDONLY, 0);
    OK(fd_renumber, from, to);
    ERR(BADF, fd_read, from, iov(BUF, 100), 1, OUT);
    OK(fd_read, to, iov(BUF, 100), 1, OUT);
    assert_int_equal(out32(), 8);
    closes(to);
}

#define ZERO(name) cmocka_unit_test_setup_teardown(name, loopback_setup, zero_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ZERO(test_an_accepted_connection), ZERO(test_sockets_of_each_family),
        ZERO(test_files_and_directories),  ZERO(test_what_the_guest_leaves_open),
        ZERO(test_a_number_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
