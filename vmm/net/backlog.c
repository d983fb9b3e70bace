/* Bytes that the guest was told are written and the kernel does not take yet.  net/batch.c leaves
 * them here, so that nobody waits for a peer while he serves calls; its thread sends them as soon
 * as there is room.
 *
 * A connection has at most one backlog, of BATCH_CREDIT bytes; as long as it has one, it may leave
 * no more behind (EAGAIN, no credit).  What the kernel would do with such bytes is done here: a
 * shutdown waits for them, a closed connection stays until they are sent or LINGER_NS are over, an
 * error of sending is told by the next call.
 *
 * `lock` is taken for a moment at a time, within the calls' lock or without it; conn->backlog is
 * under the calls'. */
#include "vmm/net/inside.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINGER_NS 60000000000u
#define LINGERING_MOST 16 /* closed ones; each has a descriptor of the monitor's reserve */
#define LAST_SNDBUF 0x40000
#define LAST_WAIT_NS 1000000000u /* at the end of a run, for a kernel short of memory */

struct backlog {
    struct backlog *next;
    struct conn *conn; /* NULL: closed by the guest; `host` is ours then */
    int host, error;
    bool shut; /* nothing may follow: the peer is told so behind the last byte */
    uint64_t until_ns;
    uint32_t at, end; /* bytes[at .. end) are not sent */
    uint8_t bytes[BATCH_CREDIT];
};

void backlogs_open(struct backlogs *all)
{
    *all = (struct backlogs){ .first = NULL };
    pthread_mutex_init(&all->lock, NULL);
}

static void remove_one(struct backlogs *all, struct backlog **at)
{
    struct backlog *b = *at;
    *at = b->next;
    if (b->conn)
        b->conn->backlog = NULL;
    else
        all->lingering--, close(b->host);
    __atomic_store_n(&all->n, all->n - 1, __ATOMIC_RELAXED);
    free(b);
}

static struct backlog **place_of(struct backlogs *all, const struct conn *c)
{
    struct backlog **at = &all->first;
    while ((*at)->conn != c)
        at = &(*at)->next;
    return at;
}

