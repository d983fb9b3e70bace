/* The command line, as data: argv in, struct command out; and from that the library's configuration.
 *
 *   wasmvm [run] [OPTIONS] MODULE.wasm [OPTIONS] [--] [ARGS...]
 *
 * Owns: the rules of where an option may stand, every value's spelling, and what the library is told.
 * Opens nothing and changes nothing outside the command; what it looks at of the host is the environment, the working
 * directory's name, and whether a --dir with a lone colon in it exists.
 *
 * Not getopt: an option counts after the module too, up to the first word that is none, and `--` before the module
 * means something else than after it.  The options are rows of options.def.
 *
 * The command points into argv, and its args are a part of argv itself. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/cli/cli.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define SECOND_NS UINT64_C(1000000000)
#define TIME_MOST ((uint64_t)INT64_MAX) /* 292 years: deadlines are added up in signed nanoseconds */
#define PAGE_BYTES UINT64_C(4096)

#define BINFMT_NAME "wasmvm-binfmt"
#define HELP_COLUMN 29
#define HELP_CAP 4096

enum kind { FLAG, SIZE, TIME, COUNT, TEXT, MAYBE /* a value only by = */, WORDS, TRANSPORT, GRANT, CWD, ENV,
            ENV_ALL, HELP, VERSION };

struct option {
    const char *name, *value, *help;
    uint64_t min, max;
    size_t field; /* offset in struct command */
    enum kind kind;
};

#define NONE SIZE_MAX
#define FIELD(member) offsetof(struct command, member)
static const struct option options[] = {
#define OPTION(name, kind, value, field, min, max, help) { name, value, help, min, max, field, kind },
#include "vmm/cli/options.def"
#undef OPTION
};
#define OPTION_COUNT (sizeof options / sizeof options[0])

/* What one parse carries along. */
struct parse {
    struct command *command;
    const char *cwd;           /* --cwd */
    char host_cwd[PATH_MAX];   /* the host's working directory once asked for; "" = not yet, or it has no name */
    struct dir *relative;    /* second preopens of relative HOSTs, until all absolute ones are known */
    uint32_t nrelative;
    uint32_t max_env;
};

static void *allocate(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p)
        fail("no memory for the command line: %s", strerror(errno));
    return p;
}

/* ---- numbers ---- */

#define UNIT_COUNT 4
struct unit { const char *name; uint64_t scale; };
static const struct unit size_units[UNIT_COUNT] = { { "", 1 }, { "K", KIB }, { "M", MIB }, { "G", GIB } };
static const struct unit time_units[UNIT_COUNT] = {
    { "", SECOND_NS }, { "ms", 1000000 }, { "s", SECOND_NS }, { "m", 60 * SECOND_NS },
};

enum number { NUMBER_GOOD, NUMBER_JUNK, NUMBER_HUGE };

/* Digits and one of the units, nothing else. */
static enum number number_read(const char *text, const struct unit *units, bool any_case, uint64_t *out)
{
    uint64_t n = 0;
    bool huge = false;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        huge |= __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*at - '0'), &n);
    if (at == text)
        return NUMBER_JUNK;
    for (unsigned i = 0; i < UNIT_COUNT; i++)
        if (any_case ? strcasecmp(at, units[i].name) == 0 : strcmp(at, units[i].name) == 0)
            return __builtin_mul_overflow(n, units[i].scale, out) || huge ? NUMBER_HUGE : NUMBER_GOOD;
    return NUMBER_JUNK;
}

/* A bound as a user would write it: in the largest unit that divides it. */
static void size_write(uint64_t bytes, char out[24])
{
    unsigned unit = UNIT_COUNT - 1;
    while (unit && (bytes == 0 || bytes % size_units[unit].scale))
        unit--;
    snprintf(out, 24, "%llu%s", (unsigned long long)(bytes / size_units[unit].scale), size_units[unit].name);
}

