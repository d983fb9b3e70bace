/* The inside of net/: what its files share.
 *
 * An address is always 16 bytes: IPv4 is the IPv4-mapped IPv6 address, so that ::ffff:a.b.c.d and
 * a.b.c.d are one and the same to every rule.  What was checked is what the kernel gets: no address
 * is read twice, or guessed at later. */
#ifndef VMM_NET_INSIDE_H
#define VMM_NET_INSIDE_H

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "vmm/net/net.h"

/* ---- numbers of the socket extension ---- */
enum { FAMILY_UNSPEC, FAMILY_INET4, FAMILY_INET6, FAMILY_UNIX };
enum { SOCKTYPE_ANY, SOCKTYPE_DGRAM, SOCKTYPE_STREAM };
enum net_proto { NET_TCP, NET_UDP, NET_UNIX, NET_BOTH /* in a rule: TCP and UDP */ };

/* ---- net/addr.c: addresses and their spellings ---- */
struct ip { uint8_t b[16]; };
struct endpoint { struct ip ip; uint16_t port; };
struct prefix { struct ip ip; uint8_t bits; }; /* of the 16-byte form: an IPv4 /8 is /104 */
#define IPV4_BITS 96u
#define ENDPOINT_TEXT 64
bool ip_is_v4(const struct ip *);
struct ip ip_from_v4(const uint8_t b[4]);
bool ip_equal(const struct ip *, const struct ip *);
bool ip_is_any(const struct ip *); /* 0.0.0.0 or :: */
/* Strict: four decimal numbers without leading zeros, or IPv6 without zone or brackets. */
bool ip_parse(const char *text, struct ip *);
/* Looks like an address to somebody: digits, dots, 0x..., or a last label that is a number.  Never
 * a name to us. */
bool ip_looks_numeric(const char *text);
bool prefix_holds(const struct prefix *, const struct ip *);
bool prefix_is_v4(const struct prefix *);
/* a.b.c.d:port, [v6]:port */
const char *endpoint_text(const struct endpoint *, char out[ENDPOINT_TEXT]);
const char *ip_text(const struct ip *, char out[ENDPOINT_TEXT]);
/* false: no IP address */
bool endpoint_from_host(const struct sockaddr_storage *, struct endpoint *);
/* For a socket of `family`; false where an IPv6 address is meant for an IPv4 socket. */
bool endpoint_to_host(const struct endpoint *, uint8_t family, struct sockaddr_storage *,
                      socklen_t *);

/* ---- net/policy.c: who may talk to whom ---- */
enum net_use { USE_CONNECT, USE_LISTEN };
enum range_kind { RANGE_HOST /* loopback and this host: --net-all covers it */, RANGE_NEVER };
struct range { struct prefix prefix; enum range_kind kind; };

enum rule_what { RULE_CONNECT, RULE_LISTEN, RULE_DENY };
struct rule {
    enum rule_what what;
    enum net_proto proto;
    struct prefix prefix; /* where name is NULL */
    char *name;           /* small letters, without a last dot */
    uint16_t lo, hi;
    bool any_address;     /* no HOST: every address */
    const char *text;     /* as typed */
};

/* an address that a name in a rule has now */
struct answer { struct ip ip; char *name; uint64_t until_s; };
#define ANSWERS_MAX 1024

struct policy {
    struct rule *rules;
    uint32_t nrules;
    bool all;       /* --net-all */
    bool any_name;  /* --allow-dns=any */
    bool own_matters;  /* some verdict may depend on them: */
    /* this host's interfaces and their broadcast addresses; NULL = not read yet */
    struct range *own;
    uint32_t nown;
    uint64_t own_read_s;
    pthread_mutex_t lock; /* of own and answers, which two threads use */
    struct answer answers[ANSWERS_MAX];
    uint32_t nanswers, next_answer;
};

/* Takes the rules from the options; false on one that cannot be read: policy_free is due all the
 * same. */
