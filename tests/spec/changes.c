/* By the assertion's sentence, or by its line.  The engine takes several memories (3.0).  Segments
 * before one that does not fit are written since 2.0, and were not before. */
#include "tests/spec/changes.h"

#include <stddef.h>
#include <string.h>

static const struct { const char *suite, *file, *text; uint32_t line;
} known_changes[] = {
    { "v1/", "func", "invalid result arity", 0 }, /* multi-value, 2.0 */
    { "v1/", "type", "invalid result arity", 0 },
    { "v1/", "imports", "multiple tables", 0 },   /* reference types, 2.0 */
    { "v1/", "imports", "multiple memories", 0 }, /* multi-memory, 3.0 */
    { "v1/", "memory", "multiple memories", 0 },
    { "v1/", "unreached-invalid", "type mismatch",
      539 }, /* 2.0 types unreachable code more loosely */
    { "v1/", "linking", NULL, 236 },
    { "v1/", "linking", NULL, 248 }, /* segments, 2.0 */
    { "v1/", "linking", NULL, 342 },
    { "v1/", "linking", NULL, 354 },
    { "v2/", "imports", "multiple memories", 0 },
    { "v2/", "memory", "multiple memories", 0 },
};

bool changed(const char *dir, const char *file, const char *text, uint32_t line)
{
    for (size_t i = 0; i < sizeof known_changes / sizeof *known_changes; i++)
        if (strstr(dir, known_changes[i].suite) && strcmp(file, known_changes[i].file) == 0 &&
            (!known_changes[i].text || strcmp(text, known_changes[i].text) == 0) &&
            (!known_changes[i].line || known_changes[i].line == line))
            return true;
    return false;
}
