/* Machines in processes of their own (wasmvm_process): as in this one, and what only they have. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "embed.h"

#define HANG_S 60
#define AGAIN_US 20000

static const char *helper_command(void)
{
    return getenv("EMBED_HELPER"); /* run.py says where it is installed */
}

/* ---- as here ---- */

int case_process_as_here(void)
{
    static int (*const cases[])(void) = {
        case_words_and_status, case_directories, case_host_functions,
        case_imports_are_checked, case_limits, case_failures,
    };
    run_there = helper_command();
    int bad = run_there ? 0 : printf("EMBED_HELPER is not set\n");
    for (size_t k = 0; k < sizeof cases / sizeof *cases && !bad; k++)
        bad = cases[k]();
    run_there = NULL;
    return bad;
}

static wasmvm_process *process_of(const char *command, wasmvm_config *c, const char *word)
{
    wasmvm_config_arg(c, word);
    wasmvm_process *p = wasmvm_process_new(command, program, c, &error);
    wasmvm_config_free(c);
    return p;
}

/* ---- calls in calls ---- */

static wasmvm_host services;

static int back(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    const volatile uint8_t *view = services.view(call, 0, 4);
    uint32_t word = 0, wanted = args[0].u32;
    if (!view || services.mem_size(call) != 65536 || services.view(call, 65535, 2))
        return services.trap(call, "a wrong view"), 1;
    ++*(int *)data;
    if (services.write(call, 0, &wanted, 4) != 0 || services.read(call, 0, &word, 4) != 0 ||
        word != wanted || services.wait(call, -1, 0) != WASMVM_OK)
        return services.trap(call, "a wrong word"), 1;
    if (services.call_export(call, "nobody", NULL, 0, result) != WASMVM_NO_EXPORT ||
        services.call_export(call, "deeper", args, 0, result) != WASMVM_BAD_TYPE)
        return services.trap(call, "a wrong export"), 1;
    if (args[0].i32 == 0)
        return result->i32 = 7, 0;
    return services.call_export(call, "deeper", args, 1, result) != WASMVM_OK;
}

/* _start calls back(n), which calls deeper(n), which calls back(n - 1). */
static wasmvm_module *nest(unsigned n)
{
    uint8_t bytes[] = {
        0, 'a', 's', 'm', 1, 0, 0, 0, 1, 9, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f, 2, 13, 1,
        4, 't', 'e', 's', 't', 4, 'b', 'a', 'c', 'k', 0, 1, 3, 3, 2, 0, 1, 5, 3, 1, 0, 1,
        7, 28, 3, 6, '_', 's', 't', 'a', 'r', 't', 0, 1, 6, 'd', 'e', 'e', 'p', 'e', 'r', 0, 2,
        6, 'm', 'e', 'm', 'o', 'r', 'y', 2, 0, 10, 20, 2, 8, 0, 0x41, 0x80, 0, 0x10, 0, 0x1a, 0x0b,
        9, 0, 0x20, 0, 0x41, 1, 0x6b, 0x10, 0, 0x0b,
    };
    bytes[sizeof bytes - 16] |= (uint8_t)n; /* the first of the constant's two bytes */
    return wasmvm_module_bytes(bytes, sizeof bytes, "nest", &error);
}

static int nested(unsigned n, int *calls)
{
    const wasmvm_func f = {"test", "back", "i:i", back, calls};
    wasmvm_config *c = wasmvm_config_new();
    wasmvm_module *m = nest(n);
    wasmvm_config_funcs(c, &f, 1);
    wasmvm_process *p = wasmvm_process_new(helper_command(), m, c, &error);
    int code = p ? wasmvm_process_run(p, &error) : error.code;
    wasmvm_process_free(p);
    wasmvm_module_free(m);
    wasmvm_config_free(c);
    return code;
}

int case_process_nested(void)
{
    int calls = 0;
    wasmvm_services(&services);
    CHECK(nested(20, &calls) == WASMVM_OK && calls == 21);
    calls = 0;
    CHECK(nested(63, &calls) == WASMVM_OK && calls == 64);
    CHECK(nested(64, &calls) == WASMVM_E_TRAP && strstr(error.text, "too deep"));
    return 0;
}

/* ---- its end ---- */

