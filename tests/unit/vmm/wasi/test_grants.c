/* --dir at the start: what is refused, and with which words. */
#include "tests/unit/vmm/cli/child.h"
#include "tests/unit/vmm/wasi/fixture.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define GRANTS_MAX 4
static struct grant grants[GRANTS_MAX];
static uint32_t ngrants;
static char said[512];

static void grant(const char *name, bool read_only)
{
    static char paths[GRANTS_MAX][256];
    snprintf(paths[ngrants], sizeof paths[0], "%s", name[0] == '/' ? name : host_path(name));
    grants[ngrants] =
        (struct grant){ .host = paths[ngrants], .guest = "/x", .read_only = read_only };
    ngrants++;
}

static void no_preparation(void)
{
}

struct start { void (*prepare)(void); };

static void act_start(const void *start)
{
    struct config config = { .grants = grants, .ngrants = ngrants };
    ((const struct start *)start)->prepare();
    wasi = wasi_new(&config);
    _exit(desc_get(wasi, 2 + ngrants) ? 0 : 99);
}

/* wasi_new in a child; its exit status, and what it said. */
static int start_with(void (*prepare)(void))
{
    int status = in_child(STDERR_FILENO, said, sizeof said, act_start, &(struct start){ prepare });
    ngrants = 0;
    return status;
}

static void refused(const char *a, const char *b)
{
    assert_int_equal(start_with(no_preparation), EXIT_MONITOR);
    assert_non_null(strstr(said, a));
    assert_non_null(strstr(said, b));
    assert_int_equal(strchr(said, '\n') - said, strlen(said) - 1); /* one line */
    assert_memory_equal(said, "wasmvm: ", 8);
}

static void test_bad_directories(void **state)
{
    (void)state;
    grant("none", false);
    refused("/none", "No such file");
    grant("file", false);
    refused("/file", "Not a directory");
    mkfifo(host_path("fifo"), 0600);
    grant("fifo", false); /* and does not wait for a writer */
    refused("/fifo", "Not a directory");
    grant("/proc", false);
    refused("/proc", "(proc, 0x9fa0) is not of a kind that is used");
    grant("/sys/kernel", true);
    refused("/sys/kernel", "(sysfs, ");
    grant("/proc/self/fd", true);
    refused("/proc/self/fd", "(proc, ");
    grant("sub", false);
    assert_int_equal(start_with(no_preparation), 0);
    assert_int_equal(symlink(root, host_path("link")), 0);
    grant("link", false); /* the user's own links are followed */
    assert_int_equal(start_with(no_preparation), 0);
}

static void test_modes_inside_each_other(void **state)
{
    (void)state;
    char name[80];
    mkdir(host_path("sub/deep"), 0755);
    mkdir(host_path("beside"), 0755);
    for (int mode = 0; mode < 2; mode++) {
        grant(".", mode);
        grant("sub/deep", !mode);
        refused(host_path("."), host_path("sub/deep"));
        grant("sub", mode);
        grant("sub", !mode);
        refused("/sub", "lies in");
        grant("sub", mode);
        grant("beside", !mode);
        assert_int_equal(start_with(no_preparation), 0);
        grant(".", mode);
        grant("sub", mode);
        assert_int_equal(start_with(no_preparation), 0);
        grant("/", mode);
        grant("sub", !mode);
        refused("--dir /:", "/sub");
    }
    snprintf(name, sizeof name, "%s.ro/up", root);
    /* through a link: the directory counts, not its name */
    assert_int_equal(symlink(host_path("sub"), name), 0);
    grant(".", false);
    grant(name, true);
    refused("/up", "lies in");
}

/* sub/deep a second time, at ../R.ro (R the granted directory): no `..` leads from there to sub. */
static void mount_twice(void)
{
    char second[96], name[96];
    snprintf(second, sizeof second, "%s.ro", root);
    snprintf(name, sizeof name, "%s", host_path("sub/a deep one"));
    if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWNS | CLONE_NEWUSER) < 0)
        _exit(77);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount(name, second, NULL, MS_BIND, NULL) < 0)
        _exit(77);
}

