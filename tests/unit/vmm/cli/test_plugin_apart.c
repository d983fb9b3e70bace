/* Libraries in processes of their own, without a machine: turns over the shared page, and processes
 * that lie in it.
 *
 * The processes are this program again, with a word that says how to behave. */
#include <stddef.h>

static const char *own_program(const char *what, const char *name, char *room, size_t cap);
#define program_find own_program
#include "vmm/cli/plugin_apart.c" /* its constants are static */
#undef program_find

#include "child.h"
#include <sys/prctl.h>

#define MS UINT64_C(1000000)

static char self[4096], why[PLUGIN_WHY], trapped[300];
static unsigned exports, waits;
static bool stop_wanted, was_stuck;
static struct apart *process;

static const char *own_program(const char *what, const char *name, char *room, size_t cap)
{
    (void)what, (void)name, (void)room, (void)cap;
    return self;
}

/* ---- doubles ---- */

static uint64_t fake_size(wasmvm_call *call)
{
    (void)call;
    return 65536;
}

static void fake_trap(wasmvm_call *call, const char *text)
{
    (void)call;
    snprintf(trapped, sizeof trapped, "%s", text);
}

static int call_function(uint64_t arg, uint64_t *result)
{
    uint32_t n;
    const wasmvm_func *f = apart_funcs(process, &n);
    const wasmvm_val args[] = {{.u64 = arg}, {.u64 = 2}, {.u64 = 3},
                               {.u64 = 4},   {.u64 = 5}, {.u64 = 6}};
    wasmvm_val value = {.u64 = 0};
    int status = f->fn(f->data, (wasmvm_call *)1, args, &value);
    *result = value.u64;
    return status;
}

/* The export calls the function again, down to 0. */
static int fake_export(wasmvm_call *call, const char *name, const wasmvm_val *args, uint32_t n,
                       wasmvm_val *result)
{
    (void)call;
    exports++;
    if (strcmp(name, "again") != 0)
        return WASMVM_NO_EXPORT;
    if (n != 1)
        return WASMVM_BAD_TYPE;
    if (args[0].u64 == 0)
        return WASMVM_OK;
    return call_function(args[0].u64 - 1, &result->u64) ? WASMVM_ENDED : WASMVM_OK;
}

/* As if a stop came after a third of a second. */
static int fake_wait(wasmvm_call *call, int fd, short events)
{
    (void)call;
    struct pollfd one = {.fd = fd, .events = events};
    waits++;
    if (events && poll(&one, 1, stop_wanted ? 300 : 60000) == 0)
        return WASMVM_ENDED;
    return stop_wanted && waits > 1000 ? WASMVM_ENDED : WASMVM_OK;
}

static const struct wasmvm_host services = {
    .size = sizeof services, .mem_size = fake_size, .trap = fake_trap,
    .call_export = fake_export, .wait = fake_wait,
};

static void fake_stuck(void)
{
    was_stuck = true;
    kill(process->pid, SIGKILL); /* in place of our own end */
}

/* ---- the monitor's side ---- */

static bool begin(const char *how, uint64_t deadline_ns)
{
    char *words[] = {(char *)how, "key=value"};
    const struct apart_limit limit = {.deadline_ns = deadline_ns, .stuck = fake_stuck};
    int memory = plugins_memory(why);
    *trapped = 0;
    exports = waits = 0;
    was_stuck = false;
    assert_true(memory >= 0);
    process = apart_start(words, 2, memory, &services, why);
    close(memory);
    assert_non_null(process);
    return apart_hello(process, &limit, why);
}

static void end_within(uint64_t most_ns)
{
    const struct apart_limit limit = {.deadline_ns = clock_now_ns() + most_ns,
                                      .stuck = fake_stuck};
    pid_t pid = apart_pid(process);
    apart_end(process, &limit);
    kill(pid, SIGKILL); /* it would end with us */
    waitpid(pid, NULL, 0);
    sigset_t child; /* the next one's signal is to be another */
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigtimedwait(&child, NULL, &(struct timespec){0});
}

/* Of some it is known that they do not end. */
static void end(void) { end_within(500 * MS); }

