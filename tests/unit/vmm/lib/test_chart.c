/* The picture of a start (chart.c), from timelines made up: what stands where, where it is cut,
 * names that are no markup. */
#include "vmm/lib/lib.h" /* before <cmocka.h>, which has a macro fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define US 1000ull
#define MS 1000000ull
#define BEGAN (100 * MS)
#define RIGHT 830.0 /* the picture's last column: 270 and 560 */

static struct timeline line;
static struct run_stats stats;
static char svg[1 << 17];

/* Phases of a millisecond each: two before the guest, the guest, one behind it. */
static int setup(void **state)
{
    (void)state;
    static const char *const names[] = { "first", "second", TIMELINE_GUEST, "last" };
    memset(&line, 0, sizeof line);
    line.began_ns = BEGAN;
    for (uint32_t i = 0; i < 4; i++)
        line.phases[i] = (struct host_phase){ .name = names[i],
                                              .end_ns = BEGAN + (i + 1) * MS,
                                              .faults = 10ull * i };
    line.nphases = 4;
    line.entered_ns = BEGAN + 2 * MS;
    stats = (struct run_stats){ .timeline = &line };
    return 0;
}

static const char *chart(const char *module)
{
    const struct config config = { .module = module };
    const struct end end = { .kind = ENDED_EXIT, .code = 3 };
    char *made = report_start(&config, &stats, &end);
    assert_non_null(made);
    snprintf(svg, sizeof svg, "%s", made);
    free(made);
    return svg;
}

static void has(const char *what)
{
    if (!strstr(svg, what))
        fail_msg("\"%s\" is not in:\n%s", what, svg);
}

static unsigned count(const char *what)
{
    unsigned n = 0;
    for (const char *at = svg; (at = strstr(at, what)) != NULL; at += strlen(what))
        n++;
    return n;
}

/* A bar with this title is drawn so. */
static void bar(const char *title, double x, double wide)
{
    char begins[128], want[128];
    snprintf(begins, sizeof begins, "<title>%s", title);
    const char *at = strstr(chart("app.wasm"), begins);
    if (!at)
        fail_msg("no %s in:\n%s", title, svg);
    while (strncmp(at, "<rect ", 6) != 0)
        at--;
    double got_x = 0, got_wide = 0;
    unsigned y = 0;
    assert_int_equal(sscanf(at, "<rect x=\"%lf\" y=\"%u\" width=\"%lf\"", &got_x, &y, &got_wide),
                     3);
    snprintf(want, sizeof want, "%.1f %.1f", x, wide);
    if (got_x < x - 0.06 || got_x > x + 0.06 || got_wide < wide - 0.06 || got_wide > wide + 0.06)
        fail_msg("%s: %.1f, %.1f wide; wanted %s", title, got_x, got_wide, want);
}

static void test_nobody_wants_one(void **state)
{
    (void)state;
    stats.timeline = NULL;
    assert_string_equal(chart("app.wasm"), "");
}

/* 4 ms are 560 columns. */
static void test_phases_of_the_host(void **state)
{
    (void)state;
    bar("first: 1000 us", 270, 140);
    bar("second: 1000 us", 410, 140);
    bar("last: 1000 us", 690, 140);
    assert_int_equal(count("<title>first"), 1);
    assert_int_equal(count(">10 faults<"), 2); /* since the one before */
    has("it ended: ");
    has(", status 3;");
    line.exec_cpu_ns = MS; /* and one before main */
    bar("before main, by CPU time: 1000 us", 270, 112);
    bar("first: 1000 us", 382, 112);
}

/* The phases end at the marks that the guest left, as far as they lie inside its own. */
static void test_marks_of_the_guest(void **state)
{
    (void)state;
    line.marks_ns[MARK_ENGINE] = BEGAN + 2 * MS + 250 * US;
    line.marks_ns[MARK_PARSED] = BEGAN + 2 * MS - 1; /* a lie */
    line.marks_ns[MARK_LINKED] = BEGAN + 3 * MS;     /* its last moment */
    bar("guest: its engine: 250 us", 550, 35);
    bar("guest: linked, segments placed: 750 us", 585, 105);
    assert_null(strstr(svg, "the module is read"));
    line.marks_ns[MARK_LINKED]++;
    chart("app.wasm");
    assert_null(strstr(svg, "segments placed"));
    line.marks_ns[MARK_ENGINE] = 0;
    line.marks_ns[MARK_PARSED]++;
    bar("guest: the module is read: 0 us", 550, 0.8);
}

