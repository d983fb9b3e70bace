/* A recursive reader; the suite's nesting is shallow. */
#include "tests/spec/json.h"
#include "tests/host/file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct input { const char *at, *end; int line; };

static void space_skip(struct input *in)
{
    for (; in->at < in->end && strchr(" \t\r\n", *in->at); in->at++)
        in->line += *in->at == '\n';
}

static bool mark_take(struct input *in, char mark)
{
    space_skip(in);
    if (in->at == in->end || *in->at != mark)
        return false;
    in->at++;
    return true;
}

/* After a backslash; only ASCII stands behind \u in the suite. */
static bool escape_read(struct input *in, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = *in->at++;
    if (c == 'u') {
        char hex[5] = { 0 }, *stop;
        if (in->end - in->at < 4)
            return false;
        memcpy(hex, in->at, 4);
        in->at += 4;
        unsigned long code = strtoul(hex, &stop, 16);
        *out = (char)code;
        return *stop == '\0' && code < 0x80;
    }
    const char *which = c ? strchr(from, c) : NULL;
    if (which)
        *out = to[which - from];
    return which != NULL;
}

static char *string_read(struct input *in, size_t *len)
{
    if (!mark_take(in, '"'))
        return NULL;
    const char *close = in->at;
    while (close < in->end && *close != '"')
        close += *close == '\\' ? 2 : 1;
    if (close >= in->end)
        return NULL;
    char *text = malloc((size_t)(close - in->at) + 1);
    for (*len = 0; in->at < close; (*len)++) {
        char c = *in->at++;
        if (c == '\\' && !escape_read(in, &c))
            return NULL;
        text[*len] = c;
    }
    text[*len] = '\0';
    in->at++;
    return text;
}

static struct json *value_read(struct input *in);

static bool members_read(struct input *in, struct json *parent, char close)
{
    struct json **last = &parent->first;
    if (mark_take(in, close))
        return true;
    do {
        char *key = NULL;
        size_t len;
        if (parent->kind == JSON_OBJECT && (!(key = string_read(in, &len)) || !mark_take(in, ':')))
            return false;
        if (!(*last = value_read(in)))
            return false;
        (*last)->key = key;
        last = &(*last)->next;
        parent->count++;
    } while (mark_take(in, ','));
    return mark_take(in, close);
}

static struct json *value_read(struct input *in)
{
    struct json *value = calloc(1, sizeof *value);
    space_skip(in);
    if (in->at == in->end)
        return NULL;
    if (*in->at == '"') {
        value->kind = JSON_STRING;
        value->text = string_read(in, &value->len);
        return value->text ? value : NULL;
    }
    if (mark_take(in, '{')) {
        value->kind = JSON_OBJECT;
        return members_read(in, value, '}') ? value : NULL;
    }
    if (mark_take(in, '[')) {
        value->kind = JSON_ARRAY;
        return members_read(in, value, ']') ? value : NULL;
    }
    const char *start = in->at;
    while (in->at < in->end && !strchr(" \t\r\n,]}", *in->at))
        in->at++;
    value->len = (size_t)(in->at - start);
    value->text = strndup(start, value->len);
    value->kind = strcmp(value->text, "null") == 0 ? JSON_NULL : JSON_WORD;
    return value->len > 0 ? value : NULL;
}

struct json *json_read(const char *path, int *line)
{
    size_t len;
    char *text = file_read(path, &len);
    *line = 0;
    if (!text)
        return NULL;
    struct input in = { text, text + len, 1 };
    struct json *value = value_read(&in);
    *line = in.line;
    return value;
}

const struct json *json_get(const struct json *object, const char *key)
{
    for (const struct json *member = object ? object->first : NULL; member; member = member->next)
        if (member->key && strcmp(member->key, key) == 0)
            return member;
    return NULL;
}

const char *json_text(const struct json *object, const char *key, const char *otherwise)
{
    const struct json *member = json_get(object, key);
    return member && member->text ? member->text : otherwise;
}
