/* The socket calls as a guest makes them: both types of each import, the three address forms, what
 * garbage gets, and that nothing passes the policy by a side way. */
#include "tests/unit/vmm/net/fixture.h"

static int closed_setup(void **state)
{
    (void)state;
    return net_setup(&(struct settings){ .max_sockets = 3 });
}

/* ---- streams ---- */

static void test_tcp_within_the_guest(void **state)
{
    (void)state;
    uint16_t port;
    uint32_t l = listener(&port), c = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    ERR(NOTCONN, sock_getpeeraddr, c, room(), PORT_OUT);
    OK(sock_connect, c, addr4("127.0.0.1"), port); /* blocking: waits */
    ERR(ISCONN, sock_connect, c, addr4("127.0.0.1"), port);
    OK(sock_accept, l, FDFLAG_NONBLOCK, OUT);
    uint32_t s = out32();
    OK(fd_fdstat_get, s, OUT);
    assert_int_equal(guest[OUT], FILETYPE_STREAM);
    assert_int_equal(guest[OUT + 2], FDFLAG_NONBLOCK);

    OK(sock_getpeeraddr, c, room(), PORT_OUT);
    assert_int_equal(g32(PORT_OUT), port);
    assert_memory_equal(guest + ADDR_BUF, "\1\0\177\0\0\1", 6);
    uint16_t from = local_port(c);
    OK(sock_getpeeraddr, s, room(), PORT_OUT);
    assert_int_equal(g32(PORT_OUT), from);

    assert_int_equal(write_text(c, "hello"), 0);
    OK(sock_recv, s, iov(BUF + 100, 100), 1, 0, OUT, FLAGS_OUT);
    assert_int_equal(out32(), 5);
    OK(sock_shutdown, c, 2);
    OK(fd_read, s, iov(BUF, 100), 1, OUT);
    assert_int_equal(out32(), 0);
    /* a stream has no source */
    OK(sock_recv_from, s, iov(BUF, 100), 1, room(), 0, PORT_OUT, OUT, FLAGS_OUT);
    assert_int_equal(guest[ADDR_BUF], FAMILY_UNSPEC);
    ERR(ISCONN, sock_send_to, c, iov(BUF, 1), 1, storage(FAMILY_INET4, "\177\0\0\1", 4), port, 0,
        OUT);
}

static void test_older_types(void **state)
{
    (void)state;
    uint16_t port;
    uint32_t l = listener(&port), c = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    OK(sock_connect, c, storage(FAMILY_INET4, "\177\0\0\1", 4), port);
    OK(sock_accept_v1, l, OUT);
    OK(sock_getpeeraddr_v1, c, addr(NULL, TCP4), TYPE_OUT, PORT_OUT);
    assert_memory_equal(guest + ADDR_BUF, "\177\0\0\1", 4);
    assert_int_equal(g32(TYPE_OUT), 4);
    assert_int_equal(g32(PORT_OUT), port);
    OK(sock_getlocaladdr_v1, c, addr(NULL, TCP6), TYPE_OUT, PORT_OUT);
    assert_int_equal(g32(TYPE_OUT), 4);
    uint32_t six = opened_socket(FAMILY_INET6, SOCKTYPE_STREAM);
    OK(sock_getlocaladdr_v1, six, addr(NULL, TCP6), TYPE_OUT, PORT_OUT);
    assert_int_equal(g32(TYPE_OUT), 6);
    ERR(NOMEM, sock_getlocaladdr_v1, six, addr(NULL, TCP4), TYPE_OUT, PORT_OUT);
    ERR(INVAL, sock_getlocaladdr_v1, six, addr(NULL, 20), TYPE_OUT, PORT_OUT);
    ERR(INVAL, sock_getlocaladdr, six, addr(NULL, TCP6), PORT_OUT);
}

static void test_nonblocking_connect_and_refusal(void **state)
{
    (void)state;
    uint16_t port;
    uint32_t l = listener(&port), c = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    OK(fd_close, l); /* nobody listens there now */
    OK(fd_fdstat_set_flags, c, FDFLAG_NONBLOCK);
    ERR(INPROGRESS, sock_connect, c, addr4("127.0.0.1"), port);
    struct wasi_subscription sub = { .userdata = 7, .tag = 2, .id = c };
    memcpy(guest + BUF, &sub, sizeof sub);
    OK(poll_oneoff, BUF, BUF + 100, 1, OUT);
    struct wasi_event event;
    memcpy(&event, guest + BUF + 100, sizeof event);
    assert_int_equal(event.error, 0);
    assert_int_equal(event.type, 2);
    OK(sock_getsockopt, c, 0, 2, VALUE, 4);
    assert_int_equal(g32(VALUE), WASI_CONNREFUSED);
    OK(sock_getsockopt, c, 0, 2, VALUE, 4);
    assert_int_equal(g32(VALUE), 0);
    ERR(NOTCONN, sock_getpeeraddr, c, room(), PORT_OUT);
    uint32_t blocking = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    ERR(CONNREFUSED, sock_connect, blocking, addr4("127.0.0.1"), port);
}

