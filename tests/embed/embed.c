/* The library, as its user has it: embed auto|exit|poll PROGRAM.wasm REACTOR.wasm DIRECTORY [CASE...]
 *
 * A case is a function that returns 0, or the line of its first check that failed. After each one the process must be
 * as it was: dispositions, mask, limits, umask, working directory, and as many open files. */
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <wasmvm.h>

#define CHECK(x) do if (!(x)) return printf("line %d: %s: code %d, %s\n", __LINE__, #x, error.code, error.text), 1; \
    while (0)
#define MS 1000000ull
#define SECOND 1000000000ull

static wasmvm_module *program, *reactor;
static wasmvm_host services;
static char directory[256];
static __thread wasmvm_error error;

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

static wasmvm_config *config_make(void)
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
    wasmvm_instance *i = wasmvm_instance_new(program, c, &error);
    r->code = i ? wasmvm_run(i, &error) : error.code;
    if (i)
        r->status = wasmvm_exit_status(i);
    close(ends[1]);
    ssize_t n = read(ends[0], r->out, sizeof r->out - 1);
    r->out[n > 0 ? n : 0] = 0;
    close(ends[0]);
    wasmvm_instance_free(i);
    wasmvm_config_free(c);
}

static int case_words_and_status(void)
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

static int case_directories(void)
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
    CHECK(wasmvm_config_dir(c, in, "/in", WASMVM_DIR_READ_ONLY) == 0 && wasmvm_config_dir(c, out, "/out", 0) == 0);
    run(&r, c, "files", NULL);
    CHECK(r.code == WASMVM_OK && strcmp(r.out, "\"hello\" <nil>\ntrue <nil>\ntrue\n") == 0);
    snprintf(file, sizeof file, "%s/b.txt", out);
    CHECK(unlink(file) == 0);
    return 0;
}

static int case_host_functions(void)
{
    struct ran r;
    run(&r, config_make(), "host", NULL);
    CHECK(r.code == WASMVM_OK && strcmp(r.out, "42 1.09951162777675e+12 7\n") == 0);
    run(&r, config_make(), "refuse", NULL);
    CHECK(r.code == WASMVM_E_TRAP && r.status == 134 && strstr(error.text, "not today"));
    CHECK(strcmp(r.log, "about to refuse\n") == 0);
    return 0;
}

static int case_imports_are_checked(void)
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
    CHECK(strstr(error.text, "import \"test\" \"add\" has type (func (param i32 i64) (result i32)) in the host, wanted "
                             "(func (param i32 i32) (result i32))"));
    wrong[0].sig = "ii";
    c = wasmvm_config_new();
    CHECK(wasmvm_config_funcs(c, wrong, 4) == WASMVM_E_USAGE);
    CHECK(!wasmvm_instance_new(program, c, &error) && error.code == WASMVM_E_USAGE && strstr(error.text, "add"));
    wasmvm_config_free(c);
    return 0;
}

