/* libwasmvm: runs WebAssembly modules (WASI preview 1, as Go's GOOS=wasip1 makes them), each in a KVM virtual machine
 * of its own, inside your program.  docs/embedding.md has whole programs.
 *
 *   configuration   what a machine may use: wasmvm_config.  Nothing is granted that it does not name
 *   module          the bytes of a program, kept once: wasmvm_module
 *   instance        a machine for one module: wasmvm_instance.  It runs a program once (wasmvm_run), or stays alive and
 *                   has its exports called (wasmvm_initialize, wasmvm_lookup, wasmvm_invoke)
 *
 * Errors: functions that can fail return an enum wasmvm_code, or NULL, and tell more in *error where that is given.
 *
 * Threads: different handles may be used by different threads at the same time, and one configuration or module by many
 * instances.  An instance is used by one thread at a time; only wasmvm_stop, wasmvm_stop_as, wasmvm_signal,
 * wasmvm_stopping and wasmvm_exit_status may be called by any, at any time until wasmvm_instance_free.
 * A host function does not free the instance that it is called by, and cannot start it again.
 *
 * The process stays yours.  The library changes no signal disposition, limit, umask or working directory, and no signal
 * mask but those of the threads that it makes and, during a call, that of the thread that calls; it prints nothing.
 * Signals that your program takes do not end a call.
 *
 * Ownership: what a function copies is said to be copied; other pointers must stay valid as long as the handle. */
#ifndef WASMVM_H
#define WASMVM_H

#include <stddef.h>
#include <stdint.h>

#include "wasmvm_plugin.h" /* host functions: wasmvm_func, wasmvm_val, wasmvm_host */