/* The helper that the process has a pidfd of; 0: it has none, or the helper is over. */
static pid_t helper_pid(pid_t of)
{
    char path[400], line[128];
    snprintf(path, sizeof path, "/proc/%d/fdinfo", of);
    DIR *infos = opendir(path);
    int found = 0;
    for (struct dirent *e; infos && (e = readdir(infos)) != NULL;) {
        int pid;
        snprintf(path, sizeof path, "/proc/%d/fdinfo/%s", of, e->d_name);
        FILE *f = fopen(path, "r");
        while (f && fgets(line, sizeof line, f))
            if (sscanf(line, "Pid: %d", &pid) == 1 && pid > 0)
                found = pid;
        if (f)
            fclose(f);
    }
    if (infos)
        closedir(infos);
    return found;
}

/* One that is over may still wait for its new parent to look. */
static int alive(pid_t pid)
{
    char path[64], line[512] = "", *at;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = pid > 0 ? fopen(path, "r") : NULL;
    bool read = f && fgets(line, sizeof line, f);
    if (f)
        fclose(f);
    return read && (at = strrchr(line, ')')) != NULL && at[1] && at[2] != 'Z';
}

int case_process_unseen(void)
{
    sigset_t before, child, pending;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    CHECK(sigprocmask(SIG_BLOCK, &child, &before) == 0); /* now none is lost */
    wasmvm_process *p = process_of(helper_command(), config_make(), "words");
    CHECK(p && alive(helper_pid(getpid())));
    CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    CHECK(wasmvm_process_exit_status(p) == -1);
    CHECK(wasmvm_process_run(p, &error) == WASMVM_OK && wasmvm_process_exit_status(p) == 0);
    CHECK(wasmvm_process_run(p, &error) == WASMVM_E_USAGE);
    CHECK(strstr(wasmvm_process_report(p), "\"jail\": \"open sockets\""));
    CHECK(!alive(helper_pid(getpid())));
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGCHLD) == 0);
    CHECK(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
    wasmvm_process_free(p);
    p = process_of(helper_command(), config_make(), "words"); /* one that never runs */
    CHECK(p);
    wasmvm_process_free(p);
    CHECK(helper_pid(getpid()) == 0);
    return 0;
}

/* What the thread beside does to a run of "spin" once it has begun. */
struct beside { wasmvm_process *p; int fd; void (*act)(wasmvm_process *); };

static void *when_it_spins(void *context)
{
    struct beside *b = context;
    char begun;
    if (read(b->fd, &begun, 1) == 1)
        b->act(b->p);
    return NULL;
}

static void end_by_term(wasmvm_process *p)
{
    wasmvm_process_signal(p, SIGTERM);
}

/* 0 would be all of the test's own group. */
static void helper_kill(void)
{
    pid_t helper = helper_pid(getpid());
    if (helper > 0)
        kill(helper, SIGKILL);
}

static void end_by_kill(wasmvm_process *p)
{
    (void)p;
    helper_kill();
}

static int spin(void (*act)(wasmvm_process *))
{
    int ends[2];
    pthread_t thread;
    wasmvm_config *c = config_make();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    wasmvm_config_stdio(c, -1, ends[1], -1);
    struct beside b = {process_of(helper_command(), c, "spin"), ends[0], act};
    pthread_create(&thread, NULL, when_it_spins, &b);
    int code = b.p ? wasmvm_process_run(b.p, &error) : error.code;
    close(ends[1]);
    pthread_join(thread, NULL);
    close(ends[0]);
    act(b.p); /* nothing is left that it could reach */
    wasmvm_process_free(b.p);
    return code;
}

int case_process_stopped(void)
{
    CHECK(spin(wasmvm_process_stop) == WASMVM_E_STOPPED && error.status == 128 + SIGTERM);
    CHECK(spin(end_by_term) == WASMVM_E_STOPPED && error.status == 128 + SIGTERM);
    return 0;
}

static int die_in_a_call(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    uint32_t word;
    (void)data, (void)args, (void)result;
    helper_kill();
    /* All fail, none waits for ever. */
    bool good = services.read(call, 0, &word, 4) == 0 || services.write(call, 0, &word, 4) == 0 ||
                services.mem_size(call) || services.view(call, 0, 4) ||
                services.wait(call, -1, 0) == WASMVM_OK ||
                services.call_export(call, "deeper", NULL, 0, NULL) != WASMVM_ENDED;
    return good ? 1 : 0;
}

