/* The resolver's thread, with the guest's threads beside it that ask it and the policy; garbage
 * from a guest.  Built once more under ThreadSanitizer. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "tests/unit/vmm/cli/child.h"
#include "vmm/net/inside.h"

#define WORDS(...)                                                                                 \
    {                                                                                              \
        (const char *[]){ __VA_ARGS__ }, sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)  \
    }
enum { ASKERS = 4, SHARERS = 18, ROUNDS = 60 };

static struct net net;
static struct kick the_kick;
static struct dns *dns;
static int server;
static pthread_t server_thread;
static int questions; /* that the server was asked */
static uint64_t traffic; /* bytes that it got and sent */

/* ---- doubles ---- */

bool host_ready(int host, short events)
{
    (void)host, (void)events;
    return false; /* nothing is said on stderr */
}

int kick_ppoll(struct kick *kick, struct pollfd *fds, unsigned n, int64_t timeout_ns)
{
    (void)kick;
    return poll(fds, n, (int)(timeout_ns / 1000000));
}

void kick_stop(struct kick *kick, enum end_kind kind, uint32_t number)
{
    (void)kick, (void)kind, (void)number;
}

bool write_guard_all(struct kick *kick, int fd, const void *bytes, size_t len)
{
    (void)kick;
    return write_all(fd, bytes, len);
}

/* ---- a server that answers every question for an address with 203.0.113.7; an empty datagram ends
 * it ----
 *
 * Where it is told to lie it does so first, and a moment later tells the truth: 198.51.100.N is
 * what a lie says. */

enum lie {
    TRUTH,
    WRONG_ID,
    OTHER_NAME,
    OTHER_TYPE,
    OTHER_CLASS,
    A_QUESTION,
    CUT_SHORT,
    NO_QUESTION,
    LIES
};
static int lie; /* enum lie */

static size_t lie_build(uint8_t *out, size_t cap, const uint8_t *in, struct dns_question q)
{
    static const uint8_t bad[] = { 198, 51, 100, 7 };
    const struct dns_address a = { ip_from_v4(bad), 60 };
    size_t len = dns_answer_build(out, cap, in, &q, RCODE_OK, &a, true);
    switch (__atomic_load_n(&lie, __ATOMIC_RELAXED)) {
    case WRONG_ID: out[1] ^= 1; break;
    case OTHER_NAME: out[13] = 'x'; break;
    case OTHER_TYPE: out[q.end - 3] = DNS_AAAA; break;
    case OTHER_CLASS: out[q.end - 1] = 3; break;
    case A_QUESTION: out[2] &= 0x7f; break;
    case CUT_SHORT: len = q.end; break;
    case NO_QUESTION: out[5] = 0; break;
    default: return 0;
    }
    return len;
}

static void *answer(void *none)
{
    uint8_t in[2048], out[DNS_MESSAGE_MAX];
    static const uint8_t v4[] = { 203, 0, 113, 7 };
    const struct dns_address a = { ip_from_v4(v4), 60 };
    for (;;) {
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        struct dns_question q;
        ssize_t n = recvfrom(server, in, sizeof in, 0, (struct sockaddr *)&from, &len);
        if (n <= 0)
            return none;
        __atomic_fetch_add(&questions, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&traffic, (uint64_t)n, __ATOMIC_RELAXED);
        if (__atomic_load_n(&lie, __ATOMIC_RELAXED) != TRUTH &&
            dns_question_parse(in, (size_t)n, &q))
            sendto(server, out, lie_build(out, sizeof out, in, q), 0, (struct sockaddr *)&from,
                   len);
        if (!dns_question_parse(in, (size_t)n, &q))
            continue;
        size_t answer_len = dns_answer_build(out, sizeof out, in, &q, RCODE_OK, &a,
                                             q.type == DNS_A);
        __atomic_fetch_add(&traffic, answer_len, __ATOMIC_RELAXED);
        sendto(server, out, answer_len, 0, (struct sockaddr *)&from, len);
    }
}

