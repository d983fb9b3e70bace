;; Slots of Go's stack: what was stored or loaded is not loaded again.  Global 0 is SP, as in Go's modules.
;;! build
;;! code 1
(module
  (type $go (func (param i32) (result i32)))
  (memory 1)
  (global $SP (mut i32) (i32.const 0))
  (global (mut i64) (i64.const 0))
  (global $g (mut i64) (i64.const 0))
  (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0))
  (func $callee (type $go) (i32.const 0))
  ;; a pointer in a slot, with a nil check, whose lower half is made once; over blocks with one predecessor
  (func $pointer (result i64)
    (if (i64.eqz (i64.load offset=24 (global.get $SP))) (then (return (i64.const 7))))
    (i64.store offset=8 (i32.wrap_i64 (i64.load offset=24 (global.get $SP))) (i64.const 5))
    (i64.add (i64.load offset=8 (i32.wrap_i64 (i64.load offset=24 (global.get $SP))))
             (i64.load offset=16 (i32.wrap_i64 (i64.load offset=24 (global.get $SP))))))
  ;; stored: a temporary, a constant, a local; by both kinds of address
  (func $stored (param i64) (result i64)
    (i64.store offset=8 (global.get $SP) (i64.add (local.get 0) (i64.const 3)))
    (i64.store (i32.add (global.get $SP) (i32.const 16)) (i64.const 9))
    (i64.store offset=24 (global.get $SP) (local.get 0))
    (i64.add (i64.load (i32.add (global.get $SP) (i32.const 8)))
             (i64.add (i64.load (i32.add (global.get $SP) (i32.const 16))) (i64.load offset=24 (global.get $SP)))))
  ;; by a sum that wraps: an access that may not wrap is done
  (func $wraps (result i64)
    (i64.store (i32.add (global.get $SP) (i32.const 8)) (i64.const 9))
    (i64.load offset=8 (global.get $SP)))
  ;; written meanwhile: the local, the slot, a part of it, by a pointer, by a call, by a copy; SP is another
  (func $local (param i64) (result i64)
    (i64.store offset=8 (global.get $SP) (local.get 0))
    (local.set 0 (i64.const 1))
    (i64.load offset=8 (global.get $SP)))
  (func $part (result i64)
    (i64.store offset=8 (global.get $SP) (i64.const 1))
    (i32.store offset=12 (global.get $SP) (i32.const 1))
    (i64.load offset=8 (global.get $SP)))
  (func $beside (result i64)
    (i64.store offset=8 (global.get $SP) (i64.const 1))
    (i32.store offset=16 (global.get $SP) (i32.const 1))
    (i64.load offset=8 (global.get $SP)))
  (func $by_pointer (param i32) (result i64)
    (i64.store offset=8 (global.get $SP) (i64.const 1))
    (i32.store (local.get 0) (i32.const 1))
    (i64.load offset=8 (global.get $SP)))
  (func $by_call (result i64)
    (i64.store offset=8 (global.get $SP) (i64.const 1))
    (drop (call $callee (i32.const 0)))
    (i64.load offset=8 (global.get $SP)))
  (func $by_copy (param i32) (result i64)
    (i64.store offset=8 (global.get $SP) (i64.const 1))
    (memory.copy (local.get 0) (i32.const 0) (i32.const 8))
    (i64.load offset=8 (global.get $SP)))
  (func $moved (result i64)
    (i64.store offset=8 (global.get $SP) (i64.const 1))
    (global.set $SP (i32.sub (global.get $SP) (i32.const 8)))
    (i64.load offset=8 (global.get $SP)))
  ;; another width is loaded
  (func $narrow (result i64)
    (i64.store offset=8 (global.get $SP) (i64.const 1))
    (i64.load32_u offset=8 (global.get $SP)))
  ;; where ways meet, and where a loop begins, nothing is known
  (func $meet (param i32) (result i64)
    (i64.store offset=8 (global.get $SP) (i64.const 1))
    (if (local.get 0) (then (i64.store (local.get 0) (i64.const 1))))
    (i64.load offset=8 (global.get $SP)))
  (func $loop (param i32) (result i64) (local i64)
    (i64.store offset=8 (global.get $SP) (i64.const 1))
    (loop
      (local.set 1 (i64.load offset=8 (global.get $SP)))
      (i64.store offset=8 (global.get $SP) (i64.const 2))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1)))
