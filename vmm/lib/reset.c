/* Instances that are taken back: to the state before the module's first instruction, or to one
 * between two calls.
 *
 * Guest memory and the CPU are copied back (machine/snapshot.c).  Of the host's side nothing is
 * taken back: it was closed at the run's end, and all that the configuration names is opened anew,
 * as for any start. */
#include <stdlib.h>
#include <string.h>

#include "vmm/lib/lib.h"

/* What stands against it, of the configuration; NULL: nothing does. */
static const char *unfit(const wasmvm_instance *i)
{
    const struct settings *set = i->config.set;
    if (i->loaded.n)
        return "it has plug-ins, whose state is theirs";
    if (i->from->stdio_own)
        return "the process's own streams are the program's to close";
    if (set->memory_fd)
        return "others share its memory";
    if (set->began_ns || set->cpu_began_ns)
        return "its time is counted from a moment that was";
    for (uint32_t k = 0; k < set->sockets.n; k++)
        if (set->sockets.at[k].taken)
            return "a socket was given away to one run";
    return NULL;
}

/* The next run's time begins, and all that is counted. */
static void counts_clear(wasmvm_instance *i)
{
    struct run_stats fresh = {.timeline = i->stats.timeline};
    memcpy(fresh.clock_source, i->stats.clock_source, sizeof fresh.clock_source);
    fresh.clocks_by_calls = i->stats.clocks_by_calls;
    fresh.start_ns = i->prepared_ns = clock_now_ns();
    i->stats = fresh;
    if (i->stats.timeline) {
        memset(i->stats.timeline, 0, sizeof *i->stats.timeline);
        i->stats.timeline->began_ns = fresh.start_ns;
    }
    for (uint32_t k = 0; k < i->host.n; k++)
        i->host.entries[k].calls = 0;
    i->outlet.lost = 0;
}

static int lost(wasmvm_instance *i, struct work *work, wasmvm_error *error)
{
    instance_fail(i);
    work_leave(i, work);
    return embed_failed(i, error);
}

/* The guest loads the module, and stops before its first instruction. */
static int load(wasmvm_instance *i, wasmvm_error *error)
{
    struct work work;
    work_enter(i, &work);
    state_set(i, STATE_STARTED);
    time_limit(i, true);
    instance_run(i);
    time_limit(i, false);
    if (i->end.kind == ENDED_NOT) {
        if (!snapshot_take(i->vm, true, &i->failure))
            return lost(i, &work, error);
        counts_clear(i);
        state_set(i, STATE_PREPARED);
        work_leave(i, &work);
        return WASMVM_OK;
    }
    instance_over(i);
    work_leave(i, &work);
    return embed_ended(i, error);
}

/* ---- a module kept alive, between two calls ---- */

/* Its thread ends, and leaves the guest where it waits for a call. */
static void pause_calls(wasmvm_instance *i)
{
    exports_stop(&i->outside);
    free(i->end.text);
    i->end = (struct end){.kind = ENDED_NOT};
}

static int go_on(wasmvm_instance *i, struct work *work, wasmvm_error *error)
{
    bool good = exports_resume(&i->outside, i->vm, i->wasi, &i->end);
    if (good)
        state_set(i, STATE_ALIVE);
    else
        instance_over(i);
    work_leave(i, work);
    return good ? WASMVM_OK : embed_ended(i, error);
}

static const char *unfit_alive(wasmvm_instance *i)
{
    if (i->confined)
        return "its process is confined";
    if (i->signals.bell >= 0)
        return "it has asked for signals";
    return wasi_streams_keep(i->wasi, &i->streams)
               ? NULL
               : "its descriptors are not those of its start, which a reset would open";
}

static int keep_alive(wasmvm_instance *i, wasmvm_error *error)
{
    struct work work;
    const char *why = unfit_alive(i);
    if (why)
        return embed_error(error, WASMVM_E_USAGE, "%s: no snapshot can be taken: %s",
                           i->module->name, why);
    work_enter(i, &work);
    pause_calls(i);
    if (!snapshot_take(i->vm, false, &i->failure))
        return lost(i, &work, error);
    return go_on(i, &work, error);
}

static int learn(wasmvm_instance *i, wasmvm_error *error);

int wasmvm_snapshot(wasmvm_instance *i, wasmvm_error *error)
{
    const char *why = unfit(i);
    if (snapshot_starts(i->vm) && i->state == STATE_OVER)
        return learn(i, error);
    if (i->state != STATE_FRESH && i->state != STATE_ALIVE)
        return embed_error(error, WASMVM_E_USAGE,
                           "%s: a snapshot is taken in place of wasmvm_prepare, or of a module "
                           "between two calls", i->module->name);
    if (why)
        return embed_error(error, WASMVM_E_USAGE, "%s: no snapshot can be taken: %s",
                           i->module->name, why);
    if (i->state == STATE_ALIVE)
        return keep_alive(i, error);
    i->config.snapshot = true;
    int code = wasmvm_prepare(i, error);
    return code == WASMVM_OK ? load(i, error) : code;
}

/* ---- back ---- */

static const char *stays(const wasmvm_instance *i)
{
    if (!snapshot_is(i->vm))
        return "there is no snapshot of it";
    if (i->confined)
        return "its process is confined";
    if (i->state != STATE_OVER)
        return "its run is not over";
    return instance_returns(i) ? NULL : "it did not end by itself";
}

static bool back(wasmvm_instance *i, bool learns)
{
    if (!(learns ? snapshot_learn : snapshot_back)(i->vm, &i->failure))
        return false;
    if (i->config.set->reset_check && snapshot_differs(i->vm))
        return failure_set(&i->failure, "%s: the page at 0x%llx is not as it was", i->module->name,
                           (unsigned long long)snapshot_differs(i->vm));
    return instance_open(i) &&
           (snapshot_starts(i->vm) || wasi_streams_back(i->wasi, &i->streams) ||
            failure_set(&i->failure, "%s: its standard streams are others", i->module->name));
}

void instance_end_alive(wasmvm_instance *i)
{
    struct work work;
    if (i->state != STATE_ALIVE || !snapshot_is(i->vm) || i->confined)
        return;
    work_enter(i, &work);
    exports_stop(&i->outside);
    instance_over(i);
    work_leave(i, &work);
}

static int take_back(wasmvm_instance *i, bool learns, wasmvm_error *error)
{
    struct work work;
    instance_end_alive(i);
    const char *why = stays(i);
    if (why)
        return embed_error(error, WASMVM_E_USAGE, "%s: it cannot be taken back: %s",
                           i->module->name, why);
    state_set(i, STATE_STARTED);
    kick_renew(vm_kick(i->vm));
    work_enter(i, &work);
    free(i->end.text);
    i->end = (struct end){.kind = ENDED_NOT};
    i->tmp = TMP_NONE;
    counts_clear(i);
    if (!back(i, learns))
        return lost(i, &work, error);
    i->written = false;
    i->resets += !learns;
    i->stats.start_ns = i->prepared_ns = clock_now_ns();
    if (!snapshot_starts(i->vm))
        return go_on(i, &work, error);
    state_set(i, STATE_PREPARED);
    work_leave(i, &work);
    return WASMVM_OK;
}

int wasmvm_reset(wasmvm_instance *i, wasmvm_error *error)
{
    return take_back(i, false, error);
}

static int learn(wasmvm_instance *i, wasmvm_error *error)
{
    int code = take_back(i, true, error);
    return code == WASMVM_OK ? load(i, error) : code;
}
