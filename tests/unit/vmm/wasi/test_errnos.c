/* What each path call answers to each kind of name, held against what Linux answers to the same
 * call on a tree like it. Paths that leave the granted directory are refused, whatever else is
 * wrong with them. */
#include "tests/unit/vmm/wasi/fixture.h"

#include <ftw.h>

static char long_name[NAME_MAX + 2], long_path[PATH_MAX];
static const char *const names[] = {
    "file",
    "file/",
    "file/.",
    "file/..",
    "file/x",
    "dir",
    "dir/",
    "dir/.",
    "dir/..",
    "dir//inner",
    "dir///",
    "empty",
    "empty/",
    "empty//",
    "link",
    "link/",
    "link/x",
    "dirlink",
    "dirlink/",
    "dirlink//inner",
    "dirlink/..",
    "loop",
    "loop/",
    "loop/x",
    "dangling",
    "dangling/",
    "dangling/x",
    "none",
    "none/",
    "none/x",
    "none/..",
    "",
    ".",
    "./",
    "..",
    "../",
    "./file",
    "dir/../file",
    "dirlink/../file",
    long_name,
    long_path,
    "fifo",
    "fifo/",
    "fifo/x",
};

/* ---- two trees ---- */

static int native; /* the one that Linux's calls are tried on */
static char native_path[80];

static int away(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind;
    return at->level ? remove(path) : 0;
}

