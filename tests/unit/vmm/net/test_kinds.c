/* Every call on every kind of descriptor: what each answers.  The table was taken from the handlers
 * before kinds had operations of their own; a word that changes is a change of what programs see.
 */
#include "tests/unit/vmm/net/fixture.h"

#include <sys/un.h>

enum { DEV = 5, ETC = 6, PASSED = 7, PAIR = 8 }; /* behind "/" and "/ro" */
enum { SUB = 0x20000, EVENT = 0x21000, TEXT = 0x9200 };

static int passed[2], inherited[2], pipes[2][2], appended, terminal[2], host_end;
static uint16_t host_port;

/* ---- kinds: each gives a descriptor of the guest ---- */

static uint32_t file_rw(void) { return opened(ROOT, "file", 0, GO_RDWR, 0); }
static uint32_t file_r(void) { return opened(ROOT, "file", 0, GO_RDONLY, 0); }
static uint32_t file_w(void) { return opened(ROOT, "file", 0, GO_WRONLY, 0); }
static uint32_t file_ro(void) { return opened(RO, "file", 0, GO_RDONLY, 0); }
static uint32_t null(void) { return opened(DEV, "null", 0, GO_RDWR, 0); }
static uint32_t fifo_in(void) { return opened(ROOT, "fifo", 0, GO_RDONLY, FDFLAG_NONBLOCK); }
static uint32_t fifo_out(void) { return opened(ROOT, "fifo", 0, GO_WRONLY, FDFLAG_NONBLOCK); }
static uint32_t stdio_0(void) { return 0; }
static uint32_t stdio_1(void) { return 1; }
static uint32_t stdio_2(void) { return 2; }
static uint32_t preopen(void) { return ROOT; }
static uint32_t preopen_ro(void) { return RO; }
static uint32_t directory(void) { return opened(ROOT, "sub", OFLAG_DIRECTORY, GO_RDONLY, 0); }
static uint32_t etc(void) { return ETC; }
static uint32_t etc_again(void) { return opened(ETC, ".", 0, GO_RDONLY, 0); }
static uint32_t etc_file(void) { return opened(ETC, "hosts", 0, GO_RDONLY, 0); }
static uint32_t socket_passed(void) { return PASSED; }
static uint32_t socket_pair(void) { return PAIR; }
static uint32_t tcp_new(void) { return opened_socket(FAMILY_INET4, SOCKTYPE_STREAM); }
static uint32_t unix_new(void) { return opened_socket(FAMILY_UNIX, SOCKTYPE_STREAM); }

static uint32_t tcp_listener(void)
{
    uint16_t port;
    return listener(&port);
}

static uint32_t udp_bound(void)
{
    uint32_t fd = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    OK(sock_bind, fd, addr4("127.0.0.1"), 0);
    host_send(host_end, local_port(fd), "datagram");
    return fd;
}

static uint32_t tcp_connected(void)
{
    uint16_t port;
    uint32_t server = listener(&port), fd = opened_socket(FAMILY_INET4, SOCKTYPE_STREAM);
    OK(sock_connect, fd, addr4("127.0.0.1"), port);
    OK(sock_accept, server, 0, OUT);
    assert_int_equal(write_text(out32(), "from the server"), WASI_SUCCESS);
    return fd;
}

static uint32_t device(const char *name)
{
    return opened(UINT32_MAX, name, 0, GO_RDWR, 0);
}

static uint32_t signals_source(void) { return device("/dev/wasmvm/signals"); }
static uint32_t pipe_in(void) { return device("/dev/wasmvm/pipe"); }
static uint32_t pipe_out(void) { return device("/dev/wasmvm/pipe") + 1; }
static uint32_t closed(void) { return 99; }

