/* What the tests of the WASI host share: a guest memory that is plain memory, a directory granted
 * as "/" and read-only as "/ro", and doubles of the waits (kick.c belongs to a running machine).
 *
 * The memory belongs to a machine that can be taken back: each call's writes must be marked.
 *
 * Guest addresses: strings from 0x1000 (and 0x3000 for a second path), results at OUT, buffers from
 * BUF. */
#ifndef TESTS_WASI_FIXTURE_H
#define TESTS_WASI_FIXTURE_H

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/net/net.h"
#include "vmm/wasi/inside.h"

#define MEMORY_BYTES (1u << 20)
enum { PATH1 = 0x1000, PATH2 = 0x3000, IOVS = 0x5000, OUT = 0x8000, OUT2 = 0x8100, BUF = 0x10000 };
enum { ROOT = 3, RO = 4, FIRST = 5 }; /* descriptors: "/", "/ro", the first that the guest opens */

static struct guestmem mem;
static uint8_t *guest;
static struct wasi *wasi;
static struct end ended;
static char root[64]; /* host name of the granted directory */

/* ---- doubles ---- */
static volatile sig_atomic_t kicked;
static int waits; /* how often a handler waited */
static int64_t first_wait_ns;
static bool kicked_as_it_waits;

static enum end_kind stopped; /* what the run was to end for */

bool kick_pending(struct kick *kick)
{
    (void)kick;
    return kicked;
}

void kick_stop(struct kick *kick, enum end_kind kind, uint32_t number)
{
    (void)kick, (void)number;
    stopped = kind;
}

int kick_ppoll(struct kick *kick, struct pollfd *fds, unsigned n, int64_t timeout_ns)
{
    (void)kick;
    struct timespec t = { timeout_ns / 1000000000, timeout_ns % 1000000000 };
    if (__atomic_fetch_add(&waits, 1, __ATOMIC_SEQ_CST) == 0)
        first_wait_ns = timeout_ns;
    if (kicked || kicked_as_it_waits) {
        kicked = 1;
        errno = EINTR;
        return -1;
    }
    return ppoll(fds, n, timeout_ns < 0 ? NULL : &t, NULL);
}

static inline void kick_by_alarm(int signal)
{
    (void)signal;
    kicked = 1;
}

/* For a test's other thread: until a handler has come to wait. */
static inline void until_it_waits(void)
{
    for (int i = 0; i < 20000 && !__atomic_load_n(&waits, __ATOMIC_SEQ_CST); i++)
        usleep(1000);
}

static timer_t kick_timer;
static bool kick_timed;

/* A kick in ms, repeated, as from a time limit. */
static inline void kick_after_ms(long ms)
{
    struct sigaction action = { .sa_handler = kick_by_alarm };
    sigaction(SIGALRM, &action, NULL);
    struct itimerspec spec = { .it_value = { ms / 1000, ms % 1000 * 1000000 },
                               .it_interval = { 0, 5000000 } };
    assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &kick_timer), 0);
    kick_timed = true;
    timer_settime(kick_timer, 0, &spec, NULL);
}

/* ---- what is written is marked ---- */

#define GUEST_PAGE 4096u
static bool marked[MEMORY_BYTES / GUEST_PAGE];
static uint8_t memory_before[MEMORY_BYTES];

/* A double of the page tables' bits (machine/tables.c). */
void tables_mark(const struct tables *, gva_t at, uint64_t n);
void tables_mark(const struct tables *tables, gva_t at, uint64_t n)
{
    (void)tables;
    for (uint64_t page = at / GUEST_PAGE;
         page <= (at + n - 1) / GUEST_PAGE && page < MEMORY_BYTES / GUEST_PAGE; page++)
        __atomic_store_n(&marked[page], true, __ATOMIC_RELAXED);
}

static inline void marks_begin(void)
{
    mem.told = (const struct tables *)memory_before; /* some tables or other */
    memset(marked, 0, sizeof marked);
    memcpy(memory_before, guest, MEMORY_BYTES);
}

