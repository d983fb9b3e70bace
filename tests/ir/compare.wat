;; Comparisons with branches and selects, their inversion by eqz, and floats, where a comparison may be unordered.
;;! build,flow,code
(module
  (func $branch (param i32 i32) (result i32)
    (block (br_if 0 (i32.lt_s (local.get 0) (local.get 1))) (return (i32.const 1)))
    (i32.const 2))
  (func $inverted (param i64) (result i32)
    (if (result i32) (i32.eqz (i64.ge_u (local.get 0) (i64.const 10)))
      (then (i32.const 1)) (else (i32.const 2))))
  (func $float_inverted (param f64 f64) (result i32)
    (block (br_if 0 (i32.eqz (f64.lt (local.get 0) (local.get 1)))) (return (i32.const 1)))
    (i32.const 2))
  (func $masked (param i32) (result i32)
    (block (br_if 0 (i32.and (local.get 0) (i32.const 8))) (return (i32.const 1)))
    (i32.const 2))
  ;; Bits that are compared with zero; not with a number; not where a mask is no immediate.
  (func $bits (param i64) (result i32)
    (if (result i32) (i64.ne (i64.and (local.get 0) (i64.const 0x80000001)) (i64.const 0))
      (then (i32.const 1)) (else (i64.eqz (i64.and (local.get 0) (i64.const -16))))))
  (func $no_bits (param i64) (result i32)
    (if (result i32) (i64.ne (i64.and (local.get 0) (i64.const 3)) (i64.const 1))
      (then (i32.const 1)) (else (i64.eqz (i64.and (local.get 0) (i64.const 0x100000001))))))
  (func $select (param i32 i64 i64) (result i64)
    (select (local.get 1) (local.get 2) (i32.eq (local.get 0) (i32.const 7)))))
