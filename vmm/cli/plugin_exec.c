/* --plugin-exec: host functions of a child process, over a socket.
 *
 * The child finds the socket as descriptor 3, nothing on 0, and standard error on 1 and 2; no other
 * descriptor, no signal ignored or blocked, a session of its own.  It is killed when the monitor's
 * thread that started it ends, and the socket's end tells whatever it started in its turn.
 *
 * One call is open at a time, and whoever asked last is answered first: inside a call the child
 * asks for memory or for an export, and an export may bring a CALL before its ANSWER.  The child
 * may hang, end, crash or talk garbage at any time.  All waits are ended by a stop (`wait`); a
 * child that broke the rules is killed, and every call from then on traps with the same sentence.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmm/cli/plugin.h"

#define IN_START 4096u        /* of the receive buffer */
#define REAP_NS 200000000     /* between a closed socket and the end of its process */
#define LEAVE_NS 300000000    /* at the end of a run, between the socket's end and a kill */
#define NAME_SHOWN 60         /* bytes of a command in a sentence */
#define TRAP_WORDS 200        /* what a trap keeps of its sentence */

#define NAME_MOST 256u         /* bytes of an export's name that is worth asking for */
#define ARGS_MOST 64u          /* values of a call: more than the library takes */

struct child_func { struct child *child; uint32_t number; unsigned nparams; };

struct child {
    pid_t pid;
    int fd, pidfd;
    char *command;             /* argv[0], for sentences */
    char *module, *provider;   /* provider: "plug-in kv", once it has said hello */
    bool adopted;              /* not our child */
    const struct wasmvm_host *services;
    wasmvm_call *call;         /* the innermost that it is in */
    uint64_t deadline_ns;      /* of the hello */
    struct hello hello;
    struct child_func *funcs;
    wasmvm_func *table;        /* the same, as the library wants them */
    /* received: `used` bytes of the frame before, then what came after it */
    uint8_t *in;
    size_t have, cap, used;
    bool broken;
    char why[TRAP_WORDS];      /* once broken */
};

/* ---- its end ---- */

/* Waits until the process is over, for at most so long; then kills it.  The wait status; *killed:
 * it was alive. */
static int reap(struct child *c, int64_t patience_ns, bool *killed)
{
    int status = 0;
    uint64_t until = clock_now_ns() + (uint64_t)patience_ns;
    struct pollfd over = {.fd = c->pidfd, .events = POLLIN};
    for (int64_t left = patience_ns; left > 0 && !over.revents;
         left = (int64_t)(until - clock_now_ns()))
        if (ppoll(&over, 1, &(struct timespec){ left / 1000000000, left % 1000000000 }, NULL) < 0 &&
            errno != EINTR)
            break;
    *killed = !over.revents;
    if (c->pid > 0) {
        /* with what it started; nothing happens to one that is over, and not waited for yet */
        kill(-c->pid, SIGKILL);
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR) {}
    }
    c->pid = 0;
    return status;
}

/* Says so in this call and all to come; the process is not asked again. */
static void broken(struct child *c, const char *what)
{
    if (!c->broken)
        snprintf(c->why, sizeof c->why, "the %s%.*s %s", c->adopted ? "" : "plug-in process ",
                 NAME_SHOWN, c->command, what);
    c->broken = true;
}

/* What it sent cannot be. */
static void garbage(struct child *c, const char *what)
{
    bool killed;
    broken(c, what);
    reap(c, 0, &killed);
}

