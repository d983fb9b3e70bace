/* What a run cost: the table of --stats and the JSON object of --report FILE, as texts.
 *
 * Both show the same figures.  Times are nanoseconds inside, units stand in the names.  Figures in
 * struct guest_stats are the guest's own word and are printed as such; nothing is decided by them.
 * A call's `exits` are the VM exits that it cost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/lib/lib.h"

static const char *const call_names[CALL_COUNT] = {
#define CALL(name, args, result) [CALL_##name] = #name,
#include "wasi-shim/calls.def"
};

/* The phases of a run, in order; `inside` parts lie within the phase above them, by the guest's
 * clock. */
static const struct phase { const char *name; size_t field; bool inside; } phases[] = {
    { "vm", offsetof(struct run_stats, vm_ns), false },
    { "load", offsetof(struct run_stats, load_ns), false },
    { "boot", offsetof(struct run_stats, boot_ns), false },
    { "run", offsetof(struct run_stats, run_ns), false },
    { "parse", offsetof(struct run_stats, guest.parse_ns), true },
    { "validate", offsetof(struct run_stats, guest.validate_ns), true },
    { "compile", offsetof(struct run_stats, guest.compile_ns), true },
    { "teardown", offsetof(struct run_stats, teardown_ns), false },
};
#define PHASE_COUNT (sizeof phases / sizeof phases[0])

/* What the JSON calls the counts; the table words them in sentences. */
static const struct count { const char *name; size_t field; } compiled[] = {
    { "funcs_total", offsetof(struct run_stats, guest.funcs_total) },
    { "funcs_compiled", offsetof(struct run_stats, guest.funcs_compiled) },
    { "funcs_known", offsetof(struct run_stats, guest.funcs_known) },
    { "body_bytes_total", offsetof(struct run_stats, guest.body_bytes_total) },
    { "body_bytes_compiled", offsetof(struct run_stats, guest.body_bytes_compiled) },
    { "code_bytes", offsetof(struct run_stats, guest.code_bytes) },
}, lost[] = {
    { "lines", offsetof(struct run_stats, lost_lines) },
    { "trace", offsetof(struct run_stats, lost_trace) },
    { "records", offsetof(struct run_stats, lost_records) },
    { "escapes", offsetof(struct run_stats, lost_escapes) },
}, kvm[] = {
    { "faults", offsetof(struct run_stats, kvm.faults) },
    { "emulated", offsetof(struct run_stats, kvm.emulated) },
    { "small_pages", offsetof(struct run_stats, kvm.small_pages) },
    { "large_pages", offsetof(struct run_stats, kvm.large_pages) },
}, memory[] = {
    { "linear_bytes", offsetof(struct run_stats, linear_bytes) },
    { "heap_bytes", offsetof(struct run_stats, guest.heap_bytes) },
    { "max_rss_bytes", offsetof(struct run_stats, max_rss_bytes) },
    { "slot_kernel_bytes", offsetof(struct run_stats, slot_kernel_bytes) },
};

static uint64_t field(const struct run_stats *stats, size_t offset)
{
    uint64_t value;
    memcpy(&value, (const char *)stats + offset, sizeof value);
    return value;
}

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static double mb(uint64_t bytes)
{
    return (double)bytes / 1e6;
}

static uint64_t total_ns(const struct run_stats *stats)
{
    return clock_now_ns() - stats->start_ns;
}

/* The bytes of function bodies that went through the compiler in a second, validation included; 0 =
 * not known. */
static double compile_rate(const struct guest_stats *guest)
{
    uint64_t ns = guest->compile_ns + guest->validate_ns;
    return ns ? (double)guest->body_bytes_compiled * 1e3 / (double)ns : 0;
}

/* ---- the table ---- */

