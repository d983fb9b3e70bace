/* The library's machines in processes of their own: what the caller's side says to a helper
 * (cli/helper.c), and what it does for it.
 *
 * The helper is the monitor of a hostile guest.  Once it has started it may be taken over, so its
 * frames are bounds-checked as a guest's are: it gets what a host function gives it, and ends. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "vmm/base/frame.h"
#include "vmm/lib/lib.h"

#define IN_START 4096u       /* of the receive buffer */
#define PIECE (8u << 20)     /* of a long copy */
#define NESTING 64           /* calls in calls: each has the caller's stack */
#define END_MS 5000          /* between its last word and its end */
#define LATE_NS UINT64_C(5000000000) /* past a time limit that the helper does not keep */
#define GREETING_NS UINT64_C(10000000000)
#define LINE 4096            /* of its log */
#define LAST_LINES 16        /* reads of the log at its end */
#define TEXTS 3              /* strings of FRAME_END */

struct wasmvm_process {
    wasmvm_config *from;
    wasmvm_module *module;
    char *command;
    struct helper helper;
    struct outlet outlet;
    int status;              /* -1: it is not over */
    bool ran;
    unsigned stops;          /* atomic: how often it was told to stop */
    uint64_t late_ns;        /* CLOCK_MONOTONIC: when the helper is no more waited for; 0 = never */
    char *backtrace, *report;
    unsigned depth;
    uint8_t *in;             /* received: `used` bytes of the frame before, then what came after */
    size_t have, cap, used;
    char line[LINE];         /* of the log, until its end comes */
    size_t nline;
};

struct view { struct view *next; uint8_t bytes[]; };
struct remote_call {
    struct call_head head;
    struct wasmvm_process *process;
    struct view *views;
    char trap[200];
};

/* ---- the log, and waiting ---- */

static void log_lines(struct wasmvm_process *p)
{
    static const char begin[] = "wasmvm: ";
    for (char *end; (end = memchr(p->line, '\n', p->nline)) != NULL || p->nline == LINE;) {
        size_t n = end ? (size_t)(end - p->line) : p->nline;
        size_t skip = n >= sizeof begin - 1 && memcmp(p->line, begin, sizeof begin - 1) == 0
                          ? sizeof begin - 1 : 0;
        message("%.*s", (int)(n - skip), p->line + skip);
        p->nline -= end ? n + 1 : n;
        memmove(p->line, p->line + n + (end != NULL), p->nline);
    }
}

static void log_read(struct wasmvm_process *p)
{
    ssize_t n = read(p->helper.log, p->line + p->nline, LINE - p->nline);
    if (n > 0) {
        p->nline += (size_t)n;
        log_lines(p);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(p->helper.log);
        p->helper.log = -1;
    }
}

/* For poll(2); 0: it is too late. */
static int patience_ms(const struct wasmvm_process *p)
{
    uint64_t now = p->late_ns ? clock_now_ns() : 0;
    if (!p->late_ns)
        return -1;
    uint64_t ms = now < p->late_ns ? (p->late_ns - now) / 1000000 + 1 : 0;
    return ms < 1000000 ? (int)ms : 1000000;
}

/* Waits until the socket can be read, or written; the log is told meanwhile.  false: it is too
 * late, or the helper is over and has said all. */
static bool ready(struct wasmvm_process *p, short events)
{
    for (;;) {
        struct pollfd all[] = {{p->helper.socket, events, 0}, {p->helper.log, POLLIN, 0},
                               {p->helper.pidfd, POLLIN, 0}};
        int ms = patience_ms(p);
        if (ms == 0 || (poll(all, 3, ms) < 0 && errno != EINTR))
            return false;
        if (all[1].revents)
            log_read(p);
        if (all[0].revents || all[2].revents)
            return all[0].revents;
    }
}

/* ---- frames ---- */

