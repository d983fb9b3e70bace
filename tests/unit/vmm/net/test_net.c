/* What a run's network needs before it begins (net.c): a resolver that does not start, or a denied
 * name that it cannot look up, ends the start in that one's words. */
#include "tests/unit/vmm/net/fixture.h"

static const char *fails; /* the step that is to fail */
static char record[60];

static bool step(const char *what, struct failure *why)
{
    size_t at = strlen(record);
    snprintf(record + at, sizeof record - at, "%s%s", at ? " " : "", what);
    return !fails || strcmp(fails, what) != 0 || failure_set(why, "no %s", what);
}

/* ---- in place of dns.c ---- */

const struct endpoint dns_endpoint = { .port = 53 };

bool dns_server_parse(const char *text, struct endpoint *e, struct failure *why)
{
    (void)text, (void)e;
    return step("server", why);
}
bool dns_start(struct net *net, const struct settings *c, struct failure *why)
{
    (void)net, (void)c;
    return step("start", why);
}
void dns_stop(struct dns *d) { (void)d; }
void dns_rest(struct dns *d) { (void)d; }
int dns_connect(struct dns *d, bool trusted, bool stream)
{
    return (void)d, (void)trusted, (void)stream, -1;
}
int dns_lookup(struct dns *d, const char *name, uint16_t type, bool trusted, struct dns_address *a,
               int max, uint8_t *rcode)
{
    (void)d, (void)name, (void)type, (void)trusted, (void)a, (void)max;
    *rcode = 0;
    return 0;
}

static bool net_begins(const struct settings *set, const char *without, struct failure *why)
{
    static char *args[] = { "app.wasm" };
    static struct kick kick;
    struct signals none = SIGNALS_NONE;
    const struct config config = { .args = args, .argc = 1, .set = set, .signals = &none };
    fails = without;
    record[0] = 0;
    memory_make();
    struct wasi *w = wasi_alloc(&mem, &kick, &net_parts);
    assert_non_null(w);
    bool good = wasi_open(w, &config, why);
    wasi_close(w);
    free(guest);
    return good;
}

static void test_a_resolver_that_does_not_start(void **state)
{
    (void)state;
    const struct settings set = { .allow_dns = "", .dns_server = WORDS("127.0.0.1:9") };
    struct failure why;
    assert_true(net_begins(&set, NULL, &why));
    assert_string_equal(record, "server start");
    assert_false(net_begins(&set, "start", &why));
    assert_string_equal(why.text, "no start");
    assert_false(net_begins(&set, "server", &why));
    assert_string_equal(why.text, "no server");
    assert_string_equal(record, "server");
}

static void test_no_resolver_where_nobody_asks(void **state)
{
    (void)state;
    const struct settings set = { .allow_connect = WORDS("127.0.0.1:80") };
    struct failure why;
    assert_true(net_begins(&set, "start", &why));
    assert_string_equal(record, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_resolver_that_does_not_start),
        cmocka_unit_test(test_no_resolver_where_nobody_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