static void test_accept_without_a_client(void **state)
{
    (void)state;
    uint16_t port;
    uint32_t l = listener(&port);
    ERR(INVAL, sock_accept, opened_socket(FAMILY_INET4, SOCKTYPE_STREAM), 0, OUT);
    ERR(INVAL, sock_accept, opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM), 0, OUT);
    uint32_t c = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    OK(sock_connect, c, addr4("127.0.0.1"), port);
    ERR(INVAL, sock_accept, c, 0, OUT); /* at once, though nothing is there to be read */
    OK(sock_accept, l, 0, OUT);
    OK(fd_fdstat_set_flags, l, FDFLAG_NONBLOCK);
    ERR(AGAIN, sock_accept, l, 0, OUT);
    ERR(INVAL, sock_accept, l, 1, OUT);
    OK(fd_fdstat_set_flags, l, 0);
    kick_after_ms(30);
    ERR(INTR, sock_accept, l, 0, OUT);
}

/* A listener whose clients are all refused: a stop is seen between two of them. */
static void test_refusing_ends_by_a_kick(void **state)
{
    (void)state;
    uint16_t port;
    uint32_t l = listener(&port), c[2];
    for (int i = 0; i < 2; i++) {
        c[i] = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
        OK(sock_connect, c[i], addr4("127.0.0.1"), port);
    }
    OK(fd_fdstat_set_flags, l, FDFLAG_NONBLOCK);
    wasi->net->max_sockets = 3; /* these */
    kicked = 1;
    ERR(INTR, sock_accept, l, 0, OUT);
    kicked = 0;
    ERR(AGAIN, sock_accept, l, 0, OUT);
}

static void test_ipv6(void **state)
{
    (void)state;
    uint32_t l = opened_socket(FAMILY_INET6, SOCKTYPE_STREAM),
             c = opened_socket(FAMILY_INET6, SOCKTYPE_STREAM);
    OK(sock_bind, l, addr6("::1"), 0);
    OK(sock_listen, l, 1);
    uint16_t port = local_port(l);
    assert_int_equal(guest[ADDR_BUF], FAMILY_INET6);
    OK(sock_connect, c, addr6("::1"), port);
    uint32_t four = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    ERR(AFNOSUPPORT, sock_connect, four, addr6("::1"), port);
    ERR(AFNOSUPPORT, sock_bind, four, addr6("::127.0.0.1"), 0);
}

/* 127.0.0.1 in each form: four bytes, sixteen, and the two of them with their family before. */
static uint64_t loopback_form(unsigned form)
{
    static const char mapped[] = "\0\0\0\0\0\0\0\0\0\0\xff\xff\177\0\0\1";
    switch (form) {
    case 0: return addr4("127.0.0.1");
    case 1: return addr6("::ffff:127.0.0.1");
    case 2: return storage(FAMILY_INET4, mapped + 12, 4);
    default: return storage(FAMILY_INET6, mapped, 16);
    }
}

/* A datagram each way between a socket of the guest and one of the host, and the host's address in
 * little room. */
static void one_form(unsigned family, unsigned form)
{
    uint16_t port;
    int host = host_socket("127.0.0.1", &port);
    uint32_t fd = opened_socket(family, SOCKTYPE_DGRAM),
             tcp = opened_socket(family, SOCKTYPE_STREAM);
    OK(sock_bind, fd, loopback_form(form), 0);
    OK(sock_bind, tcp, loopback_form(form), 0);
    memcpy(guest + BUF, "hello", 5);
    OK(sock_send_to, fd, iov(BUF, 5), 1, loopback_form(form), port, 0, OUT);
    char got[8];
    assert_int_equal(recv(host, got, sizeof got, MSG_DONTWAIT), 5);
    host_send(host, local_port(fd), "back");
    OK(sock_recv_from, fd, iov(BUF, 64), 1, room(), 0, PORT_OUT, OUT, FLAGS_OUT);
    assert_int_equal(g32(PORT_OUT), port);
    host_send(host, local_port(fd), "back");
    OK(sock_recv_from, fd, iov(BUF, 64), 1, addr(NULL, TCP4), 0, PORT_OUT, OUT, FLAGS_OUT);
    assert_memory_equal(guest + ADDR_BUF, "\177\0\0\1", 4);
    OK(sock_connect, fd, loopback_form(form), port);
    OK(sock_send, fd, iov(BUF, 5), 1, 0, OUT);
    OK(fd_close, fd);
    OK(fd_close, tcp);
    close(host);
}

static void test_an_ipv4_address_in_every_form(void **state)
{
    (void)state;
    for (unsigned form = 0; form < 4; form++) {
        one_form(FAMILY_INET4, form);
        one_form(FAMILY_INET6, form);
    }
    /* the rules see through every form */
    uint32_t fd = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    ERR(ACCES, sock_bind, fd, addr6("::ffff:127.0.0.2"), 0);
    ERR(ACCES, sock_connect, fd, addr6("::ffff:127.0.0.2"), 80);
    OK(sock_bind, fd, addr6("::ffff:127.0.0.1"), 0);
    ERR(ACCES, sock_send_to, fd, iov(BUF, 3), 1, addr6("::ffff:127.0.0.2"), 80, 0, OUT);
    ERR(ACCES, sock_connect, opened_socket(FAMILY_INET4, SOCKTYPE_STREAM),
        addr6("::ffff:127.0.0.1"), 9);
}