;;> build: func 0 "callee" (i32) -> (i32)
;;> b0:
;;>     return (0)
;;> build: func 1 "pointer" () -> (i64)
;;> b0:
;;>     v0 = load.i64.64 [pin0 + 24]
;;>     brif (cmp.i64.eq v0, 0), b1, b2
;;> b1:
;;>     return (7)
;;> b2:
;;>     t2 = zext.i64 v0
;;>     store.i64.64 [t2 + 8], 5
;;>     v1 = load.i64.64 [pin0 + 24]
;;>     v2 = zext.i64 v1
;;>     t5 = load.i64.64 [v2 + 8]
;;>     t7 = add.i64 t5, (load.i64.64 [v2 + 16])
;;>     return (t7)
;;> build: func 2 "stored" (i64) -> (i64)
;;> b0:
;;>     v0 = add.i64 l0, 3
;;>     store.i64.64 [pin0 + 8], v0
;;>     store.i64.64 [(add.i32 pin0, 16)], 9
;;>     store.i64.64 [pin0 + 24], l0
;;>     t2 = add.i32 pin0, 8
;;>     t3 = add.i32 pin0, 16
;;>     t4 = add.i64 l0, 9
;;>     t5 = add.i64 v0, t4
;;>     return (t5)
;;> build: func 3 "wraps" () -> (i64)
;;> b0:
;;>     store.i64.64 [(add.i32 pin0, 8)], 9
;;>     t1 = load.i64.64 [pin0 + 8]
;;>     return (t1)
;;> build: func 4 "local" (i64) -> (i64)
;;> b0:
;;>     store.i64.64 [pin0 + 8], l0
;;>     l0 = set.i64 1
;;>     t0 = load.i64.64 [pin0 + 8]
;;>     return (t0)
;;> build: func 5 "part" () -> (i64)
;;> b0:
;;>     store.i64.64 [pin0 + 8], 1
;;>     store.i32.32u [pin0 + 12], 1
;;>     t0 = load.i64.64 [pin0 + 8]
;;>     return (t0)
;;> build: func 6 "beside" () -> (i64)
;;> b0:
;;>     store.i64.64 [pin0 + 8], 1
;;>     store.i32.32u [pin0 + 16], 1
;;>     return (1)
;;> build: func 7 "by_pointer" (i32) -> (i64)
;;> b0:
;;>     store.i64.64 [pin0 + 8], 1
;;>     store.i32.32u [l0], 1
;;>     t0 = load.i64.64 [pin0 + 8]
;;>     return (t0)
;;> build: func 8 "by_call" () -> (i64)
;;> b0:
;;>     store.i64.64 [pin0 + 8], 1
;;>     t0 = call.i32 func 0 (0)
;;>     t1 = load.i64.64 [pin0 + 8]
;;>     return (t1)
;;> build: func 9 "by_copy" (i32) -> (i64)
;;> b0:
;;>     store.i64.64 [pin0 + 8], 1
;;>     memcopy l0, 0, 8
;;>     t0 = load.i64.64 [pin0 + 8]
;;>     return (t0)
;;> build: func 10 "moved" () -> (i64)
;;> b0:
;;>     store.i64.64 [pin0 + 8], 1
;;>     pin0 = sub.i32 pin0, 8
;;>     t1 = load.i64.64 [pin0 + 8]
;;>     return (t1)
;;> build: func 11 "narrow" () -> (i64)
;;> b0:
;;>     store.i64.64 [pin0 + 8], 1
;;>     t0 = load.i64.32u [pin0 + 8]
;;>     return (t0)
;;> build: func 12 "meet" (i32) -> (i64)
;;> b0:
;;>     store.i64.64 [pin0 + 8], 1
;;>     brif l0, b1, b2
;;> b1:
;;>     store.i64.64 [l0], 1
;;>     br b2
;;> b2:
;;>     t0 = load.i64.64 [pin0 + 8]
;;>     return (t0)
;;> build: func 13 "loop" (i32) -> (i64)
;;> b0:
;;>     store.i64.64 [pin0 + 8], 1
;;>     br b1
;;> b1:
;;>     l1 = load.i64.64 [pin0 + 8]
;;>     store.i64.64 [pin0 + 8], 2
;;>     l0 = sub.i32 l0, 1
;;>     brif l0, b1, b2
;;> b2:
;;>     return (l1)
;;> code: func 1 "pointer" () -> (i64), frame 0, 47 bytes
;;>      0  mov rbx, qword [r15 + 24]  ; +3 i64.load
;;>      4  test rbx, rbx  ; +7 if
;;>      7  jne 13
;;>      d  mov eax, 7  ; +11 return
;;>     12  ret
;;>     13  mov ebx, ebx  ; +21 i64.store
;;>     15  mov qword [rbx + 8], 5
;;>     1d  mov rbx, qword [r15 + 24]  ; +26 i64.load
;;>     21  mov ebx, ebx  ; +30 i64.load
;;>     23  mov rdx, qword [rbx + 8]
;;>     27  add rdx, qword [rbx + 16]  ; +39 i64.load
;;>     2b  mov rax, rdx  ; +43 end
;;>     2e  ret
