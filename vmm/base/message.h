/* The clock, words, and files for words: what the library and the command line each have a copy of.
 */
#ifndef VMM_MESSAGE_H
#define VMM_MESSAGE_H

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static inline uint64_t clock_now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

/* ---- failure.c: what a function that failed has to say ---- */
struct failure { int status; char text[4096]; }; /* an exit status below; one line, unescaped */
/* Sets the text and EXIT_MONITOR, and returns false: `return failure_set(why, "what: why (what to
 * do)");`. */
bool failure_set(struct failure *, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool failure_as(struct failure *, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What an errno of a timer, or of a signal that waits to be taken, means to the user. */
const char *pending_error(int error);

/* ---- sink.c: where our own words go, without waiting ---- */
enum sink_way { SINK_PLAIN, SINK_SOCKET, SINK_PACED };
struct sink {
    int fd;              /* -1 = nowhere */
    int io;              /* a non-blocking description of ours on the same; -1 = none */
    enum sink_way way;
    size_t piece;        /* most of one write */
    bool stalled, torn;  /* the last words were not taken; a line was cut */
    uint64_t lost, told; /* writes that were dropped, and how many of them the reader knows of */
    uint64_t left;       /* bytes that may be written yet; sink_open: all */
};
#define SINK_NONE (struct sink){ .fd = -1, .io = -1 }
void sink_open(struct sink *, int fd); /* which stays the caller's */
void sink_close(struct sink *);
/* false: not all is written, errno says why: EAGAIN = within the patience nobody read, which is
 * counted; SINK_FULL = it is more than what is left, and nothing is.  There is no patience for one
 * that was so before. */
#define SINK_FULL EDQUOT
bool sink_write(struct sink *, const void *bytes, size_t len, uint64_t patience_ns);
#define SINK_PATIENCE_NS 200000000u

/* ---- message.c: the one place that words errors ---- */
/* poll, by the one call that all waits make: the jail has no other. */
int poll_ms(struct pollfd *, nfds_t, int ms);
/* Where a thread's words go; without one they go to stderr, as the command line wants. */
struct outlet {
    /* one line, escaped, without an end; NULL = not told */
    void (*tell)(void *context, const char *text);
    void *context;
    bool to_stream;
    /* where to_stream: a descriptor that lines go to, as the command line's go to stderr */
    int stream;
    bool stalled;     /* atomic: the last line was not taken there */
    /* atomic: lines that were left out, as nobody read them; those that the reader knows of */
    uint64_t lost, told;
};
struct outlet *outlet_use(struct outlet *); /* this thread's from here on; returns the one before */
struct outlet *outlet_now(void);
/* Prints one line, `wasmvm: what: why (what to do)`, to stderr, control characters escaped; or
 * tells the outlet. */
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Lines that are escaped already, each with its end, as they are. */
void message_lines(const char *text, size_t len);
/* the descriptor that this thread's messages go to; -1 = they go elsewhere */
int message_stream(void);
/* Escapes guest text for a terminal: control characters, invalid bytes; keeps '\n' where
 * keep_newlines.  Ends with a NUL, stops where `cap` ends.  Returns the length. */
size_t text_escape(const char *in, size_t len, char *out, size_t cap, bool keep_newlines);
/* The bytes of the UTF-8 sequence at `text` (1 to 4, at most len), or 0 where it is none that a
 * terminal may see or JSON hold. */
unsigned text_utf8(const char *text, size_t len);
/* Writes all of it, waiting where a descriptor is non-blocking; false: errno says why. */
bool write_all(int fd, const void *bytes, size_t len);

enum {
    EXIT_TIMEOUT = 124,
    EXIT_MONITOR = 125,
    EXIT_INVALID_MODULE = 126,
    EXIT_NO_MODULE = 127,
    EXIT_TRAP = 134,
    EXIT_STOPPED = 137
};

/* ---- within.c ---- */
bool directory_lies_in(int inner, int outer); /* or is that one */
/* Whether something that is mounted below `outer` holds or shows a part of `inner`, or of what is
 * mounted below that. */
bool directory_mounts(int outer, int inner, bool inner_mounts);

/* ---- descriptors, by few calls of the kernel: the jail lists them ---- */
/* fstat by the call of that name: the C library's may be one that takes names, too. */
static inline int file_stat(int fd, struct stat *st)
{
    return (int)syscall(SYS_fstat, fd, st);
}
/* pread and pwrite by the calls that take any number of pieces; preadv2 is readv as well. */
static inline ssize_t pread_once(int fd, void *to, size_t n, off_t at)
{
    return preadv2(fd, &(struct iovec){ to, n }, 1, at, 0);
}
static inline ssize_t pwrite_once(int fd, const void *from, size_t n, off_t at)
{
    return pwritev(fd, &(struct iovec){ (void *)from, n }, 1, at);
}

/* ---- owner.c ---- */
bool owner_is(uid_t owner, uid_t user); /* by the numbers that files show */
bool owner_is_us(uid_t owner);

/* ---- named.c: the one door for what options name ---- */
struct names { const char *const *at; uint32_t n; };
/* open(), but that no link leads there that a guest can have made: `writable` are the directories
 * that are granted for writing.  -1 and errno, of which NAMED_LINK is such a link; named_error
 * words it. */
#define NAMED_LINK EXDEV /* open() itself never fails so */
int named_open(const struct names *writable, const char *path, int flags, mode_t mode);
const char *named_error(int error);
bool named_is_own(const char *path); /* a descriptor of ours, which is duplicated */
/* Whether a guest can put another file in its place, or write it: by its name, by the folder where
 * it lies in truth, or by another name that it may have in a grant. */
bool named_is_guests(const struct names *writable, const char *path);

/* ---- output.c: files that an option names for us to write ---- */
/* Through that door.  `option` is what stands before the name in messages: "--report ".  `module`:
 * the file that it must not be; NULL = none. */
struct output { const char *option, *path, *module; struct names writable; bool keep; };
/* Opens it for appending, blocking, emptied unless `keep`; false: *at is as it was. */
bool output_open(int *at, const struct output *, struct failure *);

/* ---- thread.c ---- */
enum { THREAD_TAKES = 3 };
struct thread_how {
    const pthread_attr_t *attr;
    int takes[THREAD_TAKES]; /* signals, up to the first 0 */
};
/* By which each thread is asked to confine itself (jail/crew.c); all threads of ours take it. */
#define THREAD_CONFINE (SIGRTMIN + 7)
/* Starts a thread that takes no signal but those; 0, or an errno.  how: NULL = nothing special. */
int thread_start(pthread_t *, const struct thread_how *how, void *(*start)(void *), void *context);
/* How many CPUs the calling thread may use; 0: that cannot be told. */
unsigned thread_cpus(void);
/* Opens closed standard streams on /dev/null; before anything else is opened, as it would get their
 * numbers. */
bool streams_open_closed(struct failure *);

#endif
