/* Runs a fuzz target over files, without libFuzzer: replay [-m] FILE...   A finding ends the
 * process.  -m: each allocation fails once. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
/* A target may have these or not. */
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);
__attribute__((weak)) uint32_t fuzz_without_memory(const uint8_t *data, size_t len);

/* The monitor's targets have a file_read of another kind, so that tests/host/file.c cannot be here.
 */
static uint8_t *input_read(const char *name, size_t *len)
{
    FILE *f = fopen(name, "rb");
    long end = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    uint8_t *bytes = end >= 0 ? malloc((size_t)end + 1) : NULL;
    *len = 0;
    if (bytes && fseek(f, 0, SEEK_SET) == 0)
        *len = fread(bytes, 1, (size_t)end, f);
    if (f)
        fclose(f);
    /* its exact size, for who reads past the end */
    return bytes && *len ? realloc(bytes, *len) : bytes;
}

int main(int argc, char **argv)
{
    bool no_memory = argc > 1 && strcmp(argv[1], "-m") == 0 && fuzz_without_memory;
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1 + no_memory; i < argc; i++) {
        size_t len;
        uint8_t *bytes = input_read(argv[i], &len);
        if (!bytes) {
            perror(argv[i]);
            return 2;
        }
        fprintf(stderr, "%s\n", argv[i]); /* the last one is the one that did not come through */
        if (no_memory)
            fuzz_without_memory(bytes, len);
        else
            LLVMFuzzerTestOneInput(bytes, len);
        free(bytes);
    }
    printf("%d passed, 0 failed\n", argc - 1 - no_memory);
    return 0;
}
