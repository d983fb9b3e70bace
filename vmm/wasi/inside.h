/* The inside of wasi/: what its files share beyond desc.h, grouped by file. */
#ifndef VMM_WASI_INSIDE_H
#define VMM_WASI_INSIDE_H

#include "vmm/wasi/desc.h"

/* ---- trace.c ---- */
bool trace_open(struct wasi *, const struct config *, struct failure *);
void trace_close(struct wasi *);
void trace_end(struct wasi *, const struct request *, uint32_t err, uint64_t began_ns);
/* Of fd_read_one and fd_write_one. */
void trace_one(struct wasi *, const struct request *, uint64_t result, uint64_t began_ns);

/* ---- fdtable.c ---- */
void desc_moves(struct desc *); /* tells its kind that its number or its flags change */

/* ---- quota.c ---- */
void quota_open(struct wasi *, const struct settings *);
/* whether writing there is counted at all */
bool quota_counts(const struct wasi *, const struct desc *);
/* Cuts the bytes of a write to what may go out now, for which it waits; an errno, where the run
 * ends too. */
uint32_t quota_room(struct wasi *, const struct desc *, uint64_t *bytes);
void quota_wrote(struct wasi *, const struct desc *, uint64_t bytes);

/* ---- storage.c ---- */
uint32_t storage_resize(struct wasi *, int host, off_t size);
/* What is behind the number, for a change of its storage; *err where it may not be, of which
 * `lacking` = without the right. */
struct desc *file_to_change(struct wasi *, uint64_t fd, uint32_t right, uint32_t lacking,
                            uint32_t *err);

/* ---- stdio.c ---- */
bool stdio_adopt(struct wasi *, const struct config *, struct failure *);
void stdio_leave(struct wasi *, struct desc *); /* frees what is ours of one that stays open */
/* 0, or -1 and errno: what close would say. */
int stdio_release(struct wasi *, struct desc *);

/* ---- route.c ---- */
bool path_check_kernel(int dir, struct failure *);

/* ---- path.c ---- */
uint32_t path_stat(struct wasi *, const struct desc *, const char *path, bool follow,
                   struct stat *);
uint32_t route_stat(struct wasi *, struct route *, bool follow, struct stat *);
/* The directory that a path call starts from, and its path. */
uint32_t path_start(struct wasi *, uint64_t fd, uint64_t at, uint64_t len, struct desc **,
                    char path[PATH_MAX]);

/* ---- filesystem.c ---- */
/* Whether it is of a kind that is not used, or an error of fstatfs; the path is for words. */
bool filesystem_refused(struct wasi *, int host, const char *path, uint32_t *err);
void path_refused(struct wasi *, const char *path, const char *why); /* for --stats */

/* ---- open.c ---- */
/* of a directory of the host's */
uint32_t path_open(struct wasi *, struct opening *, uint32_t *fd);

/* ---- signals.c ---- */
uint32_t signals_open(struct wasi *, uint32_t fds[]);

/* ---- device.c ---- */
#define DEVICE_NUMBERS 2 /* descriptors that the largest of them is */
struct device;
/* NULL: there is none of this name */
const struct device *device_find(struct wasi *, uint64_t at, uint64_t len);
uint32_t device_open(struct wasi *, const struct device *, uint64_t fds_out);

/* ---- grants.c ---- */
bool preopen_all(struct wasi *, const struct config *, struct failure *);
/* Those whose numbers stand behind the sockets'. */
bool preopen_last(struct wasi *, const struct config *, struct failure *);
void preopen_end(struct wasi *);                  /* of what preopen_all held when it failed */

/* ---- file.c ---- */
extern const struct desc_ops append_ops;
ssize_t file_read(const struct desc *, const struct iovec *, int n, int64_t offset);
ssize_t file_write(const struct desc *, const struct iovec *, int n, int64_t offset);
bool desc_may(const struct desc *, bool write); /* whether it has the right to read, or to write */

/* ---- terminal.c ---- */
extern const struct desc_ops terminal_ops;
/* Makes it a terminal that is written to by way of the filter, if it is one; false: no memory. */
bool terminal_filter(struct wasi *, struct desc *);

/* ---- places.c: a directory's places by small numbers ---- */
#define PLACES_MOST (4u << 20) /* of a run: 64 MiB */
struct place;
/* zeroes: none; first: at[0]'s number */
struct places { struct place *at; uint32_t first, n, room, nheads, *heads; };
/* The number of the kernel's place, an old one where it is known; NOMEM: the run has too many. */
uint32_t places_number(struct wasi *, struct places *, int64_t offset, uint32_t *number);
/* false: no such number */
bool places_offset(const struct places *, uint64_t number, int64_t *offset);
void places_free(struct wasi *, struct places *); /* their numbers are not given again */
void places_release(struct wasi *); /* dir.c: those of directories that were started anew */

/* ---- devfd.c ---- */
void devfd_find(struct wasi *); /* whether the guest's /dev is the host's; once the grants stand */
/* Whether a link's text, in that directory, names a descriptor of the program's own. */
bool devfd_number(const struct wasi *, int dir, const char *text, int *n);
uint32_t devfd_open(struct wasi *, const struct opening *, int n, uint32_t *fd);
uint32_t devfd_stat(struct wasi *, int n, struct stat *);

/* ---- poll.c ---- */
void poll_set_free(struct wasi *);

#endif
