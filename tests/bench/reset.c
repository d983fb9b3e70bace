/* What taking a machine back costs: reset MODULE.wasm WORD RUNS.  The module runs once, and a
 * snapshot with what it compiled is taken; then RUNS times it runs and is taken back.  Counts are
 * exact; times are of this machine, now. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <wasmvm.h>

static double now_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void show(const char *what, double *us, int n)
{
    qsort(us, (size_t)n, sizeof *us, order);
    printf("%s: p50 %.0f us, p99 %.0f us, least %.0f us\n", what, us[n / 2], us[n * 99 / 100],
           us[0]);
}

int main(int argc, char **argv)
{
    wasmvm_error error = {0};
    int n = argc == 4 ? atoi(argv[3]) : 0;
    wasmvm_config *config = wasmvm_config_new();
    wasmvm_module *module = n > 0 ? wasmvm_module_file(argv[1], &error) : NULL;
    wasmvm_config_arg(config, argc > 2 ? argv[2] : "");
    wasmvm_instance *i = module ? wasmvm_instance_new(module, config, &error) : NULL;
    double *run = calloc((size_t)n + 1, sizeof *run), *back = calloc((size_t)n + 1, sizeof *back),
           *cpu = calloc((size_t)n + 1, sizeof *cpu);
    int bad = !i || wasmvm_snapshot(i, &error) || wasmvm_run(i, &error) ||
              wasmvm_snapshot(i, &error);
    for (int k = 0; k < n && !bad; k++) {
        double began = now_us(CLOCK_MONOTONIC);
        bad = wasmvm_run(i, &error);
        double over = now_us(CLOCK_MONOTONIC), used = now_us(CLOCK_THREAD_CPUTIME_ID);
        bad = bad || wasmvm_reset(i, &error);
        cpu[k] = now_us(CLOCK_THREAD_CPUTIME_ID) - used;
        run[k] = over - began;
        back[k] = now_us(CLOCK_MONOTONIC) - over;
    }
    if (bad) {
        fprintf(stderr, "reset: %s\n", error.text);
        return 1;
    }
    wasmvm_statistics s = {.size = sizeof s};
    wasmvm_instance_statistics(i, &s);
    printf("each reset: %llu pages copied, %llu KiB given back, %llu ioctls\n",
           (unsigned long long)s.reset_pages, (unsigned long long)s.reset_dropped_bytes >> 10,
           (unsigned long long)s.reset_ioctls);
    show("reset", back, n);
    show("... of CPU time", cpu, n);
    show("run", run, n);
    wasmvm_instance_free(i);
    wasmvm_module_free(module);
    wasmvm_config_free(config);
    return 0;
}