static void test_calls(void **state)
{
    (void)state;
    uint64_t result;
    uint32_t n;
    int before = host_descriptors();
    assert_true(begin("sum", 0));
    assert_string_equal(apart_name(process), "lib");
    assert_string_equal(apart_version(process), "1.0");
    assert_int_equal(apart_flags(process), WASMVM_PLUGIN_NEEDS_FILES);
    assert_string_equal(apart_funcs(process, &n)[0].sig, "IIIIII:I");
    assert_int_equal(n, 1);
    for (uint64_t i = 0; i < 500; i++) {
        assert_int_equal(call_function(i, &result), 0);
        assert_int_equal(result, i + 20 + 65536);
    }
    end_within(300000 * MS);
    assert_false(was_stuck);
    assert_int_equal(host_descriptors(), before);
}

/* Looking has an end, and after some vain looks there are none for a while. */
static void test_looks(void **state)
{
    (void)state;
    struct turn turn = {.given = 7};
    struct turn_patience p = {.ns = 1};
    unsigned rests = 0;
    assert_true(turn_look(&turn, 7, &p));
    for (int i = 0; i < 1000; i++) {
        assert_false(turn_look(&turn, 8, &p));
        rests += p.rest != 0;
    }
    assert_true(rests > 900);
    assert_true(turn_look(&turn, 7, &p));
    p = (struct turn_patience){.ns = 0}; /* too few CPUs */
    assert_false(turn_look(&turn, 8, &p));
    assert_true(turn_look(&turn, 7, &p));
    assert_int_equal(p.vain, 0);
    struct turn own = {0};
    assert_false(turn_asleep(&own, &turn, 7)); /* it came meanwhile */
    assert_int_equal(own.asleep, 0);
    assert_true(turn_asleep(&own, &turn, 8));
    assert_true(turn_give(&turn, &own, 8));
}

static void test_nested(void **state)
{
    (void)state;
    uint64_t result;
    assert_true(begin("nest", 0));
    assert_int_equal(call_function(200, &result), 0);
    assert_int_equal(result, 200);
    assert_int_equal(exports, 201);
    end();
}

static void traps(const char *how, const char *sentence)
{
    uint64_t result;
    assert_true(begin(how, 0));
    for (int i = 0; i < 2; i++) {
        *trapped = 0;
        assert_int_not_equal(call_function(1, &result), 0);
        if (!strstr(trapped, sentence))
            print_error("%s: \"%s\" wanted, not \"%s\"\n", how, sentence, trapped);
        assert_non_null(strstr(trapped, sentence));
    }
    end();
}

static void test_misbehaviour(void **state)
{
    (void)state;
    traps("trap", "as asked");
    traps("exit", "plug-in lib: its process ended with status 3");
    traps("kill", "plug-in lib: its process was ended by signal 9 (Killed)");
    traps("close", "plug-in lib: its process closed its socket");
    traps("rumours", "plug-in lib: its process closed its socket");
    traps("kind0", "plug-in lib: its process broke the rules of its page");
    traps("kind77", "plug-in lib: its process broke the rules of its page");
    traps("kindcall", "plug-in lib: its process broke the rules of its page");
}

/* Sizes that no honest process has, and a name without an end. */
static void test_sizes(void **state)
{
    (void)state;
    uint64_t result;
    assert_true(begin("exports", 0));
    assert_int_equal(call_function(1, &result), 0);
    assert_int_equal(result, 3); /* each was refused */
    assert_int_equal(exports, 1);
    end();
    assert_true(begin("trapend", 0));
    assert_int_not_equal(call_function(1, &result), 0);
    assert_int_equal(strlen(trapped), TURN_TEXT - 1);
    end();
}

/* Another thread of it writes everywhere in the page, the monitor's half included.  What comes of
 * the calls is not known; nothing else is touched, and a stop ends it. */
static void test_a_page_that_changes(void **state)
{
    (void)state;
    uint64_t result;
    stop_wanted = true;
    for (int round = 0; round < 3; round++) {
        assert_true(begin("scribble", 0));
        for (int i = 0; i < 300 && !process->broken; i++)
            call_function((uint64_t)i, &result);
        end();
    }
    stop_wanted = false;
}

static void test_stop_in_a_call(void **state)
{
    (void)state;
    uint64_t result;
    stop_wanted = true;
    traps("hang", "plug-in lib: its process was stopped in a call");
    traps("flood", "plug-in lib: its process was stopped in a call");
    traps("torrent", "plug-in lib: its process was stopped in a call");
    traps("asks", "plug-in lib: its process was stopped in a call");
    assert_true(begin("leaves", 0)); /* as wasmvm_host's wait does */
    assert_int_equal(call_function(1, &result), 0);
    assert_int_equal(result, 99);
    end();
    stop_wanted = false;
}

