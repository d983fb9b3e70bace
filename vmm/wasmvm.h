/* libwasmvm: runs WebAssembly modules inside your program, each in a KVM virtual machine of its
 * own.  Modules use WASI preview 1, as Go's GOOS=wasip1 makes them.  docs/embedding.md has whole
 * programs.
 *
 *   configuration   wasmvm_config: what a machine may use.  It has no access to anything else
 *   module          wasmvm_module: the bytes of a program, kept once
 *   instance        wasmvm_instance: a machine for one module.  It runs a program once
 *                   (wasmvm_run), or it stays alive and you call its exports (wasmvm_initialize,
 *                   wasmvm_lookup, wasmvm_invoke)
 *
 * Errors: a function that can fail returns an enum wasmvm_code, or NULL.  It fills *error, unless
 * error is NULL.
 *
 * Threads: different threads may use different handles at the same time.  Many instances may share
 * one configuration or module.  Only one thread at a time may use an instance, with five
 * exceptions: wasmvm_stop, wasmvm_stop_as, wasmvm_signal, wasmvm_stopping and wasmvm_exit_status.
 * Any thread may call these at any time until wasmvm_instance_free.  A host function must not free
 * the instance that calls it.  It calls exports by wasmvm_host; wasmvm_lookup, wasmvm_invoke and
 * what starts, snapshots or resets that instance fail with WASMVM_E_USAGE there.
 *
 * Your process: the library changes no signal disposition, limit, umask or working directory, and
 * prints nothing.  It changes the signal mask of its own threads, and that of a calling thread
 * during the call.  A signal that your program handles does not end a call.
 *
 * Ownership: a comment says so if a function copies what a pointer refers to.  Everything else must
 * stay valid as long as the handle. */
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
    WASMVM_E_USAGE = 1,   /* an argument or a configuration is not valid */
    WASMVM_E_HOST,        /* the host could not do its part: no /dev/kvm, memory or permission */
    WASMVM_E_NO_MODULE,   /* the module cannot be read */
    WASMVM_E_INVALID,     /* the module is not valid, or imports what nobody provides */
    WASMVM_E_TRAP,        /* the module trapped */
    WASMVM_E_TIME,        /* a time limit is reached */
    WASMVM_E_STOPPED,     /* wasmvm_stop was called */
    WASMVM_E_GUEST,       /* the guest was stopped: engine memory, a crash, a hostile hypercall */
    WASMVM_E_PIPE,        /* the program wrote to a standard stream that nobody reads any more */
    WASMVM_E_EXIT,        /* the program called proc_exit where an export's return was expected */
    WASMVM_E_NO_EXPORT,   /* the module exports no such function */
    WASMVM_E_TYPE,        /* the function cannot be called from C, or has another type */
};

/* text is one sentence in UTF-8 without control characters; "" means that there is none.  status is
 * the exit status that the command wasmvm would have had; its manual page lists them. */
typedef struct wasmvm_error {
    int code, status;
    char text[1016];
} wasmvm_error;

/* "0.1.0" */
const char *wasmvm_version(void);

/* ---- configuration ----
 * All strings are copied.  A setter returns WASMVM_OK, WASMVM_E_USAGE, or WASMVM_E_HOST for lack of
 * memory.  The configuration keeps the first error with its sentence, and wasmvm_instance_new
 * reports it.  Once an instance was made from a configuration, the configuration can no longer be
 * changed. */
typedef struct wasmvm_config wasmvm_config;
wasmvm_config *wasmvm_config_new(void); /* NULL: no memory */
/* Instances keep what they need of it.  NULL is allowed and does nothing. */
void wasmvm_config_free(wasmvm_config *);
/* Adds one argument of the program, after its name. */
int wasmvm_config_arg(wasmvm_config *, const char *arg);
/* Sets NAME=VALUE in the program's environment.  A later call with the same name wins. */
int wasmvm_config_env(wasmvm_config *, const char *name, const char *value);
/* Grants the directory `host` under the name `guest`.  `guest` is absolute and clean: "/",
 * "/data". */
