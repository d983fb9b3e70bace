/* wasmvm_prepare: what it opens is enough for the run, and where it fails, it says why and leaves
 * nothing.
 *
 * The C library's calls that open or make something are doubled: the one that a case names fails as
 * it says. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "embed.h"

#define CALLS_MOST 200 /* of one preparation */

enum { NONE, OPENING, CONTROL };
static struct {
    int kind;
    int left, error;  /* calls until one fails, and how; below 0 = none of them does */
    const char *path; /* each that opens this fails */
} trouble;

static bool fails(int kind)
{
    if (trouble.kind != kind || trouble.left < 0 || trouble.left-- > 0)
        return false;
    errno = trouble.error;
    return true;
}

static long third(va_list ap)
{
    return va_arg(ap, long);
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    int mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, int) : 0;
    va_end(ap);
    if (trouble.path && strcmp(path, trouble.path) == 0)
        return errno = trouble.error, -1;
    return fails(OPENING) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    int mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, int) : 0;
    va_end(ap);
    return fails(OPENING) ? -1 : (int)syscall(SYS_openat, dir, path, flags, mode);
}

int fcntl(int fd, int command, ...)
{
    va_list ap;
    va_start(ap, command);
    long value = third(ap);
    va_end(ap);
    bool copy = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
    return copy && fails(OPENING) ? -1 : (int)syscall(SYS_fcntl, fd, command, value);
}

int socket(int family, int type, int protocol)
{
    return fails(OPENING) ? -1 : (int)syscall(SYS_socket, family, type, protocol);
}

void (*after_pipe)(void);

int pipe2(int ends[2], int flags)
{
    int made = fails(OPENING) ? -1 : (int)syscall(SYS_pipe2, ends, flags);
    if (made == 0 && after_pipe)
        after_pipe();
    return made;
}

int memfd_create(const char *name, unsigned flags)
{
    return fails(OPENING) ? -1 : (int)syscall(SYS_memfd_create, name, flags);
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    va_start(ap, request);
    long value = third(ap);
    va_end(ap);
    return fails(CONTROL) ? -1 : (int)syscall(SYS_ioctl, fd, request, value);
}

/* ---- prepared ---- */

static int output[2];

static wasmvm_instance *made(wasmvm_module *module, wasmvm_config *c)
{
    wasmvm_instance *i = wasmvm_instance_new(module, c, &error);
    wasmvm_config_free(c);
    return i;
}

static const char *in(const char *name)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

/* Is it empty? */
static int tmp_folder_removed(void)
{
    char name[40];
    snprintf(name, sizeof name, "wasmvm-tmp-%u", (unsigned)geteuid());
    return rmdir(in(name));
}

/* Directories and a program of names that are no more when it runs; and it opens nothing but
 * beneath its grants. */
