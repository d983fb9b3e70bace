/* The command line's own way out: it says its line and the process ends. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "vmm/cli/cli.h"

static void (*before_end)(int status, const char *text);

static _Noreturn void fail_with(int status, const char *format, va_list args)
{
    struct failure f;
    if (vsnprintf(f.text, sizeof f.text, format, args) < 0)
        f.text[0] = 0;
    message("%s", f.text);
    void (*then)(int, const char *) = before_end;
    before_end = NULL; /* it may fail in its turn */
    if (then)
        then(status, f.text);
    exit(status);
}

void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail_with(EXIT_MONITOR, format, args);
}

void fail_as(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail_with(status, format, args);
}

void fail_then(void (*then)(int status, const char *text))
{
    before_end = then;
}
