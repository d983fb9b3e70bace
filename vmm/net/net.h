/* The face of net/: sockets under the network policy, the sealed /etc, bytes of connections that need no calls. */
#ifndef VMM_NET_NET_H
#define VMM_NET_NET_H

#include "vmm/wasi/desc.h"

/* ---- net/socket.c: sockets under the network policy ---- */
struct msghdr;
/* After the preopened directories: sockets come behind them. */
bool net_open(struct wasi *, const struct config *, struct failure *);
void net_end(struct wasi *);                         /* after all descriptors are closed */
/* recvmsg or sendmsg with MSG_DONTWAIT and what the policy has to say; errno is the answer. */
ssize_t net_receive(const struct desc *, struct msghdr *, int flags);
ssize_t net_send(const struct desc *, const struct msghdr *);
/* After EAGAIN: AGAIN for a non-blocking socket, or past its timeout, else waits; SUCCESS = try again. */
uint32_t net_wait(struct wasi *, const struct desc *, short events);
/* What the policy says to a new connection of a listener: ACCES and the socket closed, or its conn. */
uint32_t net_accepted(const struct desc *listener, int host, struct conn **);
/* ---- net/batch.c: bytes of connections that need no calls of their own ---- */
/* Before a call is served: sends what the guest left. */
void batch_flush(struct wasi *);
/* A poll found it readable. */
void batch_fill(struct wasi *, uint32_t fd, const struct desc *);
bool batch_ready(const struct desc *); /* readable by what was read ahead, or by an error */

/* Before the descriptor is closed. */
void net_close(struct desc *);
/* Before its number or its flags change. */
void net_moves(struct desc *);

/* ---- net/etc.c: the sealed /etc ---- */
/* Makes the files; *host: a descriptor that stands for the directory, not for the kernel's path calls, and is the
 * table's to close. */
bool sealed_open_all(struct wasi *, const struct config *, int *host, struct failure *);
void sealed_close(struct wasi *);
uint32_t sealed_open(struct wasi *, const char *path, uint64_t rights, uint32_t *fd);
uint32_t sealed_stat(const struct wasi *, const char *path, struct stat *);
/* Entry i: its name, or NULL past the end. */
const char *sealed_entry(const struct wasi *, uint32_t i, struct stat *);
/* From here to batch_stop, under the lock of the
 * calls; not with --trace or --net-bytes, which want calls. */
void batch_start(struct wasi *, pthread_mutex_t *);
void batch_stop(struct wasi *);

#endif
