;; Arguments in registers and on the stack, several results, calls through a table, what lives over a call, tail calls.
;;! flow,color,code
(module
  (type $two (func (param i32 i32) (result i32)))
  (table 4 funcref)
  (elem (i32.const 0) $swap)
  (memory 1)
  (func $many (param i32 i64 f32 f64 i32 i64 i32 i64 i32) (result i64) (local.get 7))
  (func $pair (param i32) (result i32 i64) (local.get 0) (i64.const 7))
  (func $swap (type $two) (call_indirect (type $two) (local.get 1) (local.get 0) (i32.const 0)))
  (func $spread (param i32) (result i64)
    (call $many (local.get 0) (i64.const 1) (f32.const 1.5) (f64.const -2) (i32.const 4) (i64.const 5) (i32.const 6)
      (i64.const 7) (i32.const 8)))
  (func $results (param i32) (result i64)
    (local $x i64)
    (call $pair (local.get 0)) (local.set $x) (drop) (local.get $x))
  (func $over (param $a i32) (result i32)
    (i32.add
      (i32.add (call $swap (local.get $a) (local.get $a)) (call $swap (i32.const 1) (local.get $a)))
      (local.get $a)))
  (func $dropped (param i32) (drop (call $swap (local.get 0) (i32.const 2))))
  (func $tail (type $two) (return_call $swap (local.get 1) (local.get 0)))
  (func $tail_indirect (type $two) (return_call_indirect (type $two) (local.get 1) (local.get 0) (i32.const 0)))
  (func $runtime (param i32) (result i32)
    (memory.fill (i32.const 0) (local.get 0) (i32.const 64))
    (memory.grow (local.get 0))))