static int setup(void **state)
{
    (void)state;
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    static char address[32];
    server = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(server, (struct sockaddr *)&at, len), 0);
    getsockname(server, (struct sockaddr *)&at, &len);
    snprintf(address, sizeof address, "127.0.0.1:%u", ntohs(at.sin_port));
    const struct settings config = {
        .allow_dns = "", .allow_connect = WORDS("app.test:80"), .dns_server = WORDS(address),
    };
    net = (struct net){ .kick = &the_kick, .names = true };
    sink_open(&net.log, open("/dev/null", O_WRONLY));
    pthread_mutex_init(&net.log_lock, NULL);
    pthread_mutex_init(&net.rate_lock, NULL);
    struct failure why;
    assert_true(policy_init(&net.policy, &config, &why));
    assert_int_equal(pthread_create(&server_thread, NULL, answer, NULL), 0);
    assert_true(dns_start(&net, &config, &why));
    dns = net.dns;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    getsockname(server, (struct sockaddr *)&at, &len);
    dns_stop(dns);
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    sendto(s, "", 0, 0, (struct sockaddr *)&at, len);
    pthread_join(server_thread, NULL);
    close(s);
    close(server);
    log_close(&net);
    policy_free(&net.policy);
    return 0;
}

static bool allowed(void)
{
    static const uint8_t v4[] = { 203, 0, 113, 7 };
    const struct endpoint e = { ip_from_v4(v4), 80 };
    const struct rule *by;
    return policy_check(&net.policy, USE_CONNECT, NET_TCP, &e, &by);
}

static void *ask(void *wrong)
{
    struct dns_address a[4];
    uint8_t rcode;
    for (int i = 0; i < ROUNDS; i++) {
        bool good = dns_lookup(dns, "app.test", DNS_A, false, a, 4, &rcode) == 1 && allowed() &&
                    dns_lookup(dns, "app.test", DNS_AAAA, false, a, 4, &rcode) == 0 &&
                    dns_lookup(dns, "other.test", DNS_A, false, a, 4, &rcode) == 0 &&
                    rcode == RCODE_REFUSED;
        __atomic_fetch_add((int *)wrong, !good, __ATOMIC_RELAXED);
    }
    return NULL;
}

static unsigned threads_now(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/task");
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

/* One that was waited for stays listed for some microseconds. */
static bool threads_become(unsigned n)
{
    for (int tries = 0; tries < 10000 && threads_now() != n; tries++)
        usleep(1000);
    return threads_now() == n;
}

/* The thread begins with the first lookup, and with the first after a rest. */
static void test_the_thread_begins_with_a_lookup(void **state)
{
    (void)state;
    struct dns_address a[4];
    uint8_t rcode;
    unsigned without = threads_now();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(dns_lookup(dns, "app.test", DNS_A, false, a, 4, &rcode), 1);
        assert_int_equal(threads_now(), without + 1);
        dns_rest(dns);
        assert_true(threads_become(without));
    }
}

static void test_many_ask_at_a_time(void **state)
{
    (void)state;
    pthread_t askers[ASKERS];
    int wrong = 0;
    assert_false(allowed()); /* nobody has asked for the name */
    for (int i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&askers[i], NULL, ask, &wrong), 0);
    for (int i = 0; i < 1000; i++)
        allowed();
    for (int i = 0; i < ASKERS; i++)
        pthread_join(askers[i], NULL);
    assert_int_equal(wrong, 0);
    assert_true(allowed());
}

/* ---- what the guest's threads share besides: each lock that is left out is a race for
 * ThreadSanitizer ---- */

static pthread_barrier_t together;

static void own_addresses_change(void)
{
    pthread_mutex_lock(&net.policy.lock);
    net.policy.own_read_s = 0;
    pthread_mutex_unlock(&net.policy.lock);
    policy_own_refresh(&net.policy);
}

