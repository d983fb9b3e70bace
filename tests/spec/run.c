/* The official WebAssembly test suite against the engine on the host: run [-v] [-z] [-f PART] [-w
 * CPU] DIR...   (-z: a file's first memory at address 0, as in the guest; -w: as if the CPU lacked
 * these bits of enum engine_cpu).
 *
 * A DIR holds what wast2json made: FILE.json, one for each .wast, and the modules it names.  Every
 * file runs in a process of its own, so that a crash or an endless loop costs that file only: what
 * it had not run counts as failed.
 *
 * What is counted: passed; failed; "text" (assert_malformed of the text format, which an engine
 * never sees); "unsupported" (modules refused as using a feature that the engine names and does not
 * have, and all that needs such a module); "changed" (what a later version of the standard says
 * otherwise: tests/spec/changes.c). Exit status 1 if anything failed, or if nothing ran. */
#include "tests/check/check.h"
#include "tests/host/env.h"
#include "tests/host/file.h"
#include "tests/spec/changes.h"
#include "tests/spec/json.h"
#include "tests/spec/value.h"

#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES   (1ull << 20)
#define MEMORY_LIMIT  (256ull << 30)
#define SECONDS_MAX   60
#define MODULES_MAX   512
#define CELLS         1024
#define FAILURES_SHOWN 3

/* Shared between the process of a file and its parent. */
struct tally {
    uint32_t commands, passed, failed, text, unsupported, changed, line;
    uint64_t checked;
};

struct target { const char *name; struct instance *instance; bool unsupported; };

struct run {
    struct tally *tally;
    const char *dir, *file; /* file: without directory and .json */
    const struct json *command;
    struct host host;
    struct instance *spectest;
    struct target current, named[MODULES_MAX], registered[MODULES_MAX];
    uint32_t nnamed, nregistered;
    bool needed_unsupported; /* an import came from a module that is unsupported */
};

static struct { bool verbose, zero_base; const char *part; uint32_t without; } options;

/* (module (table (export "table") 10 20 funcref) (memory (export "memory") 1 2)
 *   (global (export "global_i32") i32 (i32.const 666)) (global (export "global_i64") i64 (i64.const
 * 666)) (global (export "global_f32") f32 (f32.const 666.6)) (global (export "global_f64") f64
 * (f64.const 666.6))) */
static const uint8_t spectest_wasm[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x04, 0x05, 0x01, 0x70, 0x01, 0x0a, 0x14, 0x05,
    0x04, 0x01, 0x01, 0x01, 0x02, 0x06, 0x21, 0x04, 0x7f, 0x00, 0x41, 0x9a, 0x05, 0x0b, 0x7e, 0x00,
    0x42, 0x9a, 0x05, 0x0b, 0x7d, 0x00, 0x43, 0x66, 0xa6, 0x26, 0x44, 0x0b, 0x7c, 0x00, 0x44, 0xcd,
    0xcc, 0xcc, 0xcc, 0xcc, 0xd4, 0x84, 0x40, 0x0b, 0x07, 0x46, 0x06, 0x05, 't',  'a',  'b',  'l',
    'e',  0x01, 0x00, 0x06, 'm',  'e',  'm',  'o',  'r',  'y',  0x02, 0x00, 0x0a, 'g',  'l',  'o',
    'b',  'a',  'l',  '_',  'i',  '3',  '2',  0x03, 0x00, 0x0a, 'g',  'l',  'o',  'b',  'a',  'l',
    '_',  'i',  '6',  '4',  0x03, 0x01, 0x0a, 'g',  'l',  'o',  'b',  'a',  'l',  '_',  'f',  '3',
    '2',  0x03, 0x02, 0x0a, 'g',  'l',  'o',  'b',  'a',  'l',  '_',  'f',  '6',  '4',  0x03, 0x03,
};

static const struct { const char *name; uint32_t nparams; uint8_t params[2]; } spectest_funcs[] = {
    { "print", 0, { 0 } },          { "print_i32", 1, { VT_I32 } },
    { "print_i64", 1, { VT_I64 } }, { "print_f32", 1, { VT_F32 } },
    { "print_f64", 1, { VT_F64 } }, { "print_i32_f32", 2, { VT_I32, VT_F32 } },
    { "print_f64_f64", 2, { VT_F64, VT_F64 } },
};

