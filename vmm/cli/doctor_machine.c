/* What `wasmvm doctor` learns by making machines: whether one runs, and what its calls cost.
 *
 * The program is a loop round args_sizes_get, of which --hypercall-all makes a call each time, and
 * which asks nothing of the kernel.  A run of one call is the measure for all that is not calls. */
#include <stdio.h>
#include <string.h>

#include "vmm/cli/cli.h"
#include "vmm/cli/doctor.h"

#define EXITS 500
#define CALLS 20000
#define SECOND_NS UINT64_C(1000000000)
#define PATIENCE_NS (2 * SECOND_NS) /* for one run: a busy host must not keep anybody waiting */
#define EXIT_DEAR_NS 10000 /* of hardware KVM an exit is 1 to 2 us */

/* (module (import "wasi_snapshot_preview1" "args_sizes_get" (func (param i32 i32) (result i32)))
 *   (memory (export "memory") 1)
 *   (func (export "_start") (local i32)
 *     (loop (drop (call 0 (i32.const 0) (i32.const 4)))
 *       (br_if 0 (i32.ne (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const TIMES))))))
 */
static const uint8_t program[] = {
    0,    'a',  's',  'm',  1,    0,    0,    0,   1,    10,  2,    0x60, 2,    0x7f, 0x7f, 1,
    0x7f, 0x60, 0,    0,    2,    41,   1,    22,  'w',  'a', 's',  'i',  '_',  's',  'n',  'a',
    'p',  's',  'h',  'o',  't',  '_',  'p',  'r', 'e',  'v', 'i',  'e',  'w',  '1',  14,   'a',
    'r',  'g',  's',  '_',  's',  'i',  'z',  'e', 's',  '_', 'g',  'e',  't',  0,    0,    3,
    2,    1,    1,    5,    3,    1,    0,    1,   7,    19,  2,    6,    'm',  'e',  'm',  'o',
    'r',  'y',  2,    0,    6,    '_',  's',  't', 'a',  'r', 't',  0,    1,    10,   32,   1,
    30,   1,    1,    0x7f, 0x03, 0x40, 0x41, 0,   0x41, 4,   0x10, 0,    0x1a, 0x20, 0,    0x41,
    1,    0x6a, 0x22, 0,    0x41, 0,    0,    0,   0,    0,   0x47, 0x0d, 0,    0x0b, 0x0b,
};
enum { TIMES_AT = sizeof program - 10 }; /* five bytes: a number in LEB128 */

struct run { double ns, run_ns; uint64_t exits, polled; };

/* One run of so many calls; false: *error says why there is none. */
static bool run(uint32_t times, enum wasmvm_hypercall how, struct run *out, wasmvm_error *error)
{
    uint8_t bytes[sizeof program];
    uint64_t began_ns = clock_now_ns();
    memcpy(bytes, program, sizeof program);
    for (unsigned i = 0; i < 5; i++)
        bytes[TIMES_AT + i] = (uint8_t)((times >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
    wasmvm_config *config = wasmvm_config_new();
    wasmvm_module *module = wasmvm_module_bytes(bytes, sizeof bytes, "doctor.wasm", error);
    wasmvm_instance *i = NULL;
    wasmvm_statistics s = { .size = sizeof s };
    if (config && module && wasmvm_config_hypercall(config, how) == WASMVM_OK &&
        wasmvm_config_timeout(config, times == 1 ? 30 * SECOND_NS : PATIENCE_NS) == WASMVM_OK &&
        wasmvm_config_flag(config, "hypercall-all") == WASMVM_OK)
        i = wasmvm_instance_new(module, config, error);
    bool good = i && wasmvm_run(i, error) == WASMVM_OK &&
                wasmvm_instance_statistics(i, &s) == WASMVM_OK;
    wasmvm_instance_free(i);
    wasmvm_module_free(module);
    wasmvm_config_free(config);
    *out = (struct run){ (double)(clock_now_ns() - began_ns), (double)s.run_ns, s.exits,
                         s.calls_polled };
    return good;
}

/* The library's line: what is, and in parentheses what to do. */
static void tell_failure(struct finding *f, wasmvm_error *error)
{
    size_t len = strlen(error->text);
    char *hint = strrchr(error->text, '(');
    char *first = strstr(error->text, " (");
    if (first && len && error->text[len - 1] == ')' && hint) {
        *first = 0;
        error->text[len - 1] = 0;
        finding_set(f, CANNOT, first + 2, "%s", error->text);
        return;
    }
    finding_set(f, CANNOT, "", "%s", error->text);
}

void doctor_kvm(struct doctor *d, struct finding *f)
{
    struct run first, again;
    wasmvm_error error = { .text = "no machine can be made" };
    if (!run(1, WASMVM_HYPERCALL_EXIT, &first, &error) ||
        !run(1, WASMVM_HYPERCALL_EXIT, &again, &error)) {
        tell_failure(f, &error);
        return;
    }
    d->once_ns = again.run_ns;
    f->unit = "ms";
    f->number = (again.ns < first.ns ? again.ns : first.ns) / 1e6;
    finding_set(f, WELL, "", "a machine is made, runs a small program and is gone in %.1f ms",
                f->number);
}

static void not_measured(const struct doctor *d, struct finding *f)
{
    finding_set(f, UNKNOWN, "", d->once_ns > 0 ? "not measured, as this host is too busy"
                                               : "not measured, as no machine runs");
}

/* Nanoseconds of each of so many calls, beyond a run of one; the least of three. */
static double call_ns(const struct doctor *d, uint32_t times, enum wasmvm_hypercall how,
                      struct run *last)
{
    wasmvm_error error;
    double least = 0;
    for (int i = 0; i < 3; i++) {
        if (!run(times, how, last, &error))
            return 0;
        double ns = (last->run_ns > d->once_ns ? last->run_ns - d->once_ns : 0) / (times - 1);
        least = i == 0 || ns < least ? ns : least;
    }
    return least;
}

void doctor_exit(struct doctor *d, struct finding *f)
{
    struct run last;
    double ns = d->once_ns > 0 ? call_ns(d, EXITS, WASMVM_HYPERCALL_EXIT, &last) : 0;
    if (ns <= 0) {
        not_measured(d, f);
        return;
    }
    f->unit = "ns";
    f->number = ns;
    if (ns <= EXIT_DEAR_NS)
        finding_set(f, WELL, "", "a call that leaves the machine costs %.1f us", ns / 1e3);
    else
        finding_set(
            f, REMARK,
            "Programs that call much want a second CPU, on which a thread serves calls; hardware "
            "KVM has exits of 1 to 2 us.",
            "a call that leaves the machine costs %.1f us", ns / 1e3);
}

void doctor_slot(struct doctor *d, struct finding *f)
{
    struct run last;
    double ns = d->once_ns > 0 ? call_ns(d, CALLS, WASMVM_HYPERCALL_POLL, &last) : 0;
    if (ns <= 0) {
        not_measured(d, f);
        return;
    }
    f->unit = "ns";
    f->number = ns;
    if (last.polled > CALLS / 2)
        finding_set(f, WELL, "", "a call that another thread serves meanwhile costs %.2f us",
                    ns / 1e3);
    else
        finding_set(f, REMARK,
                    "Give this process a second CPU, if calls are to cost less than an exit.",
                    "no thread served calls meanwhile: a call costs %.1f us", ns / 1e3);
}
