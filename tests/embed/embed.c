/* The library, as its user has it: embed auto|exit|poll PROGRAM.wasm REACTOR.wasm DIRECTORY
 * [CASE...]
 *
 * It is past 800 lines, as all that the header offers has a case here.  A case is a function that
 * returns 0, or the line of its first check that failed. After each one the process must be as it
 * was: dispositions, mask, limits, umask, working directory, and as many open files. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "embed.h"

#define MS 1000000ull
#define SECOND 1000000000ull
#define COROUTINE_BYTES (1u << 20)
#define HANG_S 300 /* an end takes less on the busiest machine */

wasmvm_module *program, *reactor;
static wasmvm_host services;
char directory[256];
const char *program_file, *run_there;
__thread wasmvm_error error;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- host functions ---- */

static int host_add(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)call;
    if (data)
        ++*(long *)data;
    result->i32 = args[0].i32 + args[1].i32;
    return 0;
}

static int host_mix(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call;
    result->f64 = (double)args[0].u64 + (double)args[1].f32 + args[2].f64;
    return 0;
}

static int host_text(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    char text[32] = "";
    (void)data;
    if (args[1].u32 < sizeof text && services.read(call, args[0].u32, text, args[1].u32) == 0)
        result->u32 = strcmp(text, "one two") == 0 ? 7 : 0;
    return services.read(call, 0xfffffff0, text, 32) == 0; /* outside: refused */
}

static int host_refuse(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)args, (void)result;
    services.log(&services, WASMVM_LOG_INFO, "about to refuse");
    services.trap(call, "not today");
    return 1;
}

static bool bottom_traps;

static int host_back(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data;
    if (bottom_traps && args[0].i32 == 0)
        return services.trap(call, "at the bottom"), 1;
    return services.call_export(call, "deeper", args, 1, result) != WASMVM_OK;
}

static const wasmvm_func funcs[] = {
    {"test", "add", "ii:i", host_add, NULL}, {"test", "mix", "IfF:F", host_mix, NULL},
    {"test", "text", "ii:i", host_text, NULL}, {"test", "refuse", ":", host_refuse, NULL},
    {"test", "back", "i:i", host_back, NULL},
};

static enum wasmvm_hypercall hypercall;

wasmvm_config *config_make(void)
{
    wasmvm_config *c = wasmvm_config_new();
    wasmvm_config_hypercall(c, hypercall);
    wasmvm_config_funcs(c, funcs, sizeof funcs / sizeof *funcs);
    return c;
}

/* ---- runs ---- */

struct ran { char out[65536], log[1024]; int code, status; };

static void log_line(void *context, const char *line)
{
    struct ran *r = context;
    snprintf(r->log + strlen(r->log), sizeof r->log - strlen(r->log), "%s\n", line);
}

static void run_here(struct ran *r, wasmvm_config *c)
{
    wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
    r->code = i ? wasmvm_run(i, &error) : error.code;
    if (i)
        r->status = wasmvm_exit_status(i);
    wasmvm_instance_free(i);
}

static void run_in_process(struct ran *r, wasmvm_config *c)
{
    wasmvm_process *p = wasmvm_process_new(run_there, program, c, &error);
    r->code = p ? wasmvm_process_run(p, &error) : error.code;
    if (p)
        r->status = wasmvm_process_exit_status(p);
    wasmvm_process_free(p);
}

/* Runs the program with these words and its output in a pipe, which holds it. */
static void run(struct ran *r, wasmvm_config *c, const char *word, const char *more)
{
    int ends[2];
    *r = (struct ran){.status = -1};
    if (pipe2(ends, O_CLOEXEC) < 0)
        return;
    wasmvm_config_arg(c, word);
    if (more)
        wasmvm_config_arg(c, more);
    wasmvm_config_stdio(c, -1, ends[1], ends[1]);
    wasmvm_config_log(c, log_line, r);
    (run_there ? run_in_process : run_here)(r, c);
    close(ends[1]);
    ssize_t n = read(ends[0], r->out, sizeof r->out - 1);
    r->out[n > 0 ? n : 0] = 0;
    close(ends[0]);
    wasmvm_config_free(c);
}

int case_words_and_status(void)
{
    struct ran r;
    wasmvm_config *c = config_make();
    wasmvm_config_env(c, "A", "1");
    wasmvm_config_env(c, "A", "2");
    setenv("HOME", "/nowhere", 1);
    run(&r, c, "words", "two words");
    CHECK(r.code == WASMVM_OK && r.status == 0 && strcmp(r.out, "[words two words] 2 true\n") == 0);
    run(&r, config_make(), "exit", "77");
    CHECK(r.code == WASMVM_OK && r.status == 77 && error.status == 77);
    return 0;
}

int case_directories(void)
{
    struct ran r;
    char in[300], out[300], file[320];
    snprintf(in, sizeof in, "%s/in", directory);
    snprintf(out, sizeof out, "%s/out", directory);
    mkdir(in, 0700), mkdir(out, 0700);
    snprintf(file, sizeof file, "%s/a.txt", in);
    int fd = open(file, O_CREAT | O_WRONLY, 0600);
    CHECK(write(fd, "hello", 5) == 5 && close(fd) == 0);
    wasmvm_config *c = config_make();
    CHECK(wasmvm_config_dir(c, in, "/in", WASMVM_DIR_READ_ONLY) == 0 &&
          wasmvm_config_dir(c, out, "/out", 0) == 0);
    run(&r, c, "files", NULL);
    CHECK(r.code == WASMVM_OK && strcmp(r.out, "\"hello\" <nil>\ntrue <nil>\ntrue\n") == 0);
    snprintf(file, sizeof file, "%s/b.txt", out);
    CHECK(unlink(file) == 0);
    return 0;
}

int case_host_functions(void)
{
    struct ran r;
    run(&r, config_make(), "host", NULL);
    CHECK(r.code == WASMVM_OK && strcmp(r.out, "42 1.09951162777675e+12 7\n") == 0);
    run(&r, config_make(), "refuse", NULL);
    CHECK(r.code == WASMVM_E_TRAP && r.status == 134 && strstr(error.text, "not today"));
    CHECK(strcmp(r.log, "about to refuse\n") == 0);
    return 0;
}

/* Starts again the instance that it is called by: codes of a run, an initialization and a look-up.
 */
struct again { wasmvm_instance *of; int codes[3]; };

static int host_again(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    struct again *a = data;
    const wasmvm_export *e;
    (void)call;
    a->codes[0] = wasmvm_run(a->of, NULL);
    a->codes[1] = wasmvm_initialize(a->of, NULL);
    a->codes[2] = wasmvm_lookup(a->of, "_start", &e, NULL);
    result->i32 = args[0].i32 + args[1].i32;
    return 0;
}

static int case_started_within_a_run(void)
{
    struct again again = {0};
    wasmvm_func own[4];
    memcpy(own, funcs, sizeof own);
    own[0].fn = host_again;
    own[0].data = &again;
    wasmvm_config *c = wasmvm_config_new();
    wasmvm_config_funcs(c, own, 4);
    wasmvm_config_arg(c, "hosts");
    wasmvm_config_arg(c, "3");
    again.of = wasmvm_instance_new(program, c, &error);
    CHECK(again.of && wasmvm_run(again.of, &error) == WASMVM_OK &&
          wasmvm_exit_status(again.of) == 0);
    for (int k = 0; k < 3; k++)
        CHECK(again.codes[k] == WASMVM_E_USAGE);
    wasmvm_instance_free(again.of);
    wasmvm_config_free(c);
    return 0;
}

int case_imports_are_checked(void)
{
    struct ran r;
    wasmvm_config *c = wasmvm_config_new();
    run(&r, c, "host", NULL);
    CHECK(r.code == WASMVM_E_INVALID && r.status == 126 && strstr(error.text, "test"));
    wasmvm_func wrong[4];
    memcpy(wrong, funcs, sizeof wrong);
    wrong[0].sig = "iI:i";
    c = wasmvm_config_new();
    wasmvm_config_funcs(c, wrong, 4);
    run(&r, c, "host", NULL);
    CHECK(r.code == WASMVM_E_INVALID);
    CHECK(strstr(error.text,
                 "import \"test\" \"add\" has type (func (param i32 i64) (result i32)) in ") &&
          strstr(error.text, run_there ? "the program, wanted" : "the host, wanted") &&
          strstr(error.text, "wanted (func (param i32 i32) (result i32))"));
    wrong[0].sig = "ii";
    c = wasmvm_config_new();
    CHECK(wasmvm_config_funcs(c, wrong, 4) == WASMVM_E_USAGE);
    CHECK(!wasmvm_instance_new(program, c, &error) && error.code == WASMVM_E_USAGE &&
          strstr(error.text, "add"));
    wasmvm_config_free(c);
    return 0;
}

