;; Companions: the lower half of a pointer is made once, at the first access with an offset.
;;! build 1 2 3 4 5 6 7 8 9
;;! code 1 2 8
;;! flow 3 7
(module
  (type $go (func (param i32) (result i32)))
  (memory 1)
  (global $SP (mut i32) (i32.const 0))
  (global (mut i64) (i64.const 0))
  (global $g (mut i64) (i64.const 0))
  (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i64) (i64.const 0)) (global $PAUSE (mut i32) (i32.const 0))
  (func $sigpanic (type $go) (i32.const 1))
  ;; p.x + p.y, and the pointer itself is read again.
  (func $twice (param $p i64) (result i64)
    (i64.add (i64.add (i64.load offset=8 (i32.wrap_i64 (local.get $p))) (i64.load offset=16 (i32.wrap_i64 (local.get $p))))
             (local.get $p)))
  ;; Behind a nil check, whose call returns in the eyes of the compiler.
  (func $nil (param $p i64) (result i64) (local $x i64)
    (local.set $x (i64.load offset=8 (i32.wrap_i64 (local.get $p))))
    (if (i64.eqz (local.get $x)) (then (if (call $sigpanic (i32.const 0)) (then (return (i64.const 1))))))
    (i64.store offset=16 (i32.wrap_i64 (local.get $p)) (local.get $x))
    (local.get $x))
  ;; Read once: its user makes it.
  (func $once (param $p i64) (result i64) (i64.load offset=8 (i32.wrap_i64 (local.get $p))))
  ;; The pointer changes between: made again.
  (func $written (param $p i64) (result i64)
    (local.set $p (i64.load offset=8 (i32.wrap_i64 (local.get $p))))
    (i64.add (i64.load offset=8 (i32.wrap_i64 (local.get $p))) (i64.load offset=16 (i32.wrap_i64 (local.get $p)))))
  ;; At offset 0 there is nothing to make.
  (func $free (param $p i64) (result i64)
    (i64.add (i64.load (i32.wrap_i64 (local.get $p))) (i64.load (i32.wrap_i64 (local.get $p)))))
  ;; On one way only: made again behind it.
  (func $one_way (param $p i64) (param $c i32) (result i64) (local $x i64)
    (if (local.get $c) (then (local.set $x (i64.load offset=8 (i32.wrap_i64 (local.get $p))))))
    (i64.add (local.get $x) (i64.load offset=16 (i32.wrap_i64 (local.get $p)))))
  ;; Go's loop: the jump back makes true what the loop's start took for granted.
  (func $back (type $go)
    (local $sp i32) (local $p i64) (local $n i64)
    (local.set $sp (global.get $SP))
    (loop $entry
      (block $b2 (block $b1 (block $b0
        (br_table $b0 $b1 $b2 (local.get 0)))
        (local.set $p (i64.load offset=8 (local.get $sp)))
        (local.set $n (i64.load offset=8 (i32.wrap_i64 (local.get $p)))))
      ;; b1
      (local.set $n (i64.add (local.get $n) (i64.load offset=16 (i32.wrap_i64 (local.get $p)))))
      (local.set $p (i64.load offset=24 (i32.wrap_i64 (local.get $p))))
      (if (i64.ne (local.get $p) (i64.const 0))
        (then (local.set 0 (i32.const 1)) (br $entry))))
      (i64.store offset=16 (local.get $sp) (local.get $n))
      (return (i32.const 0)))
    unreachable)
  ;; g is no local: a call may change it, and no way from the dispatch has it.
  (func $pinned (type $go)
    (local $sp i32)
    (local.set $sp (global.get $SP))
    (i64.store offset=8 (i32.wrap_i64 (global.get $g)) (i64.load offset=16 (i32.wrap_i64 (global.get $g))))
    (if (call $sigpanic (i32.const 0)) (then (return (i32.const 1))))
    (i64.store offset=8 (i32.wrap_i64 (global.get $g)) (i64.load offset=16 (i32.wrap_i64 (global.get $g))))
    (i32.const 0))
  ;; What is set before the dispatch is not zero behind it: made again at each target.
  (func $early (type $go)
    (local $sp i32) (local $p i64)
    (local.set $sp (global.get $SP))
    (local.set $p (i64.load offset=8 (local.get $sp)))
    (loop $entry
      (block $b1 (block $b0
        (br_table $b0 $b1 (local.get 0)))
        (i64.store offset=16 (local.get $sp) (i64.load offset=8 (i32.wrap_i64 (local.get $p)))))
      (i64.store offset=24 (local.get $sp) (i64.load offset=8 (i32.wrap_i64 (local.get $p))))
      (return (i32.const 0)))
    unreachable))