/* A datagram is sent and taken whole: not by the first pieces of too many. */
static void test_datagrams_of_many_pieces(void **state)
{
    (void)state;
    uint16_t port;
    int host = host_socket("127.0.0.1", &port);
    uint32_t fd = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    OK(sock_bind, fd, addr4("127.0.0.1"), 0);
    for (uint32_t i = 0; i < 4000; i++) {
        struct wasi_iovec v = { BUF + i, i >= 2000 };
        memcpy(guest + 0x40000 + i * 8, &v, 8);
    }
    OK(sock_send_to, fd, 0x40000, 2000 + 1024, addr4("127.0.0.1"), port, 0, OUT);
    char got[2048];
    assert_int_equal(recv(host, got, sizeof got, MSG_DONTWAIT), 1024);
    ERR(MSGSIZE, sock_send_to, fd, 0x40000, 2000 + 1025, addr4("127.0.0.1"), port, 0, OUT);
    host_send(host, local_port(fd), "hello");
    ERR(MSGSIZE, sock_recv_from, fd, 0x40000, 4000, room(), 0, PORT_OUT, OUT, FLAGS_OUT);
    ERR(MSGSIZE, sock_recv, fd, 0x40000, 4000, 0, OUT, FLAGS_OUT);
    ERR(MSGSIZE, fd_read, fd, 0x40000, 4000, OUT);
    OK(sock_recv, fd, iov(BUF, 64), 1, 0, OUT, FLAGS_OUT); /* and nothing is lost by it */
    assert_int_equal(out32(), 5);
    OK(sock_connect, fd, addr4("127.0.0.1"), port);
    ERR(MSGSIZE, sock_send, fd, 0x40000, 4000, 0, OUT);
    ERR(MSGSIZE, fd_write, fd, 0x40000, 4000, OUT);
    assert_int_equal(recv(host, got, sizeof got, MSG_DONTWAIT), -1);
    close(host);
}

/* ---- datagrams ---- */

static void test_datagrams_from_strangers_leave_no_trace(void **state)
{
    (void)state;
    uint16_t friend_port, stranger_port;
    int friend = host_socket("127.0.0.1", &friend_port),
        stranger = host_socket("127.0.0.5", &stranger_port);
    uint32_t fd = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    OK(fd_fdstat_set_flags, fd, FDFLAG_NONBLOCK);
    OK(sock_bind, fd, addr4("127.0.0.1"), 0);
    uint16_t port = local_port(fd);
    memset(guest + BUF, 0, 64);
    static const char zeros[64];
    host_send(stranger, port, "secret");
    ERR(AGAIN, fd_read, fd, iov(BUF, 64), 1, OUT);
    host_send(stranger, port, "secret");
    ERR(AGAIN, sock_recv, fd, iov(BUF, 64), 1, 0, OUT, FLAGS_OUT);
    host_send(stranger, port, "secret");
    ERR(AGAIN, sock_recv, fd, iov(BUF, 64), 1, 1, OUT, FLAGS_OUT); /* peek */
    host_send(stranger, port, "secret");
    ERR(AGAIN, sock_recv_from, fd, iov(BUF, 64), 1, room(), 0, PORT_OUT, OUT, FLAGS_OUT);
    assert_memory_equal(guest + BUF, zeros, 64);
    host_send(stranger, port, "secret");
    host_send(friend, port, "hello");
    OK(sock_recv_from, fd, iov(BUF, 3), 1, room(), 0, PORT_OUT, OUT, FLAGS_OUT);
    assert_int_equal(out32(), 3);
    assert_int_equal(guest[FLAGS_OUT], 1); /* truncated */
    assert_memory_equal(guest + BUF, "hel", 3);
    assert_int_equal(g32(PORT_OUT), friend_port);
    assert_memory_equal(guest + ADDR_BUF, "\1\0\177\0\0\1", 6);
    OK(sock_send_to, fd, iov(BUF, 3), 1, storage(FAMILY_INET4, "\177\0\0\1", 4), friend_port, 0,
       OUT);
    char got[8];
    assert_int_equal(recv(friend, got, sizeof got, 0), 3);
    /* Connected later: what a stranger sent before is still a stranger's. */
    host_send(stranger, port, "secret");
    OK(sock_connect, fd, addr4("127.0.0.1"), friend_port);
    memset(guest + BUF, 0, 64);
    ERR(AGAIN, fd_read, fd, iov(BUF, 64), 1, OUT);
    assert_memory_equal(guest + BUF, zeros, 64);
    ERR(ISCONN, sock_send_to, fd, iov(BUF, 3), 1, storage(FAMILY_INET4, "\177\0\0\1", 4),
        friend_port, 0, OUT);
    host_send(friend, port, "again");
    OK(sock_recv_from_v1, fd, iov(BUF, 64), 1, addr(NULL, TCP4), 0, OUT, FLAGS_OUT);
    assert_int_equal(out32(), 5);
    assert_memory_equal(guest + ADDR_BUF, "\177\0\0\1", 4);
    close(friend);
    close(stranger);
}

