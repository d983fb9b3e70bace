/* The official suite as test scripts (tests/spec/script.h): script OUT DIR...
 *
 * For each DIR/FILE.json, OUT/SET-FILE.script is written, SET being the name of DIR (or of its
 * parent, where DIR is called testdata), and a line `SET-FILE N` is printed: how many of its
 * commands count.  Commands of the text format are left out: an engine never sees them.  Exit
 * status 1 if anything is not understood: then no script is right. */
#include "tests/spec/script.h"
#include "engine/engine.h"
#include "tests/host/file.h"
#include "tests/spec/changes.h"
#include "tests/spec/json.h"
#include "tests/spec/value.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct work {
    FILE *out;
    const char *dir, *file; /* file: without directory and .json */
    const struct json *command;
    uint32_t line, counted;
    bool wrong;
};

/* (module
 *   (func (export "print")) (func (export "print_i32") (param i32)) (func (export "print_i64")
 * (param i64)) (func (export "print_f32") (param f32)) (func (export "print_f64") (param f64))
 *   (func (export "print_i32_f32") (param i32 f32)) (func (export "print_f64_f64") (param f64 f64))
 *   (table (export "table") 10 20 funcref) (memory (export "memory") 1 2)
 *   (global (export "global_i32") i32 (i32.const 666)) (global (export "global_i64") i64 (i64.const
 * 666)) (global (export "global_f32") f32 (f32.const 666.6)) (global (export "global_f64") f64
 * (f64.const 666.6))) */
static const uint8_t spectest_wasm[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x1e, 0x07, 0x60, 0x00, 0x00, 0x60, 0x01,
    0x7f, 0x00, 0x60, 0x01, 0x7e, 0x00, 0x60, 0x01, 0x7d, 0x00, 0x60, 0x01, 0x7c, 0x00, 0x60, 0x02,
    0x7f, 0x7d, 0x00, 0x60, 0x02, 0x7c, 0x7c, 0x00, 0x03, 0x08, 0x07, 0x00, 0x01, 0x02, 0x03, 0x04,
    0x05, 0x06, 0x04, 0x05, 0x01, 0x70, 0x01, 0x0a, 0x14, 0x05, 0x04, 0x01, 0x01, 0x01, 0x02, 0x06,
    0x21, 0x04, 0x7f, 0x00, 0x41, 0x9a, 0x05, 0x0b, 0x7e, 0x00, 0x42, 0x9a, 0x05, 0x0b, 0x7d, 0x00,
    0x43, 0x66, 0xa6, 0x26, 0x44, 0x0b, 0x7c, 0x00, 0x44, 0xcd, 0xcc, 0xcc, 0xcc, 0xcc, 0xd4, 0x84,
    0x40, 0x0b, 0x07, 0x9e, 0x01, 0x0d, 0x05, 0x70, 0x72, 0x69, 0x6e, 0x74, 0x00, 0x00, 0x09, 0x70,
    0x72, 0x69, 0x6e, 0x74, 0x5f, 0x69, 0x33, 0x32, 0x00, 0x01, 0x09, 0x70, 0x72, 0x69, 0x6e, 0x74,
    0x5f, 0x69, 0x36, 0x34, 0x00, 0x02, 0x09, 0x70, 0x72, 0x69, 0x6e, 0x74, 0x5f, 0x66, 0x33, 0x32,
    0x00, 0x03, 0x09, 0x70, 0x72, 0x69, 0x6e, 0x74, 0x5f, 0x66, 0x36, 0x34, 0x00, 0x04, 0x0d, 0x70,
    0x72, 0x69, 0x6e, 0x74, 0x5f, 0x69, 0x33, 0x32, 0x5f, 0x66, 0x33, 0x32, 0x00, 0x05, 0x0d, 0x70,
    0x72, 0x69, 0x6e, 0x74, 0x5f, 0x66, 0x36, 0x34, 0x5f, 0x66, 0x36, 0x34, 0x00, 0x06, 0x05, 0x74,
    0x61, 0x62, 0x6c, 0x65, 0x01, 0x00, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x0a,
    0x67, 0x6c, 0x6f, 0x62, 0x61, 0x6c, 0x5f, 0x69, 0x33, 0x32, 0x03, 0x00, 0x0a, 0x67, 0x6c, 0x6f,
    0x62, 0x61, 0x6c, 0x5f, 0x69, 0x36, 0x34, 0x03, 0x01, 0x0a, 0x67, 0x6c, 0x6f, 0x62, 0x61, 0x6c,
    0x5f, 0x66, 0x33, 0x32, 0x03, 0x02, 0x0a, 0x67, 0x6c, 0x6f, 0x62, 0x61, 0x6c, 0x5f, 0x66, 0x36,
    0x34, 0x03, 0x03, 0x0a, 0x16, 0x07, 0x02, 0x00, 0x0b, 0x02, 0x00, 0x0b, 0x02, 0x00, 0x0b, 0x02,
    0x00, 0x0b, 0x02, 0x00, 0x0b, 0x02, 0x00, 0x0b, 0x02, 0x00, 0x0b,
};

