/* The command line's rules (docs/wasmvm.1): where options stand, what values mean, what is refused
 * in which words.  A refusal ends the process, so each runs in a child whose stderr is read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/vmm/cli/child.h"
#include "vmm/cli/cli.h"
#include "vmm/lib/lib.h"

#define WORDS_MOST 32

/* A config lives as long as its process: what it allocates is not freed. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static char home[] = "/tmp/test_options.XXXXXX"; /* the working directory of all tests */
static char repository[4096];
static struct command command;
static const struct settings *set; /* what the library was told */
static pid_t test_process;

/* What the parser ends with exit(0), outside a child, must not look like success. */
static void left_early(void)
{
    if (getpid() == test_process)
        _exit(99);
}

static int words_collect(char **argv, va_list args)
{
    int argc = 0;
    for (char *word; (word = va_arg(args, char *)) != NULL;) {
        assert_true(argc < WORDS_MOST);
        argv[argc++] = strdup(word);
    }
    argv[argc] = NULL;
    return argc;
}

static void parse_as(const char *name, ...)
{
    char **argv = calloc(WORDS_MOST + 2, sizeof *argv); /* the config points into it */
    va_list args;
    argv[0] = strdup(name);
    va_start(args, name);
    int argc = words_collect(argv + 1, args) + 1;
    va_end(args);
    struct start start = { .argc = argc, .argv = argv };
    command_find(&start);
    set = &run_parse(&command, &start)->set;
}
#define parse(...) parse_as("/usr/bin/wasmvm", __VA_ARGS__, NULL)

struct line { int argc; char *argv[WORDS_MOST + 2]; };

static void act_parse(const void *data)
{
    struct line line = *(const struct line *)data;
    struct start start = { .argc = line.argc, .argv = line.argv };
    command_find(&start);
    run_parse(&command, &start);
}

/* Runs the words in a child; returns its exit status and what it wrote to `fd`. */
static int child(int fd, char *out, size_t cap, va_list args)
{
    struct line line = { .argv = { strdup("wasmvm") } };
    line.argc = words_collect(line.argv + 1, args) + 1;
    int status = in_child(fd, out, cap, act_parse, &line);
    free(line.argv[0]);
    return status;
}

/* The words must be refused with 125 and exactly this one line. */
static void refused(const char *line, ...)
{
    char out[8192], want[4096];
    va_list args;
    va_start(args, line);
    int status = child(STDERR_FILENO, out, sizeof out, args);
    va_end(args);
    snprintf(want, sizeof want, "wasmvm: %s\n", line);
    assert_string_equal(out, want);
    assert_int_equal(status, EXIT_MONITOR);
}
#define REFUSED(line, ...) refused(line, __VA_ARGS__, NULL)

static const char *env_of(const char *name)
{
    return words_env(&set->env, name);
}

static void args_are(const char *first, ...)
{
    va_list args;
    uint32_t n = 0;
    va_start(args, first);
    for (const char *want = va_arg(args, const char *); want;
         want = va_arg(args, const char *), n++) {
        assert_true(n < set->args.n);
        assert_string_equal(set->args.at[n], want);
    }
    va_end(args);
    assert_int_equal(set->args.n, n);
    assert_string_equal(command.module, first);
}
#define ARGS_ARE(...) args_are(__VA_ARGS__, NULL)

static void grant_is(uint32_t i, const char *host, const char *guest, bool read_only, bool relative)
{
    assert_true(i < set->dirs.n);
    assert_string_equal(set->dirs.at[i].host, host);
    assert_string_equal(set->dirs.at[i].guest, guest);
    assert_int_equal(set->dirs.at[i].read_only, read_only);
    assert_int_equal(guest[0] != '/', relative);
}

/* ---- placement ---- */

static void test_defaults(void **state)
{
    (void)state;
    parse("app.wasm");
    ARGS_ARE("app.wasm");
    assert_int_equal(set->env.n, 0);
    assert_int_equal(set->dirs.n, 0);
    assert_int_equal(set->memory_bytes, 4ull << 30);
    assert_int_equal(set->stack_bytes, 256 << 20);
    assert_int_equal(set->timeout_ns, 0);
    assert_int_equal(set->cpu_time_ns, 0);
    assert_null(command.report);
    assert_null(set->guest_image);
    assert_false(command.stats || set->validate || set->compile_all || set->hypercall_all);
}

