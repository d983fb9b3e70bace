/* --trace: one line a call, with names, decoded arguments, result and time.
 *
 *   0.002113 path_open(dir=3, lookup=follow, path="a.txt", ..., flags=0) = SUCCESS fd=5 (21.4 us)
 *   0.002154 secrets.get(1376304, 5, 1376320, 16) = 10 (30.2 us)
 *
 * Lines are written whole, after the call.  What is shown of guest memory is copied in anew for
 * showing: nothing here decides anything.  Texts of the guest are escaped. */
#include "vmm/wasi/inside.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 8192
#define TEXT_SHOWN 1000
#define IOVECS_SHOWN 16

/* How arguments are shown, in the order of their words.  Kinds are wasi-shim/calls.h's. */
enum shown {
    SHOWN_NOT, /* there are no more */
#define X(kind, ...) SHOWN_##kind,
    ARG_KINDS(X) SPAN_KINDS(X)
#undef X
#define X(kind, bytes) SHOWN_OUT_##kind,
    OUT_KINDS(X)
#undef X
};

struct argument { enum shown kind; const char *name; };

static const struct { const char *name; struct argument args[SLOT_ARGS + 1]; } calls[] = {
#define ARG(name, kind) { SHOWN_##kind, #name },
#define SPAN(name, kind) { SHOWN_##kind, #name },
#define OUT(name, kind) { SHOWN_OUT_##kind, #name },
#define WASI_CALL(name, args, result) { #name, { args { SHOWN_NOT, NULL } } },
#include "wasi-shim/calls.def"
};

/* How many words an argument has, and how wide a result is. */
static const uint8_t words_of[] = {
#define X(kind, ...) [SHOWN_##kind] = 1,
    ARG_KINDS(X)
#undef X
#define X(kind) [SHOWN_##kind] = 2,
    SPAN_KINDS(X)
#undef X
#define X(kind, bytes) [SHOWN_OUT_##kind] = 1,
    OUT_KINDS(X)
#undef X
}, bytes_of[] = {
#define X(kind, type, letter) [SHOWN_##kind] = sizeof(type),
    ARG_KINDS(X)
#undef X
#define X(kind, bytes) [SHOWN_OUT_##kind] = bytes,
    OUT_KINDS(X)
#undef X
};
_Static_assert(sizeof(struct wasi_filestat) == 64 && sizeof(struct wasi_fdstat) == 24,
               "OUT_KINDS has their bytes");

static const char *const errnos[] = {
    [WASI_SUCCESS] = "SUCCESS",
#define X(name, number, host) [WASI_##name] = #name,
    WASI_ERRNOS(X)
#undef X
    [WASI_NOTCAPABLE] = "NOTCAPABLE",
};

/* Names of flags by bit, of values by number. */
static const char *const oflags[] = { "creat", "directory", "excl", "trunc", NULL };
static const char *const fdflags[] = { "append", "dsync", "nonblock", "rsync", "sync", NULL };
static const char *const lookups[] = { "follow", NULL };
static const char *const fstflags[] = { "atim", "atim_now", "mtim", "mtim_now", NULL };
static const char *const clock_names[] = { "realtime", "monotonic", "process_cputime",
                                           "thread_cputime", NULL };
static const char *const whences[] = { "set", "cur", "end", NULL };
static const char *const whences_v0[] = { "cur", "end", "set", NULL };
static const char *const filetypes[] = { "unknown",       "block_device",  "character_device",
                                         "directory",     "regular_file",  "socket_dgram",
                                         "socket_stream", "symbolic_link", NULL };

struct line { char text[LINE_BYTES]; size_t len; };

