/* EXPECT 0
 * OPTIONS --allow-dns
 * The sealed /etc: opening a file over and over takes no memory for it, each open has a position of
 * its own, and nobody writes to it. */
#include "tests/hostile/guest.h"

enum {
    DIR = 3,
    NAME = 0x100,
    FD = 0x200,
    STAT = 0x300,
    INO = STAT + 8,
    IOV = 0x400,
    COUNT = 0x500,
    BYTES = 0x600
};

static volatile char *volatile memory = (volatile char *)0;

static uint64_t word(uint64_t at)
{
    return *(volatile uint64_t *)(memory + at);
}

static uint32_t open_hosts(void)
{
    struct slot *slot = &shared->slot;
    const uint64_t args[SLOT_ARGS] = {DIR, 0, NAME, 5, 0, 1 << 1 /* fd_read */, 0, 0, FD};
    for (int i = 0; i < SLOT_ARGS; i++)
        slot->args[i] = args[i];
    slot->number = CALL_path_open;
    ring(DOORBELL_CALL);
    check(slot->result == 0, "hosts cannot be opened");
    return (uint32_t)word(FD);
}

void guest_main(void)
{
    static const char name[] = "hosts";
    uint64_t ino = 0;
    check(call(CALL_memory_grow, 0, 0x10000, 0, 0) == 0, "memory_grow is refused");
    for (int i = 0; i < 5; i++)
        memory[NAME + i] = name[i];
    for (int i = 0; i < 200; i++) {
        uint32_t fd = open_hosts();
        check(call(CALL_fd_filestat_get, fd, STAT, 0, 0) == 0, "no filestat");
        check(i == 0 || word(INO) == ino, "another file than before");
        ino = word(INO);
        check(call(CALL_fd_read_one, fd, BYTES, 9, 0) >> 32 == 9 && memory[BYTES] == '1',
              "not read from its start");
        check((uint32_t)call(CALL_fd_write_one, fd, BYTES, 9, 0) != 0, "it can be written");
        check(call(CALL_fd_filestat_set_size, fd, 0, 0, 0) != 0, "it can be cut");
        check(call(CALL_fd_allocate, fd, 0, 1 << 20, 0) != 0, "it can be grown");
    }
    end(0, "");
}
