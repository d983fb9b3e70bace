/* Which Go it will be: the go command on PATH selects it by go.mod, go.work and GOTOOLCHAIN, and
 * says so. */
#include "go/go.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MINOR_FIRST = 21, MINOR_LAST = 27 };
#define KNOWN "Go 1.21 to 1.27"
#define NEWEST "go1.27.1"

static _Noreturn void ask(const char *dir, const char *const *command, int stream, int out)
{
    if (dir && chdir(dir) != 0) {
        dprintf(2, "wasmvm: go: -C %s: %s\n", dir, strerror(errno));
        _exit(EXIT_GO);
    }
    if (dup2(out, stream) == stream)
        execvp(command[0], (char *const *)command);
    _exit(errno == ENOENT ? 127 : EXIT_GO);
}

/* All that a command writes to one of its streams, and its status; -1: it did not end by itself. */
static char *answer(const char *dir, const char *const *command, int stream, int *status)
{
    int ends[2];
    if (pipe(ends) != 0)
        die("pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child < 0)
        die("fork: %s", strerror(errno));
    if (child == 0)
        ask(dir, command, stream, ends[1]);
    close(ends[1]);
    char *all = NULL;
    size_t len = 0, got = 0;
    FILE *in = fdopen(ends[0], "r"), *out = open_memstream(&all, &len);
    if (!in || !out)
        die("no memory");
    for (char some[4096]; (got = fread(some, 1, sizeof some, in)) > 0;)
        fwrite(some, 1, got, out);
    fclose(in);
    fclose(out);
    int ended;
    while (waitpid(child, &ended, 0) < 0 && errno == EINTR)
        ;
    *status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
    return all;
}

/* What `go env` prints; ends with the go command's own words and status where it fails. */
static char *environment(const char *dir)
{
    static const char *const command[] = { "go",      "env",         "-json",
                                           "GOROOT",  "GOVERSION",   "GOMODCACHE",
                                           "GOFLAGS", "GOTOOLCHAIN", NULL };
    int status;
    char *all = answer(dir, command, STDOUT_FILENO, &status);
    if (status == 127)
        die("no go command is on PATH (install %s; on Debian 12 golang-1.22-go from "
            "bookworm-backports)",
            KNOWN);
    if (status != 0)
        exit(status > 0 ? status : EXIT_GO); /* it has said why */
    return all;
}

static char *member(struct json_object *o, const char *name)
{
    struct json_object *value = NULL;
    json_object_object_get_ex(o, name, &value);
    return text("%s", value ? json_object_get_string(value) : "");
}

/* The number behind "go1."; 0: a version of another form (a development tree). */
static int minor_of(const char *version)
{
    int minor = 0, n = 0;
    if (sscanf(version, "go1.%d%n", &minor, &n) < 1 || (version[n] && !strchr(".r -", version[n])))
        return 0;
    return minor;
}

static void check_version(const struct toolchain *t)
{
    if (t->minor >= MINOR_FIRST && t->minor <= MINOR_LAST)
        return;
    const char *version = *t->version ? t->version : "the go command on PATH";
    if (t->minor && t->minor < MINOR_FIRST)
        die("%s is too old, %s are known (on Debian 12 install golang-1.22-go from "
            "bookworm-backports)",
            version, KNOWN);
    die("%s is not known to this wasmvm, %s are (set GOTOOLCHAIN=%s, or install a newer wasmvm)",
        version, KNOWN, NEWEST);
}

void toolchain_ask(struct toolchain *t, const struct words *w)
{
    struct json_object *o = json_tokener_parse(environment(w->dir));
    if (!o)
        die("`go env -json` on PATH did not answer as the go command does");
    *t = (struct toolchain){
        .root = member(o, "GOROOT"),
        .version = member(o, "GOVERSION"),
        .mod_cache = member(o, "GOMODCACHE"),
        .goflags = member(o, "GOFLAGS"),
        .choice = member(o, "GOTOOLCHAIN"),
    };
    t->minor = minor_of(t->version);
}

/* `go run PACKAGE@VERSION` selects a Go by the package's own go.mod, while it loads it.  The
 * overlay must be made for that one, so the go command loads the package once, without doing
 * anything, and says what it would want. */
static bool versioned(const struct toolchain *t, const struct words *w)
{
    static const char needs[] = "requires go >= ";
    if (!w->versioned || (w->kind != GO_RUN && strcmp(w->subcommand, "install") != 0) ||
        !strstr(t->choice, "auto"))
        return false;
    size_t n = 0;
    const char **command;
    while (w->flags[n])
        n++;
    command = calloc(n + 4, sizeof *command);
    if (!command)
        die("no memory");
    command[0] = text("%s/bin/go", t->root);
    command[1] = w->subcommand;
    command[2] = "-n";
    memcpy(command + 3, w->flags, n * sizeof *command);
    setenv("GOTOOLCHAIN", "local", 1);
    int status, first, second, third = 0;
    char *said = answer(w->dir, command, STDERR_FILENO, &status),
         *at = status ? strstr(said, needs) : NULL;
    setenv("GOTOOLCHAIN", t->choice, 1);
    if (!at || sscanf(at + strlen(needs), "%d.%d.%d", &first, &second, &third) < 2)
        return false;
    setenv("GOTOOLCHAIN", text("go%d.%d.%d", first, second, third), 1);
    return true;
}

void toolchain_select(struct toolchain *t, const struct words *w)
{
    if (versioned(t, w))
        toolchain_ask(t, w);
    check_version(t);
    if (t->root[0] != '/')
        die("`go env GOROOT` says \"%s\", which is no directory's absolute name", t->root);
}