static void table_times(FILE *out, const struct run_stats *stats)
{
    fprintf(out, "%-24s%10s\n", "phase", "ms");
    for (size_t i = 0; i < PHASE_COUNT; i++)
        fprintf(out, "%s%-*s%10.2f\n", phases[i].inside ? "    " : "  ", phases[i].inside ? 20 : 22,
                phases[i].name, ms(field(stats, phases[i].field)));
    fprintf(out, "  %-22s%10.2f  (CPU of the guest %.2f)\n\n", "total", ms(total_ns(stats)),
            ms(stats->cpu_ns));
}

static const char *const known_names[] = {
#define KNOWN_NAME(name) name,
#include "wasi-shim/known.def"
#undef KNOWN_NAME
};
#define KNOWN_COUNT (sizeof known_names / sizeof known_names[0])

/* The name of row k, if it was recognised, and no row before it has the same name and was. */
static const char *known_name(const struct guest_stats *g, size_t k)
{
    if (!(g->known_kinds >> k & 1))
        return NULL;
    for (size_t before = 0; before < k; before++)
        if (g->known_kinds >> before & 1 && strcmp(known_names[before], known_names[k]) == 0)
            return NULL;
    return known_names[k];
}

static void table_known(FILE *out, const struct guest_stats *g)
{
    if (!g->funcs_known)
        return;
    fprintf(out, "recognised  %llu functions of Go's standard library",
            (unsigned long long)g->funcs_known);
    const char *between = ": ", *name;
    for (size_t k = 0; k < KNOWN_COUNT; k++)
        if ((name = known_name(g, k))) {
            fprintf(out, "%s%s", between, name);
            between = ", ";
        }
    fputc('\n', out);
}

static void table_work(FILE *out, const struct run_stats *stats)
{
    const struct guest_stats *g = &stats->guest;
    fprintf(out,
            "compiled    %llu of %llu functions, %.2f of %.2f MB of bodies, %.1f MB/s, %.2f MB of "
            "code\n",
            (unsigned long long)g->funcs_compiled, (unsigned long long)g->funcs_total,
            mb(g->body_bytes_compiled), mb(g->body_bytes_total), compile_rate(g),
            mb(g->code_bytes));
    table_known(out, g);
    fprintf(out, "memory      linear %.2f MB, engine heap %.2f MB; touched at most %.2f MB, "
            "kernel's for slots %.2f MB\n", mb(stats->linear_bytes), mb(g->heap_bytes),
            mb(stats->max_rss_bytes), mb(stats->slot_kernel_bytes));
    fprintf(out, "VM exits    %llu, of them %llu for no call\n", (unsigned long long)stats->exits,
            (unsigned long long)stats->exits_other);
    if (stats->kvm.faults)
        fprintf(out,
                "KVM         %llu page faults of the guest, %llu instructions played for it; "
                "it reaches %llu pages of 4 KiB, %llu of 2 MiB\n",
                (unsigned long long)stats->kvm.faults, (unsigned long long)stats->kvm.emulated,
                (unsigned long long)stats->kvm.small_pages,
                (unsigned long long)stats->kvm.large_pages);
    if (stats->cache && strcmp(stats->cache, "off") != 0)
        fprintf(out, "cache       %s%s%s\n", stats->cache, stats->cache_why ? ": " : "",
                stats->cache_why ? stats->cache_why : "");
    fprintf(out, "jail        %s\n", *stats->jail ? stats->jail : "off");
    if (stats->clocks_by_calls)
        fprintf(out, "clocks      by calls, as %s%s\n",
                *stats->clock_source ? "the host's clock source is "
                                     : "the host's clock source is unknown (is /sys mounted?)",
                stats->clock_source);
    if (stats->service_cpu_ns)
        fprintf(out, "polling     %.2f ms of CPU\n", (double)stats->service_cpu_ns / 1e6);
    if (stats->lost_lines || stats->lost_trace || stats->lost_records)
        fprintf(out,
                "left out    %llu messages, %llu lines of --trace, %llu records of --net-log: "
                "nobody read them\n",
                (unsigned long long)stats->lost_lines, (unsigned long long)stats->lost_trace,
                (unsigned long long)stats->lost_records);
    if (stats->lost_escapes)
        fprintf(out, "terminal    %llu sequences were left out (--raw-tty)\n",
                (unsigned long long)stats->lost_escapes);
    if (stats->missing_path && *stats->missing_path) {
        char path[1024];
        text_escape(stats->missing_path, strlen(stats->missing_path), path, sizeof path, false);
        fprintf(out, "not granted %s, the first of %llu paths that no --dir grants\n", path,
                (unsigned long long)stats->missing_count);
    }
    if (stats->refused_path && *stats->refused_path) {
        char path[1024];
        text_escape(stats->refused_path, strlen(stats->refused_path), path, sizeof path, false);
        fprintf(out, "refused     %s: %s; the first of %llu\n", path, stats->refused_why,
                (unsigned long long)stats->refused_count);
    }
}

