/* The guest image, byte for byte, inside the monitor.  --guest-image FILE is used in its place. */
    .section .rodata
    .balign 4096
    .globl guest_image_start, guest_image_end
guest_image_start:
    .incbin GUEST_ELF
guest_image_end:
    .globl guest_image_hash
guest_image_hash:
    .incbin GUEST_HASH
#ifdef __CET__
#include <cet.h> /* says that there is no branch here to be looked at */
#endif
    .section .note.GNU-stack, "", @progbits
