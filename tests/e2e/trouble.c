/* LD_PRELOAD for wasmvm: calls of the kernel that fail, as on a host in trouble.
 *
 * TROUBLE is a list of NAME:ERRNO:AFTER:PIECE with blanks between: the call NAME fails with the
 * number ERRNO on descriptors whose file name holds PIECE, from the call after AFTER good ones on.
 * A write that fails so with ENOSPC counts AFTER in bytes, and the one in which the disk fills is
 * short, as a real disk's is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { RULES = 8 };
static struct rule { char name[16], piece[64]; int error; long after; } rules[RULES];

__attribute__((constructor)) static void rules_read(void)
{
    const char *at = getenv("TROUBLE");
    for (int i = 0, n; at && i < RULES; i++, at += n)
        if (sscanf(at, " %15[^:]:%d:%ld:%63s%n", rules[i].name, &rules[i].error, &rules[i].after,
                   rules[i].piece, &n) < 4)
            break;
}

static struct rule *rule_for(const char *name, int fd)
{
    char link[32], path[4096];
    for (int i = 0; i < RULES; i++) {
        if (strcmp(rules[i].name, name) != 0)
            continue;
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        /* the jail has no readlink */
        ssize_t n = readlinkat(AT_FDCWD, link, path, sizeof path - 1);
        path[n < 0 ? 0 : n] = 0;
        if (strstr(path, rules[i].piece))
            return &rules[i];
    }
    return NULL;
}

static int fails(const char *name, int fd)
{
    struct rule *rule = rule_for(name, fd);
    if (!rule || rule->after-- > 0)
        return 0;
    errno = rule->error;
    return 1;
}

static long write_troubled(const char *name, long number, int fd, const struct iovec *v, int n,
                           off_t at)
{
    struct rule *rule = rule_for(name, fd);
    if (!rule || rule->error != ENOSPC)
        return fails(name, fd) ? -1 : syscall(number, fd, v, n, at, 0);
    struct iovec cut[1024];
    long room = rule->after;
    int used = 0;
    for (; used < n && room > 0; used++) {
        cut[used] = v[used];
        if ((long)cut[used].iov_len > room)
            cut[used].iov_len = (size_t)room;
        room -= (long)cut[used].iov_len;
    }
    errno = ENOSPC;
    long done = used == 0 ? -1 : syscall(number, fd, cut, used, at, 0);
    rule->after -= done > 0 ? done : 0;
    return done;
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
    return write_troubled("write", SYS_writev, fd, v, n, 0);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    struct iovec one = { (void *)bytes, n };
    return write_troubled("write", SYS_writev, fd, &one, 1, 0);
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
    return write_troubled("write", SYS_pwritev, fd, v, n, at);
}

/* readv, where there is no position. */
ssize_t preadv2(int fd, const struct iovec *v, int n, off_t at, int flags)
{
    return at == -1 && fails("read", fd) ? -1 : syscall(SYS_preadv2, fd, v, n, at, 0, flags);
}
ssize_t read(int fd, void *to, size_t n)
{
    return fails("read", fd) ? -1 : syscall(SYS_read, fd, to, n);
}
int fsync(int fd) { return fails("fsync", fd) ? -1 : (int)syscall(SYS_fsync, fd); }

int close(int fd)
{
    int failed = fails("close", fd), error = errno, closed = (int)syscall(SYS_close, fd);
    errno = failed ? error : errno;
    return failed ? -1 : closed;
}

/* By number: openat2 and getdents64, which the C library lacks. */
long syscall(long number, ...)
{
    static long (*kernel)(long, ...);
    if (!kernel)
        kernel = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    va_list ap;
    long a[6];
    va_start(ap, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(ap, long);
    va_end(ap);
    if ((number == SYS_getdents64 && fails("getdents", (int)a[0])) ||
        (number == SYS_openat2 && fails("openat2", (int)a[0])))
        return -1;
    return kernel(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
