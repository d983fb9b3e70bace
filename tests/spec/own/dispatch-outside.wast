;; Go's dispatch: an index outside the table takes the default, by a constant too.
(module
  (func (export "by_constant") (param $pc i32) (result i32) (local $sum i32)
    (loop $again
      (block $default
        (block $b
          (block $a
            (br_table $a $b $default (local.get $pc)))
          (local.set $sum (i32.add (local.get $sum) (i32.const 1)))
          (local.set $pc (i32.const 7))
          (br $again))
        (local.set $sum (i32.add (local.get $sum) (i32.const 10)))
        (local.set $pc (i32.const -1))
        (br $again))
      (local.set $sum (i32.add (local.get $sum) (i32.const 100))))
    (local.get $sum))
  (func (export "default_first") (param $pc i32) (result i32) (local $sum i32)
    (loop $again
      (block $b
        (block $a
          (br_table $b $b $a (local.get $pc)))
        (local.set $sum (i32.add (local.get $sum) (i32.const 1)))
        (local.set $pc (i32.const 0))
        (br $again))
      (local.set $sum (i32.add (local.get $sum) (i32.const 10)))
      (if (i32.lt_u (local.get $sum) (i32.const 30)) (then (local.set $pc (i32.const 2)) (br $again))))
    (local.get $sum))
)
(assert_return (invoke "by_constant" (i32.const 0)) (i32.const 101))
(assert_return (invoke "by_constant" (i32.const 1)) (i32.const 110))
(assert_return (invoke "by_constant" (i32.const 2)) (i32.const 100))
(assert_return (invoke "by_constant" (i32.const 3)) (i32.const 100))
(assert_return (invoke "by_constant" (i32.const -1)) (i32.const 100))
(assert_return (invoke "default_first" (i32.const 0)) (i32.const 32))
(assert_return (invoke "default_first" (i32.const 2)) (i32.const 33))
(assert_return (invoke "default_first" (i32.const 0x80000000)) (i32.const 33))
