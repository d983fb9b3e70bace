/* The suite's values: from JSON into cells, expectations, and as text. */
#ifndef TESTS_SPEC_VALUE_H
#define TESTS_SPEC_VALUE_H

#include "engine/engine.h"
#include "tests/spec/json.h"

/* {"type": "i32", "value": "1"}; false: a type or value that this runner does not know. */
bool value_type(const struct json *, uint8_t *type);
bool value_cell(const struct json *, struct cell *out);
/* Whether a result is what is expected: bit for bit, "nan:canonical" and "nan:arithmetic" as the
 * suite defines them. */
bool value_match(const struct json *expected, const struct cell *got);
/* For messages. */
size_t value_text(const struct json *, char *out, size_t cap);
size_t cell_text(uint8_t type, const struct cell *, char *out, size_t cap);

#endif
