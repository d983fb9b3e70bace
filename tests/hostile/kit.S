/* bool try_run(void (*fn)(uint64_t), uint64_t arg): true if fn faulted; guest_fault (kit.c) continues at 1 below. */
    .text
    .globl try_run
try_run:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    lea 1f(%rip), %rax
    mov %rax, fault(%rip)
    mov %rsp, fault+8(%rip)
    mov %rdi, %rax
    mov %rsi, %rdi
    sub $8, %rsp
    call *%rax
    xor %eax, %eax
    jmp 2f
1:  mov $1, %eax
2:  mov fault+8(%rip), %rsp
    movq $0, fault(%rip)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

    .section .note.GNU-stack, "", @progbits
