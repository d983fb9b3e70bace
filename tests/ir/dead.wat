;; Dead code: values that nobody wants, locals that nobody reads, what stands behind a branch, and what may trap, which
;; stays.
;;! build,flow
(module
  (memory 1)
  (func $unused (param i32) (result i32)
    (local i32)
    (drop (i32.add (local.get 0) (i32.const 1)))
    (local.set 1 (i32.mul (local.get 0) (local.get 0)))
    (local.get 0))
  (func $may_trap (param i32) (result i32)
    (drop (i32.load (local.get 0)))
    (drop (i32.div_u (local.get 0) (local.get 0)))
    (drop (i32.add (local.get 0) (i32.load offset=8 (local.get 0))))
    (local.get 0))
  (func $behind (param i32) (result i32)
    (block (br 0) (drop (i32.const 1)) (loop (br 0)))
    (return (local.get 0))
    (i32.store (i32.const 0) (i32.const 0)) unreachable)
  (func $chain (param i32) (result i32)
    (local i32 i32)
    (local.set 1 (i32.add (local.get 0) (i32.const 1)))
    (local.set 2 (i32.add (local.get 1) (i32.const 1)))
    (local.get 0)))
;;> build: func 0 "unused" (i32) -> (i32)
;;> b0:
;;>     t0 = add.i32 l0, 1
;;>     l1 = mul.i32 l0, l0
;;>     return (l0)
;;> flow: func 0 "unused" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     return (l0.0)
;;> build: func 1 "may_trap" (i32) -> (i32)
;;> b0:
;;>     t0 = load.i32.32u [l0]
;;>     t1 = divu.i32 l0, l0
;;>     t3 = add.i32 l0, (load.i32.32u [l0 + 8])
;;>     return (l0)
;;> flow: func 1 "may_trap" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     load.i32.32u [l0.0]
;;>     divu.i32 l0.0, l0.0
;;>     load.i32.32u [l0.0 + 8]
;;>     return (l0.0)
;;> build: func 2 "behind" (i32) -> (i32)
;;> b0:
;;>     br b1
;;> b1:
;;>     return (l0)
;;> flow: func 2 "behind" (i32) -> (i32)
;;> b0: weight 1 empty in l0.0
;;>     br b1
;;> b1: weight 1 in l0.0
;;>     return (l0.0)
;;> build: func 3 "chain" (i32) -> (i32)
;;> b0:
;;>     l1 = add.i32 l0, 1
;;>     l2 = add.i32 l1, 1
;;>     return (l0)
;;> flow: func 3 "chain" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     return (l0.0)
