/* What the program is given of the host's names: directories and variables.
 *
 * --dir, --tmp, --cwd, --env and --env-all depend on each other (where the program starts, which
 * name is taken, what comes last), so they are gathered here and told to the library when all words
 * are read.  Opens nothing; what it looks at of the host is the environment, the working
 * directory's name, and whether a --dir with a lone colon in it exists.
 *
 * Strings point into argv and the environment, or stay until the process ends. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/cli/cli.h"

void given_begin(struct given *g, size_t words)
{
    size_t nenviron = 0;
    while (environ && environ[nenviron])
        nenviron++;
    *g = (struct given){ .max_env = (uint32_t)(words + nenviron + 1) }; /* one place more for PWD */
    g->env = allocated(calloc(g->max_env, sizeof *g->env));
    g->dirs = allocated(calloc(words + 1, sizeof *g->dirs));
    g->names = allocated(calloc(2 * words + 1, sizeof *g->names));
    g->relative = allocated(calloc(words + 1, sizeof *g->relative));
}

/* ---- names of directories ---- */

/* Lexically cleans a path, as Go's path.Clean does: no "//", ".", or "x/.."; "" becomes ".".
 * `out` has strlen(path) + 2. */
static void path_clean(const char *path, char *out)
{
    bool absolute = path[0] == '/';
    size_t len = 0;
    /* what `..` cannot take back: "/" or the leading "../.." of a relative path */
    size_t floor = 0;
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
    char *out = allocated(calloc(strlen(path) + 2, 1));
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
static const char *host_cwd(struct given *g)
{
    if (!g->host_cwd[0] && (!getcwd(g->host_cwd, sizeof g->host_cwd) || g->host_cwd[0] != '/'))
        g->host_cwd[0] = 0;
    return g->host_cwd[0] ? g->host_cwd : NULL;
}

static bool same_directory(const char *a, const char *b)
{
    struct stat at, bt;
    return stat(a, &at) == 0 && stat(b, &bt) == 0 && at.st_dev == bt.st_dev &&
           at.st_ino == bt.st_ino;
}

/* The working directory as the shell knows it, which may be by links; NULL = there is no such name.
 */
static const char *host_pwd(void)
{
    const char *pwd = getenv("PWD");
    if (!pwd || pwd[0] != '/' || !same_directory(pwd, "."))
        return NULL;
    char *clean = path_cleaned(pwd);
    bool is_clean = strcmp(clean, pwd) == 0;
    free(clean);
    return is_clean ? pwd : NULL;
}

/* HOST beneath CWD, lexically clean. */
static char *path_joined(const char *cwd, const char *host)
{
    char *joined = allocated(calloc(strlen(cwd) + strlen(host) + 2, 1));
    sprintf(joined, "%s/%s", cwd, host);
    char *clean = path_cleaned(joined);
    free(joined);
    return clean;
}

/* HOST made absolute and lexically clean. */
static char *host_absolute(struct given *g, const char *host)
{
    if (host[0] == '/')
        return path_cleaned(host);
    const char *cwd = host_cwd(g);
    if (!cwd)
        fail("--dir %s: the working directory has no name (give an absolute path)", host);
    return path_joined(cwd, host);
}

/* ---- --dir ---- */

/* GUEST:HOST, as WasmEdge has it, is told from a directory with a colon in its name by asking the
 * file system. */
static void check_lone_colon(const char *text, const char *host)
{
    const char *colon = strchr(host, ':');
    struct stat st;
    if (!colon || colon == host || !colon[1] || stat(host, &st) == 0)
        return;
    char *guest = allocated(calloc(strlen(host) + 2, 1));
    sprintf(guest, "/%.*s", (int)(colon - host), host);
    fail("--dir %s: no directory has this name (for GUEST:HOST write HOST::GUEST: --dir %s::%s)",
         text, colon + 1, path_cleaned(guest));
}

/* Adds a grant; one that says the same again is dropped, so that scripts may repeat an option. */
static void grant_add(struct given *g, const char *text, struct dir new)
{
    char *host = host_absolute(g, new.host);
    for (uint32_t i = 0; i < g->ndirs; i++) {
        struct dir *old = &g->dirs[i];
        if (strcmp(old->guest, new.guest) != 0)
            continue;
        char *old_host = host_absolute(g, old->host);
        bool same = strcmp(old_host, host) == 0;
        free(old_host);
        if (!same)
            fail("--dir %s: the name %s is taken by --dir %s (each needs a GUEST name of its own)",
                 text, new.guest, old->host);
        if (old->read_only != new.read_only)
            fail("--dir %s: the same directory, once with :ro and once without (leave one out)",
                 text);
        old->mounts |= new.mounts;
        free(host);
        return;
    }
    free(host);
    g->dirs[g->ndirs++] = new;
}

static void relative_add(struct given *g, struct dir new)
{
    for (uint32_t i = 0; i < g->nrelative; i++)
        if (strcmp(g->relative[i].guest, new.guest) == 0)
            return; /* the absolute names were compared already */
    g->relative[g->nrelative++] = new;
}

/* Words are taken off a name that is a directory's: a script would grant another one than it named,
 * by the choice of who named the directory. */
static void check_other(const char *text, const char *name)
{
    struct stat st;
    if (stat(name, &st) == 0)
        fail("--dir %s: there is a directory %s, and this means another (name it by a link)", text,
             name);
}

/* Takes the suffix off, if the name ends with it. */
static bool suffix_take(const char *text, char *name, const char *suffix)
{
    size_t len = strlen(name), n = strlen(suffix);
    if (len < n || strcmp(name + len - n, suffix) != 0)
        return false;
    check_other(text, name);
    name[len - n] = 0;
    return true;
}

/* Parts HOST::GUEST at the first "::"; NULL: there is none. */
static char *guest_take(const char *text, char *host)
{
    char *first = strstr(host, "::");
    if (!first)
        return NULL;
    check_other(text, host);
    for (char *at = strstr(first + 1, "::"); at; at = strstr(at + 1, "::")) {
        *at = 0;
        check_other(text, host);
        *at = ':';
    }
    *first = 0;
    return first + 2;
}

/* HOST[::GUEST][:ro|:rw][:mounts]: the end is read first, then the first "::". */
void given_dir(struct given *g, const char *text)
{
    char *host = allocated(strdup(text));
    struct dir d = { .host = host };
    d.mounts = suffix_take(text, host, ":mounts");
    d.read_only = suffix_take(text, host, ":ro");
    if (!d.read_only)
        suffix_take(text, host, ":rw");
    if (!d.mounts)
        d.mounts = suffix_take(text, host, ":mounts");
    char *guest = guest_take(text, host);
    if (guest)
        check_guest_name("dir", text, guest);
    if (!*host)
        fail("--dir %s: HOST is missing (write HOST[::GUEST][:ro])", text);
    if (guest) {
        d.guest = guest;
        grant_add(g, text, d);
        return;
    }
    check_lone_colon(text, host);
    d.guest = host_absolute(g, host);
    d.host_named = true;
    grant_add(g, text, d);
    if (host[0] != '/')
        relative_add(g, (struct dir){ .host = host,
                                      .guest = path_cleaned(host),
                                      .read_only = d.read_only,
                                      .mounts = d.mounts });
}

static const struct dir *dir_named(const struct given *g, const char *guest)
{
    for (uint32_t i = 0; i < g->ndirs + g->nnames; i++) {
        const struct dir *d = i < g->ndirs ? &g->dirs[i] : &g->names[i - g->ndirs];
        if (strcmp(d->guest, guest) == 0)
            return d;
    }
    return NULL;
}

/* A further name of the directory, if it is one, and nobody has it. */
static void name_add(struct given *g, const struct dir *d, char *name)
{
    if (!name || dir_named(g, name) || !same_directory(name, d->host)) {
        free(name);
        return;
    }
    g->names[g->nnames++] = (struct dir){ .host = d->host, .guest = name, .read_only = d->read_only,
                                        .mounts = d->mounts };
}

/* What goes by its names on the host goes by all that a program may be told: by PWD, and without
 * links. */
static void settle_names(struct given *g)
{
    const char *pwd = host_pwd();
    for (uint32_t i = 0; i < g->ndirs; i++) {
        const struct dir *d = &g->dirs[i];
        if (!d->host_named)
            continue;
        if (pwd)
            name_add(g, d, d->host[0] == '/' ? allocated(strdup(pwd)) : path_joined(pwd, d->host));
        name_add(g, d, realpath(d->host, NULL));
    }
}

/* --tmp's grant; tmp.c makes the directory. */
static void settle_tmp(struct given *g)
{
    if (!g->tmp)
        return;
    for (uint32_t i = 0; i < g->ndirs; i++)
        if (strcmp(g->dirs[i].guest, "/tmp") == 0)
            fail("--tmp: the name /tmp is taken by --dir %s (leave one out)", g->dirs[i].host);
    g->dirs[g->ndirs++] = (struct dir){ .guest = "/tmp", .tmp = true };
}

/* ---- the environment ---- */

/* Sets NAME=VALUE; a later setting wins. */
static void env_set(struct given *g, char *setting)
{
    size_t name = strcspn(setting, "=") + 1;
    uint32_t i = 0;
    while (i < g->envc && strncmp(g->env[i], setting, name) != 0)
        i++;
    assert(i < g->max_env);
    g->env[i] = setting;
    if (i == g->envc)
        g->envc++;
}

static const char *env_get(const struct given *g, const char *name)
{
    size_t len = strlen(name);
    for (uint32_t i = 0; i < g->envc; i++)
        if (strncmp(g->env[i], name, len) == 0 && g->env[i][len] == '=')
            return g->env[i] + len + 1;
    return NULL;
}

void given_env(struct given *g, char *text)
{
    if (!*text || *text == '=')
        fail("--env %s: the name is missing (write NAME=VALUE, or NAME to hand on the caller's)",
             text);
    if (strchr(text, '=')) {
        env_set(g, text);
        return;
    }
    size_t len = strlen(text);
    for (char **e = environ; e && *e; e++)
        if (strncmp(*e, text, len) == 0 && (*e)[len] == '=') {
            env_set(g, *e);
            return;
        }
}

void given_env_all(struct given *g)
{
    for (char **e = environ; e && *e; e++)
        if (**e != '=' && strchr(*e, '='))
            env_set(g, *e);
}

/* Whether `path` is `dir` or lies below it. */
static bool path_within(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    return strcmp(dir, "/") == 0 ||
           (strncmp(path, dir, len) == 0 && (path[len] == '/' || !path[len]));
}

/* Whether a program may start in the host's directory `cwd`: the guest has it under the same name
 * (the longest grant that covers the name is the one that Go and wasi-libc take), or no grant
 * covers it, and one was named relative to it. */
static bool starts_in(struct given *g, const char *cwd)
{
    const struct dir *best = NULL;
    for (uint32_t i = 0; i < g->ndirs + g->nnames; i++) {
        const struct dir *d = i < g->ndirs ? &g->dirs[i] : &g->names[i - g->ndirs];
        if (path_within(cwd, d->guest) && (!best || strlen(d->guest) > strlen(best->guest)))
            best = d;
    }
    if (!best)
        return g->nrelative > 0;
    return !best->tmp && same_directory(best->host, best->guest);
}

void given_cwd(struct given *g, const char *cwd)
{
    check_guest_name("cwd", cwd, cwd);
    g->cwd = cwd;
}

/* PWD: --cwd; else what --env or --env-all said; else the host's working directory, as the shell
 * knows it. */
static void settle_cwd(struct given *g)
{
    const char *cwd = g->cwd;
    if (!cwd) {
        if (env_get(g, "PWD") || !g->ndirs)
            return;
        cwd = host_pwd();
        if (!cwd || !starts_in(g, cwd))
            cwd = host_cwd(g);
        if (!cwd || !starts_in(g, cwd))
            return;
    }
    char *setting = allocated(calloc(strlen(cwd) + sizeof "PWD=", 1));
    sprintf(setting, "PWD=%s", cwd);
    env_set(g, setting);
}

void given_unset(struct given *g, const char *name)
{
    size_t len = strlen(name);
    for (uint32_t i = 0; i < g->envc; i++)
        if (strncmp(g->env[i], name, len) == 0 && g->env[i][len] == '=') {
            memmove(g->env + i, g->env + i + 1, (g->envc - i - 1) * sizeof *g->env);
            g->envc--;
            return;
        }
}

/* ---- to the library ---- */

static void dir_configure(wasmvm_config *config, const struct dir *d, unsigned flags)
{
    if (d->tmp)
        wasmvm_config_tmp(config);
    else
        wasmvm_config_dir(config, d->host, d->guest, (d->read_only ? WASMVM_DIR_READ_ONLY : 0u) |
                          (d->mounts ? WASMVM_DIR_MOUNTS : 0u) | flags);
}

static void env_configure(wasmvm_config *config, const char *setting)
{
    const char *value = strchr(setting, '=') + 1;
    char *name = allocated(strndup(setting, (size_t)(value - setting) - 1));
    wasmvm_config_env(config, name, value);
    free(name);
}

void given_settle(struct given *g, wasmvm_config *config, struct values *writable)
{
    settle_tmp(g);
    settle_names(g);
    settle_cwd(g);
    for (uint32_t i = 0; i < g->envc; i++)
        env_configure(config, g->env[i]);
    for (uint32_t i = 0; i < g->ndirs; i++) {
        dir_configure(config, &g->dirs[i], 0);
        if (!g->dirs[i].tmp && !g->dirs[i].read_only)
            values_add(writable, g->dirs[i].host);
    }
    for (uint32_t i = 0; i < g->nrelative; i++)
        dir_configure(config, &g->relative[i], WASMVM_DIR_RELATIVE);
    for (uint32_t i = 0; i < g->nnames; i++)
        dir_configure(config, &g->names[i], WASMVM_DIR_LAST);
    free(g->env);
    free(g->dirs);
    free(g->relative);
    free(g->names);
}
