/* wasmvm: runs one WebAssembly module in a virtual machine of its own.
 *
 * This file is the order of a run, and nothing more: options, acquire, run, release, report, end.  All that needs a
 * right (the module, the report, /dev/kvm, the directories) is acquired before the guest's first instruction; between
 * acquiring and running is where the monitor will be confined. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/plugin.h"
#include "vmm/vm.h"

static struct config config;
static struct run_stats stats;
static struct host_table host;
static struct vm *machine;
static struct end end = { .kind = ENDED_NOT };
static int report_fd = -1;

static void report_fail(int status, const char *text)
{
    report_failure(report_fd, &config, status, text);
}

/* A file, or a pipe such as <(...), opened without waiting for a writer; its bytes are vm_new's matter. */
static int module_open(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        fail_as(EXIT_NO_MODULE, "%s: the module cannot be read: %s", path,
                errno == ENOENT ? "no such file" : strerror(errno));
    if (S_ISDIR(st.st_mode))
        fail_as(EXIT_NO_MODULE, "%s: the module cannot be read: it is a directory (--dir grants directories)", path);
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
        fail_as(EXIT_NO_MODULE, "%s: the module cannot be read: it is neither a file nor a pipe", path);
    if (S_ISREG(st.st_mode) && st.st_size == 0)
        fail_as(EXIT_INVALID_MODULE, "%s is not a valid module: the file is empty", path);
    return fd;
}

/* As many open files for the program as this process may have. */
static void files_allow(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return; /* fdtable.c says so */
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- plug-ins: code of theirs that keeps a stop from taking effect ---- */

static bool stop_is_wanted(void)
{
    struct vm *vm = __atomic_load_n(&machine, __ATOMIC_ACQUIRE);
    return vm && kick_pending(vm_kick(vm));
}

/* All that is left is to say so.  Where the run was over already, its end stands. */
static void plugin_stuck(void)
{
    struct vm *vm = __atomic_load_n(&machine, __ATOMIC_ACQUIRE);
    if (end.kind != ENDED_NOT) {
        message("a plug-in did not end: this process ends all the same");
        _exit(end_status(&end));
    }
    uint32_t number = 0;
    enum end_kind kind = vm ? kick_reason(vm_kick(vm), &number) : ENDED_NOT;
    struct end now = { .kind = kind == ENDED_NOT ? ENDED_TIMEOUT : kind, .code = number };
    end_message(&config, &now);
    message("a plug-in's function did not return: this process ends with it");
    if (config.report)
        report_json(report_fd, &config, &stats, &now);
    if (now.kind == ENDED_SIGNAL)
        end_process(&now);
    _exit(end_status(&now));
}

static struct plugins *plugins_begin(void)
{
    static const struct guard_hooks hooks = { stop_is_wanted, plugin_stuck };
    char why[PLUGIN_WHY];
    struct plugins *plugins;
    if (!config.plugins.n && !config.plugin_exec.n)
        return NULL;
    int status = plugins_load(&plugins, &config, stats.start_ns, &hooks, &host, why);
    if (status)
        fail_as(status, "%s", why);
    config.host = &host;
    config.loaded = plugins_list(plugins);
    return plugins;
}

/* Of the run's kernel side; the rest was counted while it ran. */
static void stats_finish(uint64_t released_ns)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    stats.max_rss_bytes = (uint64_t)use.ru_maxrss * 1024;
    stats.teardown_ns = clock_now_ns() - released_ns;
}

int main(int argc, char **argv)
{
    stats.start_ns = clock_now_ns();
    stdio_open_closed();
    /* No other process of this user, and no guest that was granted too much, looks into our memory. */
    prctl(PR_SET_DUMPABLE, 0);
    options_parse(&config, argc, argv);

    if (config.report) {
        report_fd = output_open(config.module, "--report ", config.report, false);
        fail_then(report_fail);
    }
    int module_fd = module_open(config.module);
    struct plugins *plugins = plugins_begin();
    files_allow();
    tmp_make(&config);
    struct vm *vm = vm_new(&config, &stats);
    if (!vm)
        fail("no memory for a machine, or no descriptor: %s", strerror(errno));
    __atomic_store_n(&machine, vm, __ATOMIC_RELEASE);
    signals_take(vm_kick(vm));
    vm_build(vm, &(struct module){.fd = module_fd});
    close(module_fd);
    struct wasi *wasi = wasi_alloc(vm_memory(vm), vm_kick(vm));
    if (!wasi)
        fail("cannot start: no memory");
    wasi_open(wasi, &config);

    bool stopped = vm_run(vm, wasi, &end);
    plugins_called(plugins);
    __atomic_store_n(&machine, NULL, __ATOMIC_RELEASE);

    uint64_t released_ns = clock_now_ns();
    char *missing = strdup(wasi_missing_path(wasi, &stats.missing_count));
    stats.missing_path = missing ? missing : "";
    if (stopped) { /* else a host function may still be looking */
        wasi_close(wasi);
        vm_close(vm); /* its memory is left to the end of the process, which is near: unmapping costs as much again */
    }
    tmp_remove();
    signals_give_back();
    stats_finish(released_ns);

    end_message(&config, &end);
    if (*stats.missing_path && end_status(&end) != 0 && isatty(STDERR_FILENO))
        message("the program asked for %s, which no --dir grants", stats.missing_path);
    if (config.stats)
        report_stats(&config, &stats, &end);
    if (config.report)
        report_json(report_fd, &config, &stats, &end);
    if (!stopped)
        _exit(end_status(&end));
    plugins_unload(plugins);
    end_process(&end);
}
