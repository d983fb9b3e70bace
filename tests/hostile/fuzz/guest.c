/* A hostile guest for tests/hostile/fuzz.py: calls of every kind at random, most of them nearly
 * right, by every way that reaches the monitor, while it writes into all that the monitor may be
 * reading.
 *
 * Arguments after the module: seed, how many calls, port of the first listener, port of the
 * driver's echo server. */
#include "tests/hostile/guest.h"

enum {
    BYTES = 0x100000,
    PATHS = 0x1000,
    PATH_ROOM = 64,
    IOVS = 0x2000,
    SUBS = 0x3000,
    ADDRS = 0x4000,
    STORE = 0x5000,
    INFOS = 0x6000,
    BUFFERS = 0x8000
};
enum { FDS = 24, DEEPEST = 40, SPINS = 3000 };

static uint64_t seed, calls, ports[2];
static unsigned depth;
static bool calm; /* no races: what was done can be waited for */

static const char *const paths[] = {
    "a",           "b",          "c/d",       ".",
    "..",          "../..",      "c",         "e/../a",
    "link",        "l2",         "a/",        "c//d",
    "/etc/passwd", "secret",     "../secret", "c/../../secret",
    "out",         "out/secret", "./a",       "long-name-of-a-file-that-is-there",
    "sock",        "c/s2",       "hosts",     "resolv.conf",
    "fifo",        "\033[2J",    "\xff\xfe",  "",
    "c/d/e/f",
};
enum { NPATHS = sizeof paths / sizeof paths[0] };

/* ---- numbers ---- */

static uint64_t below(uint64_t n)
{
    return random_next() % n;
}

static bool one_in(uint64_t n)
{
    return below(n) == 0;
}

static uint64_t wild(void)
{
    static const uint64_t likely[] = { 0,           1,          2,          0xfff,       0x1000,
                                       0xffff,      BYTES - 1,  BYTES,      BYTES + 1,   0x7fffffff,
                                       0x80000000,  0xfffffff0, 0xffffffff, 0x100000000, MAP_HEAP,
                                       MAP_CONTROL, MAP_CPL0,   MAP_STACK,  INT64_MAX,   1ull << 63,
                                       ~0ull };
    return one_in(2) ? likely[below(sizeof likely / sizeof likely[0])] : random_next() >> below(64);
}

static void arguments_read(void)
{
    uint64_t values[8] = {0};
    const char *at = (const char *)shared + shared->boot.args_off,
               *stop = at + shared->boot.args_len;
    for (unsigned i = 0; at < stop && i < 8; i++, at++)
        for (; *at; at++)
            values[i] = values[i] * 10 + (uint64_t)(*at - '0');
    seed = values[1];
    calls = values[2];
    ports[0] = values[3];
    ports[1] = values[4];
}

/* ---- what arguments point at ---- */

static void put8(uint64_t at, uint64_t value) { *(volatile uint8_t *)at = (uint8_t)value; }
static void put16(uint64_t at, uint64_t value) { *(volatile uint16_t *)at = (uint16_t)value; }
static void put32(uint64_t at, uint64_t value) { *(volatile uint32_t *)at = (uint32_t)value; }
static void put64(uint64_t at, uint64_t value) { *(volatile uint64_t *)at = value; }

static uint64_t buffer(void)
{
    return one_in(20) ? BYTES - below(64) : BUFFERS + below(BYTES - BUFFERS - 0x3000);
}

static void iovs_fill(void)
{
    for (unsigned i = 0; i < 64; i++) {
        put32(IOVS + 8 * i, one_in(30) ? wild() : buffer());
        put32(IOVS + 8 * i + 4, one_in(30) ? wild() : one_in(4) ? 0 : below(0x2000));
    }
}

