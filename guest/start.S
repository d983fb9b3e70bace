/* CPL 3: the first instructions, and the way on from the fault stack.
 *
 * The monitor starts the image at its ELF entry with rsp = CSTACK_TOP, rdi = the address of control->boot_tsc, and
 * rsi = 1 where the run before may have left something in PKRU, which nobody but the guest can clear; else 0. */
    .text
    .globl guest_start
    .type guest_start, @function
guest_start:
    test %esi, %esi
    jz 1f
    xor %eax, %eax
    xor %ecx, %ecx
    xor %edx, %edx
    wrpkru
1:  rdtsc
    shl $32, %rdx
    or %rdx, %rax
    mov %rax, (%rdi)
    cld
    xor %ebp, %ebp
    call guest_main
    ud2
    .size guest_start, . - guest_start

/* _Noreturn void guest_continue(uint64_t rip, uint64_t rsp) */
    .globl guest_continue
    .type guest_continue, @function
guest_continue:
    mov %rsi, %rsp
    cld
    jmp *%rdi
    .size guest_continue, . - guest_continue

    .section .note.GNU-stack, "", @progbits
