/* poll_oneoff: waiting for clocks and descriptors.
 *
 * Descriptors are always looked at, also where a clock is due already: Go polls with timeout 0 all
 * the time.  A bad subscription is answered by an event with an error, never by failing the call,
 * which Go's runtime does not survive. A clock is never early: whatever ppoll says, the deadline is
 * compared with the clock afterwards. */
#include "vmm/wasi/inside.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SUBSCRIPTIONS_MAX 131072u /* Go: at most 65,535 */
/* The kernel may end a ppoll late by a thousandth of its time: a long wait stops short of that and
 * waits on anew. */
#define LONG_WAIT_NS 20000000
#define WAIT_SLACK 512
/* The guest measures a wait by its clock page, which may run slower than the host's clock for up to
 * a second: a relative wait is lengthened by this part of it (122 ppm), so that it is not early by
 * the guest's clock either. */
#define MARGIN_PART 8192
#define MARGIN_MAX_NS 100000
enum { TAG_CLOCK, TAG_FD_READ, TAG_FD_WRITE, TAG_ANSWERED /* our own */ };
enum { SUBCLOCK_ABSTIME = 1, EVENT_HANGUP = 1 };
#define NEVER INT64_MAX /* the last nanosecond of either clock, in the year 2262 */

struct poll_set {
    uint32_t room; /* of the three arrays */
    struct wasi_subscription *subs;
    struct wasi_event *events;
    struct pollfd *fds;
    uint32_t nsubs, nevents, nfds;
    /* The earliest deadline on either clock, in that clock's ns; NEVER = none. */
    int64_t deadline_ns[2];
    bool clock_due; /* a timeout of 0: due without looking at a clock */
};

static const clockid_t clocks[2] = {
    [CLOCKID_REALTIME] = CLOCK_REALTIME, [CLOCKID_MONOTONIC] = CLOCK_MONOTONIC
};

void poll_set_free(struct wasi *w)
{
    if (!w->polls)
        return;
    free(w->polls->subs);
    free(w->polls->events);
    free(w->polls->fds);
    free(w->polls);
    w->polls = NULL;
}

/* The scratch for n subscriptions, or NULL. */
static struct poll_set *set_for(struct wasi *w, uint32_t n)
{
    if (!w->polls)
        w->polls = calloc(1, sizeof *w->polls);
    struct poll_set *set = w->polls;
    if (set && set->room < n) {
        free(set->subs);
        free(set->events);
        free(set->fds);
        set->room = n < 16 ? 16 : n;
        set->subs = malloc(set->room * sizeof *set->subs);
        set->events = malloc(set->room * sizeof *set->events);
        set->fds = malloc(set->room * sizeof *set->fds);
        if (!set->subs || !set->events || !set->fds) {
            poll_set_free(w);
            return NULL;
        }
    }
    if (set) {
        set->nsubs = n;
        set->nevents = set->nfds = 0;
        set->deadline_ns[0] = set->deadline_ns[1] = NEVER;
        set->clock_due = false;
    }
    return set;
}

static void event_add(struct poll_set *set, const struct wasi_subscription *sub, uint32_t error,
                      bool hangup)
{
    assert(set->nevents < set->nsubs); /* one event a subscription */
    set->events[set->nevents++] = (struct wasi_event){
        .userdata = sub->userdata, .error = (uint16_t)error, .type = sub->tag,
        .nbytes = sub->tag != TAG_CLOCK && !error, .flags = hangup ? EVENT_HANGUP : 0,
    };
}

