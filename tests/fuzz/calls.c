/* The fuzz target of the monitor's dispatcher: every WASI call with all that stands behind it, on
 * plain memory, with real files and sockets in a private place (world.c).
 *
 * An input is a head of options (options.c) and then records (records.h), each a call with its
 * arguments (arguments.c), or something that the host does meanwhile.  Of a hostile guest there are
 * two kinds: guest_read and linear_read change what they have copied, so that whoever looks twice
 * sees another thing; and control data changes at each passage of the door.  With FUZZ_THREAD in
 * the environment a thread changes it besides, at any time.
 *
 * Otherwise an input does the same each time (steps.h), and so a new edge is one.
 *
 * What must hold: no sanitizer speaks; an errno is one; what was opened lies in a grant; nothing
 * outside the grants, or in a read-only one, changes; no secret comes in; no descriptor is left. */
#include "tests/fuzz/arguments.h"
#include "tests/fuzz/options.h"
#include "tests/fuzz/steps.h"

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
static struct { bool on; uint32_t seed; } drift;

#define DOOR(name, ...)                                                                            \
    bool __real_##name(const struct guestmem *, gva_t, __VA_ARGS__);                               \
    bool __wrap_##name(const struct guestmem *, gva_t, __VA_ARGS__)
DOOR(linear_read, void *, uint64_t);
DOOR(guest_read, void *, uint64_t);
DOOR(linear_write, const void *, uint64_t);
DOOR(linear_span, uint64_t, bool, struct iovec *);

static void change(gva_t at, uint64_t n)
{
    for (uint64_t i = 0; garble && i < n && at + i < MEMORY_BYTES; i++)
        guest[at + i] ^= garble;
}

/* One bit of what the call may yet look at. */
static void hot_change(void)
{
    if (!drift.on || hots == 0)
        return;
    const struct hot *h = &hot[(drift.seed >> 8) % hots];
    drift.seed = drift.seed * 1103515245u + 12345u;
    guest[h->at + (drift.seed >> 12) % h->len] ^= (uint8_t)(1u << (drift.seed >> 28) % 8);
}

bool __wrap_linear_read(const struct guestmem *mem, gva_t at, void *dst, uint64_t n)
{
    bool good = __real_linear_read(mem, at, dst, n);
    if (good)
        change(at, n);
    hot_change();
    return good;
}

bool __wrap_guest_read(const struct guestmem *mem, gva_t at, void *dst, uint64_t n)
{
    bool good = __real_guest_read(mem, at, dst, n);
    if (good && at < MEMORY_BYTES)
        change(at, n);
    return good;
}

bool __wrap_linear_write(const struct guestmem *mem, gva_t at, const void *src, uint64_t n)
{
    bool good = __real_linear_write(mem, at, src, n);
    hot_change();
    return good;
}