static uint64_t take_size(const struct option *o, const char *text)
{
    uint64_t n = 0;
    char bound[24];
    enum number got = number_read(text, size_units, true, &n);
    if (got == NUMBER_JUNK)
        fail("--%s %s: not a size (write bytes, or a number with K, M or G: 512M)", o->name, text);
    if (got == NUMBER_HUGE || n > o->max) {
        size_write(o->max, bound);
        fail("--%s %s: too large (%s is the most)", o->name, text, bound);
    }
    if (n < o->min) {
        size_write(o->min, bound);
        fail("--%s %s: too small (%s is the least)", o->name, text, bound);
    }
    return n;
}

static uint64_t take_time(const struct option *o, const char *text)
{
    uint64_t n = 0;
    enum number got = number_read(text, time_units, false, &n);
    if (got == NUMBER_JUNK)
        fail("--%s %s: not a time (write seconds, or a number with ms, s or m: 1500ms)", o->name, text);
    if (got == NUMBER_HUGE || n > o->max)
        fail("--%s %s: too long (292 years are the most)", o->name, text);
    if (n < o->min)
        fail("--%s %s: no time at all (leave --%s out for no limit)", o->name, text, o->name);
    return n;
}

/* ---- names of directories ---- */

/* Lexically cleans a path, as Go's path.Clean does: no "//", ".", or "x/.."; "" becomes ".".
 * `out` has strlen(path) + 2. */
static void path_clean(const char *path, char *out)
{
    bool absolute = path[0] == '/';
    size_t len = 0;
    size_t floor = 0; /* what `..` cannot take back: "/" or the leading "../.." of a relative path */
    if (absolute)
        out[len++] = '/', floor = 1;
    while (*path) {
        size_t n = strcspn(path, "/");
        bool up = n == 2 && path[0] == '.' && path[1] == '.';
        if (up && len > floor) {
            while (len > floor && out[len - 1] != '/')
                len--;
            if (len > floor)
                len--;
        } else if (n && !(n == 1 && path[0] == '.') && !(up && absolute)) {
            if (len && out[len - 1] != '/')
                out[len++] = '/';
            memcpy(out + len, path, n);
            len += n;
            if (up)
                floor = len;
        }
        path += n;
        path += *path == '/';
    }
    if (!len)
        out[len++] = '.';
    out[len] = 0;
}

static char *path_cleaned(const char *path)
{
    char *out = allocate(strlen(path) + 2, 1);
    path_clean(path, out);
    return out;
}

/* A name inside the guest must be absolute and clean: Go finds a preopen by string comparison. */
static void check_guest_name(const char *option, const char *text, const char *name)
{
    if (name[0] != '/')
        fail("--%s %s: %s is not absolute (a guest's directory starts with /)", option, text,
             *name ? name : "the name");
    char *clean = path_cleaned(name);
    if (strcmp(clean, name) != 0)
        fail("--%s %s: %s is not a clean path (write %s)", option, text, name, clean);
    free(clean);
}

/* The host's working directory, or NULL where it has no name (deleted, or outside our root). */
static const char *host_cwd(struct parse *p)
{
    if (!p->host_cwd[0] && (!getcwd(p->host_cwd, sizeof p->host_cwd) || p->host_cwd[0] != '/'))
        p->host_cwd[0] = 0;
    return p->host_cwd[0] ? p->host_cwd : NULL;
}

/* HOST made absolute and lexically clean. */
static char *host_absolute(struct parse *p, const char *host)
{
    if (host[0] == '/')
        return path_cleaned(host);
    const char *cwd = host_cwd(p);
    if (!cwd)
        fail("--dir %s: the working directory has no name (give an absolute path)", host);
    char *joined = allocate(strlen(cwd) + strlen(host) + 2, 1);
    sprintf(joined, "%s/%s", cwd, host);
    char *clean = path_cleaned(joined);
    free(joined);
    return clean;
}

/* ---- --dir ---- */

