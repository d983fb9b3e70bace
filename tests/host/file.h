/* Files for test programs. */
#ifndef TESTS_HOST_FILE_H
#define TESTS_HOST_FILE_H

#include <stddef.h>

/* The whole file, to be freed, and a NUL behind it; NULL: errno says why. */
void *file_read(const char *path, size_t *len);

#endif
