/* Where our own words go (messages, the trace, the network's log, the report): nobody is waited
 * for.
 *
 * A reader that does not read gets a short patience, once: then words are dropped and counted until
 * it reads again, and the first words after it say how many.  Descriptors are others' too, so
 * O_NONBLOCK is never set on them: pipes and terminals are opened anew through /proc/self/fd; where
 * that fails, each piece is small and follows a poll. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/message.h"

#define SOCKET_BYTES 2048u
#define PACED_BYTES 64u /* of a terminal that could not be opened anew */

static int opened_anew(int fd)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return open(link, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void sink_open(struct sink *s, int fd)
{
    struct stat st;
    bool known = fd >= 0 && file_stat(fd, &st) == 0;
    *s = (struct sink){
        .fd = fd, .io = -1, .way = SINK_PLAIN, .piece = SIZE_MAX, .left = UINT64_MAX
    };
    if (fd < 0 || (known && S_ISREG(st.st_mode)))
        return;
    if (known && S_ISSOCK(st.st_mode)) { /* of what nobody tells the kind: a stream */
        s->way = SINK_SOCKET;
        return;
    }
    s->io = opened_anew(fd);
    if (s->io < 0) {
        s->way = SINK_PACED;
        s->piece = known && S_ISFIFO(st.st_mode) ? PIPE_BUF : PACED_BYTES;
    }
}

void sink_close(struct sink *s)
{
    if (s->io >= 0)
        close(s->io);
    *s = SINK_NONE;
}

static bool ready(int fd, int most_ms)
{
    return poll_ms(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, most_ms) > 0;
}

static ssize_t paced_write(const struct sink *s, const char *bytes, size_t n)
{
    if (ready(s->fd, 0))
        return write(s->fd, bytes, n);
    errno = EAGAIN;
    return -1;
}

/* A run without sockets has no send in its jail.  A socket that is writable takes so much at once:
 * even of the smallest buffer the kernel makes one packet of it, and waits between packets only. */
static ssize_t socket_write(const struct sink *s, const char *bytes, size_t n)
{
    ssize_t sent = send(s->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0 || errno != ENOSYS)
        return sent;
    return paced_write(s, bytes, n < SOCKET_BYTES ? n : SOCKET_BYTES);
}

static ssize_t write_once(const struct sink *s, const char *bytes, size_t len)
{
    size_t n = len < s->piece ? len : s->piece;
    if (s->way == SINK_SOCKET)
        return socket_write(s, bytes, n);
    if (s->way == SINK_PACED)
        return paced_write(s, bytes, n);
    return write(s->io >= 0 ? s->io : s->fd, bytes, n);
}

/* How much was written until the time was over, or an error. */
static size_t write_until(const struct sink *s, const char *bytes, size_t len, uint64_t end_ns)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = write_once(s, bytes + done, len - done);
        uint64_t now = clock_now_ns();
        if (n >= 0)
            done += (size_t)n;
        else if (errno == EAGAIN && now < end_ns)
            ready(s->fd, (int)((end_ns - now) / 1000000) + 1);
        else if (errno != EINTR)
            break;
    }
    return done;
}

/* Says that there is a gap, where one was. */
static bool gap_tell(struct sink *s)
{
    char line[96];
    uint64_t gap = s->lost - s->told;
    int n = snprintf(line, sizeof line,
                     "%swasmvm: %llu writes were left out here: nobody read them\n",
                     s->torn ? "\n" : "", (unsigned long long)gap);
    if (!gap)
        return true;
    if (write_until(s, line, (size_t)n, 0) == 0)
        return false;
    s->told = s->lost;
    s->torn = false;
    return true;
}

bool sink_write(struct sink *s, const void *bytes, size_t len, uint64_t patience_ns)
{
    uint64_t end_ns = s->stalled ? 0 : clock_now_ns() + patience_ns;
    if (len > s->left) {
        errno = SINK_FULL;
        return false;
    }
    size_t done = gap_tell(s) ? write_until(s, bytes, len, end_ns) : 0;
    if (s->left != UINT64_MAX)
        s->left -= done;
    s->stalled = done < len;
    if (!s->stalled)
        return true;
    s->torn |= done != 0;
    if (errno == EAGAIN)
        s->lost++;
    return false;
}
