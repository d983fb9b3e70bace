;; A value that was computed just now is tested by the flags that its instruction left (zero_known in
;; engine/x64/emit_int.c); where others may come, or the flags say something else, there is a test.  Then shifts and long
;; constants whose result has a register of its own.
;;! code
(module
  (memory 1)
  (func $difference (param i64 i64) (result i64)
    (if (i64.eqz (local.tee 0 (i64.sub (local.get 0) (local.get 1)))) (then (return (i64.const 7)))) (local.get 0))
  (func $mask (param i64) (result i64)
    (if (i64.ne (local.tee 0 (i64.and (local.get 0) (i64.const 0xf0))) (i64.const 0)) (then (return (i64.const 7)))) (local.get 0))
  (func $lower_half (param i64 i64) (result i64)
    (if (i32.wrap_i64 (local.tee 0 (i64.xor (local.get 0) (local.get 1)))) (then (return (i64.const 7)))) (local.get 0))
  (func $less (param i64 i64) (result i64)
    (if (i64.lt_s (local.tee 0 (i64.sub (local.get 0) (local.get 1))) (i64.const 0)) (then (return (i64.const 7)))) (local.get 0))
  (func $at_a_loop (param i64 i64) (result i64)
    (local.set 0 (i64.sub (local.get 0) (local.get 1)))
    (loop (if (i64.eqz (local.get 0)) (then (return (i64.const 7))))
      (local.set 1 (i64.shr_u (local.get 1) (local.get 0))) (local.set 0 (i64.load (i32.wrap_i64 (local.get 1)))) (br 0))
    unreachable)
  (func $product (param i64 i64) (result i64)
    (if (i64.eqz (local.tee 0 (i64.mul (local.get 0) (local.get 1)))) (then (return (i64.const 7)))) (local.get 0))
  (func $sum_elsewhere (param i64 i64) (result i64) (local i64)
    (if (i64.eqz (local.tee 2 (i64.add (local.get 0) (local.get 1)))) (then (return (local.get 0)))) (i64.sub (local.get 2) (local.get 1)))
  (func $other (param i64 i64) (result i64)
    (local.set 0 (i64.sub (local.get 0) (local.get 1)))
    (if (i64.eqz (local.get 1)) (then (return (i64.const 7)))) (local.get 0))
  (func $scaled (param i64 i32) (result i64) (local i64 i32)
    (local.set 2 (i64.shl (local.get 0) (i64.const 3)))
    (local.set 3 (i32.shl (local.get 1) (i32.const 2)))
    (i64.mul (i64.mul (local.get 0) (local.get 2)) (i64.extend_i32_u (i32.mul (local.get 1) (local.get 3)))))
  (func $not_scaled (param i64) (result i64) (local i64)
    (local.set 1 (i64.shl (local.get 0) (i64.const 4)))
    (i64.mul (i64.shl (local.get 0) (i64.const 3)) (local.get 1)))
  (func $long (param i64) (result i64) (local i64)
    (local.set 1 (i64.and (local.get 0) (i64.const 0x8080808080808080)))
    (i64.mul (local.get 0) (local.get 1)))
  (func $long_in_place (param i64) (result i64)
    (i64.sub (i64.const 1) (i64.sub (i64.and (local.get 0) (i64.const 0x8080808080808080)) (i64.const 0x101010101010101))))
  (func $constant (result i64) (i64.extend_i32_s (i32.const -3))))
