/* The fuzz target of the page between the monitor and the process of a plug-in's library
 * (vmm/base/turns.h): a process that was taken over writes anything there, at any time, and says
 * anything through its socket.
 *
 * There is no other process.  Its moves are bytes of the input, and one is taken wherever the
 * monitor reads a value of the page, looks at a clock, waits, or uses a service of the guest's. The
 * clock goes on by itself (steps.h), so an input does the same each time. */
#include <setjmp.h>
#include <stdarg.h>

#include "tests/fuzz/records.h"
#include "tests/fuzz/steps.h"
#include "vmm/base/turns.h"

/* What else may have changed between two reads of one call. */
static void process_moves(void);
#undef turn_read
#define turn_read(at) (process_moves(), __atomic_load_n(&(at), __ATOMIC_RELAXED))

#include "vmm/cli/plugin_apart.c" /* its conversation is static */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int __wrap_process_start(char *const argv[], const int *given, unsigned n, pid_t *);
const char *__wrap_program_find(const char *what, const char *name, char *room, size_t cap);
int __wrap_sigtimedwait(const sigset_t *, siginfo_t *, const struct timespec *);

#define PID getpid() /* one whose CPU time can be asked for */
enum { NESTING = 3, WAITS_MOST = 200, MEMORY = 65536 };
enum { WITH_HELLO = 1, WITH_LOOKS = 2, WITHOUT_EXPORTS = 4, ENDS_SOON = 8, WITH_CPU_TIME = 16 };

static struct {
    struct bytes moves;
    int fd;              /* its end of the socket; -1 = closed */
    struct turns *page;
    unsigned depth, waits;
    uint8_t how;
    bool quiet;          /* it is not its turn: the monitor starts it */
    jmp_buf stuck;       /* where a wait outside of calls gives up */
} process;
static struct apart *apart;

/* ---- the process ---- */

static void answer_give(enum turn_kind kind)
{
    struct turn *own = &process.page->library;
    own->kind = kind;
    own->number = byte_take(&process.moves) % 70u;
    own->values[0] = number_take(&process.moves, 2);
    own->given = process.page->monitor.given;
}

static void text_give(void)
{
    uint8_t n = byte_take(&process.moves);
    memset(process.page->library.text, 'n', n < 250 ? n % 16u : TURN_TEXT);
    if (n < 250)
        process.page->library.text[n % 16u] = 0;
}

/* Any bytes at any place, the monitor's half too. */
static void bytes_give(void)
{
    size_t at = (size_t)number_take(&process.moves, 2) % (TURNS_BYTES - 8);
    uint8_t n = byte_take(&process.moves) % 9;
    for (uint8_t i = 0; i < n; i++)
        ((uint8_t *)process.page)[at + i] = byte_take(&process.moves);
}

static void say(size_t n)
{
    uint8_t text[64];
    for (size_t i = 0; i < n; i++)
        text[i] = byte_take(&process.moves);
    if (process.fd >= 0)
        (void)!send(process.fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void process_moves(void)
{
    if (process.quiet || process.moves.at == process.moves.end)
        return;
    switch (byte_take(&process.moves) % 16) {
    case 0: answer_give(TURN_RESULT); break;
    case 1: answer_give(TURN_TRAP); break;
    case 2: answer_give(TURN_EXPORT); break;
    case 3: answer_give((enum turn_kind)byte_take(&process.moves)); break;
    case 4: text_give(); break;
    case 5: bytes_give(); break;
    case 6: say(1); break;
    case 7: say(byte_take(&process.moves) % 64u); break;
    case 8:
        if (process.fd >= 0)
            close(process.fd);
        process.fd = -1;
        break;
    case 9: process.page->library.asleep = byte_take(&process.moves) & 1; break;
    case 10: process.page->library.given = (uint32_t)number_take(&process.moves, 4); break;
    case 11: process.page->library.number = (uint32_t)number_take(&process.moves, 4); break;
    default: break; /* it waits */
    }
}

/* In the place of what starts it: it has the other end of the socket, and the page. */
int __wrap_process_start(char *const argv[], const int *given, unsigned n, pid_t *pid)
{
    (void)argv, (void)n;
    if (fault_now())
        return ENOEXEC;
    bool was = faults_on(false);
    process.fd = fcntl(given[0], F_DUPFD_CLOEXEC, 3);
    process.page = mmap(NULL, TURNS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, given[1], 0);
    *pid = PID;
    faults_on(was);
    if (process.fd < 0 || process.page == MAP_FAILED)
        abort();
    return 0;
}

const char *__wrap_program_find(const char *what, const char *name, char *room, size_t cap)
{
    (void)what;
    snprintf(room, cap, "/%s", name);
    return room;
}

/* How it ended: by that input. */
int __wrap_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    uint8_t how = byte_take(&process.moves);
    (void)set;
    if (how % 4 == 0) {
        steps_pass((uint64_t)timeout->tv_nsec);
        errno = EAGAIN;
        return -1;
    }
    *info = (siginfo_t){ .si_signo = SIGCHLD, .si_code = how & 4 ? CLD_EXITED : CLD_KILLED };
    info->si_pid = how % 4 == 1 ? PID : 1;
    info->si_status = how;
    return SIGCHLD;
}

/* ---- the guest's side ---- */

static uint64_t guest_size(wasmvm_call *call)
{
    (void)call;
    process_moves();
    return MEMORY;
}

static void guest_trap(wasmvm_call *call, const char *text)
{
    (void)call;
    process_moves();
    if (strlen(text) >= (TURN_TEXT > WHY ? TURN_TEXT : WHY))
        abort();
}

/* A stop is wanted by and by; then each wait says so. */
static int guest_wait(wasmvm_call *call, int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };
    (void)call;
    process_moves();
    if (++process.waits >= (process.how & ENDS_SOON ? 4 : WAITS_MOST))
        return WASMVM_ENDED;
    if (events)
        poll_ms(&p, 1, 10);
    return WASMVM_OK;
}

