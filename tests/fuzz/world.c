/* The private place of the fuzzer of calls, and the host's side of all that a guest can reach: who
 * connects, sends, closes, answers for names, changes files while the guest uses them. */
#include "tests/fuzz/world.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct world world;

void finding(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("finding: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

static void must(bool good, const char *what)
{
    if (!good) {
        perror(what);
        _exit(3);
    }
}

/* ---- the place ---- */

/* A /dev for granting: harmless devices, terminals, and the names of descriptors. */
static bool dev_own(void)
{
    static const struct { const char *name; unsigned major, minor; } nodes[] = {
        { "null", 1, 3 }, { "zero", 1, 5 }, { "urandom", 1, 9 }, { "tty", 5, 0 }, { "ptmx", 5, 2 }
    };
    static const char *const links[][2] = { { "/proc/self/fd", "fd" },
                                            { "/proc/self/fd/0", "stdin" },
                                            { "/proc/self/fd/1", "stdout" } };
    bool good = mkdir("/mnt/dev", 0755) == 0 && mkdir("/mnt/dev/pts", 0755) == 0 &&
                mount("/dev/pts", "/mnt/dev/pts", NULL, MS_BIND, NULL) == 0;
    int dir = open("/mnt/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; i < sizeof nodes / sizeof *nodes; i++)
        good = good && mknodat(dir, nodes[i].name, S_IFCHR | 0666,
                               makedev(nodes[i].major, nodes[i].minor)) == 0;
    for (unsigned i = 0; i < sizeof links / sizeof *links; i++)
        good = good && symlinkat(links[i][0], dir, links[i][1]) == 0;
    close(dir);
    return good && mount("/mnt/dev", "/dev", NULL, MS_BIND | MS_REC, NULL) == 0;
}

/* As root, or as root of a user namespace. */
static bool namespaces_own(void)
{
    const int wanted = CLONE_NEWNS | CLONE_NEWNET;
    if (unshare(wanted) != 0 && unshare(wanted | CLONE_NEWUSER) != 0)
        return false;
    struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    bool good = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &up) == 0;
    close(fd);
    return good && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("fuzz", "/mnt", "tmpfs", 0, "size=64m,mode=755") == 0;
}

static int socket_bound(int type, uint16_t *port)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(*port) };
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    must(bind(fd, (struct sockaddr *)&in, len) == 0 && (type != SOCK_STREAM || listen(fd, 64) == 0),
         "a socket");
    getsockname(fd, (struct sockaddr *)&in, &len);
    *port = ntohs(in.sin_port);
    return fd;
}

void world_begin(void)
{
    bool own = namespaces_own();
    world.dev = own && dev_own();
    strcpy(world.place, own ? "/mnt" : "/tmp/fuzz-calls-XXXXXX");
    must(own || mkdtemp(world.place), "a place");
    if (own)
        world.ports = (struct ports){ TCP_PORT, UDP_PORT, DNS_PORT_HERE, GUEST_PORT };
    world.listener = socket_bound(SOCK_STREAM, &world.ports.tcp);
    world.datagrams = socket_bound(SOCK_DGRAM, &world.ports.udp);
    world.dns_stream = socket_bound(SOCK_STREAM, &world.ports.dns);
    world.dns = socket_bound(SOCK_DGRAM, &world.ports.dns);
    if (!own) /* a port that is free now */
        close(socket_bound(SOCK_STREAM, &world.ports.guest));
    for (unsigned i = 0; i < 8; i++)
        world.peers[i] = -1;
    snprintf(world.rw, sizeof world.rw, "%s/rw", world.place);
    snprintf(world.ro, sizeof world.ro, "%s/ro", world.place);
    snprintf(world.out, sizeof world.out, "%s/out", world.place);
    snprintf(world.tmp, sizeof world.tmp, "%s/wasmvm-tmp-%u", world.place, geteuid());
    setenv("TMPDIR", world.place, 1);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

/* ---- files ---- */

static void file_make(int dir, const char *name, const char *text)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    must(fd >= 0 && write(fd, text, strlen(text)) >= 0, name);
    close(fd);
}

