/* The second face of wasi/, for folders whose descriptors and calls are part of it: numbers and
 * layouts of WASI snapshot_preview1, the state of a run, its descriptors, and what a handler is
 * made with.
 *
 * Every handler gets the arguments as the guest gave them, by name (wasi-shim/calls.h), and returns
 * a WASI errno. Guest memory is reached through guestmem.c alone: control data is copied in once,
 * bulk bytes go between the kernel and the guest's range.  Out-pointers are checked before anything
 * is done, so a call fails with FAULT or happens whole. */
#ifndef VMM_WASI_DESC_H
#define VMM_WASI_DESC_H

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "vmm/wasi/wasi.h"

/* ---- errno.c: X(WASI name, WASI number, host errno) ---- */
#define WASI_ERRNOS(X)                                                                             \
    X(2BIG, 1, E2BIG)                                                                              \
    X(ACCES, 2, EACCES) X(ADDRINUSE, 3, EADDRINUSE) X(ADDRNOTAVAIL, 4, EADDRNOTAVAIL) X(           \
        AFNOSUPPORT, 5, EAFNOSUPPORT) X(AGAIN, 6, EAGAIN) X(ALREADY, 7, EALREADY)                  \
        X(BADF, 8, EBADF) X(BADMSG, 9, EBADMSG) X(BUSY, 10, EBUSY) X(CANCELED, 11, ECANCELED) X(   \
            CHILD, 12, ECHILD) X(CONNABORTED, 13, ECONNABORTED) X(CONNREFUSED, 14, ECONNREFUSED)   \
            X(CONNRESET, 15, ECONNRESET) X(DEADLK, 16, EDEADLK) X(DESTADDRREQ, 17, EDESTADDRREQ)   \
                X(DOM, 18, EDOM) X(DQUOT, 19, EDQUOT) X(EXIST, 20, EEXIST) X(FAULT, 21, EFAULT)    \
                    X(FBIG, 22, EFBIG) X(HOSTUNREACH, 23, EHOSTUNREACH) X(IDRM, 24, EIDRM)         \
                        X(ILSEQ, 25, EILSEQ) X(INPROGRESS, 26, EINPROGRESS) X(INTR, 27, EINTR) X(  \
                            INVAL, 28, EINVAL) X(IO, 29, EIO) X(ISCONN, 30, EISCONN)               \
                            X(ISDIR, 31, EISDIR) X(LOOP, 32, ELOOP) X(MFILE, 33, EMFILE) X(        \
                                MLINK, 34, EMLINK) X(MSGSIZE, 35, EMSGSIZE)                        \
                                X(MULTIHOP, 36, EMULTIHOP) X(NAMETOOLONG, 37, ENAMETOOLONG) X(     \
                                    NETDOWN, 38, ENETDOWN) X(NETRESET, 39, ENETRESET)              \
                                    X(NETUNREACH, 40, ENETUNREACH) X(NFILE, 41, ENFILE) X(         \
                                        NOBUFS,                                                    \
                                        42,                                                        \
                                        ENOBUFS) X(NODEV, 43,                                      \
                                                   ENODEV) X(NOENT, 44,                            \
                                                             ENOENT) X(NOEXEC, 45, ENOEXEC)        \
                                        X(NOLCK, 46, ENOLCK) X(NOLINK, 47, ENOLINK) X(             \
                                            NOMEM, 48, ENOMEM) X(NOMSG, 49, ENOMSG)                \
                                            X(NOPROTOOPT, 50, ENOPROTOOPT) X(NOSPC, 51, ENOSPC) X( \
                                                NOSYS, 52, ENOSYS) X(NOTCONN, 53, ENOTCONN)        \
                                                X(NOTDIR, 54, ENOTDIR) X(NOTEMPTY, 55, ENOTEMPTY)  \
                                                    X(NOTRECOVERABLE, 56, ENOTRECOVERABLE) X(      \
                                                        NOTSOCK, 57, ENOTSOCK) X(NOTSUP, 58,       \
                                                                                 EOPNOTSUPP)       \
                                                        X(NOTTY, 59, ENOTTY) X(NXIO, 60, ENXIO) X( \
                                                            OVERFLOW,                              \
                                                            61,                                    \
                                                            EOVERFLOW) X(OWNERDEAD, 62,            \
                                                                         EOWNERDEAD) X(PERM, 63,   \
                                                                                       EPERM)      \
                                                            X(PIPE, 64,                            \
                                                              EPIPE) X(PROTO, 65,                  \
                                                                       EPROTO) X(PROTONOSUPPORT,   \
                                                                                 66,               \
                                                                                 EPROTONOSUPPORT)  \
                                                                X(PROTOTYPE, 67,                   \
                                                                  EPROTOTYPE) X(RANGE, 68, ERANGE) \
                                                                    X(ROFS, 69, EROFS) X(          \
                                                                        SPIPE, 70,                 \
                                                                        ESPIPE) X(SRCH, 71, ESRCH) \
                                                                        X(STALE, 72, ESTALE) X(    \
                                                                            TIMEDOUT,              \
                                                                            73, ETIMEDOUT)         \
                                                                            X(TXTBSY, 74, ETXTBSY) \
                                                                                X(XDEV, 75, EXDEV)