struct kind { const char *name; uint32_t (*make)(void); bool second; /* other standard streams */ };
static const struct kind kinds[] = {
    { "file", file_rw, false },
    { "file-r", file_r, false },
    { "file-w", file_w, false },
    { "file-ro", file_ro, false },
    { "null", null, false },
    { "fifo-in", fifo_in, false },
    { "fifo-out", fifo_out, false },
    { "std-socket", stdio_0, false },
    { "std-pipe-out", stdio_1, false },
    { "std-append", stdio_2, false },
    { "std-tty", stdio_0, true },
    { "std-dir", stdio_1, true },
    { "std-pipe-in", stdio_2, true },
    { "preopen", preopen, false },
    { "preopen-ro", preopen_ro, false },
    { "dir", directory, false },
    { "etc", etc, false },
    { "etc-again", etc_again, false },
    { "etc-file", etc_file, false },
    { "passed-udp", socket_passed, false },
    { "passed-pair", socket_pair, false },
    { "tcp-new", tcp_new, false },
    { "tcp-listener", tcp_listener, false },
    { "tcp", tcp_connected, false },
    { "udp", udp_bound, false },
    { "unix-new", unix_new, false },
    { "signals", signals_source, false },
    { "pipe-in", pipe_in, false },
    { "pipe-out", pipe_out, false },
    { "closed", closed, false },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---- operations ---- */

enum { FD = 0xfdfdfdfd, OTHER = 0xfefefefe /* another file, open */, CLEARED = 0x8fffff };
struct op { const char *name; enum call call; uint64_t args[9]; const char *path; bool kicked; };
#define OP(call) CALL_##call
static const struct op ops[] = {
    { "advise", OP(fd_advise), { FD, 0, 0, 3 }, "", false },
    { "advise-bad", OP(fd_advise), { FD, 0, 0, 9 }, "", false },
    { "allocate", OP(fd_allocate), { FD, 0, 100 }, "", false },
    { "allocate-bad", OP(fd_allocate), { FD, -1, 100 }, "", false },
    { "sync", OP(fd_sync), { FD }, "", false },
    { "datasync", OP(fd_datasync), { FD }, "", false },
    { "fdstat", OP(fd_fdstat_get), { FD, OUT }, "", false },
    { "flags-none", OP(fd_fdstat_set_flags), { FD, 0 }, "", false },
    { "flags-append", OP(fd_fdstat_set_flags), { FD, FDFLAG_APPEND }, "", false },
    { "flags-nonblock", OP(fd_fdstat_set_flags), { FD, FDFLAG_NONBLOCK }, "", false },
    { "flags-sync", OP(fd_fdstat_set_flags), { FD, FDFLAG_SYNC }, "", false },
    { "flags-bad", OP(fd_fdstat_set_flags), { FD, 32 }, "", false },
    { "rights-none", OP(fd_fdstat_set_rights), { FD, 0, 0 }, "", false },
    { "rights-all", OP(fd_fdstat_set_rights), { FD, RIGHT_ALL, RIGHT_ALL }, "", false },
    { "filestat", OP(fd_filestat_get), { FD, OUT }, "", false },
    { "filestat-v0", OP(fd_filestat_get_v0), { FD, OUT }, "", false },
    { "size", OP(fd_filestat_set_size), { FD, 3 }, "", false },
    { "size-bad", OP(fd_filestat_set_size), { FD, -1 }, "", false },
    { "times", OP(fd_filestat_set_times), { FD, 0, 0, FST_MTIM_NOW }, "", false },
    { "times-bad", OP(fd_filestat_set_times), { FD, 0, 0, 16 }, "", false },
    { "read", OP(fd_read), { FD, IOVS, 1, OUT }, "", false },
    { "read-fault", OP(fd_read), { FD, IOVS, 1, -4 }, "", false },
    { "read-nothing", OP(fd_read), { FD, IOVS, 0, OUT }, "", false },
    { "pread", OP(fd_pread), { FD, IOVS, 1, 0, OUT }, "", false },
    { "pread-bad", OP(fd_pread), { FD, IOVS, 1, -1, OUT }, "", false },
    { "write", OP(fd_write), { FD, IOVS, 1, OUT }, "", false },
    { "pwrite", OP(fd_pwrite), { FD, IOVS, 1, 0, OUT }, "", false },
    { "read-one", OP(fd_read_one), { FD, BUF, 1 }, "", false },
    { "read-one-bad", OP(fd_read_one), { FD, MEMORY_BYTES, 1 }, "", false },
    { "write-one", OP(fd_write_one), { FD, BUF, 1 }, "", false },
    { "write-one-bad", OP(fd_write_one), { FD, MEMORY_BYTES, 1 }, "", false },
    { "seek", OP(fd_seek), { FD, 0, 0, OUT }, "", false },
    { "seek-bad", OP(fd_seek), { FD, 0, 3, OUT }, "", false },
    { "seek-v0", OP(fd_seek_v0), { FD, 0, 2, OUT }, "", false },
    { "tell", OP(fd_tell), { FD, OUT }, "", false },
    { "readdir", OP(fd_readdir), { FD, BUF, 500, 0, OUT }, "", false },
    { "readdir-fault", OP(fd_readdir), { FD, -4, 500, 0, OUT }, "", false },
    { "readdir-on", OP(fd_readdir), { FD, BUF, 500, 2, OUT }, "", false },
    { "prestat", OP(fd_prestat_get), { FD, OUT }, "", false },
    { "prestat-name", OP(fd_prestat_dir_name), { FD, BUF, 8 }, "", false },
    { "renumber-from", OP(fd_renumber), { FD, OTHER }, "", false },
    { "renumber-to", OP(fd_renumber), { OTHER, FD }, "", false },
    { "close", OP(fd_close), { FD }, "", false },
    { "poll-in", OP(poll_oneoff), { SUB, EVENT, 2, OUT }, "", false },
    { "poll-out", OP(poll_oneoff), { SUB, EVENT, 2, OUT }, "", false },
    { "mkdir", OP(path_create_directory), { FD, PATH1, TEXT }, "new", false },
    { "mkdir-dot", OP(path_create_directory), { FD, PATH1, TEXT }, ".", false },
    { "rmdir", OP(path_remove_directory), { FD, PATH1, TEXT }, "hosts", false },
    { "unlink", OP(path_unlink_file), { FD, PATH1, TEXT }, "hosts", false },
    { "stat", OP(path_filestat_get), { FD, 1, PATH1, TEXT, OUT }, "hosts", false },
    { "stat-v0", OP(path_filestat_get_v0), { FD, 1, PATH1, TEXT, OUT }, "./hosts", false },
    { "stat-self", OP(path_filestat_get), { FD, 1, PATH1, TEXT, OUT }, ".", false },
    { "stat-not", OP(path_filestat_get), { FD, 1, PATH1, TEXT, OUT }, "nothing", false },
    { "stat-up", OP(path_filestat_get), { FD, 1, PATH1, TEXT, OUT }, "..", false },
    { "stat-times", OP(path_filestat_set_times), { FD, 1, PATH1, TEXT, 0, 0, 0 }, "hosts", false },
    { "readlink", OP(path_readlink), { FD, PATH1, TEXT, BUF, 8, OUT }, "hosts", false },
    { "rename", OP(path_rename), { FD, PATH1, TEXT, ROOT, PATH1, TEXT }, "hosts", false },
    { "rename-to", OP(path_rename), { ROOT, PATH1, TEXT, FD, PATH1, TEXT }, "hosts", false },
    { "link", OP(path_link), { FD, 0, PATH1, TEXT, ROOT, PATH1, TEXT }, "hosts", false },
    { "link-to", OP(path_link), { ROOT, 0, PATH1, TEXT, FD, PATH1, TEXT }, "hosts", false },
    { "symlink", OP(path_symlink), { PATH1, TEXT, FD, PATH1, TEXT }, "new", false },
    { "open", OP(path_open), { FD, 1, PATH1, TEXT, 0, RIGHT_FD_READ, 0, 0, OUT }, "hosts", false },
    { "open-self",
      OP(path_open),
      { FD, 1, PATH1, TEXT, OFLAG_DIRECTORY, RIGHT_FD_READ, 0, 0, OUT },
      ".",
      false },
    { "open-create",
      OP(path_open),
      { FD, 1, PATH1, TEXT, OFLAG_CREAT, RIGHT_FD_WRITE, 0, 0, OUT },
      "new",
      false },
    { "open-not",
      OP(path_open),
      { FD, 1, PATH1, TEXT, 0, RIGHT_FD_READ, 0, 0, OUT },
      "nothing",
      false },
    { "open-dir",
      OP(path_open),
      { FD, 1, PATH1, TEXT, OFLAG_DIRECTORY, RIGHT_FD_READ, 0, 0, OUT },
      "hosts",
      false },
    { "open-fault",
      OP(path_open),
      { FD, 1, PATH1, TEXT, 0, RIGHT_FD_READ, 0, 0, -4 },
      "hosts",
      false },
    { "accept", OP(sock_accept), { FD, 0, OUT }, "", true },
    { "accept-bad", OP(sock_accept), { FD, 1, OUT }, "", true },
    { "accept-v1", OP(sock_accept_v1), { FD, OUT }, "", true },
    { "recv", OP(sock_recv), { FD, IOVS, 1, 0, OUT, OUT2 }, "", true },
    { "recv-peek", OP(sock_recv), { FD, IOVS, 1, 1, OUT, OUT2 }, "", true },
    { "recv-bad", OP(sock_recv), { FD, IOVS, 1, 4, OUT, OUT2 }, "", true },
    { "send", OP(sock_send), { FD, IOVS, 1, 0, OUT }, "", true },
    { "send-bad", OP(sock_send), { FD, IOVS, 1, 1, OUT }, "", true },
    { "shutdown", OP(sock_shutdown), { FD, 3 }, "", false },
    { "shutdown-bad", OP(sock_shutdown), { FD, 0 }, "", false },
    { "bind", OP(sock_bind), { FD, ADDR, 0 }, "", false },
    { "listen", OP(sock_listen), { FD, 5 }, "", false },
    { "connect", OP(sock_connect), { FD, ADDR, 9 }, "", true },
    { "recv-from", OP(sock_recv_from), { FD, IOVS, 1, ADDR, 0, PORT_OUT, OUT, OUT2 }, "", true },
    { "send-to", OP(sock_send_to), { FD, IOVS, 1, ADDR, 9, 0, OUT }, "", true },
    { "local", OP(sock_getlocaladdr), { FD, ADDR, PORT_OUT }, "", false },
    { "peer", OP(sock_getpeeraddr), { FD, ADDR, PORT_OUT }, "", false },
    { "option-type", OP(sock_getsockopt), { FD, 0, 1, VALUE, 4 }, "", false },
    { "option-error", OP(sock_getsockopt), { FD, 0, 2, VALUE, 4 }, "", false },
    { "option-timeout", OP(sock_getsockopt), { FD, 0, 11, VALUE, 16 }, "", false },
    { "option-bad", OP(sock_getsockopt), { FD, 5, 1, VALUE, 4 }, "", false },
    { "set-sndbuf", OP(sock_setsockopt), { FD, 0, 5, VALUE, 4 }, "", false },
    { "set-timeout", OP(sock_setsockopt), { FD, 0, 11, VALUE, 16 }, "", false },
    { "set-type", OP(sock_setsockopt), { FD, 0, 1, VALUE, 4 }, "", false },
};
enum { OPS = sizeof ops / sizeof *ops };

static const struct { const char *name, *words; } expected[] = {
#define KIND(name, words) { name, words },
#include "tests/unit/vmm/net/kinds.def"
#undef KIND
};
_Static_assert(sizeof expected / sizeof *expected == KINDS, "a row for each kind");

static const char *errno_name(uint32_t err)
{
    static const char *const names[] = {
#define X(name, number, host) [number] = #name,
        WASI_ERRNOS(X)
#undef X
        [WASI_SUCCESS] = "-", [WASI_NOTCAPABLE] = "NOTCAPABLE",
    };
    return err < sizeof names / sizeof *names && names[err] ? names[err] : "?";
}

/* ---- a run for each cell ---- */

static void host_make(void)
{
    int fd;
    host_file("hosts", "hosts");
    unlink(host_path("new"));
    rmdir(host_path("new"));
    host_file("file", "contents");
    host_file("sub/hosts", "hosts");
    unlink(host_path("sub/new"));
    rmdir(host_path("sub/new"));
    ro_file("file", "read");
    ro_file("hosts", "hosts");
    if (!host_has("fifo"))
        assert_int_equal(mkfifo(host_path("fifo"), 0600), 0);
    host_end = host_socket("127.0.0.1", &host_port);
    passed[0] = host_socket("127.0.0.1", &host_port);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, inherited), 0);
    assert_int_equal(write(inherited[1], "bytes", 5), 5);
    assert_int_equal(pipe(pipes[0]), 0);
    assert_int_equal(pipe(pipes[1]), 0);
    assert_int_equal(write(pipes[1][1], "bytes", 5), 5);
    appended = open(host_path("file"), O_WRONLY | O_APPEND);
    terminal[0] = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(grantpt(terminal[0]) == 0 && unlockpt(terminal[0]) == 0);
    terminal[1] = open(ptsname(terminal[0]), O_RDWR | O_NOCTTY);
    assert_int_equal(write(terminal[0], "line\n", 5), 5);
    assert_true((fd = open(host_path("fifo"), O_RDWR)) >= 0);
    passed[1] = fd;
    assert_int_equal(write(fd, "bytes", 5), 5);
}

