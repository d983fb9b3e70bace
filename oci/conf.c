/* /etc/wasmvm/oci.conf: `KEY = VALUE` lines, `#` begins a remark.  Without the file nothing runs
 * without a virtual machine, and no annotation counts. */
#include "oci/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USUAL SYSCONFDIR "/wasmvm/oci.conf"
enum { CONF_MOST = 65536 };

struct line {
    const char *name;
    int number;
    const char *key, *value;
};

static _Noreturn void line_wrong(const struct line *line, const char *what)
{
    refuse("%s:%d: %s: %s", line->name, line->number, line->key, what);
}

/* ---- options that annotations may give ---- */

static size_t option_length(const char *word)
{
    return strncmp(word, "--", 2) == 0 ? strcspn(word + 2, "=") : 0;
}

const char *option_wrong(const char *word)
{
    static const char *const allowed[] = {
#define ALLOWED(name) name,
#include "oci/allowed.def"
#undef ALLOWED
    };
    size_t len = option_length(word);
    if (!len)
        return "it is not --NAME or --NAME=VALUE";
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (strlen(allowed[i]) == len && memcmp(allowed[i], word + 2, len) == 0)
            return NULL;
    return "no annotation may give this option";
}

bool option_named(const struct list *names, const char *word)
{
    size_t len = option_length(word);
    for (size_t i = 0; i < names->n; i++)
        if (len && strlen(names->at[i]) == len + 2 && memcmp(names->at[i], word, len + 2) == 0)
            return true;
    return false;
}

/* ---- values ---- */

/* The second of two words means true. */
static bool one_of(const struct line *line, const char *no, const char *yes)
{
    if (strcmp(line->value, no) != 0 && strcmp(line->value, yes) != 0)
        line_wrong(line, text("%s is neither %s nor %s", line->value, no, yes));
    return strcmp(line->value, yes) == 0;
}

static const char *whole_name(const struct line *line)
{
    if (line->value[0] != '/')
        line_wrong(line, "the whole name of a file is wanted, from / on");
    return line->value;
}

static void words_of(const struct line *line, struct list *list)
{
    struct json_object *array = document_parse(line->value, strlen(line->value), line->name);
    if (!json_object_is_type(array, json_type_array))
        line_wrong(line, "an array of words is wanted, [\"--NAME\"]");
    struct json_object *holder = allocated(json_object_new_object());
    json_object_object_add(holder, line->key, array);
    texts_in(list, holder, line->key);
}

static void options_of(const struct line *line, struct list *list)
{
    words_of(line, list);
    for (size_t i = 0; i < list->n; i++) {
        const char *wrong = strchr(list->at[i], '=') ? "only the name is written, --NAME"
                                                     : option_wrong(list->at[i]);
        if (wrong)
            line_wrong(line, text("%s: %s", list->at[i], wrong));
    }
}

static void line_take(struct conf *conf, const struct line *line)
{
    if (strcmp(line->key, "native") == 0)
        conf->native = one_of(line, "deny", "allow");
    else if (strcmp(line->key, "exec") == 0)
        conf->exec = one_of(line, "deny", "allow");
    else if (strcmp(line->key, "network") == 0)
        conf->network = one_of(line, "none", "container");
    else if (strcmp(line->key, "pods") == 0)
        conf->crio = one_of(line, "containerd", "cri-o");
    else if (strcmp(line->key, "runtime") == 0)
        conf->runtime = whole_name(line);
    else if (strcmp(line->key, "wasmvm") == 0)
        conf->wasmvm = whole_name(line);
    else if (strcmp(line->key, "options") == 0)
        options_of(line, &conf->options);
    else if (strcmp(line->key, "annotations") == 0)
        words_of(line, &conf->annotations);
    else if (strcmp(line->key, "add") == 0)
        words_of(line, &conf->add);
    else
        line_wrong(line, "no such key");
}

/* ---- the file ---- */

/* Without the blanks at both ends. */
static char *trimmed(char *words)
{
    words += strspn(words, " \t");
    size_t len = strlen(words);
    while (len && strchr(" \t\r", words[len - 1]))
        words[--len] = 0;
    return words;
}

static void lines_take(struct conf *conf, const char *name, char *at)
{
    for (int number = 1; at; number++) {
        char *rest = strchr(at, '\n');
        if (rest)
            *rest++ = 0;
        char *key = trimmed(at), *equals = strchr(key, '=');
        at = rest;
        if (!*key || *key == '#')
            continue;
        if (!equals)
            refuse("%s:%d: neither KEY = VALUE nor a remark", name, number);
        *equals = 0;
        line_take(conf, &(struct line){name, number, trimmed(key), trimmed(equals + 1)});
    }
}

/* Without containers' root (podman for a user), the files of the host's root look as if they were
 * those of a user who is nobody here. */
static bool is_root_outside(uid_t owner)
{
    size_t n;
    const char *nobody = file_read(AT_FDCWD, "/proc/sys/kernel/overflowuid", 0, 64, &n);
    char *line = file_read(AT_FDCWD, "/proc/self/uid_map", 0, CONF_MOST, &n);
    if (!nobody || !line || owner != strtoul(nobody, NULL, 10))
        return false;
    for (char *rest; line && *line; line = rest) {
        unsigned long inside, outside, count;
        rest = strchr(line, '\n');
        if (rest)
            *rest++ = 0;
        if (sscanf(line, "%lu %lu %lu", &inside, &outside, &count) != 3 || outside == 0)
            return false;
    }
    return true;
}

/* Who can write it decides what runs without a virtual machine.  Nobody but root makes files at the
 * usual place. */
static void owner_check(const char *name, bool is_usual)
{
    struct stat st;
    if (stat(name, &st) != 0)
        refuse("%s: %s", name, strerror(errno));
    if ((st.st_uid != 0 && st.st_uid != geteuid() && !(is_usual && is_root_outside(st.st_uid))) ||
        st.st_mode & (S_IWGRP | S_IWOTH))
        refuse("%s: others than root may write it (chown root, chmod go-w)", name);
}

/* ---- what is not said there ---- */

static const char *runtime_usual(void)
{
    static const char *const places[] = {
        "/usr/bin/runc", "/usr/sbin/runc", "/usr/local/bin/runc", "/usr/local/sbin/runc",
        "/usr/bin/crun", "/usr/sbin/crun", "/usr/local/bin/crun", "/usr/local/sbin/crun",
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    refuse("neither runc nor crun is there (install one, or name it: runtime in " USUAL ")");
}

const char *own_name(void)
{
    char own[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    if (n <= 0)
        refuse("/proc is not mounted, which tells where wasmvm is");
    own[n] = 0;
    return text("%s", own);
}

/* Beside this program. */
static const char *wasmvm_usual(void)
{
    const char *own = own_name();
    return text("%.*s/wasmvm", (int)(strrchr(own, '/') - own), own);
}

void conf_read(struct conf *conf, const char *name)
{
    size_t n;
    *conf = (struct conf){.exec = true, .network = true};
    char *words = file_read(AT_FDCWD, name ? name : USUAL, 0, CONF_MOST, &n);
    if (!words && (name || errno != ENOENT))
        refuse("%s: %s", name ? name : USUAL, strerror(errno));
    if (words) {
        owner_check(name ? name : USUAL, !name);
        lines_take(conf, name ? name : USUAL, words);
    }
    if (!conf->runtime)
        conf->runtime = runtime_usual();
    if (!conf->wasmvm)
        conf->wasmvm = wasmvm_usual();
}