static void subs_fill(void)
{
    for (unsigned i = 0; i < 16; i++) {
        uint64_t at = SUBS + 48 * i, tag = one_in(10) ? wild() : below(3);
        put64(at, random_next());
        put8(at + 8, tag);
        put32(at + 16, tag == 0 ? below(3) : below(FDS));
        put64(at + 24, one_in(20) ? wild() & INT64_MAX : below(200000));
        put64(at + 32, wild());
        put16(at + 40, one_in(10) ? wild() : 0);
    }
    /* The last one ends the wait, whatever the others say. */
    put8(SUBS + 8, 0);
    put32(SUBS + 16, 1);
    put64(SUBS + 24, below(100000));
    put16(SUBS + 40, 0);
}

static void addrs_fill(void)
{
    static const uint8_t lens[] = {4, 16, 128, 128, 128, 0, 5};
    for (unsigned i = 0; i < 8; i++) {
        uint64_t store = STORE + 128 * i, len = lens[below(sizeof lens)], family = 1 + below(3);
        put32(ADDRS + 8 * i, one_in(20) ? wild() : store);
        put32(ADDRS + 8 * i + 4, one_in(20) ? wild() : len);
        uint64_t at = store;
        if (len == 128) {
            put16(at, one_in(20) ? wild() : family);
            at += 2;
        }
        if (len == 128 && family == 3) {
            const char *path = paths[below(NPATHS)], *dir = one_in(2) ? "/rw/" : "/ro/";
            while (*dir)
                put8(at++, (uint8_t)*dir++);
            for (; *path; path++)
                put8(at++, (uint8_t)*path);
            put8(at, 0);
        } else {
            put32(at, one_in(4) ? wild() : one_in(8) ? 0x350200c0 : 0x0100007f);
        }
    }
}

static void infos_fill(void)
{
    for (unsigned i = 0; i < 8; i++) {
        uint64_t at = INFOS + 64 * i;
        put16(at, below(16));
        put8(at + 2, below(4));
        put8(at + 3, below(3));
        put32(at + 4, below(3));
        put32(at + 8, 16);
        put32(at + 12, one_in(10) ? wild() : at + 32);
        put32(at + 24, one_in(10) ? wild() : at + 64);
        put32(at + 32, 1);
        put32(at + 36, one_in(10) ? wild() : one_in(2) ? 14 : 26);
        put32(at + 40, one_in(10) ? wild() : buffer());
        put32(at + 48 + 4, INFOS);
    }
}

static void paths_fill(void)
{
    for (unsigned i = 0; i < NPATHS; i++) {
        uint64_t at = PATHS + i * PATH_ROOM;
        for (const char *from = paths[i]; *from; from++)
            put8(at++, (uint8_t)*from);
        put8(at, 0);
    }
}

/* ---- shapes: one letter an argument ----
 * d descriptor   P path   n its length   L text   v iovecs   # a count   o where a result goes   b
 * buffer l its length   f flags   r rights   I offset or size   w whence   t time   s subscriptions
 * a address   p port x anything   i addrinfo   y 0   h host function   g a size in pages */
