/* Arguments of calls for the fuzzer of the dispatcher: one maker for each kind of calls.def's, and
 * makers by name for addresses that lead to structs.  Each takes few bytes of the record, so that
 * one record holds the longest call. */
#include "tests/fuzz/arguments.h"

#include <string.h>

uint8_t *guest;
struct hot hot[HOT_MOST];
unsigned hots;

static uint32_t bump;          /* the next free byte of STRINGS */
/* how many the last PTR of that name has; what `n` says most often */
static uint32_t subscriptions;

static uint32_t put(const void *from, uint32_t n)
{
    if (n > STRINGS_END - bump)
        bump = STRINGS;
    uint32_t at = bump;
    memcpy(guest + at, from, n);
    bump += n + (n & 1); /* often not aligned */
    if (hots < HOT_MOST && n)
        hot[hots++] = (struct hot){ at, n };
    return at;
}

/* ---- numbers ---- */

static const uint64_t edges[] = {
    UINT64_MAX, INT64_MAX, 1ull << 63, UINT32_MAX, INT32_MAX,    1u << 31,       1ull << 32, 65535,
    65536,      1u << 20,  1000000000, 4096,       MEMORY_BYTES, UINT64_MAX - 1, 1ull << 40, 100,
};

/* Small ones, those where something may tip over, any. */
static uint64_t number(struct bytes *b, unsigned bytes)
{
    uint8_t how = byte_take(b);
    if (how < 0xc0)
        return how % 64;
    return how < 0xf0 ? edges[how % (sizeof edges / sizeof *edges)] : number_take(b, bytes);
}

static uint64_t descriptor(struct bytes *b)
{
    static const uint32_t odd[] = { UINT32_MAX, 64, 127, 128, 1023, 1024, INT32_MAX, 1u << 31 };
    uint8_t how = byte_take(b);
    return how < 0xf0 ? how % 24 : odd[how % 8];
}

static uint64_t flags(struct bytes *b)
{
    uint8_t how = byte_take(b);
    return how == 0xff ? number_take(b, 8) : how;
}

static uint64_t rights(struct bytes *b)
{
    static const uint64_t usual[] = { RIGHT_ALL,     0x0ff7febe,     0x0fffbffd, 0x0fffffff,
                                      RIGHT_FD_READ, RIGHT_FD_WRITE, 0,          UINT64_MAX };
    uint8_t how = byte_take(b);
    return how < 0xf0 ? usual[how % 8] : number_take(b, 4);
}

static uint64_t port(struct bytes *b)
{
    const uint64_t known[] = {
        world.ports.tcp, world.ports.udp, world.ports.dns, world.ports.guest, 0, 9, 53, 65536
    };
    uint8_t how = byte_take(b);
    return how < 0xf0 ? known[how % 8] : number_take(b, 2);
}

/* ---- places ---- */

/* Of the fate of an address: it may be bad. */
static bool place_bad(uint8_t how, uint32_t size, uint64_t *at)
{
    const uint64_t bad[] = {
        MEMORY_BYTES - size, MEMORY_BYTES - size + 1, MEMORY_BYTES, UINT32_MAX, 0,
        UINT32_MAX - 7,      MEMORY_BYTES - 1,        1u << 31
    };
    *at = bad[how % 8];
    return how >= 0xf4;
}

static uint64_t out(struct bytes *b, uint32_t size)
{
    uint64_t at;
    uint8_t how = byte_take(b);
    return place_bad(how, size, &at) ? at : OUTS + how % 16 * 65u;
}

static uint32_t length(struct bytes *b)
{
    static const uint32_t lengths[] = { 1, 8, 100, 0, 16, 4096, 24, 60000 };
    uint8_t how = byte_take(b);
    if (how >= 0xf8)
        return (uint32_t)edges[how % 8 + 3];
    return how < 0x40 ? how : lengths[how % 8];
}

static void buffer(struct bytes *b, uint64_t *at, uint64_t *len)
{
    uint8_t how = byte_take(b);
    *len = length(b);
    if (!place_bad(how, (uint32_t)*len, at))
        *at = BUFFERS + how % 4 * 0x1000u;
}

/* ---- texts ---- */

static const char *const pieces[] = {
    "a",   "d", "e",  "b", "l",   "up",  "m", "loop",
    "abs", "f", "..", ".", "new", "dev", "",  "x\xff\n\x1b[31m",
};

static const char *const more_pieces[] = {
    "ro",  "t",   "p",   "secret", "s",   "d/e", "ptmx", "fd",
    "blk", "etc", "dev", "0",      "log", "out", "//",   "a-name-of-some-length",
};

