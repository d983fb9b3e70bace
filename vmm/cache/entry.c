/* What the store has for one start, and what this start adds.
 *
 *   run 1   nothing is known of the module's file: a list of what it compiles is left, no byte of
 *           it is hashed
 *   run 2   there is a list: the module is hashed as it stands in memory, its functions are
 *           compiled before its first instruction, and an image is made
 *   run 3   the file is known by its number, size and times: the image's name, then the image; no
 *           byte of it is read
 *
 * Later runs leave lists too, of what they compiled beyond the image; where that is much, the next
 * start makes it anew. The hash of the module is never taken of the file, but of the bytes that the
 * guest gets. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "vmm/cache/cache.h"

#define AGE_LEAST 2           /* seconds that a file's change is old, so that a later one shows */
#define BODIES_MORE (32u << 10) /* bytes of bodies that make a new image worth while */
#define BOUND_ONE_IN 32       /* of new lists */

const char *entry_state_name(enum entry_state state)
{
    static const char *const names[] = {"off", "cold", "list", "made", "warm"};
    return names[state];
}

void entry_none(struct entry *e)
{
    *e = (struct entry){.dir = -1, .image_fd = -1, .new_fd = -1, .list_fd = -1, .module_fd = -1};
}

/* ---- keys ---- */

struct identity { struct hash engine; uint64_t dev, ino, size; int64_t times[4]; };

/* Of the module's file as it is now: a name for what is known of it. */
static struct hash file_key(const struct entry *e)
{
    struct identity who = { .engine = e->engine,
                            .dev = e->module.st_dev,
                            .ino = e->module.st_ino,
                            .size = (uint64_t)e->module.st_size,
                            .times = { e->module.st_mtim.tv_sec, e->module.st_mtim.tv_nsec,
                                       e->module.st_ctim.tv_sec, e->module.st_ctim.tv_nsec } };
    struct hash key;
    hash_of(&who, sizeof who, &key);
    return key;
}

struct hash entry_key(const struct hash *engine, const struct hash *module)
{
    const struct hash both[2] = {*engine, *module};
    struct hash key;
    hash_of(both, sizeof both, &key);
    return key;
}

static uint64_t piece_bytes(uint64_t n, uint32_t piece)
{
    uint64_t from = (uint64_t)piece * MODULE_PIECE;
    return n - from < MODULE_PIECE ? n - from : MODULE_PIECE;
}

static bool stopped(const struct entry *e)
{
    return e->kick && kick_pending(e->kick);
}

/* Of a module in memory, or of its file where `module` is NULL.  NULL: no memory, or a stop; a GiB
 * takes a second. */
static struct hash *pieces_of(const struct entry *e, const uint8_t *module, uint64_t n)
{
    uint8_t *piece = module ? NULL : malloc(MODULE_PIECE);
    struct hash *pieces = malloc(saved_pieces(n) * sizeof *pieces);
    bool good = pieces && (module || piece);
    for (uint32_t i = 0; good && i < saved_pieces(n); i++) {
        uint64_t at = (uint64_t)i * MODULE_PIECE, len = piece_bytes(n, i);
        good = !stopped(e) && (module || read_at(e->module_fd, piece, len, e->module_at + at));
        if (good)
            hash_of(module ? module + at : piece, len, &pieces[i]);
    }
    free(piece);
    if (good)
        return pieces;
    free(pieces);
    return NULL;
}

/* For who looks by content alone. */
static bool file_hash(const struct entry *e, struct hash *module)
{
    uint64_t n = e->module_bytes;
    struct hash *pieces = pieces_of(e, NULL, n);
    if (pieces)
        *module = saved_module(pieces, n);
    free(pieces);
    return pieces;
}

/* ---- a module's file: which image is its ---- */

struct id { uint8_t magic[8]; struct hash key; uint32_t sum, pad[5]; };
static const uint8_t id_magic[8] = {'w', 'a', 's', 'm', 'v', 'm', 0x1a, 'K'};

