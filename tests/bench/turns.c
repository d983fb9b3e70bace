/* Runs programs in turn and tells what each run took: turns RUNS [:: PROGRAM ARGS...]...
 *
 * Prints a line for each run: "place status wall_us cpu_us faults max_rss_kb"; then one for each
 * program, of a further run that is stopped at its end: "place pss PSS_KB".  A program's words must
 * not be `::`.  Stdin is empty, and what programs print is thrown away.  This is a program of its
 * own because a child's figures begin with those of the process that it came from. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 32 };

static long long now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

static long long microseconds(struct timeval t)
{
    return t.tv_sec * 1000000ll + t.tv_usec;
}

static void become(char **argv)
{
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    execv(argv[0], argv);
    _exit(127);
}

static void run(int place, char **argv)
{
    struct rusage use;
    int status;
    long long began = now_us();
    pid_t pid = vfork();
    if (pid == 0)
        become(argv);
    if (pid < 0 || wait4(pid, &status, 0, &use) != pid)
        exit(2);
    printf("%d %d %lld %lld %ld %ld\n", place,
           WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), now_us() - began,
           microseconds(use.ru_utime) + microseconds(use.ru_stime), use.ru_minflt + use.ru_majflt,
           use.ru_maxrss);
}

static long pss_kb(pid_t pid)
{
    char line[128];
    long kb = -1;
    snprintf(line, sizeof line, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(line, "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Pss: %ld", &kb) == 1)
            break;
    if (file)
        fclose(file);
    return kb;
}

/* Stopped where it ends, with all its memory. */
static void measure(int place, char **argv)
{
    int status;
    long kb = -1;
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        become(argv);
    }
    while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
        int signal = WSTOPSIG(status), event = status >> 16;
        if (event == PTRACE_EVENT_EXIT)
            kb = pss_kb(pid);
        else if (signal == SIGTRAP && !event)
            ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL);
        ptrace(PTRACE_CONT, pid, 0, signal == SIGTRAP ? 0 : signal);
    }
    printf("%d pss %ld\n", place, kb);
}

int main(int argc, char **argv)
{
    char **programs[MOST];
    int n = 0, runs = argc > 1 ? atoi(argv[1]) : 0;
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "::") == 0 && n < MOST) {
            argv[i] = NULL;
            programs[n++] = argv + i + 1;
        }
    if (!n || runs < 1)
        return 2;
    for (int k = 0; k < runs; k++)
        for (int i = 0; i < n; i++)
            run((i + k) % n, programs[(i + k) % n]);
    for (int i = 0; i < n; i++)
        measure(i, programs[i]);
    return 0;
}
