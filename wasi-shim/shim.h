/* The shim: WASI as the module sees it, inside the guest.
 *
 * The face is for guest/; the inside is what the shim's files share, by subject.  The shim answers
 * itself what it can know (arguments, clocks, preopens, boot entropy) and forwards the rest as
 * hypercalls, raw wasm values as they are: the monitor checks them.  What the shim answers it
 * checks against linear memory's bounds, and says FAULT outside. */
#ifndef WASI_SHIM_SHIM_H
#define WASI_SHIM_SHIM_H

#include "engine/engine.h"
#include "wasi-shim/calls.h"

struct shim;

/* What compiled code is bound to: one for each WASI function, as host_func.data. */
struct binding {
    struct shim *shim;
    enum call number;
    /* from calls.def's letters, which may not be the import's type: the engine compares */
    struct functype type;
    uint8_t types[SLOT_ARGS + 1];
};

enum {
    FDSTAT_KNOWN = 1,  /* the boot record's fdstat of the descriptor holds                */
    FDSTAT_OPENED = 2, /* known, and made by path_open                                    */
    FDSTAT_OWED = 4,   /* known; its flags were set here and the monitor has not heard    */
};

struct shim {
    struct control *control;
    bool answers;           /* answer here what can be answered here (not BOOT_CALL_ALL)         */
    bool preopens_changed;  /* the module closed or renumbered something: only the monitor knows */
    uint32_t entropy_used;  /* bytes of boot entropy handed out                                  */
    uint32_t random_left;   /* bytes of the pool not yet handed out: its last ones               */
    bool dir_ended;         /* fd_readdir of dir_fd from dir_cookie has nothing more             */
    uint32_t dir_fd;
    uint64_t dir_cookie;
    uint8_t fdstat_state[BOOT_FDSTATS]; /* FDSTAT_*; 0 = the monitor knows                     */
    uint32_t exit_code;     /* proc_exit's, where the monitor let it come back                   */
    uint64_t monotonic_ns;  /* the last monotonic time given out                                 */
    struct binding bindings[WASI_CALLS];
};

/* ---- face ---- */
void shim_init(struct shim *, struct control *);
/* A resolve_fn; self is the shim, which stays where it is for the run. */
bool shim_resolve(void *self, struct name module, struct name field, enum extern_kind kind,
                  const struct functype *type, struct extern_ref *out);
/* Publishes the engine's counters in the control area. */
void shim_publish(struct shim *, struct engine *);
/* Monotonic time from the clock page without any hypercall; 0 where the page cannot be used. */
uint64_t shim_clock_ns(const struct control *);

/* ---- inside ---- */
/* WASI's error numbers, those that the shim itself returns. */
enum {
    WASI_SUCCESS = 0,
    WASI_AGAIN = 6,
    WASI_BADF = 8,
    WASI_FAULT = 21,
    WASI_INVAL = 28,
    WASI_ISDIR = 31,
    WASI_NAMETOOLONG = 37
};

/* Linear memory as it is during one call.  base may be 0: it is the address of byte 0, no pointer
 * to test. */
struct linear { uint8_t *base; uint64_t bytes; };

/* One call of the module's: its arguments as they came, and its errno. */
struct shim_call { struct shim *shim; struct linear memory; const uint64_t *args; uint32_t error; };

/* Answers a call here: fills `error` and returns true, or returns false: it must be forwarded. */
typedef bool (*answer_fn)(struct shim_call *);

/* ---- linear.c ---- */
bool linear_holds(const struct linear *, uint64_t at, uint64_t bytes);
/* Copies out; false and nothing copied where the range does not lie in memory. */
bool linear_put(const struct linear *, uint64_t at, const void *src, uint64_t bytes);
bool linear_put_u32(const struct linear *, uint64_t at, uint32_t value);
bool linear_put_u64(const struct linear *, uint64_t at, uint64_t value);
/* Copies in; false where the range does not lie in memory. */
bool linear_get(const struct linear *, uint64_t at, void *dst, uint64_t bytes);

/* ---- args.c ---- */
bool answer_args_get(struct shim_call *);
bool answer_args_sizes_get(struct shim_call *);
bool answer_environ_get(struct shim_call *);
bool answer_environ_sizes_get(struct shim_call *);

/* ---- clock.c ---- */
bool answer_clock_res_get(struct shim_call *);
bool answer_clock_time_get(struct shim_call *);
/* clock_time_get by a fresh page; false: nothing is done, and the call goes its ordinary way. */
bool clock_at_once(struct shim *, const struct linear *, uint32_t id, uint32_t at);
/* After a forwarded clock_time_get: keeps monotonic time from going backwards where the page ceases
 * to be usable. */
void clock_forwarded(struct shim_call *);

/* ---- preopen.c ---- */
bool answer_fd_prestat_get(struct shim_call *);
bool answer_fd_prestat_dir_name(struct shim_call *);
/* Before a forwarded fd_close or fd_renumber. */
void preopen_watch(struct shim *, enum call, const uint64_t *args);

/* ---- fdstat.c ---- */
void fdstat_init(struct shim *);
bool answer_fd_fdstat_get(struct shim_call *);
bool answer_fd_fdstat_set_flags(struct shim_call *);
/* Before a forwarded call: tells the monitor what it must know for it, forgets what the call may
 * change. */
void fdstat_settle(struct shim *, enum call, const uint64_t *args, unsigned nargs);
/* After a forwarded path_open. */
void fdstat_opened(struct shim_call *);
/* The fdstat of a descriptor that path_open made and nothing changed; else NULL. */
const struct fdstat *fdstat_of_opened(const struct shim *, uint32_t fd);
/* The descriptor is no more. */
void fdstat_forget(struct shim *, uint32_t fd);

/* ---- dirs.c ---- */
bool answer_fd_close(struct shim_call *);
bool answer_fd_readdir(struct shim_call *);
/* Before a forwarded call: what it may change in a directory makes its end uncertain. */
void readdir_watch(struct shim *, enum call);
/* After a forwarded fd_readdir. */
void readdir_forwarded(struct shim_call *);

/* ---- batch.c ---- */
bool batch_read(struct shim_call *);  /* fd_read */
bool batch_write(struct shim_call *); /* fd_write */

/* ---- random.c ---- */
bool answer_random_get(struct shim_call *);

#endif
