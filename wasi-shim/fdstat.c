/* fdstat of the descriptors that are there from the start: standard streams and preopens.
 *
 * The boot record tells them, and they stay so until the module closes or renumbers the descriptor or gives up
 * rights; from then on the monitor is asked.  Flags that are set here (NONBLOCK alone can be) are told to the monitor
 * before the next call that names the descriptor: many programs set them and never use it. */
#include "wasi-shim/hypercall.h"
#include "wasi-shim/shim.h"

enum { FILETYPE_DIRECTORY = 3, FDFLAG_NONBLOCK = 4, FDFLAG_ALL = 31 };

void fdstat_init(struct shim *shim)
{
    uint32_t count = shim->control->boot.fdstats;
    shim->fdstat_known = (1u << (count < BOOT_FDSTATS ? count : BOOT_FDSTATS)) - 1;
}

static uint32_t bit_of(uint64_t fd)
{
    return fd < BOOT_FDSTATS ? 1u << fd : 0;
}

bool serve_fd_fdstat_get(struct served *call)
{
    uint32_t fd = call->args[0];
    if (!(call->shim->fdstat_known & bit_of(fd)))
        return false;
    const struct fdstat *stat = &call->shim->control->boot.fdstat[fd];
    bool put = linear_put(&call->memory, (uint32_t)call->args[1], stat, sizeof *stat);
    call->error = put ? WASI_SUCCESS : WASI_FAULT;
    return true;
}

bool serve_fd_fdstat_set_flags(struct served *call)
{
    struct shim *shim = call->shim;
    uint32_t fd = call->args[0], flags = call->args[1];
    if (!(shim->fdstat_known & bit_of(fd)))
        return false;
    struct fdstat *stat = &shim->control->boot.fdstat[fd];
    uint32_t changed = flags ^ stat->flags;
    call->error = flags & ~(uint32_t)FDFLAG_ALL ? WASI_INVAL : stat->filetype == FILETYPE_DIRECTORY ? WASI_ISDIR
                                                                                                  : WASI_SUCCESS;
    if (call->error || !changed)
        return true;
    if (changed != FDFLAG_NONBLOCK)
        return false;
    stat->flags = flags;
    shim->fdstat_owed |= bit_of(fd);
    return true;
}

static void settle(struct shim *shim, uint32_t fd)
{
    if (!(shim->fdstat_owed & bit_of(fd)))
        return;
    shim->fdstat_owed &= ~bit_of(fd);
    const uint64_t args[] = {fd, shim->control->boot.fdstat[fd].flags};
    hypercall(&shim->control->slot, CALL_fd_fdstat_set_flags, args, 2);
}

/* A first argument that is no descriptor but looks like one only settles early. */
void fdstat_settle(struct shim *shim, enum call number, const uint64_t *args, unsigned nargs)
{
    if (nargs > 0)
        settle(shim, args[0]);
    if (number == CALL_fd_renumber)
        settle(shim, args[1]);
    if (number == CALL_fd_close || number == CALL_fd_renumber || number == CALL_fd_fdstat_set_rights ||
        number == CALL_fd_fdstat_set_flags)
        shim->fdstat_known &= ~bit_of((uint32_t)args[0]);
    if (number == CALL_fd_renumber)
        shim->fdstat_known &= ~bit_of((uint32_t)args[1]);
}
