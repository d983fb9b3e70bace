/* The guest's half of batches by itself: where a record lies in the ring, to the byte, and what is
 * forwarded instead. (Both halves over real connections: tests/unit/vmm/net/test_batch.c.) */
#include "tests/unit/wasi-shim/double.h"

enum {
    FD = 5,
    IOVS = 0,
    OUT = 0x400,
    BYTES = 0x800,
    MEMORY = 0x4000,
    RECORD = sizeof(struct batch_record)
};
enum { RECORDS_MOST = 32, IOVECS_MOST = 16 };

static struct batch *batch;
static struct batch_place *place;

static int setup(void **state)
{
    (void)state;
    double_start(MEMORY, 0);
    batch = &area.control.batch;
    place = &batch->in[FD];
    *place = (struct batch_place){.fd = FD, .credit = UINT32_MAX};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    double_end();
    return 0;
}

static void iovec(uint32_t i, uint32_t buf, uint32_t len)
{
    const uint32_t v[2] = {buf, len};
    memcpy(memory + IOVS + 8 * i, v, sizeof v);
}

static uint64_t writes(uint32_t n)
{
    iovec(0, BYTES, n);
    return wasi_args("fd_write", "iiii:i", (const uint64_t[SLOT_ARGS]){FD, IOVS, 1, OUT});
}

static uint64_t reads(uint32_t n)
{
    iovec(0, BYTES, n);
    return wasi_args("fd_read", "iiii:i", (const uint64_t[SLOT_ARGS]){FD, IOVS, 1, OUT});
}

/* Where a record of `size` bytes is to lie in a ring with `used` bytes before `tail`, the last of
 * them at its end or not; -1: nowhere.  Written down in another way than the shim's. */
static int64_t wanted(uint32_t tail, uint32_t used, uint32_t size)
{
    uint32_t at = tail % BATCH_RING, left = BATCH_RING - used;
    if (BATCH_RING - at >= size)
        return left >= size ? (int64_t)at : -1;
    return left >= BATCH_RING - at + size ? 0 : -1;
}

static void one_record(uint32_t tail, uint32_t used, uint32_t n)
{
    static uint8_t before[BATCH_RING];
    uint32_t at = tail % BATCH_RING, size = (RECORD + n + 7) / 8 * 8;
    int64_t want = wanted(tail, used, size);
    memset(batch->ring, 0xcc, BATCH_RING);
    memcpy(before, batch->ring, BATCH_RING);
    batch->tail = tail;
    batch->head = tail - used;
    batch->waiting = 0;
    uint64_t got = writes(n);
    if ((got == WASI_SUCCESS) != (want >= 0))
        fail_msg("tail %x, %u used, %u bytes: %llu", tail, used, n, (unsigned long long)got);
    if (want < 0) {
        assert_int_equal(batch->tail, tail);
        return;
    }
    struct batch_record r;
    memcpy(&r, batch->ring + want, sizeof r);
    assert_true(r.fd == FD && r.len == n);
    assert_memory_equal(batch->ring + want + RECORD, memory + BYTES, n);
    assert_int_equal(batch->tail, tail + (want == at ? 0 : BATCH_RING - at) + size);
    assert_int_equal(u32_at(OUT), n);
    memset(before + want, 0, RECORD + n);
    memset(batch->ring + want, 0, RECORD + n);
    if (want != at) { /* a record that leads to the start */
        memcpy(&r, batch->ring + at, sizeof r);
        assert_true(r.fd == 0 && r.len == 0);
        memset(before + at, 0, RECORD);
    }
    assert_memory_equal(batch->ring, before, BATCH_RING);
    assert_int_equal(batch->ring[BATCH_RING - 1], before[BATCH_RING - 1]);
}

/* Near the ring's end and away from it, empty, full, and full but for 8 bytes more or less than are
 * needed. */
