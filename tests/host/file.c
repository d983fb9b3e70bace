/* Files for test programs. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/host/file.h"

void *file_read(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *bytes = NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        *len = (size_t)ftell(file);
        rewind(file);
        bytes = malloc(*len + 1);
    }
    if (bytes && fread(bytes, 1, *len, file) != *len) {
        free(bytes);
        bytes = NULL;
    }
    if (bytes)
        bytes[*len] = 0;
    fclose(file);
    return bytes;
}