static void gone(struct child *c)
{
    char what[100] = "closed its socket";
    bool killed;
    int status = reap(c, REAP_NS, &killed);
    if (!killed && WIFSIGNALED(status))
        snprintf(what, sizeof what, "was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (!killed)
        snprintf(what, sizeof what, "ended with status %d", WEXITSTATUS(status));
    broken(c, what);
}

/* ---- bytes ---- */

/* Until the socket is ready, which for no events it is; false: a stop is wanted, or before any
 * call, time is over. */
static bool ready(struct child *c, short events)
{
    if (c->call) {
        if (c->services->wait(c->call, c->fd, events) == WASMVM_OK)
            return true;
        broken(c, "was stopped in a call");
        return false;
    }
    for (;;) {
        struct pollfd one = {.fd = c->fd, .events = events};
        int64_t left_ms = ((int64_t)(c->deadline_ns - clock_now_ns()) + 999999) / 1000000;
        if (left_ms <= 0)
            return false;
        if (!events || poll_ms(&one, 1, left_ms > 1000 ? 1000 : (int)left_ms) > 0)
            return true;
    }
}

/* Steps over n bytes, and over parts that are empty. */
static void parts_skip(struct msghdr *parts, size_t n)
{
    while (parts->msg_iovlen && n >= parts->msg_iov->iov_len) {
        n -= parts->msg_iov->iov_len;
        parts->msg_iov++;
        parts->msg_iovlen--;
    }
    if (n) {
        parts->msg_iov->iov_base = (char *)parts->msg_iov->iov_base + n;
        parts->msg_iov->iov_len -= n;
    }
}

/* A head, and a body of two pieces.  false: broken, or a stop is wanted. */
static bool send_frame(struct child *c, enum frame_kind kind, const void *first, size_t nfirst,
                       const void *second, size_t nsecond)
{
    uint8_t head[FRAME_HEAD];
    struct iovec iov[] = {{head, sizeof head}, {(void *)first, nfirst}, {(void *)second, nsecond}};
    struct msghdr parts = {.msg_iov = iov, .msg_iovlen = 3};
    frame_head(head, kind, (uint32_t)(nfirst + nsecond));
    for (parts_skip(&parts, 0); parts.msg_iovlen;) {
        ssize_t n = sendmsg(c->fd, &parts, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0) {
            parts_skip(&parts, (size_t)n);
        } else if (errno == EAGAIN) {
            if (!ready(c, POLLOUT))
                return false;
        } else if (errno != EINTR) {
            gone(c);
            return false;
        }
    }
    return true;
}

/* Room for the frame that has begun. */
static bool in_grow(struct child *c)
{
    size_t need = IN_START;
    if (c->have >= FRAME_HEAD)
        need = FRAME_HEAD + frame_u32(c->in); /* at most FRAME_MOST: frame_next has looked */
    if (need <= c->cap && c->have < c->cap)
        return true;
    size_t cap = need > 2 * c->cap ? need : 2 * c->cap;
    uint8_t *in = realloc(c->in, cap);
    if (!in)
        return false;
    c->in = in;
    c->cap = cap;
    return true;
}

/* The next frame; its body is valid until the next time.  false: broken, or a stop is wanted. */
static bool receive(struct child *c, struct frame *frame)
{
    if (c->used)
        memmove(c->in, c->in + c->used, c->have - c->used);
    c->have -= c->used;
    c->used = 0;
    for (;;) {
        enum frame_state state = frame_next(c->in, c->have, frame);
        if (state == FRAME_WHOLE) {
            c->used = FRAME_HEAD + frame->len;
            return true;
        }
        if (state == FRAME_TOO_LONG || !in_grow(c)) {
            garbage(c, state == FRAME_TOO_LONG ? "sent a frame of more than 16 MiB"
                                               : "sent more than memory holds");
            return false;
        }
        ssize_t n = recv(c->fd, c->in + c->have, c->cap - c->have, MSG_DONTWAIT);
        if (n > 0) {
            c->have += (size_t)n;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            gone(c);
            return false;
        } else if (errno == EAGAIN && !ready(c, POLLIN)) {
            return false;
        }
    }
}

/* ---- what it asks for, in a call ---- */

/* A call in progress, with the frame that came. */
struct invocation {
    struct child *child;
    wasmvm_call *call;
    const struct frame *frame;
    wasmvm_val *result;
};
enum progress { GO_ON, ANSWERED, TRAPPED };

static enum progress answer(struct child *c, int32_t status, const void *bytes, size_t len)
{
    return send_frame(c, FRAME_ANSWER, &status, sizeof status, bytes, len) ? GO_ON : TRAPPED;
}

static enum progress bad_frame(struct child *c, const char *what)
{
    garbage(c, what);
    return TRAPPED;
}

static enum progress take_result(struct invocation *s)
{
    if (s->frame->len != 8)
        return bad_frame(s->child, "sent a result that is not 8 bytes");
    s->result->u64 = frame_u64(s->frame->body);
    return ANSWERED;
}

static enum progress take_trap(struct invocation *s)
{
    char text[TRAP_WORDS];
    snprintf(text, sizeof text, "%.*s",
             (int)(s->frame->len < sizeof text ? s->frame->len : sizeof text - 1),
             (const char *)s->frame->body);
    if (*text)
        s->child->services->trap(s->call, text);
    return TRAPPED;
}

static enum progress take_read(struct invocation *s)
{
    struct child *c = s->child;
    if (s->frame->len != 8)
        return bad_frame(c, "sent a read that is not a pointer and a length");
    uint32_t at = frame_u32(s->frame->body), len = frame_u32(s->frame->body + 4);
    void *bytes = len <= FRAME_MOST - 4 ? malloc(len ? len : 1) : NULL;
    bool good = bytes && c->services->read(s->call, at, bytes, len) == 0;
    enum progress progress = answer(c, good ? 0 : -1, bytes, good ? len : 0);
    free(bytes);
    return progress;
}

static enum progress take_write(struct invocation *s)
{
    if (s->frame->len < 4)
        return bad_frame(s->child, "sent a write without a pointer");
    const uint8_t *body = s->frame->body;
    return answer(s->child,
                  s->child->services->write(s->call, frame_u32(body), body + 4, s->frame->len - 4),
                  NULL, 0);
}

static enum progress take_size(struct invocation *s)
{
    uint64_t size = s->child->services->mem_size(s->call);
    return answer(s->child, 0, &size, sizeof size);
}

/* While the export runs, further calls come to this child and use its buffer: nothing of the frame
 * is kept there. */
static enum progress take_export(struct invocation *s)
{
    struct child *c = s->child;
    const uint8_t *body = s->frame->body, *end = memchr(body, 0, s->frame->len);
    char name[NAME_MOST];
    wasmvm_val args[ARGS_MOST], result = {0};
    size_t left = end ? s->frame->len - (size_t)(end + 1 - body) : 1;
    if (left % 8)
        return bad_frame(c, "sent an export that is not a name and its arguments");
    if (left / 8 > ARGS_MOST || (size_t)(end - body) >= sizeof name)
        return answer(c, left / 8 > ARGS_MOST ? WASMVM_BAD_TYPE : WASMVM_NO_EXPORT, &result,
                      sizeof result);
    memcpy(name, body, (size_t)(end + 1 - body));
    for (size_t i = 0; i < left / 8; i++)
        args[i].u64 = frame_u64(end + 1 + 8 * i);
    int status = c->services->call_export
                     ? c->services->call_export(s->call, name, args, (uint32_t)(left / 8), &result)
                     : WASMVM_NO_EXPORT;
    return answer(c, status, &result, sizeof result);
}

static void log_line(struct child *c, const struct frame *frame)
{
    uint32_t level = frame->len >= 4 ? frame_u32(frame->body) : WASMVM_LOG_DEBUG;
    if (level < WASMVM_LOG_DEBUG)
        message("%s: %.*s", c->provider ? c->provider : c->command, (int)(frame->len - 4),
                (const char *)frame->body + 4);
}

static enum progress take_log(struct invocation *s)
{
    log_line(s->child, s->frame);
    return GO_ON;
}

static enum progress (*const services[])(struct invocation *) = {
    [FRAME_RESULT] = take_result, [FRAME_TRAP] = take_trap, [FRAME_READ] = take_read,
    [FRAME_WRITE] = take_write,   [FRAME_SIZE] = take_size, [FRAME_EXPORT] = take_export,
    [FRAME_LOG] = take_log,
};
#define SERVICES (sizeof services / sizeof services[0])

static enum progress take_frame(struct invocation *s)
{
    struct frame frame;
    char what[60];
    /* one that never pauses is stopped too */
    if (!ready(s->child, 0) || !receive(s->child, &frame))
        return TRAPPED;
    s->frame = &frame;
    if (frame.kind < SERVICES && services[frame.kind])
        return services[frame.kind](s);
    snprintf(what, sizeof what, "sent a frame of kind %u, which has no meaning here", frame.kind);
    return bad_frame(s->child, what);
}

/* The function of every entry in the table. */
static int call_child(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    const struct child_func *f = data;
    struct child *c = f->child;
    struct invocation s = {.child = c, .call = call, .result = result};
    enum progress progress = TRAPPED;
    wasmvm_call *outer = c->call;
    c->call = call;
    if (!c->broken &&
        send_frame(c, FRAME_CALL, &f->number, sizeof f->number, args, f->nparams * sizeof *args))
        do
            progress = take_frame(&s);
        while (progress == GO_ON);
    c->call = outer;
    if (c->broken)
        c->services->trap(call, c->why);
    return c->broken || progress == TRAPPED ? -1 : 0;
}

/* ---- its beginning ---- */

static bool process_make(struct child *c, char *const argv[], char why[PLUGIN_WHY])
{
    int ends[2];
    /* ignored, as some parents hand it on, it would leave no status to wait for */
    signal(SIGCHLD, SIG_DFL);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        snprintf(why, PLUGIN_WHY, "no socket for it: %s", strerror(errno));
        return false;
    }
    c->fd = ends[0];
    int error = process_start(argv, &ends[1], 1, &c->pid);
    close(ends[1]);
    if (!error && (c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0)) < 0)
        error = errno;
    if (error)
        snprintf(why, PLUGIN_WHY, "%s cannot be started: %s", argv[0],
                 error == ENOENT
                     ? "no such program (there is no shell: write its path, or a name on PATH)"
                     : strerror(error));
    return !error;
}

