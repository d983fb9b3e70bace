/* A run's options by the head of an input (options.h). */
#include "tests/fuzz/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/fuzz/steps.h"

static char words[4][64]; /* of the rules, made once the ports are known */
static struct tmp tmp = TMP_NONE;
static uint32_t files_known;
static struct rlimit usual_files;

void options_begin(void)
{
    getrlimit(RLIMIT_NOFILE, &usual_files);
    snprintf(words[0], sizeof words[0], "127.0.0.1:%u", world.ports.guest);
    snprintf(words[1], sizeof words[1], "127.0.0.1:%u", world.ports.tcp);
    snprintf(words[2], sizeof words[2], "127.0.0.1:%u", world.ports.dns);
}

/* ---- settings ---- */

static void limits_set(struct settings *s, const uint8_t *head)
{
    const uint8_t which = head[HEAD_LIMITS], much = head[HEAD_LIMITS + 1],
                  many = head[HEAD_LIMITS + 2];
    s->max_written = 1 + which * 64u;
    s->max_created = 1 + much % 16;
    s->max_sockets = 1 + many % 8;
    s->max_files = many & 128 ? 1 + many % 8 : 8 + many;
    s->net_bytes = which & 1 ? 1 + much : 0;
    s->net_rate = which & 2 ? 1 + much % 4 : 0;
    s->max_log = which & 4 ? 100 : 0;
    s->socket_buffer = !(which & 8) ? 0 : much & 1 ? 1024 : 16384;
    s->output_rate = which & 16 ? 10 : 0;
}

/* What a rule may say, and what none may. */
static const char *const odd_rules[] = {
    "denied.test",
    "allowed.test:80",
    "localhost",
    "localhost:7004",
    "Some.Name.Test.:1-9",
    "127.0.0.0/8",
    "0.0.0.0/0",
    "[::]/0",
    "[fd00::/8]:1-2",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]:9",
    "10.0.0.0/8:80",
    "127.0.0.1/33",
    "127.0.0.1/7",
    "[::1]/129",
    "[::1",
    "[::1]x",
    "1.2.3",
    "0x7f000001",
    "010.0.0.1",
    "1.2.3.4:65536",
    "1.2.3.4:9-1",
    ":7004",
    "..",
    "0.0.0.0",
    "",
    "tcp:127.0.0.1",
    "udp:[::1]:5",
    "127.0.0.0/8:7002",
    "7.0x",
    "127.0.0.1:0",
    "[::ffff:127.0.0.1]",
};
enum { ODD_RULES = sizeof odd_rules / sizeof *odd_rules };

struct lists {
    const char *connect[5], *listen[5], *deny[2], *server[2], *listeners[2], *dials[2];
};

/* One more, of some kind. */
static void rule_add(struct settings *s, struct lists *l, uint8_t which)
{
    const char *rule = odd_rules[which % ODD_RULES];
    switch (which / ODD_RULES) {
    case 0: case 1: l->deny[s->deny.n++] = rule; break;
    case 2: l->connect[s->allow_connect.n++] = rule; break;
    case 3: l->listen[s->allow_listen.n++] = rule; break;
    case 4: l->server[s->dns_server.n++] = rule; break;
    case 5: l->listeners[s->listen.n++] = rule; break;
    case 6: l->dials[s->dial.n++] = rule; break;
    default: l->dials[s->dial.n++] = "127.0.0.1:9"; break;
    }
}

static void rules_set(struct settings *s, const uint8_t *head)
{
    static struct lists l;
    static struct passed passed[3];
    l = (struct lists){ .connect = { "127.0.0.1", "udp:127.0.0.1", "[::1]", "allowed.test" },
                        .listen = { "127.0.0.1", "udp:127.0.0.1", "[::1]:0", ":7004" },
                        .deny = { "127.0.0.1:9" },
                        .server = { words[2] },
                        .listeners = { words[0] },
                        .dials = { words[1] } };
    bool some = !(head[HEAD_MORE] & WITHOUT_NETWORK);
    s->allow_connect = (struct words){ l.connect, !some ? 0 : head[HEAD_NET] & WITH_NAMES ? 4 : 3 };
    s->allow_listen = (struct words){ l.listen, some ? 4 : 0 };
    s->deny = (struct words){ l.deny, some };
    s->dns_server = (struct words){ l.server, some && !(head[HEAD_MORE] & WITHOUT_SERVER) };
    s->listen = (struct words){ l.listeners, some && head[HEAD_NET] & WITH_LISTEN };
    s->dial = (struct words){ l.dials, some && head[HEAD_GUEST] & WITH_DIAL };
    if (head[HEAD_MORE] & WITH_RULE)
        rule_add(s, &l, head[HEAD_RULE]);
    passed[0].fd = world.passed[0], passed[1].fd = world.passed[1];
    passed[2].fd = 1 << 20; /* nothing */
    s->sockets = (struct sockets){ passed, !(head[HEAD_MORE] & WITH_PASSED)  ? 0
                                           : head[HEAD_FILES] & 64 ? 3
                                                                   : 2 };
}

