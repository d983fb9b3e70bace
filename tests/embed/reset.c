/* Machines that are taken back: what a run finds is what the first one found, but for what must
 * differ; nothing of a run is left, in the machine or on the host.
 *
 * Every case has "reset-check" on: each reset compares all pages of the guest with the snapshot's.
 * EMBED_RESETS says how often the case that looks for leftovers resets. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "embed.h"

#define RESETS 300
#define OUT 65536

struct again { wasmvm_instance *machine; int in[2], out[2]; char said[OUT]; };

static bool begin(struct again *a, wasmvm_config *c)
{
    *a = (struct again){0};
    if (pipe2(a->in, O_CLOEXEC) != 0 || pipe2(a->out, O_CLOEXEC) != 0)
        return false;
    wasmvm_config_arg(c, "again");
    wasmvm_config_stdio(c, a->in[0], a->out[1], a->out[1]);
    wasmvm_config_flag(c, "reset-check");
    a->machine = wasmvm_instance_new(program, c, &error);
    wasmvm_config_free(c);
    return a->machine && wasmvm_snapshot(a->machine, &error) == WASMVM_OK;
}

static void end(struct again *a)
{
    wasmvm_instance_free(a->machine);
    for (int k = 0; k < 2; k++) {
        close(a->in[k]);
        close(a->out[k]);
    }
}

/* Runs it with this line on stdin; its output is in said. */
static int run(struct again *a, const char *line)
{
    dprintf(a->in[1], "%s\n", line);
    int code = wasmvm_run(a->machine, &error);
    fcntl(a->out[0], F_SETFL, O_NONBLOCK);
    ssize_t n = read(a->out[0], a->said, OUT - 1);
    a->said[n > 0 ? n : 0] = 0;
    return code;
}

static bool says(struct again *a, const char *line, const char *want)
{
    return run(a, line) == WASMVM_OK && strcmp(a->said, want) == 0 &&
           wasmvm_exit_status(a->machine) == 0;
}

static uint64_t stat_of(const struct again *a, size_t offset)
{
    wasmvm_statistics s = {.size = sizeof s};
    uint64_t value;
    wasmvm_instance_statistics(a->machine, &s);
    memcpy(&value, (const char *)&s + offset, sizeof value);
    return value;
}

#define STAT(a, member) stat_of(a, offsetof(wasmvm_statistics, member))
#define RESET(a) CHECK(wasmvm_reset((a)->machine, &error) == WASMVM_OK)

/* What is written through the door (read) and by the guest; again after what it compiled is in the
 * snapshot. */
int case_reset_is_as_new(void)
{
    struct again a;
    CHECK(begin(&a, config_make()));
    for (int learned = 0; learned < 2; learned++) {
        for (int k = 0; k < 8; k++) {
            CHECK(says(&a, "dirty 1048576", "left 0\n"));
            RESET(&a);
            CHECK(STAT(&a, reset_pages) >= 256 && STAT(&a, reset_ioctls) <= 5);
            CHECK(says(&a, "read 30000\n1234567890 and more than the reader holds", "42 <nil>\n"));
            RESET(&a);
            CHECK(says(&a, "deep 200000", "200000\n"));
            RESET(&a);
        }
        CHECK(says(&a, "dirty 4096", "left 0\n"));
        uint64_t compiled = STAT(&a, funcs_compiled);
        CHECK(wasmvm_snapshot(a.machine, &error) == WASMVM_OK);
        CHECK(says(&a, "dirty 4096", "left 0\n"));
        CHECK(learned || (compiled > 100 && STAT(&a, funcs_compiled) < compiled / 2));
        RESET(&a);
    }
    end(&a);
    return 0;
}