int case_process_killed(void)
{
    const wasmvm_func f = {"test", "back", "i:i", die_in_a_call, NULL};
    wasmvm_services(&services);
    CHECK(spin(end_by_kill) == WASMVM_E_GUEST && error.status == 137);
    wasmvm_config *c = wasmvm_config_new();
    wasmvm_module *m = nest(3);
    wasmvm_config_funcs(c, &f, 1);
    wasmvm_process *p = wasmvm_process_new(helper_command(), m, c, &error);
    CHECK(p && wasmvm_process_run(p, &error) == WASMVM_E_GUEST);
    wasmvm_process_free(p);
    wasmvm_module_free(m);
    wasmvm_config_free(c);
    return 0;
}

static int outlives_its_limit(void *data, wasmvm_call *call, const wasmvm_val *args,
                              wasmvm_val *result)
{
    (void)data, (void)call, (void)args, (void)result;
    sleep(2); /* the helper waits for nobody that long: it has ended meanwhile */
    return 0;
}

int case_process_late_function(void)
{
    const wasmvm_func f = {"test", "back", "i:i", outlives_its_limit, NULL};
    wasmvm_config *c = wasmvm_config_new();
    wasmvm_module *m = nest(3);
    wasmvm_config_funcs(c, &f, 1);
    wasmvm_config_timeout(c, 300000000);
    wasmvm_process *p = wasmvm_process_new(helper_command(), m, c, &error);
    CHECK(p && wasmvm_process_run(p, &error) == WASMVM_E_TIME && error.status == 124);
    wasmvm_process_free(p);
    wasmvm_module_free(m);
    wasmvm_config_free(c);
    return 0;
}

#define STARTERS 4
#define STARTS 12

static void *starts_some(void *context)
{
    int *good = context;
    for (int k = 0; k < STARTS; k++) {
        wasmvm_process *p = process_of(helper_command(), wasmvm_config_new(), "words");
        *good += p != NULL;
        wasmvm_process_free(p);
    }
    return NULL;
}

/* No start waits for another's end. */
int case_process_many_at_once(void)
{
    pthread_t threads[STARTERS];
    int good[STARTERS] = {0};
    for (int k = 0; k < STARTERS; k++)
        CHECK(pthread_create(&threads[k], NULL, starts_some, &good[k]) == 0);
    for (int k = 0; k < STARTERS; k++)
        CHECK(pthread_join(threads[k], NULL) == 0 && good[k] == STARTS);
    return 0;
}

static pid_t bystanders[8];
static int nbystanders;

static void bystander(void)
{
    pid_t child = nbystanders < 8 ? fork() : -1;
    if (child == 0) {
        sleep(HANG_S);
        _exit(0);
    }
    if (child > 0)
        bystanders[nbystanders++] = child;
}

/* Another thread's child has copies of what a start makes, and lives on: no start waits for it. */
int case_process_forked_meanwhile(void)
{
    after_pipe = bystander;
    time_t began = time(NULL);
    wasmvm_process *p = process_of(helper_command(), config_make(), "words");
    time_t took = time(NULL) - began;
    after_pipe = NULL;
    int code = p ? wasmvm_process_run(p, &error) : error.code;
    wasmvm_process_free(p);
    CHECK(nbystanders >= 2);
    for (int k = 0; k < nbystanders; k++)
        CHECK(kill(bystanders[k], SIGKILL) == 0 &&
              waitpid(bystanders[k], NULL, 0) == bystanders[k]);
    CHECK(p && code == WASMVM_OK && took < HANG_S - 1);
    return 0;
}