bool __wrap_linear_span(const struct guestmem *mem, gva_t at, uint64_t n, bool writable,
                        struct iovec *out)
{
    hot_change();
    return __real_linear_span(mem, at, n, writable, out);
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

static bool racer_there;

static void race_set(bool on)
{
    drift.on = on;
    on &= racer_there;
    __atomic_store_n(&race.n, 0, __ATOMIC_RELEASE);
    memcpy(race.hot, hot, sizeof hot);
    __atomic_store_n(&race.on, on, __ATOMIC_RELEASE);
    __atomic_store_n(&race.n, on ? hots : 0, __ATOMIC_RELEASE);
}

/* ---- what holds after each call ---- */

enum { LOOKED_MOST = 256 };
static bool looked_at[LOOKED_MOST]; /* by descriptor; a look takes longer than most calls */

static void lies_in_a_grant(const struct desc *d)
{
    char link[64], path[PATH_MAX] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", d->host);
    if (d->host < 0 || readlink(link, path, sizeof path - 1) <= 0 || path[0] != '/')
        return;
    bool inside = strncmp(path, world.rw, strlen(world.rw)) == 0,
         ro = strncmp(path, world.ro, strlen(world.ro)) == 0;
    bool beside = strncmp(path, world.place, strlen(world.place)) == 0,
         tmp = strncmp(path, world.tmp, strlen(world.tmp)) == 0 &&
               strchr("/-", path[strlen(world.tmp)]);
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
    if (call == CALL_fd_close || call == CALL_fd_renumber)
        memset(looked_at, 0, sizeof looked_at);
    for (uint32_t i = 0; call == CALL_path_open && error == 0 && i < wasi->ndescs; i++) {
        if (i >= LOOKED_MOST || !looked_at[i])
            lies_in_a_grant(&wasi->descs[i]);
        if (i < LOOKED_MOST)
            looked_at[i] = wasi->descs[i].host >= 0;
    }
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
    faults_on(true);
    if (call < WASI_CALLS)
        error = wasi_dispatch(wasi, &r, &end);
    else
        error = (uint32_t)wasi_transfer_one(wasi, &r, &end);
    faults_on(false);
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

/* ---- one input ---- */

/* Besides those of world.h: a host function in the trace. */
static void act(struct bytes *record)
{
    static const wasmvm_func func = { "m\n", "f\x1b[", "iIfF:I", NULL, NULL };
    const wasmvm_val args[4] = { { .u64 = 1 }, { .u64 = UINT64_MAX }, { .u64 = 7 }, { .u64 = 9 } };
    enum { TRACED = 23 };
    if (record->at[0] % 24u != TRACED) {
        world_act(wasi, record);
        return;
    }
    uint8_t how = record->at[1];
    trace_host(wasi, &func, args, how & 1 ? args : NULL, how & 2 ? "of a\nfault" : NULL,
               trace_begin(wasi));
}

static void one_record(const uint8_t *at, bool racing)
{
    enum { ACT = 200, BATCH = 252 }; /* what is no call, from there on */
    struct bytes record = { at + 1, at + RECORD_BYTES };
    if (*at >= BATCH)
        batch_garble(&record);
    else if (*at >= ACT)
        act(&record);
    else
        one_call(*at % CALLS_ALL, &record, racing);
}

/* How often more the record behind this one is done. */
static unsigned times_told(const uint8_t *at)
{
    enum { ACT = 200, BATCH = 252, REPEAT = 22 };
    return *at >= ACT && *at < BATCH && at[1] % 24u == REPEAT ? at[2] : 0;
}

static void run(const uint8_t *data, size_t len)
{
    const uint8_t *head = data;
    bool batch = head[HEAD_NET] & WITH_BATCH;
    garble = head[HEAD_GUEST] & WITH_GARBLE ? head[HEAD_GARBLE] | 1 : 0;
    drift.seed = head[HEAD_GARBLE] * 257u;
    if (batch)
        batch_start(wasi, &calls_lock);
    unsigned more = 0;
    for (size_t at = RECORD_HEAD; at + RECORD_BYTES <= len; at += RECORD_BYTES) {
        for (unsigned i = 0; i <= more; i++)
            one_record(data + at, head[HEAD_GUEST] & WITH_RACE);
        more = times_told(data + at);
    }
    garble = 0;
    fault_set(head[HEAD_FAULT_END], head[HEAD_FAULT_HOW]);
    faults_on(true);
    if (batch)
        batch_stop(wasi);
    faults_on(false);
}

/* What a report says. */
static void report(void)
{
    char why[64];
    uint64_t count;
    wasi_missing_path(wasi, &count);
    wasi_refused(wasi, &count, why, sizeof why);
    if (strlen(why) >= sizeof why || wasi_words_lost(wasi).trace > UINT32_MAX)
        finding("a report that cannot be");
}

static unsigned descriptors(void)
{
    struct stat st;
    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0) /* from Linux 6.2 on */
        return (unsigned)st.st_size;
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;
    while (dir && readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* Where they lead, for who looks for the one that is left. */
static void descriptors_tell(void)
{
    for (int fd = 0; fd < 256; fd++) {
        char link[64], to[128] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, to, sizeof to - 1) > 0)
            dprintf(world.words, "%d: %s\n", fd, to);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct kick kick;
    if (len < RECORD_HEAD + RECORD_BYTES)
        return -1;
    memset(guest, 0xee, MEMORY_BYTES);
    memset(looked_at, 0, sizeof looked_at);
    memset(&control->batch, 0, offsetof(struct batch, ring));
    unsigned before = descriptors();
    steps_begin();
    world_make(data[HEAD_STREAMS] | (data[HEAD_PLACE] & 0xf0u) << 4,
               data[HEAD_MORE] & WITHOUT_STREAMS);
    world.kicked = data[HEAD_MORE] & WITH_KICK;
    wasi = wasi_alloc(&memory, &kick, &net_parts);
    world.answer = (struct bytes){ data + RECORD_HEAD, data + RECORD_HEAD + RECORD_BYTES };
    if (options_open(wasi, data))
        run(data, len);
    report();
    options_close(wasi, &kick, data);
    if (memmem(guest, MEMORY_BYTES, SECRET, sizeof SECRET - 1))
        finding("a secret is in guest memory");
    world_end();
    world_check();
    unsigned after = descriptors();
    if (after != before)
        descriptors_tell();
    if (after != before)
        finding("%u descriptors before, %u after", before, after);
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
    options_begin();
    guest = malloc(MEMORY_BYTES);
    control = aligned_alloc(64, sizeof *control);
    memset(control, 0, sizeof *control);
    memory.regions[REGION_LINEAR] = (struct region){ 0, MEMORY_BYTES, guest, true };
    memory.regions[REGION_CONTROL] = (struct region){ MAP_CONTROL, sizeof *control,
                                                      (uint8_t *)control, true };
    racer_there = getenv("FUZZ_THREAD");
    return racer_there ? pthread_create(&thread, NULL, racer, NULL) : 0;
}
