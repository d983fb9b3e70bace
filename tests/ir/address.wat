;; Sums that an access computes itself: base + index << k + constant, modulo 2^32, at offset 0 alone.
;;! build,code 0 1 2 3
;;! code 4 5 6 7 8 9
;;! build,code 10 11 12 13 14 15 16 17 18
(module
  (memory 1)
  (memory 1)
  (global $sp (mut i32) (i32.const 0))
  (func $base_and_constant (param i64) (result i64)
    (i64.load (i32.wrap_i64 (i64.add (local.get 0) (i64.const 24)))))
  (func $base_and_index (param i64 i64) (result i64)
    (i64.load (i32.wrap_i64 (i64.add (local.get 0) (i64.shl (local.get 1) (i64.const 3))))))
  (func $all_three (param i64 i64) (result i64)
    (i64.load
      (i32.wrap_i64 (i64.add (i64.add (local.get 0) (i64.shl (local.get 1) (i64.const 3))) (i64.const -8)))))
  (func $store (param i64 i64 i64)
    (i64.store (i32.wrap_i64 (i64.add (local.get 0) (i64.shl (local.get 1) (i64.const 2)))) (local.get 2)))
  ;; Not folded: an offset must trap where a sum wraps; another memory has a base; a shift by 4 is no scale.
  (func $offset (param i64) (result i64)
    (i64.load offset=8 (i32.wrap_i64 (i64.add (local.get 0) (i64.const 24)))))
  (func $memory_1 (param i64) (result i64)
    (i64.load 1 (i32.wrap_i64 (i64.add (local.get 0) (i64.const 24)))))
  (func $shift_4 (param i64 i64) (result i64)
    (i64.load (i32.wrap_i64 (i64.add (local.get 0) (i64.shl (local.get 1) (i64.const 4))))))
  ;; The local is written between the sum and the access: the sum stands where it stood.
  (func $written_between (param i32) (result i32)
    (i32.load (i32.add (local.get 0) (block (result i32) (i32.const 4))))
    (i32.load (i32.add (local.get 0) (i32.const 8)))
    (i32.add (local.get 0) (i32.const 12))
    (local.set 0 (i32.const 0))
    (i32.load)
    (i32.add)
    (i32.add))
  ;; A loaded index is no memory operand of the sum any more.
  (func $loaded_index (param i32) (result i32)
    (i32.load (i32.add (local.get 0) (i32.load (local.get 0)))))
  ;; A pinned global may change in the call.
  (func $global_over_a_call (param i32) (result i32)
    (i32.add (global.get $sp) (i32.const 8))
    (call $store (i64.const 0) (i64.const 0) (i64.const 0))
    (i32.load))
  ;; A sum that is no address: lea, whichever side the shift is on, and where only the lower half is wanted.
  (func $scaled (param i64 i64) (result i64)
    (i64.add (local.get 0) (i64.shl (local.get 1) (i64.const 3))))
  (func $scaled_left (param i32 i32) (result i32)
    (i32.add (i32.shl (local.get 1) (i32.const 1)) (local.get 0)))
  (func $scaled_narrow (param i64 i64) (result i32)
    (i32.wrap_i64 (i64.add (local.get 0) (i64.shl (local.get 1) (i64.const 2)))))
  ;; Such a sum is an address, too, or a part of one.
  (func $scaled_kept (param i64 i64) (result i64) (local i64)
    (local.set 2 (i64.add (local.get 0) (i64.shl (local.get 1) (i64.const 3))))
    (i64.add (i64.load (i32.wrap_i64 (local.get 2))) (i64.load offset=8 (i32.wrap_i64 (local.get 2)))))
  ;; Not by 4 or 0; not a shift of 32 bits in a sum of 64; not where the index is written between.
  (func $scaled_4 (param i64 i64) (result i64)
    (i64.add (local.get 0) (i64.shl (local.get 1) (i64.const 4))))
  (func $scaled_0 (param i64 i64) (result i64)
    (i64.add (local.get 0) (i64.shl (local.get 1) (i64.const 0))))
  (func $scaled_32 (param i64 i32) (result i64)
    (i64.add (local.get 0) (i64.extend_i32_u (i32.shl (local.get 1) (i32.const 3)))))
  (func $scaled_written (param i64 i64) (result i64)
    (i64.shl (local.get 1) (i64.const 3))
    (local.set 1 (i64.const 5))
    (i64.add (local.get 0)))
  ;; Nor is the sum the access's where its index is written between them.
  (func $sum_written (param i32 i32) (result i32)
    (i32.add (local.get 0) (i32.shl (local.get 1) (i32.const 2)))
    (local.set 1 (i32.const 5))
    (i32.load)
    (i32.add (local.get 1))))
