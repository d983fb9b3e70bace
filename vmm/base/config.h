/* What a machine is made from; every folder reads it. */
#ifndef VMM_BASE_CONFIG_H
#define VMM_BASE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

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
struct host_table;

struct config {
    const char *module;              /* its name: the path as typed */
    char **args; uint32_t argc;      /* argv for the guest, args[0] = module */
    char **env; uint32_t envc;       /* NAME=VALUE */
    struct grant *grants; uint32_t ngrants; /* in preopen order */
    uint64_t memory_bytes, stack_bytes;
    uint64_t timeout_ns, cpu_time_ns; /* 0 = none */
    const char *guest_image;         /* NULL = the one in the program */
    bool validate, compile_all, hypercall_all;
    const char *trace;               /* NULL = no, "" = to the standard error stream, else the file */
    const char *invoke;              /* an export; NULL = the program is run */
    enum transport transport;
    struct net_config net;
    struct host_table *host;         /* machine.h: what the module may import beyond WASI; NULL = nothing */
    const struct plugin_list *loaded; /* lib.h: providers with a name, for the report; NULL = none */
    const int *stdio;                /* host descriptors for 0, 1 and 2, -1 = /dev/null; NULL = the process's own */
    bool patient;                    /* at the end of a run a host function is waited for, however long it takes */
    bool validate_only;              /* ... and nothing is run */
    bool serve;                      /* the exports are called from outside, one after the other; no program is run */
};

#endif