static void a_record_lies_where_there_is_room(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 7, 8, 9, 15, 16, 17, 24, 100, 8191, 8192};
    static const uint32_t turns[] = {0, BATCH_RING, (uint32_t)-BATCH_RING};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint32_t n = sizes[i], size = (RECORD + n + 7) / 8 * 8;
        for (uint32_t turn = 0; turn < 3; turn++)
            for (int32_t near = -24; near <= 24; near += 8) {
                uint32_t end = turns[turn] + BATCH_RING - size + (uint32_t)near,
                         at = end % BATCH_RING;
                const uint32_t used[] = { 0,
                                          8,
                                          BATCH_RING - size - 8,
                                          BATCH_RING - size,
                                          BATCH_RING - size + 8,
                                          at - size - 8,
                                          at - size,
                                          at - size + 8,
                                          at - 8,
                                          at,
                                          at + 8,
                                          BATCH_RING - 8,
                                          BATCH_RING };
                for (size_t k = 0; k < sizeof used / sizeof *used; k++)
                    if (used[k] <= BATCH_RING)
                        one_record(end, used[k], n);
                one_record(turns[turn] + 64, used[2], n);
            }
        one_record(UINT32_MAX - 7, 0, n); /* the count itself wraps */
        one_record((uint32_t)-size, 0, n);
    }
}

static void so_many_records_and_then_a_call(void **state)
{
    (void)state;
    for (int i = 0; i < RECORDS_MOST; i++)
        assert_int_equal(writes(1), WASI_SUCCESS);
    assert_int_equal(hyper.count, 0);
    assert_int_equal(writes(1), FORWARDED_RESULT);
    assert_int_equal(writes(1), WASI_SUCCESS);
}

static void credit_is_used_up_to_the_byte(void **state)
{
    (void)state;
    place->credit = 100;
    assert_int_equal(writes(101), FORWARDED_RESULT);
    assert_int_equal(writes(40), WASI_SUCCESS);
    assert_int_equal(place->credit, 60);
    assert_int_equal(writes(61), FORWARDED_RESULT);
    assert_int_equal(writes(60), WASI_SUCCESS);
    assert_int_equal(writes(1), FORWARDED_RESULT);
    assert_int_equal(writes(0), FORWARDED_RESULT);
}

/* What the host left in a place is read in pieces; then AGAIN, once, where the host says so. */
static void a_place_is_read_to_its_end(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < BATCH_PIECE; i++)
        place->data[i] = (uint8_t)(i * 7);
    place->len = BATCH_PIECE;
    place->again = 1;
    for (uint32_t at = 0, n; at < BATCH_PIECE; at += n) {
        uint32_t asked = at == 0 ? 1 : at < 1000 ? 777 : MEMORY - BYTES;
        n = asked < BATCH_PIECE - at ? asked : BATCH_PIECE - at;
        memset(memory + BYTES, 0, MEMORY - BYTES);
        assert_int_equal(reads(asked), WASI_SUCCESS);
        assert_int_equal(u32_at(OUT), n);
        assert_memory_equal(memory + BYTES, place->data + at, n);
        assert_int_equal(place->used, at + n);
    }
    assert_int_equal(reads(1), WASI_AGAIN);
    assert_int_equal(reads(1), FORWARDED_RESULT);
    place->used = BATCH_PIECE - 1;
    assert_int_equal(reads(0), FORWARDED_RESULT);
    assert_int_equal(reads(2), WASI_SUCCESS);
    assert_int_equal(u32_at(OUT), 1);
    assert_int_equal(reads(1), FORWARDED_RESULT);
}

static uint64_t vectors(bool read, uint32_t n, uint32_t out)
{
    return wasi_args(read ? "fd_read" : "fd_write", "iiii:i",
                     (const uint64_t[SLOT_ARGS]){ FD, IOVS, n, out });
}

