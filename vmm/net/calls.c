/* The handler of every WASI call: wasi/ serves files, net/ sockets, and this is the first folder
 * that knows both. */
#include "vmm/net/inside.h"

/* Each behind a function that gives it the request's words as its arguments. */
#define WASI_CALL(name, args, result)                                                              \
    static uint32_t handle_##name(struct wasi *w, const uint64_t *words)                           \
    {                                                                                              \
        return wasi_##name(w, name##_decode(words));                                               \
    }
#include "wasi-shim/calls.def"
wasi_handler *const net_handlers[WASI_CALLS] = {
#define WASI_CALL(name, args, result) handle_##name,
#include "wasi-shim/calls.def"
};
