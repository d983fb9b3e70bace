/* The hand-over of calls as vmm/run/service.c and wasi-shim/hypercall.c do it, in every interleaving.
 *
 * Two processes: the vCPU's thread, which runs the guest and, at a doorbell, the monitor; and the service thread.
 * `lock` is the mutex, `wanted` and `asleep` are the futex.  The guest's wait is bounded: while it waits it may ring at any
 * time, which is all that time and a preempted thread can do to it.  Memory is sequentially consistent but for the one
 * reordering that matters here: the guest may have read `polled` before it posted.  (The other orders are acquire and
 * release pairs; ThreadSanitizer sees to those in tests/unit/vmm/test_service.c.)  A request is two words, so that a
 * half-written one shows.
 *
 * Shown: every call is served once, whole and in order, and what goes with it to be closed (slot.closes) is closed once,
 * before it; its result is its own; none is served after the run's end, none by the thread after service_stop; no run
 * hangs; a thread that is wanted wakes (`woken`).
 *
 * Each BUG is one line of the code left out or turned round.  The model must find all of them: tests/model/run.sh. */
#ifndef CALLS
#define CALLS 3
#endif
#ifndef BUG
#define BUG 0
#endif
#define BUG_NO_LOCK         1
#define BUG_NO_SECOND_LOOK  2 /* at the state, under the lock */
#define BUG_POSTED_EARLY    3 /* before the request is whole */
#define BUG_WAIT_FOR_EVER   4
#define BUG_STOP_AT_ONCE    5 /* without the lock and the join */
#define BUG_WAKE_FIRST      6 /* the wake before the futex's word */
#define BUG_DONE_IS_SERVED  7 /* a doorbell serves what it finds */
#define BUG_SERVED_PAST_END 8
#define BUG_CLOSES_KEPT     9 /* slot.closes is not taken out before the request is served */
#define BUG_CLOSES_LATE    10 /* ... and is put in after the request is posted */

mtype = { MINE, POSTED, BUSY, DONE, RUNG };

mtype state = MINE;
byte word0, word1;      /* the request: both hold the call's number when it is whole */
byte result;
byte served;            /* how many calls were served */
bool closes;            /* a close goes with the request */
byte wanted_closes, closed;
bool polled;            /* the host's hint to the guest */

bool lock;
bool wanted, asleep;
bool polling, stopping, give_up;
bool over;              /* the run has ended */
bool stopped;           /* service_stop has returned */
bool thread_gone;

ltl woken { [] (wanted -> <> (!wanted || thread_gone)) }

#if BUG == BUG_NO_LOCK
#define take() skip
#define give() skip
#else
#define take() atomic { !lock -> lock = true }
#define give() lock = false
#endif

/* With the lock held.  The owner may end the run in any call.  `handed`: a doorbell closed what goes with the request,
 * and the request is looked at once more, as one for a host function that finds no server. */
inline serve_posted(by_poll)
{
    if
#if BUG != BUG_DONE_IS_SERVED
    :: state == DONE -> skip
    :: state != DONE ->
#else
    :: true ->
#endif
        state = BUSY;
        if
#if BUG != BUG_SERVED_PAST_END
        :: over -> skip                      /* the doorbell of a guest that waited in vain */
        :: !over ->
#else
        :: true ->
#endif
            assert(!over);
            assert(!by_poll || !stopped);
            a = word0;
            b = word1;
            assert(a == b);
            assert(a == served + 1);
            if
            :: closes ->
                closed = closed + 1;
#if BUG != BUG_CLOSES_KEPT
                closes = false
#endif
            :: !closes
            fi;
            if
            :: !by_poll && !handed -> handed = true
            :: true ->
                served = served + 1;
                result = a;
                if
                :: state = DONE
                :: over = true               /* proc_exit, a closed stdout: no DONE */
                fi
            fi
        fi
    fi
}

