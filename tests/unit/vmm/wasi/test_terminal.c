/* What reaches a terminal of what a program writes: by rows, whole and in pieces, over two
 * descriptors, by chance. */
#include "tests/unit/vmm/wasi/fixture.h"

#include <pty.h>
#include <termios.h>

static int master, slave;

static int terminal_setup_as(bool raw)
{
    static char *args[] = { "app.wasm" };
    struct termios how;
    kicked = 0;
    waits = 0;
    memory_make();
    root_make();
    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    tcgetattr(slave, &how);
    cfmakeraw(&how);
    tcsetattr(slave, TCSANOW, &how);
    const struct settings settings = { .raw_tty = raw };
    const int stdio[3] = { slave, slave, slave };
    struct config config = { .args = args, .argc = 1, .set = &settings, .stdio = stdio };
    wasi = wasi_new(&config);
    return 0;
}

static int terminal_setup(void **state)
{
    (void)state;
    return terminal_setup_as(false);
}

static int raw_setup(void **state)
{
    (void)state;
    return terminal_setup_as(true);
}

static int terminal_teardown(void **state)
{
    close(master);
    close(slave);
    return teardown(state);
}

static void write_bytes(uint32_t fd, const char *bytes, size_t n)
{
    memcpy(guest + BUF, bytes, n);
    OK(fd_write, fd, iov(BUF, (uint32_t)n), 1, OUT);
    assert_int_equal(out32(), n);
}

/* What the terminal got since the last look; a mark tells where that ends. */
static size_t shown(char *out, size_t cap)
{
    size_t n = 0;
    assert_int_equal(write(slave, "\001", 1), 1);
    while (n == 0 || out[n - 1] != 1) {
        assert_true(n < cap);
        ssize_t got = read(master, out + n, cap - n);
        assert_true(got > 0);
        n += (size_t)got;
    }
    out[--n] = 0;
    return n;
}

/* SAME: all of it; else what is left. */
#define SAME NULL
static const struct row { const char *in, *out;
} rows[] = {
    { "plain text\r\n\tand\bmore\a\v\f", SAME },
    { "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", SAME },
    { "\033[31mred\033[0m\033[1;38;5;208m\033[38:2::255:100:0m\033[m", SAME },
    { "\033[2J\033[H\033[10;20H\033[K\033[1A\033[3B\033[2C\033[4D\033[5G\033[2;5r\033[s\033[u",
      SAME },
    { "\033[?25l\033[?25h\033[?1049h\033[?7l\033[?12;25h", SAME },
    { "\0337\0338\033D\033E\033M\033(B", SAME },
    /* what answers */
    { "a\033[cb", "ab" },
    { "\033[>c", "" },
    { "\033[=c", "" },
    { "\033[5n", "" },
    { "\033[6n", "" },
    { "\033[?6n", "" },
    { "\033Z", "" },
    { "\005", "" },
    { "\033[x", "" },
    { "\033[21t", "" },
    { "\033[18t", "" },
    { "\033[?1$p", "" },
    { "\033P$qm\033\\", "" },
    { "\033[?4m", "" },
    { "\033[>4m", "" },
    { "\033[?u", "" },
    { "\033]4;1;?\a", "" },
    { "\033]10;?\033\\", "" },
    { "\033[?1;1;0S", "" },
    { "\033P+q544e\033\\x", "x" },
    /* titles, clipboard, links, notes, images */
    { "a\033]0;title\ab", "ab" },
    { "a\033]2;title\033\\b", "ab" },
    { "\033]52;c;aGk=\a.", "." },
    { "\033]8;;http://x\033\\link\033]8;;\033\\", "link" },
    { "\033_Gf=100;AAAA\033\\", "" },
    { "\033^private\033\\", "" },
    { "\033Xstart\033\\", "" },
    { "\033ktitle\033\\", "title" },
    { "\033]0;never ended", "" },
    { "\033]0;cut\033[31mred", "\033[31mred" },
    { "\033]0;cut\030on", "on" },
    /* keyboard, mouse, resets, printing, repeating */
    { "\033[2h", "" },
    { "\033[4h", "" },
    { "\033[?1000h", "" },
    { "\033[?1003;25h", "" },
    { "\033[?2004h", "" },
    { "\033[?1h", "" },
    { "\033[>1u", "" },
    { "\033c", "" },
    { "\033[!p", "" },
    { "\033[5i", "" },
    { "\033[99999999b", "" },
    { "\033[99999C", "" },
    { "\033=", "" },
    { "\033(0", "" },
    { "\016\017", "" },
    { "\033[3 q", "" },
    { "\033#8", "" },
    { "\033%G", "" },
    { "\033[?h", "" },
    { "\033n", "" },
    /* controls in one byte, or as a character */
    { "\x9b"
      "6n",
      "6n" },
    { "\xc2\x9b"
      "6n",
      "6n" },
    { "\xc2\x9d"
      "0;t\xc2\x9c",
      "0;t" },
    { "\x90\x9c", "" },
    { "\xc2\xa0", SAME },
    { "\xc2"
      "a",
      "a" },
    { "\xe2\x82"
      "a",
      "a" },
    { "\xff\xfe\xc0\xaf", "" },
    { "\xe2\xc2\x9b"
      "c",
      "c" },
    { "\177", "" },
    { "\021\023\030\032", "" },
    /* sequences that are cut, or hold others */
    { "\033[31\nm", "m" },
    { "\033[\033[6n", "" },
    { "\033\033[6n", "" },
    { "\033\033[1m", "\033[1m" },
    { "\033[3\033]0;x\a1m", "1m" },
    { "\033[1;2;3;4;5;6;7;8;9;1;2;3;4;5;6;7;8;9;1;2;3;4;5;6;7;8;9;1;2;3;4;5;6;7;8;9;1;2m", "" },
};

