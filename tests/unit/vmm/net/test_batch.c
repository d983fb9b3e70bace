/* Reads and writes of connections without calls: both halves (vmm/net/batch.c, vmm/net/backlog.c
 * and, by tests/host/batch_guest.c, the shim's) over real sockets, then a guest that garbles what
 * is its own.  Built once more under ThreadSanitizer.  It is past 800 lines, as all of it stands on
 * the same doubles and connections. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "tests/host/batch_guest.h"
#include "vmm/net/inside.h"

enum { FD = 5, FDS = 300, AGAIN = 6 };
#define HANG_MS 300000 /* only what hangs waits so long */

static struct batch *batch;
static bool marked[sizeof(struct batch)]; /* as written, or about to be */
static struct wasi wasi;
static struct net net;
static struct kick kick;
static struct desc descs[FDS];
static struct conn conns[FDS];
static int peers[FDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- doubles ---- */

const struct desc_ops conn_ops = { .name = "connection" };

struct desc *desc_get(struct wasi *w, uint64_t fd)
{
    (void)w;
    return fd < FDS && descs[fd].own ? &descs[fd] : NULL;
}

bool guest_span(const struct guestmem *mem, gva_t at, uint64_t n, bool writable, struct iovec *out)
{
    const size_t offset = at - (MAP_CONTROL + offsetof(struct control, batch));
    (void)mem;
    assert_true(offset + n <= sizeof *batch);
    for (size_t i = offset; writable && i < offset + n; i++)
        marked[i] = true;
    *out = (struct iovec){ (uint8_t *)batch + offset, n };
    return true;
}

/* What the host may write: a word at the start, and each place once it is taken. */
static bool place_marked(unsigned place)
{
    const size_t at = offsetof(struct batch, in) + place * sizeof(struct batch_place);
    size_t n = 0;
    for (size_t i = 0; i < sizeof(struct batch_place); i++)
        n += marked[at + i];
    assert_true(n == 0 || n == sizeof(struct batch_place));
    return n;
}

static uint64_t clock_ahead_s;

int clock_gettime(clockid_t id, struct timespec *t)
{
    int failed = (int)syscall(SYS_clock_gettime, id, t);
    t->tv_sec += (time_t)__atomic_load_n(&clock_ahead_s, __ATOMIC_RELAXED);
    return failed;
}

/* The kernel takes nothing so many times. */
static int refusals;

ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
    if (flags & MSG_NOSIGNAL && __atomic_load_n(&refusals, __ATOMIC_RELAXED) > 0) {
        __atomic_fetch_sub(&refusals, 1, __ATOMIC_RELAXED);
        errno = EAGAIN;
        return -1;
    }
    return sendto(fd, bytes, n, flags, NULL, 0);
}

/* ---- a run ---- */

/* A TCP connection whose one end is the guest's descriptor fd; what the peer receives, if it does
 * not read. */