static bool id_read(const struct entry *e, struct hash *key)
{
    struct hash file = file_key(e);
    struct id id;
    int fd = store_file(e->dir, &file, "id", O_RDONLY);
    bool good = fd >= 0 && read_at(fd, &id, sizeof id, 0) &&
                memcmp(id.magic, id_magic, sizeof id_magic) == 0 &&
                id.sum == sum_of(&id.key, sizeof id.key);
    if (fd >= 0)
        close(fd);
    *key = id.key;
    return good;
}

/* Only of a file that has not changed for a while: a change within the clock's step would not show.
 */
static bool settled(const struct entry *e)
{
    struct timespec now;
    struct stat st;
    clock_gettime(CLOCK_REALTIME, &now);
    return file_stat(e->module_fd, &st) == 0 && st.st_size == e->module.st_size &&
           st.st_mtim.tv_sec == e->module.st_mtim.tv_sec &&
           st.st_mtim.tv_nsec == e->module.st_mtim.tv_nsec &&
           st.st_ctim.tv_sec == e->module.st_ctim.tv_sec &&
           st.st_ctim.tv_nsec == e->module.st_ctim.tv_nsec &&
           st.st_ctim.tv_sec + AGE_LEAST < now.tv_sec;
}

static void id_write(const struct entry *e)
{
    struct hash file = file_key(e);
    struct id id = {.key = e->key, .sum = sum_of(&e->key, sizeof e->key)};
    memcpy(id.magic, id_magic, sizeof id_magic);
    int fd = settled(e) ? store_file(e->dir, &file, "id", O_WRONLY | O_CREAT) : -1;
    if (fd < 0)
        return;
    write_at(fd, &id, sizeof id, 0);
    close(fd);
}

/* Local file systems, whose times tell of every change. */
static bool times_trusted(int fd)
{
    static const long kinds[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC,
                                 OVERLAYFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, 0x2fc12fc1 /* ZFS */};
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return false;
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if ((long)fs.f_type == kinds[i])
            return true;
    return false;
}

/* ---- the image ---- */

static const char *image_wrong(struct entry *e)
{
    struct stat st;
    if (file_stat(e->image_fd, &st) != 0)
        return "it cannot be read";
    const char *wrong = saved_read(e->image_fd, (uint64_t)st.st_size, &e->saved);
    if (wrong)
        return wrong;
    const struct saved_head *h = &e->saved.head;
    struct hash key = entry_key(&e->engine, &h->module);
    if (!hash_equal(&h->key, &e->key) || !hash_equal(&key, &e->key) ||
        h->module_bytes != e->module_bytes || h->carries)
        return "it is another module's";
    e->pieces = saved_hashes(e->image_fd, &e->saved);
    return e->pieces ? NULL : "it is damaged";
}

static void image_open(struct entry *e)
{
    store_publish(e->dir, &e->key);
    e->image_fd = store_file(e->dir, &e->key, "img", O_RDONLY);
    if (e->image_fd < 0)
        return;
    e->resume = true;
    e->state = ENTRY_WARM;
    const char *wrong = image_wrong(e);
    if (wrong)
        entry_refuse(e, wrong, true);
}

void entry_refuse(struct entry *e, const char *why, bool bad)
{
    if (bad && e->dir >= 0)
        store_remove(e->dir, &e->key, "img");
    close(e->image_fd);
    e->image_fd = -1;
    saved_free(&e->saved);
    if (!e->ships || e->stale) {
        free(e->pieces);
        e->pieces = NULL;
    }
    e->damaged = e->ships && !e->stale && bad;
    e->resume = e->make = false;
    e->state = ENTRY_COLD;
    e->why = why;
}

/* ---- the start ---- */

