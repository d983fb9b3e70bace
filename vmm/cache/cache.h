/* The face of cache/: images of starts, and the directory that keeps them.
 *
 * An image is the guest's memory just before the module's first instruction: a later start of the
 * same module goes on from there.  It is never made of a run.  What a file says is checked here
 * before anybody believes it; whose memory it becomes is the machine's matter (machine/resume.c).
 */
#ifndef VMM_CACHE_CACHE_H
#define VMM_CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "vmm/base/base.h"
#include "vmm/base/message.h"
#include "wasi-shim/abi.h"

/* ---- hash.c ---- */
struct hash { uint8_t bytes[32]; };
void hash_of(const void *, size_t n, struct hash *); /* SHA-256 */
bool hash_equal(const struct hash *, const struct hash *);
/* Against accidents, not against people: CRC-32C of four interleaved streams of words.  n is a
 * multiple of 32. */
uint32_t sum_of(const void *, size_t n);

/* ---- saved.c: what an image's file holds ---- */
/*
 *   head | extents     up to SAVED_HEAD_MOST, in whole pages
 *   pages              of the extents, one behind the other
 *   hashes of pieces   of the module, one each, to a whole page
 *   the module         where the image carries it
 *
 * Pages that no extent names are zero.  No page table, register, address or name of a file is in
 * it. */
#define SAVED_PAGE      0x1000u
#define SAVED_FRAME     0x200u /* pages; no extent is of two frames */
#define SAVED_HEAD_MOST 0x10000u
#define SAVED_VERSION   1u
enum saved_part { SAVED_DATA, SAVED_HEAP, SAVED_CODE, SAVED_LINEAR, SAVED_PARTS };
struct saved_extent { uint32_t part, page, pages, sum; };
#define SAVED_EXTENTS 4080u
struct saved_head {
    uint8_t magic[8];
    uint32_t version;
    uint32_t sum;                     /* of head and extents, with 0 here */
    struct hash key;                  /* of all that must be as it was */
    struct hash module;               /* of the hashes of its pieces */
    uint64_t module_bytes, file_bytes;
    uint64_t bytes[SAVED_PARTS];      /* in use of each part: whole pages */
    /* carries: the module, 1 or 0.  It is the file's end: with module_bytes, file_bytes and these
     * two words in their places, every later version finds it. */
    uint32_t extents, cpu, pieces_sum, carries;
    char name[64];                    /* the module's, for people */
    uint64_t rest[6];                 /* 0 */
};
_Static_assert(sizeof(struct saved_head) == 256 && 256 + SAVED_EXTENTS * 16 == SAVED_HEAD_MOST,
               "layout");

/* A file's head and extents as they were read, and where the rest lies. */
struct saved {
    struct saved_head head;
    struct saved_extent *extents;
    uint64_t pages_at, pieces_at, module_at;
};
extern const uint8_t saved_magic[8];
bool saved_begins(int fd); /* the file, as an image does */
uint32_t saved_pieces(uint64_t module_bytes); /* how many pieces a module has */
/* Of bytes that begin as such a file does, of which `file_bytes` are said to exist.  NULL: good,
 * and *out holds a copy that saved_free gives back; else what is wrong. */
const char *saved_parse(const uint8_t *, size_t n, uint64_t file_bytes, struct saved *out);
/* The same of a file. */
const char *saved_read(int fd, uint64_t file_bytes, struct saved *out);
void saved_free(struct saved *);
/* Fills in the sums and writes head and extents; the last thing that is written.  false: errno. */
bool saved_write(int fd, struct saved *);
/* The hash of a module whose pieces have these; and those that the file has, to be freed.  NULL:
 * they are not as its sums say, or there is no memory. */
struct hash saved_module(const struct hash *pieces, uint64_t module_bytes);
struct hash *saved_hashes(int fd, const struct saved *);
/* Where things lie in a file of so many extents, pages and bytes of module. */
void saved_place(struct saved *);
/* Whether all that the file holds is as its sums say; reads it all. */
bool saved_whole(int fd, const struct saved *);
/* all of it; false: errno, or 0 where the file ends */
bool read_at(int fd, void *to, uint64_t n, uint64_t at);
bool write_at(int fd, const void *from, uint64_t n, uint64_t at);

/* ---- list.c: which functions a run has compiled, for the next one ---- */
#define LIST_BYTES (FUNC_BITS / 8)
struct list { uint64_t body_bytes; uint8_t bits[LIST_BYTES]; };
bool list_read(int fd, struct list *); /* false: there is none */
bool list_write(int fd, const struct list *);