enum {
    WASMVM_DIR_READ_ONLY = 1,
    WASMVM_DIR_RELATIVE =
        2, /* `guest` is clean, and relative to the start directory: ".", "../x" */
    /* a further name: its descriptor comes after all others and sockets  */
    WASMVM_DIR_LAST = 4,
    WASMVM_DIR_MOUNTS = 8, /* grants what is mounted below it, too; always so for "/"            */
};
int wasmvm_config_dir(wasmvm_config *, const char *host, const char *guest, unsigned flags);
/* Gives each instance an empty directory of its own as /tmp.  It is made in TMPDIR, or in the
 * host's /tmp, and removed when the instance is over. */
int wasmvm_config_tmp(wasmvm_config *);
/* Limits linear memory, in bytes.  4 GiB is both the default and the maximum.  A module that needs
 * more at its start is refused. */
int wasmvm_config_memory(wasmvm_config *, uint64_t bytes);
/* Limits everything that the program can make the machine hold: linear memories, the engine's heap
 * and code, stack and module.  1 MiB to 64 GiB.  0 (the default): the sum of _memory, _stack and
 * 1 GiB. */
int wasmvm_config_total_memory(wasmvm_config *, uint64_t bytes);
/* Limits the stack of wasm calls: 64 KiB to 8 GiB, rounded up to 2 MiB.  The default is 256 MiB. */
int wasmvm_config_stack(wasmvm_config *, uint64_t bytes);
/* Limits the wall time of wasmvm_run or of wasmvm_initialize, together with that of wasmvm_prepare.
 * 0: no limit. */
int wasmvm_config_timeout(wasmvm_config *, uint64_t ns);
/* Sets when that time began, in nanoseconds of CLOCK_MONOTONIC.  0 (the default): when it is
 * called. */
int wasmvm_config_began(wasmvm_config *, uint64_t ns);
/* Limits the CPU time over the instance's life.  It counts the instance's own threads.  It also
 * counts a thread inside wasmvm_prepare, wasmvm_run, wasmvm_initialize, wasmvm_lookup or
 * wasmvm_invoke.  0: no limit. */
int wasmvm_config_cpu_time(wasmvm_config *, uint64_t ns);
/* Counts the CPU time of the whole process instead, from this value of CLOCK_PROCESS_CPUTIME_ID on,
 * in nanoseconds.  0 (the default): do not. */
int wasmvm_config_cpu_began(wasmvm_config *, uint64_t ns);
/* Limits how many descriptors the program has open at a time, its standard streams included: 1 to
 * 1,000,000, default 1,024.  The process's own RLIMIT_NOFILE limits it as well. */
int wasmvm_config_max_files(wasmvm_config *, uint64_t files);
/* Passes a descriptor of /dev/kvm, 3 or higher, so that the library opens none.  0 (the default):
 * none.  It must be open when an instance is prepared.  The instance makes a copy, and the program
 * never gets it. */
int wasmvm_config_kvm_fd(wasmvm_config *, uint64_t fd);
/* Passes a memfd that becomes the program's first linear memory, so that another process can map it
 * too.  0 (the default): none.  It must allow seals: the library gives it the size of _memory, and
 * seals it against shrinking and growing.  For one instance only. */
int wasmvm_config_memory_fd(wasmvm_config *, uint64_t fd);
/* Both limits hold over the instance's life, and passing one ends the run.  0 (the default): no
 * limit.
 * _max_written: bytes that the program writes to files and to its standard streams.
 * _max_created: files, directories, links and unix sockets that it makes. */
int wasmvm_config_max_written(wasmvm_config *, uint64_t bytes);
int wasmvm_config_max_created(wasmvm_config *, uint64_t files);
/* Limits the bytes of the trace, and those of the network's log.  Passing it ends the run.  0 (the
 * default): no limit. */
int wasmvm_config_max_log(wasmvm_config *, uint64_t bytes);
/* Limits the bytes a second to the standard streams.  A program that writes more waits.  0 (the
 * default): no limit. */
int wasmvm_config_output_rate(wasmvm_config *, uint64_t bytes);
/* Passes your descriptors for the program's 0, 1 and 2; -1 (the default) is /dev/null.  They must
 * be open when an instance starts, as each instance then makes copies of its own. */
