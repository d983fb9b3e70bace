/* The engine's one error value and the small printf that words it.
 *
 * A message says what, then where: whoever finds a mistake sets the first half, whoever knows the section and the
 * function adds the second by error_place.  Bytes of the module reach a message only by %.*s, which escapes whatever a
 * terminal might obey, and shortens what would leave no room for the place; the engine's own text goes by %s. */
#include <stdarg.h>

#include "engine/lib.h"
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
            size_t left = (size_t)(t->end - t->at) + 1;
            t->at += name_escape(name, t->at, left < ERROR_NAME ? left : ERROR_NAME);
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
    ENGINE_ASSERT(kind != ERROR_NONE);
    e->error.kind = kind;
    e->error.offset = offset;
    va_list list;
    va_start(list, format);
    format_list(&t, format, list);
    va_end(list);
    return false;
}

static void append_list(struct engine *e, const char *format, va_list list)
{
    struct text t = { e->error.text, e->error.text + ERROR_TEXT - 1 };
    while (*t.at)
        t.at++;
    format_list(&t, format, list);
}

bool error_append(struct engine *e, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    append_list(e, format, list);
    va_end(list);
    return false;
}

bool error_feature(struct engine *e, uint32_t offset, const char *feature, const char *format, ...)
{
    va_list list;
    error_set(e, ERROR_UNSUPPORTED, offset, "module uses %s (", feature);
    va_start(list, format);
    append_list(e, format, list);
    va_end(list);
    return false;
}

bool error_place(struct engine *e, const char *instruction, const char *func, const char *section)
{
    bool feature = e->error.kind == ERROR_UNSUPPORTED;
    ENGINE_ASSERT(e->error.kind != ERROR_NONE);
    if (feature)
        error_append(e, ", offset 0x%x", e->error.offset);
    const char *separator = feature ? ", " : " (";
    if (section)
        error_append(e, "%s%s section", separator, section);
    if (func)
        error_append(e, ", %s", func);
    if (feature)
        return error_append(e, "), which wasmvm does not support");
    if (instruction)
        return error_append(e, ", %s at offset 0x%x)", instruction, e->error.offset);
    return error_append(e, "%soffset 0x%x)", section ? ", " : " (", e->error.offset);
}
