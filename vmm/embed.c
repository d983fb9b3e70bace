/* The library's instances: from a configuration and a module to a machine, a run or calls of exports, and the end.
 *
 * What fails before the guest runs comes back by outlet_guard; all that is held by then hangs on the instance, which
 * over() and wasmvm_instance_free give back.  The thread that calls works for the machine meanwhile: it may not be
 * hit by the signals that writes raise, and its words go to the embedder's log. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/embed.h"
#include "vmm/vm.h"

#define LINE_BYTES 4096
#define TRACE_BYTES 32768

enum state { STATE_FRESH, STATE_ALIVE, STATE_OVER };

struct wasmvm_export {
    struct wasmvm_export *next;
    uint32_t func, nargs, nresults;
    bool callable;
    char *name, sig[CALL_WORDS];
};

struct wasmvm_instance {
    wasmvm_config *from;
    wasmvm_module *module;
    enum state state;
    struct config config;
    struct grant *grants;
    char **args, **env;
    struct host_table host;
    struct run_stats stats;
    struct outlet outlet;
    struct vm *vm;
    struct wasi *wasi;
    struct end end;
    char *backtrace;
    uint64_t call_limit_ns;
    struct wasmvm_export *exports;
};

/* ---- from what the embedder said to what the monitor wants ---- */

static struct words words_of(const struct strings *s)
{
    return (struct words){(const char **)s->at, s->n};
}

static const char *last_of(const struct strings *s)
{
    return s->n ? s->at[s->n - 1] : NULL;
}

static void net_translate(struct net_config *net, const wasmvm_config *from)
{
    *net = (struct net_config){
        .listen = words_of(&from->net[WASMVM_NET_LISTEN]), .dial = words_of(&from->net[WASMVM_NET_DIAL]),
        .allow_connect = words_of(&from->net[WASMVM_NET_ALLOW_CONNECT]),
        .allow_listen = words_of(&from->net[WASMVM_NET_ALLOW_LISTEN]),
        .deny = words_of(&from->net[WASMVM_NET_DENY]), .dns_server = words_of(&from->net[WASMVM_NET_DNS_SERVER]),
        .dns = last_of(&from->net[WASMVM_NET_ALLOW_DNS]), .all = from->net[WASMVM_NET_ALL].n,
    };
}

/* The sealed /etc stands last (net_etc.c); a directory that covers it counts for more. */
static void grants_translate(wasmvm_instance *i)
{
    const wasmvm_config *from = i->from;
    bool etc = i->config.net.dns || i->config.net.all;
    for (uint32_t k = 0; k < from->ndirs; k++) {
        const struct embed_dir *dir = &from->dirs[k];
        i->grants[k] = (struct grant){.host = dir->host, .guest = dir->guest, .read_only = dir->read_only};
        etc = etc && strcmp(dir->guest, "/") != 0 && strcmp(dir->guest, "/etc") != 0;
    }
    i->config.grants = i->grants;
    i->config.ngrants = from->ndirs;
    if (etc)
        i->grants[i->config.ngrants++] = (struct grant){.guest = "/etc", .read_only = true, .sealed = true};
}