bool policy_init(struct policy *, const struct settings *, struct failure *);
void policy_free(struct policy *);
/* With --net-all these name servers of the host's may be asked, whatever range they are in: a node
 * of a cluster has one at a link-local address.  Before any other thread looks. */
bool policy_servers_add(struct policy *, const struct endpoint *, unsigned n, struct failure *);
/* The word's rule, or NULL and why it is none. */
bool rule_parse(struct rule *, enum rule_what, const char *text, const char **why);
/* The protected range that holds the address, also inside an IPv6 address that carries an IPv4 one.
 */
bool range_find(struct policy *, const struct ip *, struct range *);
/* Whether a rule allows it.  *by: the rule that allowed or denied, NULL = --net-all, or no rule at
 * all. */
bool policy_check(struct policy *, enum net_use, enum net_proto, const struct endpoint *,
                  const struct rule **by);
/* The --deny without port that holds the address; for peers, whose port says nothing. */
const struct rule *policy_denies_peer(struct policy *, enum net_proto, const struct ip *);
/* How a rule is written that allows it. */
const char *policy_hint(enum net_use, enum net_proto, const struct endpoint *, char *out,
                        size_t cap);
enum name_verdict { NAME_IN_RULE, NAME_ANY, NAME_REFUSED };
enum name_verdict policy_name(const struct policy *, const char *name);
/* Whether an address may be told to the guest. */
bool policy_answer_ok(struct policy *, const struct ip *);
/* The address is what `name` means from now on, for `ttl_s` and a while; noted where a rule has the
 * name.  A name that is denied means it for the whole run.  False: there is no room for it. */
bool policy_answer_add(struct policy *, const char *name, const struct ip *, uint32_t ttl_s);
/* Reads this host's addresses again if they are old.  False: they could never be read, see errno.
 */
bool policy_own_refresh(struct policy *);

/* ---- one socket of the guest ---- */
struct conn {
    struct net *net;
    uint8_t family;        /* FAMILY_* */
    enum net_proto proto;
    bool made;             /* by sock_open: it may be bound, connected, made to listen */
    bool bound;            /* its local address went through the policy */
    bool listening;
    bool counted;          /* has a record of its own in the log */
    bool dns;              /* the other end is our resolver, not a network */
    struct endpoint peer;  /* as logged */
    const char *how;       /* connect, accept, dial, listen */
    uint64_t in, out, since_ns;
    int buffer_most;       /* what either buffer may be set to; 0 = what the kernel allows */
    int64_t timeout_ns[2]; /* SO_RCVTIMEO, SO_SNDTIMEO; 0 = none */
    char *path, *host_path; /* a unix socket's own name, as the guest and as the kernel has it */
    char *peer_path;        /* the name that it connected to */
    struct idle *idle;      /* the run has no network: net/idle.c's; NULL = it has one */
    /* net/batch.c's */
    struct batch_place *place; /* where the guest reads it without a call; NULL = nowhere */
    /* bytes that the guest may have left in the ring, or may still leave there */
    uint32_t credit;
    struct backlog *backlog;   /* net/backlog.c's */
    /* bytes read ahead that calls must hand out: nrest of them, from rest_at on */
    uint8_t *rest;
    uint32_t rest_at, nrest;
    int error;                 /* met while nobody asked; for the next call */
    bool whole, by_calls; /* it reads much at once; it reads by other calls */
    bool both;            /* the guest said that it is of both families (V6ONLY off) */
    /* no credit: its send buffer's size was set; it was shut down for writing */
    bool sized, shut;
};

