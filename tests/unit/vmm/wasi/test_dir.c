/* fd_readdir: entries, cookies, cut entries, changes between two calls. */
#include <dirent.h>
#include <dlfcn.h>
#include <sys/syscall.h>

#include "tests/unit/vmm/wasi/fixture.h"

#define ENTRIES_MAX 4000

static struct entry { struct wasi_dirent head; char name[256]; } entries[ENTRIES_MAX];
static uint32_t nentries;

/* Reads the whole directory as wasi-libc does, size bytes a call: an entry that is cut is asked for
 * again. */
static void list(uint32_t fd, uint32_t size, uint64_t cookie)
{
    nentries = 0;
    for (;;) {
        OK(fd_readdir, fd, BUF, size, cookie, OUT);
        uint32_t used = out32(), at = 0;
        assert_true(used <= size);
        assert_int_equal(guest[BUF + size], 0xee);
        while (used - at >= sizeof(struct wasi_dirent)) {
            struct wasi_dirent head;
            memcpy(&head, guest + BUF + at, sizeof head);
            assert_int_equal(head.pad[0] | head.pad[1] | head.pad[2], 0);
            if (used - at < sizeof head + head.namlen)
                break;
            assert_true(nentries < ENTRIES_MAX);
            entries[nentries].head = head;
            memcpy(entries[nentries].name, guest + BUF + at + sizeof head, head.namlen);
            entries[nentries++].name[head.namlen] = 0;
            cookie = head.next;
            at += (uint32_t)sizeof head + head.namlen;
        }
        if (used < size)
            return; /* the end */
    }
}

/* ---- a file system that tells no kinds ---- */

static bool kinds_untold;
static const char *gone; /* goes as soon as it was listed */

struct listed { uint64_t inode, next; uint16_t size; uint8_t kind; char name[]; };

long syscall(long number, ...)
{
    static long (*own)(long number, ...);
    long args[4], got;
    va_list more;
    va_start(more, number);
    for (int i = 0; i < 4; i++)
        args[i] = va_arg(more, long);
    va_end(more);
    if (!own)
        own = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    got = own(number, args[0], args[1], args[2], args[3]);
    if (number != SYS_getdents64 || !kinds_untold)
        return got;
    for (long at = 0; at < got; at += ((struct listed *)(args[1] + at))->size)
        ((struct listed *)(args[1] + at))->kind = DT_UNKNOWN;
    if (gone)
        unlink(gone);
    return got;
}

static int count(const char *name)
{
    int n = 0;
    for (uint32_t i = 0; i < nentries; i++)
        n += strcmp(entries[i].name, name) == 0;
    return n;
}

static void test_list(void **state)
{
    (void)state;
    assert_int_equal(symlink("file", host_path("link")), 0);
    list(ROOT, 8192, 0);
    assert_int_equal(nentries, 5);
    assert_string_equal(entries[0].name, ".");
    assert_string_equal(entries[1].name, "..");
    for (uint32_t i = 0; i < nentries; i++) {
        struct stat st;
        if (i != 1) {
            assert_int_equal(lstat(host_path(entries[i].name), &st), 0);
            assert_int_equal(entries[i].head.ino, st.st_ino);
            assert_int_equal(entries[i].head.type, filetype_of(st.st_mode));
        }
    }
    OK(path_create_directory, ROOT, P1("empty"));
    list(opened(ROOT, "empty", OFLAG_DIRECTORY, 0, 0), 8192, 0);
    assert_int_equal(nentries, 2);
}

/* Then each name is looked at: the name, and not what a link leads to.  What is gone by then has no
 * kind, and is listed as any other name that goes meanwhile. */
static void test_kinds_that_nobody_tells(void **state)
{
    (void)state;
    assert_int_equal(symlink("sub", host_path("link")), 0);
    assert_int_equal(mkfifo(host_path("fifo"), 0600), 0);
    host_file("gone", "");
    kinds_untold = true;
    for (int again = 0; again < 2; again++) {
        gone = again ? NULL : host_path("gone");
        list(ROOT, 8192, 0);
        assert_int_equal(nentries, again ? 6 : 7);
        for (uint32_t i = 2; i < nentries; i++) {
            struct stat st;
            bool there = lstat(host_path(entries[i].name), &st) == 0;
            assert_true(there || (!again && strcmp(entries[i].name, "gone") == 0));
            assert_int_equal(entries[i].head.type,
                             there ? filetype_of(st.st_mode) : FILETYPE_UNKNOWN);
        }
    }
    kinds_untold = false;
    assert_true(count("link") == 1 && count("fifo") == 1 && count("sub") == 1);
}

/* Of a container's / the names that its runtime put there are left out, whatever the buffer; below
 * it they count. */