enum wasi_errno {
    WASI_SUCCESS = 0,
#define X(name, number, host) WASI_##name = number,
    WASI_ERRNOS(X)
#undef X
    WASI_NOTCAPABLE = 76, /* no host errno means this */
};
uint32_t wasi_errno(int host_errno);

/* ---- numbers of preview1 ---- */
enum {
    FILETYPE_UNKNOWN,
    FILETYPE_BLOCK,
    FILETYPE_CHARACTER,
    FILETYPE_DIRECTORY,
    FILETYPE_REGULAR,
    FILETYPE_DGRAM,
    FILETYPE_STREAM,
    FILETYPE_SYMLINK
};
enum {
    FDFLAG_APPEND = 1,
    FDFLAG_DSYNC = 2,
    FDFLAG_NONBLOCK = 4,
    FDFLAG_RSYNC = 8,
    FDFLAG_SYNC = 16,
    FDFLAG_ALL = 31,
    FDFLAG_SYNCS = FDFLAG_DSYNC | FDFLAG_RSYNC | FDFLAG_SYNC
};
enum { OFLAG_CREAT = 1, OFLAG_DIRECTORY = 2, OFLAG_EXCL = 4, OFLAG_TRUNC = 8, OFLAG_ALL = 15 };
enum { LOOKUP_FOLLOW = 1 };
enum { PRESTAT_DIR, PRESTAT_OTHER };
enum { FST_ATIM = 1, FST_ATIM_NOW = 2, FST_MTIM = 4, FST_MTIM_NOW = 8, FST_ALL = 15 };
enum { CLOCKID_REALTIME, CLOCKID_MONOTONIC, CLOCKID_PROCESS_CPU, CLOCKID_THREAD_CPU };

#define WASI_RIGHTS(X)                                                                             \
    X(FD_DATASYNC, 0)                                                                              \
    X(FD_READ, 1) X(FD_SEEK, 2) X(FD_FDSTAT_SET_FLAGS, 3) X(FD_SYNC, 4) X(FD_TELL, 5)              \
        X(FD_WRITE, 6) X(FD_ADVISE, 7) X(FD_ALLOCATE, 8) X(PATH_CREATE_DIRECTORY, 9)               \
            X(PATH_CREATE_FILE, 10) X(PATH_LINK_SOURCE, 11) X(PATH_LINK_TARGET, 12)                \
                X(PATH_OPEN, 13) X(FD_READDIR, 14) X(PATH_READLINK, 15) X(PATH_RENAME_SOURCE, 16)  \
                    X(PATH_RENAME_TARGET, 17) X(PATH_FILESTAT_GET, 18)                             \
                        X(PATH_FILESTAT_SET_SIZE, 19) X(PATH_FILESTAT_SET_TIMES, 20)               \
                            X(FD_FILESTAT_GET, 21) X(FD_FILESTAT_SET_SIZE, 22)                     \
                                X(FD_FILESTAT_SET_TIMES, 23) X(PATH_SYMLINK, 24)                   \
                                    X(PATH_REMOVE_DIRECTORY, 25) X(PATH_UNLINK_FILE, 26)           \
                                        X(POLL_FD_READWRITE, 27) X(SOCK_SHUTDOWN, 28)              \
                                            X(SOCK_ACCEPT, 29)