/* How many functions the plug-in has in the table, and how often they were called. */
static uint64_t plugin_calls(const struct config *config, const struct plugin_info *info,
                             unsigned *functions)
{
    uint64_t calls = 0;
    *functions = 0;
    for (uint32_t i = 0; i < config->host->n; i++)
        if (config->host->entries[i].provider == info->provider) {
            ++*functions;
            calls += config->host->entries[i].calls;
        }
    return calls;
}

/* "plug-ins    kv 1.0 (./kv.so): 12 calls of 3 functions", a line for each. */
static void table_plugins(FILE *out, const struct config *config)
{
    for (uint32_t i = 0; config->loaded && i < config->loaded->n; i++) {
        const struct plugin_info *info = &config->loaded->at[i];
        const char *from[] = { info->name, info->version, info->from };
        char words[3][256];
        unsigned functions;
        uint64_t calls = plugin_calls(config, info, &functions);
        for (int j = 0; j < 3; j++)
            text_escape(from[j], strlen(from[j]), words[j], sizeof words[j], false);
        fprintf(out, "%-12s%s %s (%s%s): %llu calls of %u functions\n", i ? "" : "plug-ins",
                words[0], words[1], info->process ? "process " : "", words[2],
                (unsigned long long)calls, functions);
    }
}

static void table_calls(FILE *out, const struct run_stats *stats)
{
    fprintf(out, "\n%-24s%12s%12s%12s%12s%12s%12s\n", "call", "count", "in guest", "polled",
            "exits", "exits each", "mean us");
    for (int i = 0; i < CALL_COUNT; i++) {
        const struct call_stats *c = &stats->calls[i];
        uint64_t in_guest = stats->guest.answered_in_guest[i];
        double all = (double)c->count + (double)in_guest;
        if (!c->count && !in_guest)
            continue;
        uint64_t exits = c->count - c->polled;
        fprintf(out, "  %-22s%12.0f%12llu%12llu%12llu%12.4f", call_names[i], all,
                (unsigned long long)in_guest, (unsigned long long)c->polled,
                (unsigned long long)exits, (double)exits / all);
        if (c->count)
            fprintf(out, "%12.2f\n", (double)c->total_ns / 1e3 / (double)c->count);
        else
            fprintf(out, "%12s\n", "-");
    }
}

/* The text that the stream has gathered, or NULL. */
static char *text_end(FILE *out, char **text)
{
    if (out && fclose(out) == 0)
        return *text;
    free(*text);
    return NULL;
}

char *report_table(const struct config *config, const struct run_stats *stats,
                   const struct end *end)
{
    char *text = NULL, module[1024];
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    text_escape(config->module, strlen(config->module), module, sizeof module, false);
    fprintf(out, "wasmvm: %s ended: %s, status %d\n\n", module, end_reason(end), end_status(end));
    table_times(out, stats);
    table_work(out, stats);
    table_plugins(out, config);
    table_calls(out, stats);
    return text_end(out, &text);
}

