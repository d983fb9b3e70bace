/* The monitor's inside: what its files share, grouped by the file that owns it. */
#ifndef VMM_VMM_H
#define VMM_VMM_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <time.h>

#include "vmm/base/message.h"
#include "wasi-shim/abi.h"

/* ---- what a machine is made from: lib/instance.c fills it from what was configured ---- */
struct grant { /* a directory */
    const char *host, *guest;
    bool read_only;
    bool tmp;      /* tmp.c's; host is NULL until tmp_make */
    bool sealed;   /* no directory of the host's: net/etc.c's files; host is NULL */
};
struct words { const char **at; uint32_t n; };
struct passed { int fd; bool taken; }; /* a socket; taken: the machine's to close, else it gets a copy */
struct net_config { /* what the program may do with the network; nothing where all is zero */
    struct words listen, dial, allow_connect, allow_listen, deny, dns_server;
    const struct passed *passed;
    uint32_t npassed;
    bool allow_unix, all;
    const char *log;      /* file of a record for each connection; NULL = none */
    const char *dns;      /* "" or "any"; NULL = no names */
    const char *ca_certs; /* the host's file; NULL = none */
    uint64_t max_sockets, max_rate, max_bytes; /* 0 = no limit */
};
enum transport { TRANSPORT_AUTO, TRANSPORT_EXIT, TRANSPORT_POLL }; /* how calls reach the monitor */
struct plugin_list;

struct config {
    const char *module;              /* its name: the path as typed */
    char **args; uint32_t argc;      /* argv for the guest, args[0] = module */
    char **env; uint32_t envc;       /* NAME=VALUE */
    struct grant *grants; uint32_t ngrants; /* in preopen order */
    uint64_t memory_bytes, stack_bytes;
    uint64_t timeout_ns, cpu_time_ns; /* 0 = none */
    const char *guest_image;         /* NULL = the one in the program */
    bool validate, compile_all, hypercall_all, script;
    const char *trace;               /* NULL = no, "" = to the standard error stream, else the file */
    const char *invoke;              /* an export; NULL = the program is run */
    enum transport transport;
    struct net_config net;
    struct host_table *host;         /* host.h: what the module may import beyond WASI; NULL = nothing */
    const struct plugin_list *loaded; /* host.h: providers with a name, for the report; NULL = none */
    const int *stdio;                /* host descriptors for 0, 1 and 2, -1 = /dev/null; NULL = the process's own */
    bool patient;                    /* at the end of a run a host function is waited for, however long it takes */
    bool validate_only;              /* ... and nothing is run */
    bool serve;                      /* the exports are called from outside, one after the other; no program is run */
};

/* ---- tmp.c: an empty directory for /tmp ---- */
struct tmp { int folder, own; char name[32], *path; };
#define TMP_NONE ((struct tmp){ .folder = -1, .own = -1 })
const char *tmp_make(struct tmp *); /* its name; fail(), then tmp_remove is due too */
void tmp_remove(struct tmp *);      /* after the guest's descriptors are closed; nothing for TMP_NONE */

/* ---- invoke.c: --invoke, the words that go in and the results that come out ---- */
uint64_t invoke_bytes(const struct config *);               /* what invoke_write writes; a multiple of 8 */
/* At `offset` of the control area, 8-aligned. */
void invoke_write(const struct config *, uint8_t *control, uint32_t offset);
/* Prints results, one a line, as text of `cap` bytes; a line needs at most INVOKE_LINE. */
enum { INVOKE_LINE = 64 };
size_t invoke_print(const struct invoke_result *, size_t n, char *out, size_t cap);
enum { TYPE_I32 = 0x7f, TYPE_I64 = 0x7e, TYPE_F32 = 0x7d, TYPE_F64 = 0x7c, TYPE_V128 = 0x7b };
/* One result without its line's end; returns its length. */
int invoke_print_one(const struct invoke_result *, char out[INVOKE_LINE]);

