/* Pools against hostile machines: image/shared.c is a guest that took over its machine, and writes
 * over everything that it reaches.  And machines that come back from a confined process. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "embed.h"

/* A sanitizer's own system calls are not those of the jail. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* image/shared.c has the same */
enum order { ORDER_LOOK, ORDER_SMASH, ORDER_LOOK_LONG };
enum { LOOKED = 1, SMASHED = 2, ORDER_AT = 8 };
enum { READY = 2, ROUNDS = 6 };

static wasmvm_pool *pool_of_shared(void)
{
    char file[300];
    snprintf(file, sizeof file, "%s/shared.elf", directory);
    wasmvm_config *c = wasmvm_config_new();
    wasmvm_config_guest_image(c, file);
    wasmvm_config_flag(c, "reset-check");
    wasmvm_pool *pool = wasmvm_pool_new(program, c, READY, &error);
    wasmvm_config_free(c);
    return pool;
}

/* What the machine finds; -1: it did not come to look. */
static int ordered(wasmvm_instance *i, enum order order)
{
    uint32_t word = order;
    if (wasmvm_memory_write(i, ORDER_AT, &word, sizeof word) != WASMVM_OK ||
        wasmvm_run(i, &error) != WASMVM_OK)
        return -1;
    return wasmvm_exit_status(i);
}

#define FINDS(i, order, want)                                                                      \
    do {                                                                                           \
        int found_ = ordered(i, order);                                                            \
        if (found_ != (want))                                                                      \
            return printf("line %d: it found %d: %s\n", __LINE__, found_, error.text), 1;          \
    } while (0)

/* A writes over everything.  B, which stood ready all the time, finds nothing of it while A is
 * there; nor does who gets A's machine next, or one that is made later.  The first round is also
 * the run that teaches the pool. */
int case_pool_shares_nothing_written(void)
{
    wasmvm_pool *pool = pool_of_shared();
    CHECK(pool);
    for (int k = 0; k < ROUNDS; k++) {
        wasmvm_instance *a = wasmvm_pool_take(pool, &error), *b = wasmvm_pool_take(pool, &error);
        CHECK(a && b);
        FINDS(a, ORDER_SMASH, SMASHED);
        FINDS(b, k % 2 ? ORDER_LOOK : ORDER_SMASH, k % 2 ? LOOKED : SMASHED);
        wasmvm_instance *late = wasmvm_pool_take(pool, &error);
        CHECK(late);
        FINDS(late, ORDER_LOOK, LOOKED);
        wasmvm_instance_free(late);
        wasmvm_pool_give(pool, a);
        a = wasmvm_pool_take(pool, &error);
        CHECK(a);
        FINDS(a, ORDER_LOOK, LOOKED);
        wasmvm_pool_give(pool, a);
        wasmvm_pool_give(pool, b);
    }
    wasmvm_pool_free(pool);
    return 0;
}

/* ---- at the same time ---- */

struct smasher { wasmvm_pool *pool; bool over; int wrong; };

static void *smash_on(void *context)
{
    struct smasher *s = context;
    for (int k = 0; k < ROUNDS && !s->wrong; k++) {
        wasmvm_instance *i = wasmvm_pool_take(s->pool, &error);
        int found = i ? ordered(i, ORDER_SMASH) : -1;
        s->wrong = found == SMASHED ? 0 : found;
        wasmvm_pool_give(s->pool, i);
    }
    __atomic_store_n(&s->over, true, __ATOMIC_RELEASE);
    return NULL;
}

/* One thread has machines that smash, one after the other; another has machines that look. */
int case_pool_smashed_meanwhile(void)
{
    struct smasher s = {.pool = pool_of_shared()};
    pthread_t thread;
    int found = LOOKED;
    CHECK(s.pool && pthread_create(&thread, NULL, smash_on, &s) == 0);
    while (found == LOOKED && !__atomic_load_n(&s.over, __ATOMIC_ACQUIRE)) {
        wasmvm_instance *i = wasmvm_pool_take(s.pool, &error);
        found = i ? ordered(i, ORDER_LOOK_LONG) : -1;
        wasmvm_pool_give(s.pool, i);
    }
    pthread_join(thread, NULL);
    if (found != LOOKED || s.wrong)
        return printf("found %d, and %d\n", found, s.wrong), 1;
    wasmvm_pool_free(s.pool);
    return 0;
}

/* ---- in a process that is confined ---- */

