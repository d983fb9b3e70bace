;; Arguments in registers and on the stack, several results, calls through a table, what lives over a call, tail calls.
;;! build,flow,color
(module
  (type $two (func (param i32 i32) (result i32)))
  (table 4 funcref)
  (elem (i32.const 0) $swap)
  (memory 1)
  (func $many (param i32 i64 f32 f64 i32 i64 i32 i64 i32) (result i64) (local.get 7))
  (func $pair (param i32) (result i32 i64) (local.get 0) (i64.const 7))
  (func $swap (type $two) (call_indirect (type $two) (local.get 1) (local.get 0) (i32.const 0)))
  (func $spread (param i32) (result i64)
    (call $many (local.get 0) (i64.const 1) (f32.const 1.5) (f64.const -2) (i32.const 4) (i64.const 5) (i32.const 6)
      (i64.const 7) (i32.const 8)))
  (func $results (param i32) (result i64)
    (local $x i64)
    (call $pair (local.get 0)) (local.set $x) (drop) (local.get $x))
  (func $over (param $a i32) (result i32)
    (i32.add
      (i32.add (call $swap (local.get $a) (local.get $a)) (call $swap (i32.const 1) (local.get $a)))
      (local.get $a)))
  (func $dropped (param i32) (drop (call $swap (local.get 0) (i32.const 2))))
  (func $tail (type $two) (return_call $swap (local.get 1) (local.get 0)))
  (func $tail_indirect (type $two) (return_call_indirect (type $two) (local.get 1) (local.get 0) (i32.const 0)))
  (func $runtime (param i32) (result i32)
    (memory.fill (i32.const 0) (local.get 0) (i32.const 64))
    (memory.grow (local.get 0))))
