;; br_table: targets with and without values, values that need moves, a constant index.
;;! build,flow
(module
  (func $plain (param i32) (result i32)
    (block $c (block $b (block $a (br_table $a $b $c $a (local.get 0))) (return (i32.const 1))) (return (i32.const 2)))
    (i32.const 3))
  (func $values (param i32) (result i32)
    (block $b (result i32)
      (drop (block $a (result i32) (br_table $a $b (i32.add (local.get 0) (i32.const 7)) (local.get 0))))
      (i32.const 1)))
  (func $constant_index (result i32)
    (block $b (block $a (br_table $a $b (i32.const 9))) (return (i32.const 1)))
    (i32.const 2)))
;;> build: func 0 "plain" (i32) -> (i32)
;;> b0:
;;>     brtable l0, [b1 b2 b3] b1
;;> b1:
;;>     return (1)
;;> b2:
;;>     return (2)
;;> b3:
;;>     return (3)
;;> flow: func 0 "plain" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     brtable l0.0, [b1 b2 b3] b1
;;> b1: weight 1
;;>     return (1)
;;> b2: weight 1
;;>     return (2)
;;> b3: weight 1
;;>     return (3)
;;> build: func 1 "values" (i32) -> (i32)
;;> b0:
;;>     t0 = add.i32 l0, 7
;;>     t1 = copy.i32 l0
;;>     s0 = set.i32 t0
;;>     brtable t1, [b1] b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b2
;;> b2:
;;>     return (s0)
;;> flow: func 1 "values" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     t0 = add.i32 l0.0, 7
;;>     t1 = copy.i32 l0.0
;;>     s0.0 = set.i32 t0
;;>     brtable t1, [b1] b2
;;> b1: weight 1
;;>     s0.0 = set.i32 1
;;>     br b2
;;> b2: weight 1 in s0.0
;;>     return (s0.0)
;;> build: func 2 "constant_index" () -> (i32)
;;> b0:
;;>     brtable 9, [b1] b2
;;> b1:
;;>     return (1)
;;> b2:
;;>     return (2)
;;> flow: func 2 "constant_index" () -> (i32)
;;> b0: weight 1
;;>     brtable 9, [b1] b2
;;> b1: weight 1
;;>     return (1)
;;> b2: weight 1
;;>     return (2)
