/* What nobody may do from inside the jail (tries.def): each is tried, in a test build, where a
 * guest that took over the monitor would stand.
 *
 * JAIL_TEST_TRY=NAME: the process ends with 0 where the call failed, with 1 where it worked; or by
 * the filter. JAIL_TEST_GRANTED=DIRECTORY is granted for reading, and has a `file`;
 * JAIL_TEST_STORE=DIRECTORY keeps images. */
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/jail/hooks.h"
#include "vmm/base/base.h"
#include "vmm/jail/jail.h"

static char page[4096] __attribute__((aligned(4096)));
static char text[4096];
static int pair[2];

static long mapped(int rights)
{
    return mmap(NULL, sizeof page, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1
                                                                                             : 0;
}

static long mremapped(void)
{
    return mremap(page, sizeof page, sizeof page, 0) == MAP_FAILED ? -1 : 0;
}

static long clone3_try(void)
{
    uint64_t args[11] = { CLONE_NEWUSER, [4] = SIGCHLD };
    return syscall(SYS_clone3, args, sizeof args);
}

static long opened2(const char *path, int flags)
{
    struct open_how how = { .flags = (uint64_t)flags };
    return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

/* getpid, as a program of 32 bits asks for it. */
static long call32(void)
{
    long result = 20;
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
    return result;
}

static const char *stored(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("JAIL_TEST_STORE"), name);
    return path;
}

static const char *granted(const char *name)
{
    snprintf(text, sizeof text, "%s/%s", getenv("JAIL_TEST_GRANTED"), name);
    return text;
}

/* A thread that was there before the jail is the watchdog.  It opens the file for us, in the
 * handler of a timer's signal, which no other thread takes. */
static const char *to_open;
static volatile long result_there = -2;

static void open_there(int number)
{
    (void)number;
    result_there = openat(AT_FDCWD, to_open, O_RDONLY);
}

static long thread_opens(const char *path)
{
    struct sigaction action = { .sa_handler = open_there };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
    struct itimerspec soon = { .it_value = { 0, 1 } };
    timer_t timer;
    to_open = path;
    sigaction(SIGUSR2, &action, NULL);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &soon, NULL);
    while (result_there == -2)
        sched_yield(); /* the jail has no nanosleep */
    return result_there;
}

static long limit_raised(int what)
{
    struct rlimit limit = { 0, 0 };
    getrlimit(what, &limit);
    limit.rlim_max++;
    return setrlimit(what, &limit);
}

static long narrowed(unsigned granted)
{
    static struct failure why;
    return jail_narrow(granted, &why) ? 0 : -1;
}

/* To this host's port 9, without a connection. */
static long datagram_sends(int family)
{
    struct sockaddr_in6 to = { .sin6_family = (sa_family_t)family, .sin6_port = htons(9) };
    struct iovec bytes = { text, 1 };
    const socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof to;
    struct msghdr message = {
        .msg_name = &to, .msg_namelen = len, .msg_iov = &bytes, .msg_iovlen = 1
    };
    int fd = socket(family, SOCK_DGRAM, 0);
    return fd < 0 ? -1 : sendmsg(fd, &message, 0);
}

/* A wait whose process is stopped and goes on: 0 where it ends early, and can be waited again. */
static long wait_goes_on(void)
{
    static uint32_t word;
    struct timespec long_time = { 600, 0 }, none = { 0, 0 };
    ssize_t told = write(STDOUT_FILENO, ".", 1);
    long ended = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &long_time, NULL, 0);
    bool early = ended < 0 && errno == EINTR;
    ended = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &none, NULL, 0);
    return told == 1 && early && ended < 0 && errno == ETIMEDOUT ? 0 : -1;
}

/* A thread that runs a machine gets back how late its waits may end. */
static long slack_stays(void)
{
    struct kick kick = { .event = -1 };
    sigset_t inside;
    cputime_open(&kick.cputime, 0, 0);
    prctl(PR_SET_TIMERSLACK, 12345);
    bool entered = kick_enter(&kick, &inside);
    kick_leave(&kick);
    return entered && prctl(PR_GET_TIMERSLACK) == 12345 ? 0 : -1;
}

#define TRY(name, wanted, expression)                                      \
    static long try_##name(void)                                           \
    {                                                                      \
        return expression;                                                 \
    }
#define TRY_WITHOUT(grant, name, wanted, expression) TRY(without_##name, wanted, expression)
#define TRY_WITH(grant, name, wanted, expression) TRY(with_##name, wanted, expression)
#include "tests/jail/tries.def"

/* In the weak jail: what is barred fails with EPERM, whatever its arguments. */
#define BAR(call, reason)                                                 \
    static long try_bar_##call(void)                                      \
    {                                                                     \
        return syscall(SYS_##call, -1, -1, -1, -1, -1, -1) == -1 &&       \
                       errno == EPERM                                     \
                   ? -1                                                   \
                   : 0;                                                   \
    }
#include "vmm/jail/calls.def"

static const struct attempt { const char *name; long (*function)(void); } attempts[] = {
#define TRY(name, wanted, expression) { #name, try_##name },
#define TRY_WITHOUT(grant, name, wanted, expression) { "without_" #name, try_without_##name },
#define TRY_WITH(grant, name, wanted, expression) { "with_" #name, try_with_##name },
#include "tests/jail/tries.def"
#define BAR(call, reason) { "bar_" #call, try_bar_##call },
#include "vmm/jail/calls.def"
    { "wait_goes_on", wait_goes_on }, /* somebody stops this process meanwhile */
    { NULL, NULL },
};

void try(const char *name)
{
    for (const struct attempt *a = attempts; a->name; a++)
        if (strcmp(a->name, name) == 0)
            _exit(a->function() < 0 ? 0 : 1);
    _exit(2);
}
