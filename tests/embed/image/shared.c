/* A guest image that writes over all that machines of a pool have in common: what one of them
 * writes, no other finds, nor does the next one that gets the machine.
 *
 * The first start fills pages of code, heap and linear memory, with gaps between them, and asks for
 * the snapshot.  Each later start first looks whether all of that is as it was filled.  Then it
 * does what the word at ORDER says, which the embedder writes; its exit status says what it found.
 */
#include "tests/hostile/guest.h"

enum { LOOKED = 1, SMASHED = 2, CODE_RUN = 64, CODE = 65, HEAP = 66, LINEAR = 67, DATA = 68,
       MODULE = 69, REACHED = 70, NOT_OWN = 71, NOT_LOOKED = 72 };
enum { ORDER_LOOK, ORDER_SMASH, ORDER_LOOK_LONG };
#define ORDER  8     /* in linear memory */
#define PAGE   0x1000ull
#define PART   (2ull << 20) /* of each part */
#define FILLED 192   /* pages, each third of them; gaps of zeros are mapped with them, or not */
#define FAR    400   /* a page behind a gap that no mapping spans */
/* of what a machine has from 4 GiB on, and more */
#define PHYSICAL_END (MAP_LINEAR_MAX + (64ull << 20))
#define FAR_STEP     (256ull << 20)
#define OWN    0xccd5cc5cu /* what is written over it */

static volatile uint32_t data = 0x12345678; /* this image's own, which a snapshot has too */

/* An address that the compiler knows nothing of, as some are near 0. */
static volatile uint32_t *words_at(uint64_t at)
{
    __asm__("" : "+r"(at));
    return (volatile uint32_t *)at;
}

static bool filled(uint64_t page)
{
    return (page < FILLED && page % 3 == 0) || page == FAR;
}

/* Word `n` of a part, as the first start fills it: code begins each page with a function that gives
 * the word behind its first byte. */
static uint32_t word_of(uint64_t part, uint64_t n)
{
    uint64_t page = n / (PAGE / 4);
    if (!filled(page) || (part == MAP_LINEAR && n == ORDER / 4))
        return 0;
    if (part == MAP_CODE_W && n % (PAGE / 4) == 0)
        return 0x000000b8 | (uint32_t)page << 8; /* mov $page, %eax */
    if (part == MAP_CODE_W && n % (PAGE / 4) == 1)
        return 0xccccc300;                       /* its last byte, ret */
    return (uint32_t)((part ^ n) * 0x9e3779b97f4a7c15u >> 32) | 1;
}

static void fill(uint64_t part)
{
    for (uint64_t n = 0; n < PART / 4; n++)
        if (filled(n / (PAGE / 4)))
            words_at(part)[n] = word_of(part, n);
}

/* As it was filled, seen at `at`. */
static bool right(uint64_t part, uint64_t at)
{
    for (uint64_t n = 0; n < PART / 4; n++)
        if (words_at(at)[n] != word_of(part, n) &&
            !(part == MAP_LINEAR && n == ORDER / 4))
            return false;
    return true;
}

static bool code_runs(void)
{
    for (uint64_t page = 0; page < PART / PAGE; page++)
        if (filled(page) && ((uint32_t (*)(void))(MAP_CODE_X + page * PAGE))() != page)
            return false;
    return true;
}

static uint32_t look(void)
{
    if (!right(MAP_CODE_W, MAP_CODE_X) || !right(MAP_CODE_W, MAP_CODE_W))
        return CODE;
    if (!code_runs())
        return CODE_RUN;
    if (!right(MAP_HEAP, MAP_HEAP))
        return HEAP;
    if (!right(MAP_LINEAR, MAP_LINEAR))
        return LINEAR;
    if (data != 0x12345678)
        return DATA;
    return *words_at(MAP_MODULE) == 0x6d736100 ? LOOKED : MODULE;
}

/* Every other way to a page that is not this machine's own: where code runs, the module, page
 * tables and descriptor tables, and physical addresses as if they were virtual ones. */
static bool reaches(void)
{
    for (uint64_t page = 0; page < PART / PAGE; page++)
        if (!try_run(touch_write, MAP_CODE_X + page * PAGE) ||
            !try_run(touch_write, MAP_MODULE + page * PAGE))
            return true;
    for (uint64_t at = MAP_LINEAR_MAX; at < PHYSICAL_END; at += 16 * PAGE)
        if (!try_run(touch_write, at))
            return true;
    for (uint64_t at = PHYSICAL_END; at < MAP_STACK; at += FAR_STEP)
        if (!try_run(touch_write, at))
            return true;
    for (uint64_t at = MAP_CPL0; at < CPL0_DFSTACK_TOP; at += PAGE)
        if (!try_run(touch_write, at))
            return true;
    return false;
}

static void smash(uint64_t at, uint64_t bytes)
{
    for (uint64_t n = 0; n < bytes / 4; n++)
        words_at(at)[n] = OWN;
}

static uint32_t smash_all(void)
{
    if (reaches())
        return REACHED;
    call(CALL_code_grow, 2 * PART, 0, 0, 0);
    call(CALL_heap_grow, 2 * PART, 0, 0, 0);
    smash(MAP_CODE_W, 2 * PART);
    smash(MAP_HEAP, 2 * PART);
    smash(MAP_LINEAR, PART);
    smash((uint64_t)&shared->boot, sizeof shared->boot);
    smash((uint64_t)shared->compiled, sizeof shared->compiled);
    data = OWN;
    return *words_at(MAP_CODE_X) == OWN ? SMASHED : NOT_OWN;
}

/* Behind the first run the pool asks for the snapshot again, of what is as it was. */
static _Noreturn void state_make(void)
{
    call(CALL_save, PART, PART, 0, 0);
    end(NOT_LOOKED, "");
}

void guest_main(void)
{
    uint32_t found = LOOKED;
    doorbell_first();
    if (!(shared->boot.flags & BOOT_RESUME)) {
        call(CALL_memory_grow, 0, PART, 0, 0);
        fill(MAP_CODE_W);
        fill(MAP_HEAP);
        fill(MAP_LINEAR);
        state_make();
    }
    uint32_t order = *words_at(MAP_LINEAR + ORDER);
    for (int k = 0; found == LOOKED && k < (order == ORDER_LOOK_LONG ? 20 : 1); k++)
        found = look();
    if (found == LOOKED && shared->boot.flags & BOOT_SAVE)
        state_make();
    end(found == LOOKED && order == ORDER_SMASH ? smash_all() : found, "");
}
