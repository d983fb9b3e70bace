/* wasmvm with one way of calls for everything that it runs: BUILD/modes/MODE/wasmvm ARGS...
 *
 * Becomes BUILD/wasmvm, with --hypercall=MODE before all other words; the folder that it lies in says which.  It stays
 * the same process with the same name, so that the tests need not know: they get it in wasmvm's place.  Under the name
 * that takes no options (wasmvm-binfmt) nothing is added. */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char self[PATH_MAX] = "", option[64], real[PATH_MAX + 32];
    char **words = calloc((size_t)argc + 2, sizeof *words);
    if (!words || argc < 1 || readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return perror("mode"), 125;
    char *folder = dirname(self);
    snprintf(option, sizeof option, "--hypercall=%s", strrchr(folder, '/') + 1);
    snprintf(real, sizeof real, "%s/../../wasmvm", folder);
    const char *name = strrchr(argv[0], '/');
    int n = 0, first = argc > 1 && strcmp(argv[1], "run") == 0 ? 2 : 1;
    for (int i = 0; i < argc; i++) {
        if (i == first && strcmp(name ? name + 1 : argv[0], "wasmvm-binfmt") != 0)
            words[n++] = option;
        words[n++] = argv[i];
    }
    execv(real, words);
    perror(real);
    return 125;
}
