;; Go's dispatch (loop, br_table over a local) that is entered again in each way there is, each as the only one of its
;; function: what was set before must be there after it.  Where no other way leads to it than the function's start,
;; locals are known to be zero behind it; so each way must be counted.
(module
  (func (export "br") (param $n i32) (result i32 i64 f64) (local $pc i32) (local $x i32) (local $y i64) (local $z f64)
    (block $end
      (loop $again
        (block $b
          (block $a
            (br_table $a $b $end (local.get $pc)))
          (local.set $x (i32.add (local.get $n) (i32.const 5)))
          (local.set $y (i64.extend_i32_u (local.get $x)))
          (local.set $z (f64.convert_i32_s (local.get $x)))
          (local.set $pc (i32.add (local.get $pc) (local.get $n)))
          (br $again))
        (local.set $y (i64.add (local.get $y) (i64.const 100)))))
    (local.get $x) (local.get $y) (local.get $z))
  (func (export "br_if") (param $n i32) (result i32 i64 f64)
    (local $pc i32) (local $x i32) (local $y i64) (local $z f64)
    (block $end
      (loop $again
        (block $b
          (block $a
            (br_table $a $b $end (local.get $pc)))
          (local.set $x (i32.add (local.get $n) (i32.const 5)))
          (local.set $y (i64.extend_i32_u (local.get $x)))
          (local.set $z (f64.convert_i32_s (local.get $x)))
          (local.set $pc (i32.add (local.get $pc) (local.get $n)))
          (br_if $again (local.get $pc))
          (return (local.get $n) (i64.const -1) (f64.const -1)))
        (local.set $y (i64.add (local.get $y) (i64.const 100)))))
    (local.get $x) (local.get $y) (local.get $z))
  (func (export "br_table") (param $n i32) (result i32 i64 f64)
    (local $pc i32) (local $x i32) (local $y i64) (local $z f64)
    (block $end
      (loop $again
        (block $b
          (block $a
            (br_table $a $b $end (local.get $pc)))
          (local.set $x (i32.add (local.get $n) (i32.const 5)))
          (local.set $y (i64.extend_i32_u (local.get $x)))
          (local.set $z (f64.convert_i32_s (local.get $x)))
          (local.set $pc (i32.add (local.get $pc) (local.get $n)))
          (br_table $end $again $end (local.get $n)))
        (local.set $y (i64.add (local.get $y) (i64.const 100)))))
    (local.get $x) (local.get $y) (local.get $z))
  (func (export "default_of_br_table") (param $n i32) (result i32 i64 f64)
    (local $pc i32) (local $x i32) (local $y i64) (local $z f64)
    (block $end
      (loop $again
        (block $b
          (block $a
            (br_table $a $b $end (local.get $pc)))
          (local.set $x (i32.add (local.get $n) (i32.const 5)))
          (local.set $y (i64.extend_i32_u (local.get $x)))
          (local.set $z (f64.convert_i32_s (local.get $x)))
          (local.set $pc (i32.add (local.get $pc) (local.get $n)))
          (br_table $end $again (local.get $n)))
        (local.set $y (i64.add (local.get $y) (i64.const 100)))))
    (local.get $x) (local.get $y) (local.get $z))
  (func (export "only_threaded") (param $n i32) (result i32 i64 f64)
    (local $pc i32) (local $x i32) (local $y i64) (local $z f64)
    (block $end
      (loop $again
        (block $b
          (block $a
            (br_table $a $b $end (local.get $pc)))
          (local.set $x (i32.add (local.get $n) (i32.const 5)))
          (local.set $y (i64.extend_i32_u (local.get $x)))
          (local.set $z (f64.convert_i32_s (local.get $x)))
          (local.set $pc (i32.const 1))
          (br $again))
        (local.set $y (i64.add (local.get $y) (i64.const 100)))))
    (local.get $x) (local.get $y) (local.get $z))
)
(assert_return (invoke "br" (i32.const 1)) (i32.const 6) (i64.const 106) (f64.const 6))
(assert_return (invoke "br" (i32.const 2)) (i32.const 7) (i64.const 7) (f64.const 7))
(assert_return (invoke "br_if" (i32.const 1)) (i32.const 6) (i64.const 106) (f64.const 6))
(assert_return (invoke "br_if" (i32.const 2)) (i32.const 7) (i64.const 7) (f64.const 7))
(assert_return (invoke "br_if" (i32.const 0)) (i32.const 0) (i64.const -1) (f64.const -1))
(assert_return (invoke "br_table" (i32.const 1)) (i32.const 6) (i64.const 106) (f64.const 6))
(assert_return (invoke "br_table" (i32.const 2)) (i32.const 7) (i64.const 7) (f64.const 7))
(assert_return (invoke "default_of_br_table" (i32.const 1)) (i32.const 6) (i64.const 106) (f64.const 6))
(assert_return (invoke "default_of_br_table" (i32.const 2)) (i32.const 7) (i64.const 7) (f64.const 7))
(assert_return (invoke "only_threaded" (i32.const 1)) (i32.const 6) (i64.const 106) (f64.const 6))
