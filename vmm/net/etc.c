/* The sealed /etc: a handful of files of ours that programs look for when they use the network, in
 * memory that nobody can change.  It is a directory to the guest and none to the kernel: the
 * descriptor behind it is one of the memory files, so that a path call which does not know of it
 * gets ENOTDIR.  Flat, read-only. */
#include "vmm/net/inside.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BUNDLE_MOST (16u << 20)
#define ZONE_MOST 16384u

/* The ports that programs ask for by name; Go has a few of its own. */
static const char services[] = "ftp 21/tcp\nssh 22/tcp\ntelnet 23/tcp\nsmtp 25/tcp\ndomain "
                               "53/tcp\ndomain 53/udp\nhttp 80/tcp\npop3 110/tcp\n"
                               "ntp 123/udp\nimap2 143/tcp\nldap 389/tcp\nhttps 443/tcp\nhttps "
                               "443/udp\nsubmission 587/tcp\nldaps 636/tcp\n"
                               "imaps 993/tcp\npop3s 995/tcp\nmysql 3306/tcp\npostgresql "
                               "5432/tcp\nredis 6379/tcp\nhttp-alt 8080/tcp\n";

enum { FILE_RESOLV, FILE_HOSTS, FILE_SERVICES, FILE_NSSWITCH, FILE_ZONE, FILE_CA, FILES };
static const struct { const char *name, *text; } files[FILES] = {
    [FILE_RESOLV] = { "resolv.conf", "nameserver 192.0.2.53\noptions timeout:12 attempts:1\n" },
    [FILE_HOSTS] = { "hosts", "127.0.0.1 localhost\n::1 localhost\n" },
    [FILE_SERVICES] = { "services", services },
    [FILE_NSSWITCH] = { "nsswitch.conf", "hosts: files dns\n" },
    [FILE_ZONE] = { "localtime", NULL },
    [FILE_CA] = { "ca-certificates.crt", NULL },
};

struct etc {
    int files[FILES]; /* -1 = not there */
    char *bundle;     /* until it has its place */
};

/* A file with this text that nobody can change. */
static bool memory_file(int *at, const char *name, const char *text, size_t len,
                        struct failure *why)
{
    int fd = *at = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || !write_all(fd, text, len) ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return failure_set(why, "/etc for the program cannot be made: %s", strerror(errno));
    return true;
}

