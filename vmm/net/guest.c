/* Socket addresses in guest memory: a descriptor {pointer, length} whose length says the form.  4
 * bytes: IPv4; 16: IPv6; 128: a family and the address behind it, also a unix path.  Ports stand
 * apart. */
#include "vmm/net/inside.h"

#include <string.h>

enum { LEN_V4 = 4, LEN_V6 = 16, LEN_STORAGE = 128 };
enum { TYPE_V4 = 4, TYPE_V6 = 6 }; /* the older form's address types are no families */
struct buffer { uint32_t buf, len; };
struct storage { uint16_t family; uint8_t data[126]; };
_Static_assert(sizeof(struct storage) == LEN_STORAGE, "layout");

static uint32_t path_take(const struct storage *s, struct guest_addr *out)
{
    if (!memchr(s->data, 0, sizeof s->data) || s->data[0] == 0)
        return WASI_INVAL; /* not ended, empty, or abstract */
    memcpy(out->path, s->data, sizeof s->data);
    return WASI_SUCCESS;
}

static uint32_t storage_take(const struct storage *s, struct guest_addr *out)
{
    out->family = s->family < UINT8_MAX ? (uint8_t)s->family : FAMILY_UNSPEC;
    switch (s->family) {
    case FAMILY_INET4: out->at.ip = ip_from_v4(s->data); return WASI_SUCCESS;
    case FAMILY_INET6: memcpy(out->at.ip.b, s->data, 16); return WASI_SUCCESS;
    case FAMILY_UNIX: return path_take(s, out);
    default: return WASI_AFNOSUPPORT;
    }
}

uint32_t guest_addr_read(struct wasi *w, uint64_t at, uint64_t port, struct guest_addr *out)
{
    struct buffer b;
    struct storage s = { 0 };
    if (!linear_read(w->mem, at, &b, sizeof b))
        return WASI_FAULT;
    *out = (struct guest_addr){ .at.port = (uint16_t)port };
    if (b.len != LEN_V4 && b.len != LEN_V6 && b.len != LEN_STORAGE)
        return WASI_INVAL;
    if (!linear_read(w->mem, b.buf, b.len == LEN_STORAGE ? (void *)&s : s.data, b.len))
        return WASI_FAULT;
    if (b.len != LEN_STORAGE)
        s.family = b.len == LEN_V4 ? FAMILY_INET4 : FAMILY_INET6;
    if (s.family != FAMILY_UNIX && port > UINT16_MAX)
        return WASI_INVAL;
    return storage_take(&s, out);
}

uint32_t guest_addr_prepare(struct wasi *w, uint64_t at, uint64_t port, uint64_t type, bool older,
                            struct guest_addr_out *out)
{
    struct buffer b;
    if (!linear_read(w->mem, at, &b, sizeof b) || !out_ok(w, b.buf, b.len) ||
        (port && !out_ok(w, port, 4)) || (type && !out_ok(w, type, 4)))
        return WASI_FAULT;
    *out = (struct guest_addr_out){ b.buf, b.len, port, type };
    bool known = older ? b.len == LEN_V4 || b.len == LEN_V6 || b.len == LEN_STORAGE
                       : b.len == LEN_STORAGE;
    return known ? WASI_SUCCESS : WASI_INVAL;
}

static uint32_t put_storage(struct wasi *w, const struct guest_addr_out *out,
                            const struct guest_addr *a)
{
    struct storage s = { .family = a->family };
    size_t used = 0;
    switch (a->family) {
    case FAMILY_INET4: used = 4; memcpy(s.data, a->at.ip.b + 12, used); break;
    case FAMILY_INET6: used = 16; memcpy(s.data, a->at.ip.b, used); break;
    case FAMILY_UNIX: used = strlen(a->path) + 1; memcpy(s.data, a->path, used); break;
    }
    return out_put(w, out->buf, &s, sizeof s.family + used);
}

static uint32_t put_raw(struct wasi *w, const struct guest_addr_out *out,
                        const struct guest_addr *a)
{
    /* A mapped address, where there is no room but for the four bytes that count. */
    bool v4 = a->family == FAMILY_INET4 || (out->len < LEN_V6 && ip_is_v4(&a->at.ip));
    uint32_t type = v4 ? TYPE_V4 : TYPE_V6;
    if (a->family != FAMILY_INET4 && a->family != FAMILY_INET6)
        return a->family == FAMILY_UNSPEC ? WASI_SUCCESS : WASI_AFNOSUPPORT;
    if (out->len < (v4 ? LEN_V4 : LEN_V6))
        return WASI_NOMEM;
    if (out->type)
        out_put(w, out->type, &type, 4);
    return out_put(w, out->buf, a->at.ip.b + (v4 ? 12 : 0), v4 ? LEN_V4 : LEN_V6);
}

uint32_t guest_addr_write(struct wasi *w, const struct guest_addr_out *out,
                          const struct guest_addr *a)
{
    uint32_t err = out->len == LEN_STORAGE ? put_storage(w, out, a) : put_raw(w, out, a);
    uint32_t port = a->at.port;
    if (err == WASI_SUCCESS && out->port)
        out_put(w, out->port, &port, 4);
    return err;
}
