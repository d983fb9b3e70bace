/* `wasmvm doctor`: each probe on a host where all is well and where it is not.  Files are a tree of
 * our own; system calls are refused by a filter, in a child. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* the command line has its own */

#include "vmm/cli/doctor.h"

static char root[64];
static struct doctor doctor = { .root = root, .once_ns = 1 };

static void put(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s%s", root, name);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0755);
        *slash = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    strcpy(root, "/tmp/doctor-test-XXXXXX");
    assert_non_null(mkdtemp(root));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command) != 0;
}

static void finds(void (*look)(struct doctor *, struct finding *), enum verdict verdict,
                  const char *words)
{
    struct finding f = { .verdict = WELL };
    look(&doctor, &f);
    if (f.verdict != verdict || !strstr(f.says, words))
        print_error("%d: %s\n", f.verdict, f.says);
    assert_int_equal(f.verdict, verdict);
    assert_non_null(strstr(f.says, words));
    assert_true(verdict != REMARK || *f.advice); /* whoever is told of a fault is told what to do */
}

static void test_kind(void **state)
{
    (void)state;
    finds(doctor_kind, REMARK, "software"); /* no /proc/cpuinfo */
    put("/proc/cpuinfo", "processor : 0\nflags\t\t: fpu vmxnot sse svms\n");
    finds(doctor_kind, REMARK, "software");
    put("/proc/cpuinfo",
        "processor : 0\nflags\t\t: fpu vmx sse\nprocessor : 1\nflags : hypervisor\n");
    finds(doctor_kind, WELL, "hardware KVM (VT-x)");
    put("/proc/cpuinfo", "flags\t\t: fpu sse svm hypervisor\n");
    finds(doctor_kind, WELL, "hardware KVM (AMD-V), inside a virtual machine");
    doctor.once_ns = 0;
    finds(doctor_kind, UNKNOWN, "no KVM");
    finds(doctor_exit, UNKNOWN, "no machine runs");
    finds(doctor_slot, UNKNOWN, "no machine runs");
    doctor.once_ns = 1;
}

#define SOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define PAGES "/sys/kernel/mm/transparent_hugepage/enabled"

static void test_files_of_sys(void **state)
{
    (void)state;
    finds(doctor_clock, REMARK, "unknown");
    put(SOURCE, "kvm-clock\n");
    finds(doctor_clock, REMARK, "kvm-clock, not tsc");
    put(SOURCE, "tsc\n");
    finds(doctor_clock, WELL, "tsc");
    finds(doctor_pages, REMARK, "unknown");
    put(PAGES, "always madvise [never]\n");
    finds(doctor_pages, REMARK, "turned off");
    put(PAGES, "always [madvise] never\n");
    finds(doctor_pages, WELL, "huge pages");
    put(PAGES, "[always] madvise never\n");
    finds(doctor_pages, WELL, "huge pages");
}

/* What stands in a file's place is not waited for: the alarm is for who would. */
static void test_files_that_are_none(void **state)
{
    (void)state;
    char path[512];
    put(SOURCE, "");
    snprintf(path, sizeof path, "%s" SOURCE, root);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(100);
    finds(doctor_clock, REMARK, "");
    alarm(0);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    finds(doctor_clock, REMARK, "unknown");
}

#define HOLE "/sys/devices/system/cpu/vulnerabilities/"

static void test_holes_and_smt(void **state)
{
    (void)state;
    finds(doctor_holes, UNKNOWN, "does not tell");
    finds(doctor_smt, UNKNOWN, "does not tell");
    put(HOLE "meltdown", "Not affected\n");
    put(HOLE "mds", "Mitigation: Clear CPU buffers; SMT disabled\n");
    put("/sys/devices/system/cpu/smt/active", "0\n");
    finds(doctor_holes, WELL, "2 known holes");
    finds(doctor_smt, WELL, "no core is shared");
    put("/sys/devices/system/cpu/smt/active", "1\n");
    finds(doctor_smt, WELL, "none of the known");
    put(HOLE "mds", "Mitigation: Clear CPU buffers; SMT vulnerable\n");
    finds(doctor_holes, WELL, "2 known holes");
    finds(doctor_smt, REMARK, "vulnerable");
    put(HOLE "retbleed", "Vulnerable\n");
    put(HOLE "l1tf", "Vulnerable: no microcode\n");
    finds(doctor_holes, REMARK, ": l1tf, retbleed");
}