/* ---- verdicts ---- */

enum verdict { PASSED, FAILED, UNSUPPORTED, CHANGED };

static void field_print(const struct json *field)
{
    for (size_t i = 0; field && i < field->len; i++)
        printf((unsigned char)field->text[i] < 0x20 ? "\\x%02x" : "%c",
               (unsigned char)field->text[i]);
}

static void failure_print(struct run *run, const char *format, va_list list)
{
    const struct json *action = json_get(run->command, "action");
    if (!options.verbose && run->tally->failed >= FAILURES_SHOWN)
        return;
    printf("  %s.wast:%u %s", run->file, run->tally->line, json_text(run->command, "type", "?"));
    if (action) {
        printf(" %s \"", json_text(action, "type", "?"));
        field_print(json_get(action, "field"));
        printf("\"");
    } else {
        printf(" %s", json_text(run->command, "filename", ""));
    }
    const struct json *args = json_get(action, "args");
    for (const struct json *arg = args ? args->first : NULL; arg; arg = arg->next) {
        char text[256];
        value_text(arg, text, sizeof text);
        printf(" %s", text);
    }
    printf(": ");
    vprintf(format, list);
    printf("\n");
}

static bool is_changed(struct run *run)
{
    return changed(run->dir, run->file, json_text(run->command, "text", ""), run->tally->line);
}

__attribute__((format(printf, 2, 3))) static enum verdict failed(struct run *run,
                                                                 const char *format, ...)
{
    va_list list;
    if (is_changed(run))
        return CHANGED;
    va_start(list, format);
    failure_print(run, format, list);
    va_end(list);
    return FAILED;
}

/* The suite's sentence and ours: one begins with the other ("undefined" and "undefined element").
 */
static bool same_text(const char *expected, const char *got)
{
    size_t a = strlen(expected), b = strlen(got);
    return strncmp(expected, got, a < b ? a : b) == 0;
}

/* ---- modules ---- */

static struct target *target_find(struct target *targets, uint32_t count, const char *name,
                                  size_t len)
{
    while (count-- > 0)
        if (strlen(targets[count].name) == len && memcmp(targets[count].name, name, len) == 0)
            return &targets[count];
    return NULL;
}

static enum trap print(void *data, struct instance *caller, struct cell *cells)
{
    (void)data, (void)caller, (void)cells;
    return TRAP_NONE;
}

static bool spectest_func(struct name field, struct extern_ref *out)
{
    for (size_t i = 0; i < sizeof spectest_funcs / sizeof *spectest_funcs; i++) {
        const char *name = spectest_funcs[i].name;
        if (strlen(name) != field.len || memcmp(name, field.bytes, field.len) != 0)
            continue;
        out->kind = EXTERN_FUNC;
        out->host = (struct host_func){ print, NULL };
        out->host_type = (struct functype){ spectest_funcs[i].nparams, 0, spectest_funcs[i].params,
                                            NULL };
        return true;
    }
    return false;
}

static bool resolve(void *self, struct name module, struct name field, enum extern_kind kind,
                    const struct functype *type, struct extern_ref *out)
{
    struct run *run = self;
    (void)kind, (void)type;
    bool is_spectest = module.len == 8 && memcmp(module.bytes, "spectest", 8) == 0;
    if (is_spectest && spectest_func(field, out))
        return true;
    struct target *target =
        target_find(run->registered, run->nregistered, (const char *)module.bytes, module.len);
    run->needed_unsupported |= target && target->unsupported;
    out->from = is_spectest ? run->spectest : target ? target->instance : NULL;
    return out->from && instance_export(out->from, field, &out->kind, &out->index);
}

static uint8_t *module_read(struct run *run, const char *name, size_t *len)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", run->dir, name);
    return file_read(path, len);
}

/* How far a module came: error, or trap, or an instance whose start function has run. */
struct outcome {
    enum error_kind error;
    char text[ERROR_TEXT];
    enum trap trap;
    struct instance *instance;
};

