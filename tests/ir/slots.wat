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
      (local.set 1 (i64.add (local.get 2) (i64.const 5))) (local.set 2 (i64.add (local.get 1) (i64.const 6)))
      (local.set 0 (i64.add (local.get 0) (i64.const 1))) (local.set 12 (i64.add (local.get 12) (i64.const 1)))
      (local.set 13 (i64.add (local.get 13) (i64.const 1))) (local.set 3 (i64.add (local.get 3) (i64.const 1)))
      (local.set 4 (i64.add (local.get 4) (i64.const 1))) (local.set 5 (i64.add (local.get 5) (i64.const 1)))
      (local.set 6 (i64.add (local.get 6) (i64.const 1))) (local.set 7 (i64.add (local.get 7) (i64.const 1)))
      (local.set 8 (i64.add (local.get 8) (i64.const 1))) (local.set 9 (i64.add (local.get 9) (i64.const 1)))
      (local.set 10 (i64.add (local.get 10) (i64.const 1))) (local.set 11 (i64.add (local.get 11) (i64.const 1)))
      (br_if $again (i64.ne (local.get 0) (i64.const 100))))
    (local.get 0) (local.get 1) (i64.xor) (local.get 2) (i64.xor) (local.get 3) (i64.xor) (local.get 4) (i64.xor)
    (local.get 5) (i64.xor) (local.get 6) (i64.xor) (local.get 7) (i64.xor) (local.get 8) (i64.xor)
    (local.get 9) (i64.xor) (local.get 10) (i64.xor) (local.get 11) (i64.xor) (local.get 12) (i64.xor) (local.get 13) (i64.xor)))
;;> code: func 0 "same" (i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) -> (i64), frame 24, 189 bytes
;;>      0  sub rsp, 24  ; start
;;>      4  mov qword [rsp + 16], rsi
;;>      9  mov qword [rsp + 8], rdx
;;>      e  mov qword [rsp], r8
;;>     12  mov r15, r9
;;>     15  mov r14, r10
;;>     18  mov r12, qword [rsp + 32]
;;>     1d  mov r11, qword [rsp + 48]
;;>     22  mov r10, qword [rsp + 64]
;;>     27  mov r9, qword [rsp + 80]
;;>     2c  mov r8, qword [rsp + 96]
;;>     31  mov rsi, qword [rsp + 112]
;;>     36  mov rbp, qword [rsp + 128]
;;>     3e  mov rbx, qword [rsp + 144]
;;>     46  add rdi, 1  ; +7 i64.add
;;>     4a  add qword [rsp + 16], 2  ; +14 i64.add
;;>     50  add qword [rsp + 8], 3  ; +21 i64.add
;;>     56  add qword [rsp], 4  ; +28 i64.add
;;>     5b  add r15, 5  ; +35 i64.add
;;>     5f  add r14, 6  ; +42 i64.add
;;>     63  add r12, 7  ; +49 i64.add
;;>     67  add r11, 8  ; +56 i64.add
;;>     6b  add r10, 9  ; +63 i64.add
;;>     6f  add r9, 10  ; +70 i64.add
;;>     73  add r8, 11  ; +77 i64.add
;;>     77  add rsi, 12  ; +84 i64.add
;;>     7b  add rbp, 13  ; +91 i64.add
;;>     7f  add rbx, 14  ; +98 i64.add
;;>     83  cmp rdi, 100  ; +107 br_if
;;>     87  jne 46
;;>     89  xor rdi, qword [rsp + 16]  ; +114 i64.xor
;;>     8e  xor rdi, qword [rsp + 8]  ; +117 i64.xor
;;>     93  xor rdi, qword [rsp]  ; +120 i64.xor
;;>     97  xor rdi, r15  ; +123 i64.xor
;;>     9a  xor rdi, r14  ; +126 i64.xor
;;>     9d  xor rdi, r12  ; +129 i64.xor
;;>     a0  xor rdi, r11  ; +132 i64.xor
;;>     a3  xor rdi, r10  ; +135 i64.xor
;;>     a6  xor rdi, r9  ; +138 i64.xor
;;>     a9  xor rdi, r8  ; +141 i64.xor
;;>     ac  xor rdi, rsi  ; +144 i64.xor
;;>     af  xor rdi, rbp  ; +147 i64.xor
;;>     b2  xor rdi, rbx  ; +150 i64.xor
;;>     b5  mov rax, rdi  ; +151 end
;;>     b8  add rsp, 24
;;>     bc  ret
;;> code: func 1 "other" (i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) -> (i64), frame 24, 200 bytes
;;>      0  sub rsp, 24  ; start
;;>      4  mov qword [rsp + 8], rdx
;;>      9  mov qword [rsp], r8
;;>      d  mov r15, r9
;;>     10  mov r14, r10
;;>     13  mov r12, qword [rsp + 32]
;;>     18  mov r11, qword [rsp + 48]
;;>     1d  mov r10, qword [rsp + 64]
;;>     22  mov r9, qword [rsp + 80]
;;>     27  mov r8, qword [rsp + 96]
;;>     2c  mov rsi, qword [rsp + 112]
;;>     31  mov rbp, qword [rsp + 128]
;;>     39  mov rbx, qword [rsp + 144]
;;>     41  mov rax, qword [rsp + 8]  ; +7 i64.add
;;>     46  add rax, 5
;;>     4a  mov qword [rsp + 16], rax
;;>     4f  mov rax, qword [rsp + 16]  ; +14 i64.add
;;>     54  add rax, 6
;;>     58  mov qword [rsp + 8], rax
;;>     5d  add rdi, 1  ; +21 i64.add
;;>     61  add rbp, 1  ; +28 i64.add
;;>     65  add rbx, 1  ; +35 i64.add
;;>     69  add qword [rsp], 1  ; +42 i64.add
;;>     6e  add r15, 1  ; +49 i64.add
;;>     72  add r14, 1  ; +56 i64.add
;;>     76  add r12, 1  ; +63 i64.add
;;>     7a  add r11, 1  ; +70 i64.add
;;>     7e  add r10, 1  ; +77 i64.add
;;>     82  add r9, 1  ; +84 i64.add
;;>     86  add r8, 1  ; +91 i64.add
;;>     8a  add rsi, 1  ; +98 i64.add
;;>     8e  cmp rdi, 100  ; +107 br_if
;;>     92  jne 41
;;>     94  xor rdi, qword [rsp + 16]  ; +114 i64.xor
;;>     99  xor rdi, qword [rsp + 8]  ; +117 i64.xor
;;>     9e  xor rdi, qword [rsp]  ; +120 i64.xor
;;>     a2  xor rdi, r15  ; +123 i64.xor
;;>     a5  xor rdi, r14  ; +126 i64.xor
;;>     a8  xor rdi, r12  ; +129 i64.xor
;;>     ab  xor rdi, r11  ; +132 i64.xor
;;>     ae  xor rdi, r10  ; +135 i64.xor
;;>     b1  xor rdi, r9  ; +138 i64.xor
;;>     b4  xor rdi, r8  ; +141 i64.xor
;;>     b7  xor rdi, rsi  ; +144 i64.xor
;;>     ba  xor rdi, rbp  ; +147 i64.xor
;;>     bd  xor rdi, rbx  ; +150 i64.xor
;;>     c0  mov rax, rdi  ; +151 end
;;>     c3  add rsp, 24
;;>     c7  ret
