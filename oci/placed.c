/* Whether wasmvm lies in the container where nobody takes it away.
 *
 * A link of the image's can lead a volume's mount to / or to MONITOR.  What is at MONITOR is then
 * the volume's, or lies on a file of it: who else has the volume unlinks that, and the mount is
 * gone.  Where mounts end up is known when they are made.  So a hook looks at them, which the
 * runtime runs then, before the container's root becomes /. */
#include "oci/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *file_id(const struct stat *st)
{
    return text("%llx:%llx", (unsigned long long)st->st_dev, (unsigned long long)st->st_ino);
}

static struct json_object *member_made(struct json_object *in, const char *key,
                                       struct json_object *found, struct json_object *made(void))
{
    if (!found)
        json_object_object_add(in, key, found = allocated(made()));
    return found;
}

void placed_hook(struct json_object *config, int root, const char *wasmvm)
{
    char path[PATH_MAX];
    struct stat root_st, own_st;
    ssize_t n = readlink(text("/proc/self/fd/%d", root), path, sizeof path - 1);
    if (n <= 0 || fstat(root, &root_st) != 0)
        refuse("the root file system's name is not known: %s", strerror(errno));
    if (stat(wasmvm, &own_st) != 0)
        refuse("%s: %s", wasmvm, strerror(errno));
    path[n] = 0;
    struct json_object *hooks = object_in(config, "hooks"), *at, *args;
    hooks = member_made(config, "hooks", hooks, json_object_new_object);
    at = array_in(hooks, "createContainer");
    at = member_made(hooks, "createContainer", at, json_object_new_array);
    struct json_object *hook = allocated(json_object_new_object());
    args = member_made(hook, "args", NULL, json_object_new_array);
    text_add(args, "wasmvm-oci");
    text_add(args, PLACED);
    text_add(args, path);
    text_add(args, file_id(&root_st));
    text_add(args, file_id(&own_st));
    text_put(hook, "path", own_name());
    json_object_array_add(at, hook);
}

/* ---- the hook ---- */

static bool is_file(const char *path, const char *id)
{
    struct stat st;
    return lstat(path, &st) == 0 && strcmp(file_id(&st), id) == 0;
}

/* As mountinfo writes names: blanks and the like as \040. */
static const char *escaped(const char *path)
{
    char *out = allocated(calloc(4, strlen(path) + 1)), *to = out;
    for (; *path; path++)
        if (strchr(" \t\n\\", *path))
            to += sprintf(to, "\\%03o", (unsigned char)*path);
        else
            *to++ = *path;
    return out;
}

/* How many mounts lie at `path`, one upon the other. */
static unsigned mounts_at(const char *path)
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    const char *wanted = escaped(path);
    char *line = NULL, *at;
    size_t room = 0;
    unsigned n = 0;
    if (!f)
        refuse("/proc/self/mountinfo: %s", strerror(errno));
    while (getline(&line, &room, f) > 0) { /* 36 35 98:0 /root /mount/point ... */
        strtok_r(line, " ", &at);
        for (int skipped = 0; skipped < 3; skipped++)
            strtok_r(NULL, " ", &at);
        const char *point = strtok_r(NULL, " ", &at);
        n += point && strcmp(point, wanted) == 0;
    }
    fclose(f);
    return n;
}

void placed_check(const char *root, const char *root_id, const char *own_id)
{
    const char *own = text("%s" MONITOR, root);
    if (!is_file(root, root_id))
        refuse("something is mounted over the container's root (a link of the image's leads a "
               "mount there)");
    if (!is_file(own, own_id) || mounts_at(own) != 1)
        refuse("something else is mounted at " MONITOR " (a link of the image's leads a mount "
               "there)");
}