struct child *child_start(char *const argv[], const char *module, const struct wasmvm_host *host,
                          char why[PLUGIN_WHY])
{
    struct child *c = calloc(1, sizeof *c);
    if (c) {
        *c = (struct child){ .fd = -1,
                             .pidfd = -1,
                             .pid = -1,
                             .services = host,
                             .in = malloc(IN_START),
                             .cap = IN_START,
                             .command = strdup(argv[0]),
                             .module = strdup(module) };
        if (c->command && c->module && c->in && process_make(c, argv, why))
            return c;
    } else {
        snprintf(why, PLUGIN_WHY, "no memory");
    }
    child_end(c);
    return NULL;
}

/* Room for n functions, of which each has its place; false: no memory. */
static bool functions_room(struct child *c, uint32_t n)
{
    c->funcs = calloc(n + 1u, sizeof *c->funcs);
    c->table = calloc(n + 1u, sizeof *c->table);
    return c->funcs && c->table;
}

static void function_make(struct child *c, uint32_t i, const char *module, const char *name,
                          const char *sig)
{
    c->funcs[i] =
        (struct child_func){ .child = c, .number = i, .nparams = (unsigned)strcspn(sig, ":") };
    c->table[i] = (wasmvm_func){ module, name, sig, call_child, &c->funcs[i] };
}