static struct outcome outcome_error(struct run *run)
{
    const struct error *error = engine_error(run->host.engine);
    struct outcome outcome = { .error = error->kind == ERROR_NONE ? ERROR_NOMEM : error->kind };
    memcpy(outcome.text, error->text, sizeof outcome.text);
    return outcome;
}

static struct outcome module_make(struct run *run, const uint8_t *bytes, size_t len)
{
    struct engine *engine = run->host.engine;
    struct outcome outcome = { .error = ERROR_NONE };
    uint32_t start;
    struct module *module = module_parse(engine, bytes, len);
    if (!module || !module_validate(engine, module))
        return outcome_error(run);
    run->needed_unsupported = false;
    outcome.instance = instance_new(engine, module, resolve, run, &outcome.trap);
    if (!outcome.instance && outcome.trap == TRAP_NONE)
        return outcome_error(run);
    if (outcome.instance && instance_has_start(outcome.instance, &start)) {
        struct cell cell;
        outcome.trap = func_call(outcome.instance, start, &cell);
    }
    return outcome;
}

static struct outcome module_load(struct run *run)
{
    size_t len = 0;
    uint8_t *bytes = module_read(run, json_text(run->command, "filename", ""), &len);
    if (bytes)
        return module_make(run, bytes, len);
    return (struct outcome){ .error = ERROR_NOMEM, .text = "the runner cannot read the file" };
}

static bool is_unsupported(struct run *run, const struct outcome *outcome)
{
    return outcome->error == ERROR_UNSUPPORTED ||
           (outcome->error == ERROR_LINK && run->needed_unsupported);
}

static bool is_text(const struct json *command)
{
    return strcmp(json_text(command, "module_type", "binary"), "text") == 0;
}

static const char *error_name(enum error_kind kind)
{
    static const char *const names[] = { "none",  "malformed", "invalid", "unsupported",
                                         "limit", "link",      "memory",  "nomem" };
    return names[kind];
}

/* ---- actions ---- */

struct result { enum trap trap; uint32_t count; uint8_t types[CELLS]; struct cell cells[CELLS]; };

static enum verdict invoke(struct run *run, struct instance *instance, uint32_t func,
                           const struct json *args, struct result *result)
{
    const struct functype *type = instance_functype(instance, func);
    uint32_t nargs = 0;
    for (const struct json *arg = args ? args->first : NULL; arg; arg = arg->next, nargs++) {
        uint8_t argtype;
        if (!value_type(arg, &argtype) || !value_cell(arg, &result->cells[nargs]))
            return failed(run, "the runner does not know the argument %u", nargs);
        if (nargs >= type->nparams || argtype != type->params[nargs])
            return failed(run, "argument %u has the wrong type", nargs);
    }
    if (nargs != type->nparams)
        return failed(run, "%u arguments for %u parameters", nargs, type->nparams);
    result->trap = func_call(instance, func, result->cells);
    if (result->trap == TRAP_BAD_BODY && engine_error(run->host.engine)->kind == ERROR_UNSUPPORTED)
        return UNSUPPORTED; /* the compiler's word, at the function's first call */
    result->count = type->nresults;
    memcpy(result->types, type->results, type->nresults);
    return PASSED;
}

static enum verdict action_run(struct run *run, struct result *result)
{
    const struct json *action = json_get(run->command, "action"),
                      *field = json_get(action, "field");
    const char *module = json_text(action, "module", NULL);
    struct target *target =
        module ? target_find(run->named, run->nnamed, module, strlen(module)) : &run->current;
    if (target && target->unsupported)
        return UNSUPPORTED;
    if (!target || !target->instance)
        return failed(run, "there is no such instance");
    enum extern_kind kind;
    uint32_t index;
    struct name name = { (const uint8_t *)field->text, (uint32_t)field->len };
    if (!instance_export(target->instance, name, &kind, &index))
        return failed(run, "there is no such export");
    result->trap = TRAP_NONE;
    if (strcmp(json_text(action, "type", ""), "get") == 0) {
        enum valtype type;
        if (kind != EXTERN_GLOBAL)
            return failed(run, "the export is no global");
        result->cells[0] = *instance_global(target->instance, index, &type);
        result->types[0] = (uint8_t)type;
        result->count = 1;
        return PASSED;
    }
    return kind == EXTERN_FUNC
               ? invoke(run, target->instance, index, json_get(action, "args"), result)
               : failed(run, "the export is no function");
}

