/* The library's instances: from a configuration and a module to a machine, a run or calls of
 * exports, and the end.
 *
 * What fails before the guest runs is the instance's failure; all that is held by then hangs on the
 * instance, and instance_over() and wasmvm_instance_free give it back.  The thread that calls works
 * for the machine meanwhile: it may not be hit by the signals that writes raise, and its words go
 * to the embedder's log. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmm/lib/lib.h"

#define ENV_DEFAULTS 2 /* of etc_translate */

struct wasmvm_export {
    struct wasmvm_export *next;
    uint32_t func, nargs, nresults;
    bool callable;
    char *name, sig[CALL_WORDS];
};

/* ---- from what the embedder said to what the monitor wants ---- */

/* Whether the program may make sockets of its own.  Those that are open from the start need no
 * names; behind a sealed /etc their numbers would be others. */
static bool sockets_allowed(const struct settings *set)
{
    bool rules = set->allow_connect.n || set->allow_listen.n || set->allow_unix;
    return set->allow_dns || set->net_all ||
           (rules && !set->listen.n && !set->dial.n && !set->sockets.n);
}

/* The sealed /etc (net/etc.c) stands last, and is no place to start in. */
static bool etc_translate(wasmvm_instance *i)
{
    const struct settings *set = i->config.set;
    struct embed_certs certs;
    config_certs(i->from, &certs, NULL); /* was good before */
    i->config.certs = certs.file;
    if (certs.place && !words_env(&set->env, "SSL_CERT_FILE")) {
        if (asprintf(&i->certs_setting, "SSL_CERT_FILE=%s", certs.place) < 0) {
            i->certs_setting = NULL;
            return false;
        }
        i->env[i->config.envc++] = i->certs_setting;
    }
    if (certs.granted || !(sockets_allowed(set) || certs.file))
        return true;
    if (i->config.ngrants == 0 && !words_env(&set->env, "PWD"))
        i->env[i->config.envc++] = (char *)"PWD=/";
    i->grants[i->config.ngrants++] =
        (struct grant){ .guest = "/etc", .read_only = true, .kind = &etc_grant };
    return true;
}

/* A list of our own, with `before` places before what is copied and `behind` places, and a NULL,
 * behind it. */
static void *list_copy(const void *from, uint32_t n, size_t size, uint32_t before, uint32_t behind)
{
    char *to = calloc(before + n + behind + 1, size);
    if (to && n)
        memcpy(to + before * size, from, n * size);
    return to;
}

static void writable_translate(wasmvm_instance *i)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < i->config.ngrants; k++)
        if (!i->grants[k].read_only && !i->grants[k].tmp)
            i->writable[n++] = i->grants[k].host;
    i->config.writable = (struct names){i->writable, n};
}

static bool translate(wasmvm_instance *i)
{
    const wasmvm_config *from = i->from;
    const struct settings *set = &from->set;
    char why[200];
    i->grants = list_copy(set->dirs.at, set->dirs.n, sizeof *i->grants, 0, 1);
    i->args = list_copy(set->args.at, set->args.n, sizeof *i->args, 1, 0);
    i->env = list_copy(set->env.at, set->env.n, sizeof *i->env, 0, ENV_DEFAULTS);
    i->writable = calloc(set->dirs.n + 1u, sizeof *i->writable);
    if (!i->grants || !i->args || !i->env || !i->writable)
        return false;
    i->args[0] = i->module->name;
    i->config = (struct config){
        .set = set,
        .module = i->module->name,
        .args = i->args,
        .argc = set->args.n + 1,
        .env = i->env,
        .envc = set->env.n,
        .grants = i->grants,
        .ngrants = set->dirs.n,
        .timeout_ns = set->timeout_ns,
        .signals = &i->signals,
        .files_known = &i->files_known,
        .stdio = from->stdio_own ? NULL : from->stdio,
        .host = from->nfuncs ? &i->host : NULL,
    };
    writable_translate(i);
    if (!etc_translate(i))
        return false;
    for (uint32_t k = 0; k < from->nfuncs; k++)
        if (!host_add(&i->host, &from->funcs[k], "the host", false, why))
            return false; /* no memory: it was good before */
    i->outlet = (struct outlet){ .tell = from->log,
                                 .context = from->log_context,
                                 .to_stream = from->log_fd >= 0,
                                 .stream = from->log_fd };
    i->stats.start_ns = set->began_ns;
    i->tmp = TMP_NONE;
    return true;
}

