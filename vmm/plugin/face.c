/* What a plug-in's library says of itself by the C ABI of wasmvm_plugin.h. */
#include <stdio.h>
#include <string.h>

#include "vmm/plugin/plugin.h"

static bool functions_check(const struct wasmvm_plugin *face, char why[PLUGIN_WHY])
{
    for (uint32_t i = 0; i < face->nfuncs; i++) {
        const struct wasmvm_func *f = &face->funcs[i];
        if (f->module && f->name && f->sig && f->fn)
            continue;
        snprintf(why, PLUGIN_WHY, "%s.%s: a function needs a module, a name, a signature and code",
                 f->module ? f->module : "?", f->name ? f->name : "?");
        return false;
    }
    return true;
}

static bool face_check(const struct wasmvm_plugin *face, char why[PLUGIN_WHY])
{
    if (!face)
        snprintf(why, PLUGIN_WHY, "its wasmvm_plugin_get gives no plug-in");
    else if (face->abi != WASMVM_PLUGIN_ABI)
        snprintf(why, PLUGIN_WHY,
                 "it was built for version %u of the plug-in ABI, and this wasmvm has %u (build it "
                 "with this wasmvm's wasmvm_plugin.h)",
                 face->abi, WASMVM_PLUGIN_ABI);
    else if (!face->name || !*face->name)
        snprintf(why, PLUGIN_WHY, "its struct wasmvm_plugin has no name");
    else if (!face->funcs && face->nfuncs)
        snprintf(why, PLUGIN_WHY, "its struct wasmvm_plugin counts %u functions and has none",
                 face->nfuncs);
    else if (face->flags & ~PLUGIN_FLAGS)
        snprintf(why, PLUGIN_WHY, "its flags 0x%x ask for what this wasmvm does not know",
                 face->flags);
    else
        return functions_check(face, why);
    return false;
}

const struct wasmvm_plugin *face_find(void *library, char why[PLUGIN_WHY])
{
    const struct wasmvm_plugin *(*get)(void);
    void *symbol = library_find(library, "wasmvm_plugin_get");
    if (!symbol) {
        snprintf(why, PLUGIN_WHY,
                 "it is no plug-in: it exports no wasmvm_plugin_get (see docs/plugins.md)");
        return NULL;
    }
    memcpy(&get, &symbol, sizeof get);
    const struct wasmvm_plugin *face = get();
    return face_check(face, why) ? face : NULL;
}

/* key=value; NULL: it is another's. */
static const char *value_of(const char *piece, const char *key)
{
    size_t len = strlen(key);
    return strncmp(piece, key, len) == 0 && piece[len] == '=' ? piece + len + 1 : NULL;
}

const char *face_option(char *const pieces[], unsigned n, const char *key)
{
    for (unsigned i = 0; i < n; i++)
        if (value_of(pieces[i], key))
            return value_of(pieces[i], key);
    return NULL;
}

bool face_begin(const struct wasmvm_plugin *face, const struct wasmvm_host *host, void **data,
                char why[PLUGIN_WHY])
{
    int refused = face->init ? face->init(host, data) : 0;
    if (refused)
        snprintf(why, PLUGIN_WHY, "plug-in %s refuses to start (its init gave %d)", face->name,
                 refused);
    return !refused;
}
