/* --trace: one line a call, with names, decoded arguments, result and time.
 *
 *   0.002113 path_open(dir=3, lookup=follow, path="a.txt", ..., flags=0) = SUCCESS fd=5 (21.4 us)
 *   0.002154 secrets.get(1376304, 5, 1376320, 16) = 10 (30.2 us)
 *
 * Lines are written whole, after the call.  What is shown of guest memory is copied in anew for showing: nothing here
 * decides anything.  Texts of the guest are escaped. */
#include "vmm/wasi/inside.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 8192
#define TEXT_SHOWN 1000
#define IOVECS_SHOWN 16

static const struct { const char *name, *sig; } calls[] = {
#define CALLS_WASI_ONLY
#define CALL(call, call_sig) [CALL_##call] = { #call, call_sig },
#include "wasi-shim/calls.def"
#undef CALL
#undef CALLS_WASI_ONLY
};

static const char *const shapes[] = {
#define TRACE(call, shape) [CALL_##call] = shape,
#include "vmm/wasi/trace.def"
#undef TRACE
    [CALL_WASI_LAST + 1] = NULL,
};

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
static const char *const clock_names[] = { "realtime", "monotonic", "process_cputime", "thread_cputime", NULL };
static const char *const whences[] = { "set", "cur", "end", NULL };
static const char *const whences_v0[] = { "cur", "end", "set", NULL };
static const char *const filetypes[] = { "unknown", "block_device", "character_device", "directory", "regular_file",
                                         "socket_dgram", "socket_stream", "symbolic_link", NULL };

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
    for (uint64_t i = 0; i < n && i < IOVECS_SHOWN && linear_read(w->mem, at + i * sizeof v, &v, sizeof v); i++)
        bytes += v.len;
    add(line, "%" PRIu64 " of %s%" PRIu64 " bytes", n, n > IOVECS_SHOWN ? "more than " : "", bytes);
}

/* Shows one argument; how many wasm arguments it was. */
static unsigned add_argument(struct wasi *w, struct line *line, char kind, const uint64_t *arg)
{
    switch (kind) {
    case 'd': add(line, "%" PRId32, (int32_t)arg[0]); break;
    case 'u': add(line, "%" PRIu64, arg[0]); break;
    case 'n': add(line, "%" PRId64, (int64_t)arg[0]); break;
    case 'c': add_name(line, arg[0], clock_names); break;
    case 'w': add_name(line, arg[0], whences); break;
    case 'W': add_name(line, arg[0], whences_v0); break;
    case 'o': add_flags(line, arg[0], oflags); break;
    case 'f': add_flags(line, arg[0], fdflags); break;
    case 'l': add_flags(line, arg[0], lookups); break;
    case 't': add_flags(line, arg[0], fstflags); break;
    case 's': add_text(w, line, arg[0], arg[1]); return 2;
    case 'v': add_iovecs(w, line, arg[0], arg[1]); return 2;
    case 'b': add(line, "%" PRIu64 " bytes", arg[1]); return 2;
    default: add(line, "0x%" PRIx64, arg[0]); break;
    }
    return 1;
}

static void add_result(struct wasi *w, struct line *line, const char *name, int name_len, char kind, uint64_t at)
{
    union { uint64_t number; struct wasi_filestat filestat; struct wasi_fdstat fdstat; } out = { 0 };
    size_t bytes = kind == 'S' ? sizeof out.filestat : kind == 'D' ? sizeof out.fdstat : (size_t)(kind - '0');
    if (!linear_read(w->mem, at, &out, bytes))
        return;
    if (kind == 'S') {
        add(line, " type=");
        add_name(line, out.filestat.filetype, filetypes);
        add(line, " size=%" PRIu64, out.filestat.size);
    } else if (kind == 'D') {
        add(line, " type=");
        add_name(line, out.fdstat.filetype, filetypes);
        add(line, " flags=");
        add_flags(line, out.fdstat.flags, fdflags);
    } else {
        add(line, " %.*s=%" PRIu64, name_len, name, out.number);
    }
}

