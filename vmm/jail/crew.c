/* All threads of the process confine themselves: what Landlock, capabilities and user numbers are,
 * each thread has for itself, and one that is left out would be a way round them, as the threads
 * share their memory.
 *
 * They are asked in rounds: all are listed, and each is sent a signal that all of ours take
 * (THREAD_CONFINE).  Whoever is not confined yet becomes so, in a handler whose calls are the
 * kernel's own, and says in what round that was.  The last round is the one in which all that were
 * listed answer that they had been confined before it: what they make meanwhile is confined like
 * them.  No thread is known by its number from one round to the next, as one that ends leaves that
 * to another.  One that ends before it answers is looked for in between, and needs a further round.
 *
 * Threads that the kernel has put beside them run none of our code, and take no signal: KVM makes
 * one when a machine runs for the first time.  They are left out, and so is a first thread that has
 * ended, which stays in the list. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/message.h"
#include "vmm/jail/inside.h"

#define TASKS "/proc/self/task"
#define THREADS_MOST 64
/* a thread runs late where the host is busy; who is refused here does not run at all */
#define PATIENCE_NS 60000000000u
#define ROUND_NS 1000000000u /* the first; each that is too short makes the next twice as long */
#define SOON_NS 2000000      /* one that can run has answered long before */
#define LOOK_NS 20000000     /* between two looks for who has ended */

/* What is known of a thread in a round; WAS and IS by its answer: confined before it, or in it. */
enum standing { SILENT, IS, WAS, APART, GONE };
struct mate { _Alignas(8) pid_t thread; enum standing standing; }; /* one atomic word */

/* What handlers share with the one who asks. */
static struct roll {
    pthread_mutex_t turn; /* one crew at a time */
    struct identity identity;
    int rules, failed;     /* failed: atomic, an errno */
    /* atomic: the last round that began, in all; the first of this crew; whether it asks */
    unsigned round, first, open;
    unsigned inside;       /* atomic: handlers at work */
    unsigned answers;      /* atomic: so many came */
    unsigned n;            /* atomic: of these, each atomic */
    struct mate mates[THREADS_MOST];
} roll = { .turn = PTHREAD_MUTEX_INITIALIZER };

