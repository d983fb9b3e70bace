/* The words of `wasmvm run`: its options, the module, and the program's own.
 *
 *   wasmvm [run] [OPTIONS] MODULE.wasm [OPTIONS] [--] [ARGS...]
 *
 * Owns the rules of where an option may stand.  Opens nothing and changes nothing outside the
 * configuration that it fills.  The program's words are a part of argv. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cli/cli.h"

/* ---- the table ---- */

static const struct {
#define NUMBER(name, field, otherwise, least, most, what) struct bounds name;
#include "vmm/base/settings.def"
} bounds = {
#define NUMBER(name, field, otherwise, least, most, what) .name = { (least), (most) },
#include "vmm/base/settings.def"
};

#ifdef WASMVM_SANITIZED
#define JAIL_USUAL JAIL_NEVER /* a sanitizer makes calls of its own */
#else
#define JAIL_USUAL JAIL_ON
#endif
#define GRACE_NS 30000000000u /* as container runtimes and service managers have it, or more */
static const struct bounds any_number = { 0, INT64_MAX }, from_one = { 1, INT64_MAX };

/* The setters of kinds, as those of numbers. */
#define CHOICE(name, field, type, last, what)                                    \
    static int choose_##name(wasmvm_config *c, uint64_t which)                    \
    {                                                                             \
        return wasmvm_config_##name(c, (enum wasmvm_##name)which);                \
    }
#include "vmm/base/settings.def"

_Static_assert(offsetof(struct command, module) == 0, "no option's own place is 0");

const struct option run_options[] = {
#define SET(setting) .bounds = &bounds.setting, .number = wasmvm_config_##setting
#define CHOOSE(setting) .number = choose_##setting
#define SAY(setting) .text = wasmvm_config_##setting
#define NET(rule) .net = 1 + WASMVM_NET_##rule
#define ANY_NUMBER .bounds = &any_number
#define FROM_ONE .bounds = &from_one
#define OWN(member) .own = offsetof(struct command, member)
#define OPTION(n, k, v, h, ...) { .name = n, .kind = k, .value = v, .help = h, __VA_ARGS__ },
#include "vmm/cli/options.def"
#undef OPTION
    { .name = NULL },
};

const char run_help_head[] =
    "wasmvm [run] [OPTIONS] MODULE.wasm [OPTIONS] [--] [ARGS...]\n"
    "Runs a WebAssembly program (WASI preview 1) in a virtual machine of its own.\n"
    "\n"
    "  wasmvm app.wasm --dir /data          run it; it may use /data, nothing else\n"
    "  wasmvm [OPTIONS] -- MODULE ARGS...   what scripts and services write\n"
    "  wasmvm go run . --listen :8080       builds and runs Go (wasmvm go --help)\n"
    "\n";
const char run_help_tail[] =
    "\n"
    "SIZE: bytes, or K, M, G.  TIME: seconds, or ms, s, m.  More: man wasmvm\n";

/* ---- reading ---- */

/* Walks the words up to the program's own; returns the index of the first of those. */
static int words_read(const struct target *t, const struct start *start)
{
    struct command *command = t->own;
    char **argv = start->argv;
    bool for_good;
    int argc = start->argc, at = options_read(t, start, &for_good);
    if (at >= argc)
        fail("no module given (write wasmvm MODULE.wasm, or see wasmvm --help)");
    command->module = argv[at++];
    if (!*command->module)
        fail("the module's name is empty (write wasmvm MODULE.wasm)");
    if (for_good)
        return at;
    while (at < argc) {
        if (strcmp(argv[at], "--") == 0)
            return at + 1;
        if (!option_read(t, argv, argc, &at, true))
            break;
    }
    return at;
}

/* The library's first complaint, or what is wrong with the whole. */
static void check(const wasmvm_config *config)
{
    wasmvm_error error;
    if (wasmvm_config_check(config, &error) != WASMVM_OK)
        fail("%s", error.text);
}

wasmvm_config *run_parse(struct command *command, const struct start *start)
{
    static const char *const systemds[] = { "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES" };
    wasmvm_config *config = allocated(wasmvm_config_new());
    struct given given;
    *command = (struct command){ .grace_ns = GRACE_NS, .jail = JAIL_USUAL };
    given_begin(&given, start->argc > 0 ? (size_t)start->argc : 0);
    int first = words_read(&(struct target){ start->which, command, config, &given }, start);
    command->argc = start->argc - first;
    command->argv = start->argv + first;
    for (int i = 0; i < command->argc; i++)
        wasmvm_config_arg(config, command->argv[i]);
    for (size_t i = 0; command->listen_fds && i < sizeof systemds / sizeof *systemds; i++)
        given_unset(&given, systemds[i]);
    given_settle(&given, config, &command->writable);
    cache_choose(command->cache, config);
    wasmvm_config_stdio_own(config);
    wasmvm_config_log_fd(config, STDERR_FILENO);
    wasmvm_config_abandon(config);
    check(config);
    return config;
}
