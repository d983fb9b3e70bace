/* The library's instances (instance.c): what the configuration becomes, in which order things are
 * opened and given back, what each state refuses.  (Calls of exports: test_calls.c.) */
#include "tests/unit/vmm/lib/double.h"

/* ---- what the configuration becomes ---- */

static void test_words_and_directories(void **state)
{
    (void)state;
    wasmvm_config_arg(config, "one");
    wasmvm_config_arg(config, "two");
    wasmvm_config_env(config, "A", "1");
    wasmvm_config_dir(config, "/host/rw", "/rw", 0);
    wasmvm_config_dir(config, "/host/ro", "/ro", WASMVM_DIR_READ_ONLY);
    wasmvm_config_tmp(config);
    wasmvm_config_dir(config, "/host/more", "/more", 0);
    make();
    const struct config *c = &i->config;
    assert_int_equal(c->argc, 3);
    assert_string_equal(c->args[0], "prog.wasm");
    assert_string_equal(c->args[1], "one");
    assert_string_equal(c->args[2], "two");
    assert_null(c->args[3]);
    assert_string_equal(c->module, "prog.wasm");
    assert_int_equal(c->envc, 1);
    assert_string_equal(c->env[0], "A=1");
    assert_null(c->env[1]);
    assert_int_equal(c->ngrants, 4); /* and no /etc without a network */
    assert_string_equal(c->grants[0].guest, "/rw");
    assert_string_equal(c->grants[3].guest, "/more");
    assert_int_equal(c->writable.n, 2);
    assert_string_equal(c->writable.at[0], "/host/rw");
    assert_string_equal(c->writable.at[1], "/host/more");
    assert_null(c->host);
    assert_ptr_equal(c->signals, &i->signals);
}

static bool has_etc(void)
{
    const struct config *c = &i->config;
    const struct grant *last = &c->grants[c->ngrants - 1];
    return c->ngrants && strcmp(last->guest, "/etc") == 0 && last->kind == &etc_grant &&
           last->read_only;
}

/* The sealed /etc is for those who may make sockets of their own. */
static void test_who_has_an_etc(void **state)
{
    static const struct {
        enum wasmvm_net rule, more;
        const char *value, *other;
        bool etc;
    } rows[] = {
        { WASMVM_NET_ALLOW_CONNECT, WASMVM_NET_DENY, "127.0.0.1:80", "1.2.3.4", true },
        { WASMVM_NET_ALLOW_LISTEN, WASMVM_NET_DENY, "127.0.0.1:80", "1.2.3.4", true },
        { WASMVM_NET_ALLOW_UNIX, WASMVM_NET_DENY, "", "1.2.3.4", true },
        { WASMVM_NET_ALLOW_DNS, WASMVM_NET_DENY, "", "1.2.3.4", true },
        { WASMVM_NET_ALL, WASMVM_NET_DENY, "", "1.2.3.4", true },
        { WASMVM_NET_ALLOW_CONNECT, WASMVM_NET_LISTEN, "127.0.0.1:80", "127.0.0.1:0", false },
        { WASMVM_NET_ALLOW_CONNECT, WASMVM_NET_DIAL, "127.0.0.1:80", "127.0.0.1:9", false },
        { WASMVM_NET_ALLOW_DNS, WASMVM_NET_LISTEN, "", "127.0.0.1:0", true },
        { WASMVM_NET_ALL, WASMVM_NET_DIAL, "", "127.0.0.1:9", true },
        { WASMVM_NET_DENY, WASMVM_NET_DENY, "1.2.3.4", "1.2.3.5", false },
    };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        teardown(state), setup(state);
        wasmvm_config_net(config, rows[k].rule, rows[k].value);
        wasmvm_config_net(config, rows[k].more, rows[k].other);
        make();
        assert_int_equal(has_etc(), rows[k].etc);
        assert_int_equal(i->config.envc, rows[k].etc); /* PWD=/: it is no place to start in */
        if (rows[k].etc)
            assert_string_equal(i->config.env[0], "PWD=/");
        assert_int_equal(i->config.writable.n, 0);
    }
}

static void test_an_etc_with_sockets_that_are_handed_over(void **state)
{
    int ends[2];
    (void)state;
    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), errno);
    wasmvm_config_net(config, WASMVM_NET_ALLOW_CONNECT, "127.0.0.1:80");
    wasmvm_config_socket(config, ends[0], 0);
    make();
    assert_false(has_etc());
    close(ends[0]);
    close(ends[1]);
}

