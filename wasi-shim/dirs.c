/* Two calls whose answers the guest knows beforehand, and that come with every directory that a
 * program walks.
 *
 * fd_close of a directory, or of a file that could not be written through it, cannot fail and loses
 * nothing: it is told to the monitor with the next call, before it (slot.closes).  Nobody outside
 * can tell, but for how long the file is open; what was written is closed at once.
 *
 * fd_readdir that comes back with less than its buffer holds has reached the end.  The call that
 * asks for more from there is answered here, once, if nothing but looks at files came between. */
#include "wasi-shim/shim.h"

enum { FILETYPE_DIRECTORY = 3, FILETYPE_REGULAR = 4, RIGHT_FD_WRITE = 1 << 6 };

static bool close_can_wait(const struct fdstat *stat)
{
    return stat->filetype == FILETYPE_DIRECTORY ||
           (stat->filetype == FILETYPE_REGULAR && !(stat->rights & RIGHT_FD_WRITE));
}

bool answer_fd_close(struct shim_call *call)
{
    struct shim *shim = call->shim;
    uint32_t fd = fd_close_decode(call->args)->fd;
    const struct fdstat *stat = fdstat_of_opened(shim, fd);
    if (!stat || !close_can_wait(stat) || shim->control->slot.closes)
        return false;
    fdstat_forget(shim, fd);
    shim->dir_ended = false;
    shim->control->slot.closes = fd + 1;
    call->error = WASI_SUCCESS;
    return true;
}

bool answer_fd_readdir(struct shim_call *call)
{
    struct shim *shim = call->shim;
    const struct fd_readdir_args *args = fd_readdir_decode(call->args);
    if (!shim->dir_ended || args->fd != shim->dir_fd || args->cookie != shim->dir_cookie)
        return false;
    shim->dir_ended = false;
    bool held = linear_holds(&call->memory, args->buffer, args->buffer_len);
    call->error = held && linear_put_u32(&call->memory, args->used_out, 0) ? WASI_SUCCESS
                                                                           : WASI_FAULT;
    return true;
}

void readdir_watch(struct shim *shim, enum call number)
{
    if (number != CALL_fd_filestat_get && number != CALL_path_filestat_get &&
        number != CALL_path_readlink)
        shim->dir_ended = false;
}

/* The cookie behind the last entry; false where an entry is cut, which is no end. */
static bool last_cookie(const struct linear *memory, uint64_t at, uint32_t used, uint64_t *cookie)
{
    struct { uint64_t next, ino; uint32_t namlen, type; } head;
    while (used >= sizeof head && linear_get(memory, at, &head, sizeof head) &&
           head.namlen <= used - sizeof head) {
        *cookie = head.next;
        at += sizeof head + head.namlen;
        used -= sizeof head + head.namlen;
    }
    return used == 0;
}

void readdir_forwarded(struct shim_call *call)
{
    struct shim *shim = call->shim;
    const struct fd_readdir_args *args = fd_readdir_decode(call->args);
    uint32_t used;
    if (call->error || !linear_get(&call->memory, args->used_out, &used, sizeof used))
        return;
    shim->dir_fd = args->fd;
    shim->dir_cookie = args->cookie;
    shim->dir_ended = used < args->buffer_len &&
                      last_cookie(&call->memory, args->buffer, used, &shim->dir_cookie);
}
