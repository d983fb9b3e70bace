/* What the tests of the socket calls share: addresses in guest memory, and sockets of the guest and
 * of the host, under rules for loopback. */
#ifndef TESTS_NET_FIXTURE_H
#define TESTS_NET_FIXTURE_H

#include <arpa/inet.h>
#include <sys/socket.h>

#include "tests/unit/vmm/wasi/fixture.h"

#include "vmm/net/inside.h"

enum {
    ADDR = 0x9000,
    ADDR_BUF = 0x9100,
    PORT_OUT = 0x9300,
    TYPE_OUT = 0x9310,
    FLAGS_OUT = 0x9320,
    VALUE = 0x9400,
    LEN_OUT = 0x9500
};
enum { TCP4 = 4, TCP6 = 16, STORAGE = 128 };

static struct grant grants[1];

static inline int net_setup(const struct settings *net)
{
    static char *args[] = { "app.wasm" };
    signal(SIGPIPE, SIG_IGN);
    kicked = 0;
    waits = 0;
    memory_make();
    root_make();
    grants[0] = (struct grant){ .host = root, .guest = "/" };
    struct config config = { .args = args, .argc = 1, .grants = grants, .ngrants = 1, .set = net };
    wasi = wasi_new(&config);
    return 0;
}

#define WORDS(...)                                                                                 \
    {                                                                                              \
        (const char *[]){ __VA_ARGS__ }, sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)  \
    }

static inline int loopback_setup(void **state)
{
    (void)state;
    return net_setup(&(struct settings){
        .allow_connect = WORDS("127.0.0.1", "udp:127.0.0.1", "[::1]"),
        .allow_unix = true,
        .allow_listen = WORDS("127.0.0.1", "udp:127.0.0.1", "[::1]:0", "udp:127.0.0.3"),
        .deny = WORDS("127.0.0.1:9"),
    });
}

static inline void p32(uint64_t at, uint32_t v)
{
    memcpy(guest + at, &v, 4);
}

static inline uint32_t g32(uint64_t at)
{
    uint32_t v;
    memcpy(&v, guest + at, 4);
    return v;
}

/* An address descriptor at ADDR with `len` bytes at ADDR_BUF. */
static inline uint64_t addr(const void *bytes, uint32_t len)
{
    p32(ADDR, ADDR_BUF);
    p32(ADDR + 4, len);
    if (bytes)
        memcpy(guest + ADDR_BUF, bytes, len);
    return ADDR;
}

static inline uint64_t addr4(const char *text)
{
    uint8_t b[4];
    assert_int_equal(inet_pton(AF_INET, text, b), 1);
    return addr(b, TCP4);
}

static inline uint64_t addr6(const char *text)
{
    uint8_t b[16];
    assert_int_equal(inet_pton(AF_INET6, text, b), 1);
    return addr(b, TCP6);
}

static inline uint64_t storage(uint16_t family, const void *bytes, size_t n)
{
    uint8_t b[STORAGE] = { (uint8_t)family, (uint8_t)(family >> 8) };
    memcpy(b + 2, bytes, n);
    return addr(b, STORAGE);
}

static inline uint64_t room(void)
{
    memset(guest + ADDR_BUF, 0, STORAGE);
    return addr(NULL, STORAGE);
}

static inline uint32_t opened_socket(uint32_t family, uint32_t type)
{
    OK(sock_open, family, type, OUT);
    return out32();
}

static inline uint16_t local_port(uint32_t fd)
{
    OK(sock_getlocaladdr, fd, room(), PORT_OUT);
    return (uint16_t)g32(PORT_OUT);
}

/* A listener of the guest on 127.0.0.1; its port. */
static inline uint32_t listener(uint16_t *port)
{
    uint32_t fd = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    OK(sock_bind, fd, addr4("127.0.0.1"), 0);
    OK(sock_listen, fd, 64);
    *port = local_port(fd);
    return fd;
}

static inline int host_socket(const char *ip, uint16_t *port)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    inet_pton(AF_INET, ip, &in.sin_addr);
    assert_return_code(bind(fd, (struct sockaddr *)&in, len), errno);
    getsockname(fd, (struct sockaddr *)&in, &len);
    *port = ntohs(in.sin_port);
    return fd;
}

static inline void host_send(int fd, uint16_t port, const char *text)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    inet_pton(AF_INET, "127.0.0.1", &in.sin_addr);
    assert_true(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&in, sizeof in) >= 0);
}

#define LOOPBACK(name) cmocka_unit_test_setup_teardown(name, loopback_setup, teardown)

#endif
