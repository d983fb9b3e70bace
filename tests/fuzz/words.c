/* The fuzz target of the command line: words that end with a NUL each.  The first byte: whether the
 * words are plain. What parses is checked against what the options promise. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cli/plugin.h"
#include "vmm/lib/lib.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { WORDS_MOST = 64 };

/* Ends of the process come back here; what was allocated on the way belongs to the process, and is
 * lost. */
static jmp_buf ended;
static bool parsing;

_Noreturn void __wrap_fail(const char *format, ...);
_Noreturn void __wrap_fail_as(int status, const char *format, ...);
_Noreturn void __wrap_exit(int status);
_Noreturn void __real_exit(int status);

static _Noreturn void refused(const char *format, va_list args)
{
    char line[8192];
    int n = vsnprintf(line, sizeof line, format, args);
    if (n <= 0)
        abort();
    longjmp(ended, 1);
}

void __wrap_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    refused(format, args);
}

void __wrap_fail_as(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (status <= 0)
        abort();
    refused(format, args);
}

/* --help and --version. */
void __wrap_exit(int status)
{
    if (!parsing)
        __real_exit(status);
    if (status != 0)
        abort();
    longjmp(ended, 1);
}

static void holds(bool good)
{
    if (!good)
        abort();
}

static bool between(uint64_t n, uint64_t least, uint64_t most)
{
    return n >= least && n <= most;
}

/* What stands in the settings lies between the bounds of their rows. */
static void settings_hold(const struct settings *s)
{
#define NUMBER(name, field, otherwise, least, most, what)                                          \
    holds(s->field == (uint64_t)(otherwise) || between(s->field, least, most));
#define CHOICE(name, field, type, last, what) holds((unsigned)s->field <= (unsigned)(last));
#include "vmm/base/settings.def"
    for (uint32_t i = 0; i < s->dirs.n; i++)
        holds(s->dirs.at[i].guest && s->dirs.at[i].guest[0]);
    for (uint32_t i = 0; i < s->env.n; i++)
        holds(strchr(s->env.at[i], '=') != NULL);
}

static void parse(int argc, char **argv, bool plain)
{
    static struct command command;
    struct start start = { .argc = argc, .argv = argv, .plain = plain };
    command_find(&start);
    if (strcmp(start.which->name, "run") != 0)
        return; /* others become another program, or look at the host */
    wasmvm_config *config = run_parse(&command, &start);
    holds(command.module && command.argc >= 0 && command.argc < argc);
    holds(command.argc == 0 || command.argv[command.argc - 1] == argv[argc - 1]);
    settings_hold(&config->set);
    for (uint32_t i = 0; i < command.plugins.n + command.plugin_exec.n; i++) {
        bool exec = i >= command.plugins.n;
        struct pieces pieces;
        char why[PLUGIN_WHY];
        const char *text = exec ? command.plugin_exec.at[i - command.plugins.n]
                                : command.plugins.at[i];
        if (pieces_cut(text, exec ? ' ' : ',', &pieces, why))
            pieces_free(&pieces);
    }
    wasmvm_config_free(config);
    free(command.plugins.at);
    free(command.plugin_exec.at);
    free(command.writable.at);
}

static void attempt(int argc, char **argv, bool plain)
{
    parsing = true;
    if (setjmp(ended) == 0)
        parse(argc, argv, plain);
    parsing = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static char text[4096];
    static char *argv[WORDS_MOST + 2] = { "wasmvm" };
    int argc = 1;
    if (len < 2 || len > sizeof text)
        return -1;
    memcpy(text, data + 1, len - 1);
    text[len - 1] = 0;
    for (char *at = text; at < text + len - 1 && argc <= WORDS_MOST; at += strlen(at) + 1)
        argv[argc++] = at;
    argv[argc] = NULL;
    attempt(argc, argv, data[0] & 1);
    return 0;
}

/* What --help prints goes nowhere, and leaks on the ways that end the process are none. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)argc, (void)argv;
    return dup2(null, STDOUT_FILENO) < 0;
}

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
