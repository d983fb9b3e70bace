;; Shapes of memory accesses, constants stored, a second memory, globals, sizes.
;;! build,code
(module
  (memory 1) (memory 1)
  (global $a (mut i64) (i64.const 0)) (global $b (mut f64) (f64.const 0)) (global $c (mut v128) (v128.const i64x2 0 0))
  (export "a" (global $a))
  (func $loads (param i32) (result i64)
    (i64.load8_s (local.get 0)) (i64.load8_u offset=1 (local.get 0)) i64.xor
    (i64.load16_s (local.get 0)) i64.xor (i64.load16_u (local.get 0)) i64.xor
    (i64.load32_s (local.get 0)) i64.xor (i64.load32_u (local.get 0)) i64.xor
    (i64.load offset=0xffffffff (i32.const 16)) i64.xor)
  (func $stores (param i32 i64 f32)
    (i64.store8 (local.get 0) (local.get 1)) (i64.store16 (local.get 0) (i64.const -1))
    (i32.store (local.get 0) (i32.wrap_i64 (local.get 1))) (i64.store (local.get 0) (i64.const 0x123456789abc))
    (f32.store (local.get 0) (local.get 2)) (f32.store (local.get 0) (f32.const 0)))
  (func $second (param i32) (result i32)
    (i32.store 1 (local.get 0) (i32.load 1 offset=4 (local.get 0)))
    (i32.add (memory.size) (memory.size 1)))
  (func $address_of_an_i64 (param i64) (result i32)
    (i32.load (i32.wrap_i64 (local.get 0))))
  (func $globals (param i64)
    (global.set $a (i64.add (global.get $a) (local.get 0)))
    (global.set $b (f64.add (global.get $b) (f64.const 0x1p-3)))))
;;> build: func 0 "loads" (i32) -> (i64)
;;> b0:
;;>     t0 = load.i64.8s [l0]
;;>     t1 = load.i64.8u [l0 + 1]
;;>     t2 = xor.i64 t0, t1
;;>     t3 = load.i64.16s [l0]
;;>     t4 = xor.i64 t2, t3
;;>     t5 = load.i64.16u [l0]
;;>     t6 = xor.i64 t4, t5
;;>     t7 = load.i64.32s [l0]
;;>     t8 = xor.i64 t6, t7
;;>     t9 = load.i64.32u [l0]
;;>     t10 = xor.i64 t8, t9
;;>     t12 = xor.i64 t10, (load.i64.64 [16 + 4294967295])
;;>     return (t12)
;;> code: func 0 "loads" (i32) -> (i64), frame 0, 54 bytes
;;>      0  movsx rdx, byte [rdi]  ; +3 i64.load8_s
;;>      4  movzx r15d, byte [rdi + 1]  ; +8 i64.load8_u
;;>      9  xor rdx, r15  ; +11 i64.xor
;;>      c  movsx r15, word [rdi]  ; +14 i64.load16_s
;;>     10  xor rdx, r15  ; +17 i64.xor
;;>     13  movzx r15d, word [rdi]  ; +20 i64.load16_u
;;>     17  xor rdx, r15  ; +23 i64.xor
;;>     1a  movsxd r15, dword [rdi]  ; +26 i64.load32_s
;;>     1d  xor rdx, r15  ; +29 i64.xor
;;>     20  mov edi, dword [rdi]  ; +32 i64.load32_u
;;>     22  xor rdx, rdi  ; +35 i64.xor
;;>     25  mov rcx, 0x10000000f  ; +45 i64.xor
;;>     2f  xor rdx, qword [rcx]  ; +38 i64.load
;;>     32  mov rax, rdx  ; +46 end
;;>     35  ret
;;> build: func 1 "stores" (i32 i64 f32) -> ()
;;> b0:
;;>     store.i64.8u [l0], l1
;;>     store.i64.16u [l0], -1
;;>     store.i32.32u [l0], lo(l1)
;;>     store.i64.64 [l0], 0x123456789abc
;;>     store.f32.f32 [l0], l2
;;>     store.f32.f32 [l0], 0.0
;;>     return ()
;;> code: func 1 "stores" (i32 i64 f32) -> (), frame 0, 37 bytes
;;>      0  mov byte [rdi], sil  ; +5 i64.store8
;;>      3  mov word [rdi], 65535  ; +12 i64.store16
;;>      8  mov dword [rdi], esi  ; +20 i32.store
;;>      a  mov rax, 0x123456789abc  ; +33 i64.store
;;>     14  mov qword [rdi], rax
;;>     17  movss [rdi], xmm0  ; +40 f32.store
;;>     1b  xorps xmm15, xmm15  ; +50 f32.store
;;>     1f  movss [rdi], xmm15
;;>     24  ret  ; +53 end
;;> build: func 2 "second" (i32) -> (i32)
;;> b0:
;;>     t0 = load.i32.32u [memory 1: l0 + 4]
;;>     store.i32.32u [memory 1: l0], t0
;;>     t1 = memsize.i32 0
;;>     t2 = memsize.i32 1
;;>     t3 = add.i32 t1, t2
;;>     return (t3)
;;> code: func 2 "second" (i32) -> (i32), frame 0, 53 bytes
;;>      0  mov rcx, rdi  ; +5 i32.load
;;>      3  add rcx, [memory 1 base]
;;>      a  mov edx, dword [rcx + 4]
;;>      d  mov rcx, rdi  ; +9 i32.store
;;>     10  add rcx, [memory 1 base]
;;>     17  mov dword [rcx], edx
;;>     19  mov rdx, [memory 0 bytes]  ; +13 memory.size
;;>     20  shr rdx, 16
;;>     24  mov r15, [memory 1 bytes]  ; +15 memory.size
;;>     2b  shr r15, 16
;;>     2f  add edx, r15d  ; +17 i32.add
;;>     32  mov eax, edx  ; +18 end
;;>     34  ret
;;> build: func 3 "address_of_an_i64" (i64) -> (i32)
;;> b0:
;;>     t0 = load.i32.32u [lo(l0)]
;;>     return (t0)
;;> code: func 3 "address_of_an_i64" (i64) -> (i32), frame 0, 6 bytes
;;>      0  mov edi, dword [edi]  ; +4 i32.load
;;>      3  mov eax, edi  ; +7 end
;;>      5  ret
;;> build: func 4 "globals" (i64) -> ()
;;> b0:
;;>     t0 = global_get.i64 0
;;>     t1 = add.i64 t0, l0
;;>     global_set.i64 0, t1
;;>     t2 = global_get.f64 1
;;>     t3 = fadd.f64 t2, 0.125
;;>     global_set.f64 1, t3
;;>     return ()
;;> code: func 4 "globals" (i64) -> (), frame 0, 72 bytes
;;>      0  mov rdx, [global 0]  ; +1 global.get
;;>      7  add rdx, rdi  ; +5 i64.add
;;>      a  mov [global 0], rdx  ; +6 global.set
;;>     11  movsd xmm13, [global 1]  ; +8 global.get
;;>     1a  movsd xmm14, [40]  ; +19 f64.add
;;>     23  addsd xmm13, xmm14
;;>     28  movsd [global 1], xmm13  ; +20 global.set
;;>     31  ret  ; +22 end
;;>     32  bytes cc cc cc cc cc cc cc cc cc cc cc cc cc cc
;;>     40  bytes 00 00 00 00 00 00 c0 3f
