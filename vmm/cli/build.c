/* `wasmvm build`: makes an image of a module's start, which carries the module.
 *
 * The program is run by a process of its own where a training run is asked for, and the image is
 * made by another one: each is `wasmvm run`, confined as any other, and has one descriptor more.
 * What is left to this process is the file's name, which nobody else can write.
 *
 * The program of a training run may be hostile, and may write where --dir lets it.  So the module
 * and the output's folder are opened before it runs, and no name of theirs is looked up again. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/cache/cache.h"
#include "vmm/cli/plugin.h"

struct asked {
    const char *module, *output;
    struct values plugins;
    bool profile;
    char **both; int nboth;         /* words for training and making: options of run */
    char **training; int ntraining; /* behind --profile-run, up to -- */
    char **args; int nargs;         /* the program's own */
    int module_fd;
    struct stat was;                /* the module's file, before any run */
};
#define OWN(member) .own = offsetof(struct asked, member)
/* Run reads these values again, and knows what they may be. */
static const struct bounds any_value = { 0, UINT64_MAX };
#define AS_RUN .help = "the same", .bounds = &any_value
const struct option build_options[] = {
    { .name = "output", .kind = TEXT, .value = "FILE", .help = "the image; -o FILE is the same",
      OWN(output) },
    { .name = "profile-run", .kind = FLAG, .help = "run the program: what that compiles is in it",
      OWN(profile) },
    { .name = "plugin", .kind = WORDS, .value = "LIB.so[,WORDS]",
      .help = "a plug-in that every run will have", OWN(plugins) },
    { .name = "plugin-exec", .kind = WORDS, .value = "NAME=COMMAND", .help = "the same" },
    { .name = "memory", .kind = SIZE, .value = "SIZE", .help = "as of wasmvm run",
      .bounds = &any_value },
    { .name = "total-memory", .kind = SIZE, .value = "SIZE", AS_RUN },
    { .name = "timeout", .kind = TIME, .value = "TIME", AS_RUN },
    { .name = "cpu-time", .kind = TIME, .value = "TIME", AS_RUN },
    { .name = "jail", .kind = CHOICE, .value = "on|off|weak", .help = "the same" },
    { .name = "kvm-fd", .kind = COUNT, .value = "N", AS_RUN },
    { .name = "stats", .kind = FLAG, .help = "the same" },
    { .name = "help", .kind = HELP, .help = "show this" },
    { .name = NULL },
};
const char build_help_head[] =
    "wasmvm build [OPTIONS] MODULE.wasm -o FILE.img [OPTIONS]\n"
    "             [--profile-run [OPTIONS OF RUN] [-- ARGS...]]\n"
    "Compiles a module into an image, which `wasmvm FILE.img` runs.\n"
    "\n"
    "  wasmvm build app.wasm -o app.img              all functions\n"
    "  wasmvm build app.wasm -o app.img \\\n"
    "      --profile-run --dir data::/data -- ARGS   those that this run calls\n"
    "\n";
const char build_help_tail[] =
    "\n"
    "Another version of wasmvm, and another kind of CPU, run the module inside.\n";

/* ---- words ---- */

/* Options that training and making shall have alike are kept as they are written. */
static void word_read(const struct target *t, const struct start *start, int *at)
{
    struct asked *asked = t->own;
    char **argv = start->argv;
    int from = *at;
    if (strcmp(argv[from], "-o") == 0) {
        if (from + 1 >= start->argc)
            fail("-o needs a value (write -o FILE)");
        asked->output = argv[from + 1];
        *at += 2;
    } else if (option_read(t, argv, start->argc, at, false)) {
        bool own = strncmp(argv[from], "--output", 8) == 0 ||
                   strcmp(argv[from], "--profile-run") == 0;
        while (!own && from < *at)
            asked->both[asked->nboth++] = argv[from++];
    } else if (argv[from][0] == '-' || asked->module) {
        fail("build: %s: %s (wasmvm build --help)", argv[from],
             asked->module ? "a second module, or no option" : "no such option");
    } else {
        asked->module = argv[(*at)++];
    }
}

/* Of those behind --profile-run; what no option of run is, run_parse refuses. */
static void training_word(const char *word)
{
    if (strcmp(word, "-o") == 0 || strcmp(word, "--output") == 0 ||
        strncmp(word, "--output=", 9) == 0)
        fail("build: %s stands before --profile-run", word);
    if (strcmp(word, "--end-with") == 0 || strncmp(word, "--end-with=", 11) == 0)
        fail("build: %s: a training run ends with wasmvm build", word);
    if (strcmp(word, "--help") == 0 || strcmp(word, "--version") == 0)
        fail("build: %s: no option of a training run (wasmvm build --help)", word);
}

