/* The directory: whose it must be, which files are believed, how an image gets its name, what goes
 * when it is full. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#undef fail
#include "vmm/cache/cache.h"

static bool no_streams; /* of directories */

DIR *fdopendir(int fd)
{
    char name[40];
    if (no_streams) {
        errno = ENOMEM;
        return NULL;
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    DIR *all = opendir(name);
    close(fd);
    return all;
}

static char place[64];
static int dir;
static const struct hash key = {{0xab, 0xcd}};
#define NAME "abcd000000000000000000000000000000000000000000000000000000000000"

static int setup(void **state)
{
    struct failure why;
    (void)state;
    strcpy(place, "/tmp/wasmvm-store-XXXXXX");
    assert_non_null(mkdtemp(place));
    dir = store_open(place, &why);
    assert_true(dir >= 0);
    return 0;
}

static void remove_one(void *context, int at, const struct store_file *file)
{
    (void)context;
    unlinkat(at, file->name, 0);
}

static int teardown(void **state)
{
    (void)state;
    store_each(dir, remove_one, NULL);
    close(dir);
    rmdir(place);
    return 0;
}

static bool there(const char *suffix)
{
    char name[80];
    snprintf(name, sizeof name, NAME ".%s", suffix);
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A file that reads as an image. */
static void image_write(int fd)
{
    struct saved s = {.head = {.module_bytes = 1}};
    uint8_t page[SAVED_PAGE] = {0};
    s.extents = malloc(1);
    assert_true(write_at(fd, page, sizeof page, SAVED_PAGE) && saved_write(fd, &s));
    saved_free(&s);
}

static void test_directories(void **state)
{
    (void)state;
    struct failure why;
    char below[128], link[128];
    snprintf(below, sizeof below, "%s/a/b", place);
    int made = store_open(below, &why);
    struct stat st;
    assert_true(made >= 0 && fstat(made, &st) == 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    close(made);
    snprintf(link, sizeof link, "%s/link", place);
    assert_int_equal(symlink(below, link), 0);
    assert_int_equal(store_open(link, &why), -1);
    assert_non_null(strstr(why.text, "symbolic link"));
    unlink(link);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(chmod(below, i ? 0702 : 0720), 0);
        assert_int_equal(store_open(below, &why), -1);
        assert_non_null(strstr(why.text, "others may write"));
    }
    if (geteuid() == 0) {
        assert_int_equal(chmod(below, 0700) | chown(below, 12345, 0), 0);
        assert_int_equal(store_open(below, &why), -1);
        assert_int_equal(chown(below, 65534, 0) | chmod(place, 0711) | seteuid(65534), 0);
        int found = store_open(below, &why);
        assert_int_equal(seteuid(0), 0);
        assert_int_equal(found, -1);
    }
    rmdir(below);
    *strrchr(below, '/') = 0;
    rmdir(below);
}

static void test_files_that_are_not_believed(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 5; how++) {
        int fd = openat(dir, NAME ".img", O_RDWR | O_CREAT | O_EXCL, 0600);
        assert_true(fd >= 0);
        if (how == 0)
            fchmod(fd, 0640);
        else if (how == 1)
            fchmod(fd, 0602);
        else if (how == 2)
            assert_int_equal(linkat(dir, NAME ".img", dir, "second", 0), 0);
        else if (how == 3)
            assert_true(unlinkat(dir, NAME ".img", 0) == 0 &&
                        symlinkat("/etc/hostname", dir, NAME ".img") == 0);
        else if (geteuid() == 0)
            assert_int_equal(fchown(fd, 12345, 0), 0);
        else
            fchmod(fd, 0604);
        close(fd);
        assert_int_equal(store_file(dir, &key, "img", O_RDONLY), -1);
        assert_false(there("img"));
        unlinkat(dir, "second", 0);
    }
    int fd = store_file(dir, &key, "img", O_RDWR | O_CREAT);
    assert_true(fd >= 0);
    close(fd);
}

static void test_publishing(void **state)
{
    (void)state;
    int fd = store_begin(dir, &key);
    assert_true(fd >= 0);
    assert_int_equal(store_begin(dir, &key), -1); /* one maker at a time */
    image_write(fd);
    store_publish(dir, &key); /* it is not gone yet */
    assert_true(there("new") && !there("img"));
    close(fd);
    store_publish(dir, &key);
    assert_true(!there("new") && there("img"));
    fd = store_begin(dir, &key); /* a maker that died */
    assert_true(fd >= 0);
    close(fd);
    store_publish(dir, &key);
    assert_true(!there("new") && there("img"));
}

static void times_set(const char *name, time_t seconds)
{
    const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
    assert_int_equal(utimensat(dir, name, times, 0), 0);
}

static void file_make(unsigned number, const char *suffix, size_t bytes, time_t age)
{
    struct hash one = {{(uint8_t)number}};
    char name[80];
    snprintf(name, sizeof name, "%02x%062d.%s", number, 0, suffix);
    int fd = store_file(dir, &one, suffix, O_RDWR | O_CREAT);
    assert_true(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
    close(fd);
    times_set(name, age);
}

struct seen { char first[80]; int n; uint64_t bytes; };

static void see(void *context, int at, const struct store_file *file)
{
    struct seen *seen = context;
    (void)at;
    if (!seen->n++)
        strcpy(seen->first, file->name);
    seen->bytes += file->bytes;
}

static void test_bounds(void **state)
{
    (void)state;
    struct seen seen = {.n = 0};
    int other = openat(dir, "somebody's", O_RDWR | O_CREAT, 0600); /* is left alone */
    close(other);
    for (unsigned i = 0; i < 10; i++)
        file_make(i, "img", 1000, 1000 - (time_t)i); /* the last is the oldest */
    store_bound(dir, 10000, 10);
    assert_int_equal(store_each(dir, see, &seen), 10);
    assert_int_equal(strncmp(seen.first, "09", 2), 0);
    store_bound(dir, 10000, 7);
    seen = (struct seen){.n = 0};
    assert_int_equal(store_each(dir, see, &seen), 7);
    assert_int_equal(strncmp(seen.first, "06", 2), 0);
    store_bound(dir, 3500, 7);
    assert_int_equal(store_each(dir, see, &seen), 3);
    for (unsigned i = 100; i < 120; i++)
        file_make(i, "list", 10, 5000 + (time_t)i);
    store_bound(dir, 100000, 3);
    assert_int_equal(store_each(dir, see, &seen), 12); /* lists without an image are bounded too */
    assert_int_equal(faccessat(dir, "somebody's", F_OK, 0), 0);
    unlinkat(dir, "somebody's", 0);
}

/* While somebody else tidies, nobody does, and nobody waits: the alarm is for who would. */
static void test_somebody_else_tidies(void **state)
{
    (void)state;
    struct seen seen = {.n = 0};
    int other = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(other, LOCK_EX), 0);
    for (unsigned i = 0; i < 3; i++)
        file_make(i, "img", 1000, 1000);
    alarm(100);
    store_bound(dir, 1000, 1);
    alarm(0);
    assert_int_equal(store_each(dir, see, &seen), 3);
    close(other);
    store_bound(dir, 1000, 1);
    assert_int_equal(store_each(dir, see, &seen), 1);
    other = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0); /* who tidied has left */
    close(other);
}

