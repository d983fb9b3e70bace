/* A guest that wants past the policy: what it does with its sockets one after the other, and under
 * which names. */
#include <sys/un.h>

#include "tests/unit/vmm/net/fixture.h"

/* An IPv6 socket talks IPv4 by mapped addresses: the rules of IPv4 are what counts. */
static void test_mapped_addresses_on_ipv6_sockets(void **state)
{
    (void)state;
    uint16_t port, friend_port, stranger_port;
    listener(&port);
    int friend = host_socket("127.0.0.1", &friend_port),
        stranger = host_socket("127.0.0.5", &stranger_port);
    uint32_t c = opened_socket(FAMILY_INET6, SOCKTYPE_STREAM),
             udp = opened_socket(FAMILY_INET6, SOCKTYPE_DGRAM);
    ERR(ACCES, sock_connect, c, addr6("::ffff:127.0.0.2"), port);
    ERR(ACCES, sock_connect, c, addr6("::ffff:127.0.0.1"), 9); /* --deny 127.0.0.1:9 */
    ERR(ACCES, sock_connect, c, addr6("64:ff9b::7f00:1"), port);
    ERR(ACCES, sock_connect, c, addr6("2002:7f00:1::"), port);
    ERR(ACCES, sock_connect, c, addr6("::127.0.0.1"), port);
    OK(sock_connect, c, addr6("::ffff:0.0.0.0"), port); /* 127.0.0.1 */
    OK(sock_getpeeraddr, c, room(), PORT_OUT);
    assert_memory_equal(guest + ADDR_BUF + 2, "\0\0\0\0\0\0\0\0\0\0\xff\xff\177\0\0\1", 16);
    assert_int_equal(g32(PORT_OUT), port);
    ERR(ACCES, sock_bind, udp, addr6("::ffff:127.0.0.2"), 0);
    static const char *const locals[] = { "::", "::ffff:0.0.0.0", "::ffff:127.0.0.1" };
    /* of all forms of a client's address, only who may be talked to is heard */
    for (int i = 0; i < 3; i++) {
        udp = opened_socket(FAMILY_INET6, SOCKTYPE_DGRAM);
        ERR(ACCES, sock_bind, udp, addr6("::"), 5353);
        OK(sock_bind, udp, addr6(locals[i]), 0);
        OK(fd_fdstat_set_flags, udp, FDFLAG_NONBLOCK);
        uint16_t mine = local_port(udp);
        host_send(stranger, mine, "secret");
        ERR(AGAIN, fd_read, udp, iov(BUF, 64), 1, OUT);
        host_send(friend, mine, "hello");
        OK(fd_read, udp, iov(BUF, 64), 1, OUT);
        assert_int_equal(out32(), 5);
    }
    struct endpoint e = { .port = 0 };
    assert_true(ip_parse("::ffff:127.0.0.2", &e.ip));
    ERR(ACCES, sock_send_to, udp, iov(BUF, 3), 1, storage(FAMILY_INET6, e.ip.b, 16), friend_port, 0,
        OUT);
    assert_true(ip_parse("::ffff:127.0.0.1", &e.ip));
    OK(sock_send_to, udp, iov(BUF, 3), 1, storage(FAMILY_INET6, e.ip.b, 16), friend_port, 0, OUT);
    close(friend);
    close(stranger);
}

/* What a refused call leaves behind: the socket as it was. */
static void test_connecting_twice(void **state)
{
    (void)state;
    uint16_t port, other, friend_port;
    uint32_t l = listener(&port), c = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    listener(&other);
    int friend = host_socket("127.0.0.1", &friend_port);
    OK(fd_fdstat_set_flags, c, FDFLAG_NONBLOCK);
    uint32_t err = CALL(sock_connect, c, addr4("127.0.0.1"), port);
    assert_true(err == WASI_INPROGRESS || err == WASI_SUCCESS);
    OK(sock_accept, l, 0, OUT);
    ERR(ISCONN, sock_connect, c, addr4("127.0.0.2"), port);
    ERR(ISCONN, sock_connect, c, addr4("127.0.0.1"), other);
    OK(sock_getpeeraddr, c, room(), PORT_OUT);
    assert_int_equal(g32(PORT_OUT), port);
    ERR(ACCES, sock_listen, c, 1);
    ERR(INVAL, sock_bind, c, addr4("127.0.0.1"), 0); /* the kernel's word */
    /* Datagrams: another peer by another connect, which is checked like the first; none by a family
     * that is none. */
    uint32_t udp = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    ERR(ACCES, sock_listen, c, 1);
    OK(sock_connect, udp, addr4("127.0.0.1"), friend_port);
    uint16_t mine = local_port(udp);
    ERR(ACCES, sock_connect, udp, addr4("127.0.0.2"), friend_port);
    ERR(ACCES, sock_connect, udp, addr4("127.0.0.1"), 9);
    ERR(AFNOSUPPORT, sock_connect, udp, storage(FAMILY_UNSPEC, "", 1), 0);
    ERR(ISCONN, sock_send_to, udp, iov(BUF, 1), 1, storage(FAMILY_INET4, "\177\0\0\2", 4),
        friend_port, 0, OUT);
    assert_int_equal(write_text(udp, "hello"), WASI_SUCCESS);
    char got[8];
    assert_int_equal(recv(friend, got, sizeof got, 0), 5);
    assert_int_equal(local_port(udp), mine);
    close(friend);
}

