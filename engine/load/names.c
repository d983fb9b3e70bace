/* Names as text: of functions (spec appendix, "name section") and in messages.
 *
 * The name section is not part of validation: whatever does not fit is as if it were not there.
 * Nothing is indexed beforehand; a look-up walks the section, whose entries stand in order of their
 * indices. */
#include "engine/inside.h"
#include "engine/lib.h"
#include "engine/load/reader.h"

/* Characters that move a terminal's cursor or turn its text round: controls, separators,
 * directions. */
static bool is_printable(uint32_t c)
{
    static const struct { uint32_t first, last;
    } hidden[] = {
        { 0x00, 0x1f },     { 0x7f, 0x9f },     { 0x200b, 0x200f }, { 0x2028, 0x202e },
        { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe007f },
    };
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (c >= hidden[i].first && c <= hidden[i].last)
            return false;
    return true;
}

size_t name_escape(struct name name, char *out, size_t cap)
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;
    ENGINE_ASSERT(cap > 0);
    for (uint32_t i = 0; i < name.len;) {
        uint32_t c = 0, len = utf8_read(name.bytes + i, name.len - i, &c);
        bool plain = len > 0 && is_printable(c);
        if (used + (plain ? len : 4) >= cap)
            break;
        if (plain) {
            for (uint32_t k = 0; k < len; k++)
                out[used++] = (char)name.bytes[i + k];
            i += len;
        } else {
            out[used++] = '\\';
            out[used++] = 'x';
            out[used++] = digits[name.bytes[i] >> 4];
            out[used++] = digits[name.bytes[i] & 15];
            i++;
        }
    }
    ENGINE_ASSERT(used < cap);
    out[used] = '\0';
    return used;
}

/* A u32 LEB128 before `end`; false: there is none. */
static bool leb_read(const uint8_t **at, const uint8_t *end, uint32_t *value)
{
    uint64_t sum = 0;
    for (uint32_t shift = 0; shift < 35 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        sum |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value = (uint32_t)sum;
            return sum <= UINT32_MAX;
        }
    }
    return false;
}

/* The name section's functions, in order. */
struct names { const uint8_t *at, *end; uint32_t left, func; struct name name; };

static struct names names_of(const struct module *module)
{
    struct names n = { .left = 0 };
    if (module->name_section == 0)
        return n;
    module_want(module, module->name_section, module->name_section_len);
    n.at = module->bytes + module->name_section;
    n.end = n.at + module->name_section_len;
    if (!leb_read(&n.at, n.end, &n.left))
        n.left = 0;
    return n;
}

static bool names_next(struct names *n)
{
    uint32_t len;
    if (n->left == 0 || !leb_read(&n->at, n->end, &n->func) || !leb_read(&n->at, n->end, &len) ||
        len > (size_t)(n->end - n->at))
        return false;
    n->left--;
    n->name = (struct name){ n->at, len };
    n->at += len;
    return true;
}

static bool section_name(const struct module *module, uint32_t func, struct name *out)
{
    for (struct names n = names_of(module); names_next(&n) && n.func <= func;)
        if (n.func == func) {
            *out = n.name;
            return n.name.len > 0;
        }
    return false;
}

static bool begins(struct name name, const char *prefix)
{
    uint32_t k = 0;
    while (prefix[k] && k < name.len && name.bytes[k] == (uint8_t)prefix[k])
        k++;
    return !prefix[k];
}

uint32_t func_named(const struct module *module, const char *prefix, uint32_t from)
{
    for (struct names n = names_of(module); names_next(&n);)
        if (n.func >= from && n.func < module->nfuncs && begins(n.name, prefix))
            return n.func;
    return UINT32_MAX;
}

static bool export_name(const struct module *module, uint32_t func, struct name *out)
{
    module_want_exports(module);
    for (uint32_t i = 0; i < module->nexports; i++) {
        const struct export *export = &module->exports[i];
        if (export->kind == EXTERN_FUNC && export->index == func && export->name.len > 0) {
            *out = export->name;
            return true;
        }
    }
    return false;
}

static bool find_name(const struct module *module, uint32_t func, struct name *out)
{
    return section_name(module, func, out) || export_name(module, func, out);
}

size_t func_name(struct instance *instance, uint32_t func, char *out, size_t cap)
{
    struct name name;
    bool stripped = instance->module->name_section == 0;
    if (find_name(instance->module, func, &name) || (stripped && go_name(instance, func, &name)))
        return name_escape(name, out, cap);
    return error_format(out, cap, "func[%u]", func);
}

const char *func_words(const struct module *module, uint32_t func, char out[FUNC_WORDS])
{
    struct name name;
    if (find_name(module, func, &name))
        error_format(out, FUNC_WORDS, "function \"%.*s\"", name.len, name.bytes);
    else
        error_format(out, FUNC_WORDS, "function %u", func);
    return out;
}
