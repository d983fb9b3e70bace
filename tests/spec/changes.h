/* What a later version of the standard says otherwise than the suite's own. */
#ifndef TESTS_SPEC_CHANGES_H
#define TESTS_SPEC_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

/* An assertion of dir/file.wast, by its sentence and line. */
bool changed(const char *dir, const char *file, const char *text, uint32_t line);

#endif
