/* Plug-ins, without a machine: the spelling of the options, the frames, and processes that break
 * every rule.
 *
 * The processes are this program again, with a word that says how to behave. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/machine/machine.h"
#include "vmm/cli/plugin.h"

static char why[PLUGIN_WHY];

/* ---- words ---- */

static void cut_is(const char *text, char separator, uint32_t n, const char *const *want)
{
    struct pieces pieces;
    assert_true(pieces_cut(text, separator, &pieces, why));
    assert_int_equal(pieces.n, n);
    for (uint32_t i = 0; i < n; i++)
        assert_string_equal(pieces.at[i], want[i]);
    assert_null(pieces.at[n]);
    pieces_free(&pieces);
}
#define CUT(text, separator, n, ...) cut_is(text, separator, n, (const char *const[]){__VA_ARGS__})

static void test_commas(void **state)
{
    (void)state;
    CUT("a.so", ',', 1, "a.so");
    CUT("a.so,k=v,l=", ',', 3, "a.so", "k=v", "l=");
    CUT("a\\,b.so,k=1\\,2\\\\", ',', 2, "a,b.so", "k=1,2\\");
    CUT("a\\b c", ',', 1, "ab c");
    CUT("", ',', 1, "");
    CUT(",", ',', 2, "", "");
    CUT("a,,b,", ',', 4, "a", "", "b", "");
}

static void test_blanks(void **state)
{
    (void)state;
    CUT("python3 x.py", ' ', 2, "python3", "x.py");
    CUT("  a   b  ", ' ', 2, "a", "b");
    CUT("a\\ b c\\\\d \\e", ' ', 3, "a b", "c\\d", "e");
    CUT("a,b $HOME '*'", ' ', 3, "a,b", "$HOME", "'*'");
    CUT("\\ ", ' ', 1, " ");
    CUT("", ' ', 0, NULL);
    CUT("   ", ' ', 0, NULL);
}

static void test_backslash_at_the_end(void **state)
{
    (void)state;
    struct pieces pieces;
    assert_false(pieces_cut("a\\", ',', &pieces, why));
    assert_string_equal(why, "a backslash at the end (write \\\\ for one)");
    assert_false(pieces_cut("\\", ' ', &pieces, why));
}

/* ---- frames ---- */

/* A heap copy of just these bytes, so that a look past them is seen. */
static enum frame_state look(const void *bytes, size_t n, struct frame *frame)
{
    uint8_t *copy = malloc(n ? n : 1);
    memcpy(copy, bytes, n);
    enum frame_state state = frame_next(copy, n, frame);
    free(copy);
    return state;
}

static void test_frames(void **state)
{
    (void)state;
    struct frame frame;
    uint8_t bytes[FRAME_HEAD + 3] = {0};
    frame_head(bytes, FRAME_LOG, 3);
    assert_memory_equal(bytes, "\3\0\0\0\10\0\0\0", 8);
    for (size_t n = 0; n < sizeof bytes; n++)
        assert_int_equal(look(bytes, n, &frame), FRAME_PARTIAL);
    assert_int_equal(look(bytes, sizeof bytes, &frame), FRAME_WHOLE);
    assert_int_equal(frame.kind, FRAME_LOG);
    assert_int_equal(frame.len, 3);
    frame_head(bytes, 0xffffffff, FRAME_MOST);
    assert_int_equal(look(bytes, sizeof bytes, &frame), FRAME_PARTIAL);
    frame_head(bytes, FRAME_LOG, FRAME_MOST + 1);
    assert_int_equal(look(bytes, sizeof bytes, &frame), FRAME_TOO_LONG);
    frame_head(bytes, FRAME_LOG, 0xffffffff);
    assert_int_equal(look(bytes, FRAME_HEAD, &frame), FRAME_TOO_LONG);
    assert_int_equal(frame_u64((const uint8_t *)"\1\2\3\4\5\6\7\xff"), 0xff07060504030201);
}