static void words_read(struct asked *asked, const struct start *start)
{
    const struct target t = { .which = start->which, .own = asked };
    int at = start->first;
    asked->both = allocated(calloc((size_t)start->argc, sizeof *asked->both));
    while (at < start->argc && !asked->profile)
        word_read(&t, start, &at);
    asked->training = start->argv + at;
    while (at < start->argc && strcmp(start->argv[at], "--") != 0)
        training_word(start->argv[at++]), asked->ntraining++;
    asked->args = start->argv + at + 1;
    asked->nargs = at < start->argc ? start->argc - at - 1 : 0;
    if (!asked->module)
        fail("build: no module given (wasmvm build MODULE.wasm -o FILE)");
    if (!asked->output)
        fail("build: no output given (-o FILE)");
}

/* ---- the file ---- */

static struct {
    int folder;                   /* O_PATH */
    const char *name;             /* in there, */
    char unfinished[NAME_MAX + 1]; /* and until it is whole; "" = not begun */
} output;

_Noreturn static void give_up(int status)
{
    if (*output.unfinished)
        unlinkat(output.folder, output.unfinished, 0);
    exit(status);
}

static void folder_open(const char *path)
{
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path + 1) : 0;
    output.name = path + n;
    if (n >= sizeof folder || strlen(output.name) > NAME_MAX)
        fail("-o %s: the name is too long", path);
    if (n)
        *(char *)mempcpy(folder, path, n) = 0;
    output.folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (output.folder < 0)
        fail("-o %s: it cannot be written: %s (mkdir -p %s)", path, strerror(errno), folder);
}

/* An image of a module may replace an image, and not the module. */
static void output_check(const struct asked *asked)
{
    struct stat to;
    bool there = fstatat(output.folder, output.name, &to, 0) == 0;
    if (!*output.name || (there && !S_ISREG(to.st_mode)))
        fail("-o %s: it is no regular file", asked->output);
    if (there && asked->was.st_dev == to.st_dev && asked->was.st_ino == to.st_ino &&
        !saved_begins(asked->module_fd))
        fail("-o %s: that is the module itself", asked->output);
}

