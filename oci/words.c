/* The command line, which is runc's: which command, and the values that concern us.
 *
 * What create, run and exec get is written anew, each option as --NAME=VALUE before the container's
 * name, so that the runtime reads the same out of it as we did. */
#include "oci/oci.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PRESERVED_MOST = 1000 };

enum where { GLOBAL, CREATE, EXEC };
static const struct option {
    const char *name;
    char letter;
    bool valued;
    enum where where;
    size_t member; /* offset in struct words; 0 = none */
} options[] = {
#define NONE command /* the first member, as no option's value is the command */
#define OPTION(name, letter, valued, where, member)                                                \
    {name, letter, valued, where, offsetof(struct words, member)},
#include "oci/options.def"
#undef OPTION
#undef NONE
};
_Static_assert(offsetof(struct words, command) == 0, "0 is no option's own place");

static const struct {
    const char *name;
    enum command_kind kind;
} commands[] = {
    {"create", COMMAND_CREATE},   {"run", COMMAND_CREATE},        {"exec", COMMAND_EXEC},
    {"restore", COMMAND_RESTORE}, {"start", COMMAND_PASSED},      {"state", COMMAND_PASSED},
    {"kill", COMMAND_PASSED},     {"delete", COMMAND_PASSED},     {"list", COMMAND_PASSED},
    {"ps", COMMAND_PASSED},       {"pause", COMMAND_PASSED},      {"resume", COMMAND_PASSED},
    {"update", COMMAND_PASSED},   {"events", COMMAND_PASSED},     {"features", COMMAND_PASSED},
    {"spec", COMMAND_PASSED},     {"checkpoint", COMMAND_PASSED}, {"help", COMMAND_PASSED},
    {"mounts", COMMAND_PASSED},
};

void list_add(struct list *list, const char *word)
{
    list->at = allocated(realloc(list->at, (list->n + 2) * sizeof *list->at));
    list->at[list->n++] = word;
    list->at[list->n] = NULL;
}

/* ---- reading ---- */

/* The row of a word that begins with a dash; one dash before a long name is two, as runc takes it.
 */
static const struct option *option_find(const char *word, enum where where)
{
    const char *name = word + 1 + (word[1] == '-');
    size_t len = strcspn(name, "=");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const struct option *o = &options[i];
        bool letter = len == 1 && word[1] != '-' && o->letter && *name == o->letter;
        if (o->where == where &&
            (letter || (strlen(o->name) == len && memcmp(o->name, name, len) == 0)))
            return o;
    }
    refuse("%s: an option that wasmvm-oci does not know", word);
}

static const char **held(struct words *w, const struct option *o)
{
    return (const char **)((char *)w + o->member);
}

/* One option at argv[at] with its value; returns how many words it has. */
static int option_take(struct words *w, char **argv, int at, enum where where)
{
    const struct option *o = option_find(argv[at], where);
    struct list *to = where == GLOBAL ? &w->globals : &w->options;
    const char *equals = strchr(argv[at], '='), *value = equals ? equals + 1 : NULL;
    if (!o->valued) {
        list_add(to, value ? text("--%s=%s", o->name, value) : text("--%s", o->name));
        return 1;
    }
    int used = 1 + !value;
    if (!value && !(value = argv[at + 1]))
        refuse("--%s needs a value", o->name);
    if (!o->member)
        list_add(to, text("--%s=%s", o->name, value));
    else if (*held(w, o))
        refuse("--%s stands there twice", o->name);
    else
        *held(w, o) = value;
    return used;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] && strcmp(word, "--") != 0;
}

static enum command_kind kind_of(const char *command)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(command, commands[i].name) == 0)
            return commands[i].kind;
    refuse("%s: a command that wasmvm-oci does not know", command);
}

/* Options of create, run and exec stand before the container's name or behind it. */
static void own_parse(struct words *w, char **argv, int at)
{
    enum where where = w->kind == COMMAND_EXEC ? EXEC : CREATE;
    while (argv[at])
        if (is_option(argv[at])) {
            at += option_take(w, argv, at, where);
        } else if (w->kind == COMMAND_EXEC && w->id) {
            refuse("exec: only with --process, as engines call it");
        } else if (w->id || !*argv[at] || strcmp(argv[at], "--") == 0) {
            refuse("%s: one container is meant, by one name", w->command);
        } else {
            w->id = argv[at++];
        }
    if (!w->id)
        refuse("%s: the container's name is missing", w->command);
    if (w->kind == COMMAND_EXEC && !w->process)
        refuse("exec: only with --process, as engines call it");
}

void words_parse(struct words *w, int argc, char **argv)
{
    int at = argc > 0;
    *w = (struct words){.kind = COMMAND_PASSED};
    while (argv[at] && is_option(argv[at]))
        at += option_take(w, argv, at, GLOBAL);
    say_to(w->log, w->log_format);
    if (!argv[at])
        return;
    w->command = argv[at++];
    w->kind = kind_of(w->command);
    if (w->kind == COMMAND_CREATE || w->kind == COMMAND_EXEC)
        own_parse(w, argv, at);
    else
        for (; argv[at]; at++)
            list_add(&w->rest, argv[at]);
}

/* ---- writing ---- */

static void held_add(struct list *out, struct words w, enum where where)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const struct option *o = &options[i];
        bool ours = o->member == offsetof(struct words, conf);
        if (o->where == where && o->member && !ours && *held(&w, o))
            list_add(out, text("--%s=%s", o->name, *held(&w, o)));
    }
}

static void all_add(struct list *out, const struct list *words)
{
    for (size_t i = 0; i < words->n; i++)
        list_add(out, words->at[i]);
}

char **words_handed(const struct words *w)
{
    struct list out = {0};
    list_add(&out, "wasmvm-oci");
    all_add(&out, &w->globals);
    held_add(&out, *w, GLOBAL);
    if (w->command)
        list_add(&out, w->command);
    all_add(&out, &w->options);
    if (w->kind == COMMAND_CREATE || w->kind == COMMAND_EXEC)
        held_add(&out, *w, w->kind == COMMAND_EXEC ? EXEC : CREATE);
    if (w->id)
        list_add(&out, w->id);
    all_add(&out, &w->rest);
    return (char **)out.at;
}

/* ---- descriptors ---- */

static unsigned number_of(const char *what, const char *digits)
{
    char *end;
    errno = 0;
    unsigned long n = strtoul(digits, &end, 10);
    if (!*digits || digits[strspn(digits, "0123456789")] || *end || errno || n > PRESERVED_MOST)
        refuse("%s: %s is not a number of descriptors from 0 to %d", what, digits, PRESERVED_MOST);
    return (unsigned)n;
}

/* As the runtime counts them: only where they are meant for this process, which becomes the
 * runtime. */
unsigned words_sockets(void)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    if (!pid || !fds || strcmp(pid, text("%d", (int)getpid())) != 0)
        return 0;
    return number_of("LISTEN_FDS", fds);
}

unsigned words_preserved(const struct words *w)
{
    return w->preserve_fds ? number_of("--preserve-fds", w->preserve_fds) : 0;
}