int wasmvm_config_stdio(wasmvm_config *, int in, int out, int err);
/* Gives the program the process's own 0, 1 and 2 instead, as if it were the process.  If the
 * program closes one, that number of the process becomes /dev/null; 2 stays.  For one instance
 * only. */
int wasmvm_config_stdio_own(wasmvm_config *);
/* Adds one rule of the network.  Values are those of the command line's options of the same
 * names. */
enum wasmvm_net {
    WASMVM_NET_LISTEN,        /* ADDR:PORT: a listening socket, open from the start */
    WASMVM_NET_DIAL,          /* ADDR:PORT: a connection, open from the start       */
    WASMVM_NET_ALLOW_CONNECT, /* HOST:PORT                                          */
    WASMVM_NET_ALLOW_LISTEN,  /* ADDR:PORT                                          */
    WASMVM_NET_DENY,          /* HOST[:PORT]                                        */
    WASMVM_NET_ALLOW_DNS,     /* "" or "any"                                        */
    WASMVM_NET_DNS_SERVER,    /* ADDR[:PORT]                                        */
    WASMVM_NET_ALL,           /* "": everything but protected addresses             */
    WASMVM_NET_ALLOW_UNIX,    /* "": unix sockets in granted directories            */
    WASMVM_NET_CA_CERTS,      /* a file as the program's bundle of certificates; "" = this host's */
    WASMVM_NET_LOG,           /* a file that gets a record of every connection      */
};
int wasmvm_config_net(wasmvm_config *, enum wasmvm_net, const char *value);
/* Limits the sockets open at a time (up to 1,000,000), the connections in a second (up to
 * 1,000,000,000), and the bytes in both directions together (up to 2^63-1).  0 (the default): no
 * limit.  wasmvm_config_net_limits sets all three. */
int wasmvm_config_max_sockets(wasmvm_config *, uint64_t sockets);
int wasmvm_config_net_rate(wasmvm_config *, uint64_t per_second);
int wasmvm_config_net_bytes(wasmvm_config *, uint64_t bytes);
/* Sets the size of each of a socket's two buffers in the kernel: 16 KiB to 64 MiB.  0 (the
 * default): the kernel chooses for the first 64 open sockets, and further ones get 64 KiB. */
int wasmvm_config_socket_buffer(wasmvm_config *, uint64_t bytes);
int wasmvm_config_net_limits(wasmvm_config *, uint32_t sockets, uint64_t per_second,
                             uint64_t bytes);
/* Passes a socket of yours: a listening, connected or datagram one.  The program finds it open,
 * with a descriptor after the directories and the sockets of the rules.  It must be open when an
 * instance is prepared, and is made non-blocking.  Each instance gets a copy.  With
 * WASMVM_SOCKET_TAKEN the only instance gets the socket itself and closes it. */
enum { WASMVM_SOCKET_TAKEN = 1 };
int wasmvm_config_socket(wasmvm_config *, int socket, unsigned flags);
/* Adds host functions; module, name and sig are copied.  The library calls fn with func->data.
 * wasmvm_services has the functions that fn may call.  fn runs on a thread of the library, or on
 * the one that called wasmvm_invoke.  Calls of one instance never overlap.  Calls of several
 * instances do, so data that they share needs a lock of yours.  A function must return: wasmvm_stop
 * and time limits wait for it. */
int wasmvm_config_funcs(wasmvm_config *, const wasmvm_func *, size_t n);
/* Fills in the functions that host functions may call.  option is NULL there, and log writes to
 * wasmvm_config_log. */
void wasmvm_services(wasmvm_host *services);
/* Sets how calls leave the guest: as the library decides (the default), always by a VM exit, or
 * always polled by a thread. */
enum wasmvm_hypercall { WASMVM_HYPERCALL_AUTO, WASMVM_HYPERCALL_EXIT, WASMVM_HYPERCALL_POLL };
int wasmvm_config_hypercall(wasmvm_config *, enum wasmvm_hypercall);
/* Uses another guest image than the one in the library. */
int wasmvm_config_guest_image(wasmvm_config *, const char *file);
/* Keeps images of starts (docs/cache.md) in this directory, and makes it if it is not there.
 * Nothing else should use the directory.  It serves modules of wasmvm_module_fd only. */
