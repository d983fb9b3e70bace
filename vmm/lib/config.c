/* The library's configurations: what an embedder says before there is a machine.
 *
 * One is counted and, once an instance was made from it, never changed, so that instances in other
 * threads may look at it without a lock.  Most setters are made from the rows of settings.def. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/lib/lib.h"

int embed_error(wasmvm_error *error, int code, const char *format, ...)
{
    static const int statuses[] = {
        [WASMVM_E_USAGE] = EXIT_MONITOR,       [WASMVM_E_HOST] = EXIT_MONITOR,
        [WASMVM_E_NO_MODULE] = EXIT_NO_MODULE, [WASMVM_E_INVALID] = EXIT_INVALID_MODULE,
        [WASMVM_E_TYPE] = EXIT_MONITOR,
    };
    char raw[sizeof error->text];
    va_list args;
    if (!error)
        return code;
    va_start(args, format);
    int n = vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof raw ? (size_t)n : sizeof raw - 1;
    text_escape(raw, len, error->text, sizeof error->text, false);
    error->code = code;
    error->status = code > 0 && (size_t)code < sizeof statuses / sizeof *statuses ? statuses[code]
                                                                                  : EXIT_MONITOR;
    return code;
}

const char *wasmvm_version(void)
{
    return WASMVM_VERSION;
}

/* ---- configuration ---- */

wasmvm_config *wasmvm_config_new(void)
{
    wasmvm_config *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->refs = 1;
    settings_default(&c->set);
    c->stdio[0] = c->stdio[1] = c->stdio[2] = c->log_fd = -1;
    return c;
}

void config_hold(wasmvm_config *c)
{
    __atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&c->used, true, __ATOMIC_RELEASE);
}

void wasmvm_config_free(wasmvm_config *c)
{
    if (!c || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL))
        return;
    for (uint32_t i = 0; i < c->nfuncs; i++) {
        free((char *)c->funcs[i].module);
        free((char *)c->funcs[i].name);
        free((char *)c->funcs[i].sig);
    }
    free(c->funcs);
    settings_free(&c->set);
    free(c);
}

/* Whether it may not be changed any more. */
static bool fixed(const wasmvm_config *c)
{
    return __atomic_load_n(&c->used, __ATOMIC_ACQUIRE);
}

/* The first error stays. */
#define REFUSE(c, why, ...)                                                                        \
    embed_error((c)->error.code || fixed(c) ? NULL : &(c)->error, why, __VA_ARGS__)

static int no_memory(wasmvm_config *c)
{
    return REFUSE(c, WASMVM_E_HOST, "no memory for the configuration");
}

/* ---- the setters of settings.def's rows ---- */

static int set_number(wasmvm_config *c, uint64_t *field, uint64_t value, uint64_t otherwise,
                      uint64_t least, uint64_t most, const char *what)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    if (value != otherwise && (value < least || value > most))
        return REFUSE(c, WASMVM_E_USAGE, "%s of %llu: %llu to %llu can be had", what,
                      (unsigned long long)value,
                      (unsigned long long)(otherwise < least ? otherwise : least),
                      (unsigned long long)most);
    *field = value;
    return WASMVM_OK;
}

static int set_text(wasmvm_config *c, const char **field, const char *text)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    return settings_text(field, text) ? WASMVM_OK : no_memory(c);
}

static int set_mark(wasmvm_config *c, bool *field)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    *field = true;
    return WASMVM_OK;
}

/* Takes text over. */
static int add_word(wasmvm_config *c, struct words *words, char *text)
{
    if (!fixed(c))
        return settings_add(words, text) ? WASMVM_OK : no_memory(c);
    free(text);
    return WASMVM_E_USAGE;
}

#define NUMBER(name, field, otherwise, least, most, what)                                 \
    int wasmvm_config_##name(wasmvm_config *c, uint64_t value)                            \
    {                                                                                     \
        return set_number(c, &c->set.field, value, (otherwise), (least), (most), (what)); \
    }