;;> build: func 1 "twice" (i64) -> (i64)
;;> b0:
;;>     low0 = zext.i64 l0
;;>     t0 = load.i64.64 [low0 + 8]
;;>     t2 = add.i64 t0, (load.i64.64 [low0 + 16])
;;>     t3 = add.i64 t2, l0
;;>     return (t3)
;;> build: func 2 "nil" (i64) -> (i64)
;;> b0:
;;>     low0 = zext.i64 l0
;;>     l1 = load.i64.64 [low0 + 8]
;;>     brif (cmp.i64.eq l1, 0), b1, b4
;;> b1:
;;>     t2 = call.i32 func 0 (0)
;;>     brif t2, b2, b3
;;> b2:
;;>     return (1)
;;> b3:
;;>     br b4
;;> b4:
;;>     store.i64.64 [low0 + 16], l1
;;>     return (l1)
;;> build: func 3 "once" (i64) -> (i64)
;;> b0:
;;>     low0 = zext.i64 l0
;;>     t0 = load.i64.64 [low0 + 8]
;;>     return (t0)
;;> build: func 4 "written" (i64) -> (i64)
;;> b0:
;;>     low0 = zext.i64 l0
;;>     l0 = load.i64.64 [low0 + 8]
;;>     low0 = zext.i64 l0
;;>     t1 = load.i64.64 [low0 + 8]
;;>     t3 = add.i64 t1, (load.i64.64 [low0 + 16])
;;>     return (t3)
;;> build: func 5 "free" (i64) -> (i64)
;;> b0:
;;>     t0 = load.i64.64 [lo(l0)]
;;>     t2 = add.i64 t0, (load.i64.64 [lo(l0)])
;;>     return (t2)
;;> build: func 6 "one_way" (i64 i32) -> (i64)
;;> b0:
;;>     brif l1, b1, b2
;;> b1:
;;>     low0 = zext.i64 l0
;;>     l2 = load.i64.64 [low0 + 8]
;;>     br b2
;;> b2:
;;>     low0 = zext.i64 l0
;;>     t2 = add.i64 l2, (load.i64.64 [low0 + 16])
;;>     return (t2)
;;> build: func 7 "back" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     br b1
;;> b1: dispatch
;;>     brtable l0, [b2 b3] b6
;;> b2:
;;>     l2 = load.i64.64 [pin0 + 8]
;;>     low2 = zext.i64 l2
;;>     l3 = load.i64.64 [low2 + 8]
;;>     br b3
;;> b3:
;;>     l3 = add.i64 l3, (load.i64.64 [low2 + 16])
;;>     l2 = load.i64.64 [low2 + 24]
;;>     brif (cmp.i64.ne l2, 0), b4, b5
;;> b4:
;;>     l0 = set.i32 1
;;>     low2 = zext.i64 l2
;;>     br b3
;;> b5:
;;>     br b6
;;> b6:
;;>     store.i64.64 [pin0 + 16], l3
;;>     return (0)
;;> build: func 8 "pinned" (i32) -> (i32)
;;> b0:
;;>     l1 = set.i32 pin0
;;>     t0 = load.i64.64 [pin1 + 16]
;;>     store.i64.64 [pin1 + 8], t0
;;>     t1 = call.i32 func 0 (0)
;;>     brif t1, b1, b2
;;> b1:
;;>     return (1)
;;> b2:
;;>     t2 = load.i64.64 [pin1 + 16]
;;>     store.i64.64 [pin1 + 8], t2
;;>     return (0)
;;> build: func 9 "early" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     l2 = load.i64.64 [pin0 + 8]
;;>     br b1
;;> b1: dispatch
;;>     brtable l0, [b2] b3
;;> b2:
;;>     low2 = zext.i64 l2
;;>     t1 = load.i64.64 [low2 + 8]
;;>     store.i64.64 [pin0 + 16], t1
;;>     br b3
;;> b3:
;;>     low2 = zext.i64 l2
;;>     t2 = load.i64.64 [low2 + 8]
;;>     store.i64.64 [pin0 + 24], t2
;;>     return (0)
;;> code: func 1 "twice" (i64) -> (i64), frame 0, 17 bytes
;;>      0  mov ebx, edi  ; +4 i64.load
;;>      2  mov rdx, qword [rbx + 8]
;;>      6  add rdx, qword [rbx + 16]  ; +10 i64.load
;;>      a  add rdx, rdi  ; +16 i64.add
;;>      d  mov rax, rdx  ; +17 end
;;>     10  ret
;;> code: func 2 "nil" (i64) -> (i64), frame 16, 73 bytes
;;>      0  sub rsp, 16  ; start
;;>      4  mov ebp, edi  ; +6 i64.load
;;>      6  mov rbx, qword [rbp + 8]
;;>      a  test rbx, rbx  ; +14 if
;;>      d  je 2e
;;>     13  jmp 22
;;>     18  mov eax, 1  ; +24 return
;;>     1d  add rsp, 16
;;>     21  ret
;;>     22  mov qword [rbp + 16], rbx  ; +32 i64.store
;;>     26  mov rax, rbx  ; +37 end
;;>     29  add rsp, 16
;;>     2d  ret
;;>     2e  mov qword [rsp], rbx  ; +18 call
;;>     32  mov qword [rsp + 8], rbp
;;>     37  call func 0 "sigpanic"
;;>     3c  mov rbx, qword [rsp]
;;>     40  mov rbp, qword [rsp + 8]
;;>     45  jne 18  ; +20 if
;;>     47  jmp 22
;;> code: func 8 "pinned" (i32) -> (i32), frame 0, 38 bytes, start for calls from 0
;;>      0  mov rdx, qword [r14 + 16]  ; +13 i64.load
;;>      4  mov qword [r14 + 8], rdx  ; +16 i64.store
;;>      8  call func 0 "sigpanic"  ; +21 call
;;>      d  je 1b  ; +23 if
;;>     13  mov eax, 1  ; +27 return
;;>     18  test eax, eax
;;>     1a  ret
;;>     1b  mov rdx, qword [r14 + 16]  ; +35 i64.load
;;>     1f  mov qword [r14 + 8], rdx  ; +38 i64.store
;;>     23  xor eax, eax  ; +43 end
;;>     25  ret
;;> flow: func 3 "once" (i64) -> (i64)
;;> b0: weight 1 in l0.0
;;>     t0 = load.i64.64 [lo(l0.0) + 8]
;;>     return (t0)
;;> flow: func 7 "back" (i32) -> (i32), l1 mirrors pin0
;;> b0: weight 1 empty in l0.0
;;>     br b1
;;> b1: dispatch weight 1 in l0.0
;;>     brtable l0.0, [b2 b3] b6
;;> b2: weight 1
;;>     l2.0 = load.i64.64 [pin0 + 8]
;;>     low2.0 = zext.i64 l2.0
;;>     l3.0 = load.i64.64 [low2.0 + 8]
;;>     br b3
;;> b3: weight 8 in l3.0 low2.0
;;>     l3.0 = add.i64 l3.0, (load.i64.64 [low2.0 + 16])
;;>     l2.1 = load.i64.64 [low2.0 + 24]
;;>     brif (cmp.i64.ne l2.1, 0), b4, b5
;;> b4: weight 8 in l2.1 l3.0
;;>     low2.0 = zext.i64 l2.1
;;>     br b3
;;> b5: weight 1 empty in l3.0
;;>     br b6
;;> b6: weight 1 in l3.0
;;>     store.i64.64 [pin0 + 16], l3.0
;;>     return (0)
