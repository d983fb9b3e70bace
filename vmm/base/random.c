/* Random numbers of the kernel's. */
#include <errno.h>
#include <sys/random.h>

#include "vmm/base/base.h"

/* So many come whole whatever signals do (getrandom(2)). */
#define WHOLE 256u

bool random_fill(void *at, size_t bytes)
{
    for (uint8_t *to = at; bytes > 0;) {
        ssize_t n = getrandom(to, bytes < WHOLE ? bytes : WHOLE, 0);
        if (n < 0 && errno != EINTR)
            return false;
        to += n > 0 ? n : 0;
        bytes -= n > 0 ? (size_t)n : 0;
    }
    return true;
}
