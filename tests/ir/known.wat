;; What is known of a value before it is computed: masks that take nothing away, tests of tests, steps of SP that follow
;; each other, a result that is tested where it comes.
;;! build 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
;;! code 3 4 13 16 17 18 19
;;! flow 19 20 21 22 23 24 25
(module
  (memory 1)
  (global $sp (mut i32) (i32.const 0))
  (global (mut i64) (i64.const 0))
  (global $g (mut i64) (i64.const 0))
  (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i64) (i64.const 0)) (global (mut i32) (i32.const 0))
  ;; The loads are as narrow as the masks, or narrower: no `and`.
  (func $byte (param i32) (result i64) (i64.and (i64.load8_u (local.get 0)) (i64.const 255)))
  (func $half (param i32) (result i64) (i64.and (i64.load8_u (local.get 0)) (i64.const 0xffff)))
  (func $word (param i32) (result i64) (i64.and (i64.load32_u (local.get 0)) (i64.const 0xffffffff)))
  ;; Moves of the lower half, of a byte, of two.
  (func $lower (param i64) (result i64) (i64.and (local.get 0) (i64.const 0xffffffff)))
  (func $mask (param i64) (result i64) (i64.and (local.get 0) (i64.const 0xfffffff0)))
  ;; Loads that extend the sign, or are wider than the mask: an `and`.
  (func $signed (param i32) (result i64) (i64.and (i64.load8_s (local.get 0)) (i64.const 255)))
  (func $wider (param i32) (result i64) (i64.and (i64.load16_u (local.get 0)) (i64.const 255)))
  (func $holes (param i32) (result i64) (i64.and (i64.load8_u (local.get 0)) (i64.const 0x7f)))
  (func $shifted (param i64) (result i64)
    (i64.and (i64.shr_u (local.get 0) (i64.const 56)) (i64.const 255)))
  (func $shifted_less (param i64) (result i64)
    (i64.and (i64.shr_u (local.get 0) (i64.const 55)) (i64.const 255)))
  ;; A comparison, extended and compared with zero, is itself or its inverse.
  (func $again (param i64) (result i32)
    (if (i64.ne (i64.extend_i32_u (i64.eqz (local.get 0))) (i64.const 0)) (then (return (i32.const 1))))
    (if (i64.eqz (i64.extend_i32_u (i64.lt_s (local.get 0) (i64.const 5)))) (then (return (i32.const 2))))
    (i32.const 3))
  ;; With one it is not. One that a local has is compared again.
  (func $not_again (param i64) (result i32) (local i64)
    (if (i64.ne (i64.extend_i32_u (i64.eqz (local.get 0))) (i64.const 1)) (then (return (i32.const 1))))
    (local.set 1 (i64.extend_i32_u (i64.lt_s (local.get 0) (i64.const 5))))
    (if (i64.eqz (local.get 1)) (then (return (i32.const 2))))
    (i32.wrap_i64 (local.get 1)))
  ;; SP += 24; SP += 8.
  (func $steps
    (global.set $sp (i32.add (global.get $sp) (i32.const 24)))
    (global.set $sp (i32.sub (global.get $sp) (i32.const 8))))
  (func $steps_around
    (global.set $sp (i32.add (global.get $sp) (i32.const 0x7fffffff)))
    (global.set $sp (i32.add (global.get $sp) (i32.const 0x7fffffff))))
  ;; Something uses the first step; it is no constant; another block begins.
  (func $steps_apart (param i32)
    (global.set $sp (i32.add (global.get $sp) (i32.const 24)))
    (i32.store (global.get $sp) (i32.const 7))
    (global.set $sp (i32.add (global.get $sp) (i32.const 8)))
    (global.set $sp (i32.add (global.get $sp) (local.get 0)))
    (global.set $sp (i32.add (global.get $sp) (i32.const 16)))
    (block (br_if 0 (local.get 0)))
    (global.set $sp (i32.add (global.get $sp) (i32.const 32))))
  ;; A read of SP waits on the stack.
  (func $steps_read (result i32)
    (global.set $sp (i32.add (global.get $sp) (i32.const 24)))
    (global.get $sp)
    (global.set $sp (i32.add (global.get $sp) (i32.const 8))))
  ;; The result is tested in rax; not where it is wanted behind the test.
  (func $callee (param i32) (result i32) (i32.const 0))
  (func $tested (if (call $callee (i32.const 1)) (then (call $steps))))
  (func $kept (result i32) (local i32)
    (if (local.tee 0 (call $callee (i32.const 1))) (then (call $steps)))
    (local.get 0))
  ;; A comparison goes to a local, which nobody reads behind the branch.
  (func $held (param i64) (result i32) (local i64)
    (local.set 1 (i64.extend_i32_u (i64.eqz (local.get 0))))
    (if (i64.eqz (local.get 1)) (then (return (i32.const 2))))
    (i32.const 3))
  ;; What was compared is another by then; so it is where the result takes its place.
  (func $held_written (param i64) (result i32) (local i64)
    (local.set 1 (i64.extend_i32_u (i64.lt_s (local.get 0) (i64.const 5))))
    (local.set 0 (i64.const 9))
    (if (i32.wrap_i64 (local.get 1)) (then (return (i32.wrap_i64 (local.get 0)))))
    (i32.const 3))
  (func $held_there (param i64) (result i32)
    (local.set 0 (i64.extend_i32_u (i64.lt_s (local.get 0) (i64.const 5))))
    (if (i64.eqz (local.get 0)) (then (return (i32.const 2))))
    (i32.const 3))
  ;; A load is not done twice: what was compared gets a name.
  (func $held_load (param i32) (result i32) (local i32)
    (local.set 1 (i32.eq (local.get 0) (i32.load (local.get 0))))
    (if (local.get 1) (then (return (i32.const 2))))
    (i32.const 3))
  ;; So does Go's flag of the write barrier, over a store to the same place.
  (func $held_flag (param i32) (result i32) (local i64)
    (local.set 1 (i64.extend_i32_u (i64.eqz (i64.load32_u (i32.const 64)))))
    (i32.store (i32.const 64) (local.get 0))
    (if (i64.eqz (local.get 1)) (then (return (i32.const 2))))
    (i32.const 3))
  ;; Not over a call, and not what is further back than that one looks.
  (func $held_call (param i32) (result i32) (local i64)
    (local.set 1 (i64.extend_i32_u (i64.eqz (i64.load32_u (i32.const 64)))))
    (call $steps)
    (if (i64.eqz (local.get 1)) (then (return (i32.const 2))))
    (i32.const 3))
  ;; Two names in a comparison, and one that another local has, too.
  (func $held_two (param i32) (result i64) (local i64 i64)
    (local.set 1 (i64.extend_i32_u (i64.lt_u (i64.load (local.get 0)) (i64.load8_u (i32.const 8)))))
    (local.set 2 (i64.load (i32.const 16)))
    (if (i64.eqz (local.get 1)) (then (return (local.get 2))))
    (local.get 1)))
