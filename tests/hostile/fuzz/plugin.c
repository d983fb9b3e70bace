/* Host functions for tests/hostile/fuzz: all that a plug-in may do with a call, with what the guest
 * said. */
#include <stdlib.h>
#include <string.h>

#include "vmm/wasmvm_plugin.h"

static const struct wasmvm_host *host;

/* Copies memory about. */
static int copy(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    uint32_t len = args[2].u32 % 70000;
    char *bytes = malloc(len + 1);
    (void)data;
    result->u32 = bytes && host->read(call, args[0].u32, bytes, len) == 0 &&
                  host->write(call, args[1].u32, bytes, len) == 0;
    free(bytes);
    return 0;
}

/* Sums memory up by a view, which changes meanwhile. */
static int sum(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    uint32_t len = args[1].u32 % 5000;
    const volatile uint8_t *at = host->view(call, args[0].u32, len);
    (void)data;
    for (uint32_t i = 0; at && i < len; i++)
        result->u64 += at[i];
    return at ? 0 : 1;
}

/* Calls an export by a name that the guest gives. */
static int back(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    char name[300] = "";
    (void)data;
    if (host->read(call, args[0].u32, name, args[1].u32 % sizeof name) != 0)
        return 1;
    name[sizeof name - 1] = 0;
    int status = host->call_export(call, name, &args[2], 1, result);
    if (status == WASMVM_OK)
        status = host->call_export(call, "again", &args[1], 1, result);
    return status == WASMVM_ENDED;
}

/* A sentence of the guest's. */
static int words(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    char text[500];
    (void)data, (void)result;
    if (host->read(call, args[0].u32, text, sizeof text - 1) != 0)
        return 1;
    text[sizeof text - 1] = 0;
    host->trap(call, text);
    return (int)(args[1].u32 & 1);
}

/* More values than a request's words hold. */
static int many(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call;
    for (int i = 0; i < 20; i++)
        result->u64 ^= args[i].u64;
    return 0;
}

static int init(const struct wasmvm_host *given, void **data)
{
    host = given;
    *data = NULL;
    return 0;
}

#define ENV(name, sig) {"env", #name, sig, name, NULL}
static const struct wasmvm_func funcs[] = {
    ENV(copy, "iii:i"),
    ENV(sum, "ii:I"),
    ENV(back, "iii:i"),
    ENV(words, "ii:"),
    ENV(many, "IiIfFIiIIIIIIIiIIfII:I"),
};

const struct wasmvm_plugin *wasmvm_plugin_get(void)
{
    static const struct wasmvm_plugin plugin = {
        .abi = WASMVM_PLUGIN_ABI, .name = "fuzz", .version = "1", .funcs = funcs,
        .nfuncs = sizeof funcs / sizeof funcs[0], .init = init,
    };
    return &plugin;
}