static void test_a_containers_top(void **state)
{
    (void)state;
    static const char *const names[] = { ".wasmvm", "dev", "proc", "sys", "devs", "sub/dev" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        host_file(names[i], "");
    list(ROOT, 8192, 0);
    assert_int_equal(count("dev") + count(".wasmvm") + count("proc") + count("sys"), 4);
    assert_int_equal(stat(root, &wasi->top), 0);
    wasi->top_known = true;
    for (uint32_t size = 60; size < 300; size += 20) {
        memset(guest + BUF, 0xee, 400);
        list(opened(ROOT, ".", OFLAG_DIRECTORY, 0, 0), size, 0);
        assert_int_equal(nentries, 5);
        assert_int_equal(count("devs") + count("file") + count("sub"), 3);
    }
    list(opened(ROOT, "sub", OFLAG_DIRECTORY, 0, 0), 8192, 0);
    assert_int_equal(count("dev"), 1);
    opened(ROOT, "dev", 0, GO_RDONLY, 0);
}

static void test_cookies(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        char name[24];
        snprintf(name, sizeof name, "n%d", i);
        host_file(name, "");
    }
    list(ROOT, 8192, 0);
    assert_int_equal(nentries, 34);
    struct entry all[34];
    memcpy(all, entries, sizeof all);
    for (int i = 33; i >= 0; i--) { /* backwards: each cookie leads to what followed it */
        list(ROOT, 8192, all[i].head.next);
        assert_int_equal(nentries, 33 - i);
        for (uint32_t k = 0; k < nentries; k++)
            assert_string_equal(entries[k].name, all[i + 1 + (int)k].name);
    }
    host_file("later", "");
    list(ROOT, 8192, 0); /* cookie 0 sees what is new */
    assert_int_equal(count("later"), 1);
}

/* Whatever the size of the buffer, every entry once. */
static void test_buffer_sizes(void **state)
{
    (void)state;
    host_file("a-name-that-is-a-little-longer", "");
    for (uint32_t size = 60; size < 200; size++) {
        memset(guest + BUF, 0xee, 300);
        list(ROOT, size, 0);
        assert_int_equal(nentries, 5);
        assert_int_equal(count("a-name-that-is-a-little-longer"), 1);
        assert_int_equal(count("file"), 1);
        assert_int_equal(count("sub"), 1);
    }
}

static void test_cut_entries(void **state)
{
    (void)state;
    memset(guest + BUF, 0xee, 100);
    for (uint32_t size = 0; size < 51; size++) { /* "." and ".." take 25 + 26 */
        OK(fd_readdir, ROOT, BUF, size, 0, OUT);
        assert_int_equal(out32(), size);
        assert_int_equal(guest[BUF + size], 0xee);
    }
    OK(fd_readdir, ROOT, BUF, 51, 0, OUT);
    assert_int_equal(out32(), 51);
    ERR(FAULT, fd_readdir, ROOT, MEMORY_BYTES - 10, 11, 0, OUT);
    ERR(FAULT, fd_readdir, ROOT, BUF, 100, 0, MEMORY_BYTES - 3);
    ERR(FAULT, fd_readdir, ROOT, BUF, 0xffffffff, 0, OUT);
    ERR(BADF, fd_readdir, 99, BUF, 100, 0, OUT);
    ERR(BADF, fd_readdir, opened(ROOT, "file", 0, GO_RDONLY, 0), BUF, 100, 0, OUT);
    ERR(INVAL, fd_readdir, ROOT, BUF, 100, UINT64_MAX, OUT);
    CALL(fd_readdir, ROOT, BUF, 100, 0x7fffffff12345678, OUT); /* any answer but harm */
    list(ROOT, 1000, 0);
    assert_int_equal(nentries, 4);
}

/* Entries removed as they are read: none may be skipped. */
static void remove_while_reading(uint32_t dir, const char *host)
{
    enum { FILES = 500 };
    for (int i = 0; i < FILES; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/remove-me-%d", host, i);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        close(fd);
    }
    uint64_t cookie = 0;
    int removed = 0;
    for (;;) {
        OK(fd_readdir, dir, BUF, 512, cookie, OUT);
        uint32_t used = out32(), at = 0;
        while (used - at >= sizeof(struct wasi_dirent)) {
            struct wasi_dirent head;
            memcpy(&head, guest + BUF + at, sizeof head);
            if (used - at < sizeof head + head.namlen)
                break;
            cookie = head.next;
            if (guest[BUF + at + sizeof head] == 'r') {
                OK(path_unlink_file, dir, BUF + at + sizeof head, head.namlen);
                removed++;
            }
            at += (uint32_t)sizeof head + head.namlen;
        }
        if (used < 512)
            break;
    }
    assert_int_equal(removed, FILES);
}

