/* What a refusal says on stderr: the option that would help, and never one that would not. */
#include "tests/unit/vmm/net/fixture.h"

static char told[1024]; /* the last line */

static void tell(void *context, const char *text)
{
    (void)context;
    snprintf(told, sizeof told, "%s", text);
}

static void says(const char *wanted, bool names, enum net_proto proto, const char *ip,
                 uint16_t port)
{
    struct outlet outlet = { .tell = tell }, *before = outlet_use(&outlet);
    struct endpoint e = { .port = port };
    assert_true(ip_parse(ip, &e.ip));
    wasi->net->names = names;
    wasi->net->lines.left = 9;
    assert_int_equal(net_refuse(wasi->net, "connect to", USE_CONNECT, proto, &e, NULL), WASI_ACCES);
    outlet_use(before);
    if (!strstr(told, wanted))
        print_error("%s\n", told);
    assert_non_null(strstr(told, wanted));
}

/* A library that finds no resolv.conf asks this host: it wants names, and a rule for that port
 * would give it none. */
static void test_lookups_want_a_resolver(void **state)
{
    (void)state;
    static const char hint[] =
        "127.0.0.1:53 refused: no rule allows it (names are looked up with --allow-dns)";
    says(hint, false, NET_UDP, "127.0.0.1", 53);
    says(hint, false, NET_TCP, "127.0.0.1", 53);
    says("[::1]:53 refused: no rule allows it (names are looked up with --allow-dns)", false,
         NET_UDP, "::1", 53);
    says("a lookup is refused: there is no resolver (--allow-dns)", false, NET_UDP, "192.0.2.53",
         53);
}

static void test_others_want_a_rule(void **state)
{
    (void)state;
    /* names are there */
    says("(--allow-connect udp:127.0.0.1:53)", true, NET_UDP, "127.0.0.1", 53);
    says("(--allow-connect udp:127.0.0.1:54)", false, NET_UDP, "127.0.0.1", 54);
    says("(--allow-connect udp:127.0.0.2:53)", false, NET_UDP, "127.0.0.2", 53);
    says("(--allow-connect udp:9.9.9.9:53)", false, NET_UDP, "9.9.9.9", 53);
    says("(--allow-connect 192.0.2.53:53)", true, NET_TCP, "192.0.2.53", 53);
    says("(--allow-connect [::1]:80)", false, NET_TCP, "::1", 80);
}

/* ---- standard error that nobody reads ---- */

/* Fills the pipe; to its last byte, so that nothing more is taken. */
static void fill(int end)
{
    while (write(end, "x", 1) == 1) {}
}

/* All that lies in the pipe, which is what was said. */
static char *drain(int end, char *all, size_t cap)
{
    size_t n = 0;
    for (ssize_t got; n < cap - 1 && (got = read(end, all + n, cap - 1 - n)) > 0;)
        n += (size_t)got;
    all[n] = 0;
    return all + strspn(all, "x");
}

/* The program goes on, the lines are lost and counted, and they use up none of those that may be
 * said. */
static void test_lines_that_nobody_reads(void **state)
{
    (void)state;
    static char all[1 << 20];
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    struct outlet outlet = { .to_stream = true, .stream = ends[1] },
                  *before = outlet_use(&outlet);
    net_tell(wasi->net, "first");
    assert_string_equal(drain(ends[0], all, sizeof all), "wasmvm: first\n");
    fill(ends[1]);
    for (int i = 0; i < 30; i++) /* more than may be said at once */
        net_tell(wasi->net, "unread %d", i);
    assert_int_equal(wasi->net->lines.lost, 30);
    assert_string_equal(drain(ends[0], all, sizeof all), "");
    net_tell(wasi->net, "second");
    net_tell(wasi->net, "third");
    assert_string_equal(drain(ends[0], all, sizeof all),
                        "wasmvm: second (30 such lines left out before)\nwasmvm: third\n");
    assert_int_equal(outlet.lost, 0); /* by the pace they were left out, and not in the middle */
    outlet_use(before);
    close(ends[0]);
    close(ends[1]);
}

/* ---- records ---- */

static char log_file[64];

static int logged_setup(void **state)
{
    (void)state;
    strcpy(log_file, "/tmp/wasi-log-XXXXXX");
    close(mkstemp(log_file));
    return net_setup(&(struct settings){
        .allow_connect = WORDS("127.0.0.1", "udp:127.0.0.1"),
        .allow_listen = WORDS("127.0.0.1", "udp:127.0.0.1"),
        .net_log = log_file,
        .allow_unix = true,
    });
}

