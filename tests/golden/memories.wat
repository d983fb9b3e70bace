;; Several memories: each keeps its bytes and its size, grows on its own, ends where it ends.
(module
  (memory $a 1) (memory $b 1 4) (memory $c 40)
  (data (memory $b) (i32.const 65532) "\01\02\03\04")
  (func (export "_initialize"))
  (func (export "sizes") (result i32 i32 i32) (memory.size $a) (memory.size $b) (memory.size $c))
  (func (export "grow") (param i32) (result i32 i32 i32 i32)
    (memory.grow $b (local.get 0))
    (memory.size $a) (memory.size $b) (memory.size $c))
  (func (export "load_b") (param i32) (result i32) (i32.load $b (local.get 0)))
  (func (export "store_c") (param i32) (i32.store $c (local.get 0) (i32.const -1)))
  ;; 200 growths of $a and $c in turn, with a mark at the end of each; the marks summed up afterwards.
  (func (export "marks") (result i64) (local $i i32) (local $at i32) (local $sum i64)
    (loop $next
      (drop (memory.grow $a (i32.const 1)))
      (drop (memory.grow $c (i32.const 1)))
      (i32.store $a (i32.sub (i32.shl (memory.size $a) (i32.const 16)) (i32.const 4)) (local.get $i))
      (i32.store $c (i32.sub (i32.shl (memory.size $c) (i32.const 16)) (i32.const 4)) (i32.mul (local.get $i) (i32.const 1000)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 200))))
    (loop $sum
      (local.set $sum (i64.add (local.get $sum) (i64.load32_u $a (local.get $at))))
      (br_if $sum (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.shl (memory.size $a) (i32.const 16)))))
    (local.set $at (i32.const 0))
    (loop $sum
      (local.set $sum (i64.add (local.get $sum) (i64.load32_u $c (local.get $at))))
      (br_if $sum (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.shl (memory.size $c) (i32.const 16)))))
    (local.get $sum))
  (func (export "copied") (result i32)
    (memory.copy $c $b (i32.const 2621436) (i32.const 65532) (i32.const 4))
    (memory.copy $a $c (i32.const 0) (i32.const 2621436) (i32.const 4))
    (i32.load $a (i32.const 0))))
