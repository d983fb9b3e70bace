/* `wasmvm-oci`: an OCI runtime that edits and hands over.
 *
 * Engines (podman, containerd) call it as they call runc.  Where a container's program is a
 * WebAssembly module, it edits the bundle's config.json, so that the container's process is wasmvm
 * with that module, and then becomes runc or crun, which does all the rest.
 *
 *   words.c     the command line: runc's own, by options.def; what is not known is refused
 *   conf.c      /etc/wasmvm/oci.conf: what the administrator allows
 *   json.c      documents: read within bounds, looked into, written in one step
 *   beneath.c   files of a container's root, which lead nowhere else
 *   module.c    whether a container's program is a module
 *   limits.c    what of the container's memory is the program's
 *   process.c   the words and variables of wasmvm in the container
 *   bundle.c    create and run: config.json
 *   annotations.c  what annotations tell the runtime
 *   placed.c    the hook that looks where wasmvm was mounted
 *   exec.c      exec: process.json
 *   kvm.c       the descriptor of /dev/kvm, which the runtime hands on
 *   say.c       refusals, to stderr and to the runtime's log
 *   main.c      all of that in order, then exec
 *
 * It runs as root, before any guest.  The command line is the engine's and is believed; config.json
 * holds words of images and pods, and the root file system is theirs altogether.  It ends by
 * refuse() with one line, or by becoming the runtime.  Memory is never freed. */
#ifndef OCI_OCI_H
#define OCI_OCI_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MONITOR "/.wasmvm" /* wasmvm's name in a container */

#define PLACED "placed" /* the command that is the hook; runc has no such one */

#define TERMINATION_LOG "/dev/termination-log" /* where Kubernetes reads why it ended */

enum { FIRST_PASSED = 3 }; /* the first descriptor that is neither of the standard streams */

/* ---- say.c ---- */
/* `wasmvm-oci: WORDS`, to the log as well, and the end. */
_Noreturn void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* To the log alone. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say_to(const char *log,
            const char *format); /* the runtime's --log and --log-format; NULL = not given */
char *text(const char *format, ...)
    __attribute__((format(printf, 1, 2))); /* a new text; never NULL */
void *allocated(void *);                   /* refuse() where there is none */

/* ---- words.c ---- */
struct list {
    const char **at;
    size_t n;
}; /* ends by NULL too */
void list_add(struct list *, const char *);

enum command_kind { COMMAND_PASSED, COMMAND_CREATE, COMMAND_EXEC, COMMAND_RESTORE };
struct words {
    const char *command; /* NULL: there is none (--version, --help) */
    enum command_kind kind;
    const char *id;               /* of create, run and exec */
    struct list globals, options; /* as the runtime will get them; without those below */
    struct list rest;             /* of other commands: all words behind the command, as they are */
    /* What is looked at; NULL = not given. */
    const char *conf, *log, *log_format, *root, *bundle, *process, *preserve_fds;
};
void words_parse(struct words *, int argc, char **argv);
/* What the runtime gets, argv[0] included. */
char **words_handed(const struct words *);
/* How many descriptors from 3 on the engine hands to the container: sockets of systemd, and its
 * own. */
unsigned words_sockets(void);
unsigned words_preserved(const struct words *);

/* ---- conf.c ---- */
struct conf {
    bool native;         /* programs that are no modules run, without a virtual machine */
    bool exec;           /* something may be started in a running container */
    bool network;        /* modules get the container's network */
    bool crio;           /* pods come from CRI-O, and no others; else from containerd */
    const char *runtime; /* runc or crun, by its whole name */
    const char *wasmvm;  /* what is mounted at MONITOR */
    struct list options; /* names of options that annotations may give */
    struct list annotations; /* names of those that may tell the runtime what to do */
    struct list add;     /* words that every module's wasmvm gets */
};
/* NULL: the usual name, which need not be there. */
void conf_read(struct conf *, const char *name);
/* This program's whole name. */
const char *own_name(void);
/* An option's word, --NAME or --NAME=VALUE, of those that may ever stand in an annotation; NULL, or
 * what is wrong. */