int case_limits(void)
{
    struct ran r;
    wasmvm_config *c = config_make();
    wasmvm_config_timeout(c, 300 * MS);
    run(&r, c, "spin", NULL);
    CHECK(r.code == WASMVM_E_TIME && r.status == 124 && strstr(error.text, "300 ms of wall time"));
    CHECK(!strstr(error.text, "--"));
    c = config_make();
    wasmvm_config_timeout(c, 300 * MS);
    run(&r, c, "sleep", NULL);
    CHECK(r.code == WASMVM_E_TIME);
    c = config_make();
    wasmvm_config_cpu_time(c, 200 * MS);
    run(&r, c, "spin", NULL);
    CHECK(r.code == WASMVM_E_TIME && strstr(error.text, "CPU time"));
    c = config_make();
    wasmvm_config_memory(c, 1 << 20);
    run(&r, c, "words", NULL);
    CHECK(r.code == WASMVM_E_USAGE && r.status == 125);
    return 0;
}

/* Each way to fail before the guest runs, or in it, gives everything back: open_files() tells. */
int case_failures(void)
{
    struct ran r;
    wasmvm_config *c = config_make();
    wasmvm_config_dir(c, directory, "/a", 0);
    wasmvm_config_dir(c, "/nowhere/at/all", "/b", 0);
    run(&r, c, "words", NULL);
    CHECK(r.code == WASMVM_E_HOST && r.status == 125 && strstr(error.text, "/nowhere/at/all"));
    c = config_make();
    wasmvm_config_dir(c, "/proc", "/p", 0);
    run(&r, c, "words", NULL);
    CHECK(r.code == WASMVM_E_HOST && strstr(error.text, "is not of a kind that is used"));
    c = config_make();
    wasmvm_config_dir(c, directory, "/a", 0);
    wasmvm_config_dir(c, directory, "/b", WASMVM_DIR_READ_ONLY);
    run(&r, c, "words", NULL);
    CHECK(r.code == WASMVM_E_HOST);
    c = config_make();
    CHECK(wasmvm_config_dir(c, directory, "a/b", 0) == WASMVM_E_USAGE);
    run(&r, c, "words", NULL);
    CHECK(r.code == WASMVM_E_USAGE && strstr(error.text, "a/b"));
    c = config_make();
    wasmvm_config_guest_image(c, "/etc/hostname");
    run(&r, c, "words", NULL);
    CHECK(r.code == WASMVM_E_HOST && strstr(error.text, "ELF"));
    static const struct { enum wasmvm_net what; const char *value;
    } rules[] = {
        { WASMVM_NET_LISTEN, "nonsense" },
        { WASMVM_NET_LISTEN, "192.0.2.1:1" },
        { WASMVM_NET_DIAL, "127.0.0.1:1" },
        { WASMVM_NET_ALLOW_CONNECT, "name.example:80" },
        { WASMVM_NET_ALLOW_LISTEN, "name.example:80" },
        { WASMVM_NET_DENY, "??" },
        { WASMVM_NET_DNS_SERVER, "x" },
    };
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        c = config_make();
        wasmvm_config_dir(c, directory, "/a", 0);
        wasmvm_config_net(c, WASMVM_NET_LISTEN, "127.0.0.1:0");
        if (rules[k].what == WASMVM_NET_DNS_SERVER)
            wasmvm_config_net(c, WASMVM_NET_ALLOW_DNS, "");
        wasmvm_config_net(c, rules[k].what, rules[k].value);
        run(&r, c, "words", NULL);
        CHECK(r.code == WASMVM_E_HOST);
    }
    CHECK(!wasmvm_module_file("/nowhere.wasm", &error) && error.code == WASMVM_E_NO_MODULE &&
          error.status == 127);
    CHECK(!wasmvm_module_file("/", &error) && error.code == WASMVM_E_NO_MODULE);
    CHECK(!wasmvm_module_bytes("", 0, "none", &error) && error.code == WASMVM_E_INVALID);
    wasmvm_module *junk = wasmvm_module_bytes("\0asm\1\0\0\0junk\033", 13, "junk\033", &error);
    CHECK(junk && wasmvm_module_validate(junk, &error) == WASMVM_E_INVALID && error.status == 126);
    CHECK(!strchr(error.text, '\033'));
    wasmvm_module_free(junk);
    CHECK(wasmvm_module_validate(program, &error) == WASMVM_OK);
    return 0;
}

/* A machine needs descriptors; with each number of them it says so, or runs. */
/* What the library says of a run: the depth of calls that it may have, where it trapped, what it
 * cost. */
static int case_depth_backtrace_and_cost(void)
{
    struct ran r;
    const char *version = wasmvm_version();
    CHECK(*version && strspn(version, "0123456789.") == strlen(version));
    wasmvm_config *c = config_make();
    CHECK(wasmvm_config_stack(c, (64 << 10) - 1) == WASMVM_E_USAGE);
    wasmvm_config_free(c);
    c = config_make();
    CHECK(wasmvm_config_stack(c, (8ull << 30) + 1) == WASMVM_E_USAGE);
    wasmvm_config_free(c);
    run(&r, config_make(), "recurse", "3000000");
    CHECK(r.code == WASMVM_OK && strcmp(r.out, "3000000\n") == 0);
    c = config_make();
    CHECK(wasmvm_config_hypercall(c, (enum wasmvm_hypercall)3) == WASMVM_E_USAGE);
    wasmvm_config_free(c);
    c = config_make();
    CHECK(wasmvm_config_stack(c, 64 << 10) == WASMVM_OK);
    CHECK(wasmvm_config_hypercall(c, WASMVM_HYPERCALL_EXIT) == WASMVM_OK);
    wasmvm_config_arg(c, "recurse");
    wasmvm_config_arg(c, "3000000");
    wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
    wasmvm_config_free(c);
    wasmvm_statistics cost = {.size = sizeof cost}, none = {.size = 0};
    CHECK(i && strcmp(wasmvm_backtrace(i), "") == 0);
    CHECK(wasmvm_instance_statistics(i, &cost) == 0 &&
          cost.start_ns + cost.run_ns + cost.funcs_total == 0);
    CHECK(wasmvm_run(i, &error) == WASMVM_E_TRAP && wasmvm_exit_status(i) == 134);
    CHECK(strstr(error.text, "call stack exhausted (2 MiB") &&
          strstr(wasmvm_backtrace(i), "main.down"));
    CHECK(wasmvm_instance_statistics(i, &cost) == 0 && cost.start_ns && cost.run_ns && cost.cpu_ns);
    CHECK(cost.calls && cost.calls_polled == 0 && cost.exits >= cost.calls);
    CHECK(cost.funcs_compiled > 100 && cost.funcs_total > cost.funcs_compiled);
    CHECK(wasmvm_instance_statistics(i, &none) == WASMVM_E_USAGE);
    wasmvm_instance_free(i);
    return 0;
}

static int case_few_descriptors(void)
{
    struct rlimit before, few;
    int refused = 0, good = 0;
    getrlimit(RLIMIT_NOFILE, &before);
    for (unsigned n = 12; n < 30 && !good; n++) {
        struct ran r;
        wasmvm_config *c = config_make();
        wasmvm_config_dir(c, directory, "/a", 0);
        wasmvm_config_net(c, WASMVM_NET_ALLOW_DNS, "");
        few = (struct rlimit){n, before.rlim_max};
        setrlimit(RLIMIT_NOFILE, &few);
        run(&r, c, "words", NULL);
        setrlimit(RLIMIT_NOFILE, &before);
        refused += r.code == WASMVM_E_HOST || r.status == -1;
        good += r.code == WASMVM_OK && r.status == 0;
    }
    CHECK(refused > 3);
    return 0;
}