__attribute__((format(printf, 2, 3)))
static void add(struct line *line, const char *format, ...)
{
    va_list ap;
    size_t room = sizeof line->text - line->len;
    va_start(ap, format);
    int n = vsnprintf(line->text + line->len, room, format, ap);
    va_end(ap);
    if (n > 0)
        line->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void add_flags(struct line *line, uint64_t value, const char *const *names)
{
    const char *between = "";
    for (unsigned bit = 0; names[bit]; bit++) {
        if (value >> bit & 1) {
            add(line, "%s%s", between, names[bit]);
            between = "|";
        }
        value &= ~(UINT64_C(1) << bit);
    }
    if (value || !*between)
        add(line, "%s%s%" PRIx64, between, value ? "0x" : "", value);
}

static void add_name(struct line *line, uint64_t value, const char *const *names)
{
    uint64_t i = 0;
    while (names[i] && i < value)
        i++;
    if (names[i])
        add(line, "%s", names[i]);
    else
        add(line, "%" PRIu64, value);
}

static void add_text(struct wasi *w, struct line *line, uint64_t at, uint64_t len)
{
    char raw[TEXT_SHOWN] = "", clean[TEXT_SHOWN * 4 + 5];
    uint64_t shown = len < sizeof raw ? len : sizeof raw;
    if (shown && !linear_read(w->mem, at, raw, shown)) {
        add(line, "(outside memory)");
        return;
    }
    text_escape(raw, shown, clean, sizeof clean, false);
    add(line, "\"%s\"%s", clean, shown < len ? "..." : "");
}

static void add_iovecs(struct wasi *w, struct line *line, uint64_t at, uint64_t n)
{
    uint64_t bytes = 0;
    struct wasi_iovec v;
    for (uint64_t i = 0;
         i < n && i < IOVECS_SHOWN && linear_read(w->mem, at + i * sizeof v, &v, sizeof v); i++)
        bytes += v.len;
    add(line, "%" PRIu64 " of %s%" PRIu64 " bytes", n, n > IOVECS_SHOWN ? "more than " : "", bytes);
}

/* One argument, whose words are cut to its width. */
static void add_argument(struct wasi *w, struct line *line, enum shown kind, const uint64_t *words)
{
    uint64_t value = bytes_of[kind] == sizeof value ? words[0] : (uint32_t)words[0];
    switch (kind) {
    case SHOWN_FD: add(line, "%" PRId32, (int32_t)value); break;
    case SHOWN_S64: add(line, "%" PRId64, (int64_t)value); break;
    case SHOWN_CLOCK: add_name(line, value, clock_names); break;
    case SHOWN_WHENCE: add_name(line, value, whences); break;
    case SHOWN_WHENCE_V0: add_name(line, value, whences_v0); break;
    case SHOWN_OFLAGS: add_flags(line, value, oflags); break;
    case SHOWN_FDFLAGS: add_flags(line, value, fdflags); break;
    case SHOWN_LOOKUP: add_flags(line, value, lookups); break;
    case SHOWN_FSTFLAGS: add_flags(line, value, fstflags); break;
    case SHOWN_TEXT: add_text(w, line, value, (uint32_t)words[1]); break;
    case SHOWN_IOVS: add_iovecs(w, line, value, (uint32_t)words[1]); break;
    case SHOWN_BUFFER: add(line, "%" PRIu32 " bytes", (uint32_t)words[1]); break;
    case SHOWN_HEX:
    case SHOWN_RIGHTS: add(line, "0x%" PRIx64, value); break;
    default: add(line, "%" PRIu64, value); break;
    }
}

static void add_result(struct wasi *w, struct line *line, const struct argument *a, uint32_t at)
{
    union {
        uint64_t number;
        struct wasi_filestat filestat;
        struct wasi_fdstat fdstat;
    } out = { 0 };
    if (!linear_read(w->mem, at, &out, bytes_of[a->kind]))
        return;
    if (a->kind == SHOWN_OUT_FILESTAT) {
        add(line, " type=");
        add_name(line, out.filestat.filetype, filetypes);
        add(line, " size=%" PRIu64, out.filestat.size);
    } else if (a->kind == SHOWN_OUT_FDSTAT) {
        add(line, " type=");
        add_name(line, out.fdstat.filetype, filetypes);
        add(line, " flags=");
        add_flags(line, out.fdstat.flags, fdflags);
    } else {
        add(line, " %s=%" PRIu64, a->name, out.number);
    }
}

/* The call's arguments, or what it wrote. */
static void add_arguments(struct wasi *w, struct line *line, const struct request *r, bool results)
{
    const char *between = "";
    const uint64_t *words = r->args;
    for (const struct argument *a = calls[r->number].args; a->kind != SHOWN_NOT;
         words += words_of[a->kind], a++) {
        bool result = a->kind >= SHOWN_OUT_U16;
        if (result != results || a->kind == SHOWN_PTR)
            continue;
        if (result) {
            add_result(w, line, a, (uint32_t)*words);
            continue;
        }
        add(line, "%s%s=", between, a->name);
        add_argument(w, line, a->kind, words);
        between = ", ";
    }
}

bool trace_open(struct wasi *w, const struct config *config, struct failure *why)
{
    const struct output file = { "--trace=", config->set->trace, config->module, config->writable,
                                 .keep = false };
    int stream = config->stdio ? config->stdio[2] : STDERR_FILENO, fd = -1;
    w->trace = SINK_NONE;
    if (!config->set->trace)
        return true;
    w->trace_began_ns = clock_now_ns();
    if (*config->set->trace && !output_open(&fd, &file, why))
        return false;
    if (!*config->set->trace && stream >= 0 && (fd = fcntl(stream, F_DUPFD_CLOEXEC, 3)) < 0)
        return failure_set(why, "--trace: stderr cannot be written: %s", strerror(errno));
    sink_open(&w->trace, fd);
    if (config->set->max_log)
        w->trace.left = config->set->max_log;
    return true;
}

void trace_close(struct wasi *w)
{
    if (w->trace.fd >= 0)
        close(w->trace.fd);
    sink_close(&w->trace);
}

uint64_t trace_begin(const struct wasi *w)
{
    return w->trace.fd < 0 ? 0 : clock_now_ns();
}

static void line_begin(const struct wasi *w, struct line *line, uint64_t began_ns)
{
    uint64_t at = began_ns - w->trace_began_ns;
    line->len = 0;
    add(line, "%3" PRIu64 ".%06" PRIu64 " ", at / 1000000000, at / 1000 % 1000000);
}

static void line_end(struct wasi *w, struct line *line, uint64_t ns)
{
    add(line, " (%" PRIu64 ".%" PRIu64 " us)", ns / 1000, ns / 100 % 10);
    line->len -= line->len == sizeof line->text - 1; /* room for the line's end */
    line->text[line->len++] = '\n';
    if (sink_write(&w->trace, line->text, line->len, SINK_PATIENCE_NS) || errno == EAGAIN)
        return;
    if (errno == SINK_FULL) {
        kick_stop(w->kick, ENDED_LOG, 0);
        return;
    }
    message("--trace cannot be written: %s (no more lines)", strerror(errno));
    trace_close(w);
}

void trace_end(struct wasi *w, const struct request *r, uint32_t err, uint64_t began_ns)
{
    if (w->trace.fd < 0)
        return;
    struct line line;
    uint64_t ns = clock_now_ns() - began_ns;
    line_begin(w, &line, began_ns);
    add(&line, "%s(", calls[r->number].name);
    add_arguments(w, &line, r, false);
    add(&line, ")");
    if (r->number != CALL_proc_exit) {
        add(&line, " = ");
        if (err < sizeof errnos / sizeof errnos[0] && errnos[err])
            add(&line, "%s", errnos[err]);
        else
            add(&line, "%" PRIu32, err);
        if (err == WASI_SUCCESS)
            add_arguments(w, &line, r, true);
    }
    line_end(w, &line, ns);
}

/* The guest makes none of these where it knows of the trace; one that does so all the same is seen.
 */
void trace_one(struct wasi *w, const struct request *r, uint64_t result, uint64_t began_ns)
{
    if (w->trace.fd < 0)
        return;
    struct line line;
    /* fd_write_one has the same */
    const struct fd_read_one_args *args = fd_read_one_decode(r->args);
    bool reads = r->number == CALL_fd_read_one;
    uint64_t ns = clock_now_ns() - began_ns;
    line_begin(w, &line, began_ns);
    add(&line, "%s(fd=%" PRId32 ", %" PRIu32 " bytes) = %s", reads ? "fd_read" : "fd_write",
        (int32_t)args->fd, args->buffer_len, errnos[(uint32_t)result]);
    if ((uint32_t)result == WASI_SUCCESS)
        add(&line, " %s=%" PRIu64, reads ? "read" : "written", result >> 32);
    line_end(w, &line, ns);
}

/* ---- host functions ---- */

static void add_clean(struct line *line, const char *text)
{
    char clean[TEXT_SHOWN];
    text_escape(text, strlen(text), clean, sizeof clean, false);
    add(line, "%s", clean);
}

static void add_value(struct line *line, char letter, const wasmvm_val *value)
{
    static const struct { char letter; uint8_t type; } types[] = {
        {'i', TYPE_I32}, {'I', TYPE_I64}, {'f', TYPE_F32}, {'F', TYPE_F64},
    };
    struct invoke_result r = { .lo = value->u64 };
    char text[INVOKE_LINE];
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].letter == letter)
            r.type = types[i].type;
    invoke_print_one(&r, text);
    add(line, "%s", text);
}

void trace_host(struct wasi *w, const wasmvm_func *func, const wasmvm_val *args,
                const wasmvm_val *result, const char *trap, uint64_t began_ns)
{
    if (w->trace.fd < 0)
        return;
    struct line line;
    uint64_t ns = clock_now_ns() - began_ns;
    uint32_t n = sig_params(func->sig);
    line_begin(w, &line, began_ns);
    add_clean(&line, func->module);
    add(&line, ".");
    add_clean(&line, func->name);
    add(&line, "(");
    for (uint32_t i = 0; i < n; i++) {
        add(&line, i ? ", " : "");
        add_value(&line, func->sig[i], &args[i]);
    }
    add(&line, ")");
    if (result && sig_results(func->sig)) {
        add(&line, " = ");
        add_value(&line, func->sig[n + 1], result);
    } else if (!result) {
        add(&line, trap ? " trapped: " : " was left: the run is over");
        add_clean(&line, trap ? trap : "");
    }
    line_end(w, &line, ns);
}