/* ---- commands ---- */

static enum verdict command_module(struct run *run)
{
    struct outcome outcome = module_load(run);
    const char *name = json_text(run->command, "name", NULL);
    bool unsupported = is_unsupported(run, &outcome);
    run->current = (struct target){ "", outcome.trap == TRAP_NONE ? outcome.instance : NULL,
                                    unsupported };
    if (name && run->nnamed < MODULES_MAX) {
        run->named[run->nnamed] = run->current;
        run->named[run->nnamed++].name = name;
    }
    if (unsupported)
        return UNSUPPORTED;
    if (outcome.error != ERROR_NONE)
        return failed(run, "%s: %s", error_name(outcome.error), outcome.text);
    return outcome.trap == TRAP_NONE ? PASSED : failed(run, "trap: %s", trap_text(outcome.trap));
}

static enum verdict command_register(struct run *run)
{
    const char *name = json_text(run->command, "name", NULL);
    struct target *target = name ? target_find(run->named, run->nnamed, name, strlen(name))
                                 : &run->current;
    if (!target || run->nregistered == MODULES_MAX)
        return failed(run, "there is no such module");
    run->registered[run->nregistered] = *target;
    run->registered[run->nregistered++].name = json_text(run->command, "as", "");
    return target->unsupported ? UNSUPPORTED : PASSED;
}

static enum verdict command_action(struct run *run)
{
    static struct result result;
    enum verdict verdict = action_run(run, &result);
    if (verdict == PASSED && result.trap != TRAP_NONE)
        return failed(run, "trap: %s", trap_text(result.trap));
    return verdict;
}

static bool result_fits(const struct json *expected, const struct result *result, uint32_t i)
{
    uint8_t type;
    return value_type(expected, &type) && type == result->types[i] &&
           value_match(expected, &result->cells[i]);
}

/* One result, which may be one of several (newer converters of the suite). */
static enum verdict either_check(struct run *run, const struct result *result)
{
    const struct json *either = json_get(run->command, "either");
    if (!either || result->count != 1)
        return failed(run, "%u results, and nothing to compare them with", result->count);
    for (const struct json *one = either->first; one; one = one->next)
        if (result_fits(one, result, 0))
            return PASSED;
    char got[512];
    cell_text(result->types[0], &result->cells[0], got, sizeof got);
    return failed(run, "result: expected one of %u, got %s", either->count, got);
}

static enum verdict results_check(struct run *run, const struct result *result)
{
    const struct json *expected = json_get(run->command, "expected");
    uint32_t i = 0;
    if (!expected)
        return either_check(run, result);
    if (expected->count != result->count)
        return failed(run, "%u results, expected %u", result->count, expected->count);
    for (const struct json *one = expected->first; one; one = one->next, i++) {
        char want[512], got[512];
        value_text(one, want, sizeof want);
        cell_text(result->types[i], &result->cells[i], got, sizeof got);
        if (!result_fits(one, result, i))
            return failed(run, "result %u: expected %s, got %s", i, want, got);
    }
    return PASSED;
}

static enum verdict command_return(struct run *run)
{
    static struct result result;
    enum verdict verdict = action_run(run, &result);
    if (verdict != PASSED)
        return verdict;
    if (result.trap != TRAP_NONE)
        return failed(run, "trap: %s (%s)", trap_text(result.trap),
                      result.trap == TRAP_BAD_BODY ? engine_error(run->host.engine)->text : "");
    return results_check(run, &result);
}