/* GUEST:HOST, as WasmEdge has it, is told from a directory with a colon in its name by asking the file system. */
static void check_lone_colon(const char *text, const char *host)
{
    const char *colon = strchr(host, ':');
    struct stat st;
    if (!colon || colon == host || !colon[1] || stat(host, &st) == 0)
        return;
    char *guest = allocate(strlen(host) + 2, 1);
    sprintf(guest, "/%.*s", (int)(colon - host), host);
    fail("--dir %s: no directory has this name (for GUEST:HOST write HOST::GUEST: --dir %s::%s)", text, colon + 1,
         path_cleaned(guest));
}

/* Adds a grant; one that says the same again is dropped, so that scripts may repeat an option. */
static void grant_add(struct parse *p, const char *text, struct dir new)
{
    struct command *c = p->command;
    char *host = host_absolute(p, new.host);
    for (uint32_t i = 0; i < c->ndirs; i++) {
        struct dir *old = &c->dirs[i];
        if (strcmp(old->guest, new.guest) != 0)
            continue;
        char *old_host = host_absolute(p, old->host);
        bool same = strcmp(old_host, host) == 0;
        free(old_host);
        if (!same)
            fail("--dir %s: the name %s is taken by --dir %s (each needs a GUEST name of its own)", text, new.guest,
                 old->host);
        if (old->read_only != new.read_only)
            fail("--dir %s: the same directory, once with :ro and once without (leave one out)", text);
        free(host);
        return;
    }
    free(host);
    c->dirs[c->ndirs++] = new;
}

static void relative_add(struct parse *p, struct dir new)
{
    for (uint32_t i = 0; i < p->nrelative; i++)
        if (strcmp(p->relative[i].guest, new.guest) == 0)
            return; /* the absolute names were compared already */
    p->relative[p->nrelative++] = new;
}

/* HOST[::GUEST][:ro|:rw]: the end is read first, then the first "::". */
static void take_grant(struct parse *p, const char *text)
{
    char *host = strdup(text);
    if (!host)
        fail("no memory for the command line: %s", strerror(errno));
    size_t len = strlen(host);
    struct dir g = { .host = host };
    if (len >= 3 && (strcmp(host + len - 3, ":ro") == 0 || strcmp(host + len - 3, ":rw") == 0)) {
        g.read_only = host[len - 1] == 'o';
        host[len - 3] = 0;
    }
    char *guest = strstr(host, "::");
    if (guest) {
        *guest = 0;
        guest += 2;
        check_guest_name("dir", text, guest);
    }
    if (!*host)
        fail("--dir %s: HOST is missing (write HOST[::GUEST][:ro])", text);
    if (guest) {
        g.guest = guest;
        grant_add(p, text, g);
        return;
    }
    check_lone_colon(text, host);
    g.guest = host_absolute(p, host);
    grant_add(p, text, g);
    if (host[0] != '/')
        relative_add(p, (struct dir){ .host = host, .guest = path_cleaned(host), .read_only = g.read_only,
                                        .relative = true });
}

/* --tmp's grant; tmp.c makes the directory. */
static void settle_tmp(struct parse *p)
{
    struct command *c = p->command;
    if (!c->tmp)
        return;
    for (uint32_t i = 0; i < c->ndirs; i++)
        if (strcmp(c->dirs[i].guest, "/tmp") == 0)
            fail("--tmp: the name /tmp is taken by --dir %s (leave one out)", c->dirs[i].host);
    c->dirs[c->ndirs++] = (struct dir){ .guest = "/tmp", .tmp = true };
}

/* ---- the environment ---- */

/* Sets NAME=VALUE; a later setting wins. */
static void env_set(struct parse *p, char *setting)
{
    struct command *c = p->command;
    size_t name = strcspn(setting, "=") + 1;
    uint32_t i = 0;
    while (i < c->envc && strncmp(c->env[i], setting, name) != 0)
        i++;
    assert(i < p->max_env);
    c->env[i] = setting;
    if (i == c->envc)
        c->envc++;
}

