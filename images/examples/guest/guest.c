/* A guest of one's own: what starts, one write through the ABI, the end.  docs/guest.md is its
 * page.
 *
 *   make build/examples/guest.elf
 *   build/wasmvm --guest-image build/examples/guest.elf images/demo.wasm      (the module is not
 * looked at)
 *
 * It is linked with guest/entry.S, the exception entries of CPL 0, and guest/note.c, its version,
 * by guest/link.ld. */
#include "guest/fault.h"
#include "wasi-shim/abi.h"

#pragma GCC visibility push(hidden) /* addresses relative to rip: nobody relocates an image */

#define control ((struct control *)MAP_CONTROL)
#define PAGE_BYTES 0x10000u /* of linear memory */
#define WORDS_AT (MAP_LINEAR + 0x2000)

_Noreturn void guest_main(void);

/* The first instructions: the stack is there; rdi holds where the time stamp counter is wanted. */
__asm__(".text\n.globl guest_start\nguest_start:\n"
        "rdtsc\nshl $32, %rdx\nor %rdx, %rax\nmov %rax, (%rdi)\n"
        "call guest_main\nud2\n");

static void doorbell_ring(uint8_t why)
{
    __asm__ volatile("outb %b0, %1" : : "a"(why), "N"(DOORBELL_PORT) : "memory");
}

/* One request to the monitor: the vCPU leaves the guest, and comes back with the result in the
 * slot. */
static uint64_t hypercall(enum call number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct slot *slot = &control->slot;
    slot->number = number;
    slot->args[0] = a;
    slot->args[1] = b;
    slot->args[2] = c;
    slot->args[3] = d;
    slot->state = SLOT_RUNG;
    doorbell_ring(DOORBELL_CALL);
    return slot->result;
}

/* Files and streams are read and written from linear memory, which has no byte at first. */
static void say(const char *words)
{
    volatile char *at = (volatile char *)WORDS_AT;
    uint32_t n = 0;
    for (; words[n]; n++)
        at[n] = words[n];
    hypercall(CALL_fd_write_one, 1, WORDS_AT, n, 0);
}

_Noreturn void guest_main(void)
{
    if (hypercall(CALL_memory_grow, 0, PAGE_BYTES, 0, 0) == 0)
        say("hello from CPL 3, without a kernel\n");
    for (;;)
        hypercall(CALL_end, END_EXIT, MAP_CONTROL, 0, 7); /* no text; exit status 7 */
}

/* What entry.S hands every fault to. */
_Noreturn void guest_fault(struct guest_fault *fault)
{
    control->crash = (struct crash){.vector = fault->vector, .error_code = fault->error_code,
                                    .cr2 = fault->cr2, .rip = fault->rip, .rsp = fault->rsp};
    for (;;)
        doorbell_ring(DOORBELL_CRASH);
}
