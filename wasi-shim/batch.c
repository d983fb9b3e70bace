/* Reads and writes of TCP connections without a hypercall: what the host has read ahead is handed
 * out here, and small pieces are left in a ring that the host empties at the next call.
 *
 * The host says in a connection's place what is there and how much may be left behind (abi.h).  A
 * server that poll_oneoff told of 60 readable connections answers them all with a few calls.  Where
 * anything is unusual, the call is forwarded, which sends all that was left first. */
#include "wasi-shim/shim.h"

#define IOVECS_MOST 16
/* records, then a call sends them: peers should not wait for a whole round */
#define WAITING_MOST 32

struct iovec32 { uint32_t buf, len; };
struct iovecs { struct iovec32 at[IOVECS_MOST]; uint32_t n, bytes; };

static struct batch_place *place_of(const struct shim *shim, uint32_t fd)
{
    struct batch_place *place = &shim->control->batch.in[fd % BATCH_PLACES];
    /* the host knows other flags */
    bool owed = fd < BOOT_FDSTATS && shim->fdstat_state[fd] & FDSTAT_OWED;
    return fd && place->fd == fd && !owed ? place : NULL;
}

/* The call's iovecs, checked; false: something about them is unusual. */
static bool iovecs_get(const struct linear *memory, uint32_t at, uint32_t n, uint32_t count_out,
                       struct iovecs *v)
{
    if (n > IOVECS_MOST || !linear_holds(memory, at, n * sizeof v->at[0]) ||
        !linear_holds(memory, count_out, 4))
        return false;
    __builtin_memcpy(v->at, memory->base + at, n * sizeof v->at[0]);
    v->n = n;
    v->bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!linear_holds(memory, v->at[i].buf, v->at[i].len) ||
            v->at[i].len > UINT32_MAX - v->bytes)
            return false;
        v->bytes += v->at[i].len;
    }
    return v->bytes > 0;
}

bool batch_read(struct shim_call *call)
{
    const struct fd_read_args *args = fd_read_decode(call->args);
    struct batch_place *place = place_of(call->shim, args->fd);
    struct iovecs v;
    if (!place || (place->used == place->len && !place->again) ||
        !iovecs_get(&call->memory, args->iovs, args->iovs_len, args->read_out, &v))
        return false;
    if (place->used == place->len) {
        place->again = 0;
        call->error = WASI_AGAIN;
        return true;
    }
    uint32_t done = 0;
    for (uint32_t i = 0; i < v.n; i++) {
        uint32_t left = place->len - place->used, take = v.at[i].len < left ? v.at[i].len : left;
        linear_put(&call->memory, v.at[i].buf, place->data + place->used, take);
        place->used += take;
        done += take;
    }
    linear_put_u32(&call->memory, args->read_out, done);
    call->error = WASI_SUCCESS;
    return true;
}

/* Room for a record of `bytes` in the ring, or NULL.  *tail: where the ring ends behind it. */
static uint8_t *ring_room(struct batch *b, uint32_t bytes, uint32_t *tail)
{
    /* the host has read what lay there */
    uint32_t used = b->tail - __atomic_load_n(&b->head, __ATOMIC_ACQUIRE);
    uint32_t at = b->tail % BATCH_RING, skip = at + bytes > BATCH_RING ? BATCH_RING - at : 0;
    if (bytes + skip > BATCH_RING - used)
        return NULL;
    if (skip) {
        *(struct batch_record *)(b->ring + at) = (struct batch_record){0, 0};
        at = 0;
    }
    *tail = b->tail + skip + bytes;
    return b->ring + at;
}

bool batch_write(struct shim_call *call)
{
    struct batch *b = &call->shim->control->batch;
    const struct fd_write_args *args = fd_write_decode(call->args);
    struct batch_place *place = place_of(call->shim, args->fd);
    struct iovecs v;
    uint32_t tail;
    if (!place || place->credit == 0 || b->waiting >= WAITING_MOST ||
        !iovecs_get(&call->memory, args->iovs, args->iovs_len, args->written_out, &v) ||
        v.bytes > place->credit)
        return false;
    uint8_t *at = ring_room(b, (sizeof(struct batch_record) + v.bytes + 7) & ~7u, &tail);
    if (!at)
        return false;
    *(struct batch_record *)at = (struct batch_record){place->fd, v.bytes};
    at += sizeof(struct batch_record);
    for (uint32_t i = 0; i < v.n; i++) {
        __builtin_memcpy(at, call->memory.base + v.at[i].buf, v.at[i].len);
        at += v.at[i].len;
    }
    place->credit -= v.bytes;
    b->waiting++;
    __atomic_store_n(&b->tail, tail, __ATOMIC_RELEASE); /* the record is whole before it is seen */
    linear_put_u32(&call->memory, args->written_out, v.bytes);
    call->error = WASI_SUCCESS;
    return true;
}
