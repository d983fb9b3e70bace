/* Host functions inside the monitor: who provides them, how a call from the guest reaches them, and how they call the
 * guest's exports (host.c).
 *
 * lib/instance.c fills the table before the machine is made, with an embedder's functions and the command line's
 * plug-ins'.  host.c owns the one way from a request to a function and back. */
#ifndef VMM_HOST_H
#define VMM_HOST_H

#include <string.h>

#include "vmm/vmm.h"
#include "vmm/wasmvm_plugin.h"

/* A signature has at most this many parameters, and at most one result. */
#define HOST_PARAMS_MAX CALL_VALUES

struct host_entry {
    struct wasmvm_func func; /* strings live as long as the table; func.data is what the function gets */
    const char *provider;    /* "plug-in kv", for sentences */
    bool one_thread;         /* served by the vCPU's thread alone */
    uint64_t calls;
};

struct host_table {
    struct host_entry *entries;
    uint32_t n, cap;
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

/* Adds a function; false with a sentence in `why`: bad signature, or (module, name) reserved (WASI's modules).  A name
 * given twice: the first one counts, and true is returned. */
bool host_add(struct host_table *, const struct wasmvm_func *, const char *provider, bool one_thread, char why[200]);
void host_free(struct host_table *);

/* Of a signature that is one. */
static inline uint32_t sig_params(const char *sig) { return (uint32_t)strspn(sig, "iIfFvr"); }
static inline uint32_t sig_results(const char *sig) { return (uint32_t)strlen(sig) - sig_params(sig) - 1; }
static inline bool sig_wide(char letter) { return letter == 'I' || letter == 'F'; } /* 64 bits */

/* One call in progress: what a plug-in's wasmvm_call points to. */
struct vcpu;
struct wasmvm_call {
    struct vcpu *vcpu;
    int who; /* enum server */
    struct guestmem *mem;
    bool ended;  /* the run is over */
    char trap[200];
};

/* The host's face for plug-ins, but for log and option, which each plug-in has its own of. */
void host_services(struct wasmvm_host *);

/* In the control area, for the guest's linker: abi.h's struct host_import and the strings. */
uint64_t host_bytes(const struct host_table *);
void host_write(const struct host_table *, uint8_t *control, uint32_t offset);

#endif
