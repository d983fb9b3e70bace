;; Small functions of Go's in place of their calls.  Global 0 is SP, 2 is g, as in Go's modules.  $main.sum is Go's
;; `y := load(p)`: the body of $load stands in it, with the pointer's check.  $not_... are callers whose calls must stay.
;;! all main.sum
;;! build main.try places loops zeroed slots_behind
;;! flow main.try
;;! build not_itself not_imported not_indirect not_tail
;;! build not_many_locals not_float_local not_other_memory not_copied_memory not_grow not_call not_two_loops not_nested_loops not_set_before
;;! build not_resumed not_over_value not_over_constant not_loop_label not_copied not_other_copied not_again
(module
  (type $go (func (param i32) (result i32)))
  (import "env" "import" (func $import (type $go)))
  (memory 1)
  (memory $other 1)
  (table 2 funcref)
  (elem (i32.const 0) $load)
  (global $SP (mut i32) (i32.const 0))
  (global (mut i64) (i64.const 0))
  (global $g (mut i64) (i64.const 0))
  (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i64) (i64.const 0)) (global $PAUSE (mut i32) (i32.const 0))
  (func $sigpanic (type $go) (local f64) (i32.const 0))
  ;; func load(p *uint32) uint32
  (func $load (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (block $b2 (block $b1 (block $b0 (br_table $b0 $b0 $b0 $b1 (local.get 0)))
        (if (i64.eqz (i64.load offset=8 (local.get $sp)))
          (then
            (global.set $SP (local.tee $sp (i32.sub (local.get $sp) (i32.const 8))))
            (i64.store (local.get $sp) (i64.const 0x10020001))
            (call $sigpanic (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)))
        (i64.store32 (i32.wrap_i64 (i64.add (i64.extend_i32_u (local.get $sp)) (i64.const 16)))
          (i64.load32_u (i32.wrap_i64 (i64.load offset=8 (local.get $sp)))))
        (global.set $SP (local.tee $sp (i32.add (local.get $sp) (i32.const 8))))
        (return (i32.const 0))))
      unreachable)
    (i32.const 1))
  ;; func cas(p *uint32) bool: the jump by PC_B that Go makes of a goto
  (func $cas (type $go) (local $sp i32) (local $x i64)
    (local.set $sp (global.get $SP))
    (block $unwind
      (loop $entry
        (block $b2 (block $b1 (block $b0 (br_table $b0 $b1 $b2 (local.get 0)))
          (local.set $x (i64.load offset=8 (local.get $sp)))
          (if (i64.eqz (i64.load (i32.wrap_i64 (local.get $x))))
            (then (local.set 0 (i32.const 2)) (br $entry))))
          (i64.store (i32.wrap_i64 (local.get $x)) (i64.const 1)))
        (global.set $SP (local.tee $sp (i32.add (local.get $sp) (i32.const 8))))
        (return (i32.const 0)))
      unreachable)
    (i32.const 1))
  (func $main.sum (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (block $b1 (block $b0 (br_table $b0 $b1 (local.get 0)))
        (i64.store (local.get $sp) (i64.load offset=40 (local.get $sp)))
        (global.set $SP (local.tee $sp (i32.sub (local.get $sp) (i32.const 8))))
        (i64.store (local.get $sp) (i64.const 0x10040001))
        (call $load (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind))
      (global.set $SP (local.tee $sp (i32.add (local.get $sp) (i32.const 8))))
      (return (i32.const 0)))
    (i32.const 1))

  ;; Behind the callee's body, and in it, slots are known again: one load of each of [SP + 24] and [SP + 8] is left.
  (func $slots_behind (type $go) (local $sp i32) (local $x i64)
    (local.set $sp (global.get $SP))
    (block $unwind
      (block $b1 (block $b0 (br_table $b0 $b1 (local.get 0)))
        (global.set $SP (local.tee $sp (i32.sub (local.get $sp) (i32.const 8))))
        (i64.store (local.get $sp) (i64.const 0x10040001))
        (call $reads_twice (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind))
      (local.set $x (i64.load offset=24 (local.get $sp)))
      (i64.store offset=32 (local.get $sp) (i64.mul (local.get $x) (i64.load offset=24 (local.get $sp))))
      (return (i32.const 0)))
    (i32.const 1))
  (func $reads_twice (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (i64.store offset=16 (local.get $sp)
      (i64.add (i64.load offset=8 (local.get $sp)) (i64.load offset=8 (local.get $sp))))
    (global.set $SP (local.tee $sp (i32.add (local.get $sp) (i32.const 8))))
    (return (i32.const 0)))
  (func $main.try (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $cas (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))

  ;; Other bodies that have their places: no table at all, a result that is no constant, a branch to the body's end, no return.
  (func $bare (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (global.set $SP (local.tee $sp (i32.add (local.get $sp) (i32.const 8))))
    (return (i32.const 0)))
  (func $computed (type $go) (local $sp i32) (local $x i64) (local $y i64) (local $z i64)
    (local.set $sp (global.get $SP))
    (i64.store (local.get $sp) (local.get $z))
    (i32.wrap_i64 (i64.load offset=8 (local.get $sp))))
  (func $ends (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (i32.const 0) (br_if 0 (i32.load (local.get $sp))) (br 0))
  (func $leaves (type $go) (local $sp i32) (local.set $sp (global.get $SP)) unreachable)
  (func $places (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $bare (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (call $computed (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (call $ends (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (call $leaves (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (i32.store (local.get $sp) (i32.const 5))
      (return (i32.const 0)))
    (i32.const 1))
  ;; Its jump by PC_B is none that is known: the table stays.
  (func $unknown (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (loop $entry
      (block $b1 (block $b0 (br_table $b0 $b1 (local.get 0)))
        (local.set 0 (i32.load (local.get $sp)))
        (br $entry)))
    (i32.const 0))
  (func $loops (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $unknown (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  ;; A body's locals are its own, and begin as zero.
  (func $zeroed (type $go) (local $sp i32) (local $x i64)
    (local.set $sp (global.get $SP))
    (local.set $x (i64.const 7))
    (block $unwind
      (call $computed (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (i64.store (local.get $sp) (local.get $x))
      (return (i32.const 0)))
    (i32.const 1))

  (func $not_itself (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $not_itself (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  (func $not_imported (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $import (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  (func $not_indirect (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call_indirect (type $go) (i32.const 0) (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  (func $not_tail (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (return_call $bare (i32.const 0)))

  (func $many_locals (type $go) (local $sp i32) (local i64 i64 i64 i64) (local.set $sp (global.get $SP)) (i32.const 0))
  (func $not_many_locals (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $many_locals (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  (func $float_local (type $go) (local $sp i32) (local f64) (local.set $sp (global.get $SP)) (i32.const 0))
  (func $not_float_local (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $float_local (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  (func $other_memory (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (i32.load $other (local.get $sp)))
  (func $not_other_memory (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $other_memory (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  (func $copied_memory (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (memory.copy 0 $other (local.get $sp) (local.get $sp) (i32.const 5000))
    (i32.const 0))
  (func $not_copied_memory (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $copied_memory (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  (func $grow (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (memory.grow (local.get $sp)))
  (func $not_grow (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $grow (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  ;; A call that is made each time.
  (func $call (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $sigpanic (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  (func $not_call (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $call (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  (func $two_loops (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (loop $entry (block $b0 (br_table $b0 (local.get 0))) (loop $again (br_if $again (i32.load (local.get $sp)))))
    (i32.const 0))
  (func $not_two_loops (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $two_loops (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  ;; The table is met again, by the outer loop.
  (func $nested_loops (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (loop $again (loop $entry
      (block $b1 (block $b0 (br_table $b0 $b1 (local.get 0))) (local.set 0 (i32.const 1)) (br $again))))
    (i32.const 0))
  (func $not_nested_loops (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $nested_loops (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  ;; PC_B is no longer 0 at the table.
  (func $set_before (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (local.set 0 (i32.const 1))
    (block $b1 (block $b0 (br_table $b0 $b1 (local.get 0))) (return (i32.const 1)))
    (i32.const 0))
  (func $not_set_before (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $set_before (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))

  (func $not_resumed (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $bare (i32.const 3)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  (func $not_over_value (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (i32.load (local.get $sp))
      (call $bare (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return))
    (i32.const 1))
  (func $not_over_constant (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (i32.const 0)
      (call $bare (i32.const 3)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return))
    (i32.const 1))
  (func $not_loop_label (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (loop $again
      (call $bare (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $again))
    (i32.const 0))
  ;; SP's copy is another local.
  (func $not_copied (type $go) (local i64) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $bare (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1))
  (func $not_other_copied (type $go) (local $other i32) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $computed (i32.const 0)) (local.set $other (global.get $SP)) (br_if $unwind)
      (return (local.get $other)))
    (i32.const 1))
  ;; The caller is grown enough by the first.
  (func $not_again (type $go) (local $sp i32)
    (local.set $sp (global.get $SP))
    (block $unwind
      (call $load (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (call $load (i32.const 0)) (local.set $sp (global.get $SP)) (br_if $unwind)
      (return (i32.const 0)))
    (i32.const 1)))
;;> build: func 4 "main.sum" (i32) -> (i32), l1 mirrors pin0
;;> b0: dispatch
;;>     brtable l0, [b1] b7
;;> b1:
;;>     t0 = load.i64.64 [pin0 + 40]
;;>     store.i64.64 [pin0], t0
;;>     pin0 = sub.i32 pin0, 8
;;>     store.i64.64 [pin0], 0x10040001
;;>     in0 = set.i32 0
;;>     brif (cmp.i64.eq (load.i64.64 [pin0 + 8]), 0), b2, b4
;;> b2:
;;>     pin0 = sub.i32 pin0, 8
;;>     store.i64.64 [pin0], 0x10020001
;;>     t5 = call.i32 func 1 (0)
;;>     brif t5, b5, b3
;;> b3:
;;>     br b4
;;> b4:
;;>     t7 = load.i64.64 [pin0 + 8]
;;>     t8 = load.i64.32u [lo(t7)]
;;>     store.i64.32u [(add.i32 pin0, 16)], t8
;;>     pin0 = add.i32 pin0, 8
;;>     br b6
;;> b5:
;;>     br b8
;;> b6:
;;>     br b7
;;> b7:
;;>     pin0 = add.i32 pin0, 8
;;>     return (0)
;;> b8:
;;>     return (1)
;;> flow: func 4 "main.sum" (i32) -> (i32), l1 mirrors pin0
;;> b0: dispatch weight 1 in l0.0
;;>     brtable l0.0, [b1] b7
;;> b1: weight 1
;;>     t0 = load.i64.64 [pin0 + 40]
;;>     store.i64.64 [pin0], t0
;;>     pin0 = sub.i32 pin0, 8
;;>     store.i64.64 [pin0], 0x10040001
;;>     brif (cmp.i64.eq (load.i64.64 [pin0 + 8]), 0), b2, b4
;;> b2: weight 0
;;>     pin0 = sub.i32 pin0, 8
;;>     store.i64.64 [pin0], 0x10020001
;;>     t5 = call.i32 func 1 (0)
;;>     brif t5, b5, b3
;;> b3: weight 1 empty
;;>     br b4
;;> b4: weight 1
;;>     t7 = load.i64.64 [pin0 + 8]
;;>     t8 = load.i64.32u [lo(t7)]
;;>     store.i64.32u [(add.i32 pin0, 16)], t8
;;>     pin0 = add.i32 pin0, 8
;;>     br b6
;;> b5: weight 1 empty
;;>     br b8
;;> b6: weight 1 empty
;;>     br b7
;;> b7: weight 1
;;>     pin0 = add.i32 pin0, 8
;;>     return (0)
;;> b8: weight 1
;;>     return (1)
;;> color: func 4 "main.sum" (i32) -> (i32), l1 mirrors pin0, frame 0
;;> b0: dispatch weight 1 in l0.0:rdi
;;>     brtable l0.0:rdi, [b1] b7
;;> b1: weight 1
;;>     t0:rdx = load.i64.64 [pin0 + 40]
;;>     store.i64.64 [pin0], t0:rdx
;;>     pin0 = sub.i32 pin0, 8
;;>     store.i64.64 [pin0], 0x10040001
;;>     brif (cmp.i64.eq (load.i64.64 [pin0 + 8]), 0), b2, b4
;;> b2: weight 0
;;>     pin0 = sub.i32 pin0, 8
;;>     store.i64.64 [pin0], 0x10020001
;;>     t5:rax = call.i32 func 1 (0)
;;>     brif t5:rax, b5, b3
;;> b3: weight 1 empty
;;>     br b4
;;> b4: weight 1
;;>     t7:rdx = load.i64.64 [pin0 + 8]
;;>     t8:rdx = load.i64.32u [lo(t7:rdx)]
;;>     store.i64.32u [(add.i32 pin0, 16)], t8:rdx
;;>     pin0 = add.i32 pin0, 8
;;>     br b6
;;> b5: weight 1 empty
;;>     br b8
;;> b6: weight 1 empty
;;>     br b7
;;> b7: weight 1
;;>     pin0 = add.i32 pin0, 8
;;>     return (0)
;;> b8: weight 1
;;>     return (1)
;;> code: func 4 "main.sum" (i32) -> (i32), frame 0, 128 bytes, entry 50, start for calls from 0
;;>      0  mov rdx, qword [r15 + 40]  ; +24 i64.load
;;>      4  mov qword [r15], rdx  ; +27 i64.store
;;>      7  sub r15d, 8  ; +34 i32.sub
;;>      b  mov qword [r15], 0x10040001  ; +47 i64.store
;;>     12  cmp qword [r15 + 8], 0  ; +52: i64.load
;;>     17  je 3c
;;>     1d  mov rdx, qword [r15 + 8]  ; +52: i64.load
;;>     21  mov edx, dword [edx]  ; +52: i64.load32_u
;;>     24  mov dword [r15d + 16], edx  ; +52: i64.store32
;;>     29  add r15d, 8  ; +52: i32.add
;;>     2d  add r15d, 8  ; +65 i32.add
;;>     31  xor eax, eax  ; +72 return
;;>     33  ret
;;>     34  mov eax, 1  ; +76 end
;;>     39  test eax, eax
;;>     3b  ret
;;>     3c  sub r15d, 8  ; +52: i32.sub
;;>     40  mov qword [r15], 0x10020001  ; +52: i64.store
;;>     47  call func 1 "sigpanic"  ; +52: call
;;>     4c  jne 34  ; +52: br_if
;;>     4e  jmp 1d
;;>     50  test edi, edi
;;>     52  je 0
;;>     58  mov eax, edi  ; start
;;>     5a  cmp eax, 1
;;>     5d  mov ecx, 1
;;>     62  cmova eax, ecx
;;>     65  lea rcx, [78]
;;>     6c  movsxd rax, dword [rcx + rax * 4]
;;>     70  add rax, rcx
;;>     73  jmp rax
;;>     75  bytes cc cc cc
;;>     78  table 0 2d
;;> build: func 7 "main.try" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     in0 = set.i32 0
;;>     in2 = set.i64 0
;;>     br b1
;;> b1:
;;>     br b2
;;> b2:
;;>     in2 = load.i64.64 [pin0 + 8]
;;>     brif (cmp.i64.eq (load.i64.64 [lo(in2)]), 0), b3, b4
;;> b3:
;;>     in0 = set.i32 2
;;>     br b6
;;> b4:
;;>     br b5
;;> b5:
;;>     store.i64.64 [lo(in2)], 1
;;>     br b6
;;> b6:
;;>     pin0 = add.i32 pin0, 8
;;>     br b7
;;> b7:
;;>     return (0)
;;> b8:
;;>     return (1)
;;> build: func 12 "places" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     in0 = set.i32 0
;;>     pin0 = add.i32 pin0, 8
;;>     br b1
;;> b1:
;;>     in0 = set.i32 0
;;>     in2 = set.i64 0
;;>     in3 = set.i64 0
;;>     in4 = set.i64 0
;;>     store.i64.64 [pin0], in4
;;>     t1 = load.i64.64 [pin0 + 8]
;;>     brif lo(t1), b7, b2
;;> b2:
;;>     in0 = set.i32 0
;;>     brif (cmp.i32.ne (load.i32.32u [pin0]), 0), b3, b4
;;> b3:
;;>     s0 = set.i32 0
;;>     br b5
;;> b4:
;;>     s0 = set.i32 0
;;>     br b5
;;> b5:
;;>     brif s0, b7, b6
;;> b6:
;;>     in0 = set.i32 0
;;>     trap unreachable
;;> b7:
;;>     return (1)
;;> build: func 14 "loops" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     in0 = set.i32 0
;;>     br b1
;;> b1:
;;>     brtable in0, [b2] b3
;;> b2:
;;>     in0 = load.i32.32u [pin0]
;;>     br b1
;;> b3:
;;>     br b4
;;> b4:
;;>     return (0)
;;> b5:
;;>     return (1)
;;> build: func 15 "zeroed" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     l2 = set.i64 7
;;>     in0 = set.i32 0
;;>     in2 = set.i64 0
;;>     in3 = set.i64 0
;;>     in4 = set.i64 0
;;>     store.i64.64 [pin0], in4
;;>     t0 = load.i64.64 [pin0 + 8]
;;>     brif lo(t0), b2, b1
;;> b1:
;;>     store.i64.64 [pin0], l2
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 5 "slots_behind" (i32) -> (i32), l1 mirrors pin0
;;> b0: dispatch
;;>     brtable l0, [b1] b3
;;> b1:
;;>     pin0 = sub.i32 pin0, 8
;;>     store.i64.64 [pin0], 0x10040001
;;>     in0 = set.i32 0
;;>     v0 = load.i64.64 [pin0 + 8]
;;>     t2 = add.i64 v0, v0
;;>     store.i64.64 [pin0 + 16], t2
;;>     pin0 = add.i32 pin0, 8
;;>     br b2
;;> b2:
;;>     br b3
;;> b3:
;;>     l2 = load.i64.64 [pin0 + 24]
;;>     t5 = mul.i64 l2, l2
;;>     store.i64.64 [pin0 + 32], t5
;;>     return (0)
;;> b4:
;;>     return (1)
;;> flow: func 7 "main.try" (i32) -> (i32), l1 mirrors pin0
;;> b0: weight 1 empty
;;>     br b1
;;> b1: weight 1 empty
;;>     br b2
;;> b2: weight 1
;;>     in2.0 = load.i64.64 [pin0 + 8]
;;>     brif (cmp.i64.eq (load.i64.64 [lo(in2.0)]), 0), b3, b4
;;> b3: weight 1 empty
;;>     br b6
;;> b4: weight 1 empty in in2.0
;;>     br b5
;;> b5: weight 1 in in2.0
;;>     store.i64.64 [lo(in2.0)], 1
;;>     br b6
;;> b6: weight 1
;;>     pin0 = add.i32 pin0, 8
;;>     br b7
;;> b7: weight 1
;;>     return (0)
;;> b8: weight 1
;;>     return (1)
;;> build: func 16 "not_itself" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = call.i32 func 16 (0)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 17 "not_imported" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = call.i32 func 0 (0)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 18 "not_indirect" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = calli.i32 type 0 table 0 at 0 (0)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 19 "not_tail" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     tail.i32 func 8 (0)
;;> build: func 21 "not_many_locals" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = call.i32 func 20 (0)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 23 "not_float_local" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = call.i32 func 22 (0)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 25 "not_other_memory" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = call.i32 func 24 (0)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 27 "not_copied_memory" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = call.i32 func 26 (0)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 29 "not_grow" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = call.i32 func 28 (0)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 31 "not_call" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = call.i32 func 30 (0)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 33 "not_two_loops" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = call.i32 func 32 (0)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 35 "not_nested_loops" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = call.i32 func 34 (0)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 37 "not_set_before" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = call.i32 func 36 (0)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 38 "not_resumed" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = call.i32 func 8 (3)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 39 "not_over_value" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = load.i32.32u [pin0]
;;>     t1 = call.i32 func 8 (0)
;;>     s0 = set.i32 t0
;;>     brif t1, b2, b1
;;> b1:
;;>     return (s0)
;;> b2:
;;>     return (1)
;;> build: func 40 "not_over_constant" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     t0 = call.i32 func 8 (3)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 41 "not_loop_label" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     br b1
;;> b1:
;;>     t0 = call.i32 func 8 (0)
;;>     brif t0, b1, b2
;;> b2:
;;>     return (0)
;;> build: func 42 "not_copied" (i32) -> (i32), l2 mirrors pin0
;;> b0:
;;>     t0 = call.i32 func 8 (0)
;;>     brif t0, b2, b1
;;> b1:
;;>     return (0)
;;> b2:
;;>     return (1)
;;> build: func 43 "not_other_copied" (i32) -> (i32)
;;> b0:
;;>     l2 = set.i32 pin0
;;>     t0 = call.i32 func 9 (0)
;;>     l1 = set.i32 pin0
;;>     brif t0, b2, b1
;;> b1:
;;>     return (l1)
;;> b2:
;;>     return (1)
;;> build: func 44 "not_again" (i32) -> (i32), l1 mirrors pin0
;;> b0:
;;>     in0 = set.i32 0
;;>     brif (cmp.i64.eq (load.i64.64 [pin0 + 8]), 0), b1, b3
;;> b1:
;;>     pin0 = sub.i32 pin0, 8
;;>     store.i64.64 [pin0], 0x10020001
;;>     t3 = call.i32 func 1 (0)
;;>     brif t3, b4, b2
;;> b2:
;;>     br b3
;;> b3:
;;>     t5 = load.i64.64 [pin0 + 8]
;;>     t6 = load.i64.32u [lo(t5)]
;;>     store.i64.32u [(add.i32 pin0, 16)], t6
;;>     pin0 = add.i32 pin0, 8
;;>     br b5
;;> b4:
;;>     br b7
;;> b5:
;;>     t8 = call.i32 func 2 (0)
;;>     brif t8, b7, b6
;;> b6:
;;>     return (0)
;;> b7:
;;>     return (1)
