/* Machine code as a value: what x64/ gives and run/code.c installs.
 *
 * A piece is made for no address: everything that depends on where it will stand is a relocation.
 * It and its arrays lie in scratch memory, so it lives until the next scratch_reset. */
#ifndef ENGINE_PIECE_H
#define ENGINE_PIECE_H

#include "engine/inside.h"

/* Stubs: code that is not compiled from wasm, one piece for each engine. */
enum stub {
    STUB_ENTER,     /* uint64_t (struct activation *): 0 = returned, 1 = trapped */
    STUB_RETURN,    /* not called: where the outermost frame returns to */
    STUB_EXIT,      /* leaves the activation as trapped */
    STUB_LAZY,      /* called by trampolines: compiles */
    STUB_INDIRECT,  /* call_indirect without a table of code addresses */
    STUB_HOST_TRAP, /* engine->trap says which */
    STUB_NO_ROOM,   /* TRAP_STACK of a frame that is not made; rax: where rsp would be with it */
    /* memory.copy, checked: rdi, rsi, rdx as in memmove; clobbers: target_op_clobbers */
    STUB_COPY,
    STUB_FILL,      /* memory.fill, checked: rdi, sil, rdx as in memset */
    STUB_RUNTIME,   /* enum runtime_call, one each */
    STUB_TRAP = STUB_RUNTIME + RT_COUNT, /* enum trap, one each; number 0 is none */
    STUB_COUNT = STUB_TRAP + TRAP_COUNT
};

/* A 32-bit number in the code, relative to the byte behind the instruction that it belongs to. */
enum reloc_kind {
    RELOC_ADDRESS, /* to: an address outside of the code region */
    RELOC_CODE,    /* to: an address within it, of a jump */
    RELOC_STUB,    /* to: enum stub */
    /* to: function of the same instance; compiled later or replaced, the call goes there */
    RELOC_CALL,
    RELOC_CALL_ZERO, /* the same where the only argument is 0, which is in no register */
    /* as RELOC_CALL for a jump, but where it has to go through the trampoline it does so for good
     */
    RELOC_TAIL,
};
struct reloc {
    uint32_t site;
    uint8_t kind;
    uint8_t behind; /* bytes of the instruction behind the number */
    uint64_t to;
};

/* The side table, where it is asked for: what is to be known of a place in the code.  Other kinds
 * may come (handlers, roots); who reads it passes over those that it does not know. */
enum mark_kind {
    MARK_AT,   /* from here on, code belongs to the wasm instruction at pos */
    MARK_CALL, /* the return address of that instruction's call */
    MARK_TRAP, /* behind the call of a trap's stub, for that instruction */
};
struct mark {
    uint32_t native;
    uint32_t pos;  /* module offset */
    uint32_t call; /* MARK_AT in a callee's body that stands in place of its call: the call's pos */
    enum mark_kind kind;
};

struct piece {
    uint8_t *code;
    uint32_t bytes;
    uint32_t room;  /* bytes that it takes of the region, at least `bytes` */
    uint32_t frame; /* bytes of its frame, without the return address */
    uint32_t entry; /* where a call enters; not at its start where that is: */
    bool zero_entry; /* a call whose only argument is 0 enters at the start, without the argument */
    struct reloc *relocs;
    uint32_t nrelocs;
    struct mark *marks; /* ascending */
    uint32_t nmarks;
};

/* What a call through a table finds: the address of a cell that has the address of the table of
 * code addresses for this type; where there is none, what STUB_INDIRECT is to be given; NULL in
 * both: no memory. */
struct indirect {
    uint64_t *const *table;
    const void *slow;
};

/* What code reaches outside of itself, besides the engine's and the instance's fields. */
struct reach {
    struct cell *constants; /* CONSTANT_BYTES, filled by constants_fill (x64/target.h) */
    struct cell *results;     /* results number 1 and up of the function that returned last */
    /* For compiled code: where a call of a type (canonical) through a table goes.  Changes nothing
     * that is seen. */
    struct indirect (*indirect)(struct instance *, struct table *, uint32_t canon);
    /* For stubs, called by them: code to go on at. */
    /* from: behind a trampoline's call; 0: engine->trap is set */
    uint64_t (*lazy)(struct engine *, uint64_t from);
    uint64_t (*look_up)(const void *slow, uint64_t index);
};

#endif
