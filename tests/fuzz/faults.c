/* Functions of the host that fail where the input says so (steps.h): the rows of faults.def. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>

#include "tests/fuzz/steps.h"

enum { FOR_LONG = 3000 };
static struct { bool on, met; unsigned after, what, more; } fault;

void fault_set(unsigned after, unsigned what)
{
    fault.after = after;
    fault.what = what;
    fault.more = (what & 0xe0) == 0xe0 ? FOR_LONG : what >> 5 & 7;
    fault.met = false;
}

bool fault_met(void)
{
    return fault.met;
}

bool faults_on(bool on)
{
    bool was = fault.on;
    fault.on = on;
    return was;
}

bool fault_now(void)
{
    static const int errors[] = { EINTR,  EAGAIN,     ENOMEM,     EMFILE,   EIO,   ENOSPC, EACCES,
                                  ENOENT, EINPROGRESS, EOPNOTSUPP, EBADF,    ELOOP, EPIPE,  EXDEV,
                                  EINVAL, EAFNOSUPPORT };
    if (!fault.on || !fault.after || --fault.after)
        return false;
    fault.met = true;
    fault.after = fault.more > 0;
    fault.more -= fault.more > 0;
    errno = errors[fault.what % (sizeof errors / sizeof *errors)];
    return true;
}

/* Or less than it is asked for; what is short goes as a whole. */
static bool piece_now(size_t *n)
{
    enum { SHORT = 64 };
    if (!fault_now())
        return false;
    if (!(fault.what & 16) || *n <= SHORT)
        return true;
    *n /= 2;
    return false;
}

#define HOST(type, name, parameters, arguments)                                                    \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fault_now() ? (type)-1 : __real_##name arguments;                                   \
    }
#define PIECE(type, name, parameters, arguments)                                                   \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return piece_now(&n) ? (type)-1 : __real_##name arguments;                                 \
    }
#define NONE(type, name, parameters, arguments)                                                    \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fault_now() ? NULL : __real_##name arguments;                                       \
    }
#include "tests/fuzz/faults.def"

/* Of a descriptor that is open it can always be told. */
int __real_fcntl(int, int, uintptr_t);
int __wrap_fcntl(int, int, uintptr_t);
int __wrap_fcntl(int fd, int what, uintptr_t more)
{
    return what != F_GETFD && fault_now() ? -1 : __real_fcntl(fd, what, more);
}

/* What lies in a pipe can always be read: one that the monitor's threads have in common may hold a
 * descriptor. */
ssize_t __real_read(int, void *, size_t);
ssize_t __wrap_read(int, void *, size_t);
ssize_t __wrap_read(int fd, void *to, size_t n)
{
    struct stat st;
    bool pipe = fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
    return !pipe && piece_now(&n) ? -1 : __real_read(fd, to, n);
}

/* Much is only said to be had: its pages would be the host's to find. */
int __real_fallocate(int, int, off_t, off_t);
int __wrap_fallocate(int, int, off_t, off_t);
int __wrap_fallocate(int fd, int mode, off_t at, off_t len)
{
    if (fault_now())
        return -1;
    bool much = len > 1 << 20 && at < (off_t)1 << 36;
    return much ? 0 : __real_fallocate(fd, mode, at, len);
}

int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list args;
    if (fault_now())
        return -1;
    va_start(args, format);
    int n = vasprintf(out, format, args);
    va_end(args);
    return n;
}
