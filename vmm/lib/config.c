/* The library's configurations and modules: what an embedder says before there is a machine.
 *
 * Both are counted and, once an instance was made from them, never changed, so that instances in other threads may look
 * at them without a lock. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/lib/lib.h"

#define GIB (UINT64_C(1) << 30)
#define KIB (UINT64_C(1) << 10)
#define PAGE_BYTES UINT64_C(4096)

int embed_error(wasmvm_error *error, int code, const char *format, ...)
{
    static const int statuses[] = {
        [WASMVM_E_USAGE] = EXIT_MONITOR, [WASMVM_E_HOST] = EXIT_MONITOR, [WASMVM_E_NO_MODULE] = EXIT_NO_MODULE,
        [WASMVM_E_INVALID] = EXIT_INVALID_MODULE, [WASMVM_E_TYPE] = EXIT_MONITOR,
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
    error->status = code > 0 && (size_t)code < sizeof statuses / sizeof *statuses ? statuses[code] : EXIT_MONITOR;
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
    c->memory_bytes = 4 * GIB;
    c->stack_bytes = GIB / 4;
    c->stdio[0] = c->stdio[1] = c->stdio[2] = c->log_fd = -1;
    return c;
}

void config_hold(wasmvm_config *c)
{
    __atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&c->used, true, __ATOMIC_RELEASE);
}

static void strings_free(struct strings *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        free(s->at[i]);
    free(s->at);
}

void wasmvm_config_free(wasmvm_config *c)
{
    if (!c || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL))
        return;
    strings_free(&c->args);
    strings_free(&c->env);
    for (int i = 0; i < EMBED_NETS; i++)
        strings_free(&c->net[i]);
    for (uint32_t i = 0; i < c->ndirs; i++) {
        free(c->dirs[i].host);
        free(c->dirs[i].guest);
    }
    for (uint32_t i = 0; i < c->nfuncs; i++) {
        free((char *)c->funcs[i].module);
        free((char *)c->funcs[i].name);
        free((char *)c->funcs[i].sig);
    }
    free(c->dirs);
    free(c->funcs);
    free(c->passed);
    free(c->guest_image);
    free(c->trace);
    free(c->invoke);
    free(c);
}

/* The first error stays. */
#define REFUSE(c, why, ...) embed_error((c)->error.code ? NULL : &(c)->error, why, __VA_ARGS__)

static int no_memory(wasmvm_config *c)
{
    return REFUSE(c, WASMVM_E_HOST, "no memory for the configuration");
}

/* Whether it may still be changed. */
static bool fixed(wasmvm_config *c)
{
    return __atomic_load_n(&c->used, __ATOMIC_ACQUIRE);
}

/* Takes text over. */
static int strings_add(wasmvm_config *c, struct strings *s, char *text)
{
    char **at = text && !fixed(c) ? realloc(s->at, (s->n + 1) * sizeof *at) : NULL;
    if (!at) {
        free(text);
        return fixed(c) ? WASMVM_E_USAGE : no_memory(c);
    }
    s->at = at;
    s->at[s->n++] = text;
    return WASMVM_OK;
}

int wasmvm_config_arg(wasmvm_config *c, const char *arg)
{
    return strings_add(c, &c->args, strdup(arg));
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
    for (uint32_t i = 0; text && !fixed(c) && i < c->env.n; i++)
        if (strncmp(c->env.at[i], text, len + 1) == 0) {
            free(c->env.at[i]);
            c->env.at[i] = text;
            return WASMVM_OK;
        }
    return strings_add(c, &c->env, text);
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
    return strcmp(name, "..") == 0 || (snprintf(rest, sizeof rest, "/%s", name) < PATH_MAX && *name && clean(rest));
}

/* Takes both names over. */
static int dir_add(wasmvm_config *c, char *host, char *guest, bool read_only)
{
    struct embed_dir *dirs = guest ? realloc(c->dirs, (c->ndirs + 1) * sizeof *dirs) : NULL;
    if (dirs) {
        c->dirs = dirs;
        dirs[c->ndirs++] = (struct embed_dir){host, guest, read_only, !host};
        return WASMVM_OK;
    }
    free(host);
    free(guest);
    return no_memory(c);
}

