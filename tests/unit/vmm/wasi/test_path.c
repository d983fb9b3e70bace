/* Paths: the walls of a granted directory, and what each path call makes of odd names. */
#include "tests/unit/vmm/wasi/fixture.h"

#include <pthread.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>

#define STAT(dir, follow, path) path_filestat_get, dir, follow, P1(path), OUT

static void link_host(const char *target, const char *name)
{
    assert_int_equal(symlink(target, host_path(name)), 0);
}

/* ---- the walls ---- */

/* Every way out that is known, for every call that takes a path. */
static void test_no_way_out(void **state)
{
    (void)state;
    char ro[96];
    snprintf(ro, sizeof ro, "%s.ro", root);
    struct grant named[] = { { .host = root, .guest = "/d" },
                             { .host = ro, .guest = "/ro", .read_only = true } };
    struct config config = { .grants = named, .ngrants = 2 };
    wasi_close(wasi);
    wasi = wasi_new(&config);
    link_host("..", "up");
    link_host("/etc", "abs");
    link_host("sub/../../", "around");
    link_host("/etc/passwd", "passwd");
    static const char *const outside[] = {
        "..",     "../",        "/",
        "//",     "/etc",       "/etc/passwd",
        "../etc", "sub/../..",  "sub/../../etc/x",
        "up/x",   "abs/passwd", "around/x",
        "./../x", "up/.",       "sub/../../x/..",
    };
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        const char *p = outside[i];
        ERR(PERM, STAT(ROOT, LOOKUP_FOLLOW, p));
        ERR(PERM, path_filestat_set_times, ROOT, LOOKUP_FOLLOW, P1(p), 0, 0, FST_MTIM);
        assert_int_equal(OPEN(ROOT, p, 0, GO_RDONLY, 0), WASI_PERM);
        ERR(PERM, path_create_directory, ROOT, P1(p));
        ERR(PERM, path_remove_directory, ROOT, P1(p));
        ERR(PERM, path_unlink_file, ROOT, P1(p));
        ERR(PERM, path_readlink, ROOT, P1(p), BUF, 100, OUT);
        ERR(PERM, path_rename, ROOT, P1(p), ROOT, P2("new"));
        ERR(PERM, path_rename, ROOT, P1("file"), ROOT, P2(p));
        ERR(PERM, path_link, ROOT, 0, P1("file"), ROOT, P2(p));
        ERR(PERM, path_symlink, P1("file"), ROOT, P2(p));
        CALL(path_link, ROOT, 0, P1(p), ROOT, P2("new"));
        assert_false(host_has("new"));
    }
    assert_int_equal(OPEN(ROOT, "passwd", 0, GO_RDONLY, 0), WASI_PERM);
    assert_int_equal(OPEN(ROOT, "up", 0, GO_RDONLY, 0), WASI_PERM);
    assert_int_equal(OPEN(ROOT, "up/", 0, GO_RDONLY, 0), WASI_PERM);
    ERR(PERM, STAT(ROOT, 0, "up/"));
    assert_int_equal(OPEN(ROOT, "up/made", OFLAG_CREAT, GO_RDWR, 0), WASI_PERM);
    ERR(PERM, path_symlink, P1("/etc/passwd"), ROOT, P2("new"));
    assert_true(host_has("file"));
}

/* A descriptor of a directory inside is a wall as well. */
static void test_sub_is_a_wall(void **state)
{
    (void)state;
    uint32_t sub = opened(ROOT, "sub", OFLAG_DIRECTORY, 0, 0);
    assert_int_equal(OPEN(sub, "../file", 0, GO_RDONLY, 0), WASI_PERM);
    assert_int_equal(OPEN(sub, "..", 0, GO_RDONLY, 0), WASI_PERM);
    opened(sub, "inner", 0, GO_RDONLY, 0);
}

