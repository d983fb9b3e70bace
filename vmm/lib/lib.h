/* The inside of the library's face: what instance.c (instances), config.c (configurations),
 * module.c (modules) and outcome.c (ends) share. */
#ifndef VMM_LIB_LIB_H
#define VMM_LIB_LIB_H

#include "vmm/net/net.h"
#include "vmm/run/run.h"
#include "vmm/wasmvm.h"

struct wasmvm_config {
    unsigned refs; /* atomic */
    bool used;     /* atomic: an instance was made from it */
    wasmvm_error error; /* the first one */
    struct settings set;
    wasmvm_func *funcs;
    uint32_t nfuncs;
    int stdio[3];
    bool stdio_own;
    void (*log)(void *context, const char *line);
    void *log_context;
    int log_fd;
};

struct wasmvm_module {
    unsigned refs; /* atomic */
    char *name;
    uint8_t *bytes; /* NULL: */
    int fd;         /* ... read by each machine for itself; -1 = no more */
    uint64_t n;
};

/* Providers with a name, for the report. */
struct plugin_info {
    const char *name, *version;
    const char *from;     /* its library, or its command */
    const char *provider; /* the very string of the table's entries */
    bool process;
    uint32_t flags;       /* WASMVM_PLUGIN_* */
};
struct plugin_list { struct plugin_info *at; uint32_t n; };

enum state { STATE_FRESH, STATE_PREPARED, STATE_STARTED, STATE_ALIVE, STATE_OVER };

struct wasmvm_instance {
    wasmvm_config *from;
    wasmvm_module *module;
    enum state state; /* atomic, as others may ask whether it is over */
    int status;       /* atomic: of one that is over; else -1 */
    bool confined;
    bool written;     /* its caller changed its memory since it stands at its start */
    bool learned;     /* its snapshot has what its first run compiled */
    bool abandoned;   /* over, but a host function is still looking */
    struct config config;
    struct grant *grants;
    char **args, **env, *certs_setting;
    const char **writable;
    struct tmp tmp;
    struct signals signals;
    struct host_table host;
    struct plugin_list loaded;
    struct run_stats stats;
    char *missing_path, *refused_path, refused_why[160];
    struct outlet outlet;
    struct failure failure; /* of one that is over without an end: why it did not start */
    struct vm *vm;
    struct wasi *wasi;
    struct exports outside;
    struct end end;
    char *backtrace;
    struct template *template; /* its machine was made from it; NULL: from nothing */
    struct streams_kept streams; /* as the snapshot of a module kept alive has them */
    uint64_t call_limit_ns, prepared_ns, resets;
    uint32_t files_known;
    struct wasmvm_export *exports;
};

/* ---- config.c ---- */
/* Writes *error where it is given, and returns the code. */
__attribute__((format(printf, 3, 4)))
int embed_error(wasmvm_error *error, int code, const char *format, ...);
void config_hold(wasmvm_config *);
/* The program's certificates: a file for the sealed /etc, and what SSL_CERT_FILE is by default;
 * NULL = none.  granted: there is an /etc of the host's, so no sealed one. */
struct embed_certs { const char *file, *place; bool granted; };
int config_certs(const wasmvm_config *, struct embed_certs *, wasmvm_error *);

/* ---- instance.c ---- */
/* what it holds of the host is given back, but for its memory */
void instance_over(wasmvm_instance *);
/* It is over before it ran; by a stop if one is wanted, as a stop ends waits. */
void instance_fail(wasmvm_instance *);
bool instance_returns(const wasmvm_instance *); /* ... and of KVM, of one that can be taken back */
/* what the configuration names; false: its failure says why */
bool instance_open(wasmvm_instance *);
void instance_run(wasmvm_instance *);
void state_set(wasmvm_instance *, enum state);
/* What is done for the instance on the thread that calls. */
struct work { struct write_guard guard; struct outlet *before; };
void work_enter(wasmvm_instance *, struct work *);
void work_leave(wasmvm_instance *, struct work *);
void time_limit(wasmvm_instance *, bool on); /* of wall time: it counts from start_ns on */

/* ---- reset.c ---- */
/* Of a module kept alive the run ends here, if it can be taken back: that of a program is over. */
void instance_end_alive(wasmvm_instance *);

/* ---- module.c ---- */
void module_hold(wasmvm_module *);
void module_read(wasmvm_module *); /* an instance has what it needs of the bytes */

/* ---- outcome.c ---- */
/* What ended the instance, or kept it from starting, as an error. */
int embed_ended(wasmvm_instance *, wasmvm_error *error);
int embed_failed(wasmvm_instance *, wasmvm_error *error);
/* How it is going to end, where a stop is wanted; ENDED_NOT. */
struct end end_wanted(wasmvm_instance *);

/* ---- spawn.c: a helper process, as the kernel has it ---- */
struct helper { int pidfd, socket, log; }; /* -1: there is none */
#define HELPER_NONE ((struct helper){-1, -1, -1})
/* Starts `command` with the descriptors of frame.h: the configuration's, and the module's.  false:
 * errno says why. */
bool helper_start(struct helper *, const char *command, const wasmvm_config *, int module);
/* Waits for its end, for at most so long, then kills it.  Closes all but the pidfd, by which other
 * threads may raise a signal. */
void helper_end(struct helper *, int patience_ms);
void helper_forget(struct helper *); /* the same at once, and closes that too */

/* ---- report.c: all return a text to be freed, or NULL: no memory ---- */
char *report_table(const struct config *, const struct run_stats *, const struct end *);
/* One JSON object; the same for a run that never began: a failure's status and text. */
char *report_json(const struct config *, const struct run_stats *, const struct end *);
/* The picture of --trace-start; "" where none was wanted. */
/* chart.c */
char *report_start(const struct config *, const struct run_stats *, const struct end *);
char *report_failure(const char *module, int exit_status, const char *text);

#endif
