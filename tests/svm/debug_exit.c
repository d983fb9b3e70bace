/* Ends QEMU through its isa-debug-exit device at port 0xf4: debug_exit CODE.  QEMU's status is then
 * CODE * 2 + 1. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>

int main(int argc, char **argv)
{
    if (argc != 2 || iopl(3) != 0) {
        perror("debug_exit");
        return 1;
    }
    outb((unsigned char)atoi(argv[1]), 0xf4);
    return 0;
}