/* assert_trap, assert_exhaustion */
static enum verdict command_trap(struct run *run)
{
    static struct result result;
    const char *text = json_text(run->command, "text", "");
    enum verdict verdict = action_run(run, &result);
    if (verdict != PASSED)
        return verdict;
    if (result.trap == TRAP_NONE)
        return failed(run, "expected trap \"%s\", it returned", text);
    return same_text(text, trap_text(result.trap))
               ? PASSED
               : failed(run, "expected trap \"%s\", got \"%s\"", text, trap_text(result.trap));
}

/* assert_malformed, assert_invalid: that it is refused is what counts.  Which of the two is told
 * may differ where one pass of ours does what the suite thinks of as two; and a limit, or a feature
 * that its bytes would be, may be met first. */
static enum verdict command_refused(struct run *run)
{
    struct outcome outcome = module_load(run);
    const char *text = json_text(run->command, "text", "");
    switch (outcome.error) {
    case ERROR_MALFORMED:
    case ERROR_INVALID:
    case ERROR_LIMIT:
    case ERROR_UNSUPPORTED:
        return PASSED;
    case ERROR_NONE: case ERROR_LINK:
        return failed(run, "accepted, expected refusal: %s", text);
    default:
        return failed(run, "expected refusal: %s; got %s: %s", text, error_name(outcome.error),
                      outcome.text);
    }
}

/* assert_uninstantiable, and 1.0's way to say that a segment does not fit */
static enum verdict instance_trapped(struct run *run, const struct outcome *outcome,
                                     const char *text)
{
    if (outcome->error != ERROR_NONE)
        return failed(run, "%s: %s", error_name(outcome->error), outcome->text);
    if (outcome->trap == TRAP_NONE)
        return failed(run, "expected trap \"%s\", it was instantiated", text);
    return same_text(text, trap_text(outcome->trap))
               ? PASSED
               : failed(run, "expected trap \"%s\", got \"%s\"", text, trap_text(outcome->trap));
}

static enum verdict command_uninstantiable(struct run *run)
{
    struct outcome outcome = module_load(run);
    return is_unsupported(run, &outcome)
               ? UNSUPPORTED
               : instance_trapped(run, &outcome, json_text(run->command, "text", ""));
}

static enum verdict command_unlinkable(struct run *run)
{
    struct outcome outcome = module_load(run);
    const char *text = json_text(run->command, "text", "");
    if (is_unsupported(run, &outcome))
        return UNSUPPORTED;
    if (strcmp(text, "data segment does not fit") == 0)
        return instance_trapped(run, &outcome, trap_text(TRAP_MEMORY));
    if (strcmp(text, "elements segment does not fit") == 0)
        return instance_trapped(run, &outcome, trap_text(TRAP_TABLE_ACCESS));
    if (outcome.error != ERROR_LINK)
        return failed(run, "expected link error \"%s\", got %s: %s", text,
                      error_name(outcome.error), outcome.text);
    const char *ours = strstr(outcome.text, "nobody provides") ? "unknown import"
                       : strstr(outcome.text, "wanted")        ? "incompatible import type"
                                                               : "?";
    return strcmp(text, ours) == 0
               ? PASSED
               : failed(run, "expected link error \"%s\", got: %s", text, outcome.text);
}

static const struct { const char *type; enum verdict (*run)(struct run *); } commands[] = {
    { "module", command_module },
    { "register", command_register },
    { "action", command_action },
    { "assert_return", command_return },
    { "assert_trap", command_trap },
    { "assert_exhaustion", command_trap },
    { "assert_malformed", command_refused },
    { "assert_invalid", command_refused },
    { "assert_unlinkable", command_unlinkable },
    { "assert_uninstantiable", command_uninstantiable },
};

static enum verdict command_run(struct run *run)
{
    const char *type = json_text(run->command, "type", "");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].type, type) == 0)
            return commands[i].run(run);
    return failed(run, "the runner does not know this command");
}

/* ---- files ---- */

static bool run_open(struct run *run)
{
    if (!host_open(&run->host, STACK_BYTES, MEMORY_LIMIT))
        return false;
    run->host.env.cpu &= ~options.without;
    run->host.engine = engine_new(&run->host.env);
    if (!run->host.engine)
        return false;
    struct outcome outcome = module_make(run, spectest_wasm, sizeof spectest_wasm);
    if (!outcome.instance)
        printf("  the module spectest: %s\n", outcome.text);
    run->spectest = outcome.instance;
    return run->spectest && (!options.zero_base || host_zero_base(&run->host));
}