static void test_remove_while_reading(void **state)
{
    (void)state;
    OK(path_create_directory, ROOT, P1("many"));
    remove_while_reading(opened(ROOT, "many", OFLAG_DIRECTORY, 0, 0), host_path("many"));
}

static void test_remove_while_reading_tmpfs(void **state)
{
    (void)state;
    char dir[] = "/dev/shm/wasi-test-XXXXXX";
    if (!mkdtemp(dir))
        skip();
    struct config config = { .grants = (struct grant[]){ { .host = dir, .guest = "/" } },
                             .ngrants = 1 };
    wasi_close(wasi);
    wasi = wasi_new(&config);
    remove_while_reading(ROOT, dir);
    rmdir(dir);
}

static void test_many_entries(void **state)
{
    (void)state;
    for (int i = 0; i < 3000; i++) {
        char name[64];
        snprintf(name, sizeof name, "sub/entry-with-a-name-of-some-length-%05d", i);
        host_file(name, "");
    }
    uint32_t sub = opened(ROOT, "sub", 0, GO_RDONLY, 0);
    list(sub, 8192, 0);
    assert_int_equal(nentries, 3003);
    assert_int_equal(count("entry-with-a-name-of-some-length-02999"), 1);
    list(sub, 65536, 0);
    assert_int_equal(nentries, 3003);
    kicked = 1;
    ERR(INTR, fd_readdir, sub, BUF, 65536, 0, OUT);
}

/* Read-ahead is kept for so many descriptors; the others work without. */
static void test_many_directories(void **state)
{
    (void)state;
    enum { N = 300 };
    uint64_t cookies[N];
    for (uint32_t i = 0; i < N; i++) {
        opened(ROOT, ".", 0, GO_RDONLY, 0);
        OK(fd_readdir, FIRST + i, BUF, 52, 0, OUT); /* stops in the third entry */
        cookies[i] = 2;
    }
    assert_true(wasi->dir_streams <= 256);
    for (uint32_t i = 0; i < N; i++) {
        list(FIRST + i, 100, cookies[i]);
        assert_int_equal(nentries, 2);
        OK(fd_close, FIRST + i);
    }
    assert_int_equal(wasi->dir_streams, 0);
}

/* The directory goes while it is read: its end or NOENT, wherever the reader stands, and never
 * INVAL. */
static void test_removed_directory(void **state)
{
    (void)state;
    mkdir(host_path("gone"), 0755);
    for (int i = 0; i < 10; i++) {
        char name[24];
        snprintf(name, sizeof name, "gone/%d", i);
        host_file(name, "");
    }
    uint32_t fd = opened(ROOT, "gone", 0, GO_RDONLY, 0);
    list(fd, 4096, 0);
    uint64_t cookies[16];
    uint32_t n = nentries;
    assert_int_equal(n, 12);
    for (uint32_t i = 0; i < n; i++)
        cookies[i] = entries[i].head.next;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", host_path("gone"));
    assert_int_equal(system(command), 0);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t err = CALL(fd_readdir, fd, BUF, 4096, cookies[i], OUT);
        assert_true(err == WASI_NOENT || err == WASI_SUCCESS);
    }
}

/* ---- places ---- */

enum { NAMES = 300, COOKIES = NAMES + 2 };

static void names_make(const char *dir)
{
    mkdir(host_path(dir), 0755);
    for (int i = 0; i < NAMES; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/old-%03d", dir, i);
        host_file(name, "");
    }
}

static void cookies_take(uint32_t fd, uint64_t cookies[COOKIES])
{
    list(fd, 4096, 0);
    assert_int_equal(nentries, COOKIES);
    for (uint32_t i = 0; i < COOKIES; i++)
        cookies[i] = entries[i].head.next;
}

/* As telldir keeps them: in 32 bits, also where the first place was sought again, which is no
 * rewinddir. */
static void test_cookies_fit_32_bits(void **state)
{
    (void)state;
    static const uint32_t sought[] = { 0, 1, 2, 50, 299, 150, 301, 3, 200 };
    uint64_t cookies[COOKIES];
    names_make("many");
    uint32_t fd = opened(ROOT, "many", OFLAG_DIRECTORY, 0, 0);
    cookies_take(fd, cookies);
    struct entry all[COOKIES];
    memcpy(all, entries, sizeof all);
    for (uint32_t i = 0; i < COOKIES; i++)
        assert_in_range(cookies[i], 1, INT32_MAX);
    for (size_t i = 0; i < sizeof sought / sizeof *sought; i++) {
        OK(fd_readdir, fd, BUF, 200, 0, OUT);
        OK(fd_readdir, fd, BUF, 200, cookies[sought[i]], OUT);
        if (sought[i] == COOKIES - 1)
            assert_int_equal(out32(), 0);
        else
            assert_memory_equal(guest + BUF + sizeof(struct wasi_dirent), all[sought[i] + 1].name,
                                strlen(all[sought[i] + 1].name));
    }
    for (uint64_t wrong = COOKIES + 1; wrong; wrong = wrong * 3 > wrong ? wrong * 3 : 0)
        ERR(INVAL, fd_readdir, fd, BUF, 200, wrong, OUT);
}