/* Each thread does one thing: what it locks for another one would order what it does here. */
static void *share(void *number)
{
    static const uint8_t at[] = { 11, 1, 2, 3 };
    int which = *(int *)number;
    struct ip ip = ip_from_v4(at);
    const struct endpoint e = { ip, 80 };
    const struct rule *by;
    struct range range;
    pthread_barrier_wait(&together);
    for (int i = 0; i < ROUNDS; i++) {
        ip.b[15] = (uint8_t)(i * SHARERS + which);
        switch (which % 6) {
        case 0: own_addresses_change(); break;
        case 1: policy_check(&net.policy, USE_CONNECT, NET_TCP, &e, &by); break;
        case 2: policy_answer_add(&net.policy, "app.test", &ip, 60); break;
        case 5: range_find(&net.policy, &ip, &range); break;
        case 3: net_tell(&net, "a line of thread %d", which); break;
        default: net_record(&net, &(struct net_record){ .event = "close", .verdict = "allowed" });
        }
    }
    return NULL;
}

/* Own addresses that are read anew, records, lines and answers of all at once. */
static void test_what_threads_share(void **state)
{
    (void)state;
    pthread_t threads[SHARERS];
    int numbers[SHARERS];
    pthread_barrier_init(&together, NULL, SHARERS);
    for (int i = 0; i < SHARERS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, share, &numbers[i]), 0);
    }
    for (int i = 0; i < SHARERS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&together);
}

static size_t question(uint8_t *frame, const char *name)
{
    size_t len = dns_query_build(frame + 2, 7, name, DNS_A);
    frame[0] = (uint8_t)(len >> 8);
    frame[1] = (uint8_t)len;
    return len + 2;
}

static bool readable(int fd, int ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, ms) == 1;
}

static void test_questions_in_pieces_as_by_tcp(void **state)
{
    (void)state;
    uint8_t two[2 * (2 + DNS_MESSAGE_MAX)], got[1024];
    size_t one = question(two, "app.test"), all = one + question(two + one, "app.test"), n = 0;
    int fd = dns_connect(dns, false, true);
    for (size_t i = 0; i < all; i++)
        assert_int_equal(send(fd, two + i, 1, MSG_NOSIGNAL), 1);
    for (int i = 0; i < 2; i++) {
        n = 0;
        while (n < 2 || n < 2u + ((size_t)got[0] << 8 | got[1])) {
            assert_true(readable(fd, 5000));
            ssize_t r = recv(fd, got + n, n < 2 ? 2 - n : 2 + ((size_t)got[0] << 8 | got[1]) - n,
                             MSG_DONTWAIT);
            assert_true(r > 0);
            n += (size_t)r;
        }
        struct dns_address a[2];
        uint8_t rcode;
        assert_int_equal(dns_addresses_parse(got + 2, n - 2, DNS_A, a, 2, &rcode), 1);
    }
    close(fd);
}

static bool is_answered(int fd)
{
    uint8_t message[DNS_MESSAGE_MAX];
    size_t len = dns_query_build(message, 7, "app.test", DNS_A);
    return send(fd, message, len, MSG_NOSIGNAL) == (ssize_t)len && readable(fd, 60000) &&
           recv(fd, message, sizeof message, MSG_DONTWAIT) > 0;
}

/* Who comes when all places are taken finds a closed end, and the others are answered as before;
 * with the next one that leaves there is a place again. */
static void test_more_clients_than_places(void **state)
{
    (void)state;
    enum { PLACES = 64 };
    char none;
    int fds[PLACES], before = host_descriptors();
    for (int i = 0; i < PLACES; i++)
        assert_true((fds[i] = dns_connect(dns, false, false)) >= 0);
    for (int again = 0; again < 3; again++) {
        int late = dns_connect(dns, false, again % 2);
        assert_true(late >= 0 && readable(late, 60000));
        assert_int_equal(recv(late, &none, 1, MSG_DONTWAIT), 0);
        close(late);
        assert_int_equal(host_descriptors(), before + 2 + 2 * PLACES); /* 2: the bell's */
        for (int i = 0; i < PLACES; i++)
            assert_true(is_answered(fds[i]));
        close(fds[again]);
        assert_true(is_answered(fds[again] = dns_connect(dns, false, false)));
    }
    for (int i = 0; i < PLACES; i++)
        close(fds[i]);
}

