/* The inside of the command line, which stands on the library's face: wasmvm.h, wasmvm_plugin.h,
 * and words of its own (message.h).  Here is what only a process of its own can have. */
#ifndef VMM_CLI_CLI_H
#define VMM_CLI_CLI_H

#include <limits.h>
#include <signal.h>
#include <sys/stat.h>

#include "vmm/base/message.h"
#include "vmm/wasmvm.h"

/* ---- fail.c ---- */
/* message(), then ends with EXIT_MONITOR, or with the status. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fail_as(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What shall be done, once, between the line and the process's end: writes the report. */
void fail_then(void (*)(int status, const char *text));

/* ---- commands.c: the subcommands, rows of commands.def ---- */
struct subcommand;
struct start { /* one start of wasmvm */
    const struct subcommand *which;
    int argc; char **argv;
    int first;         /* of argv: the first word that is the subcommand's own */
    bool plain;        /* no word is an option (wasmvm-binfmt) */
    uint64_t began_ns, cpu_began_ns; /* CLOCK_MONOTONIC, and of CPU time the process's */
};
struct option;
struct subcommand {
    const char *name;
    int (*function)(const struct start *); /* returns the exit status, or does not return */
    const struct option *options; /* ends with one without a name */
    const char *help_head, *help_tail; /* of --help, before and behind the options */
};
/* Which subcommand the words mean: the first word if it is the name of one, else run. */
void command_find(struct start *);

/* ---- program.c ---- */
/* Where wasmvm's own program of that name is, in `room`; fail() where it is not. */
const char *program_find(const char *what, const char *name, char *room, size_t cap);
/* Becomes wasmvm's own program of that name, with these words; `what` of ours needs it, for errors.
 */
_Noreturn void program_become(const char *what, const char *name, char **words);

/* ---- values.c ---- */
struct values { const char **at; uint32_t n; }; /* the values of a repeatable option */
void values_add(struct values *, const char *);

/* ---- given.c: directories and variables, until all words are read ---- */
struct dir { /* one --dir, or --tmp */
    const char *host, *guest;
    bool read_only, mounts, tmp;
    bool host_named; /* no GUEST was given: it goes by its names on the host */
};
struct given {
    struct dir *dirs; uint32_t ndirs;
    struct dir *names; uint32_t nnames; /* further names of those with host_named */
    /* second preopens of relative HOSTs: stand after all absolute ones */
    struct dir *relative; uint32_t nrelative;
    char **env; uint32_t envc, max_env;       /* NAME=VALUE */
    const char *cwd;                          /* --cwd */
    bool tmp;                                 /* --tmp */
    /* the host's working directory once asked for; "" = not yet, or it has no name */
    char host_cwd[PATH_MAX];
};
void given_begin(struct given *, size_t words); /* at most so many settings come */
void given_dir(struct given *, const char *text);
void given_cwd(struct given *, const char *text);
void given_env(struct given *, char *text);
void given_env_all(struct given *);
void given_unset(struct given *, const char *name);
/* Tells the library, and forgets all but the directories that can be written. */
void given_settle(struct given *, wasmvm_config *, struct values *writable);

/* ---- options.c: the options of a subcommand, read from words ---- */
struct bounds { uint64_t least, most; };

/* What a value is: values.c reads it, in the kind's own spelling. */
enum kind {
    FLAG,
    SIZE,
    TIME,
    COUNT,
    CHOICE,
    TEXT,
    EXPORT /* may be empty */,
    MAYBE /* a value only by = */,
    ANY /* =any or nothing */,
    WORDS,
    GRANT,
    TMP,
    CWD,
    ENV,
    ENV_ALL,
    HELP,
    VERSION
};

/* A row of a table.  Where its value goes is said by one or more of the last members. */
struct option {
    const char *name;
    enum kind kind;
    const char *value; /* how --help and errors call the value; NULL = the option takes none */
    const char *help;  /* one line, at most 50 characters; NULL = not in --help */
    const struct bounds *bounds;                  /* of a number */
    int (*number)(wasmvm_config *, uint64_t);     /* a setter of the library */
    int (*text)(wasmvm_config *, const char *);   /* the same; a flag's text is its name */
    unsigned net;                                 /* 1 + enum wasmvm_net; a flag's value is "" */
    size_t own;                                   /* offset in the subcommand's struct; 0 = none */
};

/* What the options of one start fill; NULL where a subcommand has none of it. */
struct target {
    const struct subcommand *which;
    void *own;
    wasmvm_config *config;
    struct given *given;
};
/* Reads the option at argv[*at], if there is one, and steps over it and its value.  --help and
 * --version are none behind the module. */
bool option_read(const struct target *, char **argv, int argc, int *at, bool after_module);
/* Reads all that stand first; returns the index of the word behind them.  *plain: that came behind
 * a `--`. */
int options_read(const struct target *, const struct start *, bool *plain);