static bool hello(const char *body, size_t len, struct hello *out)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, body, len);
    struct frame frame = {FRAME_HELLO, (uint32_t)len, copy};
    bool good = hello_read(&frame, out, why);
    free(copy);
    return good;
}
#define HELLO(literal, out) hello(literal, sizeof literal - 1, out)

static void test_hello(void **state)
{
    (void)state;
    struct hello h;
    assert_true(HELLO("\1\0\0\0kv\0001.0\0get\0iiii:i\0put\0ii:\0", &h));
    assert_string_equal(h.name, "kv");
    assert_string_equal(h.version, "1.0");
    assert_int_equal(h.nfuncs, 2);
    assert_string_equal(h.funcs[1].name, "put");
    assert_string_equal(h.funcs[1].sig, "ii:");
    hello_free(&h);
    assert_true(HELLO("\1\0\0\0kv\0\0", &h));
    assert_int_equal(h.nfuncs, 0);
    hello_free(&h);
    assert_true(HELLO("\1\0\0\0kv\0\0\0\0", &h)); /* host_add refuses such a function */
    hello_free(&h);
}

static void test_hello_refused(void **state)
{
    (void)state;
    struct hello h;
    struct frame other = {FRAME_RESULT, 8, (const uint8_t *)"\1\0\0\0kv\0"};
    assert_false(hello_read(&other, &h, why));
    assert_string_equal(why, "its first frame is no hello (docs/plugins.md describes it)");
    assert_false(HELLO("\1\0\0", &h));
    assert_false(HELLO("\2\0\0\0kv\0\0", &h));
    assert_string_equal(why, "it speaks version 2 of the plug-in ABI, and this wasmvm speaks 1");
    assert_false(HELLO("\1\0\0\0", &h));
    assert_false(HELLO("\1\0\0\0kv\0", &h));
    assert_false(HELLO("\1\0\0\0\0\0", &h));
    assert_false(HELLO("\1\0\0\0kv\0001\0get\0", &h));
    assert_false(HELLO("\1\0\0\0kv\0001\0get\0i", &h));
    assert_string_equal(
        why, "its hello has not a name, a version, and a name and a signature for each function");
    char *many = calloc(1, 6 + 2 * (HELLO_FUNCTIONS_MOST + 2));
    memcpy(many, "\1\0\0\0kv", 6);
    assert_true(hello(many, 6 + 2 * (HELLO_FUNCTIONS_MOST + 1), &h));
    assert_int_equal(h.nfuncs, HELLO_FUNCTIONS_MOST);
    hello_free(&h);
    assert_false(hello(many, 6 + 2 * (HELLO_FUNCTIONS_MOST + 2) - 1, &h));
    assert_false(hello(many, 6 + 2 * (HELLO_FUNCTIONS_MOST + 2), &h));
    assert_string_equal(why, "it has 4097 functions (4096 are the most)");
    free(many);
}

/* A hello that ends anywhere: it is good behind a version or a signature, and nowhere else; no byte
 * past it is read. */
static void test_hello_cut(void **state)
{
    (void)state;
    static const char whole[] = "\1\0\0\0kv\0001.0\0get\0iiii:i\0put\0ii:"; /* and its NUL */
    for (size_t len = 0; len <= sizeof whole; len++) {
        struct hello h;
        char cut[sizeof whole + 1] = "";
        memcpy(cut, whole, len < sizeof whole ? len : sizeof whole);
        cut[sizeof whole] = 'x'; /* one byte more, of a name that has no NUL */
        bool want = len == 11 || len == 22 || len == sizeof whole;
        bool got = hello(cut, len, &h);
        if (got != want)
            print_error("%zu bytes of a hello\n", len);
        assert_int_equal(got, want);
        if (want)
            hello_free(&h);
        if (len == sizeof whole)
            assert_false(hello(cut, len + 1, &h));
    }
}

