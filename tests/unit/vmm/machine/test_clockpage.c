/* The clock page follows the host's clocks: steps, slewing, a counter with an offset; monotonic
 * time never goes back.
 *
 * The host's clocks are this file's: they run on the time stamp counter, TICK_NS a tick, so that a
 * second is short. */
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <time.h>
#include <x86intrin.h>

#include "vmm/machine/inside.h" /* before <cmocka.h>, which has a macro fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND_NS 1000000000ll
#define TICK_NS   64
#define NEAR_NS   (SECOND_NS / 100) /* 60 us of the real time: what may come between two readings */
#define TRIES     200               /* ... unless something else has the CPU */
#define OFFSET    0x123456789abull

static struct control area;
static struct run_stats stats;
static struct vm vm;
static struct {
    bool on;
    uint64_t base; /* counter at the beginning */
    double rate;   /* of the host's clocks against the counter; a test changes it */
    uint64_t since; /* counter when it did */
    double before;  /* what had passed then */
    int64_t real, mono;
} host;

static double passed_ns(uint64_t tsc)
{
    return host.before + (double)(tsc - host.since) * TICK_NS * host.rate;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
    if (!host.on || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
        return (int)syscall(SYS_clock_gettime, clock, t);
    int64_t ns = (int64_t)passed_ns(__rdtsc()) + (clock == CLOCK_REALTIME ? host.real : host.mono);
    *t = (struct timespec){ns / SECOND_NS, ns % SECOND_NS};
    return 0;
}

static void slew(double rate)
{
    uint64_t now = __rdtsc();
    host.before = passed_ns(now);
    host.since = now;
    host.rate = rate;
}

static void pass(double seconds)
{
    for (double end = passed_ns(__rdtsc()) + seconds * (double)SECOND_NS;
         passed_ns(__rdtsc()) < end;)
        _mm_pause();
}

static void start(void)
{
    uint64_t now = __rdtsc();
    memset(&area, 0, sizeof area);
    memset(&vm, 0, sizeof vm);
    host = (__typeof__(host)){true, now, 1, now, 0, 1700000000 * SECOND_NS, 5000 * SECOND_NS};
    vm.stats = &stats;
    vm.mem.regions[REGION_CONTROL] = (struct region){ MAP_CONTROL, sizeof area, (uint8_t *)&area,
                                                      true };
    vm.clock = (struct clock){ .usable = true,
                               .offset = OFFSET,
                               .ns_per_tick = TICK_NS,
                               .first_tsc = now,
                               .first_ns = host.mono };
    assert_true(clockpage_refresh(&vm));
}

/* As wasi-shim/clock.c reads it. */
static int64_t guest_ns(bool real, uint64_t tsc)
{
    const struct clock_page *page = &area.clock;
    uint64_t elapsed = tsc + OFFSET - page->base_tsc;
    int64_t ns = (int64_t)((unsigned __int128)elapsed * page->mult >> page->shift);
    return ns + (real ? page->realtime_ns : page->monotonic_ns);
}

/* Guest minus host, where nothing came between sample and page. */
static int64_t ahead(bool real)
{
    uint64_t now = __rdtsc();
    return guest_ns(real, now) - (int64_t)passed_ns(now) - (real ? host.real : host.mono);
}

/* Refreshes until both of the page's clocks are near: an interruption makes them late. */
static void refreshed_near(void)
{
    int64_t real = 0, mono = 0;
    for (int i = 0; i < TRIES; i++) {
        assert_true(clockpage_refresh(&vm));
        real = ahead(true), mono = ahead(false);
        if (real > -NEAR_NS && real < NEAR_NS && mono > -NEAR_NS && mono < NEAR_NS)
            return;
    }
    fail_msg("realtime is ahead by %lld ns, monotonic time by %lld", (long long)real,
             (long long)mono);
}

static void near_the_host_and_good_for_a_second(void **state)
{
    (void)state;
    start();
    for (int i = 0; i < 5; i++) {
        refreshed_near();
        assert_int_equal(area.clock.seq % 2, 0);
        assert_int_equal(area.clock.usable, 1);
        int64_t good = guest_ns(false, area.clock.valid_until_tsc - OFFSET) -
                       area.clock.monotonic_ns;
        assert_in_range(good, SECOND_NS * 99 / 100, SECOND_NS);
        pass(0.7);
    }
    host.on = false;
}

/* KVM's own word on the counter's offset, where it has one. */
static bool kvm_tells;

int ioctl(int fd, unsigned long what, ...)
{
    __builtin_va_list rest;
    (void)fd;
    __builtin_va_start(rest, what);
    const struct kvm_device_attr *attr = __builtin_va_arg(rest, const struct kvm_device_attr *);
    __builtin_va_end(rest);
    if (what != KVM_GET_DEVICE_ATTR || !kvm_tells)
        return -1;
    memcpy((void *)attr->addr, &(uint64_t){OFFSET}, sizeof(uint64_t));
    return 0;
}

/* The guest says what its counter was when it began; then the machine is taken back. */
static void shown_and_again(uint64_t boot_tsc)
{
    area.boot_tsc = boot_tsc;
    clockpage_check(&vm);
    vm.clock.khz = 1000000 / TICK_NS;
    vm.clock.looked_ns = (uint64_t)clock_now_ns();
    strcpy(stats.clock_source, "tsc");
    clockpage_again(&vm);
    assert_true(vm.clock.usable);
    assert_int_equal(area.clock.base_tsc - vm.clock.offset, vm.clock.first_tsc);
}

/* A machine that was taken back keeps what KVM says as well: so its next start need not show it. */
static void an_offset_stays(void **state)
{
    (void)state;
    start();
    kvm_tells = true;
    assert_false(vm.clock.checked);
    shown_and_again(__rdtsc() + OFFSET);
    assert_true(vm.clock.checked);
    assert_int_equal(vm.clock.offset, OFFSET);
    host.on = false;
}

/* What a guest alone says may be a lie, and is nothing to the next one: that shows it anew. */
static void a_lie_goes_with_its_run(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        start();
        kvm_tells = known;
        shown_and_again(__rdtsc() + 77 * OFFSET);
        assert_false(vm.clock.checked);
        assert_int_equal(vm.clock.offset, 0);
        shown_and_again(__rdtsc()); /* as if there were none */
        assert_false(vm.clock.checked);
        assert_int_equal(vm.clock.offset, 0);
    }
    host.on = false;
}

