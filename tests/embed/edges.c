/* Exact ends of what passes between host and guest, and what one call leaves for the next: N - 1, N
 * and N + 1 values and letters, limits that are set and taken away, and what instances leave behind
 * that never came to run.
 *
 * The module is made here, byte by byte, so that each function has exactly as many parameters as
 * its name says. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "embed.h"

#define MS 1000000ull
#define VALUES_MOST 64  /* of a call */
#define NAME_MOST   255 /* letters of an export that is called */
#define N_OF(a) (sizeof(a) / sizeof *(a))

/* The slot has nine words, one for the number of a function. */
static const unsigned sizes[] = {0, 1, 7, 8, 9, 10, 63, 64};

/* ---- a module ---- */

struct bytes { unsigned char at[1 << 16]; size_t n; };

static void put(struct bytes *b, unsigned byte)
{
    b->at[b->n++] = (unsigned char)byte;
}

static void put_number(struct bytes *b, unsigned value)
{
    for (; value > 127; value >>= 7)
        put(b, value | 0x80);
    put(b, value);
}

static void put_text(struct bytes *b, const char *text)
{
    put_number(b, (unsigned)strlen(text));
    for (; *text; text++)
        put(b, (unsigned char)*text);
}

/* `inner` with its length before it, then empty again. */
static void put_sized(struct bytes *b, struct bytes *inner)
{
    put_number(b, (unsigned)inner->n);
    memcpy(b->at + b->n, inner->at, inner->n);
    b->n += inner->n;
    inner->n = 0;
}

static void put_section(struct bytes *b, unsigned id, unsigned count, struct bytes *items)
{
    static struct bytes whole;
    put_number(&whole, count);
    memcpy(whole.at + whole.n, items->at, items->n);
    whole.n += items->n;
    items->n = 0;
    put(b, id);
    put_sized(b, &whole);
}

static void put_type(struct bytes *b, unsigned params, unsigned results)
{
    put(b, 0x60);
    for (unsigned *n = (unsigned[]){params, results, 0}, k = 0; k < 2; k++) {
        put_number(b, n[k]);
        for (unsigned i = 0; i < n[k]; i++)
            put(b, 0x7e);
    }
}

static void put_constant(struct bytes *code, unsigned value)
{
    put(code, 0x42), put(code, value | 0x80), put(code, value >> 7);
}

/* The sum of (k + 1) times parameter k. */
static void put_sum(struct bytes *code, unsigned n)
{
    put_constant(code, 0);
    for (unsigned k = 0; k < n; k++)
        put(code, 0x20), put_number(code, k), put_constant(code, k + 1), put(code, 0x7e),
            put(code, 0x7c);
}

static void put_constants(struct bytes *code, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        put_constant(code, 100 + i);
}

/* Types: 2k: N parameters and a result; 2k + 1: no parameters and N results; then of the largest
 * and one more; (). */
enum { SIZES = N_OF(sizes), LARGE = 2 * SIZES, LARGE_RESULTS, NONE };
/* Functions: imports h0..., then c0... that call them, e0... of N parameters, r0... of N results,
 * and the others. */
enum {
    CALLERS = SIZES,
    TAKERS = 2 * SIZES,
    GIVERS = 3 * SIZES,
    TAKES_65 = 4 * SIZES,
    GIVES_65,
    SPIN,
    FUNCS
};

static void put_types_and_imports(struct bytes *m)
{
    static struct bytes items;
    char name[16];
    for (unsigned k = 0; k < SIZES; k++)
        put_type(&items, sizes[k], 1), put_type(&items, 0, sizes[k]);
    put_type(&items, VALUES_MOST + 1, 1), put_type(&items, 0, VALUES_MOST + 1),
        put_type(&items, 0, 0);
    put_section(m, 1, NONE + 1, &items);
    for (unsigned k = 0; k < SIZES; k++) {
        snprintf(name, sizeof name, "h%u", sizes[k]);
        put_text(&items, "edge"), put_text(&items, name), put(&items, 0), put_number(&items, 2 * k);
    }
    put_section(m, 2, SIZES, &items);
    for (unsigned k = 0; k < SIZES; k++)
        put_number(&items, 2 * 1 + 1); /* callers: one result */
    for (unsigned k = 0; k < SIZES; k++)
        put_number(&items, 2 * k);
    for (unsigned k = 0; k < SIZES; k++)
        put_number(&items, 2 * k + 1);
    put_number(&items, LARGE), put_number(&items, LARGE_RESULTS), put_number(&items, NONE);
    put_section(m, 3, FUNCS - SIZES, &items);
}