;;> build: func 0 "base_and_constant" (i64) -> (i64)
;;> b0:
;;>     t1 = load.i64.64 [(add.i32 l0, 24)]
;;>     return (t1)
;;> code: func 0 "base_and_constant" (i64) -> (i64), frame 0, 9 bytes
;;>      0  mov rdx, qword [edi + 24]  ; +7 i64.load
;;>      5  mov rax, rdx  ; +10 end
;;>      8  ret
;;> build: func 1 "base_and_index" (i64 i64) -> (i64)
;;> b0:
;;>     t2 = load.i64.64 [(add.i32 l0, (shl.i64 l1, 3))]
;;>     return (t2)
;;> code: func 1 "base_and_index" (i64 i64) -> (i64), frame 0, 9 bytes
;;>      0  mov rdx, qword [edi + esi * 8]  ; +10 i64.load
;;>      5  mov rax, rdx  ; +13 end
;;>      8  ret
;;> build: func 2 "all_three" (i64 i64) -> (i64)
;;> b0:
;;>     t3 = load.i64.64 [(add.i32 (add.i64 l0, (shl.i64 l1, 3)), -8)]
;;>     return (t3)
;;> code: func 2 "all_three" (i64 i64) -> (i64), frame 0, 10 bytes
;;>      0  mov rdx, qword [edi + esi * 8 - 8]  ; +13 i64.load
;;>      6  mov rax, rdx  ; +16 end
;;>      9  ret
;;> build: func 3 "store" (i64 i64 i64) -> ()
;;> b0:
;;>     store.i64.64 [(add.i32 l0, (shl.i64 l1, 2))], l2
;;>     return ()
;;> code: func 3 "store" (i64 i64 i64) -> (), frame 0, 9 bytes
;;>      0  mov rbx, rdx  ; start
;;>      3  mov qword [edi + esi * 4], rbx  ; +12 i64.store
;;>      8  ret  ; +15 end
;;> code: func 4 "offset" (i64) -> (i64), frame 0, 11 bytes
;;>      0  add edi, 24  ; +5 i64.add
;;>      3  mov rdi, qword [rdi + 8]  ; +7 i64.load
;;>      7  mov rax, rdi  ; +10 end
;;>      a  ret
;;> code: func 5 "memory_1" (i64) -> (i64), frame 0, 20 bytes
;;>      0  add edi, 24  ; +5 i64.add
;;>      3  mov rcx, rdi  ; +7 i64.load
;;>      6  add rcx, [memory 1 base]
;;>      d  mov rdi, qword [rcx]
;;>     10  mov rax, rdi  ; +11 end
;;>     13  ret
;;> code: func 6 "shift_4" (i64 i64) -> (i64), frame 0, 13 bytes
;;>      0  shl rsi, 4  ; +7 i64.shl
;;>      4  mov rdx, qword [edi + esi * 1]  ; +10 i64.load
;;>      9  mov rax, rdx  ; +13 end
;;>      c  ret
;;> code: func 7 "written_between" (i32) -> (i32), frame 0, 23 bytes
;;>      0  mov ebx, edi  ; +3 block
;;>      2  mov edx, dword [ebx + 4]  ; +9 i32.load
;;>      6  mov r14d, dword [edi + 8]  ; +17 i32.load
;;>      b  add edi, 12  ; +24 i32.add
;;>      e  add r14d, dword [rdi]  ; +29 i32.load
;;>     11  add edx, r14d  ; +33 i32.add
;;>     14  mov eax, edx  ; +34 end
;;>     16  ret
;;> code: func 8 "loaded_index" (i32) -> (i32), frame 0, 9 bytes
;;>      0  mov edx, dword [rdi]  ; +5 i32.load
;;>      2  mov edx, dword [edi + edx * 1]  ; +9 i32.load
;;>      6  mov eax, edx  ; +12 end
;;>      8  ret
;;> code: func 9 "global_over_a_call" (i32) -> (i32), frame 8, 44 bytes
;;>      0  sub rsp, 8  ; start
;;>      4  lea eax, dword [r15 + 8]  ; +5 i32.add
;;>      8  mov qword [rsp], rax
;;>      c  mov edi, 0  ; +12 call
;;>     11  mov esi, 0
;;>     16  mov edx, 0
;;>     1b  call func 3 "store"
;;>     20  mov ecx, dword [rsp]  ; +14 i32.load
;;>     23  mov edx, dword [rcx]
;;>     25  mov eax, edx  ; +17 end
;;>     27  add rsp, 8
;;>     2b  ret
;;> build: func 10 "scaled" (i64 i64) -> (i64)
;;> b0:
;;>     t1 = add.i64 l0, (shl.i64 l1, 3)
;;>     return (t1)
;;> code: func 10 "scaled" (i64 i64) -> (i64), frame 0, 8 bytes
;;>      0  lea rdi, qword [rdi + rsi * 8]  ; +8 i64.add
;;>      4  mov rax, rdi  ; +9 end
;;>      7  ret
;;> build: func 11 "scaled_left" (i32 i32) -> (i32)
;;> b0:
;;>     t1 = add.i32 l0, (shl.i32 l1, 1)
;;>     return (t1)
;;> code: func 11 "scaled_left" (i32 i32) -> (i32), frame 0, 6 bytes
;;>      0  lea edi, dword [rdi + rsi * 2]  ; +8 i32.add
;;>      3  mov eax, edi  ; +9 end
;;>      5  ret
;;> build: func 12 "scaled_narrow" (i64 i64) -> (i32)
;;> b0:
;;>     t1 = add.i32 l0, (shl.i64 l1, 2)
;;>     return (t1)
;;> code: func 12 "scaled_narrow" (i64 i64) -> (i32), frame 0, 6 bytes
;;>      0  lea edi, dword [rdi + rsi * 4]  ; +8 i64.add
;;>      3  mov eax, edi  ; +10 end
;;>      5  ret
;;> build: func 13 "scaled_kept" (i64 i64) -> (i64)
;;> b0:
;;>     l2 = add.i64 l0, (shl.i64 l1, 3)
;;>     t2 = load.i64.64 [lo(l2)]
;;>     low2 = zext.i64 l2
;;>     t4 = add.i64 t2, (load.i64.64 [low2 + 8])
;;>     return (t4)
;;> code: func 13 "scaled_kept" (i64 i64) -> (i64), frame 0, 18 bytes
;;>      0  lea rbx, qword [rdi + rsi * 8]  ; +10 i64.add
;;>      4  mov rdx, qword [ebx]  ; +16 i64.load
;;>      8  mov ecx, ebx  ; +25 i64.add
;;>      a  add rdx, qword [rcx + 8]  ; +22 i64.load
;;>      e  mov rax, rdx  ; +26 end
;;>     11  ret
;;> build: func 14 "scaled_4" (i64 i64) -> (i64)
;;> b0:
;;>     t0 = shl.i64 l1, 4
;;>     t1 = add.i64 l0, t0
;;>     return (t1)
;;> code: func 14 "scaled_4" (i64 i64) -> (i64), frame 0, 11 bytes
;;>      0  shl rsi, 4  ; +7 i64.shl
;;>      4  add rdi, rsi  ; +8 i64.add
;;>      7  mov rax, rdi  ; +9 end
;;>      a  ret
;;> build: func 15 "scaled_0" (i64 i64) -> (i64)
;;> b0:
;;>     t0 = shl.i64 l1, 0
;;>     t1 = add.i64 l0, t0
;;>     return (t1)
;;> code: func 15 "scaled_0" (i64 i64) -> (i64), frame 0, 7 bytes
;;>      0  add rdi, rsi  ; +8 i64.add
;;>      3  mov rax, rdi  ; +9 end
;;>      6  ret
;;> build: func 16 "scaled_32" (i64 i32) -> (i64)
;;> b0:
;;>     t0 = shl.i32 l1, 3
;;>     t1 = add.i64 l0, t0
;;>     return (t1)
;;> code: func 16 "scaled_32" (i64 i32) -> (i64), frame 0, 10 bytes
;;>      0  shl esi, 3  ; +7 i32.shl
;;>      3  add rdi, rsi  ; +9 i64.add
;;>      6  mov rax, rdi  ; +10 end
;;>      9  ret
;;> build: func 17 "scaled_written" (i64 i64) -> (i64)
;;> b0:
;;>     t0 = shl.i64 l1, 3
;;>     l1 = set.i64 5
;;>     t1 = add.i64 t0, l0
;;>     return (t1)
;;> code: func 17 "scaled_written" (i64 i64) -> (i64), frame 0, 11 bytes
;;>      0  shl rsi, 3  ; +5 i64.shl
;;>      4  add rsi, rdi  ; +12 i64.add
;;>      7  mov rax, rsi  ; +13 end
;;>      a  ret
;;> build: func 18 "sum_written" (i32 i32) -> (i32)
;;> b0:
;;>     t1 = add.i32 l0, (shl.i32 l1, 2)
;;>     l1 = set.i32 5
;;>     t3 = add.i32 l1, (load.i32.32u [t1])
;;>     return (t3)
;;> code: func 18 "sum_written" (i32 i32) -> (i32), frame 0, 13 bytes
;;>      0  lea edi, dword [rdi + rsi * 4]  ; +8 i32.add
;;>      3  mov ebx, 5  ; +11 local.set
;;>      8  add ebx, dword [rdi]  ; +13 i32.load
;;>      a  mov eax, ebx  ; +19 end
;;>      c  ret