const char *option_wrong(const char *word);
bool option_named(const struct list *names, const char *word);

/* ---- json.c ---- */
/* `dir` and a name in it; refuse() where it is no document within bounds. */
struct json_object *document_read(int dir, const char *name);
/* In its place, in one step, with its owner and mode. */
void document_write(int dir, const char *name, struct json_object *);
struct json_object *document_parse(const char *text, size_t n, const char *name);
/* A regular file of at most `most` bytes; flags: RESOLVE_*; NULL: errno. */
char *file_read(int dir, const char *name, uint64_t flags, size_t most, size_t *n);
/* A member, or NULL; refuse() where it is of another type, or where a key could be taken for
 * another by who ignores case. */
struct json_object *object_in(struct json_object *, const char *key);
struct json_object *array_in(struct json_object *, const char *key);
const char *text_in(struct json_object *, const char *key);
bool number_in(struct json_object *, const char *key, int64_t *);
/* The words of an array of texts; an absent one has none. */
void texts_in(struct list *, struct json_object *, const char *key);
void text_add(struct json_object *array, const char *);
void text_put(struct json_object *, const char *key, const char *);

/* ---- beneath.c ---- */
/* `path`, absolute or from `cwd` on, as the container will see it: links stay beneath `root`, and
 * only a regular file counts.  A descriptor to read from, or -1 with errno. */
int beneath_open(int root, const char *cwd, const char *path);
/* Whether `path` beneath `root` is the file of `st`, without any link. */
struct stat;
bool beneath_is(int root, const char *path, const struct stat *st);
/* Whether a file could be mounted at `path` itself: no link stands on the way or there, which would
 * lead the mount to where others can take it away. */
bool beneath_is_file_or_none(int root, const char *path);
/* Lexically clean, and absolute. */
char *path_clean(const char *path);

/* ---- module.c ---- */
struct program { /* what a container starts */
    int root;    /* its root directory; -1 = not known */
    const char *cwd;
    struct list args, env;
    struct json_object *annotations; /* or NULL */
};
/* The module's name for wasmvm; NULL: it is none. */
const char *module_find(const struct program *);

/* ---- limits.c ---- */
struct limits {
    int64_t memory; /* the program's, in bytes; 0 = no limit of the container's */
    int64_t total;  /* the machine's */
    int64_t stack;  /* of calls, a part of it */
    int64_t soft;   /* GOMEMLIMIT */
};
/* `resources`: linux.resources, or NULL. */
void limits_find(struct limits *, struct json_object *resources);

/* ---- process.c ---- */
struct machine { /* of a container */
    const struct conf *conf;
    const char *module;
    struct limits limits;
    unsigned kvm_fd;
    bool sockets; /* systemd's are handed on */
    bool termination_log;
    struct json_object *annotations;
};
/* `process` becomes wasmvm's. */
void process_edit(struct json_object *process, const struct machine *);
/* What `process` starts. */
void process_program(struct program *, struct json_object *process);

/* ---- layout.c ---- */
/* The module of an OCI image layout becomes the new file `name`. */
void layout_module(const char *layout, const char *name);

/* ---- annotations.c ---- */
void annotations_check(struct json_object *annotations, const struct conf *);
/* Of a module's container: crun would start an engine of its own. */
void annotations_edit(struct json_object *annotations);

/* ---- placed.c ---- */
/* `config` gets the hook, whose words are placed_check()'s. */
void placed_hook(struct json_object *config, int root, const char *wasmvm);
/* In the container's namespaces: refuse() where MONITOR is not wasmvm, on the root itself. */
void placed_check(const char *root, const char *root_id, const char *own_id);

/* ---- bundle.c, exec.c ---- */
/* Edits what the runtime will read.  true: the container's process gets the descriptor of KVM. */
bool bundle_edit(const struct words *, const struct conf *);
bool exec_edit(struct words *, const struct conf *);

/* ---- kvm.c ---- */
/* The number in the container. */
unsigned kvm_number(const struct words *);
/* Opens it there; nothing of ours is open behind this but by chance. */
void kvm_hand(struct words *);

#endif
