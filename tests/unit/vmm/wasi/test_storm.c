/* Every path call, fifty thousand times at random, with every trick that a path can hold, while a
 * second process moves directories and links about; once with grants that have names of their own,
 * and once with those that they have on the host, so that absolute links lead from one to the
 * other.  Whatever the guest gets open lies in a grant; nothing outside changes, nothing read-only
 * changes, no descriptor of the host is left over.  WASMVM_STORM=N does N calls, WASMVM_SEED=N
 * others. */
#include "tests/unit/vmm/cli/child.h"
#include "tests/unit/vmm/wasi/fixture.h"

#include <dirent.h>
#include <limits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const char *const pieces[] = {
    "..",        ".",          "",        "a",
    "b",         "a/deep",     "link",    "up",
    "abs",       "root",       "loop",    "file",
    "fifo",      "null",       "sub",     "inner",
    "new",       "swap",       "outside", "outside/secret",
    "secret",    "../outside", "../..",   "proc/self/environ",
    "x\xff",     "..a",        "...",     "to-rw",
    "to-rw",     "to-ro",      "to-ro",   "to-ro/file",
    "to-rw/sub", "chain",
};
enum { PIECES = sizeof pieces / sizeof pieces[0] };
static char outside[128], read_only[128];

static uint64_t seed = 88172645463325252ull;
static uint64_t any(uint64_t n)
{
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (seed >> 11) % n;
}

/* Up to five pieces, with slashes before, between and behind. */
static uint64_t path_at(uint64_t at, char path[512])
{
    *path = 0;
    if (any(12) == 0)
        strcat(path, "/");
    for (uint64_t n = 1 + any(5); n > 0; n--) {
        strcat(path, pieces[any(PIECES)]);
        if (n > 1 || any(8) == 0)
            strcat(path, any(6) ? "/" : "//");
    }
    memcpy(guest + at, path, strlen(path));
    return strlen(path);
}

/* A descriptor: a grant, or one of the next few, which may be anything by now. */
static uint64_t any_fd(void)
{
    return any(3) ? ROOT + any(2) : FIRST + any(24);
}

static bool from_read_only; /* of the last call's first descriptor */

static uint32_t storm_call(void)
{
    char p[512], q[512];
    const uint64_t d = any_fd(), e = any_fd(), n = path_at(PATH1, p), m = path_at(PATH2, q);
    static const uint64_t rights[] = { 0, GO_RDONLY, GO_RDWR, GO_WRONLY };
    from_read_only = desc_get(wasi, d) && desc_get(wasi, d)->read_only;
    switch (any(18)) {
    case 0: return CALL(path_create_directory, d, PATH1, n);
    case 1: return CALL(path_remove_directory, d, PATH1, n);
    case 2: return CALL(path_unlink_file, d, PATH1, n);
    case 3: return CALL(path_rename, d, PATH1, n, e, PATH2, m);
    case 4: return CALL(path_link, d, any(2), PATH1, n, e, PATH2, m);
    case 5: return CALL(path_symlink, PATH1, n, e, PATH2, m);
    case 6: return CALL(path_readlink, d, PATH1, n, BUF, any(100), OUT);
    case 7: return CALL(path_filestat_get, d, any(2), PATH1, n, OUT);
    case 8:
        return CALL(path_filestat_set_times, d, any(2), PATH1, n, any(1000), any(1000), any(16));
    case 9: return CALL(fd_close, FIRST + any(24));
    case 10: return any(8) ? WASI_SUCCESS : CALL(fd_renumber, FIRST + any(24), FIRST + any(24));
    case 11: return CALL(fd_readdir, e, BUF, any(300), any(2) ? 0 : any(1000), OUT);
    case 12: return CALL(fd_write, FIRST + any(24), iov(BUF, 8), 1, OUT);
    case 13: return CALL(fd_filestat_set_size, FIRST + any(24), any(100));
    default:
        return CALL(path_open, d, any(2), PATH1, n, any(16), rights[any(4)], 0,
                    any(32) | FDFLAG_NONBLOCK, OUT);
    }
}

