/* The settings of a machine: one struct, made from the rows of settings.def.
 *
 * A configuration (lib/config.c) owns one and fills it; once an instance was made from it, nobody
 * changes it any more, and all who want to know look there. */
#ifndef VMM_BASE_SETTINGS_H
#define VMM_BASE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct grant { /* a directory */
    const char *host, *guest;
    bool read_only;
    bool last;   /* its descriptor stands behind those of sockets */
    bool mounts; /* what is mounted below it as well */
    bool tmp;    /* tmp.c's; host is NULL until tmp_make */
    /* wasi/desc.h: no directory of the host's, host is NULL; NULL = one of them */
    const struct grant_kind *kind;
};
/* a socket; taken: the machine's to close, else it gets a copy */
struct passed { int fd; bool taken; };
enum transport { TRANSPORT_AUTO, TRANSPORT_EXIT, TRANSPORT_POLL }; /* how calls reach the monitor */
struct words { const char **at; uint32_t n; };
struct grants { struct grant *at; uint32_t n; };
struct sockets { struct passed *at; uint32_t n; };

struct settings {
#define NUMBER(name, field, otherwise, least, most, what) uint64_t field;
#define CHOICE(name, field, type, last, what) enum type field;
#define TEXT(name, field) const char *field;
#define MARK(name, field) bool field;
#define SWITCH(name, field) bool field;
#define RULES(kind, field) struct words field;
#define RULE(kind, field) const char *field;
#define PERMIT(kind, field) bool field;
#define LIST(type, field) struct type field;
#include "vmm/base/settings.def"
};

/* What holds where nothing is said. */
void settings_default(struct settings *);
/* Strings and lists belong to the settings; NULL and empty lists are nothing. */
void settings_free(struct settings *);

/* false: no memory, and nothing is changed.  add takes the text over, in that case too. */
bool settings_text(const char **field, const char *text);
bool settings_add(struct words *, char *text);
/* Whether a rule speaks of the network: without one no socket of the program's own is ever used. */
bool settings_network(const struct settings *);
/* The value of NAME among words NAME=VALUE; NULL = not set. */
const char *words_env(const struct words *, const char *name);

#endif
