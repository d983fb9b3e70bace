/* What is told of the network: one line on stderr for what was refused, a record in --net-log for
 * every connection.
 *
 * stderr gets ten lines at once, then one a second, and never makes the guest wait.  The log gets
 * everything; a record is one JSON object on a line of its own. */
#include "vmm/net/inside.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINES_AT_ONCE 10
#define RECORD_CAP 2048
#define REFUSALS_AT_ONCE 1000 /* in the log, and */
#define REFUSALS_A_SECOND 10  /* then */

static const char *const proto_names[] = {
    [NET_TCP] = "tcp", [NET_UDP] = "udp", [NET_UNIX] = "unix", [NET_BOTH] = ""
};

/* One of those that come `at_once` at most, and so many in each second after it; else it is lost.
 */
static bool pace_take(struct pace *p, uint64_t at_once, uint64_t a_second)
{
    uint64_t now_s = clock_now_ns() / 1000000000u;
    uint64_t gained = (now_s - p->second) * a_second;
    p->left = p->left + gained < at_once ? p->left + gained : at_once;
    p->second = now_s;
    if (p->left == 0) {
        p->lost++;
        return false;
    }
    p->left--;
    return true;
}

static bool line_take(struct net *n)
{
    int stream = message_stream();
    if (stream >= 0 && !host_ready(stream, POLLOUT)) {
        n->lines.lost++;
        return false;
    }
    return pace_take(&n->lines, LINES_AT_ONCE, 1);
}

void net_tell(struct net *n, const char *format, ...)
{
    char text[768], more[64] = "";
    pthread_mutex_lock(&n->log_lock);
    bool take = line_take(n);
    if (take && n->lines.lost)
        snprintf(more, sizeof more, " (%llu such lines left out before)",
                 (unsigned long long)n->lines.lost);
    if (take)
        n->lines.lost = 0;
    pthread_mutex_unlock(&n->log_lock);
    if (!take)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    message("%s%s", text, more);
}

/* Whether a library asks for names where it has no resolv.conf: of a server on this host. */
static bool is_guess(const struct net *n, enum net_use use, const struct endpoint *e)
{
    static const uint8_t loopback[4] = { 127, 0, 0, 1 };
    static const struct ip loopback6 = { { [15] = 1 } };
    const struct ip loopback4 = ip_from_v4(loopback);
    return use == USE_CONNECT && e->port == dns_endpoint.port && !n->names &&
           (ip_equal(&e->ip, &loopback4) || ip_equal(&e->ip, &loopback6));
}

uint32_t net_refuse(struct net *n, const char *what, enum net_use use, enum net_proto proto,
                    const struct endpoint *e, const struct rule *by)
{
    char at[ENDPOINT_TEXT], hint[ENDPOINT_TEXT + 32];
    endpoint_text(e, at);
    if (by)
        net_tell(n, "%s %s %s refused: --deny %s forbids it", what, proto_names[proto], at,
                 by->text);
    else if (!n->names && e->port == dns_endpoint.port && ip_equal(&e->ip, &dns_endpoint.ip))
        net_tell(n, "a lookup is refused: there is no resolver (--allow-dns)");
    else
        net_tell(n, "%s %s %s refused: no rule allows it (%s)", what, proto_names[proto], at,
                 is_guess(n, use, e) ? "names are looked up with --allow-dns"
                                     : policy_hint(use, proto, e, hint, sizeof hint));
    return net_refuse_unsaid(n, what, use, proto, e, by);
}

uint32_t net_refuse_unsaid(struct net *n, const char *what, enum net_use use, enum net_proto proto,
                           const struct endpoint *e, const struct rule *by)
{
    net_record(n, &(struct net_record){
        .event = what, .proto = proto, .verdict = "refused", .reason = by ? by->text : "",
        .peer = use == USE_CONNECT ? e : NULL, .local = use == USE_LISTEN ? e : NULL,
    });
    return WASI_ACCES;
}

/* A JSON string's inside: what is not plain ASCII becomes '?', as rules and names are ASCII by
 * their rules. */
static void plain(char *out, size_t cap, const char *text)
{
    size_t n = 0;
    for (; *text && n + 1 < cap; text++)
        out[n++] = *text < 0x20 || *text > 0x7e || *text == '"' || *text == '\\' ? '?' : *text;
    out[n] = 0;
}

static void part(char *out, size_t *len, const char *format, const char *value)
{
    if (value && *value)
        *len += (size_t)snprintf(out + *len, RECORD_CAP - *len, format, value);
}