static void test_sending_binds_by_the_policy(void **state)
{
    (void)state;
    uint16_t port;
    int host = host_socket("127.0.0.1", &port);
    uint32_t fd = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    /* A client's socket needs no rule of its own where it may talk to somebody. */
    OK(sock_send_to, fd, iov(BUF, 3), 1, storage(FAMILY_INET4, "\177\0\0\1", 4), port, 0, OUT);
    uint32_t any = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM),
             chosen = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    OK(sock_bind, any, addr4("0.0.0.0"), 0);
    ERR(ACCES, sock_bind, chosen, addr4("0.0.0.0"), 5353); /* a port of its choice is a server's */
    ERR(ACCES, sock_bind, chosen, addr4("127.0.0.2"), 0);
    OK(sock_bind, chosen, addr4("127.0.0.1"), 0);
    OK(sock_send_to, chosen, iov(BUF, 3), 1, storage(FAMILY_INET4, "\177\0\0\1", 4), port, 0, OUT);
    fd = any;
    OK(sock_send_to, fd, iov(BUF, 3), 1, storage(FAMILY_INET4, "\177\0\0\1", 4), port, 0, OUT);
    ERR(ACCES, sock_send_to, fd, iov(BUF, 3), 1, storage(FAMILY_INET4, "\177\0\0\2", 4), port, 0,
        OUT);
    ERR(ACCES, sock_send_to, fd, iov(BUF, 3), 1, storage(FAMILY_INET4, "\177\0\0\1", 4), 9, 0, OUT);
    ERR(NOTSUP, sock_send_to, fd, iov(BUF, 3), 1, storage(FAMILY_INET4, "\177\0\0\1", 4), port, 1,
        OUT);
    close(host);
}

/* The kernel would bind it to every address before it said so. */
static void test_sending_to_nobody_binds_nothing(void **state)
{
    (void)state;
    uint32_t fd = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    ERR(DESTADDRREQ, fd_write, fd, iov(BUF, 3), 1, OUT);
    ERR(DESTADDRREQ, sock_send, fd, iov(BUF, 3), 1, 0, OUT);
    OK(sock_getlocaladdr, fd, room(), PORT_OUT);
    assert_int_equal(g32(PORT_OUT), 0);
}

/* ---- the policy has no side door ---- */

static void test_nothing_without_a_rule(void **state)
{
    (void)state;
    uint32_t fd = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM),
             udp = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    ERR(ACCES, sock_connect, fd, addr4("127.0.0.1"), 80);
    ERR(ACCES, sock_connect, fd, addr4("0.0.0.0"), 80);
    ERR(ACCES, sock_bind, fd, addr4("127.0.0.1"), 0);
    ERR(ACCES, sock_listen, fd, 1);
    ERR(ACCES, sock_connect, udp, addr4("127.0.0.1"), 53);
    ERR(ACCES, sock_connect, udp, addr4("192.0.2.53"), 53); /* no resolver without --allow-dns */
    ERR(ACCES, sock_send_to, udp, iov(BUF, 1), 1, storage(FAMILY_INET4, "\177\0\0\1", 4), 53, 0,
        OUT);
    ERR(ACCES, sock_open, FAMILY_UNIX, SOCKTYPE_STREAM, OUT);
    OK(sock_open, FAMILY_INET6, SOCKTYPE_STREAM, OUT);
    ERR(NFILE, sock_open, FAMILY_INET4, SOCKTYPE_STREAM, OUT); /* --max-sockets 3 */
    OK(fd_close, udp);
    OK(sock_open, FAMILY_INET4, SOCKTYPE_STREAM, OUT);
}

static void test_listen_without_bind(void **state)
{
    (void)state;
    uint16_t port;
    uint32_t l = listener(&port), fd = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    ERR(ACCES, sock_listen, fd, 1);
    /* A connection that was refused leaves the socket with a port of its own: that is no bind
     * either. */
    OK(fd_close, l);
    ERR(CONNREFUSED, sock_connect, fd, addr4("127.0.0.1"), port);
    ERR(ACCES, sock_listen, fd, 1);
    ERR(NOTSUP, sock_listen, opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM), 1);
    ERR(ACCES, sock_bind, fd, addr4("0.0.0.0"), 0);
    ERR(ACCES, sock_bind, fd, addr4("127.0.0.1"), 9); /* --deny 127.0.0.1:9 */
}

static void test_accepted_sockets_stay_what_they_are(void **state)
{
    (void)state;
    uint16_t port;
    uint32_t l = listener(&port), c = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    OK(sock_connect, c, addr4("127.0.0.1"), port);
    OK(sock_accept, l, 0, OUT);
    uint32_t s = out32();
    ERR(NOTSUP, sock_connect, s, addr4("127.0.0.1"), port);
    ERR(NOTSUP, sock_bind, s, addr4("127.0.0.1"), 0);
    ERR(NOTSUP, sock_listen, s, 1);
}

static void test_addresses_that_are_none(void **state)
{
    (void)state;
    uint32_t fd = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    static const uint32_t lengths[] = { 0, 1, 3, 5, 8, 15, 17, 127, 129, 4096, 0xffffffff };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        p32(ADDR, ADDR_BUF);
        p32(ADDR + 4, lengths[i]);
        ERR(INVAL, sock_connect, fd, ADDR, 80);
        ERR(INVAL, sock_bind, fd, ADDR, 80);
    }
    p32(ADDR, MEMORY_BYTES - 3);
    p32(ADDR + 4, TCP4);
    ERR(FAULT, sock_connect, fd, ADDR, 80);
    ERR(FAULT, sock_connect, fd, MEMORY_BYTES - 7, 80);
    ERR(FAULT, sock_getlocaladdr, fd, MEMORY_BYTES - 7, PORT_OUT);
    ERR(FAULT, sock_getlocaladdr, fd, room(), MEMORY_BYTES - 3);
    for (uint16_t family = 0; family < 300; family += family < 10 ? 1 : 97)
        if (family < FAMILY_INET4 || family > FAMILY_UNIX)
            ERR(AFNOSUPPORT, sock_connect, fd, storage(family, "\177\0\0\1", 4), 80);
    ERR(INVAL, sock_connect, fd, addr4("127.0.0.1"), 65536 + 80);
    ERR(INVAL, sock_connect, fd, storage(FAMILY_UNIX, "", 1), 0);
    ERR(INVAL, sock_connect, fd, storage(FAMILY_UNIX, "\0abstract", 9), 0);
    char full[126];
    memset(full, 'x', sizeof full);
    ERR(INVAL, sock_connect, fd, storage(FAMILY_UNIX, full, sizeof full), 0);
}