/* A body of three parts at most.  false: nobody reads it. */
static bool send_parts(struct wasmvm_process *p, enum frame_kind kind, struct iovec body[3])
{
    uint8_t head[FRAME_HEAD];
    struct iovec all[] = {{head, sizeof head}, body[0], body[1], body[2]};
    struct msghdr message = {.msg_iov = all, .msg_iovlen = 4};
    size_t left = sizeof head + body[0].iov_len + body[1].iov_len + body[2].iov_len;
    frame_head(head, kind, (uint32_t)(left - sizeof head));
    while (left) {
        ssize_t n = sendmsg(p->helper.socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EINTR && (errno != EAGAIN || !ready(p, POLLOUT)))
            return false;
        left -= n > 0 ? (size_t)n : 0;
        for (; n > 0 && (size_t)n >= message.msg_iov->iov_len && left; message.msg_iovlen--)
            n -= (ssize_t)message.msg_iov++->iov_len;
        if (n > 0 && left) {
            message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + n;
            message.msg_iov->iov_len -= (size_t)n;
        }
    }
    return true;
}

static bool send_frame(struct wasmvm_process *p, enum frame_kind kind, const void *first,
                       size_t nfirst, const void *second, size_t nsecond)
{
    return send_parts(p, kind, (struct iovec[3]){{(void *)first, nfirst},
                                                 {(void *)second, nsecond}, {NULL, 0}});
}

static bool in_grow(struct wasmvm_process *p)
{
    size_t need = p->have >= FRAME_HEAD ? FRAME_HEAD + frame_u32(p->in) : IN_START;
    if (need <= p->cap && p->have < p->cap)
        return true;
    size_t cap = need > 2 * p->cap ? need : 2 * p->cap;
    uint8_t *in = realloc(p->in, cap);
    if (!in)
        return false;
    p->in = in;
    p->cap = cap;
    return true;
}