/* Walks the shape's arguments, or its results; `shape` is a list of name:kind with a blank between. */
static void add_shape(struct wasi *w, struct line *line, const char *shape, const uint64_t *arg, bool results)
{
    const char *between = "";
    for (const char *at = shape; *at; at += *at == ' ') {
        bool result = *at == '>';
        const char *name = at + result, *colon = strchr(name, ':');
        char kind = colon[1];
        unsigned taken = kind == 's' || kind == 'v' || kind == 'b' ? 2 : 1;
        if (result && results) {
            add_result(w, line, name, (int)(colon - name), kind, arg[0]);
        } else if (!result && !results && kind != 'p') {
            add(line, "%s%.*s=", between, (int)(colon - name), name);
            taken = add_argument(w, line, kind, arg);
            between = ", ";
        }
        arg += taken;
        at = colon + 2;
    }
}

static void add_numbers(struct line *line, const char *sig, const uint64_t *arg)
{
    for (unsigned i = 0; sig[i] && sig[i] != ':'; i++)
        add(line, "%s%" PRIu64, i ? ", " : "", arg[i]);
}

void trace_open(struct wasi *w, const struct config *config)
{
    w->trace = -1;
    if (!config->set->trace)
        return;
    w->trace_began_ns = clock_now_ns();
    int stream = config->stdio ? config->stdio[2] : STDERR_FILENO;
    if (*config->set->trace)
        w->trace = output_open(config->module, "--trace=", config->set->trace, false);
    else if (stream >= 0 && (w->trace = fcntl(stream, F_DUPFD_CLOEXEC, 3)) < 0)
        fail("--trace: stderr cannot be written: %s", strerror(errno));
}

void trace_close(struct wasi *w)
{
    if (w->trace >= 0)
        close(w->trace);
    w->trace = -1;
}

uint64_t trace_begin(const struct wasi *w)
{
    return w->trace < 0 ? 0 : clock_now_ns();
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
    if (write_guard_all(w->kick, w->trace, line->text, line->len) || errno == EINTR)
        return;
    message("--trace cannot be written: %s (no more lines)", strerror(errno));
    trace_close(w);
}

void trace_end(struct wasi *w, uint32_t call, const uint64_t *arg, uint32_t err, uint64_t began_ns)
{
    if (w->trace < 0)
        return;
    struct line line;
    uint64_t ns = clock_now_ns() - began_ns;
    const char *shape = shapes[call];
    line_begin(w, &line, began_ns);
    add(&line, "%s(", calls[call].name);
    if (shape)
        add_shape(w, &line, shape, arg, false);
    else
        add_numbers(&line, calls[call].sig, arg);
    add(&line, ")");
    if (call != CALL_proc_exit) {
        add(&line, " = ");
        if (err < sizeof errnos / sizeof errnos[0] && errnos[err])
            add(&line, "%s", errnos[err]);
        else
            add(&line, "%" PRIu32, err);
        if (shape && err == WASI_SUCCESS)
            add_shape(w, &line, shape, arg, true);
    }
    line_end(w, &line, ns);
}

/* The guest makes none of these where it knows of the trace; one that does so all the same is seen. */
void trace_one(struct wasi *w, uint32_t call, const uint64_t *arg, uint64_t result, uint64_t began_ns)
{
    if (w->trace < 0)
        return;
    struct line line;
    bool reads = call == CALL_fd_read_one;
    uint64_t ns = clock_now_ns() - began_ns;
    line_begin(w, &line, began_ns);
    add(&line, "%s(fd=%" PRId32 ", %" PRIu32 " bytes) = %s", reads ? "fd_read" : "fd_write", (int32_t)arg[0],
        (uint32_t)arg[2], errnos[(uint32_t)result]);
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

void trace_host(struct wasi *w, const wasmvm_func *func, const wasmvm_val *args, const wasmvm_val *result,
                const char *trap, uint64_t began_ns)
{
    if (w->trace < 0)
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