static void test_descriptors_that_are_no_sockets(void **state)
{
    (void)state;
    static const uint32_t fds[] = { ROOT, 77, UINT32_MAX };
    for (int i = 0; i < 3; i++) {
        uint32_t want = i == 0 ? WASI_NOTSOCK : WASI_BADF, fd = fds[i];
        assert_int_equal(CALL(sock_bind, fd, addr4("127.0.0.1"), 0), want);
        assert_int_equal(CALL(sock_connect, fd, addr4("127.0.0.1"), 0), want);
        assert_int_equal(CALL(sock_listen, fd, 1), want);
        assert_int_equal(CALL(sock_accept, fd, 0, OUT), want);
        assert_int_equal(CALL(sock_accept_v1, fd, OUT), want);
        assert_int_equal(
            CALL(sock_recv_from, fd, iov(BUF, 1), 1, room(), 0, PORT_OUT, OUT, FLAGS_OUT), want);
        assert_int_equal(CALL(sock_recv_from_v1, fd, iov(BUF, 1), 1, room(), 0, OUT, FLAGS_OUT),
                         want);
        assert_int_equal(CALL(sock_send_to, fd, iov(BUF, 1), 1, addr4("127.0.0.1"), 1, 0, OUT),
                         want);
        assert_int_equal(CALL(sock_getsockopt, fd, 0, 1, VALUE, 4), want);
        assert_int_equal(CALL(sock_setsockopt, fd, 0, 0, VALUE, 4), want);
        assert_int_equal(CALL(sock_getlocaladdr, fd, room(), PORT_OUT), want);
        assert_int_equal(CALL(sock_getpeeraddr, fd, room(), PORT_OUT), want);
        assert_int_equal(CALL(sock_getlocaladdr_v1, fd, room(), TYPE_OUT, PORT_OUT), want);
        assert_int_equal(CALL(sock_getpeeraddr_v1, fd, room(), TYPE_OUT, PORT_OUT), want);
    }
    for (uint32_t family = 0; family < 6; family++)
        for (uint32_t type = 0; type < 5; type++)
            if (family < FAMILY_INET4 || family > FAMILY_UNIX || type < SOCKTYPE_DGRAM ||
                type > SOCKTYPE_STREAM)
                ERR(INVAL, sock_open, family, type, OUT);
    ERR(FAULT, sock_open, FAMILY_INET4, SOCKTYPE_STREAM, MEMORY_BYTES - 3);
}

static void test_dropped_sockets_leak_nothing(void **state)
{
    (void)state;
    uint32_t first = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    OK(fd_close, first);
    for (int i = 0; i < 3000; i++) {
        uint32_t fd = opened_socket(1 + (uint32_t)i % 3, 1 + (uint32_t)i % 2);
        assert_int_equal(fd, first);
        OK(fd_close, fd);
    }
    assert_int_equal(wasi->net->sockets, 0);
}

/* ---- options ---- */

static void test_options(void **state)
{
    (void)state;
    uint32_t tcp = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM),
             udp = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    OK(sock_getsockopt, tcp, 0, 1, VALUE, 4);
    assert_int_equal(g32(VALUE), SOCKTYPE_STREAM);
    OK(sock_getsockopt, udp, 0, 1, VALUE, 4);
    assert_int_equal(g32(VALUE), SOCKTYPE_DGRAM);
    /* The fifth argument as a pointer to the length. */
    p32(LEN_OUT, 100);
    OK(sock_getsockopt, udp, 0, 1, VALUE, LEN_OUT);
    assert_int_equal(g32(LEN_OUT), 4);
    p32(LEN_OUT, 3);
    ERR(INVAL, sock_getsockopt, udp, 0, 1, VALUE, LEN_OUT);
    ERR(FAULT, sock_getsockopt, udp, 0, 1, VALUE, MEMORY_BYTES);
    ERR(FAULT, sock_getsockopt, udp, 0, 1, MEMORY_BYTES - 3, 4);
    p32(VALUE, 1);
    OK(sock_setsockopt, tcp, 0, 0, VALUE, 4);
    OK(sock_getsockopt, tcp, 0, 0, VALUE + 4, 4);
    assert_int_equal(g32(VALUE + 4), 1);
    OK(sock_setsockopt, udp, 0, 4, VALUE, 4); /* broadcast: Go sets it on every datagram socket */
    OK(sock_setsockopt, tcp, 0, 7, VALUE, 4);
    OK(sock_setsockopt, tcp, 0, 9, VALUE, 8);
    OK(sock_getsockopt, tcp, 6, 15, VALUE + 4, 4);
    assert_int_equal(g32(VALUE + 4), 1); /* TCP_NODELAY, as Go has it natively */
    static const uint32_t refused[] = { 1, 2, 3, 8, 13, 14 };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ERR(NOTSUP, sock_setsockopt, tcp, 0, refused[i], VALUE, 4);
    ERR(INVAL, sock_setsockopt, tcp, 0, 15, VALUE, 4);
    ERR(INVAL, sock_setsockopt, tcp, 1, 0, VALUE, 4);
    ERR(INVAL, sock_setsockopt, tcp, 0, 0, VALUE, 8);
    ERR(INVAL, sock_getsockopt, tcp, 0, 99, VALUE, 4);
    ERR(FAULT, sock_setsockopt, tcp, 0, 0, MEMORY_BYTES - 3, 4);
}

