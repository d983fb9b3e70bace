/* `wasmvm go`: becomes wasmvm-go (go/), which makes the go command build for virtual machines. That
 * program lies in libexec/wasmvm beside bin/, or beside this one where both lie in a build
 * directory. */
#include <string.h>

#include "vmm/cli/cli.h"

/* All other words are the go command's. */
const struct option go_options[] = { { .name = "help", .kind = HELP }, { .name = NULL } };
const char go_help_head[] =
    "wasmvm go COMMAND [WORDS...]\n"
    "The go command, for programs that run in virtual machines: the same words and\n"
    "exit codes.  Package net uses the host's network, as far as wasmvm lets it.\n"
    "\n"
    "  wasmvm go run . --allow-listen :8080     build it and run it: a server\n"
    "  wasmvm go test ./...                     each package sees its directory only\n"
    "  wasmvm go build -o app.wasm .            for: wasmvm app.wasm OPTIONS\n"
    "  wasmvm go overlay                        print the -overlay file's name\n"
    "\n"
    "Behind the package `go run` takes wasmvm's options; all after -- is the\n"
    "program's own.  GOWASIRUNTIMEARGS gives options to `go run` and `go test`.\n"
    "Go 1.21 to 1.27 are known.  `wasmvm go help` is the go command's own help.\n";
const char go_help_tail[] = "";

int go_command(const struct start *start)
{
    char **words = start->argv + start->first - 1; /* the name, then what is behind `go` */
    struct target none = { .which = start->which };
    int at = start->first;
    if (at < start->argc && strcmp(start->argv[at], "--help") == 0)
        option_read(&none, start->argv, start->argc, &at, false);
    program_become("go", "wasmvm-go", words);
}
