/* Libraries that must be refused: WRONG says what is wrong. */
#include <stddef.h>

#include "vmm/wasmvm_plugin.h"

enum { NO_SYMBOL = 1, NO_PLUGIN, OTHER_ABI, NO_NAME, NO_FUNCS, BAD_SIG, RESERVED, NO_CODE, FLAGS };

static int nothing(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call, (void)args, (void)result;
    return 0;
}

static const wasmvm_func funcs[] = {
#if WRONG == 6
    {"env", "f", "ii:ii", nothing, NULL},
#elif WRONG == 7
    {"wasi_snapshot_preview1", "fd_write", "iiii:i", nothing, NULL},
#elif WRONG == 8
    {"env", "f", "ii:i", NULL, NULL},
#else
    {"env", "f", "ii:i", nothing, NULL},
#endif
};

static const wasmvm_plugin plugin = {
    .abi = WRONG == OTHER_ABI ? 7 : WASMVM_PLUGIN_ABI,
    .name = WRONG == NO_NAME ? NULL : "wrong",
    .version = NULL,
    .flags = WRONG == FLAGS ? 1u << 9 : 0,
    .funcs = WRONG == NO_FUNCS ? NULL : funcs,
    .nfuncs = 1,
};

#if WRONG != 1
const wasmvm_plugin *wasmvm_plugin_get(void)
{
    return WRONG == NO_PLUGIN ? NULL : &plugin;
}
#else
const wasmvm_plugin *other(void);
const wasmvm_plugin *other(void)
{
    return &plugin;
}
#endif