int wasmvm_config_cache(wasmvm_config *, const char *directory);
/* Makes wasmvm_run run nothing: it writes an image of the module's start, with the module in it,
 * into this empty file (docs/shipping.md).  The descriptor stays yours.  Such a file is a module
 * for wasmvm_module_fd and wasmvm_module_file.  With a list_fd, the image has the functions that
 * an earlier run with the same list_fd, and no build_fd, has compiled; else it has all. */
int wasmvm_config_build_fd(wasmvm_config *, uint64_t fd);
int wasmvm_config_list_fd(wasmvm_config *, uint64_t fd);
/* Sets who gets messages that are no errors, such as refused connections and the log of host
 * functions.  Each call has one line, on any thread that works for an instance.  NULL (the
 * default): nobody. */
int wasmvm_config_log(wasmvm_config *, void (*log)(void *context, const char *line), void *context);
/* Writes the same messages to a descriptor of yours: "wasmvm: ", the line, a newline.  -1: nobody.
 * While it cannot be written, lines about refused connections are dropped. */
int wasmvm_config_log_fd(wasmvm_config *, int fd);
/* Writes a line for each call of the program, with arguments, result and time.  The lines go to a
 * file, which each instance empties first, or with "" to the err of wasmvm_config_stdio.  With a
 * trace the guest answers no call itself. */
int wasmvm_config_trace(wasmvm_config *, const char *file);
/* Makes wasmvm_run call this export in place of _start, with the program's arguments as numbers.
 * It writes the results to the out of wasmvm_config_stdio, one a line. */
int wasmvm_config_invoke(wasmvm_config *, const char *name);
/* Sets one of the remaining options of the command line by its name: "validate", "compile-all",
 * "hypercall-all", "raw-tty", "cache-now", "dense", "container".  There are four more:
 *   "cache-usual"   a cache that the program could write is not used, and is no error
 *   "kvm-counts"    the report has what KVM itself counted, for --stats and --report
 *   "trace-start"   wasmvm_report has a picture of the start
 *   "reset-check"   wasmvm_reset compares all of guest memory with the snapshot, for tests */
int wasmvm_config_flag(wasmvm_config *, const char *name);
/* For programs that end right after wasmvm_run.  Its end then does not wait for a host function
 * that does not return.  As that function may still be running, the instance keeps all that it
 * holds, and wasmvm_instance_free does not free it. */
int wasmvm_config_abandon(wasmvm_config *);
/* Reports what wasmvm_instance_new would: the first error of a setter, or an error of the whole. */
int wasmvm_config_check(const wasmvm_config *, wasmvm_error *error);

/* ---- modules ---- */
typedef struct wasmvm_module wasmvm_module;
/* Reads a file once, or copies bytes; at most 1 GiB.  A file of the caller's or root's may be an
 * image (build_fd), whose compiled code nobody validates.  So strangers' bytes belong in
 * wasmvm_module_bytes or a pipe, which take modules alone.  `name` is used in error sentences and
 * is the program's argv[0].  Nothing is parsed outside a virtual machine, so wasmvm_module_validate
 * or the first run tells whether the module is valid.  Each machine compiles the functions that it
 * calls, for itself. */
wasmvm_module *wasmvm_module_file(const char *path, wasmvm_error *error);
wasmvm_module *wasmvm_module_bytes(const void *bytes, size_t n, const char *name,
                                   wasmvm_error *error);
/* Takes over a descriptor.  Each instance reads it into its machine's memory when it starts,
 * without a copy in between.  The last instance that needs it closes it.  It may be a file.  It may
 * also be a non-blocking pipe, for one instance, which waits for the pipe's end under the time
 * limit. */
wasmvm_module *wasmvm_module_fd(int fd, const char *name, wasmvm_error *error);
/* Validates the module in a machine made for it: WASMVM_OK, WASMVM_E_INVALID or WASMVM_E_HOST.  Of
 * an image that is the module inside, and not the compiled code. */