static int case_closed_pipe(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    close(ends[0]);
    wasmvm_config *c = config_make();
    wasmvm_config_stdio(c, -1, ends[1], -1);
    wasmvm_config_arg(c, "flood");
    wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
    /* and SIGPIPE did not end this process */
    CHECK(wasmvm_run(i, &error) == WASMVM_E_PIPE && error.status == 141);
    wasmvm_instance_free(i);
    wasmvm_config_free(c);
    close(ends[1]);
    return 0;
}

static int listen_port;
static void find_port(void *context, const char *line)
{
    int port;
    (void)context;
    if (sscanf(line, "listening on 127.0.0.1:%d", &port) == 1)
        __atomic_store_n(&listen_port, port, __ATOMIC_SEQ_CST);
}

static void *run_thread(void *instance)
{
    return (void *)(intptr_t)wasmvm_run(instance, NULL);
}

static int case_sockets(void)
{
    pthread_t thread;
    void *code;
    char got[8] = "";
    listen_port = 0;
    wasmvm_config *c = config_make();
    wasmvm_config_net(c, WASMVM_NET_LISTEN, "127.0.0.1:0");
    wasmvm_config_log(c, find_port, NULL);
    wasmvm_config_arg(c, "accept");
    wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
    pthread_create(&thread, NULL, run_thread, i);
    for (int k = 0; k < HANG_S * 1000 && !__atomic_load_n(&listen_port, __ATOMIC_SEQ_CST); k++)
        usleep(1000);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)listen_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(s, (struct sockaddr *)&at, sizeof at) == 0 && write(s, "echo", 4) == 4);
    CHECK(recv(s, got, 4, MSG_WAITALL) == 4 && strcmp(got, "echo") == 0);
    close(s);
    pthread_join(thread, &code);
    CHECK((intptr_t)code == WASMVM_OK);
    wasmvm_instance_free(i);
    wasmvm_config_free(c);
    return 0;
}

static int case_stop(void)
{
    static const char *const words[] = {"spin", "sleep", "echo"};
    for (size_t k = 0; k < 3; k++) {
        for (int wait_ms = 0; wait_ms < 200; wait_ms += 60) {
            pthread_t thread;
            void *code;
            int ends[2];
            CHECK(pipe(ends) == 0);
            wasmvm_config *c = config_make();
            wasmvm_config_stdio(c, ends[0], -1, -1);
            wasmvm_config_arg(c, words[k]);
            wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
            pthread_create(&thread, NULL, run_thread, i);
            usleep((useconds_t)wait_ms * 1000);
            double began = seconds();
            wasmvm_stop(i);
            pthread_join(thread, &code);
            CHECK((intptr_t)code == WASMVM_E_STOPPED && seconds() - began < HANG_S &&
                  wasmvm_exit_status(i) == 143);
            wasmvm_instance_free(i);
            wasmvm_config_free(c);
            close(ends[0]), close(ends[1]);
        }
    }
    return 0;
}

/* ---- a module kept alive ---- */

static wasmvm_instance *alive(wasmvm_config *c)
{
    wasmvm_instance *i = wasmvm_instance_new(reactor, c, &error);
    wasmvm_config_free(c);
    if (i && wasmvm_initialize(i, &error) == WASMVM_OK)
        return i;
    wasmvm_instance_free(i);
    return NULL;
}

static int call(wasmvm_instance *i, const char *name, wasmvm_val a, wasmvm_val b, size_t nargs,
                wasmvm_val *result)
{
    const wasmvm_export *e;
    wasmvm_val args[2] = {a, b};
    int code = wasmvm_lookup(i, name, &e, &error);
    return code ? code : wasmvm_invoke(i, e, args, nargs, result, result != NULL, &error);
}
#define I32(x) ((wasmvm_val){.i32 = (x)})

/* What calls by the instance from within its call: codes of a look-up, a call of what traps, a
 * snapshot and a reset. */
struct within { wasmvm_instance *of; const wasmvm_export *fail; int codes[4]; };

static int host_within(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    struct within *w = data;
    const wasmvm_export *e;
    (void)call;
    w->codes[0] = wasmvm_lookup(w->of, "add", &e, NULL);
    w->codes[1] = wasmvm_invoke(w->of, w->fail, NULL, 0, NULL, 0, NULL);
    w->codes[2] = wasmvm_snapshot(w->of, NULL);
    w->codes[3] = wasmvm_reset(w->of, NULL);
    result->i32 = args[0].i32;
    return 0;
}

static int case_called_within_a_call(void)
{
    wasmvm_val r;
    struct within w = {0};
    const wasmvm_func own = {"test", "back", "i:i", host_within, &w};
    wasmvm_config *c = wasmvm_config_new();
    wasmvm_config_hypercall(c, hypercall);
    wasmvm_config_funcs(c, &own, 1);
    w.of = alive(c);
    CHECK(w.of && wasmvm_lookup(w.of, "fail", &w.fail, &error) == WASMVM_OK);
    CHECK(call(w.of, "deeper", I32(8), I32(0), 1, &r) == WASMVM_OK && r.i32 == 8);
    for (int k = 0; k < 4; k++)
        CHECK(w.codes[k] == WASMVM_E_USAGE);
    CHECK(call(w.of, "add", I32(1), I32(2), 2, &r) == WASMVM_OK && r.i32 == 3);
    wasmvm_instance_free(w.of);
    return 0;
}

static int case_reactor(void)
{
    const wasmvm_export *e;
    wasmvm_val r, mixed[3] = {{.i64 = 1ll << 40}, {.f32 = 0.5}, {.f64 = 0.25}};
    wasmvm_instance *i = alive(config_make());
    CHECK(i && wasmvm_exit_status(i) == -1);
    CHECK(call(i, "add", I32(-5), I32(3), 2, &r) == 0 && r.u64 == 0xfffffffe);
    CHECK(wasmvm_lookup(i, "mix", &e, &error) == 0 && strcmp(wasmvm_export_sig(e), "IfF:F") == 0);
    CHECK(wasmvm_invoke(i, e, mixed, 3, &r, 1, &error) == 0 && r.f64 == 1099511627776.75);
    CHECK(wasmvm_invoke(i, e, mixed, 2, &r, 1, &error) == WASMVM_E_TYPE &&
          strstr(error.text, "IfF:F"));
    CHECK(wasmvm_lookup(i, "nothing", &e, &error) == WASMVM_E_NO_EXPORT &&
          strstr(error.text, "nothing"));
    CHECK(call(i, "count", I32(0), I32(0), 0, &r) == 0 && r.i64 == 1);
    /* guest, host, guest, ... */
    CHECK(call(i, "deeper", I32(20), I32(0), 1, &r) == 0 && r.i32 == 20);
    CHECK(call(i, "produce", I32(0), I32(0), 0, NULL) == 0);
    for (int k = 0; k < 5; k++) /* a goroutine lives on between calls */
        CHECK(call(i, "consume", I32(0), I32(0), 0, &r) == 0 && r.i64 == k);
    wasmvm_instance_free(i);
    return 0;
}

static int case_memory(void)
{
    char text[8] = "";
    wasmvm_val at, r;
    wasmvm_instance *i = alive(config_make());
    CHECK(i && call(i, "place", I32(0), I32(0), 0, &at) == 0);
    CHECK(wasmvm_memory_write(i, at.u32, "shout", 5) == 0 &&
          call(i, "upper", I32(5), I32(0), 1, NULL) == 0);
    CHECK(wasmvm_memory_read(i, at.u32, text, 5) == 0 && strcmp(text, "SHOUT") == 0);
    uint64_t size = wasmvm_memory_size(i);
    CHECK(size > 65536 && size % 65536 == 0);
    CHECK(wasmvm_memory_read(i, (uint32_t)size - 2, text, 3) == WASMVM_E_USAGE);
    CHECK(wasmvm_memory_write(i, 0xffffffff, text, 2) == WASMVM_E_USAGE);
    CHECK(wasmvm_memory_read(i, (uint32_t)size, text, 0) == 0);
    wasmvm_val inside = {.u32 = at.u32 + 3 * 4};
    const wasmvm_export *contains;
    wasmvm_val sought[] = {at, I32(5), I32('U')}; /* a Go string, a byte; a bool comes back */
    CHECK(wasmvm_lookup(i, "contains", &contains, &error) == 0 &&
          strcmp(wasmvm_export_sig(contains), "iii:i") == 0);
    CHECK(wasmvm_invoke(i, contains, sought, 3, &r, 1, &error) == 0 && r.u64 == 1);
    sought[2].i32 = 'u';
    CHECK(wasmvm_invoke(i, contains, sought, 3, &r, 1, &error) == 0 && r.u64 == 0);
    CHECK(call(i, "element", at, I32(3), 2, &r) == 0 && r.u64 == inside.u64);
    CHECK(call(i, "grow", I32(32), I32(0), 1, &r) == 0 &&
          wasmvm_memory_size(i) >= size + (32u << 20));
    wasmvm_statistics s = {.size = sizeof s};
    CHECK(wasmvm_instance_statistics(i, &s) == 0 && s.exits && s.calls &&
          s.memory_bytes == wasmvm_memory_size(i));
    wasmvm_instance_free(i);
    return 0;
}