static void test_keep_alive_times_and_families(void **state)
{
    (void)state;
    uint32_t tcp = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM),
             six = opened_socket(FAMILY_INET6, SOCKTYPE_STREAM);
    for (uint32_t name = 16; name <= 18; name++) {
        p32(VALUE, name * 2);
        OK(sock_setsockopt, tcp, 6, name, VALUE, 4);
    }
    for (uint32_t name = 16; name <= 18; name++) {
        OK(sock_getsockopt, tcp, 6, name, VALUE, 4);
        assert_int_equal(g32(VALUE), name * 2);
    }
    p32(VALUE, 0);
    ERR(INVAL, sock_setsockopt, tcp, 6, 16, VALUE, 4); /* the kernel's own answer */
    ERR(INVAL, sock_setsockopt, tcp, 6, 19, VALUE, 4);
    p32(VALUE, 1);
    OK(sock_setsockopt, six, 41, 26, VALUE, 4);
    OK(sock_getsockopt, six, 41, 26, VALUE + 4, 4);
    assert_int_equal(g32(VALUE + 4), 1);
    ERR(INVAL, sock_setsockopt, six, 41, 20, VALUE, 4); /* IPV6_JOIN_GROUP */
}

/* A linger of 0 seconds resets the connection; a longer one is taken and not applied, as closing
 * would wait. */
static void test_linger(void **state)
{
    (void)state;
    for (uint32_t seconds = 0; seconds < 2; seconds++) {
        uint16_t port;
        uint32_t l = listener(&port), c = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
        OK(sock_connect, c, addr4("127.0.0.1"), port);
        OK(sock_accept, l, 0, OUT);
        uint32_t peer = g32(OUT);
        p32(VALUE, 1);
        p32(VALUE + 4, seconds);
        OK(sock_setsockopt, c, 0, 9, VALUE, 8);
        OK(fd_close, c);
        if (seconds)
            OK(sock_recv, peer, iov(BUF, 10), 1, 0, OUT, FLAGS_OUT);
        else
            ERR(CONNRESET, sock_recv, peer, iov(BUF, 10), 1, 0, OUT, FLAGS_OUT);
        OK(fd_close, peer);
        OK(fd_close, l);
    }
}

static void test_receive_timeout(void **state)
{
    (void)state;
    uint32_t udp = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    OK(sock_bind, udp, addr4("127.0.0.1"), 0);
    int64_t time[2] = { 0, 20000 };
    memcpy(guest + VALUE, time, sizeof time);
    OK(sock_setsockopt, udp, 0, 11, VALUE, 16);
    uint64_t before = clock_now_ns();
    ERR(AGAIN, sock_recv, udp, iov(BUF, 10), 1, 0, OUT, FLAGS_OUT);
    assert_true(clock_now_ns() - before >= 20000000);
    OK(sock_getsockopt, udp, 0, 11, VALUE + 16, 16);
    assert_memory_equal(guest + VALUE + 16, time, sizeof time);
    time[1] = 1000000;
    memcpy(guest + VALUE, time, sizeof time);
    ERR(DOM, sock_setsockopt, udp, 0, 11, VALUE, 16);
}

static void test_timeouts_of_plain_reads_and_writes(void **state)
{
    (void)state;
    uint16_t port;
    uint32_t l = listener(&port), c = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    OK(sock_connect, c, addr4("127.0.0.1"), port);
    int64_t time[2] = { 0, 20000 };
    memcpy(guest + VALUE, time, sizeof time);
    OK(sock_setsockopt, c, 0, 11, VALUE, 16);
    OK(sock_setsockopt, c, 0, 12, VALUE, 16);
    uint64_t before = clock_now_ns();
    ERR(AGAIN, fd_read, c, iov(BUF, 10), 1, OUT);
    assert_true(clock_now_ns() - before >= 20000000);
    uint32_t err, calls = 0;
    before = clock_now_ns();
    while ((err = CALL(fd_write, c, iov(BUF, 65536), 1, OUT)) == WASI_SUCCESS && calls < 1000)
        calls++;
    assert_int_equal(err, WASI_AGAIN);
    assert_true(clock_now_ns() - before >= 20000000);
    OK(fd_close, l);
}

/* ---- bytes without calls, as far as calls have to do with them ---- */

static struct control control;
static pthread_mutex_t calls_lock = PTHREAD_MUTEX_INITIALIZER;

static int batch_setup(void **state)
{
    memset(&control, 0, sizeof control);
    mem.regions[REGION_CONTROL] = (struct region){ MAP_CONTROL, sizeof control, (uint8_t *)&control,
                                                   true };
    loopback_setup(state);
    static struct kick kick; /* without a limit of CPU time */
    wasi->kick = &kick;
    batch_start(wasi, &calls_lock);
    return 0;
}

static int batch_teardown(void **state)
{
    batch_stop(wasi);
    int failed = teardown(state);
    mem.regions[REGION_CONTROL] = (struct region){ .host = NULL };
    return failed;
}

