/* A plug-in process that never pauses: flood [early].  It serves env.run by messages without end,
 * or never comes to say hello for them. */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

enum { HELLO = 1, LOG = 8, SILENT = 3 };

int main(int argc, char **argv)
{
    static const char hello[] = "\1\0\0\0" "flood\0" "1.0\0" "run\0" ":";
    static uint32_t lines[10000][3];
    uint32_t head[] = {sizeof hello, HELLO};
    char call[12];
    for (int i = 0; i < 10000; i++)
        memcpy(lines[i], (uint32_t[]){4, LOG, SILENT}, sizeof lines[i]);
    if (argc == 1) {
        send(3, head, sizeof head, MSG_NOSIGNAL);
        send(3, hello, sizeof hello, MSG_NOSIGNAL);
        recv(3, call, sizeof call, MSG_WAITALL);
    }
    while (send(3, lines, sizeof lines, MSG_NOSIGNAL) > 0) {}
    return argv[0] == 0;
}
