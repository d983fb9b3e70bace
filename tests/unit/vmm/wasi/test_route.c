/* Where absolute links lead: from the grants on, with the rights of the grant that is reached, and
 * nowhere else. */
#include "tests/unit/vmm/cli/child.h"
#include "tests/unit/vmm/net/fixture.h"

#include <sys/un.h>

/* w, w2: granted; r, r2: granted :ro; out: not granted.  All under their names on the host. */
enum { W = 3, R, W2, R2 };
static const char *const names[] = { "w", "r", "w2", "r2", "out" };
enum { OUTSIDE = 4, PLACES };

static void link_to(const char *target, const char *name)
{
    char text[256];
    snprintf(text, sizeof text, "%s", target[0] == '/' ? target : host_path(target));
    unlink(host_path(name));
    assert_int_equal(symlink(text, host_path(name)), 0);
}

static const char *in(const char *place, const char *name)
{
    static char path[4][200];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", place, name);
    return path[turn];
}

static void shell(const char *format, ...)
{
    char command[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    assert_int_equal(system(command), 0);
}

/* What is in one place, made anew. */
static int listeners[PLACES + 1]; /* of the sockets in them */

static void fill(const char *place)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char top[100]; /* stays: it is what the grant's descriptor means */
    strcpy(top, host_path(place));
    shell("mkdir -p %s && find %s -mindepth 1 -delete && mkdir %s/dir %s/empty", top, top, top,
          top);
    host_file(in(place, "file"), "contents");
    host_file(in(place, "dir/inner"), "inner");
    snprintf(address.sun_path, sizeof address.sun_path, "%s", host_path(in(place, "sock")));
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s, (void *)&address, sizeof address) | listen(s, 5), 0);
    for (int i = 0; i < PLACES; i++)
        if (strcmp(names[i], place) == 0) {
            if (listeners[i])
                close(listeners[i]);
            listeners[i] = s;
        }
}

/* Links of both grants to all places. */
static void fill_all(void)
{
    for (int i = 0; i < PLACES; i++)
        fill(names[i]);
    for (int from = 0; from < 2; from++)
        for (int to = 0; to < PLACES; to++) {
            char name[60];
            snprintf(name, sizeof name, "%s/to-%s", names[from], names[to]);
            link_to(names[to], name);
            snprintf(name, sizeof name, "%s/file-%s", names[from], names[to]);
            link_to(in(names[to], "file"), name);
            snprintf(name, sizeof name, "%s/new-%s", names[from], names[to]);
            link_to(in(names[to], "new"), name);
        }
}

static void run_with(struct grant *granted, uint32_t n)
{
    static const struct settings settings = { .allow_unix = true };
    struct config config = { .grants = granted, .ngrants = n, .set = &settings };
    wasi_close(wasi);
    wasi = wasi_new(&config);
}

static int places_setup(void **state)
{
    static char paths[4][80];
    struct grant all[4];
    setup(state);
    fill_all();
    for (int i = 0; i < 4; i++) {
        strcpy(paths[i], host_path(names[i]));
        all[i] =
            (struct grant){ .host = paths[i], .guest = paths[i], .read_only = names[i][0] == 'r' };
    }
    run_with(all, 4);
    return 0;
}

static int places_teardown(void **state)
{
    for (int i = 0; i < PLACES; i++)
        close(listeners[i]);
    memset(listeners, 0, sizeof listeners);
    return teardown(state);
}

/* ---- rights ---- */

static char target[32]; /* the name of the place that links lead to */

static const char *named(const char *format)
{
    static char path[2][100];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], format, target);
    return path[turn];
}
#define T1(format) P1(named(format))
#define T2(format) P2(named(format))

static uint32_t unix_call(bool binds, uint32_t dir, const char *name)
{
    char path[108];
    snprintf(path, sizeof path, "%s/to-%s/%s", desc_get(wasi, dir)->preopen, target, name);
    uint32_t fd = opened_socket(FAMILY_UNIX, SOCKTYPE_STREAM);
    uint32_t err = binds ? CALL(sock_bind, fd, storage(FAMILY_UNIX, path, strlen(path) + 1), 0)
                         : CALL(sock_connect, fd, storage(FAMILY_UNIX, path, strlen(path) + 1), 0);
    OK(fd_close, fd);
    return err;
}

