/* The fuzz target of the monitor's dispatcher: every WASI call with all that stands behind it, on
 * plain memory, with real files and sockets in a private place (world.c).
 *
 * An input is a head of options and then records (records.h), each a call with its arguments
 * (arguments.c), or something that the host does meanwhile.  Of a hostile guest there are two
 * kinds: guest_read and linear_read change what they have copied, so that whoever looks twice sees
 * another thing; and a thread changes control data while the call is in service.
 *
 * What must hold: no sanitizer speaks; an errno is one; what was opened lies in a grant; nothing
 * outside the grants, or in a read-only one, changes; no secret comes in; no descriptor is left. */
#include "tests/fuzz/arguments.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct guestmem memory;
static struct control *control;
static struct wasi *wasi;
static pthread_mutex_t calls_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- a guest that changes what the monitor reads ---- */

static uint8_t garble; /* 0 = an honest one */

bool __real_linear_read(const struct guestmem *, gva_t, void *dst, uint64_t n);
bool __real_guest_read(const struct guestmem *, gva_t, void *dst, uint64_t n);
bool __wrap_linear_read(const struct guestmem *, gva_t, void *dst, uint64_t n);
bool __wrap_guest_read(const struct guestmem *, gva_t, void *dst, uint64_t n);

static void change(gva_t at, uint64_t n)
{
    for (uint64_t i = 0; garble && i < n && at + i < MEMORY_BYTES; i++)
        guest[at + i] ^= garble;
}

bool __wrap_linear_read(const struct guestmem *mem, gva_t at, void *dst, uint64_t n)
{
    bool good = __real_linear_read(mem, at, dst, n);
    if (good)
        change(at, n);
    return good;
}

bool __wrap_guest_read(const struct guestmem *mem, gva_t at, void *dst, uint64_t n)
{
    bool good = __real_guest_read(mem, at, dst, n);
    if (good && at < MEMORY_BYTES)
        change(at, n);
    return good;
}

static struct { bool on; struct hot hot[HOT_MOST]; unsigned n; } race; /* on, n: atomic */

/* The second thread; it lives as long as the process, and sleeps where nobody wants it. */
__attribute__((no_sanitize("address", "undefined"))) static void *racer(void *unused)
{
    uint32_t seed = 1;
    for (;; sched_yield()) {
        unsigned n = __atomic_load_n(&race.n, __ATOMIC_ACQUIRE);
        if (!__atomic_load_n(&race.on, __ATOMIC_ACQUIRE) || n == 0) {
            usleep(200);
            continue;
        }
        for (unsigned i = 0; i < 200; i++) {
            const struct hot *h = &race.hot[(seed >> 8) % n];
            seed = seed * 1103515245u + 12345u;
            uint8_t *at = guest + h->at + (seed >> 12) % (h->len ? h->len : 1);
            *(volatile uint8_t *)at = (uint8_t)(*(volatile uint8_t *)at ^ (1u << (seed >> 28) % 8));
        }
    }
    return unused;
}

static void race_set(bool on)
{
    __atomic_store_n(&race.n, 0, __ATOMIC_RELEASE);
    memcpy(race.hot, hot, sizeof hot);
    __atomic_store_n(&race.on, on, __ATOMIC_RELEASE);
    __atomic_store_n(&race.n, on ? hots : 0, __ATOMIC_RELEASE);
}

/* ---- what holds after each call ---- */

static void lies_in_a_grant(const struct desc *d)
{
    char link[64], path[PATH_MAX] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", d->host);
    if (d->host < 0 || readlink(link, path, sizeof path - 1) <= 0 || path[0] != '/')
        return;
    bool inside = strncmp(path, world.rw, strlen(world.rw)) == 0,
         ro = strncmp(path, world.ro, strlen(world.ro)) == 0;
    bool beside = strncmp(path, world.place, strlen(world.place)) == 0,
         tmp = strncmp(path, world.tmp, strlen(world.tmp)) == 0 && path[strlen(world.tmp)] == '/';
    if (beside && !inside && !ro && !tmp && !strstr(path, "/stream"))
        finding("opened outside of the grants: %s", path);
    if (ro && !d->read_only)
        finding("opened for writing in a read-only grant: %s", path);
}