static void row_shows(const struct row *r)
{
    char got[4096];
    const char *want = r->out ? r->out : r->in;
    shown(got, sizeof got);
    if (strcmp(got, want) != 0)
        print_error("%s gave %s\n", r->in + 1, got + (got[0] == '\033'));
    assert_string_equal(got, want);
    write_bytes(1, "\030\033\\", 3); /* the next begins anew */
    shown(got, sizeof got);
    assert_string_equal(got, "");
}

static void test_rows_whole_and_in_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        size_t len = strlen(r->in);
        write_bytes(1, r->in, len);
        row_shows(r);
        for (size_t at = 0; at < len; at++)
            write_bytes(1, r->in + at, 1);
        row_shows(r);
        for (size_t cut = 1; cut < len; cut++) {
            write_bytes(1, r->in, cut);
            write_bytes(1, r->in + cut, len - cut);
            row_shows(r);
        }
    }
}

/* Half of it by stdout, half by stderr: neither has ever begun a sequence there. */
static void test_two_descriptors_make_no_sequence(void **state)
{
    (void)state;
    static const char bad[] = "\033[6n\033]52;c;aGk=\a\xc2\x9b" "c";
    char got[4096];
    for (size_t i = 0; i < sizeof bad - 1; i++)
        write_bytes(1 + i % 2, bad + i, 1);
    shown(got, sizeof got);
    assert_null(strchr(got, '\033'));
    assert_null(strchr(got, '\xc2'));
    assert_null(strchr(got, '\x9b'));
    assert_true(wasi->escapes_lost > 0);
}

/* As /dev/fd/1 makes one: closed, it leaves the other whole. */
static void test_a_duplicate_has_a_filter_of_its_own(void **state)
{
    char got[100];
    (void)state;
    const struct desc *one = desc_get(wasi, 1);
    struct desc copy = *one;
    assert_true(terminal_filter(wasi, &copy));
    assert_ptr_equal(copy.ops, one->ops);
    assert_ptr_not_equal(copy.own, one->own);
    copy.ops->close(wasi, &copy);
    write_bytes(1, "whole", 5);
    shown(got, sizeof got);
    assert_string_equal(got, "whole");
}

/* The window is closed, and the program goes on: there is no terminal any more, but two filters. */
static void test_a_duplicate_after_a_hangup(void **state)
{
    (void)state;
    const struct desc *one = desc_get(wasi, 1);
    close(master);
    master = -1;
    assert_false(isatty(one->host));
    struct desc copy = *one;
    assert_true(terminal_filter(wasi, &copy));
    assert_ptr_not_equal(copy.own, one->own);
    copy.ops->close(wasi, &copy);
}

static void test_left_out_is_counted(void **state)
{
    (void)state;
    write_bytes(1, "\033[1mbold\033[0m", 12);
    assert_int_equal(wasi->escapes_lost, 0);
    write_bytes(1, "\033]0;t\a", 6);
    write_bytes(2, "\033[6n", 4);
    assert_int_equal(wasi->escapes_lost, 2);
}

static void test_raw(void **state)
{
    (void)state;
    char got[64];
    write_bytes(1, "\033]0;t\a\033[6n", 10);
    assert_int_equal(shown(got, sizeof got), 10);
    assert_memory_equal(got, "\033]0;t\a\033[6n", 10);
    assert_int_equal(wasi->escapes_lost, 0);
}