/* Random numbers of each kind, the order of maps, time. */
int case_reset_differs(void)
{
    enum { RUNS = 8, LINES = 4 };
    static char said[RUNS][OUT];
    struct again a;
    CHECK(begin(&a, config_make()));
    for (int k = 0; k < RUNS; k++) {
        CHECK(run(&a, "fresh") == WASMVM_OK);
        memcpy(said[k], a.said, OUT);
        if (k == 2)
            CHECK(wasmvm_snapshot(a.machine, &error) == WASMVM_OK);
        else
            RESET(&a);
    }
    char *lines[RUNS][LINES], *save;
    for (int k = 0; k < RUNS; k++)
        for (int line = 0; line < LINES; line++)
            CHECK((lines[k][line] = strtok_r(line ? NULL : said[k], "\n", &save)) != NULL);
    for (int k = 0; k < RUNS; k++)
        for (int other = 0; other < k; other++)
            for (int line = 0; line < LINES; line++)
                CHECK(strcmp(lines[k][line], lines[other][line]) != 0);
    end(&a);
    return 0;
}

static bool memory_holds(const struct again *a, const char *word)
{
    size_t n = wasmvm_memory_size(a->machine);
    char *copy = malloc(n);
    bool held = wasmvm_memory_read(a->machine, 0, copy, n) == WASMVM_OK &&
                memmem(copy, n, word, strlen(word));
    free(copy);
    return held;
}

/* The secret is in memory before the reset, or the search finds nothing at all. */
int case_reset_hides(void)
{
    struct again a;
    CHECK(begin(&a, config_make()));
    for (int k = 0; k < 3; k++) {
        CHECK(says(&a, "secret 100 QWERTZUIOP", "true\n") && memory_holds(&a, "QWERTZUIOP"));
        RESET(&a);
        CHECK(!memory_holds(&a, "QWERTZUIOP"));
        CHECK(says(&a, "dirty 2097152", "left 0\n") && !memory_holds(&a, "QWERTZUIOP"));
        RESET(&a);
    }
    end(&a);
    return 0;
}

/* What grew is gone: its size, its bytes, and the right to touch it. */
int case_reset_gives_memory_back(void)
{
    struct again a;
    char peek[40];
    CHECK(begin(&a, config_make()));
    uint64_t before = wasmvm_memory_size(a.machine);
    for (int k = 0; k < 4; k++) {
        CHECK(says(&a, "grow 40000000", "grown\n"));
        uint64_t grown = wasmvm_memory_size(a.machine);
        CHECK(grown > before + 40000000);
        RESET(&a);
        CHECK(wasmvm_memory_size(a.machine) == before && STAT(&a, reset_dropped_bytes) >= 40000000);
    }
    CHECK(says(&a, "peek 65536", a.said) || a.said[0]);
    RESET(&a);
    snprintf(peek, sizeof peek, "peek %llu", (unsigned long long)before + 30000000);
    CHECK(run(&a, peek) == WASMVM_E_TRAP);
    CHECK(wasmvm_reset(a.machine, &error) == WASMVM_E_USAGE);
    end(&a);
    return 0;
}

/* Counted anew for each run: what is written, time, calls. */
int case_reset_limits(void)
{
    struct again a;
    wasmvm_config *c = config_make();
    wasmvm_config_max_written(c, 10);
    wasmvm_config_timeout(c, 60000000000);
    wasmvm_config_cpu_time(c, 60000000000);
    CHECK(begin(&a, c));
    uint64_t calls = 0;
    for (int k = 0; k < 4; k++) {
        CHECK(says(&a, "dirty 4096", "left 0\n"));
        CHECK(STAT(&a, exits) > 0 && STAT(&a, exits) < 100);
        calls = STAT(&a, calls);
        CHECK(calls > 0 && calls < 60);
        RESET(&a);
        CHECK(STAT(&a, calls) == 0 && wasmvm_exit_status(a.machine) == -1);
    }
    CHECK(STAT(&a, resets) == 4);
    wasmvm_stop(a.machine); /* before a reset it is forgotten, behind it not */
    CHECK(run(&a, "dirty 0") == WASMVM_E_STOPPED);
    CHECK(wasmvm_reset(a.machine, &error) == WASMVM_E_USAGE &&
          strstr(error.text, "did not end by itself"));
    end(&a);
    return 0;
}