static uint32_t open_at(uint32_t d, uint64_t at, uint64_t len, uint64_t oflags, uint64_t rights,
                        uint64_t fdflags)
{
    uint32_t err = CALL(path_open, d, LOOKUP_FOLLOW, at, len, oflags, rights, INHERIT, fdflags,
                        OUT);
    if (!err)
        CALL(fd_close, out32());
    return err;
}

/* One row for each thing to do through a link in the grant `d`. */
static uint32_t act(int what, uint32_t d)
{
    switch (what) {
    /* what may be done where it is :ro */
    case 0: return open_at(d, T1("file-%s"), 0, GO_RDONLY, 0);
    case 1: return open_at(d, T1("to-%s/file"), 0, GO_RDONLY, 0);
    case 2: return open_at(d, T1("to-%s"), OFLAG_DIRECTORY, 0, 0);
    case 3: return open_at(d, T1("to-%s/dir/../dir/inner"), 0, 0, 0);
    case 4: return CALL(path_filestat_get, d, 1, T1("file-%s"), OUT);
    case 5: return CALL(path_filestat_get, d, 0, T1("to-%s/file"), OUT);
    case 6: return CALL(path_filestat_get, d, 0, T1("to-%s/"), OUT);
    case 7: return unix_call(false, d, "sock");
    case 8:
        return CALL(path_readlink, d, T1("to-%s/file"), BUF, 100, OUT) == WASI_INVAL ? WASI_SUCCESS
                                                                                     : WASI_PERM;
    /* what may not */
    case 10: return open_at(d, T1("file-%s"), 0, GO_RDWR, 0);
    case 11: return open_at(d, T1("to-%s/file"), 0, GO_WRONLY, 0);
    case 12: return open_at(d, T1("file-%s"), OFLAG_TRUNC, GO_RDONLY, 0);
    case 13: return open_at(d, T1("file-%s"), 0, GO_RDONLY, FDFLAG_APPEND);
    case 14: return open_at(d, T1("new-%s"), OFLAG_CREAT, GO_RDWR, 0);
    case 15: return open_at(d, T1("to-%s/made"), OFLAG_CREAT | OFLAG_EXCL, GO_RDWR, 0);
    case 16: return open_at(d, T1("to-%s/dir/made"), OFLAG_CREAT, 0, 0);
    case 17: return CALL(path_rename, d, T1("to-%s/file"), W, T2("renamed-%s"));
    case 18: return CALL(path_rename, W, T1("file"), d, T2("to-%s/renamed"));
    case 19: return CALL(path_link, d, 0, T1("to-%s/file"), W, T2("linked-%s"));
    case 20: return CALL(path_link, W, 0, T1("file"), d, T2("to-%s/linked"));
    case 21: return CALL(path_unlink_file, d, T1("to-%s/file"));
    case 22: return CALL(path_filestat_set_times, d, 1, T1("file-%s"), 0, 5, FST_MTIM);
    case 23: return CALL(path_filestat_set_times, d, 0, T1("to-%s/file"), 0, 5, FST_MTIM);
    case 24: return CALL(path_symlink, T1("file"), d, T2("to-%s/made"));
    case 25: return CALL(path_create_directory, d, T1("to-%s/made"));
    case 26: return CALL(path_remove_directory, d, T1("to-%s/empty"));
    case 27: return unix_call(true, d, "bound");
    case 28: return CALL(path_filestat_set_times, d, 1, T1("to-%s"), 0, 5, FST_MTIM);
    default: return UINT32_MAX;
    }
}

/* All that a place holds, its directories' times too. */
static void list(const char *place, char out[4000])
{
    char command[300];
    snprintf(command, sizeof command,
             "cd %s && find . -printf '%%p %%y %%s %%T@ %%C@ %%n\\n' | sort", host_path(place));
    FILE *f = popen(command, "r");
    out[fread(out, 1, 3999, f)] = 0;
    pclose(f);
}

static bool acts(int what, bool *changes)
{
    *changes = what >= 10;
    return what != 9;
}