static void refuses(const char *how, const char *sentence)
{
    assert_false(begin(how, 0));
    if (!strstr(why, sentence))
        print_error("%s: \"%s\" wanted, not \"%s\"\n", how, sentence, why);
    assert_non_null(strstr(why, sentence));
    end();
}

static void test_no_hello(void **state)
{
    (void)state;
    refuses("early", "its process ended with status 4 before it was loaded");
    refuses("sorry", "not today");
    refuses("long", "before it was loaded");
    refuses("rude", "or says what cannot be");
    refuses("cut", "or says what cannot be");
    refuses("flags", "or says what cannot be"); /* as a process of frames, whose jail is wider */
    refuses("many", "more than 4096 functions");
    assert_false(begin("mute", clock_now_ns() + 200 * MS));
    assert_true(was_stuck);
    end();
}

static void test_fini_that_hangs(void **state)
{
    (void)state;
    assert_true(begin("stays", 0));
    end();
    assert_true(was_stuck);
    assert_true(begin("drowns", 0)); /* what it sends is more than can be read */
    end();
    assert_true(was_stuck);
}

/* ---- the processes themselves ---- */

static struct turns *page;
static uint32_t taken;

static void put(uint32_t kind, const void *body, uint32_t len)
{
    uint8_t head[FRAME_HEAD];
    frame_head(head, kind, len);
    if (!write_all(TURNS_SOCKET, head, sizeof head) || !write_all(TURNS_SOCKET, body, len))
        _exit(5);
}

static void reply(uint32_t kind, uint32_t number)
{
    page->library.kind = kind;
    page->library.number = number;
    if (turn_give(&page->library, &page->monitor, taken) && write(TURNS_SOCKET, "", 1) != 1)
        _exit(6);
}

static uint32_t next(void)
{
    taken++;
    while (turn_asleep(&page->library, &page->monitor, taken)) {
        syscall(SYS_futex, &page->monitor.given, FUTEX_WAIT, taken - 1, NULL, NULL, 0);
        turn_awake(&page->library);
        if (turn_came(&page->monitor, taken))
            break;
    }
    return page->monitor.kind;
}

static uint64_t nest(uint64_t arg)
{
    strcpy(page->library.text, "again");
    page->library.values[0] = arg;
    reply(TURN_EXPORT, 1);
    while (next() == TURN_CALL) {
        page->library.values[0] = nest(page->monitor.values[0]);
        reply(TURN_RESULT, 0);
    }
    return arg ? page->monitor.values[0] + 1 : 0;
}

static void *scribble(void *seed)
{
    uint32_t s = (uint32_t)(uintptr_t)seed;
    for (;;) {
        s = s * 1664525 + 1013904223;
        volatile uint32_t *word = (volatile uint32_t *)page + (s >> 8) % (sizeof *page / 4);
        *word = s & 7 ? s >> 28 : s;
        if (s >> 26 == 0)
            (void)!write(TURNS_SOCKET, "", 1);
    }
    return NULL;
}

static void exports_lie(void)
{
    static const uint32_t sizes[] = {65, 0x80000000, 0xffffffff};
    uint64_t refused = 0;
    for (unsigned i = 0; i < 3; i++) {
        reply(TURN_EXPORT, sizes[i]);
        refused += next() == TURN_ANSWER && (int)page->monitor.number == WASMVM_BAD_TYPE;
    }
    memset(page->library.text, 'x', TURN_TEXT);
    reply(TURN_EXPORT, 0);
    if (next() != TURN_ANSWER || (int)page->monitor.number != WASMVM_NO_EXPORT)
        _exit(7);
    page->library.values[0] = refused;
    reply(TURN_RESULT, 0);
}

static bool kind_lies(const char *how)
{
    static const struct { const char *how; uint32_t kind; } kinds[] = {
        {"kind0", 0}, {"kind77", 77}, {"kindcall", TURN_CALL}, {"trap", TURN_TRAP},
    };
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(how, kinds[i].how) == 0) {
            strcpy(page->library.text, "as asked");
            reply(kinds[i].kind, 0);
            return true;
        }
    return false;
}

