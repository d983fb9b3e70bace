/* The resolver that the guest sees at 192.0.2.53: a thread of the monitor behind a socket pair.
 *
 * Names that no rule has are refused (but with --allow-dns=any).  Others are asked of the host's
 * servers, from /etc/resolv.conf or --dns-server, and of its /etc/hosts; of an answer only the
 * addresses are passed on, without the protected ones, and what is passed on is what a rule with
 * that name allows from then on.  An answer that did not fit into a datagram is asked for again by
 * TCP, on both sides.  The thread takes no signals and touches nothing of the guest: it has its
 * pairs, its queries and the policy.
 *
 * It is past 700 lines: one protocol, whose parts call each other. */
#include "vmm/net/inside.h"

#include <ctype.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define SERVERS_MAX 3
#define CLIENTS_MAX 64
#define QUERIES_MAX 32
#define ADDRESSES_MAX 128
#define HOSTS_MAX 1024
#define TRY_NS 2000000000u
#define TRIES 4
#define LOOKUP_NS 10000000000
#define PLAIN_MESSAGE 512  /* what fits without extensions */
#define MESSAGE_CAP 4096
#define FRAME_CAP 65535    /* a message of TCP, behind two bytes of length */
#define TRUNCATED 0x0200   /* of a message's flags */
#define HOSTS_TTL_S 60
#define DNS_PORT 53

