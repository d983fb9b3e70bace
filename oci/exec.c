/* exec: one more process in a running container, from the engine's process.json. */
#include "oci/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATE_MOST = 1 << 20, ABOVE = 64 };

/* ---- the container, as the runtime knows it ---- */

static _Noreturn void state_say(const struct words *w, const struct conf *conf, int to)
{
    struct list words = {0};
    list_add(&words, "wasmvm-oci");
    if (w->root)
        list_add(&words, text("--root=%s", w->root));
    list_add(&words, "state");
    list_add(&words, w->id);
    if (dup2(to, STDOUT_FILENO) == STDOUT_FILENO)
        execv(conf->runtime, (char **)words.at);
    _exit(1);
}

static struct json_object *state_ask(const struct words *w, const struct conf *conf)
{
    int ends[2], status;
    size_t n = 0;
    ssize_t got;
    if (pipe2(ends, O_CLOEXEC) != 0)
        refuse("exec: no pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        state_say(w, conf, ends[1]);
    close(ends[1]);
    char *bytes = allocated(calloc(1, STATE_MOST + 1));
    while (n < STATE_MOST && (got = read(ends[0], bytes + n, STATE_MOST - n)) > 0)
        n += (size_t)got;
    close(ends[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        refuse("exec: %s: the runtime does not know this container", w->id);
    return document_parse(bytes, n, "the container's state");
}

/* Its root as its processes see it, mounts included. */
static int root_of(struct json_object *state)
{
    int64_t pid = 0;
    if (!number_in(state, "pid", &pid) || pid <= 0)
        refuse("exec: the container is not running");
    return open(text("/proc/%lld/root", (long long)pid), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static struct json_object *config_of(struct json_object *state)
{
    const char *name = text_in(state, "bundle");
    int bundle = name ? open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (bundle < 0)
        refuse("exec: the container's bundle cannot be opened");
    return document_read(bundle, "config.json");
}

/* ---- the process ---- */

/* The engine's file stays as it is: it may lie where others write. */
static const char *handed(struct json_object *process, unsigned above)
{
    const char *bytes = json_object_to_json_string_ext(process, JSON_C_TO_STRING_PLAIN);
    size_t n = strlen(bytes);
    int made = memfd_create("process.json", MFD_CLOEXEC);
    int fd = made < 0 ? -1 : fcntl(made, F_DUPFD, (int)above + ABOVE);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
        refuse("exec: the process cannot be handed on: %s", strerror(errno));
    return text("/proc/self/fd/%d", fd);
}

static void native_check(const struct conf *conf, const char *program)
{
    if (!conf->native)
        refuse("exec: %s is no WebAssembly module: it would run without a virtual machine (native "
               "= allow in oci.conf)",
               program);
    note("exec: %s is no WebAssembly module: it runs without a virtual machine (native = allow)",
         program);
}

bool exec_edit(struct words *w, const struct conf *conf)
{
    struct stat ours;
    if (!conf->exec)
        refuse("exec: nothing may be started in a running container (exec = allow in oci.conf)");
    struct json_object *process = document_read(AT_FDCWD, w->process), *state = state_ask(w, conf);
    struct program program = {.root = root_of(state)};
    process_program(&program, process);
    struct machine machine = {
        .conf = conf, .module = module_find(&program), .kvm_fd = kvm_number(w)};
    if (!machine.module) {
        native_check(conf, program.args.at[0]);
        return false;
    }
    if (stat(conf->wasmvm, &ours) != 0 || !beneath_is(program.root, MONITOR, &ours))
        refuse("exec: %s: this container was not started as a module, and has no wasmvm",
               program.args.at[0]);
    struct json_object *config = config_of(state);
    machine.annotations = object_in(config, "annotations");
    limits_find(&machine.limits, object_in(object_in(config, "linux"), "resources"));
    process_edit(process, &machine);
    w->process = handed(process, machine.kvm_fd);
    return true;
}