int wasmvm_module_validate(wasmvm_module *, wasmvm_error *error);
/* Instances keep what they need of it.  NULL is allowed and does nothing. */
void wasmvm_module_free(wasmvm_module *);

/* ---- instances ---- */
typedef struct wasmvm_instance wasmvm_instance;
/* NULL: see *error.  This is cheap: wasmvm_prepare makes the machine. */
wasmvm_instance *wasmvm_instance_new(wasmvm_module *, wasmvm_config *, wasmvm_error *error);
/* Ends the instance if it is alive, and frees all that it holds.  NULL is allowed and does
 * nothing. */
void wasmvm_instance_free(wasmvm_instance *);
/* Adds host functions to this instance alone, before it is prepared or started.  If the
 * configuration has a function of the same name, that one is used.  `from` is a library's file or a
 * process's command.  wasmvm_report and errors show name and version.  Nothing is copied: all of it
 * must stay valid until wasmvm_instance_free. */
typedef struct wasmvm_provider {
    const char *name, *version, *from;
    /* WASMVM_PLUGIN_* and the one below.  ONE_THREAD means the thread that calls wasmvm_run. */
    uint32_t flags;
} wasmvm_provider;
#define WASMVM_PROVIDER_PROCESS 0x80000000u
#define WASMVM_PROVIDER_CALLER 0x40000000u /* no child: only its open socket is needed */
/* a library in a process of its own, which no system call beyond the usual ones is needed for */
#define WASMVM_PROVIDER_APART 0x20000000u
int wasmvm_instance_provider(wasmvm_instance *, const wasmvm_provider *, const wasmvm_func *,
                             size_t n, wasmvm_error *error);
/* Counts the CPU time of a child process as well, for wasmvm_config_cpu_time: at most 16 of
 * them. */
void wasmvm_instance_counts(wasmvm_instance *, int pid);
/* Opens everything that the configuration names: directories, sockets, files of certificates and
 * logs.  Makes the machine and reads the module into it; the guest has not run.  Afterwards
 * wasmvm_run and wasmvm_initialize open nothing of the host by its name, so the process can be
 * confined in between.
 *
 * An instance is prepared once; wasmvm_run and wasmvm_initialize do it if you did not.  If it
 * fails, *error says why, and the instance is over.  A limit of wall time counts the time of this
 * call.  It does not count the time between this call and wasmvm_run, unless wasmvm_config_began is
 * set. */
int wasmvm_prepare(wasmvm_instance *, wasmvm_error *error);
/* A machine for many runs: wasmvm_snapshot once, then wasmvm_run and wasmvm_reset in turn.
 *
 * wasmvm_snapshot does what wasmvm_prepare does, and loads the module.  The machine then stands
 * just before the module's first instruction (its start function included), and that state is kept.
 * After each wasmvm_run that returned WASMVM_OK, wasmvm_reset takes the machine back to that state,
 * and it can run again.  A reset takes a microsecond for each few pages that were ever written,
 * instead of a start.
 *
 * You may call wasmvm_snapshot again after such a run, in place of wasmvm_reset.  The functions
 * that the run compiled are then compiled in the new snapshot, and no later run compiles them.
 *
 * Of a module kept alive, wasmvm_snapshot keeps the state between two calls: call it after
 * wasmvm_initialize, when no call runs.  wasmvm_reset then takes the module back to that state,
 * between two calls or after a call that ended by an exit, and it can be called again.  The
 * functions of wasmvm_lookup stay valid.  In this state the module has its random numbers already:
 * a Go module's math/rand and order of maps repeat after each reset, random_get and crypto/rand do
 * not.  It fails with WASMVM_E_USAGE if the module opened or closed descriptors, or asked for
 * signals.  Flags that it set on its standard streams are set again; /tmp is empty.
 *
 * wasmvm_snapshot fails with WASMVM_E_USAGE if the instance has plug-ins
 * (wasmvm_instance_provider), the process's own streams, a time that began before (_began,
 * _cpu_began), or a TAKEN socket.  It fails with WASMVM_E_HOST if the module has more than one
 * memory.
 *
 * A reset restores all guest memory, page tables and registers (x87, SSE, AVX, PKRU, FS base) to
 * their state at the snapshot.  Memory that grew is given back.  Nothing of the finished run is
 * left.  The following is fresh, as in a new instance:
 *   - the program's start entropy and random numbers, and its clocks
 *   - all that the configuration names, opened again by its name: directories, sockets of rules,
 *     the file of the trace (which is emptied) and that of the network's log
 *   - copies of your descriptors, which must be open
 *   - an empty /tmp
 *   - the program's descriptors, directory cookies, signals that it asked for, and name lookups
 *   - limits and counts of time, CPU time, bytes, files and lines
 *   - wasmvm_report and wasmvm_instance_statistics
 *
 * A reset does not undo what the run did outside: files, flags and offsets of descriptors that you
 * share with it, and what your host functions keep.  A stop that came before the reset is
 * forgotten.
 *
 * wasmvm_reset fails with WASMVM_E_USAGE, and changes nothing, if no such run came before: after a
 * trap, a time limit, a stop or a crash make a new instance.  It also fails so in a process that
 * wasmvm_confine confined.  After any other error the instance is over. */
