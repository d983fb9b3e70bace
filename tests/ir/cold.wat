;; Blocks that hardly ever run: their code stands last, and a call in them costs no loop its registers.
;;! color,code 1
;;! code 2 3 4
(module
  (type $go (func (param i32) (result i32)))
  (memory 1)
  (global $SP (mut i32) (i32.const 0))
  (func $sigpanic (type $go) (i32.const 1))
  ;; a nil check in a loop: sum stays in a register
  (func $nil (param $p i64) (param $n i64) (result i64) (local $sum i64)
    (loop $l
      (if (i64.eqz (local.get $p))
        (then
          (global.set $SP (i32.sub (global.get $SP) (i32.const 8)))
          (i64.store (global.get $SP) (i64.const 0x10010002))
          (if (call $sigpanic (i32.const 0)) (then (return (i64.const 7))))))
      (local.set $sum (i64.add (local.get $sum) (i64.load (i32.wrap_i64 (local.get $p)))))
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (br_if $l (i64.ne (local.get $n) (i64.const 0))))
    (local.get $sum))
  ;; what leads to nothing but a trap, by a call whose result is tested
  (func $panic (param i32) (result i32)
    (if (i32.gt_u (local.get 0) (i32.const 9))
      (then (if (call $sigpanic (i32.const 0)) (then (return (i32.const 1)))) unreachable))
    (i32.const 2))
  ;; a case that does more than to call is as likely as the other
  (func $likely (param i64) (result i64) (local i64)
    (if (i64.eqz (local.get 0))
      (then (local.set 1 (i64.const 5)) (if (call $sigpanic (i32.const 0)) (then (return (i64.const 1))))))
    (i64.add (local.get 1) (i64.const 2)))
  ;; the first block stays the first, though nothing but a trap is behind it
  (func $first (param i32) (result i32)
    (if (call $sigpanic (local.get 0)) (then (return (i32.const 3))))
    unreachable))
;;> color: func 1 "nil" (i64 i64) -> (i64), frame 24
;;> b0: weight 1 empty in l0.0:rdi l1.0:rsi l2.0:rbx
;;>     br b1
;;> b1: weight 8 in l0.0:rdi l1.0:rsi l2.0:rbx
;;>     brif (cmp.i64.eq l0.0:rdi, 0), b2, b5
;;> b2: weight 0 in l0.0:rdi l1.0:rsi l2.0:rbx
;;>     pin0 = sub.i32 pin0, 8
;;>     store.i64.64 [pin0], 0x10010002
;;>     t2:rax = call.i32 func 0 (0)  over: l0.0:rdi l1.0:rsi l2.0:rbx
;;>     brif t2:rax, b3, b4
;;> b3: weight 8
;;>     return (7)
;;> b4: weight 8 empty in l0.0:rdi l1.0:rsi l2.0:rbx
;;>     br b5
;;> b5: weight 8 in l0.0:rdi l1.0:rsi l2.0:rbx
;;>     l2.0:rbx = add.i64 l2.0:rbx, (load.i64.64 [lo(l0.0:rdi)])
;;>     l1.0:rsi = sub.i64 l1.0:rsi, 1
;;>     brif (cmp.i64.ne l1.0:rsi, 0), b1, b6
;;> b6: weight 1 in l2.0:rbx
;;>     return (l2.0:rbx)
;;> code: func 1 "nil" (i64 i64) -> (i64), frame 24, 103 bytes
;;>      0  sub rsp, 24  ; start
;;>      4  xor ebx, ebx
;;>      6  test rdi, rdi  ; +8 if
;;>      9  je 30
;;>      f  jmp 1e
;;>     14  mov eax, 7  ; +36 return
;;>     19  add rsp, 24
;;>     1d  ret
;;>     1e  add rbx, qword [edi]  ; +44 i64.load
;;>     22  sub rsi, 1  ; +54 i64.sub
;;>     26  jne 6  ; +62 br_if
;;>     28  mov rax, rbx  ; +67 end
;;>     2b  add rsp, 24
;;>     2f  ret
;;>     30  sub r15d, 8  ; +14 i32.sub
;;>     34  mov qword [r15], 0x10010002  ; +25 i64.store
;;>     3b  mov qword [rsp + 8], rdi  ; +30 call
;;>     40  mov qword [rsp + 16], rsi
;;>     45  mov qword [rsp], rbx
;;>     49  mov edi, 0
;;>     4e  call func 0 "sigpanic"
;;>     53  mov rdi, qword [rsp + 8]
;;>     58  mov rsi, qword [rsp + 16]
;;>     5d  mov rbx, qword [rsp]
;;>     61  test eax, eax  ; +32 if
;;>     63  jne 14
;;>     65  jmp 1e
;;> code: func 2 "panic" (i32) -> (i32), frame 0, 45 bytes
;;>      0  cmp edi, 9  ; +6 if
;;>      3  ja 1a
;;>      9  jmp 14
;;>      e  mov eax, 1  ; +16 return
;;>     13  ret
;;>     14  mov eax, 2  ; +22 end
;;>     19  ret
;;>     1a  mov edi, 0  ; +10 call
;;>     1f  call func 0 "sigpanic"
;;>     24  test eax, eax  ; +12 if
;;>     26  jne e
;;>     28  call trap: unreachable  ; +18 unreachable
;;> code: func 3 "likely" (i64) -> (i64), frame 8, 68 bytes
;;>      0  sub rsp, 8  ; start
;;>      4  xor ebx, ebx
;;>      6  test rdi, rdi  ; +6 if
;;>      9  jne 38
;;>      f  mov ebx, 5  ; +10 local.set
;;>     14  mov qword [rsp], rbx  ; +14 call
;;>     18  mov edi, 0
;;>     1d  call func 0 "sigpanic"
;;>     22  mov rbx, qword [rsp]
;;>     26  test eax, eax  ; +16 if
;;>     28  je 38
;;>     2e  mov eax, 1  ; +20 return
;;>     33  add rsp, 8
;;>     37  ret
;;>     38  add rbx, 2  ; +27 i64.add
;;>     3c  mov rax, rbx  ; +28 end
;;>     3f  add rsp, 8
;;>     43  ret
;;> code: func 4 "first" (i32) -> (i32), frame 8, 39 bytes
;;>      0  sub rsp, 8  ; start
;;>      4  mov qword [rsp], rdi
;;>      8  mov edi, dword [rsp]  ; +3 call
;;>      b  call func 0 "sigpanic"
;;>     10  test eax, eax  ; +5 if
;;>     12  je 22
;;>     18  mov eax, 3  ; +9 return
;;>     1d  add rsp, 8
;;>     21  ret
;;>     22  call trap: unreachable  ; +11 unreachable
