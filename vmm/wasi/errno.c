/* Host errno to WASI errno, as one table. */
#include "vmm/wasi/inside.h"

static const uint8_t from_host[] = {
#define X(name, number, host) [host] = number,
    WASI_ERRNOS(X)
#undef X
    /* Host numbers without a WASI name, by the nearest. */
    [EPFNOSUPPORT] = WASI_AFNOSUPPORT,
    [ESOCKTNOSUPPORT] = WASI_NOTSUP,
    [EHOSTDOWN] = WASI_HOSTUNREACH,
    [ESHUTDOWN] = WASI_PIPE,
    [ENOKEY] = WASI_ACCES,
};

uint32_t wasi_errno(int host_errno)
{
    if (host_errno <= 0 || (size_t)host_errno >= sizeof from_host || from_host[host_errno] == 0)
        return WASI_IO;
    return from_host[host_errno];
}