/* ---- guestmem.c: the one door to guest memory ---- */
typedef uint64_t gva_t; /* a guest-virtual address; never dereferenced */
struct region { gva_t at; uint64_t bytes; uint8_t *host; bool writable; };
enum { REGION_LINEAR, REGION_CONTROL, REGION_STACK, REGION_HEAP, REGION_IMAGE, REGION_CSTACK, /* the busiest first */
       REGION_HEAP_MORE /* the heap beyond its first piece */, REGION_IMAGE_MORE /* the image's further segments */,
       REGION_COUNT = REGION_IMAGE_MORE + 5 };
struct guestmem { struct region regions[REGION_COUNT]; };
/* Copies n bytes in or out; false if any byte lies outside one region (nothing is copied then). */
bool guest_read(const struct guestmem *, gva_t, void *dst, uint64_t n);
bool guest_write(const struct guestmem *, gva_t, const void *src, uint64_t n);
/* The host range for a bulk transfer by the kernel; false as above.  The monitor itself never looks through it. */
bool guest_span(const struct guestmem *, gva_t, uint64_t n, bool writable, struct iovec *out);
/* A word that both sides use as an atomic.  NULL as above, or where it is not aligned. */
uint32_t *guest_word(const struct guestmem *, gva_t);
/* For WASI: addresses must lie in linear memory. */
bool linear_read(const struct guestmem *, gva_t, void *dst, uint64_t n);
bool linear_write(const struct guestmem *, gva_t, const void *src, uint64_t n);
bool linear_span(const struct guestmem *, gva_t, uint64_t n, bool writable, struct iovec *out);

/* ---- the end of a run ---- */
enum end_kind { ENDED_NOT, ENDED_EXIT, ENDED_TRAP, ENDED_INVALID, ENDED_UNSUPPORTED, ENDED_LIMIT, ENDED_USAGE,
                ENDED_NOMEM, ENDED_CRASH, ENDED_HOSTILE /* bad hypercall */, ENDED_TIMEOUT, ENDED_CPU_TIME,
                ENDED_SIGNAL, ENDED_SIGPIPE };
struct end {
    enum end_kind kind;
    uint32_t code;     /* exit code or signal number */
    char *text;        /* guest's or monitor's words, unescaped, may have several lines; NULL = none */
};

/* ---- kick.c: stopping a machine from outside, as the rest sees it ---- */
struct kick;
/* Asks for the end: ENDED_SIGNAL with its number, ENDED_TIMEOUT, ENDED_CPU_TIME.  The first reason counts.
 * Async-signal-safe; from any thread. */
void kick_stop(struct kick *, enum end_kind, uint32_t number);
/* How handlers wait for the host: ppoll, which a stop or the end of the time ends too.  -1/EINTR then: the handler
 * returns WASI INTR.  kick_pending: a stop is wanted, give up waiting. */
struct pollfd;
int kick_ppoll(struct kick *, struct pollfd *, unsigned n, int64_t timeout_ns /* -1 = for ever */);
bool kick_pending(struct kick *);

/* ---- guard.c ---- */
/* Round writes for a machine on somebody else's thread: SIGPIPE and SIGXFSZ that they raise are taken back. */
struct write_guard { sigset_t mask; bool raised[2]; };
void write_guard_enter(struct write_guard *);
void write_guard_leave(struct write_guard *);
void signal_consume(int number); /* blocked, and perhaps pending */
/* write_all for bytes that the guest makes us write: a reader that does not read keeps no stop from taking effect.
 * false: errno; EINTR = a stop is wanted, and the rest is not written. */
bool write_guard_all(struct kick *, int fd, const void *bytes, size_t len);

/* ---- wasi.c and its subjects: WASI calls served on the host ---- */
/* Opens closed standard streams on /dev/null; before anything else is opened, as it would get their numbers. */
void stdio_open_closed(void);
struct wasi; /* descriptor table, preopens, counters */
struct request { uint32_t number, closes; uint64_t args[SLOT_ARGS]; }; /* the copy that is validated and used */
/* Takes what it needs from config (grants, args, env); opens preopens; fail() on a directory that cannot be had: then
 * wasi_close is due for what wasi_alloc gave (NULL = no memory). */
