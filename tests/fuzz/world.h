/* What stands round the calls of the fuzzer (calls.c): a private place with directories, and the
 * host's side of sockets, pipes and names. */
#ifndef TESTS_FUZZ_WORLD_H
#define TESTS_FUZZ_WORLD_H

#include <stdbool.h>

#include "tests/fuzz/records.h"
#include "vmm/net/inside.h"
#include "vmm/wasi/inside.h"

/* Once in a process: namespaces of its own where they can be had, else a directory and ports of the
 * host's loopback. */
void world_begin(void);

enum { TCP_PORT = 7001, UDP_PORT = 7002, DNS_PORT_HERE = 7003, GUEST_PORT = 7004 };
struct ports { uint16_t tcp, udp, dns, guest; };

extern struct world {
    char place[64];            /* holds all that follows */
    char rw[96], ro[96], out[96]; /* granted for writing, for reading, not at all */
    char tmp[96];              /* folders of --tmp */
    char inside[96];           /* a directory in rw */
    const char *outputs[8];    /* files for options, some of which cannot be had */
    bool dev;                  /* /dev is one of our own, with few devices */
    struct ports ports;
    int listener, datagrams, dns, dns_stream; /* the host's sockets; they stay */
    int stranger;              /* one that no rule allows */
    int passed[2];             /* sockets of --listen-fds */
    int asking;                /* a connection of the resolver's whose question is due; -1 = none */
    int stdio[3];              /* what the guest has as 0, 1 and 2 */
    int far[3];                /* the other ends of those; -1 = there is none */
    int peers[8];              /* connections that the host has; -1 = none */
    unsigned next_peer;
    int words;                 /* where those of findings go */
    bool kicked;               /* a stop is wanted, for one call */
    unsigned looks;            /* at stops, until one is wanted; 0 = none is due */
    unsigned waits;            /* in this call */
    unsigned answers;          /* of addresses for names, where no two are to be the same */
    struct bytes answer;       /* what answers to names are made of */
} world;

/* For one input: fresh directories and streams, which are the process's own where that is wanted;
 * descriptors are as before after world_end. */
void world_make(unsigned streams, bool own);
void world_end(void);
/* Nothing outside of the grants has changed, and nothing in what is read-only; else this ends the
 * process. */
void world_check(void);
/* Something that the host does, by a record. */
void world_act(struct wasi *, struct bytes *);
/* What the host does while the guest waits. */
void world_turn(void);
/* Ends the process with these words. */
_Noreturn void finding(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define SECRET "a secret of the host that no guest may see"

#endif
