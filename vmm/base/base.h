/* The face of base/: words, what was configured, the end of a run, stopping one, and writes in
 * between.  Nothing here calls anything of another folder. */
#ifndef VMM_BASE_BASE_H
#define VMM_BASE_BASE_H

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "vmm/base/config.h"
#include "vmm/base/message.h"

/* ---- end.c: the end of a run, and what it means to the caller ---- */
enum end_kind {
    ENDED_NOT,
    ENDED_EXIT,
    ENDED_TRAP,
    ENDED_INVALID,
    ENDED_CHANGED,
    ENDED_UNSUPPORTED,
    ENDED_LIMIT,
    ENDED_USAGE,
    ENDED_NOMEM,
    ENDED_CRASH,
    ENDED_HOSTILE /* bad hypercall */,
    ENDED_TIMEOUT,
    ENDED_CPU_TIME,
    ENDED_SIGNAL,
    ENDED_SIGPIPE,
    ENDED_TOTAL_MEMORY,
    ENDED_WRITTEN,
    ENDED_CREATED,
    ENDED_LOG
};
struct end {
    enum end_kind kind;
    uint32_t code;     /* exit code or signal number */
    /* guest's or monitor's words, unescaped, may have several lines; NULL = none */
    char *text;
};
int end_status(const struct end *);         /* the man page's EXIT STATUS */
const char *end_reason(const struct end *); /* one word, for the report */
/* The end's one line, unescaped; false: such an end is silent.  *rest: lines of a backtrace, or
 * NULL. */
bool end_line(const struct config *, const struct end *, char *out, size_t cap, const char **rest);
/* says the line and the backtrace that the end wants */
void end_message(const struct config *, const struct end *);

/* ---- random.c ---- */
/* All of them, though signals come; false: errno. */
bool random_fill(void *at, size_t bytes);

/* ---- guard.c: writes for a machine ---- */
struct kick;
/* Round writes for a machine on somebody else's thread: SIGPIPE and SIGXFSZ that they raise are
 * taken back. */
struct write_guard { sigset_t mask; /* the thread's own */ };
void write_guard_enter(struct write_guard *);
void write_guard_leave(struct write_guard *);
void signal_consume(int number); /* blocked, and perhaps pending */
/* write_all for bytes that the guest makes us write: a reader that does not read keeps no stop from
 * taking effect. false: errno; EINTR = a stop is wanted, and the rest is not written. */
bool write_guard_all(struct kick *, int fd, const void *bytes, size_t len);

/* ---- cputime.c: the CPU time that a limit counts ---- */
enum { CPUTIME_THREADS = 8, CPUTIME_PROCESSES = 16 };
struct cputime {
    uint64_t limit_ns;         /* 0 = none */
    /* the process's, from there on; 0 = that of the threads that have entered */
    uint64_t process_from_ns;
    pthread_mutex_t lock;      /* of what follows */
    uint64_t gone_ns;          /* what those took that have left */
    struct cputime_thread {
        pthread_t id;
        clockid_t clock;
        uint64_t from_ns;
        unsigned depth;
    } threads[CPUTIME_THREADS];
    /* of other processes, from their start on; set before the run */
    clockid_t processes[CPUTIME_PROCESSES];
    unsigned nprocesses;
};
void cputime_open(struct cputime *, uint64_t limit_ns, uint64_t process_from_ns);
/* Nothing was used yet; nobody is counted, but others may look. */
void cputime_renew(struct cputime *);
/* the calling thread counts from here on, as often as it enters */
void cputime_enter(struct cputime *);
void cputime_leave(struct cputime *);
/* all of that child's counts, too; one that is not there counts nothing */
void cputime_process(struct cputime *, pid_t);
bool cputime_over(struct cputime *);
/* when to look again, as no clock tells; UINT64_MAX = never */
uint64_t cputime_slice(struct cputime *);

/* ---- kick.c: the one way to stop a machine from outside ---- */
struct kick_timer { timer_t id; bool made; };
struct kick {
    int event;                 /* an eventfd: readable once a stop is wanted; -1 = none */
    bool again;                /* atomic: a second stop came */
    unsigned senders;          /* atomic: those who are about to signal `thread` */
    /* atomic: the kernel's number of the thread that runs the machine; 0 = none */
    int thread;
    /* atomic: 0, or the first one: enum end_kind, and a number in the upper half */
    uint64_t reason;
    uint64_t deadline_ns;      /* atomic: of CLOCK_MONOTONIC; 0 = none */
    uint64_t armed_ns;         /* atomic: what the wall timer runs for; 0 = nothing */
    struct cputime cputime;
    uint64_t patience_end_ns;
    struct kick_timer wall, cpu;
    sigset_t mask;             /* the thread's own */
    struct write_guard guard;
    int timer_slack;
    struct kick *outer;        /* the machine by whose host function this one runs; NULL */
};
/* cpu_from_ns: the CPU time is the process's, from there on; 0 = the machine's threads'.  false:
 * errno. */
bool kick_open(struct kick *, uint64_t deadline_ns, uint64_t cpu_time_ns, uint64_t cpu_from_ns);
void kick_close(struct kick *);
/* As if just opened, for a machine's next run: a stop that came before is forgotten.  Nothing runs,
 * and nobody is counted. */
void kick_renew(struct kick *);
/* The calling thread runs the machine from here on: the CPU time counts; false: errno, and
 * kick_leave is due. kick_leave gives the thread back as it was.  *inside: what is to be blocked
 * while the guest runs, so that a kick ends that. */
bool kick_enter(struct kick *, sigset_t *inside);
void kick_leave(struct kick *);
void kick_thread(struct kick *);   /* out of the guest, for no reason of its own */
/* after an interrupted guest: the signal is taken, a time that is over is noted */
void kick_drain(struct kick *);
/* Another one, or 0 = none; from any one thread, after kick_enter. */
void kick_deadline(struct kick *, uint64_t deadline_ns);
/* What was asked for: ENDED_NOT, ENDED_TIMEOUT, ENDED_CPU_TIME or ENDED_SIGNAL with its number. */
enum end_kind kick_reason(const struct kick *, uint32_t *number);
void kick_after(struct kick *, uint64_t ns);    /* a stop is wanted: one more kick then */
/* the same; kick_expired then, or when a second stop comes */
void kick_patience(struct kick *, uint64_t ns);
bool kick_expired(const struct kick *);
/* Asks for the end: ENDED_SIGNAL with its number, ENDED_TIMEOUT, ENDED_CPU_TIME.  The first reason
 * counts. Async-signal-safe; from any thread. */
void kick_stop(struct kick *, enum end_kind, uint32_t number);
/* How handlers wait for the host: ppoll, which a stop or the end of the time ends too.  -1/EINTR
 * then: the handler returns WASI INTR.  kick_pending: a stop is wanted, give up waiting. */
struct pollfd;
int kick_ppoll(struct kick *, struct pollfd *, unsigned n, int64_t timeout_ns /* -1 = for ever */);
bool kick_pending(struct kick *);

#endif