static void wrong(struct work *w, const char *what)
{
    fprintf(stderr, "%s/%s.wast:%u: %s\n", w->dir, w->file, w->line, what);
    w->wrong = true;
}

/* ---- writing ---- */

static void put(struct work *w, uint64_t value, unsigned bytes)
{
    for (; bytes; bytes--, value >>= 8)
        putc((int)(value & 255), w->out);
}

static void put_bytes(struct work *w, const void *bytes, size_t len)
{
    put(w, len, 4);
    fwrite(bytes, 1, len, w->out);
}

static void put_text(struct work *w, const char *text)
{
    put_bytes(w, text, strlen(text));
}

static void put_cell(struct work *w, const struct cell *cell)
{
    put(w, cell->lo, 8);
    put(w, cell->hi, 8);
}

static void put_head(struct work *w, enum script_op op, enum script_count count)
{
    put(w, op, 1);
    put(w, count, 1);
    put(w, w->line, 4);
}

static void put_command(struct work *w, enum script_op op)
{
    bool may = changed(w->dir, w->file, json_text(w->command, "text", ""), w->line);
    put_head(w, op, may ? SCRIPT_CHANGED : SCRIPT_COUNTED);
    w->counted++;
}

static void put_expect(struct work *w, enum script_expect expect, const char *words)
{
    put(w, expect, 1);
    put_text(w, words);
}

/* ---- values ---- */

static void put_arg(struct work *w, const struct json *arg)
{
    uint8_t type = 0;
    struct cell cell = {0, 0};
    if (!value_type(arg, &type) || !value_cell(arg, &cell))
        wrong(w, "an argument that is not known");
    put(w, type, 1);
    put_cell(w, &cell);
}

/* A lane of `bits`, by value and mask. */
static bool lane_want(const char *text, unsigned bits, uint64_t *value, uint64_t *mask)
{
    uint64_t quiet = bits == 32 ? 0x7fc00000 : 0x7ff8000000000000,
             all = bits == 64 ? ~0ull : (1ull << bits) - 1;
    char *stop;
    bool arithmetic = strcmp(text, "nan:arithmetic") == 0;
    *mask = all;
    *value = quiet;
    if (arithmetic)
        *mask = quiet;
    else if (strcmp(text, "nan:canonical") == 0)
        *mask = all >> 1;
    else {
        *value = strtoull(text, &stop, 10) & all;
        return *text && !*stop;
    }
    return bits >= 32;
}

static unsigned lane_bits(const struct json *result)
{
    static const struct { const char *name; unsigned bits; } types[] = {
        {"i8", 8}, {"i16", 16}, {"i32", 32}, {"i64", 64}, {"f32", 32}, {"f64", 64},
    };
    const char *name = json_text(result, "lane_type", json_text(result, "type", ""));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].bits;
    return 0;
}

static bool vector_want(const struct json *result, struct cell *value, struct cell *mask)
{
    const struct json *lanes = json_get(result, "value");
    unsigned bits = lane_bits(result), at = 0;
    if (!bits || !lanes || lanes->count * bits != 128)
        return false;
    for (const struct json *lane = lanes->first; lane; lane = lane->next, at += bits) {
        uint64_t lane_value, lane_mask;
        if (!lane_want(lane->text, bits, &lane_value, &lane_mask))
            return false;
        *(at < 64 ? &value->lo : &value->hi) |= lane_value << (at & 63);
        *(at < 64 ? &mask->lo : &mask->hi) |= lane_mask << (at & 63);
    }
    return true;
}

