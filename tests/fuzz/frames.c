/* The fuzz target of a plug-in's process: what it says through its socket, as hello and in calls.
 * The input is what the process sends; the first byte says whether it has said hello before, and
 * how the guest answers for its services. */
#include "vmm/cli/plugin_exec.c" /* its conversation is static */

#include <sys/eventfd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { MEMORY = 4096, NESTING = 3 };
static uint8_t memory[MEMORY];
static unsigned how, depth;
static struct child *child;

/* ---- the guest's side ---- */

static int guest_read(wasmvm_call *call, uint32_t at, void *to, uint32_t len)
{
    (void)call;
    if (at > MEMORY || len > MEMORY - at)
        return -1;
    memcpy(to, memory + at, len);
    return 0;
}

static int guest_write(wasmvm_call *call, uint32_t at, const void *from, uint32_t len)
{
    (void)call;
    if (at > MEMORY || len > MEMORY - at)
        return -1;
    memcpy(memory + at, from, len);
    return 0;
}

static uint64_t guest_size(wasmvm_call *call)
{
    (void)call;
    return MEMORY;
}

static void guest_trap(wasmvm_call *call, const char *text)
{
    (void)call;
    if (strlen(text) >= TRAP_WORDS)
        abort();
}

/* A stop is wanted, once nothing more can come. */
static int guest_wait(wasmvm_call *call, int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };
    (void)call;
    return (!events && !(how & 64)) || poll(&p, 1, 0) > 0 ? WASMVM_OK : -1;
}

/* The export calls the plug-in again. */
static int guest_export(wasmvm_call *call, const char *name, const wasmvm_val *args, uint32_t n,
                        wasmvm_val *result)
{
    if (strlen(name) >= NAME_MOST || n > ARGS_MOST)
        abort();
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += args[i].u64;
    result->u64 = sum;
    if (how & 2 || depth == NESTING)
        return WASMVM_NO_EXPORT;
    depth++;
    int status = call_child(&child->funcs[0], call, args, result);
    depth--;
    return status ? WASMVM_ENDED : WASMVM_OK;
}

static const struct wasmvm_host host = {
    .read = guest_read,
    .write = guest_write,
    .mem_size = guest_size,
    .trap = guest_trap,
    .wait = guest_wait,
    .call_export = guest_export,
};
static const struct wasmvm_host older = {
    .read = guest_read,
    .write = guest_write,
    .mem_size = guest_size,
    .trap = guest_trap,
    .wait = guest_wait,
};

/* ---- one conversation ---- */

/* A child without a process, whose end is seen at once. */
static struct child *child_make(int fd)
{
    struct child *c = calloc(1, sizeof *c);
    *c = (struct child){ .fd = fd,
                         .pidfd = eventfd(1, EFD_CLOEXEC),
                         .services = how & 4 ? &older : &host,
                         .in = malloc(IN_START),
                         .cap = IN_START,
                         .command = strdup("plug-in"),
                         .module = strdup("m") };
    return c;
}

/* Room for all of an input, so that nothing waits for the other side. */
static void say(int fd, const uint8_t *data, size_t len)
{
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &(int){ 1 << 20 }, sizeof(int));
    (void)!send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (!(how & 8))
        shutdown(fd, SHUT_WR);
}

static void hello_say(int fd)
{
    static const char words[] = "\1\0\0\0name\0version\0f\0iI:I\0g\0:";
    uint8_t head[FRAME_HEAD];
    frame_head(head, FRAME_HELLO, sizeof words);
    (void)!send(fd, head, sizeof head, MSG_NOSIGNAL);
    (void)!send(fd, words, sizeof words, MSG_NOSIGNAL);
}

static void functions_hold(void)
{
    uint32_t n;
    const wasmvm_func *funcs = child_funcs(child, &n);
    size_t sum = strlen(child_name(child)) + strlen(child_version(child));
    for (uint32_t i = 0; i < n; i++)
        sum += strlen(funcs[i].name) + strlen(funcs[i].sig);
    if (n > HELLO_FUNCTIONS_MOST || sum > FRAME_MOST)
        abort();
}

static void conversation(void)
{
    char why[PLUGIN_WHY];
    wasmvm_val args[ARGS_MOST] = { { .u64 = 1 } }, result;
    if (!child_hello(child, clock_now_ns() + (how & 8 ? 1000000 : 1000000000), why))
        return;
    functions_hold();
    for (unsigned i = 0; child->hello.nfuncs && i < 4 && child->funcs[0].nparams <= ARGS_MOST;
         i++) {
        struct child_func *f = &child->funcs[i % child->hello.nfuncs];
        if (f->nparams <= ARGS_MOST) /* as the library sees to */
            call_child(f, (wasmvm_call *)&result, args, &result);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    int ends[2];
    if (len < 1 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    how = data[0];
    depth = 0;
    child = child_make(ends[0]);
    if (how & 1)
        hello_say(ends[1]);
    say(ends[1], data + 1, len - 1);
    conversation();
    child_end(child);
    close(ends[1]);
    return 0;
}

static void silent(void *data, const char *line)
{
    (void)data, (void)line;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct outlet nowhere = { .tell = silent };
    (void)argc, (void)argv;
    outlet_use(&nowhere);
    signal(SIGPIPE, SIG_IGN);
    return 0;
}
