/* The start as a picture: an SVG of a row for each phase, of the host and of the guest, for
 * --trace-start.
 *
 * Times run from left to right, from the process's start on; a run that is much longer than the
 * start is cut. What the guest says of itself (its marks) is only drawn: a mark that lies outside
 * its place is left out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/lib/lib.h"

enum { LEFT = 270, WIDE = 560, ROW = 20, TOP = 76, TOTAL = 1000, CALLS = 12 };
#define HOST  "#4a78a8"
#define GUEST "#4d9a63"
#define EXIT  "#d07a2a"
#define BEFORE "#9aa4ad"

#define SVG                                                                                        \
    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "                        \
    "font-family=\"sans-serif\" font-size=\"12\">\n"                                               \
    "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n%s</svg>\n"

/* Where on the picture: ns from `from` on, `span` of them on the whole width. */
struct chart { FILE *out; uint64_t from, until; unsigned rows; };

static double place(const struct chart *c, uint64_t ns)
{
    uint64_t at = ns < c->from ? c->from : ns > c->until ? c->until : ns;
    return LEFT + (double)(at - c->from) * WIDE / (double)(c->until - c->from);
}

static double us(uint64_t from, uint64_t to)
{
    return to > from ? (double)(to - from) / 1e3 : 0;
}

static void xml(FILE *out, const char *text)
{
    char safe[1024];
    text_escape(text, strlen(text), safe, sizeof safe, false);
    for (const char *at = safe; *at; at++)
        if (*at == '<' || *at == '>' || *at == '&')
            fprintf(out, "&#%d;", *at);
        else
            putc(*at, out);
}

static void text(const struct chart *c, double x, unsigned y, const char *anchor, const char *words)
{
    fprintf(c->out, "<text x=\"%.1f\" y=\"%u\" text-anchor=\"%s\">", x, y, anchor);
    xml(c->out, words);
    fprintf(c->out, "</text>\n");
}

/* A row: what it is, a bar, how long it took, and a note behind it. */
static void row(struct chart *c, const char *name, const char *colour, uint64_t from, uint64_t to,
                const char *note)
{
    char took[64];
    unsigned y = TOP + ROW * c->rows++;
    double x = place(c, from), wide = place(c, to) - x;
    snprintf(took, sizeof took, "%.0f us", us(from, to));
    text(c, LEFT - 10, y + 14, "end", name);
    fprintf(c->out, "<rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\" fill=\"%s\"><title>", x,
            y + 3, wide < 0.8 ? 0.8 : wide, ROW - 6, colour);
    xml(c->out, name);
    fprintf(c->out, ": %s</title></rect>\n", took);
    text(c, LEFT + WIDE + 70, y + 14, "end", took);
    text(c, LEFT + WIDE + 84, y + 14, "start", note);
}

/* ---- rows ---- */

/* The phases before the guest, or those from the guest's end on. */
static void host_rows(struct chart *c, const struct timeline *t, bool before)
{
    uint64_t began = t->began_ns, faults = 0;
    for (uint32_t i = 0; i < t->nphases; i++) {
        const struct host_phase *p = &t->phases[i];
        char note[64];
        bool is_before = !t->entered_ns || began < t->entered_ns;
        snprintf(note, sizeof note, "%llu faults", (unsigned long long)(p->faults - faults));
        if (is_before == before && strcmp(p->name, TIMELINE_GUEST) != 0)
            row(c, p->name, HOST, began, p->end_ns, note);
        began = p->end_ns;
        faults = p->faults;
    }
}

/* When the guest was over; `until` where it never ran. */
static uint64_t guest_end(const struct timeline *t, uint64_t until)
{
    for (uint32_t i = 0; i < t->nphases; i++)
        if (strcmp(t->phases[i].name, TIMELINE_GUEST) == 0)
            return t->phases[i].end_ns;
    return until;
}

static const struct guest_exit *exit_named(const struct timeline *t, const char *name)
{
    for (uint32_t i = 0; i < t->nexits && i < TIMELINE_EXITS; i++)
        if (strcmp(t->exits[i].name, name) == 0)
            return &t->exits[i];
    return NULL;
}

static void guest_rows(struct chart *c, const struct timeline *t, uint64_t end)
{
    static const char *const names[GUEST_MARKS] = {
        [MARK_ENGINE] = "guest: its engine", [MARK_PARSED] = "guest: the module is read",
        [MARK_LINKED] = "guest: linked, segments placed"};
    const struct guest_exit *ready = exit_named(t, "ready");
    uint64_t began = t->entered_ns, started = ready ? ready->left_ns : end;
    for (int i = 0; i < GUEST_MARKS; i++) {
        uint64_t mark = t->marks_ns[i];
        if (mark < began || mark > end)
            continue;
        row(c, names[i], GUEST, began, mark, "");
        began = mark;
    }
    row(c, "guest: until it can run", GUEST, began, started, "");
    if (ready)
        row(c, "guest: the program runs", GUEST, ready->back_ns, end,
            end > c->until ? "(cut)" : "");
}

