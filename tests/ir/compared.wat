;; Loads that are compared with a constant: the comparison reads memory (fold_compared, fold_tested in
;; engine/ir/build_value.c); and where it may not.
;;! build,code
(module
  (memory 1)
  (global (mut i32) (i32.const 0)) (global $whole (mut i64) (i64.const 0))
  (func $flag (param i32) (result i32)
    (if (result i32) (i32.load8_u offset=190 (local.get 0)) (then (i32.const 1)) (else (i32.const 2))))
  (func $is_zero (param i32) (result i32)
    (if (result i32) (i64.eqz (i64.load offset=8 (local.get 0))) (then (i32.const 1)) (else (i32.const 2))))
  (func $signed_of_unsigned (param i32) (result i32)
    (if (result i32) (i64.lt_s (i64.load32_u (local.get 0)) (i64.const 0x80000001)) (then (i32.const 1)) (else (i32.const 2))))
  (func $signed_byte (param i32) (result i32)
    (if (result i32) (i32.ge_s (i32.load8_s (local.get 0)) (i32.const -3)) (then (i32.const 1)) (else (i32.const 2))))
  (func $short (param i32) (result i32)
    (if (result i32) (i64.gt_s (i64.load16_u (local.get 0)) (i64.const 5)) (then (i32.const 1)) (else (i32.const 2))))
  (func $some_bits (param i32) (result i32)
    (if (result i32) (i64.ne (i64.and (i64.load8_u (local.get 0)) (i64.const 7)) (i64.const 0))
      (then (i32.const 1)) (else (i32.const 2))))
  (func $of_a_global (result i32)
    (if (result i32) (i64.eqz (global.get $whole)) (then (i32.const 1)) (else (i32.const 2))))
  ;; not where the constant is none of its values, where the value is wanted again, where something stands between
  (func $above (param i32) (result i32)
    (if (result i32) (i32.lt_s (i32.load8_u (local.get 0)) (i32.const 256)) (then (i32.const 1)) (else (i32.const 2))))
  (func $negative (param i32) (result i32)
    (if (result i32) (i64.gt_s (i64.load32_u (local.get 0)) (i64.const -1)) (then (i32.const 1)) (else (i32.const 2))))
  (func $long_short (param i32) (result i32)
    (if (result i32) (i32.eq (i32.load16_u (local.get 0)) (i32.const 0x80)) (then (i32.const 1)) (else (i32.const 2))))
  (func $again (param i32) (result i64) (local i64)
    (if (i64.eqz (local.tee 1 (i64.load (local.get 0)))) (then (return (i64.const 7))))
    (local.get 1))
  (func $wide_mask (param i32) (result i32)
    (if (result i32) (i32.eqz (i32.and (i32.load8_u (local.get 0)) (i32.const 0x101))) (then (i32.const 1)) (else (i32.const 2))))
  (func $between (param i32) (result i32)
    (i32.load8_u (local.get 0))
    (i32.store8 (local.get 0) (i32.const 9))
    (i32.const 3) (i32.eq)))
