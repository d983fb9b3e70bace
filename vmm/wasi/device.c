/* What path_open gives with descriptor -1, which is no directory: things that only a program that
 * knows of wasmvm asks for, by a name that no directory has.  Any other runtime, and an older
 * wasmvm, answers that there is no such file. */
#include "vmm/wasi/inside.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define DEVICE_NAME_MAX 32

/* One end of a pipe; host is the table's from here on. */
static uint32_t pipe_end(struct wasi *w, int host, int access, uint32_t *fd)
{
    struct stat st;
    struct desc d = { .host = host, .io = host, .fdflags = FDFLAG_NONBLOCK };
    if (file_stat(host, &st) < 0) {
        close(host);
        return WASI_IO;
    }
    desc_describe(w, &d, &st, access);
    return desc_place(w, &d, fd);
}

static uint32_t pipe_open(struct wasi *w, uint32_t fds[])
{
    int hosts[2];
    if (w->open_max - w->open_count < 2)
        return WASI_MFILE;
    if (pipe2(hosts, O_NONBLOCK | O_CLOEXEC) < 0)
        return wasi_errno(errno);
    uint32_t err = pipe_end(w, hosts[0], O_RDONLY, &fds[0]);
    if (err) {
        close(hosts[1]);
        return err;
    }
    err = pipe_end(w, hosts[1], O_WRONLY, &fds[1]);
    if (err)
        wasi_fd_close(w, &(struct fd_close_args){ .fd = fds[0] });
    return err;
}

struct device {
    const char *name;
    uint32_t numbers;
    uint32_t (*open)(struct wasi *, uint32_t fds[]);
};
static const struct device devices[] = {
    { "/dev/wasmvm/signals", 1, signals_open },
    { "/dev/wasmvm/pipe", DEVICE_NUMBERS, pipe_open },
};

const struct device *device_find(struct wasi *w, uint64_t at, uint64_t len)
{
    char name[DEVICE_NAME_MAX];
    if (len > sizeof name || !linear_read(w->mem, at, name, len))
        return NULL;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        if (strlen(devices[i].name) == len && memcmp(devices[i].name, name, len) == 0)
            return &devices[i];
    return NULL;
}

uint32_t device_open(struct wasi *w, const struct device *device, uint64_t fds_out)
{
    uint32_t fds[DEVICE_NUMBERS];
    if (!out_ok(w, fds_out, device->numbers * sizeof fds[0]))
        return WASI_FAULT;
    uint32_t err = desc_room(w);
    if (!err)
        err = device->open(w, fds);
    if (err)
        return err;
    for (uint32_t i = 0; i < device->numbers; i++)
        fdstat_tell(w, fds[i]);
    return out_put(w, fds_out, fds, device->numbers * sizeof fds[0]);
}