static const struct batch_place *place_of(uint32_t fd)
{
    return &control.batch.in[fd % BATCH_PLACES];
}

/* Polls for reading (and writing, where `out`); how many events there were. */
static uint32_t polled(uint32_t fd, bool out)
{
    struct wasi_subscription subs[3] = { { .tag = 1, .id = fd },
                                         { .tag = 1, .id = fd },
                                         { .tag = 2, .id = fd } };
    memcpy(guest + VALUE, subs, sizeof subs);
    OK(poll_oneoff, VALUE, BUF, out ? 3 : 1, OUT);
    return out32();
}

/* A connection's end in the guest, and the other in *peer, both the guest's; `text` waits to be
 * read. */
static uint32_t connection_with(const char *text, uint32_t *peer)
{
    uint16_t port;
    uint32_t l = listener(&port);
    *peer = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    OK(sock_connect, *peer, addr4("127.0.0.1"), port);
    OK(sock_accept, l, FDFLAG_NONBLOCK, OUT);
    uint32_t fd = out32();
    assert_int_equal(write_text(*peer, text), WASI_SUCCESS);
    return fd;
}

static void reads(uint32_t fd, const char *want)
{
    OK(fd_read, fd, iov(BUF, 64), 1, OUT);
    assert_int_equal(out32(), strlen(want));
    assert_memory_equal(guest + BUF, want, strlen(want));
}

static void test_a_poll_reads_ahead(void **state)
{
    (void)state;
    uint32_t peer, fd = connection_with("hello", &peer);
    assert_int_equal(polled(fd, false), 1);
    assert_int_equal(place_of(fd)->fd, fd);
    assert_int_equal(place_of(fd)->len, 5);
    assert_memory_equal(place_of(fd)->data, "hello", 5);
    assert_true(place_of(fd)->credit > 0 && place_of(fd)->again);
    assert_int_equal(polled(fd, true), 3); /* one event a subscription, and no more */
    OK(sock_recv, fd, iov(BUF, 2), 1, 1, OUT, FLAGS_OUT); /* peek */
    assert_memory_equal(guest + BUF, "he", 2);
    assert_int_equal(place_of(fd)->fd, 0);
    assert_int_equal(polled(fd, true), 3);
    OK(sock_recv, fd, iov(BUF, 2), 1, 0, OUT, FLAGS_OUT);
    reads(fd, "llo");
    ERR(AGAIN, fd_read, fd, iov(BUF, 64), 1, OUT);
}

static void test_places_follow_their_descriptors(void **state)
{
    (void)state;
    uint32_t peer, fd = connection_with("hello", &peer);
    polled(fd, false);
    OK(fd_renumber, fd, peer - 1); /* the listener's number */
    assert_int_equal(place_of(fd)->fd, 0);
    fd = peer - 1;
    assert_int_equal(polled(fd, false), 1);
    reads(fd, "hello");
    assert_int_equal(write_text(peer, "again"), WASI_SUCCESS);
    polled(fd, false);
    OK(fd_fdstat_set_flags, fd, 0); /* blocking from here on */
    assert_int_equal(place_of(fd)->fd, 0);
    reads(fd, "again");
    OK(fd_close, fd);
    fd = connection_with("more", &peer);
    polled(fd, false);
    assert_int_equal(place_of(fd)->fd, fd);
    OK(fd_close, fd);
    assert_int_equal(place_of(fd)->fd, 0);
}

static void test_what_was_left_is_sent_before_any_call(void **state)
{
    (void)state;
    uint32_t peer, fd = connection_with("?", &peer);
    polled(fd, false);
    pthread_mutex_lock(&calls_lock);
    struct batch *b = &control.batch;
    *(struct batch_record *)b->ring = (struct batch_record){ fd, 5 };
    memcpy(b->ring + sizeof(struct batch_record), "first", 5);
    b->tail = 16;
    OK(fd_close, fd); /* behind it in order */
    pthread_mutex_unlock(&calls_lock);
    reads(peer, "first");
    OK(fd_read, peer, iov(BUF, 64), 1, OUT);
    assert_int_equal(out32(), 0);
}

/* ---- unix ---- */

static void test_unix_paths(void **state)
{
    (void)state;
    uint32_t l = opened_socket(FAMILY_UNIX, SOCKTYPE_STREAM),
             c = opened_socket(FAMILY_UNIX, SOCKTYPE_STREAM);
    OK(sock_bind, l, storage(FAMILY_UNIX, "/sub/s", 6), 0);
    assert_true(host_has("sub/s"));
    OK(sock_listen, l, 1);
    ERR(ADDRINUSE, sock_bind, opened_socket(FAMILY_UNIX, SOCKTYPE_STREAM),
        storage(FAMILY_UNIX, "/sub/s", 6), 0);
    OK(sock_getlocaladdr, l, room(), PORT_OUT);
    assert_int_equal(guest[ADDR_BUF], FAMILY_UNIX);
    /* the guest's name, not the kernel's */
    assert_string_equal((char *)guest + ADDR_BUF + 2, "/sub/s");
    OK(sock_connect, c, storage(FAMILY_UNIX, "/sub/s", 6), 0);
    OK(sock_accept, l, 0, OUT);
    OK(sock_getpeeraddr, c, room(), PORT_OUT);
    assert_string_equal((char *)guest + ADDR_BUF + 2, "/sub/s");
    uint32_t fresh = opened_socket(FAMILY_UNIX, SOCKTYPE_STREAM);
    ERR(NOENT, sock_connect, fresh, storage(FAMILY_UNIX, "/sub/none", 9), 0);
    ERR(CONNREFUSED, sock_connect, fresh, storage(FAMILY_UNIX, "/file", 5), 0);
    ERR(CONNREFUSED, sock_connect, fresh, storage(FAMILY_UNIX, "/sub", 4), 0);
    ERR(PERM, sock_connect, fresh, storage(FAMILY_UNIX, "/../tmp", 7), 0);
    ERR(PERM, sock_bind, fresh, storage(FAMILY_UNIX, "/../s", 5), 0);
    ERR(NOENT, sock_bind, fresh, storage(FAMILY_UNIX, "/none/s", 7), 0);
    ERR(ADDRINUSE, sock_bind, fresh, storage(FAMILY_UNIX, "/sub/..", 7), 0);
    char path[126] = "/";
    memset(path + 1, 'x', 110);
    ERR(NAMETOOLONG, sock_bind, fresh, storage(FAMILY_UNIX, path, sizeof path), 0);
    ERR(AFNOSUPPORT, sock_connect, fresh, addr4("127.0.0.1"), 80);
}

