/* Runs a fuzz target over files, without libFuzzer: replay FILE...   A finding ends the process. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/host/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t len;
        uint8_t *bytes = file_read(argv[i], &len);
        if (!bytes) {
            perror(argv[i]);
            return 2;
        }
        fprintf(stderr, "%s\n", argv[i]); /* the last one is the one that did not come through */
        LLVMFuzzerTestOneInput(bytes, len);
        free(bytes);
    }
    printf("%d passed, 0 failed\n", argc - 1);
    return 0;
}
