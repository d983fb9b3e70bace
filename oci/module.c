/* Whether what a container starts is a WebAssembly module: by its file's first bytes, by its name,
 * or by the annotations that crun knows.  A wrong guess costs nothing but a refusal: wasmvm refuses
 * what is no module, and what was not taken for one never gets KVM. */
#include "oci/oci.h"

#include <string.h>
#include <unistd.h>

static bool named_so(const char *name)
{
    static const char ending[] = ".wasm";
    size_t len = strlen(name), n = strlen(ending);
    return len > n && strcmp(name + len - n, ending) == 0;
}

/* crun's, and with it the annotations of images for several runtimes. */
static bool annotated(struct json_object *annotations)
{
    const char *handler = text_in(annotations, "run.oci.handler");
    const char *variant = text_in(annotations, "module.wasm.image/variant");
    return (handler && strcmp(handler, "wasm") == 0) || (variant && strcmp(variant, "compat") == 0);
}

/* Version 1 of a core module; a component's differs.  Or an image that `wasmvm build` made. */
static bool begins_so(int fd)
{
    char first[8] = {0};
    ssize_t n = read(fd, first, sizeof first);
    close(fd);
    return n == (ssize_t)sizeof first &&
           (memcmp(first, "\0asm\1\0\0\0", sizeof first) == 0 ||
            memcmp(first, "wasmvm\032I", sizeof first) == 0);
}

/* The last PATH of the process, as runc has it. */
static const char *search_path(const struct program *p)
{
    const char *found = NULL;
    for (size_t i = 0; i < p->env.n; i++)
        if (strncmp(p->env.at[i], "PATH=", 5) == 0)
            found = p->env.at[i] + 5;
    return found ? found : "";
}

/* A bare name's file: the first regular one of it in PATH.  Relative directories are left out, as
 * runc does. */
static int searched(const struct program *p, const char *bare, const char **name)
{
    for (const char *at = search_path(p); *at;) {
        int len = (int)strcspn(at, ":");
        const char *path = text("%.*s/%s", len, at, bare);
        int fd = *at == '/' ? beneath_open(p->root, "/", path) : -1;
        if (fd >= 0) {
            *name = path;
            return fd;
        }
        at += len + (at[len] == ':');
    }
    return -1;
}

const char *module_find(const struct program *p)
{
    const char *name = p->args.at[0];
    int fd = -1;
    if (p->root >= 0)
        fd = strchr(name, '/') ? beneath_open(p->root, p->cwd, name) : searched(p, name, &name);
    if (fd >= 0 && begins_so(fd))
        return name;
    return named_so(name) || annotated(p->annotations) ? name : NULL;
}