static unsigned look(const unsigned *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static struct mate mate_at(unsigned i)
{
    struct mate mate;
    __atomic_load(&roll.mates[i], &mate, __ATOMIC_SEQ_CST);
    return mate;
}

/* False: it has answered meanwhile, or stands there no more. */
static bool mate_becomes(unsigned i, pid_t thread, enum standing standing)
{
    struct mate before = { thread, SILENT }, after = { thread, standing };
    return __atomic_compare_exchange(&roll.mates[i], &before, &after, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST);
}

/* ---- a thread that is asked ---- */

/* In what round this thread was confined.  Not one that has the same memory or the same number:
 * the first has another number, and to the second this is new.  No handler may have to allocate it.
 */
static _Thread_local struct { pid_t thread; unsigned round; } confined
    __attribute__((tls_model("initial-exec")));

static void confine_self(void)
{
    bool good = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && identity_take(&roll.identity) &&
                (roll.rules < 0 || syscall(SYS_landlock_restrict_self, roll.rules, 0) == 0);
    if (!good)
        __atomic_store_n(&roll.failed, errno, __ATOMIC_SEQ_CST);
}

/* The round is looked at when all is done: a later one than the true one is no harm. */
static void answer(void)
{
    const pid_t self = (pid_t)syscall(SYS_gettid);
    if (confined.thread != self || confined.round < look(&roll.first)) {
        confine_self();
        confined.thread = self;
        confined.round = look(&roll.round);
    }
    enum standing standing = confined.round < look(&roll.round) ? WAS : IS;
    for (unsigned i = 0; i < look(&roll.n); i++)
        mate_becomes(i, self, standing);
    __atomic_add_fetch(&roll.answers, 1, __ATOMIC_SEQ_CST);
}

static void asked(int number, siginfo_t *info, void *context)
{
    int error = errno;
    (void)number, (void)context;
    __atomic_add_fetch(&roll.inside, 1, __ATOMIC_SEQ_CST);
    if (info->si_code == SI_QUEUE && info->si_pid == getpid() && look(&roll.open))
        answer();
    __atomic_sub_fetch(&roll.inside, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &roll.answers, FUTEX_WAKE_PRIVATE, 1);
    errno = error;
}

/* ---- the threads ---- */

/* What getdents64 gives for each name; of its bytes the last are the name's. */
struct name { uint64_t inode, next; uint16_t size; uint8_t kind; char text[]; };

/* False: errno, or more than there is room for. */
static bool mate_add(const struct name *name, pid_t own)
{
    struct mate mate = { (pid_t)strtol(name->text, NULL, 10), SILENT };
    if (mate.thread <= 0 || mate.thread == own)
        return true;
    if (roll.n == THREADS_MOST)
        return false;
    __atomic_store(&roll.mates[roll.n], &mate, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&roll.n, 1, __ATOMIC_SEQ_CST);
    return true;
}

/* All but this one. */
static bool mates_list(int tasks)
{
    _Alignas(struct name) char names[4096];
    const pid_t own = (pid_t)syscall(SYS_gettid);
    long got;
    __atomic_store_n(&roll.n, 0, __ATOMIC_SEQ_CST);
    if (lseek(tasks, 0, SEEK_SET) < 0)
        return false;
    while ((got = syscall(SYS_getdents64, tasks, names, sizeof names)) > 0)
        for (long at = 0; at < got; at += ((const struct name *)(names + at))->size)
            if (!mate_add((const struct name *)(names + at), own))
                return false;
    return got == 0;
}

/* PF_USER_WORKER without PF_IO_WORKER, in the kernel's words: those of
 * io_uring open files for us. */
#define WORKER_MASK 0x4010ull
#define WORKER      0x4000ull

/* By its state and the flags in TID/stat, the first and the seventh word behind the name, which may
 * have any letters. */
static enum standing thread_look(int tasks, pid_t thread)
{
    char path[32], text[512], state;
    uint64_t flags;
    snprintf(path, sizeof path, "%d/stat", thread);
    int fd = openat(tasks, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    bool gone = n < 0 && (errno == ENOENT || errno == ESRCH);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *behind = strrchr(text, ')');
    if (!behind || sscanf(behind, ") %c %*d %*d %*d %*d %*d %" SCNu64, &state, &flags) != 2)
        return gone ? GONE : SILENT;
    if (state == 'Z' || state == 'X')
        return thread == getpid() ? APART : GONE;
    return (flags & WORKER_MASK) == WORKER ? APART : SILENT;
}

/* An errno; 0: it is asked. */
static int ask(pid_t thread)
{
    siginfo_t info = { .si_signo = THREAD_CONFINE, .si_code = SI_QUEUE };
    info.si_pid = getpid();
    info.si_uid = getuid();
    return syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, THREAD_CONFINE, &info) == 0 ? 0 : errno;
}

/* A directory's links are the directories in it: one for each thread, and two. */
static unsigned threads_count(void)
{
    struct stat st;
    return stat(TASKS, &st) == 0 ? (unsigned)st.st_nlink - 2 : UINT_MAX;
}

/* ---- rounds ---- */

struct threads { pid_t at[THREADS_MOST]; unsigned n; };

static bool is_among(const struct threads *all, pid_t thread)
{
    unsigned i = 0;
    while (i < all->n && all->at[i] != thread)
        i++;
    return i < all->n;
}

/* Who is silent is looked at. */
static void silent_look(int tasks, struct threads *apart)
{
    for (unsigned i = 0; i < roll.n; i++) {
        struct mate mate = mate_at(i);
        enum standing now = mate.standing == SILENT ? thread_look(tasks, mate.thread) : SILENT;
        if (now == SILENT || !mate_becomes(i, mate.thread, now))
            continue;
        if (now == APART && !is_among(apart, mate.thread) && apart->n < THREADS_MOST)
            apart->at[apart->n++] = mate.thread;
    }
}

/* False: one cannot be asked, *why.  What was apart in the round before is looked at first, as
 * reading that costs as much as an answer. */
static bool mates_ask(int tasks, const struct threads *apart, int *why)
{
    for (unsigned i = 0; i < roll.n; i++) {
        const pid_t thread = mate_at(i).thread;
        bool is_apart = is_among(apart, thread) && thread_look(tasks, thread) == APART;
        int error = is_apart ? 0 : ask(thread);
        if (is_apart || error == ESRCH)
            mate_becomes(i, thread, is_apart ? APART : GONE);
        if (error == EAGAIN) {
            *why = error;
            return false;
        }
    }
    return true;
}

static unsigned standing_count(enum standing standing)
{
    unsigned n = 0;
    for (unsigned i = 0; i < roll.n; i++)
        n += mate_at(i).standing == standing;
    return n;
}

/* Until nobody is silent; false: that takes longer. */
static bool answers_await(int tasks, struct threads *apart, uint64_t until_ns)
{
    struct timespec patience = { .tv_nsec = SOON_NS };
    for (;;) {
        unsigned answers = look(&roll.answers);
        if (!standing_count(SILENT))
            return true;
        if (syscall(SYS_futex, &roll.answers, FUTEX_WAIT_PRIVATE, answers, &patience) == 0 ||
            errno != ETIMEDOUT)
            continue;
        silent_look(tasks, apart);
        patience.tv_nsec = LOOK_NS;
        if (clock_now_ns() >= until_ns)
            return false;
    }
}

/* All others, before this one. */
static bool others_confine(int tasks, int *why)
{
    struct threads apart = { .n = 0 };
    uint64_t now = clock_now_ns(), until = now + PATIENCE_NS, most = ROUND_NS;
    for (; now < until; now = clock_now_ns()) {
        __atomic_add_fetch(&roll.round, 1, __ATOMIC_SEQ_CST);
        bool listed = mates_list(tasks);
        unsigned alive = threads_count();
        if (!listed || alive > THREADS_MOST + 1 || !mates_ask(tasks, &apart, why))
            return false;
        if (!answers_await(tasks, &apart, now + most))
            most *= 2;
        else if (standing_count(WAS) + standing_count(APART) == roll.n && alive == roll.n + 1)
            return true;
    }
    return false;
}

/* A handler that runs late finds what it began with.  What nobody has taken is forgotten: by the
 * signal's own action it would end the process. */
static void asking_end(const struct sigaction *before)
{
    struct sigaction none = { .sa_handler = SIG_IGN };
    __atomic_store_n(&roll.open, 0, __ATOMIC_SEQ_CST);
    while (look(&roll.inside))
        poll_ms(NULL, 0, 1);
    sigaction(THREAD_CONFINE, &none, NULL);
    sigaction(THREAD_CONFINE, before, NULL);
}

/* A thread that has a stack for signals may have no room for them on its other one: Go's. */
static bool all_confine(const struct crew *crew, int tasks, int *unasked)
{
    struct sigaction action = { .sa_sigaction = asked,
                                .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK },
                     before;
    pthread_mutex_lock(&roll.turn);
    roll.identity = crew->identity;
    roll.rules = crew->rules;
    roll.failed = 0;
    roll.first = roll.round + 1;
    __atomic_store_n(&roll.open, 1, __ATOMIC_SEQ_CST);
    sigaction(THREAD_CONFINE, &action, &before);
    bool all = others_confine(tasks, unasked);
    if (all)
        confine_self();
    asking_end(&before);
    errno = __atomic_load_n(&roll.failed, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&roll.turn);
    return all;
}

bool crew_confine(const struct crew *crew, struct failure *why)
{
    int unasked = 0, tasks = open(TASKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tasks < 0) /* Landlock hides it afterwards */
        return failure_set(why, "the jail: " TASKS ": %s (--jail=off runs without)",
                           strerror(errno));
    bool all = all_confine(crew, tasks, &unasked);
    int failed = errno;
    close(tasks);
    if (unasked)
        return failure_set(why, "the jail: a thread of this process cannot be asked: %s",
                           pending_error(unasked));
    unsigned alive = threads_count();
    if (!all && alive != UINT_MAX && alive > THREADS_MOST + 1)
        return failure_set(why,
                           "the jail: this process has %u threads, and no more than %d can be "
                           "confined (--jail=weak runs without)",
                           alive, THREADS_MOST + 1);
    if (!all)
        return failure_set(
            why,
            "the jail: a thread of this process cannot be confined (--jail=weak runs without)");
    return !failed ||
           failure_set(why,
                       "the jail: this process cannot be confined: %s (--jail=off runs without)",
                       strerror(failed));
}