/* The next frame; its body is valid until the next time.  false: there is none. */
static bool receive(struct wasmvm_process *p, struct frame *frame)
{
    if (p->used)
        memmove(p->in, p->in + p->used, p->have - p->used);
    p->have -= p->used;
    p->used = 0;
    for (;;) {
        enum frame_state state = frame_next(p->in, p->have, frame);
        if (state == FRAME_WHOLE) {
            p->used = FRAME_HEAD + frame->len;
            return true;
        }
        if (state == FRAME_TOO_LONG || !in_grow(p) || !ready(p, POLLIN))
            return false;
        ssize_t n = recv(p->helper.socket, p->in + p->have, p->cap - p->have, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        p->have += n > 0 ? (size_t)n : 0;
    }
}

/* ---- what a host function asks for ---- */

static bool call_serve(struct wasmvm_process *, const struct frame *);

/* The ANSWER, with its status before what was asked for.  Only an export calls functions
 * meanwhile.  false: no more is to be said; the socket's end tells both sides. */
static bool answer(struct remote_call *call, bool exporting, struct frame *frame)
{
    struct wasmvm_process *p = call->process;
    while (receive(p, frame)) {
        if (frame->kind == FRAME_ANSWER && frame->len >= 4)
            return true;
        if (frame->kind == FRAME_END) {
            p->used = 0; /* it comes again, to who waits for it */
            return false;
        }
        if (frame->kind != FRAME_CALL || !exporting || !call_serve(p, frame))
            break;
    }
    shutdown(p->helper.socket, SHUT_RDWR);
    return false;
}

static int answer_status(const struct frame *frame)
{
    return (int)frame_u32(frame->body);
}

static struct remote_call *remote(wasmvm_call *call)
{
    return (struct remote_call *)call;
}

static uint64_t remote_size(wasmvm_call *call)
{
    struct wasmvm_process *p = remote(call)->process;
    struct frame frame;
    bool good = send_frame(p, FRAME_SIZE, NULL, 0, NULL, 0) &&
                answer(remote(call), false, &frame) && frame.len == 12;
    uint64_t size = good ? frame_u64(frame.body + 4) : 0, most = p->from->set.memory_bytes;
    return size < most ? size : most;
}

static int piece_read(wasmvm_call *call, uint32_t at, void *to, uint32_t n)
{
    struct frame frame;
    const uint32_t what[] = {at, n};
    if (!send_frame(remote(call)->process, FRAME_READ, what, sizeof what, NULL, 0) ||
        !answer(remote(call), false, &frame) || answer_status(&frame) || frame.len != 4 + n)
        return -1;
    memcpy(to, frame.body + 4, n);
    return 0;
}

static int piece_write(wasmvm_call *call, uint32_t at, const void *from, uint32_t n)
{
    struct frame frame;
    return send_frame(remote(call)->process, FRAME_WRITE, &at, sizeof at, from, n) &&
                   answer(remote(call), false, &frame) && answer_status(&frame) == 0
               ? 0 : -1;
}

/* A long range is looked at first, as one that does not lie in memory is not copied in part. */
static bool range_good(wasmvm_call *call, uint32_t at, uint32_t n)
{
    return n <= PIECE || (uint64_t)at + n <= remote_size(call);
}

static int remote_read(wasmvm_call *call, uint32_t at, void *to, uint32_t n)
{
    bool good = range_good(call, at, n);
    uint32_t done = 0;
    do {
        uint32_t piece = n - done < PIECE ? n - done : PIECE;
        good = good && piece_read(call, at + done, (uint8_t *)to + done, piece) == 0;
        done += piece;
    } while (good && done < n);
    return good ? 0 : -1;
}

static int remote_write(wasmvm_call *call, uint32_t at, const void *from, uint32_t n)
{
    bool good = range_good(call, at, n);
    uint32_t done = 0;
    do {
        uint32_t piece = n - done < PIECE ? n - done : PIECE;
        good = good && piece_write(call, at + done, (const uint8_t *)from + done, piece) == 0;
        done += piece;
    } while (good && done < n);
    return good ? 0 : -1;
}

/* A copy, which stays until the function returns. */
static const volatile uint8_t *remote_view(wasmvm_call *call, uint32_t at, uint32_t n)
{
    struct view *view = range_good(call, at, n) ? malloc(sizeof *view + n) : NULL;
    if (!view || remote_read(call, at, view->bytes, n) != 0) {
        free(view);
        return NULL;
    }
    view->next = remote(call)->views;
    remote(call)->views = view;
    return view->bytes;
}

static void remote_trap(wasmvm_call *call, const char *text)
{
    snprintf(remote(call)->trap, sizeof remote(call)->trap, "%s", text);
}

static int remote_export(wasmvm_call *call, const char *name, const wasmvm_val *args,
                         uint32_t nargs, wasmvm_val *result)
{
    struct frame frame;
    if (nargs > CALL_VALUES)
        return WASMVM_BAD_TYPE;
    if (!send_frame(remote(call)->process, FRAME_EXPORT, name, strlen(name) + 1, args,
                    nargs * sizeof *args) ||
        !answer(remote(call), true, &frame) || frame.len != 12)
        return WASMVM_ENDED;
    int status = answer_status(&frame);
    if (status == WASMVM_OK && result)
        result->u64 = frame_u64(frame.body + 4);
    return status == WASMVM_OK || status == WASMVM_NO_EXPORT || status == WASMVM_BAD_TYPE
               ? status : WASMVM_ENDED;
}

/* While a function runs, the helper says nothing but that the run is over. */
static int remote_wait(wasmvm_call *call, int fd, short events)
{
    struct wasmvm_process *p = remote(call)->process;
    for (;;) {
        struct pollfd all[] = {{p->helper.socket, POLLIN, 0}, {events ? fd : -1, events, 0},
                               {p->helper.pidfd, POLLIN, 0}};
        int ms = patience_ms(p);
        if (poll(all, 3, events ? ms : 0) < 0 && errno != EINTR)
            return WASMVM_ENDED;
        if (all[0].revents || all[2].revents || p->have > p->used || ms == 0)
            return WASMVM_ENDED;
        if (!events || all[1].revents)
            return WASMVM_OK;
    }
}

static const struct wasmvm_host remote_services = {
    .size = sizeof remote_services, .read = remote_read, .write = remote_write,
    .view = remote_view, .mem_size = remote_size, .trap = remote_trap,
    .call_export = remote_export, .wait = remote_wait,
};

static void views_free(struct view *view)
{
    while (view) {
        struct view *next = view->next;
        free(view);
        view = next;
    }
}

/* The function of the frame, with its arguments; NULL: there is no such call. */
static const wasmvm_func *call_read(const struct wasmvm_process *p, const struct frame *frame,
                                    wasmvm_val args[HOST_PARAMS_MAX])
{
    uint32_t number = frame->len >= 4 ? frame_u32(frame->body) : UINT32_MAX;
    const wasmvm_func *f = number < p->from->nfuncs ? &p->from->funcs[number] : NULL;
    size_t n = f ? strcspn(f->sig, ":") : 0;
    if (!f || frame->len != 4 + 8 * n)
        return NULL;
    for (size_t k = 0; k < n; k++)
        args[k].u64 = frame_u64(frame->body + 4 + 8 * k);
    return f;
}

/* false: there is no such call.  Where nobody takes the result, the end has come, or comes. */
static bool call_serve(struct wasmvm_process *p, const struct frame *frame)
{
    static const char deep[] = "host and guest called each other too deep for a helper process";
    struct remote_call call = {.head = {&remote_services}, .process = p};
    wasmvm_val args[HOST_PARAMS_MAX], result = {.u64 = 0};
    const wasmvm_func *f = call_read(p, frame, args);
    if (!f)
        return false;
    if (p->depth == NESTING) {
        send_frame(p, FRAME_TRAP, deep, sizeof deep - 1, NULL, 0);
        return true;
    }
    p->depth++;
    int failed = f->fn(f->data, (wasmvm_call *)&call, args, &result);
    p->depth--;
    views_free(call.views);
    if (failed)
        send_frame(p, FRAME_TRAP, call.trap, strlen(call.trap), NULL, 0);
    else
        send_frame(p, FRAME_RESULT, &result.u64, sizeof result.u64, NULL, 0);
    return true;
}

/* ---- the beginning ---- */

static bool number_tell(struct wasmvm_process *p, uint32_t row, uint64_t value)
{
    return send_frame(p, FRAME_SETTING, &row, sizeof row, &value, sizeof value);
}

static bool text_tell(struct wasmvm_process *p, uint32_t row, const char *text)
{
    return !text || send_frame(p, FRAME_SETTING, &row, sizeof row, text, strlen(text) + 1);
}

static bool words_tell(struct wasmvm_process *p, uint32_t row, const struct words *words)
{
    bool good = true;
    for (uint32_t k = 0; k < words->n; k++)
        good = good && text_tell(p, row, words->at[k]);
    return good;
}

static bool grants_tell(struct wasmvm_process *p, uint32_t row, const struct grants *dirs)
{
    bool good = true;
    for (uint32_t k = 0; k < dirs->n; k++) {
        const struct grant *d = &dirs->at[k];
        struct { uint32_t row; uint64_t flags; } __attribute__((packed)) head = {
            row, (d->read_only ? WASMVM_DIR_READ_ONLY : 0u) | (d->mounts ? WASMVM_DIR_MOUNTS : 0u) |
                 (d->last ? WASMVM_DIR_LAST : 0u) |
                 (d->guest[0] != '/' ? WASMVM_DIR_RELATIVE : 0u) | (d->tmp ? SETTING_TMP : 0)};
        const char *host = d->host ? d->host : "";
        good = good && send_parts(p, FRAME_SETTING,
                                  (struct iovec[3]){{&head, sizeof head},
                                                    {(void *)host, strlen(host) + 1},
                                                    {(void *)d->guest, strlen(d->guest) + 1}});
    }
    return good;
}

/* By the places of helper_start. */
static bool sockets_tell(struct wasmvm_process *p, uint32_t row, const struct sockets *s)
{
    bool good = true;
    for (uint32_t k = 0; k < s->n; k++)
        good = good && number_tell(p, row, HELPER_SOCKETS + k);
    return good;
}

static bool settings_tell(struct wasmvm_process *p)
{
    const struct settings *s = &p->from->set;
    bool good = true;
#define TELL(field, said) good = good && said;
#define NUMBER(name, field, otherwise, least, most, what) \
    TELL(field, number_tell(p, SETTING_##field, s->field))
#define CHOICE(name, field, type, last, what) TELL(field, number_tell(p, SETTING_##field, s->field))
#define TEXT(name, field) TELL(field, text_tell(p, SETTING_##field, s->field))
#define MARK(name, field) TELL(field, text_tell(p, SETTING_##field, s->field ? "" : NULL))
#define SWITCH(name, field) MARK(name, field)
#define PERMIT(kind, field) MARK(kind, field)
#define RULES(kind, field) TELL(field, words_tell(p, SETTING_##field, &s->field))
#define RULE(kind, field) TEXT(kind, field)
#define LIST(type, field) TELL(field, type##_tell(p, SETTING_##field, &s->field))
#include "vmm/base/settings.def"
#undef TELL
    return good;
}

static bool functions_tell(struct wasmvm_process *p)
{
    bool good = true;
    for (uint32_t k = 0; k < p->from->nfuncs; k++) {
        const wasmvm_func *f = &p->from->funcs[k];
        good = good && send_parts(p, FRAME_FUNCTION,
                                  (struct iovec[3]){{(void *)f->module, strlen(f->module) + 1},
                                                    {(void *)f->name, strlen(f->name) + 1},
                                                    {(void *)f->sig, strlen(f->sig) + 1}});
    }
    return good;
}

/* The module as a descriptor: its file, with a position of its own, or one in memory.  -1: errno
 * says why. */
static int module_fd(const wasmvm_module *m)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", m->fd);
    if (m->fd >= 0) {
        int own = open(path, O_RDONLY | O_CLOEXEC);
        return own >= 0 ? own : fcntl(m->fd, F_DUPFD_CLOEXEC, 0);
    }
    int fd = memfd_create("module", MFD_CLOEXEC);
    if (fd >= 0 && write_all(fd, m->bytes, m->n) && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int no_helper(const struct wasmvm_process *p, const char *why, wasmvm_error *error)
{
    return embed_error(error, WASMVM_E_HOST, "%s cannot be started as a helper process: %s",
                       p->command, why);
}

static int greet(struct wasmvm_process *p, wasmvm_error *error)
{
    struct frame frame;
    p->late_ns = clock_now_ns() + GREETING_NS;
    bool said = receive(p, &frame);
    p->late_ns = 0;
    if (!said || frame.kind != FRAME_VERSION || !frame.len ||
        frame.body[frame.len - 1])
        return no_helper(p, "it is no wasmvm of version " WASMVM_VERSION, error);
    if (strcmp((const char *)frame.body, WASMVM_VERSION) == 0)
        return WASMVM_OK;
    return embed_error(error, WASMVM_E_HOST,
                       "%s is wasmvm %s, and this is libwasmvm " WASMVM_VERSION
                       " (install both of one version)", p->command, (const char *)frame.body);
}

static int start(struct wasmvm_process *p, wasmvm_error *error)
{
    int module = module_fd(p->module);
    bool good = module >= 0 && helper_start(&p->helper, p->command, p->from, module);
    int why = errno;
    if (module >= 0)
        close(module);
    return good ? greet(p, error) : no_helper(p, strerror(why), error);
}

wasmvm_process *wasmvm_process_new(const char *command, wasmvm_module *module,
                                   wasmvm_config *config, wasmvm_error *error)
{
    if (wasmvm_config_check(config, error) != WASMVM_OK)
        return NULL;
    if (config->set.build_fd || config->set.list_fd || config->set.memory_fd) {
        embed_error(error, WASMVM_E_USAGE,
                    "a helper process builds no images, and shares no memory");
        return NULL;
    }
    wasmvm_process *p = calloc(1, sizeof *p);
    if (!p || !(p->command = strdup(command))) {
        free(p);
        embed_error(error, WASMVM_E_HOST, "no memory for a helper process");
        return NULL;
    }
    p->helper = HELPER_NONE;
    p->status = -1;
    config_hold(p->from = config);
    module_hold(p->module = module);
    p->outlet = (struct outlet){ .tell = config->log, .context = config->log_context,
                                 .to_stream = config->log_fd >= 0, .stream = config->log_fd };
    if (start(p, error) == WASMVM_OK)
        return p;
    wasmvm_process_free(p);
    return NULL;
}

/* ---- the end ---- */

/* Without a last word: it was killed, or taken over. */
static int gone(struct wasmvm_process *p, wasmvm_error *error)
{
    helper_end(&p->helper, 0);
    embed_error(error, WASMVM_E_GUEST, "%s: its helper process ended without saying how",
                p->module->name);
    p->status = EXIT_STOPPED;
    if (error)
        error->status = p->status;
    return WASMVM_E_GUEST;
}

static char *kept(const char *text, bool lines)
{
    size_t n = 4 * strlen(text) + 1;
    char *out = malloc(n);
    if (out)
        text_escape(text, strlen(text), out, n, lines);
    return out;
}

/* Its last word; one that cannot be is none. */
static int take_end(struct wasmvm_process *p, const struct frame *frame, wasmvm_error *error)
{
    const uint8_t *at = frame->body + 8, *end = frame->body + frame->len;
    const char *texts[TEXTS] = {NULL, NULL, NULL};
    int code = frame->len >= 8 ? (int)frame_u32(frame->body) : -1;
    int status = frame->len >= 8 ? (int)frame_u32(frame->body + 4) : -1;
    for (int k = 0; k < TEXTS && frame->len >= 8; k++)
        texts[k] = frame_string(&at, end);
    if (code < WASMVM_OK || code > WASMVM_E_TYPE || status < 0 || status > 255 || !texts[TEXTS - 1])
        return gone(p, error);
    p->status = status;
    p->backtrace = kept(texts[1], true);
    p->report = strdup(texts[2]);
    if (error) {
        *error = (wasmvm_error){.code = code};
        embed_error(error, code, "%s", texts[0]);
        error->status = status;
    }
    for (int k = 0; k < LAST_LINES && p->helper.log >= 0; k++)
        log_read(p);
    helper_end(&p->helper, END_MS);
    return code;
}

int wasmvm_process_run(wasmvm_process *p, wasmvm_error *error)
{
    struct frame frame;
    if (p->ran)
        return embed_error(error, WASMVM_E_USAGE, "%s: the process was started before",
                           p->module->name);
    p->ran = true;
    if (p->from->set.timeout_ns)
        p->late_ns = clock_now_ns() + p->from->set.timeout_ns + LATE_NS;
    struct outlet *before = outlet_use(&p->outlet);
    bool good = settings_tell(p) && functions_tell(p) &&
                send_frame(p, FRAME_START, p->module->name, strlen(p->module->name) + 1, NULL, 0);
    (void)good; /* where nobody reads it, the end has come already */
    do
        good = receive(p, &frame);
    while (good && frame.kind == FRAME_CALL && call_serve(p, &frame));
    int code = good && frame.kind == FRAME_END ? take_end(p, &frame, error) : gone(p, error);
    outlet_use(before);
    return code;
}

/* ---- from outside ---- */

static void raise_there(const struct wasmvm_process *p, int number)
{
    if (p->helper.pidfd >= 0)
        syscall(SYS_pidfd_send_signal, p->helper.pidfd, number, NULL, 0);
}

/* Again: it was taken over, or the host keeps it waiting. */
void wasmvm_process_stop(wasmvm_process *p)
{
    raise_there(p, __atomic_fetch_add(&p->stops, 1, __ATOMIC_RELAXED) ? SIGKILL : HELPER_STOP);
}

void wasmvm_process_signal(wasmvm_process *p, int number)
{
    raise_there(p, number);
}

int wasmvm_process_exit_status(const wasmvm_process *p)
{
    return p->status;
}

const char *wasmvm_process_backtrace(const wasmvm_process *p)
{
    return p->backtrace ? p->backtrace : "";
}

const char *wasmvm_process_report(const wasmvm_process *p)
{
    return p->report ? p->report : "";
}

void wasmvm_process_free(wasmvm_process *p)
{
    if (!p)
        return;
    helper_forget(&p->helper);
    wasmvm_config_free(p->from);
    wasmvm_module_free(p->module);
    free(p->command);
    free(p->backtrace);
    free(p->report);
    free(p->in);
    free(p);
}
