/* EXPECT 0
 * Every range of the memory map has the rights that abi.h says, seen from CPL 3, and no more. */
#include "tests/hostile/guest.h"

enum { R = 1, W = 2, X = 4 };
enum { ERROR_PRESENT = 1, ERROR_WRITE = 2, ERROR_USER = 4, ERROR_FETCH = 16 };
static const uint8_t return_instruction = 0xc3;

#define LINEAR_BYTES 0x330000ull /* a page of 2 MiB, and some of 4 KiB */
#define MORE_BYTES   0x20000ull

/* Code of this image that does nothing. */
static __attribute__((noinline, noclone)) void nothing_done(void)
{
    __asm__ volatile("");
}

/* docs/security.md has the same as a table. */
static const struct { uint64_t at; unsigned rights; const char *name; } places[] = {
    {MAP_LINEAR, R | W, "linear memory, a page of 2 MiB"},
    {MAP_LINEAR + LINEAR_BYTES - 1, R | W, "the last byte of linear memory"},
    {MAP_LINEAR + LINEAR_BYTES, 0, "after linear memory"},
    {MAP_LINEAR_MAX - 1, 0, "the end of linear memory"},
    {2 * MAP_LINEAR_MAX, 0, "the guard after linear memory"},
    {MAP_STACK, 0, "the stack's lowest address"},
    {MAP_STACK + MAP_STACK_MAX - (256ull << 20), R | W, "the lowest address of a stack of 256 MiB"},
    {MAP_STACK + MAP_STACK_MAX - (256ull << 20) - 1, 0, "the guard below the stack"},
    {MAP_STACK + MAP_STACK_MAX - (128 << 10) - 1, R | W, "the stack below its top"},
    {MAP_STACK + MAP_STACK_MAX - 1, R | W, "the stack's top"},
    {MAP_STACK + MAP_STACK_MAX, 0, "above the stack"},
    {MAP_MODULE, R, "the module"},
    {MAP_MODULE + (2 << 20), 0, "after the module"},
    {MAP_CODE_W, R | W, "code, writable"},
    {MAP_CODE_X, R | X, "code, executable"},
    {MAP_CODE_W + MAP_CODE_MAX - 1, 0, "code, writable, that was not asked for"},
    {MAP_CODE_X + MAP_CODE_MAX - 1, 0, "code, executable, that was not asked for"},
    {MAP_HEAP, R | W, "the heap"},
    {MAP_HEAP + MAP_HEAP_MAX - 1, 0, "heap that was not asked for"},
    {MAP_IMAGE, R | X, "the image's first code"},
    {(uint64_t)&nothing_done, R | X, "the image's code"},
    {MAP_IMAGE + (1 << 20), 0, "after the image's code"},
    {(uint64_t)&return_instruction, R, "the image's constants"},
    {(uint64_t)&fault, R | W, "the image's data"},
    {MAP_CONTROL + offsetof(struct control, crash), R | W, "the control area"},
    {MAP_CSTACK, 0, "the guard below the C stack"},
    {CSTACK_TOP - CSTACK_BYTES, R | W, "the C stack"},
    {CSTACK_TOP, 0, "the guard below the fault stack"},
    {FSTACK_TOP - 1, R | W, "the fault stack"},
    {FSTACK_TOP, 0, "above the fault stack"},
    {MAP_CPL0, 0, "the exception entries"},
    {CPL0_TABLES, 0, "the descriptor tables"},
    {CPL0_STACK_TOP - 8, 0, "the CPL 0 stack"},
    {CPL0_STACK_TOP - 0x1000, 0, "the CPL 0 stack's last page"},
    {CPL0_DFSTACK_TOP - 8, 0, "the stack of the double fault"},
    {MAP_MORE, R | W, "a further memory"},
    {MAP_MORE + MORE_BYTES - 1, R | W, "the last byte of a further memory"},
    {MAP_MORE + MORE_BYTES, 0, "after a further memory"},
    {MAP_MORE + MAP_MORE_SLOT - 1, 0, "the guard after a further memory"},
    {MAP_MORE + MAP_MORE_SLOT, 0, "a further memory that was not asked for"},
    {0x7ffffffff000, 0, "the end of the low half"},
};

static void look(unsigned i, unsigned right, void (*touch)(uint64_t), uint64_t error)
{
    uint64_t at = places[i].at;
    bool faulted = try_run(touch, at);
    if (places[i].rights & right) {
        check(!faulted, places[i].name);
        return;
    }
    check(faulted, places[i].name);
    check(fault.vector == 14 && fault.cr2 == at, places[i].name);
    check((fault.error_code & (ERROR_WRITE | ERROR_USER | ERROR_FETCH)) == error, places[i].name);
}

/* `syscall` leads to address 0 on the software kind of KVM: below 4 GiB no page may be executed,
 * mapped or not. */
static void nothing_low_runs(void)
{
    for (uint64_t at = 0; at < LINEAR_BYTES; at += 0x1000)
        check(try_run(touch_run, at) && (fault.error_code & ERROR_FETCH),
              "a page of linear memory is executable");
    for (uint64_t at = LINEAR_BYTES; at < MAP_LINEAR_MAX; at += 0x10000000)
        check(try_run(touch_run, at) && (fault.error_code & ERROR_FETCH),
              "a page behind linear memory is executable");
}

void guest_main(void)
{
    *(volatile uint8_t *)MAP_CODE_W = return_instruction;
    check(call(CALL_memory_grow, 0, LINEAR_BYTES, 0, 0) == 0, "linear memory is refused");
    check(call(CALL_memory_more, 0, 0, MORE_BYTES, 0) == 0, "a further memory is refused");
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
        look(i, R, touch_read, ERROR_USER);
        if (!(places[i].rights & W) || places[i].at != MAP_CODE_W)
            look(i, W, touch_write, ERROR_USER | ERROR_WRITE);
        if (places[i].at != MAP_IMAGE) /* who knows what stands there first */
            look(i, X, touch_run, ERROR_USER | ERROR_FETCH);
    }
    nothing_low_runs();
    end(0, "");
}