static int guest_export(wasmvm_call *call, const char *name, const wasmvm_val *args, uint32_t n,
                        wasmvm_val *result)
{
    if (strlen(name) >= TURN_TEXT || n > TURN_VALUES)
        abort();
    for (uint32_t i = 0; i < n; i++)
        result->u64 += args[i].u64;
    process_moves();
    if (process.how & WITHOUT_EXPORTS || process.depth == NESTING)
        return WASMVM_NO_EXPORT;
    process.depth++;
    int status = call_apart(&apart->funcs[0], call, args, result);
    process.depth--;
    return status ? WASMVM_ENDED : WASMVM_OK;
}

static const struct wasmvm_host host = {
    .mem_size = guest_size, .trap = guest_trap, .wait = guest_wait, .call_export = guest_export
};

/* ---- one conversation ---- */

static bool stop_wanted(void)
{
    process_moves();
    return process.how & ENDS_SOON && ++process.waits > WAITS_MOST;
}

static void stuck(void)
{
    longjmp(process.stuck, 1);
}

static void hello_say(void)
{
    static const char words[] = "\0\0\0\0name\0version\0m\0f\0iI:I\0m\0g\0:";
    uint8_t head[FRAME_HEAD];
    frame_head(head, FRAME_HELLO, sizeof words);
    (void)!send(process.fd, head, sizeof head, MSG_NOSIGNAL);
    (void)!send(process.fd, words, sizeof words, MSG_NOSIGNAL);
}

static void functions_hold(void)
{
    uint32_t n;
    const wasmvm_func *funcs = apart_funcs(apart, &n);
    size_t sum = strlen(apart_name(apart)) + strlen(apart_version(apart));
    for (uint32_t i = 0; i < n; i++)
        sum += strlen(funcs[i].module) + strlen(funcs[i].name) + strlen(funcs[i].sig);
    if (n > FUNCTIONS_MOST || sum > FRAME_MOST || (apart_flags(apart) & ~PLUGIN_FLAGS))
        abort();
}

static void calls_make(void)
{
    wasmvm_val args[TURN_VALUES] = { { .u64 = 1 } }, result = { .u64 = 0 };
    for (unsigned i = 0; apart->nfuncs && i < 4; i++) {
        process.waits = 0;
        struct apart_func *f = &apart->funcs[i % apart->nfuncs];
        int status = call_apart(f, (wasmvm_call *)&result, args, &result);
        if (apart->broken && status == 0)
            abort();
    }
}

/* All that the command line does with one; false: a wait was given up, as the process ends then. */
static bool conversation(const struct apart_limit *limit)
{
    char why[PLUGIN_WHY];
    if (setjmp(process.stuck))
        return false;
    if (apart_hello(apart, limit, why)) {
        functions_hold();
        calls_make();
    } else if (strlen(why) >= PLUGIN_WHY) {
        abort();
    }
    apart_end(apart, limit);
    return true;
}

static void process_end(void)
{
    if (process.fd >= 0)
        close(process.fd);
    if (process.page)
        munmap(process.page, TURNS_BYTES);
    process.fd = -1;
    process.page = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char why[PLUGIN_WHY];
    if (len < 3)
        return -1;
    steps_begin();
    process.moves = (struct bytes){ data + 3, data + len };
    process.how = data[0];
    process.depth = process.waits = 0;
    process.quiet = true;
    fault_set(data[1], data[2]);
    faults_on(true);
    int memory = plugins_memory(why);
    apart = apart_start((char *[]){ (char *)"library", NULL }, 1, memory, &host, why);
    faults_on(false);
    fault_set(0, 0);
    if (apart) {
        const struct apart_limit limit = { .deadline_ns = steps_now() + 5000000000u,
                                           .cpu_time_ns = process.how & WITH_CPU_TIME ? 9 : 0,
                                           .wanted = stop_wanted,
                                           .stuck = stuck };
        if (apart_pid(apart) != PID)
            abort();
        apart->patience.ns = process.how & WITH_LOOKS ? LOOK_NS : 0;
        if (process.how & WITH_HELLO)
            hello_say();
        process.quiet = false;
        if (!conversation(&limit)) {
            apart->broken = true;
            apart_end(apart, &limit);
        }
    }
    if (memory >= 0)
        close(memory);
    process_end();
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    steps_looked = process_moves;
    process.fd = -1;
    signal(SIGPIPE, SIG_IGN);
    return 0;
}