static void test_options_before_and_after(void **state)
{
    (void)state;
    parse("--stats", "app.wasm", "--validate", "x", "--memory", "1M");
    ARGS_ARE("app.wasm", "x", "--memory", "1M");
    assert_true(command.stats && set->validate);
    assert_int_equal(set->memory_bytes, 4ull << 30);
    parse("run", "app.wasm", "--memory", "1M", "--memory=2M", "run");
    ARGS_ARE("app.wasm", "run");
    assert_int_equal(set->memory_bytes, 2 << 20);
}

static void test_words_end_options_after_the_module(void **state)
{
    (void)state;
    parse("app.wasm", "--", "--stats", "--");
    ARGS_ARE("app.wasm", "--stats", "--");
    assert_false(command.stats);
    parse("app.wasm", "--stat", "--stats"); /* no abbreviations: --stat is the program's */
    ARGS_ARE("app.wasm", "--stat", "--stats");
    assert_false(command.stats);
    parse("app.wasm", "-", "--stats");
    ARGS_ARE("app.wasm", "-", "--stats");
    parse("app.wasm", "", "--stats");
    ARGS_ARE("app.wasm", "", "--stats");
    parse("app.wasm", "--help");
    ARGS_ARE("app.wasm", "--help");
    parse("app.wasm", "--stats", "--version", "--stats");
    ARGS_ARE("app.wasm", "--version", "--stats");
    parse("app.wasm", "--stats", "--");
    ARGS_ARE("app.wasm");
}

static void test_dashes_before_the_module_end_options_for_good(void **state)
{
    (void)state;
    parse("--stats", "--", "app.wasm", "--validate", "--", "x");
    ARGS_ARE("app.wasm", "--validate", "--", "x");
    assert_true(command.stats);
    assert_false(set->validate);
    parse("--", "--stats");
    ARGS_ARE("--stats");
    parse("--", "--", "x");
    ARGS_ARE("--", "x");
    parse("--", "run", "x");
    ARGS_ARE("run", "x");
}

static void test_run_and_dash_as_names(void **state)
{
    (void)state;
    parse("run", "run");
    ARGS_ARE("run");
    parse("--stats", "run", "x");
    ARGS_ARE("run", "x");
    parse("-");
    ARGS_ARE("-");
}

static void test_binfmt_name(void **state)
{
    (void)state;
    parse_as("/usr/lib/wasmvm-binfmt", "run", "--stats", "--", "x", NULL);
    ARGS_ARE("run", "--stats", "--", "x");
    assert_false(command.stats);
    parse_as("wasmvm-binfmt", "--stats", NULL);
    ARGS_ARE("--stats");
}

static void test_usage_refused(void **state)
{
    (void)state;
    refused("no module given (write wasmvm MODULE.wasm, or see wasmvm --help)", NULL);
    REFUSED("no module given (write wasmvm MODULE.wasm, or see wasmvm --help)", "run");
    REFUSED("no module given (write wasmvm MODULE.wasm, or see wasmvm --help)", "--stats", "--");
    REFUSED("the module's name is empty (write wasmvm MODULE.wasm)", "");
    REFUSED("--nope: no such option (wasmvm --help lists them)", "--nope", "app.wasm");
    REFUSED("-v: no such option (wasmvm --help lists them)", "-v", "app.wasm");
    REFUSED("--stat: no such option (wasmvm --help lists them)", "--stat", "app.wasm");
    REFUSED("--liste: no such option (wasmvm --help lists them)", "--liste", ":80", "app.wasm");
    REFUSED("--n\\x1b[m: no such option (wasmvm --help lists them)", "--n\033[m", "app.wasm");
    REFUSED("--memory needs a value (write --memory SIZE)", "--memory");
    REFUSED("--memory needs a value (write --memory SIZE)", "--memory", "--", "app.wasm");
    REFUSED("--memory needs a value (write --memory SIZE, or -- before it if the word is the "
            "program's)",
            "app.wasm", "--memory");
    REFUSED("--stats takes no value (leave out =yes)", "--stats=yes", "app.wasm");
    REFUSED("--help takes no value (leave out =)", "--help=");
}