/* A goroutine that would never stop runs while a call does, and not between two calls. */
static int case_goroutines_wait(void)
{
    wasmvm_val at;
    uint64_t turns[3];
    wasmvm_instance *i = alive(config_make());
    CHECK(i && call(i, "turn", I32(0), I32(0), 0, &at) == 0);
    for (int k = 0; k < 2; k++) {
        CHECK(wasmvm_memory_read(i, at.u32, &turns[k], 8) == 0 && turns[0] > 0);
        usleep(100000);
    }
    CHECK(turns[1] == turns[0]);
    CHECK(call(i, "yields", I32(100), I32(0), 1, NULL) == 0);
    CHECK(wasmvm_memory_read(i, at.u32, &turns[2], 8) == 0 && turns[2] >= turns[1] + 90);
    wasmvm_instance_free(i);
    return 0;
}

static int dies(const char *name, wasmvm_val arg, size_t nargs, uint64_t limit_ns, int code,
                int status)
{
    wasmvm_val r;
    const wasmvm_export *e;
    wasmvm_instance *i = alive(config_make());
    CHECK(i);
    CHECK(call(i, "add", I32(1), I32(2), 2, &r) == 0 && r.i32 == 3);
    wasmvm_call_limit(i, limit_ns);
    CHECK(call(i, name, arg, I32(0), nargs, NULL) == code && error.status == status &&
          wasmvm_exit_status(i) == status);
    CHECK(wasmvm_lookup(i, "add", &e, &error) == WASMVM_E_USAGE && strstr(error.text, "over"));
    char byte;
    CHECK(wasmvm_memory_read(i, 0, &byte, 1) == WASMVM_OK); /* it can still be looked at */
    CHECK(wasmvm_initialize(i, &error) == WASMVM_E_USAGE &&
          wasmvm_run(i, &error) == WASMVM_E_USAGE);
    wasmvm_instance_free(i);
    return 0;
}

/* 1,000 exports, one within the other by host functions between them; one more, or a trap in the
 * last, ends it. */
static int case_nested(void)
{
    wasmvm_val r;
    wasmvm_instance *i = alive(config_make());
    CHECK(i);
    for (int k = 0; k < 20; k++)
        CHECK(call(i, "deeper", I32(999), I32(0), 1, &r) == 0 && r.i32 == 999);
    CHECK(call(i, "deeper", I32(1000), I32(0), 1, &r) == WASMVM_E_TRAP &&
          strstr(error.text, "more than 1000 deep"));
    wasmvm_instance_free(i);
    bottom_traps = true;
    i = alive(config_make());
    int code = i ? call(i, "deeper", I32(1000), I32(0), 1, &r) : -1;
    bottom_traps = false;
    CHECK(code == WASMVM_E_TRAP && error.status == 134 && strstr(error.text, "at the bottom"));
    CHECK(call(i, "add", I32(1), I32(2), 2, &r) == WASMVM_E_USAGE);
    wasmvm_instance_free(i);
    return 0;
}

static int case_ends_of_a_reactor(void)
{
    return dies("leave", I32(9), 1, 0, WASMVM_E_EXIT, 9) ||
           dies("fail", I32(0), 0, 0, WASMVM_E_TRAP, 134) ||
           dies("spin", I32(0), 0, 200 * MS, WASMVM_E_TIME, 124);
}

/* Calls that take their time do not add up to a limit that each has. */
static int case_limit_for_each_call(void)
{
    wasmvm_val r;
    wasmvm_instance *i = alive(config_make());
    CHECK(i);
    wasmvm_call_limit(i, 2 * SECOND);
    double began = seconds(), each = began;
    for (int code = 0; code == 0 && each - began < 2.5;) {
        code = call(i, "add", I32(1), I32(2), 2, &r);
        double now = seconds();
        /* a busy machine may take its time for one */
        CHECK(code == 0 || (code == WASMVM_E_TIME && now - each >= 2));
        each = now;
    }
    wasmvm_instance_free(i);
    return 0;
}

/* A thread with little stack of its own: guest and host call each other until it is used up, and
 * not further. */
static void *deep_thread(void *depth)
{
    wasmvm_val r;
    int code = -1, wanted = *(int *)depth;
    wasmvm_instance *i = alive(config_make());
    if (i)
        code = call(i, "deeper", I32(wanted), I32(0), 1, &r);
    bool full = code == WASMVM_E_TRAP && strstr(error.text, "stack is used up");
    *(int *)depth = code == WASMVM_OK ? r.i32 : full ? -2 : -1;
    wasmvm_instance_free(i);
    return NULL;
}

static int case_little_stack(void)
{
    pthread_t thread;
    pthread_attr_t attr;
    int deep = 990, flat = 10;
    size_t bytes = 2 << 20; /* of which ThreadSanitizer takes a good part */
    void *stack = NULL; /* of our own: the C library gives a larger one where it has one to spare */
    CHECK(posix_memalign(&stack, 4096, bytes) == 0);
    pthread_attr_init(&attr);
    pthread_attr_setstack(&attr, stack, bytes);
    CHECK(pthread_create(&thread, &attr, deep_thread, &flat) == 0 &&
          pthread_join(thread, NULL) == 0);
    CHECK(flat == 10);
    CHECK(pthread_create(&thread, &attr, deep_thread, &deep) == 0 &&
          pthread_join(thread, NULL) == 0 && deep == -2);
    pthread_attr_destroy(&attr);
    free(stack);
    return 0;
}

/* A coroutine's stack, which lies above that of the thread: nobody knows its end. */
static struct { ucontext_t here, there; wasmvm_instance *of; int flat, deep; } coroutine;

static void on_its_stack(void)
{
    wasmvm_val r;
    coroutine.flat = call(coroutine.of, "deeper", I32(1), I32(0), 1, &r);
    coroutine.deep = call(coroutine.of, "deeper", I32(3), I32(0), 1, &r);
    bool full = strstr(error.text, "stack is used up");
    coroutine.deep = coroutine.deep == WASMVM_E_TRAP && full ? -2 : coroutine.deep;
}

static void *coroutine_thread(void *stack)
{
    if ((coroutine.of = alive(config_make())) == NULL || getcontext(&coroutine.there) != 0)
        return NULL;
    coroutine.there.uc_stack = (stack_t){.ss_sp = stack, .ss_size = COROUTINE_BYTES};
    coroutine.there.uc_link = &coroutine.here;
    makecontext(&coroutine.there, on_its_stack, 0);
    swapcontext(&coroutine.here, &coroutine.there);
    wasmvm_instance_free(coroutine.of);
    return coroutine.of;
}

static int case_stack_of_a_coroutine(void)
{
    pthread_t thread;
    void *ran, *stack = mmap(NULL, COROUTINE_BYTES, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED && pthread_create(&thread, NULL, coroutine_thread, stack) == 0);
    CHECK(pthread_join(thread, &ran) == 0 && ran && munmap(stack, COROUTINE_BYTES) == 0);
    CHECK(coroutine.flat == WASMVM_OK && coroutine.deep == -2);
    return 0;
}

static void *stop_soon(void *instance)
{
    usleep(100000);
    wasmvm_stop(instance);
    return NULL;
}