static const char *env_get(const struct command *c, const char *name)
{
    size_t len = strlen(name);
    for (uint32_t i = 0; i < c->envc; i++)
        if (strncmp(c->env[i], name, len) == 0 && c->env[i][len] == '=')
            return c->env[i] + len + 1;
    return NULL;
}

static void take_env(struct parse *p, char *text)
{
    if (!*text || *text == '=')
        fail("--env %s: the name is missing (write NAME=VALUE, or NAME to hand on the caller's)", text);
    if (strchr(text, '=')) {
        env_set(p, text);
        return;
    }
    size_t len = strlen(text);
    for (char **e = environ; e && *e; e++)
        if (strncmp(*e, text, len) == 0 && (*e)[len] == '=') {
            env_set(p, *e);
            return;
        }
}

static void take_env_all(struct parse *p)
{
    for (char **e = environ; e && *e; e++)
        if (**e != '=' && strchr(*e, '='))
            env_set(p, *e);
}

/* Whether `path` is `dir` or lies below it. */
static bool path_within(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    return strcmp(dir, "/") == 0 || (strncmp(path, dir, len) == 0 && (path[len] == '/' || !path[len]));
}

/* Whether a program may start in the host's directory `cwd`: the guest has it under the same name (the longest grant
 * that covers the name is the one that Go and wasi-libc take), or no grant covers it, and one was named relative to
 * it. */
static bool starts_in(struct parse *p, const char *cwd)
{
    const struct command *c = p->command;
    const struct dir *best = NULL;
    for (uint32_t i = 0; i < c->ndirs; i++) {
        const struct dir *g = &c->dirs[i];
        if (path_within(cwd, g->guest) && (!best || strlen(g->guest) > strlen(best->guest)))
            best = g;
    }
    if (!best)
        return p->nrelative > 0;
    if (best->tmp)
        return false;
    char *host = host_absolute(p, best->host);
    bool same = strcmp(host, best->guest) == 0;
    free(host);
    return same;
}

/* PWD: --cwd; else what --env or --env-all said; else the host's working directory. */
static void settle_cwd(struct parse *p)
{
    const char *cwd = p->cwd;
    if (!cwd) {
        if (env_get(p->command, "PWD") || !p->command->ndirs)
            return;
        cwd = host_cwd(p);
        if (!cwd || !starts_in(p, cwd))
            return;
    }
    char *setting = allocate(strlen(cwd) + sizeof "PWD=", 1);
    sprintf(setting, "PWD=%s", cwd);
    env_set(p, setting);
}

/* ---- the network ---- */

static void env_unset(struct command *c, const char *name)
{
    size_t len = strlen(name);
    for (uint32_t i = 0; i < c->envc; i++)
        if (strncmp(c->env[i], name, len) == 0 && c->env[i][len] == '=') {
            memmove(c->env + i, c->env + i + 1, (c->envc - i - 1) * sizeof *c->env);
            c->envc--;
            return;
        }
}

static void settle_net(struct parse *p)
{
    struct command *c = p->command;
    if (c->net.dns && *c->net.dns && strcmp(c->net.dns, "any") != 0)
        fail("--allow-dns=%s: only =any is known (names come from --allow-connect NAME)", c->net.dns);
    if (c->net.listen_fds) {
        env_unset(c, "LISTEN_FDS");
        env_unset(c, "LISTEN_PID");
        env_unset(c, "LISTEN_FDNAMES");
    }
}

/* ---- the other kinds ---- */

static _Noreturn void show(const char *text, size_t len)
{
    if (!write_all(STDOUT_FILENO, text, len))
        fail("stdout cannot be written: %s", strerror(errno));
    exit(0);
}

static _Noreturn void show_version(void)
{
    static const char text[] = "wasmvm " WASMVM_VERSION "\n";
    show(text, sizeof text - 1);
}