static void log_tell(const wasmvm_host *services, int level, const char *text)
{
    (void)services, (void)level;
    message("%s", text);
}

void wasmvm_services(wasmvm_host *services)
{
    *services = (wasmvm_host){.log = log_tell};
    host_services(services);
}

void state_set(wasmvm_instance *i, enum state state)
{
    int status = state != STATE_OVER         ? -1
                 : i->end.kind == ENDED_NOT ? i->failure.status
                                            : end_status(&i->end);
    __atomic_store_n(&i->status, status, __ATOMIC_RELEASE);
    __atomic_store_n(&i->state, state, __ATOMIC_RELEASE);
}

static void missing_keep(wasmvm_instance *i)
{
    free(i->missing_path);
    free(i->refused_path);
    i->missing_path = i->refused_path = NULL;
    if (i->wasi) {
        const char *refused = wasi_refused(i->wasi, &i->stats.refused_count, i->refused_why,
                                           sizeof i->refused_why);
        i->missing_path = strdup(wasi_missing_path(i->wasi, &i->stats.missing_count));
        i->refused_path = strdup(refused);
    }
    i->stats.missing_path = i->missing_path;
    i->stats.refused_path = i->refused_path;
    i->stats.refused_why = i->refused_why;
    if (i->wasi) {
        struct words_lost lost = wasi_words_lost(i->wasi);
        i->stats.lost_trace = lost.trace;
        i->stats.lost_records = lost.records;
        i->stats.lost_escapes = lost.escapes;
    }
    i->stats.lost_lines = __atomic_load_n(&i->outlet.lost, __ATOMIC_RELAXED);
}

/* Go's package net as it comes has a network of its own, in which a server waits for nobody. */
static void network_hint(const wasmvm_instance *i)
{
    uint64_t calls = 0;
    for (uint32_t k = CALL_sock_accept; k <= CALL_sock_getpeeraddr_v1; k++)
        calls += i->stats.calls[k].count;
    if (i->stats.guest.own_network && calls == 0)
        message(
            "%s: its sockets were inside the program: Go's own network for wasip1 reaches nobody "
            "(build it by `wasmvm go build`, or see docs/networking.md)",
            i->config.module);
}

static void terminal_hint(const wasmvm_instance *i)
{
    if (i->stats.lost_escapes)
        message(
            "%s: %llu sequences that control a terminal were left out (--raw-tty lets them pass)",
            i->config.module, (unsigned long long)i->stats.lost_escapes);
}

/* A machine that ended by itself, and of which there is a snapshot, can be taken back. */
bool instance_returns(const wasmvm_instance *i)
{
    return snapshot_is(i->vm) && i->end.kind == ENDED_EXIT && !i->abandoned;
}

/* The machine is over: what it held of the host is given back, but for its memory. */
void instance_over(wasmvm_instance *i)
{
    uint64_t began_ns = clock_now_ns();
    struct rusage use;
    state_set(i, STATE_OVER);
    network_hint(i);
    missing_keep(i);
    terminal_hint(i);
    if (!i->abandoned) {
        wasi_close(i->wasi);
        i->wasi = NULL;
        if (!instance_returns(i))
            vm_close(i->vm);
        signals_end(&i->signals);
    }
    tmp_remove(&i->tmp, vm_kick(i->vm));
    timeline_phase(i->stats.timeline, "the machine is closed");
    getrusage(RUSAGE_SELF, &use);
    i->stats.max_rss_bytes = (uint64_t)use.ru_maxrss * 1024;
    i->stats.teardown_ns = clock_now_ns() - began_ns;
}

void instance_fail(wasmvm_instance *i)
{
    i->end = end_wanted(i);
    instance_over(i);
}

