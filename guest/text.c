/* Bounded text: all that the guest says in words is put together here. */
#include "guest/guest.h"

static void add_bytes(struct text *text, const char *bytes, size_t len)
{
    if (text->len + 1 >= text->cap)
        return;
    size_t room = text->cap - 1 - text->len;
    if (len > room)
        len = room;
    __builtin_memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = 0;
}

void text_add(struct text *text, const char *string)
{
    add_bytes(text, string, __builtin_strlen(string));
}

static void add_digits(struct text *text, uint64_t value, unsigned base)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    add_bytes(text, digits + at, sizeof digits - at);
}

void text_add_number(struct text *text, uint64_t value)
{
    add_digits(text, value, 10);
}

void text_add_hex(struct text *text, uint64_t value)
{
    text_add(text, "0x");
    add_digits(text, value, 16);
}
