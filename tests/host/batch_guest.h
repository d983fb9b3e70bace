/* The guest's half of batches (wasi-shim/batch.c) for tests that stand on the host's side. */
#ifndef TESTS_HOST_BATCH_GUEST_H
#define TESTS_HOST_BATCH_GUEST_H

#include <stddef.h>
#include <stdint.h>

struct batch;

/* fd_read and fd_write of one piece as the shim does them: the error, or FORWARDED where it would
 * make a call.  *n: the piece's size, then what was done. */
#define FORWARDED UINT32_MAX
uint32_t guest_reads(struct batch *, uint32_t fd, void *to, uint32_t *n);
uint32_t guest_writes(struct batch *, uint32_t fd, const void *from, uint32_t *n);
/* A call was made: what the shim notes then. */
void guest_called(struct batch *);

#endif
