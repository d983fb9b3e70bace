/* The end of a run, as the caller sees it: exit status, one word, one line and the backtrace.
 *
 * The text of an end comes from the guest where the kind is the guest's: it is escaped and cut to a
 * bounded number of bounded lines here, whatever it holds. */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/base.h"

#define FRAMES_MOST 32
#define FRAMES_STACK 41 /* a stack that ran out: the first and last 20, and a line between */
#define FRAME_BYTES 400 /* before escaping */
#define LINE_BYTES 4096

/* status: 0 = the kind computes it.  words: what the line says, with %s for the module and %s for
 * the text; NULL = silent.  otherwise: the text where the end has none; without it such an end is
 * silent too. */
struct ending { const char *reason, *words, *otherwise; int status; };
static const struct ending endings[] = {
    [ENDED_EXIT] = { "exit", "%s is %s", NULL, 0 },
    [ENDED_TRAP] = { "trap", "%s trapped: %s", "no reason given", EXIT_TRAP },
    [ENDED_INVALID] = { "invalid", "%s is not a valid module: %s", "no reason given",
                        EXIT_INVALID_MODULE },
    [ENDED_CHANGED] = { "module_changed", "%s cannot run on: %s",
                        "the module changed while it ran (replace the file, "
                        "instead of writing into it)",
                        EXIT_INVALID_MODULE },
    [ENDED_UNSUPPORTED] = { "unsupported", "%s cannot run here: %s", "no reason given",
                            EXIT_INVALID_MODULE },
    [ENDED_LIMIT] = { "limit", "%s does not fit: %s (--memory SIZE)", "it needs more memory",
                      EXIT_MONITOR },
    [ENDED_USAGE] = { "usage", "%s: %s", "no reason given", EXIT_MONITOR },
    [ENDED_NOMEM] = { "no_memory", "%s was stopped: %s", "the engine got no more memory",
                      EXIT_STOPPED },
    [ENDED_CRASH] = { "guest_crash", "%s was stopped: the guest crashed: %s", "no reason given",
                      EXIT_STOPPED },
    [ENDED_HOSTILE] = { "bad_hypercall", "%s was stopped: bad hypercall: %s", "no reason given",
                        EXIT_STOPPED },
    [ENDED_TIMEOUT] = { "timeout", "%s was stopped: %s of wall time are over (--timeout TIME)",
                        "all", EXIT_TIMEOUT },
    [ENDED_CPU_TIME] = { "cpu_time", "%s was stopped: %s of CPU time are over (--cpu-time TIME)",
                         "all", EXIT_TIMEOUT },
    [ENDED_TOTAL_MEMORY] = { "total_memory", "%s was stopped: %s (--total-memory SIZE)",
                             "it needs more memory in all", EXIT_STOPPED },
    [ENDED_WRITTEN] = { "written",
                        "%s was stopped: it has written %s, the most that it may (--max-written "
                        "SIZE)",
                        "all", EXIT_STOPPED },
    [ENDED_CREATED] = { "created",
                        "%s was stopped: it has made %s files, the most that it may (--max-created "
                        "N)",
                        "all", EXIT_STOPPED },
    [ENDED_LOG] = { "log", "%s was stopped: %s of log are full (--max-log SIZE)", "all",
                    EXIT_STOPPED },
    [ENDED_SIGNAL] = { "signal", NULL, NULL, 0 },
    [ENDED_SIGPIPE] = { "sigpipe", NULL, NULL, 128 + SIGPIPE },
};

static const struct ending *ending(const struct end *end)
{
    assert(end->kind > ENDED_NOT && end->kind < sizeof endings / sizeof endings[0] &&
           endings[end->kind].reason);
    return &endings[end->kind];
}

int end_status(const struct end *end)
{
    if (end->kind == ENDED_EXIT)
        return (int)(end->code & 255);
    if (end->kind == ENDED_SIGNAL)
        return 128 + (int)end->code;
    return ending(end)->status;
}

const char *end_reason(const struct end *end)
{
    return ending(end)->reason;
}