;;> build: func 0 "flag" (i32) -> (i32)
;;> b0:
;;>     brif (cmp.i32.ne (load.i32.8u [l0 + 190]), 0), b1, b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b3
;;> b2:
;;>     s0 = set.i32 2
;;>     br b3
;;> b3:
;;>     return (s0)
;;> code: func 0 "flag" (i32) -> (i32), frame 0, 31 bytes
;;>      0  cmp byte [rdi + 190], 0  ; +3 i32.load8_u
;;>      7  je 17
;;>      d  mov ebx, 1  ; +11 else
;;>     12  jmp 1c
;;>     17  mov ebx, 2  ; +14 end
;;>     1c  mov eax, ebx  ; +15 end
;;>     1e  ret
;;> build: func 1 "is_zero" (i32) -> (i32)
;;> b0:
;;>     brif (cmp.i64.eq (load.i64.64 [l0 + 8]), 0), b1, b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b3
;;> b2:
;;>     s0 = set.i32 2
;;>     br b3
;;> b3:
;;>     return (s0)
;;> code: func 1 "is_zero" (i32) -> (i32), frame 0, 29 bytes
;;>      0  cmp qword [rdi + 8], 0  ; +3 i64.load
;;>      5  jne 15
;;>      b  mov ebx, 1  ; +11 else
;;>     10  jmp 1a
;;>     15  mov ebx, 2  ; +14 end
;;>     1a  mov eax, ebx  ; +15 end
;;>     1c  ret
;;> build: func 2 "signed_of_unsigned" (i32) -> (i32)
;;> b0:
;;>     brif (cmp.i64.lt_s (load.i64.32u [l0]), 0x80000001), b1, b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b3
;;> b2:
;;>     s0 = set.i32 2
;;>     br b3
;;> b3:
;;>     return (s0)
;;> code: func 2 "signed_of_unsigned" (i32) -> (i32), frame 0, 30 bytes
;;>      0  cmp dword [rdi], 0xffffffff80000001  ; +3 i64.load32_u
;;>      6  jae 16
;;>      c  mov ebx, 1  ; +17 else
;;>     11  jmp 1b
;;>     16  mov ebx, 2  ; +20 end
;;>     1b  mov eax, ebx  ; +21 end
;;>     1d  ret
;;> build: func 3 "signed_byte" (i32) -> (i32)
;;> b0:
;;>     brif (cmp.i32.ge_s (load.i32.8s [l0]), -3), b1, b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b3
;;> b2:
;;>     s0 = set.i32 2
;;>     br b3
;;> b3:
;;>     return (s0)
;;> code: func 3 "signed_byte" (i32) -> (i32), frame 0, 27 bytes
;;>      0  cmp byte [rdi], 253  ; +3 i32.load8_s
;;>      3  jl 13
;;>      9  mov ebx, 1  ; +13 else
;;>      e  jmp 18
;;>     13  mov ebx, 2  ; +16 end
;;>     18  mov eax, ebx  ; +17 end
;;>     1a  ret
;;> build: func 4 "short" (i32) -> (i32)
;;> b0:
;;>     brif (cmp.i64.gt_s (load.i64.16u [l0]), 5), b1, b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b3
;;> b2:
;;>     s0 = set.i32 2
;;>     br b3
;;> b3:
;;>     return (s0)
;;> code: func 4 "short" (i32) -> (i32), frame 0, 28 bytes
;;>      0  cmp word [rdi], 5  ; +3 i64.load16_u
;;>      4  jbe 14
;;>      a  mov ebx, 1  ; +13 else
;;>      f  jmp 19
;;>     14  mov ebx, 2  ; +16 end
;;>     19  mov eax, ebx  ; +17 end
;;>     1b  ret
;;> build: func 5 "some_bits" (i32) -> (i32)
;;> b0:
;;>     brif (cmp.i64.ne (and.i64 (load.i64.8u [l0]), 7), 0), b1, b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b3
;;> b2:
;;>     s0 = set.i32 2
;;>     br b3
;;> b3:
;;>     return (s0)
;;> code: func 5 "some_bits" (i32) -> (i32), frame 0, 27 bytes
;;>      0  test byte [rdi], 7  ; +3 i64.load8_u
;;>      3  je 13
;;>      9  mov ebx, 1  ; +16 else
;;>      e  jmp 18
;;>     13  mov ebx, 2  ; +19 end
;;>     18  mov eax, ebx  ; +20 end
;;>     1a  ret
;;> build: func 6 "of_a_global" () -> (i32)
;;> b0:
;;>     brif (cmp.i64.eq (global_get.i64 1), 0), b1, b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b3
;;> b2:
;;>     s0 = set.i32 2
;;>     br b3
;;> b3:
;;>     return (s0)
;;> code: func 6 "of_a_global" () -> (i32), frame 0, 32 bytes
;;>      0  cmp [global 1], 0  ; +4 if
;;>      8  jne 18
;;>      e  mov ebx, 1  ; +8 else
;;>     13  jmp 1d
;;>     18  mov ebx, 2  ; +11 end
;;>     1d  mov eax, ebx  ; +12 end
;;>     1f  ret
;;> build: func 7 "above" (i32) -> (i32)
;;> b0:
;;>     t0 = load.i32.8u [l0]
;;>     brif (cmp.i32.lt_s t0, 256), b1, b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b3
;;> b2:
;;>     s0 = set.i32 2
;;>     br b3
;;> b3:
;;>     return (s0)
;;> code: func 7 "above" (i32) -> (i32), frame 0, 33 bytes
;;>      0  movzx edi, byte [rdi]  ; +3 i32.load8_u
;;>      3  cmp edi, 256  ; +10 if
;;>      9  jge 19
;;>      f  mov ebx, 1  ; +14 else
;;>     14  jmp 1e
;;>     19  mov ebx, 2  ; +17 end
;;>     1e  mov eax, ebx  ; +18 end
;;>     20  ret
;;> build: func 8 "negative" (i32) -> (i32)
;;> b0:
;;>     t0 = load.i64.32u [l0]
;;>     brif (cmp.i64.gt_s t0, -1), b1, b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b3
;;> b2:
;;>     s0 = set.i32 2
;;>     br b3
;;> b3:
;;>     return (s0)
;;> code: func 8 "negative" (i32) -> (i32), frame 0, 30 bytes
;;>      0  mov edi, dword [rdi]  ; +3 i64.load32_u
;;>      2  cmp rdi, -1  ; +9 if
;;>      6  jle 16
;;>      c  mov ebx, 1  ; +13 else
;;>     11  jmp 1b
;;>     16  mov ebx, 2  ; +16 end
;;>     1b  mov eax, ebx  ; +17 end
;;>     1d  ret
;;> build: func 9 "long_short" (i32) -> (i32)
;;> b0:
;;>     t0 = load.i32.16u [l0]
;;>     brif (cmp.i32.eq t0, 128), b1, b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b3
;;> b2:
;;>     s0 = set.i32 2
;;>     br b3
;;> b3:
;;>     return (s0)
;;> code: func 9 "long_short" (i32) -> (i32), frame 0, 33 bytes
;;>      0  movzx edi, word [rdi]  ; +3 i32.load16_u
;;>      3  cmp edi, 128  ; +10 if
;;>      9  jne 19
;;>      f  mov ebx, 1  ; +14 else
;;>     14  jmp 1e
;;>     19  mov ebx, 2  ; +17 end
;;>     1e  mov eax, ebx  ; +18 end
;;>     20  ret
;;> build: func 10 "again" (i32) -> (i64)
;;> b0:
;;>     l1 = load.i64.64 [l0]
;;>     brif (cmp.i64.eq l1, 0), b1, b2
;;> b1:
;;>     return (7)
;;> b2:
;;>     return (l1)
;;> code: func 10 "again" (i32) -> (i64), frame 0, 22 bytes
;;>      0  mov rbx, qword [rdi]  ; +5 i64.load
;;>      3  test rbx, rbx  ; +11 if
;;>      6  jne 12
;;>      c  mov eax, 7  ; +15 return
;;>     11  ret
;;>     12  mov rax, rbx  ; +19 end
;;>     15  ret
;;> build: func 11 "wide_mask" (i32) -> (i32)
;;> b0:
;;>     t0 = load.i32.8u [l0]
;;>     brif (cmp.i32.eq (and.i32 t0, 257), 0), b1, b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b3
;;> b2:
;;>     s0 = set.i32 2
;;>     br b3
;;> b3:
;;>     return (s0)
;;> code: func 11 "wide_mask" (i32) -> (i32), frame 0, 33 bytes
;;>      0  movzx edi, byte [rdi]  ; +3 i32.load8_u
;;>      3  test edi, 257  ; +11 if
;;>      9  jne 19
;;>      f  mov ebx, 1  ; +15 else
;;>     14  jmp 1e
;;>     19  mov ebx, 2  ; +18 end
;;>     1e  mov eax, ebx  ; +19 end
;;>     20  ret
;;> build: func 12 "between" (i32) -> (i32)
;;> b0:
;;>     t0 = load.i32.8u [l0]
;;>     store.i32.8u [l0], 9
;;>     t1 = cmp.i32.eq t0, 3
;;>     return (t1)
;;> code: func 12 "between" (i32) -> (i32), frame 0, 18 bytes
;;>      0  movzx edx, byte [rdi]  ; +3 i32.load8_u
;;>      3  mov byte [rdi], 9  ; +10 i32.store8
;;>      6  cmp edx, 3  ; +15 i32.eq
;;>      9  sete al
;;>      c  movzx edx, al
;;>      f  mov eax, edx  ; +16 end
;;>     11  ret
