/* Words: the one line that ends this program, and texts made of others. */
#include "go/go.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void die(const char *format, ...)
{
    va_list args;
    fputs("wasmvm: go: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EXIT_GO);
}

char *text(const char *format, ...)
{
    va_list args;
    char *made = NULL;
    va_start(args, format);
    int n = vasprintf(&made, format, args);
    va_end(args);
    if (n < 0)
        die("no memory");
    return made;
}
