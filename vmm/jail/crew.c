/* All threads of the process confine themselves: what Landlock, capabilities and user numbers are,
 * each thread has for itself, and one that is left out would be a way round them, as the threads
 * share their memory.
 *
 * A thread is asked by a signal that all of ours take (THREAD_CONFINE), with a pointer to what
 * shall be done; the handler's calls are the kernel's own.  There are few: the watchdog, and the
 * resolver where names are denied.
 *
 * Threads that the kernel has put beside them run none of our code, and take no signal: KVM makes
 * one when a machine runs for the first time.  They are left out. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/jail/inside.h"

#define TASKS "/proc/self/task"
#define THREADS_MOST 64
/* a thread runs late where the host is busy; who is refused here does not run at all */
#define PATIENCE_S 60
#define SOON_NS 2000000 /* one that can run has answered long before */

static void confine_self(struct crew *crew)
{
    bool good = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && identity_take(&crew->identity) &&
                (crew->rules < 0 || syscall(SYS_landlock_restrict_self, crew->rules, 0) == 0);
    if (!good)
        __atomic_store_n(&crew->failed, errno, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&crew->done, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &crew->done, FUTEX_WAKE_PRIVATE, 1);
}

static void asked(int number, siginfo_t *info, void *context)
{
    int error = errno;
    (void)number, (void)context;
    if (info->si_code == SI_QUEUE && info->si_pid == getpid())
        confine_self(info->si_value.sival_ptr);
    errno = error;
}

/* ---- the threads ---- */

struct threads { pid_t at[THREADS_MOST]; unsigned n; };

/* What getdents64 gives for each name; of its bytes the last are the name's. */
struct name { uint64_t inode, next; uint16_t size; uint8_t kind; char text[]; };

static bool is_name(const struct name *name, pid_t own, pid_t *thread)
{
    *thread = (pid_t)strtol(name->text, NULL, 10);
    return *thread > 0 && *thread != own;
}

/* All but this one; false: errno. */
static bool threads_list(int tasks, struct threads *others)
{
    _Alignas(struct name) char names[4096];
    const pid_t own = (pid_t)syscall(SYS_gettid);
    pid_t thread;
    long got;
    others->n = 0;
    while ((got = syscall(SYS_getdents64, tasks, names, sizeof names)) > 0)
        for (long at = 0; at < got; at += ((const struct name *)(names + at))->size)
            if (is_name((const struct name *)(names + at), own, &thread) &&
                others->n < THREADS_MOST)
                others->at[others->n++] = thread;
    return got == 0;
}

/* PF_USER_WORKER without PF_IO_WORKER, in the kernel's words: those of
 * io_uring open files for us. */
#define WORKER_MASK 0x4010ull
#define WORKER      0x4000ull

/* By the flags in TID/stat, the seventh word behind the name, which may have any letters. */
static bool is_kernels(int tasks, pid_t thread)
{
    char path[32], text[512];
    uint64_t flags;
    snprintf(path, sizeof path, "%d/stat", thread);
    int fd = openat(tasks, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *behind = strrchr(text, ')');
    return behind && sscanf(behind, ") %*c %*d %*d %*d %*d %*d %" SCNu64, &flags) == 1 &&
           (flags & WORKER_MASK) == WORKER;
}

static unsigned kernels_count(int tasks, const struct threads *others)
{
    unsigned n = 0;
    for (unsigned i = 0; i < others->n; i++)
        n += is_kernels(tasks, others->at[i]);
    return n;
}

static bool ask(pid_t thread, struct crew *crew)
{
    siginfo_t info = { .si_signo = THREAD_CONFINE, .si_code = SI_QUEUE };
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = crew;
    return syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, THREAD_CONFINE, &info) == 0;
}

/* A directory's links are the directories in it: one for each thread, and two. */
static unsigned threads_count(void)
{
    struct stat st;
    return stat(TASKS, &st) == 0 ? (unsigned)st.st_nlink - 2 : UINT_MAX;
}

