/* WASI's functions as imports: which there are, with which types, and what happens when one is
 * called.
 *
 * Names and types are calls.def's; where a name has two types, the import's number of parameters
 * chooses.  A call is answered by its function in `answers`, where it has one and that function
 * knows the answer; else it is forwarded. */
#include "wasi-shim/hypercall.h"
#include "wasi-shim/shim.h"

/* sig: the wasm type in letters, the result after ':'. */
static const struct { const char *name, sig[SLOT_ARGS + 3]; } calls[WASI_CALLS] = {
#define ARG(name, kind) LETTER_##kind,
#define SPAN(name, kind) LETTER_##kind, LETTER_##kind,
#define OUT(name, kind) LETTER_PTR,
#define WASI_CALL(name, args, result) {#name, {args ':', RESULT_##result}},
#include "wasi-shim/calls.def"
};

static bool answer_sched_yield(struct shim_call *call)
{
    call->error = WASI_SUCCESS;
    return true;
}

static const answer_fn answers[WASI_CALLS] = {
    [CALL_args_get] = answer_args_get,
    [CALL_args_sizes_get] = answer_args_sizes_get,
    [CALL_environ_get] = answer_environ_get,
    [CALL_environ_sizes_get] = answer_environ_sizes_get,
    [CALL_clock_res_get] = answer_clock_res_get,
    [CALL_clock_time_get] = answer_clock_time_get,
    [CALL_fd_close] = answer_fd_close,
    [CALL_fd_fdstat_get] = answer_fd_fdstat_get,
    [CALL_fd_fdstat_set_flags] = answer_fd_fdstat_set_flags,
    [CALL_fd_read] = batch_read,
    [CALL_fd_write] = batch_write,
    [CALL_fd_prestat_get] = answer_fd_prestat_get,
    [CALL_fd_prestat_dir_name] = answer_fd_prestat_dir_name,
    [CALL_fd_readdir] = answer_fd_readdir,
    [CALL_sched_yield] = answer_sched_yield,
    [CALL_random_get] = answer_random_get,
};

static enum trap proc_exit(struct shim *shim, struct instance *caller,
                           const struct proc_exit_args *args)
{
    shim->exit_code = args->code;
    shim_publish(shim, instance_engine(caller));
    if (shim->control->boot.flags & BOOT_NETWORK)
        shim->control->stats.own_network = func_begins_used(caller, "net.fake");
    HYPERCALL(&shim->control->slot, proc_exit, .code = args->code);
    return TRAP_EXIT;
}

static bool buffer_good(const struct linear *memory, uint64_t iovec)
{
    return linear_holds(memory, (uint32_t)iovec, iovec >> 32);
}

/* The commonest reads and writes, those of one buffer, as fd_read_one and fd_write_one; false: it
 * is no such call. */
static bool forward_one(struct shim_call *call, enum call number)
{
    const struct fd_read_args *args = fd_read_decode(call->args); /* fd_write has the same */
    struct slot *slot = &call->shim->control->slot;
    uint64_t iovec;
    if ((number != CALL_fd_read && number != CALL_fd_write) || !call->shim->answers ||
        args->iovs_len != 1 || !linear_get(&call->memory, args->iovs, &iovec, sizeof iovec) ||
        !buffer_good(&call->memory, iovec) || !linear_holds(&call->memory, args->read_out, 4))
        return false;
    fd_read_one_encode(slot->args, &(struct fd_read_one_args){.fd = args->fd, .buffer = iovec,
                                                              .buffer_len = iovec >> 32});
    uint64_t result = hypercall_send(slot,
                                     number == CALL_fd_read ? CALL_fd_read_one : CALL_fd_write_one);
    call->error = (uint32_t)result;
    if (call->error == WASI_SUCCESS)
        linear_put_u32(&call->memory, args->read_out, result >> 32);
    return true;
}

/* Counters go out with every hypercall, so that they are nearly right where the monitor ends the
 * run. */
static void forward(struct shim_call *call, struct engine *engine, enum call number, unsigned nargs)
{
    shim_publish(call->shim, engine);
    preopen_watch(call->shim, number, call->args);
    fdstat_settle(call->shim, number, call->args, nargs);
    readdir_watch(call->shim, number);
    if (call->shim->control->batch.waiting)
        call->shim->control->batch.waiting = 0;
    if (forward_one(call, number))
        return;
    call->error = hypercall(&call->shim->control->slot, number, call->args, nargs);
    switch (number) {
    case CALL_clock_time_get: clock_forwarded(call); break;
    case CALL_fd_readdir: readdir_forwarded(call); break;
    case CALL_path_open: fdstat_opened(call); break;
    default: break;
    }
}

/* A host_fn: every WASI call of the module arrives here, or in clock_enter. */
static enum trap call_enter(void *data, struct instance *caller, struct cell *cells)
{
    const struct binding *binding = data;
    struct shim *shim = binding->shim;
    uint64_t args[SLOT_ARGS];
    for (uint32_t i = 0; i < binding->type.nparams; i++)
        args[i] = cells[i].lo;
    if (binding->number == CALL_proc_exit)
        return proc_exit(shim, caller, proc_exit_decode(args));

    struct shim_call call = {.shim = shim, .args = args};
    call.memory.base = instance_memory(caller, 0, &call.memory.bytes);
    answer_fn answer = shim->answers ? answers[binding->number] : NULL;
    if (answer && answer(&call))
        shim->control->stats.answered_in_guest[binding->number]++;
    else
        forward(&call, instance_engine(caller), binding->number, binding->type.nparams);
    cells[0].lo = call.error;
    return TRAP_NONE;
}