;;> build: func 0 "byte" (i32) -> (i64)
;;> b0:
;;>     t0 = load.i64.8u [l0]
;;>     return (t0)
;;> build: func 1 "half" (i32) -> (i64)
;;> b0:
;;>     t0 = load.i64.8u [l0]
;;>     return (t0)
;;> build: func 2 "word" (i32) -> (i64)
;;> b0:
;;>     t0 = load.i64.32u [l0]
;;>     return (t0)
;;> build: func 3 "lower" (i64) -> (i64)
;;> b0:
;;>     t0 = zext.i64 l0
;;>     return (t0)
;;> build: func 4 "mask" (i64) -> (i64)
;;> b0:
;;>     t0 = and.i64 l0, 0xfffffff0
;;>     return (t0)
;;> build: func 5 "signed" (i32) -> (i64)
;;> b0:
;;>     t0 = load.i64.8s [l0]
;;>     t1 = and.i64 t0, 255
;;>     return (t1)
;;> build: func 6 "wider" (i32) -> (i64)
;;> b0:
;;>     t0 = load.i64.16u [l0]
;;>     t1 = and.i64 t0, 255
;;>     return (t1)
;;> build: func 7 "holes" (i32) -> (i64)
;;> b0:
;;>     t0 = load.i64.8u [l0]
;;>     t1 = and.i64 t0, 127
;;>     return (t1)
;;> build: func 8 "shifted" (i64) -> (i64)
;;> b0:
;;>     t0 = shr.i64 l0, 56
;;>     return (t0)
;;> build: func 9 "shifted_less" (i64) -> (i64)
;;> b0:
;;>     t0 = shr.i64 l0, 55
;;>     t1 = and.i64 t0, 255
;;>     return (t1)
;;> build: func 10 "again" (i64) -> (i32)
;;> b0:
;;>     brif (cmp.i64.eq l0, 0), b1, b2
;;> b1:
;;>     return (1)
;;> b2:
;;>     brif (cmp.i64.ge_s l0, 5), b3, b4
;;> b3:
;;>     return (2)
;;> b4:
;;>     return (3)
;;> build: func 11 "not_again" (i64) -> (i32)
;;> b0:
;;>     t0 = cmp.i64.eq l0, 0
;;>     brif (cmp.i64.ne t0, 1), b1, b2
;;> b1:
;;>     return (1)
;;> b2:
;;>     l1 = cmp.i64.lt_s l0, 5
;;>     brif (cmp.i64.ge_s l0, 5), b3, b4
;;> b3:
;;>     return (2)
;;> b4:
;;>     return (lo(l1))
;;> build: func 12 "steps" () -> ()
;;> b0:
;;>     pin0 = add.i32 pin0, 16
;;>     return ()
;;> build: func 13 "steps_around" () -> ()
;;> b0:
;;>     pin0 = add.i32 pin0, -2
;;>     return ()
;;> build: func 14 "steps_apart" (i32) -> ()
;;> b0:
;;>     pin0 = add.i32 pin0, 24
;;>     store.i32.32u [pin0], 7
;;>     pin0 = add.i32 pin0, 8
;;>     pin0 = add.i32 pin0, l0
;;>     pin0 = add.i32 pin0, 16
;;>     brif l0, b2, b1
;;> b1:
;;>     br b2
;;> b2:
;;>     pin0 = add.i32 pin0, 32
;;>     return ()
;;> build: func 15 "steps_read" () -> (i32)
;;> b0:
;;>     pin0 = add.i32 pin0, 24
;;>     t1 = add.i32 pin0, 8
;;>     t2 = copy.i32 pin0
;;>     pin0 = set.i32 t1
;;>     return (t2)
;;> code: func 3 "lower" (i64) -> (i64), frame 0, 6 bytes
;;>      0  mov edi, edi  ; +9 i64.and
;;>      2  mov rax, rdi  ; +10 end
;;>      5  ret
;;> code: func 4 "mask" (i64) -> (i64), frame 0, 7 bytes
;;>      0  and edi, -16  ; +9 i64.and
;;>      3  mov rax, rdi  ; +10 end
;;>      6  ret
;;> code: func 13 "steps_around" () -> (), frame 0, 5 bytes
;;>      0  add r15d, -2  ; +20 i32.add
;;>      4  ret  ; +23 end
;;> code: func 16 "callee" (i32) -> (i32), frame 0, 3 bytes, start for calls from 0
;;>      0  xor eax, eax  ; +3 end
;;>      2  ret
;;> code: func 17 "tested" () -> (), frame 0, 22 bytes
;;>      0  mov edi, 1  ; +3 call
;;>      5  call func 16 "callee"
;;>      a  je 15  ; +5 if
;;>     10  call func 12 "steps"  ; +7 call
;;>     15  ret  ; +10 end
;;> code: func 18 "kept" () -> (i32), frame 8, 46 bytes
;;>      0  sub rsp, 8  ; start
;;>      4  mov edi, 1  ; +5 call
;;>      9  call func 16 "callee"
;;>      e  mov ebx, eax
;;>     10  test ebx, ebx  ; +9 if
;;>     12  je 25
;;>     18  mov qword [rsp], rbx  ; +11 call
;;>     1c  call func 12 "steps"
;;>     21  mov rbx, qword [rsp]
;;>     25  mov eax, ebx  ; +16 end
;;>     27  add rsp, 8
;;>     2b  test eax, eax
;;>     2d  ret
;;> code: func 19 "held" (i64) -> (i32), frame 0, 25 bytes
;;>      0  test rdi, rdi  ; +12 if
;;>      3  je 11
;;>      9  mov eax, 2  ; +16 return
;;>      e  test eax, eax
;;>     10  ret
;;>     11  mov eax, 3  ; +20 end
;;>     16  test eax, eax
;;>     18  ret
;;> flow: func 19 "held" (i64) -> (i32)
;;> b0: weight 1 in l0.0
;;>     brif (cmp.i64.ne l0.0, 0), b1, b2
;;> b1: weight 1
;;>     return (2)
;;> b2: weight 1
;;>     return (3)
;;> flow: func 20 "held_written" (i64) -> (i32)
;;> b0: weight 1 in l0.0
;;>     l1.0 = cmp.i64.lt_s l0.0, 5
;;>     l0.1 = set.i64 9
;;>     brif lo(l1.0), b1, b2
;;> b1: weight 1 in l0.1
;;>     return (lo(l0.1))
;;> b2: weight 1
;;>     return (3)
;;> flow: func 21 "held_there" (i64) -> (i32)
;;> b0: weight 1 in l0.0
;;>     l0.1 = cmp.i64.lt_s l0.0, 5
;;>     brif (cmp.i64.eq l0.1, 0), b1, b2
;;> b1: weight 1
;;>     return (2)
;;> b2: weight 1
;;>     return (3)
;;> flow: func 22 "held_load" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     n0.0 = load.i32.32u [l0.0]
;;>     brif (cmp.i32.eq l0.0, n0.0), b1, b2
;;> b1: weight 1
;;>     return (2)
;;> b2: weight 1
;;>     return (3)
;;> flow: func 23 "held_flag" (i32) -> (i32)
;;> b0: weight 1 in l0.0
;;>     n0.0 = load.i64.32u [64]
;;>     store.i32.32u [64], l0.0
;;>     brif (cmp.i64.ne n0.0, 0), b1, b2
;;> b1: weight 1
;;>     return (2)
;;> b2: weight 1
;;>     return (3)
;;> flow: func 24 "held_call" (i32) -> (i32)
;;> b0: weight 1
;;>     l1.0 = cmp.i64.eq (load.i64.32u [64]), 0
;;>     call func 12 ()  over: l1.0
;;>     brif (cmp.i64.eq l1.0, 0), b1, b2
;;> b1: weight 1
;;>     return (2)
;;> b2: weight 1
;;>     return (3)
;;> flow: func 25 "held_two" (i32) -> (i64)
;;> b0: weight 1 in l0.0
;;>     n0.0 = load.i64.64 [l0.0]
;;>     n1.0 = load.i64.8u [8]
;;>     l1.0 = cmp.i64.lt_u n0.0, n1.0
;;>     l2.0 = load.i64.64 [16]
;;>     brif (cmp.i64.ge_u n0.0, n1.0), b1, b2
;;> b1: weight 1 in l2.0
;;>     return (l2.0)
;;> b2: weight 1 in l1.0
;;>     return (l1.0)
