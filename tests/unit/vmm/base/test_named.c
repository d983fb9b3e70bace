/* The door for what options name, against trees as a guest leaves them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/vmm/cli/child.h"
#include "vmm/base/message.h"

static char home[] = "/tmp/test_named.XXXXXX";
static const char *const granted[] = {"grant"};
static const struct names grant = {granted, 1}, none = {NULL, 0};

/* 0, or the errno; what is opened is closed, and nothing else is left open. */
static int tried(const struct names *writable, const char *path, int flags)
{
    int before = host_descriptors(), fd = named_open(writable, path, flags, 0600), error = errno;
    if (fd >= 0)
        close(fd);
    assert_int_equal(host_descriptors(), before);
    return fd < 0 ? error : 0;
}

static void holds(const char *path, const char *text)
{
    char got[64] = "";
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && read(fd, got, sizeof got - 1) >= 0);
    close(fd);
    assert_string_equal(got, text);
}

static void file_make(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* Each name below is a link in the grant, or leads through one. */
static void test_links_of_a_guest(void **state)
{
    static const char *const paths[] = {
        "grant/link",
        "grant/dangling",
        "grant/sub/link",
        "grant/up/victim",
        "./grant/../grant/link",
        "grant/chain",
        "outside/into",
        "outside/into-dir/link",
        "again/link",
        "grant/self",
        "grant/sub/../link",
        "grant/rootlink",
        "outside/../grant/up/new",
    };
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (tried(&grant, paths[i], O_WRONLY | O_CREAT) != NAMED_LINK)
            fail_msg("%s: %s", paths[i], strerror(tried(&grant, paths[i], O_WRONLY | O_CREAT)));
        assert_int_equal(tried(&grant, paths[i], O_RDONLY), NAMED_LINK);
        assert_true(named_is_guests(&grant, paths[i]));
    }
    assert_int_equal(tried(&grant, "grant/up", O_RDONLY | O_DIRECTORY), NAMED_LINK);
    assert_int_equal(access("made", F_OK), -1);
    assert_int_equal(access("new", F_OK), -1);
    holds("victim", "mine");
}

static void test_other_links_work(void **state)
{
    (void)state;
    assert_int_equal(tried(&none, "grant/link", O_RDONLY), 0);
    assert_int_equal(tried(&grant, "outside/link", O_RDONLY), 0);
    assert_int_equal(tried(&grant, "outside/far", O_RDONLY), 0);
    assert_int_equal(tried(&grant, "outside/dir/plain", O_RDONLY), 0);
    assert_int_equal(tried(&grant, "outside/dir/", O_RDONLY | O_DIRECTORY), 0);
    assert_int_equal(tried(&grant, "outside/loop", O_RDONLY), ELOOP);
    assert_int_equal(tried(&grant, "outside/nowhere", O_RDONLY), ENOENT);
    /* what it names is made */
    assert_int_equal(tried(&grant, "outside/nowhere", O_WRONLY | O_CREAT), 0);
    assert_int_equal(unlink("outside/born"), 0);
    assert_int_equal(tried(&grant, "/proc/self/exe", O_RDONLY), 0);
    assert_int_equal(tried(&grant, "/proc/self/cwd/outside/link", O_RDONLY), 0);
    assert_int_equal(tried(&grant, "/proc/self/cwd/grant/link", O_RDONLY), NAMED_LINK);
}

static void test_plain_names(void **state)
{
    (void)state;
    assert_int_equal(tried(&grant, "grant/plain", O_WRONLY), 0);
    assert_int_equal(tried(&grant, "grant/report", O_WRONLY | O_CREAT), 0);
    assert_int_equal(tried(&grant, "grant/no/report", O_WRONLY | O_CREAT), ENOENT);
    assert_int_equal(tried(&grant, "grant", O_RDONLY | O_DIRECTORY), 0);
    assert_int_equal(tried(&grant, "", O_RDONLY), ENOENT);
    assert_true(named_is_guests(&grant, "grant/plain"));
    assert_true(named_is_guests(&grant, "outside/dir/../grant/plain"));
    assert_false(named_is_guests(&grant, "victim"));
    assert_false(named_is_guests(&grant, "outside/link"));
    assert_int_equal(unlink("grant/report"), 0);
}