/* ---- values.c: how values are spelled; fail() where one is not ---- */
uint64_t value_size(const struct option *, const char *text);
uint64_t value_time(const struct option *, const char *text);
uint64_t value_count(const struct option *, const char *text);
uint64_t value_choice(const struct option *, const char *text); /* which of "a|b|c" */
const char *value_text(const struct option *, const char *text);
const char *value_maybe(const struct option *, const char *text); /* NULL = none is given: "" */
const char *value_any(const struct option *, const char *text);
const char *value_word(const struct option *, const char *text);
void *allocated(void *); /* fail() where there is none */

/* ---- what each subcommand brings, in a file of its own ---- */
#define COMMAND(name)                            \
    int name##_command(const struct start *);    \
    extern const struct option name##_options[]; \
    extern const char name##_help_head[], name##_help_tail[];
#include "vmm/cli/commands.def"
#undef COMMAND

/* ---- helper.c: a machine of libwasmvm's caller, in this process ---- */
int helper_command(const struct start *);

/* ---- run.c and words.c: the subcommand run ---- */
/* Descriptors that close on exec, 0 = none: an image is made and nothing is run; the list of
 * what a run compiles, which it writes, or which the image is made of; and the module's file, of
 * which nothing but the name is in the words then. */
struct into { int image_fd, list_fd, module_fd; };
/* The subcommand run, for who wants that too. */
int run_into(const struct start *, const struct into *);
/* A file, or a pipe as of <(...), opened without waiting for a writer; fail() where it is none. */
int module_open(const char *path, struct stat *);
/* as --jail spells them, and a build with a sanitizer */
enum { JAIL_ON, JAIL_OFF, JAIL_WEAK, JAIL_NEVER };
struct command { /* what is the command line's own; all else is told to the library at once */
    const char *module;          /* path as typed; the first member, as no option sets it */
    int argc; char **argv;       /* the program's own words */
    const char *report;          /* --report FILE */
    const char *cache;           /* --cache: a directory, on or off */
    const char *trace_start;     /* --trace-start FILE */
    const char *last_words;      /* --last-words FILE */
    bool stats;                  /* --stats */
    bool listen_fds;             /* --listen-fds */
    uint64_t grace_ns;           /* --grace */
    uint64_t end_with;           /* --end-with; 0 = no process */
    /* --timeout, --cpu-time, which count before the machine is there; 0 = none */
    uint64_t timeout_ns, cpu_time_ns;
    uint64_t kvm_fd;             /* --kvm-fd; 0 = none */
    int memory_fd;               /* of libraries in processes of their own; 0 = none */
    struct into into;
    uint64_t jail;               /* --jail: JAIL_* */
    struct values plugins, plugin_exec; /* --plugin, --plugin-exec */
    struct values writable;      /* the directories that a --dir grants for writing */
};
/* Reads the words.  Bad usage, and what the library does not take: fail(). */
wasmvm_config *run_parse(struct command *, const struct start *);

/* ---- inherited.c: descriptors that the caller left open ---- */
/* false: _rest is due, once all is open */
bool inherited_close(const struct command *, const struct start *);
void inherited_close_rest(void);

/* ---- cache.c: the subcommand cache, and --cache of run ---- */
/* The usual directory of images; false: there is none for this user. */
bool cache_usual(char out[PATH_MAX]);
/* What --cache means; NULL = it is not given, and WASMVM_CACHE says it, or else it is on. */
void cache_choose(const char *word, wasmvm_config *);

/* ---- signals.c: the process's signals ---- */
/* INT, TERM, HUP, USR1 and USR2 go to the program where it asked for them; else they stop the
 * machine, as QUIT does. Those that the caller ignores stay so; PIPE and XFSZ are ignored.
 * grace_ns: after a TERM that the program got it has so long to end; 0 = TERM is not given to it.
 */
void signals_take(wasmvm_instance *, uint64_t grace_ns);
void signals_give_back(void);
/* As a TERM, by the watchdog's thread; but one that nobody ignores: who would say so a second time
 * is gone. */
void signals_orphaned(void);
/* Adds those signals to the set, or takes them out. */
void signals_ours(sigset_t *, bool add);
/* ---- watchdog.c: the process ends, whatever it waits for ---- */
struct watchdog_what {
    uint64_t deadline_ns;               /* CLOCK_MONOTONIC; 0 = none */
    uint64_t cpu_time_ns, cpu_began_ns; /* of the process; 0 = no limit */
    int (*stop_signal)(void);           /* that stops the run; 0 = another reason does, -1 = none */
    int (*status)(void);                /* the run is over, with that status; -1 = not yet */
    void (*tell)(void);                 /* says why it ends */
    /* ends the process as its run ended; returns where that is not over */
    void (*end)(void);
    int end_with;                       /* a pidfd, whose end is a TERM to us; -1 = none */
};
/* From here on: soon after a stop is wanted the process ends, at the latest; with 124 or by the
 * signal, or with the status where the run is over.  By the thread that will run the machine. */
void watchdog_start(const struct watchdog_what *);

/* With that status; after WASMVM_E_STOPPED and WASMVM_E_PIPE by the signal itself. */
_Noreturn void end_process(int code, int status);

#endif
