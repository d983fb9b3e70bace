/* engine/ir/ir.h's color_check in test builds: a spilled temporary has the slot of its entry of the
 * operand stack, so a pass that reads a value after that entry was left breaks another one in
 * silence.  Where two values have one slot at once, the process ends. */
#include "engine/ir/ir.h"

#include <stdio.h>
#include <stdlib.h>

/* The positions (ir.h) from the first to the last one at which a value lies in a slot. */
struct stay {
    uint32_t vreg, from, to;
    bool is_temporary; /* else a range of the virtual register's own */
};

static int by_slot(const void *a, const void *b)
{
    const struct stay *x = a, *y = b;
    if (x->vreg != y->vreg)
        return x->vreg < y->vreg ? -1 : 1;
    return x->from < y->from ? -1 : x->from > y->from;
}

static uint32_t add_temporaries(const struct compile *c, struct stay *stays)
{
    uint32_t count = 0;
    for (uint32_t k = 0; k < c->life.ntemporaries; k++) {
        uint32_t i = c->life.temporaries[k];
        const struct node *n = &c->body.nodes[i];
        unsigned is_float = !type_is_int(node_value_type(n));
        if (n->reg == REG_NONE)
            stays[count++] = (struct stay){ .vreg = c->body.first_stack + n->depth * 2 + is_float,
                                            .from = 2 * i + 1,
                                            .to = 2 * n->use - 1,
                                            .is_temporary = true };
    }
    return count;
}

/* What has a register is in its slot as well, while there are calls. */
static uint32_t add_ranges(const struct compile *c, struct stay *stays)
{
    uint32_t count = 0;
    for (uint32_t k = 0; k < c->life.nranges; k++) {
        const struct range *r = &c->life.ranges[k];
        const struct web *root = &c->life.webs[c->life.webs[r->web].parent];
        if (root->vreg >= c->body.first_stack &&
            (root->reg == REG_NONE || root->call_weight))
            stays[count++] = (struct stay){ .vreg = root->vreg, .from = r->from, .to = r->to };
    }
    return count;
}

static void finding(const struct compile *c, const struct stay *s, const struct stay *before)
{
    fprintf(stderr,
            "finding: slots: function %u: entry %u of the operand stack has a value from %u to %u "
            "and another from %u to %u\n",
            c->func, (s->vreg - c->body.first_stack) / 2, before->from, before->to, s->from, s->to);
    abort();
}

/* Of all before, which one stays longest is enough: they are in order of their beginnings. */
static void check_all(const struct compile *c, const struct stay *stays, uint32_t count)
{
    const struct stay *longest[2] = { NULL, NULL }; /* of ranges, of temporaries */
    for (const struct stay *s = stays; s < stays + count; s++) {
        for (unsigned k = 0; k < 2; k++) {
            if (longest[k] && longest[k]->vreg != s->vreg)
                longest[k] = NULL;
            if (longest[k] && longest[k]->to >= s->from && (k || s->is_temporary))
                finding(c, s, longest[k]);
        }
        const struct stay **mine = &longest[s->is_temporary];
        if (!*mine || (*mine)->to < s->to)
            *mine = s;
    }
}

void color_check(const struct compile *c)
{
    size_t most = (size_t)c->life.ntemporaries + c->life.nranges;
    struct stay *stays = malloc((most + 1) * sizeof *stays);
    if (!stays) {
        fprintf(stderr, "finding: slots: no memory\n");
        abort();
    }
    uint32_t count = add_temporaries(c, stays);
    count += add_ranges(c, stays + count);
    qsort(stays, count, sizeof *stays, by_slot);
    check_all(c, stays, count);
    free(stays);
}