static void test_bound_then_connected(void **state)
{
    (void)state;
    uint16_t port;
    listener(&port);
    uint32_t c = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    OK(sock_bind, c, addr4("127.0.0.1"), 0);
    uint16_t mine = local_port(c);
    ERR(INVAL, sock_bind, c, addr4("127.0.0.1"), 0);
    ERR(ACCES, sock_bind, c, addr4("127.0.0.2"), 0);
    ERR(ACCES, sock_connect, c, addr4("127.0.0.2"), port);
    OK(sock_connect, c, addr4("127.0.0.1"), port);
    assert_int_equal(local_port(c), mine);
    ERR(INVAL, sock_listen, c, 1); /* the kernel's word: it is a connection */
}

/* A number that was a socket's is a new socket's: nothing of the old one is left to it. */
static void test_numbers_used_again(void **state)
{
    (void)state;
    uint16_t port, friend_port;
    listener(&port);
    int friend = host_socket("127.0.0.1", &friend_port);
    uint32_t c = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    OK(sock_bind, c, addr4("127.0.0.1"), 0);
    OK(sock_connect, c, addr4("127.0.0.1"), port);
    OK(fd_close, c);
    uint32_t fresh = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    assert_int_equal(fresh, c);
    ERR(NOTCONN, sock_getpeeraddr, fresh, room(), PORT_OUT);
    ERR(ACCES, sock_listen, fresh, 1);
    ERR(ACCES, sock_connect, fresh, addr4("127.0.0.2"), port);
    /* Renumbered: a socket in the place of another, and of a directory. */
    uint32_t udp = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    OK(sock_bind, udp, addr4("127.0.0.1"), 0);
    OK(fd_renumber, fresh, udp);
    ERR(BADF, sock_listen, fresh, 1);
    ERR(ACCES, sock_listen, udp, 1); /* unbound, as it was under its first number */
    ERR(NOTCONN, sock_send_to, udp, iov(BUF, 1), 1, storage(FAMILY_INET4, "\177\0\0\1", 4),
        friend_port, 0, OUT);
    ERR(ACCES, sock_connect, udp, addr4("127.0.0.2"), port);
    OK(fd_renumber, udp, ROOT);
    assert_true(OPEN(ROOT, "file", 0, GO_RDONLY, 0) != WASI_SUCCESS);
    OK(sock_connect, ROOT, addr4("127.0.0.1"), port);
    assert_int_equal(wasi->net->sockets, 2);
    close(friend);
}

/* 192.0.2.53 is the resolver only to IPv4 sockets without an address, at port 53, where there is
 * one. */
static int named_setup(void **state)
{
    (void)state;
    return net_setup(&(struct settings){
        .allow_dns = "",
        .dns_server = WORDS("127.0.0.1:9"),
        .allow_connect = WORDS("127.0.0.1", "udp:127.0.0.1"),
        .allow_listen = WORDS("127.0.0.1", "udp:127.0.0.1"),
    });
}

static void test_the_resolver_is_no_way_out(void **state)
{
    (void)state;
    uint16_t port;
    listener(&port);
    static const struct { uint32_t family, type; const char *ip; uint32_t port;
    } not_it[] = {
        { FAMILY_INET4, SOCKTYPE_DGRAM, "192.0.2.53", 54 },
        { FAMILY_INET4, SOCKTYPE_STREAM, "192.0.2.53", 80 },
        { FAMILY_INET4, SOCKTYPE_DGRAM, "192.0.2.52", 53 },
        { FAMILY_INET6, SOCKTYPE_DGRAM, "::ffff:192.0.2.53", 53 },
        { FAMILY_INET6, SOCKTYPE_STREAM, "::ffff:192.0.2.53", 53 },
    };
    for (size_t i = 0; i < sizeof not_it / sizeof *not_it; i++) {
        uint32_t fd = opened_socket(not_it[i].family, not_it[i].type);
        ERR(ACCES, sock_connect, fd,
            not_it[i].family == FAMILY_INET4 ? addr4(not_it[i].ip) : addr6(not_it[i].ip),
            not_it[i].port);
        OK(fd_close, fd);
    }
    uint32_t bound = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    OK(sock_bind, bound, addr4("127.0.0.1"), 0);
    ERR(ACCES, sock_connect, bound, addr4("192.0.2.53"), 53);
    ERR(ACCES, sock_send_to, bound, iov(BUF, 1), 1, storage(FAMILY_INET4, "\300\0\2\65", 4), 53, 0,
        OUT);
    for (uint32_t type = SOCKTYPE_DGRAM; type <= SOCKTYPE_STREAM; type++) {
        uint32_t fd = opened_socket(FAMILY_INET4, type);
        OK(sock_connect, fd, addr4("192.0.2.53"), 53);
        ERR(ISCONN, sock_connect, fd, addr4("127.0.0.1"), port);
        ERR(ISCONN, sock_connect, fd, addr4("192.0.2.53"), 53);
        assert_true(CALL(sock_bind, fd, addr4("127.0.0.1"), 0) != WASI_SUCCESS);
        assert_true(CALL(sock_listen, fd, 1) != WASI_SUCCESS);
        ERR(INVAL, sock_accept, fd, 0, OUT);
        ERR(ISCONN, sock_send_to, fd, iov(BUF, 1), 1, storage(FAMILY_INET4, "\177\0\0\1", 4), port,
            0, OUT);
        OK(sock_getpeeraddr, fd, room(), PORT_OUT);
        assert_memory_equal(guest + ADDR_BUF, "\1\0\300\0\2\65", 6);
        assert_int_equal(g32(PORT_OUT), 53);
        OK(fd_close, fd);
    }
    assert_int_equal(wasi->net->sockets, 2);
}

