/* What all settings have in common: how they begin, and how those that hold memory are filled and
 * freed. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/settings.h"

void settings_default(struct settings *s)
{
    *s = (struct settings){
#define NUMBER(name, field, otherwise, least, most, what) .field = (otherwise),
#include "vmm/base/settings.def"
    };
}

/* ---- what is freed: by type, of which the names are those of the lists ---- */

static void text_free(const char **text)
{
    free((char *)*text);
}

static void words_free(struct words *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        free((char *)s->at[i]);
    free(s->at);
}

static void grants_free(struct grants *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        free((char *)s->at[i].host);
        free((char *)s->at[i].guest);
    }
    free(s->at);
}

static void sockets_free(struct sockets *s)
{
    free(s->at); /* the descriptors are others' */
}

void settings_free(struct settings *s)
{
#define TEXT(name, field) text_free(&s->field);
#define RULES(kind, field) words_free(&s->field);
#define RULE(kind, field) text_free(&s->field);
#define LIST(type, field) type##_free(&s->field);
#include "vmm/base/settings.def"
}

bool settings_text(const char **field, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return false;
    free((char *)*field);
    *field = copy;
    return true;
}

bool settings_add(struct words *s, char *text)
{
    const char **at = text ? realloc(s->at, (s->n + 1) * sizeof *at) : NULL;
    if (!at) {
        free(text);
        return false;
    }
    s->at = at;
    s->at[s->n++] = text;
    return true;
}

const char *words_env(const struct words *s, const char *name)
{
    size_t len = strlen(name);
    for (uint32_t i = 0; i < s->n; i++)
        if (strncmp(s->at[i], name, len) == 0 && s->at[i][len] == '=')
            return s->at[i] + len + 1;
    return NULL;
}

bool settings_network(const struct settings *s)
{
    return s->allow_connect.n || s->allow_listen.n || s->deny.n || s->allow_dns || s->net_all ||
           s->allow_unix;
}
