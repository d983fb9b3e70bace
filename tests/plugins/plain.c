/* The plug-in of the end-to-end cases: every shape of function, and every misbehaviour.  Options:
 *
 *   init=refuse|loop       what init does       fini=loop    fini does not return
 *   mark=FILE              init and fini append a line to it */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/wasmvm_plugin.h"

static const struct wasmvm_host *host;

/* ---- numbers ---- */

static int add32(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call;
    result->u32 = args[0].u32 + args[1].u32;
    return 0;
}

static int scale(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call;
    result->f64 = (double)args[0].i64 * args[1].f64;
    return 0;
}

static int half(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call;
    result->f32 = args[0].f32 / 2;
    return 0;
}

static int counter(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    static uint64_t count = UINT64_C(0x123456789abcdef0);
    (void)data, (void)call, (void)args;
    result->u64 = count++;
    return 0;
}

/* Twelve parameters, more than a request's words hold: each counts by its place. */
static int many(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call;
    for (int i = 0; i < 12; i++)
        result->i64 += (i + 1) * (i % 2 ? args[i].i64 : args[i].i32);
    return 0;
}

static int own_data(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)call, (void)args;
    result->u32 = *(uint32_t *)data;
    return 0;
}

/* The whole cell. */
static int raw(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call;
    result->u64 = args[0].u64;
    return 0;
}

static pthread_t beginner; /* init's thread */

static int at_home(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call, (void)args;
    result->u32 = pthread_equal(pthread_self(), beginner) != 0;
    return 0;
}

/* ---- memory ---- */

/* Bytes in, upper-case letters out: the length needed; nothing is written where cap is less. */
static int upper(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    char text[4096];
    uint32_t len = args[1].u32;
    (void)data;
    if (len > sizeof text || host->read(call, args[0].u32, text, len) != 0) {
        host->trap(call, "the text is not in memory");
        return 1;
    }
    for (uint32_t i = 0; i < len; i++)
        text[i] -= text[i] >= 'a' && text[i] <= 'z' ? 'a' - 'A' : 0;
    if (len <= args[3].u32 && host->write(call, args[2].u32, text, len) != 0) {
        host->trap(call, "the buffer is not in memory");
        return 1;
    }
    result->u32 = len;
    return 0;
}

static int say(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    char text[256] = "said: ";
    (void)data, (void)result;
    if (args[1].u32 > 200 || host->read(call, args[0].u32, text + 6, args[1].u32) != 0)
        return 1;
    host->log(host, WASMVM_LOG_INFO, text);
    return 0;
}

/* The Go side's struct with HostLayout: {a int32; b uint8; c int64; d float64; e [3]uint16}. */
struct record { int32_t a; uint8_t b; int64_t c; double d; uint16_t e[3]; };

static int flip(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    struct record r;
    (void)data;
    if (host->read(call, args[0].u32, &r, sizeof r) != 0)
        return 1;
    result->u32 = r.a == -7 && r.b == 200 && r.c == INT64_MIN && r.d == 2.5 && r.e[0] == 1 &&
                  r.e[2] == 65535;
    r.a = -r.a;
    r.c++;
    r.e[1] = 4242;
    return host->write(call, args[0].u32, &r, sizeof r);
}

static int negate(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call;
    result->u32 = !args[0].u32;
    return 0;
}

/* A bit for each thing that could be done: the first two may, at the end of memory, the others
 * reach past it. */
static int bounds(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    uint64_t size = host->mem_size(call);
    char byte = 0;
    (void)data, (void)args;
    if (size == 0 || size > UINT64_C(1) << 32 || size % 65536)
        return 1;
    const bool seen[] = {
        /* these may */
        host->view(call, (uint32_t)(size - 1), 1),
        host->read(call, (uint32_t)size - 1, &byte, 1) == 0,
        host->view(call, (uint32_t)size, 1),
        host->view(call, 1, (uint32_t)size),
        host->view(call, 8, UINT32_MAX),
        host->read(call, UINT32_MAX, &byte, 1) == 0,
        host->write(call, (uint32_t)size - 1, "xy", 2) == 0,
    };
    for (unsigned i = 0; i < sizeof seen; i++)
        result->u32 |= (uint32_t)seen[i] << i;
    return 0;
}