/* Whatever the bytes are, nothing past them is looked at. */
static void test_random_bytes(void **state)
{
    (void)state;
    uint32_t seed = 12345;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[64];
        struct frame frame;
        struct hello h;
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(seed >> 28 ? seed >> 24 : 0);
        }
        look(bytes, seed >> 8 & 63, &frame);
        memcpy(bytes, "\1\0\0\0", 4);
        if (hello((char *)bytes, seed >> 16 & 63, &h))
            hello_free(&h);
    }
}

/* ---- processes ---- */

#define LARGE (FRAME_MOST + 65536)
static uint8_t memory[LARGE];
static size_t memory_bytes = 65536;
static char trapped[300];
static unsigned exports;
static bool stop_wanted;

static int fake_read(wasmvm_call *call, uint32_t ptr, void *dst, uint32_t len)
{
    (void)call;
    if (ptr > memory_bytes || len > memory_bytes - ptr)
        return -1;
    memcpy(dst, memory + ptr, len);
    return 0;
}

static int fake_write(wasmvm_call *call, uint32_t ptr, const void *src, uint32_t len)
{
    (void)call;
    if (ptr > memory_bytes || len > memory_bytes - ptr)
        return -1;
    memcpy(memory + ptr, src, len);
    return 0;
}

static uint64_t fake_size(wasmvm_call *call)
{
    (void)call;
    return memory_bytes;
}

static void fake_trap(wasmvm_call *call, const char *text)
{
    (void)call;
    snprintf(trapped, sizeof trapped, "%s", text);
}

static struct host_table table;

/* The export calls the same function again, down to 0. */
static int fake_export(wasmvm_call *call, const char *name, const wasmvm_val *args, uint32_t n,
                       wasmvm_val *result)
{
    exports++;
    if (strcmp(name, "again") != 0)
        return WASMVM_NO_EXPORT;
    if (n != 1)
        return WASMVM_BAD_TYPE;
    if (args[0].u32 == 0)
        return WASMVM_OK;
    wasmvm_val less = {.u64 = args[0].u64 - 1};
    const struct wasmvm_func *f = &table.entries[0].func;
    return f->fn(f->data, call, &less, result) ? WASMVM_ENDED : WASMVM_OK;
}

/* As if a stop came after half a second. */
static int fake_wait(wasmvm_call *call, int fd, short events)
{
    (void)call;
    int n = events
                ? poll(&(struct pollfd){ .fd = fd, .events = events }, 1, stop_wanted ? 500 : 20000)
                : 1;
    return n > 0 ? WASMVM_OK : WASMVM_ENDED;
}

static const struct wasmvm_host services = {
    .size = sizeof services,
    .read = fake_read,
    .write = fake_write,
    .mem_size = fake_size,
    .trap = fake_trap,
    .call_export = fake_export,
    .wait = fake_wait,
};

static char self[4096];

static struct child *process(char *how)
{
    char *argv[] = {self, how, NULL};
    host_free(&table);
    memset(memory, 0, sizeof memory);
    *trapped = 0;
    exports = 0;
    struct child *c = child_start(argv, "env", &services, why);
    assert_non_null(c);
    return c;
}

/* Its functions come into the table as the library would have them. */
static bool greet(struct child *c, uint64_t patience_ns)
{
    uint32_t n;
    if (!child_hello(c, clock_now_ns() + patience_ns, why))
        return false;
    const wasmvm_func *funcs = child_funcs(c, &n);
    for (uint32_t i = 0; i < n; i++)
        if (!host_add(&table, &funcs[i], child_name(c), true, why))
            return false;
    return true;
}

static struct child *greeted(char *how)
{
    struct child *c = process(how);
    assert_string_equal(greet(c, 20000000000u) ? "" : why, "");
    assert_int_equal(table.n, 1);
    return c;
}

static wasmvm_call *const no_call = (wasmvm_call *)1; /* is only handed on */

static int call(uint64_t arg, uint64_t *result)
{
    const struct wasmvm_func *f = &table.entries[0].func;
    wasmvm_val value = {.u64 = 0};
    int status = f->fn(f->data, no_call, &(wasmvm_val){.u64 = arg}, &value);
    *result = value.u64;
    return status;
}