static const char help_head[] =
    "wasmvm [run] [OPTIONS] MODULE.wasm [OPTIONS] [--] [ARGS...]\n"
    "Runs a WebAssembly program (WASI preview 1) in a virtual machine of its own.\n"
    "\n"
    "  wasmvm app.wasm --dir /data          run it; it may use /data, nothing else\n"
    "  wasmvm app.wasm --dir . -- -v x.txt  all after -- are the program's own words\n"
    "  wasmvm [OPTIONS] -- MODULE ARGS...   what scripts and services write\n"
    "\n";
static const char help_tail[] =
    "\n"
    "SIZE: bytes, or K, M, G.  TIME: seconds, or ms, s, m.  More: man wasmvm\n";

static _Noreturn void show_help(void)
{
    char text[HELP_CAP];
    size_t len = 0;
#define ADD(...) (len += (size_t)snprintf(text + len, sizeof text - len, __VA_ARGS__), assert(len < sizeof text))
    ADD("%s", help_head);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        if (!o->help)
            continue;
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->value && o->kind != MAYBE ? " " : "",
                 o->value ? o->value : "");
        ADD("  %-*s%s\n", HELP_COLUMN - 2, left, o->help);
    }
    ADD("%s", help_tail);
#undef ADD
    show(text, len);
}

static const char *take_text(const struct option *o, const char *text)
{
    if (!*text)
        fail("--%s: %s is empty (give a name)", o->name, o->value);
    return text;
}

static const char *take_maybe(const struct option *o, const char *text)
{
    if (text && !*text)
        fail("--%s=: nothing after the = (leave it out, or write --%s%s)", o->name, o->name, o->value);
    return text ? text : "";
}

static uint64_t take_count(const struct option *o, const char *text)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || n < o->min || n > o->max)
        fail("--%s %s: not a number from %llu to %llu", o->name, text, (unsigned long long)o->min,
             (unsigned long long)o->max);
    return n;
}

static void take_word(const struct option *o, struct values *words, const char *text)
{
    if (!*text)
        fail("--%s: %s is empty", o->name, o->value);
    words->at = realloc(words->at, (words->n + 1) * sizeof *words->at);
    if (!words->at)
        fail("no memory for the command line: %s", strerror(errno));
    words->at[words->n++] = text;
}

static enum wasmvm_hypercall take_transport(const struct option *o, const char *text)
{
    static const char *const words[] = {[WASMVM_HYPERCALL_AUTO] = "auto", [WASMVM_HYPERCALL_EXIT] = "exit",
                                        [WASMVM_HYPERCALL_POLL] = "poll"};
    for (enum wasmvm_hypercall t = WASMVM_HYPERCALL_AUTO; t <= WASMVM_HYPERCALL_POLL; t++)
        if (strcmp(text, words[t]) == 0)
            return t;
    fail("--%s %s: not %s (write --%s=auto)", o->name, text, o->value, o->name);
}

static void option_take(struct parse *p, const struct option *o, char *value)
{
    char *field = o->field == NONE ? NULL : (char *)p->command + o->field;
    switch (o->kind) {
    case FLAG: *(bool *)field = true; break;
    case SIZE: *(uint64_t *)field = take_size(o, value); break;
    case TIME: *(uint64_t *)field = take_time(o, value); break;
    case COUNT: *(uint64_t *)field = take_count(o, value); break;
    case TEXT: *(const char **)field = take_text(o, value); break;
    case MAYBE: *(const char **)field = take_maybe(o, value); break;
    case WORDS: take_word(o, (struct values *)field, value); break;
    case TRANSPORT: *(enum wasmvm_hypercall *)field = take_transport(o, value); break;
    case GRANT: take_grant(p, value); break;
    case CWD:
        check_guest_name(o->name, value, value);
        p->cwd = value;
        break;
    case ENV: take_env(p, value); break;
    case ENV_ALL: take_env_all(p); break;
    case HELP: show_help();
    case VERSION: show_version();
    }
}