struct wasi *wasi_alloc(struct guestmem *, struct kick *);
void wasi_open(struct wasi *, const struct config *);
/* Serves one WASI call (number <= CALL_WASI_LAST) and returns its errno.  May set *end (proc_exit, EPIPE on 1
 * or 2). */
uint32_t wasi_serve(struct wasi *, const struct request *, struct end *end);
/* The same for fd_read_one and fd_write_one; returns what calls.def says of them. */
uint64_t wasi_transfer_one(struct wasi *, const struct request *, struct end *end);
/* First path asked with descriptor -1, and how often; "" = none. */
const char *wasi_missing_path(const struct wasi *, uint64_t *count);
void wasi_close(struct wasi *);
/* net/batch.c: bytes of connections that need no calls of their own.  From here to batch_stop, under the lock of the
 * calls; not with --trace or --net-bytes, which want calls. */
void batch_start(struct wasi *, pthread_mutex_t *);
void batch_stop(struct wasi *);

/* The program's 1 or 2 for words of ours that belong to it; -1: it has none (any more). */
int wasi_stream(struct wasi *, int fd);

/* ---- statistics: counted by vcpu.c, printed by report.c ---- */
struct call_stats { uint64_t count, polled, total_ns, ticks; }; /* polled: of count, served without an exit */
struct run_stats {
    struct call_stats calls[CALL_COUNT];
    uint64_t exits;              /* all KVM exits */
    uint64_t exits_other;        /* exits that were no doorbell: signals, page requests */
    uint64_t start_ns;           /* CLOCK_MONOTONIC at the start: what a time limit counts from */
    uint64_t vm_ns, load_ns, boot_ns, run_ns, teardown_ns; /* phases */
    uint64_t service_cpu_ns;     /* CPU time of the service thread */
    uint64_t cpu_ns;             /* CPU time of the guest (vCPU thread) */
    uint64_t max_rss_bytes;      /* of the process */
    uint64_t slot_kernel_bytes;
    uint64_t linear_bytes;       /* linear memory at the end */
    struct guest_stats guest;    /* a copy, taken once */
    const char *missing_path;    /* wasi_missing_path's, at the end; "" or NULL = none */
    uint64_t missing_count;
};

/* ---- vm.c: the machine (kvm.c holds the ioctls, boot.c the page tables and boot record, vcpu.c the exits) ---- */
struct vm;
/* The module's bytes: a file, or a non-blocking pipe, that the caller closes; or bytes that stay until vm_build is done
 * (fd -1). */
struct module { int fd; const uint8_t *bytes; uint64_t n; };
/* The machine as a name only, so that it can be stopped; NULL: no memory, or no descriptor.  All three stay until
 * vm_free. */
struct vm *vm_new(const struct config *, struct run_stats *);
/* Creates, loads, maps; false: vm_free is due all the same. */
bool vm_build(struct vm *, const struct module *, struct failure *);
struct guestmem *vm_memory(struct vm *);
struct kick *vm_kick(struct vm *);
/* Until the run is over.  false: a host function does not come back; machine and wasi must be left alone. */
bool vm_run(struct vm *, struct wasi *, struct end *);
void vm_close(struct vm *); /* KVM's part; guest memory is left to the end of the process */
void vm_free(struct vm *);  /* all of it */

/* ---- end.c: what the end of a run means to the caller ---- */
int end_status(const struct end *);         /* the man page's EXIT STATUS */
const char *end_reason(const struct end *); /* one word, for the report */
/* The end's one line, unescaped; false: such an end is silent.  *rest: lines of a backtrace, or NULL. */
bool end_line(const struct config *, const struct end *, char *out, size_t cap, const char **rest);
void end_message(const struct config *, const struct end *); /* says the line and the backtrace that the end wants */

/* ---- report.c: all return a text to be freed, or NULL: no memory ---- */
char *report_table(const struct config *, const struct run_stats *, const struct end *);
/* One JSON object; the same for a run that never began: fail()'s status and text. */
char *report_json(const struct config *, const struct run_stats *, const struct end *);
char *report_failure(const char *module, int exit_status, const char *text);

#endif
