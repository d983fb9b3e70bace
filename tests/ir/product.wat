;; The upper half of a product, which Go makes of four products of halves (build_product.c).
;;! build 0 1 2 3 4 5 6
;;! color 0
;;! code 0 1 2
(module
  ;; x / 5 without signs.
  (func $constant (param $x i64) (result i64) (local $x0 i64) (local $x1 i64) (local $t i64)
    (local.set $x0 (i64.extend_i32_u (i32.wrap_i64 (local.get $x))))
    (local.set $x1 (i64.shr_u (local.get $x) (i64.const 32)))
    (local.set $t (i64.add (i64.mul (local.get $x1) (i64.const 0xcccccccd))
      (i64.shr_u (i64.mul (local.get $x0) (i64.const 0xcccccccd)) (i64.const 32))))
    (i64.shr_u (i64.add
      (i64.add (i64.mul (local.get $x1) (i64.const 0xcccccccc)) (i64.shr_u (local.get $t) (i64.const 32)))
      (i64.shr_u (i64.add (i64.mul (local.get $x0) (i64.const 0xcccccccc))
        (i64.extend_i32_u (i32.wrap_i64 (local.get $t)))) (i64.const 32))) (i64.const 2)))
  ;; Two variables, with signs.
  (func $signed (param $x i64) (param $y i64) (result i64)
    (local $x0 i64) (local $x1 i64) (local $y0 i64) (local $y1 i64) (local $t i64)
    (local.set $x0 (i64.and (local.get $x) (i64.const 0xffffffff)))
    (local.set $x1 (i64.shr_s (local.get $x) (i64.const 32)))
    (local.set $y0 (i64.and (local.get $y) (i64.const 0xffffffff)))
    (local.set $y1 (i64.shr_s (local.get $y) (i64.const 32)))
    (local.set $t (i64.add (i64.mul (local.get $x1) (local.get $y0))
      (i64.shr_u (i64.mul (local.get $x0) (local.get $y0)) (i64.const 32))))
    (i64.add (i64.add (i64.mul (local.get $x1) (local.get $y1)) (i64.shr_s (local.get $t) (i64.const 32)))
      (i64.shr_s (i64.add (i64.mul (local.get $x0) (local.get $y1))
        (i64.and (local.get $t) (i64.const 0xffffffff))) (i64.const 32))))
  ;; The halves are where x was: a copy of it has a name.
  (func $in_place (param $x i64) (result i64) (local $x0 i64) (local $t i64)
    (local.set $x0 (i64.extend_i32_u (i32.wrap_i64 (local.get $x))))
    (local.set $x (i64.shr_u (local.get $x) (i64.const 32)))
    (local.set $t (i64.add (i64.mul (local.get $x) (i64.const 5))
      (i64.shr_u (i64.mul (local.get $x0) (i64.const 5)) (i64.const 32))))
    (i64.add (i64.add (i64.mul (local.get $x) (i64.const 3)) (i64.shr_u (local.get $t) (i64.const 32)))
      (i64.shr_u (i64.add (i64.mul (local.get $x0) (i64.const 3))
        (i64.extend_i32_u (i32.wrap_i64 (local.get $t)))) (i64.const 32))))
  ;; x is another one when the sum is made; a sum is shifted with its sign; y has more than 64 bits.
  (func $changed (param $x i64) (result i64) (local $x0 i64) (local $x1 i64) (local $t i64)
    (local.set $x0 (i64.extend_i32_u (i32.wrap_i64 (local.get $x))))
    (local.set $x1 (i64.shr_u (local.get $x) (i64.const 32)))
    (local.set $x (i64.const 1))
    (local.set $t (i64.add (i64.mul (local.get $x1) (i64.const 5))
      (i64.shr_u (i64.mul (local.get $x0) (i64.const 5)) (i64.const 32))))
    (i64.add (i64.add (i64.mul (local.get $x1) (i64.const 3)) (i64.shr_u (local.get $t) (i64.const 32)))
      (i64.shr_u (i64.add (i64.mul (local.get $x0) (i64.const 3))
        (i64.extend_i32_u (i32.wrap_i64 (local.get $t)))) (i64.const 32))))
  (func $one_sign (param $x i64) (result i64) (local $x0 i64) (local $x1 i64) (local $t i64)
    (local.set $x0 (i64.extend_i32_u (i32.wrap_i64 (local.get $x))))
    (local.set $x1 (i64.shr_u (local.get $x) (i64.const 32)))
    (local.set $t (i64.add (i64.mul (local.get $x1) (i64.const 5))
      (i64.shr_u (i64.mul (local.get $x0) (i64.const 5)) (i64.const 32))))
    (i64.add (i64.add (i64.mul (local.get $x1) (i64.const 3)) (i64.shr_s (local.get $t) (i64.const 32)))
      (i64.shr_u (i64.add (i64.mul (local.get $x0) (i64.const 3))
        (i64.extend_i32_u (i32.wrap_i64 (local.get $t)))) (i64.const 32))))
  (func $wide (param $x i64) (result i64) (local $x0 i64) (local $x1 i64) (local $t i64)
    (local.set $x0 (i64.extend_i32_u (i32.wrap_i64 (local.get $x))))
    (local.set $x1 (i64.shr_u (local.get $x) (i64.const 32)))
    (local.set $t (i64.add (i64.mul (local.get $x1) (i64.const 5))
      (i64.shr_u (i64.mul (local.get $x0) (i64.const 5)) (i64.const 32))))
    (i64.add (i64.add (i64.mul (local.get $x1) (i64.const 0x100000003)) (i64.shr_u (local.get $t) (i64.const 32)))
      (i64.shr_u (i64.add (i64.mul (local.get $x0) (i64.const 0x100000003))
        (i64.extend_i32_u (i32.wrap_i64 (local.get $t)))) (i64.const 32))))
  ;; A lower half of what was computed just now is computed in 32 bits; with a load in it, it is not.
  (func $narrow (param $x i64) (param $y i64) (result i64)
    (i64.and (i64.xor (i64.shr_u (local.get $x) (i64.const 3)) (local.get $y)) (i64.const 0xffffffff)))
)
;;> build: func 0 "constant" (i64) -> (i64)
;;> b0:
;;>     l1 = zext.i64 lo(l0)
;;>     l2 = shr.i64 l0, 32
;;>     t2 = mul.i64 l2, 0xcccccccd
;;>     t3 = mul.i64 l1, 0xcccccccd
;;>     t4 = shr.i64 t3, 32
;;>     l3 = add.i64 t2, t4
;;>     t6 = mul.i64 l2, 0xcccccccc
;;>     t7 = shr.i64 l3, 32
;;>     t8 = add.i64 t6, t7
;;>     t9 = mul.i64 l1, 0xcccccccc
;;>     t10 = zext.i64 lo(l3)
;;>     t11 = add.i64 t9, t10
;;>     t12 = shr.i64 t11, 32
;;>     t13 = mulhi.i64.u l0, 0xcccccccccccccccd
;;>     t14 = shr.i64 t13, 2
;;>     return (t14)
;;> build: func 1 "signed" (i64 i64) -> (i64)
;;> b0:
;;>     l2 = zext.i64 l0
;;>     l3 = sar.i64 l0, 32
;;>     l4 = zext.i64 l1
;;>     l5 = sar.i64 l1, 32
;;>     t4 = mul.i64 l3, l4
;;>     t5 = mul.i64 l2, l4
;;>     t6 = shr.i64 t5, 32
;;>     l6 = add.i64 t4, t6
;;>     t8 = mul.i64 l3, l5
;;>     t9 = sar.i64 l6, 32
;;>     t10 = add.i64 t8, t9
;;>     t11 = mul.i64 l2, l5
;;>     t12 = zext.i64 l6
;;>     t13 = add.i64 t11, t12
;;>     t14 = sar.i64 t13, 32
;;>     t15 = mulhi.i64.s l0, l1
;;>     return (t15)
;;> build: func 2 "in_place" (i64) -> (i64)
;;> b0:
;;>     l1 = zext.i64 lo(l0)
;;>     n0 = copy.i64 l0
;;>     l0 = shr.i64 n0, 32
;;>     t3 = mul.i64 l0, 5
;;>     t4 = mul.i64 l1, 5
;;>     t5 = shr.i64 t4, 32
;;>     l2 = add.i64 t3, t5
;;>     t7 = mul.i64 l0, 3
;;>     t8 = shr.i64 l2, 32
;;>     t9 = add.i64 t7, t8
;;>     t10 = mul.i64 l1, 3
;;>     t11 = zext.i64 lo(l2)
;;>     t12 = add.i64 t10, t11
;;>     t13 = shr.i64 t12, 32
;;>     t14 = mulhi.i64.u n0, 0x300000005
;;>     return (t14)
;;> build: func 3 "changed" (i64) -> (i64)
;;> b0:
;;>     l1 = zext.i64 lo(l0)
;;>     l2 = shr.i64 l0, 32
;;>     l0 = set.i64 1
;;>     t2 = mul.i64 l2, 5
;;>     t3 = mul.i64 l1, 5
;;>     t4 = shr.i64 t3, 32
;;>     l3 = add.i64 t2, t4
;;>     t6 = mul.i64 l2, 3
;;>     t7 = shr.i64 l3, 32
;;>     t8 = add.i64 t6, t7
;;>     t9 = mul.i64 l1, 3
;;>     t10 = zext.i64 lo(l3)
;;>     t11 = add.i64 t9, t10
;;>     t12 = shr.i64 t11, 32
;;>     t13 = add.i64 t8, t12
;;>     return (t13)
;;> build: func 4 "one_sign" (i64) -> (i64)
;;> b0:
;;>     l1 = zext.i64 lo(l0)
;;>     l2 = shr.i64 l0, 32
;;>     t2 = mul.i64 l2, 5
;;>     t3 = mul.i64 l1, 5
;;>     t4 = shr.i64 t3, 32
;;>     l3 = add.i64 t2, t4
;;>     t6 = mul.i64 l2, 3
;;>     t7 = sar.i64 l3, 32
;;>     t8 = add.i64 t6, t7
;;>     t9 = mul.i64 l1, 3
;;>     t10 = zext.i64 lo(l3)
;;>     t11 = add.i64 t9, t10
;;>     t12 = shr.i64 t11, 32
;;>     t13 = add.i64 t8, t12
;;>     return (t13)
;;> build: func 5 "wide" (i64) -> (i64)
;;> b0:
;;>     l1 = zext.i64 lo(l0)
;;>     l2 = shr.i64 l0, 32
;;>     t2 = mul.i64 l2, 5
;;>     t3 = mul.i64 l1, 5
;;>     t4 = shr.i64 t3, 32
;;>     l3 = add.i64 t2, t4
;;>     t6 = mul.i64 l2, 0x100000003
;;>     t7 = shr.i64 l3, 32
;;>     t8 = add.i64 t6, t7
;;>     t9 = mul.i64 l1, 0x100000003
;;>     t10 = zext.i64 lo(l3)
;;>     t11 = add.i64 t9, t10
;;>     t12 = shr.i64 t11, 32
;;>     t13 = add.i64 t8, t12
;;>     return (t13)
;;> build: func 6 "narrow" (i64 i64) -> (i64)
;;> b0:
;;>     t0 = shr.i64 l0, 3
;;>     t1 = xor.i32 t0, l1
;;>     return (t1)
;;> color: func 0 "constant" (i64) -> (i64), frame 0
;;> b0: weight 1 in l0.0:rdi
;;>     t13:rdx = mulhi.i64.u l0.0:rdi, 0xcccccccccccccccd
;;>     t14:rdx = shr.i64 t13:rdx, 2
;;>     return (t14:rdx)
;;> code: func 0 "constant" (i64) -> (i64), frame 0, 21 bytes
;;>      0  mov rax, 0xcccccccccccccccd  ; +72 i64.add
;;>      a  mul rdi
;;>      d  shr rdx, 2  ; +75 i64.shr_u
;;>     11  mov rax, rdx  ; +76 end
;;>     14  ret
;;> code: func 1 "signed" (i64 i64) -> (i64), frame 0, 10 bytes
;;>      0  mov rax, rdi  ; +84 i64.add
;;>      3  imul rsi
;;>      6  mov rax, rdx  ; +85 end
;;>      9  ret
;;> code: func 2 "in_place" (i64) -> (i64), frame 0, 20 bytes
;;>      0  mov rbx, rdi  ; +13 i64.shr_u
;;>      3  mov rax, 0x300000005  ; +56 i64.add
;;>      d  mul rbx
;;>     10  mov rax, rdx  ; +57 end
;;>     13  ret
