/* One function through the passes. */
#include "tests/dump/dump.h"

const char *const dump_pass_names[DUMP_PASSES] = { "build", "flow", "color", "code" };

bool dump_function(FILE *out, struct instance *i, uint32_t func, unsigned passes)
{
    static bool (*const run[])(struct compile *) = { build, flow, color };
    struct engine *e = i->engine;
    struct compile c = { .engine = e, .module = i->module, .instance = i, .func = func };
    c.type = instance_functype(i, func);
    scratch_reset(e);
    for (unsigned pass = DUMP_BUILD; pass < DUMP_CODE; pass++) {
        if (!run[pass](&c))
            return false;
        if (passes >> pass & 1)
            dump_ir(out, &c, (enum dump_pass)pass);
    }
    return !(passes >> DUMP_CODE & 1) || dump_code(out, i, func);
}