/* Names come and go; what follows each old place is what follows it natively. */
static void test_places_stay_right(void **state)
{
    (void)state;
    uint64_t cookies[COOKIES];
    long native[COOKIES] = { 0 };
    char name[64];
    names_make("many");
    uint32_t fd = opened(ROOT, "many", OFLAG_DIRECTORY, 0, 0);
    cookies_take(fd, cookies);
    DIR *dir = opendir(host_path("many"));
    for (int i = 0; i < COOKIES; i++) {
        assert_non_null(readdir(dir));
        native[i] = telldir(dir);
    }
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "many/%s-%03d", i % 3 ? "new" : "old", i);
        if (i % 3)
            host_file(name, "");
        else
            unlink(host_path(name));
    }
    for (int i = COOKIES - 1; i >= 2; i -= 7) {
        seekdir(dir, native[i]);
        list(fd, 4096, cookies[i]);
        uint32_t n = 0;
        for (struct dirent *e; (e = readdir(dir)) != NULL;)
            if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                assert_string_equal(entries[n++].name, e->d_name);
        assert_int_equal(nentries, n);
    }
    closedir(dir);
}

/* Sixteen bytes for each entry, and none for one that is read again. */
static void test_places_take_little(void **state)
{
    (void)state;
    uint64_t cookies[COOKIES];
    names_make("many");
    uint32_t fd = opened(ROOT, "many", OFLAG_DIRECTORY, 0, 0);
    cookies_take(fd, cookies);
    uint32_t room = wasi->dir_places;
    assert_in_range(room, NAMES, NAMES + NAMES / 8 + 1);
    for (int i = COOKIES - 1; i >= 0; i--)
        list(fd, 4096, cookies[i]);
    cookies_take(fd, cookies);
    assert_int_equal(wasi->dir_places, room);
    OK(fd_close, fd);
    assert_int_equal(wasi->dir_places, 0);
}

/* One limit for the run, then an errno; closing frees, and so does a start from 0 where the room is
 * wanted. */
static void test_places_have_a_limit(void **state)
{
    (void)state;
    uint64_t cookies[COOKIES];
    names_make("many");
    uint32_t a = opened(ROOT, "many", OFLAG_DIRECTORY, 0, 0),
             b = opened(ROOT, "many", OFLAG_DIRECTORY, 0, 0);
    const uint32_t others = PLACES_MOST - NAMES - NAMES / 8;
    wasi->dir_places = others;
    cookies_take(a, cookies);
    OK(fd_readdir, a, BUF, 4096, cookies[9], OUT); /* its places are in use */
    list(b, 4096, 0); /* what is read once, from end to end, needs no room */
    assert_int_equal(nentries, COOKIES);
    ERR(INVAL, fd_readdir, b, BUF, 4096, COOKIE_KERNEL, OUT);
    OK(fd_readdir, b, BUF, 200, 0, OUT);
    OK(fd_readdir, b, BUF, 200, COOKIE_KERNEL, OUT); /* now it has gone back */
    ERR(NOMEM, fd_readdir, b, 0x40000, 60000, COOKIE_KERNEL, OUT);
    OK(fd_readdir, a, BUF, 4096, cookies[200], OUT);
    OK(fd_readdir, a, BUF, 4096, 0, OUT);
    OK(fd_readdir, b, 0x40000, 60000, COOKIE_KERNEL, OUT);
    ERR(INVAL, fd_readdir, a, BUF, 4096, cookies[200], OUT);
    OK(fd_close, b);
    cookies_take(a, cookies);
    OK(fd_close, a);
    assert_int_equal(wasi->dir_places, others);
    wasi->dir_places = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_list),
        TEST(test_kinds_that_nobody_tells),
        TEST(test_a_containers_top),
        TEST(test_cookies),
        TEST(test_buffer_sizes),
        TEST(test_cut_entries),
        TEST(test_remove_while_reading),
        TEST(test_remove_while_reading_tmpfs),
        TEST(test_many_entries),
        TEST(test_many_directories),
        TEST(test_removed_directory),
        TEST(test_cookies_fit_32_bits),
        TEST(test_places_stay_right),
        TEST(test_places_take_little),
        TEST(test_places_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