int wasmvm_snapshot(wasmvm_instance *, wasmvm_error *error);
int wasmvm_reset(wasmvm_instance *, wasmvm_error *error);
/* Confines the whole process for good, after wasmvm_prepare.  It gives up what a run does not need:
 * system calls, all files but the granted ones, capabilities.  Root becomes nobody where that does
 * no harm.  A system call that is not expected then ends the process (SIGSYS).  docs/security.md
 * lists what is left.
 *
 * Use it in a process that only runs this one instance by wasmvm_run from then on.  Descriptors
 * that you have open stay open.  Each other thread of yours must take the signal SIGRTMIN+7 once,
 * on its stack for signals if it has one.  There may be 64 of them.  After a minute in which one of
 * them blocks that signal this fails.  What another thread forks meanwhile cannot confine itself.
 *
 * WASMVM_JAIL_WEAK forbids only some system calls that nobody needs.  The same holds with host
 * functions, unless all of them belong to plug-in processes. */
enum wasmvm_jail { WASMVM_JAIL_ON, WASMVM_JAIL_WEAK };
int wasmvm_confine(wasmvm_instance *, enum wasmvm_jail, wasmvm_error *error);
/* Runs the program's _start to its end, on this thread.  Once for an instance, unless it is reset.
 * WASMVM_OK: the program ended by itself, and wasmvm_exit_status has its status. */
int wasmvm_run(wasmvm_instance *, wasmvm_error *error);
/* The exit status of an instance that is over: the program's own, or the one that the command
 * wasmvm would have had.  -1: the instance is not over. */
int wasmvm_exit_status(const wasmvm_instance *);
/* After a trap: where it was, one line for each frame, in the module's own names.  "": there is
 * none.  The text lives as long as the instance. */
const char *wasmvm_backtrace(const wasmvm_instance *);
/* Whether the instance is over and still keeps what it holds (wasmvm_config_abandon). */
int wasmvm_abandoned(const wasmvm_instance *);
/* Ends the instance from outside: the call that runs soon returns WASMVM_E_STOPPED.
 * Async-signal-safe. */
void wasmvm_stop(wasmvm_instance *);
/* The same as by a signal: the status is 128 and the signal's number.  With SIGQUIT the program
 * first says where it is, for at most two seconds or until the next stop (wasmvm_backtrace,
 * wasmvm_tell). */
void wasmvm_stop_as(wasmvm_instance *, int signal);
/* Passes a signal to the program, by Linux's and WASI's number.  Async-signal-safe; from any
 * thread.
 *   UNWANTED (0)  the program never asked for signals, or not for this one: treat it as your own
 *   TAKEN         the program will read it
 *   UNREAD        the same signal came before and was not read yet: the program reads it once
 *   IGNORED       the program wants it to have no effect */
enum wasmvm_signal {
    WASMVM_SIGNAL_UNWANTED,
    WASMVM_SIGNAL_TAKEN,
    WASMVM_SIGNAL_UNREAD,
    WASMVM_SIGNAL_IGNORED
};
int wasmvm_signal(wasmvm_instance *, int number);
/* Whether the instance was told to end and has not ended yet: WASMVM_E_STOPPED or WASMVM_E_TIME,
 * and *error.  Otherwise WASMVM_OK. */
