/* tests/host/env.h's other side: Linux, x86-64.
 *
 *   one reservation   [ heap, 512 MiB | code_x, 256 MiB ]   so that code reaches the heap by 32-bit
 *                                                           displacements
 *   a memfd           mapped at code_x (read, execute) and at code_w (read, write)
 *   a memory          8 GiB and a guard of its own; the usable prefix is made so by mprotect
 *   the wasm stack    [ guard, 8 MiB | stack ] */
#include "tests/host/env.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define HEAP_CAP     (512ull << 20)
#define CODE_CAP     (256ull << 20)
#define STACK_GUARD  (8ull << 20) /* more than engine_fault takes for a stack overflow */
#define MEMORY_SPACE ((8ull << 30) + (1ull << 20)) /* any 33-bit offset and 16 more */
#define FAULT_STACK  (64ull << 10)
#define PAGE_FAULT   14 /* the CPU's vector */

static struct host *hosts; /* those that are open */

/* ---- what the engine asks for ---- */

static void *host_map(struct host *host, uint64_t bytes)
{
    struct host_mapping *more = realloc(host->mappings, (host->nmappings + 1) * sizeof *more);
    if (!more)
        return NULL;
    host->mappings = more;
    void *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    host->mappings[host->nmappings++] = (struct host_mapping){ at, bytes };
    return at;
}

static uint64_t round_up(uint64_t bytes)
{
    return (bytes + 4095) & ~4095ull;
}

static bool heap_grow(void *self, uint64_t bytes)
{
    struct host *host = self;
    return bytes <= HEAP_CAP &&
           mprotect(host->env.heap, round_up(bytes), PROT_READ | PROT_WRITE) == 0;
}

static bool code_grow(void *self, uint64_t bytes)
{
    struct host *host = self;
    return bytes <= CODE_CAP &&
           mprotect(host->env.code_w, round_up(bytes), PROT_READ | PROT_WRITE) == 0 &&
           mprotect(host->env.code_x, round_up(bytes), PROT_READ | PROT_EXEC) == 0;
}

static bool memory_open(void *self, uint64_t max_bytes, uint8_t **base)
{
    (void)max_bytes;
    struct host *host = self;
    if (host->zero_next) {
        host->zero_next = false;
        *base = NULL;
        return true;
    }
    *base = host_map(self, MEMORY_SPACE);
    return *base != NULL;
}

static bool memory_grow(void *self, uint8_t *base, uint64_t old_bytes, uint64_t new_bytes)
{
    (void)self;
    return mprotect(base + old_bytes, new_bytes - old_bytes, PROT_READ | PROT_WRITE) == 0;
}

static uint64_t clock_ns(void *self)
{
    (void)self;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint32_t cpu_features(void)
{
    uint32_t cpu = 0;
    cpu |= __builtin_cpu_supports("ssse3") ? ENGINE_SSSE3 : 0;
    cpu |= __builtin_cpu_supports("sse4.1") ? ENGINE_SSE41 : 0;
    cpu |= __builtin_cpu_supports("sse4.2") ? ENGINE_SSE42 : 0;
    cpu |= __builtin_cpu_supports("popcnt") ? ENGINE_POPCNT : 0;
    cpu |= __builtin_cpu_supports("bmi") ? ENGINE_BMI1 : 0;
    cpu |= __builtin_cpu_supports("bmi2") ? ENGINE_BMI2 : 0;
    cpu |= __builtin_cpu_supports("avx") ? ENGINE_AVX : 0;
    cpu |= __builtin_cpu_supports("aes") ? ENGINE_AES : 0;
    cpu |= __builtin_cpu_supports("pclmul") ? ENGINE_PCLMUL : 0;
    uint32_t a = 0x80000001, b, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d)); /* gcc 12 has no "lzcnt" here */
    cpu |= c & 1u << 5 ? ENGINE_LZCNT : 0;
    a = 7, b = c = 0;
    __asm__("cpuid" : "+a"(a), "+b"(b), "+c"(c), "=d"(d)); /* nor "sha" */
    return cpu | (b & 1u << 29 ? ENGINE_SHA : 0);
}

/* ---- faults ---- */

