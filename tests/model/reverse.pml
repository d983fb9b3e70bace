/* The slot in reverse, as vmm/run/service.c, vmm/run/ask.c and guest/host.c do it, in every interleaving: a caller's thread asks
 * the guest for exports, which may make a plain call, or call a host function that asks for an export in its turn.
 *
 * Two processes: the vCPU's thread, which runs the guest and, at a doorbell, the monitor; and the caller, who is the
 * server.  `lock` is the mutex, wait() the condition variable `changed`.  The guest may ring at any moment while it waits:
 * that is its bounded wait, a server that sleeps, and a preempted one, all at once.
 *
 * Shown: every wish is done once, in order, and its answer goes to who asked; every plain call and host function is
 * served once; nothing is served after the stop; no run hangs, wherever either side goes to sleep.
 *
 * Each BUG is one line of the code left out or turned round.  The model must find all of them: tests/model/run.sh. */
#ifndef CALLS
#define CALLS 2
#endif
#ifndef BUG
#define BUG 0
#endif
#define BUG_ANSWER_NO_WAKE  1 /* who answers does not wake the vCPU's thread */
#define BUG_RING_NO_WAKE    2 /* who rings does not wake the server */
#define BUG_STOP_NO_WAKE    3
#define BUG_DONE_FIRST      4 /* the slot is given back before the wish is in it */
#define BUG_SLEEP_UNLOCKED  5 /* the server opens the lock between its last look and its sleep */
#define BUG_REPLY_SERVED    6 /* a doorbell serves a reply itself */

mtype = { MINE, POSTED, BUSY, DONE };                 /* the slot */
mtype = { NEXT, RETURNED, PLAIN, HOST };              /* requests */
mtype = { RESULT, CALL };                             /* answers */

mtype state = MINE, kind = NEXT, what = RESULT;
byte word;                  /* the slot's one value, both ways */
bool lock, open, rung, stopping, over;
bool vcpu_waits, server_waits;
byte wishes, done, plains, plains_served, hosts, hosts_served;

#define take() atomic { !lock -> lock = true }
#define give() lock = false
#define wait(me) atomic { lock = false; me = true }; atomic { !me && !lock -> lock = true }
#define wake() atomic { vcpu_waits = false; server_waits = false }

inline answer()
{
    open = false;
    state = DONE;
    if
    :: rung ->
        rung = false;
#if BUG != BUG_ANSWER_NO_WAKE
        wake()
#endif
    :: !rung
    fi
}

/* ---- the server ---- */

#define NOT_FOUND 0
#define WAS_PLAIN 1
#define WAS_HOST  2
#define WAS_KEPT  3

/* With the lock held; a host function's request is left open. */
inline serve_found(how)
{
    if
    :: stopping || open || (!rung && state != POSTED) || state == DONE -> how = NOT_FOUND
    :: else ->
        assert(!over);
        state = BUSY;
        if
        :: kind == PLAIN -> plains_served = plains_served + 1; answer(); how = WAS_PLAIN
        :: kind == HOST -> hosts_served = hosts_served + 1; open = true; how = WAS_HOST
        :: else ->
            open = true;
            how = WAS_KEPT
        fi
    fi
}

/* Polls, or sleeps until somebody rings. */
inline rest()
{
    if
    :: give(); take()
    :: true ->
#if BUG == BUG_SLEEP_UNLOCKED
        give();
        take();
        wait(server_waits)
#else
        do
        :: !rung && !stopping -> wait(server_waits)
        :: rung || stopping -> break
        od
#endif
    fi
}

inline wish()
{
#if BUG == BUG_DONE_FIRST
    answer();
    what = CALL;
    word = 100 + wishes;
    wishes = wishes + 1
#else
    what = CALL;
    word = 100 + wishes;
    wishes = wishes + 1;
    answer()
#endif
}

/* A host function: it may ask the guest. The lock is open on entry and held at the end. */
inline host_function()
{
    if
    :: true ->
        take();
        wish();
        inner = wishes;
        do
        :: serve_found(how2);
            assert(how2 != WAS_HOST);
            if
            :: how2 == WAS_KEPT -> break
            :: else -> rest()
            fi
        od;
        assert(kind == RETURNED && word == 200 + inner);
        what = RESULT;
        word = 50;
        answer()
    :: true ->
        take();
        what = RESULT;
        word = 50;
        answer()
    fi
}

active proctype server()
{
    byte how, how2, i, inner, mine;
    take();
    do /* service_await */
    :: serve_found(how);
        if
        :: how == WAS_KEPT -> break
        :: else -> rest()
        fi
    od;
    assert(kind == NEXT);
    give();
    do
    :: i < CALLS ->
        i++;
        take();
        wish();
        mine = wishes;
        do
        :: serve_found(how);
            if
            :: how == WAS_KEPT -> break
            :: how == WAS_HOST -> give(); host_function()
            :: else -> rest()
            fi
        od;
        assert(kind == RETURNED && word == 200 + mine);
        give()
    :: i == CALLS -> break
    od;
    take(); /* service_stop */
    stopping = true;
#if BUG != BUG_STOP_NO_WAKE
    wake();
#endif
    over = true;
    give();
    assert(done == wishes && plains == plains_served && hosts == hosts_served)
}

/* ---- the guest and its thread ---- */

inline doorbell()
{
    take();
    handed = open;
    if
    :: !open && state != DONE && !stopping ->
        state = BUSY;
        if
        :: kind == PLAIN -> plains_served = plains_served + 1; answer()
#if BUG == BUG_REPLY_SERVED
        :: kind != PLAIN -> answer()
#else
        :: kind != PLAIN -> handed = true
#endif
        fi
    :: else
    fi;
    if
    :: handed ->
        rung = true;
#if BUG != BUG_RING_NO_WAKE
        wake();
#endif
        do
        :: rung && !stopping -> wait(vcpu_waits)
        :: !rung || stopping -> break
        od;
        rung = false
    :: !handed
    fi;
    give()
}

inline call(number, value)
{
    kind = number;
    word = value;
    state = POSTED;
    do
    :: state == DONE -> break
    :: state != DONE && !stopping -> doorbell()
    :: stopping -> goto end_vcpu
    od;
    state = MINE
}

inline plain_perhaps()
{
    if
    :: plains < CALLS -> plains = plains + 1; call(PLAIN, 0)
    :: true
    fi
}

active proctype vcpu()
{
    bool handed;
    byte value, outer;
    call(NEXT, 0);
    do
    :: true ->
        assert(what == CALL && word == 100 + done);
        done = done + 1;
        value = 200 + done;
        plain_perhaps();
        if
        :: hosts < CALLS ->
            hosts = hosts + 1;
            outer = value;
            call(HOST, 0);
            if
            :: what == CALL ->
                assert(word == 100 + done);
                done = done + 1;
                value = 200 + done;
                plain_perhaps();
                call(RETURNED, value)
            :: what == RESULT
            fi;
            assert(what == RESULT && word == 50);
            value = outer
        :: true
        fi;
        call(RETURNED, value)
    od;
end_vcpu:
    skip
}