static void host_end_all(void)
{
    int all[] = { host_end,    passed[0],   passed[1],   inherited[0], inherited[1], pipes[0][0],
                  pipes[0][1], pipes[1][0], pipes[1][1], appended,     terminal[0],  terminal[1] };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        close(all[i]);
}

static void run_begin(bool second)
{
    static char ro[128];
    static char *args[] = { "app.wasm" };
    host_make();
    snprintf(ro, sizeof ro, "%s.ro", root);
    int dir = open(root, O_RDONLY | O_DIRECTORY);
    const int first_streams[] = { inherited[0], pipes[0][1], appended },
              others[] = { terminal[1], dir, pipes[1][0] };
    struct passed sockets[] = { { passed[0], false }, { inherited[1], false } };
    struct grant all[] = { { .host = root, .guest = "/" },
                           { .host = ro, .guest = "/ro", .read_only = true },
                           { .host = "/dev", .guest = "/dev", .mounts = true },
                           { .guest = "/etc", .read_only = true, .kind = &etc_grant } };
    const struct settings settings = {
        .allow_connect = WORDS("127.0.0.1", "udp:127.0.0.1"), .allow_unix = true, .allow_dns = "",
        .allow_listen = WORDS("127.0.0.1", "udp:127.0.0.1"), .sockets = { sockets, 2 },
    };
    struct config config = {
        .set = &settings, .args = args, .argc = 1, .grants = all, .ngrants = 4,
        .stdio = second ? others : first_streams,
    };
    wasi = wasi_new(&config);
    close(dir);
}