/* /tmp is empty each time, and descriptors that a run left open are closed. */
int case_reset_files(void)
{
    struct again a;
    wasmvm_config *c = config_make();
    wasmvm_config_tmp(c);
    CHECK(begin(&a, c));
    CHECK(says(&a, "open 20", "20 <nil>\n"));
    RESET(&a);
    int files = open_files();
    for (int k = 0; k < 4; k++) {
        CHECK(says(&a, "open 20", "20 <nil>\n"));
        wasmvm_stop(a.machine);
        RESET(&a);
        CHECK(open_files() == files);
    }
    end(&a);
    return 0;
}

/* What only the monitor writes, through the door, by a call of each kind. */
int case_reset_door(void)
{
    struct again a;
    wasmvm_config *c = config_make();
    wasmvm_config_tmp(c);
    CHECK(begin(&a, c));
    for (int k = 0; k < 3; k++) {
        CHECK(says(&a, "calls", "0 0 16\n"));
        RESET(&a);
    }
    end(&a);
    return 0;
}

/* The flags that a run sets on streams that it shares are its own. */
int case_reset_flags(void)
{
    struct again a;
    CHECK(begin(&a, config_make()));
    int in = fcntl(a.in[0], F_GETFL), out = fcntl(a.out[1], F_GETFL);
    for (int k = 0; k < 3; k++) {
        CHECK(says(&a, "flags", "[4 4 4]\n"));
        CHECK(fcntl(a.in[0], F_GETFL) == in && fcntl(a.out[1], F_GETFL) == out);
        RESET(&a);
    }
    end(&a);
    return 0;
}

static int port_now;

static void port_find(void *context, const char *line)
{
    int port;
    (void)context;
    if (sscanf(line, "listening on 127.0.0.1:%d", &port) == 1)
        __atomic_store_n(&port_now, port, __ATOMIC_SEQ_CST);
}

static int connected(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(s, (struct sockaddr *)&at, sizeof at) == 0)
        return s;
    close(s);
    return -1;
}

static void *run_thread(void *again)
{
    return (void *)(intptr_t)run(again, "accept");
}

static bool echoes(int s)
{
    char got[5] = "";
    return write(s, "echo", 4) == 4 && recv(s, got, 4, MSG_WAITALL) == 4 &&
           strcmp(got, "echo") == 0;
}

/* Each run has sockets of its own: the rule's listener, and what was in its backlog, end with the
 * run. */
int case_reset_sockets(void)
{
    struct again a;
    pthread_t thread;
    void *code;
    char byte;
    port_now = 0;
    wasmvm_config *c = config_make();
    wasmvm_config_net(c, WASMVM_NET_LISTEN, "127.0.0.1:0");
    wasmvm_config_log(c, port_find, NULL);
    CHECK(begin(&a, c));
    int files = open_files();
    for (int k = 0; k < 3; k++) {
        int port = __atomic_load_n(&port_now, __ATOMIC_SEQ_CST);
        CHECK(port);
        int first = connected(port), second = connected(port);
        CHECK(first >= 0 && second >= 0);
        pthread_create(&thread, NULL, run_thread, &a);
        CHECK(echoes(first));
        close(first);
        pthread_join(thread, &code);
        CHECK((intptr_t)code == WASMVM_OK && wasmvm_exit_status(a.machine) == 0);
        CHECK(recv(second, &byte, 1, 0) <= 0); /* nobody will accept it any more */
        close(second);
        CHECK(connected(port) < 0);
        RESET(&a);
        CHECK(open_files() == files);
    }
    end(&a);
    return 0;
}

