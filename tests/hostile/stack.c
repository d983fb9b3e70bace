/* EXPECT 137 doorbell with the value 4 at the wrong time
 * The stack below its top comes when it is first touched: every register is as before, as are the
 * words at the top.  Only the exception entry may ask for it. */
#include "tests/hostile/guest.h"

#define TOP  ((volatile uint64_t *)(MAP_STACK + MAP_STACK_MAX - 8))
#define REST (MAP_STACK + MAP_STACK_MAX - (1ull << 20))

/* Writes rcx below the top, with a known value in each register, and tells whether all are as
 * before. */
static bool registers_stay(uint64_t at)
{
    uint64_t sum, flags, wanted = 0x1111111111111111 * 3;
    __asm__ volatile(
        "movabs $0x1111111111111111, %%rax\n\tmov %%rax, %%rbx\n\tmov %%rax, %%rcx\n\t"
        "mov %%rax, %%r8\n\tmovq %%rax, %%xmm7\n\tstc\n\t"
        "mov %%rcx, (%%rdi)\n\t"
        "sbb %%rsi, %%rsi\n\tadd %%rbx, %%rax\n\tmovq %%xmm7, %%rbx\n\tadd %%rbx, %%rax\n\t"
        "cmp %%rcx, %%r8\n\tjne 1f\n\tcmp %%rcx, (%%rdi)\n\tje 2f\n1:\txor %%eax, %%eax\n2:"
        : "=a"(sum), "=S"(flags)
        : "D"(at)
        : "rbx", "rcx", "r8", "xmm7", "cc", "memory");
    return sum == wanted && flags == (uint64_t)-1;
}

void guest_main(void)
{
    doorbell_first();
    *TOP = 42;
    check(registers_stay(REST), "a register changed");
    check(*TOP == 42, "the top changed");
    check(!try_run(touch_write, MAP_STACK + MAP_STACK_MAX - (256ull << 20)),
          "the lowest byte is not there");
    check(try_run(touch_write, MAP_STACK + MAP_STACK_MAX - (256ull << 20) - 1),
          "there is no guard");
    ring(DOORBELL_STACK);
    end(1, "the doorbell was answered");
}