int case_prepared_then_run(void)
{
    char text[200] = "", home[4096];
    CHECK(getcwd(home, sizeof home));
    CHECK(chdir(directory) == 0 && mkdir("old", 0700) == 0);
    CHECK(mkdir("old/in", 0700) == 0 && mkdir("old/out", 0700) == 0);
    CHECK(symlink(program_file, "old/module") == 0 && pipe2(output, O_CLOEXEC) == 0);
    int fd = open("old/in/a.txt", O_CREAT | O_WRONLY, 0600);
    CHECK(write(fd, "hello", 5) == 5 && close(fd) == 0);
    wasmvm_module *m = wasmvm_module_fd(open("old/module", O_RDONLY | O_CLOEXEC), "module", &error);
    wasmvm_config *c = config_make();
    wasmvm_config_dir(c, "old/in", "/in", WASMVM_DIR_READ_ONLY);
    wasmvm_config_dir(c, "old/out", "/out", 0);
    wasmvm_config_arg(c, "files");
    wasmvm_config_stdio(c, -1, output[1], output[1]);
    wasmvm_instance *i = made(m, c);
    wasmvm_module_free(m);
    CHECK(i && wasmvm_prepare(i, &error) == WASMVM_OK && wasmvm_exit_status(i) == -1);
    CHECK(wasmvm_prepare(i, &error) == WASMVM_E_USAGE && strstr(error.text, "before"));
    CHECK(wasmvm_instance_provider(i, &(wasmvm_provider){ .name = "x" }, NULL, 0, &error) ==
          WASMVM_E_USAGE);
    CHECK(unlink("old/module") == 0 && rename("old", "new") == 0);
    trouble.kind = OPENING, trouble.left = 0, trouble.error = ENOENT;
    int code = wasmvm_run(i, &error), left = trouble.left;
    trouble.kind = NONE;
    CHECK(code == WASMVM_OK && wasmvm_exit_status(i) == 0 && left == 0);
    CHECK(wasmvm_run(i, &error) == WASMVM_E_USAGE && wasmvm_prepare(i, &error) == WASMVM_E_USAGE);
    wasmvm_instance_free(i);
    close(output[1]);
    CHECK(read(output[0], text, sizeof text - 1) > 0 &&
          strcmp(text, "\"hello\" <nil>\ntrue <nil>\ntrue\n") == 0);
    close(output[0]);
    CHECK(unlink("new/in/a.txt") == 0 && unlink("new/out/b.txt") == 0 && rmdir("new/in") == 0);
    CHECK(rmdir("new/out") == 0 && rmdir("new") == 0 && chdir(home) == 0);
    return 0;
}

/* Freed, stopped, and initialized without a run; and limits of time, of which none passes in
 * between. */
int case_prepared_then_left(void)
{
    const wasmvm_export *e;
    setenv("TMPDIR", directory, 1);
    wasmvm_config *c = config_make();
    wasmvm_config_tmp(c);
    wasmvm_instance *i = made(program, c);
    CHECK(i && wasmvm_prepare(i, &error) == WASMVM_OK);
    wasmvm_instance_free(i);
    unsetenv("TMPDIR");
    CHECK(tmp_folder_removed() == 0);
    i = made(program, config_make());
    CHECK(i && wasmvm_prepare(i, &error) == WASMVM_OK);
    wasmvm_stop(i);
    CHECK(wasmvm_run(i, &error) == WASMVM_E_STOPPED);
    wasmvm_instance_free(i);
    /* on a busy machine the first limits may be too short for the call itself */
    int code = WASMVM_E_TIME;
    for (uint64_t limit_ms = 1000; code == WASMVM_E_TIME && limit_ms < 20000; limit_ms *= 4) {
        c = config_make();
        wasmvm_config_timeout(c, limit_ms * 1000000);
        i = made(reactor, c);
        CHECK(i && wasmvm_prepare(i, &error) == WASMVM_OK);
        CHECK(wasmvm_lookup(i, "add", &e, &error) == WASMVM_E_USAGE &&
              strstr(error.text, "not initialized"));
        usleep((useconds_t)(limit_ms * 1000 + 100000));
        code = wasmvm_initialize(i, &error);
        CHECK(code != WASMVM_OK || wasmvm_lookup(i, "add", &e, &error) == WASMVM_OK);
        wasmvm_instance_free(i);
    }
    CHECK(code == WASMVM_OK);
    return 0;
}

/* ---- not prepared ---- */

/* It does not; its words hold `word`, nothing stays open, and the instance is over. */
static int refused(wasmvm_module *m, wasmvm_config *c, int code, int status, const char *word)
{
    int before = open_files();
    wasmvm_instance *i = made(m, c);
    CHECK(i && wasmvm_prepare(i, &error) == code && error.status == status &&
          strstr(error.text, word));
    CHECK(wasmvm_exit_status(i) == status && wasmvm_run(i, &error) == WASMVM_E_USAGE);
    wasmvm_instance_free(i);
    CHECK(open_files() == before);
    return 0;
}