static void list_open(struct entry *e)
{
    struct hash file = file_key(e);
    struct timespec now;
    e->list = calloc(1, sizeof *e->list);
    e->list_fd = e->list ? store_file(e->dir, &file, "list", O_RDWR) : -1;
    bool there = e->list_fd >= 0 && list_read(e->list_fd, e->list);
    e->make = there && (!e->resume || e->list->body_bytes > BODIES_MORE);
    if (e->list_fd >= 0 || !e->list)
        return;
    e->list_fd = store_file(e->dir, &file, "list", O_RDWR | O_CREAT);
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_nsec / 1000 % BOUND_ONE_IN == 0)
        store_bound(e->dir, STORE_BYTES, STORE_ENTRIES);
}

/* NULL, or why not.  The directory is e->dir then. */
static const char *unusable(struct entry *e, const struct entry_want *want)
{
    struct failure why;
    if (!want->now && !times_trusted(want->module_fd))
        return "the module's file system may not tell of changes";
    e->dir = store_open(want->path, &why);
    return e->dir < 0 ? "its directory cannot be used" : NULL;
}

static const char *module_open(struct entry *e, const struct entry_want *want)
{
    if (file_stat(want->module_fd, &e->module) != 0 || !S_ISREG(e->module.st_mode) ||
        e->module.st_size <= 0 || e->module.st_size > (off_t)MAP_MODULE_MAX)
        return "the module is no regular file";
    const char *why = unusable(e, want);
    if (why)
        return why;
    e->module_fd = fcntl(want->module_fd, F_DUPFD_CLOEXEC, 3);
    e->module_bytes = (uint64_t)e->module.st_size;
    return e->module_fd < 0 ? "no descriptor" : NULL;
}

static void store_look(struct entry *e, const struct entry_want *want)
{
    struct hash module;
    bool known = want->now ? file_hash(e, &module) : id_read(e, &e->key);
    if (known && want->now)
        e->key = entry_key(&e->engine, &module);
    if (known)
        image_open(e);
    list_open(e);
    if (want->now && !e->resume)
        e->make = true;
    if (e->resume && e->make)
        e->new_fd = store_begin(e->dir, &e->key);
    if (e->resume)
        e->make = e->new_fd >= 0;
}

void entry_open(struct entry *e, const struct entry_want *want)
{
    entry_none(e);
    if (!want->path)
        return;
    e->state = ENTRY_COLD;
    e->engine = want->engine;
    e->name = want->name;
    e->cpu = want->cpu;
    e->now = want->now;
    e->kick = want->kick;
    e->why = module_open(e, want);
    if (!e->why)
        store_look(e, want);
}

/* Its file stands for the module's: what is known of the module, is known of that file. */
void entry_inside(struct entry *e, const struct entry_want *want)
{
    const char *stale = e->why;
    close(e->image_fd);
    e->image_fd = -1;
    e->engine = want->engine;
    e->now = want->now;
    if (!want->path || unusable(e, want))
        return;
    store_look(e, want);
    e->why = stale;
}

void entry_leave(struct entry *e, const char *why)
{
    int *const all[] = { &e->dir, &e->image_fd, &e->new_fd, &e->list_fd };
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (*all[i] >= 0)
            close(*all[i]);
        *all[i] = -1;
    }
    saved_free(&e->saved);
    free(e->pieces);
    free(e->list);
    e->pieces = NULL;
    e->list = NULL;
    e->resume = e->make = false;
    e->state = ENTRY_COLD;
    e->why = why;
}