static bool translate(wasmvm_instance *i)
{
    const wasmvm_config *from = i->from;
    char why[200];
    i->grants = calloc(from->ndirs + 1, sizeof *i->grants);
    i->args = calloc(from->args.n + 1, sizeof *i->args);
    if (!i->grants || !i->args)
        return false;
    i->args[0] = i->module->name;
    if (from->args.n)
        memcpy(i->args + 1, from->args.at, from->args.n * sizeof *i->args);
    i->config = (struct config){
        .module = i->module->name, .args = i->args, .argc = from->args.n + 1, .env = from->env.at, .envc = from->env.n,
        .memory_bytes = from->memory_bytes, .stack_bytes = from->stack_bytes, .timeout_ns = from->timeout_ns,
        .cpu_time_ns = from->cpu_time_ns, .guest_image = from->guest_image, .transport = from->transport,
        .stdio = from->stdio, .embedded = true, .host = from->nfuncs ? &i->host : NULL,
    };
    net_translate(&i->config.net, from);
    grants_translate(i);
    for (uint32_t k = 0; k < from->nfuncs; k++)
        if (!host_add(&i->host, &from->funcs[k], "the host", false, why))
            return false; /* no memory: it was good before */
    i->outlet = (struct outlet){.tell = from->log, .context = from->log_context};
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

/* ---- errors ---- */

static const int end_codes[] = {
    [ENDED_EXIT] = WASMVM_E_EXIT, [ENDED_TRAP] = WASMVM_E_TRAP, [ENDED_INVALID] = WASMVM_E_INVALID,
    [ENDED_UNSUPPORTED] = WASMVM_E_INVALID, [ENDED_LIMIT] = WASMVM_E_USAGE, [ENDED_USAGE] = WASMVM_E_HOST,
    [ENDED_NOMEM] = WASMVM_E_GUEST, [ENDED_CRASH] = WASMVM_E_GUEST, [ENDED_HOSTILE] = WASMVM_E_GUEST,
    [ENDED_TIMEOUT] = WASMVM_E_TIME, [ENDED_CPU_TIME] = WASMVM_E_TIME, [ENDED_SIGNAL] = WASMVM_E_STOPPED,
    [ENDED_SIGPIPE] = WASMVM_E_PIPE,
};

static int failed(const wasmvm_instance *i, wasmvm_error *error)
{
    int code = i->outlet.status == EXIT_INVALID_MODULE ? WASMVM_E_INVALID
               : i->outlet.status == EXIT_NO_MODULE    ? WASMVM_E_NO_MODULE
                                                       : WASMVM_E_HOST;
    return embed_error(error, code, "%s", i->outlet.text);
}

/* The sentence without its hint, which names an option of the command line. */
static int ended(wasmvm_instance *i, wasmvm_error *error)
{
    char line[LINE_BYTES] = "";
    const char *rest = NULL;
    int code = end_codes[i->end.kind];
    if (!end_line(&i->config, &i->end, line, sizeof line, &rest))
        snprintf(line, sizeof line, code == WASMVM_E_EXIT      ? "%s ended by itself"
                                    : code == WASMVM_E_STOPPED ? "%s was stopped"
                                                               : "%s wrote to a stream that nobody reads",
                 i->module->name);
    char *hint = strstr(line, " (--");
    if (hint)
        *hint = 0;
    embed_error(error, code, "%s", line);
    if (error)
        error->status = end_status(&i->end);
    if (rest && !i->backtrace && (i->backtrace = malloc(TRACE_BYTES)) != NULL)
        text_escape(rest + 1, strlen(rest + 1), i->backtrace, TRACE_BYTES, true);
    return code;
}

/* The machine is over: what it held of the host is given back, but for its memory. */
static void over(wasmvm_instance *i)
{
    i->state = STATE_OVER;
    wasi_close(i->wasi);
    i->wasi = NULL;
    vm_close(i->vm);
}

/* ---- instances ---- */

wasmvm_instance *wasmvm_instance_new(wasmvm_module *module, wasmvm_config *config, wasmvm_error *error)
{
    if (config->error.code) {
        if (error)
            *error = config->error;
        return NULL;
    }
    wasmvm_instance *i = calloc(1, sizeof *i);
    if (i) {
        config_hold(i->from = config);
        module_hold(i->module = module);
    }
    if (i && translate(i) && (i->vm = vm_new(&i->config, &i->stats)) != NULL)
        return i;
    embed_error(error, WASMVM_E_HOST, "no memory for an instance, or no descriptor: %s", strerror(errno));
    wasmvm_instance_free(i);
    return NULL;
}

void wasmvm_instance_free(wasmvm_instance *i)
{
    if (!i)
        return;
    if (i->state == STATE_ALIVE) {
        struct outlet *before = outlet_use(&i->outlet);
        vm_serve_stop(i->vm);
        over(i);
        outlet_use(before);
    }
    vm_free(i->vm);
    host_free(&i->host);
    while (i->exports) {
        struct wasmvm_export *next = i->exports->next;
        free(i->exports->name);
        free(i->exports);
        i->exports = next;
    }
    free(i->grants);
    free(i->args);
    free(i->end.text);
    free(i->backtrace);
    wasmvm_module_free(i->module);
    wasmvm_config_free(i->from);
    free(i);
}

void wasmvm_stop(wasmvm_instance *i)
{
    kick_stop(vm_kick(i->vm), ENDED_SIGNAL, SIGTERM);
}

int wasmvm_exit_status(const wasmvm_instance *i)
{
    if (i->state != STATE_OVER)
        return -1;
    return i->end.kind == ENDED_NOT ? i->outlet.status : end_status(&i->end);
}

const char *wasmvm_backtrace(const wasmvm_instance *i)
{
    return i->backtrace ? i->backtrace : "";
}

/* ---- runs ---- */

static void build(wasmvm_instance *i)
{
    vm_build(i->vm, &(struct module){.fd = -1, .bytes = i->module->bytes, .n = i->module->n});
    i->wasi = wasi_alloc(vm_memory(i->vm), vm_kick(i->vm));
    if (!i->wasi)
        fail("no memory for a machine");
    wasi_open(i->wasi, &i->config);
}

static void run(void *context)
{
    wasmvm_instance *i = context;
    build(i);
    vm_run(i->vm, i->wasi, &i->end);
}

static void serve(void *context)
{
    wasmvm_instance *i = context;
    build(i);
    vm_serve_start(i->vm, i->wasi, &i->end);
}

/* Runs it under the limits of time, as the first thing that happens to the instance. */
static int start(wasmvm_instance *i, void (*how)(void *), wasmvm_error *error)
{
    struct write_guard guard;
    if (i->state != STATE_FRESH)
        return embed_error(error, WASMVM_E_USAGE, "%s: the instance was started before", i->module->name);
    write_guard_enter(&guard);
    i->stats.start_ns = clock_now_ns();
    kick_deadline(vm_kick(i->vm), i->config.timeout_ns ? i->stats.start_ns + i->config.timeout_ns : 0);
    bool good = outlet_guard(&i->outlet, how, i);
    if (good && i->end.kind == ENDED_NOT) {
        kick_deadline(vm_kick(i->vm), 0);
        i->state = STATE_ALIVE;
    } else {
        struct outlet *before = outlet_use(&i->outlet);
        over(i);
        outlet_use(before);
    }
    write_guard_leave(&guard);
    if (!good)
        return failed(i, error);
    return i->state == STATE_ALIVE ? WASMVM_OK : ended(i, error);
}

int wasmvm_run(wasmvm_instance *i, wasmvm_error *error)
{
    int code = start(i, run, error);
    if (code != WASMVM_E_EXIT)
        return code;
    if (error)
        *error = (wasmvm_error){.status = end_status(&i->end)};
    return WASMVM_OK;
}

int wasmvm_initialize(wasmvm_instance *i, wasmvm_error *error)
{
    i->config.serve = i->state == STATE_FRESH;
    return start(i, serve, error);
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
                       i->state == STATE_FRESH ? "was not initialized" : "is over");
}

