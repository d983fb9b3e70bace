/* `wasmvm go`: the go command for GOOS=wasip1, with a standard library whose sockets are the
 * host's.
 *
 *   words.c      the command line: which subcommand, and the flags that concern us
 *   toolchain.c  which Go it will be, asked of the go command itself
 *   overlay.c    the files that take the place of Go's own (overlay.def), and the -overlay file
 *                that says so
 *   cache.c      the directory where they lie, which is believed only after each of its files was
 *                compared
 *   main.c       all of that in order, then exec
 *
 * This is a program of its own, not a part of the monitor: it runs before any guest and reads
 * nothing of one.  It ends by die() with one line and status 125, or by becoming the go command.
 * Memory is never freed. */
#ifndef GO_GO_H
#define GO_GO_H

#include <stdbool.h>
#include <stddef.h>

enum { EXIT_GO = 125 }; /* what `wasmvm` says of what it could not do */

/* ---- text.c ---- */
/* `wasmvm: go: WORDS`, and the end. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* a new text; never NULL */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- words.c ---- */
enum subcommand_kind {
    GO_HOST,    /* as it is: its programs run on this host */
    GO_PLAIN,   /* for wasip1, but builds nothing */
    GO_BUILD,   /* builds: gets the overlay */
    GO_RUN,     /* ... and runs: gets -exec too */
    GO_TEST,    /* the same, with flags behind the packages */
    GO_OVERLAY, /* ours: prints the name of the overlay's file */
};
struct words {
    const char *subcommand;
    enum subcommand_kind kind;
    const char *dir;      /* of -C; NULL = here */
    /* what stands behind the subcommand, without -C and -overlay; ends by NULL */
    const char **flags;
    const char *overlay;  /* the user's own -overlay; NULL = none */
    bool exec;            /* the user has a -exec */
    /* with Go's own standard library; what the user's own -overlay says stays in `flags` */
    bool portable;
    const char *versioned; /* a package with @VERSION, which selects its own Go; NULL = none */
};
void words_parse(struct words *, int argc, char **argv);
/* The last value of -NAME in a GOFLAGS text; NULL = it is not there. */
char *goflags_value(const char *goflags, const char *name);

/* ---- toolchain.c ---- */
struct toolchain {
    char *root;      /* GOROOT, as the go command says it */
    char *version;   /* GOVERSION */
    char *mod_cache; /* GOMODCACHE */
    char *goflags;   /* GOFLAGS, from wherever it comes */
    char *choice;    /* GOTOOLCHAIN, the same */
    int minor;       /* 1.minor */
};
/* Asks the go command that is on PATH, in words->dir. */
void toolchain_ask(struct toolchain *, const struct words *);
/* Makes it the one that words->versioned wants, by GOTOOLCHAIN in the environment.  Ends where it
 * is not known. */
void toolchain_select(struct toolchain *, const struct words *);

/* ---- overlay.c ---- */
struct file {
    const char *name; /* relative to GOROOT/src; unique */
    char *bytes;      /* NULL: the file is not there for the go command */
    size_t n;
};
struct files {
    struct file *at;
    size_t n;
};
/* All files of overlay.def for this Go, read from its GOROOT and from `ours`, the directory of
 * shipped files. */
void overlay_make(struct files *, const struct toolchain *, const char *ours);
/* The rows "from": "to" of the user's own -overlay, with names as the go command will see them; ""
 * where there is none. Ends where it replaces a file that we replace. */
char *overlay_user(const struct files *, const struct toolchain *, const struct words *,
                   const char *name);
/* The text of the -overlay file, for files that lie in `dir`; root: the GOROOT that its keys name.
 */
char *overlay_text(const struct files *, const char *root, const char *dir, const char *user);
/* A regular file of at most 16 MiB; flags: more for open; NULL: errno. */
char *file_read(int dir, const char *name, int flags, size_t *n);

/* ---- cache.c ---- */
/* A directory of ours alone; made where it is missing. */
struct cache {
    int fd;
    char *path;
};
void cache_open(struct cache *);
/* A name for GOROOT outside GOMODCACHE, whose files the go command never replaces. */
char *cache_root(struct cache *, const struct toolchain *);
/* Puts the files there, under a name made of all they hold; returns the -overlay file's path. */
char *cache_put(struct cache *, const struct files *, const char *root, const char *user);

#endif