/* ---- values ---- */

static void test_sizes(void **state)
{
    (void)state;
    static const struct { const char *text; uint64_t bytes;
    } good[] = {
        { "0", 0 },           { "1", 1 },          { "65536", 65536 },           { "64k", 65536 },
        { "64K", 65536 },     { "16m", 16 << 20 }, { "16M", 16 << 20 },          { "1g", 1 << 30 },
        { "4G", 4ull << 30 }, { "007", 7 },        { "4294967296", 4ull << 30 },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        parse("--memory", good[i].text, "app.wasm");
        assert_int_equal(set->memory_bytes, good[i].bytes);
    }
    parse("--stack", "65537", "app.wasm");
    assert_int_equal(set->stack_bytes, 65537);
}

static void test_counts_refused(void **state)
{
    (void)state;
    static const char *const counts[] = { "", "none", "5x", "5 ", "-5", "+5", "0x5", "5K" };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        char line[100];
        snprintf(line, sizeof line, "--max-sockets %s: not a number from 1 to 1000000", counts[i]);
        REFUSED(line, "--max-sockets", counts[i], "app.wasm");
    }
}

static void test_sizes_refused(void **state)
{
    (void)state;
    static const char *const junk[] = {
        "", "x", "-1", "+1", " 1", "1 ", "1KB", "1KiB", "1T", "1.5G", "0x10", "K", "1,000", "1e3",
    };
    for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++) {
        char line[256];
        snprintf(line, sizeof line,
                 "--memory %s: not a size (write bytes, or a number with K, M or G: 512M)",
                 junk[i]);
        REFUSED(line, "--memory", junk[i], "app.wasm");
    }
    REFUSED("--memory 5G: too large (4G is the most)", "--memory", "5G", "app.wasm");
    REFUSED("--memory 4294967297: too large (4G is the most)", "--memory=4294967297", "app.wasm");
    REFUSED("--memory 18446744073709551616: too large (4G is the most)", "--memory",
            "18446744073709551616", "app.wasm");
    REFUSED("--memory 18446744073709551616K: too large (4G is the most)", "--memory",
            "18446744073709551616K", "app.wasm");
    REFUSED("--memory 17179869184G: too large (4G is the most)", "--memory", "17179869184G",
            "app.wasm");
    REFUSED("--stack 1K: too small (64K is the least)", "app.wasm", "--stack", "1K");
    REFUSED("--stack 9G: too large (8G is the most)", "app.wasm", "--stack", "9G");
}

static void test_times(void **state)
{
    (void)state;
    static const struct { const char *text; uint64_t ns;
    } good[] = {
        { "1", 1000000000 },      { "1s", 1000000000 },   { "1ms", 1000000 },
        { "1500ms", 1500000000 }, { "2m", 120000000000 }, { "9223372036", 9223372036000000000 },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        parse("--timeout", good[i].text, "app.wasm", "--cpu-time", good[i].text);
        assert_int_equal(set->timeout_ns, good[i].ns);
        assert_int_equal(set->cpu_time_ns, good[i].ns);
    }
}

static void test_times_refused(void **state)
{
    (void)state;
    static const char *const junk[] = {
        "",   "s",   "1.5", "1.5s", "-1",   "1h",    "1M",
        "1S", "1MS", "1us", "1 s",  "1sec", "1m30s", "soon",
    };
    for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++) {
        char line[256];
        snprintf(line, sizeof line,
                 "--timeout %s: not a time (write seconds, or a number with ms, s or m: 1500ms)",
                 junk[i]);
        REFUSED(line, "--timeout", junk[i], "app.wasm");
    }
    REFUSED("--timeout 0: no time at all (leave --timeout out for no limit)", "--timeout", "0",
            "app.wasm");
    REFUSED("--cpu-time 0ms: no time at all (leave --cpu-time out for no limit)", "--cpu-time",
            "0ms", "app.wasm");
    REFUSED("--timeout 9223372037: too long (292 years are the most)", "--timeout", "9223372037",
            "app.wasm");
    REFUSED("--timeout 18446744073710m: too long (292 years are the most)", "--timeout",
            "18446744073710m", "app.wasm");
}

