/* EXPECT 143
 * OPTIONS --grace 100ms
 * SIGNAL TERM
 * The source of signals: any byte may be written to it, one at a time or many at once, it can be
 * closed and opened for ever, and whatever a program wants or ignores, it cannot outlive the grace
 * that TERM begins by wanting it. */
#include "tests/hostile/guest.h"

enum { NAME = 0x100, FD = 0x200, BYTES = 0x1000, MANY = 60000, ROUNDS = 400, TERM = 15 };

static volatile char *volatile memory = (volatile char *)0;

static uint64_t source_open(uint32_t *fd)
{
    static const char name[] = "/dev/wasmvm/signals";
    struct slot *slot = &shared->slot;
    const uint64_t args[SLOT_ARGS] = {0xffffffff, 0, NAME, sizeof name - 1, 0, 0, 0, 0, FD};
    for (unsigned i = 0; i < sizeof name; i++)
        memory[NAME + i] = name[i];
    for (int i = 0; i < SLOT_ARGS; i++)
        slot->args[i] = args[i];
    slot->number = CALL_path_open;
    ring(DOORBELL_CALL);
    *fd = *(volatile uint32_t *)(memory + FD);
    return slot->result;
}

/* TERM is never ignored: that is a program's right, and it would miss the one that ends this test.
 */
static char byte(uint64_t from)
{
    return (from & 0x3f) == TERM ? TERM : (char)from;
}

void guest_main(void)
{
    uint32_t fd, other;
    check(call(CALL_memory_grow, 0, 0x20000, 0, 0) == 0, "memory_grow is refused");
    for (int i = 0; i < ROUNDS; i++) {
        check(source_open(&fd) == 0 && fd == 3, "it cannot be opened, or has another number");
        check(source_open(&other) != 0, "it can be opened twice");
        for (int k = 0; k < MANY; k++)
            memory[BYTES + k] = byte(i & 1 ? (uint64_t)k : random_next());
        check(call(CALL_fd_write_one, fd, BYTES, i & 2 ? 1 : MANY, 0) >> 32 != 0,
              "it cannot be written");
        call(CALL_fd_read_one, fd, BYTES, MANY, 0);
        check((uint32_t)call(CALL_fd_write_one, fd, 0xffffff00, 4096, 0) != 0,
              "a wild pointer is taken");
        if (i % 50 == 49) { /* all but TERM are ignored, and that is wanted */
            for (int k = 1; k < 64; k++)
                memory[BYTES + k - 1] = (char)(k == TERM ? k : k | 0x40);
            call(CALL_fd_write_one, fd, BYTES, 63, 0);
        }
        check((uint32_t)call(CALL_fd_close, fd, 0, 0, 0) == 0, "it cannot be closed");
    }
    check(source_open(&fd) == 0, "it cannot be opened in the end");
    memory[BYTES] = TERM;
    call(CALL_fd_write_one, fd, BYTES, 1, 0);
    for (;;)
        call(CALL_fd_read_one, fd, BYTES, 1, 0);
}
