/* CPL 0: the exception entries, all of it.  Plain moves and pushes only (software KVM emulates CPL 0 instruction by
 * instruction).  They hand the interrupted state to guest_fault at CPL 3, on the fault stack.
 *
 * The run ends here, by DOORBELL_CRASH with control->crash filled, where nobody at CPL 3 can be asked: a double
 * fault, a fault at CPL 0, and a fault inside the fault handler, known by the interrupted rsp lying on the fault
 * stack or in the guard page below it.
 *
 * The section lies at MAP_CPL0 (supervisor); the monitor's descriptor tables point to its entries by number
 * (map.h).  The word at CPL0_CRASH holds the address of control->crash. */
#include "guest/fault.h"
#include "wasi-shim/map.h"

#define USER_STATE (FSTACK_TOP - FAULT_BYTES)

/* The CPL 0 stack inside `common`. */
#define F_RBX    0
#define F_RAX    8
#define F_VECTOR 16
#define F_ERROR  24
#define F_RIP    32
#define F_CS     40
#define F_RFLAGS 48
#define F_RSP    56
#define F_FRAME  32 /* what iretq pops starts here */

    .section .cpl0, "ax", @progbits
    .globl cpl0_entries
cpl0_entries:
    .set vector, 0
    .rept CPL0_VECTORS
    .balign CPL0_ENTRY_BYTES
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    push $0
    .endif
    push $vector
    jmp common
    .set vector, vector + 1
    .endr

/* Vector 13 until the first doorbell came through: ask for another kind of TSS, and try again. */
    .balign CPL0_ENTRY_BYTES
    push %rax
    mov $DOORBELL_PROBE_AL, %al
    out %al, $DOORBELL_PORT
    pop %rax
    lea 8(%rsp), %rsp
    iretq

    .balign 16
common:
    push %rax
    push %rbx
    cmpq $14, F_VECTOR(%rsp)
    je page_fault
    cmpq $8, F_VECTOR(%rsp)
    je crash
other:
    testb $3, F_CS(%rsp)
    jz crash
    mov F_RSP(%rsp), %rbx
    movabs $FSTACK_GUARD, %rax
    cmp %rax, %rbx
    jb fault
    movabs $FSTACK_TOP, %rax
    cmp %rax, %rbx
    jbe crash

/* rax: where the registers go; rbx: where the six words go. */
fault:
    movabs $USER_STATE, %rax
    lea FAULT_VECTOR(%rax), %rbx
    jmp save
crash:
    movabs $CPL0_CRASH, %rax
    mov (%rax), %rbx
    lea CRASH_GPR(%rbx), %rax

save:
    mov %rcx, 8(%rax)
    mov %rdx, 16(%rax)
    mov %rbp, 40(%rax)
    mov %rsi, 48(%rax)
    mov %rdi, 56(%rax)
    mov %r8, 64(%rax)
    mov %r9, 72(%rax)
    mov %r10, 80(%rax)
    mov %r11, 88(%rax)
    mov %r12, 96(%rax)
    mov %r13, 104(%rax)
    mov %r14, 112(%rax)
    mov %r15, 120(%rax)
    mov F_RAX(%rsp), %rcx
    mov %rcx, 0(%rax)
    mov F_RBX(%rsp), %rcx
    mov %rcx, 24(%rax)
    mov F_VECTOR(%rsp), %rcx
    mov %rcx, 0(%rbx)
    mov F_ERROR(%rsp), %rcx
    mov %rcx, 8(%rbx)
    mov %cr2, %rcx
    mov %rcx, 16(%rbx)
    mov F_RIP(%rsp), %rcx
    mov %rcx, 24(%rbx)
    mov F_RSP(%rsp), %rcx
    mov %rcx, 32(%rax)
    mov %rcx, 32(%rbx)
    mov F_RFLAGS(%rsp), %rcx
    mov %rcx, 40(%rbx)
    movabs $USER_STATE, %rdi
    cmp %rdi, %rax
    je enter_user
    mov $DOORBELL_CRASH_AL, %al
1:  out %al, $DOORBELL_PORT
    jmp 1b

/* Where the stack waits to be mapped, the monitor maps it, and the access is tried again. */
page_fault:
    mov %cr2, %rbx
    movabs $CPL0_STACK_BOUNDS, %rax
    cmp (%rax), %rbx
    jb other
    cmp 8(%rax), %rbx
    jae other
    mov $DOORBELL_STACK_AL, %al
    out %al, $DOORBELL_PORT
    pop %rbx
    pop %rax
    lea 16(%rsp), %rsp
    iretq

/* guest_fault(rdi) by iretq: the frame is the interrupted one with another rip, rsp and clean flags. */
enter_user:
    movabs $guest_fault, %rcx
    mov %rcx, F_RIP(%rsp)
    movq $2, F_RFLAGS(%rsp)
    lea -8(%rdi), %rcx
    mov %rcx, F_RSP(%rsp)
    lea F_FRAME(%rsp), %rsp
    iretq

/* For link.ld. */
    .globl link_image, link_cpl0
    .set link_image, MAP_IMAGE
    .set link_cpl0, MAP_CPL0

    .section .note.GNU-stack, "", @progbits