static void test_texts(void **state)
{
    (void)state;
    parse("--report", "r.json", "--guest-image=--", "app.wasm");
    assert_string_equal(command.report, "r.json");
    assert_string_equal(set->guest_image, "--");
    REFUSED("--report: FILE is empty (give a name)", "--report=", "app.wasm");
    REFUSED("--guest-image: FILE is empty (give a name)", "--guest-image", "", "app.wasm");
}

/* ---- --dir ---- */

static void test_dirs(void **state)
{
    (void)state;
    parse("app.wasm", "--dir", "/data", "--dir=/srv/x::/x:ro", "--dir", "/a:rw", "--dir",
          "//b/./c/../d/");
    assert_int_equal(set->dirs.n, 4);
    grant_is(0, "/data", "/data", false, false);
    grant_is(1, "/srv/x", "/x", true, false);
    grant_is(2, "/a", "/a", false, false);
    grant_is(3, "//b/./c/../d/", "/b/d", false, false);
    parse("app.wasm", "--dir", "/h::/g::/x");
    grant_is(0, "/h", "/g::/x", false, false);
    REFUSED("--dir /h:ro:ro: no directory has this name (for GUEST:HOST write HOST::GUEST: --dir "
            "ro::/h)",
            "app.wasm", "--dir", "/h:ro:ro");
}

static void test_relative_dirs_stand_last(void **state)
{
    (void)state;
    char below[4096], up[4096];
    snprintf(below, sizeof below, "%s/data", home);
    snprintf(up, sizeof up, "/tmp/x");
    parse("app.wasm", "--dir", ".:ro", "--dir", "./data/", "--dir", "/z", "--dir", "../x", "--dir",
          "data::/d");
    assert_int_equal(set->dirs.n, 8);
    grant_is(0, ".", home, true, false);
    grant_is(1, "./data/", below, false, false);
    grant_is(2, "/z", "/z", false, false);
    grant_is(3, "../x", up, false, false);
    grant_is(4, "data", "/d", false, false);
    grant_is(5, ".", ".", true, true);
    grant_is(6, "./data/", "data", false, true);
    grant_is(7, "../x", "../x", false, true);
}

static void test_dir_lexical_names(void **state)
{
    (void)state;
    static const struct { const char *host, *relative;
    } names[] = {
        { "./.", "." },
        { "a/..", "." },
        { "a//b", "a/b" },
        { "../../x/../y", "../../y" },
        { "a/../../b", "../b" },
        { "a/b/../../..", ".." },
        { "..", ".." },
        { "...", "..." },
        { "a/.b/..c", "a/.b/..c" },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        parse("app.wasm", "--dir", names[i].host);
        assert_int_equal(set->dirs.n, 2);
        grant_is(1, names[i].host, names[i].relative, false, true);
    }
    parse("app.wasm", "--dir", "/../..//x/");
    grant_is(0, "/../..//x/", "/x", false, false);
    parse("app.wasm", "--dir", "/");
    grant_is(0, "/", "/", false, false);
}

/* What a guest may write is remembered: no file of the command line's lies there unseen. */
static void test_writable_dirs(void **state)
{
    (void)state;
    parse("--dir", "/usr::/a", "--dir", "/etc::/b:ro", "--tmp", "--dir", "/var::/c:rw", "x.wasm");
    assert_int_equal(command.writable.n, 2);
    assert_string_equal(command.writable.at[0], "/usr");
    assert_string_equal(command.writable.at[1], "/var");
}

