/* The inside of the library's face: what embed.c (instances) and embed_config.c (configurations, modules) share. */
#ifndef VMM_EMBED_H
#define VMM_EMBED_H

#include "vmm/host.h"
#include "vmm/wasmvm.h"

/* A list of strings of our own. */
struct strings { char **at; uint32_t n; };

struct embed_dir { char *host, *guest; bool read_only; };
#define EMBED_NETS (WASMVM_NET_ALL + 1)

struct wasmvm_config {
    unsigned refs; /* atomic */
    bool used;     /* atomic: an instance was made from it */
    wasmvm_error error; /* the first one */
    struct strings args, env, net[EMBED_NETS];
    struct embed_dir *dirs;
    uint32_t ndirs;
    wasmvm_func *funcs;
    uint32_t nfuncs;
    uint64_t memory_bytes, stack_bytes, timeout_ns, cpu_time_ns;
    int stdio[3];
    enum transport transport;
    char *guest_image;
    void (*log)(void *context, const char *line);
    void *log_context;
};

struct wasmvm_module {
    unsigned refs; /* atomic */
    char *name;
    uint8_t *bytes;
    uint64_t n;
};

/* Writes *error where it is given, and returns the code. */
__attribute__((format(printf, 3, 4)))
int embed_error(wasmvm_error *error, int code, const char *format, ...);
void config_hold(wasmvm_config *);
void module_hold(wasmvm_module *);

#endif