static void test_paths_inside(void **state)
{
    (void)state;
    static const char *const same[] = {
        "sub/inner",   "./sub/inner",      "sub//inner",
        "sub/./inner", "sub/../sub/inner", "sub/.././sub/../sub///inner",
    };
    link_host("sub", "dirlink");
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        OK(fd_close, opened(ROOT, same[i], 0, GO_RDONLY, 0));
        OK(STAT(ROOT, 0, same[i]));
        assert_int_equal(stat_out().size, 5);
    }
    opened(ROOT, "dirlink/inner", 0, GO_RDONLY, 0);
    opened(ROOT, "dirlink/../file", 0, GO_RDONLY, 0);
    ERR(NOENT, STAT(ROOT, 0, ""));
    assert_int_equal(OPEN(ROOT, "", 0, 0, 0), WASI_NOENT);
    ERR(NOENT, path_unlink_file, ROOT, P1(""));
    ERR(NOENT, path_readlink, ROOT, P1(""), BUF, 1, OUT);
    ERR(NOENT, path_symlink, P1(""), ROOT, P2("x"));
    ERR(NOENT, path_symlink, P1("x"), ROOT, P2(""));
}

static void test_bad_paths(void **state)
{
    (void)state;
    memcpy(guest + BUF, "fi\0e", 4);
    ERR(INVAL, path_filestat_get, ROOT, 0, BUF, 4, OUT);
    ERR(FAULT, path_filestat_get, ROOT, 0, MEMORY_BYTES - 2, 3, OUT);
    ERR(NAMETOOLONG, path_filestat_get, ROOT, 0, BUF, 4096, OUT);
    ERR(NAMETOOLONG, path_filestat_get, ROOT, 0, BUF, 0xffffffff, OUT);
    memset(guest + BUF, 'a', 4095);
    ERR(NAMETOOLONG, path_filestat_get, ROOT, 0, BUF, 4095, OUT);
    ERR(NAMETOOLONG, path_create_directory, ROOT, BUF, 300);
    OK(path_create_directory, ROOT, P1("bytes\xff\xfe\x01"));
    assert_true(host_has("bytes\xff\xfe\x01"));
    ERR(BADF, STAT(99, 0, "file"));
    ERR(NOTDIR, STAT(0, 0, "file"));
    for (int i = 0; i < 4; i++) {
        static const char *const below[] = {"file/.", "file/..", "file/x", "sub/../file/."};
        ERR(NOTDIR, STAT(ROOT, 0, below[i]));
    }
    ERR(NOTDIR, STAT(opened(ROOT, "file", 0, GO_RDONLY, 0), 0, "x"));
    ERR(INVAL, STAT(ROOT, 2, "file"));
    ERR(FAULT, path_filestat_get, ROOT, 0, P1("file"), MEMORY_BYTES - 63);
}

/* Descriptor -1 is how Go says that no grant covers a path. */
static void test_no_preopen(void **state)
{
    (void)state;
    uint64_t count;
    assert_string_equal(wasi_missing_path(wasi, &count), "");
    assert_int_equal(count, 0);
    ERR(NOENT, STAT(0xffffffff, 1, "/etc/x"));
    assert_int_equal(OPEN(0xffffffff, "/etc/y", 0, 0, 0), WASI_NOENT);
    ERR(NOENT, path_rename, ROOT, P1("file"), 0xffffffff, P2("/z"));
    assert_string_equal(wasi_missing_path(wasi, &count), "/etc/x");
    assert_int_equal(count, 3);
    ERR(BADF, STAT(0xfffffffe, 1, "/etc/x"));
}

/* ---- what is never opened ---- */

static void test_kernel_file_systems(void **state)
{
    (void)state;
    struct config config = { .grants = (struct grant[]){ { .host = "/", .guest = "/" } },
                             .ngrants = 1 };
    wasi_close(wasi);
    wasi = wasi_new(&config);
    static const char *const refused[] = {
        "proc", "proc/self/mem", "proc/self/environ",   "proc/self/fd/0",
        "sys",  "sys/kernel/mm", "proc/1/../self/maps", "proc/self/root"
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        uint32_t err = OPEN(ROOT, refused[i], 0, GO_RDONLY, 0);
        assert_true(err == WASI_PERM || err == WASI_LOOP);
    }
    assert_int_equal(OPEN(ROOT, "proc/self/mem", 0, GO_RDWR, 0), WASI_PERM);
    ERR(PERM, STAT(ROOT, 1, "proc/self/mem"));
    ERR(PERM, path_readlink, ROOT, P1("proc/self/exe"), BUF, 100, OUT);
    ERR(PERM, path_create_directory, ROOT, P1("sys/fs/x"));
    OK(STAT(ROOT, 1, "proc")); /* a listing of / may name it */
    /* magic link */
    assert_int_equal(OPEN(ROOT, "proc/self/cwd/x", OFLAG_CREAT, GO_RDWR, 0), WASI_PERM);
}

