/* `wasmvm doctor`: can this host run programs well?  Looks at each thing that counts, says in a
 * sentence what it found and what to do, as text or as JSON; the status is the verdict. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cli/cli.h"
#include "vmm/cli/doctor.h"

#define TEXT_CAP 65536

static const struct probe {
    const char *name;
    void (*look)(struct doctor *, struct finding *);
} probes[] = {
#define PROBE(name, what) { #name, doctor_##name },
#include "vmm/cli/doctor.def"
};
#define PROBES (sizeof probes / sizeof *probes)

static const char *const verdicts[] = { [WELL] = "well", [REMARK] = "remark", [CANNOT] = "cannot",
                                        [UNKNOWN] = "unknown" };

struct asked { const char *unused; bool json; }; /* the first member, as no option sets it */
const struct option doctor_options[] = {
    { .name = "json",
      .kind = FLAG,
      .help = "say it as one JSON object",
      .own = offsetof(struct asked, json) },
    { .name = "help", .kind = HELP, .help = "show this" },
    { .name = NULL },
};
const char doctor_help_head[] =
    "wasmvm doctor [--json]\n"
    "Looks whether this host can run programs well, and says what to do where not.\n"
    "It makes a few machines to measure what a call costs; nothing is changed.\n"
    "\n";
const char doctor_help_tail[] =
    "\n"
    "Exit status: 0 all is well, 1 with remarks, 2 no program can be run.\n";

void finding_set(struct finding *f, enum verdict verdict, const char *advice, const char *format,
                 ...)
{
    va_list args;
    f->verdict = verdict;
    snprintf(f->advice, sizeof f->advice, "%s", advice);
    va_start(args, format);
    vsnprintf(f->says, sizeof f->says, format, args);
    va_end(args);
}

/* ---- words ---- */

struct text { char bytes[TEXT_CAP]; size_t len; };

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->bytes + t->len, sizeof t->bytes - t->len, format, args);
    va_end(args);
    size_t room = sizeof t->bytes - t->len - 1;
    t->len += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room;
}

/* A JSON string: what is no plain character is written by its number, byte by byte where it is no
 * UTF-8. */
static void add_string(struct text *t, const char *s)
{
    add(t, "\"");
    for (size_t left = strlen(s), n; left; s += n, left -= n) {
        unsigned utf8 = text_utf8(s, left);
        n = utf8 ? utf8 : 1;
        if (*s == '"' || *s == '\\')
            add(t, "\\%c", *s);
        else if (utf8 && (unsigned char)*s >= 0x20)
            add(t, "%.*s", (int)n, s);
        else
            add(t, "\\u%04x", (unsigned char)*s);
    }
    add(t, "\"");
}

static void add_json(struct text *t, const struct finding *all, enum verdict verdict)
{
    add(t, "{\"wasmvm\": \"%s\", \"verdict\": \"%s\", \"probes\": [", WASMVM_VERSION,
        verdict == REMARK ? "remarks" : verdicts[verdict]);
    for (size_t i = 0; i < PROBES; i++) {
        add(t, "%s\n  {\"name\": \"%s\", \"verdict\": \"%s\", \"says\": ", i ? "," : "",
            probes[i].name, verdicts[all[i].verdict]);
        add_string(t, all[i].says);
        add(t, ", \"advice\": ");
        add_string(t, all[i].advice);
        if (all[i].unit)
            add(t, ", \"value\": %.6g, \"unit\": \"%s\"", all[i].number, all[i].unit);
        add(t, "}");
    }
    add(t, "\n]}\n");
}

static void add_table(struct text *t, const struct finding *all, enum verdict verdict)
{
    unsigned remarks = 0;
    for (size_t i = 0; i < PROBES; i++) {
        add(t, "%-8s%-10s%s\n", verdicts[all[i].verdict], probes[i].name, all[i].says);
        if (*all[i].advice)
            add(t, "%18s%s\n", "", all[i].advice);
        remarks += all[i].verdict == REMARK;
    }
    if (verdict == CANNOT)
        add(t, "wasmvm cannot run programs here.\n");
    else if (verdict == REMARK)
        add(t, "wasmvm runs programs here, with %u remark%s.\n", remarks, remarks == 1 ? "" : "s");
    else
        add(t, "wasmvm runs programs here, and all is well.\n");
}

/* ---- the whole ---- */

/* The worst that was found; what could not be looked at has its reason elsewhere. */
static enum verdict verdict_of(const struct finding *all)
{
    enum verdict worst = WELL;
    for (size_t i = 0; i < PROBES; i++)
        if (all[i].verdict != UNKNOWN && all[i].verdict > worst)
            worst = all[i].verdict;
    return worst;
}

int doctor_command(const struct start *start)
{
    struct asked asked = { .json = false };
    struct doctor doctor = { .root = "" };
    static struct finding all[PROBES];
    static struct text text;
    bool plain;
    int at = options_read(&(struct target){ .which = start->which, .own = &asked }, start, &plain);
    if (at < start->argc)
        fail("doctor: %s: no word is expected here (wasmvm doctor --help)", start->argv[at]);
    for (size_t i = 0; i < PROBES; i++)
        probes[i].look(&doctor, &all[i]);
    enum verdict verdict = verdict_of(all);
    (asked.json ? add_json : add_table)(&text, all, verdict);
    if (!write_all(STDOUT_FILENO, text.bytes, text.len))
        fail("stdout cannot be written: %s", strerror(errno));
    return (int)verdict;
}
