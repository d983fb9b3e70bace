/* The inside of the command line, which stands on the library's face: wasmvm.h, wasmvm_plugin.h, and words of its own
 * (message.h).  Here is what only a process of its own can have. */
#ifndef VMM_CLI_CLI_H
#define VMM_CLI_CLI_H

#include "vmm/base/message.h"
#include "vmm/wasmvm.h"

/* ---- fail.c ---- */
/* message(), then ends with EXIT_MONITOR, or with the status. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fail_as(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What shall be done, once, between the line and the process's end: writes the report. */
void fail_then(void (*)(int status, const char *text));

/* ---- options.c: the command line (docs/wasmvm.1), as data ---- */
struct dir { /* one --dir, or --tmp */
    const char *host, *guest;
    bool read_only;
    bool relative; /* the second preopen of a relative HOST: stands after all absolute ones */
    bool tmp;
};
struct values { const char **at; uint32_t n; }; /* the values of a repeatable option */

struct command {
    const char *module;              /* path as typed */
    char **args; uint32_t argc;      /* argv for the guest, args[0] = module path as typed */
    char **env; uint32_t envc;       /* NAME=VALUE */
    struct dir *dirs; uint32_t ndirs; /* in preopen order */
    uint64_t memory_bytes;           /* --memory  */
    uint64_t stack_bytes;            /* --stack   */
    uint64_t timeout_ns, cpu_time_ns; /* 0 = none */
    const char *report;              /* --report FILE */
    const char *guest_image;         /* --guest-image FILE */
    bool tmp;                        /* --tmp */
    bool stats, validate, compile_all, hypercall_all;
    const char *trace;               /* --trace: NULL = no, "" = to stderr, else the file */
    const char *invoke;              /* --invoke NAME; NULL = the program is run */
    enum wasmvm_hypercall hypercall; /* --hypercall */
    struct values plugins, plugin_exec; /* --plugin, --plugin-exec */
    struct {
        struct values listen, dial, allow_connect, allow_listen, deny, dns_server;
        bool listen_fds, allow_unix, all;
        const char *log;      /* --net-log */
        const char *dns;      /* --allow-dns: "" or "any"; NULL = not given */
        const char *ca_certs; /* --ca-certs: the host's file, or "" */
        uint64_t max_sockets, max_rate, max_bytes; /* 0 = no limit */
    } net;
};
/* Parses argv.  Handles --help and --version itself (prints, exits 0).  Bad usage: fail(). */
void options_parse(struct command *, int argc, char **argv);
/* All that concerns the machine; fail() where the library does not take it. */
wasmvm_config *options_config(const struct command *);

/* ---- signals.c: the process's signals ---- */
/* INT, TERM, HUP and QUIT stop the machine, but for those that the caller ignores; PIPE and XFSZ are ignored. */
void signals_take(wasmvm_instance *);
void signals_give_back(void);
/* With that status; after WASMVM_E_STOPPED and WASMVM_E_PIPE by the signal itself. */
_Noreturn void end_process(int code, int status);

#endif