struct net {
    struct kick *kick;       /* what ends waits */
    struct policy policy;
    bool idle;               /* no rule: sockets that the program opens are net/idle.c's */
    bool unix_ok;
    bool names;              /* the resolver is there */
    const char *cwd;         /* for relative paths of unix sockets */
    uint32_t sockets, max_sockets;
    uint64_t bytes, max_bytes;     /* bytes: atomic, as the resolver counts too; 0 = no limit */
    pthread_mutex_t rate_lock;     /* of what follows, for the same reason */
    uint64_t max_rate, rate_s, rate_used;
    /* of each socket's two buffers; 0 = the kernel's choice for BUFFERS_FREE */
    int buffer_bytes;
    struct sink log;         /* --net-log; fd -1 = none */
    uint64_t *lost;          /* records that nobody read; NULL = not counted */
    pthread_mutex_t log_lock;
    /* of refusals, on stderr and in the log */
    struct pace { uint64_t left, second, lost; } lines, records;
    bool told_sockets, told_bytes, told_rate;
    struct dns *dns;
    struct batch_host *batch; /* NULL = every read and write is a call */
};

/* ---- net/log.c: what is told of it ---- */
/* One line on stderr, if it is not one too many. */
void net_tell(struct net *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A refused use: the line on stderr and the record in the log.  Returns ACCES. */
uint32_t net_refuse(struct net *, const char *what, enum net_use, enum net_proto,
                    const struct endpoint *, const struct rule *by);
/* The record alone, where the guest has another way that is allowed. */
uint32_t net_refuse_unsaid(struct net *, const char *what, enum net_use, enum net_proto,
                           const struct endpoint *, const struct rule *by);
/* A record: event, protocol, addresses (NULL = none), verdict, the rule or reason ("" = none),
 * bytes where counted. */
struct net_record {
    const char *event, *verdict, *reason, *name;
    enum net_proto proto;
    const struct endpoint *local, *peer;
    bool counted;
    uint64_t in, out, ns;
    uint64_t left_out; /* records of refusals before it */
};
void net_record(struct net *, const struct net_record *);
void log_close(struct net *);
/* False: connections come too thick. */
bool net_rate_take(struct net *);
/* False: all bytes of --net-bytes are moved, which is told once; errno is NOBUFS. */
bool net_bytes_left(struct net *);
static inline void net_bytes_add(struct net *n, uint64_t bytes)
{
    __atomic_fetch_add(&n->bytes, bytes, __ATOMIC_RELAXED);
}

/* ---- net/conn.c ---- */
/* as inherited; as the policy watches it, with a conn of its own */
extern const struct desc_ops socket_ops, conn_ops;
static inline struct conn *conn_of(const struct desc *d) /* NULL: nobody watches it */
{
    return d->ops == &conn_ops ? d->own : NULL;
}
struct desc *net_socket(struct wasi *, uint64_t fd, uint32_t *err); /* BADF, NOTSOCK */
struct conn *conn_new(struct net *, uint8_t family, enum net_proto);
void conn_local(const struct desc *, struct endpoint *);
/* The record of its end, with what has passed since its beginning. */
void conn_ended(struct conn *, const struct endpoint *local);
/* The record of what the guest wanted and did not get, or tried in vain. */
void conn_wanted(const struct conn *, const char *event, const char *verdict, const char *reason,
                 const struct endpoint *peer, const char *path);
/* Sockets up to this number have the buffers that the kernel gives them and lets grow; those beyond
 * have a fixed size, as all have with --socket-buffer. */
enum { BUFFERS_FREE = 64, BUFFER_BYTES = 64 << 10 };
void conn_buffers(struct conn *, int host);
bool net_sockets_left(struct net *); /* false: --max-sockets, which is told once */
/* recvmsg or sendmsg with MSG_DONTWAIT and what the policy has to say; errno is the answer. */
ssize_t net_receive(const struct desc *, struct msghdr *, int flags);
ssize_t net_send(const struct desc *, const struct msghdr *);
/* After EAGAIN: AGAIN for a non-blocking socket, or past its timeout, else waits; SUCCESS = try
 * again. */
uint32_t net_wait(struct wasi *, const struct desc *, short events);
/* What the policy says to a new connection of a listener: ACCES and the socket closed, or its conn.
 */
uint32_t net_accepted(const struct desc *listener, int host, struct conn **);
void conn_started(struct desc *, const char *how, const struct endpoint *peer,
                  const struct rule *by);
/* A descriptor of the guest for host's socket.  On failure the socket is closed and conn freed. */
uint32_t net_place(struct wasi *, int host, struct conn *, bool dgram, uint16_t fdflags,
                   uint32_t *fd);

/* ---- net/backlog.c: bytes that are written for the guest and that the kernel does not take yet
 * ---- */
/* an empty send buffer takes it, if its size is the kernel's own choice */
#define BATCH_CREDIT 8192u
#define BACKLOGS_MOST 256u /* BATCH_PLACES that exist when one is promised, and as many promises */
struct backlogs {
    pthread_mutex_t lock;
    struct backlog *first;
    uint32_t n, lingering;
    struct pollfd hosts[BACKLOGS_MOST]; /* the thread's */
};
void backlogs_open(struct backlogs *);
/* The end of a run: what the kernel cannot be made to take within a second is lost, and the peer is
 * told. */
void backlogs_end(struct backlogs *);
uint32_t backlogs_count(const struct backlogs *);
/* The thread's sleep: sends what it can. */
void backlogs_wait(struct backlogs *, uint64_t most_ns);
/* What follows under the calls' lock.  At most BATCH_CREDIT bytes in one backlog; false: no memory.
 */
bool backlog_add(struct backlogs *, struct conn *, int host, const uint8_t *, uint32_t n);
/* Sends what it can; whether nothing is left.  conn->error may be set. */
bool backlog_settle(struct backlogs *, struct conn *);
void backlog_close(struct backlogs *, struct conn *); /* before the host's socket is closed */
/* Shuts it down behind the last byte; false: nothing is left, do it at once. */
bool backlog_shut(struct backlogs *, struct conn *);
bool backlog_is_shut(struct backlogs *, const struct conn *);

/* ---- net/idle.c: sockets without a network ---- */
enum { IDLE_OPTIONS = 15 };
int idle_host(const struct kick *); /* what is polled in place of a socket; -1: errno */
struct idle *idle_new(enum net_proto);
/* Of the kernel's level and name; linger has two numbers. */
uint32_t idle_option_get(struct conn *, int level, int name, int32_t value[2]);
uint32_t idle_option_set(struct conn *, int level, int name, int32_t value);
uint32_t idle_shutdown(struct conn *, bool reading);
ssize_t idle_receive(const struct conn *); /* -1, and errno is the answer */
ssize_t idle_send(const struct conn *);    /* the same */
void idle_address(const struct conn *, struct endpoint *); /* the one that it is not bound to */

/* ---- net/calls.c ---- */
extern wasi_handler *const net_handlers[];

/* ---- net/etc.c ---- */
void etc_close(struct wasi *);

/* ---- net/batch.c: reads and writes without calls ---- */
void batch_flush(struct wasi *); /* before a call is served: sends what the guest left */
void batch_fill(struct wasi *, uint32_t fd, const struct desc *); /* a poll found it readable */
/* Something was read ahead for it, or an error met: it is readable, whatever the kernel says. */
bool batch_pending(const struct conn *);
/* Takes back what was read ahead, for calls to hand out; a place that held anything is given up. */
void batch_recall(struct conn *);
/* A call has read from it: so much of what was asked for. */
void batch_was_read(const struct desc *, size_t got, size_t asked);
void batch_leave(struct conn *); /* gives it up with all that is in it */
void batch_was_sent(struct conn *); /* a call has sent on it: the buffer may be full */
/* Before a call on it: sends what was left behind and learns of its errors.  False: not all is
 * sent, and errno is why no more can be: EAGAIN, or EPIPE behind a shutdown. */
bool batch_settle(struct conn *);
/* sends what was left behind, shuts it down then; false: nothing was */
bool batch_shut(struct conn *);
void batch_close(struct conn *); /* it ends, once it is sent */
/* Hands out what was taken back. */
ssize_t batch_take(struct conn *, struct msghdr *, bool peek);

/* ---- net/guest.c: addresses as they lie in guest memory ---- */
struct guest_addr {
    uint8_t family;
    struct endpoint at;
    char path[126]; /* FAMILY_UNIX */
};
uint32_t guest_addr_read(struct wasi *, uint64_t at, uint64_t port, struct guest_addr *);
/* Where an address goes; checked before the call acts. */
struct guest_addr_out { uint32_t buf, len; uint64_t port, type; };
uint32_t guest_addr_prepare(struct wasi *, uint64_t at, uint64_t port, uint64_t type, bool older,
                            struct guest_addr_out *);
uint32_t guest_addr_write(struct wasi *, const struct guest_addr_out *, const struct guest_addr *);

/* ---- net/unix.c ---- */
uint32_t unix_bind(struct wasi *, struct desc *, const char *path);
/* The kernel's name for the socket at a guest's path.  *hold is a descriptor that the name needs,
 * to be closed then. */
uint32_t unix_target(struct wasi *, const char *path, struct sockaddr_storage *, socklen_t *,
                     int *hold);
/* What the guest calls a socket's address from the kernel. */
void unix_name(struct wasi *, const struct sockaddr_storage *, socklen_t, struct guest_addr *);

/* ---- net/message.c: DNS messages, from anybody ---- */
#define DNS_NAME_MAX 254
#define DNS_MESSAGE_MAX 1232
enum { DNS_A = 1, DNS_AAAA = 28 };
enum { RCODE_OK, RCODE_FORMAT, RCODE_SERVFAIL, RCODE_NXDOMAIN, RCODE_NOTIMP, RCODE_REFUSED };
struct dns_question {
    uint16_t id, type, class, flags;
    char name[DNS_NAME_MAX];
    uint16_t end; /* offset behind it */
};
struct dns_address { struct ip ip; uint32_t ttl_s; };
/* The one question of a query (or of its answer). */
bool dns_question_parse(const uint8_t *message, size_t len, struct dns_question *);
/* The addresses of type `type` in an answer; -1 = not well formed. */
int dns_addresses_parse(const uint8_t *message, size_t len, uint16_t type, struct dns_address *,
                        int max, uint8_t *rcode);
/* An answer to `query`, whose question was parsed. */
size_t dns_answer_build(uint8_t *out, size_t cap, const uint8_t *query, const struct dns_question *,
                        uint8_t rcode, const struct dns_address *, int n);
size_t dns_query_build(uint8_t out[DNS_MESSAGE_MAX], uint16_t id, const char *name, uint16_t type);

/* ---- net/dns.c: the resolver, a thread of its own ---- */
extern const struct endpoint dns_endpoint; /* where the guest believes it to be */
bool dns_server_parse(const char *text, struct endpoint *, struct failure *); /* --dns-server */
/* Sets dns; dns_stop is due also where it fails. */
bool dns_start(struct net *, const struct settings *, struct failure *);
void dns_stop(struct dns *);
void dns_rest(struct dns *); /* ends its thread, which the next lookup starts again */
/* A connection to it: the guest's end, or -1.  `trusted`: for names of --deny; nothing is refused
 * or recorded. `stream`: as by TCP, each message behind its length. */
int dns_connect(struct dns *, bool trusted, bool stream);
/* The addresses of a name, by way of the resolver; waits in kick_ppoll.  -1: *rcode, or errno where
 * it is 0. */
int dns_lookup(struct dns *, const char *name, uint16_t type, bool trusted, struct dns_address *,
               int max, uint8_t *rcode);

/* ---- net/preopen.c ---- */
bool net_preopen(struct wasi *, const struct settings *, struct failure *);

#endif