static void test_where_a_program_with_an_etc_starts(void **state)
{
    wasmvm_config_net(config, WASMVM_NET_ALL, "");
    wasmvm_config_env(config, "PWD", "/else");
    make();
    assert_true(has_etc());
    assert_int_equal(i->config.envc, 1);
    teardown(state), setup(state);
    wasmvm_config_net(config, WASMVM_NET_ALL, "");
    wasmvm_config_dir(config, "/host", "/data", 0);
    make();
    assert_true(has_etc());
    assert_int_equal(i->config.ngrants, 2);
    assert_int_equal(i->config.envc, 0);
    teardown(state), setup(state);
    wasmvm_config_net(config, WASMVM_NET_ALL, "");
    wasmvm_config_dir(config, "/host", "/etc", 0); /* the host's own counts */
    make();
    assert_int_equal(i->config.ngrants, 1);
    assert_null(i->config.grants[0].kind);
}

static void test_certificates_of_its_own(void **state)
{
    char file[] = "/tmp/test_instance.XXXXXX";
    int fd = mkstemp(file);
    close(fd);
    wasmvm_config_net(config, WASMVM_NET_CA_CERTS, file);
    make();
    assert_true(has_etc());
    assert_string_equal(i->config.certs, file);
    assert_int_equal(i->config.envc, 2);
    assert_string_equal(i->config.env[0], "SSL_CERT_FILE=/etc/ca-certificates.crt");
    assert_string_equal(i->config.env[1], "PWD=/");
    assert_null(i->config.env[2]);
    teardown(state), setup(state);
    wasmvm_config_net(config, WASMVM_NET_CA_CERTS, file);
    wasmvm_config_env(config, "SSL_CERT_FILE", "/mine");
    wasmvm_config_env(config, "PWD", "/");
    make();
    assert_int_equal(i->config.envc, 2);
    unlink(file);
}

static void test_no_machine(void **state)
{
    (void)state;
    fails = "new";
    assert_null(wasmvm_instance_new(module, config, &error));
    assert_int_equal(error.code, WASMVM_E_HOST);
    assert_non_null(strstr(error.text, strerror(EMFILE)));
    assert_string_equal(record, "new nothing");
}

/* ---- runs ---- */

static void test_a_run_in_order(void **state)
{
    struct outlet *before = outlet_now();
    (void)state;
    run_ends.code = 7;
    wasmvm_config_tmp(config);
    make();
    assert_int_equal(i->state, STATE_FRESH);
    assert_int_equal(wasmvm_run(i, &error), WASMVM_OK);
    assert_int_equal(error.status, 7);
    assert_string_equal(record, "build tmp wasi open run shut close remove");
    assert_int_equal(i->state, STATE_OVER);
    assert_int_equal(wasmvm_exit_status(i), 7);
    assert_string_equal(logged, "a word of the run\n");
    assert_ptr_equal(outlet_now(), before);
    assert_int_equal(wasmvm_run(i, &error), WASMVM_E_USAGE);
    assert_string_equal(error.text, "prog.wasm: the instance was started before");
    assert_int_equal(wasmvm_prepare(i, &error), WASMVM_E_USAGE);
    assert_int_equal(wasmvm_initialize(i, &error), WASMVM_E_USAGE);
    record[0] = 0;
    wasmvm_instance_free(i);
    i = NULL;
    assert_string_equal(record, "free");
}

static void test_what_fails_is_given_back(void **state)
{
    static const struct { const char *step, *record, *words; } rows[] = {
        { "build", "build unmade close no-tmp", "cannot start: no KVM" },
        { "tmp", "build tmp unmade close remove", "--tmp: no space" },
        { "wasi", "build tmp wasi unmade close remove", "cannot start: no memory" },
        { "open", "build tmp wasi open shut close remove", "/data: there is no such directory" },
    };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        teardown(state), setup(state);
        wasmvm_config_tmp(config);
        make();
        fails = rows[k].step;
        assert_int_equal(wasmvm_run(i, &error), WASMVM_E_HOST);
        assert_string_equal(error.text, rows[k].words);
        assert_string_equal(record, rows[k].record);
        assert_int_equal(i->state, STATE_OVER);
        assert_int_equal(i->end.kind, ENDED_NOT);
    }
}

