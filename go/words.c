/* The command line of `wasmvm go`: the go command's own words, of which a few flags are looked at.
 */
#include "go/go.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *name; enum subcommand_kind kind; } subcommands[] = {
    {"build", GO_BUILD}, {"install", GO_BUILD}, {"list", GO_BUILD}, {"vet", GO_BUILD},
    {"run", GO_RUN}, {"test", GO_TEST}, {"overlay", GO_OVERLAY},
    {"generate", GO_HOST}, {"tool", GO_HOST},
};

/* Flags of the go command that take a value, which may be the next word. */
static const char *const valued[] = {
    "C",
    "p",
    "asmflags",
    "buildmode",
    "compiler",
    "covermode",
    "coverpkg",
    "exec",
    "gccgoflags",
    "gcflags",
    "installsuffix",
    "ldflags",
    "mod",
    "modfile",
    "o",
    "overlay",
    "pgo",
    "pkgdir",
    "tags",
    "toolexec",
    "f",
    "vettool",
    "vet",
    "bench",
    "benchtime",
    "blockprofile",
    "blockprofilerate",
    "count",
    "coverprofile",
    "cpu",
    "cpuprofile",
    "fuzz",
    "fuzzminimizetime",
    "fuzztime",
    "list",
    "memprofile",
    "memprofilerate",
    "mutexprofile",
    "mutexprofilefraction",
    "outputdir",
    "parallel",
    "run",
    "shuffle",
    "skip",
    "timeout",
    "trace",
    "reuse",
};

static enum subcommand_kind kind_of(const char *word)
{
    for (size_t k = 0; k < sizeof subcommands / sizeof *subcommands; k++)
        if (strcmp(word, subcommands[k].name) == 0)
            return subcommands[k].kind;
    return GO_PLAIN;
}

/* A flag's name without its dashes and value; 0: the word is no flag. */
static size_t flag_name(const char *word, const char **name)
{
    if (word[0] != '-' || !word[1] || strcmp(word, "--") == 0)
        return 0;
    *name = word + 1 + (word[1] == '-');
    return strcspn(*name, "=");
}

static bool is_valued(const char *name, size_t len)
{
    static const char test[] = "test."; /* as the test program itself calls its flags */
    size_t skip = strncmp(name, test, strlen(test)) == 0 ? strlen(test) : 0;
    name += skip;
    len -= skip;
    for (size_t k = 0; k < sizeof valued / sizeof *valued; k++)
        if (strlen(valued[k]) == len && strncmp(name, valued[k], len) == 0)
            return true;
    return false;
}

static bool is_flag(const char *name, size_t len, const char *wanted)
{
    return len == strlen(wanted) && strncmp(name, wanted, len) == 0;
}

/* One flag at argv[k] with its value; returns how many words it has. */
static int take_flag(struct words *w, char **argv, int k, int argc, const char *name, size_t len,
                     size_t *nflags)
{
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    int used = 1;
    if (!value && is_valued(name, len) && k + 1 < argc) {
        value = argv[k + 1];
        used = 2;
    }
    if (value && is_flag(name, len, "C")) {
        w->dir = value;
        return used;
    }
    if (value && is_flag(name, len, "overlay") && !w->portable) {
        w->overlay = value;
        return used;
    }
    w->exec |= is_flag(name, len, "exec");
    for (int n = 0; n < used; n++)
        w->flags[(*nflags)++] = argv[k + n];
    return used;
}

static void as_they_are(struct words *w, int argc, char **argv)
{
    for (int k = 2; k < argc; k++)
        w->flags[k - 2] = argv[k];
}

void words_parse(struct words *w, int argc, char **argv)
{
    *w = (struct words){.kind = GO_PLAIN};
    w->portable = argc > 1 && strcmp(argv[1], "--portable") == 0;
    argc -= w->portable;
    argv += w->portable;
    w->subcommand = argc > 1 ? argv[1] : "";
    w->kind = kind_of(w->subcommand);
    w->flags = calloc((size_t)argc + 1, sizeof *w->flags);
    if (!w->flags)
        die("no memory");
    if (w->portable && (w->kind < GO_BUILD || w->kind == GO_OVERLAY))
        die("--portable is for what builds: build, run, test, vet, list, install");
    if (w->kind < GO_BUILD) {
        as_they_are(w, argc, argv);
        return;
    }
    size_t nflags = 0;
    bool flags = true; /* may the next word be one of the go command's? */
    for (int k = 2; k < argc;) {
        const char *name;
        size_t len = flags ? flag_name(argv[k], &name) : 0;
        if (len && !(w->kind == GO_TEST && is_flag(name, len, "args"))) {
            k += take_flag(w, argv, k, argc, name, len, &nflags);
            continue;
        }
        if (flags && strchr(argv[k], '@'))
            w->versioned = argv[k];
        flags &= w->kind == GO_TEST && !len;
        w->flags[nflags++] = argv[k++];
    }
}

/* ---- GOFLAGS: flags with blanks between them, in quotes where a value has blanks itself ---- */

/* The next field of *at, without its quotes; NULL: there is none. */
static char *next_field(const char **at)
{
    while (isspace((unsigned char)**at))
        (*at)++;
    if (!**at)
        return NULL;
    char quote = **at == '\'' || **at == '"' ? *(*at)++ : 0;
    size_t n = 0;
    while ((*at)[n] && (quote ? (*at)[n] != quote : !isspace((unsigned char)(*at)[n])))
        n++;
    char *field = text("%.*s", (int)n, *at);
    *at += n + (quote && (*at)[n]);
    return field;
}

char *goflags_value(const char *goflags, const char *wanted)
{
    char *found = NULL;
    for (char *field; (field = next_field(&goflags));) {
        const char *name;
        size_t len = flag_name(field, &name);
        if (len && is_flag(name, len, wanted) && name[len] == '=')
            found = text("%s", name + len + 1);
    }
    return found;
}
