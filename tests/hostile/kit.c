/* What the test images share; see guest.h. */
#include "tests/hostile/guest.h"

struct caught fault;
static uint64_t random_state = 88172645463325252u;

/* The host serves what stands in the slot if its state says that something does. */
void ring(uint8_t value)
{
    if (value == DOORBELL_CALL)
        __atomic_store_n(&shared->slot.state, SLOT_RUNG, __ATOMIC_RELEASE);
    __asm__ volatile("outb %b0, %1" : : "a"(value), "N"(DOORBELL_PORT) : "memory");
}

uint64_t call(uint32_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct slot *slot = &shared->slot;
    slot->number = number;
    slot->args[0] = a;
    slot->args[1] = b;
    slot->args[2] = c;
    slot->args[3] = d;
    ring(DOORBELL_CALL);
    return slot->result;
}

void doorbell_first(void)
{
    call(CALL_heap_grow, 0, 0, 0, 0);
}

_Noreturn void end(uint32_t code, const char *text)
{
    uint64_t n = 0;
    while (text[n])
        n++;
    for (;;)
        call(CALL_end, n ? END_TRAP : END_EXIT, (uint64_t)text, n, code);
}

void check(bool holds, const char *words)
{
    if (!holds)
        end(1, words);
}

/* Xorshift (Marsaglia 2003). */
uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

void random_seed(uint64_t seed)
{
    random_state = (seed + 1) * 0x9e3779b97f4a7c15u;
}

uint64_t last_argument(void)
{
    const char *text = (const char *)shared + shared->boot.args_off;
    uint64_t n = 0;
    for (uint32_t i = 0; i + 1 < shared->boot.args_len; i++)
        if (text[i] == 0)
            n = 0;
        else
            n = n * 10 + (uint64_t)(text[i] - '0');
    return n;
}

void touch_read(uint64_t at)
{
    (void)*(volatile uint8_t *)at;
}

void touch_write(uint64_t at)
{
    *(volatile uint8_t *)at = 0xa5;
}

void touch_run(uint64_t at)
{
    ((void (*)(void))at)();
}

/* Faults outside try_run are this image's own mistake, and end as a crash by a second fault. */
_Noreturn void guest_fault(struct guest_fault *f)
{
    fault.vector = f->vector;
    fault.error_code = f->error_code;
    fault.cr2 = f->cr2;
    fault.at = f->rip;
    if (!fault.rip)
        __builtin_trap();
    guest_continue(fault.rip, fault.rsp);
}

uint32_t host_function(const char *name)
{
    const struct host_import *imports = (const struct host_import *)((const char *)shared +
                                                                     shared->boot.host_off);
    for (uint32_t i = 0; i < shared->boot.hosts; i++) {
        const char *at = (const char *)shared + imports[i].name_off, *want = name;
        while (*at && *at == *want)
            at++, want++;
        if (*at == *want)
            return i;
    }
    end(1, "the plug-in has no such function");
}