;;> code: func 0 "difference" (i64 i64) -> (i64), frame 0, 22 bytes
;;>      0  mov rbx, rdi  ; +5 i64.sub
;;>      3  sub rbx, rsi
;;>      6  jne 12  ; +9 if
;;>      c  mov eax, 7  ; +13 return
;;>     11  ret
;;>     12  mov rax, rbx  ; +17 end
;;>     15  ret
;;> code: func 1 "mask" (i64) -> (i64), frame 0, 24 bytes
;;>      0  mov ebx, edi  ; +6 i64.and
;;>      2  and ebx, 240
;;>      8  je 14  ; +12 if
;;>      e  mov eax, 7  ; +16 return
;;>     13  ret
;;>     14  mov rax, rbx  ; +20 end
;;>     17  ret
;;> code: func 2 "lower_half" (i64 i64) -> (i64), frame 0, 24 bytes
;;>      0  mov rbx, rdi  ; +5 i64.xor
;;>      3  xor rbx, rsi
;;>      6  test ebx, ebx  ; +9 if
;;>      8  je 14
;;>      e  mov eax, 7  ; +13 return
;;>     13  ret
;;>     14  mov rax, rbx  ; +17 end
;;>     17  ret
;;> code: func 3 "less" (i64 i64) -> (i64), frame 0, 25 bytes
;;>      0  mov rbx, rdi  ; +5 i64.sub
;;>      3  sub rbx, rsi
;;>      6  test rbx, rbx  ; +11 if
;;>      9  jge 15
;;>      f  mov eax, 7  ; +15 return
;;>     14  ret
;;>     15  mov rax, rbx  ; +19 end
;;>     18  ret
;;> code: func 4 "at_a_loop" (i64 i64) -> (i64), frame 0, 32 bytes
;;>      0  mov rbx, rdi  ; +5 i64.sub
;;>      3  sub rbx, rsi
;;>      6  test rbx, rbx  ; +13 if
;;>      9  jne 15
;;>      f  mov eax, 7  ; +17 return
;;>     14  ret
;;>     15  shrx rsi, rsi, rbx  ; +23 i64.shr_u
;;>     1a  mov rbx, qword [esi]  ; +29 i64.load
;;>     1e  jmp 6  ; +34 br
;;> code: func 5 "product" (i64 i64) -> (i64), frame 0, 26 bytes
;;>      0  mov rbx, rdi  ; +5 i64.mul
;;>      3  imul rbx, rsi
;;>      7  test rbx, rbx  ; +9 if
;;>      a  jne 16
;;>     10  mov eax, 7  ; +13 return
;;>     15  ret
;;>     16  mov rax, rbx  ; +17 end
;;>     19  ret
;;> code: func 6 "sum_elsewhere" (i64 i64) -> (i64), frame 0, 24 bytes
;;>      0  lea rbx, qword [rdi + rsi * 1]  ; +7 i64.add
;;>      4  test rbx, rbx  ; +11 if
;;>      7  jne 11
;;>      d  mov rax, rdi  ; +15 return
;;>     10  ret
;;>     11  sub rbx, rsi  ; +21 i64.sub
;;>     14  mov rax, rbx  ; +22 end
;;>     17  ret
;;> code: func 7 "other" (i64 i64) -> (i64), frame 0, 25 bytes
;;>      0  mov rbx, rdi  ; +5 i64.sub
;;>      3  sub rbx, rsi
;;>      6  test rsi, rsi  ; +11 if
;;>      9  jne 15
;;>      f  mov eax, 7  ; +15 return
;;>     14  ret
;;>     15  mov rax, rbx  ; +19 end
;;>     18  ret
;;> code: func 8 "scaled" (i64 i32) -> (i64), frame 0, 30 bytes
;;>      0  lea rbp, qword [rdi * 8]  ; +9 i64.shl
;;>      8  lea ebx, dword [rsi * 4]  ; +16 i32.shl
;;>      f  imul rdi, rbp  ; +23 i64.mul
;;>     13  imul esi, ebx  ; +28 i32.mul
;;>     16  imul rdi, rsi  ; +30 i64.mul
;;>     1a  mov rax, rdi  ; +31 end
;;>     1d  ret
;;> code: func 9 "not_scaled" (i64) -> (i64), frame 0, 19 bytes
;;>      0  mov rbx, rdi  ; +7 i64.shl
;;>      3  shl rbx, 4
;;>      7  shl rdi, 3  ; +14 i64.shl
;;>      b  imul rdi, rbx  ; +17 i64.mul
;;>      f  mov rax, rdi  ; +18 end
;;>     12  ret
;;> code: func 10 "long" (i64) -> (i64), frame 0, 21 bytes
;;>      0  mov rbx, 0x8080808080808080  ; +16 i64.and
;;>      a  and rbx, rdi
;;>      d  imul rdi, rbx  ; +23 i64.mul
;;>     11  mov rax, rdi  ; +24 end
;;>     14  ret
;;> code: func 11 "long_in_place" (i64) -> (i64), frame 0, 38 bytes
;;>      0  mov rcx, 0x8080808080808080  ; +16 i64.and
;;>      a  and rdi, rcx
;;>      d  mov rcx, 0x101010101010101  ; +27 i64.sub
;;>     17  sub rdi, rcx
;;>     1a  mov edx, 1  ; +28 i64.sub
;;>     1f  sub rdx, rdi
;;>     22  mov rax, rdx  ; +29 end
;;>     25  ret
;;> code: func 12 "constant" () -> (i64), frame 0, 8 bytes
;;>      0  mov rax, -3  ; +4 end
;;>      7  ret