/* Another run may have made it meanwhile, of a file with other times: then it is only named. */
void entry_make(struct entry *e, const uint8_t *module, uint64_t n)
{
    if (!e->make || e->resume)
        return;
    e->make = false;
    if (!e->now && !e->build && !settled(e)) {
        e->why = "the module's file is younger than two seconds";
        return;
    }
    free(e->pieces);
    e->pieces = pieces_of(e, module, n);
    e->module_bytes = n;
    if (!e->pieces)
        return;
    struct hash hash = saved_module(e->pieces, n);
    e->key = entry_key(&e->engine, &hash);
    e->make = e->build;
    if (e->build)
        return;
    store_publish(e->dir, &e->key);
    id_write(e);
    int there = store_file(e->dir, &e->key, "img", O_RDONLY);
    if (there >= 0) {
        close(there);
        return;
    }
    store_bound(e->dir, STORE_BYTES, STORE_ENTRIES);
    e->new_fd = store_begin(e->dir, &e->key);
    e->make = e->new_fd >= 0;
    if (!e->make)
        e->why = errno == EEXIST || errno == EWOULDBLOCK ? "another run makes its image"
                                                         : "its directory takes no file";
}

void entry_opened(struct entry *e)
{
    if (e->dir >= 0)
        close(e->dir);
    if (e->image_fd >= 0)
        close(e->image_fd);
    e->dir = e->image_fd = -1;
}

struct saved entry_head(const struct entry *e)
{
    struct saved s = {.head = {.key = e->key, .module_bytes = e->module_bytes, .cpu = e->cpu,
                               .carries = e->build}};
    const char *slash = e->name ? strrchr(e->name, '/') : NULL;
    const char *name = slash ? slash + 1 : e->name ? e->name : "";
    size_t n = saved_pieces(e->module_bytes) * sizeof *e->pieces;
    s.head.module = saved_module(e->pieces, e->module_bytes);
    s.head.pieces_sum = sum_of(e->pieces, n);
    memcpy(s.head.name, name, strnlen(name, sizeof s.head.name - 1));
    return s;
}

/* Closed before the module's first instruction: no run can change an image. */
void entry_made(struct entry *e, bool good, const char *why)
{
    if (good && e->list_fd >= 0 && ftruncate(e->list_fd, 0) == 0)
        *e->list = (struct list){0};
    if (good)
        e->state = ENTRY_MADE;
    else
        e->why = why;
    close(e->new_fd);
    e->new_fd = -1;
    e->make = false;
}

static bool piece_is(const struct hash *wanted, const uint8_t *bytes, uint64_t n)
{
    struct hash hash;
    hash_of(bytes, n, &hash);
    return hash_equal(&hash, wanted);
}

bool entry_piece_good(const struct entry *e, uint32_t piece, const uint8_t *bytes, uint64_t n)
{
    return n == piece_bytes(e->module_bytes, piece) && piece_is(&e->pieces[piece], bytes, n);
}

bool entry_module_good(const struct entry *e, const uint8_t *bytes, uint64_t n)
{
    const struct hash *pieces = e->stale ? e->inside : e->pieces;
    bool good = !e->ships || n == e->module_bytes;
    for (uint32_t i = 0; good && e->ships && pieces && i < saved_pieces(n) && !stopped(e); i++)
        good = piece_is(&pieces[i], bytes + (uint64_t)i * MODULE_PIECE, piece_bytes(n, i));
    return good;
}

/* ---- the end ---- */

void entry_listed(struct entry *e, const uint8_t bits[LIST_BYTES], uint64_t body_bytes)
{
    bool more = e->state == ENTRY_COLD || body_bytes > BODIES_MORE;
    if (e->state == ENTRY_OFF || e->list_fd < 0 || !more || body_bytes == 0)
        return;
    memcpy(e->list->bits, bits, LIST_BYTES);
    e->list->body_bytes = body_bytes;
    if (list_write(e->list_fd, e->list) && e->state == ENTRY_COLD)
        e->state = ENTRY_LISTED;
}

void entry_close(struct entry *e)
{
    const int all[] = {e->dir, e->image_fd, e->new_fd, e->list_fd, e->module_fd};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] >= 0)
            close(all[i]);
    saved_free(&e->saved);
    free(e->pieces);
    free(e->inside);
    free(e->list);
    enum entry_state state = e->state;
    const char *why = e->why;
    entry_none(e);
    e->state = state;
    e->why = why;
}
