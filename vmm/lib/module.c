/* The library's modules: the bytes of programs, counted, so that instances in other threads may
 * look at them without a lock. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/cache/cache.h"
#include "vmm/lib/lib.h"

void module_hold(wasmvm_module *m)
{
    __atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
}

void wasmvm_module_free(wasmvm_module *m)
{
    if (!m || __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL))
        return;
    if (m->fd >= 0)
        close(m->fd);
    free(m->bytes);
    free(m->name);
    free(m);
}

/* The last one to know it: nobody will read it again. */
void module_read(wasmvm_module *m)
{
    if (m->fd < 0 || __atomic_load_n(&m->refs, __ATOMIC_ACQUIRE) != 1)
        return;
    close(m->fd);
    m->fd = -1;
}

static wasmvm_module *module_make(const char *name, uint64_t n, wasmvm_error *error)
{
    wasmvm_module *m = NULL;
    if (n == 0 || n > MAP_MODULE_MAX) {
        embed_error(error, WASMVM_E_INVALID, "%s is not a valid module: it is %s", name,
                    n ? "larger than 1 GiB" : "empty");
        return NULL;
    }
    m = calloc(1, sizeof *m);
    if (m)
        *m = (wasmvm_module){.refs = 1, .name = strdup(name), .bytes = malloc(n), .fd = -1, .n = n};
    if (m && m->name && m->bytes)
        return m;
    wasmvm_module_free(m);
    embed_error(error, WASMVM_E_HOST, "%s: no memory for the module", name);
    return NULL;
}

wasmvm_module *wasmvm_module_bytes(const void *bytes, size_t n, const char *name,
                                   wasmvm_error *error)
{
    wasmvm_module *m = module_make(name, n, error);
    if (m)
        memcpy(m->bytes, bytes, n);
    return m;
}

wasmvm_module *wasmvm_module_fd(int fd, const char *name, wasmvm_error *error)
{
    wasmvm_module *m = calloc(1, sizeof *m);
    if (m)
        *m = (wasmvm_module){.refs = 1, .name = strdup(name), .fd = fd};
    if (m && m->name)
        return m;
    free(m);
    embed_error(error, WASMVM_E_HOST, "%s: no memory for the module", name);
    return NULL;
}

/* Up to n bytes; how many there were, or -1. */
static ssize_t read_all(int fd, uint8_t *to, uint64_t n)
{
    uint64_t done = 0;
    while (done < n) {
        ssize_t got = read(fd, to + done, n - done);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -1;
        done += got > 0 ? (uint64_t)got : 0;
    }
    return (ssize_t)done;
}

wasmvm_module *wasmvm_module_file(const char *path, wasmvm_error *error)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        embed_error(error, WASMVM_E_NO_MODULE, "%s: the module cannot be read: %s", path,
                    fd < 0 ? strerror(errno) : "it is no regular file");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (saved_begins(fd)) /* an image: each machine reads its pages */
        return wasmvm_module_fd(fd, path, error);
    wasmvm_module *m = module_make(path, (uint64_t)st.st_size, error);
    ssize_t n = m ? read_all(fd, m->bytes, m->n) : 0;
    if (n < 0) {
        embed_error(error, WASMVM_E_NO_MODULE, "%s: the module cannot be read: %s", path,
                    strerror(errno));
        wasmvm_module_free(m);
        m = NULL;
    } else if (m) {
        m->n = (uint64_t)n; /* what was there: it may have been cut meanwhile */
    }
    close(fd);
    return m;
}