static void several_buffers_are_one_record(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= IOVECS_MOST; i++)
        iovec(i, BYTES + 16 * i, i % 3 ? 3 : 0);
    assert_int_equal(vectors(false, IOVECS_MOST + 1, OUT), FORWARDED_RESULT);
    for (uint32_t i = 0; i < 0x200; i++)
        memory[BYTES + i] = (uint8_t)i;
    assert_int_equal(vectors(false, IOVECS_MOST, OUT), WASI_SUCCESS);
    assert_int_equal(u32_at(OUT), 30);
    for (uint32_t i = 0, k = 0; i < IOVECS_MOST; i++)
        for (uint32_t j = 0; i % 3 && j < 3; j++, k++)
            assert_int_equal(batch->ring[RECORD + k], 16 * i + j);
    place->len = 31;
    memcpy(place->data, "abcdefghijklmnopqrstuvwxyz012345", 32);
    assert_int_equal(vectors(true, IOVECS_MOST + 1, OUT), FORWARDED_RESULT);
    assert_int_equal(vectors(true, IOVECS_MOST, OUT), WASI_SUCCESS);
    assert_int_equal(u32_at(OUT), 30);
    assert_memory_equal(memory + BYTES + 16, "abc", 3);
    assert_memory_equal(memory + BYTES + 16 * 14, "123", 3);
    assert_int_equal(place->used, 30);
}

/* What is wrong with pointers the monitor says: nothing is read or written here. */
static void pointers_outside_are_forwarded(void **state)
{
    (void)state;
    place->len = 8;
    for (int read = 0; read < 2; read++) {
        iovec(0, MEMORY - 8, 9);
        assert_int_equal(vectors(read, 1, OUT), FORWARDED_RESULT);
        iovec(0, UINT32_MAX, 1);
        assert_int_equal(vectors(read, 1, OUT), FORWARDED_RESULT);
        iovec(0, BYTES, 1);
        iovec(1, BYTES, UINT32_MAX);
        assert_int_equal(vectors(read, 2, OUT), FORWARDED_RESULT);
        iovec(0, MEMORY - 8, 8);
        assert_int_equal(vectors(read, 1, MEMORY - 3), FORWARDED_RESULT);
        assert_int_equal(vectors(read, 1, UINT32_MAX), FORWARDED_RESULT);
        assert_int_equal(wasi_args(read ? "fd_read" : "fd_write", "iiii:i",
                                   (const uint64_t[SLOT_ARGS]){ FD, MEMORY - 7, 1, OUT }),
                         FORWARDED_RESULT);
        assert_true(batch->tail == 0 && place->used == 0 && batch->waiting == 0);
        assert_int_equal(vectors(read, 1, MEMORY - 12), WASI_SUCCESS);
        place->used = 0, batch->tail = 0, batch->waiting = 0;
    }
}

static void places_of_others(void **state)
{
    (void)state;
    place->len = 8;
    static const uint32_t fds[] = {0, FD + BATCH_PLACES, FD - 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        iovec(0, BYTES, 1);
        assert_int_equal(
            wasi_args("fd_read", "iiii:i", (const uint64_t[SLOT_ARGS]){ fds[i], IOVS, 1, OUT }),
            FORWARDED_RESULT);
        assert_int_equal(
            wasi_args("fd_write", "iiii:i", (const uint64_t[SLOT_ARGS]){ fds[i], IOVS, 1, OUT }),
            FORWARDED_RESULT);
    }
    place->fd = FD + BATCH_PLACES; /* of the same place */
    assert_int_equal(reads(1), FORWARDED_RESULT);
    assert_int_equal(writes(1), FORWARDED_RESULT);
    batch->in[0] = (struct batch_place){.fd = 0, .len = 8, .credit = 8}; /* nobody's */
    assert_int_equal(wasi_args("fd_read", "iiii:i", (const uint64_t[SLOT_ARGS]){ 0, IOVS, 1, OUT }),
                     FORWARDED_RESULT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_record_lies_where_there_is_room),
        TEST(so_many_records_and_then_a_call),
        TEST(credit_is_used_up_to_the_byte),
        TEST(a_place_is_read_to_its_end),
        TEST(several_buffers_are_one_record),
        TEST(pointers_outside_are_forwarded),
        TEST(places_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
