;; A function as Go's compiler makes it: `loop; block...; br_table PC_B`, jumps by PC_B, a copy of SP, a call after which
;; the function may be left, and the check of the stack.  Global 0 is SP, 2 is g, as in Go's modules.  In $broken_mirror
;; SP is written alone, so that the copy is a local like others.
;;! all main.work
;;! build broken_mirror
(module
  (type $go (func (param i32) (result i32)))
  (memory 1)
  (global $SP (mut i32) (i32.const 0))
  (global (mut i64) (i64.const 0))
  (global $g (mut i64) (i64.const 0))
  (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i64) (i64.const 0)) (global $PAUSE (mut i32) (i32.const 0))
  (func $callee (type $go) (i32.const 0))
  (func $main.work (type $go)
    (local $sp i32) (local $x i64) (local $y i64)
    (local.set $sp (global.get $SP))
    (loop $entry
      (block $b3 (block $b2 (block $b1 (block $b0
        (br_table $b0 $b1 $b2 $b3 (local.get 0)))
        ;; b0: room on the stack?
        (i32.le_u (local.get $sp)
          (i32.wrap_i64 (i64.load offset=16 (i32.wrap_i64 (global.get $g)))))
        (if (then (local.set 0 (i32.const 2)) (br $entry)))
        (global.set $SP (local.tee $sp (i32.sub (local.get $sp) (i32.const 16))))
        (local.set $x (i64.load offset=24 (local.get $sp)))
        (local.set $y (i64.const 0)))
      ;; b1: the loop
      (if (i64.lt_s (local.get $y) (local.get $x))
        (then
          (local.set $y (i64.add (local.get $y) (i64.const 1)))
          (local.set 0 (i32.const 1))
          (br $entry)))
      (i64.store offset=32 (local.get $sp) (local.get $y))
      (global.set $SP (local.tee $sp (i32.add (local.get $sp) (i32.const 16))))
      (return (i32.const 0)))
      ;; b2: a call
      (global.set $SP (local.tee $sp (i32.sub (local.get $sp) (i32.const 8))))
      (i64.store (local.get $sp) (i64.const 0x10010002))
      (call $callee (i32.const 0))
      (local.set $sp (global.get $SP))
      (if (then (return (i32.const 1))))
      (local.set 0 (i32.const 0))
      (br $entry))
      unreachable)
    unreachable)
  (func $broken_mirror (type $go)
    (local $sp i32)
    (local.set $sp (global.get $SP))
    (global.set $SP (i32.sub (local.get $sp) (i32.const 8)))
    (i32.load (local.get $sp))))
