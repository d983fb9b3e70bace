/* What a test build of the jail does beside: nothing of it is in wasmvm.
 *
 *   JAIL_TEST_LOG=FILE     a call that is not listed is named there, too, and the command's words
 *
 *   JAIL_TEST_ABI=N        the kernel's Landlock is taken for one of that ABI
 *
 *   JAIL_TEST_TRY=NAME     what tries.def has under that name is tried from inside: 0 = it failed,
 *                          1 = it worked
 *
 *   JAIL_TEST_AGAIN=1      it is entered so that it can be narrowed
 *
 *   JAIL_TEST_KILL=1       the filter is as it is in wasmvm, and names nothing
 *
 *   JAIL_TEST_FILTER=FILE  the filters of another table: what jail-compile --without printed
 *
 * A call that is not listed is named on stderr, and the process ends with 159, as it would by
 * SIGSYS. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/jail/hooks.h"
#include "vmm/jail/inside.h"

static const char *const names[] = {
#include JAIL_NAMES
};

static int log_fd = -1;
static char words[400];

/* The words of the command, as the kernel has them. */
static void words_read(void)
{
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, words, sizeof words - 1);
    for (ssize_t i = 0; i < n; i++)
        if (words[i] == 0 || words[i] == '\n')
            words[i] = ' ';
    if (fd >= 0)
        close(fd);
}

static void log_open(void)
{
    const char *path = getenv("JAIL_TEST_LOG");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    if (fd < 0)
        return;
    words_read();
    log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 200);
    close(fd);
}

static void unlisted(int number, siginfo_t *info, void *context)
{
    char line[600];
    unsigned call = (unsigned)info->si_syscall;
    const char *name = call < sizeof names / sizeof names[0] && names[call] ? names[call]
                                                                            : "of another kind";
    const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    int n = snprintf(line, sizeof line,
                     "jail: the call %s (%u) is not listed: %#llx, %#llx, %#llx\n", name, call,
                     (unsigned long long)regs[REG_RDI], (unsigned long long)regs[REG_RSI],
                     (unsigned long long)regs[REG_RDX]);
    (void)number;
    ssize_t written = write(STDERR_FILENO, line, (size_t)n);
    if (log_fd >= 0) {
        n += snprintf(line + n - 1, sizeof line - (size_t)n, " %s\n", words) - 1;
        written = write(log_fd, line, (size_t)n);
    }
    (void)written;
    _exit(159);
}

unsigned jail_test_granted(unsigned granted)
{
    return getenv("JAIL_TEST_AGAIN") ? granted | JAIL_AGAIN : granted;
}

int jail_test_abi(int abi)
{
    const char *mask = getenv("JAIL_TEST_ABI");
    int most = mask ? atoi(mask) : abi;
    return most < abi ? most : abi;
}

/* The file of filters, in the order of their numbers: how many instructions, then these. */
static FILE *filters_file;

static void filter_read(unsigned filter, struct sock_filter *insns, unsigned *n)
{
    uint32_t count = 0;
    for (unsigned i = 0; i <= filter; i++)
        if (fread(&count, sizeof count, 1, filters_file) != 1 || count > JAIL_INSNS ||
            fread(insns, sizeof *insns, count, filters_file) != count)
            abort();
    fclose(filters_file);
    *n = count;
    for (unsigned i = 0; i < count; i++)
        if (insns[i].k == JAIL_PID && insns[i].code == (BPF_JMP | BPF_JEQ | BPF_K))
            insns[i].k = (uint32_t)getpid();
}

/* What is opened by name is so before Landlock. */
void jail_test_begin(void)
{
    const char *path = getenv("JAIL_TEST_FILTER");
    log_open();
    filters_file = path ? fopen(path, "re") : NULL;
    if (path && !filters_file)
        abort();
}

void jail_test_filter(unsigned filter, struct sock_filter *insns, unsigned *n)
{
    struct sigaction action = { .sa_sigaction = unlisted, .sa_flags = SA_SIGINFO };
    if (filters_file) /* of the first one alone */
        filter_read(filter, insns, n);
    filters_file = NULL;
    if (getenv("JAIL_TEST_KILL"))
        return;
    sigaction(SIGSYS, &action, NULL);
    for (unsigned i = 0; i < *n; i++)
        if (insns[i].code == (BPF_RET | BPF_K) && insns[i].k == SECCOMP_RET_KILL_PROCESS)
            insns[i].k = SECCOMP_RET_TRAP;
}

void jail_test_entered(void)
{
    const char *name = getenv("JAIL_TEST_TRY");
    if (name)
        try(name);
}