static const char *const shapes[] = {
    [CALL_args_get] = "ob",
    [CALL_args_sizes_get] = "oo",
    [CALL_environ_get] = "ob",
    [CALL_environ_sizes_get] = "oo",
    [CALL_clock_res_get] = "fo",
    [CALL_clock_time_get] = "fIo",
    [CALL_fd_advise] = "dIIf",
    [CALL_fd_allocate] = "dII",
    [CALL_fd_close] = "d",
    [CALL_fd_datasync] = "d",
    [CALL_fd_fdstat_get] = "do",
    [CALL_fd_fdstat_set_flags] = "df",
    [CALL_fd_fdstat_set_rights] = "drr",
    [CALL_fd_filestat_get] = "do",
    [CALL_fd_filestat_set_size] = "dI",
    [CALL_fd_filestat_set_times] = "dttf",
    [CALL_fd_pread] = "dv#Io",
    [CALL_fd_prestat_get] = "do",
    [CALL_fd_prestat_dir_name] = "dbl",
    [CALL_fd_pwrite] = "dv#Io",
    [CALL_fd_read] = "dv#o",
    [CALL_fd_readdir] = "dblIo",
    [CALL_fd_renumber] = "dd",
    [CALL_fd_seek] = "dIwo",
    [CALL_fd_sync] = "d",
    [CALL_fd_tell] = "do",
    [CALL_fd_write] = "dv#o",
    [CALL_path_create_directory] = "dPn",
    [CALL_path_filestat_get] = "dfPno",
    [CALL_path_filestat_set_times] = "dfPnttf",
    [CALL_path_link] = "dyPndPn",
    [CALL_path_open] = "dfPnfrrfo",
    [CALL_path_readlink] = "dPnblo",
    [CALL_path_remove_directory] = "dPn",
    [CALL_path_rename] = "dPndPn",
    [CALL_path_symlink] = "PndPn",
    [CALL_path_unlink_file] = "dPn",
    [CALL_poll_oneoff] = "sb#o",
    [CALL_proc_raise] = "x",
    [CALL_sched_yield] = "",
    [CALL_random_get] = "bl",
    [CALL_sock_accept] = "dfo",
    [CALL_sock_recv] = "dv#foo",
    [CALL_sock_send] = "dv#yo",
    [CALL_sock_shutdown] = "df",
    [CALL_sock_open] = "ffo",
    [CALL_sock_bind] = "dap",
    [CALL_sock_listen] = "df",
    [CALL_sock_connect] = "dap",
    [CALL_sock_recv_from] = "dv#afooo",
    [CALL_sock_send_to] = "dv#apyo",
    [CALL_sock_getsockopt] = "dffbl",
    [CALL_sock_setsockopt] = "dffbl",
    [CALL_sock_getlocaladdr] = "dao",
    [CALL_sock_getpeeraddr] = "dao",
    [CALL_sock_getaddrinfo] = "LlLlii#o",
    [CALL_sock_accept_v1] = "do",
    [CALL_sock_recv_from_v1] = "dv#afoo",
    [CALL_sock_getlocaladdr_v1] = "daoo",
    [CALL_sock_getpeeraddr_v1] = "daoo",
    [CALL_fd_filestat_get_v0] = "do",
    [CALL_fd_seek_v0] = "dIwo",
    [CALL_path_filestat_get_v0] = "dfPno",
    [CALL_poll_oneoff_v0] = "sb#o",
    [CALL_fd_read_one] = "dbl",
    [CALL_fd_write_one] = "dbl",
    [CALL_host] = "hxxxxxxxx",
    [CALL_heap_grow] = "I",
    [CALL_code_grow] = "I",
    [CALL_clock_refresh] = "",
    [CALL_random_refill] = "",
    [CALL_results] = "b#",
    [CALL_memory_more] = "ggg",
    [CALL_memory_grow] = "gg",
    [CALL_COUNT] = NULL,
};

static uint64_t argument(char kind, uint64_t before)
{
    if (kind != 'h' && one_in(calm ? 60 : 25))
        return wild();
    switch (kind) {
    case 'd': return one_in(12) ? below(200) : one_in(3) ? 3 + below(4) : below(FDS);
    case 'P': return PATHS + below(NPATHS) * PATH_ROOM;
    case 'L': return PATHS + below(NPATHS) * PATH_ROOM;
    case 'n': {
        const char *at = (const char *)before;
        uint64_t n = 0;
        while (before >= PATHS && before < IOVS && n < PATH_ROOM && at[n])
            n++;
        return n;
    }
    case 'v': return IOVS + below(32) * 8;
    case '#': return one_in(20) ? below(2000) : below(9);
    case 'o':
    case 'b': return buffer();
    case 'l': return one_in(8) ? below(0x3000) : below(64);
    case 'f': return below(16);
    case 'r': return one_in(3) ? 0x3fffffff : random_next() & 0x3fffffff;
    case 'I': return one_in(2) ? below(64) : below(1 << 20);
    case 'w': return below(4);
    case 't': return random_next() >> 2;
    case 's': return SUBS;
    case 'a': return ADDRS + below(8) * 8;
    case 'p': return one_in(3) ? ports[0] : one_in(2) ? ports[1] : one_in(2) ? 53 : below(65536);
    case 'i': return INFOS + below(4) * 64;
    case 'h': return shared->boot.hosts ? below(shared->boot.hosts) : 0;
    case 'g': return below(64) * 0x10000;
    case 'y': return 0;
    default: return wild();
    }
}