/* More than one piece, by iovecs, and with a reader that comes late. */
static void *reader(void *sum)
{
    char bytes[4096];
    for (size_t *n = sum; *n;) {
        ssize_t got = read(master, bytes, sizeof bytes);
        if (got <= 0)
            break;
        *n -= (size_t)got;
    }
    return NULL;
}

static void test_much_and_slowly(void **state)
{
    (void)state;
    pthread_t thread;
    size_t left = 300000;
    memset(guest + BUF, 'x', 300000);
    struct wasi_iovec v[3] = { { BUF, 1 }, { BUF + 1, 199999 }, { BUF + 200000, 100000 } };
    memcpy(guest + IOVS, v, sizeof v);
    assert_int_equal(pthread_create(&thread, NULL, reader, &left), 0);
    OK(fd_write, 1, IOVS, 3, OUT);
    assert_int_equal(out32(), 300000);
    pthread_join(thread, NULL);
    assert_int_equal(left, 0);
}

/* Nobody reads: a program that does not wait is told AGAIN, and nothing of what it says is lost or
 * comes twice. */
static void test_a_full_terminal(void **state)
{
    (void)state;
    char got[65536];
    size_t said = 0, seen = 0;
    OK(fd_fdstat_set_flags, 1, FDFLAG_NONBLOCK);
    for (uint32_t err = 0; err == 0;) {
        for (size_t i = 0; i < 1000; i++)
            guest[BUF + i] = (uint8_t)('a' + (said + i) % 26);
        err = CALL(fd_write, 1, iov(BUF, 1000), 1, OUT);
        said += err ? 0 : out32();
        assert_true(err == 0 || err == WASI_AGAIN);
        assert_true(said < 10000000);
    }
    for (uint32_t err = WASI_AGAIN; err == WASI_AGAIN;) {
        ssize_t n = read(master, got, sizeof got);
        for (ssize_t i = 0; i < n; i++, seen++)
            assert_int_equal(got[i], 'a' + (int)(seen % 26));
        for (size_t i = 0; i < 1000; i++)
            guest[BUF + i] = (uint8_t)('a' + (said + i) % 26);
        err = CALL(fd_write, 1, iov(BUF, 1000), 1, OUT);
        said += err ? 0 : out32();
    }
    size_t n = shown(got, sizeof got);
    for (size_t i = 0; i < n; i++, seen++)
        assert_int_equal(got[i], 'a' + (int)(seen % 26));
    assert_int_equal(seen, said);
}

/* Of bytes by chance, in writes by chance, over both descriptors: every ESC that comes out begins
 * one of the good. */
static void test_by_chance(void **state)
{
    (void)state;
    static const char common[] =
        "\033\033\033[[]PX^_?;:01259mhlcntqHJK\a\\(\xc2\x9b\x90\x9d\x05 $!>";
    char got[65536];
    uint32_t seed = 7;
    for (int round = 0; round < 3000; round++) {
        char bytes[64];
        size_t len = 1 + (seed >> 20) % sizeof bytes;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (seed >> 16) % 8 ? common[(seed >> 20) % (sizeof common - 1)]
                                        : (char)(seed >> 24);
        }
        write_bytes(1 + (seed >> 10) % 2, bytes, len);
        size_t n = shown(got, sizeof got);
        for (size_t i = 0; i < n; i++) {
            uint8_t c = (uint8_t)got[i];
            assert_true(c >= 0x20 || c == '\033' || (c >= 7 && c <= 13));
            assert_true(c != 0xc2 || (uint8_t)got[i + 1] >= 0xa0);
            if (c != '\033' || strchr("78DEM(", got[i + 1]))
                continue;
            assert_int_equal(got[i + 1], '[');
            size_t end = i + 2 + strspn(got + i + 2, "?;:0123456789");
            assert_non_null(strchr("ABCDEFGHIZ`adefJKX@PLMSTmrsuhl", got[end]));
        }
    }
}

#define TERMINAL(name) cmocka_unit_test_setup_teardown(name, terminal_setup, terminal_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TERMINAL(test_rows_whole_and_in_pieces),
        TERMINAL(test_two_descriptors_make_no_sequence),
        TERMINAL(test_a_duplicate_has_a_filter_of_its_own),
        TERMINAL(test_a_duplicate_after_a_hangup),
        TERMINAL(test_left_out_is_counted),
        TERMINAL(test_much_and_slowly),
        TERMINAL(test_a_full_terminal),
        TERMINAL(test_by_chance),
        cmocka_unit_test_setup_teardown(test_raw, raw_setup, terminal_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
