/* --plugin: host functions from shared libraries, by the C ABI of wasmvm_plugin.h; and the list of all plug-ins of a
 * run.
 *
 * A library's code runs in this process with all its rights, from the moment it is loaded: it is trusted as the command
 * line is.  What is checked is checked to give a sentence in place of a crash. */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/plugin.h"
#include "vmm/vcpu.h"

#define FLAGS_KNOWN (WASMVM_PLUGIN_ONE_THREAD | WASMVM_PLUGIN_NEEDS_FILES | WASMVM_PLUGIN_NEEDS_NETWORK | \
                     WASMVM_PLUGIN_NEEDS_THREADS)
#define HELLO_NS UINT64_C(10000000000)
#define FINI_NS UINT64_C(1000000000) /* for all of fini, where there is a time limit and it leaves less */

/* One --plugin or --plugin-exec. */
struct plugin {
    struct wasmvm_host host;    /* what init gets; must stay in its place */
    struct pieces words;        /* of the option, or of the command */
    char *file;                 /* as dlopen got it; of a process the command as typed */
    void *library;
    const struct wasmvm_plugin *face;
    void *data;                 /* init's */
    bool begun;                 /* init has run */
    char *provider;
    struct child *child;
};

struct plugins {
    struct plugin **at; /* processes first */
    uint32_t n;
    struct plugin_list list;
    uint64_t limit_ns; /* of --timeout; 0 = none */
    struct guard_hooks hooks;
    struct guard *guard;
    bool guarded; /* there is a library */
};

/* ---- what the plug-in gets beyond host.c's services ---- */

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

/* key=value, the piece behind the library's name; NULL: it is another's. */
static const char *value_of(const char *piece, const char *key)
{
    size_t len = strlen(key);
    return strncmp(piece, key, len) == 0 && piece[len] == '=' ? piece + len + 1 : NULL;
}

static const char *host_option(const struct wasmvm_host *host, const char *key)
{
    const struct plugin *p = plugin_of(host);
    for (uint32_t i = 1; i < p->words.n; i++)
        if (value_of(p->words.at[i], key))
            return value_of(p->words.at[i], key);
    return NULL;
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
            snprintf(why, PLUGIN_WHY, "\"%s\" is not key=value (\\, stands for a comma in a value)", piece);
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

/* A name without a slash is a file here, and not what the loader finds on its path. */
static bool file_find(struct plugin *p, char why[PLUGIN_WHY])
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
        return true;
    snprintf(why, PLUGIN_WHY, "the library cannot be read: %s",
             there ? "it is not a file" : errno == ENOENT ? "no such file" : strerror(errno));
    return false;
}

static bool library_open(struct plugin *p, char why[PLUGIN_WHY])
{
    p->library = dlopen(p->file, RTLD_NOW | RTLD_LOCAL);
    const char *error = p->library ? "" : dlerror();
    size_t prefix = strlen(p->file);
    if (strncmp(error, p->file, prefix) == 0 && strncmp(error + prefix, ": ", 2) == 0)
        error += prefix + 2;
    if (!p->library)
        snprintf(why, PLUGIN_WHY, "it cannot be loaded as a library: %s", error);
    return p->library;
}

static bool face_check(const struct plugin *p, char why[PLUGIN_WHY])
{
    const struct wasmvm_plugin *face = p->face;
    if (!face)
        snprintf(why, PLUGIN_WHY, "its wasmvm_plugin_get gives no plug-in");
    else if (face->abi != WASMVM_PLUGIN_ABI)
        snprintf(why, PLUGIN_WHY, "it was built for version %u of the plug-in ABI, and this wasmvm has %u (build it "
                 "with this wasmvm's wasmvm_plugin.h)", face->abi, WASMVM_PLUGIN_ABI);
    else if (!face->name || !*face->name)
        snprintf(why, PLUGIN_WHY, "its struct wasmvm_plugin has no name");
    else if (!face->funcs && face->nfuncs)
        snprintf(why, PLUGIN_WHY, "its struct wasmvm_plugin counts %u functions and has none", face->nfuncs);
    else if (face->flags & ~FLAGS_KNOWN)
        snprintf(why, PLUGIN_WHY, "its flags 0x%x ask for what this wasmvm does not know", face->flags);
    else
        return true;
    return false;
}