/* All exits on one row, each with what it was for. */
static void exit_row(struct chart *c, const struct timeline *t)
{
    char note[64];
    unsigned y = TOP + ROW * c->rows++;
    snprintf(note, sizeof note, "%u exits", t->nexits);
    text(c, LEFT - 10, y + 14, "end", "outside the guest");
    text(c, LEFT + WIDE + 84, y + 14, "start", note);
    for (uint32_t i = 0; i < t->nexits && i < TIMELINE_EXITS; i++) {
        const struct guest_exit *e = &t->exits[i];
        double x = place(c, e->left_ns), wide = place(c, e->back_ns) - x;
        if (e->left_ns > c->until)
            break;
        fprintf(c->out,
                "<rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\" fill=\"" EXIT
                "\"><title>%s: %.0f us; "
                "%llu page faults of the guest by then, it reaches %llu pages of 4 KiB and %llu of "
                "2 MiB"
                "</title></rect>\n",
                x, y + 3, wide < 1 ? 1 : wide, ROW - 6, e->name, us(e->left_ns, e->back_ns),
                (unsigned long long)e->counts.faults, (unsigned long long)e->counts.small_pages,
                (unsigned long long)e->counts.large_pages);
    }
}

/* ---- around them ---- */

static void axis(const struct chart *c)
{
    static const uint64_t steps_us[] = {10,   20,   50,   100,   200,   500,  1000,
                                        2000, 5000, 10000, 20000, 50000, 100000};
    uint64_t span_us = (c->until - c->from) / 1000, step = steps_us[0];
    for (size_t i = 0; i < sizeof steps_us / sizeof steps_us[0] && span_us / step > 8; i++)
        step = steps_us[i];
    while (span_us / step > 8)
        step *= 2;
    for (uint64_t at = 0; at <= span_us; at += step) {
        double x = place(c, c->from + at * 1000);
        char words[32];
        snprintf(words, sizeof words, "%g ms", (double)at / 1e3);
        fprintf(c->out, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%u\" stroke=\"#ddd\"/>\n", x,
                TOP - 6, x, TOP + ROW * c->rows);
        text(c, x, TOP - 12, "middle", words);
    }
}

static void heading(const struct chart *c, const struct config *config, const struct end *end)
{
    fprintf(c->out,
            "<text x=\"8\" y=\"22\" font-size=\"15\" font-weight=\"bold\">wasmvm: the start of ");
    xml(c->out, config->module);
    fprintf(c->out,
            "</text>\n<text x=\"8\" y=\"42\">it ended: %s, status %d; <tspan fill=\"" HOST
            "\">host</tspan>, "
            "<tspan fill=\"" GUEST "\">guest</tspan>, <tspan fill=\"" EXIT
            "\">VM exits</tspan></text>\n",
            end_reason(end), end_status(end));
}

static const struct guest_exit *last_exit(const struct timeline *t)
{
    return t->nexits && t->nexits <= TIMELINE_EXITS ? &t->exits[t->nexits - 1] : NULL;
}

static void summary(struct chart *c, const struct timeline *t)
{
    char words[256];
    const struct guest_exit *ready = exit_named(t, "ready"), *last = last_exit(t);
    const struct guest_exit *of[2] = {ready, last == ready ? NULL : last};
    static const char *const when[2] = {"By the module's first instruction", "At the end"};
    for (int i = 0; i < 2; i++) {
        if (!of[i] || !of[i]->counts.faults)
            continue;
        snprintf(
            words, sizeof words,
            "%s: %llu page faults of the guest; it reaches %llu pages of 4 KiB and %llu of 2 MiB.",
            when[i], (unsigned long long)of[i]->counts.faults,
            (unsigned long long)of[i]->counts.small_pages,
            (unsigned long long)of[i]->counts.large_pages);
        text(c, 8, TOP + ROW * c->rows++ + 20, "start", words);
    }
    int n = snprintf(words, sizeof words, "Exits:");
    for (uint32_t i = 0; i < t->nexits && i < CALLS; i++)
        n += snprintf(words + n, sizeof words - (size_t)n, " %.14s", t->exits[i].name);
    if (t->nexits > CALLS)
        snprintf(words + n, sizeof words - (size_t)n, " and %u more", t->nexits - CALLS);
    text(c, 8, TOP + ROW * c->rows++ + 20, "start", words);
}
_Static_assert(sizeof "Exits: and 4294967295 more" + CALLS * 15 < 256, "room for the exits' names");

static void rows(struct chart *c, const struct timeline *t)
{
    uint64_t end = guest_end(t, c->until);
    if (t->exec_cpu_ns)
        row(c, "before main, by CPU time", BEFORE, c->from, t->began_ns, "");
    host_rows(c, t, true);
    if (t->entered_ns) {
        guest_rows(c, t, end);
        exit_row(c, t);
    }
    host_rows(c, t, false);
}

/* To the end, where the program did not run for much longer than its start took. */
static uint64_t last_shown(const struct timeline *t, uint64_t from)
{
    const struct guest_exit *ready = exit_named(t, "ready");
    uint64_t last = t->nphases ? t->phases[t->nphases - 1].end_ns : t->began_ns + 1;
    if (!ready || last - ready->back_ns < 3 * (ready->back_ns - from))
        return last;
    return ready->back_ns + (ready->back_ns - from) / 4;
}

char *report_start(const struct config *config, const struct run_stats *stats,
                   const struct end *end)
{
    const struct timeline *t = stats->timeline;
    char *svg = NULL, *body = NULL;
    size_t len = 0;
    if (!t)
        return strdup("");
    struct chart c = {.out = open_memstream(&body, &len), .from = t->began_ns - t->exec_cpu_ns};
    if (!c.out)
        return NULL;
    c.until = last_shown(t, c.from);
    heading(&c, config, end);
    rows(&c, t);
    axis(&c);
    summary(&c, t);
    if (fclose(c.out) != 0 || asprintf(&svg, SVG, TOTAL, TOP + ROW * c.rows + 30, body) < 0)
        svg = NULL;
    free(body);
    return svg;
}
