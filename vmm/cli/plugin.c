/* --plugin: host functions from shared libraries, by the C ABI of wasmvm_plugin.h; and the list of
 * all plug-ins of a run.
 *
 * A library has a process of its own (plugin_apart.c).  With --jail=weak, and without a jail, its
 * code runs in this process with all its rights, from the moment it is loaded: it is trusted as the
 * command line is. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/cli/plugin.h"

#define HELLO_NS UINT64_C(10000000000)
/* for all of fini, where there is a time limit and it leaves less */
#define FINI_NS UINT64_C(1000000000)

/* One --plugin or --plugin-exec. */
struct plugin {
    struct wasmvm_host host;    /* what init gets; must stay in its place */
    struct pieces words;        /* of the option, or of the command */
    char *file;                 /* as dlopen gets it; of a process the command as typed */
    struct child *child;
    struct apart *apart;
    /* of a library in this process */
    void *library;
    const struct wasmvm_plugin *face;
    void *data;                 /* init's */
    bool begun;                 /* init has run */
    char *provider;             /* "plug-in kv" */
    wasmvm_func *funcs;         /* face's, with their data */
};

struct plugins {
    struct plugin **at; /* processes first */
    uint32_t n;
    wasmvm_instance *machine;
    struct names writable; /* the directories that a guest may write */
    uint64_t limit_ns, cpu_time_ns; /* of --timeout and --cpu-time; 0 = none */
    struct guard_hooks hooks;
    struct guard *guard;
    bool within;  /* libraries are loaded into this process */
    int memory;   /* otherwise, what they see of the guest */
    bool guarded; /* there is a library in this process */
};

/* ---- what the plug-in gets beyond the library's services ---- */

static const struct plugin *plugin_of(const struct wasmvm_host *host)
{
    return (const struct plugin *)((const char *)host - offsetof(struct plugin, host));
}

static void host_log(const struct wasmvm_host *host, int level, const char *text)
{
    const struct plugin *p = plugin_of(host);
    if (level < WASMVM_LOG_DEBUG)
        message("%s: %s", p->provider ? p->provider : p->file, text);
}

static const char *host_option(const struct wasmvm_host *host, const char *key)
{
    const struct plugin *p = plugin_of(host);
    return p->words.n ? face_option(p->words.at + 1, p->words.n - 1, key) : NULL;
}

/* ---- --plugin ---- */

static bool options_check(const struct plugin *p, char why[PLUGIN_WHY])
{
    if (!*p->words.at[0]) {
        snprintf(why, PLUGIN_WHY, "the library is missing (write LIB.so[,key=value...])");
        return false;
    }
    for (uint32_t i = 1; i < p->words.n; i++) {
        const char *piece = p->words.at[i];
        int len = (int)strcspn(piece, "=");
        if (!len || !piece[len]) {
            snprintf(why, PLUGIN_WHY, "\"%s\" is not key=value (\\, stands for a comma in a value)",
                     piece);
            return false;
        }
        for (uint32_t j = 1; j < i; j++)
            if (strncmp(p->words.at[j], piece, (size_t)len + 1) == 0) {
                snprintf(why, PLUGIN_WHY, "%.*s is given twice", len, piece);
                return false;
            }
    }
    return true;
}

/* What the program could replace would be its own code in the monitor, or beside it, at the next
 * start. */
static bool file_is_callers(const struct names *writable, const char *file, char why[PLUGIN_WHY])
{
    if (!named_is_guests(writable, file))
        return true;
    snprintf(why, PLUGIN_WHY,
             "%s lies where the program can write (move it out of the --dir, or grant that :ro)",
             file);
    return false;
}

/* A name without a slash is a file here, and not what the loader finds on its path. */
static bool file_find(const struct plugins *all, struct plugin *p, char why[PLUGIN_WHY])
{
    struct stat st;
    const char *name = p->words.at[0];
    if (asprintf(&p->file, "%s%s", strchr(name, '/') ? "" : "./", name) < 0) {
        p->file = NULL;
        snprintf(why, PLUGIN_WHY, "no memory");
        return false;
    }
    bool there = stat(p->file, &st) == 0 && access(p->file, R_OK) == 0;
    if (there && S_ISREG(st.st_mode))
        return file_is_callers(&all->writable, p->file, why);
    snprintf(why, PLUGIN_WHY, "the library cannot be read: %s",
             there ? "it is not a file" : errno == ENOENT ? "no such file" : strerror(errno));
    return false;
}

/* Gives the functions to the machine. */
static bool functions_give(const struct plugins *all, const wasmvm_provider *provider,
                           const wasmvm_func *funcs, uint32_t n, char why[PLUGIN_WHY])
{
    wasmvm_error error;
    if (wasmvm_instance_provider(all->machine, provider, funcs, n, &error) == WASMVM_OK)
        return true;
    snprintf(why, PLUGIN_WHY, "%s", error.text);
    return false;
}

