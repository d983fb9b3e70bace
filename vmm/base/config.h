/* What a machine is made from: the settings, and what comes with the instance.  Every folder reads
 * it. */
#ifndef VMM_BASE_CONFIG_H
#define VMM_BASE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/message.h"
#include "vmm/base/settings.h"

struct plugin_list;
struct host_table;
struct signals;
struct template;

struct config {
    const struct settings *set;
    const char *module;              /* its name: the path as typed */
    char **args; uint32_t argc;      /* argv for the guest, args[0] = module */
    char **env; uint32_t envc;       /* NAME=VALUE */
    struct grant *grants; uint32_t ngrants; /* in preopen order */
    struct names writable;           /* of the host's directories among them */
    const char *certs;               /* the host's file for the sealed /etc; NULL = none */
    uint64_t timeout_ns;             /* the limit that holds: the settings', or a call's */
    /* machine.h: what the module may import beyond WASI; NULL = nothing */
    struct host_table *host;
    /* lib.h: providers with a name, for the report; NULL = none */
    const struct plugin_list *loaded;
    struct signals *signals;         /* wasi.h: the instance's */
    /* host descriptors for 0, 1 and 2, -1 = /dev/null; NULL = the process's own */
    const int *stdio;
    /* of this process's descriptors: how many there were, plus one; 0: nobody looked */
    uint32_t *files_known;
    bool validate_only;              /* nothing is run */
    const struct template *template; /* machine.h: the machine is made from it; NULL = none */
    bool snapshot;                   /* the guest stops before the module's first instruction */
};

#endif