;;> build: func 1 "main.work" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     br b1
;;> b1: dispatch
;;>     brtable l0, [b2 b5 b8] b11
;;> b2:
;;>     t0 = load.i64.64 [pin1 + 16]
;;>     brif (cmp.i32.le_u pin0, lo(t0)), b3, b4
;;> b3:
;;>     l0 = set.i32 2
;;>     br b8
;;> b4:
;;>     pin0 = sub.i32 pin0, 16
;;>     l2 = load.i64.64 [pin0 + 24]
;;>     l3 = set.i64 0
;;>     br b5
;;> b5:
;;>     brif (cmp.i64.lt_s l3, l2), b6, b7
;;> b6:
;;>     l3 = add.i64 l3, 1
;;>     l0 = set.i32 1
;;>     br b5
;;> b7:
;;>     store.i64.64 [pin0 + 32], l3
;;>     pin0 = add.i32 pin0, 16
;;>     return (0)
;;> b8:
;;>     pin0 = sub.i32 pin0, 8
;;>     store.i64.64 [pin0], 0x10010002
;;>     t8 = call.i32 func 0 (0)
;;>     brif t8, b9, b10
;;> b9:
;;>     return (1)
;;> b10:
;;>     l0 = set.i32 0
;;>     br b2
;;> b11:
;;>     trap unreachable
;;> flow: func 1 "main.work" (i32) -> (i32), l1 mirrors pin0
;;> b0: weight 1 empty in l0.0
;;>     br b1
;;> b1: dispatch weight 1 in l0.0
;;>     brtable l0.0, [b2 b5 b8] b11
;;> b2: weight 8
;;>     t0 = load.i64.64 [pin1 + 16]
;;>     brif (cmp.i32.le_u pin0, lo(t0)), b3, b4
;;> b3: weight 8 empty
;;>     br b8
;;> b4: weight 8
;;>     pin0 = sub.i32 pin0, 16
;;>     l2.0 = load.i64.64 [pin0 + 24]
;;>     l3.0 = set.i64 0
;;>     br b5
;;> b5: weight 64 in l2.0 l3.0
;;>     brif (cmp.i64.lt_s l3.0, l2.0), b6, b7
;;> b6: weight 64 in l2.0 l3.0
;;>     l3.0 = add.i64 l3.0, 1
;;>     br b5
;;> b7: weight 8 in l3.0
;;>     store.i64.64 [pin0 + 32], l3.0
;;>     pin0 = add.i32 pin0, 16
;;>     return (0)
;;> b8: weight 8
;;>     pin0 = sub.i32 pin0, 8
;;>     store.i64.64 [pin0], 0x10010002
;;>     t8 = call.i32 func 0 (0)
;;>     brif t8, b9, b10
;;> b9: weight 8
;;>     return (1)
;;> b10: weight 8 empty
;;>     br b2
;;> b11: weight 0
;;>     trap unreachable
;;> color: func 1 "main.work" (i32) -> (i32), l1 mirrors pin0, frame 0
;;> b0: weight 1 empty in l0.0:rdi
;;>     br b1
;;> b1: dispatch weight 1 in l0.0:rdi
;;>     brtable l0.0:rdi, [b2 b5 b8] b11
;;> b2: weight 8
;;>     t0:rdx = load.i64.64 [pin1 + 16]
;;>     brif (cmp.i32.le_u pin0, lo(t0:rdx)), b3, b4
;;> b3: weight 8 empty
;;>     br b8
;;> b4: weight 8
;;>     pin0 = sub.i32 pin0, 16
;;>     l2.0:rbp = load.i64.64 [pin0 + 24]
;;>     l3.0:rbx = set.i64 0
;;>     br b5
;;> b5: weight 64 in l2.0:rbp l3.0:rbx
;;>     brif (cmp.i64.lt_s l3.0:rbx, l2.0:rbp), b6, b7
;;> b6: weight 64 in l2.0:rbp l3.0:rbx
;;>     l3.0:rbx = add.i64 l3.0:rbx, 1
;;>     br b5
;;> b7: weight 8 in l3.0:rbx
;;>     store.i64.64 [pin0 + 32], l3.0:rbx
;;>     pin0 = add.i32 pin0, 16
;;>     return (0)
;;> b8: weight 8
;;>     pin0 = sub.i32 pin0, 8
;;>     store.i64.64 [pin0], 0x10010002
;;>     t8:rax = call.i32 func 0 (0)
;;>     brif t8:rax, b9, b10
;;> b9: weight 8
;;>     return (1)
;;> b10: weight 8 empty
;;>     br b2
;;> b11: weight 0
;;>     trap unreachable
;;> code: func 1 "main.work" (i32) -> (i32), frame 0, 144 bytes, entry 54, start for calls from 0
;;>      0  mov rdx, qword [r14 + 16]  ; +33 i64.load
;;>      4  cmp r15d, edx  ; +38 if
;;>      7  jbe 31
;;>      d  sub r15d, 16  ; +51 i32.sub
;;>     11  mov rbp, qword [r15 + 24]  ; +58 i64.load
;;>     15  xor ebx, ebx  ; +65 local.set
;;>     17  cmp rbx, rbp  ; +73 if
;;>     1a  jge 26
;;>     20  add rbx, 1  ; +79 i64.add
;;>     24  jmp 17  ; +86 br
;;>     26  mov qword [r15 + 32], rbx  ; +93 i64.store
;;>     2a  add r15d, 16  ; +100 i32.add
;;>     2e  xor eax, eax  ; +107 return
;;>     30  ret
;;>     31  sub r15d, 8  ; +113 i32.sub
;;>     35  mov qword [r15], 0x10010002  ; +126 i64.store
;;>     3c  call func 0 "callee"  ; +131 call
;;>     41  je 0  ; +137 if
;;>     47  mov eax, 1  ; +141 return
;;>     4c  test eax, eax
;;>     4e  ret
;;>     4f  call trap: unreachable  ; +150 unreachable
;;>     54  test edi, edi
;;>     56  je 0
;;>     5c  mov eax, edi  ; start
;;>     5e  cmp eax, 3
;;>     61  mov ecx, 3
;;>     66  cmova eax, ecx
;;>     69  lea rcx, [80]
;;>     70  movsxd rax, dword [rcx + rax * 4]
;;>     74  add rax, rcx
;;>     77  xor ebx, ebx
;;>     79  xor ebp, ebp
;;>     7b  jmp rax
;;>     7d  bytes cc cc cc
;;>     80  table 0 17 31 4f
;;> build: func 2 "broken_mirror" (i32) -> (i32)
;;> b0:
;;>     l1 = set.i32 pin0
;;>     pin0 = sub.i32 l1, 8
;;>     t1 = load.i32.32u [l1]
;;>     return (t1)