/* Numbers are zero-extended to 64 bits. */
static bool number_want(const struct json *result, struct cell *value, struct cell *mask)
{
    unsigned bits = lane_bits(result);
    bool known = bits && lane_want(json_text(result, "value", ""), bits, &value->lo, &mask->lo);
    if (bits == 32)
        mask->lo |= 0xffffffff00000000;
    return known;
}

static bool reference_want(const struct json *result, uint8_t type, struct cell *value,
                           struct cell *mask)
{
    if (type == VT_FUNCREF && strcmp(json_text(result, "value", ""), "null") != 0)
        return true; /* any but null: the mask is 0 */
    *mask = (struct cell){~0ull, 0};
    return value_cell(result, value);
}

static void put_result(struct work *w, const struct json *result)
{
    uint8_t type = 0;
    struct cell value = {0, 0}, mask = {0, 0};
    bool known = value_type(result, &type);
    if (type == VT_V128)
        known = known && vector_want(result, &value, &mask);
    else if (type == VT_FUNCREF || type == VT_EXTERNREF)
        known = known && reference_want(result, type, &value, &mask);
    else
        known = known && number_want(result, &value, &mask);
    if (!known)
        wrong(w, "a result that is not known");
    put(w, type, 1);
    put_cell(w, &value);
    put_cell(w, &mask);
}

/* ---- commands ---- */

/* The module that a command names; NULL: it cannot be read. */
static uint8_t *module_read(const struct work *w, const struct json *command, size_t *len)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", w->dir, json_text(command, "filename", ""));
    return file_read(path, len);
}

static void put_file(struct work *w)
{
    size_t len;
    uint8_t *bytes = module_read(w, w->command, &len);
    if (bytes)
        put_bytes(w, bytes, len);
    else
        wrong(w, "its module cannot be read");
    free(bytes);
}

static void put_module(struct work *w, enum script_expect expect, const char *words)
{
    put_command(w, SCRIPT_MODULE);
    put_text(w, expect == SCRIPT_DONE ? json_text(w->command, "name", "") : "");
    put_file(w);
    put_expect(w, expect, words);
}

static void put_register(struct work *w)
{
    put_command(w, SCRIPT_REGISTER);
    put_text(w, json_text(w->command, "name", ""));
    put_text(w, json_text(w->command, "as", ""));
}

static void put_action(struct work *w, enum script_expect expect)
{
    const struct json *action = json_get(w->command, "action"), *field = json_get(action, "field");
    const struct json *args = json_get(action, "args"), *results = json_get(w->command, "expected");
    const struct json *either = json_get(w->command, "either");
    bool is_get = strcmp(json_text(action, "type", ""), "get") == 0;
    put_command(w, is_get ? SCRIPT_GET : SCRIPT_CALL);
    put_text(w, json_text(action, "module", ""));
    put_bytes(w, field->text, field->len);
    put(w, args ? args->count : 0, 4);
    for (const struct json *arg = args ? args->first : NULL; arg; arg = arg->next)
        put_arg(w, arg);
    if (expect == SCRIPT_RESULTS && !results && either) {
        expect = SCRIPT_EITHER;
        results = either;
    }
    put_expect(w, expect, expect == SCRIPT_TRAP ? json_text(w->command, "text", "") : "");
    bool compared = expect != SCRIPT_TRAP && expect != SCRIPT_DONE && results;
    put(w, compared ? results->count : 0, 4);
    for (const struct json *result = compared ? results->first : NULL; result;
         result = result->next)
        put_result(w, result);
}

/* How the engine says it; 1.0 said of segments that do not fit that they are not linked, and now
 * they trap. */
static void put_unlinkable(struct work *w)
{
    static const struct { const char *suite, *ours; enum script_expect expect; } sentences[] = {
        {"unknown import", "nobody provides", SCRIPT_UNLINKABLE},
        {"incompatible import type", "wanted", SCRIPT_UNLINKABLE},
        {"data segment does not fit", "out of bounds memory access", SCRIPT_TRAP},
        {"elements segment does not fit", "out of bounds table access", SCRIPT_TRAP},
    };
    const char *text = json_text(w->command, "text", "");
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
        if (strcmp(sentences[i].suite, text) == 0) {
            put_module(w, sentences[i].expect, sentences[i].ours);
            return;
        }
    wrong(w, "a sentence of assert_unlinkable that is not known");
}

