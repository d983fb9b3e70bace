/* A helper process: one machine of a program that uses libwasmvm, with wall 3 round it.
 *
 * lib/process.c starts this under HELPER_NAME, and says by frames what the machine is.  The process
 * prepares it, confines itself, runs it, and says how it ended.  Host functions are the caller's:
 * they are called as those of a plug-in process are.  The caller is trusted until then. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vmm/cli/plugin.h"

#define GRACE_NS 30000000000u /* as for --grace */

static struct told {
    wasmvm_config *config;
    wasmvm_func *funcs;
    uint32_t nfuncs;
    char *module;
} told;
static wasmvm_instance *machine;
static int ended = -1; /* atomic: the status, once it stands */

/* ---- its last word ---- */

/* One write: a reader that is gone is nobody's loss. */
static _Noreturn void say_end(int code, int status, const char *text)
{
    const int32_t numbers[] = {code, status};
    const char *trace = machine ? wasmvm_backtrace(machine) : "";
    char *report = machine ? wasmvm_report(machine, WASMVM_REPORT_JSON) : NULL;
    const char *texts[] = {text, trace, report ? report : ""};
    uint8_t head[FRAME_HEAD];
    size_t n = sizeof numbers;
    for (int i = 0; i < 3; i++)
        n += strlen(texts[i]) + 1;
    frame_head(head, FRAME_END, (uint32_t)n);
    bool good = write_all(HELPER_SOCKET, head, sizeof head) &&
                write_all(HELPER_SOCKET, numbers, sizeof numbers);
    for (int i = 0; i < 3 && good; i++)
        good = write_all(HELPER_SOCKET, texts[i], strlen(texts[i]) + 1);
    _exit(good ? 0 : EXIT_MONITOR);
}

static _Noreturn void say_failure(const wasmvm_error *error)
{
    say_end(error->code, error->status, error->text);
}

static _Noreturn void refuse(const char *text)
{
    say_end(WASMVM_E_HOST, EXIT_MONITOR, text);
}

static void say_version(void)
{
    const char *version = wasmvm_version();
    uint8_t head[FRAME_HEAD];
    frame_head(head, FRAME_VERSION, (uint32_t)strlen(version) + 1);
    if (!write_all(HELPER_SOCKET, head, sizeof head) ||
        !write_all(HELPER_SOCKET, version, strlen(version) + 1))
        _exit(EXIT_MONITOR);
}

/* ---- what the caller says ---- */

static void read_whole(void *to, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = read(HELPER_SOCKET, (char *)to + done, n - done);
        if (got == 0 || (got < 0 && errno != EINTR))
            _exit(EXIT_MONITOR); /* the caller is gone */
        done += got > 0 ? (size_t)got : 0;
    }
}

/* Its body is to be freed; a NUL stands behind it. */
static struct frame frame_read(void)
{
    uint8_t head[FRAME_HEAD];
    read_whole(head, sizeof head);
    struct frame frame = {.len = frame_u32(head), .kind = frame_u32(head + 4)};
    uint8_t *body = frame.len <= FRAME_MOST ? malloc(frame.len + 1u) : NULL;
    if (!body)
        refuse("no memory for what the helper is told");
    read_whole(body, frame.len);
    body[frame.len] = 0;
    frame.body = body;
    return frame;
}

static void take_env(const char *setting)
{
    const char *value = strchr(setting, '=');
    char *name = value ? strndup(setting, (size_t)(value - setting)) : NULL;
    if (name)
        wasmvm_config_env(told.config, name, value + 1);
    free(name);
}

static void take_dir(const uint8_t *value, const uint8_t *end)
{
    uint64_t flags = frame_u64(value);
    value += sizeof flags;
    const char *host = frame_string(&value, end), *guest = frame_string(&value, end);
    if (flags & SETTING_TMP)
        wasmvm_config_tmp(told.config);
    else if (host && guest)
        wasmvm_config_dir(told.config, host, guest, (unsigned)flags);
}

/* A number as it is here: a descriptor's is another, and a beginning is of the caller's clock. */
static uint64_t number_here(enum setting row, uint64_t number)
{
    if (row == SETTING_kvm_fd)
        return number ? HELPER_KVM : 0;
    return row == SETTING_cpu_began_ns ? 0 : number;
}

/* Errors stay in the configuration, which tells them when the machine is made. */
static void take_setting(const struct frame *frame)
{
    if (frame->len < 4)
        return;
    wasmvm_config *config = told.config;
    const uint8_t *value = frame->body + 4, *end = frame->body + frame->len;
    const char *text = (const char *)value;
    enum setting row = frame_u32(frame->body);
    uint64_t number = number_here(row, end - value >= 8 ? frame_u64(value) : 0);
    switch (row) {
    case SETTING_args: wasmvm_config_arg(config, text); break;
    case SETTING_env: take_env(text); break;
    case SETTING_dirs: if (end - value >= 8) take_dir(value, end); break;
    case SETTING_sockets: wasmvm_config_socket(config, (int)number, WASMVM_SOCKET_TAKEN); break;
#define NUMBER(name, field, otherwise, least, most, what) \
    case SETTING_##field: wasmvm_config_##name(config, number); break;
#define CHOICE(name, field, type, last, what) \
    case SETTING_##field: wasmvm_config_##name(config, (enum wasmvm_##name)number); break;
#define TEXT(name, field) case SETTING_##field: wasmvm_config_##name(config, text); break;
#define MARK(name, field) case SETTING_##field: wasmvm_config_##name(config); break;
#define SWITCH(name, field) case SETTING_##field: wasmvm_config_flag(config, name); break;
#define RULES(kind, field) \
    case SETTING_##field: wasmvm_config_net(config, WASMVM_NET_##kind, text); break;
#define RULE(kind, field) RULES(kind, field)
#define PERMIT(kind, field) RULES(kind, field)
#include "vmm/base/settings.def"
    case SETTINGS: break;
    }
}

