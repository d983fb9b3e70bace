/* Instances of the library without a machine: the machine, its run and WASI are doubles that keep a
 * record, with a fixture of a configuration, a module and an instance.  What is not freed is ASan's
 * to tell. */
#ifndef TESTS_UNIT_VMM_LIB_DOUBLE_H
#define TESTS_UNIT_VMM_LIB_DOUBLE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/lib/lib.h"
#include "vmm/wasi/desc.h"

#define MS UINT64_C(1000000)

/* ---- doubles ---- */

static char a_vm, a_wasi; /* nobody looks into them */
static struct vm *const vm = (struct vm *)&a_vm;
static struct wasi *const wasi = (struct wasi *)&a_wasi;
static struct kick kick;
static struct guestmem mem;
static char record[400], logged[600];
static const char *fails; /* the step that is to fail */
static struct end run_ends;
static const struct config *given;
static bool comes_back, snapped, validated;
static int entered;
static uint64_t deadlines[8];
static unsigned ndeadlines;
static struct { enum end_kind kind; uint32_t number; } stopped;
static bool missed;
static struct words_lost lost;
static struct { const char *sig; int found, called; uint64_t results[CALL_VALUES]; } guest;
static struct {
    unsigned finds, calls;
    uint32_t func, n, nresults;
    uint64_t in[CALL_VALUES];
} asked;

static bool step(const char *what)
{
    size_t at = strlen(record);
    snprintf(record + at, sizeof record - at, "%s%s", at ? " " : "", what);
    return !fails || strcmp(fails, what) != 0;
}

struct vm *vm_new(const struct config *config, struct run_stats *stats)
{
    assert_non_null(stats);
    given = config;
    errno = EMFILE;
    return step("new") ? vm : NULL;
}

bool vm_build(struct vm *of, const struct module *module, struct failure *why)
{
    assert_ptr_equal(of, vm);
    assert_true(module->fd == -1 && module->n == 4 && memcmp(module->bytes, "wasm", 4) == 0);
    return step("build") || failure_set(why, "cannot start: no KVM");
}

struct guestmem *vm_memory(struct vm *of) { return of ? &mem : NULL; }
struct kick *vm_kick(struct vm *of) { return of ? &kick : &kick; }
void vm_close(struct vm *of) { assert_ptr_equal(of, vm), step("close"); }
void vm_free(struct vm *of) { step(of ? "free" : "nothing"); }
void template_drop(struct template *of) { assert_null(of); }
bool snapshot_is(const struct vm *of) { return of && snapped; }
struct reset_counts snapshot_counts(const struct vm *of)
{
    (void)of;
    return (struct reset_counts){0};
}

struct wasi *wasi_alloc(struct guestmem *m, struct kick *k, const struct wasi_parts *parts)
{
    assert_true(m == &mem && k == &kick && parts == &net_parts);
    return step("wasi") ? wasi : NULL;
}

bool wasi_open(struct wasi *w, const struct config *config, struct failure *why)
{
    assert_ptr_equal(w, wasi);
    for (uint32_t k = 0; k < config->ngrants; k++)
        if (config->grants[k].tmp)
            assert_string_equal(config->grants[k].host, "/made");
    return step("open") || failure_set(why, "/data: there is no such directory");
}

void wasi_close(struct wasi *w) { step(w ? "shut" : "unmade"); }

const char *wasi_missing_path(const struct wasi *w, uint64_t *count)
{
    assert_ptr_equal(w, wasi);
    *count = missed ? 3 : 0;
    return missed ? "/missing" : "";
}

const char *wasi_refused(const struct wasi *w, uint64_t *count, char *why, size_t cap)
{
    assert_ptr_equal(w, wasi);
    *count = missed ? 2 : 0;
    snprintf(why, cap, "%s", missed ? "a link" : "");
    return missed ? "/refused" : "";
}

struct words_lost wasi_words_lost(const struct wasi *w) { return (void)w, lost; }

const struct wasi_parts net_parts = {.end = NULL};
const struct grant_kind etc_grant = {.ops = NULL};

bool tmp_make(struct tmp *tmp, struct failure *why)
{
    static char made[] = "/made";
    tmp->path = made;
    return step("tmp") || failure_set(why, "--tmp: no space");
}

void tmp_remove(struct tmp *tmp, struct kick *k)
{
    assert_ptr_equal(k, &kick);
    step(tmp->path ? "remove" : "no-tmp");
}

bool vcpu_run(struct vm *of, struct wasi *w, struct end *end)
{
    assert_true(of == vm && w == wasi);
    step("run");
    validated = given->validate_only;
    message("a word of the run");
    *end = run_ends;
    end->text = run_ends.text ? strdup(run_ends.text) : NULL;
    return comes_back;
}

