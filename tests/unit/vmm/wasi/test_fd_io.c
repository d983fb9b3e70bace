/* read, write, pread, pwrite, seek, tell, sync, advise, allocate on files. */
#include "tests/unit/vmm/wasi/fixture.h"

static uint32_t read_at(uint32_t fd, uint32_t len)
{
    memset(guest + BUF, 0, 64);
    OK(fd_read, fd, iov(BUF, len), 1, OUT);
    return out32();
}

static void test_read_and_write(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, 0);
    assert_int_equal(fd, FIRST);
    assert_int_equal(read_at(fd, 4), 4);
    assert_memory_equal(guest + BUF, "cont\0", 5);
    assert_int_equal(read_at(fd, 100), 4);
    assert_int_equal(read_at(fd, 100), 0); /* the end is no error */
    assert_int_equal(write_text(fd, "+more"), WASI_SUCCESS);
    assert_int_equal(out32(), 5);
    host_holds("file", "contents+more");
    assert_int_equal(waits, 0);
}

static void test_iovecs(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, 0);
    struct wasi_iovec v[5] = {
        { 0xfffffff0, 0 }, { BUF, 3 }, { MEMORY_BYTES, 0 }, { BUF + 100, 2 }, { BUF + 200, 50 },
    };
    memcpy(guest + IOVS, v, sizeof v);
    OK(fd_read, fd, IOVS, 5, OUT);
    assert_int_equal(out32(), 8);
    assert_memory_equal(guest + BUF, "con\xee", 4);
    assert_memory_equal(guest + BUF + 100, "te\xee", 3);
    assert_memory_equal(guest + BUF + 200, "nts\xee", 4);
    OK(fd_read, fd, IOVS, 0, OUT);
    assert_int_equal(out32(), 0);
    ERR(FAULT, fd_read, fd, IOVS, 0xffffffff, OUT);
    ERR(FAULT, fd_read, fd, MEMORY_BYTES - 7, 1, OUT);
    ERR(FAULT, fd_read, fd, iov(MEMORY_BYTES - 1, 2), 1, OUT);
    ERR(FAULT, fd_read, fd, iov(0xffffffff, 0xffffffff), 1, OUT);
}

/* A bad result pointer must not cost bytes. */
static void test_fault_before_action(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, 0);
    ERR(FAULT, fd_read, fd, iov(BUF, 4), 1, MEMORY_BYTES - 3);
    OK(fd_tell, fd, OUT);
    assert_int_equal(out64(), 0);
    ERR(FAULT, fd_write, fd, iov(BUF, 4), 1, MEMORY_BYTES);
    host_holds("file", "contents");
    ERR(FAULT, fd_seek, fd, 3, 0, MEMORY_BYTES);
    OK(fd_tell, fd, OUT);
    assert_int_equal(out64(), 0);
}

static void test_access_modes(void **state)
{
    (void)state;
    uint32_t r = opened(ROOT, "file", 0, GO_RDONLY, 0), w = opened(ROOT, "file", 0, GO_WRONLY, 0);
    assert_int_equal(write_text(r, "x"), WASI_BADF);
    ERR(BADF, fd_pwrite, r, iov(BUF, 1), 1, 0, OUT);
    ERR(BADF, fd_read, w, iov(BUF, 1), 1, OUT);
    ERR(BADF, fd_pread, w, iov(BUF, 1), 1, 0, OUT);
    ERR(BADF, fd_read, 99, iov(BUF, 1), 1, OUT);
    ERR(BADF, fd_read, 0xffffffff, iov(BUF, 1), 1, OUT);
    host_holds("file", "contents");
}

static void test_directory(void **state)
{
    (void)state;
    ERR(ISDIR, fd_read, ROOT, iov(BUF, 1), 1, OUT);
    ERR(ISDIR, fd_write, ROOT, iov(BUF, 1), 1, OUT);
    ERR(ISDIR, fd_pread, ROOT, iov(BUF, 1), 1, 0, OUT);
    ERR(ISDIR, fd_pwrite, ROOT, iov(BUF, 1), 1, 0, OUT);
    for (uint64_t whence = 0; whence < 3; whence++)
        ERR(ISDIR, fd_seek, ROOT, 0, whence, OUT);
    ERR(ISDIR, fd_tell, ROOT, OUT);
    ERR(ISDIR, fd_allocate, ROOT, 0, 1);
    ERR(BADF, fd_advise, ROOT, 0, 0, 0);
    OK(fd_sync, ROOT);
}