;;> build: func 0 "branch" (i32 i32) -> (i32)
;;> b0:
;;>     brif (cmp.i32.lt_s l0, l1), b2, b1
;;> b1:
;;>     return (1)
;;> b2:
;;>     return (2)
;;> flow: func 0 "branch" (i32 i32) -> (i32)
;;> b0: weight 1 in l0.0 l1.0
;;>     brif (cmp.i32.lt_s l0.0, l1.0), b2, b1
;;> b1: weight 1
;;>     return (1)
;;> b2: weight 1
;;>     return (2)
;;> code: func 0 "branch" (i32 i32) -> (i32), frame 0, 20 bytes
;;>      0  cmp edi, esi  ; +8 br_if
;;>      2  jl e
;;>      8  mov eax, 1  ; +12 return
;;>      d  ret
;;>      e  mov eax, 2  ; +16 end
;;>     13  ret
;;> build: func 1 "inverted" (i64) -> (i32)
;;> b0:
;;>     brif (cmp.i64.lt_u l0, 10), b1, b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b3
;;> b2:
;;>     s0 = set.i32 2
;;>     br b3
;;> b3:
;;>     return (s0)
;;> flow: func 1 "inverted" (i64) -> (i32)
;;> b0: weight 1 in l0.0
;;>     brif (cmp.i64.lt_u l0.0, 10), b1, b2
;;> b1: weight 1
;;>     s0.0 = set.i32 1
;;>     br b3
;;> b2: weight 1
;;>     s0.0 = set.i32 2
;;>     br b3
;;> b3: weight 1 in s0.0
;;>     return (s0.0)
;;> code: func 1 "inverted" (i64) -> (i32), frame 0, 28 bytes
;;>      0  cmp rdi, 10  ; +7 if
;;>      4  jae 14
;;>      a  mov ebx, 1  ; +11 else
;;>      f  jmp 19
;;>     14  mov ebx, 2  ; +14 end
;;>     19  mov eax, ebx  ; +15 end
;;>     1b  ret
;;> build: func 2 "float_inverted" (f64 f64) -> (i32)
;;> b0:
;;>     brif (fcmp.f64.nlt l0, l1), b2, b1
;;> b1:
;;>     return (1)
;;> b2:
;;>     return (2)
;;> flow: func 2 "float_inverted" (f64 f64) -> (i32)
;;> b0: weight 1 in l0.0 l1.0
;;>     brif (fcmp.f64.nlt l0.0, l1.0), b2, b1
;;> b1: weight 1
;;>     return (1)
;;> b2: weight 1
;;>     return (2)
;;> code: func 2 "float_inverted" (f64 f64) -> (i32), frame 0, 22 bytes
;;>      0  ucomisd xmm1, xmm0  ; +9 br_if
;;>      4  jbe 10
;;>      a  mov eax, 1  ; +13 return
;;>      f  ret
;;>     10  mov eax, 2  ; +17 end
;;>     15  ret
;;> build: func 3 "masked" (i32) -> (i32)
;;> b0:
;;>     brif (and.i32 l0, 8), b2, b1
;;> b1:
;;>     return (1)
;;> b2:
;;>     return (2)
;;> flow: func 3 "masked" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     brif (and.i32 l0.0, 8), b2, b1
;;> b1: weight 1
;;>     return (1)
;;> b2: weight 1
;;>     return (2)
;;> code: func 3 "masked" (i32) -> (i32), frame 0, 24 bytes
;;>      0  test edi, 8  ; +8 br_if
;;>      6  jne 12
;;>      c  mov eax, 1  ; +12 return
;;>     11  ret
;;>     12  mov eax, 2  ; +16 end
;;>     17  ret
;;> build: func 4 "bits" (i64) -> (i32)
;;> b0:
;;>     brif (cmp.i64.ne (and.i64 l0, 0x80000001), 0), b1, b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b3
;;> b2:
;;>     s0 = cmp.i64.eq (and.i64 l0, -16), 0
;;>     br b3
;;> b3:
;;>     return (s0)
;;> flow: func 4 "bits" (i64) -> (i32)
;;> b0: weight 1 in l0.0
;;>     brif (cmp.i64.ne (and.i64 l0.0, 0x80000001), 0), b1, b2
;;> b1: weight 1
;;>     s0.0 = set.i32 1
;;>     br b3
;;> b2: weight 1 in l0.0
;;>     s0.0 = cmp.i64.eq (and.i64 l0.0, -16), 0
;;>     br b3
;;> b3: weight 1 in s0.0
;;>     return (s0.0)
;;> code: func 4 "bits" (i64) -> (i32), frame 0, 38 bytes
;;>      0  test edi, 0xffffffff80000001  ; +13 if
;;>      6  je 16
;;>      c  mov ebx, 1  ; +17 else
;;>     11  jmp 23
;;>     16  test rdi, -16  ; +23 i64.eqz
;;>     1d  sete al
;;>     20  movzx ebx, al
;;>     23  mov eax, ebx  ; +25 end
;;>     25  ret
;;> build: func 5 "no_bits" (i64) -> (i32)
;;> b0:
;;>     t0 = and.i64 l0, 3
;;>     brif (cmp.i64.ne t0, 1), b1, b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b3
;;> b2:
;;>     t2 = and.i64 l0, 0x100000001
;;>     s0 = cmp.i64.eq t2, 0
;;>     br b3
;;> b3:
;;>     return (s0)
;;> flow: func 5 "no_bits" (i64) -> (i32)
;;> b0: weight 1 in l0.0
;;>     t0 = and.i64 l0.0, 3
;;>     brif (cmp.i64.ne t0, 1), b1, b2
;;> b1: weight 1
;;>     s0.0 = set.i32 1
;;>     br b3
;;> b2: weight 1 in l0.0
;;>     t2 = and.i64 l0.0, 0x100000001
;;>     s0.0 = cmp.i64.eq t2, 0
;;>     br b3
;;> b3: weight 1 in s0.0
;;>     return (s0.0)
;;> code: func 5 "no_bits" (i64) -> (i32), frame 0, 47 bytes
;;>      0  mov edx, edi  ; +5 i64.and
;;>      2  and edx, 3
;;>      5  cmp rdx, 1  ; +9 if
;;>      9  je 19
;;>      f  mov ebx, 1  ; +13 else
;;>     14  jmp 2c
;;>     19  mov rcx, 0x100000001  ; +22 i64.and
;;>     23  and rdi, rcx
;;>     26  sete al  ; +23 i64.eqz
;;>     29  movzx ebx, al
;;>     2c  mov eax, ebx  ; +25 end
;;>     2e  ret
;;> build: func 6 "select" (i32 i64 i64) -> (i64)
;;> b0:
;;>     t1 = select.i64 l1, l2, (cmp.i32.eq l0, 7)
;;>     return (t1)
;;> flow: func 6 "select" (i32 i64 i64) -> (i64)
;;> b0: weight 1 in l0.0 l1.0 l2.0
;;>     t1 = select.i64 l1.0, l2.0, (cmp.i32.eq l0.0, 7)
;;>     return (t1)
;;> code: func 6 "select" (i32 i64 i64) -> (i64), frame 0, 14 bytes
;;>      0  mov rbx, rdx  ; start
;;>      3  cmp edi, 7  ; +10 select
;;>      6  cmovne rsi, rbx
;;>      a  mov rax, rsi  ; +11 end
;;>      d  ret