static void test_a_call(void **state)
{
    (void)state;
    uint64_t result;
    struct child *c = greeted("good");
    assert_string_equal(child_name(c), "good");
    assert_string_equal(child_version(c), "1.0");
    memcpy(memory + 100, "sought", 7);
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(call(i, &result), 0);
        assert_int_equal(result, i * 3 + 6 + memory_bytes);
    }
    assert_memory_equal(memory + 200, "sought", 6);
    child_end(c);
}

/* What fits into one frame goes through, to the byte. */
static void test_the_largest_frames(void **state)
{
    (void)state;
    uint64_t result;
    memory_bytes = LARGE;
    struct child *c = greeted("large");
    memory[FRAME_MOST - 5] = 'r';
    assert_int_equal(call(0, &result), 0);
    assert_int_equal(result, 1);
    assert_int_equal(memory[7 + FRAME_MOST - 5], 'w');
    assert_int_equal(memory[7 + FRAME_MOST - 4], 0);
    child_end(c);
    memory_bytes = 65536;
}

static void test_nested(void **state)
{
    (void)state;
    uint64_t result;
    struct child *c = greeted("nest");
    assert_int_equal(call(300, &result), 0);
    assert_int_equal(result, 300);
    assert_int_equal(exports, 301 + 2); /* and two that are not there or not so */
    child_end(c);
}

static void traps(char *how, const char *sentence)
{
    uint64_t result;
    char want[400];
    struct child *c = greeted(how);
    for (int i = 0; i < 2; i++) {
        *trapped = 0;
        assert_int_not_equal(call(1, &result), 0);
        snprintf(want, sizeof want, sentence, 60, self);
        if (!strstr(trapped, want))
            print_error("%s: \"%s\" wanted, not \"%s\"\n", how, want, trapped);
        assert_non_null(strstr(trapped, want));
    }
    child_end(c);
}

static void test_misbehaviour(void **state)
{
    (void)state;
    traps("trap", "as asked");
    traps("exit", "the plug-in process %.*s ended with status 3");
    traps("half", "the plug-in process %.*s ended with status 0");
    traps("abort", "the plug-in process %.*s was ended by signal 9 (Killed)");
    traps("close", "the plug-in process %.*s closed its socket");
    traps("kind0", "the plug-in process %.*s sent a frame of kind 0, which has no meaning here");
    traps("kind17", "the plug-in process %.*s sent a frame of kind 17, which has no meaning here");
    traps("hello", "the plug-in process %.*s sent a frame of kind 1, which has no meaning here");
    traps("long", "the plug-in process %.*s sent a frame of more than 16 MiB");
    traps("result", "the plug-in process %.*s sent a result that is not 8 bytes");
    traps("read", "the plug-in process %.*s sent a read that is not a pointer and a length");
    traps("write", "the plug-in process %.*s sent a write without a pointer");
    traps("export", "the plug-in process %.*s sent an export that is not a name and its arguments");
    traps("export2",
          "the plug-in process %.*s sent an export that is not a name and its arguments");
}

static void test_stop_in_a_call(void **state)
{
    (void)state;
    stop_wanted = true;
    uint64_t began = clock_now_ns();
    traps("hang", "the plug-in process %.*s was stopped in a call");
    stop_wanted = false;
    assert_true(clock_now_ns() - began < 60 * UINT64_C(1000000000)); /* it hangs for ever */
}

static void refuses(char *how, const char *sentence)
{
    struct child *c = process(how);
    assert_false(greet(c, strcmp(how, "mute") == 0 ? 300000000 : 20000000000));
    if (!strstr(why, sentence))
        print_error("%s: \"%s\" wanted, not \"%s\"\n", how, sentence, why);
    assert_non_null(strstr(why, sentence));
    child_end(c);
}

static void test_no_hello(void **state)
{
    (void)state;
    refuses("mute", "it did not say hello in time");
    refuses("early", "ended with status 4 before it said hello");
    refuses("rude", "its first frame is no hello");
    refuses("badsig", "env.f: a function needs");
}

