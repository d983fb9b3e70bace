;; Companions hold a pointer's lower half (engine/ir/build_low.c): whichever way a block is entered, and however often a
;; dispatch is gone through, an access uses the pointer as it is now.
(module
  (memory 1)
  (data (i32.const 72) "\01") (data (i32.const 80) "\02") (data (i32.const 88) "\00\01")
  (data (i32.const 264) "\03") (data (i32.const 272) "\04") (data (i32.const 280) "\40")
  ;; A loop whose table is met a second time, by an index that is no constant: locals are no longer zero behind it.
  (func (export "computed") (param $pc i32) (param $left i32) (result i64) (local $p i64) (local $sum i64)
    (loop $entry
      (block $b2 (block $b1 (block $b0
        (br_table $b0 $b1 $b2 (local.get $pc)))
        ;; b0: the pointer is set and used; its companion holds on the way to b1
        (local.set $p (i64.or (i64.const 0xffffffff00000040) (local.get $p)))
        (local.set $sum (i64.add (local.get $sum) (i64.load offset=8 (i32.wrap_i64 (local.get $p))))))
        ;; b1: from b0, and from the table
        (local.set $sum (i64.add (local.get $sum) (i64.load offset=16 (i32.wrap_i64 (local.get $p)))))
        (local.set $p (i64.load offset=24 (i32.wrap_i64 (local.get $p))))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (local.set $pc (i32.ne (local.get $left) (i32.const -1)))
        (br_if $b2 (i32.lt_s (local.get $left) (i32.const 0)))
        (br $entry)))
    (local.get $sum))
  ;; The same with a constant index, which leads straight to the target.
  (func (export "constant") (param $pc i32) (param $left i32) (result i64) (local $p i64) (local $sum i64)
    (loop $entry
      (block $b2 (block $b1 (block $b0
        (br_table $b0 $b1 $b2 (local.get $pc)))
        (local.set $p (i64.or (i64.const 0xffffffff00000040) (local.get $p)))
        (local.set $sum (i64.add (local.get $sum) (i64.load offset=8 (i32.wrap_i64 (local.get $p))))))
        (local.set $sum (i64.add (local.get $sum) (i64.load offset=16 (i32.wrap_i64 (local.get $p)))))
        (local.set $p (i64.load offset=24 (i32.wrap_i64 (local.get $p))))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $b2 (i32.lt_s (local.get $left) (i32.const 0)))
        (local.set $pc (i32.const 1))
        (br $entry)))
    (local.get $sum))
  ;; The pointer is read once, as a whole, beside what its companion reaches.
  (func (export "beside") (param $p i64) (result i64) (local $q i64)
    (local.set $q (i64.mul (local.get $p) (i64.const 3)))
    (i64.add (i64.sub (local.get $q) (local.get $p)) (i64.load offset=8 (i32.wrap_i64 (local.get $p))))))
(assert_return (invoke "computed" (i32.const 0) (i32.const 0)) (i64.const 3))
(assert_return (invoke "computed" (i32.const 0) (i32.const 1)) (i64.const 7))
(assert_return (invoke "computed" (i32.const 0) (i32.const 2)) (i64.const 9))
(assert_return (invoke "computed" (i32.const 0) (i32.const 3)) (i64.const 13))
(assert_return (invoke "computed" (i32.const 9) (i32.const 3)) (i64.const 0))
(assert_return (invoke "constant" (i32.const 0) (i32.const 0)) (i64.const 3))
(assert_return (invoke "constant" (i32.const 0) (i32.const 1)) (i64.const 7))
(assert_return (invoke "constant" (i32.const 0) (i32.const 2)) (i64.const 9))
(assert_return (invoke "constant" (i32.const 0) (i32.const 3)) (i64.const 13))
(assert_return (invoke "beside" (i64.const 0xffffffff00000040)) (i64.const 0xfffffffe00000081))