static void check_result(uint32_t call, uint32_t error)
{
    bool lookup = call == CALL_sock_getaddrinfo; /* has numbers of its own */
    if (error > (lookup ? 100u : (uint32_t)WASI_NOTCAPABLE))
        finding("call %u: %u is no errno", call, error);
    for (uint32_t i = 0; call == CALL_path_open && error == 0 && i < wasi->ndescs; i++)
        lies_in_a_grant(&wasi->descs[i]);
}

/* ---- one record ---- */

enum { CALLS_ALL = WASI_CALLS + 2 };

static void one_call(uint32_t call, struct bytes *record, bool racing)
{
    const uint32_t one = call == WASI_CALLS ? CALL_fd_read_one : CALL_fd_write_one;
    struct request r = { .number = call < WASI_CALLS ? call : one };
    struct end end = { 0 };
    uint32_t error = 0;
    world.answer = (struct bytes){ record->end - 16, record->end };
    if (call < WASI_CALLS)
        arguments_make(call, record, r.args);
    else
        transfer_make(record, r.args);
    race_set(racing);
    world.waits = 0;
    pthread_mutex_lock(&calls_lock);
    if (call < WASI_CALLS)
        error = wasi_dispatch(wasi, &r, &end);
    else
        error = (uint32_t)wasi_transfer_one(wasi, &r, &end);
    pthread_mutex_unlock(&calls_lock);
    race_set(false);
    world.kicked = false;
    free(end.text);
    check_result(call, error);
}

/* The guest's side of batches (abi.h): words and ring as it likes. */
static void batch_garble(struct bytes *b)
{
    struct batch *batch = &control->batch;
    struct batch_place *p = &batch->in[byte_take(b) % 32];
    uint8_t how = byte_take(b);
    if (how & 1)
        p->used = (uint32_t)number_take(b, 2);
    if (how & 2)
        p->len = (uint32_t)number_take(b, 4);
    if (how & 4)
        p->credit = UINT32_MAX;
    if (how & 8)
        p->fd = byte_take(b);
    for (unsigned i = 0; how & 16 && i < 2; i++) {
        struct batch_record record = { byte_take(b) % 24u,
                                       how & 32 ? (uint32_t)number_take(b, 4) : byte_take(b) };
        memcpy(batch->ring + batch->tail % BATCH_RING / 8 * 8, &record, sizeof record);
        uint32_t bytes = (uint32_t)sizeof record + (record.len + 7) / 8 * 8;
        __atomic_store_n(&batch->tail, batch->tail + bytes, __ATOMIC_RELEASE);
    }
    if (how & 64)
        __atomic_store_n(&batch->tail, (uint32_t)number_take(b, 4), __ATOMIC_RELEASE);
}

static void one_record(const uint8_t *at, bool racing)
{
    enum { ACT = 200, BATCH = 252 }; /* what is no call, from there on */
    struct bytes record = { at + 1, at + RECORD_BYTES };
    if (*at >= BATCH)
        batch_garble(&record);
    else if (*at >= ACT)
        world_act(wasi, &record);
    else
        one_call(*at % CALLS_ALL, &record, racing);
}

/* ---- one input ---- */

#define WORDS(...)                                                                                 \
    {                                                                                              \
        (const char *[]){ __VA_ARGS__ }, sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)  \
    }
enum {
    WITH_NAMES = 1,
    WITH_ANY_NAME = 2,
    WITH_UNIX = 4,
    WITH_LIMITS = 8,
    WITH_TRACE = 16,
    WITH_RAW_TTY = 32,
    WITH_BATCH = 64,
    WITH_LISTEN = 128
};
enum {
    WITH_RACE = 1,
    WITH_GARBLE = 2,
    WITH_LOG = 4,
    WITH_OWN_NAMES = 8,
    WITH_NET_ALL = 16,
    WITH_CERTS = 32,
    WITHOUT_GRANTS = 64,
    WITH_DIAL = 128
};
enum { IN_CONTAINER = 1, ETC_LAST = 2, WITH_DEV = 4, WITH_TMP = 8 }; /* of head[3] */