static void test_not_started(void **state)
{
    (void)state;
    char *none[] = {"/nowhere/at-all", NULL}, *directory[] = {"/tmp", NULL};
    assert_null(child_start(none, "env", &services, why));
    assert_string_equal(
        why,
        "/nowhere/at-all cannot be started: no such program (there is no shell: write its path, "
        "or a name on PATH)");
    assert_null(child_start(directory, "env", &services, why));
    assert_string_equal(why, "/tmp cannot be started: Permission denied");
}

/* ---- the processes themselves ---- */

static void put(uint32_t kind, const void *body, uint32_t len)
{
    uint8_t head[FRAME_HEAD];
    frame_head(head, kind, len);
    if (write(3, head, sizeof head) != sizeof head || write(3, body, len) != len)
        _exit(5);
}

static uint32_t get(uint8_t *body, size_t cap)
{
    uint8_t head[FRAME_HEAD];
    if (read(3, head, sizeof head) != sizeof head)
        _exit(6);
    uint32_t len = frame_u32(head);
    if (len > cap || (len && read(3, body, len) != len))
        _exit(7);
    return frame_u32(head + 4);
}

static int32_t ask(uint32_t kind, const void *body, uint32_t len, uint8_t answer[256])
{
    put(kind, body, len);
    if (get(answer, 256) != FRAME_ANSWER)
        _exit(8);
    return (int32_t)frame_u32(answer);
}

static void good(uint64_t arg)
{
    uint8_t answer[256], bytes[64] = "\310\0\0\0";
    uint64_t size;
    if (ask(FRAME_READ, "\144\0\0\0\6\0\0\0", 8, answer) != 0)
        _exit(20);
    memcpy(bytes + 4, answer + 4, 6);
    if (ask(FRAME_WRITE, bytes, 10, answer) != 0 || ask(FRAME_SIZE, NULL, 0, answer) != 0)
        _exit(21);
    memcpy(&size, answer + 4, sizeof size);
    if (ask(FRAME_READ, "\377\377\0\0\2\0\0\0", 8, answer) != -1 ||
        ask(FRAME_READ, "\0\0\0\0\377\377\377\377", 8, answer) != -1 ||
        ask(FRAME_WRITE, "\377\377\377\377xy", 6, answer) != -1 ||
        ask(FRAME_WRITE, "\0\0\0\0", 4, answer) != 0)
        _exit(22);
    put(FRAME_LOG, "\3\0\0\0not shown", 13);
    put(FRAME_LOG, "", 0);
    uint64_t result = arg * 3 + strlen((char *)bytes + 4) + size;
    put(FRAME_RESULT, &result, 8);
}

static void all_of(bool out, uint8_t *bytes, size_t n)
{
    for (ssize_t done; n; bytes += done, n -= (size_t)done)
        if ((done = out ? write(3, bytes, n) : read(3, bytes, n)) <= 0)
            _exit(10);
}

static void large(void)
{
    static uint8_t bytes[FRAME_HEAD + FRAME_MOST];
    uint8_t answer[256], wish[8] = {0};
    uint32_t most = FRAME_MOST - 4;
    memcpy(wish + 4, &most, 4);
    put(FRAME_READ, wish, 8);
    all_of(false, bytes, FRAME_HEAD + FRAME_MOST); /* the answer: a status, and so many bytes */
    if (frame_u32(bytes) != FRAME_MOST || frame_u32(bytes + FRAME_HEAD) != 0 ||
        bytes[sizeof bytes - 1] != 'r')
        _exit(11);
    most++;
    memcpy(wish + 4, &most, 4);
    if (ask(FRAME_READ, wish, 8, answer) != -1)
        _exit(12);
    memset(bytes, 0, sizeof bytes);
    frame_head(bytes, FRAME_WRITE, FRAME_MOST);
    bytes[FRAME_HEAD] = 7; /* the address */
    bytes[FRAME_HEAD + FRAME_MOST - 1] = 'w';
    all_of(true, bytes, FRAME_HEAD + FRAME_MOST);
    if (get(answer, sizeof answer) != FRAME_ANSWER || frame_u32(answer) != 0)
        _exit(13);
    put(FRAME_RESULT, "\1\0\0\0\0\0\0", 8);
}

