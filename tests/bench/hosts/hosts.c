/* The plug-in of the benchmark: bench.add, and bench.repeat, which calls the module's export. */
#include <stddef.h>
#include <time.h>

#include "vmm/wasmvm_plugin.h"

static const wasmvm_host *host;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int add(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call;
    result->i32 = args[0].i32 + args[1].i32;
    return 0;
}

/* Nanoseconds for so many calls. */
static int repeat(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    wasmvm_val n = {.i32 = 0};
    int64_t began = now_ns();
    (void)data;
    for (int32_t i = 0; i < args[0].i32; i++)
        if (host->call_export(call, "increment", &n, 1, &n) != WASMVM_OK || n.i32 != i + 1)
            return 1;
    result->i64 = now_ns() - began;
    return 0;
}

static int init(const wasmvm_host *given, void **data)
{
    (void)data;
    host = given;
    return 0;
}

const wasmvm_plugin *wasmvm_plugin_get(void)
{
    static const wasmvm_func funcs[] = {
        {"bench", "add", "ii:i", add, NULL}, {"bench", "repeat", "i:I", repeat, NULL},
    };
    static const wasmvm_plugin plugin = {
        .abi = WASMVM_PLUGIN_ABI,
        .name = "bench",
        .version = "1",
        .funcs = funcs,
        .nfuncs = 2,
        .init = init,
    };
    return &plugin;
}