static inline void marks_end(enum call number)
{
    for (uint32_t at = 0; at < MEMORY_BYTES; at += GUEST_PAGE)
        if (!__atomic_load_n(&marked[at / GUEST_PAGE], __ATOMIC_RELAXED) &&
            memcmp(memory_before + at, guest + at, GUEST_PAGE) != 0) {
            print_error("call %d wrote the page at 0x%x and did not mark it\n", number, at);
            assert_true(marked[at / GUEST_PAGE]);
        }
}

/* ---- calls ---- */
static inline uint32_t call_with(enum call number, const uint64_t *args, size_t n)
{
    struct request r = { .number = number };
    assert_true(n <= SLOT_ARGS);
    memcpy(r.args, args, n * sizeof *args);
    memset(&ended, 0, sizeof ended);
    marks_begin();
    uint64_t result = number > CALL_WASI_LAST ? wasi_transfer_one(wasi, &r, &ended)
                                              : wasi_dispatch(wasi, &r, &ended);
    marks_end(number);
    return (uint32_t)result;
}
#define CALL(name, ...)                                                                            \
    call_with(CALL_##name, (uint64_t[]){ __VA_ARGS__ },                                            \
              sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))
#define OK(...) assert_int_equal(CALL(__VA_ARGS__), WASI_SUCCESS)
#define ERR(error, ...) assert_int_equal(CALL(__VA_ARGS__), WASI_##error)

/* A string into guest memory; expands to address and length, as arguments stand. */
static inline uint64_t put_at(uint64_t at, const char *s)
{
    memcpy(guest + at, s, strlen(s));
    return at;
}
#define P1(s) put_at(PATH1, s), strlen(s)
#define P2(s) put_at(PATH2, s), strlen(s)

static inline uint32_t out32(void)
{
    uint32_t v;
    memcpy(&v, guest + OUT, 4);
    return v;
}

static inline uint64_t out64(void)
{
    uint64_t v;
    memcpy(&v, guest + OUT, 8);
    return v;
}

/* One iovec at IOVS. */
static inline uint64_t iov(uint32_t buf, uint32_t len)
{
    struct wasi_iovec v = { buf, len };
    memcpy(guest + IOVS, &v, sizeof v);
    return IOVS;
}

enum { GO_RDONLY = 0x0ff7febe, GO_WRONLY = 0x0fffbffd, GO_RDWR = 0x0fffffff, INHERIT = 0x0fffffff };
#define OPEN(dir, path, oflags, rights, fdflags)                                                   \
    CALL(path_open, dir, LOOKUP_FOLLOW, P1(path), oflags, rights, INHERIT, fdflags, OUT)

static inline uint32_t opened(uint32_t dir, const char *path, uint64_t oflags, uint64_t rights,
                              uint64_t fdflags)
{
    assert_int_equal(OPEN(dir, path, oflags, rights, fdflags), WASI_SUCCESS);
    return out32();
}

static inline uint32_t write_text(uint32_t fd, const char *text)
{
    memcpy(guest + BUF, text, strlen(text));
    return CALL(fd_write, fd, iov(BUF, (uint32_t)strlen(text)), 1, OUT);
}

static inline struct wasi_filestat stat_out(void)
{
    struct wasi_filestat st;
    memcpy(&st, guest + OUT, sizeof st);
    return st;
}

/* ---- the host's side ---- */
static inline const char *host_path(const char *name)
{
    static char path[2][256];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", root, name);
    return path[turn];
}

