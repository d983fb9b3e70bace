/* wasmvm-plugin-host: the process of one plug-in's library.
 *
 * wasmvm starts it with the library's file and options as words, and with three descriptors
 * (base/turns.h): a socket, the page of turns, and a file that is the guest's linear memory.  It
 * loads the library, runs its init, says hello by a frame, and serves calls in turns, all by its
 * first thread.  After TURN_END it runs fini and ends.  Another thread ends the process, with what
 * it started, once the socket's other end is closed.
 *
 * The library is code that the user trusts, and it has the user's rights, in the weak jail.  The
 * monitor is not trusted here: a guest may have taken it over.  It can make the library's
 * functions be called with any arguments, as any guest can; what it says beyond that is checked. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/frame.h"
#include "vmm/base/message.h"
#include "vmm/base/turns.h"
#include "vmm/jail/jail.h"
#include "vmm/plugin/plugin.h"

#define LOOK_NS 50000u /* for the next turn, before sleeping */
#define STACK_KEPT (1u << 20) /* for what a function does; a quarter, where that is less */
#define TRAP_WORDS 200

struct wasmvm_call {
    uint64_t size; /* of linear memory, as last told */
    bool ended;    /* the run is over */
    char trap[TRAP_WORDS];
};

static struct host {
    struct wasmvm_host services; /* what init gets */
    char **options;
    unsigned noptions;
    const char *file;
    const struct wasmvm_plugin *face;
    void *library, *data;
    struct turns *turns;
    uint32_t taken; /* turns of the monitor's */
    struct turn_patience patience;
    uint8_t *memory; /* NULL: nobody has asked for it yet */
    uint64_t memory_bytes;
    uintptr_t stack_floor;
} host;

/* ---- turns ---- */

