/* A helper process, as the kernel has it: its descriptors, its start, its end.
 *
 * It is no child of the caller's, and it is in a session of its own, so that nothing of the
 * caller's (SIGCHLD, wait(), a terminal's Ctrl-C) meets it.  An exec gives every child a SIGCHLD at
 * its end, so it is started by a child that has none and ends at once; the caller knows it by a
 * pidfd.  It finds the descriptors of base/frame.h, each a copy, and nothing else of the caller's.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/base/frame.h"
#include "vmm/lib/lib.h"

#define SIGNALS_END 65 /* one behind the last number */
#define NONE (-1)
#define KILLED_MS 1000 /* one that may not be killed, or is in the kernel, is left */

/* The descriptors that the helper gets, as they stand here: place k becomes number k. */
struct places { int *at; int n; };

static int null_or(int fd, int flags)
{
    return fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : open("/dev/null", flags | O_CLOEXEC);
}

/* A copy behind all places and what stands behind them; -1 stays. */
static int above(const struct places *p, int fd)
{
    int copy = fd < 0 ? NONE : fcntl(fd, F_DUPFD_CLOEXEC, p->n + 2);
    if (fd >= 0)
        close(fd);
    return copy;
}

static void places_close(struct places *p)
{
    for (int k = 0; p->at && k < p->n; k++)
        if (p->at[k] >= 0)
            close(p->at[k]);
    free(p->at);
}

/* Whether each descriptor that was wanted is there. */
static bool places_fill(struct places *p, const wasmvm_config *c, const int given[HELPER_SOCKETS])
{
    bool good = true;
    for (int k = 0; k < p->n; k++) {
        int fd = k <= STDERR_FILENO   ? c->stdio[k]
                 : k < HELPER_SOCKETS ? given[k]
                                      : c->set.sockets.at[k - HELPER_SOCKETS].fd;
        bool wanted = k <= STDERR_FILENO || k >= HELPER_SOCKETS || fd >= 0;
        int flags = k == STDIN_FILENO ? O_RDONLY : O_WRONLY;
        p->at[k] = wanted ? above(p, null_or(k < HELPER_SOCKETS || fd >= 0 ? fd : NONE, flags))
                          : NONE;
        good &= !wanted || p->at[k] >= 0;
    }
    return good;
}

/* A child of a process with threads has copies of their locks, and nobody who gives them back.
 * The kernel's own calls take none; what a sanitizer adds to the C library's and to code may. */
#define IN_CHILD __attribute__((no_sanitize("thread")))

IN_CHILD static _Noreturn void child_ends(int status)
{
    for (;;)
        syscall(SYS_exit_group, status);
}