/* Between two calls of the host nothing runs; what ended the run was found by this one. */
static int died(wasmvm_instance *i, wasmvm_error *error)
{
    over(i);
    return ended(i, error);
}

static void export_describe(struct wasmvm_export *e)
{
    const char *colon = strchr(e->sig, ':');
    e->nargs = colon ? (uint32_t)(colon - e->sig) : 0;
    e->nresults = colon ? (uint32_t)strlen(colon + 1) : 0;
    e->callable = colon && e->nargs <= CALL_VALUES && e->nresults <= CALL_VALUES && !strpbrk(e->sig, "vr");
}

int wasmvm_lookup(wasmvm_instance *i, const char *name, const wasmvm_export **out, wasmvm_error *error)
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
    struct outlet *before = outlet_use(&i->outlet);
    int found = strlen(name) < CALL_WORDS ? vm_find(i->vm, name, &e->func, e->sig) : WASMVM_NO_EXPORT;
    int code = found == WASMVM_ENDED ? died(i, error) : WASMVM_OK;
    outlet_use(before);
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
               ? embed_error(error, WASMVM_E_NO_EXPORT, "%s exports no function %s", i->module->name, name)
               : embed_error(error, WASMVM_E_TYPE, "%s: the function %s has more values than can be given",
                             i->module->name, name);
}

