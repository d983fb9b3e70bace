/* Within the image that runs test scripts: the code of an engine, broken on purpose. */
#ifndef TESTS_SPEC_BROKEN_H
#define TESTS_SPEC_BROKEN_H

#include <stdint.h>

/* Runs into code that is nothing but this byte; comes back only where that does no harm. */
void broken_run(uint8_t byte);

#endif