static int logged_teardown(void **state)
{
    int failed = teardown(state);
    unlink(log_file);
    return failed;
}

/* How many records the log has by now with this event and protocol. */
static unsigned records(const char *event, const char *proto)
{
    char line[2048], begins[64], has[64];
    unsigned n = 0;
    FILE *file = fopen(log_file, "r");
    snprintf(begins, sizeof begins, "\"event\":\"%s\"", event);
    snprintf(has, sizeof has, "\"proto\":\"%s\"", proto);
    while (fgets(line, sizeof line, file))
        n += strstr(line, begins) && strstr(line, has);
    fclose(file);
    return n;
}

/* A datagram socket is used from its bind on, a stream from its listen or connect on: each once. */
static void test_each_use_has_one_record(void **state)
{
    (void)state;
    uint16_t port;
    uint32_t u = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    assert_int_equal(records("bind", "udp"), 0);
    OK(sock_bind, u, addr4("127.0.0.1"), 0);
    assert_int_equal(records("bind", "udp"), 1);
    uint32_t l = listener(&port), c = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    assert_int_equal(records("bind", "tcp"), 0);
    assert_int_equal(records("listen", "tcp"), 1);
    OK(sock_listen, l, 9);
    assert_int_equal(records("listen", "tcp"), 1);
    OK(sock_connect, c, addr4("127.0.0.1"), port);
    assert_int_equal(records("connect", "tcp"), 1);
    OK(sock_accept, l, 0, OUT);
    assert_int_equal(records("accept", "tcp"), 1);
    assert_int_equal(records("close", "tcp"), 0);
    OK(fd_close, out32());
    assert_int_equal(records("close", "tcp"), 1);
}

/* The same for paths, by which the kernel's sockets are found. */
static void test_unix_sockets_have_records(void **state)
{
    (void)state;
    uint32_t l = opened_socket(FAMILY_UNIX, SOCKTYPE_STREAM),
             c = opened_socket(FAMILY_UNIX, SOCKTYPE_STREAM);
    OK(sock_bind, l, storage(FAMILY_UNIX, "/sub/s", 6), 0);
    OK(sock_listen, l, 1);
    assert_int_equal(records("listen", "unix"), 1);
    assert_int_equal(records("connect", "unix"), 0);
    OK(sock_connect, c, storage(FAMILY_UNIX, "/sub/s", 6), 0);
    assert_int_equal(records("connect", "unix"), 1);
    OK(sock_accept, l, 0, OUT);
    assert_int_equal(records("accept", "unix"), 1);
    OK(fd_close, out32());
    OK(fd_close, c);
    assert_int_equal(records("connect", "unix"), 1);
    assert_int_equal(records("close", "unix"), 2);
}

/* ---- values that are none ---- */

static void test_servers_that_are_none(void **state)
{
    (void)state;
    static const struct { const char *server; bool good;
    } rows[] = {
        { "127.0.0.1", true },   { "127.0.0.1:9", true },      { "[::1]:53", true },
        { "127.0.0.1:", false }, { "127.0.0.1:65536", false }, { "dns.test", false },
        { "", false },
    };
    static struct kick kick;
    /* where names are allowed, and where they are not */
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        struct settings set = { .dns_server = WORDS(rows[i / 2].server),
                                .allow_dns = i % 2 ? "" : NULL };
        struct signals signals = SIGNALS_NONE;
        struct config config = { .set = &set, .signals = &signals };
        struct failure why = { 0 };
        struct wasi *w = wasi_alloc(&mem, &kick, &net_parts);
        if (wasi_open(w, &config, &why) != rows[i / 2].good)
            fail_msg("%s: %s", rows[i / 2].server, why.text);
        wasi_close(w);
        signals_end(&signals);
    }
}

#define LOGGED(name) cmocka_unit_test_setup_teardown(name, logged_setup, logged_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK(test_lookups_want_a_resolver), LOOPBACK(test_others_want_a_rule),
        LOOPBACK(test_lines_that_nobody_reads),
        LOGGED(test_each_use_has_one_record), LOGGED(test_unix_sockets_have_records),
        cmocka_unit_test(test_servers_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