static void test_lists(void **state)
{
    (void)state;
    struct list in = {.body_bytes = 70000}, out;
    int fd = store_file(dir, &key, "list", O_RDWR | O_CREAT);
    assert_false(list_read(fd, &out)); /* empty */
    in.bits[3] = 0x81;
    in.bits[LIST_BYTES - 1] = 1;
    assert_true(list_write(fd, &in) && list_read(fd, &out));
    assert_memory_equal(&in, &out, sizeof in);
    in.bits[LIST_BYTES - 1] = 0;
    assert_true(list_write(fd, &in) && list_read(fd, &out));
    assert_memory_equal(&in, &out, sizeof in);
    assert_int_equal(lseek(fd, 0, SEEK_END), 24 + 4); /* as short as can be */
    for (off_t bit = 0; bit < 28 * 8; bit++) {
        uint8_t byte;
        assert_true(read_at(fd, &byte, 1, (uint64_t)bit / 8));
        byte ^= (uint8_t)(1u << bit % 8);
        assert_true(write_at(fd, &byte, 1, (uint64_t)bit / 8));
        assert_false(list_read(fd, &out));
        byte ^= (uint8_t)(1u << bit % 8);
        assert_true(write_at(fd, &byte, 1, (uint64_t)bit / 8));
    }
    assert_int_equal(ftruncate(fd, 27), 0);
    assert_false(list_read(fd, &out));
    close(fd);
}

static void test_a_list_that_cannot_be_had(void **state)
{
    (void)state;
    int next = dup(dir), after;
    close(next);
    no_streams = true;
    assert_int_equal(store_each(dir, remove_one, NULL), -1);
    no_streams = false;
    after = dup(dir);
    assert_int_equal(after, next); /* nothing stays open */
    close(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_directories, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_that_are_not_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_publishing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_somebody_else_tidies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_list_that_cannot_be_had, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
