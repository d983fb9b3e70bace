/* fdstat of the descriptors that are there from the start (standard streams, preopens, sockets) and
 * of those that path_open makes.
 *
 * The boot record tells them, and they stay so until the module closes or renumbers the descriptor
 * or gives up rights; from then on the monitor is asked.  Flags that are set here (NONBLOCK alone
 * can be) are told to the monitor before the next call that names the descriptor: many programs set
 * them and never use it.  Of a regular file they are told only before a call that hands the fdstat
 * back to the monitor: its reads and writes never wait. */
#include "wasi-shim/hypercall.h"
#include "wasi-shim/shim.h"

enum { FILETYPE_DIRECTORY = 3, FILETYPE_REGULAR = 4, FDFLAG_NONBLOCK = 4, FDFLAG_ALL = 31 };

void fdstat_init(struct shim *shim)
{
    for (uint32_t fd = 0; fd < shim->control->boot.fdstats && fd < BOOT_FDSTATS; fd++)
        shim->fdstat_state[fd] = FDSTAT_KNOWN;
}

static uint8_t state_of(const struct shim *shim, uint32_t fd)
{
    return fd < BOOT_FDSTATS ? shim->fdstat_state[fd] : 0;
}

bool answer_fd_fdstat_get(struct shim_call *call)
{
    const struct fd_fdstat_get_args *args = fd_fdstat_get_decode(call->args);
    if (!state_of(call->shim, args->fd))
        return false;
    const struct fdstat *stat = &call->shim->control->boot.fdstat[args->fd];
    bool put = linear_put(&call->memory, args->fdstat_out, stat, sizeof *stat);
    call->error = put ? WASI_SUCCESS : WASI_FAULT;
    return true;
}

bool answer_fd_fdstat_set_flags(struct shim_call *call)
{
    struct shim *shim = call->shim;
    const struct fd_fdstat_set_flags_args *args = fd_fdstat_set_flags_decode(call->args);
    uint32_t fd = args->fd, flags = args->flags;
    if (!state_of(shim, fd))
        return false;
    struct fdstat *stat = &shim->control->boot.fdstat[fd];
    uint32_t changed = flags ^ stat->flags;
    call->error = flags & ~(uint32_t)FDFLAG_ALL          ? WASI_INVAL
                  : stat->filetype == FILETYPE_DIRECTORY ? WASI_ISDIR
                                                         : WASI_SUCCESS;
    if (call->error || !changed)
        return true;
    if (changed != FDFLAG_NONBLOCK)
        return false;
    stat->flags = flags;
    shim->fdstat_state[fd] |= FDSTAT_OWED;
    return true;
}

/* Whether the monitor answers for the descriptor's fdstat from this call on. */
static bool hands_back(enum call number)
{
    return number == CALL_fd_renumber || number == CALL_fd_fdstat_set_rights ||
           number == CALL_fd_fdstat_set_flags;
}

static void settle(struct shim *shim, uint32_t fd, enum call number)
{
    if (!(state_of(shim, fd) & FDSTAT_OWED))
        return;
    const struct fdstat *stat = &shim->control->boot.fdstat[fd];
    if (stat->filetype == FILETYPE_REGULAR && !hands_back(number))
        return;
    shim->fdstat_state[fd] &= ~FDSTAT_OWED;
    HYPERCALL(&shim->control->slot, fd_fdstat_set_flags, .fd = fd, .flags = stat->flags);
}

void fdstat_forget(struct shim *shim, uint32_t fd)
{
    if (fd < BOOT_FDSTATS)
        shim->fdstat_state[fd] = 0;
}

/* A first argument that is no descriptor but looks like one only settles early. */
void fdstat_settle(struct shim *shim, enum call number, const uint64_t *args, unsigned nargs)
{
    if (nargs > 0)
        settle(shim, *args, number);
    if (number == CALL_fd_renumber)
        settle(shim, fd_renumber_decode(args)->to, number);
    if (number == CALL_fd_close || hands_back(number))
        fdstat_forget(shim, *args);
    if (number == CALL_fd_renumber)
        fdstat_forget(shim, fd_renumber_decode(args)->to);
}

void fdstat_opened(struct shim_call *call)
{
    uint32_t fd;
    bool made = !call->error &&
                linear_get(&call->memory, path_open_decode(call->args)->fd_out, &fd, sizeof fd);
    if (made && fd < BOOT_FDSTATS)
        call->shim->fdstat_state[fd] = FDSTAT_KNOWN | FDSTAT_OPENED;
}

const struct fdstat *fdstat_of_opened(const struct shim *shim, uint32_t fd)
{
    return state_of(shim, fd) & FDSTAT_OPENED ? &shim->control->boot.fdstat[fd] : NULL;
}