static char words[4][64]; /* of the rules, made once the ports are known */

static void limits_set(struct settings *s, const uint8_t *head)
{
    s->max_written = 1 + head[4] * 64u;
    s->max_created = 1 + head[5] % 16;
    s->max_sockets = 1 + head[6] % 8;
    s->max_files = 8 + head[6];
    s->net_bytes = head[4] & 1 ? 1 + head[5] : 0;
    s->net_rate = head[4] & 2 ? 1 + head[5] % 4 : 0;
    s->max_log = head[4] & 4 ? 100 : 0;
    s->socket_buffer = !(head[4] & 8) ? 0 : head[5] & 1 ? 1024 : 16384;
    s->output_rate = head[4] & 16 ? 10 : 0;
}

static void settings_make(struct settings *s, const uint8_t *head)
{
    static const char *connect[] = { "127.0.0.1", "udp:127.0.0.1", "[::1]", "allowed.test" };
    static const char *listen[] = { "127.0.0.1", "udp:127.0.0.1", "[::1]:0", ":7004" },
                      *deny[] = { "127.0.0.1:9" };
    static const char *listeners[1], *dials[1], *servers[1];
    listeners[0] = words[0], dials[0] = words[1], servers[0] = words[2];
    settings_default(s);
    s->allow_connect = (struct words){ connect, head[0] & WITH_NAMES ? 4 : 3 };
    s->allow_listen = (struct words){ listen, 4 };
    s->deny = (struct words){ deny, 1 };
    s->dns_server = (struct words){ servers, 1 };
    s->allow_dns = head[0] & WITH_NAMES ? head[0] & WITH_ANY_NAME ? "any" : "" : NULL;
    s->allow_unix = head[0] & WITH_UNIX;
    s->raw_tty = head[0] & WITH_RAW_TTY;
    s->trace = head[0] & WITH_TRACE ? "/dev/null" : NULL;
    s->net_log = head[1] & WITH_LOG ? "/dev/null" : NULL;
    s->net_all = head[1] & WITH_NET_ALL;
    s->container = head[3] & IN_CONTAINER;
    s->listen = (struct words){ listeners, !!(head[0] & WITH_LISTEN) };
    s->dial = (struct words){ dials, !!(head[1] & WITH_DIAL) };
    if (head[0] & WITH_LIMITS)
        limits_set(s, head);
}

static struct tmp tmp = TMP_NONE;

/* What --tmp makes, when a run before left something there. */
static const char *tmp_begin(void)
{
    struct failure why;
    char left[160];
    snprintf(left, sizeof left, "%s/run-1", world.tmp);
    if (mkdir(world.tmp, 0700) == 0 || mkdir(left, 0700) == 0) {
        snprintf(left, sizeof left, "%s/run-1/deep", world.tmp);
        (void)mkdir(left, 0700);
    }
    if (!tmp_make(&tmp, &why))
        finding("no --tmp: %s", why.text);
    return tmp.path;
}

static uint32_t grants_make(struct grant grants[], const uint8_t *head)
{
    bool own = head[1] & WITH_OWN_NAMES;
    uint32_t n = 0;
    if (head[1] & WITHOUT_GRANTS)
        return 0;
    grants[n++] = (struct grant){ .host = world.rw, .guest = own ? world.rw : "/" };
    grants[n++] = (struct grant){ .host = world.ro,
                                  .guest = own ? world.ro : "/ro",
                                  .read_only = true };
    if (head[0] & WITH_NAMES)
        grants[n++] = (struct grant){
            .guest = "/etc", .read_only = true, .kind = &etc_grant, .last = head[3] & ETC_LAST
        };
    if (world.dev && (head[3] & WITH_DEV))
        grants[n++] = (struct grant){ .host = "/dev", .guest = "/dev", .read_only = head[3] & 16 };
    if (head[3] & WITH_TMP)
        grants[n++] = (struct grant){ .host = tmp_begin(), .guest = "/tmp" };
    return n;
}

