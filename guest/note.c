/* The image's note: which host/guest contract it was compiled with (wasi-shim/abi.h). */
#include "wasi-shim/abi.h"

static const struct {
    uint32_t name_bytes, note_bytes, type;
    char name[(sizeof ABI_NOTE_NAME + 3) / 4 * 4];
    struct abi_note note;
} note __attribute__((section(".note.wasmvm"), used, aligned(4))) = {
    sizeof ABI_NOTE_NAME, sizeof(struct abi_note), ABI_NOTE_TYPE, ABI_NOTE_NAME, ABI_NOTE,
};
