;; memory.copy and memory.fill: few constant bytes in line, all else by a stub that is no call to C; what lives over
;; them keeps its register.
;;! build,code 0 1 2 3 4
;;! code 5 6 7 8 9 10 11 12
(module
  (memory 1) (memory 1)
  (func $copy_40 (param i64 i64)
    (memory.copy (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (local.get 1)) (i32.const 40)))
  (func $copy_5 (param i32 i32)
    (memory.copy (local.get 0) (local.get 1) (i32.const 5)))
  (func $clear_24 (param i32)
    (memory.fill (local.get 0) (i32.const 0) (i32.const 24)))
  (func $copy (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func $alive (param i32 i32 i32 i64 f64) (result f64)
    (memory.fill (local.get 2) (local.get 1) (local.get 0))
    (f64.add (f64.convert_i64_s (local.get 3)) (local.get 4)))
  (func $fill_100 (param i32)
    (memory.fill (local.get 0) (i32.const 0x1ab) (i32.const 100)))
  ;; Without bytes: the address is checked nevertheless.
  (func $none (param i32)
    (memory.fill (local.get 0) (i32.const 0) (i32.const 0)))
  (func $other_memories (param i32)
    (memory.copy 1 0 (local.get 0) (i32.const 8) (i32.const 16)))
  (func $swapped (param i32 i32)
    (memory.copy (local.get 1) (local.get 0) (i32.const 65)))
  ;; As many bytes as are done in line at most, and one more ($swapped).
  (func $copy_64 (param i32 i32)
    (memory.copy (local.get 0) (local.get 1) (i32.const 64)))
  (func $fill_128 (param i32)
    (memory.fill (local.get 0) (i32.const 0) (i32.const 128)))
  (func $fill_129 (param i32)
    (memory.fill (local.get 0) (i32.const 0) (i32.const 129)))
  ;; As many words as go by general registers.
  (func $copy_32 (param i32 i32)
    (memory.copy (local.get 0) (local.get 1) (i32.const 32))))
;;> build: func 0 "copy_40" (i64 i64) -> ()
;;> b0:
;;>     memcopy lo(l0), lo(l1), 40
;;>     return ()
;;> code: func 0 "copy_40" (i64 i64) -> (), frame 0, 37 bytes
;;>      0  mov edi, edi  ; +9 memory.copy
;;>      2  mov esi, esi
;;>      4  movzx eax, byte [rdi + 39]
;;>      8  movups xmm12, [rsi]
;;>      c  movups xmm13, [rsi + 16]
;;>     11  movups xmm14, [rsi + 24]
;;>     16  movups [rdi], xmm12
;;>     1a  movups [rdi + 16], xmm13
;;>     1f  movups [rdi + 24], xmm14
;;>     24  ret  ; +13 end
;;> build: func 1 "copy_5" (i32 i32) -> ()
;;> b0:
;;>     memcopy l0, l1, 5
;;>     return ()
;;> code: func 1 "copy_5" (i32 i32) -> (), frame 0, 15 bytes
;;>      0  movzx eax, byte [rdi + 4]  ; +7 memory.copy
;;>      4  mov eax, dword [rsi]
;;>      6  mov ecx, dword [rsi + 1]
;;>      9  mov dword [rdi], eax
;;>      b  mov dword [rdi + 1], ecx
;;>      e  ret  ; +11 end
;;> build: func 2 "clear_24" (i32) -> ()
;;> b0:
;;>     memfill l0, 0, 24
;;>     return ()
;;> code: func 2 "clear_24" (i32) -> (), frame 0, 18 bytes
;;>      0  movzx eax, byte [rdi + 23]  ; +7 memory.fill
;;>      4  xor eax, eax
;;>      6  mov qword [rdi], rax
;;>      9  mov qword [rdi + 8], rax
;;>      d  mov qword [rdi + 16], rax
;;>     11  ret  ; +10 end
;;> build: func 3 "copy" (i32 i32 i32) -> ()
;;> b0:
;;>     memcopy l0, l1, l2
;;>     return ()
;;> code: func 3 "copy" (i32 i32 i32) -> (), frame 0, 55 bytes
;;>      0  mov rbx, rdx  ; start
;;>      3  mov edx, ebx  ; +7 memory.copy
;;>      5  lea rax, qword [rdi + rdx * 1]
;;>      9  cmp rax, [memory 0 bytes]
;;>     10  ja 2d
;;>     16  lea rax, qword [rsi + rdx * 1]
;;>     1a  cmp rax, [memory 0 bytes]
;;>     21  ja 32
;;>     27  call stub: copy
;;>     2c  ret  ; +11 end
;;>     2d  call trap: out of bounds memory access  ; +7 memory.copy
;;>     32  call trap: out of bounds memory access
;;> build: func 4 "alive" (i32 i32 i32 i64 f64) -> (f64)
;;> b0:
;;>     memfill l2, l1, l0
;;>     t0 = itof.f64.i64_s l3
;;>     t1 = fadd.f64 t0, l4
;;>     return (t1)
;;> code: func 4 "alive" (i32 i32 i32 i64 f64) -> (f64), frame 0, 53 bytes
;;>      0  mov rbx, rdx  ; start
;;>      3  mov edx, edi  ; +7 memory.fill
;;>      5  mov edi, ebx
;;>      7  lea rax, qword [rdi + rdx * 1]
;;>      b  cmp rax, [memory 0 bytes]
;;>     12  ja 30
;;>     18  call stub: fill
;;>     1d  xorps xmm13, xmm13  ; +12 f64.convert_i64_s
;;>     21  cvtsi2sd xmm13, r8
;;>     26  addsd xmm13, xmm0  ; +15 f64.add
;;>     2b  movaps xmm0, xmm13  ; +16 end
;;>     2f  ret
;;>     30  call trap: out of bounds memory access  ; +7 memory.fill
;;> code: func 5 "fill_100" (i32) -> (), frame 0, 64 bytes
;;>      0  movzx eax, byte [rdi + 99]  ; +9 memory.fill
;;>      4  movaps xmm15, [30]
;;>      c  movups [rdi], xmm15
;;>     10  movups [rdi + 16], xmm15
;;>     15  movups [rdi + 32], xmm15
;;>     1a  movups [rdi + 48], xmm15
;;>     1f  movups [rdi + 64], xmm15
;;>     24  movups [rdi + 80], xmm15
;;>     29  movups [rdi + 84], xmm15
;;>     2e  ret  ; +12 end
;;>     2f  bytes cc
;;>     30  bytes ab ab ab ab ab ab ab ab
;;>     38  bytes ab ab ab ab ab ab ab ab
;;> code: func 6 "none" (i32) -> (), frame 0, 38 bytes
;;>      0  mov esi, 0  ; +7 memory.fill
;;>      5  mov edx, 0
;;>      a  lea rax, qword [rdi + rdx * 1]
;;>      e  cmp rax, [memory 0 bytes]
;;>     15  ja 21
;;>     1b  call stub: fill
;;>     20  ret  ; +10 end
;;>     21  call trap: out of bounds memory access  ; +7 memory.fill
;;> code: func 7 "other_memories" (i32) -> (), frame 0, 67 bytes
;;>      0  mov esi, 8  ; +7 memory.copy
;;>      5  mov edx, 16
;;>      a  lea rax, qword [rdi + rdx * 1]
;;>      e  cmp rax, [memory 1 bytes]
;;>     15  ja 39
;;>     1b  lea rax, qword [rsi + rdx * 1]
;;>     1f  cmp rax, [memory 0 bytes]
;;>     26  ja 3e
;;>     2c  add rdi, [memory 1 base]
;;>     33  call stub: copy
;;>     38  ret  ; +11 end
;;>     39  call trap: out of bounds memory access  ; +7 memory.copy
;;>     3e  call trap: out of bounds memory access
;;> code: func 8 "swapped" (i32 i32) -> (), frame 0, 62 bytes
;;>      0  mov edx, 65  ; +8 memory.copy
;;>      5  mov rax, rdi
;;>      8  mov edi, esi
;;>      a  mov esi, eax
;;>      c  lea rax, qword [rdi + rdx * 1]
;;>     10  cmp rax, [memory 0 bytes]
;;>     17  ja 34
;;>     1d  lea rax, qword [rsi + rdx * 1]
;;>     21  cmp rax, [memory 0 bytes]
;;>     28  ja 39
;;>     2e  call stub: copy
;;>     33  ret  ; +12 end
;;>     34  call trap: out of bounds memory access  ; +8 memory.copy
;;>     39  call trap: out of bounds memory access
;;> code: func 9 "copy_64" (i32 i32) -> (), frame 0, 43 bytes
;;>      0  movzx eax, byte [rdi + 63]  ; +8 memory.copy
;;>      4  movups xmm12, [rsi]
;;>      8  movups xmm13, [rsi + 16]
;;>      d  movups xmm14, [rsi + 32]
;;>     12  movups xmm15, [rsi + 48]
;;>     17  movups [rdi], xmm12
;;>     1b  movups [rdi + 16], xmm13
;;>     20  movups [rdi + 32], xmm14
;;>     25  movups [rdi + 48], xmm15
;;>     2a  ret  ; +12 end
;;> code: func 10 "fill_128" (i32) -> (), frame 0, 48 bytes
;;>      0  movzx eax, byte [rdi + 127]  ; +8 memory.fill
;;>      4  xorps xmm15, xmm15
;;>      8  movups [rdi], xmm15
;;>      c  movups [rdi + 16], xmm15
;;>     11  movups [rdi + 32], xmm15
;;>     16  movups [rdi + 48], xmm15
;;>     1b  movups [rdi + 64], xmm15
;;>     20  movups [rdi + 80], xmm15
;;>     25  movups [rdi + 96], xmm15
;;>     2a  movups [rdi + 112], xmm15
;;>     2f  ret  ; +11 end
;;> code: func 11 "fill_129" (i32) -> (), frame 0, 38 bytes
;;>      0  mov esi, 0  ; +8 memory.fill
;;>      5  mov edx, 129
;;>      a  lea rax, qword [rdi + rdx * 1]
;;>      e  cmp rax, [memory 0 bytes]
;;>     15  ja 21
;;>     1b  call stub: fill
;;>     20  ret  ; +11 end
;;>     21  call trap: out of bounds memory access  ; +8 memory.fill
;;> code: func 12 "copy_32" (i32 i32) -> (), frame 0, 35 bytes
;;>      0  movzx eax, byte [rdi + 31]  ; +7 memory.copy
;;>      4  mov rax, qword [rsi]
;;>      7  mov rcx, qword [rsi + 8]
;;>      b  mov rdx, qword [rsi + 16]
;;>      f  mov rsi, qword [rsi + 24]
;;>     13  mov qword [rdi], rax
;;>     16  mov qword [rdi + 8], rcx
;;>     1a  mov qword [rdi + 16], rdx
;;>     1e  mov qword [rdi + 24], rsi
;;>     22  ret  ; +11 end
