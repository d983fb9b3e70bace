/* Terminals: what a program writes there is looked at, as a terminal does more than show text.
 *
 * Passed on are text, the controls of lines, colours, cursor movement, erasing and a few switches
 * of the screen. Left out is what makes a terminal answer into its input, where a shell would read
 * it, or act on more than its screen: titles, the clipboard, device reports, strings of any kind,
 * keyboard and mouse modes, resets, printing.
 *
 * A sequence reaches the terminal whole, once it is known to be one of the good ones, or not at
 * all: until then it is held here, for each descriptor by itself.  So what is spread over two
 * writes, or two descriptors, is none. */
#include "vmm/wasi/inside.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE 1024u /* of what the program writes, at a time */
#define HELD 64u    /* the longest sequence that is passed on */
#define NUMBER_DIGITS 4
#define PACED 64u   /* bytes that a terminal takes once it says that it takes some */
enum { CAN = 0x18, SUB = 0x1a };

enum state {
    TEXT,
    ESCAPE,       /* behind an ESC */
    INTERMEDIATE, /* ... and what stands between it and a last byte */
    CONTROL,      /* CSI: ESC [ */
    STRING,       /* OSC, DCS, SOS, PM, APC: up to their end */
    STRING_ESCAPE /* ... behind an ESC in it, which may be that end */
};

struct terminal {
    enum state state;
    uint8_t held[HELD]; /* a sequence, or the first bytes of a character */
    uint32_t nheld;
    bool too_long, osc;
    uint8_t out[PIECE + HELD]; /* what was passed on and is not written yet */
    uint32_t at, n;
    size_t taken;              /* what of the program's bytes that is */
    uint64_t *left_out;        /* sequences */
};

/* ---- what is passed on ---- */

/* One of the controls that a line of text has. */
static bool control_good(uint8_t c)
{
    return c == '\a' || c == '\b' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r';
}

/* Numbers of few digits, between `;` and `:`. */
static bool numbers_good(const uint8_t *at, uint32_t n)
{
    uint32_t digits = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool digit = at[i] >= '0' && at[i] <= '9';
        digits = digit ? digits + 1 : 0;
        if ((!digit && at[i] != ';' && at[i] != ':') || digits > NUMBER_DIGITS)
            return false;
    }
    return true;
}

/* DEC's private modes, one by one: lines that wrap, the cursor's looks, the other screen. */
static bool modes_good(const uint8_t *at, uint32_t n)
{
    static const char *const good[] = { "7", "12", "25", "47", "1047", "1048", "1049" };
    for (uint32_t end; n; at += end, n -= end) {
        for (end = 0; end < n && at[end] != ';';)
            end++;
        bool found = false;
        for (size_t i = 0; i < sizeof good / sizeof *good; i++)
            found |= strlen(good[i]) == end && memcmp(good[i], at, end) == 0;
        if (!found)
            return false;
        end += end < n;
    }
    return true;
}

/* Whether ESC [ ... and its last byte is one that only changes what is shown. */
static bool csi_good(const uint8_t *at, uint32_t n)
{
    const uint8_t *parameters = at + 2;
    uint32_t len = n - 3;
    uint8_t last = at[n - 1];
    if (len && *parameters == '?' && (last == 'h' || last == 'l'))
        return len > 1 && modes_good(parameters + 1, len - 1);
    /* cursor, erasing, inserting and deleting, scrolling, colours, the scrolled region, the place
     * kept */
    static const char good[] = "ABCDEFGHIZ`adefJKX@PLMSTmrsu";
    return memchr(good, last, sizeof good - 1) && numbers_good(parameters, len);
}

