/* What Linux takes for many virtual machines in one process, whatever their monitor: vms MACHINES.
 *
 * So many empty machines of KVM are made first, then the price of what a process does with its
 * memory is measured: each machine is told when a mapping, a page or a page's copy goes.  Then one
 * machine more is made, without and with so many mappings, as a fleet of them would have. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

enum { PAGE = 4096, TIMES = 500, MAPPINGS = 4000 };

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static char *pages(size_t n, int rights)
{
    char *at = mmap(NULL, n * PAGE, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static double one_more(int kvm)
{
    double began = cpu_us();
    return ioctl(kvm, KVM_CREATE_VM, 0ul) < 0 ? -1 : cpu_us() - began;
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 0, kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    char *at = pages(TIMES, PROT_READ | PROT_WRITE);
    for (int k = 0; k < n; k++)
        if (one_more(kvm) < 0 || !at)
            return 1;
    double began = cpu_us();
    for (int k = 0; k < TIMES; k++)
        madvise(at, PAGE, MADV_DONTNEED);
    double given = (cpu_us() - began) / TIMES;
    for (int k = 0; k < TIMES; k++)
        (void)((volatile char *)at)[k * PAGE];
    began = cpu_us();
    for (int k = 0; k < TIMES; k++)
        at[k * PAGE] = 1;
    double copied = (cpu_us() - began) / TIMES, made = one_more(kvm);
    for (int k = 0; k < MAPPINGS; k++)
        if (!pages(1, k & 1 ? PROT_READ : PROT_READ | PROT_WRITE))
            return 1;
    printf("%d machines: a page given back %.1f us, a page's copy %.1f; one machine more %.0f us, "
           "with %d mappings %.0f\n",
           n, given, copied, made, MAPPINGS, one_more(kvm));
    return 0;
}