static bool face_find(struct plugin *p, char why[PLUGIN_WHY])
{
    const struct wasmvm_plugin *(*get)(void);
    void *symbol = dlsym(p->library, "wasmvm_plugin_get");
    if (!symbol) {
        snprintf(why, PLUGIN_WHY, "it is no plug-in: it exports no wasmvm_plugin_get (see docs/plugins.md)");
        return false;
    }
    memcpy(&get, &symbol, sizeof get);
    p->face = get();
    if (!face_check(p, why))
        return false;
    if (asprintf(&p->provider, "plug-in %s", p->face->name) >= 0)
        return true;
    p->provider = NULL;
    snprintf(why, PLUGIN_WHY, "no memory");
    return false;
}

/* init comes first: its data is what the functions get. */
static bool library_start(struct plugin *p, struct host_table *table, char why[PLUGIN_WHY])
{
    int refused = p->face->init ? p->face->init(&p->host, &p->data) : 0;
    if (refused) {
        snprintf(why, PLUGIN_WHY, "plug-in %s refuses to start (its init gave %d)", p->face->name, refused);
        return false;
    }
    p->begun = true;
    for (uint32_t i = 0; i < p->face->nfuncs; i++) {
        struct wasmvm_func func = p->face->funcs[i];
        if (!func.data)
            func.data = p->data;
        if (!host_add(table, &func, p->provider, p->face->flags & WASMVM_PLUGIN_ONE_THREAD, why))
            return false;
    }
    return true;
}

static bool library_load(struct plugin *p, const char *text, struct host_table *table, char why[PLUGIN_WHY])
{
    return pieces_cut(text, ',', &p->words, why) && options_check(p, why) && file_find(p, why) &&
           library_open(p, why) && face_find(p, why) && library_start(p, table, why);
}

/* ---- --plugin-exec ---- */

/* The run's own wait, which a stop ends. */
static bool wait_in_call(wasmvm_call *call, int fd, short events)
{
    struct kick *kick = &call->vcpu->vm->kick;
    if (!events)
        return !kick_pending(kick);
    for (;;) {
        if (kick_ppoll(kick, &(struct pollfd){.fd = fd, .events = events}, 1, -1) > 0)
            return true;
        if (kick_pending(kick))
            return false;
    }
}

static bool process_start(struct plugin *p, const char *text, char why[PLUGIN_WHY])
{
    size_t len = strcspn(text, "=");
    if (!len || !text[len]) {
        snprintf(why, PLUGIN_WHY, "the %s is missing (write MODULE=COMMAND)", len ? "command" : "module");
        return false;
    }
    char *module = strndup(text, len);
    p->file = strdup(text + len + 1);
    bool good = module && p->file && pieces_cut(p->file, ' ', &p->words, why);
    if (!module || !p->file)
        snprintf(why, PLUGIN_WHY, "no memory");
    else if (good && !p->words.n)
        snprintf(why, PLUGIN_WHY, "the command is missing (write MODULE=COMMAND)");
    else if (good)
        p->child = child_start(p->words.at, module, &p->host, wait_in_call, why);
    free(module);
    return p->child;
}

/* ---- all of them ---- */