int wasmvm_stopping(wasmvm_instance *, wasmvm_error *error);

/* ---- pools ---- */
/* A pool keeps machines of one module and configuration ready, each at its wasmvm_snapshot.  Any
 * thread may use a pool.  A machine belongs to whoever took it, as any instance does. */
typedef struct wasmvm_pool wasmvm_pool;
/* Makes the machines.  They share the pages of one loaded module until they write them, and what
 * the first run compiled.  NULL: *error is that of wasmvm_snapshot. */
wasmvm_pool *wasmvm_pool_new(wasmvm_module *, wasmvm_config *, uint32_t machines,
                             wasmvm_error *error);
/* Takes a machine that is ready for wasmvm_run.  If all are in use, it makes another; also in place
 * of one that was made before the first run, and would have to compile.  NULL: see *error. */
wasmvm_instance *wasmvm_pool_take(wasmvm_pool *, wasmvm_error *error);
/* Gives a machine back; the caller must not use it any more.  NULL is allowed and does nothing.
 *
 * The pool calls wasmvm_reset for it.  The first time it calls wasmvm_snapshot instead, so that
 * later runs find their functions compiled.  If that fails (after a trap, a limit, a stop, a
 * crash), the machine is freed, and a later wasmvm_pool_take makes another.  It is also freed if
 * the pool already has all its machines, and if it did not run after a wasmvm_memory_write, a
 * wasmvm_stop or a wasmvm_confine. */
void wasmvm_pool_give(wasmvm_pool *, wasmvm_instance *);
/* Frees the machines that are ready.  Those in use are not the pool's: free them by
 * wasmvm_instance_free, before or after. */
void wasmvm_pool_free(wasmvm_pool *);

/* ---- a module kept alive (Go: -buildmode=c-shared) ---- */
/* Makes the machine and calls _initialize, if the module exports it.  Once for an instance, instead
 * of wasmvm_run. */
int wasmvm_initialize(wasmvm_instance *, wasmvm_error *error);
/* An exported function; valid as long as the instance. */
typedef struct wasmvm_export wasmvm_export;
int wasmvm_lookup(wasmvm_instance *, const char *name, const wasmvm_export **out,
                  wasmvm_error *error);
/* The export's type, written as in wasmvm_func: "ii:i". */
const char *wasmvm_export_sig(const wasmvm_export *);
/* Calls the export, on behalf of this thread.  nargs and nresults must be those of its type, or the
 * call fails with WASMVM_E_TYPE.  Of an i32 or f32 argument only the low 32 bits count.  Results
 * are zero-extended.  After any other error the instance is over, and its memory is as the guest
 * left it. */
int wasmvm_invoke(wasmvm_instance *, const wasmvm_export *, const wasmvm_val *args, size_t nargs,
                  wasmvm_val *results, size_t nresults, wasmvm_error *error);
/* Limits the wall time of each later wasmvm_invoke.  0 (the default): no limit.  A call that takes
 * longer ends the instance. */
int wasmvm_call_limit(wasmvm_instance *, uint64_t ns);

/* ---- its memory ----
 * Use these while nothing runs in the instance.  A host function may use them, too, or those of
 * wasmvm_host. */
/* bytes of memory 0; 0 before it has started */
uint64_t wasmvm_memory_size(const wasmvm_instance *);
/* Copies.  WASMVM_OK, or WASMVM_E_USAGE if a byte lies outside memory; nothing is copied then. */
int wasmvm_memory_read(const wasmvm_instance *, uint32_t at, void *to, size_t n);
int wasmvm_memory_write(wasmvm_instance *, uint32_t at, const void *from, size_t n);

/* ---- a machine in a process of its own ---- */
/* Starts `command`, a wasmvm of this library's version ("/usr/bin/wasmvm"), as a helper process,
 * and runs one program there.  The process confines itself (docs/security.md), so that a guest that
 * breaks out of its machine is still not in yours.  A start costs an exec more than in your own,
 * and a call of a host function costs two switches between processes (docs/embedding.md).
 *
 * Module and configuration are those of wasmvm_instance_new.  The process gets copies of your
 * descriptors when it is started; a module of wasmvm_module_fd must be a file.  It is no child of
 * yours: wait() does not find it, and there is no SIGCHLD.  It ends with your process.  NULL: see
 * *error. */