#define CHOICE(name, field, type, last, what)                                                      \
    int wasmvm_config_##name(wasmvm_config *c, enum wasmvm_##name which)                           \
    {                                                                                              \
        if (fixed(c) || (unsigned)which > (last))                                                  \
            return REFUSE(c, WASMVM_E_USAGE, "%s of the unknown kind %d", (what), (int)which);     \
        c->set.field = (enum type)which;                                                           \
        return WASMVM_OK;                                                                          \
    }
#define TEXT(name, field)                                         \
    int wasmvm_config_##name(wasmvm_config *c, const char *text)  \
    {                                                             \
        return set_text(c, &c->set.field, text);                  \
    }
#define MARK(name, field)                       \
    int wasmvm_config_##name(wasmvm_config *c)  \
    {                                           \
        return set_mark(c, &c->set.field);      \
    }
#include "vmm/base/settings.def"

_Static_assert((int)WASMVM_HYPERCALL_EXIT == TRANSPORT_EXIT &&
                   (int)WASMVM_HYPERCALL_POLL == TRANSPORT_POLL,
               "the public names of the kinds have the values of ours");

int wasmvm_config_flag(wasmvm_config *c, const char *name)
{
#define SWITCH(flag, field)      \
    if (strcmp(name, flag) == 0) \
        return set_mark(c, &c->set.field);
#include "vmm/base/settings.def"
    return fixed(c) ? WASMVM_E_USAGE : REFUSE(c, WASMVM_E_USAGE, "%s: no such flag", name);
}

int wasmvm_config_net(wasmvm_config *c, enum wasmvm_net what, const char *value)
{
    if (what == WASMVM_NET_ALLOW_DNS && *value && strcmp(value, "any") != 0)
        return REFUSE(c, WASMVM_E_USAGE, "names: \"any\" or \"\", not %s", value);
    switch (what) {
#define RULES(kind, field) case WASMVM_NET_##kind: return add_word(c, &c->set.field, strdup(value));
#define RULE(kind, field) case WASMVM_NET_##kind: return set_text(c, &c->set.field, value);
#define PERMIT(kind, field) case WASMVM_NET_##kind: return set_mark(c, &c->set.field);
#include "vmm/base/settings.def"
    }
    return REFUSE(c, WASMVM_E_USAGE, "a network rule of the unknown kind %d", (int)what);
}

int wasmvm_config_net_limits(wasmvm_config *c, uint32_t sockets, uint64_t per_second,
                             uint64_t bytes)
{
    int code = wasmvm_config_max_sockets(c, sockets);
    if (code == WASMVM_OK)
        code = wasmvm_config_net_rate(c, per_second);
    return code == WASMVM_OK ? wasmvm_config_net_bytes(c, bytes) : code;
}

/* ---- arguments, variables, directories, descriptors, functions ---- */

int wasmvm_config_arg(wasmvm_config *c, const char *arg)
{
    return add_word(c, &c->set.args, strdup(arg));
}

int wasmvm_config_env(wasmvm_config *c, const char *name, const char *value)
{
    size_t len = strlen(name);
    char *text = malloc(len + strlen(value) + 2);
    if (!*name || strchr(name, '=')) {
        free(text);
        return REFUSE(c, WASMVM_E_USAGE, "%s is no name of a variable", *name ? name : "\"\"");
    }
    if (text)
        sprintf(text, "%s=%s", name, value);
    for (uint32_t i = 0; text && !fixed(c) && i < c->set.env.n; i++)
        if (strncmp(c->set.env.at[i], text, len + 1) == 0) {
            free((char *)c->set.env.at[i]);
            c->set.env.at[i] = text;
            return WASMVM_OK;
        }
    return add_word(c, &c->set.env, text);
}

/* Absolute, and without empty parts, "." and "..": Go finds a preopened directory by its name. */
static bool clean(const char *name)
{
    if (strcmp(name, "/") == 0)
        return true;
    for (const char *at = name; *at; at += strcspn(at, "/")) {
        if (*at++ != '/')
            return false;
        size_t n = strcspn(at, "/");
        if (n == 0 || (n == 1 && at[0] == '.') || (n == 2 && at[0] == '.' && at[1] == '.'))
            return false;
    }
    return *name;
}

