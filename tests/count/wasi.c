/* The little of WASI preview 1 that a program which computes and prints needs.  Clock and random
 * bytes are the same in each run, so that two runs count the same. */
#include "tests/count/count.h"

#include <stdio.h>
#include <string.h>

enum { SUCCESS = 0, BADF = 8, NOSYS = 52 };

static uint8_t *at(struct instance *i, uint64_t address)
{
    uint64_t bytes;
    return instance_memory(i, 0, &bytes) + address;
}

static uint32_t get32(struct instance *i, uint64_t address)
{
    uint32_t v;
    memcpy(&v, at(i, address), 4);
    return v;
}

static void put32(struct instance *i, uint64_t address, uint32_t v)
{
    memcpy(at(i, address), &v, 4);
}

static void put64(struct instance *i, uint64_t address, uint64_t v)
{
    memcpy(at(i, address), &v, 8);
}

static uint32_t args_sizes_get(struct program *p, struct instance *i, const struct cell *a)
{
    uint32_t bytes = 0;
    for (uint32_t k = 0; k < p->nargs; k++)
        bytes += (uint32_t)strlen(p->args[k]) + 1;
    put32(i, a[0].lo, p->nargs);
    put32(i, a[1].lo, bytes);
    return SUCCESS;
}

static uint32_t args_get(struct program *p, struct instance *i, const struct cell *a)
{
    uint64_t text = a[1].lo;
    for (uint32_t k = 0; k < p->nargs; k++) {
        put32(i, a[0].lo + 4 * k, (uint32_t)text);
        memcpy(at(i, text), p->args[k], strlen(p->args[k]) + 1);
        text += strlen(p->args[k]) + 1;
    }
    return SUCCESS;
}

static uint32_t environ_sizes_get(struct program *p, struct instance *i, const struct cell *a)
{
    (void)p;
    put32(i, a[0].lo, 0);
    put32(i, a[1].lo, 0);
    return SUCCESS;
}

static uint32_t nothing(struct program *p, struct instance *i, const struct cell *a)
{
    (void)p, (void)i, (void)a;
    return SUCCESS;
}

static uint32_t no_descriptor(struct program *p, struct instance *i, const struct cell *a)
{
    (void)p, (void)i, (void)a;
    return BADF;
}

static uint32_t clock_time_get(struct program *p, struct instance *i, const struct cell *a)
{
    put64(i, a[2].lo, p->now_ns += 1000);
    return SUCCESS;
}

static uint32_t random_get(struct program *p, struct instance *i, const struct cell *a)
{
    for (uint64_t k = 0; k < a[1].lo; k++) {
        p->random = p->random * 6364136223846793005 + 1442695040888963407;
        *at(i, a[0].lo + k) = (uint8_t)(p->random >> 33);
    }
    return SUCCESS;
}

static uint32_t fd_write(struct program *p, struct instance *i, const struct cell *a)
{
    (void)p;
    uint32_t all = 0;
    for (uint64_t k = 0; k < a[2].lo; k++) {
        uint32_t n = get32(i, a[1].lo + 8 * k + 4);
        fwrite(at(i, get32(i, a[1].lo + 8 * k)), 1, n, a[0].lo == 1 ? stdout : stderr);
        all += n;
    }
    put32(i, a[3].lo, all);
    return SUCCESS;
}

static uint32_t fd_fdstat_get(struct program *p, struct instance *i, const struct cell *a)
{
    (void)p;
    if (a[0].lo > 2)
        return BADF;
    memset(at(i, a[1].lo), 0, 24);
    *at(i, a[1].lo) = 2; /* a character device */
    memset(at(i, a[1].lo + 8), 0xff, 16);
    return SUCCESS;
}

/* All clocks that are waited for are over at once; the time goes on by the first one's. */
static uint32_t poll_oneoff(struct program *p, struct instance *i, const struct cell *a)
{
    uint32_t n = 0;
    for (uint64_t k = 0; k < a[2].lo; k++) {
        uint64_t in = a[0].lo + 48 * k, out = a[1].lo + 32 * n;
        if (*at(i, in + 8) != 0)
            continue;
        memset(at(i, out), 0, 32);
        memcpy(at(i, out), at(i, in), 8);
        uint64_t ns;
        memcpy(&ns, at(i, in + 24), 8);
        p->now_ns = *at(i, in + 40) ? (ns > p->now_ns ? ns : p->now_ns) : p->now_ns + ns;
        n++;
    }
    put32(i, a[3].lo, n);
    return SUCCESS;
}

static const struct call {
    const char *name;
    uint32_t (*serve)(struct program *, struct instance *, const struct cell *);
} calls[] = {
    { "args_sizes_get", args_sizes_get },
    { "args_get", args_get },
    { "environ_sizes_get", environ_sizes_get },
    { "environ_get", nothing },
    { "clock_time_get", clock_time_get },
    { "random_get", random_get },
    { "fd_write", fd_write },
    { "fd_fdstat_get", fd_fdstat_get },
    { "fd_fdstat_set_flags", nothing },
    { "fd_prestat_get", no_descriptor },
    { "poll_oneoff", poll_oneoff },
    { "sched_yield", nothing },
};
enum { CALLS = sizeof calls / sizeof *calls };

/* ---- as the engine calls it ---- */

struct binding { struct program *program; const struct call *call; };

static enum trap serve(void *data, struct instance *caller, struct cell *cells)
{
    const struct binding *b = data;
    cells[0] = (struct cell){ b->call ? b->call->serve(b->program, caller, cells) : NOSYS, 0 };
    return TRAP_NONE;
}

static enum trap proc_exit(void *data, struct instance *caller, struct cell *cells)
{
    struct program *p = data;
    (void)caller;
    p->exited = true;
    p->status = (uint32_t)cells[0].lo;
    return TRAP_EXIT;
}

bool program_resolve(void *self, struct name module, struct name field, enum extern_kind kind,
                     const struct functype *type, struct extern_ref *out)
{
    static struct binding bindings[CALLS + 1];
    (void)module;
    if (kind != EXTERN_FUNC)
        return false;
    size_t k = 0;
    while (k < CALLS && (strlen(calls[k].name) != field.len ||
                         memcmp(calls[k].name, field.bytes, field.len) != 0))
        k++;
    bindings[k] = (struct binding){ self, k < CALLS ? &calls[k] : NULL };
    *out = (struct extern_ref){ .kind = kind, .host = { serve, &bindings[k] }, .host_type = *type };
    if (field.len == 9 && memcmp(field.bytes, "proc_exit", 9) == 0)
        out->host = (struct host_func){ proc_exit, self };
    return true;
}