static void test_positioned(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, 0);
    memset(guest + BUF, 0, 16);
    OK(fd_pread, fd, iov(BUF, 3), 1, 2, OUT);
    assert_int_equal(out32(), 3);
    assert_string_equal((char *)guest + BUF, "nte");
    OK(fd_pread, fd, iov(BUF, 3), 1, 100, OUT);
    assert_int_equal(out32(), 0);
    memcpy(guest + BUF, "XY", 2);
    OK(fd_pwrite, fd, iov(BUF, 2), 1, 1, OUT);
    assert_int_equal(out32(), 2);
    host_holds("file", "cXYtents");
    OK(fd_tell, fd, OUT);
    assert_int_equal(out64(), 0);
    ERR(INVAL, fd_pread, fd, iov(BUF, 3), 1, (uint64_t)-1, OUT);
    ERR(INVAL, fd_pwrite, fd, iov(BUF, 3), 1, (uint64_t)INT64_MIN, OUT);
}

static void test_seek(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDONLY, 0);
    OK(fd_seek, fd, 3, 0, OUT);
    assert_int_equal(out64(), 3);
    OK(fd_seek, fd, (uint64_t)-1, 1, OUT);
    assert_int_equal(out64(), 2);
    OK(fd_seek, fd, (uint64_t)-1, 2, OUT);
    assert_int_equal(out64(), 7);
    OK(fd_seek, fd, 1000, 2, OUT);
    assert_int_equal(out64(), 1008);
    OK(fd_tell, fd, OUT);
    assert_int_equal(out64(), 1008);
    ERR(INVAL, fd_seek, fd, (uint64_t)-1, 0, OUT);
    ERR(INVAL, fd_seek, fd, 0, 3, OUT);
    ERR(INVAL, fd_seek, fd, 0, 0xffffffff, OUT);
    ERR(BADF, fd_seek, 99, 0, 0, OUT);
    OK(fd_fdstat_set_rights, fd, RIGHT_FD_READ, 0);
    ERR(NOTCAPABLE, fd_seek, fd, 0, 0, OUT);
}

static void test_append(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "new", OFLAG_CREAT, GO_RDWR, FDFLAG_APPEND);
    write_text(fd, "ab");
    OK(fd_seek, fd, 0, 0, OUT);
    write_text(fd, "cd");
    OK(fd_tell, fd, OUT);
    assert_int_equal(out64(), 4);
    host_holds("new", "abcd");
    OK(fd_fdstat_set_flags, fd, 0); /* positional again */
    OK(fd_seek, fd, 0, 0, OUT);
    write_text(fd, "X");
    host_holds("new", "Xbcd");
    OK(fd_fdstat_set_flags, fd, FDFLAG_APPEND);
    write_text(fd, "e");
    host_holds("new", "Xbcde");
}

static void test_many_iovecs(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "many", OFLAG_CREAT, GO_RDWR, 0);
    for (uint32_t i = 0; i < 1024; i++) {
        struct wasi_iovec v = { BUF + i, 1 };
        memcpy(guest + 0x20000 + i * 8, &v, 8);
        guest[BUF + i] = (uint8_t)(i * 7);
    }
    OK(fd_write, fd, 0x20000, 1024, OUT);
    assert_int_equal(out32(), 1024);
    OK(fd_pread, fd, iov(0x30000, 2000), 1, 0, OUT);
    assert_int_equal(out32(), 1024);
    assert_memory_equal(guest + 0x30000, guest + BUF, 1024);
}

/* Pieces beyond what one call of the kernel takes: the first ones, and a short count.  Empty ones
 * are none of them. */
static void test_more_pieces_than_a_call_takes(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "many", OFLAG_CREAT, GO_RDWR, 0);
    const uint32_t pieces = 5000, at = 0x40000, half = pieces / 2;
    for (uint32_t i = 0; i < pieces; i++) {
        struct wasi_iovec v = { BUF + i, i >= half };
        memcpy(guest + at + i * 8, &v, 8);
        guest[BUF + i] = (uint8_t)(i * 7);
    }
    OK(fd_write, fd, at, pieces, OUT);
    assert_int_equal(out32(), 1024);
    OK(fd_pwrite, fd, at + 8 * (half + 1024), pieces - half - 1024, 1024, OUT);
    assert_int_equal(out32(), 1024);
    OK(fd_write, fd, at, half, OUT); /* nothing but empty ones */
    assert_int_equal(out32(), 0);
    memset(guest + 0x60000, 0, 3000);
    OK(fd_pread, fd, iov(0x60000, 3000), 1, 0, OUT);
    assert_int_equal(out32(), 2048);
    assert_memory_equal(guest + 0x60000, guest + BUF + half, 2048);
    OK(fd_seek, fd, 0, 0, OUT);
    memset(guest + BUF, 0, pieces);
    OK(fd_read, fd, at, pieces, OUT); /* never 0 before the end, which would be read as the end */
    assert_int_equal(out32(), 1024);
    assert_memory_equal(guest + BUF + half, guest + 0x60000, 1024);
    ERR(FAULT, fd_write, fd, MEMORY_BYTES - 8 * 2000, 2001, OUT);
    kicked = 1;
    ERR(INTR, fd_write, fd, at, half, OUT); /* the walk over empty ones ends by a kick */
}

