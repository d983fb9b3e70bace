/* What is told of the network: one line on stderr for what was refused, a record in --net-log for every connection.
 *
 * stderr gets ten lines at once, then one a second, and never makes the guest wait.  The log gets everything; a
 * record is one JSON object on a line of its own. */
#include "vmm/net/inside.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINES_AT_ONCE 10
#define RECORD_CAP 2048

static const char *const proto_names[] = { [NET_TCP] = "tcp", [NET_UDP] = "udp", [NET_UNIX] = "unix" };

static bool line_take(struct net *n)
{
    uint64_t now_s = clock_now_ns() / 1000000000u;
    uint64_t gained = now_s - n->lines_s;
    n->lines_left = n->lines_left + gained < LINES_AT_ONCE ? n->lines_left + gained : LINES_AT_ONCE;
    n->lines_s = now_s;
    int stream = message_stream();
    if (n->lines_left == 0 || (stream >= 0 && !host_ready(stream, POLLOUT))) {
        n->lines_lost++;
        return false;
    }
    n->lines_left--;
    return true;
}

void net_tell(struct net *n, const char *format, ...)
{
    char text[768], more[64] = "";
    pthread_mutex_lock(&n->log_lock);
    bool take = line_take(n);
    if (take && n->lines_lost)
        snprintf(more, sizeof more, " (%llu such lines left out before)", (unsigned long long)n->lines_lost);
    if (take)
        n->lines_lost = 0;
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

uint32_t net_refuse(struct net *n, const char *what, enum net_use use, enum net_proto proto, const struct endpoint *e,
                    const struct rule *by)
{
    char at[ENDPOINT_TEXT], hint[ENDPOINT_TEXT + 32];
    endpoint_text(e, at);
    if (by)
        net_tell(n, "%s %s %s refused: --deny %s forbids it", what, proto_names[proto], at, by->text);
    else if (!n->names && e->port == dns_endpoint.port && ip_equal(&e->ip, &dns_endpoint.ip))
        net_tell(n, "a lookup is refused: there is no resolver (--allow-dns)");
    else
        net_tell(n, "%s %s %s refused: no rule allows it (%s)", what, proto_names[proto], at,
                 is_guess(n, use, e) ? "names are looked up with --allow-dns"
                                     : policy_hint(use, proto, e, hint, sizeof hint));
    net_record(n, &(struct net_record){
        .event = what, .proto = proto, .verdict = "refused", .reason = by ? by->text : "",
        .peer = use == USE_CONNECT ? e : NULL, .local = use == USE_LISTEN ? e : NULL,
    });
    return WASI_ACCES;
}

/* A JSON string's inside: what is not plain ASCII becomes '?', as rules and names are ASCII by their rules. */
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

void log_close(struct net *n)
{
    if (n->log.fd >= 0)
        close(n->log.fd);
    sink_close(&n->log);
}

void net_record(struct net *n, const struct net_record *r)
{
    char out[RECORD_CAP], time_text[40], at[ENDPOINT_TEXT], clean[512];
    struct timespec t;
    struct tm tm;
    if (n->log.fd < 0)
        return;
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &tm);
    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", &tm);
    size_t len = (size_t)snprintf(out, sizeof out, "{\"time\":\"%s.%03ldZ\",\"event\":\"%s\",\"proto\":\"%s\"",
                                  time_text,
                                  t.tv_nsec / 1000000, r->event, proto_names[r->proto]);
    part(out, &len, ",\"local\":\"%s\"", r->local ? endpoint_text(r->local, at) : NULL);
    part(out, &len, ",\"peer\":\"%s\"", r->peer ? endpoint_text(r->peer, at) : NULL);
    plain(clean, sizeof clean, r->name ? r->name : "");
    part(out, &len, ",\"name\":\"%s\"", clean);
    part(out, &len, ",\"verdict\":\"%s\"", r->verdict);
    plain(clean, sizeof clean, r->reason ? r->reason : "");
    part(out, &len, ",\"rule\":\"%s\"", clean);
    if (r->counted)
        len += (size_t)snprintf(out + len, sizeof out - len, ",\"in\":%llu,\"out\":%llu,\"ms\":%llu",
                                (unsigned long long)r->in, (unsigned long long)r->out,
                                (unsigned long long)(r->ns / 1000000));
    len += (size_t)snprintf(out + len, sizeof out - len, "}\n");
    pthread_mutex_lock(&n->log_lock);
    if (n->log.fd >= 0 && !sink_write(&n->log, out, len, SINK_PATIENCE_NS) && errno != EAGAIN) {
        message("--net-log cannot be written: %s (no more records)", strerror(errno));
        log_close(n);
    }
    if (n->lost)
        *n->lost = n->log.lost;
    pthread_mutex_unlock(&n->log_lock);
}

bool net_rate_take(struct net *n)
{
    uint64_t now_s = clock_now_ns() / 1000000000u;
    if (n->max_rate == 0)
        return true;
    if (now_s != n->rate_s) {
        n->rate_s = now_s;
        n->rate_used = 0;
    }
    if (n->rate_used++ < n->max_rate)
        return true;
    if (!n->told_rate)
        net_tell(n, "more than %llu connections in a second (--net-rate): refused from here on",
                 (unsigned long long)n->max_rate);
    n->told_rate = true;
    return false;
}
