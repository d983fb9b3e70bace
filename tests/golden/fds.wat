;; Ends with how many descriptors it has from 3 to 1,023.
;; fds.wasm is made from this by wat2wasm; tests/golden needs no wabt.
(module
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fdstat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (local $fd i32)
    (local $found i32)
    (local.set $fd (i32.const 3))
    (loop $next
      (local.set $found (i32.add (local.get $found) (i32.eqz (call $fdstat (local.get $fd) (i32.const 0)))))
      (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $fd) (i32.const 1024))))
    (call $exit (local.get $found))))
