/* The spelling of --plugin and --plugin-exec: words with a separator between them, and a backslash
 * before what is meant as it stands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/cli/plugin.h"

/* Cuts in place what `from` says into `to`, which has room for it; returns the words, or -1. */
static long cut(const char *from, char separator, char *to, char **at)
{
    bool blank = separator == ' ', inside = false;
    long n = 0;
    for (; *from; from++) {
        if (*from == separator && (inside || !blank)) {
            if (!inside)
                at[n++] = to;
            *to++ = 0;
            inside = false;
            continue;
        }
        if (*from == separator)
            continue;
        if (*from == '\\' && !*++from)
            return -1;
        if (!inside)
            at[n++] = to;
        inside = true;
        *to++ = *from;
    }
    if (!inside && !blank)
        at[n++] = to;
    *to = 0;
    return n;
}

bool pieces_cut(const char *text, char separator, struct pieces *out, char why[PLUGIN_WHY])
{
    size_t len = strlen(text);
    *out = (struct pieces){.text = malloc(len + 1), .at = calloc(len + 2, sizeof *out->at)};
    long n = out->text && out->at ? cut(text, separator, out->text, out->at) : -1;
    if (n >= 0) {
        out->n = (uint32_t)n;
        return true;
    }
    snprintf(why, PLUGIN_WHY,
             out->text && out->at ? "a backslash at the end (write \\\\ for one)" : "no memory");
    pieces_free(out);
    return false;
}

void pieces_free(struct pieces *pieces)
{
    free(pieces->text);
    free(pieces->at);
    *pieces = (struct pieces){0};
}