/* {from rw, from ro} x {to rw, to ro, to what is not granted} x what can be done. */
static void test_rights_are_those_of_the_grant_reached(void **state)
{
    (void)state;
    static char before[2][4000], after[4000];
    bool changes;
    for (uint32_t from = W; from <= R; from++)
        for (int to = 2; to < PLACES; to++)
            for (int what = 0; what <= 28; what++) {
                if (!acts(what, &changes))
                    continue;
                fill_all();
                strcpy(target, names[to]);
                list("r2", before[0]), list("out", before[1]);
                uint32_t want = to == OUTSIDE                    ? WASI_PERM
                                : names[to][0] == 'r' && changes ? WASI_ROFS
                                                                 : WASI_SUCCESS;
                uint32_t got = act(what, from);
                if (got != want)
                    print_error("%s -> %s, row %d: %u, not %u\n", names[from - W], target, what,
                                got, want);
                assert_int_equal(got, want);
                list("r2", after), assert_string_equal(after, before[0]);
                list("out", after), assert_string_equal(after, before[1]);
            }
}

/* What is opened through a link has the rights of where it lies, and gives them on. */
static void test_rights_are_inherited(void **state)
{
    (void)state;
    uint32_t writable = opened(R, "to-w2", OFLAG_DIRECTORY, 0, 0),
             fixed = opened(W, "to-r2", OFLAG_DIRECTORY, 0, 0);
    assert_int_equal(OPEN(writable, "file", 0, GO_RDWR, 0), WASI_SUCCESS);
    assert_int_equal(OPEN(fixed, "file", 0, GO_RDWR, 0), WASI_ROFS);
    assert_int_equal(OPEN(fixed, "made", OFLAG_CREAT, GO_RDWR, 0), WASI_ROFS);
    uint32_t file = opened(W, "file-r2", 0, GO_RDONLY, 0);
    ERR(ROFS, fd_filestat_set_times, file, 0, 0, FST_MTIM);
    file = opened(R, "file-w2", 0, GO_RDONLY, 0);
    OK(fd_filestat_set_times, file, 0, 5, FST_MTIM);
}

/* ---- the walk ---- */

static uint64_t size_of(uint32_t dir, const char *path)
{
    OK(path_filestat_get, dir, 1, P1(path), OUT);
    return stat_out().size;
}
enum { CONTENTS = 8, INNER = 5 }; /* bytes of file and of dir/inner */