enum wasi_right {
#define X(name, bit) RIGHT_##name = 1 << bit,
    WASI_RIGHTS(X)
#undef X
    RIGHT_ALL = 0x3fffffff,
};

/* Structs as they lie in guest memory; padding is named, so that an initializer zeroes it. */
struct wasi_iovec { uint32_t buf, len; };
struct wasi_dirent { uint64_t next, ino; uint32_t namlen; uint8_t type, pad[3]; };
struct wasi_fdstat {
    uint8_t filetype, pad0;
    uint16_t flags;
    uint32_t pad1;
    uint64_t rights, inheriting;
};
struct wasi_filestat {
    uint64_t dev, ino;
    uint8_t filetype, pad[7];
    uint64_t nlink, size;
    int64_t atim, mtim, ctim;
};
/* _v0: as wasi_unstable has it. */
struct wasi_filestat_v0 {
    uint64_t dev, ino;
    uint8_t filetype, pad[3];
    uint32_t nlink;
    uint64_t size;
    int64_t atim, mtim, ctim;
};
struct wasi_prestat { uint8_t tag, pad[3]; uint32_t name_len; };
struct wasi_subscription {
    uint64_t userdata;
    uint8_t tag, pad0[7];
    uint32_t id; /* the clock's id, or the descriptor */
    uint32_t pad1;
    uint64_t timeout, precision;
    uint16_t flags, pad2[3];
};
struct wasi_subscription_v0 {
    uint64_t userdata;
    uint8_t tag, pad0[7];
    uint32_t fd, pad1; /* of a clock: an identifier that nothing uses */
    uint32_t clock, pad2;
    uint64_t timeout, precision;
    uint16_t flags, pad3[3];
};
struct wasi_event {
    uint64_t userdata;
    uint16_t error;
    uint8_t type, pad0[5];
    uint64_t nbytes;
    uint16_t flags, pad1[3];
};
_Static_assert(sizeof(struct wasi_iovec) == 8 && sizeof(struct wasi_dirent) == 24, "layout");
_Static_assert(sizeof(struct wasi_fdstat) == sizeof(struct fdstat) &&
                   sizeof(struct wasi_filestat) == 64,
               "layout");
_Static_assert(sizeof(struct wasi_prestat) == 8 && sizeof(struct wasi_subscription) == 48,
               "layout");
_Static_assert(sizeof(struct wasi_event) == 32, "layout");
_Static_assert(sizeof(struct wasi_filestat_v0) == 56 && sizeof(struct wasi_subscription_v0) == 56,
               "layout");

/* ---- one descriptor of the guest ---- */
struct desc {
    const struct desc_ops *ops; /* its kind */
    int host; /* polled, stat'ed; -1 = this number is free */
    int io;   /* read and written; host, or a non-blocking twin of it */
    uint8_t filetype;
    bool read_only; /* :ro, inherited by all that is opened through it */
    bool native;    /* a preopen: on the host, too, its name leads to it */
    uint8_t tree;   /* enum tree, inherited as well */
    bool mounts;    /* of a directory: what is mounted below it may be reached; inherited, too */
    bool inherited; /* our own 0, 1 or 2: flags of its description belong to others too */
    bool shared;    /* so do those of a duplicate, and of what it was made from */
    /* what it writes is seen as the program's words: a standard stream, or a terminal */
    bool output;
    /* could not be had non-blocking: each transfer follows a poll, and is too small to block then
     */
    bool paced;
    uint16_t fdflags; /* as the guest sees them; NONBLOCK is virtual */
    uint32_t rights, inheriting;
    uint32_t poll_slot;     /* used inside one poll_oneoff; else 0 */
    uint32_t place;         /* its number at the start, plus one; 0: it was opened since */
    const char *preopen;    /* guest name of a --dir; else NULL */
    void *own;              /* its kind's; NULL = nothing */
};

