/* Descriptors 0, 1, 2: virtual NONBLOCK, fd 2 never short, EPIPE, kicks, closing, shared
 * descriptions.
 *
 * Each test runs in a child of its own, whose 0, 1 and 2 are pipes, files or terminals of the
 * test's making. */
#include "tests/unit/vmm/wasi/fixture.h"

#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

/* The test's ends: what the child writes to 0 and reads from 1 and 2. */
static int to_in, from_out, from_err;

static void use_as(int fd, int number)
{
    assert_int_equal(dup2(fd, number), number);
    if (fd != number)
        close(fd);
}

static void start(void)
{
    static struct config config;
    signal(SIGPIPE, SIG_IGN);
    memory_make();
    wasi = wasi_new(&config);
}

static void pipes(void)
{
    int in[2], out[2], err[2];
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
        _exit(99);
    to_in = in[1], from_out = out[0], from_err = err[0];
    use_as(in[0], 0);
    use_as(out[1], 1);
    use_as(err[1], 2);
}

#define CHECK(condition)                                                                           \
    do                                                                                             \
        if (!(condition)) {                                                                        \
            dprintf(report, "%s:%d: %s\n", __func__, __LINE__, #condition);                        \
            _exit(98);                                                                             \
        }                                                                                          \
    while (0)
static int report; /* the test program's own stderr */

static void in_child(void (*body)(void))
{
    fflush(NULL);
    report = fcntl(2, F_DUPFD_CLOEXEC, 100);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(300);
        body();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(report);
    assert_int_equal(status, 0);
}

static uint32_t set_nonblock(uint32_t fd)
{
    return CALL(fd_fdstat_set_flags, fd, FDFLAG_NONBLOCK);
}

static struct wasi_fdstat fdstat(uint32_t fd)
{
    struct wasi_fdstat st;
    CHECK(CALL(fd_fdstat_get, fd, OUT) == 0);
    memcpy(&st, guest + OUT, sizeof st);
    return st;
}

/* ---- reading ---- */

static void read_body(void)
{
    pipes();
    start();
    CHECK(fdstat(0).filetype == FILETYPE_UNKNOWN && !(fdstat(0).rights & RIGHT_FD_SEEK));
    CHECK(set_nonblock(0) == WASI_SUCCESS && fdstat(0).flags == FDFLAG_NONBLOCK);
    CHECK(!(fcntl(0, F_GETFL) & O_NONBLOCK)); /* the shared description is left alone */
    CHECK(CALL(fd_read, 0, iov(BUF, 10), 1, OUT) == WASI_AGAIN);
    CHECK(write(to_in, "hello", 5) == 5);
    CHECK(CALL(fd_read, 0, iov(BUF, 3), 1, OUT) == 0 && out32() == 3);
    CHECK(CALL(fd_read, 0, iov(BUF, 30), 1, OUT) == 0 && out32() == 2);
    CHECK(CALL(fd_read, 0, iov(BUF, 30), 1, OUT) == WASI_AGAIN);
    CHECK(CALL(fd_read, 0, iov(BUF, 0), 1, OUT) == 0 && out32() == 0);
    CHECK(CALL(fd_seek, 0, 0, 0, OUT) == WASI_SPIPE && CALL(fd_tell, 0, OUT) == WASI_SPIPE);
    CHECK(CALL(fd_pread, 0, iov(BUF, 1), 1, 0, OUT) == WASI_SPIPE);
    CHECK(CALL(fd_write, 0, iov(BUF, 1), 1, OUT) == WASI_BADF);
    CHECK(CALL(fd_filestat_set_times, 0, 0, 0, FST_MTIM) == WASI_ROFS);
    CHECK(CALL(fd_filestat_get, 0, OUT) == 0);
    close(to_in);
    CHECK(CALL(fd_read, 0, iov(BUF, 30), 1, OUT) == 0 && out32() == 0);
}

static void *write_later(void *unused)
{
    (void)unused;
    until_it_waits();
    CHECK(write(to_in, "late", 4) == 4);
    return NULL;
}

static void read_waits_body(void)
{
    pthread_t thread;
    pipes();
    start();
    pthread_create(&thread, NULL, write_later, NULL);
    CHECK(CALL(fd_read, 0, iov(BUF, 30), 1, OUT) == 0 && out32() == 4 && waits == 1);
    pthread_join(thread, NULL);
    kick_after_ms(30);
    CHECK(CALL(fd_read, 0, iov(BUF, 30), 1, OUT) == WASI_INTR);
}

/* An inherited description that is non-blocking already: the guest's blocking read waits all the
 * same. */
static void read_waits_nonblocking_body(void)
{
    pipes();
    fcntl(0, F_SETFL, O_NONBLOCK);
    start();
    CHECK(fdstat(0).flags == 0);
    pthread_t thread;
    pthread_create(&thread, NULL, write_later, NULL);
    CHECK(CALL(fd_read, 0, iov(BUF, 30), 1, OUT) == 0 && out32() == 4);
    pthread_join(thread, NULL);
}

/* ---- writing ---- */

static void *drain_slowly(void *fd)
{
    static char sink[4096];
    uint64_t total = 0;
    ssize_t n;
    usleep(100000);
    while ((n = read(*(int *)fd, sink, sizeof sink)) > 0)
        total += (uint64_t)n;
    return (void *)(uintptr_t)total;
}

/* 10 times 900,000 bytes as iovecs of one call. */
static uint64_t write_much(uint32_t fd)
{
    for (uint32_t i = 0; i < 10; i++) {
        struct wasi_iovec v = { BUF, 900000 };
        memcpy(guest + IOVS + i * 8, &v, 8);
    }
    uint32_t err = CALL(fd_write, fd, IOVS, 10, OUT);
    CHECK(err == 0 || err == WASI_AGAIN);
    return err ? 0 : out32();
}

/* Whether blocking or not, fd 2 takes everything; fd 1 only where the guest blocks. */
static void whole(bool paced, uint32_t fd, bool nonblock)
{
    pthread_t thread;
    void *total;
    pipes();
    start();
    if (paced) { /* as where /proc/self/fd cannot be opened */
        struct desc *d = desc_get(wasi, fd);
        CHECK(d->io != d->host);
        close(d->io);
        d->io = d->host;
        d->paced = true;
    }
    if (nonblock)
        CHECK(set_nonblock(fd) == 0);
    pthread_create(&thread, NULL, drain_slowly, fd == 1 ? &from_out : &from_err);
    uint64_t written = write_much(fd);
    if (nonblock && fd == 1)
        CHECK(written >= 65536 && written < 9000000);
    else
        CHECK(written == 9000000);
    CHECK(CALL(fd_close, fd) == 0);
    close((int)fd); /* 2 stays open for the monitor */
    pthread_join(thread, &total);
    CHECK((uintptr_t)total == written);
}

static void write_1_body(void) { whole(false, 1, false); } /* paced, descriptor, NONBLOCK */
static void write_1_nonblock_body(void) { whole(false, 1, true); }
static void write_1_paced_body(void) { whole(true, 1, false); }
static void write_1_paced_nonblock_body(void) { whole(true, 1, true); }
static void write_2_body(void) { whole(false, 2, false); }
static void write_2_nonblock_body(void) { whole(false, 2, true); }
static void write_2_paced_body(void) { whole(true, 2, true); }

static void write_again_body(void)
{
    pipes();
    start();
    CHECK(set_nonblock(1) == 0);
    CHECK(write_much(1) > 0);
    CHECK(CALL(fd_write, 1, iov(BUF, 1), 1, OUT) == WASI_AGAIN);
    CHECK(waits == 0);
    kicked_as_it_waits = true; /* 2 waits, and only a kick ends that */
    set_nonblock(2);
    CHECK(write_much(2) == 65536); /* what went is told */
    CHECK(CALL(fd_write, 2, iov(BUF, 1), 1, OUT) == WASI_INTR);
}

static void sigpipe_body(void)
{
    for (uint32_t fd = 1; fd <= 2; fd++) {
        pipes();
        start();
        close(fd == 1 ? from_out : from_err);
        CHECK(CALL(fd_write, fd, iov(BUF, 1), 1, OUT) == WASI_PIPE);
        CHECK(ended.kind == ENDED_SIGPIPE);
        CHECK(CALL(fd_write, 3 - fd, iov(BUF, 1), 1, OUT) == 0 && ended.kind == ENDED_NOT);
    }
}

/* ---- other kinds ---- */

static void files_body(void)
{
    char path[] = "/tmp/wasi-stdio-XXXXXX";
    int fd = mkstemp(path);
    CHECK(write(fd, "in the file", 11) == 11);
    pipes();
    use_as(open(path, O_RDONLY), 0);
    use_as(open(path, O_WRONLY | O_APPEND), 1);
    start();
    CHECK(fdstat(0).filetype == FILETYPE_REGULAR && fdstat(1).flags == FDFLAG_APPEND);
    CHECK(set_nonblock(0) == 0);
    CHECK(CALL(fd_read, 0, iov(BUF, 30), 1, OUT) == 0 && out32() == 11);
    CHECK(CALL(fd_read, 0, iov(BUF, 30), 1, OUT) == 0 && out32() == 0); /* never AGAIN */
    CHECK(CALL(fd_seek, 0, 3, 0, OUT) == 0 && out64() == 3);
    CHECK(CALL(fd_fdstat_set_flags, 1, FDFLAG_APPEND | FDFLAG_NONBLOCK) == 0);
    /* others append through it */
    CHECK(CALL(fd_fdstat_set_flags, 1, FDFLAG_NONBLOCK) == WASI_NOTSUP);
    CHECK(write_text(1, "+") == 0 && out32() == 1);
    struct stat st;
    CHECK(stat(path, &st) == 0 && st.st_size == 12);
    CHECK(CALL(fd_filestat_set_size, 0, 0) == WASI_ROFS);
    unlink(path);
}

/* Whatever the caller redirected a stream to: its size, its times and what others wrote there are
 * not the program's. */
static void file_keeps_body(void)
{
    char path[] = "/tmp/wasi-stdio-XXXXXX";
    struct stat before, st;
    int fd = mkstemp(path);
    CHECK(write(fd, "yesterday's", 11) == 11 && fstat(fd, &before) == 0);
    pipes();
    use_as(open(path, O_RDWR | O_APPEND), 0);
    use_as(open(path, O_WRONLY), 1);
    use_as(open(path, O_WRONLY | O_APPEND), 2);
    start();
    for (uint32_t at = 0; at <= 2; at++) {
        bool appends = fdstat(at).flags & FDFLAG_APPEND;
        CHECK(!(fdstat(at).rights &
                (RIGHT_FD_FILESTAT_SET_SIZE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_SET_TIMES)));
        CHECK(CALL(fd_filestat_set_size, at, 0) != 0 &&
              CALL(fd_allocate, at, 0, 1000) == WASI_BADF);
        CHECK(CALL(fd_filestat_set_times, at, 0, 0, FST_MTIM | FST_ATIM) == WASI_NOTCAPABLE);
        CHECK(CALL(fd_sync, at) == 0 && CALL(fd_datasync, at) == 0);
        CHECK(CALL(fd_seek, at, 0, 0, OUT) == (appends ? WASI_SPIPE : WASI_SUCCESS));
        CHECK(CALL(fd_tell, at, OUT) == (appends ? WASI_SPIPE : WASI_SUCCESS));
        CHECK(CALL(fd_pwrite, at, iov(BUF, 0), 1, 0, OUT) == (appends ? WASI_SPIPE : WASI_SUCCESS));
        CHECK(appends == (at != 1));
    }
    CHECK(fstat(fd, &st) == 0 && st.st_size == 11 && st.st_mtim.tv_sec == before.st_mtim.tv_sec);
    CHECK(write_text(2, "+") == 0 && fstat(fd, &st) == 0 && st.st_size == 12);
    close(fd);
    unlink(path);
}

static void closed_body(void)
{
    close(0), close(1), close(2);
    struct failure why;
    CHECK(streams_open_closed(&why));
    start();
    for (uint32_t fd = 0; fd <= 2; fd++)
        CHECK(fdstat(fd).filetype == FILETYPE_CHARACTER);
    CHECK(CALL(fd_read, 0, iov(BUF, 9), 1, OUT) == 0 && out32() == 0);
    CHECK(write_text(1, "x") == 0 && write_text(2, "x") == 0);
    CHECK(CALL(fd_write, 0, iov(BUF, 1), 1, OUT) == WASI_BADF);
}

/* The reader of a closed stdout sees the end while the run goes on; the numbers are never used for
 * anything else. */
static void close_body(void)
{
    char byte;
    pipes();
    start();
    CHECK(CALL(fd_close, 1) == 0);
    CHECK(read(from_out, &byte, 1) == 0);
    CHECK(CALL(fd_write, 1, iov(BUF, 1), 1, OUT) == WASI_BADF);
    CHECK(CALL(fd_close, 0) == 0 && CALL(fd_close, 2) == 0 && CALL(fd_close, 2) == WASI_BADF);
    /* the monitor still has its voice */
    CHECK(write(2, "m", 1) == 1 && read(from_err, &byte, 1) == 1);
    CHECK(fcntl(0, F_GETFD) >= 0 && fcntl(1, F_GETFD) >= 0);
}

static void renumber_body(void)
{
    pipes();
    start();
    CHECK(write(to_in, "abc", 3) == 3);
    CHECK(CALL(fd_renumber, 0, 1) == 0);
    CHECK(CALL(fd_read, 1, iov(BUF, 9), 1, OUT) == 0 && out32() == 3);
    CHECK(CALL(fd_read, 0, iov(BUF, 9), 1, OUT) == WASI_BADF);
}

static void directory_body(void)
{
    pipes();
    use_as(open("/tmp", O_RDONLY), 0);
    start();
    CHECK(OPEN(0, ".", 0, 0, 0) == WASI_NOTDIR); /* stdin is no grant */
    CHECK(CALL(fd_readdir, 0, BUF, 100, 0, OUT) == WASI_BADF);
    CHECK(CALL(fd_read, 0, iov(BUF, 9), 1, OUT) == WASI_BADF);
}

static void terminal_body(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    char name[64];
    snprintf(name, sizeof name, "%s", ptsname(master));
    pipes();
    use_as(open(name, O_RDWR | O_NOCTTY), 0);
    CHECK(dup2(0, 1) == 1);
    static struct config config;
    config.grants = (struct grant[]){ { .host = "/dev", .guest = "/dev", .mounts = true } };
    config.ngrants = 1;
    memory_make();
    wasi = wasi_new(&config);
    struct wasi_fdstat st = fdstat(0);
    /* isatty */
    CHECK(st.filetype == FILETYPE_CHARACTER && !(st.rights & (RIGHT_FD_SEEK | RIGHT_FD_TELL)));
    set_nonblock(0);
    CHECK(CALL(fd_read, 0, iov(BUF, 9), 1, OUT) == WASI_AGAIN);
    CHECK(write(master, "line\n", 5) == 5);
    CHECK(poll(&(struct pollfd){ .fd = 0, .events = POLLIN }, 1, 5000) == 1);
    CHECK(CALL(fd_read, 0, iov(BUF, 9), 1, OUT) == 0 && out32() == 5);
    CHECK(!(fcntl(0, F_GETFL) & O_NONBLOCK));
    /* By its path, too; another terminal not. */
    CHECK(OPEN(3, name + strlen("/dev/"), 0, GO_RDWR, 0) == 0);
    int other = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(grantpt(other) == 0 && unlockpt(other) == 0);
    CHECK(OPEN(3, ptsname(other) + strlen("/dev/"), 0, GO_RDWR, 0) == WASI_PERM);
    CHECK(CALL(fd_renumber, 0, 4) == 0 && OPEN(3, name + strlen("/dev/"), 0, GO_RDWR, 0) == 0);
    /* not ours now */
    CHECK(CALL(fd_close, 4) == 0 && OPEN(3, name + strlen("/dev/"), 0, GO_RDWR, 0) == WASI_PERM);
    /* A terminal that takes no more: a kick ends the wait. */
    kick_after_ms(50);
    uint32_t err;
    while ((err = CALL(fd_write, 1, iov(BUF, 4000), 1, OUT)) == 0 && out32() == 4000)
        ;
    CHECK(err == WASI_INTR || err == 0);
}

static void poll_body(void)
{
    struct wasi_subscription subs[3] = {
        { .userdata = 1, .tag = 1, .id = 0 },
        { .userdata = 2, .tag = 2, .id = 1 },
        { .userdata = 3, .tag = 2, .id = 2 },
    };
    pipes();
    start();
    memcpy(guest + 0x20000, subs, sizeof subs);
    CHECK(CALL(poll_oneoff, 0x20000, 0x30000, 3, OUT) == 0 && out32() == 2); /* stdout and stderr */
    CHECK(write(to_in, "x", 1) == 1);
    CHECK(CALL(poll_oneoff, 0x20000, 0x30000, 3, OUT) == 0 && out32() == 3);
    close(to_in);
    CHECK(CALL(fd_read, 0, iov(BUF, 9), 1, OUT) == 0 && out32() == 1);
    /* the end is readable */
    CHECK(CALL(poll_oneoff, 0x20000, 0x30000, 1, OUT) == 0 && out32() == 1);
}

/* A named pipe whose writer came and went before us: its end must be seen by poll as well. */
static void named_pipe_body(void)
{
    char dir[] = "/tmp/wasi-fifo-XXXXXX", path[64];
    struct wasi_subscription sub = { .tag = 1, .id = 0 };
    pipes();
    CHECK(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/fifo", dir);
    CHECK(mkfifo(path, 0600) == 0);
    int both = open(path, O_RDWR);
    use_as(open(path, O_RDONLY), 0);
    close(both);
    unlink(path);
    rmdir(dir);
    start();
    memcpy(guest + 0x20000, &sub, sizeof sub);
    CHECK(CALL(poll_oneoff, 0x20000, 0x30000, 1, OUT) == 0 && out32() == 1);
    CHECK(CALL(fd_read, 0, iov(BUF, 9), 1, OUT) == 0 && out32() == 0);
}

/* ---- sockets, as a service manager hands them over ---- */

static void socket_body(void)
{
    int pair[2];
    pipes();
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    use_as(pair[0], 0);
    start();
    CHECK(fdstat(0).filetype == FILETYPE_STREAM);
    CHECK(set_nonblock(0) == 0);
    CHECK(CALL(fd_read, 0, iov(BUF, 9), 1, OUT) == WASI_AGAIN);
    CHECK(CALL(sock_recv, 0, iov(BUF, 9), 1, 0, OUT, OUT2) == WASI_AGAIN);
    CHECK(write(pair[1], "abcdef", 6) == 6);
    CHECK(CALL(sock_recv, 0, iov(BUF, 3), 1, 1, OUT, OUT2) == 0 && out32() == 3); /* peek */
    CHECK(CALL(sock_recv, 0, iov(BUF, 3), 1, 0, OUT, OUT2) == 0 && out32() == 3 &&
          guest[OUT2] == 0);
    CHECK(CALL(fd_read, 0, iov(BUF, 9), 1, OUT) == 0 && out32() == 3 &&
          memcmp(guest + BUF, "def", 3) == 0);
    CHECK(CALL(sock_recv, 0, iov(BUF, 3), 1, 4, OUT, OUT2) == WASI_NOTSUP);
    CHECK(CALL(sock_send, 0, iov(BUF, 3), 1, 0, OUT) == 0 && out32() == 3);
    CHECK(CALL(sock_send, 0, iov(BUF, 3), 1, 1, OUT) == WASI_NOTSUP);
    char got[8];
    CHECK(read(pair[1], got, 8) == 3);
    CHECK(CALL(sock_shutdown, 0, 0) == WASI_INVAL && CALL(sock_shutdown, 0, 4) == WASI_INVAL);
    CHECK(CALL(sock_shutdown, 0, 2) == 0 && read(pair[1], got, 8) == 0);
    CHECK(CALL(fd_write, 0, iov(BUF, 1), 1, OUT) == WASI_PIPE && ended.kind == ENDED_NOT);
    CHECK(CALL(sock_shutdown, 1, 1) == WASI_NOTSOCK && CALL(sock_shutdown, 9, 1) == WASI_BADF);
    CHECK(CALL(sock_send, 1, iov(BUF, 1), 1, 0, OUT) == WASI_NOTSOCK);
    CHECK(CALL(sock_recv, 9, iov(BUF, 1), 1, 0, OUT, OUT2) == WASI_BADF);
    CHECK(CALL(sock_accept, 1, 0, OUT) == WASI_NOTSOCK);
}

/* Datagrams: one a call, and the flag that says when one was cut; whole waits and peeks. */
static void dgram_body(void)
{
    int pair[2];
    pipes();
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
    use_as(pair[0], 0);
    start();
    CHECK(fdstat(0).filetype == FILETYPE_DGRAM);
    CHECK(write(pair[1], "abcdef", 6) == 6 && write(pair[1], "xy", 2) == 2);
    memset(guest + OUT2, 0xee, 4);
    CHECK(CALL(sock_recv, 0, iov(BUF, 3), 1, 1, OUT, OUT2) == 0 && out32() == 3);
    /* two bytes, no more */
    CHECK(guest[OUT2] == 1 && guest[OUT2 + 1] == 0 && guest[OUT2 + 2] == 0xee);
    CHECK(CALL(sock_recv, 0, iov(BUF, 9), 1, 0, OUT, OUT2) == 0 && out32() == 6 &&
          guest[OUT2] == 0);
    CHECK(CALL(sock_recv, 0, iov(BUF, 1), 1, 2, OUT, OUT2) == 0 && out32() == 1 &&
          guest[OUT2] == 1);
    CHECK(CALL(sock_recv, 0, iov(BUF, 1), 1, 0, MEMORY_BYTES - 3, OUT2) == WASI_FAULT);
    CHECK(CALL(sock_recv, 0, iov(BUF, 1), 1, 0, OUT, MEMORY_BYTES - 1) == WASI_FAULT);
    CHECK(CALL(sock_send, 0, iov(BUF, 1), 1, 0, MEMORY_BYTES - 3) == WASI_FAULT);
    CHECK(CALL(sock_accept, 0, 0, MEMORY_BYTES - 3) == WASI_FAULT);
    char got[8];
    CHECK(CALL(sock_send, 0, iov(BUF, 2), 1, 0, OUT) == 0 && read(pair[1], got, 8) == 2);
}

static void listener_body(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "\0wasmvm-test-listener" };
    pipes();
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
        client = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path + 1, 60, "wasmvm-test-%d", getpid());
    CHECK(bind(listener, (void *)&address, sizeof address) == 0 && listen(listener, 4) == 0);
    use_as(listener, 0);
    start();
    CHECK(CALL(sock_accept, 0, 1, OUT) == WASI_INVAL);
    CHECK(set_nonblock(0) == 0);
    CHECK(CALL(sock_accept, 0, 0, OUT) == WASI_AGAIN);
    CHECK(connect(client, (void *)&address, sizeof address) == 0);
    uint32_t room = wasi->open_max;
    wasi->open_max = wasi->open_count;
    /* and the connection stays in the queue */
    CHECK(CALL(sock_accept, 0, FDFLAG_NONBLOCK, OUT) == WASI_MFILE);
    wasi->open_max = room;
    CHECK(CALL(sock_accept, 0, FDFLAG_NONBLOCK, OUT) == 0 && out32() == 3);
    CHECK(fdstat(3).filetype == FILETYPE_STREAM && fdstat(3).flags == FDFLAG_NONBLOCK);
    CHECK(CALL(fd_prestat_get, 3, OUT) == WASI_BADF);
    CHECK(CALL(fd_write, 3, iov(BUF, 5), 1, OUT) == 0 && out32() == 5);
    char got[8];
    CHECK(read(client, got, 8) == 5);
    CHECK(CALL(fd_fdstat_set_flags, 0, 0) == 0);
    kick_after_ms(20);
    CHECK(CALL(sock_accept, 0, 0, OUT) == WASI_INTR);
}

#define CHILD(name)                                                                                \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        in_child(name##_body);                                                                     \
    }
#define CHILDREN(X)                                                                                \
    X(read)                                                                                        \
    X(read_waits) X(read_waits_nonblocking) X(write_1) X(write_1_nonblock) X(write_1_paced)        \
        X(write_1_paced_nonblock) X(write_2) X(write_2_nonblock) X(write_2_paced) X(write_again)   \
            X(sigpipe) X(files) X(file_keeps) X(closed) X(close) X(renumber) X(directory)          \
                X(terminal) X(poll) X(named_pipe) X(socket) X(dgram) X(listener)
CHILDREN(CHILD)

int main(void)
{
    const struct CMUnitTest tests[] = {
#define X(name) cmocka_unit_test(test_##name),
        CHILDREN(X)
#undef X
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