static uint32_t path_make(struct bytes *b, char path[256])
{
    uint8_t many = byte_take(b);
    unsigned n = many < 0xc0 ? 1 + many % 3 : 4 + many % 4;
    uint32_t len = 0;
    for (unsigned i = 0; i < n; i++) {
        uint8_t which = byte_take(b);
        const char *piece = which < 0xc0 ? pieces[which % 16] : more_pieces[which % 16];
        if (i)
            path[len++] = '/';
        memcpy(path + len, piece, strlen(piece));
        len += (uint32_t)strlen(piece);
    }
    return len;
}

/* Paths that begin at the host's root, names for the resolver and services. */
static const char *const texts[] = {
    "/",
    "/a",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/dev/stdin",
    "/dev/fd/3",
    "/dev/null",
    "etc/hosts",
    "localhost",
    "allowed.test",
    "denied.test",
    "127.0.0.1",
    "http",
    "80",
    "long.name.that.nobody.has.test",
    "/etc/ssl/certs",
    "resolv.conf",
    "hosts",
    "null",
    "/dev/wasmvm/pipe",
    "/dev/wasmvm/signals",
    "99999",
    "a\0b",
    "::1",
};
enum { TEXTS = sizeof texts / sizeof *texts };

/* Devices, descriptors by name, and what lies in --tmp's directory. */
static const char *const more_texts[24] = {
    "/dev/wasmvm/signals",
    "/dev/wasmvm/pipe",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/fd/0",
    "/dev/fd/1",
    "/dev/fd/2",
    "/dev/fd/3",
    "/dev/fd/4",
    "/dev/fd/01",
    "stdin",
    "fd/1",
    "fd/6",
    "tty",
    "pts",
    "pts/0",
    "zero",
    "ptmx",
    "fd",
    "/tmp/x",
    "x",
    "x/y",
    "/dev/../a",
    "abs/secret",
};
enum { MORE_TEXTS_FROM = 0xd8, MORE_TEXTS_END = 0xf0 };

static void text(struct bytes *b, uint64_t *at, uint64_t *len)
{
    static char many[PATH_MAX + 10];
    char path[256];
    uint8_t how = byte_take(b);
    if (how < 0xa0) {
        *len = path_make(b, path);
        *at = put(path, (uint32_t)*len);
    } else if (how < MORE_TEXTS_END) {
        const char *known = how < MORE_TEXTS_FROM ? texts[how % TEXTS]
                                                  : more_texts[how - MORE_TEXTS_FROM];
        *len = known[0] == 'a' && !known[1] ? 3 : strlen(known);
        *at = put(known, (uint32_t)*len);
    } else if (how == 0xf6) { /* its length counts the end */
        *len = sizeof "localhost";
        *at = put("localhost", (uint32_t)*len);
    } else if (how < 0xf8) {
        memset(many, how & 1 ? '/' : 'n', sizeof many);
        *len = how & 2 ? 256 : PATH_MAX - 1 + (how & 1);
        *at = put(many, (uint32_t)*len);
    } else {
        place_bad(how, 8, at);
        *len = how % 3 * 8;
    }
}

/* ---- iovecs ---- */

/* What is written: the record's own bytes, a question for the resolver, what terminals obey. */
static uint32_t content(struct bytes *b, uint32_t *len)
{
    uint8_t query[DNS_MESSAGE_MAX + 2], how = byte_take(b);
    static const char escapes[] = "\x1b]52;c;cm0=\x07text\x1b[31m\xc2\x9b" "2J\x1bP+q\x1b\\\x90";
    if (how < 0x60) {
        *len = how < 8 ? 0 : (uint32_t)(b->end - b->at) % 16;
        return put(b->at, *len < (uint32_t)(b->end - b->at) ? *len : (uint32_t)(b->end - b->at));
    }
    if (how < 0x90) {
        *len = sizeof escapes - 1 - how % 8;
        return put(escapes, *len);
    }
    static const uint16_t types[] = { DNS_A, DNS_AAAA, 15, 255 };
    unsigned two = how & 16 ? 0 : 2; /* as by TCP */
    *len = (uint32_t)dns_query_build(query + two, (uint16_t)(how * 257), texts[8 + how % 4],
                                     types[how >> 2 & 3]);
    query[0] = two ? 0 : query[0], query[1] = two ? (uint8_t)*len : query[1];
    *len += two;
    return put(query, *len);
}

static void iovec_make(struct bytes *b, struct wasi_iovec *v)
{
    uint64_t at, len;
    uint8_t how = byte_take(b);
    if (how < 0x80) {
        v->buf = content(b, &v->len);
        return;
    }
    buffer(b, &at, &len);
    *v = (struct wasi_iovec){ (uint32_t)at, (uint32_t)len };
}

/* As many as a call takes, and some more. */
static void iovecs_many(struct bytes *b, uint64_t *at, uint64_t *n)
{
    const struct wasi_iovec one = { BUFFERS + 0x3000, byte_take(b) };
    *n = IOVECS_MAX - 2 + byte_take(b) % 8u;
    *at = BUFFERS + 0x3100;
    for (uint32_t i = 0; i < *n; i++)
        memcpy(guest + *at + i * sizeof one, &one, sizeof one);
}

