/* Runs a fuzz target over files, without libFuzzer: replay FILE...   A finding ends the process. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            return 2;
        }
        fseek(file, 0, SEEK_END);
        size_t len = (size_t)ftell(file);
        rewind(file);
        uint8_t *bytes = malloc(len + 1);
        if (!bytes || fread(bytes, 1, len, file) != len)
            return 2;
        fclose(file);
        fprintf(stderr, "%s\n", argv[i]); /* the last one is the one that did not come through */
        LLVMFuzzerTestOneInput(bytes, len);
        free(bytes);
    }
    printf("%d passed, 0 failed\n", argc - 1);
    return 0;
}