/* By whatever way it is reached, a file in a grant is the guest's. */
static void test_files_of_guests(void **state)
{
    char path[40];
    int fd = open("grant/plain", O_RDWR), mine = open("victim", O_RDONLY);
    (void)state;
    assert_int_equal(symlink("../grant/plain", "outside/to-theirs"), 0);
    assert_int_equal(link("grant/plain", "outside/theirs"), 0);
    assert_true(named_is_guests(&grant, "outside/to-theirs"));
    assert_true(named_is_guests(&grant, "outside/theirs"));
    assert_false(named_is_guests(&none, "outside/theirs"));
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    assert_true(named_is_guests(&grant, path));
    snprintf(path, sizeof path, "/proc/thread-self/fd/%d", fd);
    assert_true(named_is_guests(&grant, path));
    snprintf(path, sizeof path, "/dev/fd/%d", mine);
    assert_false(named_is_guests(&grant, path));
    assert_int_equal(unlink("outside/to-theirs") | unlink("outside/theirs"), 0);
    assert_int_equal(close(fd) | close(mine), 0);
}

/* Where this process may not write, no guest of it made a link. */
static void test_links_that_no_guest_made(void **state)
{
    (void)state;
    if (geteuid() == 0 && seteuid(65534) != 0)
        skip();
    assert_int_equal(
        tried(&(struct names){ (const char *[]){ "/" }, 1 }, "/proc/self/fd/../exe", O_RDONLY), 0);
    assert_int_equal(
        tried(&(struct names){ (const char *[]){ "roots" }, 1 }, "roots/link", O_RDONLY), 0);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(
        tried(&(struct names){ (const char *[]){ "roots" }, 1 }, "roots/link", O_RDONLY),
        NAMED_LINK);
}

/* A description of ours is shared, and stays as it is. */
static void test_own_descriptors(void **state)
{
    char path[40], text[] = "abcdef";
    (void)state;
    file_make("own", text);
    int fd = open("own", O_RDWR), read_only = open("own", O_RDONLY);
    assert_true(fd >= 0 && read_only >= 0 && lseek(fd, 3, SEEK_SET) == 3);
    for (int way = 0; way < 2; way++) {
        snprintf(path, sizeof path, way ? "/proc/self/fd/%d" : "/dev/fd/%d", fd);
        assert_true(named_is_own(path));
        int copy = named_open(&grant, path, O_WRONLY, 0);
        assert_true(copy >= 0 && copy != fd);
        assert_int_equal(lseek(copy, 0, SEEK_CUR), 3);
        close(copy);
    }
    snprintf(path, sizeof path, "/dev/fd/%d", read_only);
    assert_int_equal(tried(&grant, path, O_WRONLY), EACCES);
    assert_int_equal(tried(&grant, path, O_RDONLY), 0);
    close(fd);
    close(read_only);
    assert_int_equal(tried(&grant, path, O_RDONLY), EBADF);
    assert_false(named_is_own("/dev/fd/x"));
    assert_false(named_is_own("/dev/fd/"));
    assert_false(named_is_own("/dev/fd/1/../2"));
    assert_true(named_is_own("/dev/stderr"));
    unlink("own");
}

static int enter_home(void **state)
{
    static const char *const dirs[] = {"grant", "grant/sub", "outside", "roots", "plain"};
    static const char *const links[][2] = {
        { "../victim", "grant/link" },
        { "../made", "grant/dangling" },
        { "../../victim", "grant/sub/link" },
        { "..", "grant/up" },
        { "../outside/link", "grant/chain" },
        { "../grant/link", "outside/into" },
        { "../grant", "outside/into-dir" },
        { "grant", "again" },
        { "self", "grant/self" },
        { "/etc/passwd", "grant/rootlink" },
        { "../victim", "outside/link" },
        { "link", "outside/far" },
        { "../grant", "outside/dir" },
        { "loop", "outside/loop" },
        { "born", "outside/nowhere" },
        { "../victim", "roots/link" },
    };
    (void)state;
    if (!mkdtemp(home) || chdir(home) != 0 || chmod(home, 0755) != 0)
        return -1;
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
        assert_int_equal(mkdir(dirs[i], 0755), 0);
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        assert_int_equal(symlink(links[i][0], links[i][1]), 0);
    file_make("victim", "mine");
    file_make("grant/plain", "text");
    return chmod("victim", 0644);
}

static int leave_home(void **state)
{
    char command[100];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", home);
    return chdir("/") == 0 ? system(command) : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links_of_a_guest), cmocka_unit_test(test_other_links_work),
        cmocka_unit_test(test_plain_names),      cmocka_unit_test(test_links_that_no_guest_made),
        cmocka_unit_test(test_files_of_guests),  cmocka_unit_test(test_own_descriptors),
    };
    return cmocka_run_group_tests(tests, enter_home, leave_home);
}