static int file_run(const char *dir, const char *file, struct tally *tally)
{
    static struct run run;
    char path[PATH_MAX];
    int line;
    run.tally = tally;
    run.dir = dir;
    run.file = file;
    snprintf(path, sizeof path, "%s/%s.json", dir, file);
    alarm(SECONDS_MAX);
    const struct json *list = json_get(json_read(path, &line), "commands");
    if (!list) {
        printf("  %s: not the suite's JSON (line %d)\n", path, line);
        return 1;
    }
    tally->commands = list->count;
    if (!run_open(&run)) {
        printf("  %s: no engine\n", path);
        return 1;
    }
    for (run.command = list->first; run.command; run.command = run.command->next) {
        tally->line = (uint32_t)atoi(json_text(run.command, "line", "0"));
        if (is_text(run.command)) {
            tally->text++;
            continue;
        }
        enum verdict verdict = command_run(&run);
        tally->passed += verdict == PASSED;
        tally->failed += verdict == FAILED;
        tally->unsupported += verdict == UNSUPPORTED;
        tally->changed += verdict == CHANGED;
        if (verdict == UNSUPPORTED && options.verbose)
            printf("  %s.wast:%u is not supported: %s\n", file, tally->line,
                   engine_error(run.host.engine)->text);
    }
    tally->checked = check_instructions;
    return 0;
}

/* Runs a file in a process of its own and adds what it counted. */
static void file_fork(const char *dir, const char *file, struct tally *shared, struct tally *total)
{
    memset(shared, 0, sizeof *shared);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int status = file_run(dir, file, shared);
        fflush(stdout);
        _exit(status);
    }
    int status = -1;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        uint32_t done = shared->passed + shared->failed + shared->text + shared->unsupported +
                        shared->changed;
        uint32_t lost = shared->commands > done ? shared->commands - done : 1;
        printf("  %s.wast:%u: the process ended with wait status %#x; %u commands not run\n", file,
               shared->line, (unsigned)status, lost);
        shared->failed += lost;
    }
    printf("%-40s %6u passed %5u failed %5u text %5u unsupported %3u changed\n", file,
           shared->passed, shared->failed, shared->text, shared->unsupported, shared->changed);
    total->commands += shared->commands;
    total->passed += shared->passed;
    total->failed += shared->failed;
    total->text += shared->text;
    total->unsupported += shared->unsupported;
    total->changed += shared->changed;
    total->checked += shared->checked;
}

static int is_wanted(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0 &&
           (!options.part || strstr(entry->d_name, options.part));
}

static void dir_run(const char *dir, struct tally *shared, struct tally *total)
{
    struct dirent **entries;
    int count = scandir(dir, &entries, is_wanted, alphasort);
    if (count < 0)
        perror(dir);
    printf("%s\n", dir);
    for (int i = 0; i < count; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - 5] = '\0';
        file_fork(dir, entries[i]->d_name, shared, total);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

int main(int argc, char **argv)
{
    struct tally total = { 0 };
    struct tally *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int option;
    while ((option = getopt(argc, argv, "vzf:w:")) != -1) {
        options.verbose |= option == 'v';
        options.zero_base |= option == 'z';
        if (option == 'f')
            options.part = optarg;
        if (option == 'w')
            options.without = (uint32_t)strtoul(optarg, NULL, 0);
        if (option == '?')
            return 2;
    }
    for (int i = optind; i < argc; i++)
        dir_run(argv[i], shared, &total);
    printf("emitted code: %llu instructions decode to what was meant\n",
           (unsigned long long)total.checked);
    printf("total: %u commands, %u passed, %u failed, %u text (not applicable), %u unsupported, %u "
           "changed\n",
           total.commands, total.passed, total.failed, total.text, total.unsupported,
           total.changed);
    return total.failed > 0 || total.passed == 0 || total.checked == 0;
}