/* The peer sees that bytes are missing, instead of an end. */
static void reset_by_close(int host)
{
    struct linger now = { 1, 0 };
    setsockopt(host, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* Whether all of it is done with. */
static bool send_one(struct backlog *b)
{
    while (b->at < b->end && !b->error) {
        ssize_t n = send(b->host, b->bytes + b->at, b->end - b->at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n > 0)
            b->at += (uint32_t)n;
        else if (errno != EINTR)
            b->error = errno;
    }
    if (b->shut)
        shutdown(b->host, SHUT_WR);
    b->shut = false;
    return true;
}

bool backlog_add(struct backlogs *all, struct conn *c, int host, const uint8_t *bytes, uint32_t n)
{
    struct backlog *b = c->backlog ? c->backlog : calloc(1, sizeof *b);
    if (!b)
        return false;
    pthread_mutex_lock(&all->lock);
    assert(n <= sizeof b->bytes - b->end); /* a credit is given where there is no backlog */
    memcpy(b->bytes + b->end, bytes, n);
    b->end += n;
    if (!c->backlog) {
        b->host = host;
        b->conn = c;
        b->next = all->first;
        all->first = c->backlog = b;
        __atomic_store_n(&all->n, all->n + 1, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&all->lock);
    return true;
}

uint32_t backlogs_count(const struct backlogs *all)
{
    return __atomic_load_n(&all->n, __ATOMIC_RELAXED);
}

bool backlog_settle(struct backlogs *all, struct conn *c)
{
    if (!c->backlog)
        return true;
    pthread_mutex_lock(&all->lock);
    bool done = send_one(c->backlog);
    if (done && c->backlog->error)
        c->error = c->backlog->error;
    if (done)
        remove_one(all, place_of(all, c));
    pthread_mutex_unlock(&all->lock);
    return done;
}

bool backlog_shut(struct backlogs *all, struct conn *c)
{
    if (backlog_settle(all, c))
        return false;
    pthread_mutex_lock(&all->lock);
    c->backlog->shut = true;
    pthread_mutex_unlock(&all->lock);
    return true;
}

bool backlog_is_shut(struct backlogs *all, const struct conn *c)
{
    pthread_mutex_lock(&all->lock);
    bool shut = c->backlog->shut;
    pthread_mutex_unlock(&all->lock);
    return shut;
}

/* Nobody will write to it any more: where the kernel was only told to keep little, it takes all. */
static bool send_last(struct backlog *b)
{
    int size = 0, last = LAST_SNDBUF;
    socklen_t len = sizeof size;
    if (getsockopt(b->host, SOL_SOCKET, SO_SNDBUF, &size, &len) == 0 && size < last)
        setsockopt(b->host, SOL_SOCKET, SO_SNDBUF, &last, sizeof last);
    return send_one(b);
}

void backlog_close(struct backlogs *all, struct conn *c)
{
    struct backlog *b = c->backlog;
    if (!b)
        return;
    pthread_mutex_lock(&all->lock);
    bool done = send_last(b);
    int ours = done || all->lingering == LINGERING_MOST ? -1 : fcntl(b->host, F_DUPFD_CLOEXEC, 0);
    if (ours < 0 && !done)
        reset_by_close(b->host);
    if (ours >= 0) {
        b->host = ours;
        b->until_ns = clock_now_ns() + LINGER_NS;
        b->conn = NULL;
        c->backlog = NULL;
        all->lingering++;
    } else {
        remove_one(all, place_of(all, c));
    }
    pthread_mutex_unlock(&all->lock);
}

/* ---- the thread ---- */

/* Closed ones end here; those of open connections are settled by calls. */
static bool send_all(struct backlogs *all)
{
    bool moved = false;
    for (struct backlog **at = &all->first; *at;) {
        struct backlog *b = *at;
        uint32_t before = b->at;
        bool done = send_one(b), late = !done && !b->conn && clock_now_ns() >= b->until_ns;
        moved |= b->at != before;
        if (late)
            reset_by_close(b->host);
        if ((done || late) && !b->conn)
            remove_one(all, at), moved = true;
        else
            at = &b->next;
    }
    return moved;
}

static nfds_t hosts_get(const struct backlogs *all, struct pollfd *to)
{
    nfds_t n = 0;
    for (const struct backlog *b = all->first; b && n < BACKLOGS_MOST; b = b->next)
        if (b->at < b->end && !b->error)
            to[n++] = (struct pollfd){ .fd = b->host, .events = POLLOUT };
    return n;
}

void backlogs_wait(struct backlogs *all, uint64_t most_ns)
{
    struct timespec most = { 0, (long)most_ns };
    if (backlogs_count(all) == 0) {
        ppoll(NULL, 0, &most, NULL);
        return;
    }
    pthread_mutex_lock(&all->lock);
    nfds_t n = hosts_get(all, all->hosts);
    pthread_mutex_unlock(&all->lock);
    int ready = ppoll(all->hosts, n, &most, NULL);
    pthread_mutex_lock(&all->lock);
    bool moved = send_all(all);
    pthread_mutex_unlock(&all->lock);
    if (ready > 0 && !moved) /* room, but no memory */
        ppoll(NULL, 0, &most, NULL);
}

void backlogs_end(struct backlogs *all)
{
    uint64_t until = clock_now_ns() + LAST_WAIT_NS;
    for (struct backlog *b = all->first; b; b = b->next)
        send_last(b);
    while (hosts_get(all, all->hosts) && clock_now_ns() < until)
        backlogs_wait(all, 1000000);
    while (all->first) {
        if (all->first->at < all->first->end && !all->first->error)
            reset_by_close(all->first->host);
        remove_one(all, &all->first);
    }
    pthread_mutex_destroy(&all->lock);
}