/* image/registers.c looks. */
int case_reset_registers(void)
{
    enum { LOOKED = 1 };
    char file[300];
    snprintf(file, sizeof file, "%s/registers.elf", directory);
    wasmvm_config *c = wasmvm_config_new();
    wasmvm_config_guest_image(c, file);
    wasmvm_config_flag(c, "reset-check");
    wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
    wasmvm_config_free(c);
    CHECK(i && wasmvm_snapshot(i, &error) == WASMVM_OK);
    for (int k = 0; k < 4; k++) {
        CHECK(wasmvm_run(i, &error) == WASMVM_OK);
        if (wasmvm_exit_status(i) != LOOKED)
            return printf("run %d: 0x%x\n", k, wasmvm_exit_status(i)), 1;
        CHECK(wasmvm_reset(i, &error) == WASMVM_OK);
    }
    wasmvm_instance_free(i);
    return 0;
}

/* ---- a module kept alive ---- */

/* -1: it cannot be called. */
static int64_t called(wasmvm_instance *i, const char *name, uint32_t arg)
{
    const wasmvm_export *e;
    wasmvm_val args[2] = {{.u32 = arg}, {.u32 = 1}}, result = {.u64 = 0};
    if (wasmvm_lookup(i, name, &e, &error) != WASMVM_OK)
        return -1;
    const char *colon = strchr(wasmvm_export_sig(e), ':');
    size_t nargs = (size_t)(colon - wasmvm_export_sig(e)), nresults = strlen(colon + 1);
    int code = wasmvm_invoke(i, e, args, nargs, &result, nresults, &error);
    return code == WASMVM_OK ? result.i64 : -1;
}

/* What one use of the module leaves behind, in what is of its memory, and in memory that grew. */
static bool used(wasmvm_instance *i, uint32_t place)
{
    bool good = called(i, "count", 0) == 1 && called(i, "add", 41) == 42 &&
                called(i, "add", 1) == 2 && called(i, "count", 0) == 3 &&
                called(i, "grow", 8) == 1 && called(i, "grow", 1) == 2 &&
                called(i, "produce", 0) == 0;
    for (int k = 0; k < 3; k++) /* a goroutine that lives on */
        good = good && called(i, "consume", 0) == k;
    return good && wasmvm_memory_write(i, place, "use", 4) == WASMVM_OK;
}

int case_reset_alive(void)
{
    char text[4] = "";
    wasmvm_config *c = config_make();
    wasmvm_config_flag(c, "reset-check");
    wasmvm_instance *i = wasmvm_instance_new(reactor, c, &error);
    CHECK(i && wasmvm_initialize(i, &error) == WASMVM_OK && called(i, "add", 1) == 2);
    uint32_t place = (uint32_t)called(i, "place", 0);
    CHECK(wasmvm_snapshot(i, &error) == WASMVM_OK && wasmvm_exit_status(i) == -1);
    uint64_t size = wasmvm_memory_size(i);
    int files = open_files();
    for (int k = 0; k < 40; k++) {
        CHECK(used(i, place) && wasmvm_memory_size(i) > size);
        if (k % 4 == 3)
            CHECK(called(i, "leave", 3) == -1 && error.code == WASMVM_E_EXIT);
        CHECK(wasmvm_reset(i, &error) == WASMVM_OK && open_files() == files);
        CHECK(wasmvm_memory_size(i) == size);
        CHECK(wasmvm_memory_read(i, place, text, 4) == WASMVM_OK && !text[0] && !text[3]);
    }
    CHECK(wasmvm_reset(i, &error) == WASMVM_OK); /* nothing was called */
    CHECK(called(i, "add", 1) == 2 && wasmvm_snapshot(i, &error) == WASMVM_OK); /* a later state */
    CHECK(called(i, "add", 1) == 2 && wasmvm_reset(i, &error) == WASMVM_OK);
    CHECK(called(i, "count", 0) == 2);
    CHECK(called(i, "fail", 0) == -1 && error.code == WASMVM_E_TRAP);
    CHECK(wasmvm_reset(i, &error) == WASMVM_E_USAGE);
    wasmvm_instance_free(i);

    i = wasmvm_instance_new(reactor, c, &error); /* of the state before _initialize */
    CHECK(i && wasmvm_snapshot(i, &error) == WASMVM_OK);
    for (int k = 0; k < 3; k++) {
        CHECK(wasmvm_initialize(i, &error) == WASMVM_OK && called(i, "add", 1) == 2);
        CHECK(called(i, "count", 0) == 1 && wasmvm_reset(i, &error) == WASMVM_OK);
    }
    CHECK(called(i, "count", 0) == -1 && error.code == WASMVM_E_USAGE);
    wasmvm_instance_free(i);
    wasmvm_config_free(c);
    return 0;
}

