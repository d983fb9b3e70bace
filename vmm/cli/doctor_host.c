/* What `wasmvm doctor` learns by looking at the host: its CPUs, its kernel, its files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/cli/cli.h"
#include "vmm/cli/doctor.h"

#define LANDLOCK_VERSION 1u /* the flag that asks for it */
#define LANDLOCK_WHOLE 6    /* rules for files, truncation, TCP, devices, scopes */

/* A small file, from its beginning, without the line's end; false: it cannot be read. */
static bool file_read(const struct doctor *d, const char *name, char *out, size_t cap)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", d->root, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, out, cap - 1);
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return false;
    out[n] = 0;
    out[strcspn(out, "\n")] = 0;
    return true;
}

/* ---- CPUs ---- */

/* The word stands in the first line that begins so, between blanks. */
static bool cpu_flag(const struct doctor *d, const char *flag)
{
    char path[PATH_MAX], line[8192];
    bool found = false, done = false;
    snprintf(path, sizeof path, "%s/proc/cpuinfo", d->root);
    FILE *file = fopen(path, "re");
    while (file && !done && fgets(line, sizeof line, file)) {
        done = strncmp(line, "flags", 5) == 0;
        for (char *word = done ? strtok(line, " \t\n") : NULL; word && !found;
             word = strtok(NULL, " \t\n"))
            found = strcmp(word, flag) == 0;
    }
    if (file)
        fclose(file);
    return found;
}

void doctor_kind(struct doctor *d, struct finding *f)
{
    bool vmx = cpu_flag(d, "vmx"), svm = cpu_flag(d, "svm"), inside = cpu_flag(d, "hypervisor");
    const char *name = vmx ? "VT-x" : "AMD-V";
    if (d->once_ns <= 0)
        finding_set(f, UNKNOWN, "", "no KVM was found to be looked at");
    else if (!vmx && !svm)
        finding_set(
            f, REMARK,
            "A host with VT-x or AMD-V, or with nested virtualization turned on, has cheaper calls "
            "and a wall that is better known.",
            "software KVM: this CPU shows neither VT-x nor AMD-V");
    else if (inside)
        finding_set(
            f, WELL, "",
            "hardware KVM (%s), inside a virtual machine: exits cost more than on the bare host",
            name);
    else
        finding_set(f, WELL, "", "hardware KVM (%s)", name);
}

void doctor_cpus(struct doctor *d, struct finding *f)
{
    cpu_set_t set;
    (void)d;
    f->unit = "CPUs";
    f->number = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
    if (f->number == 0)
        finding_set(f, WELL, "", "more CPUs than can be counted here");
    else if (f->number == 1)
        finding_set(f, REMARK, "Give this process a second one, if its programs call much.",
                    "one CPU: each call leaves the machine");
    else
        finding_set(f, WELL, "", "%.0f CPUs, of which one can serve calls while a program runs",
                    f->number);
}

void doctor_clock(struct doctor *d, struct finding *f)
{
    char source[64];
    if (!file_read(d, "/sys/devices/system/clocksource/clocksource0/current_clocksource", source,
                   sizeof source))
        finding_set(f, REMARK, "Mount /sys, or read clocks seldom.",
                    "the clock source is unknown: each look at a clock is a call");
    else if (strcmp(source, "tsc") != 0)
        finding_set(f, REMARK,
                    "The kernel's log says why it does not use tsc (dmesg | grep -i tsc).",
                    "the clock source is %s, not tsc: each look at a clock is a call", source);
    else
        finding_set(f, WELL, "", "the clock source is tsc: programs read clocks by themselves");
}

void doctor_pages(struct doctor *d, struct finding *f)
{
    char text[256];
    if (!file_read(d, "/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text))
        finding_set(
            f, REMARK, "Use a kernel with CONFIG_TRANSPARENT_HUGEPAGE, and mount /sys.",
            "whether there are huge pages is unknown: starts and large memories may be slower");
    else if (strstr(text, "[never]"))
        finding_set(f, REMARK, "As root: echo madvise >/sys/kernel/mm/transparent_hugepage/enabled",
                    "huge pages are turned off: starts and large memories are slower");
    else
        finding_set(f, WELL, "", "huge pages are there");
}

/* ---- the kernel ---- */

void doctor_openat2(struct doctor *d, struct finding *f)
{
    const struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_DIRECTORY,
                                  .resolve = RESOLVE_BENEATH };
    (void)d;
    long fd = syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how);
    if (fd >= 0)
        close((int)fd);
    if (fd >= 0 || errno == EACCES || errno == ENOENT)
        finding_set(f, WELL, "", "openat2 is there: directories can be granted");
    else
        finding_set(f, REMARK,
                    "Use Linux 5.6 or later; in a container, a seccomp profile that knows openat2.",
                    "openat2 is not to be had (%s): no directory can be granted", strerror(errno));
}

void doctor_landlock(struct doctor *d, struct finding *f)
{
    (void)d;
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
    f->unit = "version";
    f->number = version > 0 ? (double)version : 0;
    if (version <= 0)
        finding_set(f, REMARK,
                    "Start the kernel with landlock in lsm=, or use Linux 5.13 or later.",
                    "Landlock is not to be had (%s): what has grants runs with --jail=weak alone",
                    strerror(errno));
    else if (version < LANDLOCK_WHOLE)
        finding_set(
            f, WELL, "",
            "Landlock has version %ld: the jail holds files, and not all that version %d would",
            version, LANDLOCK_WHOLE);
    else
        finding_set(f, WELL, "", "Landlock has version %ld", version);
}

