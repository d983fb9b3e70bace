/* Two calls whose answers the guest knows beforehand, and that come with every directory that a program walks.
 *
 * fd_close of a directory, or of a file that could not be written through it, cannot fail and loses nothing: it is
 * told to the monitor with the next call, before it (slot.closes).  Nobody outside can tell, but for how long the file
 * is open; what was written is closed at once.
 *
 * fd_readdir that comes back with less than its buffer holds has reached the end.  The call that asks for more from
 * there is answered here, once, if nothing but looks at files came between. */
#include "wasi-shim/shim.h"

enum { FILETYPE_DIRECTORY = 3, FILETYPE_REGULAR = 4, RIGHT_FD_WRITE = 1 << 6 };

static bool close_can_wait(const struct fdstat *stat)
{
    return stat->filetype == FILETYPE_DIRECTORY ||
           (stat->filetype == FILETYPE_REGULAR && !(stat->rights & RIGHT_FD_WRITE));
}

bool serve_fd_close(struct served *call)
{
    struct shim *shim = call->shim;
    uint32_t fd = call->args[0];
    const struct fdstat *stat = fdstat_of_opened(shim, fd);
    if (!stat || !close_can_wait(stat) || shim->control->slot.closes)
        return false;
    fdstat_forget(shim, fd);
    shim->dir_ended = false;
    shim->control->slot.closes = fd + 1;
    call->error = WASI_SUCCESS;
    return true;
}

bool serve_fd_readdir(struct served *call)
{
    struct shim *shim = call->shim;
    const uint64_t *args = call->args;
    if (!shim->dir_ended || (uint32_t)args[0] != shim->dir_fd || args[3] != shim->dir_cookie)
        return false;
    shim->dir_ended = false;
    bool held = linear_holds(&call->memory, (uint32_t)args[1], (uint32_t)args[2]);
    call->error = held && linear_put_u32(&call->memory, (uint32_t)args[4], 0) ? WASI_SUCCESS : WASI_FAULT;
    return true;
}

void readdir_watch(struct shim *shim, enum call number)
{
    if (number != CALL_fd_filestat_get && number != CALL_path_filestat_get && number != CALL_path_readlink)
        shim->dir_ended = false;
}

/* The cookie behind the last entry; false where an entry is cut, which is no end. */
static bool last_cookie(const struct linear *memory, uint64_t at, uint32_t used, uint64_t *cookie)
{
    struct { uint64_t next, ino; uint32_t namlen, type; } head;
    while (used >= sizeof head && linear_get(memory, at, &head, sizeof head) && head.namlen <= used - sizeof head) {
        *cookie = head.next;
        at += sizeof head + head.namlen;
        used -= sizeof head + head.namlen;
    }
    return used == 0;
}

void readdir_forwarded(struct served *call)
{
    struct shim *shim = call->shim;
    uint32_t used;
    if (call->error || !linear_get(&call->memory, (uint32_t)call->args[4], &used, sizeof used))
        return;
    shim->dir_fd = call->args[0];
    shim->dir_cookie = call->args[3];
    shim->dir_ended = used < (uint32_t)call->args[2] &&
                      last_cookie(&call->memory, (uint32_t)call->args[1], used, &shim->dir_cookie);
}