/* Whether it lies in the grant that the guest knows as `/`, and whether that is the host's. */
enum tree { TREE_NONE, TREE_OWN, TREE_HOST };

/* ---- what a kind of descriptor does ----
 * The calls check what is the same for all kinds (numbers, rights, pointers) and ask the kind for
 * the rest.  What a kind has no say in (fstat, fsync, size, times) is the kernel's answer for
 * `host`. */
#define AT_POSITION (-1) /* an offset: where the descriptor stands */
enum { POLL_READY = -1, POLL_REFUSED = -2 };
struct dirents;
struct opening;

/* Of a directory; each gets a descriptor whose kind has them. */
struct dir_ops {
    /* Writes entries from a cookie on, until the buffer is full. */
    uint32_t (*readdir)(struct wasi *, struct desc *, uint64_t cookie, struct dirents *);
    uint32_t (*stat)(struct wasi *, const struct desc *, const char *path, bool follow,
                     struct stat *);
    /* path_open, once it is decoded and there is room for one more. */
    uint32_t (*open)(struct wasi *, struct opening *, uint32_t *fd);
};

struct desc_ops {
    const char *name;
    /* Bytes, by one call of the kernel: how many, or -1 and errno.  With an offset only where there
     * are positions. NULL: a directory, which answers ISDIR. */
    ssize_t (*read)(const struct desc *, const struct iovec *, int n, int64_t offset);
    ssize_t (*write)(const struct desc *, const struct iovec *, int n, int64_t offset);
    /* After EAGAIN: SUCCESS = try again.  NULL: the kernel answers at once, and a transfer goes on
     * in large pieces. */
    uint32_t (*wait)(struct wasi *, const struct desc *, short events);
    bool positions; /* for seek, pread and the like; else they answer SPIPE */
    /* The host descriptor that poll_oneoff waits for, the same for both ways; or POLL_READY,
     * POLL_REFUSED (BADF). NULL: refused. */
    int (*poll)(const struct desc *, bool write);
    /* a poll found it so; NULL: all the same */
    void (*readable)(struct wasi *, uint32_t fd, const struct desc *);
    void (*moves)(struct desc *);  /* before its number or its flags change; NULL: all the same */
    /* before host is closed: frees `own`; NULL: there is none */
    void (*close)(struct wasi *, struct desc *);
    const struct dir_ops *dir; /* NULL: no directory; paths beneath it answer NOTDIR */
};
extern const struct desc_ops file_ops, stream_ops, directory_ops;

typedef uint32_t wasi_handler(struct wasi *, const uint64_t *words);

/* What the folders behind do in here.  wasi/ knows them by this alone. */
struct wasi_parts {
    wasi_handler *const *handlers; /* of each WASI call, by number */
    const struct desc_ops *socket; /* the kind of a socket that was open before the run */
    /* After the preopened directories: sockets come behind them. */
    bool (*open)(struct wasi *, const struct config *, struct failure *);
    void (*end)(struct wasi *); /* after all descriptors are closed */
};

/* A directory that is granted and none of the host's. */
struct grant_kind {
    const struct desc_ops *ops;
    bool (*open)(struct wasi *, const struct config *, int *host, struct failure *);
};

#define IOVECS_MAX 1024
/* The copied and checked iovecs of one call, consumed from the front; cut: the guest named more of
 * them. */
struct iovs { struct iovec v[IOVECS_MAX]; uint32_t at, n; uint64_t left; bool cut; };

struct quota {
    uint64_t written, max_written; /* bytes; no limit: 0, as below */
    uint64_t created, max_created; /* directory entries that it made */
    /* bytes of output in a second; those that may go out at once; as of when */
    uint64_t rate, rate_left, rate_ns;
};

