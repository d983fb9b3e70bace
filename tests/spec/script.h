/* A test script in one file: tests/spec/script.c makes it of the official suite's JSON,
 * tests/spec/guest.c runs it.
 *
 *   file      SCRIPT_MAGIC, records to the end
 *   record    u8 enum script_op, u8 enum script_count, u32 line, then by op:
 *     MODULE    text name (empty: none), text bytes, u8 enum script_expect, text words
 *     REGISTER  text name (empty: the last module), text as
 *     GET, CALL text name (empty: the last module), text export, u32 n, n arguments: u8 type, 16
 *               bytes; u8 enum script_expect, text words, u32 n, n results: u8 type, 16 bytes
 *               value, 16 bytes mask
 *   text      u32 length, bytes
 *
 * Numbers are little-endian, nothing is aligned.  words: a trap's sentence, or the beginning of it,
 * or more than it; of a module that is not linked, a part of the engine's sentence.  A result is
 * right if it and the mask is the value, but a mask of 0 asks for one that is not 0. */
#ifndef TESTS_SPEC_SCRIPT_H
#define TESTS_SPEC_SCRIPT_H

#define SCRIPT_MAGIC "wasvmscr"

enum script_op { SCRIPT_MODULE, SCRIPT_REGISTER, SCRIPT_GET, SCRIPT_CALL };
enum script_count {
    SCRIPT_COUNTED,
    SCRIPT_UNCOUNTED,
    SCRIPT_CHANGED /* a failure is a change of the standard */
};
enum script_expect {
    SCRIPT_DONE /* no trap */,
    SCRIPT_RESULTS,
    SCRIPT_TRAP,
    SCRIPT_REFUSED,
    SCRIPT_UNLINKABLE,
    SCRIPT_EITHER /* one result, which is one of them */
};

#endif