static void command_put(struct work *w)
{
    const char *type = json_text(w->command, "type", ""), *text = json_text(w->command, "text", "");
    w->line = (uint32_t)atoi(json_text(w->command, "line", "0"));
    if (strcmp(json_text(w->command, "module_type", "binary"), "text") == 0)
        return;
    if (strcmp(type, "module") == 0)
        put_module(w, SCRIPT_DONE, "");
    else if (strcmp(type, "register") == 0)
        put_register(w);
    else if (strcmp(type, "action") == 0)
        put_action(w, SCRIPT_DONE);
    else if (strcmp(type, "assert_return") == 0)
        put_action(w, SCRIPT_RESULTS);
    else if (strcmp(type, "assert_trap") == 0 || strcmp(type, "assert_exhaustion") == 0)
        put_action(w, SCRIPT_TRAP);
    else if (strcmp(type, "assert_malformed") == 0 || strcmp(type, "assert_invalid") == 0)
        put_module(w, SCRIPT_REFUSED, text);
    else if (strcmp(type, "assert_uninstantiable") == 0)
        put_module(w, SCRIPT_TRAP, text);
    else if (strcmp(type, "assert_unlinkable") == 0)
        put_unlinkable(w);
    else
        wrong(w, "a command that is not known");
}

/* ---- files ---- */

static void put_spectest(struct work *w)
{
    put_head(w, SCRIPT_MODULE, SCRIPT_UNCOUNTED);
    put_text(w, "");
    put_bytes(w, spectest_wasm, sizeof spectest_wasm);
    put_expect(w, SCRIPT_DONE, "");
    put_head(w, SCRIPT_REGISTER, SCRIPT_UNCOUNTED);
    put_text(w, "");
    put_text(w, "spectest");
}

/* A file that has no need of spectest goes without: address 0 is the first memory's, and should be
 * the file's own. */
static bool needs_spectest(const struct work *w, const struct json *commands)
{
    static const char name[] = "\x08spectest";
    bool found = false;
    for (const struct json *command = commands->first; command && !found; command = command->next) {
        size_t len;
        uint8_t *bytes = json_get(command, "filename") ? module_read(w, command, &len) : NULL;
        found = bytes && memmem(bytes, len, name, sizeof name - 1);
        free(bytes);
    }
    return found;
}

/* The set's name: of no more than cap - 1 bytes. */
static void set_name(const char *dir, char *out, size_t cap)
{
    size_t end = strlen(dir);
    if (end > 9 && strcmp(dir + end - 9, "/testdata") == 0)
        end -= 9;
    size_t start = end;
    while (start && dir[start - 1] != '/')
        start--;
    snprintf(out, cap, "%.*s", (int)(end - start), dir + start);
}

static bool file_write(const char *out, const char *dir, const char *file)
{
    struct work w = {.dir = dir, .file = file};
    char path[PATH_MAX], set[64];
    int line;
    set_name(dir, set, sizeof set);
    snprintf(path, sizeof path, "%s/%s.json", dir, file);
    const struct json *list = json_get(json_read(path, &line), "commands");
    snprintf(path, sizeof path, "%s/%s-%s.script", out, set, file);
    w.out = fopen(path, "wb");
    if (!list || !w.out) {
        fprintf(stderr, "%s: %s\n", path, list ? "cannot be written" : "its JSON cannot be read");
        return false;
    }
    fwrite(SCRIPT_MAGIC, 1, sizeof SCRIPT_MAGIC - 1, w.out);
    if (needs_spectest(&w, list))
        put_spectest(&w);
    for (w.command = list->first; w.command; w.command = w.command->next)
        command_put(&w);
    bool written = !ferror(w.out);
    written = fclose(w.out) == 0 && written;
    printf("%s-%s %u\n", set, file, w.counted);
    return written && !w.wrong;
}

static int is_json(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static bool dir_write(const char *out, const char *dir)
{
    struct dirent **entries;
    int count = scandir(dir, &entries, is_json, alphasort);
    bool done = count > 0;
    if (!done)
        fprintf(stderr, "%s: no .json there\n", dir);
    for (int i = 0; i < count; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - 5] = '\0';
        done = file_write(out, dir, entries[i]->d_name) && done;
    }
    return done;
}

int main(int argc, char **argv)
{
    bool done = argc > 2;
    for (int i = 2; i < argc; i++)
        done = dir_write(argv[1], argv[i]) && done;
    return !done;
}
