/* What a run was granted, in the jail's words: wasmvm_confine. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/jail/jail.h"
#include "vmm/lib/lib.h"

#define PATHS_BESIDE 3 /* directories: two of --tmp's; a stream */

static bool stream_is(int fd, mode_t kind)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

/* Whether the program has sockets from the start: those of options, or as standard streams. */
static bool sockets_open(const wasmvm_instance *i)
{
    const struct settings *set = i->config.set;
    bool any = set->listen.n || set->dial.n || set->sockets.n;
    for (int fd = 0; fd < 3; fd++)
        any |= stream_is(i->config.stdio ? i->config.stdio[fd] : fd, S_IFSOCK);
    return any;
}

static unsigned granted(const wasmvm_instance *i)
{
    const struct settings *set = i->config.set;
    bool net = settings_network(set);
    unsigned all = 0;
    for (uint32_t k = 0; k < i->config.ngrants; k++)
        if (!i->config.grants[k].kind ||
            !net) /* the sealed /etc is in memory, and NET has what it needs */
            all |= JAIL_FILES;
    if (net)
        all |= JAIL_NET;
    if (sockets_open(i))
        all |= JAIL_SOCKETS;
    if (set->allow_unix)
        all |= JAIL_UNIX;
    for (uint32_t k = 0; k < i->loaded.n; k++)
        if (i->loaded.at[k].process)
            all |= i->loaded.at[k].flags & WASMVM_PROVIDER_CALLER ? JAIL_SOCKETS : JAIL_PROCESS;
    return all;
}

/* Functions of a library that run in this process may do anything. */
static bool foreign_code(const wasmvm_instance *i)
{
    bool foreign = i->from->nfuncs != 0;
    for (uint32_t k = 0; k < i->loaded.n; k++)
        foreign |= !i->loaded.at[k].process && !(i->loaded.at[k].flags & WASMVM_PROVIDER_APART);
    return foreign;
}

static void path_add(struct jail_plan *plan, struct jail_path *to, int fd, enum jail_right right)
{
    if (fd >= 0)
        to[plan->npaths++] = (struct jail_path){ fd, right };
}

/* `above`: of --tmp's folder, where that goes too; the caller closes it. */
static struct jail_path *paths_make(wasmvm_instance *i, struct jail_plan *plan, int *above)
{
    bool read_only;
    uint32_t next = 0;
    struct jail_path *to = calloc(i->config.ngrants + PATHS_BESIDE, sizeof *to);
    if (!to)
        return NULL;
    for (int fd; (fd = wasi_granted(i->wasi, &next, &read_only)) >= 0;)
        path_add(plan, to, fd, read_only ? JAIL_READ : JAIL_WRITE);
    path_add(plan, to, i->tmp.folder, JAIL_REMOVE);
    *above = i->tmp.only ? openat(i->tmp.folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    path_add(plan, to, *above, JAIL_REMOVE);
    if (i->outlet.to_stream && stream_is(i->outlet.stream, S_IFCHR))
        path_add(plan, to, i->outlet.stream, JAIL_STREAM);
    plan->paths = to;
    return to;
}

/* The level as docs/security.md's table has it. */
static void level_say(const struct jail_plan *plan, char *out, size_t cap)
{
    static const struct { unsigned granted; const char *name; } names[] = {
        { JAIL_FILES, "files" }, { JAIL_SOCKETS, "open sockets" }, { JAIL_NET, "network" },
        { JAIL_UNIX, "unix sockets" }, { JAIL_PROCESS, "plug-in process" },
    };
    size_t n = 0;
    snprintf(out, cap, "%s", plan->weak ? "weak" : "nothing");
    for (size_t k = 0; !plan->weak && k < sizeof names / sizeof names[0]; k++)
        if (plan->granted & names[k].granted)
            n += (size_t)snprintf(out + n, cap - n, "%s%s", n ? ", " : "", names[k].name);
}

static bool confine(wasmvm_instance *i, bool weak)
{
    int above = -1;
    struct jail_plan plan = { .granted = granted(i), .weak = weak || foreign_code(i) };
    plan.files = plan.weak ? 0 : wasi_files_most(i->wasi); /* a library's are not ours to count */
    struct jail_path *paths = paths_make(i, &plan, &above);
    bool good = paths ? jail_enter(&plan, &i->failure)
                      : failure_set(&i->failure, "the jail: no memory");
    if (above >= 0)
        close(above);
    free(paths);
    if (good)
        level_say(&plan, i->stats.jail, sizeof i->stats.jail);
    return good;
}

int wasmvm_confine(wasmvm_instance *i, enum wasmvm_jail how, wasmvm_error *error)
{
    if (i->state != STATE_PREPARED)
        return embed_error(error, WASMVM_E_USAGE,
                           "%s: the instance is confined after wasmvm_prepare", i->module->name);
    i->confined = true;
    if (confine(i, how == WASMVM_JAIL_WEAK))
        return WASMVM_OK;
    instance_fail(i);
    return embed_failed(i, error);
}
