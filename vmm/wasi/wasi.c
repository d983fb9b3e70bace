/* The WASI host's face: makes the state of a run, finds the handler of a call, and serves the calls that concern the
 * process as a whole (arguments, environment, clocks, random, exit).  Descriptors and paths have files of their own. */
#include "vmm/net/net.h"
#include "vmm/wasi/inside.h"

#include <assert.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct wasi_call { serve_fn *serve; const char *sig; };
static const struct wasi_call calls[] = {
#define CALLS_WASI_ONLY
#define CALL(name, sig) [CALL_##name] = { serve_##name, sig },
#include "wasi-shim/calls.def"
#undef CALL
#undef CALLS_WASI_ONLY
};
_Static_assert(sizeof calls / sizeof *calls == CALL_WASI_LAST + 1, "WASI calls come first in calls.def");

#define RANDOM_CHUNK (1u << 20) /* between two looks for a kick */

/* Joins strings as args_get wants them, each NUL-terminated. */
static char *strings_join(char *const *strings, uint32_t n, uint32_t *len)
{
    size_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += strlen(strings[i]) + 1;
    char *all = total <= UINT32_MAX ? malloc(total + 1) : NULL;
    if (!all)
        fail("cannot keep the arguments: no memory for %zu bytes", total);
    char *at = all;
    for (uint32_t i = 0; i < n; i++)
        at = stpcpy(at, strings[i]) + 1;
    *len = (uint32_t)total;
    return all;
}

struct wasi *wasi_alloc(struct guestmem *mem, struct kick *kick)
{
    struct wasi *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->mem = mem;
    w->kick = kick;
    w->null = w->trace = -1;
    for (uint32_t i = 0; i < SEALED_FILES; i++)
        w->etc[i] = -1;
    return w;
}

void wasi_open(struct wasi *w, const struct config *config)
{
    w->argc = config->argc;
    w->args = strings_join(config->args, config->argc, &w->args_len);
    w->envc = config->envc;
    w->env = strings_join(config->env, config->envc, &w->env_len);
    trace_open(w, config);
    fdtable_open(w);
    stdio_adopt(w, config);
    preopen_all(w, config);
    net_open(w, config);
    fdstat_publish(w);
}

void wasi_close(struct wasi *w)
{
    if (!w)
        return;
    fdtable_close(w);
    preopen_end(w);
    sealed_close(w);
    net_end(w);
    poll_set_free(w);
    trace_close(w);
    free(w->args);
    free(w->env);
    free(w);
}

uint32_t wasi_serve(struct wasi *w, const struct request *request, struct end *end)
{
    assert(request->number < sizeof calls / sizeof *calls);
    const struct wasi_call *call = &calls[request->number];
    uint64_t arg[SLOT_ARGS] = { 0 };
    for (uint32_t i = 0; call->sig[i] != ':'; i++)
        arg[i] = call->sig[i] == 'i' ? (uint32_t)request->args[i] : request->args[i];
    w->end = end;
    batch_flush(w);
    uint64_t began_ns = trace_begin(w);
    uint32_t err = call->serve(w, arg);
    trace_end(w, request->number, arg, err, began_ns);
    w->end = NULL;
    return err;
}

const char *wasi_missing_path(const struct wasi *w, uint64_t *count)
{
    *count = w->missing_count;
    return w->missing_path;
}

bool out_ok(struct wasi *w, uint64_t at, uint64_t n)
{
    struct iovec span;
    return n == 0 || linear_span(w->mem, at, n, true, &span);
}

uint32_t out_put(struct wasi *w, uint64_t at, const void *from, size_t n)
{
    return n == 0 || linear_write(w->mem, at, from, n) ? WASI_SUCCESS : WASI_FAULT;
}

uint32_t wait_host(struct wasi *w, int host, short events)
{
    struct pollfd p = { .fd = host, .events = events };
    if (kick_ppoll(w->kick, &p, 1, -1) >= 0)
        return WASI_SUCCESS;
    return wasi_errno(errno);
}

bool host_ready(int host, short events)
{
    struct pollfd p = { .fd = host, .events = events };
    return poll(&p, 1, 0) > 0;
}

/* ---- arguments and environment ---- */