/* ---- JSON ---- */

/* Bytes that are no UTF-8, or that a terminal should not see, become escapes; the object stays
 * valid whatever they are. */
static void json_string(FILE *out, const char *text)
{
    size_t len = strlen(text);
    putc('"', out);
    for (size_t i = 0; i < len;) {
        unsigned n = text_utf8(text + i, len - i);
        uint8_t byte = (uint8_t)text[i];
        if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (n)
            fwrite(text + i, 1, n, out);
        else
            fprintf(out, "\\u%04x", byte < 0x80 ? byte : 0xfffdu);
        i += n ? n : 1;
    }
    putc('"', out);
}

static void json_counts(FILE *out, const char *name, const struct run_stats *stats,
                        const struct count *counts, size_t n)
{
    fprintf(out, "  \"%s\": {", name);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s\"%s\": %llu", i ? ", " : "", counts[i].name,
                (unsigned long long)field(stats, counts[i].field));
    fprintf(out, "},\n");
}

static void json_known(FILE *out, const struct guest_stats *g)
{
    const char *between = "", *name;
    fprintf(out, "  \"recognised\": [");
    for (size_t k = 0; k < KNOWN_COUNT; k++)
        if ((name = known_name(g, k))) {
            fprintf(out, "%s\"%s\"", between, name);
            between = ", ";
        }
    fprintf(out, "],\n");
}

static void json_times(FILE *out, const struct run_stats *stats)
{
    fprintf(out, "  \"times\": {");
    for (size_t i = 0; i < PHASE_COUNT; i++)
        fprintf(out, "\"%s_ns\": %llu, ", phases[i].name,
                (unsigned long long)field(stats, phases[i].field));
    fprintf(out, "\"total_ns\": %llu, \"guest_cpu_ns\": %llu, \"polling_cpu_ns\": %llu},\n",
            (unsigned long long)total_ns(stats), (unsigned long long)stats->cpu_ns,
            (unsigned long long)stats->service_cpu_ns);
}

static void json_calls(FILE *out, const struct run_stats *stats)
{
    const char *comma = "";
    fprintf(out, "  \"calls\": {");
    for (int i = 0; i < CALL_COUNT; i++) {
        const struct call_stats *c = &stats->calls[i];
        uint64_t in_guest = stats->guest.answered_in_guest[i];
        if (!c->count && !in_guest)
            continue;
        fprintf(out,
                "%s\n    \"%s\": {\"in_guest\": %llu, \"polled\": %llu, \"exits\": %llu, "
                "\"host_ns\": %llu}",
                comma, call_names[i], (unsigned long long)in_guest, (unsigned long long)c->polled,
                (unsigned long long)(c->count - c->polled), (unsigned long long)c->total_ns);
        comma = ",";
    }
    fprintf(out, "%s}\n", *comma ? "\n  " : "");
}

/* What the library said of itself: needs, and whose calls it bears. */
static void json_flags(FILE *out, uint32_t flags)
{
    static const struct { uint32_t flag; const char *name; } needs[] = {
        { WASMVM_PLUGIN_NEEDS_FILES, "files" }, { WASMVM_PLUGIN_NEEDS_NETWORK, "network" },
        { WASMVM_PLUGIN_NEEDS_THREADS, "threads" },
    };
    const char *comma = "";
    fprintf(out, ", \"needs\": [");
    for (unsigned i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        if (!(flags & needs[i].flag))
            continue;
        fprintf(out, "%s\"%s\"", comma, needs[i].name);
        comma = ", ";
    }
    fprintf(out, "], \"one_thread\": %s", flags & WASMVM_PLUGIN_ONE_THREAD ? "true" : "false");
}