static void test_devices(void **state)
{
    (void)state;
    /* in a container each device is one */
    struct grant dev = { .host = "/dev", .guest = "/dev", .mounts = true };
    struct config config = { .grants = &dev, .ngrants = 1 };
    wasi_close(wasi);
    wasi = wasi_new(&config);
    static const char *const plain[] = { "null", "zero", "full", "random", "urandom" };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        OK(fd_close, opened(ROOT, plain[i], 0, GO_RDONLY, 0));
    uint32_t null = opened(ROOT, "null", OFLAG_TRUNC, GO_RDWR, 0),
             full = opened(ROOT, "full", 0, GO_WRONLY, 0);
    assert_int_equal(write_text(null, "gone"), WASI_SUCCESS);
    assert_int_equal(write_text(full, "gone"), WASI_NOSPC);
    OK(fd_fdstat_get, null, OUT);
    assert_int_equal(guest[OUT], FILETYPE_CHARACTER);
    static const char *const others[] = { "tty",     "ptmx", "kmsg", "mem",
                                          "console", "vda",  "kvm",  "loop-control" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        uint32_t err = OPEN(ROOT, others[i], 0, GO_RDONLY, 0);
        assert_true(err == WASI_PERM || err == WASI_NOENT || err == WASI_NXIO || err == WASI_LOOP);
    }
    assert_int_equal(OPEN(ROOT, "ptmx", 0, GO_RDONLY, 0), WASI_PERM);
    if (geteuid() == 0 && access("/dev/kmsg", F_OK) == 0)
        assert_int_equal(OPEN(ROOT, "kmsg", 0, GO_RDONLY, 0), WASI_PERM);
}

/* Whether somebody opened what is watched, since the last look. */
static bool was_opened(int watch)
{
    char event[512];
    return read(watch, event, sizeof event) > 0;
}

/* What is refused is not even opened: some devices act at that. */
static void test_devices_are_not_opened(void **state)
{
    (void)state;
    static const char *const devices[] = { "kvm", "fuse", "kmsg", "loop-control", "rtc0", "hwrng" };
    /* in a container each device is one */
    struct grant dev = { .host = "/dev", .guest = "/dev", .mounts = true };
    struct config config = { .grants = &dev, .ngrants = 1 };
    wasi_close(wasi);
    wasi = wasi_new(&config);
    int looked = 0;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        char path[32];
        snprintf(path, sizeof path, "/dev/%s", devices[i]);
        int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), fd = -1;
        if (inotify_add_watch(watch, path, IN_OPEN) >= 0 &&
            (fd = open(path, O_RDONLY | O_NONBLOCK)) >= 0)
            close(fd);
        if (fd >= 0 && was_opened(watch)) { /* an open shows */
            assert_int_equal(OPEN(ROOT, devices[i], 0, GO_RDONLY, 0), WASI_PERM);
            assert_int_equal(OPEN(ROOT, devices[i], OFLAG_CREAT | OFLAG_TRUNC, GO_RDWR, 0),
                             WASI_PERM);
            assert_int_equal(OPEN(ROOT, devices[i], OFLAG_DIRECTORY, 0, 0), WASI_NOTDIR);
            assert_int_equal(OPEN(ROOT, devices[i], OFLAG_CREAT | OFLAG_EXCL, GO_RDWR, 0),
                             WASI_EXIST);
            assert_false(was_opened(watch));
            looked++;
        }
        close(watch);
    }
    if (looked == 0)
        skip();
}

/* A device node made by hand is judged by its number, not by its name. */
static void test_device_numbers(void **state)
{
    (void)state;
    if (mknod(host_path("null"), S_IFCHR | 0600, 1 << 8 | 3) ||
        mknod(host_path("mem"), S_IFCHR | 0600, 1 << 8 | 11))
        skip();
    int fd = open(host_path("null"), O_RDONLY);
    if (fd < 0)
        skip(); /* a file system without devices */
    close(fd);
    opened(ROOT, "null", 0, GO_RDONLY, 0);
    assert_int_equal(OPEN(ROOT, "mem", 0, GO_RDONLY, 0), WASI_PERM);
}

/* ---- :ro ---- */