/* Looks at memory through a view for a while, and says whether it saw it change. */
static int watch(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    const volatile uint8_t *at = host->view(call, args[0].u32, args[1].u32);
    uint64_t sum = 0;
    (void)data;
    for (uint32_t round = 0; at && round < 1000; round++)
        for (uint32_t i = 0; i < args[1].u32; i++)
            sum += at[i];
    result->u64 = sum;
    return at ? 0 : 1;
}

/* ---- exports ---- */

/* Calls the export named by (ptr, len) with one i32. */
static int callback(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    char name[64] = "";
    (void)data;
    if (args[1].u32 >= sizeof name || host->read(call, args[0].u32, name, args[1].u32) != 0)
        return 1;
    int status = host->call_export(call, name, &args[2], 1, result);
    if (status == WASMVM_OK)
        return 0;
    if (status != WASMVM_ENDED)
        result->i32 = 1000 + status; /* 999: no such export, 998: another type */
    return status == WASMVM_ENDED;
}

static int deeper(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data;
    return host->call_export(call, "again", args, 1, result) != WASMVM_OK;
}

/* The same with a large frame of its own. */
static int broader(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    volatile char frame[32768];
    (void)data;
    frame[0] = frame[sizeof frame - 1] = 1;
    return host->call_export(call, "broad", args, 1, result) != WASMVM_OK || !frame[0];
}

/* ---- misbehaviour ---- */

static int traps(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)args, (void)result;
    host->trap(call, "the plug-in \033[31mdoes not like this\n");
    return 1;
}

static int silent(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call, (void)args, (void)result;
    return -1;
}

static int loops(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call, (void)args, (void)result;
    for (volatile bool on = true; on;) {}
    return 0;
}

/* ---- the plug-in ---- */

static uint32_t number = 77;

#define ENV(name, sig) {"env", #name, sig, name, NULL}
static const struct wasmvm_func funcs[] = {
    ENV(add32, "ii:i"),
    ENV(scale, "IF:F"),
    ENV(half, "f:f"),
    ENV(counter, ":I"),
    ENV(many, "iIiIiIiIiIiI:I"),
    ENV(upper, "iiii:i"),
    ENV(say, "ii:"),
    ENV(flip, "i:i"),
    ENV(negate, "i:i"),
    ENV(bounds, ":i"),
    ENV(watch, "ii:I"),
    ENV(callback, "iii:i"),
    ENV(deeper, "i:i"),
    ENV(broader, "i:i"),
    ENV(traps, ":"),
    ENV(silent, ":"),
    ENV(loops, ":"),
    ENV(at_home, ":i"),
    { "env", "widen", "i:I", raw, NULL },
    { "env", "narrow", "I:i", raw, NULL },
    { "my_host", "own_data", ":i", own_data, &number },
    { "my_host", "env.add32", "ii:i", add32, NULL },
};

static void mark(const char *word)
{
    const char *path = host->option(host, "mark");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file)
        return;
    fprintf(file, "%s\n", word);
    fclose(file);
}

static int init(const struct wasmvm_host *given, void **data)
{
    host = given;
    beginner = pthread_self();
    *data = &host;
    const char *how = host->option(host, "init");
    mark("init");
    if (how && strcmp(how, "refuse") == 0) {
        host->log(host, WASMVM_LOG_ERROR, "not today");
        return 3;
    }
    if (how && strcmp(how, "loop") == 0)
        loops(NULL, NULL, NULL, NULL);
    if (host->option(host, "say"))
        host->log(host, WASMVM_LOG_INFO, host->option(host, "say"));
    return 0;
}

static void fini(void *data)
{
    mark(data == &host ? "fini" : "fini with strange data");
    if (host->option(host, "fini"))
        loops(NULL, NULL, NULL, NULL);
}

const struct wasmvm_plugin *wasmvm_plugin_get(void)
{
    static const struct wasmvm_plugin plugin = {
        .abi = WASMVM_PLUGIN_ABI,
#ifdef ONE_THREAD
        .flags = WASMVM_PLUGIN_ONE_THREAD | WASMVM_PLUGIN_NEEDS_NETWORK |
                 WASMVM_PLUGIN_NEEDS_THREADS,
#else
        .flags = WASMVM_PLUGIN_NEEDS_FILES,
#endif
        .name = "plain",
        .version = "1.0",
        .funcs = funcs,
        .nfuncs = sizeof funcs / sizeof funcs[0],
        .init = init,
        .fini = fini,
    };
    return &plugin;
}
