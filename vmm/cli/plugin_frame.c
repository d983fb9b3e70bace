/* A plug-in process's hello, bounds checked.  The plug-in is not the attacker, but what it says may
 * be any garbage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/cli/plugin.h"

static const char *next_string(const char **at)
{
    const char *here = *at;
    *at += strlen(here) + 1;
    return here;
}

/* The strings of the hello's text, which ends with a NUL. */
static bool strings_read(struct hello *hello, const char *end, uint32_t strings)
{
    const char *at = hello->text;
    hello->name = next_string(&at);
    hello->version = next_string(&at);
    hello->nfuncs = strings / 2 - 1;
    hello->funcs = calloc(hello->nfuncs + 1u, sizeof *hello->funcs);
    for (uint32_t i = 0; hello->funcs && i < hello->nfuncs; i++) {
        hello->funcs[i].name = next_string(&at);
        hello->funcs[i].sig = next_string(&at);
    }
    return hello->funcs && at <= end;
}

bool hello_read(const struct frame *frame, struct hello *hello, char why[PLUGIN_WHY])
{
    *hello = (struct hello){0};
    if (frame->kind != FRAME_HELLO || frame->len < 4) {
        snprintf(why, PLUGIN_WHY, "its first frame is no hello (docs/plugins.md describes it)");
        return false;
    }
    uint32_t abi = frame_u32(frame->body), len = frame->len - 4, strings = 0;
    if (abi != WASMVM_PLUGIN_ABI) {
        snprintf(why, PLUGIN_WHY,
                 "it speaks version %u of the plug-in ABI, and this wasmvm speaks %u", abi,
                 WASMVM_PLUGIN_ABI);
        return false;
    }
    for (uint32_t i = 0; i < len; i++)
        strings += frame->body[4 + i] == 0;
    if (!len || frame->body[4 + len - 1] != 0 || strings < 2 || strings % 2 || !frame->body[4]) {
        snprintf(
            why, PLUGIN_WHY,
            "its hello has not a name, a version, and a name and a signature for each function");
        return false;
    }
    if (strings / 2 - 1 > HELLO_FUNCTIONS_MOST) {
        snprintf(why, PLUGIN_WHY, "it has %u functions (%u are the most)", strings / 2 - 1,
                 HELLO_FUNCTIONS_MOST);
        return false;
    }
    hello->text = malloc(len);
    if (hello->text)
        memcpy(hello->text, frame->body + 4, len);
    if (hello->text && strings_read(hello, hello->text + len, strings))
        return true;
    hello_free(hello);
    snprintf(why, PLUGIN_WHY, "no memory");
    return false;
}

void hello_free(struct hello *hello)
{
    free(hello->text);
    free(hello->funcs);
    *hello = (struct hello){0};
}
