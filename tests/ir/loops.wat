;; Loops: weights, webs that go round, a local whose two lives are two webs, values that stay on the operand stack.
;;! build,flow,color
(module
  (func $sum (param $n i32) (result i32)
    (local $s i32)
    (loop $again
      (local.set $s (i32.add (local.get $s) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s))
  (func $two_lives (param $x i32) (result i32)
    (local $y i32)
    (local.set $y (i32.mul (local.get $x) (i32.const 3)))
    (local.set $x (i32.xor (local.get $y) (i32.const 5)))
    (local.set $y (i32.rotl (local.get $x) (local.get $x)))
    (i32.add (local.get $y) (local.get $x)))
  (func $nested (param $n i32) (result i32)
    (local $i i32) (local $j i32) (local $s i32)
    (loop $outer
      (local.set $j (i32.const 0))
      (loop $inner
        (local.set $s (i32.add (local.get $s) (local.get $j)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $inner (i32.lt_u (local.get $j) (local.get $n))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $outer (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $s))
;; Go's two loops, each with its test behind its body: the outer one's jump back stands in the inner one
  (func $tests_behind (param $n i32) (result i32)
    (local $i i32) (local $j i32) (local $s i32) (local $pc i32)
    (loop $entry
      (block $inner_test (block $inner (block $outer (block $start
        (br_table $start $outer $inner $inner_test (local.get $pc)))
        (local.set $pc (i32.const 3)) (br $entry))
        ;; outer: the next turn
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (local.set $j (i32.const 0))
        (local.set $pc (i32.const 3)) (br $entry))
        ;; inner: the body
        (local.set $s (i32.add (local.get $s) (local.get $j)))
        (local.set $j (i32.add (local.get $j) (i32.const 1))))
      (if (i32.ge_u (local.get $j) (local.get $n)) (then (local.set $pc (i32.const 1)) (br $entry)))
      (if (i32.lt_u (local.get $i) (local.get $n)) (then (local.set $pc (i32.const 2)) (br $entry)))
      (return (local.get $s)))
    unreachable)
  (func $stack_over_a_block (param i32 i32) (result i32)
    (i32.mul (local.get 0) (local.get 1))
    (if (result i32) (local.get 1) (then (i32.const 10)) (else (local.get 0)))
    i32.add))
;;> build: func 0 "sum" (i32) -> (i32)
;;> b0:
;;>     br b1
;;> b1:
;;>     l1 = add.i32 l1, l0
;;>     l0 = sub.i32 l0, 1
;;>     brif l0, b1, b2
;;> b2:
;;>     return (l1)
;;> flow: func 0 "sum" (i32) -> (i32)
;;> b0: weight 1 empty in l0.0 l1.0
;;>     br b1
;;> b1: weight 8 in l0.0 l1.0
;;>     l1.0 = add.i32 l1.0, l0.0
;;>     l0.0 = sub.i32 l0.0, 1
;;>     brif l0.0, b1, b2
;;> b2: weight 1 in l1.0
;;>     return (l1.0)
;;> color: func 0 "sum" (i32) -> (i32), frame 0
;;> b0: weight 1 empty in l0.0:rdi l1.0:rbx
;;>     br b1
;;> b1: weight 8 in l0.0:rdi l1.0:rbx
;;>     l1.0:rbx = add.i32 l1.0:rbx, l0.0:rdi
;;>     l0.0:rdi = sub.i32 l0.0:rdi, 1
;;>     brif l0.0:rdi, b1, b2
;;> b2: weight 1 in l1.0:rbx
;;>     return (l1.0:rbx)
;;> build: func 1 "two_lives" (i32) -> (i32)
;;> b0:
;;>     l1 = mul.i32 l0, 3
;;>     l0 = xor.i32 l1, 5
;;>     l1 = rotl.i32 l0, l0
;;>     t3 = add.i32 l1, l0
;;>     return (t3)
;;> flow: func 1 "two_lives" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     l1.0 = mul.i32 l0.0, 3
;;>     l0.1 = xor.i32 l1.0, 5
;;>     l1.1 = rotl.i32 l0.1, l0.1
;;>     t3 = add.i32 l1.1, l0.1
;;>     return (t3)
;;> color: func 1 "two_lives" (i32) -> (i32), frame 0
;;> b0: weight 1 in l0.0:rdi
;;>     l1.0:rbx = mul.i32 l0.0:rdi, 3
;;>     l0.1:rbx = xor.i32 l1.0:rbx, 5
;;>     l1.1:rbp = rotl.i32 l0.1:rbx, l0.1:rbx
;;>     t3:rbp = add.i32 l1.1:rbp, l0.1:rbx
;;>     return (t3:rbp)
;;> build: func 2 "nested" (i32) -> (i32)
;;> b0:
;;>     br b1
;;> b1:
;;>     l2 = set.i32 0
;;>     br b2
;;> b2:
;;>     l3 = add.i32 l3, l2
;;>     l2 = add.i32 l2, 1
;;>     brif (cmp.i32.lt_u l2, l0), b2, b3
;;> b3:
;;>     l1 = add.i32 l1, 1
;;>     brif (cmp.i32.lt_u l1, l0), b1, b4
;;> b4:
;;>     return (l3)
;;> flow: func 2 "nested" (i32) -> (i32)
;;> b0: weight 1 empty in l0.0 l1.0 l3.0
;;>     br b1
;;> b1: weight 8 in l0.0 l1.0 l3.0
;;>     l2.0 = set.i32 0
;;>     br b2
;;> b2: weight 64 in l0.0 l1.0 l2.0 l3.0
;;>     l3.0 = add.i32 l3.0, l2.0
;;>     l2.0 = add.i32 l2.0, 1
;;>     brif (cmp.i32.lt_u l2.0, l0.0), b2, b3
;;> b3: weight 8 in l0.0 l1.0 l3.0
;;>     l1.0 = add.i32 l1.0, 1
;;>     brif (cmp.i32.lt_u l1.0, l0.0), b1, b4
;;> b4: weight 1 in l3.0
;;>     return (l3.0)
;;> color: func 2 "nested" (i32) -> (i32), frame 0
;;> b0: weight 1 empty in l0.0:rdi l1.0:rsi l3.0:rbp
;;>     br b1
;;> b1: weight 8 in l0.0:rdi l1.0:rsi l3.0:rbp
;;>     l2.0:rbx = set.i32 0
;;>     br b2
;;> b2: weight 64 in l0.0:rdi l1.0:rsi l2.0:rbx l3.0:rbp
;;>     l3.0:rbp = add.i32 l3.0:rbp, l2.0:rbx
;;>     l2.0:rbx = add.i32 l2.0:rbx, 1
;;>     brif (cmp.i32.lt_u l2.0:rbx, l0.0:rdi), b2, b3
;;> b3: weight 8 in l0.0:rdi l1.0:rsi l3.0:rbp
;;>     l1.0:rsi = add.i32 l1.0:rsi, 1
;;>     brif (cmp.i32.lt_u l1.0:rsi, l0.0:rdi), b1, b4
;;> b4: weight 1 in l3.0:rbp
;;>     return (l3.0:rbp)
;;> build: func 3 "tests_behind" (i32) -> (i32)
;;> b0:
;;>     br b1
;;> b1: dispatch
;;>     brtable l4, [b2 b3 b4] b5
;;> b2:
;;>     l4 = set.i32 3
;;>     br b5
;;> b3:
;;>     l1 = add.i32 l1, 1
;;>     l2 = set.i32 0
;;>     l4 = set.i32 3
;;>     br b5
;;> b4:
;;>     l3 = add.i32 l3, l2
;;>     l2 = add.i32 l2, 1
;;>     br b5
;;> b5:
;;>     brif (cmp.i32.ge_u l2, l0), b6, b7
;;> b6:
;;>     l4 = set.i32 1
;;>     br b3
;;> b7:
;;>     brif (cmp.i32.lt_u l1, l0), b8, b9
;;> b8:
;;>     l4 = set.i32 2
;;>     br b4
;;> b9:
;;>     return (l3)
;;> flow: func 3 "tests_behind" (i32) -> (i32)
;;> b0: weight 1 empty in l0.0 l4.0
;;>     br b1
;;> b1: dispatch weight 1 in l0.0 l4.0
;;>     brtable l4.0, [b2 b3 b4] b5
;;> b2: weight 1 empty in l0.0 l1.0 l2.0 l3.0
;;>     br b5
;;> b3: weight 8 in l0.0 l1.0 l3.0
;;>     l1.0 = add.i32 l1.0, 1
;;>     l2.0 = set.i32 0
;;>     br b5
;;> b4: weight 64 in l0.0 l1.0 l2.0 l3.0
;;>     l3.0 = add.i32 l3.0, l2.0
;;>     l2.0 = add.i32 l2.0, 1
;;>     br b5
;;> b5: weight 64 in l0.0 l1.0 l2.0 l3.0
;;>     brif (cmp.i32.ge_u l2.0, l0.0), b6, b7
;;> b6: weight 64 empty in l0.0 l1.0 l3.0
;;>     br b3
;;> b7: weight 64 in l0.0 l1.0 l2.0 l3.0
;;>     brif (cmp.i32.lt_u l1.0, l0.0), b8, b9
;;> b8: weight 64 empty in l0.0 l1.0 l2.0 l3.0
;;>     br b4
;;> b9: weight 1 in l3.0
;;>     return (l3.0)
;;> color: func 3 "tests_behind" (i32) -> (i32), frame 8
;;> b0: weight 1 empty in l0.0:[0] l4.0:rbx
;;>     br b1
;;> b1: dispatch weight 1 in l0.0:[0] l4.0:rbx
;;>     brtable l4.0:rbx, [b2 b3 b4] b5
;;> b2: weight 1 empty in l0.0:[0] l1.0:rsi l2.0:rbx l3.0:rbp
;;>     br b5
;;> b3: weight 8 in l0.0:[0] l1.0:rsi l3.0:rbp
;;>     l1.0:rsi = add.i32 l1.0:rsi, 1
;;>     l2.0:rbx = set.i32 0
;;>     br b5
;;> b4: weight 64 in l0.0:[0] l1.0:rsi l2.0:rbx l3.0:rbp
;;>     l3.0:rbp = add.i32 l3.0:rbp, l2.0:rbx
;;>     l2.0:rbx = add.i32 l2.0:rbx, 1
;;>     br b5
;;> b5: weight 64 in l0.0:[0] l1.0:rsi l2.0:rbx l3.0:rbp
;;>     brif (cmp.i32.ge_u l2.0:rbx, l0.0:[0]), b6, b7
;;> b6: weight 64 empty in l0.0:[0] l1.0:rsi l3.0:rbp
;;>     br b3
;;> b7: weight 64 in l0.0:[0] l1.0:rsi l2.0:rbx l3.0:rbp
;;>     brif (cmp.i32.lt_u l1.0:rsi, l0.0:[0]), b8, b9
;;> b8: weight 64 empty in l0.0:[0] l1.0:rsi l2.0:rbx l3.0:rbp
;;>     br b4
;;> b9: weight 1 in l3.0:rbp
;;>     return (l3.0:rbp)
;;> build: func 4 "stack_over_a_block" (i32 i32) -> (i32)
;;> b0:
;;>     t0 = mul.i32 l0, l1
;;>     t1 = copy.i32 l1
;;>     s0 = set.i32 t0
;;>     brif t1, b1, b2
;;> b1:
;;>     s1 = set.i32 10
;;>     br b3
;;> b2:
;;>     s1 = set.i32 l0
;;>     br b3
;;> b3:
;;>     t2 = add.i32 s0, s1
;;>     return (t2)
;;> flow: func 4 "stack_over_a_block" (i32 i32) -> (i32)
;;> b0: weight 1 in l0.0 l1.0
;;>     t0 = mul.i32 l0.0, l1.0
;;>     t1 = copy.i32 l1.0
;;>     s0.0 = set.i32 t0
;;>     brif t1, b1, b2
;;> b1: weight 1 in s0.0
;;>     s1.0 = set.i32 10
;;>     br b3
;;> b2: weight 1 in l0.0 s0.0
;;>     s1.0 = set.i32 l0.0
;;>     br b3
;;> b3: weight 1 in s0.0 s1.0
;;>     t2 = add.i32 s0.0, s1.0
;;>     return (t2)
;;> color: func 4 "stack_over_a_block" (i32 i32) -> (i32), frame 0
;;> b0: weight 1 in l0.0:rdi l1.0:rsi
;;>     t0:rbp = mul.i32 l0.0:rdi, l1.0:rsi
;;>     t1:rsi = copy.i32 l1.0:rsi
;;>     s0.0:rbp = set.i32 t0:rbp
;;>     brif t1:rsi, b1, b2
;;> b1: weight 1 in s0.0:rbp
;;>     s1.0:rbx = set.i32 10
;;>     br b3
;;> b2: weight 1 in l0.0:rdi s0.0:rbp
;;>     s1.0:rbx = set.i32 l0.0:rdi
;;>     br b3
;;> b3: weight 1 in s0.0:rbp s1.0:rbx
;;>     t2:rbp = add.i32 s0.0:rbp, s1.0:rbx
;;>     return (t2:rbp)
