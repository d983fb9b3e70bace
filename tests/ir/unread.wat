;; Loads of Go's stack that nobody reads (is_unread in engine/ir/flow.c): they are left out where a later access by the same
;; SP reaches as far up, and nothing can be seen between.  Global 0 is SP.
;;! flow
(module
  (memory 1)
  (global $SP (mut i32) (i32.const 0)) (global $other (mut i32) (i32.const 0))
  (func $covered (result i64)
    (drop (i64.load offset=24 (global.get $SP)))
    (drop (i64.load8_u offset=39 (global.get $SP)))
    (i64.load offset=32 (global.get $SP)))
  (func $by_a_store
    (drop (i64.load offset=24 (global.get $SP)))
    (i64.store offset=24 (global.get $SP) (i64.const 1)))
  (func $too_far (result i64)
    (drop (i64.load offset=33 (global.get $SP)))
    (i64.load offset=32 (global.get $SP)))
  (func $seen_before (param i32) (result i64)
    (drop (i64.load offset=24 (global.get $SP)))
    (i64.store (local.get 0) (i64.const 1))
    (i64.load offset=32 (global.get $SP)))
  (func $division_before (param i32) (result i64)
    (drop (i64.load offset=24 (global.get $SP)))
    (local.set 0 (i32.div_u (i32.const 1) (local.get 0)))
    (i64.load offset=32 (global.get $SP)))
  (func $other_sp (result i64)
    (drop (i64.load offset=24 (global.get $SP)))
    (global.set $SP (i32.sub (global.get $SP) (i32.const 16)))
    (i64.load offset=32 (global.get $SP)))
  (func $other_base (result i64)
    (drop (i64.load offset=24 (global.get $SP)))
    (i64.load offset=32 (global.get $other)))
  (func $global_before (result i64)
    (drop (i64.load offset=24 (global.get $SP)))
    (global.set $other (i32.const 1))
    (i64.load offset=32 (global.get $SP)))
  (func $call_before (result i64)
    (drop (i64.load offset=24 (global.get $SP)))
    (call $by_a_store)
    (i64.load offset=32 (global.get $SP)))
  (func $in_the_next_block (param i32) (result i64)
    (drop (i64.load offset=24 (global.get $SP)))
    (if (local.get 0) (then (return (i64.const 0))))
    (i64.load offset=32 (global.get $SP))))
;;> flow: func 0 "covered" () -> (i64)
;;> b0: weight 1
;;>     t2 = load.i64.64 [pin0 + 32]
;;>     return (t2)
;;> flow: func 1 "by_a_store" () -> ()
;;> b0: weight 1
;;>     store.i64.64 [pin0 + 24], 1
;;>     return ()
;;> flow: func 2 "too_far" () -> (i64)
;;> b0: weight 1
;;>     load.i64.64 [pin0 + 33]
;;>     t1 = load.i64.64 [pin0 + 32]
;;>     return (t1)
;;> flow: func 3 "seen_before" (i32) -> (i64)
;;> b0: weight 1 in l0.0
;;>     load.i64.64 [pin0 + 24]
;;>     store.i64.64 [l0.0], 1
;;>     t1 = load.i64.64 [pin0 + 32]
;;>     return (t1)
;;> flow: func 4 "division_before" (i32) -> (i64)
;;> b0: weight 1 in l0.0
;;>     load.i64.64 [pin0 + 24]
;;>     divu.i32 1, l0.0
;;>     t2 = load.i64.64 [pin0 + 32]
;;>     return (t2)
;;> flow: func 5 "other_sp" () -> (i64)
;;> b0: weight 1
;;>     load.i64.64 [pin0 + 24]
;;>     pin0 = sub.i32 pin0, 16
;;>     t2 = load.i64.64 [pin0 + 32]
;;>     return (t2)
;;> flow: func 6 "other_base" () -> (i64)
;;> b0: weight 1
;;>     load.i64.64 [pin0 + 24]
;;>     t1 = global_get.i32 1
;;>     t2 = load.i64.64 [t1 + 32]
;;>     return (t2)
;;> flow: func 7 "global_before" () -> (i64)
;;> b0: weight 1
;;>     load.i64.64 [pin0 + 24]
;;>     global_set.i32 1, 1
;;>     t1 = load.i64.64 [pin0 + 32]
;;>     return (t1)
;;> flow: func 8 "call_before" () -> (i64)
;;> b0: weight 1
;;>     load.i64.64 [pin0 + 24]
;;>     call func 1 ()
;;>     t1 = load.i64.64 [pin0 + 32]
;;>     return (t1)
;;> flow: func 9 "in_the_next_block" (i32) -> (i64)
;;> b0: weight 1 in l0.0
;;>     load.i64.64 [pin0 + 24]
;;>     brif l0.0, b1, b2
;;> b1: weight 1
;;>     return (0)
;;> b2: weight 1
;;>     t1 = load.i64.64 [pin0 + 32]
;;>     return (t1)