static void test_a_time_limit_counts_from_the_start(void **state)
{
    (void)state;
    wasmvm_config_timeout(config, 5000 * MS);
    make();
    assert_int_equal(wasmvm_run(i, &error), WASMVM_OK);
    assert_true(i->stats.start_ns != 0);
    assert_int_equal(ndeadlines, 3); /* while it is prepared, then for the run */
    assert_true(deadlines[1] == 0 && deadlines[2] == i->stats.start_ns + 5000 * MS);
    assert_in_range(deadlines[0], 5000 * MS + 1, deadlines[2]);
}

static void test_no_time_limit(void **state)
{
    (void)state;
    make();
    assert_int_equal(wasmvm_run(i, &error), WASMVM_OK);
    for (unsigned k = 0; k < ndeadlines; k++)
        assert_int_equal(deadlines[k], 0);
}

/* What passes between the two is the caller's time, unless that said when all began. */
static void test_prepared_before(void **state)
{
    for (int began = 0; began < 2; began++) {
        teardown(state), setup(state);
        wasmvm_config_timeout(config, 5000 * MS);
        if (began)
            wasmvm_config_began(config, 1000);
        make();
        assert_int_equal(wasmvm_prepare(i, &error), WASMVM_OK);
        assert_int_equal(i->state, STATE_PREPARED);
        assert_string_equal(record, "build wasi open");
        assert_int_equal(entered, 0);
        assert_int_equal(wasmvm_prepare(i, &error), WASMVM_E_USAGE);
        uint64_t start = i->stats.start_ns;
        assert_true((start == 1000) == began);
        while (clock_now_ns() <= i->prepared_ns)
            ;
        assert_int_equal(wasmvm_run(i, &error), WASMVM_OK);
        assert_true((i->stats.start_ns == start) == began);
        assert_true(i->stats.start_ns >= start);
        assert_true(deadlines[ndeadlines - 1] == i->stats.start_ns + 5000 * MS);
    }
}

static void test_prepared_and_given_up(void **state)
{
    (void)state;
    make();
    assert_int_equal(wasmvm_prepare(i, &error), WASMVM_OK);
    wasmvm_instance_free(i);
    i = NULL;
    assert_string_equal(record, "build wasi open stop shut close no-tmp free");
}

static bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

/* A socket that was taken is the machine's; what is no socket was a mistake, and stays. */
static void test_sockets_that_are_taken(void **state)
{
    for (int start = 0; start < 2; start++) {
        int ends[2], tube[2];
        teardown(state), setup(state);
        assert_return_code(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), errno);
        assert_return_code(pipe(tube), errno);
        wasmvm_config_socket(config, ends[0], WASMVM_SOCKET_TAKEN);
        wasmvm_config_socket(config, ends[1], 0);
        wasmvm_config_socket(config, tube[0], WASMVM_SOCKET_TAKEN);
        make();
        assert_true(is_open(ends[0]));
        if (start)
            assert_int_equal(wasmvm_prepare(i, &error), WASMVM_OK);
        assert_int_equal(is_open(ends[0]), !start);
        wasmvm_instance_free(i);
        i = NULL;
        assert_false(is_open(ends[0]));
        assert_true(is_open(ends[1]) && is_open(tube[0]));
        close(ends[1]), close(tube[0]), close(tube[1]);
    }
}

/* A host function that does not come back keeps what it may touch. */
static void test_an_abandoned_run(void **state)
{
    (void)state;
    comes_back = false;
    run_ends = (struct end){.kind = ENDED_SIGNAL, .code = SIGTERM};
    make();
    assert_int_equal(wasmvm_run(i, &error), WASMVM_E_STOPPED);
    assert_true(wasmvm_abandoned(i));
    assert_string_equal(record, "build wasi open run no-tmp");
    wasmvm_instance_free(i);
    assert_string_equal(record, "build wasi open run no-tmp");
    i->abandoned = false; /* for ASan's sake */
}

