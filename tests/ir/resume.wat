;; A value of a slot goes on into a block that is an entry of the dispatch's table as well: the entry loads it.  The same
;; where something is seen before the load (no value goes on), and for a jump back, which goes by the same way.
;;! build,code
(module
  (memory 1)
  (global (mut i32) (i32.const 4096)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i32) (i32.const 0))
  (func $goes_on (param i32) (result i32) (local $sp i32)
    global.get 0 local.set $sp
    block block block local.get 0 br_table 0 0 1 2 end
    global.get 0 i64.load offset=8 i64.const 2 i64.ge_s i32.eqz if
    global.get 0 i64.const 7 i64.store offset=16 i32.const 0 return end end
    global.get 0 global.get 0 i64.load offset=8 i64.const 3 i64.mul i64.store offset=24
    i32.const 0 return end
    unreachable)
  (func $seen_before (param i32) (result i32) (local $sp i32)
    global.get 0 local.set $sp
    block block block local.get 0 br_table 0 0 1 2 end
    global.get 0 i64.load offset=8 i64.const 3 i64.mul global.set 3 end
    i64.const 1 global.set 3
    global.get 0 global.get 0 i64.load offset=8 i64.const 3 i64.mul i64.store offset=24
    i32.const 0 return end
    unreachable)
  (func $back (param i32) (result i32) (local $sp i32)
    global.get 0 local.set $sp
    loop $again block block block local.get 0 br_table 0 0 1 2 end
    global.get 0 i64.load offset=8 i64.const 3 i64.mul global.set 3 end
    global.get 0 i64.load offset=8 i64.const -1 i64.add global.set 3
    global.get 0 i64.load offset=16 i64.const 1 i64.gt_s if
      i32.const 2 local.set 0 br $again end
    i32.const 0 return end end
    unreachable))
