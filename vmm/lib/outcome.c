/* The library's instances, once they are over or about to be: errors, words, reports, figures; and
 * memory, which stays to be looked at. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/lib/lib.h"

#define LINE_BYTES 4096
#define TRACE_BYTES 32768

/* ---- errors ---- */

static const int end_codes[] = {
    [ENDED_EXIT] = WASMVM_E_EXIT,           [ENDED_TRAP] = WASMVM_E_TRAP,
    [ENDED_INVALID] = WASMVM_E_INVALID,     [ENDED_CHANGED] = WASMVM_E_INVALID,
    [ENDED_UNSUPPORTED] = WASMVM_E_INVALID, [ENDED_LIMIT] = WASMVM_E_USAGE,
    [ENDED_USAGE] = WASMVM_E_HOST,          [ENDED_NOMEM] = WASMVM_E_GUEST,
    [ENDED_CRASH] = WASMVM_E_GUEST,         [ENDED_HOSTILE] = WASMVM_E_GUEST,
    [ENDED_TIMEOUT] = WASMVM_E_TIME,        [ENDED_CPU_TIME] = WASMVM_E_TIME,
    [ENDED_SIGNAL] = WASMVM_E_STOPPED,      [ENDED_SIGPIPE] = WASMVM_E_PIPE,
    [ENDED_TOTAL_MEMORY] = WASMVM_E_GUEST,  [ENDED_WRITTEN] = WASMVM_E_GUEST,
    [ENDED_CREATED] = WASMVM_E_GUEST,       [ENDED_LOG] = WASMVM_E_GUEST,
};

/* The sentence without its hint, which names an option of the command line.  *rest: as end_line. */
static int sentence(const wasmvm_instance *i, const struct end *end, wasmvm_error *error,
                    const char **rest)
{
    char line[LINE_BYTES] = "";
    int code = end_codes[end->kind];
    if (!end_line(&i->config, end, line, sizeof line, rest))
        snprintf(line, sizeof line,
                 code == WASMVM_E_EXIT      ? "%s ended by itself"
                 : code == WASMVM_E_STOPPED ? "%s was stopped"
                                            : "%s wrote to a stream that nobody reads",
                 i->module->name);
    char *hint = strstr(line, " (--");
    if (hint)
        *hint = 0;
    embed_error(error, code, "%s", line);
    if (error)
        error->status = end_status(end);
    return code;
}

int embed_ended(wasmvm_instance *i, wasmvm_error *error)
{
    const char *rest = NULL;
    int code = sentence(i, &i->end, error, &rest);
    if (rest && !i->backtrace && (i->backtrace = malloc(TRACE_BYTES)) != NULL)
        text_escape(rest + 1, strlen(rest + 1), i->backtrace, TRACE_BYTES, true);
    return code;
}

int embed_failed(wasmvm_instance *i, wasmvm_error *error)
{
    if (i->end.kind != ENDED_NOT)
        return embed_ended(i, error);
    int code = i->failure.status == EXIT_INVALID_MODULE ? WASMVM_E_INVALID
               : i->failure.status == EXIT_NO_MODULE    ? WASMVM_E_NO_MODULE
                                                       : WASMVM_E_HOST;
    return embed_error(error, code, "%s", i->failure.text);
}

static bool is_over(const wasmvm_instance *i)
{
    return __atomic_load_n(&i->state, __ATOMIC_ACQUIRE) == STATE_OVER;
}

struct end end_wanted(wasmvm_instance *i)
{
    struct end end = {.kind = ENDED_NOT};
    if (kick_pending(vm_kick(i->vm)))
        end.kind = kick_reason(vm_kick(i->vm), &end.code);
    return end;
}

int wasmvm_stopping(wasmvm_instance *i, wasmvm_error *error)
{
    const char *rest;
    struct end end = {.kind = ENDED_NOT};
    if (!is_over(i))
        end = end_wanted(i);
    return is_over(i) || end.kind == ENDED_NOT ? WASMVM_OK : sentence(i, &end, error, &rest);
}

int wasmvm_exit_status(const wasmvm_instance *i)
{
    return __atomic_load_n(&i->status, __ATOMIC_ACQUIRE);
}

int wasmvm_abandoned(const wasmvm_instance *i)
{
    return i->abandoned;
}

const char *wasmvm_backtrace(const wasmvm_instance *i)
{
    return i->backtrace ? i->backtrace : "";
}

/* ---- in the command's words ---- */

void wasmvm_tell(wasmvm_instance *i)
{
    struct outlet *before = outlet_use(&i->outlet);
    struct end end = is_over(i) ? i->end : end_wanted(i);
    if (end.kind != ENDED_NOT)
        end_message(&i->config, &end);
    else if (is_over(i))
        message("%s", i->failure.text);
    outlet_use(before);
}

char *wasmvm_report(wasmvm_instance *i, enum wasmvm_report form)
{
    struct end end = is_over(i) ? i->end : end_wanted(i);
    if (end.kind == ENDED_NOT)
        return form != WASMVM_REPORT_JSON || !is_over(i)
                   ? strdup("")
                   : report_failure(i->module->name, i->failure.status, i->failure.text);
    return (form == WASMVM_REPORT_TABLE   ? report_table
            : form == WASMVM_REPORT_START ? report_start
                                          : report_json)(&i->config, &i->stats, &end);
}

char *wasmvm_report_failure(const char *module, int status, const char *text)
{
    return report_failure(module, status, text);
}

const char *wasmvm_missing_path(const wasmvm_instance *i, uint64_t *count)
{
    if (count)
        *count = i->stats.missing_count;
    return i->missing_path ? i->missing_path : "";
}

/* ---- memory, statistics ---- */

uint64_t wasmvm_memory_size(const wasmvm_instance *i)
{
    return vm_memory(i->vm)->regions[REGION_LINEAR].bytes;
}

int wasmvm_memory_read(const wasmvm_instance *i, uint32_t at, void *to, size_t n)
{
    return linear_read(vm_memory(i->vm), MAP_LINEAR + at, to, n) ? WASMVM_OK : WASMVM_E_USAGE;
}

int wasmvm_memory_write(wasmvm_instance *i, uint32_t at, const void *from, size_t n)
{
    i->written = true;
    return linear_write(vm_memory(i->vm), MAP_LINEAR + at, from, n) ? WASMVM_OK : WASMVM_E_USAGE;
}

int wasmvm_instance_statistics(const wasmvm_instance *i, wasmvm_statistics *out)
{
    const struct run_stats *s = &i->stats;
    size_t size = out->size;
    wasmvm_statistics all = {
        .size = size,
        .exits = s->exits,
        .memory_bytes = wasmvm_memory_size(i),
        .start_ns = s->vm_ns + s->load_ns + s->boot_ns,
        .run_ns = s->run_ns,
        .cpu_ns = s->cpu_ns,
        .funcs_total = s->guest.funcs_total,
        .funcs_compiled = s->guest.funcs_compiled,
        .resets = i->resets,
    };
    if (snapshot_is(i->vm)) {
        struct reset_counts counts = snapshot_counts(i->vm);
        all.reset_pages = counts.pages;
        all.reset_dropped_bytes = counts.dropped_bytes;
        all.reset_ioctls = counts.ioctls;
    }
    for (int call = 0; call < CALL_COUNT; call++) {
        all.calls += s->calls[call].count;
        all.calls_polled += s->calls[call].polled;
    }
    if (size < offsetof(wasmvm_statistics, exits))
        return WASMVM_E_USAGE;
    memcpy(out, &all, size < sizeof all ? size : sizeof all);
    return WASMVM_OK;
}
