/* `wasmvm run`, which needs no name: runs one WebAssembly module in a virtual machine of its own.
 *
 * This file is the order of a run, and nothing more: words, acquire, prepare, run, report, end.
 * What is a process's own and no library's stays on this side: its signals and limits, systemd's
 * sockets, plug-ins, the report's file, and the status. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/cli/plugin.h"

#define WORDS_PATIENCE_NS 1000000000u /* for who reads the report, or --stats */
#define FIRST_PASSED 3 /* systemd's SD_LISTEN_FDS_START */

static struct command command;
static wasmvm_instance *machine;
static int report_fd = -1, start_fd = -1, last_words_fd = -1;
static wasmvm_error run_error; /* its end, where that was not the program's own */
static bool module_is_guests; /* it can be replaced by the program; looked at for --stats alone */
static int ended_as;   /* how: WASMVM_E_*; written before */
static int ended = -1; /* atomic: the status, once it stands */

/* Nobody is waited for longer than that, as the run is over. */
static bool words_write(int fd, const char *text)
{
    struct sink sink;
    sink_open(&sink, fd);
    bool written = sink_write(&sink, text, strlen(text), WORDS_PATIENCE_NS);
    int error = errno == EAGAIN ? ETIMEDOUT : errno;
    sink_close(&sink);
    errno = error;
    return written;
}

/* ---- the files of the report, and of the picture of the start ---- */

/* Takes the text over. */
static void file_write(int fd, const char *option, const char *file, char *text)
{
    bool good = text && words_write(fd, text);
    if (close(fd) != 0 || !good)
        message("--%s %s: the report is not written: %s", option, file, strerror(errno));
    free(text);
}

static void report_write(char *text)
{
    file_write(report_fd, "report", command.report, text);
}

/* The line that tells why, where it was not the program's own end. */
static void last_words_write(const char *text)
{
    char line[sizeof(wasmvm_error) + 16];
    snprintf(line, sizeof line, "wasmvm: %s\n", text);
    if (!words_write(last_words_fd, line))
        message("--last-words %s: they are not written: %s", command.last_words, strerror(errno));
}

static void run_failed(int status, const char *text)
{
    if (last_words_fd >= 0)
        last_words_write(text);
    if (report_fd >= 0)
        report_write(wasmvm_report_failure(command.module, status, text));
}

static struct names writable_names(const struct values *v)
{
    return (struct names){ v->at, v->n };
}

static int file_open(const char *option, const char *file, bool keep)
{
    struct failure why;
    int fd;
    const struct output output = { option, file, command.module, writable_names(&command.writable),
                                   keep };
    if (!output_open(&fd, &output, &why))
        fail_as(why.status, "%s", why.text);
    return fd;
}

static void files_open(wasmvm_config *config)
{
    fail_then(run_failed);
    if (command.stats || command.report)
        wasmvm_config_flag(config, "kvm-counts");
    if (command.last_words)
        last_words_fd = file_open("--last-words ", command.last_words, true);
    if (command.report)
        report_fd = file_open("--report ", command.report, false);
    if (command.trace_start) {
        start_fd = file_open("--trace-start ", command.trace_start, false);
        wasmvm_config_flag(config, "trace-start");
    }
}

/* ---- what is acquired ---- */

/* Its bytes are the library's matter. */
int module_open(const char *path, struct stat *st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, st) < 0)
        fail_as(EXIT_NO_MODULE, "%s: the module cannot be read: %s", path,
                errno == ENOENT ? "no such file" : strerror(errno));
    if (S_ISDIR(st->st_mode))
        fail_as(EXIT_NO_MODULE,
                "%s: the module cannot be read: it is a directory (--dir grants directories)",
                path);
    if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode))
        fail_as(EXIT_NO_MODULE, "%s: the module cannot be read: it is neither a file nor a pipe",
                path);
    if (S_ISREG(st->st_mode) && st->st_size == 0)
        fail_as(EXIT_INVALID_MODULE, "%s is not a valid module: the file is empty", path);
    return fd;
}

/* How many sockets systemd has passed to this process. */
static unsigned long passed_count(void)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    char *end;
    if (!pid || !fds)
        fail("--listen-fds: LISTEN_PID and LISTEN_FDS are not set (systemd sets them for a unit "
             "with a .socket)");
    if (strtoul(pid, &end, 10) != (unsigned long)getpid() || *end || end == pid)
        fail("--listen-fds: LISTEN_PID is %s, not this process (start wasmvm itself from the unit, "
             "not by a shell)",
             pid);
    unsigned long n = strtoul(fds, &end, 10);
    if (*end || end == fds || n == 0 || n > 256)
        fail("--listen-fds: LISTEN_FDS is %s, not a number of sockets from 1 to 256", fds);
    return n;
}