/* Nothing was shown where the host had another clock meanwhile. */
static void nothing_is_shown_without_a_counter(void **state)
{
    (void)state;
    start();
    kvm_tells = true;
    vm.clock.usable = false;
    vm.clock.offset = 0;
    shown_and_again(__rdtsc() + OFFSET);
    assert_false(vm.clock.checked);
    host.on = false;
}

/* Realtime set back and ahead, by an hour: the next page has it, and monotonic time goes on. */
static void realtime_steps(void **state)
{
    (void)state;
    start();
    /* the last: before 1970 */
    const int64_t steps[] = {-3600 * SECOND_NS, 7200 * SECOND_NS, -2000000000 * SECOND_NS};
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        refreshed_near();
        int64_t before = guest_ns(false, __rdtsc());
        host.real += steps[i];
        assert_true(ahead(true) > SECOND_NS || ahead(true) < -SECOND_NS);
        refreshed_near();
        assert_true(guest_ns(false, __rdtsc()) >= before);
    }
    host.on = false;
}

/* The host's clocks run faster and slower than before: page for page the guest's do. */
static void slewing_is_followed(void **state)
{
    (void)state;
    start();
    const double rates[] = {1.0005, 0.9995, 1.0005};
    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        slew(rates[i]);
        for (int page = 0; page < 4; page++) {
            pass(0.9);
            int64_t before = guest_ns(false, __rdtsc());
            assert_true(clockpage_refresh(&vm));
            assert_true(guest_ns(false, __rdtsc()) >= before);
        }
        refreshed_near();
    }
    host.on = false;
}

/* A page that ran far ahead: the next one begins where it was, and is slower until the host has
 * caught up. */
static void never_back_when_ahead(void **state)
{
    (void)state;
    start();
    pass(0.9);
    refreshed_near();
    slew(0.9);
    pass(0.9);
    slew(1);
    int64_t off = ahead(false), before = guest_ns(false, __rdtsc());
    assert_true(off > SECOND_NS / 20);
    assert_true(clockpage_refresh(&vm));
    assert_true(guest_ns(false, __rdtsc()) >= before);
    assert_true((double)area.clock.mult / (double)(1u << area.clock.shift) <
                vm.clock.ns_per_tick * 0.95);
    /* a page makes up for half a second at most; an interruption makes it run further ahead */
    for (int64_t left = off; left > 0; left -= SECOND_NS / 2) {
        pass(1.1);
        assert_true(clockpage_refresh(&vm));
    }
    refreshed_near();
    host.on = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_the_host_and_good_for_a_second),
        cmocka_unit_test(an_offset_stays),
        cmocka_unit_test(a_lie_goes_with_its_run),
        cmocka_unit_test(nothing_is_shown_without_a_counter),
        cmocka_unit_test(realtime_steps),
        cmocka_unit_test(slewing_is_followed),
        cmocka_unit_test(never_back_when_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
