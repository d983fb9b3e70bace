/* Completions of the shells, made from the option tables: completions bash|zsh|fish.
 *
 * Each is one function that looks at the word before and at the words so far.  What a value may be
 * follows from the option's kind; the words of a choice stand in the row. */
#include <stdio.h>
#include <string.h>

#include "vmm/cli/cli.h"

struct named { const char *name; const struct option *options; };
static const struct named commands[] = {
#define COMMAND(name) { #name, name##_options },
#include "vmm/cli/commands.def"
#undef COMMAND
};
#define COMMANDS (sizeof commands / sizeof *commands)

/* How a value is completed. */
enum completed { NOTHING, FILES, DIRS, WORDS_OF_ROW };

static enum completed values_of(const struct option *o)
{
    if (!o->value || *o->value == '[')
        return NOTHING;
    if (o->kind == CHOICE)
        return WORDS_OF_ROW;
    if (o->kind == GRANT)
        return DIRS;
    return o->kind == TEXT || strncmp(o->value, "LIB.so", 6) == 0 ? FILES : NOTHING;
}

/* Whether the value is the next word. */
static bool has_word(const struct option *o)
{
    return o->value && *o->value != '[';
}

/* "a|b|c" with blanks. */
static void print_choice(const char *words)
{
    for (; *words; words++)
        putchar(*words == '|' ? ' ' : *words);
}

/* A sentence in single quotes of a shell, and within zsh's brackets. */
static void print_quoted(const char *text)
{
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (*text == '[' || *text == ']')
            printf("\\%c", *text);
        else
            putchar(*text);
}

/* ---- bash ---- */

/* `case` patterns of the options whose values are completed so. */
static void bash_values(const struct option *options, enum completed values, const char *then)
{
    const char *between = "    ";
    for (const struct option *o = options; o->name; o++)
        if (has_word(o) && values_of(o) == values) {
            printf("%s--%s", between, o->name);
            between = " | ";
        }
    if (*between == ' ' && between[1] == '|')
        printf(")\n        %s\n        return ;;\n", then);
}

static void bash_choices(const struct option *options)
{
    for (const struct option *o = options; o->name; o++)
        if (values_of(o) == WORDS_OF_ROW) {
            printf("    --%s)\n        COMPREPLY=($(compgen -W \"", o->name);
            print_choice(o->value);
            printf("\" -- \"$cur\"))\n        return ;;\n");
        }
}

static void bash_command(const struct named *command)
{
    printf("_wasmvm_%s() {\n    case $prev in\n", command->name);
    bash_values(command->options, FILES, "COMPREPLY=($(compgen -f -- \"$cur\"))");
    bash_values(command->options, DIRS, "COMPREPLY=($(compgen -d -- \"$cur\"))");
    bash_values(command->options, NOTHING, "COMPREPLY=()");
    bash_choices(command->options);
    printf("    esac\n    if [[ $cur == -* ]]; then\n        COMPREPLY=($(compgen -W \"");
    for (const struct option *o = command->options; o->name; o++)
        printf("%s--%s", o == command->options ? "" : " ", o->name);
    printf("\" -- \"$cur\"))\n    else\n        COMPREPLY+=($(compgen -f -- \"$cur\"))\n    "
           "fi\n}\n\n");
}

static void bash(void)
{
    printf("# bash completion for wasmvm; made from its option tables\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        bash_command(&commands[i]);
    printf(
        "_wasmvm() {\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
        "    COMPREPLY=()\n    compopt -o filenames 2>/dev/null\n    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 1; i < COMMANDS; i++)
        printf("    %s)\n        if [ \"$COMP_CWORD\" -gt 1 ]; then\n            _wasmvm_%s\n"
               "            return\n        fi ;;\n",
               commands[i].name, commands[i].name);
    printf("    esac\n    [ \"$COMP_CWORD\" -ne 1 ] || COMPREPLY=($(compgen -W \"");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("%s%s", i ? " " : "", commands[i].name);
    printf("\" -- \"$cur\"))\n    _wasmvm_%s\n}\ncomplete -F _wasmvm wasmvm\n", commands[0].name);
}

/* ---- zsh ---- */

static void zsh_value(const struct option *o)
{
    if (!has_word(o))
        return;
    printf(":%s:", o->kind == CHOICE ? "WORD" : o->name);
    switch (values_of(o)) {
    case FILES: printf("_files"); break;
    case DIRS: printf("_files -/"); break;
    case WORDS_OF_ROW: printf("("), print_choice(o->value), printf(")"); break;
    case NOTHING: printf(" "); break;
    }
}

static void zsh_command(const struct named *command)
{
    printf("_wasmvm_%s() {\n    _arguments \\\n", command->name);
    for (const struct option *o = command->options; o->name; o++) {
        printf("        '*--%s%s[", o->name, has_word(o) ? "=" : "");
        print_quoted(o->help ? o->help : o->name);
        printf("]");
        zsh_value(o);
        printf("' \\\n");
    }
    printf("        '*:file:_files'\n}\n\n");
}

static void zsh(void)
{
    printf("#compdef wasmvm\n# zsh completion for wasmvm; made from its option tables\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        zsh_command(&commands[i]);
    printf("if ((CURRENT == 2)); then\n    compadd -- ");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("%s%s", i ? " " : "", commands[i].name);
    printf("\n    _wasmvm_%s\nelif (($+functions[_wasmvm_$words[2]])); then\n"
           "    local command=$words[2]\n    shift words\n    ((CURRENT--))\n    _wasmvm_$command\n"
           "else\n    _wasmvm_%s\nfi\n",
           commands[0].name, commands[0].name);
}

/* ---- fish ---- */

static void fish_when(const char *command)
{
    printf("complete -c wasmvm -n '");
    if (command == commands[0].name) {
        printf("not __fish_seen_subcommand_from");
        for (size_t i = 1; i < COMMANDS; i++)
            printf(" %s", commands[i].name);
    } else {
        printf("__fish_seen_subcommand_from %s", command);
    }
    printf("'");
}

static void fish_option(const char *command, const struct option *o)
{
    fish_when(command);
    printf(" -l %s", o->name);
    switch (values_of(o)) {
    case FILES: printf(" -r -F"); break;
    case DIRS: printf(" -x -a '(__fish_complete_directories)'"); break;
    case WORDS_OF_ROW: printf(" -x -a '"), print_choice(o->value), printf("'"); break;
    case NOTHING: printf(has_word(o) ? " -x" : ""); break;
    }
    if (o->help) {
        printf(" -d '");
        print_quoted(o->help);
        printf("'");
    }
    printf("\n");
}

static void fish(void)
{
    printf("# fish completion for wasmvm; made from its option tables\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("complete -c wasmvm -n __fish_use_subcommand -a %s\n", commands[i].name);
    for (size_t i = 0; i < COMMANDS; i++)
        for (const struct option *o = commands[i].options; o->name; o++)
            fish_option(commands[i].name, o);
}

int main(int argc, char **argv)
{
    static const struct { const char *name; void (*print)(void); } shells[] = {
        { "bash", bash }, { "zsh", zsh }, { "fish", fish }
    };
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (argc == 2 && strcmp(argv[1], shells[i].name) == 0) {
            shells[i].print();
            return fflush(stdout) == 0 ? 0 : 1;
        }
    fprintf(stderr, "usage: completions bash|zsh|fish\n");
    return 2;
}
