/* The engine's surroundings on the host, for tests and tools: heap, code, linear memories, a wasm
 * stack, faults.
 *
 * Everything is reserved as address space and becomes usable when the engine asks, so that a stray
 * access faults as it would in the guest.  Faults are per process: the handlers ask the engine of
 * every open host in turn. */
#ifndef TESTS_HOST_ENV_H
#define TESTS_HOST_ENV_H

#include "engine/engine.h"

#define HOST_STACK_BYTES  (8ull << 20)
#define HOST_MEMORY_LIMIT (4ull << 30)

struct host_mapping { void *at; uint64_t bytes; };

struct host {
    struct engine_env env;
    struct engine *engine; /* made by host_open; tests without compiled code may leave it NULL */
    struct host *next;
    struct host_mapping *mappings;
    uint32_t nmappings;
    bool zero_next;
};

/* Fills host->env; the engine is not made.  false: errno says why.  host must stay where it is
 * until host_close. */
bool host_open(struct host *, uint64_t stack_bytes, uint64_t memory_limit);
/* The same, and engine_new. */
bool host_open_engine(struct host *, uint64_t stack_bytes, uint64_t memory_limit);
/* Takes the fault signals (host_open does); again where somebody took them since, as cmocka does
 * for each test. */
bool host_catch_faults(void);
/* The next memory that is opened lies at address 0, as the first one does in the guest.  false: it
 * says why. */
bool host_zero_base(struct host *);
/* Unmaps all, the engine's heap and all linear memories included. */
void host_close(struct host *);

#endif
