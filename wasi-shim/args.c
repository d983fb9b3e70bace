/* Arguments and environment, from the boot record.
 *
 * Both are lists of NUL-terminated strings, one after the other.  The module gets the strings as
 * they stand, and an array with the address of each. */
#include "wasi-shim/shim.h"

struct strings { const char *bytes; uint32_t len, count; };

static struct strings args(const struct control *control)
{
    const struct boot_record *boot = &control->boot;
    return (struct strings){(const char *)control + boot->args_off, boot->args_len, boot->argc};
}

static struct strings environ(const struct control *control)
{
    const struct boot_record *boot = &control->boot;
    return (struct strings){(const char *)control + boot->env_off, boot->env_len, boot->envc};
}

static uint32_t put_strings(const struct linear *memory, struct strings strings, uint32_t array,
                            uint32_t buffer)
{
    if (!linear_holds(memory, array, 4ull * strings.count) ||
        !linear_put(memory, buffer, strings.bytes, strings.len))
        return WASI_FAULT;
    uint32_t at = 0;
    for (uint32_t i = 0; i < strings.count && at < strings.len; i++) {
        linear_put_u32(memory, array + 4ull * i, buffer + at);
        while (at < strings.len && strings.bytes[at++] != 0)
            ;
    }
    return WASI_SUCCESS;
}

static uint32_t put_sizes(const struct linear *memory, struct strings strings, uint32_t count,
                          uint32_t bytes)
{
    if (!linear_holds(memory, count, 4) || !linear_holds(memory, bytes, 4))
        return WASI_FAULT;
    linear_put_u32(memory, count, strings.count);
    linear_put_u32(memory, bytes, strings.len);
    return WASI_SUCCESS;
}

bool answer_args_get(struct shim_call *call)
{
    const struct args_get_args *to = args_get_decode(call->args);
    call->error = put_strings(&call->memory, args(call->shim->control), to->argv, to->buffer);
    return true;
}

bool answer_args_sizes_get(struct shim_call *call)
{
    const struct args_sizes_get_args *to = args_sizes_get_decode(call->args);
    call->error = put_sizes(&call->memory, args(call->shim->control), to->count_out, to->bytes_out);
    return true;
}

bool answer_environ_get(struct shim_call *call)
{
    const struct environ_get_args *to = environ_get_decode(call->args);
    call->error = put_strings(&call->memory, environ(call->shim->control), to->environ, to->buffer);
    return true;
}

bool answer_environ_sizes_get(struct shim_call *call)
{
    const struct environ_sizes_get_args *to = environ_sizes_get_decode(call->args);
    call->error = put_sizes(&call->memory, environ(call->shim->control), to->count_out,
                            to->bytes_out);
    return true;
}
