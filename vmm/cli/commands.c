/* The subcommands.
 *
 *   wasmvm [COMMAND] ...
 *
 * A first word that is the name of one is one.  Any other word is a module's path, and so is the
 * name of a subcommand with a slash in it, behind `run`, or behind `--`. */
#include <string.h>

#include "vmm/base/frame.h"
#include "vmm/cli/cli.h"

#define BINFMT_NAME "wasmvm-binfmt"

/* What the library starts; nobody types its name. */
static const struct subcommand helper = {.name = "helper", .function = helper_command};

static const struct subcommand commands[] = {
#define COMMAND(name) { #name, name##_command, name##_options, name##_help_head, name##_help_tail },
#include "vmm/cli/commands.def"
#undef COMMAND
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void command_find(struct start *start)
{
    start->which = &commands[0];
    start->first = start->argc > 0;
    if (start->argc > 0 && strcmp(start->argv[0], HELPER_NAME) == 0) {
        start->which = &helper;
        return;
    }
    start->plain = start->argc > 0 && strcmp(base_name(start->argv[0]), BINFMT_NAME) == 0;
    for (size_t i = 0; i < sizeof commands / sizeof *commands && !start->plain && start->argc > 1;
         i++)
        if (strcmp(start->argv[1], commands[i].name) == 0) {
            start->which = &commands[i];
            start->first = 2;
        }
}
