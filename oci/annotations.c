/* What annotations tell the runtime.
 *
 * It does it as root: crun replaces the seccomp filter, loads libraries, connects to sockets and
 * opens files of the host, both set properties of systemd.  Under podman an image's annotations
 * stand among the engine's, so none of these is handed on unless the administrator says so. */
#include "oci/oci.h"

#include <string.h>

static bool begins(const char *key, const char *with)
{
    return strncmp(key, with, strlen(with)) == 0;
}

static bool one_of(const char *key, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(key, names[i]) == 0)
            return true;
    return false;
}

static bool is_order(const char *key)
{
    static const char *const harmless[] = {"run.oci.handler", "run.oci.mount_context_type",
                                           "run.oci.seccomp_fail_unknown_syscall"};
    return (begins(key, "run.oci.") || begins(key, "org.systemd.property.") ||
            begins(key, "org.criu.")) &&
           !one_of(key, harmless, sizeof harmless / sizeof *harmless);
}

void annotations_check(struct json_object *annotations, const struct conf *conf)
{
    if (!annotations)
        return;
    json_object_object_foreach(annotations, key, value)
    {
        (void)value;
        if (is_order(key) && !one_of(key, conf->annotations.at, conf->annotations.n))
            refuse("annotation %s: it is an order to the runtime, and may be the image's "
                   "(annotations in oci.conf)",
                   key);
    }
}

void annotations_edit(struct json_object *annotations)
{
    if (!annotations)
        return;
    json_object_object_del(annotations, "run.oci.handler");
    json_object_object_del(annotations, "module.wasm.image/variant");
}