static void test_dirs_repeated(void **state)
{
    (void)state;
    parse("app.wasm", "--dir", "/", "--dir", "/", "--dir", "//");
    assert_int_equal(set->dirs.n, 1);
    parse("app.wasm", "--dir", home, "--dir", ".", "--dir", "./");
    assert_int_equal(set->dirs.n, 2);
    grant_is(1, ".", ".", false, true);
    REFUSED("--dir /b::/x: the name /x is taken by --dir /a (each needs a GUEST name of its own)",
            "app.wasm", "--dir", "/a::/x", "--dir", "/b::/x");
    REFUSED("--dir /a:ro: the same directory, once with :ro and once without (leave one out)",
            "app.wasm", "--dir", "/a", "--dir", "/a:ro");
}

static void test_dirs_refused(void **state)
{
    (void)state;
    REFUSED("--dir : HOST is missing (write HOST[::GUEST][:ro])", "--dir", "", "app.wasm");
    REFUSED("--dir :ro: HOST is missing (write HOST[::GUEST][:ro])", "--dir", ":ro", "app.wasm");
    REFUSED("--dir ::/x: HOST is missing (write HOST[::GUEST][:ro])", "--dir", "::/x", "app.wasm");
    REFUSED("--dir /a::: the name is not absolute (a guest's directory starts with /)", "--dir",
            "/a::", "app.wasm");
    REFUSED("--dir /a:::ro: the name is not absolute (a guest's directory starts with /)", "--dir",
            "/a:::ro", "app.wasm");
    REFUSED("--dir /a::x: x is not absolute (a guest's directory starts with /)", "--dir", "/a::x",
            "app.wasm");
    REFUSED("--dir /a::/x/: /x/ is not a clean path (write /x)", "--dir", "/a::/x/", "app.wasm");
    REFUSED("--dir /a::/x/../y: /x/../y is not a clean path (write /y)", "--dir", "/a::/x/../y",
            "app.wasm");
    REFUSED("--dir /a:://x: //x is not a clean path (write /x)", "--dir", "/a:://x", "app.wasm");
}

static void test_wasmedge_spelling(void **state)
{
    (void)state;
    REFUSED("--dir /data:/srv/x: no directory has this name (for GUEST:HOST write HOST::GUEST: "
            "--dir /srv/x::/data)",
            "app.wasm", "--dir", "/data:/srv/x");
    REFUSED("--dir .:.: no directory has this name (for GUEST:HOST write HOST::GUEST: --dir .::/)",
            "app.wasm", "--dir", ".:.");
    assert_return_code(mkdir("odd:name", 0700), 0); /* one that exists is taken at its word */
    parse("app.wasm", "--dir", "odd:name");
    grant_is(1, "odd:name", "odd:name", false, true);
    rmdir("odd:name");
}