static void put_export(struct bytes *items, const char *name, unsigned func)
{
    put_text(items, name), put(items, 0), put_number(items, func);
}

static void put_exports(struct bytes *m)
{
    static struct bytes items;
    char name[NAME_MOST + 2];
    for (unsigned k = 0; k < 3 * SIZES; k++) {
        snprintf(name, sizeof name, "%c%u", "cer"[k / SIZES], sizes[k % SIZES]);
        put_export(&items, name, CALLERS + k);
    }
    put_export(&items, "e65", TAKES_65), put_export(&items, "r65", GIVES_65),
        put_export(&items, "spin", SPIN);
    for (size_t n = NAME_MOST - 1; n <= NAME_MOST + 1; n++) {
        memset(name, 'n', n), name[n] = 0;
        put_export(&items, name, TAKERS + 1);
    }
    put_section(m, 7, 3 * SIZES + 6, &items);
}

static void put_body(struct bytes *items, struct bytes *code)
{
    put(code, 0x0b);
    put_sized(items, code);
}

static void put_bodies(struct bytes *m)
{
    static struct bytes items, code;
    for (unsigned k = 0; k < SIZES; k++) {
        put(&code, 0), put_constants(&code, sizes[k]), put(&code, 0x10), put_number(&code, k);
        put_body(&items, &code);
    }
    for (unsigned k = 0; k < SIZES; k++)
        put(&code, 0), put_sum(&code, sizes[k]), put_body(&items, &code);
    for (unsigned k = 0; k < SIZES; k++)
        put(&code, 0), put_constants(&code, sizes[k]), put_body(&items, &code);
    put(&code, 0), put_constant(&code, 1), put_body(&items, &code);
    put(&code, 0), put_constants(&code, VALUES_MOST + 1), put_body(&items, &code);
    put(&code, 0), put(&code, 0x03), put(&code, 0x40), put(&code, 0x0c), put(&code, 0),
        put(&code, 0x0b);
    put_body(&items, &code);
    put_section(m, 10, FUNCS - SIZES, &items);
}

static wasmvm_module *edges(void)
{
    static struct bytes m;
    m.n = 0;
    memcpy(m.at, "\0asm\1\0\0\0", m.n = 8);
    put_types_and_imports(&m);
    put_exports(&m);
    put_bodies(&m);
    return wasmvm_module_bytes(m.at, m.n, "edges", &error);
}

/* `_start`, and so many bytes of 1, each so far from the next that pages of zeros lie between. */
static wasmvm_module *scattered(unsigned count, unsigned apart)
{
    static struct bytes m, items;
    memcpy(m.at, "\0asm\1\0\0\0", m.n = 8);
    put_type(&items, 0, 0), put_section(&m, 1, 1, &items);
    put(&items, 0), put_section(&m, 3, 1, &items);
    put(&items, 0), put_number(&items, count * apart / 65536 + 1), put_section(&m, 5, 1, &items);
    put_export(&items, "_start", 0);
    put_text(&items, "memory"), put(&items, 2), put(&items, 0), put_section(&m, 7, 2, &items);
    put(&items, 2), put(&items, 0), put(&items, 0x0b), put_section(&m, 10, 1, &items);
    for (unsigned k = 0; k < count; k++) {
        put(&items, 0), put(&items, 0x41);
        for (unsigned bit = 0; bit < 28; bit += 7)
            put(&items, (k * apart >> bit & 127) | 128);
        put(&items, 0), put(&items, 0x0b), put(&items, 1), put(&items, 1);
    }
    put_section(&m, 11, count, &items);
    return wasmvm_module_bytes(m.at, m.n, "scattered", &error);
}