static void settings_make(struct settings *s, const uint8_t *head)
{
    const uint8_t net = head[HEAD_NET], guests = head[HEAD_GUEST], place = head[HEAD_PLACE];
    settings_default(s);
    rules_set(s, head);
    s->allow_dns = net & WITH_NAMES ? net & WITH_ANY_NAME ? "any" : "" : NULL;
    s->allow_unix = net & WITH_UNIX;
    s->raw_tty = net & WITH_RAW_TTY;
    s->trace = net & WITH_TRACE ? world.outputs[head[HEAD_FILES] & 7] : NULL;
    s->net_log = guests & WITH_LOG ? world.outputs[head[HEAD_FILES] >> 3 & 7] : NULL;
    s->net_all = guests & WITH_NET_ALL;
    s->container = place & IN_CONTAINER;
    if (net & WITH_LIMITS)
        limits_set(s, head);
}

/* ---- grants ---- */

/* What --tmp makes, when runs before left something there: trees, and one that is read-only. */
static void left_make(uint8_t how)
{
    char left[160];
    int n = snprintf(left, sizeof left, "%s", world.tmp);
    if (how & 48 && mkdir(left, 0700) == 0)
        (void)!chown(left, how & 16 ? 4711 : geteuid(), (gid_t)-1); /* another user's, perhaps */
    else
        (void)mkdir(left, 0700);
    if (how & 64) /* others can enter it */
        chmod(left, 0755);
    n += snprintf(left + n, sizeof left - (size_t)n, "/run-1");
    (void)mkdir(left, 0700);
    for (unsigned i = 0; i < how % 8u; i++) {
        n += snprintf(left + n, sizeof left - (size_t)n, "/%c", 'a' + (int)i);
        (void)mkdir(left, 0700);
        char beside[sizeof left];
        snprintf(beside, sizeof beside, "%.*s.wasmvm-%u", n - 1, left, i);
        (void)mkdir(beside, 0700);
    }
}

/* NULL: a fault. */
static const char *tmp_begin(const uint8_t *head)
{
    static struct failure why;
    static char many[PATH_MAX];
    bool was = faults_on(false), far = head[HEAD_ODD] & LONG_TMP;
    memset(many, '/', sizeof many - 1);
    setenv("TMPDIR", far ? many : world.place, 1);
    left_make(head[HEAD_LEFT]);
    faults_on(was);
    if (!tmp_make(&tmp, &why) && !fault_met() && !far && !(head[HEAD_LEFT] & 64))
        finding("no --tmp: %s", why.text);
    return tmp.own >= 0 ? tmp.path : NULL;
}

static uint32_t grants_make(struct grant grants[], const uint8_t *head)
{
    const uint8_t place = head[HEAD_PLACE];
    bool own = head[HEAD_GUEST] & WITH_OWN_NAMES;
    uint32_t n = 0;
    if (head[HEAD_GUEST] & WITHOUT_GRANTS)
        return 0;
    if (head[HEAD_ODD] & ONE_TREE) {
        grants[0] = (struct grant){ .host = world.rw, .guest = "/" };
        return 1;
    }
    grants[n++] = (struct grant){ .host = world.rw, .guest = own ? world.rw : "/",
                                  .mounts = place & WITH_MOUNTS };
    grants[n++] = (struct grant){ .host = world.ro,
                                  .guest = own ? world.ro : "/ro",
                                  .read_only = true };
    if (place & WITH_OVERLAP)
        grants[n++] = (struct grant){ .host = head[HEAD_FILES] & 128 ? world.inside : "/mnt/none",
                                      .guest = "/inside", .read_only = true };
    if (place & WITH_PROC) /* no kind that can be granted */
        grants[n++] = (struct grant){ .host = "/proc", .guest = "/proc" };
    if (head[HEAD_NET] & WITH_NAMES)
        grants[n++] = (struct grant){
            .guest = "/etc", .read_only = true, .kind = &etc_grant, .last = place & ETC_LAST
        };
    if (world.dev && (place & WITH_DEV))
        grants[n++] = (struct grant){ .host = "/dev", .guest = "/dev",
                                      .read_only = place & DEV_READ_ONLY,
                                      .mounts = place & WITH_MOUNTS };
    const char *path = place & WITH_TMP ? tmp_begin(head) : NULL;
    if (path)
        grants[n++] = (struct grant){ .host = path, .guest = "/tmp", .tmp = head[HEAD_LEFT] & 128 };
    return n;
}