/* ---- a library in this process ---- */

static bool face_take(struct plugin *p, char why[PLUGIN_WHY])
{
    p->face = face_find(p->library, why);
    if (!p->face)
        return false;
    if (asprintf(&p->provider, "plug-in %s", p->face->name) >= 0)
        return true;
    p->provider = NULL;
    snprintf(why, PLUGIN_WHY, "no memory");
    return false;
}

/* init comes first: its data is what the functions get. */
static bool library_start(struct plugins *all, struct plugin *p, char why[PLUGIN_WHY])
{
    const wasmvm_provider provider = {p->face->name, p->face->version ? p->face->version : "",
                                      p->file, p->face->flags};
    if (!face_begin(p->face, &p->host, &p->data, why))
        return false;
    p->begun = true;
    p->funcs = calloc(p->face->nfuncs + 1u, sizeof *p->funcs);
    if (!p->funcs) {
        snprintf(why, PLUGIN_WHY, "no memory");
        return false;
    }
    for (uint32_t i = 0; i < p->face->nfuncs; i++) {
        p->funcs[i] = p->face->funcs[i];
        if (!p->funcs[i].data)
            p->funcs[i].data = p->data;
    }
    return functions_give(all, &provider, p->funcs, p->face->nfuncs, why);
}

static bool load_within(struct plugins *all, struct plugin *p, char why[PLUGIN_WHY])
{
    p->library = library_open(p->file, why);
    return p->library && face_take(p, why) && library_start(all, p, why);
}

/* ---- a library in a process of its own ---- */

static bool load_apart(struct plugins *all, struct plugin *p, char why[PLUGIN_WHY])
{
    const struct apart_limit limit = {all->limit_ns, 0, all->hooks.wanted, all->hooks.stuck};
    char *named = p->words.at[0];
    p->words.at[0] = p->file;
    p->apart = apart_start(p->words.at, p->words.n, all->memory, &p->host, why);
    p->words.at[0] = named;
    if (!p->apart)
        return false;
    wasmvm_instance_counts(all->machine, apart_pid(p->apart));
    if (!apart_hello(p->apart, &limit, why))
        return false;
    uint32_t n;
    const wasmvm_func *funcs = apart_funcs(p->apart, &n);
    const wasmvm_provider provider = {apart_name(p->apart), apart_version(p->apart), p->file,
                                      apart_flags(p->apart) | WASMVM_PROVIDER_APART};
    return functions_give(all, &provider, funcs, n, why);
}

static bool library_load(struct plugins *all, struct plugin *p, const char *text,
                         char why[PLUGIN_WHY])
{
    if (!pieces_cut(text, ',', &p->words, why) || !options_check(p, why) || !file_find(all, p, why))
        return false;
    return all->within ? load_within(all, p, why) : load_apart(all, p, why);
}

/* ---- --plugin-exec ---- */

static bool process_load(const struct plugins *all, struct plugin *p, const char *text,
                          char why[PLUGIN_WHY])
{
    size_t len = strcspn(text, "=");
    if (!len || !text[len]) {
        snprintf(why, PLUGIN_WHY, "the %s is missing (write MODULE=COMMAND)",
                 len ? "command" : "module");
        return false;
    }
    char *module = strndup(text, len);
    p->file = strdup(text + len + 1);
    bool good = module && p->file && pieces_cut(p->file, ' ', &p->words, why);
    if (!module || !p->file)
        snprintf(why, PLUGIN_WHY, "no memory");
    else if (good && !p->words.n)
        snprintf(why, PLUGIN_WHY, "the command is missing (write MODULE=COMMAND)");
    else if (good &&
             (!strchr(p->words.at[0], '/') || file_is_callers(&all->writable, p->words.at[0], why)))
        p->child = child_start(p->words.at, module, &p->host, why);
    free(module);
    return p->child;
}

/* ---- all of them ---- */

static struct plugin *plugin_add(struct plugins *all)
{
    struct plugin *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    wasmvm_services(&p->host);
    p->host.log = host_log;
    p->host.option = host_option;
    return all->at[all->n++] = p;
}

/* Puts the option before the sentence. */
static int refuse(const char *option, const char *value, int status, char why[PLUGIN_WHY])
{
    char what[PLUGIN_WHY];
    memcpy(what, why, sizeof what);
    if (snprintf(why, PLUGIN_WHY, "--%s %s: %s", option, value, what) < 0)
        *why = 0;
    return status;
}

static bool process_greet(struct plugins *all, struct plugin *p, uint64_t deadline_ns,
                          char why[PLUGIN_WHY])
{
    uint32_t n;
    if (!child_hello(p->child, deadline_ns, why))
        return false;
    const wasmvm_func *funcs = child_funcs(p->child, &n);
    /* A call costs two switches: nothing is won by a thread that polls. */
    const wasmvm_provider provider = {child_name(p->child), child_version(p->child), p->file,
                                      WASMVM_PROVIDER_PROCESS | WASMVM_PLUGIN_ONE_THREAD};
    return functions_give(all, &provider, funcs, n, why);
}

