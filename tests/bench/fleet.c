/* Many machines in one process: fleet HELLO.wasm TRIVIAL.wasm MACHINES [RUNS].
 *
 * A pool of so many machines, of which each has run HELLO once and stands before its next run: what
 * they hold of memory (Pss of the process, kernel memory of a control group of our own, where one
 * can be made), and how many runs and resets the CPU does a second.  Then machines of TRIVIAL are
 * made, run and freed.  CPU time is the process's: other work on the machine adds little to it.
 * A machine's own copies of pages count, what all share is divided by their number. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <wasmvm.h>

static wasmvm_error error;
static char group[64];

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long long number_of(const char *path, const char *word)
{
    char line[256];
    long long n = -1;
    FILE *file = fopen(path, "re");
    while (file && n < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, word, strlen(word)) == 0)
            n = atoll(line + strlen(word));
    if (file)
        fclose(file);
    return n;
}

static bool put(const char *path, long long n)
{
    FILE *file = fopen(path, "we");
    bool good = file && fprintf(file, "%lld", n) > 0;
    return file && fclose(file) == 0 && good;
}

#define MEMORY "/sys/fs/cgroup/memory"

/* Ours alone, for as long as we run; none: kernel memory stays unknown. */
static void group_enter(void)
{
    char path[128];
    snprintf(group, sizeof group, MEMORY "/wasmvm-fleet-%d", (int)getpid());
    snprintf(path, sizeof path, "%s/cgroup.procs", group);
    if (mkdir(group, 0755) != 0 || !put(path, getpid()))
        group[0] = 0;
}

static void group_leave(void)
{
    if (!group[0])
        return;
    put(MEMORY "/cgroup.procs", getpid());
    for (int k = 0; k < 100 && rmdir(group) != 0; k++)
        usleep(10000);
}

struct memory { long long pss_kb, kernel_bytes; };

static struct memory memory_now(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/memory.kmem.usage_in_bytes", group);
    return (struct memory){number_of("/proc/self/smaps_rollup", "Pss:"),
                           group[0] ? number_of(path, "") : -1};
}

static int bad(const char *what)
{
    fprintf(stderr, "fleet: %s: %s\n", what, error.text);
    group_leave();
    return 1;
}

static void memory_tell(struct memory before, int machines)
{
    struct memory now = memory_now();
    printf("%d machines: %lld KiB of Pss each", machines, (now.pss_kb - before.pss_kb) / machines);
    if (group[0])
        printf(", %lld KiB of the kernel's",
               (now.kernel_bytes - before.kernel_bytes) / machines / 1024);
    puts("");
}

/* Takes n machines, runs each, gives them back. */
static bool round_of(wasmvm_pool *pool, wasmvm_instance **taken, int n)
{
    bool good = true;
    for (int k = 0; k < n; k++)
        good = good && (taken[k] = wasmvm_pool_take(pool, &error)) && !wasmvm_run(taken[k], &error);
    for (int k = 0; k < n; k++)
        wasmvm_pool_give(pool, taken[k]);
    return good;
}

static int pool_measure(wasmvm_module *module, wasmvm_config *config, int machines, int runs)
{
    wasmvm_instance **taken = calloc((size_t)machines, sizeof *taken);
    struct memory before = memory_now();
    double began = cpu_s();
    wasmvm_pool *pool = wasmvm_pool_new(module, config, (unsigned)machines, &error);
    if (!pool || !taken)
        return bad("no pool");
    printf("made: %.2f ms of CPU each\n", (cpu_s() - began) * 1e3 / machines);
    /* the first run teaches the pool: each of the others is made anew when it is taken */
    began = cpu_s();
    if (!round_of(pool, taken, 1) || !round_of(pool, taken, machines))
        return bad("no run");
    printf("made anew, and run: %.2f ms of CPU each\n", (cpu_s() - began) * 1e3 / machines);
    memory_tell(before, machines);
    began = cpu_s();
    for (int k = 0; k < runs; k++) {
        wasmvm_instance *i = wasmvm_pool_take(pool, &error);
        if (!i || wasmvm_run(i, &error))
            return bad("no run again");
        wasmvm_pool_give(pool, i);
    }
    if (runs)
        printf("taken, run and given back: %.0f a second of CPU\n", runs / (cpu_s() - began));
    wasmvm_pool_free(pool);
    free(taken);
    return 0;
}

static int trivial_measure(wasmvm_module *module, wasmvm_config *config, int runs)
{
    double began = cpu_s();
    for (int k = 0; k < runs; k++) {
        wasmvm_instance *i = wasmvm_instance_new(module, config, &error);
        if (!i || wasmvm_run(i, &error))
            return bad("no trivial run");
        wasmvm_instance_free(i);
    }
    printf("made, run and freed: %.0f machines a second of CPU\n", runs / (cpu_s() - began));
    return 0;
}

int main(int argc, char **argv)
{
    int machines = argc > 3 ? atoi(argv[3]) : 0, runs = argc > 4 ? atoi(argv[4]) : 1000;
    if (machines < 1)
        return 2;
    group_enter();
    wasmvm_config *config = wasmvm_config_new();
    wasmvm_module *hello = wasmvm_module_file(argv[1], &error),
                  *trivial = wasmvm_module_file(argv[2], &error);
    if (!hello || !trivial)
        return bad("no module");
    int failed = pool_measure(hello, config, machines, runs) ||
                 (runs && trivial_measure(trivial, config, runs));
    wasmvm_module_free(hello);
    wasmvm_module_free(trivial);
    wasmvm_config_free(config);
    group_leave();
    return failed;
}