/* Of a machine with a snapshot KVM's part stays, where it ended by itself. */
static void test_a_machine_that_can_be_taken_back(void **state)
{
    static const enum end_kind kinds[] = {ENDED_EXIT, ENDED_TRAP};
    for (int k = 0; k < 2; k++) {
        teardown(state), setup(state);
        snapped = true;
        run_ends = (struct end){.kind = kinds[k], .text = (char *)"unreachable"};
        make();
        wasmvm_run(i, &error);
        assert_string_equal(record, k ? "build wasi open run shut close no-tmp"
                                      : "build wasi open run shut no-tmp");
        assert_int_equal(instance_returns(i), !k);
    }
}

static void test_what_is_kept_of_a_run(void **state)
{
    (void)state;
    missed = true;
    lost = (struct words_lost){.trace = 4, .records = 5, .escapes = 6};
    make();
    i->outlet.lost = 8;
    wasmvm_run(i, &error);
    uint64_t count = 0;
    assert_string_equal(wasmvm_missing_path(i, &count), "/missing");
    assert_int_equal(count, 3);
    assert_string_equal(i->stats.missing_path, "/missing");
    assert_string_equal(i->stats.refused_path, "/refused");
    assert_string_equal(i->stats.refused_why, "a link");
    assert_int_equal(i->stats.refused_count, 2);
    assert_true(i->stats.lost_trace == 4 && i->stats.lost_records == 5);
    assert_true(i->stats.lost_escapes == 6 && i->stats.lost_lines == 8);
    assert_true(i->stats.max_rss_bytes > 1 << 20);
    assert_string_equal(logged, "a word of the run\nprog.wasm: 6 sequences that control a terminal "
                                "were left out (--raw-tty lets them pass)\n");
}

static void test_a_network_inside_the_program(void **state)
{
    static const enum call calls[] = {CALL_fd_write, CALL_sock_accept, CALL_sock_getpeeraddr_v1};
    for (int k = 0; k < 3; k++) {
        teardown(state), setup(state);
        make();
        i->stats.guest.own_network = true;
        i->stats.calls[calls[k]].count = 1;
        wasmvm_run(i, &error);
        assert_int_equal(strstr(logged, "inside the program") != NULL, k == 0);
    }
    teardown(state), setup(state);
    make();
    wasmvm_run(i, &error);
    assert_null(strstr(logged, "inside the program"));
}

static void test_a_timeline_where_one_is_wanted(void **state)
{
    make();
    assert_null(i->stats.timeline);
    for (int began = 0; began < 2; began++) {
        teardown(state), setup(state);
        wasmvm_config_flag(config, "trace-start");
        if (began)
            wasmvm_config_began(config, 1000), wasmvm_config_cpu_began(config, 77);
        make();
        assert_non_null(i->stats.timeline);
        assert_true((i->stats.timeline->began_ns == 1000) == began);
        assert_true(i->stats.timeline->began_ns != 0);
        assert_int_equal(i->stats.timeline->exec_cpu_ns, began ? 77 : 0);
        wasmvm_run(i, &error);
        const struct timeline *t = i->stats.timeline;
        assert_int_equal(t->nphases, 3);
        assert_string_equal(t->phases[1].name, "grants, streams, network");
        assert_string_equal(t->phases[2].name, "the machine is closed");
    }
}

static void test_stops_and_signals(void **state)
{
    (void)state;
    make();
    wasmvm_stop(i);
    assert_true(stopped.kind == ENDED_SIGNAL && stopped.number == SIGTERM);
    wasmvm_stop_as(i, SIGINT);
    assert_true(stopped.kind == ENDED_SIGNAL && stopped.number == SIGINT);
    for (taken = SIGNAL_TAKEN; taken <= SIGNAL_IGNORED; taken++)
        assert_int_equal(wasmvm_signal(i, 1), taken);
    assert_true(raised[0] == 3 && raised[1] == 1);
    assert_int_equal(wasmvm_signal(i, 0), WASMVM_SIGNAL_UNWANTED);
    assert_int_equal(wasmvm_signal(i, -1), WASMVM_SIGNAL_UNWANTED);
    assert_int_equal(raised[0], 3);
    wasmvm_run(i, &error);
    assert_int_equal(raised[2], 1); /* nobody hears any more */
}

static void test_words_of_host_functions(void **state)
{
    wasmvm_host host;
    (void)state;
    make();
    wasmvm_services(&host);
    assert_int_equal(services, 1);
    struct outlet *before = outlet_use(&i->outlet);
    host.log(&host, 0, "100 %");
    outlet_use(before);
    assert_string_equal(logged, "100 %\n");
}

