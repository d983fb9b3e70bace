/* Why something could not be had: written by whoever failed, told by whoever began. */
#include <stdarg.h>
#include <stdio.h>

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
