/* The values of options: how each kind is spelled, and in which words another spelling is refused.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "vmm/cli/cli.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define SECOND_NS UINT64_C(1000000000)

void *allocated(void *p)
{
    if (!p)
        fail("no memory for the command line: %s", strerror(errno));
    return p;
}

/* ---- numbers ---- */

#define UNIT_COUNT 4
struct unit { const char *name; uint64_t scale; };
static const struct unit size_units[UNIT_COUNT] = {
    { "", 1 }, { "K", KIB }, { "M", MIB }, { "G", GIB }
};
static const struct unit time_units[UNIT_COUNT] = {
    { "", SECOND_NS }, { "ms", 1000000 }, { "s", SECOND_NS }, { "m", 60 * SECOND_NS },
};

enum number { NUMBER_GOOD, NUMBER_JUNK, NUMBER_HUGE };

/* Digits and one of the units, nothing else. */
static enum number number_read(const char *text, const struct unit *units, bool any_case,
                               uint64_t *out)
{
    uint64_t n = 0;
    bool huge = false;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        huge |= __builtin_mul_overflow(n, 10, &n) ||
                __builtin_add_overflow(n, (uint64_t)(*at - '0'), &n);
    if (at == text)
        return NUMBER_JUNK;
    for (unsigned i = 0; i < UNIT_COUNT; i++)
        if (any_case ? strcasecmp(at, units[i].name) == 0 : strcmp(at, units[i].name) == 0)
            return __builtin_mul_overflow(n, units[i].scale, out) || huge ? NUMBER_HUGE
                                                                          : NUMBER_GOOD;
    return NUMBER_JUNK;
}

/* A bound as a user would write it: in the largest unit that divides it. */
static void size_write(uint64_t bytes, char out[24])
{
    unsigned unit = UNIT_COUNT - 1;
    while (unit && (bytes == 0 || bytes % size_units[unit].scale))
        unit--;
    snprintf(out, 24, "%llu%s", (unsigned long long)(bytes / size_units[unit].scale),
             size_units[unit].name);
}

uint64_t value_size(const struct option *o, const char *text)
{
    uint64_t n = 0;
    char bound[24];
    enum number got = number_read(text, size_units, true, &n);
    if (got == NUMBER_JUNK)
        fail("--%s %s: not a size (write bytes, or a number with K, M or G: 512M)", o->name, text);
    if (got == NUMBER_HUGE || n > o->bounds->most) {
        size_write(o->bounds->most, bound);
        fail("--%s %s: too large (%s is the most)", o->name, text, bound);
    }
    if (n < o->bounds->least) {
        size_write(o->bounds->least, bound);
        fail("--%s %s: too small (%s is the least)", o->name, text, bound);
    }
    return n;
}

uint64_t value_time(const struct option *o, const char *text)
{
    uint64_t n = 0;
    enum number got = number_read(text, time_units, false, &n);
    if (got == NUMBER_JUNK)
        fail("--%s %s: not a time (write seconds, or a number with ms, s or m: 1500ms)", o->name,
             text);
    if (got == NUMBER_HUGE || n > o->bounds->most)
        fail("--%s %s: too long (292 years are the most)", o->name, text);
    if (n < o->bounds->least)
        fail("--%s %s: no time at all (leave --%s out for no limit)", o->name, text, o->name);
    return n;
}

uint64_t value_count(const struct option *o, const char *text)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || n < o->bounds->least || n > o->bounds->most)
        fail("--%s %s: not a number from %llu to %llu", o->name, text,
             (unsigned long long)o->bounds->least, (unsigned long long)o->bounds->most);
    return n;
}

/* Which of the words of the row's value, "auto|exit|poll", it is. */
uint64_t value_choice(const struct option *o, const char *text)
{
    uint64_t which = 0;
    size_t len = strlen(text);
    for (const char *at = o->value; *at; at += *at == '|', which++) {
        size_t n = strcspn(at, "|");
        if (n == len && memcmp(at, text, n) == 0)
            return which;
        at += n;
    }
    fail("--%s %s: not %s (write --%s=%.*s)", o->name, text, o->value, o->name,
         (int)strcspn(o->value, "|"), o->value);
}

/* ---- texts ---- */

const char *value_text(const struct option *o, const char *text)
{
    if (!*text)
        fail("--%s: %s is empty (give a name)", o->name, o->value);
    return text;
}

const char *value_maybe(const struct option *o, const char *text)
{
    if (text && !*text)
        fail("--%s=: nothing after the = (leave it out, or write --%s%s)", o->name, o->name,
             o->value);
    return text ? text : "";
}

/* =any, or nothing. */
const char *value_any(const struct option *o, const char *text)
{
    if (text && *text && strcmp(text, "any") != 0)
        fail("--%s=%s: only =any is known (names come from --allow-connect NAME)", o->name, text);
    return value_maybe(o, text);
}

const char *value_word(const struct option *o, const char *text)
{
    if (!*text)
        fail("--%s: %s is empty", o->name, o->value);
    return text;
}

void values_add(struct values *words, const char *text)
{
    words->at = allocated(realloc(words->at, (words->n + 1) * sizeof *words->at));
    words->at[words->n++] = text;
}
