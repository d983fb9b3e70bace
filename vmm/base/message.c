/* Words on stderr, or for an embedder's ears: the one place that says things, and the one that
 * makes text from outside fit to be seen.
 *
 * A message is one line and one write, so that the lines of several runs do not mix.  Where it goes
 * is the thread's matter: one that works for an embedder's machine has an outlet, and so have the
 * threads that it makes.  Whatever is in a message (a path, a name from the module, the guest's own
 * words) reaches the terminal only with its control characters escaped. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/message.h"

#define TEXT_CAP sizeof ((struct failure *)0)->text
#define ESCAPE_MOST 4 /* bytes that one byte becomes: \xNN */

static _Thread_local struct outlet *outlet;

int poll_ms(struct pollfd *fds, nfds_t n, int ms)
{
    const struct timespec most = { ms / 1000, ms % 1000 * 1000000L };
    return ppoll(fds, n, ms < 0 ? NULL : &most, NULL);
}

bool write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EAGAIN)
            poll_ms(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
        else if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* Code points that change how a terminal shows the text round them: C1 controls, line separators,
 * and the marks that turn the direction of writing. */
static bool code_point_hidden(uint32_t c)
{
    return (c >= 0x80 && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

unsigned text_utf8(const char *text, size_t len)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint8_t lead = len ? (uint8_t)text[0] : 0;
    if (lead < 0x80)
        return lead >= 0x20 && lead != 0x7f;
    unsigned n = lead >= 0xf8 ? 0 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0;
    if (!n || n > len)
        return 0;
    uint32_t c = lead & (0x7fu >> n);
    for (unsigned i = 1; i < n; i++) {
        if (((uint8_t)text[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | ((uint8_t)text[i] & 0x3f);
    }
    bool good = c >= least[n] && c <= 0x10ffff && !(c >= 0xd800 && c < 0xe000) &&
                !code_point_hidden(c);
    return good ? n : 0;
}

size_t text_escape(const char *in, size_t len, char *out, size_t cap, bool keep_newlines)
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;
    for (size_t i = 0; i < len && used + ESCAPE_MOST < cap;) {
        unsigned n = in[i] == '\n' && keep_newlines ? 1 : text_utf8(in + i, len - i);
        if (n) {
            memcpy(out + used, in + i, n);
            used += n;
            i += n;
            continue;
        }
        uint8_t byte = (uint8_t)in[i++];
        out[used++] = '\\';
        if (byte == '\n' || byte == '\t' || byte == '\r') {
            out[used++] = byte == '\n' ? 'n' : byte == '\t' ? 't' : 'r';
        } else {
            out[used++] = 'x';
            out[used++] = digits[byte >> 4];
            out[used++] = digits[byte & 15];
        }
    }
    if (cap)
        out[used] = 0;
    return used;
}

struct outlet *outlet_now(void)
{
    return outlet;
}

struct outlet *outlet_use(struct outlet *new)
{
    struct outlet *before = outlet;
    outlet = new;
    return before;
}

/* The stream is opened for each line anew: it is somebody else's, who may close it. */
static void stream_write(const char *text, size_t len)
{
    /* the command line's few lines have no outlet: each has the patience */
    struct outlet unknown = {0};
    struct outlet *o = outlet ? outlet : &unknown;
    struct sink sink;
    if (message_stream() < 0)
        return;
    sink_open(&sink, message_stream());
    sink.stalled = __atomic_load_n(&o->stalled, __ATOMIC_RELAXED);
    sink.lost = __atomic_load_n(&o->lost, __ATOMIC_RELAXED);
    sink.told = __atomic_load_n(&o->told, __ATOMIC_RELAXED);
    sink_write(&sink, text, len, SINK_PATIENCE_NS);
    __atomic_store_n(&o->stalled, sink.stalled, __ATOMIC_RELAXED);
    __atomic_store_n(&o->lost, sink.lost, __ATOMIC_RELAXED);
    __atomic_store_n(&o->told, sink.told, __ATOMIC_RELAXED);
    sink_close(&sink);
}

static void say(const char text[TEXT_CAP])
{
    static const char name[] = "wasmvm: ";
    char line[sizeof name + TEXT_CAP * ESCAPE_MOST + 1];
    size_t len = sizeof name - 1;
    memcpy(line, name, len);
    len += text_escape(text, strlen(text), line + len, sizeof line - len - 1, false);
    if (outlet && outlet->tell)
        outlet->tell(outlet->context, line + sizeof name - 1);
    line[len++] = '\n';
    stream_write(line, len);
}

int message_stream(void)
{
    return !outlet ? STDERR_FILENO : outlet->to_stream ? outlet->stream : -1;
}

void message_lines(const char *text, size_t len)
{
    stream_write(text, len);
    for (size_t n; outlet && outlet->tell && len; text += n, len -= n) {
        char line[TEXT_CAP];
        n = (size_t)((const char *)memchr(text, '\n', len) - text) + 1;
        snprintf(line, sizeof line, "%.*s", (int)(n - 1), text);
        outlet->tell(outlet->context, line);
    }
}

void message(const char *format, ...)
{
    char text[TEXT_CAP];
    va_list args;
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) < 0)
        text[0] = 0;
    va_end(args);
    say(text);
}