/* The caller of a spinning machine is killed: its helper goes, too. */
int case_process_ends_with_caller(void)
{
    int ends[2];
    char begun;
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    pid_t caller = fork();
    if (caller == 0) {
        wasmvm_config *c = config_make();
        wasmvm_config_stdio(c, -1, ends[1], -1);
        wasmvm_process *p = process_of(helper_command(), c, "spin");
        _exit(p && wasmvm_process_run(p, &error) == WASMVM_OK);
    }
    CHECK(read(ends[0], &begun, 1) == 1);
    pid_t helper = helper_pid(caller);
    CHECK(alive(helper) && kill(caller, SIGKILL) == 0 && waitpid(caller, NULL, 0) == caller);
    for (int k = 0; alive(helper) && k < HANG_S * (1000000 / AGAIN_US); k++)
        usleep(AGAIN_US);
    CHECK(!alive(helper));
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* ---- other programs ---- */

static void slow(void *context, const char *line)
{
    (void)context, (void)line;
    usleep(200);
}

static int run_script_for(const char *text, uint64_t limit_ns)
{
    char file[300];
    wasmvm_config *c = config_make();
    snprintf(file, sizeof file, "%s/helper", directory);
    FILE *f = fopen(file, "w");
    fprintf(f, "#!/bin/bash\n%s\n", text);
    fclose(f);
    chmod(file, 0700);
    wasmvm_config_timeout(c, limit_ns);
    wasmvm_config_log(c, slow, NULL);
    wasmvm_process *p = process_of(file, c, "words");
    int code = p ? wasmvm_process_run(p, &error) : error.code;
    wasmvm_process_free(p);
    unlink(file);
    return code;
}

static int run_script(const char *text)
{
    return run_script_for(text, 0);
}

int case_process_wrong_program(void)
{
    char text[600];
    CHECK(!process_of("/nowhere/wasmvm", config_make(), "words") && error.code == WASMVM_E_HOST &&
          strstr(error.text, "No such file"));
    CHECK(run_script("exit 3") == WASMVM_E_HOST && strstr(error.text, "it is no wasmvm"));
    CHECK(run_script("printf '\\3\\0\\0\\0\\x27\\0\\0\\0009.9' >&3") == WASMVM_E_HOST &&
          strstr(error.text, "it is no wasmvm"));
    CHECK(run_script("printf '\\4\\0\\0\\0\\x27\\0\\0\\0009.9\\0' >&3") == WASMVM_E_HOST &&
          strstr(error.text, "is wasmvm 9.9, and this is libwasmvm"));
    snprintf(text, sizeof text, "exec -a wasmvm-helper %s 9.9", helper_command());
    CHECK(run_script(text) == WASMVM_E_GUEST);
    return 0;
}

#define GREETING "printf '\\6\\0\\0\\0\\x27\\0\\0\\0000.1.0\\0' >&3; "

/* What a helper that was taken over may say. */
int case_process_hostile_helper(void)
{
    static const char *const words[] = {
        "\\xff\\xff\\xff\\xff\\x10\\0\\0\\0",                         /* a frame that is too long */
        "\\0\\0\\0\\0\\x10\\0\\0\\0",                                 /* a call of nothing */
        "\\4\\0\\0\\0\\x10\\0\\0\\0\\x63\\0\\0\\0",                   /* of no function */
        "\\4\\0\\0\\0\\x10\\0\\0\\0\\0\\0\\0\\0",                     /* without arguments */
        "\\4\\0\\0\\0\\x11\\0\\0\\0\\0\\0\\0\\0",                     /* an answer to nobody */
        "\\4\\0\\0\\0\\x28\\0\\0\\0\\0\\0\\0\\0",                     /* a short end */
        "\\x8\\0\\0\\0\\x28\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0",        /* one without words */
        "\\xb\\0\\0\\0\\x28\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\0\\0", /* with a status of 256 */
        "\\xb\\0\\0\\0\\x28\\0\\0\\0\\x50\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0", /* with no code */
        "\\xa\\0\\0\\0\\x28\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0",  /* with two words */
        "\\0\\0",                                                     /* half a head */
    };
    char text[200];
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        snprintf(text, sizeof text, GREETING "printf '%s' >&3%s", words[k],
                 k % 2 ? "; cat >/dev/null <&3" : ""); /* one that is to be ended, or ends */
        if (run_script(text) != WASMVM_E_GUEST)
            return printf("word %zu: code %d, %s\n", k, error.code, error.text), 1;
    }
    /* One that says no more meets the time limit, though nobody there looks at it. */
    snprintf(text, sizeof text, GREETING "cat <&3 >/dev/null");
    CHECK(run_script_for(text, 100000000) == WASMVM_E_GUEST);
    /* Nothing of the caller's variables is there. */
    setenv("SECRET", "x", 1);
    CHECK(run_script(GREETING "[ -z \"$SECRET\" ] && printf '\\xb\\0\\0\\0\\x28\\0\\0\\0"
                     "\\0\\0\\0\\0\\3\\0\\0\\0\\0\\0\\0' >&3") == WASMVM_OK && error.status == 3);
    unsetenv("SECRET");
    /* A log that never ends, and calls that nobody takes, meet the limit as well. */
    CHECK(run_script_for(GREETING "while :; do echo wasmvm: x >&5; done", 100000000) ==
          WASMVM_E_GUEST);
    /* A whole one is believed, and its words are made fit to be printed. */
    CHECK(run_script(GREETING "printf '\\x11\\0\\0\\0\\x28\\0\\0\\0\\5\\0\\0\\0\\x86\\0\\0\\0"
                     "bad\\33\\0t\\n\\0\\0' >&3") == WASMVM_E_TRAP);
    CHECK(error.status == 134 && !strchr(error.text, '\033'));
    return 0;
}
