/* What the files of the cases share: the modules, configurations, a run. */
#ifndef TESTS_EMBED_EMBED_H
#define TESTS_EMBED_EMBED_H

#include <stdio.h>

#include <wasmvm.h>

#define CHECK(x)                                                                                   \
    do                                                                                             \
        if (!(x))                                                                                  \
            return printf("line %d: %s: code %d, %s\n", __LINE__, #x, error.code, error.text), 1;  \
    while (0)

extern wasmvm_module *program, *reactor;
extern char directory[256];
extern const char *program_file;
extern __thread wasmvm_error error;

wasmvm_config *config_make(void);
/* NULL, or the command in whose processes runs are instead of in this one. */
extern const char *run_there;

/* ---- embed.c: those that hold for both ---- */
int case_words_and_status(void);
int case_directories(void);
int case_host_functions(void);
int case_imports_are_checked(void);
int case_limits(void);
int case_failures(void);

/* ---- process.c ---- */
int case_process_as_here(void);
int case_process_nested(void);
int case_process_unseen(void);
int case_process_stopped(void);
int case_process_killed(void);
int case_process_ends_with_caller(void);
int case_process_late_function(void);
int case_process_many_at_once(void);
int case_process_forked_meanwhile(void);
int case_process_wrong_program(void);
int case_process_hostile_helper(void);

int open_files(void);
int lines_of(const char *file);

/* ---- edges.c ---- */
int case_values_at_their_most(void);
int case_names_at_their_most(void);
int case_ready_at_once(void);
int case_limit_taken_away(void);
int case_limit_of_the_start(void);
int case_nothing_is_left(void);
int case_pool_few_mappings(void);
int case_pool_forgets_limits(void);
int case_pool_given_unused(void);
int case_pool_given_alive(void);
int case_watched_while_reset(void);

/* ---- reset.c ---- */
int case_reset_is_as_new(void);
int case_reset_differs(void);
int case_reset_hides(void);
int case_reset_gives_memory_back(void);
int case_reset_limits(void);
int case_reset_files(void);
int case_reset_door(void);
int case_reset_flags(void);
int case_reset_sockets(void);
int case_reset_registers(void);
int case_reset_alive(void);
int case_reset_refused(void);
int case_reset_leaves_nothing(void);
int case_pool_of_machines(void);
int case_pool_keeps_apart(void);

/* ---- pool.c ---- */
int case_pool_shares_nothing_written(void);
int case_pool_smashed_meanwhile(void);
int case_pool_confined_and_given(void);
int case_pool_calls_less(void);

/* ---- signals.c ---- */
int case_signals(void);

/* ---- prepare.c ---- */
extern void (*after_pipe)(void); /* NULL, or what another thread does once a pipe is there */
int case_prepared_then_run(void);
int case_prepared_then_left(void);
int case_prepare_fails(void);
int case_prepare_few_descriptors(void);
int case_prepare_calls_fail(void);

#endif