static int directory_make(const char *path)
{
    must(mkdir(path, 0755) == 0, path);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void tree_make(const char *path)
{
    int dir = directory_make(path);
    file_make(dir, "a", "of the guest, a file of some length\n");
    must(mkdirat(dir, "d", 0755) == 0 && mkdirat(dir, "d/e", 0755) == 0, "d");
    file_make(dir, "d/b", "");
    must(symlinkat("a", dir, "l") == 0 && symlinkat("../out/secret", dir, "up") == 0, "links");
    must(symlinkat("d/e", dir, "m") == 0 && symlinkat("loop", dir, "loop") == 0, "links");
    must(symlinkat(world.out, dir, "abs") == 0 && symlinkat(world.ro, dir, "ro") == 0, "links");
    must(symlinkat("/dev/fd/1", dir, "dev") == 0 && mkfifoat(dir, "f", 0600) == 0, "a fifo");
    close(dir);
}

/* rm -r, which crosses nothing. */
static void tree_remove(int at, const char *name)
{
    if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
        return;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            tree_remove(fd, e->d_name);
    if (dir)
        closedir(dir);
    must(unlinkat(at, name, AT_REMOVEDIR) == 0, name);
}

/* Kinds, sizes, times and contents of all below, as one number. */
static uint64_t tree_sum(int at, const char *name)
{
    struct stat st;
    uint64_t sum = 0;
    must(fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0, name);
    for (const char *c = name; *c; c++)
        sum = (sum ^ (uint8_t)*c) * 1099511628211u;
    sum += st.st_mode * 41u + (uint64_t)st.st_size * 31 + (uint64_t)st.st_nlink * 37;
    sum += (uint64_t)st.st_mtim.tv_nsec * 47 + (uint64_t)st.st_ino * 53;
    int fd = S_ISDIR(st.st_mode) ? openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                                 : -1;
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            sum += tree_sum(fd, e->d_name) * 1099511628211u;
    if (dir)
        closedir(dir);
    return sum;
}

static uint64_t kept_before;

static uint64_t kept_sum(void)
{
    return tree_sum(AT_FDCWD, world.ro) + 3 * tree_sum(AT_FDCWD, world.out);
}

/* Once in a process; what is checked not to change stays from input to input. */
static void kept_make(void)
{
    if (kept_before)
        return;
    tree_make(world.ro);
    tree_make(world.out);
    int dir = open(world.out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    file_make(dir, "secret", SECRET);
    close(dir);
    kept_before = kept_sum();
}

void world_check(void)
{
    if (kept_sum() != kept_before)
        finding("something outside of the grants, or in a read-only one, is changed");
}

/* ---- streams ---- */

static void pipe_as(int fd, bool guest_reads)
{
    int ends[2];
    must(pipe2(ends, O_CLOEXEC) == 0, "a pipe");
    fcntl(ends[guest_reads], F_SETFL, O_NONBLOCK);
    world.stdio[fd] = ends[!guest_reads];
    world.far[fd] = ends[guest_reads];
}

static void pair_as(int fd)
{
    int ends[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "a pair");
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    world.stdio[fd] = ends[0];
    world.far[fd] = ends[1];
}

static void terminal_as(int fd)
{
    int host = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    must(host >= 0 && grantpt(host) == 0 && unlockpt(host) == 0, "a terminal");
    world.far[fd] = host;
    world.stdio[fd] = ioctl(host, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    must(world.stdio[fd] >= 0, "a terminal's other end");
}

static void file_as(int fd, int flags)
{
    char name[128];
    snprintf(name, sizeof name, "%s/stream%d", world.place, fd);
    world.stdio[fd] = open(name, flags | O_CREAT | O_CLOEXEC, 0600);
    must(world.stdio[fd] >= 0 && ftruncate(world.stdio[fd], 100) <= 0, "a file");
    unlink(name);
}

static void stream_make(int fd, unsigned how)
{
    world.stdio[fd] = world.far[fd] = -1;
    switch (how & 7) {
    case 0: case 1: pipe_as(fd, fd == 0); break;
    case 2: file_as(fd, O_RDWR); break;
    case 3: file_as(fd, O_WRONLY | O_APPEND); break;
    case 4: pair_as(fd); break;
    case 5: terminal_as(fd); break;
    case 6: world.stdio[fd] = open(world.rw, O_RDONLY | O_DIRECTORY | O_CLOEXEC); break;
    default: break; /* /dev/null */
    }
}

static void close_at(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void world_make(unsigned streams)
{
    kept_make();
    tree_make(world.rw);
    for (int fd = 0; fd < 3; fd++)
        stream_make(fd, streams >> 3 * fd);
    world.kicked = world.patient = false;
    world.waits = 0;
}

/* What others may have queued at the sockets that stay. */
static void socket_drain(int fd, bool listens)
{
    char byte;
    for (int got;
         (got = listens ? accept(fd, NULL, NULL) : (int)recv(fd, &byte, 1, MSG_DONTWAIT)) >= 0;)
        if (listens)
            close(got);
}

void world_end(void)
{
    for (int i = 0; i < 3; i++)
        close_at(&world.stdio[i]), close_at(&world.far[i]);
    for (int i = 0; i < 8; i++)
        close_at(&world.peers[i]);
    socket_drain(world.listener, true);
    socket_drain(world.dns_stream, true);
    socket_drain(world.datagrams, false);
    socket_drain(world.dns, false);
    tree_remove(AT_FDCWD, world.rw);
}

/* ---- names ---- */

/* An answer to the question, more or less. */
static size_t answer_make(const uint8_t *query, size_t len, uint8_t *out, size_t cap)
{
    struct dns_question q;
    struct bytes *from = &world.answer;
    unsigned how = byte_take(from);
    if (!dns_question_parse(query, len, &q) || (how & 7) == 7)
        return 0;
    struct dns_address a[8];
    int n = byte_take(from) % 8;
    for (int i = 0; i < n; i++) {
        uint8_t v4[4] = { byte_take(from), 0, 0, 1 };
        a[i].ip = ip_from_v4(v4);
        if (q.type == DNS_AAAA)
            memset(a[i].ip.b, 0x20 + i, 16);
        a[i].ttl_s = byte_take(from);
    }
    len = dns_answer_build(out, cap, query, &q, how >> 3 & 7, a, n);
    if ((how & 7) == 1)
        out[2] |= 2; /* truncated */
    for (unsigned i = how & 7; len && i >= 4; i--) /* garbled */
        out[byte_take(from) % len] ^= byte_take(from);
    return (how & 7) == 3 ? len / 2 : len;
}

static void dns_turn(void)
{
    uint8_t in[1500], out[1500];
    struct sockaddr_storage who;
    socklen_t wholen = sizeof who;
    ssize_t n = recvfrom(world.dns, in, sizeof in, MSG_DONTWAIT, (struct sockaddr *)&who, &wholen);
    size_t len = n > 0 ? answer_make(in, (size_t)n, out, sizeof out) : 0;
    if (len)
        sendto(world.dns, out, len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&who, wholen);
}

/* By TCP: a message behind its length; one connection at a time. */
static void dns_stream_turn(void)
{
    uint8_t in[1500], out[1502];
    int fd = accept(world.dns_stream, NULL, NULL);
    if (fd < 0)
        return;
    struct pollfd p = { .fd = fd, .events = POLLIN };
    ssize_t n = poll(&p, 1, 5) > 0 ? recv(fd, in, sizeof in, MSG_DONTWAIT) : 0;
    size_t len = n > 2 ? answer_make(in + 2, (size_t)n - 2, out + 2, sizeof out - 2) : 0;
    out[0] = (uint8_t)(len >> 8), out[1] = (uint8_t)len;
    if (len)
        (void)!send(fd, out, len + 2, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}

void world_turn(void)
{
    dns_turn();
    dns_stream_turn();
}

/* ---- what the host does by itself ---- */

static void peer_keep(int fd)
{
    if (fd < 0)
        return;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    int *at = &world.peers[world.next_peer++ % 8];
    close_at(at);
    *at = fd;
}

/* The port that a socket of the guest's has, of those that listen or of datagrams. */
static uint16_t guests_port(const struct wasi *w, bool listens, unsigned skip)
{
    for (uint32_t i = 0; i < w->ndescs; i++) {
        const struct desc *d = &w->descs[i];
        const struct conn *c = d->host >= 0 ? conn_of(d) : NULL;
        struct endpoint local;
        if (!c || c->family == FAMILY_UNIX || (listens ? !c->listening : c->proto != NET_UDP) ||
            skip--)
            continue;
        conn_local(d, &local);
        return local.port;
    }
    return world.ports.guest;
}

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return in;
}

static void act_connect(const struct wasi *w, struct bytes *b)
{
    struct sockaddr_in in = loopback(guests_port(w, true, byte_take(b) % 4));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    connect(fd, (struct sockaddr *)&in, sizeof in);
    peer_keep(fd);
}

static void act_datagram(const struct wasi *w, struct bytes *b)
{
    struct sockaddr_in in = loopback(guests_port(w, false, byte_take(b) % 4));
    uint8_t text[16];
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = byte_take(b);
    sendto(world.datagrams, text, byte_take(b) % 17, MSG_DONTWAIT, (struct sockaddr *)&in,
           sizeof in);
}

static void act_send(int fd, struct bytes *b)
{
    static uint8_t text[9000];
    size_t n = byte_take(b) < 200 ? byte_take(b) % 32 : sizeof text;
    for (size_t i = 0; i < n && b->at < b->end; i++)
        text[i] = byte_take(b);
    if (fd >= 0)
        (void)!write(fd, text, n);
}

static void act_drain(int fd)
{
    static char sink[65536];
    while (fd >= 0 && read(fd, sink, sizeof sink) > 0) {}
}

static void act_reset(int *fd)
{
    if (*fd >= 0)
        setsockopt(*fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    close_at(fd);
}

/* Another process that has rights in the granted directory. */
static void act_files(struct bytes *b)
{
    static const char *const names[] = { "a", "d", "d/b", "d/e", "l", "up", "m", "x" };
    const char *one = names[byte_take(b) % 8], *other = names[byte_take(b) % 8];
    int dir = open(world.rw, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    switch (byte_take(b) % 6) {
    case 0: unlinkat(dir, one, 0); break;
    case 1: renameat(dir, one, dir, other); break;
    case 2: (void)!symlinkat(world.out, dir, one); break;
    case 3: (void)!symlinkat("../out/secret", dir, one); break;
    case 4: (void)!mkfifoat(dir, one, 0600); break;
    default: (void)!mkdirat(dir, one, 0755); break;
    }
    close(dir);
}

void world_act(struct wasi *w, struct bytes *b)
{
    unsigned what = byte_take(b) % 14;
    int *peer = &world.peers[byte_take(b) % 8], stream = byte_take(b) % 3;
    switch (what) {
    case 0: act_connect(w, b); break;
    case 1: peer_keep(accept(world.listener, NULL, NULL)); break;
    case 2: act_send(*peer, b); break;
    case 3: act_drain(*peer); break;
    case 4: close_at(peer); break;
    case 5: act_reset(peer); break;
    case 6: if (*peer >= 0) shutdown(*peer, byte_take(b) % 3); break;
    case 7: act_datagram(w, b); break;
    case 8: act_send(world.far[stream], b); break;
    case 9: act_drain(world.far[stream]); break;
    case 10: close_at(&world.far[stream]); break;
    case 11: if (w->signals) signals_raise(w->signals, byte_take(b) % 65); break;
    case 12: act_files(b); break;
    default: world.kicked = true; break;
    }
}

/* ---- in kick.c's place ---- */

bool kick_pending(struct kick *kick)
{
    (void)kick;
    return world.kicked;
}

void kick_stop(struct kick *kick, enum end_kind kind, uint32_t number)
{
    (void)kick, (void)kind, (void)number;
    world.kicked = true;
}

/* Time flies: what is not ready soon will never be, and a wait that is repeated is ended by a stop.
 */
int kick_ppoll(struct kick *kick, struct pollfd *fds, unsigned n, int64_t timeout_ns)
{
    enum { WAITS_MOST = 8, PATIENCE_NS = 1000000 };
    (void)kick;
    world_turn();
    const struct timespec wait = { 0, world.patient && timeout_ns ? PATIENCE_NS : 0 };
    int ready = world.kicked ? 0 : ppoll(fds, n, &wait, NULL);
    if (ready || (timeout_ns >= 0 && world.waits < WAITS_MOST && !world.kicked)) {
        world.waits++;
        return ready;
    }
    if (++world.waits < WAITS_MOST && world.patient && !world.kicked)
        return kick_ppoll(kick, fds, n, timeout_ns);
    world.kicked = true;
    errno = EINTR;
    return -1;
}
