/* create and run: the bundle's config.json. */
#include "oci/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* What holds a pod's namespaces, and runs nothing of the pod's.  Engines of pods say so by an
 * annotation of their own.  Under podman the image's annotations stand there, too: containerd is
 * known by the state directory of its pods, which it gives on the command line. */
static bool is_sandbox(const struct words *w, const struct conf *conf,
                       struct json_object *annotations)
{
    const char *last = w->root ? strrchr(w->root, '/') : NULL, *key = NULL;
    if (conf->crio)
        key = "io.kubernetes.cri-o.ContainerType";
    else if (last && strcmp(last, "/k8s.io") == 0)
        key = "io.kubernetes.cri.container-type";
    const char *type = key ? text_in(annotations, key) : NULL;
    return type && strcmp(type, "sandbox") == 0;
}

static int root_open(int bundle, struct json_object *config)
{
    const char *path = text_in(object_in(config, "root"), "path");
    if (!path)
        refuse("config.json: root.path is missing");
    int root = openat(bundle, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        refuse("%s: the root file system cannot be opened: %s", path, strerror(errno));
    return root;
}

/* Whether something is mounted at `place`; refuse() where it is our own. */
static bool mounted(struct json_object *config, const char *place)
{
    struct json_object *mounts = array_in(config, "mounts");
    bool found = false;
    for (size_t i = 0; mounts && i < json_object_array_length(mounts); i++) {
        struct json_object *mount = json_object_array_get_idx(mounts, i);
        if (!json_object_is_type(mount, json_type_object))
            refuse("config.json: a mount is no object");
        const char *at = text_in(mount, "destination");
        found |= at && strcmp(path_clean(at), place) == 0;
    }
    return found;
}

static void mount_add(struct json_object *config, const char *wasmvm)
{
    static const char *const options[] = {"bind", "ro", "nosuid", "nodev"};
    struct json_object *mounts = array_in(config, "mounts");
    struct json_object *mount = allocated(json_object_new_object());
    struct json_object *how = allocated(json_object_new_array());
    if (!mounts)
        json_object_object_add(config, "mounts", mounts = allocated(json_object_new_array()));
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        text_add(how, options[i]);
    text_put(mount, "destination", MONITOR);
    text_put(mount, "source", wasmvm);
    text_put(mount, "type", "bind");
    json_object_object_add(mount, "options", how);
    json_object_array_add(mounts, mount);
}

static void native_check(const struct conf *conf, const char *program)
{
    if (!conf->native)
        refuse("%s is no WebAssembly module: it would run without a virtual machine (native = "
               "allow in oci.conf)",
               program);
    note("%s is no WebAssembly module: it runs without a virtual machine (native = allow)",
         program);
}

bool bundle_edit(const struct words *w, const struct conf *conf)
{
    const char *name = w->bundle ? w->bundle : ".";
    int bundle = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (bundle < 0)
        refuse("%s: the bundle cannot be opened: %s", name, strerror(errno));
    struct json_object *config = document_read(bundle, "config.json"),
                       *process = object_in(config, "process");
    struct program program = {.annotations = object_in(config, "annotations")};
    if (is_sandbox(w, conf, program.annotations))
        return false;
    annotations_check(program.annotations, conf);
    program.root = root_open(bundle, config);
    process_program(&program, process);
    struct machine machine = {
        .conf = conf,
        .module = module_find(&program),
        .kvm_fd = kvm_number(w),
        .annotations = program.annotations,
        .sockets = words_sockets() > 0,
        .termination_log = mounted(config, TERMINATION_LOG),
    };
    if (mounted(config, MONITOR))
        refuse("config.json: " MONITOR
               " is mounted already (each start needs the bundle as the engine made it)");
    if (!machine.module) {
        native_check(conf, program.args.at[0]);
        return false;
    }
    if (!beneath_is_file_or_none(program.root, MONITOR))
        refuse(MONITOR ": the image has something else there than a file (wasmvm's place must be "
               "the container's own)");
    limits_find(&machine.limits, object_in(object_in(config, "linux"), "resources"));
    process_edit(process, &machine);
    mount_add(config, conf->wasmvm);
    placed_hook(config, program.root, conf->wasmvm);
    annotations_edit(program.annotations);
    document_write(bundle, "config.json", config);
    return true;
}