static uint32_t sizes_put(struct wasi *w, const uint64_t *arg, uint32_t count, uint32_t bytes)
{
    if (!out_ok(w, arg[0], 4) || !out_ok(w, arg[1], 4))
        return WASI_FAULT;
    out_put(w, arg[0], &count, 4);
    return out_put(w, arg[1], &bytes, 4);
}

static uint32_t strings_put(struct wasi *w, const uint64_t *arg, const char *strings, uint32_t count, uint32_t bytes)
{
    if (!out_ok(w, arg[0], 4ull * count) || !out_ok(w, arg[1], bytes))
        return WASI_FAULT;
    const char *s = strings;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (uint32_t)(arg[1] + (uint64_t)(s - strings));
        out_put(w, arg[0] + 4ull * i, &at, 4);
        s += strlen(s) + 1;
    }
    return out_put(w, arg[1], strings, bytes);
}

uint32_t serve_args_sizes_get(struct wasi *w, const uint64_t *arg)
{
    return sizes_put(w, arg, w->argc, w->args_len);
}

uint32_t serve_args_get(struct wasi *w, const uint64_t *arg)
{
    return strings_put(w, arg, w->args, w->argc, w->args_len);
}

uint32_t serve_environ_sizes_get(struct wasi *w, const uint64_t *arg)
{
    return sizes_put(w, arg, w->envc, w->env_len);
}

uint32_t serve_environ_get(struct wasi *w, const uint64_t *arg)
{
    return strings_put(w, arg, w->env, w->envc, w->env_len);
}

/* ---- clocks ---- */

/* The guest has one thread and no process of its own: both CPU clocks are this process's. */
static const clockid_t host_clocks[] = {
    [CLOCKID_REALTIME] = CLOCK_REALTIME,
    [CLOCKID_MONOTONIC] = CLOCK_MONOTONIC,
    [CLOCKID_PROCESS_CPU] = CLOCK_PROCESS_CPUTIME_ID,
    [CLOCKID_THREAD_CPU] = CLOCK_PROCESS_CPUTIME_ID,
};

static uint32_t clock_put(struct wasi *w, uint64_t id, uint64_t out, int (*ask)(clockid_t, struct timespec *))
{
    struct timespec t;
    if (id >= sizeof host_clocks / sizeof *host_clocks)
        return WASI_INVAL;
    if (ask(host_clocks[id], &t) < 0)
        return wasi_errno(errno);
    uint64_t ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    return out_put(w, out, &ns, 8);
}

uint32_t serve_clock_res_get(struct wasi *w, const uint64_t *arg)
{
    return clock_put(w, arg[0], arg[1], clock_getres);
}

uint32_t serve_clock_time_get(struct wasi *w, const uint64_t *arg)
{
    return clock_put(w, arg[0], arg[2], clock_gettime);
}

/* ---- process ---- */

uint32_t serve_random_get(struct wasi *w, const uint64_t *arg)
{
    struct iovec span;
    if (arg[1] == 0)
        return WASI_SUCCESS;
    if (!linear_span(w->mem, arg[0], arg[1], true, &span))
        return WASI_FAULT;
    size_t done = 0;
    while (done < span.iov_len) {
        size_t want = span.iov_len - done < RANDOM_CHUNK ? span.iov_len - done : RANDOM_CHUNK;
        ssize_t n = getrandom((char *)span.iov_base + done, want, 0);
        if (n < 0 && errno != EINTR)
            return wasi_errno(errno);
        if (n > 0)
            done += (size_t)n;
        if (kick_pending(w->kick))
            return WASI_INTR;
    }
    return WASI_SUCCESS;
}

uint32_t serve_proc_exit(struct wasi *w, const uint64_t *arg)
{
    w->end->kind = ENDED_EXIT;
    w->end->code = arg[0] & 0xff;
    return WASI_SUCCESS;
}

uint32_t serve_proc_raise(struct wasi *w, const uint64_t *arg)
{
    (void)w;
    enum { SIGNAL_MAX = 30 };
    return arg[0] > SIGNAL_MAX ? WASI_INVAL : WASI_NOTSUP;
}

uint32_t serve_sched_yield(struct wasi *w, const uint64_t *arg)
{
    (void)w, (void)arg;
    sched_yield();
    return WASI_SUCCESS;
}