static wasmvm_config *everything(void)
{
    wasmvm_config *c = config_make();
    wasmvm_config_dir(c, directory, "/a", 0);
    wasmvm_config_tmp(c);
    wasmvm_config_trace(c, in("trace"));
    wasmvm_config_net(c, WASMVM_NET_LOG, in("log"));
    wasmvm_config_net(c, WASMVM_NET_CA_CERTS, "/etc/hostname");
    wasmvm_config_net(c, WASMVM_NET_ALLOW_DNS, "any");
    wasmvm_config_net(c, WASMVM_NET_ALLOW_CONNECT, "127.0.0.1");
    wasmvm_config_net(c, WASMVM_NET_LISTEN, "127.0.0.1:0");
    return c;
}

static int net_refused(enum wasmvm_net what, const char *value, const char *word)
{
    wasmvm_config *c = everything();
    wasmvm_config_net(c, what, value);
    return refused(program, c, WASMVM_E_HOST, 125, word);
}

static int module_refused(int fd, int code, int status, const char *word)
{
    wasmvm_module *m = wasmvm_module_fd(fd, "odd", &error);
    CHECK(m);
    int bad = refused(m, everything(), code, status, word);
    wasmvm_module_free(m);
    return bad;
}

static int device_refused(int number, const char *word)
{
    trouble.path = "/dev/kvm", trouble.error = number;
    int bad = refused(program, everything(), WASMVM_E_HOST, 125, word);
    trouble.path = NULL;
    return bad;
}

/* A socket that the instance has taken is closed, whether it was prepared, could not be, or never
 * was to be. */
static int socket_taken(const char *directory_or_null, bool prepare)
{
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    wasmvm_config *c = everything();
    wasmvm_config_socket(c, pair[0], WASMVM_SOCKET_TAKEN);
    if (directory_or_null)
        wasmvm_config_dir(c, directory_or_null, "/b", 0);
    int before = open_files();
    wasmvm_instance *i = made(program, c);
    CHECK(i && (!prepare || (wasmvm_prepare(i, &error) == WASMVM_OK) == !directory_or_null));
    wasmvm_instance_free(i);
    CHECK(open_files() == before - 1);
    close(pair[1]);
    return 0;
}

static int leftovers_removed(void)
{
    unsetenv("TMPDIR");
    unlink(in("trace"));
    unlink(in("log"));
    return tmp_folder_removed();
}