static int64_t clock_now(uint32_t id)
{
    struct timespec t;
    clock_gettime(clocks[id], &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- before the wait ---- */

static uint32_t clock_error(const struct wasi_subscription *sub)
{
    bool known = sub->id == CLOCKID_REALTIME || sub->id == CLOCKID_MONOTONIC;
    return known && !(sub->flags & ~SUBCLOCK_ABSTIME) ? WASI_SUCCESS : WASI_INVAL;
}

/* A relative time is measured on the monotonic clock, so that a step of the other does not change
 * it. */
static void clock_subscribe(struct poll_set *set, struct wasi_subscription *sub)
{
    uint32_t err = clock_error(sub);
    if (err) {
        event_add(set, sub, err, false);
        return;
    }
    /* unsigned: centuries from now */
    int64_t at = sub->timeout < NEVER ? (int64_t)sub->timeout : NEVER;
    if (!(sub->flags & SUBCLOCK_ABSTIME)) {
        sub->id = CLOCKID_MONOTONIC;
        if (at == 0) {
            set->clock_due = true;
            return;
        }
        int64_t margin = at / MARGIN_PART < MARGIN_MAX_NS ? at / MARGIN_PART : MARGIN_MAX_NS;
        if (__builtin_add_overflow(at, clock_now(CLOCKID_MONOTONIC) + margin, &at))
            at = NEVER;
    }
    sub->timeout = (uint64_t)at; /* from here on absolute */
    if ((int64_t)sub->timeout < set->deadline_ns[sub->id])
        set->deadline_ns[sub->id] = (int64_t)sub->timeout;
}

/* The descriptor that a subscription names; NULL for a clock, a bad tag or a bad number. */
static struct desc *sub_desc(struct wasi *w, const struct wasi_subscription *sub)
{
    return sub->tag == TAG_FD_READ || sub->tag == TAG_FD_WRITE ? desc_get(w, sub->id) : NULL;
}

static void fd_subscribe(struct wasi *w, struct poll_set *set, struct wasi_subscription *sub)
{
    struct desc *d = sub_desc(w, sub);
    int host = d && d->ops->poll ? d->ops->poll(d, sub->tag == TAG_FD_WRITE) : POLL_REFUSED;
    if (host < 0) {
        event_add(set, sub, host == POLL_READY ? WASI_SUCCESS : WASI_BADF, false);
        sub->tag = TAG_ANSWERED;
        return;
    }
    if (d->poll_slot == 0) {
        set->fds[set->nfds] = (struct pollfd){ .fd = host };
        d->poll_slot = ++set->nfds;
    }
    set->fds[d->poll_slot - 1].events |= sub->tag == TAG_FD_READ ? POLLIN : POLLOUT;
}

static void subscribe_all(struct wasi *w, struct poll_set *set)
{
    for (uint32_t i = 0; i < set->nsubs; i++) {
        struct wasi_subscription *sub = &set->subs[i];
        if (sub->tag == TAG_CLOCK)
            clock_subscribe(set, sub);
        else if (sub->tag <= TAG_FD_WRITE)
            fd_subscribe(w, set, sub);
        else
            event_add(set, sub, WASI_INVAL, false);
    }
}

/* ---- the wait ---- */

/* Time until the earliest deadline: 0 = due, -1 = there is none. */
static int64_t time_left(const struct poll_set *set)
{
    int64_t least = -1;
    for (uint32_t id = 0; id < 2; id++) {
        if (set->deadline_ns[id] == NEVER)
            continue;
        int64_t now = clock_now(id);
        int64_t left = set->deadline_ns[id] <= now ? 0 : set->deadline_ns[id] - now;
        least = least < 0 || left < least ? left : least;
    }
    return least;
}

static uint32_t set_wait(struct kick *kick, struct poll_set *set)
{
    bool wait = set->nevents == 0 && !set->clock_due;
    if (!wait && set->nfds == 0)
        return WASI_SUCCESS;
    for (;;) {
        int64_t left = wait ? time_left(set) : 0;
        if (left > LONG_WAIT_NS)
            left -= left / WAIT_SLACK;
        int n = left == 0 ? poll_ms(set->fds, set->nfds, 0)
                          : kick_ppoll(kick, set->fds, set->nfds, left);
        if (n < 0)
            return wasi_errno(errno);
        if (n > 0 || left == 0)
            return WASI_SUCCESS;
    }
}

/* ---- after the wait ---- */

static bool clock_reached(const struct poll_set *set, const struct wasi_subscription *sub,
                          const int64_t now[2])
{
    if (clock_error(sub))
        return false; /* has its event already */
    return (set->clock_due && sub->timeout == 0) || (int64_t)sub->timeout <= now[sub->id];
}

static void collect(struct wasi *w, struct poll_set *set)
{
    int64_t now[2] = { INT64_MIN, INT64_MIN };
    for (uint32_t id = 0; id < 2; id++)
        if (set->deadline_ns[id] != NEVER)
            now[id] = clock_now(id);
    for (uint32_t i = 0; i < set->nsubs; i++) {
        const struct wasi_subscription *sub = &set->subs[i];
        if (sub->tag == TAG_CLOCK && clock_reached(set, sub, now))
            event_add(set, sub, WASI_SUCCESS, false);
        struct desc *d = sub_desc(w, sub);
        if (!d || d->poll_slot == 0)
            continue;
        short broken = POLLHUP | POLLERR, ready = sub->tag == TAG_FD_READ ? POLLIN : POLLOUT;
        short got = set->fds[d->poll_slot - 1].revents;
        if (sub->tag == TAG_FD_READ && got & POLLIN && d->ops->readable)
            d->ops->readable(w, sub->id, d);
        if (got & (ready | broken | POLLNVAL))
            event_add(set, sub, got & POLLNVAL ? WASI_BADF : WASI_SUCCESS, got & broken);
    }
}

static void unsubscribe_all(struct wasi *w, const struct poll_set *set)
{
    for (uint32_t i = 0; i < set->nsubs; i++) {
        struct desc *d = sub_desc(w, &set->subs[i]);
        if (d)
            d->poll_slot = 0;
    }
}

static bool subs_read(struct wasi *w, struct poll_set *set, uint64_t at)
{
    return linear_read(w->mem, at, set->subs, (uint64_t)set->nsubs * sizeof *set->subs);
}

static bool subs_read_v0(struct wasi *w, struct poll_set *set, uint64_t at)
{
    struct wasi_subscription_v0 old;
    for (uint32_t i = 0; i < set->nsubs; i++, at += sizeof old) {
        if (!linear_read(w->mem, at, &old, sizeof old))
            return false;
        set->subs[i] = (struct wasi_subscription){
            .userdata = old.userdata,
            .tag = old.tag,
            .id = old.tag == TAG_CLOCK ? old.clock : old.fd,
            .timeout = old.timeout,
            .precision = old.precision,
            .flags = old.flags,
        };
    }
    return true;
}

typedef bool subs_read_fn(struct wasi *, struct poll_set *, uint64_t at);

static uint32_t poll_oneoff(struct wasi *w, const struct poll_oneoff_args *args, subs_read_fn *read)
{
    uint32_t n = args->n;
    if (n == 0 || n > SUBSCRIPTIONS_MAX)
        return WASI_INVAL;
    struct poll_set *set = set_for(w, n);
    if (!set)
        return WASI_NOMEM;
    if (!out_ok(w, args->events, (uint64_t)n * sizeof *set->events) ||
        !out_ok(w, args->events_out, 4) || !read(w, set, args->subscriptions))
        return WASI_FAULT;
    subscribe_all(w, set);
    uint32_t err;
    do {
        err = set_wait(w->kick, set);
        if (err == WASI_SUCCESS)
            collect(w, set);
    } while (err == WASI_SUCCESS && set->nevents == 0);
    unsubscribe_all(w, set);
    if (err)
        return err;
    out_put(w, args->events, set->events, set->nevents * sizeof *set->events);
    return out_put(w, args->events_out, &set->nevents, 4);
}

uint32_t wasi_poll_oneoff(struct wasi *w, const struct poll_oneoff_args *args)
{
    return poll_oneoff(w, args, subs_read);
}

uint32_t wasi_poll_oneoff_v0(struct wasi *w, const struct poll_oneoff_v0_args *args)
{
    const struct poll_oneoff_args now = { .subscriptions = args->subscriptions,
                                          .events = args->events,
                                          .n = args->n,
                                          .events_out = args->events_out };
    return poll_oneoff(w, &now, subs_read_v0);
}
