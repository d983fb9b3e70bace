/* `wasmvm-oci module LAYOUT FILE`: takes the module out of an OCI image layout, a directory that
 * others made.
 *
 * What each piece is called is the hash of its bytes, which is looked at; only index.json is taken
 * as it is. */
#include "oci/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sha2.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define ALGORITHM "sha256:"
enum { HEX = 64, MANIFEST_MOST = 1 << 20, MODULE_MOST = 1 << 28 };

static const char *digest_hex(const char *digest)
{
    size_t head = strlen(ALGORITHM);
    if (!digest || strncmp(digest, ALGORITHM, head) != 0)
        refuse("%s: only sha256 is known", digest ? digest : "a descriptor without a digest");
    if (strlen(digest + head) != HEX || strspn(digest + head, "0123456789abcdef") != HEX)
        refuse("%s: not a digest", digest);
    return digest + head;
}

/* The bytes that a descriptor (digest, size) means. */
static char *blob_read(int dir, struct json_object *descriptor, size_t most, size_t *n)
{
    int64_t size = -1;
    char found[SHA256_DIGEST_STRING_LENGTH];
    const char *hex = digest_hex(text_in(descriptor, "digest"));
    uint64_t flags = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    char *bytes = file_read(dir, text("blobs/sha256/%s", hex), flags, most, n);
    if (!bytes)
        refuse("%s: it cannot be read: %s", hex, strerror(errno));
    if (!number_in(descriptor, "size", &size) || size < 0 || (uint64_t)size != *n)
        refuse("%s: it has %zu bytes, and not those that its size says", hex, *n);
    SHA256Data((const uint8_t *)bytes, *n, found);
    if (strcmp(found, hex) != 0)
        refuse("%s: its bytes have another hash, %s", hex, found);
    return bytes;
}

static bool is_module(const char *type)
{
    static const char *const types[] = {"application/wasm",
                                        "application/vnd.wasm.content.layer.v1+wasm"};
    for (size_t i = 0; type && i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

static struct json_object *element(struct json_object *array, size_t i)
{
    struct json_object *found = json_object_array_get_idx(array, i);
    if (!json_object_is_type(found, json_type_object))
        refuse("a descriptor is no object");
    return found;
}

/* The one manifest of the index. */
static struct json_object *manifest_read(int dir)
{
    size_t n;
    struct json_object *all = array_in(document_read(dir, "index.json"), "manifests");
    if (!all || json_object_array_length(all) != 1)
        refuse("index.json: one manifest is wanted");
    char *bytes = blob_read(dir, element(all, 0), MANIFEST_MOST, &n);
    struct json_object *manifest = document_parse(bytes, n, "the manifest");
    if (!json_object_is_type(manifest, json_type_object))
        refuse("the manifest: not an object");
    return manifest;
}

/* The one layer that is a module. */
static struct json_object *module_layer(struct json_object *manifest)
{
    struct json_object *layers = array_in(manifest, "layers"), *found = NULL;
    for (size_t i = 0; layers && i < json_object_array_length(layers); i++) {
        struct json_object *layer = element(layers, i);
        if (!is_module(text_in(layer, "mediaType")))
            continue;
        if (found)
            refuse("the manifest: it has more than one module");
        found = layer;
    }
    if (!found)
        refuse("the manifest: no layer is a module (an image with a root file system needs an "
               "engine)");
    return found;
}

static _Noreturn void file_drop(const char *name)
{
    int why = errno;
    unlink(name);
    refuse("%s: %s", name, strerror(why));
}

/* A new file, which is there whole or not at all.  Some file systems say at the close that they
 * keep no more; past a limit of file sizes there is a signal otherwise. */
static void file_make(const char *name, const char *bytes, size_t n)
{
    signal(SIGXFSZ, SIG_IGN);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        refuse("%s: %s", name, strerror(errno));
    for (size_t done = 0; done < n;) {
        ssize_t wrote = write(fd, bytes + done, n - done);
        if (wrote < 0)
            file_drop(name);
        done += (size_t)wrote;
    }
    if (close(fd) != 0)
        file_drop(name);
}

void layout_module(const char *layout, const char *name)
{
    size_t n;
    int dir = open(layout, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        refuse("%s: %s", layout, strerror(errno));
    char *bytes = blob_read(dir, module_layer(manifest_read(dir)), MODULE_MOST, &n);
    if (n < 4 || memcmp(bytes, "\0asm", 4) != 0)
        refuse("the layer: it is no WebAssembly module");
    file_make(name, bytes, n);
}