/* More at once than the other side reads at once. */
static void pour(void)
{
    static char much[1 << 16];
    (void)!write(TURNS_SOCKET, much, sizeof much);
}

/* Another process of its says without end that one of ours has ended, and ends with this one. */
static void rumours_spread(void)
{
    pid_t monitor = getppid();
    if (fork() != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(TURNS_SOCKET);
    while (kill(monitor, SIGCHLD) == 0) {}
    _exit(0);
}

static void behave(const char *how)
{
    uint64_t arg = page->monitor.values[0], sum = page->monitor.size;
    if (kind_lies(how))
        return;
    if (strcmp(how, "exports") == 0) {
        exports_lie();
        return;
    }
    if (strcmp(how, "exit") == 0)
        _exit(3);
    if (strcmp(how, "kill") == 0)
        raise(SIGKILL);
    bool rumours = strcmp(how, "rumours") == 0, closes = rumours || strcmp(how, "close") == 0;
    if (rumours)
        rumours_spread();
    if (closes)
        close(TURNS_SOCKET);
    if (closes || strcmp(how, "hang") == 0)
        for (;;)
            pause();
    while (strcmp(how, "flood") == 0)
        (void)!write(TURNS_SOCKET, "", 1);
    while (strcmp(how, "torrent") == 0)
        pour();
    while (strcmp(how, "asks") == 0) {
        strcpy(page->library.text, "nothing of that name");
        reply(TURN_EXPORT, 0);
        next();
    }
    if (strcmp(how, "trapend") == 0) {
        memset(page->library.text, 'x', TURN_TEXT);
        reply(TURN_TRAP, 0);
        return;
    }
    if (strcmp(how, "leaves") == 0) {
        poll(&(struct pollfd){.fd = TURNS_SOCKET, .events = POLLIN}, 1, -1);
        sum = page->stop ? 99 : 0;
    } else if (strcmp(how, "nest") == 0) {
        sum = nest(arg);
    } else {
        for (int i = 0; i < 6; i++)
            sum += page->monitor.values[i];
    }
    page->library.values[0] = sum;
    reply(TURN_RESULT, 0);
}

#define HELLO_NAMES "lib\0001.0\0env\0f\0IIIIII:I"
#define HELLO "\2\0\0\0" HELLO_NAMES

static void greet(const char *how)
{
    static char many[9 + 3 * 4097] = "\2\0\0\0lib\0";
    if (strcmp(how, "early") == 0)
        _exit(4);
    if (strcmp(how, "mute") == 0)
        pause();
    if (strcmp(how, "long") == 0)
        _exit(write(TURNS_SOCKET, "\1\0\0\1\1\0\0\0", 8) != 8);
    if (strcmp(how, "sorry") == 0)
        put(FRAME_TRAP, "not today", 9);
    else if (strcmp(how, "rude") == 0)
        put(FRAME_RESULT, "12345678", 8);
    else if (strcmp(how, "many") == 0)
        put(FRAME_HELLO, many, sizeof many);
    else if (strcmp(how, "flags") == 0)
        put(FRAME_HELLO, "\2\0\0\x80" HELLO_NAMES, sizeof HELLO);
    else
        put(FRAME_HELLO, HELLO, sizeof HELLO - (strcmp(how, "cut") == 0));
}

static _Noreturn void be(const char *how)
{
    pthread_t thread;
    page = mmap(NULL, TURNS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, TURNS_PAGE, 0);
    greet(how);
    bool scribbles = strcmp(how, "scribble") == 0;
    for (uintptr_t i = 0; scribbles && i < 2; i++)
        pthread_create(&thread, NULL, scribble, (void *)(getpid() + i));
    while (scribbles) {
        taken = page->monitor.given;
        reply(TURN_RESULT + taken % 3, taken % 5);
    }
    while (next() == TURN_CALL)
        behave(how);
    if (strcmp(how, "stays") == 0)
        pause();
    while (strcmp(how, "drowns") == 0)
        pour();
    reply(TURN_RESULT, 0);
    _exit(0);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        be(argv[1]);
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_looks),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_misbehaviour),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_a_page_that_changes),
        cmocka_unit_test(test_stop_in_a_call),
        cmocka_unit_test(test_no_hello),
        cmocka_unit_test(test_fini_that_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
