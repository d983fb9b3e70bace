/* Documents: config.json, process.json, arrays of words.
 *
 * The runtime gets what we write, never what we read, so that both see the same: where JSON can be
 * read in two ways (a key twice, comments, large numbers), only one is left.  One way remains, keys
 * that differ in case, which Go takes for each other: such a key is refused where it could stand
 * for one that is looked at. */
#include "oci/oci.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DOCUMENT_MOST                                                                              \
    ((size_t)8 << 20) /* the words of a process alone may be 2 MiB, escaped up to six times */
enum { DEPTH_MOST = 32, WORDS_MOST = 65536 };

/* ---- files ---- */

static int opened_again(int fd)
{
    return open(text("/proc/self/fd/%d", fd), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static char *bytes_read(int fd, size_t most, size_t *n)
{
    char *bytes = allocated(malloc(most + 2));
    ssize_t got;
    *n = 0;
    while ((got = read(fd, bytes + *n, most + 1 - *n)) > 0)
        *n += (size_t)got;
    bytes[*n] = 0;
    if (got == 0 && *n <= most)
        return bytes;
    errno = got < 0 ? errno : EFBIG;
    return NULL;
}

/* First without opening: a FIFO waits, and to open a device can change it. */
char *file_read(int dir, const char *name, uint64_t flags, size_t most, size_t *n)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = flags};
    struct stat st;
    int named = (int)syscall(SYS_openat2, dir, name, &how, sizeof how);
    if (named < 0)
        return NULL;
    if (fstat(named, &st) != 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size > most) {
        errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
        close(named);
        return NULL;
    }
    int fd = opened_again(named);
    char *bytes = fd < 0 ? NULL : bytes_read(fd, most, n);
    int error = errno;
    close(named);
    if (fd >= 0)
        close(fd);
    errno = error;
    return bytes;
}

static const char *read_wrong(void)
{
    return errno == EINVAL  ? "it is not a regular file"
           : errno == EFBIG ? "it is larger than 8 MiB"
           : errno == ELOOP ? "it is a link"
                            : strerror(errno);
}

/* ---- reading ---- */

/* No word of a process can hold a NUL, and a key with one would be cut there. */
static bool holds_nul(const char *bytes, size_t n)
{
    bool escaped = false;
    for (size_t i = 0; i < n; i++) {
        if (!bytes[i] || (escaped && strncmp(bytes + i, "u0000", 5) == 0))
            return true;
        escaped = !escaped && bytes[i] == '\\';
    }
    return false;
}

struct json_object *document_parse(const char *bytes, size_t n, const char *name)
{
    struct json_tokener *reader = allocated(json_tokener_new_ex(DEPTH_MOST));
    json_tokener_set_flags(reader, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    if (holds_nul(bytes, n))
        refuse("%s: it holds a NUL", name);
    struct json_object *document = json_tokener_parse_ex(reader, bytes, (int)n);
    enum json_tokener_error error = json_tokener_get_error(reader);
    if (error != json_tokener_success)
        refuse("%s: not a JSON document: %s", name, json_tokener_error_desc(error));
    json_tokener_free(reader);
    return document;
}

struct json_object *document_read(int dir, const char *name)
{
    size_t n;
    uint64_t flags = dir == AT_FDCWD
                         ? RESOLVE_NO_MAGICLINKS
                         : RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    char *bytes = file_read(dir, name, flags, DOCUMENT_MOST, &n);
    if (!bytes)
        refuse("%s: it cannot be read: %s", name, read_wrong());
    struct json_object *document = document_parse(bytes, n, name);
    if (!json_object_is_type(document, json_type_object))
        refuse("%s: not an object", name);
    return document;
}

/* ---- writing ---- */

static bool all_written(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t put = write(fd, bytes, n);
        if (put <= 0)
            return false;
        bytes += put;
        n -= (size_t)put;
    }
    return true;
}

void document_write(int dir, const char *name, struct json_object *document)
{
    struct stat st;
    const char *bytes = json_object_to_json_string_ext(
        document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    const char *new = text(".%s.wasmvm.%d", name, (int)getpid());
    int fd = openat(dir, new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = fd >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                all_written(fd, bytes, strlen(bytes)) && fchown(fd, st.st_uid, st.st_gid) == 0 &&
                fchmod(fd, st.st_mode & 07777) == 0 && renameat(dir, new, dir, name) == 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && !good)
        unlinkat(dir, new, 0);
    if (!good)
        refuse("%s: it cannot be written: %s", name, strerror(error));
}

/* ---- members ---- */

/* As Go's encoding/json folds: ASCII letters, and the two others that are such letters in another
 * case. */
static int folded(const char **at)
{
    static const struct {
        const char *bytes;
        int letter;
    } others[] = {{"\xc5\xbf", 's'}, {"\xe2\x84\xaa", 'k'}};
    for (size_t i = 0; i < 2; i++)
        if (strncmp(*at, others[i].bytes, strlen(others[i].bytes)) == 0) {
            *at += strlen(others[i].bytes);
            return others[i].letter;
        }
    return tolower((unsigned char)*(*at)++);
}

static bool same_folded(const char *a, const char *b)
{
    while (*a && *b)
        if (folded(&a) != folded(&b))
            return false;
    return !*a && !*b;
}

/* NULL and absent are one. */
static struct json_object *member(struct json_object *object, const char *key, enum json_type type)
{
    struct json_object *found = NULL;
    if (!object)
        return NULL;
    json_object_object_foreach(object, name, value)
    {
        if (strcmp(name, key) == 0)
            found = value;
        else if (same_folded(name, key))
            refuse("the key %s is meant to be taken for %s", name, key);
    }
    if (found && !json_object_is_type(found, type))
        refuse("%s is no %s", key, json_type_to_name(type));
    return found;
}

struct json_object *object_in(struct json_object *object, const char *key)
{
    return member(object, key, json_type_object);
}

struct json_object *array_in(struct json_object *object, const char *key)
{
    return member(object, key, json_type_array);
}

const char *text_in(struct json_object *object, const char *key)
{
    struct json_object *found = member(object, key, json_type_string);
    return found ? json_object_get_string(found) : NULL;
}

bool number_in(struct json_object *object, const char *key, int64_t *n)
{
    struct json_object *found = member(object, key, json_type_int);
    if (found)
        *n = json_object_get_int64(found);
    return found;
}

void texts_in(struct list *list, struct json_object *object, const char *key)
{
    struct json_object *array = array_in(object, key);
    size_t n = array ? json_object_array_length(array) : 0;
    if (n > WORDS_MOST)
        refuse("%s has more than %d words", key, WORDS_MOST);
    for (size_t i = 0; i < n; i++) {
        struct json_object *word = json_object_array_get_idx(array, i);
        if (!json_object_is_type(word, json_type_string))
            refuse("%s: what is no text stands in it", key);
        list_add(list, json_object_get_string(word));
    }
}

void text_add(struct json_object *array, const char *word)
{
    json_object_array_add(array, allocated(json_object_new_string(word)));
}

void text_put(struct json_object *object, const char *key, const char *word)
{
    json_object_object_add(object, key, allocated(json_object_new_string(word)));
}