/* ".", or some "..", then names. */
static bool clean_relative(const char *name)
{
    char rest[PATH_MAX + 2];
    if (strcmp(name, ".") == 0)
        return true;
    while (strncmp(name, "../", 3) == 0)
        name += 3;
    return strcmp(name, "..") == 0 ||
           (snprintf(rest, sizeof rest, "/%s", name) < PATH_MAX && *name && clean(rest));
}

/* Takes both names over. */
static int dir_add(wasmvm_config *c, char *host, char *guest, unsigned flags)
{
    struct grants *dirs = &c->set.dirs;
    struct grant *at = guest ? realloc(dirs->at, (dirs->n + 1) * sizeof *at) : NULL;
    if (at) {
        dirs->at = at;
        at[dirs->n++] = (struct grant){ .host = host,
                                        .guest = guest,
                                        .tmp = !host,
                                        .read_only = flags & WASMVM_DIR_READ_ONLY,
                                        .mounts = flags & WASMVM_DIR_MOUNTS,
                                        .last = flags & WASMVM_DIR_LAST };
        return WASMVM_OK;
    }
    free(host);
    free(guest);
    return no_memory(c);
}

static bool dir_taken(const wasmvm_config *c, const char *guest)
{
    for (uint32_t i = 0; i < c->set.dirs.n; i++)
        if (strcmp(c->set.dirs.at[i].guest, guest) == 0)
            return true;
    return false;
}

int wasmvm_config_dir(wasmvm_config *c, const char *host, const char *guest, unsigned flags)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    const unsigned known = WASMVM_DIR_READ_ONLY | WASMVM_DIR_RELATIVE | WASMVM_DIR_LAST |
                           WASMVM_DIR_MOUNTS;
    if (!*host || (flags & ~known) ||
        !(flags & WASMVM_DIR_RELATIVE ? clean_relative(guest) : clean(guest)))
        return REFUSE(c, WASMVM_E_USAGE,
                      "%s cannot be granted as %s: a guest's name is absolute and clean", host,
                      guest);
    if (dir_taken(c, guest))
        return REFUSE(c, WASMVM_E_USAGE, "%s cannot be granted as %s: the name is taken", host,
                      guest);
    char *copy = strdup(host);
    return copy ? dir_add(c, copy, strdup(guest), flags) : no_memory(c);
}

int wasmvm_config_tmp(wasmvm_config *c)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    if (dir_taken(c, "/tmp"))
        return REFUSE(c, WASMVM_E_USAGE, "a directory of its own as /tmp: the name is taken");
    return dir_add(c, NULL, strdup("/tmp"), 0);
}

int wasmvm_config_stdio(wasmvm_config *c, int in, int out, int err)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    c->stdio[0] = in;
    c->stdio[1] = out;
    c->stdio[2] = err;
    return WASMVM_OK;
}

int wasmvm_config_stdio_own(wasmvm_config *c)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    c->stdio_own = true;
    for (int fd = 0; fd <= 2; fd++)
        c->stdio[fd] = fd;
    return WASMVM_OK;
}

int wasmvm_config_socket(wasmvm_config *c, int socket, unsigned flags)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    if (socket < 0 || (flags & ~(unsigned)WASMVM_SOCKET_TAKEN))
        return REFUSE(c, WASMVM_E_USAGE, "%d is no socket that can be handed over", socket);
    struct sockets *sockets = &c->set.sockets;
    struct passed *at = realloc(sockets->at, (sockets->n + 1) * sizeof *at);
    if (!at)
        return no_memory(c);
    sockets->at = at;
    at[sockets->n++] = (struct passed){socket, flags & WASMVM_SOCKET_TAKEN};
    return WASMVM_OK;
}

