/* The guest's clocks: a page that turns its time stamp counter into CLOCK_REALTIME and
 * CLOCK_MONOTONIC.
 *
 * The offset between the counters comes from an rdtsc that the guest executed, bracketed by two of
 * the host: it is taken as 0 where that fits, else as KVM tells it if that fits, else so that the
 * guest's clocks are behind by the bracket's width at most.  The rate is KVM's; from the second
 * refresh on, what the host's clocks did meanwhile. Monotonic time never steps back: a page that
 * ran ahead is followed by a slower one.  Where the host's clocksource is not the counter, clocks
 * are hypercalls. */
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "vmm/machine/inside.h"

#define SECOND_NS 1000000000ll
#define SHIFT 30
#define RATE_SPAN_NS (SECOND_NS / 2) /* shorter observations tell less than KVM's figure */
#define SAMPLE_TRIES 4
#define SAMPLE_TICKS 4000 /* a sample that took longer was interrupted */

struct sample { uint64_t tsc; int64_t monotonic_ns, realtime_ns; };

static int64_t clock_read(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * SECOND_NS + t.tv_nsec;
}

/* The counter is read last: a clock built on the sample is behind by the sampling, never ahead. */
static struct sample sample_take(void)
{
    struct sample s;
    for (int i = 0; i < SAMPLE_TRIES; i++) {
        uint64_t before = __rdtsc();
        s.realtime_ns = clock_read(CLOCK_REALTIME);
        s.monotonic_ns = clock_read(CLOCK_MONOTONIC);
        s.tsc = __rdtsc();
        if (s.tsc - before < SAMPLE_TICKS)
            break;
    }
    return s;
}

/* Its name; "" where it cannot be read, as without a /sys. */
static void clocksource_read(char name[], size_t cap)
{
    int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
                  O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, name, cap - 1);
    if (fd >= 0)
        close(fd);
    name[n > 0 ? n : 0] = 0;
    name[strcspn(name, "\n")] = 0;
}

/* seq is odd while the rest is not consistent; x86 keeps stores in order. */
static void page_write(struct vm *vm, struct clock_page *page)
{
    const gva_t at = MAP_CONTROL + offsetof(struct control, clock);
    uint32_t seq = vm->clock.page.seq + 1;
    guest_write(&vm->mem, at + offsetof(struct clock_page, seq), &seq, sizeof seq);
    page->seq = seq;
    guest_write(&vm->mem, at, page, sizeof *page);
    page->seq = seq + 1;
    guest_write(&vm->mem, at + offsetof(struct clock_page, seq), &page->seq, sizeof page->seq);
    vm->clock.page = *page;
}

/* Page for the guest from a sample; slower: how much of the nominal rate to leave out. */
static void page_make(struct vm *vm, const struct sample *s, int64_t monotonic_ns, double slower)
{
    double rate = vm->clock.ns_per_tick * (1 - slower);
    struct clock_page page = {
        .usable = 1,
        .base_tsc = s->tsc + vm->clock.offset,
        .mult = (uint64_t)(rate * (1u << SHIFT)),
        .shift = SHIFT,
        .monotonic_ns = monotonic_ns,
        .realtime_ns = s->realtime_ns - s->monotonic_ns + monotonic_ns,
    };
    page.valid_until_tsc = page.base_tsc + (uint64_t)(SECOND_NS / vm->clock.ns_per_tick);
    page_write(vm, &page);
}

void clockpage_start(struct vm *vm)
{
    vm->clock = (struct clock){.khz = kvm_tsc_khz(&vm->kvm)};
    clockpage_again(vm);
}

/* The source of a host that was looked at a moment ago is the same one: reading it costs as much as
 * the rest. */
void clockpage_again(struct vm *vm)
{
    uint64_t khz = vm->clock.khz, now_ns = clock_now_ns(), looked_ns = vm->clock.looked_ns;
    char *source = vm->stats->clock_source;
    if (!looked_ns || now_ns - looked_ns > (uint64_t)SECOND_NS)
        clocksource_read(source, sizeof vm->stats->clock_source), looked_ns = now_ns;
    vm->clock = (struct clock){ .usable = khz && strcmp(source, "tsc") == 0,
                                .khz = khz,
                                .offset = vm->clock.checked ? vm->clock.offset : 0,
                                .checked = vm->clock.checked,
                                .looked_ns = looked_ns };
    vm->stats->clocks_by_calls = !vm->clock.usable;
    if (!vm->clock.usable)
        return;
    struct sample s = sample_take();
    vm->clock.ns_per_tick = 1e6 / khz;
    vm->clock.first_tsc = s.tsc;
    vm->clock.first_ns = s.monotonic_ns;
    page_make(vm, &s, s.monotonic_ns, 0);
}

/* What the guest shows alone holds for its own run: it may be a lie, and the machine's next run is
 * another's. */
void clockpage_check(struct vm *vm)
{
    const gva_t at = MAP_CONTROL + offsetof(struct control, boot_tsc);
    uint64_t bracket = __rdtsc() - vm->clock.first_tsc;
    uint64_t guest, kvms;
    vm->clock.checked = false;
    if (!vm->clock.usable || !guest_read(&vm->mem, at, &guest, sizeof guest))
        return;
    bool known = kvm_tsc_offset(&vm->kvm, &kvms);
    if (guest - vm->clock.first_tsc > bracket) {
        bool fits = known && guest - kvms - vm->clock.first_tsc <= bracket;
        vm->clock.offset = fits ? kvms : guest - vm->clock.first_tsc;
        struct sample s = sample_take();
        page_make(vm, &s, s.monotonic_ns, 0);
    }
    vm->clock.checked = known && vm->clock.offset == kvms;
}

/* What the page in force would tell at a host TSC. */
static int64_t page_tells(const struct clock *clock, uint64_t tsc)
{
    uint64_t elapsed = tsc + clock->offset - clock->page.base_tsc;
    return clock->page.monotonic_ns +
           (int64_t)((unsigned __int128)elapsed * clock->page.mult >> clock->page.shift);
}

uint64_t clockpage_when(const struct vm *vm, uint64_t guest_tsc)
{
    const struct clock *clock = &vm->clock;
    int64_t ticks = (int64_t)(guest_tsc - clock->offset - clock->first_tsc);
    if (!clock->usable || !guest_tsc || ticks < 0)
        return 0;
    return (uint64_t)(clock->first_ns + (int64_t)((double)ticks * clock->ns_per_tick));
}

bool clockpage_refresh(struct vm *vm)
{
    struct clock *clock = &vm->clock;
    if (!clock->usable)
        return false;
    struct sample s = sample_take();
    if (s.monotonic_ns - clock->first_ns > RATE_SPAN_NS)
        clock->ns_per_tick = (double)(s.monotonic_ns - clock->first_ns) /
                             (double)(s.tsc - clock->first_tsc);
    int64_t ahead = page_tells(clock, s.tsc) - s.monotonic_ns;
    double slower = ahead <= 0 ? 0 : ahead > SECOND_NS / 2 ? 0.5 : (double)ahead / SECOND_NS;
    page_make(vm, &s, ahead > 0 ? s.monotonic_ns + ahead : s.monotonic_ns, slower);
    return true;
}