;;> build: func 0 "many" (i32 i64 f32 f64 i32 i64 i32 i64 i32) -> (i64)
;;> b0:
;;>     return (l7)
;;> flow: func 0 "many" (i32 i64 f32 f64 i32 i64 i32 i64 i32) -> (i64)
;;> b0: weight 1 in l7.0
;;>     return (l7.0)
;;> color: func 0 "many" (i32 i64 f32 f64 i32 i64 i32 i64 i32) -> (i64), frame 0
;;> b0: weight 1 in l7.0:r10
;;>     return (l7.0:r10)
;;> build: func 1 "pair" (i32) -> (i32 i64)
;;> b0:
;;>     return (l0, 7)
;;> flow: func 1 "pair" (i32) -> (i32 i64)
;;> b0: weight 1 in l0.0
;;>     return (l0.0, 7)
;;> color: func 1 "pair" (i32) -> (i32 i64), frame 0
;;> b0: weight 1 in l0.0:rdi
;;>     return (l0.0:rdi, 7)
;;> build: func 2 "swap" (i32 i32) -> (i32)
;;> b0:
;;>     t0 = calli.i32 type 0 table 0 at 0 (l1, l0)
;;>     return (t0)
;;> flow: func 2 "swap" (i32 i32) -> (i32)
;;> b0: weight 1 in l0.0 l1.0
;;>     t0 = calli.i32 type 0 table 0 at 0 (l1.0, l0.0)
;;>     return (t0)
;;> color: func 2 "swap" (i32 i32) -> (i32), frame 0
;;> b0: weight 1 in l0.0:rdi l1.0:rsi
;;>     t0:rdx = calli.i32 type 0 table 0 at 0 (l1.0:rsi, l0.0:rdi)
;;>     return (t0:rdx)
;;> build: func 3 "spread" (i32) -> (i64)
;;> b0:
;;>     t0 = call.i64 func 0 (l0, 1, 1.5, -2.0, 4, 5, 6, 7, 8)
;;>     return (t0)
;;> flow: func 3 "spread" (i32) -> (i64)
;;> b0: weight 1 in l0.0
;;>     t0 = call.i64 func 0 (l0.0, 1, 1.5, -2.0, 4, 5, 6, 7, 8)
;;>     return (t0)
;;> color: func 3 "spread" (i32) -> (i64), frame 16
;;> b0: weight 1 in l0.0:rdi
;;>     t0:rdx = call.i64 func 0 (l0.0:rdi, 1, 1.5, -2.0, 4, 5, 6, 7, 8)
;;>     return (t0:rdx)
;;> build: func 4 "results" (i32) -> (i64)
;;> b0:
;;>     t0 = call.i32 func 1 (l0)
;;>     l1 = result.i64 1
;;>     return (l1)
;;> flow: func 4 "results" (i32) -> (i64)
;;> b0: weight 1 in l0.0
;;>     call.i32 func 1 (l0.0)
;;>     l1.0 = result.i64 1
;;>     return (l1.0)
;;> color: func 4 "results" (i32) -> (i64), frame 0
;;> b0: weight 1 in l0.0:rdi
;;>     call.i32 func 1 (l0.0:rdi)
;;>     l1.0:rbx = result.i64 1
;;>     return (l1.0:rbx)
;;> build: func 5 "over" (i32) -> (i32)
;;> b0:
;;>     t0 = call.i32 func 2 (l0, l0)
;;>     t1 = call.i32 func 2 (1, l0)
;;>     t2 = add.i32 t0, t1
;;>     t3 = add.i32 t2, l0
;;>     return (t3)
;;> flow: func 5 "over" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     t0 = call.i32 func 2 (l0.0, l0.0)  over: l0.0  crosses a call
;;>     t1 = call.i32 func 2 (1, l0.0)  over: l0.0
;;>     t2 = add.i32 t0, t1
;;>     t3 = add.i32 t2, l0.0
;;>     return (t3)
;;> color: func 5 "over" (i32) -> (i32), frame 16
;;> b0: weight 1 in l0.0:rdi
;;>     t0:[8] = call.i32 func 2 (l0.0:rdi, l0.0:rdi)  over: l0.0:rdi  crosses a call
;;>     t1:rdx = call.i32 func 2 (1, l0.0:rdi)  over: l0.0:rdi
;;>     t2:rdx = add.i32 t0:[8], t1:rdx
;;>     t3:rdx = add.i32 t2:rdx, l0.0:rdi
;;>     return (t3:rdx)
;;> build: func 6 "dropped" (i32) -> ()
;;> b0:
;;>     t0 = call.i32 func 2 (l0, 2)
;;>     return ()
;;> flow: func 6 "dropped" (i32) -> ()
;;> b0: weight 1 in l0.0
;;>     call.i32 func 2 (l0.0, 2)
;;>     return ()
;;> color: func 6 "dropped" (i32) -> (), frame 0
;;> b0: weight 1 in l0.0:rdi
;;>     call.i32 func 2 (l0.0:rdi, 2)
;;>     return ()
;;> build: func 7 "tail" (i32 i32) -> (i32)
;;> b0:
;;>     tail.i32 func 2 (l1, l0)
;;> flow: func 7 "tail" (i32 i32) -> (i32)
;;> b0: weight 1 in l0.0 l1.0
;;>     tail.i32 func 2 (l1.0, l0.0)
;;> color: func 7 "tail" (i32 i32) -> (i32), frame 0
;;> b0: weight 1 in l0.0:rdi l1.0:rsi
;;>     tail.i32 func 2 (l1.0:rsi, l0.0:rdi)
;;> build: func 8 "tail_indirect" (i32 i32) -> (i32)
;;> b0:
;;>     taili.i32 type 0 table 0 at 0 (l1, l0)
;;> flow: func 8 "tail_indirect" (i32 i32) -> (i32)
;;> b0: weight 1 in l0.0 l1.0
;;>     taili.i32 type 0 table 0 at 0 (l1.0, l0.0)
;;> color: func 8 "tail_indirect" (i32 i32) -> (i32), frame 0
;;> b0: weight 1 in l0.0:rdi l1.0:rsi
;;>     taili.i32 type 0 table 0 at 0 (l1.0:rsi, l0.0:rdi)
;;> build: func 9 "runtime" (i32) -> (i32)
;;> b0:
;;>     rt memory_fill (0, l0, 64, 0, 0)
;;>     t0 = rt.i32 memory_grow (l0, 0, 0)
;;>     return (t0)
;;> flow: func 9 "runtime" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     rt memory_fill (0, l0.0, 64, 0, 0)  over: l0.0
;;>     t0 = rt.i32 memory_grow (l0.0, 0, 0)
;;>     return (t0)
;;> color: func 9 "runtime" (i32) -> (i32), frame 8
;;> b0: weight 1 in l0.0:rdi
;;>     rt memory_fill (0, l0.0:rdi, 64, 0, 0)  over: l0.0:rdi
;;>     t0:rdx = rt.i32 memory_grow (l0.0:rdi, 0, 0)
;;>     return (t0:rdx)