/* ---- what else the monitor looks at ---- */

static void scribble(void)
{
    volatile struct batch *batch = &shared->batch;
    volatile struct slot *slot = &shared->slot;
    uint64_t n = random_next();
    switch (n % 10) {
    case 0: put64(IOVS + 8 * below(64), one_in(2) ? wild() : buffer()); break;
    case 1: slot->args[below(SLOT_ARGS)] = wild(); break;
    case 2: slot->number = (uint32_t)below(one_in(500) ? CALL_COUNT + 2 : CALL_proc_exit); break;
    case 3: slot->closes = (uint32_t)(one_in(4) ? wild() : one_in(8) ? below(FDS) : 0); break;
    case 4:
        batch->in[below(BATCH_PLACES)].used = (uint32_t)(one_in(2) ? wild()
                                                                   : below(BATCH_PIECE + 2));
        break;
    case 5:
        batch->in[below(FDS)].len = (uint32_t)(one_in(2) ? wild() : below(BATCH_PIECE + 2));
        break;
    case 6: put8(PATHS + below(NPATHS * PATH_ROOM), "./ac\0"[below(5)]); break;
    case 7: put64(SUBS + 8 * below(96), wild()); break;
    case 8: put64(ADDRS + 8 * below(8), (uint64_t)(one_in(2) ? 128 : wild()) << 32 | STORE); break;
    case 9: ((volatile uint64_t *)&shared->stats)[below(sizeof shared->stats / 8)] = wild(); break;
    }
}

/* Bytes for connections, left in the ring: right, nearly right, or noise. */
static void ring_fill(void)
{
    volatile struct batch *batch = &shared->batch;
    uint32_t tail = batch->tail;
    for (uint64_t i = below(20); i > 0; i--) {
        uint32_t at = tail % BATCH_RING & ~7u, len = (uint32_t)below(one_in(10) ? 0x10000 : 200);
        if (at + sizeof(struct batch_record) + len + 8 > BATCH_RING) {
            *(volatile uint32_t *)&batch->ring[at] = 0;
            tail += BATCH_RING - at;
            continue;
        }
        *(volatile uint32_t *)&batch->ring[at] = (uint32_t)(one_in(20) ? wild() : 3 + below(FDS));
        *(volatile uint32_t *)&batch->ring[at + 4] = one_in(40) ? (uint32_t)wild() : len;
        tail += (uint32_t)(sizeof(struct batch_record) + len + 7) & ~7u;
    }
    __atomic_store_n(&batch->tail, one_in(20) ? (uint32_t)wild() : tail, __ATOMIC_RELEASE);
}

/* ---- ways to the monitor ---- */

static bool served(void)
{
    return __atomic_load_n(&shared->slot.state, __ATOMIC_ACQUIRE) == SLOT_DONE;
}

static void send_it(void)
{
    struct slot *slot = &shared->slot;
    uint64_t way = below(8);
    if (way < 4 || !slot->polled) {
        ring(DOORBELL_CALL);
        return;
    }
    __atomic_store_n(&slot->state, SLOT_POSTED, __ATOMIC_RELEASE);
    for (int i = 0; i < SPINS && !served(); i++) {
        if (way >= 6 && !calm)
            scribble();
        if (way == 7 && !calm && one_in(200))
            __atomic_store_n(&slot->state, (uint32_t)below(6), __ATOMIC_RELEASE);
    }
    if (!served() || (way == 7 && one_in(4)))
        ring(DOORBELL_CALL);
}

static void answers(void);