struct wasi {
    struct guestmem *mem;
    uint32_t first; /* how many descriptors were open at the start */
    struct kick *kick; /* what ends its waits */
    struct end *end; /* of the call in service */
    char *args, *env; /* NUL-terminated strings, one after the other */
    uint32_t argc, envc, args_len, env_len;

    struct desc *descs;
    uint32_t ndescs;      /* size of descs */
    uint32_t lowest_free; /* no free number >= 3 lies below this */
    uint32_t open_count, open_max;
    uint32_t host_most;   /* the host's, with what the monitor has for its own use */
    uint32_t dir_streams; /* how many directories are read ahead */
    uint32_t dir_places;  /* what all of them have room for (places.c) */
    /* /dev/null: takes the place of a stdio descriptor that the guest closed; -1: not open (yet) */
    int null;
    bool stdio_owned;     /* the standard streams are descriptors of our own */
    /* no grant's name means another directory than it does in the grant `/` */
    bool one_tree;
    uint32_t names_end;   /* behind the last preopen that stands behind sockets; 0 = none does */
    int *opening;         /* preopen_all's, while it opens: -1 = not yet */
    uint32_t nopening;
    struct stat dev;      /* the host's /dev, where dev_known: it is the guest's as well */
    bool dev_known;
    struct stat top;      /* the host's /, where top_known: it is a container's */
    bool top_known;
    struct stat terminal; /* of stdin, where terminal_known */
    int terminal_host;    /* its descriptor */
    bool terminal_known;

    uint64_t missing_count; /* calls with descriptor -1 */
    char missing_path[PATH_MAX];
    /* of what was granted; the first */
    struct { uint64_t count; char path[PATH_MAX], why[160]; } refused;

    struct quota quota;
    struct iovs iovs;
    struct poll_set *polls; /* scratch of poll_oneoff */
    struct sink trace;       /* --trace's; fd -1 = none */
    bool raw_tty;            /* terminals get all that is written */
    uint64_t escapes_lost;   /* sequences that they did not get */
    uint64_t records_lost;   /* of --net-log, which has it from here */
    uint64_t trace_began_ns; /* what its times count from */
    const struct wasi_parts *parts;
    void (*before_call)(struct wasi *); /* NULL = nothing */
    struct signals *signals; /* the instance's */
    struct net *net;        /* what the guest may do with sockets */
    struct etc *etc;        /* net/etc.c's */
};

/* Handlers: uint32_t wasi_fd_read(struct wasi *, const struct fd_read_args *), and so on for each
 * WASI function. */
#define WASI_CALL(name, args, result)                                                              \
    uint32_t wasi_##name(struct wasi *, const struct name##_args *);
#include "wasi-shim/calls.def"

/* ---- wasi.c ---- */
/* True if n bytes at the pointer can be written.  Asked before a call acts. */
bool out_ok(struct wasi *, uint64_t at, uint64_t n);
/* Writes a result; the pointer was checked by out_ok. */
uint32_t out_put(struct wasi *, uint64_t at, const void *from, size_t n);
/* Waits until host has one of the events, or a kick: SUCCESS or INTR. */
uint32_t wait_host(struct wasi *, int host, short events);
/* Whether host has one of the events (or is broken) now. */
bool host_ready(int host, short events);

/* ---- fdtable.c ---- */
/* most: 0 = the system's limit alone; *known: what was counted for the machine before, plus one */
bool fdtable_open(struct wasi *, uint64_t most, uint32_t *known, struct failure *);
int fdtable_null(struct wasi *); /* -1: it cannot be opened */
void fdtable_first(struct wasi *); /* what is open now is what the program finds */
void fdtable_close(struct wasi *);
struct desc *desc_get(struct wasi *, uint64_t fd); /* NULL = not open */
/* Whether the guest may have one more; asked before a call acts, so that desc_place does not fail
 * after it. */
uint32_t desc_room(const struct wasi *);
/* Puts d at the lowest free number >= 3.  On failure d's host is closed.  Pointers from desc_get
 * end here. */
