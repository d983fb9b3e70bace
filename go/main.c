/* `wasmvm go SUBCOMMAND ...`: asks which Go it is, makes the overlay, and becomes the go command.
 */
#include "go/go.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The directory of this program. */
static char *own_place(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        die("/proc is not mounted, which tells where wasmvm's own files are");
    path[n] = 0;
    *strrchr(path, '/') = 0;
    return text("%s", path);
}

/* A file that belongs to wasmvm; this program lies in libexec/wasmvm, or in a build directory. */
static char *own_file(const char *place, const char *installed, const char *built)
{
    char *there = text("%s/%s", place, installed);
    return access(there, R_OK) == 0 ? there : text("%s/%s", place, built);
}

struct command {
    const char **at;
    size_t n;
};

static void word(struct command *c, const char *one)
{
    c->at = realloc(c->at, (c->n + 2) * sizeof *c->at);
    if (!c->at)
        die("no memory");
    c->at[c->n++] = one;
    c->at[c->n] = NULL;
}

static _Noreturn void become(const char *go, struct command *c)
{
    execvp(go, (char **)c->at);
    die("%s: %s", go, strerror(errno));
}

/* The Go that was asked is the one that will run, whatever a file selects by then. */
static char *use_toolchain(const char *root)
{
    const char *path = getenv("PATH");
    setenv("GOROOT", root, 1);
    setenv("GOTOOLCHAIN", "local", 1);
    setenv("PATH", text("%s/bin:%s", root, path ? path : "/usr/bin:/bin"), 1);
    return text("%s/bin/go", root);
}

/* How the go command starts what it built: a name with blanks stands in quotes. */
static const char *exec_flag(const char *place, enum subcommand_kind kind)
{
    return text("-exec='%s/go-exec' %s", place, kind == GO_RUN ? "run" : "test");
}

static char *prepare(struct toolchain *t, const struct words *w, const char *place,
                     const char **root)
{
    struct files files;
    struct cache cache;
    cache_open(&cache);
    overlay_make(&files, t, own_file(place, "../../share/wasmvm/go", "share/wasmvm/go"));
    *root = cache_root(&cache, t);
    const char *user = w->overlay ? w->overlay : goflags_value(t->goflags, "overlay");
    return cache_put(&cache, &files, *root,
                     overlay_user(&files, t, w, user && *user ? user : NULL));
}

/* Until Go 1.23 vet opens files by the names that they stand for, so it gets no overlay: package
 * net has the same types without it.  What a user's own -overlay says is the user's affair. */
static bool vet_alone(struct command *c, const struct words *w, const struct toolchain *t)
{
    enum { VET_KNOWS_OVERLAYS = 24 };
    if (t->minor >= VET_KNOWS_OVERLAYS)
        return false;
    if (w->kind == GO_TEST)
        word(c, "-vet=off");
    if (strcmp(w->subcommand, "vet") != 0)
        return false;
    if (w->overlay)
        word(c, text("-overlay=%s", w->overlay));
    return true;
}

/* The go command's flags that make it build for virtual machines; returns the Go to start. */
static char *build_flags(struct command *c, const struct words *w, struct toolchain *t)
{
    const char *root = t->root, *place = own_place();
    if (!w->portable) {
        toolchain_select(t, w);
        if (vet_alone(c, w, t))
            return use_toolchain(t->root);
        const char *overlay = prepare(t, w, place, &root);
        if (w->kind == GO_OVERLAY) {
            puts(overlay);
            exit(fflush(stdout) ? EXIT_GO : 0);
        }
        word(c, text("-overlay=%s", overlay));
    }
    if ((w->kind == GO_RUN || w->kind == GO_TEST) && !w->exec && !goflags_value(t->goflags, "exec"))
        word(c, exec_flag(place, w->kind));
    return w->portable ? "go" : use_toolchain(root);
}

int main(int argc, char **argv)
{
    struct words w;
    struct toolchain t;
    struct command c = {0};
    words_parse(&w, argc, argv);
    word(&c, "go");
    if (*w.subcommand)
        word(&c, w.subcommand);
    if (w.dir)
        word(&c, text("-C=%s", w.dir));
    if (w.kind != GO_HOST) {
        setenv("GOOS", "wasip1", 1);
        setenv("GOARCH", "wasm", 1);
    }
    const char *go = "go";
    if (w.kind >= GO_BUILD) {
        toolchain_ask(&t, &w);
        go = build_flags(&c, &w, &t);
    }
    for (const char **flag = w.flags; *flag; flag++)
        word(&c, *flag);
    become(go, &c);
}
