/* A library that misbehaves in its process, as its option `how` says.  It knows what wasmvm keeps
 * to itself: the descriptors of that process, and the page of turns (vmm/base/turns.h). */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/base/turns.h"
#include "vmm/wasmvm_plugin.h"

static const wasmvm_host *host;
static struct turns *page;

static void mark(const char *word)
{
    const char *path = host->option(host, "mark");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (file) {
        fprintf(file, "%s\n", word);
        fclose(file);
    }
}

static void *scribble(void *none)
{
    uint32_t seed = (uint32_t)getpid();
    (void)none;
    for (;;) {
        seed = seed * 1664525 + 1013904223;
        volatile uint32_t *word = (volatile uint32_t *)page + (seed >> 8) % (sizeof *page / 4);
        *word = seed & 7 ? seed >> 28 : seed;
    }
    return NULL;
}

static int give(uint32_t kind, uint32_t number)
{
    page->library.kind = kind;
    page->library.number = number;
    uint32_t turn = page->monitor.given;
    if (turn_give(&page->library, &page->monitor, turn))
        return write(TURNS_SOCKET, "", 1) == 1 ? 0 : -1;
    return 0;
}

/* turns.c is not here. */
bool turn_give(struct turn *own, const struct turn *other, uint32_t number)
{
    __atomic_store_n(&own->given, number, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&other->asleep, __ATOMIC_SEQ_CST);
}

/* Exports of sizes that cannot be, and a name without an end; each is answered.  The process does
 * not know of these turns. */
static void exports(void)
{
    static const uint32_t sizes[] = {65, 0x80000000, 0xffffffff, 0};
    for (unsigned i = 0; i < 4; i++) {
        uint32_t before = page->monitor.given;
        memset(page->library.text, 'x', sizeof page->library.text);
        give(TURN_EXPORT, sizes[i]);
        while (__atomic_load_n(&page->monitor.given, __ATOMIC_ACQUIRE) == before)
            usleep(100);
    }
}

/* Cutting what the monitor has mapped would be its end. */
static void cut(void)
{
    if (ftruncate(TURNS_PAGE, 0) == 0 || ftruncate(TURNS_MEMORY, 0) == 0 ||
        ftruncate(TURNS_MEMORY, INT64_C(1) << 40) == 0)
        host->log(host, WASMVM_LOG_INFO, "something was cut");
    else
        host->log(host, WASMVM_LOG_INFO, "nothing can be cut");
}

static void wait_for_ever(wasmvm_call *call)
{
    int ends[2];
    if (pipe(ends) != 0)
        return;
    mark("waiting");
    if (host->wait(call, ends[0], POLLIN) == WASMVM_ENDED)
        mark("ended");
}

static int run(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    const char *how = host->option(host, "how");
    (void)data, (void)args, (void)result;
    if (strcmp(how, "crash") == 0)
        raise(SIGSEGV);
    if (strcmp(how, "exit") == 0)
        exit(7);
    if (strcmp(how, "close") == 0 && close(TURNS_SOCKET) == 0)
        pause();
    if (strcmp(how, "kind") == 0 && give(77, 0) == 0)
        pause();
    while (strcmp(how, "flood") == 0)
        if (write(TURNS_SOCKET, "", 1) < 0)
            usleep(10);
    if (strcmp(how, "exports") == 0)
        exports();
    if (strcmp(how, "cut") == 0)
        cut();
    if (strcmp(how, "wait") == 0)
        wait_for_ever(call);
    return 0;
}

static int init(const wasmvm_host *given, void **data)
{
    pthread_t thread;
    (void)data;
    host = given;
    page = mmap(NULL, TURNS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, TURNS_PAGE, 0);
    const char *how = host->option(host, "how");
    if (strcmp(how, "crash-early") == 0)
        raise(SIGSEGV);
    if (strcmp(how, "exit-early") == 0)
        exit(7);
    return strcmp(how, "scribble") == 0 && pthread_create(&thread, NULL, scribble, NULL) != 0;
}

static void fini(void *data)
{
    (void)data;
    mark("fini");
}

const wasmvm_plugin *wasmvm_plugin_get(void)
{
    static const wasmvm_func funcs[] = {{"env", "run", ":", run, NULL}};
    static const wasmvm_plugin plugin = {
        .abi = WASMVM_PLUGIN_ABI,
        .name = "odd",
        .version = "1.0",
        .funcs = funcs,
        .nfuncs = 1,
        .init = init,
        .fini = fini,
    };
    return &plugin;
}