static int case_stop_a_call(void)
{
    pthread_t thread;
    wasmvm_val r;
    wasmvm_instance *i = alive(config_make());
    CHECK(i);
    pthread_create(&thread, NULL, stop_soon, i);
    CHECK(call(i, "spin", I32(0), I32(0), 0, NULL) == WASMVM_E_STOPPED);
    pthread_join(thread, NULL);
    wasmvm_instance_free(i);
    i = alive(config_make()); /* stopped while nothing runs: the next call tells */
    CHECK(i);
    wasmvm_stop(i);
    int code = call(i, "add", I32(1), I32(2), 2, &r);
    CHECK(code == WASMVM_E_STOPPED ||
          (code == 0 && call(i, "spin", I32(0), I32(0), 0, NULL) == WASMVM_E_STOPPED));
    wasmvm_instance_free(i);
    return 0;
}

/* The guest writes to a closed pipe while a thread of ours serves it. */
static int case_reactor_and_sigpipe(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    close(ends[0]);
    wasmvm_config *c = config_make();
    wasmvm_config_stdio(c, -1, ends[1], -1);
    wasmvm_instance *i = alive(c);
    close(ends[1]);
    CHECK(i && call(i, "say", I32(5), I32(0), 1, NULL) == WASMVM_E_PIPE);
    wasmvm_instance_free(i);
    return 0;
}

/* ---- what the command has by options ---- */

static char text[1 << 20];

/* The file's text; the file is removed. */
static const char *file_text(const char *path)
{
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    text[n] = 0;
    if (f)
        fclose(f);
    unlink(path);
    return text;
}

static const char *in_directory(const char *name)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static int entries(const char *path)
{
    DIR *d = opendir(path);
    int n = -2;
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

/* Two at once have one each; nothing is left, whatever way a run ends. */
static int case_tmp(void)
{
    struct ran r;
    char folder[300];
    int in[2], out[2];
    pthread_t thread;
    void *code;
    snprintf(folder, sizeof folder, "%s/wasmvm-tmp-%u", directory, (unsigned)geteuid());
    setenv("TMPDIR", directory, 1);
    CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    wasmvm_config *c = config_make();
    wasmvm_config_tmp(c);
    wasmvm_config_arg(c, "tmp");
    wasmvm_config_stdio(c, in[0], out[1], -1);
    wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
    CHECK(i && pthread_create(&thread, NULL, run_thread, i) == 0);
    CHECK(read(out[0], text, 4) == 4); /* it has its directory, and waits */
    CHECK(entries(folder) == 1);
    wasmvm_config *another = config_make();
    wasmvm_config_tmp(another);
    run(&r, another, "tmp", NULL);
    CHECK(r.code == WASMVM_OK && strcmp(r.out, "0 <nil> <nil> <nil>\n") == 0 &&
          entries(folder) == 1);
    another = config_make();
    wasmvm_config_tmp(another);
    wasmvm_config_dir(another, "/nowhere", "/n", 0);
    run(&r, another, "tmp", NULL);
    CHECK(r.code == WASMVM_E_HOST && entries(folder) == 1);
    wasmvm_stop(i);
    pthread_join(thread, &code);
    CHECK((intptr_t)code == WASMVM_E_STOPPED && entries(folder) == 0);
    wasmvm_instance_free(i);
    wasmvm_config_free(c);
    c = config_make();
    CHECK(wasmvm_config_tmp(c) == 0 && wasmvm_config_tmp(c) == WASMVM_E_USAGE);
    CHECK(wasmvm_config_check(c, &error) == WASMVM_E_USAGE && strstr(error.text, "/tmp"));
    wasmvm_config_free(c);
    for (int k = 0; k < 2; k++)
        close(in[k]), close(out[k]);
    unsetenv("TMPDIR");
    return rmdir(folder);
}

static int case_trace(void)
{
    struct ran r;
    char path[300];
    snprintf(path, sizeof path, "%s/trace", directory);
    wasmvm_config *c = config_make();
    wasmvm_config_trace(c, path);
    run(&r, c, "words", NULL);
    CHECK(r.code == WASMVM_OK && strcmp(r.out, "[words]  true\n") == 0);
    CHECK(strstr(file_text(path), " fd_write(") && strstr(text, " proc_exit("));
    c = config_make();
    wasmvm_config_trace(c, ""); /* run() has err where out is */
    run(&r, c, "words", NULL);
    CHECK(r.code == WASMVM_OK && strstr(r.out, " fd_write(") && strstr(r.out, "[words]  true\n"));
    c = config_make();
    wasmvm_config_trace(c, in_directory("none/trace"));
    run(&r, c, "words", NULL);
    CHECK(r.code == WASMVM_E_HOST && strstr(error.text, "none/trace"));
    wasmvm_module *copy = wasmvm_module_bytes("\0asm\1\0\0\0", 8, path, &error);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    c = wasmvm_config_new();
    wasmvm_config_trace(c, path); /* the module itself: refused, and no descriptor is kept */
    wasmvm_instance *i = wasmvm_instance_new(copy, c, &error);
    CHECK(i && wasmvm_run(i, &error) == WASMVM_E_HOST && strstr(error.text, "this is the module"));
    wasmvm_instance_free(i);
    wasmvm_module_free(copy);
    wasmvm_config_free(c);
    unlink(path);
    return 0;
}

static int reported(wasmvm_config *c, const char *word, enum wasmvm_report form, const char *a,
                    const char *b)
{
    wasmvm_config_arg(c, "ask");
    wasmvm_config_arg(c, word);
    wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
    CHECK(i);
    char *early = wasmvm_report(i, form);
    CHECK(early && !*early);
    free(early);
    wasmvm_run(i, &error);
    char *report = wasmvm_report(i, form);
    CHECK(report);
    if (!strstr(report, a) || !strstr(report, b))
        return printf("\"%s\" or \"%s\" is not in\n%s\n", a, b, report), 1;
    free(report);
    uint64_t count = 0;
    CHECK(strcmp(wasmvm_missing_path(i, &count), word) == 0 && count == (*word != 0));
    wasmvm_instance_free(i);
    wasmvm_config_free(c);
    return 0;
}

static int case_report(void)
{
    wasmvm_config *bad = config_make();
    wasmvm_config_dir(bad, "/nowhere", "/n", 0);
    int wrong =
        reported(config_make(), "x", WASMVM_REPORT_JSON, "\"reason\": \"exit\"",
                 "\"fd_write\": {") ||
        reported(config_make(), "x/y", WASMVM_REPORT_JSON, "\"first\": \"x/y\"", "\"times\": {") ||
        reported(config_make(), "x/y", WASMVM_REPORT_TABLE, "not granted x/y", "  fd_write ") ||
        reported(bad, "", WASMVM_REPORT_JSON, "\"reason\": \"monitor\",\n  \"status\": 125",
                 "/nowhere");
    CHECK(!wrong);
    char *failure = wasmvm_report_failure("a.wasm", 127, "gone \"for ever\"");
    CHECK(failure && strstr(failure, "\"reason\": \"no_module\"") &&
          strstr(failure, "gone \\\"for ever\\\""));
    free(failure);
    return 0;
}

static int case_certificates_and_logs(void)
{
    struct ran r;
    char certs[300];
    snprintf(certs, sizeof certs, "%s/certs", directory);
    FILE *f = fopen(certs, "w");
    CHECK(f && fputs("trusted", f) >= 0 && fclose(f) == 0);
    wasmvm_config *c = config_make();
    CHECK(wasmvm_config_net(c, WASMVM_NET_CA_CERTS, certs) == 0);
    run(&r, c, "certs", NULL);
    CHECK(r.code == WASMVM_OK && strcmp(r.out, "\"trusted\" <nil> /\n") == 0);
    c = config_make();
    wasmvm_config_net(c, WASMVM_NET_CA_CERTS, certs);
    CHECK(wasmvm_config_check(c, NULL) == WASMVM_OK);
    wasmvm_config_dir(c, directory, "/etc", WASMVM_DIR_READ_ONLY);
    CHECK(wasmvm_config_check(c, &error) == WASMVM_E_USAGE && strstr(error.text, certs));
    CHECK(!wasmvm_instance_new(program, c, &error) && error.code == WASMVM_E_USAGE);
    wasmvm_config_free(c);
    c = config_make(); /* this host's, and there is an /etc without: */
    wasmvm_config_net(c, WASMVM_NET_CA_CERTS, "");
    wasmvm_config_dir(c, directory, "/etc", WASMVM_DIR_READ_ONLY);
    CHECK(wasmvm_config_check(c, &error) == WASMVM_E_USAGE && strstr(error.text, "no bundle"));
    char ssl[300];
    snprintf(ssl, sizeof ssl, "%s/ssl", directory);
    CHECK(mkdir(ssl, 0700) == 0);
    snprintf(ssl, sizeof ssl, "%s/ssl/cert.pem", directory);
    CHECK(rename(certs, ssl) == 0);
    run(&r, c, "certs", NULL);
    CHECK(r.code == WASMVM_OK && strcmp(r.out, "\"trusted\" <nil> \n") == 0);
    CHECK(rename(ssl, certs) == 0);
    *strrchr(ssl, '/') = 0;
    rmdir(ssl);
    unlink(certs);

    const char *log = in_directory("net-log");
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    c = config_make();
    wasmvm_config_net(c, WASMVM_NET_LISTEN, "127.0.0.1:0");
    wasmvm_config_net(c, WASMVM_NET_LOG, log);
    wasmvm_config_net_limits(c, 100, 1, 1 << 20);
    wasmvm_config_log_fd(c, ends[1]);
    run(&r, c, "words", NULL);
    CHECK(r.code == WASMVM_OK && strncmp(r.log, "listening on 127.0.0.1:", 23) == 0);
    CHECK(read(ends[0], text, sizeof text) > 30 && strncmp(text, "wasmvm: listening on ", 21) == 0);
    CHECK(strstr(file_text(log), "\"event\":\"listen\"") && strstr(text, "127.0.0.1"));
    close(ends[0]), close(ends[1]);
    return 0;
}

/* A listening socket of ours: the program gets a copy, or the socket itself. */
static int passed(unsigned flags)
{
    pthread_t thread;
    void *code;
    char got[8] = "";
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(l, (struct sockaddr *)&at, len) == 0 && listen(l, 1) == 0);
    CHECK(getsockname(l, (struct sockaddr *)&at, &len) == 0);
    wasmvm_config *c = config_make();
    CHECK(wasmvm_config_socket(c, l, flags) == 0);
    wasmvm_config_arg(c, "accept");
    wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
    CHECK(i && pthread_create(&thread, NULL, run_thread, i) == 0);
    CHECK(connect(s, (struct sockaddr *)&at, sizeof at) == 0 && write(s, "echo", 4) == 4);
    CHECK(recv(s, got, 4, MSG_WAITALL) == 4 && strcmp(got, "echo") == 0);
    close(s);
    pthread_join(thread, &code);
    CHECK((intptr_t)code == WASMVM_OK);
    CHECK(close(l) == (flags ? -1 : 0)); /* the taken one is closed */
    wasmvm_instance_free(i);
    wasmvm_config_free(c);
    return 0;
}