static void iovecs(struct bytes *b, uint64_t *at, uint64_t *n)
{
    struct wasi_iovec v[8];
    uint8_t how = byte_take(b);
    if (how == 0xfe) {
        iovecs_many(b, at, n);
        return;
    }
    *n = how % 4 + (how >= 0x80);
    for (unsigned i = 0; i < *n; i++)
        iovec_make(b, &v[i]);
    *at = put(v, (uint32_t)(*n * sizeof *v));
    if (how >= 0xf8) /* more than there are */
        *n = how & 1 ? UINT32_MAX : (uint32_t)IOVECS_MAX + how % 3;
    else if (how >= 0xf0)
        place_bad(how | 0xf4, 8, at);
}

/* ---- structs ---- */

static uint32_t address_bytes(struct bytes *b, uint8_t form, uint8_t out_bytes[128])
{
    static const uint8_t v4[][4] = { { 127, 0, 0, 1 }, { 192, 0, 2, 53 },
                                     { 10, 0, 0, 1 },  { 0 },
                                     { 9, 0, 0, 1 }, { 169, 254, 169, 254 },
                                     { 224, 0, 0, 1 }, { 255, 255, 255, 255 } };
    uint8_t how = byte_take(b), *at = out_bytes + (form >= 2 ? 2 : 0);
    memset(out_bytes, 0, 128);
    if (form == 4) {
        char path[256] = "";
        uint32_t len = path_make(b, path);
        out_bytes[0] = FAMILY_UNIX;
        memcpy(at, path, len < 126 ? len : 126);
        return 128;
    }
    bool six = form & 1;
    out_bytes[0] = form < 2 ? 0 : (uint8_t)(how == 0xff ? how : FAMILY_INET4 + six);
    if (!six)
        memcpy(at, v4[how % 8 == 4 && !world.dev ? 0 : how % 8], 4); /* never on a host's network */
    else if (how & 1)
        at[15] = 1;
    else if (how == 0xf2)
        at[15] = 0;
    else
        at[10] = at[11] = 0xff, memcpy(at + 12, v4[how / 2 % 8], 4);
    return form == 0 ? 4 : form == 1 ? 16 : 128;
}

/* {pointer, length} of an address, or of room for one. */
static uint64_t address(struct bytes *b)
{
    uint8_t bytes[128], how = byte_take(b);
    uint64_t at;
    struct wasi_iovec v = { 0 };
    if (place_bad(how, 8, &at))
        return at;
    v.len = address_bytes(b, how % 5, bytes);
    v.buf = put(bytes, v.len);
    if (how >= 0xe8)
        v.len = length(b);
    return put(&v, sizeof v);
}

static struct wasi_subscription subscription(struct bytes *b)
{
    struct wasi_subscription s = { .userdata = byte_take(b) };
    uint8_t how = byte_take(b);
    s.tag = how >= 0xf0 ? how : how % 3;
    s.id = s.tag == 0 ? how / 4 % 6 : (uint32_t)descriptor(b);
    s.timeout = s.tag == 0 ? number(b, 4) : 0;
    s.flags = s.tag == 0 && how & 0x40;
    return s;
}

static struct wasi_subscription_v0 subscription_v0(const struct wasi_subscription *s)
{
    struct wasi_subscription_v0 old = {
        .userdata = s->userdata, .tag = s->tag, .timeout = s->timeout, .flags = s->flags
    };
    if (s->tag == 0)
        old.clock = s->id;
    else
        old.fd = s->id;
    return old;
}

static uint64_t subscriptions_make(struct bytes *b, bool old)
{
    uint64_t at;
    uint32_t first = 0;
    uint8_t how = byte_take(b);
    subscriptions = how % 5;
    if (place_bad(how, 48, &at))
        return at;
    for (uint32_t i = 0; i < subscriptions; i++) {
        struct wasi_subscription s = subscription(b);
        struct wasi_subscription_v0 s0 = subscription_v0(&s);
        uint32_t here = old ? put(&s0, sizeof s0) : put(&s, sizeof s);
        first = i ? first : here;
    }
    return first;
}

/* Chains of getaddrinfo: {flags, family, type, protocol, addrlen, addr, name, name_len, next}. */
static uint64_t hints(struct bytes *b)
{
    uint32_t words[7] = { 0 };
    uint8_t how = byte_take(b);
    uint64_t at;
    if (place_bad(how, sizeof words, &at))
        return at;
    words[0] = (how & 15) | (byte_take(b) % 4u) << 16 | (byte_take(b) % 4u) << 24;
    words[1] = byte_take(b) % 4;
    return put(words, sizeof words);
}

