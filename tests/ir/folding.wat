;; Loads as memory operands, constants, wraps and extensions that cost nothing, a copy of a local before it changes.
;;! build,code
(module
  (memory 1)
  (func $load_as_operand (param i32 i64) (result i64)
    (i64.add (local.get 1) (i64.load offset=8 (local.get 0))))
  (func $load_on_the_left (param i32 i32) (result i32)
    (i32.mul (i32.load (local.get 0)) (local.get 1)))
  (func $not_two_loads (param i32) (result i32)
    (i32.add (i32.load (local.get 0)) (i32.load offset=4 (local.get 0))))
  (func $narrow_load_is_none (param i32 i32) (result i32)
    (i32.add (local.get 1) (i32.load8_u (local.get 0))))
  (func $wrap_narrows (param i64 i64) (result i32)
    (i32.wrap_i64 (i64.add (local.get 0) (local.get 1))))
  (func $wrap_of_a_shift (param i64) (result i32)
    (i32.add
      (i32.wrap_i64 (i64.shl (local.get 0) (i64.const 3)))
      (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 3)))))
  (func $extend_of_a_narrow_value (param i32) (result i64)
    (i64.extend_i32_u (local.get 0)))
  (func $extend_after_wrap (param i64) (result i64)
    (i64.extend_i32_u (i32.wrap_i64 (local.get 0))))
  (func $constants (param i32) (result i32)
    (i32.add (i32.const 5) (local.get 0)) (i32.wrap_i64 (i64.const 0x100000007)) i32.sub)
  (func $read_before_write (param i32) (result i32)
    (local.get 0) (local.set 0 (i32.const 1)) (i32.add (local.get 0))))
;;> build: func 0 "load_as_operand" (i32 i64) -> (i64)
;;> b0:
;;>     t1 = add.i64 l1, (load.i64.64 [l0 + 8])
;;>     return (t1)
;;> code: func 0 "load_as_operand" (i32 i64) -> (i64), frame 0, 8 bytes
;;>      0  add rsi, qword [rdi + 8]  ; +5 i64.load
;;>      4  mov rax, rsi  ; +9 end
;;>      7  ret
;;> build: func 1 "load_on_the_left" (i32 i32) -> (i32)
;;> b0:
;;>     t1 = mul.i32 l1, (load.i32.32u [l0])
;;>     return (t1)
;;> code: func 1 "load_on_the_left" (i32 i32) -> (i32), frame 0, 6 bytes
;;>      0  imul esi, dword [rdi]  ; +3 i32.load
;;>      3  mov eax, esi  ; +9 end
;;>      5  ret
;;> build: func 2 "not_two_loads" (i32) -> (i32)
;;> b0:
;;>     t0 = load.i32.32u [l0]
;;>     t2 = add.i32 t0, (load.i32.32u [l0 + 4])
;;>     return (t2)
;;> code: func 2 "not_two_loads" (i32) -> (i32), frame 0, 8 bytes
;;>      0  mov edx, dword [rdi]  ; +3 i32.load
;;>      2  add edx, dword [rdi + 4]  ; +8 i32.load
;;>      5  mov eax, edx  ; +12 end
;;>      7  ret
;;> build: func 3 "narrow_load_is_none" (i32 i32) -> (i32)
;;> b0:
;;>     t0 = load.i32.8u [l0]
;;>     t1 = add.i32 l1, t0
;;>     return (t1)
;;> code: func 3 "narrow_load_is_none" (i32 i32) -> (i32), frame 0, 8 bytes
;;>      0  movzx edi, byte [rdi]  ; +5 i32.load8_u
;;>      3  add esi, edi  ; +8 i32.add
;;>      5  mov eax, esi  ; +9 end
;;>      7  ret
;;> build: func 4 "wrap_narrows" (i64 i64) -> (i32)
;;> b0:
;;>     t0 = add.i32 l0, l1
;;>     return (t0)
;;> code: func 4 "wrap_narrows" (i64 i64) -> (i32), frame 0, 5 bytes
;;>      0  add edi, esi  ; +5 i64.add
;;>      2  mov eax, edi  ; +7 end
;;>      4  ret
;;> build: func 5 "wrap_of_a_shift" (i64) -> (i32)
;;> b0:
;;>     t1 = shr.i64 l0, 3
;;>     t2 = add.i32 lo(t1), (shl.i32 l0, 3)
;;>     return (t2)
;;> code: func 5 "wrap_of_a_shift" (i64) -> (i32), frame 0, 13 bytes
;;>      0  mov rdx, rdi  ; +11 i64.shr_u
;;>      3  shr rdx, 3
;;>      7  lea edx, dword [rdx + rdi * 8]  ; +13 i32.add
;;>      a  mov eax, edx  ; +14 end
;;>      c  ret
;;> build: func 6 "extend_of_a_narrow_value" (i32) -> (i64)
;;> b0:
;;>     return (l0)
;;> code: func 6 "extend_of_a_narrow_value" (i32) -> (i64), frame 0, 4 bytes
;;>      0  mov rax, rdi  ; +4 end
;;>      3  ret
;;> build: func 7 "extend_after_wrap" (i64) -> (i64)
;;> b0:
;;>     t0 = zext.i64 lo(l0)
;;>     return (t0)
;;> code: func 7 "extend_after_wrap" (i64) -> (i64), frame 0, 6 bytes
;;>      0  mov edi, edi  ; +4 i64.extend_i32_u
;;>      2  mov rax, rdi  ; +5 end
;;>      5  ret
;;> build: func 8 "constants" (i32) -> (i32)
;;> b0:
;;>     t0 = add.i32 l0, 5
;;>     t1 = sub.i32 t0, 7
;;>     return (t1)
;;> code: func 8 "constants" (i32) -> (i32), frame 0, 9 bytes
;;>      0  add edi, 5  ; +5 i32.add
;;>      3  sub edi, 7  ; +13 i32.sub
;;>      6  mov eax, edi  ; +14 end
;;>      8  ret
;;> build: func 9 "read_before_write" (i32) -> (i32)
;;> b0:
;;>     t0 = copy.i32 l0
;;>     l0 = set.i32 1
;;>     t1 = add.i32 t0, l0
;;>     return (t1)
;;> code: func 9 "read_before_write" (i32) -> (i32), frame 0, 10 bytes
;;>      0  mov ebx, 1  ; +5 local.set
;;>      5  add edi, ebx  ; +9 i32.add
;;>      7  mov eax, edi  ; +10 end
;;>      9  ret