inline serve_polled()
{
    take();
    if
#if BUG == BUG_NO_SECOND_LOOK
    :: !stopping -> serve_posted(true)
    :: stopping
#else
    :: !stopping && state == POSTED -> serve_posted(true)
    :: !(!stopping && state == POSTED)
#endif
    fi;
    give()
}

active proctype service_thread()
{
    byte a, b;
    bool handed;
    do
    :: stopping -> break
    :: !stopping ->
        if
        :: wanted ->
            wanted = false;
            polled = true;
            do
            :: !stopping && !give_up && state == POSTED -> serve_polled()
            :: stopping || give_up -> break
            :: state != POSTED -> break      /* for long enough */
            od;
            polled = false;
            if
            :: state == POSTED -> serve_polled() /* one more look */
            :: state != POSTED
            fi;
            take();
            give_up = false;
            polling = false;
            give()
        :: !wanted ->                        /* the futex: sleeps if the word is still 0 */
            atomic {
                if
                :: !wanted -> asleep = true
                :: wanted
                fi
            };
            !asleep
        fi
    od;
    thread_gone = true
}

inline wake()
{
#if BUG == BUG_WAKE_FIRST
    asleep = false;
    wanted = true
#else
    wanted = true;
    asleep = false
#endif
}

/* On the vCPU's thread: calls may come thick here, or the thread may come late, as the model likes. */
inline doorbell()
{
    take();
    handed = false;
    serve_posted(false);
    if
    :: handed && state == BUSY && !over -> serve_posted(false)
    :: !(handed && state == BUSY && !over)
    fi;
    start = false;
    if
    :: !polling && !stopping -> start = true; polling = true
    :: polling -> give_up = true
    :: true
    fi;
    give();
    if
    :: start -> wake()
    :: !start
    fi
}

inline post()
{
    if
    :: early = true; seen = polled
    :: early = false
    fi;
#if BUG == BUG_POSTED_EARLY
    word0 = n;
    state = POSTED;
    word1 = n;
#else
    word0 = n;
    word1 = n;
#if BUG != BUG_CLOSES_LATE
    if
    :: closes = true; wanted_closes = wanted_closes + 1
    :: true
    fi;
#endif
    if
    :: state = POSTED
    :: state = RUNG
    fi;
#if BUG == BUG_CLOSES_LATE
    closes = true;
    wanted_closes = wanted_closes + 1;
#endif
#endif
    if
    :: early
    :: !early -> seen = polled
    fi
}

active proctype vcpu()
{
    byte a, b, n = 0;
    bool start, seen, early, handed;
    do
    :: n == CALLS || over -> break
    :: n < CALLS && !over ->
        n = n + 1;
        post();
        if
        :: seen && state != RUNG ->
            do
            :: state == DONE -> break
            :: over -> break                 /* kicked out of the guest */
#if BUG != BUG_WAIT_FOR_EVER
            :: doorbell(); break             /* it takes longer than an exit would */
#endif
            od
        :: !seen || state == RUNG -> doorbell()
        fi;
        if
        :: over -> break
        :: !over ->
            assert(state == DONE);           /* after a doorbell the result is there */
            assert(result == n && served == n && closed == wanted_closes);
            closes = false;
            state = MINE
        fi
    :: !over -> break                        /* a kick between two calls */
    :: n < CALLS && !over ->                 /* a kick while a request is posted */
        n = n + 1;
        post();
        break
    od;

#if BUG != BUG_STOP_AT_ONCE
    take();
    stopping = true;
    give();
    wake();
    thread_gone;
#endif
    stopped = true;
    assert(!polled);
    assert(served == n || served == n - 1);
    assert(closed == wanted_closes || closed + 1 == wanted_closes);
    if
    :: !over && (state == POSTED || state == RUNG) -> /* the quit handler goes on by the doorbell */
        doorbell();
        assert(over || state == DONE)
    :: over || (state != POSTED && state != RUNG)
    fi
}