static bool wasi_make(const uint8_t *head)
{
    static char *args[] = { "app.wasm", "one", "" }, *env[] = { "A=1", "PWD=/", "LONG=a b\nc" };
    static struct signals signals;
    static struct kick kick;
    static struct settings settings;
    struct grant grants[5];
    signals = SIGNALS_NONE;
    settings_make(&settings, head);
    struct config config = { .set = &settings,
                             .module = "app.wasm",
                             .args = args,
                             .argc = 3,
                             .env = env,
                             .envc = 3,
                             .signals = &signals,
                             .stdio = world.stdio,
                             .grants = grants,
                             .ngrants = grants_make(grants, head) };
    struct failure why;
    wasi = wasi_alloc(&memory, &kick, &net_parts);
    world.patient = head[0] & WITH_NAMES;
    if (!wasi)
        return false;
    if (!wasi_open(wasi, &config, &why)) {
        /* too few descriptors for the grants; a port or a queue that the input before still has */
        if ((head[0] & (WITH_LIMITS | WITH_LISTEN)) || (head[1] & WITH_DIAL))
            return false;
        finding("nothing was opened: %s", why.text);
    }
    if ((head[0] & WITH_LIMITS) && (head[6] & 16)) /* few positions in directories are left */
        wasi->dir_places = PLACES_MOST - 8;
    return true;
}

static void run(const uint8_t *data, size_t len)
{
    const uint8_t *head = data;
    bool batch = head[0] & WITH_BATCH;
    garble = head[1] & WITH_GARBLE ? head[7] | 1 : 0;
    if (batch)
        batch_start(wasi, &calls_lock);
    for (size_t at = RECORD_HEAD; at + RECORD_BYTES <= len; at += RECORD_BYTES)
        one_record(data + at, head[1] & WITH_RACE);
    garble = 0;
    if (batch)
        batch_stop(wasi);
}

static unsigned descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;
    while (dir && readdir(dir))
        n++;
    closedir(dir);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < RECORD_HEAD + RECORD_BYTES)
        return -1;
    memset(guest, 0xee, MEMORY_BYTES);
    memset(&control->batch, 0, offsetof(struct batch, ring));
    unsigned before = descriptors();
    world_make(data[2] | (data[3] & 0xf0u) << 4);
    if (wasi_make(data))
        run(data, len);
    struct signals *signals = wasi ? wasi->signals : NULL;
    wasi_close(wasi);
    if (signals)
        signals_end(signals);
    if (tmp.path)
        tmp_remove(&tmp, NULL);
    if (memmem(guest, MEMORY_BYTES, SECRET, sizeof SECRET - 1))
        finding("a secret is in guest memory");
    world_end();
    world_check();
    if (descriptors() != before)
        finding("%u descriptors before, %u after", before, descriptors());
    return 0;
}

static void silent(void *data, const char *line)
{
    (void)data, (void)line;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct outlet nowhere = { .tell = silent };
    pthread_t thread;
    (void)argc, (void)argv;
    outlet_use(&nowhere);
    world_begin();
    snprintf(words[0], sizeof words[0], "127.0.0.1:%u", world.ports.guest);
    snprintf(words[1], sizeof words[1], "127.0.0.1:%u", world.ports.tcp);
    snprintf(words[2], sizeof words[2], "127.0.0.1:%u", world.ports.dns);
    guest = malloc(MEMORY_BYTES);
    control = aligned_alloc(64, sizeof *control);
    memset(control, 0, sizeof *control);
    memory.regions[REGION_LINEAR] = (struct region){ 0, MEMORY_BYTES, guest, true };
    memory.regions[REGION_CONTROL] = (struct region){ MAP_CONTROL, sizeof *control,
                                                      (uint8_t *)control, true };
    return pthread_create(&thread, NULL, racer, NULL);
}