/* A directory whose name looks like words of the option: another one is never meant silently. */
static void test_dir_names_like_words(void **state)
{
    (void)state;
    static const struct {
        const char *made, *word, *named;
    } cases[] = {
        { "odd:ro", "odd:ro", "odd:ro" },
        { "odd:mounts", "odd:mounts:ro", "odd:mounts" },
        { "odd:ro", "odd:ro:mounts", "odd:ro" },
        { "odd:rw", "odd:rw", "odd:rw" },
        { "odd:ro", "odd:ro::/d", NULL },
        { "..::", "./..::/::/in:ro", "./..::/" },
        { "odd::", "odd::/", "odd::/" },
        { ":::", ":::::/d", ":::" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[200];
        assert_return_code(mkdir(cases[i].made, 0700), 0);
        if (cases[i].named) {
            snprintf(line, sizeof line,
                     "--dir %s: there is a directory %s, and this means another "
                     "(name it by a link)",
                     cases[i].word, cases[i].named);
            REFUSED(line, "app.wasm", "--dir", cases[i].word);
        } else {
            parse("app.wasm", "--dir", cases[i].word);
            grant_is(0, "odd:ro", "/d", false, false);
        }
        rmdir(cases[i].made);
    }
}

/* ---- environment and PWD ---- */

static void test_env(void **state)
{
    (void)state;
    parse("app.wasm", "--env", "A=1", "--env", "B=x=y", "--env=C=", "--env", "A=2", "--env", "AB=3",
          "--env", "PATHX=1", "--env", "PATH=2", "--env", "PATHX=3", "--env", "PAT=4");
    assert_int_equal(set->env.n, 7);
    assert_string_equal(env_of("A"), "2");
    assert_string_equal(env_of("B"), "x=y");
    assert_string_equal(env_of("C"), "");
    assert_string_equal(env_of("AB"), "3");
    assert_string_equal(env_of("PATHX"), "3");
    assert_string_equal(env_of("PATH"), "2");
    assert_string_equal(env_of("PAT"), "4");
}

static void test_env_inherited(void **state)
{
    (void)state;
    setenv("INHERITED", "yes", 1);
    unsetenv("NOT_THERE");
    parse("app.wasm", "--env", "INHERITED", "--env", "NOT_THERE", "--env", "INHERIT");
    assert_int_equal(set->env.n, 1);
    assert_string_equal(env_of("INHERITED"), "yes");
}

static void test_env_all_and_order(void **state)
{
    (void)state;
    setenv("INHERITED", "yes", 1);
    parse("app.wasm", "--env", "INHERITED=no", "--env", "OWN=1", "--env-all");
    assert_string_equal(env_of("INHERITED"), "yes");
    assert_string_equal(env_of("OWN"), "1");
    parse("app.wasm", "--env-all", "--env", "INHERITED=no");
    assert_string_equal(env_of("INHERITED"), "no");
    assert_non_null(env_of("PATH"));
}

static void test_env_refused(void **state)
{
    (void)state;
    REFUSED("--env : the name is missing (write NAME=VALUE, or NAME to hand on the caller's)",
            "--env", "", "app.wasm");
    REFUSED("--env =x: the name is missing (write NAME=VALUE, or NAME to hand on the caller's)",
            "--env", "=x", "app.wasm");
}

static void test_pwd(void **state)
{
    (void)state;
    setenv("PWD", "/callers", 1);
    parse("app.wasm", "--dir", "/nowhere");
    assert_null(env_of("PWD"));
    parse("app.wasm", "--dir", ".");
    assert_string_equal(env_of("PWD"), home);
    parse("app.wasm", "--dir", "/");
    assert_string_equal(env_of("PWD"), home);
    parse("app.wasm", "--dir", "/tmp");
    assert_string_equal(env_of("PWD"), home);
    parse("app.wasm", "--dir", "/tm");
    assert_null(env_of("PWD"));
    parse("app.wasm", "--dir", "below"); /* so that a Go program finds below/file */
    assert_string_equal(env_of("PWD"), home);
    parse("app.wasm", "--dir", "below::/data");
    assert_null(env_of("PWD"));
    parse("app.wasm", "--dir", "below", "--dir", "/srv::/tmp");
    assert_null(env_of("PWD"));
    parse("app.wasm", "--dir", "/srv::/"); /* covered, but it is another directory there */
    assert_null(env_of("PWD"));
    parse("app.wasm", "--dir", "/", "--dir", "/srv::/tmp");
    assert_null(env_of("PWD"));
    parse("app.wasm", "--dir", "/", "--env", "PWD=/mine");
    assert_string_equal(env_of("PWD"), "/mine");
    parse("app.wasm", "--dir", "/", "--env-all");
    assert_string_equal(env_of("PWD"), "/callers");
    parse("app.wasm", "--cwd", "/there", "--env", "PWD=/mine", "--env-all");
    assert_string_equal(env_of("PWD"), "/there");
    REFUSED("--cwd here: here is not absolute (a guest's directory starts with /)", "--cwd", "here",
            "app.wasm");
    REFUSED("--cwd : the name is not absolute (a guest's directory starts with /)", "--cwd", "",
            "app.wasm");
    REFUSED("--cwd /a/: /a/ is not a clean path (write /a)", "--cwd", "/a/", "app.wasm");
}

static void test_directory_that_is_gone(void **state)
{
    (void)state;
    assert_return_code(mkdir("gone", 0700), 0);
    assert_return_code(chdir("gone"), 0);
    rmdir("../gone");
    parse("app.wasm", "--dir", "/");
    assert_null(env_of("PWD"));
    REFUSED("--dir .: the working directory has no name (give an absolute path)", "app.wasm",
            "--dir", ".");
    assert_return_code(chdir(home), 0);
}

/* ---- --help, and the man page ---- */

static int shown(char *out, size_t cap, ...)
{
    va_list args;
    va_start(args, cap);
    int status = child(STDOUT_FILENO, out, cap, args);
    va_end(args);
    return status;
}

static void test_help_fits_a_terminal(void **state)
{
    (void)state;
    char out[8192];
    unsigned lines = 0;
    assert_int_equal(shown(out, sizeof out, "--help", NULL), 0);
    for (const char *at = out; *at; at += strcspn(at, "\n") + 1, lines++)
        assert_true(strcspn(at, "\n") <= 80);
    assert_true(lines > 15 && lines <= 24);
    assert_non_null(strstr(out, "wasmvm app.wasm --dir /data "));
    assert_int_equal(shown(out, sizeof out, "--stats", "--version", "app.wasm", NULL), 0);
    assert_memory_equal(out, "wasmvm ", 7);
    assert_string_equal(out + 7 + strspn(out + 7, "0123456789."), "\n");
}

/* docs/wasmvm.1 has an entry for every option of the table, with the same name for its value, and
 * for no other. */
static void test_man_page_lists_the_table(void **state)
{
    (void)state;
    static const struct { const char *name, *value; } rows[] = {
#define OPTION(name, kind, value, help, ...) { name, value },
#include "vmm/cli/options.def"
#undef OPTION
    };
    char path[5000], *page = NULL;
    size_t cap = 0;
    unsigned entries = 0;
    snprintf(path, sizeof path, "%s/docs/wasmvm.1", repository);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_true(getdelim(&page, &cap, 0, f) > 0);
    fclose(f);
    char *others = strstr(page, "\n.Sh THE GO COMMAND"); /* with options of its own */
    assert_non_null(others);
    *others = 0;
    for (const char *at = page; (at = strstr(at, "\n.It Fl -")) != NULL; at++)
        entries++;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char entry[128];
        size_t value = rows[i].value ? strcspn(rows[i].value, "[:=") : 0;
        snprintf(entry, sizeof entry, "\n.It Fl -%s%s%.*s", rows[i].name, value ? " Ar " : "\n",
                 (int)value, value ? rows[i].value : "");
        if (!strstr(page, entry))
            print_error("docs/wasmvm.1 has no line \"%s\"\n", entry + 1);
        assert_non_null(strstr(page, entry));
    }
    assert_int_equal(entries, sizeof rows / sizeof rows[0]);
    free(page);
}