static uint64_t results(struct bytes *b)
{
    uint8_t how = byte_take(b), data[32] = { 0 };
    uint64_t at;
    uint32_t next = how & 16 ? STRINGS : 0;
    if (place_bad(how, 8, &at))
        return at;
    for (unsigned i = 0; i < how % 4u; i++) {
        uint32_t sockaddr[3] = { 0, how & 4 ? 26 : how & 8 ? 14 : 16, put(data, sizeof data) };
        uint32_t info[7] = { 0, 0, 16, put(sockaddr, sizeof sockaddr), put(data, 16), 16, next };
        next = put(info, sizeof info);
    }
    return put(&next, 4);
}

/* ---- a call ---- */

struct word {
    const char *name;
    enum {
        W_FD,
        W_NUMBER,
        W_NUMBER64,
        W_FLAGS,
        W_RIGHTS,
        W_PTR,
        W_TEXT,
        W_IOVS,
        W_BUFFER,
        W_OUT
    } kind;
    uint32_t size;
};
#define KIND_FD W_FD
#define KIND_U32 W_NUMBER
#define KIND_HEX W_FLAGS
#define KIND_PTR W_PTR
#define KIND_CLOCK W_NUMBER
#define KIND_WHENCE W_NUMBER
#define KIND_WHENCE_V0 W_NUMBER
#define KIND_OFLAGS W_FLAGS
#define KIND_FDFLAGS W_FLAGS
#define KIND_LOOKUP W_FLAGS
#define KIND_FSTFLAGS W_FLAGS
#define KIND_S64 W_NUMBER64
#define KIND_U64 W_NUMBER64
#define KIND_RIGHTS W_RIGHTS
#define KIND_TEXT W_TEXT
#define KIND_IOVS W_IOVS
#define KIND_BUFFER W_BUFFER
enum {
#define X(kind, bytes) SIZE_##kind = bytes,
    OUT_KINDS(X)
#undef X
};

static const struct word table[][SLOT_ARGS + 1] = {
#define ARG(n, k) { #n, KIND_##k, 8 },
#define SPAN(n, k) { #n, KIND_##k, 0 },
#define OUT(n, k) { #n, W_OUT, SIZE_##k },
#define WASI_CALL(name, args, result) [CALL_##name] = { args { NULL, W_FD, 0 } },
#include "wasi-shim/calls.def"
};

static uint64_t pointer(struct bytes *b, const char *name, uint32_t call)
{
    if (strcmp(name, "address") == 0)
        return address(b);
    if (strcmp(name, "subscriptions") == 0)
        return subscriptions_make(b, call == CALL_poll_oneoff_v0);
    if (strcmp(name, "hints") == 0)
        return hints(b);
    if (strcmp(name, "results") == 0)
        return results(b);
    return out(b, 64);
}

static uint64_t plain(struct bytes *b, const struct word *word)
{
    if (strcmp(word->name, "port") == 0)
        return port(b);
    if (strcmp(word->name, "n") != 0)
        return number(b, word->kind == W_NUMBER64 ? 8 : 4);
    uint8_t how = byte_take(b);
    return how < 0xe0 ? subscriptions : how == 0xff ? UINT32_MAX : how;
}

static uint64_t *word_make(struct bytes *b, const struct word *word, uint32_t call, uint64_t *to)
{
    switch (word->kind) {
    case W_FD: *to++ = descriptor(b); break;
    case W_NUMBER: case W_NUMBER64: *to++ = plain(b, word); break;
    case W_FLAGS: *to++ = flags(b); break;
    case W_RIGHTS: *to++ = rights(b); break;
    case W_PTR: *to++ = pointer(b, word->name, call); break;
    case W_OUT: *to++ = out(b, word->size); break;
    case W_TEXT: text(b, to, to + 1); to += 2; break;
    case W_IOVS: iovecs(b, to, to + 1); to += 2; break;
    case W_BUFFER: buffer(b, to, to + 1); to += 2; break;
    }
    return to;
}

static void begin(struct bytes *record)
{
    bump = STRINGS + (record->at < record->end ? *record->at % 3u : 0);
    hots = 0;
    /* values of options, text */
    memcpy(guest + BUFFERS, record->at, (size_t)(record->end - record->at));
    memset(guest + BUFFERS + 0x1000, 0, 64);
    memcpy(guest + BUFFERS + 0x2000, record->end - 16, 16);
}

void arguments_make(uint32_t call, struct bytes *record, uint64_t words[SLOT_ARGS])
{
    begin(record);
    for (const struct word *word = table[call]; word->name; word++)
        words = word_make(record, word, call, words);
}

void transfer_make(struct bytes *record, uint64_t words[SLOT_ARGS])
{
    begin(record);
    words[0] = descriptor(record);
    buffer(record, &words[1], &words[2]);
}