/* The words of a record; returns their length. */
static size_t record_write(const struct net_record *r, char out[RECORD_CAP])
{
    char time_text[40], at[ENDPOINT_TEXT], clean[512];
    struct timespec t;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &tm);
    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", &tm);
    size_t len = (size_t)snprintf(out, RECORD_CAP, "{\"time\":\"%s.%03ldZ\",\"event\":\"%s\"",
                                  time_text, t.tv_nsec / 1000000, r->event);
    part(out, &len, ",\"proto\":\"%s\"", proto_names[r->proto]);
    part(out, &len, ",\"local\":\"%s\"", r->local ? endpoint_text(r->local, at) : NULL);
    part(out, &len, ",\"peer\":\"%s\"", r->peer ? endpoint_text(r->peer, at) : NULL);
    plain(clean, sizeof clean, r->name ? r->name : "");
    part(out, &len, ",\"name\":\"%s\"", clean);
    part(out, &len, ",\"verdict\":\"%s\"", r->verdict);
    plain(clean, sizeof clean, r->reason ? r->reason : "");
    part(out, &len, ",\"rule\":\"%s\"", clean);
    if (r->counted)
        len += (size_t)snprintf(out + len, RECORD_CAP - len,
                                ",\"in\":%llu,\"out\":%llu,\"ms\":%llu", (unsigned long long)r->in,
                                (unsigned long long)r->out, (unsigned long long)(r->ns / 1000000));
    if (r->left_out)
        len += (size_t)snprintf(out + len, RECORD_CAP - len, ",\"left_out\":%llu",
                                (unsigned long long)r->left_out);
    return len + (size_t)snprintf(out + len, RECORD_CAP - len, "}\n");
}

static void log_end(struct net *n)
{
    if (n->log.fd >= 0)
        close(n->log.fd);
    sink_close(&n->log);
}

/* Under the log's lock. */
static void record_put(struct net *n, const struct net_record *r)
{
    char out[RECORD_CAP];
    size_t len = record_write(r, out);
    if (!sink_write(&n->log, out, len, SINK_PATIENCE_NS)) {
        if (errno == SINK_FULL) {
            kick_stop(n->kick, ENDED_LOG, 0);
        } else if (errno != EAGAIN) {
            message("--net-log cannot be written: %s (no more records)", strerror(errno));
            log_end(n);
        }
    }
    if (n->lost)
        *n->lost = n->log.lost;
}

/* What a program wanted in vain costs it nothing, and must not fill the log. */
static bool record_take(struct net *n, const struct net_record *r)
{
    bool in_vain = r->verdict &&
                   (strcmp(r->verdict, "refused") == 0 || strcmp(r->verdict, "failed") == 0);
    return !in_vain || pace_take(&n->records, REFUSALS_AT_ONCE, REFUSALS_A_SECOND);
}

void net_record(struct net *n, const struct net_record *r)
{
    pthread_mutex_lock(&n->log_lock);
    if (n->log.fd >= 0 && record_take(n, r)) {
        struct net_record now = *r;
        now.left_out = n->records.lost;
        n->records.lost = 0;
        record_put(n, &now);
    }
    pthread_mutex_unlock(&n->log_lock);
}

void log_close(struct net *n)
{
    if (n->log.fd >= 0 && n->records.lost)
        record_put(n, &(struct net_record){ .event = "end", .proto = NET_BOTH, .verdict = "refused",
                                          .left_out = n->records.lost });
    log_end(n);
}

/* ---- limits ---- */

static bool rate_left(struct net *n)
{
    uint64_t now_s = clock_now_ns() / 1000000000u;
    pthread_mutex_lock(&n->rate_lock);
    if (now_s != n->rate_s) {
        n->rate_s = now_s;
        n->rate_used = 0;
    }
    bool left = n->rate_used < n->max_rate;
    n->rate_used += left;
    pthread_mutex_unlock(&n->rate_lock);
    return left;
}

bool net_rate_take(struct net *n)
{
    if (n->max_rate == 0 || rate_left(n))
        return true;
    if (!__atomic_exchange_n(&n->told_rate, true, __ATOMIC_RELAXED))
        net_tell(n, "more than %llu connections in a second (--net-rate): refused from here on",
                 (unsigned long long)n->max_rate);
    return false;
}

bool net_bytes_left(struct net *n)
{
    if (n->max_bytes == 0 || __atomic_load_n(&n->bytes, __ATOMIC_RELAXED) < n->max_bytes)
        return true;
    if (!__atomic_exchange_n(&n->told_bytes, true, __ATOMIC_RELAXED))
        net_tell(
            n,
            "the program has moved %llu bytes over the network, the most that --net-bytes allows",
            (unsigned long long)n->max_bytes);
    errno = ENOBUFS;
    return false;
}