;;> build: func 0 "goes_on" (i32) -> (i32), l1 mirrors pin0
;;> b0: dispatch
;;>     brtable l0, [b1 b1 b6] b5
;;> b1:
;;>     v0 = load.i64.64 [pin0 + 8]
;;>     brif (cmp.i64.lt_s v0, 2), b2, b3
;;> b2:
;;>     store.i64.64 [pin0 + 16], 7
;;>     return (0)
;;> b3:
;;>     br b4
;;> b4:
;;>     t2 = mul.i64 v0, 3
;;>     store.i64.64 [pin0 + 24], t2
;;>     return (0)
;;> b5:
;;>     trap unreachable
;;> b6:
;;>     v0 = load.i64.64 [pin0 + 8]
;;>     br b4
;;> code: func 0 "goes_on" (i32) -> (i32), frame 0, 100 bytes, entry 2f, start for calls from 0
;;>      0  mov rbx, qword [r15 + 8]  ; +24 i64.load
;;>      4  cmp rbx, 2  ; +31 if
;;>      8  jge 19
;;>      e  mov qword [r15 + 16], 7  ; +37 i64.store
;;>     16  xor eax, eax  ; +42 return
;;>     18  ret
;;>     19  imul rbx, rbx, 3  ; +54 i64.mul
;;>     1d  mov qword [r15 + 24], rbx  ; +55 i64.store
;;>     21  xor eax, eax  ; +60 return
;;>     23  ret
;;>     24  call trap: unreachable  ; +62 unreachable
;;>     29  mov rbx, qword [r15 + 8]  ; +49 i64.load
;;>     2d  jmp 19
;;>     2f  test edi, edi
;;>     31  je 0
;;>     37  mov eax, edi  ; start
;;>     39  cmp eax, 3
;;>     3c  mov ecx, 3
;;>     41  cmova eax, ecx
;;>     44  lea rcx, [54]
;;>     4b  movsxd rax, dword [rcx + rax * 4]
;;>     4f  add rax, rcx
;;>     52  jmp rax
;;>     54  table 0 0 29 24
;;> build: func 1 "seen_before" (i32) -> (i32), l1 mirrors pin0
;;> b0: dispatch
;;>     brtable l0, [b1 b1 b2] b3
;;> b1:
;;>     t0 = load.i64.64 [pin0 + 8]
;;>     t1 = mul.i64 t0, 3
;;>     global_set.i64 3, t1
;;>     br b2
;;> b2:
;;>     global_set.i64 3, 1
;;>     t2 = load.i64.64 [pin0 + 8]
;;>     t3 = mul.i64 t2, 3
;;>     store.i64.64 [pin0 + 24], t3
;;>     return (0)
;;> b3:
;;>     trap unreachable
;;> code: func 1 "seen_before" (i32) -> (i32), frame 0, 100 bytes, entry 2f, start for calls from 0
;;>      0  mov rdx, qword [r15 + 8]  ; +24 i64.load
;;>      4  imul rdx, rdx, 3  ; +29 i64.mul
;;>      8  mov [global 3], rdx  ; +30 global.set
;;>      f  mov eax, 1  ; +35 global.set
;;>     14  mov [global 3], rax
;;>     1b  mov rdx, qword [r15 + 8]  ; +41 i64.load
;;>     1f  imul rdx, rdx, 3  ; +46 i64.mul
;;>     23  mov qword [r15 + 24], rdx  ; +47 i64.store
;;>     27  xor eax, eax  ; +52 return
;;>     29  ret
;;>     2a  call trap: unreachable  ; +54 unreachable
;;>     2f  test edi, edi
;;>     31  je 0
;;>     37  mov eax, edi  ; start
;;>     39  cmp eax, 3
;;>     3c  mov ecx, 3
;;>     41  cmova eax, ecx
;;>     44  lea rcx, [54]
;;>     4b  movsxd rax, dword [rcx + rax * 4]
;;>     4f  add rax, rcx
;;>     52  jmp rax
;;>     54  table 0 0 f 2a
;;> build: func 2 "back" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     br b1
;;> b1: dispatch
;;>     brtable l0, [b2 b2 b7] b6
;;> b2:
;;>     v0 = load.i64.64 [pin0 + 8]
;;>     t1 = mul.i64 v0, 3
;;>     global_set.i64 3, t1
;;>     br b3
;;> b3:
;;>     t2 = add.i64 v0, -1
;;>     global_set.i64 3, t2
;;>     brif (cmp.i64.gt_s (load.i64.64 [pin0 + 16]), 1), b4, b5
;;> b4:
;;>     l0 = set.i32 2
;;>     br b7
;;> b5:
;;>     return (0)
;;> b6:
;;>     trap unreachable
;;> b7:
;;>     v0 = load.i64.64 [pin0 + 8]
;;>     br b3
;;> code: func 2 "back" (i32) -> (i32), frame 0, 104 bytes, entry 33, start for calls from 0
;;>      0  mov rbx, qword [r15 + 8]  ; +26 i64.load
;;>      4  imul rdx, rbx, 3  ; +31 i64.mul
;;>      8  mov [global 3], rdx  ; +32 global.set
;;>      f  add rbx, -1  ; +42 i64.add
;;>     13  mov [global 3], rbx  ; +43 global.set
;;>     1a  cmp qword [r15 + 16], 1  ; +47 i64.load
;;>     1f  jg 28
;;>     25  xor eax, eax  ; +64 return
;;>     27  ret
;;>     28  mov rbx, qword [r15 + 8]  ; +37 i64.load
;;>     2c  jmp f
;;>     2e  call trap: unreachable  ; +67 unreachable
;;>     33  test edi, edi
;;>     35  je 0
;;>     3b  mov eax, edi  ; start
;;>     3d  cmp eax, 3
;;>     40  mov ecx, 3
;;>     45  cmova eax, ecx
;;>     48  lea rcx, [58]
;;>     4f  movsxd rax, dword [rcx + rax * 4]
;;>     53  add rax, rcx
;;>     56  jmp rax
;;>     58  table 0 0 28 2e