/* What is answered to a question of this type and class; how many records in *n. */
static int rcode_of(const char *name, uint16_t type, uint8_t class, unsigned *n)
{
    uint8_t message[DNS_MESSAGE_MAX];
    size_t len = dns_query_build(message, 7, name, type);
    struct dns_question q;
    assert_true(dns_question_parse(message, len, &q));
    message[q.end - 1] = class;
    int fd = dns_connect(dns, false, false);
    send(fd, message, len, MSG_NOSIGNAL);
    assert_true(readable(fd, 5000));
    ssize_t got = recv(fd, message, sizeof message, MSG_DONTWAIT);
    close(fd);
    assert_true(got > 12);
    *n = (unsigned)message[6] << 8 | message[7];
    return message[3] & 15;
}

/* A rule on a name means its addresses: other records of it, and other names, are no way to whoever
 * runs its server. */
static void test_only_addresses_are_asked_for(void **state)
{
    (void)state;
    static const uint16_t others[] = { 2, 5, 12, 15, 16, 33, 65, 252, 255, 0 };
    unsigned n;
    int before = __atomic_load_n(&questions, __ATOMIC_RELAXED);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_true(rcode_of("app.test", others[i], 1, &n) == RCODE_OK && n == 0);
    assert_int_equal(rcode_of("app.test", DNS_A, 3, &n), RCODE_REFUSED);
    static const char *const names[] = { "other.test", "x.app.test", "app.test.test", "test",
                                         "pp.test" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (uint16_t type = 1; type < 30; type += 9)
            assert_true(rcode_of(names[i], type, 1, &n) == RCODE_REFUSED && n == 0);
    assert_int_equal(__atomic_load_n(&questions, __ATOMIC_RELAXED), before);
    assert_true(rcode_of("aPP.Test", DNS_A, 1, &n) == RCODE_OK && n == 1);
    assert_int_equal(__atomic_load_n(&questions, __ATOMIC_RELAXED), before + 1);
}

/* A question of --net-bytes and its answer, as they were on the network. */
static uint64_t bytes_of_one(void)
{
    unsigned n;
    uint64_t before = __atomic_load_n(&net.bytes, __ATOMIC_RELAXED);
    assert_true(rcode_of("app.test", DNS_A, 1, &n) == RCODE_OK && n == 1);
    return __atomic_load_n(&net.bytes, __ATOMIC_RELAXED) - before;
}

/* What lookups move over the network counts, both ways; what never gets there does not. */
static void test_lookups_count_as_bytes(void **state)
{
    (void)state;
    unsigned n;
    struct dns_address a[4];
    uint8_t rcode;
    uint64_t before = __atomic_load_n(&traffic, __ATOMIC_RELAXED), one = bytes_of_one();
    assert_true(one > 40 && one == __atomic_load_n(&traffic, __ATOMIC_RELAXED) - before);
    assert_int_equal(rcode_of("other.test", DNS_A, 1, &n), RCODE_REFUSED);
    assert_int_equal(rcode_of("localhost", DNS_A, 1, &n), RCODE_OK);
    dns_lookup(dns, "app.test", DNS_A, true, a, 4, &rcode); /* the monitor's own */
    assert_int_equal(net.bytes, one);
    net.max_bytes = one + 1;
    assert_int_equal(bytes_of_one(), one); /* the last may go beyond */
    net.max_bytes = 2 * one;
    int asked = __atomic_load_n(&questions, __ATOMIC_RELAXED);
    assert_int_equal(rcode_of("app.test", DNS_A, 1, &n), RCODE_REFUSED);
    assert_int_equal(rcode_of("localhost", DNS_A, 1, &n), RCODE_OK);
    assert_int_equal(__atomic_load_n(&questions, __ATOMIC_RELAXED), asked);
    assert_int_equal(dns_lookup(dns, "app.test", DNS_A, true, a, 4, &rcode), 1);
}

/* A lookup is one connection of --net-rate. */
static void test_lookups_count_as_connections(void **state)
{
    (void)state;
    unsigned n, refused = 0;
    net.max_rate = 100;
    /* if that ends meanwhile, the next begins with none */
    net.rate_s = clock_now_ns() / 1000000000u;
    net.rate_used = 98;
    assert_int_equal(rcode_of("app.test", DNS_A, 1, &n), RCODE_OK);
    assert_true(net.rate_used == 99 || net.rate_used == 1);
    assert_int_equal(rcode_of("app.test", DNS_A, 1, &n), RCODE_OK);
    for (int i = 0; i < 100 && refused < 3; i++) { /* not all have met the end of a second */
        net.rate_s = clock_now_ns() / 1000000000u;
        net.rate_used = 100;
        refused += rcode_of("app.test", DNS_A, 1, &n) == RCODE_REFUSED;
    }
    assert_int_equal(refused, 3);
    net.rate_used = 100;
    assert_int_equal(rcode_of("localhost", DNS_A, 1, &n), RCODE_OK); /* costs nothing */
}

/* An answer with another number, name, type or class, or that is none, is no answer: the next one
 * may be. */
static void test_a_server_that_lies(void **state)
{
    (void)state;
    static const uint8_t v4[] = { 203, 0, 113, 7 };
    for (int i = WRONG_ID; i < LIES; i++) {
        struct dns_address a[4];
        uint8_t rcode;
        __atomic_store_n(&lie, i, __ATOMIC_RELAXED);
        int n = dns_lookup(dns, "app.test", DNS_A, false, a, 4, &rcode);
        __atomic_store_n(&lie, TRUTH, __ATOMIC_RELAXED);
        /* its question was the right one; that is one way to end it */
        if (i == CUT_SHORT && n <= 0)
            continue;
        struct ip good = ip_from_v4(v4);
        if (n != 1 || memcmp(&a[0].ip, &good, sizeof good) != 0)
            print_error("lie %d\n", i);
        assert_true(n == 1 && memcmp(&a[0].ip, &good, sizeof good) == 0);
    }
}

static void test_garbage(void **state)
{
    (void)state;
    uint8_t junk[5000];
    uint32_t seed = 1;
    for (int i = 0; i < 300; i++) {
        int fd = dns_connect(dns, false, i % 2);
        for (size_t j = 0; j < sizeof junk; j++)
            junk[j] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
        junk[0] = (uint8_t)(i % 3 ? junk[0] : 0);
        send(fd, junk, i % 7 ? seed % sizeof junk : 0, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
    }
    /* A length that is none ends the connection. */
    int fd = dns_connect(dns, false, true);
    send(fd, "\0\0", 2, MSG_NOSIGNAL);
    assert_true(readable(fd, 5000));
    assert_int_equal(recv(fd, junk, sizeof junk, MSG_DONTWAIT), 0);
    close(fd);
    struct dns_address a[4];
    uint8_t rcode;
    assert_int_equal(dns_lookup(dns, "app.test", DNS_A, false, a, 4, &rcode), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_the_thread_begins_with_a_lookup),
        TEST(test_many_ask_at_a_time),
        TEST(test_what_threads_share),
        TEST(test_questions_in_pieces_as_by_tcp),
        TEST(test_more_clients_than_places),
        TEST(test_only_addresses_are_asked_for),
        TEST(test_lookups_count_as_bytes),
        TEST(test_lookups_count_as_connections),
        TEST(test_a_server_that_lies),
        TEST(test_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