static int case_sockets_handed_over(void)
{
    struct ran r;
    wasmvm_config *c = config_make();
    CHECK(wasmvm_config_socket(c, -1, 0) == WASMVM_E_USAGE);
    wasmvm_config_free(c);
    c = config_make();
    wasmvm_config_socket(c, 1, 0); /* no socket */
    run(&r, c, "words", NULL);
    CHECK(r.code == WASMVM_E_HOST && strstr(error.text, "descriptor 1"));
    return passed(0) || passed(WASMVM_SOCKET_TAKEN);
}

static int case_relative_directories(void)
{
    static const char *const bad[] = {"", "/a", "a//b", "a/../b", "./a", "../", "a/"};
    struct ran r;
    wasmvm_config *c = config_make();
    close(open(in_directory("seen"), O_CREAT | O_WRONLY, 0600));
    CHECK(wasmvm_config_dir(c, directory, directory, 0) == 0);
    CHECK(wasmvm_config_dir(c, directory, "../x/y", WASMVM_DIR_RELATIVE) == 0);
    CHECK(wasmvm_config_dir(c, directory, ".", WASMVM_DIR_RELATIVE) == 0);
    wasmvm_config_env(c, "PWD", directory);
    run(&r, c, "ask", "seen");
    CHECK(r.code == WASMVM_OK && strcmp(r.out, "false\n") == 0);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        c = config_make();
        CHECK(wasmvm_config_dir(c, directory, bad[k], WASMVM_DIR_RELATIVE) == WASMVM_E_USAGE);
        wasmvm_config_free(c);
    }
    unlink(in_directory("seen"));
    return 0;
}

/* ---- functions of one instance ---- */

static int stop_pipe[2];

static int host_wait(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)args;
    if (data && write(stop_pipe[1], "x", 1) != 1) /* ready now */
        return 1;
    int got = services.wait(call, stop_pipe[0], 1 /* POLLIN */);
    result->i32 = got == WASMVM_OK ? 42 : 0;
    return got != WASMVM_OK;
}

static int host_stuck(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)call, (void)args, (void)result;
    __atomic_store_n((bool *)data, true, __ATOMIC_SEQ_CST);
    while (pause() < 0) {}
    return 1;
}

/* An instance whose functions are a provider's; add is `fn`. */
static wasmvm_instance *provided(wasmvm_config *c, wasmvm_fn fn, void *data, const char *sig,
                                 uint32_t flags)
{
    static wasmvm_func own[4];
    static const wasmvm_provider provider = {"kv", "1.0", "./kv.so", 0};
    wasmvm_provider this = provider;
    this.flags = flags;
    memcpy(own, funcs, sizeof own);
    own[0].fn = fn;
    own[0].data = data;
    own[0].sig = sig;
    wasmvm_config_arg(c, "host");
    wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
    if (i && wasmvm_instance_provider(i, &this, own, 4, &error) == WASMVM_OK)
        return i;
    wasmvm_instance_free(i);
    return NULL;
}

static int case_provider(void)
{
    long count = 0;
    wasmvm_config *c = wasmvm_config_new();
    wasmvm_instance *i = provided(c, host_add, &count, "ii:i", WASMVM_PLUGIN_ONE_THREAD);
    CHECK(i && wasmvm_run(i, &error) == WASMVM_OK && count == 1);
    char *report = wasmvm_report(i, WASMVM_REPORT_JSON);
    CHECK(
        report &&
        strstr(report,
               "{\"name\": \"kv\", \"version\": \"1.0\", \"file\": \"./kv.so\", \"functions\": 4, "
               "\"calls\": 3"));
    free(report);
    CHECK(wasmvm_instance_provider(i, &(wasmvm_provider){ "a", "", "", 0 }, funcs, 1, &error) ==
          WASMVM_E_USAGE);
    wasmvm_instance_free(i);
    /* another instance of the configuration has others */
    i = provided(c, host_add, NULL, "iI:i", 0);
    CHECK(i && wasmvm_run(i, &error) == WASMVM_E_INVALID && strstr(error.text, "plug-in kv"));
    wasmvm_instance_free(i);
    wasmvm_config_free(c);
    c = wasmvm_config_new();
    CHECK(!provided(c, host_add, NULL, "nonsense", 0) && error.code == WASMVM_E_USAGE);
    CHECK(strstr(error.text, "test.add"));
    wasmvm_config_free(c);
    return 0;
}

static int case_a_function_that_waits(void)
{
    CHECK(pipe2(stop_pipe, O_CLOEXEC) == 0);
    wasmvm_config *c = wasmvm_config_new();
    wasmvm_instance *i = provided(c, host_wait, c, "ii:i", 0);
    CHECK(i && wasmvm_run(i, &error) == WASMVM_OK);
    wasmvm_instance_free(i);
    wasmvm_config_free(c);
    char byte;
    CHECK(read(stop_pipe[0], &byte, 1) == 1);
    c = wasmvm_config_new();
    wasmvm_config_timeout(c, 300 * MS);
    i = provided(c, host_wait, NULL, "ii:i", 0);
    double began = seconds();
    CHECK(i && wasmvm_run(i, &error) == WASMVM_E_TIME && seconds() - began < HANG_S);
    wasmvm_instance_free(i);
    wasmvm_config_free(c);
    close(stop_pipe[0]), close(stop_pipe[1]);
    return 0;
}

/* What changes a process for good is done in one of its own. */
static int in_child(int (*what)(void))
{
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(what());
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    return status != 0;
}

/* On a busy machine the time may be over before the function is called: then there is more of it.
 */
