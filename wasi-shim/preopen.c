/* Discovery of the preopened directories, descriptors 3 and up, whose names stand in the boot
 * record.
 *
 * The shim knows the answers only as long as descriptors are what they were at the start: a close
 * of a preopen or any renumbering hands the whole question to the monitor for the rest of the run.
 */
#include "wasi-shim/shim.h"

enum { FIRST_PREOPEN = 3, PREOPEN_DIR = 0 };

/* The name of a preopen, which lies index strings behind the first. */
static struct name preopen_name(const struct control *control, uint32_t index)
{
    const char *at = (const char *)control + control->boot.preopen_off,
               *end = at + control->boot.preopen_len;
    for (; index > 0; index--)
        while (at < end && *at++ != 0)
            ;
    const char *name = at;
    while (at < end && *at != 0)
        at++;
    return (struct name){(const uint8_t *)name, at - name};
}

static bool is_preopen(const struct control *control, uint32_t fd)
{
    return fd - FIRST_PREOPEN < control->boot.preopens; /* lower ones wrap to high */
}

bool answer_fd_prestat_get(struct shim_call *call)
{
    const struct control *control = call->shim->control;
    const struct fd_prestat_get_args *args = fd_prestat_get_decode(call->args);
    uint32_t fd = args->fd;
    bool known = is_preopen(control, fd);
    if (call->shim->preopens_changed || (!known && control->boot.flags & BOOT_MORE_PREOPENS))
        return false;
    if (!known) {
        call->error = WASI_BADF;
        return true;
    }
    struct { uint8_t tag, pad[3]; uint32_t name_len; } prestat = {.tag = PREOPEN_DIR};
    prestat.name_len = preopen_name(control, fd - FIRST_PREOPEN).len;
    bool put = linear_put(&call->memory, args->prestat, &prestat, sizeof prestat);
    call->error = put ? WASI_SUCCESS : WASI_FAULT;
    return true;
}

bool answer_fd_prestat_dir_name(struct shim_call *call)
{
    const struct control *control = call->shim->control;
    const struct fd_prestat_dir_name_args *args = fd_prestat_dir_name_decode(call->args);
    if (call->shim->preopens_changed || !is_preopen(control, args->fd))
        return false;
    struct name name = preopen_name(control, args->fd - FIRST_PREOPEN);
    if (args->buffer_len < name.len)
        call->error = WASI_NAMETOOLONG;
    else
        call->error = linear_put(&call->memory, args->buffer, name.bytes, name.len) ? WASI_SUCCESS
                                                                                    : WASI_FAULT;
    return true;
}

void preopen_watch(struct shim *shim, enum call number, const uint64_t *args)
{
    if (number == CALL_fd_renumber ||
        (number == CALL_fd_close && is_preopen(shim->control, fd_close_decode(args)->fd)))
        shim->preopens_changed = true;
}
