;; Vectors: loads that split and extend, lanes, shuffles, constants.
;;! build,color,code
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
;;> code: func 0 "loads" (i32) -> (v128), frame 0, 49 bytes
;;>      0  movups xmm13, [rdi]  ; +3 v128.load
;;>      4  movsd xmm12, [rdi]  ; +9 v128.load8x8_s
;;>      9  pmovsxbw xmm12, xmm12
;;>      f  paddb xmm13, xmm12  ; +13 i8x16.add
;;>     14  movss xmm12, [rdi]  ; +17 v128.load32_splat
;;>     19  shufps xmm12, xmm12, 0
;;>     1e  addps xmm13, xmm12  ; +21 f32x4.add
;;>     22  movsd xmm12, [rdi]  ; +26 v128.load64_zero
;;>     27  por xmm13, xmm12  ; +30 v128.or
;;>     2c  movaps xmm0, xmm13  ; +32 end
;;>     30  ret
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
;;> code: func 1 "lanes" (i32 v128) -> (v128), frame 0, 31 bytes
;;>      0  movzx edx, word [rdi]  ; +5 v128.load16_lane
;;>      3  movaps xmm13, xmm0
;;>      7  pinsrw xmm13, edx, 3
;;>      d  pextrd edx, xmm0, 2  ; +12 i32x4.extract_lane
;;>     13  pinsrd xmm13, edx, 1  ; +15 i32x4.replace_lane
;;>     1a  movaps xmm0, xmm13  ; +18 end
;;>     1e  ret
;;> build: func 2 "shuffle" (v128 v128) -> (v128)
;;> b0:
;;>     t0 = vec i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 l0, l1
;;>     return (t0)
;;> color: func 2 "shuffle" (v128 v128) -> (v128), frame 0
;;> b0: weight 1 in l0.0:xmm0 l1.0:xmm1
;;>     t0:xmm13 = vec i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 l0.0:xmm0, l1.0:xmm1
;;>     return (t0:xmm13)
;;> code: func 2 "shuffle" (v128 v128) -> (v128), frame 0, 14 bytes
;;>      0  movaps xmm13, xmm0  ; +5 i8x16.shuffle
;;>      4  punpcklbw xmm13, xmm1
;;>      9  movaps xmm0, xmm13  ; +23 end
;;>      d  ret
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
;;> code: func 3 "constant" (v128) -> (i32), frame 0, 64 bytes
;;>      0  movaps xmm13, xmm0  ; +21 i8x16.eq
;;>      4  pcmpeqb xmm13, [30]
;;>      d  pxor xmm14, xmm14  ; +23 i8x16.all_true
;;>     12  pcmpeqb xmm14, xmm13
;;>     17  ptest xmm14, xmm14
;;>     1d  sete al
;;>     20  movzx edx, al
;;>     23  mov eax, edx  ; +25 end
;;>     25  ret
;;>     26  bytes cc cc cc cc cc cc cc cc cc cc
;;>     30  bytes 01 00 00 00 02 00 00 00
;;>     38  bytes 03 00 00 00 04 00 00 00
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
;;> code: func 4 "scalars" (f32 i64 f64) -> (i32), frame 0, 216 bytes
;;>      0  cvtss2sd xmm13, xmm0  ; +5 f64.promote_f32
;;>      5  roundsd xmm13, xmm13, 9  ; +6 f64.floor
;;>      c  movsd [0], xmm13  ; +7 f64.store
;;>     16  mov rax, rdi  ; +14 f64.convert_i64_u
;;>     19  xorps xmm13, xmm13
;;>     1d  test rax, rax
;;>     20  js 29
;;>     22  cvtsi2sd xmm13, rax
;;>     27  jmp 3f
;;>     29  mov ecx, eax
;;>     2b  shr rax, 1
;;>     2f  and ecx, 1
;;>     32  or rax, rcx
;;>     35  cvtsi2sd xmm13, rax
;;>     3a  addsd xmm13, xmm13
;;>     3f  movsd [8], xmm13  ; +15 f64.store
;;>     49  movsd xmm14, [c0]  ; +29 f64.copysign
;;>     52  movaps xmm15, xmm1
;;>     56  andps xmm14, [constant 8000000000000000]
;;>     5e  andps xmm15, [constant 7fffffffffffffff]
;;>     66  orps xmm15, xmm14
;;>     6a  movaps xmm13, xmm15
;;>     6e  movaps xmm15, xmm13  ; +30 i32.trunc_sat_f64_u
;;>     72  ucomisd xmm15, xmm15
;;>     77  jnp 7d
;;>     79  xor eax, eax
;;>     7b  jmp b0
;;>     7d  movsd xmm14, [c8]
;;>     86  ucomisd xmm15, xmm14
;;>     8b  ja 94
;;>     8d  mov eax, 0
;;>     92  jmp b0
;;>     94  movsd xmm14, [d0]
;;>     9d  ucomisd xmm15, xmm14
;;>     a2  jb ab
;;>     a4  mov eax, 0xffffffff
;;>     a9  jmp b0
;;>     ab  cvttsd2si rax, xmm15
;;>     b0  mov edx, eax
;;>     b2  mov eax, edx  ; +32 end
;;>     b4  ret
;;>     b5  bytes cc cc cc cc cc cc cc cc cc cc cc
;;>     c0  bytes 00 00 00 00 00 00 f8 7f
;;>     c8  bytes 00 00 00 00 00 00 f0 bf
;;>     d0  bytes 00 00 00 00 00 00 f0 41