static int abandons(void)
{
    bool called = false;
    for (uint64_t limit_ms = 300; !called && limit_ms < 60000; limit_ms *= 3) {
        wasmvm_config *c = wasmvm_config_new();
        wasmvm_config_timeout(c, limit_ms * MS);
        wasmvm_config_abandon(c);
        /* so that another thread is stuck, not this one */
        wasmvm_config_hypercall(c, WASMVM_HYPERCALL_POLL);
        wasmvm_instance *i = provided(c, host_stuck, &called, "ii:i", 0);
        CHECK(i && wasmvm_run(i, &error) == WASMVM_E_TIME && wasmvm_exit_status(i) == 124);
        CHECK(wasmvm_abandoned(i) == __atomic_load_n(&called, __ATOMIC_SEQ_CST));
        wasmvm_instance_free(i);
    }
    CHECK(called);
    return 0;
}

static int case_abandon(void)
{
    return in_child(abandons);
}

static int own_streams(void)
{
    int ends[2];
    struct stat st, null;
    int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(dup2(none, 0) == 0 && pipe2(ends, O_CLOEXEC) == 0 && dup2(ends[1], 1) == 1 &&
          close(ends[1]) == 0);
    wasmvm_config *c = config_make();
    wasmvm_config_stdio_own(c);
    wasmvm_config_arg(c, "close");
    wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
    if (!i || wasmvm_run(i, &error) != WASMVM_OK || read(ends[0], text, 7) != 7 ||
        memcmp(text, "closed\n", 7))
        return 2;
    /* What it closed is closed, and the number is taken by /dev/null. */
    if (fstat(1, &st) != 0 || stat("/dev/null", &null) != 0 || st.st_rdev != null.st_rdev)
        return 3;
    return read(ends[0], text, 1) != 0;
}

static int case_own_streams(void)
{
    return in_child(own_streams);
}

/* ---- modules from descriptors, exports by words, beginnings, stops ---- */