static void test_read_only(void **state)
{
    (void)state;
    ro_file("file", "fixed");
    uint32_t fd = opened(RO, "file", 0, GO_RDONLY, 0);
    static const struct { uint64_t oflags, rights, fdflags;
    } opens[] = {
        { 0, GO_RDWR, 0 },
        { 0, GO_WRONLY, 0 },
        { OFLAG_CREAT, GO_RDONLY, 0 },
        { OFLAG_TRUNC, GO_RDONLY, 0 },
        { 0, GO_RDONLY, FDFLAG_APPEND },
        { OFLAG_CREAT, 0, 0 },
        { OFLAG_TRUNC, 0, 0 },
        { 0, 0, FDFLAG_APPEND },
        { OFLAG_CREAT | OFLAG_EXCL, RIGHT_FD_READ, 0 },
    };
    for (size_t i = 0; i < sizeof opens / sizeof *opens; i++)
        assert_int_equal(OPEN(RO, "file", opens[i].oflags, opens[i].rights, opens[i].fdflags),
                         WASI_ROFS);
    ERR(ROFS, path_create_directory, RO, P1("d"));
    ERR(ROFS, path_remove_directory, RO, P1("d"));
    ERR(ROFS, path_unlink_file, RO, P1("file"));
    ERR(ROFS, path_symlink, P1("file"), RO, P2("s"));
    ERR(ROFS, path_rename, RO, P1("file"), RO, P2("g"));
    ERR(ROFS, path_rename, RO, P1("file"), ROOT, P2("g"));
    ERR(ROFS, path_rename, ROOT, P1("file"), RO, P2("g"));
    ERR(ROFS, path_link, RO, 0, P1("file"), RO, P2("g"));
    ERR(ROFS, path_link, RO, 0, P1("file"), ROOT, P2("g"));
    ERR(ROFS, path_link, ROOT, 0, P1("file"), RO, P2("g"));
    ERR(ROFS, path_filestat_set_times, RO, 0, P1("file"), 0, 0, FST_MTIM);
    ERR(ROFS, fd_filestat_set_times, fd, 0, 0, FST_MTIM);
    ERR(ROFS, fd_filestat_set_times, RO, 0, 0, FST_MTIM);
    ERR(ROFS, fd_filestat_set_size, fd, 0);
    ERR(ROFS, fd_allocate, fd, 0, 100);
    assert_int_equal(write_text(fd, "x"), WASI_BADF);
    assert_false(host_has("g"));
    OK(fd_read, fd, iov(BUF, 10), 1, OUT);
    assert_int_equal(out32(), 5);
}

static void test_read_only_is_inherited(void **state)
{
    (void)state;
    char dir[192];
    snprintf(dir, sizeof dir, "%s.ro/dir", root);
    mkdir(dir, 0755);
    ro_file("dir/file", "fixed");
    uint32_t sub = opened(RO, "dir", OFLAG_DIRECTORY, 0, 0),
             self = opened(sub, ".", 0, GO_RDONLY, 0);
    assert_int_equal(OPEN(sub, "file", 0, GO_RDWR, 0), WASI_ROFS);
    assert_int_equal(OPEN(self, "file", OFLAG_TRUNC, GO_RDONLY, 0), WASI_ROFS);
    ERR(ROFS, path_unlink_file, self, P1("file"));
    OK(fd_renumber, self, ROOT); /* the property moves with the descriptor */
    ERR(ROFS, path_unlink_file, ROOT, P1("file"));
}

/* ---- odd names ---- */

