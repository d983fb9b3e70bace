/* The order in which a machine is made (vm.c), of parts that are doubles: whichever fails ends it
 * there, in that part's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/machine/inside.h"

static char record[300];
static const char *fails; /* the step that is to fail */
static _Alignas(4096) uint8_t place[4096];

static bool step(const char *what, struct failure *why)
{
    size_t at = strlen(record);
    snprintf(record + at, sizeof record - at, "%s%s", at ? " " : "", what);
    return !fails || strcmp(fails, what) != 0 || failure_set(why, "no %s", what);
}

bool kick_open(struct kick *k, uint64_t deadline_ns, uint64_t cpu_ns, uint64_t from_ns)
{
    (void)k, (void)deadline_ns, (void)cpu_ns, (void)from_ns;
    return true;
}
void kick_close(struct kick *k) { (void)k; }
bool kick_pending(struct kick *k) { return (void)k, false; }
int kick_ppoll(struct kick *k, struct pollfd *fds, unsigned n, int64_t timeout_ns)
{
    (void)k, (void)fds, (void)n, (void)timeout_ns;
    return 1;
}

void entry_none(struct entry *e) { memset(e, 0, sizeof *e); }
void entry_make(struct entry *e, const uint8_t *module, uint64_t n)
{
    (void)e, (void)n;
    assert_memory_equal(module, "wasm", 4);
}
bool entry_module_good(const struct entry *e, const uint8_t *module, uint64_t n)
{
    (void)e, (void)module, (void)n;
    return true;
}
void entry_opened(struct entry *e) { (void)e; }
void entry_close(struct entry *e) { (void)e; }

bool resume_open(struct vm *vm, int fd, struct failure *why)
{
    (void)vm, (void)fd;
    return step("cache", why);
}
bool resume_load(struct vm *vm, uint32_t cpu) { return (void)vm, (void)cpu, false; }
bool image_open(struct image *image, const struct config *config, struct failure *why)
{
    (void)image, (void)config;
    return step("image", why);
}
void image_close(struct image *image) { (void)image; }

bool kvm_open(struct kvm *kvm, int handed, struct failure *why)
{
    (void)kvm, (void)handed;
    return step("kvm", why);
}
bool kvm_add_vcpu(struct kvm *kvm, struct failure *why) { return (void)kvm, step("cpu", why); }
bool kvm_start_state(struct kvm *kvm, const struct cpu_start *start, bool *avx, struct failure *why)
{
    (void)kvm, (void)start;
    *avx = false;
    return step("registers", why);
}
void kvm_count(struct kvm *kvm, struct kvm_counts *counts) { (void)kvm, (void)counts; }
void kvm_close(struct kvm *kvm) { (void)kvm; }

bool ram_new(struct ram *ram, struct kvm *kvm, const struct config *config,
             const struct ram_sizes *sizes, struct failure *why)
{
    (void)kvm, (void)config;
    assert_int_equal(sizes->module, 4);
    ram->module.host = place;
    return step("memory", why);
}
void ram_free(struct ram *ram) { (void)ram; }

uint64_t boot_small_bytes(const struct config *config, const struct image *image)
{
    return (void)config, (void)image, 0;
}
bool boot_prepare(struct vm *vm, const struct image *image, struct cpu_start *start,
                  struct failure *why)
{
    (void)vm, (void)image, (void)start;
    return step("boot", why);
}
void boot_features(struct vm *vm, uint32_t features) { (void)vm, (void)features; }
void boot_module(struct vm *vm) { (void)vm; }
void boot_resume(struct vm *vm) { (void)vm; }
void boot_save(struct vm *vm) { (void)vm; }
void boot_pause(struct vm *vm) { (void)vm; }

void clockpage_start(struct vm *vm) { (void)vm, step("clocks", NULL); }
uint64_t clockpage_when(const struct vm *vm, uint64_t tsc) { return (void)vm, (void)tsc, 0; }
void timeline_phase(struct timeline *t, const char *name) { (void)t, (void)name; }
void snapshot_free(struct vm *vm) { (void)vm; }
bool snapshot_shared(struct vm *vm, const struct template *t, struct failure *why)
{
    return (void)vm, (void)t, step("template", why);
}
bool template_load(struct vm *vm, const struct template *t) { return (void)vm, (void)t, true; }
bool guest_read(const struct guestmem *m, gva_t at, void *to, uint64_t n)
{
    return (void)m, (void)at, (void)to, (void)n, false;
}

static bool made(const char *without, struct failure *why)
{
    static const struct settings set = {.memory_bytes = 1 << 20, .stack_bytes = 1 << 20};
    const struct config config = {.set = &set, .module = "app.wasm"};
    struct run_stats stats = {.timeline = NULL};
    struct vm *vm = vm_new(&config, &stats);
    assert_non_null(vm);
    fails = without;
    record[0] = 0;
    bool good = vm_build(vm, &(struct module){.fd = -1, .bytes = (const uint8_t *)"wasm", .n = 4},
                         why);
    vm_free(vm);
    return good;
}

static void test_the_first_that_fails_ends_it(void **state)
{
    (void)state;
    static const char *const steps[] = {"cache", "image", "kvm",  "memory",
                                        "cpu",   "boot",  "registers"};
    char so_far[200] = "", words[40];
    struct failure why;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size_t at = strlen(so_far);
        snprintf(so_far + at, sizeof so_far - at, "%s%s", at ? " " : "", steps[i]);
        snprintf(words, sizeof words, "no %s", steps[i]);
        assert_false(made(steps[i], &why));
        assert_string_equal(record, so_far);
        assert_string_equal(why.text, words);
    }
    assert_true(made(NULL, &why));
    strcat(so_far, " clocks");
    assert_string_equal(record, so_far);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_the_first_that_fails_ends_it) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
