/* Sockets that stand open before the program starts: which words of --listen are an address. */
#include "tests/unit/vmm/net/fixture.h"

static void test_what_listens_from_the_start(void **state)
{
    (void)state;
    static const struct { const char *text; bool good; } rows[] = {
        { "127.0.0.1:0", true },      { "localhost:0", true },    { "tcp:127.0.0.1:0", false },
        { "tcp::0", false },          { "udp:127.0.0.1:0", false }, { "127.0.0.1", false },
        { "127.0.0.1:1-2", false },   { "127.0.0.0/8:0", false }, { "app.test:0", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct failure why;
        const struct settings one = { .listen = WORDS(rows[i].text) };
        bool good = net_preopen(wasi, &one, &why);
        if (good != rows[i].good)
            print_error("--listen %s\n", rows[i].text);
        assert_int_equal(good, rows[i].good);
        if (!good)
            assert_non_null(strstr(why.text, ": not [ADDR]:PORT (write"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { LOOPBACK(test_what_listens_from_the_start) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
