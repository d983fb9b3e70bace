/* The bare slot: two threads hand a cache line to and fro.  Prints the nanoseconds of a round trip,
 * least of ten runs: what a polled call costs before anything is done in it, on this machine as it
 * is now. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define TRIPS 100000u
#define RUNS  10

static _Alignas(64) uint32_t word;

static void wait_for(uint32_t value)
{
    while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) != value)
        __builtin_ia32_pause();
}

static void *answer(void *unused)
{
    for (uint32_t i = 0; i < TRIPS * RUNS; i++) {
        wait_for(2 * i + 1);
        __atomic_store_n(&word, 2 * i + 2, __ATOMIC_RELEASE);
    }
    return unused;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(void)
{
    pthread_t thread;
    double least = 1e18;
    if (pthread_create(&thread, NULL, answer, NULL) != 0)
        return 1;
    for (uint32_t run = 0; run < RUNS; run++) {
        double start = now_ns();
        for (uint32_t i = run * TRIPS; i < (run + 1) * TRIPS; i++) {
            __atomic_store_n(&word, 2 * i + 1, __ATOMIC_RELEASE);
            wait_for(2 * i + 2);
        }
        double trip = (now_ns() - start) / TRIPS;
        least = trip < least ? trip : least;
    }
    pthread_join(thread, NULL);
    printf("%.0f\n", least);
    return 0;
}