static inline void host_file(const char *name, const char *text)
{
    FILE *f = fopen(host_path(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static inline void host_holds(const char *name, const char *text)
{
    char got[256] = "";
    FILE *f = fopen(host_path(name), "r");
    assert_non_null(f);
    got[fread(got, 1, sizeof got - 1, f)] = 0;
    fclose(f);
    assert_string_equal(got, text);
}

static inline void ro_file(const char *name, const char *text)
{
    char path[192];
    snprintf(path, sizeof path, "%s.ro/%s", root, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static inline bool host_has(const char *name)
{
    struct stat st;
    return lstat(host_path(name), &st) == 0;
}

/* ---- what a test leaves behind ---- */

static inline unsigned entries_of(const char *path)
{
    DIR *dir = opendir(path);
    unsigned n = 0;
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

static unsigned descriptors_before;

/* Descriptors are as they were, and no thread is left; memory is the sanitizer's to count.  A
 * thread that was joined is listed a moment longer. */
static inline bool nothing_is_left(void)
{
    unsigned fds = entries_of("/proc/self/fd"), threads = entries_of("/proc/self/task");
    for (int i = 0; i < 60000 && threads > 3; i++) {
        usleep(1000);
        threads = entries_of("/proc/self/task");
    }
    if (fds != descriptors_before)
        print_error("%u descriptors before, %u after\n", descriptors_before, fds);
    if (threads > 3) /* itself, `.` and `..` */
        print_error("%u threads are left\n", threads - 3);
    return fds == descriptors_before && threads <= 3;
}

/* ---- a run ---- */
static inline void memory_make(void)
{
    descriptors_before = entries_of("/proc/self/fd");
    guest = malloc(MEMORY_BYTES);
    assert_non_null(guest);
    memset(guest, 0xee, MEMORY_BYTES);
    mem.regions[REGION_LINEAR] =
        (struct region){ .at = 0, .bytes = MEMORY_BYTES, .host = guest, .writable = true };
}

static inline void root_make(void)
{
    strcpy(root, "/tmp/wasi-test-XXXXXX");
    assert_non_null(mkdtemp(root));
    assert_int_equal(mkdir(host_path("sub"), 0755), 0);
    host_file("file", "contents");
    host_file("sub/inner", "inner");
}

enum { LOOKED_AT = 256 };

static inline void open_now(bool fds[LOOKED_AT])
{
    for (int fd = 0; fd < LOOKED_AT; fd++)
        fds[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* What a run opens ends where a program is executed: the process of a plug-in has none of it. */
static inline void new_ones_end_at_exec(const bool before[LOOKED_AT])
{
    for (int fd = 0; fd < LOOKED_AT; fd++) {
        int flags = before[fd] ? -1 : fcntl(fd, F_GETFD);
        if (flags >= 0 && !(flags & FD_CLOEXEC))
            print_error("descriptor %d stays open at exec\n", fd);
        assert_true(flags < 0 || flags & FD_CLOEXEC);
    }
}

static struct signals signals_of_the_run;

static inline struct wasi *wasi_new(const struct config *config)
{
    static const struct settings none;
    struct config whole = *config;
    static struct kick kick; /* its time counts nobody's */
    struct wasi *w = wasi_alloc(&mem, &kick, &net_parts);
    struct failure why;
    bool before[LOOKED_AT];
    assert_non_null(w);
    open_now(before);
    signals_of_the_run = SIGNALS_NONE;
    whole.signals = &signals_of_the_run;
    whole.set = config->set ? config->set : &none;
    if (!wasi_open(w, &whole, &why)) {
        message("%s", why.text);
        exit(why.status);
    }
    new_ones_end_at_exec(before);
    return w;
}

/* "/" and a second, read-only directory beside it, "/ro". */
static inline int setup(void **state)
{
    static char ro[128];
    (void)state;
    static char *args[] = { "app.wasm", "one", "" };
    static char *env[] = { "A=1", "LONG=a b\nc" };
    signal(SIGPIPE, SIG_IGN);
    kicked = 0;
    waits = 0;
    memory_make();
    root_make();
    snprintf(ro, sizeof ro, "%s.ro", root);
    mkdir(ro, 0755);
    struct grant grants[] = { { .host = root, .guest = "/" },
                              { .host = ro, .guest = "/ro", .read_only = true } };
    struct config config = {
        .args = args, .argc = 3, .env = env, .envc = 2, .grants = grants, .ngrants = 2
    };
    wasi = wasi_new(&config);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    if (kick_timed)
        timer_delete(kick_timer);
    kick_timed = false;
    wasi_close(wasi);
    signals_end(&signals_of_the_run);
    free(guest);
    char command[256];
    snprintf(command, sizeof command, "rm -rf %s %s.ro", root, root);
    return system(command) != 0 || !nothing_is_left();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