static void turn_send(enum turn_kind kind, uint32_t number)
{
    struct turn *own = &host.turns->library;
    own->kind = kind;
    own->number = number;
    if (turn_give(own, &host.turns->monitor, host.taken))
        (void)!send(TURNS_SOCKET, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The monitor's next turn; its kind. */
static uint32_t turn_take(void)
{
    struct turn *own = &host.turns->library, *other = &host.turns->monitor;
    uint32_t number = ++host.taken;
    if (!turn_look(other, number, &host.patience))
        while (turn_asleep(own, other, number)) {
            syscall(SYS_futex, &other->given, FUTEX_WAIT, number - 1, NULL, NULL, 0);
            turn_awake(own);
            if (turn_came(other, number))
                break;
        }
    return turn_read(other->kind);
}

/* ---- what a function may ask for ---- */

static uint64_t size_told(void)
{
    return turn_read(host.turns->monitor.size);
}

/* The whole file is mapped once somebody looks into it; what the guest has is its beginning. */
static uint8_t *memory(void)
{
    struct stat st;
    if (host.memory || fstat(TURNS_MEMORY, &st) != 0 || st.st_size <= 0)
        return host.memory;
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                    TURNS_MEMORY, 0);
    if (at == MAP_FAILED)
        return NULL;
    host.memory_bytes = (uint64_t)st.st_size;
    return host.memory = at;
}

static uint8_t *place(const struct wasmvm_call *call, uint32_t ptr, uint32_t len)
{
    uint8_t *all = memory();
    uint64_t size = call->size < host.memory_bytes ? call->size : host.memory_bytes;
    return all && ptr <= size && len <= size - ptr ? all + ptr : NULL;
}

/* The barriers keep the compiler from reading guest memory again where the copy is meant. */
static int copy(void *to, const void *from, uint32_t len)
{
    if (!to || !from)
        return -1;
    __asm__ volatile("" : : : "memory");
    memcpy(to, from, len);
    __asm__ volatile("" : : : "memory");
    return 0;
}

static int do_read(struct wasmvm_call *call, uint32_t ptr, void *dst, uint32_t len)
{
    const uint8_t *from = place(call, ptr, len);
    return from && !len ? 0 : copy(dst, from, len);
}

static int do_write(struct wasmvm_call *call, uint32_t ptr, const void *src, uint32_t len)
{
    uint8_t *to = place(call, ptr, len);
    return to && !len ? 0 : copy(to, src, len);
}

static const volatile uint8_t *do_view(struct wasmvm_call *call, uint32_t ptr, uint32_t len)
{
    return place(call, ptr, len);
}

static uint64_t do_mem_size(struct wasmvm_call *call)
{
    return call->size;
}

static void do_trap(struct wasmvm_call *call, const char *words)
{
    snprintf(call->trap, sizeof call->trap, "%s", words);
}

static void do_log(const struct wasmvm_host *services, int level, const char *text)
{
    (void)services;
    if (level < WASMVM_LOG_DEBUG)
        message("%s%s: %s", host.face ? "plug-in " : "", host.face ? host.face->name : host.file,
                text);
}

static const char *do_option(const struct wasmvm_host *services, const char *key)
{
    (void)services;
    return face_option(host.options, host.noptions, key);
}

static bool stop_wanted(void)
{
    return __atomic_load_n(&host.turns->stop, __ATOMIC_RELAXED);
}

/* A stop, and the monitor's end, are to be seen on the socket. */
static int do_wait(struct wasmvm_call *call, int fd, short events)
{
    (void)call;
    while (!stop_wanted()) {
        struct pollfd both[] = {{fd, events, 0}, {TURNS_SOCKET, POLLIN, 0}};
        if (!events)
            return WASMVM_OK;
        if (poll(both, 2, -1) < 0 && errno != EINTR)
            return WASMVM_OK; /* as of a wait that a descriptor's error ends */
        if (both[0].revents)
            return WASMVM_OK;
        if (both[1].revents)
            break;
    }
    return WASMVM_ENDED;
}

static void call_serve(void);

/* Until the answer comes, the module may call. */
static void answer_take(void)
{
    for (;;) {
        uint32_t kind = turn_take();
        if (kind == TURN_ANSWER)
            return;
        if (kind != TURN_CALL)
            _exit(EXIT_MONITOR); /* that is no monitor of ours */
        call_serve();
    }
}

static int do_call_export(struct wasmvm_call *call, const char *name, const wasmvm_val *args,
                          uint32_t nargs, wasmvm_val *result)
{
    struct turn *own = &host.turns->library;
    size_t len = strlen(name);
    if (call->ended)
        return WASMVM_ENDED;
    if (nargs > TURN_VALUES || len >= TURN_TEXT)
        return nargs > TURN_VALUES ? WASMVM_BAD_TYPE : WASMVM_NO_EXPORT;
    memcpy(own->text, name, len + 1);
    for (uint32_t i = 0; i < nargs; i++)
        own->values[i] = args[i].u64;
    turn_send(TURN_EXPORT, nargs);
    answer_take();
    call->size = size_told();
    int status = (int)turn_read(host.turns->monitor.number);
    if (status == WASMVM_OK && result)
        result->u64 = turn_read(host.turns->monitor.values[0]);
    call->ended = status != WASMVM_OK && status != WASMVM_NO_EXPORT && status != WASMVM_BAD_TYPE;
    return call->ended ? WASMVM_ENDED : status;
}

/* ---- a call ---- */

static void trap_send(const char *words)
{
    snprintf(host.turns->library.text, TURN_TEXT, "%s", words);
    turn_send(TURN_TRAP, 0);
}

static bool stack_low(void)
{
    return (uintptr_t)__builtin_frame_address(0) < host.stack_floor;
}

static void function_run(const struct wasmvm_func *f)
{
    const struct turn *other = &host.turns->monitor;
    struct wasmvm_call call = {.size = size_told()};
    wasmvm_val args[TURN_VALUES], result = {.u64 = 0};
    size_t n = strcspn(f->sig, ":");
    for (size_t i = 0; i < n && i < TURN_VALUES; i++)
        args[i].u64 = turn_read(other->values[i]);
    if (f->fn(f->data ? f->data : host.data, &call, args, &result)) {
        trap_send(call.trap);
        return;
    }
    host.turns->library.values[0] = result.u64;
    turn_send(TURN_RESULT, 0);
}

static void call_serve(void)
{
    uint32_t number = turn_read(host.turns->monitor.number);
    if (number >= host.face->nfuncs)
        trap_send("the library has no such function");
    else if (stack_low())
        trap_send("host and guest called each other so deep that the host's stack is used up");
    else
        function_run(&host.face->funcs[number]);
}

/* ---- the beginning ---- */

static void stack_look(void)
{
    pthread_attr_t attr;
    void *low;
    size_t bytes;
    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return;
    if (pthread_attr_getstack(&attr, &low, &bytes) == 0)
        host.stack_floor = (uintptr_t)low + (bytes / 4 < STACK_KEPT ? bytes / 4 : STACK_KEPT);
    pthread_attr_destroy(&attr);
}

/* What is not taken is told by the socket's end. */
static void frame_send(enum frame_kind kind, const void *body, size_t len)
{
    uint8_t head[FRAME_HEAD];
    frame_head(head, kind, (uint32_t)len);
    if (len > FRAME_MOST || !write_all(TURNS_SOCKET, head, sizeof head) ||
        !write_all(TURNS_SOCKET, body, len))
        _exit(EXIT_MONITOR);
}

static _Noreturn void give_up(const char *why)
{
    frame_send(FRAME_TRAP, why, strlen(why));
    _exit(EXIT_MONITOR);
}

/* Flags, then strings: name, version, and of each function module, name and signature. */
static void hello_send(void)
{
    char *body = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&body, &len);
    if (!out)
        give_up("no memory");
    fwrite(&host.face->flags, sizeof host.face->flags, 1, out);
    const char *version = host.face->version ? host.face->version : "";
    fprintf(out, "%s%c%s%c", host.face->name, 0, version, 0);
    for (uint32_t i = 0; i < host.face->nfuncs; i++) {
        const struct wasmvm_func *f = &host.face->funcs[i];
        fprintf(out, "%s%c%s%c%s%c", f->module, 0, f->name, 0, f->sig, 0);
    }
    if (fclose(out) != 0)
        give_up("no memory");
    frame_send(FRAME_HELLO, body, len);
    free(body);
}

