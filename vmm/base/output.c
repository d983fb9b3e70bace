/* The files that an option names for us to write: --report, --trace, --net-log; and the standard
 * streams, where the caller closed one.
 *
 * Opening one never waits, as --timeout may not count yet: a named pipe needs its reader first.  It
 * never harms the module, nor what the caller's own stdout and stderr hold. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/message.h"

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_standard_stream(const struct stat *file)
{
    struct stat st;
    for (int fd = 0; fd <= 2; fd++)
        if (fstat(fd, &st) == 0 && same_file(file, &st))
            return true;
    return false;
}

static bool is_module(const struct stat *file, const char *module)
{
    struct stat st;
    return module && stat(module, &st) == 0 && same_file(file, &st);
}

/* The caller's own description stays as it is. */
static bool prepare(int fd, const struct output *o, const struct stat *st)
{
    if (named_is_own(o->path))
        return true;
    bool empty = !o->keep && S_ISREG(st->st_mode) && !is_standard_stream(st);
    return fcntl(fd, F_SETFL, O_APPEND) == 0 && (!empty || ftruncate(fd, 0) == 0);
}

bool output_open(int *at, const struct output *o, struct failure *why)
{
    struct stat st;
    int fd = named_open(&o->writable, o->path,
                        O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
    if (fd < 0 && errno == ENXIO)
        return failure_set(
            why, "%s%s: cannot be written: nobody reads this pipe (start its reader first)",
            o->option, o->path);
    bool found = fd >= 0 && fstat(fd, &st) == 0, taken = found && is_module(&st, o->module);
    if (found && !taken && prepare(fd, o, &st)) {
        *at = fd;
        return true;
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (taken)
        return failure_set(why, "%s%s: this is the module (give another name)", o->option, o->path);
    return failure_set(why, "%s%s: cannot be written: %s", o->option, o->path, named_error(error));
}

bool streams_open_closed(struct failure *why)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        /* The lowest free number, as all below are open. */
        int got = open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
        if (got != fd)
            return failure_set(why, "descriptor %d is closed and cannot be opened on /dev/null: %s",
                               fd, strerror(errno));
    }
    return true;
}