uint32_t desc_place(struct wasi *, const struct desc *d, uint32_t *fd);
/* Puts d at a number that is free, making the table larger if it must; false = no memory. */
bool desc_put(struct wasi *, uint32_t fd, const struct desc *d);
/* Kind and filetype for what fstat said; rights by access (O_ACCMODE) and kind. */
void desc_describe(const struct wasi *, struct desc *, const struct stat *, int access);
static inline bool desc_is_dir(const struct desc *d)
{
    return d->ops->dir != NULL;
}
/* One of the devices that are plain memory: null, zero, full, random, urandom. */
bool device_is_plain(const struct stat *);

/* ---- dir.c ---- */
/* a buffer in the guest, and how much of it is filled */
struct dirents { struct wasi *w; uint64_t at, size, used; };
enum { COOKIE_START, COOKIE_AFTER_DOT, COOKIE_AFTER_DOTDOT, COOKIE_KERNEL };
/* Writes one entry, cut where the buffer ends; true if it was whole. */
bool dirent_put(struct dirents *, uint64_t next, uint64_t ino, uint8_t type, const char *name);

/* ---- fd_io.c ---- */
/* The pieces of a transfer: the first ones that one call of the kernel takes, so that the count may
 * be short.  A datagram is never cut: MSGSIZE. */
uint32_t iovs_read(struct wasi *, const struct desc *, uint64_t at, uint64_t n, bool into_guest);

/* ---- quota.c ---- */
/* Before an entry is made in a directory of the host's; false: it would be one too many, and the
 * run ends. */
bool quota_may_create(struct wasi *, int parent, const char *name);
void quota_created(struct wasi *); /* one more */

/* ---- fd_stat.c ---- */
/* Tells the boot record what the first descriptors are; before the guest runs. */
void fdstat_publish(struct wasi *);
/* Tells it what an open descriptor is, where its number is one that the guest keeps in mind. */
void fdstat_tell(struct wasi *, uint32_t fd);
enum filestat_layout { FILESTAT, FILESTAT_V0 };
uint32_t filestat_put(struct wasi *, uint64_t at, enum filestat_layout, const struct stat *,
                      uint8_t filetype);
uint8_t filetype_of(mode_t);
/* utimensat's argument from WASI's; INVAL for a contradiction. */
uint32_t times_decode(uint64_t atim, uint64_t mtim, uint64_t flags, struct timespec out[2]);

/* ---- open.c ---- */
/* One path_open, decoded. */
struct opening {
    struct desc *dir;
    char path[PATH_MAX];
    uint64_t lookup, oflags, rights, fdflags;
    bool read, write;  /* what the guest may do afterwards */
    bool changes;      /* what may not be where it is :ro */
    uint64_t how_flags; /* for openat2 */
};

/* ---- route.c ---- */
/* Where a path leads, from a descriptor on, as far as the last call for it had to look.  An
 * absolute link may lead to another grant, whose rights count then. */
struct route {
    /* the path is resolved beneath dir; held: it is ours, to be closed; else -1 */
    int dir, held;
    const char *path;
    uint64_t how;     /* openat2's */
    bool read_only, mounts;
    uint8_t tree;
    bool whole;       /* dir is the grant named `/` itself */
    /* it begins at a directory that is none of the host's: nothing leads on from there */
    bool none;
    bool walked;
    /* it leads to this descriptor of the program's own, and nowhere else (devfd.c); -1 */
    int own;
    char name[NAME_MAX + 2]; /* after a walk: the path */
};
void route_begin(const struct wasi *, struct route *, const struct desc *, const char *path);
void route_end(struct route *);
/* Opens what is there.  changes: ROFS where nothing may be changed.  Failing, -1 and *err; errno
 * stays EAGAIN where that was all there was, to the last. */
int route_open(struct wasi *, struct route *, uint64_t flags, uint64_t mode, bool changes,
               uint32_t *err);
/* O_PATH descriptor of what is there; -1 and *err. */
int route_find(struct wasi *, struct route *, bool follow, bool changes, uint32_t *err);
/* The preopen with the longest name that covers the path, and what is left of it; NULL = none does.
 */
struct desc *preopen_find(struct wasi *, const char *path, const char **rest);

#endif