int wasmvm_config_dir(wasmvm_config *c, const char *host, const char *guest, unsigned flags)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    if (!*host || (flags & ~(unsigned)(WASMVM_DIR_READ_ONLY | WASMVM_DIR_RELATIVE)) ||
        !(flags & WASMVM_DIR_RELATIVE ? clean_relative(guest) : clean(guest)))
        return REFUSE(c, WASMVM_E_USAGE, "%s cannot be granted as %s: a guest's name is absolute and clean", host,
                      guest);
    for (uint32_t i = 0; i < c->ndirs; i++)
        if (strcmp(c->dirs[i].guest, guest) == 0)
            return REFUSE(c, WASMVM_E_USAGE, "%s cannot be granted as %s: the name is taken", host, guest);
    char *copy = strdup(host);
    return copy ? dir_add(c, copy, strdup(guest), flags & WASMVM_DIR_READ_ONLY) : no_memory(c);
}

int wasmvm_config_tmp(wasmvm_config *c)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    for (uint32_t i = 0; i < c->ndirs; i++)
        if (strcmp(c->dirs[i].guest, "/tmp") == 0)
            return REFUSE(c, WASMVM_E_USAGE, "a directory of its own as /tmp: the name is taken");
    return dir_add(c, NULL, strdup("/tmp"), false);
}

static int set(wasmvm_config *c, uint64_t *field, uint64_t value, uint64_t least, uint64_t most, const char *what)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    if (value < least || value > most)
        return REFUSE(c, WASMVM_E_USAGE, "%s of %llu: %llu to %llu can be had", what, (unsigned long long)value,
                      (unsigned long long)least, (unsigned long long)most);
    *field = value;
    return WASMVM_OK;
}

int wasmvm_config_memory(wasmvm_config *c, uint64_t bytes)
{
    return set(c, &c->memory_bytes, bytes, 0, 4 * GIB, "a memory");
}

