/* TCP connections whose bytes travel without calls of their own: the host's side of abi.h's struct
 * batch.
 *
 * poll_oneoff takes what a readable connection has (up to BATCH_PIECE) into the connection's place,
 * where the guest reads it without a call; and where the kernel's send buffer is empty, it lets the
 * guest leave BATCH_CREDIT bytes in the ring.  What lies there is sent before the next call is
 * served, whatever it is, by a thread of its own LATE_NS after at most, and at the run's end.  So
 * what was written has reached the kernel before the guest can ask about it, or it is in the
 * connection's backlog (net/backlog.c): nobody waits here for a peer.
 *
 * All of it happens under the lock that serves calls; only the ring's tail may move meanwhile, and
 * the guest's words in its places: they are written inside calls alone.  Place and ring are the
 * guest's to garble: who owns a place, what it may leave, and how far the ring was read, is kept
 * here, and a record that makes no sense empties the ring. */
#include "vmm/net/inside.h"

#include <linux/futex.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SOON_NS 300000    /* between two looks into the ring */
#define LATE_NS 1000000   /* ... after IDLE_ROUNDS that found nothing */
#define IDLE_ROUNDS 8
#define MISSED_MOST 4     /* looks that found a call in service; it may take long */

#define BATCH_AT (MAP_CONTROL + offsetof(struct control, batch))

struct batch_host {
    struct batch *shared;
    struct wasi *wasi;
    struct outlet *outlet;
    pthread_mutex_t *lock; /* of the calls */
    struct conn *owner[BATCH_PLACES];
    uint32_t owners;
    uint32_t head;         /* bytes of the ring that were dealt with */
    struct backlogs backlogs;
    bool withdraw;         /* some owner must not leave more behind */
    pthread_t thread;      /* made for the first place */
    bool running, stopping;
    uint32_t armed;        /* futex: there are owners or backlogs; the thread is to look */
};

/* ---- in ---- */

/* How much of it the guest has not read, and from where on. */
static uint32_t ahead_left(const struct batch_place *p, uint32_t *at)
{
    uint32_t len = __atomic_load_n(&p->len, __ATOMIC_RELAXED);
    *at = __atomic_load_n(&p->used, __ATOMIC_RELAXED);
    return len <= BATCH_PIECE && *at < len ? len - *at : 0;
}

bool batch_pending(const struct conn *c)
{
    uint32_t at;
    return c->nrest || c->error || (c->place && ahead_left(c->place, &at));
}

void batch_leave(struct conn *c)
{
    if (!c || !c->place)
        return;
    c->place->fd = 0;
    c->credit = 0;
    c->net->batch->owner[c->place - c->net->batch->shared->in] = NULL;
    c->net->batch->owners--;
    c->place = NULL;
}

/* Where the bytes cannot be kept the connection is as if reset. */
void batch_recall(struct conn *c)
{
    uint32_t at, left = c && c->place ? ahead_left(c->place, &at) : 0;
    uint8_t *rest = left ? malloc(left) : NULL;
    if (left == 0)
        return;
    if (rest) {
        memcpy(rest, c->place->data + at, left);
        free(c->rest);
        c->rest = rest;
        c->rest_at = 0;
        c->nrest = left;
    } else {
        c->error = ECONNRESET;
    }
    c->by_calls = true;
    batch_leave(c);
}

ssize_t batch_take(struct conn *c, struct msghdr *m, bool peek)
{
    size_t done = 0;
    for (size_t i = 0; i < m->msg_iovlen && done < c->nrest; i++) {
        size_t left = c->nrest - done,
               take = m->msg_iov[i].iov_len < left ? m->msg_iov[i].iov_len : left;
        memcpy(m->msg_iov[i].iov_base, c->rest + c->rest_at + done, take);
        done += take;
    }
    m->msg_namelen = 0;
    m->msg_flags = 0;
    if (!peek) {
        c->rest_at += (uint32_t)done;
        c->nrest -= (uint32_t)done;
    }
    return (ssize_t)done;
}

static void *late(void *self);

static bool thread_there(struct batch_host *b)
{
    if (!b->running)
        b->running = thread_start(&b->thread, NULL, late, b) == 0;
    return b->running;
}