bool exports_start(struct exports *e, struct vm *of, struct wasi *w, struct end *end)
{
    assert_true(of == vm && w == wasi && e->vcpu == NULL);
    step("start");
    *end = run_ends;
    return end->kind == ENDED_NOT;
}

/* of the instance whose guest ends within a call */
static struct end *dies;

int exports_find(struct exports *e, const char *name, uint32_t *func, char *sig)
{
    (void)e;
    asked.finds++;
    assert_int_equal(entered, 1);
    *func = (uint32_t)strlen(name);
    strcpy(sig, guest.sig);
    if (guest.found == WASMVM_ENDED)
        *dies = (struct end){.kind = ENDED_TRAP, .text = strdup("unreachable")};
    return guest.found;
}

int exports_call(struct exports *e, uint32_t func, const uint64_t *args, uint32_t n,
                 uint64_t *results, uint32_t nresults)
{
    (void)e;
    asked.calls++;
    assert_int_equal(entered, 1);
    asked.func = func, asked.n = n, asked.nresults = nresults;
    memcpy(asked.in, args, n * sizeof *args);
    memcpy(results, guest.results, nresults * sizeof *results);
    if (guest.called == WASMVM_ENDED)
        *dies = (struct end){.kind = ENDED_TIMEOUT};
    return guest.called;
}

void exports_stop(struct exports *e) { (void)e, step("stop"); }
void cputime_enter(struct cputime *c) { assert_ptr_equal(c, &kick.cputime), entered++; }
void cputime_leave(struct cputime *c) { assert_ptr_equal(c, &kick.cputime), entered--; }
void cputime_process(struct cputime *c, pid_t pid) { (void)c, (void)pid; }

void kick_deadline(struct kick *k, uint64_t deadline_ns)
{
    assert_ptr_equal(k, &kick);
    assert_in_range(ndeadlines, 0, 7);
    deadlines[ndeadlines++] = deadline_ns;
}

void kick_stop(struct kick *k, enum end_kind kind, uint32_t number)
{
    assert_ptr_equal(k, &kick);
    stopped.kind = kind, stopped.number = number;
}

bool kick_pending(struct kick *k) { return (void)k, false; }
enum end_kind kick_reason(const struct kick *k, uint32_t *n) { return (void)k, (void)n, ENDED_NOT; }
static int guarded;
void write_guard_enter(struct write_guard *g) { (void)g, guarded++; }
void write_guard_leave(struct write_guard *g) { (void)g, guarded--; }

static unsigned raised[3]; /* how many, the last one, ends */
static enum signal_taken taken;
enum signal_taken signals_raise(struct signals *s, unsigned number)
{
    assert_ptr_equal(s, given->signals);
    raised[0]++, raised[1] = number;
    return taken;
}
void signals_end(struct signals *s) { assert_ptr_equal(s, given->signals), raised[2]++; }
void ask_stack_look(void) { step("look"); }
static uint32_t services;
void host_services(struct wasmvm_host *host) { (void)host, services++; }

/* ---- the fixture ---- */

static wasmvm_config *config;
static wasmvm_module *module;
static wasmvm_instance *i;
static wasmvm_error error;

static void log_keep(void *context, const char *line)
{
    assert_ptr_equal(context, logged);
    strncat(logged, line, sizeof logged - strlen(logged) - 2);
    strcat(logged, "\n");
}

static int setup(void **state)
{
    (void)state;
    record[0] = logged[0] = 0;
    fails = NULL;
    run_ends = (struct end){.kind = ENDED_EXIT};
    comes_back = true;
    snapped = missed = validated = false;
    entered = 0, ndeadlines = 0;
    lost = (struct words_lost){0};
    memset(&guest, 0, sizeof guest);
    memset(&asked, 0, sizeof asked);
    memset(raised, 0, sizeof raised);
    services = 0;
    memset(&stopped, 0, sizeof stopped);
    guest.sig = ":";
    config = wasmvm_config_new();
    assert_int_equal(wasmvm_config_log(config, log_keep, logged), WASMVM_OK);
    module = wasmvm_module_bytes("wasm", 4, "prog.wasm", NULL);
    error = (wasmvm_error){0};
    i = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    wasmvm_instance_free(i);
    wasmvm_config_free(config);
    wasmvm_module_free(module);
    assert_int_equal(entered, 0);
    assert_int_equal(guarded, 0);
    return 0;
}

static void make(void)
{
    i = wasmvm_instance_new(module, config, &error);
    assert_non_null(i);
    dies = &i->end;
    record[0] = 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
