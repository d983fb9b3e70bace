/* Turns: how two processes of one run call each other over a page that both map, without a system
 * call where both have a CPU.  One is the monitor (cli/plugin_apart.c), the other one holds a
 * plug-in's library (plugin/host.c).
 *
 *     monitor:  CALL 1 ............ CALL 2 (nested) ......... ANSWER 3 ..........
 *     library:         EXPORT 1 ...                RESULT 2 ..         RESULT 3
 *
 * Each side owns a half: it alone writes there, and the other one reads it.  They strictly
 * alternate, the monitor begins.  A turn is given by writing the message, then `given` with the
 * next number, from 1 on; a library's turn has the number of the turn that it follows.  The store
 * of `given` releases the message, and the load that sees the number acquires it.
 *
 * Who waits looks for a while, then writes `asleep` in its own half, looks once more, and sleeps.
 * Who gives a turn looks at the other one's `asleep` afterwards, and wakes it.  Both orders are
 * sequentially consistent, so that one of the two sees the other.  The library sleeps by a futex
 * on the monitor's `given`; the monitor waits for a byte on a socket, as a stop and the end of the
 * process have to end that wait too.
 *
 * Neither side believes the other.  Each remembers its own numbers elsewhere, reads every value
 * once, and checks what it has read.  The file is sealed, so that nobody can take the page away. */
#ifndef VMM_BASE_TURNS_H
#define VMM_BASE_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TURN_VALUES 64u
#define TURN_TEXT 256u

enum turn_kind {
    /* by the monitor */
    TURN_CALL = 1, /* number: the function; size; values: its arguments, a cell each */
    TURN_ANSWER,   /* to EXPORT: number: what call_export returns; size; value 0: the result */
    TURN_END,      /* the run is over: fini is due */
    /* by the library's process */
    TURN_RESULT, /* answers the innermost CALL, or END: value 0 */
    TURN_TRAP,   /* answers that CALL: text, or "" */
    TURN_EXPORT, /* text: its name; number: of arguments; values */
};

/* The first five values are in the cache line of `given`: few calls need a second one. */
struct turn {
    _Alignas(128) uint32_t given; /* atomic */
    uint32_t asleep;              /* atomic: 0 or 1 */
    uint32_t kind, number;
    uint64_t size;                /* bytes of linear memory */
    uint64_t values[TURN_VALUES];
    char text[TURN_TEXT];
};

struct turns {
    struct turn monitor, library;
    _Alignas(128) uint32_t stop; /* atomic, the monitor's: 1 once the run should end */
};
#define TURNS_BYTES 4096
_Static_assert(sizeof(struct turns) <= TURNS_BYTES, "one page");

/* The descriptors of a library's process, as it is started. */
enum { TURNS_SOCKET = 3, TURNS_PAGE, TURNS_MEMORY };

/* Of a value in the other one's half: read once. */
#define turn_read(at) __atomic_load_n(&(at), __ATOMIC_RELAXED)

/* For how long to look before sleeping.  It is 0 with less than three CPUs, as guest and monitor
 * have two.  After some vain looks there are none for a while: the CPUs are others', or calls are
 * rare. */
struct turn_patience { uint64_t ns; unsigned vain, rest; };
struct turn_patience turn_patience(uint64_t ns);

static inline bool turn_came(const struct turn *other, uint32_t number)
{
    return __atomic_load_n(&other->given, __ATOMIC_ACQUIRE) == number;
}
bool turn_look(const struct turn *other, uint32_t number, struct turn_patience *);
/* The message is written.  true: the other one sleeps. */
bool turn_give(struct turn *own, const struct turn *other, uint32_t number);
/* From here on a turn that is given wakes us, until turn_awake; false: it came already. */
bool turn_asleep(struct turn *own, const struct turn *other, uint32_t number);
void turn_awake(struct turn *own);

#endif