const struct endpoint dns_endpoint = {
    { { [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 53 } }, DNS_PORT,
};

/* A message that arrives in pieces, with its length before it. */
struct frame { uint8_t *bytes; size_t n; };
struct client { int fd; bool trusted, stream; uint32_t serial; struct frame in; };
struct query {
    int fd; /* to the server; -1 = free */
    uint32_t client, serial;
    struct dns_question question;
    uint8_t message[MESSAGE_CAP]; /* the guest's */
    bool raw; /* neither A nor AAAA: the answer is passed on as it is */
    bool counted; /* the program's: what goes over the network for it is of --net-bytes */
    bool tcp, said; /* asked by TCP; the question is out */
    struct frame in;
    uint16_t id;
    unsigned tries;
    uint64_t deadline_ns;
};
struct host { struct ip ip; char name[DNS_NAME_MAX]; };

struct dns {
    struct net *net;
    struct outlet *outlet;
    pthread_mutex_t begin; /* of the thread's beginning, which is the first lookup's */
    pthread_t thread;
    bool running;
    int door[2]; /* new clients come through it; a closed one ends the thread; -1 = there is none */
    struct endpoint servers[SERVERS_MAX];
    unsigned nservers;
    struct host *hosts;
    uint32_t nhosts, serial;
    /* the name last refused: A and AAAA are asked apart, and need one line */
    char told[DNS_NAME_MAX];
    struct client clients[CLIENTS_MAX];
    struct query queries[QUERIES_MAX];
};

/* ---- what the host knows ---- */

static void server_add(struct dns *d, const struct endpoint *e)
{
    if (d->nservers < SERVERS_MAX)
        d->servers[d->nservers++] = *e;
}

bool dns_server_parse(const char *text, struct endpoint *out, struct failure *why)
{
    struct rule r;
    const char *wrong;
    *out = (struct endpoint){ .port = DNS_PORT };
    if (ip_parse(text, &out->ip))
        return true;
    bool good = rule_parse(&r, RULE_CONNECT, text, &wrong) && !r.name && r.lo == r.hi &&
                r.prefix.bits == 128;
    free(r.name);
    if (!good)
        return failure_set(
            why, "--dns-server %s: not ADDR[:PORT] (IPv6 with a port stands in brackets)", text);
    *out = (struct endpoint){ r.prefix.ip, r.lo };
    return true;
}

/* The next word of a configuration file's line, NUL-terminated in place; NULL at its end or at a
 * comment. */
static char *word(char **at)
{
    char *w = *at + strspn(*at, " \t\r\n");
    if (!*w || *w == '#' || *w == ';')
        return NULL;
    size_t n = strcspn(w, " \t\r\n");
    *at = w + n + (w[n] != 0);
    w[n] = 0;
    return w;
}

static void servers_read(struct dns *d)
{
    char line[512];
    struct endpoint e = { .port = DNS_PORT };
    FILE *f = fopen("/etc/resolv.conf", "re");
    while (f && fgets(line, sizeof line, f)) {
        char *at = line, *key = word(&at), *value = key ? word(&at) : NULL;
        /* others have a zone, perhaps */
        if (value && strcmp(key, "nameserver") == 0 && ip_parse(value, &e.ip))
            server_add(d, &e);
    }
    if (f)
        fclose(f);
    if (d->nservers == 0 && ip_parse("127.0.0.1", &e.ip))
        server_add(d, &e);
}

static void hosts_add(struct dns *d, const struct ip *ip, const char *name)
{
    if (d->nhosts == HOSTS_MAX || strlen(name) >= DNS_NAME_MAX)
        return;
    struct host *h = &d->hosts[d->nhosts++];
    h->ip = *ip;
    for (size_t i = 0; i <= strlen(name); i++)
        h->name[i] = (char)tolower((unsigned char)name[i]);
}

static void hosts_read(struct dns *d)
{
    char line[1024];
    static const uint8_t loopback[4] = { 127, 0, 0, 1 };
    struct ip ip = ip_from_v4(loopback);
    hosts_add(d, &ip, "localhost");
    hosts_add(d, &(struct ip){ { [15] = 1 } }, "localhost");
    FILE *f = fopen("/etc/hosts", "re");
    while (f && fgets(line, sizeof line, f)) {
        char *at = line, *address = word(&at);
        if (!address || !ip_parse(address, &ip))
            continue;
        for (char *name; (name = word(&at)) != NULL;)
            if (strcmp(name, "localhost") != 0)
                hosts_add(d, &ip, name);
    }
    if (f)
        fclose(f);
}

/* ---- answers ---- */

/* A message to the guest; one that it does not take is lost, as on a network. */
static void client_send(const struct client *c, const uint8_t *message, size_t len)
{
    uint8_t before[2] = { (uint8_t)(len >> 8), (uint8_t)len };
    struct iovec v[2] = { { before, sizeof before }, { (void *)message, len } };
    struct msghdr m = { .msg_iov = c->stream ? v : v + 1, .msg_iovlen = c->stream ? 2 : 1 };
    if (len <= FRAME_CAP)
        sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Reads what there is of a message: its length once it is whole, 0 = not yet, -1 = it will never
 * be. */
static ssize_t frame_read(struct frame *f, int fd)
{
    if (!f->bytes && !(f->bytes = malloc(2 + FRAME_CAP)))
        return -1;
    for (;;) {
        size_t want = f->n < 2 ? 2 : 2 + ((size_t)f->bytes[0] << 8 | f->bytes[1]);
        if (f->n == want && f->n > 2)
            return (ssize_t)want - 2;
        if (f->n == want && want == 2 && f->bytes[0] == 0 && f->bytes[1] == 0)
            return -1;
        ssize_t n = recv(fd, f->bytes + f->n, want - f->n, MSG_DONTWAIT);
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? 0 : -1;
        f->n += (size_t)n;
    }
}

static void frame_free(struct frame *f)
{
    free(f->bytes);
    *f = (struct frame){ .bytes = NULL };
}

static void client_end(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    frame_free(&c->in);
}

static void answer(struct dns *d, const struct client *c, const uint8_t *query,
                   const struct dns_question *q, uint8_t rcode, const struct dns_address *from,
                   int n)
{
    uint8_t out[MESSAGE_CAP];
    (void)d;
    size_t len = dns_answer_build(out, c->stream ? sizeof out : PLAIN_MESSAGE, query, q, rcode,
                                  from, n);
    if (len)
        client_send(c, out, len);
}

/* Keeps the addresses that the guest may have, and notes them for the rules. */
static int addresses_filter(struct dns *d, const char *name, struct dns_address *a, int n)
{
    struct policy *p = &d->net->policy;
    char text[ENDPOINT_TEXT];
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (!policy_answer_ok(p, &a[i].ip)) {
            bool v4 = ip_is_v4(&a[i].ip);
            ip_text(&a[i].ip, text);
            net_tell(d->net,
                     "%s is %s, a protected or private address: not given to the program "
                     "(--allow-connect %s%s%s allows it)",
                     name, text, v4 ? "" : "[", text, v4 ? "" : "]");
            net_record(d->net, &(struct net_record){
                .event = "answer", .proto = NET_UDP, .name = name, .verdict = "refused",
                .peer = &(struct endpoint){ a[i].ip, 0 },
            });
            continue;
        }
        policy_answer_add(p, name, &a[i].ip, a[i].ttl_s);
        a[kept++] = a[i];
    }
    return kept;
}

static void answer_addresses(struct dns *d, const struct client *c, const uint8_t *query,
                             const struct dns_question *q, uint8_t rcode, struct dns_address *a,
                             int n)
{
    if (!c->trusted)
        n = addresses_filter(d, q->name, a, n);
    answer(d, c, query, q, rcode, a, n);
}

/* From the host's own table; false: the name does not stand there. */
static bool answer_from_hosts(struct dns *d, const struct client *c, const uint8_t *query,
                              const struct dns_question *q)
{
    struct dns_address a[ADDRESSES_MAX];
    int n = 0;
    bool found = false;
    for (uint32_t i = 0; i < d->nhosts; i++) {
        const struct host *h = &d->hosts[i];
        if (strcmp(h->name, q->name) != 0)
            continue;
        found = true;
        if (ip_is_v4(&h->ip) == (q->type == DNS_A) && q->type != 0 && n < ADDRESSES_MAX)
            a[n++] = (struct dns_address){ h->ip, HOSTS_TTL_S };
    }
    if (found)
        answer_addresses(d, c, query, q, RCODE_OK, a,
                         q->type == DNS_A || q->type == DNS_AAAA ? n : 0);
    return found;
}

/* ---- queries to the host's servers ---- */

static void query_end(struct query *q)
{
    if (q->fd >= 0)
        close(q->fd);
    q->fd = -1;
    q->tcp = q->said = false;
    frame_free(&q->in);
}

static struct client *query_client(struct dns *d, const struct query *q)
{
    struct client *c = &d->clients[q->client];
    return c->fd >= 0 && c->serial == q->serial ? c : NULL;
}

static void query_fail(struct dns *d, struct query *q)
{
    struct client *c = query_client(d, q);
    if (c)
        answer(d, c, q->message, &q->question, RCODE_SERVFAIL, NULL, 0);
    query_end(q);
}

/* A socket on its way to the server of try `n`. */
static bool query_socket(struct dns *d, struct query *q, unsigned n, int type)
{
    struct sockaddr_storage host;
    socklen_t host_len;
    const struct endpoint *server = &d->servers[n % d->nservers];
    uint8_t family = ip_is_v4(&server->ip) ? FAMILY_INET4 : FAMILY_INET6;
    q->deadline_ns = clock_now_ns() + TRY_NS;
    q->fd = socket(family == FAMILY_INET4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK,
                   0);
    if (q->fd < 0)
        return false;
    endpoint_to_host(server, family, &host, &host_len);
    return connect(q->fd, (struct sockaddr *)&host, host_len) == 0 || errno == EINPROGRESS;
}

static void query_count(const struct dns *d, const struct query *q, ssize_t bytes)
{
    if (q->counted && bytes > 0)
        net_bytes_add(d->net, (uint64_t)bytes);
}

/* Each try has a socket of its own: a port of the kernel's choice, and answers from that server
 * only. */
static void query_try(struct dns *d, struct query *q)
{
    uint8_t message[DNS_MESSAGE_MAX];
    query_end(q);
    if (q->tries++ == TRIES || getrandom(&q->id, sizeof q->id, 0) != sizeof q->id) {
        query_fail(d, q);
        return;
    }
    bool there = query_socket(d, q, q->tries - 1, SOCK_DGRAM);
    if (q->fd < 0) {
        query_fail(d, q);
        return;
    }
    size_t len = dns_query_build(message, q->id, q->question.name, q->question.type);
    /* A server that cannot be reached fails by its deadline, like one that is silent. */
    ssize_t sent = there && len ? send(q->fd, message, len, MSG_NOSIGNAL) : 0;
    query_count(d, q, sent);
    if (sent < 0)
        q->deadline_ns = clock_now_ns();
}

/* The same question to the same server, for all of its answer. */
static void query_by_tcp(struct dns *d, struct query *q)
{
    query_end(q);
    q->tcp = true;
    if (!query_socket(d, q, q->tries - 1, SOCK_STREAM))
        query_try(d, q);
}

/* The connection stands, or has failed. */
static bool query_say(const struct dns *d, struct query *q)
{
    uint8_t frame[2 + DNS_MESSAGE_MAX];
    size_t len = dns_query_build(frame + 2, q->id, q->question.name, q->question.type);
    frame[0] = (uint8_t)(len >> 8);
    frame[1] = (uint8_t)len;
    q->said = true;
    ssize_t sent = send(q->fd, frame, len + 2, MSG_DONTWAIT | MSG_NOSIGNAL);
    query_count(d, q, sent);
    return sent == (ssize_t)len + 2;
}

static void query_start(struct dns *d, uint32_t client, const uint8_t *message, size_t len,
                        const struct dns_question *q)
{
    struct query *free_one = NULL;
    for (int i = 0; i < QUERIES_MAX && !free_one; i++)
        if (d->queries[i].fd < 0)
            free_one = &d->queries[i];
    if (!free_one) {
        answer(d, &d->clients[client], message, q, RCODE_SERVFAIL, NULL, 0);
        return;
    }
    *free_one = (struct query){ .fd = -1,
                                .client = client,
                                .serial = d->clients[client].serial,
                                .question = *q,
                                .raw = q->type != DNS_A && q->type != DNS_AAAA,
                                .counted = !d->clients[client].trusted };
    memcpy(free_one->message, message, len);
    query_try(d, free_one);
}

/* The server's answer to exactly our question, or nothing. */
static void query_answered(struct dns *d, struct query *q, uint8_t *message, size_t len)
{
    uint8_t rcode;
    struct dns_question echo;
    struct dns_address a[ADDRESSES_MAX];
    if (!dns_question_parse(message, len, &echo) || echo.id != q->id ||
        echo.type != q->question.type || echo.class != q->question.class ||
        !(echo.flags & 0x8000) || strcmp(echo.name, q->question.name) != 0)
        return;
    struct client *c = query_client(d, q);
    if (c && (echo.flags & TRUNCATED) && !q->tcp && (!q->raw || c->stream)) {
        query_by_tcp(d, q); /* else the guest asks by TCP itself */
        return;
    }
    if (c && q->raw) {
        memcpy(message, q->message, 2);
        client_send(c, message, len);
    } else if (c) {
        int n = dns_addresses_parse(message, len, echo.type, a, ADDRESSES_MAX, &rcode);
        if ((n < 0 || rcode == RCODE_SERVFAIL || rcode == RCODE_REFUSED) && q->tries < TRIES) {
            query_try(d, q);
            return;
        }
        answer_addresses(d, c, q->message, &q->question, n < 0 ? RCODE_SERVFAIL : rcode, a,
                         n < 0 ? 0 : n);
    }
    query_end(q);
}

static void query_event(struct dns *d, struct query *q)
{
    uint8_t message[MESSAGE_CAP];
    ssize_t len;
    if (q->tcp && !q->said) {
        if (!query_say(d, q))
            q->deadline_ns = clock_now_ns();
        return;
    }
    if (!q->tcp) {
        len = recv(q->fd, message, sizeof message, MSG_DONTWAIT);
        query_count(d, q, len);
        if (len >= 0)
            query_answered(d, q, message, (size_t)len);
        else if (errno != EAGAIN)
            q->deadline_ns = clock_now_ns(); /* a closed port: the next server */
        return;
    }
    size_t before = q->in.n;
    len = frame_read(&q->in, q->fd);
    query_count(d, q, (ssize_t)(q->in.n - before));
    if (len > 0) {
        struct frame whole = q->in;
        q->in = (struct frame){ .bytes = NULL };
        query_answered(d, q, whole.bytes + 2, (size_t)len);
        frame_free(&whole);
    }
    if (len != 0 && q->tcp && q->fd >= 0)
        q->deadline_ns = clock_now_ns(); /* ended, or answered something else */
}

/* ---- clients ---- */

static void refuse(struct dns *d, const struct client *c, const uint8_t *message,
                   const struct dns_question *q)
{
    if (strcmp(d->told, q->name) != 0)
        net_tell(
            d->net,
            "lookup of %s refused: no rule names it (--allow-connect %s:PORT, or --allow-dns=any)",
            q->name, q->name);
    memcpy(d->told, q->name, sizeof d->told);
    net_record(d->net, &(struct net_record){ .event = "lookup", .proto = NET_UDP, .name = q->name,
                                             .verdict = "refused" });
    answer(d, c, message, q, RCODE_REFUSED, NULL, 0);
}

/* What a lookup costs the network is of the program's limits, as a connection is. */
static void query_ask(struct dns *d, uint32_t client, const uint8_t *message, size_t len,
                      const struct dns_question *q)
{
    const struct client *c = &d->clients[client];
    const char *over = c->trusted                 ? NULL
                       : !net_bytes_left(d->net)  ? "--net-bytes"
                       : !net_rate_take(d->net) ? "--net-rate"
                                                  : NULL;
    if (!over) {
        query_start(d, client, message, len, q);
        return;
    }
    net_record(d->net, &(struct net_record){ .event = "lookup", .proto = NET_UDP, .name = q->name,
                                             .verdict = "refused", .reason = over });
    answer(d, c, message, q, RCODE_REFUSED, NULL, 0);
}

static void asked(struct dns *d, uint32_t client, const uint8_t *message, size_t len)
{
    struct client *c = &d->clients[client];
    struct dns_question q;
    if (!dns_question_parse(message, len, &q) || (q.flags & 0x8000))
        return;
    enum name_verdict verdict = c->trusted ? NAME_ANY : policy_name(&d->net->policy, q.name);
    bool localhost = strcmp(q.name, "localhost") == 0;
    bool address = q.type == DNS_A || q.type == DNS_AAAA;
    if (q.class != 1 || (verdict == NAME_REFUSED && !localhost)) {
        refuse(d, c, message, &q);
        return;
    }
    if (!c->trusted)
        net_record(d->net,
                   &(struct net_record){
                       .event = "lookup", .proto = NET_UDP, .name = q.name, .verdict = "allowed" });
    if (ip_looks_numeric(q.name))
        answer(d, c, message, &q, RCODE_NXDOMAIN, NULL, 0);
    else if (!answer_from_hosts(d, c, message, &q) && (address || verdict == NAME_ANY))
        query_ask(d, client, message, len, &q);
    else if (!address && verdict != NAME_ANY)
        answer(d, c, message, &q, RCODE_OK, NULL, 0);
}

static void client_read(struct dns *d, uint32_t client)
{
    uint8_t message[MESSAGE_CAP];
    struct client *c = &d->clients[client];
    ssize_t n = c->stream ? frame_read(&c->in, c->fd)
                          : recv(c->fd, message, sizeof message, MSG_DONTWAIT);
    if (c->stream && n > 0) {
        c->in.n = 0;
        memcpy(message, c->in.bytes + 2, n < MESSAGE_CAP ? (size_t)n : MESSAGE_CAP);
    }
    if (n > 0 && n <= MESSAGE_CAP)
        asked(d, client, message, (size_t)n);
    /* an empty message looks like an end */
    else if (n > 0 || c->stream ? n != 0 : n == 0 || errno != EAGAIN)
        client_end(c);
}

struct newcomer { int fd; bool trusted, stream; };

/* False: the door is closed. */
static bool door_read(struct dns *d)
{
    struct newcomer n;
    if (read(d->door[0], &n, sizeof n) != sizeof n)
        return false;
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (d->clients[i].fd < 0) {
            d->clients[i] = (struct client){ .fd = n.fd, .trusted = n.trusted, .stream = n.stream,
                                             .serial = ++d->serial };
            return true;
        }
    close(n.fd);
    return true;
}

/* ---- the thread ---- */

static int wait_ms(const struct dns *d)
{
    uint64_t now = clock_now_ns(), least = UINT64_MAX;
    for (int i = 0; i < QUERIES_MAX; i++)
        if (d->queries[i].fd >= 0 && d->queries[i].deadline_ns < least)
            least = d->queries[i].deadline_ns;
    return least == UINT64_MAX ? -1 : least <= now ? 0 : (int)((least - now) / 1000000 + 1);
}

#define PLACES (1 + CLIENTS_MAX + QUERIES_MAX)
#define NOWHERE PLACES /* in a struct waits: of what is not open; nothing is ever seen there */

/* The kernel waits for no more places than files may be open (ulimit -n): what is closed has none.
 */
struct waits {
    struct pollfd fds[PLACES + 1];
    uint32_t n, clients[CLIENTS_MAX], queries[QUERIES_MAX];
};

static uint32_t wait_for(struct waits *w, int fd, short events)
{
    if (fd < 0)
        return NOWHERE;
    w->fds[w->n] = (struct pollfd){ .fd = fd, .events = events };
    return w->n++;
}

static void waits_fill(struct waits *w, const struct dns *d)
{
    w->n = 0;
    w->fds[NOWHERE] = (struct pollfd){ .fd = -1 };
    wait_for(w, d->door[0], POLLIN);
    for (int i = 0; i < CLIENTS_MAX; i++)
        w->clients[i] = wait_for(w, d->clients[i].fd, POLLIN);
    for (int i = 0; i < QUERIES_MAX; i++)
        w->queries[i] = wait_for(w, d->queries[i].fd,
                                 d->queries[i].tcp && !d->queries[i].said ? POLLOUT : POLLIN);
}

static void *dns_main(void *self)
{
    struct dns *d = self;
    struct waits w;
    outlet_use(d->outlet);
    cputime_enter(&d->net->kick->cputime);
    for (;;) {
        waits_fill(&w, d);
        poll_ms(w.fds, w.n, wait_ms(d));
        for (int i = 0; i < QUERIES_MAX; i++) {
            struct query *q = &d->queries[i];
            const struct pollfd *at = &w.fds[w.queries[i]];
            if (q->fd >= 0 && q->fd == at->fd && at->revents)
                query_event(d, q);
            if (q->fd >= 0 && q->deadline_ns <= clock_now_ns())
                query_try(d, q);
        }
        for (uint32_t i = 0; i < CLIENTS_MAX; i++)
            if (d->clients[i].fd >= 0 && w.fds[w.clients[i]].revents)
                client_read(d, i);
        if (w.fds[0].revents && !door_read(d))
            break;
    }
    cputime_leave(&d->net->kick->cputime);
    return NULL;
}

static bool no_resolver(int error, struct failure *why)
{
    return failure_set(why, "the resolver cannot start: %s", strerror(error));
}

static struct dns *dns_new(struct net *net)
{
    struct dns *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->net = net;
    d->outlet = outlet_now();
    d->door[0] = d->door[1] = -1;
    pthread_mutex_init(&d->begin, NULL);
    for (int i = 0; i < CLIENTS_MAX; i++)
        d->clients[i].fd = -1;
    for (int i = 0; i < QUERIES_MAX; i++)
        d->queries[i].fd = -1;
    return d;
}

bool dns_start(struct net *net, const struct settings *c, struct failure *why)
{
    struct dns *d = net->dns = dns_new(net);
    if (!d || !(d->hosts = calloc(HOSTS_MAX, sizeof *d->hosts)))
        return no_resolver(errno, why);
    for (uint32_t i = 0; i < c->dns_server.n; i++) {
        struct endpoint e;
        if (!dns_server_parse(c->dns_server.at[i], &e, why))
            return false;
        server_add(d, &e);
    }
    if (d->nservers == 0)
        servers_read(d);
    hosts_read(d);
    return policy_servers_add(&net->policy, d->servers, d->nservers, why);
}

/* The thread, unless it runs; false: errno. */
static bool dns_begin(struct dns *d)
{
    pthread_mutex_lock(&d->begin);
    int error = d->running || d->door[1] >= 0 || pipe2(d->door, O_CLOEXEC) == 0 ? 0 : errno;
    if (!d->running && !error)
        error = thread_start(&d->thread, NULL, dns_main, d);
    bool good = d->running = error == 0;
    pthread_mutex_unlock(&d->begin);
    if (!good)
        net_tell(d->net, "the resolver cannot start: %s", strerror(error));
    errno = error;
    return good;
}

static void door_close(int *end)
{
    if (*end >= 0)
        close(*end);
    *end = -1;
}

void dns_rest(struct dns *d)
{
    struct newcomer n; /* who came too late, as the thread could not read */
    door_close(&d->door[1]);
    if (d->running)
        pthread_join(d->thread, NULL);
    d->running = false;
    while (d->door[0] >= 0 && read(d->door[0], &n, sizeof n) == sizeof n)
        close(n.fd);
    door_close(&d->door[0]);
}

void dns_stop(struct dns *d)
{
    if (!d)
        return;
    dns_rest(d);
    for (int i = 0; i < CLIENTS_MAX; i++)
        client_end(&d->clients[i]);
    for (int i = 0; i < QUERIES_MAX; i++)
        query_end(&d->queries[i]);
    pthread_mutex_destroy(&d->begin);
    free(d->hosts);
    free(d);
}

int dns_connect(struct dns *d, bool trusted, bool stream)
{
    int pair[2];
    const int type = (stream ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC | SOCK_NONBLOCK;
    if (!dns_begin(d) || socketpair(AF_UNIX, type, 0, pair) < 0)
        return -1;
    struct newcomer n;
    memset(&n, 0, sizeof n);
    n.fd = pair[1];
    n.trusted = trusted;
    n.stream = stream;
    if (write(d->door[1], &n, sizeof n) == sizeof n)
        return pair[0];
    close(pair[0]);
    close(pair[1]);
    return -1;
}

int dns_lookup(struct dns *d, const char *name, uint16_t type, bool trusted, struct dns_address *a,
               int max, uint8_t *rcode)
{
    uint8_t message[DNS_MESSAGE_MAX];
    size_t len = dns_query_build(message, 1, name, type);
    *rcode = len ? 0 : RCODE_FORMAT;
    int end = len ? dns_connect(d, trusted, false) : -1, n = -1;
    if (end < 0)
        return -1;
    struct pollfd p = { .fd = end, .events = POLLIN };
    send(end, message, len, MSG_NOSIGNAL);
    int ready = kick_ppoll(d->net->kick, &p, 1, LOOKUP_NS);
    ssize_t got = ready > 0 ? recv(end, message, sizeof message, MSG_DONTWAIT) : -1;
    if (ready == 0)
        errno = ETIMEDOUT;
    int error = errno;
    if (got > 0)
        n = dns_addresses_parse(message, (size_t)got, type, a, max, rcode);
    close(end);
    errno = error;
    return n;
}