static void test_trailing_slashes(void **state)
{
    (void)state;
    link_host("sub", "dirlink");
    assert_int_equal(OPEN(ROOT, "file/", 0, GO_RDONLY, 0), WASI_NOTDIR);
    assert_int_equal(OPEN(ROOT, "file///", 0, GO_RDONLY, 0), WASI_NOTDIR);
    opened(ROOT, "sub/", 0, GO_RDONLY, 0);
    opened(ROOT, "sub///", OFLAG_DIRECTORY, 0, 0);
    ERR(NOTDIR, path_unlink_file, ROOT, P1("file/"));
    ERR(NOENT, path_unlink_file, ROOT, P1("none/"));
    ERR(ISDIR, path_unlink_file, ROOT, P1("sub/"));
    ERR(ISDIR, path_unlink_file, ROOT, P1("sub"));
    ERR(NOTDIR, path_unlink_file, ROOT, P1("dirlink/"));
    ERR(NOTDIR, path_remove_directory, ROOT, P1("file"));
    ERR(NOTDIR, path_remove_directory, ROOT, P1("file/"));
    ERR(NOTEMPTY, path_remove_directory, ROOT, P1("sub/"));
    OK(path_create_directory, ROOT, P1("d//"));
    ERR(EXIST, path_create_directory, ROOT, P1("d/"));
    OK(path_rename, ROOT, P1("d/"), ROOT, P2("e//"));
    ERR(NOTDIR, path_rename, ROOT, P1("file/"), ROOT, P2("g"));
    ERR(NOTDIR, path_rename, ROOT, P1("file"), ROOT, P2("g/"));
    OK(path_remove_directory, ROOT, P1("e/"));
    ERR(NOENT, path_symlink, P1("file"), ROOT, P2("s/"));
    ERR(EXIST, path_symlink, P1("file"), ROOT, P2("sub/"));
    ERR(EXIST, path_symlink, P1("file"), ROOT, P2("file/"));
    ERR(NOENT, path_link, ROOT, 0, P1("file"), ROOT, P2("l/"));
    ERR(NOTDIR, path_link, ROOT, 0, P1("file/"), ROOT, P2("l"));
    ERR(NOTDIR, path_readlink, ROOT, P1("file/"), BUF, 9, OUT);
    ERR(INVAL, path_readlink, ROOT, P1("dirlink/"), BUF, 9, OUT);
    assert_true(host_has("file") && !host_has("g") && !host_has("l") && !host_has("s"));
}

static void test_dots(void **state)
{
    (void)state;
    ERR(EXIST, path_create_directory, ROOT, P1("."));
    ERR(EXIST, path_create_directory, ROOT, P1("sub/.."));
    ERR(INVAL, path_remove_directory, ROOT, P1("."));
    ERR(INVAL, path_remove_directory, ROOT, P1("sub/."));
    ERR(ISDIR, path_unlink_file, ROOT, P1("sub/.."));
    ERR(BUSY, path_rename, ROOT, P1("."), ROOT, P2("x"));
    ERR(BUSY, path_rename, ROOT, P1("file"), ROOT, P2("sub/."));
    ERR(PERM, path_link, ROOT, 0, P1("."), ROOT, P2("x"));
    ERR(EXIST, path_link, ROOT, 0, P1("file"), ROOT, P2("sub/.."));
    ERR(EXIST, path_symlink, P1("t"), ROOT, P2("."));
    ERR(INVAL, path_readlink, ROOT, P1("sub/.."), BUF, 9, OUT);
    ERR(NOENT, path_create_directory, ROOT, P1("none/."));
    ERR(NOTDIR, path_create_directory, ROOT, P1("file/.."));
    OK(STAT(ROOT, 0, "sub/.."));
    OK(STAT(ROOT, 0, "."));
}

/* ---- entries ---- */

static void test_directories(void **state)
{
    (void)state;
    OK(path_create_directory, ROOT, P1("a"));
    OK(path_create_directory, ROOT, P1("a/b"));
    ERR(NOENT, path_create_directory, ROOT, P1("none/b"));
    ERR(NOTDIR, path_create_directory, ROOT, P1("file/b"));
    ERR(EXIST, path_create_directory, ROOT, P1("file"));
    ERR(NOTEMPTY, path_remove_directory, ROOT, P1("a"));
    OK(path_remove_directory, ROOT, P1("a/b"));
    OK(path_remove_directory, ROOT, P1("a"));
    ERR(NOENT, path_remove_directory, ROOT, P1("a"));
}

static void test_rename(void **state)
{
    (void)state;
    mkdir(host_path("empty"), 0755);
    host_file("other", "other");
    ERR(ISDIR, path_rename, ROOT, P1("file"), ROOT, P2("sub"));
    ERR(NOTDIR, path_rename, ROOT, P1("sub"), ROOT, P2("file"));
    ERR(NOTEMPTY, path_rename, ROOT, P1("empty"), ROOT, P2("sub"));
    ERR(NOENT, path_rename, ROOT, P1("none"), ROOT, P2("x"));
    ERR(INVAL, path_rename, ROOT, P1("sub"), ROOT, P2("sub/inside"));
    OK(path_rename, ROOT, P1("sub"), ROOT, P2("empty"));
    OK(path_rename, ROOT, P1("file"), ROOT, P2("other"));
    host_holds("other", "contents");
    uint32_t dir = opened(ROOT, "empty", OFLAG_DIRECTORY, 0, 0);
    OK(path_rename, dir, P1("inner"), ROOT, P2("outer"));
    host_holds("outer", "inner");
}

