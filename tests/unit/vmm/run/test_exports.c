/* A machine whose exports are called from outside (exports.c): its vCPU's thread begins, waits for
 * calls, and is joined where the run is over; what does not begin leaves nothing.  The run loop,
 * the hand-over and what is asked of the guest are doubles. */
#include "vmm/run/vcpu.h" /* before <cmocka.h>, which has a macro fail */

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char a_vm, a_wasi; /* nobody looks into them */
static struct vm *const vm = (struct vm *)&a_vm;
static struct wasi *const wasi = (struct wasi *)&a_wasi;
static struct end ended;
static struct exports e;
static struct outlet outlet;
static struct machine machine;

/* ---- doubles ---- */

static struct vcpu *begun;
static int thread_error;
static bool threadless, awaits, loops_on;
static unsigned booted, frees, stops, loops;
static struct outlet *used;
static int asked;
static struct { const char *name; uint32_t func, n, nresults; } last;

struct machine vm_machine(struct vm *of)
{
    assert_ptr_equal(of, vm);
    return machine;
}

void boot_exports(struct vm *of)
{
    assert_ptr_equal(of, vm);
    booted++;
}

void vcpu_begin(struct vcpu *v, bool without_thread)
{
    begun = v;
    threadless = without_thread;
    v->service.outlet = &outlet;
}

void vcpu_none(struct end *end, const char *what, const char *hint)
{
    *end = (struct end){.kind = ENDED_USAGE, .code = (uint32_t)errno};
    assert_non_null(what);
    assert_non_null(hint);
}

bool vcpu_loop(struct vcpu *v)
{
    assert_ptr_equal(v, begun);
    while (__atomic_load_n(&loops_on, __ATOMIC_ACQUIRE))
        sched_yield();
    loops++; /* read behind the join */
    return true;
}

struct outlet *outlet_use(struct outlet *o)
{
    used = o;
    return NULL;
}

int thread_start(pthread_t *thread, const struct thread_how *how, void *(*start)(void *),
                 void *context)
{
    (void)how;
    return thread_error ? thread_error : pthread_create(thread, NULL, start, context);
}

bool service_await(struct service *s)
{
    assert_ptr_equal(s, &begun->service);
    if (!awaits)
        __atomic_store_n(&loops_on, false, __ATOMIC_RELEASE);
    return awaits;
}

static unsigned resumed;

void service_resume(struct service *s)
{
    assert_ptr_equal(s, &begun->service);
    resumed++;
}

bool service_stop(struct service *s)
{
    assert_ptr_equal(s, &begun->service);
    __atomic_store_n(&loops_on, false, __ATOMIC_RELEASE);
    stops++;
    return true;
}

static int answer(void)
{
    if (asked == WASMVM_ENDED)
        __atomic_store_n(&loops_on, false, __ATOMIC_RELEASE);
    return asked;
}

int ask_find(struct vcpu *v, enum server who, const char *name, uint32_t *func, char *sig)
{
    assert_ptr_equal(v, begun);
    assert_int_equal(who, ON_SERVER);
    last.name = name;
    *func = 5;
    strcpy(sig, "i:i");
    return answer();
}

int ask_call(struct vcpu *v, enum server who, uint32_t func, const uint64_t *args, uint32_t n,
             uint64_t *results, uint32_t nresults)
{
    assert_ptr_equal(v, begun);
    assert_int_equal(who, ON_SERVER);
    last.func = func, last.n = n, last.nresults = nresults;
    results[0] = args[0] + 1;
    return answer();
}

void ask_free(struct vcpu *v)
{
    assert_ptr_equal(v, begun);
    frees++;
}

/* ---- tests ---- */

static int setup(void **state)
{
    (void)state;
    begun = NULL, used = NULL;
    thread_error = 0;
    threadless = false;
    awaits = loops_on = true;
    booted = frees = stops = loops = resumed = 0;
    asked = WASMVM_OK;
    ended = (struct end){0};
    e = (struct exports){0};
    return 0;
}

static void begin(void)
{
    machine.vm = vm;
    assert_true(exports_start(&e, vm, wasi, &ended));
    assert_ptr_equal(e.vcpu, begun);
    assert_true(threadless);
    assert_int_equal(booted, 1);
    assert_ptr_equal(begun->wasi, wasi);
    assert_ptr_equal(begun->end, &ended);
    assert_ptr_equal(begun->machine.vm, vm);
    assert_int_equal(frees, 0);
}