/* Deeper by an export, as far as the argument says; the calls that come meanwhile are served. */
static uint64_t nest(uint64_t arg)
{
    uint8_t body[256] = "again", frame[256];
    memcpy(body + 6, &arg, 8);
    put(FRAME_EXPORT, body, 14);
    while (get(frame, sizeof frame) == FRAME_CALL) {
        uint64_t result = nest(frame_u64(frame + 4));
        put(FRAME_RESULT, &result, 8);
    }
    return arg ? frame_u64(frame + 4) + 1 : 0;
}

static void misbehave(const char *how, uint64_t arg)
{
    static const struct {
        const char *how;
        uint32_t kind;
        const char *body;
        uint32_t len;
    } bad[] = {
        { "trap", FRAME_TRAP, "as asked", 8 },
        { "kind0", 0, "", 0 },
        { "kind17", FRAME_ANSWER, "\0\0\0\0", 4 },
        { "hello", FRAME_HELLO, "\1\0\0\0x\0\0", 7 },
        { "result", FRAME_RESULT, "1234567", 7 },
        { "read", FRAME_READ, "1234567", 7 },
        { "write", FRAME_WRITE, "123", 3 },
        { "export", FRAME_EXPORT, "again", 5 },
        { "export2", FRAME_EXPORT, "again\0001234567", 13 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (strcmp(how, bad[i].how) == 0)
            put(bad[i].kind, bad[i].body, bad[i].len);
    if (strcmp(how, "good") == 0)
        good(arg);
    if (strcmp(how, "large") == 0)
        large();
    if (strcmp(how, "exit") == 0)
        _exit(3);
    if (strcmp(how, "half") == 0)
        _exit(write(3, "\4\0\0", 3) != 3);
    if (strcmp(how, "abort") == 0)
        raise(SIGKILL);
    if (strcmp(how, "close") == 0) {
        close(3);
        pause();
    }
    if (strcmp(how, "long") == 0)
        _exit(write(3, "\1\0\0\1\2\0\0\0", 8) != 8 || pause());
    if (strcmp(how, "nest") == 0) {
        uint8_t answer[256];
        if (ask(FRAME_EXPORT, "none\0" "12345678", 13, answer) != WASMVM_NO_EXPORT ||
            ask(FRAME_EXPORT, "again", 6, answer) != WASMVM_BAD_TYPE)
            _exit(23);
        uint64_t result = nest(arg);
        put(FRAME_RESULT, &result, 8);
    }
}

static _Noreturn void be(const char *how)
{
    uint8_t body[256];
    if (strcmp(how, "mute") == 0)
        pause();
    if (strcmp(how, "early") == 0)
        _exit(4);
    if (strcmp(how, "rude") == 0)
        put(FRAME_RESULT, "12345678", 8);
    else if (strcmp(how, "badsig") == 0)
        put(FRAME_HELLO, "\1\0\0\0x\0001\0f\0i:x", 14);
    else
        put(FRAME_HELLO, "\1\0\0\0good\0001.0\0f\0I:I", 19);
    for (;;) {
        if (get(body, sizeof body) != FRAME_CALL || frame_u32(body) != 0)
            _exit(9);
        misbehave(how, frame_u64(body + 4));
    }
}

int main(int argc, char **argv)
{
    if (argc == 2)
        be(argv[1]);
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commas),
        cmocka_unit_test(test_blanks),
        cmocka_unit_test(test_backslash_at_the_end),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_hello_refused),
        cmocka_unit_test(test_hello_cut),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_a_call),
        cmocka_unit_test(test_the_largest_frames),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_misbehaviour),
        cmocka_unit_test(test_stop_in_a_call),
        cmocka_unit_test(test_no_hello),
        cmocka_unit_test(test_not_started),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    host_free(&table);
    return failed;
}