static int nothing(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call, (void)args, (void)result;
    return 0;
}

int case_reset_refused(void)
{
    struct again a;
    CHECK(begin(&a, config_make()));
    CHECK(wasmvm_reset(a.machine, &error) == WASMVM_E_USAGE &&
          strstr(error.text, "its run is not over"));
    CHECK(wasmvm_snapshot(a.machine, &error) == WASMVM_E_USAGE);
    CHECK(run(&a, "exit 7") == WASMVM_OK && wasmvm_exit_status(a.machine) == 7);
    RESET(&a);
    /* Go's panic is an exit */
    CHECK(run(&a, "trap") == WASMVM_OK && wasmvm_exit_status(a.machine) == 2);
    RESET(&a);
    CHECK(wasmvm_reset(a.machine, &error) == WASMVM_E_USAGE);
    end(&a);

    wasmvm_config *c = config_make();
    wasmvm_config_arg(c, "words");
    wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
    CHECK(i && wasmvm_run(i, &error) == WASMVM_OK);
    CHECK(wasmvm_reset(i, &error) == WASMVM_E_USAGE && strstr(error.text, "there is no snapshot"));
    wasmvm_instance_free(i);

    const wasmvm_provider plugin = {.name = "one", .version = "1", .from = "here"};
    const wasmvm_func func = {"other", "f", ":", nothing, NULL};
    i = wasmvm_instance_new(program, c, &error);
    CHECK(i && wasmvm_instance_provider(i, &plugin, &func, 1, &error) == WASMVM_OK);
    CHECK(wasmvm_snapshot(i, &error) == WASMVM_E_USAGE && strstr(error.text, "plug-ins"));
    wasmvm_instance_free(i);
    wasmvm_config_free(c);

    c = wasmvm_config_new(); /* its imports are missing: the module ends before the snapshot */
    i = wasmvm_instance_new(program, c, &error);
    CHECK(i && wasmvm_snapshot(i, &error) == WASMVM_E_INVALID);
    wasmvm_instance_free(i);
    wasmvm_config_free(c);
    return 0;
}

int lines_of(const char *list)
{
    int n = 0;
    FILE *file = fopen(list, "re");
    for (int c; file && (c = getc(file)) != EOF;)
        n += c == '\n';
    if (file)
        fclose(file);
    return n;
}

static long resident_pages(void)
{
    long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file || fscanf(file, "%ld %ld", &all, &resident) != 2)
        resident = -1;
    if (file)
        fclose(file);
    return resident;
}

/* No descriptor, no mapping, no page. */
int case_reset_leaves_nothing(void)
{
    const char *times = getenv("EMBED_RESETS");
    int resets = times ? atoi(times) : RESETS;
    struct again a;
    CHECK(begin(&a, config_make()));
    CHECK(says(&a, "dirty 1048576", "left 0\n") && wasmvm_snapshot(a.machine, &error) == WASMVM_OK);
    for (int k = 0; k < 20; k++) {
        CHECK(says(&a, k % 2 ? "dirty 1048576" : "grow 5000000", k % 2 ? "left 0\n" : "grown\n"));
        RESET(&a);
    }
    int files = open_files(), maps = lines_of("/proc/self/maps");
    long pages = resident_pages();
    uint64_t copied = STAT(&a, reset_pages);
    for (int k = 0; k < resets; k++) {
        CHECK(says(&a, k % 2 ? "dirty 1048576" : "grow 5000000", k % 2 ? "left 0\n" : "grown\n"));
        RESET(&a);
    }
    /* the C library's own come and go */
    CHECK(open_files() == files && lines_of("/proc/self/maps") <= maps + 4);
    CHECK(resident_pages() < pages + 512 && STAT(&a, reset_pages) < copied + 128);
    end(&a);
    return 0;
}