static bool bundle_read(struct etc *etc, const struct config *config, struct failure *why)
{
    struct stat st;
    const char *path = config->certs;
    char *text = NULL;
    ssize_t n = -1;
    int from = named_open(&config->writable, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    bool found = from >= 0 && file_stat(from, &st) == 0;
    bool good = found && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= BUNDLE_MOST;
    if (good && (text = malloc((size_t)st.st_size + 1)) != NULL)
        n = read(from, text, (size_t)st.st_size);
    int error = errno;
    if (from >= 0)
        close(from);
    etc->bundle = text; /* the next may fail */
    if (found && !good)
        return failure_set(why, "--ca-certs: %s is not a file of at most %u MiB", path,
                           BUNDLE_MOST >> 20);
    if (n < 0)
        return failure_set(why, "--ca-certs: %s cannot be read: %s", path, named_error(error));
    if (!memory_file(&etc->files[FILE_CA], "ca-certificates.crt", text, (size_t)n, why))
        return false;
    free(text);
    etc->bundle = NULL;
    return true;
}

/* The host's zone, where it has one: time is what the program shares with it. */
static bool zone_read(struct etc *etc, struct failure *why)
{
    char text[ZONE_MOST];
    int from = open("/etc/localtime", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = from < 0 ? -1 : read(from, text, sizeof text);
    if (from >= 0)
        close(from);
    bool is_zone = n > 4 && (size_t)n < sizeof text && memcmp(text, "TZif", 4) == 0;
    return !is_zone || memory_file(&etc->files[FILE_ZONE], "localtime", text, (size_t)n, why);
}

/* The table closes what it holds: it gets a descriptor of its own. */
static int self_again(const struct etc *etc)
{
    return fcntl(etc->files[FILE_HOSTS], F_DUPFD_CLOEXEC, 0);
}

static bool etc_make(struct wasi *w, const struct config *config, int *host, struct failure *why)
{
    struct etc *etc = w->etc = malloc(sizeof *etc);
    if (!etc)
        return failure_set(why, "cannot start: no memory");
    *etc = (struct etc){ .bundle = NULL };
    for (uint32_t i = 0; i < FILES; i++)
        etc->files[i] = -1;
    for (uint32_t i = 0; i < FILES; i++)
        if (files[i].text &&
            !memory_file(&etc->files[i], files[i].name, files[i].text, strlen(files[i].text), why))
            return false;
    if (!zone_read(etc, why) || (config->certs && !bundle_read(etc, config, why)))
        return false;
    *host = self_again(etc);
    return *host >= 0 ||
           failure_set(why, "/etc for the program cannot be made: %s", strerror(errno));
}

void etc_close(struct wasi *w)
{
    struct etc *etc = w->etc;
    if (!etc)
        return;
    for (uint32_t i = 0; i < FILES; i++)
        if (etc->files[i] >= 0)
            close(etc->files[i]);
    free(etc->bundle);
    free(etc);
    w->etc = NULL;
}

static int file_find(const struct etc *etc, const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    for (int i = 0; i < FILES; i++)
        if (etc->files[i] >= 0 && strcmp(files[i].name, path) == 0)
            return i;
    return -1;
}

static bool is_self(const char *path)
{
    return strcmp(path, ".") == 0 || strcmp(path, "./") == 0;
}

static uint32_t stat_file(const struct etc *etc, int i, struct stat *st)
{
    if (file_stat(etc->files[i], st) < 0)
        return wasi_errno(errno);
    st->st_mode = S_IFREG | 0444;
    return WASI_SUCCESS;
}

static uint32_t stat_name(const struct etc *etc, const char *path, struct stat *st)
{
    int i = file_find(etc, path);
    if (i >= 0)
        return stat_file(etc, i, st);
    if (!is_self(path))
        return WASI_NOENT;
    file_stat(etc->files[FILE_HOSTS], st);
    st->st_ino = 1;
    st->st_mode = S_IFDIR | 0555;
    st->st_size = 0;
    return WASI_SUCCESS;
}

static uint32_t etc_stat(struct wasi *w, const struct desc *d, const char *path, bool follow,
                         struct stat *st)
{
    (void)d, (void)follow;
    return stat_name(w->etc, path, st);
}

/* Entry i: its name, or NULL past the end. */
static const char *entry(const struct etc *etc, uint64_t want, struct stat *st)
{
    for (int i = 0; i < FILES; i++)
        if (etc->files[i] >= 0 && want-- == 0)
            return stat_file(etc, i, st) == WASI_SUCCESS ? files[i].name : NULL;
    return NULL;
}

/* Entry i stands at cookie COOKIE_AFTER_DOTDOT + i. */
static uint32_t etc_readdir(struct wasi *w, struct desc *d, uint64_t cookie, struct dirents *s)
{
    struct stat st;
    bool room = true;
    (void)d;
    if (cookie == COOKIE_START)
        room = dirent_put(s, COOKIE_AFTER_DOT, 1, FILETYPE_DIRECTORY, ".");
    if (room && cookie <= COOKIE_AFTER_DOT)
        room = dirent_put(s, COOKIE_AFTER_DOTDOT, 1, FILETYPE_DIRECTORY, "..");
    uint64_t first = cookie < COOKIE_AFTER_DOTDOT ? 0 : cookie - COOKIE_AFTER_DOTDOT;
    const char *name;
    for (uint64_t i = first; room && i < FILES && (name = entry(w->etc, i, &st)) != NULL; i++)
        room = dirent_put(s, COOKIE_AFTER_DOTDOT + i + 1, st.st_ino, FILETYPE_REGULAR, name);
    return WASI_SUCCESS;
}

/* A descriptor with a position of its own, on the one file: were each open a copy, their memory
 * would be the guest's to use up. */
static int file_again(const struct etc *etc, int i)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", etc->files[i]);
    return open(link, O_RDONLY | O_CLOEXEC);
}

static uint32_t etc_open(struct wasi *w, struct opening *o, uint32_t *fd)
{
    const struct etc *etc = w->etc;
    struct desc d = { .read_only = true };
    struct stat st;
    int i = file_find(etc, o->path);
    if (o->changes)
        return WASI_ROFS;
    if (i < 0 && !is_self(o->path))
        return WASI_NOENT;
    d.host = d.io = i < 0 ? self_again(etc) : file_again(etc, i);
    if (d.host < 0)
        return wasi_errno(errno);
    uint32_t err = stat_name(etc, o->path, &st);
    if (err) {
        close(d.host);
        return err;
    }
    desc_describe(w, &d, &st, O_RDONLY);
    d.ops = i < 0 ? o->dir->ops : d.ops;
    return desc_place(w, &d, fd);
}

static const struct dir_ops etc_dir = { .readdir = etc_readdir,
                                        .stat = etc_stat,
                                        .open = etc_open };
static const struct desc_ops etc_ops = { .name = "sealed directory", .dir = &etc_dir };
const struct grant_kind etc_grant = { .ops = &etc_ops, .open = etc_make };
