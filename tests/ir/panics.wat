;; Calls that never return 0: what follows them is reached from nowhere else, and costs no register.
;;! color 4 5 6
;;! code 4
(module
  (type $go (func (param i32) (result i32)))
  (memory 1)
  (global $SP (mut i32) (i32.const 0))
  (global (mut i64) (i64.const 0))
  (global $g (mut i64) (i64.const 0))
  (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0))
  ;; as Go's goPanicIndex ends
  (func $panic (type $go)
    (block (br_if 0 (call $throw (local.get 0))) unreachable)
    (i32.const 1))
  ;; as Go's throw, which returns in the eyes of the compiler
  (func $throw (type $go)
    (block (if (local.get 0) (then (return (i32.const 0)))) unreachable)
    (i32.const 1))
  (func $label (type $go) (br_if 0 (i32.const 0) (local.get 0)) drop (i32.const 1))
  (func $last (type $go) (i32.const 1) drop (i32.const 0))
  ;; two checks of bounds: i and n are dead behind the first panic
  (func $checked (param $i i64) (param $n i64) (param $p i64) (result i32)
    (block $unwind
      (block $out
        (br_if $out (i64.ge_u (local.get $i) (local.get $n)))
        (i64.store (i32.wrap_i64 (local.get $p)) (i64.const 7))
        (return (i32.const 0)))
      (i64.store (global.get $SP) (local.get $i))
      (br_if $unwind (call $panic (i32.const 0)))
      (i64.store (global.get $SP) (local.get $n))
      (br_if $unwind (call $panic (i32.const 0)))
      unreachable)
    (i32.const 1))
  ;; throw may return 0: n lives over it
  (func $returns (param $i i64) (param $n i64) (result i32)
    (block $unwind
      (br_if $unwind (call $throw (i32.const 0)))
      (i64.store (global.get $SP) (local.get $n))
      (br_if $unwind (call $label (i32.const 0)))
      (i64.store (global.get $SP) (local.get $i))
      (br_if $unwind (call $last (i32.const 0)))
      (i64.store (global.get $SP) (local.get $i)))
    (i32.const 1))
  ;; the result is not what is tested
  (func $inverted (param $n i64) (result i32)
    (block $go_on
      (br_if $go_on (i32.eqz (call $panic (i32.const 0))))
      (i64.store (global.get $SP) (local.get $n)))
    (i32.const 1)))
;;> color: func 4 "checked" (i64 i64 i64) -> (i32), frame 0
;;> b0: weight 1 in l0.0:rdi l1.0:rsi l2.0:rbx
;;>     brif (cmp.i64.ge_u l0.0:rdi, l1.0:rsi), b2, b1
;;> b1: weight 1 in l2.0:rbx
;;>     store.i64.64 [lo(l2.0:rbx)], 7
;;>     return (0)
;;> b2: weight 0 in l0.0:rdi
;;>     store.i64.64 [pin0], l0.0:rdi
;;>     call.i32 func 0 (0)
;;>     br b3
;;> b3: weight 1
;;>     return (1)
;;> color: func 5 "returns" (i64 i64) -> (i32), frame 16
;;> b0: weight 1 in l0.0:[0] l1.0:[8]
;;>     t0:rax = call.i32 func 1 (0)  over: l0.0:[0] l1.0:[8]
;;>     brif t0:rax, b4, b1
;;> b1: weight 1 in l0.0:[0] l1.0:[8]
;;>     store.i64.64 [pin0], l1.0:[8]
;;>     t1:rax = call.i32 func 2 (0)  over: l0.0:[0]
;;>     brif t1:rax, b4, b2
;;> b2: weight 1 in l0.0:[0]
;;>     store.i64.64 [pin0], l0.0:[0]
;;>     t2:rax = call.i32 func 3 (0)  over: l0.0:[0]
;;>     brif t2:rax, b4, b3
;;> b3: weight 1 in l0.0:[0]
;;>     store.i64.64 [pin0], l0.0:[0]
;;>     br b4
;;> b4: weight 1
;;>     return (1)
;;> color: func 6 "inverted" (i64) -> (i32), frame 8
;;> b0: weight 1 in l0.0:[0]
;;>     t0:rdx = call.i32 func 0 (0)  over: l0.0:[0]
;;>     brif (cmp.i32.eq t0:rdx, 0), b2, b1
;;> b1: weight 1 in l0.0:[0]
;;>     store.i64.64 [pin0], l0.0:[0]
;;>     br b2
;;> b2: weight 1
;;>     return (1)
;;> code: func 4 "checked" (i64 i64 i64) -> (i32), frame 0, 41 bytes
;;>      0  mov rbx, rdx  ; start
;;>      3  cmp rdi, rsi  ; +10 br_if
;;>      6  jae 1f
;;>      c  mov qword [ebx], 7  ; +17 i64.store
;;>     14  xor eax, eax  ; +22 return
;;>     16  ret
;;>     17  mov eax, 1  ; +54 end
;;>     1c  test eax, eax
;;>     1e  ret
;;>     1f  mov qword [r15], rdi  ; +28 i64.store
;;>     22  call func 0 "panic"  ; +33 call
;;>     27  jmp 17  ; +35 br_if