typedef struct wasmvm_process wasmvm_process;
wasmvm_process *wasmvm_process_new(const char *command, wasmvm_module *, wasmvm_config *,
                                   wasmvm_error *error);
/* Runs the program to its end, once.  Host functions are called on this thread.  Their wasmvm_call
 * is served as in your process, but that `view` gives a copy, and that calls nest at most 64 deep,
 * each with your function's frames on this thread's stack.
 * Returns as wasmvm_run does.  If the helper breaks a rule, is killed, or does not keep the limit
 * of wall time for five more seconds: WASMVM_E_GUEST. */
int wasmvm_process_run(wasmvm_process *, wasmvm_error *error);
/* As wasmvm_stop: the run returns WASMVM_E_STOPPED.  A second call kills the process, and the run
 * returns WASMVM_E_GUEST.  Async-signal-safe; from any thread. */
void wasmvm_process_stop(wasmvm_process *);
/* Raises a signal there, which means what it means to the command wasmvm: the program gets it if it
 * asked for it, and ends otherwise.  Async-signal-safe; from any thread. */
void wasmvm_process_signal(wasmvm_process *, int number);
/* As the functions of an instance; the report is --report's JSON, "" if there is none.  A helper
 * that was taken over may say anything in it. */
int wasmvm_process_exit_status(const wasmvm_process *);
const char *wasmvm_process_backtrace(const wasmvm_process *);
const char *wasmvm_process_report(const wasmvm_process *);
/* Ends the process if it is alive, and frees all.  NULL is allowed and does nothing. */
void wasmvm_process_free(wasmvm_process *);

/* ---- how it ended, what it cost ---- */
/* Tells the log how the instance ended or failed to start, in the command's words: a sentence with
 * the option that helps, and the backtrace.  It says nothing if the program ended by itself or by a
 * signal.  From another thread it also works for an instance that should end (wasmvm_stopping) and
 * does not, because a host function does not return.  It then says how the instance is going to
 * end. */
void wasmvm_tell(wasmvm_instance *);
/* The first path that the program asked for in a directory that nobody granted; "": none.  *count
 * is how often it asked for such paths. */
const char *wasmvm_missing_path(const wasmvm_instance *, uint64_t *count);
/* The text of the command's --report (one JSON object), --stats or --trace-start.  Free it by
 * free().  The instance must be over, or about to end as for wasmvm_tell.  NULL: no memory.  The
 * table of an instance that failed to start is "". */
enum wasmvm_report {
    WASMVM_REPORT_JSON,
    WASMVM_REPORT_TABLE,
    WASMVM_REPORT_START /* --trace-start's picture */
};
char *wasmvm_report(wasmvm_instance *, enum wasmvm_report);
/* The JSON object of a run that had no instance. */
char *wasmvm_report_failure(const char *module, int status, const char *text);

typedef struct wasmvm_statistics {
    /* set by you: sizeof (wasmvm_statistics); members are added at the end */
    size_t size;
    uint64_t exits;                       /* of the virtual machine */
    uint64_t calls, calls_polled;         /* hypercalls in all; those of them without an exit */
    uint64_t memory_bytes;                /* linear memory */
    /* Counted once the instance is over, 0 before: */
    /* until the program began, and since; CPU time of the guest */
    uint64_t start_ns, run_ns, cpu_ns;
    /* functions of the module; those that were called, and so compiled */
    uint64_t funcs_total, funcs_compiled;
    /* How often wasmvm_reset ran.  Of its last run: pages copied, bytes of grown memory given back,
     * ioctls of KVM. */
    uint64_t resets, reset_pages, reset_dropped_bytes, reset_ioctls;
} wasmvm_statistics;
int wasmvm_instance_statistics(const wasmvm_instance *, wasmvm_statistics *);

#ifdef __cplusplus
}
#endif

#endif