static void arm(struct batch_host *b)
{
    if (!__atomic_exchange_n(&b->armed, 1, __ATOMIC_RELEASE))
        syscall(SYS_futex, &b->armed, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* The door hears of what is going to be written, piece by piece: all of it is a hundred pages. */
static bool writes_at(struct wasi *w, size_t offset, size_t n)
{
    struct iovec piece;
    return guest_span(w->mem, BATCH_AT + offset, n, true, &piece);
}

static bool place_take(struct batch_host *b, struct conn *c, uint32_t fd)
{
    struct conn **owner = &b->owner[fd % BATCH_PLACES];
    size_t offset = offsetof(struct batch, in) + fd % BATCH_PLACES * sizeof(struct batch_place);
    uint32_t at;
    if (c->place)
        return true;
    if ((*owner && ahead_left((*owner)->place, &at)) || !thread_there(b) ||
        !writes_at(b->wasi, offset, sizeof(struct batch_place)))
        return false;
    batch_leave(*owner);
    *owner = c;
    c->place = &b->shared->in[fd % BATCH_PLACES];
    c->place->len = c->place->used = c->place->again = c->place->credit = 0;
    c->place->fd = fd;
    b->owners++;
    arm(b);
    return true;
}

void batch_was_sent(struct conn *c)
{
    c->credit = 0;
    if (c->place)
        c->place->credit = 0;
}

static bool may_have_place(const struct conn *c)
{
    return c && c->net->batch && c->proto == NET_TCP && !c->listening && !c->dns && !c->whole &&
           !c->by_calls && !batch_pending(c);
}

static void credit_give(const struct desc *d)
{
    struct conn *c = conn_of(d);
    int unsent = 1;
    bool open = !c->error && !c->sized && !c->shut && !c->backlog;
    bool empty = open && ioctl(d->host, SIOCOUTQ, &unsent) == 0 && unsent == 0 &&
                 backlogs_count(&c->net->batch->backlogs) < BACKLOGS_MOST - BATCH_PLACES;
    c->credit = c->place->credit = empty ? BATCH_CREDIT : 0;
}

/* Without this a connection whose peer is quick would be read by calls for ever, and never be
 * polled for. */
void batch_was_read(const struct desc *d, size_t got, size_t asked)
{
    struct conn *c = conn_of(d);
    struct batch_host *b = c->net->batch;
    c->whole = got >= BATCH_PIECE;
    if (got == 0 || !may_have_place(c) || !place_take(b, c, (uint32_t)(d - b->wasi->descs)))
        return;
    c->place->again = got < asked && (d->fdflags & FDFLAG_NONBLOCK);
    credit_give(d);
}

void batch_fill(struct wasi *w, uint32_t fd, const struct desc *d)
{
    struct conn *c = conn_of(d);
    if (!may_have_place(c) || !place_take(w->net->batch, c, fd))
        return;
    struct batch_place *p = c->place;
    ssize_t n = recv(d->host, p->data, BATCH_PIECE, MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN)
        c->error = errno;
    if (n < 0)
        n = 0;
    c->in += (uint64_t)n;
    net_bytes_add(c->net, (uint64_t)n);
    c->whole = n == BATCH_PIECE; /* bytes in bulk: each read is better a call */
    p->used = 0;
    p->again = n > 0 && n < BATCH_PIECE && (d->fdflags & FDFLAG_NONBLOCK);
    p->len = (uint32_t)n;
    if (n > 0)
        credit_give(d);
}

/* ---- out ---- */

/* Sends a record's bytes.  One that its connection has no credit for is garbage. */
static void record_send(struct batch_host *b, uint32_t fd, const uint8_t *bytes, uint32_t len)
{
    struct desc *d = desc_get(b->wasi, fd);
    struct conn *c = d ? conn_of(d) : NULL;
    uint32_t done = 0;
    if (!c || len > c->credit)
        return;
    c->credit -= len;
    while (done < len && !c->backlog && !c->error) {
        ssize_t n = send(d->host, bytes + done, len - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n > 0)
            done += (uint32_t)n;
        else if (errno != EINTR)
            c->error = errno; /* the next call on it says so */
    }
    if (done < len && !c->error && !backlog_add(&b->backlogs, c, d->host, bytes + done, len - done))
        c->error = ECONNRESET;
    b->withdraw |= done < len;
    c->out += len;
    net_bytes_add(c->net, len);
}

/* Deals with the ring's records until it is empty. */
static void ring_empty(struct batch_host *b)
{
    const uint32_t before = b->head;
    /* What lies before it is whole, and ends at a multiple of 8. */
    uint32_t tail = __atomic_load_n(&b->shared->tail, __ATOMIC_ACQUIRE) & ~7u;
    while (b->head != tail) {
        uint32_t at = b->head % BATCH_RING, room = BATCH_RING - at, left = tail - b->head;
        struct batch_record r;
        memcpy(&r, b->shared->ring + at, sizeof r);
        __asm__ volatile("" : : : "memory"); /* r is not read again */
        uint32_t step = r.fd == 0            ? room
                        : r.len < BATCH_RING ? (uint32_t)(sizeof r + r.len + 7) & ~7u
                                             : UINT32_MAX;
        if (left > BATCH_RING || step > room || step > left) {
            b->head = tail; /* garbage */
            break;
        }
        if (r.fd)
            record_send(b, r.fd, b->shared->ring + at + sizeof r, r.len);
        b->head += step;
    }
    if (b->head == before)
        return; /* a guest without connections never has the page */
    /* what lay before it may be overwritten */
    __atomic_store_n(&b->shared->head, b->head, __ATOMIC_RELEASE);
}

void batch_flush(struct wasi *w)
{
    struct batch_host *b = w->net->batch;
    ring_empty(b);
    for (uint32_t i = 0; i < BATCH_PLACES && b->withdraw; i++)
        if (b->owner[i] && (b->owner[i]->backlog || b->owner[i]->error))
            batch_was_sent(b->owner[i]);
    b->withdraw = false;
    if (backlogs_count(&b->backlogs))
        arm(b);
}

bool batch_settle(struct conn *c)
{
    if (!c->backlog || backlog_settle(&c->net->batch->backlogs, c))
        return true;
    errno = backlog_is_shut(&c->net->batch->backlogs, c) ? EPIPE : EAGAIN;
    return false;
}

bool batch_shut(struct conn *c)
{
    if (!c)
        return false;
    c->shut = true;
    batch_was_sent(c); /* what it has credit for would be lost */
    return c->backlog && backlog_shut(&c->net->batch->backlogs, c);
}

void batch_close(struct conn *c)
{
    batch_leave(c);
    if (c->backlog) {
        backlog_close(&c->net->batch->backlogs, c);
        arm(c->net->batch);
    }
}

/* ---- the thread ---- */

/* Looks into the ring every now and then, as long as a connection has a place.  While a call waits
 * (a poll of an idle server), it waits for the lock, unless there are backlogs to send. */
static void *late(void *self)
{
    struct batch_host *b = self;
    outlet_use(b->outlet);
    struct cputime *cputime = &b->wasi->kick->cputime;
    unsigned idle = 0, missed = 0;
    cputime_enter(cputime);
    while (!__atomic_load_n(&b->stopping, __ATOMIC_ACQUIRE)) {
        if (!__atomic_load_n(&b->armed, __ATOMIC_ACQUIRE)) {
            syscall(SYS_futex, &b->armed, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
            continue;
        }
        backlogs_wait(&b->backlogs, idle < IDLE_ROUNDS && missed < MISSED_MOST ? SOON_NS : LATE_NS);
        if (pthread_mutex_trylock(b->lock) != 0) {
            if (++missed < MISSED_MOST || backlogs_count(&b->backlogs))
                continue;
            pthread_mutex_lock(b->lock);
        }
        missed = 0;
        idle = b->head == __atomic_load_n(&b->shared->tail, __ATOMIC_RELAXED) ? idle + 1 : 0;
        ring_empty(b);
        if (b->owners == 0 && backlogs_count(&b->backlogs) == 0)
            __atomic_store_n(&b->armed, 0, __ATOMIC_RELAXED);
        pthread_mutex_unlock(b->lock);
    }
    cputime_leave(cputime);
    return NULL;
}

void batch_start(struct wasi *w, pthread_mutex_t *lock)
{
    struct iovec span;
    struct batch_host *b = w->net && w->net->max_bytes == 0 && w->trace.fd < 0
                               ? calloc(1, sizeof *b)
                               : NULL;
    if (!b || !guest_span(w->mem, BATCH_AT, sizeof *b->shared, false, &span) ||
        !writes_at(w, offsetof(struct batch, head), sizeof b->shared->head)) {
        free(b);
        return;
    }
    *b = (struct batch_host){
        .shared = span.iov_base, .wasi = w, .lock = lock, .outlet = outlet_now()
    };
    backlogs_open(&b->backlogs);
    w->net->batch = b;
    w->before_call = batch_flush;
}

void batch_stop(struct wasi *w)
{
    struct batch_host *b = w->net ? w->net->batch : NULL;
    if (!b)
        return;
    __atomic_store_n(&b->stopping, true, __ATOMIC_RELEASE);
    arm(b);
    if (b->running)
        pthread_join(b->thread, NULL);
    ring_empty(b);
    backlogs_end(&b->backlogs);
    for (uint32_t i = 0; i < BATCH_PLACES; i++)
        batch_leave(b->owner[i]);
    w->before_call = NULL;
    w->net->batch = NULL;
    free(b);
}