/* Until so many are confined; false: it takes longer than that. */
static bool done_await(struct crew *crew, unsigned wanted, const struct timespec *patience)
{
    unsigned done;
    while ((done = __atomic_load_n(&crew->done, __ATOMIC_SEQ_CST)) < wanted)
        if (syscall(SYS_futex, &crew->done, FUTEX_WAIT_PRIVATE, done, patience) < 0 &&
            errno == ETIMEDOUT)
            return false;
    return true;
}

/* Which of them are the kernel's is only looked at where not all answer, as reading that costs as
 * much as their answers.  *kernels: how many those are, added. */
static bool listed_confine(int tasks, const struct threads *others, struct crew *crew,
                           unsigned *kernels)
{
    const struct timespec soon = { .tv_nsec = SOON_NS }, patience = { .tv_sec = PATIENCE_S };
    unsigned wanted = __atomic_load_n(&crew->done, __ATOMIC_SEQ_CST), before = wanted;
    for (unsigned i = 0; i < others->n; i++)
        if (ask(others->at[i], crew))
            wanted++;
        else if (errno == EAGAIN)
            crew->unasked = errno;
    if (done_await(crew, wanted, &soon))
        return true;
    unsigned silent = kernels_count(tasks, others);
    *kernels += silent;
    return done_await(crew, wanted > before + silent ? wanted - silent : before, &patience);
}

static bool is_among(const struct threads *all, pid_t thread)
{
    unsigned i = 0;
    while (i < all->n && all->at[i] != thread)
        i++;
    return i < all->n;
}

/* Leaves those that were not known; false: they are too many. */
static bool new_keep(struct threads *others, struct threads *known)
{
    unsigned n = 0;
    for (unsigned i = 0; i < others->n; i++) {
        if (is_among(known, others->at[i]))
            continue;
        if (known->n == THREADS_MOST)
            return false;
        known->at[known->n++] = others->at[n++] = others->at[i];
    }
    others->n = n;
    return true;
}

/* All others, before this one.  A thread may make another before it is confined, and end after
 * that: the number of threads says nothing of it.  So they are listed until none is new. */
static bool others_confine(int tasks, struct threads *others, struct crew *crew,
                           unsigned *kernels)
{
    struct threads known = { .n = 0 };
    while (new_keep(others, &known)) {
        if (!others->n)
            return true;
        if (!listed_confine(tasks, others, crew, kernels) || lseek(tasks, 0, SEEK_SET) < 0 ||
            !threads_list(tasks, others))
            return false;
    }
    return false;
}

static bool all_confine(int tasks, struct threads *others, struct crew *crew)
{
    unsigned kernels = 0;
    if (!others_confine(tasks, others, crew, &kernels))
        return false;
    confine_self(crew);
    return threads_count() <= __atomic_load_n(&crew->done, __ATOMIC_SEQ_CST) + kernels;
}

bool crew_confine(struct crew *crew, struct failure *why)
{
    struct sigaction action = { .sa_sigaction = asked, .sa_flags = SA_SIGINFO | SA_RESTART },
                     before;
    struct threads others;
    int tasks = open(TASKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tasks < 0 || !threads_list(tasks, &others)) { /* Landlock hides it afterwards */
        int error = errno;
        if (tasks >= 0)
            close(tasks);
        return failure_set(why, "the jail: " TASKS ": %s (--jail=off runs without)",
                           strerror(error));
    }
    sigaction(THREAD_CONFINE, &action, &before);
    bool all = all_confine(tasks, &others, crew);
    sigaction(THREAD_CONFINE, &before, NULL);
    close(tasks);
    if (!all && crew->unasked)
        return failure_set(why, "the jail: a thread of this process cannot be asked: %s",
                           pending_error(crew->unasked));
    if (!all)
        return failure_set(
            why,
            "the jail: a thread of this process cannot be confined (--jail=weak runs without)");
    errno = crew->failed;
    return !errno ||
           failure_set(why,
                       "the jail: this process cannot be confined: %s (--jail=off runs without)",
                       strerror(errno));
}