;;> flow: func 0 "many" (i32 i64 f32 f64 i32 i64 i32 i64 i32) -> (i64)
;;> b0: weight 1 in l7.0
;;>     return (l7.0)
;;> color: func 0 "many" (i32 i64 f32 f64 i32 i64 i32 i64 i32) -> (i64), frame 0
;;> b0: weight 1 in l7.0:r10
;;>     return (l7.0:r10)
;;> code: func 0 "many" (i32 i64 f32 f64 i32 i64 i32 i64 i32) -> (i64), frame 0, 4 bytes
;;>      0  mov rax, r10  ; +3 end
;;>      3  ret
;;> flow: func 1 "pair" (i32) -> (i32 i64)
;;> b0: weight 1 in l0.0
;;>     return (l0.0, 7)
;;> color: func 1 "pair" (i32) -> (i32 i64), frame 0
;;> b0: weight 1 in l0.0:rdi
;;>     return (l0.0:rdi, 7)
;;> code: func 1 "pair" (i32) -> (i32 i64), frame 0, 15 bytes
;;>      0  mov eax, 7  ; +5 end
;;>      5  mov [result 1], rax
;;>      c  mov eax, edi
;;>      e  ret
;;> flow: func 2 "swap" (i32 i32) -> (i32)
;;> b0: weight 1 in l0.0 l1.0
;;>     t0 = calli.i32 type 0 table 0 at 0 (l1.0, l0.0)
;;>     return (t0)
;;> color: func 2 "swap" (i32 i32) -> (i32), frame 0
;;> b0: weight 1 in l0.0:rdi l1.0:rsi
;;>     t0:rdx = calli.i32 type 0 table 0 at 0 (l1.0:rsi, l0.0:rdi)
;;>     return (t0:rdx)
;;> code: func 2 "swap" (i32 i32) -> (i32), frame 0, 45 bytes
;;>      0  mov ecx, 0  ; +7 call_indirect
;;>      5  cmp rcx, [table 0 size]
;;>      c  jae 28
;;>     12  mov rax, rdi
;;>     15  mov edi, esi
;;>     17  mov esi, eax
;;>     19  mov rax, [indirect calls]
;;>     20  call qword [rax + rcx * 8]
;;>     23  mov edx, eax
;;>     25  mov eax, edx  ; +10 end
;;>     27  ret
;;>     28  call trap: undefined element  ; +7 call_indirect
;;> flow: func 3 "spread" (i32) -> (i64)
;;> b0: weight 1 in l0.0
;;>     t0 = call.i64 func 0 (l0.0, 1, 1.5, -2.0, 4, 5, 6, 7, 8)
;;>     return (t0)
;;> color: func 3 "spread" (i32) -> (i64), frame 16
;;> b0: weight 1 in l0.0:rdi
;;>     t0:rdx = call.i64 func 0 (l0.0:rdi, 1, 1.5, -2.0, 4, 5, 6, 7, 8)
;;>     return (t0:rdx)
;;> code: func 3 "spread" (i32) -> (i64), frame 16, 96 bytes
;;>      0  sub rsp, 16  ; start
;;>      4  mov eax, 8  ; +29 call
;;>      9  mov qword [rsp], rax
;;>      d  mov esi, 1
;;>     12  movss xmm0, [50]
;;>     1a  movsd xmm1, [58]
;;>     22  mov edx, 4
;;>     27  mov r8d, 5
;;>     2d  mov r9d, 6
;;>     33  mov r10d, 7
;;>     39  call func 0 "many"
;;>     3e  mov rdx, rax
;;>     41  mov rax, rdx  ; +31 end
;;>     44  add rsp, 16
;;>     48  ret
;;>     49  bytes cc cc cc cc cc cc cc
;;>     50  bytes 00 00 c0 3f 00 00 00 00
;;>     58  bytes 00 00 00 00 00 00 00 c0
;;> flow: func 4 "results" (i32) -> (i64)
;;> b0: weight 1 in l0.0
;;>     call.i32 func 1 (l0.0)
;;>     l1.0 = result.i64 1
;;>     return (l1.0)
;;> color: func 4 "results" (i32) -> (i64), frame 0
;;> b0: weight 1 in l0.0:rdi
;;>     call.i32 func 1 (l0.0:rdi)
;;>     l1.0:rbx = result.i64 1
;;>     return (l1.0:rbx)
;;> code: func 4 "results" (i32) -> (i64), frame 0, 16 bytes
;;>      0  call func 1 "pair"  ; +5 call
;;>      5  mov rbx, [result 1]
;;>      c  mov rax, rbx  ; +12 end
;;>      f  ret
;;> flow: func 5 "over" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     t0 = call.i32 func 2 (l0.0, l0.0)  over: l0.0  crosses a call
;;>     t1 = call.i32 func 2 (1, l0.0)  over: l0.0
;;>     t2 = add.i32 t0, t1
;;>     t3 = add.i32 t2, l0.0
;;>     return (t3)
;;> color: func 5 "over" (i32) -> (i32), frame 16
;;> b0: weight 1 in l0.0:rdi
;;>     t0:[8] = call.i32 func 2 (l0.0:rdi, l0.0:rdi)  over: l0.0:rdi  crosses a call
;;>     t1:rdx = call.i32 func 2 (1, l0.0:rdi)  over: l0.0:rdi
;;>     t2:rdx = add.i32 t0:[8], t1:rdx
;;>     t3:rdx = add.i32 t2:rdx, l0.0:rdi
;;>     return (t3:rdx)
;;> code: func 5 "over" (i32) -> (i32), frame 16, 59 bytes
;;>      0  sub rsp, 16  ; start
;;>      4  mov qword [rsp], rdi  ; +5 call
;;>      8  mov esi, edi
;;>      a  call func 2 "swap"
;;>      f  mov qword [rsp + 8], rax
;;>     14  mov rdi, qword [rsp]
;;>     18  mov qword [rsp], rdi  ; +11 call
;;>     1c  mov esi, edi
;;>     1e  mov edi, 1
;;>     23  call func 2 "swap"
;;>     28  mov edx, eax
;;>     2a  mov rdi, qword [rsp]
;;>     2e  add edx, dword [rsp + 8]  ; +13 i32.add
;;>     32  add edx, edi  ; +16 i32.add
;;>     34  mov eax, edx  ; +17 end
;;>     36  add rsp, 16
;;>     3a  ret
;;> flow: func 6 "dropped" (i32) -> ()
;;> b0: weight 1 in l0.0
;;>     call.i32 func 2 (l0.0, 2)
;;>     return ()
;;> color: func 6 "dropped" (i32) -> (), frame 0
;;> b0: weight 1 in l0.0:rdi
;;>     call.i32 func 2 (l0.0:rdi, 2)
;;>     return ()
;;> code: func 6 "dropped" (i32) -> (), frame 0, 11 bytes
;;>      0  mov esi, 2  ; +5 call
;;>      5  call func 2 "swap"
;;>      a  ret  ; +8 end
;;> flow: func 7 "tail" (i32 i32) -> (i32)
;;> b0: weight 1 in l0.0 l1.0
;;>     tail.i32 func 2 (l1.0, l0.0)
;;> color: func 7 "tail" (i32 i32) -> (i32), frame 0
;;> b0: weight 1 in l0.0:rdi l1.0:rsi
;;>     tail.i32 func 2 (l1.0:rsi, l0.0:rdi)
;;> code: func 7 "tail" (i32 i32) -> (i32), frame 0, 12 bytes
;;>      0  mov rax, rdi  ; +5 return_call
;;>      3  mov edi, esi
;;>      5  mov esi, eax
;;>      7  jmp func 2 "swap"
;;> flow: func 8 "tail_indirect" (i32 i32) -> (i32)
;;> b0: weight 1 in l0.0 l1.0
;;>     taili.i32 type 0 table 0 at 0 (l1.0, l0.0)
;;> color: func 8 "tail_indirect" (i32 i32) -> (i32), frame 0
;;> b0: weight 1 in l0.0:rdi l1.0:rsi
;;>     taili.i32 type 0 table 0 at 0 (l1.0:rsi, l0.0:rdi)
;;> code: func 8 "tail_indirect" (i32 i32) -> (i32), frame 0, 40 bytes
;;>      0  mov ecx, 0  ; +7 return_call_indirect
;;>      5  cmp rcx, [table 0 size]
;;>      c  jae 23
;;>     12  mov rax, rdi
;;>     15  mov edi, esi
;;>     17  mov esi, eax
;;>     19  mov rax, [indirect calls]
;;>     20  jmp qword [rax + rcx * 8]
;;>     23  call trap: undefined element
;;> flow: func 9 "runtime" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     memfill 0, l0.0, 64
;;>     t0 = rt.i32 memory_grow (l0.0, 0, 0)
;;>     return (t0)
;;> color: func 9 "runtime" (i32) -> (i32), frame 0
;;> b0: weight 1 in l0.0:rbx
;;>     memfill 0, l0.0:rbx, 64
;;>     t0:rdx = rt.i32 memory_grow (l0.0:rbx, 0, 0)
;;>     return (t0:rdx)
;;> code: func 9 "runtime" (i32) -> (i32), frame 0, 72 bytes
;;>      0  mov rbx, rdi  ; start
;;>      3  mov edi, 0  ; +8 memory.fill
;;>      8  mov esi, ebx
;;>      a  mov edx, 64
;;>      f  lea rax, qword [rdi + rdx * 1]
;;>     13  cmp rax, [memory 0 bytes]
;;>     1a  ja 43
;;>     20  call stub: fill
;;>     25  mov rsi, rbx  ; +13 memory.grow
;;>     28  mov edx, 0
;;>     2d  mov ecx, 0
;;>     32  lea rdi, [instance]
;;>     39  call runtime: memory_grow
;;>     3e  mov edx, eax
;;>     40  mov eax, edx  ; +15 end
;;>     42  ret
;;>     43  call trap: out of bounds memory access  ; +8 memory.fill