int wasmvm_config_stack(wasmvm_config *c, uint64_t bytes)
{
    int code = set(c, &c->stack_bytes, bytes, 64 * KIB, 8 * GIB, "a stack");
    c->stack_bytes = (c->stack_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
    return code;
}

int wasmvm_config_timeout(wasmvm_config *c, uint64_t ns)
{
    return set(c, &c->timeout_ns, ns, 0, INT64_MAX, "a time limit");
}

int wasmvm_config_cpu_time(wasmvm_config *c, uint64_t ns)
{
    return set(c, &c->cpu_time_ns, ns, 0, INT64_MAX, "a time limit");
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

int wasmvm_config_began(wasmvm_config *c, uint64_t ns)
{
    return set(c, &c->began_ns, ns, 0, INT64_MAX, "a beginning");
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

int wasmvm_config_net(wasmvm_config *c, enum wasmvm_net what, const char *value)
{
    if ((unsigned)what >= EMBED_NETS)
        return REFUSE(c, WASMVM_E_USAGE, "a network rule of the unknown kind %d", (int)what);
    if (what == WASMVM_NET_ALLOW_DNS && *value && strcmp(value, "any") != 0)
        return REFUSE(c, WASMVM_E_USAGE, "names: \"any\" or \"\", not %s", value);
    if (what == WASMVM_NET_CA_CERTS && !*value && !fixed(c)) {
        c->host_certs = true;
        return WASMVM_OK;
    }
    return strings_add(c, &c->net[what], strdup(value));
}

int wasmvm_config_net_limits(wasmvm_config *c, uint32_t sockets, uint64_t per_second, uint64_t bytes)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    c->max_sockets = sockets;
    c->max_rate = per_second;
    c->max_bytes = bytes;
    return WASMVM_OK;
}

int wasmvm_config_socket(wasmvm_config *c, int socket, unsigned flags)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    if (socket < 0 || (flags & ~(unsigned)WASMVM_SOCKET_TAKEN))
        return REFUSE(c, WASMVM_E_USAGE, "%d is no socket that can be handed over", socket);
    struct passed *passed = realloc(c->passed, (c->npassed + 1) * sizeof *passed);
    if (!passed)
        return no_memory(c);
    c->passed = passed;
    passed[c->npassed++] = (struct passed){socket, flags & WASMVM_SOCKET_TAKEN};
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

int wasmvm_config_hypercall(wasmvm_config *c, enum wasmvm_hypercall how)
{
    static const enum transport transports[] = {
        [WASMVM_HYPERCALL_AUTO] = TRANSPORT_AUTO, [WASMVM_HYPERCALL_EXIT] = TRANSPORT_EXIT,
        [WASMVM_HYPERCALL_POLL] = TRANSPORT_POLL,
    };
    if ((unsigned)how >= sizeof transports / sizeof *transports || fixed(c))
        return REFUSE(c, WASMVM_E_USAGE, "hypercalls of the unknown kind %d", (int)how);
    c->transport = transports[how];
    return WASMVM_OK;
}

static int set_text(wasmvm_config *c, char **field, const char *text)
{
    char *copy = fixed(c) ? NULL : strdup(text);
    if (!copy)
        return fixed(c) ? WASMVM_E_USAGE : no_memory(c);
    free(*field);
    *field = copy;
    return WASMVM_OK;
}

int wasmvm_config_guest_image(wasmvm_config *c, const char *file)
{
    return set_text(c, &c->guest_image, file);
}

int wasmvm_config_trace(wasmvm_config *c, const char *file)
{
    return set_text(c, &c->trace, file);
}

int wasmvm_config_invoke(wasmvm_config *c, const char *name)
{
    return set_text(c, &c->invoke, name);
}

int wasmvm_config_flag(wasmvm_config *c, const char *name)
{
    const struct { const char *name; bool *flag; } flags[] = {
        {"validate", &c->validate}, {"compile-all", &c->compile_all}, {"hypercall-all", &c->hypercall_all},
    };
    if (fixed(c))
        return WASMVM_E_USAGE;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(name, flags[i].name) == 0) {
            *flags[i].flag = true;
            return WASMVM_OK;
        }
    return REFUSE(c, WASMVM_E_USAGE, "%s: no such flag", name);
}

int wasmvm_config_abandon(wasmvm_config *c)
{
    if (fixed(c))
        return WASMVM_E_USAGE;
    c->abandon = true;
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

/* Where Linux systems keep the bundle of certificates that they trust: the one below `etc`, a directory that stands for
 * /etc; NULL = it has none. */
static const char *bundle_find(const char *etc)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
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

/* Whether a directory gives the program an /etc of the host's, so that its files count; `etc` = where that lies. */
static bool etc_granted(const wasmvm_config *c, char etc[PATH_MAX])
{
    bool found = false;
    for (uint32_t i = 0; i < c->ndirs; i++) {
        const struct embed_dir *d = &c->dirs[i];
        bool whole = strcmp(d->guest, "/") == 0;
        if (strcmp(d->guest, "/etc") == 0 || (whole && !found))
            snprintf(etc, PATH_MAX, "%s%s", d->host, whole ? "/etc" : "");
        found = found || whole || strcmp(d->guest, "/etc") == 0;
    }
    return found;
}

/* The program's /etc is a directory's: the bundle there is what this host's means. */
static int granted_certs(const wasmvm_config *c, const char *etc, struct embed_certs *out, wasmvm_error *error)
{
    if (out->file)
        return embed_error(error, WASMVM_E_USAGE, "--ca-certs=%s: a --dir grants /etc (put the file there, and add "
                           "--env SSL_CERT_FILE=...)", out->file);
    if (c->host_certs && !(out->place = bundle_find(etc)) && !config_env(c, "SSL_CERT_FILE"))
        return embed_error(error, WASMVM_E_USAGE, "--ca-certs: a --dir grants /etc, and there is no bundle of "
                           "certificates in its usual places (put one there, and add --env SSL_CERT_FILE=...)");
    return WASMVM_OK;
}

int config_certs(const wasmvm_config *c, struct embed_certs *out, wasmvm_error *error)
{
    const struct strings *named = &c->net[WASMVM_NET_CA_CERTS];
    char etc[PATH_MAX];
    *out = (struct embed_certs){.file = named->n ? named->at[named->n - 1] : NULL};
    out->granted = etc_granted(c, etc);
    if (out->granted)
        return granted_certs(c, etc, out, error);
    if (!out->file && c->host_certs && !(out->file = bundle_find("/etc")))
        return embed_error(error, WASMVM_E_USAGE, "--ca-certs: this host has no bundle of certificates in the usual "
                           "places (write --ca-certs=FILE)");
    out->place = out->file ? "/etc/ca-certificates.crt" : NULL;
    return WASMVM_OK;
}

const char *config_env(const wasmvm_config *c, const char *name)
{
    size_t len = strlen(name);
    for (uint32_t i = 0; i < c->env.n; i++)
        if (strncmp(c->env.at[i], name, len) == 0 && c->env.at[i][len] == '=')
            return c->env.at[i] + len + 1;
    return NULL;
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

/* ---- modules ---- */

void module_hold(wasmvm_module *m)
{
    __atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
}

void wasmvm_module_free(wasmvm_module *m)
{
    if (!m || __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL))
        return;
    if (m->fd >= 0)
        close(m->fd);
    free(m->bytes);
    free(m->name);
    free(m);
}

/* The last one to know it: nobody will read it again. */
void module_read(wasmvm_module *m)
{
    if (m->fd < 0 || __atomic_load_n(&m->refs, __ATOMIC_ACQUIRE) != 1)
        return;
    close(m->fd);
    m->fd = -1;
}

static wasmvm_module *module_make(const char *name, uint64_t n, wasmvm_error *error)
{
    wasmvm_module *m = NULL;
    if (n == 0 || n > MAP_MODULE_MAX) {
        embed_error(error, WASMVM_E_INVALID, "%s is not a valid module: it is %s", name,
                    n ? "larger than 1 GiB" : "empty");
        return NULL;
    }
    m = calloc(1, sizeof *m);
    if (m)
        *m = (wasmvm_module){.refs = 1, .name = strdup(name), .bytes = malloc(n), .fd = -1, .n = n};
    if (m && m->name && m->bytes)
        return m;
    wasmvm_module_free(m);
    embed_error(error, WASMVM_E_HOST, "%s: no memory for the module", name);
    return NULL;
}

wasmvm_module *wasmvm_module_bytes(const void *bytes, size_t n, const char *name, wasmvm_error *error)
{
    wasmvm_module *m = module_make(name, n, error);
    if (m)
        memcpy(m->bytes, bytes, n);
    return m;
}

wasmvm_module *wasmvm_module_fd(int fd, const char *name, wasmvm_error *error)
{
    wasmvm_module *m = calloc(1, sizeof *m);
    if (m)
        *m = (wasmvm_module){.refs = 1, .name = strdup(name), .fd = fd};
    if (m && m->name)
        return m;
    free(m);
    embed_error(error, WASMVM_E_HOST, "%s: no memory for the module", name);
    return NULL;
}

/* Up to n bytes; how many there were, or -1. */
static ssize_t read_all(int fd, uint8_t *to, uint64_t n)
{
    uint64_t done = 0;
    while (done < n) {
        ssize_t got = read(fd, to + done, n - done);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -1;
        done += got > 0 ? (uint64_t)got : 0;
    }
    return (ssize_t)done;
}

wasmvm_module *wasmvm_module_file(const char *path, wasmvm_error *error)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        embed_error(error, WASMVM_E_NO_MODULE, "%s: the module cannot be read: %s", path,
                    fd < 0 ? strerror(errno) : "it is no regular file");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    wasmvm_module *m = module_make(path, (uint64_t)st.st_size, error);
    ssize_t n = m ? read_all(fd, m->bytes, m->n) : 0;
    if (n < 0) {
        embed_error(error, WASMVM_E_NO_MODULE, "%s: the module cannot be read: %s", path, strerror(errno));
        wasmvm_module_free(m);
        m = NULL;
    } else if (m) {
        m->n = (uint64_t)n; /* what was there: it may have been cut meanwhile */
    }
    close(fd);
    return m;
}