struct child *child_adopt(int fd, const wasmvm_func *funcs, uint32_t n,
                          const struct wasmvm_host *host)
{
    struct child *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    *c = (struct child){ .fd = fd, .pidfd = -1, .pid = -1, .services = host,
                         .adopted = true,
                         .in = malloc(IN_START), .cap = IN_START,
                         .hello = {.nfuncs = n},
                         .command = strdup("program that started this helper") };
    if (!c->in || !c->command || !functions_room(c, n)) {
        child_end(c);
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++)
        function_make(c, i, funcs[i].module, funcs[i].name, funcs[i].sig);
    return c;
}

static bool functions_make(struct child *c, char why[PLUGIN_WHY])
{
    if (!functions_room(c, c->hello.nfuncs) ||
        asprintf(&c->provider, "plug-in %s", c->hello.name) < 0) {
        c->provider = NULL;
        snprintf(why, PLUGIN_WHY, "no memory");
        return false;
    }
    for (uint32_t i = 0; i < c->hello.nfuncs; i++)
        function_make(c, i, c->module, c->hello.funcs[i].name, c->hello.funcs[i].sig);
    return true;
}

const wasmvm_func *child_funcs(const struct child *c, uint32_t *n)
{
    *n = c->hello.nfuncs;
    return c->table;
}

bool child_hello(struct child *c, uint64_t deadline_ns, char why[PLUGIN_WHY])
{
    struct frame frame;
    c->deadline_ns = deadline_ns;
    do {
        if (!ready(c, 0) || !receive(c, &frame)) {
            if (c->broken)
                snprintf(why, PLUGIN_WHY,
                         "%s before it said hello (try the command in a shell, with 3<>/dev/null)",
                         c->why);
            else
                snprintf(why, PLUGIN_WHY,
                         "it did not say hello in time (its first frame is to be one)");
            c->broken = true; /* nothing is waited for at its end */
            return false;
        }
        if (frame.kind == FRAME_LOG)
            log_line(c, &frame);
    } while (frame.kind == FRAME_LOG);
    return hello_read(&frame, &c->hello, why) && functions_make(c, why);
}

const char *child_name(const struct child *c)
{
    return c->hello.name ? c->hello.name : "";
}

const char *child_version(const struct child *c)
{
    return c->hello.version ? c->hello.version : "";
}

void child_end(struct child *c)
{
    bool killed;
    if (!c)
        return;
    if (c->fd >= 0)
        close(c->fd);
    reap(c, c->broken || c->pidfd < 0 ? 0 : LEAVE_NS, &killed);
    if (c->pidfd >= 0)
        close(c->pidfd);
    hello_free(&c->hello);
    free(c->funcs);
    free(c->table);
    free(c->provider);
    free(c->command);
    free(c->module);
    free(c->in);
    free(c);
}