static void test_links(void **state)
{
    (void)state;
    OK(path_symlink, P1("sub/inner"), ROOT, P2("s"));
    /* kept as it is, never followed out */
    OK(path_symlink, P1("../../outside"), ROOT, P2("dangling"));
    ERR(EXIST, path_symlink, P1("x"), ROOT, P2("s"));
    memset(guest + BUF, 0, 64);
    OK(path_readlink, ROOT, P1("s"), BUF, 64, OUT);
    assert_int_equal(out32(), 9);
    assert_string_equal((char *)guest + BUF, "sub/inner");
    memset(guest + BUF, 0, 64);
    OK(path_readlink, ROOT, P1("s"), BUF, 4, OUT); /* cut, and no error */
    assert_int_equal(out32(), 4);
    assert_string_equal((char *)guest + BUF, "sub/");
    OK(path_readlink, ROOT, P1("dangling"), BUF, 64, OUT);
    assert_memory_equal(guest + BUF, "../../outside", 13);
    ERR(INVAL, path_readlink, ROOT, P1("file"), BUF, 64, OUT);
    ERR(INVAL, path_readlink, ROOT, P1("sub"), BUF, 64, OUT);
    ERR(NOENT, path_readlink, ROOT, P1("none"), BUF, 64, OUT);
    ERR(FAULT, path_readlink, ROOT, P1("s"), MEMORY_BYTES - 3, 4, OUT);

    OK(path_link, ROOT, 0, P1("file"), ROOT, P2("hard"));
    OK(STAT(ROOT, 0, "hard"));
    assert_int_equal(stat_out().nlink, 2);
    ERR(EXIST, path_link, ROOT, 0, P1("file"), ROOT, P2("hard"));
    ERR(NOENT, path_link, ROOT, 0, P1("none"), ROOT, P2("h2"));
    ERR(PERM, path_link, ROOT, 0, P1("sub"), ROOT, P2("h2"));
    ERR(INVAL, path_link, ROOT, LOOKUP_FOLLOW, P1("s"), ROOT, P2("h2"));
    OK(path_link, ROOT, 0, P1("s"), ROOT, P2("h2")); /* the link itself */
    OK(STAT(ROOT, 0, "h2"));
    assert_int_equal(stat_out().filetype, FILETYPE_SYMLINK);
    OK(path_unlink_file, ROOT, P1("h2"));
}

static void test_loops(void **state)
{
    (void)state;
    link_host("loop", "loop");
    ERR(LOOP, STAT(ROOT, 1, "loop"));
    ERR(LOOP, STAT(ROOT, 1, "loop/x"));
    assert_int_equal(OPEN(ROOT, "loop", 0, GO_RDONLY, 0), WASI_LOOP);
    OK(STAT(ROOT, 0, "loop"));
}

/* ---- open ---- */

