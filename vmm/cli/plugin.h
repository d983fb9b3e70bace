/* Plug-ins: host functions that the command line brings, from shared libraries (plugin.c, and
 * plugin_apart.c for those in processes of their own), and from processes of the user's
 * (plugin_exec.c, which speaks the frames of plugin_frame.c).  docs/plugins.md is
 * the page for those who write them.
 *
 * Nothing here prints an error or ends the process: what goes wrong while plug-ins are loaded is a
 * sentence, what goes wrong in a call is a trap. */
#ifndef VMM_CLI_PLUGIN_H
#define VMM_CLI_PLUGIN_H

#include "vmm/base/frame.h"
#include "vmm/cli/cli.h"
#include "vmm/plugin/plugin.h"

/* ---- plugin.c: --plugin, and all of them together ---- */
struct plugins;
/* What the guard (below) asks and does.  over: nothing is awaited any more; NULL = something always
 * is. */
struct guard_hooks { bool (*wanted)(void), (*over)(void); void (*stuck)(void); };
/* Loads what the command names, runs every init and gives the functions to the machine.  Returns 0,
 * or the exit status of a start that is refused, with a sentence in `why`: then those that had
 * begun have ended again, and *out is NULL. start_ns: what --timeout counts from. */
int plugins_load(struct plugins **out, const struct command *, uint64_t start_ns,
                 const struct guard_hooks *, wasmvm_instance *, char why[PLUGIN_WHY]);
/* The run is over: no function is called any more. */
void plugins_called(struct plugins *);
/* Runs the fini of each whose init ran, ends the processes, frees; what the machine was given is
 * gone then. */
void plugins_unload(struct plugins *);

/* Whether libraries are loaded into this process, as its jail is weak or there is none. */
bool plugins_within(const struct command *);
/* What is to be linear memory, for libraries in processes of their own; -1 with a sentence. */
int plugins_memory(char why[PLUGIN_WHY]);

/* ---- plugin_guard.c: a plug-in's code in this process that does not return ---- */
struct guard;
/* Watches from now on.  Where a stop was wanted (`wanted` says so, or the time deadline_ns has
 * passed; 0 = none), and soon after neither the guard is ended nor `over` says so, it calls stuck,
 * which does not return.  NULL: no thread can be had. */
struct guard *guard_start(uint64_t deadline_ns, const struct guard_hooks *);
void guard_end(struct guard *);

/* ---- plugin_start.c: processes of plug-ins ---- */
/* Starts one, with at most three descriptors from 3 on; 0, or an errno. */
int process_start(char *const argv[], const int *given, unsigned n, pid_t *);

/* ---- plugin_apart.c: a library in a process of its own (plugin/host.c) ---- */
struct apart;
/* When a wait before or behind the run is over; stuck() ends this process. */
struct apart_limit {
    uint64_t deadline_ns; /* CLOCK_MONOTONIC; 0 = none */
    uint64_t cpu_time_ns; /* of this process and that; 0 = none */
    bool (*wanted)(void); /* NULL = never */
    void (*stuck)(void);
};
/* words: its file and options, a NULL behind them; `memory` as of plugins_memory.  NULL with a
 * sentence. */
struct apart *apart_start(char *const words[], uint32_t n, int memory,
                          const struct wasmvm_host *services, char why[PLUGIN_WHY]);
pid_t apart_pid(const struct apart *);
/* Waits until its init has run; then there are functions. */
bool apart_hello(struct apart *, const struct apart_limit *, char why[PLUGIN_WHY]);
const wasmvm_func *apart_funcs(const struct apart *, uint32_t *n);
const char *apart_name(const struct apart *);
const char *apart_version(const struct apart *);
uint32_t apart_flags(const struct apart *);
/* Has it run its fini, but where it was left in a call. */
void apart_end(struct apart *, const struct apart_limit *);

/* ---- plugin_exec.c: --plugin-exec ---- */
struct child;
/* Starts the process; it says hello later.  NULL with a sentence.  `services` reach the guest. */
struct child *child_start(char *const argv[], const char *module,
                          const struct wasmvm_host *services, char why[PLUGIN_WHY]);
/* Waits for the hello until deadline_ns (CLOCK_MONOTONIC); then there are functions. */
bool child_hello(struct child *, uint64_t deadline_ns, char why[PLUGIN_WHY]);
/* One that is there already, at the other end of the socket, which is taken over: the program that
 * started us as its helper.  The functions' modules, names and signatures must stay. */
struct child *child_adopt(int socket, const wasmvm_func *, uint32_t n,
                          const struct wasmvm_host *services);
const wasmvm_func *child_funcs(const struct child *, uint32_t *n);
const char *child_name(const struct child *);
const char *child_version(const struct child *);
/* Lets it end by itself for a moment, but where it was left in a call; then kills it. */
void child_end(struct child *);

/* ---- plugin_frame.c: a plug-in process's first frame (base/frame.h) ---- */
#define HELLO_FUNCTIONS_MOST 4096u

struct hello {
    char *text; /* what the rest points into; the caller frees it and funcs */
    const char *name, *version;
    struct { const char *name, *sig; } *funcs;
    uint32_t nfuncs;
};
bool hello_read(const struct frame *, struct hello *, char why[PLUGIN_WHY]);
void hello_free(struct hello *);

/* ---- plugin_words.c: the spelling of the two options ---- */
struct pieces { char *text; char **at; uint32_t n; }; /* at has a NULL behind its last */
/* Cuts the text at `separator`; a backslash takes the next character as it is.  Where the separator
 * is a blank, several count as one.  false with a sentence: a backslash ends the text, or there is
 * no memory. */
bool pieces_cut(const char *text, char separator, struct pieces *, char why[PLUGIN_WHY]);
void pieces_free(struct pieces *);

#endif