/* Place kept and taken, lines moved, ASCII. */
static bool escape_good(const uint8_t *at, uint32_t n)
{
    static const char *const good[] = { "7", "8", "D", "E", "M", "(B" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (strlen(good[i]) == n - 1 && memcmp(good[i], at + 1, n - 1) == 0)
            return true;
    return false;
}

static bool sequence_good(const struct terminal *t)
{
    return !t->too_long &&
           (t->held[1] == '[' ? csi_good(t->held, t->nheld) : escape_good(t->held, t->nheld));
}

/* ---- bytes ---- */

static void hold(struct terminal *t, uint8_t c)
{
    t->too_long |= t->nheld == HELD;
    if (t->nheld < HELD)
        t->held[t->nheld++] = c;
}

static void held_drop(struct terminal *t)
{
    t->nheld = 0;
    t->too_long = false;
    t->state = TEXT;
}

static void held_pass(struct terminal *t)
{
    memcpy(t->out + t->n, t->held, t->nheld);
    t->n += t->nheld;
    held_drop(t);
}

static void sequence_end(struct terminal *t)
{
    if (sequence_good(t)) {
        held_pass(t);
        return;
    }
    ++*t->left_out;
    held_drop(t);
}

static void string_end(struct terminal *t)
{
    ++*t->left_out;
    held_drop(t);
}

static void escape_begin(struct terminal *t)
{
    held_drop(t);
    hold(t, '\033');
    t->state = ESCAPE;
}

/* A character in pieces: it is passed on whole, or not at all.  C1 controls are characters to some
 * terminals. */
static void text_wide(struct terminal *t, uint8_t c)
{
    hold(t, c);
    uint8_t first = t->held[0];
    uint32_t want = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    bool begins = first >= 0xc2 && first <= 0xf4, goes_on = t->nheld == 1 || (c & 0xc0) == 0x80;
    bool c1 = first == 0xc2 && t->nheld == 2 && c < 0xa0;
    if (!begins || !goes_on || c1)
        held_drop(t);
    else if (t->nheld == want)
        held_pass(t);
}

static void text_byte(struct terminal *t, uint8_t c)
{
    if (c == '\033') {
        escape_begin(t);
        return;
    }
    if (c >= 0x80) {
        if (c >= 0xc0)
            t->nheld = 0; /* what began before it is no character */
        text_wide(t, c);
        return;
    }
    t->nheld = 0;
    if ((c >= 0x20 && c < 0x7f) || control_good(c))
        t->out[t->n++] = c;
}

static void escape_byte(struct terminal *t, uint8_t c)
{
    if (c == '[') {
        hold(t, c);
        t->state = CONTROL;
    } else if (memchr("]PX^_", c, 5)) {
        t->osc = c == ']';
        t->state = STRING;
    } else if (c >= 0x20 && c < 0x30) {
        hold(t, c);
        t->state = INTERMEDIATE;
    } else {
        hold(t, c);
        sequence_end(t);
    }
}

/* A control in the middle of a sequence acts by itself, to a terminal: here it ends what is no good
 * one. */
static void sequence_byte(struct terminal *t, uint8_t c)
{
    bool more = c >= 0x20 && c < (t->state == CONTROL ? 0x40 : 0x30);
    hold(t, c);
    if (!more)
        sequence_end(t);
}

/* ESC \ ends a string, and any other sequence does as well. */
static void string_byte(struct terminal *t, uint8_t c)
{
    bool other = t->state == STRING_ESCAPE && c != '\\';
    if (c == '\033' && t->state == STRING) {
        t->state = STRING_ESCAPE;
    } else if (other) {
        string_end(t);
        escape_begin(t);
        escape_byte(t, c);
    } else if (t->state == STRING_ESCAPE || c == CAN || c == SUB || (c == '\a' && t->osc)) {
        string_end(t);
    }
}

static void byte_take(struct terminal *t, uint8_t c)
{
    bool string = t->state == STRING || t->state == STRING_ESCAPE;
    if (c == '\033' && !string && t->state != TEXT) { /* the one before is given up */
        ++*t->left_out;
        escape_begin(t);
        return;
    }
    switch (t->state) {
    case TEXT: text_byte(t, c); break;
    case ESCAPE: escape_byte(t, c); break;
    case INTERMEDIATE:
    case CONTROL: sequence_byte(t, c); break;
    default: string_byte(t, c);
    }
}

/* ---- the kind ---- */

/* Whether all of it is written; else errno. */
static bool flush(const struct desc *d, struct terminal *t)
{
    while (t->at < t->n) {
        size_t want = t->n - t->at;
        if (d->paced && !host_ready(d->host, POLLOUT)) {
            errno = EAGAIN;
            return false;
        }
        ssize_t n = write(d->io, t->out + t->at, d->paced && want > PACED ? PACED : want);
        if (n < 0)
            return false;
        t->at += (uint32_t)n;
    }
    t->at = t->n = 0;
    return true;
}

static void pieces_take(struct terminal *t, const struct iovec *v, int n)
{
    for (int i = 0; i < n && t->taken < PIECE; i++)
        for (size_t at = 0; at < v[i].iov_len && t->taken < PIECE; at++, t->taken++)
            byte_take(t, ((const uint8_t *)v[i].iov_base)[at]);
}

static size_t bytes_of(const struct iovec *v, int n)
{
    size_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += v[i].iov_len;
    return sum;
}

/* Where the terminal takes no more, the bytes that were looked at count as written only once all of
 * theirs is. */
static ssize_t terminal_write(const struct desc *d, const struct iovec *v, int n, int64_t offset)
{
    struct terminal *t = d->own;
    size_t most = bytes_of(v, n);
    (void)offset;
    if (!t->taken)
        pieces_take(t, v, n);
    if (!flush(d, t))
        return -1;
    size_t taken = t->taken < most ? t->taken : most;
    t->taken = 0;
    return (ssize_t)taken;
}

static void terminal_close(struct wasi *w, struct desc *d)
{
    (void)w;
    free(d->own);
    d->own = NULL;
}

static uint32_t terminal_wait(struct wasi *w, const struct desc *d, short events)
{
    return wait_host(w, d->host, events);
}

static int terminal_poll(const struct desc *d, bool write)
{
    return desc_may(d, write) ? d->host : POLL_REFUSED;
}

const struct desc_ops terminal_ops = {
    .name = "terminal",
    .read = file_read,
    .write = terminal_write,
    .wait = terminal_wait,
    .poll = terminal_poll,
    .close = terminal_close,
};

/* A duplicate of one that has a filter gets its own, also of a terminal that hung up, which is none
 * any more: each is freed with its descriptor. */
bool terminal_filter(struct wasi *w, struct desc *d)
{
    bool again = d->ops == &terminal_ops;
    if (!again && (w->raw_tty || d->filetype != FILETYPE_CHARACTER || d->ops != &stream_ops ||
                   !isatty(d->host)))
        return true;
    struct terminal *t = calloc(1, sizeof *t);
    if (!t)
        return false;
    t->left_out = &w->escapes_lost;
    d->ops = &terminal_ops;
    d->own = t;
    return true;
}
