/* What a program may write and make in all, and how fast it may speak: --max-written,
 * --max-created, --output-rate.
 *
 * Bytes count that go to files and standard streams, through whichever descriptor; those of sockets
 * have limits of their own.  Whoever wants more than is left gets what is left, and the run ends.
 * Who speaks too fast waits. */
#include "vmm/wasi/inside.h"

#include <fcntl.h>

#define WAITS_A_SECOND 50 /* at most, of a program that writes as much as it can */
#define SECOND_NS UINT64_C(1000000000)

void quota_open(struct wasi *w, const struct settings *set)
{
    w->quota = (struct quota){ .max_written = set->max_written, .max_created = set->max_created,
                               .rate = set->output_rate };
}

/* ---- bytes ---- */

static bool is_socket(const struct desc *d)
{
    return d->filetype == FILETYPE_DGRAM || d->filetype == FILETYPE_STREAM;
}

bool quota_counts(const struct wasi *w, const struct desc *d)
{
    return (w->quota.max_written && !is_socket(d)) || (w->quota.rate && d->output);
}

static void rate_refill(struct quota *q)
{
    uint64_t now_ns = clock_now_ns(), passed_ns = now_ns > q->rate_ns ? now_ns - q->rate_ns : 0;
    unsigned __int128 gained = (unsigned __int128)passed_ns * q->rate / SECOND_NS;
    if (q->rate_ns == 0 || gained >= q->rate - q->rate_left) {
        q->rate_left = q->rate;
        q->rate_ns = now_ns;
    } else if (gained) {
        q->rate_left += (uint64_t)gained;
        q->rate_ns += (uint64_t)(gained * SECOND_NS / q->rate);
    }
}

/* Until some of so many bytes may go out. */
static uint32_t rate_wait(struct wasi *w, uint64_t bytes)
{
    struct quota *q = &w->quota;
    for (rate_refill(q); q->rate_left == 0; rate_refill(q)) {
        uint64_t some = q->rate / WAITS_A_SECOND + 1, want = bytes < some ? bytes : some;
        uint64_t ns = (uint64_t)((unsigned __int128)want * SECOND_NS / q->rate) + 1;
        if (kick_ppoll(w->kick, NULL, 0, (int64_t)ns) < 0)
            return wasi_errno(errno);
    }
    return WASI_SUCCESS;
}

uint32_t quota_room(struct wasi *w, const struct desc *d, uint64_t *bytes)
{
    struct quota *q = &w->quota;
    uint64_t left = q->max_written && !is_socket(d) ? q->max_written - q->written : UINT64_MAX;
    if (left == 0) {
        w->end->kind = ENDED_WRITTEN;
        return WASI_DQUOT;
    }
    *bytes = *bytes < left ? *bytes : left;
    if (!q->rate || !d->output)
        return WASI_SUCCESS;
    uint32_t err = rate_wait(w, *bytes);
    *bytes = *bytes < q->rate_left ? *bytes : q->rate_left;
    return err;
}

void quota_wrote(struct wasi *w, const struct desc *d, uint64_t bytes)
{
    struct quota *q = &w->quota;
    if (q->max_written && !is_socket(d))
        q->written += bytes;
    if (q->rate && d->output)
        q->rate_left -= bytes < q->rate_left ? bytes : q->rate_left;
}

/* ---- files ---- */

bool quota_may_create(struct wasi *w, int parent, const char *name)
{
    struct stat st;
    const struct quota *q = &w->quota;
    if (!q->max_created || q->created < q->max_created ||
        fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0) /* the kernel will say EEXIST */
        return true;
    w->end->kind = ENDED_CREATED;
    return false;
}

void quota_created(struct wasi *w)
{
    w->quota.created++;
}