int wasmvm_config_funcs(wasmvm_config *c, const wasmvm_func *funcs, size_t n)
{
    struct host_table table = {0};
    char why[200];
    if (fixed(c))
        return WASMVM_E_USAGE;
    for (size_t i = 0; i < n; i++) {
        bool good = host_add(&table, &funcs[i], "the host", false, why);
        wasmvm_func *more = good ? realloc(c->funcs, (c->nfuncs + 1) * sizeof *more) : NULL;
        host_free(&table);
        if (!good)
            return REFUSE(c, WASMVM_E_USAGE, "%s", why);
        if (!more)
            return no_memory(c);
        c->funcs = more;
        wasmvm_func *f = &more[c->nfuncs++];
        *f = funcs[i];
        f->module = strdup(f->module);
        f->name = strdup(f->name);
        f->sig = strdup(f->sig);
        if (!f->module || !f->name || !f->sig)
            return no_memory(c);
    }
    return WASMVM_OK;
}

int wasmvm_config_log_fd(wasmvm_config *c, int fd)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    c->log_fd = fd;
    return WASMVM_OK;
}

int wasmvm_config_log(wasmvm_config *c, void (*log)(void *context, const char *line), void *context)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    c->log = log;
    c->log_context = context;
    return WASMVM_OK;
}

/* ---- as a whole ---- */

/* Where Linux systems keep the bundle of certificates that they trust: the one below `etc`, a
 * directory that stands for /etc; NULL = it has none. */
static const char *bundle_find(const char *etc)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
        "/etc/ssl/ca-bundle.pem",
    };
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int len = snprintf(path, sizeof path, "%s%s", etc, places[i] + strlen("/etc"));
        if (len > 0 && (size_t)len < sizeof path && access(path, R_OK) == 0)
            return places[i];
    }
    return NULL;
}

/* Whether a directory gives the program an /etc of the host's, so that its files count; `etc` =
 * where that lies. */
static bool etc_granted(const wasmvm_config *c, char etc[PATH_MAX])
{
    bool found = false;
    for (uint32_t i = 0; i < c->set.dirs.n; i++) {
        const struct grant *d = &c->set.dirs.at[i];
        bool whole = strcmp(d->guest, "/") == 0;
        if (strcmp(d->guest, "/etc") == 0 || (whole && !found))
            snprintf(etc, PATH_MAX, "%s%s", d->host, whole ? "/etc" : "");
        found = found || whole || strcmp(d->guest, "/etc") == 0;
    }
    return found;
}

/* The program's /etc is a directory's: the bundle there is what this host's means. */
static int granted_certs(const wasmvm_config *c, const char *etc, struct embed_certs *out,
                         wasmvm_error *error)
{
    const char *named = c->set.ca_certs;
    if (named && *named)
        return embed_error(error, WASMVM_E_USAGE,
                           "--ca-certs=%s: a --dir grants /etc (put the file there, and add "
                           "--env SSL_CERT_FILE=...)",
                           named);
    if (named && !(out->place = bundle_find(etc)) && !words_env(&c->set.env, "SSL_CERT_FILE"))
        return embed_error(
            error, WASMVM_E_USAGE,
            "--ca-certs: a --dir grants /etc, and there is no bundle of "
            "certificates in its usual places (put one there, and add --env SSL_CERT_FILE=...)");
    return WASMVM_OK;
}

int config_certs(const wasmvm_config *c, struct embed_certs *out, wasmvm_error *error)
{
    const char *named = c->set.ca_certs;
    char etc[PATH_MAX];
    *out = (struct embed_certs){.granted = etc_granted(c, etc)};
    if (out->granted)
        return granted_certs(c, etc, out, error);
    out->file = named && !*named ? bundle_find("/etc") : named;
    if (named && !out->file)
        return embed_error(error, WASMVM_E_USAGE,
                           "--ca-certs: this host has no bundle of certificates in the usual "
                           "places (write --ca-certs=FILE)");
    out->place = out->file ? "/etc/ca-certificates.crt" : NULL;
    return WASMVM_OK;
}

int wasmvm_config_check(const wasmvm_config *c, wasmvm_error *error)
{
    struct embed_certs certs;
    if (!c->error.code)
        return config_certs(c, &certs, error);
    if (error)
        *error = c->error;
    return c->error.code;
}