static void exit_add(const char *name, uint64_t left_ns, uint64_t back_ns)
{
    struct guest_exit *e = &line.exits[line.nexits++];
    *e = (struct guest_exit){ .left_ns = left_ns, .back_ns = back_ns };
    e->name = name;
}

static void test_exits(void **state)
{
    (void)state;
    exit_add("random_refill", BEGAN + 2 * MS + 100 * US, BEGAN + 2 * MS + 200 * US);
    exit_add("ready", BEGAN + 2 * MS + 500 * US, BEGAN + 2 * MS + 600 * US);
    exit_add("end", BEGAN + 3 * MS, BEGAN + 3 * MS + 1);
    line.exits[2].counts.faults = 77, line.exits[2].counts.small_pages = 88,
    line.exits[2].counts.large_pages = 99;
    bar("random_refill: 100 us", 564, 14);
    bar("ready: 100 us", 620, 14);
    bar("end: 0 us", 690, 1);
    bar("guest: until it can run: 500 us", 550, 70);
    bar("guest: the program runs: 400 us", 634, 56);
    has(">3 exits<");
    has("Exits: random_refill ready end<");
    has("At the end: 77 page faults of the guest; it reaches 88 pages of 4 KiB and 99 of 2 MiB.");
    assert_null(strstr(svg, "first instruction"));
}

/* A program that runs on for much longer than its start took is cut; an exit at the last moment is
 * still drawn. */
static void test_long_runs_are_cut(void **state)
{
    (void)state;
    const uint64_t ready = BEGAN + 4 * MS, until = ready + MS;
    line.entered_ns = BEGAN + 2 * MS;
    line.phases[2].end_ns = BEGAN + 15 * MS;
    line.phases[3].end_ns = BEGAN + 16 * MS - 1; /* not three times as long */
    exit_add("ready", ready, ready);
    exit_add("at_the_end", until, until + 1);
    exit_add("behind", until + 1, until + 2);
    chart("app.wasm");
    assert_null(strstr(svg, "(cut)"));
    has("<title>behind");
    line.phases[3].end_ns++;
    bar("at_the_end: 0 us", RIGHT, 1);
    has("(cut)");
    assert_null(strstr(svg, "<title>behind"));
    bar("first: 1000 us", 270, 112);
}

static void test_the_axis(void **state)
{
    (void)state;
    static const struct { uint64_t ms; const char *step, *last; unsigned lines;
    } rows[] = {
        { 4, ">0.5 ms<", ">4 ms<", 9 },       { 8, ">1 ms<", ">8 ms<", 9 },
        { 9, ">2 ms<", ">8 ms<", 5 },         { 16, ">2 ms<", ">16 ms<", 9 },
        { 800, ">100 ms<", ">800 ms<", 9 },   { 900, ">200 ms<", ">800 ms<", 5 },
        { 1600, ">200 ms<", ">1600 ms<", 9 }, { 1800, ">400 ms<", ">1600 ms<", 5 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        line.phases[3].end_ns = BEGAN + rows[i].ms * MS;
        chart("app.wasm");
        has(rows[i].step);
        has(rows[i].last);
        has(">0 ms<");
        if (count("<line ") != rows[i].lines)
            fail_msg("%u ms: %u lines", (unsigned)rows[i].ms, count("<line "));
    }
}

static void test_more_exits_than_are_kept(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < TIMELINE_EXITS; i++)
        exit_add("a_long_name_of_an_exit", BEGAN + 2 * MS + i, BEGAN + 2 * MS + i);
    has(chart("app.wasm") ? "</svg>" : "");
    line.nexits = 4294967295u;
    chart("app.wasm");
    assert_int_equal(count("<title>a_long_name"), TIMELINE_EXITS);
    has(">4294967295 exits<");
    has(" and 4294967283 more<");
    assert_int_equal(count(" a_long_name_of"), 12);
}

static void test_without_a_guest(void **state)
{
    (void)state;
    line.entered_ns = 0;
    line.nphases = 1;
    bar("first: 1000 us", 270, 560);
    assert_null(strstr(svg, "guest: "));
    line.nphases = 0;
    chart("app.wasm");
    has("</svg>");
}

static void test_names_are_no_markup(void **state)
{
    (void)state;
    chart("<b>&\"\n.wasm");
    has("the start of &#60;b&#62;&#38;\"");
    assert_null(strstr(svg, "<b>"));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nobody_wants_one),         TEST(test_phases_of_the_host),
        TEST(test_marks_of_the_guest),       TEST(test_exits),
        TEST(test_long_runs_are_cut),        TEST(test_the_axis),
        TEST(test_more_exits_than_are_kept), TEST(test_without_a_guest),
        TEST(test_names_are_no_markup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