static void fault_handle(int signal, siginfo_t *info, void *context)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    bool is_page_fault = regs[REG_TRAPNO] == PAGE_FAULT;
    struct fault fault = { (uint64_t)regs[REG_RIP], (uint64_t)regs[REG_RSP],
                           is_page_fault ? (uint64_t)regs[REG_CR2] : 0, is_page_fault };
    for (struct host *host = hosts; host; host = host->next) {
        uint64_t pc, sp;
        if (host->engine && engine_fault(host->engine, &fault, &pc, &sp)) {
            regs[REG_RIP] = (greg_t)pc;
            regs[REG_RSP] = (greg_t)sp;
            return;
        }
    }
    char text[160];
    int len = snprintf(text, sizeof text,
                       "host: signal %d is no trap: pc %#llx sp %#llx address %p\n", signal,
                       (unsigned long long)fault.pc, (unsigned long long)fault.sp, info->si_addr);
    if (write(STDERR_FILENO, text, (size_t)len) < 0)
        _exit(1);
    /* happens again at once, and ends the process */
    struct sigaction fatal = { .sa_handler = SIG_DFL };
    sigaction(signal, &fatal, NULL);
}

bool host_catch_faults(void)
{
    static uint8_t stack[FAULT_STACK];
    static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
    stack_t alternative = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction action = { .sa_sigaction = fault_handle, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigemptyset(&action.sa_mask);
    if (sigaltstack(&alternative, NULL) != 0)
        return false;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (sigaction(signals[i], &action, NULL) != 0)
            return false;
    return true;
}

/* ---- opening and closing ---- */

static bool code_open(struct host *host)
{
    int fd = memfd_create("code", MFD_CLOEXEC);
    if (fd < 0)
        return false;
    host->env.code_w = host_map(host, CODE_CAP);
    bool done =
        host->env.code_w && ftruncate(fd, CODE_CAP) == 0 &&
        mmap(host->env.code_w, CODE_CAP, PROT_NONE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED &&
        mmap(host->env.code_x, CODE_CAP, PROT_NONE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED;
    close(fd);
    return done;
}

static bool stack_open(struct host *host, uint64_t bytes)
{
    uint8_t *at = host_map(host, STACK_GUARD + bytes);
    host->env.stack_lo = at + STACK_GUARD;
    host->env.stack_hi = host->env.stack_lo + bytes;
    return at && mprotect(host->env.stack_lo, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool host_open(struct host *host, uint64_t stack_bytes, uint64_t memory_limit)
{
    *host = (struct host){ .env = { .self = host,
                                    .heap_cap = HEAP_CAP,
                                    .heap_grow = heap_grow,
                                    .code_cap = CODE_CAP,
                                    .code_grow = code_grow,
                                    .memory_open = memory_open,
                                    .memory_grow = memory_grow,
                                    .memory_limit = memory_limit,
                                    .clock_ns = clock_ns,
                                    .cpu = cpu_features() } };
    uint8_t *near = host_map(host, HEAP_CAP + CODE_CAP);
    host->env.heap = near;
    host->env.code_x = near + HEAP_CAP;
    if (!near || !code_open(host) || !stack_open(host, round_up(stack_bytes)) ||
        !host_catch_faults()) {
        host_close(host);
        return false;
    }
    host->next = hosts;
    hosts = host;
    return true;
}

/* The mapping is nobody's: a process has one address 0, and keeps it. */
bool host_zero_base(struct host *host)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    host->zero_next = mmap(NULL, MEMORY_SPACE, PROT_NONE, flags, -1, 0) == NULL;
    if (!host->zero_next)
        perror("address 0 cannot be had (be root, or sysctl vm.mmap_min_addr=0)");
    return host->zero_next;
}

bool host_open_engine(struct host *host, uint64_t stack_bytes, uint64_t memory_limit)
{
    if (!host_open(host, stack_bytes, memory_limit))
        return false;
    host->engine = engine_new(&host->env);
    if (!host->engine)
        host_close(host);
    return host->engine != NULL;
}

void host_close(struct host *host)
{
    for (struct host **at = &hosts; *at; at = &(*at)->next)
        if (*at == host) {
            *at = host->next;
            break;
        }
    for (uint32_t i = 0; i < host->nmappings; i++)
        munmap(host->mappings[i].at, host->mappings[i].bytes);
    free(host->mappings);
    memset(host, 0, sizeof *host);
}