static void test_open_flags(void **state)
{
    (void)state;
    assert_int_equal(OPEN(ROOT, "none", 0, GO_RDONLY, 0), WASI_NOENT);
    assert_int_equal(OPEN(ROOT, "file", OFLAG_CREAT | OFLAG_EXCL, GO_RDWR, 0), WASI_EXIST);
    assert_int_equal(OPEN(ROOT, "file", OFLAG_DIRECTORY, 0, 0), WASI_NOTDIR);
    for (uint64_t bad = 1; bad < 16; bad++)
        if ((bad & OFLAG_DIRECTORY) && bad != OFLAG_DIRECTORY)
            assert_int_equal(OPEN(ROOT, "sub", bad, 0, 0), WASI_INVAL);
    assert_int_equal(OPEN(ROOT, "file", 16, 0, 0), WASI_INVAL);
    assert_int_equal(OPEN(ROOT, "file", 0, 0, 32), WASI_INVAL);
    assert_int_equal(OPEN(ROOT, "file", 0, 1ull << 30, 0), WASI_INVAL);
    ERR(INVAL, path_open, ROOT, 2, P1("file"), 0, 0, 0, 0, OUT);
    ERR(FAULT, path_open, ROOT, 0, P1("made"), OFLAG_CREAT, 0, 0, 0, MEMORY_BYTES - 3);
    assert_false(host_has("made"));
    assert_int_equal(OPEN(ROOT, "sub", OFLAG_DIRECTORY, RIGHT_FD_READ | RIGHT_FD_WRITE, 0),
                     WASI_ISDIR);
    assert_int_equal(OPEN(ROOT, "sub", 0, GO_RDWR, 0), WASI_ISDIR);
    assert_int_equal(OPEN(ROOT, "sub", OFLAG_CREAT, 0, 0), WASI_ISDIR);
    OK(fd_fdstat_get, ROOT, OUT);
    struct wasi_fdstat st;
    memcpy(&st, guest + OUT, sizeof st);
    OK(path_open, ROOT, 0, P1("."), OFLAG_DIRECTORY, st.rights, st.inheriting, FDFLAG_NONBLOCK,
       OUT);
    OK(path_open, ROOT, 0, P1("."), 0, 0, 0, 0, OUT);
    OK(path_open, ROOT, 0, P1("."), 0, GO_RDONLY, INHERIT, 0, OUT);
    ERR(BADF, fd_prestat_get, out32(), OUT2);
}

static void test_open_without_rights(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, 0, 0);
    OK(fd_read, fd, iov(BUF, 3), 1, OUT);
    assert_int_equal(write_text(fd, "x"), WASI_BADF);
    fd = opened(ROOT, "made", OFLAG_CREAT, 0, 0);
    assert_int_equal(write_text(fd, "text"), WASI_SUCCESS);
    host_holds("made", "text");
    opened(ROOT, "made", OFLAG_TRUNC, 0, 0);
    host_holds("made", "");
}

static void test_truncate(void **state)
{
    (void)state;
    /* wants no write access afterwards */
    uint32_t fd = opened(ROOT, "file", OFLAG_TRUNC, GO_RDONLY, 0);
    host_holds("file", "");
    assert_int_equal(write_text(fd, "x"), WASI_BADF);
    ERR(INVAL, fd_filestat_set_size, fd, 3);
    opened(ROOT, "sub/inner", OFLAG_TRUNC | OFLAG_CREAT, GO_WRONLY, 0);
    host_holds("sub/inner", "");
}

static void test_nofollow(void **state)
{
    (void)state;
    link_host("file", "s");
    link_host("none", "dangling");
    link_host("sub", "d");
    ERR(LOOP, path_open, ROOT, 0, P1("s"), 0, GO_RDONLY, 0, 0, OUT);
    ERR(LOOP, path_open, ROOT, 0, P1("dangling"), 0, GO_RDONLY, 0, 0, OUT);
    ERR(LOOP, path_open, ROOT, 0, P1("dangling"), OFLAG_CREAT, GO_RDWR, 0, 0, OUT);
    uint32_t err = CALL(path_open, ROOT, 0, P1("d"), OFLAG_DIRECTORY, 0, 0, 0, OUT);
    assert_true(err == WASI_LOOP || err == WASI_NOTDIR);
    opened(ROOT, "s", 0, GO_RDONLY, 0);
    assert_int_equal(OPEN(ROOT, "dangling", 0, GO_RDONLY, 0), WASI_NOENT);
    opened(ROOT, "dangling", OFLAG_CREAT, GO_RDWR, 0);
    assert_true(host_has("none"));
}

static void test_socket_file(void **state)
{
    (void)state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strcpy(address.sun_path, host_path("sock"));
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(s, (void *)&address, sizeof address), 0);
    assert_int_equal(OPEN(ROOT, "sock", 0, GO_RDWR, 0), WASI_NXIO);
    /* and does not wait as for a FIFO */
    assert_int_equal(OPEN(ROOT, "sock", 0, GO_WRONLY, 0), WASI_NXIO);
    close(s);
}

/* ---- FIFOs ---- */

static volatile bool fifo_opened, fifo_written;

/* Opens, and writes only when the guest's open has ended (or 20 s have passed, and the test fails).
 */
static void *fifo_writer(void *path)
{
    until_it_waits();
    int fd = open(path, O_WRONLY);
    for (int i = 0; i < 20000 && !fifo_opened; i++)
        usleep(1000);
    usleep(50000);
    fifo_written = true;
    ssize_t n = write(fd, "late", 4);
    (void)n;
    close(fd);
    return NULL;
}