/* ---- providers ---- */

static int nothing(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call, (void)args, (void)result;
    return 0;
}

static void test_providers(void **state)
{
    static const wasmvm_func good = {.module = "m", .name = "f", .sig = "i:i", .fn = nothing};
    static const wasmvm_func bad = {.module = "m", .name = "g", .sig = "?", .fn = nothing};
    static const wasmvm_provider rows[] = {
        { "a", "1", "a.so", WASMVM_PLUGIN_ONE_THREAD },
        { "b", "2", "b", WASMVM_PROVIDER_PROCESS },
        { "c", "3", "c.so", 0 },
        { "d", "4", "d", WASMVM_PROVIDER_PROCESS },
        { "e", "5", "e.so", WASMVM_PLUGIN_ONE_THREAD | WASMVM_PROVIDER_APART },
    };
    (void)state;
    make();
    for (int k = 0; k < 5; k++) {
        wasmvm_func func = good;
        func.name = rows[k].name;
        assert_int_equal(wasmvm_instance_provider(i, &rows[k], &func, 1, &error), WASMVM_OK);
    }
    /* processes first, each kind in its order */
    static const char *const order[] = {"b", "d", "a", "c", "e"};
    assert_ptr_equal(i->config.loaded, &i->loaded);
    assert_ptr_equal(i->config.host, &i->host);
    assert_int_equal(i->loaded.n, 5);
    for (int k = 0; k < 5; k++) {
        assert_string_equal(i->loaded.at[k].name, order[k]);
        assert_int_equal(i->loaded.at[k].process, k < 2);
        assert_int_equal(i->loaded.at[k].flags, k == 2   ? WASMVM_PLUGIN_ONE_THREAD
                         : k == 4 ? rows[4].flags
                                  : 0);
    }
    assert_string_equal(i->loaded.at[2].provider, "plug-in a");
    assert_string_equal(i->loaded.at[2].version, "1");
    assert_string_equal(i->loaded.at[2].from, "a.so");
    assert_int_equal(i->host.n, 5);
    assert_true(i->host.entries[0].one_thread && !i->host.entries[1].one_thread);
    assert_false(i->host.entries[4].one_thread); /* any thread may ask another process */
    assert_int_equal(wasmvm_instance_provider(i, &rows[0], &bad, 1, &error), WASMVM_E_USAGE);
    wasmvm_run(i, &error);
    assert_string_equal(record, "build look wasi open run shut close no-tmp");
    assert_int_equal(wasmvm_instance_provider(i, &rows[0], &good, 1, &error), WASMVM_E_USAGE);
    assert_non_null(strstr(error.text, "started before"));
}

static void test_validation(void **state)
{
    (void)state;
    run_ends = (struct end){.kind = ENDED_INVALID, .text = (char *)"bad magic"};
    assert_int_equal(wasmvm_module_validate(module, &error), WASMVM_E_INVALID);
    assert_non_null(strstr(error.text, "bad magic"));
    assert_string_equal(record, "new build wasi open run shut close no-tmp free");
    assert_true(validated);
    run_ends = (struct end){.kind = ENDED_EXIT};
    assert_int_equal(wasmvm_module_validate(module, &error), WASMVM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_words_and_directories),
        CASE(test_who_has_an_etc),
        CASE(test_an_etc_with_sockets_that_are_handed_over),
        CASE(test_where_a_program_with_an_etc_starts),
        CASE(test_certificates_of_its_own),
        CASE(test_no_machine),
        CASE(test_a_run_in_order),
        CASE(test_what_fails_is_given_back),
        CASE(test_a_time_limit_counts_from_the_start),
        CASE(test_no_time_limit),
        CASE(test_prepared_before),
        CASE(test_prepared_and_given_up),
        CASE(test_sockets_that_are_taken),
        CASE(test_an_abandoned_run),
        CASE(test_a_machine_that_can_be_taken_back),
        CASE(test_what_is_kept_of_a_run),
        CASE(test_a_network_inside_the_program),
        CASE(test_a_timeline_where_one_is_wanted),
        CASE(test_stops_and_signals),
        CASE(test_words_of_host_functions),
        CASE(test_providers),
        CASE(test_validation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