static void test_modes_through_a_second_mount(void **state)
{
    (void)state;
    char second[96], below[112];
    snprintf(second, sizeof second, "%s.ro", root);
    snprintf(below, sizeof below, "%s/below", second);
    mkdir(host_path("sub/a deep one"), 0755);
    mkdir(host_path("sub/a deep one/below"), 0755);
    mkdir(host_path("beside"), 0755);
    const char *const pairs[][2] = {
        { second, "sub" },
        { below, "sub" },
        { second, "sub/a deep one" },
        { "sub/a deep one/below", second },
        { below, "." },
        { second, "beside" },
        { "beside", second },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (int mode = 0; mode < 2; mode++) {
            grant(pairs[i][0], mode);
            grant(pairs[i][1], !mode);
            int status = start_with(mount_twice);
            if (status == 77)
                skip(); /* mounting is not allowed here */
            assert_int_equal(status, i < 5 ? EXIT_MONITOR : 0);
            assert_true(i >= 5 || strstr(said, "lies in"));
        }
}

/* A kernel without openat2, by a filter. */
static void without_openat2(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof code / sizeof *code, code };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        _exit(97);
}

static void test_no_openat2(void **state)
{
    (void)state;
    grant("sub", false);
    assert_int_equal(start_with(without_openat2), EXIT_MONITOR);
    assert_non_null(strstr(said, "openat2"));
    assert_non_null(strstr(said, "Linux 5.8"));
    assert_int_equal(start_with(without_openat2), 0); /* without --dir nobody misses it */
}

static void few_descriptors(void)
{
    struct rlimit limit = { 40, 40 };
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void test_few_descriptors(void **state)
{
    (void)state;
    assert_int_equal(start_with(few_descriptors), EXIT_MONITOR);
    assert_non_null(strstr(said, "ulimit -n"));
}

/* The name of descriptor fd as programs look for it; "" = none here, go on; NULL = the last was
 * before. */
static const char *name_of(uint32_t fd)
{
    static char name[200];
    struct wasi_prestat prestat;
    if (CALL(fd_prestat_get, fd, OUT) != WASI_SUCCESS)
        return NULL;
    memcpy(&prestat, guest + OUT, sizeof prestat);
    if (prestat.tag != 0)
        return "";
    OK(fd_prestat_dir_name, fd, BUF, prestat.name_len);
    memcpy(name, guest + BUF, prestat.name_len);
    name[prestat.name_len] = 0;
    return name;
}

/* A further name of a directory moves no socket, and is found behind them. */
static void test_last_names(void **state)
{
    (void)state;
    const char *listen[] = { "127.0.0.1:0" };
    struct settings settings = { .allow_unix = false };
    struct grant all[] = { { .host = root, .guest = "/d" },
                           { .host = root, .guest = "/alias", .last = true },
                           { .host = root, .guest = "." } };
    struct config config = { .grants = all, .ngrants = 3, .set = &settings };
    for (uint32_t sockets = 0; sockets < 2; sockets++) {
        settings.listen.at = listen;
        settings.listen.n = sockets;
        wasi_close(wasi);
        wasi = wasi_new(&config);
        assert_string_equal(name_of(3), "/d");
        assert_string_equal(name_of(4), ".");
        assert_int_equal(desc_get(wasi, 5)->ops != &directory_ops, sockets);
        if (sockets)
            assert_string_equal(name_of(5), "");
        assert_string_equal(name_of(5 + sockets), "/alias");
        assert_null(name_of(6 + sockets));
        assert_null(name_of(0));
        assert_int_equal(OPEN(5 + sockets, "file", 0, GO_RDONLY, 0), WASI_SUCCESS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bad_directories), TEST(test_modes_inside_each_other),
        TEST(test_modes_through_a_second_mount), TEST(test_no_openat2),
        TEST(test_few_descriptors), TEST(test_last_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