/* Those that are the instance's to close: the program has copies by now, or never will.  What is no
 * socket was handed over by mistake. */
static void sockets_close(const wasmvm_instance *i)
{
    const struct sockets *sockets = &i->config.set->sockets;
    int type;
    for (uint32_t k = 0; k < sockets->n; k++) {
        socklen_t len = sizeof type;
        if (sockets->at[k].taken &&
            getsockopt(sockets->at[k].fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0)
            close(sockets->at[k].fd);
    }
}

/* ---- instances ---- */

/* false: no memory. */
static bool timeline_begin(wasmvm_instance *i)
{
    const struct settings *set = i->config.set;
    if (!set->trace_start)
        return true;
    i->stats.timeline = calloc(1, sizeof *i->stats.timeline);
    if (!i->stats.timeline)
        return false;
    i->stats.timeline->began_ns = set->began_ns ? set->began_ns : clock_now_ns();
    i->stats.timeline->exec_cpu_ns = set->cpu_began_ns;
    return true;
}

wasmvm_instance *wasmvm_instance_new(wasmvm_module *module, wasmvm_config *config,
                                     wasmvm_error *error)
{
    if (wasmvm_config_check(config, error) != WASMVM_OK)
        return NULL;
    wasmvm_instance *i = calloc(1, sizeof *i);
    if (i) {
        i->signals = SIGNALS_NONE;
        i->status = -1;
        config_hold(i->from = config);
        module_hold(i->module = module);
    }
    if (i && translate(i) && timeline_begin(i) && (i->vm = vm_new(&i->config, &i->stats)) != NULL)
        return i;
    embed_error(error, WASMVM_E_HOST, "no memory for a machine, or no descriptor: %s",
                strerror(errno));
    wasmvm_instance_free(i);
    return NULL;
}

static int started_before(const wasmvm_instance *i, wasmvm_error *error)
{
    return embed_error(error, WASMVM_E_USAGE, "%s: the instance was started before",
                       i->module->name);
}

/* The function's place among those with a name: processes stand first, as in the order of their
 * start. */
static struct plugin_info *info_add(wasmvm_instance *i, bool process)
{
    struct plugin_info *at = realloc(i->loaded.at, (i->loaded.n + 1) * sizeof *at);
    uint32_t place = 0;
    if (!at)
        return NULL;
    i->loaded.at = at;
    while (place < i->loaded.n && (!process || at[place].process))
        place++;
    memmove(at + place + 1, at + place, (i->loaded.n++ - place) * sizeof *at);
    return at + place;
}

int wasmvm_instance_provider(wasmvm_instance *i, const wasmvm_provider *provider,
                             const wasmvm_func *funcs, size_t n, wasmvm_error *error)
{
    char why[200], *title = NULL;
    bool process = provider->flags & WASMVM_PROVIDER_PROCESS;
    /* whichever thread asks, a process answers by one of its own */
    bool one_thread = provider->flags & WASMVM_PLUGIN_ONE_THREAD &&
                      !(provider->flags & WASMVM_PROVIDER_APART);
    if (i->state != STATE_FRESH)
        return started_before(i, error);
    struct plugin_info *info = asprintf(&title, "plug-in %s", provider->name) < 0
                                   ? NULL
                                   : info_add(i, process);
    if (!info) {
        free(title);
        return embed_error(error, WASMVM_E_HOST, "no memory");
    }
    *info = (struct plugin_info){provider->name, provider->version, provider->from, title, process,
                                  provider->flags & ~(uint32_t)WASMVM_PROVIDER_PROCESS};
    i->config.loaded = &i->loaded;
    i->config.host = &i->host;
    for (size_t k = 0; k < n; k++)
        if (!host_add(&i->host, &funcs[k], title, one_thread, why))
            return embed_error(error, WASMVM_E_USAGE, "%s", why);
    return WASMVM_OK;
}

void wasmvm_instance_counts(wasmvm_instance *i, int pid)
{
    cputime_process(&vm_kick(i->vm)->cputime, pid);
}

void wasmvm_instance_free(wasmvm_instance *i)
{
    if (!i || i->abandoned)
        return;
    if (i->state == STATE_ALIVE || i->state == STATE_PREPARED) {
        struct outlet *before = outlet_use(&i->outlet);
        exports_stop(&i->outside);
        instance_over(i);
        outlet_use(before);
    } else if (i->state == STATE_FRESH && i->vm) {
        sockets_close(i);
    }
    vm_free(i->vm);
    template_drop(i->template);
    host_free(&i->host);
    for (uint32_t k = 0; k < i->loaded.n; k++)
        free((char *)i->loaded.at[k].provider);
    free(i->loaded.at);
    while (i->exports) {
        struct wasmvm_export *next = i->exports->next;
        free(i->exports->name);
        free(i->exports);
        i->exports = next;
    }
    free(i->stats.timeline);
    free(i->grants);
    free(i->args);
    free(i->writable);
    free(i->env);
    free(i->certs_setting);
    free(i->missing_path);
    free(i->refused_path);
    free(i->end.text);
    free(i->backtrace);
    wasmvm_module_free(i->module);
    wasmvm_config_free(i->from);
    free(i);
}

void wasmvm_stop(wasmvm_instance *i)
{
    wasmvm_stop_as(i, SIGTERM);
}

void wasmvm_stop_as(wasmvm_instance *i, int signal)
{
    kick_stop(vm_kick(i->vm), ENDED_SIGNAL, (uint32_t)signal);
}

int wasmvm_signal(wasmvm_instance *i, int number)
{
    return number > 0 ? (int)signals_raise(&i->signals, (unsigned)number) : WASMVM_SIGNAL_UNWANTED;
}
_Static_assert(WASMVM_SIGNAL_TAKEN == (int)SIGNAL_TAKEN &&
                   WASMVM_SIGNAL_UNREAD == (int)SIGNAL_UNREAD &&
                   WASMVM_SIGNAL_IGNORED == (int)SIGNAL_IGNORED,
               "one enum by two names");

/* ---- runs ---- */

static bool grants_make(wasmvm_instance *i)
{
    for (uint32_t k = 0; k < i->config.ngrants; k++) {
        if (!i->grants[k].tmp)
            continue;
        if (!tmp_make(&i->tmp, &i->failure))
            return false;
        i->grants[k].host = i->tmp.path;
    }
    return true;
}

bool instance_open(wasmvm_instance *i)
{
    if (!grants_make(i))
        return false;
    i->wasi = wasi_alloc(vm_memory(i->vm), vm_kick(i->vm), &net_parts);
    if (!i->wasi)
        return failure_set(&i->failure, "cannot start: no memory");
    return wasi_open(i->wasi, &i->config, &i->failure);
}

static bool build(wasmvm_instance *i)
{
    struct timeline *t = i->stats.timeline;
    timeline_phase(t, "words, signals, the module's file");
    const struct module module = { .fd = i->module->fd,
                                   .bytes = i->module->bytes,
                                   .n = i->module->n };
    if (!vm_build(i->vm, &module, &i->failure))
        return false;
    module_read(i->module);
    if (i->config.host)
        ask_stack_look();
    if (!instance_open(i))
        return false;
    timeline_phase(t, "grants, streams, network");
    return true;
}

void work_enter(wasmvm_instance *i, struct work *work)
{
    cputime_enter(&vm_kick(i->vm)->cputime);
    write_guard_enter(&work->guard);
    work->before = outlet_use(&i->outlet);
}

void work_leave(wasmvm_instance *i, struct work *work)
{
    cputime_leave(&vm_kick(i->vm)->cputime);
    outlet_use(work->before);
    write_guard_leave(&work->guard);
}

void time_limit(wasmvm_instance *i, bool on)
{
    kick_deadline(vm_kick(i->vm),
                  on && i->config.timeout_ns ? i->stats.start_ns + i->config.timeout_ns : 0);
}

int wasmvm_prepare(wasmvm_instance *i, wasmvm_error *error)
{
    struct work work;
    if (i->state != STATE_FRESH)
        return started_before(i, error);
    state_set(i, STATE_STARTED);
    work_enter(i, &work);
    if (!i->stats.start_ns)
        i->stats.start_ns = clock_now_ns();
    time_limit(i, true);
    bool good = build(i);
    sockets_close(i);
    if (good) {
        time_limit(i, false);
        i->prepared_ns = clock_now_ns();
        state_set(i, STATE_PREPARED);
    } else {
        instance_fail(i);
    }
    work_leave(i, &work);
    return good ? WASMVM_OK : embed_failed(i, error);
}

void instance_run(wasmvm_instance *i)
{
    i->abandoned = !vcpu_run(i->vm, i->wasi, &i->end);
}

static void initialize(wasmvm_instance *i)
{
    exports_start(&i->outside, i->vm, i->wasi, &i->end);
}

/* Runs it under the limits of time; prepares it where that was not done. */
static int start(wasmvm_instance *i, void (*how)(wasmvm_instance *), wasmvm_error *error)
{
    struct work work;
    int code = i->state == STATE_PREPARED ? WASMVM_OK : wasmvm_prepare(i, error);
    if (code != WASMVM_OK)
        return code;
    state_set(i, STATE_STARTED); /* its host functions may not start it again */
    work_enter(i, &work);
    if (!i->config.set->began_ns) /* the time in between is the caller's */
        i->stats.start_ns += clock_now_ns() - i->prepared_ns;
    time_limit(i, true);
    how(i);
    if (i->end.kind == ENDED_NOT) {
        time_limit(i, false);
        state_set(i, STATE_ALIVE);
    } else {
        instance_over(i);
    }
    work_leave(i, &work);
    return i->state == STATE_ALIVE ? WASMVM_OK : embed_ended(i, error);
}

int wasmvm_run(wasmvm_instance *i, wasmvm_error *error)
{
    int code = start(i, instance_run, error);
    if (code != WASMVM_E_EXIT)
        return code;
    if (error)
        *error = (wasmvm_error){.status = end_status(&i->end)};
    return WASMVM_OK;
}

int wasmvm_initialize(wasmvm_instance *i, wasmvm_error *error)
{
    return start(i, initialize, error);
}

/* The machine validates and ends. */
int wasmvm_module_validate(wasmvm_module *m, wasmvm_error *error)
{
    wasmvm_config *config = wasmvm_config_new();
    wasmvm_instance *i = config ? wasmvm_instance_new(m, config, error) : NULL;
    int code = WASMVM_E_HOST;
    if (!config)
        embed_error(error, code, "no memory for a machine");
    if (i) {
        i->config.validate_only = true;
        code = wasmvm_run(i, error);
    }
    wasmvm_instance_free(i);
    wasmvm_config_free(config);
    return code;
}

/* ---- a module kept alive ---- */

static int not_alive(const wasmvm_instance *i, wasmvm_error *error)
{
    return embed_error(error, WASMVM_E_USAGE, "%s: the instance %s", i->module->name,
                       i->state == STATE_FRESH || i->state == STATE_PREPARED ? "was not initialized"
                       : i->state == STATE_STARTED ? "runs"
                                                   : "is over");
}

/* Between two calls of the host nothing runs; what ended the run was found by this one. */
static int died(wasmvm_instance *i, wasmvm_error *error)
{
    instance_over(i);
    return embed_ended(i, error);
}

/* The thread that calls serves the guest meanwhile.  Its host functions may not call by the
 * instance: what ends that call would take the machine from under them. */
static struct outlet *call_enter(wasmvm_instance *i)
{
    state_set(i, STATE_STARTED);
    cputime_enter(&vm_kick(i->vm)->cputime);
    return outlet_use(&i->outlet);
}

static void call_leave(wasmvm_instance *i, struct outlet *before)
{
    cputime_leave(&vm_kick(i->vm)->cputime);
    outlet_use(before);
    if (i->state == STATE_STARTED)
        state_set(i, STATE_ALIVE);
}

static void export_describe(struct wasmvm_export *e)
{
    const char *colon = strchr(e->sig, ':');
    e->nargs = colon ? (uint32_t)(colon - e->sig) : 0;
    e->nresults = colon ? (uint32_t)strlen(colon + 1) : 0;
    e->callable = colon && e->nargs <= CALL_VALUES && e->nresults <= CALL_VALUES &&
                  !strpbrk(e->sig, "vr");
}

int wasmvm_lookup(wasmvm_instance *i, const char *name, const wasmvm_export **out,
                  wasmvm_error *error)
{
    if (i->state != STATE_ALIVE)
        return not_alive(i, error);
    for (struct wasmvm_export *e = i->exports; e; e = e->next)
        if (strcmp(e->name, name) == 0) {
            *out = e;
            return WASMVM_OK;
        }
    struct wasmvm_export *e = calloc(1, sizeof *e);
    if (!e || !(e->name = strdup(name))) {
        free(e);
        return embed_error(error, WASMVM_E_HOST, "no memory for an export");
    }
    struct outlet *before = call_enter(i);
    int found = strlen(name) < CALL_WORDS ? exports_find(&i->outside, name, &e->func, e->sig)
                                          : WASMVM_NO_EXPORT;
    int code = found == WASMVM_ENDED ? died(i, error) : WASMVM_OK;
    call_leave(i, before);
    if (found == WASMVM_OK) {
        export_describe(e);
        e->next = i->exports;
        *out = i->exports = e;
        return WASMVM_OK;
    }
    free(e->name);
    free(e);
    if (found == WASMVM_ENDED)
        return code;
    return found == WASMVM_NO_EXPORT
               ? embed_error(error, WASMVM_E_NO_EXPORT, "%s exports no function %s",
                             i->module->name, name)
               : embed_error(error, WASMVM_E_TYPE,
                             "%s: the function %s has more values than can be given",
                             i->module->name, name);
}

const char *wasmvm_export_sig(const wasmvm_export *e)
{
    return e->sig;
}

static int wrong_type(const wasmvm_export *e, size_t nargs, size_t nresults, wasmvm_error *error)
{
    if (!e->callable)
        return embed_error(error, WASMVM_E_TYPE,
                           "%s has the type %s: vectors and references cannot be given", e->name,
                           e->sig);
    return embed_error(error, WASMVM_E_TYPE,
                       "%s has the type %s: %zu arguments and %zu results are not its own", e->name,
                       e->sig, nargs, nresults);
}

int wasmvm_invoke(wasmvm_instance *i, const wasmvm_export *e, const wasmvm_val *args, size_t nargs,
                  wasmvm_val *results, size_t nresults, wasmvm_error *error)
{
    uint64_t in[CALL_VALUES], out[CALL_VALUES];
    if (i->state != STATE_ALIVE)
        return not_alive(i, error);
    if (!e->callable || nargs != e->nargs || nresults != e->nresults)
        return wrong_type(e, nargs, nresults, error);
    for (size_t k = 0; k < nargs; k++)
        in[k] = sig_wide(e->sig[k]) ? args[k].u64 : args[k].u32;
    struct outlet *before = call_enter(i);
    if (i->call_limit_ns)
        kick_deadline(vm_kick(i->vm), clock_now_ns() + i->call_limit_ns);
    int called = exports_call(&i->outside, e->func, in, (uint32_t)nargs, out, (uint32_t)nresults);
    if (i->call_limit_ns)
        kick_deadline(vm_kick(i->vm), 0);
    int code = WASMVM_OK;
    if (called != WASMVM_OK) {
        i->config.timeout_ns = i->call_limit_ns; /* for the sentence */
        code = died(i, error);
    }
    call_leave(i, before);
    for (size_t k = 0; k < nresults && code == WASMVM_OK; k++)
        results[k].u64 = sig_wide(e->sig[nargs + 1 + k]) ? out[k] : (uint32_t)out[k];
    return code;
}

int wasmvm_call_limit(wasmvm_instance *i, uint64_t ns)
{
    if (ns > INT64_MAX)
        return WASMVM_E_USAGE;
    i->call_limit_ns = ns;
    return WASMVM_OK;
}
