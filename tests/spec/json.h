/* JSON as the converted test suite uses it: a whole text into a tree.  Nothing is freed; the
 * process is short. */
#ifndef TESTS_SPEC_JSON_H
#define TESTS_SPEC_JSON_H

#include <stddef.h>
#include <stdint.h>

enum json_kind {
    JSON_NULL,
    JSON_WORD /* number, true, false: as written */,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_kind kind;
    const char *text; /* word or string; NUL-terminated, but a string may hold NULs too */
    size_t len;
    uint32_t count;             /* of an array's or object's members */
    struct json *first, *next;  /* members */
    const char *key;            /* in an object */
};

/* NULL: not JSON, or the file cannot be read; *line says where. */
struct json *json_read(const char *path, int *line);
/* The member `key` of an object, or NULL. */
const struct json *json_get(const struct json *object, const char *key);
/* Its text, or `otherwise` where there is no such member. */
const char *json_text(const struct json *object, const char *key, const char *otherwise);

#endif