/* Beside the output, so that it can be renamed. */
static int file_begin(const char *path)
{
    unsigned long any = 0;
    char name[2 * NAME_MAX];
    if (getrandom(&any, sizeof any, 0) != sizeof any)
        fail("-o %s: no random numbers: %s", path, strerror(errno));
    if (snprintf(name, sizeof name, ".%s.%lx", output.name, any) > NAME_MAX)
        fail("-o %s: the name is too long", path);
    int fd = openat(output.folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        fail("-o %s: it cannot be written: %s", path, strerror(errno));
    strcpy(output.unfinished, name);
    return fd;
}

/* Whoever may read new files of this user may read it, and nobody else may write it. */
static void file_end(int fd, const char *path)
{
    struct saved saved;
    struct stat st;
    mode_t mask = umask(077);
    const char *wrong = fstat(fd, &st) == 0 ? saved_read(fd, (uint64_t)st.st_size, &saved)
                                            : strerror(errno);
    if (!wrong && !saved.head.carries)
        wrong = "it carries no module";
    if (!wrong && (fchmod(fd, 0644 & ~mask) != 0 || fsync(fd) != 0 ||
                   renameat(output.folder, output.unfinished, output.folder, output.name) != 0))
        wrong = strerror(errno);
    if (!wrong)
        return;
    message("-o %s: it cannot be written: %s", path, wrong);
    give_up(EXIT_MONITOR);
}

/* ---- the two runs ---- */

static char end_with[32];

/* wasmvm run BOTH... MORE... -- MODULE ARGS...
 * Both end with us: a signal of our end would not outlive that the jail changes the user. */
static struct start start_of(const struct asked *asked, const struct start *start, bool training)
{
    struct start run = { .began_ns = clock_now_ns() };
    snprintf(end_with, sizeof end_with, "--end-with=%d", (int)getpid());
    size_t most = (size_t)start->argc + 7;
    char **to = run.argv = allocated(calloc(most, sizeof *to));
    *to++ = start->argv[0];
    *to++ = end_with;
    *to++ = (char *)"--cache=off";
    for (int i = 0; i < asked->nboth; i++)
        *to++ = asked->both[i];
    if (training) {
        memcpy(to, asked->training, (size_t)asked->ntraining * sizeof *to);
        to += asked->ntraining;
    }
    *to++ = (char *)"--";
    *to++ = (char *)asked->module;
    if (training) {
        memcpy(to, asked->args, (size_t)asked->nargs * sizeof *to);
        to += asked->nargs;
    }
    run.argc = (int)(to - run.argv);
    command_find(&run);
    return run;
}

static sigset_t held, before;
static int stopped_by; /* the last signal that was to stop us, SIGINT aside; 0 = none */

static void signals_hold(void)
{
    static const int all[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD };
    sigemptyset(&held);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        sigaddset(&held, all[i]);
    sigprocmask(SIG_BLOCK, &held, &before);
    signal(SIGCHLD, SIG_DFL);
}

/* What shall stop us is a matter of the run, which then ends: a terminal tells it itself. */
static int waited(pid_t child)
{
    siginfo_t info;
    int status, signal;
    while (waitpid(child, &status, WNOHANG) == 0) {
        signal = sigwaitinfo(&held, &info);
        if (signal > 0 && signal != SIGCHLD && info.si_code <= 0)
            kill(child, signal);
        if (signal > 0 && signal != SIGCHLD && signal != SIGINT)
            stopped_by = signal;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_apart(const struct start *run, const struct into *into)
{
    pid_t child = fork();
    if (child < 0) {
        message("build: no process: %s", strerror(errno));
        give_up(EXIT_MONITOR);
    }
    if (child == 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        _exit(run_into(run, into));
    }
    return waited(child);
}

/* ---- training ---- */

/* That the words mean our module, and that both runs can be of it. */
static void training_check(const struct asked *asked, const struct start *run)
{
    struct command command;
    if (!S_ISREG(asked->was.st_mode))
        fail("%s is a pipe, which can be read once: --profile-run needs a file", asked->module);
    wasmvm_config_free(run_parse(&command, run));
    if (command.module != asked->module)
        fail("build: %s: no option of a training run (write --profile-run [OPTIONS OF RUN] -- "
             "ARGS)",
             command.module);
    if (command.plugins.n > asked->plugins.n)
        fail("a plug-in that all runs will have is given before --profile-run: wasmvm build "
             "--plugin LIB.so %s -o %s",
             asked->module, asked->output);
}

/* Another one by that name is none of our matter, as the file is open. */
static void module_check(const struct asked *asked)
{
    const struct stat *was = &asked->was;
    struct stat is;
    if (fstat(asked->module_fd, &is) == 0 && is.st_size == was->st_size &&
        is.st_mtim.tv_sec == was->st_mtim.tv_sec && is.st_mtim.tv_nsec == was->st_mtim.tv_nsec &&
        is.st_ctim.tv_sec == was->st_ctim.tv_sec && is.st_ctim.tv_nsec == was->st_ctim.tv_nsec)
        return;
    fail("%s has changed in the training run: there is no image (grant its folder with :ro)",
         asked->module);
}

/* What the program itself makes of its run is no reason to stop: it began where there is a list.
 * That it could not run is one, which it has said; and so is a stop that is meant for us. */
static void train(const struct asked *asked, const struct start *start, int list_fd)
{
    struct stat list;
    const struct start run = start_of(asked, start, true);
    training_check(asked, &run);
    int status = run_apart(&run, &(struct into){ .list_fd = list_fd,
                                                 .module_fd = asked->module_fd });
    if (stopped_by)
        give_up(128 + stopped_by);
    bool began = fstat(list_fd, &list) == 0 && list.st_size > 0;
    if (status != 0 && !began) {
        message("the training run did not begin, or left no list: there is no image");
        give_up(status);
    }
    if (status != 0)
        message("the training run ended with status %d: the image has what it called until then",
                status);
    module_check(asked);
    free(run.argv);
}

int build_command(const struct start *start)
{
    struct asked asked = { 0 };
    words_read(&asked, start);
    if (asked.plugins.n && !library_possible())
        program_become("--plugin", "wasmvm-dynamic", start->argv);
    asked.module_fd = module_open(asked.module, &asked.was);
    folder_open(asked.output);
    output_check(&asked);
    signals_hold();
    int list_fd = asked.profile ? memfd_create("list", MFD_CLOEXEC) : 0;
    if (list_fd < 0)
        fail("build: no descriptor: %s", strerror(errno));
    if (asked.profile)
        train(&asked, start, list_fd);
    int image_fd = file_begin(asked.output);
    const struct start run = start_of(&asked, start, false);
    int status = run_apart(&run, &(struct into){ image_fd, list_fd, asked.module_fd });
    if (status != 0)
        give_up(status);
    file_end(image_fd, asked.output);
    return 0;
}
