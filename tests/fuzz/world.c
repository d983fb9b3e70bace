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
#include <sys/eventfd.h>
#include <sys/un.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/fuzz/steps.h"

enum { WAITS_MOST = 48, /* of a call */ QUEUE = 4, FILES_MANY = 400 };

struct world world;

static int kept_streams[3]; /* the process's own, while an input has others in their place */

void finding(const char *format, ...)
{
    va_list args;
    dup2(kept_streams[2], 2);
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
        { "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 },
        { "urandom", 1, 9 }, { "tty", 5, 0 }, { "ptmx", 5, 2 }
    };
    static const char *const links[][2] = { { "/proc/self/fd", "fd" },
                                            { "/proc/self/fd/0", "stdin" },
                                            { "/proc/self/fd/1", "stdout" } };
    bool good = mkdir("/mnt/dev", 0755) == 0 && mkdir("/mnt/dev/pts", 0755) == 0 &&
                mount("fuzz", "/mnt/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666") == 0;
    int dir = open("/mnt/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; i < sizeof nodes / sizeof *nodes; i++)
        good = good && mknodat(dir, nodes[i].name, S_IFCHR | 0666,
                               makedev(nodes[i].major, nodes[i].minor)) == 0;
    good = good && mknodat(dir, "blk", S_IFBLK | 0600, makedev(7, 0)) == 0;
    for (unsigned i = 0; i < sizeof links / sizeof *links; i++)
        good = good && symlinkat(links[i][0], dir, links[i][1]) == 0;
    close(dir);
    return good && mount("/mnt/dev", "/dev", NULL, MS_BIND | MS_REC, NULL) == 0;
}

/* In the host's place, so that no host's own is in what an input does. */
static void file_own(const char *at, const char *own, const char *text)
{
    int fd = open(own, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    (void)!write(fd, text, strlen(text));
    close(fd);
    (void)!mount(own, at, NULL, MS_BIND, NULL); /* where there is such a file */
}

/* Connections that are over are so at once: the next input has their ports. */
static void network_own(void)
{
    int fd = open("/proc/sys/net/ipv4/tcp_max_tw_buckets", O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, "0", 1);
    close(fd);
    file_own("/etc/hosts", "/mnt/hosts",
             "# hosts\n127.0.0.1 localhost here.test\nnone\n10.1.2.3 kept.test\n");
    file_own("/etc/resolv.conf", "/mnt/resolv.conf",
             "; servers\nnameserver 127.0.0.1\nnameserver x\nsearch test\n");
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
    bool good = bind(fd, (struct sockaddr *)&in, len) == 0;
    must(good && (type != SOCK_STREAM || listen(fd, QUEUE) == 0), "a socket");
    getsockname(fd, (struct sockaddr *)&in, &len);
    *port = ntohs(in.sin_port);
    return fd;
}

/* What an input has as 0, 1 and 2 is not where words of sanitizers go. */
__attribute__((weak)) void __sanitizer_set_report_fd(void *fd);

static void streams_keep(void)
{
    for (int fd = 0; fd < 3; fd++)
        kept_streams[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
    world.words = kept_streams[2];
    if (__sanitizer_set_report_fd)
        __sanitizer_set_report_fd((void *)(intptr_t)kept_streams[2]);
}

static void names_make(void)
{
    static char log[96], pipe[96], none[96], within[96];
    snprintf(world.rw, sizeof world.rw, "%s/rw", world.place);
    snprintf(world.ro, sizeof world.ro, "%s/ro", world.place);
    snprintf(world.out, sizeof world.out, "%s/out", world.place);
    snprintf(world.tmp, sizeof world.tmp, "%s/wasmvm-tmp-%u", world.place, geteuid());
    snprintf(world.inside, sizeof world.inside, "%s/rw/d", world.place);
    snprintf(log, sizeof log, "%s/log", world.place);
    snprintf(pipe, sizeof pipe, "%s/pipe", world.place);
    snprintf(none, sizeof none, "%s/none/log", world.place);
    snprintf(within, sizeof within, "%s/rw/log", world.place);
    const char *outputs[8] = { "/dev/null", log, "/dev/full", pipe, world.place, none, within, "" };
    memcpy(world.outputs, outputs, sizeof outputs);
    must(mkfifo(pipe, 0600) == 0 && open(pipe, O_RDWR | O_NONBLOCK | O_CLOEXEC) >= 0, "a fifo");
}

void world_begin(void)
{
    bool own = namespaces_own();
    world.dev = own && dev_own();
    if (own)
        network_own();
    strcpy(world.place, own ? "/mnt" : "/tmp/fuzz-calls-XXXXXX");
    must(own || mkdtemp(world.place), "a place");
    if (own)
        world.ports = (struct ports){ TCP_PORT, UDP_PORT, DNS_PORT_HERE, GUEST_PORT };
    world.listener = socket_bound(SOCK_STREAM, &world.ports.tcp);
    world.datagrams = socket_bound(SOCK_DGRAM, &world.ports.udp);
    world.stranger = socket_bound(SOCK_DGRAM, &(uint16_t){ own ? 9 : 0 });
    world.passed[0] = socket_bound(SOCK_STREAM, &(uint16_t){ 0 });
    world.passed[1] = socket_bound(SOCK_DGRAM, &(uint16_t){ 0 });
    world.asking = -1;
    /* little is under way, so that it shows what happens when all is full */
    setsockopt(world.listener, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int));
    world.dns_stream = socket_bound(SOCK_STREAM, &world.ports.dns);
    world.dns = socket_bound(SOCK_DGRAM, &world.ports.dns);
    if (!own) /* a port that is free now */
        close(socket_bound(SOCK_STREAM, &world.ports.guest));
    for (unsigned i = 0; i < 8; i++)
        world.peers[i] = -1;
    names_make();
    streams_keep();
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

/* Other file systems below what is granted: one that may be used, and one of no such kind. */
static void mounts_make(void)
{
    int dir = open(world.ro, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char at[128];
    must(mkdirat(dir, "t", 0755) == 0 && mkdirat(dir, "p", 0755) == 0, "mounts");
    close(dir);
    if (!world.dev)
        return;
    snprintf(at, sizeof at, "%s/t", world.ro);
    (void)!mount("fuzz", at, "tmpfs", 0, "size=1m,mode=755");
    snprintf(at, sizeof at, "%s/p", world.ro);
    (void)!mount("fuzz", at, "devpts", 0, "newinstance");
}

/* Once in a process; what is checked not to change stays from input to input. */
static void kept_make(void)
{
    if (kept_before)
        return;
    tree_make(world.ro);
    mounts_make();
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
    case 0: pipe_as(fd, fd == 0); break;
    case 1: world.stdio[fd] = eventfd(1, EFD_CLOEXEC); break;
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

void world_make(unsigned streams, bool own)
{
    kept_make();
    tree_make(world.rw);
    int place = open(world.place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    file_make(place, "log", "-----BEGIN CERTIFICATE-----\n");
    close(place);
    for (int fd = 0; fd < 3; fd++)
        stream_make(fd, streams >> 3 * fd);
    for (int fd = 0; fd < 3 && own; fd++)
        if (world.stdio[fd] >= 0)
            dup2(world.stdio[fd], fd);
    world.kicked = false;
    world.looks = world.waits = world.next_peer = world.answers = 0;
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
    for (int i = 0; i < 3; i++) {
        dup2(kept_streams[i], i);
        close_at(&world.stdio[i]), close_at(&world.far[i]);
    }
    close_at(&world.asking);
    unlink(world.outputs[1]);
    for (int i = 0; i < 8; i++)
        close_at(&world.peers[i]);
    socket_drain(world.listener, true);
    socket_drain(world.dns_stream, true);
    socket_drain(world.datagrams, false);
    socket_drain(world.dns, false);
    socket_drain(world.stranger, false);
    socket_drain(world.passed[0], true);
    socket_drain(world.passed[1], false);
    tree_remove(AT_FDCWD, world.rw);
    tree_remove(AT_FDCWD, world.tmp); /* where its removal failed */
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
        world.answers += how >> 7;
        const unsigned many = world.answers;
        uint8_t v4[4] = { byte_take(from), (uint8_t)(many >> 8), (uint8_t)many, 1 };
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
    if (world.asking < 0)
        world.asking = accept4(world.dns_stream, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ssize_t n = world.asking < 0 ? -1 : recv(world.asking, in, sizeof in, 0);
    if (n < 0)
        return;
    size_t len = n > 2 ? answer_make(in + 2, (size_t)n - 2, out + 2, sizeof out - 2) : 0;
    out[0] = (uint8_t)(len >> 8), out[1] = (uint8_t)len;
    if (len)
        (void)!send(world.asking, out, len + 2, MSG_DONTWAIT | MSG_NOSIGNAL);
    close_at(&world.asking);
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
    uint8_t how = byte_take(b);
    sendto(how & 128 ? world.stranger : world.datagrams, text, how % 17, MSG_DONTWAIT,
           (struct sockaddr *)&in, sizeof in);
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

/* A file that is far larger than what is in it. */
static void act_sparse(struct bytes *b)
{
    static const off_t sizes[] = { (off_t)100 << 20, (off_t)5 << 30, (off_t)1 << 42, 4096 };
    int dir = open(world.rw, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = openat(dir, byte_take(b) & 1 ? "d/b" : "a", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    unsigned which = byte_take(b) % 16;
    char name[16];
    for (unsigned i = 0; which >= 8 && i < FILES_MANY; i++) {
        snprintf(name, sizeof name, "d/%u", i);
        close(openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    }
    if (fd >= 0 && which < 4)
        (void)!ftruncate(fd, sizes[which]);
    else if (fd >= 0 && which < 8) /* or of another millennium */
        futimens(fd, (struct timespec[2]){ { which & 1 ? -((time_t)1 << 40) : (time_t)1 << 40, 0 },
                                           { which & 2 ? 1 : 0, UTIME_NOW } });
    close(fd);
    close(dir);
}

/* Another process has a FIFO open, and may have written to it. */
static void act_fifo(struct bytes *b)
{
    int dir = open(world.rw, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = openat(dir, "f", O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) {
        if (byte_take(b) & 1)
            (void)!write(fd, "fifo", 4);
        peer_keep(fd);
    } else {
        close(fd);
    }
    close(dir);
}

/* The host listens at a name in the granted directory, or speaks with who listens there. */
static void act_unix(struct bytes *b)
{
    static const char *const names[] = { "new", "d/new", "s", "m/new" };
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    uint8_t which = byte_take(b);
    int type = which & 16 ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s/%s", world.rw, names[which % 4]);
    if (which & 8)
        connect(fd, (struct sockaddr *)&at, sizeof at);
    else if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && type == SOCK_STREAM)
        listen(fd, 8);
    peer_keep(fd);
}

/* What the monitor asks of a run beside the calls. */
static void act_asked(struct wasi *w, struct bytes *b)
{
    static struct streams_kept kept;
    static struct wasi *of;
    uint8_t what = byte_take(b);
    bool read_only;
    uint32_t fd = 0;
    if (what & 1)
        of = wasi_streams_keep(w, &kept) ? w : NULL;
    if ((what & 2) && of == w)
        wasi_streams_back(w, &kept);
    while (wasi_granted(w, &fd, &read_only) >= 0) {}
    wasi_stream(w, what >> 2 & 3);
    if (wasi_files_most(w) < 3)
        finding("fewer descriptors than streams");
}

static void act_time(struct bytes *b)
{
    static const uint64_t spans[] = { 0, 1000000, 300000000, 1000000000, 6000000000, 61000000000,
                                      3700000000000, 100000 };
    unsigned rounds = byte_take(b) % 8;
    steps_pass(spans[byte_take(b) % 8]);
    faults_on(true);
    while (rounds--)
        steps_round();
    faults_on(false);
}

static void act_more(struct wasi *w, unsigned what, struct bytes *b)
{
    uint8_t after, how;
    switch (what) {
    case 14: after = byte_take(b), how = byte_take(b), fault_set(after % 64u, how); break;
    case 15: act_time(b); break;
    case 16: act_sparse(b); break;
    case 17: act_fifo(b); break;
    case 18: act_unix(b); break;
    case 19: act_asked(w, b); break;
    case 20: world.looks = 1 + byte_take(b) % 16; break;
    case 21: world_turn(), steps_round(); break;
    case 22: break; /* the next one again and again (calls.c) */
    default: world.kicked = true; break;
    }
}

void world_act(struct wasi *w, struct bytes *b)
{
    unsigned what = byte_take(b) % 24;
    uint8_t first = what < 14 ? byte_take(b) : 0, second = what < 14 ? byte_take(b) : 0;
    int *peer = &world.peers[first % 8], stream = second % 3;
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
    default: act_more(w, what, b); break;
    }
}

/* ---- in kick.c's place ---- */

bool kick_pending(struct kick *kick)
{
    (void)kick;
    if (world.looks && --world.looks == 0)
        world.kicked = true;
    return world.kicked;
}

void kick_stop(struct kick *kick, enum end_kind kind, uint32_t number)
{
    (void)kick, (void)kind, (void)number;
    world.kicked = true;
}

/* One look, and what the others do who are waited for. */
static int wait_once(struct pollfd *fds, unsigned n, uint64_t until_ns, bool *over)
{
    const struct timespec none = { 0 };
    bool was = faults_on(false);
    world_turn();
    faults_on(was);
    int ready = world.kicked ? 0 : ppoll(fds, n, &none, NULL);
    *over = ready || steps_now() >= until_ns;
    if (*over || steps_round())
        return ready;
    if (until_ns != UINT64_MAX && world.waits > WAITS_MOST / 4)
        steps_pass(until_ns - steps_now()); /* others look up again and again */
    else
        steps_wait(until_ns);
    return ready;
}

/* A wait that nothing can end, or that is repeated too often, is ended by a stop. */
int kick_ppoll(struct kick *kick, struct pollfd *fds, unsigned n, int64_t timeout_ns)
{
    const uint64_t until = timeout_ns < 0 ? UINT64_MAX : steps_now() + (uint64_t)timeout_ns;
    (void)kick;
    while (!kick_pending(kick) && world.waits++ < WAITS_MOST) {
        bool over;
        int ready = wait_once(fds, n, until, &over);
        if (over)
            return ready;
    }
    world.kicked = true;
    errno = EINTR;
    return -1;
}
