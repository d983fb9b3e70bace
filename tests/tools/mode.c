/* wasmvm with one way of calls for everything that it runs: BUILD/modes/MODE/wasmvm ARGS...
 *
 * Becomes BUILD/wasmvm, with --hypercall=MODE before all other words; the folder that it lies in
 * says which.  Under `warm` it is --cache-now, with WASMVM_CACHE=BUILD/modes/warm/store: each start
 * after the first of a module goes on from an image, and a suite that runs twice is warm the second
 * time.  Under `noavx` no word is added, and the C library is told that the CPU has no AVX: so the
 * engine emits the other form of each float operation.  It stays the same process with the same
 * name, so that the tests need not know: they get it in wasmvm's place.  Under the name that takes
 * no options (wasmvm-binfmt), and to subcommands that run no machine themselves, nothing is added.
 */
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where among the words the option stands, or 0 for nowhere. */
static int place(int argc, char **argv)
{
#define COMMAND(name) #name,
    static const char *const commands[] = {
#include "vmm/cli/commands.def"
    };
#undef COMMAND
    const char *slash = strrchr(argv[0], '/');
    if (strcmp(slash ? slash + 1 : argv[0], "wasmvm-binfmt") == 0)
        return 0;
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i]) == 0)
            return i == 0 ? 2 : 0; /* the first one runs a module */
    return 1;
}

int main(int argc, char **argv)
{
    char self[PATH_MAX] = "", option[PATH_MAX + 32], real[PATH_MAX + 32];
    char **words = calloc((size_t)argc + 3, sizeof *words);
    if (!words || argc < 1 || readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return perror("mode"), 125;
    char *folder = dirname(self);
    const char *mode = strrchr(folder, '/') + 1;
    bool warm = strcmp(mode, "warm") == 0, noavx = strcmp(mode, "noavx") == 0;
    snprintf(option, sizeof option, warm ? "%s/store" : "--hypercall=%s", warm ? folder : mode);
    if (warm)
        setenv("WASMVM_CACHE", option, 1);
    if (noavx)
        setenv("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX,-AVX2", 1);
    /* What a test preloads needs the dynamic twin. */
    snprintf(real, sizeof real, "%s/../../wasmvm%s", folder,
             getenv("LD_PRELOAD") ? "-dynamic" : "");
    int n = 0, at = noavx ? 0 : place(argc, argv);
    for (int i = 0; i < argc; i++) {
        if (i == at && at)
            words[n++] = warm ? (char *)"--cache-now" : option;
        words[n++] = argv[i];
    }
    execv(real, words);
    perror(real);
    return 125;
}
