/* The engine's one error value and the small printf that words it.
 *
 * A message says what, then where: whoever finds a mistake sets the first half, whoever knows the
 * section and the function adds the second by error_place.  Bytes of the module reach a message
 * only by %.*s, which escapes whatever a terminal might obey, and shortens what would leave no room
 * for the place; the engine's own text goes by %s. */
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
            put_number(t, is_long ? va_arg(list, uint64_t) : va_arg(list, unsigned),
                       *f == 'u' ? 10 : 16);
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
    e->error.advice = NULL;
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

#define PREVIEW1                                                                                   \
    "Go: GOOS=wasip1; TinyGo: -target=wasip1; Rust: --target wasm32-wasip1; C: "                   \
    "--target=wasm32-wasip1"

/* What makes compilers do without. */
static const struct { const char *feature, *advice;
} advices[] = {
    { "the component model", "build a module of WASI preview 1: " PREVIEW1 },
    { "threads", "C: without -pthread; Rust: --target wasm32-wasip1" },
    { "exception handling",
      "C, C++: -fno-exceptions, and no -mllvm -wasm-enable-sjlj; Rust: -C panic=abort" },
    { "garbage collection",
      "Go, TinyGo, Rust and C do without; MoonBit: --target wasm; Kotlin and Dart need it" },
    { "memory64", "C, Rust: a target of wasm32" },
    { "relaxed SIMD", "C: -mno-relaxed-simd; Rust: -C target-feature=-relaxed-simd" },
    { "wide arithmetic", "C: -mno-wide-arithmetic; Rust: -C target-feature=-wide-arithmetic" },
};

/* By the module that is imported, or how its name begins. */
static const struct { const char *begins, *advice; } imports[] = {
    { "wasi:", "a part of the component model; build for WASI preview 1: " PREVIEW1 },
    { "gojs", "built with GOOS=js: build with GOOS=wasip1" },
    { "wasi", "threads: C: without -pthread; Rust: --target wasm32-wasip1" },
};

bool error_import(struct engine *e, struct name module)
{
    for (size_t i = 0; i < sizeof imports / sizeof *imports; i++) {
        uint32_t n = 0;
        while (n < module.len && imports[i].begins[n] == (char)module.bytes[n])
            n++;
        if (!imports[i].begins[n] && (n == module.len || imports[i].begins[n - 1] == ':'))
            return error_append(e, " (%s)", imports[i].advice);
    }
    return false;
}

static const char *advice_find(const char *feature)
{
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++) {
        size_t n = 0;
        while (feature[n] && feature[n] == advices[i].feature[n])
            n++;
        if (feature[n] == advices[i].feature[n])
            return advices[i].advice;
    }
    return NULL;
}

bool error_feature(struct engine *e, uint32_t offset, const char *feature, const char *format, ...)
{
    va_list list;
    error_set(e, ERROR_UNSUPPORTED, offset, "module uses %s (", feature);
    e->error.advice = advice_find(feature);
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
    if (feature && e->error.advice)
        return error_append(e, "), which wasmvm does not support (%s)", e->error.advice);
    if (feature)
        return error_append(e, "), which wasmvm does not support");
    if (instruction)
        return error_append(e, ", %s at offset 0x%x)", instruction, e->error.offset);
    return error_append(e, "%soffset 0x%x)", section ? ", " : " (", e->error.offset);
}