static void fill(const char *top)
{
    static const char *const directories[] = { "dir", "dir2", "empty" }, *const files[] = {
        "file", "file2", "dir/inner",
    };
    mkdir(top, 0755);
    int d = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC),
        wrong = nftw(top, away, 20, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
        wrong |= mkdirat(d, directories[i], 0755);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        wrong |= close(openat(d, files[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    wrong |= symlinkat("file", d, "link") | symlinkat("dir", d, "dirlink") |
             symlinkat("loop", d, "loop") | symlinkat("none2", d, "dangling") |
             mkfifoat(d, "fifo", 0644);
    close(d);
    assert_int_equal(wrong, 0);
}

/* ---- the calls, both ways ---- */

enum { OPENS = 9 };
static const struct { uint64_t lookup, oflags, rights; int flags;
} opens[OPENS] = {
    { 1, 0, GO_RDONLY, O_RDONLY },
    { 1, 0, GO_RDWR, O_RDWR },
    { 1, OFLAG_CREAT, GO_RDWR, O_RDWR | O_CREAT },
    { 1, OFLAG_CREAT | OFLAG_EXCL, GO_RDWR, O_RDWR | O_CREAT | O_EXCL },
    { 1, OFLAG_TRUNC, GO_RDWR, O_RDWR | O_TRUNC },
    { 1, OFLAG_DIRECTORY, GO_RDONLY, O_RDONLY | O_DIRECTORY },
    { 0, 0, GO_RDONLY, O_RDONLY | O_NOFOLLOW },
    { 0, OFLAG_CREAT, GO_RDWR, O_RDWR | O_CREAT | O_NOFOLLOW },
    { 0, OFLAG_DIRECTORY, GO_RDONLY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW },
};

static const char *const calls[] = {
    [OPENS] = "stat",
    "lstat",
    "utimes",
    "lutimes",
    "mkdir",
    "rmdir",
    "unlink",
    "readlink",
    "symlink to",
    "rename from",
    "rename a file to",
    "rename a directory to",
    "link from",
    "link to",
    "symlink of the text",
};
enum { CALLS_ALL = sizeof calls / sizeof *calls };

static uint32_t here(int call, const char *name)
{
    if (call < OPENS) {
        uint32_t err = CALL(path_open, ROOT, opens[call].lookup, P1(name), opens[call].oflags,
                            opens[call].rights, INHERIT, FDFLAG_NONBLOCK, OUT);
        return err ? err : CALL(fd_close, out32());
    }
    switch (call - OPENS) {
    case 0: return CALL(path_filestat_get, ROOT, 1, P1(name), OUT);
    case 1: return CALL(path_filestat_get, ROOT, 0, P1(name), OUT);
    case 2: return CALL(path_filestat_set_times, ROOT, 1, P1(name), 0, 0, FST_MTIM);
    case 3: return CALL(path_filestat_set_times, ROOT, 0, P1(name), 0, 0, FST_MTIM);
    case 4: return CALL(path_create_directory, ROOT, P1(name));
    case 5: return CALL(path_remove_directory, ROOT, P1(name));
    case 6: return CALL(path_unlink_file, ROOT, P1(name));
    case 7: return CALL(path_readlink, ROOT, P1(name), BUF, 100, OUT);
    case 8: return CALL(path_symlink, P2("text"), ROOT, P1(name));
    case 9: return CALL(path_rename, ROOT, P1(name), ROOT, P2("fresh"));
    case 10: return CALL(path_rename, ROOT, P2("file2"), ROOT, P1(name));
    case 11: return CALL(path_rename, ROOT, P2("dir2"), ROOT, P1(name));
    case 12: return CALL(path_link, ROOT, 0, P1(name), ROOT, P2("fresh"));
    case 13: return CALL(path_link, ROOT, 0, P2("file2"), ROOT, P1(name));
    default: return CALL(path_symlink, P1(name), ROOT, P2("fresh"));
    }
}

static int on_linux(int call, const char *name)
{
    struct stat st;
    char text[100];
    const struct timespec times[2] = { { 0, UTIME_OMIT }, { 0, 0 } };
    switch (call - OPENS) {
    case 0: return fstatat(native, name, &st, 0);
    case 1: return fstatat(native, name, &st, AT_SYMLINK_NOFOLLOW);
    case 2: return utimensat(native, name, times, 0);
    case 3: return utimensat(native, name, times, AT_SYMLINK_NOFOLLOW);
    case 4: return mkdirat(native, name, 0777);
    case 5: return unlinkat(native, name, AT_REMOVEDIR);
    case 6: return unlinkat(native, name, 0);
    case 7: return (int)readlinkat(native, name, text, sizeof text);
    case 8: return symlinkat("text", native, name);
    case 9: return renameat(native, name, native, "fresh");
    case 10: return renameat(native, "file2", native, name);
    case 11: return renameat(native, "dir2", native, name);
    case 12: return linkat(native, name, native, "fresh", 0);
    case 13: return linkat(native, "file2", native, name, 0);
    default: return symlinkat(name, native, "fresh");
    }
}

static uint32_t there(int call, const char *name)
{
    int got = call < OPENS ? openat(native, name, opens[call].flags | O_NONBLOCK | O_CLOEXEC, 0666)
                           : on_linux(call, name);
    if (got < 0)
        return wasi_errno(errno);
    if (call < OPENS)
        close(got);
    return WASI_SUCCESS;
}

/* What lies above the granted directory is refused, before anything else is. */
static bool leaves(const char *name)
{
    return strcmp(name, "..") == 0 || strcmp(name, "../") == 0;
}

static bool differs(const char *name, uint32_t err, uint32_t want)
{
    return leaves(name) ? err != WASI_PERM && err != want : err != want;
}

static void test_all_calls_and_names(void **state)
{
    (void)state;
    int wrong = 0, good = 0;
    fill(root), fill(native_path);
    for (int call = 0; call < CALLS_ALL; call++)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            uint32_t want = there(call, names[i]), got = here(call, names[i]);
            if (differs(names[i], got, want)) {
                const char *what = calls[call] ? calls[call] : "open";
                print_error("%s (%d) %.20s: %u here, %u on Linux\n", what, call, names[i], got,
                            want);
                wrong++;
            }
            if (want && got) /* nothing was changed */
                continue;
            fill(root), fill(native_path);
            good++;
        }
    assert_int_equal(wrong, 0);
    assert_true(good > 100);
}

static int trees_setup(void **state)
{
    int result = setup(state);
    static struct grant granted;
    granted = (struct grant){ .host = root, .guest = "/d" };
    struct config config = { .grants = &granted, .ngrants = 1 };
    snprintf(native_path, sizeof native_path, "%s.native", root);
    fill(native_path);
    native = open(native_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    wasi_close(wasi);
    wasi = wasi_new(&config);
    memset(long_name, 'n', NAME_MAX + 1);
    for (int i = 0; i < PATH_MAX - 10; i += 2)
        memcpy(long_path + i, "./", 2);
    strcat(long_path, "file");
    return result;
}

static int trees_teardown(void **state)
{
    char command[120];
    close(native);
    snprintf(command, sizeof command, "rm -rf %s", native_path);
    return teardown(state) | system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_calls_and_names, trees_setup, trees_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