static void one(uint32_t number)
{
    struct slot *slot = &shared->slot;
    const char *shape = shapes[number];
    uint64_t before = 0, args[SLOT_ARGS] = {0};
    for (unsigned i = 0; shape && shape[i] && i < SLOT_ARGS; i++)
        args[i] = before = argument(shape[i], before);
    if (number == CALL_poll_oneoff && args[2] == 0)
        args[2] = 1;
    slot->number = number;
    for (unsigned i = 0; i < SLOT_ARGS; i++)
        slot->args[i] = args[i];
    send_it();
    uint32_t fd =
        (uint32_t)(number == CALL_sock_open ? *(volatile uint32_t *)(args[2] & (BYTES - 4)) : 0);
    if (number == CALL_sock_open && slot->result == 0 && fd < 1000) /* calls on it shall not wait */
        call(CALL_fd_fdstat_set_flags, fd, 4, 0, 0);
    if (number == CALL_host)
        answers();
}

/* The host may want something in place of its result. */
static void answers(void)
{
    struct slot *slot = &shared->slot;
    for (uint32_t want; (want = slot->number) == ANSWER_FIND || want == ANSWER_CALL;) {
        if (depth < DEEPEST && one_in(3)) {
            depth++;
            one((uint32_t)(one_in(2) ? (uint64_t)CALL_host : below(CALL_WASI_LAST + 1)));
            depth--;
        }
        __builtin_memcpy(shared->words, "i:i", 4);
        if (one_in(20))
            shared->words[below(8)] = "iIfFvr:\0\377"[below(9)];
        call(want == ANSWER_FIND ? CALL_found : CALL_returned, one_in(8) ? wild() : FOUND,
             below(100), 0, 0);
        if (one_in(2000))
            break; /* and goes on as if nothing were wanted */
    }
}

static bool left_out(uint32_t number)
{
    bool lie = number == CALL_results || number == CALL_memory_more ||
               (number == CALL_host && !shared->boot.hosts); /* most likely the end of the run */
    bool over = number == CALL_proc_exit || number == CALL_end || number == CALL_ready ||
                number == CALL_backtrace || number == CALL_next || number == CALL_returned ||
                number == CALL_found || number == CALL_memory_grow;
    return over || (lie && !one_in(1000)) || (number == CALL_poll_oneoff_v0 && calm);
}

/* The ways that a run can end. */
_Noreturn static void finish(void)
{
    static char text[0x8000];
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = (char)(one_in(60) ? '\n' : random_next());
    shared->quit_entry = wild();
    for (unsigned i = 0; i < sizeof shared->crash / 8; i++)
        ((uint64_t *)&shared->crash)[i] = wild();
    switch (below(8)) {
    case 0: ring(DOORBELL_CRASH); break;
    case 1: call(CALL_proc_exit, 0, 0, 0, 0); break;
    case 2: call((uint32_t)wild(), 0, 0, 0, 0); break;
    case 3: ring((uint8_t)below(256)); break;
    case 4: call(CALL_end, wild(), wild(), wild(), wild()); break;
    default: call(CALL_end, below(9), (uint64_t)text, below(sizeof text), below(300)); break;
    }
    end(0, "");
}

void guest_main(void)
{
    arguments_read();
    random_seed(seed);
    calm = seed % 2;
    call(CALL_memory_grow, 0, BYTES, 0, 0);
    paths_fill();
    if (seed % 4 >= 2)
        call(CALL_fd_close, 2, 0, 0, 0); /* from here on stderr has the monitor's words alone */
    for (uint64_t i = 0; i < calls; i++) {
        uint32_t number = (uint32_t)below(CALL_COUNT);
        if (i % 16 == 0) {
            iovs_fill();
            subs_fill();
            addrs_fill();
            infos_fill();
        }
        if (i % 500 == 0)
            paths_fill();
        if (one_in(calm ? 40 : 10))
            ring_fill();
        if (!calm && one_in(4))
            scribble();
        shared->slot.closes = one_in(400) ? (uint32_t)below(FDS) : 0;
        if (!left_out(number))
            one(number);
    }
    finish();
}
