/* A plug-in's library in a process of its own: the monitor's side of base/turns.h.
 *
 * So the library's code and its system calls are not in this process, which keeps its whole jail.
 * That process sees linear memory by a file that both map, and nothing else of the guest.  Calls
 * need no system call but to wake who sleeps; the jail allows those for any run.
 *
 * The process may hang, end, or lie at any time.  A value of its half of the page is read once and
 * checked; a lie at worst makes the guest's call trap or give another number.  All waits are ended
 * by a stop.  It is not killed: this process may not, and its end takes that one along. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/turns.h"
#include "vmm/cli/plugin.h"

#define PROGRAM "wasmvm-plugin-host"
#define LOOK_NS 20000u        /* for an answer, before sleeping */
#define STOP_NS 200000000u    /* from a stop to a call that is left */
#define LEAVE_NS 300000000u   /* from fini's end to that of the process */
#define REAP_NS 500000000u    /* from a closed socket to how the process ended */
#define SLICE_MS 50           /* between two looks at a limit, outside of calls */
#define FUNCTIONS_MOST 4096u
#define WHY 200               /* what a trap keeps of its sentence */

struct apart_func { struct apart *apart; uint32_t number, nparams; };

struct apart {
    pid_t pid;
    clockid_t clock;          /* of its CPU time; looked up before the jail */
    bool clocked;             /* there is one: it had not ended by then */
    int fd;
    struct turns *turns;
    uint32_t given;           /* turns of ours */
    struct turn_patience patience;
    const struct wasmvm_host *services;
    bool greeted, broken;
    char why[WHY];            /* once broken */
    /* the hello: strings point into its body */
    uint8_t *in;
    size_t have, cap;
    uint32_t flags, nfuncs;
    const char *name, *version;
    struct apart_func *funcs;
    wasmvm_func *table;
};

/* ---- its end ---- */

static void broken(struct apart *a, const char *what)
{
    if (!a->broken)
        snprintf(a->why, sizeof a->why, "plug-in %.60s: its process %s", a->name ? a->name : "",
                 what);
    a->broken = true;
}

/* How it ended, in words.  It is waited for by its signal, which is blocked here: other calls the
 * jail does not have.  Of two that end at once, only one may be known; signals of others, which
 * may come without end, do not make the wait longer. */
static void end_words(const struct apart *a, char *words, size_t cap)
{
    const uint64_t until = clock_now_ns() + REAP_NS;
    siginfo_t info;
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    int got = -1;
    for (uint64_t now; (now = clock_now_ns()) < until;) {
        const struct timespec left = {.tv_nsec = (long)(until - now)};
        got = sigtimedwait(&child, &info, &left);
        if (got > 0 && info.si_pid == a->pid)
            break;
        got = -1;
    }
    if (got < 0)
        snprintf(words, cap, "closed its socket");
    else if (info.si_code == CLD_EXITED)
        snprintf(words, cap, "ended with status %d", info.si_status);
    else
        snprintf(words, cap, "was ended by signal %d (%s)", info.si_status,
                 strsignal(info.si_status));
}

static void gone(struct apart *a)
{
    char words[100];
    end_words(a, words, sizeof words);
    broken(a, words);
}

/* ---- turns ---- */