/* ---- words ---- */

/* The option that `word` names, `--name` or `--name=value`, or NULL. */
static const struct option *option_find(const char *word, char **value)
{
    if (strncmp(word, "--", 2) != 0)
        return NULL;
    word += 2;
    size_t len = strcspn(word, "=");
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strlen(options[i].name) == len && memcmp(options[i].name, word, len) == 0) {
            *value = word[len] ? (char *)word + len + 1 : NULL;
            return &options[i];
        }
    return NULL;
}

/* Reads the option at *at, if there is one, and steps over it and its value. */
static bool option_read(struct parse *p, char **argv, int argc, int *at, bool after_module)
{
    char *value = NULL;
    const struct option *o = option_find(argv[*at], &value);
    if (!o || (after_module && (o->kind == HELP || o->kind == VERSION)))
        return false;
    ++*at;
    const char *way_out = after_module ? ", or -- before it if the word is the program's" : "";
    if (!o->value && value)
        fail("--%s takes no value (leave out =%s%s)", o->name, value, way_out);
    if (o->value && !value && o->kind != MAYBE) {
        /* A `--` here is far more likely a forgotten value than a value; --opt=-- says it where it is one. */
        if (*at == argc || strcmp(argv[*at], "--") == 0)
            fail("--%s needs a value (write --%s %s%s)", o->name, o->name, o->value, way_out);
        value = argv[(*at)++];
    }
    option_take(p, o, value);
    return true;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Walks the words up to the program's own; returns the index of the first of those. */
static int words_read(struct parse *p, int argc, char **argv)
{
    int at = argc > 0;
    bool for_good = argc > 0 && strcmp(base_name(argv[0]), BINFMT_NAME) == 0;
    if (!for_good && at < argc && strcmp(argv[at], "run") == 0)
        at++;
    while (!for_good && at < argc && argv[at][0] == '-' && argv[at][1]) {
        if (strcmp(argv[at], "--") == 0) {
            for_good = true;
            at++;
        } else if (!option_read(p, argv, argc, &at, false)) {
            fail("%s: no such option (wasmvm --help lists them)", argv[at]);
        }
    }
    if (at >= argc)
        fail("no module given (write wasmvm MODULE.wasm, or see wasmvm --help)");
    p->command->module = argv[at++];
    if (!*p->command->module)
        fail("the module's name is empty (write wasmvm MODULE.wasm)");
    if (for_good)
        return at;
    while (at < argc) {
        if (strcmp(argv[at], "--") == 0)
            return at + 1;
        if (!option_read(p, argv, argc, &at, true))
            break;
    }
    return at;
}

void options_parse(struct command *command, int argc, char **argv)
{
    *command = (struct command){ .memory_bytes = 4 * GIB, .stack_bytes = 256 * MIB };
    struct parse p = { .command = command };
    uint32_t nenviron = 0;
    while (environ && environ[nenviron])
        nenviron++;
    /* A word is at most one setting, or two grants; one place more for PWD. */
    size_t words = (size_t)(argc > 0 ? argc : 0);
    p.max_env = (uint32_t)words + nenviron + 1;
    command->env = allocate(p.max_env + 1, sizeof *command->env);
    command->dirs = allocate(2 * words + 1, sizeof *command->dirs);
    p.relative = allocate(words + 1, sizeof *p.relative);

    int first = words_read(&p, argc, argv);
    settle_tmp(&p);
    settle_cwd(&p);
    command->stack_bytes = (command->stack_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
    for (uint32_t i = 0; i < p.nrelative; i++)
        command->dirs[command->ndirs++] = p.relative[i];
    free(p.relative);
    settle_net(&p);

    /* The word before the first argument was read: it makes room for argv[0]. */
    command->args = argv + first - 1;
    command->args[0] = (char *)command->module;
    command->argc = (uint32_t)(argc - first) + 1;
}

/* ---- to the library ---- */

static void net_configure(wasmvm_config *config, const struct command *c)
{
    const struct { enum wasmvm_net what; const struct values *words; } rules[] = {
        {WASMVM_NET_LISTEN, &c->net.listen}, {WASMVM_NET_DIAL, &c->net.dial},
        {WASMVM_NET_ALLOW_CONNECT, &c->net.allow_connect}, {WASMVM_NET_ALLOW_LISTEN, &c->net.allow_listen},
        {WASMVM_NET_DENY, &c->net.deny}, {WASMVM_NET_DNS_SERVER, &c->net.dns_server},
    };
    const struct { enum wasmvm_net what; const char *value; } once[] = {
        {WASMVM_NET_ALL, c->net.all ? "" : NULL}, {WASMVM_NET_ALLOW_UNIX, c->net.allow_unix ? "" : NULL},
        {WASMVM_NET_ALLOW_DNS, c->net.dns}, {WASMVM_NET_CA_CERTS, c->net.ca_certs}, {WASMVM_NET_LOG, c->net.log},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        for (uint32_t k = 0; k < rules[i].words->n; k++)
            wasmvm_config_net(config, rules[i].what, rules[i].words->at[k]);
    for (size_t i = 0; i < sizeof once / sizeof *once; i++)
        if (once[i].value)
            wasmvm_config_net(config, once[i].what, once[i].value);
    wasmvm_config_net_limits(config, (uint32_t)c->net.max_sockets, c->net.max_rate, c->net.max_bytes);
}

static void dir_configure(wasmvm_config *config, const struct dir *d)
{
    if (d->tmp)
        wasmvm_config_tmp(config);
    else
        wasmvm_config_dir(config, d->host, d->guest,
                          (d->read_only ? WASMVM_DIR_READ_ONLY : 0u) | (d->relative ? WASMVM_DIR_RELATIVE : 0u));
}

static void env_configure(wasmvm_config *config, const char *setting)
{
    const char *value = strchr(setting, '=') + 1;
    char *name = strndup(setting, (size_t)(value - setting) - 1);
    if (!name)
        fail("no memory for the command line: %s", strerror(errno));
    wasmvm_config_env(config, name, value);
    free(name);
}

wasmvm_config *options_config(const struct command *c)
{
    const struct { bool set; const char *name; } flags[] = {
        {c->validate, "validate"}, {c->compile_all, "compile-all"}, {c->hypercall_all, "hypercall-all"},
    };
    wasmvm_error error;
    wasmvm_config *config = wasmvm_config_new();
    if (!config)
        fail("no memory for the command line: %s", strerror(errno));
    for (uint32_t i = 1; i < c->argc; i++)
        wasmvm_config_arg(config, c->args[i]);
    for (uint32_t i = 0; i < c->envc; i++)
        env_configure(config, c->env[i]);
    for (uint32_t i = 0; i < c->ndirs; i++)
        dir_configure(config, &c->dirs[i]);
    net_configure(config, c);
    wasmvm_config_memory(config, c->memory_bytes);
    wasmvm_config_stack(config, c->stack_bytes);
    wasmvm_config_timeout(config, c->timeout_ns);
    wasmvm_config_cpu_time(config, c->cpu_time_ns);
    wasmvm_config_hypercall(config, c->hypercall);
    if (c->guest_image)
        wasmvm_config_guest_image(config, c->guest_image);
    if (c->trace)
        wasmvm_config_trace(config, c->trace);
    if (c->invoke)
        wasmvm_config_invoke(config, c->invoke);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (flags[i].set)
            wasmvm_config_flag(config, flags[i].name);
    wasmvm_config_stdio_own(config);
    wasmvm_config_log_fd(config, STDERR_FILENO);
    wasmvm_config_abandon(config);
    if (wasmvm_config_check(config, &error) != WASMVM_OK)
        fail("%s", error.text);
    return config;
}
