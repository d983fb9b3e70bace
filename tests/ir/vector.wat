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
    (i32.trunc_sat_f64_u (f64.copysign (local.get 2) (f64.const nan))))
  ;; Worked out where the result goes, as no operand is there.
  (func $in_place (param v128 v128) (result v128)
    (v128.xor (i8x16.neg (local.get 0)) (i8x16.le_u (local.get 0) (local.get 1)))))
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
;;>     t0:rdi = load.i32.16u [l0.0:rdi]
;;>     t1:xmm13 = vec i16x8.replace_lane 3 l1.0:xmm0, t0:rdi
;;>     t2:rdx = vec i32x4.extract_lane 2 l1.0:xmm0
;;>     t3:xmm13 = vec i32x4.replace_lane 1 t1:xmm13, t2:rdx
;;>     return (t3:xmm13)
;;> code: func 1 "lanes" (i32 v128) -> (v128), frame 0, 31 bytes
;;>      0  movzx edi, word [rdi]  ; +5 v128.load16_lane
;;>      3  movaps xmm13, xmm0
;;>      7  pinsrw xmm13, edi, 3
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
;;>     t0:xmm0 = vec i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 l0.0:xmm0, l1.0:xmm1
;;>     return (t0:xmm0)
;;> code: func 2 "shuffle" (v128 v128) -> (v128), frame 0, 5 bytes
;;>      0  punpcklbw xmm0, xmm1  ; +5 i8x16.shuffle
;;>      4  ret  ; +23 end
;;> build: func 3 "constant" (v128) -> (i32)
;;> b0:
;;>     t0 = vec i8x16.eq l0, v128:00000004000000030000000200000001
;;>     t1 = vec i8x16.all_true t0
;;>     return (t1)
;;> color: func 3 "constant" (v128) -> (i32), frame 0
;;> b0: weight 1 in l0.0:xmm0
;;>     t0:xmm0 = vec i8x16.eq l0.0:xmm0, v128:00000004000000030000000200000001
;;>     t1:rdx = vec i8x16.all_true t0:xmm0
;;>     return (t1:rdx)
;;> code: func 3 "constant" (v128) -> (i32), frame 0, 64 bytes
;;>      0  pcmpeqb xmm0, [30]  ; +21 i8x16.eq
;;>      8  pxor xmm14, xmm14  ; +23 i8x16.all_true
;;>      d  pcmpeqb xmm14, xmm0
;;>     12  ptest xmm14, xmm14
;;>     18  sete al
;;>     1b  movzx edx, al
;;>     1e  mov eax, edx  ; +25 end
;;>     20  ret
;;>     21  bytes cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc
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
;;>     t0:xmm0 = promote.f64 l0.0:xmm0
;;>     t1:xmm0 = fround.f64.floor t0:xmm0
;;>     store.f64.f64 [0], t1:xmm0
;;>     t2:xmm13 = itof.f64.i64_u l1.0:rdi
;;>     store.f64.f64 [8], t2:xmm13
;;>     t3:xmm1 = fcopysign.f64 l2.0:xmm1, nan:0x7ff8000000000000
;;>     t4:rdx = ftoi.i32.f64_u.sat t3:xmm1
;;>     return (t4:rdx)
;;> code: func 4 "scalars" (f32 i64 f64) -> (i32), frame 0, 216 bytes
;;>      0  cvtss2sd xmm0, xmm0  ; +5 f64.promote_f32
;;>      4  roundsd xmm0, xmm0, 9  ; +6 f64.floor
;;>      a  movsd [0], xmm0  ; +7 f64.store
;;>     13  mov rax, rdi  ; +14 f64.convert_i64_u
;;>     16  xorps xmm13, xmm13
;;>     1a  test rax, rax
;;>     1d  js 26
;;>     1f  cvtsi2sd xmm13, rax
;;>     24  jmp 3c
;;>     26  mov ecx, eax
;;>     28  shr rax, 1
;;>     2c  and ecx, 1
;;>     2f  or rax, rcx
;;>     32  cvtsi2sd xmm13, rax
;;>     37  addsd xmm13, xmm13
;;>     3c  movsd [8], xmm13  ; +15 f64.store
;;>     46  movsd xmm14, [c0]  ; +29 f64.copysign
;;>     4f  movaps xmm15, xmm1
;;>     53  andps xmm14, [constant 8000000000000000]
;;>     5b  andps xmm15, [constant 7fffffffffffffff]
;;>     63  orps xmm15, xmm14
;;>     67  movaps xmm1, xmm15
;;>     6b  movaps xmm15, xmm1  ; +30 i32.trunc_sat_f64_u
;;>     6f  ucomisd xmm15, xmm15
;;>     74  jnp 7a
;;>     76  xor eax, eax
;;>     78  jmp ad
;;>     7a  movsd xmm14, [c8]
;;>     83  ucomisd xmm15, xmm14
;;>     88  ja 91
;;>     8a  mov eax, 0
;;>     8f  jmp ad
;;>     91  movsd xmm14, [d0]
;;>     9a  ucomisd xmm15, xmm14
;;>     9f  jb a8
;;>     a1  mov eax, 0xffffffff
;;>     a6  jmp ad
;;>     a8  cvttsd2si rax, xmm15
;;>     ad  mov edx, eax
;;>     af  mov eax, edx  ; +32 end
;;>     b1  ret
;;>     b2  bytes cc cc cc cc cc cc cc cc cc cc cc cc cc cc
;;>     c0  bytes 00 00 00 00 00 00 f8 7f
;;>     c8  bytes 00 00 00 00 00 00 f0 bf
;;>     d0  bytes 00 00 00 00 00 00 f0 41
;;> build: func 5 "in_place" (v128 v128) -> (v128)
;;> b0:
;;>     t0 = vec i8x16.neg l0
;;>     t1 = vec i8x16.le_u l0, l1
;;>     t2 = vec v128.xor t0, t1
;;>     return (t2)
;;> color: func 5 "in_place" (v128 v128) -> (v128), frame 0
;;> b0: weight 1 in l0.0:xmm0 l1.0:xmm1
;;>     t0:xmm13 = vec i8x16.neg l0.0:xmm0
;;>     t1:xmm0 = vec i8x16.le_u l0.0:xmm0, l1.0:xmm1
;;>     t2:xmm13 = vec v128.xor t0:xmm13, t1:xmm0
;;>     return (t2:xmm13)
;;> code: func 5 "in_place" (v128 v128) -> (v128), frame 0, 38 bytes
;;>      0  pxor xmm13, xmm13  ; +3 i8x16.neg
;;>      5  psubb xmm13, xmm0
;;>      a  movaps xmm15, xmm0  ; +9 i8x16.le_u
;;>      e  pminub xmm15, xmm1
;;>     13  pcmpeqb xmm15, xmm0
;;>     18  movaps xmm0, xmm15
;;>     1c  pxor xmm13, xmm0  ; +11 v128.xor
;;>     21  movaps xmm0, xmm13  ; +13 end
;;>     25  ret
