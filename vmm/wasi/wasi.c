/* The WASI host's face: makes the state of a run, finds the handler of a call, and handles those
 * that concern the process as a whole (arguments, environment, clocks, random, exit).  Descriptors
 * and paths have files of their own. */
#include "vmm/wasi/inside.h"

#include <assert.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define RANDOM_CHUNK (1u << 20) /* between two looks for a kick */

/* Joins strings as args_get wants them, each NUL-terminated. */
static bool strings_join(char *const *strings, uint32_t n, char **out, uint32_t *len,
                         struct failure *why)
{
    size_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += strlen(strings[i]) + 1;
    char *at = *out = total <= UINT32_MAX ? malloc(total + 1) : NULL;
    if (!at)
        return failure_set(why, "cannot keep the arguments: no memory for %zu bytes", total);
    for (uint32_t i = 0; i < n; i++)
        at = stpcpy(at, strings[i]) + 1;
    *len = (uint32_t)total;
    return true;
}

struct wasi *wasi_alloc(struct guestmem *mem, struct kick *kick, const struct wasi_parts *parts)
{
    struct wasi *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->mem = mem;
    w->kick = kick;
    w->parts = parts;
    w->null = -1;
    w->trace = SINK_NONE;
    return w;
}

bool wasi_open(struct wasi *w, const struct config *config, struct failure *why)
{
    w->argc = config->argc;
    w->envc = config->envc;
    w->signals = config->signals;
    w->raw_tty = config->set->raw_tty;
    quota_open(w, config->set);
    bool good = strings_join(config->args, config->argc, &w->args, &w->args_len, why) &&
                strings_join(config->env, config->envc, &w->env, &w->env_len, why) &&
                trace_open(w, config, why) &&
                fdtable_open(w, config->set->max_files, config->files_known, why) &&
                stdio_adopt(w, config, why) && preopen_all(w, config, why) &&
                w->parts->open(w, config, why) && preopen_last(w, config, why);
    if (good) {
        fdtable_first(w);
        fdstat_publish(w);
    }
    return good;
}

void wasi_close(struct wasi *w)
{
    if (!w)
        return;
    fdtable_close(w);
    preopen_end(w);
    w->parts->end(w);
    poll_set_free(w);
    trace_close(w);
    free(w->args);
    free(w->env);
    free(w);
}

uint32_t wasi_dispatch(struct wasi *w, const struct request *request, struct end *end)
{
    assert(request->number < WASI_CALLS);
    w->end = end;
    if (w->before_call)
        w->before_call(w);
    uint64_t began_ns = trace_begin(w);
    uint32_t err = w->parts->handlers[request->number](w, request->args);
    trace_end(w, request, err, began_ns);
    w->end = NULL;
    return err;
}

const char *wasi_missing_path(const struct wasi *w, uint64_t *count)
{
    *count = w->missing_count;
    return w->missing_path;
}

const char *wasi_refused(const struct wasi *w, uint64_t *count, char *why, size_t cap)
{
    *count = w->refused.count;
    snprintf(why, cap, "%s", w->refused.why);
    return w->refused.path;
}

struct words_lost wasi_words_lost(const struct wasi *w)
{
    return (struct words_lost){ w->trace.lost, w->records_lost, w->escapes_lost };
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
    return poll_ms(&p, 1, 0) > 0;
}

/* ---- arguments and environment ---- */

static uint32_t sizes_put(struct wasi *w, uint32_t count_out, uint32_t count, uint32_t bytes_out,
                          uint32_t bytes)
{
    if (!out_ok(w, count_out, 4) || !out_ok(w, bytes_out, 4))
        return WASI_FAULT;
    out_put(w, count_out, &count, 4);
    return out_put(w, bytes_out, &bytes, 4);
}