static int case_limits(void)
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
static int case_failures(void)
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
    CHECK(r.code == WASMVM_E_HOST && strstr(error.text, "kernel file system"));
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
    static const struct { enum wasmvm_net what; const char *value; } rules[] = {
        {WASMVM_NET_LISTEN, "nonsense"}, {WASMVM_NET_LISTEN, "192.0.2.1:1"}, {WASMVM_NET_DIAL, "127.0.0.1:1"},
        {WASMVM_NET_ALLOW_CONNECT, "name.example:80"}, {WASMVM_NET_ALLOW_LISTEN, "name.example:80"},
        {WASMVM_NET_DENY, "??"}, {WASMVM_NET_DNS_SERVER, "x"},
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
    CHECK(!wasmvm_module_file("/nowhere.wasm", &error) && error.code == WASMVM_E_NO_MODULE && error.status == 127);
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
/* What the library says of a run: the depth of calls that it may have, where it trapped, what it cost. */
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
    CHECK(wasmvm_instance_statistics(i, &cost) == 0 && cost.start_ns + cost.run_ns + cost.funcs_total == 0);
    CHECK(wasmvm_run(i, &error) == WASMVM_E_TRAP && wasmvm_exit_status(i) == 134);
    CHECK(strstr(error.text, "call stack exhausted (2 MiB") && strstr(wasmvm_backtrace(i), "main.down"));
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
    CHECK(wasmvm_run(i, &error) == WASMVM_E_PIPE && error.status == 141); /* and SIGPIPE did not end this process */
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
    for (int k = 0; k < 10000 && !__atomic_load_n(&listen_port, __ATOMIC_SEQ_CST); k++)
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
            CHECK((intptr_t)code == WASMVM_E_STOPPED && seconds() - began < 5 && wasmvm_exit_status(i) == 143);
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

static int call(wasmvm_instance *i, const char *name, wasmvm_val a, wasmvm_val b, size_t nargs, wasmvm_val *result)
{
    const wasmvm_export *e;
    wasmvm_val args[2] = {a, b};
    int code = wasmvm_lookup(i, name, &e, &error);
    return code ? code : wasmvm_invoke(i, e, args, nargs, result, result != NULL, &error);
}
#define I32(x) ((wasmvm_val){.i32 = (x)})

static int case_reactor(void)
{
    const wasmvm_export *e;
    wasmvm_val r, mixed[3] = {{.i64 = 1ll << 40}, {.f32 = 0.5}, {.f64 = 0.25}};
    wasmvm_instance *i = alive(config_make());
    CHECK(i && wasmvm_exit_status(i) == -1);
    CHECK(call(i, "add", I32(-5), I32(3), 2, &r) == 0 && r.u64 == 0xfffffffe);
    CHECK(wasmvm_lookup(i, "mix", &e, &error) == 0 && strcmp(wasmvm_export_sig(e), "IfF:F") == 0);
    CHECK(wasmvm_invoke(i, e, mixed, 3, &r, 1, &error) == 0 && r.f64 == 1099511627776.75);
    CHECK(wasmvm_invoke(i, e, mixed, 2, &r, 1, &error) == WASMVM_E_TYPE && strstr(error.text, "IfF:F"));
    CHECK(wasmvm_lookup(i, "nothing", &e, &error) == WASMVM_E_NO_EXPORT && strstr(error.text, "nothing"));
    CHECK(call(i, "count", I32(0), I32(0), 0, &r) == 0 && r.i64 == 1);
    CHECK(call(i, "deeper", I32(20), I32(0), 1, &r) == 0 && r.i32 == 20); /* guest, host, guest, ... */
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
    CHECK(wasmvm_memory_write(i, at.u32, "shout", 5) == 0 && call(i, "upper", I32(5), I32(0), 1, NULL) == 0);
    CHECK(wasmvm_memory_read(i, at.u32, text, 5) == 0 && strcmp(text, "SHOUT") == 0);
    uint64_t size = wasmvm_memory_size(i);
    CHECK(size > 65536 && size % 65536 == 0);
    CHECK(wasmvm_memory_read(i, (uint32_t)size - 2, text, 3) == WASMVM_E_USAGE);
    CHECK(wasmvm_memory_write(i, 0xffffffff, text, 2) == WASMVM_E_USAGE);
    CHECK(wasmvm_memory_read(i, (uint32_t)size, text, 0) == 0);
    wasmvm_val inside = {.u32 = at.u32 + 3 * 4};
    const wasmvm_export *contains;
    wasmvm_val sought[] = {at, I32(5), I32('U')}; /* a Go string, a byte; a bool comes back */
    CHECK(wasmvm_lookup(i, "contains", &contains, &error) == 0 && strcmp(wasmvm_export_sig(contains), "iii:i") == 0);
    CHECK(wasmvm_invoke(i, contains, sought, 3, &r, 1, &error) == 0 && r.u64 == 1);
    sought[2].i32 = 'u';
    CHECK(wasmvm_invoke(i, contains, sought, 3, &r, 1, &error) == 0 && r.u64 == 0);
    CHECK(call(i, "element", at, I32(3), 2, &r) == 0 && r.u64 == inside.u64);
    CHECK(call(i, "grow", I32(32), I32(0), 1, &r) == 0 && wasmvm_memory_size(i) >= size + (32u << 20));
    wasmvm_statistics s = {.size = sizeof s};
    CHECK(wasmvm_instance_statistics(i, &s) == 0 && s.exits && s.calls && s.memory_bytes == wasmvm_memory_size(i));
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

static int dies(const char *name, wasmvm_val arg, size_t nargs, uint64_t limit_ns, int code, int status)
{
    wasmvm_val r;
    const wasmvm_export *e;
    wasmvm_instance *i = alive(config_make());
    CHECK(i);
    CHECK(call(i, "add", I32(1), I32(2), 2, &r) == 0 && r.i32 == 3);
    wasmvm_call_limit(i, limit_ns);
    CHECK(call(i, name, arg, I32(0), nargs, NULL) == code && error.status == status && wasmvm_exit_status(i) == status);
    CHECK(wasmvm_lookup(i, "add", &e, &error) == WASMVM_E_USAGE && strstr(error.text, "over"));
    char byte;
    CHECK(wasmvm_memory_read(i, 0, &byte, 1) == WASMVM_OK); /* it can still be looked at */
    CHECK(wasmvm_initialize(i, &error) == WASMVM_E_USAGE && wasmvm_run(i, &error) == WASMVM_E_USAGE);
    wasmvm_instance_free(i);
    return 0;
}

/* 1,000 exports, one within the other by host functions between them; one more, or a trap in the last, ends it. */
static int case_nested(void)
{
    wasmvm_val r;
    wasmvm_instance *i = alive(config_make());
    CHECK(i);
    for (int k = 0; k < 20; k++)
        CHECK(call(i, "deeper", I32(999), I32(0), 1, &r) == 0 && r.i32 == 999);
    CHECK(call(i, "deeper", I32(1000), I32(0), 1, &r) == WASMVM_E_TRAP && strstr(error.text, "more than 1000 deep"));
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
    return dies("leave", I32(9), 1, 0, WASMVM_E_EXIT, 9) || dies("fail", I32(0), 0, 0, WASMVM_E_TRAP, 134) ||
           dies("spin", I32(0), 0, 200 * MS, WASMVM_E_TIME, 124);
}

/* Calls that take their time do not add up to a limit that each has. */
static int case_limit_for_each_call(void)
{
    wasmvm_val r;
    wasmvm_instance *i = alive(config_make());
    CHECK(i);
    wasmvm_call_limit(i, 2 * SECOND);
    double began = seconds();
    while (seconds() - began < 2.5)
        CHECK(call(i, "add", I32(1), I32(2), 2, &r) == 0);
    wasmvm_instance_free(i);
    return 0;
}

/* A thread with little stack of its own: guest and host call each other until it is used up, and not further. */
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
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 2 << 20); /* of which ThreadSanitizer takes a good part */
    CHECK(pthread_create(&thread, &attr, deep_thread, &flat) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(flat == 10);
    CHECK(pthread_create(&thread, &attr, deep_thread, &deep) == 0 && pthread_join(thread, NULL) == 0 && deep == -2);
    pthread_attr_destroy(&attr);
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
    CHECK(code == WASMVM_E_STOPPED || (code == 0 && call(i, "spin", I32(0), I32(0), 0, NULL) == WASMVM_E_STOPPED));
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
struct state { struct action actions[65]; uint64_t mask, pending; struct rlimit limits[RLIM_NLIMITS]; mode_t umask;
               char cwd[4096]; int files; };

static int open_files(void)
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
    {"imports-are-checked", case_imports_are_checked},
    {"limits", case_limits},
    {"failures", case_failures},
    {"depth-backtrace-and-cost", case_depth_backtrace_and_cost},
    {"few-descriptors", case_few_descriptors},
    {"closed-pipe", case_closed_pipe},
    {"sockets", case_sockets},
    {"stop", case_stop},
    {"reactor", case_reactor},
    {"memory", case_memory},
    {"goroutines-wait", case_goroutines_wait},
    {"nested", case_nested},
    {"ends-of-a-reactor", case_ends_of_a_reactor},
    {"limit-for-each-call", case_limit_for_each_call},
    {"little-stack", case_little_stack},
    {"stop-a-call", case_stop_a_call},
    {"reactor-and-sigpipe", case_reactor_and_sigpipe},
    {"many-machines-in-many-threads", case_many_machines_in_many_threads},
};

int main(int argc, char **argv)
{
    static const char *const ways[] = {
        [WASMVM_HYPERCALL_AUTO] = "auto", [WASMVM_HYPERCALL_EXIT] = "exit", [WASMVM_HYPERCALL_POLL] = "poll",
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
    program = wasmvm_module_file(argv[2], &error);
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
            bad = printf("the process has changed: %d and %d open files\n", before.files, after.files);
        printf("%s  %s (%.1f s)\n", bad ? "FAILED" : "passed", cases[k].name, seconds() - began);
        bad ? failed++ : passed++;
    }
    wasmvm_module_free(program);
    wasmvm_module_free(reactor);
    printf("%d passed, %d failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