/* A parameter, by its name, in the cells of a call. */
#define PARAM(cells, call, name) ((cells)[offsetof(struct call##_args, name) / sizeof(uint64_t)].lo)

/* The commonest call of all, without what the others need. */
static enum trap clock_enter(void *data, struct instance *caller, struct cell *cells)
{
    struct shim *shim = ((const struct binding *)data)->shim;
    struct linear memory;
    memory.base = instance_memory(caller, 0, &memory.bytes);
    if (!shim->answers || !clock_at_once(shim, &memory, PARAM(cells, clock_time_get, clock),
                                       PARAM(cells, clock_time_get, ns_out)))
        return call_enter(data, caller, cells);
    shim->control->stats.answered_in_guest[CALL_clock_time_get]++;
    cells[0].lo = WASI_SUCCESS;
    return TRAP_NONE;
}

static void binding_init(struct binding *binding, struct shim *shim, enum call number)
{
    uint8_t *type = binding->types;
    binding->shim = shim;
    binding->number = number;
    binding->type.params = type;
    for (const char *letter = calls[number].sig; *letter; letter++) {
        if (*letter == ':')
            binding->type.results = type;
        else
            *type++ = *letter == 'I' ? VT_I64 : VT_I32;
    }
    binding->type.nparams = binding->type.results - binding->types;
    binding->type.nresults = type - binding->type.results;
}

void shim_init(struct shim *shim, struct control *control)
{
    *shim = (struct shim){.control = control, .answers = !(control->boot.flags & BOOT_CALL_ALL)};
    fdstat_init(shim);
    for (enum call i = 0; i < WASI_CALLS; i++)
        binding_init(&shim->bindings[i], shim, i);
}

static bool name_is(struct name name, const char *text)
{
    uint32_t i = 0;
    while (i < name.len && text[i] != 0 && name.bytes[i] == (uint8_t)text[i])
        i++;
    return i == name.len && text[i] == 0;
}

/* Older forms of functions; their names here are no names of imports.  WasmEdge's are told by their
 * types, those of wasi_unstable (snapshot 0) by the module's name. */
static const struct { enum call now, older; bool unstable; } twins[] = {
    {CALL_sock_accept, CALL_sock_accept_v1, false},
    {CALL_sock_recv_from, CALL_sock_recv_from_v1, false},
    {CALL_sock_getlocaladdr, CALL_sock_getlocaladdr_v1, false},
    {CALL_sock_getpeeraddr, CALL_sock_getpeeraddr_v1, false},
    {CALL_fd_filestat_get, CALL_fd_filestat_get_v0, true},
    {CALL_fd_seek, CALL_fd_seek_v0, true},
    {CALL_path_filestat_get, CALL_path_filestat_get_v0, true},
    {CALL_poll_oneoff, CALL_poll_oneoff_v0, true},
};
enum { TWINS = sizeof twins / sizeof twins[0] };

static enum call call_find(struct name module, struct name field)
{
    enum call i = 0;
    bool unstable = name_is(module, "wasi_unstable");
    if (!unstable && !name_is(module, "wasi_snapshot_preview1"))
        return WASI_CALLS;
    while (i < WASI_CALLS && !name_is(field, calls[i].name))
        i++;
    for (unsigned t = 0; t < TWINS; t++)
        if (i == twins[t].older)
            return WASI_CALLS;
    for (unsigned t = 0; unstable && t < TWINS; t++)
        if (twins[t].unstable && i == twins[t].now)
            return twins[t].older;
    return i;
}

static enum call call_of_type(const struct shim *shim, enum call number,
                              const struct functype *type)
{
    for (unsigned t = 0; t < TWINS; t++)
        if (!twins[t].unstable && number == twins[t].now &&
            type->nparams == shim->bindings[twins[t].older].type.nparams)
            return twins[t].older;
    return number;
}

bool shim_resolve(void *self, struct name module, struct name field, enum extern_kind kind,
                  const struct functype *type, struct extern_ref *out)
{
    struct shim *shim = self;
    enum call number = call_find(module, field);
    if (kind != EXTERN_FUNC || number == WASI_CALLS)
        return false;
    struct binding *binding = &shim->bindings[call_of_type(shim, number, type)];
    *out = (struct extern_ref){ .kind = EXTERN_FUNC,
                                .host_type = binding->type,
                                .host = { number == CALL_clock_time_get ? clock_enter : call_enter,
                                          binding } };
    return true;
}

enum {
    KNOWN_NAMES = 0
#define KNOWN_NAME(name) +1
#include "wasi-shim/known.def"
#undef KNOWN_NAME
};
_Static_assert(KNOWN_NAMES == ENGINE_KNOWN, "each of the engine's has a name");

void shim_publish(struct shim *shim, struct engine *engine)
{
    const struct engine_stats *from = engine_stats(engine);
    struct guest_stats *to = &shim->control->stats;
    to->funcs_total = from->funcs_total;
    to->funcs_compiled = from->funcs_compiled;
    to->funcs_known = from->funcs_known;
    to->known_kinds = from->known_kinds;
    to->body_bytes_total = from->body_bytes_total;
    to->body_bytes_compiled = from->body_bytes_compiled;
    to->code_bytes = from->code_bytes;
    to->heap_bytes = from->heap_bytes;
    to->parse_ns = from->parse_ns;
    to->validate_ns = from->validate_ns;
    to->compile_ns = from->compile_ns;
}
