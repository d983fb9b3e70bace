;; Floats: three operands where the CPU has AVX and the result's register is none of the operands'.
;;! code 0 1 2 3 4
;;! -w 0x201 code 0
(module
  (memory 1)
  (func $sum (param f64 f64 f64) (result f64) (local f64)
    (local.set 3 (f64.add (local.get 0) (local.get 1)))
    (f64.mul (f64.sub (local.get 3) (local.get 0)) (f64.sub (local.get 1) (local.get 2))))
  (func $single (param f32 f32) (result f32)
    (f32.add (f32.div (local.get 0) (local.get 1)) (f32.mul (local.get 0) (local.get 1))))
  (func $loaded (param f64 i32) (result f64)
    (f64.add (f64.sub (local.get 0) (f64.load (local.get 1))) (local.get 0)))
  (func $in_place (param f64 f64) (result f64)
    (local.set 0 (f64.add (local.get 0) (local.get 1))) (local.get 0))
  (func $constant (param f64) (result f64)
    (f64.add (f64.mul (local.get 0) (f64.const 0.5)) (local.get 0))))
;;> code: func 0 "sum" (f64 f64 f64) -> (f64), frame 0, 27 bytes
;;>      0  movaps xmm3, xmm2  ; start
;;>      3  movaps xmm2, xmm1
;;>      6  movaps xmm1, xmm0
;;>      9  vaddsd xmm0, xmm1, xmm2  ; +7 f64.add
;;>      e  subsd xmm0, xmm1  ; +14 f64.sub
;;>     12  subsd xmm2, xmm3  ; +19 f64.sub
;;>     16  mulsd xmm0, xmm2  ; +20 f64.mul
;;>     1a  ret  ; +21 end
;;> code: func 1 "single" (f32 f32) -> (f32), frame 0, 19 bytes
;;>      0  vdivss xmm13, xmm0, xmm1  ; +5 f32.div
;;>      5  mulss xmm0, xmm1  ; +10 f32.mul
;;>      9  addss xmm13, xmm0  ; +11 f32.add
;;>      e  movaps xmm0, xmm13  ; +12 end
;;>     12  ret
;;> code: func 2 "loaded" (f64 i32) -> (f64), frame 0, 15 bytes
;;>      0  vsubsd xmm13, xmm0, [rdi]  ; +5 f64.load
;;>      5  addsd xmm13, xmm0  ; +11 f64.add
;;>      a  movaps xmm0, xmm13  ; +12 end
;;>      e  ret
;;> code: func 3 "in_place" (f64 f64) -> (f64), frame 0, 5 bytes
;;>      0  addsd xmm0, xmm1  ; +5 f64.add
;;>      4  ret  ; +10 end
;;> code: func 4 "constant" (f64) -> (f64), frame 0, 40 bytes
;;>      0  movsd xmm14, [20]  ; +12 f64.mul
;;>      9  vmulsd xmm13, xmm0, xmm14
;;>      e  addsd xmm13, xmm0  ; +15 f64.add
;;>     13  movaps xmm0, xmm13  ; +16 end
;;>     17  ret
;;>     18  bytes cc cc cc cc cc cc cc cc
;;>     20  bytes 00 00 00 00 00 00 e0 3f
;;> code: func 0 "sum" (f64 f64 f64) -> (f64), frame 0, 29 bytes
;;>      0  movaps xmm3, xmm2  ; start
;;>      3  movaps xmm2, xmm1
;;>      6  movaps xmm1, xmm0
;;>      9  movaps xmm0, xmm1  ; +7 f64.add
;;>      c  addsd xmm0, xmm2
;;>     10  subsd xmm0, xmm1  ; +14 f64.sub
;;>     14  subsd xmm2, xmm3  ; +19 f64.sub
;;>     18  mulsd xmm0, xmm2  ; +20 f64.mul
;;>     1c  ret  ; +21 end
