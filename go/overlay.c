/* The files that take the place of Go's own, and the text that tells the go command so. */
#include "go/go.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum op { OP_COPY, OP_HIDE, OP_DROP, OP_SHIP };
struct edit {
    const char *old, *new;
};
struct row {
    enum op op;
    int lo, hi;
    const char *from; /* below GOROOT/src; of OP_SHIP: below the shipped files */
    const char *to;   /* what it takes the place of; of OP_HIDE: the tag */
    struct edit edits[4];
};

static const struct row rows[] = {
#define COPY(lo, hi, from, to, ...) {OP_COPY, lo, hi, from, to, __VA_ARGS__},
#define HIDE(lo, hi, file, tag) {OP_HIDE, lo, hi, file, tag, {{0}}},
#define DROP(lo, hi, file) {OP_DROP, lo, hi, file, file, {{0}}},
#define SHIP(lo, hi, file, ours) {OP_SHIP, lo, hi, ours, file, {{0}}},
#include "go/overlay.def"
#undef COPY
#undef HIDE
#undef DROP
#undef SHIP
};
enum { ROWS = sizeof rows / sizeof *rows };

char *file_read(int dir, const char *name, int flags, size_t *n)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | flags);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > 16 << 20) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    char *bytes = malloc((size_t)st.st_size + 1);
    ssize_t got = bytes ? read(fd, bytes, (size_t)st.st_size) : -1;
    close(fd);
    if (got != st.st_size)
        return NULL;
    bytes[got] = 0; /* for text functions; Go's sources have no other */
    *n = (size_t)got;
    return bytes;
}

/* The one place where `old` stands; NULL: nowhere, or more than once. */
static char *only(char *in, const char *old)
{
    char *at = strstr(in, old);
    return at && !strstr(at + 1, old) ? at : NULL;
}

static _Noreturn void unknown(const struct toolchain *t, const char *file, const char *what)
{
    die("%s of %s %s: this Go is not known to this wasmvm (set GOTOOLCHAIN=go1.27.1, or install a "
        "newer wasmvm)",
        file, t->version, what);
}

/* `bytes` with the only `old` replaced. */
static char *edited(const struct toolchain *t, const struct row *row, char *bytes, const char *old,
                    const char *new)
{
    char *at = only(bytes, old);
    if (!at)
        unknown(t, row->from, text("does not have \"%s\" exactly once", old + (*old == '\n')));
    return text("%.*s%s%s", (int)(at - bytes), bytes, new, at + strlen(old));
}

/* Go's own file with another build constraint, which a file has once at most. */
static char *retagged(const struct toolchain *t, const struct row *row, char *bytes,
                      const char *tag)
{
    static const char mark[] = "//go:build ";
    char *at = strncmp(bytes, mark, strlen(mark)) == 0 ? bytes : strstr(bytes, "\n//go:build ");
    if (!at)
        return text("//go:build %s\n\n%s", tag, bytes);
    at += *at == '\n';
    if (strstr(at + 1, "\n//go:build "))
        unknown(t, row->from, "has two build constraints");
    return text("%.*s%s%s%s", (int)(at - bytes), bytes, mark, tag, at + strcspn(at, "\n"));
}

static bool is_test(const char *name)
{
    size_t n = strlen(name);
    return n > 8 && strcmp(name + n - 8, "_test.go") == 0;
}

/* What stands in place of Go's file; false: nothing is to be done. */
static bool make(struct file *f, const struct row *row, const struct toolchain *t, int src,
                 int ours)
{
    *f = (struct file){.name = row->op == OP_HIDE ? row->from : row->to};
    if (row->op == OP_DROP)
        return faccessat(src, row->from, F_OK, 0) == 0;
    f->bytes = file_read(row->op == OP_SHIP ? ours : src, row->from, 0, &f->n);
    if (!f->bytes && row->op == OP_SHIP)
        die("%s of wasmvm's own files cannot be read: %s (install wasmvm again)", row->from,
            strerror(errno));
    if (!f->bytes && is_test(row->from))
        return false;
    if (!f->bytes)
        unknown(t, row->from, "cannot be read");
    if (row->op != OP_SHIP)
        f->bytes = retagged(t, row, f->bytes, row->op == OP_HIDE ? row->to : "wasip1");
    for (int k = 0; k < 4 && row->edits[k].old; k++)
        f->bytes = edited(t, row, f->bytes, row->edits[k].old, row->edits[k].new);
    f->n = strlen(f->bytes);
    return true;
}

static int directory(const char *path)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        die("%s: %s", path, strerror(errno));
    return fd;
}

void overlay_make(struct files *files, const struct toolchain *t, const char *ours_path)
{
    int src = directory(text("%s/src", t->root)), ours = directory(ours_path);
    *files = (struct files){.at = calloc(ROWS, sizeof *files->at)};
    if (!files->at)
        die("no memory");
    for (size_t k = 0; k < ROWS; k++)
        if (rows[k].lo <= t->minor && t->minor <= rows[k].hi)
            files->n += make(&files->at[files->n], &rows[k], t, src, ours);
    close(src);
    close(ours);
}

/* ---- the text ---- */

static const char *quoted(const char *s)
{
    return text("%s", json_object_to_json_string_ext(json_object_new_string(s),
                                                     JSON_C_TO_STRING_NOSLASHESCAPE));
}

static const struct file *replaced(const struct files *files, const char *root, const char *name)
{
    const char *src = text("%s/src/", root);
    for (size_t k = 0; k < files->n; k++)
        if (strncmp(name, src, strlen(src)) == 0 &&
            strcmp(name + strlen(src), files->at[k].name) == 0)
            return &files->at[k];
    return NULL;
}

static struct json_object *replace_of(const char *name, const struct words *w)
{
    int here = w->dir ? directory(w->dir) : AT_FDCWD;
    size_t n;
    char *bytes = file_read(here, name, 0, &n);
    if (!bytes)
        die("-overlay %s cannot be read: %s", name, strerror(errno));
    struct json_object *o = json_tokener_parse(bytes), *rows_of = NULL;
    if (!json_object_is_type(o, json_type_object) ||
        (json_object_object_get_ex(o, "Replace", &rows_of) &&
         !json_object_is_type(rows_of, json_type_object)))
        die("-overlay %s is no JSON object with a \"Replace\" object", name);
    return rows_of;
}

char *overlay_user(const struct files *files, const struct toolchain *t, const struct words *w,
                   const char *name)
{
    char *all = text("%s", "");
    struct json_object *user = name ? replace_of(name, w) : NULL;
    if (!user)
        return all;
    json_object_object_foreach(user, from, to) {
        if (!json_object_is_type(to, json_type_string))
            die("-overlay %s: what replaces %s is no text", name, from);
        if (replaced(files, t->root, from))
            die("-overlay %s replaces %s, which `wasmvm go` replaces too", name, from);
        all = text("%s,\n    %s: %s", all, quoted(from), quoted(json_object_get_string(to)));
    }
    return all;
}

char *overlay_text(const struct files *files, const char *root, const char *dir, const char *user)
{
    char *all = text("{\n  \"Replace\": {");
    for (size_t k = 0; k < files->n; k++) {
        const struct file *f = &files->at[k];
        all = text("%s%s\n    %s: %s", all, k ? "," : "", quoted(text("%s/src/%s", root, f->name)),
                   f->bytes ? quoted(text("%s/%s", dir, f->name)) : "\"\"");
    }
    return text("%s%s\n  }\n}\n", all, user);
}