void doctor_seccomp(struct doctor *d, struct finding *f)
{
    char text[512];
    bool listed = file_read(d, "/proc/sys/kernel/seccomp/actions_avail", text, sizeof text);
    if (listed ? strstr(text, "kill_process") != NULL : prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0)
        finding_set(f, WELL, "", "seccomp is there");
    else
        finding_set(
            f, REMARK, "Use a kernel with CONFIG_SECCOMP_FILTER, 4.14 or later.",
            "seccomp's filters are not to be had: the monitor's system calls cannot be confined");
}

/* In a child, as there is no way back. */
static int userns_error(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
    if (child < 0)
        return errno;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

void doctor_userns(struct doctor *d, struct finding *f)
{
    int error = userns_error();
    (void)d;
    if (error == 0)
        finding_set(f, WELL, "", "user namespaces can be made");
    else
        finding_set(
            f, REMARK,
            "They confine the monitor where Landlock is missing (sysctl user.max_user_namespaces, "
            "kernel.unprivileged_userns_clone).",
            "user namespaces cannot be made: %s", strerror(error));
}

/* ---- holes of the CPU ---- */

#define HOLES "/sys/devices/system/cpu/vulnerabilities"

struct holes { unsigned n, open; bool smt; char names[256]; };

static void hole_look(const struct doctor *d, const char *name, struct holes *h)
{
    char file[PATH_MAX], text[256];
    snprintf(file, sizeof file, HOLES "/%s", name);
    if (!file_read(d, file, text, sizeof text))
        return;
    h->n++;
    h->smt |= strstr(text, "SMT vulnerable") != NULL;
    if (strncmp(text, "Vulnerable", 10) != 0)
        return;
    size_t len = strlen(h->names);
    snprintf(h->names + len, sizeof h->names - len, "%s%s", h->open++ ? ", " : "", name);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static struct holes holes_look(const struct doctor *d)
{
    struct holes h = { .n = 0 };
    char path[PATH_MAX];
    struct dirent **names;
    snprintf(path, sizeof path, "%s" HOLES, d->root);
    int n = scandir(path, &names, NULL, by_name);
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.')
            hole_look(d, names[i]->d_name, &h);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return h;
}

void doctor_holes(struct doctor *d, struct finding *f)
{
    struct holes h = holes_look(d);
    f->unit = "open";
    f->number = h.open;
    if (h.n == 0)
        finding_set(f, UNKNOWN, "",
                    "the kernel does not tell what holes this CPU has (is /sys mounted?)");
    else if (h.open)
        finding_set(
            f, REMARK,
            "Update the kernel and the CPU's microcode, and start without mitigations=off: a guest "
            "may read memory of others by such holes.",
            "holes of the CPU that nothing is done about: %s", h.names);
    else
        finding_set(f, WELL, "", "nothing is left open of the CPU's %u known holes", h.n);
}

void doctor_smt(struct doctor *d, struct finding *f)
{
    char active[16];
    if (!file_read(d, "/sys/devices/system/cpu/smt/active", active, sizeof active))
        finding_set(f, UNKNOWN, "", "the kernel does not tell whether cores are shared");
    else if (active[0] != '1')
        finding_set(f, WELL, "", "no core is shared by two threads");
    else if (holes_look(d).smt)
        finding_set(
            f, REMARK,
            "Start the kernel with mitigations=auto,nosmt where programs of strangers run beside "
            "secrets.",
            "cores are shared by two threads, and the kernel calls that vulnerable here");
    else
        finding_set(f, WELL, "",
                    "cores are shared by two threads: none of the known holes needs that off");
}

/* ---- the cache ---- */

/* The nearest directory that is there: it decides whether the rest can be made. */
static bool can_be_made(char *path)
{
    for (;;) {
        if (access(path, F_OK) == 0 || errno != ENOENT)
            return access(path, W_OK | X_OK) == 0;
        char *slash = strrchr(path, '/');
        if (!slash)
            return false;
        slash[slash == path] = 0;
    }
}

void doctor_cache(struct doctor *d, struct finding *f)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char path[PATH_MAX], rest[PATH_MAX];
    (void)d;
    bool own = xdg && *xdg == '/', known = own || (home && *home == '/');
    snprintf(path, sizeof path, "%s%s/wasmvm", own ? xdg : known ? home : "", own ? "" : "/.cache");
    memcpy(rest, path, sizeof rest);
    if (!known)
        finding_set(f, REMARK, "Set HOME, or XDG_CACHE_HOME.",
                    "no directory for the cache: `wasmvm go` needs one");
    else if (!can_be_made(rest))
        finding_set(f, REMARK, "Make it writable, or set XDG_CACHE_HOME.",
                    "the cache's directory %s cannot be written (%s): `wasmvm go` needs it", path,
                    strerror(errno));
    else
        finding_set(f, WELL, "", "the cache's directory %s can be written", path);
}
