/* The one function that leaves the guest.  Nothing else executes `out`, the CPL 0 crash path apart.
 */
#include "wasi-shim/hypercall.h"

/* The memory clobber keeps the compiler from moving slot accesses across the doorbell.  The CPU
 * needs no fence: the exit serializes. */
void doorbell_ring(enum doorbell why)
{
    __asm__ volatile("outb %b0, %1" : : "a"(why), "N"(DOORBELL_PORT) : "memory");
}
