/* `wasmvm-oci`: reads the words, edits what they name, and becomes the runtime. */
#include "oci/oci.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool same_file(const char *a, const char *b)
{
    struct stat as, bs;
    return stat(a, &as) == 0 && stat(b, &bs) == 0 && as.st_dev == bs.st_dev &&
           as.st_ino == bs.st_ino;
}

static _Noreturn void become(const struct words *w, const struct conf *conf)
{
    if (same_file(conf->runtime, "/proc/self/exe"))
        refuse("%s: the runtime is wasmvm-oci itself (runtime in oci.conf)", conf->runtime);
    execv(conf->runtime, words_handed(w));
    refuse("%s: %s", conf->runtime, strerror(errno));
}

int main(int argc, char **argv)
{
    struct words w;
    struct conf conf;
    bool machine = false;
    if (argc == 4 && strcmp(argv[1], "module") == 0) { /* runc has no such command */
        layout_module(argv[2], argv[3]);
        return 0;
    }
    if (argc == 5 && strcmp(argv[1], PLACED) == 0) {
        placed_check(argv[2], argv[3], argv[4]);
        return 0;
    }
    words_parse(&w, argc, argv);
    conf_read(&conf, w.conf);
    if (w.kind == COMMAND_RESTORE)
        refuse("restore: a virtual machine cannot be restored");
    if (w.kind == COMMAND_CREATE)
        machine = bundle_edit(&w, &conf);
    if (w.kind == COMMAND_EXEC)
        machine = exec_edit(&w, &conf);
    if (machine)
        kvm_hand(&w);
    become(&w, &conf);
}