static void load(void)
{
    char why[PLUGIN_WHY] = "";
    host.library = library_open(host.file, why);
    host.face = host.library ? face_find(host.library, why) : NULL;
    if (!host.face || !face_begin(host.face, &host.services, &host.data, why))
        give_up(why);
}

static void unload(void)
{
    if (host.face->fini)
        host.face->fini(host.data);
    library_close(host.library);
    fflush(NULL);
}

static bool turns_map(void)
{
    void *at = mmap(NULL, TURNS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, TURNS_PAGE, 0);
    host.turns = at == MAP_FAILED ? NULL : at;
    for (int fd = TURNS_SOCKET; fd <= TURNS_MEMORY; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    return host.turns;
}

/* Whether the group that ends with the monitor is this process's own.  The monitor starts it so; a
 * shell does not. */
static bool session_is_own(void)
{
    return getsid(0) == getpid();
}

/* The monitor has ended.  Where it was root and became nobody, its end kills nobody of root's. */
static void *watch(void *none)
{
    struct pollfd there = {.fd = TURNS_SOCKET};
    while (poll(&there, 1, -1) < 0 || !there.revents) {}
    kill(0, SIGKILL);
    return none;
}

static void watch_begin(void)
{
    pthread_t thread;
    if (thread_start(&thread, NULL, watch, NULL) != 0)
        give_up("no thread to watch for wasmvm's end");
}

static void jail(void)
{
    struct failure why;
    const struct jail_plan plan = {.weak = true};
    if (!jail_enter(&plan, &why))
        give_up(why.text);
}

static const struct wasmvm_host services = {
    .size = sizeof services, .read = do_read, .write = do_write, .view = do_view,
    .mem_size = do_mem_size, .trap = do_trap, .log = do_log, .call_export = do_call_export,
    .option = do_option, .wait = do_wait,
};

int main(int argc, char **argv)
{
    if (argc < 2 || !session_is_own() || !turns_map()) {
        message("this program holds a plug-in's library, and is started by wasmvm --plugin");
        return EXIT_MONITOR;
    }
    host.services = services;
    host.file = argv[1];
    host.options = argv + 2;
    host.noptions = (unsigned)argc - 2;
    host.patience = turn_patience(LOOK_NS);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    stack_look();
    jail();
    watch_begin();
    load();
    hello_send();
    while (turn_take() == TURN_CALL)
        call_serve();
    unload();
    turn_send(TURN_RESULT, 0);
    return 0;
}
