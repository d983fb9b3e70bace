/* Why something could not be had: written by whoever failed, told by whoever began. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/message.h"

static void set(struct failure *f, int status, const char *format, va_list args)
{
    f->status = status;
    if (vsnprintf(f->text, sizeof f->text, format, args) < 0)
        f->text[0] = 0;
}

bool failure_set(struct failure *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(f, EXIT_MONITOR, format, args);
    va_end(args);
    return false;
}

bool failure_as(struct failure *f, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(f, status, format, args);
    va_end(args);
    return false;
}

/* The kernel counts both by user, as what waits in a queue. */
const char *pending_error(int error)
{
    return error == EAGAIN ? "this user has as many timers and pending signals as ulimit -i allows "
                             "(raise that limit, or end processes of this user)"
                           : strerror(error);
}