/* Where the kernel says a descriptor's file is, deleted or not. */
static void lies_in_a_grant(uint32_t fd)
{
    char link[64], path[PATH_MAX] = "";
    const struct desc *d = desc_get(wasi, fd);
    snprintf(link, sizeof link, "/proc/self/fd/%d", d->host);
    assert_true(readlink(link, path, sizeof path - 1) > 0);
    if (strstr(path, "/moved")) /* what the other process holds outside for a moment */
        return;
    bool inside = strncmp(path, root, strlen(root)) == 0 &&
                  (path[strlen(root)] == '/' || path[strlen(root)] == 0 ||
                   strncmp(path + strlen(root), ".ro", 3) == 0);
    if (!inside)
        print_error("open: %s\n", path);
    assert_true(inside);
    bool ro = strncmp(path, read_only, strlen(read_only)) == 0;
    assert_true(!ro || (d->read_only && (fcntl(d->host, F_GETFL) & O_ACCMODE) == O_RDONLY));
}

/* Names, contents, times, links of all below a directory, as one number. */
static uint64_t sum_of(const char *directory, uint64_t sum)
{
    DIR *stream = opendir(directory);
    assert_non_null(stream);
    uint64_t all = sum;
    for (struct dirent *e; (e = readdir(stream));) {
        char path[PATH_MAX];
        struct stat st;
        uint64_t one = 14695981039346656037ull;
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        if (strcmp(e->d_name, "..") == 0 || strcmp(e->d_name, "moved") == 0 || lstat(path, &st) < 0)
            continue;
        for (const char *c = path; *c; c++)
            one = (one ^ (uint8_t)*c) * 1099511628211u;
        one ^= st.st_mode * 41u;
        /* size, links and times of the directory itself are the other process's too */
        if (!S_ISDIR(st.st_mode))
            one ^= (uint64_t)st.st_size * 31 + (uint64_t)st.st_nlink * 37 +
                   (uint64_t)st.st_mtim.tv_sec * 43 + (uint64_t)st.st_mtim.tv_nsec * 47;
        all += one * 1099511628211u;
        if (S_ISDIR(st.st_mode) && strcmp(e->d_name, ".") != 0)
            all += sum_of(path, one);
    }
    closedir(stream);
    return all;
}

static void make(const char *directory, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = text ? open(path, O_WRONLY | O_CREAT | O_EXCL, 0644) : -1;
    assert_true(text ? fd >= 0 && write(fd, text, strlen(text)) > 0 : mkdir(path, 0755) == 0);
    if (fd >= 0)
        close(fd);
}

static void exchange(const char *one, const char *other)
{
    syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2 /* RENAME_EXCHANGE */);
}

/* The second process: a and swap change places with links that lead out; a/deep goes out and comes
 * back.  It follows no link itself, so that what changes outside is the guest's doing, "moved"
 * apart. */
static pid_t start_racer(void)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    char moved[256], a[256], up[256], swap[256], abs_link[256], to_rw[256], to_ro[256], chain[256];
    snprintf(moved, sizeof moved, "%s/moved", outside);
    snprintf(a, sizeof a, "%s/a", root), snprintf(up, sizeof up, "%s/up", root);
    snprintf(swap, sizeof swap, "%s/swap", root),
        snprintf(abs_link, sizeof abs_link, "%s/abs", root);
    snprintf(to_rw, sizeof to_rw, "%s/to-rw", root),
        snprintf(to_ro, sizeof to_ro, "%s/to-ro", root);
    snprintf(chain, sizeof chain, "%s/chain", root);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        exchange(a, up), exchange(swap, abs_link);
        exchange(to_rw, abs_link), exchange(to_ro, a), exchange(to_ro, to_rw);
        int real = open(a, O_PATH | O_DIRECTORY | O_NOFOLLOW);
        renameat(real, "deep", AT_FDCWD, moved);
        mkdir(a, 0755), mkdir(swap, 0755); /* what the guest has removed comes back */
        renameat(AT_FDCWD, moved, real, "deep");
        close(real);
        if (symlink("../outside-of-it", up) == 0 || symlink(outside, abs_link) == 0 ||
            symlink(root, to_rw) == 0 || symlink(read_only, to_ro) == 0 ||
            symlink("to-ro/to-rw", chain) == 0)
            usleep(1);
    }
}