static void turn_send(struct apart *a, enum turn_kind kind, uint32_t number)
{
    struct turn *own = &a->turns->monitor;
    own->kind = kind;
    own->number = number;
    if (turn_give(own, &a->turns->library, ++a->given))
        syscall(SYS_futex, &own->given, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Takes what wakes us; false: nobody is there any more.  What is left wakes us again: to read until
 * there is nothing would have no end where it sends without one. */
static bool hear(struct apart *a)
{
    char bytes[64];
    ssize_t n = read(a->fd, bytes, sizeof bytes);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool came(const struct apart *a)
{
    return turn_came(&a->turns->library, a->given);
}

/* Waits on the socket until that time for its turn; *there: it has not ended. */
static bool came_by(struct apart *a, uint64_t until_ns, bool *there)
{
    *there = true;
    while (!came(a) && *there && clock_now_ns() < until_ns) {
        poll_ms(&(struct pollfd){.fd = a->fd, .events = POLLIN}, 1, SLICE_MS);
        *there = hear(a);
    }
    return came(a);
}

/* A stop: it learns of that, and has a moment to return. */
static bool stopped(struct apart *a)
{
    bool there;
    __atomic_store_n(&a->turns->stop, 1, __ATOMIC_RELAXED);
    (void)!write(a->fd, "", 1);
    turn_asleep(&a->turns->monitor, &a->turns->library, a->given);
    bool back = came_by(a, clock_now_ns() + STOP_NS, &there);
    turn_awake(&a->turns->monitor);
    if (!back)
        broken(a, "was stopped in a call");
    return back;
}

/* Until it has given its turn; false: broken. */
static bool turn_take(struct apart *a, wasmvm_call *call)
{
    struct turn *own = &a->turns->monitor, *other = &a->turns->library;
    if (turn_look(other, a->given, &a->patience))
        return true;
    while (turn_asleep(own, other, a->given)) {
        /* one that wakes us without end is stopped too */
        bool on = a->services->wait(call, a->fd, 0) == WASMVM_OK &&
                  a->services->wait(call, a->fd, POLLIN) == WASMVM_OK;
        bool there = hear(a);
        turn_awake(own);
        if (came(a))
            return true;
        if (!there)
            gone(a);
        if (!there || !on)
            return there && stopped(a);
    }
    return true;
}

/* ---- a call ---- */

enum progress { GO_ON, ENDED, ANSWERED, TRAPPED }; /* ENDED: as GO_ON, and it was told so */

/* The other one's text, as it is now; it may change meanwhile. */
static void text_take(const struct apart *a, char out[TURN_TEXT])
{
    const volatile char *from = a->turns->library.text;
    for (size_t i = 0; i < TURN_TEXT; i++)
        out[i] = from[i];
    out[TURN_TEXT - 1] = 0;
}

static enum progress take_result(struct apart *a, wasmvm_val *result)
{
    result->u64 = turn_read(a->turns->library.values[0]);
    return ANSWERED;
}

static enum progress take_trap(struct apart *a, wasmvm_call *call)
{
    char text[TURN_TEXT];
    text_take(a, text);
    if (*text)
        a->services->trap(call, text);
    return TRAPPED;
}

static void answer(struct apart *a, wasmvm_call *call, int status, uint64_t value)
{
    struct turn *own = &a->turns->monitor;
    own->size = a->services->mem_size(call);
    own->values[0] = value;
    turn_send(a, TURN_ANSWER, (uint32_t)status);
}

static int export_call(struct apart *a, wasmvm_call *call, const char *name,
                       const wasmvm_val *args, uint32_t n, wasmvm_val *result)
{
    if (a->services->wait(call, a->fd, 0) != WASMVM_OK)
        return WASMVM_ENDED;
    return n <= TURN_VALUES ? a->services->call_export(call, name, args, n, result)
                            : WASMVM_BAD_TYPE;
}

/* While the export runs, further calls come to this process, in turns of their own. */
static enum progress take_export(struct apart *a, wasmvm_call *call)
{
    uint32_t n = turn_read(a->turns->library.number);
    char name[TURN_TEXT];
    wasmvm_val args[TURN_VALUES], result = {.u64 = 0};
    text_take(a, name);
    for (uint32_t i = 0; i < n && i < TURN_VALUES; i++)
        args[i].u64 = turn_read(a->turns->library.values[i]);
    int status = export_call(a, call, name, args, n, &result);
    if (a->broken) /* in a call within */
        return TRAPPED;
    answer(a, call, status, result.u64);
    return status == WASMVM_ENDED ? ENDED : GO_ON;
}

static enum progress take_turn(struct apart *a, wasmvm_call *call, wasmvm_val *result)
{
    if (!turn_take(a, call))
        return TRAPPED;
    switch (turn_read(a->turns->library.kind)) {
    case TURN_RESULT: return take_result(a, result);
    case TURN_TRAP: return take_trap(a, call);
    case TURN_EXPORT: return take_export(a, call);
    default: broken(a, "broke the rules of its page"); return TRAPPED;
    }
}

/* The function of every entry in the table. */
static int call_apart(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    const struct apart_func *f = data;
    struct apart *a = f->apart;
    enum progress progress = a->broken ? TRAPPED : GO_ON;
    if (!a->broken) {
        struct turn *own = &a->turns->monitor;
        own->size = a->services->mem_size(call);
        for (uint32_t i = 0; i < f->nparams; i++)
            own->values[i] = args[i].u64;
        turn_send(a, TURN_CALL, f->number);
    }
    while (progress < ANSWERED) {
        enum progress before = progress;
        progress = take_turn(a, call, result);
        if (before == ENDED && progress < ANSWERED) { /* it would ask for ever */
            broken(a, "was stopped in a call");
            progress = TRAPPED;
        }
    }
    if (a->broken)
        a->services->trap(call, a->why);
    return progress == ANSWERED ? 0 : -1;
}

/* ---- outside of calls ---- */

static uint64_t cpu_used(const struct apart *a)
{
    struct timespec t = {0};
    if (a->clocked)
        clock_gettime(a->clock, &t); /* it may be gone */
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID) + (uint64_t)t.tv_sec * 1000000000u +
           (uint64_t)t.tv_nsec;
}

static void limit_look(const struct apart *a, const struct apart_limit *l)
{
    if ((l->deadline_ns && clock_now_ns() >= l->deadline_ns) || (l->wanted && l->wanted()) ||
        (l->cpu_time_ns && cpu_used(a) >= l->cpu_time_ns))
        l->stuck();
}

/* ---- its beginning ---- */

int plugins_memory(char why[PLUGIN_WHY])
{
    int fd = memfd_create("linear-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        snprintf(why, PLUGIN_WHY, "--plugin: no memory that a library's process can share: %s",
                 strerror(errno));
    return fd;
}

/* Nobody can cut it; -1: errno. */
static int page_make(void)
{
    int fd = memfd_create("turns", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || (ftruncate(fd, TURNS_BYTES) == 0 &&
                   fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* The child's signal stays pending until somebody asks how the child ended. */
static void signal_hold(void)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &child, NULL);
}

/* An errno, or 0. */
static int process_make(struct apart *a, char *const words[], uint32_t n, int page, int memory)
{
    char path[4200], **argv = calloc(n + 2, sizeof *argv);
    int ends[2];
    if (!argv || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        free(argv);
        return errno;
    }
    argv[0] = (char *)program_find("--plugin", PROGRAM, path, sizeof path);
    memcpy(argv + 1, words, n * sizeof *argv);
    a->fd = ends[0];
    signal_hold();
    const int given[] = {ends[1], page, memory};
    int error = fcntl(a->fd, F_SETFL, O_NONBLOCK) != 0 ? errno
                                                       : process_start(argv, given, 3, &a->pid);
    close(ends[1]);
    free(argv);
    a->clocked = !error && clock_getcpuclockid(a->pid, &a->clock) == 0;
    return error;
}

struct apart *apart_start(char *const words[], uint32_t n, int memory,
                          const struct wasmvm_host *services, char why[PLUGIN_WHY])
{
    struct apart *a = calloc(1, sizeof *a);
    int page = a ? page_make() : -1;
    void *at = page < 0 ? MAP_FAILED
                        : mmap(NULL, TURNS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, page, 0);
    int error = errno;
    if (a) {
        *a = (struct apart){.fd = -1, .services = services, .patience = turn_patience(LOOK_NS),
                            .turns = at == MAP_FAILED ? NULL : at};
        if (a->turns)
            error = process_make(a, words, n, page, memory);
    }
    if (page >= 0)
        close(page);
    if (a && a->turns && !error)
        return a;
    snprintf(why, PLUGIN_WHY, "its process cannot be started: %s", strerror(error));
    apart_end(a, NULL);
    return NULL;
}

pid_t apart_pid(const struct apart *a)
{
    return a->pid;
}

/* ---- the hello ---- */

static bool in_grow(struct apart *a)
{
    size_t cap = a->have < a->cap ? a->cap : a->cap ? 2 * a->cap : 4096;
    uint8_t *in = cap == a->cap ? a->in : realloc(a->in, cap);
    a->in = in ? in : a->in;
    a->cap = in ? cap : a->cap;
    return in;
}

/* The one frame that it sends; false: it has ended, or says what cannot be. */
static bool frame_take(struct apart *a, const struct apart_limit *limit, struct frame *frame)
{
    for (;;) {
        enum frame_state state = frame_next(a->in, a->have, frame);
        if (state != FRAME_PARTIAL)
            return state == FRAME_WHOLE;
        if (!in_grow(a))
            return false;
        ssize_t n = read(a->fd, a->in + a->have, a->cap - a->have);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        if (n > 0) {
            a->have += (size_t)n;
            continue;
        }
        poll_ms(&(struct pollfd){.fd = a->fd, .events = POLLIN}, 1, SLICE_MS);
        limit_look(a, limit);
    }
}

static bool strings_take(struct apart *a, const uint8_t *at, const uint8_t *end)
{
    a->name = frame_string(&at, end);
    a->version = a->name ? frame_string(&at, end) : NULL;
    a->table = calloc(FUNCTIONS_MOST, sizeof *a->table);
    a->funcs = calloc(FUNCTIONS_MOST, sizeof *a->funcs);
    if (!a->version || !a->table || !a->funcs)
        return false;
    for (; at < end; a->nfuncs++) {
        struct apart_func *f = &a->funcs[a->nfuncs];
        const char *text[3] = {NULL};
        for (unsigned k = 0; k < 3; k++)
            text[k] = k && !text[k - 1] ? NULL : frame_string(&at, end);
        if (!text[2] || a->nfuncs == FUNCTIONS_MOST)
            return false;
        *f = (struct apart_func){a, a->nfuncs, (uint32_t)strcspn(text[2], ":")};
        if (f->nparams > TURN_VALUES) /* which the library refuses, with a sentence */
            f->nparams = 0;
        a->table[a->nfuncs] = (wasmvm_func){text[0], text[1], text[2], call_apart, f};
    }
    return true;
}

bool apart_hello(struct apart *a, const struct apart_limit *limit, char why[PLUGIN_WHY])
{
    struct frame frame;
    char words[100];
    if (!frame_take(a, limit, &frame)) {
        end_words(a, words, sizeof words);
        snprintf(why, PLUGIN_WHY, "its process %s before it was loaded", words);
    } else if (frame.kind == FRAME_TRAP) {
        snprintf(why, PLUGIN_WHY, "%.*s", (int)frame.len, (const char *)frame.body);
    } else if (frame.kind != FRAME_HELLO || frame.len < 4 ||
               (frame_u32(frame.body) & ~PLUGIN_FLAGS) ||
               !strings_take(a, frame.body + 4, frame.body + frame.len)) {
        snprintf(why, PLUGIN_WHY, "it has more than %u functions, or says what cannot be",
                 FUNCTIONS_MOST);
    } else {
        a->flags = frame_u32(frame.body);
        a->greeted = true;
    }
    return a->greeted;
}

const wasmvm_func *apart_funcs(const struct apart *a, uint32_t *n)
{
    *n = a->nfuncs;
    return a->table;
}

const char *apart_name(const struct apart *a)
{
    return a->name;
}

const char *apart_version(const struct apart *a)
{
    return a->version;
}

uint32_t apart_flags(const struct apart *a)
{
    return a->flags;
}

/* ---- the end ---- */

/* Its fini is waited for; then the process, for a moment. */
static void fini_run(struct apart *a, const struct apart_limit *limit)
{
    bool there = true;
    turn_send(a, TURN_END, 0);
    turn_asleep(&a->turns->monitor, &a->turns->library, a->given);
    while (there && !came_by(a, clock_now_ns() + SLICE_MS * 1000000u, &there))
        limit_look(a, limit);
    uint64_t until = clock_now_ns() + LEAVE_NS;
    while (there && clock_now_ns() < until) {
        poll_ms(&(struct pollfd){.fd = a->fd, .events = POLLIN}, 1, SLICE_MS);
        there = hear(a);
    }
}

void apart_end(struct apart *a, const struct apart_limit *limit)
{
    if (!a)
        return;
    if (a->greeted && !a->broken)
        fini_run(a, limit);
    if (a->fd >= 0)
        close(a->fd);
    if (a->turns)
        munmap(a->turns, TURNS_BYTES);
    free(a->in);
    free(a->funcs);
    free(a->table);
    free(a);
}
