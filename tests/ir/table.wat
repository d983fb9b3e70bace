;; br_table: targets with and without values, values that need moves, a constant index.
;;! build,flow,code
(module
  (func $plain (param i32) (result i32)
    (block $c (block $b (block $a (br_table $a $b $c $a (local.get 0))) (return (i32.const 1))) (return (i32.const 2)))
    (i32.const 3))
  (func $values (param i32) (result i32)
    (block $b (result i32)
      (drop (block $a (result i32) (br_table $a $b (i32.add (local.get 0) (i32.const 7)) (local.get 0))))
      (i32.const 1)))
  (func $constant_index (result i32)
    (block $b (block $a (br_table $a $b (i32.const 9))) (return (i32.const 1)))
    (i32.const 2)))
;;> build: func 0 "plain" (i32) -> (i32)
;;> b0:
;;>     brtable l0, [b1 b2 b3] b1
;;> b1:
;;>     return (1)
;;> b2:
;;>     return (2)
;;> b3:
;;>     return (3)
;;> flow: func 0 "plain" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     brtable l0.0, [b1 b2 b3] b1
;;> b1: weight 1
;;>     return (1)
;;> b2: weight 1
;;>     return (2)
;;> b3: weight 1
;;>     return (3)
;;> code: func 0 "plain" (i32) -> (i32), frame 0, 64 bytes
;;>      0  mov eax, edi  ; +9 br_table
;;>      2  cmp eax, 3
;;>      5  jae 1b
;;>      b  lea rcx, [30]
;;>     12  movsxd rax, dword [rcx + rax * 4]
;;>     16  add rax, rcx
;;>     19  jmp rax
;;>     1b  mov eax, 1  ; +18 return
;;>     20  ret
;;>     21  mov eax, 2  ; +22 return
;;>     26  ret
;;>     27  mov eax, 3  ; +26 end
;;>     2c  ret
;;>     2d  bytes cc cc cc
;;>     30  table 1b 21 27 1b
;;> build: func 1 "values" (i32) -> (i32)
;;> b0:
;;>     t0 = add.i32 l0, 7
;;>     t1 = copy.i32 l0
;;>     s0 = set.i32 t0
;;>     brtable t1, [b1] b2
;;> b1:
;;>     s0 = set.i32 1
;;>     br b2
;;> b2:
;;>     return (s0)
;;> flow: func 1 "values" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     t0 = add.i32 l0.0, 7
;;>     t1 = copy.i32 l0.0
;;>     s0.0 = set.i32 t0
;;>     brtable t1, [b1] b2
;;> b1: weight 1
;;>     s0.0 = set.i32 1
;;>     br b2
;;> b2: weight 1 in s0.0
;;>     return (s0.0)
;;> code: func 1 "values" (i32) -> (i32), frame 0, 48 bytes
;;>      0  lea ebx, dword [rdi + 7]  ; +9 i32.add
;;>      3  mov eax, edi  ; +12 br_table
;;>      5  cmp eax, 1
;;>      8  jae 23
;;>      e  lea rcx, [28]
;;>     15  movsxd rax, dword [rcx + rax * 4]
;;>     19  add rax, rcx
;;>     1c  jmp rax
;;>     1e  mov ebx, 1  ; +20 end
;;>     23  mov eax, ebx  ; +21 end
;;>     25  ret
;;>     26  bytes cc cc
;;>     28  table 1e 23
;;> build: func 2 "constant_index" () -> (i32)
;;> b0:
;;>     brtable 9, [b1] b2
;;> b1:
;;>     return (1)
;;> b2:
;;>     return (2)
;;> flow: func 2 "constant_index" () -> (i32)
;;> b0: weight 1
;;>     brtable 9, [b1] b2
;;> b1: weight 1
;;>     return (1)
;;> b2: weight 1
;;>     return (2)
;;> code: func 2 "constant_index" () -> (i32), frame 0, 17 bytes
;;>      0  jmp b  ; +7 br_table
;;>      5  mov eax, 1  ; +14 return
;;>      a  ret
;;>      b  mov eax, 2  ; +18 end
;;>     10  ret