static int case_module_from_descriptor(void)
{
    struct ran r;
    wasmvm_module *before = program;
    char file[300];
    snprintf(file, sizeof file, "%s/program.wasm", directory);
    int fd = open(program_file, O_RDONLY | O_CLOEXEC);
    program = wasmvm_module_fd(fd, "twice", &error);
    CHECK(program);
    for (int k = 0; k < 2; k++) { /* each reads it from its start */
        run(&r, config_make(), "words", NULL);
        CHECK(r.code == WASMVM_OK && strcmp(r.out, "[words]  true\n") == 0);
    }
    CHECK(fcntl(fd, F_GETFD) >= 0);
    wasmvm_module_free(program);
    CHECK(fcntl(fd, F_GETFD) < 0);
    /* A pipe, for one instance; whoever is the last to need it closes it. */
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    program = wasmvm_module_fd(ends[0], "piped", &error);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        fcntl(1, F_SETFL, 0);
        execlp("cat", "cat", program_file, (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    wasmvm_config *c = config_make();
    wasmvm_config_arg(c, "exit");
    wasmvm_config_arg(c, "7");
    wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
    wasmvm_module_free(program);
    program = before;
    CHECK(i && wasmvm_run(i, &error) == WASMVM_OK && wasmvm_exit_status(i) == 7);
    CHECK(fcntl(ends[0], F_GETFD) < 0);
    wasmvm_instance_free(i);
    wasmvm_config_free(c);
    waitpid(pid, NULL, 0);
    return 0;
}

/* A run that leaves a list, one that makes an image of it, and runs from that file. */
static int case_image_to_ship(void)
{
    struct ran r;
    wasmvm_module *before = program;
    char file[300];
    snprintf(file, sizeof file, "%s/program.img", directory);
    int list = memfd_create("list", MFD_CLOEXEC);
    int image = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(list >= 0 && image >= 0);
    for (int made = 0; made < 2; made++) {
        wasmvm_config *c = config_make();
        wasmvm_config_list_fd(c, (uint64_t)list);
        if (made)
            wasmvm_config_build_fd(c, (uint64_t)image);
        run(&r, c, "words", NULL);
        CHECK(r.code == WASMVM_OK && strcmp(r.out, made ? "" : "[words]  true\n") == 0);
    }
    close(list);
    close(image);
    program = wasmvm_module_file(file, &error);
    CHECK(program);
    for (int k = 0; k < 2; k++) {
        run(&r, config_make(), "words", NULL);
        CHECK(r.code == WASMVM_OK && strcmp(r.out, "[words]  true\n") == 0);
    }
    wasmvm_module_free(program);
    program = before;
    CHECK(unlink(file) == 0);
    return 0;
}

static int case_export_by_words(void)
{
    struct ran r;
    wasmvm_module *before = program;
    program = reactor;
    wasmvm_config *c = config_make();
    wasmvm_config_invoke(c, "add");
    run(&r, c, "40", "2");
    program = before;
    CHECK(r.code == WASMVM_OK && strcmp(r.out, "42\n") == 0);
    return 0;
}

static int case_flags(void)
{
    static const char *const flags[] = {"validate", "compile-all", "hypercall-all"};
    struct ran r;
    wasmvm_config *c = config_make();
    for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
        CHECK(wasmvm_config_flag(c, flags[k]) == 0);
    run(&r, c, "words", NULL);
    CHECK(r.code == WASMVM_OK);
    c = config_make();
    CHECK(wasmvm_config_flag(c, "no-such") == WASMVM_E_USAGE);
    CHECK(wasmvm_config_check(c, &error) == WASMVM_E_USAGE && strstr(error.text, "no-such"));
    wasmvm_config_free(c);
    return 0;
}

static int case_began_before(void)
{
    struct ran r;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    wasmvm_config *c = config_make();
    wasmvm_config_timeout(c, 5 * SECOND);
    wasmvm_config_began(c, (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec - 6 * SECOND);
    run(&r, c, "words", NULL);
    CHECK(r.code == WASMVM_E_TIME && !*r.out);
    return 0;
}

/* In the command's words, by a stop that asks where the guest is. */
static int case_stop_as_and_tell(void)
{
    pthread_t thread;
    void *code;
    struct ran r = {.status = -1};
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    wasmvm_config *c = config_make();
    wasmvm_config_arg(c, "spin");
    wasmvm_config_stdio(c, -1, ends[1], -1);
    wasmvm_config_log(c, log_line, &r);
    wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
    CHECK(wasmvm_stopping(i, &error) == WASMVM_OK);
    pthread_create(&thread, NULL, run_thread, i);
    CHECK(read(ends[0], text, 4) == 4); /* it spins */
    wasmvm_stop_as(i, SIGQUIT);
    pthread_join(thread, &code);
    CHECK((intptr_t)code == WASMVM_E_STOPPED && wasmvm_exit_status(i) == 128 + SIGQUIT);
    CHECK(strstr(wasmvm_backtrace(i), "main.main") && !*r.log);
    CHECK(wasmvm_stopping(i, &error) == WASMVM_OK); /* not any more */
    wasmvm_tell(i);
    CHECK(strstr(r.log, "was stopped: SIGQUIT, while it was here:\n    "));
    CHECK(strstr(r.log, "\n    main.main at offset"));
    wasmvm_instance_free(i);
    wasmvm_config_free(c);
    c = config_make();
    wasmvm_config_arg(c, "spin");
    wasmvm_config_timeout(c, 200 * MS);
    r = (struct ran){.status = -1};
    wasmvm_config_log(c, log_line, &r);
    i = wasmvm_instance_new(program, c, &error);
    CHECK(wasmvm_run(i, &error) == WASMVM_E_TIME);
    wasmvm_tell(i);
    CHECK(strstr(r.log, "200 ms of wall time are over (--timeout TIME)\n"));
    wasmvm_instance_free(i);
    wasmvm_config_free(c);
    close(ends[0]), close(ends[1]);
    return 0;
}

/* ---- many ---- */

static int rounds = 2, threads = 4, machines = 3;

static int many_of_one_thread(void)
{
    wasmvm_instance *them[16];
    wasmvm_val r;
    for (int k = 0; k < machines; k++)
        CHECK((them[k] = alive(config_make())) != NULL);
    for (int round = 0; round < 50; round++)
        for (int k = 0; k < machines; k++)
            CHECK(call(them[k], "add", I32(round), I32(k), 2, &r) == 0 && r.i32 == round + k);
    for (int k = 0; k < machines; k++) {
        CHECK(call(them[k], "count", I32(0), I32(0), 0, &r) == 0 && r.i64 == 50);
        wasmvm_instance_free(them[k]);
    }
    struct ran *ran = malloc(sizeof *ran);
    run(ran, config_make(), "hosts", "1000");
    CHECK(ran->code == WASMVM_OK && strcmp(ran->out, "499500\n") == 0);
    free(ran);
    return 0;
}

static void *many_thread(void *failed)
{
    for (int round = 0; round < rounds; round++)
        if (many_of_one_thread())
            __atomic_store_n((int *)failed, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static int case_many_machines_in_many_threads(void)
{
    pthread_t ids[64];
    int bad = 0;
    for (int k = 0; k < threads; k++)
        pthread_create(&ids[k], NULL, many_thread, &bad);
    for (int k = 0; k < threads; k++)
        pthread_join(ids[k], NULL);
    CHECK(!bad);
    return 0;
}

/* ---- the process ---- */

struct action { void (*handler)(int); int flags; uint64_t mask; };
struct state {
    struct action actions[65];
    uint64_t mask, pending;
    struct rlimit limits[RLIM_NLIMITS];
    mode_t umask;
    char cwd[4096];
    int files;
};

int open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

/* The C library's sets are longer than the kernel's, and what is behind is anything. */
static uint64_t set_bits(const sigset_t *set)
{
    uint64_t bits;
    memcpy(&bits, set, sizeof bits);
    return bits;
}

static void state_take(struct state *s)
{
    memset(s, 0, sizeof *s);
    sigset_t set;
    for (int number = 1; number <= 64; number++) {
        struct sigaction a;
        if (sigaction(number, NULL, &a) < 0)
            continue;
        s->actions[number].handler = a.sa_handler;
        s->actions[number].flags = a.sa_flags;
        s->actions[number].mask = set_bits(&a.sa_mask);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    s->mask = set_bits(&set);
    sigpending(&set);
    s->pending = set_bits(&set);
    for (int k = 0; k < RLIM_NLIMITS; k++)
        getrlimit(k, &s->limits[k]);
    umask(s->umask = umask(0));
    if (!getcwd(s->cwd, sizeof s->cwd))
        s->cwd[0] = 0;
    s->files = open_files();
}

static const struct { const char *name; int (*run)(void); } cases[] = {
    {"words-and-status", case_words_and_status},
    {"directories", case_directories},
    {"host-functions", case_host_functions},
    {"started-within-a-run", case_started_within_a_run},
    {"imports-are-checked", case_imports_are_checked},
    {"limits", case_limits},
    {"failures", case_failures},
    {"depth-backtrace-and-cost", case_depth_backtrace_and_cost},
    {"few-descriptors", case_few_descriptors},
    {"closed-pipe", case_closed_pipe},
    {"sockets", case_sockets},
    {"stop", case_stop},
    {"reactor", case_reactor},
    {"called-within-a-call", case_called_within_a_call},
    {"memory", case_memory},
    {"goroutines-wait", case_goroutines_wait},
    {"nested", case_nested},
    {"ends-of-a-reactor", case_ends_of_a_reactor},
    {"limit-for-each-call", case_limit_for_each_call},
    {"little-stack", case_little_stack},
    {"stack-of-a-coroutine", case_stack_of_a_coroutine},
    {"stop-a-call", case_stop_a_call},
    {"reactor-and-sigpipe", case_reactor_and_sigpipe},
    {"tmp", case_tmp},
    {"trace", case_trace},
    {"report", case_report},
    {"certificates-and-logs", case_certificates_and_logs},
    {"sockets-handed-over", case_sockets_handed_over},
    {"relative-directories", case_relative_directories},
    {"provider", case_provider},
    {"a-function-that-waits", case_a_function_that_waits},
    {"abandon", case_abandon},
    {"own-streams", case_own_streams},
    {"module-from-descriptor", case_module_from_descriptor},
    {"image-to-ship", case_image_to_ship},
    {"export-by-words", case_export_by_words},
    {"flags", case_flags},
    {"began-before", case_began_before},
    {"stop-as-and-tell", case_stop_as_and_tell},
    {"signals", case_signals},
    {"prepared-then-run", case_prepared_then_run},
    {"prepared-then-left", case_prepared_then_left},
    {"prepare-fails", case_prepare_fails},
    {"prepare-few-descriptors", case_prepare_few_descriptors},
    {"prepare-calls-fail", case_prepare_calls_fail},
    {"reset-is-as-new", case_reset_is_as_new},
    {"reset-differs", case_reset_differs},
    {"reset-hides", case_reset_hides},
    {"reset-gives-memory-back", case_reset_gives_memory_back},
    {"reset-limits", case_reset_limits},
    {"reset-files", case_reset_files},
    {"reset-door", case_reset_door},
    {"reset-flags", case_reset_flags},
    {"reset-sockets", case_reset_sockets},
    {"reset-registers", case_reset_registers},
    {"reset-alive", case_reset_alive},
    {"reset-refused", case_reset_refused},
    {"reset-leaves-nothing", case_reset_leaves_nothing},
    {"watched-while-reset", case_watched_while_reset},
    {"pool-of-machines", case_pool_of_machines},
    {"pool-keeps-apart", case_pool_keeps_apart},
    {"pool-few-mappings", case_pool_few_mappings},
    {"pool-forgets-limits", case_pool_forgets_limits},
    {"pool-given-unused", case_pool_given_unused},
    {"pool-given-alive", case_pool_given_alive},
    {"pool-shares-nothing-written", case_pool_shares_nothing_written},
    {"pool-smashed-meanwhile", case_pool_smashed_meanwhile},
    {"pool-confined-and-given", case_pool_confined_and_given},
    {"pool-calls-less", case_pool_calls_less},
    {"values-at-their-most", case_values_at_their_most},
    {"names-at-their-most", case_names_at_their_most},
    {"ready-at-once", case_ready_at_once},
    {"limit-taken-away", case_limit_taken_away},
    {"limit-of-the-start", case_limit_of_the_start},
    {"nothing-is-left", case_nothing_is_left},
    {"process-as-here", case_process_as_here},
    {"process-nested", case_process_nested},
    {"process-unseen", case_process_unseen},
    {"process-stopped", case_process_stopped},
    {"process-killed", case_process_killed},
    {"process-late-function", case_process_late_function},
    {"process-many-at-once", case_process_many_at_once},
    {"process-forked-meanwhile", case_process_forked_meanwhile},
    {"process-ends-with-caller", case_process_ends_with_caller},
    {"process-wrong-program", case_process_wrong_program},
    {"process-hostile-helper", case_process_hostile_helper},
    {"many-machines-in-many-threads", case_many_machines_in_many_threads},
};

int main(int argc, char **argv)
{
    static const char *const ways[] = {
        [WASMVM_HYPERCALL_AUTO] = "auto",
        [WASMVM_HYPERCALL_EXIT] = "exit",
        [WASMVM_HYPERCALL_POLL] = "poll",
    };
    static struct state before, after;
    int passed = 0, failed = 0;
    if (argc < 5)
        return 2;
    while (strcmp(argv[1], ways[hypercall]) != 0)
        if (++hypercall == sizeof ways / sizeof *ways)
            return 2;
    if (getenv("EMBED_MANY")) /* ROUNDS,THREADS,MACHINES of a thread */
        sscanf(getenv("EMBED_MANY"), "%d,%d,%d", &rounds, &threads, &machines);
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(directory, sizeof directory, "%s", argv[4]);
    wasmvm_services(&services);
    program = wasmvm_module_file(program_file = argv[2], &error);
    reactor = wasmvm_module_file(argv[3], &error);
    if (!program || !reactor)
        return printf("%s\n", error.text), 2;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        int wanted = argc == 5;
        for (int a = 5; a < argc; a++)
            wanted |= strcmp(argv[a], cases[k].name) == 0;
        if (!wanted)
            continue;
        double began = seconds();
        state_take(&before);
        int bad = cases[k].run();
        state_take(&after);
        if (!bad && memcmp(&before, &after, sizeof before) != 0)
            bad = printf("the process has changed: %d and %d open files\n", before.files,
                         after.files);
        printf("%s  %s (%.1f s)\n", bad ? "FAILED" : "passed", cases[k].name, seconds() - began);
        bad ? failed++ : passed++;
    }
    wasmvm_module_free(program);
    wasmvm_module_free(reactor);
    printf("%d passed, %d failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