#ifdef __cplusplus
extern "C" {
#endif

enum wasmvm_code {
    /* WASMVM_OK = 0 */
    WASMVM_E_USAGE = 1,   /* an argument or a configuration that cannot be                            */
    WASMVM_E_HOST,        /* the host could not do its part: no /dev/kvm, no memory, no permission    */
    WASMVM_E_NO_MODULE,   /* the module cannot be read                                                */
    WASMVM_E_INVALID,     /* the module is not valid, or imports what nobody provides                 */
    WASMVM_E_TRAP,        /* it trapped                                                               */
    WASMVM_E_TIME,        /* a time limit is reached                                                  */
    WASMVM_E_STOPPED,     /* wasmvm_stop                                                              */
    WASMVM_E_GUEST,       /* the guest was stopped: engine memory, a crash, a hostile hypercall       */
    WASMVM_E_PIPE,        /* it wrote to a standard stream that nobody reads any more                 */
    WASMVM_E_EXIT,        /* it called proc_exit where an export's return was expected                */
    WASMVM_E_NO_EXPORT,   /* there is no such function                                                */
    WASMVM_E_TYPE,        /* its type cannot be called from here, or is not the one of the arguments  */
};

/* text: one sentence in UTF-8, without control characters; "" = none.  status: the exit status that the command wasmvm
 * would have had (its manual page lists them). */
typedef struct wasmvm_error {
    int code, status;
    char text[1016];
} wasmvm_error;

/* "0.1.0" */
const char *wasmvm_version(void);

/* ---- configuration ----
 * All strings are copied.  Setters return WASMVM_OK, or WASMVM_E_USAGE or WASMVM_E_HOST (no memory); the first such
 * error is kept, with its sentence, and told by wasmvm_instance_new.  Once an instance was made from it, a
 * configuration can no longer be changed. */
typedef struct wasmvm_config wasmvm_config;
wasmvm_config *wasmvm_config_new(void); /* NULL: no memory */
void wasmvm_config_free(wasmvm_config *); /* instances keep what they need; NULL is nothing */
/* The program's arguments after its name; each call adds one. */
int wasmvm_config_arg(wasmvm_config *, const char *arg);
/* NAME=VALUE; a later one wins. */
int wasmvm_config_env(wasmvm_config *, const char *name, const char *value);
/* The program may use the directory `host` under the name `guest`, which is absolute and clean: "/", "/data". */
enum {
    WASMVM_DIR_READ_ONLY = 1,
    WASMVM_DIR_RELATIVE = 2, /* `guest` is clean, and relative to where the program starts: ".", "data", "../x" */
    WASMVM_DIR_LAST = 4,     /* its descriptor stands behind all others, those of sockets too: a further name */
    WASMVM_DIR_MOUNTS = 8,   /* what is mounted below it as well; "/" has that in any case */
};
int wasmvm_config_dir(wasmvm_config *, const char *host, const char *guest, unsigned flags);
/* An empty directory of each instance's own as /tmp, below TMPDIR (or the host's /tmp), removed when it is over. */
int wasmvm_config_tmp(wasmvm_config *);
/* Most linear memory, in bytes; default and most 4 GiB.  A module that needs more at its start is refused. */
int wasmvm_config_memory(wasmvm_config *, uint64_t bytes);
/* Most of all that the program can make the machine hold: linear memories, the engine's heap and code, stack and
 * module; 1 MiB to 64 GiB.  0 (the default) = those of _memory and _stack, and 1 GiB. */
int wasmvm_config_total_memory(wasmvm_config *, uint64_t bytes);
/* Of calls; 64 KiB to 8 GiB, rounded up to a multiple of 2 MiB; default 256 MiB. */
int wasmvm_config_stack(wasmvm_config *, uint64_t bytes);
/* Wall time of wasmvm_run, or of wasmvm_initialize, with wasmvm_prepare's; 0 = no limit. */
int wasmvm_config_timeout(wasmvm_config *, uint64_t ns);
/* What that counts from, in nanoseconds of CLOCK_MONOTONIC; 0 (the default) = its call. */
int wasmvm_config_began(wasmvm_config *, uint64_t ns);
/* CPU time over the instance's life, of the threads that work for it: those of its own, and whichever is inside
 * wasmvm_prepare, wasmvm_run, wasmvm_initialize, wasmvm_lookup or wasmvm_invoke; 0 = no limit. */
int wasmvm_config_cpu_time(wasmvm_config *, uint64_t ns);
/* The whole process's instead, counted from there on: nanoseconds of CLOCK_PROCESS_CPUTIME_ID; 0 (the default) = no. */
int wasmvm_config_cpu_began(wasmvm_config *, uint64_t ns);
/* Most descriptors that the program has open at a time, its standard streams included; 1 to 1,000,000, default 1,024.
 * What the process may have open (RLIMIT_NOFILE) counts as well. */
int wasmvm_config_max_files(wasmvm_config *, uint64_t files);
/* A descriptor of yours of /dev/kvm, from 3 on, in place of one that the library opens; 0 (the default) = none.  It
 * must be open when an instance is prepared, which makes a copy of its own: the program never has it. */
int wasmvm_config_kvm_fd(wasmvm_config *, uint64_t fd);
/* Most bytes that the program writes to files and to its standard streams, and most files, directories, links and unix
 * sockets that it makes, over the instance's life; past either the run ends.  0 (the default) = no limit. */
int wasmvm_config_max_written(wasmvm_config *, uint64_t bytes);
int wasmvm_config_max_created(wasmvm_config *, uint64_t files);
/* Most bytes of the trace, and of the network's log; past it the run ends.  0 (the default) = no limit. */
int wasmvm_config_max_log(wasmvm_config *, uint64_t bytes);
/* Most bytes a second to the standard streams; a program that writes more waits.  0 (the default) = no limit. */
int wasmvm_config_output_rate(wasmvm_config *, uint64_t bytes);
/* Descriptors of yours for the program's 0, 1 and 2; -1 (the default) = /dev/null.  Each instance makes copies of its
 * own when it starts: they must be open then. */
int wasmvm_config_stdio(wasmvm_config *, int in, int out, int err);
/* The process's own 0, 1 and 2 instead, as if the program were the process: what it closes is closed (its number goes
 * to /dev/null; 2 stays).  For one instance. */
int wasmvm_config_stdio_own(wasmvm_config *);
/* The network, rule by rule; the values are those of the command line's options of the same names. */
enum wasmvm_net {
    WASMVM_NET_LISTEN,        /* ADDR:PORT: a listening socket, open from the start */
    WASMVM_NET_DIAL,          /* ADDR:PORT: a connection, open from the start       */
    WASMVM_NET_ALLOW_CONNECT, /* HOST:PORT                                          */
    WASMVM_NET_ALLOW_LISTEN,  /* ADDR:PORT                                          */
    WASMVM_NET_DENY,          /* HOST[:PORT]                                        */
    WASMVM_NET_ALLOW_DNS,     /* "" or "any"                                        */
    WASMVM_NET_DNS_SERVER,    /* ADDR[:PORT]                                        */
    WASMVM_NET_ALL,           /* "": everything but what protects the host          */
    WASMVM_NET_ALLOW_UNIX,    /* "": unix sockets in granted directories            */
    WASMVM_NET_CA_CERTS,      /* a file as the program's bundle of certificates; "" = this host's */
    WASMVM_NET_LOG,           /* a file that gets a record of every connection      */
};
int wasmvm_config_net(wasmvm_config *, enum wasmvm_net, const char *value);
/* Most sockets at a time, up to 1,000,000; connections in a second, up to 1,000,000,000; and bytes in all, both ways,
 * up to 2^63-1; 0 (the default) = no limit.  One by one, or all three. */
int wasmvm_config_max_sockets(wasmvm_config *, uint64_t sockets);
int wasmvm_config_net_rate(wasmvm_config *, uint64_t per_second);
int wasmvm_config_net_bytes(wasmvm_config *, uint64_t bytes);
/* The size of each of the two buffers that a socket has in the kernel, 16 KiB to 64 MiB.  0 (the default) = the
 * kernel's own choice for the first 64 sockets that are open, 64 KiB for those beyond. */
int wasmvm_config_socket_buffer(wasmvm_config *, uint64_t bytes);
int wasmvm_config_net_limits(wasmvm_config *, uint32_t sockets, uint64_t per_second, uint64_t bytes);
/* A socket of yours (listening, connected, or a datagram one) that the program finds open, behind the directories and
 * the sockets of the rules.  It must be open when an instance is prepared, and is made non-blocking.  Each instance
 * gets a copy; or WASMVM_SOCKET_TAKEN: the one instance gets it, and closes it. */
enum { WASMVM_SOCKET_TAKEN = 1 };
int wasmvm_config_socket(wasmvm_config *, int socket, unsigned flags);
/* Host functions: module, name and sig are copied; fn is called with func->data.  `services` below says what it may do.
 * It runs on a thread of the library or on the one that called (wasmvm_invoke); calls of one instance never overlap,
 * those of several do, so data that they share needs a lock of yours.  A function must return: wasmvm_stop and time
 * limits wait for it. */
int wasmvm_config_funcs(wasmvm_config *, const wasmvm_func *, size_t n);
/* What host functions may do; filled in.  option is NULL, log tells wasmvm_config_log. */
void wasmvm_services(wasmvm_host *services);
/* How calls leave the guest: automatically (the default), always by a VM exit, or always polled by a thread. */
enum wasmvm_hypercall { WASMVM_HYPERCALL_AUTO, WASMVM_HYPERCALL_EXIT, WASMVM_HYPERCALL_POLL };
int wasmvm_config_hypercall(wasmvm_config *, enum wasmvm_hypercall);
/* Another guest image than the one in the library. */
int wasmvm_config_guest_image(wasmvm_config *, const char *file);
/* Where images of starts are kept (docs/cache.md): a directory of one's own, made if it is not there.  For modules by
 * wasmvm_module_fd. */
int wasmvm_config_cache(wasmvm_config *, const char *directory);
/* Who hears what the library has to say beside errors, a line each (refused connections, host functions' log).  On
 * any thread that works for an instance; NULL (the default) = nobody. */
int wasmvm_config_log(wasmvm_config *, void (*log)(void *context, const char *line), void *context);
/* The same, written to a descriptor of yours: "wasmvm: ", the line and its end.  -1 = nobody.  Of refused connections
 * lines are left out while it cannot be written. */
int wasmvm_config_log_fd(wasmvm_config *, int fd);
/* A line for each call that the program makes, with arguments, result and time: into a file, which each instance
 * empties, or "" = the err of wasmvm_config_stdio.  No call is answered inside the guest then. */
int wasmvm_config_trace(wasmvm_config *, const char *file);
/* wasmvm_run calls this export in place of _start, with the program's arguments as numbers, and writes its results, one
 * a line, to the out of wasmvm_config_stdio. */
int wasmvm_config_invoke(wasmvm_config *, const char *name);
/* What is left of the command line's options, by their names: "validate", "compile-all", "hypercall-all", "raw-tty",
 * "cache-now"; "cache-usual": a cache that the program could write is not used, instead of an error; "kvm-counts": the
 * report has what KVM itself counted, which the command wants for --stats and --report; "trace-start": wasmvm_report
 * has a picture of the start; "reset-check": wasmvm_reset compares all of guest memory with the snapshot, for tests. */
int wasmvm_config_flag(wasmvm_config *, const char *name);
/* wasmvm_run does not wait at its end for a host function that does not return: it returns, and the instance keeps what
 * it holds, also from wasmvm_instance_free, as the function may still be looking.  For programs that end then. */
int wasmvm_config_abandon(wasmvm_config *);
/* The first error that a setter met, or what is wrong with the whole, as wasmvm_instance_new would tell it. */
int wasmvm_config_check(const wasmvm_config *, wasmvm_error *error);

/* ---- modules ---- */
typedef struct wasmvm_module wasmvm_module;
/* Reads a file once; or copies bytes, named for error sentences and as the program's argv[0].  At most 1 GiB.  Nothing
 * is parsed outside a virtual machine: whether the module is valid, wasmvm_module_validate tells, or the first run.
 * Each machine compiles, for itself, the functions that it calls. */
wasmvm_module *wasmvm_module_file(const char *path, wasmvm_error *error);
wasmvm_module *wasmvm_module_bytes(const void *bytes, size_t n, const char *name, wasmvm_error *error);
/* From a descriptor, which the module takes over: each instance reads it into its machine's memory when it starts, with
 * no copy in between, and the last one that needs it closes it.  A file; or a pipe, non-blocking, for one instance,
 * which waits for its end under the time limit. */
wasmvm_module *wasmvm_module_fd(int fd, const char *name, wasmvm_error *error);
/* In a machine made for it: WASMVM_OK, WASMVM_E_INVALID or WASMVM_E_HOST. */
int wasmvm_module_validate(wasmvm_module *, wasmvm_error *error);
void wasmvm_module_free(wasmvm_module *); /* instances keep what they need; NULL is nothing */

/* ---- instances ---- */
typedef struct wasmvm_instance wasmvm_instance;
/* NULL: *error.  Cheap: the machine itself is made by wasmvm_prepare. */
wasmvm_instance *wasmvm_instance_new(wasmvm_module *, wasmvm_config *, wasmvm_error *error);
/* Ends it, where it is alive, and gives everything back.  NULL is nothing. */
void wasmvm_instance_free(wasmvm_instance *);
/* Host functions of this instance alone, before it is prepared or started, beside those of its configuration, which
 * count first.  `from` is a library's file or a process's command; name and version are shown by wasmvm_report and in
 * errors.  Nothing is copied: all of it stays until wasmvm_instance_free. */
typedef struct wasmvm_provider {
    const char *name, *version, *from;
    uint32_t flags; /* WASMVM_PLUGIN_*, of which ONE_THREAD's thread is wasmvm_run's; and */
} wasmvm_provider;
#define WASMVM_PROVIDER_PROCESS 0x80000000u
int wasmvm_instance_provider(wasmvm_instance *, const wasmvm_provider *, const wasmvm_func *, size_t n,
                             wasmvm_error *error);
/* Opens all that the configuration names (directories, sockets, files of certificates and logs), makes the machine and
 * reads the module into it; nothing of the guest has run.  Afterwards wasmvm_run or wasmvm_initialize need nothing of
 * the host by its name, so that the process can be confined in between.  Once for an instance; they do it where it was
 * not done.  Where it fails, *error says why, and the instance is over.  Limits of wall time count its time too, not
 * what passes until wasmvm_run (but for wasmvm_config_began). */
int wasmvm_prepare(wasmvm_instance *, wasmvm_error *error);
/* A machine for many runs.  wasmvm_snapshot does what wasmvm_prepare does, and loads the module: the machine
 * stands just before the module's first instruction, its start function included, and that state is kept.  After
 * each wasmvm_run that returned WASMVM_OK, wasmvm_reset takes it back there, and it can be run again: in a
 * microsecond for each few pages that were ever written, instead of a start.  wasmvm_snapshot fails with
 * WASMVM_E_USAGE where the instance has plug-ins (wasmvm_instance_provider), the process's own streams, a time
 * that began before (_began, _cpu_began), or a socket that is TAKEN; with WASMVM_E_HOST where the module has more
 * than one memory.
 *
 * wasmvm_snapshot after such a run, in place of wasmvm_reset: the functions that it compiled are compiled for
 * the new snapshot, and no later run does it again.
 *
 * After a reset all guest memory, page tables and registers (x87, SSE, AVX, PKRU, FS base) are as they were at
 * the snapshot, memory that grew is given back, and nothing of the run is left that ended.  Fresh, as for a new
 * instance: the program's start entropy and random numbers, its clocks; all that the configuration names, opened
 * anew by its name (directories, sockets of rules, files of the trace, which is emptied, and of the network's log;
 * descriptors of yours are copied again, and must be open); an empty /tmp; the program's descriptors, cookies of
 * directories, signals that it asked for, name lookups; limits and counts of time, CPU time, bytes, files and
 * lines; wasmvm_report and _statistics.  Not taken back: what the run did outside (files, flags and offsets of
 * descriptors that you share with it), and what your host functions keep.  A stop that came before the reset is
 * forgotten.
 *
 * wasmvm_reset fails with WASMVM_E_USAGE, and nothing has changed, where there was no such run: after a trap, a
 * time limit, a stop or a crash make a new instance; and in a process that wasmvm_confine confined.  After any
 * other error the instance is over. */
int wasmvm_snapshot(wasmvm_instance *, wasmvm_error *error);
int wasmvm_reset(wasmvm_instance *, wasmvm_error *error);
/* After wasmvm_prepare: gives up, for the whole process and for good, what a run does not need: system calls, files but
 * those granted, capabilities; root becomes nobody where that does no harm.  A call that it does not expect then ends
 * the process (SIGSYS).  For a process that runs this one instance by wasmvm_run and does nothing else any more: what
 * you have open stays open, and a thread of yours must take the signal SIGRTMIN+7 once.  docs/security.md has what is
 * left.  WASMVM_JAIL_WEAK, and any where host functions are not a process's: all calls but some that nobody needs. */
enum wasmvm_jail { WASMVM_JAIL_ON, WASMVM_JAIL_WEAK };
int wasmvm_confine(wasmvm_instance *, enum wasmvm_jail, wasmvm_error *error);
/* Runs the program's _start to its end, on this thread.  Once for an instance.  WASMVM_OK: it ended by itself, with
 * the status of wasmvm_exit_status. */
int wasmvm_run(wasmvm_instance *, wasmvm_error *error);
/* Of an instance that is over: the program's, or as the command wasmvm would have it; -1 = it is not over. */
int wasmvm_exit_status(const wasmvm_instance *);
/* After a trap: where it was, a line for each frame, in the module's own names; "" = nothing.  Lives as long as the
 * instance. */
const char *wasmvm_backtrace(const wasmvm_instance *);
/* Whether it is over and keeps what it holds (wasmvm_config_abandon). */
int wasmvm_abandoned(const wasmvm_instance *);
/* Ends it from outside: what runs returns WASMVM_E_STOPPED soon.  Async-signal-safe. */
void wasmvm_stop(wasmvm_instance *);
/* The same as if by a signal: the status is 128 and its number.  SIGQUIT: it first says where it is, for at most two
 * seconds or until the next stop (wasmvm_backtrace, wasmvm_tell). */
void wasmvm_stop_as(wasmvm_instance *, int signal);
/* A signal for the program, by its number (as Linux has it, and WASI): what came of it. Where the program never asked
 * for signals, or not for this one, UNWANTED, which is 0: then the signal means what it means to you. Else the program
 * reads of it; a number that comes again before it was read is UNREAD, and is read once. IGNORED: the program wants it
 * to have no effect. Async-signal-safe; from any thread. */
enum wasmvm_signal { WASMVM_SIGNAL_UNWANTED, WASMVM_SIGNAL_TAKEN, WASMVM_SIGNAL_UNREAD, WASMVM_SIGNAL_IGNORED };
int wasmvm_signal(wasmvm_instance *, int number);
/* Whether it is to end and has not yet: WASMVM_E_STOPPED or WASMVM_E_TIME, and *error; else WASMVM_OK. */
int wasmvm_stopping(wasmvm_instance *, wasmvm_error *error);

/* ---- pools ---- */
/* Machines of one module and configuration that stand ready behind wasmvm_snapshot.  Any thread may use a pool; a
 * machine is used by whoever took it, as any instance is. */
typedef struct wasmvm_pool wasmvm_pool;
/* Makes them; NULL: *error, as wasmvm_snapshot tells it. */
wasmvm_pool *wasmvm_pool_new(wasmvm_module *, wasmvm_config *, uint32_t machines, wasmvm_error *error);
/* One that is ready for wasmvm_run; where all are in use, another one is made.  NULL: *error. */
wasmvm_instance *wasmvm_pool_take(wasmvm_pool *, wasmvm_error *error);
/* It is taken back by wasmvm_reset, the first time by wasmvm_snapshot, so that later runs find its functions compiled.
 * It is freed, and a later wasmvm_pool_take makes another, where that fails: after a trap, a limit, a stop, a crash;
 * and where as many stand ready as the pool has.  The caller uses it no more.  NULL is nothing. */
void wasmvm_pool_give(wasmvm_pool *, wasmvm_instance *);
/* Those that are in use are not the pool's: they are freed by wasmvm_instance_free, before or after it. */
void wasmvm_pool_free(wasmvm_pool *);

/* ---- a module kept alive (Go: -buildmode=c-shared) ---- */
/* Makes the machine and calls _initialize, if there is one.  Once for an instance, instead of wasmvm_run. */
int wasmvm_initialize(wasmvm_instance *, wasmvm_error *error);
/* An exported function; valid as long as the instance. */
typedef struct wasmvm_export wasmvm_export;
int wasmvm_lookup(wasmvm_instance *, const char *name, const wasmvm_export **out, wasmvm_error *error);
/* Its type as in wasmvm_func: "ii:i". */
const char *wasmvm_export_sig(const wasmvm_export *);
/* Calls it, on behalf of this thread.  nargs and nresults are those of its type, else WASMVM_E_TYPE.  Of an i32 or f32
 * argument only the low 32 bits count; results are zero-extended.  After any other error the instance is over: its
 * memory is as the guest left it, somewhere in the middle. */
int wasmvm_invoke(wasmvm_instance *, const wasmvm_export *, const wasmvm_val *args, size_t nargs, wasmvm_val *results,
                  size_t nresults, wasmvm_error *error);
/* Wall time for each wasmvm_invoke from now on; 0 (the default) = no limit.  One that is over ends the instance. */
int wasmvm_call_limit(wasmvm_instance *, uint64_t ns);

/* ---- its memory, while nothing runs in it, or in a host function (`services` has the same for that) ---- */
uint64_t wasmvm_memory_size(const wasmvm_instance *); /* bytes of memory 0; 0 before it has started */
/* Copies; WASMVM_OK, or WASMVM_E_USAGE where a byte lies outside (nothing is copied then). */
int wasmvm_memory_read(const wasmvm_instance *, uint32_t at, void *to, size_t n);
int wasmvm_memory_write(wasmvm_instance *, uint32_t at, const void *from, size_t n);

/* ---- how it ended, what it cost ---- */
/* Tells the log, in the command's words, how it ended, or failed to start: a sentence with the option that helps, and
 * the backtrace; nothing where the program ended by itself or by a signal.  Of one that is to end (wasmvm_stopping) and
 * does not, because a host function is stuck: how it is going to, from another thread. */
void wasmvm_tell(wasmvm_instance *);
/* The first path that it asked for in a directory that nobody granted, and how often that happened; "" = none. */
const char *wasmvm_missing_path(const wasmvm_instance *, uint64_t *count);
/* As the command's --report (one JSON object) and --stats, of an instance that is over, or to end as for wasmvm_tell:
 * a text for free().  NULL: no memory.  Of one that failed to start the table is "". */
enum wasmvm_report { WASMVM_REPORT_JSON, WASMVM_REPORT_TABLE, WASMVM_REPORT_START /* --trace-start's picture */ };
char *wasmvm_report(wasmvm_instance *, enum wasmvm_report);
/* The JSON object of a run that had no instance. */
char *wasmvm_report_failure(const char *module, int status, const char *text);

typedef struct wasmvm_statistics {
    size_t size;                          /* set by you: sizeof (wasmvm_statistics); members are added at the end */
    uint64_t exits;                       /* of the virtual machine */
    uint64_t calls, calls_polled;         /* between guest and host; of them, without an exit */
    uint64_t memory_bytes;                /* linear memory */
    /* Counted once the instance is over, 0 before: */
    uint64_t start_ns, run_ns, cpu_ns;    /* until the program began, and since; CPU time of the guest */
    uint64_t funcs_total, funcs_compiled; /* functions of the module; those that were called, and so compiled */
    /* Of wasmvm_reset: how often; of the last one, pages copied, bytes of grown memory given back, KVM's ioctls: */
    uint64_t resets, reset_pages, reset_dropped_bytes, reset_ioctls;
} wasmvm_statistics;
int wasmvm_instance_statistics(const wasmvm_instance *, wasmvm_statistics *);

#ifdef __cplusplus
}
#endif

#endif
