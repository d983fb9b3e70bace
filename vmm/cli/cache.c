/* `wasmvm cache`: looks at images of starts, or removes them; and which directory is the usual one
 * for them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/cache/cache.h"
#include "vmm/cli/cli.h"

/* the first member, as no option sets it */
struct asked { const char *unused; const char *directory; };
const struct option cache_options[] = {
    { .name = "cache", .kind = TEXT, .value = "DIR", .help = "this directory, not the usual one",
      .own = offsetof(struct asked, directory) },
    { .name = "help", .kind = HELP, .help = "show this" },
    { .name = NULL },
};
const char cache_help_head[] =
    "wasmvm cache [--cache DIR] list|size|verify|clear\n"
    "Images of starts, which runs keep (docs/cache.md).\n"
    "\n"
    "  list      each image: its bytes, its module's name, its own name\n"
    "  size      how many images and bytes there are\n"
    "  verify    reads each image; status 1 where one is damaged\n"
    "  clear     removes them all\n"
    "\n";
const char cache_help_tail[] =
    "\n"
    "The usual directory is $XDG_CACHE_HOME/wasmvm, or $HOME/.cache/wasmvm.\n";

/* ---- the usual directory ---- */

/* Whose the path is, or would be: the nearest directory above it that is there. */
static bool would_be_ours(const char *path)
{
    char above[PATH_MAX];
    struct stat st;
    snprintf(above, sizeof above, "%s", path);
    while (stat(above, &st) != 0) {
        char *slash = strrchr(above, '/');
        if (errno != ENOENT || !slash)
            return false;
        *(slash == above ? slash + 1 : slash) = 0;
    }
    return owner_is_us(st.st_uid);
}

/* None where HOME is not set or another's, as under sudo, and none for a process that was raised in
 * rights. */
bool cache_usual(char out[PATH_MAX])
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    bool own = base && *base == '/';
    if (getauxval(AT_SECURE) || (!own && (!home || *home != '/')))
        return false;
    int n = snprintf(out, PATH_MAX, "%s%s/wasmvm", own ? base : home, own ? "" : "/.cache");
    return n > 0 && n < PATH_MAX && would_be_ours(out);
}

/* What holds where no option says it; who was raised in rights does not ask the variables. */
static const char *word_usual(void)
{
    const char *word = getauxval(AT_SECURE) ? "off" : getenv("WASMVM_CACHE");
    return word && *word ? word : "on";
}

void cache_choose(const char *option, wasmvm_config *config)
{
    const char *word = option ? option : word_usual();
    char usual[PATH_MAX];
    bool on = strcmp(word, "on") == 0;
    if (strcmp(word, "off") == 0 || (on && !cache_usual(usual)))
        return;
    wasmvm_config_cache(config, on ? usual : word);
    if (on || !option)
        wasmvm_config_flag(config, "cache-usual");
}

/* ---- what is in it ---- */

struct tour { int images, damaged, kept, why_kept; uint64_t bytes; bool list, verify, clear; };

/* NULL, or what is wrong with the image. */
static const char *image_look(int dir, const char *name, bool whole, struct saved *saved)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    *saved = (struct saved){ 0 };
    if (fd < 0 || fstat(fd, &st) != 0) {
        if (fd >= 0)
            close(fd);
        return "it cannot be read";
    }
    const char *wrong = saved_read(fd, (uint64_t)st.st_size, saved);
    if (!wrong && whole && !saved_whole(fd, saved))
        wrong = "its pages are damaged";
    close(fd);
    return wrong;
}

static void see(void *context, int dir, const struct store_file *file)
{
    struct tour *tour = context;
    struct saved saved;
    char name[4 * sizeof saved.head.name];
    const char *dot = strrchr(file->name, '.');
    tour->bytes += file->bytes;
    if (tour->clear && unlinkat(dir, file->name, 0) != 0 && errno != ENOENT) {
        tour->kept++;
        tour->why_kept = errno;
    }
    if (!dot || strcmp(dot, ".img") != 0)
        return;
    tour->images++;
    if (!tour->list && !tour->verify)
        return;
    const char *wrong = image_look(dir, file->name, tour->verify, &saved);
    tour->damaged += wrong != NULL;
    text_escape(saved.head.name, strnlen(saved.head.name, sizeof saved.head.name), name,
                sizeof name, false);
    if (wrong)
        printf("%s: %s\n", file->name, wrong);
    else if (tour->list)
        printf("%10llu  %s  %.16s\n", (unsigned long long)file->bytes, name, file->name);
    saved_free(&saved);
}

static struct tour tour_of(const char *word)
{
    struct tour tour = { .list = strcmp(word, "list") == 0, .verify = strcmp(word, "verify") == 0,
                         .clear = strcmp(word, "clear") == 0 };
    if (!tour.list && !tour.verify && !tour.clear && strcmp(word, "size") != 0)
        fail("cache: %s: no such word (wasmvm cache --help lists them)", word);
    return tour;
}

/* A directory that is not there is an empty one. */
static void tour_make(struct tour *tour, const char *path)
{
    struct failure why;
    struct stat st;
    if (stat(path, &st) != 0 && errno == ENOENT)
        return;
    int dir = store_open(path, &why);
    if (dir < 0)
        fail("%s", why.text);
    if (store_each(dir, see, tour) < 0)
        fail("%s: it cannot be read: %s", path, strerror(errno));
    if (tour->kept)
        fail("%s: %d files cannot be removed: %s", path, tour->kept, strerror(tour->why_kept));
    close(dir);
}

int cache_command(const struct start *start)
{
    struct asked asked = { 0 };
    char usual[PATH_MAX];
    bool plain;
    int at = options_read(&(struct target){ .which = start->which, .own = &asked }, start, &plain);
    if (at + 1 != start->argc)
        fail("cache: one word is expected (wasmvm cache --help lists them)");
    struct tour tour = tour_of(start->argv[at]);
    if (!asked.directory && !cache_usual(usual))
        fail("cache: there is no usual directory: HOME is not set, or another's (--cache DIR)");
    tour_make(&tour, asked.directory ? asked.directory : usual);
    if (strcmp(start->argv[at], "size") == 0)
        printf("%d images, %llu bytes\n", tour.images, (unsigned long long)tour.bytes);
    else if (tour.verify)
        printf("%d images, %d damaged\n", tour.images, tour.damaged);
    if (fflush(stdout) != 0)
        fail("stdout cannot be written: %s", strerror(errno));
    return tour.damaged > 0;
}