static int storm_setup(void **state, bool named)
{
    static char ro[128];
    setup(state);
    wasi_close(wasi);
    snprintf(ro, sizeof ro, "%s.ro", root);
    strcpy(read_only, ro);
    snprintf(outside, sizeof outside, "%s.outside", root);
    assert_int_equal(mkdir(outside, 0755), 0);
    make(outside, "secret", "a secret of the host"), make(outside, "d", NULL),
        make(outside, "d/x", "x");
    make(ro, "file", "fixed"), make(ro, "a", NULL), make(ro, "a/inner", "fixed"),
        make(ro, "sub", NULL);
    make(root, "a", NULL), make(root, "a/deep", NULL), make(root, "swap", NULL),
        make(root, "outside", "mine");
    char link_to[160];
    snprintf(link_to, sizeof link_to, "../%s", strrchr(outside, '/') + 1);
    assert_int_equal(symlink(link_to, host_path("up")) | symlink(outside, host_path("abs")) |
                     symlink("/", host_path("root")) | symlink("loop", host_path("loop")) |
                     symlink("sub", host_path("link")) | mkfifo(host_path("fifo"), 0600), 0);
    char in_ro[160];
    snprintf(in_ro, sizeof in_ro, "%s/to-rw", ro);
    assert_int_equal(symlink(root, in_ro), 0);
    snprintf(in_ro, sizeof in_ro, "%s/to-ro", ro);
    assert_int_equal(symlink(ro, in_ro), 0);
    struct grant grants[] = { { .host = root, .guest = named ? root : "/" },
                              { .host = ro, .guest = named ? ro : "/ro", .read_only = true } };
    struct config config = { .grants = grants, .ngrants = 2 };
    wasi = wasi_new(&config);
    return 0;
}

static int setup_own_names(void **state)
{
    return storm_setup(state, false);
}

static int setup_host_names(void **state)
{
    return storm_setup(state, true);
}

static int storm_teardown(void **state)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s", outside);
    return teardown(state) | system(command);
}

/* What n calls at least must have met: success, files that were opened, and where grants have the
 * host's names, a way from one grant to the other. */
struct met { uint64_t good, opened, crossed; };
static bool is_calm(const struct met *met, uint64_t n)
{
    return met->good <= n / 100 || met->opened <= n / 1000 ||
           (wasi->descs[ROOT].native && met->crossed <= n / 5000);
}

static void test_storm(void **state)
{
    (void)state;
    const char *calls = getenv("WASMVM_STORM"), *other = getenv("WASMVM_SEED");
    const uint64_t n = calls ? strtoull(calls, NULL, 10) : 50000, most = 20 * n;
    struct met met = { 0 };
    seed += other ? strtoull(other, NULL, 10) * 0x9e3779b97f4a7c15u : 0;
    const uint64_t before_outside = sum_of(outside, 1), before_ro = sum_of(read_only, 1);
    int descriptors = host_descriptors();
    pid_t racer = start_racer();
    kicked = 1; /* nothing waits */
    /* what is met depends on the racer's turns: on a busy machine it takes more calls */
    for (uint64_t i = 0; i < n || (i < most && is_calm(&met, n)); i++) {
        uint32_t open_before = wasi->open_count;
        uint32_t err = storm_call();
        assert_true(err <= WASI_NOTCAPABLE);
        met.good += err == WASI_SUCCESS;
        if (wasi->open_count > open_before) {
            lies_in_a_grant(out32());
            met.opened++;
            met.crossed += desc_get(wasi, out32())->read_only != from_read_only;
        }
        if (i % 500 == 0) { /* what it undid */
            mkdir(host_path("sub"), 0755), mkdir(host_path("a"), 0755);
            close(open(host_path("file"), O_CREAT | O_WRONLY | O_NOFOLLOW, 0644));
            for (uint32_t fd = FIRST + 24; fd < wasi->ndescs; fd++)
                CALL(fd_close, fd);
        }
    }
    kill(racer, SIGKILL);
    waitpid(racer, NULL, 0);
    for (uint32_t fd = FIRST; fd < wasi->ndescs; fd++)
        CALL(fd_close, fd);
    assert_int_equal(host_descriptors(), descriptors);
    assert_int_equal(sum_of(outside, 1), before_outside);
    assert_int_equal(sum_of(read_only, 1), before_ro);
    assert_false(is_calm(&met, n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_storm, setup_own_names, storm_teardown),
        cmocka_unit_test_setup_teardown(test_storm, setup_host_names, storm_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
