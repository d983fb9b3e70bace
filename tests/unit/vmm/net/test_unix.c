/* Which directory a unix socket's path means: the grant with the longest name that covers it, by
 * whole components. */
#include <dirent.h>

#include "tests/unit/vmm/net/fixture.h"

static struct grant several[2];

static int setup_in(const char *pwd, bool turned)
{
    static char *args[] = { "app.wasm" };
    static char sub[96];
    static char *env[1];
    signal(SIGPIPE, SIG_IGN);
    kicked = 0;
    memory_make();
    root_make();
    snprintf(sub, sizeof sub, "%s/sub", root);
    several[turned] = (struct grant){ .host = root, .guest = "/d" };
    several[!turned] = (struct grant){ .host = sub, .guest = "/d/in" };
    env[0] = (char *)pwd;
    static const struct settings settings = { .allow_unix = true };
    struct config config = { .args = args,
                             .argc = 1,
                             .grants = several,
                             .ngrants = 2,
                             .env = env,
                             .envc = pwd != NULL,
                             .set = &settings };
    wasi = wasi_new(&config);
    return 0;
}

static int setup_plain(void **state)
{
    (void)state;
    return setup_in(NULL, false);
}

static int setup_turned(void **state)
{
    (void)state;
    return setup_in("PWD=/d/in", true);
}

static uint32_t bound(const char *path)
{
    uint32_t fd = opened_socket(FAMILY_UNIX, SOCKTYPE_STREAM);
    uint32_t err = CALL(sock_bind, fd, storage(FAMILY_UNIX, path, strlen(path) + 1), 0);
    if (!err)
        OK(sock_listen, fd, 5);
    else
        OK(fd_close, fd);
    return err;
}

static uint32_t connected(const char *path)
{
    uint32_t fd = opened_socket(FAMILY_UNIX, SOCKTYPE_STREAM);
    uint32_t err = CALL(sock_connect, fd, storage(FAMILY_UNIX, path, strlen(path) + 1), 0);
    if (!err) {
        OK(sock_getlocaladdr, fd, room(), PORT_OUT);
        /* it has no name */
        assert_true(guest[ADDR_BUF] == FAMILY_UNIX && guest[ADDR_BUF + 2] == 0);
        OK(sock_getpeeraddr, fd, room(), PORT_OUT);
        assert_string_equal((char *)guest + ADDR_BUF + 2, path); /* the guest's word for it */
    }
    OK(fd_close, fd);
    return err;
}

static unsigned descriptors(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void test_the_longest_name_counts(void **state)
{
    (void)state;
    static const struct { const char *path, *host;
    } good[] = {
        { "/d/a", "a" },          { "/d//b", "b" },        { "/d/in/c", "sub/c" },
        { "/d/in//d", "sub/d" },  { "/d/sub/e", "sub/e" }, { "/d/inner", "inner" },
        { "/d/./f", "f" },        { "/d/sub/../g", "g" },  { "//d/h", "h" },
        { "/./d/in/i", "sub/i" },
    };
    unsigned before = descriptors();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(bound(good[i].path), WASI_SUCCESS);
        assert_true(host_has(good[i].host));
        assert_int_equal(connected(good[i].path), WASI_SUCCESS);
        assert_int_equal(bound(good[i].path), WASI_ADDRINUSE);
    }
    assert_int_equal(descriptors(), before + sizeof good / sizeof *good);
    assert_int_equal(connected("/d/sub/c"), WASI_SUCCESS); /* one socket under two names */
}

static void test_what_no_name_covers(void **state)
{
    (void)state;
    static const char *const nowhere[] = {
        "/dx/a", "/", "/e", "d/a", "s", "/di", "/etc/s", "//dx/a"
    };
    unsigned before = descriptors();
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
        if (bound(nowhere[i]) != WASI_NOENT || connected(nowhere[i]) != WASI_NOENT)
            print_error("%s\n", nowhere[i]), assert_true(false);
    static const char *const directories[] = { "/d",     "/d/",      "/d/in",  "/d/in/",
                                               "/d/sub", "/d/sub/.", "/d/in/." };
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
        if (bound(directories[i]) != WASI_ADDRINUSE ||
            connected(directories[i]) != WASI_CONNREFUSED)
            print_error("%s\n", directories[i]), assert_true(false);
    /* no name of a new file, before it leads anywhere */
    assert_int_equal(bound("/d/in/.."), WASI_ADDRINUSE);
    assert_int_equal(connected("/d/in/../file"), WASI_PERM);
    assert_int_equal(connected("/d/file"), WASI_CONNREFUSED);
    char path[126] = "/d/";
    memset(path + 3, 'x', 104); /* 107 bytes */
    assert_int_equal(connected(path), WASI_NOENT);
    path[107] = 'x';
    assert_int_equal(connected(path), WASI_NAMETOOLONG);
    assert_int_equal(bound(path), WASI_NAMETOOLONG);
    assert_int_equal(descriptors(), before);
    assert_int_equal(wasi->net->sockets, 0);
}

static void test_connected_once(void **state)
{
    (void)state;
    assert_int_equal(bound("/d/s"), WASI_SUCCESS);
    uint32_t fd = opened_socket(FAMILY_UNIX, SOCKTYPE_STREAM);
    OK(sock_connect, fd, storage(FAMILY_UNIX, "/d/s", 5), 0);
    ERR(ISCONN, sock_connect, fd, storage(FAMILY_UNIX, "/d/s", 5), 0);
    ERR(ISCONN, sock_connect, fd, storage(FAMILY_UNIX, "/d/none", 8), 0);
}

static void test_relative_to_pwd(void **state)
{
    (void)state;
    assert_int_equal(bound("s"), WASI_SUCCESS);
    assert_true(host_has("sub/s"));
    assert_int_equal(connected("./s"), WASI_SUCCESS);
    assert_int_equal(connected("/d/in/s"), WASI_SUCCESS);
    assert_int_equal(connected("../s"), WASI_PERM);
    assert_int_equal(connected("/s"), WASI_NOENT);
}

#define PLAIN(name) cmocka_unit_test_setup_teardown(name, setup_plain, teardown)
#define TURNED(name) cmocka_unit_test_setup_teardown(name, setup_turned, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN(test_the_longest_name_counts),
        TURNED(test_the_longest_name_counts),
        PLAIN(test_what_no_name_covers), PLAIN(test_connected_once),
        TURNED(test_relative_to_pwd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