static void json_plugins(FILE *out, const struct config *config)
{
    if (!config->loaded)
        return;
    fprintf(out, "  \"plugins\": [");
    for (uint32_t i = 0; i < config->loaded->n; i++) {
        const struct plugin_info *info = &config->loaded->at[i];
        unsigned functions;
        uint64_t calls = plugin_calls(config, info, &functions);
        fprintf(out, "%s\n    {\"name\": ", i ? "," : "");
        json_string(out, info->name);
        fprintf(out, ", \"version\": ");
        json_string(out, info->version);
        fprintf(out, ", \"%s\": ", info->process ? "command" : "file");
        json_string(out, info->from);
        fprintf(out, ", \"functions\": %u, \"calls\": %llu", functions, (unsigned long long)calls);
        if (!info->process)
            json_flags(out, info->flags);
        putc('}', out);
    }
    fprintf(out, "\n  ],\n");
}

static void json_head(FILE *out, const char *module, const char *reason, int status,
                      const char *text)
{
    fprintf(out, "{\n  \"wasmvm\": \"" WASMVM_VERSION "\",\n  \"module\": ");
    json_string(out, module ? module : "");
    fprintf(out, ",\n  \"reason\": \"%s\",\n  \"status\": %d", reason, status);
    if (text && *text) {
        fprintf(out, ",\n  \"message\": ");
        json_string(out, text);
    }
}

char *report_json(const struct config *config, const struct run_stats *stats, const struct end *end)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    json_head(out, config->module, end_reason(end), end_status(end), end->text);
    if (end->kind == ENDED_EXIT)
        fprintf(out, ",\n  \"exit_code\": %u", end->code);
    if (end->kind == ENDED_SIGNAL || end->kind == ENDED_SIGPIPE)
        fprintf(out, ",\n  \"signal\": %d", end_status(end) - 128);
    if (stats->missing_path && *stats->missing_path) {
        fprintf(out, ",\n  \"not_granted\": {\"paths\": %llu, \"first\": ",
                (unsigned long long)stats->missing_count);
        json_string(out, stats->missing_path);
        putc('}', out);
    }
    if (stats->refused_path && *stats->refused_path) {
        fprintf(out, ",\n  \"refused\": {\"paths\": %llu, \"first\": ",
                (unsigned long long)stats->refused_count);
        json_string(out, stats->refused_path);
        fprintf(out, ", \"why\": ");
        json_string(out, stats->refused_why);
        putc('}', out);
    }
    fprintf(out, ",\n");
    json_times(out, stats);
    json_counts(out, "compiled", stats, compiled, sizeof compiled / sizeof compiled[0]);
    json_known(out, &stats->guest);
    json_counts(out, "memory", stats, memory, sizeof memory / sizeof memory[0]);
    json_counts(out, "kvm", stats, kvm, sizeof kvm / sizeof kvm[0]);
    json_counts(out, "lost", stats, lost, sizeof lost / sizeof lost[0]);
    fprintf(out, "  \"exits\": {\"all\": %llu, \"for_no_call\": %llu},\n",
            (unsigned long long)stats->exits, (unsigned long long)stats->exits_other);
    fprintf(out, "  \"cache\": \"%s\",\n", stats->cache ? stats->cache : "off");
    fprintf(out, "  \"jail\": \"%s\",\n", *stats->jail ? stats->jail : "off");
    fprintf(out, "  \"clocks\": {\"in_guest\": %s, \"source\": ",
            stats->clocks_by_calls ? "false" : "true");
    json_string(out, stats->clock_source);
    fprintf(out, "},\n");
    json_plugins(out, config);
    json_calls(out, stats);
    fprintf(out, "}\n");
    return text_end(out, &text);
}

char *report_failure(const char *module, int exit_status, const char *message_text)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    const char *reason = exit_status == EXIT_NO_MODULE        ? "no_module"
                         : exit_status == EXIT_TIMEOUT        ? "timeout"
                         : exit_status == EXIT_INVALID_MODULE ? "invalid"
                                                              : "monitor";
    json_head(out, module, reason, exit_status, message_text);
    fprintf(out, "\n}\n");
    return text_end(out, &text);
}
