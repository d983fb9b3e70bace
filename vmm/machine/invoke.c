/* --invoke on this side: reads the command line's words as numbers of every kind that the export
 * may want, and prints the numbers that it gave.  Which kind is wanted the guest knows, as it reads
 * the module. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/machine/inside.h"

/* Decimal or 0x, with a sign; signed and unsigned ranges both count. */
static bool integer_read(const char *word, struct invoke_word *out)
{
    char *end;
    bool negative = *word == '-';
    const char *digits = word + (*word == '-' || *word == '+');
    if (!isdigit((unsigned char)*digits))
        return false;
    bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    errno = 0;
    uint64_t n = strtoull(digits, &end, hex ? 16 : 10);
    if (*end || errno || (negative && n > UINT64_C(1) << 63))
        return false;
    out->integer = negative ? 0 - n : n;
    out->kinds |= INVOKE_I64;
    if (negative ? n <= UINT64_C(1) << 31 : n <= UINT32_MAX)
        out->kinds |= INVOKE_I32;
    return true;
}

static void float_read(const char *word, struct invoke_word *out)
{
    char *end;
    if (!*word || isspace((unsigned char)*word))
        return;
    double d = strtod(word, &end);
    float f = strtof(word, NULL);
    if (*end)
        return;
    memcpy(&out->f64, &d, sizeof d);
    memcpy(&out->f32, &f, sizeof f);
    out->kinds |= INVOKE_FLOAT;
}

uint64_t invoke_bytes(const struct config *config)
{
    if (!config->set->invoke)
        return 0;
    uint64_t words = config->argc - 1;
    return sizeof(struct invoke) + words * sizeof(struct invoke_word) +
           (strlen(config->set->invoke) + 8) / 8 * 8;
}

void invoke_write(const struct config *config, uint8_t *control, uint32_t offset)
{
    struct invoke *invoke = (struct invoke *)(control + offset);
    invoke->nwords = config->argc - 1;
    invoke->name_off = offset +
                       (uint32_t)(sizeof *invoke + invoke->nwords * sizeof invoke->words[0]);
    for (uint32_t i = 0; i < invoke->nwords; i++) {
        invoke->words[i] = (struct invoke_word){ 0 };
        integer_read(config->args[i + 1], &invoke->words[i]);
        float_read(config->args[i + 1], &invoke->words[i]);
    }
    strcpy((char *)control + invoke->name_off, config->set->invoke);
}

/* The shortest decimal that reads back as the same number. */
static int float_print(double d, bool single, char *out)
{
    if (isnan(d) || isinf(d))
        return sprintf(out, isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
    int n = 0;
    for (int digits = 1; digits <= 17; digits++) {
        n = sprintf(out, "%.*g", digits, d);
        if (single ? strtof(out, NULL) == (float)d : strtod(out, NULL) == d)
            break;
    }
    return n;
}

int invoke_print_one(const struct invoke_result *r, char out[INVOKE_LINE])
{
    double d;
    float f;
    uint32_t low = (uint32_t)r->lo;
    switch (r->type) {
    case TYPE_I32: return sprintf(out, "%" PRId32, (int32_t)low);
    case TYPE_I64: return sprintf(out, "%" PRId64, (int64_t)r->lo);
    case TYPE_F32:
        memcpy(&f, &low, sizeof f);
        return float_print(f, true, out);
    case TYPE_F64:
        memcpy(&d, &r->lo, sizeof d);
        return float_print(d, false, out);
    case TYPE_V128: return sprintf(out, "0x%016" PRIx64 "%016" PRIx64, r->hi, r->lo);
    default: return sprintf(out, "a reference");
    }
}

size_t invoke_print(const struct invoke_result *results, size_t n, char *out, size_t cap)
{
    size_t used = 0;
    for (size_t i = 0; i < n && cap - used >= INVOKE_LINE; i++) {
        used += (size_t)invoke_print_one(&results[i], out + used);
        out[used++] = '\n';
    }
    return used;
}