static void run_end(void)
{
    wasi_close(wasi);
    host_end_all();
}

static void prepare(const struct op *op, uint32_t fd)
{
    uint8_t tag = strcmp(op->name, "poll-in") == 0 ? 1 : 2;
    struct wasi_subscription subs[2] = { { .tag = tag, .id = fd }, { .id = CLOCKID_MONOTONIC } };
    memcpy(guest + SUB, subs, sizeof subs);
    put_at(PATH1, op->path);
    memset(guest + VALUE, 0, 16);
    memset(guest + BUF, 'x', 1);
    iov(BUF, 1);
    room();
    if (op->call == CALL_sock_bind || op->call == CALL_sock_connect ||
        op->call == CALL_sock_send_to)
        addr4("127.0.0.1");
}

static uint32_t one(const struct op *op, const uint64_t *args)
{
    struct request r = { .number = op->call };
    memcpy(r.args, args, 9 * sizeof *args);
    return (uint32_t)wasi_transfer_one(wasi, &r, &ended);
}

static const char *poll_word(void)
{
    struct wasi_event e;
    for (uint32_t i = 0; i < out32(); i++) {
        memcpy(&e, guest + EVENT + i * sizeof e, sizeof e);
        if (e.type != 0)
            return e.error ? errno_name(e.error) : "ready";
    }
    return "not";
}

