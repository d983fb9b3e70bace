/* What a run is told, out of the head of an input (records.h): limits, rules, grants, streams. */
#ifndef TESTS_FUZZ_OPTIONS_H
#define TESTS_FUZZ_OPTIONS_H

#include "tests/fuzz/world.h"

enum head {
    HEAD_NET,     /* bits, enum head_net */
    HEAD_GUEST,   /* bits, enum head_guest */
    HEAD_STREAMS, /* three bits each: what world.c has for 0, 1 and 2; one more is in HEAD_PLACE */
    HEAD_PLACE,   /* bits, enum head_place */
    HEAD_LIMITS,  /* this and the next two: which limits, and how much */
    HEAD_GARBLE = 7,
    HEAD_MORE,      /* bits, enum head_more */
    HEAD_RULE,      /* one more rule */
    HEAD_FAULT,     /* which function of the host fails while all is opened; 0: none */
    HEAD_FAULT_HOW, /* by which errno, there and at the end */
    HEAD_FAULT_END, /* the same while all is closed */
    HEAD_LEFT,      /* what --tmp finds of runs before */
    HEAD_FILES,     /* files of options: certificates, trace, log */
    HEAD_ODD,       /* bits, enum head_odd */
};
enum head_net {
    WITH_NAMES = 1,
    WITH_ANY_NAME = 2,
    WITH_UNIX = 4,
    WITH_LIMITS = 8,
    WITH_TRACE = 16,
    WITH_RAW_TTY = 32,
    WITH_BATCH = 64,
    WITH_LISTEN = 128
};
enum head_guest {
    WITH_RACE = 1,
    WITH_GARBLE = 2,
    WITH_LOG = 4,
    WITH_OWN_NAMES = 8,
    WITH_NET_ALL = 16,
    WITH_CERTS = 32,
    WITHOUT_GRANTS = 64,
    WITH_DIAL = 128
};
enum head_place {
    IN_CONTAINER = 1,
    ETC_LAST = 2,
    WITH_DEV = 4,
    WITH_TMP = 8,
    DEV_READ_ONLY = 16,
    WITH_MOUNTS = 32, /* what is mounted below the first grant, too */
    WITH_OVERLAP = 64,
    WITH_PROC = 128
};
enum head_more {
    WITHOUT_NETWORK = 1, /* no rule at all */
    WITH_RULE = 2,
    WITH_PASSED = 4,
    WITHOUT_SERVER = 8, /* of names: the host's own */
    WITH_CWD = 16,
    FILES_KNOWN = 32,
    WITHOUT_STREAMS = 64, /* the process's own */
    WITH_KICK = 128
};

enum head_odd {
    ONE_TREE = 1, /* the grant `/` and no other */
    FEW_FILES = 2,
    LONG_TMP = 4,
    SLOW_END = 8,  /* --tmp is removed slowly, */
    KICK_END = 16, /* and a stop may come */
    WITHOUT_CWD = 32
};

/* Opens a run; false: it could not be, and may.  options_close is due all the same. */
bool options_open(struct wasi *, const uint8_t *head);
void options_close(struct wasi *, struct kick *, const uint8_t *head);
/* Once in a process, after world_begin. */
void options_begin(void);

#endif
