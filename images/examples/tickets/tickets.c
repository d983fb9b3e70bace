/* A wasmvm plug-in that is a process, in C: numbers that no two machines draw twice, counted in a
 * file for each queue.
 *
 *   wasmvm --plugin-exec tickets='./tickets DIRECTORY' app.wasm
 *
 * It speaks the frames of docs/plugins.md on descriptor 3.  Their numbers are little-endian, as
 * this machine's are. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HELLO = 1, RESULT = 2, TRAP = 3, READ = 4, CALL = 16, ANSWER = 17 };

#define MONITOR 3
#define NAME_MOST 64

static struct { uint32_t length, kind; char body[256]; } frame;

static void tell(uint32_t kind, const void *body, uint32_t length)
{
    frame.length = length;
    frame.kind = kind;
    memcpy(frame.body, body, length);
    if (send(MONITOR, &frame, 8 + length, MSG_NOSIGNAL) != 8 + (ssize_t)length)
        exit(0); /* wasmvm is gone */
}

/* The next frame, which must be of this kind and fit. */
static void hear(uint32_t kind)
{
    if (recv(MONITOR, &frame, 8, MSG_WAITALL) != 8)
        exit(0);
    if (frame.kind != kind || frame.length > sizeof frame.body ||
        recv(MONITOR, frame.body, frame.length, MSG_WAITALL) != (ssize_t)frame.length)
        exit(1);
}

/* Asks for bytes of the module's memory: 0, or -1 where they are not all in it. */
static int memory_read(uint32_t at, uint32_t length, char *to)
{
    int32_t status;
    uint32_t range[] = {at, length};
    tell(READ, range, sizeof range);
    hear(ANSWER);
    memcpy(&status, frame.body, sizeof status);
    if (status == 0)
        memcpy(to, frame.body + sizeof status, length);
    return status;
}

/* Small letters and digits: what the module says becomes a file's name. */
static int good(const char *name)
{
    return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789")] == 0;
}

/* The file is locked, as other machines may have a plug-in like this one. */
static int64_t draw(int directory, const char *queue)
{
    int64_t number = 0;
    int file = openat(directory, queue, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (file < 0 || flock(file, LOCK_EX) < 0 || pread(file, &number, sizeof number, 0) < 0 ||
        ++number < 0 || pwrite(file, &number, sizeof number, 0) != sizeof number)
        number = -1;
    if (file >= 0)
        close(file);
    return number;
}

/* next(queue string) int64: the number, or -1 where the queue's file cannot be used. */
static void next(int directory)
{
    static const char refusal[] = "tickets.next: a queue has 1 to 64 small letters and digits";
    uint64_t args[2];
    char queue[NAME_MOST + 1] = "";
    memcpy(args, frame.body + 4, sizeof args);
    uint32_t at = (uint32_t)args[0], length = (uint32_t)args[1];
    if (length > NAME_MOST || memory_read(at, length, queue) != 0 || strlen(queue) != length ||
        !good(queue)) {
        tell(TRAP, refusal, sizeof refusal - 1);
        return;
    }
    int64_t number = draw(directory, queue);
    tell(RESULT, &number, sizeof number);
}

int main(int argc, char **argv)
{
    static const char hello[] = "\1\0\0\0" "tickets\0" "1.0\0" "next\0" "ii:I";
    int directory = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (directory < 0) {
        fprintf(stderr, "tickets: give the directory of the queues\n");
        return 2;
    }
    tell(HELLO, hello, sizeof hello);
    for (;;) {
        hear(CALL);
        next(directory); /* there is no other function */
    }
}