static void test_fifo_read(void **state)
{
    (void)state;
    char path[256];
    strcpy(path, host_path("fifo"));
    mkfifo(path, 0600);
    uint32_t fd = opened(ROOT, "fifo", 0, GO_RDONLY, FDFLAG_NONBLOCK);
    assert_int_equal(waits, 0);
    OK(fd_close, fd);
    pthread_t writer;
    pthread_create(&writer, NULL, fifo_writer, path);
    fd = opened(ROOT, "fifo", 0, GO_RDONLY, 0);
    assert_true(waits > 0); /* for the writer's open ... */
    assert_false(fifo_written);
    OK(fd_fdstat_set_flags, fd, FDFLAG_NONBLOCK);
    ERR(AGAIN, fd_read, fd, iov(BUF, 10), 1, OUT); /* ... and not for its first byte */
    fifo_opened = true;
    OK(fd_fdstat_set_flags, fd, 0);
    OK(fd_read, fd, iov(BUF, 10), 1, OUT);
    assert_int_equal(out32(), 4);
    assert_memory_equal(guest + BUF, "late", 4);
    OK(fd_read, fd, iov(BUF, 10), 1, OUT);
    assert_int_equal(out32(), 0);
    ERR(SPIPE, fd_seek, fd, 0, 0, OUT);
    ERR(SPIPE, fd_pread, fd, iov(BUF, 1), 1, 0, OUT);
    OK(fd_fdstat_get, fd, OUT);
    assert_int_equal(guest[OUT], FILETYPE_UNKNOWN);
    pthread_join(writer, NULL);
}

static void *fifo_reader(void *path)
{
    until_it_waits();
    int fd = open(path, O_RDONLY);
    for (int i = 0; i < 20000 && !fifo_written; i++)
        usleep(1000);
    close(fd);
    return NULL;
}

static void test_fifo_write(void **state)
{
    (void)state;
    char path[256];
    strcpy(path, host_path("fifo"));
    mkfifo(path, 0600);
    assert_int_equal(OPEN(ROOT, "fifo", 0, GO_WRONLY, FDFLAG_NONBLOCK), WASI_NXIO);
    fifo_written = false;
    pthread_t reader;
    pthread_create(&reader, NULL, fifo_reader, path);
    uint32_t fd = opened(ROOT, "fifo", 0, GO_WRONLY, 0);
    assert_int_equal(write_text(fd, "text"), WASI_SUCCESS);
    fifo_written = true;
    pthread_join(reader, NULL);
    /* on other descriptors than 1 and 2 an error, no end */
    assert_int_equal(write_text(fd, "text"), WASI_PIPE);
    assert_int_equal(ended.kind, ENDED_NOT);
}

static void test_fifo_open_ends_by_kick(void **state)
{
    (void)state;
    mkfifo(host_path("fifo"), 0600);
    kick_after_ms(30);
    assert_int_equal(OPEN(ROOT, "fifo", 0, GO_RDONLY, 0), WASI_INTR);
    kicked = 0;
    assert_int_equal(OPEN(ROOT, "fifo", 0, GO_WRONLY, 0), WASI_INTR);
    assert_int_equal(OPEN(ROOT, "file", 0, GO_RDONLY, 0), WASI_SUCCESS);
    assert_int_equal(out32(), FIRST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_way_out),
        TEST(test_sub_is_a_wall),
        TEST(test_paths_inside),
        TEST(test_bad_paths),
        TEST(test_no_preopen),
        TEST(test_kernel_file_systems),
        TEST(test_devices),
        TEST(test_devices_are_not_opened),
        TEST(test_device_numbers),
        TEST(test_read_only),
        TEST(test_read_only_is_inherited),
        TEST(test_trailing_slashes),
        TEST(test_dots),
        TEST(test_directories),
        TEST(test_rename),
        TEST(test_links),
        TEST(test_loops),
        TEST(test_open_flags),
        TEST(test_open_without_rights),
        TEST(test_truncate),
        TEST(test_nofollow),
        TEST(test_socket_file),
        TEST(test_fifo_read),
        TEST(test_fifo_write),
        TEST(test_fifo_open_ends_by_kick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
