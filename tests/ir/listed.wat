;; What build.c lists of each block: tests/check/sets.c compares it with the nodes. $itself's local is not read, nor is
;; $masked's in its second block; $low_again reads the name of a lower half that the block before has made; $built_again
;; is built twice, as its mirror of SP breaks, and its first name is in another block then.
;;! build,flow
(module
  (memory 1)
  (global (mut i32) (i32.const 4096)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i32) (i32.const 0))
  (func $itself (param i32 i32) (result i32)
    (if (local.get 0) (then (local.set 1 (local.get 1)) (local.set 0 (i32.const 7))))
    (local.get 0))
  (func $masked (param i32) (result i32)
    (if (local.get 0) (then (drop (i32.and (local.get 0) (i32.const -1)))))
    (i32.const 0))
  (func $low_again (param i32) (result i32) (local $sp i32)
    global.get 0 local.set $sp
    (global.set 3 (i64.load offset=8 (i32.wrap_i64 (i64.load offset=16 (local.get $sp)))))
    (if (i64.ge_s (i64.load offset=24 (local.get $sp)) (i64.const 2))
      (then (global.set 3 (i64.load offset=32 (i32.wrap_i64 (i64.load offset=16 (local.get $sp)))))))
    (i32.const 0))
  (func $built_again (param i32) (result i32) (local $sp i32)
    global.get 0 local.set $sp
    (global.set 3 (i64.load offset=16 (local.get $sp)))
    (if (i64.ge_s (i64.load offset=24 (local.get $sp)) (i64.const 2))
      (then (global.set 3 (i64.load offset=16 (local.get $sp)))))
    (global.set 3 (i64.load offset=32 (global.get 0)))
    (if (i64.ge_s (i64.load offset=40 (local.get $sp)) (i64.const 2))
      (then (global.set 3 (i64.load offset=32 (global.get 0)))))
    (local.set $sp (i32.const 64))
    (global.set 3 (i64.load offset=8 (local.get $sp)))
    (i32.const 0)))
;;> build: func 0 "itself" (i32 i32) -> (i32)
;;> b0:
;;>     brif l0, b1, b2
;;> b1:
;;>     l0 = set.i32 7
;;>     br b2
;;> b2:
;;>     return (l0)
;;> flow: func 0 "itself" (i32 i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     brif l0.0, b1, b2
;;> b1: weight 1
;;>     l0.0 = set.i32 7
;;>     br b2
;;> b2: weight 1 in l0.0
;;>     return (l0.0)
;;> build: func 1 "masked" (i32) -> (i32)
;;> b0:
;;>     brif l0, b1, b2
;;> b1:
;;>     br b2
;;> b2:
;;>     return (0)
;;> flow: func 1 "masked" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     brif l0.0, b1, b2
;;> b1: weight 1 empty
;;>     br b2
;;> b2: weight 1
;;>     return (0)
;;> build: func 2 "low_again" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     v0 = load.i64.64 [pin0 + 16]
;;>     v1 = zext.i64 v0
;;>     t2 = load.i64.64 [v1 + 8]
;;>     global_set.i64 3, t2
;;>     brif (cmp.i64.ge_s (load.i64.64 [pin0 + 24]), 2), b1, b2
;;> b1:
;;>     t5 = load.i64.64 [v1 + 32]
;;>     global_set.i64 3, t5
;;>     br b2
;;> b2:
;;>     return (0)
;;> flow: func 2 "low_again" (i32) -> (i32), l1 mirrors pin0
;;> b0: weight 1
;;>     v0.0 = load.i64.64 [pin0 + 16]
;;>     v1.0 = zext.i64 v0.0
;;>     t2 = load.i64.64 [v1.0 + 8]
;;>     global_set.i64 3, t2
;;>     brif (cmp.i64.ge_s (load.i64.64 [pin0 + 24]), 2), b1, b2
;;> b1: weight 1 in v1.0
;;>     t5 = load.i64.64 [v1.0 + 32]
;;>     global_set.i64 3, t5
;;>     br b2
;;> b2: weight 1
;;>     return (0)
;;> build: func 3 "built_again" (i32) -> (i32)
;;> b0:
;;>     l1 = set.i32 pin0
;;>     t0 = load.i64.64 [l1 + 16]
;;>     global_set.i64 3, t0
;;>     brif (cmp.i64.ge_s (load.i64.64 [l1 + 24]), 2), b1, b2
;;> b1:
;;>     t3 = load.i64.64 [l1 + 16]
;;>     global_set.i64 3, t3
;;>     br b2
;;> b2:
;;>     v0 = load.i64.64 [pin0 + 32]
;;>     global_set.i64 3, v0
;;>     brif (cmp.i64.ge_s (load.i64.64 [l1 + 40]), 2), b3, b4
;;> b3:
;;>     global_set.i64 3, v0
;;>     br b4
;;> b4:
;;>     l1 = set.i32 64
;;>     t7 = load.i64.64 [l1 + 8]
;;>     global_set.i64 3, t7
;;>     return (0)
;;> flow: func 3 "built_again" (i32) -> (i32)
;;> b0: weight 1
;;>     l1.0 = set.i32 pin0
;;>     t0 = load.i64.64 [l1.0 + 16]
;;>     global_set.i64 3, t0
;;>     brif (cmp.i64.ge_s (load.i64.64 [l1.0 + 24]), 2), b1, b2
;;> b1: weight 1 in l1.0
;;>     t3 = load.i64.64 [l1.0 + 16]
;;>     global_set.i64 3, t3
;;>     br b2
;;> b2: weight 1 in l1.0
;;>     v0.0 = load.i64.64 [pin0 + 32]
;;>     global_set.i64 3, v0.0
;;>     brif (cmp.i64.ge_s (load.i64.64 [l1.0 + 40]), 2), b3, b4
;;> b3: weight 1 in v0.0
;;>     global_set.i64 3, v0.0
;;>     br b4
;;> b4: weight 1
;;>     l1.1 = set.i32 64
;;>     t7 = load.i64.64 [l1.1 + 8]
;;>     global_set.i64 3, t7
;;>     return (0)