static uint32_t strings_put(struct wasi *w, uint32_t array, uint32_t buffer, const char *strings,
                            uint32_t count, uint32_t bytes)
{
    if (!out_ok(w, array, 4ull * count) || !out_ok(w, buffer, bytes))
        return WASI_FAULT;
    const char *s = strings;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = buffer + (uint32_t)(s - strings);
        out_put(w, array + 4ull * i, &at, 4);
        s += strlen(s) + 1;
    }
    return out_put(w, buffer, strings, bytes);
}

uint32_t wasi_args_sizes_get(struct wasi *w, const struct args_sizes_get_args *args)
{
    return sizes_put(w, args->count_out, w->argc, args->bytes_out, w->args_len);
}

uint32_t wasi_args_get(struct wasi *w, const struct args_get_args *args)
{
    return strings_put(w, args->argv, args->buffer, w->args, w->argc, w->args_len);
}

uint32_t wasi_environ_sizes_get(struct wasi *w, const struct environ_sizes_get_args *args)
{
    return sizes_put(w, args->count_out, w->envc, args->bytes_out, w->env_len);
}

uint32_t wasi_environ_get(struct wasi *w, const struct environ_get_args *args)
{
    return strings_put(w, args->environ, args->buffer, w->env, w->envc, w->env_len);
}

/* ---- clocks ---- */

/* The guest has one thread and no process of its own: both CPU clocks are this process's. */
static const clockid_t host_clocks[] = {
    [CLOCKID_REALTIME] = CLOCK_REALTIME,
    [CLOCKID_MONOTONIC] = CLOCK_MONOTONIC,
    [CLOCKID_PROCESS_CPU] = CLOCK_PROCESS_CPUTIME_ID,
    [CLOCKID_THREAD_CPU] = CLOCK_PROCESS_CPUTIME_ID,
};

static uint32_t clock_put(struct wasi *w, uint64_t id, uint64_t out,
                          int (*ask)(clockid_t, struct timespec *))
{
    struct timespec t;
    if (id >= sizeof host_clocks / sizeof *host_clocks)
        return WASI_INVAL;
    if (ask(host_clocks[id], &t) < 0)
        return wasi_errno(errno);
    uint64_t ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    return out_put(w, out, &ns, 8);
}

/* Clocks of CPU time count nanoseconds.  The kernel would have to be asked, which the jail forbids;
 * of the others the kernel's own page knows. */
static int clock_resolution(clockid_t clock, struct timespec *out)
{
    if (clock != CLOCK_PROCESS_CPUTIME_ID)
        return clock_getres(clock, out);
    *out = (struct timespec){ .tv_nsec = 1 };
    return 0;
}

uint32_t wasi_clock_res_get(struct wasi *w, const struct clock_res_get_args *args)
{
    return clock_put(w, args->clock, args->ns_out, clock_resolution);
}

uint32_t wasi_clock_time_get(struct wasi *w, const struct clock_time_get_args *args)
{
    return clock_put(w, args->clock, args->ns_out, clock_gettime);
}

/* ---- process ---- */

uint32_t wasi_random_get(struct wasi *w, const struct random_get_args *args)
{
    struct iovec span;
    if (args->buffer_len == 0)
        return WASI_SUCCESS;
    if (!linear_span(w->mem, args->buffer, args->buffer_len, true, &span))
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

uint32_t wasi_proc_exit(struct wasi *w, const struct proc_exit_args *args)
{
    w->end->kind = ENDED_EXIT;
    w->end->code = args->code & 0xff;
    return WASI_SUCCESS;
}

uint32_t wasi_proc_raise(struct wasi *w, const struct proc_raise_args *args)
{
    (void)w;
    enum { SIGNAL_MAX = 30 };
    return args->signal > SIGNAL_MAX ? WASI_INVAL : WASI_NOTSUP;
}

uint32_t wasi_sched_yield(struct wasi *w, const struct sched_yield_args *args)
{
    (void)w, (void)args;
    sched_yield();
    return WASI_SUCCESS;
}