static bool one_run(struct again *a, wasmvm_pool *pool, const char *line, const char *want)
{
    a->machine = wasmvm_pool_take(pool, &error);
    bool good = a->machine && says(a, line, want);
    wasmvm_pool_give(pool, a->machine);
    return good;
}

/* Machines of a pool have pages in common until one of them writes: what one writes, no other sees.
 */
int case_pool_keeps_apart(void)
{
    struct again a = {0};
    wasmvm_config *c = config_make();
    CHECK(pipe2(a.in, O_CLOEXEC) == 0 && pipe2(a.out, O_CLOEXEC) == 0);
    wasmvm_config_arg(c, "again");
    wasmvm_config_stdio(c, a.in[0], a.out[1], a.out[1]);
    wasmvm_config_flag(c, "reset-check");
    wasmvm_pool *pool = wasmvm_pool_new(program, c, 2, &error);
    wasmvm_config_free(c);
    for (int k = 0; k < 4; k++) {
        wasmvm_instance *one = wasmvm_pool_take(pool, &error),
                        *other = wasmvm_pool_take(pool, &error);
        CHECK(one && other);
        a.machine = one;
        CHECK(says(&a, "secret 100 QWERTZUIOP", "true\n") && memory_holds(&a, "QWERTZUIOP"));
        a.machine = other;
        CHECK(!memory_holds(&a, "QWERTZUIOP"));
        CHECK(says(&a, "dirty 2097152", "left 0\n") && !memory_holds(&a, "QWERTZUIOP"));
        wasmvm_pool_give(pool, one);
        wasmvm_pool_give(pool, other);
    }
    wasmvm_pool_free(pool);
    a.machine = NULL;
    end(&a);
    return 0;
}

/* More than stand ready may be in use; what comes back is clean, and what cannot be taken back is
 * replaced. */
int case_pool_of_machines(void)
{
    struct again a = {0};
    wasmvm_config *c = config_make();
    int files = open_files();
    CHECK(pipe2(a.in, O_CLOEXEC) == 0 && pipe2(a.out, O_CLOEXEC) == 0);
    wasmvm_config_arg(c, "again");
    wasmvm_config_stdio(c, a.in[0], a.out[1], a.out[1]);
    wasmvm_config_flag(c, "reset-check");
    wasmvm_pool *pool = wasmvm_pool_new(program, c, 2, &error);
    wasmvm_config_free(c);
    CHECK(pool);
    int ready = open_files();
    wasmvm_instance *three[3];
    for (int k = 0; k < 3; k++)
        CHECK((three[k] = wasmvm_pool_take(pool, &error)) != NULL);
    CHECK(open_files() > ready);
    for (int k = 0; k < 3; k++)
        wasmvm_pool_give(pool, three[k]);
    CHECK(open_files() == ready);
    for (int k = 0; k < 8; k++)
        CHECK(one_run(&a, pool, "dirty 1048576", "left 0\n") && open_files() <= ready + 1);
    CHECK(!one_run(&a, pool, "peek 4294901760", "") && error.code == WASMVM_E_TRAP &&
          open_files() < ready);
    CHECK(one_run(&a, pool, "dirty 4096", "left 0\n"));
    CHECK((three[0] = wasmvm_pool_take(pool, &error)) &&
          (three[1] = wasmvm_pool_take(pool, &error)));
    wasmvm_pool_give(pool, three[1]);
    wasmvm_pool_give(pool, NULL);
    wasmvm_pool_free(pool);
    a.machine = three[0];
    CHECK(says(&a, "dirty 4096", "left 0\n"));
    end(&a);
    CHECK(open_files() == files);
    return 0;
}