static void test_links_of_all_kinds(void **state)
{
    (void)state;
    assert_int_equal(symlink("../dir", host_path("w2/dir/again")), 0);
    assert_int_equal(symlink("to-w2", host_path("w/twice")), 0);
    link_to("w/twice", "w/thrice");
    link_to("w2/dir/again/inner", "w/deep");
    link_to("w2/./dir//../file", "w/odd");
    static const struct { const char *path; uint64_t size;
    } good[] = {
        { "to-w2/file", CONTENTS },
        { "to-w2//file", CONTENTS },
        { "./to-w2/./file", CONTENTS },
        { "to-w2/dir/inner", INNER },
        { "to-w2/dir/../file", CONTENTS },
        { "dir/../to-w2/file", CONTENTS },
        { "twice/file", CONTENTS },
        { "thrice/dir/again/inner", INNER },
        { "deep", INNER },
        { "odd", CONTENTS },
        { "to-w2/dir/again/again/../file", CONTENTS },
        { "to-w/to-w/to-w2/file", CONTENTS },
        { "to-w/file", CONTENTS },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(size_of(W, good[i].path), good[i].size);
    uint32_t dir = opened(W, "to-w2", OFLAG_DIRECTORY, 0, 0);
    OK(path_filestat_get, dir, 1, P1("dir/again/inner"), OUT);
    ERR(PERM, path_filestat_get, dir, 1, P1(".."), OUT); /* a wall like any other */
    static const struct { const char *path; uint32_t err;
    } bad[] = {
        { "to-w2/none", WASI_NOENT },      { "to-w2/none/x", WASI_NOENT },
        { "to-w2/file/x", WASI_NOTDIR },   { "to-w2/file/..", WASI_NOTDIR },
        { "to-w2/file/.", WASI_NOTDIR },   { "to-w2/file/", WASI_NOTDIR },
        { "file-w2/", WASI_NOTDIR },       { "new-w2", WASI_NOENT },
        { "new-w2/", WASI_NOENT },         { "to-w2/..", WASI_PERM },
        { "to-w2/../w2/file", WASI_PERM }, { "to-w2/dir/../..", WASI_PERM },
        { "to-out/..", WASI_PERM },        { "to-out", WASI_PERM },
        { "file-out", WASI_PERM },         { "to-w/to-w/to-out/file", WASI_PERM },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint32_t got = CALL(path_filestat_get, W, 1, P1(bad[i].path), OUT);
        if (got != bad[i].err)
            print_error("%s: %u\n", bad[i].path, got);
        assert_int_equal(got, bad[i].err);
    }
}

/* A relative text that leaves its grant leads nowhere, though it would reach another one: what lies
 * beside a grant is not the command line's to say.  Within the grant, and by an absolute text, the
 * same file is reached. */
static void test_relative_links_stay_in_their_grant(void **state)
{
    (void)state;
    static const char *const texts[] = { "../w2/file", "../w/file", "dir/../../w2/file",
                                         "to-w2/../w/file" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        unlink(host_path("w/relative"));
        assert_int_equal(symlink(texts[i], host_path("w/relative")), 0);
        int native = open(host_path("w/relative"), O_RDONLY | O_CLOEXEC);
        assert_true(native >= 0);
        close(native);
        ERR(PERM, path_open, W, LOOKUP_FOLLOW, P1("relative"), 0, GO_RDONLY, INHERIT, 0, OUT);
        ERR(PERM, path_filestat_get, W, 1, P1("relative"), OUT);
    }
    unlink(host_path("w/relative"));
    assert_int_equal(symlink("dir/../file", host_path("w/relative")), 0);
    assert_int_equal(OPEN(W, "relative", 0, GO_RDONLY, 0), WASI_SUCCESS);
    assert_int_equal(OPEN(W, "file-w2", 0, GO_RDONLY, 0), WASI_SUCCESS);
}

static void test_what_is_not_followed(void **state)
{
    (void)state;
    OK(path_filestat_get, W, 0, P1("to-w2"), OUT);
    assert_int_equal(stat_out().filetype, FILETYPE_SYMLINK);
    OK(path_filestat_get, W, 0, P1("to-w/to-out"), OUT);
    assert_int_equal(stat_out().filetype, FILETYPE_SYMLINK);
    ERR(LOOP, path_open, W, 0, P1("file-w2"), 0, GO_RDONLY, 0, 0, OUT);
    ERR(LOOP, path_open, W, 0, P1("to-w/file-w2"), 0, GO_RDONLY, 0, 0, OUT);
    ERR(EXIST, path_open, W, 1, P1("new-w2"), OFLAG_CREAT | OFLAG_EXCL, GO_RDWR, 0, 0, OUT);
    ERR(EXIST, path_open, W, 1, P1("to-w/new-w2"), OFLAG_CREAT | OFLAG_EXCL, GO_RDWR, 0, 0, OUT);
    assert_false(host_has("w2/new"));
    OK(path_unlink_file, W, P1("to-w/file-w2"));
    assert_false(host_has("w/file-w2"));
    assert_true(host_has("w2/file"));
    OK(path_rename, W, P1("to-w/new-w2"), W, P2("to-w2/moved"));
    OK(path_link, W, 0, P1("to-w/file-out"), W, P2("hard"));
    OK(path_filestat_get, W, 0, P1("hard"), OUT);
    assert_int_equal(stat_out().filetype, FILETYPE_SYMLINK);
    opened(W, "to-w2/moved", OFLAG_CREAT, GO_RDWR, 0); /* along a link that leads nowhere yet */
    assert_true(host_has("w2/new"));
}

/* 40 links can be followed, whatever kinds they are of; 41 cannot. */
static void test_as_many_links_as_the_kernel_follows(void **state)
{
    (void)state;
    char name[20], before[20] = "file";
    for (int i = 1; i <= 41; i++) {
        snprintf(name, sizeof name, "w/l%d", i);
        if (i % 2)
            link_to(in("w", before), name);
        else
            assert_int_equal(symlink(before, host_path(name)), 0);
        strcpy(before, name + 2);
    }
    assert_int_equal(size_of(W, "l40"), CONTENTS);
    assert_int_equal(OPEN(W, "l40", 0, GO_RDWR, 0), WASI_SUCCESS);
    ERR(LOOP, path_filestat_get, W, 1, P1("l41"), OUT);
    assert_int_equal(OPEN(W, "l41", 0, GO_RDWR, 0), WASI_LOOP);
    assert_int_equal(OPEN(W, "l41", OFLAG_CREAT, GO_RDWR, 0), WASI_LOOP);
    ERR(LOOP, path_create_directory, W, P1("l41/x"));
    link_to("w/loop", "w/loop");
    ERR(LOOP, path_filestat_get, W, 1, P1("loop/x"), OUT);
}

/* Texts that grow as they are followed end in an error, and the walk's descriptors are closed on
 * every way. */
static void test_texts_that_grow(void **state)
{
    (void)state;
    char text[3000];
    int before = host_descriptors();
    size_t at = (size_t)snprintf(text, sizeof text, "%s/", host_path("w"));
    while (at < sizeof text - 20)
        at += (size_t)snprintf(text + at, sizeof text - at, "./grow/");
    assert_int_equal(symlink(text, host_path("w/grow")), 0);
    ERR(NAMETOOLONG, path_filestat_get, W, 1, P1("grow"), OUT);
    ERR(NAMETOOLONG, path_create_directory, W, P1("grow/grow"));
    for (int i = 0; i < 100; i++) {
        CALL(path_filestat_get, W, 1, P1("to-w2/dir/again/none/x"), OUT);
        CALL(path_filestat_get, W, 1, P1("to-w2/dir/../../x"), OUT);
        CALL(path_filestat_get, W, 1, P1("to-w2/dir/inner/x"), OUT);
        CALL(path_create_directory, W, P1("to-w2/dir/x"));
    }
    assert_int_equal(host_descriptors(), before);
}

/* Makes a file in directories below `w`, whose path may be longer than the kernel takes at once. */
static void deep_file(const char *path)
{
    int at = open(host_path("w"), O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (const char *slash; (slash = strchr(path, '/')); path = slash + 1) {
        char name[NAME_MAX + 1] = "";
        memcpy(name, path, (size_t)(slash - path));
        assert_true(mkdirat(at, name, 0700) == 0 || errno == EEXIST);
        int next = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        close(at);
        at = next;
    }
    close(openat(at, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    close(at);
}

/* So many of the longest names, with slashes between them. */
static const char *longest(char path[2 * PATH_MAX], int n)
{
    memset(path, 'n', 2 * PATH_MAX);
    for (int i = 1; i <= n; i++)
        path[i * (NAME_MAX + 1) - 1] = '/';
    path[n * (NAME_MAX + 1) - 1] = 0;
    return path;
}

/* What was gone through makes one name, which may be as long as the kernel takes it. */
static void test_a_way_as_long_as_a_name(void **state)
{
    (void)state;
    enum { WHOLE = PATH_MAX / (NAME_MAX + 1), MOST = WHOLE - 2 };
    char all[2 * PATH_MAX], name[NAME_MAX + 1], path[PATH_MAX];
    int before = host_descriptors();
    memcpy(name, longest(all, 1), sizeof name);
    snprintf(path, sizeof path, "%s/%.4000s", host_path("w"), longest(all, MOST));
    assert_int_equal(symlink(path, host_path("w2/way")), 0);
    assert_int_equal(strlen(longest(all, WHOLE)), PATH_MAX - 1);
    strcat(all, "/end");
    deep_file(all);
    strcpy(strchr(longest(all, WHOLE), 0) - 1, "/d/end"); /* PATH_MAX bytes before the end */
    deep_file(all);
    snprintf(path, sizeof path, "way/%s/%s/end", name, name);
    OK(path_filestat_get, W2, 1, P1(path), OUT);
    snprintf(path, sizeof path, "way/%s/%s/../%s/end", name, name, name);
    OK(path_filestat_get, W2, 1, P1(path), OUT);
    snprintf(path, sizeof path, "way/%s/%s/d", name, name + 1);
    OK(path_filestat_get, W2, 1, P1(path), OUT); /* its last name is not gone through */
    strcat(path, "/end");
    ERR(NAMETOOLONG, path_filestat_get, W2, 1, P1(path), OUT);
    assert_int_equal(OPEN(W2, path, 0, GO_RDONLY, 0), WASI_NAMETOOLONG);
    assert_int_equal(host_descriptors(), before);
}

/* A name, and slashes behind it up to so many bytes. */
static void slashed(char *text, const char *name, size_t len)
{
    memset(text, '/', len);
    memcpy(text, name, strlen(name));
    text[len] = 0;
}

/* A link's text and the names behind the link are two of the longest at most, with their end. */
static void test_a_text_with_what_is_behind_it(void **state)
{
    (void)state;
    enum { BOTH = 2 * PATH_MAX - 1 };
    char name[100], path[PATH_MAX], text[PATH_MAX];
    int before = host_descriptors();
    snprintf(name, sizeof name, "%s/second", host_path("w"));
    slashed(text, name, PATH_MAX - 1);
    assert_int_equal(symlink(text, host_path("w2/first")), 0);
    slashed(path, "first", PATH_MAX - 1);
    strcpy(path + PATH_MAX - 1 - strlen("inner"), "inner");
    size_t behind = 2 * (PATH_MAX - 1) - strlen(name) - strlen("first");
    for (size_t more = 0; more < 2; more++) {
        unlink(host_path("w/second"));
        slashed(text, "dir", BOTH + more - behind);
        assert_int_equal(symlink(text, host_path("w/second")), 0);
        assert_int_equal(CALL(path_filestat_get, W2, 1, P1(path), OUT),
                         more ? WASI_NAMETOOLONG : WASI_SUCCESS);
        assert_int_equal(OPEN(W2, path, OFLAG_DIRECTORY, 0, 0),
                         more ? WASI_NAMETOOLONG : WASI_NOTDIR);
    }
    assert_int_equal(host_descriptors(), before);
}

/* ---- which grants ---- */

static void test_names_that_mean_two_things(void **state)
{
    (void)state;
    char w[80], w2[80], dir[100], out[80];
    strcpy(w, host_path("w")), strcpy(w2, host_path("w2"));
    strcpy(dir, host_path("w2/dir")), strcpy(out, host_path("out"));
    link_to("w2/dir/inner", "w/inner");
    /* w2's name is another directory's: neither of the two is meant without doubt. */
    run_with((struct grant[]){ { .host = w, .guest = w }, { .host = out, .guest = w2 } }, 2);
    ERR(PERM, path_filestat_get, W, 1, P1("file-w2"), OUT);
    /* Granted, by another name only. */
    run_with((struct grant[]){ { .host = w, .guest = w }, { .host = w2, .guest = "/other" } }, 2);
    ERR(PERM, path_filestat_get, W, 1, P1("file-w2"), OUT);
    run_with((struct grant[]){ { .host = w, .guest = w }, { .host = w2, .guest = "." } }, 2);
    ERR(PERM, path_filestat_get, W, 1, P1("file-w2"), OUT);
    /* The longest name decides, even against itself. */
    run_with((struct grant[]){ { .host = w, .guest = w },
                               { .host = w2, .guest = w2 },
                               { .host = out, .guest = dir } },
             3);
    OK(path_filestat_get, W, 1, P1("file-w2"), OUT);
    ERR(PERM, path_filestat_get, W, 1, P1("inner"), OUT);
    /* A name that leads there by a link of the host's is its name as well. */
    link_to("w2", "alias");
    link_to("alias/file", "w/by-alias");
    char alias[80];
    strcpy(alias, host_path("alias"));
    run_with((struct grant[]){ { .host = w, .guest = w }, { .host = w2, .guest = alias } }, 2);
    assert_int_equal(size_of(W, "by-alias"), CONTENTS);
    ERR(PERM, path_filestat_get, W, 1, P1("file-w2"), OUT);
    /* A directory with a name that begins alike. */
    link_to("w22", "w/alike");
    ERR(PERM, path_filestat_get, W, 1, P1("alike"), OUT);
}

/* The program gave a grant away, or moved it. */
static void test_closed_and_moved_grants(void **state)
{
    (void)state;
    uint32_t sub = opened(W, "dir", OFLAG_DIRECTORY, 0, 0);
    link_to("w2/file", "w/dir/file");
    assert_int_equal(size_of(sub, "file"), CONTENTS);
    OK(fd_renumber, W2, W);
    assert_int_equal(size_of(sub, "file"), CONTENTS);
    OK(fd_close, W);
    ERR(PERM, path_filestat_get, sub, 1, P1("file"), OUT);
}

/* ---- the grant named / ---- */

static void test_own_root(void **state)
{
    (void)state;
    shell("mkdir -p %s/etc && ln -s /etc/name %s/abs && ln -s ../../../etc/name %s/etc/up && echo "
          "hi > %s/etc/name",
          host_path("w"), host_path("w"), host_path("w"), host_path("w"));
    char w[80], w2[80], out[80];
    strcpy(w, host_path("w")), strcpy(w2, host_path("w2")), strcpy(out, host_path("out"));
    link_to("w2/file", "w/other");
    link_to("/etc/name", "w2/etc-name");
    for (int more = 0; more < 2; more++) { /* by one call, and by walking */
        run_with((struct grant[]){ { .host = w, .guest = "/" }, { .host = w2, .guest = "/w2" } },
                 1u + (uint32_t)more);
        assert_int_equal(wasi->one_tree, !more);
        assert_int_equal(size_of(W, "abs"), 3);
        assert_int_equal(size_of(W, "etc/up"), 3);
        uint32_t etc = opened(W, "etc", OFLAG_DIRECTORY, 0, 0);
        assert_int_equal(size_of(W, "abs"), 3);
        ERR(PERM, path_filestat_get, etc, 1, P1("up"), OUT);  /* beneath means beneath ... */
        link_to("/etc/name", "w/etc/again");
        /* ... and a link leads on from the grant, not from here */
        assert_int_equal(size_of(etc, "again"), 3);
        ERR(NOENT, path_filestat_get, W, 1, P1("other"), OUT); /* its name in there */
        static const char *const up[] = { "..", "../x", "etc/../..", "/", "/etc", "/etc/name" };
        for (size_t i = 0; i < sizeof up / sizeof *up; i++)
            ERR(PERM, path_filestat_get, W, 1, P1(up[i]), OUT);
        ERR(PERM, path_symlink, P1("/etc/name"), W, P2("made"));
        if (more) /* a link of a grant beside it does not hold names of this one */
            ERR(PERM, path_filestat_get, W + 1, 1, P1("etc-name"), OUT);
        OK(fd_close, etc);
    }
    run_with((struct grant[]){ { .host = w, .guest = "/" }, { .host = w2, .guest = w2 } }, 2);
    /* found by the longer name, which is the host's */
    assert_int_equal(size_of(W, "other"), CONTENTS);
}

static void test_the_hosts_root(void **state)
{
    (void)state;
    char tmp[80], own[80], name[256], inner[256];
    const char *below = root + 1; /* from `/` */
    strcpy(own, host_path("out"));
    strcpy(tmp, host_path("w2"));
    for (int more = 0; more < 2; more++) {
        run_with((struct grant[]){ { .host = "/", .guest = "/" }, { .host = own, .guest = tmp } },
                 1u + (uint32_t)more);
        assert_int_equal(wasi->one_tree, !more);
        snprintf(name, sizeof name, "%s/w/file-r2", below);
        assert_int_equal(size_of(3, name), CONTENTS);
        snprintf(name, sizeof name, "%s/w/to-r2/dir/inner", below);
        assert_int_equal(size_of(3, name), INNER);
        snprintf(name, sizeof name, "%s/w/file-w2", below); /* the grant beside it has this name */
        assert_int_equal(CALL(path_filestat_get, 3, 1, P1(name), OUT),
                         more ? WASI_PERM : WASI_SUCCESS);
        snprintf(name, sizeof name, "%s/w/made%d", below, more);
        OK(path_symlink, P1("/etc/passwd"), 3, P2(name));
        snprintf(name, sizeof name, "%s/w", below);
        uint32_t dir = opened(3, name, OFLAG_DIRECTORY, 0, 0);
        assert_int_equal(size_of(dir, "file-r2"), CONTENTS);
        snprintf(inner, sizeof inner, "inner%d", more);
        OK(path_symlink, P1("/etc/passwd"), dir, P2(inner));
        OK(path_filestat_get, dir, 1, P1(inner), OUT);
        /* What is never opened stays so by links, too. */
        static const char *const refused[] = {
            "/proc/self/environ", "/proc/self/mem", "/sys/kernel/notes", "/proc/self/fd/0",
            "/proc/self/root/etc/passwd", "/proc/self/cwd", "/dev/mem", "/dev/kmsg",
        };
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
            link_to(refused[i], "w/bad");
            uint32_t err = OPEN(dir, "bad", 0, GO_RDONLY, 0);
            assert_true(err == WASI_PERM || err == WASI_LOOP ||
                        (err == WASI_NOENT && refused[i][1] == 'd'));
            err = OPEN(dir, "bad", OFLAG_TRUNC, GO_RDWR, 0);
            assert_int_not_equal(err, WASI_SUCCESS);
        }
        OK(fd_close, dir);
    }
}

/* Another user's link in a directory that all may write to, as /tmp is: followed where the kernel
 * follows it. */
static void test_protected_links(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    shell("chmod 1777 %s && chown 12345 %s", host_path("w"), host_path("w"));
    shell("chown -h 23456 %s %s", host_path("w/file-w2"), host_path("w/to-w2"));
    link_to("w/file-w2", "w2/back");
    link_to("w2/back", "r/back");
    int native = open(host_path("w/file-w2"), O_RDONLY | O_CLOEXEC);
    uint32_t want = native < 0 ? wasi_errno(errno) : WASI_SUCCESS; /* by fs.protected_symlinks */
    assert_true(want == WASI_SUCCESS || want == WASI_ACCES);
    static const struct { uint32_t fd; const char *path;
    } ways[] = {
        { W, "file-w2" },      { W, "to-w2/file" },      { R, "back" },
        { R, "to-w/file-w2" }, { R, "to-w/to-w2/file" },
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        assert_int_equal(OPEN(ways[i].fd, ways[i].path, 0, GO_RDONLY, 0), want);
    close(native);
}

/* What was gone through before a `..` leaves nothing in the names behind it, longer or shorter. */
static void test_names_behind_a_step_up(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "w/dir/sub/../inner",
        "w/longest/../dir/sub/../inner",
        "w/dir/sub/../../longest/../dir/inner",
        "w/longest/deep/../../dir/sub/../inner",
        "w/longest/../dir/../dir/sub/.././inner",
    };
    shell("mkdir -p %s %s", host_path("w/dir/sub"), host_path("w/longest/deep"));
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        link_to(host_path(ways[i]), "w/way");
        uint32_t fd = opened(W, "way", 0, GO_RDONLY, 0);
        OK(fd_read, fd, iov(BUF, 100), 1, OUT);
        assert_int_equal(out32(), 5);
        OK(fd_close, fd);
    }
}

#define PLACES_TEST(name) cmocka_unit_test_setup_teardown(name, places_setup, places_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACES_TEST(test_rights_are_those_of_the_grant_reached),
        PLACES_TEST(test_rights_are_inherited),
        PLACES_TEST(test_links_of_all_kinds),
        PLACES_TEST(test_relative_links_stay_in_their_grant),
        PLACES_TEST(test_what_is_not_followed),
        PLACES_TEST(test_names_behind_a_step_up),
        PLACES_TEST(test_as_many_links_as_the_kernel_follows),
        PLACES_TEST(test_texts_that_grow),
        PLACES_TEST(test_a_way_as_long_as_a_name),
        PLACES_TEST(test_a_text_with_what_is_behind_it),
        PLACES_TEST(test_names_that_mean_two_things),
        PLACES_TEST(test_closed_and_moved_grants),
        PLACES_TEST(test_own_root),
        PLACES_TEST(test_the_hosts_root),
        PLACES_TEST(test_protected_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