/* By the kernel itself, as the C library keeps two signals for itself. */
IN_CHILD static void signals_default(void)
{
    static const struct { unsigned long handler, flags, restorer, mask; } action;
    unsigned long none = 0;
    for (int number = 1; number < SIGNALS_END; number++)
        syscall(SYS_rt_sigaction, number, &action, NULL, sizeof action.mask);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

/* Why the start failed, or who was started. */
struct started { int why; pid_t pid; };

/* What is executed, with what.  Two descriptors stand behind the places, and end at the exec. */
struct image { const char *command; char **argv, **envp; const struct places *places; };
enum { TELL, GO, BEHIND }; /* from the last place on */

IN_CHILD static pid_t fork_silent(void)
{
    return (pid_t)syscall(SYS_clone, 0ul, NULL, NULL, NULL, NULL); /* no signal at its end */
}

/* In the new process: only calls that are safe there. */
IN_CHILD static _Noreturn void become(const struct image *image)
{
    syscall(SYS_setsid);
    signals_default();
    syscall(SYS_execve, image->command, image->argv, image->envp);
    const struct started failed = {.why = errno};
    syscall(SYS_write, image->places->n + TELL, &failed, sizeof failed);
    child_ends(127);
}

/* All in their places, and nothing of the caller's besides: nobody else's pipes are kept open. */
IN_CHILD static bool places_take(const struct places *p, int tell, int go)
{
    bool good = true;
    for (int k = 0; k < p->n && good; k++)
        good = p->at[k] >= 0 ? syscall(SYS_dup2, p->at[k], k) == k
                             : syscall(SYS_close_range, k, k, 0) == 0;
    return good && syscall(SYS_dup3, tell, p->n + TELL, O_CLOEXEC) >= 0 &&
           syscall(SYS_dup3, go, p->n + GO, O_CLOEXEC) >= 0 &&
           syscall(SYS_close_range, p->n + BEHIND, ~0u, 0) == 0;
}

/* In the child between: it stays until the caller has the pidfd, so that the number is its own. */
IN_CHILD static _Noreturn void start_it(const struct image *image, int tell, int go)
{
    const int n = image->places->n;
    char byte;
    pid_t pid = -1;
    if (places_take(image->places, tell, go) && (pid = fork_silent()) == 0)
        become(image);
    const struct started started = {.why = pid < 0 ? errno : 0, .pid = pid};
    syscall(SYS_write, n + TELL, &started, sizeof started);
    syscall(SYS_close, n + TELL);
    syscall(SYS_read, n + GO, &byte, 1);
    child_ends(0);
}

/* Whether more is said of the start.  A helper that speaks, or is over, has been executed: other
 * processes may keep the pipe open. */
static bool more_is_told(const struct helper *h, int from)
{
    struct pollfd all[] = {{from, POLLIN, 0}, {h->socket, POLLIN, 0}, {h->pidfd, POLLIN, 0}};
    TEMP_FAILURE_RETRY(poll(all, 3, -1));
    return all[0].revents;
}

/* The pidfd of who was started, and why the exec failed; 0, or an errno. */
static int started_read(struct helper *h, int from)
{
    struct started s;
    int why = 0;
    while (!why && more_is_told(h, from) &&
           TEMP_FAILURE_RETRY(read(from, &s, sizeof s)) == sizeof s) {
        why = s.why;
        if (s.pid > 0 && (h->pidfd = (int)syscall(SYS_pidfd_open, s.pid, 0)) < 0 && !why)
            why = errno;
    }
    return why;
}

static void ends_close(int ends[2])
{
    for (int k = 0; k < 2; k++)
        if (ends[k] >= 0)
            close(ends[k]);
}

/* The child between, with no handler of the caller's in it; or -1. */
static pid_t between_start(const struct image *image, const int told[2], const int go[2])
{
    sigset_t all, before;
    int tell = fcntl(told[1], F_DUPFD_CLOEXEC, image->places->n + BEHIND),
        wait = fcntl(go[0], F_DUPFD_CLOEXEC, image->places->n + BEHIND);
    pid_t pid = -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (tell >= 0 && wait >= 0 && (pid = fork_silent()) == 0)
        start_it(image, tell, wait);
    int why = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    ends_close((int[]){tell, wait});
    errno = why;
    return pid;
}

/* Of the caller's variables the helper has the one that it looks at.  0, or an errno. */
static int process_make(struct helper *h, const char *command, const struct places *p)
{
    char *argv[] = {(char *)HELPER_NAME, (char *)WASMVM_VERSION, NULL}, *envp[] = {NULL, NULL};
    int told[2] = {NONE, NONE}, go[2] = {NONE, NONE};
    const char *tmp = getenv("TMPDIR");
    if (tmp && asprintf(&envp[0], "TMPDIR=%s", tmp) < 0)
        return ENOMEM;
    const struct image image = {command, argv, envp, p};
    pid_t between =
        pipe2(told, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0 ? between_start(&image, told, go)
                                                                  : -1;
    int why = between < 0 ? errno : 0;
    if (told[1] >= 0)
        close(told[1]);
    told[1] = NONE;
    if (between > 0)
        why = started_read(h, told[0]);
    /* said by a byte: what another thread forks meanwhile keeps the pipe open */
    if (between > 0 && write(go[1], "", 1) != 1)
        why = why ? why : errno;
    ends_close(go);
    while (between > 0 && waitpid(between, NULL, __WALL) < 0 && errno == EINTR) {}
    ends_close(told);
    free(envp[0]);
    return why;
}

/* The ends of the socket and of the log that the helper gets go to given[]. */
static bool ends_make(struct helper *h, const wasmvm_config *c, int given[HELPER_SOCKETS])
{
    int sockets[2], pipes[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return false;
    h->socket = sockets[0];
    given[HELPER_SOCKET] = sockets[1];
    if (!c->log)
        return true;
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return false;
    h->log = pipes[0];
    given[HELPER_LOG] = pipes[1];
    return fcntl(h->log, F_SETFL, O_NONBLOCK) == 0;
}

bool helper_start(struct helper *h, const char *command, const wasmvm_config *c, int module)
{
    int given[HELPER_SOCKETS] = {[HELPER_MODULE] = module, [HELPER_KVM] = NONE, [HELPER_LOG] = NONE,
                                 [HELPER_SOCKET] = NONE};
    struct places p = {.n = HELPER_SOCKETS + (int)c->set.sockets.n};
    p.at = malloc((size_t)p.n * sizeof *p.at);
    for (int k = 0; p.at && k < p.n; k++)
        p.at[k] = NONE;
    *h = HELPER_NONE;
    int why = p.at && ends_make(h, c, given) ? 0 : errno;
    if (!c->log)
        given[HELPER_LOG] = c->log_fd;
    given[HELPER_CALLER] = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (!why && given[HELPER_CALLER] < 0)
        why = errno;
    if (c->set.kvm_fd)
        given[HELPER_KVM] = (int)c->set.kvm_fd;
    if (!why && !places_fill(&p, c, given))
        why = errno;
    if (!why)
        why = process_make(h, command, &p);
    if (given[HELPER_SOCKET] >= 0)
        close(given[HELPER_SOCKET]);
    if (given[HELPER_CALLER] >= 0)
        close(given[HELPER_CALLER]);
    if (c->log && given[HELPER_LOG] >= 0)
        close(given[HELPER_LOG]);
    places_close(&p);
    if (why)
        helper_forget(h);
    errno = why;
    return !why;
}

void helper_end(struct helper *h, int patience_ms)
{
    struct pollfd over = {.fd = h->pidfd, .events = POLLIN};
    if (h->socket >= 0)
        close(h->socket);
    if (h->log >= 0)
        close(h->log);
    h->socket = h->log = NONE;
    if (h->pidfd >= 0 && TEMP_FAILURE_RETRY(poll(&over, 1, patience_ms)) <= 0) {
        syscall(SYS_pidfd_send_signal, h->pidfd, SIGKILL, NULL, 0);
        TEMP_FAILURE_RETRY(poll(&over, 1, KILLED_MS));
    }
    if (h->pidfd >= 0) /* it has become ours where we are the system's first process, or like it */
        syscall(SYS_waitid, P_PIDFD, h->pidfd, NULL, WEXITED | WNOHANG | __WALL, NULL);
}

void helper_forget(struct helper *h)
{
    helper_end(h, 0);
    if (h->pidfd >= 0)
        close(h->pidfd);
    *h = HELPER_NONE;
}