/* Links that lead out of what is granted, names that are no paths: no socket of the host's is found
 * by them. */
static void test_unix_paths_lead_nowhere_else(void **state)
{
    (void)state;
    char outside[96], text[128];
    snprintf(outside, sizeof outside, "%s.outside", root);
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    strcpy(un.sun_path, outside);
    int host = socket(AF_UNIX, SOCK_STREAM, 0), host_dgram = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_return_code(bind(host, (struct sockaddr *)&un, sizeof un), errno);
    assert_return_code(listen(host, 5), errno);
    strcat(un.sun_path, "d");
    assert_return_code(bind(host_dgram, (struct sockaddr *)&un, sizeof un), errno);
    snprintf(text, sizeof text, "../%s.outside", strrchr(root, '/') + 1);
    assert_return_code(symlink(outside, host_path("abs")), errno);
    assert_return_code(symlink(text, host_path("up")), errno);
    assert_return_code(symlink("/tmp", host_path("tmp")), errno);
    assert_return_code(symlink("sub", host_path("within")), errno);
    snprintf(text, sizeof text, "/tmp/%s.outside", strrchr(root, '/') + 1);
    const char *ways[] = {
        "/abs", "/up", text, "/../..", outside, "/sub/../../x", "/proc/self/fd/0", "/within/../up"
    };
    uint32_t stream = opened_socket(FAMILY_UNIX, SOCKTYPE_STREAM),
             dgram = opened_socket(FAMILY_UNIX, SOCKTYPE_DGRAM);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        uint32_t err = CALL(sock_connect, stream,
                            storage(FAMILY_UNIX, ways[i], strlen(ways[i]) + 1), 0);
        uint32_t sent = CALL(sock_send_to, dgram, iov(BUF, 5), 1,
                             storage(FAMILY_UNIX, ways[i], strlen(ways[i]) + 1), 0, 0, OUT);
        /* LOOP: absolute links lead on from "/", where tmp leads to itself. */
        if ((err != WASI_PERM && err != WASI_NOENT && err != WASI_LOOP) || sent != err)
            print_error("%s: %u %u\n", ways[i], err, sent), assert_true(false);
        uint32_t fresh = opened_socket(FAMILY_UNIX, SOCKTYPE_STREAM);
        assert_true(CALL(sock_bind, fresh, storage(FAMILY_UNIX, ways[i], strlen(ways[i]) + 1), 0) !=
                    WASI_SUCCESS);
        OK(fd_close, fresh);
    }
    snprintf(text, sizeof text, "/tmp/%s.outsided", strrchr(root, '/') + 1);
    assert_true(CALL(sock_send_to, dgram, iov(BUF, 5), 1,
                     storage(FAMILY_UNIX, text, strlen(text) + 1), 0, 0, OUT) != WASI_SUCCESS);
    fcntl(host, F_SETFL, O_NONBLOCK);
    assert_true(recv(host_dgram, text, sizeof text, MSG_DONTWAIT) < 0 &&
                accept(host, NULL, NULL) < 0);
    ERR(INVAL, sock_bind, stream, storage(FAMILY_UNIX, "\0abstract", 9), 0);
    ERR(INVAL, sock_bind, stream, storage(FAMILY_UNIX, "", 1), 0);
    ERR(INVAL, sock_send_to, dgram, iov(BUF, 5), 1, storage(FAMILY_UNIX, "\0abstract", 9), 0, 0,
        OUT);
    OK(sock_bind, stream, storage(FAMILY_UNIX, "/within/s", 9), 0); /* a link that stays inside */
    assert_true(host_has("sub/s"));
    ERR(INVAL, sock_bind, stream, storage(FAMILY_UNIX, "/t", 2), 0); /* one name each */
    close(host);
    close(host_dgram);
    unlink(outside);
    unlink(un.sun_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK(test_mapped_addresses_on_ipv6_sockets), LOOPBACK(test_connecting_twice),
        LOOPBACK(test_bound_then_connected), LOOPBACK(test_numbers_used_again),
        cmocka_unit_test_setup_teardown(test_the_resolver_is_no_way_out, named_setup, teardown),
        LOOPBACK(test_unix_paths_lead_nowhere_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