const char *wasmvm_export_sig(const wasmvm_export *e)
{
    return e->sig;
}

static int wrong_type(const wasmvm_export *e, size_t nargs, size_t nresults, wasmvm_error *error)
{
    if (!e->callable)
        return embed_error(error, WASMVM_E_TYPE, "%s has the type %s: vectors and references cannot be given", e->name,
                           e->sig);
    return embed_error(error, WASMVM_E_TYPE, "%s has the type %s: %zu arguments and %zu results are not its own",
                       e->name, e->sig, nargs, nresults);
}

int wasmvm_invoke(wasmvm_instance *i, const wasmvm_export *e, const wasmvm_val *args, size_t nargs, wasmvm_val *results,
                  size_t nresults, wasmvm_error *error)
{
    uint64_t in[CALL_VALUES], out[CALL_VALUES];
    if (i->state != STATE_ALIVE)
        return not_alive(i, error);
    if (!e->callable || nargs != e->nargs || nresults != e->nresults)
        return wrong_type(e, nargs, nresults, error);
    for (size_t k = 0; k < nargs; k++)
        in[k] = sig_wide(e->sig[k]) ? args[k].u64 : args[k].u32;
    struct outlet *before = outlet_use(&i->outlet);
    if (i->call_limit_ns)
        kick_deadline(vm_kick(i->vm), clock_now_ns() + i->call_limit_ns);
    int called = vm_call(i->vm, e->func, in, (uint32_t)nargs, out, (uint32_t)nresults);
    if (i->call_limit_ns)
        kick_deadline(vm_kick(i->vm), 0);
    int code = WASMVM_OK;
    if (called != WASMVM_OK) {
        i->config.timeout_ns = i->call_limit_ns; /* for the sentence */
        code = died(i, error);
    }
    outlet_use(before);
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

/* ---- memory, statistics ---- */

uint64_t wasmvm_memory_size(const wasmvm_instance *i)
{
    return vm_memory(i->vm)->regions[REGION_LINEAR].bytes;
}

int wasmvm_memory_read(const wasmvm_instance *i, uint32_t at, void *to, size_t n)
{
    return linear_read(vm_memory(i->vm), MAP_LINEAR + at, to, n) ? WASMVM_OK : WASMVM_E_USAGE;
}

int wasmvm_memory_write(wasmvm_instance *i, uint32_t at, const void *from, size_t n)
{
    return linear_write(vm_memory(i->vm), MAP_LINEAR + at, from, n) ? WASMVM_OK : WASMVM_E_USAGE;
}

int wasmvm_instance_statistics(const wasmvm_instance *i, wasmvm_statistics *out)
{
    const struct run_stats *s = &i->stats;
    size_t size = out->size;
    wasmvm_statistics all = {
        .size = size, .exits = s->exits, .memory_bytes = wasmvm_memory_size(i), .start_ns = s->vm_ns + s->load_ns +
        s->boot_ns, .run_ns = s->run_ns, .cpu_ns = s->cpu_ns, .funcs_total = s->guest.funcs_total,
        .funcs_compiled = s->guest.funcs_compiled,
    };
    for (int call = 0; call < CALL_COUNT; call++) {
        all.calls += s->calls[call].count;
        all.calls_polled += s->calls[call].polled;
    }
    if (size < offsetof(wasmvm_statistics, exits))
        return WASMVM_E_USAGE;
    memcpy(out, &all, size < sizeof all ? size : sizeof all);
    return WASMVM_OK;
}