static void assert_over(void)
{
    assert_null(e.vcpu);
    assert_int_equal(frees, 1);
    assert_int_equal(loops, 1); /* its thread has ended */
    assert_ptr_equal(used, &outlet);
}

static void test_calls_until_it_is_stopped(void **state)
{
    uint32_t func = 0;
    uint64_t args[1] = {41}, results[1] = {0};
    char sig[CALL_WORDS] = "";
    (void)state;
    begin();
    assert_int_equal(exports_find(&e, "add", &func, sig), WASMVM_OK);
    assert_string_equal(last.name, "add");
    assert_int_equal(func, 5);
    assert_string_equal(sig, "i:i");
    assert_int_equal(exports_call(&e, func, args, 1, results, 1), WASMVM_OK);
    assert_true(last.func == 5 && last.n == 1 && last.nresults == 1);
    assert_int_equal(results[0], 42);
    assert_non_null(e.vcpu);
    exports_stop(&e);
    assert_int_equal(stops, 1);
    assert_over();
    exports_stop(&e); /* a second time: nothing */
    assert_int_equal(stops, 1);
}

/* What a module has not is no end. */
static void test_no_such_export(void **state)
{
    uint32_t func;
    char sig[CALL_WORDS];
    (void)state;
    begin();
    asked = WASMVM_NO_EXPORT;
    assert_int_equal(exports_find(&e, "sub", &func, sig), WASMVM_NO_EXPORT);
    assert_non_null(e.vcpu);
    exports_stop(&e);
    assert_over();
}

static void test_an_end_while_a_name_is_sought(void **state)
{
    uint32_t func;
    uint64_t values[1] = {0};
    char sig[CALL_WORDS];
    (void)state;
    begin();
    asked = WASMVM_ENDED;
    assert_int_equal(exports_find(&e, "add", &func, sig), WASMVM_ENDED);
    assert_over();
    asked = WASMVM_OK; /* nobody is there to be asked */
    assert_int_equal(exports_find(&e, "add", &func, sig), WASMVM_ENDED);
    assert_int_equal(exports_call(&e, 5, values, 1, values, 1), WASMVM_ENDED);
    exports_stop(&e);
    assert_int_equal(stops, 0);
    assert_int_equal(frees, 1);
}

static void test_an_end_in_a_call(void **state)
{
    uint64_t values[1] = {0};
    (void)state;
    begin();
    asked = WASMVM_ENDED;
    assert_int_equal(exports_call(&e, 5, values, 1, values, 1), WASMVM_ENDED);
    assert_over();
}

/* The run ended before the module waited for calls. */
static void test_it_never_waits(void **state)
{
    (void)state;
    awaits = false;
    assert_false(exports_start(&e, vm, wasi, &ended));
    assert_over();
    assert_int_equal(ended.kind, ENDED_NOT); /* the run said why, not exports.c */
}

/* A machine that is taken back: its module waits already, and is not told anew. */
static void test_taken_back(void **state)
{
    (void)state;
    awaits = false; /* nobody is waited for */
    machine.vm = vm;
    assert_true(exports_resume(&e, vm, wasi, &ended));
    assert_true(begun->resumed && threadless);
    assert_int_equal(resumed, 1);
    assert_int_equal(booted, 0);
    exports_stop(&e);
    assert_over();
    setup(state);
    begin();
    assert_false(begun->resumed);
    assert_int_equal(resumed, 0);
    exports_stop(&e);
    setup(state);
    thread_error = EAGAIN;
    assert_false(exports_resume(&e, vm, wasi, &ended));
    assert_null(e.vcpu);
    assert_int_equal(ended.code, EAGAIN);
}

static void test_no_thread(void **state)
{
    (void)state;
    thread_error = EAGAIN;
    assert_false(exports_start(&e, vm, wasi, &ended));
    assert_null(e.vcpu);
    assert_int_equal(ended.kind, ENDED_USAGE);
    assert_int_equal(ended.code, EAGAIN); /* errno, of which the sentence is made */
    assert_int_equal(loops, 0);
    exports_stop(&e);
    assert_int_equal(stops, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_calls_until_it_is_stopped, setup),
        cmocka_unit_test_setup(test_no_such_export, setup),
        cmocka_unit_test_setup(test_an_end_while_a_name_is_sought, setup),
        cmocka_unit_test_setup(test_an_end_in_a_call, setup),
        cmocka_unit_test_setup(test_it_never_waits, setup),
        cmocka_unit_test_setup(test_taken_back, setup),
        cmocka_unit_test_setup(test_no_thread, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