/* ---- instances of it ---- */

static wasmvm_host services;

/* A host function of `data` parameters: their sum by weight, as weigh. */
static int sum(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)call;
    result->i64 = 0;
    for (size_t k = 0; k < (size_t)data; k++)
        result->i64 += (int64_t)(k + 1) * args[k].i64;
    return 0;
}

static int64_t weight(unsigned n, unsigned first)
{
    int64_t all = 0;
    for (unsigned k = 0; k < n; k++)
        all += (int64_t)(k + 1) * (first + k);
    return all;
}

static wasmvm_instance *edges_alive(wasmvm_config *c)
{
    static char names[SIZES][8], sigs[SIZES][VALUES_MOST + 3];
    wasmvm_func funcs[SIZES];
    for (unsigned k = 0; k < SIZES; k++) {
        snprintf(names[k], sizeof names[k], "h%u", sizes[k]);
        memset(sigs[k], 'I', sizes[k]);
        strcpy(sigs[k] + sizes[k], ":I");
        funcs[k] = (wasmvm_func){.module = "edge", .name = names[k], .sig = sigs[k], .fn = sum,
                                 .data = (void *)(size_t)sizes[k]};
    }
    wasmvm_services(&services);
    wasmvm_config_funcs(c, funcs, SIZES);
    wasmvm_module *m = edges();
    wasmvm_instance *i = m ? wasmvm_instance_new(m, c, &error) : NULL;
    wasmvm_module_free(m);
    wasmvm_config_free(c);
    if (i && wasmvm_initialize(i, &error) == WASMVM_OK)
        return i;
    wasmvm_instance_free(i);
    return NULL;
}

static int ask(wasmvm_instance *i, const char *name, const wasmvm_val *args, size_t nargs,
               wasmvm_val *results, size_t n)
{
    const wasmvm_export *e;
    int code = wasmvm_lookup(i, name, &e, &error);
    return code ? code : wasmvm_invoke(i, e, args, nargs, results, n, &error);
}

int case_values_at_their_most(void)
{
    wasmvm_val in[VALUES_MOST + 1], out[VALUES_MOST + 1];
    wasmvm_instance *i = edges_alive(config_make());
    CHECK(i);
    for (unsigned k = 0; k < N_OF(in); k++)
        in[k].i64 = 1000 + k;
    for (unsigned k = 0; k < SIZES; k++) {
        char name[16];
        unsigned n = sizes[k];
        snprintf(name, sizeof name, "c%u", n);
        CHECK(ask(i, name, NULL, 0, out, 1) == 0 && out[0].i64 == weight(n, 100));
        name[0] = 'e';
        CHECK(ask(i, name, in, n, out, 1) == 0 && out[0].i64 == weight(n, 1000));
        CHECK(ask(i, name, in, n + 1, out, 1) == WASMVM_E_TYPE);
        name[0] = 'r';
        memset(out, 0x55, sizeof out);
        CHECK(ask(i, name, NULL, 0, out, n) == 0);
        for (unsigned r = 0; r < n; r++)
            CHECK(out[r].i64 == 100 + r);
        CHECK(out[n].u64 == 0x5555555555555555);
    }
    CHECK(ask(i, "e65", in, VALUES_MOST + 1, out, 1) == WASMVM_E_TYPE);
    CHECK(ask(i, "r65", NULL, 0, out, VALUES_MOST + 1) == WASMVM_E_TYPE);
    CHECK(ask(i, "e1", in, 1, out, 1) == 0 && out[0].i64 == 1000); /* and it lives */
    wasmvm_instance_free(i);
    return 0;
}

