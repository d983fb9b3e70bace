/* The inside of `wasmvm doctor`: what its probes find. */
#ifndef VMM_CLI_DOCTOR_H
#define VMM_CLI_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

/* UNKNOWN: it could not be looked at, for a reason that another probe tells. */
enum verdict { WELL, REMARK, CANNOT, UNKNOWN };

struct finding {
    enum verdict verdict;
    char says[512], advice[512]; /* sentences; advice: "" = nothing is to be done */
    const char *unit;            /* of the number; NULL = there is none */
    double number;
};

struct doctor {
    const char *root; /* what stands before names of files: "", but in tests */
    double once_ns;   /* a machine's run that makes one call; 0 = none can be made */
};

/* doctor_NAME: looks, and fills a finding, which is WELL and empty. */
#define PROBE(name, what) void doctor_##name(struct doctor *, struct finding *);
#include "vmm/cli/doctor.def"

/* Sets the finding: what is, and what to do about it ("" = nothing). */
void finding_set(struct finding *, enum verdict, const char *advice, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