static void test_cache(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/home", root);
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", path, 1);
    finds(doctor_cache, WELL, "/home/.cache/wasmvm");
    setenv("XDG_CACHE_HOME", root, 1);
    finds(doctor_cache, WELL, "/wasmvm can be written");
    put("/file", "x");
    snprintf(path, sizeof path, "%s/file", root);
    setenv("XDG_CACHE_HOME", path, 1); /* a file is none */
    finds(doctor_cache, REMARK, "cannot be written");
    setenv("XDG_CACHE_HOME", "relative", 1);
    unsetenv("HOME");
    finds(doctor_cache, REMARK, "no directory");
}

/* What is found where the kernel answers so to one system call. */
static void finds_without(long number, int error, void (*look)(struct doctor *, struct finding *),
                          enum verdict verdict, const char *words)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog all = { sizeof filter / sizeof *filter, filter };
    struct finding *f = mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                             -1, 0);
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) < 0)
            _exit(1);
        look(&doctor, f);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    if (!strstr(f->says, words))
        print_error("%s\n", f->says);
    assert_int_equal(f->verdict, verdict);
    assert_non_null(strstr(f->says, words));
    assert_true(*f->advice);
    munmap(f, sizeof *f);
}

static void test_a_kernel_without(void **state)
{
    (void)state;
    finds(doctor_openat2, WELL, "can be granted"); /* wasmvm's own tests need it */
    finds_without(SYS_openat2, ENOSYS, doctor_openat2, REMARK, "Function not implemented");
    finds_without(SYS_openat2, EPERM, doctor_openat2, REMARK, "no directory can be granted");
    finds_without(SYS_landlock_create_ruleset, ENOSYS, doctor_landlock, REMARK,
                  "Landlock is not to be had");
    finds_without(SYS_unshare, EPERM, doctor_userns, REMARK,
                  "cannot be made: Operation not permitted");
    finds_without(SYS_unshare, ENOSPC, doctor_userns, REMARK, "cannot be made: No space left");
    finds_without(SYS_prctl, EINVAL, doctor_seccomp, REMARK, "seccomp's filters");
    put("/proc/sys/kernel/seccomp/actions_avail", "kill_process kill_thread trap errno\n");
    finds(doctor_seccomp, WELL, "seccomp");
    put("/proc/sys/kernel/seccomp/actions_avail", "kill_thread trap errno\n");
    finds(doctor_seccomp, REMARK, "seccomp's filters");
}

/* Names of probes stand in the man page's section, in their order. */
static void test_man_page_lists_the_probes(void **state)
{
    (void)state;
    static const char *const names[] = {
#define PROBE(name, what) #name,
#include "vmm/cli/doctor.def"
    };
    char *page = NULL;
    size_t cap = 0;
    FILE *f = fopen("docs/wasmvm.1", "r");
    assert_non_null(f);
    assert_true(getdelim(&page, &cap, 0, f) > 0);
    fclose(f);
    char *at = strstr(page, "\n.Sh THE DOCTOR"), *end = at ? strstr(at, "\n.El") : NULL;
    assert_non_null(end);
    *end = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        at = strstr(at, names[i]);
        assert_non_null(at);
    }
    free(page);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kind), TEST(test_files_of_sys), TEST(test_files_that_are_none),
        TEST(test_holes_and_smt), TEST(test_cache),
        TEST(test_a_kernel_without), cmocka_unit_test(test_man_page_lists_the_probes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