static int hellos_wait(struct plugins *all, const struct values *commands, char why[PLUGIN_WHY])
{
    uint64_t usual = clock_now_ns() + HELLO_NS, limit_ns = all->limit_ns;
    uint64_t deadline = limit_ns && limit_ns < usual ? limit_ns : usual;
    for (uint32_t i = 0; i < commands->n; i++)
        if (!process_greet(all, all->at[i], deadline, why))
            return refuse("plugin-exec", commands->at[i],
                          limit_ns && clock_now_ns() >= limit_ns ? EXIT_TIMEOUT : EXIT_MONITOR,
                          why);
    return 0;
}

/* Of those that end nothing stays to be waited for, which the jail does not allow; how they ended
 * is in their signal. */
static void children_forget(void)
{
    const struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
    sigaction(SIGCHLD, &action, NULL);
}

/* Processes are started first and asked last: they begin while the libraries are loaded.  The
 * machine gets the libraries' functions first. */
static int load(struct plugins *all, const struct command *command, char why[PLUGIN_WHY])
{
    const struct values *libraries = &command->plugins, *commands = &command->plugin_exec;
    struct plugin *p;
    for (uint32_t i = 0; i < commands->n; i++)
        if (!(p = plugin_add(all)) || !process_load(all, p, commands->at[i], why))
            return refuse("plugin-exec", commands->at[i], EXIT_MONITOR, why);
    if (!commands->n)
        children_forget();
    all->guarded = libraries->n && all->within;
    if (all->guarded && !(all->guard = guard_start(all->limit_ns, &all->hooks))) {
        snprintf(why, PLUGIN_WHY, "no thread for plug-ins: %s", strerror(errno));
        return EXIT_MONITOR;
    }
    for (uint32_t i = 0; i < libraries->n; i++)
        if (!(p = plugin_add(all)) || !library_load(all, p, libraries->at[i], why))
            return refuse("plugin", libraries->at[i], EXIT_MONITOR, why);
    return hellos_wait(all, commands, why);
}

static void plugin_unload(struct plugin *p, const struct apart_limit *limit)
{
    child_end(p->child);
    apart_end(p->apart, limit);
    if (p->begun && p->face->fini)
        p->face->fini(p->data);
    if (p->library)
        library_close(p->library);
    pieces_free(&p->words);
    free(p->funcs);
    free(p->provider);
    free(p->file);
    free(p);
}

bool plugins_within(const struct command *command)
{
    return command->jail != JAIL_ON;
}

void plugins_called(struct plugins *all)
{
    if (!all)
        return;
    guard_end(all->guard);
    all->guard = NULL;
}

void plugins_unload(struct plugins *all)
{
    if (!all)
        return;
    plugins_called(all);
    all->hooks.over = NULL; /* now it is fini that is awaited */
    uint64_t least = clock_now_ns() + FINI_NS;
    uint64_t end_ns = all->limit_ns > least ? all->limit_ns : least;
    const struct apart_limit limit = {.deadline_ns = all->limit_ns ? end_ns : 0,
                                      .cpu_time_ns = all->cpu_time_ns ? all->cpu_time_ns + FINI_NS
                                                                      : 0,
                                      .stuck = all->hooks.stuck};
    if (all->guarded && all->limit_ns)
        all->guard = guard_start(end_ns, &all->hooks);
    for (uint32_t i = all->n; i-- > 0;)
        plugin_unload(all->at[i], &limit);
    guard_end(all->guard);
    free(all->at);
    free(all);
}

int plugins_load(struct plugins **out, const struct command *command, uint64_t start_ns,
                 const struct guard_hooks *hooks, wasmvm_instance *machine, char why[PLUGIN_WHY])
{
    struct plugins *all = *out = calloc(1, sizeof *all);
    snprintf(why, PLUGIN_WHY, "no memory for plug-ins");
    if (!all)
        return EXIT_MONITOR;
    all->machine = machine;
    all->writable = (struct names){command->writable.at, command->writable.n};
    all->limit_ns = command->timeout_ns ? start_ns + command->timeout_ns : 0;
    all->cpu_time_ns = command->cpu_time_ns;
    all->hooks = *hooks;
    all->within = plugins_within(command);
    all->memory = command->memory_fd;
    all->at = calloc((size_t)command->plugins.n + command->plugin_exec.n + 1, sizeof *all->at);
    int status = all->at ? load(all, command, why) : EXIT_MONITOR;
    if (!status)
        return 0;
    plugins_unload(all);
    *out = NULL;
    return status;
}