static int enter_home(void **state)
{
    (void)state;
    test_process = getpid();
    atexit(left_early);
    return getcwd(repository, sizeof repository) && mkdtemp(home) && chdir(home) == 0 ? 0 : -1;
}

static int leave_home(void **state)
{
    (void)state;
    test_process = 0;
    return chdir("/") == 0 && rmdir(home) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_options_before_and_after),
        cmocka_unit_test(test_words_end_options_after_the_module),
        cmocka_unit_test(test_dashes_before_the_module_end_options_for_good),
        cmocka_unit_test(test_run_and_dash_as_names),
        cmocka_unit_test(test_binfmt_name),
        cmocka_unit_test(test_usage_refused),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_counts_refused),
        cmocka_unit_test(test_sizes_refused),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_times_refused),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_dirs),
        cmocka_unit_test(test_relative_dirs_stand_last),
        cmocka_unit_test(test_dir_lexical_names),
        cmocka_unit_test(test_writable_dirs),
        cmocka_unit_test(test_dirs_repeated),
        cmocka_unit_test(test_dirs_refused),
        cmocka_unit_test(test_wasmedge_spelling),
        cmocka_unit_test(test_dir_names_like_words),
        cmocka_unit_test(test_env),
        cmocka_unit_test(test_env_inherited),
        cmocka_unit_test(test_env_all_and_order),
        cmocka_unit_test(test_env_refused),
        cmocka_unit_test(test_pwd),
        cmocka_unit_test(test_directory_that_is_gone),
        cmocka_unit_test(test_help_fits_a_terminal),
        cmocka_unit_test(test_man_page_lists_the_table),
    };
    return cmocka_run_group_tests(tests, enter_home, leave_home);
}
