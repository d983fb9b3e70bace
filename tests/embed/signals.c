/* wasmvm_signal: what it answers, what the program reads, and that each instance has signals of its
 * own. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "embed.h"

/* in, out: pipes; the instance uses the ends of standard input and output until it is over. */
struct guest { wasmvm_instance *i; pthread_t thread; int in[2], out[2]; };

static void *runs(void *i)
{
    wasmvm_error e;
    return (void *)(intptr_t)wasmvm_run(i, &e);
}

static int guest_new(struct guest *g)
{
    wasmvm_config *c = config_make();
    CHECK(pipe2(g->in, O_CLOEXEC) == 0 && pipe2(g->out, O_CLOEXEC) == 0);
    wasmvm_config_arg(c, "signals");
    wasmvm_config_stdio(c, g->in[0], g->out[1], -1);
    g->i = wasmvm_instance_new(program, c, &error);
    wasmvm_config_free(c);
    CHECK(g->i && wasmvm_signal(g->i, SIGHUP) == WASMVM_SIGNAL_UNWANTED);
    CHECK(pthread_create(&g->thread, NULL, runs, g->i) == 0);
    return 0;
}

static int says(struct guest *g, const char *text)
{
    char got[16] = "";
    size_t n = 0;
    for (ssize_t some = 1; n < strlen(text) && some > 0; n += (size_t)some)
        some = read(g->out[0], got + n, strlen(text) - n);
    CHECK(strcmp(got, text) == 0);
    return 0;
}

static int guest_end(struct guest *g)
{
    void *code;
    CHECK(wasmvm_signal(g->i, SIGTERM) == WASMVM_SIGNAL_TAKEN);
    CHECK(says(g, "15\n") == 0);
    pthread_join(g->thread, &code);
    CHECK((intptr_t)code == WASMVM_OK && wasmvm_exit_status(g->i) == 0);
    CHECK(wasmvm_signal(g->i, SIGHUP) == WASMVM_SIGNAL_UNWANTED);
    wasmvm_instance_free(g->i);
    close(g->in[0]), close(g->out[0]), close(g->out[1]);
    return 0;
}

int case_signals(void)
{
    static const int never[] = {SIGINT, SIGUSR2, 0, -1, 63, 64, 65, 1 << 20};
    struct guest one, other;
    CHECK(guest_new(&one) == 0 && guest_new(&other) == 0);
    CHECK(says(&one, "ready\n") == 0 && says(&other, "ready\n") == 0);
    for (size_t k = 0; k < sizeof never / sizeof *never; k++)
        CHECK(wasmvm_signal(one.i, never[k]) == WASMVM_SIGNAL_UNWANTED);
    CHECK(wasmvm_signal(one.i, SIGUSR1) == WASMVM_SIGNAL_IGNORED);
    CHECK(wasmvm_signal(one.i, SIGHUP) == WASMVM_SIGNAL_TAKEN);
    CHECK(wasmvm_signal(one.i, SIGHUP) == WASMVM_SIGNAL_UNREAD); /* and read once */
    CHECK(wasmvm_signal(other.i, SIGHUP) == WASMVM_SIGNAL_TAKEN);
    close(one.in[1]);
    CHECK(says(&one, "1\n") == 0);
    CHECK(wasmvm_signal(one.i, SIGHUP) == WASMVM_SIGNAL_TAKEN);
    CHECK(says(&one, "1\n") == 0 && guest_end(&one) == 0);
    close(other.in[1]); /* reads the one that came before */
    CHECK(says(&other, "1\n") == 0 && guest_end(&other) == 0);
    return 0;
}