/* More than one chunk: the same range many times over. */
static void test_large(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "large", OFLAG_CREAT, GO_RDWR, 0);
    for (uint32_t i = 0; i < 100; i++) {
        struct wasi_iovec v = { BUF, 900000 };
        memcpy(guest + IOVS + i * 8, &v, 8);
    }
    OK(fd_write, fd, IOVS, 100, OUT);
    assert_int_equal(out32(), 90000000);
    OK(fd_filestat_get, fd, OUT);
    assert_int_equal(stat_out().size, 90000000);
    OK(fd_pread, fd, IOVS, 100, 5, OUT);
    assert_int_equal(out32(), 90000000 - 5);
    kicked = 1;
    OK(fd_pread, fd, IOVS, 100, 0, OUT); /* a kick ends it between chunks */
    assert_int_equal(out32(), 32 << 20);
}

/* Iovecs may sum up to far more than a count can tell: the same 4 GiB a thousand times. */
static void test_more_than_a_call_takes(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDONLY, 0);
    const uint64_t max = 0x7ffff000;
    for (uint32_t i = 0; i < 1024; i++) {
        struct wasi_iovec v = { 0, 0xfffffff0 };
        memcpy(guest + 0x20000 + i * 8, &v, 8);
    }
    /* address space only: nothing of it is touched */
    mem.regions[REGION_LINEAR].bytes = 1ull << 32;
    assert_int_equal(iovs_read(wasi, desc_get(wasi, fd), 0x20000, 1024, true), WASI_SUCCESS);
    assert_true(wasi->iovs.left == max && wasi->iovs.n == 1 && wasi->iovs.v[0].iov_len == max);
    struct wasi_iovec first = { 0, 0x7fffefff };
    memcpy(guest + 0x20000, &first, 8);
    assert_int_equal(iovs_read(wasi, desc_get(wasi, fd), 0x20000, 1024, true), WASI_SUCCESS);
    assert_true(wasi->iovs.left == max && wasi->iovs.n == 2 && wasi->iovs.v[1].iov_len == 1);
    mem.regions[REGION_LINEAR].bytes = MEMORY_BYTES;
    ERR(FAULT, fd_read, fd, 0x20000, 1024, OUT);
    for (uint32_t i = 0; i < 1024; i++) {
        struct wasi_iovec v = { 0, MEMORY_BYTES };
        memcpy(guest + 0x20000 + i * 8, &v, 8);
    }
    OK(fd_read, fd, 0x20000, 1024, OUT);
    assert_int_equal(out32(), 8);
}

/* What fallocate answers to numbers that no file has. */
static void as_linux(uint32_t fd, uint64_t offset, uint64_t len)
{
    int host = open(host_path("file"), O_RDWR);
    assert_int_equal(fallocate(host, 0, (off_t)offset, (off_t)len), -1);
    assert_int_equal(CALL(fd_allocate, fd, offset, len), wasi_errno(errno));
    assert_int_equal(posix_fadvise(host, (off_t)offset, -1, 0), EINVAL);
    ERR(INVAL, fd_advise, fd, offset, UINT64_MAX, 0);
    close(host);
}

static void test_storage(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, 0);
    OK(fd_sync, fd);
    OK(fd_datasync, fd);
    ERR(BADF, fd_sync, 99);
    for (uint64_t advice = 0; advice <= 5; advice++)
        OK(fd_advise, fd, 0, 8, advice);
    ERR(INVAL, fd_advise, fd, 0, 8, 6);
    OK(fd_advise, fd, UINT64_MAX, INT64_MAX, 0);
    OK(fd_allocate, fd, 4, 100);
    OK(fd_filestat_get, fd, OUT);
    assert_int_equal(stat_out().size, 104);
    OK(fd_allocate, fd, 0, 10);
    OK(fd_filestat_get, fd, OUT);
    assert_int_equal(stat_out().size, 104);
    as_linux(fd, 0, 0);
    as_linux(fd, INT64_MAX, 1);
    as_linux(fd, 1, INT64_MAX);
    as_linux(fd, 1, UINT64_MAX);
    as_linux(fd, UINT64_MAX, 1);
    as_linux(fd, 1ull << 63, 1ull << 63);
    ERR(BADF, fd_allocate, opened(ROOT, "file", 0, GO_RDONLY, 0), 0, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_read_and_write),
        TEST(test_iovecs),
        TEST(test_fault_before_action),
        TEST(test_access_modes),
        TEST(test_directory),
        TEST(test_positioned),
        TEST(test_seek),
        TEST(test_append),
        TEST(test_many_iovecs),
        TEST(test_more_pieces_than_a_call_takes),
        TEST(test_large),
        TEST(test_more_than_a_call_takes),
        TEST(test_storage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
