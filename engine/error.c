/* The engine's one error value and the small printf that words it.
 *
 * Bytes of the module reach a message only by %.*s, which escapes whatever a terminal might obey; the engine's own text
 * goes by %s. */
#include <stdarg.h>

#include "engine/inside.h"

struct text { char *at, *end; }; /* one byte is kept for the NUL */

static void put(struct text *t, char c)
{
    if (t->at < t->end)
        *t->at++ = c;
}

static void put_string(struct text *t, const char *s)
{
    while (*s)
        put(t, *s++);
}

static void put_number(struct text *t, uint64_t n, unsigned base)
{
    char digits[20];
    unsigned count = 0;
    do
        digits[count++] = "0123456789abcdef"[n % base];
    while (n /= base);
    while (count)
        put(t, digits[--count]);
}

static void format_list(struct text *t, const char *format, va_list list)
{
    for (const char *f = format; *f; f++) {
        if (*f != '%') {
            put(t, *f);
            continue;
        }
        f++;
        bool is_long = *f == 'l';
        f += is_long;
        if (*f == 'u' || *f == 'x') {
            put_number(t, is_long ? va_arg(list, uint64_t) : va_arg(list, unsigned), *f == 'u' ? 10 : 16);
        } else if (*f == 's') {
            put_string(t, va_arg(list, const char *));
        } else if (*f == '.') { /* .*s */
            f += 2;
            uint32_t len = va_arg(list, unsigned);
            struct name name = { va_arg(list, const uint8_t *), len };
            t->at += name_escape(name, t->at, (size_t)(t->end - t->at) + 1);
        } else {
            put(t, *f);
        }
    }
    *t->at = 0;
}

size_t error_format(char *out, size_t cap, const char *format, ...)
{
    struct text t = { out, out + cap - 1 };
    va_list list;
    va_start(list, format);
    format_list(&t, format, list);
    va_end(list);
    return (size_t)(t.at - out);
}

bool error_set(struct engine *e, enum error_kind kind, uint32_t offset, const char *format, ...)
{
    struct text t = { e->error.text, e->error.text + ERROR_TEXT - 1 };
    e->error.kind = kind;
    e->error.offset = offset;
    va_list list;
    va_start(list, format);
    format_list(&t, format, list);
    va_end(list);
    return false;
}

bool error_append(struct engine *e, const char *format, ...)
{
    struct text t = { e->error.text, e->error.text + ERROR_TEXT - 1 };
    while (*t.at)
        t.at++;
    va_list list;
    va_start(list, format);
    format_list(&t, format, list);
    va_end(list);
    return false;
}
