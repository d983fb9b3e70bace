/* The face of net/: sockets under the network policy, the sealed /etc, bytes of connections that
 * need no calls. */
#ifndef VMM_NET_NET_H
#define VMM_NET_NET_H

#include "vmm/wasi/desc.h"

/* ---- net/net.c ---- */
extern const struct wasi_parts net_parts; /* what wasi_alloc gets */

/* ---- net/etc.c: the sealed /etc ---- */
extern const struct grant_kind etc_grant;

/* ---- net/batch.c: bytes of connections that need no calls of their own ---- */
/* From here to batch_stop, under the lock of the calls; not with --trace or --net-bytes, which want
 * calls. */
void batch_start(struct wasi *, pthread_mutex_t *);
void batch_stop(struct wasi *);

#endif
