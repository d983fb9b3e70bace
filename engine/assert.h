/* A broken promise of our own: stop where it is. */
#ifndef ENGINE_ASSERT_H
#define ENGINE_ASSERT_H

#define ENGINE_ASSERT(what) ((what) ? (void)0 : __builtin_trap())

#endif