/* A run with a descriptor of the kind; one in which nothing happened serves for the next call too.
 */
static struct { const struct kind *kind; uint32_t fd, other; } now;

static void now_end(void)
{
    if (now.kind)
        run_end();
    now.kind = NULL;
}

static void now_begin(const struct kind *kind)
{
    if (now.kind == kind)
        return;
    now_end();
    run_begin(kind->second);
    now.kind = kind;
    now.fd = kind->make();
    now.other = opened(ROOT, "sub/inner", 0, GO_RDWR, 0);
}

static bool changes_nothing(uint32_t err)
{
    static const uint8_t refusals[] = { WASI_NOTSOCK, WASI_NOTDIR, WASI_BADF,
                                        WASI_ISDIR,   WASI_ROFS,   WASI_SPIPE };
    return memchr(refusals, (int)err, sizeof refusals) != NULL;
}

static uint64_t argument(const struct op *op, uint64_t arg)
{
    return arg == FD ? now.fd : arg == OTHER ? now.other : arg == TEXT ? strlen(op->path) : arg;
}

/* What op answers for the kind, as a word. */
static const char *cell(const struct kind *kind, const struct op *op)
{
    static char word[80];
    uint64_t args[9];
    struct wasi_fdstat s;
    now_begin(kind);
    prepare(op, now.fd);
    for (int i = 0; i < 9; i++)
        args[i] = argument(op, op->args[i]);
    bool single = op->call == CALL_fd_read_one || op->call == CALL_fd_write_one;
    kicked = op->kicked;
    uint32_t err = single ? one(op, args) : call_with(op->call, args, 9);
    kicked = 0;
    memcpy(&s, guest + OUT, sizeof s);
    if (!err && op->call == CALL_fd_fdstat_get)
        snprintf(word, sizeof word, "%u:%x:%x:%x", s.filetype, s.flags, (unsigned)s.rights,
                 (unsigned)s.inheriting);
    else
        snprintf(word, sizeof word, "%s",
                 !err && op->call == CALL_poll_oneoff ? poll_word() : errno_name(err));
    if (!changes_nothing(err))
        now_end();
    return word;
}

