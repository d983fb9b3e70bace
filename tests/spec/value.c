/* Numbers stand in the JSON as decimal strings of their bits; a v128 is an array of lanes;
 * references are "null" or a number, which is handed to the module as that number plus one, as 0 is
 * null. */
#include "tests/spec/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *name; uint8_t type, bits; } types[] = {
    { "i32", VT_I32, 32 }, { "i64", VT_I64, 64 }, { "f32", VT_F32, 32 }, { "f64", VT_F64, 64 },
    { "v128", VT_V128, 128 }, { "funcref", VT_FUNCREF, 64 }, { "externref", VT_EXTERNREF, 64 },
    { "i8", 0, 8 }, { "i16", 0, 16 },
};
#define NTYPES (sizeof types / sizeof *types)

static uint32_t type_bits(const char *name)
{
    for (size_t i = 0; i < NTYPES; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].bits;
    return 0;
}

bool value_type(const struct json *value, uint8_t *type)
{
    const char *name = json_text(value, "type", "");
    for (size_t i = 0; i < NTYPES; i++)
        if (types[i].type && strcmp(types[i].name, name) == 0) {
            *type = types[i].type;
            return true;
        }
    return false;
}

static bool bits_read(const char *text, uint32_t bits, uint64_t *out)
{
    char *stop;
    *out = strtoull(text, &stop, 10);
    if (bits < 64)
        *out &= (1ull << bits) - 1;
    return *text != '\0' && *stop == '\0';
}

static uint64_t lane_get(const struct cell *cell, uint32_t lane, uint32_t bits)
{
    uint32_t at = lane * bits;
    uint64_t word = (at < 64 ? cell->lo : cell->hi) >> (at & 63);
    return bits == 64 ? word : word & ((1ull << bits) - 1);
}

static bool lanes_read(const struct json *value, struct cell *out)
{
    const struct json *lanes = json_get(value, "value");
    uint32_t bits = type_bits(json_text(value, "lane_type", "")), at = 0;
    if (bits == 0 || !lanes || lanes->count * bits != 128)
        return false;
    *out = (struct cell){ 0, 0 };
    for (const struct json *lane = lanes->first; lane; lane = lane->next, at += bits) {
        uint64_t number;
        if (!bits_read(lane->text, bits, &number))
            return false;
        *(at < 64 ? &out->lo : &out->hi) |= number << (at & 63);
    }
    return true;
}

bool value_cell(const struct json *value, struct cell *out)
{
    uint8_t type;
    const char *text = json_text(value, "value", "");
    *out = (struct cell){ 0, 0 };
    if (!value_type(value, &type))
        return false;
    if (type == VT_V128)
        return lanes_read(value, out);
    if (type != VT_FUNCREF && type != VT_EXTERNREF)
        return bits_read(text, type_bits(json_text(value, "type", "")), &out->lo);
    if (strcmp(text, "null") == 0)
        return true;
    bool done = type == VT_EXTERNREF && bits_read(text, 64, &out->lo);
    out->lo++;
    return done;
}

static bool lane_match(const char *expected, uint64_t got, uint32_t bits)
{
    uint64_t quiet = bits == 32 ? 0x7fc00000 : 0x7ff8000000000000, sign = 1ull << (bits - 1),
             number;
    if (strcmp(expected, "nan:canonical") == 0)
        return (got & ~sign) == quiet;
    if (strcmp(expected, "nan:arithmetic") == 0)
        return (got & quiet) == quiet;
    return bits_read(expected, bits, &number) && number == got;
}

bool value_match(const struct json *expected, const struct cell *got)
{
    uint8_t type;
    const struct json *value = json_get(expected, "value");
    if (!value || !value_type(expected, &type))
        return false;
    if (type == VT_V128) {
        uint32_t bits = type_bits(json_text(expected, "lane_type", "")), lane = 0;
        if (bits == 0 || value->count * bits != 128)
            return false;
        for (const struct json *at = value->first; at; at = at->next, lane++)
            if (!lane_match(at->text, lane_get(got, lane, bits), bits))
                return false;
        return true;
    }
    if (type == VT_FUNCREF && strcmp(value->text, "null") != 0)
        return got->lo != 0;
    struct cell cell;
    if (type == VT_FUNCREF || type == VT_EXTERNREF)
        return value_cell(expected, &cell) && cell.lo == got->lo;
    return lane_match(value->text, got->lo, type_bits(json_text(expected, "type", "")));
}

size_t value_text(const struct json *value, char *out, size_t cap)
{
    const struct json *inner = json_get(value, "value");
    int used = snprintf(out, cap, "%s", json_text(value, "type", "?"));
    if (inner && inner->text)
        used += snprintf(out + used, cap - (size_t)used, ":%s", inner->text);
    else if (inner)
        used += snprintf(out + used, cap - (size_t)used, ":%s", json_text(value, "lane_type", "?"));
    for (const struct json *lane = inner ? inner->first : NULL; lane && (size_t)used < cap;
         lane = lane->next)
        used += snprintf(out + used, cap - (size_t)used, ",%s", lane->text);
    return (size_t)used < cap ? (size_t)used : cap - 1;
}

size_t cell_text(uint8_t type, const struct cell *cell, char *out, size_t cap)
{
    const char *name = "?";
    for (size_t i = 0; i < NTYPES; i++)
        if (types[i].type == type)
            name = types[i].name;
    int used = type == VT_V128
                   ? snprintf(out, cap, "%s:0x%016llx%016llx", name, (unsigned long long)cell->hi,
                              (unsigned long long)cell->lo)
                   : snprintf(out, cap, "%s:%llu", name, (unsigned long long)cell->lo);
    return (size_t)used < cap ? (size_t)used : cap - 1;
}
