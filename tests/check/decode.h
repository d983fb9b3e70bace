/* A decoder of x86-64, for what compiled code may hold and nothing else.  It shares no table with
 * the encoder: its own, decode.def, is written after the opcode maps of the manual (Intel SDM
 * volume 2, appendix A).
 *
 * It is strict: a prefix, a REX bit or a longer displacement that changes nothing is an error, so
 * that each bit of an instruction says something. */
#ifndef TESTS_CHECK_DECODE_H
#define TESTS_CHECK_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECODE_OPERANDS 4
#define DECODE_NONE     0xff /* no base, no index */
#define DECODE_HIGH     16   /* ah ch dh bh: 20 to 23 */

enum operand_kind { OP_GPR, OP_XMM, OP_MEM, OP_RIP, OP_IMM, OP_REL };
struct operand {
    enum operand_kind kind;
    uint8_t bytes; /* of registers and of memory; 0: the opcode says it */
    uint8_t reg;
    uint8_t base, index, scale;
    bool wraps; /* OP_MEM: the address is modulo 2^32 */
    int32_t disp;
    uint64_t value; /* OP_IMM: extended as the CPU does; OP_RIP, OP_REL: the address */
};

struct decoded {
    char mnemonic[16];
    uint8_t len, noperands;
    struct operand operands[DECODE_OPERANDS];
};

/* The instruction at bytes, which runs at `address`.  NULL: it is in *out; else: what is wrong with
 * it. */
const char *decode(const uint8_t *bytes, const uint8_t *end, uint64_t address, struct decoded *out);
/* As text, for messages. */
void decode_text(const struct decoded *, char *out, size_t cap);

#endif
