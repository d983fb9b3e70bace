/* The process of a container: what it starts, and how that becomes wasmvm. */
#include "oci/oci.h"

#include <string.h>

void process_program(struct program *p, struct json_object *process)
{
    texts_in(&p->args, process, "args");
    texts_in(&p->env, process, "env");
    p->cwd = text_in(process, "cwd");
    if (!p->args.n || !*p->args.at[0])
        refuse("the container starts nothing: process.args is empty");
    if (!p->cwd || p->cwd[0] != '/')
        refuse("process.cwd is not absolute");
}

/* ---- words ---- */

/* The words of io.wasmvm.options, those that the administrator allows. */
static void options_add(struct json_object *args, const struct machine *m)
{
    static const char key[] = "io.wasmvm.options";
    const char *value = text_in(m->annotations, key);
    struct list words = {0};
    if (!value)
        return;
    struct json_object *holder = allocated(json_object_new_object());
    json_object_object_add(holder, key, document_parse(value, strlen(value), key));
    texts_in(&words, holder, key);
    for (size_t i = 0; i < words.n; i++) {
        const char *wrong = option_wrong(words.at[i]);
        if (!wrong && !option_named(&m->conf->options, words.at[i]))
            wrong = "the administrator does not allow it (options in oci.conf)";
        if (wrong)
            refuse("annotation %s: %s: %s", key, words.at[i], wrong);
        text_add(args, words.at[i]);
    }
}

static void limits_add(struct json_object *args, const struct limits *l)
{
    if (!l->total)
        return;
    text_add(args, text("--memory=%lld", (long long)l->memory));
    text_add(args, text("--stack=%lld", (long long)l->stack));
    text_add(args, text("--total-memory=%lld", (long long)l->total));
}

/* Those of the container last: of an option that counts once, the last one does. */
static struct json_object *monitor_args(const struct machine *m, const char *cwd)
{
    struct json_object *args = allocated(json_object_new_array());
    text_add(args, MONITOR);
    text_add(args, "--container");
    text_add(args, "--cache=off");
    text_add(args, text("--kvm-fd=%u", m->kvm_fd));
    text_add(args, "--dir=/");
    text_add(args, "--env-all");
    text_add(args, text("--cwd=%s", path_clean(cwd)));
    if (m->conf->network)
        text_add(args, "--net-all");
    if (m->sockets)
        text_add(args, "--listen-fds");
    if (m->termination_log)
        text_add(args, "--last-words=" TERMINATION_LOG);
    limits_add(args, &m->limits);
    for (size_t i = 0; i < m->conf->add.n; i++)
        text_add(args, m->conf->add.at[i]);
    options_add(args, m);
    text_add(args, "--");
    return args;
}

/* ---- variables ---- */

static bool env_has(const struct list *env, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->at[i], name, len) == 0 && env->at[i][len] == '=')
            return true;
    return false;
}

static void env_edit(struct json_object *process, const struct program *p, const struct limits *l)
{
    struct json_object *env = array_in(process, "env");
    if (!l->soft || env_has(&p->env, "GOMEMLIMIT"))
        return;
    if (!env)
        json_object_object_add(process, "env", env = allocated(json_object_new_array()));
    text_add(env, text("GOMEMLIMIT=%lld", (long long)l->soft));
}

void process_edit(struct json_object *process, const struct machine *m)
{
    struct program p = {.root = -1};
    process_program(&p, process);
    struct json_object *args = monitor_args(m, p.cwd);
    text_add(args, m->module);
    for (size_t i = 1; i < p.args.n; i++)
        text_add(args, p.args.at[i]);
    json_object_object_add(process, "args", args);
    env_edit(process, &p, &m->limits);
}