/* As many open files for the program as this process may have. */
static void files_allow(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return; /* the library says so */
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void machine_new(wasmvm_config *config, int module_fd)
{
    wasmvm_error error = {0};
    unsigned long passed = command.listen_fds ? passed_count() : 0;
    for (unsigned long i = 0; i < passed; i++)
        wasmvm_config_socket(config, FIRST_PASSED + (int)i, WASMVM_SOCKET_TAKEN);
    wasmvm_module *module = wasmvm_module_fd(module_fd, command.module, &error);
    machine = module ? wasmvm_instance_new(module, config, &error) : NULL;
    if (!machine)
        fail_as(error.status, "%s", error.text);
    wasmvm_module_free(module); /* the machine has it, and the config */
    wasmvm_config_free(config);
}

/* ---- plug-ins: code of theirs that keeps a stop from taking effect ---- */

static bool run_is_over(void)
{
    return wasmvm_exit_status(machine) >= 0;
}

static bool stop_is_wanted(void)
{
    return wasmvm_stopping(machine, NULL) != WASMVM_OK;
}

/* All that is left is to say so.  Where the run was over already, its end stands. */
static void plugin_stuck(void)
{
    wasmvm_error error = {.status = EXIT_TIMEOUT};
    int status = __atomic_load_n(&ended, __ATOMIC_ACQUIRE);
    if (status >= 0) {
        message("a plug-in did not end: this process ends all the same");
        _exit(status);
    }
    wasmvm_stopping(machine, &error);
    wasmvm_tell(machine);
    message("a plug-in's function did not return: this process ends with it");
    if (command.report)
        report_write(wasmvm_report(machine, WASMVM_REPORT_JSON));
    if (error.code == WASMVM_E_STOPPED)
        end_process(error.code, error.status);
    _exit(error.status);
}

/* ---- what the host keeps waiting ---- */

static int run_status(void)
{
    return __atomic_load_n(&ended, __ATOMIC_ACQUIRE);
}

static int run_stop_signal(void)
{
    wasmvm_error error;
    wasmvm_instance *made = __atomic_load_n(&machine, __ATOMIC_ACQUIRE);
    int code = made ? wasmvm_stopping(made, &error) : WASMVM_OK;
    return code == WASMVM_OK ? -1 : code == WASMVM_E_STOPPED ? error.status - 128 : 0;
}

static void run_stuck(void)
{
    if (machine)
        wasmvm_tell(machine);
    message("the host keeps the run from ending: this process ends without it");
}

static void run_end(void)
{
    int status = run_status();
    if (status >= 0 && (ended_as == WASMVM_E_STOPPED || ended_as == WASMVM_E_PIPE))
        end_process(ended_as, status);
    if (status >= 0)
        _exit(status);
}

static int end_with_open(void)
{
    if (!command.end_with)
        return -1;
    errno = ESRCH;
    int fd = command.end_with > INT_MAX ? -1
                                        : (int)syscall(SYS_pidfd_open, (pid_t)command.end_with, 0);
    if (fd < 0)
        fail("--end-with: process %llu: %s", (unsigned long long)command.end_with, strerror(errno));
    return fd;
}

static void watch_begin(const struct start *start)
{
    const struct watchdog_what what = {
        .deadline_ns = command.timeout_ns ? start->began_ns + command.timeout_ns : 0,
        .cpu_time_ns = command.cpu_time_ns, .cpu_began_ns = start->cpu_began_ns,
        .stop_signal = run_stop_signal, .status = run_status, .tell = run_stuck, .end = run_end,
        .end_with = end_with_open(),
    };
    watchdog_start(&what);
}

static void memory_share(wasmvm_config *config)
{
    char why[PLUGIN_WHY];
    if (!command.plugins.n || plugins_within(&command))
        return;
    command.memory_fd = plugins_memory(why);
    if (command.memory_fd < 0)
        fail("%s", why);
    wasmvm_config_memory_fd(config, (uint64_t)command.memory_fd);
}

static struct plugins *plugins_begin(uint64_t began_ns)
{
    static const struct guard_hooks hooks = { stop_is_wanted, run_is_over, plugin_stuck };
    char why[PLUGIN_WHY];
    struct plugins *plugins;
    if (!command.plugins.n && !command.plugin_exec.n)
        return NULL;
    int status = plugins_load(&plugins, &command, began_ns, &hooks, machine, why);
    if (!status)
        return plugins;
    fail_as(status, "%s", why);
}

/* ---- the run ---- */

static int confine(bool closed)
{
    static const char *const less[] = {
        [JAIL_OFF] = "--jail=off: who takes over wasmvm has all rights of this user",
        [JAIL_NEVER] = NULL,
        [JAIL_WEAK] = "--jail=weak: who takes over wasmvm has all files and sockets of this user",
    };
    if (less[command.jail])
        message("%s", less[command.jail]);
    if (command.jail == JAIL_OFF || command.jail == JAIL_NEVER)
        return WASMVM_OK;
    if (!closed)
        inherited_close_rest();
    return wasmvm_confine(machine, command.jail == JAIL_WEAK ? WASMVM_JAIL_WEAK : WASMVM_JAIL_ON,
                          NULL);
}

/* In two steps.  Between them all that the run names is open, and nothing of the guest has run:
 * here this process is confined.  closed: descriptors that the caller left open are. */
static int machine_run(bool closed)
{
    const struct names writable = writable_names(&command.writable);
    module_is_guests = command.stats && named_is_guests(&writable, command.module);
    int code = wasmvm_prepare(machine, &run_error);
    if (command.kvm_fd)
        close((int)command.kvm_fd); /* the machine has a copy */
    if (command.memory_fd)
        close(command.memory_fd); /* the machine has mapped it */
    if (code == WASMVM_OK)
        code = confine(closed);
    return code == WASMVM_OK ? wasmvm_run(machine, &run_error) : code;
}

/* ---- the end ---- */

static void tell_end(int status)
{
    const char *missing = wasmvm_missing_path(machine, NULL);
    wasmvm_tell(machine);
    if (*missing && status != 0 && isatty(STDERR_FILENO))
        message("the program asked for %s, which no --dir grants", missing);
    char *table = command.stats ? wasmvm_report(machine, WASMVM_REPORT_TABLE) : NULL;
    if (table)
        words_write(STDERR_FILENO, table);
    free(table);
    if (module_is_guests)
        message("%s lies where the program can write: the next run may be of another module (--dir "
                "...:ro)",
                command.module);
    if (last_words_fd >= 0 && *run_error.text)
        last_words_write(run_error.text);
    if (command.report)
        report_write(wasmvm_report(machine, WASMVM_REPORT_JSON));
    if (command.trace_start)
        file_write(start_fd, "trace-start", command.trace_start,
                   wasmvm_report(machine, WASMVM_REPORT_START));
}

static void into_take(wasmvm_config *config, const struct into *into)
{
    if (into->image_fd)
        wasmvm_config_build_fd(config, (uint64_t)into->image_fd);
    if (into->list_fd)
        wasmvm_config_list_fd(config, (uint64_t)into->list_fd);
    command.into = *into;
}

int run_command(const struct start *start)
{
    return run_into(start, &(struct into){ 0 });
}

int run_into(const struct start *start, const struct into *into)
{
    wasmvm_config *config = run_parse(&command, start);
    into_take(config, into);
    if (command.plugins.n && plugins_within(&command) && !library_possible())
        program_become("--plugin", "wasmvm-dynamic", start->argv);
    wasmvm_config_began(config, start->began_ns);
    wasmvm_config_cpu_began(config, start->cpu_began_ns);
    bool closed = inherited_close(&command, start);
    if (command.kvm_fd)
        fcntl((int)command.kvm_fd, F_SETFD,
              FD_CLOEXEC); /* it is no plug-in's; what it is, the library looks at */
    watch_begin(start);
    files_open(config);
    memory_share(config);
    struct stat st;
    machine_new(config, into->module_fd ? into->module_fd : module_open(command.module, &st));
    struct plugins *plugins = plugins_begin(start->began_ns);
    files_allow();
    signals_take(machine, command.grace_ns);

    int code = machine_run(closed), status = wasmvm_exit_status(machine);
    ended_as = code;
    __atomic_store_n(&ended, status, __ATOMIC_RELEASE);
    plugins_called(plugins);
    signals_give_back();

    tell_end(status);
    if (wasmvm_abandoned(machine))
        _exit(status);
    plugins_unload(plugins);
    /* the machine's memory is left to it: unmapping costs as much again */
    end_process(code, status);
}