static struct plugin *plugin_add(struct plugins *all)
{
    struct plugin *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    host_services(&p->host);
    p->host.size = sizeof p->host;
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

static int hellos_wait(struct plugins *all, const struct words *commands, struct host_table *table,
                       char why[PLUGIN_WHY])
{
    uint64_t usual = clock_now_ns() + HELLO_NS, limit_ns = all->limit_ns;
    uint64_t deadline = limit_ns && limit_ns < usual ? limit_ns : usual;
    for (uint32_t i = 0; i < commands->n; i++)
        if (!child_hello(all->at[i]->child, deadline, table, why))
            return refuse("plugin-exec", commands->at[i],
                          limit_ns && clock_now_ns() >= limit_ns ? EXIT_TIMEOUT : EXIT_MONITOR, why);
    return 0;
}

static void list_make(struct plugins *all)
{
    for (uint32_t i = 0; i < all->n; i++) {
        const struct plugin *p = all->at[i];
        const char *version = p->child ? child_version(p->child) : p->face->version;
        all->list.at[all->list.n++] = (struct plugin_info){
            .name = p->child ? child_name(p->child) : p->face->name, .version = version ? version : "",
            .file = p->file, .provider = p->child ? child_provider(p->child) : p->provider, .process = p->child,
            .flags = p->child ? 0 : p->face->flags,
        };
    }
}

/* Processes are started first and asked last: they begin while the libraries are loaded.  The table has the libraries'
 * functions first. */
static int load(struct plugins *all, const struct config *config, struct host_table *table, char why[PLUGIN_WHY])
{
    const struct words *libraries = &config->plugins, *commands = &config->plugin_exec;
    struct plugin *p;
    for (uint32_t i = 0; i < commands->n; i++)
        if (!(p = plugin_add(all)) || !process_start(p, commands->at[i], why))
            return refuse("plugin-exec", commands->at[i], EXIT_MONITOR, why);
    all->guarded = libraries->n;
    if (all->guarded && !(all->guard = guard_start(all->limit_ns, &all->hooks))) {
        snprintf(why, PLUGIN_WHY, "no thread for plug-ins: %s", strerror(errno));
        return EXIT_MONITOR;
    }
    for (uint32_t i = 0; i < libraries->n; i++)
        if (!(p = plugin_add(all)) || !library_load(p, libraries->at[i], table, why))
            return refuse("plugin", libraries->at[i], EXIT_MONITOR, why);
    return hellos_wait(all, commands, table, why);
}

static void plugin_unload(struct plugin *p)
{
    child_end(p->child);
    if (p->begun && p->face->fini)
        p->face->fini(p->data);
    if (p->library)
        dlclose(p->library);
    pieces_free(&p->words);
    free(p->provider);
    free(p->file);
    free(p);
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
    if (all->guarded && all->limit_ns) {
        uint64_t least = clock_now_ns() + FINI_NS;
        all->guard = guard_start(all->limit_ns > least ? all->limit_ns : least, &all->hooks);
    }
    for (uint32_t i = all->n; i-- > 0;)
        plugin_unload(all->at[i]);
    guard_end(all->guard);
    free(all->list.at);
    free(all->at);
    free(all);
}

int plugins_load(struct plugins **out, const struct config *config, uint64_t start_ns, const struct guard_hooks *hooks,
                 struct host_table *table, char why[PLUGIN_WHY])
{
    struct plugins *all = *out = calloc(1, sizeof *all);
    snprintf(why, PLUGIN_WHY, "no memory for plug-ins");
    if (!all)
        return EXIT_MONITOR;
    all->limit_ns = config->timeout_ns ? start_ns + config->timeout_ns : 0;
    all->hooks = *hooks;
    size_t n = (size_t)config->plugins.n + config->plugin_exec.n;
    all->at = calloc(n + 1, sizeof *all->at);
    all->list.at = calloc(n + 1, sizeof *all->list.at);
    int status = all->at && all->list.at ? load(all, config, table, why) : EXIT_MONITOR;
    if (!status) {
        list_make(all);
        return 0;
    }
    plugins_unload(all);
    *out = NULL;
    return status;
}

const struct plugin_list *plugins_list(const struct plugins *all)
{
    return &all->list;
}