/* ---- a run ---- */

/* What may well be refused: too few descriptors for the grants; a port or a queue that the input
 * before still has; a rule that is none. */
static bool may_fail(const uint8_t *head)
{
    return fault_met() || head[HEAD_NET] & (WITH_LIMITS | WITH_LISTEN) ||
           head[HEAD_GUEST] & (WITH_DIAL | WITH_LOG | WITH_CERTS) || head[HEAD_NET] & WITH_TRACE ||
           head[HEAD_PLACE] & (WITH_OVERLAP | WITH_PROC) ||
           head[HEAD_ODD] & FEW_FILES ||
           head[HEAD_MORE] & (WITH_RULE | WITH_PASSED | WITHOUT_NETWORK);
}

/* Of open files: so few that no run has enough. */
static void limit_set(bool few)
{
    struct rlimit now = usual_files;
    if (few)
        now.rlim_cur = 64;
    setrlimit(RLIMIT_NOFILE, &now);
}

static bool open_with(struct wasi *wasi, const uint8_t *head)
{
    static char *args[] = { "app.wasm", "one", "" }, *env[] = { "A=1", "PWD=/", "LONG=a b\nc" };
    static struct signals signals;
    static struct settings settings;
    static struct failure why;
    struct grant grants[7];
    static char other[] = "PWD=/d", root[] = "PWD=/";
    env[1] = head[HEAD_MORE] & WITH_CWD ? other : root;
    uint32_t known = head[HEAD_FILES] & 128 ? files_known : 0;
    signals = SIGNALS_NONE;
    settings_make(&settings, head);
    struct config config = { .set = &settings,
                             .module = "app.wasm",
                             .args = args,
                             .argc = 3,
                             .env = env,
                             .envc = head[HEAD_ODD] & WITHOUT_CWD ? 1 : 3,
                             .signals = &signals,
                             .stdio = head[HEAD_MORE] & WITHOUT_STREAMS ? NULL : world.stdio,
                             .certs = head[HEAD_GUEST] & WITH_CERTS
                                          ? world.outputs[head[HEAD_FILES] & 7]
                                          : NULL,
                             .files_known = head[HEAD_MORE] & FILES_KNOWN ? &known : NULL,
                             .grants = grants,
                             .ngrants = grants_make(grants, head) };
    if (head[HEAD_ODD] & FEW_FILES)
        limit_set(true);
    bool good = wasi_open(wasi, &config, &why);
    if (head[HEAD_ODD] & FEW_FILES)
        limit_set(false);
    files_known = known;
    faults_on(false);
    if (!good && !may_fail(head))
        finding("nothing was opened: %s", why.text);
    return good;
}

bool options_open(struct wasi *wasi, const uint8_t *head)
{
    fault_set(head[HEAD_FAULT], head[HEAD_FAULT_HOW]);
    faults_on(true);
    bool good = open_with(wasi, head);
    faults_on(false);
    fault_set(0, 0);
    if (good && (head[HEAD_NET] & WITH_LIMITS) && (head[HEAD_LIMITS + 2] & 16))
        wasi->dir_places = PLACES_MOST - 8; /* few positions in directories are left */
    return good;
}

void options_close(struct wasi *wasi, struct kick *kick, const uint8_t *head)
{
    struct signals *signals = wasi->signals;
    fault_set(head[HEAD_FAULT_END], head[HEAD_FAULT_HOW]);
    faults_on(true);
    wasi_close(wasi);
    if (signals)
        signals_end(signals);
    steps_slow(head[HEAD_ODD] & SLOW_END);
    tmp_remove(&tmp, head[HEAD_ODD] & KICK_END ? kick : NULL);
    steps_slow(false);
    faults_on(false);
    fault_set(0, 0);
}