int case_prepare_fails(void)
{
    setenv("TMPDIR", directory, 1);
    wasmvm_config *c = everything();
    wasmvm_config_dir(c, "/nowhere/at/all", "/b", 0);
    CHECK(refused(program, c, WASMVM_E_HOST, 125, "/nowhere/at/all") == 0);
    c = everything();
    wasmvm_config_dir(c, "/proc", "/b", 0);
    CHECK(refused(program, c, WASMVM_E_HOST, 125, "is not of a kind that is used") == 0);
    c = everything();
    wasmvm_config_dir(c, directory, "/b", WASMVM_DIR_READ_ONLY);
    CHECK(refused(program, c, WASMVM_E_HOST, 125, "same mode") == 0);
    static const char *const images[] = { "/etc/hostname", "/nowhere/image", "/dev/null",
                                          "/proc/self/exe" };
    for (size_t k = 0; k < sizeof images / sizeof *images; k++) {
        c = everything();
        wasmvm_config_guest_image(c, images[k]);
        CHECK(refused(program, c, WASMVM_E_HOST, 125, images[k]) == 0);
    }
    c = everything();
    wasmvm_config_trace(c, "/nowhere/trace");
    CHECK(refused(program, c, WASMVM_E_HOST, 125, "/nowhere/trace") == 0);
    c = everything();
    wasmvm_config_stdio(c, -1, 1000000, -1);
    CHECK(refused(program, c, WASMVM_E_HOST, 125, "1000000") == 0);
    CHECK(net_refused(WASMVM_NET_LOG, "/nowhere/log", "/nowhere/log") == 0);
    CHECK(net_refused(WASMVM_NET_CA_CERTS, "/nowhere/certs", "/nowhere/certs") == 0);
    CHECK(net_refused(WASMVM_NET_CA_CERTS, "/etc", "/etc") == 0);
    CHECK(net_refused(WASMVM_NET_LISTEN, "192.0.2.1:1", "192.0.2.1:1") == 0);
    CHECK(net_refused(WASMVM_NET_DIAL, "127.0.0.1:1", "127.0.0.1:1") == 0);
    CHECK(net_refused(WASMVM_NET_ALLOW_LISTEN, "name.example:80", "name.example") == 0);
    CHECK(net_refused(WASMVM_NET_DENY, "??", "--deny ??") == 0);
    CHECK(net_refused(WASMVM_NET_DNS_SERVER, "x", "--dns-server x") == 0);
    CHECK(module_refused(open("/", O_RDONLY | O_CLOEXEC), WASMVM_E_NO_MODULE, 127,
                         "cannot be read") == 0);
    CHECK(module_refused(open(program_file, O_WRONLY | O_CLOEXEC), WASMVM_E_NO_MODULE, 127,
                         "cannot be read") == 0);
    int large = memfd_create("large", MFD_CLOEXEC);
    CHECK(large >= 0 && ftruncate(large, (1ll << 30) + 1) == 0);
    CHECK(module_refused(large, WASMVM_E_INVALID, 126, "larger than 1 GiB") == 0);
    CHECK(device_refused(ENOENT, "/dev/kvm: not there") == 0 &&
          device_refused(EACCES, "permission denied") == 0);
    CHECK(device_refused(EMFILE, "/dev/kvm: cannot be opened") == 0);
    trouble.path = "/dev/null", trouble.error = EMFILE; /* for the program's closed streams */
    int bad = refused(program, everything(), WASMVM_E_HOST, 125, "descriptor 0");
    trouble.path = NULL;
    CHECK(bad == 0);
    CHECK(socket_taken(NULL, true) == 0 && socket_taken("/nowhere", true) == 0 &&
          socket_taken(NULL, false) == 0);
    setenv("TMPDIR", "/nowhere", 1);
    CHECK(refused(program, everything(), WASMVM_E_HOST, 125, "--tmp: /nowhere") == 0);
    return leftovers_removed();
}

/* Whether it could be prepared; -1 = it could not, and something is wrong with that. */
static int attempt(void)
{
    int before = open_files();
    memset(&error, 0, sizeof error);
    wasmvm_instance *i = made(program, everything());
    bool good = i && wasmvm_prepare(i, &error) == WASMVM_OK;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    bool said = good || (error.code == WASMVM_E_HOST && error.status == 125 && error.text[0]);
    wasmvm_instance_free(i);
    return !said || open_files() != before ? printf("%d: %s\n", error.code, error.text), -1 : good;
}

/* With each limit of open files it says so, or can; and at least once each of the steps fails. */
int case_prepare_few_descriptors(void)
{
    struct rlimit before;
    int good = 0, failed = 0;
    setenv("TMPDIR", directory, 1);
    getrlimit(RLIMIT_NOFILE, &before);
    for (int n = open_files(); !good; n++) { /* one to count them with is left */
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)n, before.rlim_max});
        good = attempt();
        setrlimit(RLIMIT_NOFILE, &before);
        failed += !good;
        CHECK(good >= 0 && n < 500);
    }
    CHECK(failed > 8);
    return leftovers_removed();
}

/* Each call that makes a descriptor fails once, and each ioctl. */
int case_prepare_calls_fail(void)
{
    setenv("TMPDIR", directory, 1);
    for (int kind = OPENING; kind <= CONTROL; kind++) {
        int failed = 0, n;
        for (n = 0; n < CALLS_MOST; n++) {
            trouble.kind = kind, trouble.left = n, trouble.error = kind == OPENING ? EMFILE : EIO;
            int good = attempt();
            bool reached = trouble.left < 0;
            trouble.kind = NONE;
            CHECK(good >= 0);
            failed += !good;
            if (!reached)
                break;
        }
        printf("%s: %d calls, %d of them end it\n", kind == OPENING ? "open" : "ioctl", n, failed);
        CHECK(n < CALLS_MOST && failed >= (kind == OPENING ? 12 : 6));
    }
    return leftovers_removed();
}
