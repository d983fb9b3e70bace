/* A wasmvm plug-in: secrets by name.  A module that was given it may read the files that the
 * options name, when it needs them, and sees neither their directory nor an environment with the
 * secrets in it:
 *
 *   wasmvm --plugin ./secrets.so,token=/run/secrets/token app.wasm */
#include <stdio.h>

#include "wasmvm_plugin.h"

static const struct wasmvm_host *host; /* one machine a process: the command line's case */

/* get(name string, buf *byte, size uint32) int32: the secret's length, or -1 for one that is not
 * there.  Nothing is written where size is less than the length: the module asks again with more
 * room. */
static int get(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    char name[65] = "", secret[4096];
    (void)data;
    if (args[1].u32 >= sizeof name || host->read(call, args[0].u32, name, args[1].u32) != 0) {
        host->trap(call, "secrets.get: the name is too long, or not in memory");
        return 1;
    }
    result->i32 = -1;
    const char *path = host->option(host, name);
    FILE *file = path ? fopen(path, "rb") : NULL;
    if (!file)
        return 0;
    size_t length = fread(secret, 1, sizeof secret, file);
    fclose(file);
    result->i32 = (int32_t)length;
    if (length <= args[3].u32 && host->write(call, args[2].u32, secret, (uint32_t)length) != 0) {
        host->trap(call, "secrets.get: the buffer is not in memory");
        return 1;
    }
    return 0;
}

static int init(const struct wasmvm_host *given, void **data)
{
    (void)data;
    host = given;
    return 0;
}

const struct wasmvm_plugin *wasmvm_plugin_get(void)
{
    static const struct wasmvm_func funcs[] = {{"secrets", "get", "iiii:i", get, NULL}};
    static const struct wasmvm_plugin plugin = {
        .abi = WASMVM_PLUGIN_ABI,
        .flags = WASMVM_PLUGIN_NEEDS_FILES,
        .name = "secrets",
        .version = "1.0",
        .funcs = funcs,
        .nfuncs = 1,
        .init = init,
    };
    return &plugin;
}
