/* The face of wasi/: the WASI host of one run. */
#ifndef VMM_WASI_WASI_H
#define VMM_WASI_WASI_H

#include "vmm/machine/machine.h"

/* ---- tmp.c: an empty directory for /tmp ---- */
struct tmp { int folder, own; bool only; /* the folder is this run's */ char name[32], *path; };
#define TMP_NONE ((struct tmp){ .folder = -1, .own = -1 })
bool tmp_make(struct tmp *, struct failure *); /* path is its name; false: tmp_remove is due too */
/* A stop lets it go on for half a second; what is left the next run removes. */
/* after the guest's descriptors are closed; nothing for TMP_NONE */
void tmp_remove(struct tmp *, struct kick *);

/* ---- signals.c: what the program wants to hear of the embedder's signals ---- */
struct signals {
    /* the ends of a pipe, with a byte in it once one came; bell: atomic, -1 = the program never
     * asked */
    int bell, heard;
    unsigned senders; /* atomic: those who are about to write to it */
    bool open;        /* the program has its descriptor */
    uint64_t wanted, ignored, pending; /* atomic; a bit for each number */
};
#define SIGNALS_NONE ((struct signals){ .bell = -1, .heard = -1 })
/* UNREAD: the program wants it, and the one before is not read yet. */
enum signal_taken { SIGNAL_UNWANTED, SIGNAL_TAKEN, SIGNAL_UNREAD, SIGNAL_IGNORED };
/* Async-signal-safe; from any thread, until signals_end, and after it. */
enum signal_taken signals_raise(struct signals *, unsigned number);
void signals_end(struct signals *);

/* ---- wasi.c and its subjects: WASI calls on the host ---- */
struct wasi; /* descriptor table, preopens, counters */
/* the copy that is validated and used */
struct request { uint32_t number, closes; uint64_t args[SLOT_ARGS]; };
/* Takes what it needs from config (grants, args, env); opens preopens; false, as on a directory
 * that cannot be had: wasi_close is due all the same for what wasi_alloc gave (NULL = no memory).
 */
struct wasi_parts; /* desc.h */
struct wasi *wasi_alloc(struct guestmem *, struct kick *, const struct wasi_parts *);
bool wasi_open(struct wasi *, const struct config *, struct failure *);
/* Does one WASI call (number <= CALL_WASI_LAST) and returns its errno.  May set *end (proc_exit,
 * EPIPE on 1 or 2). */
uint32_t wasi_dispatch(struct wasi *, const struct request *, struct end *end);
/* The same for fd_read_one and fd_write_one; returns what calls.def says of them. */
uint64_t wasi_transfer_one(struct wasi *, const struct request *, struct end *end);
/* First path asked with descriptor -1, and how often; "" = none. */
const char *wasi_missing_path(const struct wasi *, uint64_t *count);
/* The first path below a grant that was refused for where it lies, "" = none; `why` is filled. */
const char *wasi_refused(const struct wasi *, uint64_t *count, char *why, size_t cap);
/* Lines of the trace, and records of the network's log, that nobody read; sequences that no
 * terminal got. */
struct words_lost { uint64_t trace, records, escapes; };
struct words_lost wasi_words_lost(const struct wasi *);
/* The descriptors of the start, as the program has set them since: a program that goes on from such
 * a state finds them so.  false: it has closed one of them, or has others. */
#define STREAMS_KEPT 128
struct stream_kept { uint32_t fd, rights, inheriting; uint16_t flags; };
struct streams_kept { uint32_t n; struct stream_kept at[STREAMS_KEPT]; };
bool wasi_streams_keep(struct wasi *, struct streams_kept *);
bool wasi_streams_back(struct wasi *, const struct streams_kept *); /* after wasi_open */
void wasi_close(struct wasi *);
/* The host's directories that are granted, from the program's descriptor *fd on, which becomes the
 * next one's; -1: no more. */
int wasi_granted(struct wasi *, uint32_t *fd, bool *read_only);
/* Descriptors of the host that a run has at most: the program's and the monitor's. */
uint32_t wasi_files_most(const struct wasi *);
/* The program's 1 or 2 for words of ours that belong to it; -1: it has none (any more). */
int wasi_stream(struct wasi *, int fd);

/* ---- trace.c: --trace ---- */
uint64_t trace_begin(const struct wasi *);
/* Of a host function.  result: NULL = it trapped, with these words, or (NULL) the run ended in it.
 */
void trace_host(struct wasi *, const struct wasmvm_func *, const union wasmvm_val *args,
                const union wasmvm_val *result, const char *trap, uint64_t began_ns);

#endif