/* One name in two directories, whose descriptors have the same number in turn. */
static void test_unix_datagrams(void **state)
{
    (void)state;
    uint32_t b = opened_socket(FAMILY_UNIX, SOCKTYPE_DGRAM),
             a = opened_socket(FAMILY_UNIX, SOCKTYPE_DGRAM);
    OK(sock_bind, b, storage(FAMILY_UNIX, "/sub/same", 9), 0);
    OK(sock_bind, a, storage(FAMILY_UNIX, "/same", 5), 0);
    memcpy(guest + BUF, "hello", 5);
    OK(sock_send_to, a, iov(BUF, 5), 1, storage(FAMILY_UNIX, "/sub/same", 9), 0, 0, OUT);
    OK(sock_recv_from, b, iov(BUF + 64, 64), 1, room(), 0, PORT_OUT, OUT, FLAGS_OUT);
    assert_memory_equal(guest + BUF + 64, "hello", 5);
    assert_string_equal((char *)guest + ADDR_BUF + 2, "/same");
}

/* Such a socket is ready for ever: a call that waits for it would never come back. */
static void test_datagrams_end_where_reading_was_shut(void **state)
{
    (void)state;
    uint16_t port;
    int host = host_socket("127.0.0.1", &port);
    uint32_t fd = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    OK(sock_bind, fd, addr4("127.0.0.1"), 0);
    host_send(host, local_port(fd), "last");
    ERR(NOTCONN, sock_shutdown, fd, 1);
    OK(sock_recv, fd, iov(BUF, 64), 1, 0, OUT, FLAGS_OUT);
    assert_int_equal(out32(), 4);
    OK(sock_recv, fd, iov(BUF, 64), 1, 0, OUT, FLAGS_OUT);
    assert_int_equal(out32(), 0);
    OK(sock_recv_from, fd, iov(BUF, 64), 1, room(), 0, PORT_OUT, OUT, FLAGS_OUT);
    assert_int_equal(out32(), 0);
    assert_int_equal(guest[ADDR_BUF], FAMILY_UNSPEC);
    OK(fd_read, fd, iov(BUF, 64), 1, OUT);
    assert_int_equal(out32(), 0);
    OK(fd_fdstat_set_flags, fd, FDFLAG_NONBLOCK);
    ERR(AGAIN, sock_recv, fd, iov(BUF, 64), 1, 0, OUT, FLAGS_OUT);
    close(host);
}

#define BATCH(name) cmocka_unit_test_setup_teardown(name, batch_setup, batch_teardown)
#define CLOSED(name) cmocka_unit_test_setup_teardown(name, closed_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK(test_tcp_within_the_guest),
        LOOPBACK(test_older_types),
        LOOPBACK(test_nonblocking_connect_and_refusal),
        LOOPBACK(test_accept_without_a_client),
        LOOPBACK(test_refusing_ends_by_a_kick),
        LOOPBACK(test_ipv6),
        LOOPBACK(test_an_ipv4_address_in_every_form),
        LOOPBACK(test_datagrams_of_many_pieces),
        LOOPBACK(test_datagrams_from_strangers_leave_no_trace),
        LOOPBACK(test_sending_binds_by_the_policy),
        LOOPBACK(test_datagrams_end_where_reading_was_shut),
        LOOPBACK(test_sending_to_nobody_binds_nothing),
        CLOSED(test_nothing_without_a_rule),
        LOOPBACK(test_listen_without_bind),
        LOOPBACK(test_accepted_sockets_stay_what_they_are),
        LOOPBACK(test_addresses_that_are_none),
        LOOPBACK(test_descriptors_that_are_no_sockets),
        LOOPBACK(test_dropped_sockets_leak_nothing),

        LOOPBACK(test_options),
        LOOPBACK(test_keep_alive_times_and_families),
        LOOPBACK(test_linger),
        LOOPBACK(test_receive_timeout),
        LOOPBACK(test_timeouts_of_plain_reads_and_writes),
        LOOPBACK(test_unix_paths),
        LOOPBACK(test_unix_datagrams),
        BATCH(test_a_poll_reads_ahead),
        BATCH(test_places_follow_their_descriptors),
        BATCH(test_what_was_left_is_sent_before_any_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
