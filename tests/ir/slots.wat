;; More variables than registers: to one that lies in its slot a constant is added there, in place; to another slot,
;; or in 32 bits, by a register.
;;! code
(module
  (func $same (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
    (loop $again
      (local.set 0 (i64.add (local.get 0) (i64.const 1))) (local.set 1 (i64.add (local.get 1) (i64.const 2)))
      (local.set 2 (i64.add (local.get 2) (i64.const 3))) (local.set 3 (i64.add (local.get 3) (i64.const 4)))
      (local.set 4 (i64.add (local.get 4) (i64.const 5))) (local.set 5 (i64.add (local.get 5) (i64.const 6)))
      (local.set 6 (i64.add (local.get 6) (i64.const 7))) (local.set 7 (i64.add (local.get 7) (i64.const 8)))
      (local.set 8 (i64.add (local.get 8) (i64.const 9))) (local.set 9 (i64.add (local.get 9) (i64.const 10)))
      (local.set 10 (i64.add (local.get 10) (i64.const 11))) (local.set 11 (i64.add (local.get 11) (i64.const 12)))
      (local.set 12 (i64.add (local.get 12) (i64.const 13))) (local.set 13 (i64.add (local.get 13) (i64.const 14)))
      (br_if $again (i64.ne (local.get 0) (i64.const 100))))
    (local.get 0) (local.get 1) (i64.xor) (local.get 2) (i64.xor) (local.get 3) (i64.xor) (local.get 4) (i64.xor)
    (local.get 5) (i64.xor) (local.get 6) (i64.xor) (local.get 7) (i64.xor) (local.get 8) (i64.xor)
    (local.get 9) (i64.xor) (local.get 10) (i64.xor) (local.get 11) (i64.xor) (local.get 12) (i64.xor) (local.get 13) (i64.xor))
  (func $other (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
    (loop $again
      (local.set 12 (i64.add (local.get 13) (i64.const 5))) (local.set 13 (i64.add (local.get 12) (i64.const 6)))
      (local.set 0 (i64.add (local.get 0) (i64.const 1))) (local.set 1 (i64.add (local.get 1) (i64.const 1)))
      (local.set 2 (i64.add (local.get 2) (i64.const 1))) (local.set 3 (i64.add (local.get 3) (i64.const 1)))
      (local.set 4 (i64.add (local.get 4) (i64.const 1))) (local.set 5 (i64.add (local.get 5) (i64.const 1)))
      (local.set 6 (i64.add (local.get 6) (i64.const 1))) (local.set 7 (i64.add (local.get 7) (i64.const 1)))
      (local.set 8 (i64.add (local.get 8) (i64.const 1))) (local.set 9 (i64.add (local.get 9) (i64.const 1)))
      (local.set 10 (i64.add (local.get 10) (i64.const 1))) (local.set 11 (i64.add (local.get 11) (i64.const 1)))
      (br_if $again (i64.ne (local.get 0) (i64.const 100))))
    (local.get 0) (local.get 1) (i64.xor) (local.get 2) (i64.xor) (local.get 3) (i64.xor) (local.get 4) (i64.xor)
    (local.get 5) (i64.xor) (local.get 6) (i64.xor) (local.get 7) (i64.xor) (local.get 8) (i64.xor)
    (local.get 9) (i64.xor) (local.get 10) (i64.xor) (local.get 11) (i64.xor) (local.get 12) (i64.xor) (local.get 13) (i64.xor)))
;;> code: func 0 "same" (i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) -> (i64), frame 24, 192 bytes
;;>      0  sub rsp, 24  ; start
;;>      4  mov r14, rsi
;;>      7  mov r12, rdx
;;>      a  mov r11, r8
;;>      d  mov r8, qword [rsp + 32]
;;>     12  mov rsi, qword [rsp + 48]
;;>     17  mov rbp, qword [rsp + 64]
;;>     1c  mov rbx, qword [rsp + 80]
;;>     21  mov rax, qword [rsp + 96]
;;>     26  mov qword [rsp + 16], rax
;;>     2b  mov rax, qword [rsp + 112]
;;>     30  mov qword [rsp + 8], rax
;;>     35  mov rax, qword [rsp + 128]
;;>     3d  mov qword [rsp], rax
;;>     41  mov r15, qword [rsp + 144]
;;>     49  add rdi, 1  ; +7 i64.add
;;>     4d  add r14, 2  ; +14 i64.add
;;>     51  add r12, 3  ; +21 i64.add
;;>     55  add r11, 4  ; +28 i64.add
;;>     59  add r9, 5  ; +35 i64.add
;;>     5d  add r10, 6  ; +42 i64.add
;;>     61  add r8, 7  ; +49 i64.add
;;>     65  add rsi, 8  ; +56 i64.add
;;>     69  add rbp, 9  ; +63 i64.add
;;>     6d  add rbx, 10  ; +70 i64.add
;;>     71  add qword [rsp + 16], 11  ; +77 i64.add
;;>     77  add qword [rsp + 8], 12  ; +84 i64.add
;;>     7d  add qword [rsp], 13  ; +91 i64.add
;;>     82  add r15, 14  ; +98 i64.add
;;>     86  cmp rdi, 100  ; +107 br_if
;;>     8a  jne 49
;;>     8c  xor rdi, r14  ; +114 i64.xor
;;>     8f  xor rdi, r12  ; +117 i64.xor
;;>     92  xor rdi, r11  ; +120 i64.xor
;;>     95  xor rdi, r9  ; +123 i64.xor
;;>     98  xor rdi, r10  ; +126 i64.xor
;;>     9b  xor rdi, r8  ; +129 i64.xor
;;>     9e  xor rdi, rsi  ; +132 i64.xor
;;>     a1  xor rdi, rbp  ; +135 i64.xor
;;>     a4  xor rdi, rbx  ; +138 i64.xor
;;>     a7  xor rdi, qword [rsp + 16]  ; +141 i64.xor
;;>     ac  xor rdi, qword [rsp + 8]  ; +144 i64.xor
;;>     b1  xor rdi, qword [rsp]  ; +147 i64.xor
;;>     b5  xor rdi, r15  ; +150 i64.xor
;;>     b8  mov rax, rdi  ; +151 end
;;>     bb  add rsp, 24
;;>     bf  ret
;;> code: func 1 "other" (i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) -> (i64), frame 24, 194 bytes
;;>      0  sub rsp, 24  ; start
;;>      4  mov r15, rsi
;;>      7  mov r14, rdx
;;>      a  mov r12, r8
;;>      d  mov r11, r9
;;>     10  mov r9, qword [rsp + 32]
;;>     15  mov r8, qword [rsp + 48]
;;>     1a  mov rsi, qword [rsp + 64]
;;>     1f  mov rbp, qword [rsp + 80]
;;>     24  mov rax, qword [rsp + 96]
;;>     29  mov qword [rsp + 16], rax
;;>     2e  mov rax, qword [rsp + 112]
;;>     33  mov qword [rsp + 8], rax
;;>     38  mov rax, qword [rsp + 144]
;;>     40  mov qword [rsp], rax
;;>     44  mov rbx, qword [rsp]  ; +7 i64.add
;;>     48  add rbx, 5
;;>     4c  lea rax, qword [rbx + 6]  ; +14 i64.add
;;>     50  mov qword [rsp], rax
;;>     54  add rdi, 1  ; +21 i64.add
;;>     58  add r15, 1  ; +28 i64.add
;;>     5c  add r14, 1  ; +35 i64.add
;;>     60  add r12, 1  ; +42 i64.add
;;>     64  add r11, 1  ; +49 i64.add
;;>     68  add r10, 1  ; +56 i64.add
;;>     6c  add r9, 1  ; +63 i64.add
;;>     70  add r8, 1  ; +70 i64.add
;;>     74  add rsi, 1  ; +77 i64.add
;;>     78  add rbp, 1  ; +84 i64.add
;;>     7c  add qword [rsp + 16], 1  ; +91 i64.add
;;>     82  add qword [rsp + 8], 1  ; +98 i64.add
;;>     88  cmp rdi, 100  ; +107 br_if
;;>     8c  jne 44
;;>     8e  xor rdi, r15  ; +114 i64.xor
;;>     91  xor rdi, r14  ; +117 i64.xor
;;>     94  xor rdi, r12  ; +120 i64.xor
;;>     97  xor rdi, r11  ; +123 i64.xor
;;>     9a  xor rdi, r10  ; +126 i64.xor
;;>     9d  xor rdi, r9  ; +129 i64.xor
;;>     a0  xor rdi, r8  ; +132 i64.xor
;;>     a3  xor rdi, rsi  ; +135 i64.xor
;;>     a6  xor rdi, rbp  ; +138 i64.xor
;;>     a9  xor rdi, qword [rsp + 16]  ; +141 i64.xor
;;>     ae  xor rdi, qword [rsp + 8]  ; +144 i64.xor
;;>     b3  xor rdi, rbx  ; +147 i64.xor
;;>     b6  xor rdi, qword [rsp]  ; +150 i64.xor
;;>     ba  mov rax, rdi  ; +151 end
;;>     bd  add rsp, 24
;;>     c1  ret