/* Whether the word that `at` stands before is this one; `at` goes on behind it. */
static bool word_next(const char **at, const char *word)
{
    size_t len = strcspn(*at, " ");
    bool same = strlen(word) == len && strncmp(*at, word, len) == 0;
    *at += len + ((*at)[len] == ' ');
    return same;
}

static void every_call_on_every_kind(void **state)
{
    (void)state;
    int wrong = 0;
    for (int k = 0; k < KINDS; k++) {
        const char *at = expected[k].words;
        assert_string_equal(kinds[k].name, expected[k].name);
        for (int i = 0; i < OPS; i++) {
            const char *want = at, *got = cell(&kinds[k], &ops[i]);
            if (!word_next(&at, got))
                wrong++, print_error("%s: %s answers %s, not %.20s\n", kinds[k].name, ops[i].name,
                                     got, want);
        }
        assert_string_equal(at, "");
    }
    now_end();
    assert_int_equal(wrong, 0);
}

static int kinds_setup(void **state)
{
    (void)state;
    char ro[128];
    signal(SIGPIPE, SIG_IGN);
    memory_make();
    root_make();
    snprintf(ro, sizeof ro, "%s.ro", root);
    return mkdir(ro, 0755);
}

static int kinds_teardown(void **state)
{
    (void)state;
    char command[256];
    free(guest);
    snprintf(command, sizeof command, "rm -rf %s %s.ro", root, root);
    return system(command) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_call_on_every_kind) };
    return cmocka_run_group_tests(tests, kinds_setup, kinds_teardown);
}