/* Without a memory, whose _start does nothing. */
static const unsigned char nothing[] = "\0asm\1\0\0\0\1\4\1\140\0\0\3\2\1\0\7\12\1\6_start\0\0"
                                       "\12\4\1\2\0\13";

static wasmvm_pool *pool_for_jail(uint32_t machines)
{
    wasmvm_module *module = wasmvm_module_bytes(nothing, sizeof nothing - 1, "nothing.wasm",
                                                &error);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    wasmvm_config *c = wasmvm_config_new();
    wasmvm_config_stdio(c, null, null, null);
    close(null);
    wasmvm_pool *pool = module ? wasmvm_pool_new(module, c, machines, &error) : NULL;
    wasmvm_config_free(c);
    wasmvm_module_free(module);
    return pool;
}

/* The next taker's machine can be taken back, which one whose process was confined for it cannot:
 * it is another one. */
static int confined_weakly(bool runs)
{
    wasmvm_pool *pool = pool_for_jail(1);
    wasmvm_instance *i = pool ? wasmvm_pool_take(pool, &error) : NULL;
    CHECK(i && wasmvm_confine(i, WASMVM_JAIL_WEAK, &error) == WASMVM_OK);
    if (runs)
        CHECK(wasmvm_run(i, &error) == WASMVM_OK);
    int files = open_files();
    wasmvm_pool_give(pool, i);
    CHECK(open_files() < files); /* it is freed */
    for (int k = 0; k < 3; k++) {
        CHECK((i = wasmvm_pool_take(pool, &error)) && wasmvm_run(i, &error) == WASMVM_OK);
        if (k % 2)
            CHECK(wasmvm_reset(i, &error) == WASMVM_OK);
        wasmvm_pool_give(pool, i);
    }
    wasmvm_pool_free(pool);
    return 0;
}

/* What giving back needs of the host, the jail allows. */
static int confined_wholly(bool runs)
{
    wasmvm_pool *pool = pool_for_jail(2);
    wasmvm_instance *i = pool ? wasmvm_pool_take(pool, &error) : NULL;
    CHECK(i && wasmvm_confine(i, WASMVM_JAIL_ON, &error) == WASMVM_OK);
    if (runs)
        CHECK(wasmvm_run(i, &error) == WASMVM_OK);
    wasmvm_pool_give(pool, i);
    CHECK((i = wasmvm_pool_take(pool, &error)) != NULL); /* the other one, which stood ready */
    wasmvm_instance_free(i);
    wasmvm_pool_free(pool);
    return 0;
}

static int in_child(int (*test)(bool), bool runs)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int bad = test(runs);
        fflush(stdout);
        _exit(bad);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 1;
    return status ? printf("a child's status: 0x%x\n", status), 1 : 0;
}

int case_pool_confined_and_given(void)
{
    for (int runs = 0; runs < 2; runs++)
        if (in_child(confined_weakly, runs) || (!SANITIZED && in_child(confined_wholly, runs)))
            return printf("%s\n", runs ? "after a run" : "unused"), 1;
    return 0;
}

/* ---- what a start says once ---- */

/* Of a run, whose machine is given back; 0: it did not run. */
static uint64_t exits_of(wasmvm_pool *pool, wasmvm_instance *i)
{
    wasmvm_statistics s = { .size = sizeof s };
    if (i && wasmvm_run(i, &error) == WASMVM_OK)
        wasmvm_instance_statistics(i, &s);
    wasmvm_pool_give(pool, i);
    return s.exits;
}

/* A new machine's first call shows that its clock fits, and its second one ends the run.  One that
 * has run needs no such call; one that was made from it has not run. */
int case_pool_calls_less(void)
{
    enum { NEW = 2, AGAIN = 1 };
    wasmvm_pool *pool = pool_for_jail(1);
    CHECK(pool);
    CHECK(exits_of(pool, wasmvm_pool_take(pool, &error)) == NEW); /* it teaches, and goes */
    CHECK(exits_of(pool, wasmvm_pool_take(pool, &error)) == NEW);
    for (int k = 0; k < 3; k++)
        CHECK(exits_of(pool, wasmvm_pool_take(pool, &error)) == AGAIN);
    wasmvm_instance *ready = wasmvm_pool_take(pool, &error),
                    *made = wasmvm_pool_take(pool, &error);
    CHECK(exits_of(pool, made) == NEW && exits_of(pool, ready) == AGAIN);
    wasmvm_pool_free(pool);
    return 0;
}
