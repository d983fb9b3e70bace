;; Vectors: loads that split and extend, lanes, shuffles, constants.
;;! build,color
(module
  (memory 1)
  (func $loads (param i32) (result v128)
    (v128.load (local.get 0)) (v128.load8x8_s (local.get 0)) i8x16.add
    (v128.load32_splat (local.get 0)) f32x4.add (v128.load64_zero (local.get 0)) v128.or)
  (func $lanes (param i32 v128) (result v128)
    (v128.load16_lane 3 (local.get 0) (local.get 1))
    (i32x4.replace_lane 1 (i32x4.extract_lane 2 (local.get 1))))
  (func $shuffle (param v128 v128) (result v128)
    (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get 0) (local.get 1)))
  (func $constant (param v128) (result i32)
    (i8x16.all_true (i8x16.eq (local.get 0) (v128.const i32x4 1 2 3 4))))
  (func $scalars (param f32 i64 f64) (result i32)
    (f64.store (i32.const 0) (f64.floor (f64.promote_f32 (local.get 0))))
    (f64.store (i32.const 8) (f64.convert_i64_u (local.get 1)))
    (i32.trunc_sat_f64_u (f64.copysign (local.get 2) (f64.const nan)))))
;;> build: func 0 "loads" (i32) -> (v128)
;;> b0:
;;>     t0 = load.v128.128 [l0]
;;>     t1 = load.v128.f64 [l0]
;;>     t2 = vec i16x8.extend_low_i8x16_s t1
;;>     t3 = vec i8x16.add t0, t2
;;>     t4 = load.f32.f32 [l0]
;;>     t5 = vec f32x4.splat t4
;;>     t6 = vec f32x4.add t3, t5
;;>     t7 = load.v128.f64 [l0]
;;>     t8 = vec v128.or t6, t7
;;>     return (t8)
;;> color: func 0 "loads" (i32) -> (v128), frame 0
;;> b0: weight 1 in l0.0:rdi
;;>     t0:xmm13 = load.v128.128 [l0.0:rdi]
;;>     t1:xmm12 = load.v128.f64 [l0.0:rdi]
;;>     t2:xmm12 = vec i16x8.extend_low_i8x16_s t1:xmm12
;;>     t3:xmm13 = vec i8x16.add t0:xmm13, t2:xmm12
;;>     t4:xmm12 = load.f32.f32 [l0.0:rdi]
;;>     t5:xmm12 = vec f32x4.splat t4:xmm12
;;>     t6:xmm13 = vec f32x4.add t3:xmm13, t5:xmm12
;;>     t7:xmm12 = load.v128.f64 [l0.0:rdi]
;;>     t8:xmm13 = vec v128.or t6:xmm13, t7:xmm12
;;>     return (t8:xmm13)
;;> build: func 1 "lanes" (i32 v128) -> (v128)
;;> b0:
;;>     t0 = load.i32.16u [l0]
;;>     t1 = vec i16x8.replace_lane 3 l1, t0
;;>     t2 = vec i32x4.extract_lane 2 l1
;;>     t3 = vec i32x4.replace_lane 1 t1, t2
;;>     return (t3)
;;> color: func 1 "lanes" (i32 v128) -> (v128), frame 0
;;> b0: weight 1 in l0.0:rdi l1.0:xmm0
;;>     t0:rdx = load.i32.16u [l0.0:rdi]
;;>     t1:xmm13 = vec i16x8.replace_lane 3 l1.0:xmm0, t0:rdx
;;>     t2:rdx = vec i32x4.extract_lane 2 l1.0:xmm0
;;>     t3:xmm13 = vec i32x4.replace_lane 1 t1:xmm13, t2:rdx
;;>     return (t3:xmm13)
;;> build: func 2 "shuffle" (v128 v128) -> (v128)
;;> b0:
;;>     t0 = vec i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 l0, l1
;;>     return (t0)
;;> color: func 2 "shuffle" (v128 v128) -> (v128), frame 0
;;> b0: weight 1 in l0.0:xmm0 l1.0:xmm1
;;>     t0:xmm13 = vec i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 l0.0:xmm0, l1.0:xmm1
;;>     return (t0:xmm13)
;;> build: func 3 "constant" (v128) -> (i32)
;;> b0:
;;>     t0 = vec i8x16.eq l0, v128:00000004000000030000000200000001
;;>     t1 = vec i8x16.all_true t0
;;>     return (t1)
;;> color: func 3 "constant" (v128) -> (i32), frame 0
;;> b0: weight 1 in l0.0:xmm0
;;>     t0:xmm13 = vec i8x16.eq l0.0:xmm0, v128:00000004000000030000000200000001
;;>     t1:rdx = vec i8x16.all_true t0:xmm13
;;>     return (t1:rdx)
;;> build: func 4 "scalars" (f32 i64 f64) -> (i32)
;;> b0:
;;>     t0 = promote.f64 l0
;;>     t1 = fround.f64.floor t0
;;>     store.f64.f64 [0], t1
;;>     t2 = itof.f64.i64_u l1
;;>     store.f64.f64 [8], t2
;;>     t3 = fcopysign.f64 l2, nan:0x7ff8000000000000
;;>     t4 = ftoi.i32.f64_u.sat t3
;;>     return (t4)
;;> color: func 4 "scalars" (f32 i64 f64) -> (i32), frame 0
;;> b0: weight 1 in l0.0:xmm0 l1.0:rdi l2.0:xmm1
;;>     t0:xmm13 = promote.f64 l0.0:xmm0
;;>     t1:xmm13 = fround.f64.floor t0:xmm13
;;>     store.f64.f64 [0], t1:xmm13
;;>     t2:xmm13 = itof.f64.i64_u l1.0:rdi
;;>     store.f64.f64 [8], t2:xmm13
;;>     t3:xmm13 = fcopysign.f64 l2.0:xmm1, nan:0x7ff8000000000000
;;>     t4:rdx = ftoi.i32.f64_u.sat t3:xmm13
;;>     return (t4:rdx)