static void take_function(const struct frame *frame)
{
    const uint8_t *at = frame->body, *end = at + frame->len;
    const char *module = frame_string(&at, end), *name = frame_string(&at, end),
               *sig = frame_string(&at, end);
    wasmvm_func *more = realloc(told.funcs, (told.nfuncs + 1) * sizeof *more);
    char *words[3] = {strdup(module ? module : ""), strdup(name ? name : ""),
                      strdup(sig ? sig : "")};
    if (!more || !words[0] || !words[1] || !words[2])
        refuse("no memory for what the helper is told");
    told.funcs = more;
    more[told.nfuncs++] = (wasmvm_func){.module = words[0], .name = words[1], .sig = words[2]};
}

static void take_all(void)
{
    while (!told.module) {
        struct frame frame = frame_read();
        if (frame.kind == FRAME_SETTING)
            take_setting(&frame);
        else if (frame.kind == FRAME_FUNCTION)
            take_function(&frame);
        else if (frame.kind == FRAME_START)
            told.module = strdup((const char *)frame.body);
        free((void *)frame.body);
    }
}

/* ---- the machine ---- */

static int run_status(void)
{
    return __atomic_load_n(&ended, __ATOMIC_ACQUIRE);
}

static int run_stop_signal(void)
{
    wasmvm_error error;
    int code = machine ? wasmvm_stopping(machine, &error) : WASMVM_OK;
    return code == WASMVM_OK ? -1 : code == WASMVM_E_STOPPED ? error.status - 128 : 0;
}

static void run_stuck(void)
{
    message("the host keeps the run from ending: this process ends without it");
}

static void run_end(void)
{
    if (run_status() >= 0)
        _exit(0);
}

static volatile sig_atomic_t stopped; /* before there was a machine, or later */

static void stop(int number)
{
    (void)number;
    stopped = 1;
    if (machine)
        wasmvm_stop(machine);
}

/* Soon after a stop, and soon after the caller's end, this process ends. */
static void watch_begin(void)
{
    const struct watchdog_what what = {
        .stop_signal = run_stop_signal, .status = run_status, .tell = run_stuck, .end = run_end,
        .end_with = HELPER_CALLER,
    };
    const struct sigaction action = {.sa_handler = stop};
    watchdog_start(&what);
    sigaction(HELPER_STOP, &action, NULL);
}

static void files_allow(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void machine_make(void)
{
    static struct wasmvm_host services;
    static const wasmvm_provider provider = {
        .name = "the program", .version = "", .from = "",
        .flags = WASMVM_PROVIDER_PROCESS | WASMVM_PROVIDER_CALLER | WASMVM_PLUGIN_ONE_THREAD,
    };
    wasmvm_error error = {0};
    wasmvm_module *module = wasmvm_module_fd(HELPER_MODULE, told.module, &error);
    machine = module ? wasmvm_instance_new(module, told.config, &error) : NULL;
    if (!machine)
        say_failure(&error);
    if (stopped)
        wasmvm_stop(machine);
    wasmvm_module_free(module);
    wasmvm_config_free(told.config);
    if (!told.nfuncs)
        return;
    uint32_t n;
    wasmvm_services(&services);
    struct child *caller = child_adopt(HELPER_SOCKET, told.funcs, told.nfuncs, &services);
    if (!caller)
        refuse("no memory for host functions");
    const wasmvm_func *funcs = child_funcs(caller, &n);
    if (wasmvm_instance_provider(machine, &provider, funcs, n, &error) != WASMVM_OK)
        say_failure(&error);
}

static void descriptors_take(void)
{
    wasmvm_config_stdio_own(told.config);
    if (fcntl(HELPER_LOG, F_GETFD) >= 0)
        wasmvm_config_log_fd(told.config, HELPER_LOG);
    for (int fd = HELPER_SOCKET; fd < HELPER_SOCKETS; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int helper_command(const struct start *start)
{
    wasmvm_error error = {0};
    signal(SIGPIPE, SIG_IGN);
    say_version();
    if (start->argc != 2 || strcmp(start->argv[1], wasmvm_version()) != 0)
        return EXIT_MONITOR;
    told.config = wasmvm_config_new();
    if (!told.config)
        refuse("no memory for a configuration");
    descriptors_take();
    take_all();
    watch_begin();
    machine_make();
    files_allow();
    signals_take(machine, GRACE_NS);
    int code = wasmvm_prepare(machine, &error);
    if (code == WASMVM_OK) {
        inherited_close_rest();
        code = wasmvm_confine(machine, WASMVM_JAIL_ON, &error);
    }
    if (code == WASMVM_OK)
        code = wasmvm_run(machine, &error);
    int status = wasmvm_exit_status(machine);
    __atomic_store_n(&ended, status, __ATOMIC_RELEASE);
    say_end(code, status < 0 ? EXIT_MONITOR : status, error.text);
}