int case_names_at_their_most(void)
{
    wasmvm_val in = {.i64 = 7}, out;
    char name[NAME_MOST + 3];
    wasmvm_instance *i = edges_alive(config_make());
    CHECK(i);
    for (size_t n = NAME_MOST - 2; n <= NAME_MOST + 2; n++) {
        memset(name, 'n', n), name[n] = 0;
        /* one too long is there, and cannot be asked for */
        int code = ask(i, name, &in, 1, &out, 1);
        CHECK(n == NAME_MOST - 1 || n == NAME_MOST ? code == 0 && out.i64 == 7
                                                   : code == WASMVM_E_NO_EXPORT);
    }
    wasmvm_instance_free(i);
    return 0;
}

/* A module that is ready sooner than the thread that started it waits for that. */
int case_ready_at_once(void)
{
    for (int k = 0; k < 60; k++) {
        wasmvm_val in = {.i64 = k}, out;
        wasmvm_instance *i = edges_alive(config_make());
        CHECK(i && ask(i, "e1", &in, 1, &out, 1) == 0 && out.i64 == k);
        wasmvm_instance_free(i);
    }
    return 0;
}

/* ---- what one call leaves for the next ---- */

static void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

/* A limit that was met in time and then taken away is not there when its time has come. */
int case_limit_taken_away(void)
{
    wasmvm_val in = {.i64 = 5}, out;
    wasmvm_instance *i = edges_alive(config_make());
    CHECK(i && wasmvm_call_limit(i, 5000 * MS) == 0 && ask(i, "e1", &in, 1, &out, 1) == 0);
    CHECK(wasmvm_call_limit(i, 300 * MS) == 0);
    int limited = ask(i, "e1", &in, 1, &out, 1);
    CHECK(limited == 0 || limited == WASMVM_E_TIME); /* a busy machine may take that long */
    if (limited == 0) {
        CHECK(wasmvm_call_limit(i, 0) == 0);
        sleep_ms(400);
        CHECK(ask(i, "e1", &in, 1, &out, 1) == 0 && out.i64 == 5);
        CHECK(wasmvm_call_limit(i, 100 * MS) == 0 &&
              ask(i, "spin", NULL, 0, NULL, 0) == WASMVM_E_TIME);
    }
    CHECK(wasmvm_call_limit(i, UINT64_MAX) == WASMVM_E_USAGE);
    wasmvm_instance_free(i);
    return 0;
}

/* A configuration's time limit is for a run and for the start; a call later has its own. */
int case_limit_of_the_start(void)
{
    wasmvm_val in = {.i64 = 5}, out;
    wasmvm_instance *i = NULL;
    unsigned limit_ms = 1000;
    while (!i && limit_ms < 100000) { /* a busy machine may take so long for the start */
        limit_ms *= 3;
        wasmvm_config *c = config_make();
        wasmvm_config_timeout(c, limit_ms * MS);
        i = edges_alive(c);
    }
    CHECK(i);
    sleep_ms(limit_ms + 100);
    CHECK(ask(i, "e1", &in, 1, &out, 1) == 0 && out.i64 == 5);
    wasmvm_instance_free(i);
    return 0;
}

/* ---- what is left behind ---- */