/* ---- store.c: the directory ---- */
#define STORE_BYTES   (1ull << 30) /* what it holds at most, */
#define STORE_ENTRIES 1000u        /* and how many images */
/* A directory of our own, which nobody else may write; made where it is not there.  -1: the reason.
 */
int store_open(const char *path, struct failure *why);
/* A file of the store: KEY.SUFFIX.  -1: it is not there, or it is not to be trusted and was
 * removed. */
int store_file(int dir, const struct hash *key, const char *suffix, int flags);
void store_remove(int dir, const struct hash *key, const char *suffix);
/* What a maker has finished becomes the image; what one has left unfinished goes. */
void store_publish(int dir, const struct hash *key);
/* A file to make the image in, which nobody else makes meanwhile; -1: somebody does, or it cannot
 * be had (errno). */
int store_begin(int dir, const struct hash *key);
/* Removes the oldest files until the rest is within the bounds. */
void store_bound(int dir, uint64_t bytes, unsigned entries);
/* Calls `see` with each file, the oldest first; returns how many there were, -1: errno. */
struct store_file { char name[80]; uint64_t bytes; int64_t changed_ns; };
int store_each(int dir, void (*see)(void *context, int dir, const struct store_file *),
               void *context);

/* ---- entry.c: what the store has for one start ---- */
enum entry_state { ENTRY_OFF, ENTRY_COLD, ENTRY_LISTED, ENTRY_MADE, ENTRY_WARM };
struct entry_want {
    const char *path;         /* the store's */
    bool now;                 /* a first run makes the image, and by content alone it is found */
    int module_fd;
    struct hash engine;       /* of all that an image depends on, but for the module */
    const char *name;         /* the module's */
    uint32_t cpu;
    /* shipped_open: descriptors, 0 = none; and why no image is gone on from, NULL = it may be */
    int build_fd, list_fd;
    const char *unused;
    struct kick *kick;        /* what is long stops with it; NULL = with nothing */
};
struct entry {
    enum entry_state state;
    const char *why;          /* it is no better; NULL */
    int dir, image_fd, new_fd, list_fd, module_fd; /* -1 = none */
    struct hash engine, key;
    struct stat module;
    bool make, resume, now;
    bool image_refused;       /* by entry_refuse, after the machine was made for it */
    bool ships;               /* the module's file is an image, which has it from module_at on */
    bool stale;               /* ... that does not fit here: the store may have one of its module */
    bool damaged;             /* it is the image itself that entry_refuse was told is bad */
    bool build;               /* an image that carries its module is all that is wanted */
    struct saved saved;       /* resume: the image's */
    struct hash *pieces;      /* resume, or make after entry_make: of the module */
    struct hash *inside;      /* stale: of the module, as the image has them; NULL = not known */
    uint64_t module_bytes, module_at;
    struct list *list;        /* make: what to compile; later what was compiled */
    uint64_t body_bytes;      /* compiled before the module's first instruction */
    uint32_t cpu;
    const char *name;
    struct kick *kick;
};
void entry_none(struct entry *);
void entry_open(struct entry *, const struct entry_want *);
/* The same of the module inside an image that is stale; `why` stays what shipped_open said. */
void entry_inside(struct entry *, const struct entry_want *);
/* The store is not used after all. */
void entry_leave(struct entry *, const char *why);
/* The module's bytes are in memory: is an image to be made of them?  Opens the file for it. */
void entry_make(struct entry *, const uint8_t *module, uint64_t n);
/* Whether the module in memory is the one that the image carries; true of all other modules, and
 * where a stop came first: nothing runs then. */
bool entry_module_good(const struct entry *, const uint8_t *, uint64_t n);
/* The image is not used after all: it is bad, or does not fit here. */
void entry_refuse(struct entry *, const char *why, bool bad);
/* From here on nothing in the store is reachable but what is open. */
void entry_opened(struct entry *);
/* The head of the image that is made; and its end, good or not. */
struct saved entry_head(const struct entry *);
void entry_made(struct entry *, bool good, const char *why);
/* Of the module's bytes at that piece: are they what they were? */
bool entry_piece_good(const struct entry *, uint32_t piece, const uint8_t *, uint64_t n);
/* At the end: what the run compiled. */
void entry_listed(struct entry *, const uint8_t bits[LIST_BYTES], uint64_t body_bytes);
void entry_close(struct entry *);
const char *entry_state_name(enum entry_state);
struct hash entry_key(const struct hash *engine, const struct hash *module); /* of an image */

/* ---- shipped.c: an image that somebody names, or wants made; nothing of a store is in it ---- */
/* In place of entry_open.  false: the image is damaged, or others could have written it. */
bool shipped_open(struct entry *, const struct entry_want *, struct failure *why);

#endif