/* "1500 ms", "2 s", "5 m". */
static void time_write(uint64_t ns, char out[32])
{
    static const struct { const char *name; uint64_t ns;
    } units[] = {
        { "m", UINT64_C(60000000000) },
        { "s", UINT64_C(1000000000) },
        { "ms", UINT64_C(1000000) },
        { "ns", 1 },
    };
    unsigned i = 0;
    while (ns % units[i].ns || !ns)
        if (++i == 3)
            break;
    snprintf(out, 32, "%llu %s", (unsigned long long)(ns / units[i].ns), units[i].name);
}

/* "64 MiB", "1000 bytes". */
static void size_write(uint64_t bytes, char out[32])
{
    static const char *const units[] = { "bytes", "KiB", "MiB", "GiB" };
    unsigned i = 0;
    while (i < 3 && bytes && bytes % 1024 == 0) {
        bytes /= 1024;
        i++;
    }
    snprintf(out, 32, "%llu %s", (unsigned long long)bytes, units[i]);
}

/* What a limit was, for the ends that only it explains; false: the end has words of its own. */
static bool limit_write(const struct config *config, enum end_kind kind, char out[32])
{
    switch (kind) {
    case ENDED_TIMEOUT: time_write(config->timeout_ns, out); return true;
    case ENDED_CPU_TIME: time_write(config->set->cpu_time_ns, out); return true;
    case ENDED_WRITTEN: size_write(config->set->max_written, out); return true;
    case ENDED_LOG: size_write(config->set->max_log, out); return true;
    case ENDED_CREATED:
        snprintf(out, 32, "%llu", (unsigned long long)config->set->max_created);
        return true;
    default: return false;
    }
}

/* The lines from `text` on, indented; empty ones are left out. */
static void frames_print(const char *text, unsigned most)
{
    char out[(FRAME_BYTES * 4 + 4) * 4];
    size_t used = 0;
    for (unsigned n = 0; *(text += strspn(text, "\n")) && n < most; n++) {
        size_t len = strcspn(text, "\n");
        size_t skip = strspn(text, " \t");
        size_t shown = len - (skip < len ? skip : len);
        if (sizeof out - used < FRAME_BYTES * 4 + 4) {
            message_lines(out, used);
            used = 0;
        }
        memcpy(out + used, "    ", 4);
        used += 4;
        size_t cut = shown < FRAME_BYTES ? shown : FRAME_BYTES;
        used += text_escape(text + len - shown, cut, out + used, FRAME_BYTES * 4, false);
        out[used++] = '\n';
        text += len;
    }
    message_lines(out, used);
}

bool end_line(const struct config *config, const struct end *end, char *out, size_t cap,
              const char **rest)
{
    const struct ending *e = ending(end);
    const char *text = end->text ? end->text : "";
    size_t len = strcspn(text, "\n");
    char span[32];
    *rest = text[len] == '\n' ? text + len : NULL;
    if (end->kind == ENDED_SIGNAL && end->code == SIGQUIT && *text) {
        snprintf(out, cap, "%s was stopped: SIGQUIT, while it was here:", config->module);
        *rest = text;
        return true;
    }
    if (!e->words || (!e->otherwise && !*text))
        return false;
    if (limit_write(config, end->kind, span)) {
        text = span;
        len = strlen(span);
        *rest = NULL;
    }
    char *first = len ? strndup(text, len) : NULL;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(out, cap, e->words, config->module, first ? first : e->otherwise);
#pragma GCC diagnostic pop
    free(first);
    return true;
}

void end_message(const struct config *config, const struct end *end)
{
    char line[LINE_BYTES];
    const char *rest;
    if (!end_line(config, end, line, sizeof line, &rest))
        return;
    message("%s", line);
    bool stack = end->kind == ENDED_SIGNAL ||
                 strncmp(end->text ? end->text : "", "call stack", 10) == 0;
    if (rest)
        frames_print(rest, stack ? FRAMES_STACK : FRAMES_MOST);
}
