/* The options of a subcommand: rows of a table, found among the words, read and taken.
 *
 * Not getopt: an option counts after the module too, up to the first word that is none, and `--`
 * before the module means something else than after it (run.c).  What a value may be is values.c's
 * matter, where it goes is said by the row. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cli/cli.h"

#define HELP_COLUMN 29
#define HELP_CAP 4096

/* ---- --help and --version ---- */

static _Noreturn void show(const char *text, size_t len)
{
    if (!write_all(STDOUT_FILENO, text, len))
        fail("stdout cannot be written: %s", strerror(errno));
    exit(0);
}

static _Noreturn void show_version(void)
{
    static const char text[] = "wasmvm " WASMVM_VERSION "\n";
    show(text, sizeof text - 1);
}

static _Noreturn void show_help(const struct subcommand *which)
{
    char text[HELP_CAP];
    size_t len = 0;
#define ADD(...)                                                                                   \
    (len += (size_t)snprintf(text + len, sizeof text - len, __VA_ARGS__), assert(len < sizeof text))
    ADD("%s", which->help_head);
    for (const struct option *o = which->options; o->name; o++) {
        if (!o->help)
            continue;
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->value && *o->value != '[' ? " " : "",
                 o->value ? o->value : "");
        ADD("  %-*s%s\n", HELP_COLUMN - 2, left, o->help);
    }
    ADD("%s", which->help_tail);
#undef ADD
    show(text, len);
}

/* ---- taking a value ---- */

/* To the library, which keeps its first complaint for wasmvm_config_check, and to the subcommand's
 * own struct. */
static void put_number(const struct target *t, const struct option *o, uint64_t n)
{
    if (o->number)
        o->number(t->config, n);
    if (o->own)
        *(uint64_t *)((char *)t->own + o->own) = n;
}

static void put_text(const struct target *t, const struct option *o, const char *text)
{
    if (o->text)
        o->text(t->config, text);
    if (o->net)
        wasmvm_config_net(t->config, (enum wasmvm_net)(o->net - 1), text);
    if (o->own)
        *(const char **)((char *)t->own + o->own) = text;
}

static void put_flag(const struct target *t, const struct option *o)
{
    if (o->text)
        o->text(t->config, o->name);
    if (o->net)
        wasmvm_config_net(t->config, (enum wasmvm_net)(o->net - 1), "");
    if (o->own)
        *(bool *)((char *)t->own + o->own) = true;
}

static void put_word(const struct target *t, const struct option *o, const char *text)
{
    if (o->net)
        wasmvm_config_net(t->config, (enum wasmvm_net)(o->net - 1), text);
    if (o->own)
        values_add((struct values *)((char *)t->own + o->own), text);
}

static void option_take(const struct target *t, const struct option *o, char *value)
{
    switch (o->kind) {
    case FLAG: put_flag(t, o); break;
    case SIZE: put_number(t, o, value_size(o, value)); break;
    case TIME: put_number(t, o, value_time(o, value)); break;
    case COUNT: put_number(t, o, value_count(o, value)); break;
    case CHOICE: put_number(t, o, value_choice(o, value)); break;
    case TEXT: put_text(t, o, value_text(o, value)); break;
    case EXPORT: put_text(t, o, value); break;
    case MAYBE: put_text(t, o, value_maybe(o, value)); break;
    case ANY: put_text(t, o, value_any(o, value)); break;
    case WORDS: put_word(t, o, value_word(o, value)); break;
    case GRANT: given_dir(t->given, value); break;
    case TMP: t->given->tmp = true; break;
    case CWD: given_cwd(t->given, value); break;
    case ENV: given_env(t->given, value); break;
    case ENV_ALL: given_env_all(t->given); break;
    case HELP: show_help(t->which);
    case VERSION: show_version();
    }
}

/* ---- words ---- */

/* The option that `word` names, `--name` or `--name=value`, or NULL. */
static const struct option *option_find(const struct option *options, const char *word,
                                        char **value)
{
    if (strncmp(word, "--", 2) != 0)
        return NULL;
    word += 2;
    size_t len = strcspn(word, "=");
    for (const struct option *o = options; o->name; o++)
        if (strlen(o->name) == len && memcmp(o->name, word, len) == 0) {
            *value = word[len] ? (char *)word + len + 1 : NULL;
            return o;
        }
    return NULL;
}

bool option_read(const struct target *t, char **argv, int argc, int *at, bool after_module)
{
    char *value = NULL;
    const struct option *o = option_find(t->which->options, argv[*at], &value);
    if (!o || (after_module && (o->kind == HELP || o->kind == VERSION)))
        return false;
    ++*at;
    const char *way_out = after_module ? ", or -- before it if the word is the program's" : "";
    if (!o->value && value)
        fail("--%s takes no value (leave out =%s%s)", o->name, value, way_out);
    if (o->value && !value && *o->value != '[') {
        /* A `--` here is far more likely a forgotten value than a value; --opt=-- says it where it
         * is one. */
        if (*at == argc || strcmp(argv[*at], "--") == 0)
            fail("--%s needs a value (write --%s %s%s)", o->name, o->name, o->value, way_out);
        value = argv[(*at)++];
    }
    option_take(t, o, value);
    return true;
}

int options_read(const struct target *t, const struct start *start, bool *plain)
{
    int at = start->first;
    char **argv = start->argv;
    bool named = strcmp(t->which->name, "run") != 0;
    *plain = start->plain;
    while (!*plain && at < start->argc && argv[at][0] == '-' && argv[at][1]) {
        *plain = strcmp(argv[at], "--") == 0;
        if (*plain)
            at++;
        else if (!option_read(t, argv, start->argc, &at, false))
            fail("%s: no such option (wasmvm %s%s--help lists them)", argv[at],
                 named ? t->which->name : "", named ? " " : "");
    }
    return at;
}
