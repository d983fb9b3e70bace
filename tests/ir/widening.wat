;; Zero extensions that cost nothing, as the upper half is known to be zero; and those that cost a move.
;;! build
(module
  (memory 1)
  (func $load8 (param i32) (result i64) (i64.extend_i32_u (i32.wrap_i64 (i64.load8_u (local.get 0)))))
  (func $load16 (param i32) (result i64) (i64.extend_i32_u (i32.wrap_i64 (i64.load16_u (local.get 0)))))
  (func $load32 (param i32) (result i64) (i64.extend_i32_u (i32.wrap_i64 (i64.load32_u (local.get 0)))))
  (func $load8_signed (param i32) (result i64) (i64.extend_i32_u (i32.wrap_i64 (i64.load8_s (local.get 0)))))
  (func $load64 (param i32) (result i64) (i64.extend_i32_u (i32.wrap_i64 (i64.load (local.get 0)))))
  (func $sum (param i32 i32) (result i64) (i64.extend_i32_u (i32.add (local.get 0) (local.get 1))))
  (func $constant (result i64) (i64.extend_i32_u (i32.wrap_i64 (i64.const 0x1_0000_0002))))
  (func $comparison (param i64) (result i64) (i64.extend_i32_u (i64.eqz (local.get 0)))))
;;> build: func 0 "load8" (i32) -> (i64)
;;> b0:
;;>     t0 = load.i64.8u [l0]
;;>     return (t0)
;;> build: func 1 "load16" (i32) -> (i64)
;;> b0:
;;>     t0 = load.i64.16u [l0]
;;>     return (t0)
;;> build: func 2 "load32" (i32) -> (i64)
;;> b0:
;;>     t0 = load.i64.32u [l0]
;;>     return (t0)
;;> build: func 3 "load8_signed" (i32) -> (i64)
;;> b0:
;;>     t0 = load.i64.8s [l0]
;;>     t1 = zext.i64 lo(t0)
;;>     return (t1)
;;> build: func 4 "load64" (i32) -> (i64)
;;> b0:
;;>     t0 = load.i64.64 [l0]
;;>     t1 = zext.i64 lo(t0)
;;>     return (t1)
;;> build: func 5 "sum" (i32 i32) -> (i64)
;;> b0:
;;>     t0 = add.i32 l0, l1
;;>     return (t0)
;;> build: func 6 "constant" () -> (i64)
;;> b0:
;;>     return (2)
;;> build: func 7 "comparison" (i64) -> (i64)
;;> b0:
;;>     t0 = cmp.i64.eq l0, 0
;;>     return (t0)