static int threads(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

/* Each way that an instance comes to nothing, with streams of its own and a directory that is not
 * there. */
static void came_to_nothing(int way)
{
    wasmvm_config *c = config_make();
    wasmvm_instance *i = NULL;
    if (way == 0)
        wasmvm_config_dir(c, "/no/such/directory", "/data", 0);
    if (way == 1)
        wasmvm_config_net(c, WASMVM_NET_LISTEN, "256.0.0.1:1");
    if (way == 2)
        wasmvm_config_trace(c, "/no/such/directory/trace");
    if (way == 3) {
        wasmvm_config_dir(c, "/usr", "/data", WASMVM_DIR_READ_ONLY);
        i = wasmvm_instance_new(program, c, &error);
        wasmvm_config_free(c);
    } else if (way == 4) {
        i = edges_alive(c);
    } else {
        i = wasmvm_instance_new(program, c, &error);
        wasmvm_config_free(c);
        if (i)
            wasmvm_prepare(i, &error);
    }
    wasmvm_instance_free(i);
}

int case_nothing_is_left(void)
{
    for (int way = 0; way < 6; way++) {
        came_to_nothing(way); /* what is made once is made */
        int files = open_files(), tasks = threads();
        for (int k = 0; k < 4; k++)
            came_to_nothing(way);
        CHECK(open_files() == files);
        /* a thread that was joined is listed a moment longer */
        for (int k = 0; k < 30000 && threads() > tasks; k++)
            sleep_ms(10);
        CHECK(threads() <= tasks);
    }
    return 0;
}

/* ---- what a pool's machines have in common ---- */

enum { SCATTERED = 1000, APART = 18 * 4096, MACHINES = 4 };

/* The bytes are where the module has them, and zeros between. */
static bool scattered_right(wasmvm_instance *i)
{
    unsigned char at[2] = {0};
    for (unsigned k = 0; k < SCATTERED; k++)
        if (wasmvm_memory_read(i, k * APART, at, 1) || wasmvm_memory_read(i, k * APART + APART / 2,
                                                                          at + 1, 1) ||
            at[0] != 1 || at[1] != 0)
            return false;
    return true;
}

/* The module chooses where its pages are; the process's mappings are few nevertheless. */
int case_pool_few_mappings(void)
{
    wasmvm_module *module = scattered(SCATTERED, APART);
    wasmvm_config *c = wasmvm_config_new();
    wasmvm_config_flag(c, "reset-check");
    int before = lines_of("/proc/self/maps");
    wasmvm_pool *pool = module ? wasmvm_pool_new(module, c, MACHINES, &error) : NULL;
    CHECK(pool);
    CHECK(lines_of("/proc/self/maps") - before < MACHINES * 200);
    for (unsigned k = 0; k < 2 * MACHINES; k++) {
        wasmvm_instance *i = wasmvm_pool_take(pool, &error);
        CHECK(i && scattered_right(i) && wasmvm_run(i, &error) == WASMVM_OK);
        wasmvm_pool_give(pool, i);
    }
    CHECK(lines_of("/proc/self/maps") - before < MACHINES * 200);
    wasmvm_pool_free(pool);
    wasmvm_config_free(c);
    wasmvm_module_free(module);
    return 0;
}

/* What its taker does to a machine, before it runs or instead, the next one does not find. */
/* A limit of calls is its taker's. */
int case_pool_forgets_limits(void)
{
    const wasmvm_val twenty = {.i32 = 20};
    wasmvm_val result;
    wasmvm_config *c = config_make();
    wasmvm_pool *pool = wasmvm_pool_new(reactor, c, 1, &error);
    wasmvm_instance *i = pool ? wasmvm_pool_take(pool, &error) : NULL;
    CHECK(i && wasmvm_call_limit(i, 1) == WASMVM_OK);
    wasmvm_pool_give(pool, i);
    CHECK((i = wasmvm_pool_take(pool, &error)) && wasmvm_initialize(i, &error) == WASMVM_OK);
    CHECK(ask(i, "deeper", &twenty, 1, &result, 1) == WASMVM_OK && result.i32 == 20);
    wasmvm_instance_free(i);
    wasmvm_pool_free(pool);
    wasmvm_config_free(c);
    return 0;
}

/* What a module kept alive has in memory is its taker's, too. */
int case_pool_given_alive(void)
{
    const wasmvm_val two[2] = {{.i32 = 1}, {.i32 = 2}};
    wasmvm_val result;
    wasmvm_config *c = config_make();
    wasmvm_pool *pool = wasmvm_pool_new(reactor, c, 1, &error);
    CHECK(pool);
    for (int k = 0; k < 5; k++) {
        wasmvm_instance *i = wasmvm_pool_take(pool, &error);
        CHECK(i && wasmvm_initialize(i, &error) == WASMVM_OK);
        CHECK(ask(i, "count", NULL, 0, &result, 1) == WASMVM_OK && result.i64 == 0);
        CHECK(ask(i, "add", two, 2, &result, 1) == WASMVM_OK);
        CHECK(k != 3 || wasmvm_snapshot(i, &error) == WASMVM_OK);
        wasmvm_pool_give(pool, i);
    }
    wasmvm_pool_free(pool);
    wasmvm_config_free(c);
    return 0;
}

int case_pool_given_unused(void)
{
    enum way { WRITTEN, STOPPED, WRITTEN_AND_RUN, UNTOUCHED, WAYS };
    wasmvm_module *module = scattered(2, APART);
    wasmvm_config *c = wasmvm_config_new();
    wasmvm_config_flag(c, "reset-check");
    wasmvm_pool *pool = module ? wasmvm_pool_new(module, c, 1, &error) : NULL;
    CHECK(pool);
    for (unsigned k = 0; k < 2 * WAYS; k++) {
        char at = 0;
        wasmvm_instance *i = wasmvm_pool_take(pool, &error);
        CHECK(i);
        if (k % WAYS == WRITTEN || k % WAYS == WRITTEN_AND_RUN)
            CHECK(wasmvm_memory_write(i, 5, "x", 1) == WASMVM_OK);
        if (k % WAYS == STOPPED)
            wasmvm_stop(i);
        if (k % WAYS == WRITTEN_AND_RUN)
            CHECK(wasmvm_run(i, &error) == WASMVM_OK);
        wasmvm_pool_give(pool, i);
        CHECK((i = wasmvm_pool_take(pool, &error)) && !wasmvm_memory_read(i, 5, &at, 1) && !at);
        CHECK(wasmvm_run(i, &error) == WASMVM_OK);
        wasmvm_pool_give(pool, i);
    }
    wasmvm_pool_free(pool);
    wasmvm_config_free(c);
    wasmvm_module_free(module);
    return 0;
}

/* ---- others look ---- */

static struct { wasmvm_instance *of; bool over; } watched;

static void *asks_status(void *wrong)
{
    while (!__atomic_load_n(&watched.over, __ATOMIC_RELAXED)) {
        int status = wasmvm_exit_status(watched.of);
        *(int *)wrong |= status > 0 || status < -1;
    }
    return NULL;
}

static void *asks_for_stops(void *wrong)
{
    wasmvm_error e;
    while (!__atomic_load_n(&watched.over, __ATOMIC_RELAXED))
        *(int *)wrong |= wasmvm_stopping(watched.of, &e) != WASMVM_OK;
    return NULL;
}

static void *raises(void *wrong)
{
    while (!__atomic_load_n(&watched.over, __ATOMIC_RELAXED))
        *(int *)wrong |= wasmvm_signal(watched.of, SIGHUP) != WASMVM_SIGNAL_UNWANTED;
    return NULL;
}

/* What any thread may ask at any time, others ask all the time: the runs go on. */
int case_watched_while_reset(void)
{
    static void *(*const ask[3])(void *) = {asks_status, asks_for_stops, raises};
    pthread_t threads[3];
    int wrong[3] = {0};
    wasmvm_module *module = scattered(2, APART);
    wasmvm_config *c = wasmvm_config_new();
    wasmvm_config_cpu_time(c, 1000000 * MS);
    wasmvm_config_timeout(c, 1000000 * MS);
    watched.of = module ? wasmvm_instance_new(module, c, &error) : NULL;
    CHECK(watched.of && wasmvm_snapshot(watched.of, &error) == WASMVM_OK);
    for (int k = 0; k < 3; k++)
        CHECK(pthread_create(&threads[k], NULL, ask[k], &wrong[k]) == 0);
    int code = WASMVM_OK;
    for (int k = 0; k < 2000 && !code; k++)
        if ((code = wasmvm_run(watched.of, &error)) == WASMVM_OK)
            code = wasmvm_reset(watched.of, &error);
    __atomic_store_n(&watched.over, true, __ATOMIC_RELAXED);
    for (int k = 0; k < 3; k++)
        pthread_join(threads[k], NULL);
    CHECK(!code && !wrong[0] && !wrong[1] && !wrong[2]);
    wasmvm_instance_free(watched.of);
    wasmvm_config_free(c);
    wasmvm_module_free(module);
    return 0;
}
