/* The sealed /etc: a handful of files of ours that programs look for when they use the network, in memory that nobody
 * can change.  It is a directory to the guest and none to the kernel: the descriptor behind it is one of the memory
 * files, so that a path call which does not know of it gets ENOTDIR.  Flat, read-only. */
#include "vmm/net/inside.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BUNDLE_MOST (16u << 20)

/* The ports that programs ask for by name; Go has a few of its own. */
static const char services[] =
    "ftp 21/tcp\nssh 22/tcp\ntelnet 23/tcp\nsmtp 25/tcp\ndomain 53/tcp\ndomain 53/udp\nhttp 80/tcp\npop3 110/tcp\n"
    "ntp 123/udp\nimap2 143/tcp\nldap 389/tcp\nhttps 443/tcp\nhttps 443/udp\nsubmission 587/tcp\nldaps 636/tcp\n"
    "imaps 993/tcp\npop3s 995/tcp\nmysql 3306/tcp\npostgresql 5432/tcp\nredis 6379/tcp\nhttp-alt 8080/tcp\n";

enum { FILE_RESOLV, FILE_HOSTS, FILE_SERVICES, FILE_NSSWITCH, FILE_CA, FILES };
static const struct { const char *name, *text; } files[FILES] = {
    [FILE_RESOLV] = { "resolv.conf", "nameserver 192.0.2.53\noptions timeout:12 attempts:1\n" },
    [FILE_HOSTS] = { "hosts", "127.0.0.1 localhost\n::1 localhost\n" },
    [FILE_SERVICES] = { "services", services },
    [FILE_NSSWITCH] = { "nsswitch.conf", "hosts: files dns\n" },
    [FILE_CA] = { "ca-certificates.crt", NULL },
};
_Static_assert(FILES == SEALED_FILES, "a place for each");

/* A file with this text that nobody can change. */
static bool memory_file(int *at, const char *name, const char *text, size_t len, struct failure *why)
{
    int fd = *at = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || !write_all(fd, text, len) ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return failure_set(why, "/etc for the program cannot be made: %s", strerror(errno));
    return true;
}

static bool bundle_read(struct wasi *w, const char *path, struct failure *why)
{
    struct stat st;
    char *text = NULL;
    ssize_t n = -1;
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool found = from >= 0 && fstat(from, &st) == 0;
    bool good = found && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= BUNDLE_MOST;
    if (good && (text = malloc((size_t)st.st_size + 1)) != NULL)
        n = read(from, text, (size_t)st.st_size);
    int error = errno;
    if (from >= 0)
        close(from);
    w->etc_bundle = text; /* until it has its place: the next may fail */
    if (found && !good)
        return failure_set(why, "--ca-certs: %s is not a file of at most %u MiB", path, BUNDLE_MOST >> 20);
    if (n < 0)
        return failure_set(why, "--ca-certs: %s cannot be read: %s", path, strerror(error));
    if (!memory_file(&w->etc[FILE_CA], "ca-certificates.crt", text, (size_t)n, why))
        return false;
    free(text);
    w->etc_bundle = NULL;
    return true;
}

bool sealed_open_all(struct wasi *w, const struct config *config, int *host, struct failure *why)
{
    const struct settings *c = config->set;
    for (uint32_t i = 0; i < FILES; i++)
        if (files[i].text && (i != FILE_RESOLV || c->allow_dns || c->net_all) &&
            !memory_file(&w->etc[i], files[i].name, files[i].text, strlen(files[i].text), why))
            return false;
    if (config->certs && !bundle_read(w, config->certs, why))
        return false;
    *host = fcntl(w->etc[FILE_HOSTS], F_DUPFD_CLOEXEC, 0);
    return *host >= 0 || failure_set(why, "/etc for the program cannot be made: %s", strerror(errno));
}

void sealed_close(struct wasi *w)
{
    for (uint32_t i = 0; i < FILES; i++)
        if (w->etc[i] >= 0)
            close(w->etc[i]);
    free(w->etc_bundle);
}

static int file_find(const struct wasi *w, const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    for (int i = 0; i < FILES; i++)
        if (w->etc[i] >= 0 && strcmp(files[i].name, path) == 0)
            return i;
    return -1;
}

static bool is_self(const char *path)
{
    return strcmp(path, ".") == 0 || strcmp(path, "./") == 0;
}

static uint32_t stat_file(const struct wasi *w, int i, struct stat *st)
{
    if (fstat(w->etc[i], st) < 0)
        return wasi_errno(errno);
    st->st_mode = S_IFREG | 0444;
    return WASI_SUCCESS;
}

uint32_t sealed_stat(const struct wasi *w, const char *path, struct stat *st)
{
    int i = file_find(w, path);
    if (i >= 0)
        return stat_file(w, i, st);
    if (!is_self(path))
        return WASI_NOENT;
    fstat(w->etc[FILE_HOSTS], st);
    st->st_ino = 1;
    st->st_mode = S_IFDIR | 0555;
    st->st_size = 0;
    return WASI_SUCCESS;
}

const char *sealed_entry(const struct wasi *w, uint32_t want, struct stat *st)
{
    for (int i = 0; i < FILES; i++)
        if (w->etc[i] >= 0 && want-- == 0)
            return stat_file(w, i, st) == WASI_SUCCESS ? files[i].name : NULL;
    return NULL;
}

/* A descriptor with a position of its own, on the one file: were each open a copy, their memory would be the guest's to
 * use up. */
static int file_again(const struct wasi *w, int i)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", w->etc[i]);
    return open(link, O_RDONLY | O_CLOEXEC);
}

uint32_t sealed_open(struct wasi *w, const char *path, uint64_t rights, uint32_t *fd)
{
    struct desc d = { .read_only = true };
    struct stat st;
    uint32_t err;
    int i = file_find(w, path);
    (void)rights;
    if (i < 0 && !is_self(path))
        return WASI_NOENT;
    d.host = i < 0 ? fcntl(w->etc[FILE_HOSTS], F_DUPFD_CLOEXEC, 0) : file_again(w, i);
    if (d.host < 0)
        return wasi_errno(errno);
    d.io = d.host;
    d.sealed = i < 0;
    err = sealed_stat(w, path, &st);
    if (err) {
        close(d.host);
        return err;
    }
    desc_describe(&d, &st, O_RDONLY);
    return desc_place(w, &d, fd);
}