static void connection_of(uint32_t fd, int rcvbuf)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int on = 1, l = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(l >= 0 && bind(l, (struct sockaddr *)&at, len) == 0 && listen(l, 1) == 0);
    assert_int_equal(getsockname(l, (struct sockaddr *)&at, &len), 0);
    peers[fd] = socket(AF_INET, SOCK_STREAM, 0);
    if (rcvbuf)
        setsockopt(peers[fd], SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf);
    assert_int_equal(connect(peers[fd], (struct sockaddr *)&at, len), 0);
    setsockopt(peers[fd], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int host = accept4(l, NULL, NULL, SOCK_NONBLOCK);
    setsockopt(host, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    close(l);
    wasi.descs = descs;
    conns[fd] = (struct conn){ .net = &net, .proto = NET_TCP };
    descs[fd] = (struct desc){ .host = host, .io = host, .fdflags = FDFLAG_NONBLOCK,
                               .ops = &conn_ops, .own = &conns[fd] };
}

static void connection(uint32_t fd)
{
    connection_of(fd, 0);
}

static int setup(void **state)
{
    (void)state;
    batch = aligned_alloc(64, (sizeof *batch + 63) / 64 * 64);
    memset(batch, 0, sizeof *batch);
    memset(marked, 0, sizeof marked);
    net = (struct net){ .log = SINK_NONE };
    clock_ahead_s = 0;
    wasi = (struct wasi){ .net = &net, .kick = &kick, .trace = SINK_NONE };
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
        if (descs[i].own) {
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
    assert_int_equal(poll(&p, 1, HANG_MS), 1);
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
        print_error("line %d: error %u, %u bytes %.*s\n", line, err, n, (int)n, got),
            assert_true(false);
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
        assert_int_equal(poll(&p, 1, HANG_MS), 1);
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

/* A machine that is taken back gets what was written as it was: only that costs. */
static void test_what_is_written_is_marked(void **state)
{
    (void)state;
    for (unsigned place = 0; place < BATCH_PLACES; place++)
        assert_false(place_marked(place));
    for (size_t i = 0; i < sizeof batch->head; i++)
        assert_true(marked[offsetof(struct batch, head) + i]);
    peer_sends(FD, "ahead");
    polled(FD);
    for (unsigned place = 0; place < BATCH_PLACES; place++)
        assert_int_equal(place_marked(place), place == FD % BATCH_PLACES);
    assert_false(marked[offsetof(struct batch, ring)]);
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
    /* nobody can wait for it in a loop that makes no calls */
    assert_int_equal(read_error(FD), FORWARDED);
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

/* ---- the thread ---- */

struct threads { long id[64]; int n; };

static struct threads threads_now(void)
{
    struct threads now = { .n = 0 };
    DIR *tasks = opendir("/proc/self/task");
    for (const struct dirent *e; (e = readdir(tasks)) != NULL && now.n < 64;)
        now.id[now.n++] = atol(e->d_name);
    closedir(tasks);
    return now;
}

/* One of before that was joined may still be listed, then or now. */
static int threads_since(const struct threads *before)
{
    struct threads now = threads_now();
    int news = 0;
    for (int i = 0; i < now.n; i++) {
        int k = 0;
        while (k < before->n && before->id[k] != now.id[i])
            k++;
        news += k == before->n;
    }
    return news;
}

static void test_the_thread_is_made_for_the_first_place(void **state)
{
    (void)state;
    struct threads before = threads_now();
    called();
    assert_int_equal(threads_since(&before), 0);
    peer_sends(FD, "?");
    polled(FD);
    assert_int_equal(threads_since(&before), 1);
    connection(FD + 1);
    peer_sends(FD + 1, "?");
    polled(FD + 1);
    assert_int_equal(threads_since(&before), 1);
}

/* ---- what the kernel does not take ---- */

static char full_bytes[1 << 20];
static uint32_t full_count;

enum { FULL = FD + 4, SMALL = 1, LARGE = 1 << 19 };

/* A connection on which the kernel takes no more; what the guest may still leave behind finds no
 * room.  With SMALL as the size of the send buffer it can be made to. */
static void kernel_full(uint32_t fd, int sndbuf)
{
    ssize_t n;
    connection_of(fd, 1);
    peer_sends(fd, "?");
    polled(fd);
    READS(fd, "?");
    setsockopt(descs[fd].host, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof sndbuf);
    full_count = 0;
    for (int quiet = 0; quiet < 20; quiet++) { /* until what it has sent stays unread */
        while ((n = send(descs[fd].host, full_bytes, sizeof full_bytes, MSG_DONTWAIT)) > 0) {
            full_count += (uint32_t)n;
            quiet = 0;
        }
        usleep(1000);
    }
}

/* More than what a packet that lies in the kernel has room for. */
static const char *long_text(void)
{
    static char text[BATCH_CREDIT];
    memset(text, 'l', sizeof text - 1);
    return text;
}

/* The peer reads what filled the kernel, then `want`; with `end` also the end. */
static void peer_gets_behind(uint32_t fd, const char *want, bool end)
{
    static char got[4 << 20];
    size_t done = 0, all = full_count + strlen(want);
    struct pollfd p = { .fd = peers[fd], .events = POLLIN };
    int large = sizeof got;
    assert_true(all < sizeof got);
    /* else its window stays small, and is probed */
    setsockopt(peers[fd], SOL_SOCKET, SO_RCVBUF, &large, sizeof large);
    while (done < all) {
        assert_int_equal(poll(&p, 1, HANG_MS), 1);
        ssize_t n = recv(peers[fd], got + done, sizeof got - done, 0);
        assert_true(n > 0);
        done += (size_t)n;
    }
    assert_true(done == all && memcmp(got + full_count, want, strlen(want)) == 0);
    if (end)
        assert_true(poll(&p, 1, HANG_MS) == 1 && recv(peers[fd], got, 1, 0) == 0);
}

/* As a call that wants to send: 0, or its errno. */
static int sending(uint32_t fd)
{
    pthread_mutex_lock(&lock);
    batch_flush(&wasi);
    int error = batch_settle(&conns[fd]) ? 0 : errno;
    pthread_mutex_unlock(&lock);
    guest_called(batch);
    return error;
}

static void test_nobody_waits_for_a_full_kernel(void **state)
{
    (void)state;
    connection(FD + 1);
    kernel_full(FULL, SMALL);
    assert_int_equal(writes(FULL, long_text()), 0);
    called();
    assert_int_equal(writes(FULL, "x"), FORWARDED); /* it may leave no more behind */
    assert_int_equal(sending(FULL), EAGAIN);
    peer_sends(FD + 1, "?"); /* nobody else notices */
    polled(FD + 1);
    assert_int_equal(writes(FD + 1, "answer"), 0);
    called();
    peer_gets(FD + 1, "answer");
    peer_sends(FULL, "!"); /* read as before */
    polled(FULL);
    assert_int_equal(writes(FULL, "x"), FORWARDED);
    READS(FULL, "!");
    pthread_mutex_lock(&lock); /* as by a call that waits: the bytes go without it */
    usleep(20000);
    peer_gets_behind(FULL, long_text(), false);
    pthread_mutex_unlock(&lock);
    for (int unsent = 1; unsent;)
        ioctl(descs[FULL].host, SIOCOUTQ, &unsent);
    peer_sends(FULL, "?");
    polled(FULL);
    assert_int_equal(writes(FULL, "x"), FORWARDED); /* until a call has learned how it ended */
    READS(FULL, "?");
    assert_int_equal(sending(FULL), 0);
    assert_null(conns[FULL].backlog);
    assert_int_equal(conns[FULL].out, BATCH_CREDIT - 1);
    peer_sends(FULL, "?");
    polled(FULL);
    assert_int_equal(writes(FULL, "as before"), 0);
    peer_gets(FULL, "as before");
}

/* What comes behind a backlog never overtakes it. */
static void test_a_backlog_is_not_overtaken(void **state)
{
    (void)state;
    peer_sends(FD, "?");
    polled(FD);
    pthread_mutex_lock(&lock);
    assert_int_equal(writes(FD, "one "), 0);
    assert_int_equal(writes(FD, "two"), 0);
    refusals = 1;
    batch_flush(&wasi);
    pthread_mutex_unlock(&lock);
    peer_gets(FD, "one two");
    assert_int_equal(sending(FD), 0);
}

/* A second piece comes while the first is not sent. */
static void test_a_backlog_grows_to_the_credit(void **state)
{
    (void)state;
    static char many[BATCH_CREDIT + 1];
    kernel_full(FULL, SMALL);
    for (uint32_t i = 0; i < BATCH_CREDIT / 512; i++) {
        char piece[513];
        memset(piece, 'a' + (int)i, 512);
        piece[512] = 0;
        memcpy(many + i * 512, piece, 512);
        pthread_mutex_lock(&lock);
        assert_int_equal(writes(FULL, piece), 0);
        pthread_mutex_unlock(&lock);
        usleep(2000); /* the thread takes it: no call comes */
    }
    assert_int_equal(writes(FULL, "x"), FORWARDED);
    peer_gets_behind(FULL, many, false);
    assert_int_equal(sending(FULL), 0);
}

static void test_a_shutdown_waits_for_what_was_written(void **state)
{
    (void)state;
    kernel_full(FULL, SMALL);
    assert_int_equal(writes(FULL, long_text()), 0);
    called();
    pthread_mutex_lock(&lock);
    assert_true(batch_shut(&conns[FULL]));
    pthread_mutex_unlock(&lock);
    assert_int_equal(sending(FULL), EPIPE);
    peer_gets_behind(FULL, long_text(), true);
    assert_int_equal(sending(FULL), 0);
    pthread_mutex_lock(&lock);
    assert_false(batch_shut(&conns[FULL]));
    pthread_mutex_unlock(&lock);
}

/* Else a write behind it would seem to go well. */
static void test_a_shutdown_ends_the_credit(void **state)
{
    (void)state;
    peer_sends(FD, "?");
    polled(FD);
    assert_int_equal(writes(FD, "one"), 0);
    pthread_mutex_lock(&lock);
    batch_flush(&wasi);
    assert_false(batch_shut(&conns[FD]));
    pthread_mutex_unlock(&lock);
    assert_int_equal(writes(FD, "two"), FORWARDED);
    reads(FD, "?", __LINE__);
    peer_sends(FD, "?");
    polled(FD);
    assert_int_equal(writes(FD, "three"), FORWARDED);
}

/* Calls hold their lock meanwhile, as one that waits does: nothing but the backlogs' own stands
 * between them and the thread. */
static void test_a_shutdown_while_the_thread_sends(void **state)
{
    (void)state;
    kernel_full(FULL, SMALL);
    assert_int_equal(writes(FULL, long_text()), 0);
    called();
    pthread_mutex_lock(&lock);
    assert_true(batch_shut(&conns[FULL]));
    assert_false(batch_settle(&conns[FULL]));
    assert_int_equal(errno, EPIPE);
    peer_gets_behind(FULL, long_text(), true);
    pthread_mutex_unlock(&lock);
    assert_int_equal(sending(FULL), 0);
}

/* Nothing at all is locked here until the thread has come to it. */
static void test_a_shutdown_that_the_thread_meets(void **state)
{
    (void)state;
    kernel_full(FULL, SMALL);
    assert_int_equal(writes(FULL, long_text()), 0);
    called();
    pthread_mutex_lock(&lock);
    assert_true(batch_shut(&conns[FULL]));
    peer_gets_behind(FULL, long_text(), true);
    pthread_mutex_unlock(&lock);
}

static void closed(uint32_t fd)
{
    pthread_mutex_lock(&lock);
    batch_flush(&wasi);
    batch_close(&conns[fd]);
    close(descs[fd].host);
    descs[fd].host = -1;
    descs[fd].own = NULL;
    pthread_mutex_unlock(&lock);
}

static void test_a_closed_connection_lingers(void **state)
{
    (void)state;
    for (int stays = 0; stays < 2; stays++) {
        uint32_t fd = FD + 1 + (uint32_t)stays;
        kernel_full(fd, stays ? LARGE : SMALL);
        assert_int_equal(writes(fd, long_text()), 0);
        closed(fd);
        peer_gets_behind(fd, long_text(), true);
        close(peers[fd]);
    }
}

static int descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 1000; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static bool peer_is_reset(uint32_t fd)
{
    struct pollfd p = { .fd = peers[fd], .events = 0 };
    return poll(&p, 1, HANG_MS) == 1 && p.revents & POLLERR;
}

/* Not for ever, and not without number: the peer is told then. */
static void test_lingering_has_limits(void **state)
{
    (void)state;
    enum { MOST = 16, FIRST = FD + 1 };
    int before = descriptors();
    for (uint32_t fd = FIRST; fd <= FIRST + MOST; fd++) {
        kernel_full(fd, LARGE);
        assert_int_equal(writes(fd, long_text()), 0);
        closed(fd);
    }
    assert_int_equal(descriptors(), before + MOST + MOST + 1); /* with the peers' */
    assert_true(peer_is_reset(FIRST + MOST));
    struct pollfd p = { .fd = peers[FIRST], .events = 0 };
    assert_int_equal(poll(&p, 1, 20), 0);
    __atomic_store_n(&clock_ahead_s, 61, __ATOMIC_RELAXED);
    for (uint32_t fd = FIRST; fd < FIRST + MOST; fd++)
        assert_true(peer_is_reset(fd));
    for (uint32_t fd = FIRST; fd <= FIRST + MOST; fd++)
        close(peers[fd]);
    for (int i = 0; i < 20000 && descriptors() != before; i++)
        usleep(1000);
    assert_int_equal(descriptors(), before);
}

/* It does not wait for its second, once the kernel has all; the best of some tries. */
static void test_what_was_written_outlives_the_run(void **state)
{
    uint64_t took = UINT64_MAX;
    for (int tries = 0; tries < 10 && took > 900000000; tries++) {
        if (tries) {
            teardown(state);
            setup(state);
        }
        kernel_full(FULL, SMALL);
        assert_int_equal(writes(FULL, long_text()), 0);
        called();
        assert_non_null(conns[FULL].backlog);
        uint64_t began = clock_now_ns();
        batch_stop(&wasi);
        took = clock_now_ns() - began;
    }
    assert_true(took < 900000000);
    assert_null(conns[FULL].backlog);
    close(descs[FULL].host);
    descs[FULL].host = dup(0);
    peer_gets_behind(FULL, long_text(), true);
}

static void test_the_end_waits_a_second_and_says_what_is_lost(void **state)
{
    (void)state;
    kernel_full(FULL, LARGE);
    assert_int_equal(writes(FULL, long_text()), 0);
    called();
    uint64_t began = clock_now_ns();
    batch_stop(&wasi);
    uint64_t took = clock_now_ns() - began;
    assert_true(took > 900000000u && took < 60000000000u);
    assert_null(conns[FULL].backlog);
    close(descs[FULL].host);
    descs[FULL].host = dup(0);
    assert_true(peer_is_reset(FULL));
}

static void test_an_error_of_a_backlog_is_told(void **state)
{
    (void)state;
    struct linger now = { 1, 0 };
    kernel_full(FULL, SMALL);
    assert_int_equal(writes(FULL, long_text()), 0);
    called();
    setsockopt(peers[FULL], SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(peers[FULL]);
    peers[FULL] = dup(0);
    struct pollfd p = { .fd = descs[FULL].host }; /* the thread may take POLLERR's cause first */
    assert_true(poll(&p, 1, HANG_MS) == 1 && p.revents & (POLLERR | POLLHUP));
    assert_int_equal(sending(FULL), 0);
    assert_true(conns[FULL].error == ECONNRESET || conns[FULL].error == EPIPE);
    assert_null(conns[FULL].backlog);
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
            uint32_t at = i % 3 ? seed % (sizeof *batch / 4)
                                : (seed % 2 ? offsetof(struct batch, tail) / 4
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

/* A read place is believed where its two numbers lie within it, and nowhere else. */
static void test_lengths_of_a_place(void **state)
{
    (void)state;
    static const struct { uint32_t len, used, left;
    } places[] = {
        { BATCH_PIECE, 0, BATCH_PIECE },
        { BATCH_PIECE, BATCH_PIECE - 1, 1 },
        { BATCH_PIECE, BATCH_PIECE, 0 },
        { BATCH_PIECE + 1, 0, 0 },
        { BATCH_PIECE + 1, BATCH_PIECE, 0 },
        { UINT32_MAX, 0, 0 },
        { UINT32_MAX, UINT32_MAX - 1, 0 },
        { 5, 6, 0 },
        { 5, UINT32_MAX, 0 },
        { 0, 1, 0 },
    };
    static char got[2 * BATCH_PIECE];
    peer_sends(FD, "hello");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        pthread_mutex_lock(&lock);
        batch_was_read(&descs[FD], 1, 2);
        batch->in[FD].len = places[i].len;
        batch->in[FD].used = places[i].used;
        assert_int_equal(batch_pending(&conns[FD]), places[i].left > 0);
        assert_int_equal(reading(FD, got, sizeof got),
                         places[i].left ? (ssize_t)places[i].left : -1);
        conns[FD].by_calls = false;
        batch_leave(&conns[FD]);
        pthread_mutex_unlock(&lock);
    }
}

/* Puts both ends of the ring there.  Garbage empties it. */
static void ring_to(uint32_t at)
{
    while (batch->head != at) {
        *(struct batch_record *)(batch->ring +
                                 batch->head % BATCH_RING) = (struct batch_record){ 1, UINT32_MAX };
        batch->tail = at;
        batch_flush(&wasi);
    }
}

static void test_records_that_make_no_sense(void **state)
{
    (void)state;
    static const struct { uint32_t at, fd, len, step; const char *what; } records[] = {
        { 0, FD, 8, BATCH_RING + 8, "more than a ring of them" },
        { 0, FD, 8, 0x80000000, "half of all numbers" },
        { 64, FD, 8, (uint32_t)-8, "backwards" },
        { 64, FD, 8, 8, "ends behind the ring's end" },
        { BATCH_RING - 16, FD, 16, 24, "ends behind the ring's room" },
        { BATCH_RING - 8, FD, 8, 16, "begins at the ring's end" },
        { 64, FD, BATCH_RING, 0x10000, "as long as the ring" },
        { 64, FD, UINT32_MAX, 64, "longest" },
        { 64, FD, UINT32_MAX - 7, 64, "its step is 8 by wrapping" },
        { 64, FD, UINT32_MAX - 14, 64, "its step is 0 by wrapping" },
        { 64, FD, BATCH_CREDIT + 1, BATCH_CREDIT + 16, "more than the credit" },
        { 64, 0, 0, 64, "leads to the start, which is not there yet" },
        { BATCH_RING - 12, 77, 8, 16, "no multiple of 8" },
        { 64, FD, 8, 9, "cut" },
    };
    int bad = 0;
    peer_sends(FD, "?");
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        batch_was_read(&descs[FD], 1, 2);
        ring_to(records[i].at & ~7u);
        if (records[i].at & 7) { /* by garbage */
            *(struct batch_record *)(batch->ring + batch->head % BATCH_RING) =
                (struct batch_record){ 1, UINT32_MAX };
            batch->tail = records[i].at;
            batch_flush(&wasi);
        }
        *(struct batch_record *)(batch->ring + batch->head % BATCH_RING) =
            (struct batch_record){ records[i].fd, records[i].len };
        batch->tail = records[i].at + records[i].step;
        batch_flush(&wasi);
        if (conns[FD].out != 0 || batch->head != (batch->tail & ~7u) ||
            conns[FD].credit != BATCH_CREDIT)
            print_error("%s: %llu bytes sent, head %x, tail %x, credit %u\n", records[i].what,
                        (unsigned long long)conns[FD].out, batch->head, batch->tail,
                        conns[FD].credit),
                bad++;
    }
    pthread_mutex_unlock(&lock);
    assert_int_equal(bad, 0);
    assert_false(peer_has_something(FD, 5));
}

/* What a connection may leave behind is known here, whatever its place says. */
static void test_credit_is_not_the_guests_to_give(void **state)
{
    (void)state;
    static char big[BATCH_CREDIT + 1], piece[] = "12345678";
    peer_sends(FD, "?");
    polled(FD);
    READS(FD, "?");
    batch->in[FD].credit = UINT32_MAX;
    uint32_t n = sizeof big;
    pthread_mutex_lock(&lock);
    assert_int_equal(guest_writes(batch, FD, big, &n), 0);
    batch_flush(&wasi);
    assert_int_equal(conns[FD].out, 0);
    batch_was_sent(&conns[FD]);
    batch->in[FD].credit = UINT32_MAX;
    assert_int_equal(writes(FD, piece), 0);
    batch_flush(&wasi);
    batch_was_read(&descs[FD], 1, 2);
    assert_int_equal(conns[FD].credit, BATCH_CREDIT);
    batch_leave(&conns[FD]); /* its place is gone: a record of old */
    batch->in[FD].fd = FD;
    batch->in[FD].credit = 8;
    assert_int_equal(writes(FD, piece), 0);
    batch_flush(&wasi);
    pthread_mutex_unlock(&lock);
    assert_int_equal(conns[FD].out, 0);
    assert_false(peer_has_something(FD, 5));
}

#ifndef __SANITIZE_THREAD__ /* which rightly calls it a race: the guest's */
static void *changes_lengths(void *stop)
{
    for (uint32_t i = 0; !__atomic_load_n((bool *)stop, __ATOMIC_RELAXED); i++) {
        struct batch_record *r = (struct batch_record *)(batch->ring + BATCH_RING - 16);
        __atomic_store_n(&r->len, i % 2 ? 8 : BATCH_CREDIT, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* A record that changes while it is looked at: what was checked is what is sent, and no byte from
 * behind the ring. */
static void test_a_record_that_changes(void **state)
{
    (void)state;
    enum { ROUNDS = 100000 };
    bool stop = false;
    pthread_t other;
    unsigned sent = 0;
    assert_int_equal(pthread_create(&other, NULL, changes_lengths, &stop), 0);
    pthread_mutex_lock(&lock);
    for (int i = 0; i < ROUNDS; i++) {
        char got[64];
        uint32_t at = batch->head;
        batch_was_read(&descs[FD], 1, 2);
        conns[FD].credit = BATCH_CREDIT;
        conns[FD].out = 0;
        ring_to(at - at % BATCH_RING + 2 * BATCH_RING - 16);
        __atomic_store_n((uint32_t *)(void *)(batch->ring + BATCH_RING - 16), FD, __ATOMIC_RELAXED);
        batch->tail = batch->head + 16;
        batch_flush(&wasi);
        assert_true(conns[FD].out == 0 || conns[FD].out == 8);
        assert_int_equal(conns[FD].credit, BATCH_CREDIT - conns[FD].out);
        sent += conns[FD].out == 8;
        while (recv(peers[FD], got, sizeof got, MSG_DONTWAIT) > 0)
            ;
    }
    pthread_mutex_unlock(&lock);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(other, NULL);
    assert_true(sent > 0 && sent < ROUNDS); /* both were seen */
}
#endif

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
        TEST(test_what_is_written_is_marked),
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
        TEST(test_the_thread_is_made_for_the_first_place),
        TEST(test_nobody_waits_for_a_full_kernel),
        TEST(test_a_backlog_is_not_overtaken),
        TEST(test_a_backlog_grows_to_the_credit),
        TEST(test_a_shutdown_waits_for_what_was_written), TEST(test_a_shutdown_ends_the_credit),
        TEST(test_a_shutdown_while_the_thread_sends), TEST(test_a_shutdown_that_the_thread_meets),
        TEST(test_a_closed_connection_lingers),
        TEST(test_lingering_has_limits),
        TEST(test_what_was_written_outlives_the_run),
        TEST(test_the_end_waits_a_second_and_says_what_is_lost),
        TEST(test_an_error_of_a_backlog_is_told),
        TEST(test_garbage),
        TEST(test_lengths_of_a_place),
        TEST(test_records_that_make_no_sense),
        TEST(test_credit_is_not_the_guests_to_give),
#ifndef __SANITIZE_THREAD__
        TEST(test_a_record_that_changes),
#endif
        TEST(test_records_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
